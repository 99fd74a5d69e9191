//! Which versions a range of a manifest admits, from the lowest to the highest.
//!
//! A span is never narrower than the range: what it leaves out, as versions that a range excepts, only makes it wider, so that
//! "all of it is affected" stays true of the range.

use std::str::FromStr;

use pep440_rs::{Operator, VersionSpecifiers};
use semver::{Comparator, Op, VersionReq};

use super::manifest::Wanted;
use super::package::Ecosystem;
use super::version::compare;

/// From `low` on, up to `high`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Span {
    /// `None` from the first version on.
    pub(super) low: Option<String>,
    /// The highest, and whether it belongs to the span; `None` without end.
    pub(super) high: Option<(String, bool)>,
}

impl Span {
    fn raise(&mut self, ecosystem: Ecosystem, low: String) {
        let later = self
            .low
            .as_ref()
            .is_none_or(|old| compare(ecosystem, &low, old).is_gt());
        if later {
            self.low = Some(low);
        }
    }

    fn lower(&mut self, ecosystem: Ecosystem, high: String, included: bool) {
        let earlier = self
            .high
            .as_ref()
            .is_none_or(|(old, _)| compare(ecosystem, &high, old).is_lt());
        if earlier {
            self.high = Some((high, included));
        }
    }
}

/// The spans of what a package is wanted in; `None` for a range that is not understood.
pub(super) fn spans(ecosystem: Ecosystem, wanted: &Wanted) -> Option<Vec<Span>> {
    let range = match wanted {
        Wanted::Any => return Some(vec![Span::default()]),
        Wanted::Exact(version) => {
            let (low, high) = (Some(version.clone()), Some((version.clone(), true)));
            return Some(vec![Span { low, high }]);
        }
        Wanted::Range(range) => range.trim(),
    };
    match ecosystem {
        Ecosystem::Cargo => Some(vec![of_requirement(ecosystem, &VersionReq::parse(range).ok()?)?]),
        Ecosystem::Npm => range.split("||").map(npm).collect(),
        Ecosystem::PyPi => Some(vec![python(range)?]),
        Ecosystem::Maven => Some(vec![maven(range)?]),
        Ecosystem::Go => None,
    }
}

fn of_requirement(ecosystem: Ecosystem, requirement: &VersionReq) -> Option<Span> {
    let mut span = Span::default();
    for comparator in &requirement.comparators {
        narrow(ecosystem, &mut span, comparator)?;
    }
    Some(span)
}

/// Takes one comparator of a range into account.
fn narrow(ecosystem: Ecosystem, span: &mut Span, comparator: &Comparator) -> Option<()> {
    let Comparator {
        op,
        major,
        minor,
        patch,
        ..
    } = comparator;
    let (major, given) = (*major, (*minor, *patch));
    let low = {
        let dash = if comparator.pre.is_empty() { "" } else { "-" };
        format!(
            "{major}.{}.{}{dash}{}",
            minor.unwrap_or(0),
            patch.unwrap_or(0),
            comparator.pre
        )
    };
    // The first version past those that begin with the numbers given.
    let past = match given {
        (None, _) => format!("{}.0.0", major.checked_add(1)?),
        (Some(minor), None) => format!("{major}.{}.0", minor.checked_add(1)?),
        (Some(_), Some(_)) => low.clone(),
    };
    let whole = given.1.is_some();
    match op {
        Op::Exact if whole => {
            span.raise(ecosystem, low.clone());
            span.lower(ecosystem, low, true);
        }
        Op::Exact | Op::Wildcard => {
            span.raise(ecosystem, low);
            span.lower(ecosystem, past, false);
        }
        Op::Greater | Op::GreaterEq => span.raise(ecosystem, if *op == Op::Greater { past } else { low }),
        Op::Less => span.lower(ecosystem, low, false),
        Op::LessEq => span.lower(ecosystem, past, whole),
        Op::Tilde => {
            let end = match given.0 {
                Some(minor) => format!("{major}.{}.0", minor.checked_add(1)?),
                None => past,
            };
            span.raise(ecosystem, low);
            span.lower(ecosystem, end, false);
        }
        Op::Caret => {
            let end = match (major, given) {
                (0, (Some(0), Some(patch))) => format!("0.0.{}", patch.checked_add(1)?),
                (0, (Some(minor), _)) => format!("0.{}.0", minor.checked_add(1)?),
                (major, _) => format!("{}.0.0", major.checked_add(1)?),
            };
            span.raise(ecosystem, low);
            span.lower(ecosystem, end, false);
        }
        _ => return None,
    }
    Some(())
}

/// One alternative of a range of npm's: comparators with blanks between, or `a - b`.
fn npm(range: &str) -> Option<Span> {
    let ecosystem = Ecosystem::Npm;
    let range = range.trim();
    let mut span = Span::default();
    if let Some((from, to)) = range.split_once(" - ") {
        narrow(ecosystem, &mut span, &comparator(&format!(">={}", from.trim()))?)?;
        narrow(ecosystem, &mut span, &comparator(&format!("<={}", to.trim()))?)?;
        return Some(span);
    }
    // `>= 1.2` is one comparator.
    let mut held = String::new();
    for word in range.split_whitespace() {
        held.push_str(word);
        if held.ends_with(['<', '>', '=', '~', '^']) {
            continue;
        }
        narrow(ecosystem, &mut span, &comparator(&std::mem::take(&mut held))?)?;
    }
    held.is_empty().then_some(span)
}

