//! The story of a bad pointer in sentences.

use arch::{Effect, Expr, Op, Reg};
use base::Trust;

use super::access::Agreement;
use super::linear::{Leaf, Past, Term};
use super::shadow::{self, Shadow};
use super::shape::{Hop, Place, Shape, hops, past_of, shape};
use super::slots::Stored;
use super::{Provenance, Window};
use crate::pointers::{Bad, error_name, letters};

/// A step of the argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// What it says.
    pub says: String,
    /// How it is known.
    pub trust: Trust,
}

fn computed(says: String) -> Sentence {
    Sentence {
        says,
        trust: Trust::Computed,
    }
}

/// The argument, from the failed access back to where the bytes end.
pub fn sentences(provenance: &Provenance, source: Option<&str>) -> Vec<Sentence> {
    let window = &provenance.window;
    let mut out = vec![failed(provenance, source)];
    let sum = &provenance.address;
    if let Some(shadow) = &provenance.shadow {
        out.push(checked(shadow));
    }
    for &insn in sum.insns.iter().rev() {
        if insn != window.fault && !window.is_load(insn) {
            out.push(computed(made(window, insn, &sum.terms)));
        }
    }
    for (reg, value) in &sum.assumed {
        out.push(computed(format!(
            "{reg} is {value} ({value:#x}): the size that the index is multiplied by"
        )));
    }
    let shape = shape(provenance);
    if let Shape::Element { by, index, .. } = &shape {
        out.push(computed(format!(
            "{} was {index} ({index:#x})",
            name(window, by)
        )));
        // That an older value is not known has been said.
        let known = !matches!(
            by.leaf,
            Leaf::Register {
                past: Past::Cut | Past::Jumped(_),
                ..
            }
        );
        if known {
            follow(provenance, by, &mut out);
        }
    }
    if let Some(pointer) = shape.pointer() {
        follow(provenance, pointer, &mut out);
    }
    if !window.sure {
        out.push(Sentence {
            says: "The instructions before the failed one were found by synchronisation: the printed bytes \
                   do not tell where the first begins"
                .to_owned(),
            trust: Trust::Inferred,
        });
    }
    if !window.whole {
        out.push(Sentence {
            says: "Only a part of the function was printed: this is the way that it shows, and a jump from \
                   the rest could lead into it"
                .to_owned(),
            trust: Trust::Inferred,
        });
    }
    out
}

/// `` `lbu v1,24(s1)` reads 1 byte at s1 + 24 = 0x300 + 24 = 0x318, the address that BadVA reports ``
fn failed(provenance: &Provenance, source: Option<&str>) -> Sentence {
    let access = &provenance.access;
    let window = &provenance.window;
    let text = window
        .insns
        .get(window.fault)
        .map_or("", |insn| insn.text.as_str());
    let verb = access.does();
    let mut says = format!(
        "The instruction that failed, `{text}`, {verb} {} at ",
        bytes(access.size)
    );
    says.push_str(&show(&access.address));
    if let Some(value) = access.computed {
        let numbers = with_values(window, &access.address);
        if numbers != show(&access.address) && numbers != format!("{value:#x}") {
            says.push_str(&format!(" = {numbers}"));
        }
        says.push_str(&format!(" = {value:#x}"));
    }
    let source = source.unwrap_or("the CPU");
    match (access.agreement, access.reported) {
        // The kernel decodes the instruction itself where the CPU gives no address.
        (Agreement::Same, _) if source.starts_with("operands") => {
            says.push_str(", the address that the kernel computed too");
        }
        (Agreement::Same, _) => says.push_str(&format!(", the address that {source} reports")),
        (Agreement::Inside, Some(reported)) => {
            says.push_str(&format!(
                "; {source} reports {reported:#x}, inside these bytes"
            ));
        }
        (Agreement::Contradicts, Some(reported)) => {
            says.push_str(&format!(
                ", but {source} reports {reported:#x}: the registers or the code bytes are not those of the fault"
            ));
        }
        (Agreement::NotComputed, _) => says.push_str("; not all that makes it was printed"),
        _ => {}
    }
    computed(says)
}

/// What KASAN was asked about.
fn checked(shadow: &Shadow) -> Sentence {
    let first = shadow.first;
    let what = match shadow::whole(&shadow.address) {
        Some(address) => format!("{address:#x}"),
        None => format!("one of {first:#x} to {:#x}", first.wrapping_add(7)),
    };
    computed(format!(
        "That is where KASAN keeps the shadow of {what}: an eighth of the address plus {:#x}. The \
         kernel was about to access that address; KASAN's check came first",
        shadow.offset
    ))
}

