//! Engine *dependencies*: what manifests and lockfiles pull in.
//!
//! ```text
//! Cargo.toml, package-lock.json, requirements.txt, go.mod, pom.xml …
//!   └▶ Kind::read ─▶ packages ─┬─▶ the report's inventory, as package URLs
//!                              ├─▶ advisories: malicious, vulnerable
//!                              ├─▶ names: lookalike, unknown   (after the last file: a bundle's own packages are neither)
//!                              └─▶ sources: another registry, unencrypted, without digest
//! ```
//!
//! Always true:
//! - a manifest that a package manager may read and this engine cannot is *unsupported* or *over-limit*, never *scanned*;
//! - one that no package manager reads names no package: it is *scanned*, with a low finding that says so, because tests of
//!   ordinary programs are full of them;
//! - nothing is fetched, run or asked for, and no clock is read: the caller says what day it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use protocol::digest::{Digest, Hasher};
use protocol::time::UnixMillis;

use crate::content::FileEntry;
use crate::engine::{BundleFindings, BundleScan, Engine, FileScan, Findings, Outcome, Window};
use crate::facts::{FileFacts, Type};
use crate::finding::{Confidence, Found, RuleInfo, Severity};
use crate::fixed_rule::FixedRule;

mod advisories;
mod cargo;
mod cvss;
mod golang;
mod known;
mod manifest;
mod maven;
mod names;
mod node;
mod npm;
mod npm_lock;
mod package;
mod python;
mod range;
mod requirements;
mod rules;
mod sources;
mod span;
mod teller;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod version;

pub(crate) use self::advisories::MAX_FILE as MAX_ADVISORIES;
pub use self::advisories::{Advisories, AdvisoriesError, Head};
pub use self::known::{KnownNames, KnownNamesError};
use self::manifest::{Fault, Kind};
use self::names::Names;
use self::package::{Ecosystem, Package};
use self::teller::Teller;

/// The engine's name.
pub(crate) const NAME: &str = "dependencies";
/// A longer manifest is not read: the largest lockfiles in use have a third of this.
const MAX_FILE: usize = 16 << 20;
/// Names that are told after the last file, the worst ones; more are summed up in one finding.
const MAX_NAMED: usize = 500;
/// Packages of its own that a bundle is remembered for.
const MAX_PROVIDED: usize = 100_000;

/// What an operator gives the engine.
#[derive(Debug, Clone, Default)]
pub struct DependencyOptions {
    /// What is known of vulnerable and malicious packages.
    pub advisories: Option<Arc<Advisories>>,
    /// The packages that may be used; any if there is no list.
    pub known_names: Option<Arc<KnownNames>>,
    /// The time that advisories are judged by; until it is set none is out of date.
    pub as_of: AsOf,
}

/// The time that advisories are judged by, which whoever scans sets: no engine reads a clock. Clones show the same.
#[derive(Debug, Clone, Default)]
pub struct AsOf(Arc<AtomicU64>);

impl AsOf {
    /// From now on it is this time.
    pub fn set(&self, now: UnixMillis) {
        self.0.store(now.0, Ordering::Relaxed);
    }

    fn get(&self) -> Option<UnixMillis> {
        Some(UnixMillis(self.0.load(Ordering::Relaxed))).filter(|time| time.0 > 0)
    }
}

/// The engine.
#[derive(Debug)]
pub struct Dependencies {
    names: Names,
    options: DependencyOptions,
}

impl Dependencies {
    /// The engine with what the operator gives it.
    #[must_use]
    pub fn new(options: DependencyOptions) -> Self {
        Self {
            names: Names::built_in(),
            options,
        }
    }
}

impl Engine for Dependencies {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn rules(&self) -> Vec<RuleInfo> {
        rules::ALL.iter().map(FixedRule::info).collect()
    }

    fn rules_digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(b"dependencies rules\0");
        hasher.update(&serde_json::to_vec(&self.rules()).unwrap_or_default());
        for text in names::texts() {
            hasher.update(Digest::of(text.as_bytes()).as_bytes());
        }
        match &self.options.advisories {
            Some(advisories) => hasher.update(format!("advisories {}\0", advisories.digest()).as_bytes()),
            None => hasher.update(b"no advisories\0"),
        }
        match &self.options.known_names {
            Some(known) => hasher.update(format!("known names {}\0", known.digest()).as_bytes()),
            None => hasher.update(b"no known names\0"),
        }
        hasher.finish()
    }

    fn begin_bundle<'a>(&'a self, _files: &'a [FileEntry]) -> Box<dyn BundleScan + 'a> {
        Box::new(BundleDependencies {
            engine: self,
            between: Mutex::default(),
        })
    }
}

/// What is remembered over the files of a bundle.
struct BundleDependencies<'a> {
    engine: &'a Dependencies,
    between: Mutex<Between>,
}

