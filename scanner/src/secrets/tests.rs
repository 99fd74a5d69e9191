//! Every rule finds its bad samples and not its good ones; secrets on window borders are found once.

use std::sync::LazyLock;

use super::*;
use crate::content::Memory;
use crate::engine::{FingerprintKey, Windowing};
use crate::finding::Finding;
use crate::scan::Scanner;

/// Compiled once: that takes longer than most of the scans here.
static ENGINE: LazyLock<Secrets> = LazyLock::new(|| Secrets::built_in().unwrap());

fn engine() -> Secrets {
    ENGINE.clone()
}

fn scan_as(path: &str, text: &str) -> Vec<Finding> {
    scan_bytes(path, text.as_bytes(), Windowing::default())
}

fn scan_bytes(path: &str, bytes: &[u8], windowing: Windowing) -> Vec<Finding> {
    let scanner = Scanner::with_engines(vec![Box::new(engine())], FingerprintKey::new([7; 32]));
    let scanner = scanner.with_windowing(windowing);
    scanner.scan(&Memory::new().with(path, bytes), &mut |_| {}).findings
}

fn rules_of(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.rule.as_str()).collect()
}

#[test]
fn there_are_a_hundred_and_fifty_token_formats_and_more() {
    assert!(engine().rulebook.rules.iter().filter(|rule| !rule.text.generic).count() >= 150);
}

