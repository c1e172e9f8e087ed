//! `mdb -k` of Solaris and illumos: stacks with arguments, lock words, and searches of memory.

use std::collections::BTreeMap;

use base::{Gap, Hold, Mode, Partial, Site, Trust, WaitFacts};

use super::Transcript;
use super::parts::facts::{Facts, printed, said};
use super::parts::solaris::{INNER, MutexWord, RwWord, WAITS, Waits};

pub(super) static ENTRY: Transcript = Transcript {
    name: "mdb",
    is,
    read,
};

/// Lines that the arguments of one frame may be wrapped over.
const WRAPPED: usize = 16;
/// Frames of one stack.
const FRAMES: usize = 1024;
/// Places where a word was found, of all searches.
const HITS: usize = 1 << 16;

/// A prompt with a command of mdb's, which all begin with `::`, or a raw format.
fn is(head: &str) -> bool {
    head.lines().any(|line| {
        let Some(command) = line.strip_prefix("> ") else {
            return false;
        };
        let word = command.split("::").nth(1).unwrap_or_default();
        let name: String = word
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        COMMANDS.contains(&name.as_str())
    })
}

/// Commands that tell mdb from other programs with such a prompt.
const COMMANDS: &[&str] = &[
    "ps",
    "findstack",
    "stack",
    "stacks",
    "rwlock",
    "mutex",
    "kgrep",
    "whatis",
    "thread",
    "threadlist",
    "walk",
    "status",
    "msgbuf",
    "panicinfo",
    "cpuinfo",
    "pgrep",
    "ptree",
    "turnstile",
    "wchaninfo",
    "print",
    "dis",
];

fn read(text: &str) -> Partial<WaitFacts> {
    let lines: Vec<&str> = text.lines().collect();
    let mut reader = Reader::default();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if let Some(command) = prompt(line) {
            reader.command(command);
            at += 1;
            continue;
        }
        // Arguments may be wrapped: a frame ends at its parenthesis.
        let mut whole = (*line).to_owned();
        let first = at;
        while is_open(&whole) && at - first < WRAPPED {
            let Some(next) = lines.get(at + 1).filter(|next| prompt(next).is_none()) else {
                break;
            };
            whole.push(' ');
            whole.push_str(next.trim());
            at += 1;
        }
        let number = |at: usize| u64::try_from(at + 1).unwrap_or(u64::MAX);
        reader.line(&whole, (number(first), number(at)));
        at += 1;
    }
    reader.finish()
}

fn prompt(line: &str) -> Option<&str> {
    line.strip_prefix('>').map(str::trim)
}

/// Whether a frame's arguments go on in the next line.
fn is_open(line: &str) -> bool {
    line.contains("+0x") && line.contains('(') && !line.contains(')')
}

/// A frame: where it is on the stack, its function, and the arguments where they were printed.
#[derive(Clone, Debug)]
struct Frame {
    address: u64,
    function: String,
    arguments: Vec<u64>,
    lines: (u64, u64),
}

/// A thread's stack.
#[derive(Clone, Debug)]
struct Stack {
    thread: u64,
    sp: u64,
    frames: Vec<Frame>,
}

/// Where a search of memory found the address of a lock.
#[derive(Clone, Copy, Debug)]
struct Hit {
    lock: u64,
    at: u64,
    thread: u64,
    lines: (u64, u64),
}

/// What a command printed of a lock.
#[derive(Clone, Debug)]
struct Lock {
    address: u64,
    kind: &'static str,
    readers: u64,
    owner: Option<u64>,
    flags: String,
    word: Option<u64>,
    waiters: Vec<(u64, Mode, (u64, u64))>,
    lines: (u64, u64),
}

#[derive(Debug, Default)]
struct Reader {
    /// The last command, and the address before it.
    command: String,
    dot: Option<u64>,
    stacks: Vec<Stack>,
    locks: Vec<Lock>,
    hits: Vec<Hit>,
    searched: Vec<u64>,
    /// The process of each thread: its name and number.
    processes: BTreeMap<u64, (String, u32)>,
    process: Option<(String, u32)>,
    states: BTreeMap<u64, String>,
    cut: bool,
}

