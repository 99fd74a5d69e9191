//! Controls: the weaknesses that are looked for, the requirements of OWASP ASVS 5.0 about them, and what a report has of each.
//!
//! ```text
//! rules ──┐  by CWE   ┌─ name, requirements (weaknesses)
//!         ├──────────▶│  rules that look for it
//! report ─┘           └─ findings by severity, files
//! ```
//!
//! Always true: a weakness that some rule looks for has a row, with or without findings.

use std::collections::{BTreeMap, BTreeSet};

use audit::event::FindingCounts;
use audit::untrusted::Untrusted;
use serde::Serialize;

use crate::engine::count;
use crate::finding::RuleInfo;
use crate::report::Report;

mod weaknesses;

/// The version of the standard that requirements are those of.
pub const ASVS_VERSION: &str = "5.0.0";

/// A weakness by MITRE's numbering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weakness {
    /// Its number.
    pub number: u32,
    /// What it is called.
    pub name: &'static str,
    /// The requirements of ASVS that code with it misses: `1.2.4`, or a chapter, `V15`.
    pub asvs: &'static [&'static str],
}

/// The weakness of this number, if it is one that rules of this program look for.
#[must_use]
pub fn weakness(number: u32) -> Option<&'static Weakness> {
    let at = weaknesses::WEAKNESSES.binary_search_by_key(&number, |weakness| weakness.number);
    weaknesses::WEAKNESSES.get(at.ok()?)
}

/// The requirements about a weakness, if it has any.
#[must_use]
pub fn requirements(cwe: Option<u32>) -> &'static [&'static str] {
    cwe.and_then(weakness).map_or(&[], |weakness| weakness.asvs)
}

/// The title of the chapter that a requirement is in.
#[must_use]
pub fn chapter(requirement: &str) -> Option<&'static str> {
    let number = requirement.trim_start_matches('V').split('.').next()?;
    let number: usize = number.parse().ok()?;
    weaknesses::CHAPTERS.get(number.checked_sub(1)?).copied()
}

/// A requirement as the standard says to quote it: `v5.0.0-1.2.4`.
#[must_use]
pub fn quoted(requirement: &str) -> String {
    format!("v{ASVS_VERSION}-{requirement}")
}

/// One row of the table: a weakness, and what a report has of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Control {
    /// The weakness; absent for what has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwe: Option<u32>,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'static str>,
    /// The requirements about it, as the standard says to quote them.
    pub asvs: Vec<String>,
    /// The rules that look for it.
    pub rules: BTreeSet<String>,
    /// Those that found something.
    pub found_by: BTreeSet<String>,
    /// What they found, of the findings that the report lists.
    pub findings: FindingCounts,
    /// Files with such findings.
    pub files: u64,
}

/// The table over `report`, by weakness: first those that rules look for and the report has, then the others.
#[must_use]
pub fn controls(report: &Report, rules: &[(&'static str, Vec<RuleInfo>)]) -> Vec<Control> {
    let mut rows: BTreeMap<Option<u32>, (Control, BTreeSet<&Untrusted>)> = BTreeMap::new();
    for rule in rules.iter().flat_map(|(_, rules)| rules) {
        let (control, _) = rows.entry(rule.cwe).or_insert_with(|| row(rule.cwe));
        control.rules.insert(rule.id.clone());
    }
    for finding in &report.findings {
        let (control, files) = rows.entry(finding.cwe).or_insert_with(|| row(finding.cwe));
        count(&mut control.findings, finding.severity, 1);
        control.found_by.insert(finding.rule.clone());
        files.insert(&finding.path);
    }
    let mut controls: Vec<Control> = rows
        .into_values()
        .map(|(control, files)| Control {
            files: files.len() as u64,
            ..control
        })
        .collect();
    // Stable: within each half they stay by number.
    controls.sort_by_key(|control| control.findings.total() == 0);
    controls
}

fn row<'a>(cwe: Option<u32>) -> (Control, BTreeSet<&'a Untrusted>) {
    let control = Control {
        cwe,
        name: cwe.and_then(weakness).map(|weakness| weakness.name),
        asvs: requirements(cwe)
            .iter()
            .map(|requirement| quoted(requirement))
            .collect(),
        rules: BTreeSet::new(),
        found_by: BTreeSet::new(),
        findings: FindingCounts::default(),
        files: 0,
    };
    (control, BTreeSet::new())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::content::Memory;
    use crate::scan::Scanner;
    use crate::taint::lower::Nowhere;

    #[test]
    fn the_weaknesses_ascend_so_that_they_are_found() {
        assert!(
            weaknesses::WEAKNESSES
                .windows(2)
                .all(|pair| pair[0].number < pair[1].number)
        );
    }

    #[test]
    fn every_weakness_that_a_rule_names_has_a_name_and_requirements_in_a_chapter() {
        let scanner = Scanner::with_default_engines([0; 32], Arc::new(Nowhere));
        for rule in scanner.rules().iter().flat_map(|(_, rules)| rules) {
            let Some(cwe) = rule.cwe else { continue };
            let known =
                weakness(cwe).unwrap_or_else(|| panic!("CWE-{cwe} of {}: add it to controls/weaknesses.rs", rule.id));
            assert!(!known.asvs.is_empty(), "CWE-{cwe}");
            assert!(
                known.asvs.iter().all(|requirement| chapter(requirement).is_some()),
                "CWE-{cwe}"
            );
        }
    }

    #[test]
    fn a_row_counts_findings_and_files_and_a_weakness_without_findings_has_one_too() {
        let scanner = Scanner::with_default_engines([0; 32], Arc::new(Nowhere));
        let content = Memory::new()
            .with("a.txt", "x\u{202e}y\n\u{202e}\n")
            .with("b.txt", "\u{202e}")
            .with("c.txt", "plain");
        let report = scanner.scan(&content, &mut |_| {});
        let rows = controls(&report, &scanner.rules());
        let first = &rows[0];
        assert_eq!((first.cwe, first.findings.total(), first.files), (Some(1007), 3, 2));
        let sql = rows.iter().find(|row| row.cwe == Some(89)).unwrap();
        assert_eq!(
            (sql.findings.total(), sql.files, sql.asvs.as_slice()),
            (0, 0, &["v5.0.0-1.2.4".to_owned()][..])
        );
        assert!(sql.rules.contains("python-sql-injection"), "{:?}", sql.rules);
    }
}
