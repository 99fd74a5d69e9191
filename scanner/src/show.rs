//! Findings and decisions as text for a terminal.
//!
//! ```text
//! high  aws-access-key-id  CWE-798  src/config.py:14:12
//!    14 │     key = "AKI············7Q3D"
//!       │            ^^^^^^^^^^^^^^^^^^^^ an AWS access key id: with its secret key it acts as its owner in AWS
//!       = mend: read it from the environment or a secret store, and deactivate this key in IAM
//! ```
//! A finding with a way from somewhere else shows that, too, one place a line.
//!
//! Always true: everything that comes from files, names included, is escaped.

use std::fmt::{self, Write as _};

use audit::escape::terminal;
use audit::event::Verdict;
use audit::line::size;

use crate::finding::{Finding, Severity, Snippet};
use crate::policy::Decision;
use crate::report::Report;

/// How text looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// With colours, for a terminal that has them.
    pub colour: bool,
}

impl Look {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn severity(self, severity: Severity) -> String {
        let code = match severity {
            Severity::Critical => "1;31",
            Severity::High => "31",
            Severity::Medium => "33",
            Severity::Low => "36",
        };
        self.paint(code, severity.name())
    }

    fn verdict(self, verdict: Verdict) -> String {
        let code = match verdict {
            Verdict::Allow => "1;32",
            Verdict::Review => "1;33",
            Verdict::Reject => "1;31",
        };
        self.paint(code, &verdict.to_string())
    }
}

/// One finding: its head, its line with a caret, and the mend; ends with a line feed.
#[must_use]
pub fn finding(finding: &Finding, look: Look) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _infallible = write_finding(&mut out, finding, look);
    out
}

fn write_finding(out: &mut String, finding: &Finding, look: Look) -> fmt::Result {
    let cwe = finding.cwe.map(|cwe| format!("  CWE-{cwe}")).unwrap_or_default();
    let place = match (finding.line, finding.column) {
        (Some(line), Some(column)) => format!(":{line}:{column}"),
        (Some(line), None) => format!(":{line}"),
        _ => String::new(),
    };
    let severity = look.severity(finding.severity);
    writeln!(
        out,
        "{severity}  {}{cwe}  {}{place}",
        terminal(&finding.rule),
        finding.path.terminal()
    )?;
    let message = finding.message.terminal();
    let number = finding.line.map(|line| line.to_string()).unwrap_or_default();
    let margin = " ".repeat(number.len().max(3) + 2);
    match &finding.snippet {
        Some(snippet) => {
            let (text, before, marked) = marked_line(snippet);
            let blank = " ".repeat(before);
            let caret = look.paint("1", &"^".repeat(marked));
            writeln!(out, "{number:>width$} │ {text}", width = margin.len())?;
            writeln!(out, "{margin} │ {blank}{caret} {message}")?;
        }
        None => writeln!(out, "{margin} = {message}")?,
    }
    writeln!(out, "{margin} = mend: {}", terminal(&finding.mend))?;
    write_way(out, finding, &margin)
}

/// How a value came to the finding: a line for each place, where it came from first.
fn write_way(out: &mut String, finding: &Finding, margin: &str) -> fmt::Result {
    for (index, step) in finding.way.iter().enumerate() {
        let head = if index == 0 { "= way:" } else { "      " };
        let path = step.path.as_ref().unwrap_or(&finding.path);
        let text = step
            .snippet
            .as_ref()
            .map(|snippet| snippet.text.terminal())
            .unwrap_or_default();
        let what = step.what.terminal();
        writeln!(
            out,
            "{margin} {head} {}:{}  {}  ({what})",
            path.terminal(),
            step.line,
            text.trim()
        )?;
    }
    Ok(())
}

/// The snippet's line, without what its line started with in blanks, and where in it the caret goes.
fn marked_line(snippet: &Snippet) -> (String, usize, usize) {
    let from = snippet.mark_from as usize;
    let raw = snippet.text.raw();
    let indent = raw.chars().take(from).take_while(|&c| c == ' ').count();
    // Four blanks stay, so that an indented line looks like one.
    let cut = indent.saturating_sub(4);
    let text: String = raw.chars().skip(cut).collect();
    // Snippets have no characters left that escaping would lengthen, but the report may come from a file.
    (
        terminal(&text),
        from - cut,
        (snippet.mark_len as usize).clamp(1, MAX_CARET),
    )
}

/// A caret longer than this says nothing more.
const MAX_CARET: usize = 160;

/// The findings of a report, as many as `limit`, with an empty line after each.
#[must_use]
pub fn findings(report: &Report, limit: usize, look: Look) -> String {
    let mut out = String::new();
    for found in report.findings.iter().take(limit) {
        out.push_str(&finding(found, look));
        out.push('\n');
    }
    let more = report
        .counts
        .total()
        .saturating_sub(report.findings.len().min(limit) as u64);
    if more > 0 {
        out.push_str(&format!("… and {more} more\n\n"));
    }
    out
}

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

#[cfg(test)]
mod tests {
    use protocol::digest::Digest;

    use super::*;
    use crate::finding::{Confidence, Step};

    fn sample(path: &str, text: &str) -> Finding {
        Finding {
            engine: "e".to_owned(),
            rule: "a-rule".to_owned(),
            severity: Severity::High,
            confidence: Confidence::High,
            cwe: Some(798),
            path: path.into(),
            line: Some(14),
            column: Some(5),
            message: "why it matters".into(),
            mend: "what to do".to_owned(),
            snippet: Some(Snippet {
                text: text.into(),
                mark_from: 6,
                mark_len: 3,
            }),
            way: Vec::new(),
            fingerprint: Digest::of(b""),
        }
    }

    #[test]
    fn a_finding_shows_place_line_caret_reason_and_mend() {
        let shown = finding(&sample("src/a.py", "      abc = 1"), Look::default());
        let expected = "high  a-rule  CWE-798  src/a.py:14:5\n   14 │     abc = 1\n      │     ^^^ why it matters\n      = mend: what to do\n";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_way_is_shown_from_its_source_to_the_finding() {
        let step = |line, path: Option<&str>, what: &str| Step {
            what: what.into(),
            path: path.map(Into::into),
            line,
            column: 1,
            snippet: None,
        };
        let mut finding = sample("src/a.py", "abc");
        finding.way = vec![step(3, Some("src/b.py"), "the request"), step(14, None, "a\u{1b}sink")];
        let shown = super::finding(&finding, Look::default());
        let way: Vec<&str> = shown.lines().skip(4).map(str::trim).collect();
        assert_eq!(
            way,
            ["= way: src/b.py:3    (the request)", "src/a.py:14    (a\\u{1b}sink)"]
        );
    }

    #[test]
    fn a_name_from_a_bundle_cannot_move_the_cursor() {
        let shown = finding(&sample("a\u{1b}[2Jb\n\u{202e}c", "x\u{1b}[0m"), Look::default());
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
        assert_eq!(shown.lines().count(), 4);
    }
}
