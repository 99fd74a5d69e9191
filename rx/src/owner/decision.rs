//! Verdicts, and what people decide.
//!
//! ```text
//! report ─▶ policy ─▶ ALLOW, auto-release ─▶ release_decided ─▶ unpacked, hashed, renamed ─▶ released
//!                  ├─ ALLOW, REVIEW ─▶ held: a person repeats the code that `show` printed, which names bundle, report and policy
//!                  └─ REJECT ─▶ rejected
//! ```

use std::time::Duration;

use audit::event::{Event, EventKind, State, Verdict};
use protocol::digest::BundleId;
use scanner::policy::{Clearance, Decision};
use scanner::quarantine::{HeldBundle, QuarantineError};
use scanner::report::Report;

use super::{Owner, OwnerError};
use crate::control::{Answer, Request};

/// Exit code: something failed.
const FAILED: u8 = 1;
/// Exit code: wrong use.
const USAGE: u8 = 2;
/// Exit code: integrity or trust refused.
const REFUSED: u8 = 5;

/// Who asks, and why.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The user, as the socket says.
    pub actor: &'a str,
    /// The reason, in the person's words.
    pub reason: &'a str,
}

impl Owner {
    /// Takes a scan's result: the verdict is recorded and, where policy needs nobody, carried out.
    ///
    /// # Errors
    /// If log or quarantine can't be used any more.
    pub fn judge(
        &mut self,
        id: BundleId,
        scanned: Result<(HeldBundle, Box<Report>), String>,
        took: Duration,
    ) -> Result<(), OwnerError> {
        let (held, report) = match scanned {
            Ok(scanned) => scanned,
            Err(reason) => {
                return self.hold_for(id, "scan-failed", format!("the bundle could not be scanned: {reason}"));
            }
        };
        match self.quarantine.save_report(&held, &report) {
            Ok(()) => {}
            Err(error @ QuarantineError::Poisoned { .. }) => return Err(error.into()),
            Err(error) => return self.hold_for(id, "report-not-stored", format!("{error}; {}", error.mend())),
        }
        let policy = match self.authority.policy() {
            Ok(policy) => policy,
            Err(error) => return self.hold_for(id, "no-policy", error.to_string()),
        };
        self.note_settings()?;
        let decision = policy.judge(&report);
        self.record_scan(id, &report, &decision, took)?;
        match decision.verdict() {
            Verdict::Reject => {
                let event = Event {
                    detail: Some(reasons(&decision)),
                    ..self.decided(EventKind::BundleRejected, id, &decision)
                };
                self.carry_out_rejection(held, event)
            }
            Verdict::Allow | Verdict::Review => match decision.clear_automatically() {
                Some(clearance) => {
                    let event = Event {
                        actor: Some("policy".to_owned()),
                        ..self.decided(EventKind::BundleReleaseDecided, id, &decision)
                    };
                    match self.carry_out_release(held, clearance, &event)? {
                        // What was decided is on record as cancelled; only what was never decided has to be told here.
                        Some(answer) if answer.exit == USAGE => self.hold_for(id, "no-trust", answer.text),
                        _ => Ok(()),
                    }
                }
                None => {
                    let event = Event {
                        state: Some(State::Held),
                        detail: Some(reasons(&decision)),
                        findings: Some(report.counts),
                        ..self.decided(EventKind::BundleHeld, id, &decision)
                    };
                    self.note(&event)
                }
            },
        }
    }

    fn record_scan(
        &mut self,
        id: BundleId,
        report: &Report,
        decision: &Decision,
        took: Duration,
    ) -> Result<(), OwnerError> {
        let event = Event {
            files: Some(report.coverage.files),
            bytes: Some(report.coverage.bytes),
            findings: Some(report.counts),
            rules: Some(report.rules_digest),
            duration_ms: Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            detail: Some(format!(
                "{} of {} files covered",
                report.coverage.covered, report.coverage.files
            )),
            ..self.decided(EventKind::BundleScanned, id, decision)
        };
        self.note(&event)
    }

