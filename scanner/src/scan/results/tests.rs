//! That nobody can tell by a report whether results of an earlier scan were used; and what is never kept.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use audit::storage::MemoryStorage;

use super::*;
use crate::archive::testing::{tar, tar_file};
use crate::content::{Content, FileEntry, Memory};
use crate::engine::{BundleScan, Engine, FileScan, Findings, Outcome, Window};
use crate::facts::{FileFacts, Language};
use crate::finding::RuleInfo;
use crate::report::Report;
use crate::scan::Scanner;
use crate::secrets::Secrets;
use crate::structure::Structure;
use crate::taint::engine::Sast;
use crate::taint::lower::{Here, LowerFault, Lowered, Lowerer, Nowhere, lower};

static SECRETS: LazyLock<Secrets> = LazyLock::new(|| Secrets::built_in().unwrap());
static SAST: LazyLock<Sast> = LazyLock::new(|| Sast::built_in(Arc::new(Here)).unwrap());
const RESULTS: &str = "results";

/// Lowers here, and counts.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Lowerer for Counting {
    fn lower(&self, language: Language, source: &[u8]) -> Result<Lowered, LowerFault> {
        self.0.fetch_add(1, Ordering::Relaxed);
        lower(language, source)
    }
}

/// A desk: its folder, and how often a file was lowered at it.
#[derive(Default)]
struct Desk {
    storage: Arc<MemoryStorage>,
    lowered: Counting,
}

impl Desk {
    fn engines(&self) -> Vec<Box<dyn Engine>> {
        let sast = SAST.lowered_by(Arc::new(self.lowered.clone()));
        vec![Box::new(Structure), Box::new(SECRETS.clone()), Box::new(sast)]
    }

    fn without(&self) -> Scanner {
        Scanner::with_engines(self.engines(), FingerprintKey::new([9; 32])).with_workers(2)
    }

    fn keeping(&self, scanner: Scanner) -> (Scanner, Option<CacheFault>) {
        let storage = Arc::clone(&self.storage);
        scanner.with_results(storage, RESULTS.as_ref())
    }

    /// A run that uses and stores results, and how many files were lowered in it.
    fn run(&self, content: &Memory) -> (Report, usize) {
        let (scanner, fault) = self.keeping(self.without());
        assert_eq!(fault, None);
        self.run_with(&scanner, content)
    }

    fn run_with(&self, scanner: &Scanner, content: &Memory) -> (Report, usize) {
        let before = self.lowered.0.load(Ordering::Relaxed);
        let report = scanner.scan(content, &mut |_| {});
        scanner.store_results().unwrap();
        (report, self.lowered.0.load(Ordering::Relaxed) - before)
    }

    /// The report of a run that knows nothing.
    fn anew(content: &Memory) -> Report {
        Self::default().without().scan(content, &mut |_| {})
    }

    fn stored(&self) -> Vec<u8> {
        let file = self.storage.open(RESULTS.as_ref(), OpenHow::Read).unwrap();
        file.read_all(MAX_BYTES as u64).unwrap()
    }

    fn replace(&self, bytes: &[u8]) {
        replace_durable(&*self.storage, RESULTS.as_ref(), bytes, 0o600).unwrap();
    }
}

const VIEW: &str = "import os\nfrom flask import request\nfrom shop.tools import call\n\ndef view():\n    call(request.args['x'])\n    os.system(request.args['y'])\n";
const TOOLS: &str = "import os\n\ndef call(what):\n    os.system('ls ' + what)\n";
const SAFE_TOOLS: &str = "import os\nimport shlex\n\ndef call(what):\n    os.system('ls ' + shlex.quote(what))\n";

/// Two files that call each other, some that do not, and an archive.
fn shop(view: &str, tools: &str) -> Memory {
    Memory::new()
        .with("shop/view.py", view)
        .with("shop/tools.py", tools)
        .with("app.js", "app.get('/x', (req, res) => res.send(eval(req.query.x)));\n")
        .with("README.md", "# Shop\n")
        .with("empty", "")
        .with("all.tar", archive(view))
}

fn archive(view: &str) -> Vec<u8> {
    tar(&[tar_file("inner/view.py", view.as_bytes())])
}

fn rules(report: &Report, path: &str) -> Vec<String> {
    let own = report.findings.iter().filter(|finding| finding.path == path);
    own.map(|finding| finding.rule.clone()).collect()
}

