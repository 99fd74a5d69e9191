//! Constants worked out, so that branches which are never taken are not followed.

use super::super::ir::BinaryOp;
use super::super::value::{Constant, Value};

/// The result of an operator over two values, if both are known.
pub(super) fn fold(op: BinaryOp, left: &Value, right: &Value) -> Option<Constant> {
    use BinaryOp::{Add, And, BitOr, Bits, Div, Eq, Ge, Gt, In, Le, Lt, Mul, Ne, NotIn, Or, Rem, Sub};
    if left.is_tainted() || right.is_tainted() {
        return None;
    }
    let number = |value: &Value| match value.constant {
        Some(Constant::Int(number)) => Some(number),
        _ => None,
    };
    let numbers = number(left).zip(number(right));
    let truths = (left.truth(), right.truth());
    match op {
        Add => numbers.and_then(|(a, b)| a.checked_add(b)).map(Constant::Int),
        Sub => numbers.and_then(|(a, b)| a.checked_sub(b)).map(Constant::Int),
        Mul => numbers.and_then(|(a, b)| a.checked_mul(b)).map(Constant::Int),
        // Of negative numbers languages differ.
        Div => numbers
            .filter(|(a, b)| *a >= 0 && *b > 0)
            .map(|(a, b)| Constant::Int(a / b)),
        Rem => numbers
            .filter(|(a, b)| *a >= 0 && *b > 0)
            .map(|(a, b)| Constant::Int(a % b)),
        BitOr => numbers.map(|(a, b)| Constant::Int(a | b)),
        Bits => None,
        Lt => numbers.map(|(a, b)| Constant::Bool(a < b)),
        Le => numbers.map(|(a, b)| Constant::Bool(a <= b)),
        Gt => numbers.map(|(a, b)| Constant::Bool(a > b)),
        Ge => numbers.map(|(a, b)| Constant::Bool(a >= b)),
        Eq => same(left, right).map(Constant::Bool),
        Ne => same(left, right).map(|same| Constant::Bool(!same)),
        And => match truths {
            (Some(false), _) | (_, Some(false)) => Some(Constant::Bool(false)),
            (Some(true), Some(true)) => Some(Constant::Bool(true)),
            _ => None,
        },
        Or => match truths {
            (Some(true), _) | (_, Some(true)) => Some(Constant::Bool(true)),
            (Some(false), Some(false)) => Some(Constant::Bool(false)),
            _ => None,
        },
        In => contains(right, left).map(Constant::Bool),
        NotIn => contains(right, left).map(|inside| Constant::Bool(!inside)),
    }
}

/// `text.charAt(n)` of a constant.
pub(super) fn letter_at(text: Option<&Value>, index: Option<&Value>) -> Option<Value> {
    let text = text?.written()?;
    let index: usize = index?.written()?.parse().ok()?;
    let letter = text.chars().nth(index)?;
    Some(Value::of_text(letter.encode_utf8(&mut [0; 4])))
}

fn same(left: &Value, right: &Value) -> Option<bool> {
    Some(left.written()? == right.written()?)
}

fn contains(container: &Value, item: &Value) -> Option<bool> {
    let item = item.written()?;
    let items = container.items.as_ref()?;
    let written = items.iter().map(|(_, value)| value.written());
    let written: Option<Vec<_>> = written.collect();
    Some(written?.contains(&item))
}
