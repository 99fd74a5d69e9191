//! Names that are nearly those of well-known packages.
//!
//! ```text
//! rules/names/*.txt ─▶ known: all of them            a name that is known is no lookalike
//!                   └▶ targets: the owners of the first ones, by each of their letters left out, and by their shapes
//! name ─▶ its owner's part ─▶ targets near it ─▶ how near ─▶ high or low closeness
//! ```
//! Who may publish decides what is compared: a crate or an unscoped npm package by its name, the others by the namespace that one
//! owner has: npm's scope, a Go module's account or host, Maven's group.
//!
//! Always true: a name that is close is at most one slip of the hand or of the eye away.

use std::collections::{HashMap, HashSet};

use unicode_security::confusable_detection::skeleton;

use super::package::{Ecosystem, Package};

/// The lists, most used first.
const LISTS: [(Ecosystem, &str); 5] = [
    (Ecosystem::Cargo, include_str!("../../rules/names/cargo.txt")),
    (Ecosystem::Npm, include_str!("../../rules/names/npm.txt")),
    (Ecosystem::PyPi, include_str!("../../rules/names/pypi.txt")),
    (Ecosystem::Go, include_str!("../../rules/names/golang.txt")),
    (Ecosystem::Maven, include_str!("../../rules/names/maven.txt")),
];
/// Names of a list that are worth imitating.
const TARGETS: usize = 1000;
/// Shorter names are near to too many others.
const MIN_LEN: usize = 5;
/// Longer names are near to none: no target has as many letters.
const MAX_LEN: usize = 80;
/// From here on a single letter more, less or another one is hardly ever on purpose.
const LONG: usize = 8;

/// The text of the lists, for the digest of the rules.
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    LISTS.into_iter().map(|(_, text)| text)
}

/// How near a name is to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Closeness {
    /// As many honest names are, too.
    Low,
    /// A slip of the hand or of the eye.
    High,
}

/// A name that looks like another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lookalike {
    pub(super) target: String,
    pub(super) closeness: Closeness,
    /// What makes them differ, for people.
    pub(super) slip: &'static str,
}

/// The well-known names.
#[derive(Debug)]
pub(super) struct Names {
    lists: Vec<List>,
}

#[derive(Debug)]
struct List {
    ecosystem: Ecosystem,
    known: HashSet<String>,
    /// Targets by the target, by the target with one letter left out, and by its shapes.
    near: HashMap<String, Vec<usize>>,
    targets: Vec<String>,
}

impl Names {
    pub(super) fn built_in() -> Self {
        Self {
            lists: LISTS
                .into_iter()
                .map(|(ecosystem, text)| List::new(ecosystem, text))
                .collect(),
        }
    }

    /// The well-known name that `package` nearly has; none if it is well known itself.
    pub(super) fn lookalike(&self, package: &Package) -> Option<Lookalike> {
        let list = self.lists.iter().find(|list| list.ecosystem == package.ecosystem)?;
        let name = owned_part(package.ecosystem, &package.key());
        if list.known.contains(&package.key()) || list.known.contains(&name) {
            return None;
        }
        list.lookalike(&name)
    }
}

impl List {
    fn new(ecosystem: Ecosystem, text: &str) -> Self {
        let names = text.lines().map(str::trim);
        let names = names.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut list = Self {
            ecosystem,
            known: HashSet::new(),
            near: HashMap::new(),
            targets: Vec::new(),
        };
        for (number, name) in names.enumerate() {
            let Some(package) = Package::new(ecosystem, name) else {
                continue;
            };
            let key = package.key();
            let part = owned_part(ecosystem, &key);
            if list.known.insert(key) | list.known.insert(part.clone()) && number < TARGETS {
                list.aim_at(part);
            }
        }
        list
    }

