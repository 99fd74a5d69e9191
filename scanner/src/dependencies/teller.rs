//! What a manifest says, brought into the report: the inventory, and what is to be said of each package and of the file.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use super::advisories::Advisory;
use super::manifest::{Asked, Kind, Origin, Reading, Wanted};
use super::names::Closeness;
use super::sources::{Doubt, doubt_origin, doubt_source};
use super::{BundleDependencies, Named, rules};
use crate::engine::{Findings, Window};
use crate::facts::FileFacts;
use crate::finding::{Confidence, Found, Place, Severity};
use crate::report::PackageReport;

/// A longer version is none.
const MAX_VERSION: usize = 128;
/// Packages that are told one by one for what their names are like.
const MAX_NAMED: usize = 100;

/// Tells what one file says.
pub(super) struct Teller<'a> {
    bundle: &'a BundleDependencies<'a>,
    file: &'a FileFacts,
    kind: Kind,
    window: Window<'a>,
    /// Where each line but the first begins.
    lines: Vec<u32>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(bundle: &'a BundleDependencies<'a>, file: &'a FileFacts, kind: Kind, text: &'a str) -> Self {
        Self {
            bundle,
            file,
            kind,
            window: Window::whole(text.as_bytes()),
            // A manifest is a few MiB long, so an offset in one fits.
            lines: text
                .match_indices('\n')
                .map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX))
                .collect(),
        }
    }

    pub(super) fn tell(&self, reading: &Reading, out: &mut Findings<'_>) {
        for asked in &reading.asked {
            self.list(asked, out);
            self.doubt(asked, out);
            if asked.origin.is_registry() {
                self.advise(asked, out);
            }
        }
        for source in &reading.sources {
            if let Some(doubt) = doubt_source(source.ecosystem, &source.url) {
                self.report(&doubt, source.at, out);
            }
        }
        self.shape(reading, out);
        self.names(reading);
    }

    fn list(&self, asked: &Asked, out: &mut Findings<'_>) {
        let origin = match &asked.origin {
            // It is in the bundle, or nowhere.
            Origin::Path(_) => return,
            Origin::Registry | Origin::RegistryAt(_) => None,
            Origin::Git(_) => Some("git"),
            Origin::Url(_) => Some("url"),
            Origin::OtherRegistry(_) => Some("registry"),
        };
        let version = asked.wanted.exact().filter(|version| version.len() <= MAX_VERSION);
        out.depends_on(PackageReport {
            purl: asked.package.purl(version),
            line: self.lines_before(asked.at) as u64 + 1,
            origin: origin.map(str::to_owned),
        });
    }

    fn doubt(&self, asked: &Asked, out: &mut Findings<'_>) {
        let depth = self.file.own_path().matches('/').count();
        if let Some(doubt) = doubt_origin(asked, depth) {
            self.report(&doubt, asked.at, out);
        }
    }

    /// What advisories say of a package.
    fn advise(&self, asked: &Asked, out: &mut Findings<'_>) {
        let Some(advisories) = &self.bundle.engine.options.advisories else {
            return;
        };
        for advisory in advisories.about(&asked.package, &asked.wanted) {
            // It holds versions that were once looked at, and does not say which one is taken.
            if self.kind == Kind::GoSum && !advisory.malicious {
                continue;
            }
            let rule = if advisory.malicious {
                &rules::MALICIOUS
            } else {
                &rules::VULNERABLE
            };
            if !out.lists(rule.id) {
                out.count(rule.id, advisory.severity);
                continue;
            }
            let message = advised(asked, advisory);
            let place = Some(self.place(asked.at));
            out.add(rule.found(advisory.severity, Confidence::High, message, place));
        }
    }

    fn report(&self, doubt: &Doubt, at: usize, out: &mut Findings<'_>) {
        let Doubt { rule, message } = doubt;
        if !out.lists(rule.id) {
            return out.count(rule.id, rule.severity);
        }
        out.add(rule.found(rule.severity, Confidence::High, message.clone(), Some(self.place(at))));
    }

    /// What is said once of the file.
    fn shape(&self, reading: &Reading, out: &mut Findings<'_>) {
        if let Some(at) = reading.first_unhashed {
            let message = format!(
                "{} of the packages that it holds have no digest: what is got for them is not compared with anything",
                reading.unhashed
            );
            let place = Some(self.place(at));
            out.add(rules::UNHASHED.found(Severity::Low, Confidence::High, message, place));
        }
        let mut unbound = reading
            .asked
            .iter()
            .filter(|asked| asked.wanted == Wanted::Any && asked.origin == Origin::Registry && !self.kind.is_lock());
        if let Some(first) = unbound.next() {
            let message = format!(
                "{} of the packages that it asks for come in whatever version is newest, {} first",
                unbound.count() + 1,
                first.package
            );
            let place = Some(self.place(first.at));
            out.add(rules::UNBOUND.found(Severity::Low, Confidence::High, message, place));
        }
        for at in &reading.refused {
            let message = "no package manager takes this line".to_owned();
            let place = Some(self.place(*at));
            out.add(rules::UNREADABLE.found(Severity::Low, Confidence::Medium, message, place));
        }
    }

    /// Leaves what names are like to the end of the bundle, which may provide the packages itself.
    fn names(&self, reading: &Reading) {
        let mut seen = BTreeSet::new();
        let mut told = Vec::new();
        for asked in reading.asked.iter().filter(|asked| asked.origin.is_registry()) {
            if told.len() < MAX_NAMED
                && seen.insert(&asked.package)
                && let Some(found) = self.name(asked)
            {
                told.push((asked.at, asked.package.clone(), found));
            }
        }
        let mut between = self.bundle.between.lock().unwrap_or_else(PoisonError::into_inner);
        between.provide(&reading.provides);
        if !reading.asked.is_empty() {
            let this = (self.file.index, self.file.path.clone());
            let first = between.first.take().unwrap_or_else(|| this.clone());
            between.first = Some(first.min(this));
        }
        for (at, package, found) in told {
            let key = (
                std::cmp::Reverse(found.severity),
                self.file.index,
                self.file.path.clone(),
                at,
            );
            between.name(key, Named { package, found });
        }
    }

    fn name(&self, asked: &Asked) -> Option<Found> {
        let engine = self.bundle.engine;
        let package = &asked.package;
        let known = engine
            .options
            .known_names
            .as_ref()
            .and_then(|known| known.allows(package));
        if known == Some(true) {
            return None;
        }
        let registry = package.ecosystem.registry();
        if let Some(lookalike) = engine.names.lookalike(package) {
            let (target, slip) = (&lookalike.target, lookalike.slip);
            let message = format!(
                "{package} is a name of {registry} that differs from the well-known {target} only by {slip}: either is easily taken for the other"
            );
            let severity = match lookalike.closeness {
                Closeness::High => Severity::Medium,
                Closeness::Low => Severity::Low,
            };
            let severity = if known.is_some() { Severity::Medium } else { severity };
            return Some(rules::LOOKALIKE.found(severity, Confidence::Medium, message, Some(self.place(asked.at))));
        }
        known?;
        let message =
            format!("{package} is not among the known names of {registry}: it may not exist, or be another's");
        Some(rules::UNKNOWN.found(Severity::Medium, Confidence::High, message, Some(self.place(asked.at))))
    }

    /// Lines that begin at or before `at`, but for the first.
    fn lines_before(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start as usize <= at)
    }

    fn place(&self, at: usize) -> Place {
        let next = self.lines.get(self.lines_before(at));
        let end = next.map_or(self.window.bytes.len(), |next| *next as usize - 1);
        self.window.place(at..end)
    }
}

/// What an advisory says of a package, and which version it says is fixed.
fn advised(asked: &Asked, advisory: &Advisory) -> String {
    let Asked { package, wanted, .. } = asked;
    // A range may be any text; the line beside it shows it.
    let which = match wanted.exact().filter(|version| version.len() <= MAX_VERSION) {
        Some(version) => format!("{package} {version}"),
        None => format!("every version of {package} that this admits"),
    };
    let Advisory { id, summary, .. } = advisory;
    let alias = advisory
        .alias
        .as_ref()
        .map(|alias| format!(", {alias}"))
        .unwrap_or_default();
    let about = if summary.is_empty() {
        String::new()
    } else {
        format!(": {summary}")
    };
    let fixed = wanted
        .exact()
        .and_then(|version| advisory.fixed_in(package.ecosystem, version));
    let fixed = fixed
        .map(|version| format!(" (fixed in {version})"))
        .unwrap_or_default();
    let what = if advisory.malicious {
        "is malicious"
    } else {
        "is vulnerable"
    };
    format!("{which} {what} by {id}{alias}{about}{fixed}")
}
