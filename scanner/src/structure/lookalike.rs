//! Identifiers that are not what they look like.
//!
//! A *suspect* is a letter from outside ASCII whose skeleton (UTS 39) is one ASCII letter or digit: U+0430 of Cyrillic,
//! U+03BF of Greek, the mathematical U+1D41A, all like `a` and `o`. Within an identifier, suspects beside ASCII letters are a finding on their own. Over the
//! bundle, an identifier with a suspect is a finding when another identifier has the same skeleton.
//!
//! ASCII identifiers are remembered as [`super::words`] does, those with suspects by name, up to a limit.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use unicode_normalization::UnicodeNormalization;
use unicode_security::mixed_script::AugmentedScriptSet;
use unicode_security::{GeneralSecurityProfile, skeleton};

use super::rules;
use super::words::{WordHash, Words};
use crate::engine::BundleFindings;
use crate::facts::Language;
use crate::finding::{Confidence, Place, Severity};

/// What is wrong with one identifier by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Letters that look like ASCII ones stand beside ASCII letters.
    Mixed {
        /// The letters.
        suspects: String,
        /// All of them are letters that formulas use, such as `α`.
        formula: bool,
    },
    /// Python normalises it into this ASCII name.
    Disguised {
        /// The name.
        name: String,
        /// How bad that is.
        severity: Severity,
    },
}

/// What is wrong with `word`, in a program of this language.
pub(super) fn flaw(word: &str, language: Language) -> Option<Flaw> {
    if language == Language::Python
        && let Some((name, severity)) = disguised(word)
    {
        return Some(Flaw::Disguised { name, severity });
    }
    let mut suspects = String::new();
    let mut formula = true;
    // `σ_x` and `Δ2x` are names in two parts, each in one script.
    for part in word.split(|c: char| c == '_' || c.is_ascii_digit()) {
        let letters = part.chars().filter(char::is_ascii_alphabetic).count();
        let found: Vec<char> = part.chars().filter(|&c| is_suspect(c)).collect();
        let only_formula = found.iter().all(|&c| is_formula_letter(c));
        if letters == 0 || found.is_empty() || (only_formula && letters < 3) {
            continue;
        }
        formula &= only_formula;
        suspects.extend(found);
    }
    (!suspects.is_empty()).then_some(Flaw::Mixed { suspects, formula })
}

/// Whether `word` is to be compared with the other identifiers of the bundle.
pub(super) fn is_comparable(word: &str) -> bool {
    // Words of one letter are common in Russian, and so short a name looks like many another. Styled letters are wider
    // or bolder than plain ones, so that a name of them does not look the same.
    word.chars().nth(2).is_some() && word.chars().any(|c| is_suspect(c) && !is_styled(c))
}

/// The ASCII name that Python's NFKC makes of `word`, if it is written otherwise.
fn disguised(word: &str) -> Option<(String, Severity)> {
    // `m²` is no name to Python: only letters are.
    if word.is_ascii() || word.chars().any(|c| !c.is_ascii() && !c.is_alphabetic()) {
        return None;
    }
    let name: String = word.nfkc().collect();
    if !name.is_ascii() {
        return None;
    }
    let styled = word
        .chars()
        .filter(|&c| matches!(u32::from(c), 0xFF21..=0xFF5A | 0x1_D400..=0x1_D7FF))
        .count();
    let severity = match () {
        () if POWERFUL.contains(&name.as_str()) => Severity::High,
        () if styled > 1 => Severity::Medium,
        // A ligature out of a PDF, a `nº` in a docstring.
        () => Severity::Low,
    };
    Some((name, severity))
}

/// Python names that nobody writes in other letters for their looks.
const POWERFUL: &[&str] = &[
    "eval",
    "exec",
    "compile",
    "open",
    "getattr",
    "setattr",
    "globals",
    "locals",
    "vars",
    "input",
    "breakpoint",
    "builtins",
    "os",
    "sys",
    "subprocess",
    "system",
    "popen",
    "Popen",
    "socket",
    "importlib",
    "pickle",
    "marshal",
    "loads",
    "b64decode",
    "ctypes",
    "requests",
    "urlopen",
    "__import__",
];

