//! The receiver against the transmitter, over a link that a test controls.

use super::*;
use crate::bundle::seal::PackedHead;
use crate::digest::Digest;
use crate::fec::Redundancy;
use crate::keys::SigningKey;
use crate::merkle;
use crate::time::UnixMillis;
use crate::transmission::{BundleShape, EncodeJob, Lane, Settings, Transmission};
use crate::wire::LinkNumber;

mod attacks;
mod heartbeats;
mod lanes;
mod link;
mod memory;
mod resuming;

use link::{Bundle, Receiver, limits};

#[test]
fn a_bundle_arrives_whole_over_a_link_without_loss() {
    let bundle = Bundle::new(20_000);
    let mut receiver = Receiver::new(limits());
    receiver.take_all(&bundle.datagrams(1));
    assert_eq!(receiver.complete(), Some(&bundle.content));
}

#[test]
fn a_bundle_arrives_although_each_seventh_datagram_is_lost() {
    let bundle = Bundle::new(60_000);
    let mut receiver = Receiver::new(limits());
    for (i, datagram) in bundle.datagrams(2).iter().enumerate() {
        if i % 7 != 3 {
            receiver.take(datagram);
        }
    }
    assert_eq!(receiver.complete(), Some(&bundle.content));
}

#[test]
fn a_bundle_arrives_in_reverse_order_after_its_announce() {
    let bundle = Bundle::new(20_000);
    let mut datagrams = bundle.datagrams(1);
    let announce = datagrams.remove(0);
    datagrams.reverse();
    let mut receiver = Receiver::new(ReceptionLimits {
        memory_bytes: 64 << 20,
        ..limits()
    });
    receiver.take(&announce);
    receiver.take_all(&datagrams);
    assert_eq!(receiver.complete(), Some(&bundle.content));
}

#[test]
fn content_that_came_before_the_head_is_checked_once_the_head_is_there() {
    let bundle = Bundle::new(20_000);
    let is_head = |datagram: &Vec<u8>| {
        let header = Packet::parse(datagram).unwrap().header;
        header.kind == Kind::Symbol && header.block == 0
    };
    let (head, mut rest): (Vec<_>, Vec<_>) = bundle.datagrams(1).into_iter().partition(is_head);
    rest.extend(head);
    let mut receiver = Receiver::new(limits());
    receiver.take_all(&rest);
    assert_eq!(receiver.complete(), Some(&bundle.content));
}

#[test]
fn symbols_without_an_announce_set_nothing_aside() {
    let bundle = Bundle::new(20_000);
    let mut receiver = Receiver::new(limits());
    for datagram in bundle.datagrams(1) {
        if Packet::parse(&datagram).unwrap().header.kind == Kind::Symbol {
            receiver.take(&datagram);
        }
    }
    assert_eq!(receiver.reception.sessions(), 0);
    assert!(receiver.reception.counters().unknown_session > 0);
}

#[test]
fn an_announce_by_another_link_key_opens_nothing() {
    let bundle = Bundle::new(100);
    let mut receiver = Receiver::with_key(limits(), SigningKey::from_seed([99; 32]).public());
    receiver.take_all(&bundle.datagrams(1));
    assert_eq!(receiver.reception.sessions(), 0);
    assert!(receiver.reception.counters().announces_unknown_key > 1);
    let key_id = link::link_key().public().key_id();
    let told = receiver
        .told
        .iter()
        .filter(|told| matches!(told, Output::UnknownLinkKey { key_id: told } if *told == key_id));
    assert_eq!(told.count(), 1, "once, however many came");
}

#[test]
fn datagrams_of_strangers_are_not_taken_for_loss() {
    let bundle = Bundle::new(20_000);
    let mut receiver = Receiver::new(limits());
    for (i, datagram) in bundle.datagrams(1).iter().enumerate() {
        let header = crate::wire::Header {
            kind: Kind::Symbol,
            session: SessionId(999),
            packet: (i as u32).wrapping_mul(0x9E37_79B9),
            block: 0,
            esi: 0,
        };
        receiver.take(&header.emit(&[]));
        receiver.take(datagram);
    }
    assert_eq!(receiver.summary().map(|summary| summary.loss_ppm), Some(0));
}

