//! Expressions worked out.

use std::rc::Rc;

use super::super::ir::{BinaryOp, Expr, ExprId, ExprKind, NameId, Span};
use super::super::path::Path;
use super::super::rules::{Kinds, Ruleset};
use super::super::value::{Constant, Label, Proofs, Taint, Text, Value, merge};
use super::format::{formatted, join_texts, text_of};
use super::{Flow, fold};

/// Parts of a list or map literal that are kept apart.
const MAX_ITEMS: usize = 64;

impl Flow<'_> {
    /// What an expression is.
    pub(super) fn eval(&mut self, id: ExprId) -> Value {
        if !self.burn() {
            return Value::default();
        }
        let Expr { kind, span } = self.module.expr(id);
        match kind {
            ExprKind::Str(name) => Value::of_text(self.module.name(*name)),
            ExprKind::Int(value) => Value::of_constant(Constant::Int(*value)),
            ExprKind::Bool(value) => Value::of_constant(Constant::Bool(*value)),
            ExprKind::Null => Value::of_constant(Constant::Null),
            ExprKind::Name(name) => self.variable(*name, *span, true),
            ExprKind::Attr { object, name } => {
                let value = self.attribute(*object, *name, *span);
                self.proved_before(value)
            }
            ExprKind::Index { object, key } => {
                let value = self.element(*object, *key, *span);
                self.proved_before(value)
            }
            ExprKind::Call { callee, args, new } => self.call(*callee, args, *new, *span),
            ExprKind::Concat(parts) => self.concat(parts, *span),
            ExprKind::Binary { op, left, right } => self.binary(*op, *left, *right, *span),
            ExprKind::Not(inner) => self.negation(*inner),
            ExprKind::Choice {
                condition,
                then,
                otherwise,
            } => self.choice(*condition, *then, *otherwise),
            ExprKind::List(parts) => self.list(parts),
            ExprKind::Map(entries) => self.map(entries),
            ExprKind::Closure(function) => {
                let path = self.closure(*function, None).path;
                Value {
                    function: Some(*function),
                    path,
                    ..Value::default()
                }
            }
            ExprKind::Assign { target, value } => {
                let value = self.eval(*value);
                self.assign(*target, value.clone());
                value
            }
            ExprKind::Of(parts) => self.together(parts),
            ExprKind::Last(parts) => parts.iter().fold(Value::default(), |_, part| self.eval(*part)),
            ExprKind::Element {
                tag,
                attributes,
                children,
            } => self.element_literal(*tag, attributes, children, *span),
            ExprKind::Unknown => Value::default(),
        }
    }

    fn negation(&mut self, inner: ExprId) -> Value {
        let inner = self.eval(inner);
        Value {
            constant: inner.truth().map(|truth| Constant::Bool(!truth)),
            proves: Proofs {
                held: inner.proves.failed,
                failed: inner.proves.held,
            },
            ..Value::default()
        }
    }

    /// A variable's value, with what is known of its parts or without.
    fn variable(&mut self, name: NameId, at: Span, whole: bool) -> Value {
        let module = self.module;
        let globals = Rc::clone(&self.globals);
        let rules = self.rules;
        let frame = self.frame();
        let known = frame
            .state
            .get(name)
            .or_else(|| frame.outer.get(name))
            .or_else(|| globals.get(name));
        if let Some(variable) = known {
            let mut value = variable.value.clone();
            if whole {
                // That one part was given back says nothing of the whole.
                let inside = variable.fields.values().flat_map(|field| &field.taints);
                let inside: Vec<Taint> = inside.filter(|taint| !is_whole(rules, taint)).cloned().collect();
                inside.into_iter().for_each(|taint| value.add(taint));
            }
            // What is proved here of a variable from elsewhere is not kept in it.
            if frame.state.get(name).is_none() {
                value.clean(frame.state.proved_of(name));
            }
            merge(&mut value.reads, &[name]);
            value.step(at);
            let unnamed = value.path.as_deref().is_none_or(|path| path.starts_with('$'));
            if unnamed {
                let unknown = self.unknown.entry(name);
                let path = unknown.or_insert_with(|| Path::bounded(&format!("${}", module.name(name))));
                let path = path.clone();
                let known = std::mem::replace(&mut value.path, path);
                self.take_source(&mut value, at);
                value.path = known.or(value.path);
            }
            return value;
        }
        let named = self.named.entry(name).or_insert_with(|| {
            let text = module.name(name);
            (Path::bounded(&self.names.path_of(text)), self.names.function(text))
        });
        let mut value = Value {
            path: named.0.clone(),
            function: named.1,
            ..Value::default()
        };
        self.take_source(&mut value, at);
        if value.is_tainted() {
            // A source by its name alone is a variable from here on: what is proved of it holds where it is read again.
            self.state().set(name, value.clone());
            merge(&mut value.reads, &[name]);
        }
        value
    }

    fn attribute(&mut self, object: ExprId, name: NameId, at: Span) -> Value {
        self.accessed(object, at);
        if let ExprKind::Name(variable) = self.module.expr(object).kind
            && let Some(value) = self.field(variable, name)
        {
            return value;
        }
        let object = match self.module.expr(object).kind {
            // What is known of its other parts says nothing of this one.
            ExprKind::Name(variable) => self.variable(variable, self.module.expr(object).span, false),
            _ => self.eval(object),
        };
        let mut value = self.attribute_of(&object, name, at);
        if !object.reads.is_empty() {
            self.proved_by_attribute(&object, &mut value);
        }
        value
    }

    /// What is known of an attribute by itself.
    pub(super) fn field(&mut self, variable: NameId, name: NameId) -> Option<Value> {
        let globals = Rc::clone(&self.globals);
        let class = self.frame().function;
        let class = self.module.function(class).class;
        let frame = self.frame();
        let known = frame
            .state
            .get(variable)
            .or_else(|| frame.outer.get(variable))
            .or_else(|| globals.get(variable));
        if let Some(value) = known.and_then(|known| known.fields.get(&name)) {
            return Some(value.clone());
        }
        let itself = known.map(|known| known.value.taints.clone()).unwrap_or_default();
        let receiver = ["self", "this", "$this"].contains(&self.module.name(variable));
        let class = class.filter(|_| receiver)?;
        let field = self.fields.entry((class, name)).or_default();
        field.read = true;
        if !field.set {
            return None;
        }
        let mut value = field.value.clone();
        if field.given {
            itself.into_iter().for_each(|taint| value.add(taint));
        }
        Some(value)
    }

    /// An attribute of a value.
    pub(super) fn attribute_of(&mut self, object: &Value, name: NameId, at: Span) -> Value {
        let text = self.module.name(name);
        if let Some(item) = object.item(text) {
            return item.clone();
        }
        let path = object.path.as_ref().unwrap_or(&self.nameless).attribute(name, text);
        let cleaners = match self.rules.attributes_apart {
            true => &self.rules.attribute_cleaners,
            false => &self.rules.cleaners,
        };
        let cleaned = path.cleaned(|| cleaners.of(&path).fold(Kinds::NONE, |all, kinds| all.or(*kinds)));
        let decides = self.decides(text);
        let mut value = Value {
            taints: object.taints.clone(),
            path: path.if_bounded(),
            // One part says nothing of the others.
            reads: if decides { object.reads.clone() } else { Vec::new() },
            ..Value::default()
        };
        value.clean(cleaned);
        self.take_source(&mut value, at);
        value
    }

    fn element(&mut self, object: ExprId, key: ExprId, at: Span) -> Value {
        self.accessed(object, at);
        let key_value = self.eval(key);
        let written = key_value.written();
        if let (ExprKind::Name(variable), ExprKind::Str(name)) =
            (&self.module.expr(object).kind, &self.module.expr(key).kind)
            && let Some(value) = self.field(*variable, *name)
        {
            return value;
        }
        let object = self.eval(object);
        if let Some(item) = written.as_deref().and_then(|key| object.item(key)) {
            return item.clone();
        }
        if let Some(items) = object.items.as_ref().filter(|_| written.is_none()) {
            return super::call::one_of(items);
        }
        let mut value = Value {
            taints: object.taints.clone(),
            path: object
                .path
                .as_ref()
                .and_then(|path| match written.as_deref().filter(|key| !key.contains('.')) {
                    Some(key) => Path::bounded(&format!("{path}.{key}")),
                    None => path.part().if_bounded(),
                }),
            reads: if written.as_deref().is_none_or(|key| self.decides(key)) {
                object.reads.clone()
            } else {
                Vec::new()
            },
            ..Value::default()
        };
        self.take_source(&mut value, at);
        value
    }

    /// Whether a part of this name decides about the whole when it is compared.
    fn decides(&self, name: &str) -> bool {
        self.rules.deciding.iter().any(|deciding| deciding == name)
    }

    /// Adds the source that a path is.
    pub(super) fn take_source(&mut self, value: &mut Value, at: Span) {
        let Some(path) = value.path.clone() else { return };
        for &source in self.sources(&path) {
            let clean = self.rules.sources[source].clean;
            value.add(Taint::new(Label::Source(source, at), clean, at));
        }
    }

    fn concat(&mut self, parts: &[ExprId], at: Span) -> Value {
        let mut text = Text::constant("");
        let mut whole = Value::default();
        for &part in parts {
            let value = self.eval(part);
            text = text.then(&text_of(&value));
            whole.absorb(&value);
        }
        whole.text = Some(text);
        whole.step(at);
        whole
    }

    fn binary(&mut self, op: BinaryOp, left: ExprId, right: ExprId, at: Span) -> Value {
        let left_value = self.eval(left);
        if let BinaryOp::And | BinaryOp::Or = op {
            let before = self.state().clone();
            // The right side is worked out only if the left one held, or did not.
            let proved = if op == BinaryOp::And {
                &left_value.proves.held
            } else {
                &left_value.proves.failed
            };
            self.state().prove(proved);
            let right_value = self.eval(right);
            let ended = std::mem::take(&mut self.state().ended);
            *self.state() = before;
            if ended {
                // `a or die()`: what comes after it is come to only if the left one decided.
                let decided = if op == BinaryOp::And {
                    &left_value.proves.failed
                } else {
                    &left_value.proves.held
                };
                self.state().prove(decided);
                return left_value;
            }
            return logical(op, left_value, &right_value);
        }
        let right_value = self.eval(right);
        if let Some(constant) = fold::fold(op, &left_value, &right_value) {
            return Value::of_constant(constant);
        }
        match op {
            BinaryOp::Add => join_texts(&left_value, &right_value, at),
            BinaryOp::Rem if left_value.text.is_some() => formatted(&left_value, &[right_value], at),
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::In | BinaryOp::NotIn => {
                self.comparison(op, left, &left_value, &right_value)
            }
            BinaryOp::Lt | BinaryOp::Le => self.bounds((left, &left_value), (right, &right_value)),
            BinaryOp::Gt | BinaryOp::Ge => self.bounds((right, &right_value), (left, &left_value)),
            _ => {
                let mut value = left_value;
                value.absorb(&right_value);
                value.clean(self.rules.arithmetic_cleans);
                Value {
                    taints: value.taints,
                    ..Value::default()
                }
            }
        }
    }

    fn choice(&mut self, condition: Option<ExprId>, then: ExprId, otherwise: ExprId) -> Value {
        let Some(condition) = condition else {
            let first = self.eval(then);
            return match first.truth().filter(|_| !first.is_tainted()) {
                Some(true) => first,
                Some(false) => self.eval(otherwise),
                None => {
                    let second = self.eval(otherwise);
                    // `a ?? throw b`: what comes after it is come to with the first.
                    if std::mem::take(&mut self.state().ended) {
                        first
                    } else {
                        first.join(&second)
                    }
                }
            };
        };
        let condition = self.eval(condition);
        match condition.truth().filter(|_| !condition.is_tainted()) {
            Some(true) => self.eval(then),
            Some(false) => self.eval(otherwise),
            None => {
                let before = self.state().clone();
                self.state().prove(&condition.proves.held);
                let one = self.eval(then);
                *self.state() = before.clone();
                self.state().prove(&condition.proves.failed);
                let two = self.eval(otherwise);
                *self.state() = before;
                one.join(&two)
            }
        }
    }

    fn list(&mut self, parts: &[ExprId]) -> Value {
        let mut whole = Value::default();
        let mut items = Vec::new();
        for (index, &part) in parts.iter().enumerate() {
            let value = self.eval(part);
            whole.absorb(&value);
            merge(&mut whole.reads, &value.reads);
            if index < MAX_ITEMS {
                items.push((Some(index.to_string().into()), value));
            }
        }
        whole.items = Some(Rc::new(items));
        whole
    }

    fn map(&mut self, entries: &[(Option<ExprId>, ExprId)]) -> Value {
        let mut whole = Value::default();
        let mut items = Vec::new();
        for (key, value) in entries {
            let key = key.map(|key| self.eval(key));
            let value = self.eval(*value);
            whole.absorb(&value);
            // What is spread and known falls into its parts.
            let spread = value.items.clone().filter(|_| key.is_none());
            match spread {
                Some(parts) if items.len() + parts.len() <= MAX_ITEMS => items.extend(parts.iter().cloned()),
                _ if items.len() < MAX_ITEMS => items.push((key.and_then(|key| key.written()), value)),
                _ => {}
            }
        }
        whole.items = Some(Rc::new(items));
        whole
    }

    /// The value of parts together; of one part, that part.
    fn together(&mut self, parts: &[ExprId]) -> Value {
        if let [part] = parts {
            return self.eval(*part);
        }
        let mut whole = Value::default();
        for &part in parts {
            let value = self.eval(part);
            whole.absorb(&value);
        }
        whole
    }

    fn element_literal(
        &mut self,
        tag: NameId,
        attributes: &[(NameId, ExprId)],
        children: &[ExprId],
        at: Span,
    ) -> Value {
        let tag = self.module.name(tag).to_owned();
        for (name, value) in attributes {
            let value = self.eval(*value);
            let path = Path::new(format!("jsx.{tag}.{}", self.module.name(*name)));
            self.assigned_sinks(&path, &value, at);
        }
        for &child in children {
            self.eval(child);
        }
        // What a template shows it escapes.
        Value::default()
    }

    /// What is taken out of a value in a loop.
    pub(super) fn part_of(&mut self, iterable: ExprId) -> Value {
        let whole = self.eval(iterable);
        if let Some(items) = whole.items.as_ref().filter(|items| !items.is_empty()) {
            return super::call::one_of(items);
        }
        let path = whole.path.as_ref().and_then(|path| path.part().if_bounded());
        Value {
            taints: whole.taints,
            path,
            reads: whole.reads,
            ..Value::default()
        }
    }
}

/// Whether a taint is about a variable itself, and not about what is in it.
pub(super) fn is_whole(rules: &Ruleset, taint: &Taint) -> bool {
    match taint.label {
        Label::Source(source, _) => rules.sources.get(source).is_some_and(|source| source.whole),
        Label::Param(..) => false,
    }
}

fn logical(op: BinaryOp, left: Value, right: &Value) -> Value {
    let constant = fold::fold(op, &left, right);
    let mut held = left.proves.held.clone();
    let mut failed = left.proves.failed.clone();
    if op == BinaryOp::And {
        merge(&mut held, &right.proves.held);
        failed.retain(|proof| right.proves.failed.contains(proof));
    } else {
        merge(&mut failed, &right.proves.failed);
        held.retain(|proof| right.proves.held.contains(proof));
    }
    let mut value = left;
    value.absorb(right);
    Value {
        taints: value.taints,
        constant,
        proves: Proofs { held, failed },
        ..Value::default()
    }
}
