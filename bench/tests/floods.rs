//! Floods of seconds; minutes by command (`bench/README.md`).

// What goes wrong in preparing a test ends it.
#![allow(
    clippy::unwrap_used,
    reason = "a test prepares files by itself, and fails by panicking"
)]

use std::process::{Command, Stdio};

/// Floods a receiver for a moment: at a rate that any machine comes to, also without optimisation.
fn flood(kind: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_diode-bench"))
        .args(["flood", kind, "--seconds", "4", "--raw", "40M", "--dir"])
        .arg(folder.path())
        .arg("--record")
        .arg(folder.path().join("campaigns.jsonl"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

#[test]
fn noise_keeps_no_bundle_from_arriving() {
    flood("random");
}

#[test]
fn symbols_of_sessions_that_nobody_announced_keep_no_bundle_from_arriving() {
    flood("unknown-sessions");
}

#[test]
fn announces_that_nobody_signed_keep_no_bundle_from_arriving() {
    flood("bad-announces");
}

#[test]
fn signed_announces_without_end_keep_no_bundle_from_arriving() {
    flood("announces");
}

#[test]
fn forged_symbols_cost_the_attacked_session_and_no_other() {
    flood("forged-symbols");
}
