//! What the audit log says of every bundle, folded into what the receiver must know: which ids and numbers are used up, and in which
//! state each bundle is.
//!
//! ```text
//! bundle.admitted ─▶ Held ──bundle.release_decided──▶ Held, decided ──bundle.released──▶ Released
//!                     │ ▲───────bundle.release_cancelled──┘
//!                     └──bundle.rejected──▶ Rejected
//! ```
//!
//! The log is the truth; this is rebuilt from it at every start.

use std::collections::BTreeMap;

use audit::event::{Event, EventKind, State};
use protocol::digest::{BundleId, Digest};
use protocol::time::UnixMillis;
use protocol::wire::LinkNumber;

/// What is known of an admitted bundle.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its place on the link.
    pub number: LinkNumber,
    /// The epoch's number for people.
    pub epoch: u32,
    /// Its state.
    pub state: State,
    /// Whether its release was decided and not yet done.
    pub decided: bool,
    /// Whether a verdict is on record.
    pub scanned: bool,
    /// The rules that the last verdict was made with.
    pub rules: Option<Digest>,
    /// The entry that admitted it, with its index.
    pub admitted: (u64, Event),
    /// The entries since, with their indices.
    pub history: Vec<(u64, EventKind)>,
    /// The entry that made its present state, with its index.
    pub latest: (u64, Event),
}

/// Why a bundle may not be admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// The same bundle was admitted before, under this number.
    Duplicate {
        /// The number it was admitted under.
        number: LinkNumber,
    },
    /// The number belongs to another bundle.
    NumberTaken {
        /// The bundle that has it.
        by: BundleId,
    },
}

/// The fold of the log.
#[derive(Debug, Default)]
pub struct Ledger {
    bundles: BTreeMap<BundleId, Record>,
    numbers: BTreeMap<LinkNumber, BundleId>,
    /// Epochs in the order of their first admission: an epoch's number is its place, from 1.
    epochs: Vec<u64>,
    newest: Option<UnixMillis>,
    settings: BTreeMap<String, Digest>,
}

impl Ledger {
    /// Takes the next entry.
    pub fn apply(&mut self, index: u64, event: &Event) {
        self.newest = self.newest.max(Some(event.time));
        if let (EventKind::ConfigChanged, Some(path), Some(digest)) = (event.event, &event.path, event.policy) {
            self.settings.insert(path.clone(), digest);
        }
        let Some(id) = event.bundle else { return };
        if event.event == EventKind::BundleAdmitted {
            return self.admit(id, index, event);
        }
        let Some(record) = self.bundles.get_mut(&id) else {
            return;
        };
        match event.event {
            EventKind::BundleScanned => {
                record.scanned = true;
                record.rules = event.rules;
            }
            EventKind::BundleReleaseDecided => record.decided = true,
            EventKind::BundleReleaseCancelled => record.decided = false,
            EventKind::BundleReleased => (record.state, record.decided) = (State::Released, false),
            EventKind::BundleRejected => (record.state, record.decided) = (State::Rejected, false),
            EventKind::BundleHeld => {}
            // A duplicate or refusal of the same id says nothing of the one that was admitted.
            _ => return,
        }
        record.history.push((index, event.event));
        record.latest = (index, event.clone());
    }

    fn admit(&mut self, id: BundleId, index: u64, event: &Event) {
        let epoch_id = event
            .epoch_id
            .as_deref()
            .and_then(|hex| u64::from_str_radix(hex, 16).ok());
        let number = LinkNumber {
            epoch: epoch_id.unwrap_or(0),
            sequence: event.seq.unwrap_or(0),
        };
        let epoch = self.epoch_number(number.epoch);
        if self.epochs.len() < epoch as usize {
            self.epochs.push(number.epoch);
        }
        self.numbers.insert(number, id);
        self.bundles.insert(
            id,
            Record {
                number,
                epoch,
                state: State::Held,
                decided: false,
                scanned: false,
                rules: None,
                admitted: (index, event.clone()),
                history: vec![(index, event.event)],
                latest: (index, event.clone()),
            },
        );
    }

    /// The time of the newest entry.
    #[must_use]
    pub fn newest(&self) -> UnixMillis {
        self.newest.unwrap_or(UnixMillis(0))
    }

    /// The digest that a settings file had when it was last on record.
    #[must_use]
    pub fn setting(&self, path: &str) -> Option<Digest> {
        self.settings.get(path).copied()
    }

    /// The number for people of an epoch; a new one gets the next.
    #[must_use]
    pub fn epoch_number(&self, epoch: u64) -> u32 {
        let place = self
            .epochs
            .iter()
            .position(|known| *known == epoch)
            .unwrap_or(self.epochs.len());
        u32::try_from(place + 1).unwrap_or(u32::MAX)
    }

