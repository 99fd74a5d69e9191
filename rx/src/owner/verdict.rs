//! Verdicts: what policy says of each report, and what follows from it.
//!
//! ```text
//! report ─▶ saved ─▶ policy ─▶ scanned ─┬─ ALLOW, auto-release ─▶ release_decided …
//!           together           together ├─ ALLOW, REVIEW ─▶ held: waits for a person
//!                                       └─ REJECT ─▶ rejected
//! ```
//!
//! The reports of a group share their syncs, and so do the entries `bundle.scanned` and `bundle.held`. What policy decides by itself is carried out
//! after them, step by step: a release writes files, and hundreds in a row would keep all else waiting. If the policy changed meanwhile, the new one
//! decides. A step that a stop or crash leaves undone is found by the next start, which scans the bundle anew.

use std::time::Duration;

use audit::event::{Event, EventKind, State, Verdict};
use protocol::digest::{BundleId, Digest};
use scanner::policy::{Clearance, Decision, Policy};
use scanner::quarantine::{HeldBundle, QuarantineError};
use scanner::report::Report;

use super::decision::USAGE;
use super::{Owner, OwnerError, unless_full};

/// A scan that ended.
#[derive(Debug)]
pub struct Scan {
    /// The bundle.
    pub id: BundleId,
    /// The bundle, which nobody else can decide on meanwhile, with its report; or why there is none.
    pub scanned: Result<(HeldBundle, Box<Report>), String>,
    /// How long it took.
    pub took: Duration,
}

/// A bundle with its report.
struct Reported {
    held: HeldBundle,
    report: Box<Report>,
    took: Duration,
}

/// What policy does without a person, after the verdict is on record.
#[derive(Debug)]
enum Sentence {
    Reject(Decision),
    Release(Decision, Clearance),
}

impl Sentence {
    fn decision(&self) -> &Decision {
        match self {
            Self::Reject(decision) | Self::Release(decision, _) => decision,
        }
    }
}

/// A sentence that is still to be carried out, and the right to.
#[derive(Debug)]
pub(super) struct Step {
    held: HeldBundle,
    sentence: Sentence,
    /// The rules that it was scanned with.
    rules: Digest,
}

impl Owner {
    /// Takes the results of scans, and records the verdicts. Where policy needs nobody, [`carry_out_next`](Self::carry_out_next) follows. Gives
    /// the bundles that are done with: what was scanned with other rules than those in force is to be scanned again.
    ///
    /// # Errors
    /// If log or quarantine can't be used any more.
    pub fn judge_all(&mut self, scans: Vec<Scan>) -> Result<Vec<BundleId>, OwnerError> {
        let (mut reported, mut events) = (Vec::new(), Vec::new());
        let rules = self.scanner().rules_digest();
        let mut done = Vec::with_capacity(scans.len());
        for Scan { id, scanned, took } in scans {
            match &scanned {
                Ok((_, report)) if report.rules_digest != rules => {
                    self.unscanned.push_back(id);
                    continue;
                }
                _ => done.push(id),
            }
            match scanned {
                Ok((held, report)) => reported.push(Reported { held, report, took }),
                // A person decided on it before it could be scanned again.
                Err(_) if !self.is_held(&id) => {}
                Err(reason) => {
                    let detail = format!("the bundle could not be scanned: {reason}");
                    events.push(self.held_for(id, "scan-failed", detail));
                }
            }
        }
        let reported = self.save(reported, &mut events)?;
        if reported.is_empty() {
            return self.record_all(&events).map(|_| done);
        }
        let policy = self.authority.policy();
        if policy.is_ok() {
            self.note_settings()?;
        }
        // The bundles stay locked until the log says what becomes of them.
        let mut judged = Vec::with_capacity(reported.len());
        for Reported { held, report, took } in reported {
            let sentence = match &policy {
                Ok(policy) => self.judge(policy, &report, took, held.id(), &mut events),
                Err(error) => {
                    events.push(self.held_for(held.id(), "no-policy", error.to_string()));
                    None
                }
            };
            judged.push((held, sentence));
        }
        self.record_all(&events)?;
        let steps = judged.into_iter().filter_map(|(held, sentence)| {
            let sentence = sentence?;
            Some(Step { held, sentence, rules })
        });
        self.steps.extend(steps);
        Ok(done)
    }

    /// Has bundles scanned again that the disk had no room for, once it has: for their reports, or for the entry that ends a release which a
    /// crash cut short.
    ///
    /// # Errors
    /// If the log can't be used any more.
    pub fn resume_scans(&mut self) -> Result<(), OwnerError> {
        unless_full(self.end_cut_releases())?;
        if !self.postponed.is_empty() && self.quarantine.has_room().unwrap_or(false) {
            self.unscanned.extend(self.postponed.drain(..));
        }
        Ok(())
    }

    fn is_held(&self, id: &BundleId) -> bool {
        self.with_ledger(|ledger| ledger.get(id).is_some_and(|record| record.state == State::Held))
    }

    /// How much policy decided that is not carried out yet.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Forgets what policy decided of a bundle and what was not carried out yet, and gives the bundle free.
    pub(super) fn drop_steps(&mut self, id: BundleId) {
        self.steps.retain(|step| step.held.id() != id);
    }

