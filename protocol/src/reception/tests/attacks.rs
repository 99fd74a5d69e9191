//! What somebody who can write to the link, with its key or without, can cost: its own handling, and no more.

use super::*;
use crate::limits::MAX_BLOCK_FAILURES;
use crate::wire::{Header, SignedAnnounce};

/// What is announced by a datagram of a bundle's.
fn announced(datagram: &[u8]) -> Option<Announce> {
    let Packet { header, body } = Packet::parse(datagram).unwrap();
    let opened = SignedAnnounce::open(header.session, body, &[link::link_key().public()]);
    opened.ok().map(|signed| signed.announce().clone())
}

fn header(kind: Kind, session: u64) -> Header {
    Header {
        kind,
        session: SessionId(session),
        packet: 0,
        block: 0,
        esi: 0,
    }
}

/// A signed announce of a small bundle, in a session of its own.
fn announce_of(session: u64, small: &Announce) -> Vec<u8> {
    let body = small.sign(SessionId(session), &link::link_key());
    [&header(Kind::Announce, session).emit(&body)[..], &body].concat()
}

/// The same with a signature that does not hold.
fn forged_announce_of(session: u64, small: &Announce) -> Vec<u8> {
    let mut body = small.sign(SessionId(session), &link::link_key());
    body[20] ^= 1;
    [&header(Kind::Announce, session).emit(&body)[..], &body].concat()
}

fn small() -> Announce {
    announced(&Bundle::new(100).datagrams(1)[0]).unwrap()
}

/// A symbol in the place of another, of the same length.
fn forged(datagram: &[u8], fill: u8) -> Option<Vec<u8>> {
    let Packet { header, body } = Packet::parse(datagram).unwrap();
    let body = vec![fill; body.len()];
    (header.kind == Kind::Symbol).then(|| [&header.emit(&body)[..], &body].concat())
}

/// The datagrams of two passes, each by itself.
fn two_passes(bundle: &Bundle) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let mut first = bundle.datagrams(2);
    let begins = |datagram: &Vec<u8>| {
        let is_announce = Packet::parse(datagram).unwrap().header.kind == Kind::Announce;
        is_announce && announced(datagram).is_some_and(|announce| announce.pass == 2)
    };
    let second = first.split_off(first.iter().position(begins).unwrap());
    (first, second)
}

#[test]
fn a_bundle_arrives_while_signed_announces_come_without_end() {
    let (bundle, small) = (Bundle::new(60_000), small());
    let datagrams = bundle.datagrams(1);
    let begun = 1 + datagrams
        .iter()
        .position(|datagram| forged(datagram, 0).is_some())
        .unwrap();
    let mut receiver = Receiver::new(limits());
    receiver.take_all(&datagrams[..begun]);
    let mut session = 1000;
    for datagram in &datagrams[begun..] {
        receiver.take(datagram);
        for _ in 0..10 {
            session += 1;
            receiver.take(&announce_of(session, &small));
            assert!(receiver.reception.sessions() <= limits().sessions);
        }
        receiver.wait(1);
    }
    assert!(receiver.complete() == Some(&bundle.content));
    assert!(receiver.reception.counters().unverified > 0);
}

#[test]
fn no_more_announces_are_verified_in_a_second_than_the_limit_says() {
    let limits = ReceptionLimits {
        signatures_per_second: 20,
        ..limits()
    };
    let (bundle, small) = (Bundle::new(20_000), small());
    let datagrams = bundle.datagrams(1);
    let mut receiver = Receiver::new(limits);
    receiver.take(&datagrams[0]);
    for session in 1000..1100 {
        receiver.take(&forged_announce_of(session, &small));
    }
    receiver.take_all(&datagrams);
    let counters = receiver.reception.counters();
    assert_eq!((counters.announces_invalid, counters.unverified), (19, 81));
    assert_eq!(receiver.complete(), Some(&bundle.content));
}

#[test]
fn announces_that_are_known_or_by_strangers_or_too_short_use_up_no_verification() {
    let limits = ReceptionLimits {
        signatures_per_second: 2,
        ..limits()
    };
    let (bundle, small) = (Bundle::new(20_000), small());
    let datagrams = bundle.datagrams(1);
    let mut receiver = Receiver::new(limits);
    let by_stranger = small.sign(SessionId(5), &SigningKey::from_seed([99; 32]));
    for _ in 0..50 {
        receiver.take(&datagrams[0]);
        receiver.take(&[&header(Kind::Announce, 5).emit(&by_stranger)[..], &by_stranger].concat());
        receiver.take(
            &[
                &header(Kind::Announce, 5).emit(&by_stranger[..90])[..],
                &by_stranger[..90],
            ]
            .concat(),
        );
    }
    assert_eq!(receiver.reception.counters().unverified, 0);
    receiver.take(&announce_of(9, &small));
    assert_eq!(receiver.reception.sessions(), 2);
}

