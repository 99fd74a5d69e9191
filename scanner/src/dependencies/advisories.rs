//! An installed advisory file, and which packages its advisories are about.
//!
//! ```text
//! {"schema":1,"version":7,"issued":"2026-11-01T00:00:00Z","expires":"2026-12-01T00:00:00Z","previous":"<64 hex>"}
//! {"id":"GHSA-…","modified":"…","affected":[{"package":{"ecosystem":"npm","name":"a"},"ranges":[…],"versions":[…]}], …}
//! …                                                                                 one OSV record a line
//! ```
//! Of the OSV schema those fields are read that say which versions are affected and how badly; advisories that were withdrawn,
//! and those of other ecosystems, say nothing here.
//!
//! Always true: a file that cannot be read as a whole is refused as a whole, with the line and the reason.
//!
//! Source: the Open Source Vulnerability format, schema 1.7, and its "Evaluation" algorithm.

use std::collections::HashMap;

use protocol::digest::Digest;
use protocol::time::UnixMillis;
use serde::{Deserialize, Serialize};

use super::manifest::Wanted;
use super::package::{Ecosystem, Package};
use super::range::{Affected, EventText};
use super::{cvss, span};
use crate::finding::Severity;

/// The version of the file's shape.
const SCHEMA: u32 = 1;
/// Bytes of a file, of a line, and advisories in it, at most.
pub(crate) const MAX_FILE: u64 = 512 << 20;
const MAX_LINE: usize = 8 << 20;
const MAX_RECORDS: usize = 1_000_000;
/// Characters of a text that is shown.
const MAX_SUMMARY: usize = 160;
const MAX_ID: usize = 64;

/// What is known of vulnerable and malicious packages.
#[derive(Debug)]
pub struct Advisories {
    head: Head,
    expires: UnixMillis,
    digest: Digest,
    by_package: HashMap<(Ecosystem, String), Vec<Advisory>>,
    records: u64,
}

/// The first line of an advisory file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    schema: u32,
    /// Counts up with every file that is issued.
    pub version: u64,
    /// When it was made, RFC 3339.
    pub issued: String,
    /// From when on it is out of date, RFC 3339.
    pub expires: String,
    /// The SHA-256 of the file before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
}

/// An advisory file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct AdvisoriesError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// One advisory, as far as it is about one package.
#[derive(Debug, Clone)]
pub(super) struct Advisory {
    pub(super) id: String,
    pub(super) alias: Option<String>,
    pub(super) summary: String,
    pub(super) severity: Severity,
    pub(super) malicious: bool,
    affected: Affected,
}

