//! After a start: what a crash left is brought to where the log says it belongs, and what waits for a verdict is queued.

use std::collections::{BTreeMap, VecDeque};

use audit::event::{Event, EventKind, State};
use protocol::digest::BundleId;
use scanner::quarantine::{Alarm, Mended, Place, ReceivedBundle, Recorded, Unfinished};

use super::{Owner, OwnerError, unless_full};
use crate::ledger::{Ledger, Record};

impl Owner {
    pub(super) fn recover(&mut self) -> Result<(), OwnerError> {
        let recorded = self.with_ledger(recorded);
        let recovery = self.quarantine.recover(&recorded)?;
        for mended in &recovery.done {
            unless_full(self.tell_mended(mended))?;
        }
        for received in recovery.received {
            self.discard_received(received)?;
        }
        self.unended = recovery.unfinished;
        unless_full(self.end_cut_releases())?;
        for alarm in &recovery.alarms {
            unless_full(self.tell_alarm(alarm))?;
        }
        self.recover_countersigned()?;
        self.unscanned = self.unjudged();
        Ok(())
    }

    pub(super) fn tell_mended(&mut self, mended: &Mended) -> Result<(), OwnerError> {
        tracing::info!("recovery: {mended}");
        let (session, bundle, detail) = match mended {
            Mended::Removed { path } if path.extension().is_some_and(|extension| extension == "part") => {
                let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
                let session = name.map(|name| name.split('-').next().unwrap_or_default().to_owned());
                (session, None, "have it sent again")
            }
            Mended::Kept { session, id } => (
                Some(session.clone()),
                Some(*id),
                "what came of it is kept; have it sent again, and it goes on with that",
            ),
            _ => return Ok(()),
        };
        let event = Event {
            session,
            bundle,
            reason: Some("receiver-stopped".to_owned()),
            detail: Some(format!(
                "a transmission was under way when the receiver stopped; {detail}"
            )),
            ..self.event(EventKind::BundleIncomplete)
        };
        self.note(&event)
    }

    /// Complete, but never admitted: its announce is gone, and with it the number under which it could be.
    fn discard_received(&mut self, received: ReceivedBundle) -> Result<(), OwnerError> {
        let event = Event {
            bundle: Some(received.id()),
            reason: Some("receiver-stopped".to_owned()),
            detail: Some("complete when the receiver stopped, but not admitted yet; have it sent again".to_owned()),
            ..self.event(EventKind::BundleIncomplete)
        };
        match self.note(&event) {
            // Its room may be what the log lacks.
            Err(error) if error.is_full() => {
                received.discard()?;
                unless_full(self.note(&event))
            }
            noted => noted.and_then(|()| Ok(received.discard()?)),
        }
    }

    /// Records how releases ended that a crash cut short: before anything else is decided on their bundles, however long the log has no room for it.
    pub(super) fn end_cut_releases(&mut self) -> Result<(), OwnerError> {
        while let Some(&unfinished) = self.unended.last() {
            self.end_release(unfinished)?;
            self.unended.pop();
            if let Unfinished::DecideAgain(id) = unfinished {
                self.unscanned.push_back(id);
            }
        }
        Ok(())
    }

    fn end_release(&mut self, unfinished: Unfinished) -> Result<(), OwnerError> {
        let event = match unfinished {
            Unfinished::FinishRelease(id) => Event {
                state: Some(State::Released),
                ..self.event_about(EventKind::BundleReleased, id)
            },
            Unfinished::DecideAgain(id) => Event {
                reason: Some("receiver-stopped".to_owned()),
                detail: Some("the receiver stopped before the release was done".to_owned()),
                ..self.event_about(EventKind::BundleReleaseCancelled, id)
            },
        };
        self.note(&event)
    }

    pub(super) fn tell_alarm(&mut self, alarm: &Alarm) -> Result<(), OwnerError> {
        tracing::error!(mend = alarm.mend(), "ALARM: {alarm}");
        let event = Event {
            reason: Some("quarantine-alarm".to_owned()),
            detail: Some(format!("ALARM: {alarm}; {}", alarm.mend())),
            ..self.event(EventKind::LogRecovered)
        };
        self.note(&event)
    }

    /// Held without a verdict, with one by other rules, or with a release that a crash cancelled: judged anew, by today's rules.
    fn unjudged(&self) -> VecDeque<BundleId> {
        let rules = self.scanner().rules_digest();
        // One that is held without a report could not be judged when it was tried last.
        let is_judged = |latest: &Event| latest.event == EventKind::BundleHeld && latest.report.is_some();
        let waits = |record: &Record| {
            record.state == State::Held
                && !record.decided
                && (!record.scanned || record.rules != Some(rules) || !is_judged(&record.latest.1))
        };
        self.with_ledger(|ledger| {
            let held = ledger.bundles().into_iter().filter(|(_, record)| waits(record));
            held.map(|(id, _)| id).collect()
        })
    }
}

/// What the log says of each bundle that is, or was, in quarantine.
fn recorded(ledger: &Ledger) -> BTreeMap<BundleId, Recorded> {
    let state = |record: &Record| match record.state {
        State::Released if record.removed.is_some() => Recorded::Removed(Place::Originals),
        State::Rejected if record.removed.is_some() => Recorded::Removed(Place::Rejected),
        State::Held if record.decided => Recorded::ReleaseDecided,
        State::Held => Recorded::Held,
        State::Released => Recorded::Released,
        State::Rejected => Recorded::Rejected,
        State::Waiting => Recorded::Waiting,
        State::Evidence => Recorded::Evidence,
    };
    let all = ledger.all().into_iter().map(|(id, record)| (id, state(record)));
    // Of what was given up nothing but evidence can be there: to end the removal comes first.
    let removed = ledger.removed().map(|id| (id, Recorded::Removed(Place::Waiting)));
    all.chain(removed).collect()
}
