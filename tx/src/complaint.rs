//! A refusal as a sentence that can be acted on: what is wrong, the facts, and the mend.
//!
//! ```text
//! error: bundle refused: signed by a key that is not trusted
//!   key     SHA256:9Qx2… (says mallory@lab)
//!   looked  /etc/diode/allowed_signers (3 keys)
//!   mend    get the key's fingerprint from the person by another way
//! ```
//!
//! Always true:
//! - everything a complaint shows is escaped for a terminal when it is printed, so that its makers need not think of it;
//! - the exit code is part of the complaint, so that the two cannot disagree.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use audit::escape;
use audit::keyfile::KeyFileError;
use serde::{Deserialize, Serialize};

/// How a program ends; the numbers are part of every program's contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Exit {
    /// The work is done; for a check: ALLOW.
    Done = 0,
    /// It was tried and failed; for a check: coverage is incomplete.
    Failed = 1,
    /// Arguments, configuration or the given folder must be changed first.
    Usage = 2,
    /// Refused by policy.
    Rejected = 3,
    /// A person has to decide.
    Review = 4,
    /// Integrity or trust is refused.
    Integrity = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> Self {
        exit as Self
    }
}

/// A number that no program here ends with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no exit code of these programs")]
pub struct NoSuchExit(u8);

impl TryFrom<u8> for Exit {
    type Error = NoSuchExit;

    fn try_from(code: u8) -> Result<Self, NoSuchExit> {
        [
            Self::Done,
            Self::Failed,
            Self::Usage,
            Self::Rejected,
            Self::Review,
            Self::Integrity,
        ]
        .into_iter()
        .find(|exit| *exit as u8 == code)
        .ok_or(NoSuchExit(code))
    }
}

/// Why a verb ended without doing its work. One process can hand it to another, which then says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Complaint {
    exit: Exit,
    summary: String,
    facts: Vec<(Cow<'static, str>, String)>,
    mends: Vec<String>,
}

impl Complaint {
    /// A complaint that ends the program with `exit` and opens with `summary`: lower case, no full stop.
    pub fn new(exit: Exit, summary: impl fmt::Display) -> Self {
        Self {
            exit,
            summary: summary.to_string(),
            facts: Vec::new(),
            mends: Vec::new(),
        }
    }

    /// Exit 1: it was tried and failed.
    pub fn failed(summary: impl fmt::Display) -> Self {
        Self::new(Exit::Failed, summary)
    }

    /// Exit 2: the operator has something to change.
    pub fn usage(summary: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, summary)
    }

    /// Exit 5: integrity or trust is refused.
    pub fn integrity(summary: impl fmt::Display) -> Self {
        Self::new(Exit::Integrity, summary)
    }

    /// Adds a fact on a line of its own; facts under the label of the line before show the label once.
    #[must_use]
    pub fn fact(mut self, label: &'static str, text: impl fmt::Display) -> Self {
        self.facts.push((Cow::Borrowed(label), text.to_string()));
        self
    }

    /// Adds a line that says what to do about it.
    #[must_use]
    pub fn mend(mut self, text: impl fmt::Display) -> Self {
        self.mends.push(text.to_string());
        self
    }

    /// Adds what `error` was caused by, each cause on a line of its own.
    #[must_use]
    pub fn causes(mut self, error: &dyn std::error::Error) -> Self {
        let mut cause = error.source();
        while let Some(error) = cause {
            self = self.fact("cause", error);
            cause = error.source();
        }
        self
    }

    /// The code to end with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The first line, without `error:`.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// All of it on one line, for a log.
    #[must_use]
    pub fn one_line(&self) -> String {
        let facts = self.facts.iter().map(|(label, text)| format!("; {label}: {text}"));
        let mends = self.mends.iter().map(|text| format!("; mend: {text}"));
        let line: String = std::iter::once(self.summary.clone())
            .chain(facts)
            .chain(mends)
            .collect();
        escape::terminal(&line)
    }

    /// Prints to stderr and gives the code to end with.
    #[must_use]
    pub fn report(&self) -> ExitCode {
        // Nobody may read it any more; the code tells.
        let _ = write!(io::stderr().lock(), "{self}");
        self.exit.into()
    }
}

/// Columns that labels take at least, with the two blanks after them.
const LABEL_WIDTH: usize = 8;

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", escape::terminal(&self.summary))?;
        let lines = || {
            let facts = self.facts.iter().map(|(label, text)| (&**label, text));
            facts.chain(self.mends.iter().map(|text| ("mend", text)))
        };
        let width = lines().map(|(label, _)| label.len() + 2).fold(LABEL_WIDTH, usize::max);
        let mut above = "";
        for (label, text) in lines() {
            let shown = if label == above { "" } else { label };
            let shown = escape::terminal(shown);
            writeln!(f, "  {shown:width$}{}", escape::terminal(text))?;
            above = label;
        }
        Ok(())
    }
}

impl std::error::Error for Complaint {}

/// A key file that can't be used is the operator's to mend: exit 2.
impl From<KeyFileError> for Complaint {
    fn from(error: KeyFileError) -> Self {
        let text = error.to_string();
        let complaint = match text.split_once("; mend: ") {
            Some((what, mend)) => Self::usage(what).mend(mend),
            None => Self::usage(text),
        };
        complaint.causes(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_aligned_and_the_mend_comes_last() {
        let complaint = Complaint::integrity("bundle refused")
            .mend("ask for it again")
            .fact("key", "SHA256:9Qx2")
            .fact("looked", "a");
        assert_eq!(
            complaint.to_string(),
            "error: bundle refused\n  key     SHA256:9Qx2\n  looked  a\n  mend    ask for it again\n"
        );
    }

    #[test]
    fn a_complaint_for_a_log_is_one_line_with_facts_before_mends() {
        let complaint = Complaint::usage("no").mend("wait").fact("file", "a\nb");
        let line = complaint.one_line();
        assert!(
            line.starts_with("no; file: a") && line.ends_with("b; mend: wait"),
            "{line}"
        );
        assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn a_key_that_others_can_read_comes_with_its_mend() {
        let error = KeyFileError::OpenToOthers {
            path: "author".into(),
            mode: 0o644,
        };
        let complaint = Complaint::from(error);
        assert_eq!(complaint.exit(), Exit::Usage);
        assert!(
            complaint.to_string().ends_with("  mend    chmod 600 author\n"),
            "{complaint}"
        );
    }

    #[test]
    fn a_label_repeated_is_shown_once() {
        let complaint = Complaint::usage("no").fact("refused", "a").fact("refused", "b");
        assert_eq!(complaint.to_string(), "error: no\n  refused  a\n           b\n");
    }

    #[test]
    fn a_name_with_an_escape_sequence_cannot_reach_the_terminal() {
        let complaint = Complaint::usage("no \u{1b}[2J").fact("name", "x\u{202e}y").mend("z\r");
        let shown = complaint.to_string();
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\r']), "{shown:?}");
    }

    #[test]
    fn a_complaint_reads_back_as_it_was_written() {
        let complaint = Complaint::integrity("no")
            .fact("file", "a\nb")
            .fact("file", "c")
            .mend("do");
        let text = serde_json::to_string(&complaint).unwrap();
        assert!(text.starts_with(r#"{"exit":5,"summary":"no""#), "{text}");
        assert_eq!(serde_json::from_str::<Complaint>(&text).unwrap(), complaint);
    }

    #[test]
    fn an_exit_code_that_there_is_none_of_does_not_read() {
        let codes = (0..=u8::MAX).filter(|code| Exit::try_from(*code).is_ok());
        assert_eq!(codes.collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    }
}
