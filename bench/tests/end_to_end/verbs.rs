//! The verbs of `diode-bench` itself.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

fn bench(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_diode-bench"));
    command.args(args).stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    bench(args).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Processes whose command line names `folder`.
fn processes_of(folder: &Path) -> Vec<String> {
    let name = folder.to_str().unwrap();
    let ids = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = ids.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(name))
        .collect()
}

#[test]
fn the_demo_holds_with_a_folder_of_choice() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, out) = (parent.path().join("notes"), parent.path().join("out"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("notes.md"), "# Notes\n").unwrap();
    let output = run(&[
        "demo",
        "--dir",
        folder.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--seed",
        "7",
    ]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for word in [
        "seed 7",
        "notes was released byte for byte",
        "untrusted-signer",
        "leaf-mismatch",
        "content-root",
    ] {
        assert!(said.contains(word), "{word} is missing in\n{said}");
    }
    assert!(!said.contains('\u{1b}'), "colour without a terminal");
    assert_eq!(processes_of(&out), [""; 0]);
}

#[test]
fn a_folder_that_policy_holds_is_a_valid_ending_of_the_demo() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, out) = (parent.path().join("blobs"), parent.path().join("out"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("blob.bin"), crate::pair::random(500)).unwrap();
    std::os::unix::fs::symlink("blob.bin", folder.join("link")).unwrap();
    let (folder, out) = (folder.to_str().unwrap(), out.to_str().unwrap());
    let output = run(&[
        "demo",
        "--dir",
        folder,
        "--exclude",
        "link",
        "--out",
        out,
        "--seed",
        "7",
    ]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("blobs is HELD"), "{said}");
}

#[test]
fn a_demo_that_is_interrupted_leaves_no_process_behind() {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    let mut demo = bench(&["demo", "--out", out.to_str().unwrap(), "--rate", "1M"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    // All of it is up once something was packed.
    lines
        .by_ref()
        .map(Result::unwrap)
        .find(|line| line.contains("packed"))
        .unwrap();
    assert!(!processes_of(&out).is_empty());
    kill_process(Pid::from_child(&demo), Signal::INT).unwrap();
    let rest: Vec<_> = lines.map(Result::unwrap).collect();
    assert_eq!(demo.wait().unwrap().code(), Some(1), "{rest:?}");
    assert_eq!(processes_of(&out), [""; 0]);
}

#[test]
fn a_demo_in_a_folder_that_is_there_is_refused() {
    let there = tempfile::tempdir().unwrap();
    let output = run(&["demo", "--out", there.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn many_small_files_are_measured_and_arrive_identical() {
    let output = run(&[
        "transfer",
        "--files",
        "200",
        "--file-size",
        "2KiB",
        "--loss",
        "5%",
        "--rate",
        "50M",
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&json["identical"], &json["files"], &json["bytes"]),
        (&true.into(), &200.into(), &409_600.into())
    );
    for measured in ["loss_ppm", "rx_peak_kib", "tx_peak_kib", "goodput_bps", "blocks"] {
        assert!(json[measured].as_u64() > Some(0), "{measured}: {json}");
    }
}

/// Measures into a file in `folder`, and gives what it says and its path.
fn measured(folder: &Path, args: &[&str]) -> (serde_json::Value, String) {
    let (out, plot) = (folder.join("out.json"), folder.join("out.svg"));
    let files = ["--out", out.to_str().unwrap(), "--plot", plot.to_str().unwrap()];
    let output = run(&[args, &files[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(std::fs::read_to_string(plot).unwrap().starts_with("<svg"));
    let json = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    (json, out.to_str().unwrap().to_owned())
}

fn figure<'a>(record: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    let figures = record["figures"].as_array().unwrap();
    let found = figures.iter().find(|figure| figure["name"] == name);
    found.unwrap_or_else(|| panic!("no figure {name} in {record:#}"))
}

#[test]
fn bare_sockets_are_measured_and_a_record_compares_with_itself_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (record, file) = measured(folder.path(), &["raw", "--seconds", "0.05", "--runs", "2"]);
    assert_eq!((&record["format"], &record["kind"]), (&1.into(), &"raw".into()));
    assert_eq!(figure(&record, "plain received")["values"].as_array().unwrap().len(), 2);

    let output = run(&["compare", &file, &file, "--tolerance", "1%"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let other = folder.path().join("other.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&other, text.replace("\"cpu\": \"", "\"cpu\": \"Another ")).unwrap();
    let output = run(&["compare", &file, other.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("cpu: "), "{}", said(&output));
    std::fs::write(&other, "{}").unwrap();
    let output = run(&["compare", &file, other.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn the_pair_is_measured_beside_bare_sockets_and_leaves_nothing_behind() {
    let (folder, spool) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    let spool_path = spool.path().to_str().unwrap();
    let (record, _) = measured(
        folder.path(),
        &[
            "link",
            "--files",
            "20",
            "--file-size",
            "50KiB",
            "--bundles",
            "2",
            "--loss",
            "1%",
            "--rate",
            "50M",
            "--runs",
            "1",
            "--raw-seconds",
            "0.05",
            "--spool",
            spool_path,
            "--dir",
            work.to_str().unwrap(),
        ],
    );
    for name in [
        "goodput",
        "goodput / raw, plain",
        "tx CPU",
        "rx CPU, socket",
        "rx memory, peak",
        "lost to the simulated link",
    ] {
        assert!(
            figure(&record, name)["median"].as_f64() > Some(0.0),
            "{name}: {record:#}"
        );
    }
    for folder in [spool.path(), &work] {
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "{}", folder.display());
        assert_eq!(processes_of(folder), [""; 0]);
    }
}
