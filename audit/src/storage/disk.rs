//! A folder of the real disk.
//!
//! Every path is resolved by `openat2` with `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS`, below a descriptor of the root
//! that is opened once; what has no such form (rename, remove, stat) works on the last name alone, below its folder's
//! descriptor. Errors name the whole path.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{
    self, AtFlags, CWD, FallocateFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags, ResolveFlags, Stat,
};
use rustix::io::{Errno, retry_on_intr};

use super::{DirEntry, EntryKind, Lock, OpenHow, Storage, StorageFile, check_plain};

/// A [`Storage`] on disk.
pub struct Disk {
    root: PathBuf,
    fd: OwnedFd,
}

impl Disk {
    /// Opens an existing folder. Links on the way to it are followed: the operator chose the path; below it none is.
    ///
    /// # Errors
    /// The system's, naming the folder.
    pub fn open(root: &Path) -> io::Result<Self> {
        let shown = if root.as_os_str().is_empty() {
            Path::new(".")
        } else {
            root
        };
        let fd =
            retry_on_intr(|| fs::open(shown, FOLDER, Mode::empty())).map_err(|e| failed("open folder", shown, e))?;
        Ok(Self {
            root: shown.to_owned(),
            fd,
        })
    }

    /// Makes the folder, with exactly this mode, and missing ones above it (0755 less the umask), durably; then opens
    /// it.
    ///
    /// # Errors
    /// `AlreadyExists` if the folder is there; else the system's.
    pub fn create(root: &Path, mode: u32) -> io::Result<Self> {
        let mut missing = Vec::new();
        for above in root.ancestors().skip(1).filter(|p| !p.as_os_str().is_empty()) {
            match fs::stat(above) {
                Ok(_) => break,
                Err(Errno::NOENT) => missing.push(above),
                Err(error) => return Err(failed("look at", above, error)),
            }
        }
        for above in missing.into_iter().rev() {
            match fs::mkdirat(CWD, above, Mode::from_bits_truncate(0o755)) {
                Ok(()) | Err(Errno::EXIST) => sync_parent(above)?,
                Err(error) => return Err(failed("create folder", above, error)),
            }
        }
        fs::mkdirat(CWD, root, Mode::from_bits_truncate(mode)).map_err(|e| failed("create folder", root, e))?;
        let disk = Self::open(root)?;
        fs::fchmod(&disk.fd, Mode::from_bits_truncate(mode)).map_err(|e| failed("set mode of", root, e))?;
        sync_parent(root)?;
        Ok(disk)
    }

    /// The folder, as it was given.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn openat(&self, path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        let below = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        retry_on_intr(|| fs::openat2(&self.fd, below, flags | OFlags::CLOEXEC, mode, resolve))
    }

    /// The folder of `path`, and the last name.
    fn parent<'a>(&'a self, doing: &'static str, path: &'a Path) -> io::Result<(Folder<'a>, &'a OsStr)> {
        check_plain(path)?;
        let name = path.file_name().ok_or_else(|| self.failed(doing, path, Errno::INVAL))?;
        let folder = match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            None => Folder::Root(self.fd.as_fd()),
            Some(parent) => Folder::Below(
                self.openat(parent, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())
                    .map_err(|error| self.failed(doing, path, error))?,
            ),
        };
        Ok((folder, name))
    }

    fn failed(&self, doing: &'static str, path: &Path, error: Errno) -> io::Error {
        failed(doing, &self.root.join(path), error)
    }

    fn rename_with(&self, from: &Path, to: &Path, flags: RenameFlags) -> io::Result<()> {
        let (from_folder, from_name) = self.parent("rename", from)?;
        let (to_folder, to_name) = self.parent("rename to", to)?;
        fs::renameat_with(&from_folder, from_name, &to_folder, to_name, flags)
            .map_err(|error| self.failed("rename to", to, error))
    }
}

