//! Places where text stands that programs read and people do not see: comments of HTML and Markdown, text without size or
//! colour, text far to the right, descriptions of images.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::facts::{Language, Nature};

/// How text is kept from people's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hiding {
    /// Between `<!--` and `-->`.
    HtmlComment,
    /// A reference that nothing refers to: `[//]: # (text)`.
    LinkReference,
    /// An element that is styled away.
    Style,
    /// After a long run of blanks.
    OffScreen,
    /// The description of an image.
    AltText,
}

impl Hiding {
    /// What it is, after "in".
    pub(super) fn place(self) -> &'static str {
        match self {
            Self::HtmlComment => "a comment that no reader of the page sees",
            Self::LinkReference => "a link reference that is never shown",
            Self::Style => "an element that is styled so that nobody sees it",
            Self::OffScreen => "a place far to the right, out of sight",
            Self::AltText => "the description of an image, which pages do not show",
        }
    }
}

/// Bytes in which hidden text starts, in texts that are shown as pages.
pub(super) const MARKS: &[&str] = &[
    "<!--",
    "[//]:",
    "[comment]:",
    "display:none",
    "display: none",
    "font-size:0",
    "font-size: 0",
    "opacity:0",
    "opacity: 0",
    "visibility:hidden",
    "visibility: hidden",
    "color:white",
    "color: white",
    "color:#fff",
    "color: #fff",
];

/// How far back the start of what hides a place is looked for.
const BACK: usize = 2 << 10;
/// Blanks in a row that put what follows out of sight.
const OFF_SCREEN: usize = 100;

/// The start of an element that nobody sees, up to its text.
const STYLED: &str = concat!(
    r"(?i-u)<(?:span|div|p|font|a|td|li|h[1-6])\b[^>]{0,300}",
    r#"style\s*=\s*["']?[^>"']{0,200}(?:display\s*:\s*none|visibility\s*:\s*hidden"#,
    r#"|font-size\s*:\s*[01](?:\.\d+)?(?:px|pt|em|rem|%)?\s*[;"']|opacity\s*:\s*0(?:\.0\d*)?\s*[;"']"#,
    r"|[^-]color\s*:\s*(?:white|#fff(?:fff)?|transparent)|(?:left|top|text-indent)\s*:\s*-\d{3,})[^>]{0,200}>",
);
/// Text of this length in an element or a comment is more than a mark for programs.
const MIN_TEXT: usize = 24;

static STYLED_BEFORE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!("{STYLED}[^<]*$")).ok());
static STYLED_TEXT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!("{STYLED}([^<]{{{MIN_TEXT},}})")).ok());

/// The hidden texts of a page.
pub(super) fn texts(bytes: &[u8]) -> Vec<(Hiding, Range<usize>)> {
    let mut texts = Vec::new();
    if let Some(styled) = STYLED_TEXT.as_ref() {
        let found = styled.captures_iter(bytes).filter_map(|captures| captures.get(1));
        texts.extend(found.map(|text| (Hiding::Style, text.range())));
    }
    let mut at = 0;
    while let Some(start) = find(bytes, at, b"<!--") {
        let from = start + b"<!--".len();
        let end = find(bytes, from, b"-->").unwrap_or(bytes.len());
        if bytes.get(from..end).unwrap_or_default().trim_ascii().len() >= MIN_TEXT {
            texts.push((Hiding::HtmlComment, from..end));
        }
        at = end;
    }
    texts
}

fn find(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(needle.len())
        .position(|window| window == needle)
        .map(|at| from + at)
}

/// What hides the place at `at` of `bytes` in a file that is shown as a page, if something does.
pub(super) fn of(bytes: &[u8], at: usize, language: Language) -> Option<Hiding> {
    let before = bytes.get(at.saturating_sub(BACK)..at)?;
    let line_start = before
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |feed| feed + 1);
    let line = before.get(line_start..).unwrap_or_default();
    if line
        .windows(OFF_SCREEN)
        .any(|blanks| blanks.iter().all(|byte| matches!(byte, b' ' | b'\t')))
        && !line.trim_ascii_start().is_empty()
    {
        return Some(Hiding::OffScreen);
    }
    let is_page = language.nature() == Nature::Prose || matches!(language, Language::Html | Language::Unknown);
    if !is_page {
        return None;
    }
    if last(before, b"<!--") > last(before, b"-->") {
        return Some(Hiding::HtmlComment);
    }
    let start = line.trim_ascii_start();
    if start.starts_with(b"[//]:") || start.starts_with(b"[comment]:") || start.starts_with(b"[_]:") {
        return Some(Hiding::LinkReference);
    }
    if STYLED_BEFORE.as_ref().is_some_and(|style| style.is_match(before)) {
        return Some(Hiding::Style);
    }
    if last(line, b"![") > last(line, b"]") {
        return Some(Hiding::AltText);
    }
    None
}

/// One more than where `needle` stands last, and 0 if it does not.
fn last(text: &[u8], needle: &[u8]) -> usize {
    let mut windows = text.windows(needle.len());
    windows.rposition(|window| window == needle).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hiding(text: &str) -> Option<Hiding> {
        of(text.as_bytes(), text.find("here").unwrap(), Language::Markdown)
    }

    #[test]
    fn each_way_of_hiding_is_known() {
        assert_eq!(hiding("<!-- a\n here -->"), Some(Hiding::HtmlComment));
        assert_eq!(hiding("x\n[//]: # (here)"), Some(Hiding::LinkReference));
        assert_eq!(
            hiding("<span style=\"color: white; font-size:0px;\">here</span>"),
            Some(Hiding::Style)
        );
        assert_eq!(hiding(&format!("x{}here", " ".repeat(120))), Some(Hiding::OffScreen));
        assert_eq!(hiding("![a here](a.png)"), Some(Hiding::AltText));
    }

    #[test]
    fn what_is_shown_is_not_hidden() {
        assert_eq!(hiding("<!-- a --> here"), None);
        assert_eq!(hiding("<span style=\"color: red\">here</span>"), None);
        assert_eq!(hiding("<span style=\"display:none\">x</span> here"), None);
        assert_eq!(hiding("![a](a.png) here"), None);
        assert_eq!(hiding(&format!("{}here", " ".repeat(120))), None);
    }

    #[test]
    fn a_comment_in_a_program_is_not_hidden() {
        assert_eq!(of(b"<!-- here", 5, Language::Python), None);
    }
}
