//! Text that came from a bundle, and what it may be printed as.
//!
//! ```text
//! bundle ─▶ Untrusted ─┬─ terminal() ─────▶ a screen
//!                      ├─ Serialize ──────▶ escape::json, a stored report
//!                      ├─ sarif_message() ▶ SARIF's texts
//!                      ├─ relative_uri() ─▶ SARIF's places
//!                      └─ raw() ──────────▶ comparing, matching, looking up; never a sink
//! ```
//!
//! Always true: there is no `Display`, so that a text from outside cannot be printed by writing `{}`, and `Debug` escapes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::escape;

/// A text that somebody else wrote.
///
/// ```compile_fail
/// let name = audit::untrusted::Untrusted::from("a name from a bundle");
/// println!("{name}");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// The text as it is: to compare, match or look up with, not to show.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// For a terminal, by [`escape::terminal`].
    #[must_use]
    pub fn terminal(&self) -> String {
        escape::terminal(&self.0)
    }

    /// For the text of a SARIF message, by [`escape::sarif_message`].
    #[must_use]
    pub fn sarif_message(&self) -> String {
        escape::sarif_message(&self.0)
    }

    /// For a URI, if it is a path, by [`escape::relative_uri`].
    #[must_use]
    pub fn relative_uri(&self) -> String {
        escape::relative_uri(&self.0)
    }

    /// Whether `part` stands in it.
    #[must_use]
    pub fn contains(&self, part: &str) -> bool {
        self.0.contains(part)
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.terminal())
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl PartialEq<str> for Untrusted {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Untrusted {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<String> for Untrusted {
    fn eq(&self, other: &String) -> bool {
        self.0 == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_of_a_text_from_outside_is_escaped() {
        let text = Untrusted::from("a\u{1b}[2J\n\u{202e}b");
        assert_eq!(format!("{text:?}"), "\"a\\u{1b}[2J\\n\\u{202e}b\"");
    }

    #[test]
    fn a_text_from_outside_is_stored_as_a_plain_string() {
        let text = Untrusted::from("a\u{202e}b");
        let stored = serde_json::to_string(&text).unwrap();
        assert_eq!(stored, "\"a\u{202e}b\"");
        assert_eq!(serde_json::from_str::<Untrusted>(&stored).unwrap(), text);
    }
}
