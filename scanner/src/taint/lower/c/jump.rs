//! `goto`, and loops whose meaning is in how they are written.
//!
//! What stands behind a label at the end of a function is done by every `goto` to it: it is lowered once more there, and the
//! function ends after it.

use tree_sitter::Node;

use super::super::super::ir::{ExprKind, StmtId, StmtKind};
use super::super::{children, span};
use super::facts::bare;
use super::{C, Walk};

/// Statements behind a label that are lowered again.
const MAX_TAIL: usize = 40;
/// Jumps of one function that are followed.
const MAX_JUMPS: u32 = 40;
/// Nodes of a loop's body that are looked at.
const MAX_BODY: usize = 2_000;

impl C<'_> {
    /// A jump forward to the end of the function; of another one nothing is known.
    pub(super) fn jump(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let label = node
            .child_by_field_name("label")
            .map(|label| self.source.text(label).into_owned());
        let tail = label.and_then(|label| self.tail(node, &label));
        let Some(tail) = tail.filter(|_| !self.jumping && self.jumps < MAX_JUMPS) else {
            self.push(StmtKind::Throw(None), node, out);
            return;
        };
        self.jumps += 1;
        self.jumping = true;
        for part in tail {
            self.stmt(part, out);
        }
        self.jumping = false;
        self.push(StmtKind::Return(None), node, out);
    }

    /// What is done after a label of the function's own block, if that comes later.
    fn tail<'t>(&self, node: Node<'t>, label: &str) -> Option<Vec<Node<'t>>> {
        let mut around = node.parent()?;
        while around.kind() != "function_definition" {
            around = around.parent()?;
        }
        let parts = children(around.child_by_field_name("body")?);
        let at = parts.iter().position(|part| {
            let name = part
                .child_by_field_name("label")
                .filter(|_| part.kind() == "labeled_statement");
            name.is_some_and(|name| self.source.text(name) == label)
        })?;
        let after = parts.get(at)?.start_byte() > node.end_byte();
        let tail: Vec<Node<'t>> = parts.into_iter().skip(at).collect();
        (after && tail.len() <= MAX_TAIL).then_some(tail)
    }

    /// `for (…; *s; …) if (!isalnum(*s)) return 0;`: what comes after it is made of the letters that are meant.
    pub(super) fn filtered(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let body = node.child_by_field_name("body");
        let parts = match body {
            Some(body) if body.kind() == "compound_statement" => children(body),
            _ => body.into_iter().collect(),
        };
        for choice in parts.into_iter().filter(|part| part.kind() == "if_statement") {
            let Some(condition) = choice.child_by_field_name("condition") else {
                continue;
            };
            let text = self.source.text(condition).replace(' ', "");
            let Some(kind) = listed(&text).filter(|_| self.leaves(choice)) else {
                continue;
            };
            let Some(of) = lettered(condition) else { continue };
            let given = self.expr(of);
            let proved = self.call_of(kind, &[given], span(of));
            let condition = self.source.build.expr(ExprKind::Not(proved), span(of));
            let mut stmts = Vec::new();
            self.push(StmtKind::Throw(None), of, &mut stmts);
            let then = self.source.build.block(stmts);
            let otherwise = self.source.build.block(Vec::new());
            let proof = StmtKind::If {
                condition,
                then,
                otherwise,
            };
            self.push(proof, of, out);
        }
    }

    /// Whether what is done then is to leave, or to put another letter there.
    fn leaves(&self, choice: Node<'_>) -> bool {
        let mut given = choice.child_by_field_name("consequence");
        for _ in 0..8 {
            let Some(node) = given else { return false };
            match node.kind() {
                "return_statement" | "goto_statement" | "throw_statement" => return true,
                "assignment_expression" => {
                    let value = node.child_by_field_name("right").map(|value| value.kind());
                    return matches!(value, Some("char_literal" | "number_literal"));
                }
                "compound_statement" => given = children(node).last().copied(),
                "expression_statement" => given = node.named_child(0),
                _ => return false,
            }
        }
        false
    }

    /// `while (*s) *d++ = *s++;`: a copy that ends where the text ends.
    pub(super) fn copied(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let condition = node
            .child_by_field_name("condition")
            .map(|condition| self.source.text(condition).into_owned());
        let condition = condition.unwrap_or_default();
        let mut body = node.child_by_field_name("body");
        while let Some(block) = body.filter(|body| body.kind() == "compound_statement") {
            match children(block).as_slice() {
                [] => body = None,
                [one] => body = Some(*one),
                _ => return,
            }
        }
        let alone = body.is_none_or(|body| body.kind() == "expression_statement");
        if !alone || condition.contains(['<', '>']) || condition.contains("&&") {
            return;
        }
        let mut nodes = vec![node];
        let mut seen = 0;
        while let Some(part) = nodes.pop() {
            seen += 1;
            if seen > MAX_BODY || matches!(part.kind(), "break_statement" | "return_statement" | "goto_statement") {
                return;
            }
            if part.kind() == "assignment_expression"
                && let (Some(to), Some(from)) = (self.stepped(part, "left"), self.stepped(part, "right"))
            {
                let (to, from) = (self.expr(to), self.expr(from));
                let call = self.call_of("operator.copy", &[to, from], span(part));
                self.push(StmtKind::Expr(call), part, out);
                return;
            }
            nodes.extend(children(part));
        }
    }

    /// The pointer of `*p++`, the array of `a[i++]`.
    fn stepped<'t>(&self, node: Node<'t>, side: &str) -> Option<Node<'t>> {
        let part = bare(node.child_by_field_name(side)?);
        match part.kind() {
            "pointer_expression" => {
                let inner = bare(part.child_by_field_name("argument")?);
                let pointer = inner.child_by_field_name("argument")?;
                (inner.kind() == "update_expression" && pointer.kind() == "identifier").then_some(pointer)
            }
            "subscript_expression" => {
                let key = bare(super::room::index_of(part)?);
                let array = part.child_by_field_name("argument")?;
                (key.kind() == "update_expression").then_some(array)
            }
            _ => None,
        }
    }

    /// `for (i = 0; i < n; i++) a[i] = …`: as many elements are written as `n` says.
    pub(super) fn counted(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let Some(condition) = node.child_by_field_name("condition").map(bare) else {
            return;
        };
        let operator = condition
            .child_by_field_name("operator")
            .map_or("", |operator| operator.kind());
        let [left, right] = ["left", "right"].map(|field| condition.child_by_field_name(field));
        let (Some(left), Some(right), "<" | "<=" | "!=") = (left, right, operator) else {
            return;
        };
        let small = |name: &str| self.facts.numbers.get(name).is_some_and(|number| number.bits == 8);
        let limit = self.source.text(right).into_owned();
        let told = self.facts.told.contains(&limit);
        if !matches!(right.kind(), "identifier" | "field_expression") || small(&limit) || told {
            return;
        }
        let counter = self.source.text(left).into_owned();
        let mut nodes: Vec<Node<'_>> = node.child_by_field_name("body").into_iter().collect();
        let mut seen = 0;
        while let Some(part) = nodes.pop() {
            seen += 1;
            if seen > MAX_BODY {
                return;
            }
            if let Some(array) = self.written(part, &counter) {
                let args = [self.expr(array), self.expr(right)];
                let call = self.call_of("operator.loop", &args, span(part));
                self.push(StmtKind::Expr(call), part, out);
                return;
            }
            nodes.extend(children(part));
        }
    }

    /// The array that a statement writes to at a place that the counter chooses.
    fn written<'t>(&self, node: Node<'t>, counter: &str) -> Option<Node<'t>> {
        match node.kind() {
            "assignment_expression" => {
                let element = node.child_by_field_name("left")?;
                let key = super::room::index_of(element).filter(|_| element.kind() == "subscript_expression")?;
                let array = element.child_by_field_name("argument")?;
                (self.source.text(key) == counter).then_some(array)
            }
            "call_expression" => {
                let name = self.source.text(node.child_by_field_name("function")?).into_owned();
                let name = name.strip_prefix("std::").unwrap_or(&name);
                let to = *children(node.child_by_field_name("arguments")?).first()?;
                let array = to
                    .child_by_field_name("left")
                    .filter(|_| to.kind() == "binary_expression")?;
                let moved = to.child_by_field_name("right").map(|part| self.source.text(part))?;
                (matches!(name, "memcpy" | "memmove" | "memset") && moved.contains(counter)).then_some(array)
            }
            _ => None,
        }
    }
}

