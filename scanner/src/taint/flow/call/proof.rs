//! What a call proves of what it is given, and what its result is safe for.

use regex::Regex;

use super::super::super::ir::{Arg, ExprId, ExprKind, Span};
use super::super::super::path::Path;
use super::super::super::rules::{Guard, Kinds};
use super::super::super::value::{Label, Proof, Proofs, Value, merge};
use super::super::Flow;
use super::super::sink::Given;
use super::Callee;

impl Flow<'_> {
    /// A function that calls itself with a part of something that another value's key chose: a path `again.[]`.
    pub(super) fn called_again(&mut self, callee: &Callee<'_>, args: &[Arg], at: Span) {
        let Some(function) = callee.function else { return };
        if !self.frames.iter().any(|frame| frame.function == function) {
            return;
        }
        for arg in args {
            let ExprKind::Index { object, key } = self.module.expr(arg.value).kind else {
                continue;
            };
            let mut key = self.eval(key);
            if !key.is_tainted() {
                continue;
            }
            let whole = self.eval(object);
            let known = |label: Label| whole.taints.iter().any(|taint| taint.label == label);
            key.taints.retain(|taint| !known(taint.label));
            let given = Given {
                name: None,
                value: key,
                spread: false,
            };
            self.called_sinks(&Path::new("again.[]"), None, &[given], at);
        }
    }

    /// The kinds that the result of a call is safe for: by what is called, and by the text of the pattern that it is
    /// called on or given first.
    pub(super) fn cleaned_by(&self, callee: &Callee<'_>, first: Option<&Value>) -> Kinds {
        let mut cleaned = Kinds::NONE;
        let itself = Some(&callee.path).filter(|_| callee.known);
        let own = itself.into_iter().flat_map(|path| self.rules.cleaners.of(path));
        let others = self.others(&callee.path).iter();
        for kinds in own.chain(others.flat_map(|other| self.rules.cleaners.of(other))) {
            cleaned = cleaned.or(*kinds);
        }
        // Of what a class of this file is, its objects are.
        if self.call_facts(&callee.path).is_class {
            for base in self.names.foreign_bases(&callee.path) {
                cleaned = self.rules.cleaners.of(&base).fold(cleaned, |all, kinds| all.or(*kinds));
            }
        }
        if !callee.known {
            return cleaned;
        }
        let pattern = callee.receiver.as_ref().filter(|pattern| !pattern.is_tainted());
        let text = pattern.into_iter().chain(first).find_map(|value| value.text.as_ref());
        for guard in self.rules.shaped_cleaners.of(&callee.path) {
            let shape = guard.shape.as_ref();
            if shape
                .zip(text)
                .is_some_and(|(shape, text)| shape.is_match(&text.shown()))
            {
                cleaned = cleaned.or(guard.kinds);
            }
        }
        cleaned
    }

    /// What a call proves of one attribute of a variable: `PATTERN.test(job.node)`.
    pub(super) fn proved_of_fields(
        &self,
        callee: &Callee<'_>,
        receiver: Option<ExprId>,
        args: &[Arg],
        given: &[Given],
        proves: &mut Proofs,
    ) {
        for guard in self.rules.guards.of(&callee.path) {
            let expr = match guard.arg {
                None => receiver,
                Some(arg) => args.get(usize::from(arg)).map(|arg| arg.value),
            };
            let Some(ExprKind::Attr { object, name }) = expr.map(|expr| &self.module.expr(expr).kind) else {
                continue;
            };
            let ExprKind::Name(variable) = self.module.expr(*object).kind else {
                continue;
            };
            if !self.has_shape(guard, callee, given) {
                continue;
            }
            let proof = Proof {
                variable,
                field: Some(*name),
                place: None,
                kinds: guard.kinds,
            };
            let side = if guard.negated {
                &mut proves.failed
            } else {
                &mut proves.held
            };
            merge(side, &[proof]);
        }
    }

    /// What an attribute proves of what it is one of, if it is true: `ip_address(host).is_private`.
    pub(in super::super) fn proved_by_attribute(&self, object: &Value, attribute: &mut Value) {
        let Some(path) = &attribute.path else { return };
        let guards = self.rules.guards.of(path);
        for guard in guards.filter(|guard| guard.arg.is_none() && guard.shape.is_none()) {
            let proofs = self.proofs_of(object, guard.kinds);
            let side = if guard.negated {
                &mut attribute.proves.failed
            } else {
                &mut attribute.proves.held
            };
            merge(side, &proofs);
        }
    }

    /// Whether the text that a guard compares with is like what it must be.
    fn has_shape(&self, guard: &Guard, callee: &Callee<'_>, given: &[Given]) -> bool {
        let text = callee.receiver.as_ref().and_then(|receiver| receiver.text.as_ref());
        let guarded = guard.arg.map(usize::from).filter(|_| given.len() > 1);
        let mut others = given.iter().enumerate().filter(|(at, _)| Some(*at) != guarded);
        let first = others.next().and_then(|(_, arg)| arg.value.text.as_ref());
        // Of what a method proves of its own object, the pattern is what it is given.
        let text = match guard.arg {
            None => first.or(text),
            Some(_) => text.or(first),
        };
        let fits = |shape: &Regex| text.is_some_and(|text| shape.is_match(&text.shown()));
        guard.shape.as_ref().is_none_or(fits)
    }

    pub(super) fn proved_by_call(&self, callee: &Callee<'_>, given: &[Given], mut proves: Proofs) -> Proofs {
        let receiver = callee.receiver.as_ref();
        for guard in self.rules.guards.of(&callee.path) {
            let value = match guard.arg {
                None => receiver,
                Some(arg) => given.get(usize::from(arg)).map(|arg| &arg.value),
            };
            let Some(value) = value else { continue };
            if !self.has_shape(guard, callee, given) {
                continue;
            }
            let proofs = self.proofs_of(value, guard.kinds);
            let side = if guard.negated {
                &mut proves.failed
            } else {
                &mut proves.held
            };
            merge(side, &proofs);
        }
        proves
    }
}
