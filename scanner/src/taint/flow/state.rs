//! What is known of the variables at a point.

use std::collections::{BTreeMap, HashMap};

use super::super::ir::NameId;
use super::super::rules::Kinds;
use super::super::value::{Proof, Value, merge};

/// Variables that a state keeps: a generated function with more is not followed exactly.
const MAX_VARIABLES: usize = 4096;

/// What is known at a point of a function.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    variables: HashMap<NameId, Variable>,
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

impl State {
    pub(super) fn get(&self, name: NameId) -> Option<&Variable> {
        self.variables.get(&name)
    }

    /// Gives a variable a value; what was known of its parts is gone.
    pub(super) fn set(&mut self, name: NameId, value: Value) {
        self.proved.retain(|proof| proof.variable != name);
        if self.variables.len() < MAX_VARIABLES || self.variables.contains_key(&name) {
            let fields = BTreeMap::new();
            self.variables.insert(name, Variable { value, fields });
        }
    }

    /// Gives a part of a variable a value.
    pub(super) fn set_field(&mut self, name: NameId, field: NameId, value: Value) {
        if self.variables.len() < MAX_VARIABLES || self.variables.contains_key(&name) {
            self.variables.entry(name).or_default().fields.insert(field, value);
        }
    }

    /// The variable, to be added to.
    pub(super) fn entry(&mut self, name: NameId) -> &mut Variable {
        self.variables.entry(name).or_default()
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
                let Some(variable) = self.variables.get_mut(&name) else {
                    continue;
                };
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
        let variable = self.variables.entry(name).or_default();
        variable.value.absorb(from);
        if from.is_tainted() {
            variable.value.items = None;
            variable.value.text.clone_from(&from.text);
            variable.value.constant = None;
        }
    }

    /// Lays an inner state over this one: what it knows counts.
    pub(super) fn join_over(&mut self, inner: &Self) {
        for (name, variable) in &inner.variables {
            self.variables.insert(*name, variable.clone());
        }
        merge(&mut self.proved, &inner.proved);
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
        for (name, theirs) in &other.variables {
            match self.variables.get_mut(name) {
                Some(ours) => {
                    ours.value = std::mem::take(&mut ours.value).join(&theirs.value);
                    for (field, value) in &theirs.fields {
                        let ours = ours.fields.entry(*field).or_insert_with(|| value.clone());
                        *ours = std::mem::take(ours).join(value);
                    }
                }
                None => {
                    self.variables.insert(*name, theirs.clone());
                }
            }
        }
        self.proved.retain(|proof| other.proved.contains(proof));
    }
}
