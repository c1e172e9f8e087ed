//! Taint letters: what the kernel remembers about its own past.

use base::LogEvent;

use crate::TaintMark;

/// The letters of `Documentation/admin-guide/tainted-kernels.rst`, those of other makers behind.
const LETTERS: &[(char, &str)] = &[
    ('P', "a module with a proprietary licence was loaded"),
    ('F', "a module was loaded by force"),
    ('S', "the kernel runs on hardware out of its specification"),
    ('R', "a module was unloaded by force"),
    ('M', "the processor reported a machine check"),
    ('B', "a bad page or another memory error was seen before"),
    ('U', "a user program asked for the taint"),
    ('D', "the kernel had died before (an oops or BUG)"),
    ('A', "the ACPI tables were overridden"),
    ('W', "a warning had been printed before"),
    ('C', "a staging driver was loaded"),
    ('I', "a defect of the firmware is worked around"),
    ('O', "a module built outside the kernel tree was loaded"),
    ('E', "an unsigned module was loaded"),
    ('L', "a soft lockup had been seen before"),
    ('K', "the kernel was live-patched"),
    ('X', "auxiliary taint, defined by the distributor"),
    (
        'T',
        "the kernel was built with the struct randomisation plugin",
    ),
    ('N', "an in-kernel test has run"),
    ('J', "a driver used a mutating fwctl debug command"),
];

/// Whether `letters` hold a `letter`.
pub fn has(event: &LogEvent, letter: char) -> bool {
    event
        .machine
        .taint
        .as_deref()
        .is_some_and(|letters| letters.contains(letter))
}

/// The letters of an event in words; `G` (only free modules) says nothing.
pub fn marks(letters: &str) -> Vec<TaintMark> {
    let mut marks: Vec<TaintMark> = Vec::new();
    for letter in letters
        .chars()
        .filter(|c| c.is_ascii_uppercase() && *c != 'G')
    {
        if marks.iter().any(|mark| mark.letter == letter) {
            continue;
        }
        let means = LETTERS
            .iter()
            .find(|(known, _)| *known == letter)
            .map_or("", |(_, means)| means);
        marks.push(TaintMark {
            letter,
            means: means.to_owned(),
        });
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_told_in_words_once() {
        let told = marks("G      D W  OW");
        let letters: String = told.iter().map(|mark| mark.letter).collect();
        assert_eq!(letters, "DWO");
        assert!(told.iter().all(|mark| !mark.means.is_empty()));
    }
}
