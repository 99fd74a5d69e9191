//! Memory for what will arrive, touched before it does.
//!
//! A virtual machine gets its memory from its host when it is first touched, page by page, far slower than it can be written;
//! and gives it back, two mebibytes at a time, as soon as it is free for a second or two. A spool in memory would measure that, and not the link.
//!
//! ```text
//! touched   ████████████████  every page was written once
//! released  █······█······█·  free again but for one page in each half mebibyte: no two mebibytes are free in one piece, so none is given back
//! ```
//!
//! Always true: what is kept is less than a hundredth of what was touched.

use std::fs::File;
use std::io::{self, Write as _};

use anyhow::Context as _;
use audit::line;
use rustix::fs::{FallocateFlags, MemfdFlags, fallocate, memfd_create};

use super::Spool;
use crate::measure::memory_available;

/// Memory that a spool will find touched, as long as this lives.
#[derive(Debug)]
pub(crate) struct Reserve {
    /// The pages that are kept.
    _kept: File,
}

impl Reserve {
    /// Touches memory for `bytes` that will arrive in `spool`, and a quarter more for the sockets between. As much of it as there is, where
    /// that is less.
    pub(crate) fn of(bytes: u64, spool: &Spool) -> anyhow::Result<Self> {
        let wanted = bytes.saturating_add(bytes / 4).saturating_add(FOR_SOCKETS);
        let touched = wanted.min(memory_available().saturating_sub(LEFT_ALONE));
        if touched < wanted {
            let (wanted, touched) = (line::size(wanted), line::size(touched));
            eprintln!(
                "{wanted} of memory would be needed, {touched} of it are there: what is touched for the first time is slow"
            );
        }
        Ok(Self {
            _kept: file_like(spool)
                .and_then(|file| touch(file, touched))
                .context("memory can't be made ready")?,
        })
    }
}

/// A file without a name that gets its pages as one in `spool` does: large ones can't be had where small ones were given back.
fn file_like(spool: &Spool) -> io::Result<File> {
    match spool.has_large_pages() {
        true => tempfile::tempfile_in(spool.path()),
        false => Ok(memfd_create("diode-bench-reserve", MemfdFlags::CLOEXEC)?.into()),
    }
}

fn touch(mut file: File, bytes: u64) -> io::Result<File> {
    let spaces = bytes / SPACING;
    let ones = vec![1; WRITE as usize];
    (0..spaces * (SPACING / WRITE)).try_for_each(|_| file.write_all(&ones))?;
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    (0..spaces).try_for_each(|space| fallocate(&file, hole, space * SPACING + PAGE, SPACING - PAGE))?;
    Ok(file)
}

/// A page is kept in each of these: a quarter of what a host takes back at once, since the pages need not lie in a row.
const SPACING: u64 = 512 << 10;
/// Written at once, which makes the largest page.
const WRITE: u64 = 256 << 10;
/// What is kept of each.
const PAGE: u64 = 4 << 10;
/// Receive buffers, and batches on either side.
const FOR_SOCKETS: u64 = 256 << 20;
/// Memory that is left to whatever else runs.
const LEFT_ALONE: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn of_what_was_touched_one_page_in_each_half_mebibyte_is_kept() {
        let file = File::from(memfd_create("test", MemfdFlags::CLOEXEC).unwrap());
        let file = touch(file, 64 << 20).unwrap();
        let meta = file.metadata().unwrap();
        assert_eq!(meta.len(), 64 << 20);
        assert_eq!(meta.blocks() * 512, 128 * PAGE);
    }
}
