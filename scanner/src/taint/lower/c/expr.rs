//! C's and C++'s expressions to the one form.

use tree_sitter::Node;

use super::super::super::ir::{Arg, BinaryOp, ExprId, ExprKind, Function, Param, Span};
use super::super::{children, span};
use super::{C, Dialect, Walk};

/// What the names of flags and rights of files stand for.
fn flag(name: &str) -> Option<i64> {
    let flags = [
        ("O_WRONLY", 1),
        ("O_RDWR", 2),
        ("O_CREAT", 0o100),
        ("O_EXCL", 0o200),
        ("O_TRUNC", 0o1000),
        ("O_APPEND", 0o2000),
        ("S_IRWXU", 0o700),
        ("S_IRUSR", 0o400),
        ("S_IWUSR", 0o200),
        ("S_IXUSR", 0o100),
        ("S_IRWXG", 0o70),
        ("S_IRGRP", 0o40),
        ("S_IWGRP", 0o20),
        ("S_IXGRP", 0o10),
        ("S_IRWXO", 0o7),
        ("S_IROTH", 0o4),
        ("S_IWOTH", 0o2),
        ("S_IXOTH", 0o1),
    ];
    let found = flags.iter().find(|(flag, _)| *flag == name);
    found.map(|(_, number)| *number)
}

