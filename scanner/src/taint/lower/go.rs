//! Go to the one form.
//!
//! ```text
//! declare  imports, types, functions, parameters ─┐
//! go       statements                             ├─▶ Builder
//! expr     expressions ─ call  what packages do   ┘
//! ```
//!
//! Always true:
//! - a package goes by its import path without a version: `github.com/golang-jwt/jwt/v5` is `github.com/golang-jwt/jwt`;
//! - a method's receiver is `this`, whatever the method calls it, and what the fields of a structure are is said by a
//!   method without a name that comes before the others;
//! - of several values that a function of another package gives, the first is the one that it was asked for.

use std::collections::{HashMap, HashSet};

use tree_sitter::{Node, Tree};

use super::super::ir::{Arg, BinaryOp, BlockId, Class, ExprId, ExprKind, Function, NameId, Param, StmtId, StmtKind};
use super::walk::Walk;
use super::{Lowered, Source, children, fields, span};

mod call;
mod declare;
mod expr;
mod literal;
mod said;

pub(super) fn lower(source: Source<'_>, tree: &Tree) -> Lowered {
    let root = tree.root_node();
    let mut go = Go {
        source,
        own: HashSet::new(),
        receiver: None,
        scopes: vec![HashMap::new()],
        class: None,
    };
    go.find_own(root);
    let body = go.top(root);
    go.source.finish(tree, body)
}

struct Go<'s> {
    source: Source<'s>,
    /// The functions and methods of this file.
    own: HashSet<String>,
    /// What the method calls its receiver.
    receiver: Option<String>,
    /// The variables of the functions around, innermost last, and whether each is a text that grows.
    scopes: Vec<HashMap<String, bool>>,
    /// The type whose method is lowered.
    class: Option<NameId>,
}

impl<'s> Walk<'s> for Go<'s> {
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
        self.stmts(node, &mut stmts);
        self.source.build.block(stmts)
    }
}