#[test]
fn too_much_loss_is_told_with_the_blocks_that_are_missing() {
    let bundle = Bundle::new(200_000);
    let mut receiver = Receiver::new(limits());
    for datagram in bundle.datagrams(1) {
        let header = Packet::parse(&datagram).unwrap().header;
        if header.kind != Kind::Symbol || header.block < 2 {
            receiver.take(&datagram);
        }
    }
    receiver.wait(limits().idle_millis);
    let (why, summary) = receiver.ended();
    assert_eq!(why, Ending::Idle);
    assert_eq!((summary.blocks, summary.blocks_missing, summary.head), (8, 6, true));
}

#[test]
fn a_session_is_not_idle_a_millisecond_too_early() {
    let bundle = Bundle::new(60_000);
    let mut receiver = Receiver::new(limits());
    receiver.take(&bundle.datagrams(1)[0]);
    receiver.wait(limits().idle_millis - 1);
    assert_eq!(receiver.reception.sessions(), 1);
    receiver.wait(1);
    assert_eq!(receiver.reception.sessions(), 0);
}

#[test]
fn edited_content_is_refused_and_the_leaf_named() {
    let mut bundle = Bundle::new(60_000);
    bundle.content[9000] ^= 1;
    let mut receiver = Receiver::new(limits());
    receiver.take_all(&bundle.datagrams(1));
    receiver.wait(limits().idle_millis);
    let (why, _) = receiver.ended();
    assert_eq!(why, Ending::Refused(Refusal::LeafMismatch { block: 1, leaf: 2 }));
}

#[test]
fn edited_content_under_a_recomputed_index_is_refused_by_the_signed_root() {
    let mut bundle = Bundle::new(60_000);
    bundle.content[9000] ^= 1;
    bundle.recompute_index();
    let mut receiver = Receiver::new(limits());
    receiver.take_all(&bundle.datagrams(1));
    let (why, _) = receiver.ended();
    let Ending::Refused(refusal) = why else {
        panic!("{why:?}")
    };
    assert_eq!(refusal.code(), "content-root");
}

/// What is given to be written of each content block that is solved, while `datagrams` arrive.
fn contents(bundle: &Bundle, datagrams: &[Vec<u8>]) -> BTreeMap<u32, Option<(u64, Vec<u8>)>> {
    let mut receiver = Receiver::new(limits());
    let mut contents = BTreeMap::new();
    for datagram in datagrams {
        receiver.reception.handle_datagram(datagram, Tick(0));
        while let Some(output) = receiver.reception.poll_output() {
            let Output::Solve(job) = output else {
                receiver.act(output);
                continue;
            };
            let solved = job.run();
            let content = solved.content().map(|(offset, bytes)| (offset, bytes.to_vec()));
            contents.insert(solved.block.number, content);
            receiver.reception.handle_solved(solved, Tick(0));
        }
    }
    assert_eq!(
        contents.len(),
        receiver.reception.progress(SessionId(bundle.session)).unwrap().1 as usize
    );
    contents
}

#[test]
fn a_block_whose_leaf_is_wrong_is_not_given_as_content_once_the_head_is_accepted() {
    let mut bundle = Bundle::new(60_000);
    bundle.content[9000] ^= 1;
    let contents = contents(&bundle, &bundle.datagrams(1));
    let [head, wrong, right] = [0, 1, 2].map(|block| contents[&block].clone());
    assert_eq!((head, wrong), (None, None));
    let offset = crate::bundle::PREFIX_LEN + bundle.head.len() + 32_768;
    assert!(right == Some((offset as u64, bundle.content[32_768..].to_vec())));
}

