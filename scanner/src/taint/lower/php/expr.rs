//! PHP's expressions to the one form.

use tree_sitter::Node;

use super::super::super::ir::{Arg, BinaryOp, ExprId, ExprKind, Span};
use super::super::{children, span};
use super::{Php, Walk, literal};

/// What the language provides everywhere, each part of it a value of its own.
const PROVIDED: [&str; 8] = [
    "$_GET",
    "$_POST",
    "$_REQUEST",
    "$_COOKIE",
    "$_SERVER",
    "$_FILES",
    "$_SESSION",
    "$_ENV",
];

impl Php<'_> {
    /// A call of a function of the language.
    pub(super) fn call_of(&mut self, name: &str, args: &[ExprId], at: Span) -> ExprId {
        let callee = self.source.build.name_expr(name, at);
        self.source.build.call(callee, args, at)
    }

    pub(super) fn expr_within(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let kind = match node.kind() {
            "variable_name" => return self.named(&self.source.text(node), at),
            "name" | "qualified_name" | "relative_name" => return self.constant_name(node),
            "relative_scope" => return self.scope(node),
            "string" | "encapsed_string" | "heredoc_body" | "nowdoc_body" => return self.string(node),
            "heredoc" | "nowdoc" => return self.field(node, "value"),
            "nowdoc_string" => return self.source.build.str_expr(&self.source.text(node), at),
            "integer" => literal::integer(&self.source.text(node)),
            "boolean" => ExprKind::Bool(self.source.text(node).eq_ignore_ascii_case("true")),
            "null" => ExprKind::Null,
            "float" => ExprKind::Unknown,
            "assignment_expression" | "reference_assignment_expression" | "augmented_assignment_expression" => {
                let (target, value, _) = self.assignment(node);
                ExprKind::Assign { target, value }
            }
            "binary_expression" => return self.binary(node),
            "unary_op_expression" => self.unary(node),
            "conditional_expression" => self.conditional(node),
            "cast_expression" => return self.cast(node),
            "array_creation_expression" => self.array(node),
            "list_literal" => self.list_target(node),
            "subscript_expression" => self.subscript(node),
            "member_access_expression" | "nullsafe_member_access_expression" => ExprKind::Attr {
                object: self.field(node, "object"),
                name: self.member_name(node),
            },
            "scoped_property_access_expression" => ExprKind::Attr {
                object: self.scope_field(node),
                name: self.member_name(node),
            },
            "class_constant_access_expression" => return self.class_constant(node),
            "function_call_expression" => return self.function_call(node),
            "member_call_expression" | "nullsafe_member_call_expression" | "scoped_call_expression" => {
                return self.member_call(node);
            }
            "object_creation_expression" => return self.creation(node),
            "anonymous_function" => ExprKind::Closure(self.function(node, None)),
            "arrow_function" => ExprKind::Closure(self.function(node, node.child_by_field_name("body"))),
            "match_expression" => return self.match_expr(node),
            "print_intrinsic" => return self.intrinsic("print", node),
            "throw_expression" => return self.intrinsic("throw", node),
            "include_expression" | "include_once_expression" => return self.intrinsic("include", node),
            "require_expression" | "require_once_expression" => return self.intrinsic("require", node),
            "shell_command_expression" => return self.shell_command(node),
            "sequence_expression" => ExprKind::Last(self.exprs(children(node))),
            "parenthesized_expression"
            | "error_suppression_expression"
            | "clone_expression"
            | "by_ref"
            | "argument"
            | "variadic_unpacking" => match self.first(node) {
                Some(inner) => return inner,
                None => ExprKind::Unknown,
            },
            _ => ExprKind::Of(self.exprs(children(node))),
        };
        self.source.build.expr(kind, at)
    }

    fn shell_command(&mut self, node: Node<'_>) -> ExprId {
        let command = self.string(node);
        self.call_of("shell_exec", &[command], span(node))
    }

    pub(super) fn named(&mut self, text: &str, at: Span) -> ExprId {
        self.source.build.name_expr(text, at)
    }

    fn intrinsic(&mut self, name: &str, node: Node<'_>) -> ExprId {
        let args = self.exprs(children(node));
        let name = if self.shows_text && name == "print" {
            "shown_text"
        } else {
            name
        };
        self.call_of(name, &args, span(node))
    }

    fn constant_name(&mut self, node: Node<'_>) -> ExprId {
        let text = self.path_text(node);
        let at = span(node);
        match (literal::constant(&text), text.as_str()) {
            (Some(kind), _) => self.source.build.expr(kind, at),
            (None, "DIRECTORY_SEPARATOR") => self.source.build.str_expr("/", at),
            (None, "PHP_EOL") => self.source.build.str_expr("\n", at),
            (None, text) => self.named(text, at),
        }
    }

    /// A class before `::`; `self` and `static` are the one whose body this is, `parent` what it extends.
    pub(super) fn scope(&mut self, node: Node<'_>) -> ExprId {
        let text = self.path_text(node);
        let path = match text.as_str() {
            "self" | "static" => "self".to_owned(),
            "parent" => self.base.clone().unwrap_or(text),
            _ => text,
        };
        self.named(&path, span(node))
    }

    pub(super) fn scope_field(&mut self, node: Node<'_>) -> ExprId {
        match node.child_by_field_name("scope").or_else(|| node.named_child(0)) {
            Some(scope) if is_name(scope) => self.scope(scope),
            Some(scope) => self.expr(scope),
            None => self.source.unknown(node),
        }
    }

    /// The name after `->` or `::`; of one that is a value nothing is known.
    pub(super) fn member_name(&mut self, node: Node<'_>) -> super::NameId {
        let name = node.child_by_field_name("name");
        let dynamic = node.kind() != "scoped_property_access_expression";
        let text = match name {
            Some(name) if name.kind() == "variable_name" && dynamic => "[]".to_owned(),
            Some(name) if matches!(name.kind(), "name" | "variable_name") => {
                self.source.text(name).trim_start_matches('$').to_owned()
            }
            _ => "[]".to_owned(),
        };
        self.source.build.name(&text)
    }

    /// `A::B`; `A::class` is `A`.
    fn class_constant(&mut self, node: Node<'_>) -> ExprId {
        let object = self.scope_field(node);
        let name = children(node)
            .get(1)
            .map(|name| self.source.text(*name).into_owned())
            .unwrap_or_default();
        if name == "class" {
            return object;
        }
        let name = self.source.build.name(&name);
        self.source.build.expr(ExprKind::Attr { object, name }, span(node))
    }

    /// Text and what is put into it.
    fn string(&mut self, node: Node<'_>) -> ExprId {
        let single = matches!(node.kind(), "string" | "nowdoc_body");
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut from = span(node);
        for child in children(node) {
            match child.kind() {
                "string_content" | "nowdoc_string" => text.push_str(&self.source.text(child)),
                "escape_sequence" if single => {
                    let escaped = self.source.text(child);
                    let plain = matches!(&*escaped, "\\\\" | "\\'");
                    text.push_str(if plain { &escaped[1..] } else { &escaped });
                }
                "escape_sequence" => text.push_str(&literal::escape(&self.source.text(child))),
                _ => {
                    if !text.is_empty() {
                        from.end = span(child).start.max(from.start);
                        parts.push(self.source.build.str_expr(&std::mem::take(&mut text), from));
                    }
                    parts.push(self.embedded(child));
                    from.start = span(child).end;
                }
            }
        }
        from.end = span(node).end;
        if parts.is_empty() {
            return self.source.build.str_expr(&text, span(node));
        }
        if !text.is_empty() {
            parts.push(self.source.build.str_expr(&text, from));
        }
        self.source.build.expr(ExprKind::Concat(parts), span(node))
    }

    /// A value within a text: in `"$a[k]"` the key is the word `k`.
    fn embedded(&mut self, node: Node<'_>) -> ExprId {
        let bare = node.prev_sibling().is_none_or(|before| before.kind() != "{");
        let parts = children(node);
        match (node.kind(), parts.as_slice()) {
            ("subscript_expression", [object, key]) if bare && key.kind() == "name" => {
                let object = self.expr(*object);
                let key = self.source.build.str_expr(&self.source.text(*key), span(*key));
                self.source.build.expr(ExprKind::Index { object, key }, span(node))
            }
            _ => self.expr(node),
        }
    }

    /// The target, the value, and whether it is added to what is there.
    pub(super) fn assignment(&mut self, node: Node<'_>) -> (ExprId, ExprId, bool) {
        let left = node.child_by_field_name("left");
        let operator = node
            .child_by_field_name("operator")
            .map_or("=", |operator| operator.kind());
        let target = match left {
            Some(left) if left.kind() == "array_creation_expression" => {
                let kind = self.list_target(left);
                self.source.build.expr(kind, span(left))
            }
            Some(left) => self.expr(left),
            None => self.source.unknown(node),
        };
        let value = self.field(node, "right");
        // Only of a variable by itself: what a longer target reads is not worked out twice.
        match left.filter(|left| operator == "??=" && left.kind() == "variable_name") {
            Some(left) => {
                let then = self.expr(left);
                let choice = ExprKind::Choice {
                    condition: None,
                    then,
                    otherwise: value,
                };
                (target, self.source.build.expr(choice, span(node)), false)
            }
            None => (target, value, matches!(operator, ".=" | "+=" | "??=")),
        }
    }

    fn binary(&mut self, node: Node<'_>) -> ExprId {
        let operator = node
            .child_by_field_name("operator")
            .map_or("", |operator| operator.kind());
        if operator == "." {
            return self.concat(node);
        }
        if matches!(operator, "===" | "==" | "!==" | "!=")
            && let Some(beginning) = self.beginning(node, operator)
        {
            return beginning;
        }
        let left = self.field(node, "left");
        let right = self.field(node, "right");
        let op = match operator {
            "==" | "===" => BinaryOp::Eq,
            "!=" | "!==" | "<>" => BinaryOp::Ne,
            "<" => BinaryOp::Lt,
            "<=" => BinaryOp::Le,
            ">" => BinaryOp::Gt,
            ">=" => BinaryOp::Ge,
            "&&" | "and" => BinaryOp::And,
            "||" | "or" => BinaryOp::Or,
            "+" => BinaryOp::Add,
            "-" => BinaryOp::Sub,
            "*" => BinaryOp::Mul,
            "/" => BinaryOp::Div,
            "%" => BinaryOp::Rem,
            "|" => BinaryOp::BitOr,
            "??" => {
                let choice = ExprKind::Choice {
                    condition: None,
                    then: left,
                    otherwise: right,
                };
                return self.source.build.expr(choice, span(node));
            }
            // What it says is a truth, and proves nothing.
            "instanceof" | "<=>" | "xor" => {
                return self.call_of("is_a", &[left, right], span(node));
            }
            _ => BinaryOp::Bits,
        };
        self.source.build.expr(ExprKind::Binary { op, left, right }, span(node))
    }

    /// `a . b . c`, which the grammar nests to the left as deep as it is long.
    fn concat(&mut self, node: Node<'_>) -> ExprId {
        let mut parts = Vec::new();
        let mut rest = Some(node);
        while let Some(whole) = rest {
            let joins = whole.kind() == "binary_expression"
                && whole
                    .child_by_field_name("operator")
                    .is_some_and(|operator| operator.kind() == ".");
            if !joins {
                parts.push(whole);
                break;
            }
            parts.extend(whole.child_by_field_name("right"));
            rest = whole.child_by_field_name("left");
        }
        parts.reverse();
        let parts = self.exprs(parts);
        self.source.build.expr(ExprKind::Concat(parts), span(node))
    }

    fn unary(&mut self, node: Node<'_>) -> ExprKind {
        let operator = node
            .child_by_field_name("operator")
            .map_or("", |operator| operator.kind());
        let inner = self.field(node, "argument");
        match (operator, self.source.build.kind(inner)) {
            ("!", _) => ExprKind::Not(inner),
            ("-", ExprKind::Int(number)) => ExprKind::Int(-number),
            _ => ExprKind::Of(vec![inner]),
        }
    }

    fn conditional(&mut self, node: Node<'_>) -> ExprKind {
        let condition = self.field(node, "condition");
        let then = node.child_by_field_name("body").map(|then| self.expr(then));
        let otherwise = self.field(node, "alternative");
        match then {
            Some(then) => ExprKind::Choice {
                condition: Some(condition),
                then,
                otherwise,
            },
            None => ExprKind::Choice {
                condition: None,
                then: condition,
                otherwise,
            },
        }
    }

    fn cast(&mut self, node: Node<'_>) -> ExprId {
        let value = self.field(node, "value");
        let ty = node
            .child_by_field_name("type")
            .map(|ty| self.source.text(ty).to_ascii_lowercase());
        let name = match ty.as_deref() {
            Some("int" | "integer") => "intval",
            Some("float" | "double" | "real") => "floatval",
            Some("bool" | "boolean") => "boolval",
            Some("string") => "strval",
            _ => return value,
        };
        self.call_of(name, &[value], span(node))
    }

    fn array(&mut self, node: Node<'_>) -> ExprKind {
        let elements: Vec<Vec<Node<'_>>> = children(node).into_iter().map(children).collect();
        let is_list = elements.iter().all(|parts| parts.len() == 1);
        let spreads = |parts: &[Node<'_>]| parts.first().is_some_and(|part| part.kind() == "variadic_unpacking");
        if is_list && !elements.iter().any(|parts| spreads(parts)) {
            return ExprKind::List(self.exprs(elements.concat()));
        }
        let mut entries = Vec::new();
        let mut next = 0;
        for parts in elements {
            entries.push(match parts.as_slice() {
                [key, value] => {
                    let key = self.expr(*key);
                    (Some(key), self.expr(*value))
                }
                [spread] if spread.kind() == "variadic_unpacking" => (None, self.expr(*spread)),
                [value] => {
                    let key = self.source.build.expr(ExprKind::Int(next), span(*value));
                    next += 1;
                    (Some(key), self.expr(*value))
                }
                _ => continue,
            });
        }
        ExprKind::Map(entries)
    }

    /// `[$a, , 'k' => $b] = …`: what takes a value apart.
    fn list_target(&mut self, node: Node<'_>) -> ExprKind {
        let mut cursor = node.walk();
        let mut entries: Vec<(Option<Node<'_>>, Option<Node<'_>>)> = vec![(None, None)];
        for child in node.children(&mut cursor) {
            let Some(entry) = entries.last_mut() else { continue };
            match child.kind() {
                "=>" => entry.0 = entry.1.take(),
                "," => entries.push((None, None)),
                "array_element_initializer" => match children(child).as_slice() {
                    [key, value] => *entry = (Some(*key), Some(*value)),
                    [value] => entry.1 = Some(*value),
                    _ => {}
                },
                _ if child.is_named() => entry.1 = Some(child),
                _ => {}
            }
        }
        if entries.iter().any(|(key, _)| key.is_some()) {
            let keyed = entries.into_iter().filter_map(|(key, value)| Some((key, value?)));
            let keyed: Vec<_> = keyed.collect();
            return ExprKind::Map(
                keyed
                    .into_iter()
                    .map(|(key, value)| (key.map(|key| self.expr(key)), self.target(value)))
                    .collect(),
            );
        }
        let parts = entries.into_iter().map(|(_, value)| match value {
            Some(value) => self.target(value),
            None => self.source.unknown(node),
        });
        ExprKind::List(parts.collect())
    }

    fn target(&mut self, node: Node<'_>) -> ExprId {
        if node.kind() == "array_creation_expression" && self.source.depth < super::super::MAX_DEPTH {
            self.source.depth += 1;
            let kind = self.list_target(node);
            self.source.depth -= 1;
            return self.source.build.expr(kind, span(node));
        }
        self.expr(node)
    }

    /// A part of what the language itself provides (`$_GET['x']`) is a variable of its own, called `$_GET.x`; what a
    /// request's headers say (`$_SERVER['HTTP_X']`) is one called `$_SERVER.HTTP.X`.
    fn subscript(&mut self, node: Node<'_>) -> ExprKind {
        let parts = children(node);
        let Some(object) = parts.first().copied() else {
            return ExprKind::Unknown;
        };
        let text = self.source.text(object).into_owned();
        let Some(key) = parts.get(1).copied() else {
            let object = self.expr(object);
            let key = self.source.unknown(node);
            return ExprKind::Index { object, key };
        };
        let written = self.source.text(key).into_owned();
        let plain = written.trim_matches(['"', '\'']);
        let is_word = key.kind().ends_with("string") && !plain.contains(['$', '\\', '{']);
        if is_word && PROVIDED.contains(&text.as_str()) {
            let part = plain
                .strip_prefix("HTTP_")
                .map_or_else(|| plain.to_owned(), |header| format!("HTTP.{header}"));
            return ExprKind::Name(self.source.build.name(&format!("{text}.{part}")));
        }
        let object = self.expr(object);
        if is_word && plain == "tmp_name" {
            // The server chose its name, whoever sent what is in it.
            let callee = self.named("uploaded_file", span(node));
            let (name, spread) = (None, false);
            let value = object;
            let args = vec![Arg { name, value, spread }];
            return ExprKind::Call {
                callee,
                args,
                new: false,
            };
        }
        let key = self.expr(key);
        ExprKind::Index { object, key }
    }
}

pub(super) fn is_name(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        "name" | "qualified_name" | "relative_name" | "relative_scope"
    )
}