/// The same whatever the order the files come in.
#[derive(Debug, Default)]
struct Between {
    /// By what two packages may not share.
    provided: BTreeSet<(Ecosystem, String)>,
    named: BTreeMap<Key, Named>,
    /// The first name that is not kept.
    more: Option<Key>,
    /// The first file that names packages.
    first: Option<(usize, String)>,
}

/// The worst first, then in the order of the files.
type Key = (std::cmp::Reverse<Severity>, usize, String, usize);

/// A name that is told if the bundle does not provide it itself.
#[derive(Debug)]
struct Named {
    package: Package,
    found: Found,
}

impl Between {
    fn provide(&mut self, packages: &[Package]) {
        let keys = packages.iter().map(|package| (package.ecosystem, package.key()));
        self.provided.extend(keys);
        while self.provided.len() > MAX_PROVIDED {
            self.provided.pop_last();
        }
    }

    fn name(&mut self, key: Key, named: Named) {
        self.named.insert(key, named);
        if self.named.len() > MAX_NAMED
            && let Some((dropped, _)) = self.named.pop_last()
        {
            let first = self.more.take().unwrap_or_else(|| dropped.clone());
            self.more = Some(first.min(dropped));
        }
    }
}

impl BundleScan for BundleDependencies<'_> {
    fn begin_file<'a>(&'a self, file: &'a FileFacts) -> Option<Box<dyn FileScan + 'a>> {
        Some(Box::new(FileDependencies {
            kind: Kind::of(file.own_path())?,
            bundle: self,
            file,
            bytes: Vec::new(),
            too_long: file.size > MAX_FILE as u64,
        }))
    }

    fn finish(self: Box<Self>, out: &mut BundleFindings<'_>) {
        let between = self.between.into_inner().unwrap_or_else(PoisonError::into_inner);
        for ((_, _, path, _), Named { package, found }) in between.named {
            if !between.provided.contains(&(package.ecosystem, package.key())) {
                out.add_unshown(&path, found, Vec::new());
            }
        }
        // Names that are not told could be the ones that matter.
        if let Some((std::cmp::Reverse(severity), _, path, _)) = between.more {
            let message =
                format!("more than {MAX_NAMED} names in the bundle are lookalikes or unknown; the rest is not listed");
            out.add(&path, rules::LOOKALIKE.found(severity, Confidence::Low, message, None));
        }
        if let Some((_, path)) = between.first {
            self.engine.tell_stale(&path, out);
        }
    }
}

impl Dependencies {
    /// Says that the advisories are out of date, at the first file that they were asked about.
    fn tell_stale(&self, path: &str, out: &mut BundleFindings<'_>) {
        let DependencyOptions { advisories, as_of, .. } = &self.options;
        let Some(advisories) = advisories else { return };
        if let Some(days) = as_of.get().and_then(|as_of| advisories.days_stale(as_of)) {
            let head = advisories.head();
            let message = format!(
                "advisory file {} of {} is {days} days out of date (it expired {}): what became known since is not in it",
                head.version, head.issued, head.expires
            );
            out.add(
                path,
                rules::STALE.found(Severity::Medium, Confidence::High, message, None),
            );
        }
    }
}

/// One manifest at work.
struct FileDependencies<'a> {
    kind: Kind,
    bundle: &'a BundleDependencies<'a>,
    file: &'a FileFacts,
    bytes: Vec<u8>,
    too_long: bool,
}

impl FileScan for FileDependencies<'_> {
    fn window(&mut self, window: &Window<'_>, _out: &mut Findings<'_>) {
        let owned = window.bytes.get(window.owned.clone()).unwrap_or_default();
        self.too_long |= self.bytes.len() + owned.len() > MAX_FILE;
        if !self.too_long {
            self.bytes.extend_from_slice(owned);
        }
    }

    fn finish(self: Box<Self>, out: &mut Findings<'_>) -> Outcome {
        if self.too_long {
            return Outcome::OverLimit;
        }
        if self.file.kind == Type::Utf16 {
            return Outcome::Unsupported;
        }
        // Package managers put a stand-in for what is not UTF-8, or refuse it; names are ASCII.
        let text = String::from_utf8_lossy(&self.bytes);
        let text = text.trim_start_matches('\u{feff}');
        let read = self.kind.read(text);
        let (message, outcome) = match &read {
            Ok(reading) => {
                Teller::new(self.bundle, self.file, self.kind, text).tell(reading, out);
                return Outcome::Scanned;
            }
            Err(fault @ Fault::Refused(_)) => (format!("no package manager reads it: {fault}"), Outcome::Scanned),
            Err(fault @ Fault::Unread(_)) => (format!("it was not read: {fault}"), Outcome::Unsupported),
            Err(fault @ Fault::TooMany) => (format!("it was not read: {fault}"), Outcome::OverLimit),
        };
        out.add(rules::UNREADABLE.found(Severity::Low, Confidence::High, message, None));
        outcome
    }
}