    /// A bundle that could not be judged waits for a person; it is scanned anew at the next start.
    fn hold_for(&mut self, id: BundleId, reason: &str, detail: String) -> Result<(), OwnerError> {
        let event = Event {
            state: Some(State::Held),
            verdict: Some(Verdict::Review),
            reason: Some(reason.to_owned()),
            detail: Some(detail),
            ..self.event_about(EventKind::BundleHeld, id)
        };
        self.note(&event)
    }

    /// An event that names what was decided on.
    fn decided(&mut self, kind: EventKind, id: BundleId, decision: &Decision) -> Event {
        Event {
            verdict: Some(decision.verdict()),
            report: Some(decision.report()),
            policy: Some(decision.policy()),
            reason: decision.reasons().first().map(|reason| reason.code.to_string()),
            ..self.event_about(kind, id)
        }
    }

    /// Records the decision, releases, and records that it was done, or why not; the latter is returned.
    fn carry_out_release(
        &mut self,
        held: HeldBundle,
        clearance: Clearance,
        event: &Event,
    ) -> Result<Option<Answer>, OwnerError> {
        let id = held.id();
        let trust = match self.authority.trust() {
            Ok(trust) => trust,
            Err(error) => return Ok(Some(refused(USAGE, format!("nothing was released: {error}")))),
        };
        let receiver = self.authority.receiver().to_owned();
        let receipt = self.record(event)?;
        let now = self.now();
        let outcome = self
            .quarantine
            .clone()
            .release(held, &trust, &receiver, now, clearance, receipt);
        let (event, answer) = match outcome {
            Ok(released) => {
                tracing::info!(bundle = %id, "bundle released");
                if let Some(error) = released.not_moved() {
                    tracing::warn!(bundle = %id, %error, "the packed bundle is still in held/; the next start moves it");
                }
                let path = self.home.path(crate::home::QUARANTINE).join(released.path());
                let event = Event {
                    state: Some(State::Released),
                    signer: Some(released.author().principal.clone()),
                    path: Some(path.display().to_string()),
                    ..self.event_about(EventKind::BundleReleased, id)
                };
                (event, None)
            }
            Err(error) => {
                tracing::error!(bundle = %id, %error, "bundle not released");
                let exit = if error.is_integrity() { REFUSED } else { FAILED };
                let event = Event {
                    reason: Some(error.code().to_owned()),
                    detail: Some(error.to_string()),
                    ..self.event_about(EventKind::BundleReleaseCancelled, id)
                };
                (
                    event,
                    Some(refused(exit, format!("{error}\n  mend    {}", error.mend()))),
                )
            }
        };
        self.note(&event)?;
        Ok(answer)
    }

    fn carry_out_rejection(&mut self, held: HeldBundle, event: Event) -> Result<(), OwnerError> {
        let event = Event {
            state: Some(State::Rejected),
            ..event
        };
        let receipt = self.record(&event)?;
        Ok(self.quarantine.reject(held, receipt)?)
    }

    /// Does what a person asks.
    ///
    /// # Errors
    /// If log or quarantine can't be used any more; what the person did wrong is the answer.
    pub fn answer(&mut self, request: &Request, actor: &str) -> Result<Answer, OwnerError> {
        match request {
            Request::Release { code, reason } => self.release(code, Asked { actor, reason }),
            Request::Reject { code, reason } => self.reject(code, Asked { actor, reason }),
            Request::TrustAdd {
                principal,
                fingerprint,
                key,
            } => self.trust_add(principal, fingerprint, key, actor),
        }
    }

    fn release(&mut self, code: &str, asked: Asked<'_>) -> Result<Answer, OwnerError> {
        let (held, decision) = match self.look_up(code)? {
            Ok(found) => found,
            Err(answer) => return Ok(answer),
        };
        let id = held.id();
        let clearance = match decision.clear_by_person(&id, code) {
            Ok(clearance) => clearance,
            Err(error) => return Ok(refused(REFUSED, error.to_string())),
        };
        let event = Event {
            actor: Some(asked.actor.to_owned()),
            detail: Some(asked.reason.to_owned()),
            ..self.decided(EventKind::BundleReleaseDecided, id, &decision)
        };
        if let Some(answer) = self.carry_out_release(held, clearance, &event)? {
            return Ok(answer);
        }
        let folder = self
            .home
            .path(crate::home::QUARANTINE)
            .join("released")
            .join(id.to_string());
        Ok(Answer {
            exit: 0,
            text: format!("released {} to {}", id.short(), folder.display()),
        })
    }

