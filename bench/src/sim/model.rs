//! What an outsider knows of the receiver, and what must then be true: of each entry as it appears in the log, and of the quarantine's
//! files.
//!
//! ```text
//! sent: announces, bundles ─┐
//! log: entry after entry ───┴─▶ Model ─▶ where each bundle must be, byte for byte ◀─compared─ quarantine/
//! ```
//!
//! It knows no type of the receiver's: it folds the log by itself, so that a fault of the receiver's own fold is seen.

use std::collections::{BTreeMap, BTreeSet};

use audit::event::{Event, EventKind, Verdict};
use protocol::digest::BundleId;
use protocol::wire::LinkNumber;

use super::bundles::Bundle;
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
}

/// What the log said so far.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) bundles: BTreeMap<BundleId, Admitted>,
    /// What came under another bundle's number.
    pub(super) evidence: BTreeSet<BundleId>,
    /// Whose each number is.
    numbers: BTreeMap<LinkNumber, BundleId>,
}

impl Model {
    /// Whether a number belongs to another bundle than this.
    pub(super) fn is_taken_from(&self, number: LinkNumber, id: &BundleId) -> bool {
        self.numbers.get(&number).is_some_and(|owner| owner != id)
    }

    /// Takes the next entry of the log.
    pub(super) fn take(
        &mut self,
        event: &Event,
        announced: &BTreeSet<(LinkNumber, BundleId)>,
    ) -> Result<(), Violation> {
        if let Some(detail) = &event.detail
            && (detail.contains("this is a defect") || event.reason.as_deref() == Some("quarantine-alarm"))
        {
            return Err(Invariant::Alive.broken(format!("the log tells of what no fault explains: {event:?}")));
        }
        let Some(id) = event.bundle else { return Ok(()) };
        match event.event {
            EventKind::BundleAdmitted => return self.admit(event, id, announced),
            EventKind::BundleEvidence => return self.set_aside(event, id, announced),
            EventKind::BundleDuplicate => return self.close(event, id),
            _ => {}
        }
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

    fn admit(
        &mut self,
        event: &Event,
        id: BundleId,
        announced: &BTreeSet<(LinkNumber, BundleId)>,
    ) -> Result<(), Violation> {
        let number = verified(event, id, announced)?;
        let admitted = Admitted {
            number,
            stage: Stage::Held,
            waits: false,
            was_decided: false,
        };
        if let Some(before) = self.bundles.insert(id, admitted) {
            return Err(
                Invariant::OneAdmission.broken(format!("admitted again: {event:?}, before as {:?}", before.number))
            );
        }
        if let Some(before) = self.numbers.insert(number, id) {
            return Err(Invariant::OneAdmission.broken(format!("the number was {before}'s: {event:?}")));
        }
        Ok(())
    }

    /// A number under which an admitted bundle came once more is that bundle's.
    fn close(&mut self, event: &Event, id: BundleId) -> Result<(), Violation> {
        let (Some(number), true) = (number_of(event), self.bundles.contains_key(&id)) else {
            return Err(Invariant::Verified.broken(format!("a duplicate of nothing: {event:?}")));
        };
        match *self.numbers.entry(number).or_insert(id) == id {
            true => Ok(()),
            false => Err(Invariant::Number.broken(format!("the number is another's: {event:?}"))),
        }
    }

    fn set_aside(
        &mut self,
        event: &Event,
        id: BundleId,
        announced: &BTreeSet<(LinkNumber, BundleId)>,
    ) -> Result<(), Violation> {
        let number = verified(event, id, announced)?;
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

fn number_of(event: &Event) -> Option<LinkNumber> {
    Some(LinkNumber {
        epoch: u64::from_str_radix(event.epoch_id.as_deref()?, 16).ok()?,
        sequence: event.seq?,
    })
}
