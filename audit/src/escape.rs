//! Text from outside, made safe for where it goes: an encoder for each sink.
//!
//! ```text
//! terminal        a\u{202e}b          what a terminal acts on, or does not show, by its number
//! json            "a\u202eb"          the same text to a parser, and nothing hidden on the way to it
//! sarif_message   a\\u{{202e}}b       shown as the terminal's; no placeholder, no link
//! relative_uri    a%E2%80%AEb        a path below the root: no scheme, no host, no climbing
//! markdown        a\\u{202e}b         shown as the terminal's; no markup
//! ```
//!
//! File names, descriptions, principals and reasons come from a bundle or a peer. Printed as they are, they could move
//! the cursor, recolour, reorder (Trojan Source), hide, or become a link; [`crate::untrusted::Untrusted`] is the type of a
//! text that can only be printed through one of these.

use std::io;

use protocol::path::characters::Unseen;
use serde::Serialize;
use serde_json::ser::Formatter;

/// `text` with every character that a terminal would act on, or not show, written as `\u{hex}`; line feed, carriage
/// return and tab as `\n`, `\r`, `\t`. The rest, backslashes too, stays as it is: the result is for reading, not for
/// parsing back.
#[must_use]
pub fn terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_hidden(c) => out.extend(c.escape_unicode()),
            _ => out.push(c),
        }
    }
    out
}

/// `value` as one line of JSON, without its end, in which every character that nobody sees is an escape; whoever parses
/// it gets what [`serde_json::to_string`] would have given.
///
/// # Errors
/// The serialiser's, if the value has no JSON form.
pub fn json<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    let mut out = Vec::new();
    write_json(&mut out, value)?;
    // Only whole characters are ever written.
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Writes what [`json`] gives, without holding it.
///
/// # Errors
/// The serialiser's, or the writer's.
pub fn write_json<T: Serialize + ?Sized>(out: &mut dyn io::Write, value: &T) -> serde_json::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, SeenOnly))
}

/// Compact JSON; what nobody sees stands in its strings alone, and is escaped there.
struct SeenOnly;

impl Formatter for SeenOnly {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain = 0;
        for (at, character) in fragment.char_indices().filter(|(_, c)| Unseen::of(*c).is_some()) {
            writer.write_all(fragment.get(plain..at).unwrap_or_default().as_bytes())?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = at + character.len_utf8();
        }
        writer.write_all(fragment.get(plain..).unwrap_or_default().as_bytes())
    }
}

