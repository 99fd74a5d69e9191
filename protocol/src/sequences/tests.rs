//! The set against a plain one, and its bounds.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn range(first: u64, last: u64) -> SequenceRange {
    SequenceRange::new(first, last).unwrap()
}

fn used(numbers: impl IntoIterator<Item = u64>) -> Sequences {
    let mut sequences = Sequences::default();
    for number in numbers {
        sequences.insert(number).unwrap();
    }
    sequences
}

fn missing(sequences: &Sequences, sent_below: u64, excused: &[SequenceRange]) -> Vec<SequenceRange> {
    sequences.missing(sent_below, excused).collect()
}

#[test]
fn a_range_reads_back_from_its_text() {
    for (text, parsed) in [
        ("7", range(7, 7)),
        ("7..9", range(7, 9)),
        ("1..18446744073709551615", range(1, u64::MAX)),
    ] {
        assert_eq!(text.parse(), Ok(parsed));
        assert_eq!(parsed.to_string(), text);
    }
}

#[test]
fn what_is_no_range_is_refused() {
    for text in [
        "",
        "0",
        "07",
        "+7",
        "-7",
        "9..7",
        "0..7",
        "7..",
        "..7",
        "7...9",
        "7-9",
        " 7",
        "99999999999999999999",
    ] {
        assert_eq!(text.parse::<SequenceRange>(), Err(SequenceRangeError), "{text:?}");
    }
}

#[test]
fn a_range_that_says_nothing_does_not_decode() {
    let codec = |first: u64, last: u64| crate::codec::decode::<SequenceRange>(&crate::codec::encode(&(first, last)));
    assert_eq!(codec(7, 9), Ok(range(7, 9)));
    assert!(codec(9, 7).is_err());
    assert!(codec(0, 7).is_err());
}

#[test]
fn no_number_is_used_at_first_and_0_never() {
    let mut sequences = Sequences::default();
    assert!(!sequences.contains(0) && !sequences.contains(1));
    assert_eq!(sequences.insert(0), Err(SequenceError::Zero));
    assert_eq!(missing(&sequences, 0, &[]), []);
    assert_eq!(missing(&sequences, 1, &[]), []);
}

#[test]
fn a_number_is_new_once() {
    let mut sequences = used([1, 5]);
    assert_eq!(sequences.insert(5), Ok(false));
    assert_eq!(sequences.insert(3), Ok(true));
    assert_eq!(sequences.insert(3), Ok(false));
    assert_eq!(sequences.open().collect::<Vec<_>>(), [range(2, 2), range(4, 4)]);
}

#[test]
fn the_last_bundle_is_missing_once_sent_below_has_passed_it() {
    let sequences = used([1, 2, 4]);
    assert_eq!(missing(&sequences, 5, &[]), [range(3, 3)]);
    assert_eq!(missing(&sequences, 6, &[]), [range(3, 3), range(5, 5)]);
    assert_eq!(missing(&sequences, 3, &[]), []);
}

#[test]
fn what_is_excused_is_not_missing() {
    let sequences = used([1, 10]);
    let excused = [range(8, 12), range(2, 2), range(5, 6), range(5, 5)];
    assert_eq!(
        missing(&sequences, 15, &excused),
        [range(3, 4), range(7, 7), range(13, 14)]
    );
    assert_eq!(missing(&sequences, 15, &[range(1, u64::MAX)]), []);
}

#[test]
fn numbers_without_end_are_one_range() {
    assert_eq!(missing(&used([1]), u64::MAX, &[]), [range(2, u64::MAX - 1)]);
}

#[test]
fn a_number_too_far_ahead_waits_for_an_operator() {
    let mut sequences = used([10]);
    let (last, ahead) = (10 + MAX_SEQUENCE_AHEAD, 11 + MAX_SEQUENCE_AHEAD);
    assert_eq!(sequences.check(last), Ok(()));
    let refused = Err(SequenceError::Ahead {
        sequence: ahead,
        highest: 10,
    });
    assert_eq!(sequences.insert(ahead), refused);
    assert_eq!(sequences, used([10]));
    sequences.allow_up_to(ahead);
    assert_eq!(sequences.insert(ahead), Ok(true));
    assert_eq!(sequences.highest(), ahead);
}

