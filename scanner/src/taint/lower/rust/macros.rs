//! Macros: those whose arguments are expressions are read as calls, of the others the tokens are.
//!
//! ```text
//! format!("…", f(x)) ─▶ format ("…", f(x))   the bytes of the bang blanked, the file parsed again
//! json!({"a": f(x)}) ─▶ tokens ─▶ names, literals, calls, in lists and maps
//! ```

use tree_sitter::Tree;

use super::{BinaryOp, ExprId, ExprKind, Node, Rust, StmtKind, Walk, children, span};

/// Macros whose arguments are expressions, by the last part of their names.
const OPEN: [&str; 51] = [
    "format",
    "format_args",
    "print",
    "println",
    "eprint",
    "eprintln",
    "write",
    "writeln",
    "panic",
    "todo",
    "unimplemented",
    "unreachable",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "bail",
    "ensure",
    "anyhow",
    "format_err",
    "eyre",
    "dbg",
    "vec",
    "concat",
    "env",
    "option_env",
    "include_str",
    "include_bytes",
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "log",
    "query",
    "query_as",
    "query_scalar",
    "query_unchecked",
    "query_as_unchecked",
    "query_file",
    "cmd",
    "try_join",
    "join",
    "matches",
    "smallvec",
    "bytes",
    "run_cmd",
    "pin",
    "r#try",
];
/// Macros around declarations.
const AROUND: [&str; 2] = ["lazy_static", "thread_local"];
/// Marks of a format that are filled.
const MAX_HOLES: usize = 128;
/// Bytes of an argument that is written once more for a mark that uses it again.
const MAX_AGAIN: usize = 64;

/// The text of a file with all such macros opened; none if there are none.
pub(super) fn opened(tree: &Tree, source: &[u8]) -> Option<Vec<u8>> {
    let mut text: Option<Vec<u8>> = None;
    let mut cursor = tree.walk();
    let mut below = true;
    loop {
        let node = cursor.node();
        let descend = if below && node.kind() == "macro_invocation" {
            open(node, source, &mut text)
        } else {
            below && node.kind() != "macro_definition"
        };
        if descend && cursor.goto_first_child() || cursor.goto_next_sibling() {
            below = true;
        } else if cursor.goto_parent() {
            below = false;
        } else {
            return text;
        }
    }
}

/// Opens one macro, and those in its arguments; whether there may be more in it.
fn open(node: Node<'_>, source: &[u8], text: &mut Option<Vec<u8>>) -> bool {
    let name = node.child_by_field_name("macro");
    let tokens = children(node).into_iter().find(|child| child.kind() == "token_tree");
    let (Some(name), Some(tokens)) = (name, tokens) else {
        return false;
    };
    if AROUND.contains(&last_part(name, source)) {
        let text = text.get_or_insert_with(|| source.to_vec());
        blank(text, node.start_byte(), tokens.start_byte() + 1);
        blank(text, tokens.end_byte().saturating_sub(1), tokens.end_byte());
        for token in all(tokens).into_iter().filter(|token| token.kind() == "ref") {
            blank(text, token.start_byte(), token.end_byte());
        }
        return false;
    }
    open_one(name, tokens, source, text);
    false
}

fn open_one(name: Node<'_>, tokens: Node<'_>, source: &[u8], text: &mut Option<Vec<u8>>) {
    let last = last_part(name, source);
    if !OPEN.contains(&last) || !are_expressions(tokens, last, source) {
        return;
    }
    let text = text.get_or_insert_with(|| source.to_vec());
    // A list stands for itself.
    let from = if last == "vec" {
        name.start_byte()
    } else {
        name.end_byte()
    };
    blank(text, from, tokens.start_byte());
    let mut inside = vec![tokens];
    while let Some(tokens) = inside.pop() {
        let row = all(tokens);
        for (at, token) in row.iter().enumerate() {
            if token.kind() != "token_tree" {
                continue;
            }
            let called = at.checked_sub(2).and_then(|at| row.get(at..at + 2));
            match called {
                Some([name, bang]) if bang.kind() == "!" && name.kind() == "identifier" => {
                    let last = last_part(*name, source);
                    if !OPEN.contains(&last) || !are_expressions(*token, last, source) {
                        continue;
                    }
                    let from = if last == "vec" {
                        name.start_byte()
                    } else {
                        name.end_byte()
                    };
                    blank(text, from, token.start_byte());
                    inside.push(*token);
                }
                _ => inside.push(*token),
            }
        }
    }
}

fn blank(text: &mut [u8], from: usize, to: usize) {
    if let Some(bytes) = text.get_mut(from..to) {
        bytes
            .iter_mut()
            .filter(|byte| **byte != b'\n')
            .for_each(|byte| *byte = b' ');
    }
}

