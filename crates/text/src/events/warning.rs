//! `WARN()` and `WARN_ON()`: the code met a state that it holds to be wrong and went on.

use crate::naming::{Details, Entry, Naming, Reading, says, source_line};
use crate::plumbing::Names;
use crate::stack::Recipe;

/// kernel/panic.c, `__warn`. Three forms: `WARNING: CPU: 0 PID: 1 at file.c:12 f+0x1/0x2`,
/// `WARNING: at file.c:12 f+…` (before 3.13), `WARNING: file.c:12 at f+0x1/0x2, CPU#0: comm/1` (6.19).
pub static ENTRY: Entry = Entry {
    name: "warning",
    meaning: "an assertion in the kernel's source failed; the kernel went on, on unknown ground",
    crash: true,
    anchors: &["WARNING:"],
    starts: |text| says(text, "WARNING: ") && place(text).is_some(),
    folds: |text, open| {
        // Since 6.16 SLUB prints its stack as a warning behind its report.
        open.kind == "slab_corruption" && text.contains("mm/slub.c:")
    },
    describe,
    details,
};

/// What a line says about the place of the warning.
struct Place<'a> {
    source: &'a str,
    function: Option<&'a str>,
}

fn place(text: &str) -> Option<Place<'_>> {
    let (_, rest) = text.split_once("WARNING: ")?;
    let source = source_line(rest)?;
    let (before, after) = rest.split_once(source)?;
    if before.ends_with("at ") {
        return Some(Place {
            source,
            function: function(after),
        });
    }
    // Only these forms: a driver's own "WARNING: foo.c:12 odd" is a message.
    let rest = after.strip_prefix(" at ")?;
    let function = function(rest);
    let bare_address = rest.starts_with("0x") && rest.contains(", CPU#");
    (function.is_some() || bare_address).then_some(Place { source, function })
}

fn function(text: &str) -> Option<&str> {
    let symbol = crate::frames::symbol(text.trim_start())?;
    (symbol.offset.is_some() || symbol.name.contains('.')).then_some(symbol.name)
}

/// Assertions of generic code whose name the caller deserves.
struct Rule {
    /// Part of the source file.
    file: &'static str,
    /// Beginning or part of the function, where it matters.
    function: fn(&str) -> bool,
    what: &'static str,
    class: &'static str,
    skip: Names,
}

const USB: Names = Names::containing(&[
    "usb_submit_urb",
    "usb_start_wait_urb",
    "usb_bulk_msg",
    "usb_interrupt_msg",
    "usb_control_msg",
]);

const RULES: &[Rule] = &[
    Rule {
        file: "lib/debugobjects.c",
        function: |_| true,
        what: "WARNING: ODEBUG bug",
        class: "WARNING",
        skip: Names::containing(&[
            "debug_",
            "rcu",
            "hrtimer_",
            "timer_",
            "work_",
            "percpu_",
            "vunmap",
            "vfree",
            "__free_",
            "debug_check",
            "kobject_",
        ]),
    },
    Rule {
        file: "mm/usercopy.c",
        function: |_| true,
        what: "WARNING: bad usercopy",
        class: "WARNING",
        skip: Names::containing(&["usercopy", "__check"]),
    },
    Rule {
        file: "lib/kobject.c",
        function: |_| true,
        what: "WARNING: kobject bug",
        class: "WARNING",
        skip: Names::containing(&["kobject_"]),
    },
    Rule {
        file: "fs/proc/generic.c",
        function: |_| true,
        what: "WARNING: proc registration bug",
        class: "WARNING",
        skip: Names::containing(&["proc_"]),
    },
    Rule {
        file: "kernel/locking/lockdep.c",
        function: |name| name.contains("lock_"),
        what: "WARNING: locking bug",
        class: "LOCKDEP",
        skip: Names::containing(&["lock_sock", "release_sock"]),
    },
    Rule {
        file: "mm/vmalloc.c",
        function: |name| name.contains("__vmalloc_node"),
        what: "WARNING: zero-size vmalloc",
        class: "WARNING",
        skip: Names::NONE,
    },
    Rule {
        file: "mm/",
        function: is_malloc,
        what: "WARNING: kmalloc bug",
        class: "WARNING",
        skip: Names::containing(&["kmalloc", "krealloc", "slab", "kmem"]),
    },
];

/// `kmalloc…`, `kvmalloc…`, `malloc…`: the allocator asserts what its caller asked for.
fn is_malloc(name: &str) -> bool {
    let name = name.strip_prefix('k').unwrap_or(name);
    name.starts_with("malloc") || name.get(1..).is_some_and(|rest| rest.starts_with("malloc"))
}

fn describe(reading: &Reading<'_>) -> Naming {
    let Some(place) = place(reading.head()) else {
        return Naming::bare(reading.head_from("WARNING:"));
    };
    let function = place.function.unwrap_or_default();
    if function.starts_with("usb_submit_urb") {
        let caller = reading.responsible(&Recipe::WARNING.skipping(USB));
        let corrupted = caller.is_none().then_some("the stack names no function");
        let caller = caller.as_deref().unwrap_or("corrupted");
        let named = Naming::with_stack(format!("WARNING in {caller}/usb_submit_urb"));
        return Naming { corrupted, ..named }.class("WARNING");
    }
    for rule in RULES {
        if place.source.contains(rule.file) && (rule.function)(function) {
            let recipe = Recipe::WARNING.skipping(rule.skip);
            return Naming::located(rule.what, reading.responsible(&recipe)).class(rule.class);
        }
    }
    Naming::located("WARNING", reading.responsible(&Recipe::WARNING)).class("WARNING")
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    let Some(place) = place(reading.head()) else {
        return;
    };
    let line = reading.lines.first().map_or(0, |line| line.number);
    details.push(base::Detail {
        name: "assertion".to_owned(),
        value: place.source.to_owned(),
        line,
    });
    // `WARN()` with a text prints the text first, behind the scissors line.
    let text = reading
        .before
        .iter()
        .rev()
        .take_while(|line| !line.text.contains("[ cut here ]"));
    if reading
        .before
        .iter()
        .any(|line| line.text.contains("[ cut here ]"))
    {
        let text: Vec<_> = text.take(4).collect();
        for line in text.into_iter().rev() {
            details.push(base::Detail {
                name: "message".to_owned(),
                value: line.text.trim().to_owned(),
                line: line.number,
            });
        }
    }
}
