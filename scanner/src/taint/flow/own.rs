//! Calls of functions of this file: followed again with these very values, or by their summaries.

use std::rc::Rc;

use super::super::ir::{ALL_FROM, FunctionId, NameId, Param, Span};
use super::super::value::{Label, Proofs, Value, merge};
use super::call::Callee;
use super::sink::Given;
use super::{Entry, Flow, Known, Reach, Summary, Write};

/// The methods that make an object.
pub(super) const CONSTRUCTORS: [&str; 3] = ["__init__", "constructor", "__construct"];

impl Flow<'_> {
    /// What a function sees of what stands around it.
    pub(super) fn surroundings(&mut self, function: FunctionId) -> Rc<super::State> {
        let span = self.module.function(function).span;
        let top = self.module.functions.len() - 1;
        let around = self.frames.iter().rev().find(|frame| {
            let outer = self.module.function(frame.function).span;
            frame.function.0 as usize != top && outer.start <= span.start && span.end <= outer.end
        });
        match around {
            Some(frame) if frame.function != function => {
                let mut around = (*frame.outer).clone();
                around.ended = false;
                around.join_over(&frame.state);
                Rc::new(around)
            }
            _ => Rc::clone(&self.globals),
        }
    }

    /// A call of a function of this file.
    pub(super) fn own_call(&mut self, function: FunctionId, callee: &Callee<'_>, given: &[Given], at: Span) -> Value {
        let constructs = CONSTRUCTORS.contains(&self.module.name(self.module.function(function).name));
        let mut result = if self.may_follow_again(function, callee, given) {
            self.followed_again(function, callee, given, at)
        } else {
            match self.summary(function) {
                Some(summary) => self.summarised(&summary, function, callee, given, at),
                None => return self.foreign_call(callee, given, at),
            }
        };
        if constructs && callee.receiver.is_none() {
            // What an object was made of may be in it.
            result = Value::default();
            given.iter().for_each(|arg| result.absorb(&arg.value));
        }
        // What comes to it through a pipe may be what it prints.
        for arg in given
            .iter()
            .filter(|arg| self.rules.prints && arg.name.as_deref() == Some("stdin"))
        {
            result.absorb(&arg.value);
        }
        result.step(at);
        result
    }

    /// Whether a function is to be followed with the values of this call: where they say more than its summary does.
    fn may_follow_again(&self, function: FunctionId, callee: &Callee<'_>, given: &[Given]) -> bool {
        let under_way = self.frames.iter().any(|frame| frame.function == function);
        let told = |value: &Value| {
            value.is_tainted() || value.is_constant() || value.items.is_some() || value.function.is_some()
        };
        let says = |value: &Value| told(value) || value.path.as_deref().is_some_and(|path| !path.starts_with('$'));
        let nested = self.frames.iter().any(|frame| {
            let outer = self.module.function(frame.function);
            let inner = self.module.function(function).span;
            let top = frame.function.0 as usize + 1 == self.module.functions.len();
            !top && outer.span.start < inner.start && inner.end <= outer.span.end
        });
        !under_way
            && self.again > 0
            && self.frames.len() < super::MAX_AGAIN
            && (nested
                || (given.iter().any(|arg| says(&arg.value)) || callee.receiver.as_ref().is_some_and(told))
                    && self.may_find(function, given))
    }

    /// Whether following a function with a caller's values may find what its summary does not.
    fn may_find(&self, function: FunctionId, given: &[Given]) -> bool {
        let mut called_back = given.iter().filter_map(|arg| arg.value.function);
        let reaches = match &self.summaries[function.0 as usize] {
            Known::Done(summary) => !summary.reaches.is_empty(),
            _ => false,
        };
        reaches || self.relevance.has(function) || called_back.any(|function| self.relevance.has(function))
    }

    fn followed_again(&mut self, function: FunctionId, callee: &Callee<'_>, given: &[Given], at: Span) -> Value {
        let params = &self.module.function(function).params;
        let mut bound = Vec::new();
        for param in params {
            let mut value = self.bound(function, callee, given, param);
            if let Some(value) = &mut value {
                value.step(at);
            }
            bound.push((param.name, value));
        }
        let around = self.surroundings(function);
        let (_, summary) = self.run(function, around, Entry::Called { at, bound });
        self.went_well(&summary, function, callee, given);
        let mut result = summary.returns.clone();
        result.reads = self.reads_of_result(&summary, function, callee, given);
        result.proves = self.proofs_of_summary(&summary, function, callee, given);
        self.written = summary.writes;
        result
    }

    /// What a summary says, with the caller's values in the labels' places.
    fn summarised(
        &mut self,
        summary: &Summary,
        function: FunctionId,
        callee: &Callee<'_>,
        given: &[Given],
        at: Span,
    ) -> Value {
        self.went_well(summary, function, callee, given);
        for reach in &summary.reaches {
            if let Some(value) = self.bound_at(function, callee, given, reach.param) {
                self.reached(reach, &value, at);
            }
        }
        for passed in &summary.passes {
            if let Some(value) = self.bound_at(function, callee, given, passed.param()) {
                self.passed_on(passed, &value, at);
            }
        }
        let returns = &summary.returns;
        let labelled = returns
            .taints
            .iter()
            .any(|taint| matches!(taint.label, Label::Param(..)));
        let mut result = Value {
            text: returns.text.clone(),
            constant: returns.constant,
            items: returns.items.clone().filter(|_| !labelled),
            function: returns.function,
            path: returns.path.clone(),
            ..Value::default()
        };
        self.add_as_called(&mut result, returns, function, callee, given);
        result.reads = self.reads_of_result(summary, function, callee, given);
        result.proves = self.proofs_of_summary(summary, function, callee, given);
        for write in &summary.writes {
            let mut value = Value::default();
            self.add_as_called(&mut value, &write.value, function, callee, given);
            self.written.push(Write { value, ..*write });
        }
        result
    }

    /// What holds after a call because the function came back: one that ends the program unless it holds.
    fn went_well(&mut self, summary: &Summary, function: FunctionId, callee: &Callee<'_>, given: &[Given]) {
        if !self.rules.prints {
            return;
        }
        if !summary.fails {
            let proofs = self.proofs_of_summary(summary, function, callee, given);
            self.state().prove(&proofs.held);
        }
        self.state().ended |= summary.never;
    }

    /// Adds where a value of a summary comes from, with the caller's values in the labels' places.
    fn add_as_called(&self, to: &mut Value, from: &Value, function: FunctionId, callee: &Callee<'_>, given: &[Given]) {
        for taint in &from.taints {
            match taint.label {
                Label::Param(of, param) if of == function => {
                    let value = self.bound_at(function, callee, given, param);
                    for mut origin in value.map(|value| value.taints).unwrap_or_default() {
                        origin.clean = origin.clean.or(taint.clean);
                        to.add(origin);
                    }
                }
                _ => to.add(taint.clone()),
            }
        }
    }

    fn reached(&mut self, reach: &Reach, value: &Value, at: Span) {
        for taint in &value.taints {
            if taint.clean.has(reach.kinds) {
                continue;
            }
            let mut way = taint.places();
            way.push(at);
            way.extend_from_slice(&reach.way);
            let sink = reach.way.last().copied().unwrap_or(at);
            let beyond = reach.beyond.clone();
            self.hit_beyond(taint.label, reach.rule, reach.kinds, way, sink, beyond);
        }
    }

    fn bound_at(&self, function: FunctionId, callee: &Callee<'_>, given: &[Given], position: u16) -> Option<Value> {
        let params = &self.module.function(function).params;
        let param = params.iter().find(|param| param.position == position)?;
        self.bound(function, callee, given, param)
    }

    /// What a parameter of a function of this file gets.
    fn bound(&self, function: FunctionId, callee: &Callee<'_>, given: &[Given], param: &Param) -> Option<Value> {
        let function = self.module.function(function);
        let name = self.module.name(param.name);
        if let Some(arg) = given.iter().find(|arg| arg.name.as_deref() == Some(name)) {
            return Some(arg.value.clone());
        }
        // `self` is written as a parameter, and given before the dot.
        let first = function.params.first().map(|first| self.module.name(first.name));
        let receiver = usize::from(function.class.is_some() && matches!(first, Some("self" | "cls" | "this")));
        let position = usize::from(param.position & !ALL_FROM);
        if receiver > position {
            return callee.receiver.clone();
        }
        let position = position - receiver;
        if param.rest {
            let known = |name: &str| function.params.iter().any(|param| self.module.name(param.name) == name);
            return Some(gathered(given, position, &known));
        }
        let spread = given.iter().take(position + 1).find(|arg| arg.spread);
        let direct = given.get(position).filter(|arg| arg.name.is_none());
        spread.or(direct).map(|arg| arg.value.clone())
    }

    /// What the caller's values are read from that the result is read from.
    fn reads_of_result(
        &self,
        summary: &Summary,
        function: FunctionId,
        callee: &Callee<'_>,
        given: &[Given],
    ) -> Vec<NameId> {
        let mut reads = Vec::new();
        for param in &self.module.function(function).params {
            if summary.returns.reads.contains(&param.name)
                && let Some(value) = self.bound(function, callee, given, param)
            {
                merge(&mut reads, &value.reads);
            }
        }
        reads
    }

    fn proofs_of_summary(
        &self,
        summary: &Summary,
        function: FunctionId,
        callee: &Callee<'_>,
        given: &[Given],
    ) -> Proofs {
        let mut held = Vec::new();
        for &(position, kinds) in &summary.proves {
            if let Some(value) = self.bound_at(function, callee, given, position) {
                held.extend(self.proofs_of(&value, kinds));
            }
        }
        Proofs {
            held,
            failed: Vec::new(),
        }
    }
}

/// All arguments from `position` on, and those whose names no parameter has, as one value.
fn gathered(given: &[Given], position: usize, is_param: &dyn Fn(&str) -> bool) -> Value {
    let mut all = Value::default();
    let mut items = Vec::new();
    let mut exact = true;
    for (index, arg) in given.iter().enumerate() {
        match &arg.name {
            Some(name) if !is_param(name) => items.push((Some(Rc::clone(name)), arg.value.clone())),
            None if index >= position || arg.spread => {
                exact &= !arg.spread;
                items.push((
                    Some((index - position.min(index)).to_string().into()),
                    arg.value.clone(),
                ));
            }
            _ => continue,
        }
        all.absorb(&arg.value);
    }
    all.items = exact.then(|| Rc::new(items));
    all
}
