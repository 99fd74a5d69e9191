//! Whether a value may go where it goes.

use std::rc::Rc;

use super::super::ir::{ExprId, ExprKind, Span};
use super::super::path::{CallFacts, Path};
use super::super::rules::{Condition, Kinds, MARKED, Pattern, RETURNED, Sink, Test};
use super::super::value::{Constant, Label, Text, Value};
use super::Flow;
use super::own::CONSTRUCTORS;

/// What a call gives, worked out.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) name: Option<Rc<str>>,
    pub(super) value: Value,
    /// Whether it is spread over several parameters, and its parts are not known.
    pub(super) spread: bool,
}

/// What reaching through a pointer is called.
pub(super) const ACCESS: &str = "operator->";

impl Given {
    fn alone(value: &Value) -> [Self; 1] {
        [Self {
            name: None,
            value: value.clone(),
            spread: false,
        }]
    }
}

impl Flow<'_> {
    /// Reports what a call of `path` must not be given.
    pub(super) fn called_sinks(&mut self, path: &Path, receiver: Option<&Value>, given: &[Given], at: Span) {
        let rules = self.rules;
        let own = rules.calls.of(path);
        let others = self.others(path).iter().flat_map(|other| rules.calls.of(other));
        for &(rule, sink) in own.chain(others) {
            let sink = &rules.rules[rule].sinks[sink];
            if !conditions_hold(sink, receiver, given) {
                continue;
            }
            let Some(kinds) = rules.rules[rule].kind else {
                self.hits_pattern(rule, at);
                continue;
            };
            let mut values = watched(sink, given);
            values.extend(receiver.filter(|_| sink.receiver));
            for value in values {
                self.check(rule, kinds, sink, value, at);
            }
        }
    }

    /// Reports what must not be reached through.
    pub(super) fn accessed(&mut self, object: ExprId, at: Span) {
        if !self.accesses || !matches!(self.module.expr(object).kind, ExprKind::Name(_)) {
            return;
        }
        let value = self.eval(object);
        let path = self.reached.clone();
        self.called_sinks(&path, None, &Given::alone(&value), at);
    }

    /// Reports what must not be assigned to `path`.
    pub(super) fn assigned_sinks(&mut self, path: &Path, value: &Value, at: Span) {
        let rules = self.rules;
        let own = rules.assigned.of(path);
        let others = self.others(path).iter().flat_map(|other| rules.assigned.of(other));
        for &(rule, sink) in own.chain(others) {
            let sink = &rules.rules[rule].sinks[sink];
            if !conditions_hold(sink, None, &Given::alone(value)) {
                continue;
            }
            match rules.rules[rule].kind {
                None => self.hits_pattern(rule, at),
                Some(kinds) => self.check(rule, kinds, sink, value, at),
            }
        }
    }

    /// Reports what a handler must not give back: a call of `MARK.return`.
    pub(super) fn returned_sinks(&mut self, value: &Value, at: Span) {
        let function = self.frame().function;
        for mark in self.marks_and_bases(function) {
            self.called_sinks(&Path::new(format!("{mark}.{RETURNED}")), None, &Given::alone(value), at);
        }
    }

    /// Reports what a function must not give back by its name: a call of `name.WORD.return` for each word of it.
    pub(super) fn named_sinks(&mut self, value: &Value, at: Span) {
        let name = self.module.name(self.module.function(self.frame().function).name);
        for word in words_of(name) {
            self.called_sinks(
                &Path::new(format!("name.{word}.{RETURNED}")),
                None,
                &Given::alone(value),
                at,
            );
        }
    }

    /// Reports marks that a function must not have: a call of `MARK.mark`.
    pub(super) fn marked_sinks(&mut self) {
        let id = self.frame().function;
        let function = self.module.function(id);
        for mark in self.mark_paths(function) {
            self.called_sinks(&Path::new(format!("{mark}.{MARKED}")), None, &[], function.span);
        }
    }

    /// What a path is beside itself.
    pub(super) fn others<'p>(&self, path: &'p Path) -> &'p [String] {
        path.others(|| self.other_paths(path))
    }

    /// The sources of this file that a path is.
    pub(super) fn sources<'p>(&self, path: &'p Path) -> &'p [usize] {
        path.sources(|| {
            let own = self.rules.by_path.of(path);
            let others = self.others(path).iter().flat_map(|other| self.rules.by_path.of(other));
            own.chain(others)
                .copied()
                .filter(|source| self.active[*source])
                .collect()
        })
    }

    /// What calls of a path are.
    pub(super) fn call_facts<'p>(&self, path: &'p Path) -> &'p CallFacts {
        path.call_facts(|| CallFacts {
            known: self.rules.about_calls.has(path),
            is_class: self.names.is_class(path),
            constructor: CONSTRUCTORS.iter().find_map(|name| self.names.method(path, name)),
        })
    }

    /// What a path is beside itself: by the foreign classes that a class of this file extends.
    fn other_paths(&self, path: &str) -> Vec<String> {
        let mut paths = Vec::new();
        if !self.names.has_classes() && self.names.star().is_none() {
            return paths;
        }
        let (class, rest) = path.split_once('.').unwrap_or((path, ""));
        let class = class.trim_end_matches("()");
        if !rest.is_empty() && self.names.is_class(class) {
            let bases = self.names.foreign_bases(class);
            paths.extend(bases.into_iter().map(|base| format!("{base}.{rest}")));
        }
        // `from x import *` may bring a name in, or it may be one of the language.
        if let Some(star) = self.names.star()
            && let Some(bare) = path.strip_prefix(star).and_then(|rest| rest.strip_prefix('.'))
        {
            paths.push(bare.to_owned());
        }
        paths
    }

    fn hits_pattern(&mut self, rule: usize, at: Span) {
        let mut way: Vec<Span> = self.frames.iter().filter_map(|frame| frame.called_at).collect();
        way.push(at);
        self.hits.push(super::Hit {
            at,
            rule,
            source: None,
            way,
            beyond: None,
        });
    }

    fn check(&mut self, rule: usize, kinds: Kinds, sink: &Sink, value: &Value, at: Span) {
        let value = match &sink.item {
            Some(key) => match value.item(key) {
                Some(item) => item,
                None => return,
            },
            None => value,
        };
        // A function that is given is no text, whatever it gives back.
        let no_text = sink.plain && value.items.is_some() || !sink.gives && value.function.is_some();
        if no_text || !value.is_tainted() || !text_fits(sink, value) {
            return;
        }
        // What is not built here is a parameter that may have been: what else is in it was not.
        let built = !sink.built || value.text.as_ref().is_some_and(Text::is_built);
        for taint in &value.taints {
            if taint.clean.has(kinds) || !built && matches!(taint.label, Label::Source(..)) {
                continue;
            }
            let mut way = taint.places();
            way.push(at);
            self.hit(taint.label, rule, kinds, way, at);
        }
    }
}

