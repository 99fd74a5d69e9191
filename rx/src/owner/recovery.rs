//! After a start: what a crash left is brought to where the log says it belongs, and what waits for a verdict is queued.

use std::collections::BTreeMap;

use audit::event::{Event, EventKind, State};
use scanner::quarantine::{Mended, Recorded, Unfinished};

use super::{Owner, OwnerError};

impl Owner {
    pub(super) fn recover(&mut self) -> Result<(), OwnerError> {
        let recorded: BTreeMap<_, _> = self.with_ledger(|ledger| {
            let state = |record: &crate::ledger::Record| match record.state {
                State::Held if record.decided => Recorded::ReleaseDecided,
                State::Held => Recorded::Held,
                State::Released => Recorded::Released,
                State::Rejected => Recorded::Rejected,
            };
            ledger
                .bundles()
                .into_iter()
                .map(|(id, record)| (id, state(record)))
                .collect()
        });
        let recovery = self.quarantine.recover(&recorded)?;
        for mended in &recovery.done {
            tracing::info!("recovery: {mended}");
            if let Mended::Removed { path } = mended
                && path.extension().is_some_and(|extension| extension == "part")
            {
                let event = Event {
                    session: path.file_stem().map(|session| session.to_string_lossy().into_owned()),
                    reason: Some("receiver-stopped".to_owned()),
                    detail: Some(
                        "a transmission was under way when the receiver stopped; have it sent again".to_owned(),
                    ),
                    ..self.event(EventKind::BundleIncomplete)
                };
                self.note(&event)?;
            }
        }
        for received in recovery.received {
            // Complete, but never admitted: its announce is gone, and with it the number under which it could be.
            let event = Event {
                reason: Some("receiver-stopped".to_owned()),
                detail: Some("complete when the receiver stopped, but not admitted yet; have it sent again".to_owned()),
                ..Event {
                    bundle: Some(received.id()),
                    ..self.event(EventKind::BundleIncomplete)
                }
            };
            self.note(&event)?;
            received.discard()?;
        }
        for unfinished in recovery.unfinished {
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
            self.note(&event)?;
        }
        for alarm in &recovery.alarms {
            tracing::error!(mend = alarm.mend(), "ALARM: {alarm}");
            let event = Event {
                reason: Some("quarantine-alarm".to_owned()),
                detail: Some(format!("ALARM: {alarm}; {}", alarm.mend())),
                ..self.event(EventKind::LogRecovered)
            };
            self.note(&event)?;
        }
        // Held without a verdict, with one by other rules, or with a release that a crash cancelled: judged anew, by today's rules.
        let rules = self.scanner.rules_digest();
        self.unscanned = self.with_ledger(|ledger| {
            let waits = |record: &crate::ledger::Record| {
                record.state == State::Held
                    && (!record.scanned
                        || record.rules != Some(rules)
                        || record.latest.1.event != EventKind::BundleHeld)
            };
            ledger
                .bundles()
                .into_iter()
                .filter(|(_, record)| waits(record))
                .map(|(id, _)| id)
                .collect()
        });
        Ok(())
    }
}
