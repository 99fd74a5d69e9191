//! JavaScript and TypeScript, with or without JSX, to the one form.
//!
//! ```text
//! const { exec } = require('node:child_process')   a name of "child_process" is taken apart
//! import { exec } from 'node:child_process'        exec ─▶ "child_process.exec"
//! app.get('/x', (req, res) => …)                   a closure that is marked `app.get`
//! ({ query }) => …                                 a parameter `arg0`, taken apart as the body begins
//! /^a+$/g                                          new RegExp("/^a+$/g")
//! typeof x === 'string'                            a call of "typeof.string"
//! ```
//!
//! Always true:
//! - what the language writes in several ways (`fn.bind(x)`, `promisify(fn)`, `(function () { … })()`) is lowered to one;
//! - a part of the tree is lowered once, but for names and what hangs below them by dots.

use tree_sitter::{Node, Tree};

use super::super::ir::{BlockId, ExprId, ExprKind, NameId, StmtId, StmtKind};
use super::walk::Walk;
use super::{Lowered, Source, children, fields, span};

mod call;
mod class;
mod expr;
mod function;
mod import;
mod jsx;
mod literal;

pub(super) fn lower(source: Source<'_>, tree: &Tree) -> Lowered {
    let root = tree.root_node();
    let mut script = Script {
        source,
        class: None,
        functions: 0,
        served: false,
    };
    script.served = script.says_use_server(root);
    let body = script.block_of(root);
    script.source.finish(tree, body)
}

struct Script<'s> {
    source: Source<'s>,
    /// The class whose body is lowered.
    class: Option<NameId>,
    /// How many functions stand around what is lowered.
    functions: u16,
    /// Whether the file says that what it exports is called by browsers.
    served: bool,
}

impl<'s> Walk<'s> for Script<'s> {
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