impl Reader {
    fn command(&mut self, command: &str) {
        command.clone_into(&mut self.command);
        let first: String = command
            .chars()
            .take_while(HexOrX::is_ascii_hexdigit_or_x)
            .collect();
        self.dot = hex(&first);
        self.process = None;
        if let Some(lock) = self.dot.filter(|_| command.contains("::kgrep")) {
            self.searched.push(lock);
        }
    }

    fn line(&mut self, line: &str, lines: (u64, u64)) {
        if let Some(rest) = line.strip_prefix("stack pointer for thread ") {
            if let Some((thread, sp)) = rest.split_once(':')
                && let (Some(thread), Some(sp)) = (hex(thread.trim()), hex(first_word(sp)))
            {
                self.stacks.push(Stack {
                    thread,
                    sp,
                    frames: Vec::new(),
                });
            }
            return;
        }
        let command = self.command.clone();
        let is = |name: &str| command.contains(name);
        if is("::ps") || is("::pgrep") {
            self.ps(line);
        } else if is("::rwlock") {
            self.rwlock(line, lines);
        } else if is("::mutex") {
            self.mutex(line, lines);
        } else if is("::whatis") {
            self.whatis(line, lines);
        } else if is("/J") || is("/K") || is("/X") {
            self.word(line, lines);
        } else if let (Some(frame), Some(stack)) = (frame(line, lines), self.stacks.last_mut()) {
            match stack.frames.len() < FRAMES {
                true => stack.frames.push(frame),
                false => self.cut = true,
            }
        }
    }

