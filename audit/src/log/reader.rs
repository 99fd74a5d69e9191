//! Reading entries: by the writer, and by anyone else while it writes.

use std::sync::Arc;

use super::Log;
use super::error::LogError;
use super::files::{CHECKPOINT, read_checkpoint, read_entries, read_vkey};
use super::note::{Checkpoint, Vkey};
use super::tile::{Kind, TILE_WIDTH, Tile};
use crate::event::Event;
use crate::storage::Storage;

/// A log open for reading: without key or lock, also while a daemon writes it. It sees what is published.
///
/// The checkpoint's signature is checked with the `log.vkey` of the same folder, and each entry against its hash:
/// enough to notice damage. Proof against whoever could write the folder is [`verify`](super::verify()) with a key from
/// elsewhere.
#[derive(Debug, Clone)]
pub struct LogReader {
    storage: Arc<dyn Storage>,
    vkey: Vkey,
}

impl LogReader {
    /// Opens the log in this folder.
    ///
    /// # Errors
    /// [`LogError::NotALog`] if there is none.
    pub fn open(storage: Arc<dyn Storage>) -> Result<Self, LogError> {
        let vkey = read_vkey(&*storage)?;
        Ok(Self { storage, vkey })
    }

    /// The key that the folder says the log has.
    #[must_use]
    pub fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// The checkpoint as of now.
    ///
    /// # Errors
    /// [`LogError::NotALog`] if there is none, [`LogError::Note`] if its signature does not hold.
    pub fn checkpoint(&self) -> Result<Checkpoint, LogError> {
        read_checkpoint(&*self.storage, CHECKPOINT, &self.vkey)?.ok_or(LogError::NotALog { missing: CHECKPOINT })
    }

    /// Published entries as of now.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub fn size(&self) -> Result<u64, LogError> {
        Ok(self.checkpoint()?.size())
    }

    /// Up to `max` events from entry `from` on, with their index; none if no more are published.
    ///
    /// # Errors
    /// [`LogError::Entry`] and the like for a log that was changed; [`LogError::Event`] for an event that is not known
    /// here.
    pub fn read(&self, from: u64, max: usize) -> Result<Vec<(u64, Event)>, LogError> {
        self.read_raw(from, max)?
            .into_iter()
            .map(|(index, entry)| parse(index, &entry))
            .collect()
    }

    /// As [`read`](Self::read), the entries as they were written.
    ///
    /// # Errors
    /// As [`read`](Self::read), but for [`LogError::Event`].
    pub fn read_raw(&self, from: u64, max: usize) -> Result<Vec<(u64, Vec<u8>)>, LogError> {
        let size = self.size()?;
        let mut read = Vec::new();
        let mut next = from;
        while next < size && read.len() < max {
            let Some(bundle) = Tile::of_size(Kind::Entries, next / TILE_WIDTH, size) else {
                break;
            };
            let first = bundle.index * TILE_WIDTH;
            let entries = (first..).zip(read_entries(&*self.storage, bundle)?);
            read.extend(entries.filter(|(index, _)| *index >= next).take(max - read.len()));
            next = first.saturating_add(u64::from(bundle.width));
        }
        Ok(read)
    }
}

/// The entries of a [`Log`], read a bundle at a time. After an error it ends.
#[derive(Debug)]
pub struct Entries<'a> {
    log: &'a Log,
    next: u64,
    bundle: std::vec::IntoIter<Vec<u8>>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(log: &'a Log, from: u64) -> Self {
        Self {
            log,
            next: from,
            bundle: Vec::new().into_iter(),
        }
    }

    fn refill(&mut self) -> Result<(), LogError> {
        let tail = &self.log.tail;
        let number = self.next / TILE_WIDTH;
        let skip = usize::try_from(self.next % TILE_WIDTH).unwrap_or(0);
        let entries = if self.next >= tail.first {
            tail.from(self.next).take(TILE_WIDTH as usize).cloned().collect()
        } else {
            let mut entries = read_entries(&*self.log.storage, Tile::full(Kind::Entries, number))?;
            entries.drain(..skip.min(entries.len()));
            entries
        };
        self.bundle = entries.into_iter();
        Ok(())
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<(u64, Event), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.log.size() {
            return None;
        }
        if self.bundle.len() == 0
            && let Err(error) = self.refill()
        {
            self.next = u64::MAX;
            return Some(Err(error));
        }
        let entry = self.bundle.next()?;
        let parsed = parse(self.next, &entry);
        self.next = if parsed.is_ok() { self.next + 1 } else { u64::MAX };
        Some(parsed)
    }
}

fn parse(index: u64, entry: &[u8]) -> Result<(u64, Event), LogError> {
    Event::parse(entry)
        .map(|event| (index, event))
        .map_err(|source| LogError::Event { index, source })
}
