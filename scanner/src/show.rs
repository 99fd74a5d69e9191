//! Findings and decisions as text for a terminal.
//!
//! ```text
//! high  aws-access-key-id  CWE-798  src/config.py:14:12
//!    14 │     key = "AKI············7Q3D"
//!       │            ^^^^^^^^^^^^^^^^^^^^ an AWS access key id: with its secret key it acts as its owner in AWS
//!       = mend: read it from the environment or a secret store, and deactivate this key in IAM
//! ```
//! A finding with a way from somewhere else shows that, too, place by place:
//! ```text
//!       = way: src/app.py
//!     6 │ name = request.args["name"]
//!       │ └ the request, as text that its sender chose
//! ```
//! What does not fit into a line beside the code is
//! wrapped below it.
//!
//! Always true:
//! - everything that comes from files, names included, is escaped;
//! - a line of code is never wrapped, and never coloured by what is in it.

use std::fmt::{self, Write as _};

use audit::escape::terminal;
use audit::event::Verdict;
use audit::line::Style;

use crate::finding::{Finding, Severity, Snippet, Step};
use crate::report::Report;

mod by_control;
mod explain;
mod summary;
mod wrap;

pub use self::by_control::controls;
pub use self::explain::{Explained, NoSuchRule, explain};
pub use self::summary::{coverage, decision, judged_by, judged_by_in_full, not_covered};
pub use self::wrap::wrapped;

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// With colours, for a terminal that has them.
    pub colour: bool,
    /// Columns that prose is wrapped to.
    pub width: usize,
}

impl Default for Look {
    /// Without colours, 100 columns wide.
    fn default() -> Self {
        Self {
            colour: false,
            width: 100,
        }
    }
}

impl Look {
    /// What standard output is good for: colours and its width if it is a terminal.
    #[must_use]
    pub fn detect() -> Self {
        let columns = rustix::termios::tcgetwinsize(std::io::stdout())
            .ok()
            .map(|size| usize::from(size.ws_col))
            .filter(|&columns| columns > 0);
        Self {
            colour: Style::detect().colour,
            width: columns.map_or(Self::default().width, |columns| columns.clamp(40, 140)),
        }
    }

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
        look.paint("1", &terminal(&finding.rule)),
        finding.path.terminal()
    )?;
    let message = finding.message.terminal();
    let number = finding.line.map(|line| line.to_string()).unwrap_or_default();
    let margin = margin(finding);
    match &finding.snippet {
        Some(snippet) => {
            let (text, before, marked) = marked_line(snippet);
            let blank = " ".repeat(before);
            let caret = look.paint("1", &"^".repeat(marked));
            writeln!(out, "{number:>width$} │ {text}", width = margin.len())?;
            if margin.len() + 3 + before + marked + 1 + message.chars().count() <= look.width {
                writeln!(out, "{margin} │ {blank}{caret} {message}")?;
            } else {
                writeln!(out, "{margin} │ {blank}{caret}")?;
                write_under(out, &margin, "why: ", &message, look)?;
            }
        }
        None => write_under(out, &margin, "why: ", &message, look)?,
    }
    write_under(out, &margin, "mend: ", &terminal(&finding.mend), look)?;
    write_way(out, finding, &margin, look)
}

/// A remark below the line, wrapped.
fn write_under(out: &mut String, margin: &str, word: &str, text: &str, look: Look) -> fmt::Result {
    let mut head = format!("{margin} = {word}");
    for line in wrapped(text, look.width.saturating_sub(head.len())) {
        writeln!(out, "{head}{line}")?;
        head = " ".repeat(head.len());
    }
    Ok(())
}

/// How a value came to the finding, where it came from first: each file once, and each place with its line and what
/// happens there, numbers below that of the finding.
fn write_way(out: &mut String, finding: &Finding, margin: &str, look: Look) -> fmt::Result {
    let mut shown = None;
    for step in &finding.way {
        let path = step.path.as_ref().unwrap_or(&finding.path);
        if shown != Some(path) {
            let head = if shown.is_none() { "= way:" } else { "      " };
            writeln!(out, "{margin} {head} {}", path.terminal())?;
            shown = Some(path);
        }
        let text = step.snippet.as_ref().map(|snippet| snippet.text.terminal());
        let text = text.as_deref().unwrap_or_default().trim();
        let line = format!("{:>width$} │ {text}", step.line, width = margin.len());
        writeln!(out, "{}", line.trim_end())?;
        if step.what == Step::GOES_ON {
            continue;
        }
        let mut tick = "└";
        for line in wrapped(&step.what.terminal(), look.width.saturating_sub(margin.len() + 5)) {
            writeln!(out, "{margin} │ {tick} {line}")?;
            tick = " ";
        }
    }
    Ok(())
}

/// Columns that the greatest line number of a finding and of its way takes, and two more.
fn margin(finding: &Finding) -> String {
    let lines = finding.way.iter().map(|step| step.line).chain(finding.line);
    let digits = lines.max().map_or(0, |line| line.to_string().len());
    " ".repeat(digits.max(3) + 2)
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

#[cfg(test)]
mod tests {
    use protocol::digest::Digest;

    use super::*;
    use crate::finding::Confidence;

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
    fn a_reason_that_does_not_fit_beside_the_code_is_wrapped_below_it() {
        let mut finding = sample("src/a.py", "      abc = 1");
        finding.message = "why it matters ".repeat(8).trim().into();
        let look = Look {
            width: 60,
            ..Look::default()
        };
        let shown = super::finding(&finding, look);
        let lines: Vec<&str> = shown.lines().skip(2).collect();
        assert_eq!(lines[0], "      │     ^^^");
        assert_eq!(lines[1], "      = why: why it matters why it matters why it matters");
        assert!(lines[2].starts_with("             why it matters"), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= 60), "{shown}");
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
        let way: Vec<&str> = shown.lines().skip(4).collect();
        let expected = [
            "      = way: src/b.py",
            "    3 │",
            "      │ └ the request",
            "             src/a.py",
            "   14 │",
            "      │ └ a\\u{1b}sink",
        ];
        assert_eq!(way, expected);
    }

    #[test]
    fn a_name_from_a_bundle_cannot_move_the_cursor() {
        let shown = finding(&sample("a\u{1b}[2Jb\n\u{202e}c", "x\u{1b}[0m"), Look::default());
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
        assert_eq!(shown.lines().count(), 4);
    }
}