    /// `R 12476 12268 12268 725 0 0x42004000 fffffe87705e23d0 dladm`, `T 0xffffffffa69be740 <TS_SLEEP>`.
    fn ps(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["T", thread, rest @ ..] => {
                let Some(thread) = hex(thread) else {
                    return;
                };
                if let Some(process) = &self.process {
                    self.processes.insert(thread, process.clone());
                }
                let state = rest.first().map(|state| state.trim_matches(['<', '>']));
                if let Some(state) = state {
                    self.states.insert(thread, state.to_owned());
                }
            }
            [_, pid, .., _, name] => {
                self.process = pid.parse().ok().map(|pid| ((*name).to_owned(), pid));
            }
            _ => {}
        }
    }

    /// `ffffffff93785580 READERS=1 B011 ffffffffa69be740 (W)`, and more waiters in the lines of the drawing.
    fn rwlock(&mut self, line: &str, lines: (u64, u64)) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [address, owner, flags, ..] = words.as_slice()
            && let Some(address) = hex(address)
            && flags.starts_with('B')
        {
            let readers = owner
                .strip_prefix("READERS=")
                .and_then(|count| count.parse().ok());
            self.locks.push(Lock {
                address,
                kind: "rwlock",
                readers: readers.unwrap_or(0),
                owner: if readers.is_none() { hex(owner) } else { None },
                flags: (*flags).to_owned(),
                word: None,
                waiters: Vec::new(),
                lines,
            });
        }
        let waiter = words.iter().rev().nth(1).and_then(|word| hex(word));
        let mode = match words.last().copied() {
            Some("(R)") => Mode::Shared,
            Some("(W)") => Mode::Exclusive,
            _ => return,
        };
        if let (Some(waiter), Some(lock)) = (waiter, self.locks.last_mut()) {
            lock.waiters.push((waiter, mode, lines));
            lock.lines.1 = lines.1;
        }
    }

    /// `ADDR TYPE HELD MINSPL OLDSPL WAITERS`: an adaptive one with its owner.
    fn mutex(&mut self, line: &str, lines: (u64, u64)) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [address, kind, held, ..] = words.as_slice() else {
            return;
        };
        if let Some(address) = hex(address).filter(|_| kind.starts_with("adapt")) {
            self.locks.push(Lock {
                address,
                kind: "mutex",
                readers: 0,
                owner: hex(held).filter(|owner| *owner != 0),
                flags: String::new(),
                word: None,
                waiters: Vec::new(),
                lines,
            });
        }
    }

    /// `fffffe8000359b28 is in thread fffffe8000359c80's stack`.
    fn whatis(&mut self, line: &str, lines: (u64, u64)) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(lock), [at, "is", "in", "thread", thread, ..]) = (self.dot, words.as_slice())
        else {
            return;
        };
        let thread: String = thread
            .chars()
            .take_while(HexOrX::is_ascii_hexdigit_or_x)
            .collect();
        if let (Some(at), Some(thread)) = (hex(at), hex(&thread)) {
            match self.hits.len() < HITS {
                true => self.hits.push(Hit {
                    lock,
                    at,
                    thread,
                    lines,
                }),
                false => self.cut = true,
            }
        }
    }

    /// `0xffffffff93785580: b`.
    fn word(&mut self, line: &str, lines: (u64, u64)) {
        let Some((address, word)) = line.split_once(':') else {
            return;
        };
        let (Some(address), Some(word)) = (hex(address.trim()), hex(first_word(word))) else {
            return;
        };
        let known = self.locks.iter_mut().find(|lock| lock.address == address);
        if let Some(lock) = known {
            lock.word = Some(word);
            lock.lines = (lock.lines.0.min(lines.0), lock.lines.1.max(lines.1));
        }
    }

    fn finish(self) -> Partial<WaitFacts> {
        let mut facts = Facts::default();
        for stack in &self.stacks {
            wait_of(&mut facts, stack);
        }
        for lock in &self.locks {
            self.lock(&mut facts, lock);
        }
        for stack in &self.stacks {
            let _ = self.named(&mut facts, stack.thread);
        }
        for (kind, address) in facts.unseen() {
            let what = format!("who has the {kind} at {address:x}, for which a thread waits");
            let gap = Gap::new(what, "nothing in the transcript tells");
            facts.gap(match kind.as_str() {
                "rwlock" | "mutex" => gap.supply(format!("what {address:x}::{kind} prints")),
                _ => gap,
            });
        }
        if self.cut {
            facts.gap(Gap::new(
                "a part of the transcript",
                "it holds more frames or places than are kept",
            ));
        }
        let facts = facts.finish();
        Partial::whole(facts)
    }

    /// The number of a thread, with what was printed of it.
    fn named(&self, facts: &mut Facts, thread: u64) -> Option<u32> {
        let number = facts.thread(thread)?;
        let party = facts.party(number)?;
        if let Some((name, pid)) = self.processes.get(&thread) {
            party.thread.comm.clone_from(name);
            party.thread.tgid = *pid;
        }
        if let Some(state) = self.states.get(&thread) {
            let letter = match state.as_str() {
                "TS_SLEEP" => "S",
                "TS_RUN" => "R",
                "TS_ONPROC" => "O",
                "TS_ZOMB" => "Z",
                "TS_STOPPED" => "T",
                other => other,
            };
            letter.clone_into(&mut party.thread.state);
        }
        Some(number)
    }

    fn lock(&self, facts: &mut Facts, lock: &Lock) -> Option<()> {
        let resource = facts.resource(lock.kind, lock.address)?;
        let (owner, readers, words) = match (lock.word, lock.kind) {
            (Some(word), "rwlock") => {
                let word = RwWord(word);
                (word.writer(), word.readers(), word.words())
            }
            (Some(word), _) => (MutexWord(word).owner(), 0, MutexWord(word).words()),
            (None, _) => (lock.owner, lock.readers, as_printed(lock)),
        };
        let command = format!("{:x}::{}", lock.address, lock.kind);
        if let Some(known) = facts.lock(resource) {
            known.state = Some(words);
            known.count = (lock.kind == "rwlock").then_some(readers);
        }
        for (place, (waiter, mode, lines)) in lock.waiters.iter().enumerate() {
            let thread = self.named(facts, *waiter)?;
            let way = if *mode == Mode::Shared { "R" } else { "W" };
            let says = format!("{command} lists thread {waiter:x} ({way}) among its waiters");
            let place = u32::try_from(place).ok();
            facts.wait(thread, resource, *mode, place, None, printed(says, *lines));
        }
        if let Some(owner) = owner {
            let thread = self.named(facts, owner)?;
            let says = format!("{command} prints thread {owner:x} as its owner");
            facts.hold(Hold {
                thread,
                resource,
                mode: Mode::Exclusive,
                is_certain: true,
                site: None,
                known: vec![printed(says, lock.lines)],
            });
        } else if readers > 0 {
            self.readers(facts, lock, resource, readers);
        }
        Some(())
    }

    /// Who the readers of a lock are that names none: whose stack holds its address, and does not wait for it.
    fn readers(&self, facts: &mut Facts, lock: &Lock, resource: u32, readers: u64) {
        let what = format!("who has the rwlock at {:x} for reading", lock.address);
        if !self.searched.contains(&lock.address) {
            let why = format!("the lock counts {} and names none", count(readers));
            let gap = Gap::new(what, why);
            facts.gap(gap.supply(format!("what {:x}::kgrep | ::whatis prints", lock.address)));
            return;
        }
        let mut found: BTreeMap<u64, Vec<Hit>> = BTreeMap::new();
        for hit in self.hits.iter().filter(|hit| hit.lock == lock.address) {
            let Some(thread) = facts.thread(hit.thread) else {
                continue;
            };
            // Below the end of the stack lies what was there before.
            let stack = self.stacks.iter().find(|stack| stack.thread == hit.thread);
            let is_stale = stack.is_some_and(|stack| hit.at < stack.sp);
            if !is_stale && !facts.waits(thread, resource) {
                found.entry(hit.thread).or_default().push(*hit);
            }
        }
        let counted = u64::try_from(found.len()).unwrap_or(u64::MAX);
        for (thread, hits) in &found {
            let Some(number) = self.named(facts, *thread) else {
                continue;
            };
            let stack = self.stacks.iter().find(|stack| stack.thread == *thread);
            let mut known = Vec::new();
            let mut site = None;
            for hit in hits {
                let (says, through) = place(stack, hit);
                site = site.or(through);
                known.push(said(says, Trust::Inferred, hit.lines));
            }
            if counted == readers {
                let says = format!(
                    "the lock counts {}, and its address stands on {} that {} not wait for it",
                    count(readers),
                    stacks_of(counted),
                    if counted == 1 { "does" } else { "do" }
                );
                known.insert(0, said(says, Trust::Inferred, lock.lines));
            }
            facts.hold(Hold {
                thread: number,
                resource,
                mode: Mode::Shared,
                is_certain: counted == readers,
                site,
                known,
            });
        }
        if counted < readers {
            let why = format!(
                "the lock counts {}; its address was found on {} that {} not wait for it",
                count(readers),
                stacks_of(counted),
                if counted == 1 { "does" } else { "do" }
            );
            facts.gap(Gap::new(what, why));
        }
    }
}

