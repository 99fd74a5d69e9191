//! Values followed through a file: what reaches a sink from a source, on which way.
//!
//! ```text
//! top level (names, constants) ─▶ each function ─▶ Summary ─▶ its callers ─▶ hits
//!                                  statements in order; branches apart, then joined; a loop's body at most twice
//! ```
//!
//! A function is followed once with its parameters as labels. What of them reaches a sink, the result, or is proved by
//! the result is its `Summary`; a call puts the caller's values in the labels' places.
//!
//! Always true:
//! - what a constant condition rules out is not followed;
//! - work is bounded by a fuel: when it is used up the file's outcome is over-limit, with what was found so far;
//! - the same file and rules give the same hits in the same order.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::ir::{ExprKind, FunctionId, Module, NameId, Span};
use super::path::Path;
use super::quick::QuickMap;
use super::rules::{Kinds, Ruleset};
use super::value::{Label, Proof, Value};

mod assign;
mod call;
mod compare;
mod entry;
mod eval;
mod fold;
mod format;
mod names;
mod outside;
mod own;
mod place;
mod relevance;
mod sink;
mod state;
mod stmt;

use self::entry::Entry;
use self::names::Names;
use self::outside::Passed;
pub use self::outside::{Beyond, Exported, ExportedReach, Outside};
use self::relevance::Relevance;
use self::state::State;

/// Expressions that may be worked out for one file.
pub const FUEL: u64 = 4_000_000;
/// Functions that are followed within each other.
const MAX_CALLS: usize = 32;
/// Of these, how many deep a function is followed again with a caller's values.
const MAX_AGAIN: usize = 6;
/// Expressions that may be worked out again with a caller's values: for one function, and for the file.
const AGAIN: u64 = 8_000;
const AGAIN_IN_ALL: u64 = 1_500_000;
/// Ways to one sink that are told.
const MAX_WAYS: usize = 4;

/// What was found in a file.
#[derive(Debug, Default)]
pub struct Followed {
    /// In the order of their places.
    pub hits: Vec<Hit>,
    /// Whether the fuel was used up before the end.
    pub exhausted: bool,
    /// Expressions that were worked out, each as often as it was.
    pub worked_out: u64,
    /// What the file's functions do that matters to other files.
    pub exports: Vec<Exported>,
    /// The paths of what it calls and does not have.
    pub called: BTreeSet<String>,
}

/// A rule that held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Where it held: the sink.
    pub at: Span,
    /// Which, by its position in the rules.
    pub rule: usize,
    /// The source, by its position in the rules; none for a pattern.
    pub source: Option<usize>,
    /// The way, source first, sink last.
    pub way: Vec<Span>,
    /// Where it goes on, if the sink is in another file.
    pub beyond: Option<Beyond>,
}

/// What a function puts into what a parameter points to.
#[derive(Debug, Clone)]
struct Write {
    param: u16,
    /// The part of it, if it is one alone.
    field: Option<NameId>,
    value: Value,
}

/// What a function does with its parameters.
#[derive(Debug, Clone, Default)]
struct Summary {
    returns: Value,
    reaches: Vec<Reach>,
    /// By position: what a parameter is safe for if the result is true.
    proves: Vec<(u16, Kinds)>,
    /// By position: what is written through a parameter.
    writes: Vec<Write>,
    /// What is handed on to functions that are not in this file.
    passes: Vec<Passed>,
    /// Whether it may say that it did not go well, and go on.
    fails: bool,
    /// Whether nobody comes back from it.
    never: bool,
}

/// A parameter that reaches a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reach {
    param: u16,
    rule: usize,
    kinds: Kinds,
    way: Vec<Span>,
    beyond: Option<Beyond>,
}

#[derive(Debug, Clone)]
enum Known {
    Not,
    UnderWay,
    Done(Rc<Summary>),
}

