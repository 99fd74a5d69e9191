//! What functions do for other files, and calls of those of other files.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::super::ir::{ALL_FROM, FunctionId, Span};
use super::super::rules::Kinds;
use super::super::value::{Label, Taint, Text, Value, merge};
use super::call::Callee;
use super::sink::Given;
use super::{Flow, Known, Summary, Write};

/// Parameters of one function that are remembered to be handed on.
const MAX_PASSES: usize = 64;
/// Writes through parameters of one function that others are told of.
const MAX_WRITES: usize = 32;

/// Functions of other files, by the paths under which this one calls them.
pub type Outside<'a> = HashMap<String, &'a Exported>;

/// What a function does with what it is given, for callers in other files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exported {
    /// Its name, with its class before it: `select`, `Gateway().find`.
    pub name: String,
    /// Its parameters: name, position, and whether it takes all that is left; the receiver is none of them.
    params: Vec<(String, u16, bool)>,
    /// Parameters that reach sinks.
    pub reaches: Vec<ExportedReach>,
    /// Parameters that are handed on to functions of other files, or of none of the bundle's.
    pub passes: Vec<Passed>,
    /// Parameters that are in the result, and what they are safe for there.
    gives_params: Vec<(u16, Kinds)>,
    /// Sources that are in the result.
    gives_sources: Vec<(usize, Kinds)>,
    /// What is written through parameters.
    writes: Vec<ExportedWrite>,
    /// Parameters that are proved by the result, and what they are safe for then.
    proves: Vec<(u16, Kinds)>,
    /// Whether it may say that it did not go well, and go on; whether nobody comes back from it.
    fails: bool,
    never: bool,
    /// The result's text, in pieces.
    text: Option<Vec<String>>,
}

/// What a function puts into what one of its parameters points to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct ExportedWrite {
    to: u16,
    from: Origin,
    clean: Kinds,
}

/// Where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Origin {
    Param(u16),
    Source(usize),
}

/// A parameter that reaches a sink.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportedReach {
    param: u16,
    rule: usize,
    kinds: Kinds,
    /// The way, in the function's own file.
    pub way: Vec<Span>,
}

/// A parameter that is handed on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passed {
    param: u16,
    /// The path under which the function is called that gets it.
    pub called: String,
    /// As which of its arguments: the position, and the name if it has one.
    arg: (u16, Option<String>),
    /// What it is safe for by then.
    clean: Kinds,
    /// The way, in the function's own file.
    pub way: Vec<Span>,
}

/// That a sink is in another file: under which path it was called, and which of its reaches it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Beyond {
    /// The path, a key of [`Outside`].
    pub called: String,
    /// The position in [`Exported::reaches`].
    pub reach: usize,
}

