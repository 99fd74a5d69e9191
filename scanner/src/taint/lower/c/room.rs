//! How much room arrays have, as far as the file says it, and what is given to calls that write to them.
//!
//! `operator.beyond()` stands for a write behind the end of an array that is certain: a size that is larger, a text that is
//! longer, an index that is the number of elements.

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::super::super::ir::{ExprId, StmtId, StmtKind};
use super::super::{Source, children, fields, span};
use super::declare::named;
use super::facts::{Facts, bare, number_type};
use super::{C, Walk};

/// Nodes of a file that are looked at.
const MAX_NODES: usize = 2_000_000;
/// Parts of a size that are worked out.
const MAX_PARTS: u8 = 8;

/// An array's elements, and how many bytes one has, if that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    elements: i64,
    each: Option<i64>,
}

/// What the file says for all its functions.
#[derive(Debug, Default)]
pub(super) struct Files {
    constants: HashMap<String, i64>,
    /// By the name of a field; nothing if two structures differ.
    members: HashMap<String, Option<Room>>,
    globals: HashMap<String, Option<Room>>,
    /// Functions that give back 1, or true, and nothing else.
    pub(super) ones: HashSet<String>,
    /// Macros that leave the function whatever they are given.
    pub(super) leaving: HashSet<String>,
}

impl Files {
    pub(super) fn of(root: Node<'_>, source: &Source<'_>) -> Self {
        let mut files = Self::default();
        let mut nodes = vec![root];
        let mut seen = 0;
        while let Some(node) = nodes.pop() {
            seen += 1;
            if seen > MAX_NODES {
                break;
            }
            match node.kind() {
                "preproc_def" => files.defined(node, source),
                "preproc_function_def" => files.leaves(node, source),
                "field_declaration" => files.member(node, source),
                "declaration" => files.global(node, source),
                "function_definition" => {
                    files.gives_one(node, source);
                    continue;
                }
                _ => {}
            }
            // In the order in which they are written: a size is defined before it is used.
            nodes.extend(children(node).into_iter().rev());
        }
        files
    }

    fn defined(&mut self, node: Node<'_>, source: &Source<'_>) {
        let [name, value] = ["name", "value"].map(|field| node.child_by_field_name(field));
        if let (Some(name), Some(value)) = (name, value) {
            let value = source.text(value);
            let value = value
                .trim()
                .trim_matches(['(', ')'])
                .trim_end_matches(['u', 'U', 'l', 'L']);
            if let Ok(value) = value.parse() {
                self.constants.insert(source.text(name).into_owned(), value);
            }
        }
    }

    /// `#define FAIL(why) { log(why); return -1; }`, and not `#define CHECK(x) if (x) return -1`.
    fn leaves(&mut self, node: Node<'_>, source: &Source<'_>) {
        let [name, body] = ["name", "value"].map(|field| node.child_by_field_name(field));
        let (Some(name), Some(body)) = (name, body) else { return };
        let body = source.text(body).replace("while (0)", "").replace("while(0)", "");
        let mut words = body.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let may_not = words
            .clone()
            .any(|word| matches!(word, "if" | "for" | "while" | "switch" | "case"));
        let leaves = words.any(|word| matches!(word, "return" | "goto" | "exit" | "abort" | "longjmp"));
        if leaves && !may_not && !body.contains(['?']) && !body.contains("&&") && !body.contains("||") {
            self.leaving.insert(source.text(name).into_owned());
        }
    }

    fn member(&mut self, node: Node<'_>, source: &Source<'_>) {
        let ty = node.child_by_field_name("type").map(|ty| source.text(ty).into_owned());
        for declarator in fields(node, "declarator") {
            let Some(name) = named(declarator).map(|name| source.text(name).into_owned()) else {
                continue;
            };
            let room = (declarator.kind() == "array_declarator")
                .then(|| self.room_of(declarator, ty.as_deref().unwrap_or_default(), source))
                .flatten();
            let known = self.members.entry(name).or_insert(room);
            if *known != room {
                *known = None;
            }
        }
    }

    fn global(&mut self, node: Node<'_>, source: &Source<'_>) {
        // What reads as a block within no function is one whose head was not understood.
        if node
            .parent()
            .is_some_and(|parent| parent.kind() == "compound_statement")
        {
            return;
        }
        let ty = node.child_by_field_name("type").map(|ty| source.text(ty).into_owned());
        for declarator in fields(node, "declarator") {
            let inner = match declarator.kind() {
                "init_declarator" => declarator.child_by_field_name("declarator").unwrap_or(declarator),
                _ => declarator,
            };
            let room = (inner.kind() == "array_declarator")
                .then(|| self.room_of(inner, ty.as_deref().unwrap_or_default(), source))
                .flatten();
            if let (Some(name), Some(room)) = (named(inner), room) {
                let known = self.globals.entry(source.text(name).into_owned()).or_insert(Some(room));
                if *known != Some(room) {
                    *known = None;
                }
            }
        }
    }

