//! What holds for a scan as a whole, and for both engines together.

use std::io;
use std::sync::LazyLock;

use audit::untrusted::Untrusted;
use proptest::prelude::*;

use super::*;
use crate::content::{FileEntry, Memory};
use crate::engine::BundleScan;
use crate::finding::{Confidence, Finding, Found, Identity, Severity};
use crate::taint::lower::Here;

/// Compiled once: that takes longer than most of the scans here.
static SECRETS: LazyLock<Secrets> = LazyLock::new(|| Secrets::built_in().unwrap());

/// What [`Scanner::with_default_engines`] makes, but for what needs parsers.
fn scanner() -> Scanner {
    Scanner::with_engines(
        vec![Box::new(Structure), Box::new(SECRETS.clone())],
        FingerprintKey::new([3; 32]),
    )
}

fn scan(content: &dyn Content) -> Report {
    scanner().scan(content, &mut |_| {})
}

fn findings(path: &str, text: &str) -> Vec<Finding> {
    findings_of(path, text.as_bytes())
}

fn findings_of(path: &str, bytes: &[u8]) -> Vec<Finding> {
    scan(&Memory::new().with(path, bytes)).findings
}

fn rules(findings: &[Finding]) -> Vec<(&str, Severity)> {
    findings
        .iter()
        .map(|finding| (finding.rule.as_str(), finding.severity))
        .collect()
}

fn aws_key() -> String {
    SECRETS.samples("aws-access-key-id")[0].text.clone()
}

/// An engine that panics on files that say so, at the stage that they name.
struct Fragile;

impl Engine for Fragile {
    fn name(&self) -> &'static str {
        "fragile"
    }
    fn version(&self) -> u32 {
        1
    }
    fn rules(&self) -> Vec<RuleInfo> {
        Vec::new()
    }
    fn begin_bundle<'a>(&'a self, files: &'a [FileEntry]) -> Box<dyn BundleScan + 'a> {
        Box::new(FragileBundle {
            breaks: files.iter().any(|file| file.path == "at-the-end"),
        })
    }
}

struct FragileBundle {
    breaks: bool,
}

impl BundleScan for FragileBundle {
    fn begin_file<'a>(&'a self, file: &'a FileFacts) -> Option<Box<dyn FileScan + 'a>> {
        assert_ne!(file.path, "at-begin");
        Some(Box::new(FragileFile { path: &file.path }))
    }
    fn finish(self: Box<Self>, _out: &mut BundleFindings<'_>) {
        assert!(!self.breaks);
    }
}

struct FragileFile<'a> {
    path: &'a str,
}

impl FileScan for FragileFile<'_> {
    fn window(&mut self, window: &Window<'_>, out: &mut Findings<'_>) {
        out.add(Found {
            rule: "seen".to_owned(),
            severity: Severity::Low,
            confidence: Confidence::Low,
            cwe: None,
            message: String::new(),
            mend: String::new(),
            place: Some(window.place(0..1)),
            identity: Identity::Line,
        });
        assert_ne!(self.path, "at-window");
    }
    fn finish(self: Box<Self>, _out: &mut Findings<'_>) -> Outcome {
        assert_ne!(self.path, "at-finish");
        Outcome::Scanned
    }
}

#[test]
fn a_panic_at_any_stage_costs_one_engine_one_file() {
    let engines: Vec<Box<dyn Engine>> = vec![Box::new(Fragile), Box::new(Structure)];
    let scanner = Scanner::with_engines(engines, FingerprintKey::new([0; 32]));
    let content = ["at-begin", "at-window", "at-finish", "never"]
        .iter()
        .fold(Memory::new(), |c, path| c.with(path, "x"));
    let report = scanner.scan(&content, &mut |_| {});
    let outcomes: Vec<_> = report
        .files
        .iter()
        .map(|file| (file.outcomes["fragile"], file.outcomes["structure"]))
        .collect();
    let (crashed, scanned) = (Outcome::Crashed, Outcome::Scanned);
    assert_eq!(
        outcomes,
        [
            (crashed, scanned),
            (crashed, scanned),
            (crashed, scanned),
            (scanned, scanned)
        ]
    );
    assert_eq!((report.coverage.files, report.coverage.covered), (4, 1));
    // What it had found before it fell is kept.
    assert_eq!(report.counts.low, 3);
}

#[test]
fn a_panic_after_the_last_file_leaves_no_file_covered() {
    let scanner = Scanner::with_engines(vec![Box::new(Fragile)], FingerprintKey::new([0; 32]));
    let report = scanner.scan(&Memory::new().with("a", "x").with("at-the-end", "y"), &mut |_| {});
    assert_eq!(report.coverage.covered, 0);
}

