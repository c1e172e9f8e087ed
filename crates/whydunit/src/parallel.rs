//! Many inputs on all cores, with the output in the order of the arguments.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// What the work on one input says while it runs, and at its end.
enum Message<T> {
    Row(String),
    Done(T),
}

/// Chunks that an input may be ahead of its turn: memory stays bounded.
const AHEAD: usize = 4;

/// Does `work` for the inputs `0..count`. The rows that it emits and its
/// results come to `row` and `done` input by input, whoever worked first.
///
/// `row` says whether anybody still reads; if not, the work is told so by
/// what its own emitter returns. With `threads` off all is done in place.
pub fn in_order<T: Send>(
    count: usize,
    threads: bool,
    work: impl Fn(usize, &mut dyn FnMut(String) -> bool) -> T + Sync,
    mut row: impl FnMut(String) -> bool,
    mut done: impl FnMut(T),
) {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    if !threads || count < 2 || cores < 2 {
        for index in 0..count {
            done(work(index, &mut row));
        }
        return;
    }
    let (senders, receivers): (Vec<SyncSender<_>>, Vec<Receiver<_>>) =
        (0..count).map(|_| sync_channel(AHEAD)).unzip();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (senders, work, next) = (&senders, &work, &next);
        for _ in 0..cores.min(count) {
            // Inputs are taken in order, so the one whose turn it is always has a worker.
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(sender) = senders.get(index) else {
                        break;
                    };
                    let result = work(index, &mut |text| sender.send(Message::Row(text)).is_ok());
                    // Nobody listens only when the output is gone.
                    let _ = sender.send(Message::Done(result));
                }
            });
        }
        let mut wanted = true;
        for receiver in receivers {
            loop {
                match receiver.recv() {
                    Ok(Message::Row(text)) if wanted => wanted = row(text),
                    Ok(Message::Row(_)) => {}
                    Ok(Message::Done(result)) => {
                        done(result);
                        break;
                    }
                    // Its worker is gone: the scope tells why.
                    Err(_) => break,
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_inputs() {
        for threads in [false, true] {
            let (mut rows, mut results) = (String::new(), Vec::new());
            in_order(
                20,
                threads,
                |index, emit| {
                    for part in 0..50 {
                        emit(format!("{index}.{part} "));
                    }
                    index
                },
                |text| {
                    rows += &text;
                    true
                },
                |index| results.push(index),
            );
            let expected: String = (0..20)
                .flat_map(|i| (0..50).map(move |part| format!("{i}.{part} ")))
                .collect();
            assert_eq!(rows, expected);
            assert_eq!(results, (0..20).collect::<Vec<_>>());
        }
    }
}
