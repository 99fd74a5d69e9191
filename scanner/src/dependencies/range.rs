//! Which versions an advisory is about: ranges of events, and versions one by one.
//!
//! ```text
//! introduced 0 ──affected── fixed 1.2.0      introduced 2.0.0 ──affected── last_affected 2.3.1 ─▶
//! ```
//! Source: the OSV schema, "affected[].ranges[]" and "Evaluation".

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};
use std::str::FromStr;

use serde::Deserialize;

use super::package::Ecosystem;
use super::span::Span;
use super::version::compare;

/// Events of one range, and ranges and versions of one package, at most.
const MAX_EVENTS: usize = 10_000;
const MAX_VERSIONS: usize = 100_000;

/// An event as it is written: exactly one of its members is there.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct EventText {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// The last one that is affected; what comes after is not.
    LastAffected,
    /// The first one that is not.
    Fixed,
    /// The first one that is. Where one is fixed and introduced at once, it is affected.
    Introduced,
}

#[derive(Debug, Clone)]
struct Event {
    turn: Turn,
    version: String,
}

/// The versions of one package.
#[derive(Debug, Clone)]
pub(super) struct Affected {
    /// Each in the order of its versions.
    ranges: Vec<Vec<Event>>,
    versions: BTreeSet<String>,
    /// Those of PyPI, in which `1.0` and `1.0.0` are one.
    python: HashSet<pep440_rs::Version>,
}

impl Affected {
    pub(super) fn new(
        ecosystem: Ecosystem,
        ranges: Vec<Vec<EventText>>,
        versions: Vec<String>,
    ) -> Result<Self, String> {
        if ranges.len() > MAX_EVENTS || versions.len() > MAX_VERSIONS {
            return Err("it names more ranges or versions than are read".to_owned());
        }
        let ranges = ranges.into_iter().map(|events| read_range(ecosystem, events));
        let python = versions.iter().filter(|_| ecosystem == Ecosystem::PyPi);
        Ok(Self {
            ranges: ranges.collect::<Result<_, _>>()?,
            python: python
                .filter_map(|version| pep440_rs::Version::from_str(version).ok())
                .collect(),
            versions: versions.into_iter().collect(),
        })
    }

    /// Whether a version is affected.
    pub(super) fn holds(&self, ecosystem: Ecosystem, version: &str) -> bool {
        let bare = version.strip_prefix('v').unwrap_or(version);
        let listed = [version, bare].iter().any(|version| self.versions.contains(*version))
            || (ecosystem == Ecosystem::PyPi
                && pep440_rs::Version::from_str(version).is_ok_and(|version| self.python.contains(&version)));
        listed || self.ranges.iter().any(|events| is_within(ecosystem, events, version))
    }

    /// Whether every version of all spans is affected; `None` is a range that nobody understood.
    pub(super) fn holds_all(&self, ecosystem: Ecosystem, spans: Option<&[Span]>) -> bool {
        // What is affected from the first version on and without end is affected whatever the range means.
        let always = |events: &Vec<Event>| matches!(events.as_slice(), [Event { turn: Turn::Introduced, version }] if version == "0");
        if self.ranges.iter().any(always) {
            return true;
        }
        let Some(spans) = spans.filter(|spans| !spans.is_empty()) else {
            return false;
        };
        let within = |span: &Span| self.ranges.iter().any(|events| is_all_within(ecosystem, events, span));
        spans.iter().all(within)
    }

    /// The first version past an affected one that is fixed.
    pub(super) fn fixed_in(&self, ecosystem: Ecosystem, version: &str) -> Option<&str> {
        let held = self
            .ranges
            .iter()
            .filter(|events| is_within(ecosystem, events, version));
        held.flatten()
            .find(|event| event.turn == Turn::Fixed && order(ecosystem, &event.version, version).is_gt())
            .map(|event| event.version.as_str())
    }
}

fn read_range(ecosystem: Ecosystem, events: Vec<EventText>) -> Result<Vec<Event>, String> {
    if events.len() > MAX_EVENTS {
        return Err(format!("a range has more than {MAX_EVENTS} events"));
    }
    let mut read = Vec::with_capacity(events.len());
    for event in events {
        let (turn, version) = match (event.introduced, event.fixed, event.last_affected, event.limit) {
            (Some(version), None, None, None) => (Turn::Introduced, version),
            (None, Some(version), None, None) => (Turn::Fixed, version),
            (None, None, Some(version), None) => (Turn::LastAffected, version),
            // A limit ends a range as a fix does.
            (None, None, None, Some(version)) if version != "*" => (Turn::Fixed, version),
            (None, None, None, Some(_)) => continue,
            _ => return Err("an event is not exactly one of introduced, fixed, last_affected and limit".to_owned()),
        };
        if version.is_empty() || version.len() > 256 {
            return Err("an event has no version".to_owned());
        }
        read.push(Event { turn, version });
    }
    if !read.iter().any(|event| event.turn == Turn::Introduced) {
        return Err("a range is introduced nowhere".to_owned());
    }
    read.sort_by(|a, b| order(ecosystem, &a.version, &b.version).then(a.turn.cmp(&b.turn)));
    Ok(read)
}

