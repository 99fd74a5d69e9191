//! Every changed bit is found.

use super::*;
use crate::log::tests::{create, events, key, overwrite, published, read, verify_ok};
use crate::storage::{MemoryStorage, OpenHow};

fn vkey() -> String {
    Vkey::new("plant-7/audit", key().public()).unwrap().to_string()
}

/// A log of 600 entries, 20 of them published one by one, so that old partial tiles are there too, and 3 not yet
/// published.
fn log() -> MemoryStorage {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    drop(log.append(&events(1..580)).unwrap());
    for number in 580..600 {
        drop(log.append(&events(number..number + 1)).unwrap());
        log.publish().unwrap();
    }
    drop(log.append(&events(600..603)).unwrap());
    storage
}

#[test]
fn an_untouched_log_verifies_with_its_numbers() {
    let verified = verify_ok(&log());
    assert_eq!(
        (verified.size, verified.origin.as_str(), verified.uncovered),
        (600, "plant-7/audit", 0)
    );
    assert_eq!(
        verified.wal,
        WalState::Agrees {
            unpublished: 3,
            torn_bytes: 0
        }
    );
}

#[test]
fn a_flipped_bit_anywhere_in_any_published_file_is_found_and_its_file_named() {
    let storage = log();
    let files = published(&storage);
    assert!(files.len() > 40, "full and partial tiles of two levels");
    let mut turn = 0;
    for (name, bytes) in files {
        // Each byte of small files, a sample over the whole of large ones; the bit goes round.
        let stride = (bytes.len() / 40).max(1);
        for place in (0..bytes.len()).step_by(stride) {
            let mut changed = bytes.clone();
            changed[place] ^= 1 << (turn % 8);
            turn += 1;
            overwrite(&storage, &name, &changed);
            let error = verify(&storage, &vkey()).expect_err(&format!("{name}, byte {place}"));
            assert!(
                error.is_integrity() && error.to_string().contains(&name),
                "{name}, byte {place}: {error}"
            );
        }
        overwrite(&storage, &name, &bytes);
    }
    verify_ok(&storage);
}

#[test]
fn every_flipped_bit_of_every_published_file_of_a_small_log_is_found() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    drop(log.append(&events(1..3)).unwrap());
    log.publish().unwrap();
    for (name, bytes) in published(&storage) {
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            overwrite(&storage, &name, &changed);
            let error = verify(&storage, &vkey()).expect_err(&format!("{name}, bit {bit}"));
            assert!(error.is_integrity(), "{name}, bit {bit}: {error}");
        }
        overwrite(&storage, &name, &bytes);
    }
}

#[test]
fn a_full_tile_above_level_0_is_verified_too() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    drop(log.append(&events(1..65_600)).unwrap());
    log.publish().unwrap();
    assert_eq!(verify_ok(&storage).size, 65_600);
    let mut tile = read(&storage, "tile/1/000");
    tile[5000] ^= 1;
    overwrite(&storage, "tile/1/000", &tile);
    let error = verify(&storage, &vkey()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("tile/1/000 was changed or damaged: hash 156"),
        "{error}"
    );
}

#[test]
fn a_published_file_cut_or_extended_is_found() {
    let storage = log();
    for (name, bytes) in published(&storage) {
        for changed in [&bytes[..bytes.len() - 1], &[bytes.as_slice(), b"x"].concat(), b""] {
            overwrite(&storage, &name, changed);
            let error = verify(&storage, &vkey()).expect_err(&name);
            assert!(error.to_string().contains(&name), "{name}: {error}");
        }
        overwrite(&storage, &name, &bytes);
    }
}

#[test]
fn a_removed_tile_is_missed_unless_a_later_one_has_all_of_it() {
    let storage = log();
    for (name, bytes) in published(&storage) {
        storage.remove_file(Path::new(&name)).unwrap();
        let needed = [
            "checkpoint",
            "tile/0/000",
            "tile/0/001",
            "tile/entries/000",
            "tile/entries/001",
            "tile/0/002.p/88",
            "tile/entries/002.p/88",
            "tile/1/000.p/2",
        ];
        let outcome = verify(&storage, &vkey());
        assert_eq!(outcome.is_err(), needed.contains(&name.as_str()), "{name}: {outcome:?}");
        let file = storage
            .open(Path::new(&name), OpenHow::CreateNew { mode: 0o644 })
            .unwrap();
        file.write_at(&bytes, 0).unwrap();
    }
}

