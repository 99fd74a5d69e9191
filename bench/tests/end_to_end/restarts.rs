//! Ends and crashes of either program, and what is left of what it knew.

use audit::event::{EventKind, State};
use diode_bench::drive::{Sending, read_sent};
use rustix::process::Signal;

use crate::pair::{LIMIT, Pair, end_of, text, wait_for};

#[test]
fn a_receiver_that_is_ended_and_started_again_knows_what_it_knew() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.harmless("first");
    pair.send_and_follow(&bundle, &serving, &mut tail);
    serving.running.end().unwrap().done().unwrap();
    let serving = pair.receiver.serve().unwrap();
    pair.send(&bundle, serving.address);
    wait_for(&mut tail, EventKind::BundleDuplicate);
    let next = pair.harmless("second");
    assert_eq!(
        pair.send_and_follow(&next, &serving, &mut tail).event.event,
        EventKind::BundleReleased
    );
    let list = pair
        .receiver
        .run(["list", "--json"])
        .unwrap()
        .done()
        .unwrap()
        .json_lines()
        .unwrap();
    let states: Vec<_> = list.iter().map(|bundle| bundle["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["released", "released"]);
}

#[test]
fn a_receiver_that_is_killed_keeps_what_it_admitted_and_a_log_that_verifies() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.unknown("kept");
    let held = pair.send_and_follow(&bundle, &serving, &mut tail);
    assert_eq!(held.event.event, EventKind::BundleHeld);
    serving.running.kill().unwrap();
    pair.receiver.verify_log().unwrap();
    let serving = pair.receiver.serve().unwrap();
    let shown = pair.receiver.show(bundle.bundle).unwrap();
    let code = shown.code.unwrap();
    pair.receiver
        .decide("release", &code, "looked at")
        .unwrap()
        .done()
        .unwrap();
    assert!(pair.receiver.released(bundle.bundle).join("blob.bin").exists());
    serving.running.end().unwrap().done().unwrap();
    pair.receiver.verify_log().unwrap();
}

#[test]
fn a_receiver_that_is_killed_while_a_bundle_comes_takes_it_when_it_is_sent_again() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.bundle("big", &[("readings.txt", &text(800_000))]);
    let sender = pair
        .transmitter
        .start(&[&bundle.file], &Sending::new(serving.address, "3M", "1%"))
        .unwrap();
    wait_for(&mut tail, EventKind::LinkUp);
    serving.running.kill().unwrap();
    let serving = pair.receiver.serve().unwrap();
    // It goes on sending into the dark, and can't know.
    drop(sender);
    pair.send(&bundle, serving.address);
    assert_eq!(
        wait_for(&mut tail, EventKind::BundleReleased).event.bundle,
        Some(bundle.bundle)
    );
    pair.receiver.verify_log().unwrap();
}

#[test]
fn a_receiver_interrupted_while_a_bundle_comes_tells_so_and_keeps_nothing_half_done() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.bundle("big", &[("readings.txt", &text(800_000))]);
    let sending = Sending::new(serving.address, "2M", "1%");
    let _sender = pair.transmitter.start(&[&bundle.file], &sending).unwrap();
    wait_for(&mut tail, EventKind::LinkUp);
    serving.running.signal(Signal::INT).unwrap();
    serving.running.wait(LIMIT).unwrap().done().unwrap();
    wait_for(&mut tail, EventKind::DaemonStopped);
    let incomplete = wait_for(&mut tail, EventKind::BundleIncomplete);
    assert_eq!(incomplete.event.bundle, Some(bundle.bundle));
    assert!(incomplete.event.blocks_missing > Some(0), "{:?}", incomplete.event);
    let spool = pair.receiver.home().join("quarantine/spool");
    assert_eq!(std::fs::read_dir(spool).unwrap().count(), 0);
}

#[test]
fn a_bundle_interrupted_while_it_is_sent_is_incomplete_and_admitted_under_the_same_number_later() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.bundle("big", &[("readings.txt", &text(800_000))]);
    let sender = pair
        .transmitter
        .start(&[&bundle.file], &Sending::new(serving.address, "2M", "1%"))
        .unwrap();
    wait_for(&mut tail, EventKind::LinkUp);
    sender.signal(Signal::INT).unwrap();
    let stopped = sender.wait(LIMIT).unwrap();
    assert_eq!(stopped.code(), Some(1), "{}", stopped.stderr);
    let stopped = read_sent(&stopped).unwrap().pop().unwrap();
    assert_eq!(stopped.event, "bundle.stopped");
    let end = end_of(&mut tail, bundle.bundle, stopped.seq);
    assert_eq!(end.event.event, EventKind::BundleIncomplete);
    let again = pair.send(&bundle, serving.address);
    assert_eq!((again.seq, again.again), (stopped.seq, true));
    let released = wait_for(&mut tail, EventKind::BundleReleased);
    assert_eq!(
        (released.event.bundle, released.event.state),
        (Some(bundle.bundle), Some(State::Released))
    );
}
