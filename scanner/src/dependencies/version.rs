//! Which of two versions is the later one, by the rules of each ecosystem.
//!
//! ```text
//! cargo, npm, Go   Semantic Versioning 2.0.0, precedence; a leading `v` and missing parts are let pass
//! PyPI             PEP 440
//! Maven            the POM Reference's "Version Order Specification"
//! ```
//! Always true: the order is total. What its ecosystem cannot order comes before all that it can, as PEP 440 had it for
//! versions from before its time, and is ordered as Maven would among its like.

use std::cmp::Ordering;
use std::str::FromStr;

use super::package::Ecosystem;

/// Compares two versions of packages of `ecosystem`.
pub(super) fn compare(ecosystem: Ecosystem, a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim(), b.trim());
    match ecosystem {
        Ecosystem::Cargo | Ecosystem::Npm | Ecosystem::Go => {
            let by = |a: &semver::Version, b: &semver::Version| a.cmp_precedence(b);
            read_and_compare(a, b, semantic, by)
        }
        Ecosystem::PyPi => {
            let read = |text: &str| pep440_rs::Version::from_str(text).ok();
            read_and_compare(a, b, read, Ord::cmp)
        }
        Ecosystem::Maven => maven(a, b),
    }
}

/// Compares what can be read; what cannot comes first.
fn read_and_compare<T>(
    a: &str,
    b: &str,
    read: impl Fn(&str) -> Option<T>,
    by: impl Fn(&T, &T) -> Ordering,
) -> Ordering {
    match (read(a), read(b)) {
        (Some(a), Some(b)) => by(&a, &b),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => maven(a, b),
    }
}

/// Reads a semantic version, with or without `v`, and with one or two numbers where there should be three.
fn semantic(text: &str) -> Option<semver::Version> {
    let text = text.strip_prefix(['v', 'V', '=']).unwrap_or(text);
    if let Ok(version) = semver::Version::parse(text) {
        return Some(version);
    }
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let padded = match numbers.matches('.').count() {
        0 => format!("{numbers}.0.0{rest}"),
        1 => format!("{numbers}.0{rest}"),
        _ => return None,
    };
    semver::Version::parse(&padded).ok()
}

/// A part of a Maven version.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    /// Whether a hyphen, or what counts as one, stands before it.
    hyphen: bool,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// A number by its digits, without zeros before them.
    Number(String),
    Word(String),
}

impl Token {
    /// What has no weight at the end of a version.
    fn is_null(&self) -> bool {
        match &self.value {
            Value::Number(digits) => digits == "0",
            Value::Word(word) => word.is_empty(),
        }
    }

    /// What stands for nothing beside this one.
    fn padding(&self) -> Self {
        let value = match self.hyphen {
            true => Value::Word(String::new()),
            false => Value::Number("0".to_owned()),
        };
        Self {
            hyphen: self.hyphen,
            value,
        }
    }

