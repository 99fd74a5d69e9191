//! What the policy says of reports, and who can clear what.

use std::collections::BTreeMap;

use audit::event::FindingCounts;
use protocol::digest::BundleId;

use super::*;
use crate::engine::Outcome;
use crate::finding::{Confidence, Finding};
use crate::report::{Coverage, FileReport, IntegrityFailure, Report, SCHEMA};

mod conditions;

fn default() -> Policy {
    policy("")
}

fn policy(text: &str) -> Policy {
    Policy::parse(text, "policy.toml").unwrap()
}

fn id() -> BundleId {
    BundleId(Digest::of(b"bundle"))
}

/// A report on one file that every engine scanned.
fn report(detected_type: &str) -> Report {
    let outcomes = ENGINES.map(|engine| (engine.to_owned(), Outcome::Scanned));
    Report {
        schema: SCHEMA,
        bundle: Some(id()),
        author: None,
        rules_digest: Digest::of(b"rules"),
        engines: Vec::new(),
        coverage: Coverage {
            files: 1,
            covered: 1,
            bytes: 1,
        },
        counts: FindingCounts::default(),
        counts_in_tests: FindingCounts::default(),
        findings_unlisted: 0,
        integrity: Vec::new(),
        findings: Vec::new(),
        files: vec![FileReport {
            path: "deploy/run.sh".into(),
            depth: 0,
            size: 1,
            sha256: Some(Digest::of(b"x")),
            detected_type: detected_type.to_owned(),
            executable: false,
            for_tests: false,
            outcomes: BTreeMap::from(outcomes),
            worst: None,
            unreadable: None,
        }],
        dependencies: None,
        licences: None,
    }
}

fn verdict(policy: &Policy, report: &Report) -> Verdict {
    policy.judge(report).verdict()
}

#[test]
fn the_default_text_says_what_an_empty_policy_means() {
    let written = format!("{:?}", file::read(Policy::default_text(), "default.toml").unwrap());
    assert_eq!(written, format!("{:?}", file::read("", "empty.toml").unwrap()));
}

#[test]
fn a_covered_text_without_findings_is_allowed() {
    assert_eq!(verdict(&default(), &report("text.rust")), Verdict::Allow);
}

#[test]
fn machine_code_archives_and_unknown_bytes_need_a_person() {
    for kind in ["executable.elf", "archive.7z", "unknown", "document.pdf"] {
        assert_eq!(verdict(&default(), &report(kind)), Verdict::Review, "{kind}");
    }
}

#[test]
fn a_finding_gives_the_verdict_of_its_severity() {
    let cases = [
        (
            FindingCounts {
                critical: 1,
                ..FindingCounts::default()
            },
            Verdict::Reject,
        ),
        (
            FindingCounts {
                high: 1,
                ..FindingCounts::default()
            },
            Verdict::Review,
        ),
        (
            FindingCounts {
                medium: 1,
                ..FindingCounts::default()
            },
            Verdict::Review,
        ),
        (
            FindingCounts {
                low: 1,
                ..FindingCounts::default()
            },
            Verdict::Allow,
        ),
    ];
    for (counts, expected) in cases {
        assert_eq!(
            verdict(
                &default(),
                &Report {
                    counts,
                    ..report("text.rust")
                }
            ),
            expected,
            "{counts:?}"
        );
    }
}

#[test]
fn a_file_that_is_not_as_signed_is_rejected_by_the_laxest_policy() {
    let lax = policy("[severity]\ncritical = \"review\"\nhigh = \"allow\"\nmedium = \"allow\"\n[required]\n[types]\n");
    let failure = IntegrityFailure {
        path: "a".into(),
        expected: Digest::of(b"a"),
        found: Some(Digest::of(b"b")),
    };
    assert_eq!(
        verdict(
            &lax,
            &Report {
                integrity: vec![failure],
                ..report("unknown")
            }
        ),
        Verdict::Reject
    );
}

#[test]
fn an_engine_that_did_not_end_scanned_leaves_coverage_incomplete() {
    for outcome in [
        Outcome::Unsupported,
        Outcome::OverLimit,
        Outcome::TimedOut,
        Outcome::Crashed,
    ] {
        let mut report = report("text.rust");
        report.files[0].outcomes.insert("secrets".to_owned(), outcome);
        let decision = default().judge(&report);
        assert_eq!(
            (decision.verdict(), decision.only_coverage()),
            (Verdict::Review, true),
            "{outcome}"
        );
    }
}

