//! What a report means: ALLOW, REVIEW or REJECT, by a policy that an operator wrote, with the reasons.
//!
//! ```text
//! Report ─▶ Policy::judge ─▶ Decision ─┬─ ALLOW and auto-release ─▶ clear_automatically ─▶ Clearance
//!                                      ├─ ALLOW or REVIEW ─ a person repeats review_code ─▶ Clearance
//!                                      └─ REJECT: none
//! ```
//!
//! Always true:
//! - judging is a pure function of policy and report;
//! - a file that is not what was signed is REJECT, and incomplete coverage is never ALLOW, whatever the policy says;
//! - a [`Clearance`] is made from a [`Decision`] alone, and a [`Decision`] by [`Policy::judge`] alone.

use audit::event::Verdict;
use globset::{GlobBuilder, GlobMatcher};
use protocol::digest::Digest;

use crate::facts::TYPE_GROUPS;
use crate::finding::Severity;
use crate::scan::ENGINES;

mod conditions;
mod decision;
mod file;
mod judge;

use self::conditions::Conditions;
pub use self::decision::{Clearance, ClearanceError, ClearedBy, Decision, Reason};
use self::file::{Mode, Passing, PolicyFile};

/// A policy that was read and checked.
#[derive(Debug, Clone)]
pub struct Policy {
    digest: Digest,
    mode: Mode,
    critical: Verdict,
    high: Verdict,
    medium: Verdict,
    low: Verdict,
    incomplete: Verdict,
    passing_in_tests: Passing,
    unknown_in_tests: u64,
    required: Vec<(Selector, Vec<String>)>,
    types: Vec<(Selector, Verdict)>,
    paths: Vec<PathRule>,
    conditions: Conditions,
}

/// A condition on files by their path.
#[derive(Debug, Clone)]
struct PathRule {
    glob: GlobMatcher,
    findings: Option<Severity>,
    verdict: Verdict,
    why: Option<String>,
}

/// Which detected types a line of the policy is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Selector {
    All,
    Group(String),
    Member(String),
}

impl Selector {
    fn matches(&self, detected: &str) -> bool {
        match self {
            Self::All => true,
            Self::Group(group) => detected.split('.').next() == Some(group),
            Self::Member(member) => detected == member,
        }
    }

    /// Greater for the narrower.
    fn rank(&self) -> u8 {
        match self {
            Self::All => 0,
            Self::Group(_) => 1,
            Self::Member(_) => 2,
        }
    }
}

/// A policy that cannot be used: what is wrong, where, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {key}: {problem}; {mend}")]
pub struct PolicyError {
    /// The file.
    pub file: String,
    /// The key, or the line.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to write.
    pub mend: String,
}

impl Default for Policy {
    /// The default policy.
    ///
    /// # Panics
    /// If it cannot be read, which a test shows not to happen.
    fn default() -> Self {
        Self::parse(Self::default_text(), "the built-in policy")
            .unwrap_or_else(|error| panic!("the built-in policy is part of the program, and tests read it: {error}"))
    }
}

impl Policy {
    /// The default policy, commented, as a file to start from.
    #[must_use]
    pub fn default_text() -> &'static str {
        include_str!("../policy/default.toml")
    }

    /// Reads and checks a policy; `file` is its name, for errors.
    ///
    /// # Errors
    /// [`PolicyError`] naming file and key, with a mend.
    pub fn parse(text: &str, file: &str) -> Result<Self, PolicyError> {
        let written = file::read(text, file)?;
        let error = |key: &str, problem: String, mend: &str| PolicyError {
            file: file.to_owned(),
            key: key.to_owned(),
            problem,
            mend: mend.to_owned(),
        };
        if written.schema != 1 {
            return Err(error(
                "schema",
                format!("{} is not known", written.schema),
                "write schema = 1",
            ));
        }
        if written.severity.critical == Verdict::Allow {
            let problem = "a critical finding cannot be allowed".to_owned();
            return Err(error("severity.critical", problem, "write \"review\" or \"reject\""));
        }
        if written.coverage.incomplete == Verdict::Allow {
            let problem = "what was not looked at cannot be allowed".to_owned();
            return Err(error("coverage.incomplete", problem, "write \"review\" or \"reject\""));
        }
        Self::compile(text, written, &error)
    }

    fn compile(
        text: &str,
        written: PolicyFile,
        error: &dyn Fn(&str, String, &str) -> PolicyError,
    ) -> Result<Self, PolicyError> {
        let mut required = Vec::new();
        for (name, engines) in written.required {
            let key = format!("required.{name}");
            if let Some(unknown) = engines.iter().find(|engine| !ENGINES.contains(&engine.as_str())) {
                let mend = format!("the engines are: {}", ENGINES.join(", "));
                return Err(error(&key, format!("there is no engine \"{unknown}\""), &mend));
            }
            required.push((selector(&key, &name, error)?, engines));
        }
        let mut types = Vec::new();
        for (name, verdict) in written.types {
            types.push((selector(&format!("types.{name}"), &name, error)?, verdict));
        }
        let mut paths = Vec::new();
        for (number, rule) in written.path.into_iter().enumerate() {
            let key = format!("path[{number}].glob");
            let glob = GlobBuilder::new(&rule.glob).literal_separator(true).build();
            let glob = glob.map_err(|fault| error(&key, fault.to_string(), "write a pattern such as \"deploy/**\""))?;
            let glob = glob.compile_matcher();
            paths.push(PathRule {
                glob,
                findings: rule.findings,
                verdict: rule.verdict,
                why: rule.why,
            });
        }
        let conditions = Conditions::compile(
            written.finding,
            (written.licences, written.licence),
            written.author,
            error,
        )?;
        Ok(Self {
            digest: Digest::of(text.as_bytes()),
            mode: written.mode,
            critical: written.severity.critical,
            high: written.severity.high,
            medium: written.severity.medium,
            low: written.severity.low,
            incomplete: written.coverage.incomplete,
            passing_in_tests: written.tests.pass,
            unknown_in_tests: written.tests.unknown_bytes,
            required,
            types,
            paths,
            conditions,
        })
    }

    /// The digest of the policy's text.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether a finding of this severity alone keeps a bundle from being released without a person.
    #[must_use]
    pub fn blocks(&self, severity: Severity) -> bool {
        self.of_severity(severity) != Verdict::Allow
    }

    /// The verdict that one finding of this severity gives.
    #[must_use]
    pub fn of_severity(&self, severity: Severity) -> Verdict {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
        }
    }
}

fn selector(key: &str, name: &str, error: &dyn Fn(&str, String, &str) -> PolicyError) -> Result<Selector, PolicyError> {
    let group = name.split('.').next().unwrap_or(name);
    match name {
        "all" => Ok(Selector::All),
        _ if !TYPE_GROUPS.contains(&group) => {
            let mend = format!("the groups are: {}", TYPE_GROUPS.join(", "));
            Err(error(key, format!("there is no type \"{name}\""), &mend))
        }
        _ if name == group => Ok(Selector::Group(name.to_owned())),
        _ => Ok(Selector::Member(name.to_owned())),
    }
}

#[cfg(test)]
mod tests;
