//! Which letters are taint letters; `cause` has their meanings.

/// The letters that mainline kernels print, in the order of their bits, after
/// Documentation/admin-guide/tainted-kernels.rst and `taint_flags` of
/// `kernel/panic.c` (6.17).
const LETTERS: &str = "PGFSRMBUDAWCIOELKXTNJ";

/// Whether `letter` is a taint letter.
pub fn is_letter(letter: char) -> bool {
    LETTERS.contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taint_letters_are_told_from_others() {
        assert!(is_letter('J') && is_letter('G') && !is_letter('?') && !is_letter('Z'));
    }
}
