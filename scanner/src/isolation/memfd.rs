//! A file's bytes in memory that nobody can change any more: what a worker is handed instead of a path or a descriptor
//! of ours.
//!
//! Always true: a [`SealedFile`] has all four seals and the length it was made with; who receives one checks both.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, memfd_create};
use rustix::io::{Errno, pread, retry_on_intr, write};

/// Sealed bytes.
#[derive(Debug)]
pub(super) struct SealedFile {
    fd: OwnedFd,
    len: u64,
}

/// Why a received descriptor is not a [`SealedFile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotSealed {
    /// The kernel does not say.
    #[error("it cannot be looked at: {0}")]
    Opaque(#[from] Errno),
    /// A pipe, a socket, a file on disk, or sealed in part.
    #[error("it is not a sealed file in memory")]
    Open,
    /// It is not as long as was said.
    #[error("it has {0} bytes, which is not what was said")]
    Length(u64),
}

impl SealedFile {
    /// A sealed copy of `bytes`.
    ///
    /// # Errors
    /// What the kernel says: descriptors or memory are used up.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, Errno> {
        let fd = create()?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = retry_on_intr(|| write(&fd, rest))?;
            rest = rest.get(written..).unwrap_or_default();
        }
        fcntl_add_seals(&fd, SEALS)?;
        Ok(Self {
            fd,
            len: bytes.len() as u64,
        })
    }

    /// Takes a descriptor that should be a sealed file of `len` bytes.
    ///
    /// # Errors
    /// [`NotSealed`].
    pub(super) fn adopt(fd: OwnedFd, len: u64) -> Result<Self, NotSealed> {
        // A descriptor without seals at all answers with an error.
        let seals = fcntl_get_seals(&fd).map_err(|_| NotSealed::Open)?;
        let stat = fstat(&fd)?;
        if !seals.contains(SEALS) || FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(NotSealed::Open);
        }
        match u64::try_from(stat.st_size) {
            Ok(size) if size == len => Ok(Self { fd, len }),
            size => Err(NotSealed::Length(size.unwrap_or_default())),
        }
    }

    /// Its length.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Reads all of it into `bytes`, over what was there.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn read_into(&self, bytes: &mut Vec<u8>) -> Result<(), Errno> {
        let len = usize::try_from(self.len).map_err(|_| Errno::FBIG)?;
        bytes.resize(len, 0);
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match retry_on_intr(|| pread(&self.fd, &mut *rest, filled as u64))? {
                0 => return Err(Errno::IO),
                read => filled += read,
            }
        }
        Ok(())
    }
}

impl AsFd for SealedFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn create() -> Result<OwnedFd, Errno> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match memfd_create("diode-file", flags | MemfdFlags::NOEXEC_SEAL) {
        // Before Linux 6.3; no worker can exec in any case.
        Err(Errno::INVAL) => memfd_create("diode-file", flags),
        created => created,
    }
}

const SEALS: SealFlags = SealFlags::SEAL
    .union(SealFlags::SHRINK)
    .union(SealFlags::GROW)
    .union(SealFlags::WRITE);

#[cfg(test)]
mod tests {
    use rustix::fs::ftruncate;
    use rustix::io::pwrite;

    use super::*;

    #[test]
    fn what_was_put_in_is_read_out() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        let sealed = SealedFile::of(&bytes).unwrap();
        let mut read = b"what was there before".to_vec();
        sealed.read_into(&mut read).unwrap();
        assert_eq!(read, bytes);
    }

    #[test]
    fn nobody_can_change_it() {
        let sealed = SealedFile::of(b"bytes").unwrap();
        assert_eq!(pwrite(&sealed, b"x", 0), Err(Errno::PERM));
        assert_eq!(ftruncate(&sealed, 2), Err(Errno::PERM));
        assert_eq!(ftruncate(&sealed, 20), Err(Errno::PERM));
        assert_eq!(fcntl_add_seals(&sealed, SealFlags::FUTURE_WRITE), Err(Errno::PERM));
    }

    #[test]
    fn a_file_that_lacks_a_seal_is_not_adopted() {
        let fd = create().unwrap();
        fcntl_add_seals(&fd, SEALS.difference(SealFlags::WRITE)).unwrap();
        assert_eq!(SealedFile::adopt(fd, 0).unwrap_err(), NotSealed::Open);
    }

    #[test]
    fn what_is_no_file_in_memory_is_not_adopted() {
        let (_other, pipe) = std::io::pipe().unwrap();
        assert_eq!(SealedFile::adopt(pipe.into(), 0).unwrap_err(), NotSealed::Open);
    }

    #[test]
    fn a_file_of_another_length_is_not_adopted() {
        let sealed = SealedFile::of(b"bytes").unwrap();
        let fd = sealed.fd.try_clone().unwrap();
        assert_eq!(SealedFile::adopt(fd, 4).unwrap_err(), NotSealed::Length(5));
        assert_eq!(SealedFile::adopt(sealed.fd, 5).unwrap().len(), 5);
    }
}
