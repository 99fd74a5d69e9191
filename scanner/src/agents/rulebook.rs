//! The phrases of the engine *agents*, read from TOML and compiled; `scanner/rules/agents.toml` says what each field means.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use super::plain::Plain;
use crate::finding::{RuleInfo, Severity};

/// The weakness of all phrases: input to a language model that is not kept apart from its orders.
pub(super) const CWE: u32 = 1427;
/// How far before a phrase a word that denies it is looked for, in bytes of plain text.
const DENIAL_REACH: usize = 24;

/// All rules, and the automaton that says where to try them.
#[derive(Debug)]
pub(super) struct Rulebook {
    pub(super) rules: Vec<Rule>,
    gate: AhoCorasick,
    denial: Regex,
}

/// One rule, ready to be tried.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) text: RuleText,
    regex: Regex,
}

/// A rule as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    pub(super) id: String,
    pub(super) title: String,
    keywords: Vec<String>,
    regexes: Vec<String>,
    pub(super) severity: Severity,
    pub(super) weight: u32,
    #[serde(default)]
    pub(super) evidence: bool,
    #[serde(default)]
    negatable: bool,
    pub(super) message: String,
    pub(super) mend: String,
    pub(super) bad: Vec<String>,
    pub(super) good: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BookText {
    rule: Vec<RuleText>,
}

/// Rules that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AgentRulesError {
    /// Not TOML, or not of the shape that rules have.
    #[error("the rules cannot be read")]
    Toml(#[from] toml::de::Error),
    /// A regular expression that does not compile.
    #[error("rule {id}: a regular expression does not compile")]
    Regex {
        /// The rule.
        id: String,
        /// Why not.
        source: Box<regex::Error>,
    },
    /// The keywords do not make an automaton.
    #[error("the keywords do not compile")]
    Keywords(#[from] aho_corasick::BuildError),
    /// A rule that says too little.
    #[error("rule {id}: it needs keywords of three bytes or more, regular expressions, and samples, bad and good ones")]
    Incomplete {
        /// The rule.
        id: String,
    },
}

/// Where a rule's phrase stands in a plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) rule: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Rulebook {
    /// Reads and compiles rules; `marks` are keywords beside theirs.
    pub(super) fn parse(text: &str, marks: &[&str]) -> Result<Self, AgentRulesError> {
        let book: BookText = toml::from_str(text)?;
        let rules = book
            .rule
            .into_iter()
            .map(Rule::compile)
            .collect::<Result<Vec<_>, _>>()?;
        let keywords = rules
            .iter()
            .flat_map(|rule| rule.text.keywords.iter().map(String::as_str));
        let gate = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostFirst)
            .kind(Some(AhoCorasickKind::DFA))
            .build(keywords.chain(marks.iter().copied()))?;
        let denial =
            r"(?:never|n't|not|avoid|without|instead of|refuse to|unless|cannot|nicht|jamais|nunca) (?:\w{1,10} )?$";
        let denial = compile(denial, "denial")?;
        Ok(Self { rules, gate, denial })
    }

    /// Where keywords start in `bytes`.
    pub(super) fn keywords<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        self.gate.find_iter(bytes).map(|hit| hit.start())
    }

    /// The longest keyword.
    pub(super) fn longest_keyword(&self) -> usize {
        self.gate.max_pattern_len()
    }

    /// The phrases in `plain`, by start.
    pub(super) fn phrases(&self, plain: &Plain) -> Vec<Phrase> {
        let mut phrases = Vec::new();
        for (number, rule) in self.rules.iter().enumerate() {
            for found in rule.regex.find_iter(plain.text.as_bytes()) {
                if !(rule.text.negatable && self.is_denied(plain.text.as_bytes(), found.start())) {
                    phrases.push(Phrase {
                        rule: number,
                        start: found.start(),
                        end: found.end(),
                    });
                }
            }
        }
        phrases.sort_by_key(|phrase| (phrase.start, phrase.rule));
        phrases
    }

    /// Whether what starts at `start` is preceded by a word that turns it into its contrary.
    fn is_denied(&self, text: &[u8], start: usize) -> bool {
        let before = text.get(start.saturating_sub(DENIAL_REACH)..start);
        self.denial.is_match(before.unwrap_or_default())
    }
}

/// Compiles without tables of Unicode: plain text is lower case, and what is a word matters for ASCII alone.
fn compile(pattern: &str, id: &str) -> Result<Regex, AgentRulesError> {
    let built = RegexBuilder::new(pattern).unicode(false).build();
    built.map_err(|source| AgentRulesError::Regex {
        id: id.to_owned(),
        source: Box::new(source),
    })
}

impl Rule {
    fn compile(text: RuleText) -> Result<Self, AgentRulesError> {
        let short = text.keywords.iter().any(|keyword| keyword.len() < 3);
        let lacks = [&text.keywords, &text.regexes, &text.bad, &text.good].map(Vec::is_empty);
        if short || lacks.contains(&true) {
            return Err(AgentRulesError::Incomplete { id: text.id });
        }
        let alternatives: Vec<_> = text.regexes.iter().map(|regex| format!("(?:{regex})")).collect();
        let regex = compile(&alternatives.join("|"), &text.id)?;
        Ok(Self { text, regex })
    }

    pub(super) fn info(&self) -> RuleInfo {
        RuleInfo {
            id: self.text.id.clone(),
            title: self.text.title.clone(),
            severity: self.text.severity,
            cwe: Some(CWE),
            mend: self.text.mend.clone(),
        }
    }
}
