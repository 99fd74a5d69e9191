//! States on a real disk: made, found, held, and refused.
#![allow(clippy::disallowed_methods)] // Tests prepare folders.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

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

fn folder() -> (tempfile::TempDir, PathBuf) {
    let above = tempfile::tempdir().unwrap();
    let dir = above.path().join("state");
    (above, dir)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn refused(dir: &Path) -> (Exit, String) {
    let complaint = Complaint::from(State::open(dir, "send", NOW, &chance(3)).unwrap_err());
    (complaint.exit(), complaint.to_string())
}

#[test]
fn the_first_use_makes_the_state_for_its_owner_alone() {
    let (_above, dir) = folder();
    assert!(State::open(&dir, "send", NOW, &chance(1)).unwrap().created);
    assert_eq!(
        [mode(&dir), mode(&dir.join("log.pem")), mode(&dir.join("log"))],
        [0o700, 0o400, 0o700]
    );
}

#[test]
fn the_second_use_finds_epoch_and_numbers_of_the_first() {
    let (_above, dir) = folder();
    let facts = Facts {
        bundle: BundleId(Digest([1; 32])),
        bytes: 1,
        files: 1,
        actor: None,
    };
    State::open(&dir, "send", NOW, &chance(1))
        .unwrap()
        .ledger
        .bind(std::slice::from_ref(&facts), NOW)
        .unwrap();
    let state = State::open(&dir, "send", NOW, &chance(2)).unwrap();
    assert_eq!((state.created, state.ledger.epoch()), (false, 1));
    assert_eq!(state.ledger.number_of(&facts.bundle), Some(1));
}

#[test]
fn a_second_transmitter_is_told_who_holds_the_state() {
    let (_above, dir) = folder();
    let _held = State::open(&dir, "send", NOW, &chance(1)).unwrap();
    assert!(matches!(
        State::open(&dir, "send", NOW, &chance(3)),
        Err(NotOpened::Held(_))
    ));
    let (exit, text) = refused(&dir);
    assert_eq!(exit, Exit::Failed);
    assert!(
        text.contains(&format!("process {}, since 2023-11-14", process::id())),
        "{text}"
    );
}

#[test]
fn a_state_is_held_as_long_as_somebody_has_it_and_looking_does_not_make_one() {
    let (_above, dir) = folder();
    assert!(holder(&dir).unwrap().is_none() && !dir.exists());
    let held = State::open(&dir, "send", NOW, &chance(1)).unwrap();
    let complaint = holder(&dir).unwrap().unwrap();
    assert!(
        complaint.to_string().contains("another transmitter uses this state"),
        "{complaint}"
    );
    drop(held);
    assert!(holder(&dir).unwrap().is_none());
}

#[test]
fn a_creation_that_was_interrupted_is_begun_again() {
    let (_above, dir) = folder();
    drop(State::open(&dir, "send", NOW, &chance(1)).unwrap());
    fs::rename(dir.join("log"), dir.join("log.new")).unwrap();
    let state = State::open(&dir, "send", NOW, &chance(2)).unwrap();
    assert_eq!((state.created, state.ledger.epoch()), (true, 2));
    assert!(!dir.join("log.new").exists());
}

#[test]
fn a_state_whose_key_is_gone_is_not_made_anew() {
    let (_above, dir) = folder();
    drop(State::open(&dir, "send", NOW, &chance(1)).unwrap());
    fs::remove_file(dir.join("log.pem")).unwrap();
    let (exit, text) = refused(&dir);
    assert_eq!(exit, Exit::Usage);
    assert!(text.contains("log.pem") && !dir.join("log.pem").exists(), "{text}");
}

#[test]
fn a_folder_that_holds_something_else_is_left_alone() {
    let (_above, dir) = folder();
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(dir.join("thesis.tex"), "x").unwrap();
    let (exit, text) = refused(&dir);
    assert_eq!(exit, Exit::Usage);
    assert!(text.contains("thesis.tex"), "{text}");
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
}

#[test]
fn a_folder_that_others_can_get_into_is_refused_with_the_mend() {
    let (_above, dir) = folder();
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o750)).unwrap();
    let (exit, text) = refused(&dir);
    assert_eq!(exit, Exit::Usage);
    assert!(text.contains(&format!("mend    chmod 700 {}", dir.display())), "{text}");
}

