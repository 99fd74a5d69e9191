//! Which sequence number belongs to which bundle: the audit log itself, folded.
//!
//! ```text
//! log:   epoch_id   bundle.bound 1 = a   bundle.sent 1   bundle.bound 2 = b   bundle.stopped 2 …
//! fold:  epoch      { a: 1, b: 2 }       next = 3        open = { }
//!
//! bind(a) ──▶ Bound { number 1 }     known already: the same number, nothing is written
//! bind(c) ──▶ append, sync ──▶ Bound { number 3 }
//! ```
//!
//! Always true:
//! - a [`Bound`] is only made of a number whose entry is durable, and nothing is sent without one;
//! - a number belongs to one bundle for ever, and a bundle to one number;
//! - what the log says twice, or in contradiction, is an error: numbers are never guessed;
//! - a number is open from its binding until an entry says how a sending under it ended.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use audit::event::{Event, EventKind};
use audit::log::{Checkpoint, Entries, Log, LogError, LogReader, Receipt, Recovery};
use audit::storage::Storage;
use protocol::digest::BundleId;
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;
use protocol::wire::{LinkNumber, SessionId};

use super::removal::Removal;

/// The numbers that were given, and the log that says so.
#[derive(Debug)]
pub(super) struct Ledger {
    log: Log,
    epoch: u64,
    numbers: BTreeMap<BundleId, u64>,
    given: BTreeMap<u64, BundleId>,
    open: BTreeSet<u64>,
    /// Numbers that an earlier transmitter skipped, from the lowest on.
    voids: Vec<RangeInclusive<u64>>,
}

/// The numbers that were given, as far as is published: read without the lock.
#[derive(Debug)]
pub(super) struct Given {
    epoch: u64,
    given: BTreeMap<u64, BundleId>,
}

/// A bundle's number on the link, whose entry is durable. Used up by the entry of how the sending ended.
#[derive(Debug)]
pub(super) struct Bound {
    number: LinkNumber,
    bundle: BundleId,
    bytes: u64,
    files: u64,
    actor: Option<String>,
    again: bool,
}

/// Why the ledger can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum LedgerError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log has no entry with the epoch.
    #[error("the audit log names no epoch: it is not a transmitter's")]
    NoEpoch,
    /// An entry that no transmitter writes.
    #[error("entry {index} of the audit log contradicts what stands before it: {what}")]
    Contradiction {
        /// The entry's place in the log.
        index: u64,
        /// What does not fit.
        what: &'static str,
    },
    /// Every number is given.
    #[error("this epoch has no sequence number left")]
    Exhausted,
}

/// What an entry says of a bundle.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) bundle: BundleId,
    /// Bytes of content.
    pub(super) bytes: u64,
    pub(super) files: u64,
    /// Who asked for it, if it is not whoever runs this process.
    pub(super) actor: Option<String>,
}

/// How a sending ended.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    /// Absent if it was not begun.
    pub(super) session: Option<SessionId>,
    pub(super) blocks: u64,
    pub(super) duration_ms: u64,
    /// Why it was stopped: a code and a text. `None` if all was sent.
    pub(super) stopped: Option<(&'static str, String)>,
}

impl Ledger {
    /// Makes the log, and writes the epoch into it.
    ///
    /// # Errors
    /// [`LedgerError::Log`].
    pub(super) fn create(
        storage: Arc<dyn Storage>,
        key: SigningKey,
        epoch: u64,
        now: UnixMillis,
    ) -> Result<Self, LedgerError> {
        let mut log = Log::create(storage, &format!("diode-tx/{epoch:016x}"), key, now)?;
        let detail = Some("a new epoch begins".to_owned());
        let entry = Event {
            epoch_id: Some(hex(epoch)),
            detail,
            ..Event::new(EventKind::ConfigChanged, now)
        };
        log.append(&[entry])?;
        log.publish()?;
        Ok(Self {
            log,
            epoch,
            numbers: BTreeMap::new(),
            given: BTreeMap::new(),
            open: BTreeSet::new(),
            voids: Vec::new(),
        })
    }

