//! The outbox: a folder whose bundle files are taken, one after another, and kept.
//!
//! ```text
//! DIR/x.bundle ──settled: unchanged, and whole──▶ DIR/sending/x.bundle ─┬─▶ DIR/sent/x.bundle
//!   └ being written: left                          └ left by a crash:   └─▶ DIR/refused/x.bundle
//!                                                    taken again
//! ```
//!
//! Every step is one rename, synced before anything is made of it. So a kill at any point, and a power cut too, leaves each file in
//! exactly one folder (a power cut between the syncs: in one at least), and the next run goes on from there:
//!
//! | killed | the file is in | the next run |
//! |---|---|---|
//! | before it is taken | `DIR` | takes it |
//! | until the log says how it ended | `sending/` | sends it, under the number that it may have |
//! | after that, before it is kept | `sending/` | sends it once more, under its number: the receiver has it already |
//! | after it is kept | `sent/` or `refused/` | leaves it there |
//!
//! Always true:
//! - no file is removed but one in `sent/` by whoever asks for it by name, and none takes the place of another: a name that is taken
//!   gets a time behind it;
//! - no file is taken that has changed since the last look, or that ends before its own head says and did so lately;
//! - however many files there are, [`MOST_SEEN`] names are in memory, and those that were asked for.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use audit::storage::{EntryKind, Lock, OpenHow, Storage, ensure_dir};
use protocol::digest::BundleId;
use protocol::time::UnixMillis;

use super::strays::{Stays, Strays};
use crate::bundle_file::{BundleFile, BundleFileError};

/// A folder that bundle files are taken from, held until it is dropped.
#[derive(Debug)]
pub(super) struct Outbox {
    storage: Box<dyn Storage>,
    settle: Duration,
    seen: BTreeMap<OsString, Seen>,
    strays: Strays,
    /// Whether there may be files in [`SENDING`] that nobody was given.
    left_over: bool,
    /// Whether a file was kept that a crash may put back.
    unsynced: bool,
    _lock: Box<dyn Lock>,
}

/// Why an outbox can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutboxError {
    /// Another process takes files from it.
    #[error("another process takes files from it")]
    Held,
    /// A file can't be renamed into one of its folders.
    #[error("`{folder}` in it is on another file system, and files are moved there by renaming")]
    Elsewhere {
        /// The folder.
        folder: &'static str,
    },
    /// The disk.
    #[error(transparent)]
    Storage(#[from] io::Error),
}

/// Now, by two clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Since some start, never going back: what waiting goes by.
    pub(super) steady: Duration,
    /// What stands behind a name that was taken.
    pub(super) time: UnixMillis,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Sent,
    Refused,
}

/// A file that was looked at.
#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    /// When it was first as it is.
    since: Duration,
    /// When to take it if it is still the same.
    due: Duration,
    /// It ended before its own head says when it was to be taken.
    cut_short: bool,
}

/// What changes when a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: u64,
    len: u64,
}

impl Stamp {
    /// The file's length in bytes.
    pub(super) fn len(self) -> u64 {
        self.len
    }
}

/// Where taken files are.
pub(super) const SENDING: &str = "sending";
pub(super) const SENT: &str = "sent";
pub(super) const REFUSED: &str = "refused";
const LOCK: &str = ".lock";
const PROBE: &str = ".probe";
/// Files that are looked at to find out whether they change.
const MOST_SEEN: usize = 4096;
/// How long a file that is shorter than its head says may stay as it is before it counts as cut short: whoever copies it may have stalled.
pub(super) const STALLED: Duration = Duration::from_secs(30);
/// The longest name that Linux takes, in bytes.
const MAX_NAME: usize = 255;
const EXTENSION: &[u8] = b".bundle";

