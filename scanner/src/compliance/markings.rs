//! Markings: a line that says who may read the file. In prose and in names the same words mean nothing.
//!
//! A line counts if it is nothing but the marking, once the marks of comments, headings and frames are off it; in a
//! program only a comment does.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::rules;
use crate::engine::{Findings, Window};
use crate::facts::{Language, Nature};
use crate::finding::{Confidence, Severity};
use crate::fixed_rule::FixedRule;

/// Bytes of a file in which a banner stands; further on it is a part of the text.
const HEAD: u64 = 4 << 10;
/// The longest line that is a banner.
const MAX_LINE: usize = 120;
/// Different formal markings from which on a text is about markings.
const ABOUT_MARKINGS: usize = 3;

/// A line that is a marking and nothing else, in the case of letters that the marking's rules ask for.
static FORMAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let markings = [
        r"TLP ?: ?(?:RED|AMBER\+STRICT)",
        r"(?:TOP SECRET|SECRET|CONFIDENTIAL|CUI)//[A-Z][A-Z0-9 ,/-]{1,60}",
        r"(?:COSMIC TOP SECRET|NATO (?:SECRET|CONFIDENTIAL|RESTRICTED))(?: [A-Z]{2,12})?",
        r"(?:RESTREINT|CONFIDENTIEL|SECRET) UE(?:/EU (?:RESTRICTED|CONFIDENTIAL|SECRET))?",
        r"EU (?:RESTRICTED|CONFIDENTIAL|SECRET)",
        r"VS ?[-–—] ?(?:NUR F(?:Ü|UE)R DEN DIENSTGEBRAUCH|NfD|NFD|VERTRAULICH|GEHEIM)",
        r"(?:UK )?(?:OFFICIAL[- ]SENSITIVE|TOP SECRET)(?: [A-Z -]{2,40})?",
        r"DIFFUSION RESTREINTE",
        r"CONTROLLED UNCLASSIFIED INFORMATION",
    ];
    let pattern = format!(
        r"^(?:(?i:classification|marking|einstufung)\s*:\s*)?(?:{})$",
        markings.join("|")
    );
    Regex::new(&pattern).ok()
});

/// A line that starts so and is short is a company's marking, in any case of letters.
static COMPANY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r"^(?i:(?:company|strictly|highly|commercial(?:ly)?[ -]in[ -]?)[ -]?confiden(?:tial|ce)|confidential (?:and|&) proprietary|proprietary (?:and|&) confidential|(?:for )?internal use only|not for (?:public )?(?:distribution|release)|trade secret|streng vertraulich|vertraulich[ -]nur f.{1,2}r den internen gebrauch)\b.{0,60}$|^CONFIDENTIAL$|^STRENG VERTRAULICH$";
    Regex::new(pattern).ok()
});

/// Words that every marking has one of, in any case of letters.
static HINT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = r"(?i-u)confiden|tlp ?:|secret|restrei|restricted|dienstgebrauch|vs-|official[- ]sens|controlled uncl|internal use|not for |vertraulich|cui//";
    Regex::new(words).ok()
});

/// The markings of one file.
#[derive(Default)]
pub(super) struct MarkingScan {
    formal: BTreeSet<Vec<u8>>,
}

impl MarkingScan {
    /// Looks at the file's head, which its first window holds.
    pub(super) fn window(&mut self, language: Language, window: &Window<'_>, out: &mut Findings<'_>) {
        if window.offset > 0 {
            return;
        }
        let head = window
            .bytes
            .get(..window.bytes.len().min(HEAD as usize))
            .unwrap_or_default();
        if !HINT.as_ref().is_some_and(|hint| hint.is_match(head)) {
            return;
        }
        let mut found = Vec::new();
        let mut at = 0;
        for line in head.split(|byte| *byte == b'\n') {
            if let Some((rule, banner)) = judge(line, language) {
                if rule.id == rules::MARKING_FORMAL.id {
                    self.formal.insert(banner.to_vec());
                }
                let start = at + (banner.as_ptr() as usize).saturating_sub(line.as_ptr() as usize);
                found.push((rule, start..start + banner.len()));
            }
            at += line.len() + 1;
        }
        for (rule, range) in found {
            let about = self.formal.len() >= ABOUT_MARKINGS;
            let severity = if about { Severity::Low } else { rule.severity };
            let message = "the file says that not everybody may read it".to_owned();
            let place = Some(window.place(range));
            out.add(rule.found(severity, Confidence::Medium, message, place));
        }
    }
}

