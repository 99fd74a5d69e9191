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

    /// `for (…; s[i]; …) if (!isalnum(s[i])) s[i] = '_';`: what is not among the letters that are meant is replaced.
    pub(super) fn filtered(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let mut body = node.child_by_field_name("body");
        while let Some(block) = body.filter(|body| body.kind() == "compound_statement") {
            let parts = children(block);
            body = match parts.as_slice() {
                [one] => Some(*one),
                _ => None,
            };
        }
        let Some(choice) = body.filter(|body| body.kind() == "if_statement") else {
            return;
        };
        let condition = choice
            .child_by_field_name("condition")
            .map(|condition| self.source.text(condition));
        let condition = condition.unwrap_or_default().replace(' ', "");
        let condition = condition.trim_start_matches('(');
        let listed = [
            "!isalnum(",
            "!isdigit(",
            "!isalpha(",
            "!isxdigit(",
            "!strchr(",
            "!std::isalnum(",
            "!std::isdigit(",
            "!memchr(",
        ];
        if !listed.iter().any(|test| condition.starts_with(test)) || condition.contains("||") {
            return;
        }
        let Some(mut given) = choice.child_by_field_name("consequence") else {
            return;
        };
        while let Some(inner) = given.named_child(0).filter(|_| given.kind() != "assignment_expression") {
            given = inner;
        }
        let element = given
            .child_by_field_name("left")
            .filter(|_| given.kind() == "assignment_expression");
        let value = given.child_by_field_name("right").map(|value| value.kind());
        let Some(array) = element.and_then(|element| element.child_by_field_name("argument")) else {
            return;
        };
        if matches!(value, Some("char_literal" | "number_literal")) {
            let object = self.expr(array);
            let name = self.source.build.name("operator.filtered");
            let callee = self.source.build.expr(ExprKind::Attr { object, name }, span(array));
            let call = self.source.build.call(callee, &[], span(array));
            self.push(StmtKind::Expr(call), array, out);
        }
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