#[test]
fn a_file_that_ended_an_engine_which_nobody_requires_leaves_coverage_incomplete() {
    let lax = policy("[required]\n[types]\n");
    for (outcome, expected) in [
        (Outcome::Crashed, Verdict::Review),
        (Outcome::TimedOut, Verdict::Review),
        (Outcome::OverLimit, Verdict::Allow),
        (Outcome::Unsupported, Verdict::Allow),
    ] {
        let mut report = report("text.rust");
        report.files[0].outcomes.insert("sast".to_owned(), outcome);
        assert_eq!(verdict(&lax, &report), expected, "{outcome}");
    }
}

#[test]
fn an_engine_that_never_saw_the_file_leaves_coverage_incomplete() {
    let mut report = report("text.rust");
    report.files[0].outcomes.remove("structure");
    assert_eq!(default().judge(&report).reasons()[0].code, "coverage-incomplete");
}

#[test]
fn nothing_scanned_is_not_allowed() {
    assert_eq!(
        verdict(
            &default(),
            &Report {
                files: Vec::new(),
                ..report("text.rust")
            }
        ),
        Verdict::Review
    );
}

#[test]
fn a_member_of_a_group_has_its_own_line() {
    let policy = policy("[types]\nimage = \"reject\"\n\"image.png\" = \"review\"\n");
    assert_eq!(verdict(&policy, &report("image.png")), Verdict::Review);
    assert_eq!(verdict(&policy, &report("image.gif")), Verdict::Reject);
}

#[test]
fn a_path_makes_a_verdict_stricter_and_never_laxer() {
    let strict = policy("[[path]]\nglob = \"deploy/**\"\nverdict = \"reject\"\n");
    assert_eq!(verdict(&strict, &report("text.shell")), Verdict::Reject);
    let lax = policy("[[path]]\nglob = \"deploy/**\"\nverdict = \"allow\"\n");
    assert_eq!(verdict(&lax, &report("unknown")), Verdict::Review);
}

#[test]
fn a_path_with_a_severity_counts_only_files_with_such_findings() {
    let policy = policy("[[path]]\nglob = \"**/*.sh\"\nfindings = \"low\"\nverdict = \"review\"\n");
    let mut report = report("text.shell");
    assert_eq!(verdict(&policy, &report), Verdict::Allow);
    report.files[0].worst = Some(Severity::Low);
    assert_eq!(verdict(&policy, &report), Verdict::Review);
}

#[test]
fn an_unknown_key_is_named_with_file_and_line() {
    let error = Policy::parse("mode = \"auto-release\"\nmodus = 1\n", "p.toml").unwrap_err();
    assert_eq!((error.file.as_str(), error.key.as_str()), ("p.toml", "line 2, modus"));
}

#[test]
fn policies_that_would_wave_things_through_are_refused() {
    for (text, key) in [
        ("[severity]\ncritical = \"allow\"", "severity.critical"),
        ("[coverage]\nincomplete = \"allow\"", "coverage.incomplete"),
        ("[required]\nall = [\"secret\"]", "required.all"),
        ("[types]\nexecutables = \"review\"", "types.executables"),
        ("[[path]]\nglob = \"a[\"\nverdict = \"review\"", "path[0].glob"),
        ("schema = 2", "schema"),
    ] {
        assert_eq!(Policy::parse(text, "p.toml").unwrap_err().key, key, "{text}");
    }
}

#[test]
fn what_is_allowed_is_cleared_by_a_policy_that_releases_and_by_no_other() {
    let cleared = |policy: &Policy| policy.judge(&report("text.rust")).clear_automatically().map(|c| c.by());
    assert_eq!(cleared(&default()), Some(ClearedBy::Policy));
    assert_eq!(cleared(&policy("mode = \"always-review\"")), None);
}

#[test]
fn what_needs_review_is_not_cleared_by_the_policy() {
    assert!(default().judge(&report("unknown")).clear_automatically().is_none());
}

#[test]
fn a_person_clears_with_the_code_of_this_report_and_with_no_other() {
    let decision = default().judge(&report("unknown"));
    let other = default().judge(&report("archive.7z"));
    assert!(decision.clear_by_person(&id(), &decision.review_code(&id())).is_ok());
    let refused = decision.clear_by_person(&id(), &other.review_code(&id()));
    assert!(matches!(refused, Err(ClearanceError::OtherCode { .. })));
}

#[test]
fn no_person_clears_what_is_rejected() {
    let counts = FindingCounts {
        critical: 1,
        ..FindingCounts::default()
    };
    let decision = default().judge(&Report {
        counts,
        ..report("text.rust")
    });
    let code = decision.review_code(&id());
    assert_eq!(
        decision.clear_by_person(&id(), &code).unwrap_err(),
        ClearanceError::Rejected
    );
}

