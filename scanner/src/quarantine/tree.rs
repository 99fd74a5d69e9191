//! A bundle's files written out: the only code that ever unpacks.
//!
//! Files come in the statement's order, which is that of their paths' bytes; all paths below one folder stand together in it. So a folder is entered once
//! and left once, and the folders that are open at any moment are one path deep:
//!
//! ```text
//! a/b/x   enter a, enter a/b, write x
//! a/c/y   leave a/b (synced), enter a/c, write y
//! z       leave a/c, leave a, write z                 finish: leave the root
//! ```
//!
//! Always true: no more than one buffer of content is held, and a file that exists is one whose bytes went through its hash.

use std::path::{Path, PathBuf};

use audit::storage::{OpenHow, StorageFile};
use protocol::bundle::{FileRecord, Statement};
use protocol::digest::{Digest, Hasher};
use protocol::path::BundlePath;

use super::failure::QuarantineError;
use super::places::Places;

/// What a tree will be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Files.
    pub(super) files: u64,
    /// Folders, without the root.
    pub(super) folders: u64,
    /// Bytes of all files.
    pub(super) bytes: u64,
}

impl Extent {
    pub(super) fn of(statement: &Statement) -> Self {
        let mut extent = Self {
            files: 0,
            folders: 0,
            bytes: statement.content_len,
        };
        let mut before: Vec<&str> = Vec::new();
        for record in &statement.files {
            let (folders, _) = split(&record.path);
            extent.files += 1;
            extent.folders += (folders.len() - shared(&before, &folders)) as u64;
            before = folders;
        }
        extent
    }

    /// Room on the disk, with a block for each name: a small bundle can list very many.
    pub(super) fn room(self) -> u64 {
        let names = self.files.saturating_add(self.folders).saturating_add(1);
        names.saturating_mul(BLOCK).saturating_add(self.bytes)
    }

    /// Whether one sync of the whole file system costs less than one for each name.
    fn is_many(self) -> bool {
        self.files.saturating_add(self.folders) > MANY
    }
}

/// Why a tree was not written.
#[derive(Debug)]
pub(super) enum TreeError {
    /// The disk.
    Quarantine(QuarantineError),
    /// A file's bytes are not the signed ones.
    Digest {
        /// The file.
        path: BundlePath,
        /// What was signed.
        signed: Digest,
        /// What was read.
        found: Digest,
    },
}

impl From<QuarantineError> for TreeError {
    fn from(error: QuarantineError) -> Self {
        Self::Quarantine(error)
    }
}

/// Writes all files below `root`, which must not be there, and syncs files and folders; not `root`'s own name.
pub(super) fn write(
    places: &Places,
    root: &Path,
    statement: &Statement,
    content: &dyn StorageFile,
    content_offset: u64,
) -> Result<(), TreeError> {
    let many = Extent::of(statement).is_many();
    make_folder(places, root)?;
    let mut tree = Tree {
        places,
        root,
        open: Vec::new(),
        sync_each: !many,
        buffer: vec![0; BUFFER],
    };
    for (record, start) in statement.files.iter().zip(statement.file_offsets()) {
        tree.write_file(record, content, content_offset.saturating_add(start))?;
    }
    tree.leave(0)?;
    match many {
        true => places.sync_all(root)?,
        false => places.sync_dir(root)?,
    }
    Ok(())
}

struct Tree<'a> {
    places: &'a Places,
    root: &'a Path,
    /// Names of the folders that lead to the file written last.
    open: Vec<&'a str>,
    sync_each: bool,
    buffer: Vec<u8>,
}

impl<'a> Tree<'a> {
    fn write_file(&mut self, record: &'a FileRecord, content: &dyn StorageFile, start: u64) -> Result<(), TreeError> {
        let (folders, name) = split(&record.path);
        self.leave(shared(&self.open, &folders))?;
        for folder in folders.into_iter().skip(self.open.len()) {
            self.open.push(folder);
            make_folder(self.places, &self.here())?;
        }
        let path = self.here().join(name);
        let mode = if record.executable { 0o555 } else { 0o444 };
        let file = self.places.storage().open(&path, OpenHow::CreateNew { mode });
        let file = file.map_err(QuarantineError::io("create", &path))?;
        let found = self.copy(content, start, record.size, &*file, &path)?;
        if found != record.sha256 {
            return Err(TreeError::Digest {
                path: record.path.clone(),
                signed: record.sha256,
                found,
            });
        }
        if self.sync_each {
            self.places.sync_file(&*file, &path)?;
        }
        Ok(())
    }

