//! What may become of a bundle, by its id and number: admitted, set aside, or turned away.
//!
//! | the log says | then |
//! |---|---|
//! | nothing of id and number, and the epoch is accepted, or the first of all | [`Standing::Free`] |
//! | that the id waits under another number, and nothing of this one, whose epoch is accepted | [`Standing::Free`]: it need not wait any more |
//! | the epoch is not accepted, or the number lies far ahead, or leaves too many gaps | [`Standing::Waits`] |
//! | the number is another bundle's | [`Standing::Conflict`]: kept as evidence |
//! | the id was admitted, waits, or is evidence already; or the epoch is refused | [`Standing::Closed`] |

use audit::event::State;
use protocol::digest::BundleId;
use protocol::limits::MAX_SIGNATURES;
use protocol::sequences::SequenceError;
use protocol::wire::{Announce, LinkNumber};

use super::{Acceptance, Epoch, Ledger, all_of};

/// What may become of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing speaks against its admission.
    Free,
    /// It may be received, and waits then.
    Waits(Wait),
    /// Its number is another's: it may be received as evidence.
    Conflict {
        /// The bundle that has the number.
        by: BundleId,
    },
    /// It is not received.
    Closed(Replay),
}

impl Standing {
    /// The state that the bundle will have if it is set aside.
    #[must_use]
    pub fn aside(&self) -> Option<State> {
        match self {
            Self::Waits(_) => Some(State::Waiting),
            Self::Conflict { .. } => Some(State::Evidence),
            Self::Free | Self::Closed(_) => None,
        }
    }
}

/// What a bundle waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Its epoch is not accepted.
    Epoch,
    /// Its number lies too far ahead.
    Ahead {
        /// The highest number so far.
        highest: u64,
    },
    /// Its number would leave more gaps than are kept account of.
    Gaps,
}

/// Why a bundle may not be received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// The same bundle was received before, under this number.
    Duplicate {
        /// The number it came under.
        number: LinkNumber,
        /// Where it is.
        state: State,
    },
    /// The number belongs to another bundle, and this one's bytes are kept already.
    NumberTaken {
        /// The bundle that has it.
        by: BundleId,
    },
    /// A person refused the epoch.
    EpochRefused,
}

/// How much may be set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Bytes of the files of bundles that wait.
    pub waiting_bytes: u64,
    /// Bytes of the files that are evidence.
    pub evidence_bytes: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            waiting_bytes: 1 << 30,
            evidence_bytes: 1 << 30,
        }
    }
}

impl Ledger {
    /// What may become of the bundle under this number.
    #[must_use]
    pub fn standing(&self, id: BundleId, number: LinkNumber) -> Standing {
        self.standing_beside(id, number, 0)
    }

    /// The same beside `others` numbers of the epoch that are taken first, and are not on record yet.
    #[must_use]
    pub fn standing_beside(&self, id: BundleId, number: LinkNumber, others: usize) -> Standing {
        let taken = self.owner(number).filter(|by| *by != id);
        let waiting = self.waiting.bundles.get(&id);
        // What waits elsewhere may come by a number that counts.
        if waiting.is_some() && taken.is_none() && self.standing_of_number(number, others) == Standing::Free {
            return Standing::Free;
        }
        if let Some(record) = self.bundles.get(&id).or(waiting) {
            return Standing::Closed(match taken {
                Some(by) => Replay::NumberTaken { by },
                None => Replay::Duplicate {
                    number: record.number,
                    state: record.state,
                },
            });
        }
        match taken {
            Some(by) if self.evidence.bundles.contains_key(&id) => Standing::Closed(Replay::NumberTaken { by }),
            Some(by) => Standing::Conflict { by },
            None => self.standing_of_number(number, others),
        }
    }

    /// The bundle that a number belongs to.
    fn owner(&self, number: LinkNumber) -> Option<BundleId> {
        let admitted = self.numbers.get(&number).copied();
        let admitted = admitted.or_else(|| self.closed.owner(number));
        admitted.or_else(|| self.claimed.get(&number).copied())
    }

    /// What may become of a bundle under a number that is nobody's.
    fn standing_of_number(&self, number: LinkNumber, others: usize) -> Standing {
        let Some(epoch) = self.epochs.get(number.epoch) else {
            return match self.epochs.has_accepted() {
                true => Standing::Waits(Wait::Epoch),
                false => Standing::Free,
            };
        };
        match epoch.acceptance {
            Acceptance::Refused => Standing::Closed(Replay::EpochRefused),
            Acceptance::Undecided if self.epochs.has_accepted() => Standing::Waits(Wait::Epoch),
            Acceptance::Undecided => Standing::Free,
            Acceptance::Accepted(_) => match epoch.used.check_beside(number.sequence, others) {
                Ok(()) => Standing::Free,
                Err(SequenceError::Ahead { highest, .. }) => Standing::Waits(Wait::Ahead { highest }),
                // No announce has the number 0.
                Err(SequenceError::TooManyGaps { .. } | SequenceError::Zero) => Standing::Waits(Wait::Gaps),
            },
        }
    }