/// Whether tokens are expressions with commas between them.
fn are_expressions(tokens: Node<'_>, name: &str, source: &[u8]) -> bool {
    let begins = source.get(tokens.start_byte());
    if !(begins == Some(&b'(') || name == "vec" && begins == Some(&b'[')) {
        return false;
    }
    let row = all(tokens);
    let text = |node: &Node<'_>| source.get(node.byte_range()).unwrap_or_default();
    let sigil = row
        .windows(2)
        .any(|pair| matches!(pair[1].kind(), "%" | "?") && matches!(pair[0].kind(), "(" | "," | "="));
    let other = row
        .iter()
        .any(|token| matches!(token.kind(), "=>" | "$" | "#" | ":" | "@" | "if" | "_") || text(token) == b"_");
    let semicolon = begins == Some(&b'(') && row.iter().any(|token| token.kind() == ";");
    let pattern = name == "matches"
        && row.iter().any(|token| {
            let first = text(token).first() == Some(&b'{');
            first || matches!(token.kind(), "..") || text(token).windows(2).any(|pair| pair == b"(_" || pair == b"..")
        });
    !sigil && !other && !semicolon && !pattern
}

fn last_part<'s>(name: Node<'_>, source: &'s [u8]) -> &'s str {
    let text = std::str::from_utf8(source.get(name.byte_range()).unwrap_or_default()).unwrap_or_default();
    text.rsplit("::").next().unwrap_or(text).trim()
}

/// All children, signs included, comments left out.
fn all<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).filter(|child| !child.is_extra()).collect()
}