/// A function at work.
struct Frame {
    function: FunctionId,
    state: State,
    /// What stands around it: the file's names, a closure's surroundings.
    outer: Rc<State>,
    returned: Option<Value>,
    /// Whatever was known where something was given back.
    given: Option<State>,
    /// What every true result so far proves.
    proofs: Option<Vec<Proof>>,
    reaches: Vec<Reach>,
    /// States in which loops and switches were left.
    left: Vec<State>,
    /// States in which rounds of loops were cut short.
    continued: Vec<State>,
    passes: Vec<Passed>,
    /// Whether it may say that it did not go well.
    fails: bool,
    /// The call by which it was come to, if it is followed with that call's values.
    called_at: Option<Span>,
}

/// What methods keep in a field of their object.
#[derive(Debug, Default)]
struct Field {
    value: Value,
    /// Whether it may come from a method's parameter: whoever made the object gave it.
    given: bool,
    /// Whether any method kept something in it.
    set: bool,
    /// Whether any method looked at it.
    read: bool,
}

/// A file at work.
pub struct Flow<'a> {
    module: &'a Module,
    rules: &'a Ruleset,
    names: Names<'a>,
    /// Which sources are any in this file.
    active: Vec<bool>,
    summaries: Vec<Known>,
    frames: Vec<Frame>,
    /// The names of the top level.
    globals: Rc<State>,
    /// What methods of a class keep in it.
    fields: QuickMap<(NameId, NameId), Field>,
    /// Whether a field changed after some method had looked at it.
    fields_changed: bool,
    /// The paths of variables that nothing else is known of: `$name`.
    unknown: QuickMap<NameId, Option<Path>>,
    /// The paths of names that are no variables, and the functions that they are.
    named: QuickMap<NameId, (Option<Path>, Option<FunctionId>)>,
    /// The paths of names as they are written.
    written_names: QuickMap<NameId, Path>,
    /// The path of what has none: `?`.
    nameless: Path,
    /// The path of reaching through a pointer.
    reached: Path,
    /// What the function of this file that was called last wrote through its parameters.
    written: Vec<Write>,
    /// Whether a rule is about reaching through a pointer.
    accesses: bool,
    relevance: Relevance,
    /// Where variables get values, by place.
    assigned: Vec<(u32, NameId)>,
    /// Which functions are values where they stand.
    closures: Vec<bool>,
    /// Which functions were followed at all, in whatever way.
    ran: Vec<bool>,
    hits: Vec<Hit>,
    outside: &'a Outside<'a>,
    called: BTreeSet<String>,
    fuel: u64,
    /// What is left for following functions again: now, and in all.
    again: u64,
    again_in_all: u64,
}

/// Follows the values of a checked module, and into those functions of other files that are known.
#[must_use]
pub fn follow(module: &Module, rules: &Ruleset, outside: &Outside<'_>) -> Followed {
    let mut flow = Flow::new(module, rules, outside);
    let top = FunctionId(u32::try_from(module.functions.len() - 1).unwrap_or(u32::MAX));
    // Once for the names of the top level, which functions see; then everything, twice: what a method keeps in its
    // object is seen by the others the second time.
    flow.learn_globals(top);
    for _ in 0..2 {
        flow.fields_changed = false;
        flow.every_function();
        if !flow.fields_changed {
            break;
        }
    }
    flow.finish()
}

/// Which functions of a module are values where they stand, by position.
fn closures(module: &Module) -> Vec<bool> {
    let mut closures = vec![false; module.functions.len()];
    for expr in &module.exprs {
        if let ExprKind::Closure(function) = expr.kind {
            closures[function.0 as usize] = true;
        }
    }
    closures
}

impl<'a> Flow<'a> {
    fn new(module: &'a Module, rules: &'a Ruleset, outside: &'a Outside<'a>) -> Self {
        let names = Names::of(module);
        let accesses = rules.calls.has(sink::ACCESS);
        Self {
            module,
            rules,
            active: rules
                .sources
                .iter()
                .map(|source| names.brings_in(&source.with))
                .collect(),
            names,
            summaries: vec![Known::Not; module.functions.len()],
            frames: Vec::new(),
            globals: Rc::default(),
            fields: QuickMap::default(),
            fields_changed: false,
            unknown: QuickMap::default(),
            named: QuickMap::default(),
            written_names: QuickMap::default(),
            nameless: Path::new("?"),
            reached: Path::new(sink::ACCESS),
            written: Vec::new(),
            accesses,
            relevance: Relevance::of(module, rules, outside, accesses),
            assigned: stmt::assigned(module),
            closures: closures(module),
            ran: vec![false; module.functions.len()],
            hits: Vec::new(),
            outside,
            called: BTreeSet::new(),
            fuel: FUEL,
            again: AGAIN,
            again_in_all: AGAIN_IN_ALL,
        }
    }

