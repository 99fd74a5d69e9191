//! What engines found in one file, counted in full and listed up to a limit, and what was found between files.
//!
//! The first 20 findings of a rule in a file are listed; every one is counted, for each engine by itself: what one says
//! does not depend on what another said before. Fingerprints are made here, with the key that no engine sees.

use std::collections::BTreeMap;

use audit::event::FindingCounts;
use hmac::{Hmac, KeyInit, Mac};
use protocol::digest::Digest;
use sha2::Sha256;

use super::Outcome;
use super::snippet::Blots;
use crate::finding::{Finding, Found, Identity, Place, Severity, Step};
use crate::report::{Licences, PackageReport};
use crate::scan::{Cache, kept};
use crate::taint;

/// Findings of one rule that are listed for a file.
const LISTED_A_RULE: u64 = 20;
/// Findings of one engine that are listed for a file, whatever the rules.
const LISTED_A_FILE: usize = 200;

/// The key of fingerprints: who does not have it cannot try out passwords against a report.
#[derive(Clone)]
pub struct FingerprintKey(Hmac<Sha256>);

impl FingerprintKey {
    /// Takes the key.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        // HMAC pads a key with zeros to the hash's block.
        let mut block = [0; 64];
        block.split_at_mut(key.len()).0.copy_from_slice(&key);
        Self(Hmac::new(&block.into()))
    }

    /// A key for something else, from which this one does not follow.
    pub(crate) fn derive(&self, purpose: &[u8]) -> Self {
        Self::new(self.over(&[b"derived key", purpose]).0)
    }

    /// Whether `tag` is the one [`over`](Self::over) gives; takes as long for any wrong one.
    pub(crate) fn verifies(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        self.mac(parts).verify_slice(tag).is_ok()
    }

    /// The HMAC-SHA-256 of `parts`, each with its length before it.
    pub(crate) fn over(&self, parts: &[&[u8]]) -> Digest {
        Digest(self.mac(parts).finalize().into_bytes().into())
    }

    fn mac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FingerprintKey")
    }
}

/// Adds `count` findings of a severity.
pub(crate) fn count(counts: &mut FindingCounts, severity: Severity, count: u64) {
    let sum = match severity {
        Severity::Critical => &mut counts.critical,
        Severity::High => &mut counts.high,
        Severity::Medium => &mut counts.medium,
        Severity::Low => &mut counts.low,
    };
    *sum = sum.saturating_add(count);
}

/// Adds what was counted elsewhere.
pub(crate) fn add(counts: &mut FindingCounts, more: &FindingCounts) {
    for (severity, number) in each(more) {
        count(counts, severity, number);
    }
}

/// The counts by severity, worst first.
pub(crate) fn each(counts: &FindingCounts) -> [(Severity, u64); 4] {
    [
        (Severity::Critical, counts.critical),
        (Severity::High, counts.high),
        (Severity::Medium, counts.medium),
        (Severity::Low, counts.low),
    ]
}

/// How a value came to a finding: what happens at each place.
pub type Way = Vec<(String, Place)>;

/// What was found in one file so far.
#[derive(Debug)]
pub struct Findings<'a> {
    key: &'a FingerprintKey,
    path: &'a str,
    engine: &'static str,
    found: Vec<(&'static str, Found, Way)>,
    a_rule: BTreeMap<(&'static str, String), u64>,
    shares: BTreeMap<&'static str, Share>,
    blots: Blots,
    packages: Vec<PackageReport>,
}

/// What is one engine's of a file's findings, beside those that are listed.
#[derive(Debug, Default)]
pub(crate) struct Share {
    pub(crate) counted: FindingCounts,
    listed: usize,
    /// What it wants to know of the file in another scan; empty if nothing.
    pub(crate) summary: Vec<u8>,
}

/// What was found in one file, ready for the report.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) findings: Vec<Finding>,
    pub(crate) counted: FindingCounts,
    /// Those of them that are weaknesses: of engine *sast*.
    pub(crate) weaknesses: FindingCounts,
    /// By engine.
    pub(crate) shares: BTreeMap<&'static str, Share>,
    /// Whether anything in the file was to be kept out of snippets.
    pub(crate) concealed: bool,
    /// The packages that it names.
    pub(crate) packages: Vec<PackageReport>,
}

impl<'a> Findings<'a> {
    /// Nothing yet, for the file at `path`.
    #[must_use]
    pub fn new(key: &'a FingerprintKey, path: &'a str) -> Self {
        Self {
            key,
            path,
            engine: "",
            found: Vec::new(),
            a_rule: BTreeMap::new(),
            shares: BTreeMap::new(),
            blots: Blots::default(),
            packages: Vec::new(),
        }
    }

    /// Whose findings come next.
    pub(crate) fn set_engine(&mut self, engine: &'static str) {
        self.engine = engine;
    }

    /// Adds a finding.
    pub fn add(&mut self, found: Found) {
        self.add_with_way(found, Way::new());
    }

