//! Where the frame of a function lies and where it saved its caller's registers: 6.4 "Call Frame Information".

use std::collections::HashMap;

use arch::Reg;
use gimli::{
    BaseAddresses, CfaRule, CieOrFde, DebugFrame, EhFrame, EndianSlice, RegisterRule,
    UnwindContext, UnwindOffset, UnwindSection,
};

use super::{Slice, run_time};
use crate::error::{Error, Result};
use crate::function::FrameRules;
use crate::machines::Machine;
use crate::object::Object;

/// The call frame information of one object.
#[derive(Debug)]
pub(crate) struct Frames<'a> {
    tables: Vec<Table<'a>>,
    machine: &'static Machine,
    is_64: bool,
    label: std::sync::Arc<str>,
}

/// One section with it, and the functions that it tells of: start, end, place of the entry; sorted.
#[derive(Debug)]
struct Table<'a> {
    section: Section<'a>,
    bases: BaseAddresses,
    functions: Vec<(u64, u64, usize)>,
}

/// The two forms that there are.
#[derive(Debug)]
enum Section<'a> {
    Debug(DebugFrame<Slice<'a>>),
    Loaded(EhFrame<Slice<'a>>),
}

impl<'a> Frames<'a> {
    /// Reads which functions the sections tell of; none where there are no such sections.
    pub(crate) fn load(object: &Object<'a>) -> Result<Option<Self>> {
        let Some(machine) = object.machine() else {
            return Ok(None);
        };
        let endian = run_time(object.endian());
        let is_64 = object.identity().pointer_bits == 64;
        let address_size = if is_64 { 8 } else { 4 };
        let mut tables = Vec::new();
        let bytes = object.debug_section(".debug_frame")?;
        if !bytes.is_empty() {
            let mut section = DebugFrame::from(EndianSlice::new(bytes, endian));
            section.set_address_size(address_size);
            let bases = BaseAddresses::default();
            let functions = functions(&section, &bases);
            tables.push(Table {
                section: Section::Debug(section),
                bases,
                functions,
            });
        }
        let (bytes, address) = object.frames_for_unwinding()?;
        if !bytes.is_empty() {
            let mut section = EhFrame::from(EndianSlice::new(bytes, endian));
            section.set_address_size(address_size);
            let bases = BaseAddresses::default().set_eh_frame(address);
            let functions = functions(&section, &bases);
            tables.push(Table {
                section: Section::Loaded(section),
                bases,
                functions,
            });
        }
        Ok((!tables.is_empty()).then(|| Frames {
            tables,
            machine,
            is_64,
            label: object.label().into(),
        }))
    }

    /// The rules that hold at `address`.
    pub(crate) fn at(&self, address: u64) -> Result<Option<FrameRules>> {
        for table in &self.tables {
            let end = table
                .functions
                .partition_point(|(start, ..)| *start <= address);
            let found = end
                .checked_sub(1)
                .and_then(|last| table.functions.get(last));
            let Some((.., at)) = found.filter(|(_, end, _)| address < *end) else {
                continue;
            };
            let (name, rules) = match &table.section {
                Section::Debug(section) => (
                    ".debug_frame",
                    self.rules(section, &table.bases, *at, address),
                ),
                Section::Loaded(section) => {
                    (".eh_frame", self.rules(section, &table.bases, *at, address))
                }
            };
            return rules
                .map(Some)
                .map_err(|error| Error::section(&self.label, name, *at as u64, error.to_string()));
        }
        Ok(None)
    }

    fn rules<S>(
        &self,
        section: &S,
        bases: &BaseAddresses,
        at: usize,
        address: u64,
    ) -> gimli::Result<FrameRules>
    where
        S: UnwindSection<Slice<'a>>,
        S::Offset: UnwindOffset<usize>,
    {
        let entry = section.fde_from_offset(bases, at.into(), S::cie_from_offset)?;
        let mut context = UnwindContext::new();
        let row = entry.unwind_info_for_address(section, bases, &mut context, address)?;
        let register =
            |register: gimli::Register| (self.machine.register)(register.0, self.is_64).map(Reg);
        let cfa = match row.cfa() {
            CfaRule::RegisterAndOffset {
                register: base,
                offset,
            } => register(*base).map(|base| (base, *offset)),
            CfaRule::Expression(_) => None,
        };
        let mut rules = FrameRules {
            cfa,
            saved: Vec::new(),
            return_address: None,
            return_register: register(entry.cie().return_address_register()),
        };
        for (number, rule) in row.registers() {
            let RegisterRule::Offset(offset) = rule else {
                continue;
            };
            if *number == entry.cie().return_address_register() {
                rules.return_address = Some(*offset);
            }
            if let Some(register) = register(*number) {
                rules.saved.push((register, *offset));
            }
        }
        rules.saved.sort_by_key(|(_, offset)| *offset);
        Ok(rules)
    }
}

/// Start, end and place of every function that a section tells of.
fn functions<'a, S>(section: &S, bases: &BaseAddresses) -> Vec<(u64, u64, usize)>
where
    S: UnwindSection<Slice<'a>>,
    S::Offset: UnwindOffset<usize>,
{
    let mut functions = Vec::new();
    // Many functions share what is common to them.
    let mut common = HashMap::new();
    let mut entries = section.entries(bases);
    // What is read before damage stands.
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else {
            continue;
        };
        let at = partial.offset();
        let entry = partial.parse(|section, bases, offset| {
            let at: usize = UnwindOffset::into(offset);
            if let Some(known) = common.get(&at) {
                return Ok(Clone::clone(known));
            }
            let read = section.cie_from_offset(bases, offset)?;
            common.insert(at, Clone::clone(&read));
            Ok(read)
        });
        if let Ok(entry) = entry
            && entry.len() > 0
        {
            let start = entry.initial_address();
            functions.push((start, start.saturating_add(entry.len()), at));
        }
    }
    functions.sort_unstable();
    functions
}
