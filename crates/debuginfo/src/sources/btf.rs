//! BTF, the kernel's own description of its types ("BPF Type Format", `Documentation/bpf/btf.rst`): types,
//! prototypes and names of parameters, but no lines, no variables of functions and no addresses.

mod names;

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};

use base::Endian;

use crate::bytes::Bytes;
use crate::error::{Error, Result};
use crate::types::{Bits, Encoding, Kind, Member, ObjectId, Qualifier, Shape, TypeId};

/// Set in [`TypeId::at`] of types that BTF describes; the rest is the type's number.
const MARK: u64 = 1 << 63;

/// Tags of one type; more is a loop.
const MOST_TAGS: usize = 8;

/// The BTF of one object.
#[derive(Debug)]
pub(crate) struct Btf<'a> {
    label: Arc<str>,
    object: ObjectId,
    bytes: Bytes<'a>,
    /// Where the types and the texts begin.
    types: u64,
    types_end: u64,
    texts: u64,
    texts_size: u64,
    pointer_size: u64,
    /// What the numbers of types and texts count on from: a module's, of those of the kernel.
    base: Option<Arc<Btf<'a>>>,
    /// Whether the base only names types: those of a module that is built by itself (`.BTF.base`).
    is_outline: bool,
    places: OnceLock<Places>,
    names: OnceLock<names::Names>,
    /// Names that were looked for so far.
    asked: AtomicU32,
}

/// Where the types are.
#[derive(Debug, Default)]
struct Places {
    /// Where each begins.
    at: Vec<u32>,
    /// Where the name of each is, so that a name is looked for without a look at every type.
    names: Vec<u32>,
    /// Where the first one begins that cannot be read.
    stopped: Option<u64>,
}

/// The head of a type.
#[derive(Clone, Copy)]
struct Head {
    at: u64,
    name: u32,
    kind: u32,
    /// Number of members, parameters and so on.
    count: u64,
    flag: bool,
    /// Size in bytes, or the number of another type.
    word: u32,
}

impl<'a> Btf<'a> {
    /// Reads the header of the BTF in `data`, a section of `label` or a file of its own.
    pub(crate) fn read(
        label: &Arc<str>,
        object: ObjectId,
        data: &'a [u8],
        pointer_size: u64,
        base: Option<Arc<Btf<'a>>>,
    ) -> Result<Self> {
        let bad = |at: u64, what: &str| Error::section(label, ".BTF", at, what);
        let endian = match data.get(..2) {
            Some([0x9f, 0xeb]) => Endian::Little,
            Some([0xeb, 0x9f]) => Endian::Big,
            _ => return Err(bad(0, "does not begin as BTF does")),
        };
        let bytes = Bytes::new(data, endian);
        let word = |at: u64| {
            bytes
                .u32(at)
                .map(u64::from)
                .ok_or_else(|| bad(at, "the header is cut"))
        };
        let header = word(4)?;
        let (types, types_size) = (header + word(8)?, word(12)?);
        let (texts, texts_size) = (header + word(16)?, word(20)?);
        let end = data.len() as u64;
        if types + types_size > end || texts + texts_size > end {
            return Err(bad(8, "the header announces more than there is"));
        }
        Ok(Btf {
            label: Arc::clone(label),
            object,
            bytes,
            types,
            types_end: types + types_size,
            texts,
            texts_size,
            pointer_size,
            base,
            is_outline: false,
            places: OnceLock::new(),
            names: OnceLock::new(),
            asked: AtomicU32::new(0),
        })
    }

    /// The same, as a base that only names types.
    pub(crate) fn outline(self) -> Self {
        Btf {
            is_outline: true,
            ..self
        }
    }

    /// Whether a handle is that of a type described by BTF.
    pub(crate) fn describes(type_id: TypeId) -> bool {
        type_id.at & MARK != 0
    }

    fn places(&self) -> &[u32] {
        &self.walk().at
    }

    /// What kept types from being read, as far as they have been asked for.
    pub(crate) fn damage(&self) -> Option<Error> {
        let at = self.places.get()?.stopped?;
        Some(Error::section(
            &self.label,
            ".BTF",
            at,
            "a type is cut, or of an unknown kind",
        ))
    }

