//! What waits for a person's word: admitted once it is given, or given up.
//!
//! ```text
//! bundle.waiting ─▶ WAITING ──epoch.accepted, or nearer numbers──▶ verified again ─┬─▶ bundle.admitted ─▶ HELD
//!                      └──epoch.refused──▶ bundle.removed ─▶ gone                  └─▶ bundle.removed ─▶ gone
//! ```
//!
//! Always true: what waited is admitted by the trust of now, not of when it came; a crash after an entry is finished by the next start.

use std::collections::BTreeSet;

use audit::event::{Event, EventKind, State};
use protocol::digest::BundleId;
use protocol::trust::Trust;
use scanner::quarantine::{HeldBundle, VerifyError, WaitingBundle};

use super::{Owner, OwnerError};
use crate::ledger::{Acceptance, Ledger};

/// A waiting bundle, and the entry that ends its waiting.
struct Ended {
    waiting: WaitingBundle,
    entry: Event,
}

impl Owner {
    /// Finishes what a crash left between a decision and what it decided on.
    pub(super) fn settle_waiting(&mut self) -> Result<(), OwnerError> {
        for epoch in self.with_ledger(refused) {
            self.give_up_epoch(epoch, "its epoch was refused before the receiver stopped")?;
        }
        self.admit_waiting()
    }

    /// Admits all that need not wait any more; gives up what is not trusted now.
    ///
    /// # Errors
    /// If log or quarantine can't be used any more.
    pub(super) fn admit_waiting(&mut self) -> Result<(), OwnerError> {
        // An admission may bring further numbers near; what can't be opened now is tried again by the next one, or start.
        let mut tried = BTreeSet::new();
        loop {
            let mut ready = self.with_ledger(Ledger::ready);
            ready.retain(|id| tried.insert(*id));
            if ready.is_empty() {
                return Ok(());
            }
            let trust = match self.authority.trust() {
                Ok(trust) => trust,
                Err(error) => {
                    tracing::error!(%error, "bundles that waited can't be admitted");
                    return Ok(());
                }
            };
            let ended: Vec<_> = ready
                .into_iter()
                .filter_map(|id| self.judge_waiting(id, &trust))
                .collect();
            self.end_waiting(ended)?;
        }
    }

    /// The entry that admits a waiting bundle, or gives it up; `None` if it can't be read now.
    fn judge_waiting(&mut self, id: BundleId, trust: &Trust) -> Option<Ended> {
        let waiting = match self.quarantine.open_waiting(id) {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::error!(bundle = %id, %error, "a bundle that waited can't be admitted");
                return None;
            }
        };
        let (receiver, now) = (self.authority.receiver().to_owned(), self.now());
        let entry = match waiting.stored().verify(trust, &receiver, now) {
            Ok(head) => {
                let author = head.author();
                let known = self.with_ledger(|ledger| ledger.waiting(&id).map(|record| record.admitted.1.clone()))?;
                let (signer, key) = (author.principal.clone(), author.fingerprint.to_string());
                Event {
                    session: known.session,
                    signer: Some(signer),
                    key: Some(key),
                    head: known.head,
                    state: Some(State::Held),
                    bytes: known.bytes,
                    file_bytes: known.file_bytes,
                    files: known.files,
                    blocks: known.blocks,
                    loss_ppm: known.loss_ppm,
                    duration_ms: known.duration_ms,
                    detail: Some(format!("waited since {}", known.time.to_rfc3339())),
                    ..self.numbered_now(EventKind::BundleAdmitted, id)
                }
            }
            Err(VerifyError::Refused { refusal, .. }) => {
                let detail = format!("{refusal}; {}", refusal.mend());
                self.removal(id, refusal.code(), detail)
            }
            Err(VerifyError::Unreadable(error)) => {
                tracing::error!(bundle = %id, %error, "a bundle that waited can't be admitted");
                return None;
            }
        };
        Some(Ended { waiting, entry })
    }

    /// An event about a waiting bundle, with the number that its epoch has by now.
    fn numbered_now(&mut self, kind: EventKind, id: BundleId) -> Event {
        let epoch = self.with_ledger(|ledger| {
            let record = ledger.waiting(&id)?;
            ledger.epoch_number(record.number.epoch)
        });
        Event {
            epoch,
            ..self.event_about(kind, id)
        }
    }

    fn removal(&mut self, id: BundleId, reason: &str, detail: String) -> Event {
        Event {
            state: Some(State::Waiting),
            reason: Some(reason.to_owned()),
            detail: Some(detail),
            ..self.event_about(EventKind::BundleRemoved, id)
        }
    }

    /// Gives up all that waits in an epoch; says how many bundles.
    pub(super) fn give_up_epoch(&mut self, epoch: u64, reason: &str) -> Result<usize, OwnerError> {
        let mut ended = Vec::new();
        for id in self.with_ledger(|ledger| ledger.waiting_in(epoch)) {
            match self.quarantine.open_waiting(id) {
                Ok(waiting) => {
                    let entry = self.removal(id, "epoch-refused", reason.to_owned());
                    ended.push(Ended { waiting, entry });
                }
                Err(error) => tracing::error!(bundle = %id, %error, "a bundle that waited can't be given up"),
            }
        }
        let count = ended.len();
        self.end_waiting(ended).map(|()| count)
    }

    /// Records the entries together, then does what each says.
    fn end_waiting(&mut self, ended: Vec<Ended>) -> Result<(), OwnerError> {
        let (waiting, entries): (Vec<_>, Vec<_>) = ended.into_iter().map(|one| (one.waiting, one.entry)).unzip();
        if entries.is_empty() {
            return Ok(());
        }
        let receipts = self.record_all(&entries)?;
        let (admitted, removed): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .zip(receipts)
            .partition(|(_, receipt)| receipt.kind() == EventKind::BundleAdmitted);
        let held = self.quarantine.hold_waiting(admitted)?;
        for (waiting, receipt) in removed {
            tracing::warn!(bundle = %waiting.id(), "a bundle that waited is given up");
            self.quarantine.remove_waiting(waiting, receipt)?;
        }
        for id in held.iter().map(HeldBundle::id) {
            tracing::info!(bundle = %id, "bundle admitted that waited");
            self.unscanned.push_back(id);
        }
        Ok(())
    }
}

fn refused(ledger: &Ledger) -> Vec<u64> {
    let epochs = ledger.epochs().into_iter();
    let refused = epochs.filter(|(_, epoch)| epoch.acceptance == Acceptance::Refused);
    refused.map(|(id, _)| id).collect()
}
