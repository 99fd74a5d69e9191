//! Classes: methods, and what fields hold when an object is made.

use tree_sitter::Node;

use super::super::super::ir::{Class, ExprId, ExprKind, Function, FunctionId, NameId, StmtId};
use super::{Script, Walk, children, fields, span};

/// The name of what gives fields their first values; nobody calls it.
const FIELDS: &str = "(fields)";

impl Script<'_> {
    /// Lowers a class; what comes back is its name.
    pub(super) fn class(&mut self, node: Node<'_>, marks: &[Node<'_>]) -> NameId {
        let name = node.child_by_field_name("name").map(|name| self.source.text(name));
        let name = name.map_or_else(
            || format!("(class at {})", node.start_byte()),
            std::borrow::Cow::into_owned,
        );
        let name = self.source.build.name(&name);
        let mut written = fields(node, "decorator");
        written.extend_from_slice(marks);
        let marks = self.decorators(&written);
        let bases = self.bases(node);
        let outer = self.class.replace(name);
        let mut methods = Vec::new();
        let mut first = Vec::new();
        let mut before = Vec::new();
        for member in node.child_by_field_name("body").map(children).unwrap_or_default() {
            if member.kind() == "decorator" {
                before.push(member);
                continue;
            }
            let decorators = std::mem::take(&mut before);
            self.member(member, &decorators, &mut methods, &mut first);
        }
        if !first.is_empty() {
            let body = self.source.build.block(first);
            let function = Function {
                name: self.source.build.name(FIELDS),
                class: Some(name),
                params: Vec::new(),
                marks: Vec::new(),
                body,
                span: span(node),
            };
            methods.push(self.source.build.function(function));
        }
        self.class = outer;
        self.source.build.class(Class {
            name,
            bases,
            methods,
            marks,
            span: span(node),
        });
        name
    }

    fn member(
        &mut self,
        member: Node<'_>,
        decorators: &[Node<'_>],
        methods: &mut Vec<FunctionId>,
        first: &mut Vec<StmtId>,
    ) {
        let value = member.child_by_field_name("value");
        match (member.kind(), value) {
            ("method_definition", _) => methods.push(self.method(member, member, decorators)),
            ("field_definition" | "public_field_definition", Some(value)) if is_function(value) => {
                methods.push(self.method(member, value, decorators));
            }
            ("field_definition" | "public_field_definition", _) => self.first_value(member, first),
            ("class_static_block", _) => self.body_into(member.child_by_field_name("body"), first),
            _ => {}
        }
    }

    fn method(&mut self, member: Node<'_>, function: Node<'_>, before: &[Node<'_>]) -> FunctionId {
        let name = member
            .child_by_field_name("name")
            .or_else(|| member.child_by_field_name("property"));
        let name = name.map(|name| self.source.text(name)).unwrap_or_default();
        let name = name.trim_matches(['"', '\'']).to_owned();
        let mut written = fields(member, "decorator");
        written.extend_from_slice(before);
        let marks = self.decorators(&written);
        let class = self.class.take();
        let function = self.function(function, &name, class, marks);
        self.class = class;
        function
    }

    /// `name = value;`, `name: Type;` in a class: what `this.name` is.
    fn first_value(&mut self, member: Node<'_>, first: &mut Vec<StmtId>) {
        let name = member
            .child_by_field_name("name")
            .or_else(|| member.child_by_field_name("property"));
        let Some(name) = name else { return };
        let ty = self.type_field(member);
        let value = member.child_by_field_name("value");
        if ty.is_none() && value.is_none() {
            return;
        }
        self.functions += 1;
        let value = match value {
            Some(value) => self.expr(value),
            None => self.source.unknown(member),
        };
        self.functions -= 1;
        let object = self.source.build.name_expr("this", span(name));
        let field = self.source.text(name);
        let field = self.source.build.name(&field);
        let target = self
            .source
            .build
            .expr(ExprKind::Attr { object, name: field }, span(name));
        self.push_assign(target, value, ty, member, first);
    }

    fn decorators(&mut self, written: &[Node<'_>]) -> Vec<ExprId> {
        let marks = written.iter().filter_map(|decorator| decorator.named_child(0));
        marks.map(|mark| self.expr(mark)).collect()
    }

    fn bases(&mut self, node: Node<'_>) -> Vec<NameId> {
        let heritage = children(node)
            .into_iter()
            .filter(|child| child.kind() == "class_heritage")
            .flat_map(children);
        let mut bases = Vec::new();
        for clause in heritage {
            let written = match clause.kind() {
                "extends_clause" => fields(clause, "value"),
                "implements_clause" => children(clause),
                _ => vec![clause],
            };
            for base in written {
                let text = self.source.text(base);
                let end = text.find(['<', '(']).unwrap_or(text.len());
                bases.push(self.source.build.name(text[..end].trim()));
            }
        }
        bases
    }
}

fn is_function(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        "arrow_function" | "function_expression" | "generator_function"
    )
}
