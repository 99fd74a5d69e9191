//! From the spool into HELD, or why not. Of all bundles of a group together:
//!
//! 1. Sync the spool files, name them for their bundles, sync the folder.
//! 2. `bundle.admitted` of each, in one synced group of the log: the commit point.
//! 3. Rename to `held/`, sync both folders.
//!
//! A crash before 2 leaves bundles that were never admitted; one after it is finished by [`Owner::open`].

use std::collections::BTreeSet;

use audit::event::{Event, EventKind, State};
use protocol::bundle::VerifiedHead;
use protocol::reception::{Ending, Summary};
use protocol::wire::{Announce, SessionId};
use scanner::quarantine::{HeldBundle, QuarantineError};

use super::{Owner, OwnerError};
use crate::ledger::Replay;
use crate::serve::{Arrival, News};

/// Complete bundles, in the order in which they came.
type Complete = Vec<(Arrival, Summary)>;

impl Owner {
    /// Takes what reassembly has to tell.
    ///
    /// # Errors
    /// If log or quarantine can't be used any more.
    pub fn take(&mut self, news: News) -> Result<(), OwnerError> {
        match news {
            News::Opened(_, announce) => self.note_link(&announce),
            News::Complete(arrival, summary) => self.admit_all(vec![(*arrival, summary)]),
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

    /// Admits complete bundles with the syncs of one. A bundle that comes twice among them is admitted once.
    ///
    /// # Errors
    /// If log or quarantine can't be used any more.
    pub fn admit_all(&mut self, arrivals: Vec<(Arrival, Summary)>) -> Result<(), OwnerError> {
        let mut left = arrivals;
        while !left.is_empty() {
            let (round, later) = split_off_conflicts(left);
            self.admit_round(round)?;
            left = later;
        }
        Ok(())
    }

    /// Admits bundles none of which bears on whether another one may be admitted.
    fn admit_round(&mut self, arrivals: Complete) -> Result<(), OwnerError> {
        let (mut files, mut complete) = (Vec::new(), Vec::new());
        for (arrival, summary) in arrivals {
            let Arrival {
                session,
                announce,
                spool,
                head,
            } = arrival;
            // Two sessions of one bundle may complete one after the other: only here is the order of admissions known.
            if let Err(replay) = self.with_ledger(|ledger| ledger.check(announce.bundle, announce.number)) {
                spool.discard();
                self.note_replay(&announce, session, &replay)?;
                continue;
            }
            files.push((spool, head.id()));
            complete.push((session, announce, head, summary));
        }
        let (mut received, mut events, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let quarantine = self.quarantine.clone();
        for (outcome, (session, announce, head, summary)) in quarantine.finish_all(files).into_iter().zip(complete) {
            match outcome {
                Ok(bundle) => {
                    received.push(bundle);
                    events.push(self.admission(session, &announce, &head, summary));
                }
                Err(error) => refused.push((announce, session, error)),
            }
        }
        let receipts = self.record_all(&events)?;
        let held = quarantine.hold_all(received.into_iter().zip(receipts).collect());
        // After a failed sync the receiver ends here: what it refuses must be on record by then.
        let refused = self.refuse_all_unstorable(refused);
        let held = held?;
        self.unscanned.extend(held.iter().map(HeldBundle::id));
        for event in &events {
            let bundle = event.bundle.map(tracing::field::display);
            tracing::info!(bundle, seq = event.seq, bytes = event.bytes, "bundle admitted");
        }
        refused
    }

    fn admission(&mut self, session: SessionId, announce: &Announce, head: &VerifiedHead, summary: Summary) -> Event {
        let (statement, author) = (head.statement(), head.author());
        Event {
            session: Some(session.to_string()),
            signer: Some(author.principal.clone()),
            key: Some(author.fingerprint.to_string()),
            state: Some(State::Held),
            bytes: Some(statement.content_len),
            files: Some(statement.files.len() as u64),
            blocks: Some(summary.blocks.into()),
            loss_ppm: Some(summary.loss_ppm),
            duration_ms: Some(summary.last_progress.millis_since(summary.opened)),
            ..self.event_of(EventKind::BundleAdmitted, announce)
        }
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

    /// Records each refusal before the receiver ends over one of them.
    fn refuse_all_unstorable(
        &mut self,
        refused: Vec<(Announce, SessionId, QuarantineError)>,
    ) -> Result<(), OwnerError> {
        let mut ended = Ok(());
        for (announce, session, error) in refused {
            ended = ended.and(self.refuse_unstorable(&announce, session, error));
        }
        ended
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

/// Parts what can be admitted together from what has to wait for it: a bundle or number that comes again, and another epoch, whose number for people
/// depends on those before.
fn split_off_conflicts(arrivals: Complete) -> (Complete, Complete) {
    let epoch = arrivals.first().map(|(first, _)| first.announce.number.epoch);
    let (mut bundles, mut sequences) = (BTreeSet::new(), BTreeSet::new());
    arrivals.into_iter().partition(|(arrival, _)| {
        let Announce { number, bundle, .. } = &arrival.announce;
        Some(number.epoch) == epoch && bundles.insert(*bundle) && sequences.insert(number.sequence)
    })
}

/// Why a transmission ended, for people.
fn ending(why: &Ending) -> &'static str {
    match why {
        Ending::Idle => "nothing of use came for limits.idle_ms",
        Ending::Evicted => "given up for a newer transmission (limits.sessions, limits.memory_mib)",
        Ending::Stopped | Ending::Dropped | Ending::Refused(_) => "the receiver stopped",
    }
}
