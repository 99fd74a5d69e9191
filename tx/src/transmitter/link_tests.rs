//! Bundles sent to a sink in memory, on a clock that only waiting moves.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use audit::storage::{OpenHow, Storage};
use protocol::fec::Gathered;
use protocol::time::UnixMillis;
use protocol::wire::{LinkNumber, Packet, SignedAnnounce};

use super::*;
use crate::transmitter::forecast::settings;
use crate::transmitter::trial::{
    CallSink, LEAF_LEN, StillClock, bundle_bytes, framing, link_config, link_key, opened, sample_bundle, stored,
};

const DEPTH: u16 = 2;

fn some_settings() -> Settings {
    settings(
        &link_config(DEPTH),
        SessionId(7),
        LinkNumber { epoch: 5, sequence: 1 },
        UnixMillis(0),
    )
}

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn link<F>(sink: F, first_packet: u32) -> Link<CallSink<F>, StillClock>
where
    F: FnMut(&[Vec<u8>]) -> Result<(), HwError> + Send,
{
    Link::new(
        CallSink(sink),
        StillClock::default(),
        rate("100M"),
        framing(),
        first_packet,
    )
}

fn keep(datagrams: &mut Vec<Vec<u8>>) -> impl FnMut(&[Vec<u8>]) -> Result<(), HwError> {
    |batch| {
        datagrams.extend_from_slice(batch);
        Ok(())
    }
}

/// All datagrams of one bundle, and how it ended.
fn sent(bundle: &BundleFile) -> (Vec<Vec<u8>>, Ended) {
    let mut datagrams = Vec::new();
    let ended = link(keep(&mut datagrams), 9).transmit(bundle, &some_settings(), &link_key(), &Watch::default());
    (datagrams, ended)
}

fn headers(datagrams: &[Vec<u8>]) -> Vec<Header> {
    datagrams
        .iter()
        .map(|datagram| Packet::parse(datagram).unwrap().header)
        .collect()
}

#[test]
fn the_blocks_that_arrive_are_the_bundles_file() {
    let bytes = bundle_bytes(600_000);
    let (datagrams, ended) = sent(&opened(&stored(bytes.clone())));
    ended.result.unwrap();
    let first = Packet::parse(&datagrams[0]).unwrap();
    let announce = SignedAnnounce::open(first.header.session, first.body, &[link_key().public()]).unwrap();
    let layout = announce.announce().layout().unwrap();
    let mut blocks: BTreeMap<u32, Gathered> = BTreeMap::new();
    for datagram in &datagrams {
        let Packet { header, body } = Packet::parse(datagram).unwrap();
        // Without some source symbols: the repair symbols must be worth as much.
        if header.kind == Kind::Symbol && header.esi % 20 != 3 {
            let len = layout.block(header.block).unwrap().len as usize;
            let fresh = || Gathered::new(protocol::fec::Oti::new(len, 1408).unwrap());
            blocks
                .entry(header.block)
                .or_insert_with(fresh)
                .insert(header.esi, body);
        }
    }
    let file: Vec<u8> = blocks
        .into_values()
        .flat_map(|block| block.solve().ok().unwrap().to_vec())
        .collect();
    assert_eq!(file, bytes[16..]);
}

#[test]
fn an_ended_transmission_has_counted_every_datagram_and_its_bits() {
    let (datagrams, ended) = sent(&sample_bundle(300_000));
    let bits: u64 = datagrams
        .iter()
        .map(|datagram| framing().wire_bits(datagram.len()))
        .sum();
    let bytes: u64 = datagrams.iter().map(|datagram| datagram.len() as u64).sum();
    assert_eq!(
        ended.tally,
        Tally {
            datagrams: datagrams.len() as u64,
            bytes,
            wire_bits: bits,
            pass: 1
        }
    );
}

#[test]
fn a_bundle_takes_the_time_that_its_rate_gives_it() {
    let (_, ended) = sent(&sample_bundle(3_000_000));
    let rate = ended.tally.wire_bits as f64 * 1e9 / ended.nanos as f64;
    assert!((rate / 100e6 - 1.0).abs() < 0.01, "{rate}");
}