/// `` `daddu s1,a0,v0` made s1: a0 + v0 = 0x0 + 0x300 = 0x300 ``
fn made(window: &Window, index: usize, terms: &[Term]) -> String {
    let Some(insn) = window.insns.get(index) else {
        return String::new();
    };
    let set = insn.effects.iter().find_map(|effect| match effect {
        Effect::Set(reg, value) if *reg != Reg::FLAGS => Some((*reg, value)),
        _ => None,
    });
    let Some((reg, value)) = set else {
        return format!("`{}`", insn.text);
    };
    if window.is_relative(index) {
        let value = window.value(reg, index + 1);
        let value = value.map_or_else(String::new, |value| format!(" = {value:#x}"));
        return format!(
            "`{}` made {reg}, counted from its own address{value}",
            insn.text
        );
    }
    let mut says = format!("`{}` made {reg}: {}", insn.text, show(value));
    // A value that was overwritten since may have been solved from the sum.
    let solved = |reg: Reg| {
        terms.iter().find_map(|term| match term.leaf {
            Leaf::Register { reg: of, at, .. } if of == reg && at == index => term.value,
            _ => None,
        })
    };
    let numbers = write(value, &|reg| {
        let value = window.value(reg, index).or_else(|| solved(reg));
        value.map_or_else(|| reg.to_string(), |value| format!("{value:#x}"))
    });
    if numbers != show(value) {
        says.push_str(&format!(" = {numbers}"));
    }
    if let Some(result) = window.value(reg, index + 1) {
        says.push_str(&format!(" = {result:#x}"));
    }
    says
}

/// Where the bad pointer came from.
fn follow(provenance: &Provenance, pointer: &Term, out: &mut Vec<Sentence>) {
    let window = &provenance.window;
    let hops = hops(window, pointer);
    let mut value = pointer.value;
    for hop in &hops {
        out.push(computed(read(window, hop, value)));
        value = if let Some(stored) = &hop.stored {
            out.push(waited(window, stored));
            value
        } else {
            hop.next(window).and_then(|term| term.value)
        };
    }
    let last = match hops.last() {
        None => Some(pointer.clone()),
        Some(hop) => hop.next(window),
    };
    let Some(last) = last else { return };
    if hops
        .last()
        .is_some_and(|hop| hop.place == Place::Stack && hop.stored.is_none())
    {
        out.push(computed(
            "What had put it on the stack is not among the printed code bytes, or not on every way"
                .to_owned(),
        ));
        return;
    }
    if let Some(says) = end(window, &last) {
        out.push(computed(says));
    }
    let argument = matches!(
        last.leaf,
        Leaf::Register {
            past: Past::Argument(_),
            ..
        }
    );
    if let Some(caller) = provenance.caller.as_deref().filter(|_| argument) {
        // Of the caller no code is printed: whether its call leads here cannot be seen.
        out.push(Sentence {
            says: format!(
                "The next function on the stack is {caller}; whether it called this one, or one that \
                 jumped here and left no frame, the printed code does not show"
            ),
            trust: Trust::Inferred,
        });
    }
}

/// `` `mov %rdi,0x28(%rsp)` had put it there ``
fn waited(window: &Window, stored: &Stored) -> Sentence {
    let put = format!("`{}` had put it there", text(window, stored.insn));
    if stored.sure {
        return computed(put);
    }
    Sentence {
        says: format!(
            "{put}, unless what ran between knew that address: a call or another store stands there"
        ),
        trust: Trust::Inferred,
    }
}

/// `` a0 is what `ld a0,616(s2)` read: 0x0, NULL, from offset 616 of the object at s2 = 0xa800… ``
fn read(window: &Window, hop: &Hop, value: Option<u64>) -> String {
    let text = window
        .insns
        .get(hop.insn)
        .map_or("", |insn| insn.text.as_str());
    let mut says = format!("{} is what `{text}` read", hop.reg);
    if let Some(value) = value {
        says.push_str(&format!(": {}", describe(window, value)));
    }
    let address = hop
        .address
        .map_or_else(String::new, |address| format!(" = {address:#x}"));
    match (hop.place, hop.object) {
        (Place::Global, _) => says.push_str(", from a global variable"),
        (Place::GlobalArray, _) => says.push_str(", from an array at a fixed address"),
        (Place::PerCpu, _) => says.push_str(", from a per-CPU variable"),
        (Place::Reserved(what), _) => {
            says.push_str(&format!(", from {what}"));
        }
        (_, None) => {}
        (place, Some(object)) => {
            let memory = if place == Place::Stack {
                "the stack"
            } else {
                "the object"
            };
            let offset = hop.offset;
            says.push_str(&format!(
                ", from offset {offset} of {memory} at {object}{address}"
            ));
        }
    }
    says
}

