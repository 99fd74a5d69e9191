//! What a receiver takes while it is flooded: the most of its memory and of its folder.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::drive::peak_resident_kib;

/// The most that was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Peak {
    /// KiB of memory, as the system counts what is resident.
    pub(super) resident_kib: u64,
    /// Bytes on the disk of all files in its folder.
    pub(super) folder_bytes: u64,
}

const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Looks until `over` is set.
pub(super) fn watch(process: u32, home: &Path, over: &AtomicBool) -> Peak {
    let mut peak = Peak::default();
    loop {
        let last = over.load(Ordering::Acquire);
        peak.resident_kib = peak.resident_kib.max(peak_resident_kib(process));
        peak.folder_bytes = peak.folder_bytes.max(taken(home));
        if last {
            return peak;
        }
        thread::sleep(LOOK_AGAIN);
    }
}

/// Bytes on the disk of all files below a folder. What goes away meanwhile takes nothing.
pub(super) fn taken(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let taken = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => taken(&entry.path()),
        Ok(found) => found.blocks() * 512,
        Err(_) => 0,
    });
    taken.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_folders_of_folders_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/b"), vec![7; 100_000]).unwrap();
        assert!((100_000..200_000).contains(&taken(folder.path())));
        assert_eq!(taken(Path::new("/nowhere")), 0);
    }
}
