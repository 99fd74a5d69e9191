//! Which sequence numbers of an epoch are used up: exactly, for ever, and within bounds.
//!
//! ```text
//!  1 ████████ ░░ ████ ░ ██│ highest             highest + 65,536 │
//!    used     open ranges │ next in turn, taken                 │ ahead: waits for an operator
//! ```
//!
//! Always true:
//! - a number that was inserted is contained for ever, and no other is;
//! - at most [`MAX_OPEN_RANGES`] open ranges are kept, whatever is inserted.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::{MAX_OPEN_RANGES, MAX_SEQUENCE_AHEAD};

/// Sequence numbers that follow each other, at least one; none is 0. As text `7` or `7..9`, the last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u64, u64)", into = "(u64, u64)")]
pub struct SequenceRange {
    first: NonZeroU64,
    last: u64,
}

/// What is no range of sequence numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no sequence numbers: one from 1 on, or two as FIRST..LAST, expected")]
pub struct SequenceRangeError;

impl SequenceRange {
    /// The numbers from `first` to `last`, both included; `None` if there are none, or the first is 0.
    #[must_use]
    pub fn new(first: u64, last: u64) -> Option<Self> {
        let first = NonZeroU64::new(first).filter(|first| first.get() <= last)?;
        Some(Self { first, last })
    }

    /// One number; `None` if it is 0.
    #[must_use]
    pub fn of(sequence: u64) -> Option<Self> {
        Self::new(sequence, sequence)
    }

    /// The first number.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first.get()
    }

    /// The last number, which may be the first.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// How many numbers there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.last - self.first() + 1
    }

    /// Whether `sequence` is one of them.
    #[must_use]
    pub fn contains(&self, sequence: u64) -> bool {
        (self.first()..=self.last).contains(&sequence)
    }
}

impl TryFrom<(u64, u64)> for SequenceRange {
    type Error = SequenceRangeError;

    fn try_from((first, last): (u64, u64)) -> Result<Self, SequenceRangeError> {
        Self::new(first, last).ok_or(SequenceRangeError)
    }
}

impl From<SequenceRange> for (u64, u64) {
    fn from(range: SequenceRange) -> Self {
        (range.first(), range.last)
    }
}

impl fmt::Display for SequenceRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        if self.count() > 1 {
            write!(f, "..{}", self.last)?;
        }
        Ok(())
    }
}

impl FromStr for SequenceRange {
    type Err = SequenceRangeError;

    fn from_str(text: &str) -> Result<Self, SequenceRangeError> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        match (number(first), number(last)) {
            (Some(first), Some(last)) => Self::new(first, last).ok_or(SequenceRangeError),
            _ => Err(SequenceRangeError),
        }
    }
}

/// A number as it is written here: digits alone, the first of which is not 0.
fn number(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit()) && !digits.starts_with('0');
    plain.then(|| digits.parse().ok()).flatten()
}

/// Why a number is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SequenceError {
    /// No bundle has the number 0.
    #[error("0 is no sequence number")]
    Zero,
    /// It lies too far above all that were used.
    #[error("sequence number {sequence} lies more than {MAX_SEQUENCE_AHEAD} above {highest}, the highest so far")]
    Ahead {
        /// The number.
        sequence: u64,
        /// The highest that is used.
        highest: u64,
    },
    /// Too many ranges of numbers are open already.
    #[error("sequence number {sequence} would leave more than {MAX_OPEN_RANGES} gaps between those that were used")]
    TooManyGaps {
        /// The number.
        sequence: u64,
    },
}

/// The used numbers of one epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sequences {
    highest: u64,
    /// Unused numbers below the highest: last by first.
    open: BTreeMap<u64, u64>,
    /// Up to where an operator allowed numbers, however far ahead.
    allowed: u64,
}

impl Sequences {
    /// The highest used number; 0 if none is.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// Whether `sequence` is used.
    #[must_use]
    pub fn contains(&self, sequence: u64) -> bool {
        (1..=self.highest).contains(&sequence) && self.open_range(sequence).is_none()
    }

    /// Whether [`insert`](Self::insert) would take `sequence`.
    ///
    /// # Errors
    /// [`SequenceError`] saying why not. A used number is none.
    pub fn check(&self, sequence: u64) -> Result<(), SequenceError> {
        self.check_beside(sequence, 0)
    }

