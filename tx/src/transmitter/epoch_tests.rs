//! States put back from a backup, and new epochs, on a real disk.
#![allow(clippy::disallowed_methods)] // Tests prepare folders.

use std::fs;

use protocol::digest::{BundleId, Digest};

use super::*;
use crate::complaint::Exit;
use crate::transmitter::ledger::Facts;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

fn chance(epoch: u64) -> Chance {
    Chance {
        epoch,
        log_key: SigningKey::from_seed([epoch as u8; 32]),
    }
}

fn opened(dir: &Path) -> Result<State, Complaint> {
    State::open(dir, "send", NOW, &chance(9)).map_err(Complaint::from)
}

/// Gives a number to a bundle and publishes.
fn bind(dir: &Path, byte: u8) -> u64 {
    let mut state = opened(dir).unwrap();
    let facts = Facts {
        bundle: BundleId(Digest([byte; 32])),
        bytes: 1,
        files: 1,
        actor: None,
    };
    let bound = state.ledger.bind(&[facts], NOW).unwrap();
    state.publish().unwrap();
    bound[0].number().sequence
}

/// A state that has given one number, of which a copy of the log was made, and then another.
fn copied_in_between() -> (tempfile::TempDir, PathBuf) {
    let above = tempfile::tempdir().unwrap();
    let dir = above.path().join("state");
    assert_eq!(bind(&dir, 1), 1);
    copy(&dir.join("log"), &above.path().join("backup"));
    assert_eq!(bind(&dir, 2), 2);
    (above, dir)
}

/// Copies a folder. Not by another program: what is forked beside a test holds its locks for a moment, too.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

fn put_back(above: &Path, dir: &Path) {
    fs::rename(dir.join("log"), above.join("newest")).unwrap();
    fs::rename(above.join("backup"), dir.join("log")).unwrap();
}

#[test]
fn a_log_that_was_put_back_from_a_backup_gives_out_no_number_until_the_newest_is_back() {
    let (above, dir) = copied_in_between();
    put_back(above.path(), &dir);
    let complaint = opened(&dir).unwrap_err();
    assert_eq!(complaint.exit(), Exit::Integrity);
    for part in [
        "numbers up to 1, and numbers up to 2 were given",
        "diode-tx epoch new --state",
    ] {
        assert!(complaint.to_string().contains(part), "{complaint}");
    }
    fs::rename(dir.join("log"), above.path().join("backup")).unwrap();
    fs::rename(above.path().join("newest"), dir.join("log")).unwrap();
    assert_eq!(bind(&dir, 3), 3);
}

#[test]
fn a_new_epoch_begins_with_number_1_and_says_why_and_keeps_the_log_before() {
    let (above, dir) = copied_in_between();
    put_back(above.path(), &dir);
    let (epoch, before) = renew(&dir, "disk replaced", NOW, &chance(4)).unwrap();
    assert_eq!(epoch, 4);
    assert!(before.join("log/checkpoint").exists() && before.join("log.pem").exists());
    assert_eq!(bind(&dir, 3), 1);
    let log = Disk::open(&dir.join("log")).unwrap();
    let entries = audit::log::LogReader::open(std::sync::Arc::new(log))
        .unwrap()
        .read(0, 10)
        .unwrap();
    let noted = |entry: &audit::event::Event| entry.detail.as_deref() == Some("disk replaced") && entry.path.is_some();
    assert!(entries.iter().any(|(_, entry)| noted(entry)), "{entries:?}");
}

#[test]
fn a_log_of_another_epoch_than_its_marks_is_refused() {
    let (_above, dir) = copied_in_between();
    let (_, before) = renew(&dir, "a reason", NOW, &chance(4)).unwrap();
    fs::rename(dir.join("log"), dir.join("old-other")).unwrap();
    for name in ["log", "log.pem"] {
        fs::rename(before.join(name), dir.join(name)).unwrap();
    }
    let complaint = opened(&dir).unwrap_err();
    assert_eq!(complaint.exit(), Exit::Integrity);
    assert!(
        complaint.to_string().contains("the mark beside it of epoch"),
        "{complaint}"
    );
}

#[test]
fn an_interrupted_beginning_is_completed_by_the_next_start() {
    let (_above, dir) = copied_in_between();
    Mark::new(4).write(&Disk::open(&dir).unwrap()).unwrap();
    assert_eq!(opened(&dir).unwrap_err().exit(), Exit::Integrity);
    fs::create_dir(dir.join("old-1")).unwrap();
    fs::rename(dir.join("log"), dir.join("old-1/log")).unwrap();
    let state = opened(&dir).unwrap();
    assert!(state.created);
    assert_eq!(state.ledger.epoch(), 9);
}

#[test]
fn a_state_whose_log_is_gone_is_not_made_anew_but_by_a_new_epoch() {
    let (above, dir) = copied_in_between();
    fs::rename(dir.join("log"), above.path().join("lost")).unwrap();
    let complaint = opened(&dir).unwrap_err();
    assert_eq!(complaint.exit(), Exit::Usage);
    assert!(
        complaint.to_string().contains("audit log is missing") && !dir.join("log").exists(),
        "{complaint}"
    );
    renew(&dir, "the log is lost", NOW, &chance(4)).unwrap();
    assert_eq!(bind(&dir, 3), 1);
}

#[test]
fn an_epoch_begins_only_where_there_is_a_state_and_nobody_has_it() {
    let above = tempfile::tempdir().unwrap();
    let empty = renew(above.path(), "", NOW, &chance(4)).unwrap_err();
    assert_eq!(empty.exit(), Exit::Usage);
    assert_eq!(fs::read_dir(above.path()).unwrap().count(), 0);
    let dir = above.path().join("state");
    let _held = opened(&dir).unwrap();
    let held = renew(&dir, "", NOW, &chance(4)).unwrap_err();
    assert_eq!(held.exit(), Exit::Failed);
}

#[test]
fn a_new_epoch_begins_also_from_what_is_left_or_damaged() {
    for spoil in [
        (|dir: &Path| {
            fs::remove_dir_all(dir.join("log")).unwrap();
            fs::remove_file(dir.join("mark")).unwrap();
        }) as fn(&Path),
        |dir| fs::write(dir.join("mark"), "").unwrap(),
        |dir| fs::write(dir.join("beats"), "").unwrap(),
    ] {
        let (_above, dir) = copied_in_between();
        spoil(&dir);
        opened(&dir).unwrap_err();
        renew(&dir, "a reason", NOW, &chance(4)).unwrap();
        assert_eq!(bind(&dir, 3), 1);
    }
}