#[test]
fn a_tile_that_nothing_covers_is_found() {
    let storage = log();
    for name in [
        "tile/0/003.p/1",
        "tile/2/000.p/1",
        "tile/0/002.p/92",
        "tile/entries/003",
    ] {
        let folder = Path::new(name).parent().unwrap();
        crate::storage::ensure_dir(&storage, folder, 0o755).unwrap();
        let file = storage
            .open(Path::new(name), OpenHow::CreateNew { mode: 0o644 })
            .unwrap();
        file.write_at(&vec![0; if name.ends_with("92") { 92 * 32 } else { 32 }], 0)
            .unwrap();
        let error = verify(&storage, &vkey()).expect_err(name);
        assert!(error.to_string().contains(name), "{name}: {error}");
        storage.remove_file(Path::new(name)).unwrap();
    }
}

#[test]
fn a_file_that_is_no_tile_is_found() {
    let storage = log();
    storage
        .open(Path::new("tile/0/000.bak"), OpenHow::CreateNew { mode: 0o644 })
        .unwrap();
    let error = verify(&storage, &vkey()).unwrap_err();
    assert!(error.to_string().starts_with("tile/0/000.bak"), "{error}");
}

#[test]
fn a_changed_entry_whose_hash_was_changed_with_it_is_found_by_the_root() {
    let storage = log();
    let name = "tile/entries/002.p/88";
    let mut bundle = read(&storage, name);
    let place = bundle.iter().rposition(|byte| *byte == b'9').unwrap();
    bundle[place] = b'8';
    overwrite(&storage, name, &bundle);
    let leaves: Vec<_> = super::super::records::split(&bundle)
        .unwrap()
        .into_iter()
        .map(leaf_hash)
        .collect();
    overwrite(&storage, "tile/0/002.p/88", &super::super::edge::to_bytes(&leaves));
    // The older partial tiles give it away; without them, the write-ahead log; without that, the root.
    for (file, _) in published(&storage)
        .iter()
        .filter(|(file, _)| file.contains("002.p/") && !file.ends_with("/88"))
    {
        storage.remove_file(Path::new(file)).unwrap();
    }
    assert!(matches!(
        verify(&storage, &vkey()),
        Err(LogError::Entry { index: 599, .. })
    ));
    crate::storage::remove_tree(&storage, Path::new(".state")).unwrap();
    assert!(matches!(
        verify(&storage, &vkey()),
        Err(LogError::Root { size: 600, .. })
    ));
}

#[test]
fn a_published_copy_without_the_writers_state_verifies() {
    let storage = log();
    crate::storage::remove_tree(&storage, Path::new(".state")).unwrap();
    let verified = verify_ok(&storage);
    assert_eq!((verified.size, verified.wal), (600, WalState::Absent));
}

#[test]
fn a_checkpoint_of_another_key_is_refused() {
    let other = Vkey::new("plant-7/audit", protocol::keys::SigningKey::from_seed([1; 32]).public()).unwrap();
    let error = verify(&log(), &other.to_string()).unwrap_err();
    assert!(
        matches!(error, LogError::Note { ref file, .. } if file == "checkpoint"),
        "{error}"
    );
}

#[test]
fn a_write_ahead_log_that_disagrees_is_found() {
    let storage = log();
    let name = format!("{WAL_DIR}/{:020}", 0);
    let bytes = read(&storage, &name);
    let mut changed = bytes.clone();
    changed[200] ^= 1;
    overwrite(&storage, &name, &changed);
    assert!(matches!(
        verify(&storage, &vkey()),
        Err(LogError::Wal { offset: 0, .. })
    ));
    overwrite(&storage, &name, &bytes[..400]);
    assert!(verify(&storage, &vkey()).is_err());
    overwrite(&storage, &name, &bytes[..bytes.len() - 1]);
    let state = verify_ok(&storage).wal;
    assert!(
        matches!(
            state,
            WalState::Agrees {
                unpublished: 0,
                torn_bytes: 1..
            }
        ),
        "{state:?}"
    );
}

#[test]
fn an_entry_that_is_no_json_object_is_found_though_its_hashes_hold() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    log.tail.extend(vec![b"[1]".to_vec()]);
    log.publish().unwrap();
    drop(log);
    crate::storage::remove_tree(&storage, Path::new(".state")).unwrap();
    let error = verify(&storage, &vkey()).unwrap_err();
    assert!(error.to_string().ends_with("entry 1 is not a JSON object"), "{error}");
}
