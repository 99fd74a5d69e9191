//! What a log acknowledged, as an outsider wrote it down: no crash may take any of it back, nor change its place.

use std::fmt;

use audit::event::{Event, EventKind};
use audit::log::{Entries, verify};
use audit::storage::{OpenHow, Storage};
use protocol::time::UnixMillis;

use super::violation::{Invariant, Violation};

/// All entries of a log that were ever acknowledged.
#[derive(Debug)]
pub(super) struct Record {
    whose: &'static str,
    events: Vec<Event>,
}

impl Record {
    /// Of this host.
    pub(super) fn new(whose: &'static str) -> Self {
        Self {
            whose,
            events: Vec::new(),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        self.events.len() as u64
    }

    /// Takes entries that follow those known, and gives them back.
    pub(super) fn take(&mut self, entries: Entries<'_>) -> Result<Vec<Event>, Violation> {
        let mut fresh = Vec::new();
        for entry in entries {
            // A disk that fails while it is read says nothing of the log; what follows is taken later.
            let Ok((index, event)) = entry else { break };
            if index != self.len() {
                return Err(self.broken(format!("entry {index} follows {}", self.len())));
            }
            self.push(event.clone())?;
            fresh.push(event);
        }
        Ok(fresh)
    }

    /// Time never goes back in a log, whatever the host's clock does.
    fn push(&mut self, event: Event) -> Result<(), Violation> {
        let before = self.newest();
        if event.time < before {
            let (index, at) = (self.len(), event.time);
            return Err(self.broken(format!("entry {index} of {at} follows one of {before}: {event:?}")));
        }
        self.events.push(event);
        Ok(())
    }

    /// Compares all entries of a log that was opened again with those known; what is more than those is new, and given back.
    pub(super) fn compare(&mut self, entries: Entries<'_>) -> Result<Vec<Event>, Violation> {
        let (mut known, mut fresh) = (0, Vec::new());
        for entry in entries {
            let (index, event) = entry.map_err(|error| self.broken(format!("it can't be read: {error}")))?;
            match self.events.get(known) {
                Some(acknowledged) if *acknowledged == event => known += 1,
                Some(acknowledged) => {
                    return Err(self.broken(format!("entry {index} was {acknowledged:?}, and is {event:?}")));
                }
                None => {
                    self.push(event.clone())?;
                    known += 1;
                    fresh.push(event);
                }
            }
        }
        match self.events.get(known) {
            None => Ok(fresh),
            Some(gone) => Err(self.broken(format!("entry {known} was acknowledged and is gone: {gone:?}"))),
        }
    }

    /// Verifies the log in this folder with the key that its first entry tells.
    pub(super) fn verify(&self, storage: &dyn Storage) -> Result<(), Violation> {
        let file = storage.open("log.vkey".as_ref(), OpenHow::Read);
        let vkey = file.and_then(|file| file.read_all(4096)).unwrap_or_default();
        match verify(storage, String::from_utf8_lossy(&vkey).trim_end()) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.broken(format!("it does not verify: {error}"))),
        }
    }

    /// The time of the newest entry.
    pub(super) fn newest(&self) -> UnixMillis {
        self.events.last().map_or(UnixMillis(0), |event| event.time)
    }

    /// How many entries of a kind there are.
    pub(super) fn count(&self, kind: EventKind) -> usize {
        self.events.iter().filter(|event| event.event == kind).count()
    }

    fn broken(&self, what: impl fmt::Display) -> Violation {
        Invariant::Log.broken(format!("{} log: {what}", self.whose))
    }
}
