//! One worker of a scan: a file at a time, with all that is in it if it is an archive.
//!
//! ```text
//! source ─▶ Reader ─▶ window ─▶ every engine
//!                        └────▶ archive::open ─▶ member ─▶ the same once more, one level down
//! ```
//! Of a file that is one window, and that an earlier scan kept the results of, those engines see nothing whose results are kept.
//!
//! An archive is opened in the same read in which the engines see its bytes: whoever asks for more of them moves the window on.

use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::sync::mpsc::SyncSender;

use protocol::digest::Digest;

use super::cache::Cache;
use super::gathered::{FileDone, FileNumber, worst};
use super::kept::{self, Said};
use super::{FenceOf, Scanner, fenced};
use crate::archive::{self, Budget, Flaw, Format, Member, Sink};
use crate::content::{Content, FileEntry, FileSource};
use crate::engine::{BundleScan, Collected, Findings, Outcome, Reader, add};
use crate::facts::{FileFacts, Type, is_for_tests};
use crate::finding::Finding;
use crate::report::{FileReport, IntegrityFailure};
use crate::taint;

/// What every file of a scan needs.
pub(super) struct Worker<'a> {
    pub(super) scanner: &'a Scanner,
    pub(super) content: &'a dyn Content,
    pub(super) bundles: &'a [Option<Box<dyn BundleScan + 'a>>],
    pub(super) sender: &'a SyncSender<FileDone>,
    /// What earlier scans kept, if it may be used.
    pub(super) cache: Option<&'a Cache>,
}

/// The collector is gone, and nobody waits for more.
pub(super) struct Gone;

/// A file, and where it comes from.
struct Subject<'a> {
    number: FileNumber,
    entry: &'a FileEntry,
    /// Archives around it.
    depth: u8,
    /// Bytes of the path that name those archives, the last `!` included.
    outside: usize,
    /// Its bytes, as far as someone says.
    size: Option<u64>,
    budget: &'a Budget,
}