    fn walk(&self) -> &Places {
        self.places.get_or_init(|| {
            let mut places = Places::default();
            let mut at = self.types;
            // What is read before damage stands: types behind it are not there.
            while let Some(head) = self.head_at(at) {
                match head.end() {
                    Some(end) if end <= self.types_end => {
                        places.at.push(at as u32);
                        places.names.push(head.name);
                        at = end;
                    }
                    _ => break,
                }
            }
            places.stopped = (at < self.types_end).then_some(at);
            places
        })
    }

    /// The number of the first type that is not the base's: 0 is `void`.
    fn first(&self) -> u32 {
        self.base
            .as_ref()
            .map_or(1, |base| base.first() + base.places().len() as u32)
    }

    /// Bytes of the texts of this one and its bases.
    fn first_text(&self) -> u64 {
        self.base
            .as_ref()
            .map_or(0, |base| base.first_text() + base.texts_size)
    }

    fn head_at(&self, at: u64) -> Option<Head> {
        if at + 12 > self.types_end {
            return None;
        }
        let info = self.bytes.u32(at + 4)?;
        Some(Head {
            at,
            name: self.bytes.u32(at)?,
            kind: info >> 24 & 0x1f,
            count: u64::from(info & 0xffff),
            flag: info >> 31 != 0,
            word: self.bytes.u32(at + 8)?,
        })
    }

    /// The type of this number, and the BTF that it is in.
    fn find(&self, number: u32) -> Option<(&Btf<'a>, Head)> {
        match (number.checked_sub(self.first()), &self.base) {
            (Some(index), _) => {
                let at = self.places().get(index as usize)?;
                Some((self, self.head_at(u64::from(*at))?))
            }
            (None, Some(base)) => base.find(number),
            (None, None) => None,
        }
    }