#[test]
fn a_batch_is_never_more_than_a_millisecond_of_the_rate() {
    let mut longest = 0;
    let sink = |batch: &[Vec<u8>]| {
        longest = longest.max(batch.iter().map(|datagram| framing().wire_bits(datagram.len())).sum());
        Ok(())
    };
    link(sink, 0)
        .transmit(
            &sample_bundle(600_000),
            &some_settings(),
            &link_key(),
            &Watch::default(),
        )
        .result
        .unwrap();
    assert!(longest > 80_000 && longest <= 100_000, "{longest} bits");
}

#[test]
fn packet_numbers_go_on_over_filler_and_bundles_and_wrap() {
    let mut datagrams = Vec::new();
    let mut link = link(keep(&mut datagrams), u32::MAX - 40);
    link.warm_up(1408, &Watch::default()).unwrap();
    for _ in 0..2 {
        let watch = Watch::default();
        link.transmit(&sample_bundle(1000), &some_settings(), &link_key(), &watch)
            .result
            .unwrap();
    }
    drop(link);
    let numbers: Vec<u32> = headers(&datagrams).iter().map(|header| header.packet).collect();
    let expected: Vec<u32> = (0..numbers.len() as u32)
        .map(|i| (u32::MAX - 40).wrapping_add(i))
        .collect();
    assert_eq!(numbers, expected);
}

#[test]
fn the_link_is_warmed_up_with_filler_as_long_as_symbols() {
    let mut datagrams = Vec::new();
    link(keep(&mut datagrams), 0).warm_up(1408, &Watch::default()).unwrap();
    assert_eq!(datagrams.len(), 32);
    assert!(datagrams.iter().all(|datagram| datagram.len() == 32 + 1408));
    assert!(headers(&datagrams).iter().all(|header| header.kind == Kind::Filler));
}

#[test]
fn a_leaf_that_changed_since_the_check_is_not_sent() {
    let bytes = bundle_bytes(3 * LEAF_LEN as usize);
    let storage = stored(bytes.clone());
    let bundle = opened(&storage);
    let start = bundle.content_start();
    let file = storage.open(std::path::Path::new("x.bundle"), OpenHow::Write).unwrap();
    let offset = start + 2 * u64::from(LEAF_LEN);
    file.write_at(&[bytes[offset as usize] ^ 1], offset).unwrap();
    let (datagrams, ended) = sent(&bundle);
    assert!(matches!(&ended.result, Err(Stop::Bundle(BundleFileError::Leaf { place })) if place.leaf == 2));
    assert!(headers(&datagrams).iter().all(|header| header.block != 3));
}

#[test]
fn nothing_more_leaves_after_the_word_to_stop_than_the_batch_under_way() {
    let stop = Arc::new(AtomicBool::new(false));
    let watch = Watch::new(Arc::clone(&stop));
    let mut batches = 0;
    let sink = |_: &[Vec<u8>]| {
        batches += 1;
        stop.store(batches == 3, Ordering::Relaxed);
        Ok(())
    };
    let ended = link(sink, 0).transmit(&sample_bundle(600_000), &some_settings(), &link_key(), &watch);
    assert!(matches!(ended.result, Err(Stop::Interrupted)));
    assert_eq!(batches, 3);
    assert_eq!(ended.tally.datagrams, watch.tally().datagrams);
}

#[test]
fn a_link_that_takes_no_datagram_ends_the_bundle_with_its_error() {
    let to = ([127, 0, 0, 1], 9).into();
    let sink = |_: &[Vec<u8>]| {
        Err(HwError::DatagramTooLarge {
            bytes: 1440,
            to,
            source: io::Error::from_raw_os_error(90),
        })
    };
    let ended = link(sink, 0).transmit(&sample_bundle(1000), &some_settings(), &link_key(), &Watch::default());
    assert!(matches!(
        ended.result,
        Err(Stop::Link(HwError::DatagramTooLarge { .. }))
    ));
    assert_eq!(ended.tally.datagrams, 0);
}

#[test]
fn settings_that_do_not_fit_the_bundle_send_nothing() {
    let mut datagrams = Vec::new();
    let settings = Settings {
        passes: 0,
        ..some_settings()
    };
    let ended = link(keep(&mut datagrams), 3).transmit(&sample_bundle(1000), &settings, &link_key(), &Watch::default());
    assert!(matches!(
        ended.result,
        Err(Stop::Settings(TransmissionError::Passes { passes: 0 }))
    ));
    assert!(datagrams.is_empty());
}
