//! The operator's list of packages that may be used.
//!
//! ```text
//! # type and name, one a line; a * at the end stands for the rest of the name
//! pypi requests
//! npm @types/*
//! ```
//! A type that has no line is not limited.

use std::collections::{BTreeMap, BTreeSet};

use protocol::digest::Digest;

use super::package::{Ecosystem, Package};

/// Lines of a list at most.
const MAX_LINES: usize = 1_000_000;

/// Packages that may be used.
#[derive(Debug)]
pub struct KnownNames {
    lists: BTreeMap<Ecosystem, Allowed>,
    digest: Digest,
}

#[derive(Debug, Default)]
struct Allowed {
    names: BTreeSet<String>,
    /// What names begin with.
    beginnings: Vec<String>,
}

/// A line of the list that cannot be used; the list is refused as a whole.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {problem}; write a type and a name, such as `pypi requests`")]
pub struct KnownNamesError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl KnownNames {
    /// Reads a list.
    ///
    /// # Errors
    /// [`KnownNamesError`] naming the first line that cannot be used.
    pub fn parse(text: &str) -> Result<Self, KnownNamesError> {
        let mut lists: BTreeMap<_, Allowed> = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let fault = |problem: String| KnownNamesError {
                line: number + 1,
                problem,
            };
            if number >= MAX_LINES {
                return Err(fault(format!("there are more than {MAX_LINES} lines")));
            }
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let (Some(kind), Some(name), None) = (words.next(), words.next(), words.next()) else {
                return Err(fault("it does not consist of two words".to_owned()));
            };
            let Some(ecosystem) = Ecosystem::of_purl_type(kind) else {
                let kinds: Vec<_> = Ecosystem::ALL.into_iter().map(Ecosystem::purl_type).collect();
                return Err(fault(format!(
                    "there is no type {kind:?} (there are {})",
                    kinds.join(", ")
                )));
            };
            let list = lists.entry(ecosystem).or_default();
            if let Some(beginning) = name.strip_suffix('*') {
                list.beginnings.push(beginning.to_owned());
                continue;
            }
            let Some(package) = Package::new(ecosystem, name) else {
                return Err(fault(format!(
                    "no package of {} is called {name:?}",
                    ecosystem.registry()
                )));
            };
            list.names.insert(package.key());
        }
        Ok(Self {
            lists,
            digest: Digest::of(text.as_bytes()),
        })
    }

    /// The digest of the list's text.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Names and beginnings of names on the list.
    #[must_use]
    pub fn count(&self) -> u64 {
        let lists = self.lists.values();
        lists
            .map(|list| (list.names.len() + list.beginnings.len()) as u64)
            .sum()
    }

    /// Whether a package is on the list; `None` if the list says nothing of its type.
    pub(super) fn allows(&self, package: &Package) -> Option<bool> {
        let list = self.lists.get(&package.ecosystem)?;
        let name = package.name();
        Some(list.names.contains(&package.key()) || list.beginnings.iter().any(|beginning| name.starts_with(beginning)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(ecosystem: Ecosystem, name: &str) -> Package {
        Package::new(ecosystem, name).unwrap()
    }

    #[test]
    fn a_list_limits_the_types_that_it_names() {
        let known = KnownNames::parse("# ours\npypi Requests\nnpm @types/*\n").unwrap();
        assert_eq!(known.allows(&package(Ecosystem::PyPi, "requests")), Some(true));
        assert_eq!(known.allows(&package(Ecosystem::PyPi, "flask")), Some(false));
        assert_eq!(known.allows(&package(Ecosystem::Npm, "@types/node")), Some(true));
        assert_eq!(known.allows(&package(Ecosystem::Cargo, "serde")), None);
    }

    #[test]
    fn a_line_that_cannot_be_used_is_named() {
        for text in ["pypi requests\nrequests\n", "\ngems rails\n", "npm ok\nnpm a/b\n"] {
            let error = KnownNames::parse(text).unwrap_err();
            assert_eq!(error.line, 2, "{error}");
        }
    }
}
