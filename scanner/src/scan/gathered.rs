//! What the workers of a scan send, put together into a report that does not show in which order it came.

use std::collections::{BTreeMap, BTreeSet};

use audit::event::FindingCounts;
use audit::untrusted::Untrusted;
use protocol::digest::Digest;

use super::Progress;
use super::packages::Packages;
use super::ranking::Ranking;
use crate::content::{Content, FileEntry};
use crate::engine::{BundleFindings, Collected, Outcome, add, count, each};
use crate::facts::is_for_tests;
use crate::finding::{Finding, Severity};
use crate::report::{Coverage, EngineInfo, FileReport, IntegrityFailure, Licences, Report, SCHEMA};
use crate::{archive, taint};

/// Files out of archives that a report lists.
const MAX_WITHIN: usize = 100_000;
/// Bytes that their paths and remarks may take in all: what they are called, whoever made the archives decided.
const MAX_WITHIN_TEXT: usize = 16 << 20;

/// Which file: of the content, and of those in it if it is an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileNumber {
    /// The file's number in the content.
    pub(super) index: usize,
    /// 0 for that file itself; from 1 on for what came out of it.
    pub(super) within: u32,
}

impl FileNumber {
    /// Behind all files.
    const LAST: Self = Self {
        index: usize::MAX,
        within: u32::MAX,
    };
}

/// A file that a worker is done with.
pub(super) struct FileDone {
    pub(super) number: FileNumber,
    pub(super) report: FileReport,
    pub(super) collected: Collected,
    pub(super) integrity: Option<IntegrityFailure>,
}

/// What the workers sent so far; the same whatever the order they sent it in.
pub(super) struct Gathered {
    files: Vec<Option<FileReport>>,
    within: Within,
    packages: Packages,
    licences: Option<Licences>,
    ranking: Ranking,
    counts: FindingCounts,
    in_tests: FindingCounts,
    integrity: Vec<(usize, IntegrityFailure)>,
    pub(super) progress: Progress,
}

impl Gathered {
    pub(super) fn new(files: usize, bytes: u64) -> Self {
        Self {
            files: (0..files).map(|_| None).collect(),
            within: Within::default(),
            packages: Packages::default(),
            licences: None,
            ranking: Ranking::default(),
            counts: FindingCounts::default(),
            in_tests: FindingCounts::default(),
            integrity: Vec::new(),
            progress: Progress {
                files: 0,
                files_total: files as u64,
                bytes: 0,
                bytes_total: bytes,
            },
        }
    }

    pub(super) fn take(&mut self, done: FileDone) {
        let counted = done.collected.counted;
        add(&mut self.counts, &counted);
        let index = done.number.index;
        self.count_all_in_tests(&done);
        self.packages
            .add(done.number, done.report.path.raw(), done.collected.packages);
        self.ranking.add(done.number, done.collected.findings);
        self.integrity.extend(done.integrity.map(|failure| (index, failure)));
        if done.number.within > 0 {
            self.within.add(done.number, done.report);
            return;
        }
        self.progress.files += 1;
        self.progress.bytes = self.progress.bytes.saturating_add(done.report.size);
        if let Some(place) = self.files.get_mut(index) {
            *place = Some(done.report);
        }
    }

    /// Of what a file does not list, only weaknesses are known for what they are; a secret counts as if it were elsewhere.
    fn count_all_in_tests(&mut self, done: &FileDone) {
        if done.report.for_tests {
            add(&mut self.in_tests, &done.collected.weaknesses);
        }
        let others = done
            .collected
            .findings
            .iter()
            .filter(|finding| finding.engine != taint::NAME);
        others.for_each(|finding| self.count_in_tests(finding));
    }

    fn count_in_tests(&mut self, finding: &Finding) {
        if finding.is_weakness_in_tests() {
            count(&mut self.in_tests, finding.severity, 1);
        }
    }

    /// Takes what an engine found between files, and where it could not look.
    pub(super) fn take_between(&mut self, engine: &str, found: BundleFindings<'_>) {
        let (findings, unseen, licences) = found.into_parts();
        self.licences = self.licences.take().or(licences);
        for (path, outcome) in unseen {
            if let Some((_, file)) = self.reports().find(|(_, file)| file.path.raw() == path) {
                let ended = file.outcomes.entry(engine.to_owned()).or_insert(outcome);
                // What it was by itself says more than what followed from it.
                *ended = if *ended == Outcome::Scanned { outcome } else { *ended };
            }
        }
        for finding in findings {
            count(&mut self.counts, finding.severity, 1);
            self.count_in_tests(&finding);
            let mut number = FileNumber::LAST;
            if let Some((found, file)) = self.reports().find(|(_, file)| file.path == finding.path) {
                file.worst = file.worst.max(Some(finding.severity));
                number = found;
            }
            self.ranking.add(number, [finding]);
        }
    }

