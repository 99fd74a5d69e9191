//! What a function's parameters are when it begins: labels of its summary, and sources where the rules say so.

use super::super::ir::{ExprId, ExprKind, Function, FunctionId, NameId, Param, Span};
use super::super::path::Path;
use super::super::rules::{Kinds, ParamSource, Pattern};
use super::super::value::{Label, Taint, Value};
use super::Flow;

/// The names that languages have for the object of a method.
const RECEIVERS: [&str; 4] = ["self", "this", "cls", "$this"];

/// What a parameter that takes all further arguments is, for rules.
const REST: &str = "$rest";

/// How a function is come to.
#[derive(Debug)]
pub(super) enum Entry {
    /// By itself: its parameters are labels.
    Alone,
    /// As a closure that somebody else may call back with such a value.
    CalledBack(Option<Value>),
    /// By a call, with these values for its parameters.
    Called {
        at: Span,
        bound: Vec<(NameId, Option<Value>)>,
    },
}

impl Flow<'_> {
    /// Gives the parameters of a function their first values.
    pub(super) fn enter(&mut self, id: FunctionId, entry: Entry) {
        let function = self.module.function(id);
        let mut itself = None;
        match entry {
            Entry::Called { bound, .. } => {
                for (param, (name, value)) in function.params.iter().zip(bound) {
                    let value = match (value, param.default) {
                        (Some(value), _) => value,
                        (None, Some(default)) => self.eval(default),
                        (None, None) => Value::default(),
                    };
                    if RECEIVERS.contains(&self.module.name(name)) {
                        itself = Some(value.clone());
                    }
                    let value = self.typed(value, param);
                    self.state().set(name, value);
                }
            }
            Entry::Alone => self.enter_alone(id, None),
            Entry::CalledBack(given) => self.enter_alone(id, given.as_ref()),
        }
        if let Some(class) = function.class {
            for receiver in RECEIVERS {
                let mut value = Value::of_path(self.module.name(class));
                itself.iter().for_each(|itself| value.absorb(itself));
                self.set_receiver(receiver, value);
            }
        }
    }

    fn enter_alone(&mut self, id: FunctionId, given: Option<&Value>) {
        let function = self.module.function(id);
        let marks = self.mark_paths(function);
        for param in &function.params {
            let default = param.default.map(|default| self.eval(default)).unwrap_or_default();
            // Who calls may give something else than the default; what takes all that is left is never its first part.
            let value = Value {
                path: if param.rest {
                    Path::bounded(REST)
                } else {
                    default.path.clone()
                },
                ..Value::default()
            };
            let mut value = self.typed(value, param);
            let at = Span {
                start: function.span.start,
                end: function.span.start,
            };
            value.add(Taint::new(Label::Param(id, param.position), Kinds::NONE, at));
            self.give_source(&mut value, function, param, &marks, &default);
            if let Some(given) = given.filter(|_| value.taints.len() == 1) {
                value.absorb(given);
            }
            self.state().set(param.name, value);
        }
    }

    /// The value with its parameter's type as its path.
    fn typed(&self, mut value: Value, param: &Param) -> Value {
        let ty = param.ty.map(|ty| self.names.type_path(self.module.name(ty)));
        // Of a type of the language itself nothing follows, and what is given may be known better.
        let unknown = value.path.as_deref().is_none_or(|path| path.starts_with(['$', '?']));
        let ty = ty.filter(|ty| !ty.is_empty() && (unknown || ty.contains('.')));
        value.path = ty.and_then(|ty| Path::bounded(&ty)).or(value.path);
        value
    }

    /// The paths of a function's marks, and of its class.
    pub(super) fn mark_paths(&self, function: &Function) -> Vec<String> {
        let class = function.class.and_then(|name| {
            let mut classes = self.module.classes.iter();
            classes.find(|class| class.name == name)
        });
        let of_class = class.map(|class| class.marks.as_slice()).unwrap_or_default();
        let marks = function.marks.iter().chain(of_class);
        marks.filter_map(|mark| self.mark_path(*mark)).collect()
    }

    /// A function's marks, and what its class extends: whose handler it is.
    pub(super) fn marks_and_bases(&self, function: FunctionId) -> Vec<String> {
        let function = self.module.function(function);
        let mut marks = self.mark_paths(function);
        if let Some(class) = function.class {
            marks.extend(self.names.bases_of(class));
        }
        marks
    }

    /// The path of a mark: `app.route("/x")` is `flask.Flask().route`.
    fn mark_path(&self, mark: ExprId) -> Option<String> {
        match &self.module.expr(mark).kind {
            ExprKind::Name(name) => {
                let known = self.globals.get(*name).and_then(|known| known.value.path.as_deref());
                let path = || self.names.path_of(self.module.name(*name));
                Some(known.map_or_else(path, str::to_owned))
            }
            ExprKind::Attr { object, name } => {
                let object = self.mark_path(*object)?;
                Some(format!("{object}.{}", self.module.name(*name)))
            }
            ExprKind::Call { callee, .. } => self.mark_path(*callee),
            _ => None,
        }
    }

    fn give_source(&self, value: &mut Value, function: &Function, param: &Param, marks: &[String], default: &Value) {
        for (index, source) in self.rules.sources.iter().enumerate() {
            let Some(wanted) = source.param.as_ref().filter(|_| self.active[index]) else {
                continue;
            };
            if !self.is_wanted(wanted, function, param, marks, default) {
                continue;
            }
            match &wanted.is {
                Some(path) => value.path = Path::bounded(path),
                None => {
                    let at = Span {
                        start: function.span.start,
                        end: function.span.start,
                    };
                    value.add(Taint::new(Label::Source(index, at), source.clean, at));
                }
            }
        }
    }

    fn is_wanted(
        &self,
        wanted: &ParamSource,
        function: &Function,
        param: &Param,
        marks: &[String],
        default: &Value,
    ) -> bool {
        let name = self.module.name(param.name);
        let beside = |wanted: &String| {
            let mut others = function.params.iter().map(|other| self.module.name(other.name));
            name != wanted && others.any(|other| other == wanted)
        };
        let listed = |names: &[String], name: &str| names.is_empty() || names.iter().any(|listed| listed == name);
        // What costs most comes last: each parameter of each function is held against all of these.
        listed(&wanted.name, name)
            && listed(&wanted.function, self.module.name(function.name))
            && !RECEIVERS.contains(&name)
            && !wanted.except.iter().any(|except| except == name)
            && wanted.beside.iter().all(beside)
            && fits(&wanted.function_mark, marks)
            && self.has_marks_and_type(wanted, function, param, default)
            && !self.is_converted(function, name)
    }

    fn has_marks_and_type(&self, wanted: &ParamSource, function: &Function, param: &Param, default: &Value) -> bool {
        let own_marks = || -> Vec<String> { param.marks.iter().filter_map(|mark| self.mark_path(*mark)).collect() };
        let ty = || -> Vec<String> {
            let ty = param.ty.map(|ty| self.names.type_path(self.module.name(ty)));
            ty.into_iter().collect()
        };
        let bases = || {
            function
                .class
                .map(|class| self.names.bases_of(class))
                .unwrap_or_default()
        };
        let excepted = |pattern: &Pattern| default.path.as_deref().is_some_and(|path| pattern.matches(path));
        (wanted.mark.is_empty() || any(&wanted.mark, &own_marks()))
            && (wanted.ty.is_empty() || any(&wanted.ty, &ty()))
            && (wanted.class.is_empty() || any(&wanted.class, &bases()))
            && (wanted.except_type.is_empty() || !any(&wanted.except_type, &ty()))
            && !wanted.except_default.iter().any(excepted)
    }

    /// Whether a mark says that a parameter is a number: `/item/<int:key>`.
    fn is_converted(&self, function: &Function, name: &str) -> bool {
        let calls = function
            .marks
            .iter()
            .filter_map(|mark| match &self.module.expr(*mark).kind {
                ExprKind::Call { args, .. } => args.first(),
                _ => None,
            });
        let mut texts = calls.filter_map(|arg| match self.module.expr(arg.value).kind {
            ExprKind::Str(text) => Some(self.module.name(text)),
            _ => None,
        });
        let forms = ["int", "float", "uuid"];
        texts.any(|text| {
            let before = |kind: &&str| text.contains(&format!("{kind}:{name}"));
            forms
                .iter()
                .any(|kind| before(kind) || text.contains(&format!("{name}:{kind}")))
        })
    }

    fn set_receiver(&mut self, name: &str, value: Value) {
        if let Some(id) = self.names.id_of(name) {
            self.state().set(id, value);
        }
    }
}

/// Whether one of the paths is meant, or none has to be.
fn fits(patterns: &[Pattern], paths: &[String]) -> bool {
    patterns.is_empty() || any(patterns, paths)
}

fn any(patterns: &[Pattern], paths: &[String]) -> bool {
    paths
        .iter()
        .any(|path| patterns.iter().any(|pattern| pattern.matches(path)))
}
