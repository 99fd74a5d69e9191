//! What an outsider knows of the receiver, and what must then be true: of each entry as it appears in the log, and of the quarantine's
//! files.
//!
//! ```text
//! sent: announces, bundles ─┐
//! log: entry after entry ───┴─▶ Model ─▶ where each bundle must be, byte for byte ◀─compared─ quarantine/
//! ```
//!
//! It knows no type of the receiver's: it folds the log by itself, so that a fault of the receiver's own fold is seen.
//!
//! Always true of a log: nothing of an epoch is admitted before its acceptance; a number is missing once at most, never one that came, and only
//! after two heartbeats said that its last packet was sent; a number is one bundle's for ever; what is removed was let out or rejected, or is
//! what an incomplete transmission left.

use std::collections::{BTreeMap, BTreeSet};

use audit::event::{Event, EventKind, State, Verdict};
use protocol::digest::BundleId;
use protocol::wire::LinkNumber;

use super::bundles::Bundle;
use super::heard::Heard;
use super::kept::Leftovers;
use super::violation::{Invariant, Violation};

/// Who decides for the operator.
pub(super) const PERSON: &str = "operator";

/// Where the log says that a bundle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Admitted.
    Held,
    /// Its release is decided, and neither done nor cancelled.
    Decided,
    /// Let out.
    Released,
    /// Put away.
    Rejected,
}

/// An admitted bundle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Admitted {
    pub(super) number: LinkNumber,
    pub(super) stage: Stage,
    /// Whether it waits for a person.
    pub(super) waits: bool,
    /// Whether its release was decided at any time.
    pub(super) was_decided: bool,
    /// Whether it was kept long enough, and is given up.
    pub(super) removed: bool,
}

/// What the log said so far.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) bundles: BTreeMap<BundleId, Admitted>,
    /// What came under another bundle's number.
    pub(super) evidence: BTreeSet<BundleId>,
    /// What waits for a person to accept its epoch, and as what.
    pub(super) waiting: BTreeMap<BundleId, LinkNumber>,
    /// Whose each number is.
    numbers: BTreeMap<LinkNumber, BundleId>,
    /// Numbers that became somebody's since all that waited for the registrar was on record.
    recent: BTreeSet<LinkNumber>,
    /// Numbers that were told to be missing.
    told: BTreeSet<LinkNumber>,
    /// Epochs that nobody accepted when they were heard of.
    undecided: BTreeSet<u64>,
    /// Epochs that count.
    accepted: BTreeSet<u64>,
    /// Whether anything that was let out or rejected is ever removed.
    has_retention: bool,
}

impl Model {
    /// Of an empty log; `has_retention` says whether anything that was let out or rejected is ever removed.
    pub(super) fn new(has_retention: bool) -> Self {
        Self {
            has_retention,
            ..Self::default()
        }
    }

    /// Whether a number belongs to another bundle than this.
    pub(super) fn is_taken_from(&self, number: LinkNumber, id: &BundleId) -> bool {
        let owner = self.numbers.get(&number);
        owner.is_some_and(|owner| owner != id) || self.waiting.iter().any(|(other, at)| *at == number && other != id)
    }

    /// Whether a bundle was admitted, or waits.
    pub(super) fn holds(&self, id: &BundleId) -> bool {
        self.bundles.contains_key(id) || self.waiting.contains_key(id)
    }

    /// All that waited for the registrar is on record: what comes next knows whose each number is.
    pub(super) fn handle_idle(&mut self) {
        self.recent.clear();
    }

    /// The epochs that a person has to decide on.
    pub(super) fn undecided(&self) -> Vec<u64> {
        self.undecided.difference(&self.accepted).copied().collect()
    }

    /// Whether what is missing of an epoch is told.
    pub(super) fn misses(&self, epoch: u64) -> bool {
        self.accepted.is_empty() || self.accepted.contains(&epoch)
    }

    /// Whether a number came, waits, or was told to be missing.
    pub(super) fn accounts_for(&self, number: LinkNumber) -> bool {
        self.has_come(number) || self.told.contains(&number)
    }

    fn has_come(&self, number: LinkNumber) -> bool {
        self.numbers.contains_key(&number) || self.waiting.values().any(|at| *at == number)
    }

