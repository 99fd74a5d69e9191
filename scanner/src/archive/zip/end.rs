//! The end of a zip: where its directory is, how long, how many entries; and a look for such an end in other files.

use std::cell::Cell;
use std::io::{BufRead, Read};

use super::super::flaw::Flaw;
use super::super::input::{Counted, Fields};
use super::super::rules;
use super::mismatch;
use super::record::{END, END64};
use crate::engine::Outcome;

const LOCATOR64: u32 = 0x0706_4B50;
/// Bytes of the end behind its signature, up to the comment.
const END_LEN: usize = 18;
/// The longest comment.
const MAX_COMMENT: usize = 65_535;

/// The directory as it was read.
pub(super) struct Directory {
    pub(super) start: u64,
    pub(super) size: u64,
    pub(super) listed: u64,
}

/// What an end says of the directory.
struct Stated {
    disks: [u32; 2],
    listed: [u64; 2],
    size: u64,
    start: u64,
}

/// Reads what follows the directory, to the last byte.
pub(super) fn read(source: &mut Counted<'_>, taken: &Cell<u64>, signature: u32, found: &Directory) -> Result<(), Flaw> {
    let mut signature = signature;
    let mut wide = None;
    if signature == END64 {
        let at = taken.get() - 4;
        wide = Some(end64(source)?);
        let mut locator = [0; 20];
        source.read_exact(&mut locator)?;
        let mut fields = Fields(&locator);
        let points = (fields.u32(), fields.u32(), fields.u64());
        if points != (Some(LOCATOR64), Some(0), Some(at)) {
            return Err(mismatch("its 64-bit end is not where it is said to be".to_owned()));
        }
        let mut bytes = [0; 4];
        source.read_exact(&mut bytes)?;
        signature = u32::from_le_bytes(bytes);
    }
    let mut bytes = [0; END_LEN];
    source.read_exact(&mut bytes)?;
    let (narrow, comment_len) = end(&bytes).filter(|_| signature == END).ok_or_else(no_end)?;
    let stated = wide.as_ref().unwrap_or(&narrow);
    let fits = |narrow: u64, stated: u64, most: u64| narrow == stated || narrow == most;
    let agree = fits(narrow.start, stated.start, u32::MAX.into())
        && fits(narrow.size, stated.size, u32::MAX.into())
        && fits(narrow.listed[0], stated.listed[0], u16::MAX.into());
    let right = stated.disks == [0, 0]
        && stated.listed == [found.listed; 2]
        && (stated.size, stated.start) == (found.size, found.start);
    if !right || !agree {
        let message = "its end speaks of another directory than the one that lies there".to_owned();
        return Err(mismatch(message));
    }
    comment(source, comment_len)
}

fn no_end() -> Flaw {
    let message = "bytes before its end that belong to no entry".to_owned();
    Flaw::new(&rules::STRAY, message).not_seen(Outcome::Unsupported)
}

/// The comment, and nothing behind it.
fn comment(source: &mut Counted<'_>, len: usize) -> Result<(), Flaw> {
    let mut comment = vec![0; len];
    source.read_exact(&mut comment)?;
    if comment.windows(4).any(|window| window == END.to_le_bytes()) {
        return Err(mismatch("a second end within its comment".to_owned()));
    }
    if source.fill_buf()?.is_empty() {
        return Ok(());
    }
    let message = "bytes behind the end of the zip: they were not looked at".to_owned();
    Err(Flaw::new(&rules::STRAY, message).not_seen(Outcome::Unsupported))
}

/// The end's fields behind its signature, and the length of the comment.
fn end(bytes: &[u8]) -> Option<(Stated, usize)> {
    let mut fields = Fields(bytes);
    let disks = [fields.u16()?.into(), fields.u16()?.into()];
    let listed = [fields.u16()?.into(), fields.u16()?.into()];
    let (size, start) = (fields.u32()?.into(), fields.u32()?.into());
    let stated = Stated {
        disks,
        listed,
        size,
        start,
    };
    Some((stated, fields.u16()?.into()))
}

/// The 64-bit end behind its signature: 56 bytes in all, nothing added.
fn end64(source: &mut Counted<'_>) -> Result<Stated, Flaw> {
    let mut bytes = [0; 52];
    source.read_exact(&mut bytes)?;
    let mut fields = Fields(&bytes);
    let mut read = || {
        let len = fields.u64()?;
        let _versions = fields.u32()?;
        let disks = [fields.u32()?, fields.u32()?];
        let listed = [fields.u64()?, fields.u64()?];
        let (size, start) = (fields.u64()?, fields.u64()?);
        let stated = Stated {
            disks,
            listed,
            size,
            start,
        };
        (len == 44).then_some(stated)
    };
    read().ok_or_else(|| mismatch("a 64-bit end with more in it than an end has".to_owned()))
}

/// Whether a file that is no zip ends as one, as programs that look at the end first would take it, which mind no bytes behind
/// the comment: `tail` are its last bytes, of `size` in all.
pub(crate) fn ends_as_zip(tail: &[u8], size: u64) -> bool {
    let from = tail.len().saturating_sub(MAX_COMMENT + END_LEN + 4);
    let tail = tail.get(from..).unwrap_or_default();
    let signature = END.to_le_bytes();
    let mut ends = tail.windows(4).enumerate().filter(|(_, window)| *window == signature);
    ends.any(|(at, _)| {
        let rest = tail.get(at + 4..).unwrap_or_default();
        let Some((stated, comment)) = end(rest) else {
            return false;
        };
        let before = size - (tail.len() - at) as u64;
        rest.len() >= END_LEN + comment && stated.listed[0] > 0 && stated.size > 0 && stated.size <= before
    })
}
