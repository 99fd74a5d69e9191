//! What is named in archives, and what is refused: archives are made here, scanned, and judged by the default policy.

use std::sync::{Arc, LazyLock};

use audit::event::Verdict;

use super::testing::{ZipEntry, bzip2, eicar, gzip, pax, tar, tar_entry, tar_file, zip, zstd};
use crate::content::Memory;
use crate::engine::Outcome;
use crate::finding::Severity;
use crate::policy::Policy;
use crate::report::Report;
use crate::scan::Scanner;
use crate::taint::lower::Here;

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::with_default_engines([5; 32], Arc::new(Here)));

fn scan(name: &str, bytes: Vec<u8>) -> Report {
    SCANNER.scan(&Memory::new().with(name, bytes), &mut |_| {})
}

fn verdict(report: &Report) -> Verdict {
    let policy = Policy::parse(Policy::default_text(), "default").unwrap();
    policy.judge(report).verdict()
}

/// Rules of a report with the paths that they name.
fn named(report: &Report) -> Vec<(&str, &str)> {
    let findings = report.findings.iter();
    findings.map(|found| (found.rule.as_str(), found.path.raw())).collect()
}

/// How the archive stage ended with the outermost file.
fn outcome(report: &Report) -> Outcome {
    report.files[0].outcomes["archives"]
}

/// The archive is refused under `rule` and cannot pass.
fn assert_refused(name: &str, bytes: Vec<u8>, rule: &str) {
    let report = scan(name, bytes);
    assert!(named(&report).contains(&(rule, name)), "{rule}: {:#?}", report.findings);
    assert_ne!(verdict(&report), Verdict::Allow, "{rule}");
}

fn plain(name: &str) -> ZipEntry {
    ZipEntry::new(name, "print('hello')\n")
}

#[test]
fn ordinary_archives_of_every_kind_are_covered_and_allowed() {
    let files = [
        tar_file("p/setup.py", b"print('hello')\n"),
        tar_entry("p/", b'5', "", 0, b""),
    ];
    let tarred = tar(&files);
    let mut streamed = plain("p/b.py");
    streamed.descriptor = true;
    let mut stored = plain("p/c.py");
    stored.deflated = false;
    for (name, bytes, first) in [
        (
            "a.zip",
            zip(&[plain("p/setup.py"), streamed, stored]),
            "a.zip!p/setup.py",
        ),
        ("a.tar", tarred.clone(), "a.tar!p/setup.py"),
        ("a.tar.gz", gzip(&tarred), "a.tar.gz!p/setup.py"),
        ("a.tar.zst", zstd(&tarred), "a.tar.zst!p/setup.py"),
        ("a.tar.bz2", bzip2(&tarred), "a.tar.bz2!p/setup.py"),
        ("setup.py.gz", gzip(b"print('hello')\n"), "setup.py.gz!setup.py"),
        ("empty.zip", zip(&[]), ""),
    ] {
        let report = scan(name, bytes);
        assert_eq!(report.findings, [], "{name}");
        assert_eq!(report.coverage.covered, report.coverage.files, "{name}");
        assert_eq!(verdict(&report), Verdict::Allow, "{name}");
        let file = report.files.get(1);
        assert_eq!(file.map_or("", |file| file.path.raw()), first);
        assert!(
            file.is_none_or(|file| file.detected_type == "text.python" && file.depth == 1),
            "{name}"
        );
    }
}

#[test]
fn the_test_virus_in_a_zip_in_a_compressed_tar_is_named_where_it_lies() {
    let inner = zip(&[plain("a.py"), ZipEntry::new("docs/eicar.com.txt", eicar())]);
    let report = scan("outer.tar.gz", gzip(&tar(&[tar_file("inner.zip", &inner)])));
    let lies_in = "outer.tar.gz!inner.zip!docs/eicar.com.txt";
    let by = report
        .findings
        .iter()
        .map(|found| (found.engine.as_str(), found.path.raw()));
    assert_eq!(by.collect::<Vec<_>>(), [("malware", lies_in)]);
    assert_eq!(verdict(&report), Verdict::Reject);
    let paths: Vec<_> = report.files.iter().map(|file| (file.path.raw(), file.depth)).collect();
    assert_eq!(
        paths,
        [
            ("outer.tar.gz", 0),
            ("outer.tar.gz!inner.zip", 1),
            ("outer.tar.gz!inner.zip!a.py", 2),
            ("outer.tar.gz!inner.zip!docs/eicar.com.txt", 2)
        ]
    );
}

