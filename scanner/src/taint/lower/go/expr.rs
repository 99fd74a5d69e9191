//! Go's expressions.

use std::collections::HashMap;

use super::super::{binary_op, summands};
use super::{BinaryOp, ExprId, ExprKind, Function, Go, Node, Walk, children, literal, span};

/// Calls that give a number by chance.
const CHANCES: [&str; 8] = ["Intn", "IntN", "Int31n", "Int63n", "Int", "N", "Int64N", "Uint32"];
/// Parts of a sum that are added one by one.
const MAX_SUM: usize = 32;

impl Go<'_> {
    pub(super) fn expr_within(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let kind = match node.kind() {
            "identifier" | "package_identifier" | "type_identifier" | "field_identifier" | "blank_identifier" => {
                return self.identifier(node);
            }
            "interpreted_string_literal" | "raw_string_literal" | "rune_literal" => return self.string(node),
            "int_literal" => literal::integer(&self.source.text(node)),
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "nil" => ExprKind::Null,
            "float_literal" | "imaginary_literal" | "iota" => ExprKind::Unknown,
            "selector_expression" => return self.attribute(node, "operand", "field"),
            "qualified_type" => return self.attribute(node, "package", "name"),
            "index_expression" => return self.element(node),
            // A part of it is still it.
            "slice_expression" | "type_assertion_expression" | "type_conversion_expression" => {
                ExprKind::Of(vec![self.field(node, "operand")])
            }
            "call_expression" => return self.call(node),
            "composite_literal" => return self.composite(node),
            "literal_value" => return self.untyped(node),
            "literal_element" | "parenthesized_expression" => {
                return self.first(node).unwrap_or_else(|| self.source.unknown(node));
            }
            "binary_expression" => return self.binary(node),
            "unary_expression" => self.unary(node),
            "func_literal" => self.closure(node),
            "variadic_argument" | "expression_list" | "receive_statement" => return self.parts(node),
            kind if kind.ends_with("_type") => ExprKind::Unknown,
            _ => return self.parts(node),
        };
        self.source.build.expr(kind, at)
    }

    /// `list[key]`; a part that chance chooses is as good as the chance.
    fn element(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let object = self.field(node, "operand");
        let key = self.field(node, "index");
        let part = self.source.build.expr(ExprKind::Index { object, key }, at);
        let index = node
            .child_by_field_name("index")
            .filter(|index| index.kind() == "call_expression");
        let name = index.and_then(|index| index.child_by_field_name("function"));
        let name = name.and_then(|name| name.child_by_field_name("field"));
        let chance = name.is_some_and(|name| CHANCES.contains(&&*self.source.text(name)));
        match index.filter(|_| chance) {
            Some(index) => {
                let again = self.expr(index);
                self.source.build.expr(ExprKind::Of(vec![part, again]), at)
            }
            None => part,
        }
    }

    pub(super) fn parts(&mut self, node: Node<'_>) -> ExprId {
        let parts = self.exprs(children(node));
        self.source.build.expr(ExprKind::Of(parts), span(node))
    }

    fn identifier(&mut self, node: Node<'_>) -> ExprId {
        let text = self.source.text(node).into_owned();
        let name = if self.is_receiver(&text) { "this" } else { &text };
        self.source.build.name_expr(name, span(node))
    }

    fn attribute(&mut self, node: Node<'_>, object: &str, name: &str) -> ExprId {
        let object = self.field(node, object);
        let name = node
            .child_by_field_name(name)
            .map(|name| self.source.text(name).into_owned());
        let name = self.source.build.name(name.as_deref().unwrap_or_default());
        self.source.build.expr(ExprKind::Attr { object, name }, span(node))
    }

    fn string(&mut self, node: Node<'_>) -> ExprId {
        let mut text = String::new();
        if node.kind() == "rune_literal" {
            let inner = self.source.text(node);
            let inner = inner
                .strip_prefix('\'')
                .and_then(|inner| inner.strip_suffix('\''))
                .unwrap_or_default();
            text = if inner.starts_with('\\') {
                literal::escape(inner)
            } else {
                inner.to_owned()
            };
        }
        for child in children(node) {
            match child.kind() {
                "escape_sequence" if node.kind() != "rune_literal" => {
                    text.push_str(&literal::escape(&self.source.text(child)));
                }
                kind if kind.ends_with("_content") => text.push_str(&self.source.text(child)),
                _ => {}
            }
        }
        self.source.build.str_expr(&text, span(node))
    }

    fn operator<'t>(node: Node<'t>) -> &'t str {
        node.child_by_field_name("operator").map_or("", |op| op.kind())
    }

    fn binary(&mut self, node: Node<'_>) -> ExprId {
        let op = match Self::operator(node) {
            "+" => return self.sum(node),
            "&&" | "||" => return self.condition(node),
            other => binary_op(other),
        };
        let said = match op {
            BinaryOp::Eq | BinaryOp::Ne => self.compared_credential(node),
            _ => None,
        };
        let left = self.field(node, "left");
        let right = self.field(node, "right");
        let whole = self.source.build.expr(ExprKind::Binary { op, left, right }, span(node));
        self.beside(said.into_iter().collect(), whole, node)
    }

    /// `a + b + …`: a text if any part is written as one.
    fn sum(&mut self, node: Node<'_>) -> ExprId {
        let parts = summands(node, |part| {
            part.kind() == "binary_expression" && Self::operator(part) == "+"
        });
        let text = parts.len() > MAX_SUM || parts.iter().any(|part| part.kind().ends_with("string_literal"));
        let parts = self.exprs(parts);
        if text {
            return self.source.build.expr(ExprKind::Concat(parts), span(node));
        }
        let mut parts = parts.into_iter();
        let first = parts.next().unwrap_or_else(|| self.source.unknown(node));
        let op = BinaryOp::Add;
        parts.fold(first, |left, right| {
            self.source.build.expr(ExprKind::Binary { op, left, right }, span(node))
        })
    }

    fn unary(&mut self, node: Node<'_>) -> ExprKind {
        if Self::operator(node) == "!" {
            let operand = node.child_by_field_name("operand");
            let inner = operand.map(|operand| self.condition(operand));
            return ExprKind::Not(inner.unwrap_or_else(|| self.source.unknown(node)));
        }
        let operand = self.field(node, "operand");
        match (Self::operator(node), self.source.build.kind(operand)) {
            ("-", &ExprKind::Int(value)) => ExprKind::Int(value.wrapping_neg()),
            _ => ExprKind::Of(vec![operand]),
        }
    }

    /// A truth: `allowed[key]` as one says that the key is among those allowed.
    pub(super) fn condition(&mut self, node: Node<'_>) -> ExprId {
        if self.source.depth == super::super::MAX_DEPTH {
            self.source.cut = true;
            return self.source.unknown(node);
        }
        self.source.depth += 1;
        let condition = match (node.kind(), Self::operator(node)) {
            ("index_expression", _) => self.is_in(node),
            ("parenthesized_expression", _) => match node.named_child(0) {
                Some(inner) => self.condition(inner),
                None => self.source.unknown(node),
            },
            ("binary_expression", op @ ("&&" | "||")) => {
                let op = if op == "&&" { BinaryOp::And } else { BinaryOp::Or };
                let sides = [node.child_by_field_name("left"), node.child_by_field_name("right")];
                let [left, right] = sides.map(|side| match side {
                    Some(side) => self.condition(side),
                    None => self.source.unknown(node),
                });
                self.source.build.expr(ExprKind::Binary { op, left, right }, span(node))
            }
            _ => self.expr(node),
        };
        self.source.depth -= 1;
        condition
    }

    /// `table[key]`: whether the key is in the table.
    pub(super) fn is_in(&mut self, node: Node<'_>) -> ExprId {
        let left = self.field(node, "index");
        let right = self.field(node, "operand");
        let op = BinaryOp::In;
        self.source.build.expr(ExprKind::Binary { op, left, right }, span(node))
    }

    fn closure(&mut self, node: Node<'_>) -> ExprKind {
        self.scopes.push(HashMap::new());
        let params = self.params(node.child_by_field_name("parameters"));
        let body = self.block(node.child_by_field_name("body"));
        self.scopes.pop();
        let name = self.source.build.name("");
        let class = self.class;
        ExprKind::Closure(self.source.build.function(Function {
            name,
            class,
            params,
            marks: Vec::new(),
            body,
            span: span(node),
        }))
    }

    /// `T{a: x}` makes a `T` of named parts; of lists and maps the parts count.
    fn composite(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let Some(body) = node.child_by_field_name("body") else {
            return self.source.unknown(node);
        };
        let ty = node.child_by_field_name("type");
        let structure = ty.filter(|ty| matches!(ty.kind(), "type_identifier" | "qualified_type"));
        let names = |child: &Node<'_>| {
            let key = child.child_by_field_name("key").and_then(|key| key.named_child(0));
            key.is_some_and(|key| key.kind() == "identifier")
        };
        let keyed = children(body).iter().all(names);
        let Some(ty) = structure.filter(|_| keyed) else {
            let said = ty.map(|ty| self.source.text(ty).into_owned()).unwrap_or_default();
            return self.untyped_of(&said, body);
        };
        let callee = self.expr(ty);
        let mut args = Vec::new();
        for (key, value) in self.named_entries(body) {
            args.push(super::Arg {
                name: Some(self.source.build.name(&key)),
                value,
                spread: false,
            });
        }
        self.source.build.expr(
            ExprKind::Call {
                callee,
                args,
                new: true,
            },
            at,
        )
    }

    fn named_entries(&mut self, body: Node<'_>) -> Vec<(String, ExprId)> {
        let mut entries = Vec::new();
        for child in children(body) {
            let Some(key) = child.child_by_field_name("key") else {
                continue;
            };
            let key = self.source.text(key).into_owned();
            let mut said = Vec::new();
            if let Some(given) = child.child_by_field_name("value") {
                said.extend(self.written_credential(&key, given));
                said.extend(self.suites(&key, given));
            }
            let value = self.field(child, "value");
            let value = self.beside(said, value, child);
            entries.push((key, value));
        }
        entries
    }

    /// A list or map of such a type.
    fn untyped_of(&mut self, ty: &str, body: Node<'_>) -> ExprId {
        let mut said = Vec::new();
        for child in children(body)
            .into_iter()
            .filter(|child| child.kind() == "keyed_element")
        {
            if let Some(value) = child.child_by_field_name("value") {
                said.extend(self.loose_value(ty, value));
            }
        }
        let value = self.untyped(body);
        self.beside(said, value, body)
    }

    /// A list, or a map by what its keys are.
    fn untyped(&mut self, body: Node<'_>) -> ExprId {
        let keyed = children(body).iter().any(|child| child.kind() == "keyed_element");
        let kind = match keyed {
            true => ExprKind::Map(self.entries(body)),
            false => ExprKind::List(self.exprs(children(body))),
        };
        self.source.build.expr(kind, span(body))
    }

    /// The entries of a literal; a bare name is that of a field.
    pub(super) fn entries(&mut self, body: Node<'_>) -> Vec<(Option<ExprId>, ExprId)> {
        let mut entries = Vec::new();
        for child in children(body) {
            if child.kind() != "keyed_element" {
                entries.push((None, self.expr(child)));
                continue;
            }
            let key = child.child_by_field_name("key").map(|key| {
                let inner = key.named_child(0).unwrap_or(key);
                let name = self.source.text(inner).into_owned();
                let field = inner.kind() == "identifier" && name.starts_with(char::is_uppercase);
                if field {
                    self.source.build.str_expr(&name, span(inner))
                } else {
                    self.expr(inner)
                }
            });
            entries.push((key, self.field(child, "value")));
        }
        entries
    }
}
