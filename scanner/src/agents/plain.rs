//! A passage of a text in the form that phrases are looked for in: what a person, or a model, takes it to say.
//!
//! Lower case; accents dropped; full-width, mathematical and circled letters as the ASCII ones that they are made of;
//! look-alikes of other scripts as the ones that they look like, where asked for; characters that nobody sees gone;
//! blanks, line ends, marks of comments and the seams of strings as one blank. Each byte knows where it comes from.

use std::collections::HashMap;
use std::sync::LazyLock;

use protocol::path::characters::Unseen;
use unicode_normalization::UnicodeNormalization;

use crate::structure::ascii_lookalike;

/// What to do with letters that look like ASCII ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookalikes {
    /// They are what they are.
    Keep,
    /// They are what they look like.
    Fold,
}

/// A passage in plain form.
#[derive(Debug, Default)]
pub(super) struct Plain {
    pub(super) text: String,
    /// For each byte of `text`, the offset in the passage that it comes from.
    from: Vec<u32>,
    /// Whether the passage holds letters that pass for others, or unseen characters.
    pub(super) is_odd: bool,
}

impl Plain {
    /// The plain form of `bytes`, a passage of a few KiB.
    pub(super) fn of(bytes: &[u8], lookalikes: Lookalikes) -> Self {
        let mut plain = Self::default();
        let mut at = 0;
        for chunk in bytes.utf8_chunks() {
            let valid = chunk.valid();
            let mut skip_to = 0;
            for (within, character) in valid.char_indices() {
                if within < skip_to {
                    continue;
                }
                let rest = valid.get(within..).unwrap_or_default();
                skip_to = within + plain.take(rest, character, at + within, lookalikes);
            }
            at += valid.len() + chunk.invalid().len();
            if !chunk.invalid().is_empty() {
                plain.blank(at);
            }
        }
        plain
    }

    /// Where in the passage the byte at `at` of the plain text comes from.
    pub(super) fn origin(&self, at: usize) -> usize {
        self.from.get(at).or(self.from.last()).map_or(0, |&from| from as usize)
    }

    /// Takes the character that `rest` starts with, and says how many bytes are done.
    fn take(&mut self, rest: &str, character: char, at: usize, lookalikes: Lookalikes) -> usize {
        match character {
            '\n' | '\r' => {
                self.blank(at);
                1 + comment_mark(rest.get(1..).unwrap_or_default())
            }
            ' ' | '\t' | '\u{b}' | '\u{c}' => {
                self.blank(at);
                1
            }
            '\\' if rest.starts_with("\\n") => {
                self.blank(at);
                2
            }
            '"' | '\'' if seam(rest).is_some() => seam(rest).unwrap_or(1),
            // Emphasis of Markdown.
            '*' => 1,
            character if character.is_ascii() => {
                self.push(character.to_ascii_lowercase(), at);
                1
            }
            character => {
                self.take_wide(character, at, lookalikes);
                character.len_utf8()
            }
        }
    }

    fn take_wide(&mut self, character: char, at: usize, lookalikes: Lookalikes) {
        match Unseen::of(character) {
            Some(Unseen::Blank) => return self.blank(at),
            Some(_) => {
                self.is_odd = true;
                return;
            }
            None => {}
        }
        if is_variation_selector(character) {
            self.is_odd = true;
            return;
        }
        match character {
            '\u{2018}' | '\u{2019}' => return self.push('\'', at),
            '\u{201C}' | '\u{201D}' => return self.push('"', at),
            // Syllables and kana would come apart.
            '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' => {
                return self.push(character, at);
            }
            _ => {}
        }
        let made_of_ascii =
            u32::from(character) > 0x24F && std::iter::once(character).nfkd().all(|part| part.is_ascii());
        self.is_odd |= made_of_ascii;
        if let Some(ascii) = LOOKALIKES.get(&character)
            && !made_of_ascii
        {
            self.is_odd = true;
            if lookalikes == Lookalikes::Fold {
                return self.push(ascii.to_ascii_lowercase(), at);
            }
        }
        for part in std::iter::once(character).nfkd() {
            if matches!(part, '\u{300}'..='\u{36F}') {
                continue;
            }
            for lower in part.to_lowercase() {
                self.push(lower, at);
            }
        }
    }

