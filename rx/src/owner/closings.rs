//! Numbers that are used up by a bundle that was admitted under another one: on record in runs, soon, and many of them with one sync.
//!
//! ```text
//! 8 of A, 9 of A, 12 of B ──a second at most──▶ bundle.duplicate A 8–9, bundle.duplicate B 12
//! ```
//!
//! Always true: what waits to be recorded is at most [`AT_ONCE`] runs, and goes before any other entry.

use audit::event::Event;
use protocol::wire::{Announce, LinkNumber};

use super::{Owner, OwnerError};
use crate::ledger::LONGEST_RUN;
use crate::limiter::Limiter;

/// Entries a minute that close numbers: a backlog that was admitted before and is sent again must fit in.
pub(super) const PER_MINUTE: u32 = 6000;
/// Entries that close numbers, recorded together at most.
const AT_ONCE: usize = 512;

/// The runs that are not on record yet.
#[derive(Debug)]
pub(super) struct Closings {
    pub(super) limiter: Limiter,
    waiting: Vec<Event>,
}

impl Default for Closings {
    fn default() -> Self {
        Self {
            limiter: Limiter::of(PER_MINUTE),
            waiting: Vec::new(),
        }
    }
}

impl Closings {
    /// The entries, which are the caller's to record, in the order of their numbers.
    pub(super) fn take(&mut self) -> Vec<Event> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by(|one, other| (&one.epoch_id, one.seq).cmp(&(&other.epoch_id, other.seq)));
        // Runs may have grown towards each other.
        let mut taken: Vec<Event> = Vec::with_capacity(waiting.len());
        for run in waiting {
            if !taken.last_mut().is_some_and(|before| join(before, &run)) {
                taken.push(run);
            }
        }
        taken
    }

    /// Takes entries back that could not be recorded.
    pub(super) fn put_back(&mut self, entries: Vec<Event>) {
        self.waiting = entries;
    }

    /// How many runs there are.
    pub(super) fn runs(&self) -> usize {
        self.waiting.len()
    }

    /// Whether the number of this epoch is among them.
    fn contains(&self, epoch_id: &str, sequence: u64) -> bool {
        let is_in = |run: &Event| bounds(run).is_some_and(|(first, last)| (first..=last).contains(&sequence));
        let mut runs = self.waiting.iter();
        runs.any(|run| run.epoch_id.as_deref() == Some(epoch_id) && is_in(run))
    }
}

/// Makes one run of two that adjoin and are of the same bundle, and says whether it did.
fn join(run: &mut Event, other: &Event) -> bool {
    let (Some((first, last)), Some((from, to))) = (bounds(run), bounds(other)) else {
        return false;
    };
    let same = run.bundle == other.bundle && run.epoch_id == other.epoch_id;
    let adjoin = last.checked_add(1) == Some(from) || to.checked_add(1) == Some(first);
    let numbers = (last - first).saturating_add(to - from).saturating_add(2);
    if !same || !adjoin || numbers > LONGEST_RUN {
        return false;
    }
    (run.seq, run.seq_last) = (Some(first.min(from)), Some(last.max(to)));
    // Each number came by a session of its own.
    run.session = None;
    true
}

/// First and last number of a run.
fn bounds(run: &Event) -> Option<(u64, u64)> {
    let first = run.seq?;
    Some((first, run.seq_last.unwrap_or(first).max(first)))
}

impl Owner {
    /// Records the numbers that were closed.
    ///
    /// # Errors
    /// If the log can't be written.
    pub fn record_closings(&mut self) -> Result<(), OwnerError> {
        self.record_all(&[]).map(drop)
    }

    /// Whether numbers were closed that are not on record yet.
    #[must_use]
    pub fn has_closings(&self) -> bool {
        !self.closings.waiting.is_empty()
    }

    /// Notes that a number is used up by a bundle that was admitted under another one. On record with the next entry, or soon.
    pub(super) fn close(&mut self, event: Event) -> Result<(), OwnerError> {
        let known = |epoch: &str| event.seq.is_some_and(|number| self.closings.contains(epoch, number));
        if event.epoch_id.as_deref().is_some_and(known) {
            return Ok(());
        }
        if self.closings.waiting.iter_mut().any(|run| join(run, &event)) {
            return Ok(());
        }
        if self.refusals.is_short() {
            self.closings.limiter.hold_back(event.time);
            return Ok(());
        }
        if !self.closings.limiter.admit(event.time) {
            return Ok(());
        }
        self.closings.waiting.push(event);
        match self.closings.waiting.len() < AT_ONCE {
            true => Ok(()),
            false => self.record_closings(),
        }
    }

    /// Whether the number is closed, and that is not on record yet.
    pub(super) fn is_closing(&self, announce: &Announce) -> bool {
        let LinkNumber { epoch, sequence } = announce.number;
        self.closings.contains(&format!("{epoch:016x}"), sequence)
    }
}
