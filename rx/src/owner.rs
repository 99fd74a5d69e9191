//! The one place that changes log and quarantine. Whoever has an [`Owner`] holds the receiver's lock.
//!
//! ```text
//! reassembly ─Arrival─▶ admit_all ─▶ HELD ─▶ scan ─▶ judge_all ─┬─ ALLOW, auto-release ─▶ release ─▶ RELEASED
//!                        │  │  ▲ epoch accept                   ├─ ALLOW or REVIEW ─▶ waits for a person
//!                        │  └▶ WAITING                          └─ REJECT ─▶ REJECTED
//!                        └▶ EVIDENCE         RELEASED, REJECTED ─▶ retire_some ─▶ gone
//! heartbeats, link's state ─▶ link.up, link.silent, …, bundle.missing
//! control socket ─────▶ release, reject, trust add, epoch accept, epoch refuse
//! ```
//!
//! Bundles are admitted and judged in groups of any size: the syncs of a group are as many as those of one bundle.
//!
//! Always true: an event is in the log, synced, before its effect is final; what the log says and a crash undid is redone by
//! [`Owner::open`].

mod admission;
mod aside;
#[cfg(test)]
mod aside_tests;
mod closings;
mod countersign;
#[cfg(test)]
mod countersign_tests;
mod decision;
mod epoch;
#[cfg(test)]
mod flood_tests;
#[cfg(test)]
mod group_tests;
mod life;
mod link;
#[cfg(test)]
mod link_tests;
mod recovery;
mod refusals;
mod rescan;
mod retire;
#[cfg(test)]
mod retire_tests;
mod rules;
#[cfg(test)]
pub(crate) mod testing;
mod trust;
mod verdict;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use audit::event::{Event, EventKind};
use audit::keyfile::{self, KeyFileError};
use audit::log::{Entries, Log, LogError, Receipt};
use audit::storage::{Lock, OpenHow, Storage, replace_durable};
use protocol::digest::BundleId;
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;
use protocol::wire::Announce;
use scanner::additions::RuleFault;
use scanner::quarantine::{Quarantine, QuarantineError, Unfinished};
use scanner::scan::Scanner;
use scanner::taint::lower::Lowering;

use closings::Closings;
use life::Life;
use link::Heard;
use refusals::Refusals;

pub use decision::Asked;
pub use life::LastHeard;
pub use rescan::{Outcome, Rescanned, Target, Which, answer as answer_rescans, scan_released};
pub use verdict::Scan;

use crate::authority::{Authority, AuthorityError};
use crate::clock::{Clock, Wall};
use crate::config::{Config, ConfigError};
use crate::engines::{Engines, Maker};
use crate::home::{self, Home};
use crate::ledger::Ledger;
use crate::outside::Outside;