#[derive(Deserialize)]
struct Record {
    id: String,
    modified: String,
    withdrawn: Option<String>,
    summary: Option<String>,
    aliases: Option<Vec<String>>,
    affected: Option<Vec<AffectedText>>,
    severity: Option<Vec<SeverityText>>,
    database_specific: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct AffectedText {
    package: Option<PackageText>,
    ranges: Option<Vec<RangeText>>,
    versions: Option<Vec<String>>,
    severity: Option<Vec<SeverityText>>,
    database_specific: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct PackageText {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct RangeText {
    #[serde(rename = "type")]
    kind: String,
    events: Vec<EventText>,
}

#[derive(Deserialize)]
struct SeverityText {
    #[serde(rename = "type")]
    kind: String,
    score: String,
}

impl Advisories {
    /// Reads an advisory file.
    ///
    /// # Errors
    /// [`AdvisoriesError`] naming the first line that cannot be used.
    pub fn parse(bytes: &[u8]) -> Result<Self, AdvisoriesError> {
        Self::read(bytes, true)
    }

    /// Reads an advisory file as [`parse`](Self::parse) does, keeps no advisory, and counts them: in as much memory as one takes.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn check(bytes: &[u8]) -> Result<u64, AdvisoriesError> {
        Ok(Self::read(bytes, false)?.records)
    }

    fn read(bytes: &[u8], keep: bool) -> Result<Self, AdvisoriesError> {
        let mut lines = bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|byte| *byte == b'\n');
        let first = lines.next().unwrap_or_default();
        let (head, expires) = read_head(first).map_err(|problem| AdvisoriesError { line: 1, problem })?;
        let mut advisories = Self {
            head,
            expires,
            digest: Digest::of(bytes),
            by_package: HashMap::new(),
            records: 0,
        };
        for (number, line) in lines.enumerate() {
            let added = advisories.add(number, line);
            added.map_err(|problem| AdvisoriesError {
                line: number + 2,
                problem,
            })?;
            advisories.records += 1;
            if !keep {
                advisories.by_package.clear();
            }
        }
        Ok(advisories)
    }

    /// Reads the first line alone.
    ///
    /// # Errors
    /// [`AdvisoriesError`] if it is none.
    pub fn read_head(bytes: &[u8]) -> Result<Head, AdvisoriesError> {
        let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let read = read_head(first).map_err(|problem| AdvisoriesError { line: 1, problem });
        read.map(|(head, _)| head)
    }

    /// How many records the file has.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The file's first line.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The digest of the file.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// How many days the file is out of date at `as_of`; `None` if it is not.
    #[must_use]
    pub fn days_stale(&self, as_of: UnixMillis) -> Option<u64> {
        (as_of > self.expires).then(|| as_of.millis_since(self.expires) / 86_400_000)
    }

    /// The advisories that are true of every version of `package` that is wanted.
    pub(super) fn about<'a>(&'a self, package: &Package, wanted: &Wanted) -> Vec<&'a Advisory> {
        let Some(all) = self.by_package.get(&(package.ecosystem, package.key())) else {
            return Vec::new();
        };
        let spans = span::spans(package.ecosystem, wanted);
        let is_about = |advisory: &&Advisory| match wanted.exact() {
            Some(version) => advisory.affected.holds(package.ecosystem, version),
            None => advisory.affected.holds_all(package.ecosystem, spans.as_deref()),
        };
        all.iter().filter(is_about).collect()
    }

    /// Takes one record.
    fn add(&mut self, number: usize, line: &[u8]) -> Result<(), String> {
        if number >= MAX_RECORDS {
            return Err(format!("there are more than {MAX_RECORDS} advisories"));
        }
        if line.len() > MAX_LINE {
            return Err(format!("the advisory is longer than {MAX_LINE} bytes"));
        }
        let record: Record =
            serde_json::from_slice(line).map_err(|error| format!("no advisory by the OSV schema: {error}"))?;
        let is_id = |char: char| char.is_ascii_alphanumeric() || "-_.:".contains(char);
        if record.id.is_empty() || record.id.len() > MAX_ID || !record.id.chars().all(is_id) {
            return Err("its id is none".to_owned());
        }
        UnixMillis::from_rfc3339(&record.modified).map_err(|error| format!("modified: {error}"))?;
        if record.withdrawn.is_some() {
            return Ok(());
        }
        for affected in record.affected.as_deref().unwrap_or_default() {
            self.add_affected(&record, affected)?;
        }
        Ok(())
    }

    fn add_affected(&mut self, record: &Record, text: &AffectedText) -> Result<(), String> {
        let Some(named) = &text.package else { return Ok(()) };
        let Some(ecosystem) = Ecosystem::of_osv(&named.ecosystem) else {
            return Ok(());
        };
        let Some(package) = Package::new(ecosystem, &named.name) else {
            return Ok(());
        };
        // Commits say nothing of versions.
        let ranges = text.ranges.iter().flatten().filter(|range| range.kind != "GIT");
        let ranges = ranges.map(|range| range.events.clone()).collect();
        let affected = Affected::new(ecosystem, ranges, text.versions.clone().unwrap_or_default())?;
        let malicious = record.id.starts_with("MAL-");
        let advisory = Advisory {
            id: record.id.clone(),
            alias: record
                .aliases
                .iter()
                .flatten()
                .find(|alias| alias.starts_with("CVE-"))
                .map(|alias| shown(alias, MAX_ID)),
            summary: shown(record.summary.as_deref().unwrap_or_default(), MAX_SUMMARY),
            severity: if malicious {
                Severity::Critical
            } else {
                severity(record, text)
            },
            malicious,
            affected,
        };
        self.by_package
            .entry((ecosystem, package.key()))
            .or_default()
            .push(advisory);
        Ok(())
    }
}

impl Advisory {
    /// The first version that is not affected any more.
    pub(super) fn fixed_in(&self, ecosystem: Ecosystem, version: &str) -> Option<&str> {
        self.affected.fixed_in(ecosystem, version)
    }
}

fn read_head(line: &[u8]) -> Result<(Head, UnixMillis), String> {
    if line.len() > MAX_LINE {
        return Err("this is no advisory file".to_owned());
    }
    let head: Head = serde_json::from_slice(line).map_err(|error| format!("no head of an advisory file: {error}"))?;
    if head.schema != SCHEMA {
        return Err(format!(
            "the file is of schema {}, and this program reads {SCHEMA}",
            head.schema
        ));
    }
    let time = |key: &str, text: &str| UnixMillis::from_rfc3339(text).map_err(|error| format!("{key}: {error}"));
    let (issued, expires) = (time("issued", &head.issued)?, time("expires", &head.expires)?);
    if expires <= issued {
        return Err("it expires before it is issued".to_owned());
    }
    Ok((head, expires))
}

