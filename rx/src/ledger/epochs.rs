//! The epochs of a link: each is one life of the transmitter's state, and a person decides which count.
//!
//! ```text
//! heard ──epoch.accepted──▶ accepted, numbered 1, 2, 3      the first is accepted when its first bundle is admitted
//!   └─────epoch.refused───▶ refused ──epoch.accepted──▶ accepted
//! ```
//!
//! Always true: an accepted epoch keeps its number; of epochs that nobody decided on at most [`MOST_UNDECIDED`] are known, besides
//! those in which something waits.

use std::collections::{BTreeMap, BTreeSet};

use protocol::sequences::{SequenceRange, Sequences};
use protocol::time::UnixMillis;
use protocol::wire::LinkNumber;

/// Whether an epoch counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// Nobody decided yet.
    Undecided,
    /// What is sent in it is admitted; its number for people.
    Accepted(u32),
    /// Nothing of it is taken.
    Refused,
}

/// What is known of an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Whether it counts.
    pub acceptance: Acceptance,
    /// The numbers that are used up, and how far ahead others may be.
    pub used: Sequences,
    /// Numbers that the transmitter gave to no bundle and never will: ascending, apart from each other.
    pub voids: Vec<SequenceRange>,
    /// Every number below that was missing is on record as such.
    pub told_below: u64,
    /// Numbers that came and were not kept before the epoch was accepted; of very many the first.
    pub lost: BTreeSet<u64>,
    /// When it was first heard of.
    pub since: UnixMillis,
}

impl Epoch {
    /// An epoch of which nothing is known but when it was first heard of.
    pub(super) fn since(at: UnixMillis) -> Self {
        Self {
            acceptance: Acceptance::Undecided,
            used: Sequences::default(),
            voids: Vec::new(),
            told_below: 1,
            lost: BTreeSet::new(),
            since: at,
        }
    }

    /// Whether nobody knew that nothing of `range` will ever come, and there is room to keep it in mind.
    #[must_use]
    pub fn learns_of_void(&self, range: SequenceRange) -> bool {
        let covers = |known: &SequenceRange| known.contains(range.first()) && known.contains(range.last());
        self.voids.len() < MOST_VOIDS && !self.voids.iter().any(covers)
    }

    /// Keeps in mind that nothing of `range` will ever come; of very many ranges the first.
    fn add_void(&mut self, range: SequenceRange) {
        let (mut first, mut last) = (range.first(), range.last());
        self.voids.retain(|known| {
            let apart = known.last().saturating_add(1) < first || last.saturating_add(1) < known.first();
            if !apart {
                (first, last) = (first.min(known.first()), last.max(known.last()));
            }
            apart
        });
        if self.voids.len() < MOST_VOIDS {
            self.voids.extend(SequenceRange::new(first, last));
            self.voids.sort_unstable();
        }
    }
}

/// The epochs of a link.
#[derive(Debug, Default)]
pub(super) struct Epochs {
    known: BTreeMap<u64, Epoch>,
    accepted: u32,
}

impl Epochs {
    /// An entry tells of an epoch. Those that nobody decided on are forgotten one day, but for those that are `needed`.
    pub(super) fn note(&mut self, epoch: u64, at: UnixMillis, needed: impl Fn(u64) -> bool) {
        self.entry(epoch, at);
        self.forget_oldest(needed);
    }

    pub(super) fn accept(&mut self, epoch: u64, up_to: Option<u64>, at: UnixMillis) {
        self.used(epoch, at);
        self.entry(epoch, at).used.allow_up_to(up_to.unwrap_or(0));
    }

    pub(super) fn refuse(&mut self, epoch: u64, at: UnixMillis) {
        let known = self.entry(epoch, at);
        if known.acceptance == Acceptance::Undecided {
            known.acceptance = Acceptance::Refused;
        }
    }

    /// A bundle of the epoch was admitted: it counts, by whatever decision. Its number for people.
    pub(super) fn used(&mut self, epoch: u64, at: UnixMillis) -> u32 {
        let next = self.next_number();
        let known = self.entry(epoch, at);
        if let Acceptance::Accepted(number) = known.acceptance {
            return number;
        }
        known.acceptance = Acceptance::Accepted(next);
        self.accepted = next;
        next
    }

    /// A number is used up. What the log says of it is no question any more, however far ahead it is.
    pub(super) fn use_up(&mut self, number: LinkNumber) {
        if let Some(known) = self.known.get_mut(&number.epoch) {
            known.used.allow_up_to(number.sequence);
            // Fails for a log that was written before gaps were bounded: then the number counts as a gap.
            let _ = known.used.insert(number.sequence);
            known.lost.remove(&number.sequence);
        }
    }

    /// What came under a number was not kept.
    pub(super) fn lose(&mut self, number: LinkNumber) {
        if let Some(known) = self.known.get_mut(&number.epoch) {
            let room = known.lost.len() < MOST_LOST;
            if room && number.sequence > 0 && !known.used.contains(number.sequence) {
                known.lost.insert(number.sequence);
            }
        }
    }

    pub(super) fn tell_missing(&mut self, epoch: u64, range: SequenceRange) {
        if let Some(known) = self.known.get_mut(&epoch) {
            known.told_below = known.told_below.max(range.last().saturating_add(1));
        }
    }

