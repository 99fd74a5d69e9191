//! Literals and constants as PHP writes them.

use super::super::super::ir::ExprKind;

/// Constants of the language that decide what a call does.
const FLAGS: [(&str, i64); 12] = [
    ("FILE_APPEND", 8),
    ("FILE_USE_INCLUDE_PATH", 1),
    ("LOCK_EX", 2),
    ("LIBXML_NOENT", 2),
    ("LIBXML_DTDLOAD", 4),
    ("LIBXML_DTDATTR", 8),
    ("LIBXML_DTDVALID", 16),
    ("LIBXML_NOERROR", 32),
    ("LIBXML_NOWARNING", 64),
    ("LIBXML_NOBLANKS", 256),
    ("LIBXML_NONET", 2048),
    ("LIBXML_NOCDATA", 16384),
];

/// A number that fits; else what it is is not known.
pub(super) fn integer(text: &str) -> ExprKind {
    let text = text.replace('_', "").to_ascii_lowercase();
    let parsed = match text.get(..2) {
        Some("0x") => i64::from_str_radix(&text[2..], 16),
        Some("0o") => i64::from_str_radix(&text[2..], 8),
        Some("0b") => i64::from_str_radix(&text[2..], 2),
        _ if text.len() > 1 && text.starts_with('0') => i64::from_str_radix(&text, 8),
        _ => text.parse(),
    };
    parsed.map_or(ExprKind::Unknown, ExprKind::Int)
}

/// What a constant of the language is, if that decides anything.
pub(super) fn constant(name: &str) -> Option<ExprKind> {
    let known = FLAGS.iter().find(|(flag, _)| *flag == name);
    known.map(|(_, value)| ExprKind::Int(*value))
}

/// What an escape in a text with double quotes means.
pub(super) fn escape(text: &str) -> String {
    let rest = text.get(1..).unwrap_or_default();
    match rest.chars().next() {
        Some('n') => "\n".to_owned(),
        Some('r') => "\r".to_owned(),
        Some('t') => "\t".to_owned(),
        Some('e') => "\u{1b}".to_owned(),
        Some(c @ ('\\' | '$' | '"' | '\'' | '`')) => c.to_string(),
        Some('0'..='7') => code(rest, 8),
        Some('x') => code(&rest[1..], 16),
        Some('u') => code(rest[1..].trim_matches(['{', '}']), 16),
        _ => text.to_owned(),
    }
}

fn code(digits: &str, radix: u32) -> String {
    let code = u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    code.unwrap_or('\u{fffd}').to_string()
}
