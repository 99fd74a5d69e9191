//! `diode-scan rules markdown`: all rules as a document, `scanner/RULES.md`.

use std::collections::BTreeMap;

use audit::escape::markdown;

use crate::Scanner;
use crate::controls::{ASVS_VERSION, requirements, weakness};
use crate::finding::{RuleInfo, Severity};

/// What stands before the rules.
const HEAD: &str = "# Rules

All rules that the program is built with. `diode-scan rules explain RULE` tells more about one: why it matters, how to mend it, where
it looks, samples. This file is written by `diode-scan rules markdown`; a test compares the two.

";

/// The document.
pub(super) fn rules(scanner: &Scanner) -> String {
    let mut contents = String::new();
    let mut body = String::new();
    let mut total = 0;
    for (engine, rules) in scanner.rules() {
        total += rules.len();
        contents.push_str(&format!("- [{engine}](#{engine}), {}\n", number(rules.len())));
        body.push_str(&format!("\n## {engine}\n"));
        let by_language = by_language(scanner, engine, &rules);
        let alone = by_language.len() == 1 && by_language.contains_key("");
        for (language, rules) in &by_language {
            if !alone {
                let title = if language.is_empty() { "any file" } else { language };
                let anchor = anchor(engine, title);
                contents.push_str(&format!("  - [{title}](#{anchor}), {}\n", number(rules.len())));
                body.push_str(&format!("\n### {engine}: {title}\n"));
            }
            body.push_str(&table(rules));
        }
    }
    let severities = Severity::WORST_FIRST.map(Severity::name).join(", ");
    format!(
        "{HEAD}{total} rules. Severities, worst first: {severities}; that of a finding may be lower. Requirements are those of OWASP ASVS \
         {ASVS_VERSION}.\n\n{contents}{body}"
    )
}

fn number(rules: usize) -> String {
    format!("{rules} {}", if rules == 1 { "rule" } else { "rules" })
}

/// The anchor that a heading `engine: title` gets: lower case, blanks as hyphens, other punctuation left out.
fn anchor(engine: &str, title: &str) -> String {
    let heading = format!("{engine}: {title}").to_lowercase();
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The rules by the languages that they look at, those for any file first.
fn by_language<'a>(scanner: &Scanner, engine: &str, rules: &'a [RuleInfo]) -> BTreeMap<String, Vec<&'a RuleInfo>> {
    let mut by_language: BTreeMap<String, Vec<&RuleInfo>> = BTreeMap::new();
    for rule in rules {
        let languages = scanner.detail(engine, &rule.id).languages.join(", ");
        by_language.entry(languages).or_default().push(rule);
    }
    by_language
}

fn table(rules: &[&RuleInfo]) -> String {
    let mut text = "\n| rule | severity | weakness | requirement | finds |\n|---|---|---|---|---|\n".to_owned();
    for rule in rules {
        let cwe = rule.cwe.map(|cwe| {
            let name = weakness(cwe).map_or("", |weakness| weakness.name);
            format!("CWE-{cwe} {}", markdown(name))
        });
        text.push_str(&format!(
            "| `{}` | {} | {} | {} | {} |\n",
            rule.id,
            rule.severity.name(),
            cwe.unwrap_or_default().trim_end(),
            requirements(rule.cwe).join(", "),
            markdown(&rule.title),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::taint::lower::Nowhere;

    #[test]
    fn the_list_of_rules_in_the_repository_is_that_of_the_program() {
        let written = include_str!("../../../RULES.md");
        let now = rules(&Scanner::with_default_engines([0; 32], Arc::new(Nowhere)));
        assert!(
            written == now,
            "scanner/RULES.md is not up to date; run: cargo run -p diode-scanner --bin diode-scan -- rules markdown > scanner/RULES.md"
        );
    }

    #[test]
    fn an_anchor_is_that_of_its_heading() {
        assert_eq!(anchor("sast", "c, cpp"), "sast-c-cpp");
    }
}
