//! Source text to [`Module`], one lowering a language, each a walk over what tree-sitter's grammar makes of the text.
//!
//! ```text
//! bytes ─▶ grammar (C) ─▶ tree ─▶ Lowering (python, …) ─▶ Builder ─▶ Module
//! ```
//!
//! This is the one place that runs parsers written in C over a file, and all that runs beside them; who does not trust
//! the file runs it in a worker and checks the module.
//!
//! Always true:
//! - a tree of any depth is walked: what is nested deeper than `MAX_DEPTH` is [`ExprKind::Unknown`], and said so;
//! - parsing stops after `PARSE_BUDGET` of the grammar's steps, or `PARSE_TIME`;
//! - what a grammar could not place is in [`Module::unparsed`].

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tree_sitter::{Node, ParseOptions, Parser, Tree};

use super::ir::{BinaryOp, BlockId, Builder, ExprId, ExprKind, Function, Module, Span};
use crate::facts::Language;
use crate::isolation::Room;

mod c;
mod go;
mod java;
mod javascript;
mod php;
mod python;
mod rust;
mod shell;
#[cfg(test)]
mod testing;
mod walk;

/// Files of more bytes are not parsed.
pub const MAX_FILE: usize = 2 << 20;
/// Nodes within nodes that are lowered.
const MAX_DEPTH: u16 = 120;
/// Calls of the parser's progress, which it makes every hundred steps or so: some seconds.
const PARSE_BUDGET: u32 = 400_000;

/// No parse takes longer, however slow its steps are.
const PARSE_TIME: Duration = Duration::from_secs(20);

/// Why a file was not lowered, or not wholly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LowerFault {
    /// There is no lowering for the language.
    #[error("the language is not supported")]
    Unsupported,
    /// Too long, or parsing took too many steps.
    #[error("it is too large to be parsed")]
    OverLimit,
    /// Parsing took too long.
    #[error("parsing it took too long")]
    TimedOut,
    /// The parser fell; said by lowerings that run elsewhere and outlive it.
    #[error("the parser crashed over it")]
    Crashed,
    /// The grammar does not load: a fault of this program.
    #[error("the grammar does not load")]
    Grammar,
}

/// A name of JavaScript with letters written as `\u0065` or `\u{65}`.
fn unescaped(name: &str) -> String {
    let mut plain = String::new();
    let mut rest = name;
    while let Some((before, escape)) = rest.split_once("\\u") {
        plain.push_str(before);
        let (digits, after) = match escape.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some(parts) => parts,
            None => escape.split_at_checked(4).unwrap_or((escape, "")),
        };
        plain.extend(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32));
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// Whoever lowers files: here, or a worker that a file may take over.
pub trait Lowerer: Send + Sync {
    /// Lowers a file. What comes back is not believed: it is checked before it is followed.
    ///
    /// # Errors
    /// [`LowerFault`] if nothing of the file was lowered.
    fn lower(&self, language: Language, source: &[u8]) -> Result<Lowered, LowerFault>;
}

/// Where files are lowered: a bundle at a time, so that one bundle's files never meet another's.
pub trait Lowering: Send + Sync {
    /// Starts on a bundle.
    fn begin(&self) -> Box<dyn Lowerer>;

    /// Whether files are lowered at all, and not all answered by [`LowerFault::Unsupported`].
    fn is_possible(&self) -> bool {
        true
    }
}

impl<L: Lowerer + Clone + 'static> Lowering for L {
    fn begin(&self) -> Box<dyn Lowerer> {
        Box::new(self.clone())
    }
}

/// Lowers in this very process: for files that are trusted as much as the process itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Here;

/// Lowers nothing: where there is no process to do it, and for whoever scans nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

/// For a bundle.
struct NothingLowered;

impl Lowering for Nowhere {
    fn begin(&self) -> Box<dyn Lowerer> {
        Box::new(NothingLowered)
    }

    fn is_possible(&self) -> bool {
        false
    }
}

impl Lowerer for NothingLowered {
    fn lower(&self, _language: Language, _source: &[u8]) -> Result<Lowered, LowerFault> {
        Err(LowerFault::Unsupported)
    }
}

impl Lowerer for Here {
    fn lower(&self, language: Language, source: &[u8]) -> Result<Lowered, LowerFault> {
        lower(language, source)
    }
}

