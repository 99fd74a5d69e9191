//! Released files compared with what was signed.
#![allow(clippy::disallowed_methods)] // The tests change the disk from outside.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit::storage::Disk;
use diode_scanner::quarantine::{Differs, Quarantine, TreeState};
use tempfile::TempDir;

use crate::support::*;

/// A quarantine that released the sample, and where its files are.
fn with_released() -> (Quarantine, PathBuf, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let quarantine = Quarantine::create(Arc::new(Disk::open(folder.path()).unwrap())).unwrap();
    let mut ledger = Ledger::new();
    let held = admit(&quarantine, &mut ledger, &sample());
    release(&quarantine, &mut ledger, held).unwrap();
    let root = folder.path().join(format!("released/{}", sample().id));
    make_writable(&root);
    (quarantine, root, folder)
}

/// What an operator can do who may change released files.
fn make_writable(path: &Path) {
    let mode = if path.is_dir() { 0o700 } else { 0o600 };
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            make_writable(&entry.unwrap().path());
        }
    }
}

fn compared(quarantine: &Quarantine) -> TreeState {
    let stored = quarantine.open_released(sample().id).unwrap();
    let statement = stored.unverified().unwrap().statement;
    quarantine.compare_released(sample().id, &statement).unwrap()
}

/// The first file of the sample.
fn first() -> String {
    let folder = tempfile::tempdir().unwrap();
    let quarantine = Quarantine::create(Arc::new(Disk::open(folder.path()).unwrap())).unwrap();
    let held = admit(&quarantine, &mut Ledger::new(), &sample());
    let files = held.stored().unverified().unwrap().statement.files;
    files[0].path.as_str().to_owned()
}

#[test]
fn what_is_as_it_was_released_differs_in_nothing() {
    let (quarantine, _root, _folder) = with_released();
    assert_eq!(compared(&quarantine), TreeState::There(Vec::new()));
}

#[test]
fn a_file_that_was_changed_cut_removed_or_made_a_link_is_named() {
    for (change, expected) in [
        (
            (|path: &Path| {
                let mut bytes = fs::read(path).unwrap();
                bytes.push(b'x');
                fs::write(path, bytes).unwrap();
            }) as fn(&Path),
            Differs::Changed(first()),
        ),
        (|path| fs::write(path, "").unwrap(), Differs::Changed(first())),
        (|path| fs::remove_file(path).unwrap(), Differs::Missing(first())),
        (
            |path| {
                let moved = path.with_file_name(".moved-away");
                fs::rename(path, &moved).unwrap();
                symlink(&moved, path).unwrap();
                fs::remove_file(moved).unwrap();
            },
            Differs::Missing(first()),
        ),
    ] {
        let (quarantine, root, _folder) = with_released();
        change(&root.join(first()));
        assert_eq!(compared(&quarantine), TreeState::There(vec![expected]));
    }
}

#[test]
fn what_nobody_signed_is_named_once() {
    let (quarantine, root, _folder) = with_released();
    fs::create_dir(root.join("more")).unwrap();
    fs::write(root.join("more/a.py"), "x = 1\n").unwrap();
    assert_eq!(
        compared(&quarantine),
        TreeState::There(vec![Differs::Added("more".to_owned())])
    );
}

#[test]
fn files_that_were_taken_away_are_gone_and_not_missing() {
    let (quarantine, root, folder) = with_released();
    fs::rename(&root, folder.path().join("taken")).unwrap();
    assert_eq!(compared(&quarantine), TreeState::Gone);
}