    pub(super) fn add_void(&mut self, epoch: u64, range: SequenceRange) {
        if let Some(known) = self.known.get_mut(&epoch) {
            known.add_void(range);
        }
    }

    pub(super) fn number(&self, epoch: u64) -> Option<u32> {
        match self.known.get(&epoch)?.acceptance {
            Acceptance::Accepted(number) => Some(number),
            Acceptance::Undecided | Acceptance::Refused => None,
        }
    }

    pub(super) fn next_number(&self) -> u32 {
        self.accepted.saturating_add(1)
    }

    pub(super) fn has_accepted(&self) -> bool {
        self.accepted > 0
    }

    pub(super) fn get(&self, epoch: u64) -> Option<&Epoch> {
        self.known.get(&epoch)
    }

    pub(super) fn all(&self) -> Vec<(u64, &Epoch)> {
        let mut all: Vec<_> = self.known.iter().map(|(id, epoch)| (*id, epoch)).collect();
        all.sort_by_key(|(_, epoch)| match epoch.acceptance {
            Acceptance::Accepted(number) => (number, epoch.since),
            Acceptance::Undecided | Acceptance::Refused => (u32::MAX, epoch.since),
        });
        all
    }

    fn entry(&mut self, epoch: u64, at: UnixMillis) -> &mut Epoch {
        self.known.entry(epoch).or_insert_with(|| Epoch::since(at))
    }

    /// Whoever has the link key can make up epochs without end.
    fn forget_oldest(&mut self, needed: impl Fn(u64) -> bool) {
        let undecided = |(id, epoch): &(&u64, &Epoch)| epoch.acceptance == Acceptance::Undecided && !needed(**id);
        if self.known.iter().filter(undecided).count() <= MOST_UNDECIDED {
            return;
        }
        let oldest = self.known.iter().filter(undecided).min_by_key(|(_, epoch)| epoch.since);
        if let Some(oldest) = oldest.map(|(id, _)| *id) {
            self.known.remove(&oldest);
        }
    }
}

/// Epochs without a decision that are remembered.
const MOST_UNDECIDED: usize = 64;
/// Ranges of numbers without a bundle that are remembered of an epoch.
const MOST_VOIDS: usize = 1024;
/// Numbers that are remembered of an epoch as lost before it was accepted.
const MOST_LOST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(7);

    #[test]
    fn accepted_epochs_are_numbered_in_the_order_of_their_acceptance() {
        let mut epochs = Epochs::default();
        epochs.note(0xA, NOW, |_| false);
        epochs.accept(0xB, None, NOW);
        epochs.accept(0xA, None, NOW);
        epochs.accept(0xB, Some(9), NOW);
        assert_eq!((epochs.number(0xB), epochs.number(0xA)), (Some(1), Some(2)));
        assert_eq!(epochs.all().iter().map(|(id, _)| *id).collect::<Vec<_>>(), [0xB, 0xA]);
    }

    #[test]
    fn an_accepted_epoch_can_not_be_refused_and_a_refused_one_can_be_accepted() {
        let mut epochs = Epochs::default();
        epochs.accept(1, None, NOW);
        epochs.refuse(1, NOW);
        assert_eq!(epochs.get(1).unwrap().acceptance, Acceptance::Accepted(1));
        epochs.refuse(2, NOW);
        assert_eq!(epochs.get(2).unwrap().acceptance, Acceptance::Refused);
        epochs.accept(2, None, NOW);
        assert_eq!(epochs.number(2), Some(2));
    }

    fn range(first: u64, last: u64) -> SequenceRange {
        SequenceRange::new(first, last).unwrap()
    }

    #[test]
    fn voids_that_touch_are_one_range() {
        let mut epoch = Epoch::since(NOW);
        for void in [range(8, 9), range(1, 2), range(4, 5), range(3, 3), range(7, u64::MAX)] {
            epoch.add_void(void);
        }
        assert_eq!(epoch.voids, [range(1, 5), range(7, u64::MAX)]);
    }

    #[test]
    fn voids_without_end_are_kept_within_bounds() {
        let mut epoch = Epoch::since(NOW);
        (1..10_000).for_each(|number| epoch.add_void(range(2 * number, 2 * number)));
        assert_eq!(epoch.voids.len(), MOST_VOIDS);
    }

    #[test]
    fn numbers_lost_without_end_are_kept_within_bounds() {
        let mut epochs = Epochs::default();
        epochs.note(7, NOW, |_| false);
        (0..10_000).for_each(|sequence| epochs.lose(LinkNumber { epoch: 7, sequence }));
        assert_eq!(epochs.get(7).unwrap().lost.len(), MOST_LOST);
    }

    #[test]
    fn epochs_made_up_without_end_are_forgotten_and_those_that_count_or_are_needed_are_not() {
        let mut epochs = Epochs::default();
        epochs.accept(0, None, NOW);
        for epoch in 1..1000 {
            epochs.note(epoch, UnixMillis(epoch), |epoch| epoch == 5);
        }
        assert_eq!(epochs.all().len(), 2 + MOST_UNDECIDED);
        assert_eq!(epochs.number(0), Some(1));
        assert!(epochs.get(999).is_some() && epochs.get(5).is_some() && epochs.get(1).is_none());
    }
}
