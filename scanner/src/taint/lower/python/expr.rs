//! Expressions of Python.

use tree_sitter::Node;

use super::super::super::ir::{Arg, BinaryOp, ExprId, ExprKind, Function, NameId, StmtKind};
use super::super::{children, fields, span};
use super::{Python, Walk, literal};

impl Python<'_> {
    pub(super) fn name_field(&mut self, node: Node<'_>, field: &str) -> NameId {
        let text = node
            .child_by_field_name(field)
            .map(|name| self.source.text(name).into_owned());
        self.source.build.name(text.as_deref().unwrap_or_default())
    }

    pub(super) fn expr_within(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let kind = match node.kind() {
            "identifier" => ExprKind::Name(self.own_name(node)),
            "string" => return self.string(node),
            "concatenated_string" => ExprKind::Concat(self.exprs(children(node))),
            "integer" => literal::integer(&self.source.text(node)),
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "none" => ExprKind::Null,
            "attribute" => ExprKind::Attr {
                object: self.field(node, "object"),
                name: self.name_field(node, "attribute"),
            },
            "subscript" => self.subscript(node),
            "call" => self.call(node),
            "binary_operator" => self.binary(node),
            "boolean_operator" => self.boolean(node),
            "comparison_operator" => return self.comparison(node),
            "not_operator" => ExprKind::Not(self.field(node, "argument")),
            "conditional_expression" => {
                let parts = children(node);
                let [then, condition, otherwise] = parts.as_slice() else {
                    return self.parts(node);
                };
                ExprKind::Choice {
                    condition: Some(self.expr(*condition)),
                    then: self.expr(*then),
                    otherwise: self.expr(*otherwise),
                }
            }
            "list" | "tuple" | "set" | "expression_list" | "pattern_list" | "tuple_pattern" | "list_pattern" => {
                ExprKind::List(self.exprs(children(node)))
            }
            "dictionary" => self.dictionary(node),
            "lambda" => self.lambda(node),
            "named_expression" => ExprKind::Assign {
                target: self.field(node, "name"),
                value: self.field(node, "value"),
            },
            "list_comprehension" | "set_comprehension" | "generator_expression" | "dictionary_comprehension" => {
                self.comprehension(node)
            }
            "assignment" | "augmented_assignment" => ExprKind::Assign {
                target: self.field(node, "left"),
                value: self.field(node, "right"),
            },
            "interpolation" | "format_expression" => return self.interpolation(node),
            "float" | "ellipsis" => ExprKind::Unknown,
            _ => return self.parts(node),
        };
        self.source.build.expr(kind, at)
    }

    fn parts(&mut self, node: Node<'_>) -> ExprId {
        let parts = self.exprs(children(node));
        self.source.build.expr(ExprKind::Of(parts), span(node))
    }

    fn own_name(&mut self, node: Node<'_>) -> NameId {
        let text = self.source.text(node).into_owned();
        self.source.build.name(&text)
    }

    fn string(&mut self, node: Node<'_>) -> ExprId {
        let raw = node.child(0).map(|start| self.source.text(start).to_ascii_lowercase());
        let raw = raw.is_some_and(|start| start.contains('r'));
        let mut parts = Vec::new();
        for child in children(node) {
            match child.kind() {
                "string_content" => {
                    let text = literal::unescape(&self.source.text(child), raw);
                    parts.push(self.source.build.str_expr(&text, span(child)));
                }
                "interpolation" => parts.push(self.expr(child)),
                _ => {}
            }
        }
        match parts.as_slice() {
            [] => self.source.build.str_expr("", span(node)),
            [one] if matches!(self.source.build.kind(*one), ExprKind::Str(_)) => *one,
            _ => self.source.build.expr(ExprKind::Concat(parts), span(node)),
        }
    }

    /// `{value}` in a text; `{value!r}` is what `repr` makes of it.
    fn interpolation(&mut self, node: Node<'_>) -> ExprId {
        let value = self.field(node, "expression");
        let conversion = children(node)
            .into_iter()
            .find(|child| child.kind() == "type_conversion");
        if conversion.is_some_and(|conversion| self.source.text(conversion) != "!s") {
            let callee = self.source.build.name_expr("repr", span(node));
            return self.source.build.call(callee, &[value], span(node));
        }
        self.source.build.expr(ExprKind::Of(vec![value]), span(node))
    }

    fn subscript(&mut self, node: Node<'_>) -> ExprKind {
        let object = self.field(node, "value");
        let keys = fields(node, "subscript");
        match keys.as_slice() {
            // A part of it is still it.
            [slice] if slice.kind() == "slice" => ExprKind::Of(vec![object]),
            [key] => ExprKind::Index {
                object,
                key: self.expr(*key),
            },
            _ => ExprKind::Of(vec![object]),
        }
    }

    fn call(&mut self, node: Node<'_>) -> ExprKind {
        let callee = self.field(node, "function");
        let mut args = Vec::new();
        let given = node.child_by_field_name("arguments");
        let written = match given {
            Some(list) if list.kind() == "argument_list" => children(list),
            other => other.into_iter().collect(),
        };
        for arg in written {
            args.push(match arg.kind() {
                "keyword_argument" => Arg {
                    name: Some(self.name_field(arg, "name")),
                    value: self.field(arg, "value"),
                    spread: false,
                },
                "list_splat" | "dictionary_splat" => Arg {
                    name: None,
                    value: self.parts(arg),
                    spread: true,
                },
                _ => Arg {
                    name: None,
                    value: self.expr(arg),
                    spread: false,
                },
            });
        }
        let new = false;
        let call = ExprKind::Call { callee, args, new };
        match self.asked_type(node) {
            Some(number) => {
                let value = self.source.build.expr(call, span(node));
                let callee = self.source.build.name_expr(&number, span(node));
                let (name, spread) = (None, false);
                let args = vec![Arg { name, value, spread }];
                ExprKind::Call { callee, args, new }
            }
            None => call,
        }
    }

    /// The number that `args.get("n", type=int)` makes of what it finds.
    fn asked_type(&self, call: Node<'_>) -> Option<String> {
        let callee = call.child_by_field_name("function")?;
        let named = callee.child_by_field_name("attribute")?;
        if self.source.text(named) != "get" {
            return None;
        }
        let given = children(call.child_by_field_name("arguments")?);
        let mut options = given.into_iter().filter(|arg| arg.kind() == "keyword_argument");
        let asked = options.find(|arg| {
            arg.child_by_field_name("name")
                .is_some_and(|name| self.source.text(name) == "type")
        })?;
        let asked = self.source.text(asked.child_by_field_name("value")?);
        matches!(&*asked, "int" | "float").then(|| asked.into_owned())
    }

    fn binary(&mut self, node: Node<'_>) -> ExprKind {
        let left = self.field(node, "left");
        let right = self.field(node, "right");
        let op = match node.child_by_field_name("operator").map(|op| op.kind()) {
            Some("+") => BinaryOp::Add,
            Some("-") => BinaryOp::Sub,
            Some("*") => BinaryOp::Mul,
            Some("/" | "//") => BinaryOp::Div,
            Some("%") => BinaryOp::Rem,
            _ => BinaryOp::Bits,
        };
        ExprKind::Binary { op, left, right }
    }

    /// `and` and `or` are conditions and values at once; `or` as a value is a choice.
    fn boolean(&mut self, node: Node<'_>) -> ExprKind {
        let left = self.field(node, "left");
        let right = self.field(node, "right");
        let or = node.child_by_field_name("operator").is_some_and(|op| op.kind() == "or");
        let op = if or { BinaryOp::Or } else { BinaryOp::And };
        ExprKind::Binary { op, left, right }
    }

    /// `a < b < c` is `a < b and b < c`; one comparison alone is what is mostly written.
    fn comparison(&mut self, node: Node<'_>) -> ExprId {
        let operands = children(node);
        let mut cursor = node.walk();
        let operators: Vec<_> = node
            .children_by_field_name("operators", &mut cursor)
            .map(|op| op.kind())
            .collect();
        let mut whole = None;
        for (pair, operator) in operands.windows(2).zip(operators) {
            let [left, right] = pair else { continue };
            let op = match operator {
                "==" | "is" => BinaryOp::Eq,
                "!=" | "<>" | "is not" => BinaryOp::Ne,
                "<" => BinaryOp::Lt,
                "<=" => BinaryOp::Le,
                ">" => BinaryOp::Gt,
                ">=" => BinaryOp::Ge,
                "in" => BinaryOp::In,
                _ => BinaryOp::NotIn,
            };
            let (left, right) = (self.expr(*left), self.expr(*right));
            let one = self.source.build.expr(ExprKind::Binary { op, left, right }, span(node));
            whole = Some(match whole {
                Some(before) => self.source.build.expr(
                    ExprKind::Binary {
                        op: BinaryOp::And,
                        left: before,
                        right: one,
                    },
                    span(node),
                ),
                None => one,
            });
        }
        whole.unwrap_or_else(|| self.source.unknown(node))
    }

    fn dictionary(&mut self, node: Node<'_>) -> ExprKind {
        let mut entries = Vec::new();
        for child in children(node) {
            entries.push(match child.kind() {
                "pair" => {
                    let key = self.field(child, "key");
                    (Some(key), self.field(child, "value"))
                }
                _ => (None, self.expr(child)),
            });
        }
        ExprKind::Map(entries)
    }

    fn lambda(&mut self, node: Node<'_>) -> ExprKind {
        let params = self.params(node.child_by_field_name("parameters"));
        let value = self.field(node, "body");
        let at = span(node);
        let give = self.source.build.stmt(StmtKind::Return(Some(value)), at);
        let body = self.source.build.block(vec![give]);
        let name = self.source.build.name("");
        let function = Function {
            name,
            class: None,
            params,
            marks: Vec::new(),
            body,
            span: at,
        };
        ExprKind::Closure(self.source.build.function(function))
    }

    /// `[f(x) for x in xs if ok(x)]`: each `x` gets a part of `xs`, then `f(x)` is the value, if `ok(x)`.
    fn comprehension(&mut self, node: Node<'_>) -> ExprKind {
        let mut parts = Vec::new();
        let mut conditions = Vec::new();
        for clause in children(node) {
            match clause.kind() {
                "for_in_clause" => {
                    let target = self.field(clause, "left");
                    let value = self.field(clause, "right");
                    let at = span(clause);
                    let key = self.source.build.expr(ExprKind::Unknown, at);
                    let part = ExprKind::Index { object: value, key };
                    let part = self.source.build.expr(part, at);
                    parts.push(self.source.build.expr(ExprKind::Assign { target, value: part }, at));
                }
                "if_clause" => conditions.extend(self.first(clause)),
                _ => {}
            }
        }
        let body = node.child_by_field_name("body").map(|body| match body.kind() {
            "pair" => self.parts(body),
            _ => self.expr(body),
        });
        let Some(mut body) = body else {
            return ExprKind::Of(parts);
        };
        for condition in conditions {
            let otherwise = self.source.build.expr(ExprKind::Null, span(node));
            let choice = ExprKind::Choice {
                condition: Some(condition),
                then: body,
                otherwise,
            };
            body = self.source.build.expr(choice, span(node));
        }
        let list = self.source.build.expr(ExprKind::List(vec![body]), span(node));
        parts.push(list);
        ExprKind::Last(parts)
    }
}
