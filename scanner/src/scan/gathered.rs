//! What the workers of a scan send, put together into a report that does not show in which order it came.

use std::collections::BTreeMap;

use audit::event::FindingCounts;
use protocol::digest::Digest;

use super::Progress;
use super::ranking::Ranking;
use crate::content::{Content, FileEntry};
use crate::engine::{BundleFindings, Collected, Outcome, count};
use crate::finding::Severity;
use crate::report::{Coverage, EngineInfo, FileReport, IntegrityFailure, Report, SCHEMA};

/// A file that a worker is done with.
pub(super) struct FileDone {
    pub(super) index: usize,
    pub(super) report: FileReport,
    pub(super) collected: Collected,
    pub(super) integrity: Option<IntegrityFailure>,
}

/// What the workers sent so far; the same whatever the order they sent it in.
pub(super) struct Gathered {
    files: Vec<Option<FileReport>>,
    ranking: Ranking,
    counts: FindingCounts,
    integrity: Vec<(usize, IntegrityFailure)>,
    pub(super) progress: Progress,
}

impl Gathered {
    pub(super) fn new(files: usize, bytes: u64) -> Self {
        Self {
            files: (0..files).map(|_| None).collect(),
            ranking: Ranking::default(),
            counts: FindingCounts::default(),
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
        self.progress.files += 1;
        self.progress.bytes = self.progress.bytes.saturating_add(done.report.size);
        let counted = done.collected.counted;
        for (severity, number) in each(&counted) {
            count(&mut self.counts, severity, number);
        }
        self.ranking.add(done.index, done.collected.findings);
        self.integrity
            .extend(done.integrity.map(|failure| (done.index, failure)));
        if let Some(place) = self.files.get_mut(done.index) {
            *place = Some(done.report);
        }
    }

    /// Takes what an engine found between files.
    pub(super) fn take_between(&mut self, found: BundleFindings<'_>) {
        for finding in found.into_findings() {
            count(&mut self.counts, finding.severity, 1);
            let at = self
                .files
                .iter()
                .position(|file| file.as_ref().is_some_and(|file| file.path == finding.path));
            if let Some(Some(file)) = at.and_then(|at| self.files.get_mut(at)) {
                file.worst = file.worst.max(Some(finding.severity));
            }
            self.ranking.add(at.unwrap_or(usize::MAX), [finding]);
        }
    }

    /// An engine that failed after the last file has covered none.
    pub(super) fn crash_all(&mut self, engine: &str) {
        for file in self.files.iter_mut().flatten() {
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
        let entries = content.files().iter();
        // A worker that died over a file leaves a file that nobody scanned.
        let files: Vec<_> = entries
            .zip(self.files)
            .map(|(entry, file)| file.unwrap_or_else(|| lost(entry)))
            .collect();
        Report {
            schema: SCHEMA,
            bundle: content.bundle(),
            rules_digest,
            engines,
            coverage: Coverage {
                files: files.len() as u64,
                covered: files.iter().filter(|file| file.is_covered()).count() as u64,
                bytes: self.progress.bytes_total,
            },
            counts: self.counts,
            findings_unlisted: total.saturating_sub(findings.len() as u64),
            integrity: self.integrity.into_iter().map(|(_, failure)| failure).collect(),
            findings,
            files,
        }
    }
}

fn lost(entry: &FileEntry) -> FileReport {
    FileReport {
        path: entry.path.clone(),
        size: entry.size,
        sha256: None,
        detected_type: "unknown".to_owned(),
        executable: entry.executable,
        outcomes: BTreeMap::new(),
        worst: None,
        unreadable: Some("the scanner stopped before it".to_owned()),
    }
}

fn each(counts: &FindingCounts) -> [(Severity, u64); 4] {
    [
        (Severity::Critical, counts.critical),
        (Severity::High, counts.high),
        (Severity::Medium, counts.medium),
        (Severity::Low, counts.low),
    ]
}

/// The worst severity that was counted.
pub(super) fn worst(counts: &FindingCounts) -> Option<Severity> {
    each(counts)
        .into_iter()
        .find(|&(_, number)| number > 0)
        .map(|(severity, _)| severity)
}
