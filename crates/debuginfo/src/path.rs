//! From an offset in a type to the members that lie there, written as C writes them, and back.

use std::sync::Arc;

use base::Budget;

use crate::error::Result;
use crate::set::DebugInfo;
use crate::types::{Bits, Kind, Member, Shape, TypeId};

/// Types and members looked at for one answer.
const MOST_STEPS: u64 = 1 << 16;

/// Types within types for one answer; more is a loop, as no structure can hold itself.
const DEEPEST: usize = 64;

/// Members that may lie at one place: a union has several.
const MOST_PATHS: usize = 64;

/// What lies at an offset of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path<'a> {
    /// As C writes it behind the variable's name and a dot (`alb_info.rx_hashtbl`); with an index in front where
    /// the offset leads into another element (`[16].assigned`); empty for the whole.
    pub text: String,
    /// The type of what is named.
    pub type_id: Option<TypeId>,
    /// Bytes from the start of what is named to the offset: not 0 in the middle of a number or in padding.
    pub beyond: u64,
    /// Whether exactly what is named lies there: it starts at the offset and has the size asked for.
    pub is_exact: bool,
    /// Of a bit field where its bits are, counted from the start of `owner`.
    pub bits: Option<Bits>,
    /// The innermost structure or union with a name that it is a member of.
    pub owner: Option<Owner<'a>>,
}

/// A member by the structure it belongs to: the same however one came to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner<'a> {
    /// The structure or union.
    pub type_id: TypeId,
    /// Its name, without `struct` or `union`.
    pub name: &'a str,
    /// The member's name; of a member of a structure without a name the names on the way (`tlb.weight`). Indices
    /// are left out.
    pub member: String,
    /// Bytes from the start of the structure to the member, in the first element of each array on the way.
    pub offset: u64,
}

impl Path<'_> {
    /// As C writes it behind the name of a pointer: `client->assigned`, `rx_hashtbl[16].assigned`.
    pub fn through(&self, pointer: &str) -> String {
        match self.text.as_str() {
            "" => format!("*{pointer}"),
            text if text.starts_with('[') => format!("{pointer}{text}"),
            text => format!("{pointer}->{text}"),
        }
    }

    /// `struct.member` of the innermost structure with a name (`rlb_client_info.assigned`).
    pub fn member(&self) -> Option<String> {
        self.owner
            .as_ref()
            .map(|owner| format!("{}.{}", owner.name, owner.member))
    }
}

/// Where a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Bytes from the start.
    pub offset: u64,
    /// What lies there.
    pub type_id: Option<TypeId>,
    /// Of a bit field where its bits are, counted from the start of its structure.
    pub bits: Option<Bits>,
}

/// A walk into a type.
struct Walk<'a> {
    /// Bytes of the access, where they are known.
    size: Option<u64>,
    budget: Budget,
    paths: Vec<Path<'a>>,
}

/// How far a walk has come.
#[derive(Clone)]
struct Here<'a> {
    text: String,
    owner: Option<Owner<'a>>,
    /// Whether the last step was into a member without a name.
    is_nameless: bool,
    depth: usize,
}

