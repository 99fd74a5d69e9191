//! What is defined: functions, methods in their class and outside of it, classes.

use std::collections::BTreeMap;

use tree_sitter::Node;

use super::super::super::ir::{Class, Function, FunctionId, Param, StmtId, StmtKind};
use super::super::{children, fields, span};
use super::facts::Facts;
use super::{C, Walk, declare};

impl C<'_> {
    pub(super) fn function_definition(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        if let Some(function) = self.function(node) {
            self.push(StmtKind::Define(function), node, out);
        }
    }

    fn function(&mut self, node: Node<'_>) -> Option<FunctionId> {
        let declarator = declare::function_declarator(node.child_by_field_name("declarator")?)?;
        let written = declarator
            .child_by_field_name("declarator")
            .map(|name| self.path_text(name))?;
        // `A::f` outside of its class is a method of `A`.
        let (class, name) = match written.rsplit_once('.') {
            Some((front, name)) => (
                Some(front.rsplit('.').next().unwrap_or(front).to_owned()),
                name.to_owned(),
            ),
            None => (None, written),
        };
        let apart = class.clone();
        let outer = (self.class, self.within, self.jumps);
        let facts = Facts::of(node, &self.source, &self.files);
        let around = std::mem::replace(&mut self.facts, facts);
        self.jumps = 0;
        let class = class.map(|class| self.source.build.name(&class)).or(self.class);
        self.class = class;
        self.within = true;
        let params = self.params(declarator);
        let body = node
            .child_by_field_name("body")
            .filter(|body| body.kind() != "try_statement");
        let mut unheeded = self.unheeded(node);
        let mut body = self.block(body);
        if !unheeded.is_empty() {
            unheeded.push(self.source.build.stmt(StmtKind::Block(body), span(node)));
            body = self.source.build.block(unheeded);
        }
        (self.class, self.within, self.jumps) = outer;
        self.facts = around;
        let function = Function {
            name: self.source.build.name(&name),
            class,
            params,
            marks: Vec::new(),
            body,
            span: span(node),
        };
        let function = self.source.build.function(function);
        if let Some(apart) = apart {
            self.apart.push((apart, function));
        }
        Some(function)
    }

    /// The classes of methods that stand outside of them, which another file has.
    pub(super) fn classes_apart(&mut self, root: Node<'_>) {
        let mut classes: BTreeMap<String, Vec<FunctionId>> = BTreeMap::new();
        for (class, method) in std::mem::take(&mut self.apart) {
            classes.entry(class).or_default().push(method);
        }
        for (name, methods) in classes {
            let name = self.source.build.name(&name);
            self.source.build.class(Class {
                name,
                bases: Vec::new(),
                methods,
                marks: Vec::new(),
                span: span(root),
            });
        }
    }

    pub(super) fn params(&mut self, declarator: Node<'_>) -> Vec<Param> {
        let list = declarator.child_by_field_name("parameters");
        let mut params = Vec::new();
        for (position, param) in list.map(children).unwrap_or_default().into_iter().enumerate() {
            if matches!(param.kind(), "variadic_parameter" | "...") {
                params.push(Param {
                    name: self.source.build.name("..."),
                    position: u16::try_from(position).unwrap_or(u16::MAX),
                    ty: None,
                    marks: Vec::new(),
                    default: None,
                    rest: true,
                });
            }
            let Some(declared) = param.child_by_field_name("declarator") else {
                continue;
            };
            let Some(name) = declare::named(declared) else { continue };
            let name = self.source.text(name).into_owned();
            let ty = self.type_text(param, Some(declared));
            params.push(Param {
                name: self.source.build.name(&name),
                position: u16::try_from(position).unwrap_or(u16::MAX),
                ty: ty.map(|ty| self.source.build.name(&ty)),
                marks: Vec::new(),
                default: param.child_by_field_name("default_value").map(|value| self.expr(value)),
                rest: param.kind() == "variadic_parameter_declaration",
            });
        }
        params
    }

    pub(super) fn class_specifier(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let (Some(name), Some(body)) = (node.child_by_field_name("name"), node.child_by_field_name("body")) else {
            return;
        };
        let name = self.path_text(name);
        let name = self.source.build.name(&name);
        let clause = children(node)
            .into_iter()
            .find(|child| child.kind() == "base_class_clause");
        let bases = clause.map(children).unwrap_or_default();
        let bases = bases.into_iter().filter(|base| base.kind() != "access_specifier");
        let bases: Vec<String> = bases.map(|base| self.path_text(base)).collect();
        let outer = self.class.replace(name);
        let mut methods = Vec::new();
        for member in children(body) {
            match member.kind() {
                "function_definition" => {
                    let Some(method) = self.function(member) else { continue };
                    methods.push(method);
                    self.push(StmtKind::Define(method), member, out);
                }
                "template_declaration" | "struct_specifier" | "class_specifier" => self.stmt(member, out),
                _ => {}
            }
        }
        self.class = outer;
        let bases = bases.iter().map(|base| self.source.build.name(base)).collect();
        self.source.build.class(Class {
            name,
            bases,
            methods,
            marks: Vec::new(),
            span: span(node),
        });
    }

    /// The parts of several declarators; fields with one name.
    pub(super) fn declarators<'t>(&self, node: Node<'t>) -> Vec<Node<'t>> {
        fields(node, "declarator")
    }
}