fn count(readers: u64) -> String {
    match readers {
        1 => "1 reader".to_owned(),
        many => format!("{many} readers"),
    }
}

fn stacks_of(threads: u64) -> String {
    match threads {
        0 => "no stack".to_owned(),
        1 => "the stack of one thread".to_owned(),
        many => format!("the stacks of {many} threads"),
    }
}

/// In which frame a word lies. A frame ends at its own address and begins behind that of the one it called.
fn place(stack: Option<&Stack>, hit: &Hit) -> (String, Option<Site>) {
    let (lock, thread) = (hit.lock, hit.thread);
    let unknown = format!(
        "the address {lock:x} stands at {:x} on the stack of thread {thread:x}",
        hit.at
    );
    let Some(stack) = stack else {
        return (unknown, None);
    };
    let Some(at) = stack
        .frames
        .iter()
        .position(|frame| frame.address >= hit.at)
    else {
        return (unknown, None);
    };
    let (Some(frame), Some(caller)) = (stack.frames.get(at), stack.frames.get(at + 1)) else {
        return (unknown, None);
    };
    let says = format!(
        "the address {lock:x} stands at {:x} in the frame of {}, where a register of its caller {} is kept, or a \
         variable of its own",
        hit.at, frame.function, caller.function
    );
    let site = Site {
        function: caller.function.clone(),
        module: None,
        pc: None,
        source: None,
        frame: u32::try_from(at + 1).ok(),
    };
    (says, Some(site))
}

