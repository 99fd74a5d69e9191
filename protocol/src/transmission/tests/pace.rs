//! What waits for what: jobs, coded blocks, groups that left.

use super::*;
use crate::fec::CodedBlock;
use crate::transmission::group::SummedBlock;
use crate::wire::BodyCrc;

fn coded(job: EncodeJob) -> Coded {
    let mut buffers = BlockBuffers::default();
    job.place(&mut buffers).fill(0);
    job.run(buffers).unwrap()
}

fn transmission(content_len: u64, depth: u16, lanes: u8) -> Transmission {
    let settings = Settings {
        lanes,
        ..settings(depth, 0, 1)
    };
    Transmission::new(&shape(100, content_len), &settings, &key()).unwrap()
}

/// Takes and codes all blocks that may be; how many there were.
fn code(transmission: &mut Transmission) -> usize {
    let jobs = std::iter::from_fn(|| transmission.poll_job()).collect::<Vec<_>>();
    let count = jobs.len();
    jobs.into_iter().for_each(|job| transmission.handle_coded(coded(job)));
    count
}

/// The groups that `lane` gives out until it has no more to give: the first block of each.
fn groups(transmission: &mut Transmission, lane: usize) -> Vec<u32> {
    let mut groups = Vec::new();
    while let Polled::Part(part) = transmission.poll_part(lane) {
        if let Part::Group(group) = part {
            groups.push(group.first_block);
        }
    }
    groups
}

#[test]
fn nothing_is_given_out_before_the_first_group_is_coded() {
    let mut transmission = transmission(5000, 4, 1);
    assert!(matches!(transmission.poll_part(0), Polled::Starved));
    let jobs: Vec<_> = std::iter::from_fn(|| transmission.poll_job()).take(2).collect();
    let [head, content] = jobs.try_into().unwrap();
    assert!(matches!(transmission.poll_part(0), Polled::Starved));
    transmission.handle_coded(coded(content));
    assert!(
        matches!(transmission.poll_part(0), Polled::Starved),
        "the head block is missing still"
    );
    transmission.handle_coded(coded(head));
    let next = transmission.poll_part(0);
    assert!(
        matches!(next, Polled::Part(Part::Announces { count: 1, pass: 1, .. })),
        "{next:?}"
    );
}

#[test]
fn a_later_group_that_is_not_coded_starves_the_lane_after_its_announce() {
    let mut transmission = transmission(300_000, 4, 1);
    let jobs: Vec<_> = std::iter::from_fn(|| transmission.poll_job()).collect();
    let (first, second): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.block().number < 4);
    first.into_iter().for_each(|job| transmission.handle_coded(coded(job)));
    assert_eq!(groups(&mut transmission, 0), [0]);
    let mut second = second.into_iter().map(coded).collect::<Vec<_>>();
    let last = second.pop().unwrap();
    second.into_iter().for_each(|block| transmission.handle_coded(block));
    assert!(
        matches!(transmission.poll_part(0), Polled::Starved),
        "one block is missing still"
    );
    transmission.handle_coded(last);
    assert!(matches!(transmission.poll_part(0), Polled::Part(Part::Group(_))));
}

#[test]
fn one_lane_without_coded_blocks_does_not_hold_up_the_other() {
    let mut transmission = transmission(300_000, 4, 2);
    let jobs: Vec<_> = std::iter::from_fn(|| transmission.poll_job()).collect();
    let of_second = jobs.into_iter().filter(|job| (4..8).contains(&job.block().number));
    of_second.for_each(|job| transmission.handle_coded(coded(job)));
    assert!(matches!(transmission.poll_part(0), Polled::Starved));
    assert_eq!(groups(&mut transmission, 1), [4]);
}

#[test]
fn blocks_of_two_groups_a_lane_at_most_are_taken_on() {
    for lanes in 1..=3 {
        let mut transmission = transmission(1_000_000, 4, lanes);
        assert_eq!(code(&mut transmission), 8 * usize::from(lanes));
    }
}

#[test]
fn groups_that_are_not_told_sent_starve_their_lane() {
    let mut transmission = transmission(1_000_000, 4, 1);
    code(&mut transmission);
    assert_eq!(groups(&mut transmission, 0), [0, 4]);
    assert_eq!(code(&mut transmission), 0, "both may be on their way still");
    assert!(matches!(transmission.poll_part(0), Polled::Starved));
    transmission.handle_sent(0);
    assert_eq!(code(&mut transmission), 4);
    assert_eq!(groups(&mut transmission, 0), [8]);
}