impl Outbox {
    /// Opens the outbox in `storage`, whose files count as settled when they have not changed for `settle`; makes the folders that it lacks.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub(super) fn open(storage: Box<dyn Storage>, settle: Duration) -> Result<Self, OutboxError> {
        let lock = storage.lock(Path::new(LOCK))?.ok_or(OutboxError::Held)?;
        let outbox = Self {
            storage,
            settle,
            seen: BTreeMap::new(),
            strays: Strays::default(),
            left_over: true,
            unsynced: false,
            _lock: lock,
        };
        outbox.make_folders()?;
        outbox.probe()?;
        Ok(outbox)
    }

    /// Looks what files there are, and whether they have changed.
    ///
    /// # Errors
    /// The storage's; what was seen before stands.
    pub(super) fn look(&mut self, now: Moment) -> io::Result<()> {
        let (mut names, mut others) = (Vec::new(), Vec::new());
        let mut room = MOST_SEEN.saturating_sub(self.seen.len());
        self.storage.each_name(Path::new(""), &mut |name| {
            let known = self.seen.contains_key(name);
            if is_bundle(name) && (known || room > 0) {
                room -= usize::from(!known);
                names.push(name.to_owned());
            } else if is_other(name) && self.strays.has_room_for(name, others.len()) {
                others.push((name.to_owned(), Stays::Name));
            }
        })?;
        let mut before = std::mem::take(&mut self.seen);
        for name in names {
            let stamp = match self.stamp(Path::new(&name)) {
                Some(Ok(stamp)) => stamp,
                Some(Err(stays)) if self.strays.has_room_for(&name, others.len()) => {
                    others.push((name, stays));
                    continue;
                }
                Some(Err(_)) | None => continue,
            };
            let unchanged = before.remove(&name).filter(|seen| seen.stamp == stamp);
            let seen = unchanged.unwrap_or(Seen {
                stamp,
                since: now.steady,
                due: now.steady.saturating_add(self.settle),
                cut_short: false,
            });
            let is_unfinished = seen.since == now.steady || seen.cut_short;
            if is_unfinished && self.strays.has_room_for(&name, others.len()) {
                others.push((name.clone(), Stays::Unfinished));
            }
            self.seen.insert(name, seen);
        }
        self.strays.look(others, now.steady);
        Ok(())
    }

    /// What has been lying in the outbox for a while and is not taken: each is told once.
    pub(super) fn poll_stray(&mut self) -> Option<(OsString, Stays)> {
        self.strays.poll()
    }

    /// Takes up to `room` files, those first that were left by a crash, else the one first that was written first; gives their names in
    /// [`SENDING`], which are durable. `under_way` says which of the names there were given before.
    ///
    /// # Errors
    /// The storage's. What was taken by then is given by a later call.
    pub(super) fn claim(
        &mut self,
        now: Moment,
        room: usize,
        under_way: impl Fn(&OsStr) -> bool,
    ) -> io::Result<Vec<OsString>> {
        self.make_folders()?;
        let mut names = self.left_over(room, under_way)?;
        let mut due: Vec<_> = (self.seen.iter())
            .filter(|(_, seen)| seen.due <= now.steady)
            .map(|(name, seen)| (seen.stamp.modified, name.clone()))
            .collect();
        due.sort_unstable();
        let (mut failed, mut taken) = (None, Vec::new());
        for (_, name) in due {
            if names.len() + taken.len() >= room {
                break;
            }
            match self.claim_one(&name, now) {
                Ok(claimed) => taken.extend(claimed),
                // The next may well be taken.
                Err(error) => failed = Some(error),
            }
        }
        if !taken.is_empty() {
            // Given only if this succeeds, and else found there.
            let more = std::mem::replace(&mut self.left_over, true);
            // What has left for another folder must be durable there before it is durably gone from this one.
            self.sync_kept()?;
            self.storage.sync_dir(Path::new(SENDING))?;
            self.storage.sync_dir(Path::new(""))?;
            self.left_over = more;
            names.append(&mut taken);
        }
        match failed {
            Some(error) if names.is_empty() => Err(error),
            Some(error) => {
                tracing::warn!(%error, "a bundle file could not be taken from the outbox");
                Ok(names)
            }
            None => Ok(names),
        }
    }

    /// Whether there may be files in [`SENDING`] that were given to nobody.
    pub(super) fn may_have_left_over(&self) -> bool {
        self.left_over
    }

    /// Has files that were given, and are not under way any more, given again.
    pub(super) fn give_again(&mut self) {
        self.left_over = true;
    }

    /// Puts a file that was given where it is kept, and tells where that is. Durable after [`sync_kept`](Self::sync_kept).
    ///
    /// # Errors
    /// The storage's; it then stays where it was.
    pub(super) fn keep(&mut self, name: &OsStr, kept: Kept, now: Moment) -> io::Result<PathBuf> {
        let folder = match kept {
            Kept::Sent => SENT,
            Kept::Refused => REFUSED,
        };
        self.make_folders()?;
        self.unsynced = true;
        let to = self.put(&Path::new(SENDING).join(name), name, folder, now)?;
        Ok(Path::new(folder).join(to))
    }

    /// Makes durable what [`keep`](Self::keep) did.
    ///
    /// # Errors
    /// The storage's; after a crash a file may then be found in [`SENDING`] again.
    pub(super) fn sync_kept(&mut self) -> io::Result<()> {
        if self.unsynced {
            self.make_folders()?;
            for folder in [SENT, REFUSED, SENDING] {
                self.storage.sync_dir(Path::new(folder))?;
            }
            self.unsynced = false;
        }
        Ok(())
    }

    /// How many files are in [`SENDING`].
    ///
    /// # Errors
    /// The storage's.
    pub(super) fn count_sending(&self) -> io::Result<usize> {
        let mut count = 0;
        self.storage
            .each_name(Path::new(SENDING), &mut |name| count += usize::from(is_bundle(name)))?;
        Ok(count)
    }

    /// Calls `found` with the name of each bundle file in [`SENT`].
    ///
    /// # Errors
    /// The storage's.
    pub(super) fn each_sent(&self, found: &mut dyn FnMut(&OsStr)) -> io::Result<()> {
        self.make_folders()?;
        self.storage.each_name(Path::new(SENT), &mut |name| {
            if is_bundle(name) {
                found(name);
            }
        })
    }

    /// Length and time of a regular file in [`SENT`].
    pub(super) fn sent_stamp(&self, name: &OsStr) -> Option<Stamp> {
        self.stamp(&Path::new(SENT).join(name)).and_then(Result::ok)
    }

    /// The bundle in a file in [`SENT`], and how the file is.
    pub(super) fn look_at_sent(&self, name: &OsStr) -> Option<(BundleId, Stamp)> {
        let stamp = self.sent_stamp(name)?;
        let file = self.storage.open(&Path::new(SENT).join(name), OpenHow::Read).ok()?;
        Some((BundleFile::open(file).ok()?.id(), stamp))
    }

    /// Removes a file from [`SENT`]; one that is gone is none. Durable after [`sync_sent`](Self::sync_sent).
    ///
    /// # Errors
    /// The storage's.
    pub(super) fn remove_sent(&self, name: &OsStr) -> io::Result<()> {
        match self.storage.remove_file(&Path::new(SENT).join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Makes durable what [`remove_sent`](Self::remove_sent) did.
    ///
    /// # Errors
    /// The storage's; after a crash a file may then be there again.
    pub(super) fn sync_sent(&self) -> io::Result<()> {
        self.storage.sync_dir(Path::new(SENT))
    }

    /// Makes the folders that there are not, or not any more: somebody may tidy up.
    fn make_folders(&self) -> io::Result<()> {
        [SENDING, SENT, REFUSED]
            .into_iter()
            .try_for_each(|folder| ensure_dir(&*self.storage, Path::new(folder), 0o700))
    }

    /// Finds out whether a file can be moved to where it will be, before one has to.
    fn probe(&self) -> Result<(), OutboxError> {
        let probe = Path::new(PROBE);
        if self.storage.stat(probe)?.is_some() {
            self.storage.remove_file(probe)?;
        }
        // Not synced: what a crash leaves of it, wherever, is hidden and in nobody's way.
        drop(self.storage.open(probe, OpenHow::CreateNew { mode: 0o600 })?);
        for folder in [SENDING, SENT, REFUSED] {
            let there = Path::new(folder).join(PROBE);
            let moved = self.storage.rename(probe, &there);
            let back = moved.and_then(|()| self.storage.rename(&there, probe));
            back.map_err(|error| match error.kind() {
                io::ErrorKind::CrossesDevices => OutboxError::Elsewhere { folder },
                _ => OutboxError::Storage(error),
            })?;
        }
        Ok(self.storage.remove_file(probe)?)
    }

    /// Files in [`SENDING`] that nobody has.
    fn left_over(&mut self, room: usize, under_way: impl Fn(&OsStr) -> bool) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        if !self.left_over || room == 0 {
            return Ok(names);
        }
        let mut more = false;
        self.storage.each_name(Path::new(SENDING), &mut |name| {
            if !is_bundle(name) || under_way(name) {
                return;
            }
            more |= names.len() == room;
            if names.len() < room {
                names.push(name.to_owned());
            }
        })?;
        names.sort_unstable();
        names.retain(|name| {
            let found = self.storage.stat(&Path::new(SENDING).join(name));
            matches!(found, Ok(Some(found)) if found.kind == EntryKind::File)
        });
        self.left_over = more;
        Ok(names)
    }

    /// Takes a file that is still as it was seen; `None` if it is not, or is not whole.
    fn claim_one(&mut self, name: &OsStr, now: Moment) -> io::Result<Option<OsString>> {
        let stamp = self.stamp(Path::new(name)).and_then(Result::ok);
        let Some(seen) = self.seen.get_mut(name) else {
            return Ok(None);
        };
        if stamp != Some(seen.stamp) {
            // The next look sees it anew.
            self.seen.remove(name);
            return Ok(None);
        }
        if now.steady.saturating_sub(seen.since) < STALLED && is_cut_short(&*self.storage, name) {
            (seen.due, seen.cut_short) = (now.steady.saturating_add(self.settle), true);
            return Ok(None);
        }
        let claimed = self.put(Path::new(name), name, SENDING, now);
        self.seen.remove(name);
        match claimed {
            Ok(name) => Ok(Some(name)),
            // Whoever put it there has taken it away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Length and time of a regular file in the outbox; why it stays if it is something else, `None` if it is gone.
    fn stamp(&self, path: &Path) -> Option<Result<Stamp, Stays>> {
        let found = self.storage.stat(path).ok()??;
        match found.kind {
            EntryKind::File => {}
            EntryKind::Dir => return Some(Err(Stays::Folder)),
            EntryKind::Symlink => return Some(Err(Stays::Link)),
            EntryKind::Other => return Some(Err(Stays::Special)),
        }
        // One that may not be read is taken, to be refused with the reason.
        let file = self.storage.open(path, OpenHow::Read).ok();
        Some(Ok(Stamp {
            modified: file.map_or(Ok(0), |file| file.modified()).ok()?,
            len: found.len,
        }))
    }

    /// Renames a file to `name` in `folder`, or to one like it that is free there.
    fn put(&self, from: &Path, name: &OsStr, folder: &str, now: Moment) -> io::Result<OsString> {
        let mut to = name.to_owned();
        for more in 0.. {
            match self.storage.rename_noreplace(from, &Path::new(folder).join(&to)) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && more < MOST_TRIES => {
                    to = with_suffix(name, now.time.plus_millis(more));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(to)
    }
}

/// Names that are tried before a file stays where it is.
const MOST_TRIES: u64 = 10_000;

/// Whether a file of this name is taken.
pub(super) fn is_bundle(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.ends_with(EXTENSION) && !name.starts_with(b".")
}

/// Whether somebody may wonder why this is not taken: neither a bundle file nor hidden nor ours.
fn is_other(name: &OsStr) -> bool {
    let ours = [SENDING, SENT, REFUSED].iter().any(|folder| name == *folder);
    !ours && !is_bundle(name) && !name.as_bytes().starts_with(b".")
}

/// Whether a file ends before its own head says: whoever writes it has not come to its end.
fn is_cut_short(storage: &dyn Storage, name: &OsStr) -> bool {
    let opened = storage.open(Path::new(name), OpenHow::Read).map(BundleFile::open);
    matches!(
        opened,
        Ok(Err(
            BundleFileError::HeadCutShort { .. } | BundleFileError::CutShort { .. }
        ))
    )
}

/// `x.bundle` as `x-1700000000000.bundle`, cut to what a name may take.
fn with_suffix(name: &OsStr, time: UnixMillis) -> OsString {
    let stem = name.as_bytes();
    let stem = stem.strip_suffix(EXTENSION).unwrap_or(stem);
    let suffix = format!("-{}", time.0);
    let most = MAX_NAME - EXTENSION.len() - suffix.len();
    let mut end = stem.len().min(most);
    // Not within a character.
    while end > 0 && stem.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
        end -= 1;
    }
    let stem = stem.get(..end).unwrap_or_default();
    OsString::from_vec([stem, suffix.as_bytes(), EXTENSION].concat())
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