#[test]
fn a_changed_log_is_refused_as_such() {
    let (_above, dir) = folder();
    drop(State::open(&dir, "send", NOW, &chance(1)).unwrap());
    let checkpoint = dir.join("log/checkpoint");
    let text = fs::read_to_string(&checkpoint).unwrap();
    fs::write(
        &checkpoint,
        text.replacen("\n1\n", "\n9\n", 1).replacen("\n2\n", "\n9\n", 1),
    )
    .unwrap();
    let (exit, text) = refused(&dir);
    assert_eq!(exit, Exit::Integrity, "{text}");
}

#[test]
fn a_damaged_mark_is_told_as_damaged_and_its_mend_works() {
    let (_above, dir) = folder();
    drop(State::open(&dir, "send", NOW, &chance(1)).unwrap());
    fs::write(dir.join("mark"), [b' '; 5000]).unwrap();
    assert!(refused(&dir).1.contains("mark is damaged"));
    fs::write(dir.join("mark"), "").unwrap();
    let (exit, text) = refused(&dir);
    assert_eq!(exit, Exit::Integrity);
    assert!(text.contains("mark is damaged") && !text.contains("put back"), "{text}");
    assert!(
        text.contains(&format!("rm {}", dir.join("mark").display())) && text.contains("epoch new"),
        "{text}"
    );
    fs::remove_file(dir.join("mark")).unwrap();
    let state = State::open(&dir, "send", NOW, &chance(2)).unwrap();
    assert_eq!((state.created, state.ledger.epoch()), (false, 1));
}

#[test]
fn what_is_left_of_a_state_without_log_and_mark_is_not_made_into_a_new_one() {
    for left in ["log.pem", "beats"] {
        let (_above, dir) = folder();
        let state = State::open(&dir, "send", NOW, &chance(1)).unwrap();
        state.beats().unwrap().set_aside(NOW).unwrap();
        drop(state);
        fs::remove_dir_all(dir.join("log")).unwrap();
        for name in ["mark", "log.pem", "beats"].iter().filter(|name| **name != left) {
            fs::remove_file(dir.join(name)).unwrap();
        }
        let (exit, text) = refused(&dir);
        assert_eq!(exit, Exit::Usage);
        assert!(text.contains(&format!("left     {left}")), "{text}");
        assert!(text.contains("log is missing") && text.contains("epoch new"), "{text}");
        assert!(!dir.join("log").exists() && !dir.join("mark").exists());
    }
}

#[test]
fn a_creation_that_ended_after_the_mark_or_the_key_is_begun_again() {
    for key_is_there in [false, true] {
        let (_above, dir) = folder();
        let disk = Disk::create(&dir, 0o700).unwrap();
        if key_is_there {
            make_key(&disk, &dir, &chance(1)).unwrap();
        } else {
            Mark::new(1).write(&disk).unwrap();
        }
        let state = State::open(&dir, "send", NOW, &chance(2)).unwrap();
        assert_eq!((state.created, state.ledger.epoch()), (true, 2));
    }
}

#[test]
fn a_damaged_counter_is_told_with_its_mend() {
    let (_above, dir) = folder();
    drop(State::open(&dir, "send", NOW, &chance(1)).unwrap());
    fs::write(dir.join("beats"), "{}").unwrap();
    let (exit, text) = refused(&dir);
    assert_eq!(exit, Exit::Integrity);
    assert!(text.contains("counter is damaged") && text.contains("rm "), "{text}");
    fs::remove_file(dir.join("beats")).unwrap();
    assert!(!State::open(&dir, "send", NOW, &chance(2)).unwrap().created);
}
