//! What one process of the receiver heard of heartbeats: which missing numbers it may tell, and which it must have told.
//!
//! ```text
//! heartbeat n − 1: sent_below 45 ─┬─▶ all below 44 may be told
//! heartbeat n:     sent_below 44 ─┘   and must be, if nothing was under way here when it came
//! ```

use std::collections::BTreeMap;

/// By epoch, how far the transmitter said to be.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Of the last heartbeat.
    last: BTreeMap<u64, u64>,
    /// Of the last heartbeat since an epoch was accepted last: one before that counts for nothing.
    counted: BTreeMap<u64, u64>,
    /// What two heartbeats one after the other said, at most.
    may_tell: BTreeMap<u64, u64>,
    /// The same of those that count, the later of which came while nothing was under way.
    must_tell: BTreeMap<u64, u64>,
    /// Entries about missing numbers.
    told: usize,
}

/// Entries about missing numbers that are surely written at once; how many more there may be depends on the minute.
const AT_ONCE: usize = 60;

impl Heard {
    /// Another process begins, which heard nothing.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Takes a heartbeat that is newer than all before; `is_quiet` says that nothing was under way when it came, `misses` that what is missing of
    /// its epoch is told.
    pub(super) fn hear(&mut self, epoch: u64, sent_below: u64, is_quiet: bool, misses: bool) {
        if let Some(before) = self.last.insert(epoch, sent_below) {
            raise(&mut self.may_tell, epoch, before.min(sent_below));
        }
        if misses
            && let Some(before) = self.counted.insert(epoch, sent_below)
            && is_quiet
        {
            raise(&mut self.must_tell, epoch, before.min(sent_below));
        }
    }

    /// An epoch was accepted.
    pub(super) fn handle_acceptance(&mut self) {
        self.counted.clear();
        self.must_tell.clear();
    }

    /// Something was told to be missing.
    pub(super) fn handle_telling(&mut self) {
        self.told += 1;
    }

    /// All numbers of an epoch that may be told lie below.
    pub(super) fn may_tell_below(&self, epoch: u64) -> u64 {
        self.may_tell.get(&epoch).copied().unwrap_or(0)
    }

    /// By epoch, below what every missing number must be on record once nothing waits to be written.
    pub(super) fn must_tell_below(&self) -> impl Iterator<Item = (u64, u64)> {
        let has_room = self.told < AT_ONCE;
        let all = self.must_tell.iter().map(|(epoch, below)| (*epoch, *below));
        all.filter(move |_| has_room)
    }
}

fn raise(of: &mut BTreeMap<u64, u64>, epoch: u64, to: u64) {
    let known = of.entry(epoch).or_default();
    *known = to.max(*known);
}
