//! Personal data with check digits: payment cards, bank accounts, numbers that states give to people; and addresses in
//! bulk.
//!
//! ```text
//! digits in a row ─▶ shape ─▶ kinds of that shape ─▶ check digits ─▶ no example ─▶ words nearby ─▶ number
//! capitals, digits ─▶ account, tax code, identity number ─▶ check ─┘
//! ```
//!
//! A number is worth knowing; three different ones in a file of data are worth a look. What is in programs, in tests and
//! in examples is mostly made up, and never more than worth knowing.

use std::collections::BTreeSet;
use std::ops::Range;

use super::rules;
use crate::engine::{Findings, Window};
use crate::facts::{FileFacts, Language, Nature};
use crate::finding::{Confidence, Found, Identity, Place, Severity};
use crate::fixed_rule::FixedRule;

mod digits;
mod kinds;

use self::kinds::{KINDS, Kind};

/// Different numbers in a file of data from which on somebody should look.
const SEVERAL: usize = 3;
/// Different addresses in a file of data from which on they are a list of people.
const BULK: usize = 300;
/// Findings of a rule that are placed: as many as are listed.
const PLACED: usize = 20;
/// Different numbers that are told apart in a file.
const TOLD_APART: usize = 10_000;
/// Bytes before a number in which a word says what it is.
const NEARBY: usize = 60;
/// Bytes of a number with its separators at most.
const MAX_NUMBER: usize = 42;
/// A line without an end within so many bytes is no line that a person wrote.
const MAX_LINE: usize = 2000;

/// The personal data of one file.
pub(super) struct PersonalScan {
    /// Whether the file is data that may be about people: neither a program nor an example.
    is_data: bool,
    /// Whether numbers in it say anything: in lock files they are digests and versions.
    is_looked_at: bool,
    lists_people: bool,
    cards: Numbers,
    accounts: Numbers,
    ids: Numbers,
    addresses: BTreeSet<u64>,
    first_address: Option<Place>,
}

/// Numbers of one rule that were found.
struct Numbers {
    rule: &'static FixedRule,
    different: BTreeSet<Vec<u8>>,
    listed: Vec<(Place, Vec<u8>, &'static str)>,
}

/// A number in the window.
struct Number {
    name: &'static str,
    rule: &'static FixedRule,
    range: Range<usize>,
    /// Without separators.
    plain: Vec<u8>,
}

impl PersonalScan {
    pub(super) fn new(file: &FileFacts, language: Language) -> Self {
        let numbers = |rule| Numbers {
            rule,
            different: BTreeSet::new(),
            listed: Vec::new(),
        };
        let path = file.own_path().to_lowercase();
        let name = path.rsplit('/').next().unwrap_or(&path);
        let is_table = matches!(language, Language::Sql | Language::Unknown);
        let is_example = path.split(['/', '.', '-', '_']).any(|part| EXAMPLES.contains(&part));
        Self {
            is_data: (language.nature() != Nature::Program || is_table) && !is_example,
            is_looked_at: !matches!(language, Language::Lock | Language::Pem | Language::Svg)
                && !name.ends_with(".map"),
            lists_people: matches!(
                language,
                Language::Csv | Language::Json | Language::Sql | Language::Xml | Language::Yaml
            ),
            cards: numbers(&rules::PAYMENT_CARD),
            accounts: numbers(&rules::IBAN),
            ids: numbers(&rules::NATIONAL_ID),
            addresses: BTreeSet::new(),
            first_address: None,
        }
    }

    /// Looks at what starts in the bytes that the window owns.
    pub(super) fn window(&mut self, window: &Window<'_>, out: &mut Findings<'_>) {
        if !self.is_looked_at {
            return;
        }
        let mut at = window.owned.start;
        while at < window.owned.end {
            let rest = window.bytes.get(at..window.owned.end).unwrap_or_default();
            let Some(next) = rest
                .iter()
                .position(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase() || *byte == b'@')
            else {
                return;
            };
            at += next;
            at += self.step(window, at, out).max(1);
        }
    }

