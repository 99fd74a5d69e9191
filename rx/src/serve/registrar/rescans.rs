//! Scans that people asked for, and who waits for what comes of them.
//!
//! ```text
//! held     ─▶ the owner's queue, first ─▶ judged ─┬─▶ outcome ─▶ whoever waits, once nothing of his is left
//! released ─▶ ours, after all that is held ─▶ take ┘
//! ```
//!
//! Always true: a bundle that several wait for is scanned once, and told to each.

use std::collections::{BTreeSet, VecDeque};

use protocol::digest::BundleId;
use tokio::sync::oneshot;

use crate::control::Answer;
use crate::owner::{Outcome, Owner, OwnerError, Rescanned, Target, answer_rescans};

/// Who waits for scans.
#[derive(Debug, Default)]
pub(super) struct Rescans {
    waiting: Vec<Waiter>,
    /// Released bundles that are to be scanned, and for whom.
    released: VecDeque<BundleId>,
}

#[derive(Debug)]
struct Waiter {
    actor: String,
    left: BTreeSet<BundleId>,
    outcomes: Vec<Outcome>,
    reply: oneshot::Sender<Answer>,
}

impl Rescans {
    /// Has a released bundle scanned.
    pub(super) fn add(&mut self, id: BundleId) {
        if !self.released.contains(&id) {
            self.released.push_back(id);
        }
    }

    /// Tells `reply` what came of these, once all are scanned.
    pub(super) fn wait_for(&mut self, targets: &[Target], actor: String, reply: oneshot::Sender<Answer>) {
        if targets.is_empty() {
            let text = "there is nothing to scan again".to_owned();
            // Whoever asked may be gone.
            let _ = reply.send(Answer { exit: 0, text });
            return;
        }
        self.waiting.push(Waiter {
            actor,
            left: targets.iter().map(|target| target.id()).collect(),
            outcomes: Vec::new(),
            reply,
        });
    }

    /// The next released bundle that is to be scanned.
    pub(super) fn next(&mut self) -> Option<BundleId> {
        self.released.pop_front()
    }

    /// Whether no released bundle is to be scanned.
    pub(super) fn is_idle(&self) -> bool {
        self.released.is_empty()
    }

    /// Takes the scan of a released bundle.
    pub(super) fn take(&mut self, owner: &mut Owner, rescanned: Rescanned) -> Result<(), OwnerError> {
        let id = rescanned.id;
        let actor = self.waiting.iter().find(|waiter| waiter.left.contains(&id));
        let actor = actor.map_or_else(|| "nobody".to_owned(), |waiter| waiter.actor.clone());
        let outcome = owner.take_rescanned(rescanned, &actor)?;
        owner.publish()?;
        self.tell(&outcome);
        Ok(())
    }

    /// The verdicts on these held bundles are on record.
    pub(super) fn judged(&mut self, owner: &Owner, judged: &[BundleId]) {
        for id in judged {
            if self.waiting.iter().any(|waiter| waiter.left.contains(id)) {
                self.tell(&owner.outcome(*id));
            }
        }
    }

    fn tell(&mut self, outcome: &Outcome) {
        for waiter in &mut self.waiting {
            if waiter.left.remove(&outcome.id) {
                waiter.outcomes.push(outcome.clone());
            }
        }
        let (done, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiter| waiter.left.is_empty());
        self.waiting = waiting;
        for Waiter { outcomes, reply, .. } in done {
            let _ = reply.send(answer_rescans(outcomes));
        }
    }
}