impl Script<'_> {
    /// A block, or a statement in its place.
    fn body(&mut self, node: Option<Node<'_>>) -> BlockId {
        let mut stmts = Vec::new();
        self.body_into(node, &mut stmts);
        self.source.build.block(stmts)
    }

    fn body_into(&mut self, node: Option<Node<'_>>, out: &mut Vec<StmtId>) {
        match node {
            Some(node) if node.kind() == "statement_block" => {
                children(node).into_iter().for_each(|child| self.stmt(child, out));
            }
            Some(node) => self.stmt(node, out),
            None => {}
        }
    }

    fn push_assign(
        &mut self,
        target: ExprId,
        value: ExprId,
        ty: Option<NameId>,
        node: Node<'_>,
        out: &mut Vec<StmtId>,
    ) {
        let append = false;
        let kind = StmtKind::Assign {
            target,
            value,
            append,
            ty,
        };
        self.push(kind, node, out);
    }

    fn stmt_within(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        match node.kind() {
            "expression_statement" => self.expression_stmt(node, out),
            "variable_declaration" | "lexical_declaration" | "using_declaration" => self.declaration(node, out),
            "statement_block" => {
                let block = self.block_of(node);
                self.push(StmtKind::Block(block), node, out);
            }
            "if_statement" => self.if_stmt(node, out),
            "for_statement" => self.for_stmt(node, out),
            "for_in_statement" => self.for_in_stmt(node, out),
            "while_statement" => {
                let condition = Some(self.condition_field(node, "condition"));
                let body = self.body(node.child_by_field_name("body"));
                self.push(StmtKind::Loop { condition, body }, node, out);
            }
            "do_statement" => {
                let mut stmts = Vec::new();
                self.body_into(node.child_by_field_name("body"), &mut stmts);
                let condition = self.condition_field(node, "condition");
                self.push(StmtKind::Expr(condition), node, &mut stmts);
                let body = self.source.build.block(stmts);
                let condition = None;
                self.push(StmtKind::Loop { condition, body }, node, out);
            }
            "switch_statement" => self.switch_stmt(node, out),
            "try_statement" => self.try_stmt(node, out),
            "return_statement" => {
                let value = self.first(node);
                self.push(StmtKind::Return(value), node, out);
            }
            "throw_statement" => {
                let value = self.first(node);
                self.push(StmtKind::Throw(value), node, out);
            }
            "break_statement" => self.push(StmtKind::Break, node, out),
            "continue_statement" => self.push(StmtKind::Continue, node, out),
            "labeled_statement" => self.body_into(node.child_by_field_name("body"), out),
            "function_declaration" | "generator_function_declaration" => self.function_stmt(node, out),
            "class_declaration" | "abstract_class_declaration" => {
                self.class(node, &[]);
            }
            "export_statement" => self.export_stmt(node, out),
            "import_statement" => self.import(node),
            "import_alias" | "interface_declaration" | "type_alias_declaration" | "ambient_declaration" => {}
            "function_signature" | "empty_statement" | "debugger_statement" | "hash_bang_line" => {}
            "enum_declaration" => self.enum_stmt(node, out),
            "internal_module" | "module" => {
                let block = self.body(node.child_by_field_name("body"));
                self.push(StmtKind::Block(block), node, out);
            }
            // What stands where the grammar lost its way: its parts still count.
            _ => {
                for child in children(node) {
                    self.stmt_or_expr(child, out);
                }
            }
        }
    }

    fn stmt_or_expr(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let kind = node.kind();
        let statement = ["_statement", "_declaration", "_block", "ERROR"];
        if statement.iter().any(|end| kind.ends_with(end)) {
            self.stmt(node, out);
        } else {
            let value = self.expr(node);
            self.push(StmtKind::Expr(value), node, out);
        }
    }

    fn expression_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        for child in children(node) {
            match child.kind() {
                "string" => {}
                "assignment_expression" => {
                    self.assignment(child, out);
                }
                "augmented_assignment_expression" => self.augmented(child, out),
                "internal_module" => self.stmt(child, out),
                _ if self.functions == 0 && self.is_called_at_once(child) => self.called_at_once(child, out),
                _ => {
                    let value = self.expr(child);
                    self.push(StmtKind::Expr(value), child, out);
                }
            }
        }
    }

    /// `a = b = value`: the innermost first; what comes back is what is given on.
    fn assignment(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) else {
            return;
        };
        let value = if right.kind() == "assignment_expression" && self.is_plain_target(right) {
            self.assignment(right, out);
            self.field(right, "left")
        } else {
            let chain = self.chain(left).unwrap_or_default();
            self.handed(right, &chain)
        };
        let target = self.expr(left);
        self.push_assign(target, value, None, node, out);
    }

    /// Whether what is assigned to is a name, which may be read again.
    fn is_plain_target(&self, node: Node<'_>) -> bool {
        node.child_by_field_name("left")
            .is_some_and(|left| self.chain(left).is_some())
    }

    fn augmented(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let operator = node
            .child_by_field_name("operator")
            .map(|op| op.kind())
            .unwrap_or_default();
        let value = match operator {
            "+=" | "??=" | "||=" | "&&=" => self.field(node, "right"),
            _ => {
                // A number, whatever it was.
                self.field_as_stmt(node, "right", out);
                self.source.unknown(node)
            }
        };
        let target = self.field(node, "left");
        let kind = StmtKind::Assign {
            target,
            value,
            append: operator == "+=",
            ty: None,
        };
        let stmt = self.source.build.stmt(kind, span(node));
        if matches!(operator, "??=" | "||=" | "&&=") {
            // It may keep what it has.
            let then = self.source.build.block(vec![stmt]);
            let otherwise = self.source.build.block(Vec::new());
            let condition = self.source.unknown(node);
            let kind = StmtKind::If {
                condition,
                then,
                otherwise,
            };
            self.push(kind, node, out);
        } else {
            out.push(stmt);
        }
    }

    fn field_as_stmt(&mut self, node: Node<'_>, field: &str, out: &mut Vec<StmtId>) {
        let value = self.field(node, field);
        self.push(StmtKind::Expr(value), node, out);
    }

    fn declaration(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let kind = node.child_by_field_name("kind").map_or("var", |kind| kind.kind());
        for declarator in children(node) {
            let Some(name) = declarator.child_by_field_name("name") else {
                continue;
            };
            let value = match declarator.child_by_field_name("value") {
                // What a file's own variable holds first is not what its functions see.
                Some(value) if kind != "const" && self.functions == 0 && is_switch(value) => self.source.unknown(value),
                Some(value) => self.declared(name, value),
                None => self.source.unknown(declarator),
            };
            let ty = self.type_field(declarator);
            let target = self.expr(name);
            self.push_assign(target, value, ty, declarator, out);
        }
    }

    /// What a variable holds first; a function gets its name.
    fn declared(&mut self, name: Node<'_>, value: Node<'_>) -> ExprId {
        match (name.kind(), value.kind()) {
            ("identifier", "arrow_function" | "function_expression") if self.functions == 0 => {
                let name = self.source.text(name);
                let function = self.function(value, &name, None, Vec::new());
                self.source.build.expr(ExprKind::Closure(function), span(value))
            }
            _ => self.expr(value),
        }
    }

    fn if_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        // `else if` hangs below `else`; a long row of them would be deep.
        let mut rows = Vec::new();
        let mut next = Some(node);
        let mut last = None;
        while let Some(clause) = next.take() {
            let condition = self.condition_field(clause, "condition");
            let then = self.body(clause.child_by_field_name("consequence"));
            rows.push((condition, then, clause));
            let otherwise = clause
                .child_by_field_name("alternative")
                .and_then(|other| children(other).first().copied());
            match otherwise {
                Some(other) if other.kind() == "if_statement" => next = Some(other),
                other => last = other,
            }
        }
        let mut otherwise = self.body(last);
        let many = rows.len() > usize::from(super::MAX_DEPTH);
        self.source.cut |= many;
        for (index, (condition, then, clause)) in rows.into_iter().enumerate().rev() {
            if index > usize::from(super::MAX_DEPTH) / 2 {
                // Its blocks are told after one another: what they do counts, not when.
                self.source.cut = true;
                self.push(StmtKind::Expr(condition), clause, out);
                self.push(StmtKind::Block(then), clause, out);
                continue;
            }
            let kind = StmtKind::If {
                condition,
                then,
                otherwise,
            };
            let stmt = self.source.build.stmt(kind, span(clause));
            if index == 0 {
                out.push(stmt);
                return;
            }
            otherwise = self.source.build.block(vec![stmt]);
        }
    }

    fn for_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        if let Some(initializer) = node.child_by_field_name("initializer") {
            self.stmt_or_expr(initializer, out);
        }
        let condition = node.child_by_field_name("condition");
        let condition = condition.filter(|condition| condition.kind() != "empty_statement");
        let condition = condition.map(|condition| self.condition(condition));
        let mut stmts = Vec::new();
        self.body_into(node.child_by_field_name("body"), &mut stmts);
        if let Some(increment) = node.child_by_field_name("increment") {
            let value = self.expr(increment);
            self.push(StmtKind::Expr(value), increment, &mut stmts);
        }
        let body = self.source.build.block(stmts);
        self.push(StmtKind::Loop { condition, body }, node, out);
    }

    /// `for (part of whole)`; `for (key in whole)` goes over `Object.keys(whole)`.
    fn for_in_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let target = self.field(node, "left");
        let mut iterable = self.field(node, "right");
        if node.child_by_field_name("operator").is_some_and(|op| op.kind() == "in") {
            let keys = self.dotted(&["Object", "keys"], node);
            iterable = self.source.build.call(keys, &[iterable], span(node));
        }
        let body = self.body(node.child_by_field_name("body"));
        let kind = StmtKind::ForEach { target, iterable, body };
        self.push(kind, node, out);
    }

    /// Cases without a body share that of the next.
    fn switch_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let subject = self.field(node, "value");
        let mut cases = Vec::new();
        let mut labels = Vec::new();
        let mut any = false;
        let clauses = node.child_by_field_name("body").map(children).unwrap_or_default();
        for clause in clauses {
            match clause.child_by_field_name("value") {
                Some(value) => labels.push(self.expr(value)),
                None => any = true,
            }
            let body = fields(clause, "body");
            if body.is_empty() {
                continue;
            }
            let mut stmts = Vec::new();
            body.into_iter().for_each(|child| self.stmt(child, &mut stmts));
            let body = self.source.build.block(stmts);
            let labels = std::mem::take(&mut labels);
            cases.push((if std::mem::take(&mut any) { Vec::new() } else { labels }, body));
        }
        self.push(StmtKind::Switch { subject, cases }, node, out);
    }

    fn try_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let body = self.body(node.child_by_field_name("body"));
        let mut handlers = Vec::new();
        if let Some(clause) = node.child_by_field_name("handler") {
            let mut stmts = Vec::new();
            if let Some(parameter) = clause.child_by_field_name("parameter") {
                let value = self.source.unknown(parameter);
                let target = self.expr(parameter);
                self.push_assign(target, value, None, parameter, &mut stmts);
            }
            self.body_into(clause.child_by_field_name("body"), &mut stmts);
            handlers.push(self.source.build.block(stmts));
        }
        let finally = node.child_by_field_name("finalizer");
        let finally = self.body(finally.and_then(|clause| clause.child_by_field_name("body")));
        let kind = StmtKind::Try {
            body,
            handlers,
            finally,
        };
        self.push(kind, node, out);
    }

    fn export_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let marks = fields(node, "decorator");
        if let Some(declaration) = node.child_by_field_name("declaration") {
            match declaration.kind() {
                "class_declaration" | "abstract_class_declaration" => {
                    self.class(declaration, &marks);
                }
                _ => self.stmt(declaration, out),
            }
        } else if let Some(value) = node.child_by_field_name("value") {
            let value = self.expr(value);
            self.push(StmtKind::Expr(value), node, out);
        } else if node.child_by_field_name("source").is_none() {
            // `export = value`; names that are exported are read nowhere.
            for child in children(node)
                .into_iter()
                .filter(|child| !child.kind().starts_with("export_"))
            {
                let value = self.expr(child);
                self.push(StmtKind::Expr(value), child, out);
            }
        }
    }

    /// Names of constants, as an object of them.
    fn enum_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let Some(name) = node.child_by_field_name("name") else {
            return;
        };
        let mut entries = Vec::new();
        for member in node.child_by_field_name("body").map(children).unwrap_or_default() {
            let (key, value) = match member.kind() {
                "enum_assignment" => (member.child_by_field_name("name"), member.child_by_field_name("value")),
                _ => (Some(member), None),
            };
            let key = key.map(|key| self.key(key));
            let value = match value {
                Some(value) => self.expr(value),
                None => self.source.unknown(member),
            };
            entries.push((key, value));
        }
        let value = self.source.build.expr(ExprKind::Map(entries), span(node));
        let target = self.expr(name);
        self.push_assign(target, value, None, node, out);
    }
}

/// What a name is called here: a path that begins with `$` is one of a variable that nothing is known of.
fn known_as(name: &str) -> &str {
    if name == "$" { "jquery" } else { name }
}

/// Whether a value is a constant that is no text.
fn is_switch(node: Node<'_>) -> bool {
    matches!(node.kind(), "true" | "false" | "null" | "undefined" | "number")
}

/// An expression without what stands around it and changes nothing: parentheses, types.
fn bare(node: Node<'_>) -> Node<'_> {
    let mut node = node;
    // Each round goes one deeper in a tree that ends.
    loop {
        let inner = match node.kind() {
            "parenthesized_expression"
            | "as_expression"
            | "satisfies_expression"
            | "non_null_expression"
            | "instantiation_expression"
            | "expression_statement" => children(node).first().copied(),
            "type_assertion" => children(node).last().copied(),
            _ => None,
        };
        match inner {
            Some(inner) => node = inner,
            None => return node,
        }
    }
}

#[cfg(test)]
mod tests;