#[test]
fn a_trojan_source_of_each_kind_is_named_in_an_archive() {
    let bidi = "if access_level != \"user\u{202E} \u{2066}// admin\u{2069} \u{2066}\" {\n";
    let homoglyph = "def admin():\n    pass\ndef \u{0430}dmin():\n    pass\n";
    let invisible = "is_admin\u{200B} = True\n";
    let files = [
        ("bidi.js", bidi),
        ("homoglyph.py", homoglyph),
        ("invisible.py", invisible),
    ];
    let entries: Vec<_> = files.iter().map(|(name, text)| ZipEntry::new(name, *text)).collect();
    let report = scan("a.zip", zip(&entries));
    for (rule, path) in [
        ("bidi-control", "a.zip!bidi.js"),
        ("mixed-script-identifier", "a.zip!homoglyph.py"),
        ("zero-width", "a.zip!invisible.py"),
    ] {
        assert!(named(&report).contains(&(rule, path)), "{rule}: {:#?}", report.findings);
    }
    assert_eq!(verdict(&report), Verdict::Reject);
}

#[test]
fn a_secret_in_an_archive_has_a_line_and_is_not_shown() {
    let secrets = crate::secrets::Secrets::built_in().unwrap();
    let sample = &secrets.samples("aws-access-key-id")[0];
    let report = scan("a.tgz", gzip(&tar(&[tar_file("p/config.py", sample.text.as_bytes())])));
    let found = report
        .findings
        .iter()
        .find(|found| found.rule == "aws-access-key-id")
        .unwrap();
    assert_eq!((found.path.raw(), found.line), ("a.tgz!p/config.py", Some(1)));
}

#[test]
fn a_bomb_of_bombs_is_named_and_expands_little() {
    // The shape of the well-known one: each level holds sixteen of the next, and the last is all zeros.
    let zeros = zip(&[ZipEntry::new("0.dll", vec![0; 8 << 20])]);
    let mut level = zeros;
    for _ in 0..3 {
        let copies: Vec<_> = (0..16)
            .map(|n| ZipEntry::new(&format!("lib {n:x}.zip"), level.clone()))
            .collect();
        level = zip(&copies);
    }
    let report = scan("42.zip", level);
    assert!(
        report
            .findings
            .iter()
            .any(|found| found.rule == "archive-bomb" && found.severity == Severity::Critical)
    );
    assert_eq!(verdict(&report), Verdict::Reject);
    assert_eq!(outcome(&report), Outcome::OverLimit);
}

#[test]
fn a_stream_of_zeros_is_a_bomb_in_every_format() {
    let zeros = vec![0; 4 << 20];
    for (name, bytes) in [
        ("a.gz", gzip(&zeros)),
        ("a.bz2", bzip2(&zeros)),
        ("a.zst", zstd(&zeros)),
        ("a.zip", zip(&[ZipEntry::new("a", zeros.clone())])),
    ] {
        assert_refused(name, bytes, "archive-bomb");
    }
}

#[test]
fn more_entries_than_the_limit_are_not_looked_at_and_that_is_said() {
    let entries: Vec<_> = (0..20_001).map(|n| tar_file(&n.to_string(), b"")).collect();
    let report = scan("a.tar", tar(&entries));
    assert!(named(&report).contains(&("archive-limit", "a.tar")));
    assert_eq!((outcome(&report), report.files.len()), (Outcome::OverLimit, 20_001));
    assert_eq!(verdict(&report), Verdict::Review);
}

#[test]
fn four_archives_within_each_other_are_opened_and_a_fifth_is_not() {
    let mut nested = eicar();
    for _ in 0..4 {
        nested = zip(&[ZipEntry::new("a", nested)]);
    }
    let report = scan("z", nested.clone());
    assert_eq!(named(&report), [("eicar-test-file", "z!a!a!a!a")]);
    let report = scan("z", zip(&[ZipEntry::new("a", nested)]));
    assert_eq!(named(&report), [("archive-limit", "z!a!a!a!a")]);
    assert_eq!(verdict(&report), Verdict::Review);
}

#[test]
fn entries_that_leave_the_folder_are_critical() {
    for name in ["../../etc/cron.d/x", "/etc/passwd", "..\\..\\x.exe", "C:\\x.exe"] {
        assert_refused("a.zip", zip(&[ZipEntry::new(name, "x")]), "archive-slip");
        assert_refused("a.tar", tar(&[tar_file(name, b"x")]), "archive-slip");
        assert_eq!(
            verdict(&scan("a.tar", tar(&[tar_file(name, b"x")]))),
            Verdict::Reject,
            "{name}"
        );
    }
}

