//! Sequence numbers: what is typed of them, and the record of those that are used up.

use std::collections::BTreeSet;

use protocol::limits::MAX_SEQUENCE_AHEAD;
use protocol::resend::ResendCode;
use protocol::sequences::{SequenceRange, Sequences};

use crate::fuzz::script;

/// The epoch that the seeds' codes are for.
pub const EPOCH: u64 = 5 << 54;

/// A code of lost numbers, as it is read over a telephone and typed: what is taken can be told again as the same numbers.
pub fn resend(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(range) = text.parse::<SequenceRange>() {
        assert_eq!(range.to_string().parse(), Ok(range));
    }
    let Ok(code) = ResendCode::parse(&text, EPOCH) else {
        return;
    };
    let told = ResendCode::new(EPOCH, code.ranges().iter().copied());
    assert_eq!(told.left_out(), 0);
    let read = ResendCode::parse(&told.to_string(), EPOCH).expect("a code that is told here");
    assert_eq!(read.ranges(), code.ranges());
    assert!(ResendCode::parse(&text, !EPOCH).is_err(), "it is good for any epoch");
}

/// A number (u64) that is used up.
pub const USE: u8 = 0;
/// A number (u64) up to which an operator allows them.
pub const ALLOW: u8 = 1;
/// The number (u64) below which all were sent, and excused ranges: the first number (u64) and how many more (u16) of each.
pub const MISSING: u8 = 2;
const OPS: u8 = 3;

/// A script of numbers that are used up, against a set that holds every one of them: the same are taken, the same are open, and what is
/// missing is what is neither used nor excused.
pub fn sequences(bytes: &[u8]) {
    let mut sequences = Sequences::default();
    let mut used = BTreeSet::new();
    for step in script::steps(bytes).take(MOST_STEPS) {
        let (number, rest) = number(step.bytes);
        match step.op % OPS {
            USE => insert(&mut sequences, &mut used, number),
            ALLOW => sequences.allow_up_to(number),
            _ => check_missing(&sequences, &used, number, &excused(rest)),
        }
        check_open(&sequences, &used);
    }
}

const MOST_STEPS: usize = 100;

fn insert(sequences: &mut Sequences, used: &mut BTreeSet<u64>, number: u64) {
    let before = sequences.clone();
    match sequences.insert(number) {
        Ok(new) => {
            assert_eq!(new, used.insert(number), "{number} is taken for what it is not");
            assert!(sequences.contains(number) && sequences.highest() >= number);
        }
        Err(_) => {
            assert_eq!(*sequences, before, "a number that is refused changes something");
            let near = number
                .checked_sub(before.highest())
                .is_none_or(|ahead| ahead <= MAX_SEQUENCE_AHEAD);
            assert!(number == 0 || !near, "{number} is refused");
        }
    }
}

/// Used and open numbers are all up to the highest, each once.
fn check_open(sequences: &Sequences, used: &BTreeSet<u64>) {
    assert_eq!(sequences.highest(), used.last().copied().unwrap_or(0));
    let mut next = 1;
    for number in used {
        assert!(sequences.contains(*number));
        if *number > next {
            let gap = SequenceRange::new(next, number - 1);
            assert!(sequences.open().any(|open| Some(open) == gap), "{gap:?} is not open");
        }
        next = number.saturating_add(1);
    }
    let open: u64 = sequences.open().map(|range| range.count()).sum();
    assert_eq!(open + used.len() as u64, sequences.highest());
}

fn check_missing(sequences: &Sequences, used: &BTreeSet<u64>, sent_below: u64, excused: &[SequenceRange]) {
    let missing: Vec<SequenceRange> = sequences.missing(sent_below, excused).collect();
    assert!(missing.is_sorted_by(|one, next| one.last() < next.first()));
    let is_missing = |number: u64| missing.iter().any(|range| range.contains(number));
    // Where what is told changes, if it does.
    let borders = used
        .iter()
        .copied()
        .chain(excused.iter().flat_map(|range| [range.first(), range.last()]));
    for border in borders.chain([1, sent_below, sequences.highest()]) {
        for number in [border.saturating_sub(1), border, border.saturating_add(1)] {
            let excused = excused.iter().any(|range| range.contains(number));
            let expected = (1..sent_below).contains(&number) && !used.contains(&number) && !excused;
            assert_eq!(is_missing(number), expected, "{number}");
        }
    }
}

fn excused(bytes: &[u8]) -> Vec<SequenceRange> {
    let ranges = bytes.chunks_exact(10).filter_map(|range| {
        let (first, more) = number(range);
        let [high, low] = *more.first_chunk::<2>()?;
        SequenceRange::new(first, first.saturating_add(u16::from_be_bytes([high, low]).into()))
    });
    ranges.collect()
}

/// The number in the first eight bytes, 0 if there are fewer, and what follows.
fn number(bytes: &[u8]) -> (u64, &[u8]) {
    let (number, rest) = bytes.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    (u64::from_be_bytes(*number), rest)
}