#[test]
fn a_block_that_comes_before_the_head_is_given_as_content_whatever_it_is() {
    let mut bundle = Bundle::new(60_000);
    bundle.content[9000] ^= 1;
    let is_head = |datagram: &Vec<u8>| {
        let header = Packet::parse(datagram).unwrap().header;
        header.kind == Kind::Symbol && header.block == 0
    };
    let (head, mut datagrams): (Vec<_>, Vec<_>) = bundle.datagrams(1).into_iter().partition(is_head);
    datagrams.extend(head);
    let contents = contents(&bundle, &datagrams);
    let offset = crate::bundle::PREFIX_LEN + bundle.head.len();
    assert_eq!(contents[&0], None);
    assert!(contents[&1] == Some((offset as u64, bundle.content[..32_768].to_vec())));
}

#[test]
fn last_progress_is_when_the_last_block_was_done() {
    let bundle = Bundle::new(5000);
    let mut receiver = Receiver::new(limits());
    let mut jobs = Vec::new();
    for datagram in bundle.datagrams(1) {
        receiver.reception.handle_datagram(&datagram, Tick(0));
        while let Some(output) = receiver.reception.poll_output() {
            match output {
                Output::Solve(job) => jobs.push(job),
                other => receiver.act(other),
            }
        }
    }
    for job in jobs {
        receiver.wait(100);
        receiver.solve(*job);
        receiver.drain();
    }
    let summary = receiver.summary().unwrap();
    assert_eq!(
        (summary.opened, summary.last_progress),
        (Tick(0), Tick(0).plus_millis(200))
    );
}

#[test]
fn an_announce_of_another_root_is_refused_by_the_signature() {
    let mut bundle = Bundle::new(60_000);
    bundle.shape.content_root = Digest([1; 32]);
    let mut receiver = Receiver::new(limits());
    receiver.take_all(&bundle.datagrams(1));
    let (why, _) = receiver.ended();
    assert!(
        matches!(why, Ending::Refused(Refusal::AnnounceDiffers { .. })),
        "{why:?}"
    );
}

#[test]
fn a_head_that_is_not_the_announced_one_is_never_accepted() {
    let mut bundle = Bundle::new(5000);
    bundle.shape.head_sha256 = Digest([1; 32]);
    let mut receiver = Receiver::new(limits());
    receiver.take_all(&bundle.datagrams(1));
    receiver.wait(limits().idle_millis);
    let (why, summary) = receiver.ended();
    assert!(matches!(why, Ending::Refused(Refusal::HeadDigest { .. })), "{why:?}");
    assert!(!summary.head);
}

#[test]
fn a_forged_symbol_costs_a_block_that_the_next_pass_mends() {
    let bundle = Bundle::new(60_000);
    let mut receiver = Receiver::new(limits());
    for datagram in &bundle.datagrams(2) {
        let packet = Packet::parse(datagram).unwrap();
        let begun = receiver.reception.counters().forged_blocks > 0;
        if !begun && packet.header.kind == Kind::Symbol && packet.header.block == 1 && packet.header.esi == 0 {
            let forged = vec![0xEE; packet.body.len()];
            receiver.take(&[&packet.header.emit(&forged), &forged[..]].concat());
        }
        receiver.take(datagram);
    }
    assert_eq!(receiver.reception.counters().forged_blocks, 1);
    assert_eq!(receiver.complete(), Some(&bundle.content));
}

#[test]
fn a_session_that_is_over_is_not_opened_again() {
    let bundle = Bundle::new(5000);
    let datagrams = bundle.datagrams(1);
    let mut receiver = Receiver::new(limits());
    receiver.take_all(&datagrams);
    assert!(receiver.complete().is_some());
    receiver.take_all(&datagrams);
    assert_eq!(receiver.reception.sessions(), 0);
    assert!(receiver.reception.counters().after_end >= datagrams.len() as u64);
}

#[test]
fn a_bundle_past_the_size_limit_is_told_and_not_opened() {
    let bundle = Bundle::new(60_000);
    let mut receiver = Receiver::new(ReceptionLimits {
        bundle_bytes: 60_000,
        ..limits()
    });
    receiver.take(&bundle.datagrams(1)[0]);
    assert!(matches!(
        receiver.told.last(),
        Some(Output::Mismatched {
            setting: "limits.bundle_mib",
            allows: 60_000,
            ..
        })
    ));
    assert_eq!(receiver.reception.sessions(), 0);
}