    /// Whether whatever a function is asked, it says yes.
    fn gives_one(&mut self, function: Node<'_>, source: &Source<'_>) {
        let name = function
            .child_by_field_name("declarator")
            .and_then(super::declare::function_declarator)
            .and_then(|declarator| declarator.child_by_field_name("declarator"));
        let mut nodes = vec![function];
        let mut given = Vec::new();
        while let Some(node) = nodes.pop() {
            if node.kind() == "return_statement" {
                let value = node.named_child(0).map(|value| source.text(value).into_owned());
                given.push(value.unwrap_or_default());
            }
            if given.len() > 16 {
                return;
            }
            nodes.extend(children(node));
        }
        let one = |value: &String| matches!(value.trim_matches(['(', ')']), "1" | "true");
        if let Some(name) = name.filter(|_| !given.is_empty() && given.iter().all(one)) {
            self.ones.insert(source.text(name).into_owned());
        }
    }

    /// The room of `char b[64]`.
    pub(super) fn room_of(&self, declarator: Node<'_>, ty: &str, source: &Source<'_>) -> Option<Room> {
        let direct = declarator
            .child_by_field_name("declarator")
            .is_some_and(|inner| matches!(inner.kind(), "identifier" | "field_identifier"));
        let size = declarator.child_by_field_name("size").filter(|_| direct)?;
        let elements = self.number(&Facts::default(), size, source)?;
        let each = number_type(ty).map(|number| i64::from(number.bits / 8));
        Some(Room { elements, each })
    }

    fn room(&self, facts: &Facts, node: Node<'_>, source: &Source<'_>) -> Option<Room> {
        let node = bare(node);
        match node.kind() {
            "identifier" => {
                let name = source.text(node);
                let global = || {
                    self.globals
                        .get(&*name)
                        .copied()
                        .flatten()
                        .filter(|_| !facts.is_declared(&name))
                };
                facts.arrays.get(&*name).copied().or_else(global)
            }
            "field_expression" => {
                let name = node.child_by_field_name("field")?;
                self.members.get(&*source.text(name)).copied().flatten()
            }
            _ => None,
        }
    }

    /// The bytes of an array.
    pub(super) fn capacity(&self, facts: &Facts, node: Node<'_>, source: &Source<'_>) -> Option<i64> {
        let room = self.room(facts, node, source)?;
        room.each?.checked_mul(room.elements)
    }

    /// A number, if the file says what it is.
    pub(super) fn number(&self, facts: &Facts, node: Node<'_>, source: &Source<'_>) -> Option<i64> {
        self.number_within(facts, node, source, MAX_PARTS)
    }

