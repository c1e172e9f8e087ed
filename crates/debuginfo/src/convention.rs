//! Which registers hold the arguments when a function is entered.

use arch::Reg;

use crate::error::Result;
use crate::function::{Function, Where};
use crate::machines::{LargeResult, Structures};
use crate::set::{DebugInfo, base_name};
use crate::types::{Encoding, Kind, ObjectId, TypeId};

/// A parameter when its function is entered.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub type_id: Option<TypeId>,
    /// The registers that the calling convention has for it, the first part first; none for one that is passed
    /// in memory or in registers for floating-point numbers, and where the convention does not hold.
    pub registers: Vec<Reg>,
    /// Where debug info has it at the entry.
    pub at_entry: Where,
}

/// How many argument words a value takes.
enum Words {
    /// So many registers, starting at an even one if it must.
    General(u64, bool),
    /// Its address is passed.
    Address,
    /// It lies on the stack.
    Stack,
    /// It goes to registers of another kind, or nothing is known of it: what follows is not known either.
    Unknown,
}

impl<'a> DebugInfo<'a> {
    /// The parameters of a function and the registers they come in.
    ///
    /// A compiler changes how the copies are called that it makes of a function (`.isra`, `.constprop`, `.part`):
    /// of these only debug info tells where parameters are.
    pub fn arguments_of(&self, function: &Function<'a>) -> Result<Vec<Argument<'a>>> {
        let registers = match self.is_as_written(function)? {
            true => {
                self.argument_registers(function.object, &function.signature, function.returns)?
            }
            false => Vec::new(),
        };
        let entry = function.entry().unwrap_or(0);
        let mut arguments = Vec::new();
        for (number, (name, type_id)) in function.signature.iter().enumerate() {
            let variable = function
                .parameters()
                .find(|variable| variable.name == *name);
            arguments.push(Argument {
                name,
                type_id: *type_id,
                registers: registers.get(number).cloned().unwrap_or_default(),
                at_entry: variable.map_or(Where::Unavailable, |v| v.place_at(entry).clone()),
            });
        }
        Ok(arguments)
    }

    /// Whether the function is called as its source says.
    fn is_as_written(&self, function: &Function<'a>) -> Result<bool> {
        let (Some(object), Some(entry)) = (self.object(function.object), function.entry()) else {
            return Ok(true);
        };
        let names = object.symbols_starting_at(entry)?;
        Ok(names.is_empty()
            || names
                .iter()
                .any(|symbol| base_name(symbol.name) == symbol.name))
    }

    /// The registers for each of these parameters, by the calling convention of the object's machine.
    pub fn argument_registers(
        &self,
        object: ObjectId,
        parameters: &[(&str, Option<TypeId>)],
        returns: Option<TypeId>,
    ) -> Result<Vec<Vec<Reg>>> {
        let Some(found) = self.object(object) else {
            return Ok(Vec::new());
        };
        let (Some(machine), Some(arch)) = (found.machine(), found.arch()) else {
            return Ok(Vec::new());
        };
        let word = arch.pointer_bytes();
        let registers: Vec<Reg> = arch
            .arguments()
            .iter()
            .map(|register| Reg(register.name))
            .collect();
        let convention = machine.convention;
        let mut next: usize = 0;
        if let LargeResult::FirstArgument(most) = convention.large_result
            && self.is_larger_than(returns, most.saturating_mul(word))?
        {
            next += 1;
        }
        let mut all = Vec::new();
        for (_, type_id) in parameters {
            let (words, is_even) = match self.words(*type_id, word, convention.structures)? {
                Words::General(words, is_wide) => (words, is_wide && convention.even_pairs),
                Words::Address => (1, false),
                Words::Stack => {
                    all.push(Vec::new());
                    continue;
                }
                Words::Unknown => break,
            };
            if is_even {
                next = next.next_multiple_of(2);
            }
            let words = usize::try_from(words).unwrap_or(usize::MAX);
            let end = next.saturating_add(words);
            match registers.get(next..end) {
                Some(these) => all.push(these.to_vec()),
                // What does not fit goes to the stack, whole or in its second part.
                None => all.push(Vec::new()),
            }
            next = end.min(registers.len());
        }
        Ok(all)
    }

    fn is_larger_than(&self, type_id: Option<TypeId>, most: u64) -> Result<bool> {
        let Some((id, shape)) = self.strip(type_id)? else {
            return Ok(false);
        };
        if !matches!(shape.kind, Kind::Record { .. }) {
            return Ok(false);
        }
        Ok(self.size_of(id)?.is_some_and(|size| size > most))
    }

    fn words(&self, type_id: Option<TypeId>, word: u64, structures: Structures) -> Result<Words> {
        let Some((id, shape)) = self.strip(type_id)? else {
            return Ok(Words::Unknown);
        };
        let Some(size) = self.size_of(id)? else {
            return Ok(Words::Unknown);
        };
        let words = size.div_ceil(word);
        Ok(match &shape.kind {
            Kind::Base(Encoding::Float | Encoding::Other) | Kind::Other(_) => Words::Unknown,
            Kind::Base(_) | Kind::Pointer(_) | Kind::Enumeration(_) => {
                Words::General(words.max(1), size > word)
            }
            Kind::Record { .. } => match structures {
                _ if words == 0 => Words::General(0, false),
                Structures::RegistersOrStack(most) if words > most => Words::Stack,
                Structures::RegistersOrReference(most) if words > most => Words::Address,
                Structures::Stack => Words::Stack,
                _ => Words::General(words, false),
            },
            _ => Words::Unknown,
        })
    }
}
