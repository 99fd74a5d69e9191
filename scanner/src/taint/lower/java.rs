//! Java to the one form.
//!
//! ```text
//! declare  imports, classes, methods, parameters, annotations ─┐
//! java     statements                                          ├─▶ Builder
//! expr     expressions ─ call  what the JDK's own classes do   ┘
//! ```
//!
//! Always true:
//! - a class goes by its simple name, whatever brings it in: `jakarta.servlet.http.HttpServletRequest` and the same of
//!   `javax` are both `HttpServletRequest`;
//! - a field of the class is `this.field`, whether `this` is written or not, and its first value is given by a method
//!   without a name that comes before the others.

use std::collections::HashMap;

use tree_sitter::{Node, Tree};

use super::super::ir::{Arg, BinaryOp, BlockId, Class, ExprId, ExprKind, Function, NameId, Param, StmtId, StmtKind};
use super::walk::Walk;
use super::{Lowered, Source, children, fields, span};

mod call;
mod declare;
mod expr;
mod literal;

pub(super) fn lower(source: Source<'_>, tree: &Tree) -> Lowered {
    let root = tree.root_node();
    let mut java = Java {
        source,
        classes: Vec::new(),
        scopes: vec![HashMap::new()],
    };
    let body = java.block_of(root);
    java.source.finish(tree, body)
}

struct Java<'s> {
    source: Source<'s>,
    /// The classes around, innermost last.
    classes: Vec<ClassScope>,
    /// The variables of the functions around, innermost last, with their types.
    scopes: Vec<HashMap<String, String>>,
}

/// A class whose body is lowered.
struct ClassScope {
    name: NameId,
    /// Its fields with their types.
    fields: HashMap<String, String>,
}

impl<'s> Walk<'s> for Java<'s> {
    fn source(&mut self) -> &mut Source<'s> {
        &mut self.source
    }

    fn any_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        self.stmt_within(node, out);
    }

    fn any_expr(&mut self, node: Node<'_>) -> ExprId {
        self.expr_within(node)
    }
}

