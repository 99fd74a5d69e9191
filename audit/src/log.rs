//! The audit log: a tree of entries that anyone can verify, fed by a write-ahead log that no crash empties.
//!
//! ```text
//!            append                          publish
//! events ──▶ .state/wal ──fdatasync──▶ Receipt      ──▶ tile/entries, tile/<level> ──▶ .state/high-water ──▶ checkpoint
//!            one write a group                          write, sync, rename, sync folder     each before the next
//! ```
//!
//! Folder: `checkpoint`, `tile/`, `log.vkey` for everyone (C2SP tlog-tiles); `.state/` for the writer alone.
//! `FORMAT.md` describes each byte.
//!
//! Always true:
//! - an entry with a [`Receipt`] survives any crash, in its place;
//! - nothing is published, or shown by [`LogReader`], before its group is durable;
//! - the checkpoint covers only what is durable, and never takes back an entry that an earlier one covered;
//! - after a sync that failed, the log takes nothing more: what is on disk is then unknown;
//! - a restart publishes the same bytes as if it had not happened.

mod edge;
mod error;
mod files;
mod note;
mod publish;
mod reader;
mod records;
mod recover;
mod tile;
mod verifier;
mod wal;

use std::path::Path;
use std::sync::Arc;

use protocol::digest::{BundleId, Digest};
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;

pub use error::LogError;
pub use note::{Checkpoint, NoteError, Vkey};
pub use reader::{Entries, LogReader};
pub use recover::Recovery;
pub use verifier::{Verified, WalState, verify};

use self::edge::Edge;
use self::error::{Failure, io};
use self::files::{CHECKPOINT, LOCK, STATE_DIR, TEMPORARY_DIR, VKEY, note as note_error};
use self::tile::{TILE_DIR, TILE_WIDTH};
use self::wal::{WAL_DIR, Wal};
use crate::event::{Event, EventKind};
use crate::storage::{Lock, Storage, write_new_durable};

/// A log open for writing. One process at a time: it holds `.state/lock`.
#[derive(Debug)]
pub struct Log {
    storage: Arc<dyn Storage>,
    key: SigningKey,
    vkey: Vkey,
    wal: Wal,
    published: Checkpoint,
    /// The right edge of the published tree.
    edge: Edge,
    tail: Tail,
    newest: Option<UnixMillis>,
    /// Why nothing more is taken, after a failure that left the disk in doubt.
    poisoned: Option<String>,
    _lock: Box<dyn Lock>,
}

/// Proof that an entry is durable in the log. Only [`Log::append`] makes one, and it cannot be copied: what demands a
/// receipt cannot happen before its entry, nor twice for one.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a receipt is what the next step demands"]
pub struct Receipt {
    index: u64,
    kind: EventKind,
    bundle: Option<BundleId>,
}

impl Receipt {
    /// The entry's place in the log.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// What the entry says happened.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        self.kind
    }

    /// The bundle that the entry is about.
    #[must_use]
    pub fn bundle(&self) -> Option<BundleId> {
        self.bundle
    }
}

impl Log {
    /// Makes a log in an empty folder; its first entry, `log.created`, is published when this returns. `origin` names
    /// the log for ever, for example `plant-7/audit`.
    ///
    /// # Errors
    /// [`LogError::Exists`] if the folder has a log, or part of one; [`LogError::Note`] for a name that cannot be one.
    pub fn create(storage: Arc<dyn Storage>, origin: &str, key: SigningKey, now: UnixMillis) -> Result<Self, LogError> {
        let vkey = Vkey::new(origin, key.public()).map_err(note_error("the log's name"))?;
        for name in [VKEY, CHECKPOINT, TILE_DIR, STATE_DIR] {
            if storage
                .stat(Path::new(name))
                .map_err(io("look into the folder"))?
                .is_some()
            {
                return Err(LogError::Exists { found: name });
            }
        }
        for (name, mode) in [
            (STATE_DIR, 0o700),
            (WAL_DIR, 0o700),
            (TEMPORARY_DIR, 0o700),
            (TILE_DIR, 0o755),
        ] {
            storage
                .create_dir(Path::new(name), mode)
                .map_err(io("create a folder"))?;
        }
        for name in ["", STATE_DIR] {
            storage.sync_dir(Path::new(name)).map_err(io("sync a folder"))?;
        }
        let lock = take_lock(&*storage)?;
        let edge = Edge::default();
        let published = Checkpoint::sign(origin, 0, edge.root(), &key).map_err(note_error(CHECKPOINT))?;
        let mut log = Self {
            wal: Wal::new(),
            tail: Tail::default(),
            newest: None,
            poisoned: None,
            _lock: lock,
            storage,
            key,
            vkey,
            published,
            edge,
        };
        let created = Event {
            detail: Some(log.vkey.to_string()),
            ..Event::new(EventKind::LogCreated, now)
        };
        let _ = log.append(&[created])?;
        log.publish()?;
        // Last: a folder without it is a creation that was interrupted.
        let text = format!("{}\n", log.vkey);
        write_new_durable(&*log.storage, Path::new(VKEY), text.as_bytes(), 0o644).map_err(io("write log.vkey"))?;
        Ok(log)
    }

    /// Opens a log for writing, and recovers it from whatever a crash left: replays the write-ahead log, cuts a torn
    /// last group, and then says so in an entry `log.recovered`. What no crash explains is refused.
    ///
    /// # Errors
    /// [`LogError::Locked`], [`LogError::WrongKey`], and the integrity errors (see [`LogError::is_integrity`]) for a
    /// log that was changed, damaged or rolled back.
    pub fn open(storage: Arc<dyn Storage>, key: SigningKey, now: UnixMillis) -> Result<(Self, Recovery), LogError> {
        recover::open(storage, key, now)
    }

