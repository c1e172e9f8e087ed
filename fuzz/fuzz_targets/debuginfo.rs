//! An object file of any content, and everything that can be asked of it.
#![no_main]

use debuginfo::{DebugInfo, Kind, NoFiles, Object, ObjectId, Ran, Result, Store, Symbol, UsePlace};
use libfuzzer_sys::fuzz_target;

/// Functions, types and addresses that are asked about: the answers are many, the questions few.
const MOST: usize = 6;

fuzz_target!(|data: &[u8]| {
    let store = Store::new();
    let mut set = DebugInfo::new();
    let Ok((id, _)) = set.open("file", data, &store, &NoFiles) else {
        return;
    };
    let Some(object) = set.object(id) else {
        return;
    };
    let _ = object.exported();
    let functions = object.functions().unwrap_or_default();
    for function in functions.iter().take(MOST).chain(functions.last()) {
        let _ = ask(&set, object, id, function);
    }
    for name in ["struct bonding", "enum link_state", "recv_fn", "u32"] {
        let _ = ask_type(&set, name);
    }
    for symbol in object.symbols().unwrap_or_default().iter().take(8 * MOST) {
        let _ = set.variable_at(id, symbol.address);
    }
    let _ = set.damage(id);
});

fn ask(
    set: &DebugInfo<'_>,
    object: &Object<'_>,
    id: ObjectId,
    function: &Symbol<'_>,
) -> Result<()> {
    let start = function.address;
    let end = start.saturating_add(function.size.min(4096));
    let room = object.room(function)?.map_or(0, |(room, _)| room);
    object.size_fits(function, room / 2)?;
    let relocations = object.relocations(start..end)?;
    assert!(relocations.is_sorted_by_key(|relocation| relocation.at));
    let _ = object.linked_code(start..end)?;
    let own = object.bytes_at(start, end - start).unwrap_or_default();
    let comparison = object.compare(start.saturating_sub(7), own)?;
    assert!(comparison.equal + comparison.rewritten + comparison.outside <= own.len() as u64);
    // What the file has is no difference to itself.
    let comparison = object.compare(start, own)?;
    assert_eq!(comparison.difference, None);
    // Bytes that ran elsewhere are others wherever something was rewritten.
    let ran = Ran {
        address: start.saturating_add(3),
        bytes: own.into(),
    };
    let running = object.running_code(start..end, &[ran])?;
    assert_eq!(running.bytes.len(), object.linked_code(start..end)?.len());
    for address in (start..end).step_by(24).take(MOST) {
        set.frames_at(id, address)?;
        set.variables_at(id, address)?;
        set.frame_rules_at(id, address)?;
    }
    set.lines_in(id, start..end)?;
    set.callers_of(id, start)?;
    for taken in set.address_taken(id, start)? {
        if let UsePlace::Data { members, .. } = taken.place {
            assert!(members.iter().all(|member| member.text.len() < 1 << 20));
        }
    }
    if let Some(function) = set.function_at(id, start)? {
        assert!(set.prototype(&function).len() < 1 << 22);
        set.arguments_of(&function)?;
        for variable in function.variables.iter().take(MOST) {
            set.declaration(variable.type_id, variable.name);
            if let Some(to) = variable.type_id {
                set.size_of(to)?;
                set.elements_at(to, 0x318, Some(1))?;
            }
        }
    }
    Ok(())
}

fn ask_type(set: &DebugInfo<'_>, name: &str) -> Result<()> {
    for type_id in set.types_named(name, None)?.into_iter().take(MOST) {
        assert!(set.type_text(Some(type_id)).len() < 1 << 22);
        for offset in [0, 33, 112, u64::MAX] {
            set.members_at(type_id, offset, Some(8))?;
        }
        set.offset_of(type_id, "alb_info.rx_hashtbl")?;
        if let Kind::Record { members, .. } = &set.shape(type_id)?.kind {
            for member in members.iter().take(MOST) {
                set.strip(member.type_id)?;
            }
        }
    }
    Ok(())
}
