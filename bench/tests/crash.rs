//! Kills and failing system calls, some dozens of each; thousands by command (`bench/README.md`).

// What goes wrong in preparing a test ends it.
#![allow(
    clippy::unwrap_used,
    reason = "a test prepares files by itself, and fails by panicking"
)]

use std::process::{Command, Stdio};

use diode_bench::drive::has_strace;
use serde_json::Value;

/// Runs `diode-bench crash` with these arguments in a folder of its own, and gives the line that it leaves in the record.
fn crash(args: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("campaigns.jsonl");
    let output = Command::new(env!("CARGO_BIN_EXE_diode-bench"))
        .arg("crash")
        .args(args)
        .arg("--dir")
        .arg(folder.path())
        .arg("--record")
        .arg(&record)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let line = std::fs::read_to_string(record).unwrap();
    serde_json::from_str(&line).unwrap()
}

#[test]
fn a_receiver_that_is_killed_at_any_moment_loses_doubles_and_changes_nothing() {
    let record = crash(&["rx", "--rounds", "12"]);
    assert_eq!(
        (&record["campaign"], &record["rounds"]),
        (&"crash rx".into(), &12.into())
    );
    assert!(record["kills"].as_u64() >= Some(8), "{record}");
}

#[test]
fn a_transmitter_that_is_killed_at_any_moment_gives_no_number_twice() {
    let record = crash(&["tx", "--rounds", "12"]);
    assert_eq!(
        (&record["campaign"], &record["rounds"]),
        (&"crash tx".into(), &12.into())
    );
    assert!(record["kills"].as_u64() >= Some(4), "{record}");
}

#[test]
fn a_receiver_whose_disk_fails_refuses_with_a_reason_and_loses_nothing() {
    if !has_strace() {
        eprintln!("skipped: there is no strace");
        return;
    }
    let record = crash(&["faults", "--side", "rx", "--rounds", "24"]);
    assert!(record["ended"].as_u64() >= Some(1), "{record}");
}

#[test]
fn a_transmitter_whose_disk_fails_says_so_and_gives_no_number_twice() {
    if !has_strace() {
        eprintln!("skipped: there is no strace");
        return;
    }
    let record = crash(&["faults", "--side", "tx", "--rounds", "24"]);
    assert!(record["ended"].as_u64() >= Some(1), "{record}");
}