/// A lowered file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Lowered {
    /// What it says.
    pub module: Module,
    /// Whether parts of it were nested too deep and are not in it.
    pub cut: bool,
    /// The memory that it may take, if who lowered it is not trusted with any amount.
    #[serde(skip)]
    pub room: Room,
}

/// Whether files of this language are followed.
#[must_use]
pub fn supports(language: Language) -> bool {
    matches!(
        language,
        Language::C
            | Language::Cpp
            | Language::Go
            | Language::Java
            | Language::JavaScript
            | Language::Php
            | Language::Python
            | Language::Rust
            | Language::Shell
            | Language::TypeScript
    )
}

/// Lowers a file.
///
/// # Errors
/// [`LowerFault`] if nothing of it is.
pub fn lower(language: Language, source: &[u8]) -> Result<Lowered, LowerFault> {
    if source.len() > MAX_FILE {
        return Err(LowerFault::OverLimit);
    }
    match language {
        Language::C => {
            let tree = parse(&tree_sitter_c::LANGUAGE.into(), source)?;
            // A header may be one of either language.
            if tree.root_node().has_error() {
                return lower(Language::Cpp, source);
            }
            Ok(c::lower(Source::new(source), &tree, c::Dialect::C))
        }
        Language::Cpp => {
            let tree = parse(&tree_sitter_cpp::LANGUAGE.into(), source)?;
            Ok(c::lower(Source::new(source), &tree, c::Dialect::Cpp))
        }
        Language::Go => {
            let tree = parse(&tree_sitter_go::LANGUAGE.into(), source)?;
            Ok(go::lower(Source::new(source), &tree))
        }
        Language::Java => {
            let tree = parse(&tree_sitter_java::LANGUAGE.into(), source)?;
            Ok(java::lower(Source::new(source), &tree))
        }
        Language::JavaScript => {
            let tree = parse(&tree_sitter_javascript::LANGUAGE.into(), source)?;
            Ok(javascript::lower(Source::new(source), &tree))
        }
        Language::Php => {
            let tree = parse(&tree_sitter_php::LANGUAGE_PHP.into(), source)?;
            Ok(php::lower(Source::new(source), &tree))
        }
        Language::Python => python_or_cython(source),
        Language::Rust => rust::lower(source),
        Language::Shell => {
            let tree = parse(&tree_sitter_bash::LANGUAGE.into(), source)?;
            Ok(shell::lower(Source::new(source), &tree))
        }
        Language::TypeScript => {
            let tree = typescript(source)?;
            Ok(javascript::lower(Source::new(source), &tree))
        }
        _ => Err(LowerFault::Unsupported),
    }
}

/// Text alone does not say whether `<T>` is a type or a tag: the grammar that understands more is right.
fn typescript(source: &[u8]) -> Result<Tree, LowerFault> {
    let plain = parse(&tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(), source)?;
    if !plain.root_node().has_error() {
        return Ok(plain);
    }
    let tagged = parse(&tree_sitter_typescript::LANGUAGE_TSX.into(), source)?;
    Ok(if lost(&tagged) < lost(&plain) { tagged } else { plain })
}

/// What is no Python may be Cython, which no Python runs.
fn python_or_cython(source: &[u8]) -> Result<Lowered, LowerFault> {
    let grammar = tree_sitter_python::LANGUAGE.into();
    let tree = parse(&grammar, source)?;
    if tree.root_node().has_error()
        && let Some(read) = python::cython::as_python(source)
    {
        let again = parse(&grammar, &read)?;
        if lost(&again) < lost(&tree) {
            return Ok(python::lower(Source::new(&read), &again));
        }
    }
    Ok(python::lower(Source::new(source), &tree))
}

/// Bytes that a grammar could not place.
fn lost(tree: &Tree) -> usize {
    let mut bytes = 0;
    each_unparsed(tree, |node| bytes += node.byte_range().len().max(1));
    bytes
}

fn parse(grammar: &tree_sitter::Language, source: &[u8]) -> Result<Tree, LowerFault> {
    parse_until(Instant::now() + PARSE_TIME, grammar, source)
}

