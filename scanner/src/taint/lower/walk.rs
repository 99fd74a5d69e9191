//! What all lowerings do alike: one statement after the other, one expression within the other, no deeper than [`MAX_DEPTH`].

use tree_sitter::Node;

use super::super::ir::{BlockId, ExprId, NameId, StmtId, StmtKind};
use super::{MAX_DEPTH, Source, children, span};

/// A lowering at work on a file.
pub(super) trait Walk<'s> {
    /// The file, and the module that is made of it.
    fn source(&mut self) -> &mut Source<'s>;

    /// A statement of any kind, at a depth that is allowed.
    fn any_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>);

    /// An expression of any kind, at a depth that is allowed.
    fn any_expr(&mut self, node: Node<'_>) -> ExprId;

    fn stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        if self.source().depth == MAX_DEPTH {
            self.source().cut = true;
            return;
        }
        self.source().depth += 1;
        self.any_stmt(node, out);
        self.source().depth -= 1;
    }

    fn expr(&mut self, node: Node<'_>) -> ExprId {
        if self.source().depth == MAX_DEPTH {
            self.source().cut = true;
            return self.source().unknown(node);
        }
        self.source().depth += 1;
        let expr = self.any_expr(node);
        self.source().depth -= 1;
        expr
    }

    fn exprs(&mut self, nodes: Vec<Node<'_>>) -> Vec<ExprId> {
        nodes.into_iter().map(|node| self.expr(node)).collect()
    }

    /// The first named child, if there is one.
    fn first(&mut self, node: Node<'_>) -> Option<ExprId> {
        let first = children(node).first().copied()?;
        Some(self.expr(first))
    }

    /// The child under a field's name; without one it is unknown.
    fn field(&mut self, node: Node<'_>, field: &str) -> ExprId {
        match node.child_by_field_name(field) {
            Some(child) => self.expr(child),
            None => self.source().unknown(node),
        }
    }

    /// The named children, each a statement.
    fn block_of(&mut self, node: Node<'_>) -> BlockId {
        let mut stmts = Vec::new();
        for child in children(node) {
            self.stmt(child, &mut stmts);
        }
        self.source().build.block(stmts)
    }

    /// `if`: what decides, what is done if it holds, and what else.
    fn branch(&mut self, parts: (ExprId, BlockId, BlockId), node: Node<'_>, out: &mut Vec<StmtId>) {
        let (condition, then, otherwise) = parts;
        let kind = StmtKind::If {
            condition,
            then,
            otherwise,
        };
        self.push(kind, node, out);
    }

    /// Gives a target a value: whether it is added to what was there, and as which type.
    fn put(
        &mut self,
        target: ExprId,
        value: ExprId,
        (append, ty): (bool, Option<NameId>),
        node: Node<'_>,
        out: &mut Vec<StmtId>,
    ) {
        let kind = StmtKind::Assign {
            target,
            value,
            append,
            ty,
        };
        self.push(kind, node, out);
    }

    fn push(&mut self, kind: StmtKind, node: Node<'_>, out: &mut Vec<StmtId>) {
        let stmt = self.source().build.stmt(kind, span(node));
        out.push(stmt);
    }
}
