//! Calls: what they are given, what they give back, what they change.
//!
//! ```text
//! callee ─┬─ of this file ─┬─ followed again with these very values, while there is fuel for that
//!         │                └─ else by its summary
//!         └─ not ──────────── cleaned, looked up or carried by the rules, else whatever it was given
//! ```

use std::rc::Rc;

use super::super::ir::{Arg, BinaryOp, ExprId, ExprKind, FunctionId, NameId, Span};
use super::super::path::Path;
use super::super::rules::Kinds;
use super::super::value::{Items, Label, Text, Value, merge};
use super::sink::Given;
use super::{Entry, Flow, fold, format};

mod change;
mod proof;

/// Calls that put their arguments into the format that is the first of them, or what they are called on.
const FORMATTERS: [&str; 8] = [
    "format",
    "sprintf",
    "Sprintf",
    "formatted",
    "vsprintf",
    "Errorf",
    "format_map",
    "snprintf",
];
/// Calls that give another part each time.
const MOVING: [&str; 8] = [
    "next",
    "nextLine",
    "next_line",
    "pop",
    "pop_front",
    "recv",
    "nextToken",
    "next_back",
];
/// What the path of a closure begins with.
const CLOSURE: &str = "closure.";
/// Paths of foreign functions that are remembered for a file.
const MAX_CALLED: usize = 4096;

/// What is called, worked out.
pub(super) struct Callee<'m> {
    pub(super) path: Path,
    /// Whether any rule is about calls of this path.
    known: bool,
    pub(super) receiver: Option<Value>,
    function: Option<FunctionId>,
    /// The variable that a method is called on.
    variable: Option<NameId>,
    name: &'m str,
}

impl<'a> Flow<'a> {
    pub(super) fn call(&mut self, callee: ExprId, args: &[Arg], new: bool, at: Span) -> Value {
        let receiver = match self.module.expr(callee).kind {
            ExprKind::Attr { object, .. } => Some(object),
            _ => None,
        };
        let callee = self.callee(callee);
        let given = self.given(args, &callee);
        if callee.known || !self.others(&callee.path).is_empty() {
            self.called_sinks(&callee.path, callee.receiver.as_ref(), &given, at);
        }
        self.called_again(&callee, args, at);
        let mut value = match callee.function {
            Some(function) => self.own_call(function, &callee, &given, at),
            None => self.strange_call(&callee, &given, at),
        };
        let foreign = callee.function.is_none() && !(callee.known && self.rules.fills.has(&callee.path));
        self.renew(args, foreign);
        self.write_back(args, at);
        if callee.known {
            self.fill(&callee, args, &given, at);
            self.carry(&callee, args, &given);
            self.settle(&callee);
            self.state().ended |= self.rules.ends.has(&callee.path);
            value.proves = self.proved_by_call(&callee, &given, value.proves);
            self.proved_of_fields(&callee, receiver, args, &given, &mut value.proves);
        }
        self.put_behind(&callee, &given);
        let own = callee.function.and_then(|_| value.path.take());
        let own = own.filter(|own| !own.starts_with(['$', '?']));
        let ty = Some(&self.rules.types).filter(|_| callee.known);
        let path = match (ty.and_then(|types| types.of(&callee.path).next()), own) {
            (Some(path), _) => Path::bounded(path),
            // What it is was said where it was made, sources included.
            (None, Some(own)) => {
                value.path = Some(own);
                return value;
            }
            _ if new || self.call_facts(&callee.path).is_class => callee.path.clone().if_bounded(),
            _ => callee.path.called().if_bounded(),
        };
        value.path = path;
        self.take_source(&mut value, at);
        if new {
            value.items = value.items.or_else(|| parts_of(&given));
        }
        if callee.known {
            self.carry_result(&callee, args, &value);
        }
        value
    }