/// How bad a vulnerability is: by its vector, else by its database's word. A person decides, so it is never critical.
fn severity(record: &Record, affected: &AffectedText) -> Severity {
    let said = |specific: &Option<serde_json::Value>, key: &str| {
        let value = specific.as_ref()?.get(key)?.as_str()?;
        Some(value.to_ascii_uppercase())
    };
    // "unmaintained", "notice": true of the package, and no vulnerability.
    if said(&affected.database_specific, "informational").is_some() {
        return Severity::Low;
    }
    let vectors = || affected.severity.iter().chain(&record.severity).flatten();
    let scores = vectors().filter(|vector| vector.kind == "CVSS_V3");
    if let Some(score) = scores.filter_map(|vector| cvss::base_score(&vector.score)).max() {
        return match score {
            70.. => Severity::High,
            40.. => Severity::Medium,
            _ => Severity::Low,
        };
    }
    let word = said(&affected.database_specific, "severity").or_else(|| said(&record.database_specific, "severity"));
    match word.as_deref() {
        Some("LOW") => Severity::Low,
        Some("MODERATE" | "MEDIUM") => Severity::Medium,
        Some("HIGH" | "CRITICAL") => Severity::High,
        // A vector of another version says that someone found it worth one.
        _ if vectors().next().is_some() => Severity::High,
        _ => Severity::Medium,
    }
}

/// A text that is shown, on one line and not too long.
fn shown(text: &str, most: usize) -> String {
    let plain = text.chars().map(|char| if char.is_control() { ' ' } else { char });
    plain.take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"schema":1,"version":7,"issued":"2026-11-01T00:00:00Z","expires":"2026-12-01T00:00:00Z"}"#;

    fn parse(records: &str) -> Result<Advisories, AdvisoriesError> {
        Advisories::parse(format!("{HEAD}\n{records}").as_bytes())
    }

    fn record(id: &str, more: &str) -> String {
        format!(
            r#"{{"id": "{id}", "modified": "2026-10-01T00:00:00Z", {more} "affected": [{{"package": {{"ecosystem": "npm", "name": "a"}}, "ranges": [{{"type": "SEMVER", "events": [{{"introduced": "0"}}, {{"fixed": "2.0.0"}}]}}]}}]}}"#
        )
    }

    fn severity_of(more: &str) -> Option<Severity> {
        let advisories = parse(&record("GHSA-1", more)).unwrap();
        let package = Package::new(Ecosystem::Npm, "a").unwrap();
        let about = advisories.about(&package, &Wanted::Exact("1.0.0".to_owned()));
        about.first().map(|advisory| advisory.severity)
    }

    #[test]
    fn a_vulnerability_is_as_bad_as_its_vector_says_and_never_critical() {
        let vector = |vector: &str| format!(r#""severity": [{{"type": "CVSS_V3", "score": "{vector}"}}],"#);
        let worst = vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H");
        let mild = vector("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N");
        assert_eq!(severity_of(&worst), Some(Severity::High));
        assert_eq!(severity_of(&mild), Some(Severity::Low));
        assert_eq!(
            severity_of(r#""database_specific": {"severity": "LOW"},"#),
            Some(Severity::Low)
        );
        assert_eq!(
            severity_of(r#""severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/x"}],"#),
            Some(Severity::High)
        );
        assert_eq!(severity_of(""), Some(Severity::Medium));
    }

    #[test]
    fn an_advisory_that_was_withdrawn_says_nothing() {
        assert_eq!(severity_of(r#""withdrawn": "2026-10-02T00:00:00Z","#), None);
    }

    #[test]
    fn a_file_with_a_fault_is_refused_with_its_line() {
        let good = record("GHSA-1", "");
        let cases = [
            format!("{good}\n{{"),
            format!("{good}\n"),
            format!("{good}\n{{\"id\": \"x y\", \"modified\": \"2026-10-01T00:00:00Z\"}}"),
            format!("{good}\n{{\"id\": \"x\", \"modified\": \"yesterday\"}}"),
            format!("{good}\n{}", good.replace("introduced", "invented")),
            format!("{good}\n{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        ];
        for records in cases {
            // A last line end is none of a line.
            let records = if records.ends_with('\n') {
                format!("{records}\n")
            } else {
                records
            };
            assert_eq!(parse(&records).unwrap_err().line, 3);
        }
        for head in [
            "",
            "{}",
            &HEAD.replace("\"schema\":1", "\"schema\":2"),
            &HEAD.replace("2026-12", "2025-12"),
        ] {
            assert_eq!(Advisories::parse(head.as_bytes()).unwrap_err().line, 1, "{head}");
        }
    }

    #[test]
    fn advisories_of_other_ecosystems_and_of_commits_are_let_pass() {
        let text = r#"{"id": "X-1", "modified": "2026-10-01T00:00:00Z", "affected": [{"package": {"ecosystem": "RubyGems", "name": "a"}}, {"ranges": [{"type": "GIT", "repo": "r", "events": [{"introduced": "0"}]}]}]}"#;
        assert!(parse(text).unwrap().by_package.is_empty());
    }

    #[test]
    fn a_file_is_stale_from_the_day_that_it_names() {
        let advisories = parse("").unwrap();
        let at = |text| UnixMillis::from_rfc3339(text).unwrap();
        assert_eq!(advisories.days_stale(at("2026-12-01T00:00:00Z")), None);
        assert_eq!(advisories.days_stale(at("2026-12-11T01:00:00Z")), Some(10));
    }
}
