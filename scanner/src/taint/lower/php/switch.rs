//! `switch` and `match`.

use tree_sitter::Node;

use super::super::super::ir::{BinaryOp, ExprId, ExprKind, StmtId, StmtKind};
use super::super::{children, span};
use super::Php;
use super::Walk;

/// Arms of a `match` that are told apart: one within the other, as choices are.
const MAX_ARMS: usize = 40;
/// Holds what a `match` is over; no variable of a file is called so.
const SUBJECT: &str = "match@";

impl Php<'_> {
    /// Cases without statements are further values of the next.
    pub(super) fn switch_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let subject = self.field(node, "condition");
        let mut cases = Vec::new();
        let mut labels: Vec<ExprId> = Vec::new();
        let mut any = false;
        let written = node.child_by_field_name("body").map(children).unwrap_or_default();
        let last = written.len().saturating_sub(1);
        for (index, case) in written.into_iter().enumerate() {
            let value = case.child_by_field_name("value");
            let label = value.map(|value| self.expr(value));
            any |= label.is_none();
            labels.extend(label);
            let parts = children(case)
                .into_iter()
                .filter(|part| Some(part.id()) != value.map(|value| value.id()));
            let parts: Vec<Node<'_>> = parts.collect();
            if parts.is_empty() && index != last {
                continue;
            }
            let mut stmts = Vec::new();
            for part in parts {
                self.stmt(part, &mut stmts);
            }
            let body = self.source.build.block(stmts);
            let labels = std::mem::take(&mut labels);
            // One that is also the default is for any value.
            cases.push((if std::mem::take(&mut any) { Vec::new() } else { labels }, body));
        }
        self.push(StmtKind::Switch { subject, cases }, node, out);
    }

    /// `match` as choices: the last arm first, each with the later ones as its other value.
    pub(super) fn match_expr(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let subject = self.field(node, "condition");
        let target = self.source.build.name_expr(SUBJECT, at);
        let keep = self.source.build.expr(ExprKind::Assign { target, value: subject }, at);
        let arms = node.child_by_field_name("body").map(children).unwrap_or_default();
        let mut arms: Vec<Node<'_>> = arms;
        arms.reverse();
        let many = arms.len() > MAX_ARMS;
        let mut chosen: Option<ExprId> = None;
        let mut values = Vec::new();
        for arm in arms {
            let value = self.field(arm, "return_expression");
            let condition = arm.child_by_field_name("conditional_expressions").filter(|_| !many);
            let Some(condition) = condition.and_then(|list| self.any_of(list)) else {
                if many {
                    values.push(value);
                } else {
                    chosen = Some(value);
                }
                continue;
            };
            let otherwise = match chosen {
                Some(later) => later,
                None => self.source.build.expr(ExprKind::Null, at),
            };
            let choice = ExprKind::Choice {
                condition: Some(condition),
                then: value,
                otherwise,
            };
            chosen = Some(self.source.build.expr(choice, span(arm)));
        }
        let chosen = match chosen {
            Some(chosen) => chosen,
            None => self.source.build.expr(ExprKind::Of(values), at),
        };
        self.source.build.expr(ExprKind::Last(vec![keep, chosen]), at)
    }

    /// Whether the subject is one of several values; over `true`, whether one of them holds.
    fn any_of(&mut self, list: Node<'_>) -> Option<ExprId> {
        let over_truth = list
            .parent()
            .and_then(|arm| arm.parent())
            .and_then(|block| block.parent())
            .and_then(|whole| whole.child_by_field_name("condition"))
            .is_some_and(|condition| self.source.text(condition).eq_ignore_ascii_case("(true)"));
        let at = span(list);
        if !over_truth {
            let left = self.source.build.name_expr(SUBJECT, at);
            let values = self.exprs(children(list));
            let right = self.source.build.expr(ExprKind::List(values), at);
            let op = BinaryOp::In;
            return Some(self.source.build.expr(ExprKind::Binary { op, left, right }, at));
        }
        let mut whole: Option<ExprId> = None;
        for value in children(list).into_iter().take(MAX_ARMS) {
            let value = self.expr(value);
            whole = Some(match whole {
                Some(left) => {
                    let op = BinaryOp::Or;
                    self.source.build.expr(ExprKind::Binary { op, left, right: value }, at)
                }
                None => value,
            });
        }
        whole
    }
}