/// The rule of a line that is a marking, and the marking.
fn judge(line: &[u8], language: Language) -> Option<(&'static FixedRule, &[u8])> {
    let line = line.trim_ascii();
    if line.len() > MAX_LINE {
        return None;
    }
    let is_comment = [
        &b"//"[..],
        b"#",
        b"/*",
        b"*",
        b"--",
        b";",
        b"<!--",
        b"%",
        b"\"\"\"",
        b"'''",
        b"REM ",
    ];
    let is_comment = is_comment.iter().any(|mark| line.starts_with(mark));
    let may_hold_one = match language.nature() {
        Nature::Prose => true,
        Nature::Data => is_comment || language == Language::Csv,
        Nature::Program => is_comment || language == Language::Unknown,
    };
    if !may_hold_one {
        return None;
    }
    let banner = bare(line);
    let holds = |regex: &LazyLock<Option<Regex>>| regex.as_ref().is_some_and(|regex| regex.is_match(banner));
    if holds(&FORMAL) {
        Some((&rules::MARKING_FORMAL, banner))
    } else if holds(&COMPANY) {
        Some((&rules::MARKING_COMPANY, banner))
    } else {
        None
    }
}

/// A line without the marks of comments, headings, emphasis and frames.
fn bare(line: &[u8]) -> &[u8] {
    let is_mark = |byte: &u8| byte.is_ascii_whitespace() || b"#/*-=_;<>!%[](){}.+~|:\"'".contains(byte);
    let start = line.iter().position(|byte| !is_mark(byte)).unwrap_or(line.len());
    let end = line
        .iter()
        .rposition(|byte| !is_mark(byte))
        .map_or(start, |last| last + 1);
    line.get(start..end.max(start)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(line: &str, language: Language) -> Option<&'static str> {
        judge(line.as_bytes(), language).map(|(rule, _)| rule.id)
    }

    #[test]
    fn a_line_that_is_a_formal_marking_counts() {
        for line in [
            "TLP:RED",
            "# TLP:AMBER+STRICT",
            "**SECRET//NOFORN**",
            "Classification: TOP SECRET//SI",
            "VS - NUR FÜR DEN DIENSTGEBRAUCH",
            "VS-NfD",
            "RESTREINT UE/EU RESTRICTED",
            "NATO RESTRICTED",
        ] {
            assert_eq!(rule(line, Language::Markdown), Some("marking-formal"), "{line}");
        }
    }

    #[test]
    fn a_line_that_starts_with_a_companys_marking_counts() {
        for line in [
            "// Proprietary and confidential",
            "/* COMPANY CONFIDENTIAL */",
            "# For internal use only.",
            "# CONFIDENTIAL",
        ] {
            assert_eq!(rule(line, Language::C), Some("marking-company"), "{line}");
        }
    }

    #[test]
    fn the_words_in_prose_in_names_and_in_strings_do_not_count() {
        for line in [
            "The report is TLP:RED, see below",
            "confidential computing",
            "client_secret = x",
            "Keep the secret confidential.",
        ] {
            assert_eq!(rule(line, Language::Markdown), None, "{line}");
        }
        for line in ["\"TLP:RED\",", "TLP:RED", "CONFIDENTIAL", "case SECRET//UE:"] {
            assert_eq!(rule(line, Language::Java), None, "{line}");
        }
        assert_eq!(rule("  \"marking\": \"TLP:RED\"", Language::Json), None);
    }
}
