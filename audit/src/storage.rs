//! The one door to disk: everything that the daemons keep goes through the [`Storage`] trait.
//!
//! ```text
//!  log, quarantine, spool, ledger ──▶ dyn Storage ─┬─▶ Disk           openat2, no link followed
//!                                                  └─▶ MemoryStorage  forgets what was not synced
//! ```
//!
//! Paths are relative to the storage's root and consist of plain names only: `..`, absolute paths and symbolic links
//! are refused, so that no name from outside leads out of the folder.
//!
//! **What is durable when.** A crash may lose, in any order, whatever no sync has covered:
//!
//! | change | visible | survives a crash after |
//! |---|---|---|
//! | bytes and length of a file | at once | [`StorageFile::sync_data`] of that file |
//! | a name made, renamed or removed | at once | [`Storage::sync_dir`] of each folder whose names changed |
//! | a mode set by [`Storage::set_mode`] | at once | [`Storage::sync_fs`] |
//! | anything | at once | [`Storage::sync_fs`] |
//!
//! A rename within one folder is atomic, also in a crash. One between two folders may, until both are synced, leave the
//! file under either name or under both. After a *failed* sync nothing may be assumed of the bytes it was about, not
//! even by trying again: the kernel may have dropped them and call them clean.

mod below;
mod disk;
mod durable;
pub mod memory;
mod outside;

use std::ffi::{OsStr, OsString};
use std::fmt::Debug;
use std::io;
use std::path::{Component, Path};

pub use below::Below;
pub use disk::Disk;
pub(crate) use durable::parent;
pub use durable::{ensure_dir, remove_tree, replace_durable, write_new_durable};
pub use memory::MemoryStorage;
pub use outside::read_outside;
pub(crate) use outside::{open_regular, read_descriptor};

/// A folder on some disk, and all that may be done in it.
pub trait Storage: Send + Sync + Debug {
    /// Opens a regular file; anything else under that name is an error.
    ///
    /// # Durability
    /// A created file's name is durable after [`sync_dir`](Self::sync_dir) of its folder, its bytes after
    /// [`sync_data`](StorageFile::sync_data): neither implies the other.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists` (for [`OpenHow::CreateNew`]), `InvalidInput` for a path that is not plain, or the
    /// system's.
    fn open(&self, path: &Path, how: OpenHow) -> io::Result<Box<dyn StorageFile>>;

    /// Makes one folder with exactly this mode; a parent must be there.
    ///
    /// # Durability
    /// After [`sync_dir`](Self::sync_dir) of its parent.
    ///
    /// # Errors
    /// `AlreadyExists` if the name is taken, by whatever.
    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()>;

