//! What the engine says of whole bundles.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::Scanner;
use crate::content::Memory;
use crate::engine::FingerprintKey;
use crate::report::Report;

fn scanner(options: DependencyOptions) -> Scanner {
    Scanner::with_engines(vec![Box::new(Dependencies::new(options))], FingerprintKey::new([1; 32]))
}

/// Made once: the index over the names takes longer than most of the scans here.
static PLAIN: LazyLock<Scanner> = LazyLock::new(|| scanner(DependencyOptions::default()));

fn scan(files: &[(&str, &str)]) -> Report {
    scan_by(&PLAIN, files)
}

fn scan_by(scanner: &Scanner, files: &[(&str, &str)]) -> Report {
    let content = files.iter().fold(Memory::new(), |content, (path, text)| {
        content.with(path, text.as_bytes())
    });
    scanner.scan(&content, &mut |_| {})
}

/// Each finding as `rule severity path:line`.
fn found(report: &Report) -> Vec<String> {
    let each = report.findings.iter().map(|finding| {
        let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!(
            "{} {} {}{line}",
            finding.rule,
            finding.severity.name(),
            finding.path.raw()
        )
    });
    each.collect()
}

fn outcome(report: &Report) -> Outcome {
    report.files[0].outcomes[NAME]
}

#[test]
fn the_inventory_lists_packages_by_file_and_line() {
    let report = scan(&[
        ("a/requirements.txt", "requests==2.31.0\nflask>=2\n"),
        (
            "go.mod",
            "module example.org/x\nrequire github.com/spf13/cobra v1.8.0\n",
        ),
        ("main.py", "import requests\n"),
    ]);
    let inventory = report.dependencies.unwrap();
    let listed: Vec<_> = inventory
        .files
        .iter()
        .flat_map(|file| {
            file.packages
                .iter()
                .map(move |package| format!("{}:{} {}", file.path, package.line, package.purl))
        })
        .collect();
    assert_eq!(
        listed,
        [
            "a/requirements.txt:1 pkg:pypi/requests@2.31.0",
            "a/requirements.txt:2 pkg:pypi/flask",
            "go.mod:2 pkg:golang/github.com/spf13/cobra@v1.8.0",
        ]
    );
    assert!(!report.files[2].outcomes.contains_key(NAME));
}

#[test]
fn a_report_without_packages_has_no_inventory() {
    let json = scan(&[("package.json", "{\"name\": \"x\"}")]).to_json();
    assert!(!String::from_utf8(json).unwrap().contains("\"dependencies\":{\"files\""));
}

#[test]
fn a_lookalike_is_told_with_its_place() {
    let report = scan(&[("requirements.txt", "# ok\nreqeusts==2.31.0\n")]);
    assert_eq!(found(&report), ["lookalike-package medium requirements.txt:2"]);
}

