//! Questions about types that any source can answer: what a name means, how large something is, how C
//! writes it.

use std::sync::Arc;

use base::Budget;

use crate::error::Result;
use crate::function::Function;
use crate::set::DebugInfo;
use crate::sources::btf::Btf;
use crate::types::{Kind, NameKind, Qualifier, Shape, TypeId};

/// Steps from one name of a type to another; more is a loop.
const MOST_NAMES: usize = 32;

/// Types that one text may mention.
const MOST_WORDS: u64 = 200;

/// Types within types that one text may mention.
const DEEPEST_TEXT: usize = 40;

impl<'a> DebugInfo<'a> {
    /// The type without other names and qualifiers for it, and its shape; a declaration is replaced by the
    /// definition where there is one. None for `void`.
    pub fn strip(&self, type_id: Option<TypeId>) -> Result<Option<(TypeId, Arc<Shape<'a>>)>> {
        let mut at = type_id;
        for _ in 0..MOST_NAMES {
            let Some(type_id) = at else { return Ok(None) };
            let shape = self.shape(type_id)?;
            match shape.kind {
                Kind::Typedef(to) | Kind::Qualified(_, to) => at = to,
                _ if shape.is_declaration => {
                    let found = self.definition(type_id, &shape)?;
                    let shape = if found == type_id {
                        shape
                    } else {
                        self.shape(found)?
                    };
                    return Ok(Some((found, shape)));
                }
                _ => return Ok(Some((type_id, shape))),
            }
        }
        Ok(None)
    }

    /// What a pointer points to; none for `void *` and for what is no pointer.
    pub fn pointee(&self, type_id: TypeId) -> Result<Option<TypeId>> {
        Ok(match self.strip(Some(type_id))? {
            Some((_, shape)) => match shape.kind {
                Kind::Pointer(to) => to,
                _ => None,
            },
            None => None,
        })
    }

    /// Bytes of a value of the type; none where it is not complete.
    pub fn size_of(&self, type_id: TypeId) -> Result<Option<u64>> {
        let mut at = Some(type_id);
        let mut count: u64 = 1;
        for _ in 0..MOST_NAMES {
            let Some((_, shape)) = self.strip(at)? else {
                return Ok(None);
            };
            let Kind::Array { element, counts } = &shape.kind else {
                return Ok(shape.size.and_then(|size| size.checked_mul(count)));
            };
            if let Some(size) = shape.size {
                return Ok(size.checked_mul(count));
            }
            for dimension in counts {
                match dimension.and_then(|dimension| count.checked_mul(dimension)) {
                    Some(product) => count = product,
                    None => return Ok(None),
                }
            }
            at = *element;
        }
        Ok(None)
    }

    /// The definition of a type that is only declared: of the same source file, object or set.
    fn definition(&self, type_id: TypeId, shape: &Shape<'a>) -> Result<TypeId> {
        let kind = match &shape.kind {
            Kind::Record {
                is_union: false, ..
            } => NameKind::Structure,
            Kind::Record { is_union: true, .. } => NameKind::Union,
            Kind::Enumeration(_) => NameKind::Enumeration,
            _ => return Ok(type_id),
        };
        if shape.name.is_empty() {
            return Ok(type_id);
        }
        if !Btf::describes(type_id)
            && let Some(dwarf) = self.dwarf(type_id.object)?
            && let Some(at) = dwarf.named_near(type_id.at, kind, shape.name)
        {
            return Ok(TypeId { at, ..type_id });
        }
        let found = self.find_named(kind, shape.name, Some(type_id))?;
        Ok(found.first().copied().unwrap_or(type_id))
    }

