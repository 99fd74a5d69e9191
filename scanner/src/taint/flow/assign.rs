//! Targets that get values.

use super::super::ir::{ExprId, ExprKind, NameId, Span};
use super::super::path::Path;
use super::super::value::Value;
use super::{Flow, format};

impl Flow<'_> {
    pub(super) fn assign_stmt(&mut self, target: ExprId, value: ExprId, append: bool, ty: Option<NameId>) {
        let mut given = self.eval(value);
        if append {
            let before = self.eval(target);
            given = format::join_texts(&before, &given, self.module.expr(target).span);
            if self.rules.pointers {
                // A pointer that is moved points into what it pointed to.
                given.path.clone_from(&before.path);
                given.reads = before.reads;
            }
        }
        if let Some(ty) = ty {
            // A declared type says more than the path of the call that made the value.
            let path = self.names.type_path(self.module.name(ty));
            given.path = Path::bounded(&path).or(given.path);
        }
        self.assign(target, given);
    }

    /// Gives a target its value; lists and maps take it apart.
    pub(super) fn assign(&mut self, target: ExprId, mut value: Value) {
        let expr = self.module.expr(target);
        value.step(expr.span);
        match &expr.kind {
            ExprKind::Name(name) => {
                value.reads.retain(|read| read != name);
                let path = self.own_name(*name);
                self.assigned_sinks(&path, &value, expr.span);
                self.state().set(*name, value);
            }
            ExprKind::Attr { object, name } => {
                let object_value = self.eval(*object);
                let path = object_value.path.as_ref().unwrap_or(&self.nameless);
                let path = path.attribute(*name, self.module.name(*name));
                self.assigned_sinks(&path, &value, expr.span);
                self.assigned_below(*object, expr.span);
                if let ExprKind::Name(variable) = self.module.expr(*object).kind {
                    self.keep_in_object(variable, *name, &value);
                    self.state().set_field(variable, *name, value);
                }
            }
            ExprKind::Index { object, key } => self.assign_index(target, *object, *key, value),
            ExprKind::List(targets) => {
                for (index, &part) in targets.iter().enumerate() {
                    let mut part_value = self.taken_apart(&value, &index.to_string());
                    self.take_source(&mut part_value, expr.span);
                    self.assign(part, part_value);
                }
            }
            ExprKind::Map(entries) => {
                for &(key, part) in entries {
                    let key = key.map(|key| self.eval(key)).and_then(|key| key.written());
                    let mut part_value = match key {
                        Some(key) => self.taken_apart(&value, &key),
                        None => value.clone(),
                    };
                    self.take_source(&mut part_value, expr.span);
                    self.assign(part, part_value);
                }
            }
            // A target with a default, a type or a spread around it.
            ExprKind::Of(parts) => {
                if let Some(&part) = parts.first() {
                    self.assign(part, value);
                }
            }
            ExprKind::Choice { then, .. } => self.assign(*then, value),
            ExprKind::Assign { target, value: default } => {
                let default = self.eval(*default);
                self.assign(*target, value.join(&default));
            }
            _ => {}
        }
    }

    /// `object[key] = …`.
    fn assign_index(&mut self, target: ExprId, object: ExprId, key: ExprId, value: Value) {
        let at = self.module.expr(target).span;
        let key = self.eval(key);
        let object_value = self.eval(object);
        let path = object_value.path.as_ref().unwrap_or(&self.nameless);
        let path = match key.written() {
            Some(key) => Path::new(format!("{path}.{key}")),
            None => path.part(),
        };
        self.assigned_sinks(&path, &value, at);
        self.assigned_below(object, at);
        self.settle_by_assignment(&path, object, &value);
        self.assign_element(object, target, key.written().as_deref(), value);
    }

    /// `object[key].name = …`: the key decides whose part is changed.
    fn assigned_below(&mut self, object: ExprId, at: Span) {
        let ExprKind::Index { object, key } = self.module.expr(object).kind else {
            return;
        };
        let key = self.eval(key);
        if key.is_tainted() {
            let object = self.eval(object);
            let path = object.path.filter(|path| !path.starts_with('$'));
            let path = path.as_ref().unwrap_or(&self.nameless).part().part();
            self.assigned_sinks(&path, &key, at);
        }
    }

    fn settle_by_assignment(&mut self, path: &str, object: ExprId, value: &Value) {
        let rules = self.rules;
        for cleaner in rules.assigned_cleaners.of(path) {
            let fits = value.written().is_some_and(|written| cleaner.value.is_match(&written));
            if let Some(variable) = self.root_of(object).filter(|_| fits) {
                self.state().entry(variable).value.clean(cleaner.kinds);
            }
        }
    }

    fn assign_element(&mut self, object: ExprId, target: ExprId, written: Option<&str>, value: Value) {
        let variable = match self.module.expr(object).kind {
            ExprKind::Name(variable) => variable,
            ExprKind::Attr { object, name } => return self.assign_part(object, name, written, &value),
            _ => return,
        };
        let key = match &self.module.expr(target).kind {
            ExprKind::Index { key, .. } => &self.module.expr(*key).kind,
            _ => return,
        };
        let whole = &mut self.state().entry(variable).value;
        match (key, written) {
            (_, Some(written)) if whole.items.is_some() => whole.set_item(written, &value),
            (ExprKind::Str(name), _) => self.state().set_field(variable, *name, value),
            _ => {
                whole.absorb(&value);
                whole.items = None;
                let reads = whole.reads.clone();
                // What is written through a pointer is in what it points into.
                for name in reads.into_iter().filter(|_| self.rules.pointers && value.is_tainted()) {
                    if self.state().get(name).is_some() {
                        self.state().entry(name).value.absorb(&value);
                    }
                }
            }
        }
    }

    /// `$this->options['limit'] = …`: one part of what an attribute holds.
    fn assign_part(&mut self, object: ExprId, name: NameId, written: Option<&str>, value: &Value) {
        let ExprKind::Name(variable) = self.module.expr(object).kind else {
            return;
        };
        let known = self.field(variable, name);
        // Of what nothing is known, only what someone else may have written changes anything.
        let Some(mut whole) = known.or_else(|| value.is_tainted().then(Value::default)) else {
            return;
        };
        match written.filter(|_| whole.items.is_some()) {
            Some(key) => whole.set_item(key, value),
            None => {
                whole.absorb(value);
                whole.items = None;
            }
        }
        self.state().set_field(variable, name, whole);
    }

    /// What a method keeps in its object is there for the others.
    fn keep_in_object(&mut self, variable: NameId, field: NameId, value: &Value) {
        if !["self", "this", "$this"].contains(&self.module.name(variable)) {
            return;
        }
        let function = self.frame().function;
        let Some(class) = self.module.function(function).class else {
            return;
        };
        let mut kept = value.clone();
        kept.reads.clear();
        let all = kept.taints.len();
        // Another method's parameters are not this one's.
        kept.taints
            .retain(|taint| matches!(taint.label, super::Label::Source(..)));
        let given = kept.taints.len() < all;
        kept.items = kept
            .items
            .filter(|items| !items.iter().any(|(_, item)| item.is_tainted()));
        // What a caller gave is not what every caller gives.
        if self.frame().called_at.is_some() {
            kept.constant = None;
            kept.text = None;
        }
        let known = self.fields.entry((class, field)).or_default();
        let before = std::mem::take(&mut known.value);
        let value = if known.set { before.clone().join(&kept) } else { kept };
        let changed = !known.set || given && !known.given || !value.says_what(&before);
        self.fields_changed |= known.read && changed;
        known.value = value;
        known.given |= given;
        known.set = true;
    }

    fn taken_apart(&mut self, whole: &Value, key: &str) -> Value {
        if let Some(item) = whole.item(key) {
            return item.clone();
        }
        let path = whole
            .path
            .as_deref()
            .and_then(|path| Path::bounded(&format!("{path}.{key}")));
        Value {
            taints: whole.taints.clone(),
            path,
            reads: whole.reads.clone(),
            ..Value::default()
        }
    }
}