    /// `.qualifier` = `-qualifier` < `-number` < `.number`.
    fn rank(&self) -> u8 {
        match (&self.value, self.hyphen) {
            (Value::Word(_), _) => 0,
            (Value::Number(_), true) => 1,
            (Value::Number(_), false) => 2,
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.value, &other.value) {
            (Value::Number(a), Value::Number(b)) if self.hyphen == other.hyphen => {
                a.len().cmp(&b.len()).then_with(|| a.cmp(b))
            }
            (Value::Word(a), Value::Word(b)) => qualifier(a).cmp(&qualifier(b)),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// The order of qualifiers; those without a place of their own come last, by their letters.
fn qualifier(word: &str) -> (usize, &str) {
    const ORDER: [&str; 7] = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];
    match ORDER.iter().position(|known| *known == word) {
        Some(place) => (place, ""),
        None => (ORDER.len(), word),
    }
}

fn maven(a: &str, b: &str) -> Ordering {
    let (a, b) = (tokens(a), tokens(b));
    for at in 0..a.len().max(b.len()) {
        let order = match (a.get(at), b.get(at)) {
            (Some(a), Some(b)) => a.cmp(b),
            (Some(a), None) => a.cmp(&a.padding()),
            (None, Some(b)) => b.padding().cmp(b),
            (None, None) => Ordering::Equal,
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

/// The tokens of a version, trimmed of what has no weight at its end and before each hyphen.
fn tokens(text: &str) -> Vec<Token> {
    let text = text.to_lowercase();
    let mut all: Vec<Token> = Vec::new();
    let (mut hyphen, mut rest) = (false, text.as_str());
    loop {
        let end = rest.find(['.', '-', '_', '+']).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        runs(part, hyphen, &mut all);
        let mut chars = after.chars();
        let Some(separator) = chars.next() else { break };
        (hyphen, rest) = (separator != '.', chars.as_str());
    }
    let mut trimmed: Vec<Token> = Vec::with_capacity(all.len());
    for token in all {
        if token.hyphen {
            trim(&mut trimmed);
        }
        trimmed.push(token);
    }
    trim(&mut trimmed);
    trimmed
}

/// The runs of digits and of other characters in a part between separators.
fn runs(part: &str, hyphen: bool, all: &mut Vec<Token>) {
    let (mut hyphen, mut rest) = (hyphen, part);
    loop {
        let digits = rest.starts_with(|char: char| char.is_ascii_digit());
        let end = rest
            .find(|char: char| char.is_ascii_digit() != digits)
            .unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        let value = match digits || run.is_empty() {
            true => {
                let significant = run.trim_start_matches('0');
                Value::Number(if significant.is_empty() { "0" } else { significant }.to_owned())
            }
            false => Value::Word(word(run, !after.is_empty()).to_owned()),
        };
        all.push(Token { hyphen, value });
        if after.is_empty() {
            return;
        }
        (hyphen, rest) = (true, after);
    }
}

/// A qualifier under its one name; single letters count only where a number follows them at once.
fn word(run: &str, number_follows: bool) -> &str {
    match run {
        "a" if number_follows => "alpha",
        "b" if number_follows => "beta",
        "m" if number_follows => "milestone",
        "cr" => "rc",
        "ga" | "final" | "release" => "",
        other => other,
    }
}

fn trim(tokens: &mut Vec<Token>) {
    while tokens.len() > 1 && tokens.last().is_some_and(Token::is_null) {
        tokens.pop();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rising(ecosystem: Ecosystem, versions: &[&str]) {
        for (at, a) in versions.iter().enumerate() {
            for (later, b) in versions.iter().enumerate() {
                assert_eq!(compare(ecosystem, a, b), at.cmp(&later), "{a} and {b}");
            }
        }
    }

    #[test]
    fn semantic_versions_rise_as_in_the_specification() {
        let versions = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "2.0.0",
            "2.1.0",
            "2.1.1",
        ];
        rising(Ecosystem::Npm, &versions);
        rising(Ecosystem::Cargo, &versions);
    }

    #[test]
    fn what_is_built_in_another_way_is_no_later_version() {
        assert_eq!(compare(Ecosystem::Go, "v2.0.0+incompatible", "2.0.0"), Ordering::Equal);
        assert_eq!(compare(Ecosystem::Npm, "1.2", "1.2.0"), Ordering::Equal);
    }

    #[test]
    fn pseudo_versions_of_go_rise_with_their_time() {
        let versions = [
            "v0.0.0-20190101000000-aaaaaaaaaaaa",
            "v0.0.0-20200101000000-000000000000",
            "v0.1.0",
            "v1.2.3-0.20200101000000-000000000000",
            "v1.2.3",
        ];
        rising(Ecosystem::Go, &versions);
    }

    #[test]
    fn versions_of_python_rise_as_in_pep_440() {
        let versions = [
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
            "1!0.1",
        ];
        rising(Ecosystem::PyPi, &versions);
        assert_eq!(compare(Ecosystem::PyPi, "1.0", "1.0.0"), Ordering::Equal);
    }

    #[test]
    fn versions_of_maven_rise_as_in_the_pom_reference() {
        rising(Ecosystem::Maven, &["1-snapshot", "1", "1-sp"]);
        rising(Ecosystem::Maven, &["1-foo2", "1-foo10"]);
        rising(Ecosystem::Maven, &["1-foo", "1-1", "1.1"]);
        rising(Ecosystem::Maven, &["1-sp-1", "1-1"]);
        rising(Ecosystem::Maven, &["1-ga.1", "1-sp.1"]);
        rising(
            Ecosystem::Maven,
            &[
                "1-alpha-1",
                "1-beta",
                "1-milestone",
                "1-rc",
                "1-snapshot",
                "1",
                "1-sp",
                "1-abc",
                "1-1",
                "1.1",
                "1.2",
                "1.10",
            ],
        );
        for (a, b) in [
            ("1.foo", "1-foo"),
            ("1.ga", "1"),
            ("1-ga", "1"),
            ("1-0", "1"),
            ("1.0", "1"),
            ("1.0.0", "1"),
            ("1.final", "1"),
            ("1-ga-1", "1-1"),
            ("1-a1", "1-alpha-1"),
            ("1.0.0-foo.0.0", "1-foo"),
            ("1.0.0-0.0.0", "1"),
            ("1.0-CR1", "1.0-rc-1"),
        ] {
            assert_eq!(compare(Ecosystem::Maven, a, b), Ordering::Equal, "{a} and {b}");
        }
    }

    #[test]
    fn what_cannot_be_ordered_comes_first() {
        assert_eq!(compare(Ecosystem::PyPi, "what is this", "0.0.1"), Ordering::Less);
        assert_eq!(
            compare(Ecosystem::Npm, "99999999999999999999.0.0", "0.0.1"),
            Ordering::Less
        );
    }

    proptest! {
        #[test]
        fn the_order_of_any_two_texts_is_the_reverse_the_other_way_about(a in "[0-9a-z.+-]{0,12}", b in "[0-9a-z.+-]{0,12}", ecosystem in 0..5usize) {
            let ecosystem = Ecosystem::ALL[ecosystem];
            prop_assert_eq!(compare(ecosystem, &a, &b), compare(ecosystem, &b, &a).reverse());
            prop_assert_eq!(compare(ecosystem, &a, &a), Ordering::Equal);
        }
    }
}
