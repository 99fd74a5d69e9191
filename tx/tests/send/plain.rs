//! Bundles sent by one process: what it sends, what it refuses, and what it leaves behind.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use super::receiving::{self, Desk, LEAF_LEN, assert_refused, flip, json, stderr, stdout};
use audit::event::{Event, EventKind};
use audit::keyfile;
use audit::log::LogReader;
use audit::storage::{Disk, Storage};
use protocol::fec::{Gathered, Oti};
use protocol::wire::{Kind, Packet, SignedAnnounce};
use rustix::process::{Pid, Signal, kill_process};

/// The entries of the audit log in `state`.
fn entries(desk: &Desk) -> Vec<Event> {
    let log = Disk::open(&desk.path("state/log")).unwrap();
    let reader = LogReader::open(Arc::new(log)).unwrap();
    reader
        .read(0, 1000)
        .unwrap()
        .into_iter()
        .map(|(_, event)| event)
        .collect()
}

fn symbols(datagrams: &[Vec<u8>]) -> impl Iterator<Item = Packet<'_>> {
    datagrams
        .iter()
        .map(|datagram| Packet::parse(datagram).unwrap())
        .filter(|packet| packet.header.kind == Kind::Symbol)
}

fn announces<'a>(desk: &Desk, datagrams: &'a [Vec<u8>]) -> impl Iterator<Item = SignedAnnounce> + use<'a> {
    let pinned = [keyfile::load_public(&desk.path("link.key.pub")).unwrap()];
    datagrams.iter().filter_map(move |datagram| {
        let Packet { header, body } = Packet::parse(datagram).unwrap();
        (header.kind == Kind::Announce).then(|| SignedAnnounce::open(header.session, body, &pinned).unwrap())
    })
}

/// Head and content of the one bundle in `datagrams`.
fn put_together(desk: &Desk, datagrams: &[Vec<u8>]) -> Vec<u8> {
    let announce = announces(desk, datagrams).next().unwrap();
    let layout = announce.announce().layout().unwrap();
    let fresh =
        |number| Gathered::new(Oti::new(layout.block(number).unwrap().len as usize, layout.symbol_len()).unwrap());
    let mut blocks: BTreeMap<u32, Gathered> = (0..layout.blocks()).map(|number| (number, fresh(number))).collect();
    for Packet { header, body } in symbols(datagrams) {
        blocks.get_mut(&header.block).unwrap().insert(header.esi, body);
    }
    let solved = blocks.into_values().map(|block| block.solve().ok().unwrap());
    solved.collect::<Vec<_>>().concat()
}

#[test]
fn a_bundle_can_be_put_together_from_its_datagrams() {
    let desk = Desk::new();
    let bytes = desk.bundle("a.bundle", 600_000);
    let sent = desk.send(&["a.bundle"], &[]);
    assert!(sent.status.success(), "{}", stderr(&sent));
    assert!(
        put_together(&desk, &desk.datagrams()) == bytes[16..],
        "the bundle arrived changed"
    );
}

#[test]
fn the_link_is_warmed_up_before_the_first_announce() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    desk.send(&["a.bundle"], &[]);
    let datagrams = desk.datagrams();
    let kinds: Vec<Kind> = datagrams
        .iter()
        .map(|datagram| Packet::parse(datagram).unwrap().header.kind)
        .filter(|kind| *kind != Kind::Heartbeat)
        .collect();
    assert!(kinds[..32].iter().all(|kind| *kind == Kind::Filler));
    assert_eq!(kinds[32], Kind::Announce);
}

#[test]
fn packet_numbers_show_every_datagram_of_all_bundles() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    desk.bundle("bb.bundle", 1000);
    desk.send(&["a.bundle", "bb.bundle"], &[]);
    let numbers: Vec<u32> = desk
        .datagrams()
        .iter()
        .map(|datagram| Packet::parse(datagram).unwrap().header.packet)
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)));
}

#[test]
fn the_last_line_says_sent_with_number_author_and_rate() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    let sent = desk.send(&["a.bundle"], &[]);
    let text = stdout(&sent);
    assert!(text.starts_with("sent  seq 1  "), "{text}");
    assert!(
        text.contains("alice@lab (claimed)  1000 B  1 file  in ") && text.contains("bit/s, "),
        "{text}"
    );
}

