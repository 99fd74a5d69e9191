//! Rust's expressions.

use super::super::{binary_op, summands};
use super::control::Tail;
use super::memory::KEYWORD;
use super::{Arg, BinaryOp, ExprId, ExprKind, Function, Node, Rust, StmtKind, Walk, children, literal, span};

/// Parts of a sum that are added one by one.
const MAX_SUM: usize = 32;
/// Elements of an array of one number all along that are told one by one.
const MAX_SAME: usize = 64;

impl Rust<'_> {
    pub(super) fn expr_within(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let kind = match node.kind() {
            "identifier"
            | "type_identifier"
            | "self"
            | "super"
            | "crate"
            | "metavariable"
            | "shorthand_field_identifier" => return self.identifier(node),
            "scoped_identifier" | "scoped_type_identifier" => {
                let path = self.source.text(node).into_owned();
                return self.path(&path, node);
            }
            "generic_function" => return self.field(node, "function"),
            "string_literal" | "raw_string_literal" | "char_literal" => return self.string(node),
            "integer_literal" => literal::integer(&self.source.text(node)),
            "boolean_literal" => ExprKind::Bool(self.source.text(node) == "true"),
            "unit_expression" => ExprKind::Bool(true),
            "field_expression" => return self.field_value(node),
            "index_expression" => return self.element(node),
            "call_expression" => return self.call(node),
            "macro_invocation" => return self.tokens_of(node),
            "token_tree" => return self.token_tree(node),
            "reference_expression" => return self.reference(node),
            "unary_expression" => return self.unary(node),
            "binary_expression" => return self.binary(node),
            // What only passes a value on is not there.
            "try_expression" | "await_expression" | "parenthesized_expression" | "base_field_initializer" => {
                return self.first(node).unwrap_or_else(|| self.source.unknown(node));
            }
            "type_cast_expression" => return self.cast(node),
            "tuple_expression" => match self.answered(node) {
                Some(answer) => return answer,
                None => ExprKind::List(self.values(node)),
            },
            "array_expression" => return self.array(node),
            "struct_expression" => return self.structure_value(node),
            "closure_expression" => return self.closure(node),
            "async_block" | "gen_block" => return self.deferred(node),
            "block"
            | "unsafe_block"
            | "const_block"
            | "try_block"
            | "if_expression"
            | "match_expression"
            | "loop_expression"
            | "while_expression"
            | "for_expression"
            | "return_expression"
            | "break_expression"
            | "continue_expression" => return self.as_value(node),
            "assignment_expression" | "compound_assignment_expr" => return self.as_value(node),
            "let_condition" | "let_chain" => return self.condition(node),
            "attribute_item" | "float_literal" | "label" | "lifetime" => ExprKind::Unknown,
            kind if kind.ends_with("_type") || kind.ends_with("_pattern") => ExprKind::Unknown,
            _ => ExprKind::Of(self.exprs(children(node))),
        };
        self.source.build.expr(kind, at)
    }

    fn reference(&mut self, node: Node<'_>) -> ExprId {
        let value = self.field(node, "value");
        self.rewritten(node);
        if self.is_made_exclusive(node) {
            return self.granted("mutable", value, node);
        }
        match self.is_overlaid(node) {
            true => self.granted("overlaid", value, node),
            false => value,
        }
    }

    /// `&mut x` of an array of one number: whoever is given it writes another one there.
    fn rewritten(&mut self, node: Node<'_>) {
        let exclusive = children(node).iter().any(|child| child.kind() == "mutable_specifier");
        let name = node
            .child_by_field_name("value")
            .filter(|value| exclusive && value.kind() == "identifier");
        let name = name.map(|name| self.source.text(name).into_owned());
        let Some(name) = name.filter(|name| self.arrays.contains(name)) else {
            return;
        };
        let at = span(node);
        let before = self.source.build.name_expr(&name, at);
        let unknown = self.source.unknown(node);
        let value = self.source.build.expr(ExprKind::Of(vec![before, unknown]), at);
        let target = self.source.build.name_expr(&name, at);
        let (append, ty) = (false, None);
        let kind = StmtKind::Assign {
            target,
            value,
            append,
            ty,
        };
        let stmt = self.source.build.stmt(kind, at);
        self.before.push(stmt);
    }

    fn identifier(&mut self, node: Node<'_>) -> ExprId {
        let text = self.source.text(node).into_owned();
        let at = span(node);
        match (&*text, self.class.clone()) {
            ("None", _) => self.source.build.expr(ExprKind::Null, at),
            ("Self", Some(class)) => self.source.build.name_expr(&class, at),
            _ => self.source.build.name_expr(&text, at),
        }
    }

    /// `a::b::c` as `a.b.c`.
    pub(super) fn path(&mut self, path: &str, node: Node<'_>) -> ExprId {
        let at = span(node);
        let known = self.unaliased(path);
        let path = known.as_deref().unwrap_or(path);
        let mut bare = String::new();
        let mut depth = 0_u32;
        // Type arguments are no names: `Vec::<u8>::new`, `<T as U>::f`.
        for c in path.chars() {
            depth += u32::from(c == '<');
            if depth == 0 {
                bare.push(c);
            }
            depth = depth.saturating_sub(u32::from(c == '>'));
        }
        let dotted = self.dotted(&bare);
        let mut parts = dotted
            .split('.')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .take(16);
        let first = parts.next().unwrap_or("_");
        let first = match (first, &self.class) {
            ("Self", Some(class)) => class.clone(),
            (first, _) => first.to_owned(),
        };
        let mut whole = self.source.build.name_expr(&first, at);
        for part in parts {
            let name = self.source.build.name(part);
            whole = self.source.build.expr(ExprKind::Attr { object: whole, name }, at);
        }
        whole
    }

    pub(super) fn string(&mut self, node: Node<'_>) -> ExprId {
        let text = self.string_text(node);
        self.source.build.str_expr(&text, span(node))
    }

    /// The text of a literal, unescaped.
    pub(super) fn string_text(&self, node: Node<'_>) -> String {
        if node.kind() == "char_literal" {
            let written = self.source.text(node);
            let inner = written.trim_start_matches('b').trim_matches('\'');
            return literal::unescaped(inner);
        }
        let mut text = String::new();
        for child in children(node) {
            match child.kind() {
                "escape_sequence" => text.push_str(&literal::escape(&self.source.text(child))),
                "string_content" => text.push_str(&self.source.text(child)),
                _ => {}
            }
        }
        text
    }

    /// `x.f` as it is written.
    pub(super) fn attribute(&mut self, node: Node<'_>) -> ExprId {
        let object = self.field(node, "value");
        let name = node
            .child_by_field_name("field")
            .map(|name| self.source.text(name).into_owned());
        let name = self.source.build.name(name.as_deref().unwrap_or_default());
        self.source.build.expr(ExprKind::Attr { object, name }, span(node))
    }

    /// `x.f`: what every structure of the file says is a number is one.
    fn field_value(&mut self, node: Node<'_>) -> ExprId {
        let attribute = self.attribute(node);
        let name = node.child_by_field_name("field");
        match name.is_some_and(|name| self.is_number_field(&self.source.text(name))) {
            true => self.as_number(attribute, node),
            false => attribute,
        }
    }

    /// `x[k]`; a part of a text or list is still it.
    fn element(&mut self, node: Node<'_>) -> ExprId {
        let parts = children(node);
        let [object, key] = parts.as_slice() else {
            return self.parts(node);
        };
        let (ranged, object) = (key.kind() == "range_expression", self.expr(*object));
        let key = self.expr(*key);
        let kind = match ranged {
            true => ExprKind::Last(vec![key, object]),
            false => ExprKind::Index { object, key },
        };
        self.source.build.expr(kind, span(node))
    }

    pub(super) fn parts(&mut self, node: Node<'_>) -> ExprId {
        let parts = self.exprs(children(node));
        self.source.build.expr(ExprKind::Of(parts), span(node))
    }

    /// The values in a list, attributes left out.
    pub(super) fn values(&mut self, node: Node<'_>) -> Vec<ExprId> {
        let values = children(node)
            .into_iter()
            .filter(|child| child.kind() != "attribute_item");
        self.exprs(values.collect())
    }

    fn unary(&mut self, node: Node<'_>) -> ExprId {
        let operator = node.child(0).map_or("", |operator| operator.kind());
        let Some(inner) = self.first(node) else {
            return self.source.unknown(node);
        };
        let kind = match (operator, self.source.build.kind(inner)) {
            ("!", _) => ExprKind::Not(inner),
            ("-", &ExprKind::Int(value)) => ExprKind::Int(value.wrapping_neg()),
            // `*x` is `x`, of a pointer that is looked through as such.
            ("*", ExprKind::Name(_)) if self.is_unsafe(node) => {
                // The call is named by the word before such a block, which every file that has one holds.
                return self.call_of("as", KEYWORD, &[inner], node);
            }
            _ => return inner,
        };
        self.source.build.expr(kind, span(node))
    }

    /// Whether something is done right in an unsafe block.
    fn is_unsafe(&self, node: Node<'_>) -> bool {
        let mut around = node.parent();
        for _ in 0..6 {
            match around.map(|node| node.kind()) {
                Some("unsafe_block") => return true,
                Some("function_item" | "closure_expression" | "arguments") | None => return false,
                _ => around = around.and_then(|node| node.parent()),
            }
        }
        false
    }

    fn binary(&mut self, node: Node<'_>) -> ExprId {
        let operator = node.child_by_field_name("operator").map_or("", |op| op.kind());
        if operator == "+" {
            return self.sum(node);
        }
        let (op, left) = (self::operator(operator), self.field(node, "left"));
        let right = self.field(node, "right");
        let whole = self.source.build.expr(ExprKind::Binary { op, left, right }, span(node));
        match op {
            BinaryOp::Eq | BinaryOp::Ne => self.compared_credential(node, whole),
            _ => whole,
        }
    }

    /// `a + &b + …`: a text if any part is one.
    fn sum(&mut self, node: Node<'_>) -> ExprId {
        let plus = |part: Node<'_>| part.child_by_field_name("operator").is_some_and(|op| op.kind() == "+");
        let parts = summands(node, |part| part.kind() == "binary_expression" && plus(part));
        let text = parts.len() > MAX_SUM || parts.iter().any(|part| self.is_text(*part));
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

    /// Whether what is added is written as a text: to a text only a reference is added.
    pub(super) fn is_text(&self, node: Node<'_>) -> bool {
        match node.kind() {
            "string_literal" | "raw_string_literal" | "reference_expression" => true,
            "call_expression" => {
                let text = self.source.text(node);
                [
                    ".to_string()",
                    ".to_owned()",
                    ".as_str()",
                    ".join(\"",
                    ".to_lowercase()",
                    ".trim()",
                ]
                .iter()
                .any(|end| text.ends_with(end))
                    || text.starts_with("format!")
            }
            _ => false,
        }
    }

    /// `x as T`: a number of that size, or where something is.
    fn cast(&mut self, node: Node<'_>) -> ExprId {
        let value = self.field(node, "value");
        let ty = node.child_by_field_name("type");
        let text = ty.map(|ty| self.source.text(ty).into_owned()).unwrap_or_default();
        match ty.map(|ty| ty.kind()) {
            Some("pointer_type") => self.call_of("as", "pointer", &[value], node),
            Some("primitive_type") => self.call_of("as", &text, &[value], node),
            _ => value,
        }
    }

    /// `[a, b]`, `[a; n]`, and the same as a vector.
    fn array(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let vector = node
            .start_byte()
            .checked_sub(1)
            .and_then(|before| self.source.bytes.get(before))
            == Some(&b'!');
        let length = node.child_by_field_name("length");
        let Some(length) = length else {
            let parts = self.values(node);
            return self.source.build.expr(ExprKind::List(parts), at);
        };
        let element = self.first(node).unwrap_or_else(|| self.source.unknown(node));
        let length = self.expr(length);
        if vector {
            let callee = self.source.build.name_expr("vec!", at);
            return self.source.build.call(callee, &[element, length], at);
        }
        let written = |kind: &ExprKind| match kind {
            ExprKind::Int(count) => usize::try_from(*count).ok(),
            _ => None,
        };
        let count = written(self.source.build.kind(length)).filter(|count| (8..=MAX_SAME).contains(count));
        match (count, self.source.build.kind(element)) {
            // A key or nonce of one byte all along.
            (Some(count), &ExprKind::Int(number)) => {
                let same = (0..count).map(|_| self.source.build.expr(ExprKind::Int(number), at));
                let same = same.collect();
                self.source.build.expr(ExprKind::List(same), at)
            }
            _ => self.source.build.expr(ExprKind::Last(vec![length, element]), at),
        }
    }

    /// `T { a: x, ..y }` makes a `T` of named parts.
    fn structure_value(&mut self, node: Node<'_>) -> ExprId {
        let callee = match node.child_by_field_name("name") {
            Some(name) => {
                let path = self.source.text(name).into_owned();
                self.path(&path, name)
            }
            None => self.source.unknown(node),
        };
        let mut args = Vec::new();
        for field in node.child_by_field_name("body").map(children).unwrap_or_default() {
            let (name, value) = match field.kind() {
                "field_initializer" => (field.child_by_field_name("field"), self.initial(field)),
                "shorthand_field_initializer" => {
                    let name = children(field).into_iter().find(|child| child.kind() == "identifier");
                    let Some(name) = name else { continue };
                    (Some(name), self.expr(name))
                }
                "base_field_initializer" => (None, self.expr(field)),
                _ => continue,
            };
            let name = name.map(|name| self.source.text(name).into_owned());
            args.push(Arg {
                name: name.map(|name| self.source.build.name(&name)),
                value,
                spread: field.kind() == "base_field_initializer",
            });
        }
        let new = true;
        self.source.build.expr(ExprKind::Call { callee, args, new }, span(node))
    }

    fn initial(&mut self, field: Node<'_>) -> ExprId {
        let value = self.field(field, "value");
        let parts = (field.child_by_field_name("field"), field.child_by_field_name("value"));
        let (Some(name), Some(given)) = parts else { return value };
        let name = self.source.text(name).into_owned();
        self.given_credential(&name, given, value)
    }

    pub(super) fn closure(&mut self, node: Node<'_>) -> ExprId {
        let (params, numbers) = self.params(node.child_by_field_name("parameters"));
        self.function_value(node, node.child_by_field_name("body"), params, numbers)
    }

    /// A block that is done by somebody else: what it returns from is itself.
    fn deferred(&mut self, node: Node<'_>) -> ExprId {
        let body = children(node).into_iter().find(|child| child.kind() == "block");
        self.function_value(node, body, Vec::new(), Vec::new())
    }

    fn function_value(
        &mut self,
        node: Node<'_>,
        body: Option<Node<'_>>,
        params: Vec<super::Param>,
        first: Vec<super::StmtId>,
    ) -> ExprId {
        self.commands.push(std::collections::HashMap::new());
        let loops = std::mem::take(&mut self.loops);
        let inner = self.block(body, &Tail::Returned);
        self.loops = loops;
        self.commands.pop();
        let body = match first.is_empty() {
            true => inner,
            false => {
                let mut stmts = first;
                stmts.push(self.source.build.stmt(StmtKind::Block(inner), span(node)));
                self.source.build.block(stmts)
            }
        };
        let name = self.source.build.name("");
        let class = self.class.clone().map(|class| self.source.build.name(&class));
        let function = self.source.build.function(Function {
            name,
            class,
            params,
            marks: Vec::new(),
            body,
            span: span(node),
        });
        self.source.build.expr(ExprKind::Closure(function), span(node))
    }
}

/// An operator with two sides, as it is written.
pub(super) fn operator(written: &str) -> BinaryOp {
    match written {
        "|" => BinaryOp::BitOr,
        other => binary_op(other),
    }
}