/// What `::rwlock` draws: `READERS=1 B011`, the flags from the writer's to that of the waiters.
fn as_printed(lock: &Lock) -> String {
    match (lock.readers, lock.owner) {
        (0, Some(owner)) => format!("owner {owner:x} {}", lock.flags)
            .trim_end()
            .to_owned(),
        (0, None) => format!("no owner {}", lock.flags).trim_end().to_owned(),
        (readers, _) => format!("READERS={readers} {}", lock.flags),
    }
}

/// What the stack of a thread says it waits for.
fn wait_of(facts: &mut Facts, stack: &Stack) -> Option<()> {
    let thread = facts.thread(stack.thread)?;
    let shows = |waits: &&Waits| {
        stack
            .frames
            .iter()
            .any(|frame| frame.function == waits.function)
    };
    let waits = WAITS.iter().find(shows)?;
    let at = stack
        .frames
        .iter()
        .position(|frame| frame.function == waits.function)?;
    let frame = stack.frames.get(at)?;
    let lock = frame.arguments.get(waits.lock).filter(|lock| **lock != 0)?;
    let mode = match waits.mode {
        None => Mode::Exclusive,
        Some((usize::MAX, _)) => Mode::Event,
        Some((which, modes)) => {
            let value = frame.arguments.get(which)?;
            modes.iter().find(|(known, _)| known == value)?.1
        }
    };
    let resource = facts.resource(waits.kind, *lock)?;
    let mut beyond = stack.frames.iter().enumerate().skip(at);
    let site = beyond.find(|(_, frame)| !INNER.contains(&frame.function.as_str()));
    let site = site.map(|(at, frame)| Site {
        function: frame.function.clone(),
        module: None,
        pc: None,
        source: None,
        frame: u32::try_from(at).ok(),
    });
    let arguments: Vec<String> = frame
        .arguments
        .iter()
        .map(|argument| format!("{argument:x}"))
        .collect();
    let says = format!(
        "thread {:x} sleeps in {}({})",
        stack.thread,
        frame.function,
        arguments.join(", ")
    );
    facts.wait(
        thread,
        resource,
        mode,
        None,
        site,
        printed(says, frame.lines),
    );
    Some(())
}

/// `fffffe8000a2e650 turnstile_block+0x80d(0, 0, ffffffff93785580)`, the innermost in brackets.
fn frame(line: &str, lines: (u64, u64)) -> Option<Frame> {
    let line = line
        .trim()
        .trim_start_matches('[')
        .trim_end_matches(']')
        .trim();
    let (address, rest) = line.split_once(char::is_whitespace)?;
    let (name, arguments) = rest.split_once('(').unwrap_or((rest, ""));
    let (function, offset) = name.trim().rsplit_once("+0x")?;
    if function.is_empty() || !offset.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let arguments = arguments.trim_end().trim_end_matches(')').split(',');
    Some(Frame {
        address: hex(address)?,
        // A module's function: `aggr`aggr_m_tx`.
        function: function.rsplit('`').next()?.to_owned(),
        arguments: arguments
            .map_while(|argument| hex(argument.trim()))
            .collect(),
        lines,
    })
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// A number as mdb prints it: hexadecimal, with or without `0x`.
fn hex(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let is_number = !digits.is_empty() && digits.len() <= 16;
    u64::from_str_radix(digits, 16).ok().filter(|_| is_number)
}

/// What an address may be spelled with.
trait HexOrX {
    fn is_ascii_hexdigit_or_x(&self) -> bool;
}

impl HexOrX for char {
    fn is_ascii_hexdigit_or_x(&self) -> bool {
        self.is_ascii_hexdigit() || *self == 'x'
    }
}
