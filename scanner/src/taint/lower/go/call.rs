//! Calls, and what some of Go's own packages do that an assignment or a text says better: `strings.Builder`,
//! `strings.Join`, `fmt.Fprintf`.

use super::{Arg, ExprId, ExprKind, Go, Node, Walk, children, span};

/// Conversions between numbers.
const NUMBERS: [&str; 13] = [
    "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
    "byte",
];
/// Methods of a text that grows.
const WRITES: [&str; 4] = ["WriteString", "Write", "WriteByte", "WriteRune"];

impl Go<'_> {
    pub(super) fn call(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let Some(function) = node.child_by_field_name("function") else {
            return self.source.unknown(node);
        };
        let args = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let name = self.source.text(function).into_owned();
        let last = name.rsplit('.').next().unwrap_or_default().to_owned();
        if let Some(done) = self.idiom(node, function, &name, &args) {
            return done;
        }
        let filled = match &*last {
            "ReadFull" => args.get(1).copied(),
            "Read" if args.len() == 1 => args.first().copied(),
            _ => None,
        };
        // `Clean("/" + path)` never leaves the root, `Clean(path)` may.
        let rooted = last == "Clean" && args.first().is_some_and(|arg| self.begins_with_slash(*arg));
        let callee = if rooted {
            let object = self.field(function, "operand");
            let name = self.source.build.name("CleanRooted");
            self.source.build.expr(ExprKind::Attr { object, name }, at)
        } else if let Some(known) = self
            .renamed(node, &last, &args)
            .filter(|_| function.kind() == "selector_expression")
        {
            let object = self.field(function, "operand");
            let name = self.source.build.name(known);
            self.source.build.expr(ExprKind::Attr { object, name }, at)
        } else {
            self.expr(function)
        };
        let logged = self.logged_secret(&name, &args, node);
        let args = self.args(&args);
        let call = self.source.build.expr(
            ExprKind::Call {
                callee,
                args,
                new: false,
            },
            at,
        );
        match filled.filter(|array| array.kind() == "identifier") {
            Some(array) => {
                let target = self.expr(array);
                self.source.build.expr(ExprKind::Assign { target, value: call }, at)
            }
            None => self.beside(logged.into_iter().collect(), call, node),
        }
    }

    fn args(&mut self, nodes: &[Node<'_>]) -> Vec<Arg> {
        let mut args = Vec::new();
        for node in nodes {
            args.push(Arg {
                name: None,
                value: self.expr(*node),
                spread: node.kind() == "variadic_argument",
            });
        }
        args
    }

    fn begins_with_slash(&self, node: Node<'_>) -> bool {
        let mut first = node;
        while let Some(left) = first.child_by_field_name("left") {
            first = left;
        }
        first.kind().ends_with("string_literal") && self.source.text(first).get(1..2) == Some("/") && first != node
    }

    /// What a call means that has a form of its own.
    fn idiom(&mut self, node: Node<'_>, function: Node<'_>, name: &str, args: &[Node<'_>]) -> Option<ExprId> {
        let at = span(node);
        let kind = match (name, args) {
            ("string" | "[]byte", [one]) => ExprKind::Of(vec![self.expr(*one)]),
            ("new", [ty]) if matches!(&*self.source.text(*ty), "strings.Builder" | "bytes.Buffer") => {
                return Some(self.source.build.str_expr("", at));
            }
            (name, [one]) if NUMBERS.contains(&name) => {
                let value = self.expr(*one);
                let narrow = matches!(
                    name,
                    "int8" | "int16" | "int32" | "uint8" | "uint16" | "uint32" | "byte"
                );
                let narrow = narrow && matches!(one.kind(), "identifier" | "selector_expression" | "call_expression");
                let callee = self
                    .source
                    .build
                    .name_expr(if narrow { "int.narrow" } else { "int" }, at);
                return Some(self.source.build.call(callee, &[value], at));
            }
            ("strings.Join", [parts, separator]) => {
                let parts = self.expr(*parts);
                let callee = self.method_of(*separator, "join", node);
                return Some(self.source.build.call(callee, &[parts], at));
            }
            ("fmt.Fprintf", [to, rest @ ..]) => {
                let callee = self.function_of("fmt", "Sprintf", node);
                let text = self.args(rest);
                let text = self.source.build.expr(
                    ExprKind::Call {
                        callee,
                        args: text,
                        new: false,
                    },
                    at,
                );
                return Some(self.written(*to, "Fprintf", text, node));
            }
            ("fmt.Fprint" | "fmt.Fprintln" | "io.WriteString", [to, rest @ ..]) => {
                let parts = self.exprs(rest.to_vec());
                let text = self.source.build.expr(ExprKind::Concat(parts), at);
                return Some(self.written(*to, "Fprint", text, node));
            }
            ("fmt.Sprint" | "fmt.Sprintln", [_, ..]) => ExprKind::Concat(self.exprs(args.to_vec())),
            (_, [one]) => {
                let object = function.child_by_field_name("operand")?;
                let method = function
                    .child_by_field_name("field")
                    .map(|field| self.source.text(field).into_owned())?;
                if !WRITES.contains(&&*method) || !self.is_growing(object) {
                    return None;
                }
                let text = self.expr(*one);
                return Some(self.grown(object, text, node));
            }
            _ => return None,
        };
        Some(self.source.build.expr(kind, at))
    }

    fn method_of(&mut self, object: Node<'_>, name: &str, node: Node<'_>) -> ExprId {
        let object = self.expr(object);
        let name = self.source.build.name(name);
        self.source.build.expr(ExprKind::Attr { object, name }, span(node))
    }

    fn function_of(&mut self, package: &str, name: &str, node: Node<'_>) -> ExprId {
        let object = self.source.build.name_expr(package, span(node));
        let name = self.source.build.name(name);
        self.source.build.expr(ExprKind::Attr { object, name }, span(node))
    }

    /// `Fprint(to, text)`, or `to` with the text behind it.
    fn written(&mut self, to: Node<'_>, name: &str, text: ExprId, node: Node<'_>) -> ExprId {
        let object = to
            .child_by_field_name("operand")
            .filter(|_| to.kind() == "unary_expression")
            .unwrap_or(to);
        if self.is_growing(object) {
            return self.grown(object, text, node);
        }
        let to = self.expr(to);
        let callee = self.function_of("fmt", name, node);
        self.source.build.call(callee, &[to, text], span(node))
    }

    fn grown(&mut self, object: Node<'_>, text: ExprId, node: Node<'_>) -> ExprId {
        let before = self.expr(object);
        let value = self.source.build.expr(ExprKind::Concat(vec![before, text]), span(node));
        let target = self.expr(object);
        self.source.build.expr(ExprKind::Assign { target, value }, span(node))
    }

    fn is_growing(&self, object: Node<'_>) -> bool {
        let name = self.source.text(object);
        object.kind() == "identifier" && self.scopes.iter().rev().find_map(|scope| scope.get(&*name)) == Some(&true)
    }

    /// Whether a value is a text that grows: `&bytes.Buffer{}`, `new(strings.Builder)`.
    pub(super) fn grows(&self, value: Node<'_>) -> bool {
        let text = self.source.text(value);
        let text = text.trim_start_matches('&');
        [
            "strings.Builder{",
            "bytes.Buffer{",
            "new(strings.Builder",
            "new(bytes.Buffer",
            "bytes.NewBuffer",
        ]
        .iter()
        .any(|form| text.starts_with(form))
    }

    /// Whether a value is what a function of this file gives.
    pub(super) fn is_own_call(&self, value: Node<'_>) -> bool {
        let function = value
            .child_by_field_name("function")
            .filter(|_| value.kind() == "call_expression");
        let Some(function) = function else { return false };
        let name = function.child_by_field_name("field").unwrap_or(function);
        let package = function.child_by_field_name("operand").is_some_and(|operand| {
            let text = self.source.text(operand);
            operand.kind() == "identifier"
                && !self.scopes.iter().any(|scope| scope.contains_key(&*text))
                && !self.is_receiver(&text)
        });
        function.kind() == "func_literal" || self.own.contains(&*self.source.text(name)) && !package
    }
}
