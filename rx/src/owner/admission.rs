//! From the spool into HELD, or why not. Of all bundles of a group together:
//!
//! 1. Sync the spool files, name them for their bundles, sync the folder.
//! 2. `bundle.admitted` of each, in one synced group of the log: the commit point. Of what waits for a person `bundle.waiting`, of what came under
//!    another bundle's number `bundle.evidence`.
//! 3. Rename to `held/`, `waiting/`, `evidence/`, sync the folders.
//!
//! A crash before 2 leaves bundles that were never admitted; one after it is finished by [`Owner::open`].

use std::collections::BTreeSet;

use audit::event::{Event, EventKind, State};
use protocol::bundle::VerifiedHead;
use protocol::digest::BundleId;
use protocol::limits::MAX_SEQUENCE_AHEAD;
use protocol::reception::{Ending, Summary};
use protocol::wire::{Announce, LinkNumber, SessionId};
use scanner::quarantine::{HeldBundle, QuarantineError, ReceivedBundle, SpoolFile};

use super::{Owner, OwnerError};
use crate::ledger::{Ledger, Replay, Standing, Wait};
use crate::serve::{Arrival, News};

/// Complete bundles, in the order in which they came.
type Complete = Vec<(Arrival, Summary)>;

impl Owner {
    /// Takes what reassembly has to tell.
    ///
    /// # Errors
    /// If log or quarantine can't be used any more.
    pub fn take(&mut self, news: News) -> Result<(), OwnerError> {
        self.hear(&news);
        match news {
            News::Opened(session, announce) => {
                self.note_epoch(announce.number.epoch)?;
                self.note_conflict(session, &announce)
            }
            News::Link(news) => self.note_link(&news),
            News::Heartbeat(heartbeat, under_way) => self.note_heartbeat(&heartbeat, &under_way),
            News::Complete(arrival, summary) => self.admit_all(vec![(*arrival, summary)]),
            News::Ended(announce, session, why, summary, kept) => {
                self.note_ended(&announce, session, &why, summary, kept)
            }
            News::Countersigned(again) => self.countersign(*again),
            News::Forgotten(forgotten) => self.note_forgotten(&forgotten),
            News::Replayed(announce, session, replay) => self.note_replay(&announce, session, &replay),
            News::NoRoom(announce, session, state) => self.refuse_for_room(&announce, session, state),
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

    /// Admits complete bundles with the syncs of one. A bundle that comes twice among them is admitted once.
    ///
    /// # Errors
    /// If log or quarantine can't be used any more.
    pub fn admit_all(&mut self, arrivals: Vec<(Arrival, Summary)>) -> Result<(), OwnerError> {
        // A number that was closed is another's: what comes under it must find that on record.
        if arrivals.iter().any(|(arrival, _)| self.is_closing(&arrival.announce)) {
            self.record_closings()?;
        }
        let mut left = arrivals;
        while !left.is_empty() {
            let (round, later) = split_off_conflicts(left);
            self.admit_round(round)?;
            left = later;
        }
        Ok(())
    }

    /// Takes bundles none of which bears on what may become of another one.
    fn admit_round(&mut self, arrivals: Complete) -> Result<(), OwnerError> {
        let sorted = self.sort_out(arrivals)?.into_iter();
        let (files, complete): (Vec<_>, Vec<_>) = sorted.map(|(spool, from)| ((spool, from.head.id()), from)).unzip();
        let (mut received, mut events, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let quarantine = self.quarantine.clone();
        for (outcome, from) in quarantine.finish_all(files).into_iter().zip(complete) {
            match outcome {
                Ok(bundle) => {
                    received.push(bundle);
                    events.push(self.entry_of(&from));
                }
                Err(error) => refused.push((from.announce, from.session, error)),
            }
        }
        let ids = received.iter().map(ReceivedBundle::id);
        let waited: BTreeSet<_> = self.with_ledger(|ledger| ids.filter(|id| ledger.waiting(id).is_some()).collect());
        let first = self.first_epoch(&events);
        let before = usize::from(first.is_some());
        events.splice(0..0, first);
        let receipts = self.record_all(&events)?.split_off(before);
        let (admitted, aside) = received
            .into_iter()
            .zip(receipts)
            .partition(|(_, receipt)| receipt.kind() == EventKind::BundleAdmitted);
        let held = quarantine.hold_all(admitted);
        let aside = quarantine.set_aside(aside);
        // After a failed sync the receiver ends here: what it refuses must be on record by then.
        let refused = self.refuse_all_unstorable(refused);
        let held = held?;
        aside?;
        for bundle in held.iter().filter(|bundle| waited.contains(&bundle.id())) {
            if let Err(error) = quarantine.drop_waiting_copy(bundle) {
                tracing::warn!(bundle = %bundle.id(), %error, "its copy that waited is still in waiting/; the next start removes it");
            }
        }
        self.unscanned.extend(held.iter().map(HeldBundle::id));
        tell(&events);
        refused?;
        // The numbers before which others waited may have come near.
        self.admit_waiting()
    }

    /// Decides what becomes of each; what is not received is discarded, and told of.
    fn sort_out(&mut self, arrivals: Complete) -> Result<Vec<(SpoolFile, Received)>, OwnerError> {
        let mut sorted = Vec::new();
        let mut taken = Taken::default();
        // What is used up and not on record yet: each run of numbers may leave a gap.
        let mut numbers = self.closings.runs();
        for (arrival, summary) in arrivals {
            let Arrival {
                session,
                announce,
                spool,
                head,
            } = arrival;
            // Two sessions of one bundle may complete one after the other: only here is the order of admissions known.
            let standing = self.with_ledger(|ledger| ledger.standing_beside(announce.bundle, announce.number, numbers));
            numbers += usize::from(standing == Standing::Free);
            let file_bytes = spool.file_len();
            let aside = standing.aside();
            let fits = aside.is_none_or(|state| self.with_ledger(|ledger| taken.take(ledger, state, file_bytes)));
            match (standing, aside) {
                (Standing::Closed(replay), _) => {
                    spool.discard();
                    self.note_replay(&announce, session, &replay)?;
                }
                (_, Some(state)) if !fits => {
                    spool.discard();
                    self.refuse_for_room(&announce, session, state)?;
                }
                (standing, _) => {
                    let received = Received {
                        session,
                        announce,
                        head,
                        summary,
                        standing,
                        file_bytes,
                    };
                    sorted.push((spool, received));
                }
            }
        }
        Ok(sorted)
    }

    /// The entry that the first epoch of all is accepted, if one of these admits a bundle of it.
    fn first_epoch(&mut self, events: &[Event]) -> Option<Event> {
        let mut admitted = events
            .iter()
            .filter(|event| event.event == EventKind::BundleAdmitted)
            .peekable();
        let epoch_id = admitted.peek()?.epoch_id.clone();
        if !self.with_ledger(Ledger::awaits_first_epoch) {
            return None;
        }
        let highest = admitted.filter_map(|event| event.seq).max();
        Some(Event {
            epoch: Some(1),
            epoch_id,
            // A receiver may be made long after its transmitter.
            seq_last: highest.filter(|highest| *highest > MAX_SEQUENCE_AHEAD),
            reason: Some("first".to_owned()),
            detail: Some(
                "the first epoch with a verified bundle: any other waits for diode-rx epoch accept".to_owned(),
            ),
            ..self.event(EventKind::EpochAccepted)
        })
    }

    /// The entry that admits a bundle, or sets it aside.
    fn entry_of(&mut self, received: &Received) -> Event {
        let Received {
            session,
            announce,
            head,
            summary,
            standing,
            file_bytes,
        } = received;
        let entry = self.admission(*session, announce, head, *summary);
        match standing {
            Standing::Free | Standing::Closed(_) => {
                let first = self.with_ledger(Ledger::awaits_first_epoch);
                let epoch = if first { Some(1) } else { entry.epoch };
                Event {
                    epoch,
                    file_bytes: Some(*file_bytes),
                    ..entry
                }
            }
            Standing::Waits(wait) => Event {
                event: EventKind::BundleWaiting,
                state: Some(State::Waiting),
                file_bytes: Some(*file_bytes),
                reason: Some(wait_code(*wait).to_owned()),
                detail: Some(what_to_accept(announce, *wait)),
                ..entry
            },
            Standing::Conflict { by } => Event {
                event: EventKind::BundleEvidence,
                state: Some(State::Evidence),
                file_bytes: Some(*file_bytes),
                reason: Some(REUSED.to_owned()),
                detail: Some(format!("{}; kept apart, and never admitted", reused(announce, *by))),
                ..entry
            },
        }
    }

    fn admission(&mut self, session: SessionId, announce: &Announce, head: &VerifiedHead, summary: Summary) -> Event {
        let (statement, author) = (head.statement(), head.author());
        Event {
            session: Some(session.to_string()),
            signer: Some(author.principal.clone()),
            key: Some(author.fingerprint.to_string()),
            head: Some(announce.head_sha256),
            state: Some(State::Held),
            bytes: Some(statement.content_len),
            files: Some(statement.files.len() as u64),
            blocks: Some(summary.blocks.into()),
            loss_ppm: Some(summary.loss_ppm),
            duration_ms: Some(summary.last_progress.millis_since(summary.opened)),
            detail: how_it_came(&summary),
            ..self.event_of(EventKind::BundleAdmitted, announce)
        }
    }

    fn note_ended(
        &mut self,
        announce: &Announce,
        session: SessionId,
        why: &Ending,
        summary: Summary,
        kept: bool,
    ) -> Result<(), OwnerError> {
        let id = announce.bundle;
        let is_here = |ledger: &Ledger| {
            let waits = ledger.waiting(&id).is_some() && ledger.standing(id, announce.number) != Standing::Free;
            ledger.get(&id).is_some() || waits
        };
        if self.with_ledger(is_here) {
            if let Ending::Refused(refusal) = why
                && self.with_ledger(|ledger| ledger.may_countersign(announce))
            {
                let detail = format!("{refusal}; {}; the bundle is held as before", refusal.mend());
                return self.refuse(announce, session, refusal.code(), detail);
            }
            // A transmission that was cut, of a bundle that arrived by another one: nobody misses anything.
            return Ok(());
        }
        self.heard.remember_ended(announce.number, &summary);
        let reason = match why {
            Ending::Refused(refusal) => {
                let detail = format!("{refusal}; {}", refusal.mend());
                return self.refuse(announce, session, refusal.code(), with_forged(detail, &summary));
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
            detail: Some(with_forged(
                format!("{}; {}", ending(why), to_mend(&summary, kept)),
                &summary,
            )),
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
            Replay::Duplicate { number, state } => {
                let seq = number.sequence;
                let detail = match state {
                    State::Waiting => format!("this bundle came as seq {seq} already, and waits"),
                    _ => format!("this bundle was admitted as seq {seq} already"),
                };
                let event = Event {
                    session: Some(session.to_string()),
                    detail: Some(detail),
                    ..self.event_of(EventKind::BundleDuplicate, announce)
                };
                match self.with_ledger(|ledger| ledger.closes(announce.bundle, announce.number)) {
                    true => self.close(event),
                    false => self.record_limited(&event),
                }
            }
            Replay::NumberTaken { by } => self.refuse(announce, session, REUSED, reused(announce, *by)),
            Replay::EpochRefused => {
                let detail = format!(
                    "epoch {:016x} was refused here; diode-rx epoch accept {:016x} takes it after all",
                    announce.number.epoch, announce.number.epoch
                );
                self.refuse(announce, session, "epoch-refused", detail)
            }
        }
    }

    /// Tells at once that a number comes twice: whether its later copy ever becomes complete or not.
    fn note_conflict(&mut self, session: SessionId, announce: &Announce) -> Result<(), OwnerError> {
        match self.with_ledger(|ledger| ledger.standing(announce.bundle, announce.number)) {
            Standing::Conflict { by } => self.refuse(announce, session, REUSED, reused(announce, by)),
            _ => Ok(()),
        }
    }

    fn refuse_for_room(&mut self, announce: &Announce, session: SessionId, state: State) -> Result<(), OwnerError> {
        let (reason, detail) = match state {
            State::Evidence => (
                "evidence-full",
                "ALARM: its number is another bundle's, and no more evidence can be kept; see to quarantine/evidence, or raise \
                 limits.evidence_mib",
            ),
            _ => (
                "waiting-full",
                "its epoch or number is not accepted, and no more can wait; decide with diode-rx epoch list, or raise \
                 limits.waiting_mib, then have it sent again",
            ),
        };
        self.refuse(announce, session, reason, detail.to_owned())
    }

    /// A bundle that the disk did not take. After a sync that failed nothing can be admitted any more: the receiver ends, and says why.
    pub(super) fn refuse_unstorable(
        &mut self,
        announce: &Announce,
        session: SessionId,
        error: QuarantineError,
    ) -> Result<(), OwnerError> {
        let reason = match error {
            QuarantineError::NoRoom { .. } => "disk-full",
            _ => "storage",
        };
        self.refuse(announce, session, reason, format!("{}; {}", error.told(), error.mend()))?;
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

/// A complete bundle that is to be admitted or set aside.
struct Received {
    session: SessionId,
    announce: Announce,
    head: VerifiedHead,
    summary: Summary,
    standing: Standing,
    file_bytes: u64,
}

/// What the bundles of a round take of the room for those that are set aside, before they are on record.
#[derive(Default)]
struct Taken {
    waiting: u64,
    evidence: u64,
    bundles: usize,
}

impl Taken {
    /// Takes the room of a file, if there is so much.
    fn take(&mut self, ledger: &Ledger, state: State, file_bytes: u64) -> bool {
        let taken = match state {
            State::Waiting => &mut self.waiting,
            State::Evidence => &mut self.evidence,
            State::Held | State::Released | State::Rejected => return true,
        };
        let bytes = taken.saturating_add(file_bytes);
        let fits = ledger.has_room(state, self.bundles, bytes);
        if fits {
            *taken = bytes;
            self.bundles += 1;
        }
        fits
    }
}

/// The reason of what comes under a number that is another's.
const REUSED: &str = "sequence-reused";

fn reused(announce: &Announce, by: BundleId) -> String {
    format!(
        "ALARM: seq {} of this epoch belongs to bundle {by}; the transmitter's state was restored from a copy, or somebody else has its \
         link key",
        announce.number.sequence
    )
}

fn wait_code(wait: Wait) -> &'static str {
    match wait {
        Wait::Epoch => "epoch-unknown",
        Wait::Ahead { .. } => "sequence-ahead",
        Wait::Gaps => "too-many-gaps",
    }
}

/// What a person can do about a bundle that waits.
fn what_to_accept(announce: &Announce, wait: Wait) -> String {
    let LinkNumber { epoch, sequence } = announce.number;
    match wait {
        Wait::Epoch => format!(
            "epoch {epoch:016x} is not accepted; if the transmitter began anew: diode-rx epoch accept {epoch:016x}"
        ),
        Wait::Gaps => "too many numbers before its own are missing; have them sent: diode-rx gaps".to_owned(),
        Wait::Ahead { highest } => format!(
            "its number is far above {highest}, the highest so far; if so many were sent: diode-rx epoch accept {epoch:016x} --up-to {sequence}"
        ),
    }
}

/// Says on the running receiver's standard error what came.
fn tell(events: &[Event]) {
    for event in events {
        let bundle = event.bundle.map(tracing::field::display);
        let (seq, bytes) = (event.seq, event.bytes);
        match event.event {
            EventKind::BundleAdmitted => tracing::info!(bundle, seq, bytes, "bundle admitted"),
            EventKind::BundleWaiting => tracing::warn!(bundle, seq, bytes, "bundle waits for a person"),
            EventKind::BundleEvidence => tracing::error!(bundle, seq, bytes, "ALARM: sequence number reused"),
            _ => {}
        }
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

/// Which blocks came forged, or so damaged that only their leaves showed it.
fn forged(summary: &Summary) -> Option<String> {
    let forged = summary.forged;
    (forged.count() > 0).then(|| format!("{forged} came forged, or damaged past the CRC"))
}

fn with_forged(detail: String, summary: &Summary) -> String {
    match forged(summary) {
        Some(forged) => format!("{detail}; {forged}"),
        None => detail,
    }
}

/// What a person can do about an incomplete transmission.
fn to_mend(summary: &Summary, kept: bool) -> String {
    let done = summary.blocks - summary.blocks_missing;
    match kept {
        true => format!(
            "what came of it is kept, {done} of {} blocks verified here; have it sent again, and it goes on with that",
            summary.blocks
        ),
        false => "have it sent again".to_owned(),
    }
}

/// What is worth telling of how an admitted bundle came, besides what every entry says.
fn how_it_came(summary: &Summary) -> Option<String> {
    let resumed = summary.blocks_resumed;
    let resumed = (resumed > 0).then(|| {
        let blocks = summary.blocks;
        format!("{resumed} of {blocks} blocks were kept from an earlier transmission, and hashed again")
    });
    let told: Vec<_> = resumed.into_iter().chain(forged(summary)).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// Why a transmission ended, for people.
fn ending(why: &Ending) -> &'static str {
    match why {
        Ending::Idle => "nothing of use came for limits.idle_ms",
        Ending::Evicted => "given up for a newer transmission (limits.sessions, limits.memory_mib)",
        Ending::Stopped | Ending::Dropped | Ending::Refused(_) => "the receiver stopped",
    }
}