#[test]
fn every_bad_sample_is_found_by_its_rule_and_by_no_other() {
    let engine = engine();
    let bad = engine
        .rulebook
        .rules
        .iter()
        .flat_map(|rule| rule.text.bad.iter().map(move |parts| (rule, parts)));
    let wrong = bad.filter_map(|(rule, parts)| {
        let findings = scan_as(&rule.text.sample_path, &sample::build(parts));
        let found = rules_of(&findings);
        (found != [&rule.text.id]).then(|| format!("a bad sample of {} gives {found:?}", rule.text.id))
    });
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn what_tests_make_for_themselves_is_medium_there_and_what_a_service_issued_is_as_bad_as_anywhere() {
    let engine = engine();
    let severity = |id: &str, path: &str| {
        let sample = engine.samples(id).swap_remove(0);
        scan_as(path, &sample.text).first().map(|finding| finding.severity)
    };
    assert_eq!(severity("private-key", "certs/a.key"), Some(Severity::High));
    assert_eq!(severity("private-key", "tests/certs/a.key"), Some(Severity::Medium));
    assert_eq!(severity("stripe-key", "tests/a.py"), Some(Severity::Critical));
    for id in MADE_FOR_TESTS {
        assert!(!engine.samples(id).is_empty(), "no rule {id}");
    }
}

#[test]
fn no_good_sample_is_found_by_its_rule() {
    for rule in &engine().rulebook.rules {
        for (number, parts) in rule.text.good.iter().enumerate() {
            let findings = scan_as(&rule.text.sample_path, &sample::build(parts));
            let found = findings.iter().any(|finding| finding.rule == rule.text.id);
            assert!(!found, "good sample {number} of {}", rule.text.id);
        }
    }
}

#[test]
fn no_rules_share_an_id() {
    let mut ids: Vec<_> = engine().rules().into_iter().map(|rule| rule.id).collect();
    ids.sort();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn a_valid_checksum_is_critical_and_a_wrong_one_is_lower_and_not_dropped() {
    let samples = engine().samples("github-token");
    let severities: Vec<_> = samples
        .iter()
        .map(|sample| scan_as("a.py", &sample.text)[0].severity)
        .collect();
    assert_eq!(severities, [Severity::Critical, Severity::Critical, Severity::Medium]);
}

#[test]
fn a_fine_grained_token_with_its_own_digest_in_it_is_critical() {
    let samples = engine().samples("github-fine-grained-token");
    assert_eq!(scan_as("a.py", &samples[0].text)[0].severity, Severity::Critical);
    assert_eq!(scan_as("a.py", &samples[1].text)[0].severity, Severity::Medium);
}

#[test]
fn a_checksum_raises_or_lowers_whoever_issued_the_token_and_one_without_stays() {
    let severities = |rule: &str| -> Vec<_> {
        let samples = engine().samples(rule);
        let found = samples.iter().map(|sample| scan_as("a.py", &sample.text)[0].severity);
        found.collect()
    };
    assert_eq!(
        severities("gitlab-token"),
        [Severity::High, Severity::Medium, Severity::Critical]
    );
    assert_eq!(severities("atlassian-token"), [Severity::Medium, Severity::Critical]);
}

#[test]
fn a_particular_rule_wins_over_a_generic_one_at_the_same_place() {
    let sample = format!("api_token = {}", engine().samples("aws-access-key-id")[0].text);
    assert_eq!(rules_of(&scan_as("a.py", &sample)), ["aws-access-key-id"]);
}

#[test]
fn a_secret_anywhere_about_a_window_border_is_found_once_at_its_place() {
    let sample = engine().samples("aws-access-key-id")[0].text.clone();
    let secret_at = sample.find("AKI").unwrap();
    let windowing = Windowing {
        window: 16 << 10,
        overlap: 8 << 10,
    };
    for shift in (0..200).chain([4096, 8000]) {
        // The first window owns 12 KiB.
        let before = (12 << 10) - 100 + shift;
        let mut text = "x\n".repeat(before / 2);
        text.push_str(&sample);
        text.push_str(&"\ny".repeat(20_000));
        let findings = scan_bytes("a.py", text.as_bytes(), windowing);
        let places: Vec<_> = findings.iter().map(|found| (found.line, found.column)).collect();
        let line = before as u64 / 2 + 1;
        assert_eq!(places, [(Some(line), Some(secret_at as u64 + 1))], "shifted by {shift}");
    }
}

#[test]
fn two_keywords_on_both_sides_of_a_border_give_one_finding() {
    let secret = engine().samples("generic-secret")[0].text.clone();
    let windowing = Windowing {
        window: 16 << 10,
        overlap: 8 << 10,
    };
    for shift in 0..60 {
        let before = (12 << 10) - 50 + shift;
        let text = format!("{}token_{secret}{}", " ".repeat(before), "\n".repeat(20_000));
        assert_eq!(
            scan_bytes("a.py", text.as_bytes(), windowing).len(),
            1,
            "shifted by {shift}"
        );
    }
}

#[test]
fn no_part_of_the_report_holds_the_secret() {
    for rule in &engine().rulebook.rules {
        let text = sample::build(&rule.text.bad[0]);
        let scanner = Scanner::with_engines(vec![Box::new(engine())], FingerprintKey::new([7; 32]));
        let report = scanner.scan(&Memory::new().with(&rule.text.sample_path, text.as_str()), &mut |_| {});
        let json = String::from_utf8(report.to_json()).unwrap();
        let regex = &rule.regex;
        let matched = (0..text.len()).find_map(|at| regex.captures(&text.as_bytes()[at..]));
        let secret = matched.unwrap().get(rule.text.secret).unwrap().as_bytes().to_vec();
        for part in secret.windows(9) {
            let part = String::from_utf8_lossy(part);
            let escaped = serde_json::to_string(&part).unwrap();
            assert!(
                !json.contains(escaped.trim_matches('"')),
                "{} shows {part}",
                rule.text.id
            );
        }
    }
}

#[test]
fn the_same_secret_has_one_fingerprint_in_two_files() {
    let sample = &engine().samples("npm-token")[0].text;
    let a = scan_as("a", sample)[0].fingerprint;
    let b = scan_as("b/c", &format!("\n\n  {sample}"))[0].fingerprint;
    assert_eq!(a, b);
}

#[test]
fn a_rule_without_samples_is_refused() {
    let text = r#"
        stop_words = []
        weak_stop_words = []
        [[rule]]
        id = "x"
        title = "x"
        keywords = ["abc"]
        regex = '(abc)'
        severity = "low"
        confidence = "low"
        message = ""
        mend = ""
        bad = []
        good = []
    "#;
    assert!(matches!(Secrets::with_rules(text), Err(RulebookError::Rule { id, .. }) if id == "x"));
}

#[test]
fn an_unknown_field_in_a_rule_is_refused() {
    assert!(matches!(
        Secrets::with_rules("stop_words = []\nweak_stop_words = []\nrules = []"),
        Err(RulebookError::Toml(_))
    ));
}
