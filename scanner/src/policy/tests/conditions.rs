//! Conditions on findings, licences and authors.

use super::*;
use crate::report::{LicenceReport, Licences};

/// A report on a bundle by this author, whose files name these licences.
fn report_of(author: &str, licences: &[&str]) -> Report {
    let licence = |name: &&str| LicenceReport {
        name: (*name).into(),
        path: "a.py".into(),
        files: 1,
    };
    Report {
        author: Some(author.into()),
        licences: Some(Licences {
            named: licences.iter().map(licence).collect(),
            cut: false,
        }),
        ..report("text.python")
    }
}

fn by_licence(policy_text: &str, licence: &str) -> Verdict {
    verdict(&policy(policy_text), &report_of("alice@lab", &[licence]))
}

#[test]
fn licences_that_are_not_on_the_list_need_a_person_and_those_that_are_do_not() {
    const LIST: &str = "[licences]\nallow = [\"MIT\", \"Apache-2.0\", \"BSD-*\"]\n";
    for (licence, expected) in [
        ("MIT", Verdict::Allow),
        ("mit", Verdict::Allow),
        ("BSD-3-Clause", Verdict::Allow),
        ("GPL-3.0-only OR MIT", Verdict::Allow),
        ("MIT AND BSD-2-Clause", Verdict::Allow),
        ("Apache-2.0 WITH LLVM-exception", Verdict::Allow),
        ("MIT AND GPL-3.0-only", Verdict::Review),
        ("GPL-3.0-only", Verdict::Review),
        ("LicenseRef-Own", Verdict::Review),
        ("ask our lawyers", Verdict::Review),
        ("unknown", Verdict::Review),
    ] {
        assert_eq!(by_licence(LIST, licence), expected, "{licence}");
    }
}

#[test]
fn a_list_says_what_others_give_and_without_one_none_matters() {
    let strict = "[licences]\nallow = []\nother = \"reject\"\n";
    assert_eq!(by_licence(strict, "MIT"), Verdict::Reject);
    assert_eq!(
        by_licence("[licences]\nother = \"reject\"\n", "GPL-3.0-only"),
        Verdict::Allow
    );
    assert_eq!(
        verdict(&policy(strict), &report("text.python")),
        Verdict::Allow,
        "nothing is named"
    );
}

#[test]
fn a_licence_that_may_not_come_is_told_with_its_file_unless_another_can_be_chosen() {
    const RULE: &str = "[[licence]]\nname = [\"GPL-*\", \"AGPL-*\"]\nverdict = \"reject\"\nwhy = \"legal\"\n";
    for (licence, expected) in [
        ("GPL-2.0-only WITH Classpath-exception-2.0", Verdict::Reject),
        ("AGPL-3.0-or-later", Verdict::Reject),
        ("MIT AND GPL-3.0-only", Verdict::Reject),
        ("MIT OR GPL-3.0-only", Verdict::Allow),
        ("LGPL-2.1-only", Verdict::Allow),
        ("MIT", Verdict::Allow),
    ] {
        assert_eq!(by_licence(RULE, licence), expected, "{licence}");
    }
    let decision = policy(RULE).judge(&report_of("alice@lab", &["MIT", "AGPL-3.0-only"]));
    let reason = &decision.reasons()[0];
    assert_eq!(reason.code, "licence");
    assert_eq!(reason.text, "1 file under AGPL-3.0-only, the first a.py: legal");
}

#[test]
fn licences_that_are_not_listed_may_be_any() {
    let mut report = report_of("alice@lab", &["MIT"]);
    report.licences.as_mut().unwrap().cut = true;
    let rule = policy("[[licence]]\nname = [\"GPL-*\"]\nverdict = \"review\"\n");
    assert_eq!(verdict(&rule, &report), Verdict::Review);
}

#[test]
fn an_author_who_is_named_needs_a_person_and_one_who_is_excepted_does_not() {
    let rule = policy("[[author]]\nprincipal = [\"*@contractor\"]\nexcept = [\"carol@*\"]\nverdict = \"review\"\n");
    for (author, expected) in [
        ("bob@contractor", Verdict::Review),
        ("carol@contractor", Verdict::Allow),
        ("alice@lab", Verdict::Allow),
    ] {
        assert_eq!(verdict(&rule, &report_of(author, &[])), expected, "{author}");
    }
    assert_eq!(
        verdict(&rule, &report("text.python")),
        Verdict::Allow,
        "a folder has no author"
    );
}

#[test]
fn an_author_with_a_severity_is_only_about_bundles_with_such_findings() {
    let rule = policy("[[author]]\nprincipal = [\"*\"]\nfindings = \"low\"\nverdict = \"reject\"\n");
    let mut report = report_of("bob@lab", &[]);
    assert_eq!(verdict(&rule, &report), Verdict::Allow);
    report.counts.low = 1;
    assert_eq!(verdict(&rule, &report), Verdict::Reject);
}