    /// Whether no epoch is accepted yet, so that the first bundle brings its own.
    #[must_use]
    pub fn awaits_first_epoch(&self) -> bool {
        !self.epochs.has_accepted()
    }

    /// Whether the number becomes an admitted bundle's by its coming again under it.
    #[must_use]
    pub fn closes(&self, id: BundleId, number: LinkNumber) -> bool {
        let unused = self.owner(number).is_none() && self.closed.has_room(id, number);
        // A number far ahead is no reason to believe in all those before it. In an epoch that nobody has decided on it counts as well: its
        // bundle is here, and is not to be told missing once the epoch is accepted.
        let plausible =
            |epoch: &Epoch| epoch.acceptance != Acceptance::Refused && epoch.used.check(number.sequence).is_ok();
        let plausible = self.epochs.get(number.epoch).is_some_and(plausible);
        self.bundles.contains_key(&id) && unused && plausible
    }

    /// Whether this announce of a held bundle may bring signatures that it lacks: its head is none of those that it came with.
    #[must_use]
    pub fn may_countersign(&self, announce: &Announce) -> bool {
        self.bundles.get(&announce.bundle).is_some_and(|record| {
            let is_open = record.state == State::Held && !record.decided;
            // Of one that was admitted before heads were on record nothing can be told.
            let is_other = !record.heads.is_empty() && !record.heads.contains(&announce.head_sha256);
            is_open && is_other && usize::from(record.countersigned) < MAX_SIGNATURES - 1
        })
    }

    /// What waits and need not wait any more, in the order of the numbers; of an epoch with very many gaps the first of them.
    #[must_use]
    pub fn ready(&self) -> Vec<BundleId> {
        let (mut epoch, mut others) = (None, 0);
        let free = |(number, _): &(&LinkNumber, &BundleId)| {
            if epoch.replace(number.epoch) != Some(number.epoch) {
                others = 0;
            }
            let accepted = self.epochs.number(number.epoch).is_some();
            let free = accepted && self.standing_of_number(**number, others) == Standing::Free;
            others += usize::from(free);
            free
        };
        self.claimed.iter().filter(free).map(|(_, id)| *id).collect()
    }

    /// What a waiting bundle still waits for; `None` if nothing but the receiver is in its way, or it does not wait.
    #[must_use]
    pub fn waits_for(&self, id: &BundleId) -> Option<Wait> {
        let record = self.waiting.bundles.get(id)?;
        match self.standing_of_number(record.number, 0) {
            Standing::Waits(wait) => Some(wait),
            Standing::Free | Standing::Conflict { .. } | Standing::Closed(_) => None,
        }
    }

    /// The highest number that was heard of in an epoch, whatever became of it; 0 if none was.
    #[must_use]
    pub fn highest_heard(&self, epoch: u64) -> u64 {
        let waits = self.claimed.range(all_of(epoch)).next_back();
        let known = self.epochs.get(epoch);
        let lost = known.and_then(|known| known.lost.last().copied());
        let told = known.map_or(0, |known| known.told_below.saturating_sub(1));
        let used = known.map_or(0, |known| known.used.highest());
        let waits = waits.map_or(0, |(number, _)| number.sequence);
        used.max(told).max(waits).max(lost.unwrap_or(0))
    }

    /// What waits for an epoch, or for a number of it.
    #[must_use]
    pub fn waiting_in(&self, epoch: u64) -> Vec<BundleId> {
        self.claimed.range(all_of(epoch)).map(|(_, id)| *id).collect()
    }

    /// Whether, besides so many others, files of so many bytes in all may be set aside in this state.
    #[must_use]
    pub fn has_room(&self, state: State, others: usize, bytes: u64) -> bool {
        let (aside, most) = match state {
            State::Waiting => (&self.waiting, self.quotas.waiting_bytes),
            State::Evidence => (&self.evidence, self.quotas.evidence_bytes),
            State::Held | State::Released | State::Rejected => return true,
        };
        aside.bundles.len() + others < MOST_ASIDE && aside.bytes.saturating_add(bytes) <= most
    }
}

/// Bundles that wait, and as many that are evidence, at most.
const MOST_ASIDE: usize = 1000;