    /// Looks at what starts at `at`, and says how many bytes are done.
    fn step(&mut self, window: &Window<'_>, at: usize, out: &mut Findings<'_>) -> usize {
        let rest = window.bytes.get(at..).unwrap_or_default();
        let before = at.checked_sub(1).and_then(|before| window.bytes.get(before)).copied();
        let glued =
            before.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'+' | b'='));
        match rest.first() {
            Some(b'@') => {
                self.address(window, at);
                1
            }
            Some(byte) if byte.is_ascii_digit() => {
                let len = number_len(rest);
                if !glued {
                    self.digits(window, at, len, out);
                }
                len
            }
            _ => {
                let word = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                if !glued && word >= 4 {
                    self.letters(window, at, word, out);
                }
                word
            }
        }
    }

    /// Digits that start at `at`, with separators in between.
    fn digits(&mut self, window: &Window<'_>, at: usize, len: usize, out: &mut Findings<'_>) {
        let text = window.bytes.get(at..at + len).unwrap_or_default();
        let digits: Vec<u8> = text.iter().copied().filter(u8::is_ascii_digit).collect();
        if !(8..=19).contains(&digits.len()) {
            return;
        }
        let after = window.bytes.get(at + len).copied();
        // The letter of a Spanish number belongs to it.
        if digits.len() == 8 && after.is_some_and(|byte| byte.is_ascii_uppercase()) {
            return self.dni(window, at..at + len + 1, out);
        }
        let goes_on = after.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'=' | b'/'));
        let fraction = after == Some(b'.') && window.bytes.get(at + len + 1).is_some_and(u8::is_ascii_digit);
        if goes_on || fraction {
            return;
        }
        let shape: Vec<u8> = text
            .iter()
            .map(|byte| if byte.is_ascii_digit() { b'9' } else { *byte })
            .collect();
        let fits = |kind: &&Kind| kind.has_shape(&shape) && kind.takes(&digits) && says(window, at, kind.words);
        if let Some(kind) = KINDS.iter().find(fits) {
            let number = Number {
                name: kind.name,
                rule: kind.rule,
                range: at..at + len,
                plain: digits,
            };
            self.take(window, number, out);
        }
    }

    fn dni(&mut self, window: &Window<'_>, range: Range<usize>, out: &mut Findings<'_>) {
        let plain = window.bytes.get(range.clone()).unwrap_or_default().to_vec();
        let goes_on = window.bytes.get(range.end).is_some_and(u8::is_ascii_alphanumeric);
        let digits = plain.get(..8).unwrap_or_default();
        if !goes_on
            && digits::dni(&plain)
            && !kinds::is_made_up(digits)
            && says(window, range.start, &["dni", "nif", "nie"])
        {
            let number = Number {
                name: "a Spanish identity number",
                rule: &rules::NATIONAL_ID,
                range,
                plain,
            };
            self.take(window, number, out);
        }
    }

    /// A word that starts with a capital: an account's number, or a tax code of Italy.
    fn letters(&mut self, window: &Window<'_>, at: usize, word: usize, out: &mut Findings<'_>) {
        let rest = window.bytes.get(at..).unwrap_or_default();
        let text = rest.get(..word).unwrap_or_default();
        if word == 16 && digits::codice_fiscale(text) && !kinds::is_made_up(text) {
            let number = Number {
                name: "an Italian tax code",
                rule: &rules::NATIONAL_ID,
                range: at..at + word,
                plain: text.to_vec(),
            };
            return self.take(window, number, out);
        }
        let [a, b, c, d, ..] = text else { return };
        let starts = a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_digit() && d.is_ascii_digit();
        let Some(len) = starts.then(|| kinds::iban_len(&[*a, *b])).flatten() else {
            return;
        };
        let Some((plain, end)) = grouped(rest, len) else { return };
        let goes_on = rest.get(end).is_some_and(u8::is_ascii_alphanumeric);
        if !goes_on && digits::iban(&plain) && !kinds::is_made_up(&plain) {
            let number = Number {
                name: "a bank account's number",
                rule: &rules::IBAN,
                range: at..at + end,
                plain,
            };
            self.take(window, number, out);
        }
    }

    fn take(&mut self, window: &Window<'_>, number: Number, out: &mut Findings<'_>) {
        if !is_in_a_line(window.bytes, &number.range) && !self.lists_people {
            return;
        }
        let bytes = window.bytes.get(number.range.clone()).unwrap_or_default();
        out.conceal(window.offset + number.range.start as u64, bytes);
        let numbers = match number.rule.id {
            id if id == rules::PAYMENT_CARD.id => &mut self.cards,
            id if id == rules::IBAN.id => &mut self.accounts,
            _ => &mut self.ids,
        };
        if numbers.different.len() < TOLD_APART
            && numbers.different.insert(number.plain.clone())
            && numbers.listed.len() < PLACED
        {
            numbers
                .listed
                .push((window.place(number.range), number.plain, number.name));
        }
    }

    /// An address around the `@` at `at`.
    fn address(&mut self, window: &Window<'_>, at: usize) {
        if !self.is_data || self.addresses.len() >= TOLD_APART {
            return;
        }
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+');
        let before = window.bytes.get(at.saturating_sub(64)..at).unwrap_or_default();
        let local = before.iter().rev().take_while(is_part).count();
        let after = window.bytes.get(at + 1..).unwrap_or_default();
        let domain_len = after.iter().take(80).take_while(is_part).count();
        let domain = after.get(..domain_len).unwrap_or_default();
        // What ends in a number is the version of a package.
        let mut labels = domain.rsplit(|byte| *byte == b'.');
        let ends = labels
            .next()
            .is_some_and(|last| last.len() >= 2 && last.iter().all(u8::is_ascii_alphabetic));
        if local == 0 || !ends || labels.next().is_none_or(<[u8]>::is_empty) || domain.starts_with(b"example.") {
            return;
        }
        let range = at - local..at + 1 + domain_len;
        let address = window.bytes.get(range.clone()).unwrap_or_default().to_ascii_lowercase();
        self.addresses.insert(hash(&address));
        if self.first_address.is_none() {
            self.first_address = Some(window.place(range));
        }
    }

    /// Ends the file: how many there are decides what they mean.
    pub(super) fn finish(self, out: &mut Findings<'_>) {
        for numbers in [self.cards, self.accounts, self.ids] {
            numbers.report(self.is_data, out);
        }
        if self.addresses.len() >= BULK {
            let severity = if self.lists_people {
                Severity::Medium
            } else {
                Severity::Low
            };
            let message = format!(
                "{} different addresses of e-mail: a list of people",
                self.addresses.len()
            );
            out.add(rules::BULK_EMAIL.found(severity, Confidence::Medium, message, self.first_address));
        }
    }
}