#[test]
fn a_second_run_gives_the_same_bytes_and_lowers_nothing() {
    let desk = Desk::default();
    let content = shop(VIEW, TOOLS);
    let expected = Desk::anew(&content).to_json();
    let (first, lowered) = desk.run(&content);
    assert!(lowered > 3);
    assert_eq!(first.to_json(), expected);
    let (second, lowered) = desk.run(&content);
    assert_eq!(second.to_json(), expected);
    assert_eq!(lowered, 0);
    // With the same number of workers or another.
    let (alone, _) = desk.keeping(desk.without().with_workers(1));
    assert_eq!(alone.scan(&content, &mut |_| {}).to_json(), expected);
    // What is found is worth comparing: between files, by itself, and within the archive.
    assert_eq!(rules(&second, "shop/view.py").len(), 2);
    assert_eq!(rules(&second, "all.tar!inner/view.py").len(), 2);
}

#[test]
fn a_run_after_a_change_gives_what_a_run_that_knows_nothing_gives() {
    let desk = Desk::default();
    desk.run(&shop(VIEW, TOOLS));
    let other_view = VIEW.replace("args['x']", "args['z']");
    let no_call = VIEW.replace("    call(request.args['x'])\n", "");
    for (view, tools) in [
        (VIEW, SAFE_TOOLS),
        (VIEW, TOOLS),
        (&other_view, TOOLS),
        (&no_call, TOOLS),
        (&other_view, SAFE_TOOLS),
        (VIEW, ""),
    ] {
        let content = shop(view, tools);
        assert_eq!(
            desk.run(&content).0.to_json(),
            Desk::anew(&content).to_json(),
            "{view}{tools}"
        );
    }
}

#[test]
fn only_what_changed_and_what_calls_it_is_lowered_again() {
    let desk = Desk::default();
    desk.run(&shop(VIEW, TOOLS));
    // The file itself, and the two that call it, one of them in an archive.
    assert_eq!(desk.run(&shop(VIEW, &TOOLS.replace("ls", "cat"))).1, 3);
    // Both are known by now.
    assert_eq!(desk.run(&shop(VIEW, TOOLS)).1, 0);
}

#[test]
fn the_same_bytes_under_another_path_are_another_file() {
    let desk = Desk::default();
    desk.run(&Memory::new().with("a.py", VIEW));
    let content = Memory::new().with("b/a.py", VIEW).with("a.txt", VIEW);
    assert_eq!(desk.run(&content).0.to_json(), Desk::anew(&content).to_json());
}

#[test]
fn the_same_file_in_another_bundle_is_followed_into_that_ones_files() {
    let desk = Desk::default();
    desk.run(&Memory::new().with("shop/view.py", VIEW));
    let (report, _) = desk.run(&shop(VIEW, TOOLS));
    assert_eq!(rules(&report, "shop/view.py").len(), 2);
    let alone = Memory::new().with("shop/view.py", VIEW);
    assert_eq!(desk.run(&alone).0.to_json(), Desk::anew(&alone).to_json());
}

#[test]
fn other_rules_or_no_parsers_find_nothing_that_was_kept() {
    let desk = Desk::default();
    let content = shop(VIEW, TOOLS);
    desk.run(&content);
    for sast in [
        Sast::with_rules(&[], Arc::new(Here)).unwrap(),
        SAST.lowered_by(Arc::new(Nowhere)),
    ] {
        let engines = || -> Vec<Box<dyn Engine>> { vec![Box::new(Structure), Box::new(sast.clone())] };
        let scanner = |engines| Scanner::with_engines(engines, FingerprintKey::new([9; 32]));
        let (keeping, fault) = desk.keeping(scanner(engines()));
        assert_eq!(fault, None);
        let expected = scanner(engines()).scan(&content, &mut |_| {});
        assert_eq!(keeping.scan(&content, &mut |_| {}).to_json(), expected.to_json());
    }
}

#[test]
fn a_file_with_a_secret_is_looked_at_each_time_and_its_bytes_are_nowhere() {
    let desk = Desk::default();
    let sample = &SECRETS.samples("aws-access-key-id")[0].text;
    let content = Memory::new()
        .with("shop/view.py", format!("{VIEW}# {sample}\n"))
        .with("key.txt", sample.as_bytes())
        .with("kept.txt", "nothing to hide");
    let (first, lowered) = desk.run(&content);
    assert!(first.findings.iter().any(|finding| finding.engine == "secrets"));
    let (second, again) = desk.run(&content);
    assert_eq!((second.to_json(), again), (first.to_json(), lowered));
    let stored = desk.stored();
    let secret = sample.split_whitespace().max_by_key(|word| word.len()).unwrap();
    let shown = secret.trim_matches(|c: char| !c.is_ascii_alphanumeric()).as_bytes();
    assert!(!stored.windows(shown.len()).any(|window| window == shown));
}

