//! What an operator adds to the rules of a language, checked like those that the program is built with.
//!
//! Always true: an addition that passes has rules each of which finds its bad samples and none of its good ones.

use std::collections::BTreeSet;

use super::{BUILT_IN, Book, SastError, has_escaped_letters};
use crate::facts::Language;
use crate::taint::flow::{Outside, follow};
use crate::taint::ir::Limits;
use crate::taint::lower::lower;
use crate::taint::rules::{Rule, RulesFault, Ruleset};

/// Rules of an operator for a language, as TOML.
#[derive(Debug, Clone, Copy)]
pub struct Addition<'a> {
    /// The language, by its rules: C's serve C++, JavaScript's TypeScript.
    pub language: Language,
    /// The text.
    pub text: &'a str,
    /// Rules in it.
    pub rules: usize,
}

impl<'a> Addition<'a> {
    /// Reads which language a text adds to.
    ///
    /// # Errors
    /// [`RulesFault`] naming line or key.
    pub fn new(text: &'a str) -> Result<Self, RulesFault> {
        let fault = |problem: String| RulesFault {
            place: "language".to_owned(),
            problem,
        };
        let languages = || BUILT_IN.map(|(language, _)| language.name()).join(", ");
        let (name, rules) = Ruleset::head(text)?;
        let Some(name) = name else {
            return Err(fault(format!("write language = \"…\", one of {}", languages())));
        };
        let known = BUILT_IN.iter().find(|(language, _)| language.name() == name);
        match known {
            Some((language, _)) => Ok(Self {
                language: *language,
                text,
                rules,
            }),
            None => Err(fault(format!(
                "there are no rules for {name:?}, only for {}",
                languages()
            ))),
        }
    }
}

/// Checks an addition beside the built-in rules alone, runs its rules over their samples, and counts them.
///
/// The samples are parsed in this very process, which is to be one that may fall.
///
/// # Errors
/// [`RulesFault`] naming line or rule.
pub fn check_addition(text: &str) -> Result<usize, RulesFault> {
    let addition = Addition::new(text)?;
    let own = BUILT_IN.iter().find(|(language, _)| *language == addition.language);
    let (language, built_in) = own.copied().unwrap_or((addition.language, ""));
    let unusable = |error: SastError| match error {
        SastError::Addition { fault, .. } => fault,
        other => RulesFault {
            place: "the file".to_owned(),
            problem: other.to_string(),
        },
    };
    let before = Book::read(language, built_in, &[]).map_err(unusable)?.rules.rules.len();
    let book = Book::read(language, built_in, &[addition]).map_err(unusable)?;
    let added = book.rules.rules.iter().enumerate().skip(before);
    added
        .clone()
        .try_for_each(|(number, rule)| check_samples(&book, number, rule))?;
    Ok(added.count())
}

fn check_samples(book: &Book, number: usize, rule: &Rule) -> Result<(), RulesFault> {
    let samples = rule.bad.iter().map(|sample| (sample, true));
    for (sample, expected) in samples.chain(rule.good.iter().map(|sample| (sample, false))) {
        let what = match (finds(book, number, sample), expected) {
            (Err(()), _) => "has a sample that cannot be read as a program",
            (Ok(false), true) => "does not find one of its own bad samples",
            (Ok(true), false) => "finds one of its own good samples",
            _ => continue,
        };
        let begins = sample.trim().lines().next().unwrap_or_default();
        return Err(RulesFault {
            place: format!("rule {}", rule.id),
            problem: format!("it {what}: {begins}"),
        });
    }
    Ok(())
}

/// Whether the rule of this number holds in a sample, as the engine would see it.
fn finds(book: &Book, number: usize, sample: &str) -> Result<bool, ()> {
    let bytes = sample.as_bytes();
    if !book.gate.is_match(bytes) && !has_escaped_letters(bytes) {
        return Ok(false);
    }
    let written_in = match book.language {
        Language::C if sample.contains("::") => Language::Cpp,
        Language::JavaScript => Language::TypeScript,
        other => other,
    };
    let lowered = lower(written_in, bytes).map_err(drop)?;
    lowered.module.check(bytes.len(), Limits::default()).map_err(drop)?;
    let followed = follow(&lowered.module, &book.rules, &Outside::default());
    Ok(followed.hits.iter().any(|hit| hit.rule == number))
}

/// An id is one rule's alone, in whatever language.
pub(super) fn check_ids(books: &[Book], additions: &[Addition<'_>]) -> Result<(), SastError> {
    let mut seen = BTreeSet::new();
    for rule in books.iter().flat_map(|book| &book.rules.rules) {
        if seen.insert(rule.id.as_str()) {
            continue;
        }
        // Two of the same language were told when they were read: it is the later language's.
        let quoted = format!("\"{}\"", rule.id);
        let number = additions.iter().rposition(|addition| addition.text.contains(&quoted));
        return Err(SastError::Addition {
            number: number.unwrap_or_default(),
            fault: RulesFault {
                place: format!("rule {}", rule.id),
                problem: "the id is taken; ids are unique".to_owned(),
            },
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Sast;
    use super::*;
    use crate::taint::lower::Nowhere;

    const RULE: &str = r#"
language = "python"

[[rule]]
id = "acme-run"
title = "text of a sender in acme's runner"
cwe = 78
severity = "high"
confidence = "high"
message = "acme.run gives its argument to a shell"
mend = "use acme.run_list"
kind = "command"
sink = [{ call = ["acme.run"], arg = [0] }]
bad = ["import acme\nfrom flask import request\nacme.run(request.args['x'])\n"]
good = ["import acme\nacme.run('ls')\n"]
"#;

    #[test]
    fn a_rule_that_finds_its_bad_samples_alone_is_counted() {
        assert_eq!(check_addition(RULE), Ok(1));
    }

    #[test]
    fn a_rule_that_its_samples_speak_against_is_named() {
        for (from, to, expected) in [
            ("acme.run(request.args['x'])", "acme.run('x')", "does not find"),
            (
                "acme.run('ls')",
                "from flask import request\\nacme.run(request.args['x'])",
                "finds one of its own good",
            ),
        ] {
            let fault = check_addition(&RULE.replace(from, to)).unwrap_err();
            assert_eq!(fault.place, "rule acme-run");
            assert!(fault.problem.contains(expected), "{fault}");
        }
    }

    #[test]
    fn what_is_not_for_an_addition_to_say_is_refused() {
        for (from, to, place) in [
            ("language = \"python\"", "", "language"),
            ("\"python\"", "\"cobol\"", "language"),
            ("language =", "pointers = true\nlanguage =", "pointers"),
            ("language =", "special = [\"sql\"]\nlanguage =", "special"),
            ("acme-run", "python-sql-injection", "rule python-sql-injection"),
            ("\"command\"", "\"command\"\nkinds = 1", "line 13"),
        ] {
            assert_eq!(check_addition(&RULE.replace(from, to)).unwrap_err().place, place);
        }
    }

    #[test]
    fn an_id_of_another_language_is_taken_too() {
        let text = RULE.replace("acme-run", "java-sql-injection");
        let addition = Addition::new(&text).unwrap();
        let error = Sast::with_additions(&[addition], Arc::new(Nowhere)).unwrap_err();
        assert!(matches!(error, SastError::Addition { number: 0, .. }), "{error}");
    }
}
