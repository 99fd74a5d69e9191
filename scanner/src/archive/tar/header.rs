//! One header block of a tar.
//!
//! ```text
//! name 100 │ mode 8 │ uid 8 │ gid 8 │ size 12 │ mtime 12 │ checksum 8 │ type 1 │ link 100 │ magic 8 │ … │ prefix 155 │ 12
//! ```
//! POSIX.1-1988 (ustar); GNU's own magic ends in two blanks, and there the prefix holds other things.

use std::fmt;

use super::super::flaw::Flaw;
use super::super::rules;
use super::{BLOCK, desync};
use crate::engine::Outcome;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    HardLink,
    SymbolicLink,
    Special,
    /// It speaks of the next entry, or of all that follow.
    Extended(Extension),
}

/// A header that is not an entry itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extension {
    GnuName,
    GnuLink,
    Pax,
    PaxGlobal,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file",
            Self::Folder => "a folder",
            Self::HardLink | Self::SymbolicLink => "a link",
            Self::Special => "a device or a pipe",
            Self::Extended(_) => "a header",
        })
    }
}

/// The fields that decide what is unpacked.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) path: String,
    pub(super) link: String,
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) executable: bool,
}

/// Whether a file with these first bytes is a tar: by its magic, or, before 1988, by its checksum.
pub(crate) fn starts(head: &[u8]) -> bool {
    let Some(block) = head.first_chunk::<BLOCK>() else {
        return false;
    };
    block.get(257..262) == Some(b"ustar") || (block.first() != Some(&0) && checksum_is_right(block))
}

impl Header {
    /// Reads a block that is not all zeros.
    pub(super) fn parse(block: &[u8; BLOCK]) -> Result<Self, Flaw> {
        if !checksum_is_right(block) {
            return Err(Flaw::damaged("a header whose checksum is wrong"));
        }
        let field = |from: usize, to: usize| block.get(from..to).unwrap_or_default();
        let size = number(field(124, 136)).ok_or_else(|| desync("a length that is no number"))?;
        // Permissions that cannot be read change nothing that matters here.
        let mode = number(field(100, 108)).unwrap_or(0);
        let kind = kind(block.get(156).copied().unwrap_or(0))?;
        let mut path = text(field(0, 100));
        if field(257, 265) == b"ustar\x0000" {
            let prefix = text(field(345, 500));
            if !prefix.is_empty() {
                path = format!("{prefix}/{path}");
            }
        }
        Ok(Self {
            path,
            link: text(field(157, 257)),
            kind,
            size,
            executable: mode & 0o111 != 0,
        })
    }
}

fn kind(flag: u8) -> Result<Kind, Flaw> {
    Ok(match flag {
        b'0' | 0 | b'7' => Kind::File,
        b'1' => Kind::HardLink,
        b'2' => Kind::SymbolicLink,
        b'3' | b'4' | b'6' => Kind::Special,
        b'5' => Kind::Folder,
        b'L' => Kind::Extended(Extension::GnuName),
        b'K' => Kind::Extended(Extension::GnuLink),
        b'x' => Kind::Extended(Extension::Pax),
        b'g' => Kind::Extended(Extension::PaxGlobal),
        other => {
            let message = format!(
                "an entry of type \"{}\", which programs read differently",
                char::from(other)
            );
            return Err(Flaw::new(&rules::UNSUPPORTED, message).not_seen(Outcome::Unsupported));
        }
    })
}

/// The bytes up to the first NUL.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

/// Octal digits between blanks, or GNU's binary form; `None` for anything that two programs could read differently.
fn number(field: &[u8]) -> Option<u64> {
    if let [first @ (0x80 | 0xFF), rest @ ..] = field {
        let (high, low) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
        let positive = *first == 0x80 && high.iter().all(|&byte| byte == 0);
        return positive.then(|| low.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)));
    }
    let digits = field.trim_ascii_start();
    let end = digits
        .iter()
        .position(|byte| matches!(byte, 0 | b' '))
        .unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(end)?;
    let clean =
        digits.iter().all(|byte| (b'0'..=b'7').contains(byte)) && rest.iter().all(|byte| matches!(byte, 0 | b' '));
    let value = |sum: u64, &digit: &u8| sum << 3 | u64::from(digit - b'0');
    (clean && digits.len() <= 20).then(|| digits.iter().fold(0, value))
}

/// The sum of the block's bytes, its own field taken for blanks.
fn checksum_is_right(block: &[u8; BLOCK]) -> bool {
    let (before, rest) = block.split_at(148);
    let (field, behind) = rest.split_at(8);
    // Told from other files by this alone, so it comes first.
    let Some(stated) = number(field).filter(|stated| *stated != 0) else {
        return false;
    };
    let sum: u64 = before.iter().chain(behind).map(|&byte| u64::from(byte)).sum::<u64>() + 8 * u64::from(b' ');
    // Old programs summed signed bytes.
    let high = before.iter().chain(behind).filter(|byte| !byte.is_ascii()).count() as u64;
    stated == sum || Some(stated) == sum.checked_sub(256 * high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_programs_read_differently_are_none() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"   644 \0"), Some(0o644));
        assert_eq!(number(b"00000000010\0"), Some(8));
        assert_eq!(number(b"\x80\0\0\0\0\0\0\0\0\0\x01\0"), Some(256));
        for odd in [
            &b"12x45678"[..],
            b"12 45678",
            b"-1\0\0\0\0\0\0",
            b"\xff\xff\xff\xff\xff\xff\xff\xff",
            b"9\0\0\0",
        ] {
            assert_eq!(number(odd), None, "{odd:?}");
        }
    }
}
