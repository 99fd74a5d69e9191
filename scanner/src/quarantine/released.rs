//! What is left of a released bundle, looked at again: its packed form, its files, and the report of a scan since.
//!
//! Always true: nothing that was released is changed, and the report that its release was decided on stays.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use audit::storage::{EntryKind, OpenHow, Storage, replace_durable};
use protocol::bundle::Statement;
use protocol::digest::{BundleId, Digest, Hasher};

use super::Quarantine;
use super::failure::QuarantineError;
use super::places::{self, Place, Promises};
use super::spool::check_room;
use super::stored::StoredBundle;
use crate::report::Report;

/// What became of a released bundle's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeState {
    /// Their folder is not there: whoever uses them took it away.
    Gone,
    /// Files, and where they differ from what was signed.
    There(Vec<Differs>),
}

/// Where released files are not the signed ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Differs {
    /// A file with other bytes.
    Changed(String),
    /// A file that is not there any more, or is something else than a file.
    Missing(String),
    /// Something that nobody signed.
    Added(String),
}

impl std::fmt::Display for Differs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changed(path) => write!(f, "{path} was changed"),
            Self::Missing(path) => write!(f, "{path} is missing"),
            Self::Added(path) => write!(f, "{path} was added"),
        }
    }
}

impl Quarantine {
    /// The packed form of a released bundle.
    ///
    /// # Errors
    /// [`QuarantineError::Absent`] if it is not there, or the disk's.
    pub fn open_released(&self, id: BundleId) -> Result<StoredBundle, QuarantineError> {
        let path = Place::Originals.packed(&id);
        match self.places.stat(&path)? {
            Some(_) => Ok(StoredBundle::new(&self.places, Place::Originals, id)),
            None => Err(QuarantineError::Absent { path }),
        }
    }

    /// Compares a released bundle's files with what was signed, file by file.
    ///
    /// # Errors
    /// The disk's.
    pub fn compare_released(&self, id: BundleId, statement: &Statement) -> Result<TreeState, QuarantineError> {
        let root = places::tree(&id);
        match self.places.stat(&root)? {
            Some(found) if found.kind == EntryKind::Dir => {}
            _ => return Ok(TreeState::Gone),
        }
        let storage = self.places.storage();
        let mut differs = Vec::new();
        let mut signed = BTreeSet::new();
        for record in &statement.files {
            let name = record.path.as_str();
            signed.insert(name);
            let path = root.join(name);
            // A link in the way is followed by nobody here, and an error to whoever looks.
            let is_file = storage
                .stat(&path)
                .is_ok_and(|found| found.is_some_and(|found| found.kind == EntryKind::File));
            if !is_file {
                differs.push(Differs::Missing(name.to_owned()));
                continue;
            }
            let found = digest_of(storage, &path, record.size).map_err(QuarantineError::io("read", &path))?;
            if found != Some(record.sha256) {
                differs.push(Differs::Changed(name.to_owned()));
            }
        }
        self.find_added(&root, &signed, &mut differs)?;
        Ok(TreeState::There(differs))
    }

    fn find_added(
        &self,
        root: &Path,
        signed: &BTreeSet<&str>,
        differs: &mut Vec<Differs>,
    ) -> Result<(), QuarantineError> {
        let leads_to_signed = |name: &str| {
            let below = format!("{name}/");
            let next = signed.range(below.as_str()..).next();
            next.is_some_and(|next| next.starts_with(&below))
        };
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop().filter(|_| differs.len() < MOST) {
            for entry in self.places.list(&root.join(&folder))? {
                let path = folder.join(&entry.name);
                let name = path.to_string_lossy();
                match entry.kind {
                    EntryKind::Dir if leads_to_signed(&name) => folders.push(path),
                    // What stands in the place of a file was told.
                    _ if signed.contains(&*name) => {}
                    _ => differs.push(Differs::Added(name.into_owned())),
                }
            }
        }
        Ok(())
    }

    /// Stores the report of a scan of a released bundle, beside the one that its release was decided on.
    ///
    /// # Errors
    /// [`QuarantineError::NoRoom`], or the disk's.
    pub fn save_rescan(&self, id: BundleId, report: &Report) -> Result<PathBuf, QuarantineError> {
        self.places.check_sound()?;
        let (path, bytes) = (places::rescan(&id), report.to_json());
        check_room(&self.places, &Promises::default(), bytes.len() as u64, self.reserve / 2)?;
        replace_durable(self.places.storage(), &path, &bytes, 0o400).map_err(QuarantineError::io("write", &path))?;
        Ok(path)
    }
}

/// The digest of a file's bytes; `None` if it has not so many.
fn digest_of(storage: &dyn Storage, path: &Path, size: u64) -> io::Result<Option<Digest>> {
    let file = storage.open(path, OpenHow::Read)?;
    if file.len()? != size {
        return Ok(None);
    }
    let (mut hasher, mut buf, mut at) = (Hasher::new(), vec![0; BUFFER], 0);
    loop {
        let read = file.read_at(&mut buf, at)?;
        if read == 0 {
            return Ok(Some(hasher.finish()));
        }
        hasher.update(buf.get(..read).unwrap_or_default());
        at += read as u64;
    }
}

const BUFFER: usize = 256 << 10;
/// With so many differences nothing more is looked for.
const MOST: usize = 1000;
