//! Engine *agents*: files that tell coding agents what to do, settings by which agents and editors start programs, and
//! text anywhere that speaks to a language model against the person it works for.
//!
//! ```text
//! file for agents ──────────────── all of it ─┐
//! keyword (one automaton over all) ── around ─┼─▶ plain form ─▶ phrases ─┬─ in a file for agents, or hidden ─▶ finding
//! look-alikes, unseen characters ─── around ──┤                          └─ seen, elsewhere: several together ─▶ finding
//! tags, zero-width bits, base 64 ─▶ decoded ──┘
//! settings ─▶ JSON, wording ─▶ commands, permissions ─▶ finding
//! ```
//!
//! Always true:
//! - a passage is looked at in the window that owns what led to it, and a phrase of two passages is reported once;
//! - a single phrase that people see is a finding only where agents look for orders: what is written *about* such
//!   phrases, in documents and tests, is not one.

use std::sync::Arc;

use protocol::digest::{Digest, Hasher};

use crate::content::FileEntry;
use crate::engine::{BundleScan, Engine, FileScan, Findings, Outcome, Window};
use crate::facts::{FileFacts, Type};
use crate::finding::{Confidence, RuleInfo, Severity};
use crate::fixed_rule::FixedRule;

mod audience;
mod encoded;
mod hiding;
mod passages;
mod plain;
mod rulebook;
mod rules;
mod settings;

use self::audience::Audience;
use self::passages::PassageScan;
pub use self::rulebook::AgentRulesError;
use self::rulebook::{Rule, Rulebook};

/// The phrases that the program is built with.
const BUILT_IN: &str = include_str!("../rules/agents.toml");

/// The engine, with its phrases; a clone shares them.
#[derive(Debug, Clone)]
pub struct Agents {
    rulebook: Arc<Rulebook>,
    digest: Digest,
}

impl Agents {
    /// The engine with the phrases that the program is built with.
    ///
    /// # Errors
    /// [`AgentRulesError`], which a test shows not to happen.
    pub fn built_in() -> Result<Self, AgentRulesError> {
        Self::with_rules(BUILT_IN)
    }

    /// The engine with the phrases in `text`.
    ///
    /// # Errors
    /// [`AgentRulesError`] naming the rule that cannot be used.
    pub fn with_rules(text: &str) -> Result<Self, AgentRulesError> {
        Ok(Self {
            rulebook: Arc::new(Rulebook::parse(text, hiding::MARKS)?),
            digest: Digest::of(text.as_bytes()),
        })
    }
}

impl Engine for Agents {
    fn name(&self) -> &'static str {
        "agents"
    }

    fn version(&self) -> u32 {
        1
    }

    fn rules(&self) -> Vec<RuleInfo> {
        let phrases = self.rulebook.rules.iter().filter(|rule| !rule.text.evidence);
        let fixed = rules::ALL.iter().map(FixedRule::info);
        fixed.chain(phrases.map(Rule::info)).collect()
    }

    fn rules_digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(b"agents rules\0");
        hasher.update(self.digest.as_bytes());
        hasher.update(&serde_json::to_vec(&self.rules()).unwrap_or_default());
        hasher.finish()
    }

    fn by_file(&self) -> bool {
        true
    }

    fn begin_bundle<'a>(&'a self, _files: &'a [FileEntry]) -> Box<dyn BundleScan + 'a> {
        Box::new(BundleAgents(self))
    }
}

struct BundleAgents<'a>(&'a Agents);

impl BundleScan for BundleAgents<'_> {
    fn begin_file<'a>(&'a self, file: &'a FileFacts) -> Option<Box<dyn FileScan + 'a>> {
        let language = match file.kind {
            Type::Text(language) => Some(language),
            Type::Utf16 => None,
            _ => return None,
        };
        let audience = audience::of(file);
        let passages = language.map(|language| PassageScan::new(&self.0.rulebook, audience, language));
        Some(Box::new(FileAgents {
            file,
            audience,
            passages,
            outcome: Outcome::Scanned,
        }))
    }
}

/// One file at work.
struct FileAgents<'a> {
    file: &'a FileFacts,
    audience: Audience,
    /// `None` for text in an encoding that is not read.
    passages: Option<PassageScan<'a>>,
    outcome: Outcome,
}

impl FileScan for FileAgents<'_> {
    fn window(&mut self, window: &Window<'_>, out: &mut Findings<'_>) {
        if window.offset == 0 {
            self.begin(window, out);
        }
        if let Some(passages) = &mut self.passages {
            passages.window(window, out);
        }
    }

    fn finish(self: Box<Self>, _out: &mut Findings<'_>) -> Outcome {
        match self.passages {
            Some(_) => self.outcome,
            None => Outcome::Unsupported,
        }
    }
}

impl FileAgents<'_> {
    /// Looks at the file as a whole.
    fn begin(&mut self, window: &Window<'_>, out: &mut Findings<'_>) {
        let what = match self.audience {
            Audience::Instructions => "instructions for an agent: who opens the folder with one hands it these orders",
            Audience::Settings => "settings of an agent: who opens the folder with one gives it these rights",
            Audience::Editor | Audience::Others => "",
        };
        if !what.is_empty() {
            out.add(rules::AGENT_FILE.found(Severity::Low, Confidence::High, what.to_owned(), None));
        }
        if matches!(self.audience, Audience::Settings | Audience::Editor) {
            settings::check(self.audience, self.file.name(), window, out);
            // Settings as long as this are none; what stands further on was not seen.
            if !window.last {
                self.outcome = Outcome::OverLimit;
            }
        }
    }
}

#[cfg(test)]
mod tests;