impl Numbers {
    fn report(self, is_data: bool, out: &mut Findings<'_>) {
        let count = self.different.len();
        let severity = if is_data && count >= SEVERAL {
            Severity::Medium
        } else {
            Severity::Low
        };
        let listed = self.listed.len();
        for (place, plain, name) in self.listed {
            let message =
                format!("{name}, whose check digits are right; {count} different such numbers are in this file");
            let found = self.rule.found(severity, Confidence::Medium, message, Some(place));
            out.add(Found {
                identity: Identity::Secret(plain),
                ..found
            });
        }
        for _ in listed..count {
            out.count(self.rule.id, severity);
        }
    }
}

/// Parts of a path that say that what is in it is made up.
const EXAMPLES: &[&str] = &[
    "test", "tests", "testing", "testdata", "spec", "specs", "fixture", "fixtures", "example", "examples", "sample",
    "samples", "mock", "mocks", "doc", "docs", "demo",
];

/// Bytes of the digits that `rest` starts with, single separators among them.
fn number_len(rest: &[u8]) -> usize {
    let mut len = 0;
    for (at, byte) in rest.iter().enumerate() {
        let follows = rest.get(at + 1).is_some_and(u8::is_ascii_digit);
        match byte {
            b'0'..=b'9' => len = at + 1,
            b' ' | b'-' | b'.' if follows && at < MAX_NUMBER => {}
            _ => break,
        }
    }
    len
}

/// The first `len` letters and digits of `rest`, in one piece or in groups of four, and where they end.
fn grouped(rest: &[u8], len: usize) -> Option<(Vec<u8>, usize)> {
    let mut plain = Vec::with_capacity(len);
    let spaced = rest.get(4) == Some(&b' ');
    for (at, &byte) in rest.iter().enumerate() {
        if spaced && byte == b' ' && plain.len() % 4 == 0 {
            continue;
        }
        if !(byte.is_ascii_digit() || byte.is_ascii_uppercase()) {
            break;
        }
        plain.push(byte);
        if plain.len() == len {
            return Some((plain, at + 1));
        }
    }
    None
}

/// Whether one of `words` stands shortly before `at`; no words are always said.
fn says(window: &Window<'_>, at: usize, words: &[&str]) -> bool {
    if words.is_empty() {
        return true;
    }
    let before = window.bytes.get(at.saturating_sub(NEARBY)..at).unwrap_or_default();
    let lower = before.to_ascii_lowercase();
    words.iter().any(|word| {
        let mut places = lower.windows(word.len()).enumerate();
        // A word of its own, or the part of a name.
        places.any(|(place, part)| {
            let starts = place.checked_sub(1).and_then(|before| lower.get(before));
            part == word.as_bytes() && !starts.is_some_and(u8::is_ascii_alphabetic)
        })
    })
}

/// Whether what is around a number is a line that a person may have written.
fn is_in_a_line(bytes: &[u8], range: &Range<usize>) -> bool {
    let before = bytes
        .get(range.start.saturating_sub(MAX_LINE)..range.start)
        .unwrap_or_default();
    let after = bytes
        .get(range.end..(range.end + MAX_LINE).min(bytes.len()))
        .unwrap_or_default();
    before.len() < MAX_LINE && after.len() < MAX_LINE || before.contains(&b'\n') || after.contains(&b'\n')
}

/// FNV-1a: addresses are only told apart.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}
