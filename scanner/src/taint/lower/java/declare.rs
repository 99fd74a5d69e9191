//! What a Java file declares: imports, classes, their fields and methods, parameters, annotations.

use std::collections::HashMap;

use super::{
    Arg, Class, ClassScope, ExprId, ExprKind, Function, Java, NameId, Node, Param, StmtId, StmtKind, Walk, children,
    fields, span,
};

/// Types of which nothing follows.
const PLAIN: [&str; 6] = ["Object", "String", "char", "Character", "var", ""];
/// Numbers and truths, which are no text.
const NUMBERS: [&str; 14] = [
    "int", "long", "short", "byte", "double", "float", "boolean", "Integer", "Long", "Short", "Byte", "Double",
    "Float", "Boolean",
];
/// Calls whose name says more of what they give than its type.
const TELLING: [&str; 5] = [
    "normalize",
    "toRealPath",
    "getCanonicalPath",
    "getCanonicalFile",
    "toAbsolutePath",
];

impl Java<'_> {
    /// `import a.b.C;` is noted for what the file brings in; `C` is `C` with and without it. A method that is brought in
    /// alone is one of its class.
    pub(super) fn import(&mut self, node: Node<'_>) {
        let Some(path) = children(node).first().copied() else {
            return;
        };
        let path: String = self.source.text(path).split_whitespace().collect();
        let is_static = (0..node.child_count()).any(|at| {
            let child = node.child(at);
            child.is_some_and(|child| child.kind() == "static")
        });
        let whole = children(node).iter().any(|child| child.kind() == "asterisk");
        if is_static && !whole {
            let local = path.rsplit('.').next().unwrap_or(&path);
            self.source.build.import(local, &simple(&path));
        }
        self.source.build.import(&format!("import {path}"), &path);
    }

    /// A class: first what its fields begin with, then its methods.
    pub(super) fn class(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let name = self.name_field(node, "name");
        let bases = self.bases(node);
        let members = members(node);
        let mut fields_of = HashMap::new();
        let components = node.child_by_field_name("parameters").map(children).unwrap_or_default();
        for (ty, names) in members
            .iter()
            .chain(&components)
            .filter_map(|member| self.field_names(*member))
        {
            fields_of.extend(names.into_iter().map(|name| (name, ty.clone())));
        }
        self.classes.push(ClassScope {
            name,
            fields: fields_of,
        });
        self.scopes.push(HashMap::new());
        let mut body = Vec::new();
        self.first_values(node, &members, &mut body);
        for member in members.iter().filter(|member| !is_value(**member)) {
            match member.kind() {
                "method_declaration" | "constructor_declaration" | "compact_constructor_declaration" => {
                    self.method(*member, &mut body);
                }
                kind if kind.ends_with("_declaration") => self.stmt(*member, &mut body),
                _ => {}
            }
        }
        self.scopes.pop();
        self.classes.pop();
        let methods = body
            .iter()
            .filter_map(|stmt| self.source.build.defines(*stmt))
            .collect();
        self.source.build.class(Class {
            name,
            bases,
            methods,
            // What a class is marked with says nothing of each of its methods.
            marks: Vec::new(),
            span: span(node),
        });
        let body = self.source.build.block(body);
        self.push(StmtKind::Block(body), node, out);
    }

    fn bases(&mut self, node: Node<'_>) -> Vec<NameId> {
        let written = children(node)
            .into_iter()
            .filter(|child| matches!(child.kind(), "superclass" | "super_interfaces" | "extends_interfaces"));
        let types = written.flat_map(children).flat_map(|child| match child.kind() {
            "type_list" => children(child),
            _ => vec![child],
        });
        let types: Vec<Node<'_>> = types.collect();
        let names = types.into_iter().map(|ty| {
            let text = self.type_text(Some(ty));
            self.source.build.name(&text)
        });
        names.collect()
    }

    /// The names that a member declares as fields, with their type.
    fn field_names(&self, member: Node<'_>) -> Option<(String, Vec<String>)> {
        let ty = self.type_text(member.child_by_field_name("type"));
        let names = match member.kind() {
            "field_declaration" | "constant_declaration" => fields(member, "declarator"),
            "formal_parameter" => vec![member],
            _ => return None,
        };
        let names = names
            .into_iter()
            .filter_map(|declarator| declarator.child_by_field_name("name"));
        Some((ty, names.map(|name| self.source.text(name).into_owned()).collect()))
    }

    /// What the fields of a class begin with, as a method without a name.
    fn first_values(&mut self, class: Node<'_>, members: &[Node<'_>], out: &mut Vec<StmtId>) {
        let mut body = Vec::new();
        for member in members.iter().filter(|member| is_value(**member)) {
            if !matches!(member.kind(), "field_declaration" | "constant_declaration") {
                self.stmt(*member, &mut body);
                continue;
            }
            let ty = self.type_text(member.child_by_field_name("type"));
            for declarator in fields(*member, "declarator") {
                let Some(name) = declarator.child_by_field_name("name") else {
                    continue;
                };
                let (value, written) = match declarator.child_by_field_name("value") {
                    Some(value) => self.typed(value, &ty),
                    None => (self.source.unknown(declarator), self.telling(&ty)),
                };
                let target = self.own_field(name);
                let kind = StmtKind::Assign {
                    target,
                    value,
                    append: false,
                    ty: written,
                };
                self.push(kind, declarator, &mut body);
            }
        }
        if body.is_empty() {
            return;
        }
        let body = self.source.build.block(body);
        let at = class.child_by_field_name("body").unwrap_or(class);
        let function = Function {
            name: self.source.build.name(""),
            class: self.classes.last().map(|class| class.name),
            params: Vec::new(),
            marks: Vec::new(),
            body,
            span: span(at),
        };
        let function = self.source.build.function(function);
        self.push(StmtKind::Define(function), at, out);
    }

    /// `this.name`
    pub(super) fn own_field(&mut self, name: Node<'_>) -> ExprId {
        let at = span(name);
        let object = self.source.build.name_expr("this", at);
        let text = self.source.text(name).into_owned();
        let name = self.source.build.name(&text);
        self.source.build.expr(ExprKind::Attr { object, name }, at)
    }

    /// A method or constructor; one without a body is none of this file.
    pub(super) fn method(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let Some(body) = node.child_by_field_name("body") else {
            return;
        };
        let name = match node.kind() {
            "method_declaration" => self.name_field(node, "name"),
            _ => self.source.build.name("constructor"),
        };
        self.scopes.push(HashMap::new());
        let params = self.params(node.child_by_field_name("parameters"));
        let body_id = self.block(Some(body));
        self.scopes.pop();
        let mut marks = self.marks(node);
        marks.extend(self.trivial_marks(node, body));
        let function = self.source.build.function(Function {
            name,
            class: self.classes.last().map(|class| class.name),
            params,
            marks,
            body: body_id,
            span: span(node),
        });
        self.push(StmtKind::Define(function), node, out);
    }

    /// A method that does nothing, or gives one truth whatever it is asked, is marked with what it overrides:
    /// `X509TrustManager.nothing.checkServerTrusted`, `HostnameVerifier.true.verify`.
    pub(super) fn trivial_marks(&mut self, method: Node<'_>, body: Node<'_>) -> Vec<ExprId> {
        let says = match children(body).as_slice() {
            [] => "nothing",
            [one] if one.kind() == "return_statement" => match children(*one).first().map(Node::kind) {
                Some("true") => "true",
                Some("false") => "false",
                Some("null_literal") | None => "nothing",
                _ => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        let Some(class) = method.parent().and_then(|body| body.parent()) else {
            return Vec::new();
        };
        let bases = match class.kind() {
            "object_creation_expression" => {
                let ty = self.type_text(class.child_by_field_name("type"));
                vec![self.source.build.name(&ty)]
            }
            _ => self.bases(class),
        };
        let name = self.name_field(method, "name");
        let says = self.source.build.name(says);
        let mut marks = Vec::new();
        for base in bases {
            let at = span(method);
            let object = self.source.build.expr(ExprKind::Name(base), at);
            let object = self.source.build.expr(ExprKind::Attr { object, name: says }, at);
            marks.push(self.source.build.expr(ExprKind::Attr { object, name }, at));
        }
        marks
    }

    pub(super) fn params(&mut self, node: Option<Node<'_>>) -> Vec<Param> {
        let written = node.map(children).unwrap_or_default();
        let written = written.into_iter().filter(|param| param.kind() != "receiver_parameter");
        let mut params = Vec::new();
        for (position, param) in written.enumerate() {
            let rest = param.kind() == "spread_parameter";
            let (name, ty) = if rest {
                let inner = children(param);
                let name = inner.iter().find(|child| child.kind() == "variable_declarator");
                let name = name.and_then(|declarator| declarator.child_by_field_name("name"));
                (name, inner.into_iter().find(|child| child.kind().contains("type")))
            } else {
                (param.child_by_field_name("name"), param.child_by_field_name("type"))
            };
            let Some(name) = name else { continue };
            let name = self.source.text(name).into_owned();
            let ty = self.type_text(ty);
            self.declare(&name, &ty);
            let marks = self.marks(param);
            params.push(Param {
                name: self.source.build.name(&name),
                position: u16::try_from(position).unwrap_or(u16::MAX),
                ty: Some(self.source.build.name(&ty)),
                marks,
                default: None,
                rest,
            });
        }
        params
    }

    /// The annotations of a declaration.
    fn marks(&mut self, node: Node<'_>) -> Vec<ExprId> {
        let modifiers = children(node).into_iter().filter(|child| child.kind() == "modifiers");
        let annotations = modifiers
            .flat_map(children)
            .filter(|child| child.kind().ends_with("annotation"));
        annotations
            .collect::<Vec<_>>()
            .into_iter()
            .map(|mark| self.mark(mark))
            .collect()
    }

    fn mark(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let name = node
            .child_by_field_name("name")
            .map(|name| simple(&self.source.text(name)));
        let callee = self.source.build.name_expr(name.as_deref().unwrap_or_default(), at);
        let mut args = Vec::new();
        for arg in node.child_by_field_name("arguments").map(children).unwrap_or_default() {
            let (name, value) = match arg.kind() {
                "element_value_pair" => (Some(self.name_field(arg, "key")), arg.child_by_field_name("value")),
                _ => (None, Some(arg)),
            };
            let Some(value) = value else { continue };
            let value = self.mark_value(value);
            args.push(Arg {
                name,
                value,
                spread: false,
            });
        }
        let new = false;
        self.source.build.expr(ExprKind::Call { callee, args, new }, at)
    }

    fn mark_value(&mut self, node: Node<'_>) -> ExprId {
        match node.kind() {
            "element_value_array_initializer" => {
                let parts: Vec<ExprId> = children(node).into_iter().map(|part| self.mark_value(part)).collect();
                self.source.build.expr(ExprKind::List(parts), span(node))
            }
            "annotation" | "marker_annotation" => self.source.unknown(node),
            _ => self.expr(node),
        }
    }

    /// A type without package and type arguments.
    pub(super) fn type_text(&self, node: Option<Node<'_>>) -> String {
        node.map(|node| simple(&self.source.text(node))).unwrap_or_default()
    }

    /// A type, if anything follows of it.
    pub(super) fn telling(&mut self, ty: &str) -> Option<NameId> {
        let plain = PLAIN.contains(&ty) || NUMBERS.contains(&ty) || ty.ends_with(']') || ty.len() == 1;
        (!plain).then(|| self.source.build.name(ty))
    }

    /// A value of a declared type: a number is none of what it was read from.
    pub(super) fn typed(&mut self, value: Node<'_>, ty: &str) -> (ExprId, Option<NameId>) {
        let expr = self.expr(value);
        let name = value
            .child_by_field_name("name")
            .map(|name| self.source.text(name).into_owned());
        match value.kind() {
            "method_invocation" | "cast_expression" | "array_access" if NUMBERS.contains(&ty) => {
                (self.number(expr, value), None)
            }
            "object_creation_expression" | "lambda_expression" | "method_reference" => (expr, None),
            "method_invocation" if name.is_some_and(|name| TELLING.contains(&&*name)) => (expr, None),
            _ => (expr, self.telling(ty)),
        }
    }

    /// What a value is as a number: a call of `int`.
    pub(super) fn number(&mut self, value: ExprId, node: Node<'_>) -> ExprId {
        let callee = self.source.build.name_expr("int", span(node));
        self.source.build.call(callee, &[value], span(node))
    }

    pub(super) fn is_number(ty: &str) -> bool {
        NUMBERS.contains(&ty)
    }
}

/// A type or name without package, type arguments and annotations: `java.util.Map.Entry<K, V>` is `Map.Entry`.
pub(super) fn simple(text: &str) -> String {
    let mut depth = 0_u32;
    let bare = text.chars().filter(|c| match c {
        '<' => {
            depth += 1;
            false
        }
        '>' => {
            depth = depth.saturating_sub(1);
            false
        }
        c => depth == 0 && !c.is_whitespace(),
    });
    let bare: String = bare.collect();
    let parts: Vec<&str> = bare.split('.').collect();
    let first = parts.iter().position(|part| part.starts_with(char::is_uppercase));
    parts[first.unwrap_or(parts.len() - 1)..].join(".")
}

/// The members of a class, those of an enumeration's second half included.
fn members(class: Node<'_>) -> Vec<Node<'_>> {
    let body = class.child_by_field_name("body").map(children).unwrap_or_default();
    let members = body.into_iter().flat_map(|member| match member.kind() {
        "enum_body_declarations" => children(member),
        _ => vec![member],
    });
    members.collect()
}

/// Whether a member is worked out when an object or the class is made.
fn is_value(member: Node<'_>) -> bool {
    matches!(
        member.kind(),
        "field_declaration" | "constant_declaration" | "static_initializer" | "block"
    )
}

#[cfg(test)]
mod tests {
    use super::simple;

    #[test]
    fn a_type_goes_by_its_simple_name() {
        assert_eq!(simple("java.util.Map.Entry<String, List<A>>"), "Map.Entry");
        assert_eq!(simple("int"), "int");
        assert_eq!(simple("byte[]"), "byte[]");
        assert_eq!(simple("java.nio.file.Files.readString"), "Files.readString");
    }
}