#[test]
fn a_session_with_its_head_outlives_one_without() {
    let (first, second) = (
        Bundle {
            session: 1,
            ..Bundle::new(60_000)
        },
        Bundle {
            session: 2,
            ..Bundle::new(60_000)
        },
    );
    let third = Bundle {
        session: 3,
        ..Bundle::new(60_000)
    };
    let mut receiver = Receiver::new(ReceptionLimits {
        sessions: 2,
        ..limits()
    });
    let most_of = |bundle: &Bundle| bundle.datagrams(1).into_iter().take(400).collect::<Vec<_>>();
    receiver.take_all(&most_of(&first));
    receiver.take(&second.datagrams(1)[0]);
    receiver.take(&third.datagrams(1)[0]);
    assert_eq!(receiver.ended().0, Ending::Evicted);
    assert!(receiver.reception.progress(SessionId(1)).is_some());
    assert!(receiver.reception.progress(SessionId(2)).is_none());
}

#[test]
fn stopping_ends_every_session() {
    let bundle = Bundle::new(60_000);
    let mut receiver = Receiver::new(limits());
    receiver.take(&bundle.datagrams(1)[0]);
    receiver.reception.stop();
    receiver.drain();
    assert_eq!(receiver.ended().0, Ending::Stopped);
}

#[test]
fn symbols_out_of_bounds_are_counted_and_forgotten() {
    let bundle = Bundle::new(5000);
    let datagrams = bundle.datagrams(1);
    let mut receiver = Receiver::new(limits());
    receiver.take(&datagrams[0]);
    let symbol = datagrams
        .iter()
        .find(|d| Packet::parse(d).unwrap().header.kind == Kind::Symbol)
        .unwrap();
    let packet = Packet::parse(symbol).unwrap();
    for header in [
        crate::wire::Header {
            block: 1 << 30,
            ..packet.header
        },
        crate::wire::Header {
            esi: (1 << 24) - 1,
            ..packet.header
        },
    ] {
        receiver.take(&[&header.emit(packet.body), packet.body].concat());
    }
    let short = &packet.body[1..];
    receiver.take(&[&packet.header.emit(short), short].concat());
    assert_eq!(receiver.reception.counters().out_of_bounds, 3);
}

#[test]
fn every_datagram_has_one_fate() {
    let bundle = Bundle::new(60_000);
    let mut receiver = Receiver::new(limits());
    for (i, datagram) in bundle.datagrams(2).iter().enumerate() {
        let mut datagram = datagram.clone();
        if i % 10 == 4 {
            datagram[i % 32] ^= 0x40;
        }
        receiver.take(&datagram);
        receiver.take(&datagram);
    }
    let c = *receiver.reception.counters();
    let fates = c.foreign
        + c.foreign_version
        + c.damaged
        + c.refused
        + c.filler
        + c.announces
        + c.announces_unknown_key
        + c.announces_invalid
        + c.heartbeats
        + c.heartbeats_old
        + c.heartbeats_unknown_key
        + c.heartbeats_invalid
        + c.unverified
        + c.symbols
        + c.surplus
        + c.duplicates
        + c.out_of_bounds
        + c.unknown_session
        + c.after_end;
    assert_eq!(fates, c.datagrams);
}

mod totality {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_datagram_is_counted_and_nothing_more(datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..100), 0..50)) {
            let mut receiver = Receiver::new(limits());
            receiver.take_all(&datagrams);
            prop_assert_eq!(receiver.reception.counters().datagrams, datagrams.len() as u64);
            prop_assert_eq!(receiver.reception.sessions(), 0);
        }

        #[test]
        fn a_live_session_survives_any_symbol(
            symbols in proptest::collection::vec((any::<u32>(), 0u32..1 << 24, 0usize..200, any::<u8>()), 0..200)
        ) {
            let bundle = Bundle::new(20_000);
            let datagrams = bundle.datagrams(1);
            let mut receiver = Receiver::new(limits());
            receiver.take(&datagrams[0]);
            for (block, esi, len, fill) in symbols {
                let header = crate::wire::Header {
                    kind: Kind::Symbol, session: SessionId(bundle.session), packet: 0, block: block % 8, esi: esi % 200,
                };
                let body = vec![fill; if len > 100 { 128 } else { len }];
                receiver.take(&[&header.emit(&body), &body[..]].concat());
            }
            prop_assert!(receiver.complete().is_none());
        }
    }
}

