//! Where a bad pointer came from, in the names of the source: what `debuginfo` and the code told.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::VirtAddr;

/// The way of a bad pointer: the access that failed, where its value came from, and who should have set it.
///
/// Names are those of the source: `struct bundle.balance.rx_hashtbl` is the member `balance.rx_hashtbl` of
/// `struct bundle`. What is empty or absent was not found out; nothing here is a guess that is not marked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// The access that failed.
    pub access: Access,
    /// Where the bad value came from, as far back as it could be followed.
    pub ends: End,
    /// Other origins that the value may have instead: control may have come on another way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<End>,
    /// What the value went through on its way, the nearest first (`argument 1 of depot_reserve`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<String>,
    /// Every place in the given objects that stores to where the value came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setters: Vec<Setter>,
    /// Places that store there without its name: copies and fills of what is around it, and functions that get its
    /// address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unnamed: Vec<Unnamed>,
    /// Who passed the bad value as a constant, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<Passed>,
    /// The function on the call trace that is called through a stored address, and what was stored with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<Registration>,
    /// What the memory of a dump has in the object that the bad value was read from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<Reading>,
}

/// What memory had at a place, when the dump was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// What lies there, as the code names it (`bundle->mode`).
    pub what: String,
    /// Its address, virtual, in the kernel's address space.
    pub address: VirtAddr,
    /// Bytes.
    pub size: u8,
    /// The number there.
    pub value: String,
}

/// Whether a condition holds by what memory has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Today {
    /// Whether it holds for the object that the bad value was read from.
    pub holds: bool,
    /// What it was judged by.
    pub by: Vec<Reading>,
}

/// The access that failed, typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Access {
    /// The compiled function.
    pub function: String,
    /// Functions inlined there, the innermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inlined: Vec<String>,
    /// `file:line`, where lines are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The type of what the bad pointer should point to (`struct client`); empty where not known.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The member that was accessed, as C writes it; empty for the whole.
    pub member: String,
    /// Bytes from the start of the type.
    pub offset: i64,
    /// Bytes accessed.
    pub size: u8,
    /// Whether it writes, also when it reads first.
    pub write: bool,
    /// The number of the element, where an array was indexed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// Bytes of an element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element_size: Option<u64>,
    /// Whether the names are only consistent with the code: they rest on how such code is usually written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub consistent: bool,
    /// The CPU went to the bad address: it was called, not read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fetch: bool,
}

/// What kind of origin the way back ended at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndKind {
    /// A member of an object.
    Member,
    /// A member of an object whose memory had been freed.
    Freed,
    /// A member in which the kernel's list functions left their poison.
    Poison,
    /// A global, static or per-CPU variable.
    Global,
    /// A local variable on the stack.
    Stack,
    /// An argument of a function.
    Argument,
    /// What a function returned.
    Return,
    /// None of these: why is told.
    Unknown,
}

// What each means is told above; a schema that repeats it for each word would not say more.
impl JsonSchema for EndKind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EndKind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "enum": ["member", "freed", "poison", "global", "stack", "argument", "return", "unknown"],
            "description": "what kind of origin the way back of a value ended at"
        })
    }
}

/// Where the way back of a value ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct End {
    /// What it is.
    pub kind: EndKind,
    /// Its name: `struct job.printer`, `argument 2 of garden_report`, `return value of route_find()`.
    pub what: String,
    /// What the value itself says (`NULL`, `ERR_PTR(-ENODEV)`, `LIST_POISON1`), where it says something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Why the way ends here and not further back, where that needs saying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The local variable that holds it, or the stack slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
    /// The number of the element and how many there are, where the value was read beyond an array's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<Beyond>,
    /// Whether it is a place of its own for each CPU.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub per_cpu: bool,
}

/// An element that an array does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Beyond {
    /// The number of the element; of one before the first modulo 2^64.
    pub index: u64,
    /// How many there are.
    pub count: u64,
    /// What lies in its place (`struct shelf.serial`); empty where nothing known does.
    pub holds: String,
}

/// A place that stores to what was bad.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Setter {
    /// What it stores to, as the end of the way names it.
    pub to: String,
    /// The function with the store.
    pub function: String,
    /// `file:line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// What it stores, in words (`the return value of kcalloc()`, `NULL`); empty where not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stores: String,
    /// The conditions under which the store runs, the outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
    /// Who calls the function, each up to an exported function, a stored address or the end of what is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reached: Vec<Caller>,
}

/// A place that stores to what was bad without its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unnamed {
    /// The function.
    pub function: String,
    /// `file:line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// What it does, in words (`copies bytes over it`).
    pub does: String,
    /// Whether it surely reaches it: of a block the size is known, of a function what it does with the address.
    pub is_sure: bool,
    /// The conditions under which it does, the outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
}

/// A condition on a way through a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Guard {
    /// The condition that must hold (`rlb_enabled != 0`).
    pub condition: String,
    /// The function that asks.
    pub function: String,
    /// `file:line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// What memory says of it, where a dump has that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub today: Option<Today>,
}

/// One way by which a function is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Caller {
    /// The function that calls, or stores the address.
    pub function: String,
    /// `file:line` of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Of an address that is stored: the member (`struct packet_type.func`) or variable that takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// The conditions under which it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
    /// Whether the function is offered to all modules.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exported: bool,
    /// Who calls this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reached: Vec<Caller>,
}

/// A constant that was passed as an argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Passed {
    /// The function that passed it.
    pub by: String,
    /// The constant (`NULL`).
    pub value: String,
    /// `file:line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// A function whose address is stored into an object, with what else is stored there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Registration {
    /// The function.
    pub handler: String,
    /// The type of the object (`struct packet_type`).
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whether code stores it; otherwise it is in the variable `by` from the start.
    pub by_code: bool,
    /// The members stored at that site and what each takes, by name.
    pub members: BTreeMap<String, String>,
    /// The function that stores them.
    pub by: String,
    /// `file:line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}
