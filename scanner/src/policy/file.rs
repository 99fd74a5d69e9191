//! A policy as it is written: TOML, unknown keys refused, everything optional.

use std::collections::BTreeMap;

use audit::event::Verdict;
use serde::Deserialize;

use super::PolicyError;
use crate::facts::Language;
use crate::finding::{Confidence, Severity};
use crate::{archive, taint};

/// Languages of whole programs in which nobody looks for weaknesses.
const NOT_FOLLOWED: [Language; 27] = [
    Language::Assembly,
    Language::Clojure,
    Language::CSharp,
    Language::Dart,
    Language::Elixir,
    Language::Erlang,
    Language::FSharp,
    Language::Fortran,
    Language::Haskell,
    Language::Julia,
    Language::Kotlin,
    Language::Lisp,
    Language::Lua,
    Language::Nim,
    Language::ObjectiveC,
    Language::OCaml,
    Language::Pascal,
    Language::Perl,
    Language::R,
    Language::Ruby,
    Language::Scala,
    Language::ServerPage,
    Language::Solidity,
    Language::Swift,
    Language::Tcl,
    Language::VisualBasic,
    Language::Zig,
];

/// The file's shape; what is not written is as in the default policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PolicyFile {
    pub(super) schema: u32,
    pub(super) mode: Mode,
    pub(super) severity: BySeverity,
    pub(super) coverage: CoverageRule,
    pub(super) tests: TestsRule,
    pub(super) required: BTreeMap<String, Vec<String>>,
    pub(super) types: BTreeMap<String, Verdict>,
    pub(super) path: Vec<PathText>,
    pub(super) finding: Vec<FindingText>,
    pub(super) licences: LicencesText,
    pub(super) licence: Vec<LicenceText>,
    pub(super) author: Vec<AuthorText>,
}

/// Who releases what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Mode {
    /// Nobody has to.
    AutoRelease,
    /// A person.
    AlwaysReview,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BySeverity {
    pub(super) critical: Verdict,
    pub(super) high: Verdict,
    pub(super) medium: Verdict,
    pub(super) low: Verdict,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CoverageRule {
    pub(super) incomplete: Verdict,
}

/// What is about files that only tests run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TestsRule {
    pub(super) pass: Passing,
    pub(super) unknown_bytes: u64,
}

/// The worst severity of a weakness that passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Passing {
    None,
    Low,
    Medium,
    High,
}

impl Passing {
    /// Whether a weakness of this severity passes; a critical one never does.
    pub(super) fn lets(self, severity: Severity) -> bool {
        match severity {
            Severity::Critical => false,
            Severity::High => self >= Self::High,
            Severity::Medium => self >= Self::Medium,
            Severity::Low => self >= Self::Low,
        }
    }
}

impl Default for TestsRule {
    fn default() -> Self {
        Self {
            pass: Passing::Medium,
            unknown_bytes: 1024,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PathText {
    pub(super) glob: String,
    pub(super) findings: Option<Severity>,
    pub(super) verdict: Verdict,
    pub(super) why: Option<String>,
}

/// A condition on single findings; what is not written holds of all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FindingText {
    #[serde(default)]
    pub(super) rule: Vec<String>,
    #[serde(default)]
    pub(super) engine: Vec<String>,
    #[serde(default)]
    pub(super) severity: Option<Severity>,
    #[serde(default)]
    pub(super) confidence: Option<Confidence>,
    #[serde(default)]
    pub(super) types: Vec<String>,
    #[serde(default)]
    pub(super) glob: Option<String>,
    pub(super) verdict: Verdict,
    pub(super) why: Option<String>,
}

/// Licences that may come, and what others give.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LicencesText {
    pub(super) allow: Option<Vec<String>>,
    pub(super) other: Verdict,
}

impl Default for LicencesText {
    fn default() -> Self {
        Self {
            allow: None,
            other: Verdict::Review,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LicenceText {
    pub(super) name: Vec<String>,
    pub(super) verdict: Verdict,
    pub(super) why: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthorText {
    pub(super) principal: Vec<String>,
    #[serde(default)]
    pub(super) except: Vec<String>,
    pub(super) findings: Option<Severity>,
    pub(super) verdict: Verdict,
    pub(super) why: Option<String>,
}

impl Default for PolicyFile {
    fn default() -> Self {
        let review = ["executable", "archive", "document", "font", "audio", "video", "unknown"];
        let review = review.into_iter().map(|name| (name.to_owned(), Verdict::Review));
        let review = review.into_iter().chain(
            NOT_FOLLOWED
                .iter()
                .map(|language| (format!("text.{}", language.name()), Verdict::Review)),
        );
        // What can be opened is as good as what is in it.
        let opened = ["zip", "tar", "gzip", "zstd", "bzip2"];
        let opened = opened
            .into_iter()
            .map(|kind| (format!("archive.{kind}"), Verdict::Allow));
        let followed = taint::FOLLOWED.into_iter();
        let followed = followed.map(|language| (format!("text.{}", language.name()), vec!["sast".to_owned()]));
        let engines = ["structure", "secrets", "malware"].map(str::to_owned).to_vec();
        Self {
            schema: 1,
            mode: Mode::AutoRelease,
            severity: BySeverity::default(),
            coverage: CoverageRule::default(),
            tests: TestsRule::default(),
            required: BTreeMap::from_iter(followed.chain([
                ("all".to_owned(), engines),
                ("text".to_owned(), ["agents", "compliance"].map(str::to_owned).to_vec()),
                ("archive".to_owned(), vec![archive::NAME.to_owned()]),
            ])),
            types: review.chain(opened).collect(),
            path: Vec::new(),
            finding: Vec::new(),
            licences: LicencesText::default(),
            licence: Vec::new(),
            author: Vec::new(),
        }
    }
}

impl Default for BySeverity {
    fn default() -> Self {
        Self {
            critical: Verdict::Reject,
            high: Verdict::Review,
            medium: Verdict::Review,
            low: Verdict::Allow,
        }
    }
}

impl Default for CoverageRule {
    fn default() -> Self {
        Self {
            incomplete: Verdict::Review,
        }
    }
}

/// Reads the file's text.
pub(super) fn read(text: &str, file: &str) -> Result<PolicyFile, PolicyError> {
    toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .map(|span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
        let written = line.and_then(|line| text.lines().nth(line - 1)).unwrap_or_default();
        let key = written
            .split(['=', ']'])
            .next()
            .unwrap_or_default()
            .trim()
            .trim_start_matches('[');
        let place = match (line, key) {
            (Some(line), "") => format!("line {line}"),
            (Some(line), key) => format!("line {line}, {key}"),
            (None, _) => "the file".to_owned(),
        };
        PolicyError {
            file: file.to_owned(),
            key: place,
            problem: error.message().replace('\n', " "),
            mend: "`diode-scan policy` prints the default policy with all its keys".to_owned(),
        }
    })
}
