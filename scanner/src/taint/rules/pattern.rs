//! Patterns over what a value is: `subprocess.run`, `*.execute`, `flask.request.*`.
//!
//! A path is names joined by dots, a call marked by `()`: `sqlite3.connect().cursor().execute`. In a pattern `*.` at the
//! front stands for anything that ends before it, `.*` at the end for anything that goes on after it.

use std::fmt;

use super::super::quick::QuickMap;

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

/// Values by patterns, found by a path without trying each.
#[derive(Debug)]
pub struct PatternIndex<T> {
    entries: Vec<(Pattern, T)>,
    exact: QuickMap<String, Vec<usize>>,
    /// By the last part of what the path must end with.
    by_last: QuickMap<String, Vec<usize>>,
    /// Those that match what goes on, by the first name of what the path must begin with.
    by_first: QuickMap<String, Vec<usize>>,
    /// Those that match what goes on after anything.
    open: Vec<usize>,
}

impl<T> Default for PatternIndex<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            exact: QuickMap::default(),
            by_last: QuickMap::default(),
            by_first: QuickMap::default(),
            open: Vec::new(),
        }
    }
}

impl<T> PatternIndex<T> {
    /// Adds a value.
    pub fn insert(&mut self, pattern: Pattern, value: T) {
        let at = self.entries.len();
        match (pattern.any_front, pattern.any_end) {
            (false, false) => self.exact.entry(pattern.core.clone()).or_default().push(at),
            (true, false) => self.by_last.entry(last(&pattern.core).to_owned()).or_default().push(at),
            (false, true) => self
                .by_first
                .entry(first(&pattern.core).to_owned())
                .or_default()
                .push(at),
            (true, true) => self.open.push(at),
        }
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
    pub fn of<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a T> {
        let exact = self.exact.get(path).into_iter().flatten();
        let by_last = self.by_last.get(last(path)).into_iter().flatten();
        let by_first = self.by_first.get(first(path)).into_iter().flatten();
        let tried = by_last
            .chain(by_first)
            .chain(&self.open)
            .filter(|at| self.entries[**at].0.matches(path));
        let mut found: Vec<usize> = exact.chain(tried).copied().collect();
        found.sort_unstable();
        found.into_iter().map(|at| &self.entries[at].1)
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
    pub fn has(&self, path: &str) -> bool {
        self.of(path).next().is_some()
    }
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
