//! Texts put together: joined, or by a format with holes for what is put into it.

use std::rc::Rc;

use super::super::ir::Span;
use super::super::value::{Text, Value};

/// The text of a value; one that is not known is a hole.
pub(super) fn text_of(value: &Value) -> Text {
    match (&value.text, value.written()) {
        (_, Some(written)) if !value.is_tainted() => Text::constant(&written),
        (Some(text), _) if text.is_built() || !value.is_tainted() => text.clone(),
        _ => Text::hole(),
    }
}

pub(super) fn join_texts(left: &Value, right: &Value, at: Span) -> Value {
    let mut value = Value::default();
    value.absorb(left);
    value.absorb(right);
    value.text = Some(text_of(left).then(&text_of(right)));
    if let (Some(one), Some(two)) = (&left.items, &right.items) {
        value.items = Some(Rc::new(one.iter().chain(two.iter()).cloned().collect()));
        value.text = None;
    }
    value.step(at);
    value
}

/// A format with its values in the places of its marks: all holes.
pub(super) fn formatted(format: &Value, values: &[Value], at: Span) -> Value {
    let mut value = Value::default();
    value.absorb(format);
    values.iter().for_each(|given| value.absorb(given));
    let written = format.text.as_ref().map(Text::shown).unwrap_or_default();
    let mut text: Option<Text> = None;
    for piece in pieces_of(&written) {
        let piece = Text::constant(piece);
        text = Some(match text {
            Some(text) => text.then(&Text::hole()).then(&piece),
            None => piece,
        });
    }
    value.text = text;
    value.step(at);
    value
}

/// What stands between the marks of a format: `%s`, `%(name)s`, `%d`, `{}`, `{name}`, `{0}`, `$1`.
fn pieces_of(format: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut from = 0;
    let mut at = 0;
    while let Some(rest) = format.get(at..).filter(|rest| !rest.is_empty()) {
        let mark = mark_len(rest);
        match mark {
            0 if rest.starts_with("{{") || rest.starts_with("%%") => at += 2,
            0 => at += rest.chars().next().map_or(1, char::len_utf8),
            len => {
                pieces.push(&format[from..at]);
                at += len;
                from = at;
            }
        }
    }
    pieces.push(&format[from..]);
    pieces
}

/// The length of the mark that `rest` begins with; 0 if it begins with none.
fn mark_len(rest: &str) -> usize {
    let after = |open: usize, close: char| rest[open..].find(close).map_or(0, |at| open + at + 1);
    if rest.starts_with('\u{fffc}') {
        return '\u{fffc}'.len_utf8();
    }
    if rest.starts_with("{{") || rest.starts_with("%%") {
        return 0;
    }
    if rest.starts_with('{') {
        let len = after(1, '}');
        let short = rest.get(1..len.saturating_sub(1)).is_some_and(|inner| {
            inner.len() < 40 && inner.chars().all(|c| c.is_alphanumeric() || "_.:[]!<>^, ".contains(c))
        });
        return if short { len } else { 0 };
    }
    if rest.starts_with("%(") {
        return match after(2, ')') {
            0 => 0,
            len => len + usize::from(rest.as_bytes().get(len).is_some_and(u8::is_ascii_alphabetic)),
        };
    }
    let Some(flags) = rest.strip_prefix('%') else { return 0 };
    let width = flags.find(|c: char| !(c.is_ascii_digit() || "-+.#$*l".contains(c)));
    match width.and_then(|width| flags[width..].chars().next().map(|c| (width, c))) {
        Some((width, c)) if c.is_ascii_alphabetic() => 1 + width + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_falls_into_what_stands_between_its_marks() {
        assert_eq!(pieces_of("a %s b %(id)s c %5.2f%% d"), ["a ", " b ", " c ", "%% d"]);
        assert_eq!(pieces_of("x {} y {name!r} z {{}}"), ["x ", " y ", " z {{}}"]);
        assert_eq!(pieces_of("100% sure"), ["100% sure"]);
    }
}
