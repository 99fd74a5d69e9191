//! How bad a hit is where it stands: as its rule says, or less.

use super::super::flow::Hit;
use super::super::ir::{Module, Span};
use super::super::rules::{Rule, Ruleset};
use crate::facts::is_for_tests;
use crate::finding::Severity;

/// How bad a hit is in the file at `path`.
///
/// In a program that only tests run, whoever starts it is its author, so that what comes from there is medium at most.
pub(super) fn by_place(rule: &Rule, hit: &Hit, rules: &Ruleset, path: &str) -> Severity {
    let source = hit.source.and_then(|source| rules.sources.get(source));
    match source {
        Some(source) if source.local && is_for_tests(path) => rule.severity.min(Severity::Medium),
        _ => rule.severity,
    }
}

/// Whether the function around a hit offers what was found, so that its callers decide.
pub(super) fn is_offered(rule: &Rule, at: Span, module: &Module, bytes: &[u8]) -> bool {
    let Some(offered) = &rule.offered else { return false };
    let around = module.functions.iter().filter(|function| {
        function.span.start <= at.start && at.end <= function.span.end && !module.name(function.name).is_empty()
    });
    let Some(function) = around.min_by_key(|function| function.span.end - function.span.start) else {
        return false;
    };
    let span = function.span.start as usize..function.span.end as usize;
    let text = String::from_utf8_lossy(bytes.get(span).unwrap_or_default());
    offered.holds(module.name(function.name), &text)
}
