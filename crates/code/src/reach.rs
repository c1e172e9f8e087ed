//! By which ways a function is reached: who calls it, and where its address is kept.

use debuginfo::{DebugInfo, ObjectId, UsePlace};

use crate::body::Body;
use crate::guards::Condition;
use crate::register::{Registered, owner};
use crate::view::View;

/// Calls followed outwards.
const DEEPEST: u32 = 5;
/// Callers of one function that are told.
const MOST_CALLERS: usize = 8;
/// Functions looked at for one answer.
const MOST_LOOKED: u32 = 64;

/// One way by which a function is reached.
#[derive(Clone, Debug)]
pub struct Way {
    /// The object.
    pub object: ObjectId,
    /// The function that calls it, or stores its address; of data the variable.
    pub function: String,
    /// The address of the call or store.
    pub address: u64,
    /// Of an address that is kept: what keeps it (`struct packet_type.func`).
    pub through: Option<String>,
    /// The conditions under which it does.
    pub conditions: Vec<Condition>,
    /// Whether the function is offered to all modules: anyone may call it.
    pub is_exported: bool,
    /// How that function is reached itself.
    pub ways: Vec<Way>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    /// The ways.
    pub ways: Vec<Way>,
    /// Whether some were left out.
    pub is_cut: bool,
}

impl Reached {
    /// The ways to the function that starts at `address`.
    pub fn find(debug: &DebugInfo<'_>, id: ObjectId, address: u64) -> debuginfo::Result<Self> {
        let mut search = Search {
            debug,
            looked: 0,
            is_cut: false,
            open: Vec::new(),
        };
        let ways = search.ways(id, address, 0)?;
        Ok(Reached {
            ways,
            is_cut: search.is_cut,
        })
    }
}

struct Search<'s, 'a> {
    debug: &'s DebugInfo<'a>,
    looked: u32,
    is_cut: bool,
    /// The functions on the way: calls may go in circles.
    open: Vec<(ObjectId, u64)>,
}

impl Search<'_, '_> {
    fn ways(&mut self, id: ObjectId, address: u64, depth: u32) -> debuginfo::Result<Vec<Way>> {
        if self.open.contains(&(id, address)) {
            return Ok(Vec::new());
        }
        if depth >= DEEPEST || self.looked >= MOST_LOOKED {
            self.is_cut = true;
            return Ok(Vec::new());
        }
        self.looked += 1;
        self.open.push((id, address));
        let ways = self.of(id, address, depth);
        self.open.pop();
        ways
    }

    fn of(&mut self, id: ObjectId, address: u64, depth: u32) -> debuginfo::Result<Vec<Way>> {
        let mut ways = Vec::new();
        let callers = self.debug.callers_of(id, address)?;
        if callers.len() > MOST_CALLERS {
            self.is_cut = true;
        }
        for caller in callers.iter().take(MOST_CALLERS) {
            let Ok(Some(body)) = Body::of_function(self.debug, caller.object, caller.at) else {
                continue;
            };
            // Bytes that look like a branch may be a part of another instruction.
            let Some(at) = body.node_at(caller.at) else {
                continue;
            };
            let conditions = View::new(self.debug, &body).conditions(at);
            let entry = body.entry.and_then(|entry| body.insn(entry));
            let entry = entry.map(|insn| insn.address);
            let is_exported = self.is_exported(caller.object, body.base_name());
            let further = match entry {
                Some(entry) if !is_exported => self.ways(caller.object, entry, depth + 1)?,
                _ => Vec::new(),
            };
            ways.push(Way {
                object: caller.object,
                function: body.name.clone(),
                address: caller.at,
                through: None,
                conditions,
                is_exported,
                ways: further,
            });
        }
        for place in self
            .debug
            .address_taken(id, address)?
            .iter()
            .take(MOST_CALLERS)
        {
            match &place.place {
                UsePlace::Data {
                    variable,
                    type_id,
                    members,
                    ..
                } => {
                    let through = match (type_id, members.first()) {
                        (Some(type_id), Some(path)) if !path.text.is_empty() => {
                            let (of, member) =
                                owner(self.debug, type_id, &path.text, path.owner.as_ref());
                            Some(format!("{of}.{member}"))
                        }
                        _ => None,
                    };
                    let Some(variable) = variable.filter(|name| !name.is_empty()) else {
                        continue;
                    };
                    ways.push(Way {
                        object: place.object,
                        function: variable.to_owned(),
                        address: place.at,
                        through: Some(through.unwrap_or_else(|| variable.to_owned())),
                        conditions: Vec::new(),
                        is_exported: false,
                        ways: Vec::new(),
                    });
                }
                UsePlace::Code { .. } => {
                    let Ok(Some(body)) = Body::of_function(self.debug, place.object, place.at)
                    else {
                        continue;
                    };
                    let registered = Registered::within(self.debug, &body, id, address);
                    let Some(registered) = registered else {
                        continue;
                    };
                    let view = View::new(self.debug, &body);
                    let through = match &registered.member {
                        member if member.is_empty() => registered.type_name.clone(),
                        member => format!("{}.{member}", registered.type_name),
                    };
                    ways.push(Way {
                        object: place.object,
                        function: body.name.clone(),
                        address: registered.address,
                        through: Some(through),
                        conditions: body
                            .node_at(registered.address)
                            .map_or_else(Vec::new, |at| view.conditions(at)),
                        is_exported: false,
                        ways: Vec::new(),
                    });
                }
            }
        }
        ways.dedup_by(|a, b| a.function == b.function && a.address == b.address);
        Ok(ways)
    }

    fn is_exported(&self, id: ObjectId, name: &str) -> bool {
        let exported = self
            .debug
            .object(id)
            .and_then(|object| object.exported().ok());
        exported.is_some_and(|names| names.binary_search(&name).is_ok())
    }
}
