//! What comparisons prove, and of what: a variable, an attribute of it, whatever is read from the same place.

use super::super::ir::{BinaryOp, ExprId, ExprKind, NameId};
use super::super::rules::Kinds;
use super::super::value::{Constant, Proof, Proofs, Text, Value, merge};
use super::Flow;

/// The variable of a proof that is about none.
const NOWHERE: NameId = NameId(u32::MAX);

impl Flow<'_> {
    /// What `==` and `in` prove: the side that someone else may have written is what the other side allows.
    pub(super) fn comparison(&mut self, op: BinaryOp, expr: ExprId, left: &Value, right: &Value) -> Value {
        let below = |value: &Value| value.path.as_deref().is_some_and(|path| path.ends_with(".parents"));
        let proofs = match op {
            BinaryOp::In | BinaryOp::NotIn if below(right) && !left.is_tainted() => self.proofs_of(right, Kinds::ALL),
            BinaryOp::In | BinaryOp::NotIn if !right.is_tainted() && right.text.as_ref().is_none_or(is_harmless) => {
                self.proofs_of(left, Kinds::ALL)
            }
            BinaryOp::Eq | BinaryOp::Ne if right.is_constant() || self.is_fixed(right) => {
                self.proofs_of(left, Kinds::ALL)
            }
            BinaryOp::Eq | BinaryOp::Ne if left.is_constant() || self.is_fixed(left) => {
                self.proofs_of(right, Kinds::ALL)
            }
            _ => Vec::new(),
        };
        let proofs = if proofs.is_empty() {
            self.field_proofs(op, expr, right)
        } else {
            proofs
        };
        let mut proves = match op {
            BinaryOp::Eq | BinaryOp::In => Proofs {
                held: proofs,
                failed: Vec::new(),
            },
            _ => Proofs {
                held: Vec::new(),
                failed: proofs,
            },
        };
        if let Some(truth) = answer(op, right) {
            let (held, failed) = match truth {
                true => (&left.proves.held, &left.proves.failed),
                false => (&left.proves.failed, &left.proves.held),
            };
            merge(&mut proves.held, held);
            merge(&mut proves.failed, failed);
        }
        Value {
            proves,
            ..Value::default()
        }
    }

    /// What `less < more` proves: which of them is below the other. What that is mostly is what room there is.
    pub(super) fn bounds(&self, less: (ExprId, &Value), more: (ExprId, &Value)) -> Value {
        let kinds = self.rules.bounded;
        let below = |one: (ExprId, &Value)| {
            if kinds == Kinds::NONE || !one.1.is_tainted() {
                return Vec::new();
            }
            let proofs = self.proofs_of(one.1, kinds);
            if proofs.is_empty() {
                self.part_proofs(one.0, kinds)
            } else {
                proofs
            }
        };
        Value {
            proves: Proofs {
                held: below(less),
                failed: below(more),
            },
            ..Value::default()
        }
    }

    /// What a comparison proves of one attribute or element of a variable.
    fn field_proofs(&self, op: BinaryOp, expr: ExprId, right: &Value) -> Vec<Proof> {
        let fixed = match op {
            BinaryOp::In | BinaryOp::NotIn => !right.is_tainted() && right.text.as_ref().is_none_or(is_harmless),
            _ => right.is_constant() || self.is_fixed(right),
        };
        if fixed {
            self.part_proofs(expr, Kinds::ALL)
        } else {
            Vec::new()
        }
    }

    /// That one attribute or element of a variable is safe for `kinds`.
    fn part_proofs(&self, expr: ExprId, kinds: Kinds) -> Vec<Proof> {
        let (object, field) = match &self.module.expr(expr).kind {
            ExprKind::Of(parts) if parts.len() == 1 => return self.part_proofs(parts[0], kinds),
            ExprKind::Attr { object, name } => (*object, *name),
            ExprKind::Index { object, key } => match self.module.expr(*key).kind {
                ExprKind::Str(name) => (*object, name),
                _ => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        match self.module.expr(object).kind {
            ExprKind::Name(variable) => vec![Proof {
                variable,
                field: Some(field),
                place: None,
                kinds,
            }],
            _ => Vec::new(),
        }
    }

    /// That a value, and what it was read from, is safe for `kinds`.
    pub(super) fn proofs_of(&self, value: &Value, kinds: Kinds) -> Vec<Proof> {
        let proofs = value.reads.iter().map(|&variable| Proof {
            variable,
            field: None,
            place: None,
            kinds,
        });
        // Of a part, what is read from the same place again is meant, too.
        let place = value.place().map(|place| Proof {
            variable: NOWHERE,
            field: None,
            place: Some(place),
            kinds,
        });
        proofs.chain(place).collect()
    }
}

/// Whether any part of a text is a harmless text: letters, digits and what joins them in names.
fn is_harmless(text: &Text) -> bool {
    let whole = text.whole();
    whole.is_some_and(|text| text.chars().all(|c| c.is_alphanumeric() || "-_ .,".contains(c)))
}

/// Whether a comparison with `right` holds for a true answer: `PATTERN.match(x) is None` holds for none.
fn answer(op: BinaryOp, right: &Value) -> Option<bool> {
    let truth = match right.constant? {
        Constant::Bool(truth) => truth,
        Constant::Null | Constant::Int(0) => false,
        Constant::Int(1) => true,
        Constant::Int(_) => return None,
    };
    match op {
        BinaryOp::Eq => Some(truth),
        BinaryOp::Ne => Some(!truth),
        _ => None,
    }
}