/// The order of versions, in which `0` stands before all.
fn order(ecosystem: Ecosystem, a: &str, b: &str) -> Ordering {
    match (a == "0", b == "0") {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => compare(ecosystem, a, b),
    }
}

fn is_within(ecosystem: Ecosystem, events: &[Event], version: &str) -> bool {
    let mut affected = false;
    for event in events {
        let past = order(ecosystem, version, &event.version);
        match event.turn {
            Turn::Introduced if past.is_ge() => affected = true,
            Turn::Fixed if past.is_ge() => affected = false,
            Turn::LastAffected if past.is_gt() => affected = false,
            _ => {}
        }
    }
    affected
}

/// Whether a span lies between two turns.
fn is_all_within(ecosystem: Ecosystem, events: &[Event], span: &Span) -> bool {
    let low = span.low.as_deref().unwrap_or("0");
    if !is_within(ecosystem, events, low) {
        return false;
    }
    let ends = events.iter().filter(|event| event.turn != Turn::Introduced);
    // An end at or before the lowest version is over, or the lowest would not be affected.
    let mut ahead = ends.filter(|event| match event.turn {
        Turn::LastAffected => order(ecosystem, &event.version, low).is_ge(),
        _ => order(ecosystem, &event.version, low).is_gt(),
    });
    ahead.all(|event| {
        let Some((high, included)) = &span.high else {
            return false;
        };
        let past = order(ecosystem, &event.version, high);
        // What ends at the highest version ends behind all that are wanted, if that one is not wanted or still affected.
        past.is_gt() || (past.is_eq() && (!included || event.turn == Turn::LastAffected))
    })
}

#[cfg(test)]
mod tests {
    use super::super::manifest::Wanted;
    use super::super::span::spans;
    use super::*;

    fn affected(ecosystem: Ecosystem, events: &str) -> Affected {
        let events = serde_json::from_str(events).unwrap();
        Affected::new(ecosystem, vec![events], Vec::new()).unwrap()
    }

    #[test]
    fn a_version_is_affected_from_where_it_was_introduced_to_where_it_was_fixed() {
        let affected = affected(
            Ecosystem::Npm,
            r#"[{"fixed": "1.2.0"}, {"introduced": "2.0.0"}, {"introduced": "0"}, {"last_affected": "2.3.1"}]"#,
        );
        let cases = [
            ("0.0.1-alpha", true),
            ("1.1.9", true),
            ("1.2.0", false),
            ("1.9.9", false),
            ("2.0.0", true),
            ("2.3.1", true),
            ("2.3.2", false),
        ];
        for (version, expected) in cases {
            assert_eq!(affected.holds(Ecosystem::Npm, version), expected, "{version}");
        }
        assert_eq!(affected.fixed_in(Ecosystem::Npm, "1.0.0"), Some("1.2.0"));
    }

    #[test]
    fn versions_that_are_listed_are_affected_and_no_others() {
        let affected = Affected::new(Ecosystem::PyPi, Vec::new(), vec!["1.0".to_owned()]).unwrap();
        assert!(affected.holds(Ecosystem::PyPi, "1.0.0") && !affected.holds(Ecosystem::PyPi, "1.1"));
        let span = spans(Ecosystem::PyPi, &Wanted::Any);
        assert!(!affected.holds_all(Ecosystem::PyPi, span.as_deref()));
    }

    #[test]
    fn a_range_counts_only_if_all_that_it_admits_is_affected() {
        let affected = affected(Ecosystem::Npm, r#"[{"introduced": "1.0.0"}, {"fixed": "2.0.0"}]"#);
        let cases = [
            ("^1.2.0", true),
            (">=1.0.0 <2.0.0", true),
            ("1.x", true),
            (">=1.0.0", false),
            ("^0.9.0", false),
            ("1.0.0 - 2.0.0", false),
            ("^1.0.0 || ^2.0.0", false),
            ("what", false),
        ];
        for (range, expected) in cases {
            let spans = spans(Ecosystem::Npm, &Wanted::Range(range.to_owned()));
            assert_eq!(
                affected.holds_all(Ecosystem::Npm, spans.as_deref()),
                expected,
                "{range}"
            );
        }
    }

    #[test]
    fn what_was_never_fixed_is_affected_whatever_is_wanted() {
        let affected = affected(Ecosystem::Go, r#"[{"introduced": "0"}]"#);
        assert!(affected.holds_all(Ecosystem::Go, None));
    }

    #[test]
    fn an_event_that_is_none_or_two_is_refused() {
        for events in [
            "[{}]",
            r#"[{"introduced": "0", "fixed": "1"}]"#,
            r#"[{"fixed": "1"}]"#,
            "[]",
        ] {
            let read = Affected::new(Ecosystem::Npm, vec![serde_json::from_str(events).unwrap()], Vec::new());
            assert!(read.is_err(), "{events}");
        }
    }
}