impl Flow<'_> {
    /// What this file's functions do that matters to other files.
    pub(super) fn exports(&self) -> Vec<Exported> {
        let known = self.summaries.iter().enumerate();
        let done = known.filter_map(|(index, known)| match known {
            Known::Done(summary) => Some((index, summary)),
            _ => None,
        });
        let mut exports = Vec::new();
        for (index, summary) in done {
            let id = FunctionId(u32::try_from(index).unwrap_or(u32::MAX));
            let own = |label: Label| match label {
                Label::Param(of, param) if of == id => Some(param),
                _ => None,
            };
            let taints = &summary.returns.taints;
            let exported = Exported {
                name: self.exported_name(id),
                params: self.exported_params(id),
                // What goes on into a third file is not told to a fourth.
                reaches: summary
                    .reaches
                    .iter()
                    .filter(|reach| reach.beyond.is_none() && !self.is_by_contract(reach.kinds))
                    .map(ExportedReach::of)
                    .collect(),
                passes: summary.passes.clone(),
                gives_params: taints
                    .iter()
                    .filter_map(|taint| Some((own(taint.label)?, taint.clean)))
                    .collect(),
                gives_sources: taints.iter().filter_map(source_of).collect(),
                writes: exported_writes(id, summary),
                proves: summary.proves.clone(),
                fails: summary.fails,
                never: summary.never,
                text: summary.returns.text.as_ref().map(Text::pieces),
            };
            if exported.matters() {
                exports.push(exported);
            }
        }
        exports
    }

    /// Whether functions of other files leave it to their callers, as those of C do with lengths: no summary
    /// says what was agreed on.
    fn is_by_contract(&self, kinds: Kinds) -> bool {
        self.rules.pointers && self.rules.bounded.has(kinds)
    }

    fn exported_name(&self, id: FunctionId) -> String {
        let function = self.module.function(id);
        let name = self.module.name(function.name);
        match function.class {
            Some(class) => format!("{}().{name}", self.module.name(class)),
            None => name.to_owned(),
        }
    }

    fn exported_params(&self, id: FunctionId) -> Vec<(String, u16, bool)> {
        let function = self.module.function(id);
        let params = function.params.iter();
        params
            .map(|param| (self.module.name(param.name).to_owned(), param.position, param.rest))
            .collect()
    }

    /// Keeps that a function hands parameters on, for when it turns out what becomes of them.
    pub(super) fn pass_on(&mut self, callee: &Callee<'_>, given: &[Given], at: Span) {
        for (position, arg) in given.iter().enumerate() {
            for taint in &arg.value.taints {
                let Label::Param(function, param) = taint.label else {
                    continue;
                };
                let mut way = taint.places();
                way.push(at);
                let passed = Passed {
                    param,
                    called: callee.path.to_string(),
                    arg: (
                        u16::try_from(position).unwrap_or(u16::MAX),
                        arg.name.as_deref().map(str::to_owned),
                    ),
                    clean: taint.clean,
                    way,
                };
                self.passes(function, passed);
            }
        }
    }

    fn passes(&mut self, function: FunctionId, passed: Passed) {
        let frame = self.frames.iter_mut().rev().find(|frame| frame.function == function);
        let Some(frame) = frame.filter(|frame| frame.passes.len() < MAX_PASSES) else {
            return;
        };
        let same =
            |known: &Passed| (known.param, &known.called, &known.arg) == (passed.param, &passed.called, &passed.arg);
        if !frame.passes.iter().any(same) {
            frame.passes.push(passed);
        }
    }

    /// What a function of this file that was called by its summary hands on of what it was given.
    pub(super) fn passed_on(&mut self, passed: &Passed, value: &Value, at: Span) {
        for taint in &value.taints {
            if let Label::Param(function, param) = taint.label {
                let mut way = taint.places();
                way.push(at);
                way.extend_from_slice(&passed.way);
                let passed = Passed {
                    param,
                    clean: passed.clean.or(taint.clean),
                    way,
                    ..passed.clone()
                };
                self.passes(function, passed);
            }
        }
    }

    /// A call of a function of another file.
    pub(super) fn outside_call(
        &mut self,
        exported: &Exported,
        callee: &Callee<'_>,
        given: &[Given],
        at: Span,
    ) -> Value {
        for (number, reach) in exported.reaches.iter().enumerate() {
            for taint in exported.bound(reach.param, given).taints {
                if taint.clean.has(reach.kinds) {
                    continue;
                }
                let mut way = taint.places();
                way.push(at);
                let beyond = Beyond {
                    called: callee.path.to_string(),
                    reach: number,
                };
                self.hit_beyond(taint.label, reach.rule, reach.kinds, way, at, Some(beyond));
            }
        }
        let mut result = Value {
            text: exported.text.as_deref().map(Text::of_pieces),
            ..Value::default()
        };
        for &(param, clean) in &exported.gives_params {
            let bound = exported.bound(param, given);
            for mut taint in bound.taints {
                taint.clean = taint.clean.or(clean);
                result.add(taint);
            }
        }
        for &(source, clean) in &exported.gives_sources {
            result.add(Taint::new(Label::Source(source, at), clean, at));
        }
        for write in &exported.writes {
            let mut value = Value::default();
            match write.from {
                Origin::Source(source) => value.add(Taint::new(Label::Source(source, at), write.clean, at)),
                Origin::Param(param) => {
                    for mut taint in exported.bound(param, given).taints {
                        taint.clean = taint.clean.or(write.clean);
                        value.add(taint);
                    }
                }
            }
            self.written.push(Write {
                param: write.to,
                field: None,
                value,
            });
        }
        for &(param, kinds) in &exported.proves {
            let proofs = self.proofs_of(&exported.bound(param, given), kinds);
            merge(&mut result.proves.held, &proofs);
        }
        if self.rules.prints && !exported.fails {
            let held = result.proves.held.clone();
            self.state().prove(&held);
        }
        self.state().ended |= exported.never;
        result.step(at);
        result
    }
}