    fn push(&mut self, character: char, at: usize) {
        self.text.push(character);
        let from = u32::try_from(at).unwrap_or(u32::MAX);
        self.from.resize(self.text.len(), from);
    }

    fn blank(&mut self, at: usize) {
        if !self.text.ends_with(' ') {
            self.push(' ', at);
        }
    }
}

/// Whether a character makes a passage worth reading in plain form although no keyword stands there as it is.
pub(super) fn is_odd(character: char) -> bool {
    match u32::from(character) {
        0x00..=0xAC | 0xAE..=0x17F | 0x3040..=0xD7FF => false,
        0xAD | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F => true,
        0x2100..=0x214F | 0x2460..=0x24FF | 0xFF00..=0xFF5E | 0xFEFF => true,
        0x1_D400..=0x1_D7FF | 0x1_F130..=0x1_F189 | 0xE_0000..=0xE_01EF => true,
        _ => LOOKALIKES.contains_key(&character),
    }
}

/// Whether a character is one of the 256 that only say how the one before it looks.
pub(super) fn is_variation_selector(character: char) -> bool {
    matches!(character, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

/// Letters of the basic plane that pass for ASCII ones: a text in Cyrillic asks for every letter.
static LOOKALIKES: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let letters = '\u{180}'..='\u{FFFF}';
    letters
        .filter_map(|letter| ascii_lookalike(letter).map(|ascii| (letter, ascii)))
        .collect()
});

/// Bytes at a line's start that mark it as a comment, a quotation or an item of a list.
fn comment_mark(line: &str) -> usize {
    line.bytes()
        .take_while(|byte| {
            matches!(
                byte,
                b' ' | b'\t' | b'#' | b'/' | b'*' | b';' | b'>' | b'!' | b'-' | b'\r' | b'\n'
            )
        })
        .count()
}

/// Bytes from the end of a string up to and with the quote that starts the string which continues it on another line.
fn seam(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    let (_, quote) = bytes.next()?;
    let mut lines = 0;
    for (at, byte) in bytes.take(160) {
        match byte {
            b'\n' => lines += 1,
            b' ' | b'\t' | b'\r' | b'+' | b'\\' | b'.' | b'f' => {}
            byte if byte == quote && lines > 0 => return Some(at + 1),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(text: &str) -> String {
        Plain::of(text.as_bytes(), Lookalikes::Fold).text
    }

    #[test]
    fn letters_are_what_they_pass_for() {
        assert_eq!(
            plain("ＩＧＮＯＲＥ 𝐢𝐠𝐧𝐨𝐫𝐞 ígnorè \u{456}gn\u{43e}r\u{435}"),
            "ignore ignore ignore ignore"
        );
    }

    #[test]
    fn what_nobody_sees_is_gone_and_blanks_are_one() {
        assert_eq!(plain("ig\u{200b}no\u{ad}re \t\n  # all"), "ignore all");
    }

    #[test]
    fn strings_that_go_on_in_the_next_line_are_one() {
        assert_eq!(plain("\"ignore all \"\n    \"previous\""), "\"ignore all previous\"");
        assert_eq!(plain("'ignore all ' +\n 'previous'"), "'ignore all previous'");
        assert_eq!(plain("[\"a\", \"b\"]"), "[\"a\", \"b\"]");
    }

    #[test]
    fn syllables_and_kana_stay_whole() {
        assert_eq!(plain("지시 が 指示"), "지시 が 指示");
    }

    proptest! {
        #[test]
        fn every_byte_of_any_passage_comes_from_within_it(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let plain = Plain::of(&bytes, Lookalikes::Fold);
            prop_assert_eq!(plain.from.len(), plain.text.len());
            prop_assert!(plain.from.iter().all(|&from| (from as usize) <= bytes.len()));
        }
    }
}