    /// Adds a finding and how a value came there.
    pub fn add_with_way(&mut self, found: Found, way: Way) {
        let share = self.shares.entry(self.engine).or_default();
        count(&mut share.counted, found.severity, 1);
        let of_rule = self.a_rule.entry((self.engine, found.rule.clone())).or_default();
        *of_rule += 1;
        if *of_rule <= LISTED_A_RULE && share.listed < LISTED_A_FILE {
            share.listed += 1;
            self.found.push((self.engine, found, way));
        }
    }

    /// Counts a finding of `rule` that there is no need to list; see [`Findings::lists`].
    pub fn count(&mut self, rule: &str, severity: Severity) {
        let share = self.shares.entry(self.engine).or_default();
        count(&mut share.counted, severity, 1);
        *self.a_rule.entry((self.engine, rule.to_owned())).or_default() += 1;
    }

    /// Whether another finding of `rule` would be listed: placing one takes time.
    #[must_use]
    pub fn lists(&self, rule: &str) -> bool {
        let key = (self.engine, rule.to_owned());
        self.shares
            .get(self.engine)
            .is_none_or(|share| share.listed < LISTED_A_FILE)
            && self.a_rule.get(&key).is_none_or(|&count| count < LISTED_A_RULE)
    }

    /// Keeps `summary` with the findings: [`BundleScan::recall`](super::BundleScan::recall) gets it if the same file comes
    /// in another bundle and is not looked at again.
    pub fn remember(&mut self, summary: Vec<u8>) {
        self.shares.entry(self.engine).or_default().summary = summary;
    }

    /// Keeps `secret`, at `offset` in the file, out of every snippet of the file.
    pub fn conceal(&mut self, offset: u64, secret: &[u8]) {
        self.blots.add(offset, secret);
    }

    /// Notes a package that the file names.
    pub(crate) fn depends_on(&mut self, package: PackageReport) {
        self.packages.push(package);
    }

    /// The findings as the report has them.
    pub(crate) fn into_collected(self) -> Collected {
        let Self {
            key,
            path,
            found,
            shares,
            blots,
            packages,
            ..
        } = self;
        let mut counted = FindingCounts::default();
        shares.values().for_each(|share| add(&mut counted, &share.counted));
        let weaknesses = shares.get(taint::NAME).map(|share| share.counted).unwrap_or_default();
        let findings = found
            .into_iter()
            .map(|(engine, found, way)| Finding {
                way: steps(way, &blots),
                ..finding(key, path, engine, found, &blots)
            })
            .collect();
        Collected {
            findings,
            counted,
            weaknesses,
            shares,
            concealed: !blots.is_empty(),
            packages,
        }
    }
}

fn finding(key: &FingerprintKey, path: &str, engine: &str, found: Found, blots: &Blots) -> Finding {
    let line = found
        .place
        .as_ref()
        .map(|place| place.text.as_slice())
        .unwrap_or_default();
    let fingerprint = match &found.identity {
        Identity::Line => key.over(&[engine.as_bytes(), found.rule.as_bytes(), b"line", path.as_bytes(), line]),
        Identity::Secret(secret) => key.over(&[engine.as_bytes(), found.rule.as_bytes(), b"secret", secret]),
    };
    Finding {
        engine: engine.to_owned(),
        rule: found.rule,
        severity: found.severity,
        confidence: found.confidence,
        cwe: found.cwe,
        path: path.into(),
        line: found.place.as_ref().map(|place| place.line),
        column: found.place.as_ref().map(|place| place.column),
        message: found.message.into(),
        mend: found.mend,
        snippet: found.place.as_ref().and_then(|place| blots.snippet(place)),
        way: Vec::new(),
        fingerprint,
    }
}

fn steps(way: Way, blots: &Blots) -> Vec<Step> {
    let step = |(what, place): (String, Place)| Step {
        what: what.into(),
        path: None,
        line: place.line,
        column: place.column,
        snippet: blots.snippet(&place),
    };
    way.into_iter().map(step).collect()
}

/// What an engine found between files, once all were seen.
#[derive(Debug)]
pub struct BundleFindings<'a> {
    key: &'a FingerprintKey,
    engine: &'static str,
    cache: Option<&'a Cache>,
    findings: Vec<Finding>,
    licences: Option<Licences>,
    unseen: Vec<(String, Outcome)>,
}

impl<'a> BundleFindings<'a> {
    pub(crate) fn new(key: &'a FingerprintKey, engine: &'static str, cache: Option<&'a Cache>) -> Self {
        Self {
            key,
            engine,
            cache,
            findings: Vec::new(),
            licences: None,
            unseen: Vec::new(),
        }
    }

    /// Notes the licences that the bundle's files name.
    pub(crate) fn name_licences(&mut self, licences: Licences) {
        self.licences = Some(licences);
    }

    /// Says that the file at `path` was not seen to its end beside the others, however it ended by itself.
    pub fn not_seen(&mut self, path: &str, outcome: Outcome) {
        self.unseen.push((path.to_owned(), outcome));
    }