impl Passed {
    /// The position in [`Passed`]'s own function, as a caller gives it.
    #[must_use]
    pub fn param(&self) -> u16 {
        self.param
    }
}

impl ExportedReach {
    /// The reach of a function that hands on to one which has `self`: `None` if what is handed on is safe by then, or is
    /// not what reaches.
    #[must_use]
    pub fn through(&self, passed: &Passed, of: &Exported) -> Option<Self> {
        let fits = of.gets(self.param, &passed.arg) && !passed.clean.has(self.kinds);
        fits.then(|| Self {
            param: passed.param,
            rule: self.rule,
            kinds: self.kinds,
            way: passed.way.clone(),
        })
    }

    /// Whether two are about the same parameter and rule.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        (self.param, self.rule) == (other.param, other.rule)
    }

    fn of(reach: &super::Reach) -> Self {
        Self {
            param: reach.param,
            rule: reach.rule,
            kinds: reach.kinds,
            way: reach.way.clone(),
        }
    }
}

impl Exported {
    /// A function of this name that does nothing.
    #[cfg(test)]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            params: Vec::new(),
            reaches: Vec::new(),
            passes: Vec::new(),
            gives_params: Vec::new(),
            gives_sources: Vec::new(),
            writes: Vec::new(),
            proves: Vec::new(),
            fails: false,
            never: false,
            text: None,
        }
    }

    /// Whether following a call into it may find something: it reaches a sink, or makes its result safe or unsafe.
    #[must_use]
    pub fn decides(&self) -> bool {
        let cleans = self.gives_params.iter().any(|(_, clean)| *clean != Kinds::NONE);
        !self.reaches.is_empty()
            || !self.gives_sources.is_empty()
            || !self.writes.is_empty()
            || cleans
            || !self.proves.is_empty()
            || self.never
    }

    /// Whether callers in other files need to know of it.
    fn matters(&self) -> bool {
        self.decides() || !self.passes.is_empty()
    }

    /// Whether the first parameter is what a method is called on, which no argument is.
    fn has_receiver(&self) -> bool {
        let first = self.params.first();
        first.is_some_and(|(first, ..)| matches!(first.as_str(), "self" | "cls" | "this"))
    }

    /// Whether a parameter gets an argument, by its position and name.
    fn gets(&self, wanted: u16, (position, name): &(u16, Option<String>)) -> bool {
        let index = position + u16::from(self.has_receiver());
        let mut params = self.params.iter().filter(|(_, at, _)| *at == wanted);
        params.any(|(param, at, rest)| match name {
            Some(name) => name == param,
            None => *at == index || *rest && (*at & !ALL_FROM) <= index,
        })
    }

    /// What a parameter gets.
    fn bound(&self, position: u16, given: &[Given]) -> Value {
        let Some((name, _, rest)) = self.params.iter().find(|(_, at, _)| *at == position) else {
            return Value::default();
        };
        let Some(index) = usize::from(position & !ALL_FROM).checked_sub(usize::from(self.has_receiver())) else {
            return Value::default();
        };
        let mut value = Value::default();
        for (at, arg) in given.iter().enumerate() {
            let meant = match &arg.name {
                Some(named) => **named == **name,
                None => at == index || at > index && *rest || arg.spread,
            };
            if meant {
                value.absorb(&arg.value);
                merge(&mut value.reads, &arg.value.reads);
            }
        }
        value
    }
}

fn exported_writes(id: FunctionId, summary: &Summary) -> Vec<ExportedWrite> {
    let written = summary.writes.iter().flat_map(|write| {
        let taints = write.value.taints.iter();
        taints.map(move |taint| (write.param, taint))
    });
    let exported = written.filter_map(|(to, taint)| {
        let from = match taint.label {
            Label::Param(of, param) if of == id => Origin::Param(param),
            Label::Param(..) => return None,
            Label::Source(source, _) => Origin::Source(source),
        };
        let clean = taint.clean;
        Some(ExportedWrite { to, from, clean })
    });
    exported.take(MAX_WRITES).collect()
}

fn source_of(taint: &Taint) -> Option<(usize, Kinds)> {
    match taint.label {
        Label::Source(source, _) => Some((source, taint.clean)),
        Label::Param(..) => None,
    }
}