#[test]
fn a_bundle_sent_again_keeps_its_number_in_a_new_session() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    desk.bundle("bb.bundle", 1000);
    let first = json(&desk.send(&["a.bundle"], &["--json"]));
    let others = json(&desk.send(&["bb.bundle", "a.bundle"], &["--json"]));
    let numbers: Vec<u64> = others.iter().map(|sent| sent["seq"].as_u64().unwrap()).collect();
    assert_eq!((first[0]["seq"].as_u64(), numbers), (Some(1), vec![2, 1]));
    assert_eq!(others[1]["again"], true);
    assert_ne!(first[0]["session"], others[1]["session"]);
}

#[test]
fn announces_carry_the_number_that_the_log_has_bound() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    desk.send(&["a.bundle"], &[]);
    let datagrams = desk.datagrams();
    let announce = announces(&desk, &datagrams).next().unwrap().announce().clone();
    let entries = entries(&desk);
    let bound = entries
        .iter()
        .find(|entry| entry.event == EventKind::BundleBound)
        .unwrap();
    assert_eq!(bound.epoch_id, Some(format!("{:016x}", announce.number.epoch)));
    assert_eq!(
        (bound.seq, bound.bundle),
        (Some(announce.number.sequence), Some(announce.bundle))
    );
    assert_eq!(entries.last().unwrap().event, EventKind::BundleSent);
}

#[test]
fn a_folder_is_refused_with_the_command_that_packs_it() {
    let desk = Desk::new();
    fs::create_dir(desk.path("my src")).unwrap();
    assert_refused(
        &desk.send(&["my src"], &[]),
        2,
        &["this is a folder", "diode-pack pack 'my src' --key"],
    );
}

#[test]
fn a_send_without_a_rate_is_refused() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    let output = desk.run(&[
        "send",
        "a.bundle",
        "--to",
        "127.0.0.1:9",
        "--key",
        "link.key",
        "--state",
        "state",
    ]);
    assert_refused(&output, 2, &["no rate is set", "--rate 200M"]);
}

#[test]
fn a_rate_in_the_configuration_is_enough() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    fs::write(
        desk.path("tx.toml"),
        "rate = \"20M\"\nkey = \"link.key\"\nstate = \"state\"\n",
    )
    .unwrap();
    let output = desk.run(&["send", "a.bundle", "--config", "tx.toml", "--to", "127.0.0.1:9"]);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn an_unknown_key_in_the_configuration_is_refused() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    fs::write(desk.path("tx.toml"), "[fec]\nlosss = \"2%\"\n").unwrap();
    let output = desk.send(&["a.bundle"], &["--config", "tx.toml"]);
    assert_refused(&output, 2, &["unknown field `losss`", "tx.toml, line 2"]);
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    fs::set_permissions(desk.path("link.key"), Permissions::from_mode(0o640)).unwrap();
    assert_refused(
        &desk.send(&["a.bundle"], &[]),
        2,
        &["can be read by others", "chmod 600 link.key"],
    );
}

#[test]
fn a_bundle_that_is_not_there_is_named() {
    let desk = Desk::new();
    assert_refused(&desk.send(&["b.bundle"], &[]), 2, &["b.bundle", "no such file"]);
}

#[test]
fn a_bundle_cut_short_sends_nothing_and_costs_no_number() {
    let desk = Desk::new();
    let bytes = desk.bundle("a.bundle", 300_000);
    fs::write(desk.path("a.bundle"), &bytes[..bytes.len() - 1]).unwrap();
    assert_refused(&desk.send(&["a.bundle"], &[]), 5, &["a.bundle", "cut short", "leaf 1"]);
    assert_eq!(desk.datagrams().len(), 0);
    assert!(!desk.path("state").exists());
}

#[test]
fn a_damaged_leaf_stops_its_bundle_under_way_and_never_leaves() {
    let desk = Desk::new();
    let bytes = desk.bundle("a.bundle", 9 * LEAF_LEN as usize);
    let place = bytes.len() as u64 - 1;
    flip(&desk.path("a.bundle"), place);
    assert_refused(
        &desk.send(&["a.bundle"], &[]),
        5,
        &["a.bundle", "leaf 8", "does not match the signed index", "(seq 1)"],
    );
    let blocks: Vec<u32> = symbols(&desk.datagrams()).map(|packet| packet.header.block).collect();
    // Head and first leaf are the first group; the ninth leaf is the last block.
    assert!(
        blocks.contains(&0) && blocks.contains(&1) && !blocks.contains(&9),
        "{blocks:?}"
    );
    let last = entries(&desk).pop().unwrap();
    assert_eq!(
        (last.event, last.reason.as_deref(), last.seq),
        (EventKind::BundleStopped, Some("bundle-changed"), Some(1))
    );
    flip(&desk.path("a.bundle"), place);
    let again = json(&desk.send(&["a.bundle"], &["--json"]));
    assert_eq!(
        (again[0]["seq"].as_u64(), again[0]["again"].as_bool()),
        (Some(1), Some(true))
    );
}

