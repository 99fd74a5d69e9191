//! PHP to the one form: statements, functions and classes.
//!
//! Variables keep their `$`, so that none is taken for a function. What a class says of its constants and properties
//! becomes a function without a name, which gives them their first values.

use tree_sitter::{Node, Tree};

use super::super::ir::{BlockId, ExprId, ExprKind, NameId, StmtId, StmtKind};
use super::walk::Walk;
use super::{Lowered, Source, children, fields, span};

mod call;
mod declare;
mod expr;
mod literal;
mod switch;

/// Characters that are kept of the text between tags before a value.
const MAX_PAGE: usize = 300;

pub(super) fn lower(source: Source<'_>, tree: &Tree) -> Lowered {
    let root = tree.root_node();
    let mut php = Php {
        source,
        class: None,
        base: None,
        echoes: false,
        shows_text: false,
        page: String::new(),
    };
    let body = php.block_of(root);
    php.source.finish(tree, body)
}

struct Php<'s> {
    source: Source<'s>,
    /// The class whose body is lowered, and what it extends.
    class: Option<NameId>,
    base: Option<String>,
    /// Whether `<?=` stands before the next statement.
    echoes: bool,
    /// Whether a header has said that what is shown is no page.
    shows_text: bool,
    /// The text between tags that the next value stands in: a tag or a script that is not ended yet.
    page: String,
}

impl<'s> Walk<'s> for Php<'s> {
    fn source(&mut self) -> &mut Source<'s> {
        &mut self.source
    }

    fn any_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        self.stmt_within(node, out);
    }

    fn any_expr(&mut self, node: Node<'_>) -> ExprId {
        self.expr_within(node)
    }

    fn block_of(&mut self, node: Node<'_>) -> BlockId {
        let mut stmts = Vec::new();
        self.stmts_of(node, &mut stmts);
        self.source.build.block(stmts)
    }
}

