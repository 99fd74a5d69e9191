//! The scanner: every engine over every file of a content, several files at once, each file read once.
//!
//! ```text
//! content ─▶ workers: read a window ─▶ digest, type, engines ─┐   one file at a time each,
//!                     …                 archives, opened      ├─▶ collected in any order, reported in one order
//!            workers: …                                       ┘   files in archives behind the archive
//! ```
//!
//! Always true:
//! - the report does not depend on how many workers there are, nor on which was faster, nor on what was kept of earlier scans;
//! - memory is bounded by the windows of the workers and by the listed findings and files, whatever the content holds;
//! - a panic in an engine, for one file, is that engine's outcome for that file.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock};
use std::thread;

use audit::storage::Storage;
use protocol::digest::{Digest, Hasher};

use crate::additions::{AdditionInfo, Additions, RuleFault};
use crate::agents::Agents;
use crate::archive;
use crate::compliance::Compliance;
use crate::content::Content;
use crate::dependencies::{self, AsOf, Dependencies, DependencyOptions};
use crate::engine::{
    BundleFindings, BundleScan, Engine, FileScan, Findings, FingerprintKey, Outcome, RuleDetail, Window, Windowing,
    room,
};
use crate::facts::FileFacts;
use crate::finding::RuleInfo;
use crate::report::{EngineInfo, Report};
use crate::secrets::Secrets;
use crate::structure::Structure;
use crate::taint::lower::Lowering;

mod cache;
mod gathered;
pub(crate) mod kept;
mod packages;
mod ranking;
mod results;
mod work;

pub(crate) use self::cache::Cache;
pub use self::cache::CacheFault;
use self::gathered::Gathered;
use self::results::Results;
use self::work::Worker;

/// The engines of this version, and the stage that opens archives, for policies that name them.
pub const ENGINES: [&str; 8] = [
    archive::NAME,
    "structure",
    "secrets",
    "malware",
    "sast",
    "agents",
    "compliance",
    dependencies::NAME,
];

/// Files at work at once, at most: each takes a window of memory.
const MAX_WORKERS: usize = 16;

/// Engines, and how they are run.
pub struct Scanner {
    engines: Vec<Box<dyn Engine>>,
    key: FingerprintKey,
    workers: usize,
    windowing: Windowing,
    /// Where results of files are kept for the next scan.
    results: Option<Results>,
    /// What of the rules is an operator's.
    additions: Vec<AdditionInfo>,
    /// Of all rules, once somebody asked: lists of names are in them.
    rules_digest: OnceLock<Digest>,
}

/// How far a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Files that are done.
    pub files: u64,
    /// Files in all.
    pub files_total: u64,
    /// Bytes that are done.
    pub bytes: u64,
    /// Bytes in all.
    pub bytes_total: u64,
}

impl std::fmt::Debug for Scanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.engines.iter().map(|engine| engine.name()).collect();
        f.debug_struct("Scanner")
            .field("engines", &names)
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}

impl Scanner {
    /// All engines of this version, and the key of the fingerprints; programs are parsed where `lowering` says.
    ///
    /// # Panics
    /// If the rules that the program is built with cannot be read, which a test shows not to happen.
    #[must_use]
    pub fn with_default_engines(fingerprint_key: [u8; 32], lowering: Arc<dyn Lowering>) -> Self {
        const BUILT_IN: &str = "the built-in rules are part of the program, and tests read them";
        Self::with_additions(fingerprint_key, lowering, &Additions::default(), AsOf::default())
            .unwrap_or_else(|fault| panic!("{BUILT_IN}: {fault}"))
    }

    /// All engines of this version, with what an operator adds to their rules; advisories are judged by the time that `as_of` shows.
    ///
    /// # Errors
    /// [`RuleFault`] naming the file, its line and the reason; nothing of any file is used then.
    ///
    /// # Panics
    /// As [`Scanner::with_default_engines`] does.
    pub fn with_additions(
        fingerprint_key: [u8; 32],
        lowering: Arc<dyn Lowering>,
        additions: &Additions,
        as_of: AsOf,
    ) -> Result<Self, RuleFault> {
        const BUILT_IN: &str = "the built-in rules are part of the program, and tests read them";
        // To compile the rules takes longer than to scan a small bundle.
        let (secrets, agents, added) = thread::scope(|scope| {
            let added = scope.spawn(|| additions.engines(lowering));
            (Secrets::built_in(), Agents::built_in(), room::joined(added))
        });
        let secrets = secrets.unwrap_or_else(|error| panic!("{BUILT_IN}: {error}"));
        let agents = agents.unwrap_or_else(|error| panic!("{BUILT_IN}: {error}"));
        let added = added?;
        let engines: Vec<Box<dyn Engine>> = vec![
            Box::new(Structure),
            Box::new(secrets),
            Box::new(added.malware),
            Box::new(added.sast),
            Box::new(agents),
            Box::new(Compliance),
            Box::new(Dependencies::new(DependencyOptions {
                advisories: added.advisories,
                known_names: added.known_names,
                as_of,
            })),
        ];
        Ok(Self {
            additions: added.infos,
            ..Self::with_engines(engines, FingerprintKey::new(fingerprint_key))
        })
    }