#[test]
fn two_lanes_send_to_two_ports_and_each_counts_its_own_packets() {
    let desk = Desk::with_lanes(2);
    let bytes = desk.bundle("a.bundle", 600_000);
    let sent = desk.send(&["a.bundle"], &["--lanes", "2", "--json"]);
    assert!(sent.status.success(), "{}", stderr(&sent));
    let lanes = desk.datagrams_by_lane();
    for lane in &lanes {
        let numbers = lane
            .iter()
            .map(|datagram| Packet::parse(datagram).unwrap().header.packet);
        let numbers: Vec<u32> = numbers.collect();
        assert!(numbers.len() > 32 && numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)));
    }
    let datagrams = lanes.concat();
    assert!(announces(&desk, &datagrams).all(|announce| announce.announce().lanes == 2));
    assert!(
        put_together(&desk, &datagrams) == bytes[16..],
        "the bundle arrived changed"
    );
    let planned = json(&sent)[0]["datagrams"].as_u64().unwrap();
    let kind = |datagram: &&Vec<u8>| Packet::parse(datagram).unwrap().header.kind;
    let sent = datagrams
        .iter()
        .filter(|datagram| kind(datagram) != Kind::Heartbeat)
        .count();
    assert_eq!(sent as u64, planned + 2 * 32);
}

#[test]
fn many_small_bundles_each_arrive() {
    let desk = Desk::new();
    let names: Vec<String> = (1..=30).map(|at| "x".repeat(at)).collect();
    let bundles: Vec<(&str, Vec<u8>)> = names
        .iter()
        .map(|name| (name.as_str(), desk.bundle(name, 1000)))
        .collect();
    let paths: Vec<&str> = bundles.iter().map(|(name, _)| *name).collect();
    let sent = json(&desk.send(&paths, &["--json"]));
    let datagrams = desk.datagrams();
    assert_eq!(sent.len(), 30);
    for record in sent {
        let session = record["session"].as_str().unwrap();
        let ours = |datagram: &&Vec<u8>| Packet::parse(datagram).unwrap().header.session.to_string() == session;
        let ours: Vec<Vec<u8>> = datagrams.iter().filter(ours).cloned().collect();
        let (_, bytes) = bundles.iter().find(|(name, _)| record["path"] == *name).unwrap();
        assert!(put_together(&desk, &ours) == bytes[16..], "{record}");
    }
}

#[test]
fn a_bundle_that_changes_while_it_is_sent_is_stopped_and_recorded() {
    let desk = Desk::new();
    let bytes = desk.bundle("a.bundle", 8 * LEAF_LEN as usize);
    // Four seconds; the last leaves are read when half of it is over.
    let child = desk.begin(&["a.bundle"], "5M", &[]);
    desk.first_datagram();
    flip(&desk.path("a.bundle"), bytes.len() as u64 - 1);
    let output = child.wait_with_output().unwrap();
    assert_refused(&output, 5, &["leaf 7", "does not match the signed index", "(seq 1)"]);
    let last = entries(&desk).pop().unwrap();
    assert_eq!(
        (last.event, last.reason.as_deref()),
        (EventKind::BundleStopped, Some("bundle-changed"))
    );
}

#[test]
fn a_file_that_is_no_bundle_is_refused() {
    let desk = Desk::new();
    assert_refused(&desk.send(&["link.key.pub"], &[]), 5, &["no bundle", "link.key.pub"]);
}

#[test]
fn a_state_in_use_is_refused() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    desk.send(&["a.bundle"], &[]);
    let state = Disk::open(&desk.path("state")).unwrap();
    let _held = state.lock(Path::new("lock")).unwrap().unwrap();
    assert_refused(
        &desk.send(&["a.bundle"], &[]),
        1,
        &["another transmitter uses this state", "diode-tx send, process "],
    );
}

