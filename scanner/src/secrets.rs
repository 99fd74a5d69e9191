//! Engine *secrets*: credentials in files, by the formats that their issuers published, and literals that look random
//! under the name of a secret.
//!
//! ```text
//! keyword (one automaton over all) ─▶ regex from there ─▶ entropy ─▶ placeholder? ─▶ words? ─▶ checksum ─▶ finding
//! ```
//!
//! Always true:
//! - each keyword is tried in the one window that owns its first byte, so a secret on a window's border is found once;
//! - of candidates that overlap one is kept: that of a particular rule before a generic one, then the worse one;
//! - what leaves this engine holds a secret only where [`Findings`] is told to conceal it.

use std::fmt;
use std::sync::Arc;

use protocol::digest::{Digest, Hasher};

use crate::content::FileEntry;
use crate::engine::{BundleScan, Engine, FileScan, Findings, Outcome, RuleDetail, Window};
use crate::facts::{FileFacts, Type, is_for_tests};
use crate::finding::{Confidence, Found, Identity, Place, RuleInfo, Severity};

mod candidate;
mod checksum;
mod rulebook;
mod sample;

use self::candidate::Judgement;
use self::checksum::Proof;
pub use self::rulebook::RulebookError;
use self::rulebook::{Rule, Rulebook};

/// The engine's name.
pub(crate) const NAME: &str = "secrets";
/// The rules that the program is built with: what all share and the oldest, then by what the keys are for.
const BUILT_IN: &str = concat!(
    include_str!("../rules/secrets.toml"),
    include_str!("../rules/secrets/ai.toml"),
    include_str!("../rules/secrets/cloud.toml"),
    include_str!("../rules/secrets/code.toml"),
    include_str!("../rules/secrets/identity.toml"),
    include_str!("../rules/secrets/messages.toml"),
    include_str!("../rules/secrets/money.toml"),
    include_str!("../rules/secrets/monitoring.toml"),
);
/// The weakness of all rules: use of hard-coded credentials.
const CWE: u32 = 798;
/// What a test makes for itself, by rule: no service issued it, and what it opens is made for the test too. What a service did
/// issue counts wherever it is.
const MADE_FOR_TESTS: [&str; 12] = [
    "private-key",
    "rsa-private-key",
    "encrypted-private-key",
    "basic-credentials",
    "url-password",
    "connection-string-password",
    "sql-password",
    "jwt-secret",
    "generic-secret",
    "generic-assignment",
    "generic-define",
    "generic-element",
];
/// Candidates of a rule whose place in a file is worked out: more than are listed.
const PLACED: u32 = 50;

/// Whether tests make what the rule finds for themselves.
pub(crate) fn is_made_for_tests(rule: &str) -> bool {
    MADE_FOR_TESTS.contains(&rule)
}

/// The engine, with its rules; a clone shares them.
#[derive(Debug, Clone)]
pub struct Secrets {
    rulebook: Arc<Rulebook>,
    digest: Digest,
}

/// A file that holds one secret, made up for trying the engine out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What it is called: some rules look at files of some languages only.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Secrets {
    /// The engine with the rules that the program is built with.
    ///
    /// # Errors
    /// [`RulebookError`], which a test shows not to happen.
    pub fn built_in() -> Result<Self, RulebookError> {
        Self::with_rules(BUILT_IN)
    }

    /// The engine with the rules in `text`.
    ///
    /// # Errors
    /// [`RulebookError`] naming the rule that cannot be used.
    pub fn with_rules(text: &str) -> Result<Self, RulebookError> {
        Ok(Self {
            rulebook: Arc::new(Rulebook::parse(text)?),
            digest: Digest::of(text.as_bytes()),
        })
    }

    /// Files that each hold one secret of the rule `id`, put together now; none for a rule that does not exist.
    #[must_use]
    pub fn samples(&self, id: &str) -> Vec<Sample> {
        let rule = self.rulebook.rules.iter().find(|rule| rule.text.id == id);
        let samples = rule.map(|Rule { text, .. }| {
            let sample = |parts: &Vec<_>| Sample {
                path: text.sample_path.clone(),
                text: sample::build(parts),
            };
            text.bad.iter().map(sample).collect()
        });
        samples.unwrap_or_default()
    }
}