    fn number_within(&self, facts: &Facts, node: Node<'_>, source: &Source<'_>, parts: u8) -> Option<i64> {
        let parts = parts.checked_sub(1)?;
        let node = bare(node);
        match node.kind() {
            "number_literal" => match super::expr::number(&source.text(node)) {
                super::super::super::ir::ExprKind::Int(number) => Some(number),
                _ => None,
            },
            "identifier" => self.constants.get(&*source.text(node)).copied(),
            "sizeof_expression" => {
                if let Some(ty) = node.child_by_field_name("type") {
                    return number_type(&source.text(ty)).map(|number| i64::from(number.bits / 8));
                }
                let value = bare(node.child_by_field_name("value")?);
                if value.kind() == "subscript_expression" {
                    return self.room(facts, value.child_by_field_name("argument")?, source)?.each;
                }
                self.capacity(facts, value, source)
            }
            "binary_expression" => {
                let [left, right] = ["left", "right"].map(|field| {
                    let part = node.child_by_field_name(field)?;
                    self.number_within(facts, part, source, parts)
                });
                let (left, right) = (left?, right?);
                match node.child_by_field_name("operator")?.kind() {
                    "+" => left.checked_add(right),
                    "-" => left.checked_sub(right),
                    "*" => left.checked_mul(right),
                    "/" => left.checked_div(right),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

impl Facts {
    /// Whether a name is one of the function's own.
    fn is_declared(&self, name: &str) -> bool {
        self.numbers.contains_key(name) || self.arrays.contains_key(name)
    }
}

impl C<'_> {
    /// Whether a call writes behind the end of an array, whatever it is given else.
    pub(super) fn is_beyond(&self, name: &str, args: &[Node<'_>]) -> bool {
        let number = |at: usize| {
            let node = args.get(at)?;
            self.files.number(&self.facts, *node, &self.source)
        };
        let room = |at: usize| {
            let node = args.get(at)?;
            self.files.capacity(&self.facts, *node, &self.source)
        };
        let larger = |room: Option<i64>, size: Option<i64>| room.zip(size).is_some_and(|(room, size)| size > room);
        match name {
            "read" | "recv" | "recvfrom" | "pread" | "SSL_read" => larger(room(1), number(2)),
            "fgets" | "snprintf" | "vsnprintf" | "strftime" | "gethostname" | "getcwd" => larger(room(0), number(1)),
            "memcpy" | "memmove" | "memset" | "strncpy" | "strlcpy" | "bzero" => {
                larger(room(0), number(if name == "bzero" { 1 } else { 2 }))
            }
            "strncat" => larger(room(0), number(2).and_then(|size| size.checked_add(1))),
            "fread" => {
                let size = number(1)
                    .zip(number(2))
                    .and_then(|(each, count)| each.checked_mul(count));
                larger(room(0), size)
            }
            "strcpy" => {
                let text = args.get(1).filter(|text| text.kind() == "string_literal");
                let len = text.map(|text| {
                    let written = self.source.text(*text).into_owned();
                    let escapes = written.matches('\\').count();
                    // The quotes count for nothing, the end for one; an escape is at least two letters.
                    i64::try_from(written.len().saturating_sub(1 + 4 * escapes)).unwrap_or(0)
                });
                larger(room(0), len)
            }
            _ => false,
        }
    }

    /// Says that a write behind the end is made here.
    pub(super) fn beyond(&mut self, node: Node<'_>) -> ExprId {
        self.call_of("operator.beyond", &[], span(node))
    }

    /// `for (i = 0; i <= N; i++) a[i]` of an array of `N`.
    pub(super) fn one_too_far(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let Some(condition) = node.child_by_field_name("condition").map(bare) else {
            return;
        };
        let operator = condition
            .child_by_field_name("operator")
            .map_or("", |operator| operator.kind());
        let [left, right] = ["left", "right"].map(|field| condition.child_by_field_name(field));
        let (Some(left), Some(right), "<=") = (left, right, operator) else {
            return;
        };
        let Some(last) = self.files.number(&self.facts, right, &self.source) else {
            return;
        };
        let counter = self.source.text(left).into_owned();
        let mut nodes: Vec<Node<'_>> = node.child_by_field_name("body").into_iter().collect();
        let mut found = false;
        while let Some(part) = nodes.pop() {
            if part.kind() == "subscript_expression" {
                let room = part
                    .child_by_field_name("argument")
                    .and_then(|array| self.files.room(&self.facts, array, &self.source));
                let key = index_of(part).map(|key| self.source.text(key).into_owned());
                found |= room.is_some_and(|room| last >= room.elements) && key.as_deref() == Some(&counter);
            }
            nodes.extend(children(part));
        }
        if found {
            let call = self.beyond(condition);
            self.push(StmtKind::Expr(call), condition, out);
        }
    }

    /// Whether an element is the one behind the last.
    pub(super) fn is_behind(&self, node: Node<'_>) -> bool {
        let (Some(array), Some(key)) = (node.child_by_field_name("argument"), index_of(node)) else {
            return false;
        };
        let full = self.facts.full.get(&*self.source.text(key));
        if full.is_some_and(|full| *full == self.source.text(array)) {
            return true;
        }
        let taken = node
            .parent()
            .is_some_and(|parent| matches!(parent.kind(), "pointer_expression" | "sizeof_expression"));
        let number = self.files.number(&self.facts, key, &self.source).filter(|_| !taken);
        let room = self.files.room(&self.facts, array, &self.source);
        // The last member of a structure may be an array of one that is longer.
        let open = |room: Room| room.elements <= 1;
        number
            .zip(room)
            .is_some_and(|(number, room)| !open(room) && number >= room.elements)
    }

    /// Whether what chooses an element is a number that somebody may have sent: no letter, no constant.
    pub(super) fn is_choice(&self, key: Node<'_>) -> bool {
        let key = bare(key);
        let name = self.source.text(key);
        match key.kind() {
            "identifier" => self.facts.numbers.get(&*name).is_some_and(|number| number.bits > 8),
            "call_expression" => {
                let callee = key
                    .child_by_field_name("function")
                    .map(|callee| self.source.text(callee));
                let plain = !name.contains('[');
                plain
                    && matches!(
                        callee.as_deref(),
                        Some("atoi" | "atol" | "strtol" | "strtoul" | "ntohs" | "ntohl" | "stoi" | "std::stoi")
                    )
            }
            _ => false,
        }
    }
}

/// What chooses the element.
pub(super) fn index_of(node: Node<'_>) -> Option<Node<'_>> {
    node.child_by_field_name("index").or_else(|| {
        let list = node.child_by_field_name("indices")?;
        children(list).first().copied()
    })
}