    /// Renames a file or folder, replacing a file under the new name in one step.
    ///
    /// # Durability
    /// After [`sync_dir`](Self::sync_dir) of the folders of both names. It says nothing of the file's bytes: sync those
    /// first.
    ///
    /// # Errors
    /// `NotFound`, `CrossesDevices`, or the system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Renames a file or folder unless the new name is taken.
    ///
    /// # Durability
    /// As [`rename`](Self::rename).
    ///
    /// # Errors
    /// `AlreadyExists` if the new name is taken, by whatever.
    fn rename_noreplace(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file, or a symbolic link itself.
    ///
    /// # Durability
    /// After [`sync_dir`](Self::sync_dir) of its folder: until then it may come back.
    ///
    /// # Errors
    /// `NotFound`, or the system's.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    ///
    /// # Durability
    /// After [`sync_dir`](Self::sync_dir) of its parent.
    ///
    /// # Errors
    /// `NotFound`, `DirectoryNotEmpty`, or the system's.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// What a folder holds, sorted by name.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, or the system's.
    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>>;

    /// Calls `found` with each name that a folder holds, in no order: as [`list`](Self::list), but of a folder of any length no more
    /// is in memory than a few names.
    ///
    /// # Errors
    /// As [`list`](Self::list); some names may have been told by then.
    fn each_name(&self, path: &Path, found: &mut dyn FnMut(&OsStr)) -> io::Result<()> {
        self.list(path)?.iter().for_each(|entry| found(&entry.name));
        Ok(())
    }

    /// What is under a name, the link itself for a link; `None` if nothing is, also when a folder on the way is absent
    /// or a file.
    ///
    /// # Errors
    /// The system's.
    fn stat(&self, path: &Path) -> io::Result<Option<DirEntry>>;

    /// Sets the permission bits of a file or folder.
    ///
    /// # Durability
    /// After [`sync_fs`](Self::sync_fs) alone.
    ///
    /// # Errors
    /// `NotFound`, or the system's.
    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()>;

    /// Makes the names in a folder durable: all that were made, renamed or removed so far.
    ///
    /// # Errors
    /// The system's; nothing may then be assumed of those names.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes everything on the file system durable that was done before.
    ///
    /// # Errors
    /// The system's; nothing may then be assumed of what was not durable before.
    fn sync_fs(&self) -> io::Result<()>;

    /// Bytes that may still be written, for a user who is not root.
    ///
    /// # Errors
    /// The system's.
    fn free_bytes(&self) -> io::Result<u64>;

    /// Takes the exclusive lock on a file (made if absent); `None` if another holds it. Released when dropped, and by
    /// the death of the process.
    ///
    /// # Errors
    /// The system's.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>>;
}

/// An open regular file, read and written at positions.
#[allow(
    clippy::len_without_is_empty,
    reason = "the length of a file on disk, not of a collection"
)]
pub trait StorageFile: Send + Sync + Debug {
    /// Reads up to `buf.len()` bytes from `offset` on; fewer only at the end of the file.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Durability
    /// After [`sync_data`](Self::sync_data). Until then a crash may keep any part of it, not only a beginning.
    ///
    /// # Errors
    /// `StorageFull` or the system's; a part may then have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Reserves space for the first `len` bytes, and makes the file that long if it was shorter. Where the file system
    /// cannot reserve, the file stays as it is, and a later write may still meet `StorageFull`: [`room`](Self::room) tells.
    ///
    /// # Errors
    /// `StorageFull` or the system's.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Bytes of the disk that are this file's already, written or reserved. A storage that can't tell says none, so that
    /// nobody counts on room that was never reserved.
    ///
    /// # Errors
    /// The system's.
    fn room(&self) -> io::Result<u64> {
        Ok(0)
    }

    /// Cuts or extends (with zeros) the file.
    ///
    /// # Durability
    /// After [`sync_data`](Self::sync_data).
    ///
    /// # Errors
    /// The system's.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes the file's bytes and length durable, not its name.
    ///
    /// # Errors
    /// The system's; nothing may then be assumed of bytes written since the last sync that succeeded.
    fn sync_data(&self) -> io::Result<()>;

    /// Bytes in the file.
    ///
    /// # Errors
    /// The system's.
    fn len(&self) -> io::Result<u64>;

    /// When the file's bytes were last written, in nanoseconds since 1970 by the clock of whoever wrote. A storage that can't tell says
    /// 0, always.
    ///
    /// # Errors
    /// The system's.
    fn modified(&self) -> io::Result<u64> {
        Ok(0)
    }

    /// Fills `buf` from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file ends before.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let read = self.read_at(buf, offset)?;
        if read == buf.len() {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!("{} bytes expected at offset {offset}, {read} found", buf.len()),
        ))
    }

    /// The whole file, if it is no longer than `max` bytes.
    ///
    /// # Errors
    /// `FileTooLarge` if it is longer.
    fn read_all(&self, max: u64) -> io::Result<Vec<u8>> {
        let len = self.len()?;
        let size = usize::try_from(len).ok().filter(|_| len <= max);
        let size = size.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("{len} bytes, {max} at the most expected"),
            )
        })?;
        let mut bytes = vec![0; size];
        self.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }
}

/// A held lock; dropping it lets go.
pub trait Lock: Send + Sync + Debug {}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenHow {
    /// An existing file, for reading.
    Read,
    /// An existing file, for reading and writing.
    Write,
    /// A file that must not be there yet, for reading and writing.
    CreateNew {
        /// Its permission bits, exactly these whatever the umask.
        mode: u32,
    },
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// The name, without its folder.
    pub name: OsString,
    /// What stands under it.
    pub kind: EntryKind,
    /// Bytes, of a file.
    pub len: u64,
    /// Permission bits.
    pub mode: u32,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link; nothing here follows it.
    Symlink,
    /// A device, socket or pipe.
    Other,
}

/// Refuses a path that is not made of plain names; the empty path is the root.
fn check_plain(path: &Path) -> io::Result<()> {
    if path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("{}: not a plain path below the storage's folder", path.display()),
    ))
}
