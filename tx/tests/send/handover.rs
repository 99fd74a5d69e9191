//! Bundles handed to a `diode-tx send` that runs already, and the socket that it takes them at.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Output};
use std::sync::Arc;

use super::receiving::{Desk, assert_refused, json, stderr, stdout};
use audit::event::EventKind;
use audit::log::LogReader;
use audit::storage::{Disk, Storage};
use protocol::wire::{Kind, Packet};
use rustix::process::{Pid, Signal, kill_process};

/// Begins to send a bundle that takes a minute, in groups of which two take half a second, and waits until its first announce is out.
fn slow_owner(desk: &Desk) -> Child {
    small_leaves(desk, "large.bundle", 15_000_000);
    let owner = desk.begin(&["large.bundle"], "4M", &["--mtu", "320", "--json"]);
    while Packet::parse(&desk.first_datagram()).unwrap().header.kind != Kind::Announce {}
    owner
}

/// A bundle that fits the slow owner's short symbols.
fn small_leaves(desk: &Desk, name: &str, len: usize) {
    desk.bundle_in_leaves(name, len, 4096);
}

/// Interrupts the owner, which shows that it had not ended.
fn interrupt(owner: Child) -> Output {
    kill_process(Pid::from_child(&owner), Signal::INT).unwrap();
    let output = owner.wait_with_output().unwrap();
    assert_refused(&output, 1, &["interrupted"]);
    output
}

/// Writes bytes to the control socket, and gives the first answer.
fn say(desk: &Desk, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(desk.path("state/control.sock")).unwrap();
    // Whoever has said too much is not listened to any longer.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer
}

#[test]
fn an_urgent_bundle_is_sent_before_the_large_one_under_way_ends() {
    let desk = Desk::new();
    let owner = slow_owner(&desk);
    small_leaves(&desk, "urgent.bundle", 1000);
    let urgent = desk.run(&[
        "send",
        "urgent.bundle",
        "--state",
        "state",
        "--priority",
        "urgent",
        "--json",
    ]);
    assert!(urgent.status.success(), "{}", stderr(&urgent));
    let records = json(&urgent);
    assert_eq!(
        (records.len(), &records[0]["event"], &records[0]["seq"]),
        (1, &"bundle.sent".into(), &2.into())
    );
    let large = json(&interrupt(owner));
    assert_eq!((large.len(), &large[0]["event"]), (1, &"bundle.stopped".into()));
    let session = records[0]["session"].as_str().unwrap();
    let datagrams = desk.datagrams();
    let headers = datagrams.iter().map(|datagram| Packet::parse(datagram).unwrap().header);
    let urgent = headers.filter(|header| header.session.to_string() == session).count() as u64;
    assert_eq!(Some(urgent), records[0]["datagrams"].as_u64());
}

#[test]
fn whoever_handed_a_bundle_over_is_in_the_log() {
    let desk = Desk::new();
    let owner = slow_owner(&desk);
    small_leaves(&desk, "urgent.bundle", 1000);
    desk.run(&["send", "urgent.bundle", "--state", "state", "--priority", "urgent"]);
    interrupt(owner);
    let log = Disk::open(&desk.path("state/log")).unwrap();
    let entries = LogReader::open(Arc::new(log)).unwrap().read(0, 100).unwrap();
    let actor = |event: EventKind, seq: u64| {
        let entry = entries
            .iter()
            .find(|(_, entry)| entry.event == event && entry.seq == Some(seq));
        entry.unwrap().1.actor.clone()
    };
    let us = format!("uid {}", rustix::process::getuid().as_raw());
    assert_eq!(actor(EventKind::BundleBound, 1), None);
    assert_eq!(actor(EventKind::BundleBound, 2), Some(us.clone()));
    assert_eq!(actor(EventKind::BundleSent, 2), Some(us));
}

#[test]
fn the_running_transmitters_word_counts_for_the_link_and_other_words_are_said_to_be_ignored() {
    let desk = Desk::new();
    let owner = slow_owner(&desk);
    small_leaves(&desk, "urgent.bundle", 1000);
    let urgent = desk.send(&["urgent.bundle"], &["--priority", "urgent", "--mtu", "9000"]);
    assert!(urgent.status.success(), "{}", stderr(&urgent));
    assert!(
        stderr(&urgent).contains("not --to, --key, --rate, --mtu, --burst, --depth"),
        "{}",
        stderr(&urgent)
    );
    assert!(stdout(&urgent).starts_with("sent  seq 2  "), "{}", stdout(&urgent));
    interrupt(owner);
    let datagrams = desk.datagrams();
    let packets = datagrams.iter().map(|datagram| Packet::parse(datagram).unwrap());
    let mut symbols = packets.filter(|packet| packet.header.kind == Kind::Symbol);
    assert!(symbols.all(|packet| packet.body.len() == 192));
}

#[test]
fn the_socket_is_the_owners_alone_and_is_gone_when_it_has_ended() {
    let desk = Desk::new();
    let owner = slow_owner(&desk);
    let socket = desk.path("state/control.sock");
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o600);
    interrupt(owner);
    assert!(!socket.exists());
}

