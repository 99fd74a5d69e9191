//! Characters that a name must not hold because nobody sees them, and how names are written for people.
//!
//! What comes from a bundle is shown to the person who decides about it, so a name may not change what that person reads: no control, no
//! change of direction, nothing without a shape, no blank but the space.
//!
//! The tables are ranges of the Unicode Character Database, version 16. `std` cannot tell an unassigned code point from an assigned one, so
//! unassigned ones pass, but for those that Unicode reserves as default-ignorable (all of plane 14's first 4,096 among them).

use std::fmt;

/// Why a character is not visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    /// General category Cc: C0, delete, C1.
    Control,
    /// Changes the direction of text (UAX #9: embeddings, overrides, isolates, marks).
    Bidi,
    /// A line or paragraph separator, or a blank that looks like a space and is none.
    Blank,
    /// Has no shape of its own: default-ignorable, format (Cf), variation selector, tag.
    Invisible,
    /// Private use, or a code point that never is a character: no two readers see the same.
    Undefined,
}

impl Unseen {
    /// Why `character` is not visible; `None` if it is, as is the space.
    #[must_use]
    pub fn of(character: char) -> Option<Self> {
        if character.is_control() {
            return Some(Self::Control);
        }
        if character.is_ascii() {
            return None;
        }
        let code = u32::from(character);
        if code & 0xFFFE == 0xFFFE {
            return Some(Self::Undefined);
        }
        let after = RANGES.partition_point(|&(first, _, _)| first <= code);
        let &(_, last, unseen) = after.checked_sub(1).and_then(|at| RANGES.get(at))?;
        (code <= last).then_some(unseen)
    }
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Control => "a control character",
            Self::Bidi => "a bidirectional control",
            Self::Blank => "a blank other than the space",
            Self::Invisible => "an invisible character",
            Self::Undefined => "a character without a defined look",
        })
    }
}

/// First and last code point of each range, ascending.
const RANGES: &[(u32, u32, Unseen)] = &[
    (0x00A0, 0x00A0, Unseen::Blank),
    (0x00AD, 0x00AD, Unseen::Invisible),
    (0x034F, 0x034F, Unseen::Invisible),
    (0x0600, 0x0605, Unseen::Invisible),
    (0x061C, 0x061C, Unseen::Bidi),
    (0x06DD, 0x06DD, Unseen::Invisible),
    (0x070F, 0x070F, Unseen::Invisible),
    (0x0890, 0x0891, Unseen::Invisible),
    (0x08E2, 0x08E2, Unseen::Invisible),
    (0x115F, 0x1160, Unseen::Invisible),
    (0x1680, 0x1680, Unseen::Blank),
    (0x17B4, 0x17B5, Unseen::Invisible),
    (0x180B, 0x180F, Unseen::Invisible),
    (0x2000, 0x200A, Unseen::Blank),
    (0x200B, 0x200D, Unseen::Invisible),
    (0x200E, 0x200F, Unseen::Bidi),
    (0x2028, 0x2029, Unseen::Blank),
    (0x202A, 0x202E, Unseen::Bidi),
    (0x202F, 0x202F, Unseen::Blank),
    (0x205F, 0x205F, Unseen::Blank),
    (0x2060, 0x2065, Unseen::Invisible),
    (0x2066, 0x2069, Unseen::Bidi),
    (0x206A, 0x206F, Unseen::Invisible),
    (0x2800, 0x2800, Unseen::Blank),
    (0x3000, 0x3000, Unseen::Blank),
    (0x3164, 0x3164, Unseen::Invisible),
    (0xE000, 0xF8FF, Unseen::Undefined),
    (0xFDD0, 0xFDEF, Unseen::Undefined),
    (0xFE00, 0xFE0F, Unseen::Invisible),
    (0xFEFF, 0xFEFF, Unseen::Invisible),
    (0xFFA0, 0xFFA0, Unseen::Invisible),
    (0xFFF0, 0xFFFB, Unseen::Invisible),
    (0x110BD, 0x110BD, Unseen::Invisible),
    (0x110CD, 0x110CD, Unseen::Invisible),
    (0x13430, 0x1343F, Unseen::Invisible),
    (0x1BCA0, 0x1BCA3, Unseen::Invisible),
    (0x1D173, 0x1D17A, Unseen::Invisible),
    (0xE0000, 0xE0FFF, Unseen::Invisible),
    (0xF0000, 0x10FFFF, Unseen::Undefined),
];