/// What a test of a letter, after which one leaves, proves of the text.
fn listed(condition: &str) -> Option<&'static str> {
    let classes = [
        "!isalnum(",
        "!isdigit(",
        "!isalpha(",
        "!isxdigit(",
        "!islower(",
        "!isupper(",
        "!std::isalnum(",
        "!std::isdigit(",
    ];
    let class = classes.iter().any(|class| condition.contains(class));
    let list = condition.contains("!strchr(") || condition.contains("strchr(") && condition.contains("==NULL");
    let outside = condition.contains("<'") && condition.contains(">'");
    let not_inside = condition.contains("!(") && condition.contains(">='");
    if class || list || outside || not_inside {
        Some("operator.listed")
    } else if condition.contains("=='/'") {
        Some("operator.unslashed")
    } else {
        None
    }
}

/// The text whose letters a condition is about.
fn lettered(condition: Node<'_>) -> Option<Node<'_>> {
    let mut nodes = vec![condition];
    for _ in 0..MAX_BODY {
        let node = nodes.pop()?;
        if matches!(node.kind(), "subscript_expression" | "pointer_expression") {
            let inner = bare(node.child_by_field_name("argument")?);
            let inner = match inner.kind() {
                "update_expression" => inner.child_by_field_name("argument")?,
                _ => inner,
            };
            if matches!(inner.kind(), "identifier" | "field_expression") {
                return Some(inner);
            }
        }
        nodes.extend(children(node).into_iter().rev());
    }
    None
}