    /// These engines, and no others.
    #[must_use]
    pub fn with_engines(engines: Vec<Box<dyn Engine>>, key: FingerprintKey) -> Self {
        let workers = thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
        Self {
            engines,
            key,
            workers,
            windowing: Windowing::default(),
            results: None,
            additions: Vec::new(),
            rules_digest: OnceLock::new(),
        }
    }

    /// With this many files at work at once, from 1 to 16.
    #[must_use]
    pub fn with_workers(mut self, workers: usize) -> Self {
        self.workers = workers.clamp(1, MAX_WORKERS);
        self
    }

    /// Keeps results of files for the next scan, in the file `path` of `storage`, and uses those that are there; also says why those cannot be
    /// used, if they cannot. They are of use to this very program alone, and to whoever has the key of the fingerprints.
    #[must_use]
    pub fn with_results(self, storage: Arc<dyn Storage>, path: &Path) -> (Self, Option<CacheFault>) {
        let (results, fault) = Results::open(storage, path, &self.key, |program| self.identity(program));
        (Self { results, ..self }, fault)
    }

    /// Stores what is new of the results that are kept. Two programs that store at once take turns; the later one's stay.
    ///
    /// # Errors
    /// The storage's. What was stored before is then still there.
    pub fn store_results(&self) -> io::Result<()> {
        self.results.as_ref().map_or(Ok(()), Results::store)
    }