/// Whether a letter passes for one of ASCII without being a letter that Latin text is written with.
pub(super) fn is_suspect(character: char) -> bool {
    let code = u32::from(character);
    match SUSPECTS.get(code as usize >> 6) {
        Some(bits) => bits >> (code & 63) & 1 == 1,
        None => judge_letter(character),
    }
}

/// [`judge_letter`] for each of the first 65,536 code points: a text in Cyrillic asks for every letter.
static SUSPECTS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut bits = vec![0; 0x1_0000 >> 6];
    for character in ('\0'..='\u{FFFF}').filter(|&character| judge_letter(character)) {
        let code = u32::from(character);
        if let Some(word) = bits.get_mut(code as usize >> 6) {
            *word |= 1_u64 << (code & 63);
        }
    }
    bits
});

fn judge_letter(character: char) -> bool {
    if !passes_for_latin(u32::from(character)) || looks_like(character).is_none() {
        return false;
    }
    let mut scripts = AugmentedScriptSet::for_char(character);
    if scripts.is_all() {
        return true;
    }
    scripts.intersect_with(AugmentedScriptSet::for_char('a'));
    scripts.is_empty() || !character.identifier_allowed()
}

/// Scripts whose letters have the shape and the direction of Latin ones, so that one among them does not stand out.
/// Han, kana, Hebrew, Arabic or Thai beside Latin is how those languages are written, and nobody takes it for Latin.
fn passes_for_latin(code: u32) -> bool {
    matches!(code,
        0x0180..=0x02AF | 0x1D00..=0x1D2B | 0x2C60..=0x2C7F | 0xA720..=0xA7FF | 0xAB30..=0xAB6F // Latin beyond Europe
        | 0x0370..=0x03FF | 0x1F00..=0x1FFF // Greek
        | 0x0400..=0x052F | 0x1C80..=0x1C8F | 0xA640..=0xA69F // Cyrillic
        | 0x0530..=0x058F | 0x10A0..=0x10FF // Armenian, Georgian
        | 0x13A0..=0x16FF | 0xAB70..=0xABBF | 0x2C80..=0x2CFF | 0xA4D0..=0xA4FF // Cherokee to runes, Coptic, Lisu
        | 0x2100..=0x218B | 0xFF10..=0xFF5A | 0x1_D400..=0x1_D7FF // letters made of letters
        | 0x1_0280..=0x1_057F | 0x1_18A0..=0x1_18FF)
}

/// The ASCII letter or digit that a character looks like.
fn looks_like(character: char) -> Option<char> {
    let mut buf = [0; 4];
    let mut looks = skeleton(character.encode_utf8(&mut buf));
    match (looks.next(), looks.next()) {
        (Some(looks), None) if looks.is_ascii_alphanumeric() => Some(looks),
        _ => None,
    }
}

/// The ASCII letter or digit that a suspect passes for.
pub(crate) fn ascii_lookalike(character: char) -> Option<char> {
    is_suspect(character).then(|| looks_like(character)).flatten()
}

/// Letters that look like ASCII ones from afar and that formulas are written with.
fn is_formula_letter(character: char) -> bool {
    matches!(
        character,
        'α' | 'γ' | 'ι' | 'κ' | 'ν' | 'ρ' | 'σ' | 'τ' | 'υ' | 'χ' | 'ω'
    ) || is_styled(character)
}

/// Letters made of ASCII ones: letter-like symbols, Roman numerals, full width, mathematical alphabets.
fn is_styled(character: char) -> bool {
    matches!(u32::from(character), 0x2100..=0x218B | 0xFF10..=0xFF5A | 0x1_D400..=0x1_D7FF)
}

/// Where an identifier with a suspect was first seen; the order of files, not of threads, decides which is first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sighting {
    /// The file's number.
    pub(super) file: usize,
    /// The file's path.
    pub(super) path: String,
    /// Where in it.
    pub(super) place: Place,
}

/// The bundle's identifiers with suspects, by skeleton.
#[derive(Debug, Default)]
pub(super) struct Lookalikes(Mutex<BTreeMap<(String, String), Sighting>>);

/// Identifiers with suspects that are remembered for a bundle; past it, those first by skeleton are.
const MAX_LOOKALIKES: usize = 10_000;

