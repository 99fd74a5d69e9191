//! Scans again, by today's rules and policy, because a person asks for them.
//!
//! ```text
//! held      ─▶ as if it had come just now: bundle.scanned, and what policy makes of it
//! released  ─▶ its packed form is scanned, its files are compared ─▶ report stored beside ─▶ bundle.rescanned, an alarm if it is worse
//! ```
//!
//! Always true: what was released stays released, with the report that its release was decided on; what was rejected is final.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use audit::event::{Event, EventKind, State, Verdict};
use protocol::digest::BundleId;
use scanner::quarantine::{Quarantine, TreeState};
use scanner::report::Report;
use scanner::scan::Scanner;
use serde::{Deserialize, Serialize};

use super::verdict::reasons;
use super::{Owner, OwnerError};
use crate::control::Answer;

/// Exit code: something failed.
const FAILED: u8 = 1;
/// Exit code: wrong use.
const USAGE: u8 = 2;
/// Exit code: REJECT.
const REJECT: u8 = 3;
/// Exit code: REVIEW.
const REVIEW: u8 = 4;
/// Exit code: files are not the signed ones.
const INTEGRITY: u8 = 5;
/// Bundles of which a line is told; all are in the log.
const TOLD: usize = 100;
/// Characters of a line.
const TOLD_OF_EACH: usize = 1500;

/// Which bundles are to be scanned again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// The one whose id begins so.
    One(String),
    /// All that are held.
    Held,
    /// All that are released.
    Released,
}

/// A bundle to be scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One that is held.
    Held(BundleId),
    /// One that was released.
    Released(BundleId),
}

/// A released bundle that was scanned again.
#[derive(Debug)]
pub struct Rescanned {
    /// The bundle.
    pub id: BundleId,
    /// The report, and what became of its files; or why there is none.
    pub scanned: Result<(Box<Report>, TreeState), String>,
    /// How long it took.
    pub took: Duration,
}

/// What came of a scan, for whoever asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The bundle.
    pub id: BundleId,
    /// The exit code that it gives alone.
    pub exit: u8,
    /// A line.
    pub text: String,
}

impl Target {
    /// The bundle.
    #[must_use]
    pub fn id(self) -> BundleId {
        match self {
            Self::Held(id) | Self::Released(id) => id,
        }
    }
}

/// Scans the packed form of a released bundle, and compares its files with what was signed.
#[must_use]
pub fn scan_released(quarantine: &Quarantine, scanner: &Scanner, id: BundleId) -> Rescanned {
    let begun = Instant::now();
    let scan = || {
        let told = |error: scanner::quarantine::QuarantineError| error.told();
        let stored = quarantine.open_released(id).map_err(told)?;
        let statement = stored.unverified().map_err(told)?.statement;
        let report = scanner.scan(&stored.content().map_err(told)?, &mut |_| {});
        let tree = quarantine.compare_released(id, &statement).map_err(told)?;
        Ok((Box::new(report), tree))
    };
    let scanned = catch_unwind(AssertUnwindSafe(scan));
    Rescanned {
        id,
        scanned: scanned.unwrap_or_else(|_| Err("the scanner panicked: this is a defect, please report it".to_owned())),
        took: begun.elapsed(),
    }
}

/// The answer to whoever asked for these scans: a line each, and the exit code of the worst.
#[must_use]
pub fn answer(mut outcomes: Vec<Outcome>) -> Answer {
    const FROM_WORST: [u8; 4] = [INTEGRITY, REJECT, REVIEW, FAILED];
    outcomes.sort_by_key(|outcome| (outcome.exit == 0, outcome.id));
    let is_there = |exit: &u8| outcomes.iter().any(|outcome| outcome.exit == *exit);
    let exit = FROM_WORST.into_iter().find(is_there).unwrap_or(0);
    let lines = outcomes
        .iter()
        .take(TOLD)
        .map(|outcome| outcome.text.chars().take(TOLD_OF_EACH).collect());
    let more = outcomes.len().saturating_sub(TOLD);
    let more = (more > 0).then(|| format!("and {more} more: diode-rx tail -n {}", outcomes.len()));
    let lines: Vec<String> = lines.chain(more).collect();
    Answer {
        exit,
        text: lines.join("\n"),
    }
}

