//! What a scan saw and found: the report that policy judges, that lies beside the bundle, and that people read.
//!
//! `scanner/REPORT.md` documents the JSON. The same files, rules and fingerprint key give the same bytes, and
//! [`Report::digest`] is the digest of those bytes; no time and no machine is in them.

use std::collections::BTreeMap;

use audit::event::FindingCounts;
use audit::untrusted::Untrusted;
use protocol::digest::{BundleId, Digest};
use serde::{Deserialize, Serialize};

use crate::engine::Outcome;
use crate::facts::is_for_tests;
use crate::finding::{Finding, Severity};
use crate::{secrets, taint};

/// The version of the report's shape.
pub const SCHEMA: u32 = 1;

/// The result of one scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The bundle, if a bundle was scanned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bundle: Option<BundleId>,
    /// The author of the bundle, by its statement.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub author: Option<Untrusted>,
    /// A digest over the engines' versions and all rules.
    pub rules_digest: Digest,
    /// The engines that took part.
    pub engines: Vec<EngineInfo>,
    /// How much was looked at.
    pub coverage: Coverage,
    /// All findings by severity, listed or not.
    pub counts: FindingCounts,
    /// Those of them that are weaknesses (engine *sast*, and secrets that tests make for themselves) in files that only tests
    /// run, by [`is_for_tests`].
    ///
    /// [`is_for_tests`]: crate::facts::is_for_tests
    #[serde(default)]
    pub counts_in_tests: FindingCounts,
    /// Findings that are counted and not listed.
    pub findings_unlisted: u64,
    /// Files that are not what was signed.
    pub integrity: Vec<IntegrityFailure>,
    /// The findings, worst first, then by file and place.
    pub findings: Vec<Finding>,
    /// The files, in the content's order, those out of an archive behind it.
    pub files: Vec<FileReport>,
    /// The packages that manifests and lockfiles name; absent if they name none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dependencies: Option<Inventory>,
    /// The licences that files name; absent if they name none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub licences: Option<Licences>,
}

/// The licences that the files name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licences {
    /// By name.
    pub named: Vec<LicenceReport>,
    /// Whether there are more than are listed.
    pub cut: bool,
}

/// A licence that files name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenceReport {
    /// An SPDX expression, or people's words; `unknown` for the text of one that nobody can tell.
    pub name: Untrusted,
    /// The first file that names it.
    pub path: Untrusted,
    /// How many do.
    pub files: u64,
}

/// The packages that the files name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The files that name some, in the order of the report's files.
    pub files: Vec<ManifestReport>,
    /// Packages that are named and not listed.
    pub unlisted: u64,
}

/// The packages that one file names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestReport {
    /// The file.
    pub path: String,
    /// In the order of the file.
    pub packages: Vec<PackageReport>,
}

/// A package that a file names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageReport {
    /// Its package URL, with a version if the file names one alone: `pkg:npm/%40babel/core@7.24.0`.
    pub purl: String,
    /// Line, from 1.
    pub line: u64,
    /// Where it comes from, if that is not the public registry: `git`, `url` or `registry`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub origin: Option<String>,
}

/// An engine that took part in a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// A digest over its rules.
    pub rules: Digest,
}

/// How much of the content was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Files in all, those out of archives among them.
    pub files: u64,
    /// Files that every engine which took them ended *scanned*, and that could be read to the end.
    pub covered: u64,
    /// Bytes in all files of the content.
    pub bytes: u64,
}

/// A file that is not what was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegrityFailure {
    /// The file.
    pub path: Untrusted,
    /// The signed digest.
    pub expected: Digest,
    /// The digest of what was read; absent when the file could not be read to its signed length.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub found: Option<Digest>,
}

/// What is known of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Its path; of a file out of an archive the archive's path, `!`, and its name there.
    pub path: Untrusted,
    /// Archives that it lies in.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub depth: u8,
    /// Its bytes.
    pub size: u64,
    /// The digest of its bytes, as read; absent when it could not be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<Digest>,
    /// Its type by its bytes: `text.rust`, `archive.zip`, `unknown`.
    pub detected_type: String,
    /// Whether it may be run.
    pub executable: bool,
    /// Whether only tests run it, by its folder or name: a policy may let weaknesses in it pass.
    #[serde(skip_serializing_if = "is_false", default)]
    pub for_tests: bool,
    /// How each engine that took it ended.
    pub outcomes: BTreeMap<String, Outcome>,
    /// The worst severity of its findings.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub worst: Option<Severity>,
    /// Why it could not be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unreadable: Option<Untrusted>,
}

fn is_zero(depth: &u8) -> bool {
    *depth == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
fn is_false(fact: &bool) -> bool {
    !fact
}

impl Finding {
    /// Whether it is a weakness in a file that only tests run: engine *sast*, or a secret that tests make for themselves.
    #[must_use]
    pub fn is_weakness_in_tests(&self) -> bool {
        let weakness =
            self.engine == taint::NAME || self.engine == secrets::NAME && secrets::is_made_for_tests(&self.rule);
        weakness && is_for_tests(self.path.raw())
    }
}

impl FileReport {
    /// Whether every engine that took the file saw all of it.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        self.unreadable.is_none() && self.outcomes.values().all(|outcome| *outcome == Outcome::Scanned)
    }
}

impl Report {
    /// The report as it is stored: compact JSON, fields in the order of the declaration, no line end.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Maps have strings for keys and nothing here can fail to be written; an empty report would match no digest.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a stored report.
    ///
    /// # Errors
    /// The parser's, if this is no report of this schema.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        let report: Self = serde_json::from_slice(json)?;
        if report.schema == SCHEMA {
            return Ok(report);
        }
        let message = format!("a report of schema {}, and this program reads {SCHEMA}", report.schema);
        Err(serde::de::Error::custom(message))
    }

    /// The digest of [`Report::to_json`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_json())
    }
}
