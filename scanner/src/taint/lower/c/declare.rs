//! What is declared: names within declarators, types, first values.

use tree_sitter::Node;

use super::super::super::ir::{Arg, ExprId, ExprKind, StmtId};
use super::super::{children, span};
use super::{C, Dialect, Walk};

/// The name that a declarator declares.
pub(super) fn named(declarator: Node<'_>) -> Option<Node<'_>> {
    let mut node = declarator;
    // A declarator is as deep as it is long, and the tree is finite.
    loop {
        node = match node.kind() {
            "identifier"
            | "field_identifier"
            | "type_identifier"
            | "qualified_identifier"
            | "operator_name"
            | "destructor_name"
            | "namespace_identifier" => return Some(node),
            _ => node.child_by_field_name("declarator").or_else(|| {
                children(node)
                    .into_iter()
                    .find(|child| !child.kind().ends_with("_qualifier"))
            })?,
        };
    }
}

/// The declarator of a function's name and parameters, within those of what it gives back.
pub(super) fn function_declarator(declarator: Node<'_>) -> Option<Node<'_>> {
    let mut node = declarator;
    let mut found = None;
    loop {
        if node.kind() == "function_declarator" {
            found = Some(node);
        }
        let inner = node.child_by_field_name("declarator").or_else(|| {
            children(node)
                .into_iter()
                .find(|child| child.kind().ends_with("_declarator"))
        });
        match inner {
            Some(inner) => node = inner,
            None => return found,
        }
    }
}

impl C<'_> {
    /// A type without what it is of; with `*` in front where what is declared can be written through.
    pub(super) fn type_text(&self, node: Node<'_>, declarator: Option<Node<'_>>) -> Option<String> {
        let ty = node.child_by_field_name("type");
        let base = ty.and_then(|ty| match ty.kind() {
            "struct_specifier" | "class_specifier" | "union_specifier" => ty.child_by_field_name("name"),
            "type_identifier" | "qualified_identifier" | "template_type" => Some(ty),
            _ => None,
        });
        let base = base
            .map(|base| self.path_text(base))
            .filter(|base| !is_plain(base))
            .unwrap_or_default();
        let constant = children(node)
            .iter()
            .any(|child| child.kind() == "type_qualifier" && self.source.text(*child) == "const");
        let kind = declarator.map_or("", |declarator| declarator.kind());
        let pointer = matches!(kind, "pointer_declarator" | "array_declarator" | "reference_declarator");
        match (pointer && !constant, base.is_empty()) {
            (true, _) => Some(format!("*{base}")),
            (false, true) => None,
            (false, false) => Some(base),
        }
    }

    pub(super) fn declaration(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        // A type may be defined where it is used.
        if let Some(ty) = node.child_by_field_name("type")
            && ty.child_by_field_name("body").is_some()
        {
            self.stmt(ty, out);
        }
        for declarator in self.declarators(node) {
            self.declarator(node, declarator, out);
        }
    }

    fn declarator(&mut self, node: Node<'_>, declarator: Node<'_>, out: &mut Vec<StmtId>) {
        let (target, value) = match declarator.kind() {
            "init_declarator" => {
                let Some(inner) = declarator.child_by_field_name("declarator") else {
                    return;
                };
                let value = declarator.child_by_field_name("value");
                // `void f(T) = delete;`
                if value.is_some_and(|value| value.kind() == "delete_expression") {
                    return;
                }
                let value = match value {
                    Some(list) if list.kind() == "argument_list" => self.made(node, list),
                    Some(value) => self.expr(value),
                    None => self.source.unknown(declarator),
                };
                (inner, value)
            }
            // `std::ifstream in(path)` reads as a function; within one it is a variable.
            "function_declarator" if self.within && self.dialect == Dialect::Cpp => {
                let ty = node
                    .child_by_field_name("type")
                    .filter(|ty| ty.kind() != "primitive_type");
                let (Some(_), Some(list)) = (ty, declarator.child_by_field_name("parameters")) else {
                    return;
                };
                (declarator, self.made(node, list))
            }
            "function_declarator" => return,
            _ if !self.within => return,
            _ if function_declarator(declarator).is_some() => return,
            _ => (declarator, self.source.unknown(declarator)),
        };
        let target = self.target(target);
        let ty = self
            .type_text(node, None)
            .filter(|ty| ty.contains('.') || ty.starts_with(char::is_uppercase));
        let pointer = declarator.kind() == "init_declarator"
            && declarator
                .child_by_field_name("declarator")
                .is_some_and(|inner| inner.kind() != "identifier");
        let ty = ty.filter(|_| !pointer).map(|ty| self.source.build.name(&ty));
        let append = false;
        self.put(target, value, (append, ty), declarator, out);
    }

    /// `T x(a, b)`: a call of `T`.
    fn made(&mut self, node: Node<'_>, list: Node<'_>) -> ExprId {
        let ty = node.child_by_field_name("type");
        let path = ty.map(|ty| self.path_text(ty)).unwrap_or_default();
        let callee = self.path(&path, node);
        let mut args = Vec::new();
        for arg in children(list) {
            let arg = if arg.kind() == "parameter_declaration" {
                arg.child_by_field_name("type").unwrap_or(arg)
            } else {
                arg
            };
            let value = match arg.kind() {
                "type_identifier" | "qualified_identifier" => {
                    let path = self.path_text(arg);
                    self.path(&path, arg)
                }
                _ => self.expr(arg),
            };
            let (name, spread) = (None, false);
            args.push(Arg { name, value, spread });
        }
        self.source.build.expr(
            ExprKind::Call {
                callee,
                args,
                new: true,
            },
            span(node),
        )
    }

    /// A declarator as a target.
    pub(super) fn target(&mut self, declarator: Node<'_>) -> ExprId {
        if declarator.kind() == "structured_binding_declarator" {
            let parts = self.exprs(children(declarator));
            return self.source.build.expr(ExprKind::List(parts), span(declarator));
        }
        match named(declarator) {
            Some(name) => {
                let text = self.source.text(name).into_owned();
                self.source.build.name_expr(&text, span(name))
            }
            None => self.source.unknown(declarator),
        }
    }
}

/// Types of the language itself, of which nothing follows.
fn is_plain(name: &str) -> bool {
    let plain = [
        "string",
        "vector",
        "map",
        "auto",
        "string_view",
        "FILE",
        "unordered_map",
        "set",
        "size_t",
    ];
    plain.contains(&name) || name.ends_with("_t")
}
