//! Expressions.

use tree_sitter::Node;

use super::super::super::ir::{Arg, BinaryOp, ExprId, ExprKind};
use super::{Script, Walk, bare, children, known_as, literal, span};

/// What a call that is named so gives back is a truth.
const TESTS: [&str; 16] = [
    "test",
    "includes",
    "has",
    "startsWith",
    "endsWith",
    "isInteger",
    "isSafeInteger",
    "every",
    "some",
    "hasOwn",
    "hasOwnProperty",
    "isAbsolute",
    "isArray",
    "call",
    "equals",
    "timingSafeEqual",
];

impl Script<'_> {
    pub(super) fn expr_within(&mut self, node: Node<'_>) -> ExprId {
        let node = bare(node);
        let kind = match node.kind() {
            "identifier" | "this" | "super" | "meta_property" | "shorthand_property_identifier_pattern" => {
                let text = self.source.text(node);
                ExprKind::Name(self.source.build.name(known_as(&text)))
            }
            "string" => return self.string(node),
            "template_string" => return self.template(node),
            "number" => literal::number(&self.source.text(node)),
            "regex" => return self.regex(node),
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "null" | "undefined" => ExprKind::Null,
            "member_expression" => {
                let object = self.field(node, "object");
                let property = node
                    .child_by_field_name("property")
                    .map(|property| self.source.text(property));
                let name = self.source.build.name(property.as_deref().unwrap_or_default());
                ExprKind::Attr { object, name }
            }
            "subscript_expression" => ExprKind::Index {
                object: self.field(node, "object"),
                key: self.field(node, "index"),
            },
            "call_expression" => return self.call(node),
            "new_expression" => return self.new_object(node),
            "binary_expression" => return self.binary(node),
            "unary_expression" => return self.unary(node),
            "update_expression" => ExprKind::Assign {
                target: self.field(node, "argument"),
                value: self.source.unknown(node),
            },
            "ternary_expression" => ExprKind::Choice {
                condition: Some(self.condition_field(node, "condition")),
                then: self.field(node, "consequence"),
                otherwise: self.field(node, "alternative"),
            },
            "sequence_expression" => ExprKind::Last(self.exprs(children(node))),
            "assignment_expression" => self.assignment_value(node),
            "augmented_assignment_expression" => return self.augmented_value(node),
            "assignment_pattern" | "object_assignment_pattern" => ExprKind::Assign {
                target: self.field(node, "left"),
                value: self.field(node, "right"),
            },
            "array" | "array_pattern" => return self.array(node),
            "object" => return self.object(node, &[]),
            "object_pattern" => ExprKind::Map(self.pattern_entries(node)),
            "arrow_function" | "function_expression" | "generator_function" => return self.closure(node, &[]),
            "class" => {
                let name = self.class(node, &[]);
                ExprKind::Name(name)
            }
            "jsx_element" | "jsx_self_closing_element" => return self.element(node),
            _ => return self.parts(node),
        };
        self.source.build.expr(kind, span(node))
    }

    fn assignment_value(&mut self, node: Node<'_>) -> ExprKind {
        let chain = node
            .child_by_field_name("left")
            .and_then(|left| self.chain(left))
            .unwrap_or_default();
        let value = match node.child_by_field_name("right") {
            Some(right) => self.handed(right, &chain),
            None => self.source.unknown(node),
        };
        let target = self.field(node, "left");
        ExprKind::Assign { target, value }
    }

    /// `await x`, `yield x`, `...x` and what is not known: the value of the parts.
    pub(super) fn parts(&mut self, node: Node<'_>) -> ExprId {
        let parts = self.exprs(children(node));
        self.source.build.expr(ExprKind::Of(parts), span(node))
    }

    fn text_of(&mut self, node: Node<'_>) -> String {
        let mut text = String::new();
        for child in children(node) {
            let piece = self.source.text(child);
            match child.kind() {
                "escape_sequence" => text.push_str(&literal::escaped(&piece)),
                _ => text.push_str(&piece),
            }
        }
        text
    }

    fn string(&mut self, node: Node<'_>) -> ExprId {
        let text = self.text_of(node);
        self.source.build.str_expr(&text, span(node))
    }

    /// `/pattern/flags`, with its slashes, so that its flags are known, too.
    fn regex(&mut self, node: Node<'_>) -> ExprId {
        let text = self.source.text(node);
        let callee = self.source.build.name_expr("RegExp", span(node));
        let args = vec![Arg {
            name: None,
            value: self.source.build.str_expr(&text, span(node)),
            spread: false,
        }];
        let new = true;
        self.source.build.expr(ExprKind::Call { callee, args, new }, span(node))
    }

    pub(super) fn template(&mut self, node: Node<'_>) -> ExprId {
        let mut parts = Vec::new();
        let mut text = String::new();
        for child in children(node) {
            let piece = self.source.text(child);
            match child.kind() {
                "template_substitution" => {
                    if !text.is_empty() {
                        parts.push(self.source.build.str_expr(&std::mem::take(&mut text), span(child)));
                    }
                    parts.push(self.parts(child));
                }
                "escape_sequence" => text.push_str(&literal::escaped(&piece)),
                _ => text.push_str(&piece),
            }
        }
        if parts.is_empty() {
            return self.source.build.str_expr(&text, span(node));
        }
        if !text.is_empty() {
            parts.push(self.source.build.str_expr(&text, span(node)));
        }
        self.joined(parts, node)
    }

    /// Texts put together are a text, whatever was put in: `String(a + b)`.
    fn joined(&mut self, parts: Vec<ExprId>, node: Node<'_>) -> ExprId {
        let callee = self.source.build.name_expr("String", span(node));
        let text = self.source.build.expr(ExprKind::Concat(parts), span(node));
        self.source.build.call(callee, &[text], span(node))
    }

    pub(super) fn condition_field(&mut self, node: Node<'_>, field: &str) -> ExprId {
        match node.child_by_field_name(field) {
            Some(child) => self.condition(child),
            None => self.source.unknown(node),
        }
    }

    /// An expression of which only the truth counts.
    pub(super) fn condition(&mut self, node: Node<'_>) -> ExprId {
        let node = bare(node);
        let op = match operator(node) {
            "&&" => BinaryOp::And,
            "||" => BinaryOp::Or,
            _ => return self.expr(node),
        };
        if self.source.depth == super::super::MAX_DEPTH {
            self.source.cut = true;
            return self.source.unknown(node);
        }
        self.source.depth += 1;
        let left = self.condition_field(node, "left");
        let right = self.condition_field(node, "right");
        self.source.depth -= 1;
        self.source.build.expr(ExprKind::Binary { op, left, right }, span(node))
    }

    fn binary(&mut self, node: Node<'_>) -> ExprId {
        let operator = operator(node);
        let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) else {
            return self.parts(node);
        };
        let kind = match operator {
            "+" => return self.sum(node),
            "??" => {
                let (then, otherwise) = (self.expr(left), self.expr(right));
                let condition = None;
                ExprKind::Choice {
                    condition,
                    then,
                    otherwise,
                }
            }
            "||" if !self.is_test(left) => {
                let (then, otherwise) = (self.expr(left), self.expr(right));
                let condition = None;
                ExprKind::Choice {
                    condition,
                    then,
                    otherwise,
                }
            }
            "&&" if !self.is_test(right) => ExprKind::Choice {
                condition: Some(self.condition(left)),
                then: self.expr(right),
                otherwise: self.source.build.expr(ExprKind::Null, span(left)),
            },
            "&&" | "||" => return self.condition(node),
            "instanceof" => {
                let callee = self.source.build.name_expr("instanceof", span(node));
                let args = [self.expr(left), self.expr(right)];
                return self.source.build.call(callee, &args, span(node));
            }
            "==" | "===" | "!=" | "!==" => return self.comparison(operator, left, right, node),
            _ => ExprKind::Binary {
                op: binary_op(operator),
                left: self.expr(left),
                right: self.expr(right),
            },
        };
        self.source.build.expr(kind, span(node))
    }

    /// `a + b + c`: texts put together, if one of them is written as a text.
    fn sum(&mut self, node: Node<'_>) -> ExprId {
        let mut parts = Vec::new();
        let mut rest = node;
        let mut text = false;
        // The row of the tree ends.
        loop {
            let sides = (rest.child_by_field_name("left"), rest.child_by_field_name("right"));
            let (Some(left), Some(right)) = sides else { break };
            text |= is_text(right) || is_text(left);
            parts.push(right);
            rest = bare(left);
            if left.kind() == "parenthesized_expression" || operator(rest) != "+" {
                break;
            }
        }
        parts.push(rest);
        parts.reverse();
        let mut parts = self.exprs(parts).into_iter();
        if text {
            return self.joined(parts.collect(), node);
        }
        let first = parts.next();
        let mut left = first.unwrap_or_else(|| self.source.unknown(node));
        let many = parts.len() > usize::from(super::super::MAX_DEPTH) / 2;
        if many {
            let mut all = vec![left];
            all.extend(parts);
            return self.source.build.expr(ExprKind::Concat(all), span(node));
        }
        for right in parts {
            let op = BinaryOp::Add;
            left = self.source.build.expr(ExprKind::Binary { op, left, right }, span(node));
        }
        left
    }

    /// `typeof x === "string"` is a test of `x`, and so is `key === "__proto__"`.
    fn comparison(&mut self, operator: &str, left: Node<'_>, right: Node<'_>, node: Node<'_>) -> ExprId {
        let (left, right) = (bare(left), bare(right));
        let (left, right) = if is_text(left) && !is_text(right) {
            (right, left)
        } else {
            (left, right)
        };
        let text = if right.kind() == "string" {
            self.text_of(right)
        } else {
            String::new()
        };
        let subject = match left.kind() {
            "unary_expression" if operator_of(left) == "typeof" && !text.is_empty() => left
                .child_by_field_name("argument")
                .map(|subject| (subject, format!("typeof.{text}"))),
            _ if ["__proto__", "constructor", "prototype"].contains(&text.as_str()) => {
                Some((left, format!("is.{text}")))
            }
            _ => None,
        };
        let differs = operator.starts_with('!');
        let Some((subject, name)) = subject else {
            let op = if differs { BinaryOp::Ne } else { BinaryOp::Eq };
            let (left, right) = (self.expr(left), self.expr(right));
            return self.source.build.expr(ExprKind::Binary { op, left, right }, span(node));
        };
        let callee = self.source.build.name_expr(&name, span(node));
        let subject = self.expr(subject);
        let test = self.source.build.call(callee, &[subject], span(node));
        if differs {
            self.source.build.expr(ExprKind::Not(test), span(node))
        } else {
            test
        }
    }

    fn unary(&mut self, node: Node<'_>) -> ExprId {
        let kind = match operator(node) {
            "!" => ExprKind::Not(self.condition_field(node, "argument")),
            "-" => {
                let inner = self.field(node, "argument");
                match *self.source.build.kind(inner) {
                    ExprKind::Int(value) => ExprKind::Int(-value),
                    _ => {
                        let zero = self.source.build.expr(ExprKind::Int(0), span(node));
                        ExprKind::Binary {
                            op: BinaryOp::Sub,
                            left: zero,
                            right: inner,
                        }
                    }
                }
            }
            operator @ ("+" | "~" | "typeof") => {
                let name = if operator == "typeof" { "typeof" } else { "Number" };
                let callee = self.source.build.name_expr(name, span(node));
                let inner = self.field(node, "argument");
                return self.source.build.call(callee, &[inner], span(node));
            }
            "void" => {
                let inner = self.field(node, "argument");
                let nothing = self.source.build.expr(ExprKind::Null, span(node));
                ExprKind::Last(vec![inner, nothing])
            }
            _ => ExprKind::Of(vec![self.field(node, "argument")]),
        };
        self.source.build.expr(kind, span(node))
    }

    /// `a += b` within an expression.
    fn augmented_value(&mut self, node: Node<'_>) -> ExprId {
        let mut value = self.field(node, "right");
        let left = node.child_by_field_name("left");
        // What hangs below a name by dots is read twice at no cost.
        if let Some(left) = left.filter(|left| operator(node) == "+=" && self.chain(*left).is_some()) {
            let before = self.expr(left);
            let op = BinaryOp::Add;
            let kind = ExprKind::Binary {
                op,
                left: before,
                right: value,
            };
            value = self.source.build.expr(kind, span(node));
        }
        let target = self.field(node, "left");
        self.source.build.expr(ExprKind::Assign { target, value }, span(node))
    }

    /// Parts by position, those that are left out (`[, b]`) counted; what is spread has no position.
    fn array(&mut self, node: Node<'_>) -> ExprId {
        let mut parts = Vec::new();
        let mut cursor = node.walk();
        let all: Vec<Node<'_>> = node.children(&mut cursor).collect();
        let mut filled = false;
        let mut spread = false;
        for child in all {
            match child.kind() {
                "," => {
                    if !filled {
                        parts.push(self.source.unknown(child));
                    }
                    filled = false;
                }
                _ if !child.is_named() || child.is_extra() => {}
                kind => {
                    spread |= kind == "spread_element";
                    parts.push(self.expr(child));
                    filled = true;
                }
            }
        }
        let kind = if spread {
            ExprKind::Of(parts)
        } else {
            ExprKind::List(parts)
        };
        self.source.build.expr(kind, span(node))
    }

    pub(super) fn key(&mut self, node: Node<'_>) -> ExprId {
        match node.kind() {
            "string" => self.string(node),
            "computed_property_name" => self.parts(node),
            _ => {
                let text = self.source.text(node);
                self.source.build.str_expr(&text, span(node))
            }
        }
    }

    pub(super) fn object(&mut self, node: Node<'_>, chain: &[String]) -> ExprId {
        let mut entries = Vec::new();
        for child in children(node) {
            let entry = match child.kind() {
                "pair" => {
                    let Some(key) = child.child_by_field_name("key") else {
                        continue;
                    };
                    let below = self.below(chain, key);
                    let key = self.key(key);
                    let value = match child.child_by_field_name("value") {
                        Some(value) => self.handed(value, &below),
                        None => self.source.unknown(child),
                    };
                    (Some(key), value)
                }
                "method_definition" => {
                    let Some(name) = child.child_by_field_name("name") else {
                        continue;
                    };
                    let below = self.below(chain, name);
                    let key = self.key(name);
                    let method = self.literal_method(child, &below);
                    (
                        Some(key),
                        self.source.build.expr(ExprKind::Closure(method), span(child)),
                    )
                }
                "shorthand_property_identifier" => {
                    let text = self.source.text(child);
                    let key = self.source.build.str_expr(&text, span(child));
                    (Some(key), self.source.build.name_expr(known_as(&text), span(child)))
                }
                "spread_element" => (None, self.parts(child)),
                _ => continue,
            };
            entries.push(entry);
        }
        self.source.build.expr(ExprKind::Map(entries), span(node))
    }

    /// The chain of what stands under a key.
    fn below(&self, chain: &[String], key: Node<'_>) -> Vec<String> {
        let mut below = chain.to_vec();
        if !below.is_empty() {
            below.push(self.source.text(key).trim_matches(['"', '\'']).to_owned());
        }
        below
    }

    fn pattern_entries(&mut self, node: Node<'_>) -> Vec<(Option<ExprId>, ExprId)> {
        let mut entries = Vec::new();
        for child in children(node) {
            let entry = match child.kind() {
                "pair_pattern" => {
                    let key = child.child_by_field_name("key").map(|key| self.key(key));
                    (key, self.field(child, "value"))
                }
                "rest_pattern" => (None, self.parts(child)),
                kind => {
                    let named = if kind == "object_assignment_pattern" {
                        child.child_by_field_name("left").unwrap_or(child)
                    } else {
                        child
                    };
                    let key = self.key(named);
                    (Some(key), self.expr(child))
                }
            };
            entries.push(entry);
        }
        entries
    }

    /// Whether an expression is a truth, and not a value that may be there or not.
    fn is_test(&self, node: Node<'_>) -> bool {
        let mut node = bare(node);
        // Each round goes one deeper in a tree that ends.
        loop {
            match (node.kind(), operator(node)) {
                ("unary_expression", operator) => return operator == "!",
                ("binary_expression", "&&" | "||") => match node.child_by_field_name("right") {
                    Some(right) => node = bare(right),
                    None => return false,
                },
                ("binary_expression", operator) => {
                    return ["==", "===", "!=", "!==", "<", "<=", ">", ">=", "in", "instanceof"].contains(&operator);
                }
                ("call_expression", _) => {
                    let function = node.child_by_field_name("function");
                    let name = function.map(|function| function.child_by_field_name("property").unwrap_or(function));
                    let name = name.map(|name| self.source.text(name)).unwrap_or_default();
                    return TESTS.contains(&name.as_ref()) || name.starts_with("is") || name.starts_with("has");
                }
                ("true" | "false", _) => return true,
                _ => return false,
            }
        }
    }
}

fn operator<'t>(node: Node<'t>) -> &'t str {
    match node.kind() {
        "binary_expression" | "augmented_assignment_expression" | "unary_expression" => operator_of(node),
        _ => "",
    }
}

fn operator_of<'t>(node: Node<'t>) -> &'t str {
    node.child_by_field_name("operator")
        .map(|op| op.kind())
        .unwrap_or_default()
}

fn is_text(node: Node<'_>) -> bool {
    matches!(bare(node).kind(), "string" | "template_string")
}

fn binary_op(operator: &str) -> BinaryOp {
    match operator {
        "<" => BinaryOp::Lt,
        "<=" => BinaryOp::Le,
        ">" => BinaryOp::Gt,
        ">=" => BinaryOp::Ge,
        "in" => BinaryOp::In,
        "-" => BinaryOp::Sub,
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::Div,
        "%" => BinaryOp::Rem,
        _ => BinaryOp::Bits,
    }
}
