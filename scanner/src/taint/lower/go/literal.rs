//! Literals as Go writes them.

use super::ExprKind;

/// A number that fits; else what it is is not known.
pub(super) fn integer(text: &str) -> ExprKind {
    let text = text.replace('_', "").to_ascii_lowercase();
    let parsed = match text.get(..2) {
        Some("0x") => i64::from_str_radix(&text[2..], 16),
        Some("0b") => i64::from_str_radix(&text[2..], 2),
        Some("0o") => i64::from_str_radix(&text[2..], 8),
        _ if text.len() > 1 && text.starts_with('0') => i64::from_str_radix(&text[1..], 8),
        _ => text.parse(),
    };
    parsed.map_or(ExprKind::Unknown, ExprKind::Int)
}

/// What an escape sequence means: `\n`, `\x41`, `\u0041`, `\101`.
pub(super) fn escape(text: &str) -> String {
    let body = text.strip_prefix('\\').unwrap_or(text);
    let code = match body.chars().next() {
        Some('x' | 'u' | 'U') => u32::from_str_radix(&body[1..], 16).ok(),
        Some('0'..='7') => u32::from_str_radix(body, 8).ok(),
        _ => None,
    };
    if let Some(c) = code.and_then(char::from_u32) {
        return c.to_string();
    }
    match body {
        "n" => "\n".to_owned(),
        "t" => "\t".to_owned(),
        "r" => "\r".to_owned(),
        "a" => "\u{7}".to_owned(),
        "b" => "\u{8}".to_owned(),
        "f" => "\u{c}".to_owned(),
        "v" => "\u{b}".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_every_base() {
        let all = ["12", "1_000", "0x1F", "0b101", "0o17", "017", "0"].map(integer);
        assert_eq!(all, [12, 1000, 31, 5, 15, 15, 0].map(ExprKind::Int));
    }

    #[test]
    fn escapes_are_what_they_stand_for() {
        assert_eq!(
            ["\\n", "\\u0041", "\\101", "\\x41", "\\\""].map(escape),
            ["\n", "A", "A", "A", "\""]
        );
    }
}
