//! The rules of the program and the taxonomies that they refer to, as SARIF describes them.

use std::collections::BTreeMap;

use audit::escape::{markdown, sarif_message};
use serde_json::{Value, json};

use super::schema::{
    Configuration, Descriptor, DescriptorReference, Level, Multiformat, Properties, Relationship, ToolComponent,
};
use super::{ASVS, CWE};
use crate::controls::{ASVS_VERSION, chapter, quoted, requirements, weakness};
use crate::engine::RuleDetail;
use crate::finding::{Confidence, RuleInfo, Severity};
use crate::scan::Scanner;

/// The rules of a scanner, ready to be referred to.
#[derive(Debug)]
pub(super) struct Catalogue {
    rules: Vec<(&'static str, RuleInfo, RuleDetail)>,
    at: BTreeMap<(String, String), usize>,
    /// Weaknesses and requirements, each with its place in its taxonomy.
    cwes: BTreeMap<u32, usize>,
    asvs: BTreeMap<&'static str, usize>,
}

impl Catalogue {
    /// The rules of `scanner`, and what they refer to; `also` are weaknesses that findings name besides.
    pub(super) fn of(scanner: &Scanner, also: impl Iterator<Item = u32>) -> Self {
        let mut rules = Vec::new();
        for (engine, infos) in scanner.rules() {
            rules.extend(infos.into_iter().map(|info| {
                let detail = scanner.detail(engine, &info.id);
                (engine, info, detail)
            }));
        }
        let at = rules.iter().enumerate();
        let at = at.map(|(index, (engine, info, _))| (((*engine).to_owned(), info.id.clone()), index));
        let named = rules.iter().filter_map(|(_, info, _)| info.cwe).chain(also);
        let mut cwes: BTreeMap<u32, usize> = named.map(|cwe| (cwe, 0)).collect();
        let requirements = cwes.keys().flat_map(|cwe| requirements(Some(*cwe)));
        let mut asvs: BTreeMap<&'static str, usize> = requirements.map(|requirement| (*requirement, 0)).collect();
        cwes.values_mut().enumerate().for_each(|(index, at)| *at = index);
        asvs.values_mut().enumerate().for_each(|(index, at)| *at = index);
        Self {
            at: at.collect(),
            rules,
            cwes,
            asvs,
        }
    }

    /// The place of a rule among the descriptors; `None` for one of other rules than today's.
    pub(super) fn index(&self, engine: &str, rule: &str) -> Option<usize> {
        self.at.get(&(engine.to_owned(), rule.to_owned())).copied()
    }

    /// A reference to a weakness.
    pub(super) fn cwe(&self, number: u32) -> DescriptorReference {
        DescriptorReference {
            id: number.to_string(),
            index: self.cwes.get(&number).copied(),
            tool_component: Some(CWE),
        }
    }

    fn requirement(&self, requirement: &str) -> DescriptorReference {
        DescriptorReference {
            id: quoted(requirement),
            index: self.asvs.get(requirement).copied(),
            tool_component: Some(ASVS),
        }
    }

    /// The program as SARIF's driver.
    pub(super) fn driver(&self) -> ToolComponent {
        ToolComponent {
            name: "diode-scan",
            version: Some(env!("CARGO_PKG_VERSION")),
            semantic_version: Some(env!("CARGO_PKG_VERSION")),
            short_description: Some(Multiformat::plain(env!("CARGO_PKG_DESCRIPTION"))),
            rules: self
                .rules
                .iter()
                .map(|(engine, info, detail)| self.rule(engine, info, detail))
                .collect(),
            notifications: super::notices::descriptors(),
            supported_taxonomies: vec![CWE, ASVS],
            ..ToolComponent::default()
        }
    }