#[test]
fn announces_of_lanes_in_two_passes_are_verified_once_each() {
    let limits = ReceptionLimits {
        signatures_per_second: 2,
        ..limits()
    };
    let announces: Vec<_> = (1..=2)
        .map(|pass| Announce {
            pass,
            passes: 2,
            ..small()
        })
        .collect();
    let mut receiver = Receiver::new(limits);
    for _ in 0..50 {
        for announce in &announces {
            receiver.take(&announce_of(9, announce));
        }
    }
    let counters = receiver.reception.counters();
    assert_eq!((counters.announces, counters.unverified), (100, 0));
}

#[test]
fn strangers_by_other_keys_without_end_are_told_once_a_minute() {
    let mut receiver = Receiver::new(limits());
    let mut body = small().sign(SessionId(5), &link::link_key());
    for round in 0..3 {
        for stranger in 1..=100 {
            body[..8].fill(stranger);
            receiver.take(&[&header(Kind::Announce, 5).emit(&body)[..], &body].concat());
        }
        assert_eq!(receiver.told.len(), 1 + round);
        receiver.wait(60_000);
        receiver.told.retain(|told| !matches!(told, Output::Link(_)));
    }
    assert_eq!(receiver.reception.counters().announces_unknown_key, 300);
}

#[test]
fn a_session_that_gave_way_before_its_first_symbol_can_be_announced_again() {
    let limits = ReceptionLimits {
        sessions: 1,
        ..limits()
    };
    let (bundle, small) = (Bundle::new(20_000), small());
    let datagrams = bundle.datagrams(1);
    let mut receiver = Receiver::new(limits);
    receiver.take(&datagrams[0]);
    receiver.take(&announce_of(9, &small));
    assert_eq!(receiver.ended().0, Ending::Evicted);
    receiver.take_all(&datagrams);
    assert_eq!(receiver.complete(), Some(&bundle.content));
}

#[test]
fn a_session_with_a_symbol_outlives_those_that_were_only_announced() {
    let limits = ReceptionLimits {
        sessions: 2,
        ..limits()
    };
    let datagrams = Bundle::new(20_000).datagrams(1);
    let mut receiver = Receiver::new(limits);
    receiver.take(&datagrams[0]);
    let symbol = datagrams.iter().find(|datagram| forged(datagram, 0).is_some());
    receiver.take(symbol.unwrap());
    for session in 1000..1010 {
        receiver.wait(1);
        receiver.take(&announce_of(session, &small()));
    }
    assert!(receiver.reception.progress(SessionId(77)).is_some());
}

#[test]
fn only_an_announce_that_holds_drives_a_session_out_and_it_is_verified_once() {
    let limits = ReceptionLimits {
        sessions: 1,
        signatures_per_second: 3,
        ..limits()
    };
    let mut receiver = Receiver::new(limits);
    receiver.take(&announce_of(1, &small()));
    let (valid, bad) = (announce_of(2, &small()), forged_announce_of(3, &small()));
    assert!(!receiver.reception.drives_out(&bad, Tick(0)));
    receiver.take(&bad);
    assert!(receiver.reception.drives_out(&valid, Tick(0)));
    receiver.take(&valid);
    assert!(receiver.reception.progress(SessionId(2)).is_some());
    assert!(
        !receiver.reception.drives_out(&announce_of(4, &small()), Tick(0)),
        "unverified"
    );
    let counters = receiver.reception.counters();
    assert_eq!((counters.announces, counters.announces_invalid), (2, 1));
}

#[test]
fn blocks_attacked_in_one_pass_are_named_and_the_bundle_arrives_in_the_next() {
    let bundle = Bundle::new(200_000);
    let (first, second) = two_passes(&bundle);
    let mut receiver = Receiver::new(limits());
    for datagram in &first {
        for fill in 0..3 {
            if let Some(forged) = forged(datagram, fill) {
                receiver.take(&forged);
            }
        }
        receiver.take(datagram);
    }
    assert_eq!(receiver.complete(), None);
    receiver.take_all(&second);
    assert_eq!(receiver.complete(), Some(&bundle.content));
    // Without a head nothing told of the content that it was forged as well.
    assert_eq!(receiver.summary().unwrap().forged.numbers(), [0]);
}

