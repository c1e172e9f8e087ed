//! IDRs (`struct idr`): numbers that were given away, and the pointers behind them. Since kernel commit
//! 0a835c4f090a ("Reimplement IDR and IDA using the radix tree", 4.11) an XArray is in them.

use base::{Budget, Gap, Partial, VirtAddr};
use value::{AddressSpace, Field, Types};

use super::xarray::{Held, XArray};

/// How an IDR lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct Idr {
    array: XArray,
    tree: Field,
    base: Option<Field>,
}

impl Idr {
    /// The shape that the types of a target tell.
    pub fn new(types: &Types<'_, '_>) -> Result<Self, Gap> {
        let layout = types.layout("struct idr")?;
        Ok(Idr {
            array: XArray::new(types)?,
            tree: layout.any(&["idr_rt"])?,
            // Those that begin with a number of their own are of 4.16.
            base: layout.find("idr_base"),
        })
    }

    /// The numbers of the `struct idr` at `idr` and what each leads to, in their order. What is given away but
    /// leads nowhere yet is not told by the structure. A step of the budget is a node.
    pub fn walk(
        &self,
        space: &AddressSpace<'_>,
        idr: VirtAddr,
        what: &str,
        budget: &mut Budget,
    ) -> Partial<Vec<(u64, Held)>> {
        let base = self.base.map_or(Ok(0), |field| field.read(space, idr));
        let base = match base {
            Ok(base) => base,
            Err(error) => {
                return Partial {
                    value: Vec::new(),
                    gaps: vec![Gap::new(what, error.to_string())],
                };
            }
        };
        let walked = self.array.walk(space, self.tree.at(idr), what, budget);
        let number = |first: u64| base.wrapping_add(first);
        let entries = walked.value.into_iter();
        Partial {
            value: entries
                .map(|entry| (number(entry.first), entry.held))
                .collect(),
            gaps: walked.gaps,
        }
    }
}
