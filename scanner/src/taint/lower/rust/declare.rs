//! What a Rust file declares: uses, types and their methods, functions, parameters, attributes.

use std::collections::HashMap;

use super::control::Tail;
use super::{Arg, Class, ExprId, ExprKind, Function, Node, Param, Rust, StmtId, StmtKind, Walk, children, span};

/// Modules of modules that are looked into.
const MAX_MODULES: u16 = 40;
/// Attributes of what is built for tests alone.
const TESTS: [&str; 8] = [
    "test",
    "tokio::test",
    "actix_web::test",
    "actix_rt::test",
    "async_std::test",
    "rstest",
    "test_case",
    "bench",
];

impl Rust<'_> {
    /// Notes what the file has, before anything is lowered.
    pub(super) fn find(&mut self, root: Node<'_>) {
        let mut items = Vec::new();
        self.found(root, 0, &mut items);
        for item in &items {
            if item.kind() == "enum_item" {
                self.find_enum(*item);
            }
        }
        for item in &items {
            match item.kind() {
                "struct_item" | "union_item" | "trait_item" => {
                    if let Some(name) = item.child_by_field_name("name") {
                        let name = self.source.text(name).into_owned();
                        self.types.own_type(&name);
                    }
                    if item.kind() == "struct_item" {
                        self.find_fields(*item);
                    }
                }
                "impl_item" => self.find_impl(*item),
                "type_item" => self.find_alias(*item),
                "function_item" => {
                    if let Some(name) = item.child_by_field_name("name") {
                        let params = item.child_by_field_name("parameters").map(children).unwrap_or_default();
                        self.types
                            .functions
                            .insert(self.source.text(name).into_owned(), params.len());
                    }
                }
                _ => {}
            }
        }
    }

    fn found<'t>(&mut self, node: Node<'t>, depth: u16, items: &mut Vec<Node<'t>>) {
        for child in children(node) {
            if child.kind() == "mod_item"
                && let Some(body) = child.child_by_field_name("body")
                && depth < MAX_MODULES
            {
                if let Some(name) = child.child_by_field_name("name") {
                    self.modules.insert(self.source.text(name).into_owned());
                }
                self.found(body, depth + 1, items);
            } else {
                items.push(child);
            }
        }
    }

    fn find_impl(&mut self, item: Node<'_>) {
        let Some(ty) = item.child_by_field_name("type") else {
            return;
        };
        let ty = self.own_name(ty);
        self.types.own_type(&ty);
        if let Some(base) = item.child_by_field_name("trait") {
            let base = self.type_text(base);
            self.types.traits.entry(ty).or_default().push(base);
        }
    }

    /// The name that a type goes by in this file.
    fn own_name(&self, ty: Node<'_>) -> String {
        let text = self.type_text(ty);
        text.rsplit('.').next().unwrap_or(&text).to_owned()
    }

    /// The types of the file, each with what it implements.
    pub(super) fn classes(&mut self, root: Node<'_>) {
        for own in self.types.own.clone() {
            let bases = self.types.traits.get(&own).cloned().unwrap_or_default();
            let bases = bases.iter().map(|base| self.source.build.name(base)).collect();
            let name = self.source.build.name(&own);
            self.source.build.class(Class {
                name,
                bases,
                methods: Vec::new(),
                marks: Vec::new(),
                span: span(root),
            });
        }
    }

    /// What stands in a file or module, in order.
    pub(super) fn items(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        self.items_but(node, None, out);
    }

    /// What stands in a file, a module or a block, but for one part of it.
    pub(super) fn items_but(&mut self, node: Node<'_>, but: Option<Node<'_>>, out: &mut Vec<StmtId>) {
        let all = children(node);
        // What types are made of comes before what is done with them.
        for child in all.iter().filter(|child| child.kind() == "struct_item") {
            self.stmt(*child, out);
        }
        let mut marks: Vec<Node<'_>> = Vec::new();
        for child in &all {
            match child.kind() {
                "attribute_item" => marks.push(*child),
                "use_declaration" => self.uses(*child),
                "struct_item" => marks.clear(),
                _ if but.is_some_and(|but| but.id() == child.id()) => marks.clear(),
                "function_item" => {
                    let marks = std::mem::take(&mut marks);
                    if !self.is_test(&marks) {
                        self.function(*child, &marks, out);
                    }
                }
                _ => {
                    let marks = std::mem::take(&mut marks);
                    if !self.is_test(&marks) {
                        self.stmt(*child, out);
                    }
                }
            }
        }
    }

    /// Whether something is built for tests alone.
    fn is_test(&self, marks: &[Node<'_>]) -> bool {
        marks.iter().any(|mark| {
            let text = self.source.text(*mark);
            let text = text.trim_start_matches("#[").trim_end_matches(']');
            let name = text.split('(').next().unwrap_or(text).trim();
            let text: String = text.split_whitespace().collect();
            TESTS.contains(&name) || text.starts_with("cfg(test)") || text.starts_with("cfg(all(test")
        })
    }

    /// `use a::b::{self, c as d, e::*};`
    fn uses(&mut self, node: Node<'_>) {
        if let Some(argument) = node.child_by_field_name("argument") {
            self.used(argument, "", 0);
        }
    }

    fn used(&mut self, node: Node<'_>, front: &str, depth: u16) {
        if depth > MAX_MODULES {
            self.source.cut = true;
            return;
        }
        let text = |node: Option<Node<'_>>| node.map(|node| self.source.text(node).into_owned()).unwrap_or_default();
        let below = |path: &str| match front.is_empty() {
            true => path.to_owned(),
            false => format!("{front}::{path}"),
        };
        match node.kind() {
            "scoped_use_list" => {
                let path = below(&text(node.child_by_field_name("path")));
                for child in node.child_by_field_name("list").map(children).unwrap_or_default() {
                    self.used(child, &path, depth + 1);
                }
            }
            "use_list" => children(node)
                .into_iter()
                .for_each(|child| self.used(child, front, depth + 1)),
            "use_as_clause" => {
                let path = below(&text(node.child_by_field_name("path")));
                let alias = text(node.child_by_field_name("alias"));
                if path.ends_with("::Command") {
                    self.types.commands.insert(alias.clone());
                }
                self.import(&alias, path.trim_end_matches("::self"));
            }
            "use_wildcard" => {
                let path = below(&text(children(node).first().copied()));
                self.all_of(&path);
            }
            "self" => {
                let last = front.rsplit("::").next().unwrap_or(front).to_owned();
                self.import(&last, front);
            }
            _ => {
                let path = below(&text(Some(node)));
                let last = path.rsplit("::").next().unwrap_or(&path).to_owned();
                self.import(&last, &path);
            }
        }
    }

    fn import(&mut self, local: &str, path: &str) {
        let dotted = self.dotted(path);
        if local == "_" {
            return self.source.build.import(&format!("use {dotted}"), &dotted);
        }
        // What the file has itself goes by its own name.
        if dotted != local {
            self.source.build.import(local, &dotted);
            if local.starts_with(char::is_lowercase) {
                self.source.build.import(&format!("{local}!"), &format!("{dotted}!"));
            }
        }
    }

    /// `use a::*;` brings all names of `a` in, unless it is one of many that do, or of the file's own.
    fn all_of(&mut self, path: &str) {
        let last = path.rsplit("::").next().unwrap_or(path);
        let own = path.starts_with("super") || path.starts_with("self") || path.starts_with("crate");
        let dotted = self.dotted(path);
        if own || last == "prelude" || last.starts_with(char::is_uppercase) || dotted.is_empty() {
            return self.source.build.import(&format!("use {dotted}"), &dotted);
        }
        self.source.build.import("", &dotted);
    }

    /// A structure: its fields are of their types.
    pub(super) fn structure(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let Some(name) = node.child_by_field_name("name") else {
            return;
        };
        let name = self.source.text(name).into_owned();
        let mut body = Vec::new();
        for (field, ty) in self.typed_fields(node) {
            let Some(ty) = self.telling(ty) else { continue };
            let at = span(field);
            let object = self.source.build.name_expr("self", at);
            let text = self.source.text(field).into_owned();
            let name = self.source.build.name(&text);
            let target = self.source.build.expr(ExprKind::Attr { object, name }, at);
            let value = self.source.unknown(field);
            self.assign(target, value, Some(ty), field, &mut body);
        }
        if body.is_empty() {
            return;
        }
        let body = self.source.build.block(body);
        let class = Some(self.source.build.name(&name));
        let name = self.source.build.name("");
        let function = self.source.build.function(Function {
            name,
            class,
            params: Vec::new(),
            marks: Vec::new(),
            body,
            span: span(node),
        });
        self.push(StmtKind::Define(function), node, out);
    }

    /// `impl T { … }`, `trait T { … }`
    pub(super) fn methods(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let name = match node.child_by_field_name("type") {
            Some(ty) => self.own_name(ty),
            None => node
                .child_by_field_name("name")
                .map(|name| self.source.text(name).into_owned())
                .unwrap_or_default(),
        };
        let class = self.class.replace(name);
        if let Some(body) = node.child_by_field_name("body") {
            self.items_but(body, None, out);
        }
        self.class = class;
    }

    pub(super) fn function(&mut self, node: Node<'_>, marks: &[Node<'_>], out: &mut Vec<StmtId>) {
        let Some(body) = node.child_by_field_name("body") else {
            return;
        };
        let name = node
            .child_by_field_name("name")
            .map(|name| self.source.text(name).into_owned());
        let marks = marks.iter().filter_map(|mark| self.mark(*mark)).collect();
        let (params, first) = self.params(node.child_by_field_name("parameters"));
        self.commands.push(HashMap::new());
        let loops = std::mem::take(&mut self.loops);
        self.pointers.clear();
        self.arrays.clear();
        // What a method has inside is no method of its type.
        let class = self.class.clone();
        let gives = node.child_by_field_name("return_type").is_some();
        let inner = self.block(Some(body), if gives { &Tail::Returned } else { &Tail::Dropped });
        self.loops = loops;
        self.commands.pop();
        let body = match first.is_empty() {
            true => inner,
            false => {
                let mut stmts = first;
                stmts.push(self.source.build.stmt(StmtKind::Block(inner), span(body)));
                self.source.build.block(stmts)
            }
        };
        let class = class.map(|class| self.source.build.name(&class));
        let name = self.source.build.name(name.as_deref().unwrap_or_default());
        let function = self.source.build.function(Function {
            name,
            class,
            params,
            marks,
            body,
            span: span(node),
        });
        self.push(StmtKind::Define(function), node, out);
    }

    /// The parameters, and what says which of them are numbers.
    pub(super) fn params(&mut self, node: Option<Node<'_>>) -> (Vec<Param>, Vec<StmtId>) {
        let mut params = Vec::new();
        let mut first = Vec::new();
        let written = node.map(children).unwrap_or_default();
        let written = written.into_iter().filter(|child| child.kind() != "attribute_item");
        for (position, written) in written.enumerate() {
            let position = u16::try_from(position).unwrap_or(u16::MAX);
            let (pattern, ty) = match written.kind() {
                "parameter" => (
                    written.child_by_field_name("pattern"),
                    written.child_by_field_name("type"),
                ),
                "self_parameter" => {
                    self.param("self", None, position, &mut params);
                    continue;
                }
                // A closure's parameter without a type.
                _ => (Some(written), None),
            };
            if let Some(pattern) = pattern {
                self.param_names(pattern, ty, position, (&mut params, &mut first), 0);
            }
        }
        (params, first)
    }

    fn param(&mut self, name: &str, ty: Option<&str>, position: u16, params: &mut Vec<Param>) {
        let name = self.source.build.name(name);
        let ty = ty.filter(|ty| !ty.is_empty()).map(|ty| self.source.build.name(ty));
        params.push(Param {
            name,
            position,
            ty,
            marks: Vec::new(),
            default: None,
            rest: false,
        });
    }

    /// Each name of a pattern with its own part of the type: `Path((id, name)): Path<(u32, String)>`.
    fn param_names(
        &mut self,
        pattern: Node<'_>,
        ty: Option<Node<'_>>,
        position: u16,
        (params, first): (&mut Vec<Param>, &mut Vec<StmtId>),
        depth: u16,
    ) {
        if depth > MAX_MODULES {
            self.source.cut = true;
            return;
        }
        match pattern.kind() {
            "identifier" | "shorthand_field_identifier" | "self" => {
                let name = self.source.text(pattern).into_owned();
                let text = ty.map(|ty| self.type_text(ty));
                self.param(&name, text.as_deref(), position, params);
                if ty.is_some_and(|ty| self.is_number(ty)) || text.is_some_and(|text| text.ends_with(".number")) {
                    let value = self.source.build.name_expr(&name, span(pattern));
                    let value = self.as_number(value, pattern);
                    let target = self.source.build.name_expr(&name, span(pattern));
                    self.assign(target, value, None, pattern, first);
                }
            }
            "tuple_struct_pattern" => self.wrapped_names(pattern, ty, position, (params, first), depth),
            "field_pattern" => {
                let inner = pattern
                    .child_by_field_name("pattern")
                    .or_else(|| pattern.child_by_field_name("name"));
                let numbers = pattern
                    .child_by_field_name("name")
                    .is_some_and(|name| self.is_number_field(&self.source.text(name)));
                if let Some(inner) = inner.filter(|_| !numbers) {
                    self.param_names(inner, ty, position, (params, first), depth + 1);
                } else if let Some(inner) = inner {
                    let name = self.source.text(inner).into_owned();
                    self.param(&name, Some("number"), position, params);
                }
            }
            _ => {
                let parts = children(pattern).into_iter();
                let parts: Vec<Node<'_>> = parts
                    .filter(|part| {
                        !matches!(
                            part.kind(),
                            "mutable_specifier" | "type_identifier" | "scoped_type_identifier"
                        )
                    })
                    .collect();
                let types = ty
                    .filter(|ty| ty.kind() == "tuple_type")
                    .map(children)
                    .unwrap_or_default();
                for (index, part) in parts.into_iter().enumerate() {
                    let ty = types.get(index).copied().or(ty);
                    self.param_names(part, ty, position, (params, first), depth + 1);
                }
            }
        }
    }

    /// `Path(x): Path<T>`: `x` is a `Path`, of a number if `T` is one.
    fn wrapped_names(
        &mut self,
        pattern: Node<'_>,
        ty: Option<Node<'_>>,
        position: u16,
        (params, first): (&mut Vec<Param>, &mut Vec<StmtId>),
        depth: u16,
    ) {
        let head = pattern.child_by_field_name("type").map(|head| head.id());
        let parts = children(pattern).into_iter().filter(|part| Some(part.id()) != head);
        let inside = ty.map(|ty| self.type_arguments(ty)).unwrap_or_default();
        for part in parts {
            let names = match part.kind() {
                "tuple_pattern" => children(part),
                _ => vec![part],
            };
            let tuple = inside
                .first()
                .filter(|ty| ty.kind() == "tuple_type")
                .map(|ty| children(*ty));
            for (index, name) in names.into_iter().enumerate() {
                let own = tuple
                    .as_ref()
                    .and_then(|tuple| tuple.get(index))
                    .or(inside.first())
                    .copied();
                let own = own.filter(|own| self.is_number(*own));
                match own {
                    // What is a number is one, whatever it is wrapped in.
                    Some(_) => self.param_names(name, own, position, (params, first), depth + 1),
                    None => self.named_as(name, ty, position, params, depth + 1),
                }
            }
        }
    }

    fn named_as(
        &mut self,
        pattern: Node<'_>,
        ty: Option<Node<'_>>,
        position: u16,
        params: &mut Vec<Param>,
        depth: u16,
    ) {
        if pattern.kind() != "identifier" {
            let mut first = Vec::new();
            return self.param_names(pattern, ty, position, (params, &mut first), depth);
        }
        let name = self.source.text(pattern).into_owned();
        let ty = ty.map(|ty| self.type_text(ty).trim_end_matches(".number").to_owned());
        self.param(&name, ty.as_deref(), position, params);
    }

    /// An attribute as a call: `#[get("/x")]`.
    fn mark(&mut self, node: Node<'_>) -> Option<ExprId> {
        let attribute = children(node).into_iter().find(|child| child.kind() == "attribute")?;
        let name = children(attribute).first().copied()?;
        let path = self.source.text(name).into_owned();
        let callee = self.path(&path, name);
        let given = attribute
            .child_by_field_name("arguments")
            .map(children)
            .unwrap_or_default();
        let mut args = Vec::new();
        for text in given.into_iter().filter(|token| token.kind() == "string_literal") {
            args.push(Arg {
                name: None,
                value: self.string(text),
                spread: false,
            });
        }
        let new = false;
        Some(self.source.build.expr(ExprKind::Call { callee, args, new }, span(node)))
    }
}