    /// Opens the log and folds its entries.
    ///
    /// # Errors
    /// [`LedgerError`]; the state is then as it was, but for what opening a log repairs.
    pub(super) fn open(
        storage: Arc<dyn Storage>,
        key: SigningKey,
        now: UnixMillis,
    ) -> Result<(Self, Recovery), LedgerError> {
        let (log, recovery) = Log::open(storage, key, now)?;
        let mut folded = Folded::default();
        for entry in log.entries(0) {
            let (index, event) = entry?;
            folded
                .handle(&event)
                .map_err(|what| LedgerError::Contradiction { index, what })?;
        }
        let Folded {
            epoch,
            numbers,
            given,
            open,
            ..
        } = folded;
        let ledger = Self {
            log,
            epoch: epoch.ok_or(LedgerError::NoEpoch)?,
            numbers,
            voids: voids(&given),
            given,
            open,
        };
        Ok((ledger, recovery))
    }

    /// Writes down why the epoch began, and where what was before it is kept.
    ///
    /// # Errors
    /// [`LedgerError::Log`].
    pub(super) fn note_beginning(&mut self, reason: &str, before: &Path, now: UnixMillis) -> Result<(), LedgerError> {
        let entry = Event {
            epoch_id: Some(hex(self.epoch)),
            reason: Some("epoch-new".to_owned()),
            detail: Some(reason.to_owned()),
            path: Some(before.display().to_string()),
            ..Event::new(EventKind::ConfigChanged, self.time(now))
        };
        self.log.append(&[entry])?;
        self.publish()
    }

    /// The transmitter's epoch.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The number that a bundle has, if it was ever given one.
    pub(super) fn number_of(&self, bundle: &BundleId) -> Option<u64> {
        self.numbers.get(bundle).copied()
    }

