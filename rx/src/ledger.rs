//! What the audit log says of every bundle, folded into what the receiver must know: which ids and numbers are used up, and in which
//! state each bundle is.
//!
//! ```text
//! bundle.waiting ──▶ Waiting ──bundle.removed──▶ forgotten       bundle.evidence ──▶ Evidence
//!                       │
//! bundle.admitted ─▶ Held ──bundle.release_decided──▶ Held, decided ──bundle.released──▶ Released
//!                     │ ▲ ▲─────bundle.release_cancelled──┘
//!                     │ └─ bundle.countersigned
//!                     └──bundle.rejected──▶ Rejected         Released, Rejected ──bundle.removed──▶ the same, its files gone
//! ```
//!
//! Always true:
//! - a number belongs to the bundle that was admitted under it, or came again under it as a duplicate, for ever; what waits has its number meanwhile;
//! - evidence uses up neither its id nor a number.
//!
//! The log is the truth; this is rebuilt from it at every start.

mod closed;
mod epochs;
mod missing;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use audit::event::{Event, EventKind, State, Verdict};
use protocol::digest::{BundleId, Digest};
use protocol::sequences::SequenceRange;
use protocol::time::UnixMillis;
use protocol::wire::LinkNumber;

pub use closed::LONGEST_RUN;
pub use epochs::{Acceptance, Epoch};
pub use standing::{Quotas, Replay, Standing, Wait};

use closed::Closed;
use epochs::Epochs;

/// What is known of a bundle that was received.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its place on the link.
    pub number: LinkNumber,
    /// The epoch's number for people; `None` as long as the epoch is not accepted.
    pub epoch: Option<u32>,
    /// Its state.
    pub state: State,
    /// Whether its release was decided and not yet done.
    pub decided: bool,
    /// Whether a verdict is on record.
    pub scanned: bool,
    /// The rules that the last verdict was made with.
    pub rules: Option<Digest>,
    /// The entry that admitted it, or set it aside, with its index.
    pub admitted: (u64, Event),
    /// The entries since, with their indices.
    pub history: Vec<(u64, EventKind)>,
    /// The entry that made its present state, with its index.
    pub latest: (u64, Event),
    /// The heads that it came with: as it was admitted, and with each further signature. Empty if they are not on record.
    pub heads: Vec<Digest>,
    /// Signers who signed it besides, once it was held.
    pub countersigned: u8,
    /// The verdict that its release was decided on.
    pub decided_on: Option<Verdict>,
    /// The last scan of it since its release.
    pub rescanned: Option<Box<Event>>,
    /// Set once its files were given up, after it was decided on.
    pub removed: Option<Removal>,
}

/// That the files of a bundle that was decided on were given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The entry that says so.
    pub index: u64,
    /// When.
    pub time: UnixMillis,
    /// Why, as a code.
    pub reason: Option<String>,
    /// Why, for people.
    pub detail: Option<String>,
}

/// A file of the operator's, as it was last on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its digest.
    pub digest: Digest,
    /// Since when.
    pub since: UnixMillis,
}

/// What lies in quarantine besides the admitted bundles.
#[derive(Debug, Default)]
struct Aside {
    bundles: BTreeMap<BundleId, Record>,
    /// Bytes of their files.
    bytes: u64,
}

/// The fold of the log.
#[derive(Debug, Default)]
pub struct Ledger {
    bundles: BTreeMap<BundleId, Record>,
    waiting: Aside,
    evidence: Aside,
    /// What waited and was given up.
    removed: BTreeSet<BundleId>,
    /// The numbers of what was admitted.
    numbers: BTreeMap<LinkNumber, BundleId>,
    /// Those that it used up by coming again.
    closed: Closed,
    /// The numbers of what waits.
    claimed: BTreeMap<LinkNumber, BundleId>,
    epochs: Epochs,
    newest: Option<UnixMillis>,
    settings: BTreeMap<String, Setting>,
    /// All rules together.
    rules: Option<Digest>,
    quotas: Quotas,
}

impl Ledger {
    /// An empty ledger that allows so much to be set aside.
    #[must_use]
    pub fn with_quotas(quotas: Quotas) -> Self {
        Self {
            quotas,
            ..Self::default()
        }
    }