    /// Every definition under a name of the first object that has one: `near`'s own, then small ones before
    /// large ones, as all of an object must be looked through.
    fn find_named(&self, kind: NameKind, name: &str, near: Option<TypeId>) -> Result<Vec<TypeId>> {
        let first = near.map(|type_id| type_id.object);
        let mut others: Vec<_> = self
            .objects()
            .map(|(id, object)| (object.size(), id))
            .collect();
        others.sort_unstable();
        let order = first
            .into_iter()
            .chain(others.into_iter().map(|(_, id)| id));
        let mut found = Vec::new();
        let mut asked = Vec::new();
        for id in order {
            if asked.contains(&id) {
                continue;
            }
            asked.push(id);
            // A damaged object must not hide what another one tells.
            let dwarf = || match self.dwarf(id) {
                Ok(Some(dwarf)) => dwarf.named(kind, name),
                _ => Vec::new(),
            };
            let btf = || match self.btf(id) {
                Ok(Some(btf)) => btf.named(kind, name),
                _ => Vec::new(),
            };
            // All of a kernel's DWARF takes a tenth of a second to look through, its BTF a hundredth of that.
            let is_kernel = self
                .object(id)
                .is_some_and(|object| !object.is_relocatable());
            let mut places = if is_kernel { btf() } else { dwarf() };
            if places.is_empty() {
                places = if is_kernel { dwarf() } else { btf() };
            }
            found.extend(places.into_iter().map(|at| TypeId { object: id, at }));
            if !found.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    /// The types called `name`: `struct bonding`, `union u`, `enum e`, or a typedef, a base type, or any of
    /// these without the word. Several where source files define different ones under one name.
    ///
    /// With `near` the source file, and the object, of that type are asked first.
    pub fn types_named(&self, name: &str, near: Option<TypeId>) -> Result<Vec<TypeId>> {
        let name = name.trim();
        let (kinds, name): (&[NameKind], &str) = match name.split_once(char::is_whitespace) {
            Some(("struct", rest)) => (&[NameKind::Structure], rest.trim()),
            Some(("union", rest)) => (&[NameKind::Union], rest.trim()),
            Some(("enum", rest)) => (&[NameKind::Enumeration], rest.trim()),
            _ => (
                &[
                    NameKind::Structure,
                    NameKind::Typedef,
                    NameKind::Union,
                    NameKind::Enumeration,
                    NameKind::Base,
                ],
                name,
            ),
        };
        if let Some(near) = near.filter(|near| !Btf::describes(*near))
            && let Some(dwarf) = self.dwarf(near.object)?
        {
            let found = kinds
                .iter()
                .find_map(|kind| dwarf.named_near(near.at, *kind, name));
            if let Some(at) = found {
                return Ok(vec![TypeId { at, ..near }]);
            }
        }
        for kind in kinds {
            let found = self.find_named(*kind, name, near)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// How C writes the type (`struct rlb_client_info *`).
    pub fn type_text(&self, type_id: Option<TypeId>) -> String {
        self.declaration(type_id, "")
    }

    /// How C declares something called `name` of the type (`int (*func)(struct sk_buff *)`).
    pub fn declaration(&self, type_id: Option<TypeId>, name: &str) -> String {
        let mut budget = Budget::new("types in one text", MOST_WORDS);
        self.declare(type_id, name.to_owned(), &mut budget, 0)
    }

    /// The head of a function as C writes it.
    pub fn prototype(&self, function: &Function<'a>) -> String {
        let mut budget = Budget::new("types in one text", MOST_WORDS);
        let parameters =
            self.parameter_list(&function.signature, function.is_variadic, &mut budget, 0);
        let inner = format!("{}({parameters})", function.name);
        let head = self.declare(function.returns, inner, &mut budget, 0);
        if function.is_external {
            head
        } else {
            format!("static {head}")
        }
    }

    fn parameter_list(
        &self,
        parameters: &[(&str, Option<TypeId>)],
        is_variadic: bool,
        budget: &mut Budget,
        depth: usize,
    ) -> String {
        let mut texts: Vec<String> = Vec::new();
        for (name, type_id) in parameters {
            if budget.spend(1).is_err() {
                texts.push("…".to_owned());
                break;
            }
            texts.push(self.declare(*type_id, (*name).to_owned(), budget, depth + 1));
        }
        if is_variadic {
            texts.push("...".to_owned());
        }
        if texts.is_empty() {
            "void".to_owned()
        } else {
            texts.join(", ")
        }
    }

    /// Builds the text from the inside out: `inner` is what the type is declared for so far.
    fn declare(
        &self,
        type_id: Option<TypeId>,
        inner: String,
        budget: &mut Budget,
        depth: usize,
    ) -> String {
        let with = |word: &str| match inner.is_empty() {
            true => word.to_owned(),
            false => format!("{word} {inner}"),
        };
        let Some(type_id) = type_id else {
            return with("void");
        };
        if budget.spend(1).is_err() || depth > DEEPEST_TEXT {
            return with("…");
        }
        let Ok(shape) = self.shape(type_id) else {
            return with("?");
        };
        let record = |word: &str| match shape.name {
            "" => with(&format!("{word} {{…}}")),
            name => with(&format!("{word} {name}")),
        };
        match &shape.kind {
            Kind::Record {
                is_union: false, ..
            } => record("struct"),
            Kind::Record { is_union: true, .. } => record("union"),
            Kind::Enumeration(_) => record("enum"),
            Kind::Base(_) | Kind::Typedef(_) => with(shape.name),
            Kind::Other(word) => with(if shape.name.is_empty() {
                word
            } else {
                shape.name
            }),
            Kind::Pointer(to) => {
                let binds = self.unqualified(*to).is_some_and(|shape| {
                    matches!(shape.kind, Kind::Array { .. } | Kind::Function { .. })
                });
                let inner = if binds {
                    format!("(*{inner})")
                } else {
                    format!("*{inner}")
                };
                self.declare(*to, inner, budget, depth + 1)
            }
            Kind::Array { element, counts } => {
                let mut inner = inner;
                for count in counts {
                    let count = count.map_or_else(String::new, |count| count.to_string());
                    inner.push_str(&format!("[{count}]"));
                }
                self.declare(*element, inner, budget, depth + 1)
            }
            Kind::Function {
                returns,
                parameters,
                is_variadic,
            } => {
                let list = self.parameter_list(parameters, *is_variadic, budget, depth);
                self.declare(*returns, format!("{inner}({list})"), budget, depth + 1)
            }
            Kind::Qualified(qualifier, to) => self.qualify(*qualifier, *to, inner, budget, depth),
        }
    }

    /// `const` stands behind the star of a pointer, and before everything else.
    fn qualify(
        &self,
        qualifier: Qualifier,
        to: Option<TypeId>,
        inner: String,
        budget: &mut Budget,
        depth: usize,
    ) -> String {
        let word = qualifier.word();
        if self
            .unqualified(to)
            .is_some_and(|shape| matches!(shape.kind, Kind::Pointer(_)))
        {
            let inner = if inner.is_empty() {
                word.to_owned()
            } else {
                format!("{word} {inner}")
            };
            return self.declare(to, inner, budget, depth + 1);
        }
        let text = self.declare(to, inner, budget, depth + 1);
        // An array of constants is constant itself, which says the same twice.
        if text.starts_with(&format!("{word} ")) {
            text
        } else {
            format!("{word} {text}")
        }
    }

    fn unqualified(&self, type_id: Option<TypeId>) -> Option<Arc<Shape<'a>>> {
        let mut at = type_id;
        for _ in 0..MOST_NAMES {
            let shape = self.shape(at?).ok()?;
            match &shape.kind {
                Kind::Qualified(_, to) => at = *to,
                _ => return Some(shape),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Object;
    use crate::store::Store;
    use crate::types::ObjectId;

    /// A linked file, whose references are in it as they are.
    const FILE: &[u8] = include_bytes!("../tests/objects/kernel-x86_64");

    /// Asks `test` about the file after the description of `name` (or of its member `member`) refers to
    /// itself where it refers to another type.
    fn with_loop(name: &str, test: impl Fn(&DebugInfo<'_>, TypeId)) {
        let store = Store::new();
        let mut set = DebugInfo::new();
        let id = set.add(Object::open("kernel", FILE, &store).unwrap());
        let wanted = set.types_named(name, None).unwrap()[0];
        let shape = set.shape(wanted).unwrap();
        let to = match &shape.kind {
            Kind::Typedef(to) | Kind::Pointer(to) => to.unwrap(),
            Kind::Record { members, .. } => members[0].type_id.unwrap(),
            kind => panic!("{kind:?}"),
        };
        let info = set
            .object(id)
            .unwrap()
            .file
            .section_named(".debug_info")
            .unwrap();
        let mut bytes = FILE.to_vec();
        // References of 32 bits count from the unit's header, and the first unit starts at 0. The last is that
        // of the last member.
        let start = info.offset as usize + wanted.at as usize;
        let (old, new) = (
            (to.at as u32).to_le_bytes(),
            (wanted.at as u32).to_le_bytes(),
        );
        let near = bytes[start..start + 40]
            .windows(4)
            .rposition(|word| word == old)
            .unwrap();
        bytes[start + near..start + near + 4].copy_from_slice(&new);

        let mut set = DebugInfo::new();
        let id = set.add(Object::open("damaged", &bytes, &store).unwrap());
        assert_eq!(id, ObjectId(0));
        test(&set, wanted);
    }

    #[test]
    fn a_name_that_means_itself_means_nothing() {
        with_loop("u8", |set, loops| {
            assert_eq!(set.shape(loops).unwrap().kind, Kind::Typedef(Some(loops)));
            assert_eq!(set.size_of(loops).unwrap(), None);
            assert_eq!(set.strip(Some(loops)).unwrap(), None);
            assert_eq!(set.pointee(loops).unwrap(), None);
            assert_eq!(set.type_text(Some(loops)), "u8");
            assert_eq!(set.members_at(loops, 0, None).unwrap(), []);
            assert_eq!(set.offset_of(loops, "x").unwrap(), None);
        });
    }

    #[test]
    fn a_structure_that_holds_itself_ends() {
        with_loop("struct list_head", |set, loops| {
            assert_eq!(set.size_of(loops).unwrap(), Some(16));
            let paths = set.members_at(loops, 0, Some(8)).unwrap();
            assert!(paths.len() <= 1, "{paths:?}");
            let paths = set.members_at(loops, 8, Some(8)).unwrap();
            assert!(paths.iter().all(|path| path.text.len() < 1000), "{paths:?}");
            assert_eq!(
                set.offset_of(loops, "prev.prev.next")
                    .unwrap()
                    .unwrap()
                    .offset,
                16
            );
            assert_eq!(set.offset_of(loops, "other").unwrap(), None);
        });
    }

    #[test]
    fn the_text_of_an_endless_type_ends() {
        with_loop("recv_fn", |set, loops| {
            assert_eq!(set.declaration(Some(loops), "f"), "recv_fn f");
        });
        let store = Store::new();
        let mut set = DebugInfo::new();
        set.add(Object::open("kernel", FILE, &store).unwrap());
        let mut budget = Budget::new("types in one text", 3);
        let text = set.types_named("struct packet_type", None).unwrap()[0];
        let func = set.offset_of(text, "func").unwrap().unwrap().type_id;
        let pointer = set.strip(func).unwrap().unwrap().0;
        let text = set.declare(Some(pointer), String::new(), &mut budget, 0);
        // Three types are told, the rest is not.
        assert_eq!(text, "… (*)(…, …)");
        assert!(budget.used() <= 6, "{}", budget.used());
    }
}