/// The words of a name, small: of `newSessionID` these are `new`, `session` and `id`.
pub(super) fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = '_';
    for c in name.chars() {
        let begins = c.is_uppercase() && !before.is_uppercase() || before == '_';
        if begins && c != '_' {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c != '_') {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words
}

/// The arguments that a sink is about.
fn watched<'v>(sink: &Sink, given: &'v [Given]) -> Vec<&'v Value> {
    if sink.spread {
        return given.iter().filter(|arg| arg.spread).map(|arg| &arg.value).collect();
    }
    if sink.args.is_empty() && sink.named.is_empty() {
        return match sink.receiver {
            true => Vec::new(),
            false => given.iter().map(|arg| &arg.value).collect(),
        };
    }
    let places = given.iter().enumerate().filter(|(index, arg)| match &arg.name {
        Some(name) => sink.named.iter().any(|named| **named == **name),
        None => {
            let index = u16::try_from(*index).unwrap_or(u16::MAX);
            // What is spread may be any argument from here on.
            sink.args.contains(&index) || arg.spread && sink.args.iter().any(|wanted| *wanted >= index)
        }
    });
    places.map(|(_, arg)| &arg.value).collect()
}

fn conditions_hold(sink: &Sink, receiver: Option<&Value>, given: &[Given]) -> bool {
    sink.conditions
        .iter()
        .all(|condition| holds(condition, receiver, given))
}

