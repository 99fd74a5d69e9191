//! A policy as it is written: TOML, unknown keys refused, everything optional.

use std::collections::BTreeMap;

use audit::event::Verdict;
use serde::Deserialize;

use super::PolicyError;
use crate::finding::Severity;
use crate::{archive, taint};

/// The file's shape; what is not written is as in the default policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PolicyFile {
    pub(super) schema: u32,
    pub(super) mode: Mode,
    pub(super) severity: BySeverity,
    pub(super) coverage: CoverageRule,
    pub(super) required: BTreeMap<String, Vec<String>>,
    pub(super) types: BTreeMap<String, Verdict>,
    pub(super) path: Vec<PathText>,
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PathText {
    pub(super) glob: String,
    pub(super) findings: Option<Severity>,
    pub(super) verdict: Verdict,
    pub(super) why: Option<String>,
}

impl Default for PolicyFile {
    fn default() -> Self {
        let review = ["executable", "archive", "document", "font", "audio", "video", "unknown"];
        let review = review.into_iter().map(|name| (name.to_owned(), Verdict::Review));
        // What can be opened is as good as what is in it.
        let opened = ["zip", "tar", "gzip", "zstd", "bzip2"];
        let opened = opened
            .into_iter()
            .map(|kind| (format!("archive.{kind}"), Verdict::Allow));
        let followed = taint::FOLLOWED.into_iter();
        let followed = followed.map(|language| (format!("text.{}", language.name()), vec!["sast".to_owned()]));
        let engines = ["structure", "secrets"].map(str::to_owned).to_vec();
        Self {
            schema: 1,
            mode: Mode::AutoRelease,
            severity: BySeverity::default(),
            coverage: CoverageRule::default(),
            required: BTreeMap::from_iter(followed.chain([
                ("all".to_owned(), engines),
                ("archive".to_owned(), vec![archive::NAME.to_owned()]),
            ])),
            types: review.chain(opened).collect(),
            path: Vec::new(),
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