impl Worker<'_> {
    /// Scans file number `index` of the content, and sends what was found in it and in the files within it.
    pub(super) fn scan(&self, index: usize, buf: &mut Vec<u8>) -> Result<(), Gone> {
        let entry = self.content.files().get(index).ok_or(Gone)?;
        let mut source = FileSource::new(self.content, index, entry.size);
        let budget = Budget::new(entry.size);
        let subject = Subject {
            number: FileNumber { index, within: 0 },
            entry,
            depth: 0,
            outside: 0,
            size: Some(entry.size),
            budget: &budget,
        };
        self.scan_file(&subject, &mut source, buf)
    }

    fn scan_file(&self, subject: &Subject<'_>, source: &mut dyn Read, buf: &mut Vec<u8>) -> Result<(), Gone> {
        let entry = subject.entry;
        // What an archive states is no reason to make room.
        let expected = subject.size.filter(|_| subject.depth == 0);
        let mut reader = Reader::new(source, expected, self.scanner.windowing, buf);
        let first = reader.advance();
        let facts = first.is_ok().then(|| {
            let stated = subject.size.filter(|_| !reader.is_done());
            let sized = FileEntry {
                size: stated.unwrap_or(reader.read()),
                ..entry.clone()
            };
            FileFacts::within(subject.number.index, &sized, subject.outside, reader.bytes())
        });
        let key = facts.as_ref().filter(|_| self.cache.is_some() && reader.is_done());
        let key = key.map(|facts| kept::key_of(facts, reader.digest()));
        let known = facts
            .as_ref()
            .zip(key)
            .and_then(|(facts, key)| self.recall(facts, key, reader.bytes()));
        let scans = facts.as_ref().map(|facts| {
            self.scanner
                .begin_file(self.bundles, facts, |engine| known.is_some() && engine.by_file())
        });
        let mut file = FileAtWork {
            reader,
            scans: scans.unwrap_or_default(),
            findings: Findings::new(&self.scanner.key, &entry.path),
            left: 0..0,
            failed: first.err().map(|error| Failed::new(&error)),
        };
        file.feed();
        let mut outcomes = Vec::new();
        if let Some(facts) = &facts {
            let opened = self.open(subject, facts, &mut file)?;
            outcomes.extend(opened.map(|outcome| (archive::NAME.to_owned(), outcome)));
        }
        file.drain();
        let kept = Kept { key, known };
        self.send(subject, facts.as_ref(), file, outcomes, kept)
    }

    /// What is known of a file by an earlier scan, once its engines have what they remembered of it.
    fn recall(&self, facts: &FileFacts, key: Digest, bytes: &[u8]) -> Option<Vec<Said>> {
        let known = kept::decode(&self.cache?.get(&key)?)?;
        let recalled = |said: &Said| {
            let mut engines = self.scanner.engines.iter().zip(self.bundles);
            let (_, bundle) = engines.find(|(engine, _)| engine.by_file() && engine.name() == said.engine)?;
            let bundle = bundle.as_ref()?;
            fenced(|| said.summary.is_empty() || bundle.recall(facts, bytes, &said.summary))
        };
        known.iter().all(|said| recalled(said) == Some(true)).then_some(known)
    }

    /// Keeps what is new of a file, if nothing speaks against it.
    fn keep(&self, key: Digest, collected: &Collected, outcomes: &[(String, Outcome)]) {
        let by_file = |name: &str| {
            let mut engines = self.scanner.engines.iter();
            engines.any(|engine| engine.by_file() && engine.name() == name)
        };
        let mut took = outcomes.iter().filter(|(name, _)| by_file(name));
        let whole = !collected.concealed && took.clone().all(|(_, outcome)| *outcome == Outcome::Scanned);
        let names = took.by_ref().map(|(name, _)| name.as_str());
        if let Some(cache) = self.cache.filter(|_| whole)
            && let Some(result) = kept::encode(names, collected)
        {
            cache.put(key, result);
        }
    }

    /// Opens the file if it is an archive, and says how that ended; `None` if it is none.
    fn open(
        &self,
        subject: &Subject<'_>,
        facts: &FileFacts,
        file: &mut FileAtWork<'_, '_>,
    ) -> Result<Option<Outcome>, Gone> {
        let format = Format::of(facts.kind, file.reader.bytes());
        let mut opening = Opening {
            worker: self,
            subject,
            flaws: Vec::new(),
            outcome: Outcome::Scanned,
            gone: false,
        };
        match format {
            None if matches!(facts.kind, Type::Archive(_)) => opening.flaw(archive::not_opened(facts.kind)),
            None => return Ok(None),
            Some(_) if subject.depth >= archive::MAX_DEPTH => opening.flaw(archive::too_deep()),
            Some(format) => {
                let opened = fenced(|| archive::open(format, file, facts.name(), subject.budget, &mut opening));
                match opened {
                    // What the file's own source failed with is said there.
                    Some(Err(_)) if file.failed.is_some() => {}
                    Some(Err(flaw)) => opening.flaw(flaw),
                    Some(Ok(())) => {}
                    None => opening.outcome = Outcome::Crashed,
                }
            }
        }
        let Opening {
            flaws, outcome, gone, ..
        } = opening;
        file.findings.set_engine(archive::NAME);
        for flaw in flaws {
            file.findings.add(flaw.into_found());
        }
        let outcome = file.failed.as_ref().map_or(outcome, |failed| failed.outcome);
        if gone { Err(Gone) } else { Ok(Some(outcome)) }
    }

    fn send(
        &self,
        subject: &Subject<'_>,
        facts: Option<&FileFacts>,
        file: FileAtWork<'_, '_>,
        mut outcomes: Vec<(String, Outcome)>,
        kept: Kept,
    ) -> Result<(), Gone> {
        let entry = subject.entry;
        let FileAtWork {
            reader,
            scans,
            mut findings,
            failed,
            ..
        } = file;
        if failed.is_none() && outcomes.is_empty() && archive::ends_as_zip(reader.bytes(), reader.read()) {
            findings.set_engine(archive::NAME);
            findings.add(archive::appended().into_found());
        }
        let unseen = failed.as_ref().map(|failed| failed.outcome);
        outcomes.extend(scans.into_iter().map(|scan| scan.finish(unseen, &mut findings)));
        let size = if failed.is_none() {
            reader.read()
        } else {
            entry.size.max(reader.read())
        };
        let sha256 = failed.is_none().then(|| reader.finish());
        let mut collected = findings.into_collected();
        match kept {
            Kept { known: Some(known), .. } => add_known(known, &mut collected, &mut outcomes),
            Kept { key: Some(key), .. } if failed.is_none() => self.keep(key, &collected, &outcomes),
            Kept { .. } => {}
        }
        let report = FileReport {
            path: entry.path.as_str().into(),
            depth: subject.depth,
            size,
            sha256,
            detected_type: facts.map_or_else(|| "unknown".to_owned(), |facts| facts.kind.to_string()),
            executable: entry.executable,
            for_tests: is_for_tests(&entry.path),
            outcomes: outcomes.into_iter().collect(),
            worst: worst(&collected.counted),
            unreadable: failed.map(|failed| failed.why.into()),
        };
        let done = FileDone {
            number: subject.number,
            report,
            collected,
            integrity: integrity(entry, sha256),
        };
        // The collector is gone only if it panicked; then there is nobody to work for.
        self.sender.send(done).map_err(|_| Gone)
    }
}

