//! Lines that a language reads and that nobody sees: what Python decodes and Java unescapes before it looks for lines.
//!
//! Always true: a declared encoding in which plain text is what it seems to be is no finding.

use super::rules;
use crate::engine::{Findings, Window};
use crate::facts::Language;
use crate::finding::{Confidence, Severity};

/// Bytes at a file's start that hold its first two lines.
const HEAD: usize = 1 << 10;

/// Adds what a window of a program has; a mark on the border of two windows counts where it starts.
pub(super) fn check(language: Language, window: &Window<'_>, out: &mut Findings<'_>) {
    match language {
        Language::Python if window.offset == 0 => odd_encoding(window, out),
        Language::Java => escaped_ends(window, out),
        _ => {}
    }
}

/// A declared encoding that turns text into other text: `# coding: unicode_escape` makes lines of a comment.
fn odd_encoding(window: &Window<'_>, out: &mut Findings<'_>) {
    let head = window.bytes.get(..window.bytes.len().min(HEAD)).unwrap_or_default();
    let mut start = 0;
    for line in head.split(|&byte| byte == b'\n').take(2) {
        if let Some(name) = declared(line).filter(|name| !is_plain(name)) {
            let message = format!("Python reads this file as \"{name}\": what is a comment here may be code there");
            let place = window.place(start..start + line.len());
            out.add(rules::ODD_ENCODING.found(Severity::High, Confidence::High, message, Some(place)));
        }
        start += line.len() + 1;
    }
}

/// The encoding that a comment declares by PEP 263: `coding`, `:` or `=`, a name.
fn declared(line: &[u8]) -> Option<String> {
    let comment = line.trim_ascii_start().strip_prefix(b"#")?;
    let at = comment.windows(6).position(|word| word == b"coding")?;
    let rest = comment.get(at + 6..)?;
    let rest = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"="))?;
    let name = rest.trim_ascii_start();
    let len = name
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        .count();
    let name = name.get(..len).filter(|name| !name.is_empty())?;
    Some(String::from_utf8_lossy(name).to_ascii_lowercase().replace('_', "-"))
}

/// Whether ASCII is ASCII in an encoding of this name.
fn is_plain(name: &str) -> bool {
    let known = [
        "utf-8",
        "utf8",
        "ascii",
        "us-ascii",
        "latin",
        "iso-8859",
        "iso8859",
        "cp125",
        "windows-125",
        "koi8-",
    ];
    let eastern = [
        "euc-",
        "gbk",
        "gb2312",
        "gb18030",
        "big5",
        "shift-jis",
        "shift_jis",
        "sjis",
        "cp932",
        "cp949",
    ];
    known.iter().chain(&eastern).any(|plain| name.starts_with(plain))
}

/// `\u000a` is a line's end to Java, also in a comment.
fn escaped_ends(window: &Window<'_>, out: &mut Findings<'_>) {
    let owned = window.bytes.get(window.owned.clone()).unwrap_or_default();
    let marks = starts_of(owned, b"\\u");
    for at in marks {
        let start = window.owned.start + at;
        let rest = window.bytes.get(start + 1..).unwrap_or_default();
        let letters = rest.iter().take_while(|&&byte| byte == b'u').count();
        let digits = rest.get(letters..letters + 4).unwrap_or_default();
        if !digits.eq_ignore_ascii_case(b"000a") && !digits.eq_ignore_ascii_case(b"000d") {
            continue;
        }
        if !out.lists(rules::ESCAPED_LINE_END.id) {
            out.count(rules::ESCAPED_LINE_END.id, Severity::High);
            continue;
        }
        let message = "Java ends the line here: what follows in this comment is code".to_owned();
        let place = window.place(start..start + 1 + letters + 4);
        out.add(rules::ESCAPED_LINE_END.found(Severity::High, Confidence::High, message, Some(place)));
    }
}

/// Where `needle` starts in `text`.
fn starts_of<'a>(text: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let starts = text.windows(needle.len()).enumerate();
    starts.filter_map(move |(at, part)| (part == needle).then_some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_declares_an_encoding() {
        let name = |line: &str| declared(line.as_bytes());
        assert_eq!(
            name("# -*- coding: unicode_escape -*-"),
            Some("unicode-escape".to_owned())
        );
        assert_eq!(name("# vim: set fileencoding=utf-8 :"), Some("utf-8".to_owned()));
        assert_eq!(name("# about coding in general"), None);
        assert_eq!(name("x = 1  # coding: utf-7"), None);
    }

    #[test]
    fn encodings_of_text_are_plain_and_those_of_escapes_are_not() {
        for name in ["utf-8", "latin-1", "iso-8859-15", "cp1252", "euc-jp"] {
            assert!(is_plain(name), "{name}");
        }
        for name in [
            "utf-7",
            "unicode-escape",
            "raw-unicode-escape",
            "rot13",
            "cp037",
            "utf-16",
        ] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