#[test]
fn the_default_engines_are_those_that_policies_can_name() {
    let names: Vec<_> = Scanner::with_default_engines([0; 32], Arc::new(Here))
        .rules()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ENGINES);
}

#[test]
fn a_file_that_is_not_as_signed_is_an_integrity_failure() {
    let entry = |path: &str, signed: &[u8]| FileEntry {
        path: path.to_owned(),
        size: 5,
        executable: false,
        sha256: Some(Digest::of(signed)),
    };
    let content = Memory::new()
        .with_entry(entry("good", b"hello"), "hello")
        .with_entry(entry("bad", b"hello"), "hullo");
    let report = scan(&content);
    let failures: Vec<_> = report
        .integrity
        .iter()
        .map(|failure| (failure.path.raw(), failure.found))
        .collect();
    assert_eq!(failures, [("bad", Some(Digest::of(b"hullo")))]);
}

#[test]
fn a_file_shorter_than_it_was_signed_is_an_integrity_failure_and_covered_by_nobody() {
    let entry = FileEntry {
        path: "a".into(),
        size: 9,
        executable: false,
        sha256: Some(Digest::of(b"hello")),
    };
    let report = scan(&Memory::new().with_entry(entry, "hello"));
    assert_eq!(
        (
            report.integrity.len(),
            report.integrity[0].found,
            report.coverage.covered
        ),
        (1, None, 0)
    );
}

#[derive(Debug)]
struct Unreadable(Vec<FileEntry>);

impl Content for Unreadable {
    fn files(&self) -> &[FileEntry] {
        &self.0
    }
    fn read_at(&self, _: usize, _: u64, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_not_covered() {
    let entry = FileEntry {
        path: "a".into(),
        size: 9,
        executable: false,
        sha256: None,
    };
    let report = scan(&Unreadable(vec![entry]));
    assert_eq!(report.coverage.covered, 0);
    assert_eq!(
        report.files[0].unreadable.as_ref().map(Untrusted::raw),
        Some("permission denied")
    );
}

#[test]
fn the_report_does_not_depend_on_how_many_work_at_it() {
    let mut content = Memory::new();
    for number in 0..60 {
        let word = if number % 7 == 0 { "p\u{0430}y_all" } else { "pay_all" };
        content = content.with(&format!("f{number}.py"), format!("{word}()\n{}\n\u{202e}\n", aws_key()));
    }
    let reports = [1, 2, 7].map(|workers| scanner().with_workers(workers).scan(&content, &mut |_| {}).to_json());
    assert_eq!(reports[0], reports[1]);
    assert_eq!(reports[0], reports[2]);
}

#[test]
fn the_report_does_not_depend_on_the_windows() {
    let text = format!(
        "let a = 1; // \u{200b}\n{}\nlet p\u{0430}th = \"\u{202e}\";\r\n",
        aws_key()
    )
    .repeat(40);
    let content = Memory::new().with("a.rs", text);
    let small = Windowing {
        window: 1 << 12,
        overlap: 1 << 11,
    };
    let whole = scan(&content).to_json();
    assert_eq!(
        scanner().with_windowing(small).scan(&content, &mut |_| {}).to_json(),
        whole
    );
}

#[test]
fn a_report_reads_back_as_it_was_written() {
    let report = scan(&Memory::new().with("a.py", aws_key()).with("b.png", "text"));
    assert_eq!(Report::from_json(&report.to_json()).unwrap(), report);
}

#[test]
fn a_report_of_another_schema_is_refused() {
    let report = Report {
        schema: 2,
        ..scan(&Memory::new())
    };
    assert!(
        Report::from_json(&report.to_json())
            .unwrap_err()
            .to_string()
            .contains("schema 2")
    );
}

#[test]
fn a_planted_key_is_found_with_file_and_line() {
    let findings = findings("src/config.py", &format!("import os\n\n{}\n", aws_key()));
    let found: Vec<_> = findings
        .iter()
        .map(|f| (f.rule.as_str(), f.path.raw(), f.line))
        .collect();
    assert_eq!(found, [("aws-access-key-id", "src/config.py", Some(3))]);
}

#[test]
fn a_bidirectional_override_is_critical_and_found_with_its_line() {
    let findings = findings("a.c", "int a;\n/* \u{202e} } if (admin) { */\n");
    let found: Vec<_> = findings
        .iter()
        .map(|f| (f.rule.as_str(), f.severity, f.line, f.column))
        .collect();
    assert_eq!(found, [("bidi-control", Severity::Critical, Some(2), Some(4))]);
}

#[test]
fn a_secret_on_the_line_of_another_engines_finding_is_not_shown() {
    let key = aws_key();
    let report = scan(&Memory::new().with("a.py", format!("{key} # \u{202e}")));
    let secret = key.split('"').nth(1).unwrap();
    assert_eq!(report.findings.len(), 2);
    assert!(!String::from_utf8(report.to_json()).unwrap().contains(&secret[4..16]));
}

#[test]
fn ordinary_text_of_any_language_gives_nothing() {
    let hebrew = "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{5e2}\u{5d5}\u{5dc}\u{5dd}";
    let chinese = "\u{4f7f}\u{7528}json\u{89e3}\u{6790}";
    let emoji = "\u{2764}\u{fe0f} \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    for (path, text) in [
        ("a.py", format!("\u{feff}# {hebrew}\r\nx = 1  # {chinese} {emoji}\r\n")),
        (
            "a.rs",
            format!("/* {hebrew} {chinese} */ fn main() {{ println!(\"{emoji}\"); }}\n"),
        ),
        ("README.md", format!("# {hebrew}\n\n{chinese} {emoji}\n")),
        ("empty.rs", String::new()),
    ] {
        assert_eq!(rules(&findings(path, &text)), [], "{path}");
    }
}

#[test]
fn names_that_look_alike_in_two_files_are_reported_where_the_odd_one_is() {
    let odd = "\u{0441}\u{043e}\u{0440}\u{0435}"; // four Cyrillic letters that read "cope"
    let content = Memory::new()
        .with("a.py", "def cope(): pass\n")
        .with("b.py", format!("\n{odd}()\n"));
    let report = scan(&content);
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|f| (f.rule.as_str(), f.path.raw(), f.line))
        .collect();
    assert_eq!(found, [("lookalike-identifier", "b.py", Some(2))]);
    assert_eq!(report.files[1].worst, Some(Severity::High));
}