/// That a file's bytes are not the signed ones, if so.
fn integrity(entry: &FileEntry, found: Option<Digest>) -> Option<IntegrityFailure> {
    let expected = entry.sha256.filter(|expected| found != Some(*expected))?;
    let path = entry.path.clone();
    Some(IntegrityFailure {
        path: path.into(),
        expected,
        found,
    })
}

/// A file's place among what is kept.
struct Kept {
    /// Its key, if results of such a file are kept.
    key: Option<Digest>,
    /// What was kept of it.
    known: Option<Vec<Said>>,
}

/// Adds what an earlier scan kept.
fn add_known(known: Vec<Said>, collected: &mut Collected, outcomes: &mut Vec<(String, Outcome)>) {
    for said in known {
        add(&mut collected.counted, &said.counted());
        if said.engine == taint::NAME {
            add(&mut collected.weaknesses, &said.counted());
        }
        let mut findings = said.findings;
        if collected.concealed {
            // Only an engine whose results are kept should conceal anything; if another does, better no snippet than too much of one.
            findings.iter_mut().for_each(Finding::unshow);
        }
        collected.findings.append(&mut findings);
        outcomes.push((said.engine, Outcome::Scanned));
    }
}

/// Why a file could not be read to its end.
struct Failed {
    why: String,
    /// How every engine that was at it ends.
    outcome: Outcome,
}

impl Failed {
    fn new(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Flaw>()) {
            Some(flaw) => Self {
                why: format!("the archive around it: {flaw}"),
                outcome: flaw.outcome,
            },
            None => Self {
                why: error.to_string(),
                outcome: Outcome::Crashed,
            },
        }
    }
}

/// A file that is being read, and the engines that see it.
struct FileAtWork<'f, 'r> {
    reader: Reader<'r>,
    scans: Vec<FenceOf<'f>>,
    findings: Findings<'f>,
    /// Bytes of the window that nobody has asked for yet, among those that no other window owns.
    left: Range<usize>,
    failed: Option<Failed>,
}

impl FileAtWork<'_, '_> {
    /// Shows the window to the engines.
    fn feed(&mut self) {
        if self.failed.is_some() {
            return;
        }
        let window = self.reader.window();
        for fence in &mut self.scans {
            fence.feed(&window, &mut self.findings);
        }
        self.left = window.owned;
    }

    /// Reads on up to the end, for the engines and for the digest.
    fn drain(&mut self) {
        while let Ok(bytes) = self.fill_buf() {
            let len = bytes.len();
            if len == 0 {
                return;
            }
            self.consume(len);
        }
    }
}

impl Read for FileAtWork<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.fill_buf()?.read(buf)?;
        self.consume(len);
        Ok(len)
    }
}

impl BufRead for FileAtWork<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.left.is_empty() && self.failed.is_none() && !self.reader.is_done() {
            match self.reader.advance() {
                Ok(()) => self.feed(),
                Err(error) => self.failed = Some(Failed::new(&error)),
            }
        }
        match &self.failed {
            Some(failed) => Err(io::Error::other(failed.why.clone())),
            None => Ok(self.reader.bytes().get(self.left.clone()).unwrap_or_default()),
        }
    }

    fn consume(&mut self, amount: usize) {
        self.left.start = self.left.end.min(self.left.start + amount);
    }
}

/// An archive at work: takes the files that come out of it.
struct Opening<'a> {
    worker: &'a Worker<'a>,
    subject: &'a Subject<'a>,
    flaws: Vec<Flaw>,
    outcome: Outcome,
    gone: bool,
}

impl Sink for Opening<'_> {
    fn file(&mut self, member: Member<'_>, bytes: &mut dyn Read) {
        let (around, number) = (&self.subject.entry.path, self.subject.number);
        let entry = FileEntry {
            path: format!("{around}!{}", member.name),
            size: 0,
            executable: member.executable,
            sha256: None,
        };
        let subject = Subject {
            number: FileNumber {
                within: self.subject.budget.next_file(),
                ..number
            },
            entry: &entry,
            depth: self.subject.depth + 1,
            outside: around.len() + 1,
            size: member.size,
            budget: self.subject.budget,
        };
        if !self.gone {
            self.gone = self.worker.scan_file(&subject, bytes, &mut Vec::new()).is_err();
        }
    }

    fn flaw(&mut self, flaw: Flaw) {
        // The worst stays: what was not seen is not seen, whatever else is wrong.
        self.outcome = self.outcome.max(flaw.outcome);
        // Each is an entry's, so their number is bounded; those past what a file lists are only counted.
        self.flaws.push(flaw);
    }
}
