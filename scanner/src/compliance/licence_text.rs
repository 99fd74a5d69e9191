//! Licences by their full text, as in `LICENSE` and `COPYING`: compared with the texts of the SPDX list by the words that
//! they share.

use std::sync::LazyLock;

use spdx::detection::TextData;

/// Bytes of a file that are compared.
const MAX_TEXT: usize = 64 << 10;
/// A text shorter than this is no licence's.
const MIN_TEXT: usize = 200;
/// How much of a text must be a licence's: the rest is names and years.
const SAME: f32 = 0.8;

/// The licences that texts are compared with: those that most packages have, and those that somebody should know of.
const COMPARED: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-3-Clause",
    "BSD-2-Clause",
    "ISC",
    "MPL-2.0",
    "0BSD",
    "Unlicense",
    "CC0-1.0",
    "Zlib",
    "BSL-1.0",
    "PSF-2.0",
    "Unicode-3.0",
    "BlueOak-1.0.0",
    "OFL-1.1",
    "EPL-2.0",
    "LGPL-2.1-only",
    "LGPL-3.0-only",
    "GPL-2.0-only",
    "GPL-3.0-only",
    "AGPL-3.0-only",
    "SSPL-1.0",
    "BUSL-1.1",
    "Elastic-2.0",
    "EUPL-1.2",
    "OSL-3.0",
    "CC-BY-SA-4.0",
    "CC-BY-NC-4.0",
    "PolyForm-Noncommercial-1.0.0",
];

/// Read when the first licence's text is seen: that takes longer than most files.
static TEXTS: LazyLock<Vec<(&str, TextData)>> = LazyLock::new(|| {
    let text = |name: &&'static str| Some((*name, TextData::new(spdx::license_id(name)?.text())));
    COMPARED.iter().filter_map(text).collect()
});

/// What a licence's text turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// The one of this identifier.
    Licence(&'static str),
    /// None of those that it was compared with.
    Unknown,
    /// Too short to be a licence's text.
    NoText,
}

/// Whether a file of this name, in lower case, holds a licence.
pub(super) fn is_licence_file(name: &str) -> bool {
    let stem = name.split(['.', '-', '_']).next().unwrap_or(name);
    let is_text = ["", "txt", "md", "rst", "markdown"].contains(&name.rsplit_once('.').map_or("", |(_, end)| end))
        || matches!(stem, "license" | "licence" | "copying");
    let is_program = [
        ".py", ".js", ".ts", ".rs", ".go", ".c", ".h", ".html", ".json", ".java", ".rb", ".toml", ".yml",
    ]
    .iter()
    .any(|end| name.ends_with(end));
    matches!(
        stem,
        "license" | "licence" | "licenses" | "copying" | "unlicense" | "unlicence"
    ) && is_text
        && !is_program
}

/// The licence whose text `bytes` are.
pub(super) fn identify(bytes: &[u8]) -> Known {
    let head = bytes.get(..bytes.len().min(MAX_TEXT)).unwrap_or_default();
    if head.len() < MIN_TEXT {
        return Known::NoText;
    }
    let text = TextData::new(&String::from_utf8_lossy(head));
    let scores = TEXTS.iter().map(|(name, licence)| (*name, licence.match_score(&text)));
    let best = scores.reduce(|best, next| if next.1 > best.1 { next } else { best });
    match best {
        Some((name, score)) if score >= SAME => Known::Licence(name),
        _ => by_phrases(&String::from_utf8_lossy(head)),
    }
}

/// Several texts in one file, or one with much around it, are known by what only each says.
fn by_phrases(text: &str) -> Known {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '*' | '#' | '/'));
    let words = words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase();
    let found = PHRASES
        .iter()
        .find(|(_, phrases)| phrases.iter().any(|phrase| words.contains(phrase)));
    found.map_or(Known::Unknown, |(name, _)| Known::Licence(name))
}

/// Phrases that a licence has, the ones that ask for most first.
const PHRASES: &[(&str, &[&str])] = &[
    (
        "AGPL-3.0-only",
        &[
            "gnu affero general public license version 3",
            "remote network interaction; use with the gnu",
        ],
    ),
    ("SSPL-1.0", &["server side public license version 1"]),
    ("BUSL-1.1", &["business source license 1.1", "additional use grant:"]),
    (
        "Elastic-2.0",
        &[
            "elastic license 2.0",
            "hosted or managed service, where the service provides users with access",
        ],
    ),
    (
        "LGPL-2.1-only",
        &[
            "gnu lesser general public license version",
            "gnu library general public license version",
        ],
    ),
    (
        "GPL-2.0-only",
        &[
            "gnu general public license version 2",
            "gnu general public license version 3",
        ],
    ),
    (
        "MPL-2.0",
        &["mozilla public license version 2.0", "mozilla public license, v. 2.0"],
    ),
    (
        "Apache-2.0",
        &["apache license version 2.0", "apache license, version 2.0"],
    ),
    (
        "MIT",
        &[
            "permission is hereby granted, free of charge, to any person obtaining a copy",
            "permission to use, copy, modify, and distribute this software and its documentation for any purpose",
            "licensed under the mit",
            "mit license",
        ],
    ),
    (
        "ISC",
        &["permission to use, copy, modify, and/or distribute this software for any purpose"],
    ),
    (
        "BSD-3-Clause",
        &[
            "redistribution and use in source and binary forms",
            "bsd license",
            "bsd-style",
        ],
    ),
    ("PSF-2.0", &["python software foundation license"]),
    (
        "Unlicense",
        &[
            "released into the public domain",
            "in the public domain",
            "dedicated to the public domain",
        ],
    ),
    ("CC0-1.0", &["cc0 1.0 universal"]),
    ("CC-BY-4.0", &["creative commons attribution 4.0"]),
    (
        "Unicode-3.0",
        &["unicode license v3", "unicode, inc. license agreement"],
    ),
    ("BSL-1.0", &["boost software license - version 1.0"]),
    (
        "Zlib",
        &["this software is provided 'as-is', without any express or implied warranty"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_its_own_licence() {
        for (name, _) in TEXTS.iter() {
            let text = spdx::license_id(name).map(spdx::LicenseId::text).unwrap_or_default();
            assert_eq!(
                identify(format!("Copyright 2020 Somebody\n\n{text}").as_bytes()),
                Known::Licence(name)
            );
        }
        assert_eq!(TEXTS.len(), COMPARED.len());
    }

    #[test]
    fn a_text_that_is_no_licence_is_unknown_and_a_short_one_is_none() {
        assert_eq!(
            identify("You owe the author a beer. ".repeat(20).as_bytes()),
            Known::Unknown
        );
        assert_eq!(identify(b"see ../LICENSE"), Known::NoText);
    }

    #[test]
    fn licence_files_are_known_by_name() {
        for name in [
            "license",
            "license.md",
            "copying",
            "license-mit",
            "licence.txt",
            "copying.lesser",
        ] {
            assert!(is_licence_file(name), "{name}");
        }
        for name in [
            "license.py",
            "licenser.md",
            "readme.md",
            "license.html",
            "licenses.json",
        ] {
            assert!(!is_licence_file(name), "{name}");
        }
    }
}
