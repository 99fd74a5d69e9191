//! The judgement: every reason that a report gives under a policy, strictest first.

use audit::event::Verdict;

use super::{Decision, Mode, PathRule, Policy, Reason};
use crate::engine::Outcome;
use crate::finding::Severity;
use crate::report::{FileReport, Report};
use crate::{archive, dependencies};

impl Policy {
    /// Judges a report. The same policy and report always give the same decision.
    #[must_use]
    pub fn judge(&self, report: &Report) -> Decision {
        let mut reasons = Vec::new();
        reasons.extend(integrity(report));
        reasons.extend(self.coverage(report));
        reasons.extend(
            Severity::WORST_FIRST
                .into_iter()
                .filter_map(|severity| self.findings(report, severity)),
        );
        reasons.extend(self.types(report));
        reasons.extend(self.paths.iter().filter_map(|rule| rule.reason(report)));
        reasons.extend(self.conditions.reasons(report));
        if reasons.is_empty() {
            let text = format!(
                "{} of {} files covered, and nothing found that the policy minds{}",
                report.coverage.covered,
                report.coverage.files,
                self.let_pass(report)
            );
            reasons.push(Reason {
                verdict: Verdict::Allow,
                code: "clear",
                text: text.into(),
            });
        }
        // Stable: within a verdict the order above stays.
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.verdict));
        let automatic = self.mode == Mode::AutoRelease;
        Decision::new(reasons, report.digest(), self.digest, report.bundle, automatic)
    }

    /// Weaknesses of this severity that pass because only tests run them.
    fn passing(&self, report: &Report, severity: Severity) -> u64 {
        match self.passing_in_tests.lets(severity) {
            true => report.counts_in_tests.of(severity.name()),
            false => 0,
        }
    }

    /// What was found and passes because only tests run it.
    fn let_pass(&self, report: &Report) -> String {
        let blocking = Severity::WORST_FIRST
            .into_iter()
            .filter(|severity| self.blocks(*severity));
        let passing: u64 = blocking.map(|severity| self.passing(report, severity)).sum();
        match passing {
            0 => String::new(),
            1 => "; 1 weakness in a test passes".to_owned(),
            more => format!("; {more} weaknesses in tests pass"),
        }
    }

    fn coverage(&self, report: &Report) -> Option<Reason> {
        if report.files.is_empty() {
            let text = "there was no file to look at".to_owned();
            return Some(Reason {
                verdict: self.incomplete,
                code: "nothing-scanned",
                text: text.into(),
            });
        }
        let mut missed = report
            .files
            .iter()
            .filter_map(|file| self.missed(file).map(|why| (file, why)));
        let (first, why) = missed.next()?;
        let text = format!(
            "{}, the first {}: {why}",
            files(missed.count() + 1, "not covered"),
            first.path.raw()
        );
        Some(Reason {
            verdict: self.incomplete,
            code: "coverage-incomplete",
            text: text.into(),
        })
    }

    /// What a file lacks of the coverage that the policy requires.
    fn missed(&self, file: &FileReport) -> Option<String> {
        if let Some(unreadable) = &file.unreadable {
            return Some(unreadable.raw().to_owned());
        }
        // What an archive hides and a manifest pulls in is looked at or not, whatever the policy requires.
        for engine in [archive::NAME, dependencies::NAME] {
            match file.outcomes.get(engine) {
                None | Some(Outcome::Scanned) => {}
                Some(outcome) => return Some(format!("{engine} ended {outcome} ({})", file.detected_type)),
            }
        }
        // Nor does a policy say that a file may end an engine: what it would have found, nobody knows.
        let ended = |(_, outcome): &(_, &Outcome)| matches!(outcome, Outcome::Crashed | Outcome::TimedOut);
        if let Some((engine, outcome)) = file.outcomes.iter().find(ended) {
            return Some(format!("{engine} ended {outcome} ({})", file.detected_type));
        }
        let lines = self
            .required
            .iter()
            .filter(|(selector, _)| selector.matches(&file.detected_type));
        lines
            .flat_map(|(_, engines)| engines)
            .find_map(|engine| match file.outcomes.get(engine) {
                Some(Outcome::Scanned) => None,
                Some(outcome) => Some(format!("{engine} ended {outcome} ({})", file.detected_type)),
                None => Some(format!("{engine} did not look at it ({})", file.detected_type)),
            })
    }

    fn findings(&self, report: &Report, severity: Severity) -> Option<Reason> {
        let verdict = self.of_severity(severity);
        let code = match severity {
            Severity::Critical => "findings-critical",
            Severity::High => "findings-high",
            Severity::Medium => "findings-medium",
            Severity::Low => "findings-low",
        };
        let passing = self.passing(report, severity);
        let count = report.counts.of(severity.name()).saturating_sub(passing);
        if count == 0 || verdict == Verdict::Allow {
            return None;
        }
        let first = report
            .findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .find(|finding| passing == 0 || !finding.is_weakness_in_tests())
            .map(|finding| {
                let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
                format!(", the first {}{line} {}", finding.path.raw(), finding.rule)
            });
        let plural = if count == 1 { "finding" } else { "findings" };
        let text = format!("{count} {} {plural}{}", severity.name(), first.unwrap_or_default());
        Some(Reason {
            verdict,
            code,
            text: text.into(),
        })
    }

    /// Whether the few bytes of no known type that tests read are few enough, all together.
    fn passes_unknown(&self, report: &Report) -> bool {
        let sizes = report
            .files
            .iter()
            .filter(|file| is_unknown_in_tests(file))
            .map(|file| file.size);
        sizes.fold(0, u64::saturating_add) <= self.unknown_in_tests
    }

    /// One reason for each verdict that some file's type gives.
    fn types(&self, report: &Report) -> Vec<Reason> {
        let passes = self.passes_unknown(report);
        let of_type = |verdict| {
            let counts = |file: &&FileReport| !(passes && is_unknown_in_tests(file));
            let mut hit = report
                .files
                .iter()
                .filter(move |file| counts(file) && self.of_type(&file.detected_type) == verdict);
            let first = hit.next()?;
            let number = hit.count() + 1;
            let text = format!(
                "{}, the first {}: {}",
                files(number, "of such a type"),
                first.path.raw(),
                first.detected_type
            );
            Some(Reason {
                verdict,
                code: "type",
                text: text.into(),
            })
        };
        [Verdict::Reject, Verdict::Review]
            .into_iter()
            .filter_map(of_type)
            .collect()
    }

    /// The least verdict for a type: that of the narrowest line.
    fn of_type(&self, detected: &str) -> Verdict {
        let lines = self.types.iter().filter(|(selector, _)| selector.matches(detected));
        lines
            .max_by_key(|(selector, _)| selector.rank())
            .map_or(Verdict::Allow, |(_, verdict)| *verdict)
    }
}

