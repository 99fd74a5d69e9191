//! The quarantine's folders as anybody sees them, compared with what the log says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use audit::storage::{EntryKind, MemoryStorage, OpenHow, Storage};
use protocol::digest::BundleId;

use super::bundles::Bundle;
use super::model::{Admitted, Model, Stage};
use super::violation::{Invariant, Violation};

const ROOT: &str = "quarantine";
const LONGEST: u64 = 1 << 20;

/// When a look is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// The receiver is at work: a bundle may be between two places.
    AtWork,
    /// The receiver just began: everything is where it belongs.
    AfterStart,
}

/// Compares the packed form of an admitted bundle, and what was let out of it.
pub(super) fn check(disk: &MemoryStorage, id: &BundleId, known: &Admitted, when: When) -> Result<(), Violation> {
    let lost = |what: String| Err(Invariant::OneAdmission.broken(format!("bundle {id}, {:?}: {what}", known.stage)));
    let Some(bundle) = Bundle::named(id) else {
        return lost("nobody sent it".to_owned());
    };
    let (home, on_its_way): (&str, &[&str]) = match known.stage {
        Stage::Held => ("held", &["spool", "waiting", "held"]),
        Stage::Rejected => ("rejected", &["held", "rejected"]),
        Stage::Released => ("originals", &["held", "originals"]),
        Stage::Decided => ("held", &["held", "originals"]),
    };
    let mut found = Vec::new();
    for place in ["spool", "waiting", "held", "rejected", "originals"] {
        let path = format!("{ROOT}/{place}/{id}.bundle");
        let Some(bytes) = read(disk, Path::new(&path)) else {
            continue;
        };
        if bytes != bundle.file {
            return lost(format!("{path} has other bytes than were sent"));
        }
        found.push(place);
    }
    let fits = match when {
        // What a failing disk left where it was held, the next start removes.
        When::AtWork if known.removed => found.iter().all(|place| on_its_way.contains(place)),
        When::AfterStart if known.removed => found.is_empty(),
        When::AtWork => !found.is_empty() && found.iter().all(|place| on_its_way.contains(place)),
        // Carried out, and the log had no room for its end yet.
        When::AfterStart if known.stage == Stage::Decided => found == ["held"] || found == ["originals"],
        When::AfterStart => found == [home],
    };
    if !fits {
        return lost(format!("its file is in {found:?}"));
    }
    let tree = PathBuf::from(format!("{ROOT}/released/{id}"));
    let is_out = disk.stat(&tree).is_ok_and(|found| found.is_some());
    match known.stage {
        _ if known.removed => match is_out && when == When::AfterStart {
            true => Err(Invariant::Caps.broken(format!("released/{id} is there, and was given up"))),
            false => Ok(()),
        },
        Stage::Released if !is_out => Err(Invariant::Released.broken(format!("released/{id} is not there"))),
        Stage::Held | Stage::Rejected if is_out && when == When::AfterStart => {
            Err(Invariant::Released.broken(format!("released/{id} is there, and it is {:?}", known.stage)))
        }
        _ if is_out => check_tree(disk, &tree, bundle),
        _ => Ok(()),
    }
}

/// A tree under its final name is complete: every file as it was signed, and no other.
fn check_tree(disk: &MemoryStorage, tree: &Path, bundle: &Bundle) -> Result<(), Violation> {
    let found = files_below(disk, tree);
    let path = |path: &String| tree.join(path);
    let signed = bundle.files.iter().map(|(name, range)| {
        let bytes = bundle.file.get(range.clone()).unwrap_or_default();
        (path(name), bytes.to_vec())
    });
    match found == signed.collect() {
        true => Ok(()),
        false => {
            let names: Vec<_> = found.keys().map(|name| name.display().to_string()).collect();
            Err(Invariant::Released.broken(format!("{} is not what was signed: {names:?}", tree.display())))
        }
    }
}

