//! What a function offers by name is its caller's choice: `md5(text)`, `if not verify:`. It is reported, and low.

use regex::Regex;
use serde::Deserialize;

use super::shared;

/// When a hit of a rule is an offer: `name` or `text` matches, and `unless` does not.
#[derive(Debug, Default)]
pub struct Offered {
    name: Option<Regex>,
    text: Option<Regex>,
    unless: Option<Regex>,
}

/// As it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OfferedText {
    name: Option<String>,
    text: Option<String>,
    unless: Option<String>,
}

impl OfferedText {
    pub(super) fn compile(self) -> Result<Offered, regex::Error> {
        let compile = |text: Option<String>| text.map(|text| shared::regex(&text)).transpose();
        Ok(Offered {
            name: compile(self.name)?,
            text: compile(self.text)?,
            unless: compile(self.unless)?,
        })
    }
}

impl Offered {
    /// Whether a hit in a function called `name`, with this `text` from its head to its end, is an offer.
    #[must_use]
    pub fn holds(&self, name: &str, text: &str) -> bool {
        let matches = |regex: &Option<Regex>, of: &str| regex.as_ref().is_some_and(|regex| regex.is_match(of));
        (matches(&self.name, name) || matches(&self.text, text)) && !matches(&self.unless, text)
    }
}