    /// The taxonomies, at the places that [`CWE`] and [`ASVS`] name.
    pub(super) fn taxonomies(&self) -> Vec<ToolComponent> {
        let cwes = self.cwes.keys().map(|cwe| Descriptor {
            id: cwe.to_string(),
            name: weakness(*cwe).map(|weakness| weakness.name.to_owned()),
            short_description: weakness(*cwe).map(|weakness| Multiformat::plain(weakness.name)),
            help_uri: Some(format!("https://cwe.mitre.org/data/definitions/{cwe}.html")),
            ..Descriptor::default()
        });
        let asvs = self.asvs.keys().map(|requirement| Descriptor {
            id: quoted(requirement),
            short_description: chapter(requirement).map(Multiformat::plain),
            ..Descriptor::default()
        });
        let taxonomy = |name, full_name, organization, taxa| ToolComponent {
            name,
            full_name: Some(full_name),
            organization: Some(organization),
            is_comprehensive: Some(false),
            taxa,
            ..ToolComponent::default()
        };
        vec![
            ToolComponent {
                information_uri: Some("https://cwe.mitre.org/"),
                ..taxonomy(CWE.name, "Common Weakness Enumeration", "MITRE", cwes.collect())
            },
            ToolComponent {
                version: Some(ASVS_VERSION),
                ..taxonomy(
                    ASVS.name,
                    "Application Security Verification Standard",
                    "OWASP",
                    asvs.collect(),
                )
            },
        ]
    }

    fn rule(&self, engine: &str, info: &RuleInfo, detail: &RuleDetail) -> Descriptor {
        let why = detail.why.as_deref().unwrap_or(&info.title);
        Descriptor {
            id: info.id.clone(),
            name: Some(pascal_case(&info.id)),
            short_description: Some(Multiformat::plain(&info.title)),
            full_description: Some(Multiformat::plain(why)),
            help: Some(help(info, why)),
            default_configuration: Some(Configuration {
                level: level(info.severity),
            }),
            relationships: self.relationships(info.cwe),
            properties: properties(engine, info, detail),
            ..Descriptor::default()
        }
    }

    fn relationships(&self, cwe: Option<u32>) -> Vec<Relationship> {
        let weakness = cwe.map(|cwe| Relationship {
            target: self.cwe(cwe),
            kinds: ["superset"],
        });
        let requirements = requirements(cwe).iter().map(|requirement| Relationship {
            target: self.requirement(requirement),
            kinds: ["relevant"],
        });
        weakness.into_iter().chain(requirements).collect()
    }
}

fn help(info: &RuleInfo, why: &str) -> Multiformat {
    let doubled = |text: &str| markdown(text).replace('{', "{{").replace('}', "}}");
    Multiformat {
        text: sarif_message(&format!("Why: {why}. Mend: {}.", info.mend)),
        markdown: Some(format!(
            "**Why:** {}\n\n**Mend:** {}",
            doubled(why),
            doubled(&info.mend)
        )),
    }
}

fn properties(engine: &str, info: &RuleInfo, detail: &RuleDetail) -> Properties {
    let cwe = info.cwe.map(|cwe| format!("external/cwe/cwe-{cwe:03}"));
    let asvs = requirements(info.cwe)
        .iter()
        .map(|requirement| format!("owasp-asvs/{}", quoted(requirement)));
    let tags: Vec<String> = ["security".to_owned(), engine.to_owned()]
        .into_iter()
        .chain(cwe)
        .chain(asvs)
        .collect();
    let mut properties = Properties::new();
    properties.insert("tags".to_owned(), json!(tags));
    properties.insert("security-severity".to_owned(), json!(security_severity(info.severity)));
    properties.insert("severity".to_owned(), json!(info.severity));
    if let Some(confidence) = detail.confidence {
        properties.insert("precision".to_owned(), Value::from(precision(confidence)));
    }
    if !detail.languages.is_empty() {
        properties.insert("languages".to_owned(), json!(detail.languages));
    }
    properties
}

/// `python-sql-injection` as SARIF wants a name that people read (section 3.49.7).
fn pascal_case(id: &str) -> String {
    let words = id.split(|c: char| !c.is_alphanumeric());
    words
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters)
        })
        .collect()
}

/// The level of a severity: what the default policy rejects or has reviewed is more than a note.
pub(super) fn level(severity: Severity) -> Level {
    match severity {
        Severity::Critical | Severity::High => Level::Error,
        Severity::Medium => Level::Warning,
        Severity::Low => Level::Note,
    }
}

/// A number as CVSS has them, by which viewers tell severities apart.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

fn precision(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    }
}
