//! One transmission over several lanes.

use std::collections::BTreeMap;

use super::*;

/// Eleven blocks, the head's first: six groups of two, of which the last has one block.
fn eleven_blocks(lanes: u8, burst: u32, passes: u16) -> (BundleShape, Settings) {
    let settings = Settings {
        lanes,
        ..settings(2, burst, passes)
    };
    (shape(100, 300_000), settings)
}

fn lanes_of(shape: &BundleShape, settings: &Settings) -> Vec<Vec<Header>> {
    sent(shape, settings).iter().map(|lane| headers(lane)).collect()
}

/// Which sending of its block a symbol belongs to; only repair symbols say it.
fn round(plan: &Plan, header: &Header) -> Option<(u32, u32)> {
    let block = plan.layout().block(header.block)?;
    let repair = header.esi.checked_sub(block.k)?;
    Some((header.block, repair / plan.repair(&block)))
}

fn is_symbol(header: &Header) -> bool {
    header.kind == Kind::Symbol
}

#[test]
fn every_block_is_on_exactly_one_lane_in_each_round() {
    for lanes in 1..=4 {
        let (shape, settings) = eleven_blocks(lanes, 30, 2);
        let plan = Plan::new(&shape, &settings).unwrap();
        let mut symbols: BTreeMap<(u32, u32), BTreeMap<usize, u32>> = BTreeMap::new();
        for (lane, headers) in lanes_of(&shape, &settings).iter().enumerate() {
            for header in headers.iter().filter(|header| is_symbol(header)) {
                if let Some(sending) = round(&plan, header) {
                    *symbols.entry(sending).or_default().entry(lane).or_default() += 1;
                }
            }
        }
        // Each block with its group; the head again; the last group, which is short, again; and all that twice.
        let mut expected: Vec<_> = (0..11).flat_map(|block| [(block, 0), (block, 3)]).collect();
        expected.extend([(0, 1), (10, 2), (0, 4), (10, 5)]);
        expected.sort_unstable();
        assert_eq!(symbols.keys().copied().collect::<Vec<_>>(), expected, "{lanes} lanes");
        for ((block, round), by_lane) in &symbols {
            let repair = plan.repair(&plan.layout().block(*block).unwrap());
            let counts: Vec<_> = by_lane.values().copied().collect();
            assert_eq!(
                counts,
                [repair],
                "block {block} in round {round}, {lanes} lanes: {by_lane:?}"
            );
        }
    }
}

#[test]
fn every_source_symbol_is_sent_once_a_round_on_the_lane_of_its_repair_symbols() {
    let (shape, settings) = eleven_blocks(3, 0, 1);
    let plan = Plan::new(&shape, &settings).unwrap();
    for (lane, headers) in lanes_of(&shape, &settings).iter().enumerate() {
        let symbols = headers.iter().filter(|header| is_symbol(header));
        let mut by_block: BTreeMap<u32, BTreeMap<u32, u32>> = BTreeMap::new();
        let mut rounds: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for header in symbols {
            match round(&plan, header) {
                Some((block, round)) => drop(rounds.entry(block).or_default().insert(round)),
                None => *by_block.entry(header.block).or_default().entry(header.esi).or_default() += 1,
            }
        }
        for (block, times) in by_block {
            let k = plan.layout().block(block).unwrap().k;
            let rounds = rounds.get(&block).map_or(0, |rounds| rounds.len() as u32);
            let expected: BTreeMap<_, _> = (0..k).map(|esi| (esi, rounds)).collect();
            assert_eq!(times, expected, "block {block} on lane {lane}");
        }
    }
}

#[test]
fn groups_go_to_one_lane_after_the_other() {
    let (shape, settings) = eleven_blocks(3, 0, 1);
    let first_sendings = |headers: &[Header]| -> BTreeSet<u32> {
        let plan = Plan::new(&shape, &settings).unwrap();
        let rounds = headers
            .iter()
            .filter(|header| is_symbol(header))
            .filter_map(|header| round(&plan, header));
        rounds
            .filter(|(_, round)| *round == 0)
            .map(|(block, _)| block)
            .collect()
    };
    let lanes: Vec<_> = lanes_of(&shape, &settings)
        .iter()
        .map(|lane| first_sendings(lane))
        .collect();
    let expected = [vec![0, 1, 6, 7], vec![2, 3, 8, 9], vec![4, 5, 10]].map(BTreeSet::from_iter);
    assert_eq!(lanes, expected);
}

