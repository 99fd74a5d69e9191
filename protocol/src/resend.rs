//! What is missing, short enough to be told over the telephone, and safe to be typed on the other side.
//!
//! ```text
//! 44-7QDYF 47..51-7Q2E0        44, 47..51   the numbers, as people know them
//!                              7Q           ten bits of the epoch: a code of another one is refused
//!                              DYF          check characters over all before: one character mistyped, or two that
//!                                           follow each other swapped, are always found; anything else but once in 32,749
//! ```
//!
//! Digits are Crockford's base 32: no I, L, O or U; what is typed may be of any case, with `o` for 0 and `i` or `l` for 1. Each group
//! stands by itself, so that a mistake is found where it is.

use std::fmt;

use crate::sequences::SequenceRange;

/// Groups of a code, at most.
pub const MAX_GROUPS: usize = 64;

/// What to ask the transmitter's side for: numbers of one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResendCode {
    epoch: u64,
    ranges: Vec<SequenceRange>,
    left_out: usize,
}

/// Why a code is not taken. Groups are counted from 1, as a person would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResendCodeError {
    /// Nothing but blanks.
    #[error("the code is empty; it looks like 44-7QDYF")]
    Empty,
    /// More groups than are read.
    #[error("the code has more than {MAX_GROUPS} groups")]
    TooLong,
    /// Not numbers, a dash and five characters.
    #[error("group {group} of the code, {text:?}, does not look like 44-7QDYF or 47..51-7Q2E0")]
    Shape {
        /// Which.
        group: usize,
        /// What it says, cut.
        text: String,
    },
    /// The check characters do not fit.
    #[error("group {group} of the code, {text:?}, is mistyped: its last characters do not fit what stands before them")]
    Mistyped {
        /// Which.
        group: usize,
        /// What it says, cut.
        text: String,
    },
    /// A code for another transmitter, or for its state before it was made anew.
    #[error("group {group} of the code, {text:?}, is for another epoch than this transmitter's")]
    OtherEpoch {
        /// Which.
        group: usize,
        /// What it says, cut.
        text: String,
    },
}

impl ResendCode {
    /// Asks for `ranges` of `epoch`: the first [`MAX_GROUPS`] of them.
    #[must_use]
    pub fn new(epoch: u64, ranges: impl IntoIterator<Item = SequenceRange>) -> Self {
        let mut ranges = ranges.into_iter();
        Self {
            epoch,
            ranges: ranges.by_ref().take(MAX_GROUPS).collect(),
            left_out: ranges.count(),
        }
    }

    /// Reads what was typed, in groups that are parted by blanks or commas.
    ///
    /// # Errors
    /// [`ResendCodeError`] naming the group.
    pub fn parse(text: &str, epoch: u64) -> Result<Self, ResendCodeError> {
        let groups: Vec<_> = text
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|group| !group.is_empty())
            .take(MAX_GROUPS + 1)
            .collect();
        if groups.len() > MAX_GROUPS {
            return Err(ResendCodeError::TooLong);
        }
        let groups = groups.into_iter().enumerate();
        let ranges = groups.map(|(at, text)| parse_group(at + 1, text, epoch));
        let ranges = ranges.collect::<Result<Vec<_>, _>>()?;
        if ranges.is_empty() {
            return Err(ResendCodeError::Empty);
        }
        Ok(Self {
            epoch,
            ranges,
            left_out: 0,
        })
    }

    /// The numbers asked for, as they were given.
    #[must_use]
    pub fn ranges(&self) -> &[SequenceRange] {
        &self.ranges
    }

    /// How many ranges did not fit in.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}

impl fmt::Display for ResendCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.ranges.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            let numbers = range.to_string();
            let checked = checked(&numbers, epoch_tag(self.epoch));
            write!(f, "{numbers}-")?;
            for digit in checked {
                write!(f, "{}", char::from(DIGITS[usize::from(digit)]))?;
            }
        }
        Ok(())
    }
}

fn parse_group(group: usize, text: &str, epoch: u64) -> Result<SequenceRange, ResendCodeError> {
    let shown = || text.chars().take(SHOWN).collect::<String>();
    let shape = || ResendCodeError::Shape { group, text: shown() };
    let (numbers, checks) = text.split_once('-').ok_or_else(shape)?;
    let checks: Option<Vec<u8>> = checks.chars().map(digit).collect();
    let checks = <[u8; CHECKS]>::try_from(checks.ok_or_else(shape)?).map_err(|_| shape())?;
    let numbers = folded(numbers).ok_or_else(shape)?;
    let range = numbers.parse::<SequenceRange>().map_err(|_| shape())?;
    // As it would be written, so that a range has one code.
    let numbers = range.to_string();
    let [tag_high, tag_low, ..] = checks;
    if checked(&numbers, [tag_high, tag_low]) != checks {
        return Err(ResendCodeError::Mistyped { group, text: shown() });
    }
    if [tag_high, tag_low] != epoch_tag(epoch) {
        return Err(ResendCodeError::OtherEpoch { group, text: shown() });
    }
    Ok(range)
}

/// Decimal digits and dots as they were meant; `None` if something else is among them.
fn folded(numbers: &str) -> Option<String> {
    if numbers.len() > MAX_NUMBERS_LEN {
        return None;
    }
    let fold = |c: char| match c {
        '.' => Some('.'),
        c => digit(c).and_then(|digit| char::from_digit(digit.into(), 10)),
    };
    numbers.chars().map(fold).collect()
}

/// The value of one of Crockford's digits, as typed.
fn digit(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    let at = DIGITS.iter().position(|digit| char::from(*digit) == c)?;
    u8::try_from(at).ok()
}

/// The first ten bits of the epoch.
fn epoch_tag(epoch: u64) -> [u8; 2] {
    let [first, second, ..] = epoch.to_be_bytes();
    [first >> 3, ((first & 7) << 2) | (second >> 6)]
}

/// Tag and check characters of a group: those that make the whole, read as a number to the base 32, 1 more than a multiple of the
/// largest prime below 32³. A wrong character, and two neighbours swapped, change it by less than the prime times a power of 32.
///
/// # Source
/// ISO/IEC 7064, the pure systems.
fn checked(numbers: &str, tag: [u8; 2]) -> [u8; CHECKS] {
    let symbols = numbers.bytes().map(|byte| match byte {
        b'0'..=b'9' => byte - b'0',
        _ => DOT,
    });
    let before = symbols
        .chain(tag)
        .fold(0, |sum, symbol| (sum * RADIX + u32::from(symbol)) % PRIME);
    let shifted = before * RADIX % PRIME * RADIX % PRIME * RADIX % PRIME;
    let check = (1 + PRIME - shifted) % PRIME;
    let [high, middle, low] = [check / RADIX / RADIX, check / RADIX % RADIX, check % RADIX];
    // Each is less than the radix, 32.
    [tag[0], tag[1], high as u8, middle as u8, low as u8]
}

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// What a dot between two numbers counts as.
const DOT: u8 = 31;
const RADIX: u32 = 32;
const PRIME: u32 = 32_749;
/// Characters after the dash.
const CHECKS: usize = 5;
/// Characters before it: two numbers of 20 digits, two dots.
const MAX_NUMBERS_LEN: usize = 42;
/// Characters of a group that an error repeats.
const SHOWN: usize = 48;

#[cfg(test)]
mod tests;