impl Java<'_> {
    /// A block, or a statement that stands for one.
    fn block(&mut self, node: Option<Node<'_>>) -> BlockId {
        match node {
            Some(node) if node.kind() == "block" || node.kind() == "constructor_body" => self.block_of(node),
            Some(node) => {
                let mut stmts = Vec::new();
                self.stmt(node, &mut stmts);
                self.source.build.block(stmts)
            }
            None => self.source.build.block(Vec::new()),
        }
    }

    fn stmt_within(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        match node.kind() {
            "import_declaration" => self.import(node),
            "class_declaration" | "interface_declaration" | "enum_declaration" | "record_declaration" => {
                self.class(node, out);
            }
            "method_declaration" => self.method(node, out),
            "local_variable_declaration" => self.variables(node, out),
            "expression_statement" => {
                if let Some(value) = children(node).first() {
                    self.expression_stmt(*value, out);
                }
            }
            "if_statement" => self.if_stmt(node, out),
            "while_statement" => {
                let condition = Some(self.field(node, "condition"));
                let body = self.block(node.child_by_field_name("body"));
                self.push(StmtKind::Loop { condition, body }, node, out);
            }
            "do_statement" => {
                let (condition, body) = (None, self.block(node.child_by_field_name("body")));
                self.push(StmtKind::Loop { condition, body }, node, out);
            }
            "for_statement" => self.for_stmt(node, out),
            "enhanced_for_statement" => self.for_each(node, out),
            "try_statement" | "try_with_resources_statement" => self.try_stmt(node, out),
            "switch_expression" => self.switch_stmt(node, out),
            "return_statement" => {
                let value = self.first(node);
                self.push(StmtKind::Return(value), node, out);
            }
            "throw_statement" => {
                let value = self.first(node);
                self.push(StmtKind::Throw(value), node, out);
            }
            "break_statement" | "yield_statement" => self.push(StmtKind::Break, node, out),
            "continue_statement" => self.push(StmtKind::Continue, node, out),
            "block" | "synchronized_statement" | "static_initializer" | "constructor_body" => {
                for child in children(node) {
                    self.stmt(child, out);
                }
            }
            "labeled_statement" => {
                if let Some(inner) = children(node).last() {
                    self.stmt(*inner, out);
                }
            }
            "package_declaration" | "module_declaration" | "annotation_type_declaration" => {}
            "assert_statement" | "identifier" | "empty_statement" => {}
            // What stands where the grammar lost its way: its parts still count.
            "ERROR" => children(node).into_iter().for_each(|child| self.stmt(child, out)),
            _ => {
                let value = self.expr(node);
                self.push(StmtKind::Expr(value), node, out);
            }
        }
    }

    fn expression_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        if node.kind() == "switch_expression" {
            return self.switch_stmt(node, out);
        }
        if node.kind() == "method_invocation" && self.for_each_call(node, out) {
            return;
        }
        let right = node
            .child_by_field_name("right")
            .filter(|_| node.kind() == "assignment_expression");
        let plain = node.child_by_field_name("operator").is_some_and(|op| op.kind() == "=");
        match (right, node.child_by_field_name("left")) {
            (Some(right), Some(left)) if plain => {
                let declared = self.type_of_target(left);
                let (value, ty) = self.typed(right, &declared);
                let target = self.expr(left);
                let append = false;
                let kind = StmtKind::Assign {
                    target,
                    value,
                    append,
                    ty,
                };
                self.push(kind, node, out);
            }
            _ => {
                let value = self.expr(node);
                self.push(StmtKind::Expr(value), node, out);
            }
        }
    }

    /// The declared type of what is assigned to; empty if it is not known.
    fn type_of_target(&self, target: Node<'_>) -> String {
        let text = self.source.text(target);
        let name = text.strip_prefix("this.").unwrap_or(&text);
        let local = self.variable_type(name).filter(|_| name.len() == text.len());
        local.or_else(|| self.field_type(name)).unwrap_or_default().to_owned()
    }

    fn variable_type(&self, name: &str) -> Option<&str> {
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| scope.get(name))
            .map(String::as_str)
    }

    fn field_type(&self, name: &str) -> Option<&str> {
        self.classes.last()?.fields.get(name).map(String::as_str)
    }

    fn declare(&mut self, name: &str, ty: &str) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), ty.to_owned());
        }
    }

    /// `T a = x, b;`
    fn variables(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let ty = self.type_text(node.child_by_field_name("type"));
        for declarator in fields(node, "declarator") {
            let Some(name) = declarator.child_by_field_name("name") else {
                continue;
            };
            let value = declarator.child_by_field_name("value");
            let at = span(name);
            let name = self.source.text(name).into_owned();
            let (value, written) = match value {
                Some(value) => self.typed(value, &ty),
                None => (self.source.unknown(declarator), self.telling(&ty)),
            };
            self.declare(&name, &ty);
            let target = self.source.build.name_expr(&name, at);
            let kind = StmtKind::Assign {
                target,
                value,
                append: false,
                ty: written,
            };
            self.push(kind, declarator, out);
        }
    }

    fn if_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let condition = self.field(node, "condition");
        let then = self.block(node.child_by_field_name("consequence"));
        let otherwise = self.block(node.child_by_field_name("alternative"));
        let kind = StmtKind::If {
            condition,
            then,
            otherwise,
        };
        self.push(kind, node, out);
    }

    fn for_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        for init in fields(node, "init") {
            self.stmt(init, out);
        }
        let condition = node
            .child_by_field_name("condition")
            .map(|condition| self.expr(condition));
        let mut body = Vec::new();
        if let Some(inner) = node.child_by_field_name("body") {
            self.stmt(inner, &mut body);
        }
        for update in fields(node, "update") {
            self.expression_stmt(update, &mut body);
        }
        let body = self.source.build.block(body);
        self.push(StmtKind::Loop { condition, body }, node, out);
    }

    fn for_each(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let iterable = self.field(node, "value");
        let ty = self.type_text(node.child_by_field_name("type"));
        let Some(name) = node.child_by_field_name("name") else {
            return;
        };
        let at = span(name);
        let name = self.source.text(name).into_owned();
        self.declare(&name, &ty);
        let target = self.source.build.name_expr(&name, at);
        let mut body = Vec::new();
        if let Some(ty) = self.telling(&ty) {
            // The part is of the declared type.
            let again = self.source.build.name_expr(&name, at);
            let value = self.source.build.name_expr(&name, at);
            let kind = StmtKind::Assign {
                target: again,
                value,
                append: false,
                ty: Some(ty),
            };
            self.push(kind, node, &mut body);
        }
        if let Some(inner) = node.child_by_field_name("body") {
            self.stmt(inner, &mut body);
        }
        let body = self.source.build.block(body);
        let kind = StmtKind::ForEach { target, iterable, body };
        self.push(kind, node, out);
    }

    /// `parts.forEach(part -> …)`: a loop.
    fn for_each_call(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) -> bool {
        let named = node
            .child_by_field_name("name")
            .is_some_and(|name| self.source.text(name) == "forEach");
        let lambda = node
            .child_by_field_name("arguments")
            .and_then(|args| args.named_child(0));
        let lambda = lambda.filter(|lambda| named && lambda.kind() == "lambda_expression");
        let (Some(object), Some(lambda)) = (node.child_by_field_name("object"), lambda) else {
            return false;
        };
        let iterable = self.expr(object);
        let params = lambda.child_by_field_name("parameters");
        let names = params.map(|params| self.lambda_names(params)).unwrap_or_default();
        let mut targets = Vec::new();
        for (name, ty) in names {
            self.declare(&name, &ty);
            targets.push(self.source.build.name_expr(&name, span(lambda)));
        }
        let target = match targets.as_slice() {
            [one] => *one,
            _ => self.source.build.expr(ExprKind::List(targets), span(lambda)),
        };
        let mut body = Vec::new();
        if let Some(inner) = lambda.child_by_field_name("body") {
            match inner.kind() {
                "block" => self.stmt(inner, &mut body),
                _ => self.expression_stmt(inner, &mut body),
            }
        }
        let body = self.source.build.block(body);
        let kind = StmtKind::ForEach { target, iterable, body };
        self.push(kind, node, out);
        true
    }

    fn try_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let mut body = Vec::new();
        let resources = node.child_by_field_name("resources").map(children).unwrap_or_default();
        for resource in resources {
            self.resource(resource, &mut body);
        }
        if let Some(block) = node.child_by_field_name("body") {
            self.stmt(block, &mut body);
        }
        let mut handlers = Vec::new();
        let mut finally = None;
        for clause in children(node) {
            match clause.kind() {
                "catch_clause" => {
                    let params = children(clause)
                        .into_iter()
                        .filter(|child| child.kind() == "catch_formal_parameter");
                    for name in params.filter_map(|param| param.child_by_field_name("name")) {
                        let name = self.source.text(name).into_owned();
                        self.declare(&name, "Exception");
                    }
                    handlers.push(self.block(clause.child_by_field_name("body")));
                }
                "finally_clause" => finally = children(clause).first().copied(),
                _ => {}
            }
        }
        let finally = self.block(finally);
        let body = self.source.build.block(body);
        let kind = StmtKind::Try {
            body,
            handlers,
            finally,
        };
        self.push(kind, node, out);
    }

    fn resource(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let (name, value) = (node.child_by_field_name("name"), node.child_by_field_name("value"));
        let (Some(name), Some(value)) = (name, value) else {
            return;
        };
        let ty = self.type_text(node.child_by_field_name("type"));
        let (value, written) = self.typed(value, &ty);
        let at = span(name);
        let name = self.source.text(name).into_owned();
        self.declare(&name, &ty);
        let target = self.source.build.name_expr(&name, at);
        let kind = StmtKind::Assign {
            target,
            value,
            append: false,
            ty: written,
        };
        self.push(kind, node, out);
    }

    fn switch_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let subject = self.field(node, "condition");
        let mut cases = Vec::new();
        let groups = node.child_by_field_name("body").map(children).unwrap_or_default();
        for group in groups {
            let mut labels = Vec::new();
            let mut body = Vec::new();
            for child in children(group) {
                match child.kind() {
                    "switch_label" => labels.extend(self.constants_of(child)),
                    _ => self.stmt(child, &mut body),
                }
            }
            cases.push((labels, self.source.build.block(body)));
        }
        self.push(StmtKind::Switch { subject, cases }, node, out);
    }

    /// The constants of a label; of `default` and of patterns none.
    fn constants_of(&mut self, label: Node<'_>) -> Vec<ExprId> {
        let constants = children(label)
            .into_iter()
            .filter(|child| !matches!(child.kind(), "pattern" | "guard"));
        constants
            .collect::<Vec<_>>()
            .into_iter()
            .map(|child| self.expr(child))
            .collect()
    }
}

#[cfg(test)]
mod tests;
