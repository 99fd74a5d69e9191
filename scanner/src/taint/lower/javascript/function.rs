//! Functions: what they take, what marks them, what they do.

use tree_sitter::Node;

use super::super::super::ir::{ExprId, ExprKind, Function, FunctionId, NameId, Param, Span, StmtId, StmtKind};
use super::{Script, Walk, children, fields, known_as, span};

/// The mark of functions that browsers call by name.
const SERVED: &str = "use server";

/// What a function takes, and what of that is done first.
#[derive(Default)]
struct Taken {
    params: Vec<Param>,
    first: Vec<StmtId>,
}

impl Script<'_> {
    pub(super) fn function_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let name = node
            .child_by_field_name("name")
            .map(|name| self.source.text(name))
            .unwrap_or_default();
        let function = self.function(node, &name, None, Vec::new());
        self.push(StmtKind::Define(function), node, out);
    }

    /// A function's own name, if it is written as a value.
    pub(super) fn closure(&mut self, node: Node<'_>, marks: &[String]) -> ExprId {
        let name = node
            .child_by_field_name("name")
            .filter(|name| name.kind() == "identifier");
        let name = name.map(|name| self.source.text(name)).unwrap_or_default();
        let marks = self.mark(marks, node);
        let function = self.function(node, &name, None, marks.into_iter().collect());
        self.source.build.expr(ExprKind::Closure(function), span(node))
    }

    /// The names of a chain, as a mark; none of an empty one.
    fn mark(&mut self, chain: &[String], node: Node<'_>) -> Option<ExprId> {
        let names: Vec<&str> = chain.iter().map(String::as_str).collect();
        (!names.is_empty()).then(|| self.dotted(&names, node))
    }

    /// `a.b.c`, as if it was written.
    pub(super) fn dotted(&mut self, names: &[&str], node: Node<'_>) -> ExprId {
        let mut names = names.iter();
        let mut whole = self
            .source
            .build
            .name_expr(names.next().copied().unwrap_or_default(), span(node));
        for name in names {
            let name = self.source.build.name(name);
            whole = self
                .source
                .build
                .expr(ExprKind::Attr { object: whole, name }, span(node));
        }
        whole
    }

    pub(super) fn function(
        &mut self,
        node: Node<'_>,
        name: &str,
        class: Option<NameId>,
        mut marks: Vec<ExprId>,
    ) -> FunctionId {
        if !name.is_empty() {
            marks.push(self.dotted(&["function", name], node));
        }
        let served = self.functions == 0 && self.served && class.is_none();
        self.functions += 1;
        let taken = self.taken(node);
        let mut stmts = taken.first;
        let body = node.child_by_field_name("body");
        match body {
            Some(body) if body.kind() == "statement_block" => {
                if served || self.says_use_server(body) {
                    marks.push(self.source.build.name_expr(SERVED, span(node)));
                }
                children(body)
                    .into_iter()
                    .for_each(|child| self.stmt(child, &mut stmts));
            }
            Some(body) => {
                let value = self.expr(body);
                self.push(StmtKind::Return(Some(value)), body, &mut stmts);
            }
            None => {}
        }
        self.functions -= 1;
        let body = self.source.build.block(stmts);
        let function = Function {
            name: self.source.build.name(name),
            class,
            params: taken.params,
            marks,
            body,
            span: span(node),
        };
        self.source.build.function(function)
    }

    /// `part => callee(part)`, for a callee that is given as it is.
    pub(super) fn wrapped(&mut self, callee: Node<'_>) -> ExprId {
        let at = span(callee);
        self.functions += 1;
        let target = self.expr(callee);
        let part = self.source.build.name_expr("part", at);
        let value = self.source.build.call(target, &[part], at);
        self.functions -= 1;
        let give = self.source.build.stmt(StmtKind::Return(Some(value)), at);
        let body = self.source.build.block(vec![give]);
        let param = self.param("part", 0, None);
        let function = Function {
            name: self.source.build.name(""),
            class: None,
            params: vec![param],
            marks: Vec::new(),
            body,
            span: at,
        };
        let function = self.source.build.function(function);
        self.source.build.expr(ExprKind::Closure(function), at)
    }

    /// Whether a body begins with the words `"use server"`.
    pub(super) fn says_use_server(&self, body: Node<'_>) -> bool {
        let first = children(body)
            .into_iter()
            .take_while(|child| child.kind() == "expression_statement");
        let mut texts = first
            .filter_map(|stmt| stmt.named_child(0))
            .map(|text| self.source.text(text));
        texts.any(|text| text.trim_matches(['"', '\'']) == SERVED)
    }

    fn param(&mut self, name: &str, position: usize, ty: Option<NameId>) -> Param {
        Param {
            name: self.source.build.name(name),
            position: u16::try_from(position).unwrap_or(u16::MAX),
            ty,
            marks: Vec::new(),
            default: None,
            rest: false,
        }
    }

    fn taken(&mut self, function: Node<'_>) -> Taken {
        let mut taken = Taken::default();
        if let Some(name) = function.child_by_field_name("parameter") {
            let name = self.source.text(name);
            taken.params.push(self.param(&name, 0, None));
            return taken;
        }
        let written = function
            .child_by_field_name("parameters")
            .map(children)
            .unwrap_or_default();
        let written = written.into_iter().filter(|param| {
            // A type for `this` is no parameter.
            let pattern = param.child_by_field_name("pattern");
            pattern.is_none_or(|pattern| pattern.kind() != "this")
        });
        for (position, param) in written.enumerate() {
            self.take(param, position, &mut taken);
        }
        taken
    }

    fn take(&mut self, written: Node<'_>, position: usize, taken: &mut Taken) {
        let (pattern, value) = match written.kind() {
            "required_parameter" | "optional_parameter" => (
                written.child_by_field_name("pattern"),
                written.child_by_field_name("value"),
            ),
            "assignment_pattern" => (
                written.child_by_field_name("left"),
                written.child_by_field_name("right"),
            ),
            _ => (Some(written), None),
        };
        let Some(mut pattern) = pattern else { return };
        let rest = pattern.kind() == "rest_pattern";
        if rest {
            pattern = pattern.named_child(0).unwrap_or(pattern);
        }
        let ty = self.type_field(written);
        let named = pattern.kind() == "identifier";
        let name = if named {
            known_as(&self.source.text(pattern)).to_owned()
        } else {
            format!("arg{position}")
        };
        let marks = fields(written, "decorator");
        let marks = marks.into_iter().filter_map(|mark| mark.named_child(0));
        let marks = marks.map(|mark| self.expr(mark)).collect();
        let default = value.map(|value| self.expr(value));
        taken.params.push(Param {
            marks,
            default,
            rest,
            ..self.param(&name, position, ty)
        });
        if !named {
            let value = self.source.build.name_expr(&name, span(pattern));
            let target = self.expr(pattern);
            self.push_assign(target, value, None, pattern, &mut taken.first);
        }
        if children(written)
            .iter()
            .any(|child| child.kind() == "accessibility_modifier")
            || is_readonly(written)
        {
            self.kept(&name, span(written), taken);
        }
    }

    /// `constructor(private name: Type)` keeps it in the object.
    fn kept(&mut self, name: &str, at: Span, taken: &mut Taken) {
        let object = self.source.build.name_expr("this", at);
        let field = self.source.build.name(name);
        let target = self.source.build.expr(ExprKind::Attr { object, name: field }, at);
        let value = self.source.build.name_expr(name, at);
        let (append, ty) = (false, None);
        let kind = StmtKind::Assign {
            target,
            value,
            append,
            ty,
        };
        taken.first.push(self.source.build.stmt(kind, at));
    }

    /// The type that stands at a node, if anything follows from it.
    pub(super) fn type_field(&mut self, node: Node<'_>) -> Option<NameId> {
        let ty = node.child_by_field_name("type")?;
        let text = self.source.text(ty);
        let text = text.trim_start_matches([':', ' ', '\n', '\t']);
        let text = text.strip_prefix("readonly ").unwrap_or(text).trim_start();
        let end = text
            .find(|c: char| !(c.is_alphanumeric() || "_$.".contains(c)))
            .unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let says_nothing = [
            "string",
            "any",
            "unknown",
            "object",
            "void",
            "never",
            "undefined",
            "null",
            "typeof",
            "keyof",
        ];
        let plural = rest.trim_start().starts_with('[') || rest.contains("[]");
        if name.is_empty() || plural || says_nothing.contains(&name) || rest.trim_start().starts_with("=>") {
            return None;
        }
        Some(self.source.build.name(name))
    }
}

fn is_readonly(param: Node<'_>) -> bool {
    let mut cursor = param.walk();
    let mut all = param.children(&mut cursor);
    all.any(|child| child.kind() == "readonly")
}
