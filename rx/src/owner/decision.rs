//! Decisions, and how they are carried out: those of people, who repeat the code that `show` printed, and those of policy.
//!
//! ```text
//! release ─▶ release_decided ─▶ verified, unpacked, hashed, renamed ─▶ released, or release_cancelled
//! reject ──▶ rejected ─▶ put away for good
//! ```
//!
//! A code names bundle, report and policy: what changed since it was shown is not decided on.

use audit::event::{Event, EventKind, State};
use protocol::digest::BundleId;
use scanner::policy::{Clearance, Decision};
use scanner::quarantine::HeldBundle;

use super::{Owner, OwnerError};
use crate::control::{Answer, Request};

/// Exit code: something failed.
const FAILED: u8 = 1;
/// Exit code: wrong use.
pub(super) const USAGE: u8 = 2;
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
    /// An event that names what was decided on.
    pub(super) fn decided(&mut self, kind: EventKind, id: BundleId, decision: &Decision) -> Event {
        Event {
            verdict: Some(decision.verdict()),
            report: Some(decision.report()),
            policy: Some(decision.policy()),
            reason: decision.reasons().first().map(|reason| reason.code.to_string()),
            ..self.event_about(kind, id)
        }
    }

    /// Records the decision, releases, and records that it was done, or why not; the latter is returned.
    pub(super) fn carry_out_release(
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
                    detail: Some(error.told()),
                    ..self.event_about(EventKind::BundleReleaseCancelled, id)
                };
                (
                    event,
                    Some(refused(exit, format!("{}\n  mend    {}", error.told(), error.mend()))),
                )
            }
        };
        self.note(&event)?;
        Ok(answer)
    }

    pub(super) fn carry_out_rejection(&mut self, held: HeldBundle, event: Event) -> Result<(), OwnerError> {
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
        if let Some(answer) = too_long(request) {
            return Ok(answer);
        }
        self.end_cut_releases()?;
        match request {
            Request::Release { code, reason } => self.release(code, Asked { actor, reason }),
            Request::Reject { code, reason } => self.reject(code, Asked { actor, reason }),
            Request::TrustAdd {
                principal,
                fingerprint,
                key,
            } => self.trust_add(principal, fingerprint, key, actor),
            Request::EpochAccept { epoch, up_to, reason } => self.accept_epoch(epoch, *up_to, Asked { actor, reason }),
            Request::EpochRefuse { epoch, reason } => self.refuse_epoch(epoch, Asked { actor, reason }),
        }
    }

    /// [`answer`](Self::answer), where a disk so full that the log took nothing of it is told the person, who can try again.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn answer_if_there_is_room(&mut self, request: &Request, actor: &str) -> Result<Answer, OwnerError> {
        self.told_if_full(|owner| owner.answer(request, actor))
    }

    /// What a person's wish comes to, or that the disk was so full that the log took nothing of it.
    pub(super) fn told_if_full(
        &mut self,
        decide: impl FnOnce(&mut Self) -> Result<Answer, OwnerError>,
    ) -> Result<Answer, OwnerError> {
        let size = self.log.size();
        match decide(self) {
            // After a sync that failed nobody knows what was decided.
            Err(error) if error.is_full() && self.log.size() == size && !self.log.is_poisoned() => Ok(refused(
                FAILED,
                format!("nothing was decided: {error}: the disk is full\n  mend    make room, then ask again"),
            )),
            answer => answer,
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

    /// The held bundle that a code names; else what to tell the person.
    fn find_held(&self, code: &str) -> Result<BundleId, Answer> {
        let prefix = code.split('-').next().unwrap_or_default().to_lowercase();
        let found: Vec<_> = self.with_ledger(|ledger| {
            let matching = ledger.matching(&prefix).into_iter();
            matching.map(|(id, record)| (id, record.state)).collect()
        });
        match found.as_slice() {
            [(id, State::Held)] if !prefix.is_empty() => Ok(*id),
            [(id, state)] if !prefix.is_empty() => {
                let text = match state {
                    State::Waiting => format!(
                        "bundle {} is not admitted yet\n  mend    diode-rx epoch list",
                        id.short()
                    ),
                    State::Evidence => format!("bundle {} is evidence: it is never admitted", id.short()),
                    state => format!("bundle {} is {state} already", id.short()),
                };
                Err(refused(FAILED, text))
            }
            [_, _, ..] => Err(refused(
                USAGE,
                format!("more than one bundle begins with {prefix}\n  mend    diode-rx show ID"),
            )),
            _ => Err(refused(
                USAGE,
                format!("{code:?} names no bundle\n  mend    diode-rx list, then diode-rx show ID: it prints the code"),
            )),
        }
    }

    /// The held bundle that a code names, and the decision on its report as of now; else what to tell the person.
    fn look_up(&mut self, code: &str) -> Result<Result<(HeldBundle, Decision), Answer>, OwnerError> {
        let id = match self.find_held(code) {
            Ok(id) => id,
            Err(answer) => return Ok(Err(answer)),
        };
        let held = match self.quarantine.open_held(id) {
            Ok(held) => held,
            Err(error) => {
                return Ok(Err(refused(
                    FAILED,
                    format!("{}\n  mend    {}", error.told(), error.mend()),
                )));
            }
        };
        let report = match self.quarantine.load_report(&id) {
            Ok(report) => report,
            Err(error) => {
                let exit = if error.is_integrity() { REFUSED } else { FAILED };
                return Ok(Err(refused(
                    exit,
                    format!("{}\n  mend    {}", error.told(), error.mend()),
                )));
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
        if report.rules_digest != self.scanner().rules_digest() {
            if !self.unscanned.contains(&id) {
                self.unscanned.push_back(id);
            }
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

/// The answer to a reason that the log would cut.
fn too_long(request: &Request) -> Option<Answer> {
    let reason = match request {
        Request::Release { reason, .. }
        | Request::Reject { reason, .. }
        | Request::EpochAccept { reason, .. }
        | Request::EpochRefuse { reason, .. } => reason,
        Request::TrustAdd { .. } => return None,
    };
    let len = reason.len();
    (len > MAX_REASON_LEN).then(|| {
        let text = format!(
            "the reason has {len} bytes, and {MAX_REASON_LEN} are the most: nothing was done\n  \
             mend    say it shorter, and name the document that says more"
        );
        refused(USAGE, text)
    })
}

/// Bytes of a person's reason at most: it goes into the log whole, with each bundle that it is about.
const MAX_REASON_LEN: usize = 1024;

fn refused(exit: u8, text: String) -> Answer {
    Answer { exit, text }
}
