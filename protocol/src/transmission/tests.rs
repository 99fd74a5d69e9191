//! What goes out, in which order.

use std::collections::BTreeSet;

use super::*;
use crate::fec::{BlockBuffers, FecError};
use crate::limits::MAX_LANES;
use crate::wire::{Header, Kind, Packet, SignedAnnounce};

mod lanes;
mod pace;

/// The number of each lane's first datagram.
const FIRST_PACKET: u32 = u32::MAX - 2;
const SYMBOL: u16 = 128;
const LEAF: u32 = 4096;

fn shape(head_len: u32, content_len: u64) -> BundleShape {
    BundleShape {
        bundle: BundleId(Digest([1; 32])),
        envelope_len: head_len,
        head_len,
        head_sha256: Digest([2; 32]),
        content_len,
        content_root: Digest([3; 32]),
        leaf_len: LEAF,
    }
}

fn settings(depth: u16, burst: u32, passes: u16) -> Settings {
    Settings {
        session: SessionId(7),
        number: LinkNumber { epoch: 1, sequence: 1 },
        symbol_len: SYMBOL,
        redundancy: Redundancy::new(0.01, burst, 1e-9, depth).unwrap(),
        passes,
        lanes: 1,
        created: UnixMillis(0),
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

/// All datagrams of a transmission of zeros, lane by lane.
fn sent(shape: &BundleShape, settings: &Settings) -> Vec<Vec<Vec<u8>>> {
    let transmission = Transmission::new(shape, settings, &key()).unwrap();
    let mut lanes = vec![Lane::new(FIRST_PACKET); settings.lanes.into()];
    let mut datagrams = vec![Vec::new(); lanes.len()];
    let read = |_: &EncodeJob, place: &mut [u8]| place.fill(0);
    let send = |lane: usize, header: &[u8; 32], body: &[u8]| datagrams[lane].push([header, body].concat());
    transmission.drive(&mut lanes, read, send).unwrap();
    datagrams
}

/// All datagrams of a transmission of zeros on one lane.
fn all(shape: &BundleShape, settings: &Settings) -> Vec<Vec<u8>> {
    assert_eq!(settings.lanes, 1);
    sent(shape, settings).concat()
}

fn headers(datagrams: &[Vec<u8>]) -> Vec<Header> {
    datagrams
        .iter()
        .map(|datagram| Packet::parse(datagram).unwrap().header)
        .collect()
}

#[test]
fn packet_numbers_follow_each_other_and_wrap() {
    let headers = headers(&all(&shape(100, 10_000), &settings(2, 0, 1)));
    for (i, header) in headers.iter().enumerate() {
        assert_eq!(header.packet, FIRST_PACKET.wrapping_add(i as u32));
    }
}

#[test]
fn the_plan_foretells_the_number_of_datagrams() {
    for (content, depth, burst, passes) in [
        (0, 4, 0, 1),
        (10_000, 2, 50, 2),
        (1_000_000, 3, 7, 1),
        (40_000, 16, 500, 3),
    ] {
        for lanes in 1..=3 {
            let shape = shape(100, content);
            let settings = Settings {
                lanes,
                ..settings(depth, burst, passes)
            };
            let plan = Plan::new(&shape, &settings).unwrap();
            let sent: usize = sent(&shape, &settings).iter().map(Vec::len).sum();
            assert_eq!(
                plan.packets(),
                sent as u64,
                "{content}, {depth}, {burst}, {passes}, {lanes}"
            );
        }
    }
}

#[test]
fn a_transmission_begins_and_ends_with_announces() {
    let headers = headers(&all(&shape(100, 300_000), &settings(3, 0, 1)));
    assert!(
        headers
            .iter()
            .take(5)
            .chain(headers.iter().rev().take(3))
            .all(|h| h.kind == Kind::Announce)
    );
}

#[test]
fn no_burst_takes_all_announces_before_the_first_symbol() {
    for burst in [0, 1, 2, 63, 64, 500] {
        let headers = headers(&all(&shape(100, 300_000), &settings(3, burst, 1)));
        let first_symbol = headers.iter().position(|h| h.kind == Kind::Symbol).unwrap();
        let announces: Vec<_> = (0..first_symbol)
            .filter(|i| headers[*i].kind == Kind::Announce)
            .collect();
        let span = announces.last().unwrap() - announces.first().unwrap();
        assert!(span >= burst as usize, "{burst}: {announces:?}");
    }
}

#[test]
fn head_blocks_in_a_short_last_group_have_other_repair_symbols_each_time() {
    let shape = shape(300_000, 0);
    let headers = headers(&all(&shape, &settings(4, 0, 1)));
    let last = headers.iter().map(|h| h.block).max().unwrap();
    let k = Plan::new(&shape, &settings(4, 0, 1))
        .unwrap()
        .layout()
        .block(last)
        .unwrap()
        .k;
    let repair: Vec<_> = headers
        .iter()
        .filter(|h| h.block == last && h.esi >= k)
        .map(|h| h.esi)
        .collect();
    let distinct: BTreeSet<_> = repair.iter().collect();
    assert_eq!(distinct.len(), repair.len());
}

#[test]
fn what_every_receiver_would_refuse_is_not_sent() {
    let refused = |shape: &BundleShape, settings: &Settings| match Transmission::new(shape, settings, &key()) {
        Err(TransmissionError::Range { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let good = settings(4, 0, 1);
    assert_eq!(
        refused(
            &shape(100, 0),
            &Settings {
                session: SessionId(0),
                ..good.clone()
            }
        ),
        "session"
    );
    let number = LinkNumber { epoch: 1, sequence: 0 };
    assert_eq!(
        refused(&shape(100, 0), &Settings { number, ..good.clone() }),
        "sequence"
    );
    for lanes in [0, MAX_LANES + 1] {
        assert_eq!(refused(&shape(100, 0), &Settings { lanes, ..good.clone() }), "lanes");
    }
    let most = Settings {
        lanes: MAX_LANES,
        ..good.clone()
    };
    assert!(Transmission::new(&shape(100, 0), &most, &key()).is_ok());
    assert_eq!(
        refused(
            &BundleShape {
                envelope_len: 101,
                ..shape(100, 0)
            },
            &good
        ),
        "envelope_len"
    );
}

#[test]
fn neighbouring_symbols_of_a_group_belong_to_different_blocks() {
    let headers = headers(&all(&shape(100, 300_000), &settings(4, 0, 1)));
    let symbols: Vec<_> = headers.iter().filter(|h| h.kind == Kind::Symbol).take(40).collect();
    assert!(symbols.windows(2).all(|pair| pair[0].block != pair[1].block));
}

#[test]
fn a_short_group_comes_again_with_other_repair_symbols() {
    let (shape, settings) = (shape(100, 5000), settings(16, 0, 1));
    let k = Plan::new(&shape, &settings).unwrap().layout().block(1).unwrap().k;
    let headers = headers(&all(&shape, &settings));
    let repair: Vec<_> = headers
        .iter()
        .filter(|h| h.kind == Kind::Symbol && h.block == 1 && h.esi >= k)
        .collect();
    let distinct: BTreeSet<_> = repair.iter().map(|h| h.esi).collect();
    assert!(!repair.is_empty());
    assert_eq!(distinct.len(), repair.len());
    assert_eq!(
        headers
            .iter()
            .filter(|h| h.kind == Kind::Symbol && h.block == 1 && h.esi == 0)
            .count(),
        2
    );
}

#[test]
fn a_short_group_comes_again_only_after_a_burst_could_have_ended() {
    let burst = 500;
    let headers = headers(&all(&shape(100, 5000), &settings(16, burst, 1)));
    let symbols: Vec<_> = (0..headers.len())
        .filter(|i| headers[*i].kind == Kind::Symbol)
        .collect();
    let widest = symbols.windows(2).map(|pair| pair[1] - pair[0] - 1).max().unwrap();
    assert_eq!(widest, burst as usize + 1, "filler, and an announce");
}

#[test]
fn the_head_comes_again_after_the_content() {
    let headers = headers(&all(&shape(100, 300_000), &settings(2, 0, 1)));
    let first_of_last_group = headers.iter().position(|h| h.block == 10).unwrap();
    assert!(
        headers[first_of_last_group..]
            .iter()
            .any(|h| h.kind == Kind::Symbol && h.block == 0)
    );
}

#[test]
fn passes_add_repair_symbols_instead_of_repeating_them() {
    let (shape, settings) = (shape(100, 300_000), settings(2, 0, 3));
    let k = Plan::new(&shape, &settings).unwrap().layout().block(5).unwrap().k;
    let headers = headers(&all(&shape, &settings));
    let repair: Vec<_> = headers
        .iter()
        .filter(|h| h.kind == Kind::Symbol && h.block == 5 && h.esi >= k)
        .collect();
    let distinct: BTreeSet<_> = repair.iter().map(|h| h.esi).collect();
    assert_eq!(distinct.len(), repair.len());
}

#[test]
fn no_symbol_exceeds_the_announced_esi() {
    let datagrams = all(&shape(100, 20_000), &settings(16, 30, 2));
    let packet = Packet::parse(&datagrams[0]).unwrap();
    let announce = SignedAnnounce::open(packet.header.session, packet.body, &[key().public()]).unwrap();
    let largest = headers(&datagrams).iter().map(|h| h.esi).max().unwrap();
    assert_eq!(announce.announce().max_esi, largest);
}

#[test]
fn no_pass_at_all_is_refused() {
    let error = Transmission::new(&shape(100, 0), &settings(4, 0, 0), &key()).unwrap_err();
    assert_eq!(error, TransmissionError::Passes { passes: 0 });
}
