//! Where in its line a place of a program stands, as far as the line alone proves it.
//!
//! ```text
//! greet("wörld", name)  // wörk
//!  code  string   code    comment
//! ```
//! Always true: what an earlier line may have opened decides nothing. Where a line could be the rest of a string or of a
//! comment that began before it, its places are code.

use crate::facts::Language;

/// What a place is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Something that runs, or may.
    Code,
    /// The text of a literal.
    String,
    /// A comment up to the end of the line.
    Comment,
}

/// What is right behind `before`: a line's text up to a place; `continued` if the line before ends in a backslash.
pub(super) fn part(language: Language, before: &[u8], continued: bool) -> Part {
    let line = before.trim_ascii_start();
    // What closes a comment or a text of several lines here began elsewhere.
    let closes = [&b"*/"[..], b"`"].iter().any(|mark| contains(line, mark));
    let slashes = language.has_slash_comments() && line.starts_with(b"//");
    if (language.has_hash_comments() && line.starts_with(b"#")) || slashes && !contains(line, b"*/") {
        return Part::Comment;
    }
    // A quote of Rust may end a string of an earlier line, but then no name can follow at once.
    if language == Language::Rust && line.ends_with(b"\"") {
        return Part::String;
    }
    if closes || continued || !has_one_line_strings(language) {
        return Part::Code;
    }
    if language == Language::Python && [&b"\"\"\""[..], b"'''"].iter().any(|mark| contains(line, mark)) {
        return docstring(line);
    }
    walk(language, line)
}

/// Whether a string in quotes ends on its line, and quotes stand for nothing else.
fn has_one_line_strings(language: Language) -> bool {
    matches!(
        language,
        Language::C
            | Language::Cpp
            | Language::Go
            | Language::Java
            | Language::JavaScript
            | Language::Python
            | Language::TypeScript
    )
}

/// A line that begins with three quotes: they open a text if a word that is no operator follows at once.
fn docstring(line: &[u8]) -> Part {
    let rest = line.strip_prefix(b"\"\"\"").or_else(|| line.strip_prefix(b"'''"));
    let Some(rest) = rest else { return Part::Code };
    let len = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = rest.get(..len).unwrap_or_default();
    let operators: [&[u8]; 8] = [b"", b"if", b"in", b"is", b"or", b"and", b"not", b"for"];
    let closed = [&b"\"\"\""[..], b"'''"].iter().any(|mark| contains(rest, mark));
    match operators.contains(&word) || closed {
        true => Part::Code,
        false => Part::String,
    }
}

/// Goes through the line's literals and comments.
fn walk(language: Language, line: &[u8]) -> Part {
    let mut quote = None;
    let mut last = b' ';
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match quote {
            Some(_) if byte == b'\\' => {
                bytes.next();
            }
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None if byte == b'#' && language.has_hash_comments() => return Part::Comment,
            None if byte == b'/' && language.has_slash_comments() => match bytes.peek() {
                Some(b'/') => return Part::Comment,
                Some(b'*') => return Part::Code,
                // A regular expression of JavaScript may hold a quote that opens nothing.
                _ if last == b' ' || b"=(,:[!&|?{};>".contains(&last) => return Part::Code,
                _ => {}
            },
            None => {}
        }
        if byte != b' ' && byte != b'\t' {
            last = byte;
        }
    }
    match quote {
        Some(_) => Part::String,
        None => Part::Code,
    }
}

fn contains(text: &[u8], mark: &[u8]) -> bool {
    text.windows(mark.len()).any(|part| part == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_between_quotes_is_in_a_string_and_behind_them_in_code() {
        assert_eq!(part(Language::JavaScript, b"  a: 'x", false), Part::String);
        assert_eq!(part(Language::JavaScript, b"  a: 'x\\' y' + ", false), Part::Code);
        assert_eq!(part(Language::Java, b"f(\"it's ", false), Part::String);
        assert_eq!(part(Language::C, b"x = y / z + ", false), Part::Code);
    }

    #[test]
    fn a_comment_goes_on_to_the_end_of_its_line() {
        assert_eq!(part(Language::Go, b"x := 1 // then ", false), Part::Comment);
        assert_eq!(part(Language::Python, b"x = 1 # then ", false), Part::Comment);
        assert_eq!(part(Language::Python, b"x = '#' + ", false), Part::Code);
    }

    #[test]
    fn what_began_on_an_earlier_line_may_end_on_this_one() {
        assert_eq!(part(Language::C, b"\" */ ", false), Part::Code);
        assert_eq!(part(Language::JavaScript, b"` + ", false), Part::Code);
        assert_eq!(part(Language::JavaScript, b"\" + ", true), Part::Code);
        assert_eq!(part(Language::Rust, b"\" + ", false), Part::Code);
        assert_eq!(part(Language::JavaScript, b"x = /\"/; ", false), Part::Code);
    }

    #[test]
    fn a_word_that_touches_a_quote_of_rust_is_in_a_string_whichever_line_began_it() {
        assert_eq!(part(Language::Rust, b"re.find(\"", false), Part::String);
        assert_eq!(part(Language::Rust, b"re.find(\"a ", false), Part::Code);
        assert_eq!(part(Language::Rust, b"re.find(\"a\", ", false), Part::Code);
    }

    #[test]
    fn three_quotes_open_a_text_if_a_word_follows_that_is_no_operator() {
        assert_eq!(part(Language::Python, b"    \"\"\"Called on ", false), Part::String);
        assert_eq!(part(Language::Python, b"    \"\"\"if ", false), Part::Code);
        assert_eq!(part(Language::Python, b"    \"\"\"; ", false), Part::Code);
        assert_eq!(part(Language::Python, b"\"\"\"One.\"\"\" ", false), Part::Code);
    }
}