/// The pointer of `*p++`.
fn stepped(target: Node<'_>) -> Option<Node<'_>> {
    let inner = target
        .child_by_field_name("argument")
        .filter(|_| target.kind() == "pointer_expression")?;
    let inner = super::facts::bare(inner);
    let pointer = inner
        .child_by_field_name("argument")
        .filter(|_| inner.kind() == "update_expression")?;
    (pointer.kind() == "identifier").then_some(pointer)
}

/// Whether one letter is compared, or one element with a number.
fn is_of_letters(node: Node<'_>) -> bool {
    let kinds = ["left", "right"].map(|field| {
        let side = node.child_by_field_name(field).map(super::facts::bare);
        side.map_or("", |side| side.kind())
    });
    let element = |kind: &str| matches!(kind, "subscript_expression" | "pointer_expression");
    kinds.contains(&"char_literal") || kinds.contains(&"number_literal") && kinds.into_iter().any(element)
}

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
    /// A call of what has no name in the language.
    pub(super) fn call_of(&mut self, name: &str, args: &[ExprId], at: Span) -> ExprId {
        let callee = self.source.build.name_expr(name, at);
        self.source.build.call(callee, args, at)
    }

    pub(super) fn expr_within(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let kind = match node.kind() {
            "identifier" | "field_identifier" | "type_identifier" | "this" => {
                let text = self.source.text(node).into_owned();
                match flag(&text) {
                    Some(number) => ExprKind::Int(number),
                    None => return self.source.build.name_expr(&text, at),
                }
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
            "subscript_expression" => return self.subscript(node),
            "call_expression" => return self.call(node),
            "conditional_expression" => return self.conditional(node),
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

    fn conditional(&mut self, node: Node<'_>) -> ExprId {
        let text = self.source.text(node);
        let kind = if self.facts.slashes.iter().any(|slash| text.starts_with(slash.as_str())) {
            match self.last_part(node) {
                Some(part) => return part,
                None => ExprKind::Of(self.exprs(children(node))),
            }
        } else {
            ExprKind::Choice {
                condition: Some(self.field(node, "condition")),
                then: self.field(node, "consequence"),
                otherwise: self.field(node, "alternative"),
            }
        };
        self.source.build.expr(kind, span(node))
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
        // `(*a).b` is `a->b`, and `(*a)->b` a part of what `a` leads to all the same.
        let behind = node.child_by_field_name("argument").map(super::facts::bare);
        let behind = behind.filter(|inner| inner.kind() == "pointer_expression");
        let named = behind
            .filter(|inner| {
                inner
                    .child_by_field_name("operator")
                    .is_some_and(|sign| sign.kind() == "*")
            })
            .and_then(|inner| inner.child_by_field_name("argument"))
            .filter(|pointer| pointer.kind() == "identifier");
        let object = match named {
            Some(pointer) => self.expr(pointer),
            None => self.field(node, "argument"),
        };
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

    pub(super) fn text_of(&self, node: Node<'_>, text: &mut String) {
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
        let left = node.child_by_field_name("left");
        let target = match left.and_then(stepped) {
            // `*p++ = x` writes to what `p` points into.
            Some(pointer) => {
                let object = self.expr(pointer);
                let key = self.source.unknown(pointer);
                self.source.build.expr(ExprKind::Index { object, key }, span(pointer))
            }
            None => self.field(node, "left"),
        };
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
        if let Some(known) = self
            .compared(node, operator)
            .or_else(|| self.found(node, operator))
            .or_else(|| self.spanned(node, operator))
            .or_else(|| self.last_part(node))
        {
            return known;
        }
        let left = self.field(node, "left");
        let right = self.field(node, "right");
        let op = match operator {
            // What one letter of a text is says nothing of the others.
            "==" | "!=" if is_of_letters(node) => {
                return self.source.build.expr(ExprKind::Of(vec![left, right]), at);
            }
            "==" => BinaryOp::Eq,
            "!=" => BinaryOp::Ne,
            "&&" | "and" => BinaryOp::And,
            "||" | "or" => BinaryOp::Or,
            "+" => BinaryOp::Add,
            // The rest of an array is no more than the array.
            "-" if node
                .child_by_field_name("left")
                .is_some_and(|left| left.kind() == "sizeof_expression") =>
            {
                return self.call_of("operator.rest", &[left, right], at);
            }
            "-" => BinaryOp::Sub,
            // An upper bound says nothing of a number that may be less than 0.
            "<" | "<=" | ">" | ">=" if self.is_half_bound(node, operator) => {
                return self.source.unknown(node);
            }
            "<" => BinaryOp::Lt,
            "<=" => BinaryOp::Le,
            ">" => BinaryOp::Gt,
            ">=" => BinaryOp::Ge,
            "%" if !self.is_number(left) => return self.call_of("operator.rem", &[left, right], at),
            "&" if self.dialect == Dialect::C || self.is_number(right) => {
                return self.call_of("operator.and", &[left, right], at);
            }
            "*" => {
                if self.is_number(left) && self.is_number(right) || self.is_wide(node) {
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

    fn is_number(&self, expr: ExprId) -> bool {
        matches!(self.source.build.kind(expr), ExprKind::Int(_))
    }

    /// Whether a product or sum is worked out with 64 bits, or of numbers with so few that it cannot wrap.
    pub(super) fn is_wide(&self, node: Node<'_>) -> bool {
        let small = |part: Node<'_>| {
            let number = self.facts.numbers.get(&*self.source.text(part));
            number.is_some_and(|number| number.bits < 16 || number.bits == 16 && !number.signed)
        };
        let mut sides = ["left", "right"]
            .into_iter()
            .filter_map(|field| node.child_by_field_name(field));
        sides.any(|side| {
            let cast = side
                .child_by_field_name("type")
                .filter(|_| side.kind() == "cast_expression");
            let cast = cast.map(|ty| self.source.text(ty).into_owned()).or_else(|| {
                let callee = side
                    .child_by_field_name("function")
                    .filter(|_| side.kind() == "call_expression")?;
                let text = self.source.text(callee).into_owned();
                Some(text.trim_start_matches("static_cast<").trim_end_matches('>').to_owned())
            });
            let wide = cast.and_then(|ty| super::facts::number_type(&ty));
            wide.is_some_and(|number| number.bits == 64)
                || small(side)
                || side.kind() == "binary_expression" && self.is_wide(side)
        })
    }

    /// Whether a comparison only says that a number with a sign is not too large, and nothing that it is not too small.
    fn is_half_bound(&self, node: Node<'_>, operator: &str) -> bool {
        let (less, more) = match operator {
            "<" | "<=" => ("left", "right"),
            _ => ("right", "left"),
        };
        let text = |field| {
            node.child_by_field_name(field)
                .map(|part: Node<'_>| self.source.text(part).into_owned())
        };
        let (less, more) = (text(less).unwrap_or_default(), text(more).unwrap_or_default());
        let signed = |name: &str| {
            let number = self.facts.numbers.get(name);
            number.is_some_and(|number| number.signed && number.bits > 8) && !self.facts.floored.contains(name)
        };
        let unsigned = |other: &str| other.contains("sizeof") || other.contains("size()");
        signed(&less) && !unsigned(&more) || signed(&more) && !unsigned(&less)
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

    fn subscript(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let object = self.field(node, "argument");
        let index = super::room::index_of(node);
        // A target is one element: what is wrong with it is said by its key.
        let mut key = Vec::new();
        if let Some(index) = index.filter(|index| self.is_choice(*index)) {
            let chosen = self.expr(index);
            key.push(self.call_of("operator.index", &[chosen], at));
        }
        if self.is_behind(node) {
            key.push(self.beyond(node));
        }
        key.push(match index {
            Some(index) => self.expr(index),
            None => self.source.unknown(node),
        });
        let key = match key.as_slice() {
            [key] => *key,
            _ => self.source.build.expr(ExprKind::Last(key), at),
        };
        self.source.build.expr(ExprKind::Index { object, key }, at)
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