    /// Adds a finding about the file at `path`. Its snippet shows the place's text as it is, so that must hold no
    /// secret.
    pub fn add(&mut self, path: &str, found: Found) {
        self.findings
            .push(finding(self.key, path, self.engine, found, &Blots::default()));
    }

    /// Adds a finding that is shown by its places alone: what stands there may hold a secret that another engine found.
    pub fn add_unshown(&mut self, path: &str, found: Found, way: Vec<Step>) {
        let finding = finding(self.key, path, self.engine, found, &Blots::default());
        self.findings.push(Finding {
            snippet: None,
            way,
            ..finding
        });
    }

    /// Whether [`BundleFindings::once`] with this `about` would not have to find anything.
    #[must_use]
    pub fn knows(&self, about: &[&[u8]]) -> bool {
        let known = self
            .cache
            .and_then(|cache| cache.get(&kept::key_between(self.engine, about)));
        known.is_some()
    }

    /// Adds what `find` finds, unless that is known already from an earlier time with the same `about`: all that decides
    /// about it, beside the engine and its rules. `find` says whether it came to its end.
    ///
    /// What is found so may be kept, and so has to be [unshown](Self::add_unshown).
    pub fn once(&mut self, about: &[&[u8]], find: impl FnOnce(&mut Self) -> bool) {
        let Some(cache) = self.cache else {
            find(self);
            return;
        };
        let key = kept::key_between(self.engine, about);
        let known = cache.get(&key).and_then(|known| serde_json::from_slice(&known).ok());
        if let Some(known) = known {
            let known: Vec<Finding> = known;
            return self.findings.extend(known);
        }
        let before = self.findings.len();
        let ended = find(self);
        let new = self.findings.get(before..).unwrap_or_default();
        if ended && new.iter().all(|finding| finding.snippet.is_none()) {
            cache.put(key, serde_json::to_vec(new).unwrap_or_default());
        }
    }

    /// The findings, the files that were not seen to their end, and the licences that are named.
    pub(crate) fn into_parts(self) -> (Vec<Finding>, Vec<(String, Outcome)>, Option<Licences>) {
        (self.findings, self.unseen, self.licences)
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;
    use crate::finding::Confidence;

    fn found(rule: &str, identity: Identity) -> Found {
        Found {
            rule: rule.to_owned(),
            severity: Severity::Low,
            confidence: Confidence::Low,
            cwe: None,
            message: String::new(),
            mend: String::new(),
            place: None,
            identity,
        }
    }

    #[test]
    fn the_hmac_is_that_of_rfc_4231() {
        // Test case 1. HMAC pads a key with zeros to its block, so the 20-byte key of the vector and ours are one.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let mut mac = FingerprintKey::new(key).0;
        mac.update(b"Hi There");
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(HEXLOWER.encode(&mac.finalize().into_bytes()), expected);
    }

    #[test]
    fn every_finding_is_counted_and_the_first_twenty_of_a_rule_are_listed() {
        let key = FingerprintKey::new([1; 32]);
        let mut findings = Findings::new(&key, "a");
        for _ in 0..60 {
            findings.add(found("x", Identity::Line));
        }
        findings.add(found("y", Identity::Line));
        let collected = findings.into_collected();
        assert_eq!((collected.findings.len(), collected.counted.total()), (21, 61));
    }

    #[test]
    fn what_an_engine_may_list_does_not_depend_on_the_others() {
        let key = FingerprintKey::new([1; 32]);
        let mut findings = Findings::new(&key, "a");
        findings.set_engine("one");
        for rule in 0..=LISTED_A_FILE {
            findings.add(found(&rule.to_string(), Identity::Line));
        }
        assert!(!findings.lists("x"));
        findings.set_engine("two");
        assert!(findings.lists("x"));
        findings.add(found("x", Identity::Line));
        let collected = findings.into_collected();
        assert_eq!(collected.findings.len(), LISTED_A_FILE + 1);
        assert_eq!(collected.counted.total(), LISTED_A_FILE as u64 + 2);
        assert_eq!(collected.shares["two"].counted.total(), 1);
    }

    #[test]
    fn the_same_secret_has_the_same_fingerprint_in_another_file() {
        let key = FingerprintKey::new([1; 32]);
        let fingerprint = |path, secret: &[u8]| {
            let mut findings = Findings::new(&key, path);
            findings.add(found("x", Identity::Secret(secret.to_vec())));
            findings.into_collected().findings[0].fingerprint
        };
        assert_eq!(fingerprint("a", b"s1"), fingerprint("b", b"s1"));
        assert_ne!(fingerprint("a", b"s1"), fingerprint("a", b"s2"));
    }

    #[test]
    fn another_key_gives_another_fingerprint() {
        let over = |key| FingerprintKey::new([key; 32]).over(&[b"a"]);
        assert_ne!(over(1), over(2));
    }
}