impl Rust<'_> {
    /// A macro whose arguments are expressions.
    pub(super) fn macro_call(&mut self, node: Node<'_>, function: Node<'_>, args: &[Node<'_>]) -> ExprId {
        let at = span(node);
        let path = self.source.text(function).into_owned();
        let last = path.rsplit("::").next().unwrap_or(&path).to_owned();
        let kind = match (&*last, args) {
            ("format" | "format_args" | "concat", _) => return self.formatted(args, node),
            ("write" | "writeln", [to, rest @ ..]) => return self.written_to(*to, rest, node),
            ("assert" | "ensure", [condition, rest @ ..]) => {
                let held = self.condition(*condition);
                return self.ensured(held, rest, node);
            }
            ("assert_eq", [left, right, rest @ ..]) => {
                let (left, right) = (self.expr(*left), self.expr(*right));
                let op = BinaryOp::Eq;
                let held = self.source.build.expr(ExprKind::Binary { op, left, right }, at);
                return self.ensured(held, rest, node);
            }
            ("matches", [value, patterns]) => return self.matching(*value, *patterns, node),
            ("dbg" | "pin" | "r#try", [one]) => return self.expr(*one),
            ("join" | "try_join", _) => ExprKind::List(self.exprs(args.to_vec())),
            _ => {
                let literal = args.first().is_some_and(|arg| arg.kind().ends_with("string_literal"));
                let callee = self.path(&format!("{path}!"), function);
                let texts = matches!(&*last, "query" | "query_as" | "query_scalar" | "cmd" | "run_cmd");
                let args = match literal && !texts {
                    true => vec![self.formatted(args, node)],
                    false => self.exprs(args.to_vec()),
                };
                return self.source.build.call(callee, &args, at);
            }
        };
        self.source.build.expr(kind, at)
    }

    /// What comes after it is come to only if the condition held.
    fn ensured(&mut self, held: ExprId, rest: &[Node<'_>], node: Node<'_>) -> ExprId {
        let condition = self.source.build.expr(ExprKind::Not(held), span(node));
        let says = self.formatted(rest, node);
        let throw = self.source.build.stmt(StmtKind::Throw(Some(says)), span(node));
        let then = self.source.build.block(vec![throw]);
        let otherwise = self.source.build.block(Vec::new());
        let kind = StmtKind::If {
            condition,
            then,
            otherwise,
        };
        let stmt = self.source.build.stmt(kind, span(node));
        self.before.push(stmt);
        self.source.build.expr(ExprKind::Bool(true), span(node))
    }

    /// `matches!(x, A | B)`
    fn matching(&mut self, value: Node<'_>, patterns: Node<'_>, node: Node<'_>) -> ExprId {
        let left = self.expr(value);
        let mut labels = Vec::new();
        let mut rest = Some(patterns);
        while let Some(pattern) = rest {
            let either = pattern
                .child_by_field_name("operator")
                .is_some_and(|op| op.kind() == "|");
            if pattern.kind() == "binary_expression" && either {
                labels.extend(pattern.child_by_field_name("right"));
                rest = pattern.child_by_field_name("left");
            } else {
                labels.push(pattern);
                rest = None;
            }
        }
        let labels = self.exprs(labels);
        let right = self.source.build.expr(ExprKind::List(labels), span(patterns));
        let op = BinaryOp::In;
        self.source.build.expr(ExprKind::Binary { op, left, right }, span(node))
    }

    /// `write!(to, "…", x)`: a call that is given the text, and where it is written has it behind its own.
    fn written_to(&mut self, to: Node<'_>, rest: &[Node<'_>], node: Node<'_>) -> ExprId {
        let at = span(node);
        let place = to
            .child_by_field_name("value")
            .filter(|_| to.kind() == "reference_expression")
            .unwrap_or(to);
        let target = self.expr(to);
        let text = self.formatted(rest, node);
        let callee = self.source.build.name_expr("write!", at);
        let call = self.source.build.call(callee, &[target, text], at);
        if place.kind() != "identifier" || node.byte_range().len() > MAX_AGAIN * 64 {
            return call;
        }
        let text = self.formatted(rest, node);
        let grown = self.with_behind(place, text, node);
        self.source.build.expr(ExprKind::Last(vec![call, grown]), at)
    }

    /// A format with what is put into it: the pieces and the values in order.
    fn formatted(&mut self, args: &[Node<'_>], node: Node<'_>) -> ExprId {
        let at = span(node);
        let Some((format, args)) = args
            .split_first()
            .filter(|(first, _)| first.kind().ends_with("string_literal"))
        else {
            let parts = self.exprs(args.to_vec());
            return self.source.build.expr(ExprKind::Of(parts), at);
        };
        let text = self.string_text(*format);
        let (named, placed): (Vec<Node<'_>>, Vec<Node<'_>>) =
            args.iter().partition(|arg| arg.kind() == "assignment_expression");
        let mut parts = Vec::new();
        let mut used = vec![0_usize; args.len()];
        let mut next = 0;
        for (index, piece) in pieces(&text).into_iter().enumerate() {
            let (name, spec) = match piece {
                Piece::Text(text) => {
                    parts.push(self.source.build.str_expr(&text, span(*format)));
                    continue;
                }
                Piece::Hole { name, spec } => (name, spec),
            };
            let place = match name {
                "" => {
                    next += 1;
                    placed.get(next - 1).copied()
                }
                name => match name.parse::<usize>() {
                    Ok(at) => placed.get(at).copied(),
                    Err(_) => self.named_value(&named, name),
                },
            };
            let seen = place.and_then(|place| {
                args.iter()
                    .position(|arg| arg.byte_range().contains(&place.start_byte()))
            });
            let again = seen.and_then(|at| used.get_mut(at)).is_some_and(|times| {
                *times += 1;
                *times > 1
            });
            let value = match place {
                _ if index > 2 * MAX_HOLES => self.source.unknown(node),
                Some(place) if again && place.byte_range().len() > MAX_AGAIN => self.source.unknown(node),
                Some(place) => self.expr(place),
                None if name.is_empty() || name.starts_with(|c: char| c.is_numeric()) => self.source.unknown(node),
                None => self.source.build.name_expr(name, span(*format)),
            };
            parts.push(self.shown(value, spec, *format));
        }
        self.source.build.expr(ExprKind::Concat(parts), at)
    }

    fn named_value<'t>(&self, named: &[Node<'t>], name: &str) -> Option<Node<'t>> {
        let is = |arg: &&Node<'t>| {
            let left = arg.child_by_field_name("left");
            left.is_some_and(|left| self.source.text(left) == name)
        };
        named.iter().find(is)?.child_by_field_name("right")
    }

    /// A value as a format shows it: what is written for debugging is quoted, a number is one.
    fn shown(&mut self, value: ExprId, spec: &str, node: Node<'_>) -> ExprId {
        match spec.chars().last() {
            Some('?') => self.call_of("as", "debug", &[value], node),
            Some('x' | 'X' | 'o' | 'b' | 'e') if !spec.contains('$') => self.as_number(value, node),
            _ => value,
        }
    }

    /// A macro whose arguments are no expressions: what its tokens name.
    pub(super) fn tokens_of(&mut self, node: Node<'_>) -> ExprId {
        let Some(name) = node.child_by_field_name("macro") else {
            return self.source.unknown(node);
        };
        let path = format!("{}!", self.source.text(name));
        let callee = self.path(&path, name);
        let tokens = children(node).into_iter().find(|child| child.kind() == "token_tree");
        let args = match tokens {
            // Functions that a macro makes are none of the place where it stands.
            Some(tokens) if all(tokens).iter().any(|token| token.kind() == "fn") => Vec::new(),
            Some(tokens) if self.is_map(tokens) => vec![self.token_tree(tokens)],
            Some(tokens) => self.separate(tokens),
            None => Vec::new(),
        };
        self.source.build.call(callee, &args, span(node))
    }

    /// Whether tokens are keys and values in braces.
    fn is_map(&self, tokens: Node<'_>) -> bool {
        let braces = self.source.bytes.get(tokens.start_byte()) == Some(&b'{');
        braces && inner(tokens).iter().any(|token| matches!(token.kind(), ":" | "=>"))
    }

    /// Tokens in brackets: a map if there are keys, a list of more than one, or what is in them.
    pub(super) fn token_tree(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let row = inner(node);
        if self.is_map(node) {
            let mut entries = Vec::new();
            for entry in row.split(|token| token.kind() == ",").filter(|entry| !entry.is_empty()) {
                let cut = entry.iter().position(|token| matches!(token.kind(), ":" | "=>"));
                let (key, value) = match cut {
                    Some(cut) => (Some(&entry[..cut]), &entry[cut + 1..]),
                    None => (None, entry),
                };
                let key = key.map(|key| self.sequence(key, node));
                entries.push((key, self.sequence(value, node)));
            }
            return self.source.build.expr(ExprKind::Map(entries), at);
        }
        let list = self.source.bytes.get(node.start_byte()) == Some(&b'[');
        let mut parts = self.separate(node);
        match (parts.len(), list) {
            (1, false) => parts.remove(0),
            (_, true) => self.source.build.expr(ExprKind::List(parts), at),
            _ => self.source.build.expr(ExprKind::Of(parts), at),
        }
    }

    /// What stands between commas.
    fn separate(&mut self, node: Node<'_>) -> Vec<ExprId> {
        if self.source.depth == super::super::MAX_DEPTH {
            self.source.cut = true;
            return Vec::new();
        }
        self.source.depth += 1;
        let row = inner(node);
        let rows = row.split(|token| matches!(token.kind(), "," | ";"));
        let rows: Vec<&[Node<'_>]> = rows.filter(|row| !row.is_empty()).collect();
        let parts = rows.into_iter().map(|row| self.sequence(row, node)).collect();
        self.source.depth -= 1;
        parts
    }

    /// Tokens in a row: names with what hangs on them, literals, all that is in brackets.
    fn sequence(&mut self, row: &[Node<'_>], around: Node<'_>) -> ExprId {
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(token) = row.get(at) {
            at += 1;
            let mut value = match token.kind() {
                "identifier" | "self" | "string_literal" | "raw_string_literal" | "integer_literal"
                | "boolean_literal" | "char_literal" | "token_tree" => self.expr(*token),
                "crate" | "super" | "primitive_type" => self.source.build.name_expr(token.kind(), span(*token)),
                _ => continue,
            };
            while let Some(next) = row.get(at) {
                let name = row
                    .get(at + 1)
                    .filter(|name| name.kind() == "identifier" || name.kind().ends_with("literal"));
                match (next.kind(), name) {
                    ("." | "::", Some(name)) => {
                        at += 2;
                        let text = self.source.text(*name).into_owned();
                        // What only passes a value on is not there.
                        if !matches!(&*text, "await" | "unwrap" | "clone" | "to_string" | "as_str" | "into") {
                            let name = self.source.build.name(&text);
                            value = self
                                .source
                                .build
                                .expr(ExprKind::Attr { object: value, name }, span(*next));
                        } else if row.get(at).is_some_and(|args| args.byte_range().len() == 2) {
                            at += 1;
                        }
                    }
                    ("?" | "!", _) => at += 1,
                    ("token_tree", _) if self.source.bytes.get(next.start_byte()) == Some(&b'(') => {
                        at += 1;
                        let args = self.separate(*next);
                        value = self.source.build.call(value, &args, span(*next));
                    }
                    _ => break,
                }
            }
            parts.push(value);
        }
        match parts.as_slice() {
            [one] => *one,
            _ => self.source.build.expr(ExprKind::Of(parts), span(around)),
        }
    }
}

/// The tokens between the brackets.
fn inner(node: Node<'_>) -> Vec<Node<'_>> {
    let mut row = all(node);
    if row.len() >= 2 {
        row.remove(0);
        row.pop();
    }
    row
}

/// A part of a format.
enum Piece<'f> {
    Text(String),
    Hole { name: &'f str, spec: &'f str },
}

fn pieces(format: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let sign = &rest[at..];
        if sign.starts_with("{{") || sign.starts_with("}}") {
            text.push_str(&sign[..1]);
            rest = &sign[2..];
            continue;
        }
        let end = sign.find('}').filter(|_| sign.starts_with('{'));
        let Some(end) = end else {
            rest = &sign[1..];
            continue;
        };
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        let (name, spec) = sign[1..end].split_once(':').unwrap_or((&sign[1..end], ""));
        pieces.push(Piece::Hole {
            name: name.trim(),
            spec: spec.trim(),
        });
        rest = &sign[end + 1..];
    }
    text.push_str(rest);
    if !text.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}
