//! Reports as SARIF 2.1.0, for viewers and other programs.
//!
//! ```text
//! Scanner ─▶ Catalogue ─▶ tool.driver.rules, taxonomies (CWE, ASVS)
//! Report ──▶ results ◀── ruleIndex, taxa        way ─▶ codeFlows
//!        ├─▶ artifacts, with their SHA-256
//!        └─▶ invocations: whether all was looked at, and what was not
//! ```
//!
//! Always true:
//! - the same report, decision and rules give the same bytes: no time, no machine and no folder's place is in them;
//! - what comes from a bundle gets here through [`Untrusted`] alone, and no path of a bundle is more than a relative URI;
//! - `executionSuccessful` is false where any file was not looked at to its end.

use std::collections::BTreeMap;
use std::io;

use audit::escape::{relative_uri, write_json};
use audit::untrusted::Untrusted;
use protocol::digest::{Digest, Hasher};
use serde_json::json;

use self::driver::{Catalogue, level};
use self::schema::{
    Artifact, ArtifactLocation, AutomationDetails, BaseId, CodeFlow, ComponentReference, Content, Invocation, Location,
    Log, Message, PhysicalLocation, Properties, Region, ResultObject, Run, ThreadFlow, ThreadFlowLocation, Tool,
};
use crate::finding::{Confidence, Finding, Snippet, Step};
use crate::policy::Decision;
use crate::report::{FileReport, Report};
use crate::scan::Scanner;

mod driver;
mod notices;
mod schema;

/// The taxonomies, and their places in a run.
const CWE: ComponentReference = ComponentReference { name: "CWE", index: 0 };
const ASVS: ComponentReference = ComponentReference {
    name: "OWASP ASVS",
    index: 1,
};
/// What all paths are relative to.
const ROOT: &str = "ROOT";

/// SARIF in the making: a run for each report.
#[derive(Debug, Default)]
pub struct Sarif {
    runs: Vec<Run>,
}

impl Sarif {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a report of `subject`: what was scanned, as its operator called it.
    pub fn add(&mut self, scanner: &Scanner, subject: &str, report: &Report, decision: &Decision) {
        let catalogue = Catalogue::of(scanner, report.findings.iter().filter_map(|finding| finding.cwe));
        let places = Places::of(report);
        // The last part alone: where somebody keeps a folder is nobody else's business.
        let name = subject
            .rsplit('/')
            .find(|part| !matches!(*part, "" | "." | ".."))
            .unwrap_or("folder");
        let what = report.bundle.map_or_else(|| relative_uri(name), |id| id.to_string());
        let root = BaseId {
            description: Message::plain("the folder or bundle that was scanned"),
        };
        self.runs.push(Run {
            tool: Tool {
                driver: catalogue.driver(),
            },
            invocations: [Invocation {
                execution_successful: report.coverage.covered == report.coverage.files && report.integrity.is_empty(),
                tool_execution_notifications: notices::notifications(report, &places),
            }],
            automation_details: AutomationDetails {
                id: format!("diode-scan/{what}/"),
                description: Message::shown(&format!("what the receiver's scan says of {name}").into()),
            },
            original_uri_base_ids: BTreeMap::from([(ROOT, root)]),
            column_kind: "unicodeCodePoints",
            taxonomies: catalogue.taxonomies(),
            artifacts: report.files.iter().map(artifact).collect(),
            results: report
                .findings
                .iter()
                .map(|finding| result(finding, &catalogue, &places))
                .collect(),
            properties: run_properties(report, decision),
        });
    }

    /// Writes it as one line of JSON, without its end.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(self, out: &mut dyn io::Write) -> serde_json::Result<()> {
        let log = Log {
            schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
            version: "2.1.0",
            runs: self.runs,
        };
        write_json(out, &log)
    }
}

/// Where a report's files stand among the artifacts.
struct Places<'a>(BTreeMap<&'a Untrusted, usize>);

impl<'a> Places<'a> {
    fn of(report: &'a Report) -> Self {
        // Of two files of one path the first counts: paths of a bundle are distinct, those in an archive may not be.
        let files = report.files.iter().enumerate().rev();
        Self(files.map(|(index, file)| (&file.path, index)).collect())
    }

    fn artifact(&self, path: &Untrusted) -> ArtifactLocation {
        ArtifactLocation::of(path, self.0.get(path).copied())
    }

    fn of_file(&self, path: &Untrusted) -> Location {
        Location {
            physical_location: PhysicalLocation {
                artifact_location: self.artifact(path),
                region: None,
            },
            message: None,
        }
    }
}