#[test]
fn a_store_that_was_changed_anywhere_is_not_used_and_is_replaced() {
    let desk = Desk::default();
    let content = shop(VIEW, TOOLS);
    let expected = desk.run(&content).0;
    let stored = desk.stored();
    for at in (0..stored.len()).step_by(stored.len() / 6) {
        let mut changed = stored.clone();
        changed[at] ^= 0x10;
        for bytes in [changed.as_slice(), &stored[..at]] {
            desk.replace(bytes);
            let (scanner, fault) = desk.keeping(desk.without());
            assert!(fault.is_some(), "{at}");
            let (report, lowered) = desk.run_with(&scanner, &content);
            assert_eq!((report == expected, lowered > 3), (true, true), "{at}");
            assert_eq!(desk.run(&content).1, 0);
        }
    }
}

#[test]
fn what_the_bytes_alone_do_not_say_is_not_kept() {
    let desk = Desk::default();
    let entry = |sha256| FileEntry {
        path: "a.py".to_owned(),
        size: VIEW.len() as u64,
        executable: false,
        sha256: Some(sha256),
    };
    let right = Memory::new().with_entry(entry(Digest::of(VIEW.as_bytes())), VIEW);
    assert!(desk.run(&right).0.integrity.is_empty());
    // Kept by now; the signed digest is compared all the same.
    let wrong = Memory::new().with_entry(entry(Digest::of(b"other")), VIEW);
    assert_eq!(desk.run(&wrong).0.integrity.len(), 1);
    let executable = Memory::new().with_entry(
        FileEntry {
            executable: true,
            ..entry(Digest::of(VIEW.as_bytes()))
        },
        VIEW,
    );
    assert_eq!(desk.run(&executable).0, Desk::anew(&executable));
}

/// An engine that ends as it is told, and counts the files that it was shown.
struct Ending(Outcome, Arc<AtomicUsize>);

impl Engine for Ending {
    fn name(&self) -> &'static str {
        "ending"
    }
    fn version(&self) -> u32 {
        1
    }
    fn rules(&self) -> Vec<RuleInfo> {
        Vec::new()
    }
    fn by_file(&self) -> bool {
        true
    }
    fn begin_bundle<'a>(&'a self, _files: &'a [FileEntry]) -> Box<dyn BundleScan + 'a> {
        Box::new(BundleEnding(self))
    }
}

struct BundleEnding<'a>(&'a Ending);

impl BundleScan for BundleEnding<'_> {
    fn begin_file<'a>(&'a self, _file: &'a FileFacts) -> Option<Box<dyn FileScan + 'a>> {
        self.0.1.fetch_add(1, Ordering::Relaxed);
        Some(Box::new(FileEnding(self.0.0)))
    }
}

struct FileEnding(Outcome);

impl FileScan for FileEnding {
    fn window(&mut self, _window: &Window<'_>, _out: &mut Findings<'_>) {}
    fn finish(self: Box<Self>, _out: &mut Findings<'_>) -> Outcome {
        self.0
    }
}

#[test]
fn only_a_file_that_was_scanned_is_not_scanned_again() {
    for (outcome, shown) in [
        (Outcome::Scanned, 1),
        (Outcome::Unsupported, 2),
        (Outcome::OverLimit, 2),
        (Outcome::TimedOut, 2),
        (Outcome::Crashed, 2),
    ] {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let count = Arc::new(AtomicUsize::new(0));
        let content = Memory::new().with("a", "x");
        for _ in 0..2 {
            let engines: Vec<Box<dyn Engine>> = vec![Box::new(Ending(outcome, Arc::clone(&count)))];
            let scanner = Scanner::with_engines(engines, FingerprintKey::new([9; 32]));
            let (scanner, _) = scanner.with_results(Arc::clone(&storage), RESULTS.as_ref());
            let report = scanner.scan(&content, &mut |_| {});
            assert_eq!(report.files[0].outcomes["ending"], outcome);
            scanner.store_results().unwrap();
        }
        assert_eq!(count.load(Ordering::Relaxed), shown, "{outcome}");
        assert_eq!(content.files().len(), 1);
    }
}

#[test]
fn of_the_weaknesses_of_a_test_those_that_are_not_listed_pass_too_found_anew_or_kept() {
    let text = format!(
        "import requests\n{}",
        "requests.get('https://a.example', verify=False)\n".repeat(30)
    );
    let desk = Desk::default();
    for (path, passing) in [("tests/a.py", 30), ("a.py", 0), ("tests/a.py", 30)] {
        let (report, _) = desk.run(&Memory::new().with(path, text.as_bytes()));
        assert_eq!(
            (report.counts.medium, report.counts_in_tests.medium),
            (30, passing),
            "{path}"
        );
        assert!(report.findings.len() < 30);
    }
}
