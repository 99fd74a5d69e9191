//! Patterns over what a value is: `subprocess.run`, `*.execute`, `flask.request.*`.
//!
//! A path is names joined by dots, a call marked by `()`: `sqlite3.connect().cursor().execute`. In a pattern `*.` at the
//! front stands for anything that ends before it, `.*` at the end for anything that goes on after it.

use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault};

use super::super::quick::{Quick, QuickMap};

/// Stands at the end of a mark's path for what the marked function gives back.
pub const RETURNED: &str = "return";
/// Stands at the end of a mark's path for the mark itself.
pub const MARKED: &str = "mark";

/// A pattern over paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    core: String,
    any_front: bool,
    any_end: bool,
}

/// A pattern that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no pattern; write a path such as \"os.system\", \"*.execute\" or \"flask.request.*\"")]
pub struct PatternFault(String);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternFault`] if nothing but `*` is in it, or a `*` in its middle.
    pub fn parse(text: &str) -> Result<Self, PatternFault> {
        let (any_front, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (any_end, core) = match rest.strip_suffix(".*") {
            Some(core) => (true, core),
            None => (false, rest),
        };
        if core.is_empty() || core.contains('*') || core.split('.').any(str::is_empty) {
            return Err(PatternFault(text.to_owned()));
        }
        Ok(Self {
            core: core.to_owned(),
            any_front,
            any_end,
        })
    }

    /// The last name that a file itself writes; what a function gives back and what it is marked with are no names.
    fn word(&self) -> &str {
        let mut parts = self.core.rsplit('.');
        let written = parts.find(|part| !matches!(*part, RETURNED | MARKED | "[]" | ""));
        // A variable that gets a value has no sign in front of it everywhere.
        written
            .unwrap_or(&self.core)
            .trim_end_matches("()")
            .trim_start_matches('$')
    }

    /// Whether `path` is what the pattern means.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        match (self.any_front, self.any_end) {
            (false, false) => path == self.core,
            (true, false) => ends_with(path, &self.core),
            (false, true) => path.strip_prefix(&self.core).is_some_and(begins_part),
            (true, true) => {
                let dots = path.bytes().enumerate().filter(|(_, byte)| *byte == b'.');
                let mut rests = dots.map(|(at, _)| &path[at + 1..]);
                rests.any(|rest| rest.strip_prefix(&self.core).is_some_and(begins_part))
            }
        }
    }
}

fn ends_with(path: &str, core: &str) -> bool {
    path.strip_suffix(core).is_some_and(|front| front.ends_with('.'))
}

fn begins_part(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('.') || rest.starts_with("()")
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let front = if self.any_front { "*." } else { "" };
        let end = if self.any_end { ".*" } else { "" };
        write!(f, "{front}{}{end}", self.core)
    }
}

/// What a path is looked up by: hashes of it and of its first and last part.
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    whole: u64,
    first: u64,
    last: u64,
}

impl Keys {
    /// Those of a path.
    #[must_use]
    pub fn of(path: &str) -> Self {
        Self {
            whole: key(path),
            first: key(first(path)),
            last: key(last(path)),
        }
    }
}

/// What can be looked up in a [`PatternIndex`].
pub trait Keyed {
    /// The path.
    fn text(&self) -> &str;

    /// What it is looked up by.
    fn keys(&self) -> Keys {
        Keys::of(self.text())
    }
}

impl Keyed for str {
    fn text(&self) -> &str {
        self
    }
}

impl Keyed for String {
    fn text(&self) -> &str {
        self
    }
}

/// Values by patterns, found by a path without trying each.
#[derive(Debug)]
pub struct PatternIndex<T> {
    entries: Vec<(Pattern, T)>,
    exact: QuickMap<u64, Vec<usize>>,
    /// By the last part of what the path must end with.
    by_last: QuickMap<u64, Vec<usize>>,
    /// Those that match what goes on, by the first name of what the path must begin with.
    by_first: QuickMap<u64, Vec<usize>>,
    /// Those that match what goes on after anything, by their first name.
    by_inner: QuickMap<u64, Vec<usize>>,
}

impl<T> Default for PatternIndex<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            exact: QuickMap::default(),
            by_last: QuickMap::default(),
            by_first: QuickMap::default(),
            by_inner: QuickMap::default(),
        }
    }
}

impl<T> PatternIndex<T> {
    /// Adds a value.
    pub fn insert(&mut self, pattern: Pattern, value: T) {
        let at = self.entries.len();
        let core = &pattern.core;
        let (index, key) = match (pattern.any_front, pattern.any_end) {
            (false, false) => (&mut self.exact, key(core)),
            (true, false) => (&mut self.by_last, key(last(core))),
            (false, true) => (&mut self.by_first, key(first(core))),
            (true, true) => (&mut self.by_inner, key(first(core))),
        };
        index.entry(key).or_default().push(at);
        self.entries.push((pattern, value));
    }

    /// Adds the patterns of another index.
    pub fn add_patterns<U>(&mut self, other: &PatternIndex<U>)
    where
        T: Default,
    {
        for (pattern, _) in &other.entries {
            self.insert(pattern.clone(), T::default());
        }
    }

    /// The values of all patterns that mean `path`, in the order in which they were added.
    pub fn of<'a, K: Keyed + ?Sized>(&'a self, path: &K) -> impl Iterator<Item = &'a T> + use<'a, T, K> {
        let mut found: Vec<usize> = self.tried(path).collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|at| &self.entries[at].1)
    }

    /// The positions of those that mean `path`, in no order; one that means it in two ways twice.
    fn tried(&self, path: &(impl Keyed + ?Sized)) -> impl Iterator<Item = usize> {
        let (text, keys) = (path.text(), path.keys());
        let exact = self.exact.get(&keys.whole).into_iter();
        let by_last = self.by_last.get(&keys.last).into_iter();
        let by_first = self.by_first.get(&keys.first).into_iter();
        let dots = text.bytes().enumerate().filter(|(_, byte)| *byte == b'.');
        let inner = dots
            .take_while(|_| !self.by_inner.is_empty())
            .filter_map(|(at, _)| self.by_inner.get(&key(first(&text[at + 1..]))));
        let tried = exact.chain(by_last).chain(by_first).chain(inner).flatten();
        tried.copied().filter(move |at| self.entries[*at].0.matches(text))
    }

    /// All patterns with their values, in the order in which they were added.
    pub fn entries(&self) -> impl Iterator<Item = (&Pattern, &T)> {
        self.entries.iter().map(|(pattern, value)| (pattern, value))
    }

    /// Of each pattern, a name that stands in every file that has what it means.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(pattern, _)| pattern.word())
    }

    /// Whether any pattern means `path`.
    #[must_use]
    pub fn has(&self, path: &(impl Keyed + ?Sized)) -> bool {
        self.tried(path).next().is_some()
    }
}

fn key(text: &str) -> u64 {
    BuildHasherDefault::<Quick>::default().hash_one(text)
}

/// What stands before the first part or call that hangs below it.
fn first(path: &str) -> &str {
    let end = path.bytes().position(|byte| matches!(byte, b'.' | b'('));
    end.map_or(path, |end| &path[..end])
}

fn last(path: &str) -> &str {
    let dot = path.bytes().rposition(|byte| byte == b'.');
    dot.map_or(path, |dot| &path[dot + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        let pattern = Pattern::parse(pattern).expect("a pattern");
        let mut index = PatternIndex::default();
        index.insert(pattern.clone(), ());
        assert_eq!(index.of(path).next().is_some(), pattern.matches(path));
        pattern.matches(path)
    }

    #[test]
    fn a_whole_path_is_meant_alone() {
        assert!(matches("os.system", "os.system"));
        assert!(!matches("os.system", "os.system.x"));
        assert!(!matches("os.system", "macos.system"));
    }

    #[test]
    fn a_star_in_front_needs_something_there() {
        assert!(matches("*.execute", "sqlite3.connect().cursor().execute"));
        assert!(!matches("*.execute", "execute"));
        assert!(!matches("*.execute", "x.preexecute"));
    }

    #[test]
    fn a_star_at_the_end_is_what_hangs_below_and_the_thing_itself() {
        assert!(matches("flask.request.*", "flask.request"));
        assert!(matches("flask.request.*", "flask.request.args.get()"));
        assert!(!matches("flask.request.*", "flask.requests.get"));
    }

    #[test]
    fn a_star_on_both_sides_is_a_part_in_the_middle() {
        assert!(matches("*.URL.*", "http.Request.URL.Query()"));
        assert!(!matches("*.URL.*", "http.Request.URLs"));
    }

    #[test]
    fn a_star_elsewhere_is_refused() {
        assert!(Pattern::parse("a.*.b").is_err() && Pattern::parse("*").is_err() && Pattern::parse("a..b").is_err());
    }
}