#[test]
fn each_lane_begins_and_ends_with_announces_of_their_pass() {
    for (lanes, burst) in [(1, 0), (2, 0), (3, 40), (6, 40)] {
        let (shape, settings) = eleven_blocks(lanes, burst, 2);
        for datagrams in sent(&shape, &settings) {
            let headers = headers(&datagrams);
            let pass = |at: usize| {
                let packet = Packet::parse(&datagrams[at]).unwrap();
                let announce = SignedAnnounce::open(packet.header.session, packet.body, &[key().public()]).unwrap();
                (announce.announce().pass, announce.announce().lanes)
            };
            let announces = |mut range: std::ops::Range<usize>| range.all(|at| headers[at].kind == Kind::Announce);
            let first_symbol = headers.iter().position(is_symbol).unwrap();
            let opening: Vec<_> = (0..first_symbol)
                .filter(|at| headers[*at].kind == Kind::Announce)
                .collect();
            // A loss of 1 % takes five with the residual probability, not four.
            assert_eq!((opening.len(), opening[0], pass(0)), (5, 0, (1, lanes)));
            assert!(opening[4] - opening[0] >= burst as usize);
            assert!(announces(headers.len() - 3..headers.len()));
            assert_eq!(pass(headers.len() - 1), (2, lanes));
            assert!(is_symbol(&headers[headers.len() - 4]));
        }
    }
}

#[test]
fn between_two_groups_of_a_lane_is_one_announce() {
    let (shape, settings) = eleven_blocks(3, 0, 1);
    let lanes = lanes_of(&shape, &settings);
    // The first lane's two groups are nothing but announces and symbols.
    let runs = lanes[0].chunk_by(|one, next| one.kind == next.kind);
    let runs: Vec<_> = runs.map(|run| (run[0].kind, run.len())).collect();
    assert!(
        matches!(
            runs[..],
            [
                (Kind::Announce, 5),
                (Kind::Symbol, _),
                (Kind::Announce, 1),
                (Kind::Symbol, _),
                (Kind::Announce, 3)
            ]
        ),
        "{runs:?}"
    );
}

#[test]
fn the_tail_stays_on_the_last_groups_lane_and_keeps_its_distance_in_that_lanes_packets() {
    // The last of six groups is on the last of two or three lanes, and on the second of four.
    for (lanes, its_lane) in [(2, 1), (3, 2), (4, 1)] {
        for burst in [0, 1, 500] {
            let (shape, settings) = eleven_blocks(lanes, burst, 1);
            let plan = Plan::new(&shape, &settings).unwrap();
            let all = lanes_of(&shape, &settings);
            for (lane, headers) in all.iter().enumerate() {
                let rounds = headers.iter().filter(|header| is_symbol(header));
                let again = rounds
                    .filter_map(|header| round(&plan, header))
                    .any(|(_, round)| round > 0);
                assert_eq!(again, lane == its_lane, "lane {lane} of {lanes}");
            }
            let at_block = |from: usize| {
                let rest = all[its_lane][from..].iter();
                rest.enumerate()
                    .filter(|(_, h)| is_symbol(h) && h.block == 10)
                    .map(move |(at, _)| from + at)
            };
            let sent: Vec<_> = at_block(0).collect();
            let distance = sent.windows(2).map(|pair| pair[1] - pair[0] - 1).max().unwrap();
            let head = plan.layout().block(0).unwrap();
            let head_again = (head.k + plan.repair(&head)) as usize;
            assert_eq!(distance, head_again.max(burst as usize) + 1, "an announce besides");
        }
    }
}

#[test]
fn a_bundle_of_one_group_uses_one_of_four_lanes() {
    for depth in [2, 4] {
        let settings = Settings {
            lanes: 4,
            ..settings(depth, 20, 2)
        };
        let one_group = shape(100, 5000);
        let lanes = sent(&one_group, &settings);
        assert!(!lanes[0].is_empty());
        assert!(lanes[1..].iter().all(Vec::is_empty));
        let alone = Settings {
            lanes: 1,
            ..settings.clone()
        };
        let order = |lane: &[Vec<u8>]| {
            headers(lane)
                .iter()
                .map(|h| (h.kind, h.block, h.esi))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            order(&lanes[0]),
            order(&all(&one_group, &alone)),
            "as if there were no others"
        );
    }
}

#[test]
fn lanes_without_a_group_are_finished_from_the_beginning() {
    let settings = Settings {
        lanes: 4,
        ..settings(4, 0, 1)
    };
    let mut transmission = Transmission::new(&shape(100, 5000), &settings, &key()).unwrap();
    assert!(matches!(transmission.poll_part(0), Polled::Starved));
    for lane in [1, 3, 4, usize::MAX] {
        assert!(matches!(transmission.poll_part(lane), Polled::Finished), "lane {lane}");
    }
}

#[test]
fn each_lane_numbers_its_own_datagrams() {
    let (shape, settings) = eleven_blocks(3, 0, 1);
    for lane in lanes_of(&shape, &settings) {
        for (i, header) in lane.iter().enumerate() {
            assert_eq!(header.packet, FIRST_PACKET.wrapping_add(i as u32));
        }
    }
}

#[test]
fn no_burst_on_any_lane_takes_all_its_announces_before_the_first_symbol() {
    let (shape, settings) = eleven_blocks(3, 63, 1);
    for headers in lanes_of(&shape, &settings) {
        let first_symbol = headers.iter().position(is_symbol).unwrap();
        let announces: Vec<_> = (0..first_symbol)
            .filter(|at| headers[*at].kind == Kind::Announce)
            .collect();
        assert!(announces.last().unwrap() - announces.first().unwrap() >= 63);
    }
}