impl Php<'_> {
    /// The statements within a node; text between tags is one that says how the next is meant.
    fn stmts_of(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let mut cursor = node.walk();
        let named: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        for child in named {
            self.stmt(child, out);
        }
    }

    /// A statement as a block; one in braces is that block.
    fn block(&mut self, node: Option<Node<'_>>) -> BlockId {
        let mut stmts = Vec::new();
        match node {
            Some(node) if matches!(node.kind(), "compound_statement" | "colon_block") => {
                self.stmts_of(node, &mut stmts);
            }
            Some(node) => self.stmt(node, &mut stmts),
            None => {}
        }
        self.source.build.block(stmts)
    }

    fn stmt_within(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        match node.kind() {
            "php_tag" | "text_interpolation" => {
                let text = self.source.text(node).into_owned();
                self.echoes = text.ends_with("<?=");
                self.stands_in(&text);
            }
            "text" => {
                let text = self.source.text(node).into_owned();
                self.stands_in(&text);
            }
            "expression_statement" => self.expression_stmt(node, out),
            "echo_statement" => self.output("echo", node, out),
            "exit_statement" => {
                self.output("exit", node, out);
                self.push(StmtKind::Throw(None), node, out);
            }
            "compound_statement" => {
                let block = self.block_of(node);
                self.push(StmtKind::Block(block), node, out);
            }
            "if_statement" => self.if_stmt(node, out),
            "for_statement" => self.for_stmt(node, out),
            "foreach_statement" => self.foreach_stmt(node, out),
            "while_statement" | "do_statement" => {
                let condition = self.field(node, "condition");
                // The body of `do` is done before its condition is looked at.
                let condition = (node.kind() == "while_statement").then_some(condition);
                let body = self.block(node.child_by_field_name("body"));
                self.push(StmtKind::Loop { condition, body }, node, out);
            }
            "switch_statement" => self.switch_stmt(node, out),
            "try_statement" => self.try_stmt(node, out),
            "return_statement" => {
                let value = self.first(node);
                self.push(StmtKind::Return(value), node, out);
            }
            "break_statement" => self.push(StmtKind::Break, node, out),
            "continue_statement" => self.push(StmtKind::Continue, node, out),
            "function_definition" => {
                let function = self.function(node, None);
                self.push(StmtKind::Define(function), node, out);
            }
            "class_declaration" | "trait_declaration" | "interface_declaration" | "enum_declaration" => {
                let name = self.text_field(node, "name");
                self.class(node, &name, out);
            }
            "namespace_use_declaration" => self.imports(node),
            "const_declaration" => self.constants(node, out),
            "function_static_declaration" => self.statics(node, out),
            "namespace_definition" | "declare_statement" => self.stmts_of(node, out),
            "comment" | "empty_statement" | "goto_statement" | "named_label_statement" => {}
            "global_declaration" | "unset_statement" | "namespace_name" | "declare_directive" => {}
            _ => self.stmt_or_expr(node, out),
        }
    }

    /// What stands where the grammar lost its way: its parts still count.
    fn stmt_or_expr(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        if node.kind() == "ERROR" {
            return self.stmts_of(node, out);
        }
        let value = self.expr(node);
        self.push(StmtKind::Expr(value), node, out);
    }

    fn expression_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        if std::mem::take(&mut self.echoes) {
            return self.output("echo", node, out);
        }
        for child in children(node) {
            match child.kind() {
                "assignment_expression" | "reference_assignment_expression" | "augmented_assignment_expression" => {
                    let (target, value, append) = self.assignment(child);
                    let ty = None;
                    self.put(target, value, (append, ty), child, out);
                }
                "throw_expression" => {
                    let value = self.first(child);
                    self.push(StmtKind::Throw(value), child, out);
                }
                "function_call_expression" if self.defines(child) => self.define(child, out),
                _ => {
                    let value = self.expr(child);
                    self.push(StmtKind::Expr(value), child, out);
                }
            }
        }
    }

    /// `echo a, b`, `exit(a)`: a call of that name.
    fn output(&mut self, name: &str, node: Node<'_>, out: &mut Vec<StmtId>) {
        let mut args = Vec::new();
        let mut rest = children(node);
        rest.reverse();
        while let Some(child) = rest.pop() {
            match child.kind() {
                "sequence_expression" => rest.extend(children(child).into_iter().rev()),
                _ => args.push(child),
            }
        }
        let mut args = self.exprs(args);
        if let Some(first) = args.first_mut().filter(|_| !self.page.is_empty()) {
            let before = self.source.build.str_expr(&self.page, span(node));
            let whole = ExprKind::Concat(vec![before, *first]);
            *first = self.source.build.expr(whole, span(node));
            self.page.push('x');
        }
        let name = if self.shows_text { "shown_text" } else { name };
        let call = self.call_of(name, &args, span(node));
        self.push(StmtKind::Expr(call), node, out);
    }

    /// Keeps of the text between tags what says where the next value stands: a tag or a script that is not ended.
    fn stands_in(&mut self, text: &str) {
        let text = text.trim_end_matches("<?=").trim_end_matches("<?php");
        let text = text.split_once("?>").map_or(text, |(_, text)| text);
        self.page.push_str(text);
        let small = self.page.to_ascii_lowercase();
        let script = small.rfind("<script").filter(|at| !small[*at..].contains("</script"));
        let tag = small.rfind('<').filter(|at| !small[*at..].contains('>'));
        self.page = match (script, tag) {
            (Some(_), _) => {
                let tail: Vec<char> = self.page.chars().rev().take(MAX_PAGE).collect();
                let tail: String = tail.into_iter().rev().collect();
                if tail.to_ascii_lowercase().contains("<script") {
                    tail
                } else {
                    format!("<script>{tail}")
                }
            }
            (None, Some(at)) if small.len() - at <= MAX_PAGE => self.page.split_off(at),
            _ => String::new(),
        };
    }

    fn defines(&self, call: Node<'_>) -> bool {
        let name = call.child_by_field_name("function");
        name.is_some_and(|name| self.source.text(name) == "define")
    }

    /// `define('X', value)`: the name `X` has the value.
    fn define(&mut self, call: Node<'_>, out: &mut Vec<StmtId>) {
        let args = call.child_by_field_name("arguments").map(children).unwrap_or_default();
        let [name, value, ..] = args.as_slice() else { return };
        let name = self.source.text(*name).trim_matches(['"', '\'']).to_owned();
        let target = self.source.build.name_expr(&name, span(call));
        let value = self.expr(*value);
        self.give(target, value, call, out);
    }

    fn give(&mut self, target: ExprId, value: ExprId, node: Node<'_>, out: &mut Vec<StmtId>) {
        let (append, ty) = (false, None);
        self.put(target, value, (append, ty), node, out);
    }

    fn if_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let condition = self.field(node, "condition");
        let then = self.block(node.child_by_field_name("body"));
        let mut rest = fields(node, "alternative");
        rest.reverse();
        let mut otherwise = self.source.build.block(Vec::new());
        for clause in rest {
            let body = clause.child_by_field_name("body");
            otherwise = match clause.kind() {
                "else_if_clause" => {
                    let condition = self.field(clause, "condition");
                    let then = self.block(body);
                    let kind = StmtKind::If {
                        condition,
                        then,
                        otherwise,
                    };
                    let stmt = self.source.build.stmt(kind, span(clause));
                    self.source.build.block(vec![stmt])
                }
                _ => self.block(body),
            };
        }
        self.branch((condition, then, otherwise), node, out);
    }

    fn for_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        for first in fields(node, "initialize") {
            let value = self.expr(first);
            self.push(StmtKind::Expr(value), first, out);
        }
        let condition = fields(node, "condition").last().map(|condition| self.expr(*condition));
        let mut body = Vec::new();
        for part in fields(node, "body") {
            self.stmt(part, &mut body);
        }
        for step in fields(node, "update") {
            let value = self.expr(step);
            self.push(StmtKind::Expr(value), step, &mut body);
        }
        let body = self.source.build.block(body);
        self.push(StmtKind::Loop { condition, body }, node, out);
    }

    fn foreach_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let body = node.child_by_field_name("body");
        let parts = children(node)
            .into_iter()
            .filter(|child| Some(child.id()) != body.map(|body| body.id()));
        let parts: Vec<Node<'_>> = parts.collect();
        let [iterable, target, ..] = parts.as_slice() else {
            return;
        };
        let pair = (target.kind() == "pair").then(|| children(*target));
        let (key, target) = match pair.as_deref() {
            Some([key, value, ..]) => (Some(*key), *value),
            _ => (None, *target),
        };
        let mut stmts = Vec::new();
        if let Some(key) = key {
            // Whoever writes the parts writes their keys, too.
            let named = iterable.kind() == "variable_name";
            let keys = if named {
                self.expr(*iterable)
            } else {
                self.source.unknown(*iterable)
            };
            let value = self.call_of("array_keys", &[keys], span(key));
            let target = self.expr(key);
            self.give(target, value, key, &mut stmts);
        }
        let iterable = self.expr(*iterable);
        let target = self.expr(target);
        if let Some(body) = body {
            self.stmt(body, &mut stmts);
        }
        let body = self.source.build.block(stmts);
        self.push(StmtKind::ForEach { target, iterable, body }, node, out);
    }

    fn try_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let body = self.block(node.child_by_field_name("body"));
        let mut handlers = Vec::new();
        let mut finally = None;
        for clause in children(node) {
            match clause.kind() {
                "catch_clause" => handlers.push(self.block(clause.child_by_field_name("body"))),
                "finally_clause" => finally = clause.child_by_field_name("body"),
                _ => {}
            }
        }
        let finally = self.block(finally);
        self.push(
            StmtKind::Try {
                body,
                handlers,
                finally,
            },
            node,
            out,
        );
    }

    /// `const X = value;` at the top level.
    fn constants(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        for element in children(node)
            .into_iter()
            .filter(|child| child.kind() == "const_element")
        {
            let [name, value] = children(element)[..] else { continue };
            let name = self.source.text(name).into_owned();
            let target = self.source.build.name_expr(&name, span(element));
            let value = self.expr(value);
            self.give(target, value, element, out);
        }
    }

    fn statics(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        for element in children(node) {
            let Some(value) = element.child_by_field_name("value") else {
                continue;
            };
            let target = self.field(element, "name");
            let value = self.expr(value);
            self.give(target, value, element, out);
        }
    }

    fn imports(&mut self, node: Node<'_>) {
        let group = node.child_by_field_name("body");
        let front = children(node)
            .into_iter()
            .find(|child| child.kind() == "namespace_name");
        let front = front.filter(|_| group.is_some()).map(|front| self.path_text(front));
        for clause in children(group.unwrap_or(node)) {
            let Some(named) = clause
                .named_child(0)
                .filter(|_| clause.kind() == "namespace_use_clause")
            else {
                continue;
            };
            let path = self.path_text(named);
            let alias = clause
                .child_by_field_name("alias")
                .map(|alias| self.source.text(alias).into_owned());
            let local = alias.unwrap_or_else(|| path.rsplit('.').next().unwrap_or(&path).to_owned());
            let path = front.as_ref().map_or(path.clone(), |front| format!("{front}.{path}"));
            self.source.build.import(&local, &path);
        }
    }

    /// A name with its namespace: `\A\B` is `A.B`.
    fn path_text(&self, node: Node<'_>) -> String {
        self.source.text(node).trim_start_matches('\\').replace('\\', ".")
    }

    fn text_field(&self, node: Node<'_>, field: &str) -> String {
        let child = node.child_by_field_name(field);
        child
            .map(|child| self.source.text(child).into_owned())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