impl Engine for Secrets {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        3
    }

    fn rules(&self) -> Vec<RuleInfo> {
        let info = |rule: &Rule| RuleInfo {
            id: rule.text.id.clone(),
            title: rule.text.title.clone(),
            severity: rule.text.worst_severity(),
            cwe: Some(CWE),
            mend: rule.text.mend.clone(),
        };
        self.rulebook.rules.iter().map(info).collect()
    }

    fn detail(&self, id: &str) -> RuleDetail {
        let Some(Rule { text, .. }) = self.rulebook.rules.iter().find(|rule| rule.text.id == id) else {
            return RuleDetail::default();
        };
        RuleDetail {
            why: Some(text.message.clone()),
            confidence: Some(text.confidence),
            languages: text.languages.clone(),
            bad: text.bad.first().map(|parts| sample::build(parts)),
            good: text.good.first().map(|parts| sample::build(parts)),
            ..RuleDetail::default()
        }
    }

    fn rules_digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(b"secrets rules\0");
        hasher.update(self.digest.as_bytes());
        hasher.finish()
    }

    fn by_file(&self) -> bool {
        true
    }

    fn begin_bundle<'a>(&'a self, _files: &'a [FileEntry]) -> Box<dyn BundleScan + 'a> {
        Box::new(BundleSecrets(self))
    }
}

struct BundleSecrets<'a>(&'a Secrets);

impl BundleScan for BundleSecrets<'_> {
    fn begin_file<'a>(&'a self, file: &'a FileFacts) -> Option<Box<dyn FileScan + 'a>> {
        let rulebook = &self.0.rulebook;
        Some(Box::new(FileSecrets {
            rulebook,
            active: rulebook.active(file),
            placed: vec![0; rulebook.rules.len()],
            pending: Vec::new(),
            // What an archive holds comes as files of its own, or is missed under the name of `archives`.
            for_tests: is_for_tests(&file.path),
            opaque: matches!(file.kind, Type::Utf16 | Type::Pdf | Type::Office),
        }))
    }
}

/// One file at work.
struct FileSecrets<'a> {
    rulebook: &'a Rulebook,
    active: Vec<bool>,
    /// Candidates of each rule that were given a place.
    placed: Vec<u32>,
    /// Secrets that a candidate of the next window may still overlap, by start.
    pending: Vec<Secret>,
    /// Whether only tests run or read it.
    for_tests: bool,
    /// Whether secrets can be in it that its bytes do not show.
    opaque: bool,
}

/// A candidate that passed.
struct Secret {
    rule: usize,
    /// Offsets in the file.
    start: u64,
    end: u64,
    bytes: Vec<u8>,
    generic: bool,
    severity: Severity,
    confidence: Confidence,
    place: Option<Place>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} at {})", self.rule, self.start)
    }
}

impl FileScan for FileSecrets<'_> {
    fn window(&mut self, window: &Window<'_>, out: &mut Findings<'_>) {
        let mut found = std::mem::take(&mut self.pending);
        // The automaton starts where an owned keyword can, and stops where the last one that is owned ends.
        let from = window.owned.start;
        let to = (window.owned.end + self.rulebook.longest_keyword()).min(window.bytes.len());
        let rulebook = self.rulebook;
        for (at, rules) in rulebook.keywords(window.bytes.get(from..to).unwrap_or_default()) {
            let at = from + at;
            if at >= window.owned.end {
                continue;
            }
            found.extend(rules.iter().filter_map(|&rule| self.attempt(window, at, rule)));
        }
        let kept = without_overlaps(found);
        // What the next window finds starts at a keyword that it owns.
        let settled = if window.last {
            u64::MAX
        } else {
            window.offset + window.owned.end as u64
        };
        for secret in kept {
            if secret.end <= settled {
                self.report(secret, out);
            } else {
                self.pending.push(secret);
            }
        }
    }

    fn finish(mut self: Box<Self>, out: &mut Findings<'_>) -> Outcome {
        for secret in std::mem::take(&mut self.pending) {
            self.report(secret, out);
        }
        if self.opaque {
            Outcome::Unsupported
        } else {
            Outcome::Scanned
        }
    }
}

