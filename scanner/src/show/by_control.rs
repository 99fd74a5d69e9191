//! The table by control.
//!
//! ```text
//! WEAKNESS                           ASVS 5.0.0  CRITICAL   HIGH  MEDIUM    LOW  FILES
//! CWE-89   SQL Injection             1.2.4              0      3       0      0      2
//!          python-sql-injection
//!
//! looked for and not found: 44 weaknesses (CWE-20, CWE-22, …)
//! ```

use super::{Look, wrapped};
use crate::controls::{ASVS_VERSION, Control, requirements};
use crate::report::Report;

/// Columns of a weakness's number, and of its name.
const NUMBER: usize = 9;
const NAME: usize = 44;

/// The rows with findings as a table, and the others named below it; ends with an empty line.
#[must_use]
pub fn controls(rows: &[Control], report: &Report, look: Look) -> String {
    let (found, clear): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.findings.total() > 0);
    let mut out = String::new();
    if !found.is_empty() {
        let asvs = format!("ASVS {ASVS_VERSION}");
        let head = format!(
            "{:<width$}  {asvs:<12}  {:>8}  {:>5}  {:>6}  {:>4}  {:>5}",
            "WEAKNESS",
            "CRITICAL",
            "HIGH",
            "MEDIUM",
            "LOW",
            "FILES",
            width = NUMBER + NAME
        );
        out.push_str(&format!("{}\n", look.paint("1", &head)));
    }
    for row in found {
        out.push_str(&found_row(row, look));
    }
    if report.findings_unlisted > 0 {
        out.push_str(&format!(
            "{} more findings are counted in the report, and not in this table\n",
            report.findings_unlisted
        ));
    }
    let names: Vec<String> = clear
        .iter()
        .filter_map(|row| row.cwe)
        .map(|cwe| format!("CWE-{cwe}"))
        .collect();
    let clear = format!(
        "looked for and not found: {} weaknesses ({})",
        names.len(),
        names.join(", ")
    );
    for line in wrapped(&clear, look.width) {
        out.push_str(&format!("{line}\n"));
    }
    out.push('\n');
    out
}

fn found_row(row: &Control, look: Look) -> String {
    let number = row.cwe.map_or_else(|| "-".to_owned(), |cwe| format!("CWE-{cwe}"));
    let mut names = wrapped(row.name.unwrap_or("no weakness of the list"), NAME).into_iter();
    let counts = row.findings;
    let mut out = format!(
        "{number:<NUMBER$}{:<NAME$}  {:<12}  {:>8}  {:>5}  {:>6}  {:>4}  {:>5}\n",
        names.next().unwrap_or_default(),
        requirements(row.cwe).join(", "),
        counts.critical,
        counts.high,
        counts.medium,
        counts.low,
        row.files,
    );
    let rules: Vec<&str> = row.found_by.iter().map(String::as_str).collect();
    let rules = wrapped(&rules.join(", "), look.width.saturating_sub(NUMBER + 2));
    for line in names.chain(rules.into_iter().map(|line| format!("  {line}"))) {
        out.push_str(&format!("{}{line}\n", " ".repeat(NUMBER)));
    }
    out
}