impl<'a> DebugInfo<'a> {
    /// What lies `offset` bytes into a value of the type, for an access of `size` bytes where known: the
    /// deepest members there. Several for a union and for bit fields, none outside of it.
    pub fn members_at(
        &self,
        type_id: TypeId,
        offset: u64,
        size: Option<u64>,
    ) -> Result<Vec<Path<'a>>> {
        let mut walk = Walk {
            size,
            budget: Budget::new("members looked at", MOST_STEPS),
            paths: Vec::new(),
        };
        let here = Here {
            text: String::new(),
            owner: None,
            is_nameless: false,
            depth: 0,
        };
        if self.size_of(type_id)?.is_none_or(|size| offset < size) || self.is_open(Some(type_id))? {
            self.walk(&mut walk, Some(type_id), offset, here)?;
        }
        Ok(walk.paths)
    }

    /// The same for a pointer to the type: an offset behind its end or before its start leads into another
    /// element of an array of it.
    pub fn elements_at(
        &self,
        type_id: TypeId,
        offset: i64,
        size: Option<u64>,
    ) -> Result<Vec<Path<'a>>> {
        let element = self
            .size_of(type_id)?
            .and_then(|size| i64::try_from(size).ok());
        let index = match element {
            Some(element) if element > 0 => offset.div_euclid(element),
            _ => 0,
        };
        if index == 0 || (offset > 0 && self.is_open(Some(type_id))?) {
            return match u64::try_from(offset) {
                Ok(offset) => self.members_at(type_id, offset, size),
                Err(_) => Ok(Vec::new()),
            };
        }
        let within = offset.rem_euclid(element.unwrap_or(1)).unsigned_abs();
        let mut paths = self.members_at(type_id, within, size)?;
        for path in &mut paths {
            let dot = if path.text.is_empty() || path.text.starts_with('[') {
                ""
            } else {
                "."
            };
            path.text = format!("[{index}]{dot}{}", path.text);
        }
        Ok(paths)
    }

    /// Whether it is an array without a size, or a structure that ends in one.
    fn is_open(&self, type_id: Option<TypeId>) -> Result<bool> {
        let mut at = type_id;
        for _ in 0..DEEPEST {
            let Some((_, shape)) = self.strip(at)? else {
                return Ok(false);
            };
            match &shape.kind {
                Kind::Array { counts, .. } => {
                    return Ok(matches!(counts.first(), Some(None | Some(0))));
                }
                Kind::Record { members, .. } => {
                    at = members.last().and_then(|member| member.type_id);
                }
                _ => return Ok(false),
            }
        }
        Ok(false)
    }

    fn walk(
        &self,
        walk: &mut Walk<'a>,
        type_id: Option<TypeId>,
        offset: u64,
        here: Here<'a>,
    ) -> Result<()> {
        if walk.budget.spend(1).is_err() || here.depth > DEEPEST || walk.paths.len() >= MOST_PATHS {
            return Ok(());
        }
        let Some((id, shape)) = self.strip(type_id)? else {
            return Ok(());
        };
        match &shape.kind {
            Kind::Record { members, .. } if !shape.is_declaration => {
                self.walk_record(walk, type_id, (id, &shape), members, offset, here)
            }
            Kind::Array { element, counts } => {
                let Some(size) = self.element_size(*element)?.filter(|size| *size > 0) else {
                    return Ok(());
                };
                // An access of several elements is one of the array.
                let Some(whole) = walk.size.filter(|wanted| *wanted > size) else {
                    let text = format!("{}{}", here.text, indices(offset / size, counts));
                    let here = Here {
                        text,
                        is_nameless: false,
                        depth: here.depth + 1,
                        ..here
                    };
                    return self.walk(walk, *element, offset % size, here);
                };
                let is_exact = offset == 0 && self.size_of(id)? == Some(whole);
                walk.paths.push(leaf(type_id, offset, is_exact, here));
                Ok(())
            }
            _ => {
                let is_exact = offset == 0
                    && match (walk.size, shape.size) {
                        (Some(wanted), Some(size)) => wanted == size,
                        _ => true,
                    };
                walk.paths.push(leaf(type_id, offset, is_exact, here));
                Ok(())
            }
        }
    }

    fn walk_record(
        &self,
        walk: &mut Walk<'a>,
        type_id: Option<TypeId>,
        (id, shape): (TypeId, &Arc<Shape<'a>>),
        members: &[Member<'a>],
        offset: u64,
        here: Here<'a>,
    ) -> Result<()> {
        if walk.budget.spend(members.len() as u64).is_err() {
            return Ok(());
        }
        let before = walk.paths.len();
        let end = walk.size.and_then(|size| offset.checked_add(size));
        let whole = offset == 0 && walk.size.is_some() && walk.size == shape.size;
        let is_union = matches!(shape.kind, Kind::Record { is_union: true, .. });
        for (number, member) in members.iter().enumerate() {
            if let Some(bits) = member.bits {
                // Code reads the bytes around a bit field: each one that these bytes hold is meant.
                let first = offset.saturating_mul(8);
                let last = end.unwrap_or(offset.saturating_add(1)).saturating_mul(8);
                let overlaps = bits.offset < last && first < bits.offset.saturating_add(bits.size);
                if overlaps && !member.name.is_empty() {
                    let here = inside(&here, (id, shape.name), member);
                    let path = leaf(member.type_id, 0, false, here);
                    walk.paths.push(Path {
                        bits: Some(bits),
                        ..path
                    });
                }
                continue;
            }
            let Some(within) = offset.checked_sub(member.offset) else {
                continue;
            };
            let size = match member.type_id {
                Some(type_id) => self.size_of(type_id)?,
                None => None,
            };
            let is_held = size.is_some_and(|size| {
                let covers = end.is_none_or(|end| end <= member.offset.saturating_add(size));
                within < size && (covers || !whole)
            });
            // What ends in an array without a size goes on, where nothing follows it. Arrays without elements in
            // the middle of a structure are but marks.
            let may_go_on = is_union || number + 1 == members.len();
            let holds = is_held
                || may_go_on
                    && size.is_none_or(|size| within >= size)
                    && self.is_open(member.type_id)?;
            if holds {
                let here = inside(&here, (id, shape.name), member);
                self.walk(walk, member.type_id, within, here)?;
            }
        }
        // Of a member without a name the structure around it speaks.
        if walk.paths.len() == before && !here.is_nameless {
            walk.paths.push(leaf(type_id, offset, whole, here));
        }
        Ok(())
    }

    fn element_size(&self, element: Option<TypeId>) -> Result<Option<u64>> {
        match element {
            Some(element) => self.size_of(element),
            None => Ok(None),
        }
    }

    /// Where a path such as `alb_info.rx_hashtbl` or `grid[1][2]` leads in a type; none where there is
    /// no such member. Pointers are not followed.
    pub fn offset_of(&self, type_id: TypeId, path: &str) -> Result<Option<Destination>> {
        let mut at = Destination {
            offset: 0,
            type_id: Some(type_id),
            bits: None,
        };
        let path = path.replace('[', ".[");
        // Indices so far into an array of several dimensions, whose rows have no types of their own.
        let mut rows = 0;
        for step in path.split('.').filter(|step| !step.is_empty()) {
            let Some((_, shape)) = self.strip(at.type_id)? else {
                return Ok(None);
            };
            let next = match (&shape.kind, step.strip_prefix('[')) {
                (Kind::Array { element, counts }, Some(index)) => {
                    let index = index
                        .strip_suffix(']')
                        .and_then(|index| index.trim().parse().ok());
                    let rest = counts.get(rows + 1..).unwrap_or_default();
                    rows = if rest.is_empty() { 0 } else { rows + 1 };
                    let type_id = if rest.is_empty() {
                        *element
                    } else {
                        at.type_id
                    };
                    let size = self.element_size(*element)?;
                    let size = rest
                        .iter()
                        .fold(size, |size, count| size?.checked_mul((*count)?));
                    let offset = index
                        .zip(size)
                        .and_then(|(index, size): (u64, u64)| index.checked_mul(size));
                    offset.map(|offset| Destination {
                        offset,
                        type_id,
                        bits: None,
                    })
                }
                (Kind::Record { .. }, None) => {
                    let mut budget = Budget::new("members looked at", MOST_STEPS);
                    self.find_member(at.type_id, step, &mut budget, 0)?
                }
                _ => None,
            };
            let Some(next) = next else { return Ok(None) };
            let Some(offset) = at.offset.checked_add(next.offset) else {
                return Ok(None);
            };
            at = Destination { offset, ..next };
        }
        Ok(Some(at))
    }

    /// The member called `name`, also of anonymous members.
    fn find_member(
        &self,
        record: Option<TypeId>,
        name: &str,
        budget: &mut Budget,
        depth: usize,
    ) -> Result<Option<Destination>> {
        if budget.spend(1).is_err() || depth > DEEPEST {
            return Ok(None);
        }
        let Some((_, shape)) = self.strip(record)? else {
            return Ok(None);
        };
        let Kind::Record { members, .. } = &shape.kind else {
            return Ok(None);
        };
        if budget.spend(members.len() as u64).is_err() {
            return Ok(None);
        }
        for member in members {
            if member.name == name {
                let (offset, type_id, bits) = (member.offset, member.type_id, member.bits);
                return Ok(Some(Destination {
                    offset,
                    type_id,
                    bits,
                }));
            }
            if member.name.is_empty()
                && let Some(found) = self.find_member(member.type_id, name, budget, depth + 1)?
            {
                let offset = found.offset.checked_add(member.offset);
                return Ok(offset.map(|offset| Destination { offset, ..found }));
            }
        }
        Ok(None)
    }
}

/// `[1][2]` for element number 6 of `[3][4]`.
fn indices(index: u64, counts: &[Option<u64>]) -> String {
    let mut parts = Vec::new();
    let mut rest = index;
    for count in counts.iter().skip(1).rev() {
        let count = count.filter(|count| *count > 0).unwrap_or(1);
        parts.push(rest % count);
        rest /= count;
    }
    parts.push(rest);
    parts.iter().rev().map(|part| format!("[{part}]")).collect()
}

/// One member further.
fn inside<'a>(here: &Here<'a>, record: (TypeId, &'a str), member: &Member<'a>) -> Here<'a> {
    let mut text = here.text.clone();
    if !member.name.is_empty() {
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(member.name);
    }
    let owner = match (record.1, &here.owner) {
        // Members of a structure without a name are told by way of the one around it.
        ("", Some(owner)) => {
            let dot = if owner.member.is_empty() || member.name.is_empty() {
                ""
            } else {
                "."
            };
            let name = format!("{}{dot}{}", owner.member, member.name);
            let offset = owner.offset.saturating_add(member.offset);
            Owner {
                offset,
                member: name,
                ..*owner
            }
        }
        (name, _) => Owner {
            type_id: record.0,
            name,
            member: member.name.to_owned(),
            offset: member.offset,
        },
    };
    let is_nameless = member.name.is_empty();
    Here {
        text,
        owner: Some(owner),
        is_nameless,
        depth: here.depth + 1,
    }
}

fn leaf<'a>(type_id: Option<TypeId>, beyond: u64, is_exact: bool, here: Here<'a>) -> Path<'a> {
    Path {
        text: here.text,
        type_id,
        beyond,
        is_exact,
        bits: None,
        owner: here.owner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_of_several_dimensions_comes_apart() {
        assert_eq!(indices(6, &[Some(3), Some(4)]), "[1][2]");
        assert_eq!(indices(16, &[None]), "[16]");
        assert_eq!(indices(7, &[Some(2), Some(0), Some(3)]), "[2][0][1]");
    }
}