    fn callee(&mut self, callee: ExprId) -> Callee<'a> {
        let mut callee = self.named_callee(callee);
        callee.known = self.call_facts(&callee.path).known;
        callee
    }

    fn named_callee(&mut self, callee: ExprId) -> Callee<'a> {
        let module = self.module;
        let expr = module.expr(callee);
        match &expr.kind {
            ExprKind::Attr { object, name } => {
                let text = module.name(*name);
                let variable = self.root_of(*object);
                let receiver = self.eval(*object);
                let receiver_path = receiver.path.as_ref().unwrap_or(&self.nameless);
                let path = receiver_path.attribute(*name, text);
                let item = receiver.item(text).and_then(|item| item.function);
                let function = item.or_else(|| path.method(|| self.method(receiver_path, text)));
                Callee {
                    path,
                    known: false,
                    receiver: Some(receiver),
                    function,
                    variable,
                    name: text,
                }
            }
            ExprKind::Name(name) => {
                let value = self.eval(callee);
                let text = module.name(*name);
                // What a closure is like is told by its path, what is called by the name.
                let path = value.path.clone().filter(|path| !path.starts_with(CLOSURE));
                // `$f = 'system'; $f($x)`: the variable holds the name of what is called.
                let spoken = value.written().filter(|_| text.starts_with('$') && !value.is_tainted());
                let spoken = spoken.as_deref().and_then(|spoken| spoken.split_whitespace().next());
                let path = match (spoken, path) {
                    (Some(spoken), _) => Path::new(spoken.trim_start_matches('$')),
                    (None, Some(path)) if !path.starts_with('$') => path,
                    (None, Some(path)) => Path::new(path.trim_start_matches('$')),
                    (None, None) => self.own_name(*name),
                };
                let class = self.module.function(self.frame().function).class;
                let own = || class.and_then(|class| self.names.method(self.module.name(class), text));
                let constructor = || self.call_facts(&path).constructor;
                Callee {
                    function: value.function.or_else(own).or_else(constructor),
                    path,
                    known: false,
                    receiver: None,
                    variable: None,
                    name: text,
                }
            }
            _ => {
                let value = self.eval(callee);
                Callee {
                    path: value.path.clone().unwrap_or_else(|| self.nameless.clone()),
                    known: false,
                    function: value.function,
                    receiver: Some(value),
                    variable: None,
                    name: "",
                }
            }
        }
    }

    /// The method of this file that is meant.
    fn method(&self, receiver: &str, name: &str) -> Option<FunctionId> {
        let class = receiver.rsplit('.').next().unwrap_or(receiver).trim_end_matches("()");
        if self.names.is_class(class) {
            return self.names.method(class, name);
        }
        // Of a receiver that is not known, the one method of that name; one that is known is no class of this file.
        let unknown = receiver.starts_with('$') || receiver.starts_with('?');
        self.names
            .lone_method(name)
            .filter(|_| unknown && !receiver.contains('.'))
    }

    /// The arguments; closures last, since what they are given is what the others are.
    fn given(&mut self, args: &[Arg], callee: &Callee<'_>) -> Vec<Given> {
        let mut known: Vec<Option<Value>> = Vec::new();
        for arg in args {
            let closure = matches!(self.module.expr(arg.value).kind, ExprKind::Closure(_));
            known.push((!closure).then(|| self.eval(arg.value)));
        }
        let mut handed = Value::default();
        if known.iter().any(Option::is_none) {
            handed = callee.receiver.clone().unwrap_or_default();
            handed.text = None;
            handed.constant = None;
            known.iter().flatten().for_each(|value| handed.absorb(value));
            // A closure is given the result.
            handed.clean(self.cleaned_by(callee, known.first().and_then(Option::as_ref)));
        }
        let mut given = Vec::new();
        for (arg, known) in args.iter().zip(known) {
            let value = match (known, &self.module.expr(arg.value).kind) {
                (Some(value), _) => value,
                (None, ExprKind::Closure(function)) => self.closure(*function, Some(&handed)),
                (None, _) => Value::default(),
            };
            let name = arg.name.map(|name| self.module.name(name).into());
            spread_out(name, value, arg.spread, &mut given);
        }
        given
    }

    /// A function as a value: its body is followed here, with what stands around it.
    pub(super) fn closure(&mut self, function: FunctionId, given: Option<&Value>) -> Value {
        if self.frames.len() >= super::MAX_CALLS {
            return Value::default();
        }
        let around = self.surroundings(function);
        let handed = given.filter(|given| given.is_tainted()).cloned();
        let (_, summary) = self.run(function, around, Entry::CalledBack(handed));
        let mut returned = summary.returns;
        // What a function gives whatever it is asked says what it is: `closure.true`, `closure.$c.disable()`.
        let gives = returned
            .written()
            .or_else(|| returned.path.as_deref().map(Rc::from))
            .filter(|gives| !gives.is_empty());
        let path = gives.and_then(|gives| Path::bounded(&format!("{CLOSURE}{gives}")));
        let own = |label: Label| matches!(label, Label::Param(of, _) if of == function);
        returned.taints.retain(|taint| !own(taint.label));
        Value {
            taints: returned.taints,
            path,
            function: Some(function),
            ..Value::default()
        }
    }

    /// A call of what is not in this file: of a function of another file of the bundle, or of what only rules know.
    fn strange_call(&mut self, callee: &Callee<'_>, given: &[Given], at: Span) -> Value {
        if let Some(exported) = self.outside.get(&*callee.path).copied() {
            return self.outside_call(exported, callee, given, at);
        }
        if self.called.len() < MAX_CALLED && !callee.path.starts_with(['$', '?']) {
            if !self.called.contains(&*callee.path) {
                self.called.insert(callee.path.to_string());
            }
            self.pass_on(callee, given, at);
        }
        self.foreign_call(callee, given, at)
    }

    /// A call of what is known by rules alone: cleaned by the rules, else whatever it was given.
    pub(super) fn foreign_call(&mut self, callee: &Callee<'_>, given: &[Given], at: Span) -> Value {
        let cleaned = self.cleaned_by(callee, given.first().map(|arg| &arg.value));
        if cleaned == Kinds::ALL {
            let mut value = Value::default();
            self.keep_reads(callee, given, &mut value);
            return value;
        }
        // What is made of each part is what the closure makes of it.
        let made = given
            .first()
            .map(|arg| &arg.value)
            .filter(|made| made.function.is_some());
        if let Some(made) = made.filter(|_| callee.known && self.rules.maps.has(&callee.path)) {
            let mut value = Value {
                taints: made.taints.clone(),
                ..Value::default()
            };
            value.step(at);
            return value;
        }
        let text = callee.receiver.as_ref().filter(|_| callee.name == "charAt");
        if let Some(letter) = fold::letter_at(text, given.first().map(|arg| &arg.value)) {
            return letter;
        }
        let looked_up = self.looked_up(callee, given);
        let chooses = looked_up.is_some();
        let mut value = looked_up
            .or_else(|| formatted_call(callee, given, at))
            .unwrap_or_else(|| {
                let mut value = Value::default();
                callee.receiver.iter().for_each(|receiver| value.absorb(receiver));
                given.iter().for_each(|arg| value.absorb(&arg.value));
                value
            });
        value.clean(cleaned);
        if callee.known {
            self.spoil(callee, &mut value);
        }
        value.step(at);
        let receiver = callee.receiver.as_ref();
        if !chooses && !self.is_part(callee.name, given) {
            receiver
                .iter()
                .for_each(|receiver| merge(&mut value.reads, &receiver.reads));
        }
        self.keep_reads(callee, given, &mut value);
        if callee.known && self.rules.keeps_text.has(&callee.path) {
            let first = given.first().and_then(|arg| arg.value.text.clone());
            value.text = receiver.and_then(|receiver| receiver.text.clone()).or(first);
            let constant = given.first().and_then(|arg| arg.value.constant);
            value.constant = constant.filter(|_| !value.is_tainted());
        }
        value
    }

    /// Takes from a call's result what it was safe for by what the call undoes.
    fn spoil(&self, callee: &Callee<'_>, value: &mut Value) {
        let rules = self.rules;
        let at_first = |label: Label| match label {
            Label::Source(source, _) => rules.sources[source].clean,
            Label::Param(..) => Kinds::NONE,
        };
        for kinds in rules.spoilers.of(&callee.path) {
            value.spoil(*kinds, at_first);
        }
    }

    /// Lets what a call gives stand for its arguments, if rules say that what is proved of it is proved of them.
    fn keep_reads(&self, callee: &Callee<'_>, given: &[Given], value: &mut Value) {
        if callee.known && self.rules.keeps_reads.has(&callee.path) {
            given.iter().for_each(|arg| merge(&mut value.reads, &arg.value.reads));
        }
    }

    /// Whether a call is `getName()`: one part, which says nothing of the others, unless it decides; or `next()`, which is
    /// another one each time.
    fn is_part(&self, name: &str, given: &[Given]) -> bool {
        if given.is_empty() && MOVING.contains(&name) {
            return true;
        }
        let rest = name.strip_prefix("get").unwrap_or_default();
        given.is_empty()
            && rest.starts_with(char::is_uppercase)
            && !self.rules.deciding.iter().any(|deciding| deciding == name)
    }

    /// `TABLE.get(key, default)`: a part of the table, or the default; never the key.
    fn looked_up(&self, callee: &Callee<'_>, given: &[Given]) -> Option<Value> {
        let receiver = callee.receiver.as_ref()?;
        if callee.name == "values" && given.is_empty() && receiver.items.is_some() {
            return Some(receiver.clone());
        }
        if !callee.known || !self.rules.lookups.has(&callee.path) {
            return None;
        }
        let key = given.first().and_then(|arg| arg.value.written());
        let mut found = match (&receiver.items, key.and_then(|key| receiver.item(&key).cloned())) {
            (_, Some(item)) => item,
            (Some(items), None) => one_of(items),
            (None, None) => Value {
                taints: receiver.taints.clone(),
                ..Value::default()
            },
        };
        for arg in given.iter().skip(1) {
            found = found.join(&arg.value);
        }
        Some(found)
    }

    /// The variable that an expression is, takes the address of, or hangs below.
    pub(super) fn root_of(&self, expr: ExprId) -> Option<NameId> {
        let mut expr = expr;
        // Nesting is bounded by the module's check.
        loop {
            expr = match &self.module.expr(expr).kind {
                ExprKind::Name(name) => return Some(*name),
                ExprKind::Attr { object, .. } | ExprKind::Index { object, .. } => *object,
                ExprKind::Of(parts) => *parts.first()?,
                // `buffer + used` points into the buffer.
                ExprKind::Binary {
                    op: BinaryOp::Add,
                    left,
                    ..
                } if self.rules.pointers => *left,
                _ => return None,
            };
        }
    }
}

