//! One pass over a text: unseen characters, invalid UTF-8, text out of sight, and, in programs, identifiers.
//!
//! Bytes that are plain are skipped by table; each identifier of ASCII is hashed on the way. The rest is rare, and only
//! there are characters decoded.

use std::collections::BTreeMap;
use std::ops::Range;

use super::line::{self, Part};
use super::lookalike::{self, Flaw, Lookalikes, Sighting};
use super::rules;
use super::unseen::{self, Beside};
use super::words::{WordHash, Words};
use crate::engine::{Findings, Outcome, Window};
use crate::facts::{FileFacts, Language, Nature};
use crate::finding::{Confidence, Place, Severity};
use crate::fixed_rule::FixedRule;

/// Blanks in a row that put what follows out of sight.
const OFF_SCREEN: usize = 160;
/// How far back the start of a line is looked for.
const MAX_LINE_BACK: usize = 4 << 10;
/// An identifier longer than this is no name, and is taken in pieces.
const MAX_WORD: usize = 256;
/// Distinct identifiers with look-alike letters that are compared for a file; past it the file is over limit.
const MAX_LOOKALIKES: usize = 1000;

/// What a byte is to the pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    Word,
    Blank,
    Return,
    Control,
    High,
}

/// Byte classes in programs, and in texts whose words do not matter.
static PROGRAM: [Class; 256] = classes(Class::Word);
static OTHER: [Class; 256] = classes(Class::Plain);

const fn classes(word: Class) -> [Class; 256] {
    let mut table = [Class::Plain; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' => word,
            b' ' | b'\t' => match word {
                Class::Word => Class::Blank,
                _ => Class::Plain,
            },
            b'\r' => match word {
                Class::Word => Class::Return,
                _ => Class::Plain,
            },
            b'\n' | 0x0B | 0x0C => Class::Plain,
            0..=0x1F | 0x7F => Class::Control,
            0x80..=0xFF => Class::High,
            _ => Class::Plain,
        };
        byte += 1;
    }
    table
}

/// A text at work.
pub(super) struct TextScan<'a> {
    language: Language,
    words: &'a Words,
    classes: &'static [Class; 256],
    /// Everything before this offset of the file was looked at.
    done: u64,
    /// Unseen characters in a row, of one rule.
    run: Option<Run>,
    /// Variation selectors so far that have nothing to select.
    selectors: u64,
    /// The first invalid bytes, and how many there are in all.
    invalid: Option<(Place, u64)>,
    /// Identifiers to compare over the bundle.
    lookalikes: BTreeMap<String, Place>,
    over_limit: bool,
}

/// Unseen characters in a row.
struct Run {
    rule: &'static FixedRule,
    severity: Severity,
    first: char,
    count: u64,
    /// Offset in the file of the byte after the run.
    end: u64,
    place: Option<Place>,
}

impl<'a> TextScan<'a> {
    pub(super) fn new(language: Language, words: &'a Words) -> Self {
        let program = language.nature() == Nature::Program;
        Self {
            language,
            words,
            classes: if program { &PROGRAM } else { &OTHER },
            done: 0,
            run: None,
            selectors: 0,
            invalid: None,
            lookalikes: BTreeMap::new(),
            over_limit: false,
        }
    }

    /// Looks at what the window owns. What starts there may be followed into the context behind it.
    pub(super) fn window(&mut self, window: &Window<'_>, out: &mut Findings<'_>) {
        let done = usize::try_from(self.done.saturating_sub(window.offset)).unwrap_or(usize::MAX);
        let mut at = done.max(window.owned.start);
        while at < window.owned.end {
            at = self.step(window, at, out).max(at + 1);
        }
        self.done = self.done.max(window.offset + at as u64);
    }

