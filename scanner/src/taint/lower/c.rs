//! C and C++ to the one form: statements and declarations.
//!
//! A pointer that a function may write through has a type that begins with `*`. `std::` is left out of names. What a
//! comparison of texts means (`strcmp(a, b) == 0`) is written as one, and a product of unknown numbers is a call of
//! `operator.mul`, since it may be less than its parts.

use tree_sitter::{Node, Tree};

use super::super::ir::{BlockId, ExprId, ExprKind, FunctionId, NameId, StmtId, StmtKind};
use super::walk::Walk;
use super::{Lowered, Source, children, span};

mod call;
mod declare;
mod define;
mod expr;
mod facts;
mod heeded;
mod jump;
mod room;

use self::facts::Facts;
use self::room::Files;

/// Whether streams and classes are to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    C,
    Cpp,
}

pub(super) fn lower(source: Source<'_>, tree: &Tree, dialect: Dialect) -> Lowered {
    let root = tree.root_node();
    let mut c = C {
        source,
        dialect,
        class: None,
        within: false,
        facts: Facts::default(),
        files: Files::default(),
        jumping: false,
        jumps: 0,
        apart: Vec::new(),
    };
    c.files = Files::of(root, &c.source);
    let mut stmts = Vec::new();
    c.stmts_of(root, &mut stmts);
    let body = c.source.build.block(stmts);
    c.classes_apart(root);
    c.source.finish(tree, body)
}

struct C<'s> {
    source: Source<'s>,
    dialect: Dialect,
    /// The class whose body is lowered.
    class: Option<NameId>,
    /// Whether a function's body is.
    within: bool,
    /// What is known of that function.
    facts: Facts,
    files: Files,
    /// Whether what is behind a label is lowered for a jump to it.
    jumping: bool,
    jumps: u32,
    /// Methods that stand outside of their classes.
    apart: Vec<(String, FunctionId)>,
}

impl<'s> Walk<'s> for C<'s> {
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

