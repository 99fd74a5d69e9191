//! What an engine reports: a rule that held at a place, why that matters, and how to mend it.
//!
//! A [`Finding`] is what the report holds and a person reads; it never holds a secret. Before it becomes one it is a
//! [`Found`], still with the raw bytes of its line; [`crate::engine::Findings`] blots out every secret of the file there.

use std::ops::Range;

use audit::untrusted::Untrusted;
use protocol::digest::Digest;
use serde::{Deserialize, Serialize};

/// How bad it is if the finding is true, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nobody has to act.
    Low,
    /// Someone should look.
    Medium,
    /// Someone must look before the file is used.
    High,
    /// The file must not be used as it is.
    Critical,
}

impl Severity {
    /// All severities, worst first.
    pub const WORST_FIRST: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// The word that reports and policies use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The next lower severity; low stays low.
    #[must_use]
    pub fn lowered(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium | Self::Low => Self::Low,
        }
    }
}

/// How sure the engine is, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A guess from the surroundings.
    Low,
    /// The shape fits.
    Medium,
    /// The shape fits and something else proves it: a checksum, an exact code point.
    High,
}

impl Confidence {
    /// The word that reports use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// One line of a file as the report may show it: secrets blotted out, unseen characters written as `<U+202E>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snippet {
    /// The text; at most a few hundred characters of a longer line.
    pub text: Untrusted,
    /// Characters of `text` before the marked place.
    pub mark_from: u32,
    /// Characters of the marked place.
    pub mark_len: u32,
}

/// One thing that an engine found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The engine's name.
    pub engine: String,
    /// The rule's id, unique within the engine.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure the engine is.
    pub confidence: Confidence,
    /// The weakness by MITRE's numbering.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cwe: Option<u32>,
    /// The file.
    pub path: Untrusted,
    /// Line, from 1; absent when the finding is about the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u64>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<u64>,
    /// What was found and why it matters.
    pub message: Untrusted,
    /// What to do about it.
    pub mend: String,
    /// The line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub snippet: Option<Snippet>,
    /// How a value came here, where it came from first and this place last; empty if the place alone says it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub way: Vec<Step>,
    /// The same for the same finding in another scan with the same key: HMAC-SHA-256 by the scanner's fingerprint key.
    pub fingerprint: Digest,
}

impl Finding {
    /// Takes all text of the file away.
    pub(crate) fn unshow(&mut self) {
        self.snippet = None;
        self.way.iter_mut().for_each(|step| step.snippet = None);
    }
}

/// A place on the way of a value to a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What happens there, for people: "the query string of the request".
    pub what: Untrusted,
    /// The file, if it is another than the finding's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<Untrusted>,
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
    /// The line's text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub snippet: Option<Snippet>,
}

impl Step {
    /// What happens at a place where nothing is to be said but that the value goes on.
    pub const GOES_ON: &'static str = "goes on";
}

/// Where in a file, with the raw bytes around it; made by [`crate::engine::Window::place`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
    /// Offset of `text` in the file.
    pub offset: u64,
    /// Raw bytes of the line, or of a part of it.
    pub text: Vec<u8>,
    /// The place within `text`.
    pub mark: Range<usize>,
}

/// What a finding's fingerprint is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The path and the line's text: the same line elsewhere is another finding.
    Line,
    /// These bytes wherever they are, which never leave the engine: the same secret twice is the same finding.
    Secret(Vec<u8>),
}

/// A finding on its way from an engine into the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The rule's id.
    pub rule: String,
    /// How bad it is here.
    pub severity: Severity,
    /// How sure the engine is.
    pub confidence: Confidence,
    /// The weakness by MITRE's numbering.
    pub cwe: Option<u32>,
    /// What was found and why it matters.
    pub message: String,
    /// What to do about it.
    pub mend: String,
    /// Where; `None` for the file as a whole.
    pub place: Option<Place>,
    /// What makes it the same finding in the next scan.
    pub identity: Identity,
}

/// A rule as `rules list` shows it and as the rules digest covers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleInfo {
    /// The rule's id, unique within its engine.
    pub id: String,
    /// What it finds, in a few words.
    pub title: String,
    /// The worst severity that it gives.
    pub severity: Severity,
    /// The weakness by MITRE's numbering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwe: Option<u32>,
    /// What to do about a finding.
    pub mend: String,
}