    /// Whether the bundle may be admitted under this number.
    ///
    /// # Errors
    /// [`Replay`] if the id or the number is used up.
    pub fn check(&self, id: BundleId, number: LinkNumber) -> Result<(), Replay> {
        if let Some(record) = self.bundles.get(&id) {
            return Err(Replay::Duplicate { number: record.number });
        }
        match self.numbers.get(&number) {
            Some(by) => Err(Replay::NumberTaken { by: *by }),
            None => Ok(()),
        }
    }

    /// An admitted bundle.
    #[must_use]
    pub fn get(&self, id: &BundleId) -> Option<&Record> {
        self.bundles.get(id)
    }

    /// All admitted bundles, in the order of their admission.
    #[must_use]
    pub fn bundles(&self) -> Vec<(BundleId, &Record)> {
        let mut all: Vec<_> = self.bundles.iter().map(|(id, record)| (*id, record)).collect();
        all.sort_by_key(|(_, record)| record.admitted.0);
        all
    }

    /// The bundles whose id begins with `prefix` (lower-case hex).
    #[must_use]
    pub fn matching(&self, prefix: &str) -> Vec<(BundleId, &Record)> {
        self.bundles()
            .into_iter()
            .filter(|(id, _)| id.to_string().starts_with(prefix))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> BundleId {
        BundleId(Digest([byte; 32]))
    }

    fn number(sequence: u64) -> LinkNumber {
        LinkNumber { epoch: 0xE, sequence }
    }

    fn event(kind: EventKind, bundle: BundleId, seq: u64) -> Event {
        Event {
            bundle: Some(bundle),
            seq: Some(seq),
            epoch_id: Some("000000000000000e".to_owned()),
            ..Event::new(kind, UnixMillis(0))
        }
    }

    fn ledger(events: &[Event]) -> Ledger {
        let mut ledger = Ledger::default();
        for (index, event) in events.iter().enumerate() {
            ledger.apply(index as u64, event);
        }
        ledger
    }

    #[test]
    fn an_admitted_bundle_is_held() {
        let ledger = ledger(&[event(EventKind::BundleAdmitted, id(1), 1)]);
        assert_eq!(ledger.get(&id(1)).unwrap().state, State::Held);
    }

    #[test]
    fn an_id_is_admitted_once() {
        let ledger = ledger(&[event(EventKind::BundleAdmitted, id(1), 1)]);
        assert_eq!(
            ledger.check(id(1), number(2)),
            Err(Replay::Duplicate { number: number(1) })
        );
    }

    #[test]
    fn a_number_belongs_to_one_bundle() {
        let ledger = ledger(&[event(EventKind::BundleAdmitted, id(1), 1)]);
        assert_eq!(ledger.check(id(2), number(1)), Err(Replay::NumberTaken { by: id(1) }));
        assert_eq!(ledger.check(id(2), number(2)), Ok(()));
    }

    #[test]
    fn the_same_number_in_another_epoch_is_another_number() {
        let ledger = ledger(&[event(EventKind::BundleAdmitted, id(1), 1)]);
        assert_eq!(
            ledger.check(
                id(2),
                LinkNumber {
                    epoch: 0xF,
                    sequence: 1
                }
            ),
            Ok(())
        );
    }

    #[test]
    fn a_refused_bundle_uses_up_neither_id_nor_number() {
        let ledger = ledger(&[
            event(EventKind::BundleRefused, id(1), 1),
            event(EventKind::BundleIncomplete, id(1), 1),
        ]);
        assert_eq!(ledger.check(id(1), number(1)), Ok(()));
    }

    #[test]
    fn a_rejected_bundle_stays_used_up() {
        let ledger = ledger(&[
            event(EventKind::BundleAdmitted, id(1), 1),
            event(EventKind::BundleRejected, id(1), 1),
        ]);
        assert_eq!(ledger.get(&id(1)).unwrap().state, State::Rejected);
        assert!(ledger.check(id(1), number(9)).is_err());
    }

    #[test]
    fn a_release_that_was_decided_and_not_done_is_known() {
        let admitted = event(EventKind::BundleAdmitted, id(1), 1);
        let decided = event(EventKind::BundleReleaseDecided, id(1), 1);
        assert!(
            ledger(&[admitted.clone(), decided.clone()])
                .get(&id(1))
                .unwrap()
                .decided
        );
        let cancelled = event(EventKind::BundleReleaseCancelled, id(1), 1);
        assert!(!ledger(&[admitted, decided, cancelled]).get(&id(1)).unwrap().decided);
    }

    #[test]
    fn epochs_are_numbered_in_their_order() {
        let mut later = event(EventKind::BundleAdmitted, id(2), 1);
        later.epoch_id = Some("00000000000000ff".to_owned());
        let ledger = ledger(&[event(EventKind::BundleAdmitted, id(1), 1), later]);
        assert_eq!(
            (
                ledger.epoch_number(0xE),
                ledger.epoch_number(0xFF),
                ledger.epoch_number(3)
            ),
            (1, 2, 3)
        );
    }
}
