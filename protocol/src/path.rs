//! Paths within a bundle: names that mean one file, the same one, on every system and to every reader.
//!
//! A path is relative, `/`-separated UTF-8. [`BundlePath::parse`] refuses, by [`PathRule`]:
//! - more than 512 bytes or 32 parts; an empty, `.` or `..` part; a leading `/`;
//! - what nobody sees ([`characters`]): controls, changes of direction, zero width, variation selectors, tags, blanks other than U+0020,
//!   line and paragraph separators, private use, noncharacters;
//! - what Windows refuses or reads otherwise: `\ : < > " | ? *`, a trailing dot or space in a part, and its device names, in any case, with
//!   or without an extension: `CON PRN AUX NUL CONIN$ CONOUT$ CLOCK$`, `COM` and `LPT` followed by a digit or by one of `¹ ² ³`.
//!
//! [`check_set`] compares the paths of a bundle: none may be a folder of another and no two may be equal, both after NFC and case folding.
//! Two paths are compared by D145 of the Unicode Standard (canonical caseless matching): NFD, full case folding, NFD; the equality is that
//! of NFC. `std` has no case folding, so each character is mapped to lower, to upper and to lower case again with std's full mappings. That
//! makes equal just what `CaseFolding.txt` (C and F) makes equal, and in addition dotless i (U+0131) and `i`: compared for every single
//! code point with the tables of Unicode 14; later versions follow the same derivation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;

pub mod characters;

use self::characters::{Unseen, escaped};
use crate::limits::{MAX_PATH_DEPTH, MAX_PATH_LEN, MAX_PATH_PART_LEN};

/// A path that keeps every rule of this module; ordered by its bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundlePath(Box<str>);

impl BundlePath {
    /// Checks `text` and takes a copy of it.
    ///
    /// # Errors
    /// [`PathError`] naming the path and the rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        match broken_rule(text) {
            None => Ok(Self(text.into())),
            Some(rule) => Err(PathError::new(text, rule)),
        }
    }

    /// The path's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folders' names and last the file's.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for BundlePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BundlePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", escaped(&self.0))
    }
}

impl AsRef<str> for BundlePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for BundlePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl Serialize for BundlePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for BundlePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A path that a bundle cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("path \"{path}\" {rule}")]
pub struct PathError {
    /// The path, escaped and cut for showing.
    pub path: String,
    /// What it breaks.
    pub rule: PathRule,
}

impl PathError {
    fn new(path: &str, rule: PathRule) -> Self {
        Self {
            path: escaped(path).to_string(),
            rule,
        }
    }
}

/// The rule that a path breaks; parts and other paths in it are escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathRule {
    /// No text at all.
    #[error("is empty")]
    Empty,
    /// Over [`MAX_PATH_LEN`].
    #[error("is {len} bytes long, and {MAX_PATH_LEN} are the most")]
    TooLong {
        /// Its bytes.
        len: usize,
    },
    /// A part over [`MAX_PATH_PART_LEN`].
    #[error("has a part of {len} bytes, and {MAX_PATH_PART_LEN} are the most that a file system takes")]
    PartTooLong {
        /// The part's bytes.
        len: usize,
    },
    /// Over [`MAX_PATH_DEPTH`].
    #[error("has {depth} parts, and {MAX_PATH_DEPTH} are the most")]
    TooDeep {
        /// Its parts.
        depth: usize,
    },
    /// Starts with `/`.
    #[error("starts with /, and only relative paths are taken")]
    Absolute,
    /// Two slashes in a row, or one at the end.
    #[error("has an empty part")]
    EmptyPart,
    /// A part `.` or `..`.
    #[error("has the part \"{part}\"")]
    Dots {
        /// Which of the two.
        part: &'static str,
    },
    /// Holds a character that nobody sees.
    #[error("holds U+{code:04X}, {unseen}")]
    Unseen {
        /// The character's code point.
        code: u32,
        /// Why it is not seen.
        unseen: Unseen,
    },
    /// Holds a character that Windows refuses or takes for something else.
    #[error("holds {character:?}, which Windows does not take in a name")]
    Windows {
        /// The character.
        character: char,
    },
    /// A part is a device's name on Windows.
    #[error("has the part \"{part}\", which is a device on Windows")]
    Device {
        /// The part.
        part: String,
    },
    /// A part ends in a dot or space, which Windows cuts off.
    #[error("has the part \"{part}\", which ends in a dot or a space")]
    TrailingDotOrSpace {
        /// The part.
        part: String,
    },
    /// Another path goes through this one as a folder.
    #[error("is a file here and a folder in \"{other}\" (compared without case)")]
    FolderOf {
        /// The other path.
        other: String,
    },
    /// Another path of the bundle has the same name.
    #[error("is the same name as \"{other}\" (compared without case and in normal form)")]
    SameAs {
        /// The other path.
        other: String,
    },
}

