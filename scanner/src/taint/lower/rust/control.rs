//! Blocks, branches and loops, whose values go where the whole's goes.

use super::{BinaryOp, BlockId, ExprId, ExprKind, Node, Rust, StmtId, StmtKind, Walk, children, span};

/// Arms that are tried one after the other; a match of more is a table.
const MAX_CHAIN: usize = 24;

/// Where the value of a block or branch goes.
#[derive(Debug, Clone)]
pub(super) enum Tail {
    /// Nowhere.
    Dropped,
    /// Into a variable.
    Into(String),
    /// It is the function's.
    Returned,
}

impl Rust<'_> {
    /// What stands in a block, and its value.
    pub(super) fn block(&mut self, node: Option<Node<'_>>, tail: &Tail) -> BlockId {
        let before = std::mem::take(&mut self.before);
        let mut stmts = Vec::new();
        if let Some(node) = node {
            self.tail(node, tail, &mut stmts);
        }
        stmts.append(&mut self.before);
        self.before = before;
        self.source.build.block(stmts)
    }

    /// An expression whose value goes somewhere.
    pub(super) fn tail(&mut self, node: Node<'_>, tail: &Tail, out: &mut Vec<StmtId>) {
        if self.source.depth == super::super::MAX_DEPTH {
            self.source.cut = true;
            return;
        }
        self.source.depth += 1;
        match node.kind() {
            "block" => self.within(node, tail, out),
            "unsafe_block" | "const_block" | "try_block" => {
                if let Some(block) = children(node).into_iter().find(|child| child.kind() == "block") {
                    self.within(block, tail, out);
                }
            }
            "parenthesized_expression" => {
                if let Some(inner) = children(node).first() {
                    self.tail(*inner, tail, out);
                }
            }
            "if_expression" => self.if_stmt(node, tail, out),
            "match_expression" => self.match_stmt(node, tail, out),
            "loop_expression" | "while_expression" | "for_expression" => self.loop_stmt(node, tail, out),
            "return_expression"
            | "break_expression"
            | "continue_expression"
            | "assignment_expression"
            | "compound_assignment_expr" => self.dropped(node, out),
            _ => self.tail_value(node, tail, out),
        }
        self.source.depth -= 1;
    }

    fn tail_value(&mut self, node: Node<'_>, tail: &Tail, out: &mut Vec<StmtId>) {
        let value = self.expr(node);
        match tail {
            Tail::Dropped => self.push(StmtKind::Expr(value), node, out),
            Tail::Returned => self.push(StmtKind::Return(Some(value)), node, out),
            Tail::Into(name) => {
                let target = self.source.build.name_expr(name, span(node));
                self.assign(target, value, None, node, out);
            }
        }
    }

    /// The statements of a block; the last one is its value if no semicolon ends it.
    fn within(&mut self, block: Node<'_>, tail: &Tail, out: &mut Vec<StmtId>) {
        let ends = |node: Node<'_>| {
            node.child(node.child_count().saturating_sub(1) as _)
                .is_some_and(|end| end.kind() == ";")
        };
        let last = children(block).last().copied();
        let value = last.filter(|last| match last.kind() {
            "expression_statement" => !ends(*last),
            "let_declaration" | "empty_statement" | "use_declaration" | "label" => false,
            kind => !kind.ends_with("_item"),
        });
        self.items_but(block, value, out);
        if let Some(value) = value {
            let inner = match value.kind() {
                "expression_statement" => children(value).first().copied().unwrap_or(value),
                _ => value,
            };
            self.tail(inner, tail, out);
        }
        for pointer in self.outlived(block) {
            let value = self.source.build.name_expr(&pointer, span(block));
            let gone = self.call_of("as", "drop", &[value], block);
            self.push(StmtKind::Expr(gone), block, out);
        }
    }

    /// A block or branch within an expression: done before, its value in a variable.
    pub(super) fn as_value(&mut self, node: Node<'_>) -> ExprId {
        let name = temporary(node);
        let mut stmts = std::mem::take(&mut self.before);
        self.tail(node, &Tail::Into(name.clone()), &mut stmts);
        stmts.append(&mut self.before);
        self.before = stmts;
        self.source.build.name_expr(&name, span(node))
    }

    /// A value that is looked at more than once, as a variable's name.
    pub(super) fn subject(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) -> String {
        if node.kind() == "identifier" {
            return self.source.text(node).into_owned();
        }
        let name = temporary(node);
        let value = self.expr(node);
        let target = self.source.build.name_expr(&name, span(node));
        self.assign(target, value, None, node, out);
        name
    }

    fn if_stmt(&mut self, node: Node<'_>, tail: &Tail, out: &mut Vec<StmtId>) {
        let condition = self.condition_field(node);
        out.append(&mut self.before);
        let then = self.block(node.child_by_field_name("consequence"), tail);
        let otherwise = node.child_by_field_name("alternative");
        let otherwise = otherwise.and_then(|otherwise| children(otherwise).first().copied());
        let otherwise = self.block(otherwise, tail);
        let kind = StmtKind::If {
            condition,
            then,
            otherwise,
        };
        self.push(kind, node, out);
    }

    fn condition_field(&mut self, node: Node<'_>) -> ExprId {
        match node.child_by_field_name("condition") {
            Some(condition) => self.condition(condition),
            None => self.source.unknown(node),
        }
    }

    /// A truth; what its patterns take is taken before.
    pub(super) fn condition(&mut self, node: Node<'_>) -> ExprId {
        match node.kind() {
            "let_condition" => {
                let (Some(pattern), Some(value)) =
                    (node.child_by_field_name("pattern"), node.child_by_field_name("value"))
                else {
                    return self.source.unknown(node);
                };
                let mut stmts = std::mem::take(&mut self.before);
                let subject = self.subject(value, &mut stmts);
                self.bind(pattern, &subject, &mut stmts);
                stmts.append(&mut self.before);
                self.before = stmts;
                self.fits(pattern, &subject)
            }
            "let_chain" => {
                let parts = children(node);
                let mut parts = parts
                    .into_iter()
                    .map(|part| self.condition(part))
                    .collect::<Vec<_>>()
                    .into_iter();
                let first = parts.next().unwrap_or_else(|| self.source.unknown(node));
                parts.fold(first, |left, right| {
                    let op = BinaryOp::And;
                    self.source.build.expr(ExprKind::Binary { op, left, right }, span(node))
                })
            }
            _ => self.expr(node),
        }
    }

    fn loop_stmt(&mut self, node: Node<'_>, tail: &Tail, out: &mut Vec<StmtId>) {
        self.loops.push(match tail {
            Tail::Into(name) => Some(name.clone()),
            Tail::Returned => Some(temporary(node)),
            Tail::Dropped => None,
        });
        let body = node.child_by_field_name("body");
        if node.kind() == "for_expression" {
            self.for_each(node, body, out);
        } else {
            let condition = node.child_by_field_name("condition");
            let before = std::mem::take(&mut self.before);
            let condition = condition.map(|condition| self.condition(condition));
            let mut stmts = std::mem::replace(&mut self.before, before);
            let looped = match condition.filter(|_| !stmts.is_empty()) {
                Some(held) => {
                    // What the condition takes is taken in each round.
                    let leave = self.source.build.stmt(StmtKind::Break, span(node));
                    let otherwise = self.source.build.block(vec![leave]);
                    let then = self.block(body, &Tail::Dropped);
                    let kind = StmtKind::If {
                        condition: held,
                        then,
                        otherwise,
                    };
                    stmts.push(self.source.build.stmt(kind, span(node)));
                    let body = self.source.build.block(stmts);
                    StmtKind::Loop { condition: None, body }
                }
                None => {
                    let body = self.block(body, &Tail::Dropped);
                    StmtKind::Loop { condition, body }
                }
            };
            self.push(looped, node, out);
        }
        self.loops.pop();
        if matches!((tail, node.kind()), (Tail::Returned, "loop_expression")) {
            let value = self.source.build.name_expr(&temporary(node), span(node));
            self.push(StmtKind::Return(Some(value)), node, out);
        }
    }

    fn for_each(&mut self, node: Node<'_>, body: Option<Node<'_>>, out: &mut Vec<StmtId>) {
        let iterable = node.child_by_field_name("value");
        let pattern = node.child_by_field_name("pattern");
        // `for (at, x) in xs.iter().enumerate()`: a number, and a part.
        let counted = iterable.and_then(|value| self.counted(value));
        let pair = pattern
            .filter(|pattern| pattern.kind() == "tuple_pattern")
            .map(children);
        let (pattern, iterable) = match (pair.as_deref(), counted) {
            (Some([_, part]), Some(inner)) => (Some(*part), Some(inner)),
            _ => (pattern, iterable),
        };
        let iterable = match iterable {
            Some(value) => self.expr(value),
            None => self.source.unknown(node),
        };
        out.append(&mut self.before);
        let target = match pattern {
            Some(pattern) => self.pattern(pattern),
            None => self.source.unknown(node),
        };
        let body = self.block(body, &Tail::Dropped);
        self.push(StmtKind::ForEach { target, iterable, body }, node, out);
    }

    /// What `xs.enumerate()` counts.
    fn counted<'t>(&self, node: Node<'t>) -> Option<Node<'t>> {
        let function = node
            .child_by_field_name("function")
            .filter(|_| node.kind() == "call_expression")?;
        let name = function.child_by_field_name("field")?;
        (self.source.text(name) == "enumerate")
            .then(|| function.child_by_field_name("value"))
            .flatten()
    }

    pub(super) fn break_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let value = children(node).into_iter().find(|child| child.kind() != "label");
        if let Some(value) = value {
            let tail = match self.loops.last() {
                Some(Some(name)) => Tail::Into(name.clone()),
                _ => Tail::Dropped,
            };
            self.tail(value, &tail, out);
        }
        self.push(StmtKind::Break, node, out);
    }

    fn match_stmt(&mut self, node: Node<'_>, tail: &Tail, out: &mut Vec<StmtId>) {
        let Some(value) = node.child_by_field_name("value") else {
            return;
        };
        let subject = self.subject(value, out);
        let body = node.child_by_field_name("body").map(children).unwrap_or_default();
        let arms: Vec<Node<'_>> = body.into_iter().filter(|arm| arm.kind() == "match_arm").collect();
        let tried = arms.iter().any(|arm| {
            let pattern = arm.child_by_field_name("pattern");
            let guarded = pattern.is_some_and(|pattern| pattern.child_by_field_name("condition").is_some());
            let chosen = pattern
                .and_then(|pattern| children(pattern).first().copied())
                .is_some_and(|pattern| self.says_whether(pattern));
            let leaves = arm
                .child_by_field_name("value")
                .is_some_and(|value| self.source.text(value).contains("break"));
            guarded || chosen || leaves
        });
        if tried && arms.len() <= MAX_CHAIN {
            let chain = self.chain(&arms, &subject, tail);
            return self.push(StmtKind::Block(chain), node, out);
        }
        let mut cases = Vec::new();
        for arm in arms {
            let Some(pattern) = arm.child_by_field_name("pattern") else {
                continue;
            };
            let labels = match children(pattern).first() {
                Some(pattern) => self.labels(*pattern),
                None => Vec::new(),
            };
            let body = self.arm(arm, pattern, &subject, tail);
            cases.push((labels, body));
        }
        let subject = self.source.build.name_expr(&subject, span(value));
        self.push(StmtKind::Switch { subject, cases }, node, out);
    }

    fn arm(&mut self, arm: Node<'_>, pattern: Node<'_>, subject: &str, tail: &Tail) -> BlockId {
        let before = std::mem::take(&mut self.before);
        let mut stmts = Vec::new();
        if let Some(pattern) = children(pattern).first() {
            self.bind(*pattern, subject, &mut stmts);
        }
        if let Some(value) = arm.child_by_field_name("value") {
            self.tail(value, tail, &mut stmts);
        }
        stmts.append(&mut self.before);
        self.before = before;
        self.source.build.block(stmts)
    }

    /// Arms that are tried one after the other.
    fn chain(&mut self, arms: &[Node<'_>], subject: &str, tail: &Tail) -> BlockId {
        let mut otherwise = self.source.build.block(Vec::new());
        for (index, arm) in arms.iter().enumerate().rev() {
            let Some(whole) = arm.child_by_field_name("pattern") else {
                continue;
            };
            // `_` has no name in the tree.
            let pattern = children(whole).first().copied().unwrap_or(whole);
            let any = pattern.id() == whole.id() || self.is_any(pattern);
            let guard = whole.child_by_field_name("condition");
            let before = std::mem::take(&mut self.before);
            let mut stmts = Vec::new();
            // The last arm is come to if no other was.
            let last = index + 1 == arms.len() && guard.is_none();
            let mut condition = (!last && !any).then(|| self.fits(pattern, subject));
            if !any || pattern.id() != whole.id() {
                self.bind(pattern, subject, &mut stmts);
            }
            if let Some(guard) = guard {
                let right = self.condition(guard);
                let op = BinaryOp::And;
                condition = Some(match condition {
                    Some(left) => self.source.build.expr(ExprKind::Binary { op, left, right }, span(*arm)),
                    None => right,
                });
            }
            stmts.append(&mut self.before);
            self.before = before;
            // Each arm stands within what is done if the ones before it did not fit.
            let within = u16::try_from(index).unwrap_or(u16::MAX).saturating_add(2);
            let room = super::super::MAX_DEPTH.saturating_sub(self.source.depth);
            if within >= room {
                self.source.cut = true;
                continue;
            }
            self.source.depth += within;
            let then = self.block(arm.child_by_field_name("value"), tail);
            self.source.depth -= within;
            let kind = match condition {
                Some(condition) => StmtKind::If {
                    condition,
                    then,
                    otherwise,
                },
                None => StmtKind::Block(then),
            };
            stmts.push(self.source.build.stmt(kind, span(*arm)));
            otherwise = self.source.build.block(stmts);
        }
        otherwise
    }
}

/// A variable that no program can name.
pub(super) fn temporary(node: Node<'_>) -> String {
    format!("@{}", node.start_byte())
}