    /// Carries out what policy decided of one bundle, unless it is another policy by now that decides otherwise. If the rules are others by now, it
    /// is scanned again instead.
    ///
    /// # Errors
    /// If log or quarantine can't be used any more.
    pub fn carry_out_next(&mut self) -> Result<(), OwnerError> {
        let Some(Step { held, sentence, rules }) = self.steps.pop_front() else {
            return Ok(());
        };
        if rules != self.scanner().rules_digest() {
            self.unscanned.push_back(held.id());
            return Ok(());
        }
        match self.as_of_now(held.id(), sentence)? {
            None => Ok(()),
            Some(sentence) => self.carry_out(held, sentence),
        }
    }

    /// The sentence by the policy as it is now; `None` if the bundle waits for a person, which is then on record.
    fn as_of_now(&mut self, id: BundleId, sentence: Sentence) -> Result<Option<Sentence>, OwnerError> {
        let policy = match self.authority.policy() {
            Ok(policy) if policy.digest() == sentence.decision().policy() => return Ok(Some(sentence)),
            Ok(policy) => policy,
            Err(error) => {
                let event = self.held_for(id, "no-policy", error.to_string());
                return self.note(&event).map(|()| None);
            }
        };
        self.note_settings()?;
        let why = match self.quarantine.load_report(&id) {
            Ok(Some(report)) => {
                let judged = self.sentence(policy.judge(&report), &report, id);
                return match judged {
                    Ok(sentence) => Ok(Some(sentence)),
                    Err(waits) => self.note(&waits).map(|()| None),
                };
            }
            Ok(None) => "its report is gone; restart the receiver to scan it again".to_owned(),
            Err(error) => format!("{}; {}", error.told(), error.mend()),
        };
        let event = self.held_for(id, "report-not-read", why);
        self.note(&event).map(|()| None)
    }

    /// Stores the reports; gives back those that are stored, and tells of the others.
    fn save(&mut self, reported: Vec<Reported>, events: &mut Vec<Event>) -> Result<Vec<Reported>, OwnerError> {
        let reports: Vec<_> = reported.iter().map(|one| (&one.held, &*one.report)).collect();
        let outcomes = self.quarantine.save_reports(&reports);
        let mut saved = Vec::with_capacity(reported.len());
        for (one, outcome) in reported.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => saved.push(one),
                Err(error @ QuarantineError::Poisoned { .. }) => return Err(error.into()),
                Err(error) => {
                    if matches!(error, QuarantineError::NoRoom { .. }) {
                        self.postponed.push(one.held.id());
                    }
                    let detail = format!("{}; {}", error.told(), error.mend());
                    events.push(self.held_for(one.held.id(), "report-not-stored", detail));
                }
            }
        }
        Ok(saved)
    }

    /// Adds the verdict's entries; says what policy does, or `None` if the bundle waits for a person.
    fn judge(
        &mut self,
        policy: &Policy,
        report: &Report,
        took: Duration,
        id: BundleId,
        events: &mut Vec<Event>,
    ) -> Option<Sentence> {
        let decision = policy.judge(report);
        events.push(self.scanned(id, report, &decision, took));
        self.sentence(decision, report, id)
            .map_err(|waits| events.push(*waits))
            .ok()
    }

    /// What policy does by itself after a decision; else the entry that the bundle waits for a person.
    fn sentence(&mut self, decision: Decision, report: &Report, id: BundleId) -> Result<Sentence, Box<Event>> {
        if decision.verdict() == Verdict::Reject {
            return Ok(Sentence::Reject(decision));
        }
        if let Some(clearance) = decision.clear_automatically() {
            return Ok(Sentence::Release(decision, clearance));
        }
        Err(Box::new(Event {
            state: Some(State::Held),
            detail: Some(reasons(&decision)),
            findings: Some(report.counts),
            ..self.decided(EventKind::BundleHeld, id, &decision)
        }))
    }

    fn carry_out(&mut self, held: HeldBundle, sentence: Sentence) -> Result<(), OwnerError> {
        let id = held.id();
        match sentence {
            Sentence::Reject(decision) => {
                let event = Event {
                    detail: Some(reasons(&decision)),
                    ..self.decided(EventKind::BundleRejected, id, &decision)
                };
                self.carry_out_rejection(held, event)
            }
            Sentence::Release(decision, clearance) => {
                let event = Event {
                    actor: Some("policy".to_owned()),
                    ..self.decided(EventKind::BundleReleaseDecided, id, &decision)
                };
                match self.carry_out_release(held, clearance, &event)? {
                    // What was decided is on record as cancelled; only what was never decided has to be told here.
                    Some(answer) if answer.exit == USAGE => {
                        let event = self.held_for(id, "no-trust", answer.text);
                        self.note(&event)
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    fn scanned(&mut self, id: BundleId, report: &Report, decision: &Decision, took: Duration) -> Event {
        Event {
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
        }
    }

    /// A bundle that could not be judged waits for a person; it is scanned anew at the next start.
    fn held_for(&mut self, id: BundleId, reason: &str, detail: String) -> Event {
        Event {
            state: Some(State::Held),
            verdict: Some(Verdict::Review),
            reason: Some(reason.to_owned()),
            detail: Some(detail),
            ..self.event_about(EventKind::BundleHeld, id)
        }
    }
}

pub(super) fn reasons(decision: &Decision) -> String {
    const SHOWN: usize = 4;
    let mut texts: Vec<_> = decision
        .reasons()
        .iter()
        .take(SHOWN)
        .map(|reason| reason.text.raw().to_owned())
        .collect();
    let more = decision.reasons().len().saturating_sub(SHOWN);
    if more > 0 {
        texts.push(format!("{more} more"));
    }
    texts.join("; ")
}