    /// Takes the next entry of the log.
    pub(super) fn take(
        &mut self,
        event: &Event,
        announced: &BTreeSet<(LinkNumber, BundleId)>,
        heard: &mut Heard,
        kept: &mut Leftovers,
    ) -> Result<(), Violation> {
        if let Some(detail) = &event.detail
            && (detail.contains("this is a defect") || event.reason.as_deref() == Some("quarantine-alarm"))
        {
            return Err(Invariant::Alive.broken(format!("the log tells of what no fault explains: {event:?}")));
        }
        match event.event {
            EventKind::EpochAccepted => return self.accept_epoch(event, heard),
            EventKind::EpochHeard => self.undecided.extend(epoch_of(event)),
            EventKind::BundleMissing => return self.miss(event, heard),
            _ => {}
        }
        let Some(id) = event.bundle else { return Ok(()) };
        match event.event {
            EventKind::BundleAdmitted => self.admit(event, id, verified(event, id, announced)?),
            EventKind::BundleWaiting => self.wait(event, id, verified(event, id, announced)?),
            EventKind::BundleRemoved if event.state.is_none() => kept.handle_removal(event, id),
            EventKind::BundleRemoved => self.remove(event, id),
            EventKind::BundleEvidence => self.set_aside(event, id, verified(event, id, announced)?),
            EventKind::BundleDuplicate => self.close(event, id),
            _ => self.go_on(event, id),
        }
    }

    /// An entry about what became of a bundle after it was admitted.
    fn go_on(&mut self, event: &Event, id: BundleId) -> Result<(), Violation> {
        let Some(known) = self.bundles.get_mut(&id) else {
            return match IN_QUARANTINE.contains(&event.event) {
                true => Err(Invariant::Verified.broken(format!("an entry about a bundle never admitted: {event:?}"))),
                false => Ok(()),
            };
        };
        let by_person = event.actor.as_deref() == Some(PERSON);
        let verdict = Bundle::named(&id).map_or(Verdict::Reject, |bundle| bundle.verdict);
        let released = |what: &str| Err(Invariant::Released.broken(format!("{what}: {event:?}, {known:?}")));
        match event.event {
            EventKind::BundleScanned if event.verdict != Some(verdict) => {
                return released("another verdict than policy has for it");
            }
            EventKind::BundleHeld => known.waits = true,
            EventKind::BundleReleaseDecided => {
                let may = verdict == Verdict::Allow || (verdict == Verdict::Review && by_person);
                if !may || known.stage != Stage::Held {
                    return released("a release that nobody may decide");
                }
                (known.stage, known.was_decided, known.waits) = (Stage::Decided, true, false);
            }
            EventKind::BundleReleased => {
                if known.stage != Stage::Decided {
                    return released("a release without a decision");
                }
                known.stage = Stage::Released;
            }
            EventKind::BundleReleaseCancelled => {
                if known.stage != Stage::Decided {
                    return released("a cancellation without a decision");
                }
                known.stage = Stage::Held;
            }
            EventKind::BundleRejected => {
                if known.stage != Stage::Held || !(verdict == Verdict::Reject || by_person) {
                    return released("a rejection that nobody may decide");
                }
                (known.stage, known.waits) = (Stage::Rejected, false);
            }
            _ => {}
        }
        Ok(())
    }

    fn admit(&mut self, event: &Event, id: BundleId, number: LinkNumber) -> Result<(), Violation> {
        if !self.accepted.contains(&number.epoch) {
            return Err(Invariant::Number.broken(format!("its epoch was never accepted: {event:?}")));
        }
        // What waited may have come again under a number that counts; that of its first coming stays its own.
        if let Some(waited) = self.waiting.remove(&id).filter(|waited| *waited != number) {
            self.own(waited, id);
        }
        let admitted = Admitted {
            number,
            stage: Stage::Held,
            waits: false,
            was_decided: false,
            removed: false,
        };
        if let Some(before) = self.bundles.insert(id, admitted) {
            return Err(
                Invariant::OneAdmission.broken(format!("admitted again: {event:?}, before as {:?}", before.number))
            );
        }
        if let Some(before) = self.numbers.insert(number, id) {
            return Err(Invariant::OneAdmission.broken(format!("the number was {before}'s: {event:?}")));
        }
        self.recent.insert(number);
        Ok(())
    }

    fn wait(&mut self, event: &Event, id: BundleId, number: LinkNumber) -> Result<(), Violation> {
        self.undecided.insert(number.epoch);
        self.recent.insert(number);
        let must = !self.misses(number.epoch) && !self.has_come(number) && !self.bundles.contains_key(&id);
        match must && self.waiting.insert(id, number).is_none() {
            true => Ok(()),
            false => Err(Invariant::Number.broken(format!("it need not wait, or has its number already: {event:?}"))),
        }
    }

    /// The first epoch is accepted by itself, any other by whoever may.
    fn accept_epoch(&mut self, event: &Event, heard: &mut Heard) -> Result<(), Violation> {
        let first = event.reason.as_deref() == Some("first") && self.accepted.is_empty();
        let by_person = event.actor.as_deref() == Some(PERSON);
        match epoch_of(event) {
            Some(epoch) if (first || by_person) && self.accepted.insert(epoch) => {
                heard.handle_acceptance();
                Ok(())
            }
            _ => Err(Invariant::Number.broken(format!("an epoch that nobody accepted, or accepted before: {event:?}"))),
        }
    }

