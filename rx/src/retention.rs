//! How long what was decided on is kept: which released and rejected bundles are over.
//!
//! ```text
//! oldest ───────────────────────────────▶ newest
//! │ over its age │ over the size, with all after it │ kept │
//! └───────── removed, oldest first ────────┘
//! ```
//!
//! Always true:
//! - nothing is over unless it was asked for;
//! - what is held, waits, or is evidence is never over;
//! - the newest one is never removed for the size: a bundle larger than all the room is there to be fetched.

use audit::event::State;
use protocol::digest::BundleId;
use protocol::time::UnixMillis;

use crate::ledger::{Ledger, Record};

/// How long bundles of one state are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// Since they came into it; `None` for ever.
    pub days: Option<u64>,
    /// Bytes that they may take together; `None` for any number.
    pub bytes: Option<u64>,
}

/// How long what was decided on is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// What was released: the packed bundle and its files.
    pub released: Keep,
    /// What was rejected.
    pub rejected: Keep,
}

/// A bundle that is kept no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// The bundle.
    pub id: BundleId,
    /// What it was.
    pub state: State,
    /// Why.
    pub why: Why,
    /// The entry that made it so.
    index: u64,
}

/// Why a bundle is kept no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is older than so many days.
    Age {
        /// As it is configured.
        days: u64,
    },
    /// It is the oldest, and all together take more than so many bytes.
    Size {
        /// As it is configured.
        bytes: u64,
    },
}

impl Why {
    /// The reason's code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Age { .. } => "retention-age",
            Self::Size { .. } => "retention-size",
        }
    }
}

impl Over {
    /// Why, for people, with the setting.
    #[must_use]
    pub fn detail(&self) -> String {
        let table = match self.state {
            State::Rejected => "rejected",
            _ => "released",
        };
        match self.why {
            Why::Age { days } => format!("by retention: {table} more than {days} days ago (retention.{table}_days)"),
            Why::Size { bytes } => format!(
                "by retention: the oldest, and all {table} take more than {} MiB (retention.{table}_mib)",
                bytes >> 20
            ),
        }
    }
}

impl Retention {
    /// Whether anything is ever removed.
    #[must_use]
    pub fn is_asked_for(&self) -> bool {
        [self.released, self.rejected]
            .iter()
            .any(|keep| keep.days.is_some() || keep.bytes.is_some())
    }

    /// What is kept no longer at `now`, in the order in which it is removed.
    #[must_use]
    pub fn over(&self, ledger: &Ledger, now: UnixMillis) -> Vec<Over> {
        let mut over = Vec::new();
        for (state, keep) in [(State::Released, self.released), (State::Rejected, self.rejected)] {
            if keep != Keep::default() {
                over.extend(keep.over(ledger, state, now));
            }
        }
        over.sort_by_key(|over| over.index);
        over
    }
}

impl Keep {
    fn over(self, ledger: &Ledger, state: State, now: UnixMillis) -> Vec<Over> {
        let kept = ledger
            .bundles()
            .into_iter()
            .filter(|(_, record)| record.state == state && record.removed.is_none());
        let mut kept: Vec<_> = kept.collect();
        kept.sort_by_key(|(_, record)| record.latest.0);
        let mut bytes = kept
            .iter()
            .map(|(_, record)| bytes_of(record))
            .fold(0, u64::saturating_add);
        let mut left = kept.len();
        let mut over = Vec::new();
        for (id, record) in kept {
            let (index, entry) = &record.latest;
            let age_ms = now.millis_since(entry.time);
            let aged = self.days.filter(|days| age_ms > days.saturating_mul(DAY_MS));
            let large = self.bytes.filter(|most| bytes > *most && left > 1);
            let why = match (aged, large) {
                (Some(days), _) => Why::Age { days },
                (None, Some(bytes)) => Why::Size { bytes },
                // All later ones are younger.
                (None, None) => break,
            };
            bytes = bytes.saturating_sub(bytes_of(record));
            left -= 1;
            over.push(Over {
                id,
                state,
                why,
                index: *index,
            });
        }
        over
    }
}