/// Compares all paths of a bundle with one another.
///
/// Sorts once: with `/` ordered before every other character, a path that is a folder of others stands right before the first of them.
///
/// # Errors
/// [`PathError`] with [`PathRule::SameAs`] or [`PathRule::FolderOf`], naming both paths.
pub fn check_set<'a>(paths: impl IntoIterator<Item = &'a BundlePath>) -> Result<(), PathError> {
    // One buffer for all keys: 100,000 small allocations would cost more than the comparison.
    let mut keys = Vec::new();
    let mut entries = Vec::new();
    for path in paths {
        let start = keys.len();
        push_key(&path.0, &mut keys);
        entries.push((start..keys.len(), path));
    }
    let key = |range: &std::ops::Range<usize>| keys.get(range.clone()).unwrap_or_default();
    entries.sort_by(|(a, _), (b, _)| key(a).cmp(key(b)));
    for pair in entries.windows(2) {
        let [(a, first), (b, second)] = pair else { continue };
        let other = || escaped(&second.0).to_string();
        match key(b).strip_prefix(key(a)) {
            Some([]) => return Err(PathError::new(&first.0, PathRule::SameAs { other: other() })),
            Some([FOLDER_END, ..]) => {
                return Err(PathError::new(&first.0, PathRule::FolderOf { other: other() }));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Stands for `/` in a key, so that it sorts before every character of a name; no path holds it.
const FOLDER_END: u8 = 0;

/// Appends what two paths have in common just when they are the same name without case and in normal form.
fn push_key(path: &str, keys: &mut Vec<u8>) {
    let start = keys.len();
    if path.is_ascii() {
        keys.extend(path.bytes().map(|byte| byte.to_ascii_lowercase()));
    } else {
        let folded = path
            .nfd()
            .flat_map(char::to_lowercase)
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase);
        let mut utf8 = [0; 4];
        for character in folded.nfd() {
            keys.extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
        }
    }
    for byte in keys.iter_mut().skip(start).filter(|byte| **byte == b'/') {
        *byte = FOLDER_END;
    }
}

/// The first rule that `text` breaks by itself.
fn broken_rule(text: &str) -> Option<PathRule> {
    if text.is_empty() {
        return Some(PathRule::Empty);
    }
    if text.len() > MAX_PATH_LEN {
        return Some(PathRule::TooLong { len: text.len() });
    }
    if text.starts_with('/') {
        return Some(PathRule::Absolute);
    }
    let depth = text.split('/').count();
    if depth > MAX_PATH_DEPTH {
        return Some(PathRule::TooDeep { depth });
    }
    text.chars()
        .find_map(broken_by_character)
        .or_else(|| text.split('/').find_map(broken_by_part))
}

fn broken_by_character(character: char) -> Option<PathRule> {
    if matches!(character, '\\' | ':' | '<' | '>' | '"' | '|' | '?' | '*') {
        return Some(PathRule::Windows { character });
    }
    Unseen::of(character).map(|unseen| PathRule::Unseen {
        code: character.into(),
        unseen,
    })
}

fn broken_by_part(part: &str) -> Option<PathRule> {
    let named = || escaped(part).to_string();
    match part {
        "" => Some(PathRule::EmptyPart),
        _ if part.len() > MAX_PATH_PART_LEN => Some(PathRule::PartTooLong { len: part.len() }),
        "." => Some(PathRule::Dots { part: "." }),
        ".." => Some(PathRule::Dots { part: ".." }),
        _ if part.ends_with(['.', ' ']) => Some(PathRule::TrailingDotOrSpace { part: named() }),
        _ if is_device(part) => Some(PathRule::Device { part: named() }),
        _ => None,
    }
}

/// Whether Windows opens a device for this name; it looks at what stands before the first dot, without spaces at its end.
///
/// # Source
/// Microsoft, "Naming Files, Paths, and Namespaces"; the superscript digits are digits of code page 1252 to it.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end_matches(' ');
    let mut characters = stem.chars();
    match characters.next_back() {
        Some('0'..='9' | '\u{B9}' | '\u{B2}' | '\u{B3}') => {
            let port = characters.as_str();
            port.eq_ignore_ascii_case("COM") || port.eq_ignore_ascii_case("LPT")
        }
        _ => ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"]
            .iter()
            .any(|device| stem.eq_ignore_ascii_case(device)),
    }
}

#[cfg(test)]
mod tests;