#[test]
fn a_leaf_that_no_mtu_so_small_can_carry_is_refused() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    assert_refused(
        &desk.send(&["a.bundle"], &["--mtu", "320"]),
        2,
        &["can't be sent with these settings", "--leaf-len"],
    );
    assert!(!desk.path("state").exists());
}

#[test]
fn ctrl_c_stops_the_sending_and_leaves_a_number_that_holds() {
    let desk = Desk::new();
    // Neither is small, so that the second waits for the first.
    desk.bundle("a.bundle", 1_100_000);
    desk.bundle("bb.bundle", 1_100_000);
    // A hundred datagrams a second: minutes for this bundle.
    let child = desk.begin(&["a.bundle", "bb.bundle"], "1M", &["--json"]);
    let announced = |datagram: Vec<u8>| Packet::parse(&datagram).unwrap().header.kind == Kind::Symbol;
    while !announced(desk.first_datagram()) {}
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_refused(
        &output,
        1,
        &["interrupted", "(seq 1)", "not begun  bb.bundle", "it keeps seq 1"],
    );
    let stopped = json(&output);
    assert_eq!(
        (&stopped[0]["event"], &stopped[0]["reason"]),
        (&"bundle.stopped".into(), &"interrupted".into())
    );
    assert_eq!(entries(&desk).last().unwrap().event, EventKind::BundleStopped);
    let again = json(&desk.send(&["a.bundle"], &["--json"]));
    assert_eq!(
        (again[0]["event"].as_str(), again[0]["seq"].as_u64()),
        (Some("bundle.sent"), Some(1))
    );
}

#[test]
fn a_sender_that_is_killed_leaves_a_number_that_holds() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 300_000);
    desk.bundle("bb.bundle", 1000);
    let mut child = desk.begin(&["a.bundle"], "1M", &[]);
    while Packet::parse(&desk.first_datagram()).unwrap().header.kind != Kind::Announce {}
    child.kill().unwrap();
    child.wait().unwrap();
    let others = json(&desk.send(&["bb.bundle", "a.bundle"], &["--json"]));
    let numbers: Vec<u64> = others.iter().map(|sent| sent["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [2, 1]);
}

#[test]
fn planning_foretells_a_bundle_that_is_not_there_and_touches_nothing() {
    let desk = Desk::new();
    let flags = ["--rate", "20M", "--depth", "2", "--burst", "0"];
    let planned = desk.run(&[&["plan", "--size", "10KB,1MiB", "--json"], &flags[..]].concat());
    let plan = &json(&planned)[0];
    assert_eq!((&plan["schema"], &plan["content"]["k"]), (&1.into(), &187.into()));
    assert_eq!(plan["sizes"][1]["bytes"], 1 << 20);
    let text = stdout(&desk.run(&["plan"]));
    assert!(text.contains("K 187, R ") && text.contains("1GiB "), "{text}");
    assert!(!desk.path("state").exists() && desk.datagrams().is_empty());
}

#[test]
fn inspecting_tells_what_sending_will_take_and_touches_nothing() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 600_000);
    let seen = json(&desk.run(&[
        "inspect", "a.bundle", "--rate", "20M", "--depth", "2", "--burst", "0", "--json",
    ]));
    assert_eq!(desk.datagrams().len(), 0);
    let sent = json(&desk.send(&["a.bundle"], &["--json"]));
    assert_eq!(seen[0]["datagrams"], sent[0]["datagrams"]);
    assert_eq!(seen[0]["signatures_checked"], false);
}

#[test]
fn inspecting_says_that_nobodys_signature_was_checked() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    let text = stdout(&desk.run(&["inspect", "a.bundle"]));
    assert!(
        text.contains("unproved  who signed: no signature is checked here"),
        "{text}"
    );
}

#[test]
fn a_key_is_made_for_its_owner_alone_and_never_overwritten() {
    let desk = Desk::new();
    let mode = fs::metadata(desk.path("link.key")).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o600);
    let before = fs::read(desk.path("link.key")).unwrap();
    assert_refused(&desk.run(&["keygen", "--out", "link.key"]), 2, &["link.key exists"]);
    assert_eq!(fs::read(desk.path("link.key")).unwrap(), before);
}

#[test]
fn a_bundle_that_may_not_be_read_is_refused_by_name() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    fs::set_permissions(desk.path("a.bundle"), Permissions::from_mode(0o000)).unwrap();
    let output = receiving::as_nobody(&desk, &["inspect", "a.bundle"]);
    assert_refused(&output, 2, &["can't be opened", "a.bundle", "Permission denied"]);
}