impl Lookalikes {
    /// Remembers the identifiers of one file.
    pub(super) fn add(&self, words: impl IntoIterator<Item = (String, Sighting)>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (word, sighting) in words {
            let key = (skeleton(&word).collect(), word);
            match known.get_mut(&key) {
                Some(earlier) if (earlier.file, earlier.place.offset) <= (sighting.file, sighting.place.offset) => {}
                Some(later) => *later = sighting,
                None => {
                    known.insert(key, sighting);
                }
            }
            // Which ones go does not depend on the order in which they came.
            if known.len() > MAX_LOOKALIKES {
                known.pop_last();
            }
        }
    }

    /// Reports those that look like another identifier of the bundle.
    pub(super) fn report(&self, words: &Words, out: &mut BundleFindings<'_>) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut groups: BTreeMap<&str, Vec<(&str, &Sighting)>> = BTreeMap::new();
        for ((skeleton, word), sighting) in known.iter() {
            groups.entry(skeleton).or_default().push((word, sighting));
        }
        for (skeleton, members) in groups {
            let plain = skeleton.is_ascii() && words.contains(WordHash::of_skeleton(skeleton));
            for (word, sighting) in &members {
                let other = match members.iter().find(|(other, _)| other != word) {
                    _ if plain => format!("a name in plain letters that looks like \"{skeleton}\""),
                    Some((other, elsewhere)) => {
                        format!("\"{other}\" ({}:{})", elsewhere.path, elsewhere.place.line)
                    }
                    None => continue,
                };
                let message = format!(
                    "\"{word}\" and {other} are two names that look the same: whoever reads one may be reading the other",
                );
                let place = Some(sighting.place.clone());
                out.add(
                    &sighting.path,
                    rules::LOOKALIKE.found(Severity::High, Confidence::High, message, place),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cyrillic_a_in_a_latin_name_is_mixed() {
        let flaw = flaw("is_\u{0430}dmin", Language::Rust);
        assert_eq!(
            flaw,
            Some(Flaw::Mixed {
                suspects: "\u{0430}".into(),
                formula: false
            })
        );
    }

    #[test]
    fn names_in_one_script_and_formulas_are_fine() {
        for word in [
            "größe",
            "данные",
            "数据",
            "名前_id",
            "σ_x",
            "Δt",
            "αs",
            "user_имя",
            "naïve",
            "ação",
            "sınır",
            "m²",
            "וJSON",
            "使用json",
        ] {
            assert_eq!(flaw(word, Language::Python), None, "{word}");
        }
    }

    #[test]
    fn python_reads_mathematical_letters_as_plain_ones() {
        let word = "\u{1D41E}\u{1D42F}\u{1D41A}\u{1D425}";
        assert_eq!(
            flaw(word, Language::Python),
            Some(Flaw::Disguised {
                name: "eval".into(),
                severity: Severity::High
            })
        );
    }

    #[test]
    fn styled_letters_alone_are_no_lookalike_and_among_plain_ones_they_are_suspicious() {
        assert!(!is_comparable("\u{FF48}\u{FF45}\u{FF4C}\u{FF4C}\u{FF4F}"));
        let suspects = "\u{1D41A}".to_owned();
        assert_eq!(
            flaw("\u{1D41A}dmin", Language::Rust),
            Some(Flaw::Mixed {
                suspects,
                formula: true
            })
        );
    }

    #[test]
    fn an_ordinal_in_a_docstring_is_low() {
        let severity = Severity::Low;
        assert_eq!(
            flaw("nº", Language::Python),
            Some(Flaw::Disguised {
                name: "no".into(),
                severity
            })
        );
        assert_eq!(flaw("nº", Language::Rust), None);
    }

    #[test]
    fn the_table_of_suspects_says_what_the_judge_says() {
        for code in (0..0x2_0000).filter_map(char::from_u32) {
            assert_eq!(is_suspect(code), judge_letter(code), "{code:?}");
        }
    }

    #[test]
    fn a_turkish_letter_is_no_suspect_and_a_phonetic_one_is() {
        assert!(!is_suspect('\u{0131}'));
        assert!(is_suspect('\u{0251}'));
    }
}
