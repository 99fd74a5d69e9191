//! What is written, held against the official schema and against what the report says.

use std::sync::{Arc, LazyLock};

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::content::Memory;
use crate::finding::Severity;
use crate::policy::Policy;
use crate::report::IntegrityFailure;
use crate::secrets::Secrets;
use crate::taint::lower::Here;

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::with_default_engines([7; 32], Arc::new(Here)));

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    // Its pattern for languages, which nothing here has, ends in a bracket too many, and a strict reader refuses that.
    let schema = include_str!("../../tests/sarif/sarif-schema-2.1.0.json").replace("{2}]?$", "{2}$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
});

/// Names that mean something to a terminal, to a URI, or to SARIF.
const NAMES: [&str; 10] = [
    "javascript:alert(1).py",
    "//host/x.py",
    "/etc/a.py",
    "a b/größe.py",
    "%2e%2e/a.py",
    "../../a.py",
    "{0} [x](1).py",
    "a\u{202e}yp.b\n.py",
    "c:\\a.py",
    "a?b#c.py",
];

const FLOW: &str = "import os\nfrom flask import request\n\n\ndef run():\n    name = request.args['name']\n    os.system('ls ' + name)\n";

fn scan(content: &Memory) -> Report {
    SCANNER.scan(content, &mut |_| {})
}

fn written(report: &Report) -> String {
    let policy = Policy::parse(Policy::default_text(), "default").unwrap();
    let mut sarif = Sarif::new();
    sarif.add(&SCANNER, "/home/someone/project", report, &policy.judge(report));
    let mut out = Vec::new();
    sarif.write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The run of a report, which is valid.
fn run(report: &Report) -> Value {
    let mut log: Value = serde_json::from_str(&written(report)).unwrap();
    let faults: Vec<String> = SCHEMA
        .iter_errors(&log)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    log["runs"][0].take()
}

/// A zip with one stored file.
fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let crc = crc32fast::hash(bytes).to_le_bytes();
    let len = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let name_len = u16::try_from(name.len()).unwrap().to_le_bytes();
    let fields = [
        &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
        &crc,
        &len,
        &len,
        &name_len,
        &[0, 0],
    ]
    .concat();
    let local = [b"PK\x03\x04".as_slice(), &fields, name.as_bytes(), bytes].concat();
    let central = [b"PK\x01\x02\x14\0".as_slice(), &fields, &[0; 14], name.as_bytes()].concat();
    let (size, start) = (central.len() as u32, local.len() as u32);
    let end = [
        b"PK\x05\x06\0\0\0\0\x01\0\x01\0".as_slice(),
        &size.to_le_bytes(),
        &start.to_le_bytes(),
        &[0, 0],
    ]
    .concat();
    [local, central, end].concat()
}

#[test]
fn a_report_of_nothing_is_valid_and_did_not_fail() {
    let run = run(&scan(&Memory::new().with("README.md", "# hello\n")));
    assert_eq!(run["results"], json!([]));
    assert_eq!(run["invocations"][0]["executionSuccessful"], json!(true));
}

#[test]
fn a_report_of_no_file_at_all_is_valid() {
    run(&scan(&Memory::new()));
}

#[test]
fn every_file_of_any_name_is_valid_and_below_the_root() {
    let content = NAMES
        .iter()
        .fold(Memory::new(), |content, name| content.with(name, FLOW));
    let report = scan(&content);
    assert!(report.counts.total() >= NAMES.len() as u64, "{:?}", report.counts);
    let run = run(&report);
    let uris = run["artifacts"].as_array().unwrap().iter();
    let uris: Vec<&str> = uris
        .map(|artifact| artifact["location"]["uri"].as_str().unwrap())
        .collect();
    assert_eq!(uris.len(), NAMES.len());
    for uri in uris {
        assert!(
            !uri.starts_with('/') && !uri.contains([':', '?', '#', '\\']) && !uri.split('/').any(|part| part == ".."),
            "{uri}"
        );
    }
}

#[test]
fn a_file_in_an_archive_has_an_artifact_and_a_result_under_the_same_uri() {
    let secret = &Secrets::built_in().unwrap().samples("aws-access-key-id")[0].text;
    let report = scan(&Memory::new().with("a b.zip", zip("in/config.py", secret.as_bytes())));
    let run = run(&report);
    assert_eq!(
        run["artifacts"][1]["location"]["uri"], "a%20b.zip!in/config.py",
        "{report:?}"
    );
    // The zip stores it as it is, so that the key is seen in its bytes, too.
    let results = run["results"].as_array().unwrap().iter();
    let mut at = results.map(|result| &result["locations"][0]["physicalLocation"]["artifactLocation"]);
    let within = at.find(|at| at["uri"] == "a%20b.zip!in/config.py").unwrap();
    assert_eq!(within["index"], json!(1));
}

#[test]
fn a_value_that_goes_somewhere_is_a_code_flow_from_its_source_to_its_sink() {
    let run = run(&scan(&Memory::new().with("app.py", FLOW)));
    let result = &run["results"][0];
    assert_eq!(result["ruleId"], "python-command-injection");
    let flow = result["codeFlows"][0]["threadFlows"][0]["locations"]
        .as_array()
        .unwrap();
    let line = |at: &Value| at["location"]["physicalLocation"]["region"]["startLine"].as_u64();
    assert_eq!((line(&flow[0]), line(flow.last().unwrap())), (Some(6), Some(7)));
    assert_eq!(flow[0]["importance"], "essential");
}