#[test]
fn the_same_odd_name_without_a_twin_is_a_word_of_its_language() {
    assert_eq!(rules(&findings("b.py", "\u{0441}\u{043e}\u{0440}\u{0435}()\n")), []);
}

#[test]
fn a_mixed_name_in_a_line_comment_is_low() {
    let found = findings("a.rs", "// p\u{0430}th\nlet x = 1;\n");
    assert_eq!(rules(&found), [("mixed-script-identifier", Severity::Low)]);
}

#[test]
fn a_row_of_variation_selectors_is_critical() {
    let found = findings("a.js", "eval(d(`x\u{fe00}\u{fe01}\u{fe05}\u{fe02}`))\n");
    assert_eq!(rules(&found), [("variation-selector", Severity::Critical)]);
}

#[test]
fn text_far_off_screen_is_reported() {
    let found = findings("a.js", &format!("ok();{}evil();\n", " ".repeat(300)));
    assert_eq!(rules(&found), [("off-screen", Severity::Medium)]);
}

#[test]
fn invalid_utf_8_in_a_program_is_one_finding_with_a_count() {
    let report = scan(&Memory::new().with("a.c", b"/* caf\xe9 \xe9 and a good deal of ASCII around */\n".to_vec()));
    assert_eq!(rules(&report.findings), [("invalid-utf-8", Severity::Low)]);
    assert!(
        report.findings[0]
            .message
            .raw()
            .starts_with("not UTF-8 here and in 1 more bytes")
    );
}

#[test]
fn a_binary_behind_a_head_of_text_is_medium_and_a_few_old_letters_in_prose_are_low() {
    let blob = [&b"hello ".repeat(20_000)[..], &[0xFF; 200_000]].concat();
    assert_eq!(
        rules(&findings_of("a.txt", &blob)),
        [("invalid-utf-8", Severity::Medium)]
    );
    let letter = b"Gr\xfc\xdfe aus einem alten Editor, und noch mehr Text\n".to_vec();
    assert_eq!(
        rules(&findings_of("a.txt", &letter)),
        [("invalid-utf-8", Severity::Low)]
    );
}

#[test]
fn paths_that_no_bundle_can_hold_and_paths_that_collide_are_reported() {
    let content = Memory::new()
        .with("a/CON", "x")
        .with("b/Name", "x")
        .with("b/name", "x")
        .with("c\u{202e}d", "x");
    let report = scan(&content);
    let mut found: Vec<_> = report
        .findings
        .iter()
        .map(|f| (f.rule.as_str(), f.path.raw()))
        .collect();
    found.sort_unstable();
    assert_eq!(found[0].0, "path-collision");
    assert_eq!(found[1..], [("path-refused", "a/CON"), ("path-refused", "c\u{202e}d")]);
}