impl Go<'_> {
    /// The statements of a block, or of what stands around them.
    fn stmts(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        for child in children(node) {
            match child.kind() {
                "statement_list" => children(child).into_iter().for_each(|stmt| self.stmt(stmt, out)),
                _ => self.stmt(child, out),
            }
        }
    }

    fn block(&mut self, node: Option<Node<'_>>) -> BlockId {
        match node {
            Some(node) if node.kind() == "block" => self.block_of(node),
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
            "short_var_declaration" | "assignment_statement" => self.assignment(node, out),
            "var_declaration" | "const_declaration" => self.declaration(node, out),
            "type_declaration" => self.types(node, out),
            "if_statement" => self.if_stmt(node, out),
            "for_statement" => self.for_stmt(node, out),
            "expression_switch_statement" => self.switch_stmt(node, out),
            "type_switch_statement" => self.type_switch(node, out),
            "select_statement" => self.select_stmt(node, out),
            "return_statement" => {
                let values = children(node).first().copied().map(children).unwrap_or_default();
                let value = self.returned(node, values);
                self.push(StmtKind::Return(value), node, out);
            }
            "break_statement" => self.push(StmtKind::Break, node, out),
            "continue_statement" => self.push(StmtKind::Continue, node, out),
            "block" => {
                let block = self.block_of(node);
                self.push(StmtKind::Block(block), node, out);
            }
            "labeled_statement" => {
                if let Some(inner) = children(node).last() {
                    self.stmt(*inner, out);
                }
            }
            "inc_statement" | "dec_statement" => {
                let Some(target) = self.first(node) else { return };
                let value = self.source.unknown(node);
                self.assign(target, value, None, node, out);
            }
            "send_statement" => {
                let parts = vec![self.field(node, "channel"), self.field(node, "value")];
                let value = self.source.build.expr(ExprKind::Of(parts), span(node));
                self.push(StmtKind::Expr(value), node, out);
            }
            "expression_statement" | "go_statement" | "defer_statement" => {
                if let Some(value) = self.first(node) {
                    self.push(StmtKind::Expr(value), node, out);
                }
            }
            "package_clause"
            | "import_declaration"
            | "empty_statement"
            | "goto_statement"
            | "fallthrough_statement"
            | "label_name" => {}
            "ERROR" => self.stmts(node, out),
            _ => {
                let value = self.expr(node);
                self.push(StmtKind::Expr(value), node, out);
            }
        }
    }

    fn assign(&mut self, target: ExprId, value: ExprId, ty: Option<NameId>, node: Node<'_>, out: &mut Vec<StmtId>) {
        let append = false;
        let kind = StmtKind::Assign {
            target,
            value,
            append,
            ty,
        };
        self.push(kind, node, out);
    }

    /// `a, b = x, y`, `a, err := f()`, `a += x`
    fn assignment(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let left = node.child_by_field_name("left").map(children).unwrap_or_default();
        let right = node.child_by_field_name("right").map(children).unwrap_or_default();
        if let Some(op) = node.child_by_field_name("operator").filter(|op| op.kind() != "=") {
            let ([left], [right]) = (left.as_slice(), right.as_slice()) else {
                return;
            };
            let value = self.expr(*right);
            let target = self.target(*left);
            if op.kind() == "+=" {
                let (append, ty) = (true, None);
                let kind = StmtKind::Assign {
                    target,
                    value,
                    append,
                    ty,
                };
                return self.push(kind, node, out);
            }
            let before = self.expr(*left);
            let (op, left, right) = (BinaryOp::Bits, before, value);
            let value = self.source.build.expr(ExprKind::Binary { op, left, right }, span(node));
            return self.assign(target, value, None, node, out);
        }
        self.give(&left, &right, node.kind() == "short_var_declaration", node, out);
    }

    /// Gives names their values, one by one or all from one call.
    fn give(&mut self, left: &[Node<'_>], right: &[Node<'_>], new: bool, node: Node<'_>, out: &mut Vec<StmtId>) {
        if let ([one], true) = (right, left.len() > 1) {
            return self.take_apart(left, *one, new, node, out);
        }
        for (target, value) in left.iter().zip(right) {
            let grows = self.grows(*value);
            let (value, ty) = self.made(*value);
            if new {
                self.declare(*target, grows);
            }
            let target = self.target(*target);
            self.assign(target, value, ty, node, out);
        }
    }

    fn take_apart(&mut self, left: &[Node<'_>], value: Node<'_>, new: bool, node: Node<'_>, out: &mut Vec<StmtId>) {
        let lowered = self.expr(value);
        let lowered = match self.ignored(left, value) {
            Some(said) => self.beside(vec![said], lowered, value),
            None => lowered,
        };
        // `v, ok := table[key]`: that it is there says what the key is.
        let there = (value.kind() == "index_expression").then(|| self.is_in(value));
        if new {
            left.iter().for_each(|target| self.declare(*target, false));
        }
        if self.is_own_call(value) {
            let targets: Vec<ExprId> = left.iter().map(|target| self.target(*target)).collect();
            let target = self.source.build.expr(ExprKind::List(targets), span(node));
            return self.assign(target, lowered, None, node, out);
        }
        let Some((first, rest)) = left.split_first() else {
            return;
        };
        let target = self.target(*first);
        self.assign(target, lowered, None, node, out);
        let mut there = there;
        for other in rest {
            let name = self.source.text(*other).into_owned();
            let value = match there.take() {
                Some(there) => there,
                None if matches!(&*name, "_" | "err" | "ok" | "found" | "exists" | "cancel") => {
                    self.source.unknown(node)
                }
                None if self.source.text(*first) == "_" => self.expr(value),
                None => self.expr(*first),
            };
            let target = self.target(*other);
            self.assign(target, value, None, node, out);
        }
    }

    /// What is assigned to: `x.f` of a variable is its part under that name.
    fn target(&mut self, node: Node<'_>) -> ExprId {
        let operand = node
            .child_by_field_name("operand")
            .filter(|_| node.kind() == "selector_expression");
        let variable = operand.filter(|operand| operand.kind() == "identifier");
        let variable = variable.filter(|operand| !self.is_receiver(&self.source.text(*operand)));
        let (Some(variable), Some(field)) = (variable, node.child_by_field_name("field")) else {
            return self.expr(node);
        };
        let object = self.expr(variable);
        let name = self.source.text(field).into_owned();
        let key = self.source.build.str_expr(&name, span(field));
        self.source.build.expr(ExprKind::Index { object, key }, span(node))
    }

    fn returned(&mut self, node: Node<'_>, values: Vec<Node<'_>>) -> Option<ExprId> {
        match values.as_slice() {
            [] => None,
            [one] => Some(self.expr(*one)),
            _ => {
                let values = self.exprs(values);
                Some(self.source.build.expr(ExprKind::List(values), span(node)))
            }
        }
    }

    fn if_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        if let Some(first) = node.child_by_field_name("initializer") {
            self.stmt(first, out);
        }
        let condition = match node.child_by_field_name("condition") {
            Some(condition) => self.condition(condition),
            None => self.source.unknown(node),
        };
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
        let body = node.child_by_field_name("body");
        let head = children(node).into_iter().find(|child| child.kind() != "block");
        match head {
            Some(head) if head.kind() == "range_clause" => self.range(node, head, out),
            Some(head) if head.kind() == "for_clause" => {
                if let Some(first) = head.child_by_field_name("initializer") {
                    self.stmt(first, out);
                }
                let condition = head
                    .child_by_field_name("condition")
                    .map(|condition| self.condition(condition));
                let mut stmts = Vec::new();
                body.into_iter().for_each(|body| self.stmts(body, &mut stmts));
                if let Some(update) = head.child_by_field_name("update") {
                    self.stmt(update, &mut stmts);
                }
                let body = self.source.build.block(stmts);
                self.push(StmtKind::Loop { condition, body }, node, out);
            }
            head => {
                let condition = head.map(|head| self.condition(head));
                let body = self.block(body);
                self.push(StmtKind::Loop { condition, body }, node, out);
            }
        }
    }

    fn range(&mut self, node: Node<'_>, head: Node<'_>, out: &mut Vec<StmtId>) {
        let iterable = self.field(head, "right");
        let left = head.child_by_field_name("left").map(children).unwrap_or_default();
        left.iter().for_each(|target| self.declare(*target, false));
        let mut body = Vec::new();
        let target = match left.as_slice() {
            [key, part] => {
                // A number, or a key.
                let target = self.target(*key);
                let value = self.source.unknown(*key);
                self.assign(target, value, None, head, &mut body);
                self.target(*part)
            }
            [one] => self.target(*one),
            _ => self.source.unknown(head),
        };
        if let Some(block) = node.child_by_field_name("body") {
            self.stmts(block, &mut body);
        }
        let body = self.source.build.block(body);
        let kind = StmtKind::ForEach { target, iterable, body };
        self.push(kind, node, out);
    }

    fn switch_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        if let Some(first) = node.child_by_field_name("initializer") {
            self.stmt(first, out);
        }
        let clauses = children(node)
            .into_iter()
            .filter(|child| child.kind().ends_with("_case"));
        let clauses: Vec<Node<'_>> = clauses.collect();
        let Some(value) = node.child_by_field_name("value") else {
            return self.conditions(node, &clauses, out);
        };
        let subject = self.expr(value);
        let mut cases = Vec::new();
        for clause in clauses {
            let labels = clause.child_by_field_name("value").map(children).unwrap_or_default();
            let labels = self.exprs(labels);
            cases.push((labels, self.case_body(clause)));
        }
        self.push(StmtKind::Switch { subject, cases }, node, out);
    }

    fn case_body(&mut self, clause: Node<'_>) -> BlockId {
        let mut stmts = Vec::new();
        for list in children(clause)
            .into_iter()
            .filter(|child| child.kind() == "statement_list")
        {
            self.stmts(list, &mut stmts);
        }
        self.source.build.block(stmts)
    }

    /// A switch without a value: one condition after the other.
    fn conditions(&mut self, node: Node<'_>, clauses: &[Node<'_>], out: &mut Vec<StmtId>) {
        let mut otherwise = match clauses.iter().find(|clause| clause.kind() == "default_case") {
            Some(default) => self.case_body(*default),
            None => self.source.build.block(Vec::new()),
        };
        for clause in clauses.iter().rev().filter(|clause| clause.kind() == "expression_case") {
            let mut condition = None;
            for value in clause.child_by_field_name("value").map(children).unwrap_or_default() {
                let one = self.condition(value);
                condition = Some(match condition {
                    Some(left) => {
                        let (op, right) = (BinaryOp::Or, one);
                        self.source
                            .build
                            .expr(ExprKind::Binary { op, left, right }, span(*clause))
                    }
                    None => one,
                });
            }
            let Some(condition) = condition else { continue };
            let then = self.case_body(*clause);
            let kind = StmtKind::If {
                condition,
                then,
                otherwise,
            };
            let stmt = self.source.build.stmt(kind, span(*clause));
            otherwise = self.source.build.block(vec![stmt]);
        }
        self.push(StmtKind::Block(otherwise), node, out);
    }

    fn type_switch(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let alias = node.child_by_field_name("alias").and_then(|alias| alias.named_child(0));
        let value = self.field(node, "value");
        match alias {
            Some(alias) => {
                self.declare(alias, false);
                let target = self.expr(alias);
                self.assign(target, value, None, node, out);
            }
            None => self.push(StmtKind::Expr(value), node, out),
        }
        self.any_of(node, out);
    }

    fn select_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        self.any_of(node, out);
    }

    /// One of several blocks, by what is not known.
    fn any_of(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let subject = self.source.unknown(node);
        let mut cases = Vec::new();
        for clause in children(node)
            .into_iter()
            .filter(|child| child.kind().ends_with("_case"))
        {
            let labels = match clause.kind() {
                "default_case" => Vec::new(),
                _ => vec![self.source.unknown(clause)],
            };
            let mut stmts = Vec::new();
            if let Some(communication) = clause.child_by_field_name("communication") {
                let left = communication
                    .child_by_field_name("left")
                    .map(children)
                    .unwrap_or_default();
                match (left.as_slice(), communication.child_by_field_name("right")) {
                    (left, Some(right)) => self.give(left, &[right], true, communication, &mut stmts),
                    _ => self.stmt(communication, &mut stmts),
                }
            }
            for list in children(clause)
                .into_iter()
                .filter(|child| child.kind() == "statement_list")
            {
                self.stmts(list, &mut stmts);
            }
            cases.push((labels, self.source.build.block(stmts)));
        }
        self.push(StmtKind::Switch { subject, cases }, node, out);
    }
}

#[cfg(test)]
mod tests;