/// What is out without ever having been decided on, and what a start must have removed.
pub(super) fn check_strays(disk: &MemoryStorage, model: &Model, when: When) -> Result<(), Violation> {
    let names = |folder: &str| {
        let found = disk.list(Path::new(&format!("{ROOT}/{folder}"))).unwrap_or_default();
        found.into_iter().filter_map(|entry| entry.name.into_string().ok())
    };
    for name in names("released") {
        let decided = |id: BundleId| model.bundles.get(&id).is_some_and(|known| known.was_decided);
        match name.parse::<BundleId>() {
            Ok(id) if decided(id) => {}
            Ok(_) => return Err(Invariant::Released.broken(format!("released/{name} was never decided"))),
            Err(_) if when == When::AtWork => {}
            Err(_) => return Err(Invariant::Caps.broken(format!("released/{name} is left over"))),
        }
    }
    if when == When::AfterStart
        && let Some(name) = names("spool").next()
    {
        return Err(Invariant::Caps.broken(format!("spool/{name} is left over")));
    }
    for place in ["held", "rejected", "originals", "waiting"] {
        for name in names(place) {
            let id = name.strip_suffix(".bundle").and_then(|id| id.parse().ok());
            let waits = |id: &BundleId| model.waiting.contains_key(id) && place == "waiting";
            if !id.is_some_and(|id| model.bundles.contains_key(&id) || waits(&id)) {
                return Err(Invariant::Verified.broken(format!("{place}/{name} was never admitted")));
            }
        }
    }
    Ok(())
}

/// What waits for a person is kept as it came.
pub(super) fn check_waiting(disk: &MemoryStorage, model: &Model, when: When) -> Result<(), Violation> {
    for id in model.waiting.keys() {
        let bytes = read(disk, Path::new(&format!("{ROOT}/waiting/{id}.bundle")));
        let is_sent = |bytes: Vec<u8>| Bundle::named(id).is_some_and(|bundle| bundle.file == bytes);
        // Between its entry and its new name it is in the spool.
        if !bytes.map_or(when == When::AtWork, is_sent) {
            return Err(Invariant::OneAdmission.broken(format!("bundle {id} waits, and is not there as it was sent")));
        }
    }
    Ok(())
}

/// What came under another bundle's number is kept as it came, and nothing else is.
pub(super) fn check_evidence(disk: &MemoryStorage, model: &Model, when: When) -> Result<(), Violation> {
    let mut found = files_below(disk, Path::new(&format!("{ROOT}/evidence")));
    let path = |id: &BundleId| PathBuf::from(format!("{ROOT}/evidence/{id}.bundle"));
    for id in &model.evidence {
        let bytes = found.remove(&path(id));
        let is_sent = |bytes: Vec<u8>| Bundle::named(id).is_some_and(|bundle| bundle.file == bytes);
        // Between its entry and its new name it is in the spool.
        if !bytes.map_or(when == When::AtWork, is_sent) {
            return Err(Invariant::Number.broken(format!("the evidence {id} is not there as it was sent")));
        }
    }
    match found.pop_first() {
        None => Ok(()),
        Some((stray, _)) => Err(Invariant::Verified.broken(format!("{} is no evidence of anything", stray.display()))),
    }
}

/// Bytes of all files but the log's.
pub(super) fn bytes(disk: &MemoryStorage) -> u64 {
    let mut found = BTreeMap::new();
    let folders = [
        "spool",
        "held",
        "waiting",
        "rejected",
        "originals",
        "released",
        "evidence",
        "incomplete",
        "reports",
    ];
    for folder in folders {
        walk(disk, Path::new(&format!("{ROOT}/{folder}")), &mut found);
    }
    found.values().map(|bytes| bytes.len() as u64).sum()
}

/// Every file below a folder, by its path.
pub(super) fn files_below(disk: &MemoryStorage, folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    walk(disk, folder, &mut found);
    found
}

fn walk(disk: &MemoryStorage, folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in disk.list(folder).unwrap_or_default() {
        let path = folder.join(&entry.name);
        match entry.kind {
            EntryKind::Dir => walk(disk, &path, found),
            _ => {
                if let Some(bytes) = read(disk, &path) {
                    found.insert(path, bytes);
                }
            }
        }
    }
}

fn read(disk: &MemoryStorage, path: &Path) -> Option<Vec<u8>> {
    disk.open(path, OpenHow::Read)
        .and_then(|file| file.read_all(LONGEST))
        .ok()
}