/// Text from outside, written so that it cannot act on what shows it: see [`escaped`].
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a> {
    text: &'a str,
}

/// `text` for a person: quotes and backslashes behind a backslash, what is not visible as `\u{…}`, cut after
/// [`MAX_SHOWN`] characters with `…`.
#[must_use]
pub fn escaped(text: &str) -> Escaped<'_> {
    Escaped { text }
}

/// Characters of a foreign text that [`escaped`] shows.
pub const MAX_SHOWN: usize = 256;

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for (shown, character) in self.text.chars().enumerate() {
            if shown == MAX_SHOWN {
                return f.write_char('…');
            }
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                _ if Unseen::of(character).is_some() => write!(f, "{}", character.escape_unicode())?,
                _ => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_ascend_and_do_not_overlap() {
        for pair in RANGES.windows(2) {
            assert!(pair[0].0 <= pair[0].1 && pair[0].1 < pair[1].0, "{pair:x?}");
        }
    }

    #[test]
    fn each_end_of_a_range_is_unseen() {
        for &(first, last, unseen) in RANGES {
            for code in [first, last] {
                let found = char::from_u32(code).and_then(Unseen::of);
                let expected = if code & 0xFFFE == 0xFFFE {
                    Unseen::Undefined
                } else {
                    unseen
                };
                assert_eq!(found, Some(expected), "{code:x}");
            }
        }
    }

    #[test]
    fn neighbours_of_the_bidi_controls_that_have_a_shape_are_seen() {
        for visible in ['\u{2010}', '\u{2027}', '\u{2030}', '\u{2070}', '\u{61B}', '\u{61D}'] {
            assert_eq!(Unseen::of(visible), None, "{visible:?}");
        }
    }

    #[test]
    fn letters_of_any_script_and_the_space_are_seen() {
        let visible = " az09~\u{E9}\u{DF}\u{104}\u{42F}\u{639}\u{5D0}\u{65E5}\u{D55C}\u{E01}\u{301}\u{1F980}";
        for character in visible.chars() {
            assert_eq!(Unseen::of(character), None, "{character:?}");
        }
    }

    #[test]
    fn a_control_character_is_one_in_all_three_blocks() {
        for control in ['\0', '\n', '\u{1F}', '\u{7F}', '\u{80}', '\u{9F}'] {
            assert_eq!(Unseen::of(control), Some(Unseen::Control));
        }
    }

    #[test]
    fn each_planes_last_two_code_points_are_undefined() {
        for code in [0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF] {
            assert_eq!(char::from_u32(code).and_then(Unseen::of), Some(Unseen::Undefined));
        }
    }

    #[test]
    fn an_escaped_text_shows_an_override_by_its_number() {
        assert_eq!(escaped("a\u{202E}\"b\\").to_string(), "a\\u{202e}\\\"b\\\\");
    }

    #[test]
    fn an_escaped_text_of_the_most_characters_shown_is_whole() {
        assert_eq!(escaped(&"x".repeat(MAX_SHOWN)).to_string(), "x".repeat(MAX_SHOWN));
    }

    #[test]
    fn an_escaped_text_one_longer_is_cut() {
        let cut = escaped(&"x".repeat(MAX_SHOWN + 1)).to_string();
        assert_eq!(cut, "x".repeat(MAX_SHOWN) + "…");
    }
}
