//! A transmission over several lanes, whose datagrams reach the receiver in any order between lanes.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::wire::Header;

fn on_lanes(lanes: u8) -> ReceptionLimits {
    ReceptionLimits { lanes, ..limits() }
}

/// Thirteen blocks or so in groups of three, over three lanes.
static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| Bundle {
    lanes: 3,
    ..Bundle::new(400_000)
});
static BY_LANE: LazyLock<Vec<Vec<Vec<u8>>>> = LazyLock::new(|| BUNDLE.by_lane(1));

/// Gives the lanes' datagrams to a receiver: so many of this lane, then so many of that. `arrives` says which are not lost.
fn received(turns: impl IntoIterator<Item = (usize, usize)>, arrives: impl Fn(usize, usize) -> bool) -> Receiver {
    let mut receiver = Receiver::new(on_lanes(3));
    let mut next = [0; 3];
    for (lane, count) in turns {
        let end = BY_LANE[lane].len().min(next[lane] + count);
        for at in next[lane]..end {
            if arrives(lane, at) {
                receiver.take_on(lane, &BY_LANE[lane][at], Place::Link);
            }
        }
        next[lane] = end;
    }
    receiver
}

const ALL: usize = usize::MAX >> 1;

#[test]
fn a_bundle_arrives_lane_after_lane_in_any_order() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let receiver = received(order.map(|lane| (lane, ALL)), |_, _| true);
        assert!(receiver.complete() == Some(&BUNDLE.content), "{order:?}");
        assert_eq!(receiver.reception.lost(), Lost::default());
        assert_eq!(receiver.summary().unwrap().loss_ppm, 0);
    }
}

#[test]
fn a_bundle_does_not_arrive_by_two_of_its_three_lanes() {
    for missing in 0..3 {
        let lanes = (0..3).filter(|lane| *lane != missing);
        let receiver = received(lanes.map(|lane| (lane, ALL)), |_, _| true);
        assert!(receiver.complete().is_none(), "without lane {missing}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_bundle_arrives_over_three_lanes_in_any_interleaving(
        turns in proptest::collection::vec((0usize..3, 1usize..300), 0..60),
        lost in 0usize..10,
    ) {
        let turns = turns.into_iter().chain([(0, ALL), (1, ALL), (2, ALL)]);
        // No multiple of the depth, so that no block loses more than its share.
        let receiver = received(turns, |_, at| at % 10 != lost);
        prop_assert!(receiver.complete() == Some(&BUNDLE.content));
    }
}

#[test]
fn what_each_lane_lost_adds_up() {
    // Datagrams 10 and 11 of the first lane, 20 of the second; of the third none.
    let lost = [(0, 10), (0, 11), (1, 20)];
    let receiver = received([(0, 30), (1, 30), (2, 30)], |lane, at| !lost.contains(&(lane, at)));
    let Lost { link, socket, queue } = receiver.reception.lost();
    assert_eq!((link, socket, queue), (3, 0, 0));
}

#[test]
fn gaps_are_blamed_on_the_place_that_is_named_with_the_datagram_behind_them() {
    let mut receiver = Receiver::new(on_lanes(3));
    let places = [
        // Lane, datagram, the place named with it; what is missing before it follows from its number.
        (0, 0, Place::Queue),
        (0, 1, Place::Queue),
        (0, 4, Place::Socket),
        (1, 0, Place::Link),
        (1, 1, Place::Link),
        (1, 7, Place::Queue),
        (0, 6, Place::Link),
        (2, 0, Place::Socket),
        (2, 1, Place::Socket),
        (2, 2, Place::Socket),
    ];
    for (lane, at, place) in places {
        receiver.take_on(lane, &BY_LANE[lane][at], place);
    }
    let Lost { link, socket, queue } = receiver.reception.lost();
    assert_eq!((link, socket, queue), (1, 2, 5));
}

#[test]
fn the_summary_tells_the_loss_of_all_lanes_together() {
    let receiver = received([(0, ALL), (1, ALL), (2, ALL)], |lane, at| lane != 1 || at % 10 != 5);
    let summary = receiver.summary().unwrap();
    let sent: usize = BY_LANE.iter().map(Vec::len).sum();
    let lost = BY_LANE[1].len().div_ceil(10);
    let expected = lost as f64 / sent as f64;
    // It is complete before the last repair symbols come, and counts from the first announce on.
    let told = f64::from(summary.loss_ppm) / 1e6;
    assert!((told / expected - 1.0).abs() < 0.25, "{told} instead of {expected}");
}

#[test]
fn a_datagram_of_a_lane_that_is_not_received_counts_for_no_loss() {
    let mut receiver = Receiver::new(on_lanes(3));
    receiver.take_on(3, &BY_LANE[0][0], Place::Link);
    receiver.take_on(usize::MAX, &BY_LANE[0][9], Place::Link);
    assert_eq!(
        (receiver.reception.sessions(), receiver.reception.lost()),
        (1, Lost::default())
    );
}

#[test]
fn an_announce_of_more_lanes_than_are_received_is_told_as_mismatched() {
    let mut receiver = Receiver::new(on_lanes(2));
    receiver.take(&BY_LANE[0][0]);
    receiver.told.retain(|told| !matches!(told, Output::Link(_)));
    assert!(
        matches!(
            receiver.told[..],
            [Output::Mismatched {
                setting: "link.lanes",
                needs: 3,
                allows: 2,
                ..
            }]
        ),
        "{:?}",
        receiver.told
    );
    receiver.take(&BY_LANE[0][0]);
    assert_eq!((receiver.told.len(), receiver.reception.sessions()), (1, 0), "once");
    assert_eq!(receiver.reception.counters().after_end, 1);
}

#[test]
fn an_announce_of_as_many_lanes_as_are_received_or_fewer_is_opened() {
    for lanes in [3, 4, 16] {
        let mut receiver = Receiver::new(on_lanes(lanes));
        receiver.take(&BY_LANE[0][0]);
        assert_eq!(receiver.reception.sessions(), 1, "{lanes} lanes");
    }
}

#[test]
fn a_lane_in_its_second_pass_does_not_disturb_one_in_its_first() {
    let by_lane = BUNDLE.by_lane(2);
    let mut receiver = Receiver::new(on_lanes(3));
    // Lane 1 runs ahead to its second pass, whose announces differ, before lane 0 begins.
    for lane in [1, 0, 2] {
        by_lane[lane]
            .iter()
            .for_each(|datagram| receiver.take_on(lane, datagram, Place::Link));
    }
    assert!(receiver.complete() == Some(&BUNDLE.content));
    assert_eq!(receiver.reception.counters().announces_conflicting, 0);
}

#[test]
fn lanes_number_their_datagrams_each_by_itself() {
    let first = |lane: &Vec<Vec<u8>>| Packet::parse(&lane[0]).unwrap().header.packet;
    assert_eq!(BY_LANE.iter().map(first).collect::<Vec<_>>(), [1000; 3]);
    let Header { kind, .. } = Packet::parse(&BY_LANE[2][0]).unwrap().header;
    assert_eq!(kind, Kind::Announce);
}