fn artifact(file: &FileReport) -> Artifact {
    let sha256 = file.sha256.map(|digest| ("sha-256", digest.to_string()));
    let mut properties = Properties::new();
    properties.insert("detectedType".to_owned(), json!(file.detected_type));
    properties.insert("executable".to_owned(), json!(file.executable));
    properties.insert("outcomes".to_owned(), json!(file.outcomes));
    Artifact {
        location: ArtifactLocation::of(&file.path, None),
        length: file.size,
        roles: ["analysisTarget"],
        source_language: file.detected_type.strip_prefix("text.").map(str::to_owned),
        hashes: sha256.into_iter().collect(),
        properties,
    }
}

fn result(finding: &Finding, catalogue: &Catalogue, places: &Places<'_>) -> ResultObject {
    let mut properties = Properties::new();
    properties.insert("engine".to_owned(), json!(finding.engine));
    properties.insert("severity".to_owned(), json!(finding.severity));
    properties.insert("confidence".to_owned(), json!(finding.confidence));
    properties.insert("mend".to_owned(), json!(finding.mend));
    properties.insert("fingerprint".to_owned(), json!(finding.fingerprint));
    ResultObject {
        rule_id: finding.rule.clone(),
        rule_index: catalogue.index(&finding.engine, &finding.rule),
        level: level(finding.severity),
        message: Message::shown(&finding.message),
        locations: [Location {
            physical_location: PhysicalLocation {
                artifact_location: places.artifact(&finding.path),
                region: region(finding.line, finding.column, finding.snippet.as_ref()),
            },
            message: None,
        }],
        partial_fingerprints: BTreeMap::from([("shownLine/v1", shown_line(finding).to_string())]),
        code_flows: code_flow(finding, places).into_iter().collect(),
        rank: rank(finding.confidence),
        taxa: finding.cwe.map(|cwe| catalogue.cwe(cwe)).into_iter().collect(),
        properties,
    }
}

/// The same for the same line under the same rule in the next scan, at the desk too, where the report's own fingerprints
/// have another key each time. It is made of what the report shows, and so tells nothing more.
fn shown_line(finding: &Finding) -> Digest {
    let mut hasher = Hasher::new();
    let text = finding.snippet.as_ref().map_or("", |snippet| snippet.text.raw());
    for part in [
        finding.engine.as_str(),
        finding.rule.as_str(),
        finding.path.raw(),
        text.trim(),
    ] {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finish()
}

fn region(line: Option<u64>, column: Option<u64>, snippet: Option<&Snippet>) -> Option<Region> {
    Some(Region {
        start_line: line?.max(1),
        start_column: column.map(|column| column.max(1)),
        snippet: snippet.map(|snippet| Content {
            text: snippet.text.clone(),
        }),
    })
}

fn code_flow(finding: &Finding, places: &Places<'_>) -> Option<CodeFlow> {
    let last = finding.way.len().checked_sub(1)?;
    let location = |(number, step): (usize, &Step)| ThreadFlowLocation {
        location: Location {
            physical_location: PhysicalLocation {
                artifact_location: places.artifact(step.path.as_ref().unwrap_or(&finding.path)),
                region: region(Some(step.line), Some(step.column), step.snippet.as_ref()),
            },
            message: Some(Message::shown(&step.what)),
        },
        importance: if number == 0 || number == last {
            "essential"
        } else {
            "important"
        },
    };
    let locations = finding.way.iter().enumerate().map(location).collect();
    Some(CodeFlow {
        thread_flows: [ThreadFlow { locations }],
    })
}

/// From 0 to 100 (section 3.27.25): how sure the engine is.
fn rank(confidence: Confidence) -> f64 {
    match confidence {
        Confidence::High => 90.0,
        Confidence::Medium => 60.0,
        Confidence::Low => 30.0,
    }
}

fn run_properties(report: &Report, decision: &Decision) -> Properties {
    let entries = [
        ("bundle", json!(report.bundle)),
        ("rulesDigest", json!(report.rules_digest)),
        ("reportDigest", json!(decision.report())),
        ("policyDigest", json!(decision.policy())),
        ("decision", json!(decision)),
        ("coverage", json!(report.coverage)),
        ("counts", json!(report.counts)),
        ("findingsUnlisted", json!(report.findings_unlisted)),
        ("engines", json!(report.engines)),
    ];
    let known = entries.into_iter().filter(|(_, value)| !value.is_null());
    known.map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests;