impl FileSecrets<'_> {
    /// Tries rule number `number` at a keyword that starts at `at`.
    fn attempt(&mut self, window: &Window<'_>, at: usize, number: usize) -> Option<Secret> {
        if !self.active.get(number).copied().unwrap_or(false) {
            return None;
        }
        let leads = &self.rulebook.rules.get(number)?.text.lead;
        let mut starts = leads.iter().filter_map(|lead| at.checked_sub(*lead));
        starts.find_map(|start| self.attempt_from(window, start, at, number))
    }

    /// Tries a rule from `at` on, where its keyword starts at `keyword`.
    fn attempt_from(&mut self, window: &Window<'_>, at: usize, keyword: usize, number: usize) -> Option<Secret> {
        let Rule { text, regex } = self.rulebook.rules.get(number)?;
        let glued = at
            .checked_sub(1)
            .and_then(|before| window.bytes.get(before))
            .is_some_and(u8::is_ascii_alphanumeric);
        if glued && !text.glued {
            return None;
        }
        let end = keyword.saturating_add(text.reach).min(window.bytes.len());
        let reached = window.bytes.get(at..end)?;
        if !regex.is_match(reached) {
            return None;
        }
        let range = regex.captures(reached)?.get(text.secret)?.range();
        let bytes = reached.get(range.clone())?;
        if candidate::judge(self.rulebook, text, bytes) != Judgement::Secret {
            return None;
        }
        let (severity, confidence) = match text.checksum.map(|checksum| checksum.proof(bytes)) {
            None | Some(Proof::Plausible) => (text.severity, text.confidence),
            Some(Proof::Valid) => (Severity::Critical, Confidence::High),
            Some(Proof::Invalid) => (text.severity.lowered(), Confidence::Low),
        };
        // The policy says whether such pass in tests, up to a severity.
        let severity = match self.for_tests && is_made_for_tests(&text.id) {
            true => severity.min(Severity::Medium),
            false => severity,
        };
        let placed = self.placed.get_mut(number)?;
        *placed = placed.saturating_add(1);
        let place = (*placed <= PLACED).then(|| window.place(at + range.start..at + range.end));
        let start = window.offset + (at + range.start) as u64;
        Some(Secret {
            rule: number,
            start,
            end: start + bytes.len() as u64,
            bytes: bytes.to_vec(),
            generic: text.generic,
            severity,
            confidence,
            place,
        })
    }

    fn report(&self, secret: Secret, out: &mut Findings<'_>) {
        let Some(Rule { text, .. }) = self.rulebook.rules.get(secret.rule) else {
            return;
        };
        out.conceal(secret.start, &secret.bytes);
        if secret.place.is_none() || !out.lists(&text.id) {
            return out.count(&text.id, secret.severity);
        }
        let proof = match (text.checksum.is_some(), secret.confidence) {
            (true, Confidence::High) => "; its checksum is right, so it is no accident",
            (true, Confidence::Low) => "; its checksum is wrong, so it may be a made-up one",
            _ => "",
        };
        out.add(Found {
            rule: text.id.clone(),
            severity: secret.severity,
            confidence: secret.confidence,
            cwe: Some(CWE),
            message: format!("{}{proof}", text.message),
            mend: text.mend.clone(),
            place: secret.place,
            identity: Identity::Secret(secret.bytes),
        });
    }
}

/// Of secrets that overlap, the one that says most.
fn without_overlaps(mut found: Vec<Secret>) -> Vec<Secret> {
    found.sort_by(|a, b| a.start.cmp(&b.start).then(b.end.cmp(&a.end)).then(a.rule.cmp(&b.rule)));
    let mut kept: Vec<Secret> = Vec::with_capacity(found.len());
    for secret in found {
        let mut better = true;
        while let Some(last) = kept.last().filter(|last| secret.start < last.end) {
            // Particular before generic; then the worse; then the longer, of which the other is a part.
            let key = |s: &Secret| (!s.generic, s.severity, s.end - s.start);
            better = key(&secret) > key(last);
            if !better {
                break;
            }
            kept.pop();
        }
        if better {
            kept.push(secret);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