    fn aim_at(&mut self, target: String) {
        if target.len() < MIN_LEN || self.targets.last() == Some(&target) {
            return;
        }
        let number = self.targets.len();
        for key in keys(&target) {
            let near = self.near.entry(key).or_default();
            if near.last() != Some(&number) {
                near.push(number);
            }
        }
        self.targets.push(target);
    }

    fn lookalike(&self, name: &str) -> Option<Lookalike> {
        // What is left of a longer name is never near.
        if name.len() + 1 < MIN_LEN || name.len() > MAX_LEN {
            return None;
        }
        let mut best: Option<Lookalike> = None;
        for number in keys(name).iter().filter_map(|key| self.near.get(key)).flatten() {
            let Some(target) = self.targets.get(*number) else {
                continue;
            };
            let Some((closeness, slip)) = compare(name, target) else {
                continue;
            };
            let better = best.as_ref().is_none_or(|best| closeness > best.closeness);
            if better {
                best = Some(Lookalike {
                    target: target.clone(),
                    closeness,
                    slip,
                });
            }
        }
        best
    }
}

/// What two names share if one slip makes one of the other: themselves, with a letter left out, and their shapes.
fn keys(name: &str) -> Vec<String> {
    let mut keys = vec![
        name.to_owned(),
        format!("\0{}", shape(name)),
        format!("\u{1}{}", joined(name)),
    ];
    for (at, char) in name.char_indices() {
        let (before, after) = (name.get(..at), name.get(at + char.len_utf8()..));
        keys.push(format!("{}{}", before.unwrap_or_default(), after.unwrap_or_default()));
    }
    keys
}

/// The part of a name that one owner has.
fn owned_part(ecosystem: Ecosystem, key: &str) -> String {
    let part = match ecosystem {
        Ecosystem::Npm if key.starts_with('@') => key.split('/').next(),
        Ecosystem::Maven => key.split(':').next(),
        Ecosystem::Go => {
            let shared = [
                "github.com/",
                "gitlab.com/",
                "bitbucket.org/",
                "gopkg.in/",
                "codeberg.org/",
            ];
            let parts = if shared.iter().any(|host| key.starts_with(host)) {
                2
            } else {
                1
            };
            let end = key.match_indices('/').nth(parts - 1).map_or(key.len(), |(at, _)| at);
            return key.get(..end).unwrap_or(key).to_lowercase();
        }
        _ => Some(key),
    };
    part.unwrap_or(key).to_owned()
}

/// What a name looks like: letters that are taken for each other are one.
fn shape(name: &str) -> String {
    let name: String = if name.is_ascii() {
        name.to_lowercase()
    } else {
        skeleton(name).collect()
    };
    let name = name.replace("rn", "m").replace("vv", "w");
    let fold = |char| match char {
        '0' => 'o',
        '1' | 'i' | '|' => 'l',
        '5' => 's',
        other => other,
    };
    name.chars().map(fold).collect()
}

/// A name without what parts its words.
fn joined(name: &str) -> String {
    name.chars().filter(|char| !matches!(char, '-' | '_' | '.')).collect()
}