impl Owner {
    /// The bundles that are meant; else what to tell the person.
    ///
    /// # Errors
    /// The answer, if there is none, or none that can be scanned again.
    pub fn targets(&self, which: &Which) -> Result<Vec<Target>, Answer> {
        let refused = |exit, text: String| Answer { exit, text };
        let all = self.with_ledger(|ledger| {
            let bundles = match which {
                Which::One(prefix) => ledger.matching(&prefix.trim_end_matches('…').to_lowercase()),
                Which::Held | Which::Released => ledger.bundles(),
            };
            let known = bundles
                .into_iter()
                .filter(|(_, record)| record.removed.is_none() || matches!(which, Which::One(_)));
            let known = known.map(|(id, record)| (id, record.state, record.removed.is_some() || record.decided));
            known.collect::<Vec<_>>()
        });
        let target = |(id, state, closed): (BundleId, State, bool)| match state {
            State::Held if !closed => Some(Target::Held(id)),
            State::Released if !closed => Some(Target::Released(id)),
            _ => None,
        };
        let targets: Vec<_> = all.iter().copied().filter_map(target).collect();
        match which {
            Which::Held => Ok(targets
                .into_iter()
                .filter(|target| matches!(target, Target::Held(_)))
                .collect()),
            Which::Released => Ok(targets
                .into_iter()
                .filter(|target| matches!(target, Target::Released(_)))
                .collect()),
            Which::One(prefix) => match (all.as_slice(), targets.as_slice()) {
                _ if prefix.is_empty() => Err(refused(USAGE, "no bundle is named\n  mend    diode-rx list".to_owned())),
                ([], _) => Err(refused(
                    USAGE,
                    format!("{prefix:?} names no bundle\n  mend    diode-rx list"),
                )),
                ([_], [_]) => Ok(targets),
                ([(id, state, _)], _) => Err(refused(
                    FAILED,
                    format!(
                        "bundle {} is {state}: only what is held, or released and still here, is scanned again",
                        id.short()
                    ),
                )),
                _ => Err(refused(
                    USAGE,
                    format!("more than one bundle begins with {prefix}\n  mend    give more of it"),
                )),
            },
        }
    }

    /// Has a held bundle scanned before all others, by today's rules; what policy decided on it, and was not carried out yet, counts no more.
    pub fn scan_again(&mut self, id: BundleId) {
        self.drop_steps(id);
        if !self.unscanned.contains(&id) {
            self.unscanned.push_front(id);
        }
    }

    /// What came of the scan of a held bundle, once it was [judged](Self::judge_all).
    #[must_use]
    pub fn outcome(&self, id: BundleId) -> Outcome {
        let latest = self.with_ledger(|ledger| ledger.get(&id).map(|record| (record.state, record.latest.1.clone())));
        let (exit, what) = match latest {
            Some((State::Held, event)) => {
                let why = told(&event);
                match (event.verdict, event.reason.as_deref()) {
                    (_, Some("scan-failed" | "no-policy" | "report-not-stored")) | (None, _) => (FAILED, why),
                    (Some(verdict), _) => (exit_of(verdict), format!("{verdict}: {why}")),
                }
            }
            Some((state, _)) => (0, format!("{state} meanwhile")),
            None => (FAILED, "not held any more".to_owned()),
        };
        Outcome {
            id,
            exit,
            text: format!("{}  held      {what}", id.short()),
        }
    }

    /// Takes the scan of a released bundle: stores its report, and records what policy says of it now.
    ///
    /// # Errors
    /// If the log can't be written.
    pub fn take_rescanned(&mut self, rescanned: Rescanned, actor: &str) -> Result<Outcome, OwnerError> {
        let Rescanned { id, scanned, took } = rescanned;
        let failed = |why: String| Outcome {
            id,
            exit: FAILED,
            text: format!("{}  released  not scanned: {why}", id.short()),
        };
        let (report, tree) = match scanned {
            Ok(scanned) => scanned,
            Err(why) => return Ok(failed(why)),
        };
        let policy = match self.authority.policy() {
            Ok(policy) => policy,
            Err(error) => return Ok(failed(error.to_string())),
        };
        let decision = policy.judge(&report);
        let stored = match self.quarantine.save_rescan(id, &report) {
            Ok(path) => self.home.path(crate::home::QUARANTINE).join(path),
            Err(error) => return Ok(failed(format!("{}; {}", error.told(), error.mend()))),
        };
        self.note_settings()?;
        let released_as = self.with_ledger(|ledger| ledger.get(&id).and_then(|record| record.decided_on));
        let found = Found::new(decision.verdict(), released_as.unwrap_or(Verdict::Allow), &tree);
        let detail = found.detail(&reasons(&decision));
        if found.exit() != 0 {
            tracing::error!(bundle = %id, "ALARM: {detail}");
        }
        let event = Event {
            state: Some(State::Released),
            findings: Some(report.counts),
            rules: Some(report.rules_digest),
            duration_ms: Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            reason: Some(found.reason().to_owned()),
            detail: Some(detail.clone()),
            path: Some(stored.display().to_string()),
            actor: Some(actor.to_owned()),
            ..self.decided(EventKind::BundleRescanned, id, &decision)
        };
        self.note(&event)?;
        Ok(Outcome {
            id,
            exit: found.exit(),
            text: format!(
                "{}  released  {detail}\n          report {}",
                id.short(),
                stored.display()
            ),
        })
    }
}

fn exit_of(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Allow => 0,
        Verdict::Review => REVIEW,
        Verdict::Reject => REJECT,
    }
}