/// Why the receiver can't own its folder, or go on owning it.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// Another process has the lock.
    #[error("{folder} is in use by another process: a running `diode-rx serve`, or another verb")]
    Locked {
        /// The receiver's folder.
        folder: PathBuf,
    },
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A key file can't be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The log can't be used.
    #[error("the audit log can't be used")]
    Log(#[from] LogError),
    /// The quarantine can't be used.
    #[error("the quarantine can't be used")]
    Quarantine(#[from] QuarantineError),
    /// Trust or policy can't be used.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// Installed rules can't be used.
    #[error("{0}\n  mend    install a file without the fault, or: diode-rx rules remove NAME")]
    Rules(#[from] RuleFault),
    /// The folder can't be used.
    #[error("{what}")]
    Io {
        /// What was done.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Owner of a receiver's folder.
#[derive(Debug)]
pub struct Owner {
    home: Home,
    link: String,
    authority: Authority,
    log: Log,
    ledger: Arc<RwLock<Ledger>>,
    quarantine: Arc<Quarantine>,
    engines: Arc<Engines>,
    clock: Clock,
    wall: Wall,
    /// The log's size at the last high-water mark.
    marked: u64,
    refusals: Refusals,
    closings: Closings,
    life: Life,
    /// Held bundles without a verdict, in the order of their admission.
    unscanned: VecDeque<BundleId>,
    /// Releases that a crash cut short, and whose ending the log had no room for.
    unended: Vec<Unfinished>,
    /// Those whose reports the disk had no room for.
    postponed: Vec<BundleId>,
    /// What policy decided, still to be carried out.
    steps: VecDeque<verdict::Step>,
    heard: Heard,
    retiring: retire::Retiring,
    _lock: Box<dyn Lock>,
}

impl Owner {
    /// Takes the lock, reads the log, and finishes what a crash left undone. What is scanned has its programs parsed by `lowering`.
    ///
    /// # Errors
    /// [`OwnerError::Locked`] if another process owns the folder; else what can't be used.
    pub fn open(home: Home, config: &Config, lowering: Arc<dyn Lowering>) -> Result<Self, OwnerError> {
        let maker = Maker::new(&home, lowering)?;
        Self::open_with(home, config, || maker.load())
    }

    /// The same with engines that are made once the folder is this process's own.
    ///
    /// # Errors
    /// As [`open`](Self::open), or that of the engines.
    pub fn open_with(
        home: Home,
        config: &Config,
        engines: impl FnOnce() -> Result<Engines, OwnerError>,
    ) -> Result<Self, OwnerError> {
        let lock = home.lock().map_err(io_error("the lock can't be taken"))?;
        let lock = lock.ok_or_else(|| OwnerError::Locked {
            folder: home.dir().to_owned(),
        })?;
        if config.limits.sessions < SENT_AT_ONCE {
            tracing::warn!(
                sessions = config.limits.sessions,
                "limits.sessions is less than a transmitter may have under way: they push each other out; set it to 6 or more"
            );
        }
        let parts = Parts {
            log: home
                .sub(home::LOG)
                .map_err(io_error("the log's folder can't be opened"))?,
            quarantine: home
                .sub(home::QUARANTINE)
                .map_err(io_error("the quarantine's folder can't be opened"))?,
            engines: engines()?,
            log_key: keyfile::load(&home.path(home::LOG_KEY))?,
            wall: Wall::default(),
            outside: Outside::default(),
        };
        Self::over(home, config, lock, parts)
    }

    /// [`open`](Self::open) under the home's `lock`, with these parts: whoever simulates a receiver has others than the machine's.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn over(home: Home, config: &Config, lock: Box<dyn Lock>, parts: Parts) -> Result<Self, OwnerError> {
        let Parts {
            log,
            quarantine,
            engines,
            log_key,
            wall,
            outside,
        } = parts;
        let log_disk = Arc::clone(&log);
        let (log, recovery) = Log::open(log, log_key, wall.now())?;
        if let Some(earlier) = read_high_water(&home).map_err(io_error("the high-water mark can't be read"))? {
            log.check_against(&earlier)?;
        }
        let ledger = read_ledger(&log, config)?;
        tracing::debug!(entries = log.size(), ?recovery, "audit log read");
        let clock = Clock::after(ledger.newest());
        let behind_ms = clock.behind(wall.now());
        if behind_ms > TOLERATED_MS {
            tracing::error!(
                behind_ms,
                "ALARM: the system's clock is behind the newest entry of the log; set it right"
            );
        }
        let mut owner = Self {
            link: config.link.clone(),
            authority: Authority::new(config).read_at(outside),
            clock,
            ledger: Arc::new(RwLock::new(ledger)),
            quarantine: Arc::new(
                Quarantine::open(quarantine)?
                    .with_reserve(config.reserve_bytes)
                    .with_keep_limits(config.incomplete),
            ),
            engines: Arc::new(engines),
            wall,
            marked: 0,
            refusals: Refusals::new(log_disk, config.reserve_bytes / 2),
            closings: Closings::default(),
            life: Life::read(&home),
            unscanned: VecDeque::new(),
            unended: Vec::new(),
            postponed: Vec::new(),
            steps: VecDeque::new(),
            heard: Heard::default(),
            retiring: retire::Retiring::new(config.retention, config.incomplete_days),
            home,
            log,
            _lock: lock,
        };
        owner.recover()?;
        unless_full(owner.note_settings())?;
        unless_full(owner.settle_waiting())?;
        owner.plan_retention();
        unless_full(owner.retire_incomplete())?;
        unless_full(owner.publish())?;
        Ok(owner)
    }

    /// The receiver's folder.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The operator's files.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The fold of the log, which this owner keeps up to date.
    #[must_use]
    pub fn ledger(&self) -> Arc<RwLock<Ledger>> {
        self.ledger.clone()
    }

    /// The packed bundles.
    #[must_use]
    pub fn quarantine(&self) -> Arc<Quarantine> {
        self.quarantine.clone()
    }

    /// The engines in force.
    #[must_use]
    pub fn scanner(&self) -> Arc<Scanner> {
        self.engines.current()
    }

    /// The engines, which may be replaced by others.
    #[must_use]
    pub fn engines(&self) -> Arc<Engines> {
        Arc::clone(&self.engines)
    }

    /// The log's entries from `from` on, published or not.
    #[must_use]
    pub fn entries(&self, from: u64) -> Entries<'_> {
        self.log.entries(from)
    }

    /// The next held bundle without a verdict; it is the caller's to scan.
    pub fn next_unscanned(&mut self) -> Option<BundleId> {
        self.unscanned.pop_front()
    }

    /// Whether held bundles wait to be scanned.
    #[must_use]
    pub fn has_unscanned(&self) -> bool {
        !self.unscanned.is_empty()
    }

    /// Whether something was recorded that readers don't see yet.
    #[must_use]
    pub fn has_unpublished(&self) -> bool {
        self.log.size() != self.marked
    }

    /// Makes all that was recorded visible to readers.
    ///
    /// # Errors
    /// If the log can't be published.
    pub fn publish(&mut self) -> Result<(), OwnerError> {
        let checkpoint = self.log.publish()?;
        if self.marked == checkpoint.size() {
            return Ok(());
        }
        self.marked = checkpoint.size();
        let storage = self.home.storage();
        replace_durable(
            &*storage,
            home::HIGH_WATER.as_ref(),
            checkpoint.note().as_bytes(),
            0o600,
        )
        .map_err(|source| OwnerError::Io {
            what: "the high-water mark can't be written".to_owned(),
            source,
        })
    }

    /// The time, never behind the log.
    pub(crate) fn now(&mut self) -> UnixMillis {
        self.clock.at(self.wall.now())
    }

    /// An event of this link, dated now.
    fn event(&mut self, kind: EventKind) -> Event {
        let link = Some(self.link.clone());
        Event {
            link,
            ..Event::new(kind, self.now())
        }
    }

    /// An event about an announced transmission.
    fn event_of(&mut self, kind: EventKind, announce: &Announce) -> Event {
        let epoch = self.with_ledger(|ledger| ledger.epoch_number(announce.number.epoch));
        Event {
            epoch,
            epoch_id: Some(format!("{:016x}", announce.number.epoch)),
            seq: Some(announce.number.sequence),
            bundle: Some(announce.bundle),
            ..self.event(kind)
        }
    }

    /// An event about a bundle that was admitted, or waits.
    fn event_about(&mut self, kind: EventKind, id: BundleId) -> Event {
        let known = self.with_ledger(|ledger| {
            let record = ledger.get(&id).or_else(|| ledger.waiting(&id));
            record.map(|record| (record.number, record.epoch))
        });
        let event = Event {
            bundle: Some(id),
            ..self.event(kind)
        };
        match known {
            None => event,
            Some((number, epoch)) => Event {
                epoch,
                epoch_id: Some(format!("{:016x}", number.epoch)),
                seq: Some(number.sequence),
                ..event
            },
        }
    }

    /// Appends one event and syncs it.
    fn record(&mut self, event: &Event) -> Result<Receipt, OwnerError> {
        let mut receipts = self.record_all(std::slice::from_ref(event))?;
        receipts.pop().ok_or_else(|| OwnerError::Io {
            what: "the log gave no receipt".to_owned(),
            source: io::Error::other("an entry without an index"),
        })
    }

    /// Appends events with one sync, and gives their receipts in their order. Numbers that were closed before go first.
    fn record_all(&mut self, events: &[Event]) -> Result<Vec<Receipt>, OwnerError> {
        let mut closing = self.closings.take();
        if closing.is_empty() {
            return self.append(events);
        }
        // They go by their numbers, and times never go back in a log.
        let earliest = closing.iter().chain(events).map(|event| event.time).min();
        closing
            .iter_mut()
            .for_each(|run| run.time = earliest.unwrap_or(run.time));
        let first = closing.len();
        match self.append(&[closing.as_slice(), events].concat()) {
            Ok(mut receipts) => Ok(receipts.split_off(first)),
            Err(error) => {
                // Where the disk is full only for now, what is not on record goes with the next entry.
                closing.retain(|run| self.with_ledger(|ledger| ledger.lacks(run)));
                self.closings.put_back(closing);
                Err(error)
            }
        }
    }

    fn append(&mut self, events: &[Event]) -> Result<Vec<Receipt>, OwnerError> {
        let mut receipts = Vec::with_capacity(events.len());
        for events in events.chunks(APPENDED_AT_ONCE) {
            let appended = self.log.append(events)?;
            let mut ledger = self.ledger.write().unwrap_or_else(PoisonError::into_inner);
            for (receipt, event) in appended.iter().zip(events) {
                ledger.apply(receipt.index(), event);
            }
            receipts.extend(appended);
        }
        Ok(receipts)
    }

    /// Appends one event that permits no further step.
    fn note(&mut self, event: &Event) -> Result<(), OwnerError> {
        self.record(event).map(drop)
    }

    /// Records that the daemon began or ended.
    ///
    /// # Errors
    /// If the log can't be written.
    pub fn note_daemon(&mut self, kind: EventKind, detail: String) -> Result<(), OwnerError> {
        if kind == EventKind::DaemonStopped {
            self.record_held_back()?;
            self.keep_life();
        }
        let event = Event {
            detail: Some(detail),
            ..self.event(kind)
        };
        unless_full(self.note(&event).and_then(|()| self.publish()))
    }

    /// Records which of the operator's files changed since they were last on record.
    ///
    /// # Errors
    /// If the log can't be written.
    pub fn note_settings(&mut self) -> Result<(), OwnerError> {
        let mut files = self.authority.digests();
        let config = self.home.path(home::CONFIG);
        let bytes = self.authority.outside().read(&config, 1 << 20).ok();
        files.push((
            config.display().to_string(),
            bytes.map(|bytes| protocol::digest::Digest::of(&bytes)),
        ));
        for (path, digest) in files {
            let known = self.with_ledger(|ledger| ledger.setting(&path));
            if digest.is_some() && digest != known {
                let event = Event {
                    path: Some(path),
                    policy: digest,
                    ..self.event(EventKind::ConfigChanged)
                };
                self.note(&event)?;
            }
        }
        self.note_rules()
    }

    fn with_ledger<T>(&self, read: impl FnOnce(&Ledger) -> T) -> T {
        read(&self.ledger.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What an owner works with, besides its folder's settings.
#[derive(Debug)]
pub struct Parts {
    /// The log's folder.
    pub log: Arc<dyn Storage>,
    /// The quarantine's folder.
    pub quarantine: Arc<dyn Storage>,
    /// The engines.
    pub engines: Engines,
    /// What signs the log's checkpoints.
    pub log_key: SigningKey,
    /// What tells the date.
    pub wall: Wall,
    /// Where the operator's files are.
    pub outside: Outside,
}

impl OwnerError {
    /// Whether a disk had no room for what was to be recorded, which nothing was done about then.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Log(error) => error.is_full(),
            Self::Io { source, .. } => source.kind() == io::ErrorKind::StorageFull,
            _ => false,
        }
    }
}

/// The ledger as the whole log has it.
fn read_ledger(log: &Log, config: &Config) -> Result<Ledger, OwnerError> {
    let mut ledger = Ledger::with_quotas(config.quotas);
    for entry in log.entries(0) {
        let (index, event) = entry?;
        ledger.apply(index, &event);
    }
    Ok(ledger)
}

/// What a full disk keeps out of the log here permits nothing, and is no reason to show and decide nothing either.
fn unless_full(outcome: Result<(), OwnerError>) -> Result<(), OwnerError> {
    match outcome {
        Err(error) if error.is_full() => {
            tracing::error!(%error, "the disk is full: make room at the log's folder");
            Ok(())
        }
        outcome => outcome,
    }
}

fn io_error(what: &'static str) -> impl FnOnce(io::Error) -> OwnerError {
    move |source| OwnerError::Io {
        what: what.to_owned(),
        source,
    }
}

/// The checkpoint that was last kept outside the log, if there is one.
fn read_high_water(home: &Home) -> io::Result<Option<String>> {
    let file = home.storage().open(home::HIGH_WATER.as_ref(), OpenHow::Read);
    match file.and_then(|file| file.read_all(64 << 10)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(bytes) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| io::Error::other("it is not UTF-8")),
    }
}

/// Transmissions that one transmitter has under way at most.
const SENT_AT_ONCE: usize = 6;

/// Entries of the greatest length, so many of which the log takes as one group.
const APPENDED_AT_ONCE: usize = 1000;

/// Milliseconds by which a clock may be behind its own log: what a time server sets right.
const TOLERATED_MS: u64 = 1000;
