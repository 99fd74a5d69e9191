//! What is known of a rule beyond its entry in the list: why it matters, where it looks, samples.

use serde::Serialize;

use crate::finding::Confidence;

/// What an engine has to tell about one of its rules; it may leave out anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RuleDetail {
    /// Why a finding matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How sure a finding is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
    /// The languages that it looks at; empty: whatever the file is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Where the values come from that it follows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Where they must not arrive; of a rule that follows none: what it looks at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sinks: Vec<String>,
    /// What makes them safe on their way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cleaners: Vec<String>,
    /// A text in which it finds something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad: Option<String>,
    /// A text that looks alike, and in which it finds nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub good: Option<String>,
}