    /// Follows each function by itself; closures where they stand, and by themselves only if that is never come to.
    fn every_function(&mut self) {
        let functions = self.module.functions.len();
        self.summaries = vec![Known::Not; functions];
        self.ran = vec![false; functions];
        for closures in [false, true] {
            for index in 0..functions {
                let id = FunctionId(u32::try_from(index).unwrap_or(u32::MAX));
                let closure = self.closures[index];
                if closure == closures && !(closure && self.ran[index]) {
                    self.refill();
                    self.summary(id);
                }
            }
        }
    }

    fn refill(&mut self) {
        self.again_in_all += self.again;
        self.again = AGAIN.min(self.again_in_all);
        self.again_in_all -= self.again;
    }

    fn finish(mut self) -> Followed {
        // A loop's second round and a method's second look find the same again, at times by another way.
        self.hits.sort_by(|a, b| {
            let key = |hit: &Hit| {
                (
                    hit.at,
                    hit.rule,
                    hit.source,
                    hit.source.is_none().then_some(hit.way.len()),
                )
            };
            key(a).cmp(&key(b)).then_with(|| a.way.cmp(&b.way))
        });
        self.hits.dedup_by(|later, first| {
            let key = |hit: &Hit| (hit.at, hit.rule, hit.way.first().copied());
            key(later) == key(first)
        });
        let mut ways = 0;
        let mut last = None;
        let mut alone = false;
        self.hits.retain(|hit| {
            let new = last != Some((hit.at, hit.rule));
            last = Some((hit.at, hit.rule));
            ways = if new { 0 } else { ways + 1 };
            // What holds whoever calls is told without its callers, who come after it in the order.
            alone = hit.source.is_none() && (hit.way.len() == 1 || alone && !new);
            ways < MAX_WAYS && (new || !alone)
        });
        Followed {
            exports: self.exports(),
            hits: self.hits,
            exhausted: self.fuel == 0,
            worked_out: FUEL - self.fuel,
            called: self.called,
        }
    }

    fn learn_globals(&mut self, top: FunctionId) {
        let state = self.run(top, Rc::default(), Entry::Alone).0;
        self.globals = Rc::new(state);
        self.hits.clear();
    }

    /// What a function does; `None` while it is being found out, or if it is called too deep.
    fn summary(&mut self, function: FunctionId) -> Option<Rc<Summary>> {
        match &self.summaries[function.0 as usize] {
            Known::Done(summary) => return Some(Rc::clone(summary)),
            Known::UnderWay => return None,
            Known::Not if self.frames.len() >= MAX_CALLS => return None,
            Known::Not => {}
        }
        self.summaries[function.0 as usize] = Known::UnderWay;
        let globals = Rc::clone(&self.globals);
        let (_, summary) = self.run(function, globals, Entry::Alone);
        let summary = Rc::new(summary);
        self.summaries[function.0 as usize] = Known::Done(Rc::clone(&summary));
        Some(summary)
    }

    /// Follows a function's body.
    fn run(&mut self, function: FunctionId, outer: Rc<State>, entry: Entry) -> (State, Summary) {
        let called_at = match entry {
            Entry::Called { at, .. } => Some(at),
            _ => None,
        };
        self.ran[function.0 as usize] = true;
        self.frames.push(Frame {
            function,
            state: State::default(),
            outer,
            returned: None,
            given: None,
            proofs: None,
            reaches: Vec::new(),
            left: Vec::new(),
            continued: Vec::new(),
            passes: Vec::new(),
            fails: false,
            called_at,
        });
        if called_at.is_none() {
            self.marked_sinks();
        }
        self.enter(function, entry);
        self.block(self.module.function(function).body);
        let Some(frame) = self.frames.pop() else {
            return (State::default(), Summary::default());
        };
        let params = &self.module.function(function).params;
        let proofs = frame.proofs.unwrap_or_default();
        let proves = proofs.iter().filter_map(|proof| {
            let param = params.iter().find(|param| param.name == proof.variable)?;
            Some((param.position, proof.kinds))
        });
        let summary = Summary {
            proves: proves.collect(),
            writes: self.writes_of(function, &frame.state, frame.given.as_ref()),
            passes: frame.passes,
            never: self.rules.prints && frame.state.ended && !frame.fails && frame.returned.is_none(),
            fails: frame.fails,
            returns: frame.returned.unwrap_or_default(),
            reaches: frame.reaches,
        };
        (frame.state, summary)
    }

