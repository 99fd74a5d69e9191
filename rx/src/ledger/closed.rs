//! Numbers that admitted bundles used up by coming again under them.
//!
//! ```text
//! 7 A   8 A   9 A   12 B   13 A        three runs: 7–9 of A, 12 of B, 13 of A
//! ```
//!
//! Always true: a bundle has at most [`MOST_RUNS`] runs, so that whoever sends it again under number after number makes this no larger than so many
//! times what was admitted.

use std::collections::BTreeMap;

use protocol::digest::BundleId;
use protocol::wire::LinkNumber;

/// Numbers that one entry of the log may use up.
pub const LONGEST_RUN: u64 = 4096;
/// Runs that a bundle may have.
const MOST_RUNS: u32 = 128;

/// The numbers, in runs.
#[derive(Debug, Default)]
pub(super) struct Closed {
    /// By the first number of each run its last sequence number, and the bundle.
    runs: BTreeMap<LinkNumber, (u64, BundleId)>,
    /// How many runs a bundle has.
    count: BTreeMap<BundleId, u32>,
}

impl Closed {
    /// The bundle that used up a number.
    pub(super) fn owner(&self, number: LinkNumber) -> Option<BundleId> {
        let (first, (last, id)) = self.runs.range(..=number).next_back()?;
        (first.epoch == number.epoch && number.sequence <= *last).then_some(*id)
    }

    /// Whether a number that is nobody's may become the bundle's.
    pub(super) fn has_room(&self, id: BundleId, number: LinkNumber) -> bool {
        let runs = self.count.get(&id).copied().unwrap_or(0);
        let adjoins = |sequence: Option<u64>| {
            sequence.is_some_and(|sequence| self.owner(LinkNumber { sequence, ..number }) == Some(id))
        };
        runs < MOST_RUNS || adjoins(number.sequence.checked_sub(1)) || adjoins(number.sequence.checked_add(1))
    }

    /// Gives a number that is nobody's to the bundle.
    pub(super) fn insert(&mut self, id: BundleId, number: LinkNumber) {
        let before = self.runs.range(..number).next_back();
        let before = before.filter(|(first, (last, owner))| {
            first.epoch == number.epoch && last.checked_add(1) == Some(number.sequence) && *owner == id
        });
        let before = before.map(|(first, _)| *first);
        let next = number
            .sequence
            .checked_add(1)
            .map(|sequence| LinkNumber { sequence, ..number });
        let after = next.filter(|next| self.runs.get(next).is_some_and(|(_, owner)| *owner == id));
        let after = after.and_then(|next| self.runs.remove(&next));
        let last = after.map_or(number.sequence, |(last, _)| last);
        self.runs.insert(before.unwrap_or(number), (last, id));
        let runs = self.count.entry(id).or_default();
        match (before, after) {
            (None, None) => *runs = runs.saturating_add(1),
            (Some(_), Some(_)) => *runs = runs.saturating_sub(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::digest::Digest;

    use super::*;

    fn id(byte: u8) -> BundleId {
        BundleId(Digest([byte; 32]))
    }

    fn number(sequence: u64) -> LinkNumber {
        LinkNumber { epoch: 1, sequence }
    }

    fn closed(numbers: &[(u64, u8)]) -> Closed {
        let mut closed = Closed::default();
        for (sequence, byte) in numbers {
            closed.insert(id(*byte), number(*sequence));
        }
        closed
    }

    #[test]
    fn adjoining_numbers_of_a_bundle_are_one_run_in_whatever_order_they_came() {
        let closed = closed(&[(7, 1), (9, 1), (8, 1), (12, 2), (13, 1), (u64::MAX, 1)]);
        assert_eq!(closed.runs.len(), 4);
        let owners = [6, 7, 8, 9, 10, 12, 13, u64::MAX].map(|sequence| closed.owner(number(sequence)));
        let [one, two] = [1, 2].map(|byte| Some(id(byte)));
        assert_eq!(owners, [None, one, one, one, None, two, one, one]);
        assert_eq!((closed.count[&id(1)], closed.count[&id(2)]), (3, 1));
    }

    #[test]
    fn a_number_of_another_epoch_is_nobodys() {
        let closed = closed(&[(7, 1)]);
        assert_eq!(closed.owner(LinkNumber { epoch: 2, sequence: 7 }), None);
        assert_eq!(closed.owner(LinkNumber { epoch: 2, sequence: 3 }), None);
    }

    #[test]
    fn a_bundle_has_room_for_so_many_runs_and_for_what_adjoins_them() {
        let apart: Vec<_> = (1..=u64::from(MOST_RUNS)).map(|run| (10 * run, 1)).collect();
        let closed = closed(&apart);
        assert!(!closed.has_room(id(1), number(5)) && closed.has_room(id(2), number(5)));
        assert!(closed.has_room(id(1), number(9)) && closed.has_room(id(1), number(11)));
    }
}
