//! What an expression or a statement contains, in the order in which it is worked out.

use super::{BlockId, ExprId, ExprKind, FunctionId, StmtKind};

impl ExprKind {
    /// Shows every expression that this one contains.
    pub fn parts(&self, mut show: impl FnMut(ExprId)) {
        match self {
            Self::Str(_) | Self::Int(_) | Self::Bool(_) | Self::Null | Self::Name(_) => {}
            Self::Closure(_) | Self::Unknown => {}
            Self::Attr { object, name: _ } => show(*object),
            Self::Index { object, key } => {
                show(*object);
                show(*key);
            }
            Self::Call { callee, args, new: _ } => {
                show(*callee);
                args.iter().for_each(|arg| show(arg.value));
            }
            Self::Concat(parts) | Self::List(parts) | Self::Of(parts) | Self::Last(parts) => {
                parts.iter().copied().for_each(show);
            }
            Self::Binary { op: _, left, right } => {
                show(*left);
                show(*right);
            }
            Self::Not(inner) => show(*inner),
            Self::Choice {
                condition,
                then,
                otherwise,
            } => {
                condition.iter().copied().for_each(&mut show);
                show(*then);
                show(*otherwise);
            }
            Self::Map(entries) => {
                for (key, value) in entries {
                    key.iter().copied().for_each(&mut show);
                    show(*value);
                }
            }
            Self::Assign { target, value } => {
                show(*target);
                show(*value);
            }
            Self::Element {
                tag: _,
                attributes,
                children,
            } => {
                attributes.iter().for_each(|&(_, value)| show(value));
                children.iter().copied().for_each(show);
            }
        }
    }
}

impl StmtKind {
    /// Shows every expression that stands in this statement itself, not in its blocks.
    pub fn exprs(&self, mut show: impl FnMut(ExprId)) {
        match self {
            Self::Expr(value)
            | Self::Loop {
                condition: Some(value), ..
            } => show(*value),
            Self::Assign { target, value, .. } => {
                show(*target);
                show(*value);
            }
            Self::If { condition, .. } => show(*condition),
            Self::ForEach { target, iterable, .. } => {
                show(*target);
                show(*iterable);
            }
            Self::Switch { subject, cases } => {
                show(*subject);
                cases.iter().flat_map(|(labels, _)| labels).copied().for_each(show);
            }
            Self::Return(value) | Self::Throw(value) => value.iter().copied().for_each(show),
            Self::Loop { condition: None, .. } | Self::Try { .. } | Self::Block(_) => {}
            Self::Break | Self::Continue | Self::Define(_) => {}
        }
    }

    /// Shows every block of this statement.
    pub fn blocks(&self, mut show: impl FnMut(BlockId)) {
        match self {
            Self::If { then, otherwise, .. } => {
                show(*then);
                show(*otherwise);
            }
            Self::Loop { body, .. } | Self::ForEach { body, .. } | Self::Block(body) => show(*body),
            Self::Switch { cases, .. } => cases.iter().for_each(|&(_, body)| show(body)),
            Self::Try {
                body,
                handlers,
                finally,
            } => {
                show(*body);
                handlers.iter().copied().for_each(&mut show);
                show(*finally);
            }
            Self::Expr(_) | Self::Assign { .. } | Self::Return(_) | Self::Throw(_) => {}
            Self::Break | Self::Continue | Self::Define(_) => {}
        }
    }

    /// The function that is defined here.
    #[must_use]
    pub fn defines(&self) -> Option<FunctionId> {
        match self {
            Self::Define(function) => Some(*function),
            _ => None,
        }
    }
}
