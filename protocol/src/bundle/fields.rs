//! The text fields of a statement: names, lines and prose.
//!
//! - A *name* (author, receiver) is letters and digits of any script and `@ . _ + - / : = %`, not beginning with `-`, at most 128 bytes:
//!   it stands in an `allowed_signers` file, on a command line and in a log without quotes or escapes.
//! - A *line* (target, tool, model, commit) is visible text, at most 256 bytes.
//! - *Prose* (description) may have line ends and tabs, and is at most 4,096 bytes; who shows it escapes it.

use crate::path::characters::{Unseen, escaped};

/// Bytes of a name.
pub const MAX_NAME_LEN: usize = 128;
/// Bytes of a line.
pub const MAX_LINE_LEN: usize = 256;
/// Bytes of prose.
pub const MAX_PROSE_LEN: usize = 4096;

/// What is wrong with a text field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// It has no text; a field that does not apply is left out.
    #[error("is empty")]
    Empty,
    /// It is too long.
    #[error("is {len} bytes long, and {max} are the most")]
    TooLong {
        /// Its bytes.
        len: usize,
        /// The most.
        max: usize,
    },
    /// It holds a character that it must not.
    #[error("is \"{text}\", with U+{code:04X}, which may not stand there")]
    Character {
        /// The text, escaped.
        text: String,
        /// The character's code point.
        code: u32,
    },
}

/// Checks a name of an author or a receiver.
///
/// # Errors
/// [`TextFault`] saying what is wrong.
pub fn check_name(text: &str) -> Result<(), TextFault> {
    // Unicode counts some fillers without a shape as letters.
    let letter = |character: char| character.is_alphanumeric() && Unseen::of(character).is_none();
    let allowed = |character: char| letter(character) || "@._+-/:=%".contains(character);
    check(text, MAX_NAME_LEN, allowed)?;
    if text.starts_with('-') {
        Err(TextFault::character(text, '-'))
    } else {
        Ok(())
    }
}

pub(super) fn check_line(text: &str) -> Result<(), TextFault> {
    check(text, MAX_LINE_LEN, |character| Unseen::of(character).is_none())
}

pub(super) fn check_prose(text: &str) -> Result<(), TextFault> {
    check(text, MAX_PROSE_LEN, |character| {
        matches!(character, '\n' | '\t') || !character.is_control()
    })
}

fn check(text: &str, max: usize, allowed: impl Fn(char) -> bool) -> Result<(), TextFault> {
    if text.is_empty() {
        return Err(TextFault::Empty);
    }
    if text.len() > max {
        return Err(TextFault::TooLong { len: text.len(), max });
    }
    match text.chars().find(|character| !allowed(*character)) {
        Some(character) => Err(TextFault::character(text, character)),
        None => Ok(()),
    }
}

impl TextFault {
    fn character(text: &str, character: char) -> Self {
        Self::Character {
            text: escaped(text).to_string(),
            code: character.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_most_bytes_is_taken() {
        assert_eq!(check_name(&"x".repeat(MAX_NAME_LEN)), Ok(()));
    }

    #[test]
    fn a_name_one_byte_longer_is_refused() {
        let (len, max) = (MAX_NAME_LEN + 1, MAX_NAME_LEN);
        assert_eq!(check_name(&"x".repeat(len)), Err(TextFault::TooLong { len, max }));
    }

    #[test]
    fn names_as_people_and_hosts_have_them_are_taken() {
        for name in ["alice@lab", "plant-7", "jörg+code@a.example", "CI/build:3", "日本"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_name_that_a_shell_or_a_pattern_list_would_read_otherwise_is_refused() {
        for name in [
            "",
            "-x",
            "a b",
            "a,b",
            "a*",
            "a?",
            "!a",
            "a'b",
            "a\"b",
            "$x",
            "`x`",
            "a;b",
            "#a",
            "a\nb",
            "a\u{202E}b",
            "a\u{3164}",
            "<a>",
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_line_takes_visible_text_only() {
        assert_eq!(check_line("claude code (4.5) — «x»"), Ok(()));
        for line in ["", "a\nb", "a\tb", "a\u{200B}b"] {
            assert!(check_line(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn prose_takes_line_ends_and_tabs_but_no_other_control() {
        assert_eq!(check_prose("first\n\tsecond 👩\u{200D}💻"), Ok(()));
        for prose in ["a\rb", "a\u{1B}[2J", "a\0"] {
            assert!(check_prose(prose).is_err(), "{prose:?}");
        }
    }

    #[test]
    fn lines_and_prose_have_a_longest_length() {
        assert_eq!(check_line(&"x".repeat(MAX_LINE_LEN)), Ok(()));
        assert!(check_line(&"x".repeat(MAX_LINE_LEN + 1)).is_err());
        assert_eq!(check_prose(&"x".repeat(MAX_PROSE_LEN)), Ok(()));
        assert!(check_prose(&"x".repeat(MAX_PROSE_LEN + 1)).is_err());
    }
}
