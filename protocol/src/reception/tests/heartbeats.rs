//! Heartbeats on their way through the receiver.

use super::*;
use crate::link::{LinkState, Mismatch};
use crate::transmission::link_parameters;
use crate::wire::{Heartbeat, LinkParameters};

pub(super) fn heartbeat(counter: u64) -> Heartbeat {
    Heartbeat {
        epoch: 5,
        counter,
        interval_ms: 1000,
        next: 7,
        sent_below: 7,
        parameters: parameters(3, 1),
        in_flight: Vec::new(),
        voids: Vec::new(),
        checkpoint: None,
    }
}

fn parameters(depth: u16, lanes: u8) -> LinkParameters {
    let redundancy = Redundancy::new(0.15, 0, 1e-6, depth).unwrap();
    link_parameters(link::LEAF as u32, 128, &redundancy, 1, lanes).unwrap()
}

pub(super) fn datagram(lane: &mut Lane, heartbeat: &Heartbeat) -> Vec<u8> {
    signed_by(lane, heartbeat, &link::link_key())
}

fn signed_by(lane: &mut Lane, heartbeat: &Heartbeat, key: &SigningKey) -> Vec<u8> {
    let body = heartbeat.sign(key).unwrap();
    [&lane.heartbeat(&body)[..], &body].concat()
}

/// Counters of the heartbeats that were handed to the driver.
fn heard(receiver: &Receiver) -> Vec<u64> {
    let heard = receiver.told.iter().filter_map(|told| match told {
        Output::Heartbeat(signed) => Some(signed.heartbeat().counter),
        _ => None,
    });
    heard.collect()
}

pub(super) fn states(receiver: &Receiver) -> Vec<LinkState> {
    let states = receiver.told.iter().filter_map(|told| match told {
        Output::Link(LinkNews::Changed(change)) => Some(change.is),
        _ => None,
    });
    states.collect()
}

#[test]
fn a_heartbeat_is_handed_to_the_driver_once_and_the_link_is_up() {
    let (mut receiver, mut lane) = (Receiver::new(limits()), Lane::new(9));
    for counter in [1, 2, 2, 1, 3] {
        receiver.take(&datagram(&mut lane, &heartbeat(counter)));
    }
    assert_eq!(heard(&receiver), [1, 2, 3]);
    assert_eq!(states(&receiver), [LinkState::Up]);
    let counters = receiver.reception.counters();
    assert_eq!((counters.heartbeats, counters.heartbeats_old), (3, 2));
    assert_eq!(receiver.reception.link().latest().unwrap().heartbeat(), &heartbeat(3));
}

#[test]
fn a_link_without_heartbeats_becomes_silent_and_says_so() {
    let mut receiver = Receiver::new(limits());
    receiver.take(&datagram(&mut Lane::new(9), &heartbeat(1)));
    receiver.wait(2999);
    assert_eq!(receiver.reception.poll_timeout(), Some(Tick(3000)));
    receiver.wait(1);
    assert_eq!(states(&receiver), [LinkState::Up, LinkState::Silent]);
}

#[test]
fn the_announces_of_an_open_session_are_signs_of_life_and_those_of_an_ended_one_are_not() {
    let bundle = Bundle::new(5000);
    let datagrams = bundle.datagrams(1);
    let mut receiver = Receiver::new(limits());
    receiver.take_all(&datagrams);
    assert!(receiver.complete().is_some());
    receiver.wait(60_000);
    receiver.take_all(&datagrams);
    assert_eq!(states(&receiver), [LinkState::Up, LinkState::Silent]);
}

#[test]
fn a_heartbeat_by_another_key_or_with_a_bad_signature_proves_nothing() {
    let (mut receiver, mut lane) = (Receiver::new(limits()), Lane::new(9));
    let other = SigningKey::from_seed([99; 32]);
    receiver.take(&signed_by(&mut lane, &heartbeat(1), &other));
    let mut body = heartbeat(1).sign(&link::link_key()).unwrap();
    body[100] ^= 1;
    receiver.take(&[&lane.heartbeat(&body)[..], &body].concat());
    let counters = receiver.reception.counters();
    assert_eq!((counters.heartbeats_unknown_key, counters.heartbeats_invalid), (1, 1));
    assert_eq!((heard(&receiver), states(&receiver)), (Vec::new(), Vec::new()));
    let key_id = other.public().key_id();
    assert!(matches!(receiver.told[..], [Output::UnknownLinkKey { key_id: told }] if told == key_id));
}

