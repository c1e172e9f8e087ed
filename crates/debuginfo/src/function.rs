//! What debug info tells of a function: what is inlined into it, its variables and where they are, its calls.

use std::ops::Range;
use std::sync::Arc;

use arch::{Expr, Reg};

use crate::types::{ObjectId, TypeId};

/// A function as compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct Function<'a> {
    /// The object it belongs to.
    pub object: ObjectId,
    /// Its name in the source: a compiler's copy (`f.constprop.0`) has the name of the original.
    pub name: &'a str,
    /// Where its code is; more than one range where parts are moved away (`f.cold`).
    pub ranges: Vec<Range<u64>>,
    /// Whether it is known outside its source file.
    pub is_external: bool,
    /// What it returns; none for `void`.
    pub returns: Option<TypeId>,
    /// Its parameters as the source has them: names and types. A compiler's copy may lack some.
    pub signature: Vec<(&'a str, Option<TypeId>)>,
    /// Whether it takes more arguments than its parameters (`...`).
    pub is_variadic: bool,
    /// Where it is written: [`crate::DebugInfo::line_told`] tells the line.
    pub declared: Option<ToldLine>,
    /// The function itself first, then what is inlined and what is a block, each behind its parent.
    pub scopes: Vec<Scope<'a>>,
    /// Parameters and variables in the order of the debug info, which is that of the source.
    pub variables: Vec<Variable<'a>>,
}

/// A part of a function in which names mean something.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope<'a> {
    /// What it is.
    pub kind: ScopeKind,
    /// The scope around it; none for the function itself.
    pub parent: Option<usize>,
    /// The function whose text this is: of a block the function around it.
    pub name: &'a str,
    /// Its code.
    pub ranges: Vec<Range<u64>>,
}

/// What a scope is.
#[derive(Clone, Debug, PartialEq)]
pub enum ScopeKind {
    /// The function.
    Function,
    /// A function inlined at this call: [`crate::DebugInfo::line_told`] tells its line.
    Inlined(Option<ToldLine>),
    /// A block in braces.
    Block,
}

/// A parameter or variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub type_id: Option<TypeId>,
    /// Of a parameter its number, counted from 0.
    pub parameter: Option<usize>,
    /// The scope it belongs to, a number in [`Function::scopes`].
    pub scope: usize,
    /// Where it is, and while the program counter is where. Nowhere else can it be found.
    pub places: Vec<(Range<u64>, Where)>,
}

/// The canonical frame address, where a value depends on it, as if it were a register: on most machines it is
/// the stack pointer before the call.
pub const CFA: Reg = Reg("canonical frame address");

/// Where a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Where {
    /// In a register.
    Register(Reg),
    /// In memory, at a register plus an offset.
    Memory(Reg, i64),
    /// In memory, so many bytes from the canonical frame address ([`CFA`]).
    Frame(i64),
    /// In memory, at a fixed address.
    Static(u64),
    /// In memory, at a computed address.
    At(Expr),
    /// Nowhere, but it is this number.
    Constant(u64),
    /// Nowhere, but it can be computed.
    Value(Expr),
    /// Nowhere, but it can be computed from what the registers and memory held when the function was entered.
    AtEntry(Expr),
    /// Nowhere: it is the address so many bytes from the canonical frame address.
    FrameAddress(i64),
    /// In parts: bits of each and where they are.
    Pieces(Vec<(u64, Where)>),
    /// Told by debug info in a form that is not modelled; the reason is for people.
    Other(&'static str),
    /// The compiler has optimised it away here.
    Unavailable,
}

/// A call as debug info tells it: what is known of the arguments when it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct CallSite<'a> {
    /// The address behind the call; of a tail call that behind the jump.
    pub return_address: u64,
    /// The called function; none for a call through a pointer.
    pub callee: Option<&'a str>,
    /// Where the address of the called function is, in a call through a pointer.
    pub target: Option<Where>,
    /// Whether it is a jump: the called function returns to the caller of this one.
    pub is_tail: bool,
    /// The argument registers and what they hold, in terms of what survives the call.
    pub arguments: Vec<(Reg, Where)>,
}

/// A line of source text as debug info tells it, by a number of the file: names of files lie elsewhere, and few ask
/// for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldLine {
    /// The object, and the unit in it, that numbers the files.
    pub(crate) object: ObjectId,
    pub(crate) unit: usize,
    pub(crate) file: u64,
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// A line of source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLine {
    /// The file, relative to `directory` where debug info has it so.
    pub file: Arc<str>,
    /// The directory in which the compiler ran.
    pub directory: Arc<str>,
    /// The line, counted from 1; 0 for code that belongs to none.
    pub line: u32,
    /// The column, counted from 1; 0 where it is not told.
    pub column: u32,
}

/// A function on the chain of inlining at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineFrame<'a> {
    /// Its name in the source.
    pub function: &'a str,
    /// The line that is executed: in the innermost the instruction's own, further out that of the inlined call.
    pub line: Option<SourceLine>,
    /// Whether it is inlined into the next one of the chain.
    pub is_inlined: bool,
    /// Its number in [`Function::scopes`].
    pub scope: usize,
}

