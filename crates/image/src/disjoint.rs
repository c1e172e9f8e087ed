//! Ranges that may overlap, made into ranges that do not.

use std::collections::BinaryHeap;
use std::ops::Range;

/// Cuts `ranges` so that no two overlap: where several do, the last of the list has the place. The answer is in
/// order, at most twice as long, and each range has the index of the one it is of.
pub(crate) fn disjoint(ranges: &[Range<u64>]) -> Vec<(Range<u64>, usize)> {
    let mut order: Vec<usize> = (0..ranges.len()).collect();
    let start_of = |index: &usize| ranges.get(*index).map_or(0, |range| range.start);
    order.sort_by_key(start_of);
    let mut bounds: Vec<u64> = Vec::with_capacity(2 * ranges.len());
    for range in ranges.iter().filter(|range| !range.is_empty()) {
        bounds.extend([range.start, range.end]);
    }
    bounds.sort_unstable();
    bounds.dedup();

    let mut cut: Vec<(Range<u64>, usize)> = Vec::with_capacity(ranges.len());
    let mut waiting = order.into_iter().peekable();
    let mut open = BinaryHeap::new();
    for (&from, &to) in bounds.iter().zip(bounds.iter().skip(1)) {
        while let Some(index) = waiting.next_if(|index| start_of(index) <= from) {
            open.push(index);
        }
        let ended = |index: usize| ranges.get(index).is_none_or(|range| range.end <= from);
        while open.peek().is_some_and(|index| ended(*index)) {
            open.pop();
        }
        let Some(&index) = open.peek() else { continue };
        match cut.last_mut() {
            Some((last, of)) if *of == index && last.end == from => last.end = to,
            _ => cut.push((from..to, index)),
        }
    }
    cut
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "lists of ranges are meant")]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_overlapping_ranges_has_the_place() {
        assert_eq!(disjoint(&[]), []);
        assert_eq!(disjoint(&[5..5]), []);
        assert_eq!(disjoint(&[20..30, 0..10]), [(0..10, 1), (20..30, 0)]);
        assert_eq!(
            disjoint(&[0..10, 4..6, 5..20]),
            [(0..4, 0), (4..5, 1), (5..20, 2)]
        );
        assert_eq!(
            disjoint(&[0..100, 10..20, 5..30, 12..13]),
            [
                (0..5, 0),
                (5..12, 2),
                (12..13, 3),
                (13..30, 2),
                (30..100, 0)
            ]
        );
    }

    #[test]
    fn the_answer_is_at_most_twice_as_long() {
        let ranges: Vec<_> = (0..1000u64)
            .map(|n| n * 7919 % 1009..n * 7919 % 1009 + n % 97)
            .collect();
        let cut = disjoint(&ranges);
        assert!(cut.len() <= 2 * ranges.len());
        for at in 0..1200 {
            let last = ranges.iter().rposition(|range| range.contains(&at));
            let found = cut.iter().find(|(range, _)| range.contains(&at));
            assert_eq!(found.map(|(_, of)| *of), last, "{at}");
        }
    }
}
