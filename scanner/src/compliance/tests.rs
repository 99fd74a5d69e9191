//! What the engine says of whole files: licences once for a bundle, numbers of people with their ends alone.

use proptest::prelude::*;

use super::*;
use crate::content::Memory;
use crate::engine::{FingerprintKey, Windowing};
use crate::finding::Finding;
use crate::report::Report;
use crate::scan::Scanner;

fn report(content: &Memory, windowing: Windowing) -> Report {
    let scanner = Scanner::with_engines(vec![Box::new(Compliance)], FingerprintKey::new([7; 32]));
    scanner.with_windowing(windowing).scan(content, &mut |_| {})
}

fn scan(path: &str, text: &str) -> Vec<Finding> {
    report(&Memory::new().with(path, text), Windowing::default()).findings
}

fn rules_of(findings: &[Finding]) -> Vec<(&str, Severity)> {
    let rules = findings.iter().map(|finding| (finding.rule.as_str(), finding.severity));
    rules.collect()
}

/// A card's number with the check digit that belongs to it, so that none stands in this file.
fn card(seed: u32) -> String {
    let body = format!(
        "4539 {:04} {:04} {:03}",
        1027 + seed * 391,
        7306 - seed * 217,
        508 + seed * 31
    );
    let digits: Vec<u32> = body.chars().filter_map(|c| c.to_digit(10)).collect();
    let doubled = |(place, digit): (usize, &u32)| {
        if place % 2 == 0 {
            digit * 2 / 10 + digit * 2 % 10
        } else {
            *digit
        }
    };
    let sum: u32 = digits.iter().rev().enumerate().map(doubled).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// A German account's number with its check digits.
fn account(seed: u64) -> String {
    let body = format!("{:018}", 370_502_991_027_306_841_u64 + seed * 7_919);
    let rest = format!("{body}131400")
        .bytes()
        .fold(0, |rest, byte| (rest * 10 + u32::from(byte - b'0')) % 97);
    format!("DE{:02}{body}", 98 - rest)
}

#[test]
fn one_card_is_worth_knowing_and_three_in_a_file_of_data_are_worth_a_look() {
    let one = format!("name,number\na,{}\n", card(1));
    assert_eq!(rules_of(&scan("people.csv", &one)), [("payment-card", Severity::Low)]);
    let three = format!("a,{}\nb,{}\nc,{}\n", card(1), card(2), card(3));
    assert_eq!(
        rules_of(&scan("people.csv", &three)),
        [("payment-card", Severity::Medium); 3]
    );
    assert_eq!(
        rules_of(&scan("tests/people.csv", &three)),
        [("payment-card", Severity::Low); 3]
    );
    assert_eq!(
        rules_of(&scan("cards.py", &three)),
        [("payment-card", Severity::Low); 3]
    );
}

#[test]
fn a_card_in_one_piece_needs_a_word_that_says_so() {
    let number = card(1).replace(' ', "");
    assert_eq!(rules_of(&scan("a.txt", &format!("id {number}\n"))), []);
    assert_eq!(
        rules_of(&scan("a.txt", &format!("card: {number}\n"))),
        [("payment-card", Severity::Low)]
    );
    assert_eq!(rules_of(&scan("a.txt", &format!("card: 0x{number}ab\n"))), []);
    assert_eq!(rules_of(&scan("a.txt", &format!("card: 0.{number}\n"))), []);
}

#[test]
fn an_account_is_found_in_one_piece_and_in_groups() {
    let number = account(1);
    let groups: Vec<_> = number
        .as_bytes()
        .chunks(4)
        .map(|group| std::str::from_utf8(group).unwrap())
        .collect();
    assert_eq!(
        rules_of(&scan("a.txt", &format!("to {number}.\n"))),
        [("iban", Severity::Low)]
    );
    assert_eq!(
        rules_of(&scan("a.txt", &format!("to {}\n", groups.join(" ")))),
        [("iban", Severity::Low)]
    );
    assert_eq!(rules_of(&scan("a.txt", &format!("to X{number}\n"))), []);
}

#[test]
fn numbers_of_states_need_their_words_where_the_form_says_little() {
    let text = "id 536-22-1894\n";
    assert_eq!(rules_of(&scan("a.txt", text)), []);
    assert_eq!(
        rules_of(&scan("a.txt", &text.replace("id", "SSN:"))),
        [("national-id", Severity::Low)]
    );
}

#[test]
fn examples_that_everybody_uses_are_no_finding() {
    let text = "card 4111 1111 1111 1111, 4242-4242-4242-4242, IBAN DE89370400440532013000, SSN 078-05-1120\n";
    assert_eq!(rules_of(&scan("a.txt", text)), []);
}

#[test]
fn hundreds_of_addresses_in_a_table_are_a_list_of_people() {
    let rows = |count: usize| {
        (0..count)
            .map(|n| format!("{n},person{n}@mail{}.test.invalid\n", n % 7))
            .collect::<String>()
    };
    assert_eq!(
        rules_of(&scan("people.csv", &rows(300))),
        [("bulk-email", Severity::Medium)]
    );
    assert_eq!(rules_of(&scan("people.csv", &rows(299))), []);
    assert_eq!(
        rules_of(&scan("AUTHORS.txt", &rows(300))),
        [("bulk-email", Severity::Low)]
    );
    assert_eq!(rules_of(&scan("people.py", &rows(300))), []);
}

#[test]
fn no_part_of_the_report_holds_a_number() {
    for (text, number) in [
        (format!("card: {}\n", card(1)), card(1)),
        (format!("account {}\n", account(1)), account(1)),
    ] {
        let report = report(&Memory::new().with("a.txt", text.as_str()), Windowing::default());
        let json = String::from_utf8(report.to_json()).unwrap();
        assert_eq!(report.findings.len(), 1);
        for part in number.as_bytes().windows(5) {
            let part = std::str::from_utf8(part).unwrap();
            assert!(!json.contains(part), "{part}");
        }
    }
}

#[test]
fn a_number_about_a_window_border_is_found_once() {
    let windowing = Windowing {
        window: 16 << 10,
        overlap: 8 << 10,
    };
    // The first window owns 12 KiB.
    for shift in 0..60 {
        let before = (12 << 10) - 30 + shift;
        let text = format!(
            "{}{} {}{}",
            " ".repeat(before),
            card(1),
            account(2),
            "\ny".repeat(20_000)
        );
        let content = Memory::new().with("a.csv", text.as_str());
        let findings = report(&content, windowing).findings;
        let mut rules = rules_of(&findings);
        rules.sort_unstable();
        assert_eq!(
            rules,
            [("iban", Severity::Low), ("payment-card", Severity::Low)],
            "{shift}"
        );
    }
}

#[test]
fn a_licence_is_reported_once_for_a_bundle_with_the_number_of_files() {
    let header = ["// SPDX-License", "-Identifier: GPL-3.0-only\n"].concat();
    let content = Memory::new()
        .with("a.c", header.as_str())
        .with("b.c", header.as_str())
        .with("c.c", header.replace("GPL-3.0-only", "MIT").as_str());
    let findings = report(&content, Windowing::default()).findings;
    assert_eq!(rules_of(&findings), [("licence-copyleft-strong", Severity::Low)]);
    assert_eq!((findings[0].path.raw(), findings[0].line), ("a.c", Some(1)));
    assert!(findings[0].message.contains("1 more file"), "{:?}", findings[0].message);
}

#[test]
fn a_licence_file_is_known_by_its_text() {
    let text = |name| spdx::license_id(name).map(spdx::LicenseId::text).unwrap();
    assert_eq!(rules_of(&scan("LICENSE", text("MIT"))), []);
    assert_eq!(
        rules_of(&scan("COPYING", text("AGPL-3.0-only"))),
        [("licence-copyleft-strong", Severity::Low)]
    );
    assert_eq!(
        rules_of(&scan("LICENSE.txt", text("BUSL-1.1"))),
        [("licence-source-available", Severity::Low)]
    );
    let own = "You may use this on Tuesdays, if it rains. ".repeat(9);
    assert_eq!(rules_of(&scan("LICENSE", &own)), [("licence-unknown", Severity::Low)]);
}

#[test]
fn a_marking_in_the_head_is_found_and_a_list_of_markings_is_worth_knowing() {
    assert_eq!(
        rules_of(&scan("plan.md", "# TLP:RED\n\ntext\n")),
        [("marking-formal", Severity::Medium)]
    );
    let list = "# TLP:RED\nx\n# TLP:AMBER+STRICT\nx\n# NATO SECRET\n";
    assert_eq!(
        rules_of(&scan("levels.md", list)),
        [("marking-formal", Severity::Low); 3]
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_engine_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), name in 0..5_usize) {
        let path = ["LICENSE", "package.json", "a.csv", "a.py", "PKG-INFO"][name];
        let report = report(&Memory::new().with(path, bytes), Windowing::default());
        prop_assert!(report.files[0].outcomes.values().all(|outcome| *outcome != Outcome::Crashed));
    }

    #[test]
    fn no_text_makes_the_engine_panic(text in "[0-9A-Z@. \\-\\nüé]{0,600}", name in 0..5_usize) {
        let path = ["LICENSE", "package.json", "a.csv", "a.py", "PKG-INFO"][name];
        let text = format!("card ssn dni bsn DE GB29 {text}");
        let report = report(&Memory::new().with(path, text.as_str()), Windowing::default());
        prop_assert!(report.files[0].outcomes.values().all(|outcome| *outcome != Outcome::Crashed));
    }
}

#[test]
fn every_licence_that_is_named_is_in_the_report_also_where_it_is_no_finding() {
    let content = Memory::new()
        .with("Cargo.toml", "[package]\nlicense = \"MIT\"\n")
        .with("package.json", "{\n  \"license\": \"AGPL-3.0-only\"\n}\n")
        .with("sub/Cargo.toml", "[package]\nlicense = \"MIT\"\n");
    let report = report(&content, Windowing::default());
    let licences = report.licences.unwrap();
    let named = licences.named.iter();
    let named: Vec<_> = named
        .map(|named| (named.name.raw(), named.path.raw(), named.files))
        .collect();
    assert_eq!(named, [("AGPL-3.0-only", "package.json", 1), ("MIT", "Cargo.toml", 2)]);
    assert_eq!(report.findings.len(), 1);
}
