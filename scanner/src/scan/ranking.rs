//! The findings that a report lists: the worst ones, in an order that does not depend on which came first.

use std::cmp::{Ordering, Reverse};

use super::gathered::FileNumber;
use crate::finding::{Finding, Severity};

/// Findings that a report lists.
const LISTED: usize = 10_000;

/// The worst findings so far.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    ranked: Vec<(FileNumber, Finding)>,
}

impl Ranking {
    /// Adds findings of file number `file`.
    pub(super) fn add(&mut self, file: FileNumber, findings: impl IntoIterator<Item = Finding>) {
        self.ranked.extend(findings.into_iter().map(|finding| (file, finding)));
        // Dropping what is past the limit early gives what dropping it at the end would: the order is total.
        if self.ranked.len() >= 2 * LISTED {
            self.cut();
        }
    }

    /// The listed findings, worst first, then by file, place and rule.
    pub(super) fn into_findings(mut self) -> Vec<Finding> {
        self.cut();
        self.ranked.into_iter().map(|(_, finding)| finding).collect()
    }

    fn cut(&mut self) {
        self.ranked.sort_by(compare);
        self.ranked.truncate(LISTED);
    }
}

fn compare(a: &(FileNumber, Finding), b: &(FileNumber, Finding)) -> Ordering {
    type Key<'a> = (
        Reverse<Severity>,
        FileNumber,
        Option<u64>,
        Option<u64>,
        &'a str,
        &'a str,
        &'a str,
        [u8; 32],
    );
    fn key((file, finding): &(FileNumber, Finding)) -> Key<'_> {
        (
            Reverse(finding.severity),
            *file,
            finding.line,
            finding.column,
            &finding.engine,
            &finding.rule,
            finding.message.raw(),
            finding.fingerprint.0,
        )
    }
    key(a).cmp(&key(b))
}