/// Why the way back ends.
fn end(window: &Window, term: &Term) -> Option<String> {
    let Leaf::Register { reg, past, .. } = &term.leaf else {
        return match &term.leaf {
            Leaf::Opaque(why) => Some(format!("The way back ends at {why}")),
            _ => None,
        };
    };
    Some(match past {
        Past::Cut => {
            format!("The way back of {reg} ends here, because the printed code bytes begin here")
        }
        Past::Jumped(jump) => format!(
            "The way back of {reg} ends here, because control came from elsewhere behind `{}`",
            text(window, *jump)
        ),
        Past::Moving => format!(
            "{reg} moves with each round of `{}`: where it began is not known",
            text(window, window.fault)
        ),
        Past::Lost(call) => {
            format!(
                "The way back of {reg} ends at the call `{}`, which may change it",
                text(window, *call)
            )
        }
        other => format!("{reg} is {}", origin(window, other)),
    })
}

/// Where a value came from, as what it is.
fn origin(window: &Window, past: &Past) -> String {
    match past {
        Past::Set(insn) => format!("what `{}` put there", text(window, *insn)),
        Past::Argument(number) => {
            format!(
                "argument {} of the function, unchanged since its entry",
                number + 1
            )
        }
        Past::Entry => "as the caller left it".to_owned(),
        Past::Returned(call) => format!("what the call `{}` returned", text(window, *call)),
        Past::Lost(call) => format!("what the call `{}` left there", text(window, *call)),
        Past::Cut => "older than the printed code bytes".to_owned(),
        Past::Jumped(jump) => format!(
            "what was there when control came from elsewhere behind `{}`",
            text(window, *jump)
        ),
        Past::Moving => "where the failed instruction had come".to_owned(),
        Past::Several(ways) => {
            let ways: Vec<String> = ways.iter().map(|way| origin(window, way)).collect();
            format!(
                "one of these, by the way that control took: {}",
                ways.join("; or ")
            )
        }
    }
}

fn text(window: &Window, insn: usize) -> &str {
    window.insns.get(insn).map_or("", |insn| insn.text.as_str())
}

/// The sentences of the verdict; none when the bytes tell no more than the address.
pub fn verdict(provenance: &Provenance, place: &str) -> Option<Vec<String>> {
    if provenance.access.agreement == Agreement::Contradicts {
        return None;
    }
    let window = &provenance.window;
    // Of a check only the place is known, neither the size nor what would have been done there.
    let (verb, what) = match provenance.shadow {
        Some(_) => ("was about to access", "memory".to_owned()),
        None => (provenance.access.did(), bytes(provenance.access.size)),
    };
    let shape = shape(provenance);
    let Some(value) = shape.pointer().and_then(|term| term.value) else {
        return by_shadow(provenance, place);
    };
    let state = bad(window, value)?;
    let first = match &shape {
        Shape::Element {
            index,
            size,
            offset,
            ..
        } => format!(
            "{place} {verb} {what} at offset {offset} of element {index} of an array whose base pointer {state}; \
             the elements are {size} bytes."
        ),
        Shape::Member { offset: 0, .. } => {
            format!("{place} {verb} {what} through a pointer that {state}.")
        }
        Shape::Member { offset, .. } => {
            format!("{place} {verb} {what} at offset {offset} of an object whose pointer {state}.")
        }
        Shape::Other => return None,
    };
    let mut verdict = vec![first];
    verdict.extend(origin_of_pointer(provenance));
    Some(verdict)
}

/// Where the pointer of the failed access stood before, whatever its value; none where the bytes
/// do not show it.
pub fn origin_of_pointer(provenance: &Provenance) -> Option<String> {
    let shape = shape(provenance);
    let pointer = shape.pointer()?;
    let whence = whence(provenance, pointer, pointer.value?)?;
    Some(if certain(provenance) {
        whence
    } else {
        hedged(&whence)
    })
}

/// The verdict where only KASAN's shadow tells the address.
fn by_shadow(provenance: &Provenance, place: &str) -> Option<Vec<String>> {
    let first = provenance.shadow.as_ref()?.first;
    let state = match past_of(&provenance.window, first)? {
        Bad::NullPlus(0) => "the first bytes behind NULL".to_owned(),
        bad => meaning(&bad),
    };
    Some(vec![format!(
        "{place} was about to access memory at {first:#x}, or up to 7 bytes behind it: {state}."
    )])
}

