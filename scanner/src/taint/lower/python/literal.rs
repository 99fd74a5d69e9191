//! Literals as Python writes them.

use super::ExprKind;

/// A number that fits; else what it is is not known.
pub(super) fn integer(text: &str) -> ExprKind {
    let text = text.replace('_', "").to_ascii_lowercase();
    let parsed = match text.get(..2) {
        Some("0x") => i64::from_str_radix(&text[2..], 16),
        Some("0o") => i64::from_str_radix(&text[2..], 8),
        Some("0b") => i64::from_str_radix(&text[2..], 2),
        _ => text.parse(),
    };
    parsed.map_or(ExprKind::Unknown, ExprKind::Int)
}

/// The text between the quotes as it is meant.
pub(super) fn unescape(text: &str, raw: bool) -> String {
    if raw || !text.contains('\\') {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, if c == '\\' { rest.next() } else { None }) {
            ('\\', Some('n')) => plain.push('\n'),
            ('\\', Some('t')) => plain.push('\t'),
            ('\\', Some('r')) => plain.push('\r'),
            ('\\', Some('0')) => plain.push('\0'),
            ('\\', Some('\n')) => {}
            ('\\', Some(c @ ('\\' | '\'' | '"'))) => plain.push(c),
            ('\\', Some('x')) => {
                let code: String = rest.by_ref().take(2).collect();
                let code = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                plain.push(code.unwrap_or('\u{fffd}'));
            }
            // What is no escape is written as it is.
            ('\\', Some(other)) => {
                plain.push('\\');
                plain.push(other);
            }
            (c, _) => plain.push(c),
        }
    }
    plain
}
