//! A list that only grows, and hands out references while it does.

use std::sync::OnceLock;

/// Keeps what is put into it for as long as it lives: references stay good while more is kept.
#[derive(Default)]
pub struct Kept<T> {
    first: OnceLock<Box<Link<T>>>,
}

// A list that only grows at its end can hand out references while it grows, without unsafe code.
#[derive(Default)]
struct Link<T> {
    value: T,
    next: OnceLock<Box<Link<T>>>,
}

impl<T: Default> Kept<T> {
    /// Keeps `value` and gives it back for as long as the list lives.
    pub fn keep(&self, value: T) -> &T {
        let mut value = Some(value);
        let mut slot = &self.first;
        loop {
            let link = slot.get_or_init(|| {
                let value = value.take().unwrap_or_default();
                Box::new(Link {
                    value,
                    next: OnceLock::new(),
                })
            });
            if value.is_none() {
                return &link.value;
            }
            slot = &link.next;
        }
    }
}

impl<T> Kept<T> {
    /// All that is kept, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let first = self.first.get();
        std::iter::successors(first, |link| link.next.get()).map(|link| &link.value)
    }
}

impl<T> Drop for Kept<T> {
    // One after the other: the derived drop would recurse as deep as the list is long.
    fn drop(&mut self) {
        let mut next = self.first.take();
        while let Some(mut link) = next {
            next = link.next.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_while_more_is_kept() {
        let kept = Kept::default();
        let first = kept.keep("first".to_owned());
        let second = kept.keep(String::new());
        let third = kept.keep("third".to_owned());
        assert_eq!(
            (first.as_str(), second.as_str(), third.as_str()),
            ("first", "", "third")
        );
        assert_eq!(kept.iter().map(String::len).sum::<usize>(), 10);
    }

    #[test]
    fn a_long_list_ends_without_deep_recursion() {
        let kept = Kept::default();
        for n in 0..5_000u32 {
            kept.keep(n);
        }
        assert_eq!(kept.iter().count(), 5_000);
    }
}
