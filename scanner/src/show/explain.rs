//! All about a rule, as `rules explain RULE` tells it: why, where it looks, how to mend what it finds, samples.

use audit::escape::terminal;
use audit::event::Verdict;
use serde::Serialize;

use crate::Scanner;
use crate::controls::{ASVS_VERSION, chapter, quoted, requirements, weakness};
use crate::engine::RuleDetail;
use crate::finding::RuleInfo;
use crate::policy::Policy;
use crate::show::{Look, wrapped};

/// Names that are proposed instead of one that is none.
const PROPOSED: usize = 3;
/// Columns of the word that a line begins with, and of the blanks behind it.
const WORD: usize = 11;

/// All about one rule; as JSON what `--json` prints.
#[derive(Debug, Serialize)]
pub struct Explained {
    engine: &'static str,
    #[serde(flatten)]
    rule: RuleInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    cwe_name: Option<&'static str>,
    asvs: Vec<String>,
    /// What the default policy gives for one finding.
    default_policy: Verdict,
    #[serde(flatten)]
    detail: RuleDetail,
}

/// There is no such rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no rule {rule}; the nearest: {}", nearest.join(", "))]
pub struct NoSuchRule {
    /// The name that was given.
    pub rule: String,
    /// Names that it may have been meant for.
    pub nearest: Vec<String>,
}

/// All about a rule of these engines, by the default policy; of each, if several engines have one of that name.
///
/// # Errors
/// [`NoSuchRule`] with the nearest names.
pub fn explain(scanner: &Scanner, id: &str) -> Result<Vec<Explained>, NoSuchRule> {
    // Only the default can be shown to fit: the operator's own policy may have conditions on what else is found.
    let policy = Policy::default();
    let all = scanner.rules();
    let named = || {
        all.iter()
            .flat_map(|(engine, rules)| rules.iter().map(move |rule| (*engine, rule)))
    };
    let found = named().filter(|(_, rule)| rule.id == id);
    let explained: Vec<_> = found
        .map(|(engine, rule)| Explained {
            engine,
            cwe_name: rule.cwe.and_then(weakness).map(|weakness| weakness.name),
            asvs: requirements(rule.cwe)
                .iter()
                .map(|requirement| quoted(requirement))
                .collect(),
            default_policy: policy.of_severity(rule.severity),
            detail: scanner.detail(engine, &rule.id),
            rule: rule.clone(),
        })
        .collect();
    match explained.is_empty() {
        false => Ok(explained),
        true => Err(NoSuchRule {
            rule: id.to_owned(),
            nearest: nearest(id, named().map(|(_, rule)| (rule.id.as_str(), rule.title.as_str())))
                .into_iter()
                .map(str::to_owned)
                .collect(),
        }),
    }
}

impl Explained {
    /// For people.
    #[must_use]
    pub fn text(&self, look: Look) -> String {
        let Self { rule, detail, .. } = self;
        let mut text = String::new();
        let mut say = |word: &str, what: &str| text.push_str(&entry(word, what, look));
        say("rule", &rule.id);
        say("finds", &rule.title);
        say("engine", self.engine);
        let sure = detail
            .confidence
            .map(|confidence| format!(", confidence {}", confidence.name()));
        say(
            "severity",
            &format!("{}{}", rule.severity.name(), sure.unwrap_or_default()),
        );
        say(
            "verdict",
            &format!("{} by the default policy, for one finding", self.default_policy),
        );
        if let Some(cwe) = rule.cwe {
            say("weakness", &format!("CWE-{cwe} {}", self.cwe_name.unwrap_or_default()));
        }
        for requirement in requirements(rule.cwe) {
            let title = chapter(requirement).unwrap_or_default();
            say("control", &format!("OWASP ASVS {ASVS_VERSION} {requirement}, {title}"));
        }
        if !detail.languages.is_empty() {
            say("languages", &detail.languages.join(", "));
        }
        if let Some(why) = &detail.why {
            say("why", why);
        }
        say("mend", &rule.mend);
        text.push_str(&self.flow(look));
        for (word, sample) in [("found in", &detail.bad), ("not found in", &detail.good)] {
            let Some(sample) = sample else { continue };
            text.push_str(&format!("\n{word}:\n"));
            // Line by line: a line's end is the only thing in a sample that is to act on the terminal.
            for line in sample.trim_matches('\n').lines() {
                text.push_str(format!("    {}", terminal(&line.replace('\t', "    "))).trim_end());
                text.push('\n');
            }
        }
        text
    }

    /// Where values come from, where they must not go, and what makes them safe.
    fn flow(&self, look: Look) -> String {
        let RuleDetail {
            sources,
            sinks,
            cleaners,
            ..
        } = &self.detail;
        let mut text = String::new();
        for (number, source) in sources.iter().enumerate() {
            text.push_str(&entry(if number == 0 { "values of" } else { "" }, source, look));
        }
        let into = if sources.is_empty() { "looks at" } else { "not into" };
        for (word, paths) in [(into, sinks), ("unless by", cleaners)] {
            if !paths.is_empty() {
                text.push_str(&entry(word, &paths.join(", "), look));
            }
        }
        text
    }
}

/// A word, and what there is to say under it.
fn entry(word: &str, what: &str, look: Look) -> String {
    let mut head = format!("{word:<WORD$}");
    let mut text = String::new();
    for line in wrapped(&terminal(what), look.width.saturating_sub(WORD)) {
        text.push_str(&format!("{head}{line}\n"));
        head = " ".repeat(WORD);
    }
    text
}

/// The names that come closest to `name`, of rules by id and title.
fn nearest<'a>(name: &str, all: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<&'a str> {
    let name = name.to_lowercase();
    // A part of the id or of what it finds is meant; else a letter was mistyped.
    let mut ranked: Vec<_> = all
        .map(|(id, title)| {
            let part = !id.contains(&name) && !title.to_lowercase().contains(&name);
            (part, distance(&name, id), id)
        })
        .collect();
    ranked.sort_unstable();
    let kept = ranked.first().map(|(part, ..)| *part);
    let kept = ranked.iter().filter(|(part, ..)| Some(*part) == kept);
    kept.take(PROPOSED).map(|(_, _, known)| *known).collect()
}

/// The least number of characters to insert, delete or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (number, from) in a.chars().enumerate() {
        let mut diagonal = number;
        let mut left = number + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(&b) {
            let above = *cell;
            let replaced = diagonal + usize::from(from != *to);
            left = replaced.min(above + 1).min(left + 1);
            *cell = left;
            diagonal = above;
        }
        if let Some(first) = row.first_mut() {
            *first = number + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::taint::lower::Nowhere;

    #[test]
    fn the_distance_counts_characters_that_differ() {
        for (a, b, expected) in [
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("same", "same", 0),
            ("ab", "", 2),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn a_mistyped_rule_is_proposed_first() {
        let scanner = Scanner::with_default_engines([0; 32], Arc::new(Nowhere));
        let rules = scanner.rules();
        let all = || {
            let rules = rules.iter().flat_map(|(_, rules)| rules);
            rules.map(|rule| (rule.id.as_str(), rule.title.as_str()))
        };
        assert_eq!(nearest("pyhton-sql-injectoin", all())[0], "python-sql-injection");
        assert_eq!(nearest("aws-secret", all())[0], "aws-secret-access-key");
        assert_eq!(nearest("trojan", all()), ["bidi-control"]);
    }
}
