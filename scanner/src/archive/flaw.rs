//! What is wrong with an archive, on its way to a finding; it travels through readers as an [`io::Error`].

use std::io;

use super::rules;
use crate::engine::Outcome;
use crate::finding::{Confidence, Found, Severity};
use crate::fixed_rule::FixedRule;

/// One refusal: the rule, what it says here, and whether something was left unseen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Flaw {
    rule: &'static FixedRule,
    severity: Severity,
    message: String,
    /// How the archive ends; [`Outcome::Scanned`] if all of it was seen all the same.
    pub(crate) outcome: Outcome,
}

impl Flaw {
    /// A flaw of `rule`, about an archive that is seen all the same.
    pub(super) fn new(rule: &'static FixedRule, message: String) -> Self {
        Self {
            rule,
            severity: rule.severity,
            message,
            outcome: Outcome::Scanned,
        }
    }

    /// What cannot be read on: damaged, or made to look so.
    pub(super) fn damaged(message: impl Into<String>) -> Self {
        Self::new(&rules::DAMAGED, message.into()).not_seen(Outcome::Unsupported)
    }

    /// Something in the archive was not seen.
    pub(super) fn not_seen(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Less bad than the rule's worst.
    pub(super) fn only(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The finding.
    pub(crate) fn into_found(self) -> Found {
        self.rule.found(self.severity, Confidence::High, self.message, None)
    }
}

impl From<Flaw> for io::Error {
    fn from(flaw: Flaw) -> Self {
        Self::other(flaw)
    }
}

impl From<io::Error> for Flaw {
    /// The flaw that the error carries, or that of what ends too early or cannot be decoded.
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            Some(flaw) => flaw.clone(),
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::damaged("it ends in the middle of an entry"),
            None => Self::damaged(format!("it cannot be decoded: {error}")),
        }
    }
}
