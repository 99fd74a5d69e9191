//! What must be true of a receiver that was flooded, and whether it was.

use serde::Serialize;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Property {
    /// What must be.
    pub(super) name: &'static str,
    pub(super) held: bool,
    /// What was seen.
    pub(super) seen: String,
}

impl Property {
    pub(super) fn new(name: &'static str, held: bool, seen: impl Into<String>) -> Self {
        Self {
            name,
            held,
            seen: seen.into(),
        }
    }

    /// Its line.
    pub(super) fn line(&self) -> String {
        let mark = if self.held { "pass" } else { "FAIL" };
        format!("{mark}  {:<55}  {}", self.name, self.seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_that_did_not_hold_stands_out() {
        let line = Property::new("memory stays under its cap", false, "1 GiB").line();
        assert!(line.starts_with("FAIL") && line.ends_with("1 GiB"), "{line}");
    }
}