    /// Writes the events as one group, and returns when they are durable. All of them, or none, survive a crash before
    /// that.
    ///
    /// # Errors
    /// [`LogError::TooLarge`] over 16 MiB. After a failed sync the log is poisoned: this call says what failed, every
    /// later one [`LogError::Poisoned`]. After any other error nothing was appended, and the call may be repeated.
    pub fn append(&mut self, events: &[Event]) -> Result<Vec<Receipt>, LogError> {
        self.refuse_poisoned()?;
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let entries: Vec<_> = events.iter().map(Event::to_entry).collect();
        let first = self.size();
        let all_published = first == self.published.size();
        let written = self.wal.append(&*self.storage, first, &entries, all_published);
        written.map_err(|failure| self.failed(failure))?;
        self.tail.extend(entries);
        self.newest = self.newest.max(events.iter().map(|event| event.time).max());
        let receipt = |(index, event): (u64, &Event)| Receipt {
            index,
            kind: event.event,
            bundle: event.bundle,
        };
        Ok((first..).zip(events).map(receipt).collect())
    }

    /// Publishes all that was appended: entries, tiles, high-water mark, checkpoint, each durable before the next. With
    /// nothing new it does nothing.
    ///
    /// # Errors
    /// [`LogError::Conflict`] if another file stands where a tile belongs. After that, or a failed sync, the log is
    /// poisoned: every later call says [`LogError::Poisoned`]. After any other error the call may be repeated.
    pub fn publish(&mut self) -> Result<Checkpoint, LogError> {
        self.refuse_poisoned()?;
        publish::publish(self).map_err(|failure| self.failed(failure))?;
        Ok(self.published.clone())
    }

    /// Entries in the log, published or not.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tail.end()
    }

    /// What was last published.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.published
    }

    /// The log's public key.
    #[must_use]
    pub fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// Whether an earlier failure left it unknown what is on disk, so that nothing more is taken until a restart.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned.is_some()
    }

    /// The latest time of any entry known without reading the whole log: of those appended since the start and those
    /// around the end. Time never goes back behind it.
    #[must_use]
    pub fn newest_time(&self) -> Option<UnixMillis> {
        self.newest
    }

    /// The entries from `from` on, published or not, one bundle of 256 in memory at a time. Each is checked against its
    /// hash.
    #[must_use]
    pub fn entries(&self, from: u64) -> Entries<'_> {
        Entries::new(self, from)
    }

    /// Whether this log still holds all that an earlier checkpoint of it covered: for a copy kept elsewhere, against a
    /// folder that was rolled back together with its own mark.
    ///
    /// # Errors
    /// [`LogError::RolledBack`] if it does not; [`LogError::Note`] if the copy is not this log's.
    pub fn check_against(&self, earlier: &str) -> Result<(), LogError> {
        let earlier = Checkpoint::open(earlier, &self.vkey).map_err(note_error("the checkpoint kept elsewhere"))?;
        recover::check_holds(self, &earlier)
    }

    /// The hash of each entry that is not published yet, from the first on.
    fn unpublished(&self) -> impl Iterator<Item = Digest> {
        self.tail
            .from(self.published.size())
            .map(|entry| protocol::merkle::leaf_hash(entry))
    }

    fn refuse_poisoned(&self) -> Result<(), LogError> {
        match &self.poisoned {
            Some(why) => Err(LogError::Poisoned { why: why.clone() }),
            None => Ok(()),
        }
    }

    fn failed(&mut self, failure: Failure) -> LogError {
        match failure {
            Failure::Clean(error) => error,
            Failure::Fatal(error) => {
                self.poisoned = Some(match std::error::Error::source(&error) {
                    Some(source) => format!("{error}: {source}"),
                    None => error.to_string(),
                });
                error
            }
        }
    }
}

fn take_lock(storage: &dyn Storage) -> Result<Box<dyn Lock>, LogError> {
    storage
        .lock(Path::new(LOCK))
        .map_err(io("take the lock"))?
        .ok_or(LogError::Locked)
}

/// The entries that the next publication needs: from the start of the partial bundle on.
#[derive(Debug, Default)]
struct Tail {
    first: u64,
    entries: Vec<Vec<u8>>,
}

impl Tail {
    fn end(&self) -> u64 {
        self.first.saturating_add(self.entries.len() as u64)
    }

    fn extend(&mut self, entries: Vec<Vec<u8>>) {
        self.entries.extend(entries);
    }

    /// The entries from `index` on.
    fn from(&self, index: u64) -> impl Iterator<Item = &Vec<u8>> {
        self.entries
            .iter()
            .skip(usize::try_from(index.saturating_sub(self.first)).unwrap_or(usize::MAX))
    }

    /// Lets go of bundles that a tree of `published` entries has whole.
    fn forget_before(&mut self, published: u64) {
        let keep = published / TILE_WIDTH * TILE_WIDTH;
        let gone = usize::try_from(keep.saturating_sub(self.first))
            .unwrap_or(usize::MAX)
            .min(self.entries.len());
        self.entries.drain(..gone);
        self.first = self.first.max(keep);
    }
}

#[cfg(test)]
#[path = "log/crash_tests.rs"]
mod crash_tests;
#[cfg(test)]
#[path = "log/tests.rs"]
mod tests;