    /// What results of files depend on, beside the file.
    fn identity(&self, program: Digest) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(b"results of files\0");
        hasher.update(program.as_bytes());
        for engine in self.engines.iter().filter(|engine| engine.by_file()) {
            let (name, version, rules) = (engine.name(), engine.version(), engine.rules_digest());
            hasher.update(format!("{name}/{version}\0{rules}\0").as_bytes());
        }
        let Windowing { window, overlap } = self.windowing;
        hasher.update(format!("{window}/{overlap}").as_bytes());
        hasher.finish()
    }

    #[cfg(test)]
    pub(crate) fn with_windowing(mut self, windowing: Windowing) -> Self {
        self.windowing = windowing;
        self
    }

    /// What of the rules is an operator's, by file name.
    #[must_use]
    pub fn additions(&self) -> &[AdditionInfo] {
        &self.additions
    }

    /// The rules of the archive stage and of the engines.
    #[must_use]
    pub fn rules(&self) -> Vec<(&'static str, Vec<RuleInfo>)> {
        let engines = self.engines.iter().map(|engine| (engine.name(), engine.rules()));
        std::iter::once((archive::NAME, archive::rules::infos()))
            .chain(engines)
            .collect()
    }

    /// What `engine` has to tell about rule `id`.
    #[must_use]
    pub fn detail(&self, engine: &str, id: &str) -> RuleDetail {
        let engine = self.engines.iter().find(|known| known.name() == engine);
        engine.map(|engine| engine.detail(id)).unwrap_or_default()
    }

    /// A digest over all rules and the engines' versions: when it differs, a scan may say something else.
    #[must_use]
    pub fn rules_digest(&self) -> Digest {
        *self.rules_digest.get_or_init(|| {
            let mut hasher = Hasher::new();
            for info in self.engines() {
                hasher.update(format!("{}/{}\0{}\0", info.name, info.version, info.rules).as_bytes());
            }
            hasher.finish()
        })
    }

    /// Scans all files of `content`.
    pub fn scan(&self, content: &dyn Content, progress: &mut dyn FnMut(Progress)) -> Report {
        let files = content.files();
        let bundles: Vec<Option<Box<dyn BundleScan + '_>>> = self
            .engines
            .iter()
            .map(|engine| fenced(|| engine.begin_bundle(files)))
            .collect();
        let mut gathered = Gathered::new(
            files.len(),
            files.iter().fold(0, |sum, file| sum.saturating_add(file.size)),
        );
        let cache = self.results.as_ref().map(Results::cache);
        let cache = cache.filter(|_| {
            let mut begun = self.engines.iter().zip(&bundles);
            // One that cannot even start has scanned no file, whatever is known of it.
            begun.all(|(engine, bundle)| bundle.is_some() || !engine.by_file())
        });
        let next = AtomicUsize::new(0);
        let workers = self.workers.min(files.len());
        // A slow collector holds the workers back; what waits is bounded.
        let (sender, receiver) = sync_channel(workers.max(1));
        thread::scope(|scope| {
            for _ in 0..workers {
                let sender = sender.clone();
                let (bundles, next) = (&bundles, &next);
                let work = move || {
                    let worker = Worker {
                        scanner: self,
                        content,
                        bundles,
                        sender: &sender,
                        cache,
                    };
                    self.work(&worker, next);
                };
                room::spawn(scope, work);
            }
            drop(sender);
            for done in receiver {
                gathered.take(done);
                progress(gathered.progress);
            }
        });
        for (engine, bundle) in self.engines.iter().zip(bundles) {
            let cache = cache.filter(|_| engine.by_file());
            self.finish_bundle(engine.as_ref(), bundle, cache, &mut gathered);
        }
        if let Some(cache) = cache {
            cache.end_scan();
        }
        gathered.into_report(content, self.engines(), self.rules_digest())
    }

    /// The archive stage and the engines, each with its version and the digest of its rules.
    #[must_use]
    pub fn engines(&self) -> Vec<EngineInfo> {
        let info = |engine: &dyn Engine| EngineInfo {
            name: engine.name().to_owned(),
            version: engine.version(),
            rules: engine.rules_digest(),
        };
        let archives = EngineInfo {
            name: archive::NAME.to_owned(),
            version: archive::VERSION,
            rules: Digest::of(&serde_json::to_vec(&archive::rules::infos()).unwrap_or_default()),
        };
        let engines = self.engines.iter().map(|engine| info(engine.as_ref()));
        std::iter::once(archives).chain(engines).collect()
    }

    /// One worker: takes the next file until there is none.
    fn work(&self, worker: &Worker<'_>, next: &AtomicUsize) {
        let mut buf = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if worker.scan(index, &mut buf).is_err() {
                return;
            }
        }
    }

    /// Starts every engine on a file, but for those that are left out. One that cannot even start has crashed on it.
    fn begin_file<'a>(
        &'a self,
        bundles: &'a [Option<Box<dyn BundleScan + 'a>>],
        facts: &'a FileFacts,
        left_out: impl Fn(&dyn Engine) -> bool,
    ) -> Vec<FenceOf<'a>> {
        let engines = self.engines.iter().zip(bundles);
        let engines = engines.filter(|(engine, _)| !left_out(engine.as_ref()));
        let started = engines.filter_map(|(engine, bundle)| {
            let begun = match bundle {
                Some(bundle) => fenced(|| bundle.begin_file(facts)),
                None => None,
            };
            match begun {
                Some(None) => None,
                Some(Some(scan)) => Some(FenceOf {
                    engine: engine.name(),
                    scan: Some(scan),
                }),
                None => Some(FenceOf {
                    engine: engine.name(),
                    scan: None,
                }),
            }
        });
        started.collect()
    }

    fn finish_bundle(
        &self,
        engine: &dyn Engine,
        bundle: Option<Box<dyn BundleScan + '_>>,
        cache: Option<&Cache>,
        gathered: &mut Gathered,
    ) {
        let mut found = BundleFindings::new(&self.key, engine.name(), cache);
        let finished = bundle.and_then(|bundle| fenced(|| bundle.finish(&mut found)));
        if finished.is_none() {
            gathered.crash_all(engine.name());
        }
        gathered.take_between(engine.name(), found);
    }
}

/// Runs engine code; `None` if it panicked.
fn fenced<T>(run: impl FnOnce() -> T) -> Option<T> {
    // What an engine leaves half-done is its own, and is dropped; findings are only ever appended to.
    catch_unwind(AssertUnwindSafe(run)).ok()
}

/// An engine at work on a file, behind a fence.
struct FenceOf<'a> {
    engine: &'static str,
    /// `None` once it panicked.
    scan: Option<Box<dyn FileScan + 'a>>,
}

impl FenceOf<'_> {
    fn feed(&mut self, window: &Window<'_>, findings: &mut Findings<'_>) {
        findings.set_engine(self.engine);
        let Some(scan) = &mut self.scan else { return };
        if fenced(|| scan.window(window, findings)).is_none() {
            self.forget();
        }
    }

    /// Drops the engine's scan, which may panic once more.
    fn forget(&mut self) {
        let scan = self.scan.take();
        let _dropped = fenced(|| drop(scan));
    }

    /// Ends the file; `unseen` says how, where it could not be read to its end.
    fn finish(mut self, unseen: Option<Outcome>, findings: &mut Findings<'_>) -> (String, Outcome) {
        findings.set_engine(self.engine);
        let name = self.engine.to_owned();
        if let Some(outcome) = unseen {
            self.forget();
            return (name, outcome);
        }
        let outcome = match self.scan.take() {
            Some(scan) => fenced(|| scan.finish(findings)).unwrap_or(Outcome::Crashed),
            None => Outcome::Crashed,
        };
        (name, outcome)
    }
}

#[cfg(test)]
mod tests;