    /// The highest number that was given; 0 if none was.
    pub(super) fn highest(&self) -> u64 {
        self.given.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// The numbers of which no entry says yet how a sending under them ended, from the lowest on.
    pub(super) fn open_numbers(&self) -> impl Iterator<Item = u64> {
        self.open.iter().copied()
    }

    /// The numbers up to the highest that were given to nobody, and never will be; from the lowest range on.
    pub(super) fn voids(&self) -> &[RangeInclusive<u64>] {
        &self.voids
    }

    /// What was last published of the log: its size, and the root over so many entries.
    pub(super) fn checkpoint(&self) -> &Checkpoint {
        self.log.checkpoint()
    }

    /// Gives each bundle its number: the one that it has, or the next, which is durable when this returns. All new numbers are one
    /// group of the log, synced once.
    ///
    /// # Errors
    /// [`LedgerError`]; none of the bundles must then be sent. Whether new numbers are bound shows when the log is next opened.
    pub(super) fn bind(&mut self, bundles: &[Facts], now: UnixMillis) -> Result<Vec<Bound>, LedgerError> {
        let mut fresh: BTreeMap<BundleId, u64> = BTreeMap::new();
        let (mut highest, mut bounds) = (self.highest(), Vec::new());
        for facts in bundles {
            let Facts {
                bundle,
                bytes,
                files,
                actor,
            } = facts;
            let known = self.number_of(bundle).or_else(|| fresh.get(bundle).copied());
            let sequence = match known {
                Some(sequence) => sequence,
                None => highest.checked_add(1).ok_or(LedgerError::Exhausted)?,
            };
            if known.is_none() {
                highest = sequence;
                fresh.insert(*bundle, sequence);
            }
            let number = LinkNumber {
                epoch: self.epoch,
                sequence,
            };
            bounds.push(Bound {
                number,
                bundle: *bundle,
                bytes: *bytes,
                files: *files,
                actor: actor.clone(),
                again: known.is_some(),
            });
        }
        let time = self.time(now);
        let entries: Vec<_> = (bounds.iter().filter(|bound| !bound.again))
            .map(|bound| bound.event(EventKind::BundleBound, time))
            .collect();
        if !entries.is_empty() {
            let _ = self.log.append(&entries)?;
        }
        for (bundle, number) in &fresh {
            self.given.insert(*number, *bundle);
            self.open.insert(*number);
        }
        self.numbers.append(&mut fresh);
        Ok(bounds)
    }

    /// Writes how sendings ended, as one group, and gives the entries' places in the log.
    ///
    /// # Errors
    /// [`LedgerError::Log`]; the numbers stay bound.
    pub(super) fn end(&mut self, ended: &[(&Bound, Outcome)], now: UnixMillis) -> Result<Vec<u64>, LedgerError> {
        let time = self.time(now);
        let entries: Vec<_> = ended
            .iter()
            .map(|(bound, outcome)| bound.ended(outcome, time))
            .collect();
        let receipts = self.log.append(&entries)?;
        for (bound, _) in ended {
            self.open.remove(&bound.number.sequence);
        }
        Ok(receipts.iter().map(Receipt::index).collect())
    }

    /// Writes that nobody goes on with the sending under these numbers, which are open.
    ///
    /// # Errors
    /// [`LedgerError::Log`]; they stay open.
    pub(super) fn close(&mut self, numbers: &[u64], now: UnixMillis) -> Result<(), LedgerError> {
        let time = self.time(now);
        let entry = |number: &u64| Event {
            epoch_id: Some(hex(self.epoch)),
            seq: Some(*number),
            bundle: self.given.get(number).copied(),
            reason: Some("abandoned".to_owned()),
            detail: Some("nothing says how its sending ended, and nobody goes on with it".to_owned()),
            ..Event::new(EventKind::BundleStopped, time)
        };
        let entries: Vec<_> = numbers.iter().map(entry).collect();
        if !entries.is_empty() {
            let _ = self.log.append(&entries)?;
        }
        for number in numbers {
            self.open.remove(number);
        }
        Ok(())
    }

    /// Writes that files of bundles which were sent are kept no longer, as one group: durable when this returns.
    ///
    /// # Errors
    /// [`LedgerError::Log`]; none of them must then be removed.
    pub(super) fn note_removed(&mut self, removals: &[Removal], now: UnixMillis) -> Result<(), LedgerError> {
        let time = self.time(now);
        let entry = |removal: &Removal| {
            removal.event(Event {
                epoch_id: Some(hex(self.epoch)),
                seq: self.number_of(&removal.bundle),
                ..Event::new(EventKind::BundleRemoved, time)
            })
        };
        let entries: Vec<_> = removals.iter().map(entry).collect();
        if !entries.is_empty() {
            let _ = self.log.append(&entries)?;
        }
        Ok(())
    }

    /// When each bundle was sent, the last time; reads the whole log.
    ///
    /// # Errors
    /// [`LedgerError::Log`].
    pub(super) fn sent_times(&self) -> Result<BTreeMap<BundleId, UnixMillis>, LedgerError> {
        let mut times = BTreeMap::new();
        for entry in self.log.entries(0) {
            let (_, event) = entry?;
            if let (EventKind::BundleSent, Some(bundle)) = (event.event, event.bundle) {
                times.insert(bundle, event.time);
            }
        }
        Ok(times)
    }

    /// Publishes what was written: tiles and a signed checkpoint.
    ///
    /// # Errors
    /// [`LedgerError::Log`]; the entries are durable all the same.
    pub(super) fn publish(&mut self) -> Result<(), LedgerError> {
        self.log.publish()?;
        Ok(())
    }

    /// The time of the newest entry.
    pub(super) fn newest_time(&self) -> UnixMillis {
        self.time(UnixMillis(0))
    }

    /// The log's entries from `from` on, published or not.
    pub(super) fn entries(&self, from: u64) -> Entries<'_> {
        self.log.entries(from)
    }

    /// A clock that was put back does not put the log's time back.
    fn time(&self, now: UnixMillis) -> UnixMillis {
        self.log.newest_time().map_or(now, |newest| newest.max(now))
    }
}

impl Given {
    /// Reads a log that another process may be writing.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub(super) fn read(storage: Arc<dyn Storage>) -> Result<Self, LedgerError> {
        let (reader, mut folded, mut next) = (LogReader::open(storage)?, Folded::default(), 0);
        loop {
            let entries = reader.read(next, READ_AT_ONCE)?;
            let Some((last, _)) = entries.last() else { break };
            next = last + 1;
            for (index, event) in &entries {
                let contradiction = |what| LedgerError::Contradiction { index: *index, what };
                folded.handle(event).map_err(contradiction)?;
            }
        }
        Ok(Self {
            epoch: folded.epoch.ok_or(LedgerError::NoEpoch)?,
            given: folded.given,
        })
    }

    /// The transmitter's epoch.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The highest number that was given; 0 if none was.
    pub(super) fn highest(&self) -> u64 {
        self.given.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// The bundle that a number was given to.
    pub(super) fn bundle_of(&self, number: u64) -> Option<BundleId> {
        self.given.get(&number).copied()
    }
}

