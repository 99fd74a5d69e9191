//! Where a file says what its licence is: an `SPDX-License-Identifier` in its head, the licence field of a package's
//! manifest, the words of a licence in a comment.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

/// Bytes of a file in which a licence is declared.
const HEAD: usize = 8 << 10;

/// A licence that a file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    /// What is named: an SPDX expression, or people's words.
    pub(super) expression: String,
    /// Where.
    pub(super) range: Range<usize>,
}

static IDENTIFIER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m-u)SPDX-License-Identifier:[ \t]*([A-Za-z0-9.+() /:-]{2,200})").ok());

/// For each manifest, by the end of its name, where the licence stands in it.
static MANIFESTS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let patterns = [
        (
            "package.json",
            r#"(?m-u)^[ \t]{1,8}"license"[ \t]*:[ \t]*"([^"\n]{2,200})""#,
        ),
        (
            "composer.json",
            r#"(?m-u)^[ \t]{1,8}"license"[ \t]*:[ \t]*"([^"\n]{2,200})""#,
        ),
        ("cargo.toml", r#"(?m-u)^license[ \t]*=[ \t]*"([^"\n]{2,200})""#),
        (
            "pyproject.toml",
            r#"(?m-u)^license[ \t]*=[ \t]*(?:\{[ \t]*text[ \t]*=[ \t]*)?["']([^"'\n]{2,200})["']"#,
        ),
        ("setup.cfg", r"(?m-u)^license[ \t]*=[ \t]*([^\n]{2,200})$"),
        (
            "setup.py",
            r#"(?m-u)^[ \t]*license[ \t]*=[ \t]*["']([^"'\n]{2,200})["']"#,
        ),
        ("pkg-info", r"(?m-u)^License(?:-Expression)?:[ \t]*([^\n]{2,200})$"),
        ("metadata", r"(?m-u)^License(?:-Expression)?:[ \t]*([^\n]{2,200})$"),
        (
            ".gemspec",
            r#"(?m-u)\.licenses?[ \t]*=[ \t]*\[?["']([^"'\n]{2,200})["']"#,
        ),
    ];
    let compile = |(name, pattern)| Some((name, Regex::new(pattern).ok()?));
    patterns.into_iter().filter_map(compile).collect()
});

/// Words in a comment by which a file puts itself under a licence, in lower case with single blanks.
const WORDS: &[(&str, &str)] = &[
    ("terms of the gnu affero general public license", "AGPL-3.0-or-later"),
    ("terms of the gnu general public license", "GPL-2.0-or-later"),
    ("under the server side public license", "SSPL-1.0"),
    ("governed by the business source license", "BUSL-1.1"),
    ("under the business source license", "BUSL-1.1"),
    ("licensed under the elastic license", "Elastic-2.0"),
    ("\"commons clause\" license condition", "Commons-Clause"),
    ("under the polyform", "PolyForm"),
    ("under the functional source license", "FSL-1.1"),
];
/// Words that all of [`WORDS`] have one of, for a look without folding.
static HINT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i-u)general\s+public\s|side\s+public|business\s+source|elastic\s+license|commons\s+clause|polyform|functional\s+source").ok()
});

/// The licences that a file's first bytes name; `name` is the file's, in lower case.
pub(super) fn licences(name: &str, bytes: &[u8]) -> Vec<Declared> {
    let head = bytes.get(..bytes.len().min(HEAD)).unwrap_or_default();
    let mut found = Vec::new();
    let manifest = MANIFESTS.iter().find(|(end, _)| name.ends_with(end));
    for regex in IDENTIFIER.iter().chain(manifest.map(|(_, regex)| regex)) {
        let text = if manifest.is_some() { bytes } else { head };
        let groups = regex.captures_iter(text).filter_map(|captures| captures.get(1));
        found.extend(
            groups
                .filter_map(|group| declared(group.as_bytes(), group.range()))
                .take(8),
        );
    }
    found.extend(in_words(head));
    found
}

fn declared(words: &[u8], range: Range<usize>) -> Option<Declared> {
    let text = std::str::from_utf8(words).ok()?;
    let text = text.trim_end_matches(['\r', ' ', '-', '/', '*']);
    // A comment's end, or the next sentence, is none of it.
    let text = text.split("  ").next().unwrap_or(text).trim();
    let nothing = ["", "UNKNOWN", "SEE LICENSE IN", "NONE"];
    let says_nothing =
        nothing.contains(&text) || text.to_uppercase().starts_with("SEE LICENSE") || text.contains("License::");
    (!says_nothing).then(|| Declared {
        expression: text.to_owned(),
        range: range.start..range.start + text.len(),
    })
}

fn in_words(head: &[u8]) -> Option<Declared> {
    let hint = HINT.as_ref()?.find(head)?;
    let from = hint.start().saturating_sub(200);
    let near = head.get(from..(hint.end() + 200).min(head.len()))?;
    let marks = |c: char| c.is_whitespace() || matches!(c, '#' | '*' | '/' | ';' | '%');
    let lower = String::from_utf8_lossy(near).to_lowercase();
    let plain = lower
        .split(marks)
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    // The lesser one, and what only mentions the licence to say no to it.
    if plain.contains("lesser general") || plain.contains("library general") || plain.contains("exception to the gnu") {
        return None;
    }
    let (_, expression) = WORDS.iter().find(|(words, _)| plain.contains(words))?;
    Some(Declared {
        expression: (*expression).to_owned(),
        range: hint.range(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str) -> Vec<String> {
        licences(name, text.as_bytes())
            .into_iter()
            .map(|declared| declared.expression)
            .collect()
    }

    #[test]
    fn identifiers_and_manifests_name_licences() {
        let header = ["/* SPDX-License", "-Identifier: MIT OR Apache-2.0 */\n"].concat();
        assert_eq!(found("a.c", &header), ["MIT OR Apache-2.0"]);
        assert_eq!(found("package.json", "{\n  \"license\": \"BUSL-1.1\"\n}"), ["BUSL-1.1"]);
        assert_eq!(found("cargo.toml", "[package]\nlicense = \"MIT\"\n"), ["MIT"]);
        assert_eq!(found("pyproject.toml", "license = {text = \"GPL-3.0\"}\n"), ["GPL-3.0"]);
        assert_eq!(found("pkg-info", "Name: x\nLicense: BSD\n"), ["BSD"]);
        assert_eq!(found("pkg-info", "Name: x\nLicense: UNKNOWN\n"), Vec::<String>::new());
    }

    #[test]
    fn the_words_of_a_comment_name_a_licence() {
        let text = "# it under the terms of the GNU\n# General Public License as published by\n";
        assert_eq!(found("a.py", text), ["GPL-2.0-or-later"]);
        let text = "# under the terms of the GNU Lesser General Public License\n";
        assert_eq!(found("a.py", text), Vec::<String>::new());
    }
}
