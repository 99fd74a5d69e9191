//! What stays at an author's desk between runs: the key of the fingerprints, and results of files.
//!
//! ```text
//! $XDG_CACHE_HOME/diode-scan/   or ~/.cache/diode-scan, 0700, ours
//! ├── key      32 random bytes, 0600: the same secret has the same fingerprint tomorrow
//! └── results  what was found in files, of use with that key alone
//! ```
//! Where the folder cannot be made, or is not ours alone, nothing stays: the key is good for one run.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use audit::storage::{Disk, EntryKind, OpenHow, Storage};

/// The file of the results, in [`Desk::storage`].
pub(super) const RESULTS: &str = "results";

const FOLDER: &str = "diode-scan";
const KEY: &str = "key";
const KEY_LEN: usize = 32;

/// What a run works with.
pub(super) struct Desk {
    /// The key of the fingerprints.
    pub(super) key: [u8; KEY_LEN],
    /// The folder, if there is one.
    pub(super) storage: Option<Arc<dyn Storage>>,
}

impl Desk {
    /// This user's desk.
    pub(super) fn open() -> anyhow::Result<Self> {
        let place = place(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME"));
        let kept = place.and_then(|place| open_folder(&place).ok());
        // Whatever is wrong with the folder, the scan is none the worse for it.
        if let Some(storage) = kept
            && let Ok(key) = load_key(&storage)
        {
            return Ok(Self {
                key,
                storage: Some(Arc::new(storage)),
            });
        }
        Ok(Self {
            key: random()?,
            storage: None,
        })
    }
}

/// The folder, by the XDG base directory specification: what is not absolute is to be ignored.
fn place(cache_home: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let base = cache_home
        .and_then(absolute)
        .or_else(|| home.and_then(absolute).map(|home| home.join(".cache")))?;
    Some(base.join(FOLDER))
}

fn open_folder(place: &Path) -> io::Result<Disk> {
    let disk = match Disk::create(place, 0o700) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Disk::open(place)?,
        made => made?,
    };
    let found = rustix::fs::lstat(place)?;
    let ours = found.st_uid == rustix::process::geteuid().as_raw();
    let folder = rustix::fs::FileType::from_raw_mode(found.st_mode).is_dir();
    if !folder || !ours || found.st_mode & 0o077 != 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(disk)
}

/// The key; made if there is none.
fn load_key(storage: &Disk) -> anyhow::Result<[u8; KEY_LEN]> {
    if storage.stat(KEY.as_ref())?.is_none() {
        make_key(storage)?;
    }
    let found = storage.stat(KEY.as_ref())?;
    if !found.is_some_and(|found| found.kind == EntryKind::File && found.mode & 0o077 == 0) {
        return Err(anyhow!("the key is not ours alone"));
    }
    let bytes = storage.open(KEY.as_ref(), OpenHow::Read)?.read_all(KEY_LEN as u64)?;
    bytes
        .try_into()
        .map_err(|_| anyhow!("the key is not {KEY_LEN} bytes long"))
}

/// Makes a key that is whole under its name from the first moment; one that another run made meanwhile stays.
fn make_key(storage: &Disk) -> anyhow::Result<()> {
    let new = format!("{KEY}.{:016x}", u64::from_be_bytes(random()?));
    let file = storage.open(new.as_ref(), OpenHow::CreateNew { mode: 0o600 })?;
    let made = file
        .write_at(&random::<KEY_LEN>()?, 0)
        .and_then(|()| file.sync_data())
        .and_then(|()| storage.rename_noreplace(new.as_ref(), KEY.as_ref()));
    match made {
        Ok(()) => Ok(()),
        Err(error) => {
            storage.remove_file(new.as_ref())?;
            match error.kind() {
                io::ErrorKind::AlreadyExists => Ok(()),
                _ => Err(error.into()),
            }
        }
    }
}

fn random<const LEN: usize>() -> anyhow::Result<[u8; LEN]> {
    let mut bytes = [0; LEN];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no randomness for the fingerprints' key: {error}"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(cache_home: Option<&str>, home: Option<&str>) -> Option<PathBuf> {
        place(cache_home.map(OsString::from), home.map(OsString::from))
    }

    #[test]
    fn the_folder_is_below_the_cache_folder_and_that_below_home() {
        assert_eq!(path(Some("/c"), Some("/h")), Some("/c/diode-scan".into()));
        assert_eq!(path(None, Some("/h")), Some("/h/.cache/diode-scan".into()));
        assert_eq!(path(Some("c"), Some("/h")), Some("/h/.cache/diode-scan".into()));
        assert_eq!(path(Some(""), Some("h")), None);
    }

    #[test]
    fn a_key_that_is_made_is_the_one_that_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let disk = open_folder(&folder.path().join("a/b")).unwrap();
        let made = load_key(&disk).unwrap();
        assert_eq!(load_key(&disk).unwrap(), made);
        assert_eq!(disk.stat(KEY.as_ref()).unwrap().unwrap().mode & 0o777, 0o600);
        // Another run that was slower keeps the one that is there, and leaves nothing behind.
        make_key(&disk).unwrap();
        assert_eq!(load_key(&disk).unwrap(), made);
        assert_eq!(disk.list("".as_ref()).unwrap().len(), 1);
    }

    #[test]
    fn a_folder_or_key_that_others_may_read_or_that_is_a_link_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a");
        let disk = open_folder(&place).unwrap();
        load_key(&disk).unwrap();
        disk.set_mode(KEY.as_ref(), 0o640).unwrap();
        assert!(load_key(&disk).is_err());
        disk.set_mode("".as_ref(), 0o750).unwrap();
        assert!(open_folder(&place).is_err());
        disk.set_mode("".as_ref(), 0o700).unwrap();
        let link = folder.path().join("link");
        rustix::fs::symlink(&place, &link).unwrap();
        assert!(open_folder(&link).is_err());
        disk.rename(KEY.as_ref(), "other".as_ref()).unwrap();
        disk.set_mode("other".as_ref(), 0o600).unwrap();
        rustix::fs::symlink("other", place.join(KEY)).unwrap();
        assert!(load_key(&disk).is_err());
    }
}
