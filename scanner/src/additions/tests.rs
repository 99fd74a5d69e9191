//! Files of rules: what is refused, where, and what those that are taken change.

use super::*;
use crate::content::Memory;
use crate::dependencies::AsOf;
use crate::scan::Scanner;
use crate::taint::lower::{Here, Nowhere};

const YARA: &str = "rule Acme_Word {\n  meta:\n    severity = \"high\"\n  strings:\n    $a = \"acme forbidden word\"\n  condition:\n    $a\n}\n";
const PYTHON: &str = r#"
language = "python"

[[rule]]
id = "acme-run"
title = "text of a sender in acme's runner"
cwe = 78
severity = "high"
confidence = "high"
message = "acme.run gives its argument to a shell"
mend = "use acme.run_list"
kind = "command"
sink = [{ call = ["acme.run"], arg = [0] }]
bad = ["import acme\nfrom flask import request\nacme.run(request.args['x'])\n"]
good = ["import acme\nacme.run('ls')\n"]
"#;

fn file(name: &str, text: &str) -> RuleFile {
    RuleFile::new(name, name, text.as_bytes().to_vec()).unwrap()
}

fn fault_of(name: &str, text: &str) -> String {
    let file = file(name, text);
    let alone = check(file.kind(), file.bytes()).unwrap_err().of(name);
    let together = Additions::new(vec![file]).unwrap();
    let together = Scanner::with_additions([1; 32], Arc::new(Nowhere), &together, AsOf::default()).unwrap_err();
    assert_eq!(alone, together, "a worker and whoever uses the file find the same");
    alone.to_string()
}

#[test]
fn a_name_says_what_a_file_is() {
    for (name, kind, place) in [
        ("acme.toml", Kind::Sast, "acme.toml"),
        ("acme.yara", Kind::Yara, "acme.yara"),
        ("osv-2026-11.jsonl", Kind::Advisories, "advisories.jsonl"),
        ("ours.txt", Kind::KnownNames, "known-names.txt"),
    ] {
        assert_eq!(RuleFile::place(name).unwrap(), (kind, place.to_owned()));
    }
    for name in ["acme", "acme.json", ".acme.yar", "a/b.yar", "a b.yar", ""] {
        assert!(RuleFile::place(name).is_err(), "{name}");
    }
}

#[test]
fn a_fault_is_told_with_its_line() {
    for (name, text, expected) in [
        ("a.yar", YARA.replace("$a\n}", "$b\n}"), "a.yar:7: "),
        (
            "a.yar",
            YARA.replace("\"high\"", "\"dire\""),
            "a.yar:1: rule Acme_Word: its severity",
        ),
        ("a.toml", PYTHON.replace("cwe = 78", "cwe = x"), "a.toml:7: "),
        ("a.toml", PYTHON.replace("severity =", "severe ="), "a.toml:"),
        (
            "a.toml",
            PYTHON.replace("acme-run", "python-sql-injection"),
            "a.toml:5: rule python-sql-injection: the id is taken",
        ),
        (
            "a.toml",
            PYTHON.replace("\"python\"", "\"cobol\""),
            "a.toml:2: language: there are no rules for \"cobol\"",
        ),
        ("a.txt", "pypi a\nb\n".to_owned(), "a.txt:2: "),
        ("a.jsonl", "{}\n".to_owned(), "a.jsonl:1: "),
    ] {
        let fault = fault_of(name, &text);
        assert!(fault.starts_with(expected), "{fault}");
    }
}

#[test]
fn text_that_is_not_utf_8_is_told_with_its_line() {
    let fault = check(Kind::Yara, b"rule a\n\xff").unwrap_err();
    assert_eq!(fault.line, Some(2));
}

#[test]
fn rules_that_were_added_find_what_no_other_does_and_have_a_digest_of_their_own() {
    let scanner = |files| {
        let additions = Additions::new(files).unwrap();
        Scanner::with_additions([1; 32], Arc::new(Here), &additions, AsOf::default()).unwrap()
    };
    let (plain, added) = (
        scanner(Vec::new()),
        scanner(vec![file("acme.yar", YARA), file("acme.toml", PYTHON)]),
    );
    let content = Memory::new().with("a.txt", "an acme forbidden word\n").with(
        "b.py",
        "import acme\nfrom flask import request\nacme.run(request.args['x'])\n",
    );
    let found = |scanner: &Scanner| -> Vec<String> {
        let report = scanner.scan(&content, &mut |_| {});
        report.findings.into_iter().map(|finding| finding.rule).collect()
    };
    assert_eq!(found(&plain), [""; 0]);
    assert_eq!(found(&added), ["acme:acme-word", "acme-run"]);
    assert_ne!(plain.rules_digest(), added.rules_digest());
    let infos: Vec<_> = added
        .additions()
        .iter()
        .map(|info| (info.name.as_str(), info.count))
        .collect();
    assert_eq!(infos, [("acme.toml", 1), ("acme.yar", 1)]);
}

#[test]
fn the_order_in_which_files_are_given_changes_nothing() {
    let digest = |files| {
        let additions = Additions::new(files).unwrap();
        let scanner = Scanner::with_additions([1; 32], Arc::new(Nowhere), &additions, AsOf::default()).unwrap();
        scanner.rules_digest()
    };
    let (a, b) = (file("a.yar", YARA), file("b.yar", &YARA.replace("forbidden", "other")));
    assert_eq!(digest(vec![a.clone(), b.clone()]), digest(vec![b, a]));
}

#[test]
fn a_name_is_there_once_and_a_file_takes_the_place_of_the_one_before() {
    let two = vec![file("a.txt", "pypi a\n"), file("b.txt", "pypi b\n")];
    let fault = Additions::new(two).unwrap_err();
    assert!(fault.to_string().contains("known-names.txt is"), "{fault}");
    let additions = Additions::default().with(file("a.txt", "pypi a\n")).unwrap();
    let additions = additions.with(file("b.txt", "pypi b\n")).unwrap();
    assert_eq!(additions.iter().count(), 1);
    assert_eq!(additions.without("known-names.txt").iter().count(), 0);
}

#[test]
fn two_packs_of_one_name_are_refused_by_name() {
    let two = Additions::new(vec![file("a.yar", YARA), file("a.yara", YARA)]).unwrap();
    let fault = Scanner::with_additions([1; 32], Arc::new(Nowhere), &two, AsOf::default()).unwrap_err();
    assert!(fault.to_string().contains("taken"), "{fault}");
}
