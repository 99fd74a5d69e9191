//! What a Go file declares: imports, structures, functions, methods, parameters, variables.

use std::collections::{BTreeMap, HashMap};

use super::{
    BlockId, Class, ExprId, ExprKind, Function, Go, NameId, Node, Param, StmtId, StmtKind, Walk, children, fields, span,
};

impl Go<'_> {
    /// Notes which functions this file has.
    pub(super) fn find_own(&mut self, root: Node<'_>) {
        for child in children(root) {
            if matches!(child.kind(), "function_declaration" | "method_declaration")
                && let Some(name) = child.child_by_field_name("name")
            {
                self.own.insert(self.source.text(name).into_owned());
            }
        }
    }

    /// The top level: imports and types before functions, wherever they stand.
    pub(super) fn top(&mut self, root: Node<'_>) -> BlockId {
        let mut stmts = Vec::new();
        let all = children(root);
        for import in all.iter().filter(|child| child.kind() == "import_declaration") {
            self.imports(*import);
        }
        let (functions, others): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|child| matches!(child.kind(), "function_declaration" | "method_declaration"));
        others.into_iter().for_each(|child| self.stmt(child, &mut stmts));
        let mut receivers: BTreeMap<String, Node<'_>> = BTreeMap::new();
        for function in functions {
            if let Some((_, ty)) = self.receiver_of(function) {
                receivers.entry(ty).or_insert(function);
            }
            self.function(function, &mut stmts);
        }
        // A type that another file declares has the methods that stand here.
        for (ty, at) in receivers {
            let name = self.source.build.name(&ty);
            if !self.source.build.has_class(name) {
                self.source.build.class(Class {
                    name,
                    bases: Vec::new(),
                    methods: Vec::new(),
                    marks: Vec::new(),
                    span: span(at),
                });
            }
        }
        self.source.build.block(stmts)
    }

    fn imports(&mut self, node: Node<'_>) {
        let specs = children(node).into_iter().flat_map(|child| match child.kind() {
            "import_spec_list" => children(child),
            _ => vec![child],
        });
        for spec in specs.collect::<Vec<_>>() {
            let Some(path) = spec.child_by_field_name("path") else {
                continue;
            };
            let path = self.source.text(path);
            let path = unversioned(path.trim_matches(['"', '`']));
            let last = path.rsplit('/').next().unwrap_or(&path);
            // `gopkg.in/yaml.v3` is `yaml`, `go-chi` is mostly `chi`.
            let last = last.split('.').next().unwrap_or(last);
            let last = last.strip_prefix("go-").unwrap_or(last);
            let name = spec
                .child_by_field_name("name")
                .map(|name| self.source.text(name).into_owned());
            match name.as_deref() {
                Some("_") => self.source.build.import(&format!("import {path}"), &path),
                Some(".") => self.source.build.import("", &path),
                Some(name) => self.source.build.import(name, &path),
                None => self.source.build.import(last, &path),
            }
        }
    }

    /// `type A struct { … }`: a class, whose fields are of these types.
    pub(super) fn types(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        for spec in children(node).into_iter().filter(|child| child.kind() == "type_spec") {
            let Some(ty) = spec.child_by_field_name("type").filter(|ty| ty.kind() == "struct_type") else {
                continue;
            };
            let name = spec
                .child_by_field_name("name")
                .map(|name| self.source.text(name).into_owned());
            let name = self.source.build.name(name.as_deref().unwrap_or_default());
            let list = children(ty).into_iter().flat_map(children);
            let list: Vec<Node<'_>> = list.filter(|child| child.kind() == "field_declaration").collect();
            let mut bases = Vec::new();
            let mut body = Vec::new();
            for declared in list {
                let ty = self.type_text(declared.child_by_field_name("type"));
                let names = fields(declared, "name");
                if names.is_empty() {
                    bases.push(self.source.build.name(&ty));
                }
                for field in names {
                    let at = span(field);
                    let object = self.source.build.name_expr("this", at);
                    let text = self.source.text(field).into_owned();
                    let field = self.source.build.name(&text);
                    let target = self.source.build.expr(ExprKind::Attr { object, name: field }, at);
                    let value = self.source.unknown(declared);
                    let ty = self.telling(&ty);
                    self.assign(target, value, ty, declared, &mut body);
                }
            }
            self.first_values(name, body, spec, out);
            self.source.build.class(Class {
                name,
                bases,
                methods: Vec::new(),
                marks: Vec::new(),
                span: span(spec),
            });
        }
    }

    fn first_values(&mut self, class: NameId, body: Vec<StmtId>, node: Node<'_>, out: &mut Vec<StmtId>) {
        if body.is_empty() {
            return;
        }
        let body = self.source.build.block(body);
        let name = self.source.build.name("");
        let function = self.source.build.function(Function {
            name,
            class: Some(class),
            params: Vec::new(),
            marks: Vec::new(),
            body,
            span: span(node),
        });
        self.push(StmtKind::Define(function), node, out);
    }

    /// What a method calls its receiver, and of which type that is.
    fn receiver_of(&self, node: Node<'_>) -> Option<(String, String)> {
        let param = node.child_by_field_name("receiver")?.named_child(0)?;
        let name = param
            .child_by_field_name("name")
            .map(|name| self.source.text(name).into_owned());
        Some((
            name.unwrap_or_default(),
            self.type_text(param.child_by_field_name("type")),
        ))
    }

    fn function(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let Some(body) = node.child_by_field_name("body") else {
            return;
        };
        let receiver = self.receiver_of(node);
        let class = receiver.as_ref().map(|(_, ty)| self.source.build.name(ty));
        self.receiver = receiver.map(|(name, _)| name).filter(|name| !name.is_empty());
        self.class = class;
        self.scopes.push(HashMap::new());
        let name = node
            .child_by_field_name("name")
            .map(|name| self.source.text(name).into_owned());
        let params = self.params(node.child_by_field_name("parameters"));
        let body = self.block(Some(body));
        self.scopes.pop();
        self.receiver = None;
        self.class = None;
        let name = self.source.build.name(name.as_deref().unwrap_or_default());
        let function = self.source.build.function(Function {
            name,
            class,
            params,
            marks: Vec::new(),
            body,
            span: span(node),
        });
        self.push(StmtKind::Define(function), node, out);
    }

    pub(super) fn params(&mut self, node: Option<Node<'_>>) -> Vec<Param> {
        let mut params = Vec::new();
        let mut position = 0;
        for written in node.map(children).unwrap_or_default() {
            let rest = written.kind() == "variadic_parameter_declaration";
            let ty = self.type_text(written.child_by_field_name("type"));
            let ty = (!rest && !ty.is_empty()).then(|| self.source.build.name(&ty));
            let names = fields(written, "name");
            // A type alone is a parameter without a name.
            position += u16::from(names.is_empty());
            for name in names {
                self.declare(name, false);
                let name = self.source.text(name).into_owned();
                params.push(Param {
                    name: self.source.build.name(&name),
                    position,
                    ty,
                    marks: Vec::new(),
                    default: None,
                    rest,
                });
                position += 1;
            }
        }
        params
    }

    pub(super) fn declaration(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let specs = children(node).into_iter().flat_map(|child| match child.kind() {
            "var_spec_list" => children(child),
            _ => vec![child],
        });
        for spec in specs.collect::<Vec<_>>() {
            let names = fields(spec, "name");
            let values = spec.child_by_field_name("value").map(children).unwrap_or_default();
            if !values.is_empty() {
                self.give(&names, &values, true, spec, out);
                continue;
            }
            let ty = self.type_text(spec.child_by_field_name("type"));
            let grows = matches!(&*ty, "strings.Builder" | "bytes.Buffer");
            for name in names {
                self.declare(name, grows);
                let target = self.expr(name);
                let value = match &*ty {
                    "string" | "strings.Builder" | "bytes.Buffer" => self.source.build.str_expr("", span(name)),
                    _ => self.source.unknown(name),
                };
                let ty = self.telling(&ty);
                self.assign(target, value, ty, spec, out);
            }
        }
    }

    pub(super) fn declare(&mut self, name: Node<'_>, grows: bool) {
        let name = self.source.text(name).into_owned();
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, grows);
        }
    }

    /// Whether a name is the receiver, which no variable hides.
    pub(super) fn is_receiver(&self, name: &str) -> bool {
        self.receiver.as_deref() == Some(name) && !self.scopes.iter().skip(1).any(|scope| scope.contains_key(name))
    }

    /// A type without pointers and type arguments.
    pub(super) fn type_text(&self, node: Option<Node<'_>>) -> String {
        let text = node.map(|node| self.source.text(node)).unwrap_or_default();
        let text = text.trim_start_matches('*');
        let bare = match text.find('[') {
            Some(at) if at > 0 && !text.starts_with("map[") => &text[..at],
            _ => text,
        };
        bare.trim().to_owned()
    }

    /// A type, if anything follows of it.
    pub(super) fn telling(&mut self, ty: &str) -> Option<NameId> {
        let named = ty.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
        let own = ty.contains('.') || ty.starts_with(char::is_uppercase);
        (named && own && !ty.is_empty()).then(|| self.source.build.name(ty))
    }

    /// A value that is assigned: a structure that is written out keeps its parts, and its type is the variable's.
    pub(super) fn made(&mut self, value: Node<'_>) -> (ExprId, Option<NameId>) {
        let literal = value
            .child_by_field_name("operand")
            .filter(|_| value.kind() == "unary_expression");
        let literal = literal.unwrap_or(value);
        let ty = literal
            .child_by_field_name("type")
            .filter(|_| literal.kind() == "composite_literal");
        let structure = ty.filter(|ty| matches!(ty.kind(), "type_identifier" | "qualified_type" | "generic_type"));
        match (structure, literal.child_by_field_name("body")) {
            (Some(ty), Some(body)) => {
                let ty = self.type_text(Some(ty));
                if matches!(&*ty, "strings.Builder" | "bytes.Buffer") {
                    return (self.source.build.str_expr("", span(value)), None);
                }
                // What is made is known by its parts, and said as a call of its type as anywhere else.
                let said = self.is_said(literal).then(|| self.expr(literal));
                let entries = self.entries(body);
                let made = self.source.build.expr(ExprKind::Map(entries), span(value));
                let made = self.beside(said.into_iter().collect(), made, value);
                (made, self.telling(&ty))
            }
            _ => (self.expr(value), None),
        }
    }
}

/// An import path without its version.
fn unversioned(path: &str) -> String {
    let is_version = |last: &str| {
        last.strip_prefix('v')
            .is_some_and(|number| number.parse::<u32>().is_ok())
    };
    match path.rsplit_once('/') {
        Some((front, last)) if is_version(last) => front.to_owned(),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::unversioned;

    #[test]
    fn a_package_goes_by_its_path_without_a_version() {
        assert_eq!(unversioned("github.com/golang-jwt/jwt/v5"), "github.com/golang-jwt/jwt");
        assert_eq!(unversioned("net/http"), "net/http");
        assert_eq!(unversioned("k8s.io/api/core/v1"), "k8s.io/api/core");
    }
}