/// The value that a condition is about.
fn meant<'v>(condition: &Condition, receiver: Option<&'v Value>, given: &'v [Given]) -> Option<&'v Value> {
    if condition.receiver {
        return receiver;
    }
    let (name, key) = match &condition.named {
        Some(named) => named
            .split_once('.')
            .map_or((named.as_str(), None), |(name, key)| (name, Some(key))),
        None => ("", None),
    };
    let within = |value: &'v Value| key.map_or(Some(value), |key| value.item(key));
    if let Some(arg) = given
        .iter()
        .find(|arg| arg.name.as_deref() == Some(name) && !name.is_empty())
    {
        return within(&arg.value);
    }
    // Options in an object: `fetch(url, {rejectUnauthorized: false})`.
    let mut unnamed = given.iter().filter(|arg| arg.name.is_none());
    let mut options = || unnamed.find_map(|arg| arg.value.item(name).filter(|_| !name.is_empty()));
    match condition.arg.and_then(|index| given.get(usize::from(index))) {
        Some(arg) if arg.name.is_none() && !arg.spread => arg.value.item(name).or(Some(&arg.value)).and_then(within),
        _ => options().and_then(within),
    }
}

fn holds(condition: &Condition, receiver: Option<&Value>, given: &[Given]) -> bool {
    if condition.any {
        // An array that is spread and known is among them by its parts; one that is not may be anything.
        return given
            .iter()
            .any(|arg| !arg.spread && passes(condition, Some(&arg.value), given));
    }
    passes(condition, meant(condition, receiver, given), given)
}

fn passes(condition: &Condition, value: Option<&Value>, given: &[Given]) -> bool {
    match (&condition.test, value) {
        (Test::Given, value) => value.is_some(),
        // What is spread and not known may be anything.
        (Test::Absent, value) => value.is_none() && !given.iter().any(|arg| arg.spread),
        (Test::Matches(regex), Some(value)) => shown(value).is_some_and(|text| regex.is_match(&text)),
        (Test::Matches(_), None) => false,
        (Test::DiffersFrom(regex), Some(value)) => shown(value).is_none_or(|text| !regex.is_match(&text)),
        (Test::DiffersFrom(_), None) => !given.iter().any(|arg| arg.spread),
        (Test::Is(patterns), Some(value)) => is_any(patterns, value),
        (Test::Is(_), None) => false,
        (Test::IsNot(patterns), value) => value.is_none_or(|value| !is_any(patterns, value)),
        (Test::Bits(bits), Some(value)) => {
            matches!(value.constant, Some(Constant::Int(number)) if number & bits != 0)
        }
        (Test::Bits(_), None) => false,
        (Test::Safe(kinds), value) => !value.is_some_and(|value| is_unsafe(value, *kinds)),
        (Test::Unsafe(kinds), value) => value.is_some_and(|value| is_unsafe(value, *kinds)),
    }
}

/// Whether a value comes from a source that is not safe for these kinds; what a caller gave is not known here.
fn is_unsafe(value: &Value, kinds: Kinds) -> bool {
    let mut sources = value
        .taints
        .iter()
        .filter(|taint| matches!(taint.label, Label::Source(..)));
    sources.any(|taint| !taint.clean.has(kinds))
}

fn is_any(patterns: &[Pattern], value: &Value) -> bool {
    let path = value.path.as_deref();
    path.is_some_and(|path| patterns.iter().any(|pattern| pattern.matches(path)))
}

/// A value as conditions see it: its constant text, its known pieces, a list's parts in a row.
fn shown(value: &Value) -> Option<String> {
    if let Some(written) = value.written() {
        return Some(written.to_string());
    }
    if let Some(items) = &value.items {
        let parts = items
            .iter()
            .map(|(_, part)| shown(part).unwrap_or_else(|| "\u{fffc}".to_owned()));
        return Some(parts.collect::<Vec<_>>().join(" "));
    }
    value.text.as_ref().map(Text::shown)
}

fn text_fits(sink: &Sink, value: &Value) -> bool {
    let shown = shown(value).unwrap_or_default();
    let prefix = value.text.as_ref().map_or("", Text::prefix);
    sink.text.as_ref().is_none_or(|text| text.is_match(&shown))
        && sink.unless_prefix.as_ref().is_none_or(|text| !text.is_match(prefix))
        && (!sink.built || value.text.as_ref().is_some_and(Text::is_built) || is_parameter(value))
}

/// Whether the value is a parameter as it came: what its caller built is not seen here.
fn is_parameter(value: &Value) -> bool {
    value.taints.iter().any(|taint| matches!(taint.label, Label::Param(..))) && value.text.is_none()
}
