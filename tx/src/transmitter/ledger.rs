//! Which sequence number belongs to which bundle: the audit log itself, folded.
//!
//! ```text
//! log:   epoch_id   bundle.bound 1 = a   bundle.sent 1   bundle.bound 2 = b   bundle.stopped 2 …
//! fold:  epoch      { a: 1, b: 2 }       next = 3
//!
//! bind(a) ──▶ Bound { number 1 }     known already: the same number, nothing is written
//! bind(c) ──▶ append, sync ──▶ Bound { number 3 }
//! ```
//!
//! Always true:
//! - a [`Bound`] is only made of a number whose entry is durable, and nothing is sent without one;
//! - a number belongs to one bundle for ever, and a bundle to one number;
//! - what the log says twice, or in contradiction, is an error: numbers are never guessed.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use audit::event::{Event, EventKind};
use audit::log::{Log, LogError, Receipt, Recovery};
use audit::storage::Storage;
use protocol::digest::BundleId;
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;
use protocol::wire::{LinkNumber, SessionId};

/// The numbers that were given, and the log that says so.
#[derive(Debug)]
pub(super) struct Ledger {
    log: Log,
    epoch: u64,
    numbers: BTreeMap<BundleId, u64>,
    highest: u64,
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
            highest: 0,
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
            epoch, numbers, given, ..
        } = folded;
        let epoch = epoch.ok_or(LedgerError::NoEpoch)?;
        let highest = given.last_key_value().map_or(0, |(number, _)| *number);
        Ok((
            Self {
                log,
                epoch,
                numbers,
                highest,
            },
            recovery,
        ))
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
        self.highest
    }

    /// Gives each bundle its number: the one that it has, or the next, which is durable when this returns. All new numbers are one
    /// group of the log, synced once.
    ///
    /// # Errors
    /// [`LedgerError`]; none of the bundles must then be sent. Whether new numbers are bound shows when the log is next opened.
    pub(super) fn bind(&mut self, bundles: &[Facts], now: UnixMillis) -> Result<Vec<Bound>, LedgerError> {
        let mut fresh: BTreeMap<BundleId, u64> = BTreeMap::new();
        let (mut highest, mut bounds) = (self.highest, Vec::new());
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
        self.numbers.append(&mut fresh);
        self.highest = highest;
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
        Ok(receipts.iter().map(Receipt::index).collect())
    }

    /// Publishes what was written: tiles and a signed checkpoint.
    ///
    /// # Errors
    /// [`LedgerError::Log`]; the entries are durable all the same.
    pub(super) fn publish(&mut self) -> Result<(), LedgerError> {
        self.log.publish()?;
        Ok(())
    }

    /// A clock that was put back does not put the log's time back.
    fn time(&self, now: UnixMillis) -> UnixMillis {
        self.log.newest_time().map_or(now, |newest| newest.max(now))
    }
}

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
        if event.event != EventKind::BundleBound {
            return Ok(());
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
        Ok(())
    }
}

fn hex(epoch: u64) -> String {
    format!("{epoch:016x}")
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