    /// Takes the next entry.
    pub fn apply(&mut self, index: u64, event: &Event) {
        self.newest = self.newest.max(Some(event.time));
        let epoch = epoch_id(event);
        match (event.event, epoch) {
            (EventKind::EpochAccepted, Some(epoch)) => return self.epochs.accept(epoch, event.seq_last, event.time),
            (EventKind::EpochRefused, Some(epoch)) => return self.epochs.refuse(epoch, event.time),
            (kind, Some(epoch)) => {
                let claimed = &self.claimed;
                let waits = |epoch| claimed.range(all_of(epoch)).next().is_some();
                self.epochs.note(epoch, event.time, waits);
                if let Some(sequence) = event.seq.filter(|_| self.loses(kind, epoch)) {
                    self.epochs.lose(LinkNumber { epoch, sequence });
                }
            }
            (EventKind::ConfigChanged, None) => self.note_setting(event),
            (_, None) => {}
        }
        if let (Some(epoch), Some(range)) = (epoch, range(event)) {
            match event.event {
                EventKind::BundleMissing => self.epochs.tell_missing(epoch, range),
                EventKind::BundleVoid => self.epochs.add_void(epoch, range),
                _ => {}
            }
        }
        let Some(id) = event.bundle else { return };
        match event.event {
            EventKind::BundleAdmitted => self.admit(id, index, event),
            EventKind::BundleWaiting => self.wait(id, index, event),
            EventKind::BundleEvidence => self.keep(id, index, event),
            EventKind::BundleRemoved => self.remove(id, index, event),
            EventKind::BundleDuplicate => self.close(id, event),
            _ => self.go_on(id, index, event),
        }
    }

    /// Whether an entry says of a number that its bundle came, and was not kept, although the transmitter may never speak of it again. Of an
    /// accepted epoch its heartbeats tell.
    fn loses(&self, kind: EventKind, epoch: u64) -> bool {
        match kind {
            EventKind::BundleRemoved => true,
            EventKind::BundleRefused | EventKind::BundleIncomplete => self.epochs.number(epoch).is_none(),
            _ => false,
        }
    }

    fn note_setting(&mut self, event: &Event) {
        self.rules = event.rules.or(self.rules);
        let Some(path) = &event.path else { return };
        match event.policy.or(event.digest) {
            Some(digest) => {
                let since = event.time;
                self.settings.insert(path.clone(), Setting { digest, since });
            }
            None if event.digest_before.is_some() => _ = self.settings.remove(path),
            None => {}
        }
    }

    fn admit(&mut self, id: BundleId, index: u64, event: &Event) {
        let number = number(event);
        let waited = self.waiting.bundles.get(&id).map(|record| record.number);
        self.stop_waiting(&id);
        if let Some(waited) = waited.filter(|waited| *waited != number) {
            self.keep_number(id, waited);
        }
        let epoch = self.epochs.used(number.epoch, event.time);
        self.numbers.insert(number, id);
        self.epochs.use_up(number);
        self.bundles.insert(id, record(index, event, State::Held, Some(epoch)));
    }

    /// The number that a bundle waited under stays its own, though it was admitted under another: it is here, and nobody else's.
    fn keep_number(&mut self, id: BundleId, number: LinkNumber) {
        // One that waits for lying far ahead is no reason to believe in all those before it.
        let plausible = |epoch: &Epoch| epoch.used.check(number.sequence).is_ok();
        if self.epochs.get(number.epoch).is_some_and(plausible) {
            self.epochs.use_up(number);
        }
        self.closed.insert(id, number);
    }

    fn wait(&mut self, id: BundleId, index: u64, event: &Event) {
        self.removed.remove(&id);
        self.claimed.insert(number(event), id);
        let epoch = self.epochs.number(number(event).epoch);
        self.waiting.insert(id, record(index, event, State::Waiting, epoch));
    }

    fn keep(&mut self, id: BundleId, index: u64, event: &Event) {
        self.removed.remove(&id);
        self.evidence.insert(id, record(index, event, State::Evidence, None));
    }

    fn stop_waiting(&mut self, id: &BundleId) {
        self.removed.remove(id);
        if let Some(record) = self.waiting.remove(id) {
            self.claimed.remove(&record.number);
        }
    }

    fn remove(&mut self, id: BundleId, index: u64, event: &Event) {
        match event.state {
            Some(State::Waiting) => {
                self.stop_waiting(&id);
                self.removed.insert(id);
            }
            Some(was @ (State::Released | State::Rejected)) => {
                if let Some(record) = self.bundles.get_mut(&id).filter(|record| record.state == was) {
                    record.history.push((index, event.event));
                    record.removed = Some(Removal {
                        index,
                        time: event.time,
                        reason: event.reason.clone(),
                        detail: event.detail.clone(),
                    });
                }
            }
            Some(State::Held | State::Evidence) | None => {}
        }
    }