#[test]
fn blocks_attacked_behind_the_head_are_all_named_and_mended_in_the_next_pass() {
    let bundle = Bundle::new(200_000);
    let (first, second) = two_passes(&bundle);
    let mut receiver = Receiver::new(limits());
    for datagram in &first {
        let is_content = Packet::parse(datagram).unwrap().header.block > 0;
        if let Some(forged) = forged(datagram, 7).filter(|_| is_content) {
            receiver.take(&forged);
        }
        receiver.take(datagram);
    }
    let (done, blocks) = receiver.reception.progress(SessionId(bundle.session)).unwrap();
    assert_eq!((done, blocks), (1, 8));
    receiver.take_all(&second);
    assert_eq!(receiver.complete(), Some(&bundle.content));
    let forged = receiver.summary().unwrap().forged;
    let mut numbers = forged.numbers().to_vec();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn symbols_left_over_from_an_attack_do_not_spoil_the_next_pass() {
    let bundle = Bundle::new(60_000);
    let (first, second) = two_passes(&bundle);
    let mut receiver = Receiver::new(limits());
    let mut of_second_block = 0;
    for datagram in &first {
        let Packet { header, .. } = Packet::parse(datagram).unwrap();
        let taken = match (header.kind, header.block) {
            (Kind::Symbol, 1) => forged(datagram, 7),
            // Some only, too few to be tried.
            (Kind::Symbol, 2) => {
                of_second_block += 1;
                forged(datagram, 7).filter(|_| of_second_block < 20)
            }
            _ => Some(datagram.clone()),
        };
        if let Some(datagram) = taken {
            receiver.take(&datagram);
        }
    }
    assert_eq!(receiver.complete(), None);
    receiver.take_all(&second);
    assert_eq!(receiver.complete(), Some(&bundle.content));
}

#[test]
fn a_block_is_tried_eight_times_in_a_pass_however_much_is_forged() {
    let bundle = Bundle::new(60_000);
    let (first, second) = two_passes(&bundle);
    let mut receiver = Receiver::new(limits());
    let is_of = |datagram: &&Vec<u8>, block| {
        let header = Packet::parse(datagram).unwrap().header;
        header.kind == Kind::Symbol && header.block == block
    };
    receiver.take(&first[0]);
    for datagram in first.iter().filter(|datagram| is_of(datagram, 0)) {
        receiver.take(datagram);
    }
    let attacked: Vec<_> = first.iter().filter(|datagram| is_of(datagram, 1)).collect();
    for fill in 0..50 {
        for datagram in &attacked {
            receiver.take(&forged(datagram, fill).unwrap());
        }
    }
    assert_eq!(
        receiver.reception.counters().forged_blocks,
        u64::from(MAX_BLOCK_FAILURES)
    );
    receiver.wait(limits().idle_millis - 1);
    assert_eq!(receiver.reception.sessions(), 1);
    receiver.take_all(&second);
    assert_eq!(receiver.complete(), Some(&bundle.content));
}

#[test]
fn an_attacked_session_that_nothing_follows_ends_refused_with_the_block_that_was_forged() {
    let bundle = Bundle::new(60_000);
    let mut receiver = Receiver::new(limits());
    for datagram in &bundle.datagrams(1) {
        let header = Packet::parse(datagram).unwrap().header;
        let forged = forged(datagram, 7).filter(|_| header.block == 2);
        receiver.take(forged.as_ref().unwrap_or(datagram));
    }
    receiver.wait(limits().idle_millis);
    let (why, summary) = receiver.ended();
    assert!(
        matches!(why, Ending::Refused(Refusal::LeafMismatch { block: 2, .. })),
        "{why:?}"
    );
    assert_eq!((summary.forged.numbers(), summary.blocks_missing), (&[2][..], 1));
}

#[test]
fn forged_content_that_came_before_the_head_is_found_and_mended_in_the_next_pass() {
    let bundle = Bundle::new(60_000);
    let (first, second) = two_passes(&bundle);
    let is_head = |datagram: &Vec<u8>| {
        let header = Packet::parse(datagram).unwrap().header;
        header.kind == Kind::Symbol && header.block == 0
    };
    let (head, mut datagrams): (Vec<_>, Vec<_>) = first.into_iter().partition(is_head);
    datagrams.extend(head);
    let mut receiver = Receiver::new(limits());
    for datagram in &datagrams {
        let header = Packet::parse(datagram).unwrap().header;
        let forged = forged(datagram, 7).filter(|_| header.block == 1);
        receiver.take(forged.as_ref().unwrap_or(datagram));
    }
    assert_eq!(receiver.reception.progress(SessionId(bundle.session)), Some((2, 3)));
    receiver.take_all(&second);
    assert_eq!(receiver.complete(), Some(&bundle.content));
    assert_eq!(receiver.summary().unwrap().forged.to_string(), "block 1");
}

#[test]
fn a_head_forged_without_end_is_tried_eight_times_in_a_pass_and_accepted_in_the_next() {
    let bundle = Bundle::new(20_000);
    let (first, second) = two_passes(&bundle);
    let mut receiver = Receiver::new(limits());
    receiver.take(&first[0]);
    for fill in 0..50 {
        for datagram in &first {
            if let Some(forged) = forged(datagram, fill).filter(|_| Packet::parse(datagram).unwrap().header.block == 0)
            {
                receiver.take(&forged);
            }
        }
    }
    assert_eq!(
        receiver.reception.counters().forged_blocks,
        u64::from(MAX_BLOCK_FAILURES)
    );
    receiver.take_all(&second);
    assert_eq!(receiver.complete(), Some(&bundle.content));
}
