//! A directory, or one file, as content: for the author's desk, before anything is packed.
//!
//! Regular files only. Links, devices and sockets are never opened: they are listed as [`LeftOut`], and so are `.git`
//! folders, which are never packed, and what the operator's own patterns leave out.

use std::io;
use std::path::{Path, PathBuf};

use audit::storage::{Disk, EntryKind, OpenHow, Storage};
use globset::GlobSet;

use super::{Content, FileEntry, no_such_file};

/// Folders deeper than this are not walked into: nothing that could be packed lies there.
const MAX_DEPTH: usize = 128;
/// More files than this are refused: a bundle holds no more.
const MAX_FILES: usize = protocol::limits::MAX_FILES;

/// The regular files below a directory.
#[derive(Debug)]
pub struct Folder {
    disk: Disk,
    entries: Vec<FileEntry>,
    /// Where each entry lies below the root; an entry's own path may be lossy.
    places: Vec<PathBuf>,
    left_out: Vec<LeftOut>,
}

/// Something below the directory that is not scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// Not a regular file: a bundle cannot hold it.
    Special {
        /// Its path.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// By the operator's pattern, or a `.git` folder.
    Excluded {
        /// Its path.
        path: String,
    },
}

/// A directory that cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The disk says no.
    #[error("cannot read {path}")]
    Io {
        /// What could not be read.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// More than a bundle holds.
    #[error(
        "{path} holds more than {MAX_FILES} files, which is what a bundle holds at most; give a smaller directory or --exclude"
    )]
    TooMany {
        /// The directory.
        path: PathBuf,
    },
    /// Too many folders within folders.
    #[error("{path} lies more than {MAX_DEPTH} folders deep; leave it out with --exclude")]
    TooDeep {
        /// The folder.
        path: PathBuf,
    },
    /// Neither a directory nor a regular file.
    #[error("{path} is {kind}; give a directory or a regular file")]
    Special {
        /// What was given.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
}

impl Folder {
    /// Lists what lies below `root`, but for what `exclude` matches (paths relative to `root`).
    ///
    /// # Errors
    /// [`FolderError`] if a folder cannot be listed or holds too much.
    pub fn open(root: &Path, exclude: &GlobSet) -> Result<Self, FolderError> {
        let disk = Disk::open(root).map_err(|source| FolderError::Io {
            path: root.to_owned(),
            source,
        })?;
        let mut folder = Self {
            disk,
            entries: Vec::new(),
            places: Vec::new(),
            left_out: Vec::new(),
        };
        // A list of folders still to be read, not recursion: how deep they go is not ours to decide.
        let mut waiting = vec![PathBuf::new()];
        while let Some(place) = waiting.pop() {
            if place.components().count() > MAX_DEPTH {
                return Err(FolderError::TooDeep { path: root.join(place) });
            }
            folder.list(root, &place, exclude, &mut waiting)?;
        }
        folder.sort();
        Ok(folder)
    }

    /// The one regular file at `path`.
    ///
    /// # Errors
    /// [`FolderError`] if there is none, or it is something else.
    pub fn of_file(path: &Path) -> Result<Self, FolderError> {
        let io = |source| FolderError::Io {
            path: path.to_owned(),
            source,
        };
        let name = path.file_name().ok_or_else(|| io(io::ErrorKind::InvalidInput.into()))?;
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let disk = Disk::open(parent).map_err(io)?;
        let place = PathBuf::from(name);
        let entry = disk
            .stat(&place)
            .map_err(io)?
            .ok_or_else(|| io(io::ErrorKind::NotFound.into()))?;
        if !matches!(entry.kind, EntryKind::File) {
            return Err(FolderError::Special {
                path: path.to_owned(),
                kind: kind_name(&entry.kind),
            });
        }
        let mut folder = Self {
            disk,
            entries: Vec::new(),
            places: Vec::new(),
            left_out: Vec::new(),
        };
        folder.add(place, entry.len, entry.mode);
        Ok(folder)
    }

    /// What is below the directory and not scanned, by path.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    fn list(
        &mut self,
        root: &Path,
        place: &Path,
        exclude: &GlobSet,
        waiting: &mut Vec<PathBuf>,
    ) -> Result<(), FolderError> {
        let listed = self.disk.list(place).map_err(|source| FolderError::Io {
            path: root.join(place),
            source,
        })?;
        for entry in listed {
            let below = place.join(&entry.name);
            let shown = shown(&below);
            if entry.name == ".git" || exclude.is_match(&below) {
                self.left_out.push(LeftOut::Excluded { path: shown });
                continue;
            }
            match entry.kind {
                EntryKind::Dir => waiting.push(below),
                EntryKind::File => self.add(below, entry.len, entry.mode),
                other => self.left_out.push(LeftOut::Special {
                    path: shown,
                    kind: kind_name(&other),
                }),
            }
            if self.entries.len() > MAX_FILES {
                return Err(FolderError::TooMany { path: root.to_owned() });
            }
        }
        Ok(())
    }

    fn add(&mut self, place: PathBuf, size: u64, mode: u32) {
        self.entries.push(FileEntry {
            path: shown(&place),
            size,
            executable: mode & 0o111 != 0,
            sha256: None,
        });
        self.places.push(place);
    }

    fn sort(&mut self) {
        let mut both: Vec<_> = self.entries.drain(..).zip(self.places.drain(..)).collect();
        both.sort_by(|(a, at), (b, bt)| a.path.cmp(&b.path).then_with(|| at.cmp(bt)));
        (self.entries, self.places) = both.into_iter().unzip();
        self.left_out.sort_by(|a, b| a.path().cmp(b.path()));
    }
}

impl LeftOut {
    /// Its path below the directory.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Special { path, .. } | Self::Excluded { path } => path,
        }
    }
}

impl Content for Folder {
    fn files(&self) -> &[FileEntry] {
        &self.entries
    }

    fn read_at(&self, file: usize, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let place = self.places.get(file).ok_or_else(|| no_such_file(file))?;
        // Opened for each window: a hundred thousand files would be too many to hold open.
        self.disk.open(place, OpenHow::Read)?.read_at(buf, offset)
    }
}

/// A path as reports name it: `/`-separated, with U+FFFD for what is not UTF-8 (a finding says so).
fn shown(place: &Path) -> String {
    let parts: Vec<_> = place
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

fn kind_name(kind: &EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "a regular file",
        EntryKind::Dir => "a directory",
        EntryKind::Symlink => "a symbolic link",
        EntryKind::Other => "a device, socket or pipe",
    }
}
