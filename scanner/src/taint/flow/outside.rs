//! What functions do for other files, and calls of those of other files.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::super::ir::{FunctionId, Span};
use super::super::rules::Kinds;
use super::super::value::{Label, Taint, Text, Value};
use super::call::Callee;
use super::sink::Given;
use super::{Flow, Known};

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
    /// Parameters that are in the result, and what they are safe for there.
    gives_params: Vec<(u16, Kinds)>,
    /// Sources that are in the result.
    gives_sources: Vec<(usize, Kinds)>,
    /// The result's text, in pieces.
    text: Option<Vec<String>>,
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
                    .filter(|reach| reach.beyond.is_none())
                    .map(ExportedReach::of)
                    .collect(),
                gives_params: taints
                    .iter()
                    .filter_map(|taint| Some((own(taint.label)?, taint.clean)))
                    .collect(),
                gives_sources: taints.iter().filter_map(source_of).collect(),
                text: summary.returns.text.as_ref().map(Text::pieces),
            };
            let cleans = exported.gives_params.iter().any(|(_, clean)| *clean != Kinds::NONE);
            if !exported.reaches.is_empty() || !exported.gives_sources.is_empty() || cleans {
                exports.push(exported);
            }
        }
        exports
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

    /// A call of a function of another file.
    pub(super) fn outside_call(&mut self, exported: &Exported, callee: &Callee, given: &[Given], at: Span) -> Value {
        for (number, reach) in exported.reaches.iter().enumerate() {
            for taint in exported.bound(reach.param, given).taints {
                if taint.clean.has(reach.kinds) {
                    continue;
                }
                let mut way = taint.places();
                way.push(at);
                let beyond = Beyond {
                    called: callee.path.clone(),
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
            for mut taint in exported.bound(param, given).taints {
                taint.clean = taint.clean.or(clean);
                result.add(taint);
            }
        }
        for &(source, clean) in &exported.gives_sources {
            result.add(Taint::new(Label::Source(source, at), clean, at));
        }
        result.step(at);
        result
    }
}

impl ExportedReach {
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
    /// What a parameter gets.
    fn bound(&self, position: u16, given: &[Given]) -> Value {
        let Some((name, _, rest)) = self.params.iter().find(|(_, at, _)| *at == position) else {
            return Value::default();
        };
        let receiver = self
            .params
            .first()
            .is_some_and(|(first, ..)| matches!(first.as_str(), "self" | "cls" | "this"));
        let Some(index) = usize::from(position).checked_sub(usize::from(receiver)) else {
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
            }
        }
        value
    }
}

fn source_of(taint: &Taint) -> Option<(usize, Kinds)> {
    match taint.label {
        Label::Source(source, _) => Some((source, taint.clean)),
        Label::Param(..) => None,
    }
}