    /// Ends the text.
    pub(super) fn finish(mut self, file: &FileFacts, shared: &Lookalikes, out: &mut Findings<'_>) -> Outcome {
        self.end_run(out);
        if let Some((place, count)) = self.invalid.take() {
            // Old sources have names in Latin-1; a tenth of the whole is a binary behind a head of text.
            let severity = if count > 16.max(file.size / 10) {
                Severity::Medium
            } else {
                Severity::Low
            };
            let message = format!(
                "not UTF-8 here{}: programs read such bytes in different ways, so that what is reviewed may not be \
                 what runs",
                if count > 1 {
                    format!(" and in {} more bytes", count - 1)
                } else {
                    String::new()
                }
            );
            out.add(rules::INVALID_UTF8.found(severity, Confidence::High, message, Some(place)));
        }
        let sightings = self.lookalikes.into_iter().map(|(word, place)| {
            (
                word,
                Sighting {
                    file: file.index,
                    path: file.path.clone(),
                    place,
                },
            )
        });
        shared.add(sightings);
        if self.over_limit {
            Outcome::OverLimit
        } else {
            Outcome::Scanned
        }
    }

    /// Looks at what starts at `at`, and says where the next thing starts.
    fn step(&mut self, window: &Window<'_>, at: usize, out: &mut Findings<'_>) -> usize {
        let rest = window.bytes.get(at..).unwrap_or_default();
        let Some(&byte) = rest.first() else { return at };
        match self.classes[usize::from(byte)] {
            Class::Plain => {
                let plain = rest
                    .iter()
                    .position(|&byte| self.classes[usize::from(byte)] != Class::Plain);
                at + plain.unwrap_or(rest.len())
            }
            Class::Word => self.ascii_word(window, at, rest, out),
            Class::Blank => self.blanks(window, at, rest, out),
            Class::Return => self.carriage_return(window, at, rest, out),
            Class::Control => {
                self.examine(window, at, char::from(byte), 1, out);
                at + 1
            }
            Class::High => self.high(window, at, rest, out),
        }
    }

    fn ascii_word(&mut self, window: &Window<'_>, at: usize, rest: &[u8], out: &mut Findings<'_>) -> usize {
        let (hash, len) = WordHash::of_ascii(rest, MAX_WORD);
        let next = rest
            .get(len..)
            .filter(|next| next.first().is_some_and(|byte| !byte.is_ascii()));
        if next.and_then(decode).is_some_and(|(next, _)| is_word(next)) {
            return self.word(window, at, rest, out);
        }
        // Nothing shorter is compared; see `lookalike::is_comparable`.
        if len >= 3 {
            self.words.insert(hash);
        }
        at + len
    }

    /// An identifier with letters from outside ASCII.
    fn word(&mut self, window: &Window<'_>, at: usize, rest: &[u8], out: &mut Findings<'_>) -> usize {
        let mut len = 0;
        let mut suspects = false;
        while let Some((character, bytes)) = rest.get(len..).and_then(decode) {
            if !is_word(character) || len >= MAX_WORD {
                break;
            }
            if !character.is_ascii() {
                self.examine(window, at + len, character, bytes, out);
                suspects |= lookalike::is_suspect(character);
            }
            len += bytes;
        }
        let word = rest
            .get(..len)
            .and_then(|word| std::str::from_utf8(word).ok())
            .unwrap_or_default();
        if suspects || self.language == Language::Python {
            self.judge_word(window, at, word, out);
        }
        at + len
    }

    fn judge_word(&mut self, window: &Window<'_>, at: usize, word: &str, out: &mut Findings<'_>) {
        let part = self.part_at(window, at);
        let aside = part == Part::Comment || part == Part::String && !names_a_host(window, at + word.len());
        let range = at..at + word.len();
        let (rule, severity, message) = match lookalike::flaw(word, self.language) {
            Some(Flaw::Mixed { suspects, formula }) => {
                let codes: Vec<_> = suspects.chars().map(|c| format!("U+{:04X}", u32::from(c))).collect();
                let severity = if formula { Severity::Medium } else { Severity::High };
                let message = format!(
                    "\"{word}\" mixes ASCII letters with ones that only look like them ({}): it is another name than \
                     it seems",
                    codes.join(" ")
                );
                (&rules::MIXED_SCRIPT, severity, message)
            }
            Some(Flaw::Disguised { name, severity }) => {
                let message =
                    format!("Python reads \"{word}\" as \"{name}\", and searches for that name do not find it");
                (&rules::DISGUISED_NAME, severity, message)
            }
            None => return self.remember(window, word, range, aside),
        };
        let severity = if aside { Severity::Low } else { severity };
        if out.lists(rule.id) {
            out.add(rule.found(severity, Confidence::High, message, Some(window.place(range.clone()))));
        } else {
            out.count(rule.id, severity);
        }
        self.remember(window, word, range, aside);
    }

