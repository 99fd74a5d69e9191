//! What is scanned: a packed bundle, a directory, or files in memory; read by position, each file on its own.
//!
//! Nothing is unpacked: [`PackedBundle`] reads a file's bytes out of the bundle's content by the signed sizes, and
//! [`Folder`] reads below one directory without ever following a link.

use std::fmt;
use std::io;

use protocol::digest::{BundleId, Digest};

mod folder;
mod memory;
mod packed;
mod source;

pub use self::folder::{Folder, FolderError, LeftOut};
pub use self::memory::Memory;
pub use self::packed::{PackedBundle, PackedError};
pub(crate) use self::source::FileSource;

/// A file as it is named and announced, before anything of it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// The path, `/`-separated. From a bundle it keeps the bundle's rules; from a directory it may be anything.
    pub path: String,
    /// Its bytes.
    pub size: u64,
    /// Whether it may be run.
    pub executable: bool,
    /// The signed digest; `None` where nobody signed, as in a directory.
    pub sha256: Option<Digest>,
}

/// Files that can be read by number and position, from several threads at once.
pub trait Content: Send + Sync + fmt::Debug {
    /// The files; a file's number is its index here.
    fn files(&self) -> &[FileEntry];

    /// Reads bytes of file number `file` from `offset` on, and says how many; 0 at its end.
    ///
    /// # Errors
    /// What the disk says, or `NotFound` for a number that is not in [`Content::files`].
    fn read_at(&self, file: usize, offset: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// The bundle that the files are of.
    fn bundle(&self) -> Option<BundleId> {
        None
    }

    /// Its author, by its statement.
    fn author(&self) -> Option<&str> {
        None
    }
}

/// The error for a file number that does not exist.
fn no_such_file(file: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        format!("the content has no file number {file}"),
    )
}