    /// Whether `sequence` would still be taken after `others` other numbers, each of which may leave a gap.
    ///
    /// # Errors
    /// [`SequenceError`] saying why not. A used number is none.
    pub fn check_beside(&self, sequence: u64, others: usize) -> Result<(), SequenceError> {
        if sequence == 0 {
            return Err(SequenceError::Zero);
        }
        let allowed = self.highest.saturating_add(MAX_SEQUENCE_AHEAD).max(self.allowed);
        if sequence > allowed {
            return Err(SequenceError::Ahead {
                sequence,
                highest: self.highest,
            });
        }
        let splits = match self.open_range(sequence) {
            Some((first, last)) => first < sequence && sequence < last,
            None => sequence > self.highest.saturating_add(1),
        };
        if splits && self.open.len().saturating_add(others) >= MAX_OPEN_RANGES {
            return Err(SequenceError::TooManyGaps { sequence });
        }
        Ok(())
    }

    /// Uses up a number; `false` if it was used before.
    ///
    /// # Errors
    /// [`SequenceError`]; nothing changed then.
    pub fn insert(&mut self, sequence: u64) -> Result<bool, SequenceError> {
        self.check(sequence)?;
        match self.open_range(sequence) {
            Some((first, last)) => {
                self.open.remove(&first);
                self.keep_open(first, sequence - 1);
                if sequence < last {
                    self.keep_open(sequence + 1, last);
                }
                Ok(true)
            }
            None if sequence > self.highest => {
                self.keep_open(self.highest + 1, sequence - 1);
                self.highest = sequence;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Allows numbers up to `sequence`, however far ahead they are: an operator's word.
    pub fn allow_up_to(&mut self, sequence: u64) {
        self.allowed = self.allowed.max(sequence);
    }

    /// The unused numbers below the highest, ascending.
    pub fn open(&self) -> impl Iterator<Item = SequenceRange> + '_ {
        self.open
            .iter()
            .filter_map(|(first, last)| SequenceRange::new(*first, *last))
    }

    /// The unused numbers below `sent_below`, ascending, but for those that are `excused`: voids, what is in flight, what was told
    /// before. At most one range more than are open and excused together, however many numbers that are.
    pub fn missing<'a>(
        &'a self,
        sent_below: u64,
        excused: &[SequenceRange],
    ) -> impl Iterator<Item = SequenceRange> + use<'a> {
        let excused = joined(excused);
        // All that was told before is excused from 1 on: what is open below its end costs nothing.
        let begin = excused.first().filter(|one| one.first() <= 1);
        let begin = begin.map_or(1, |one| one.last().saturating_add(1));
        let reaches_over = self.open.range(..begin).next_back();
        let above = SequenceRange::new(self.highest.saturating_add(1), u64::MAX);
        reaches_over
            .into_iter()
            .chain(self.open.range(begin..))
            .filter_map(|(first, last)| SequenceRange::new(*first, *last))
            .chain(above)
            .map_while(move |range| SequenceRange::new(range.first(), range.last().min(sent_below.checked_sub(1)?)))
            .flat_map(move |range| without(range, &excused))
    }

    /// The open range that `sequence` lies in.
    fn open_range(&self, sequence: u64) -> Option<(u64, u64)> {
        let (first, last) = self.open.range(..=sequence).next_back()?;
        (sequence <= *last).then_some((*first, *last))
    }

    fn keep_open(&mut self, first: u64, last: u64) {
        if first <= last {
            self.open.insert(first, last);
        }
    }
}

/// The same numbers in ranges that ascend and don't overlap.
fn joined(ranges: &[SequenceRange]) -> Vec<SequenceRange> {
    let mut ranges = ranges.to_vec();
    ranges.sort_unstable();
    let mut joined: Vec<SequenceRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(before) if range.first() <= before.last() => {
                before.last = before.last.max(range.last);
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// What is left of `range` without those of `excused`, which ascend and don't overlap.
fn without(range: SequenceRange, excused: &[SequenceRange]) -> Vec<SequenceRange> {
    let mut left = Vec::new();
    let mut first = Some(range.first());
    let begin = excused.partition_point(|one| one.last() < range.first());
    for one in excused.iter().skip(begin).take_while(|one| one.first() <= range.last()) {
        let Some(start) = first else { break };
        left.extend(
            one.first()
                .checked_sub(1)
                .and_then(|last| SequenceRange::new(start, last)),
        );
        first = one.last().checked_add(1);
    }
    left.extend(first.and_then(|first| SequenceRange::new(first, range.last())));
    left
}

#[cfg(test)]
mod tests;
