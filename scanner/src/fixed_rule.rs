//! Rules that are part of the program, unlike those read from files: where one is applied decides how bad a finding is, up to its severity.

use crate::finding::{Confidence, Found, Identity, Place, RuleInfo, Severity};

/// A rule of the program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FixedRule {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) severity: Severity,
    pub(crate) cwe: Option<u32>,
    pub(crate) mend: &'static str,
}

impl FixedRule {
    /// The rule for lists and for the digest.
    pub(crate) fn info(&self) -> RuleInfo {
        RuleInfo {
            id: self.id.to_owned(),
            title: self.title.to_owned(),
            severity: self.severity,
            cwe: self.cwe,
            mend: self.mend.to_owned(),
        }
    }

    /// A finding of this rule.
    pub(crate) fn found(
        &self,
        severity: Severity,
        confidence: Confidence,
        message: String,
        place: Option<Place>,
    ) -> Found {
        Found {
            rule: self.id.to_owned(),
            severity,
            confidence,
            cwe: self.cwe,
            message,
            mend: self.mend.to_owned(),
            place,
            identity: Identity::Line,
        }
    }
}

/// Declares rules, each under a name, and `ALL` of them.
macro_rules! fixed_rules {
    ($($name:ident = $id:literal, $title:literal, $severity:ident, $cwe:expr, $mend:expr;)*) => {
        $(pub(super) const $name: $crate::fixed_rule::FixedRule = $crate::fixed_rule::FixedRule {
            id: $id,
            title: $title,
            severity: $crate::finding::Severity::$severity,
            cwe: $cwe,
            mend: $mend,
        };)*
        /// All rules.
        pub(super) const ALL: &[$crate::fixed_rule::FixedRule] = &[$($name),*];
    };
}

pub(crate) use fixed_rules;