#[test]
fn a_finding_fits_a_condition_that_all_of_it_fits() {
    let report = finding_at("src/db.py", "sast", Severity::Medium);
    for (condition, expected) in [
        ("", Verdict::Reject),
        ("rule = [\"a-*\"]", Verdict::Reject),
        ("rule = [\"b-*\"]", Verdict::Review),
        ("engine = [\"sast\"]", Verdict::Reject),
        ("engine = [\"secrets\"]", Verdict::Review),
        ("severity = \"medium\"", Verdict::Reject),
        ("severity = \"high\"", Verdict::Review),
        ("confidence = \"high\"", Verdict::Reject),
        ("glob = \"src/*\"", Verdict::Reject),
        ("glob = \"*.py\"", Verdict::Review),
        ("rule = [\"a-*\"]\nglob = \"test/*\"", Verdict::Review),
    ] {
        let rule = policy(&format!("[[finding]]\nverdict = \"reject\"\n{condition}\n"));
        assert_eq!(verdict(&rule, &report), expected, "{condition}");
    }
}

#[test]
fn a_condition_on_confidence_leaves_guesses_to_their_severity() {
    let rule = policy("[[finding]]\nverdict = \"reject\"\nconfidence = \"high\"\n");
    let mut report = finding_at("src/db.py", "sast", Severity::Medium);
    report.findings[0].confidence = Confidence::Medium;
    assert_eq!(verdict(&rule, &report), Verdict::Review);
}

#[test]
fn a_condition_on_a_language_is_about_files_of_it() {
    let mut report = finding_at("deploy/run.sh", "sast", Severity::Low);
    report.files[0].detected_type = "text.shell".to_owned();
    let rule = |types: &str| policy(&format!("[[finding]]\nverdict = \"reject\"\ntypes = [\"{types}\"]\n"));
    assert_eq!(verdict(&rule("text.shell"), &report), Verdict::Reject);
    assert_eq!(verdict(&rule("text"), &report), Verdict::Reject);
    assert_eq!(verdict(&rule("text.python"), &report), Verdict::Allow);
}

#[test]
fn findings_that_are_not_listed_may_be_meant_if_their_severity_fits() {
    let mut report = report("text.python");
    report.counts.low = 3;
    let rule = |severity: &str| {
        policy(&format!(
            "[[finding]]\nverdict = \"review\"\nrule = [\"x\"]\nseverity = \"{severity}\"\n"
        ))
    };
    assert_eq!(verdict(&rule("low"), &report), Verdict::Review);
    assert_eq!(verdict(&rule("medium"), &report), Verdict::Allow);
}

#[test]
fn conditions_only_make_a_verdict_stricter() {
    let lax = "[[finding]]\nverdict = \"allow\"\n[[licence]]\nname = [\"*\"]\nverdict = \"allow\"\n[[author]]\nprincipal = [\"*\"]\nverdict = \"allow\"\n";
    assert_eq!(
        verdict(&policy(lax), &finding_at("a.py", "sast", Severity::High)),
        Verdict::Review
    );
}

#[test]
fn conditions_that_mean_nothing_are_refused_by_key() {
    for (text, key) in [
        ("[[licence]]\nname = []\nverdict = \"review\"", "licence[0].name"),
        ("[[licence]]\nname = [\"a[\"]\nverdict = \"review\"", "licence[0].name"),
        (
            "[[author]]\nprincipal = []\nverdict = \"review\"",
            "author[0].principal",
        ),
        (
            "[[finding]]\nengine = [\"sats\"]\nverdict = \"review\"",
            "finding[0].engine",
        ),
        (
            "[[finding]]\ntypes = [\"python\"]\nverdict = \"review\"",
            "finding[0].types",
        ),
        ("[[finding]]\nglob = \"a[\"\nverdict = \"review\"", "finding[0].glob"),
        ("[licences]\nallow = [\"a[\"]", "licences.allow"),
    ] {
        assert_eq!(Policy::parse(text, "p.toml").unwrap_err().key, key, "{text}");
    }
}

#[test]
fn the_examples_in_the_default_policy_are_good() {
    let lines = Policy::default_text()
        .lines()
        .filter_map(|line| line.strip_prefix("# "));
    let is_toml = |line: &&str| {
        line.starts_with('[')
            || line
                .split_once(" = ")
                .is_some_and(|(key, _)| key.chars().all(char::is_alphabetic))
    };
    let examples: Vec<_> = lines.filter(is_toml).collect();
    let text = examples.join("\n");
    for table in ["[[path]]", "[[finding]]", "[licences]", "[[licence]]", "[[author]]"] {
        assert!(text.contains(table), "{table}");
    }
    Policy::parse(&text, "examples.toml").unwrap();
}
