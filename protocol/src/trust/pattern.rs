//! OpenSSH's pattern lists: `*@lab,!mallory@lab`.

use std::fmt;

/// Patterns parted by commas: `*` stands for any text, `?` for one character, a leading `!` takes away.
///
/// A text matches if at least one pattern matches and no negated one does, wherever it stands.
///
/// # Source
/// ssh_config(5), PATTERNS.
#[derive(Clone, PartialEq, Eq)]
pub struct PatternList {
    text: String,
}

impl PatternList {
    /// The list in `text`; `None` if a pattern is empty.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let empty = |pattern: &str| pattern.strip_prefix('!').unwrap_or(pattern).is_empty();
        (!text.split(',').any(empty)).then(|| Self { text: text.to_owned() })
    }

    /// Whether `name` matches the list; case counts.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let mut found = false;
        for pattern in self.text.split(',') {
            match pattern.strip_prefix('!') {
                Some(negated) if matches_one(negated, &name) => return false,
                Some(_) => {}
                None => found |= matches_one(pattern, &name),
            }
        }
        found
    }

    /// The list as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for PatternList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PatternList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

/// One pattern against a whole name, in at most `pattern × name` steps: on a mismatch only the last `*` is tried longer, since an earlier
/// one could not help where that one cannot.
fn matches_one(pattern: &str, name: &[char]) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut in_name) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || name.get(in_name) == Some(wanted) => {
                at += 1;
                in_name += 1;
            }
            _ => match star {
                None => return false,
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    at = star_at + 1;
                    in_name = taken + 1;
                }
            },
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(list: &str, name: &str) -> bool {
        PatternList::parse(list).unwrap().matches(name)
    }

    #[test]
    fn a_plain_name_matches_itself_only() {
        assert!(matches("alice@lab", "alice@lab"));
        for other in ["alice@la", "alice@labs", "Alice@lab", ""] {
            assert!(!matches("alice@lab", other), "{other}");
        }
    }

    #[test]
    fn any_name_of_the_list_matches() {
        assert!(matches("alice,bob", "bob"));
        assert!(!matches("alice,bob", "alice,bob"));
    }

    #[test]
    fn a_star_stands_for_any_text_and_for_none() {
        for name in ["@lab", "a@lab", "a@lab@lab"] {
            assert!(matches("*@lab", name), "{name}");
        }
        assert!(!matches("*@lab", "a@lab2"));
        assert!(matches("a*b*c", "a-b-b-c"));
        assert!(!matches("a*b*c", "a-c-b"));
        assert!(matches("*", ""));
    }

    #[test]
    fn a_question_mark_stands_for_exactly_one_character() {
        assert!(matches("?", "é"));
        assert!(!matches("?", ""));
        assert!(!matches("?", "ab"));
        assert!(matches("a?*", "ab"));
        assert!(!matches("a?*", "a"));
    }

    #[test]
    fn a_negated_pattern_wins_wherever_it_stands() {
        for list in ["*@lab,!eve@lab", "!eve@lab,*@lab", "eve@lab,!eve@lab"] {
            assert!(!matches(list, "eve@lab"), "{list}");
        }
        assert!(matches("!eve@lab,*@lab", "bob@lab"));
    }

    #[test]
    fn negated_patterns_alone_match_nothing() {
        assert!(!matches("!eve", "bob"));
    }

    #[test]
    fn an_empty_pattern_is_no_list() {
        for list in ["", ",", "a,", ",a", "a,,b", "!"] {
            assert_eq!(PatternList::parse(list), None, "{list}");
        }
    }

    #[test]
    fn many_stars_against_a_long_name_end() {
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199).replace("aa", "ab")));
    }
}
