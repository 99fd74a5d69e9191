//! A line of a file made fit to be shown: secrets blotted out, what nobody sees spelled out.

use std::ops::Range;

use protocol::path::characters::Unseen;

use crate::finding::{Place, Snippet};

/// Characters of a secret that may be seen at each end at most.
const ENDS: usize = 4;

/// Bytes of a secret of `len` bytes that may be seen at its start and at its end: together never more than a quarter.
fn shown_ends(len: usize) -> (usize, usize) {
    let shown = (len / 4).min(2 * ENDS);
    (shown.div_ceil(2), shown / 2)
}

/// Secrets of one file: where they are, and what they are, so that copies elsewhere are blotted out too.
#[derive(Debug, Default)]
pub(super) struct Blots {
    secrets: Vec<(u64, Vec<u8>)>,
    full: bool,
}

/// Secrets remembered for a file at most; past it no snippet of the file is shown at all.
const MAX_SECRETS: usize = 200;

impl Blots {
    /// Remembers a secret that starts at `offset` in the file.
    pub(super) fn add(&mut self, offset: u64, secret: &[u8]) {
        if self.secrets.len() < MAX_SECRETS {
            self.secrets.push((offset, secret.to_vec()));
        } else {
            self.full = true;
        }
    }

    /// Whether there is nothing to hide.
    pub(super) fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The snippet of `place`, without any secret.
    pub(super) fn snippet(&self, place: &Place) -> Option<Snippet> {
        if self.full {
            return None;
        }
        let mut hidden = vec![false; place.text.len()];
        for (offset, secret) in &self.secrets {
            hide(
                &mut hidden,
                i128::from(*offset) - i128::from(place.offset),
                secret.len(),
            );
            for at in find_all(&place.text, secret) {
                hide(&mut hidden, at as i128, secret.len());
            }
        }
        Some(spell_out(&place.text, &hidden, &place.mark))
    }
}

/// Hides the inside of a secret that starts `at` bytes from the text's start, and may lie partly outside of it.
fn hide(hidden: &mut [bool], at: i128, len: usize) {
    let (first, last) = shown_ends(len);
    let from = (at + first as i128).clamp(0, hidden.len() as i128);
    let to = (at + (len - last) as i128).clamp(from, hidden.len() as i128);
    if let (Ok(from), Ok(to)) = (usize::try_from(from), usize::try_from(to))
        && let Some(inside) = hidden.get_mut(from..to)
    {
        inside.fill(true);
    }
}

fn find_all<'a>(text: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let windows = if needle.is_empty() {
        [].windows(1)
    } else {
        text.windows(needle.len())
    };
    windows
        .enumerate()
        .filter(move |(_, window)| *window == needle)
        .map(|(at, _)| at)
}

/// Turns bytes into visible text: `·` for what is hidden, `<U+202E>` for what nobody sees, `<0xFF>` for what is no
/// UTF-8; and finds the mark again in it.
fn spell_out(text: &[u8], hidden: &[bool], mark: &Range<usize>) -> Snippet {
    let mut out = String::with_capacity(text.len());
    let (mut characters, mut mark_from, mut mark_to) = (0_u32, None, None);
    let mut at = 0;
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            note_mark(at, characters, mark, &mut mark_from, &mut mark_to);
            let len = character.len_utf8();
            let blotted = hidden.get(at..at + len).is_some_and(|bytes| bytes.contains(&true));
            characters += match (blotted, Unseen::of(character)) {
                (true, _) => push(&mut out, "·"),
                (false, None) => push(&mut out, character.encode_utf8(&mut [0; 4])),
                (false, Some(_)) if character == '\t' => push(&mut out, " "),
                (false, Some(_)) => push(&mut out, &format!("<U+{:04X}>", u32::from(character))),
            };
            at += len;
        }
        for byte in chunk.invalid() {
            note_mark(at, characters, mark, &mut mark_from, &mut mark_to);
            let blotted = hidden.get(at).copied().unwrap_or(false);
            characters += if blotted {
                push(&mut out, "·")
            } else {
                push(&mut out, &format!("<0x{byte:02X}>"))
            };
            at += 1;
        }
    }
    let from = mark_from.unwrap_or(characters);
    Snippet {
        text: out.into(),
        mark_from: from,
        mark_len: mark_to.unwrap_or(characters) - from,
    }
}

fn note_mark(at: usize, characters: u32, mark: &Range<usize>, from: &mut Option<u32>, to: &mut Option<u32>) {
    if at >= mark.start && from.is_none() {
        *from = Some(characters);
    }
    if at >= mark.end && to.is_none() {
        *to = Some(characters);
    }
}

/// Appends `piece` and says how many characters it has.
fn push(out: &mut String, piece: &str) -> u32 {
    out.push_str(piece);
    u32::try_from(piece.chars().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &[u8], offset: u64, mark: Range<usize>) -> Place {
        Place {
            line: 1,
            column: 1,
            offset,
            text: text.to_vec(),
            mark,
        }
    }

    #[test]
    fn never_more_than_a_quarter_of_a_secret_and_never_more_than_four_and_four_are_shown() {
        for len in 0..200 {
            let (first, last) = shown_ends(len);
            assert!(first <= 4 && last <= 4 && (first + last) * 4 <= len, "{len}");
        }
    }

    #[test]
    fn a_secret_is_blotted_out_wherever_it_stands_in_the_line() {
        let mut blots = Blots::default();
        blots.add(102, b"S3cretS3cretS3cr");
        let text = b"a=S3cretS3cretS3cr # S3cretS3cretS3cr";
        let snippet = blots.snippet(&place(text, 100, 2..18)).unwrap();
        assert_eq!(snippet.text, "a=S3············cr # S3············cr");
        assert_eq!((snippet.mark_from, snippet.mark_len), (2, 16));
    }

    #[test]
    fn a_secret_cut_by_the_snippets_edge_is_blotted_out() {
        let mut blots = Blots::default();
        blots.add(90, b"0123456789abcdefghij");
        let snippet = blots.snippet(&place(b"abcdefghij rest", 100, 11..15)).unwrap();
        assert_eq!(snippet.text, "········ij rest");
    }

    #[test]
    fn what_nobody_sees_is_spelled_out_and_the_mark_follows() {
        let text = "x\u{202e}y\u{1b}".as_bytes();
        let snippet = Blots::default().snippet(&place(text, 0, 4..5)).unwrap();
        assert_eq!(snippet.text, "x<U+202E>y<U+001B>");
        assert_eq!((snippet.mark_from, snippet.mark_len), (9, 1));
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_spelled_out() {
        let snippet = Blots::default().snippet(&place(b"a\xffb", 0, 1..2)).unwrap();
        assert_eq!(
            (snippet.text.raw(), snippet.mark_from, snippet.mark_len),
            ("a<0xFF>b", 1, 6)
        );
    }

    #[test]
    fn too_many_secrets_leave_no_snippet() {
        let mut blots = Blots::default();
        for offset in 0..=MAX_SECRETS as u64 {
            blots.add(offset * 100, b"0123456789");
        }
        assert_eq!(blots.snippet(&place(b"x", 0, 0..1)), None);
    }
}