#[test]
fn what_a_damaged_archive_holds_is_not_covered() {
    let report = scan(&Memory::new().with("a.zip", b"PK\x03\x04\x14\0\0\0rest".to_vec()));
    assert_eq!(report.files[0].outcomes["archives"], Outcome::Unsupported);
}

#[test]
fn no_line_is_too_long_and_no_file_too_dense() {
    let dense = format!("{} password='x' ", aws_key()).repeat(3000);
    let report = scan(
        &Memory::new()
            .with("a.py", dense)
            .with("b.py", "\u{200b}a".repeat(50_000)),
    );
    assert_eq!((report.counts.high, report.findings.len()), (53_000, 40));
    assert_eq!(report.findings_unlisted, 52_960);
}

#[test]
fn progress_ends_at_the_total() {
    let mut last = None;
    scanner().scan(&Memory::new().with("a", "12").with("b", "345"), &mut |progress| {
        last = Some(progress);
    });
    assert_eq!(
        last,
        Some(Progress {
            files: 2,
            files_total: 2,
            bytes: 5,
            bytes_total: 5
        })
    );
}

#[test]
fn the_desk_and_the_receiver_have_one_digest_of_the_rules_whatever_their_keys_and_wherever_they_parse() {
    let desk = Scanner::with_default_engines([1; 32], Arc::new(Here));
    let receiver = Scanner::with_default_engines([2; 32], Arc::new(crate::taint::lower::Nowhere));
    assert_eq!(desk.rules_digest(), receiver.rules_digest());
    let report = desk.scan(&Memory::new().with("a.txt", "plain"), &mut |_| {});
    assert_eq!(report.rules_digest, receiver.rules_digest());
}

#[test]
fn other_rules_give_another_digest() {
    let one = Scanner::with_engines(vec![Box::new(Structure)], FingerprintKey::new([0; 32]));
    assert_ne!(one.rules_digest(), scanner().rules_digest());
}

/// Names that make the engines take every path through their code.
const NAMES: [&str; 8] = ["a.py", "a.rs", "a.txt", ".env", "a.png", "a", "a.zip", "x.pdf.exe"];

/// Pieces that mean something to the engines, to be put between any bytes.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<Vec<u8>> = [
        "AKI\u{41}",
        "gh\u{70}_",
        "-----BEGIN PRIVATE KEY-----\n",
        "password = \"",
        "\u{202e}",
        "\u{e0041}",
        "\u{1f3f4}",
        "\u{fe0f}",
        "\u{200d}",
        "p\u{0430}",
        "eyJ",
        ".eyJ",
        "://a:",
        "\n",
        "// ",
        "\r",
        "           ",
        "PK\u{3}\u{4}",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([b"\xff\xfe".to_vec(), b"\x7fELF".to_vec(), b"\xf0\x9f".to_vec()])
    .collect();
    prop_oneof![
        3 => proptest::sample::select(known),
        2 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => "[A-Za-z0-9+/_-]{20,90}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_under_any_name_are_scanned_without_a_crash_and_hashed_alike_in_any_windows(
        pieces in proptest::collection::vec(piece(), 0..60),
        name in proptest::sample::select(NAMES.to_vec()),
    ) {
        let bytes = pieces.concat();
        let content = Memory::new().with(name, bytes);
        let whole = scan(&content);
        prop_assert!(whole.files[0].outcomes.values().all(|outcome| *outcome != Outcome::Crashed));
        prop_assert_eq!(Report::from_json(&whole.to_json()).unwrap(), whole.clone());
        let small = scanner().with_windowing(Windowing { window: 96, overlap: 64 }).scan(&content, &mut |_| {});
        prop_assert!(small.files[0].outcomes.values().all(|outcome| *outcome != Outcome::Crashed));
        prop_assert_eq!(small.files[0].sha256, whole.files[0].sha256);
    }
}

#[test]
fn lines_that_only_the_language_sees_are_named() {
    let first = |path, text: &str| {
        rules(&findings(path, text))
            .first()
            .copied()
            .map(|(rule, severity)| (rule.to_owned(), severity))
    };
    let named = |rule: &str, severity| Some((rule.to_owned(), severity));
    let python = "# coding: utf-7\nimport os\n";
    assert_eq!(first("setup.py", python), named("odd-source-encoding", Severity::High));
    assert_eq!(first("a.py", "# coding: utf-8\nimport os\n"), None);
    let java = format!("class A {{ // note {}u000a f();\n}}\n", '\\');
    assert_eq!(first("A.java", &java), named("escaped-line-end", Severity::High));
    assert_eq!(
        first("b.py", "x = 1 # note\rf()\n"),
        named("lone-carriage-return", Severity::Medium)
    );
}