#[test]
fn links_and_devices_in_a_tar_are_named_by_where_they_lead() {
    let link = |name, target| tar_entry(name, b'2', target, 0, b"");
    let file = tar_file("d/f", b"x");
    assert_refused("a.tar", tar(&[link("d", "../.."), file.clone()]), "archive-slip");
    assert_refused("a.tar", tar(&[link("d", "e"), file.clone()]), "archive-slip");
    assert_refused("a.tar", tar(&[link("D", "e"), file.clone()]), "archive-slip");
    assert_refused(
        "a.tar",
        tar(&[tar_entry("h", b'1', "/etc/shadow", 0, b"")]),
        "archive-slip",
    );
    assert_refused("a.tar", tar(&[tar_entry("dev", b'4', "", 0, b"")]), "archive-special");
    let inside = scan(
        "a.tar",
        tar(&[file, link("d/l", "f"), tar_entry("h", b'1', "d/f", 0, b"")]),
    );
    assert_eq!(named(&inside), [("archive-link", "a.tar"), ("archive-link", "a.tar")]);
    assert_eq!(verdict(&inside), Verdict::Allow);
}

#[test]
fn a_tar_that_programs_cut_differently_is_refused() {
    let file = |size, bytes: &[u8]| tar_entry("f", b'0', "", size, bytes);
    // One program takes the hidden tar for the bytes of `f`, the other for further entries.
    let hidden = tar_file("hidden.py", b"x");
    let pax_size = format!("{} size={}\n", 12, hidden.len());
    let records = [
        pax_size.as_str(),
        "10 size=0\n10 size=0\n",
        "9 path=a\n9 path=b\n",
        "nonsense",
        "12 path=a\0b\n",
    ];
    for record in records {
        assert_refused(
            "a.tar",
            tar(&[pax(record), file(0, b""), hidden.clone()]),
            "archive-desync",
        );
    }
    assert_refused(
        "a.tar",
        tar(&[tar_entry("d/", b'5', "", 512, &[0; 512])]),
        "archive-desync",
    );
    assert_refused(
        "a.tar",
        tar(&[tar_entry("l", b'2', "x", 512, &[0; 512])]),
        "archive-desync",
    );
    let mut signed = file(0, b"");
    signed[124..136].copy_from_slice(b"-1\0\0\0\0\0\0\0\0\0\0");
    assert_refused("a.tar", tar(&[tar_file("a", b"x"), signed]), "archive-damaged");
    assert_refused(
        "a.tar",
        [tar(&[tar_file("a", b"x")]), hidden].concat(),
        "archive-stray-data",
    );
}

#[test]
fn zip_entries_that_overlap_are_critical() {
    let whole = ZipEntry::new("kernel", vec![7; 4096]);
    let mut inside = plain("extra");
    inside.offset = Some(0);
    assert_refused("a.zip", zip(&[whole.clone(), inside.clone()]), "archive-overlap");
    inside.offset = Some(5);
    assert_refused("a.zip", zip(&[whole.clone(), inside.clone()]), "archive-overlap");
    let report = scan("a.zip", zip(&[whole, inside]));
    assert_eq!(
        (verdict(&report), outcome(&report)),
        (Verdict::Reject, Outcome::Unsupported)
    );
}

#[test]
fn a_zip_whose_directory_says_otherwise_is_refused() {
    let with = |change: &dyn Fn(&mut ZipEntry)| {
        let mut entry = plain("a.py");
        change(&mut entry);
        zip(&[entry, plain("b.py")])
    };
    assert_refused(
        "a.zip",
        with(&|entry| entry.listed_name = "c.py".to_owned()),
        "archive-mismatch",
    );
    assert_refused("a.zip", with(&|entry| entry.unlisted = true), "archive-mismatch");
    assert_refused("a.zip", with(&|entry| entry.crc = Some(7)), "archive-mismatch");
    assert_refused(
        "a.zip",
        with(&|entry| entry.name = "a\0py".to_owned()),
        "archive-mismatch",
    );
    assert_refused(
        "a.zip",
        with(&|entry| entry.attributes = 0o120_777 << 16),
        "archive-link",
    );
    assert_refused(
        "a.zip",
        with(&|entry| (entry.deflated, entry.descriptor) = (false, true)),
        "archive-mismatch",
    );
    assert_refused("a.zip", with(&|entry| entry.flags = 1), "archive-encrypted");
    assert_refused("a.zip", with(&|entry| entry.method = Some(14)), "archive-unsupported");
    assert_refused("a.zip", zip(&[plain("a.py"), plain("a.py")]), "archive-duplicate");
    assert_refused("a.zip", zip(&[plain("a.py"), plain("A.py")]), "archive-collision");
}

#[test]
fn bytes_that_belong_to_no_entry_are_refused_wherever_they_are() {
    let whole = zip(&[plain("a.py")]);
    let directory = whole.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let (before, behind) = whole.split_at(directory);
    assert_refused("a.zip", [before, &b"gap!"[..], behind].concat(), "archive-stray-data");
    assert_refused("a.zip", [&whole[..], b"tail"].concat(), "archive-stray-data");
    assert_refused("a.zip", [whole.clone(), whole.clone()].concat(), "archive-stray-data");
    assert_refused("a.gz", [gzip(b"x"), b"tail".to_vec()].concat(), "archive-stray-data");
    for behind in [&b""[..], b"more"] {
        assert_refused("a.py", [b"print()\n", &whole[..], behind].concat(), "archive-appended");
    }
    let padded = scan("a.gz", [gzip(b"x"), vec![0; 100]].concat());
    assert_eq!(verdict(&padded), Verdict::Allow);
}

