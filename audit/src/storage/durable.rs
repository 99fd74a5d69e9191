//! Small files written so that a crash leaves the old one, the new one, or nothing, and never half of one.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::{EntryKind, OpenHow, Storage};

/// Writes a file that must not be there yet: under a temporary name in the same folder, synced, renamed, folder synced.
/// When it returns, name and bytes are durable. One writer a name: a temporary file left by a crash is replaced.
///
/// # Errors
/// `AlreadyExists` if the name is taken; else the storage's. The name then holds nothing or, if only the last sync
/// failed, all of it.
pub fn write_new_durable(storage: &dyn Storage, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write_durable(storage, path, bytes, mode, |from, to| {
        storage.rename_noreplace(from, to)
    })
}

/// Writes a file in place of the one that may be there, in one step. When it returns, name and bytes are durable. One
/// writer a name.
///
/// # Errors
/// The storage's. The name then holds the old bytes or, if only the last sync failed, the new ones.
pub fn replace_durable(storage: &dyn Storage, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write_durable(storage, path, bytes, mode, |from, to| storage.rename(from, to))
}

/// Makes a folder and those above it that are missing, each durable, with exactly this mode; one that is there stays as
/// it is.
///
/// # Errors
/// `NotADirectory` if a name on the way is taken by something else; else the storage's.
pub fn ensure_dir(storage: &dyn Storage, path: &Path, mode: u32) -> io::Result<()> {
    let mut missing = Vec::new();
    for folder in path.ancestors().filter(|folder| !folder.as_os_str().is_empty()) {
        match storage.stat(folder)? {
            Some(found) if found.kind == EntryKind::Dir => break,
            Some(_) => {
                let text = format!("{} is in the way of a folder", folder.display());
                return Err(io::Error::new(io::ErrorKind::NotADirectory, text));
            }
            None => missing.push(folder),
        }
    }
    for folder in missing.into_iter().rev() {
        storage.create_dir(folder, mode)?;
        storage.sync_dir(parent(folder))?;
    }
    Ok(())
}

/// Removes whatever is under a name, folders with all they hold; links are removed, never followed. Nothing there is no
/// error. The removal is durable after `sync_dir` of the parent.
///
/// # Errors
/// The storage's; a part may then be gone.
pub fn remove_tree(storage: &dyn Storage, path: &Path) -> io::Result<()> {
    match storage.stat(path)? {
        None => return Ok(()),
        Some(found) if found.kind != EntryKind::Dir => return storage.remove_file(path),
        Some(_) => {}
    }
    // A list instead of recursion: the tree's depth is not ours to choose.
    let mut folders = vec![path.to_owned()];
    let mut next = 0;
    while let Some(folder) = folders.get(next).cloned() {
        next += 1;
        make_removable(storage, &folder)?;
        for found in storage.list(&folder)? {
            let inner = folder.join(&found.name);
            match found.kind {
                EntryKind::Dir => folders.push(inner),
                EntryKind::File | EntryKind::Symlink | EntryKind::Other => storage.remove_file(&inner)?,
            }
        }
    }
    folders.iter().rev().try_for_each(|folder| storage.remove_dir(folder))
}

/// A released tree has folders that even their owner cannot write in.
fn make_removable(storage: &dyn Storage, folder: &Path) -> io::Result<()> {
    match storage.stat(folder)? {
        Some(found) if found.mode & 0o700 != 0o700 => storage.set_mode(folder, found.mode | 0o700),
        _ => Ok(()),
    }
}

fn write_durable(
    storage: &dyn Storage,
    path: &Path,
    bytes: &[u8],
    mode: u32,
    rename: impl FnOnce(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary_name(path)?;
    match storage.remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = storage.open(&temporary, OpenHow::CreateNew { mode }).and_then(|file| {
        file.write_at(bytes, 0)?;
        file.sync_data()
    });
    if let Err(error) = written.and_then(|()| rename(&temporary, path)) {
        // The first error is the one to report; what is left is replaced by the next try.
        let _ = storage.remove_file(&temporary);
        return Err(error);
    }
    storage.sync_dir(parent(path))
}

fn temporary_name(path: &Path) -> io::Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("{} names no file", path.display())))?;
    let mut temporary = OsString::from(".tmp-");
    temporary.push(name);
    Ok(path.with_file_name(temporary))
}

/// The folder of a path; the empty path for the root.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;

    fn read(storage: &dyn Storage, path: &str) -> Option<Vec<u8>> {
        storage
            .open(Path::new(path), OpenHow::Read)
            .ok()
            .map(|file| file.read_all(1 << 20).unwrap())
    }

    #[test]
    fn a_file_replaced_while_power_fails_is_the_old_or_the_new_one() {
        for step in 0.. {
            let storage = MemoryStorage::new();
            replace_durable(&storage, Path::new("f"), b"old", 0o600).unwrap();
            storage.cut_power_at(step);
            let done = replace_durable(&storage, Path::new("f"), b"new one", 0o600).is_ok();
            storage.crash(&mut || step % 2 == 0);
            let found = read(&storage, "f").unwrap();
            assert!(
                found == b"old" && !done || found == b"new one",
                "step {step}: {found:?}"
            );
            if done {
                break;
            }
        }
    }

    #[test]
    fn a_new_file_does_not_replace_one_that_is_there() {
        let storage = MemoryStorage::new();
        write_new_durable(&storage, Path::new("f"), b"first", 0o600).unwrap();
        let error = write_new_durable(&storage, Path::new("f"), b"second", 0o600).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read(&storage, "f").unwrap(), b"first");
        assert_eq!(
            storage.list(Path::new("")).unwrap().len(),
            1,
            "the temporary file is gone"
        );
    }

    #[test]
    fn folders_made_on_the_way_survive_a_crash() {
        let storage = MemoryStorage::new();
        ensure_dir(&storage, Path::new("a/b/c"), 0o755).unwrap();
        storage.crash(&mut || false);
        assert_eq!(storage.stat(Path::new("a/b/c")).unwrap().unwrap().kind, EntryKind::Dir);
    }

    #[test]
    fn a_file_in_the_way_of_a_folder_is_named() {
        let storage = MemoryStorage::new();
        write_new_durable(&storage, Path::new("a"), b"", 0o600).unwrap();
        let error = ensure_dir(&storage, Path::new("a/b"), 0o755).unwrap_err();
        assert!(error.to_string().starts_with("a is in the way"), "{error}");
    }

    #[test]
    fn removing_what_is_not_there_is_no_error() {
        remove_tree(&MemoryStorage::new(), Path::new("a/b")).unwrap();
    }
}