impl PathRule {
    fn reason(&self, report: &Report) -> Option<Reason> {
        let mut hit = report.files.iter().filter(|file| {
            self.glob.is_match(file.path.raw()) && self.findings.is_none_or(|least| file.worst >= Some(least))
        });
        let first = hit.next()?;
        if self.verdict == Verdict::Allow {
            return None;
        }
        let what = format!("under {}", self.glob.glob().glob());
        let why = self.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let text = format!("{}, the first {}{why}", files(hit.count() + 1, &what), first.path.raw());
        Some(Reason {
            verdict: self.verdict,
            code: "path",
            text: text.into(),
        })
    }
}

/// Bytes that nothing runs by itself, beside tests.
fn is_unknown_in_tests(file: &FileReport) -> bool {
    file.for_tests && !file.executable && file.detected_type == "unknown"
}

/// A file that is not what was signed: no policy can allow it.
fn integrity(report: &Report) -> Option<Reason> {
    let first = report.integrity.first()?;
    let what = if first.found.is_some() {
        "its digest is not the signed one"
    } else {
        "it could not be read in full"
    };
    let text = format!(
        "{}, the first {}: {what}",
        files(report.integrity.len(), "not as signed"),
        first.path.raw()
    );
    Some(Reason {
        verdict: Verdict::Reject,
        code: "integrity",
        text: text.into(),
    })
}

pub(super) fn files(number: usize, what: &str) -> String {
    let plural = if number == 1 { "file" } else { "files" };
    format!("{number} {plural} {what}")
}