#[test]
fn streams_in_a_row_are_read_as_one_and_said() {
    let test = eicar();
    let (first, second) = test.split_at(30);
    for (name, bytes) in [
        ("a.gz", [gzip(first), gzip(second)].concat()),
        ("a.bz2", [bzip2(first), bzip2(second)].concat()),
        ("a.zst", [zstd(first), zstd(second)].concat()),
    ] {
        let report = scan(name, bytes);
        assert_eq!(
            named(&report)[..2],
            [("eicar-test-file", &*format!("{name}!a")), ("archive-members", name)][..]
        );
    }
}

#[test]
fn what_is_cut_short_is_covered_nowhere() {
    let files: Vec<_> = (0..40_u8)
        .map(|n| tar_file(&format!("{n}.bin"), &[n ^ 0x5A; 700]))
        .collect();
    let tarred = tar(&files);
    for (name, bytes) in [
        ("a.tar", tarred.clone()),
        ("a.tar.gz", gzip(&tarred)),
        ("a.tar.zst", zstd(&tarred)),
        ("a.tar.bz2", bzip2(&tarred)),
        ("a.zip", zip(&[ZipEntry::new("a.bin", tarred.clone())])),
    ] {
        for len in [bytes.len() / 3, bytes.len() / 2 + 1] {
            let report = scan(name, bytes[..len].to_vec());
            assert_ne!(verdict(&report), Verdict::Allow, "{name} of {len}");
            assert!(
                report.files[0]
                    .outcomes
                    .values()
                    .all(|outcome| *outcome != Outcome::Crashed),
                "{name}"
            );
        }
    }
}

#[test]
fn an_archive_that_is_not_opened_is_not_covered() {
    let report = scan("a.7z", b"7z\xBC\xAF\x27\x1C\0\x04rest".to_vec());
    assert_eq!(
        (outcome(&report), named(&report)),
        (Outcome::Unsupported, vec![("archive-unsupported", "a.7z")])
    );
    assert_eq!(verdict(&report), Verdict::Review);
}

#[test]
fn a_policy_that_requires_little_allows_no_archive_that_was_not_opened() {
    let policy = Policy::parse("schema = 1\n[severity]\nmedium = \"allow\"\n[required]\n[types]\n", "p").unwrap();
    let report = scan("a.7z", b"7z\xBC\xAF\x27\x1C\0\x04rest".to_vec());
    assert_eq!(policy.judge(&report).verdict(), Verdict::Review);
}

#[test]
fn the_report_of_archives_depends_neither_on_workers_nor_on_windows() {
    let inner = zip(&[
        ZipEntry::new("a.py", "x = 1\n".repeat(5000)),
        ZipEntry::new("e", eicar()),
    ]);
    let files: Vec<_> = (0..9).map(|n| tar_file(&format!("{n}.zip"), &inner)).collect();
    let content = (0..5).fold(Memory::new(), |content, n| {
        content.with(&format!("{n}.tgz"), gzip(&tar(&files)))
    });
    let report = |workers, window, overlap| {
        let scanner = Scanner::with_default_engines([5; 32], Arc::new(Here)).with_workers(workers);
        let windowing = crate::engine::Windowing { window, overlap };
        scanner.with_windowing(windowing).scan(&content, &mut |_| {}).to_json()
    };
    let whole = report(1, 4 << 20, 64 << 10);
    assert!(report(1, 4 << 20, 64 << 10) == whole);
    assert!(report(7, 4 << 20, 64 << 10) == whole);
    assert!(report(3, 16 << 10, 8 << 10) == whole);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

    #[test]
    fn a_changed_byte_in_an_archive_never_crashes_the_scan(at in 0_usize..4096, to: u8, kind in 0_usize..5) {
        let tarred = tar(&[tar_file("a.py", b"x = 1\n"), pax("9 path=b\n"), tar_file("c", &[1; 600])]);
        let mut bytes = match kind {
            0 => gzip(&tarred),
            1 => zstd(&tarred),
            2 => bzip2(&tarred),
            3 => zip(&[ZipEntry::new("a.py", "x = 1\n"), ZipEntry::new("t.tar", tarred)]),
            _ => tarred,
        };
        let at = at % bytes.len();
        bytes[at] = to;
        let report = scan("a", bytes);
        for file in &report.files {
            proptest::prop_assert!(file.outcomes.values().all(|outcome| *outcome != Outcome::Crashed), "{file:?}");
        }
    }
}