#[test]
fn a_package_that_the_bundle_provides_looks_like_no_other() {
    let report = scan(&[
        ("app/package.json", r#"{"dependencies": {"cornmander": "^1.0.0"}}"#),
        ("lib/package.json", r#"{"name": "cornmander"}"#),
    ]);
    assert_eq!(found(&report), Vec::<String>::new());
}

#[test]
fn with_a_list_what_is_not_on_it_is_unknown() {
    let known_names = Some(Arc::new(KnownNames::parse("pypi requests\n").unwrap()));
    let scanner = scanner(DependencyOptions {
        known_names,
        ..DependencyOptions::default()
    });
    let report = scan_by(
        &scanner,
        &[
            ("requirements.txt", "requests==2.31.0\nflask==2.0.1\n"),
            ("go.mod", "require a.example/b v1.0.0\n"),
        ],
    );
    assert_eq!(found(&report), ["unknown-package medium requirements.txt:2"]);
}

#[test]
fn a_list_changes_the_digest_of_the_rules() {
    let listed = |text: &str| {
        let known_names = Some(Arc::new(KnownNames::parse(text).unwrap()));
        scanner(DependencyOptions {
            known_names,
            ..DependencyOptions::default()
        })
        .rules_digest()
    };
    assert_ne!(listed("pypi requests\n"), listed("pypi flask\n"));
    assert_ne!(listed("pypi requests\n"), PLAIN.rules_digest());
}

#[test]
fn sources_are_told_by_what_is_wrong_with_them() {
    let report = scan(&[
        (
            "requirements.txt",
            "--extra-index-url https://packages.example.org/simple\nrequests==2.31.0\nfork @ git+https://github.com/a/fork@v1\n",
        ),
        (
            "yarn.lock",
            "ms@^2.0.0:\n  version \"2.1.3\"\n  resolved \"http://registry.npmjs.org/ms/-/ms-2.1.3.tgz#00\"\n",
        ),
        ("package.json", r#"{"dependencies": {"react": "*"}}"#),
    ]);
    assert_eq!(
        found(&report),
        [
            "other-registry medium requirements.txt:1",
            "plain-source medium yarn.lock:1",
            "unregistered-source low requirements.txt:3",
            "unbound-version low package.json:1",
        ]
    );
}

#[test]
fn a_manifest_that_no_package_manager_reads_names_no_package() {
    for (path, text) in [
        ("package.json", "{"),
        ("Cargo.toml", "[package\n"),
        ("pom.xml", "<project>"),
        ("package-lock.json", ""),
        ("pyproject.toml", "[project]\nname = {{ name }}\n"),
    ] {
        let report = scan(&[(path, text)]);
        assert_eq!(found(&report), [format!("unreadable-manifest low {path}")]);
        assert_eq!(outcome(&report), Outcome::Scanned, "{path}");
    }
}

#[test]
fn a_manifest_that_a_package_manager_may_read_and_we_cannot_is_not_scanned() {
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let laughs = "<!DOCTYPE p [<!ENTITY a \"b\">]><project>&a;</project>";
    for (path, text) in [("package.json", deep.as_str()), ("pom.xml", laughs)] {
        assert_eq!(outcome(&scan(&[(path, text)])), Outcome::Unsupported, "{path}");
    }
    let report = PLAIN.scan(&Memory::new().with("requirements.txt", b"\xff\xfea\0=\0"), &mut |_| {});
    assert_eq!(outcome(&report), Outcome::Unsupported);
    let long = "# x\n".repeat((MAX_FILE >> 2) + 1);
    assert_eq!(outcome(&scan(&[("requirements.txt", &long)])), Outcome::OverLimit);
}

#[test]
fn a_manifest_that_was_not_read_needs_a_person_under_the_default_policy() {
    let policy = crate::policy::Policy::parse("[required]\nall = []\n", "policy.toml").unwrap();
    let laughs = "<!DOCTYPE p [<!ENTITY a \"b\">]><project>&a;</project>";
    let decision = policy.judge(&scan(&[("pom.xml", laughs)]));
    assert_eq!(decision.verdict(), audit::event::Verdict::Review);
}

#[test]
fn a_lockfile_of_a_hundred_thousand_packages_is_read() {
    let mut text = String::from("version = 4\n");
    for number in 0..100_000 {
        let source = "registry+https://github.com/rust-lang/crates.io-index";
        text += &format!(
            "[[package]]\nname = \"p{number}\"\nversion = \"1.0.0\"\nsource = \"{source}\"\nchecksum = \"0\"\n"
        );
    }
    let report = scan(&[("Cargo.lock", &text)]);
    let inventory = report.dependencies.as_ref().unwrap();
    assert_eq!((outcome(&report), inventory.unlisted), (Outcome::Scanned, 50_000));
    assert_eq!(inventory.files[0].packages[49_999].line, 49_999 * 5 + 3);
}

#[test]
fn a_manifest_that_would_take_too_much_room_is_over_the_limit() {
    let lines = "a\n".repeat(300_000);
    let values = format!("{{\"a\": [{}0]}}", "0,".repeat(2_100_000));
    for (path, text) in [("requirements.txt", &lines), ("package.json", &values)] {
        let report = scan(&[(path, text)]);
        assert_eq!(outcome(&report), Outcome::OverLimit, "{path}");
        assert_eq!(report.dependencies, None);
    }
}

#[test]
fn more_lookalikes_than_are_told_are_summed_up() {
    let files: Vec<(String, String)> = (0..6)
        .map(|file| {
            let lines = (0..100).map(|line| format!("@babell{file}/x{line}@^1.0.0:\n  version \"1.0.0\"\n"));
            (
                format!("{file}/yarn.lock"),
                lines.collect::<String>().replace(&format!("babell{file}"), "babell"),
            )
        })
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let report = scan(&files);
    assert_eq!(report.counts.medium, 501);
}

#[test]
fn the_same_bundle_gives_the_same_report_with_any_number_of_workers() {
    let files: Vec<_> = (0..40)
        .map(|number| {
            (
                format!("{number}/requirements.txt"),
                format!("reqeusts=={number}\nflask\nx{number}\n"),
            )
        })
        .collect();
    let content = files.iter().fold(Memory::new(), |content, (path, text)| {
        content.with(path, text.as_bytes())
    });
    let report = |workers| {
        let scanner = scanner(DependencyOptions::default()).with_workers(workers);
        scanner.scan(&content, &mut |_| {}).to_json()
    };
    assert_eq!(report(1), report(7));
}

/// Made-up advisories of three kinds.
const ADVISORIES: &str = r#"{"schema":1,"version":7,"issued":"2026-11-01T00:00:00Z","expires":"2026-12-01T00:00:00Z"}
{"id":"GHSA-made-up-0001","modified":"2026-10-01T00:00:00Z","aliases":["CVE-2099-0001"],"summary":"It leaks","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],"affected":[{"package":{"ecosystem":"PyPI","name":"Leaky.Thing"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.0"}]}]}]}
{"id":"MAL-2099-1","modified":"2026-10-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"evil-thing"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}
{"id":"MAL-2099-2","modified":"2026-10-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"taken-over"},"versions":["1.0.1"]}]}
"#;

fn with_advisories(as_of: &str) -> Scanner {
    let now = AsOf::default();
    now.set(UnixMillis::from_rfc3339(as_of).unwrap());
    scanner(DependencyOptions {
        advisories: Some(Arc::new(Advisories::parse(ADVISORIES.as_bytes()).unwrap())),
        as_of: now,
        ..DependencyOptions::default()
    })
}

#[test]
fn advisories_are_told_of_exact_versions_and_of_ranges_that_admit_no_other() {
    let scanner = with_advisories("2026-11-20T00:00:00Z");
    let report = scan_by(
        &scanner,
        &[
            (
                "a/requirements.txt",
                "leaky-thing==1.9\nleaky_thing==2.0\nleaky.thing>=1,<2\nleaky-thing>=1\n",
            ),
            (
                "b/package.json",
                "{\"dependencies\": {\n\"evil-thing\": \"*\",\n\"taken-over\": \"^1.0.0\"}, \"devDependencies\": {\n\"taken-over\": \"1.0.1\"}}",
            ),
        ],
    );
    let told: Vec<_> = found(&report)
        .into_iter()
        .filter(|found| !found.contains(" low "))
        .collect();
    assert_eq!(
        told,
        [
            "malicious-package critical b/package.json:2",
            "malicious-package critical b/package.json:4",
            "known-vulnerability high a/requirements.txt:1",
            "known-vulnerability high a/requirements.txt:3",
        ]
    );
    let message = &report.findings[2].message;
    assert_eq!(
        message,
        "leaky-thing 1.9 is vulnerable by GHSA-made-up-0001, CVE-2099-0001: It leaks (fixed in 2.0)"
    );
}

#[test]
fn a_range_of_any_length_is_not_repeated() {
    let scanner = with_advisories("2026-11-20T00:00:00Z");
    let text = format!(
        "{{\"dependencies\": {{\"evil-thing\": \"what {}\"}}}}",
        "x".repeat(100_000)
    );
    let report = scan_by(&scanner, &[("package.json", &text)]);
    assert_eq!(found(&report), ["malicious-package critical package.json:1"]);
    assert!(report.to_json().len() < 10_000);
}

#[test]
fn what_go_sum_holds_is_not_what_is_taken() {
    let advisory = ADVISORIES
        .replace("PyPI", "Go")
        .replace("Leaky.Thing", "a.example/leaky");
    let scanner = scanner(DependencyOptions {
        advisories: Some(Arc::new(Advisories::parse(advisory.as_bytes()).unwrap())),
        ..DependencyOptions::default()
    });
    let report = scan_by(
        &scanner,
        &[
            ("go.mod", "require a.example/leaky v1.0.0\n"),
            ("go.sum", "a.example/leaky v1.0.0 h1:AA=\n"),
        ],
    );
    assert_eq!(found(&report), ["known-vulnerability high go.mod:1"]);
}

#[test]
fn advisories_that_are_out_of_date_are_told_once() {
    let scanner = with_advisories("2027-01-01T00:00:00Z");
    let report = scan_by(
        &scanner,
        &[
            ("a/requirements.txt", "x==1\n"),
            ("b/requirements.txt", "y==1\n"),
            ("c.py", ""),
        ],
    );
    assert_eq!(found(&report), ["stale-advisories medium a/requirements.txt"]);
    assert!(
        report.findings[0].message.contains("31 days"),
        "{}",
        report.findings[0].message.raw()
    );
    assert_eq!(found(&scan_by(&scanner, &[("c.py", "x = 1\n")])), Vec::<String>::new());
}

#[test]
fn advisories_change_the_digest_of_the_rules_and_the_day_does_not() {
    let digest = |as_of| with_advisories(as_of).rules_digest();
    assert_ne!(digest("2026-11-20T00:00:00Z"), PLAIN.rules_digest());
    assert_eq!(digest("2026-11-20T00:00:00Z"), digest("2027-01-01T00:00:00Z"));
}

const NAMES: [&str; 17] = [
    "Cargo.toml",
    "Cargo.lock",
    "package.json",
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    ".npmrc",
    "requirements.txt",
    "pyproject.toml",
    "Pipfile",
    "Pipfile.lock",
    "poetry.lock",
    "setup.cfg",
    "pip.conf",
    "go.mod",
    "pom.xml",
    "gradle.lockfile",
];

/// Pieces that manifests are made of, so that many get past the parsers.
const PIECES: [&str; 24] = [
    "[",
    "]",
    "{",
    "}",
    "\"",
    "name",
    "version",
    "dependencies",
    ":",
    "=",
    "\n",
    "@",
    "/",
    "é",
    " ",
    "<project>",
    "<dependency>",
    "</",
    "git+https://",
    "==1.0",
    "- ",
    "${",
    "\\\n",
    "packages",
];

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, name in 0..NAMES.len()) {
        let report = PLAIN.scan(&Memory::new().with(NAMES[name], bytes), &mut |_| {});
        prop_assert_ne!(outcome(&report), Outcome::Crashed);
    }

    #[test]
    fn no_pieces_make_it_panic(pieces in prop::collection::vec(0..PIECES.len(), 0..60), name in 0..NAMES.len()) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        let report = scan(&[(NAMES[name], &text)]);
        prop_assert_ne!(outcome(&report), Outcome::Crashed);
    }
}