/// Whether the way back cannot have been another one: the whole function was printed, or the
/// values bear out several instructions between the read and the failed access.
fn certain(provenance: &Provenance) -> bool {
    let window = &provenance.window;
    let made = provenance
        .address
        .insns
        .iter()
        .filter(|&&insn| !window.is_load(insn));
    window.whole || made.count() >= 2
}

/// A jump from code that was not printed may lead between the read and the access.
fn hedged(whence: &str) -> String {
    let mut letters = whence.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    let rest = letters.as_str().trim_end_matches('.');
    let first = first.map(String::from).unwrap_or_default();
    format!(
        "By the code that was printed, {first}{rest}; code that was not printed may lead there another way."
    )
}

/// Where the pointer stood.
fn whence(provenance: &Provenance, pointer: &Term, value: u64) -> Option<String> {
    let window = &provenance.window;
    let what = if value == 0 {
        "The NULL"
    } else {
        "The pointer"
    };
    let mut term = pointer.clone();
    let mut sure = true;
    for hop in hops(window, pointer) {
        let Some(stored) = &hop.stored else {
            return lies(window, &hop, what).map(|says| if sure { says } else { waiting(&says) });
        };
        sure &= stored.sure;
        match hop.next(window) {
            Some(next) => term = next,
            None => return lies(window, &hop, what),
        }
    }
    let says = origin_of(&term, provenance, what)?;
    Some(if sure { says } else { waiting(&says) })
}

/// What held a value on the stack may have been changed there.
fn waiting(says: &str) -> String {
    let says = says.trim_end_matches('.');
    format!("{says}, unless it was changed while it waited on the stack.")
}

/// Who gave the pointer to the function, where it read it nowhere.
fn origin_of(term: &Term, provenance: &Provenance, what: &str) -> Option<String> {
    let window = &provenance.window;
    match &term.leaf {
        Leaf::Register {
            past: Past::Argument(number),
            ..
        } => Some(format!(
            "{what} is argument {} of the function: {}.",
            number + 1,
            caller(provenance)
        )),
        Leaf::Register {
            past: past @ (Past::Returned(_) | Past::Several(_)),
            ..
        } => Some(format!("{what} is {}.", origin(window, past))),
        _ => None,
    }
}

/// Who passed an argument. A function that ends in a jump to another (a tail call) leaves no
/// frame: the one that is next on the stack need not be it.
fn caller(provenance: &Provenance) -> String {
    match provenance.caller.as_deref() {
        Some(caller) => {
            format!("{caller} passed it, or a function that it called and that jumped here")
        }
        None => "its caller passed it".to_owned(),
    }
}

/// In which memory the pointer stood.
fn lies(window: &Window, hop: &Hop, what: &str) -> Option<String> {
    let text = text(window, hop.insn);
    let offset = hop.offset;
    let object = |object: Reg| match hop.address {
        Some(address) => format!("{object} = {address:#x}"),
        None => object.to_string(),
    };
    Some(match hop.place {
        Place::Global => format!("{what} is the value of a global variable, which `{text}` read."),
        Place::GlobalArray => {
            format!("{what} stood in an array at a fixed address, from which `{text}` read it.")
        }
        Place::PerCpu => format!("{what} is the value of a per-CPU variable, which `{text}` read."),
        Place::Reserved(memory) => {
            format!("{what} stood in {memory}, from which `{text}` read it.")
        }
        Place::Stack => {
            let stack = object(hop.object?);
            format!("{what} lies on the stack, {offset} bytes above {stack}.")
        }
        Place::Object if hop.object.is_none() => return element(window, hop, what),
        Place::Object => {
            let object = object(hop.object?);
            format!("{what} sits at offset {offset} of the object at {object}.")
        }
    })
}

/// A pointer that an index found.
fn element(window: &Window, hop: &Hop, what: &str) -> Option<String> {
    let (base, index) = hop.element()?;
    let (reg, size) = (base.leaf.register()?, index.factor);
    let number = index.value?;
    let value = base
        .value
        .map_or_else(String::new, |value| format!(" = {value:#x}"));
    let behind = match hop.sum.constant.cast_signed() {
        0 => format!("at {reg}{value}"),
        offset => format!("at offset {offset} from {reg}{value}"),
    };
    Some(format!(
        "{what} is element {number} of an array {behind}, whose elements are {size} bytes: `{}` read it.",
        text(window, hop.insn)
    ))
}

/// How a bad pointer is bad; none for one that may be valid.
fn bad(window: &Window, value: u64) -> Option<String> {
    if value == 0 {
        return Some("is NULL".to_owned());
    }
    past_of(window, value)?;
    Some(format!("is {}", describe(window, value)))
}

