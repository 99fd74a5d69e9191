//! That a code is read as it was meant, and that what people do to it is noticed.

use proptest::prelude::*;

use super::*;

const EPOCH: u64 = 0x39C5_0000_0000_0000;

fn range(first: u64, last: u64) -> SequenceRange {
    SequenceRange::new(first, last).unwrap()
}

fn code(ranges: &[SequenceRange]) -> String {
    ResendCode::new(EPOCH, ranges.iter().copied()).to_string()
}

fn read(text: &str) -> Result<Vec<SequenceRange>, ResendCodeError> {
    ResendCode::parse(text, EPOCH).map(|code| code.ranges().to_vec())
}

#[test]
fn a_code_shows_the_numbers_and_is_short() {
    let one = code(&[range(44, 44)]);
    assert!(one.starts_with("44-7") && one.len() == 8, "{one}");
    let both = code(&[range(44, 44), range(47, 51)]);
    assert!(both.starts_with(&format!("{one} 47..51-7")), "{both}");
}

#[test]
fn a_code_never_changes() {
    assert_eq!(code(&[range(44, 44), range(47, 51)]), STORED);
}

/// What was told over the telephone yesterday must be read today.
const STORED: &str = "44-77E7Z 47..51-772QG";

#[test]
fn the_example_of_the_specification_holds() {
    let ranges = [range(44, 44), range(47, 51)];
    let code = ResendCode::new(0xE0E1_E2E3_E4E5_E6E7, ranges);
    assert_eq!(code.to_string(), "44-W31VB 47..51-W3PA9");
}

#[test]
fn a_code_may_be_typed_in_any_case_with_letters_for_digits_and_commas_for_blanks() {
    let ranges = [range(101, 101), range(110, 120)];
    let typed = code(&ranges)
        .to_lowercase()
        .replace('0', "o")
        .replace('1', "l")
        .replace(' ', " ,\n");
    assert_eq!(read(&typed), Ok(ranges.to_vec()));
}

#[test]
fn any_one_character_mistyped_is_noticed() {
    for code in [
        code(&[range(44, 44)]),
        code(&[range(1_204_377, 1_204_391)]),
        code(&[range(1, u64::MAX)]),
    ] {
        for at in 0..code.len() {
            for other in DIGITS.iter().map(|digit| char::from(*digit)).chain(['.', '-', 'U']) {
                let mut typed: Vec<char> = code.chars().collect();
                if typed[at] == other {
                    continue;
                }
                typed[at] = other;
                let typed: String = typed.into_iter().collect();
                assert!(read(&typed).is_err(), "{code}, {typed}");
            }
        }
    }
}

#[test]
fn any_two_neighbours_swapped_are_noticed() {
    for numbers in [
        range(44, 45),
        range(1_204_377, 1_204_391),
        range(98_765_432_101_234, 98_765_432_101_234),
    ] {
        let code = code(&[numbers]);
        for at in 1..code.len() {
            let mut typed = code.clone().into_bytes();
            typed.swap(at - 1, at);
            let typed = String::from_utf8(typed).unwrap();
            assert!(typed == code || read(&typed).is_err(), "{code}, {typed}");
        }
    }
}

#[test]
fn the_group_that_is_wrong_is_named() {
    let typed = code(&[range(44, 44), range(47, 51), range(60, 60)]).replace("47..51", "47..52");
    let Err(ResendCodeError::Mistyped { group, text }) = read(&typed) else {
        panic!("{:?}", read(&typed))
    };
    assert_eq!(group, 2);
    assert!(text.starts_with("47..52-"), "{text}");
}

#[test]
fn a_code_for_another_epoch_is_refused_as_that() {
    let code = code(&[range(44, 44)]);
    let refused = ResendCode::parse(&code, EPOCH ^ 1 << 54).unwrap_err();
    assert_eq!(refused, ResendCodeError::OtherEpoch { group: 1, text: code });
}

#[test]
fn what_is_no_code_is_told_from_what_is_mistyped() {
    assert_eq!(read(" , \n"), Err(ResendCodeError::Empty));
    for text in [
        "44",
        "44-",
        "-7QDYF",
        "44-7QDY",
        "44-7QDYF5",
        "44-7QDYU",
        "44..-7QDYF",
        "0-7QDYF",
        "044-7QDYF",
        "44-7Q-DYF",
    ] {
        let text = text.to_owned();
        assert_eq!(
            read(&text),
            Err(ResendCodeError::Shape {
                group: 1,
                text: text.clone()
            })
        );
    }
}

#[test]
fn what_an_error_repeats_is_cut() {
    let Err(ResendCodeError::Shape { text, .. }) = read(&"9".repeat(1_000_000)) else {
        panic!("it is no code")
    };
    assert_eq!(text.len(), SHOWN);
}

#[test]
fn ranges_that_do_not_fit_are_counted() {
    let ranges = (1..=66).map(|n| range(2 * n, 2 * n));
    let code = ResendCode::new(EPOCH, ranges.clone());
    assert_eq!((code.ranges().len(), code.left_out()), (64, 2));
    assert_eq!(read(&code.to_string()), Ok(ranges.take(64).collect()));
}

#[test]
fn a_code_of_one_group_too_many_is_refused() {
    let group = code(&[range(44, 44)]);
    assert!(read(&vec![group.clone(); 64].join(" ")).is_ok());
    assert_eq!(read(&vec![group; 65].join(" ")), Err(ResendCodeError::TooLong));
}

proptest! {
    #[test]
    fn what_was_written_reads_back(epoch: u64, ranges in proptest::collection::vec((1u64.., any::<u64>()), 1..20)) {
        let ranges: Vec<_> = ranges.into_iter().map(|(first, more)| range(first, first.saturating_add(more % 1000))).collect();
        let text = ResendCode::new(epoch, ranges.iter().copied()).to_string();
        let read = ResendCode::parse(&text, epoch).unwrap();
        prop_assert_eq!(read.ranges(), &ranges[..]);
    }

    #[test]
    fn reading_is_total(text: String, epoch: u64) {
        let _ = ResendCode::parse(&text, epoch);
    }

    #[test]
    fn what_looks_like_a_code_is_seldom_one(numbers in "[0-9]{1,20}", checks in "[0-9A-HJKMNP-TV-Z]{5}", more: String) {
        let _ = ResendCode::parse(&format!("{numbers}-{checks}"), EPOCH);
        let _ = ResendCode::parse(&format!("{numbers}..{numbers}-{checks}{more}"), EPOCH);
    }
}
