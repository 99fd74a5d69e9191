//! Retention at work: what is kept no longer is removed, a bounded piece a turn.
//!
//! ```text
//! plan_retention ─▶ over, oldest first ─▶ bundle.removed of some, one sync ─▶ names and packed bundles ─▶ trees, some names a turn
//! ```
//!
//! Always true: a removal is in the log, synced, before anything is removed; what a crash leaves of it the next start removes.

use std::collections::VecDeque;

use audit::event::{Event, EventKind, State};
use scanner::quarantine::{Decided, LeavingTree};

use super::{Owner, OwnerError};
use crate::retention::{Over, Retention};

/// What retention still has to do.
#[derive(Debug, Default)]
pub(super) struct Retiring {
    retention: Retention,
    over: VecDeque<Over>,
    leaving: VecDeque<LeavingTree>,
}

impl Retiring {
    pub(super) fn new(retention: Retention) -> Self {
        Self {
            retention,
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

/// Bundles that are removed with one sync.
const BUNDLES_A_TURN: usize = 32;
/// Names in released trees that are removed at once: some milliseconds.
const NAMES_A_TURN: usize = 512;