#[test]
fn a_result_refers_to_its_rule_and_its_weakness_by_their_places() {
    let run = run(&scan(&Memory::new().with("app.py", FLOW)));
    let result = &run["results"][0];
    let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
    assert_eq!(rule["id"], result["ruleId"]);
    let tags = rule["properties"]["tags"].as_array().unwrap();
    assert!(
        tags.contains(&json!("external/cwe/cwe-078")) && tags.contains(&json!("owasp-asvs/v5.0.0-1.2.5")),
        "{tags:?}"
    );
    let taxon = &result["taxa"][0];
    assert_eq!(
        run["taxonomies"][0]["taxa"][taxon["index"].as_u64().unwrap() as usize]["id"],
        "78"
    );
    for relationship in rule["relationships"].as_array().unwrap() {
        let target = &relationship["target"];
        let taxonomy = &run["taxonomies"][target["toolComponent"]["index"].as_u64().unwrap() as usize];
        assert_eq!(taxonomy["name"], target["toolComponent"]["name"]);
        assert_eq!(
            taxonomy["taxa"][target["index"].as_u64().unwrap() as usize]["id"],
            target["id"]
        );
    }
}

#[test]
fn a_file_that_was_not_covered_is_a_notification_with_its_outcome_and_the_scan_no_success() {
    let run = run(&scan(&Memory::new().with("src/lib.rb", "puts 1\n")));
    let invocation = &run["invocations"][0];
    let notice = &invocation["toolExecutionNotifications"][0];
    assert_eq!(invocation["executionSuccessful"], json!(false));
    assert_eq!(notice["properties"]["outcomes"], json!({ "sast": "unsupported" }));
    let kind = &run["tool"]["driver"]["notifications"][notice["descriptor"]["index"].as_u64().unwrap() as usize];
    assert_eq!(kind["id"], notice["descriptor"]["id"]);
}

#[test]
fn unreadable_and_damaged_files_and_findings_of_other_rules_are_valid() {
    let mut report = scan(&Memory::new().with("app.py", FLOW));
    report.files[0].unreadable = Some("{1} \u{1b}[2J [a](b)".into());
    report.files[0].sha256 = None;
    for found in [None, Some(Digest::of(b"x"))] {
        report.integrity.push(IntegrityFailure {
            path: "not/listed.py".into(),
            expected: Digest::of(b"y"),
            found,
        });
    }
    report.findings_unlisted = 3;
    let finding = report.findings[0].clone();
    report.findings.push(Finding {
        rule: "of-yesterday".to_owned(),
        severity: Severity::Critical,
        cwe: Some(99_999),
        line: None,
        column: None,
        snippet: None,
        message: "see {0} and [this](file:///etc/passwd) \u{202e}".into(),
        ..finding
    });
    let run = run(&report);
    let other = run["results"].as_array().unwrap().last().unwrap();
    assert_eq!((&other["ruleIndex"], &other["level"]), (&Value::Null, &json!("error")));
    assert_eq!(
        other["message"]["text"],
        r"see {{0}} and \[this\](file:///etc/passwd) \\u{{202e}}"
    );
    let notices = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(notices.len(), 4);
}

#[test]
fn nothing_that_a_person_would_not_see_is_written() {
    let report = scan(&Memory::new().with("a\u{202e}b.txt", "x\u{202e}y\u{200b}\n"));
    let text = written(&report);
    assert!(
        text.chars()
            .all(|c| protocol::path::characters::Unseen::of(c).is_none()),
        "{text}"
    );
}

#[test]
fn the_folder_that_was_scanned_is_named_and_not_placed() {
    let run = run(&scan(&Memory::new()));
    assert_eq!(run["automationDetails"]["id"], "diode-scan/project/");
    assert!(!run.to_string().contains("/home/"));
}

#[test]
fn the_same_line_has_the_same_partial_fingerprint_by_another_key() {
    let other = Scanner::with_default_engines([8; 32], Arc::new(Here));
    let content = Memory::new().with("app.py", FLOW);
    let (one, two) = (scan(&content), other.scan(&content, &mut |_| {}));
    assert_ne!(one.findings[0].fingerprint, two.findings[0].fingerprint);
    let fingerprint = |report| run(report)["results"][0]["partialFingerprints"].clone();
    assert_eq!(fingerprint(&one), fingerprint(&two));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_texts_in_a_report_are_valid_and_hide_nothing(
        path in any::<String>(),
        message in any::<String>(),
        step in any::<String>(),
        line in any::<u64>(),
    ) {
        static REPORT: LazyLock<Report> = LazyLock::new(|| scan(&Memory::new().with("app.py", FLOW)));
        let mut report = REPORT.clone();
        report.files[0].path = path.as_str().into();
        report.files[0].unreadable = Some(message.as_str().into());
        let finding = &mut report.findings[0];
        finding.path = path.as_str().into();
        finding.message = message.as_str().into();
        finding.line = Some(line);
        finding.way[0].path = Some(step.as_str().into());
        finding.way[0].what = step.as_str().into();
        run(&report);
        prop_assert!(written(&report).chars().all(|c| protocol::path::characters::Unseen::of(c).is_none()));
    }
}