#[test]
fn what_is_wrong_with_a_handed_bundle_is_told_to_whoever_handed_it_alone() {
    let desk = Desk::new();
    let owner = slow_owner(&desk);
    let output = desk.run(&["send", "gone.bundle", "--state", "state"]);
    assert_refused(&output, 2, &["gone.bundle", "no such file"]);
    std::fs::write(desk.path("wrong.bundle"), "no bundle at all, though long enough").unwrap();
    let output = desk.run(&["send", "wrong.bundle", "--state", "state"]);
    assert_refused(&output, 5, &["wrong.bundle", "no bundle"]);
    small_leaves(&desk, "urgent.bundle", 1000);
    let good = desk.run(&["send", "urgent.bundle", "--state", "state", "--priority", "urgent"]);
    assert!(good.status.success(), "{}", stderr(&good));
    let text = stderr(&interrupt(owner));
    assert!(
        !text.contains("gone.bundle") && !text.contains("wrong.bundle"),
        "{text}"
    );
}

#[test]
fn requests_that_nobody_understands_are_answered_and_hurt_nobody() {
    let desk = Desk::new();
    let owner = slow_owner(&desk);
    let long = [&[b'['; 70_000][..], b"\n"].concat();
    for request in [
        &b"\n"[..],
        b"",
        b"hello\n",
        b"\xff\xfe\x00\n",
        b"{\"schema\":1}\n",
        b"{\"schema\":1,\"paths\":[\"urgent.bundle\"],\"priority\":\"urgent\"}\n",
        b"{\"schema\":1,\"paths\":[\"/\"],\"priority\":\"urgent\"}\n",
        b"{\"schema\":1,\"paths\":[\"/dev/null\"],\"priority\":\"urgent\"}\n",
        &long,
    ] {
        let answer = say(&desk, request);
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(
            (&answer["answer"], &answer["complaint"]["exit"]),
            (&"done".into(), &2.into()),
            "{answer}"
        );
    }
    interrupt(owner);
}

#[test]
fn clients_that_say_nothing_hold_nobody_up() {
    let desk = Desk::new();
    let owner = slow_owner(&desk);
    let connect = || UnixStream::connect(desk.path("state/control.sock")).unwrap();
    let silent: Vec<_> = (0..16).map(|_| connect()).collect();
    // One more than are listened to at once is told so.
    let mut answer = String::new();
    BufReader::new(connect()).read_line(&mut answer).unwrap();
    assert!(answer.contains("more requests than it can look at"), "{answer}");
    interrupt(owner);
    drop(silent);
}

#[test]
fn a_bundle_that_was_not_begun_when_the_owner_ended_is_a_failure_for_whoever_handed_it() {
    let desk = Desk::new();
    let owner = slow_owner(&desk);
    small_leaves(&desk, "later.bundle", 2_000_000);
    let request = format!(
        "{{\"schema\":1,\"paths\":[\"{}\"],\"priority\":\"bulk\"}}\n",
        desk.path("later.bundle").display()
    );
    let mut stream = UnixStream::connect(desk.path("state/control.sock")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "{\"answer\":\"taken\",\"bundles\":1}");
    let output = interrupt(owner);
    assert!(!stderr(&output).contains("later.bundle"), "{}", stderr(&output));
    let done: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(
        (&done["answer"], &done["complaint"]["exit"]),
        (&"done".into(), &1.into())
    );
    assert!(done.to_string().contains("later.bundle"), "{done}");
    assert!(lines.next().is_none());
}

#[test]
fn whoever_finds_the_owner_gone_sends_by_itself() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    desk.send(&["a.bundle"], &[]);
    let state = Disk::open(&desk.path("state")).unwrap();
    let held = state.lock(Path::new("lock")).unwrap().unwrap();
    let listener = UnixListener::bind(desk.path("state/control.sock")).unwrap();
    let client = desk.begin(&["a.bundle"], "20M", &["--json"]);
    // It has come to the owner, which ends without having taken anything.
    let (stream, _) = listener.accept().unwrap();
    drop(held);
    drop((listener, stream));
    let output = client.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(
        (&json(&output)[0]["seq"], &json(&output)[0]["again"]),
        (&1.into(), &true.into())
    );
    assert!(!desk.path("state/control.sock").exists());
}

#[test]
fn a_socket_that_a_crash_left_is_replaced() {
    let desk = Desk::new();
    let mut owner = slow_owner(&desk);
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert!(desk.path("state/control.sock").exists());
    desk.bundle("a.bundle", 1000);
    let sent = desk.send(&["a.bundle"], &["--json"]);
    assert!(sent.status.success(), "{}", stderr(&sent));
    assert_eq!(json(&sent)[0]["seq"], 2);
    assert!(!desk.path("state/control.sock").exists());
}

#[test]
fn the_owner_goes_on_until_what_it_was_handed_is_sent() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 100_000);
    desk.bundle("bb.bundle", 100_000);
    let owner = desk.begin(&["a.bundle"], "1M", &["--json"]);
    while Packet::parse(&desk.first_datagram()).unwrap().header.kind != Kind::Announce {}
    let second = desk.run(&["send", "bb.bundle", "--state", "state", "--priority", "bulk", "--json"]);
    assert!(second.status.success(), "{}", stderr(&second));
    let first = owner.wait_with_output().unwrap();
    assert!(first.status.success(), "{}", stderr(&first));
    assert_eq!(
        (&json(&first)[0]["seq"], &json(&second)[0]["seq"]),
        (&1.into(), &2.into())
    );
    assert_eq!(json(&first).len(), 1);
}
