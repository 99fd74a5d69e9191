//! JSON and TOML as one tree that keeps the order of the text, and the lines of what is in it.
//!
//! Neither parser says where a value stood. A [`Finder`] searches the text for a key or a value, onwards from the last one
//! found; how much it searches in all is bounded, and past that it answers with the last line that it knows.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// `null`, a number, a truth value: nothing that names a package.
    Other,
    True,
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The member called `key`; of several the last, as package managers take it.
    pub(super) fn at(&self, key: &str) -> &Self {
        const NONE: &Node = &Node::Other;
        let mut members = self.members().iter().rev();
        members.find(|(name, _)| name == key).map_or(NONE, |(_, value)| value)
    }

    /// The members of a table.
    pub(super) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Map(members) => members,
            _ => &[],
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        *self == Self::True
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(if value { Node::True } else { Node::Other })
    }

    fn visit_i64<E>(self, _value: i64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_i128<E>(self, _value: i128) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_u64<E>(self, _value: u64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_u128<E>(self, _value: u128) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Node::Map(map))
    }
}

/// Where things stand in a text.
#[derive(Debug)]
pub(super) struct Finder<'a> {
    text: &'a str,
    at: usize,
    /// Bytes that may still be searched.
    budget: usize,
}

/// Bytes that are searched for the places of a file, beyond its length.
const SEARCHED: usize = 64 << 20;

impl<'a> Finder<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            budget: SEARCHED + text.len(),
        }
    }

    /// Goes to the first place from `start` on where `word` stands by itself. What is not there stays where it was.
    pub(super) fn from(&mut self, start: usize, word: &str) -> usize {
        let mut from = start;
        while let Some(rest) = self.text.get(from..).filter(|rest| rest.len() <= self.budget.max(1)) {
            let Some(found) = rest.find(word).filter(|_| !word.is_empty()) else {
                self.budget = self.budget.saturating_sub(rest.len());
                return self.at;
            };
            self.budget = self.budget.saturating_sub(found + word.len());
            let at = from + found;
            if self.stands_alone(at, word.len()) {
                self.at = at;
                return at;
            }
            from = at + word.len();
        }
        self.at
    }

    /// Goes to the next place of `word`.
    pub(super) fn next(&mut self, word: &str) -> usize {
        self.from(self.at, word)
    }

    fn stands_alone(&self, at: usize, len: usize) -> bool {
        let bytes = self.text.as_bytes();
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let is_part =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_@/".contains(byte));
        !is_part(before)
            && !bytes
                .get(at + len)
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_the_order_of_the_text() {
        let node: Node = serde_json::from_str(r#"{"z": "1", "a": {"x": [true, null, 1.5]}}"#).unwrap();
        let names: Vec<_> = node.members().iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["z", "a"]);
        assert!(node.at("a").at("x").items()[0].is_true());
    }

    #[test]
    fn of_two_members_of_one_name_the_last_counts() {
        let node: Node = serde_json::from_str(r#"{"a": "1", "a": "2"}"#).unwrap();
        assert_eq!(node.at("a").text(), Some("2"));
    }

    #[test]
    fn a_word_within_another_is_not_found() {
        let mut finder = Finder::new("serde_json serde-x serde");
        assert_eq!(finder.next("serde"), 19);
    }

    #[test]
    fn past_its_budget_a_finder_stays_where_it_is() {
        let text = "x".repeat(1000);
        let mut finder = Finder::new(&text);
        finder.budget = 1500;
        for _ in 0..10_000 {
            finder.from(0, "y");
        }
        assert_eq!((finder.at, finder.budget), (0, 500));
    }
}
