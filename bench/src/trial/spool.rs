//! Where receivers have their folders during a measurement.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use audit::line;
use rustix::fs::statvfs;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tempfile::TempDir;

use super::outfit::{below, file_system};

/// A folder on a file system in memory.
#[derive(Debug)]
pub(crate) struct Spool {
    path: PathBuf,
    /// If it was mounted for this measurement.
    own: Option<Mounted>,
}

impl Spool {
    /// A file system of its own with such `pages`, or where that can't be had, [`SHARED`].
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub(crate) fn own(bytes: u64, pages: Pages) -> anyhow::Result<Self> {
        match Mounted::new(bytes, pages) {
            Ok(own) => Ok(Self {
                path: own.folder.path().to_owned(),
                own: Some(own),
            }),
            Err(error) => {
                eprintln!("the spool is in {SHARED}: {error:#}");
                Self::at(SHARED.as_ref(), bytes)
            }
        }
    }

    /// The folder `path`.
    ///
    /// # Errors
    /// If it has no room for `bytes`, or nothing can be written there.
    pub(crate) fn at(path: &Path, bytes: u64) -> anyhow::Result<Self> {
        // Made and removed again: that nothing can be written there is known before the work begins.
        drop(below(path)?);
        let room = statvfs(path).with_context(|| format!("{} does not tell its room", path.display()))?;
        let free = room.f_bavail.saturating_mul(room.f_frsize);
        anyhow::ensure!(
            free >= bytes,
            "{} has room for {}, and {} would arrive: name another, or send less",
            path.display(),
            line::size(free),
            line::size(bytes)
        );
        Ok(Self {
            path: path.to_owned(),
            own: None,
        })
    }

    pub(super) fn has_large_pages(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.pages == Pages::Large)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.own {
            // Its path is another each time, and says nothing.
            Some(Mounted { pages, .. }) => write!(f, "its own (tmpfs, {})", pages.option()),
            None => write!(f, "{} ({})", self.path.display(), file_system(&self.path)),
        }
    }
}

/// Pages of a file in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pages {
    /// Of 4 KiB.
    Small,
    /// As large as what is written at once at the file's end, which takes far less time; before its end, of 2 MiB, which are
    /// cleared first. For what arrives in order.
    Large,
}

impl Pages {
    /// The mount option.
    fn option(self) -> &'static str {
        match self {
            Self::Small => "huge=never",
            Self::Large => "huge=within_size",
        }
    }
}

/// A tmpfs that was mounted here, and is unmounted with all that is in it when it is dropped.
#[derive(Debug)]
struct Mounted {
    folder: TempDir,
    pages: Pages,
}

impl Mounted {
    fn new(bytes: u64, pages: Pages) -> anyhow::Result<Self> {
        let folder = below(&std::env::temp_dir())?;
        // What is packed, the bundles, what arrives, and a reserve.
        let size = bytes.saturating_mul(5).saturating_add(SPARE);
        let options = std::ffi::CString::new(format!("size={size},mode=0700,{}", pages.option()))?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        mount("diode-bench", folder.path(), "tmpfs", flags, Some(options.as_c_str()))
            .context("a file system of its own can't be mounted, for which it must be root")?;
        Ok(Self { folder, pages })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Err(error) = unmount(self.folder.path(), UnmountFlags::DETACH) {
            eprintln!("{} stays mounted: {error}", self.folder.path().display());
        }
    }
}

/// Where Linux has a tmpfs for everyone.
const SHARED: &str = "/dev/shm";
/// For sockets, logs, reports and keys.
const SPARE: u64 = 1 << 30;