/// Bytes that a bundle takes: its packed form and, of a released one, its files, whether they were taken away or not.
fn bytes_of(record: &Record) -> u64 {
    let admitted = &record.admitted.1;
    let content = admitted.bytes.unwrap_or(0);
    let packed = admitted.file_bytes.unwrap_or(content);
    match record.state {
        State::Released => packed.saturating_add(content),
        _ => packed,
    }
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

#[cfg(test)]
mod tests {
    use audit::event::{Event, EventKind};
    use protocol::digest::Digest;

    use super::*;

    /// A ledger with bundles numbered from 0: each entry a day after the one before, each bundle a MiB packed, and as much again unpacked.
    fn ledger(decisions: &[EventKind]) -> Ledger {
        let mut ledger = Ledger::default();
        for (number, kind) in (0u8..).zip(decisions) {
            let event = |kind| Event {
                bundle: Some(id(number)),
                epoch_id: Some("0000000000000001".to_owned()),
                seq: Some(number.into()),
                bytes: Some(1 << 20),
                file_bytes: Some(1 << 20),
                ..Event::new(kind, UnixMillis(u64::from(number) * DAY_MS))
            };
            ledger.apply(2 * u64::from(number), &event(EventKind::BundleAdmitted));
            ledger.apply(2 * u64::from(number) + 1, &event(*kind));
        }
        ledger
    }

    fn id(number: u8) -> BundleId {
        BundleId(Digest([number; 32]))
    }

    fn days(days: u64) -> Keep {
        Keep {
            days: Some(days),
            bytes: None,
        }
    }

    fn mib(mib: u64) -> Keep {
        Keep {
            days: None,
            bytes: Some(mib << 20),
        }
    }

    fn over(retention: Retention, ledger: &Ledger, day: u64) -> Vec<(BundleId, &'static str)> {
        let over = retention.over(ledger, UnixMillis(day * DAY_MS));
        over.into_iter().map(|over| (over.id, over.why.code())).collect()
    }

    const RELEASED: EventKind = EventKind::BundleReleased;
    const REJECTED: EventKind = EventKind::BundleRejected;

    #[test]
    fn without_a_word_nothing_is_ever_over() {
        let ledger = ledger(&[RELEASED, REJECTED, EventKind::BundleHeld]);
        assert_eq!(over(Retention::default(), &ledger, 100_000), []);
        assert!(!Retention::default().is_asked_for());
    }

    #[test]
    fn what_is_older_than_its_days_is_over_and_what_is_as_old_is_not() {
        let retention = Retention {
            released: days(10),
            ..Retention::default()
        };
        let ledger = ledger(&[RELEASED, RELEASED, RELEASED]);
        assert_eq!(over(retention, &ledger, 11), [(id(0), "retention-age")]);
    }

    #[test]
    fn a_held_bundle_is_never_over() {
        let retention = Retention {
            released: days(1),
            rejected: days(1),
        };
        let ledger = ledger(&[EventKind::BundleHeld, EventKind::BundleReleaseDecided]);
        assert_eq!(over(retention, &ledger, 100_000), []);
    }

    #[test]
    fn the_oldest_are_over_until_the_rest_fits_with_its_files() {
        let retention = Retention {
            released: mib(4),
            ..Retention::default()
        };
        let ledger = ledger(&[RELEASED; 4]);
        let expected = [(id(0), "retention-size"), (id(1), "retention-size")];
        assert_eq!(over(retention, &ledger, 5), expected);
    }

    #[test]
    fn the_newest_is_not_removed_for_its_size_however_large() {
        let retention = Retention {
            rejected: Keep {
                days: None,
                bytes: Some(1),
            },
            ..Retention::default()
        };
        let ledger = ledger(&[REJECTED, REJECTED]);
        assert_eq!(over(retention, &ledger, 5), [(id(0), "retention-size")]);
    }

    #[test]
    fn released_and_rejected_are_counted_apart_and_go_oldest_first_together() {
        let retention = Retention {
            released: days(1),
            rejected: mib(1),
        };
        let ledger = ledger(&[REJECTED, RELEASED, REJECTED, RELEASED]);
        let expected = [(id(0), "retention-size"), (id(1), "retention-age")];
        assert_eq!(over(retention, &ledger, 3), expected);
    }

    #[test]
    fn what_is_removed_is_not_over_again_and_its_id_and_number_stay_used_up() {
        let mut ledger = ledger(&[RELEASED, RELEASED]);
        let removed = Event {
            bundle: Some(id(0)),
            state: Some(State::Released),
            ..Event::new(EventKind::BundleRemoved, UnixMillis(50 * DAY_MS))
        };
        ledger.apply(100, &removed);
        let retention = Retention {
            released: days(1),
            ..Retention::default()
        };
        assert_eq!(over(retention, &ledger, 50), [(id(1), "retention-age")]);
        let record = ledger.get(&id(0)).unwrap();
        assert_eq!((record.state, record.latest.0), (State::Released, 1));
        assert_eq!(record.removed.as_ref().unwrap().index, 100);
        let number = record.number;
        assert!(matches!(
            ledger.standing(id(0), number),
            crate::ledger::Standing::Closed(crate::ledger::Replay::Duplicate { .. })
        ));
    }

    #[test]
    fn an_entry_that_does_not_name_the_state_removes_nothing_that_is_held() {
        let mut ledger = ledger(&[EventKind::BundleHeld]);
        for state in [State::Held, State::Released, State::Rejected, State::Evidence] {
            let removed = Event {
                bundle: Some(id(0)),
                state: Some(state),
                ..Event::new(EventKind::BundleRemoved, UnixMillis(DAY_MS))
            };
            ledger.apply(100, &removed);
        }
        assert!(ledger.get(&id(0)).unwrap().removed.is_none());
    }
}
