//! What PHP declares: functions, their parameters and attributes, classes with what they say of their members.

use tree_sitter::Node;

use super::super::super::ir::{
    Arg, BlockId, Class, ExprId, ExprKind, Function, FunctionId, Param, Span, StmtId, StmtKind,
};
use super::super::{children, span};
use super::Php;
use super::Walk;

impl Php<'_> {
    pub(super) fn plain_function(&mut self, name: &str, params: Vec<Param>, body: BlockId, at: Span) -> Function {
        Function {
            name: self.source.build.name(name),
            class: self.class,
            params,
            marks: Vec::new(),
            body,
            span: at,
        }
    }

    /// A function, method or closure; `value` is what an arrow function gives back.
    pub(super) fn function(&mut self, node: Node<'_>, value: Option<Node<'_>>) -> FunctionId {
        let marks = self.marks(node);
        let shows_text = std::mem::take(&mut self.shows_text);
        let mut stmts = Vec::new();
        let params = self.params(node.child_by_field_name("parameters"), &mut stmts);
        match (value, node.child_by_field_name("body")) {
            (Some(value), _) => {
                let given = self.expr(value);
                self.push(StmtKind::Return(Some(given)), value, &mut stmts);
            }
            (None, Some(body)) => self.stmts_of(body, &mut stmts),
            (None, None) => {}
        }
        self.shows_text = shows_text;
        let body = self.source.build.block(stmts);
        let name = self.text_field(node, "name");
        let function = Function {
            marks,
            ..self.plain_function(&name, params, body, span(node))
        };
        self.source.build.function(function)
    }

    /// What a function takes; what the language does with it before the body goes to `out`.
    pub(super) fn params(&mut self, node: Option<Node<'_>>, out: &mut Vec<StmtId>) -> Vec<Param> {
        let mut params = Vec::new();
        let written = node.map(children).unwrap_or_default();
        for (position, param) in written.into_iter().enumerate() {
            let Some(named) = param.child_by_field_name("name") else {
                continue;
            };
            let named = if named.kind() == "by_ref" {
                named.named_child(0).unwrap_or(named)
            } else {
                named
            };
            let name = self.source.text(named).into_owned();
            let ty = param.child_by_field_name("type").map(|ty| self.type_text(ty));
            let cast = match ty.as_deref() {
                Some("int") => Some("intval"),
                Some("float") => Some("floatval"),
                Some("bool") => Some("boolval"),
                _ => None,
            };
            // A number or truth by its type is one, whatever is given.
            if let Some(cast) = cast.filter(|_| param.kind() != "variadic_parameter") {
                let given = self.source.build.name_expr(&name, span(named));
                let value = self.call_of(cast, &[given], span(named));
                let target = self.source.build.name_expr(&name, span(named));
                self.give(target, value, named, out);
            }
            if param.kind() == "property_promotion_parameter" {
                let value = self.source.build.name_expr(&name, span(named));
                let target = self.own_attribute(name.trim_start_matches('$'), span(named));
                self.give(target, value, named, out);
            }
            let default = param.child_by_field_name("default_value").map(|value| self.expr(value));
            let plain = ["string", "mixed", "array", "iterable", "object", "callable"];
            let ty = ty.filter(|ty| !plain.contains(&ty.as_str()));
            params.push(Param {
                name: self.source.build.name(&name),
                position: u16::try_from(position).unwrap_or(u16::MAX),
                ty: ty.map(|ty| self.source.build.name(&ty)),
                marks: self.marks(param),
                default,
                rest: param.kind() == "variadic_parameter",
            });
        }
        params
    }

    /// `$this->name`.
    fn own_attribute(&mut self, name: &str, at: Span) -> ExprId {
        let object = self.source.build.name_expr("$this", at);
        let name = self.source.build.name(name);
        self.source.build.expr(ExprKind::Attr { object, name }, at)
    }

    /// A type without what it may be besides: `?A` and `A|null` are `A`.
    fn type_text(&self, node: Node<'_>) -> String {
        let text = self.path_text(node);
        let text = text.trim_start_matches(['?', '(', '\\', '.']);
        text.split(['|', '&', ')']).next().unwrap_or(text).trim().to_owned()
    }

    fn marks(&mut self, node: Node<'_>) -> Vec<ExprId> {
        let list = node.child_by_field_name("attributes");
        let groups = list.map(children).unwrap_or_default();
        let mut marks = Vec::new();
        for attribute in groups.into_iter().flat_map(children) {
            let Some(named) = attribute.named_child(0) else {
                continue;
            };
            let path = self.path_text(named);
            let callee = self.source.build.name_expr(&path, span(named));
            let args = self.args(attribute.child_by_field_name("parameters"));
            let new = false;
            marks.push(
                self.source
                    .build
                    .expr(ExprKind::Call { callee, args, new }, span(attribute)),
            );
        }
        marks
    }

    pub(super) fn class(&mut self, node: Node<'_>, name: &str, out: &mut Vec<StmtId>) {
        let marks = self.marks(node);
        let name = self.source.build.name(name);
        let mut bases = Vec::new();
        for clause in children(node) {
            if matches!(clause.kind(), "base_clause" | "class_interface_clause") {
                bases.extend(children(clause).into_iter().map(|base| self.path_text(base)));
            }
        }
        let outer = (
            self.class.replace(name),
            std::mem::replace(&mut self.base, bases.first().cloned()),
        );
        let members = node.child_by_field_name("body").map(children).unwrap_or_default();
        let mut given = Vec::new();
        for member in &members {
            match member.kind() {
                "const_declaration" => self.class_constants(*member, &mut given),
                "property_declaration" => self.properties(*member, &mut given),
                "use_declaration" => bases.extend(children(*member).into_iter().map(|used| self.path_text(used))),
                _ => {}
            }
        }
        if !given.is_empty() {
            let body = self.source.build.block(given);
            let first_values = self.plain_function("", Vec::new(), body, span(node));
            self.source.build.function(first_values);
        }
        let mut methods = Vec::new();
        for member in members
            .into_iter()
            .filter(|member| member.kind() == "method_declaration")
        {
            let method = self.function(member, None);
            methods.push(method);
            self.push(StmtKind::Define(method), member, out);
        }
        (self.class, self.base) = outer;
        let bases = bases.iter().map(|base| self.source.build.name(base)).collect();
        self.source.build.class(Class {
            name,
            bases,
            methods,
            marks,
            span: span(node),
        });
    }

    fn class_constants(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        for element in children(node)
            .into_iter()
            .filter(|child| child.kind() == "const_element")
        {
            let [name, value] = children(element)[..] else { continue };
            let name = self.source.text(name).into_owned();
            let target = self.own_attribute(&name, span(element));
            let value = self.expr(value);
            self.give(target, value, element, out);
        }
    }

    fn properties(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let ty = node.child_by_field_name("type").map(|ty| self.type_text(ty));
        let ty = ty.filter(|ty| ty.starts_with(char::is_uppercase));
        for element in children(node)
            .into_iter()
            .filter(|child| child.kind() == "property_element")
        {
            let name = self.text_field(element, "name");
            let target = self.own_attribute(name.trim_start_matches('$'), span(element));
            let value = self.field(element, "default_value");
            let ty = ty.as_ref().map(|ty| self.source.build.name(ty));
            let append = false;
            self.put(target, value, (append, ty), element, out);
        }
    }

    pub(super) fn args(&mut self, list: Option<Node<'_>>) -> Vec<Arg> {
        let mut args = Vec::new();
        for arg in list.map(children).unwrap_or_default() {
            let named = arg
                .child_by_field_name("name")
                .map(|name| self.source.text(name).into_owned());
            let name = named.map(|name| self.source.build.name(&name));
            let Some(value) = children(arg).last().copied() else {
                continue;
            };
            let spread = value.kind() == "variadic_unpacking";
            let value = self.expr(value);
            args.push(Arg { name, value, spread });
        }
        args
    }
}