/// Entries in memory at once.
const READ_AT_ONCE: usize = 4096;

impl LedgerError {
    /// Whether the disk was full, and nothing was written: what was to be done may be tried again.
    pub(super) fn is_full(&self) -> bool {
        let full = |kind| matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        matches!(self, Self::Log(LogError::Io { source, .. }) if full(source.kind()))
    }
}

impl Bound {
    /// Epoch and sequence number.
    pub(super) fn number(&self) -> LinkNumber {
        self.number
    }

    /// The bundle.
    pub(super) fn bundle(&self) -> BundleId {
        self.bundle
    }

    /// Whether the bundle had its number before.
    pub(super) fn is_again(&self) -> bool {
        self.again
    }

    fn ended(&self, outcome: &Outcome, now: UnixMillis) -> Event {
        let kind = match outcome.stopped {
            Some(_) => EventKind::BundleStopped,
            None => EventKind::BundleSent,
        };
        let (reason, detail) = outcome.stopped.clone().unzip();
        Event {
            session: outcome.session.map(|session| session.to_string()),
            blocks: Some(outcome.blocks),
            duration_ms: Some(outcome.duration_ms),
            reason: reason.map(str::to_owned),
            detail,
            ..self.event(kind, now)
        }
    }

    fn event(&self, kind: EventKind, now: UnixMillis) -> Event {
        Event {
            epoch_id: Some(hex(self.number.epoch)),
            seq: Some(self.number.sequence),
            bundle: Some(self.bundle),
            bytes: Some(self.bytes),
            files: Some(self.files),
            actor: self.actor.clone(),
            ..Event::new(kind, now)
        }
    }
}

/// What the entries say, one after another.
#[derive(Debug, Default)]
struct Folded {
    epoch: Option<u64>,
    epoch_id: String,
    numbers: BTreeMap<BundleId, u64>,
    given: BTreeMap<u64, BundleId>,
    open: BTreeSet<u64>,
}

impl Folded {
    fn handle(&mut self, event: &Event) -> Result<(), &'static str> {
        match (&self.epoch, &event.epoch_id) {
            (_, None) => {}
            (None, Some(id)) => {
                self.epoch = Some(u64::from_str_radix(id, 16).map_err(|_| "its epoch is not 16 hex digits")?);
                self.epoch_id.clone_from(id);
            }
            (Some(_), Some(id)) if *id == self.epoch_id => {}
            (Some(_), Some(_)) => return Err("it is of another epoch"),
        }
        match (event.event, event.seq) {
            (EventKind::BundleBound, _) => {}
            (EventKind::BundleSent | EventKind::BundleStopped, Some(number)) => {
                self.open.remove(&number);
                return Ok(());
            }
            _ => return Ok(()),
        }
        let (Some(number), Some(bundle)) = (event.seq, event.bundle) else {
            return Err("it binds, and lacks the number or the bundle");
        };
        if self.epoch.is_none() || event.epoch_id.is_none() {
            return Err("it binds a number of no epoch");
        }
        if number == 0 {
            return Err("it binds the number 0");
        }
        if self.given.insert(number, bundle).is_some() {
            return Err("its number was bound before");
        }
        if self.numbers.insert(bundle, number).is_some() {
            return Err("its bundle had a number before");
        }
        self.open.insert(number);
        Ok(())
    }
}

/// The numbers between those that were given. What is given from now on leaves none.
fn voids(given: &BTreeMap<u64, BundleId>) -> Vec<RangeInclusive<u64>> {
    let before = [0].into_iter().chain(given.keys().copied());
    let gap = |(before, number): (u64, &u64)| (number - before > 1).then(|| before + 1..=number - 1);
    before.zip(given.keys()).filter_map(gap).collect()
}

fn hex(epoch: u64) -> String {
    format!("{epoch:016x}")
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
