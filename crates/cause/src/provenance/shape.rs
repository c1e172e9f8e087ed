//! What the address of a bad access looks like: a member of NULL, an element
//! of an array whose base is NULL, a pointer with a telling value.

use arch::{Expr, Reg, extend};

use super::linear::{self, Leaf, Linear, Term};
use super::slots::{self, Stored};
use super::{Provenance, Window};
use crate::pointers::{Bad, classify};

/// Past this a factor is no size of an element, and an index no index.
const MAX_ELEMENT: u64 = 1 << 20;
/// Objects that are followed from pointer to pointer.
const MAX_HOPS: usize = 8;

/// The shape of an address.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// An offset from a pointer that is no valid one.
    Member {
        /// The pointer.
        pointer: Term,
        /// Bytes.
        offset: i64,
    },
    /// A part of an element of an array whose base is no valid pointer.
    Element {
        /// The base of the array.
        base: Term,
        /// Number of the element.
        index: u64,
        /// The part that carried the number.
        by: Term,
        /// Bytes of an element.
        size: u64,
        /// Bytes from the start of the element.
        offset: i64,
    },
    /// None that is known.
    Other,
}

/// The shape of the failed access.
pub fn shape(provenance: &Provenance) -> Shape {
    let sum = &provenance.address;
    let pointers: Vec<&Term> = sum.terms.iter().filter(|term| term.factor == 1).collect();
    let scaled: Vec<&Term> = sum.terms.iter().filter(|term| term.factor != 1).collect();
    let offset = sum.constant.cast_signed();
    match (pointers.as_slice(), scaled.as_slice()) {
        // No instruction reaches further; what does was made of parts that are not known.
        _ if i32::try_from(offset).is_err() => Shape::Other,
        ([pointer], []) => Shape::Member {
            pointer: (*pointer).clone(),
            offset,
        },
        ([base], [by]) if (2..MAX_ELEMENT).contains(&by.factor) => match by.value {
            // The low bits of an index are what counts: it may be 32 bits wide.
            Some(index) if index < 1 << 32 => Shape::Element {
                base: (*base).clone(),
                index,
                by: (*by).clone(),
                size: by.factor,
                offset,
            },
            _ => Shape::Other,
        },
        _ => Shape::Other,
    }
}

impl Shape {
    /// The pointer that was bad.
    pub fn pointer(&self) -> Option<&Term> {
        match self {
            Shape::Member { pointer, .. } => Some(pointer),
            Shape::Element { base, .. } => Some(base),
            Shape::Other => None,
        }
    }
}

/// What the value of a pointer says about itself.
pub fn past_of(window: &Window, value: u64) -> Option<Bad> {
    classify(value, Some(window.arch.name))
}

/// What memory a pointer was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An object, to which a pointer led.
    Object,
    /// The stack.
    Stack,
    /// A variable at a fixed address.
    Global,
    /// An array at a fixed address.
    GlobalArray,
    /// A variable that each CPU has for itself.
    PerCpu,
    /// What a register is reserved for.
    Reserved(&'static str),
}

/// A pointer that was read from an object, which another pointer led to.
#[derive(Clone, Debug, PartialEq)]
pub struct Hop {
    /// Index of the reading instruction.
    pub insn: usize,
    /// The register that took the value.
    pub reg: Reg,
    /// What memory it was.
    pub place: Place,
    /// The register that led to the object, where one did alone.
    pub object: Option<Reg>,
    /// The object's address, where it is known.
    pub address: Option<u64>,
    /// Bytes from there.
    pub offset: i64,
    /// What the object's address was made from.
    pub sum: Linear,
    /// The store that had put the value there, where it only waited on the stack.
    pub stored: Option<Stored>,
}

impl Hop {
    /// The base and the index, where the value was an element of an array.
    pub fn element(&self) -> Option<(&Term, &Term)> {
        let (base, index) = match self.sum.terms.as_slice() {
            [a, b] if a.factor == 1 => (a, b),
            [a, b] if b.factor == 1 => (b, a),
            _ => return None,
        };
        let fits = |term: &Term| term.value.is_some_and(|value| value < 1 << 32);
        ((2..MAX_ELEMENT).contains(&index.factor) && fits(index)).then_some((base, index))
    }

