//! Stacks of programs, against what each of their functions said of itself: `cargo xtask lab --vmlinux dump-user &&
//! cargo test -p os --test user`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

use std::path::PathBuf;

use base::{FrameRule, StackEnd, StackTrace};
use debuginfo::{DebugInfo, Object, Store};
use image::Image;
use os::linux::Kernel;

fn left(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("../../target/lab/dump-user").join(name)
}

fn image() -> Image {
    let bytes = std::fs::read(left("vmcore.elf"));
    let bytes = bytes.expect("run 'cargo xtask lab --vmlinux dump-user' first");
    Image::open(Box::new(bytes)).unwrap()
}

/// What one run of the program said: its functions with where they return to, the first one first, and the thread
/// that waits.
struct Said {
    way: String,
    functions: Vec<(String, u64)>,
    thread: u32,
}

fn said() -> Vec<Said> {
    let bytes = std::fs::read(left("console.log")).unwrap();
    let text = String::from_utf8_lossy(&bytes).replace('\r', "");
    let mut all = Vec::new();
    let mut functions = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            [_, function, "returns", "to", address] => {
                let address = address.strip_prefix("0x").unwrap();
                let address = u64::from_str_radix(address, 16).unwrap();
                functions.push(((*function).to_owned(), address));
            }
            [way, "waits", "as", thread] => all.push(Said {
                way: (*way).to_owned(),
                functions: std::mem::take(&mut functions),
                thread: thread.parse().unwrap(),
            }),
            _ => {}
        }
    }
    assert_eq!(all.len(), 6);
    all
}

fn user_of(kernel: &Kernel<'_>, pid: u32) -> StackTrace {
    let groups = kernel.thread_groups();
    let mut groups = groups.value.into_iter();
    let group = groups.find(|group| group.threads.iter().any(|thread| thread.pid == pid));
    let stack = group.unwrap().stack.unwrap();
    assert_eq!(stack.end, StackEnd::User);
    *stack.user.unwrap()
}

#[test]
fn every_function_of_the_programs_is_found_and_returns_where_it_said() {
    let image = image();
    let store = Store::new();
    let kernel = Kernel::open(&image, &store).unwrap().value;
    for Said {
        way,
        functions,
        thread,
    } in said()
    {
        let stack = user_of(&kernel, thread);
        let frames = &stack.frames;
        let names: Vec<&str> = frames
            .iter()
            .map(|frame| frame.function.as_deref().unwrap_or("?"))
            .collect();
        let context = format!("{way}, thread {thread}: {names:?}, {}", stack.why);
        assert_eq!(stack.end, StackEnd::Bottom, "{context}");
        assert_eq!(names[0], "read", "{context}");
        assert!(frames.iter().all(|frame| !frame.is_guess), "{context}");
        assert_eq!(frames[0].rule, FrameRule::Interrupted);
        assert!(
            frames[1..].iter().all(|frame| frame.rule == FrameRule::Cfi),
            "{context}"
        );
        // The innermost function spoke last. Of a second thread, main is on the stack of the first.
        let mut expected = functions;
        if way == "thread" {
            assert_eq!(expected.remove(0).0, "main");
        }
        let mut at = 0;
        for (function, returns_to) in expected.iter().rev() {
            let place = names[at..].iter().position(|name| name == function);
            at += place.unwrap_or_else(|| panic!("no {function} in {context}"));
            assert_eq!(frames[at + 1].pc.0, *returns_to, "{function} in {context}");
            // Nothing else lies between them but what raises the signal.
            assert!(
                place < Some(if way == "signal" { 5 } else { 2 }),
                "{context}"
            );
        }
        let has_signal = frames.iter().skip(1).filter(|frame| frame.is_exact).count();
        assert_eq!(has_signal, usize::from(way == "signal"), "{context}");
        match way.as_str() {
            "thread" => assert!(!names.contains(&"main"), "{context}"),
            _ => assert_eq!(names.last(), Some(&"_start"), "{context}"),
        }
    }
}

#[test]
fn a_thread_that_joins_another_is_in_its_library() {
    let image = image();
    let store = Store::new();
    let kernel = Kernel::open(&image, &store).unwrap().value;
    let threads = said().into_iter().filter(|said| said.way == "thread");
    for said in threads {
        let tasks = kernel.tasks().value;
        let waits = tasks.iter().find(|task| task.pid == said.thread).unwrap();
        let stack = user_of(&kernel, waits.tgid);
        let main = stack
            .frames
            .iter()
            .position(|frame| frame.function.as_deref() == Some("main"));
        let main = main.unwrap();
        assert_eq!(stack.frames[main + 1].pc.0, said.functions[0].1);
        assert_eq!(stack.end, StackEnd::Bottom);
    }
}

#[test]
fn what_call_frame_information_tells_of_the_kernel_its_own_table_tells() {
    let image = image();
    let store = Store::new();
    let kernel = Kernel::open(&image, &store).unwrap().value;
    let file = std::fs::read(left("vmlinux")).expect("run 'cargo xtask lab --vmlinux dump-user'");
    let mut info = DebugInfo::new();
    info.add(Object::open("vmlinux", &file, &store).unwrap());
    assert!(kernel.add_frames(&info));
    assert!(!kernel.add_frames(&info));
    let (mut frames, mut whole, mut tasks) = (0, 0, 0);
    for task in kernel
        .tasks()
        .value
        .iter()
        .filter(|task| task.cpu.is_none())
    {
        let (Ok(own), Ok(other)) = (kernel.stack(task), kernel.stack_by_frames(task)) else {
            continue;
        };
        if matches!(own.end, unwind::End::NotRunYet) {
            continue;
        }
        tasks += 1;
        // By this table the way ends in code that is written by hand and has no such rules: until there both agree.
        let by_frames = other.frames.iter().take_while(|frame| !frame.is_guess);
        let by_frames: Vec<_> = by_frames.map(|frame| (frame.pc, frame.sp)).collect();
        let own: Vec<_> = own
            .frames
            .iter()
            .map(|frame| (frame.pc, frame.sp))
            .collect();
        let common = by_frames.len().min(own.len());
        assert_eq!(by_frames[..common], own[..common], "task {}", task.pid);
        assert!(by_frames.len() > 1, "task {}: {:?}", task.pid, other.end);
        frames += common;
        whole += usize::from(own.len() - common <= 2);
    }
    assert!(
        tasks > 40 && frames > 5 * tasks,
        "{tasks} tasks, {frames} frames"
    );
    assert!(whole * 10 > tasks * 8, "{whole} of {tasks}");
}
