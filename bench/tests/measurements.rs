//! The measuring verbs as they are used, in small: each works from end to end, and its record says what it promises.

// What goes wrong in preparing a test ends it.
#![allow(
    clippy::unwrap_used,
    reason = "a test starts programs by itself, and fails by panicking"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

fn bench(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_diode-bench"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs a measurement with its folders below `folder`, and reads its record.
fn measured(folder: &TempDir, args: &[&str]) -> Value {
    let folder = folder.path().to_str().unwrap();
    let output = bench(args)
        .args(["--dir", folder, "--spool", folder, "--json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The median of a record's figure.
fn median(record: &Value, name: &str) -> f64 {
    let figures = record["figures"].as_array().unwrap();
    let figure = figures.iter().find(|figure| figure["name"] == name);
    figure.unwrap_or_else(|| panic!("no {name:?} in {record}"))["median"]
        .as_f64()
        .unwrap()
}

#[test]
fn a_link_that_loses_is_measured_with_its_losses_by_place() {
    let folder = tempfile::tempdir().unwrap();
    let record = measured(
        &folder,
        &[
            "link",
            "--size",
            "2MiB",
            "--loss",
            "2%",
            "--rate",
            "100M",
            "--runs",
            "1",
            "--raw-seconds",
            "0.05",
        ],
    );
    assert!(median(&record, "goodput") > 0.0 && median(&record, "goodput / raw, plain") > 0.0);
    assert!(median(&record, "lost to the simulated link") > 10.0);
    assert_eq!(record["options"]["K"], "187");
}

#[test]
fn bundles_on_a_disk_are_measured_to_the_record() {
    let (folder, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let disk = disk.path().to_str().unwrap();
    let shape = ["link", "--bundles", "3", "--file-size", "10KiB", "--rate", "50M"];
    let runs = [
        "--runs",
        "1",
        "--raw-seconds",
        "0.05",
        "--disk",
        disk,
        "--disk-runs",
        "1",
    ];
    let record = measured(&folder, &[&shape[..], &runs].concat());
    assert!(median(&record, "disk: bundles to admitted") > 0.0);
    let (complete, admitted) = ("disk: first datagram to complete", "disk: first datagram to admitted");
    assert!(median(&record, complete) <= median(&record, admitted));
}

#[test]
fn a_bundle_survives_the_burst_that_was_provided_for() {
    let folder = tempfile::tempdir().unwrap();
    let record = measured(
        &folder,
        &[
            "bursts", "--size", "20KiB", "--places", "2", "--burst", "100", "--rate", "50M",
        ],
    );
    assert_eq!(median(&record, "20.0 KiB: survived"), 2.0);
    assert_eq!(median(&record, "20.0 KiB: datagrams lost"), 100.0);
}

#[test]
fn a_code_is_measured_beside_the_crate() {
    let args = [
        "fec",
        "--k",
        "20",
        "--repair",
        "5",
        "--symbol",
        "64",
        "--runs",
        "1",
        "--seconds",
        "0.001",
        "--json",
    ];
    let output = bench(&args).output().unwrap();
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(median(&record, "encode, raptorq crate") > 0.0);
    assert!(median(&record, "decode, portable / crate") > 0.0);
}

/// A scenario of one small run over loopback.
fn scenario(folder: &Path) -> String {
    // Free now, and as good as sure to be free in a moment.
    let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let text = format!(
        "role = \"rx\"\nto = \"{port}\"\nlisten = \"{port}\"\nrate = \"50M\"\nfiles = 2\nbundles = 2\nruns = 1\n\
         start_after_s = 0\nspool = {folder:?}\n"
    );
    let path = folder.join("scenario.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn two_ends_of_a_scenario_each_leave_a_record_that_compare_reads() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario(folder.path());
    let [rx_record, tx_record] = ["rx.json", "tx.json"].map(|name| folder.path().join(name).display().to_string());
    let mut rx = bench(&["pair", &scenario, "--out", &rx_record])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(rx.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.contains("listens at"), "{line}");
    let tx = bench(&["pair", &scenario, "--role", "tx", "--out", &tx_record])
        .output()
        .unwrap();
    assert!(tx.status.success(), "{}", String::from_utf8_lossy(&tx.stderr));
    said.read_to_string(&mut line).unwrap();
    assert!(rx.wait().unwrap().success(), "{line}");
    let read = |path: &str| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
    assert!(median(&read(&rx_record), "goodput") > 0.0);
    assert!(median(&read(&tx_record), "datagrams sent") > 0.0);
    assert!(
        bench(&["compare", &rx_record, &rx_record])
            .output()
            .unwrap()
            .status
            .success()
    );
    let ends = bench(&["compare", &rx_record, &tx_record]).output().unwrap();
    assert_eq!(
        ends.status.code(),
        Some(1),
        "the two ends are no two measurements of one thing"
    );
}
