//! Statements followed: branches apart, then joined; a loop's body at most twice.

use super::super::ir::{BlockId, Expr, ExprId, ExprKind, FunctionId, Module, NameId, Span, StmtId, StmtKind};
use super::super::rules::Kinds;
use super::super::value::{Proofs, Value};
use super::{Flow, State};

impl Flow<'_> {
    pub(super) fn block(&mut self, block: BlockId) {
        for &stmt in self.module.block(block) {
            if self.state().ended {
                return;
            }
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, id: StmtId) {
        let stmt = self.module.stmt(id);
        match &stmt.kind {
            StmtKind::Expr(value) => {
                self.eval(*value);
            }
            StmtKind::Assign {
                target,
                value,
                append,
                ty,
            } => self.assign_stmt(*target, *value, *append, *ty),
            StmtKind::If {
                condition,
                then,
                otherwise,
            } => self.branch(*condition, *then, *otherwise),
            StmtKind::Loop { condition, body } => self.rounds(*condition, None, *body),
            StmtKind::ForEach { target, iterable, body } => {
                let part = self.part_of(*iterable);
                self.assign(*target, part.clone());
                self.rounds(None, Some((*target, &part)), *body);
            }
            StmtKind::Switch { subject, cases } => self.switch(*subject, cases),
            StmtKind::Try {
                body,
                handlers,
                finally,
            } => self.attempt(*body, handlers, *finally),
            StmtKind::Block(block) => self.block(*block),
            StmtKind::Return(value) => self.give_back(*value, stmt.span),
            StmtKind::Throw(value) => {
                value.map(|value| self.eval(value));
                self.frame().fails = true;
                self.state().ended = true;
            }
            StmtKind::Break => {
                let state = self.state().clone();
                self.frame().left.push(state);
                self.state().ended = true;
            }
            StmtKind::Continue => {
                let state = self.state().clone();
                self.frame().continued.push(state);
                self.state().ended = true;
            }
            StmtKind::Define(function) => self.define(*function),
        }
    }

    fn define(&mut self, function: FunctionId) {
        let defined = self.module.function(function);
        // A method is found by its class.
        if defined.class.is_some() {
            return;
        }
        let name = defined.name;
        let value = Value {
            function: Some(function),
            ..Value::default()
        };
        self.state().set(name, value);
    }

    fn branch(&mut self, condition: ExprId, then: BlockId, otherwise: BlockId) {
        let condition = self.eval(condition);
        match condition.truth().filter(|_| !condition.is_tainted()) {
            Some(true) => self.block(then),
            Some(false) => self.block(otherwise),
            None => {
                let before = self.state().clone();
                self.state().prove(&condition.proves.held);
                self.block(then);
                let held = std::mem::replace(self.state(), before);
                self.state().prove(&condition.proves.failed);
                self.block(otherwise);
                self.state().join(&held);
            }
        }
    }

    /// A loop: its body is followed once more if one round leaves what changes the next.
    fn rounds(&mut self, condition: Option<ExprId>, each: Option<(ExprId, &Value)>, body: BlockId) {
        let left = std::mem::take(&mut self.frame().left);
        let continued = std::mem::take(&mut self.frame().continued);
        let mut exits = Vec::new();
        self.forget_counters(body);
        for round in 0..2 {
            if let Some((target, part)) = each.filter(|_| round > 0) {
                self.assign(target, part.clone());
            }
            let condition = condition.map(|condition| self.eval(condition)).unwrap_or_default();
            let truth = condition.truth().filter(|_| !condition.is_tainted());
            if truth == Some(false) {
                break;
            }
            let before = self.state().clone();
            self.state().prove(&condition.proves.held);
            self.block(body);
            exits.append(&mut self.frame().left);
            for again in std::mem::take(&mut self.frame().continued) {
                self.state().join(&again);
            }
            let once = self.state().ended;
            self.state().join(&before);
            let last = once || round > 0 || !self.state().says_more_than(&before);
            // What has no end but by leaving it goes on from there alone.
            self.state().ended = truth == Some(true) && last;
            if last {
                break;
            }
        }
        exits.iter().for_each(|exit| self.state().join(exit));
        self.frame().left = left;
        self.frame().continued = continued;
    }

    /// Forgets the numbers and truths that a loop's body changes: they hold in its first round alone.
    fn forget_counters(&mut self, body: BlockId) {
        let module = self.module;
        let block = module.block(body);
        let (Some(first), Some(last)) = (block.first(), block.last()) else {
            return;
        };
        let (start, end) = (module.stmt(*first).span.start, module.stmt(*last).span.end);
        let from = self.assigned.partition_point(|(at, _)| *at < start);
        let within = self.assigned[from..].iter().take_while(|(at, _)| *at < end);
        let names: Vec<NameId> = within.map(|(_, name)| *name).collect();
        names.into_iter().for_each(|name| self.state().forget_constant(name));
    }

    fn switch(&mut self, subject: ExprId, cases: &[(Vec<ExprId>, BlockId)]) {
        let subject_value = self.eval(subject);
        let known = subject_value.written().filter(|_| !subject_value.is_tainted());
        let left = std::mem::take(&mut self.frame().left);
        let before = self.state().clone();
        let mut after: Option<State> = None;
        let mut any = false;
        for (labels, body) in cases {
            let values: Vec<Value> = labels.iter().map(|label| self.eval(*label)).collect();
            any |= labels.is_empty();
            let label = values.first().and_then(Value::written);
            if known.is_some() && label.is_some() && !values.iter().any(|value| value.written() == known) {
                continue;
            }
            *self.state() = before.clone();
            if !labels.is_empty() && values.iter().all(Value::is_constant) {
                let proofs = self.proofs_of(&subject_value, Kinds::ALL);
                self.state().prove(&proofs);
            }
            self.block(*body);
            let mut exits = std::mem::take(&mut self.frame().left);
            exits.push(self.state().clone());
            for exit in exits {
                match &mut after {
                    Some(state) => state.join(&exit),
                    None => after = Some(exit),
                }
            }
        }
        *self.state() = match after {
            Some(mut state) if !any => {
                state.join(&before);
                state
            }
            Some(state) => state,
            None => before,
        };
        self.frame().left = left;
    }

    fn attempt(&mut self, body: BlockId, handlers: &[BlockId], finally: BlockId) {
        let before = self.state().clone();
        self.block(body);
        let done = self.state().clone();
        let mut after = done.clone();
        for &handler in handlers {
            // It may have failed anywhere: nothing of the block was done, or all of it.
            *self.state() = before.clone();
            let mut all = done.clone();
            all.ended = false;
            self.state().join(&all);
            self.block(handler);
            let state = self.state().clone();
            after.join(&state);
        }
        let ended = after.ended;
        after.ended = false;
        *self.state() = after;
        self.block(finally);
        self.state().ended |= ended;
    }

    fn give_back(&mut self, value: Option<ExprId>, at: Span) {
        let mut result = value.map(|value| self.eval(value)).unwrap_or_default();
        self.returned_sinks(&result, at);
        if result.is_tainted() {
            self.named_sinks(&result, at);
        }
        let prints = self.rules.prints;
        let proofs = match result.truth().filter(|_| !prints) {
            Some(false) => None,
            Some(true) => Some(self.state().proved.clone()),
            None => {
                let mut proofs = self.state().proved.clone();
                proofs.extend_from_slice(&result.proves.held);
                Some(proofs)
            }
        };
        result.proves = Proofs::default();
        let pointers = self.rules.pointers;
        let frame = self.frame();
        if pointers {
            let state = frame.state.clone();
            match &mut frame.given {
                Some(given) => given.join(&state),
                None => frame.given = Some(state),
            }
        }
        if let Some(proofs) = proofs {
            match &mut frame.proofs {
                Some(known) => known.retain(|proof| proofs.contains(proof)),
                None => frame.proofs = Some(proofs),
            }
        }
        frame.returned = Some(match frame.returned.take() {
            Some(known) => known.join(&result),
            None => result,
        });
        frame.state.ended = true;
    }
}

/// Where a module's variables get values by themselves, in the order of the places.
pub(super) fn assigned(module: &Module) -> Vec<(u32, NameId)> {
    let in_stmts = module.stmts.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Assign { target, .. } => Some(*target),
        _ => None,
    });
    let in_exprs = module.exprs.iter().filter_map(|expr| match &expr.kind {
        ExprKind::Assign { target, .. } => Some(*target),
        _ => None,
    });
    let mut assigned: Vec<(u32, NameId)> = in_stmts
        .chain(in_exprs)
        .filter_map(|target| match module.expr(target) {
            Expr {
                kind: ExprKind::Name(name),
                span,
            } => Some((span.start, *name)),
            _ => None,
        })
        .collect();
    assigned.sort_unstable();
    assigned
}