/// How near two different names are; none if no single slip makes one of the other.
fn compare(name: &str, target: &str) -> Option<(Closeness, &'static str)> {
    if name == target {
        return None;
    }
    if shape(name) == shape(target) {
        return Some((Closeness::High, "letters that look alike"));
    }
    // Registries take no second such name, so both are old and honest where both exist.
    if joined(name) == joined(target) {
        return Some((Closeness::Low, "what parts its words"));
    }
    let (a, b): (Vec<char>, Vec<char>) = (name.chars().collect(), target.chars().collect());
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a_rest, b_rest) = (a.get(start..)?, b.get(start..)?);
    let end = a_rest
        .iter()
        .rev()
        .zip(b_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let a_mid = a_rest.get(..a_rest.len() - end)?;
    let b_mid = b_rest.get(..b_rest.len() - end)?;
    // At the ends stand numbers of versions, plurals and initials, and they make honest names.
    let inside = start > 0 && end > 0;
    let long = b.len() >= LONG && inside;
    let letters = |chars: &[char]| chars.iter().all(|char| char.is_alphabetic());
    let by_length = |sure: bool| if sure { Closeness::High } else { Closeness::Low };
    match (a_mid, b_mid) {
        ([x, y], [p, q]) if x == q && y == p => {
            Some((by_length(inside && letters(a_mid)), "two letters changed about"))
        }
        ([x], []) | ([], [x]) => {
            // Either neighbour: a run has its common part at its start.
            let doubled = start.checked_sub(1).and_then(|before| a.get(before)) == Some(x);
            let sure = letters(&[*x]) && (long || doubled && b.len() > MIN_LEN);
            let slip = if a_mid.is_empty() {
                "a letter left out"
            } else {
                "a letter too many"
            };
            Some((by_length(sure), slip))
        }
        ([x], [p]) => Some((by_length(long && letters(&[*x, *p])), "one letter for another")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(ecosystem: Ecosystem, name: &str) -> Option<(String, Closeness)> {
        let found = Names::built_in().lookalike(&Package::new(ecosystem, name).unwrap())?;
        Some((found.target, found.closeness))
    }

    #[test]
    fn a_slip_of_the_hand_or_the_eye_is_close() {
        let cases = [
            (Ecosystem::PyPi, "reqeusts", "requests"),
            (Ecosystem::PyPi, "requessts", "requests"),
            (Ecosystem::PyPi, "crytography", "cryptography"),
            (Ecosystem::PyPi, "setuptoo1s", "setuptools"),
            (Ecosystem::PyPi, "python-dateutll", "python-dateutil"),
            (Ecosystem::Npm, "cornmander", "commander"),
            (Ecosystem::Npm, "typescirpt", "typescript"),
            (Ecosystem::Npm, "@babell/core", "@babel"),
            (Ecosystem::Cargo, "serde_josn", "serde-json"),
            (Ecosystem::Go, "github.com/gorrilla/mux", "github.com/gorilla"),
            (
                Ecosystem::Maven,
                "com.fasterxml.jakson.core:jackson-core",
                "com.fasterxml.jackson.core",
            ),
        ];
        for (ecosystem, name, target) in cases {
            assert_eq!(
                near(ecosystem, name),
                Some((target.to_owned(), Closeness::High)),
                "{name}"
            );
        }
    }

    #[test]
    fn honest_names_near_others_are_not_close() {
        let cases = [
            (Ecosystem::Npm, "preact"),
            (Ecosystem::PyPi, "pythondateutil"),
            (Ecosystem::PyPi, "request"),
            (Ecosystem::PyPi, "types-requests"),
            (Ecosystem::PyPi, "colour"),
            (Ecosystem::PyPi, "boto4"),
            (Ecosystem::Npm, "@types/anything-new"),
            (Ecosystem::Npm, "my-own-thing"),
            (Ecosystem::Go, "github.com/spf13/something"),
            (Ecosystem::Maven, "org.apache.commons:commons-new"),
        ];
        for (ecosystem, name) in cases {
            let close = near(ecosystem, name).filter(|(_, closeness)| *closeness == Closeness::High);
            assert_eq!(close, None, "{name}");
        }
    }

    #[test]
    fn a_well_known_name_looks_like_no_other() {
        for (ecosystem, text) in LISTS {
            for name in text.lines().filter(|line| !line.starts_with('#')) {
                let package = Package::new(ecosystem, name).unwrap_or_else(|| panic!("{name:?} is no name"));
                assert_eq!(Names::built_in_once().lookalike(&package), None, "{name}");
            }
        }
    }

    impl Names {
        fn built_in_once() -> &'static Self {
            static NAMES: std::sync::LazyLock<Names> = std::sync::LazyLock::new(Names::built_in);
            &NAMES
        }
    }
}
