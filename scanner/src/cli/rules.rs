//! `diode-scan rules …`: what is looked for.

use std::io::Write;
use std::sync::Arc;

use anyhow::anyhow;
use audit::escape::write_json;
use serde::Serialize;

use super::{ExplainArgs, OutputArgs, RulesVerb};
use crate::Scanner;
use crate::finding::RuleInfo;
use crate::show::{Look, explain};
use crate::taint::lower::Nowhere;

mod markdown;

#[derive(Serialize)]
struct Line<'a> {
    engine: &'a str,
    #[serde(flatten)]
    rule: &'a RuleInfo,
}

/// Runs one of the verbs.
pub(super) fn run(verb: &RulesVerb, out: &mut dyn Write) -> anyhow::Result<()> {
    // No fingerprint is made here and nothing is parsed, so any key does.
    let scanner = Scanner::with_default_engines([0; 32], Arc::new(Nowhere));
    match verb {
        RulesVerb::List(args) => list(&scanner, args, out),
        RulesVerb::Explain(args) => tell(&scanner, args, out),
        RulesVerb::Markdown => Ok(out.write_all(markdown::rules(&scanner).as_bytes())?),
    }
}

/// Prints every rule, one a line.
fn list(scanner: &Scanner, args: &OutputArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let all = scanner.rules();
    let width = all
        .iter()
        .flat_map(|(_, rules)| rules)
        .map(|rule| rule.id.len())
        .max()
        .unwrap_or(0);
    for (engine, rules) in &all {
        for rule in rules {
            if args.is_json() {
                write_json(out, &Line { engine, rule })?;
                writeln!(out)?;
            } else {
                let cwe = rule.cwe.map(|cwe| format!("CWE-{cwe}")).unwrap_or_default();
                let severity = rule.severity.name();
                writeln!(
                    out,
                    "{engine:<12}  {:<width$}  {severity:<8}  {cwe:<8}  {}",
                    rule.id, rule.title
                )?;
            }
        }
    }
    if !args.is_json() {
        writeln!(out, "\nrules sha256:{}", scanner.rules_digest())?;
    }
    Ok(())
}

/// Tells all about a rule.
fn tell(scanner: &Scanner, args: &ExplainArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let explained = explain(scanner, &args.rule).map_err(|none| anyhow!("{none}; `diode-scan rules list` has all"))?;
    for rule in explained {
        if args.output.is_json() {
            write_json(out, &rule)?;
            writeln!(out)?;
        } else {
            write!(out, "{}", rule.text(Look::detect()))?;
        }
    }
    Ok(())
}
