//! What is refused, by which check, and that a refusal uses up neither a bundle nor a number.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use audit::event::EventKind;
use diode_bench::compromised::{Tampered, Tampering};
use diode_bench::drive::{Author, Entry, Packed, Packing, Serving, Tail, Transmitter};
use protocol::time::UnixMillis;
use protocol::wire::{LinkNumber, SessionId};

use crate::pair::{LIMIT, Pair, end_of, text, wait_for};

#[test]
fn a_bundle_by_a_signer_whom_nobody_trusts_is_refused() {
    let (pair, serving, mut tail) = Pair::serving();
    let stranger = Author::keygen(&pair.programs, &pair.path(""), "mallory@lab").unwrap();
    let bundle = pair.pack_as(&stranger, &pair.folder("orders", &[("orders.md", b"# Orders\n")]));
    let end = pair.send_and_follow(&bundle, &serving, &mut tail);
    assert_eq!(
        (end.event.event, end.event.reason.as_deref()),
        (EventKind::BundleRefused, Some("untrusted-signer"))
    );
    let detail = end.event.detail.unwrap();
    assert!(
        detail.contains(stranger.fingerprint()) && detail.contains("mallory@lab"),
        "{detail}"
    );
    assert!(pair.receiver.stored(bundle.bundle).is_empty());
}

#[test]
fn a_signer_who_is_trusted_later_is_let_in_when_the_bundle_is_sent_again() {
    let (pair, serving, mut tail) = Pair::serving();
    let newcomer = Author::keygen(&pair.programs, &pair.path(""), "bob@lab").unwrap();
    let bundle = pair.pack_as(&newcomer, &pair.folder("orders", &[("orders.md", b"# Orders\n")]));
    let refused = pair.send_and_follow(&bundle, &serving, &mut tail);
    assert_eq!(refused.event.event, EventKind::BundleRefused);
    pair.receiver.trust(&newcomer).unwrap();
    let again = pair.send(&bundle, serving.address);
    assert_eq!(Some(again.seq), refused.event.seq);
    let released = wait_for(&mut tail, EventKind::BundleReleased);
    assert_eq!(
        (released.event.bundle, released.event.signer.as_deref()),
        (Some(bundle.bundle), Some("bob@lab"))
    );
}

#[test]
fn a_bundle_for_another_receiver_is_refused() {
    let (pair, serving, mut tail) = Pair::serving();
    let folder = pair.folder("orders", &[("orders.md", b"# Orders\n")]);
    let packing = Packing {
        folder: &folder,
        audience: "plant-8",
        all: true,
        exclude: &[],
        output: &pair.path("orders.bundle"),
    };
    let bundle = pair.author.pack(&packing).unwrap();
    let end = pair.send_and_follow(&bundle, &serving, &mut tail);
    assert_eq!(
        (end.event.event, end.event.reason.as_deref()),
        (EventKind::BundleRefused, Some("wrong-audience"))
    );
}

#[test]
fn a_transmission_that_needs_more_memory_than_is_allowed_names_the_setting() {
    let pair = Pair::new();
    pair.receiver.set("memory_mib", "8").unwrap();
    let (serving, mut tail) = (pair.receiver.serve().unwrap(), pair.receiver.tail().unwrap());
    let bundle = pair.bundle("big", &[("readings.txt", &text(12_000_000))]);
    pair.send(&bundle, serving.address);
    // The heartbeats say so of the link, the announce of its bundle.
    for of in [None, Some(bundle.bundle)] {
        let told = |entry: &Entry| entry.event.event == EventKind::LinkMismatched && entry.event.bundle == of;
        let mismatched = tail.wait_for("link.mismatched", LIMIT, told).unwrap();
        let detail = mismatched.event.detail.unwrap();
        assert!(detail.contains("limits.memory"), "{detail}");
    }
    assert!(pair.receiver.stored(bundle.bundle).is_empty());
}

#[test]
fn content_changed_by_the_tx_host_is_refused_by_its_leaves() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.harmless("orders");
    let end = forge(&pair, &serving, &mut tail, &bundle, Tampering::ContentOnly);
    assert_eq!(end, (EventKind::BundleRefused, Some("leaf-mismatch".to_owned())));
    assert!(pair.receiver.stored(bundle.bundle).is_empty());
}

#[test]
fn a_head_rebuilt_around_changed_content_is_refused_by_the_signed_root() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.harmless("orders");
    let end = forge(&pair, &serving, &mut tail, &bundle, Tampering::HeadRebuilt);
    assert_eq!(end, (EventKind::BundleRefused, Some("content-root".to_owned())));
    assert!(pair.receiver.stored(bundle.bundle).is_empty());
}

#[test]
fn a_forgery_does_not_keep_out_what_was_signed() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.harmless("orders");
    forge(&pair, &serving, &mut tail, &bundle, Tampering::HeadRebuilt);
    pair.send(&bundle, serving.address);
    assert_eq!(
        wait_for(&mut tail, EventKind::BundleReleased).event.bundle,
        Some(bundle.bundle)
    );
}

#[test]
fn a_transmitter_whose_key_is_not_pinned_is_not_heard() {
    let (pair, serving, mut tail) = Pair::serving();
    let other = pair.path("other");
    fs::create_dir(&other).unwrap();
    let impostor = Transmitter::keygen(&pair.programs, &other).unwrap();
    let bundle = pair.harmless("orders");
    let sending = diode_bench::drive::Sending::new(serving.address, "100M", "1%");
    impostor.send(&[&bundle.file], &sending, LIMIT).unwrap();
    let next = pair.harmless("next");
    assert_eq!(
        pair.send_and_follow(&next, &serving, &mut tail).event.event,
        EventKind::BundleReleased
    );
    assert!(
        tail.seen()
            .iter()
            .all(|entry| entry.event.bundle != Some(bundle.bundle))
    );
}

/// Sends a bundle changed on the tx host, and gives the event that ends its way, and its reason.
fn forge(
    pair: &Pair,
    serving: &Serving,
    tail: &mut Tail,
    bundle: &Packed,
    tampering: Tampering,
) -> (EventKind, Option<String>) {
    let tampered = Tampered::new(&fs::read(&bundle.file).unwrap(), tampering).unwrap();
    let link_key = audit::keyfile::load(pair.transmitter.key()).unwrap();
    let number = LinkNumber {
        epoch: 0xE,
        sequence: 1,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let rate = "20M".parse().unwrap();
    tampered
        .send(&link_key, number, SessionId(9), UnixMillis(now), serving.address, rate)
        .unwrap();
    let end = end_of(tail, bundle.bundle, 1);
    (end.event.event, end.event.reason)
}
