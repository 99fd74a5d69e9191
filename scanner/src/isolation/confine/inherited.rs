//! Descriptors that a process was started with, beside the ones it is to have.

use std::os::fd::{AsRawFd, RawFd};

use rustix::fs::{Dir, Mode, OFlags, open};
use rustix::io::Errno;

use super::Lacking;

/// Closes every descriptor over `last`, and looks that none is left.
///
/// # Errors
/// [`Lacking::Descriptors`] if they cannot be listed, or one stays.
pub(in crate::isolation) fn close_above(last: RawFd) -> Result<(), Lacking> {
    for fd in open_above(last)? {
        // One that is not open any more was the listing's own.
        let _closed = nix::unistd::close(fd);
    }
    match open_above(last)?.len() {
        0 => Ok(()),
        _ => Err(lacking(Errno::BUSY)),
    }
}

/// The open descriptors over `last`, but for the one they are listed with.
fn open_above(last: RawFd) -> Result<Vec<RawFd>, Lacking> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut folder = open("/proc/self/fd", flags, Mode::empty())
        .and_then(Dir::new)
        .map_err(lacking)?;
    let own = folder.fd().map_err(lacking)?.as_raw_fd();
    let mut found = Vec::new();
    while let Some(entry) = folder.read() {
        let entry = entry.map_err(lacking)?;
        let number = entry.file_name().to_str().ok().and_then(|name| name.parse().ok());
        found.extend(number.filter(|&fd: &RawFd| fd > last && fd != own));
    }
    Ok(found)
}

fn lacking(errno: Errno) -> Lacking {
    Lacking::Descriptors {
        errno: errno.raw_os_error(),
    }
}