    fn remember(&mut self, window: &Window<'_>, word: &str, range: Range<usize>, aside: bool) {
        if aside || self.lookalikes.contains_key(word) || !lookalike::is_comparable(word) {
            return;
        }
        if self.lookalikes.len() >= MAX_LOOKALIKES {
            self.over_limit = true;
            return;
        }
        // Only the word itself: nobody has looked for secrets in the rest of its line yet.
        let mut place = window.place(range);
        place.text = place.text.get(place.mark.clone()).unwrap_or_default().to_vec();
        place.offset += place.mark.start as u64;
        place.mark = 0..place.text.len();
        self.lookalikes.insert(word.to_owned(), place);
    }

    /// What the line up to `at` says of what is there.
    fn part_at(&self, window: &Window<'_>, at: usize) -> Part {
        // A line is not followed back further than this: a file of one line would be read again for each word of it.
        let from = at.saturating_sub(MAX_LINE_BACK);
        let before = window.bytes.get(from..at).unwrap_or_default();
        let start = match before.iter().rposition(|&byte| byte == b'\n') {
            Some(feed) => feed + 1,
            None if window.offset == 0 && from == 0 => 0,
            None => return Part::Code,
        };
        let earlier = before.get(..start).unwrap_or_default().trim_ascii_end();
        let continued = earlier.ends_with(b"\\");
        line::part(self.language, before.get(start..).unwrap_or_default(), continued)
    }

    fn blanks(&mut self, window: &Window<'_>, at: usize, rest: &[u8], out: &mut Findings<'_>) -> usize {
        let len = rest
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\t'))
            .unwrap_or(rest.len());
        let before = at.checked_sub(1).and_then(|before| window.bytes.get(before));
        let hides = |byte: Option<&u8>| byte.is_some_and(|byte| !matches!(byte, b'\n' | b'\r'));
        if len >= OFF_SCREEN && hides(before) && hides(rest.get(len)) {
            if out.lists(rules::OFF_SCREEN.id) {
                let message = format!("{len} blanks in a row before this: editors do not show what follows them");
                let place = window.place(at + len..at + len + 1);
                out.add(rules::OFF_SCREEN.found(Severity::Medium, Confidence::Medium, message, Some(place)));
            } else {
                out.count(rules::OFF_SCREEN.id, Severity::Medium);
            }
        }
        at + len
    }

    fn carriage_return(&mut self, window: &Window<'_>, at: usize, rest: &[u8], out: &mut Findings<'_>) -> usize {
        if rest.get(1).is_some_and(|&next| next != b'\n' && next != b'\r') {
            // To these it ends the line, a comment too, and to their grammars it does not.
            let severity = match self.language {
                Language::Java | Language::Python => Severity::Medium,
                _ => Severity::Low,
            };
            if out.lists(rules::LONE_RETURN.id) {
                let message = "a carriage return alone: a terminal shows what follows over what came before".to_owned();
                let place = window.place(at..at + 1);
                out.add(rules::LONE_RETURN.found(severity, Confidence::High, message, Some(place)));
            } else {
                out.count(rules::LONE_RETURN.id, severity);
            }
        }
        at + 1
    }

    /// A character from outside ASCII, or bytes that are none.
    fn high(&mut self, window: &Window<'_>, at: usize, rest: &[u8], out: &mut Findings<'_>) -> usize {
        let Some((character, len)) = decode(rest) else {
            match &mut self.invalid {
                Some((_, count)) => *count += 1,
                None => self.invalid = Some((window.place(at..at + 1), 1)),
            }
            return at + 1;
        };
        if let Some(flag) = unseen::tag_flag(rest) {
            return at + flag;
        }
        if self.language.nature() == Nature::Program && is_word(character) {
            return self.word(window, at, rest, out);
        }
        self.examine(window, at, character, len, out);
        at + len
    }

