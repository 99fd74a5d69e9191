//! What a call changes besides its result: what it is called on, what it writes through its arguments.

use std::rc::Rc;

use super::super::super::ir::{Arg, BinaryOp, ExprId, ExprKind, NameId, Span};
use super::super::super::rules::Kinds;
use super::super::super::value::{Label, Taint, Value};
use super::super::eval::is_whole;
use super::super::sink::Given;
use super::super::{Flow, Write, format};
use super::Callee;

/// Parts that a list is given one by one.
const MAX_PUT: usize = 64;

impl Flow<'_> {
    /// What carriers put into what they are called on or given.
    pub(super) fn carry(&mut self, callee: &Callee<'_>, args: &[Arg], given: &[Given]) {
        let rules = self.rules;
        for carrier in rules.carriers.of(&callee.path) {
            let mut taken = Value::default();
            let from = usize::from(carrier.from);
            for (index, arg) in given.iter().enumerate().skip(from) {
                if carrier.to.is_none_or(|to| usize::from(to) != index) {
                    taken.absorb(&arg.value);
                    taken.text = taken.text.or_else(|| arg.value.text.clone());
                }
            }
            let to = carrier.to.and_then(|to| args.get(usize::from(to)));
            let target = match (carrier.to, to) {
                (None, _) => callee.variable,
                (Some(_), to) => to.and_then(|arg| self.root_of(arg.value)),
            };
            // What escapes while it copies; what is safe for all is said of its number.
            let cleaned = self.cleaned_by(callee, given.first().map(|arg| &arg.value));
            if cleaned != Kinds::ALL {
                taken.clean(cleaned);
            }
            if let (true, Some((format, values))) = (carrier.over, given.get(from..).and_then(<[Given]>::split_first)) {
                let values: Vec<Value> = values.iter().map(|arg| arg.value.clone()).collect();
                let format = Some(&format.value).filter(|format| format.text.is_some());
                taken.text = format.and_then(|format| format::formatted(format, &values, Span::default()).text);
                let whole = to.is_some_and(|arg| matches!(self.module.expr(arg.value).kind, ExprKind::Name(_)));
                if let Some(name) = target.filter(|_| whole) {
                    self.state().set(name, taken.clone());
                }
            }
            if let Some(name) = target {
                self.taint_with_aliases(name, &taken);
            }
        }
    }

    /// `args.push(x)`: a list whose parts are known has one more.
    pub(super) fn put_behind(&mut self, callee: &Callee<'_>, given: &[Given]) {
        let (Some(name), [one]) = (callee.variable, given) else {
            return;
        };
        let adds = matches!(callee.name, "push" | "push_back" | "append" | "add");
        let whole = callee.receiver.as_ref().and_then(|receiver| receiver.items.as_ref());
        let listed = whole.filter(|items| {
            let numbered =
                |(index, (key, _)): (usize, &(Option<Rc<str>>, Value))| key.as_deref() == Some(&*index.to_string());
            adds && items.len() < MAX_PUT && items.iter().enumerate().all(numbered)
        });
        let Some(items) = listed.cloned() else { return };
        let at = items.len().to_string();
        let value = &mut self.state().entry(name).value;
        let taints = std::mem::take(&mut value.taints);
        value.items = Some(items);
        value.set_item(&at, &one.value);
        taints.into_iter().for_each(|taint| value.add(taint));
    }

    fn taint_with_aliases(&mut self, name: NameId, taken: &Value) {
        let known = self.state().get(name).map(|known| known.value.reads.clone());
        let aliases = known
            .filter(|_| self.rules.pointers && taken.is_tainted())
            .unwrap_or_default();
        for alias in aliases {
            self.state().taint_variable(alias, taken);
        }
        self.state().taint_variable(name, taken);
    }

    /// What is handed out by its address may point to something else afterwards: `getline(&line, &len, file)`.
    ///
    /// What a `foreign` call is given it may make new in its parts.
    pub(super) fn renew(&mut self, args: &[Arg], foreign: bool) {
        let rules = self.rules;
        for arg in args.iter().filter(|_| rules.pointers) {
            if let (ExprKind::Name(name), true) = (&self.module.expr(arg.value).kind, foreign)
                && self.state().get(*name).is_some()
            {
                let fields = self.state().entry(*name).fields.values_mut();
                fields.for_each(|field| field.taints.retain(|taint| !is_whole(rules, taint)));
            }
            let ExprKind::Of(parts) = &self.module.expr(arg.value).kind else {
                continue;
            };
            let [part] = parts.as_slice() else { continue };
            let ExprKind::Name(name) = self.module.expr(*part).kind else {
                continue;
            };
            if self.state().get(name).is_some() {
                let value = &mut self.state().entry(name).value;
                value.taints.retain(|taint| !is_whole(rules, taint));
            }
        }
    }

    /// Gives the arguments what the function of this file that was called wrote through its parameters.
    pub(super) fn write_back(&mut self, args: &[Arg], at: Span) {
        for Write { param, field, value } in std::mem::take(&mut self.written) {
            let Some(arg) = args.get(usize::from(param)) else {
                continue;
            };
            match field.and_then(|field| Some((self.pointed_at(arg.value)?, field))) {
                Some((name, field)) => self.write_field(name, field, &value, at),
                None => self.write_through(arg.value, &value, at, false),
            }
        }
    }

    /// Gives what an argument is, or points into, what a call wrote there.
    fn write_through(&mut self, arg: ExprId, written: &Value, at: Span, direct: bool) {
        let arg = match self.module.expr(arg).kind {
            ExprKind::Binary {
                op: BinaryOp::Add,
                left,
                ..
            } if self.rules.pointers => left,
            _ => arg,
        };
        let mut inside = written.clone();
        inside.step(at);
        let mut whole = Value::default();
        let about_whole = |taint: &Taint| is_whole(self.rules, taint);
        let (all, parts): (Vec<Taint>, Vec<Taint>) = inside.taints.into_iter().partition(about_whole);
        inside.taints = parts;
        all.into_iter().for_each(|taint| whole.add(taint));
        if let (ExprKind::Name(name), true) = (&self.module.expr(arg).kind, whole.is_tainted()) {
            self.state().taint_variable(*name, &whole);
        }
        if let (ExprKind::Attr { object, name: field }, true) =
            (&self.module.expr(arg).kind, direct && whole.is_tainted())
            && let ExprKind::Name(name) = self.module.expr(*object).kind
        {
            self.write_field(name, *field, &whole, at);
        }
        if !inside.is_tainted() {
            return;
        }
        if let ExprKind::Attr { object, name: field } = self.module.expr(arg).kind
            && let Some(name) = self.pointed_at(object)
        {
            return self.write_field(name, field, &inside, at);
        }
        if let Some(name) = self.root_of(arg) {
            self.taint_with_aliases(name, &inside);
        }
    }

    /// The variable that an argument is, or is the address of.
    fn pointed_at(&self, arg: ExprId) -> Option<NameId> {
        match &self.module.expr(arg).kind {
            ExprKind::Name(name) => Some(*name),
            ExprKind::Of(parts) => match parts.as_slice() {
                [part] => self.pointed_at(*part),
                _ => None,
            },
            _ => None,
        }
    }

    /// Adds to one part of a variable, and to that part of what it points into.
    fn write_field(&mut self, name: NameId, field: NameId, written: &Value, at: Span) {
        let mut inside = written.clone();
        inside.step(at);
        let known = self.state().get(name);
        let mut names = known.map(|known| known.value.reads.clone()).unwrap_or_default();
        names.retain(|alias| self.rules.pointers && *alias != name);
        names.push(name);
        for name in names {
            let variable = self.state().entry(name);
            let before = variable.fields.get(&field).unwrap_or(&variable.value);
            let mut value = Value {
                taints: before.taints.clone(),
                ..Value::default()
            };
            value.absorb(&inside);
            variable.fields.insert(field, value);
        }
    }

    /// What a call puts into its arguments that someone else wrote.
    pub(super) fn fill(&mut self, callee: &Callee<'_>, args: &[Arg], given: &[Given], at: Span) {
        let rules = self.rules;
        for fill in rules.fills.of(&callee.path) {
            let clean = rules.sources[fill.source].clean;
            let mut written = Value::default();
            written.add(Taint::new(Label::Source(fill.source, at), clean, at));
            for &to in &fill.to {
                let Some((arg, value)) = args.get(usize::from(to)).zip(given.get(usize::from(to))) else {
                    continue;
                };
                let path = value.value.path.as_deref().unwrap_or("?");
                if fill.being.is_empty() || fill.being.iter().any(|being| being.matches(path)) {
                    self.write_through(arg.value, &written, at, true);
                }
            }
        }
    }

    /// What a call that writes to an argument gives is there, too: `decoder.Decode(&x)`.
    pub(super) fn carry_result(&mut self, callee: &Callee<'_>, args: &[Arg], result: &Value) {
        let carriers = self.rules.carriers.of(&callee.path);
        // What is written over everything else was said by `carry`.
        for to in carriers
            .filter(|carrier| !carrier.over)
            .filter_map(|carrier| carrier.to)
        {
            let arg = args.get(usize::from(to)).filter(|_| result.is_tainted());
            if let Some(name) = arg.and_then(|arg| self.root_of(arg.value)) {
                self.state().taint_variable(name, result);
            }
        }
    }

    /// What a call makes safe of what it is called on.
    pub(super) fn settle(&mut self, callee: &Callee<'_>) {
        let kinds = self
            .rules
            .settling
            .of(&callee.path)
            .fold(Kinds::NONE, |all, kinds| all.or(*kinds));
        if let Some(variable) = callee.variable.filter(|_| kinds != Kinds::NONE) {
            self.state().entry(variable).value.clean(kinds);
        }
    }
}