impl Storage for Disk {
    fn open(&self, path: &Path, how: OpenHow) -> io::Result<Box<dyn StorageFile>> {
        check_plain(path)?;
        // NONBLOCK: a pipe under this name must not hold up the open; it is refused right after.
        let common = OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let (doing, flags, mode) = match how {
            OpenHow::Read => ("open", common | OFlags::RDONLY, None),
            OpenHow::Write => ("open for writing", common | OFlags::RDWR, None),
            OpenHow::CreateNew { mode } => (
                "create",
                common | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
                Some(Mode::from_bits_truncate(mode)),
            ),
        };
        let fd = self
            .openat(path, flags, mode.unwrap_or(Mode::empty()))
            .map_err(|e| self.failed(doing, path, e))?;
        let file = DiskFile {
            path: self.root.join(path),
            fd,
        };
        match mode {
            Some(mode) => fs::fchmod(&file.fd, mode).map_err(|error| file.failed("set mode of", error))?,
            None => file.refuse_special()?,
        }
        Ok(Box::new(file))
    }

    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()> {
        let (folder, name) = self.parent("create folder", path)?;
        let mode = Mode::from_bits_truncate(mode);
        fs::mkdirat(&folder, name, mode).map_err(|error| self.failed("create folder", path, error))?;
        let made = self
            .openat(path, FOLDER, Mode::empty())
            .map_err(|e| self.failed("open folder", path, e))?;
        fs::fchmod(&made, mode).map_err(|error| self.failed("set mode of", path, error))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.rename_with(from, to, RenameFlags::empty())
    }

    fn rename_noreplace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.rename_with(from, to, RenameFlags::NOREPLACE)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let (folder, name) = self.parent("remove", path)?;
        fs::unlinkat(&folder, name, AtFlags::empty()).map_err(|error| self.failed("remove", path, error))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let (folder, name) = self.parent("remove folder", path)?;
        fs::unlinkat(&folder, name, AtFlags::REMOVEDIR).map_err(|error| self.failed("remove folder", path, error))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        check_plain(path)?;
        let fail = |error| self.failed("list", path, error);
        let folder = self.openat(path, FOLDER, Mode::empty()).map_err(fail)?;
        let mut entries = Vec::new();
        for found in fs::Dir::read_from(&folder).map_err(fail)? {
            let found = found.map_err(fail)?;
            let name = OsStr::from_bytes(found.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            match fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => entries.push(entry(name.to_owned(), &stat)),
                // It went away since the folder was read.
                Err(Errno::NOENT) => {}
                Err(error) => return Err(self.failed("look at", &path.join(name), error)),
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn each_name(&self, path: &Path, found: &mut dyn FnMut(&OsStr)) -> io::Result<()> {
        check_plain(path)?;
        let fail = |error| self.failed("list", path, error);
        let folder = self.openat(path, FOLDER, Mode::empty()).map_err(fail)?;
        for entry in fs::Dir::new(folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                found(name);
            }
        }
        Ok(())
    }

    fn stat(&self, path: &Path) -> io::Result<Option<DirEntry>> {
        let (folder, name) = match self.parent("look at", path) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        match fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(entry(name.to_owned(), &stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.failed("look at", path, error)),
        }
    }

    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        check_plain(path)?;
        let fail = |error| self.failed("set mode of", path, error);
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
        let fd = self.openat(path, flags, Mode::empty()).map_err(fail)?;
        fs::fchmod(&fd, Mode::from_bits_truncate(mode)).map_err(fail)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        check_plain(path)?;
        let fail = |error| self.failed("sync folder", path, error);
        let folder = self.openat(path, FOLDER, Mode::empty()).map_err(fail)?;
        retry_on_intr(|| fs::fsync(&folder)).map_err(fail)
    }

    fn sync_fs(&self) -> io::Result<()> {
        fs::syncfs(&self.fd).map_err(|error| self.failed("sync the file system of", Path::new(""), error))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let stat = fs::fstatvfs(&self.fd).map_err(|e| self.failed("ask the free space of", Path::new(""), e))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        check_plain(path)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let mode = Mode::from_bits_truncate(0o600);
        let fd = self
            .openat(path, flags, mode)
            .map_err(|error| self.failed("open", path, error))?;
        let file = DiskFile {
            path: self.root.join(path),
            fd,
        };
        file.refuse_special()?;
        match retry_on_intr(|| fs::flock(&file.fd, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(file.failed("lock", error)),
        }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disk({})", self.root.display())
    }
}

/// An open file, or the one that carries a lock.
struct DiskFile {
    path: PathBuf,
    fd: OwnedFd,
}

impl DiskFile {
    fn failed(&self, doing: &'static str, error: Errno) -> io::Error {
        failed(doing, &self.path, error)
    }

    fn refuse_special(&self) -> io::Result<()> {
        let stat = fs::fstat(&self.fd).map_err(|error| self.failed("look at", error))?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
            return Ok(());
        }
        Err(not_regular(&self.path))
    }
}

