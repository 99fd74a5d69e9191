//! Calls, and what they hand closures to.

use tree_sitter::Node;

use super::super::super::ir::{Arg, ExprId, ExprKind, FunctionId, StmtId};
use super::{Script, Walk, bare, children, known_as, span};

/// Names of a chain that marks a closure, at most.
const MAX_CHAIN: usize = 6;
/// Methods that give each part to what they are given.
const GIVE_PARTS: [&str; 4] = ["map", "flatMap", "then", "forEach"];

impl Script<'_> {
    pub(super) fn call(&mut self, node: Node<'_>) -> ExprId {
        let (Some(function), Some(given)) = (
            node.child_by_field_name("function"),
            node.child_by_field_name("arguments"),
        ) else {
            return self.parts(node);
        };
        if given.kind() == "template_string" {
            return self.tagged(function, given, node);
        }
        let written = children(given);
        let name = match function.kind() {
            "identifier" | "import" => self.source.text(function),
            "member_expression" => {
                let property = function.child_by_field_name("property");
                property.map(|property| self.source.text(property)).unwrap_or_default()
            }
            _ => "".into(),
        };
        let object = function
            .child_by_field_name("object")
            .filter(|_| function.kind() == "member_expression");
        match (name.as_ref(), object, written.as_slice()) {
            ("require" | "import", None, [source]) if source.kind() == "string" => self.required(*source, node),
            ("import", None, _) => {
                let callee = self.source.build.name_expr("import", span(function));
                self.call_of(callee, &written, &[], node)
            }
            // The same function, another way to be called.
            ("promisify" | "callbackify" | "freeze" | "seal", _, [value]) => self.expr(*value),
            ("bind", Some(object), _) => {
                let mut parts: Vec<ExprId> = written.iter().map(|arg| self.expr(*arg)).collect();
                parts.push(self.expr(object));
                self.source.build.expr(ExprKind::Last(parts), span(node))
            }
            ("call", Some(object), [itself, rest @ ..]) if !self.is_borrowed(object) => {
                let itself = self.expr(*itself);
                let callee = self.expr(object);
                let call = self.call_of(callee, rest, &[], node);
                self.source.build.expr(ExprKind::Last(vec![itself, call]), span(node))
            }
            ("apply", Some(object), [itself, rest]) => {
                let itself = self.expr(*itself);
                let call = self.applied(object, *rest, node);
                self.source.build.expr(ExprKind::Last(vec![itself, call]), span(node))
            }
            (name, Some(_), [part]) if GIVE_PARTS.contains(&name) && is_chain(*part) => {
                let callee = self.expr(function);
                let closure = self.wrapped(*part);
                self.source.build.call(callee, &[closure], span(node))
            }
            _ => {
                let chain = self.chain(function).unwrap_or_default();
                let callee = self.expr(function);
                self.call_of(callee, &written, &chain, node)
            }
        }
    }

    /// A call that is given the parts of a list.
    fn applied(&mut self, function: Node<'_>, list: Node<'_>, node: Node<'_>) -> ExprId {
        let callee = self.expr(function);
        let args = vec![Arg {
            name: None,
            value: self.expr(list),
            spread: true,
        }];
        let new = false;
        self.source.build.expr(ExprKind::Call { callee, args, new }, span(node))
    }

    /// `Object.prototype.hasOwnProperty.call(x)`: a method of something else, called on what is given.
    fn is_borrowed(&self, object: Node<'_>) -> bool {
        let text = self.source.text(object);
        text.contains("prototype.") || text.ends_with("hasOwnProperty") || text.starts_with('[')
    }

    fn call_of(&mut self, callee: ExprId, written: &[Node<'_>], chain: &[String], node: Node<'_>) -> ExprId {
        let args = self.args(written, chain);
        let new = false;
        self.source.build.expr(ExprKind::Call { callee, args, new }, span(node))
    }

    pub(super) fn new_object(&mut self, node: Node<'_>) -> ExprId {
        let constructor = node.child_by_field_name("constructor");
        let chain = constructor
            .and_then(|constructor| self.chain(constructor))
            .unwrap_or_default();
        let callee = self.field(node, "constructor");
        let written = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let args = self.args(&written, &chain);
        let new = true;
        self.source.build.expr(ExprKind::Call { callee, args, new }, span(node))
    }

    fn args(&mut self, written: &[Node<'_>], chain: &[String]) -> Vec<Arg> {
        let mut chain = chain.to_vec();
        let mut args = Vec::new();
        for arg in written {
            let spread = arg.kind() == "spread_element";
            let value = match arg.named_child(0).filter(|_| spread) {
                Some(value) => self.expr(value),
                None => self.handed(*arg, &chain),
            };
            // The name of an event says what the closure after it is given.
            if arg.kind() == "string" && !chain.is_empty() {
                let text = self.source.text(*arg);
                let text = text.trim_matches(['"', '\'']);
                let named = |c: char| c.is_alphanumeric() || "_-:".contains(c);
                if !text.is_empty() && text.len() < 40 && text.chars().all(named) {
                    chain.push(text.to_owned());
                }
            }
            args.push(Arg {
                name: None,
                value,
                spread,
            });
        }
        args
    }

    /// An expression; closures in it are marked by where they are handed to: `tool({ execute: closure })`.
    pub(super) fn handed(&mut self, node: Node<'_>, chain: &[String]) -> ExprId {
        let node = bare(node);
        if chain.is_empty() || chain.len() > MAX_CHAIN || self.source.depth == super::super::MAX_DEPTH {
            return self.expr(node);
        }
        self.source.depth += 1;
        let expr = match node.kind() {
            "arrow_function" | "function_expression" | "generator_function" => self.closure(node, chain),
            "object" => self.object(node, chain),
            _ => self.expr(node),
        };
        self.source.depth -= 1;
        expr
    }

    /// The names of `a.b().c`, calls left out; none if anything else is in it.
    pub(super) fn chain(&self, node: Node<'_>) -> Option<Vec<String>> {
        let mut names = Vec::new();
        let mut node = node;
        while names.len() < MAX_CHAIN {
            match node.kind() {
                "identifier" | "this" => {
                    names.push(known_as(&self.source.text(node)).to_owned());
                    names.reverse();
                    return Some(names);
                }
                "member_expression" => {
                    names.push(self.source.text(node.child_by_field_name("property")?).into_owned());
                    node = node.child_by_field_name("object")?;
                }
                "call_expression" => node = node.child_by_field_name("function")?,
                "non_null_expression" => node = node.named_child(0)?,
                _ => return None,
            }
        }
        None
    }

    /// A template with a tag: the tag is given the text, and each value by itself.
    fn tagged(&mut self, tag: Node<'_>, template: Node<'_>, node: Node<'_>) -> ExprId {
        if self.source.text(tag) == "String.raw" {
            return self.template(template);
        }
        let callee = self.expr(tag);
        let mut text = String::new();
        let mut values = Vec::new();
        for child in children(template) {
            match child.kind() {
                "template_substitution" => {
                    text.push('\u{fffc}');
                    values.push(self.parts(child));
                }
                _ => text.push_str(&self.source.text(child)),
            }
        }
        let mut args = vec![self.source.build.str_expr(&text, span(template))];
        args.append(&mut values);
        self.source.build.call(callee, &args, span(node))
    }

    /// Whether a statement is a function that is called where it stands.
    pub(super) fn is_called_at_once(&self, node: Node<'_>) -> bool {
        called_at_once(node).is_some()
    }

    /// `(function (a) { … })(b)` at a file's own level: its names are the file's.
    pub(super) fn called_at_once(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let Some((function, given)) = called_at_once(node) else {
            return;
        };
        let params = function
            .child_by_field_name("parameters")
            .map(children)
            .unwrap_or_default();
        for (param, value) in params.into_iter().zip(children(given)) {
            let value = self.expr(value);
            let target = param.child_by_field_name("pattern").unwrap_or(param);
            let target = self.expr(target);
            self.push_assign(target, value, None, param, out);
        }
        self.body_into(function.child_by_field_name("body"), out);
    }

    /// A method of an object literal.
    pub(super) fn literal_method(&mut self, node: Node<'_>, marks: &[String]) -> FunctionId {
        let marks: Vec<&str> = marks.iter().map(String::as_str).collect();
        let marks = if marks.is_empty() {
            Vec::new()
        } else {
            vec![self.dotted(&marks, node)]
        };
        self.function(node, "", None, marks)
    }
}

fn called_at_once<'t>(node: Node<'t>) -> Option<(Node<'t>, Node<'t>)> {
    let mut call = bare(node);
    if matches!(call.kind(), "unary_expression" | "await_expression") {
        call = bare(call.child_by_field_name("argument").or_else(|| call.named_child(0))?);
    }
    let function = bare(call.child_by_field_name("function")?);
    let given = call.child_by_field_name("arguments")?;
    let block = function.child_by_field_name("body")?.kind() == "statement_block";
    let plain = matches!(function.kind(), "arrow_function" | "function_expression") && block;
    (plain && call.kind() == "call_expression").then_some((function, given))
}

fn is_chain(node: Node<'_>) -> bool {
    matches!(node.kind(), "identifier" | "member_expression")
}