impl C<'_> {
    fn stmts_of(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        for child in children(node) {
            self.stmt(child, out);
        }
    }

    /// A statement as a block; one in braces is that block.
    fn block(&mut self, node: Option<Node<'_>>) -> BlockId {
        let mut stmts = Vec::new();
        match node {
            Some(node) if node.kind() == "compound_statement" => self.stmts_of(node, &mut stmts),
            Some(node) => self.stmt(node, &mut stmts),
            None => {}
        }
        self.source.build.block(stmts)
    }

    fn stmt_within(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        match node.kind() {
            "expression_statement" => self.expression_stmt(node, out),
            "compound_statement" => {
                let block = self.block(Some(node));
                self.push(StmtKind::Block(block), node, out);
            }
            "if_statement" => self.if_stmt(node, out),
            "for_statement" => self.for_stmt(node, out),
            "for_range_loop" => self.range_stmt(node, out),
            "while_statement" | "do_statement" => self.while_stmt(node, out),
            "switch_statement" => self.switch_stmt(node, out),
            "try_statement" => self.try_stmt(node, out),
            "return_statement" | "co_return_statement" => {
                let given = node.named_child(0);
                if given.is_some_and(|given| self.facts.is_dangling(given, &self.source)) {
                    let call = self.call_of("operator.dangling", &[], span(node));
                    self.push(StmtKind::Expr(call), node, out);
                }
                let value = self.first(node);
                self.push(StmtKind::Return(value), node, out);
            }
            "throw_statement" => {
                let value = self.first(node);
                self.push(StmtKind::Throw(value), node, out);
            }
            "goto_statement" => self.jump(node, out),
            "break_statement" => self.push(StmtKind::Break, node, out),
            "continue_statement" => self.push(StmtKind::Continue, node, out),
            "function_definition" => self.function_definition(node, out),
            "declaration" | "field_declaration" => self.declaration(node, out),
            "struct_specifier" | "class_specifier" | "union_specifier" => self.class_specifier(node, out),
            "preproc_def" => self.constant(node, out),
            "namespace_alias_definition" | "using_declaration" => self.import(node),
            "namespace_definition" | "linkage_specification" => {
                if let Some(body) = node.child_by_field_name("body") {
                    match body.kind() {
                        "declaration_list" => self.stmts_of(body, out),
                        _ => self.stmt(body, out),
                    }
                }
            }
            "labeled_statement" => {
                children(node)
                    .into_iter()
                    .skip(1)
                    .for_each(|child| self.stmt(child, out));
            }
            "template_declaration" | "declaration_list" | "ERROR" => self.stmts_of(node, out),
            kind if kind.starts_with("preproc_") => self.preprocessed(node, out),
            "comment" | "type_definition" | "alias_declaration" | "enum_specifier" | "access_specifier" => {}
            "template_parameter_list" | "static_assert_declaration" | "friend_declaration" | "type_identifier" => {}
            "empty_statement" | "attribute_declaration" | "primitive_type" | "statement_identifier" => {}
            _ => {
                let value = self.expr(node);
                self.push(StmtKind::Expr(value), node, out);
            }
        }
    }

    fn while_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let condition = self.condition(node, out);
        // The body of `do` is done before its condition is looked at.
        let condition = (node.kind() == "while_statement").then_some(condition);
        let body = node.child_by_field_name("body");
        let body = match condition {
            None if self.is_done_once(node) => {
                let mut stmts = Vec::new();
                body.into_iter().for_each(|body| self.stmt(body, &mut stmts));
                self.push(StmtKind::Break, node, &mut stmts);
                self.source.build.block(stmts)
            }
            _ => self.block(body),
        };
        self.copied(node, out);
        self.push(StmtKind::Loop { condition, body }, node, out);
        self.filtered(node, out);
    }

    /// Whether a loop is `do … while (0)`, which is there to be left early.
    fn is_done_once(&self, node: Node<'_>) -> bool {
        let condition = node.child_by_field_name("condition");
        let text = condition
            .map(|condition| self.source.text(condition))
            .unwrap_or_default();
        let text = text.trim_matches(['(', ')', ' ']);
        text == "0" || text == "false"
    }

    /// Both what holds with a definition and what holds without it: within a function two ways, of which one is gone.
    fn preprocessed(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        if !matches!(
            node.kind(),
            "preproc_if" | "preproc_ifdef" | "preproc_else" | "preproc_elif" | "preproc_elifdef"
        ) {
            return;
        }
        let alternative = node.child_by_field_name("alternative").filter(|_| self.within);
        let mut stmts = Vec::new();
        for child in self.after_condition(node) {
            if Some(child.id()) != alternative.map(|alternative| alternative.id()) {
                self.stmt(child, &mut stmts);
            }
        }
        if !self.within || node.kind() == "preproc_else" {
            out.append(&mut stmts);
            return;
        }
        let condition = self.source.unknown(node);
        let then = self.source.build.block(stmts);
        let mut rest = Vec::new();
        if let Some(alternative) = alternative {
            self.stmt(alternative, &mut rest);
        }
        let otherwise = self.source.build.block(rest);
        self.branch((condition, then, otherwise), node, out);
    }

    /// The parts of `#if` and its like that are code.
    fn after_condition<'t>(&self, node: Node<'t>) -> Vec<Node<'t>> {
        let skipped = ["name", "condition"].map(|field| node.child_by_field_name(field).map(|child| child.id()));
        let parts = children(node).into_iter();
        parts.filter(|child| !skipped.contains(&Some(child.id()))).collect()
    }

    fn expression_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        for child in children(node) {
            if child.kind() != "assignment_expression" {
                let value = self.expr(child);
                self.push(StmtKind::Expr(value), child, out);
                let called = child.child_by_field_name("function").map(|name| self.source.text(name));
                if called.is_some_and(|name| self.files.leaving.contains(&*name)) {
                    self.push(StmtKind::Throw(None), child, out);
                }
                continue;
            }
            let (target, value, append) = self.assignment(child);
            let ty = None;
            self.put(target, value, (append, ty), child, out);
            self.filled_by_name(child, out);
        }
    }

    fn give(&mut self, target: ExprId, value: ExprId, node: Node<'_>, out: &mut Vec<StmtId>) {
        let (append, ty) = (false, None);
        self.put(target, value, (append, ty), node, out);
    }

    /// What decides; what is declared within it stands before.
    fn condition(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) -> ExprId {
        let Some(condition) = node.child_by_field_name("condition") else {
            return self.source.unknown(node);
        };
        if condition.kind() != "condition_clause" {
            return self.expr(condition);
        }
        if let Some(first) = condition.child_by_field_name("initializer") {
            self.stmts_of(first, out);
        }
        match condition.child_by_field_name("value") {
            Some(value) if value.kind() == "declaration" => {
                self.declaration(value, out);
                match value.child_by_field_name("declarator").and_then(declare::named) {
                    Some(name) => self.expr(name),
                    None => self.source.unknown(value),
                }
            }
            Some(value) => self.expr(value),
            None => self.source.unknown(condition),
        }
    }

    fn if_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let condition = self.condition(node, out);
        let then = self.block(node.child_by_field_name("consequence"));
        let otherwise = node
            .child_by_field_name("alternative")
            .map(|clause| match clause.kind() {
                "else_clause" => children(clause).first().copied(),
                _ => Some(clause),
            });
        let otherwise = self.block(otherwise.flatten());
        self.branch((condition, then, otherwise), node, out);
    }

    fn for_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        if let Some(first) = node.child_by_field_name("initializer") {
            match first.kind() {
                "declaration" => self.declaration(first, out),
                _ => {
                    let value = self.expr(first);
                    self.push(StmtKind::Expr(value), first, out);
                }
            }
            self.counts(first, out);
        }
        self.one_too_far(node, out);
        self.counted(node, out);
        self.copied(node, out);
        let condition = node
            .child_by_field_name("condition")
            .map(|condition| self.expr(condition));
        let mut body = Vec::new();
        if let Some(part) = node.child_by_field_name("body") {
            self.stmt(part, &mut body);
        }
        if let Some(step) = node.child_by_field_name("update") {
            let value = self.expr(step);
            self.push(StmtKind::Expr(value), step, &mut body);
        }
        let body = self.source.build.block(body);
        self.push(StmtKind::Loop { condition, body }, node, out);
        self.filtered(node, out);
    }

    /// What a loop counts with has a known value in the first round only.
    fn counts(&mut self, first: Node<'_>, out: &mut Vec<StmtId>) {
        let assigned = match first.kind() {
            "declaration" => first
                .child_by_field_name("declarator")
                .and_then(|inner| inner.child_by_field_name("declarator")),
            _ => first.child_by_field_name("left"),
        };
        let value = match first.kind() {
            "declaration" => first
                .child_by_field_name("declarator")
                .and_then(|inner| inner.child_by_field_name("value")),
            _ => first.child_by_field_name("right"),
        };
        let number = value.is_some_and(|value| value.kind() == "number_literal");
        if let Some(name) = assigned.filter(|name| number && name.kind() == "identifier") {
            let target = self.expr(name);
            let value = self.source.unknown(name);
            self.give(target, value, name, out);
        }
    }

    fn range_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let iterable = self.field(node, "right");
        let target = match node.child_by_field_name("declarator") {
            Some(declarator) => self.target(declarator),
            None => self.source.unknown(node),
        };
        let body = self.block(node.child_by_field_name("body"));
        self.push(StmtKind::ForEach { target, iterable, body }, node, out);
    }

    /// Cases without statements are further values of the next.
    fn switch_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let subject = self.condition(node, out);
        let mut cases = Vec::new();
        let mut labels: Vec<ExprId> = Vec::new();
        let mut any = false;
        let written = node.child_by_field_name("body").map(children).unwrap_or_default();
        for case in written.into_iter().filter(|case| case.kind() == "case_statement") {
            let value = case.child_by_field_name("value");
            let label = value.map(|value| self.expr(value));
            any |= label.is_none();
            labels.extend(label);
            let skip = usize::from(value.is_some());
            let mut stmts = Vec::new();
            for part in children(case).into_iter().skip(skip) {
                self.stmt(part, &mut stmts);
            }
            if stmts.is_empty() {
                continue;
            }
            let body = self.source.build.block(stmts);
            let labels = std::mem::take(&mut labels);
            cases.push((if std::mem::take(&mut any) { Vec::new() } else { labels }, body));
        }
        self.push(StmtKind::Switch { subject, cases }, node, out);
    }

    fn try_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let body = self.block(node.child_by_field_name("body"));
        let clauses = children(node)
            .into_iter()
            .filter(|clause| clause.kind() == "catch_clause");
        let handlers = clauses
            .map(|clause| self.block(clause.child_by_field_name("body")))
            .collect();
        let finally = self.block(None);
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

    /// `#define X 64`: the name `X` has the value, if it is a literal.
    fn constant(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let [name, value] = ["name", "value"].map(|field| node.child_by_field_name(field));
        let (Some(name), Some(value)) = (name, value) else {
            return;
        };
        let text = self.source.text(value).trim().to_owned();
        let text = text.trim_matches(['(', ')']);
        let kind = match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            Some(text) if !text.contains('"') => ExprKind::Str(self.source.build.name(text)),
            _ => expr::number(text),
        };
        if matches!(kind, ExprKind::Unknown) {
            return;
        }
        let value = self.source.build.expr(kind, span(value));
        let target = self.expr(name);
        self.give(target, value, node, out);
    }

    fn import(&mut self, node: Node<'_>) {
        let parts = children(node);
        let (local, path) = match (node.child_by_field_name("name"), parts.last()) {
            (Some(name), Some(path)) if parts.len() > 1 => (self.source.text(name).into_owned(), *path),
            (_, Some(path)) => {
                let text = self.path_text(*path);
                (text.rsplit('.').next().unwrap_or(&text).to_owned(), *path)
            }
            _ => return,
        };
        let path = self.path_text(path);
        if local != path {
            self.source.build.import(&local, &path);
        }
    }

    /// A qualified name without `std::` and type arguments: `std::map<A, B>` is `map`.
    fn path_text(&self, node: Node<'_>) -> String {
        let text = self.source.text(node);
        let mut plain = String::new();
        let mut depth = 0_u32;
        for c in text.chars() {
            match c {
                '<' => depth += 1,
                '>' => depth = depth.saturating_sub(1),
                _ if depth == 0 && !c.is_whitespace() => plain.push(c),
                _ => {}
            }
        }
        let path = plain.replace("::", ".");
        let path = path.trim_matches('.');
        path.strip_prefix("std.").unwrap_or(path).to_owned()
    }
}

#[cfg(test)]
mod tests;
