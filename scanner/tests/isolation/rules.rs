//! Files of rules, read in a worker before they are used.

use diode_scanner::additions::RuleFile;
use diode_scanner::isolation::{Allowance, NotChecked, check_rules_with};

use super::{pool, spawner};

fn file(name: &str, text: &str) -> RuleFile {
    RuleFile::new(name, name, text.as_bytes().to_vec()).unwrap()
}

/// What a worker says of a file; `None` where none can be had.
fn checked(name: &str, text: &str) -> Option<Result<u64, NotChecked>> {
    pool(Allowance::default())?;
    Some(check_rules_with(spawner(), &file(name, text)))
}

#[test]
fn a_file_is_counted_or_refused_with_its_line() {
    let Some(good) = checked("acme.yar", "rule A { condition: true }\nrule B { condition: false }\n") else {
        return;
    };
    assert_eq!(good, Ok(2));
    for (name, text, expected) in [
        ("acme.yar", "rule A {\n  condition:\n    $a\n}\n", "acme.yar:3: "),
        ("acme.txt", "pypi a\npypi\n", "acme.txt:2: "),
        ("acme.toml", "language = \"python\"\nrules = []\n", "acme.toml:"),
    ] {
        let fault = checked(name, text).unwrap().unwrap_err();
        assert!(matches!(fault, NotChecked::Fault(_)), "{fault}");
        assert!(fault.to_string().starts_with(expected), "{fault}");
    }
}

#[test]
fn what_is_nested_without_end_is_refused() {
    for (name, text) in [
        (
            "a.yar",
            format!(
                "rule A {{ condition: {}true{} }}",
                "(".repeat(200_000),
                ")".repeat(200_000)
            ),
        ),
        ("a.toml", format!("language = \"python\"\nx = {}", "[".repeat(200_000))),
        ("a.jsonl", "[".repeat(200_000)),
    ] {
        let Some(checked) = checked(name, &text) else { return };
        assert!(checked.is_err(), "{name}");
    }
}
