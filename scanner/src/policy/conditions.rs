//! Conditions on findings, licences and authors, each of which only makes a verdict stricter.
//!
//! Always true:
//! - a finding, or a licence, that is counted and not listed may be any, and counts as one that is meant;
//! - a licence is allowed or denied by what its SPDX expression leaves to choose: of `A OR B` one is enough, of `A AND B` none;
//! - whose author nobody knows, as of a folder at a desk, no condition on authors is about.

use audit::event::Verdict;
use globset::{GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use spdx::{Expression, LicenseItem, LicenseReq, ParseMode};

use super::file::{AuthorText, FindingText, LicenceText, LicencesText};
use super::judge::files;
use super::{PolicyError, Reason, Selector, selector};
use crate::finding::{Confidence, Finding, Severity};
use crate::report::Report;
use crate::scan::ENGINES;

/// An expression longer than this is a name like any other.
const MAX_EXPRESSION: usize = 400;

/// All of them.
#[derive(Debug, Clone)]
pub(super) struct Conditions {
    findings: Vec<FindingRule>,
    licences: Vec<LicenceRule>,
    authors: Vec<AuthorRule>,
}

/// What is wrong with a policy's key, and how to mend it.
type Fault<'a> = &'a dyn Fn(&str, String, &str) -> PolicyError;

#[derive(Debug, Clone)]
struct FindingRule {
    rules: Option<GlobSet>,
    engines: Vec<String>,
    severity: Option<Severity>,
    confidence: Option<Confidence>,
    types: Vec<Selector>,
    glob: Option<GlobMatcher>,
    verdict: Verdict,
    why: Option<String>,
}

#[derive(Debug, Clone)]
struct LicenceRule {
    names: GlobSet,
    /// Whether it is about all licences but these.
    others: bool,
    verdict: Verdict,
    why: Option<String>,
}

#[derive(Debug, Clone)]
struct AuthorRule {
    principals: GlobSet,
    except: GlobSet,
    findings: Option<Severity>,
    verdict: Verdict,
    why: Option<String>,
}

impl Conditions {
    pub(super) fn compile(
        findings: Vec<FindingText>,
        (licences, licence): (LicencesText, Vec<LicenceText>),
        authors: Vec<AuthorText>,
        error: Fault<'_>,
    ) -> Result<Self, PolicyError> {
        let mut all = Self {
            findings: Vec::new(),
            licences: Vec::new(),
            authors: Vec::new(),
        };
        for (number, text) in findings.into_iter().enumerate() {
            all.findings.push(FindingRule::compile(text, number, error)?);
        }
        if let Some(allow) = licences.allow {
            all.licences.push(LicenceRule {
                // An empty list is one, too: nothing may come that names a licence.
                names: set("licences.allow", &allow, error)?,
                others: true,
                verdict: licences.other,
                why: None,
            });
        }
        for (number, text) in licence.into_iter().enumerate() {
            let key = format!("licence[{number}].name");
            all.licences.push(LicenceRule {
                names: some_of(&key, &text.name, "[\"GPL-*\"]", error)?,
                others: false,
                verdict: text.verdict,
                why: text.why,
            });
        }
        for (number, text) in authors.into_iter().enumerate() {
            let key = |name: &str| format!("author[{number}].{name}");
            all.authors.push(AuthorRule {
                principals: some_of(&key("principal"), &text.principal, "[\"*@lab\"]", error)?,
                except: set(&key("except"), &text.except, error)?,
                findings: text.findings,
                verdict: text.verdict,
                why: text.why,
            });
        }
        Ok(all)
    }

    /// A reason for each condition that holds.
    pub(super) fn reasons(&self, report: &Report) -> Vec<Reason> {
        let findings = self.findings.iter().filter_map(|rule| rule.reason(report));
        let licences = self.licences.iter().filter_map(|rule| rule.reason(report));
        let authors = self.authors.iter().filter_map(|rule| rule.reason(report));
        let all = findings.chain(licences).chain(authors);
        all.filter(|reason| reason.verdict != Verdict::Allow).collect()
    }
}

impl FindingRule {
    fn compile(text: FindingText, number: usize, error: Fault<'_>) -> Result<Self, PolicyError> {
        let key = |name: &str| format!("finding[{number}].{name}");
        if let Some(unknown) = text.engine.iter().find(|engine| !ENGINES.contains(&engine.as_str())) {
            let mend = format!("the engines are: {}", ENGINES.join(", "));
            return Err(error(
                &key("engine"),
                format!("there is no engine \"{unknown}\""),
                &mend,
            ));
        }
        let types = text.types.iter().map(|name| selector(&key("types"), name, error));
        let types = types.collect::<Result<_, _>>()?;
        let glob = text.glob.map(|glob| {
            let built = GlobBuilder::new(&glob).literal_separator(true).build();
            let built = built.map(|glob| glob.compile_matcher());
            built.map_err(|fault| error(&key("glob"), fault.to_string(), "write a pattern such as \"deploy/**\""))
        });
        let rules = (!text.rule.is_empty()).then(|| set(&key("rule"), &text.rule, error));
        Ok(Self {
            rules: rules.transpose()?,
            engines: text.engine,
            severity: text.severity,
            confidence: text.confidence,
            types,
            glob: glob.transpose()?,
            verdict: text.verdict,
            why: text.why,
        })
    }

    fn is_about(&self, finding: &Finding, report: &Report) -> bool {
        let is_of_type = || {
            let file = report.files.iter().find(|file| file.path == finding.path);
            file.is_some_and(|file| self.types.iter().any(|types| types.matches(&file.detected_type)))
        };
        self.severity.is_none_or(|least| finding.severity >= least)
            && self.confidence.is_none_or(|least| finding.confidence >= least)
            && (self.engines.is_empty() || self.engines.contains(&finding.engine))
            && self.rules.as_ref().is_none_or(|rules| rules.is_match(&finding.rule))
            && self.glob.as_ref().is_none_or(|glob| glob.is_match(finding.path.raw()))
            && (self.types.is_empty() || is_of_type())
    }

    /// Findings that are counted and not listed, and of which nobody knows that they are not meant.
    fn unlisted(&self, report: &Report) -> u64 {
        let severities = Severity::WORST_FIRST.into_iter();
        let meant = severities.filter(|severity| self.severity.is_none_or(|least| *severity >= least));
        let unlisted = meant.map(|severity| {
            let listed = report
                .findings
                .iter()
                .filter(|finding| finding.severity == severity)
                .count() as u64;
            report.counts.of(severity.name()).saturating_sub(listed)
        });
        unlisted.sum()
    }

    fn reason(&self, report: &Report) -> Option<Reason> {
        let meant: Vec<_> = report
            .findings
            .iter()
            .filter(|finding| self.is_about(finding, report))
            .collect();
        let unlisted = self.unlisted(report);
        let first = match (meant.first(), unlisted) {
            (None, 0) => return None,
            (None, unlisted) => format!("{unlisted} that are not listed may be such"),
            (Some(finding), _) => {
                let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
                format!("the first {}{line} {}", finding.path.raw(), finding.rule)
            }
        };
        let plural = if meant.len() == 1 { "finding" } else { "findings" };
        Some(Reason {
            verdict: self.verdict,
            code: "finding",
            text: format!(
                "{} {plural} that the policy names, {first}{}",
                meant.len(),
                told(self.why.as_ref())
            )
            .into(),
        })
    }
}

impl LicenceRule {
    fn reason(&self, report: &Report) -> Option<Reason> {
        let licences = report.licences.as_ref()?;
        let hit = licences.named.iter().find(|licence| self.is_about(licence.name.raw()));
        let text = match hit {
            Some(licence) => {
                let named = files(usize::try_from(licence.files).unwrap_or(usize::MAX), "under");
                let which = if self.others { ", which is not on the list" } else { "" };
                format!(
                    "{named} {}{which}, the first {}",
                    licence.name.raw(),
                    licence.path.raw()
                )
            }
            None if licences.cut => "more licences than are listed, and any may be such".to_owned(),
            None => return None,
        };
        Some(Reason {
            verdict: self.verdict,
            code: "licence",
            text: format!("{text}{}", told(self.why.as_ref())).into(),
        })
    }

    fn is_about(&self, name: &str) -> bool {
        let fits = |requirement: &LicenseReq| fits(&self.names, requirement);
        let parsed = (name.len() <= MAX_EXPRESSION).then(|| Expression::parse_mode(name.trim(), ParseMode::LAX));
        match (parsed, self.others) {
            (Some(Ok(expression)), true) => !expression.evaluate(fits),
            // Nothing can be chosen in it that is not meant.
            (Some(Ok(expression)), false) => !expression.evaluate(|requirement| !fits(requirement)),
            (_, others) => self.names.is_match(name.trim()) != others,
        }
    }
}

/// Whether a licence has one of these names, with its exception or without it.
fn fits(names: &GlobSet, requirement: &LicenseReq) -> bool {
    let base = match &requirement.license {
        LicenseItem::Spdx { id, .. } => id.name.to_owned(),
        LicenseItem::Other(other) => other.to_string(),
    };
    names.is_match(base) || names.is_match(requirement.to_string())
}

impl AuthorRule {
    fn reason(&self, report: &Report) -> Option<Reason> {
        let author = report.author.as_ref()?;
        if !self.principals.is_match(author.raw()) || self.except.is_match(author.raw()) {
            return None;
        }
        let mut found = String::new();
        if let Some(least) = self.findings {
            let severities = Severity::WORST_FIRST.into_iter().filter(|severity| *severity >= least);
            let count: u64 = severities.map(|severity| report.counts.of(severity.name())).sum();
            if count == 0 {
                return None;
            }
            found = format!(", with {count} of severity {} or worse", least.name());
        }
        Some(Reason {
            verdict: self.verdict,
            code: "author",
            text: format!("by {}{found}{}", author.raw(), told(self.why.as_ref())).into(),
        })
    }
}

fn told(why: Option<&String>) -> String {
    why.map(|why| format!(": {why}")).unwrap_or_default()
}

fn some_of(key: &str, patterns: &[String], example: &str, error: Fault<'_>) -> Result<GlobSet, PolicyError> {
    match patterns {
        [] => Err(error(
            key,
            "it names nothing".to_owned(),
            &format!("write patterns such as {example}"),
        )),
        _ => set(key, patterns, error),
    }
}

/// Patterns in which `*` stands for anything, whatever the case of letters.
fn set(key: &str, patterns: &[String], error: Fault<'_>) -> Result<GlobSet, PolicyError> {
    let fault = |fault: globset::Error| error(key, fault.to_string(), "write names, with * for what may be anything");
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(
            GlobBuilder::new(pattern)
                .case_insensitive(true)
                .build()
                .map_err(fault)?,
        );
    }
    set.build().map_err(fault)
}