/// A function that runs at an address, with no more than its name and line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningFunction<'a> {
    /// Its name in the source.
    pub function: &'a str,
    /// The line that is executed: in the innermost the instruction's own, further out that of the inlined call.
    pub line: Option<SourceLine>,
    /// Whether it is inlined into the next one.
    pub is_inlined: bool,
}

/// A variable at an address.
#[derive(Clone, Debug, PartialEq)]
pub struct VariableAt<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub type_id: Option<TypeId>,
    /// Of a parameter its number, counted from 0.
    pub parameter: Option<usize>,
    /// Where it is there.
    pub place: Where,
    /// The function it belongs to, which may be inlined.
    pub function: &'a str,
    /// How many functions further in the chain of inlining that one is than the innermost: 0 for the innermost.
    pub depth: usize,
}

/// Where the frame of a function lies at one address, and where it keeps the registers of its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameRules {
    /// The register, and what to add to it, that give the canonical frame address ([`CFA`]); none where debug
    /// info computes it in another way.
    pub cfa: Option<(Reg, i64)>,
    /// The registers of the caller that are saved, and how many bytes from the canonical frame address; the
    /// others still have the caller's values or have lost them.
    pub saved: Vec<(Reg, i64)>,
    /// How many bytes from the canonical frame address the return address is saved, if it is.
    pub return_address: Option<i64>,
    /// The register with the return address where it is not saved.
    pub return_register: Option<Reg>,
}

impl FrameRules {
    /// The same place, told by a register where it is told by the frame.
    pub fn place(&self, place: &Where) -> Where {
        let Some((base, start)) = self.cfa else {
            return place.clone();
        };
        match place {
            Where::Frame(offset) => Where::Memory(base, start.wrapping_add(*offset)),
            Where::FrameAddress(offset) => {
                Where::Value(Expr::at(base, start.wrapping_add(*offset)))
            }
            Where::Pieces(pieces) => {
                let pieces = pieces
                    .iter()
                    .map(|(bits, piece)| (*bits, self.place(piece)));
                Where::Pieces(pieces.collect())
            }
            place => place.clone(),
        }
    }
}

impl<'a> Function<'a> {
    /// Whether it has code at `address`.
    pub fn contains(&self, address: u64) -> bool {
        self.ranges.iter().any(|range| range.contains(&address))
    }

    /// Where it is entered.
    pub fn entry(&self) -> Option<u64> {
        self.ranges.first().map(|range| range.start)
    }

    /// The scopes that hold `address`, the function itself first.
    pub fn scopes_at(&self, address: u64) -> Vec<usize> {
        let mut chain = Vec::new();
        if self.contains(address) && !self.scopes.is_empty() {
            chain.push(0);
        }
        for (number, scope) in self.scopes.iter().enumerate().skip(1) {
            // A child stands behind its parent, so one pass finds the whole chain.
            let holds = || scope.ranges.iter().any(|range| range.contains(&address));
            if scope.parent.is_some() && scope.parent == chain.last().copied() && holds() {
                chain.push(number);
            }
        }
        chain
    }

    /// The variables that have a meaning at `address`, the innermost function's first.
    pub fn variables_at(&self, address: u64) -> Vec<VariableAt<'a>> {
        let chain = self.scopes_at(address);
        let mut found = Vec::new();
        let mut depth = 0;
        for number in chain.iter().rev() {
            let Some(scope) = self.scopes.get(*number) else {
                continue;
            };
            for variable in self
                .variables
                .iter()
                .filter(|variable| variable.scope == *number)
            {
                let here = variable
                    .places
                    .iter()
                    .find(|(range, _)| range.contains(&address));
                found.push(VariableAt {
                    name: variable.name,
                    type_id: variable.type_id,
                    parameter: variable.parameter,
                    place: here.map_or(Where::Unavailable, |(_, place)| place.clone()),
                    function: scope.name,
                    depth,
                });
            }
            if scope.kind != ScopeKind::Block {
                depth += 1;
            }
        }
        found
    }

    /// The parameters of the function itself.
    pub fn parameters(&self) -> impl Iterator<Item = &Variable<'a>> {
        self.variables
            .iter()
            .filter(|variable| variable.scope == 0 && variable.parameter.is_some())
    }
}

impl Variable<'_> {
    /// Where it is at `address`.
    pub fn place_at(&self, address: u64) -> &Where {
        let here = self
            .places
            .iter()
            .find(|(range, _)| range.contains(&address));
        here.map_or(&Where::Unavailable, |(_, place)| place)
    }
}

impl SourceLine {
    /// `file:line`.
    pub fn text(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    /// The file with the directory in front where it is relative.
    pub fn path(&self) -> String {
        if self.file.starts_with('/') || self.directory.is_empty() {
            self.file.to_string()
        } else {
            format!("{}/{}", self.directory, self.file)
        }
    }
}