/// `text` as a SARIF message: shown as [`terminal`] shows it, and neither a placeholder nor a link within.
///
/// # Source
/// SARIF 2.1.0, sections 3.11.5 (braces are doubled) and 3.11.6 (brackets and backslashes stand behind a backslash).
#[must_use]
pub fn sarif_message(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in terminal(text).chars() {
        match c {
            '{' | '}' => out.extend([c, c]),
            '[' | ']' | '\\' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// `path` as a URI reference below whatever it is relative to. Decoded it is `path` again, but for segments of dots alone:
/// no encoding keeps a reader from climbing by them, so those decode to `%2E`.
///
/// # Source
/// RFC 3986, sections 2.3 (what stays), 4.2 (a first segment with a colon is a scheme, a first slash a root, two a host)
/// and 5.2.4 (segments of dots climb).
#[must_use]
pub fn relative_uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    // A slash in front, or behind nothing but slashes, is part of a name.
    let inner = path.trim_start_matches('/');
    out.push_str(&"%2F".repeat(path.len() - inner.len()));
    for (number, segment) in inner.split('/').enumerate() {
        if number > 0 {
            out.push('/');
        }
        match segment {
            "." => out.push_str("%252E"),
            ".." => out.push_str("%252E%252E"),
            _ => segment.bytes().for_each(|byte| push_encoded(&mut out, byte)),
        }
    }
    out
}

/// One byte of a path's segment. `!` stays: the report has it between an archive and what is in it.
fn push_encoded(out: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().map_or('0', char::from);
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'!' => out.push(char::from(byte)),
        _ => out.extend(['%', digit(byte >> 4), digit(byte & 15)]),
    }
}

/// `text` as Markdown that is shown as [`terminal`] shows it, with no markup in it, also in a table.
///
/// # Source
/// CommonMark 0.31, section 2.4: a backslash takes the meaning from any ASCII punctuation.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in terminal(text).chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '#' | '!' | '$'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Whether a terminal acts on the character or shows nothing for it.
///
/// # Source
/// Unicode's `Cc` and `Default_Ignorable_Code_Point`, bidirectional controls (UAX 9), line and paragraph separators,
/// interlinear marks.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
            | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164
            | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x1_BCA0..=0x1_BCA3 | 0x1_D173..=0x1_D17A
            | 0xE_0000..=0xE_0FFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_ansi_sequence_does_not_reach_the_terminal() {
        assert_eq!(terminal("\u{1b}[31mred"), "\\u{1b}[31mred");
    }

    #[test]
    fn a_c1_control_is_escaped() {
        assert_eq!(terminal("a\u{9b}31m"), "a\\u{9b}31m");
    }

    #[test]
    fn a_bidirectional_override_is_shown() {
        assert_eq!(terminal("a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn invisible_characters_are_shown() {
        assert_eq!(
            terminal("a\u{200b}\u{feff}\u{e0041}b"),
            "a\\u{200b}\\u{feff}\\u{e0041}b"
        );
    }

    #[test]
    fn a_line_break_cannot_forge_a_line() {
        assert_eq!(terminal("x\n09:00 seq 1 RELEASED"), "x\\n09:00 seq 1 RELEASED");
    }

    #[test]
    fn plain_text_of_any_script_stays() {
        let text = "src/größe_測試.py — 1.2 MiB · «ok»";
        assert_eq!(terminal(text), text);
    }

    #[test]
    fn json_with_what_nobody_sees_is_escaped_and_reads_back_the_same() {
        let text = "a\u{202e}b\u{e0041}c\u{7f}\n\u{1b}\u{a0}é\"\\";
        let line = json(text).unwrap();
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        assert_eq!(line, r#""a\u202eb\udb40\udc41c\u007f\n\u001b\u00a0é\"\\""#);
    }

    #[test]
    fn a_sarif_message_has_no_placeholder_and_no_link() {
        assert_eq!(sarif_message(r"a{0} [x](1) \[y\](2)"), r"a{{0}} \[x\](1) \\\[y\\\](2)");
    }

    #[test]
    fn a_path_is_no_scheme_and_no_host_and_does_not_climb() {
        for (path, uri) in [
            ("src/größe 1.py", "src/gr%C3%B6%C3%9Fe%201.py"),
            ("javascript:alert(1)", "javascript%3Aalert%281%29"),
            ("//host/x", "%2F%2Fhost/x"),
            ("/etc/passwd", "%2Fetc/passwd"),
            ("a/../../b", "a/%252E%252E/%252E%252E/b"),
            ("./a", "%252E/a"),
            ("%2e%2e/a", "%252e%252e/a"),
            ("a?b#c", "a%3Fb%23c"),
            ("c:\\a", "c%3A%5Ca"),
            ("a.zip!b/c", "a.zip!b/c"),
        ] {
            assert_eq!(relative_uri(path), uri, "{path}");
        }
    }

    #[test]
    fn markup_in_markdown_is_text() {
        assert_eq!(markdown("<b>*x*</b> [y](z)|"), r"\<b\>\*x\*\</b\> \[y\](z)\|");
    }

    /// What a percent-encoded text stands for.
    fn decoded(uri: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = uri.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            if byte == b'%' {
                let (hex, after) = rest.split_at(2);
                bytes.push(u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap());
                rest = after;
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    proptest! {
        #[test]
        fn any_path_as_a_uri_is_relative_and_decodes_to_itself(path in "[ -~é\u{202e}]{0,20}|([./]{0,3}[a:%]{0,2}){0,6}") {
            let uri = relative_uri(&path);
            prop_assert!(!uri.starts_with('/') && !uri.contains([':', '?', '#', '\\']), "{}", uri);
            let climbs = |uri: &str| uri.split('/').any(|segment| matches!(decoded(segment).as_str(), "." | ".."));
            prop_assert!(!climbs(&uri), "{}", uri);
            if !path.split('/').any(|segment| matches!(segment, "." | "..")) {
                prop_assert_eq!(decoded(&uri), path);
            }
        }

        #[test]
        fn json_of_any_text_reads_back_the_same_and_hides_nothing(text in any::<String>()) {
            let line = json(&text).unwrap();
            prop_assert!(!line.chars().any(|c| Unseen::of(c).is_some()));
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }

        #[test]
        fn nothing_hidden_is_left_of_any_text(text in any::<String>()) {
            let shown = terminal(&text);
            prop_assert!(!shown.chars().any(is_hidden));
            prop_assert_eq!(terminal(&shown), shown);
        }
    }
}
