//! What arrives, and what is said of what does not.

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt as _;

use audit::event::{EventKind, State};
use diode_bench::compare::Comparison;
use diode_bench::drive::Sending;
use protocol::limits::MAX_DATAGRAM_LEN;
use protocol::wire::{Kind, Packet};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::pair::{LIMIT, Pair, any_port, end_of, lossy_link, text, wait_for};

#[test]
fn a_directory_arrives_byte_for_byte_over_a_link_that_loses_five_percent() {
    let (pair, serving, mut tail) = Pair::serving();
    let folder = pair.folder(
        "project",
        &[
            ("README.md", b"# Readings\n"),
            ("data/readings.txt", &text(700_000)),
            ("data/none.txt", b""),
            ("docs/Überblick 1.md", "Größe\n".as_bytes()),
            ("run.sh", b"#!/bin/sh\nexec true\n"),
        ],
    );
    fs::set_permissions(folder.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let bundle = pair.pack_as(&pair.author, &folder);
    let link = lossy_link(serving.address, "5%", 7);
    let sent = pair.send_with(&bundle, &Sending::new(link.local_addr(), "50M", "7%"));
    let end = end_of(&mut tail, bundle.bundle, sent.seq);
    assert_eq!(end.event.event, EventKind::BundleReleased, "{:?}", end.event);
    let found = Comparison::of(&folder, &pair.receiver.released(bundle.bundle)).unwrap();
    assert!(found.is_copy_of(5) && found.only_first.is_empty(), "{found:?}");
    let lost = link.stop().unwrap().damage.lost_at_random;
    assert!(lost > 0, "nothing was lost");
}

#[test]
fn what_is_lost_beyond_repair_is_reported_with_its_missing_blocks_and_the_next_bundle_arrives() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.bundle("big", &[("readings.txt", &text(1_000_000))]);
    let link = lossy_link(serving.address, "70%", 7);
    let sent = pair.send_with(&bundle, &Sending::new(link.local_addr(), "50M", "1%"));
    let end = end_of(&mut tail, bundle.bundle, sent.seq);
    assert_eq!(end.event.event, EventKind::BundleIncomplete, "{:?}", end.event);
    assert_eq!(end.event.blocks, Some(sent.blocks));
    let missing = end.event.blocks_missing.unwrap();
    // The head is small and has much repair: it comes through. Of the content nothing does.
    assert_eq!(missing, sent.blocks - 1, "{:?}", end.event);
    assert!(pair.receiver.stored(bundle.bundle).is_empty());
    let next = pair.harmless("next");
    assert_eq!(
        pair.send_and_follow(&next, &serving, &mut tail).event.event,
        EventKind::BundleReleased
    );
}

#[test]
fn a_bundle_sent_twice_is_admitted_once() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.harmless("once");
    assert_eq!(
        pair.send_and_follow(&bundle, &serving, &mut tail).event.event,
        EventKind::BundleReleased
    );
    let again = pair.send(&bundle, serving.address);
    assert!(again.again, "{again:?}");
    wait_for(&mut tail, EventKind::BundleDuplicate);
    let admitted = tail
        .seen()
        .iter()
        .filter(|entry| entry.event.event == EventKind::BundleAdmitted)
        .count();
    assert_eq!(admitted, 1);
}

#[test]
fn a_receiver_that_comes_late_gets_the_bundle_from_the_second_pass() {
    let pair = Pair::new();
    // Holds the receiver's port until the first pass is well under way.
    let before = UdpSocket::bind(any_port()).unwrap();
    before.set_read_timeout(Some(LIMIT)).unwrap();
    let address = before.local_addr().unwrap();
    pair.receiver.set("listen", &format!("\"{address}\"")).unwrap();
    let bundle = pair.bundle("late", &[("readings.txt", &text(500_000))]);
    let sending = Sending {
        passes: 2,
        ..Sending::new(address, "2M", "1%")
    };
    let sender = pair.transmitter.start(&[&bundle.file], &sending).unwrap();
    let mut datagram = [0; 2048];
    let mut symbols = 0;
    while symbols < 100 {
        let len = before.recv(&mut datagram).unwrap();
        symbols += u32::from(Packet::parse(&datagram[..len]).unwrap().header.kind == Kind::Symbol);
    }
    drop(before);
    let _serving = pair.receiver.serve().unwrap();
    let mut tail = pair.receiver.tail().unwrap();
    sender.wait(LIMIT).unwrap().done().unwrap();
    let end = tail
        .wait_for("the bundle's end", LIMIT, diode_bench::drive::Entry::is_final)
        .unwrap();
    assert_eq!(
        (end.event.bundle, end.event.state),
        (Some(bundle.bundle), Some(State::Released)),
        "{:?}",
        end.event
    );
}

#[test]
fn garbage_of_any_length_is_counted_and_does_no_harm() {
    let (pair, serving, mut tail) = Pair::serving();
    let socket = UdpSocket::bind(any_port()).unwrap();
    let mut dice = ChaCha8Rng::seed_from_u64(7);
    let lengths = [0, 1, 31, 32, 33, 1440, 1472, 8928, 9000, 65_507]
        .into_iter()
        .chain((0..190).map(|at| at * 11));
    let mut sent = Garbage::default();
    for len in lengths {
        let mut bytes = vec![0; len];
        dice.fill_bytes(&mut bytes);
        // Half of them begin as ours do.
        if dice.random::<bool>() && len >= 4 {
            bytes[..4].copy_from_slice(&[0xD1, 0x0D, 1, 1 + (len % 4) as u8]);
        }
        socket.send_to(&bytes, serving.address).unwrap();
        sent.all += 1;
        sent.fitting += u64::from(len <= MAX_DATAGRAM_LEN);
    }
    let bundle = pair.harmless("after");
    assert_eq!(
        pair.send_and_follow(&bundle, &serving, &mut tail).event.event,
        EventKind::BundleReleased
    );
    serving.running.end().unwrap().done().unwrap();
    let stopped = wait_for(&mut tail, EventKind::DaemonStopped);
    let summary = stopped.event.detail.unwrap();
    let counted: u64 = ["damaged", "foreign", "refused", "too long"]
        .map(|word| count(&summary, word))
        .iter()
        .sum();
    assert!(
        (sent.fitting..=sent.all).contains(&counted),
        "{counted} of {sent:?}: {summary}"
    );
}

/// Datagrams that were sent.
#[derive(Debug, Default)]
struct Garbage {
    /// No longer than any of ours.
    fitting: u64,
    all: u64,
}

/// The number before a word; 0 if the word is not there.
fn count(summary: &str, word: &str) -> u64 {
    let before = summary.split_once(&format!(" {word}")).map(|(before, _)| before);
    before
        .and_then(|before| before.rsplit(' ').next()?.parse().ok())
        .unwrap_or(0)
}