#[test]
fn what_one_lane_sent_lets_no_other_go_on() {
    let mut transmission = transmission(1_000_000, 4, 2);
    code(&mut transmission);
    assert_eq!(
        [groups(&mut transmission, 0), groups(&mut transmission, 1)],
        [[0, 8], [4, 12]]
    );
    transmission.handle_sent(1);
    code(&mut transmission);
    assert_eq!(
        [groups(&mut transmission, 0), groups(&mut transmission, 1)],
        [vec![], vec![20]]
    );
}

#[test]
fn the_lane_with_the_fewest_groups_is_coded_for_first() {
    let mut transmission = transmission(1_000_000, 4, 3);
    let numbers: Vec<_> = std::iter::from_fn(|| transmission.poll_job())
        .map(|job| job.block().number)
        .collect();
    assert_eq!(numbers, (0..24).collect::<Vec<_>>());
}

#[test]
fn a_group_told_sent_twice_makes_no_room_for_a_third() {
    let mut transmission = transmission(1_000_000, 4, 1);
    for _ in 0..5 {
        transmission.handle_sent(0);
    }
    assert_eq!(code(&mut transmission), 8);
}

#[test]
fn a_job_run_on_a_byte_too_few_or_too_many_is_refused() {
    for wrong in [99, 101] {
        let mut buffers = BlockBuffers::default();
        buffers.block_mut(wrong);
        let job = transmission(5000, 4, 1).poll_job().unwrap();
        assert!(matches!(job.run(buffers), Err(FecError::BlockLength { len, .. }) if len == wrong));
    }
}

#[test]
fn buffers_used_again_give_the_same_datagrams() {
    // `drive` recycles them, from blocks of other lengths and with other repair symbols.
    let bytes = |job: &EncodeJob, place: &mut [u8]| {
        let number = job.block().number as usize;
        place
            .iter_mut()
            .enumerate()
            .for_each(|(at, byte)| *byte = ((at + 1) * (number + 3) % 251) as u8);
    };
    let (shape, settings) = (shape(40_000, 300_000), settings(3, 20, 2));
    let mut recycled = Vec::new();
    let transmission = Transmission::new(&shape, &settings, &key()).unwrap();
    let send = |_: usize, header: &[u8; 32], body: &[u8]| recycled.push([header, body].concat());
    transmission.drive(&mut [Lane::new(0)], bytes, send).unwrap();

    let mut transmission = Transmission::new(&shape, &settings, &key()).unwrap();
    let (mut fresh, mut lane) = (Vec::new(), Lane::new(0));
    loop {
        while let Some(job) = transmission.poll_job() {
            let mut buffers = BlockBuffers::default();
            bytes(&job, job.place(&mut buffers));
            transmission.handle_coded(job.run(buffers).unwrap());
        }
        match transmission.poll_part(0) {
            Polled::Finished => break,
            Polled::Starved => panic!("all jobs were run"),
            Polled::Part(part) => {
                part.send(&mut lane, |header, body| fresh.push([header, body].concat()));
                if matches!(part, Part::Group(_)) {
                    transmission.handle_sent(0);
                }
            }
        }
    }
    assert!(recycled == fresh);
}

#[test]
fn a_groups_symbols_go_position_by_position_across_blocks_of_unequal_length() {
    // K = 3, 1 and 2, with 2, 4 and 1 repair symbols.
    let coded = |len: usize, repair| CodedBlock::encode(&vec![len as u8; len], SYMBOL, repair).unwrap();
    let block = |len, repair| SummedBlock::new(coded(len, repair));
    let group = CodedGroup {
        session: SessionId(7),
        first_block: 40,
        blocks: vec![block(300, 3..5), block(100, 9..13), block(256, 2..3)],
    };
    let order: Vec<_> = group.symbols().map(|symbol| (symbol.block, symbol.esi)).collect();
    let expected = [
        [(40, 0), (41, 0), (42, 0)].as_slice(),
        &[(40, 1), (41, 9), (42, 1)],
        &[(40, 2), (41, 10), (42, 2)],
        &[(40, 3), (41, 11)],
        &[(40, 4), (41, 12)],
    ];
    assert_eq!(order, expected.concat());
    assert_eq!(group.packets(), 13);
}

#[test]
fn a_groups_symbols_have_the_bytes_of_their_ids() {
    let block = |number: u32| CodedBlock::encode(&vec![number as u8; 300], SYMBOL, 3..5).unwrap();
    let group = CodedGroup {
        session: SessionId(7),
        first_block: 40,
        blocks: vec![SummedBlock::new(block(40)), SummedBlock::new(block(41))],
    };
    for symbol in group.symbols() {
        let alone = block(symbol.block);
        assert_eq!(alone.nth(symbol.esi), Some((symbol.esi, symbol.bytes)));
        assert_eq!(symbol.crc, BodyCrc::of(symbol.bytes));
    }
}
