//! `diode-audit` as a person runs it: what it says, and its exit codes.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test prepares files by itself, and fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use diode_audit::event::{Event, EventKind};
use diode_audit::log::Log;
use diode_audit::storage::Disk;
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;

/// A log of five entries in a folder of its own; the last has text from outside in it.
struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(Disk::create(&folder.path().join("log"), 0o700).unwrap());
        let mut log = Log::create(disk, "plant-7/audit", SigningKey::from_seed([1; 32]), at(0)).unwrap();
        let mut events: Vec<_> = (1..4)
            .map(|seq| Event {
                seq: Some(seq),
                ..Event::new(EventKind::BundleSent, at(seq))
            })
            .collect();
        let detail = Some("said \u{1b}[2J and \u{202e}".to_owned());
        events.push(Event {
            detail,
            ..Event::new(EventKind::LinkSilent, at(4))
        });
        drop(log.append(&events).unwrap());
        log.publish().unwrap();
        Self { folder }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn flip(&self, name: &str, place: usize) {
        let path = self.log().join(name);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[place] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
}

fn at(seconds: u64) -> UnixMillis {
    UnixMillis(1_795_340_467_000 + seconds * 1000)
}

fn run(args: &[&str], dir: &Path) -> Output {
    let program = env!("CARGO_BIN_EXE_diode-audit");
    Command::new(program)
        .args(args)
        .arg(dir)
        .env("TZ", "UTC")
        .env_remove("NO_COLOR")
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_whole_log_verifies_and_says_what_its_own_key_cannot_prove() {
    let output = run(&["verify"], &Fixture::new().log());
    assert_eq!(code(&output), 0, "{}", err(&output));
    let said = out(&output);
    assert!(said.contains("log       plant-7/audit\n"), "{said}");
    assert!(
        said.contains("this proves that the log is consistent, not whose it is"),
        "{said}"
    );
    assert!(
        said.contains("verified  5 entries, 4 tile files, the checkpoint's signature\n"),
        "{said}"
    );
    assert!(
        said.contains("wal       agrees; 0 entries not published yet\n"),
        "{said}"
    );
}

#[test]
fn a_key_from_elsewhere_is_named_as_such() {
    let fixture = Fixture::new();
    let key = fixture.folder.path().join("carried.vkey");
    std::fs::copy(fixture.log().join("log.vkey"), &key).unwrap();
    let output = run(&["verify", "--vkey", key.to_str().unwrap()], &fixture.log());
    assert_eq!(code(&output), 0);
    assert!(out(&output).contains(&format!("from {}", key.display())) && !out(&output).contains("not whose it is"));
}

#[test]
fn the_outcome_as_json_says_where_the_key_came_from() {
    let output = run(&["verify", "--json"], &Fixture::new().log());
    let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&outcome["schema"], &outcome["size"]), (&1.into(), &5.into()));
    assert_eq!(
        (&outcome["verified"], &outcome["key_from_elsewhere"]),
        (&true.into(), &false.into())
    );
}

#[test]
fn a_changed_entry_exits_5_and_is_named() {
    let fixture = Fixture::new();
    fixture.flip("tile/entries/000.p/5", 200);
    let output = run(&["verify"], &fixture.log());
    assert_eq!(code(&output), 5);
    assert!(
        err(&output)
            .starts_with("error: entry 1 was changed or damaged: tile/entries/000.p/5 and tile/0/000.p/5 disagree"),
        "{}",
        err(&output)
    );
}

#[test]
fn the_key_of_another_log_exits_5() {
    let (fixture, other) = (Fixture::new(), tempfile::tempdir().unwrap());
    let disk = Arc::new(Disk::open(other.path()).unwrap());
    drop(Log::create(disk, "plant-7/audit", SigningKey::from_seed([2; 32]), at(0)).unwrap());
    let key = other.path().join("log.vkey");
    let output = run(&["verify", "--vkey", key.to_str().unwrap()], &fixture.log());
    assert_eq!(code(&output), 5);
    assert!(err(&output).contains("checkpoint is not valid"), "{}", err(&output));
}

#[test]
fn a_key_file_that_is_none_exits_2_and_is_named() {
    let fixture = Fixture::new();
    let key = fixture.folder.path().join("no.vkey");
    std::fs::write(&key, "not a key").unwrap();
    let output = run(&["verify", "--vkey", key.to_str().unwrap()], &fixture.log());
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("no.vkey: not a log key"), "{}", err(&output));
}

#[test]
fn a_folder_without_a_log_exits_2() {
    let folder = tempfile::tempdir().unwrap();
    for verb in ["verify", "show"] {
        for dir in [folder.path().to_owned(), folder.path().join("absent")] {
            assert_eq!(code(&run(&[verb], &dir)), 2, "{verb} {}", dir.display());
        }
    }
}

#[test]
fn a_missing_checkpoint_exits_5() {
    let fixture = Fixture::new();
    std::fs::remove_file(fixture.log().join("checkpoint")).unwrap();
    let output = run(&["verify"], &fixture.log());
    assert_eq!(code(&output), 5);
    assert!(err(&output).contains("checkpoint is missing"), "{}", err(&output));
}

#[test]
fn an_unknown_verb_exits_2_and_help_exits_0() {
    let nowhere = Path::new("x");
    assert_eq!(code(&run(&["prove"], nowhere)), 2);
    let help = run(&["verify", "--help"], nowhere);
    assert_eq!(code(&help), 0);
    assert!(
        out(&help).contains("Example:\n  diode-audit verify /var/lib/diode/log"),
        "{}",
        out(&help)
    );
}

#[test]
fn show_prints_a_line_an_event_and_nothing_that_moves_the_cursor() {
    let output = run(&["show"], &Fixture::new().log());
    assert_eq!(code(&output), 0);
    let said = out(&output);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[1], "2026-11-22 09:41:08  seq 1   SENT      —");
    assert_eq!(
        lines[4],
        "2026-11-22 09:41:11  link    SILENT    said \\u{1b}[2J and \\u{202e}"
    );
}

#[test]
fn show_with_a_number_prints_the_last_ones() {
    let output = run(&["show", "-n", "2", "--json"], &Fixture::new().log());
    let lines: Vec<serde_json::Value> = out(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let indices: Vec<_> = lines.iter().map(|line| line["log_index"].as_u64().unwrap()).collect();
    assert_eq!((indices, &lines[1]["event"]), (vec![3, 4], &"link.silent".into()));
}

#[test]
fn show_of_a_changed_entry_exits_5() {
    let fixture = Fixture::new();
    fixture.flip("tile/entries/000.p/5", 200);
    assert_eq!(code(&run(&["show"], &fixture.log())), 5);
}

#[test]
fn a_folder_moved_behind_a_link_is_found_and_a_link_inside_it_is_not_followed() {
    let fixture = Fixture::new();
    let link = fixture.folder.path().join("link");
    std::os::unix::fs::symlink(fixture.log(), &link).unwrap();
    assert_eq!(code(&run(&["verify"], &link)), 0);
    let tile = fixture.log().join("tile/0/000.p/5");
    std::fs::rename(&tile, fixture.folder.path().join("moved")).unwrap();
    std::os::unix::fs::symlink(fixture.folder.path().join("moved"), &tile).unwrap();
    assert_eq!(code(&run(&["verify"], &link)), 5);
}

#[test]
fn a_full_disk_behind_standard_output_is_told_as_that() {
    let fixture = Fixture::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_diode-audit"))
        .arg("show")
        .arg(fixture.log())
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains("standard output"), "{}", err(&output));
}