/// What comes of a bundle's datagrams in a session of which the driver wants nothing but the head.
fn head_only(bundle: &Bundle, datagrams: &[Vec<u8>]) -> (Receiver, Vec<Bytes>) {
    let mut receiver = Receiver::new(limits());
    let mut heads = Vec::new();
    for datagram in datagrams {
        receiver.reception.handle_datagram(datagram, Tick(0));
        while let Some(output) = receiver.reception.poll_output() {
            match output {
                Output::Opened { session, .. } => receiver.reception.gather_head_only(session),
                Output::Solve(job) => {
                    let solved = job.run();
                    assert_eq!(solved.content(), None, "content was gathered");
                    receiver.reception.handle_solved(solved, Tick(0));
                }
                Output::Head { session, head } => {
                    assert_eq!(session, SessionId(bundle.session));
                    heads.push(head);
                }
                _ => {}
            }
        }
    }
    (receiver, heads)
}

#[test]
fn a_session_of_which_only_the_head_is_wanted_gives_it_and_gathers_no_content() {
    let bundle = Bundle::new(60_000);
    let (receiver, heads) = head_only(&bundle, &bundle.datagrams(1));
    assert_eq!(heads, [Bytes::from(bundle.head.clone())]);
    assert_eq!(receiver.reception.sessions(), 1, "it is the driver's to end");
    assert!(receiver.reception.counters().surplus > 40);
}

#[test]
fn a_session_of_which_only_the_head_is_wanted_has_memory_set_aside_for_no_more() {
    let bundle = Bundle::new(200_000);
    let announce = &bundle.datagrams(1)[..1];
    let (head_only, _) = head_only(&bundle, announce);
    let mut whole = Receiver::new(limits());
    whole.take_all(announce);
    let (less, more) = (head_only.reception.memory(), whole.reception.memory());
    assert!(2 * less < more, "{less} of {more}");
}

#[test]
fn content_shows_that_a_session_goes_on_of_which_only_the_head_is_wanted() {
    let bundle = Bundle::new(60_000);
    let datagrams = bundle.datagrams(1);
    let (mut receiver, _) = head_only(&bundle, &datagrams[..1]);
    let is_content = |datagram: &&Vec<u8>| Packet::parse(datagram).unwrap().header.block == 1;
    let content = datagrams.iter().find(is_content).unwrap();
    let idle = limits().idle_millis;
    receiver.reception.handle_datagram(content, Tick(idle - 1));
    receiver.reception.handle_timeout(Tick(idle));
    assert_eq!(receiver.reception.sessions(), 1);
    receiver.reception.handle_timeout(Tick(2 * idle));
    assert_eq!(receiver.reception.sessions(), 0);
}

#[test]
fn symbols_past_the_last_block_show_nothing_of_a_session_of_which_only_the_head_is_wanted() {
    let bundle = Bundle::new(60_000);
    let datagrams = bundle.datagrams(1);
    let (mut receiver, _) = head_only(&bundle, &datagrams[..1]);
    let idle = limits().idle_millis;
    let header = crate::wire::Header {
        kind: Kind::Symbol,
        session: SessionId(bundle.session),
        packet: 1,
        block: u32::MAX,
        esi: 0,
    };
    let body = [0; 128];
    let forged = [&header.emit(&body), &body[..]].concat();
    receiver.reception.handle_datagram(&forged, Tick(idle - 1));
    receiver.reception.handle_timeout(Tick(idle));
    assert_eq!(receiver.reception.sessions(), 0);
}