    /// What a function wrote through those of its parameters whose type says that it may.
    ///
    /// What it did to a variable as a whole counts where it ends, what it wrote wherever it gave something back.
    fn writes_of(&self, function: FunctionId, state: &State, given: Option<&State>) -> Vec<Write> {
        let params = self.module.function(function).params.iter();
        let writable = params.filter(|param| param.ty.is_some_and(|ty| self.module.name(ty).starts_with(['*', '&'])));
        let mut writes = Vec::new();
        for param in writable {
            let Some(variable) = state.get(param.name) else {
                continue;
            };
            let fields = variable.fields.iter().map(|(field, value)| (Some(*field), value));
            for (field, of) in std::iter::once((None, &variable.value)).chain(fields) {
                let mut value = Value::default();
                value.absorb(of);
                if let Some(given) = given.and_then(|given| given.get(param.name)) {
                    let before = match field {
                        Some(field) => given.fields.get(&field),
                        None => Some(&given.value),
                    };
                    let written = before.into_iter().flat_map(|value| &value.taints);
                    let written = written.filter(|taint| !eval::is_whole(self.rules, taint));
                    written.for_each(|taint| value.add(taint.clone()));
                }
                value.taints.retain(|taint| {
                    let part = field.is_some() && eval::is_whole(self.rules, taint);
                    taint.label != Label::Param(function, param.position) && !part
                });
                if value.is_tainted() {
                    writes.push(Write {
                        param: param.position,
                        field,
                        value,
                    });
                }
            }
        }
        writes
    }

    /// The function at work.
    fn frame(&mut self) -> &mut Frame {
        match self.frames.last_mut() {
            Some(frame) => frame,
            None => unreachable!("`run` pushes a frame before anything is worked out, and pops it last"),
        }
    }

    /// The path of a name as it is written.
    fn own_name(&mut self, name: NameId) -> Path {
        let module = self.module;
        let path = self.written_names.entry(name);
        path.or_insert_with(|| Path::new(module.name(name))).clone()
    }

    fn state(&mut self) -> &mut State {
        &mut self.frame().state
    }

    /// Uses up fuel for one expression; whether there was any.
    fn burn(&mut self) -> bool {
        self.fuel = self.fuel.saturating_sub(1);
        if self.frames.last().is_some_and(|frame| frame.called_at.is_some()) {
            self.again = self.again.saturating_sub(1);
        }
        self.fuel > 0
    }

    fn hit(&mut self, label: Label, rule: usize, kinds: Kinds, way: Vec<Span>, at: Span) {
        self.hit_beyond(label, rule, kinds, way, at, None);
    }

    fn hit_beyond(
        &mut self,
        label: Label,
        rule: usize,
        kinds: Kinds,
        way: Vec<Span>,
        at: Span,
        beyond: Option<Beyond>,
    ) {
        match label {
            Label::Source(source, _) => self.hits.push(Hit {
                at,
                rule,
                source: Some(source),
                way,
                beyond,
            }),
            Label::Param(function, param) => {
                let reach = Reach {
                    param,
                    rule,
                    kinds,
                    way,
                    beyond,
                };
                // A closure sees the parameters of the functions around it.
                let frames = self.frames.iter_mut().rev();
                let Some(frame) = frames.into_iter().find(|frame| frame.function == function) else {
                    return;
                };
                let reaches = &mut frame.reaches;
                let known = reaches.iter().any(|known| {
                    (known.param, known.rule) == (reach.param, reach.rule) && known.way.last() == reach.way.last()
                });
                if !known {
                    reaches.push(reach);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
