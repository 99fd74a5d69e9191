//! Codes of lost numbers, and numbers as they are used up.

use diode_bench::fuzz::targets::numbers::{ALLOW, EPOCH, MISSING, USE};
use protocol::limits::MAX_SEQUENCE_AHEAD;
use protocol::resend::ResendCode;
use protocol::sequences::SequenceRange;

use super::{Seed, script};

pub(super) fn seeds() -> Vec<Seed> {
    let code = |ranges: &[(u64, u64)]| {
        let ranges = ranges
            .iter()
            .filter_map(|(first, last)| SequenceRange::new(*first, *last));
        ResendCode::new(EPOCH, ranges).to_string().into_bytes()
    };
    let many: Vec<_> = (1..65).map(|at| (at * 10, at * 10 + 3)).collect();
    let spoken = String::from_utf8_lossy(&code(&[(100, 100), (47, 51)]))
        .to_lowercase()
        .replace('0', "o");
    vec![
        ("resend", "one", code(&[(44, 44)])),
        ("resend", "two", code(&[(44, 44), (47, 51)])),
        ("resend", "many", code(&many)),
        ("resend", "largest", code(&[(u64::MAX - 1, u64::MAX)])),
        ("resend", "as-spoken", spoken.into_bytes()),
        ("resend", "range", b"47..51".to_vec()),
        ("sequences", "in-turn", used(&[1, 2, 3, 4, 5], &[])),
        ("sequences", "gaps", used(&[3, 9, 7, 8, 3, 1, 20], &[(2, 2), (11, 4)])),
        ("sequences", "far", far()),
    ]
}

/// Numbers that are used, then a look at what is missing but for the excused: first, and how many more.
fn used(numbers: &[u64], excused: &[(u64, u16)]) -> Vec<u8> {
    let mut steps: Vec<(u8, Vec<u8>)> = numbers.iter().map(|number| step(USE, *number)).collect();
    let (op, mut missing) = step(MISSING, 25);
    for (first, more) in excused {
        missing.extend_from_slice(&first.to_be_bytes());
        missing.extend_from_slice(&more.to_be_bytes());
    }
    steps.push((op, missing));
    seed(&steps)
}

/// As far ahead as is taken, and further where it is allowed.
fn far() -> Vec<u8> {
    seed(&[
        step(USE, 1),
        step(USE, 1 + MAX_SEQUENCE_AHEAD),
        step(ALLOW, u64::MAX),
        step(USE, u64::MAX),
        step(MISSING, u64::MAX),
    ])
}

fn step(op: u8, number: u64) -> (u8, Vec<u8>) {
    (op, number.to_be_bytes().to_vec())
}

fn seed(steps: &[(u8, Vec<u8>)]) -> Vec<u8> {
    script(steps.iter().map(|(op, bytes)| (*op, &bytes[..])))
}
