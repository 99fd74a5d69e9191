//! Files that the operator names: configuration, trust, policy, keys. Anywhere, through links too, but regular and
//! bounded.

use std::io;
use std::path::Path;

use rustix::buffer::spare_capacity;
use rustix::fd::OwnedFd;
use rustix::fs::{self, FileType, Mode, OFlags, Stat};
use rustix::io::retry_on_intr;

use super::disk::{failed, not_regular};

/// Reads a whole file that the operator named, if it is a regular one of at most `max` bytes.
///
/// # Errors
/// The system's, `InvalidInput` if it is no regular file, `FileTooLarge`; each names the file.
pub fn read_outside(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let (fd, stat) = open_regular(path)?;
    read_descriptor(&fd, &stat, path, max)
}

/// Opens a regular file for reading, and says what the *opened* file is: the name may be given to another one
/// meanwhile.
pub(crate) fn open_regular(path: &Path) -> io::Result<(OwnedFd, Stat)> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let fd = retry_on_intr(|| fs::open(path, flags, Mode::empty())).map_err(|error| failed("open", path, error))?;
    let stat = fs::fstat(&fd).map_err(|error| failed("look at", path, error))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(not_regular(path));
    }
    Ok((fd, stat))
}

/// Reads to the end. Room is made once, so that a secret is not left behind in buffers that were outgrown.
pub(crate) fn read_descriptor(fd: &OwnedFd, stat: &Stat, path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let expected = u64::try_from(stat.st_size).unwrap_or(0).min(max);
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0).saturating_add(1));
    loop {
        bytes.reserve(1);
        let read = retry_on_intr(|| rustix::io::read(fd, spare_capacity(&mut bytes)));
        if bytes.len() as u64 > max {
            let text = format!(
                "{} is larger than the {max} bytes that are read of such a file",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        if read.map_err(|error| failed("read", path, error))? == 0 {
            return Ok(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test prepares files by itself, and fails by panicking"
    )]

    use super::*;

    #[test]
    fn a_file_at_the_limit_is_read_and_one_byte_more_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, [7; 100]).unwrap();
        assert_eq!(read_outside(&path, 100).unwrap().len(), 100);
        let error = read_outside(&path, 99).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }

    #[test]
    fn a_folder_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let error = read_outside(folder.path(), 100).unwrap_err();
        assert!(error.to_string().ends_with("is not a regular file"), "{error}");
    }

    #[test]
    fn an_absent_file_is_named() {
        let error = read_outside(Path::new("/nowhere/at/all"), 100).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }
}