#[test]
fn the_largest_number_can_be_used() {
    let mut sequences = Sequences::default();
    sequences.allow_up_to(u64::MAX);
    assert_eq!(sequences.insert(u64::MAX), Ok(true));
    assert!(sequences.contains(u64::MAX));
    assert_eq!(missing(&sequences, u64::MAX, &[]), [range(1, u64::MAX - 1)]);
    assert_eq!(sequences.insert(u64::MAX - 1), Ok(true));
}

#[test]
fn one_gap_more_than_are_kept_is_refused_and_those_that_are_can_be_filled() {
    let mut sequences = used((1..=MAX_OPEN_RANGES as u64).map(|n| 2 * n));
    let highest = sequences.highest();
    let sequence = highest + 2;
    assert_eq!(sequences.insert(sequence), Err(SequenceError::TooManyGaps { sequence }));
    assert_eq!(sequences.insert(highest + 1), Ok(true));
    assert_eq!(sequences.insert(7), Ok(true));
    assert_eq!(sequences.insert(highest + 3), Ok(true));
}

#[test]
fn a_number_is_taken_beside_as_many_others_as_there_is_room_for_their_gaps() {
    let sequences = used([1, 3]);
    let room = MAX_OPEN_RANGES - 1;
    assert_eq!(sequences.check_beside(9, room - 1), Ok(()));
    let sequence = 9;
    assert_eq!(
        sequences.check_beside(sequence, room),
        Err(SequenceError::TooManyGaps { sequence })
    );
    assert_eq!(sequences.check_beside(2, room), Ok(()));
    assert_eq!(sequences.check_beside(4, room), Ok(()));
}

proptest! {
    #[test]
    fn the_set_is_a_plain_set(numbers in proptest::collection::vec(1u64..80, 0..120), sent_below in 0u64..100) {
        let (mut sequences, mut plain) = (Sequences::default(), BTreeSet::new());
        for number in numbers {
            prop_assert_eq!(sequences.insert(number), Ok(plain.insert(number)));
        }
        for number in 0..100 {
            prop_assert_eq!(sequences.contains(number), plain.contains(&number));
        }
        prop_assert_eq!(sequences.highest(), plain.last().copied().unwrap_or(0));
        let told: Vec<u64> = sequences.missing(sent_below, &[]).flat_map(|range| range.first()..=range.last()).collect();
        let expected: Vec<u64> = (1..sent_below).filter(|number| !plain.contains(number)).collect();
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn what_is_excused_is_left_out_and_nothing_else(
        numbers in proptest::collection::vec(1u64..60, 0..40),
        excused in proptest::collection::vec((1u64..60, 0u64..9), 0..6),
    ) {
        let sequences = used(numbers);
        let excused: Vec<_> = excused.into_iter().map(|(first, more)| range(first, first + more)).collect();
        let told: Vec<u64> = sequences.missing(70, &excused).flat_map(|range| range.first()..=range.last()).collect();
        let expected = (1..70).filter(|n| !sequences.contains(*n) && !excused.iter().any(|range| range.contains(*n)));
        prop_assert_eq!(told, expected.collect::<Vec<_>>());
    }

    #[test]
    fn any_number_is_taken_or_refused_and_the_bounds_hold(numbers in proptest::collection::vec(any::<u64>(), 0..50)) {
        let mut sequences = Sequences::default();
        for number in numbers {
            let before = sequences.clone();
            if sequences.insert(number).is_err() {
                prop_assert_eq!(&sequences, &before);
            }
            prop_assert!(sequences.highest() <= before.highest().saturating_add(MAX_SEQUENCE_AHEAD));
        }
    }
}
