//! What a report comes to: how much was looked at, what was not, and the verdict.

use audit::event::Verdict;
use audit::line::size;
use audit::untrusted::Untrusted;

use super::Look;
use crate::engine::Outcome;
use crate::policy::Decision;
use crate::report::Report;

/// What was looked at, in one line: `38 of 38 files covered, 1.2 MiB; 1 critical, 0 high, 2 medium, 0 low`.
#[must_use]
pub fn coverage(report: &Report) -> String {
    let counts = report.counts;
    format!(
        "{} of {} files covered, {}; {} critical, {} high, {} medium, {} low",
        report.coverage.covered,
        report.coverage.files,
        size(report.coverage.bytes),
        counts.critical,
        counts.high,
        counts.medium,
        counts.low,
    )
}

/// A line for each file that was not covered, and why: `not covered: src/lib.rs  text.rust  sast unsupported`.
#[must_use]
pub fn not_covered(report: &Report) -> String {
    let mut out = String::new();
    for file in report.files.iter().filter(|file| !file.is_covered()) {
        let outcomes = file.outcomes.iter();
        let missed = outcomes.filter(|(_, outcome)| **outcome != Outcome::Scanned);
        let mut why: Vec<String> = missed.map(|(engine, outcome)| format!("{engine} {outcome}")).collect();
        why.extend(file.unreadable.as_ref().map(Untrusted::terminal));
        out.push_str(&format!(
            "not covered: {}  {}  {}\n",
            file.path.terminal(),
            file.detected_type,
            why.join(", ")
        ));
    }
    out
}

/// By what was judged, as the desk and the receiver both print it: `policy sha256:3da6fd27…, rules sha256:032fc92e…`.
#[must_use]
pub fn judged_by(report: &Report, decision: &Decision) -> String {
    let (policy, rules) = (decision.policy().short(), report.rules_digest.short());
    format!("policy sha256:{policy}…, rules sha256:{rules}…")
}

/// The same in full, with the report's own digest; a line for each.
#[must_use]
pub fn judged_by_in_full(report: &Report, decision: &Decision) -> String {
    format!(
        "policy sha256:{}\nrules  sha256:{}\nreport sha256:{}\n",
        decision.policy(),
        report.rules_digest,
        decision.report()
    )
}

/// The verdict and its reasons: one line, and a line for each further reason.
#[must_use]
pub fn decision(decision: &Decision, look: Look) -> String {
    let mut reasons = decision.reasons().iter().filter(|reason| {
        // What is allowed anyway is no reason against it.
        reason.verdict != Verdict::Allow || decision.verdict() == Verdict::Allow
    });
    let first = reasons.next().map(|reason| reason.text.terminal()).unwrap_or_default();
    let mut out = format!("{}: {first}\n", look.verdict(decision.verdict()));
    for reason in reasons {
        out.push_str(&format!("        {}: {}\n", reason.verdict, reason.text.terminal()));
    }
    out
}