    /// A duplicate says nothing of the bundle that was admitted, but uses up the numbers that it came under.
    fn close(&mut self, id: BundleId, event: &Event) {
        let numbers = range(event).map(|range| range.first()..=range.last());
        let LinkNumber { epoch, .. } = number(event);
        for sequence in numbers.into_iter().flatten().take(LONGEST_RUN as usize) {
            let number = LinkNumber { epoch, sequence };
            if self.closes(id, number) {
                self.closed.insert(id, number);
                self.epochs.use_up(number);
            }
        }
    }

    /// Whether an entry that closes numbers closes its first one still.
    #[must_use]
    pub fn lacks(&self, closing: &Event) -> bool {
        closing.bundle.is_some_and(|id| self.closes(id, number(closing)))
    }

    /// An entry about an admitted bundle. A refusal of the same id says nothing of the one that was admitted.
    fn go_on(&mut self, id: BundleId, index: u64, event: &Event) {
        let Some(record) = self.bundles.get_mut(&id) else {
            return;
        };
        match event.event {
            EventKind::BundleScanned => {
                record.scanned = true;
                record.rules = event.rules;
            }
            EventKind::BundleReleaseDecided => {
                record.decided = true;
                record.decided_on = event.verdict;
            }
            EventKind::BundleReleaseCancelled => record.decided = false,
            EventKind::BundleReleased => (record.state, record.decided) = (State::Released, false),
            EventKind::BundleRejected => (record.state, record.decided) = (State::Rejected, false),
            EventKind::BundleHeld => {}
            // It says what would be, not what is.
            EventKind::BundleRescanned => {
                record.rescanned = Some(Box::new(event.clone()));
                return record.history.push((index, event.event));
            }
            // It says nothing of the state, nor of the verdict.
            EventKind::BundleCountersigned => {
                record.countersigned = record.countersigned.saturating_add(1);
                record.heads.extend(event.head);
                return record.history.push((index, event.event));
            }
            _ => return,
        }
        record.history.push((index, event.event));
        record.latest = (index, event.clone());
    }

    /// Takes note that the signatures added to a bundle are gone: the heads that brought them may bring them again.
    pub fn forget_signatures(&mut self, id: &BundleId) {
        if let Some(record) = self.bundles.get_mut(id) {
            record.heads.truncate(1);
        }
    }

    /// The time of the newest entry.
    #[must_use]
    pub fn newest(&self) -> UnixMillis {
        self.newest.unwrap_or(UnixMillis(0))
    }

    /// The digest that a settings file had when it was last on record.
    #[must_use]
    pub fn setting(&self, path: &str) -> Option<Digest> {
        self.settings.get(path).map(|setting| setting.digest)
    }

    /// Since when a settings file is as it is.
    #[must_use]
    pub fn since(&self, path: &str) -> Option<UnixMillis> {
        self.settings.get(path).map(|setting| setting.since)
    }

    /// The settings files whose paths begin so.
    #[must_use]
    pub fn settings_below(&self, folder: &str) -> Vec<String> {
        let paths = self.settings.keys().filter(|path| path.starts_with(folder));
        paths.cloned().collect()
    }

    /// The digest that all rules had together when it was last on record.
    #[must_use]
    pub fn rules(&self) -> Option<Digest> {
        self.rules
    }

    /// The number for people of an epoch, once it is accepted.
    #[must_use]
    pub fn epoch_number(&self, epoch: u64) -> Option<u32> {
        self.epochs.number(epoch)
    }

    /// The number for people that the next accepted epoch gets.
    #[must_use]
    pub fn next_epoch_number(&self) -> u32 {
        self.epochs.next_number()
    }

    /// Every epoch that was heard of: those that are accepted in the order of their numbers, then the others.
    #[must_use]
    pub fn epochs(&self) -> Vec<(u64, &Epoch)> {
        self.epochs.all()
    }

    /// What is known of an epoch.
    #[must_use]
    pub fn epoch(&self, epoch: u64) -> Option<&Epoch> {
        self.epochs.get(epoch)
    }

    /// An admitted bundle.
    #[must_use]
    pub fn get(&self, id: &BundleId) -> Option<&Record> {
        self.bundles.get(id)
    }