/// Why a verdict is as it is: of one that policy acts on by itself its entry has the counts alone.
fn told(event: &Event) -> String {
    let detail = event.detail.clone().unwrap_or_default();
    match (event.event, &event.findings) {
        (EventKind::BundleScanned, Some(counts)) => format!("{}; {detail}", audit::line::findings(counts)),
        _ => detail,
    }
}

/// What a scan of a released bundle says.
struct Found {
    now: Verdict,
    released_as: Verdict,
    /// How the files differ from the signed ones, as text; empty if they don't.
    differs: Vec<String>,
    gone: bool,
}

impl Found {
    fn new(now: Verdict, released_as: Verdict, tree: &TreeState) -> Self {
        let differs = match tree {
            TreeState::Gone => Vec::new(),
            TreeState::There(differs) => differs.iter().map(ToString::to_string).collect(),
        };
        Self {
            now,
            released_as,
            differs,
            gone: *tree == TreeState::Gone,
        }
    }

    fn is_worse(&self) -> bool {
        self.now > self.released_as
    }

    fn exit(&self) -> u8 {
        match self.now {
            _ if !self.differs.is_empty() => INTEGRITY,
            now if self.is_worse() => exit_of(now),
            _ => 0,
        }
    }

    fn reason(&self) -> &'static str {
        match self.differs.is_empty() {
            _ if self.is_worse() => "rescan-worse",
            false => "files-changed",
            true => "rescan-unchanged",
        }
    }

    fn detail(&self, reasons: &str) -> String {
        const NAMED: usize = 10;
        let alarm = if self.exit() == 0 { "" } else { "ALARM: " };
        let verdict = match self.is_worse() {
            true => format!(
                "released as {}, and {} by today's rules: {reasons}",
                self.released_as, self.now
            ),
            false => format!("released as {}, and {} today: {reasons}", self.released_as, self.now),
        };
        let mut parts = vec![verdict];
        if self.gone {
            parts.push("its files are not in released/ any more".to_owned());
        }
        if !self.differs.is_empty() {
            let named: Vec<_> = self.differs.iter().take(NAMED).map(String::as_str).collect();
            let more = self.differs.len().saturating_sub(NAMED);
            let more = if more > 0 {
                format!(", {more} more")
            } else {
                String::new()
            };
            parts.push(format!("in released/ {}{more}", named.join(", ")));
        }
        format!("{alarm}{}", parts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use scanner::quarantine::Differs;

    use super::*;

    fn found(now: Verdict, released_as: Verdict, tree: &TreeState) -> (u8, &'static str, String) {
        let found = Found::new(now, released_as, tree);
        (found.exit(), found.reason(), found.detail("1 high finding"))
    }

    #[test]
    fn only_what_is_stricter_than_its_release_is_an_alarm() {
        let whole = TreeState::There(Vec::new());
        use Verdict::{Allow, Reject, Review};
        for (now, as_released, exit, reason) in [
            (Allow, Allow, 0, "rescan-unchanged"),
            (Review, Review, 0, "rescan-unchanged"),
            (Allow, Review, 0, "rescan-unchanged"),
            (Review, Allow, REVIEW, "rescan-worse"),
            (Reject, Allow, REJECT, "rescan-worse"),
            (Reject, Review, REJECT, "rescan-worse"),
        ] {
            let (found_exit, found_reason, detail) = found(now, as_released, &whole);
            assert_eq!((found_exit, found_reason), (exit, reason), "{now} {as_released}");
            assert_eq!(detail.starts_with("ALARM: "), exit != 0, "{detail}");
        }
    }

    #[test]
    fn files_that_changed_since_are_named_and_an_alarm_and_those_that_were_taken_are_none() {
        let changed = TreeState::There(vec![Differs::Changed("a/b.py".to_owned())]);
        let (exit, reason, detail) = found(Verdict::Allow, Verdict::Allow, &changed);
        assert_eq!((exit, reason), (INTEGRITY, "files-changed"));
        assert!(detail.contains("a/b.py was changed"), "{detail}");
        let (exit, _, detail) = found(Verdict::Allow, Verdict::Allow, &TreeState::Gone);
        assert!(exit == 0 && detail.contains("not in released/"), "{detail}");
    }

    #[test]
    fn the_answer_has_the_exit_code_of_the_worst() {
        let outcome = |exit| Outcome {
            id: BundleId(protocol::digest::Digest([exit; 32])),
            exit,
            text: exit.to_string(),
        };
        let exit = |exits: &[u8]| answer(exits.iter().map(|exit| outcome(*exit)).collect()).exit;
        assert_eq!(exit(&[0, 1, 4]), 4);
        assert_eq!(exit(&[4, 3, 1]), 3);
        assert_eq!(exit(&[3, 5]), 5);
        assert_eq!(exit(&[0, 1]), 1);
        assert_eq!(exit(&[]), 0);
    }
}