fn describe(window: &Window, value: u64) -> String {
    if value == 0 {
        return "NULL".to_owned();
    }
    match past_of(window, value) {
        None => format!("{value:#x}"),
        Some(bad) => format!("{value:#x}, {}", meaning(&bad)),
    }
}

/// What a bad value is.
fn meaning(bad: &Bad) -> String {
    match bad {
        Bad::NullPlus(_) => "a small number: NULL plus an offset, or no pointer at all".to_owned(),
        Bad::ErrorPointer(number) => match error_name(*number) {
            Some(name) => format!("the error number {name} ({number}) where a pointer belongs"),
            None => format!("the number {number} where a pointer belongs"),
        },
        Bad::ListPoison1(_) => {
            "LIST_POISON1: the next of an entry that was deleted from its list".to_owned()
        }
        Bad::ListPoison2(_) => {
            "LIST_POISON2: the prev of an entry that was deleted from its list".to_owned()
        }
        Bad::TimerStatic(_) => "TIMER_ENTRY_STATIC".to_owned(),
        Bad::Pattern(pattern, _) => format!(
            "the byte {:#x} repeated ({}), which marks {}",
            pattern.byte, pattern.name, pattern.means
        ),
        Bad::Mark(mark, _) => format!("{}: {}", mark.name, mark.means),
        Bad::NonCanonical => "no canonical address".to_owned(),
        Bad::Text(text) | Bad::TextEnd(text) => {
            format!("the text \"{}\" where a pointer belongs", letters(text))
        }
        Bad::UserSpace => "an address of user space".to_owned(),
    }
}

fn name(window: &Window, term: &Term) -> String {
    match &term.leaf {
        Leaf::Loaded { insn, .. } => {
            let text = window
                .insns
                .get(*insn)
                .map_or("", |insn| insn.text.as_str());
            format!("The index, which `{text}` read,")
        }
        Leaf::Register { reg, .. } => format!("The index, {reg} before it was multiplied,"),
        Leaf::Opaque(_) | Leaf::Address(_) | Leaf::Eighth { .. } => "The index".to_owned(),
    }
}

fn bytes(size: u8) -> String {
    if size == 1 {
        "1 byte".to_owned()
    } else {
        format!("{size} bytes")
    }
}

/// An expression for people: `s1 + 24`, `v0 × v1`.
pub fn show(expr: &Expr) -> String {
    write(expr, &|reg| reg.to_string())
}

fn with_values(window: &Window, expr: &Expr) -> String {
    write(expr, &|reg| {
        window
            .printed(reg)
            .map_or_else(|| reg.to_string(), |value| format!("{value:#x}"))
    })
}

fn write(expr: &Expr, reg: &dyn Fn(Reg) -> String) -> String {
    match expr {
        Expr::Reg(name) => reg(*name),
        // A small number is an offset and read in decimal; a large one is an address.
        Expr::Const(value) => match value.cast_signed() {
            small if small.unsigned_abs() < 0x1_0000 => small.to_string(),
            _ => format!("{value:#x}"),
        },
        Expr::Load(load) => {
            let space = load
                .space
                .map_or_else(String::new, |space| format!("{space}:"));
            format!("{space}[{}]", write(&load.address, reg))
        }
        Expr::Binary(op, left, right) => {
            if let (Op::Add, Expr::Const(value)) = (op, right.as_ref()) {
                let offset = value.cast_signed();
                if (-0x1_0000..0).contains(&offset) {
                    return format!("{} - {}", write(left, reg), offset.unsigned_abs());
                }
            }
            let sign = match op {
                Op::Add => "+",
                Op::Sub => "-",
                Op::Mul => "×",
                Op::DivU | Op::DivS => "/",
                Op::And => "&",
                Op::Or => "|",
                Op::Xor => "^",
                Op::Shl => "<<",
                Op::Shr | Op::Sar => ">>",
            };
            let side = |side: &Expr| match side {
                Expr::Binary(inner, ..) if !matches!((op, inner), (Op::Add, _)) => {
                    format!("({})", write(side, reg))
                }
                _ => write(side, reg),
            };
            format!("{} {sign} {}", side(left), side(right))
        }
        Expr::Extend { value, .. } => write(value, reg),
        Expr::Compare(left, right) => format!("{} against {}", write(left, reg), write(right, reg)),
        Expr::Test(left, right) => {
            format!("{} & {} against 0", write(left, reg), write(right, reg))
        }
        Expr::Select(_, left, right) => format!("{} or {}", write(left, reg), write(right, reg)),
        Expr::Unknown(why) => (*why).to_owned(),
    }
}