#[test]
fn a_transmitter_set_up_for_more_than_fits_is_told_with_the_setting() {
    let needs_and_setting = [(3, 2, "link.lanes"), (1024, 1, "limits.memory_mib")];
    for (depth, lanes, setting) in needs_and_setting {
        let mut receiver = Receiver::new(limits());
        let parameters = parameters(depth, lanes);
        let heartbeat = Heartbeat {
            parameters,
            ..heartbeat(1)
        };
        receiver.take(&datagram(&mut Lane::new(9), &heartbeat));
        let [LinkState::Mismatched(Mismatch { setting: told, .. })] = states(&receiver)[..] else {
            panic!("{:?}", receiver.told)
        };
        assert_eq!(told, setting);
    }
}

#[test]
fn the_memory_that_a_heartbeat_foretells_is_what_a_large_bundle_reserves() {
    let bundle = Bundle {
        depth: 3,
        ..Bundle::new(2_000_000)
    };
    let mut receiver = Receiver::new(limits());
    receiver.take(&bundle.datagrams(1)[0]);
    let session = &receiver.reception.sessions[&SessionId(bundle.session)];
    let besides = 2 * u64::from(bundle.shape.head_len) + 33 * 2_000_000 / 4096 + 1000;
    let foretold = reservation::of_blocks(&parameters(3, 1));
    let reserved = session.reserved();
    assert!(
        (foretold..foretold + besides).contains(&reserved),
        "{foretold}, {reserved}"
    );
}

#[test]
fn every_announce_fits_the_parameters_that_its_transmitter_states() {
    for (content_len, symbol_len) in [(100, 128), (40_000, 128), (2_000_000, 1408), (3_000_000, 8896)] {
        let bundle = Bundle {
            symbol_len,
            ..Bundle::new(content_len)
        };
        let mut receiver = Receiver::new(limits());
        receiver.take(&bundle.datagrams(2)[0]);
        let announce = receiver.reception.sessions[&SessionId(bundle.session)]
            .announce()
            .clone();
        let redundancy = Redundancy::new(0.15, 0, 1e-6, bundle.depth).unwrap();
        let stated = link_parameters(link::LEAF as u32, symbol_len, &redundancy, 2, 1).unwrap();
        assert!(announce.max_esi <= stated.max_esi);
        assert_eq!(
            announce.leaf_len * u32::from(announce.leaves_per_block),
            stated.block_len
        );
        assert_eq!(
            (announce.symbol_len, announce.depth, announce.lanes),
            (symbol_len, stated.depth, 1)
        );
    }
}

#[test]
fn heartbeats_count_as_datagrams_of_the_lane_without_a_session() {
    let (mut receiver, mut lane) = (Receiver::new(limits()), Lane::new(u32::MAX - 1));
    for counter in 1..=10 {
        let datagram = datagram(&mut lane, &heartbeat(counter));
        if counter % 5 != 0 {
            receiver.take(&datagram);
        }
    }
    assert_eq!(receiver.reception.lost().link, 1, "the tenth is not missed yet");
}

#[test]
fn no_more_heartbeats_are_verified_in_a_second_than_the_limit_says() {
    let limits = ReceptionLimits {
        signatures_per_second: 10,
        ..limits()
    };
    let (mut receiver, mut lane) = (Receiver::new(limits), Lane::new(9));
    let mut body = heartbeat(1).sign(&link::link_key()).unwrap();
    body[8] ^= 1;
    for _ in 0..100 {
        receiver.take(&[&lane.heartbeat(&body)[..], &body].concat());
    }
    let counters = *receiver.reception.counters();
    assert_eq!((counters.heartbeats_invalid, counters.unverified), (10, 90));
    receiver.wait(100);
    receiver.take(&datagram(&mut lane, &heartbeat(1)));
    assert_eq!(heard(&receiver), [1]);
}

