//! From the spool into HELD, or why not.
//!
//! 1. Sync the spool file and its folder.
//! 2. `bundle.admitted`, synced: the commit point.
//! 3. Rename to `held/`, sync both folders.
//!
//! A crash before 2 leaves a bundle that was never admitted; one after it is finished by [`Owner::open`].

use audit::event::{Event, EventKind, State};
use protocol::reception::{Ending, Summary};
use protocol::wire::{Announce, SessionId};
use scanner::quarantine::QuarantineError;

use super::{Owner, OwnerError};
use crate::ledger::Replay;
use crate::serve::{Arrival, News};

impl Owner {
    /// Takes what reassembly has to tell.
    ///
    /// # Errors
    /// If log or quarantine can't be used any more.
    pub fn take(&mut self, news: News) -> Result<(), OwnerError> {
        match news {
            News::Opened(announce) => self.note_link(&announce),
            News::Complete(arrival, summary) => self.admit(*arrival, summary),
            News::Ended(announce, session, why, summary) => self.note_ended(&announce, session, &why, summary),
            News::Replayed(announce, session, replay) => self.note_replay(&announce, session, &replay),
            News::Unstorable(announce, session, error) => self.refuse_unstorable(&announce, session, error),
            News::Unjudged(announce, session, reason) => self.refuse(&announce, session, "no-trust", reason),
            News::UnknownLinkKey(key_id) => {
                let event = Event {
                    reason: Some("unknown-link-key".to_owned()),
                    detail: Some(format!(
                        "announces by link key {key_id}, which is not pinned here; compare `diode-tx keygen`'s output with this \
                         receiver's link.pub"
                    )),
                    ..self.event(EventKind::LinkMismatched)
                };
                self.record_limited(&event)
            }
            News::Mismatched(announce, detail) => {
                let event = Event {
                    reason: Some("limits".to_owned()),
                    detail: Some(detail),
                    ..self.event_of(EventKind::LinkMismatched, &announce)
                };
                self.record_limited(&event)
            }
        }
    }

    /// Records the first valid announce of each epoch since the start: the link is up.
    fn note_link(&mut self, announce: &Announce) -> Result<(), OwnerError> {
        if self.link_epoch == Some(announce.number.epoch) {
            return Ok(());
        }
        self.link_epoch = Some(announce.number.epoch);
        let event = Event {
            bundle: None,
            seq: None,
            ..self.event_of(EventKind::LinkUp, announce)
        };
        self.record_limited(&event)
    }

    fn admit(&mut self, arrival: Arrival, summary: Summary) -> Result<(), OwnerError> {
        let Arrival {
            session,
            announce,
            spool,
            head,
        } = arrival;
        // Two sessions of one bundle may complete one after the other: only here is the order of admissions known.
        if let Err(replay) = self.with_ledger(|ledger| ledger.check(announce.bundle, announce.number)) {
            spool.discard();
            return self.note_replay(&announce, session, &replay);
        }
        let received = match spool.finish(head.id()) {
            Ok(received) => received,
            Err(error) => return self.refuse_unstorable(&announce, session, error),
        };
        let statement = head.statement();
        let author = head.author();
        let base = self.event_of(EventKind::BundleAdmitted, &announce);
        let event = Event {
            session: Some(session.to_string()),
            signer: Some(author.principal.clone()),
            key: Some(author.fingerprint.to_string()),
            state: Some(State::Held),
            bytes: Some(statement.content_len),
            files: Some(statement.files.len() as u64),
            blocks: Some(summary.blocks.into()),
            loss_ppm: Some(summary.loss_ppm),
            duration_ms: Some(summary.last_progress.millis_since(summary.opened)),
            ..base
        };
        let receipt = self.record(&event)?;
        self.quarantine.hold(received, &receipt)?;
        self.unscanned.push_back(head.id());
        tracing::info!(bundle = %head.id(), seq = announce.number.sequence, bytes = statement.content_len, "bundle admitted");
        Ok(())
    }

    fn note_ended(
        &mut self,
        announce: &Announce,
        session: SessionId,
        why: &Ending,
        summary: Summary,
    ) -> Result<(), OwnerError> {
        if self.with_ledger(|ledger| ledger.get(&announce.bundle).is_some()) {
            // A transmission that was cut, of a bundle that arrived by another one: nobody misses anything.
            return Ok(());
        }
        let reason = match why {
            Ending::Refused(refusal) => {
                let detail = format!("{refusal}; {}", refusal.mend());
                return self.refuse(announce, session, refusal.code(), detail);
            }
            Ending::Idle => "idle",
            Ending::Evicted => "evicted",
            Ending::Stopped => "receiver-stopped",
            // Told by whoever dropped it.
            Ending::Dropped => return Ok(()),
        };
        let Summary {
            blocks, blocks_missing, ..
        } = summary;
        let base = self.event_of(EventKind::BundleIncomplete, announce);
        let event = Event {
            session: Some(session.to_string()),
            reason: Some(reason.to_owned()),
            detail: Some(format!("{}; have it sent again", ending(why))),
            blocks: Some(blocks.into()),
            blocks_missing: Some(blocks_missing.into()),
            loss_ppm: Some(summary.loss_ppm),
            duration_ms: Some(summary.last_progress.millis_since(summary.opened)),
            ..base
        };
        self.record_limited(&event)
    }

    fn note_replay(&mut self, announce: &Announce, session: SessionId, replay: &Replay) -> Result<(), OwnerError> {
        match replay {
            Replay::Duplicate { number } => {
                let event = Event {
                    session: Some(session.to_string()),
                    detail: Some(format!("this bundle was admitted as seq {} already", number.sequence)),
                    ..self.event_of(EventKind::BundleDuplicate, announce)
                };
                self.record_limited(&event)
            }
            Replay::NumberTaken { by } => {
                let detail = format!(
                    "ALARM: seq {} of this epoch belongs to bundle {by}; the transmitter's state was restored from a copy, or somebody \
                     else has its link key",
                    announce.number.sequence
                );
                self.refuse(announce, session, "sequence-reused", detail)
            }
        }
    }

    /// A bundle that the disk did not take. After a sync that failed nothing can be admitted any more: the receiver ends, and says why.
    fn refuse_unstorable(
        &mut self,
        announce: &Announce,
        session: SessionId,
        error: QuarantineError,
    ) -> Result<(), OwnerError> {
        self.refuse(announce, session, "storage", format!("{error}; {}", error.mend()))?;
        match error {
            QuarantineError::Poisoned { .. } => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn refuse(
        &mut self,
        announce: &Announce,
        session: SessionId,
        reason: &str,
        detail: String,
    ) -> Result<(), OwnerError> {
        let event = Event {
            session: Some(session.to_string()),
            reason: Some(reason.to_owned()),
            detail: Some(detail),
            ..self.event_of(EventKind::BundleRefused, announce)
        };
        self.record_limited(&event)
    }
}

/// Why a transmission ended, for people.
fn ending(why: &Ending) -> &'static str {
    match why {
        Ending::Idle => "nothing of use came for limits.idle_ms",
        Ending::Evicted => "given up for a newer transmission (limits.sessions, limits.memory_mib)",
        Ending::Stopped | Ending::Dropped | Ending::Refused(_) => "the receiver stopped",
    }
}