#[test]
fn a_report_on_something_else_clears_no_bundle() {
    let decision = default().judge(&Report {
        bundle: None,
        ..report("text.rust")
    });
    let code = decision.review_code(&id());
    assert_eq!(
        decision.clear_by_person(&id(), &code).unwrap_err(),
        ClearanceError::OtherBundle
    );
    assert!(decision.clear_automatically().is_none());
}

#[test]
fn the_code_starts_with_the_bundles_id() {
    let code = default().judge(&report("unknown")).review_code(&id());
    assert_eq!((code.len(), code.split('-').next()), (13, Some(id().short().as_str())));
}

/// A report on one finding of an engine in the file at `path`.
fn finding_at(path: &str, engine: &str, severity: Severity) -> Report {
    let mut report = report("text.python");
    let finding = Finding {
        engine: engine.to_owned(),
        rule: "a-rule".to_owned(),
        severity,
        confidence: Confidence::High,
        cwe: Some(295),
        path: path.into(),
        line: Some(1),
        column: Some(1),
        message: String::new().into(),
        mend: String::new(),
        snippet: None,
        way: Vec::new(),
        fingerprint: Digest::of(b""),
    };
    let mut counts = FindingCounts::default();
    crate::engine::count(&mut counts, severity, 1);
    report.counts = counts;
    if finding.is_weakness_in_tests() {
        report.counts_in_tests = counts;
    }
    report.findings.push(finding);
    report
}

#[test]
fn a_medium_weakness_in_a_test_passes_and_says_so_unless_the_policy_counts_it() {
    let report = finding_at("pkg/tests/test_db.py", "sast", Severity::Medium);
    let decision = default().judge(&report);
    assert_eq!(decision.verdict(), Verdict::Allow);
    assert!(decision.reasons()[0].text.contains("1 weakness in a test passes"));
    let counting = policy("[tests]\npass = \"none\"\n");
    assert_eq!(verdict(&counting, &report), Verdict::Review);
}

#[test]
fn a_high_weakness_in_a_test_counts_and_so_does_all_else_there_and_a_weakness_elsewhere() {
    let counts = |path, engine, severity| {
        let report = finding_at(path, engine, severity);
        assert_eq!(verdict(&default(), &report), Verdict::Review, "{path} {engine}");
    };
    counts("pkg/tests/test_db.py", "sast", Severity::High);
    counts("pkg/tests/test_db.py", "secrets", Severity::Medium);
    counts("pkg/db.py", "sast", Severity::Medium);
}

#[test]
fn a_key_that_a_test_made_for_itself_passes_there_and_one_that_a_service_issued_does_not() {
    let judged = |path, rule: &str| {
        let mut report = finding_at(path, "secrets", Severity::Medium);
        report.findings[0].rule = rule.to_owned();
        if report.findings[0].is_weakness_in_tests() {
            report.counts_in_tests = report.counts;
        }
        verdict(&default(), &report)
    };
    assert_eq!(judged("tests/certs/server.key", "private-key"), Verdict::Allow);
    assert_eq!(judged("certs/server.key", "private-key"), Verdict::Review);
    assert_eq!(judged("tests/certs/server.key", "github-token"), Verdict::Review);
}

#[test]
fn a_few_bytes_of_no_known_type_pass_in_tests_and_more_or_elsewhere_or_that_may_be_run_do_not() {
    let of = |sizes: &[u64], change: fn(&mut FileReport)| {
        let mut report = report("unknown");
        let mut file = report.files.remove(0);
        file.for_tests = true;
        report.files = sizes.iter().map(|&size| FileReport { size, ..file.clone() }).collect();
        report.files.iter_mut().for_each(change);
        report
    };
    let judged = |sizes: &[u64], change| verdict(&default(), &of(sizes, change));
    assert_eq!(judged(&[24, 1000], |_| {}), Verdict::Allow);
    assert_eq!(judged(&[25, 1000], |_| {}), Verdict::Review);
    assert_eq!(judged(&[24], |file| file.for_tests = false), Verdict::Review);
    assert_eq!(judged(&[24], |file| file.executable = true), Verdict::Review);
    assert_eq!(
        judged(&[24], |file| file.detected_type = "executable.elf".to_owned()),
        Verdict::Review
    );
    let none = policy("[tests]\nunknown_bytes = 0\n");
    assert_eq!(verdict(&none, &of(&[24], |_| {})), Verdict::Review);
}

#[test]
fn a_program_in_a_language_that_nobody_follows_needs_review() {
    assert_eq!(verdict(&default(), &report("text.ruby")), Verdict::Review);
    assert_eq!(verdict(&default(), &report("text.make")), Verdict::Allow);
}