    /// What the value, or the pointer that led to it, was before.
    pub fn next(&self, window: &Window) -> Option<Term> {
        let value = match &self.stored {
            Some(stored) => linear::of(window, &stored.value, stored.insn),
            None => self.sum.clone(),
        };
        // A value that is a sum was made there; only what is unchanged is followed.
        let unchanged = self.stored.is_none() || value.constant == 0;
        let mut pointers = value.terms.into_iter().filter(|term| term.factor == 1);
        match (pointers.next(), pointers.next()) {
            (Some(term), None) if unchanged => Some(term),
            _ => None,
        }
    }
}

/// Follows a pointer from object to object, as far as the bytes reach.
pub fn hops(window: &Window, pointer: &Term) -> Vec<Hop> {
    let mut hops = Vec::new();
    let mut leaf = pointer.leaf.clone();
    while let Leaf::Loaded {
        insn,
        reg,
        from,
        space,
        size,
    } = &leaf
    {
        let (object, offset) = base_and_offset(from);
        let sum = linear::of(window, from, *insn);
        let address = object.and_then(|object| window.value(object, *insn));
        let stored = match (object, space) {
            (Some(object), None) => slots::stored(window, object, offset, *size, *insn),
            _ => None,
        };
        let hop = Hop {
            insn: *insn,
            reg: *reg,
            place: place(window, object, &sum, *space),
            object,
            address,
            offset,
            sum,
            stored,
        };
        let next = hop.next(window).map(|term| term.leaf);
        hops.push(hop);
        match next {
            Some(next) if hops.len() < MAX_HOPS => leaf = next,
            _ => break,
        }
    }
    hops
}

fn place(window: &Window, object: Option<Reg>, sum: &Linear, space: Option<&str>) -> Place {
    if is_per_cpu(window.arch.name, space) {
        return Place::PerCpu;
    }
    if object.is_some_and(|object| window.is_stack(object)) {
        return Place::Stack;
    }
    let fixed = |term: &&Term| term.factor == 1 && matches!(term.leaf, Leaf::Address(_));
    let constant = extend(sum.constant, window.arch.pointer_bits / 8, false) >= 0x1_0000
        && sum.constant.cast_signed().unsigned_abs() >= 0x1_0000;
    let others = sum.terms.iter().filter(|term| !fixed(term)).count();
    match (
        others,
        sum.terms.iter().any(|term| fixed(&term)) || constant,
    ) {
        (0, true) => return Place::Global,
        // The index may be any; the base is what does not change.
        (1, true) if sum.terms.iter().any(|term| term.factor != 1) => return Place::GlobalArray,
        _ => {}
    }
    let reserved = match sum.terms.as_slice() {
        [
            Term {
                leaf: Leaf::Register { reg, .. },
                factor: 1,
                ..
            },
        ] => reserved(window.arch.name, reg.0),
        _ => None,
    };
    reserved.map_or(Place::Object, Place::Reserved)
}

/// Whether the segment is that of per-CPU variables: `%gs` on x86_64, `%fs` on i386
/// (`__percpu_seg` in arch/x86/include/asm/percpu.h).
fn is_per_cpu(arch: &str, space: Option<&str>) -> bool {
    matches!((arch, space), ("x86_64", Some("gs")) | ("i386", Some("fs")))
}

/// Registers that the kernel keeps for one thing.
fn reserved(arch: &str, reg: &str) -> Option<&'static str> {
    match (arch, reg) {
        // Power Architecture 64-Bit ELF V2 ABI, 2.2.1: the table of contents.
        ("ppc64", "r2") => Some("the global data of the kernel or module"),
        // `local_paca` in arch/powerpc/include/asm/paca.h.
        ("ppc64", "r13") => Some("the CPU's own data (paca)"),
        // `riscv_current_is_tp` in arch/riscv/include/asm/current.h.
        ("riscv64" | "riscv32", "tp") => Some("the running task"),
        // `__current_thread_info` in arch/mips/include/asm/thread_info.h.
        ("mips" | "mips64", "gp") => Some("the thread_info of the running task"),
        _ => None,
    }
}

/// `register + offset`, where the address is so simple.
pub fn base_and_offset(address: &Expr) -> (Option<Reg>, i64) {
    match address {
        Expr::Reg(reg) => (Some(*reg), 0),
        Expr::Binary(arch::Op::Add, left, right) => match (left.as_ref(), right.as_ref()) {
            (Expr::Reg(reg), Expr::Const(offset)) | (Expr::Const(offset), Expr::Reg(reg)) => {
                (Some(*reg), offset.cast_signed())
            }
            _ => (None, 0),
        },
        _ => (None, 0),
    }
}
