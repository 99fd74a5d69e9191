//! What a send says of itself while it goes on, and when it ends.

use std::fs;

use super::receiving::{Desk, json, stderr};
use protocol::wire::Heartbeat;

/// The heartbeats among all datagrams that have come.
fn heartbeats(desk: &Desk) -> Vec<Heartbeat> {
    let datagrams = desk.datagrams();
    datagrams
        .iter()
        .filter_map(|datagram| desk.heartbeat(datagram))
        .collect()
}

#[test]
fn the_last_heartbeats_of_a_send_say_that_every_number_has_had_its_last_packet() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    desk.bundle("bb.bundle", 1000);
    let sent = desk.send(&["a.bundle", "bb.bundle"], &["--json"]);
    assert!(sent.status.success(), "{}", stderr(&sent));
    let heartbeats = heartbeats(&desk);
    let last = heartbeats.last().unwrap();
    assert_eq!((last.next, last.sent_below, last.in_flight.len()), (3, 3, 0));
    assert_eq!(json(&sent)[0]["epoch_id"], format!("{:016x}", last.epoch));
    assert!(
        heartbeats.iter().filter(|beat| beat.sent_below == 3).count() >= 3,
        "{heartbeats:?}"
    );
    assert!(heartbeats.is_sorted_by(|one, next| one.counter < next.counter));
    assert!(heartbeats[0].checkpoint.is_some(), "the first tells of the log");
}

#[test]
fn counters_go_on_where_they_were_though_the_clock_was_put_back_before_the_next_send() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    assert!(desk.send(&["a.bundle"], &[]).status.success());
    let last = heartbeats(&desk).last().unwrap().counter;
    let path = desk.path("state/beats");
    let mut beats: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(beats["below"], last + 1, "what was not used was given back");
    // As a send leaves it whose clock is years ahead.
    beats["below"] = 4_000_000_000_000_u64.into();
    fs::write(&path, beats.to_string()).unwrap();
    assert!(desk.send(&["a.bundle"], &[]).status.success());
    assert_eq!(heartbeats(&desk)[0].counter, 4_000_000_000_000);
}

#[test]
fn a_bundle_under_way_is_named_and_its_number_is_not_told_as_sent() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 600_000);
    let mut sending = desk.begin(&["a.bundle"], "1M", &["--passes", "2"]);
    let beat = desk.heartbeat_when(|beat| !beat.in_flight.is_empty());
    assert_eq!((beat.next, beat.sent_below), (2, 1));
    assert_eq!((beat.in_flight[0].sequence, beat.in_flight[0].pass), (1, 1));
    assert_eq!((beat.parameters.passes, beat.parameters.symbol_len), (2, 1408));
    sending.kill().unwrap();
    sending.wait().unwrap();
}

#[test]
fn a_number_that_a_killed_send_left_is_told_as_sent_by_the_next_that_does_not_go_on_with_it() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 600_000);
    let mut killed = desk.begin(&["a.bundle"], "1M", &[]);
    desk.heartbeat_when(|beat| !beat.in_flight.is_empty());
    killed.kill().unwrap();
    killed.wait().unwrap();
    // What was on its way is no word of the next.
    desk.datagrams();
    desk.bundle("bb.bundle", 1000);
    let sent = desk.send(&["bb.bundle"], &[]);
    assert!(sent.status.success(), "{}", stderr(&sent));
    let heartbeats = heartbeats(&desk);
    let last = heartbeats.last().unwrap();
    assert_eq!((last.next, last.sent_below), (3, 3));
    assert!(heartbeats.is_sorted_by_key(|beat| beat.sent_below));
}

#[test]
fn a_stopped_bundle_has_had_its_last_packet() {
    let desk = Desk::new();
    let bytes = desk.bundle("a.bundle", 600_000);
    super::receiving::flip(&desk.path("a.bundle"), bytes.len() as u64 - 1);
    assert!(!desk.send(&["a.bundle"], &[]).status.success());
    let heartbeats = heartbeats(&desk);
    let last = heartbeats.last().unwrap();
    assert_eq!((last.next, last.sent_below, last.in_flight.len()), (2, 2, 0));
}
