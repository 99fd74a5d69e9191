//! Retention at work: what is kept no longer is removed, a bounded piece a turn.
//!
//! ```text
//! plan_retention ─▶ over, oldest first ─▶ bundle.removed of some, one sync ─▶ names and packed bundles ─▶ trees, some names a turn
//! retire_incomplete ─▶ bundle.removed of what an incomplete transmission left ─▶ its file
//! ```
//!
//! Always true: a removal is in the log, synced, before anything is removed; what a crash leaves of it the next start removes. But for what gives
//! way to something else, which was never admitted: that is removed at once, and told then.

use std::collections::VecDeque;

use audit::event::{Event, EventKind, State};
use scanner::quarantine::{Decided, Forgotten, GaveWay, Kept, LeavingTree};

use super::{Owner, OwnerError, unless_full};
use crate::retention::{Over, Retention};

/// What retention still has to do.
#[derive(Debug, Default)]
pub(super) struct Retiring {
    retention: Retention,
    incomplete_days: u64,
    over: VecDeque<Over>,
    leaving: VecDeque<LeavingTree>,
}

impl Retiring {
    pub(super) fn new(retention: Retention, incomplete_days: u64) -> Self {
        Self {
            retention,
            incomplete_days,
            ..Self::default()
        }
    }
}

impl Owner {
    /// Looks for what is kept no longer; [`retire_some`](Self::retire_some) follows.
    pub fn plan_retention(&mut self) {
        let retention = self.retiring.retention;
        if !self.is_retiring() && retention.is_asked_for() {
            let now = self.now();
            self.retiring.over = self.with_ledger(|ledger| retention.over(ledger, now)).into();
        }
    }

    /// Removes what incomplete transmissions left too long ago, and what takes the room that is kept free.
    ///
    /// # Errors
    /// If the log can't be used any more. What can't be removed is told, and tried again by the next start.
    pub fn retire_incomplete(&mut self) -> Result<(), OwnerError> {
        // First of all: it may be the room that the entries need.
        if let Err(error) = self.quarantine.make_way() {
            tracing::error!(%error, "it can't be found out how full the disk is");
        }
        let (now, days) = (self.now(), self.retiring.incomplete_days);
        self.quarantine.date_kept(now);
        let most_ms = days.saturating_mul(DAY_MS);
        let is_over = |kept: &Kept| kept.since.is_some_and(|since| now.millis_since(since) > most_ms);
        for kept in self.quarantine.kept().into_iter().filter(is_over) {
            let detail = format!(
                "nothing came of it for more than {days} days (limits.incomplete_days); sent again, it begins anew"
            );
            let event = self.leftover(&kept, "incomplete-age", &detail);
            match self.note(&event) {
                // Kept until it can be recorded.
                Err(error) if error.is_full() => {
                    unless_full(Err(error))?;
                    break;
                }
                noted => noted?,
            }
            if let Err(error) = self.quarantine.forget(&kept) {
                tracing::error!(%error, "what an incomplete transmission left can't be removed");
            }
        }
        let forgotten = self.quarantine.take_forgotten();
        forgotten
            .iter()
            .try_for_each(|forgotten| unless_full(self.note_forgotten(forgotten)))
    }

    /// Notes what was kept of an incomplete transmission, and gave way.
    pub(super) fn note_forgotten(&mut self, forgotten: &Forgotten) -> Result<(), OwnerError> {
        let (reason, why) = match forgotten.why {
            GaveWay::Quota => (
                "incomplete-full",
                "more was kept than limits.incomplete_mib and limits.incomplete_bundles allow",
            ),
            GaveWay::Room => ("disk-full", "the disk's room was needed"),
        };
        let detail = format!("{why}, and it was without progress for longest; sent again, it begins anew");
        let event = self.leftover(&forgotten.kept, reason, &detail);
        self.record_limited(&event)
    }

    fn leftover(&mut self, kept: &Kept, reason: &str, detail: &str) -> Event {
        Event {
            bundle: Some(kept.key.bundle()),
            file_bytes: Some(kept.bytes),
            reason: Some(reason.to_owned()),
            detail: Some(format!("kept of an incomplete transmission: {detail}")),
            ..self.event(EventKind::BundleRemoved)
        }
    }

    /// Whether something is to be removed.
    #[must_use]
    pub fn is_retiring(&self) -> bool {
        !self.retiring.over.is_empty() || !self.retiring.leaving.is_empty()
    }

    /// Removes some of what is kept no longer.
    ///
    /// # Errors
    /// If log or quarantine can't be used any more. What can't be removed alone is told, and tried again by the next start.
    pub fn retire_some(&mut self) -> Result<(), OwnerError> {
        let Some(mut tree) = self.retiring.leaving.pop_front() else {
            return self.retire_next();
        };
        match self.quarantine.remove_some(&mut tree, NAMES_A_TURN) {
            Ok(true) => {}
            Ok(false) => self.retiring.leaving.push_front(tree),
            Err(error) => tracing::error!(%error, "what was released can't be removed; the next start tries again"),
        }
        Ok(())
    }

    fn retire_next(&mut self) -> Result<(), OwnerError> {
        let count = self.retiring.over.len().min(BUNDLES_A_TURN);
        let over: Vec<_> = self.retiring.over.drain(..count).collect();
        if over.is_empty() {
            return Ok(());
        }
        let entries: Vec<_> = over.iter().map(|over| self.retirement(over)).collect();
        let receipts = self.record_all(&entries)?;
        let removed = over.iter().zip(receipts);
        let removed = removed.filter_map(|(over, receipt)| Some((over.id, decided(over.state)?, receipt)));
        let retired = self.quarantine.retire(removed.collect())?;
        for (bundle, error) in &retired.failed {
            tracing::error!(%bundle, %error, "a bundle can't be removed; the next start tries again");
        }
        self.retiring.leaving.extend(retired.leaving);
        tracing::info!(count, "bundles removed by retention");
        Ok(())
    }

    fn retirement(&mut self, over: &Over) -> Event {
        Event {
            state: Some(over.state),
            reason: Some(over.why.code().to_owned()),
            detail: Some(over.detail()),
            ..self.event_about(EventKind::BundleRemoved, over.id)
        }
    }
}

fn decided(state: State) -> Option<Decided> {
    match state {
        State::Released => Some(Decided::Released),
        State::Rejected => Some(Decided::Rejected),
        State::Held | State::Waiting | State::Evidence => None,
    }
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Bundles that are removed with one sync.
const BUNDLES_A_TURN: usize = 32;
/// Names in released trees that are removed at once: some milliseconds.
const NAMES_A_TURN: usize = 512;