    /// Copies, and hashes what it writes.
    fn copy(
        &mut self,
        from: &dyn StorageFile,
        start: u64,
        len: u64,
        to: &dyn StorageFile,
        path: &Path,
    ) -> Result<Digest, QuarantineError> {
        let mut hasher = Hasher::new();
        let mut done = 0u64;
        while done < len {
            let wanted = usize::try_from(len - done).unwrap_or(usize::MAX).min(self.buffer.len());
            let (piece, _) = self.buffer.split_at_mut(wanted);
            from.read_exact_at(piece, start.saturating_add(done))
                .map_err(QuarantineError::io("read for", path))?;
            hasher.update(piece);
            to.write_at(piece, done).map_err(QuarantineError::io("write", path))?;
            done += wanted as u64;
        }
        Ok(hasher.finish())
    }

    /// Leaves folders until only `depth` are open; what is left is complete.
    fn leave(&mut self, depth: usize) -> Result<(), QuarantineError> {
        while self.open.len() > depth {
            if self.sync_each {
                self.places.sync_dir(&self.here())?;
            }
            self.open.pop();
        }
        Ok(())
    }

    fn here(&self) -> PathBuf {
        let mut here = self.root.to_owned();
        here.extend(&self.open);
        here
    }
}

fn make_folder(places: &Places, path: &Path) -> Result<(), QuarantineError> {
    places
        .storage()
        .create_dir(path, FOLDER_MODE)
        .map_err(QuarantineError::io("make folder", path))
}

/// The folders of a path, and the file's name.
fn split(path: &BundlePath) -> (Vec<&str>, &str) {
    let mut folders: Vec<_> = path.parts().collect();
    let name = folders.pop().unwrap_or_default();
    (folders, name)
}

/// How many folders two paths begin with in common.
fn shared(a: &[&str], b: &[&str]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Bytes that are held while a file is copied.
const BUFFER: usize = 1 << 20;
/// What a file or folder takes besides its bytes.
const BLOCK: u64 = 4096;
/// Above so many names all are synced at once: a sync each took 4.6 ms on ext4, of the whole file system, 5,000 files, 0.6 s.
const MANY: u64 = 32;
const FOLDER_MODE: u32 = 0o755;

#[cfg(test)]
mod tests {
    use protocol::bundle::{Kind, Origin};
    use protocol::time::UnixMillis;

    use super::*;

    fn extent(paths: &[&str]) -> Extent {
        let files = paths.iter().map(|path| FileRecord {
            path: BundlePath::parse(path).unwrap(),
            sha256: Digest::of(b""),
            size: 10,
            executable: false,
        });
        let statement = Statement {
            files: files.collect(),
            kind: Kind::Code,
            author: "alice@lab".to_owned(),
            created: UnixMillis(0),
            not_after: UnixMillis(1),
            audience: Vec::new(),
            target: None,
            description: None,
            origin: Origin::default(),
            content_len: 10 * paths.len() as u64,
            leaf_len: 4096,
            content_root: Digest::of(b""),
        };
        Extent::of(&statement)
    }

    #[test]
    fn a_folder_is_counted_once_however_many_files_it_holds() {
        assert_eq!(
            extent(&["a/b/x", "a/b/y", "a/c/z", "b"]),
            Extent {
                files: 4,
                folders: 3,
                bytes: 40
            }
        );
    }

    #[test]
    fn a_folder_of_the_same_name_elsewhere_is_another() {
        assert_eq!(extent(&["a/b/x", "c/b/x"]).folders, 4);
    }

    #[test]
    fn folders_whose_names_begin_alike_are_told_apart() {
        // In byte order "a-b/x" stands before "a/x", and "a0/x" after it.
        assert_eq!(extent(&["a-b/x", "a/x", "a0/x"]).folders, 3);
    }

    #[test]
    fn the_room_counts_each_name_besides_the_bytes() {
        assert_eq!(extent(&["a/x", "b"]).room(), 20 + 4 * 4096);
    }

    #[test]
    fn as_many_names_as_the_limit_are_synced_one_by_one_and_one_more_at_once() {
        let names = |files| Extent {
            files,
            folders: 6,
            bytes: 0,
        };
        assert!(!names(MANY - 6).is_many());
        assert!(names(MANY - 5).is_many());
    }
}
