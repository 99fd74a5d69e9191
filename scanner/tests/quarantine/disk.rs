//! On a real disk: modes, folders that are open to others, and links that somebody laid.
#![allow(clippy::disallowed_methods)] // The tests look at the disk from outside.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;

use audit::storage::Disk;
use diode_scanner::quarantine::{Alarm, FolderFault, Quarantine, QuarantineError, Recorded};
use tempfile::TempDir;

use crate::support::*;

fn quarantine() -> (Quarantine, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let quarantine = Quarantine::create(Arc::new(Disk::open(folder.path()).unwrap())).unwrap();
    (quarantine, folder)
}

fn reopen(folder: &TempDir) -> Result<Quarantine, QuarantineError> {
    Quarantine::open(Arc::new(Disk::open(folder.path()).unwrap()))
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn every_folder_is_the_owners_alone() {
    let (_, folder) = quarantine();
    for name in ["spool", "held", "released", "rejected", "originals", "reports"] {
        assert_eq!(mode(&folder.path().join(name)), 0o700, "{name}");
    }
}

#[test]
fn making_a_quarantine_again_changes_nothing() {
    let (quarantine, folder) = quarantine();
    drop(admit(&quarantine, &mut Ledger::new(), &sample()));
    let again = Quarantine::create(Arc::new(Disk::open(folder.path()).unwrap())).unwrap();
    assert!(again.open_held(sample().id).is_ok());
}

#[test]
fn a_folder_that_others_may_enter_is_refused_with_the_mend() {
    let (_, folder) = quarantine();
    set_mode(&folder.path().join("held"), 0o750);
    let error = reopen(&folder).unwrap_err();
    assert!(matches!(
        error,
        QuarantineError::Folder {
            fault: FolderFault::Open { mode: 0o750 },
            ..
        }
    ));
    assert_eq!(error.mend(), "chmod 700 held");
}

#[test]
fn readers_may_be_let_to_what_was_released_but_no_writers() {
    let (_, folder) = quarantine();
    set_mode(&folder.path().join("released"), 0o755);
    assert!(reopen(&folder).is_ok());
    set_mode(&folder.path().join("released"), 0o775);
    let error = reopen(&folder).unwrap_err();
    assert!(matches!(
        error,
        QuarantineError::Folder {
            fault: FolderFault::Writable { .. },
            ..
        }
    ));
}

#[test]
fn a_missing_folder_is_named() {
    let (_, folder) = quarantine();
    fs::remove_dir(folder.path().join("originals")).unwrap();
    let error = reopen(&folder).unwrap_err();
    assert_eq!(error.to_string(), "quarantine: folder originals is missing");
}

#[test]
fn a_link_in_place_of_a_folder_is_refused() {
    let (_, folder) = quarantine();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::remove_dir(folder.path().join("released")).unwrap();
    symlink(elsewhere.path(), folder.path().join("released")).unwrap();
    let error = reopen(&folder).unwrap_err();
    assert!(matches!(
        error,
        QuarantineError::Folder {
            fault: FolderFault::NotAFolder,
            ..
        }
    ));
}

#[test]
fn a_part_is_the_owners_and_a_complete_bundle_read_only() {
    let (quarantine, folder) = quarantine();
    let part = quarantine.begin(SESSION, 100).unwrap();
    assert_eq!(mode(&folder.path().join("spool/0000000000000007.part")), 0o600);
    part.discard();
    let held = admit(&quarantine, &mut Ledger::new(), &sample());
    assert_eq!(mode(&folder.path().join(held.stored().path())), 0o400);
    assert_eq!(
        mode(&folder.path().join(format!("reports/{}.json", sample().id))),
        0o400
    );
}

#[test]
fn a_spool_file_takes_no_room_before_it_is_filled() {
    use std::os::unix::fs::MetadataExt as _;
    let (quarantine, folder) = quarantine();
    let _part = quarantine.begin(SESSION, 100 << 20).unwrap();
    let found = fs::metadata(folder.path().join("spool/0000000000000007.part")).unwrap();
    assert!(found.blocks() * 512 < 1 << 20);
}

#[test]
fn released_files_have_the_signed_bytes_and_modes_that_nobody_can_write() {
    let (quarantine, folder) = quarantine();
    let mut ledger = Ledger::new();
    let held = admit(&quarantine, &mut ledger, &sample());
    let released = release(&quarantine, &mut ledger, held).unwrap();
    let root = folder.path().join(released.path());
    for (path, bytes, executable) in sample().files {
        assert_eq!(fs::read(root.join(&path)).unwrap(), bytes);
        assert_eq!(
            mode(&root.join(&path)),
            if executable { 0o555 } else { 0o444 },
            "{path}"
        );
    }
    for path in ["", "a", "a/deep", "a/deep/er", "a-b"] {
        assert_eq!(mode(&root.join(path)), 0o755, "{path}");
    }
}

#[test]
fn a_link_where_the_tree_is_written_is_removed_and_never_followed() {
    let (quarantine, folder) = quarantine();
    let mut ledger = Ledger::new();
    let held = admit(&quarantine, &mut ledger, &sample());
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("keep"), b"kept").unwrap();
    symlink(
        elsewhere.path(),
        folder.path().join(format!("released/.tmp-{}", sample().id)),
    )
    .unwrap();
    let released = release(&quarantine, &mut ledger, held).unwrap();
    assert!(
        fs::symlink_metadata(folder.path().join(released.path()))
            .unwrap()
            .is_dir()
    );
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
}

#[test]
fn a_link_under_the_final_name_bars_the_release() {
    let (quarantine, folder) = quarantine();
    let mut ledger = Ledger::new();
    let held = admit(&quarantine, &mut ledger, &sample());
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(
        elsewhere.path(),
        folder.path().join(format!("released/{}", sample().id)),
    )
    .unwrap();
    assert!(release(&quarantine, &mut ledger, held).is_err());
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn a_link_in_place_of_a_held_bundle_is_not_read() {
    let (quarantine, folder) = quarantine();
    let held = admit(&quarantine, &mut Ledger::new(), &sample());
    let path = folder.path().join(held.stored().path());
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    symlink(&elsewhere, &path).unwrap();
    assert!(held.stored().head().is_err());
    drop(held);
    let recovery = quarantine
        .recover(&BTreeMap::from([(sample().id, Recorded::Held)]))
        .unwrap();
    assert!(recovery.alarms.contains(&Alarm::Missing {
        id: sample().id,
        recorded: Recorded::Held
    }));
}

#[test]
fn room_that_the_disk_does_not_have_is_not_begun() {
    let (quarantine, _folder) = quarantine();
    assert!(matches!(
        quarantine.begin(SESSION, 1 << 60),
        Err(QuarantineError::NoRoom { .. })
    ));
}

#[test]
fn room_can_be_taken_for_good() {
    use std::os::unix::fs::MetadataExt as _;
    let (quarantine, folder) = quarantine();
    let part = quarantine.begin(SESSION, 1 << 20).unwrap();
    part.allocate().unwrap();
    let found = fs::metadata(folder.path().join("spool/0000000000000007.part")).unwrap();
    assert!(found.blocks() * 512 >= 1 << 20);
}