impl StorageFile for DiskFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(done as u64);
            match retry_on_intr(|| rustix::io::pread(&self.fd, &mut *rest, at)) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) => return Err(self.failed("read", error)),
            }
        }
        Ok(done)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (mut rest, mut at) = (bytes, offset);
        while !rest.is_empty() {
            let wrote =
                retry_on_intr(|| rustix::io::pwrite(&self.fd, rest, at)).map_err(|e| self.failed("write", e))?;
            if wrote == 0 {
                return Err(self.failed("write", Errno::NOSPC));
            }
            rest = rest.get(wrote..).unwrap_or_default();
            at = at.saturating_add(wrote as u64);
        }
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        if len == 0 {
            return Ok(());
        }
        // A file system in memory clears what it reserves, which takes as long as writing it, and lets nobody write meanwhile.
        let reserved = match retry_on_intr(|| fs::fstatfs(&self.fd)) {
            Ok(found) if found.f_type == TMPFS_MAGIC => Err(Errno::OPNOTSUPP),
            _ => retry_on_intr(|| fs::fallocate(&self.fd, FallocateFlags::empty(), 0, len)),
        };
        match reserved {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(self.failed("reserve space for", error)),
        }
    }

    fn room(&self) -> io::Result<u64> {
        let stat = fs::fstat(&self.fd).map_err(|error| self.failed("look at", error))?;
        Ok(u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(STAT_BLOCK))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        retry_on_intr(|| fs::ftruncate(&self.fd, len)).map_err(|error| self.failed("set the length of", error))
    }

    fn sync_data(&self) -> io::Result<()> {
        retry_on_intr(|| fs::fdatasync(&self.fd)).map_err(|error| self.failed("sync", error))
    }

    fn len(&self) -> io::Result<u64> {
        let stat = fs::fstat(&self.fd).map_err(|error| self.failed("look at", error))?;
        Ok(u64::try_from(stat.st_size).unwrap_or(0))
    }

    fn modified(&self) -> io::Result<u64> {
        let stat = fs::fstat(&self.fd).map_err(|error| self.failed("look at", error))?;
        // Before 1970, and after 2554, it only says that it is some time.
        let seconds = u64::try_from(stat.st_mtime).unwrap_or(0);
        Ok(seconds
            .saturating_mul(1_000_000_000)
            .saturating_add(stat.st_mtime_nsec as u64))
    }
}

/// The unit of `st_blocks`, whatever the file system's own blocks are: stat(2).
const STAT_BLOCK: u64 = 512;
/// `TMPFS_MAGIC` of linux/magic.h.
const TMPFS_MAGIC: fs::FsWord = 0x0102_1994;

impl Lock for DiskFile {}

impl fmt::Debug for DiskFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DiskFile({})", self.path.display())
    }
}

/// The folder that a last name is looked up in.
enum Folder<'a> {
    Root(BorrowedFd<'a>),
    Below(OwnedFd),
}

impl AsFd for Folder<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Root(fd) => *fd,
            Self::Below(fd) => fd.as_fd(),
        }
    }
}

/// What failed, where, and how: `std`'s own errors leave the path out.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {}", path.display(), said(*errno))]
struct DiskError {
    doing: &'static str,
    path: PathBuf,
    errno: Errno,
}

pub(super) fn failed(doing: &'static str, path: &Path, errno: Errno) -> io::Error {
    let kind = io::Error::from(errno).kind();
    io::Error::new(
        kind,
        DiskError {
            doing,
            path: path.to_owned(),
            errno,
        },
    )
}

pub(super) fn not_regular(path: &Path) -> io::Error {
    let text = format!("{} is not a regular file", path.display());
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn said(errno: Errno) -> String {
    match errno {
        Errno::LOOP => "a symbolic link is in the way, and none is followed here".to_owned(),
        Errno::NOSYS => "this kernel lacks the call (openat2 needs Linux 5.6)".to_owned(),
        _ => errno.to_string(),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let folder = fs::open(parent, FOLDER, Mode::empty()).map_err(|e| failed("open folder", parent, e))?;
    retry_on_intr(|| fs::fsync(&folder)).map_err(|error| failed("sync folder", parent, error))
}

fn entry(name: OsString, stat: &Stat) -> DirEntry {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Dir,
        FileType::Symlink => EntryKind::Symlink,
        _ => EntryKind::Other,
    };
    DirEntry {
        name,
        kind,
        len: u64::try_from(stat.st_size).unwrap_or(0),
        mode: stat.st_mode & 0o7777,
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

#[cfg(test)]
#[path = "disk_tests.rs"]
mod tests;
