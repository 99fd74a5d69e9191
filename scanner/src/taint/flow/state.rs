//! What is known of the variables at a point.
//!
//! Two states share all that was not changed since one was made of the other: to keep one for a branch costs nothing, and to
//! join two of them looks only at what differs.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::ir::NameId;
use super::super::quick::QuickMap;
use super::super::rules::Kinds;
use super::super::value::{Proof, Value, merge};

/// Variables that a state keeps: a generated function with more is not followed exactly.
const MAX_VARIABLES: usize = 4096;

/// What is known at a point of a function.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    variables: Rc<QuickMap<NameId, Rc<Variable>>>,
    /// What the conditions on the way here proved.
    pub(super) proved: Vec<Proof>,
    /// Whether the point is not reached.
    pub(super) ended: bool,
}

/// A variable, and what is known of parts of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Variable {
    pub(super) value: Value,
    pub(super) fields: BTreeMap<NameId, Value>,
}

impl Variable {
    fn says_what(&self, other: &Self) -> bool {
        let same =
            |(field, value): (&NameId, &Value)| other.fields.get(field).is_some_and(|other| value.says_what(other));
        self.value.says_what(&other.value) && self.fields.len() == other.fields.len() && self.fields.iter().all(same)
    }
}

impl State {
    pub(super) fn get(&self, name: NameId) -> Option<&Variable> {
        self.variables.get(&name).map(Rc::as_ref)
    }

    /// Gives a variable a value; what was known of its parts is gone.
    pub(super) fn set(&mut self, name: NameId, value: Value) {
        self.proved.retain(|proof| proof.variable != name);
        if self.variables.len() < MAX_VARIABLES || self.variables.contains_key(&name) {
            let fields = BTreeMap::new();
            let variable = Rc::new(Variable { value, fields });
            Rc::make_mut(&mut self.variables).insert(name, variable);
        }
    }

    /// Gives a part of a variable a value.
    pub(super) fn set_field(&mut self, name: NameId, field: NameId, value: Value) {
        if self.variables.len() < MAX_VARIABLES || self.variables.contains_key(&name) {
            self.entry(name).fields.insert(field, value);
        }
    }

    /// The variable, to be added to.
    pub(super) fn entry(&mut self, name: NameId) -> &mut Variable {
        Rc::make_mut(Rc::make_mut(&mut self.variables).entry(name).or_default())
    }

    /// What is proved of a variable as a whole.
    pub(super) fn proved_of(&self, name: NameId) -> Kinds {
        let proved = self.proved.iter().filter(|proof| proof.variable == name);
        let whole = proved.filter(|proof| proof.field.is_none() && proof.place.is_none());
        whole.fold(Kinds::NONE, |all, proof| all.or(proof.kinds))
    }

    /// Takes what a condition proved.
    pub(super) fn prove(&mut self, proofs: &[Proof]) {
        for proof in proofs.iter().filter(|proof| proof.place.is_none()) {
            let mut variables = vec![proof.variable];
            if let Some(known) = self.variables.get(&proof.variable) {
                merge(&mut variables, &known.value.reads);
            }
            for name in variables {
                if !self.variables.contains_key(&name) {
                    continue;
                }
                let variable = self.entry(name);
                match proof.field.filter(|_| name == proof.variable) {
                    Some(field) => {
                        let base = &variable.value;
                        let mut value = variable.fields.get(&field).cloned().unwrap_or_else(|| Value {
                            taints: base.taints.clone(),
                            ..Value::default()
                        });
                        value.clean(proof.kinds);
                        variable.fields.insert(field, value);
                    }
                    None => {
                        variable.value.clean(proof.kinds);
                        variable.fields.values_mut().for_each(|field| field.clean(proof.kinds));
                    }
                }
            }
        }
        merge(&mut self.proved, proofs);
    }

    /// Adds to where a variable comes from.
    pub(super) fn taint_variable(&mut self, name: NameId, from: &Value) {
        let variable = self.entry(name);
        variable.value.absorb(from);
        if from.is_tainted() {
            variable.value.items = None;
            variable.value.text.clone_from(&from.text);
            variable.value.constant = None;
        }
    }

    /// Lays an inner state over this one: what it knows counts.
    pub(super) fn join_over(&mut self, inner: &Self) {
        let variables = Rc::make_mut(&mut self.variables);
        for (name, variable) in inner.variables.iter() {
            variables.insert(*name, Rc::clone(variable));
        }
        merge(&mut self.proved, &inner.proved);
    }

    /// Whether it says anything of what was known `before` that was not said then, so that another round may differ.
    pub(super) fn says_more_than(&self, before: &Self) -> bool {
        let says_more = |(name, variable): (&NameId, &Rc<Variable>)| match before.variables.get(name) {
            Some(known) => !Rc::ptr_eq(known, variable) && !variable.says_what(known),
            // What is first written in a round says something to the next if someone else may have written it.
            None => variable.value.is_tainted() || variable.value.function.is_some() || !variable.fields.is_empty(),
        };
        self.proved.len() != before.proved.len() || self.variables.iter().any(says_more)
    }

    /// Forgets which number or truth a variable is.
    pub(super) fn forget_constant(&mut self, name: NameId) {
        if self.get(name).is_some_and(|known| known.value.constant.is_some()) {
            self.entry(name).value.constant = None;
        }
    }

    /// Whichever of the two ways was taken.
    pub(super) fn join(&mut self, other: &Self) {
        if other.ended {
            return;
        }
        if self.ended {
            self.clone_from(other);
            return;
        }
        if !Rc::ptr_eq(&self.variables, &other.variables) {
            self.join_variables(other);
        }
        self.proved.retain(|proof| other.proved.contains(proof));
    }

    fn join_variables(&mut self, other: &Self) {
        for (name, theirs) in other.variables.iter() {
            let ours = self.variables.get(name);
            // What is joined with itself is what it was.
            if ours.is_some_and(|ours| Rc::ptr_eq(ours, theirs)) {
                continue;
            }
            let Some(ours) = Rc::make_mut(&mut self.variables).get_mut(name) else {
                Rc::make_mut(&mut self.variables).insert(*name, Rc::clone(theirs));
                continue;
            };
            let ours = Rc::make_mut(ours);
            ours.value = std::mem::take(&mut ours.value).join(&theirs.value);
            for (field, value) in &theirs.fields {
                let ours = ours.fields.entry(*field).or_insert_with(|| value.clone());
                *ours = std::mem::take(ours).join(value);
            }
        }
    }
}