fn parse_until(deadline: Instant, grammar: &tree_sitter::Language, source: &[u8]) -> Result<Tree, LowerFault> {
    let mut parser = Parser::new();
    parser.set_language(grammar).map_err(|_| LowerFault::Grammar)?;
    let mut steps = 0_u32;
    let mut late = false;
    let mut progress = |_: &tree_sitter::ParseState| {
        steps += 1;
        late = Instant::now() >= deadline;
        if late || steps > PARSE_BUDGET {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let mut read = |at: usize, _| source.get(at..).unwrap_or_default();
    let tree = parser.parse_with_options(&mut read, None, Some(options));
    match tree {
        Some(tree) => Ok(tree),
        None if late => Err(LowerFault::TimedOut),
        None => Err(LowerFault::OverLimit),
    }
}

/// A file's bytes, and the module that is made of them.
#[derive(Debug)]
struct Source<'s> {
    bytes: &'s [u8],
    build: Builder,
    depth: u16,
    cut: bool,
}

impl<'s> Source<'s> {
    fn new(bytes: &'s [u8]) -> Self {
        Self {
            bytes,
            build: Builder::new(),
            depth: 0,
            cut: false,
        }
    }

    /// The text of a node; what is not UTF-8 in it is lost.
    fn text(&self, node: Node<'_>) -> std::borrow::Cow<'s, str> {
        let text = String::from_utf8_lossy(self.bytes.get(node.byte_range()).unwrap_or_default());
        match node.kind().ends_with("identifier") && text.contains("\\u") {
            true => unescaped(&text).into(),
            false => text,
        }
    }

    fn unknown(&mut self, node: Node<'_>) -> ExprId {
        self.build.expr(ExprKind::Unknown, span(node))
    }

    /// The module, with all that the grammar could not place.
    fn finish(mut self, tree: &Tree, body: BlockId) -> Lowered {
        let top = Function {
            name: self.build.name(""),
            class: None,
            params: Vec::new(),
            marks: Vec::new(),
            body,
            span: span(tree.root_node()),
        };
        each_unparsed(tree, |node| self.build.unparsed(span(node)));
        Lowered {
            cut: self.cut,
            module: self.build.finish(top),
            room: Room::default(),
        }
    }
}

/// The operator between two values that is written so, in every language alike.
fn binary_op(written: &str) -> BinaryOp {
    match written {
        "==" => BinaryOp::Eq,
        "!=" => BinaryOp::Ne,
        "<" => BinaryOp::Lt,
        "<=" => BinaryOp::Le,
        ">" => BinaryOp::Gt,
        ">=" => BinaryOp::Ge,
        "&&" => BinaryOp::And,
        "||" => BinaryOp::Or,
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Sub,
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::Div,
        "%" => BinaryOp::Rem,
        _ => BinaryOp::Bits,
    }
}

/// The parts of `a + b + c`, however many there are.
fn summands<'t>(sum: Node<'t>, is_sum: impl Fn(Node<'t>) -> bool) -> Vec<Node<'t>> {
    let mut parts = Vec::new();
    let mut rest = Some(sum);
    while let Some(part) = rest {
        if is_sum(part) {
            parts.extend(part.child_by_field_name("right"));
            rest = part.child_by_field_name("left");
        } else {
            parts.push(part);
            rest = None;
        }
    }
    parts.reverse();
    parts
}

/// Shows every place that the grammar could not place.
fn each_unparsed(tree: &Tree, mut show: impl FnMut(Node<'_>)) {
    let mut cursor = tree.walk();
    let mut below = true;
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            show(node);
        }
        let down = below && node.has_error() && !node.is_error() && cursor.goto_first_child();
        if down || cursor.goto_next_sibling() {
            below = true;
        } else if cursor.goto_parent() {
            below = false;
        } else {
            break;
        }
    }
}

fn span(node: Node<'_>) -> Span {
    let at = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
    Span {
        start: at(node.start_byte()),
        end: at(node.end_byte()),
    }
}

/// The named children of a node, comments left out.
fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    let named = node.named_children(&mut cursor);
    named.filter(|child| !child.is_extra()).collect()
}

/// The children of a node under a field's name.
fn fields<'t>(node: Node<'t>, field: &str) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children_by_field_name(field, &mut cursor)
        .filter(Node::is_named)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parse_whose_time_is_up_gives_no_tree() {
        let text = "x = (1, 2, 3)\n".repeat(2000);
        let parsed = parse_until(Instant::now(), &tree_sitter_python::LANGUAGE.into(), text.as_bytes());
        assert_eq!(parsed.err(), Some(LowerFault::TimedOut));
    }
}