    fn miss(&mut self, event: &Event, heard: &mut Heard) -> Result<(), Violation> {
        let wrong = |what: &str| Err(Invariant::Number.broken(format!("{what}: {event:?}")));
        let Some(first) = number_of(event) else {
            return wrong("nothing in particular is missing");
        };
        let last = last_of(event, first);
        if last >= heard.may_tell_below(first.epoch) {
            return wrong("told to be missing before two heartbeats said that it was sent");
        }
        heard.handle_telling();
        for sequence in first.sequence..=last {
            let number = LinkNumber { sequence, ..first };
            if self.has_come(number) {
                return wrong("told to be missing, and it is here");
            }
            if !self.told.insert(number) {
                return wrong("told twice to be missing");
            }
        }
        Ok(())
    }

    /// What is removed was let out or rejected, and the operator wants it removed some time.
    fn remove(&mut self, event: &Event, id: BundleId) -> Result<(), Violation> {
        let stage = match event.state {
            Some(State::Released) => Some(Stage::Released),
            Some(State::Rejected) => Some(Stage::Rejected),
            _ => None,
        };
        match self.bundles.get_mut(&id) {
            Some(known) if Some(known.stage) == stage && !known.removed && self.has_retention => {
                known.removed = true;
                Ok(())
            }
            known => Err(Invariant::OneAdmission.broken(format!("removed, and it is {known:?}: {event:?}"))),
        }
    }

    /// The numbers under which an admitted bundle came once more are that bundle's, if they were nobody's: of two that were turned away before
    /// either was on record the first has them.
    fn close(&mut self, event: &Event, id: BundleId) -> Result<(), Violation> {
        if self.waiting.contains_key(&id) {
            return Ok(());
        }
        let (Some(first), true) = (number_of(event), self.bundles.contains_key(&id)) else {
            return Err(Invariant::Verified.broken(format!("a duplicate of nothing: {event:?}")));
        };
        for sequence in first.sequence..=last_of(event, first) {
            let number = LinkNumber { sequence, ..first };
            match (self.is_taken_from(number, &id), self.recent.contains(&number)) {
                (false, _) => self.own(number, id),
                (true, true) => {}
                (true, false) => {
                    return Err(Invariant::Number.broken(format!("{number:?} was another's before it came: {event:?}")));
                }
            }
        }
        Ok(())
    }

    /// A number becomes a bundle's, or is already.
    fn own(&mut self, number: LinkNumber, id: BundleId) {
        if self.numbers.insert(number, id).is_none() {
            self.recent.insert(number);
        }
    }

    fn set_aside(&mut self, event: &Event, id: BundleId, number: LinkNumber) -> Result<(), Violation> {
        match self.is_taken_from(number, &id) && self.evidence.insert(id) {
            true => Ok(()),
            false => Err(Invariant::Number.broken(format!("no evidence, or kept already: {event:?}"))),
        }
    }
}

/// The number of a bundle of which the log says that it came whole and verified.
fn verified(
    event: &Event,
    id: BundleId,
    announced: &BTreeSet<(LinkNumber, BundleId)>,
) -> Result<LinkNumber, Violation> {
    let (Some(number), Some(bundle)) = (number_of(event), Bundle::named(&id)) else {
        return Err(Invariant::Verified.broken(format!("nobody sent this bundle: {event:?}")));
    };
    if !announced.contains(&(number, id)) {
        return Err(Invariant::Verified.broken(format!("no announce says so: {event:?}")));
    }
    match bundle.flaw {
        Some(flaw) => Err(Invariant::Verified.broken(format!("taken, and {flaw:?}: {event:?}"))),
        None => Ok(number),
    }
}

/// What can only be said of a bundle that was admitted.
const IN_QUARANTINE: [EventKind; 8] = [
    EventKind::BundleScanned,
    EventKind::BundleHeld,
    EventKind::BundleReleaseDecided,
    EventKind::BundleReleased,
    EventKind::BundleReleaseCancelled,
    EventKind::BundleRejected,
    EventKind::BundleRecalled,
    EventKind::BundleCountersigned,
];

fn epoch_of(event: &Event) -> Option<u64> {
    u64::from_str_radix(event.epoch_id.as_deref()?, 16).ok()
}

fn number_of(event: &Event) -> Option<LinkNumber> {
    Some(LinkNumber {
        epoch: epoch_of(event)?,
        sequence: event.seq?,
    })
}

/// The last sequence number that an entry is about, whose first is this.
fn last_of(event: &Event, first: LinkNumber) -> u64 {
    event.seq_last.unwrap_or(first.sequence)
}