    fn reject(&mut self, code: &str, asked: Asked<'_>) -> Result<Answer, OwnerError> {
        let (held, decision) = match self.look_up(code)? {
            Ok(found) => found,
            Err(answer) => return Ok(answer),
        };
        let id = held.id();
        let event = Event {
            actor: Some(asked.actor.to_owned()),
            detail: Some(asked.reason.to_owned()),
            ..self.decided(EventKind::BundleRejected, id, &decision)
        };
        self.carry_out_rejection(held, event)?;
        Ok(Answer {
            exit: 0,
            text: format!("rejected {}, for good", id.short()),
        })
    }

    /// The held bundle that a code names, and the decision on its report as of now; else what to tell the person.
    fn look_up(&mut self, code: &str) -> Result<Result<(HeldBundle, Decision), Answer>, OwnerError> {
        let prefix = code.split('-').next().unwrap_or_default().to_lowercase();
        let found: Vec<_> = self.with_ledger(|ledger| {
            ledger
                .matching(&prefix)
                .into_iter()
                .map(|(id, record)| (id, record.state))
                .collect()
        });
        let id = match found.as_slice() {
            [(id, State::Held)] if !prefix.is_empty() => *id,
            [(id, state)] if !prefix.is_empty() => {
                let text = format!(
                    "bundle {} is {} already",
                    id.short(),
                    crate::verbs::list::state_word(*state)
                );
                return Ok(Err(refused(FAILED, text)));
            }
            [_, _, ..] => {
                return Ok(Err(refused(
                    USAGE,
                    format!("more than one bundle begins with {prefix}\n  mend    diode-rx show ID"),
                )));
            }
            _ => {
                return Ok(Err(refused(
                    USAGE,
                    format!(
                        "{code:?} names no bundle\n  mend    diode-rx list, then diode-rx show ID: it prints the code"
                    ),
                )));
            }
        };
        let held = match self.quarantine.open_held(id) {
            Ok(held) => held,
            Err(error) => return Ok(Err(refused(FAILED, format!("{error}\n  mend    {}", error.mend())))),
        };
        let report = match self.quarantine.load_report(&id) {
            Ok(report) => report,
            Err(error) => {
                let exit = if error.is_integrity() { REFUSED } else { FAILED };
                return Ok(Err(refused(exit, format!("{error}\n  mend    {}", error.mend()))));
            }
        };
        let Some(report) = report else {
            return Ok(Err(refused(
                FAILED,
                format!(
                    "bundle {} is not scanned yet\n  mend    wait for SCANNED in diode-rx tail",
                    id.short()
                ),
            )));
        };
        if report.rules_digest != self.scanner.rules_digest() {
            self.unscanned.push_back(id);
            let text = "it was scanned with other rules than today's, and is being scanned again\n  mend    look again: diode-rx show";
            return Ok(Err(refused(FAILED, format!("{text} {}", id.short()))));
        }
        let policy = match self.authority.policy() {
            Ok(policy) => policy,
            Err(error) => return Ok(Err(refused(USAGE, error.to_string()))),
        };
        let decision = policy.judge(&report);
        let expected = decision.review_code(&id);
        if code != expected {
            let text = format!(
                "{code} is not the code of what is held now: report or policy changed since, or the code is mistyped\n  \
                 mend    look again: diode-rx show {}",
                id.short()
            );
            return Ok(Err(refused(REFUSED, text)));
        }
        Ok(Ok((held, decision)))
    }
}

fn refused(exit: u8, text: String) -> Answer {
    Answer { exit, text }
}

fn reasons(decision: &Decision) -> String {
    const SHOWN: usize = 4;
    let mut texts: Vec<_> = decision
        .reasons()
        .iter()
        .take(SHOWN)
        .map(|reason| reason.text.clone())
        .collect();
    let more = decision.reasons().len().saturating_sub(SHOWN);
    if more > 0 {
        texts.push(format!("{more} more"));
    }
    texts.join("; ")
}
