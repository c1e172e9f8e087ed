//! Work that several threads share for something that is made once.
//!
//! Whoever needs such a thing waits until it is made. Threads of a common pool must not do the work: one that waits
//! for the rest of it may take up any other task of the pool meanwhile, and so come to wait for what it makes itself.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What `each` makes of every item, in their order.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = rayon::current_num_threads().min(items.len());
    if threads <= 1 {
        return items.iter().map(each).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            match items.get(number) {
                Some(item) => made.push((number, each(item))),
                None => return made,
            }
        }
    };
    let mut all = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(made) => all.extend(made),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_unstable_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, made)| made).collect()
}

/// Puts items in order.
pub(crate) fn sort<T: Ord + Send>(items: &mut [T]) {
    /// Fewer are in order before a thread has begun.
    const FEW: usize = 1 << 12;
    let threads = rayon::current_num_threads().max(1);
    let part = items.len().div_ceil(threads).max(FEW);
    if part < items.len() {
        std::thread::scope(|scope| {
            for part in items.chunks_mut(part) {
                scope.spawn(|| part.sort_unstable());
            }
        });
    }
    // Parts that are in order are only merged by this one.
    items.sort();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is the verdict of a test")]

    #[test]
    fn what_threads_make_is_in_order() {
        let items: Vec<u64> = (0..10_000).collect();
        let doubled: Vec<u64> = items.iter().map(|item| item * 2).collect();
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        for threads in [1, 2, 7] {
            let made = pool(threads)
                .unwrap()
                .install(|| super::map(&items, |item| item * 2));
            assert_eq!(made, doubled, "{threads}");
        }
        assert!(super::map(&[0_u8; 0], |item| *item).is_empty());
    }

    #[test]
    fn items_are_put_in_order() {
        // Steps of a generator, of which only few values come twice.
        let mut state = 1_u64;
        let mut step = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state >> 40
        };
        for count in [0, 1, 5_000, 50_000] {
            let mut items: Vec<u64> = (0..count).map(&mut step).collect();
            let mut wanted = items.clone();
            wanted.sort_unstable();
            super::sort(&mut items);
            assert_eq!(items, wanted, "{count}");
        }
    }

    /// Every task needs what is made once, by tasks of its own: none may come to wait for itself.
    #[test]
    fn what_tasks_of_a_pool_need_may_be_made_by_threads() {
        use rayon::prelude::*;
        use std::sync::OnceLock;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(8).build();
        let pool = pool.unwrap();
        for _ in 0..20 {
            let made: OnceLock<Vec<u64>> = OnceLock::new();
            let items: Vec<u64> = (0..64).collect();
            let sum: u64 = pool.install(|| {
                let tasks = items.par_iter().with_max_len(1);
                tasks
                    .map(|item| {
                        let all = made.get_or_init(|| super::map(&items, |item| item * item));
                        all.iter().sum::<u64>() + item
                    })
                    .sum()
            });
            assert_eq!(sum, 64 * 85_344 + 2_016);
        }
    }
}
