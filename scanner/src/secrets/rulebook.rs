//! The rules of the engine *secrets*, read from TOML and compiled.
//!
//! `scanner/rules/secrets.toml` says what each field means. It is part of the program, so that a fault in it is a
//! failing test and not an operator's error; [`Rulebook::parse`] still returns one.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use super::checksum::Checksum;
use super::sample::Part;
use crate::facts::{FileFacts, Nature, Type};
use crate::finding::{Confidence, Severity};

/// The longest reach of a rule: the context that every window gives behind what it owns.
const MAX_REACH: usize = 16 << 10;

/// All rules, and the automaton that says where to try which.
#[derive(Debug)]
pub(super) struct Rulebook {
    pub(super) rules: Vec<Rule>,
    pub(super) stop_words: Vec<String>,
    pub(super) weak_stop_words: Vec<String>,
    gate: AhoCorasick,
    /// For each keyword of the gate, the rules that it is a keyword of.
    rules_of: Vec<Vec<usize>>,
}

/// One rule, ready to be tried.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) text: RuleText,
    pub(super) regex: Regex,
}

/// A rule as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) keywords: Vec<String>,
    regex: String,
    #[serde(default = "default_group")]
    pub(super) secret: usize,
    #[serde(default)]
    pub(super) min_entropy: f64,
    #[serde(default)]
    pub(super) not_words: bool,
    #[serde(default)]
    pub(super) generic: bool,
    #[serde(default)]
    pub(super) glued: bool,
    #[serde(default)]
    within: Vec<Within>,
    #[serde(default)]
    pub(super) languages: Vec<String>,
    #[serde(default = "default_lead")]
    pub(super) lead: Vec<usize>,
    #[serde(default = "default_reach")]
    pub(super) reach: usize,
    pub(super) checksum: Option<Checksum>,
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    pub(super) message: String,
    pub(super) mend: String,
    #[serde(default = "default_sample_path")]
    pub(super) sample_path: String,
    pub(super) bad: Vec<Vec<Part>>,
    pub(super) good: Vec<Vec<Part>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Within {
    Program,
    Data,
    Prose,
    Binary,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BookText {
    stop_words: Vec<String>,
    weak_stop_words: Vec<String>,
    rule: Vec<RuleText>,
}

fn default_group() -> usize {
    1
}

fn default_lead() -> Vec<usize> {
    vec![0]
}

fn default_reach() -> usize {
    1024
}

fn default_sample_path() -> String {
    "sample.py".to_owned()
}

/// A rulebook that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulebookError {
    /// Not TOML, or not of the shape that rules have.
    #[error("the rules cannot be read")]
    Toml(#[from] toml::de::Error),
    /// A regular expression that does not compile.
    #[error("rule {id}: the regular expression does not compile")]
    Regex {
        /// The rule.
        id: String,
        /// Why not.
        source: Box<regex::Error>,
    },
    /// The keywords do not make an automaton.
    #[error("the keywords do not compile")]
    Keywords(#[from] aho_corasick::BuildError),
    /// A rule that contradicts itself.
    #[error("rule {id}: {fault}")]
    Rule {
        /// The rule.
        id: String,
        /// What is wrong with it.
        fault: &'static str,
    },
}

impl Rulebook {
    /// Reads and compiles rules.
    pub(super) fn parse(text: &str) -> Result<Self, RulebookError> {
        let book: BookText = toml::from_str(text)?;
        let rules = book
            .rule
            .into_iter()
            .map(Rule::compile)
            .collect::<Result<Vec<_>, _>>()?;
        let mut keywords: Vec<String> = Vec::new();
        let mut rules_of: Vec<Vec<usize>> = Vec::new();
        for (number, rule) in rules.iter().enumerate() {
            for keyword in &rule.text.keywords {
                let keyword = keyword.to_ascii_lowercase();
                match keywords.iter().position(|known| *known == keyword) {
                    Some(known) => rules_of.get_mut(known).into_iter().for_each(|of| of.push(number)),
                    None => {
                        keywords.push(keyword);
                        rules_of.push(vec![number]);
                    }
                }
            }
        }
        let gate = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&keywords)?;
        let lower = |words: Vec<String>| words.into_iter().map(|word| word.to_ascii_lowercase()).collect();
        Ok(Self {
            rules,
            stop_words: lower(book.stop_words),
            weak_stop_words: lower(book.weak_stop_words),
            gate,
            rules_of,
        })
    }

    /// Where keywords start in `bytes`, and the numbers of the rules to try there.
    pub(super) fn keywords<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = (usize, &'a [usize])> + 'a {
        self.gate.find_overlapping_iter(bytes).map(|hit| {
            let rules = self.rules_of.get(hit.pattern().as_usize()).map(Vec::as_slice);
            (hit.start(), rules.unwrap_or_default())
        })
    }

    /// Which rules are tried in a file.
    pub(super) fn active(&self, file: &FileFacts) -> Vec<bool> {
        self.rules.iter().map(|rule| rule.text.applies(file)).collect()
    }

    /// The longest keyword.
    pub(super) fn longest_keyword(&self) -> usize {
        self.gate.max_pattern_len()
    }
}

impl Rule {
    fn compile(text: RuleText) -> Result<Self, RulebookError> {
        let fault = |fault| {
            Err(RulebookError::Rule {
                id: text.id.clone(),
                fault,
            })
        };
        if text.keywords.is_empty() || text.keywords.iter().any(|keyword| keyword.len() < 3) {
            return fault("it needs keywords, each of three characters or more");
        }
        if text.reach.saturating_add(text.lead.iter().copied().max().unwrap_or(0)) > MAX_REACH {
            return fault("its reach is longer than the context of a window");
        }
        if text.bad.is_empty() || text.good.is_empty() {
            return fault("it needs samples, bad and good ones");
        }
        let built = RegexBuilder::new(&format!(r"\A(?:{})", text.regex))
            .unicode(false)
            .build();
        let regex = match built {
            Ok(regex) => regex,
            Err(source) => {
                return Err(RulebookError::Regex {
                    id: text.id,
                    source: Box::new(source),
                });
            }
        };
        if text.secret == 0 || text.secret >= regex.captures_len() {
            return fault("its regular expression has no such group");
        }
        Ok(Self { text, regex })
    }
}

impl RuleText {
    /// The worst severity that a finding can have.
    pub(super) fn worst_severity(&self) -> Severity {
        match self.checksum {
            Some(
                Checksum::AtlassianCrc32
                | Checksum::Crc32Base62
                | Checksum::GithubFineGrained
                | Checksum::GitlabRoutable,
            ) => Severity::Critical,
            Some(Checksum::BasicCredentials | Checksum::JwtHeader) | None => self.severity,
        }
    }

    fn applies(&self, file: &FileFacts) -> bool {
        let (within, language) = match file.kind {
            Type::Text(language) => {
                let within = match language.nature() {
                    Nature::Program => Within::Program,
                    Nature::Data => Within::Data,
                    Nature::Prose => Within::Prose,
                };
                (within, language.name())
            }
            _ => (Within::Binary, ""),
        };
        (self.within.is_empty() || self.within.contains(&within))
            && (self.languages.is_empty() || self.languages.iter().any(|name| name == language))
    }
}
