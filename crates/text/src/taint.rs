//! Taint letters in words.

/// The letters that mainline kernels print, in the order of their bits, after
/// Documentation/admin-guide/tainted-kernels.rst and `taint_flags` of
/// `kernel/panic.c` (6.17).
const LETTERS: &[(char, &str)] = &[
    ('P', "a proprietary module was loaded"),
    ('G', "no proprietary module was loaded"),
    ('F', "a module was loaded by force"),
    (
        'S',
        "the kernel runs on a processor or system outside its specification",
    ),
    ('R', "a module was unloaded by force"),
    ('M', "a processor reported a machine check exception"),
    ('B', "a bad page or unexpected page flags were found"),
    ('U', "a user program asked for the taint"),
    ('D', "the kernel has died before (an oops or a BUG)"),
    ('A', "an ACPI table was overridden by the user"),
    ('W', "the kernel has issued a warning before"),
    ('C', "a staging driver was loaded"),
    ('I', "a bug of the platform's firmware is worked around"),
    ('O', "a module built outside the kernel's tree was loaded"),
    ('E', "an unsigned module was loaded"),
    ('L', "a soft lockup has occurred before"),
    ('K', "the kernel was live patched"),
    ('X', "an auxiliary taint, defined by the distribution"),
    ('T', "the kernel was built with randomised structures"),
    ('N', "a test was run within the kernel"),
    ('J', "a device's mutating debug interface (fwctl) was used"),
];

/// Whether `letter` is a taint letter.
pub fn is_letter(letter: char) -> bool {
    LETTERS.iter().any(|(known, _)| *known == letter)
}

/// Every letter of `letters` that is known, with its meaning.
pub fn words(letters: &str) -> Vec<(char, &'static str)> {
    letters
        .chars()
        .filter_map(|letter| LETTERS.iter().find(|(known, _)| *known == letter))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_their_words_in_the_order_given() {
        let words = words("PWO?");
        let letters: String = words.iter().map(|(letter, _)| *letter).collect();
        assert_eq!(letters, "PWO");
        assert_eq!(words[0].1, "a proprietary module was loaded");
        assert!(is_letter('J') && !is_letter('?'));
    }
}
