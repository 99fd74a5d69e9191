//! The page of Python in FORMAT.md, run as it stands there: it accepts our log, and finds what was changed.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test prepares files by itself, and fails by panicking"
)]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use diode_audit::event::{Event, EventKind};
use diode_audit::log::Log;
use diode_audit::storage::Disk;
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;

const FORMAT: &str = include_str!("../FORMAT.md");

/// Whether the tools are here that a person would verify with; says so if not.
fn have_tools(test: &str) -> bool {
    let runs = |program: &str, argument: &str| {
        Command::new(program)
            .arg(argument)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let have = runs("python3", "--version") && runs("openssl", "version");
    if !have {
        eprintln!("skipped: {test}: python3 or openssl is not here");
    }
    have
}

/// A folder with a log of 600 entries and the script beside it.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::create(&folder.path().join("log"), 0o700).unwrap());
    let mut log = Log::create(disk, "plant-7/audit", SigningKey::from_seed([1; 32]), UnixMillis(1)).unwrap();
    let event = |seq| Event {
        seq: Some(seq),
        ..Event::new(EventKind::BundleRefused, UnixMillis(seq))
    };
    drop(log.append(&(1..600).map(event).collect::<Vec<_>>()).unwrap());
    log.publish().unwrap();
    let script = FORMAT
        .split("```python\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    std::fs::write(folder.path().join("verify.py"), script).unwrap();
    folder
}

fn verify(folder: &Path) -> Output {
    Command::new("python3")
        .args(["verify.py", "log", "log/log.vkey"])
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn the_documented_script_accepts_our_log() {
    if !have_tools("the_documented_script_accepts_our_log") {
        return;
    }
    let output = verify(prepared().path());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        said.starts_with("verified: plant-7/audit, 600 entries, root "),
        "{said}"
    );
}

#[test]
fn the_documented_script_finds_a_changed_byte_in_each_kind_of_file() {
    if !have_tools("the_documented_script_finds_a_changed_byte_in_each_kind_of_file") {
        return;
    }
    let folder = prepared();
    for name in ["checkpoint", "tile/entries/001", "tile/0/002.p/88", "tile/1/000.p/2"] {
        let path = folder.path().join("log").join(name);
        let bytes = std::fs::read(&path).unwrap();
        let mut changed = bytes.clone();
        // In a checkpoint, a digit of the size; elsewhere any byte.
        let place = if name == "checkpoint" {
            "plant-7/audit\n".len()
        } else {
            60
        };
        changed[place] ^= 1;
        std::fs::write(&path, changed).unwrap();
        let output = verify(folder.path());
        assert!(!output.status.success(), "{name}");
        std::fs::write(&path, bytes).unwrap();
    }
}
