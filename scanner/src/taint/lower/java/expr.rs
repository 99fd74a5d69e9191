//! Java's expressions.

use std::collections::HashMap;

use super::super::{binary_op, summands};
use super::declare::simple;
use super::{
    Arg, BinaryOp, ExprId, ExprKind, Function, Java, NameId, Node, Param, StmtKind, Walk, children, literal, span,
};

/// Cases of a switch that are told apart where it stands for a value.
const MAX_CASES: usize = 24;
/// Parts of a sum that are added one by one.
const MAX_SUM: usize = 32;

impl Java<'_> {
    pub(super) fn name_field(&mut self, node: Node<'_>, field: &str) -> NameId {
        let text = node
            .child_by_field_name(field)
            .map(|name| self.source.text(name).into_owned());
        self.source.build.name(text.as_deref().unwrap_or_default())
    }

    pub(super) fn expr_within(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let kind = match node.kind() {
            "identifier" => return self.identifier(node),
            "this" | "super" => ExprKind::Name(self.own_name(node)),
            "type_identifier" | "scoped_type_identifier" | "generic_type" => {
                let text = self.type_text(Some(node));
                ExprKind::Name(self.source.build.name(&text))
            }
            "string_literal" | "character_literal" => return self.string(node),
            "decimal_integer_literal" | "hex_integer_literal" | "octal_integer_literal" | "binary_integer_literal" => {
                literal::integer(&self.source.text(node))
            }
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "null_literal" => ExprKind::Null,
            "decimal_floating_point_literal" | "hex_floating_point_literal" => ExprKind::Unknown,
            "field_access" => return self.field_access(node),
            "array_access" => return self.element(node),
            "method_invocation" => return self.invocation(node),
            "object_creation_expression" => return self.creation(node),
            "array_creation_expression" => return self.array(node),
            "array_initializer" => ExprKind::List(self.exprs(children(node))),
            "binary_expression" => return self.binary(node),
            "unary_expression" => self.unary(node),
            "update_expression" => return self.update(node),
            "assignment_expression" => return self.assignment(node),
            "ternary_expression" => ExprKind::Choice {
                condition: Some(self.field(node, "condition")),
                then: self.field(node, "consequence"),
                otherwise: self.field(node, "alternative"),
            },
            "cast_expression" => return self.cast(node),
            "instanceof_expression" => return self.instance_of(node),
            "lambda_expression" => self.lambda(node),
            "method_reference" | "class_literal" => return self.reference(node),
            "switch_expression" => return self.switch_value(node),
            "parenthesized_expression" => return self.first(node).unwrap_or_else(|| self.source.unknown(node)),
            _ => return self.parts(node),
        };
        self.source.build.expr(kind, at)
    }

    /// `list[key]`; a part that chance chooses is as good as the chance.
    fn element(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let object = self.field(node, "array");
        let key = self.field(node, "index");
        let part = self.source.build.expr(ExprKind::Index { object, key }, at);
        let index = node
            .child_by_field_name("index")
            .filter(|index| index.kind() == "method_invocation");
        let name = index.and_then(|index| index.child_by_field_name("name"));
        match index.filter(|_| name.is_some_and(|name| self.source.text(name) == "nextInt")) {
            Some(index) => {
                let again = self.expr(index);
                self.source.build.expr(ExprKind::Of(vec![part, again]), at)
            }
            None => part,
        }
    }

    fn parts(&mut self, node: Node<'_>) -> ExprId {
        let parts = self.exprs(children(node));
        self.source.build.expr(ExprKind::Of(parts), span(node))
    }

    fn own_name(&mut self, node: Node<'_>) -> NameId {
        let text = self.source.text(node).into_owned();
        self.source.build.name(&text)
    }

    /// A variable, a field of this class, or a class.
    fn identifier(&mut self, node: Node<'_>) -> ExprId {
        let text = self.source.text(node);
        if self.variable_type(&text).is_none() && self.field_type(&text).is_some() {
            return self.own_field(node);
        }
        let name = self.own_name(node);
        self.source.build.expr(ExprKind::Name(name), span(node))
    }

    fn string(&mut self, node: Node<'_>) -> ExprId {
        let mut parts = Vec::new();
        let mut text = String::new();
        if node.kind() == "character_literal" {
            let inner = self.source.text(node);
            let inner = inner.trim_start_matches('\'').strip_suffix('\'').unwrap_or_default();
            text = if inner.starts_with('\\') {
                literal::escape(inner)
            } else {
                inner.to_owned()
            };
        }
        for child in children(node) {
            match child.kind() {
                "string_fragment" | "multiline_string_fragment" => text.push_str(&self.source.text(child)),
                "escape_sequence" if node.kind() == "string_literal" => {
                    text.push_str(&literal::escape(&self.source.text(child)));
                }
                "string_interpolation" => {
                    parts.push(self.source.build.str_expr(&text, span(node)));
                    text.clear();
                    parts.push(self.parts(child));
                }
                _ => {}
            }
        }
        let last = self.source.build.str_expr(&text, span(node));
        if parts.is_empty() {
            return last;
        }
        parts.push(last);
        self.source.build.expr(ExprKind::Concat(parts), span(node))
    }

    /// `object.field`; a class by its whole name is the class.
    fn field_access(&mut self, node: Node<'_>) -> ExprId {
        let text = self.source.text(node);
        let first = text.split('.').next().unwrap_or_default().trim();
        let known = self.variable_type(first).is_some() || self.field_type(first).is_some();
        let package = first.starts_with(char::is_lowercase) && !known && first != "this" && first != "super";
        let last = text.rsplit('.').next().unwrap_or_default();
        let is_path = text
            .split('.')
            .all(|part| part.trim().chars().all(|c| c.is_alphanumeric() || c == '_'));
        if package && is_path && last.starts_with(char::is_uppercase) {
            let name = simple(&text);
            if !name.contains('.') {
                return self.source.build.name_expr(&name, span(node));
            }
        }
        let object = self.field(node, "object");
        let name = self.name_field(node, "field");
        self.source.build.expr(ExprKind::Attr { object, name }, span(node))
    }

    fn array(&mut self, node: Node<'_>) -> ExprId {
        if let Some(value) = node.child_by_field_name("value") {
            return self.expr(value);
        }
        // `new byte[16]`: all zero.
        let ty = self.type_text(node.child_by_field_name("type"));
        let callee = self.source.build.name_expr(&format!("{ty}[]"), span(node));
        let (args, new) = (Vec::new(), true);
        self.source.build.expr(ExprKind::Call { callee, args, new }, span(node))
    }

    fn operator<'t>(node: Node<'t>) -> &'t str {
        node.child_by_field_name("operator").map_or("", |op| op.kind())
    }

    fn binary(&mut self, node: Node<'_>) -> ExprId {
        let op = match Self::operator(node) {
            "+" => return self.sum(node),
            other => binary_op(other),
        };
        let left = self.field(node, "left");
        let right = self.field(node, "right");
        self.source.build.expr(ExprKind::Binary { op, left, right }, span(node))
    }

    /// `a + b + …`: a text if any part is written as one.
    fn sum(&mut self, node: Node<'_>) -> ExprId {
        let parts = summands(node, |part| {
            part.kind() == "binary_expression" && Self::operator(part) == "+"
        });
        let text = parts.len() > MAX_SUM || parts.iter().any(|part| part.kind() == "string_literal");
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
        let operand = self.field(node, "operand");
        match (Self::operator(node), self.source.build.kind(operand)) {
            ("!", _) => ExprKind::Not(operand),
            ("-", &ExprKind::Int(value)) => ExprKind::Int(value.wrapping_neg()),
            _ => ExprKind::Of(vec![operand]),
        }
    }

    /// `i++`: a number that is not known afterwards.
    fn update(&mut self, node: Node<'_>) -> ExprId {
        let Some(target) = self.first(node) else {
            return self.source.unknown(node);
        };
        let value = self.source.unknown(node);
        self.source.build.expr(ExprKind::Assign { target, value }, span(node))
    }

    fn assignment(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let mut value = self.field(node, "right");
        let op = match Self::operator(node) {
            "=" => None,
            "+=" => Some(BinaryOp::Add),
            "-=" => Some(BinaryOp::Sub),
            "*=" => Some(BinaryOp::Mul),
            "/=" => Some(BinaryOp::Div),
            _ => Some(BinaryOp::Bits),
        };
        if let Some(op) = op {
            let left = self.field(node, "left");
            let right = value;
            value = self.source.build.expr(ExprKind::Binary { op, left, right }, at);
        }
        let target = self.field(node, "left");
        self.source.build.expr(ExprKind::Assign { target, value }, at)
    }

    fn cast(&mut self, node: Node<'_>) -> ExprId {
        let ty = self.type_text(node.child_by_field_name("type"));
        let value = self.field(node, "value");
        if Self::is_number(&ty) {
            return self.number(value, node);
        }
        self.source.build.expr(ExprKind::Of(vec![value]), span(node))
    }

    /// `x instanceof T t` gives `t` the value.
    fn instance_of(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let value = self.field(node, "left");
        let truth = self.source.unknown(node);
        let Some(name) = node.child_by_field_name("name") else {
            return self.source.build.expr(ExprKind::Last(vec![value, truth]), at);
        };
        let ty = self.type_text(node.child_by_field_name("right"));
        let name = self.source.text(name).into_owned();
        self.declare(&name, &ty);
        let target = self.source.build.name_expr(&name, at);
        let given = self.source.build.expr(ExprKind::Assign { target, value }, at);
        self.source.build.expr(ExprKind::Last(vec![given, truth]), at)
    }

    /// The names that a lambda's parameters have, with their types.
    pub(super) fn lambda_names(&self, params: Node<'_>) -> Vec<(String, String)> {
        let written = if params.kind() == "identifier" {
            vec![params]
        } else {
            children(params)
        };
        let named = written.into_iter().map(|param| {
            let name = param.child_by_field_name("name").unwrap_or(param);
            let ty = self.type_text(param.child_by_field_name("type"));
            (self.source.text(name).into_owned(), ty)
        });
        named.collect()
    }

    fn lambda(&mut self, node: Node<'_>) -> ExprKind {
        let names = node
            .child_by_field_name("parameters")
            .map(|params| self.lambda_names(params));
        self.scopes.push(HashMap::new());
        let mut params = Vec::new();
        for (position, (name, ty)) in names.unwrap_or_default().into_iter().enumerate() {
            self.declare(&name, &ty);
            params.push(Param {
                name: self.source.build.name(&name),
                position: u16::try_from(position).unwrap_or(u16::MAX),
                ty: self.telling(&ty),
                marks: Vec::new(),
                default: None,
                rest: false,
            });
        }
        let body = match node.child_by_field_name("body") {
            Some(body) if body.kind() == "block" => self.block(Some(body)),
            Some(body) => {
                let value = self.expr(body);
                let give = self.source.build.stmt(StmtKind::Return(Some(value)), span(body));
                self.source.build.block(vec![give])
            }
            None => self.block(None),
        };
        self.scopes.pop();
        let function = Function {
            name: self.source.build.name(""),
            class: self.classes.last().map(|class| class.name),
            params,
            marks: Vec::new(),
            body,
            span: span(node),
        };
        ExprKind::Closure(self.source.build.function(function))
    }

    /// `T::method`, `x::method`, `T.class`: named by what it is of.
    fn reference(&mut self, node: Node<'_>) -> ExprId {
        let Some(object) = children(node).first().copied() else {
            return self.source.unknown(node);
        };
        let object = self.expr(object);
        let text = self.source.text(node);
        let separator = if node.kind() == "class_literal" { "." } else { "::" };
        let name = text.rsplit(separator).next().unwrap_or_default().trim().to_owned();
        let name = self.source.build.name(&name);
        self.source.build.expr(ExprKind::Attr { object, name }, span(node))
    }

    /// A switch as a value: each case a choice by its labels.
    fn switch_value(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let groups = node.child_by_field_name("body").map(children).unwrap_or_default();
        let subject = node.child_by_field_name("condition");
        let mut otherwise = self.source.build.expr(ExprKind::Null, at);
        let many = groups.len() > MAX_CASES;
        for group in groups.into_iter().rev() {
            let labels = children(group)
                .into_iter()
                .filter(|child| child.kind() == "switch_label");
            let labels: Vec<Node<'_>> = labels.flat_map(children).collect();
            let then = self.case_value(group);
            let mut condition = None;
            for label in labels.into_iter().take(MAX_CASES) {
                let (Some(subject), false) = (subject, many) else { break };
                let left = self.expr(subject);
                let right = self.expr(label);
                let op = BinaryOp::Eq;
                let one = self
                    .source
                    .build
                    .expr(ExprKind::Binary { op, left, right }, span(label));
                condition = Some(match condition {
                    Some(before) => {
                        let (op, left, right) = (BinaryOp::Or, before, one);
                        self.source
                            .build
                            .expr(ExprKind::Binary { op, left, right }, span(label))
                    }
                    None => one,
                });
            }
            otherwise = match condition {
                Some(_) => self.source.build.expr(
                    ExprKind::Choice {
                        condition,
                        then,
                        otherwise,
                    },
                    at,
                ),
                None => self.source.build.expr(ExprKind::Of(vec![then, otherwise]), at),
            };
        }
        otherwise
    }

    /// What a case gives: its expression, or what it yields.
    fn case_value(&mut self, group: Node<'_>) -> ExprId {
        let mut values = Vec::new();
        let mut open: Vec<Node<'_>> = children(group);
        while let Some(node) = open.pop() {
            match node.kind() {
                "switch_label" | "throw_statement" => {}
                "block" => open.extend(children(node)),
                "yield_statement" | "expression_statement" => values.extend(self.first(node)),
                _ => {}
            }
        }
        match values.as_slice() {
            [] => self.source.build.expr(ExprKind::Null, span(group)),
            [one] => *one,
            _ => self.source.build.expr(ExprKind::Of(values), span(group)),
        }
    }

    /// Arguments as they are written.
    pub(super) fn args(&mut self, nodes: Vec<Node<'_>>) -> Vec<Arg> {
        let args = self.exprs(nodes).into_iter().map(|value| Arg {
            name: None,
            value,
            spread: false,
        });
        args.collect()
    }
}
