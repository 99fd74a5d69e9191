//! Numbers that did not come although the transmitter is done with them, and those that may still be on their way.
//!
//! ```text
//!  1 ██████ ░ ██ ░░ ██ v ███ ░ █│ highest    l        █ used, or waits     v void     l lost before the epoch was accepted
//!           told      told_below│ ░ open
//! ```
//!
//! Missing is what was told, and what was lost: the transmitter may speak of an epoch that was accepted late never again.
//!
//! Always true: ranges are told, never single numbers, since what a transmitter states may be any number.

use protocol::sequences::SequenceRange;
use protocol::wire::LinkNumber;

use super::{Acceptance, Epoch, Ledger, all_of};

impl Ledger {
    /// Whether numbers of the epoch are missed: it is accepted, or may become the first.
    #[must_use]
    pub fn misses(&self, epoch: u64) -> bool {
        let Some(epoch) = self.epochs.get(epoch) else {
            return self.awaits_first_epoch();
        };
        match epoch.acceptance {
            Acceptance::Accepted(_) => true,
            Acceptance::Undecided => self.awaits_first_epoch(),
            Acceptance::Refused => false,
        }
    }

    /// The numbers below `below` that are missing and not on record as such, in their order, but for `voids`: the first `most` ranges.
    #[must_use]
    pub fn untold(&self, epoch: u64, below: u64, voids: &[SequenceRange], most: usize) -> Vec<SequenceRange> {
        let unknown = Epoch::since(self.newest());
        let known = self.epochs.get(epoch).unwrap_or(&unknown);
        let mut excused = self.excused(epoch, known);
        excused.extend(voids);
        excused.extend(told(known));
        known.used.missing(below, &excused).take(most).collect()
    }

    /// What is on record as missing, or as lost before the epoch was accepted, and has not come since.
    #[must_use]
    pub fn missing(&self, epoch: u64) -> Vec<SequenceRange> {
        let Some(known) = self.epochs.get(epoch) else {
            return Vec::new();
        };
        let excused = self.excused(epoch, known);
        let mut missing: Vec<_> = known.used.missing(known.told_below, &excused).collect();
        for lost in lost(known).filter(|lost| lost.first() >= known.told_below) {
            if excused.iter().any(|range| range.contains(lost.first())) {
                continue;
            }
            // Both ascend, and what was told lies below what is lost.
            match missing.last_mut() {
                Some(before) if before.last().checked_add(1) == Some(lost.first()) => {
                    *before = SequenceRange::new(before.first(), lost.last()).unwrap_or(*before);
                }
                _ => missing.push(lost),
            }
        }
        missing
    }

    /// What did not come although higher numbers did, and is not on record as missing or lost: it may still be on its way.
    #[must_use]
    pub fn open(&self, epoch: u64) -> Vec<SequenceRange> {
        let Some(known) = self.epochs.get(epoch) else {
            return Vec::new();
        };
        let mut excused = self.excused(epoch, known);
        excused.extend(told(known));
        excused.extend(lost(known));
        known.used.missing(known.used.highest(), &excused).collect()
    }

    /// What is void, and what waits for a person.
    fn excused(&self, epoch: u64, known: &Epoch) -> Vec<SequenceRange> {
        let waiting = self.claimed.range(all_of(epoch));
        let waiting = waiting.filter_map(|(LinkNumber { sequence, .. }, _)| SequenceRange::of(*sequence));
        known.voids.iter().copied().chain(waiting).collect()
    }
}

/// What was lost before the epoch was accepted.
fn lost(epoch: &Epoch) -> impl Iterator<Item = SequenceRange> + '_ {
    epoch.lost.iter().copied().filter_map(SequenceRange::of)
}

/// The numbers that need not be looked at any more.
fn told(epoch: &Epoch) -> Option<SequenceRange> {
    SequenceRange::new(1, epoch.told_below.saturating_sub(1))
}
