//! Literals as Rust writes them.

use super::ExprKind;

/// A number that fits; else what it is is not known.
pub(super) fn integer(text: &str) -> ExprKind {
    let text = text.replace('_', "").to_ascii_lowercase();
    let (radix, digits) = match text.get(..2) {
        Some("0x") => (16, &text[2..]),
        Some("0b") => (2, &text[2..]),
        Some("0o") => (8, &text[2..]),
        _ => (10, text.as_str()),
    };
    let digits = digits.split(['u', 'i']).next().unwrap_or(digits);
    i64::from_str_radix(digits, radix).map_or(ExprKind::Unknown, ExprKind::Int)
}

/// What an escape sequence means: `\n`, `\x41`, `\u{41}`, the end of a line.
pub(super) fn escape(text: &str) -> String {
    let body = text.strip_prefix('\\').unwrap_or(text);
    let code = match body.chars().next() {
        Some('x') => u32::from_str_radix(&body[1..], 16).ok(),
        Some('u') => u32::from_str_radix(body[1..].trim_matches(['{', '}']), 16).ok(),
        _ => None,
    };
    if let Some(c) = code.and_then(char::from_u32) {
        return c.to_string();
    }
    match body {
        "n" => "\n".to_owned(),
        "t" => "\t".to_owned(),
        "r" => "\r".to_owned(),
        "0" => "\0".to_owned(),
        other if other.starts_with(['\n', '\r']) => String::new(),
        other => other.to_owned(),
    }
}

/// A character as it is written between quotes.
pub(super) fn unescaped(text: &str) -> String {
    match text.starts_with('\\') {
        true => escape(text),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_every_base_and_of_every_type() {
        let all = ["12", "1_000", "0x1F", "0b101", "0o17", "7u8", "0xfu64", "1usize"].map(integer);
        assert_eq!(all, [12, 1000, 31, 5, 15, 7, 15, 1].map(ExprKind::Int));
    }

    #[test]
    fn escapes_are_what_they_stand_for() {
        assert_eq!(
            ["\\n", "\\u{41}", "\\x41", "\\\"", "\\\n  "].map(escape),
            ["\n", "A", "A", "\"", ""]
        );
    }
}
