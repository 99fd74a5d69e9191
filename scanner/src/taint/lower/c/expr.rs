//! C's and C++'s expressions to the one form.

use tree_sitter::Node;

use super::super::super::ir::{Arg, BinaryOp, ExprId, ExprKind, Function, Param, Span};
use super::super::{children, span};
use super::{C, Dialect, Walk};

/// A number that fits; else what it is is not known.
pub(super) fn number(text: &str) -> ExprKind {
    let text = text.replace('\'', "").to_ascii_lowercase();
    let digits = text.trim_end_matches(['u', 'l', 'z']);
    let parsed = match digits.get(..2) {
        Some("0x") => i64::from_str_radix(&digits[2..], 16),
        Some("0b") => i64::from_str_radix(&digits[2..], 2),
        _ if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8),
        _ => digits.parse(),
    };
    parsed.map_or(ExprKind::Unknown, ExprKind::Int)
}

impl C<'_> {
    fn call_of(&mut self, name: &str, args: &[ExprId], at: Span) -> ExprId {
        let callee = self.source.build.name_expr(name, at);
        self.source.build.call(callee, args, at)
    }

    pub(super) fn expr_within(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let kind = match node.kind() {
            "identifier" | "field_identifier" | "type_identifier" | "this" => {
                let text = self.source.text(node).into_owned();
                return self.source.build.name_expr(&text, at);
            }
            "qualified_identifier" | "template_function" | "template_type" => {
                let path = self.path_text(node);
                return self.path(&path, node);
            }
            "string_literal" | "concatenated_string" | "raw_string_literal" | "char_literal" => {
                let mut text = String::new();
                self.text_of(node, &mut text);
                return self.source.build.str_expr(&text, at);
            }
            "number_literal" => number(&self.source.text(node)),
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "null" | "nullptr" => ExprKind::Null,
            "sizeof_expression" | "alignof_expression" | "offsetof_expression" => ExprKind::Unknown,
            "assignment_expression" => {
                let (target, value, _) = self.assignment(node);
                ExprKind::Assign { target, value }
            }
            "binary_expression" => return self.binary(node),
            "unary_expression" => return self.unary(node),
            "pointer_expression" => self.pointer(node),
            "update_expression" => return self.update(node),
            "field_expression" => self.member(node),
            "subscript_expression" => self.subscript(node),
            "call_expression" => return self.call(node),
            "conditional_expression" => ExprKind::Choice {
                condition: Some(self.field(node, "condition")),
                then: self.field(node, "consequence"),
                otherwise: self.field(node, "alternative"),
            },
            "comma_expression" => ExprKind::Last(self.exprs(children(node))),
            "initializer_list" => self.list(node),
            "new_expression" => self.creation(node),
            "delete_expression" => return self.deletion(node),
            "lambda_expression" => self.lambda(node),
            "cast_expression" => ExprKind::Of(vec![self.field(node, "value")]),
            "compound_literal_expression" => return self.field(node, "value"),
            "type_descriptor" | "sized_type_specifier" | "primitive_type" => ExprKind::Unknown,
            "parenthesized_expression" | "condition_clause" => match self.first(node) {
                Some(inner) => return inner,
                None => ExprKind::Unknown,
            },
            _ => ExprKind::Of(self.exprs(children(node))),
        };
        self.source.build.expr(kind, at)
    }

    /// `&a` is `a`, and `*a` a part of it.
    fn pointer(&mut self, node: Node<'_>) -> ExprKind {
        let object = self.field(node, "argument");
        let operator = node.child_by_field_name("operator");
        if operator.is_some_and(|operator| operator.kind() == "&") {
            return ExprKind::Of(vec![object]);
        }
        let key = self.source.unknown(node);
        ExprKind::Index { object, key }
    }

    fn update(&mut self, node: Node<'_>) -> ExprId {
        let inner = self.field(node, "argument");
        let value = self.call_of("operator++", &[inner], span(node));
        let named = node
            .child_by_field_name("argument")
            .filter(|argument| argument.kind() == "identifier");
        let Some(named) = named else { return value };
        let target = self.expr(named);
        self.source.build.expr(ExprKind::Assign { target, value }, span(node))
    }

    fn member(&mut self, node: Node<'_>) -> ExprKind {
        let object = self.field(node, "argument");
        let name = node
            .child_by_field_name("field")
            .map(|name| self.path_text(name))
            .unwrap_or_default();
        let name = self.source.build.name(&name);
        ExprKind::Attr { object, name }
    }

    /// `delete a`; `T() = delete;` reads as if nothing was deleted.
    fn deletion(&mut self, node: Node<'_>) -> ExprId {
        let written = children(node);
        let Some(value) = written.first().filter(|value| !value.byte_range().is_empty()) else {
            return self.source.unknown(node);
        };
        let value = [self.expr(*value)];
        self.call_of("delete", &value, span(node))
    }

    /// `a.b.c` as a name and attributes of it.
    pub(super) fn path(&mut self, path: &str, node: Node<'_>) -> ExprId {
        let at = span(node);
        let mut parts = path.split('.');
        let first = parts.next().unwrap_or_default();
        let mut whole = self.source.build.name_expr(first, at);
        for part in parts.take(16) {
            let name = self.source.build.name(part);
            whole = self.source.build.expr(ExprKind::Attr { object: whole, name }, at);
        }
        whole
    }

    fn text_of(&self, node: Node<'_>, text: &mut String) {
        for child in children(node) {
            match child.kind() {
                "string_content" | "character" | "raw_string_content" => text.push_str(&self.source.text(child)),
                "escape_sequence" => text.push_str(match &*self.source.text(child) {
                    "\\n" => "\n",
                    "\\r" => "\r",
                    "\\t" => "\t",
                    "\\0" => "\0",
                    "\\\\" => "\\",
                    "\\\"" => "\"",
                    "\\'" => "'",
                    _ => "\u{fffd}",
                }),
                "string_literal" | "raw_string_literal" => self.text_of(child, text),
                _ => {}
            }
        }
    }

    /// The target, the value, and whether it is added to what is there.
    pub(super) fn assignment(&mut self, node: Node<'_>) -> (ExprId, ExprId, bool) {
        let operator = node
            .child_by_field_name("operator")
            .map_or("=", |operator| operator.kind());
        let target = self.field(node, "left");
        let value = self.field(node, "right");
        (target, value, operator != "=")
    }

    fn binary(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let operator = node
            .child_by_field_name("operator")
            .map_or("", |operator| operator.kind());
        if operator == "<<" && self.dialect == Dialect::Cpp {
            return self.stream(node);
        }
        if let Some(compared) = self.compared(node, operator) {
            return compared;
        }
        let left = self.field(node, "left");
        let right = self.field(node, "right");
        let op = match operator {
            "==" => BinaryOp::Eq,
            "!=" => BinaryOp::Ne,
            "<" => BinaryOp::Lt,
            "<=" => BinaryOp::Le,
            ">" => BinaryOp::Gt,
            ">=" => BinaryOp::Ge,
            "&&" | "and" => BinaryOp::And,
            "||" | "or" => BinaryOp::Or,
            "+" => BinaryOp::Add,
            "-" => BinaryOp::Sub,
            "*" => {
                let number = |expr| matches!(self.source.build.kind(expr), ExprKind::Int(_));
                if number(left) && number(right) {
                    BinaryOp::Mul
                } else {
                    return self.call_of("operator.mul", &[left, right], at);
                }
            }
            "/" => BinaryOp::Div,
            "%" => BinaryOp::Rem,
            "|" => BinaryOp::BitOr,
            _ => BinaryOp::Bits,
        };
        self.source.build.expr(ExprKind::Binary { op, left, right }, at)
    }

    /// `strcmp(a, b) == 0` is `a == b`; `strncmp(a, b, n) == 0` says that `a` begins with `b`.
    fn compared(&mut self, node: Node<'_>, operator: &str) -> Option<ExprId> {
        let zero = node
            .child_by_field_name("right")
            .is_some_and(|right| self.source.text(right) == "0");
        let call = node.child_by_field_name("left").filter(|_| zero)?;
        match operator {
            "==" => self.equality(call),
            "!=" => {
                let equal = self.equality(call)?;
                Some(self.source.build.expr(ExprKind::Not(equal), span(node)))
            }
            _ => None,
        }
    }

    /// What it means that a comparison of texts gives 0.
    fn equality(&mut self, call: Node<'_>) -> Option<ExprId> {
        let call = if call.kind() == "parenthesized_expression" {
            call.named_child(0)?
        } else {
            call
        };
        let function = call
            .child_by_field_name("function")
            .filter(|_| call.kind() == "call_expression")?;
        let name = self.path_text(function);
        let args = call.child_by_field_name("arguments").map(children)?;
        let [left, right, ..] = args.as_slice() else {
            return None;
        };
        match name.as_str() {
            "strcmp" | "strcasecmp" | "stricmp" | "wcscmp" => {
                let (left, right) = (self.expr(*left), self.expr(*right));
                let op = BinaryOp::Eq;
                Some(self.source.build.expr(ExprKind::Binary { op, left, right }, span(call)))
            }
            "strncmp" | "strncasecmp" => {
                let args = [self.expr(*left), self.expr(*right)];
                Some(self.call_of("starts_with", &args, span(call)))
            }
            _ => None,
        }
    }

    fn unary(&mut self, node: Node<'_>) -> ExprId {
        let operator = node
            .child_by_field_name("operator")
            .map_or("", |operator| operator.kind());
        let argument = node.child_by_field_name("argument");
        if matches!(operator, "!" | "not")
            && let Some(equal) = argument.and_then(|argument| self.equality(argument))
        {
            return equal;
        }
        let inner = self.field(node, "argument");
        let kind = match (operator, self.source.build.kind(inner)) {
            ("!" | "not", _) => ExprKind::Not(inner),
            ("-", ExprKind::Int(number)) => ExprKind::Int(-number),
            _ => ExprKind::Of(vec![inner]),
        };
        self.source.build.expr(kind, span(node))
    }

    /// `out << a << b`, which the grammar nests to the left as deep as it is long: a call on `out` with all of them.
    fn stream(&mut self, node: Node<'_>) -> ExprId {
        let mut args = Vec::new();
        let mut rest = node;
        while rest.kind() == "binary_expression"
            && rest
                .child_by_field_name("operator")
                .is_some_and(|operator| operator.kind() == "<<")
        {
            args.extend(rest.child_by_field_name("right"));
            let Some(left) = rest.child_by_field_name("left") else {
                break;
            };
            rest = left;
        }
        args.reverse();
        let object = self.expr(rest);
        let name = self.source.build.name("operator<<");
        let callee = self.source.build.expr(ExprKind::Attr { object, name }, span(rest));
        let args = self.exprs(args);
        self.source.build.call(callee, &args, span(node))
    }

    fn subscript(&mut self, node: Node<'_>) -> ExprKind {
        let object = self.field(node, "argument");
        let index = node.child_by_field_name("index").or_else(|| {
            let list = node.child_by_field_name("indices")?;
            children(list).first().copied()
        });
        let key = match index {
            Some(index) => self.expr(index),
            None => self.source.unknown(node),
        };
        ExprKind::Index { object, key }
    }

    fn call(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let function = node.child_by_field_name("function");
        let given = node.child_by_field_name("arguments");
        let name = function
            .filter(|function| function.kind() != "field_expression")
            .map(|function| self.path_text(function));
        let args = given.map(children).unwrap_or_default();
        match (name.as_deref(), args.as_slice()) {
            (Some("static_cast" | "reinterpret_cast" | "const_cast" | "move" | "forward"), [value]) => {
                let value = self.expr(*value);
                return self.source.build.expr(ExprKind::Of(vec![value]), at);
            }
            // Which variable of the environment it is says who writes it.
            (Some("getenv" | "secure_getenv"), [key]) if key.kind() == "string_literal" => {
                let mut text = String::new();
                self.text_of(*key, &mut text);
                let callee = self.path(&format!("getenv.{text}"), node);
                return self.source.build.call(callee, &[], at);
            }
            _ => {}
        }
        let callee = match function {
            Some(function) => self.expr(function),
            None => self.source.unknown(node),
        };
        let args = args.into_iter().map(|arg| Arg {
            name: None,
            value: self.expr(arg),
            spread: false,
        });
        let args = args.collect();
        let new = false;
        self.source.build.expr(ExprKind::Call { callee, args, new }, at)
    }

    fn list(&mut self, node: Node<'_>) -> ExprKind {
        let parts = children(node);
        if !parts.iter().any(|part| part.kind() == "initializer_pair") {
            return ExprKind::List(self.exprs(parts));
        }
        let mut entries = Vec::new();
        for (index, part) in parts.into_iter().enumerate() {
            entries.push(match part.kind() {
                "initializer_pair" => {
                    let designator = part.child_by_field_name("designator");
                    let text = designator
                        .map(|designator| self.source.text(designator).into_owned())
                        .unwrap_or_default();
                    let key = self
                        .source
                        .build
                        .str_expr(text.trim_matches(['.', '[', ']']), span(part));
                    (Some(key), self.field(part, "value"))
                }
                _ => {
                    let key = self
                        .source
                        .build
                        .expr(ExprKind::Int(i64::try_from(index).unwrap_or(0)), span(part));
                    (Some(key), self.expr(part))
                }
            });
        }
        ExprKind::Map(entries)
    }

    fn creation(&mut self, node: Node<'_>) -> ExprKind {
        let ty = node
            .child_by_field_name("type")
            .map(|ty| self.path_text(ty))
            .unwrap_or_default();
        let callee = self.path(&ty, node);
        let given = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let args = given.into_iter().map(|arg| Arg {
            name: None,
            value: self.expr(arg),
            spread: false,
        });
        let args = args.collect();
        ExprKind::Call {
            callee,
            args,
            new: true,
        }
    }

    fn lambda(&mut self, node: Node<'_>) -> ExprKind {
        let declarator = node.child_by_field_name("declarator");
        let params: Vec<Param> = declarator.map(|declarator| self.params(declarator)).unwrap_or_default();
        let body = self.block(node.child_by_field_name("body"));
        let name = self.source.build.name("");
        let function = Function {
            name,
            class: None,
            params,
            marks: Vec::new(),
            body,
            span: span(node),
        };
        ExprKind::Closure(self.source.build.function(function))
    }
}