    fn text(&self, offset: u32) -> &'a str {
        let offset = u64::from(offset);
        match (offset.checked_sub(self.first_text()), &self.base) {
            (Some(own), _) if own < self.texts_size => {
                self.bytes.text(self.texts + own).unwrap_or_default()
            }
            (None, Some(base)) => base.text(offset as u32),
            _ => "",
        }
    }

    /// The handle of the type of this number; none for `void`.
    fn handle(&self, number: u32) -> Option<TypeId> {
        let mut number = number;
        for _ in 0..MOST_TAGS {
            match self.find(number) {
                // A type tag says something to the verifier of BPF programs only.
                Some((_, head)) if head.kind == 18 => number = head.word,
                _ => break,
            }
        }
        if number == 0 {
            return None;
        }
        let object = match (number < self.first(), &self.base) {
            // An outline belongs to the module that it is for, and its types keep their numbers there.
            (true, Some(base)) if !base.is_outline => return base.handle(number),
            _ => self.object,
        };
        Some(TypeId {
            object,
            at: MARK | u64::from(number),
        })
    }

    /// One step into the type of a handle.
    pub(crate) fn shape(&self, at: u64) -> Result<Shape<'a>> {
        let number = (at & !MARK) as u32;
        let missing = || {
            let what = format!("there is no type {number}");
            Error::section(&self.label, ".BTF", self.types, what)
        };
        let (home, head) = self.find(number).ok_or_else(missing)?;
        let name = self.text(head.name);
        let to = self.handle(head.word);
        let bad = || Error::section(&self.label, ".BTF", head.at, "a type is cut");
        let half = |offset: u64| home.bytes.u32(head.at + 12 + offset);
        let mut size = None;
        let mut is_declaration = false;
        let kind = match head.kind {
            1 => {
                size = Some(u64::from(head.word));
                Kind::Base(encoding(half(0).ok_or_else(bad)?, head.word, name))
            }
            2 => {
                size = Some(self.pointer_size);
                Kind::Pointer(to)
            }
            3 => {
                let count = half(8).map(u64::from).ok_or_else(bad)?;
                Kind::Array {
                    element: self.handle(half(0).ok_or_else(bad)?),
                    // A length that is left open is 0 here, like one that is 0.
                    counts: vec![Some(count).filter(|count| *count > 0)],
                }
            }
            4 | 5 => {
                size = Some(u64::from(head.word));
                // An outline tells sizes but no members.
                is_declaration = home.is_outline && head.count == 0;
                Kind::Record {
                    is_union: head.kind == 5,
                    members: self.members(home, head).ok_or_else(bad)?,
                }
            }
            6 => {
                size = Some(u64::from(head.word));
                let value = |n: u64| {
                    let value = half(8 * n + 4)?;
                    let value = if head.flag {
                        i64::from(value.cast_signed())
                    } else {
                        i64::from(value)
                    };
                    // Without the flag of newer writers the sign must be told from the value itself.
                    let value = if head.flag || value <= i64::from(i32::MAX) {
                        value
                    } else {
                        i64::from((value as u32).cast_signed())
                    };
                    Some((self.text(half(8 * n)?), value))
                };
                Kind::Enumeration(
                    (0..head.count)
                        .map(value)
                        .collect::<Option<_>>()
                        .ok_or_else(bad)?,
                )
            }
            19 => {
                size = Some(u64::from(head.word));
                let value = |n: u64| {
                    let (low, high) = (half(12 * n + 4)?, half(12 * n + 8)?);
                    let value = u64::from(high) << 32 | u64::from(low);
                    Some((self.text(half(12 * n)?), value as i64))
                };
                Kind::Enumeration(
                    (0..head.count)
                        .map(value)
                        .collect::<Option<_>>()
                        .ok_or_else(bad)?,
                )
            }
            7 => {
                is_declaration = true;
                Kind::Record {
                    is_union: head.flag,
                    members: Vec::new(),
                }
            }
            8 => Kind::Typedef(to),
            9 => Kind::Qualified(Qualifier::Volatile, to),
            10 => Kind::Qualified(Qualifier::Const, to),
            11 => Kind::Qualified(Qualifier::Restrict, to),
            // A function names its prototype.
            12 => match self.find(head.word) {
                Some((_, prototype)) if prototype.kind == 13 => {
                    self.shape(u64::from(head.word))?.kind
                }
                _ => return Err(bad()),
            },
            13 => {
                let parameter = |n: u64| Some((self.text(half(8 * n)?), half(8 * n + 4)?));
                let all: Option<Vec<_>> = (0..head.count).map(parameter).collect();
                let mut all = all.ok_or_else(bad)?;
                // More arguments are told by a last parameter without name and type.
                let is_variadic = all.last() == Some(&("", 0));
                if is_variadic {
                    all.pop();
                }
                let parameters = all.into_iter().map(|(name, to)| (name, self.handle(to)));
                Kind::Function {
                    returns: to,
                    parameters: parameters.collect(),
                    is_variadic,
                }
            }
            16 => {
                size = Some(u64::from(head.word));
                Kind::Base(Encoding::Float)
            }
            _ => Kind::Other("no type"),
        };
        Ok(Shape {
            kind,
            name,
            size,
            is_declaration,
        })
    }

    fn members(&self, home: &Btf<'a>, head: Head) -> Option<Vec<Member<'a>>> {
        let member = |n: u64| {
            let at = head.at + 12 + 12 * n;
            let place = home.bytes.u32(at + 8)?;
            // With the flag the upper bits hold the size of a bit field.
            let (offset, size) = match head.flag {
                true => (u64::from(place & 0xff_ffff), u64::from(place >> 24)),
                false => (u64::from(place), 0),
            };
            let bits = (size > 0).then_some(Bits { offset, size });
            Some(Member {
                name: self.text(home.bytes.u32(at)?),
                offset: offset / 8,
                bits,
                type_id: self.handle(home.bytes.u32(at + 4)?),
            })
        };
        (0..head.count).map(member).collect()
    }
}

impl Head {
    /// Where the next type begins.
    fn end(&self) -> Option<u64> {
        let more = match self.kind {
            1 | 14 | 17 => 4,
            3 => 12,
            4 | 5 | 15 | 19 => 12 * self.count,
            6 | 13 => 8 * self.count,
            2 | 7..=12 | 16 | 18 => 0,
            _ => return None,
        };
        self.at.checked_add(12 + more)
    }
}

/// The encoding of an integer: bits of `BTF_INT_ENCODING`.
fn encoding(word: u32, size: u32, name: &str) -> Encoding {
    let is_char = size == 1 && name.contains("char");
    match word >> 24 & 0xf {
        4 => Encoding::Bool,
        1 if is_char => Encoding::SignedChar,
        1 => Encoding::Signed,
        _ if is_char => Encoding::UnsignedChar,
        _ => Encoding::Unsigned,
    }
}