    /// A bundle that waits to be admitted.
    #[must_use]
    pub fn waiting(&self, id: &BundleId) -> Option<&Record> {
        self.waiting.bundles.get(id)
    }

    /// The bundles that came under a number of another one, and are kept as evidence.
    pub fn evidence_under(&self, number: LinkNumber) -> impl Iterator<Item = BundleId> + '_ {
        let under = self
            .evidence
            .bundles
            .iter()
            .filter(move |(_, record)| record.number == number);
        under.map(|(id, _)| *id)
    }

    /// All admitted bundles, in the order of their admission.
    #[must_use]
    pub fn bundles(&self) -> Vec<(BundleId, &Record)> {
        in_order(self.bundles.iter())
    }

    /// All that lies in quarantine, each bundle once: the admitted, what waits, and evidence, in the order in which they came.
    #[must_use]
    pub fn all(&self) -> Vec<(BundleId, &Record)> {
        let evidence = self.evidence.bundles.iter();
        let apart = evidence.filter(|(id, _)| !self.bundles.contains_key(id) && !self.waiting.bundles.contains_key(id));
        in_order(self.bundles.iter().chain(&self.waiting.bundles).chain(apart))
    }

    /// What waited and was given up.
    pub fn removed(&self) -> impl Iterator<Item = BundleId> + '_ {
        self.removed.iter().copied()
    }

    /// All of [`all`](Self::all), and the evidence of bundles that were admitted besides, or wait.
    #[must_use]
    pub fn listed(&self) -> Vec<(BundleId, &Record)> {
        let everything = self.bundles.iter().chain(&self.waiting.bundles);
        in_order(everything.chain(&self.evidence.bundles))
    }

    /// What is kept of a bundle as evidence: that it came under another one's number.
    #[must_use]
    pub fn evidence(&self, id: &BundleId) -> Option<&Record> {
        self.evidence.bundles.get(id)
    }

    /// The bundles whose id begins with `prefix` (lower-case hex).
    #[must_use]
    pub fn matching(&self, prefix: &str) -> Vec<(BundleId, &Record)> {
        self.all()
            .into_iter()
            .filter(|(id, _)| id.to_string().starts_with(prefix))
            .collect()
    }
}

impl Aside {
    fn insert(&mut self, id: BundleId, record: Record) {
        self.remove(&id);
        self.bytes = self.bytes.saturating_add(file_bytes(&record));
        self.bundles.insert(id, record);
    }

    fn remove(&mut self, id: &BundleId) -> Option<Record> {
        let record = self.bundles.remove(id)?;
        self.bytes = self.bytes.saturating_sub(file_bytes(&record));
        Some(record)
    }
}

fn file_bytes(record: &Record) -> u64 {
    record.admitted.1.file_bytes.unwrap_or(0)
}

fn in_order<'a>(records: impl Iterator<Item = (&'a BundleId, &'a Record)>) -> Vec<(BundleId, &'a Record)> {
    let mut all: Vec<_> = records.map(|(id, record)| (*id, record)).collect();
    all.sort_by_key(|(_, record)| record.admitted.0);
    all
}

fn epoch_id(event: &Event) -> Option<u64> {
    let hex = event.epoch_id.as_deref()?;
    u64::from_str_radix(hex, 16).ok()
}

fn number(event: &Event) -> LinkNumber {
    LinkNumber {
        epoch: epoch_id(event).unwrap_or(0),
        sequence: event.seq.unwrap_or(0),
    }
}

/// The numbers that an entry is about.
fn range(event: &Event) -> Option<SequenceRange> {
    let first = event.seq?;
    SequenceRange::new(first, event.seq_last.unwrap_or(first))
}

/// Every number of an epoch.
fn all_of(epoch: u64) -> RangeInclusive<LinkNumber> {
    let number = |sequence| LinkNumber { epoch, sequence };
    number(0)..=number(u64::MAX)
}

fn record(index: u64, event: &Event, state: State, epoch: Option<u32>) -> Record {
    Record {
        number: number(event),
        epoch,
        state,
        decided: false,
        scanned: false,
        rules: None,
        admitted: (index, event.clone()),
        history: vec![(index, event.event)],
        latest: (index, event.clone()),
        heads: event.head.into_iter().collect(),
        countersigned: 0,
        decided_on: None,
        rescanned: None,
        removed: None,
    }
}

#[cfg(test)]
mod tests;