#[test]
fn heartbeats_played_again_and_those_of_strangers_use_up_no_verification() {
    let limits = ReceptionLimits {
        signatures_per_second: 2,
        ..limits()
    };
    let (mut receiver, mut lane) = (Receiver::new(limits), Lane::new(9));
    let recorded = datagram(&mut lane, &heartbeat(1));
    let strange = signed_by(&mut lane, &heartbeat(9), &SigningKey::from_seed([99; 32]));
    for _ in 0..100 {
        receiver.take(&recorded);
        receiver.take(&strange);
    }
    receiver.take(&datagram(&mut lane, &heartbeat(2)));
    assert_eq!(heard(&receiver), [1, 2]);
}

#[test]
fn a_transmitter_that_lost_numbers_which_are_remembered_is_told() {
    let mut receiver = Receiver::new(limits());
    receiver.reception.remember_epoch(5, 9, Tick(0));
    receiver.take(&datagram(&mut Lane::new(9), &heartbeat(1)));
    let restored = LinkNews::Restored {
        epoch: 5,
        was: 9,
        is: 7,
    };
    assert!(
        receiver
            .told
            .iter()
            .any(|told| matches!(told, Output::Link(news) if *news == restored))
    );
}

#[test]
fn another_version_is_told_once() {
    let mut receiver = Receiver::new(limits());
    let mut datagram = datagram(&mut Lane::new(9), &heartbeat(1));
    datagram[2] = 2;
    for _ in 0..10 {
        receiver.take(&datagram);
    }
    assert_eq!(states(&receiver), [LinkState::ForeignVersion { theirs: 2, ours: 1 }]);
    assert_eq!(receiver.reception.counters().foreign_version, 10);
}

#[test]
fn recordings_of_more_sessions_than_are_remembered_keep_no_dead_link_up() {
    let first = |session| {
        let bundle = Bundle {
            session,
            ..Bundle::new(100)
        };
        bundle.datagrams(1).remove(0)
    };
    let recorded: Vec<_> = (1..ENDED_KEPT as u64 + 100).map(first).collect();
    let mut receiver = Receiver::new(limits());
    receiver.take_all(&recorded);
    for _ in 0..3 {
        receiver.wait(60_000);
        receiver.take_all(&recorded);
    }
    assert_eq!(states(&receiver), [LinkState::Up, LinkState::Silent]);
}

#[test]
fn an_announce_that_comes_again_is_a_sign_of_life_only_if_blocks_were_done_since() {
    let limits = ReceptionLimits {
        idle_millis: 1_000_000,
        ..limits()
    };
    let datagrams = Bundle::new(60_000).datagrams(1);
    let (announce, symbols) = datagrams.split_first().unwrap();
    let mut receiver = Receiver::new(limits);
    receiver.take(announce);
    receiver.wait(59_999);
    receiver.take(announce);
    receiver.wait(1);
    assert_eq!(states(&receiver), [LinkState::Up, LinkState::Silent]);
    let mut symbols = symbols.iter();
    while receiver
        .reception
        .progress(SessionId(77))
        .is_some_and(|(done, _)| done == 0)
    {
        receiver.take(symbols.next().unwrap());
    }
    receiver.take(announce);
    assert_eq!(states(&receiver), [LinkState::Up, LinkState::Silent, LinkState::Up]);
}

#[test]
fn what_is_with_a_decoder_counts_as_being_solved() {
    let bundle = Bundle::new(20_000);
    let mut reception = Reception::new(vec![link::link_key().public()], limits());
    let mut jobs = Vec::new();
    for datagram in bundle.datagrams(1) {
        reception.handle_datagram(&datagram, Tick(0));
        while let Some(output) = reception.poll_output() {
            if let Output::Solve(job) = output {
                jobs.push(job);
            }
        }
    }
    let session = SessionId(77);
    assert_eq!(reception.solving(session) as usize, jobs.len());
    reception.handle_solved(jobs.remove(0).run(), Tick(0));
    assert_eq!(reception.solving(session) as usize, jobs.len());
}
