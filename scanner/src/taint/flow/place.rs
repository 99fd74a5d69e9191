//! What is known of a value by where it was read, not by the variable that it is in.

use super::super::rules::Kinds;
use super::super::value::{Label, Value};
use super::Flow;

impl Flow<'_> {
    /// A part of which something was proved where it was read before.
    pub(super) fn proved_before(&mut self, mut value: Value) -> Value {
        if !value.is_tainted() {
            return value;
        }
        let frame = self.frame();
        if frame.state.proved.is_empty() && frame.outer.proved.is_empty() {
            return value;
        }
        let Some(place) = value.place() else { return value };
        let proved = frame.state.proved.iter().chain(&frame.outer.proved);
        let proved = proved.filter(|proof| proof.place == Some(place));
        let kinds = proved.fold(Kinds::NONE, |all, proof| all.or(proof.kinds));
        value.clean(kinds);
        value
    }

    /// A value that is not written by anyone else, by what it is: `settings.ALLOWED_HOST`, `request.nextUrl.origin`.
    pub(super) fn is_fixed(&self, value: &Value) -> bool {
        let Some(path) = value.path.as_deref() else {
            return false;
        };
        let decides = || {
            self.rules
                .deciding
                .iter()
                .any(|name| path.rsplit('.').next() == Some(name))
        };
        let given = |label: Label| matches!(label, Label::Param(..));
        !value.is_tainted() || decides() && value.taints.iter().all(|taint| given(taint.label))
    }
}
