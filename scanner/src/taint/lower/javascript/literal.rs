//! Literals as JavaScript writes them.

use super::ExprKind;

/// A number that fits; else what it is is not known.
pub(super) fn number(text: &str) -> ExprKind {
    let text = text.replace('_', "").to_ascii_lowercase();
    let text = text.strip_suffix('n').unwrap_or(&text);
    let octal = text.len() > 1 && text.starts_with('0') && text.chars().all(|c| ('0'..='7').contains(&c));
    let parsed = match text.get(..2) {
        Some("0x") => i64::from_str_radix(&text[2..], 16),
        Some("0o") => i64::from_str_radix(&text[2..], 8),
        Some("0b") => i64::from_str_radix(&text[2..], 2),
        _ if octal => i64::from_str_radix(text, 8),
        _ => text.parse(),
    };
    parsed.map_or(ExprKind::Unknown, ExprKind::Int)
}

/// What an escape stands for.
pub(super) fn escaped(text: &str) -> String {
    let rest = text.strip_prefix('\\').unwrap_or(text);
    let code = |digits: &str, radix| {
        let code = u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
        code.unwrap_or('\u{fffd}').to_string()
    };
    match rest.chars().next() {
        Some('n') => "\n".to_owned(),
        Some('t') => "\t".to_owned(),
        Some('r') => "\r".to_owned(),
        Some('b') => "\u{8}".to_owned(),
        Some('f') => "\u{c}".to_owned(),
        Some('v') => "\u{b}".to_owned(),
        Some('\n' | '\r' | '\u{2028}' | '\u{2029}') | None => String::new(),
        Some('x') => code(&rest[1..], 16),
        Some('u') => code(rest[1..].trim_matches(['{', '}']), 16),
        Some('0'..='7') => code(rest, 8),
        Some(_) => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_every_base() {
        let read = |text| match number(text) {
            ExprKind::Int(value) => Some(value),
            _ => None,
        };
        let texts = ["1_000", "0x1F", "0o17", "017", "0b11", "5n", "089", "0"];
        let values = [1000, 31, 15, 15, 3, 5, 89, 0].map(Some);
        assert_eq!(texts.map(read), values);
        assert_eq!(["1.5", "1e3", "99999999999999999999"].map(read), [None; 3]);
    }

    #[test]
    fn an_escape_is_what_it_stands_for() {
        let texts = [
            "\\n",
            "\\x41",
            "\\u0041",
            "\\u{1F600}",
            "\\'",
            "\\0",
            "\\\n",
            "\\u{110000}",
        ];
        assert_eq!(
            texts.map(escaped),
            ["\n", "A", "A", "\u{1f600}", "'", "\0", "", "\u{fffd}"]
        );
    }
}