/// An argument; what is spread and known falls into its parts.
fn spread_out(name: Option<Rc<str>>, value: Value, spread: bool, given: &mut Vec<Given>) {
    let items = value
        .items
        .as_ref()
        .filter(|items| spread && items.iter().all(|(key, _)| key.is_some()));
    let Some(items) = items else {
        return given.push(Given { name, value, spread });
    };
    for (key, item) in items.iter() {
        // The parts of a list have numbers for keys, and are positional.
        let name = key.clone().filter(|key| key.parse::<u32>().is_err());
        given.push(Given {
            name,
            value: item.clone(),
            spread: false,
        });
    }
}

/// The parts of what is made of named parts alone.
fn parts_of(given: &[Given]) -> Option<Items> {
    let parts = given
        .iter()
        .map(|arg| Some((Some(Rc::clone(arg.name.as_ref()?)), arg.value.clone())));
    parts
        .collect::<Option<Vec<_>>>()
        .filter(|parts| !parts.is_empty())
        .map(Rc::new)
}

/// Any of the parts of a list or map.
pub(super) fn one_of(items: &[(Option<Rc<str>>, Value)]) -> Value {
    let mut parts = items.iter().map(|(_, value)| value);
    let first = parts.next().cloned().unwrap_or_default();
    parts.fold(first, Value::join)
}

