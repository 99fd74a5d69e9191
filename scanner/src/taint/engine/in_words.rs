//! A rule of a language in words: where values come from, where they must not go, what makes them safe.

use super::Book;
use crate::engine::RuleDetail;
use crate::facts::Language;
use crate::taint::rules::{Kinds, Pattern, PatternIndex, Ruleset};

/// What `book` has to tell about rule `id`, if it is one of its own.
pub(super) fn detail(book: &Book, id: &str) -> Option<RuleDetail> {
    let rules = &book.rules;
    let (number, rule) = rules.rules.iter().enumerate().find(|(_, rule)| rule.id == id)?;
    Some(RuleDetail {
        why: Some(rule.message.clone()),
        confidence: Some(rule.confidence),
        languages: languages(book.language),
        sources: rule.kind.map(|kind| sources(rules, kind)).unwrap_or_default(),
        sinks: sinks(rules, number),
        cleaners: rule.kind.map(|kind| cleaners(rules, kind)).unwrap_or_default(),
        bad: rule.bad.first().cloned(),
        good: rule.good.first().cloned(),
    })
}

/// The languages that a set of rules serves.
fn languages(language: Language) -> Vec<String> {
    let also = match language {
        Language::JavaScript => Some(Language::TypeScript),
        Language::C => Some(Language::Cpp),
        _ => None,
    };
    let names = std::iter::once(language).chain(also);
    names.map(|language| language.name().to_owned()).collect()
}

fn sources(rules: &Ruleset, kind: Kinds) -> Vec<String> {
    let unsafe_ones = rules.sources.iter().filter(|source| !source.clean.has(kind));
    distinct(unsafe_ones.map(|source| source.what.clone()))
}

fn sinks(rules: &Ruleset, number: usize) -> Vec<String> {
    let of_rule = |index: &PatternIndex<(usize, usize)>, sign: &str| -> Vec<String> {
        let entries = index.entries().filter(|(_, (rule, _))| *rule == number);
        entries.map(|(pattern, _)| format!("{pattern}{sign}")).collect()
    };
    distinct(
        of_rule(&rules.calls, "")
            .into_iter()
            .chain(of_rule(&rules.assigned, " =")),
    )
}

fn cleaners(rules: &Ruleset, kind: Kinds) -> Vec<String> {
    fn named<'a, T>(index: &'a PatternIndex<T>, cleans: impl Fn(&T) -> bool + 'a) -> impl Iterator<Item = &'a Pattern> {
        index
            .entries()
            .filter(move |(_, value)| cleans(value))
            .map(|(pattern, _)| pattern)
    }
    let calls = named(&rules.cleaners, move |kinds| kinds.has(kind))
        .chain(named(&rules.attribute_cleaners, move |kinds| kinds.has(kind)))
        .chain(named(&rules.settling, move |kinds| kinds.has(kind)))
        .chain(named(&rules.shaped_cleaners, move |guard| guard.kinds.has(kind)))
        .chain(named(&rules.guards, move |guard| guard.kinds.has(kind)));
    distinct(calls.map(ToString::to_string))
}

/// Each once, the first time that it comes.
fn distinct(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for one in all {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}