/// A comparator of npm's, in which bare numbers are those alone.
fn comparator(word: &str) -> Option<Comparator> {
    let at = word.find(|char: char| !"<>=~^".contains(char))?;
    let (op, version) = word.split_at(at);
    let version = version.trim_start_matches('v');
    let version = version.trim_end_matches(['x', 'X', '*']).trim_end_matches('.');
    let op = if op.is_empty() { "=" } else { op };
    Comparator::parse(&format!("{op}{version}")).ok()
}

/// A range of pip's or poetry's.
fn python(range: &str) -> Option<Span> {
    let ecosystem = Ecosystem::PyPi;
    let mut span = Span::default();
    // Poetry's own signs mean what cargo's mean.
    let poetry = range.starts_with('^') || (range.starts_with('~') && !range.starts_with("~="));
    if poetry {
        return of_requirement(ecosystem, &VersionReq::parse(range).ok()?);
    }
    for specifier in VersionSpecifiers::from_str(range).ok()?.iter() {
        let version = specifier.version();
        let low = version.to_string();
        // One part shorter, and its last part one more.
        let past = |release: &[u64]| {
            let (last, rest) = release.split_last()?;
            let parts = rest.iter().copied().chain([last.checked_add(1)?]);
            Some(parts.map(|part| part.to_string()).collect::<Vec<_>>().join("."))
        };
        match specifier.operator() {
            Operator::GreaterThan | Operator::GreaterThanEqual => span.raise(ecosystem, low),
            Operator::LessThan => span.lower(ecosystem, low, false),
            Operator::LessThanEqual => span.lower(ecosystem, low, true),
            Operator::Equal | Operator::ExactEqual => {
                span.raise(ecosystem, low.clone());
                span.lower(ecosystem, low, true);
            }
            Operator::EqualStar => {
                let end = past(version.release())?;
                span.raise(ecosystem, low);
                span.lower(ecosystem, end, false);
            }
            Operator::TildeEqual => {
                let release = version.release();
                let end = past(release.split_last()?.1)?;
                span.raise(ecosystem, low);
                span.lower(ecosystem, end, false);
            }
            Operator::NotEqual | Operator::NotEqualStar => {}
        }
    }
    Some(span)
}

/// `[1.0,2.0)`, `(,1.0]`; not several of them.
fn maven(range: &str) -> Option<Span> {
    let inner = range.strip_prefix(['[', '('])?;
    let included = inner.ends_with(']');
    let (low, high) = inner.strip_suffix([']', ')'])?.split_once(',')?;
    let (low, high) = (low.trim(), high.trim());
    let single = !high.contains(['[', '(', ',']);
    single.then(|| Span {
        low: (!low.is_empty()).then(|| low.to_owned()),
        high: (!high.is_empty()).then(|| (high.to_owned(), included)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(ecosystem: Ecosystem, range: &str) -> String {
        let Some(spans) = spans(ecosystem, &Wanted::Range(range.to_owned())) else {
            return "none".to_owned();
        };
        let one = |span: Span| {
            let low = span.low.unwrap_or_default();
            let (high, included) = span.high.unwrap_or_default();
            format!("[{low},{high}{}", if included { ']' } else { ')' })
        };
        spans.into_iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ranges_of_cargo_are_those_of_its_book() {
        let cases = [
            ("1.2.3", "[1.2.3,2.0.0)"),
            ("0.2.3", "[0.2.3,0.3.0)"),
            ("0.0.3", "[0.0.3,0.0.4)"),
            ("0.0", "[0.0.0,0.1.0)"),
            ("0", "[0.0.0,1.0.0)"),
            ("~1.2", "[1.2.0,1.3.0)"),
            ("~1", "[1.0.0,2.0.0)"),
            ("1.2.*", "[1.2.0,1.3.0)"),
            (">=1.2, <1.5", "[1.2.0,1.5.0)"),
            ("= 1.2.3", "[1.2.3,1.2.3]"),
        ];
        for (range, expected) in cases {
            assert_eq!(span(Ecosystem::Cargo, range), expected, "{range}");
        }
    }

    #[test]
    fn ranges_of_npm_are_those_of_its_documentation() {
        let cases = [
            ("^1.2.3", "[1.2.3,2.0.0)"),
            ("1.2", "[1.2.0,1.3.0)"),
            ("1.x", "[1.0.0,2.0.0)"),
            ("1.2.3 - 2.3", "[1.2.3,2.4.0)"),
            ("1.2.3 - 2.3.4", "[1.2.3,2.3.4]"),
            (">= 1.2.0 <2", "[1.2.0,2.0.0)"),
            ("^1.0.0 || ^2.0.0", "[1.0.0,2.0.0) [2.0.0,3.0.0)"),
            ("workspace what", "none"),
        ];
        for (range, expected) in cases {
            assert_eq!(span(Ecosystem::Npm, range), expected, "{range}");
        }
    }

    #[test]
    fn ranges_of_python_and_maven_are_those_of_their_documentation() {
        let cases = [
            (Ecosystem::PyPi, ">=1.2,<2", "[1.2,2)"),
            (Ecosystem::PyPi, "~=2.2", "[2.2,3)"),
            (Ecosystem::PyPi, "~=1.4.5", "[1.4.5,1.5)"),
            (Ecosystem::PyPi, "==1.1.*", "[1.1,1.2)"),
            (Ecosystem::PyPi, "^1.2", "[1.2.0,2.0.0)"),
            (Ecosystem::PyPi, "!=1.5,<=1.9", "[,1.9]"),
            (Ecosystem::Maven, "[1.0,2.0)", "[1.0,2.0)"),
            (Ecosystem::Maven, "(,1.0]", "[,1.0]"),
            (Ecosystem::Maven, "(,1.0],[1.2,)", "none"),
        ];
        for (ecosystem, range, expected) in cases {
            assert_eq!(span(ecosystem, range), expected, "{range}");
        }
    }
}