fn formatted_call(callee: &Callee<'_>, given: &[Given], at: Span) -> Option<Value> {
    // `path.join(a, b)` is none.
    if callee.name == "join" && given.len() == 1 {
        return joined(callee, given, at);
    }
    if !FORMATTERS.contains(&callee.name) {
        return None;
    }
    let values: Vec<Value> = given.iter().map(|arg| arg.value.clone()).collect();
    if let Some(format) = callee.receiver.as_ref().filter(|receiver| receiver.text.is_some()) {
        return Some(format::formatted(format, &values, at));
    }
    let (format, values) = values.split_first()?;
    format.text.as_ref()?;
    Some(format::formatted(format, values, at))
}

/// `separator.join(parts)`, `parts.join(separator)`.
fn joined(callee: &Callee<'_>, given: &[Given], at: Span) -> Option<Value> {
    let receiver = callee.receiver.as_ref()?;
    let [Given { value: first, .. }] = given else {
        return None;
    };
    let (separator, parts) = match receiver.written() {
        Some(written) => (written, first),
        None if receiver.items.is_some() || receiver.is_tainted() => (first.written()?, receiver),
        None => return None,
    };
    let mut value = Value::default();
    value.absorb(parts);
    let separator = Text::constant(&separator);
    let mut text: Option<Text> = None;
    for (_, part) in parts.items.as_deref().into_iter().flatten() {
        let part = format::text_of(part);
        text = Some(match text {
            Some(text) => text.then(&separator).then(&part),
            None => part,
        });
    }
    value.text = text.or_else(|| parts.text.clone());
    value.step(at);
    Some(value)
}