    /// All files so far, those of the content first.
    fn reports(&mut self) -> impl Iterator<Item = (FileNumber, &mut FileReport)> {
        let files = self.files.iter_mut().enumerate();
        let own = files.filter_map(|(index, file)| Some((FileNumber { index, within: 0 }, file.as_mut()?)));
        own.chain(self.within.files.iter_mut().map(|(number, file)| (*number, file)))
    }

    /// An engine that failed after the last file has covered none.
    pub(super) fn crash_all(&mut self, engine: &str) {
        for (_, file) in self.reports() {
            file.outcomes.insert(engine.to_owned(), Outcome::Crashed);
        }
    }

    pub(super) fn into_report(
        mut self,
        content: &dyn Content,
        engines: Vec<EngineInfo>,
        rules_digest: Digest,
    ) -> Report {
        self.integrity.sort_by_key(|(index, _)| *index);
        let findings = self.ranking.into_findings();
        let total = self.counts.total();
        let mut files = Vec::with_capacity(self.files.len() + self.within.files.len());
        let mut within = self.within.files.into_iter().peekable();
        for (index, (entry, file)) in content.files().iter().zip(self.files).enumerate() {
            // A worker that died over a file leaves a file that nobody scanned.
            let mut file = file.unwrap_or_else(|| lost(entry));
            if self.within.cut.contains(&index) {
                file.outcomes.insert(archive::NAME.to_owned(), Outcome::OverLimit);
            }
            files.push(file);
            while let Some((_, file)) = within.next_if(|(number, _)| number.index == index) {
                files.push(file);
            }
        }
        Report {
            schema: SCHEMA,
            bundle: content.bundle(),
            author: content.author().map(Untrusted::from),
            rules_digest,
            engines,
            coverage: Coverage {
                files: files.len() as u64,
                covered: files.iter().filter(|file| file.is_covered()).count() as u64,
                bytes: self.progress.bytes_total,
            },
            counts: self.counts,
            counts_in_tests: self.in_tests,
            findings_unlisted: total.saturating_sub(findings.len() as u64),
            integrity: self.integrity.into_iter().map(|(_, failure)| failure).collect(),
            findings,
            files,
            dependencies: self.packages.into_inventory(),
            licences: self.licences,
        }
    }
}

/// The files out of archives: as many as fit, the first ones in order, whatever order they come in.
#[derive(Debug, Default)]
struct Within {
    files: BTreeMap<FileNumber, FileReport>,
    text: usize,
    /// The first that did not fit; nothing behind it is kept, however small.
    end: Option<FileNumber>,
    /// The archives that have files behind it.
    cut: BTreeSet<usize>,
}

impl Within {
    fn add(&mut self, number: FileNumber, report: FileReport) {
        self.text += text_of(&report);
        self.files.insert(number, report);
        while self.files.len() > MAX_WITHIN
            || self.text > MAX_WITHIN_TEXT
            || self.files.last_key_value().map(|(last, _)| *last) > self.end.or(Some(FileNumber::LAST))
        {
            let Some((last, report)) = self.files.pop_last() else {
                return;
            };
            self.text -= text_of(&report);
            self.end = self.end.min(Some(last)).or(Some(last));
            self.cut.insert(last.index);
        }
    }
}

fn text_of(report: &FileReport) -> usize {
    report.path.len() + report.unreadable.as_ref().map_or(0, Untrusted::len)
}

fn lost(entry: &FileEntry) -> FileReport {
    FileReport {
        path: entry.path.as_str().into(),
        depth: 0,
        size: entry.size,
        sha256: None,
        detected_type: "unknown".to_owned(),
        executable: entry.executable,
        for_tests: is_for_tests(&entry.path),
        outcomes: BTreeMap::new(),
        worst: None,
        unreadable: Some("the scanner stopped before it".into()),
    }
}

/// The worst severity that was counted.
pub(super) fn worst(counts: &FindingCounts) -> Option<Severity> {
    each(counts)
        .into_iter()
        .find(|&(_, number)| number > 0)
        .map(|(severity, _)| severity)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(path: String) -> FileReport {
        lost(&FileEntry {
            path,
            size: 0,
            executable: false,
            sha256: None,
        })
    }

    #[test]
    fn the_files_that_fit_are_the_first_ones_in_whatever_order_they_come() {
        // The second does not fit beside the first; the third would, and comes behind what did not.
        let all = [(1, 10), (2, MAX_WITHIN_TEXT), (3, 10)];
        let orders: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for order in orders {
            let mut within = Within::default();
            for at in order {
                let (number, len) = all[at];
                let number = FileNumber {
                    index: number as usize,
                    within: number,
                };
                within.add(number, report("x".repeat(len)));
            }
            let kept: Vec<_> = within.files.keys().map(|number| number.within).collect();
            assert_eq!((kept, within.cut), (vec![1], BTreeSet::from([2, 3])), "{order:?}");
        }
    }
}