    /// Judges one character by itself and its neighbours, and joins it to a run of its kind.
    fn examine(&mut self, window: &Window<'_>, at: usize, character: char, len: usize, out: &mut Findings<'_>) {
        let offset = window.offset + at as u64;
        // A byte order mark is one at the start only.
        if character == '\u{FEFF}' && offset == 0 {
            return;
        }
        let beside = Beside {
            before: window.bytes.get(..at).and_then(decode_last),
            after: window.bytes.get(at + len..).and_then(decode).map(|(after, _)| after),
        };
        let Some((rule, severity)) = unseen::judge(character, beside, self.language.nature()) else {
            return;
        };
        let severity = match severity {
            Severity::Medium | Severity::High if lowers(rule) => self.lowered(window, at, rule, severity),
            severity => severity,
        };
        let end = offset + len as u64;
        if let Some(run) = &mut self.run
            && run.end == offset
            && run.rule.id == rule.id
        {
            run.count += 1;
            run.end = end;
            run.severity = run.severity.max(severity);
            return;
        }
        self.end_run(out);
        let place = out.lists(rule.id).then(|| window.place(at..at + len));
        self.run = Some(Run {
            rule,
            severity,
            first: character,
            count: 1,
            end,
            place,
        });
    }

    /// How bad it is where nothing runs, and, of what only moves or splits words for the eye, in a string.
    fn lowered(&self, window: &Window<'_>, at: usize, rule: &FixedRule, severity: Severity) -> Severity {
        match self.part_at(window, at) {
            Part::Comment => Severity::Low,
            Part::String if rule.id != rules::ZERO_WIDTH.id => Severity::Low,
            _ => severity,
        }
    }

    fn end_run(&mut self, out: &mut Findings<'_>) {
        let Some(Run {
            rule,
            severity,
            first,
            count,
            place,
            ..
        }) = self.run.take()
        else {
            return;
        };
        let severity = unseen::run_severity(rule, severity, first, count, self.selectors);
        if rule.id == rules::VARIATION_SELECTOR.id {
            self.selectors += count;
        }
        let Some(place) = place else {
            return out.count(rule.id, severity);
        };
        let more = if count > 1 {
            format!(" and {} more", count - 1)
        } else {
            String::new()
        };
        let reason = unseen::reason(rule);
        let message = format!("U+{:04X}{more}, {}: {reason}", u32::from(first), rule.title);
        out.add(rule.found(severity, Confidence::High, message, Some(place)));
    }
}

/// Whether what goes on at `end` reads like the name of a host: people follow those, strings or not.
fn names_a_host(window: &Window<'_>, end: usize) -> bool {
    let rest = window.bytes.get(end..).unwrap_or_default();
    rest.first() == Some(&b'.') && rest.get(1).is_some_and(u8::is_ascii_alphabetic)
}

/// Whether a character can stand in an identifier.
fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric() || unicode_normalization::char::is_combining_mark(character)
}

/// Whether the rule is about what one reads in code, and less about what is in a text: not about what hides a message.
fn lowers(rule: &FixedRule) -> bool {
    [&rules::ZERO_WIDTH, &rules::INVISIBLE_FORMAT]
        .iter()
        .any(|other| other.id == rule.id)
}

/// The UTF-8 character that `bytes` start with, and its length.
fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    let len = match bytes.first()? {
        0..=0x7F => 1,
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    let text = std::str::from_utf8(bytes.get(..len)?).ok()?;
    text.chars().next().map(|character| (character, len))
}

/// The UTF-8 character that `bytes` end with.
fn decode_last(bytes: &[u8]) -> Option<char> {
    let start = bytes.iter().rposition(|&byte| byte & 0xC0 != 0x80)?;
    let (character, len) = decode(bytes.get(start..)?)?;
    (start + len == bytes.len()).then_some(character)
}
