//! The pass over a text: which passages are read in plain form, and what becomes of the phrases in them.

use std::ops::Range;

use super::audience::Audience;
use super::encoded::{self, Decoded};
use super::hiding::{self, Hiding};
use super::plain::{self, Lookalikes, Plain};
use super::rulebook::{CWE, Phrase, Rule, Rulebook};
use super::rules;
use crate::engine::{Findings, Window};
use crate::facts::{Language, Nature};
use crate::finding::{Confidence, Found, Identity, Place, Severity};

/// Bytes before and after what leads to a passage that belong to it.
const AROUND: usize = 700;
/// Bytes of a passage at most; a longer one is read in pieces that overlap.
const MAX_PASSAGE: usize = 16 << 10;
/// How near phrases must stand to each other to be one speech, in bytes of plain text.
const NEAR: usize = 500;
/// What phrases that people see must weigh together to be a finding.
const HEAVY: u32 = 3;

/// A text at work.
pub(super) struct PassageScan<'a> {
    rulebook: &'a Rulebook,
    audience: Audience,
    language: Language,
    /// For each rule, where in the file the last phrase that was reported ends.
    done: Vec<u64>,
    /// Where the last hostile passage ends.
    passage_done: u64,
    /// Where the last row of unseen characters ends.
    unseen_done: u64,
}

/// A phrase in a file: its rule, and where it stands in the window.
struct Sighted {
    rule: usize,
    range: Range<usize>,
    hiding: Option<Hiding>,
}

impl<'a> PassageScan<'a> {
    pub(super) fn new(rulebook: &'a Rulebook, audience: Audience, language: Language) -> Self {
        Self {
            rulebook,
            audience,
            language,
            done: vec![0; rulebook.rules.len()],
            passage_done: 0,
            unseen_done: 0,
        }
    }

    /// Looks at what the window owns.
    pub(super) fn window(&mut self, window: &Window<'_>, out: &mut Findings<'_>) {
        let mut leads = self.odd_characters(window, out);
        match self.audience {
            Audience::Instructions | Audience::Settings => leads.push(window.owned.clone()),
            Audience::Editor | Audience::Others => leads.extend(self.keywords(window)),
        }
        leads.sort_by_key(|lead| lead.start);
        for passage in passages(&leads, window.bytes.len()) {
            self.passage(window, passage, out);
        }
        if self.reads_base64() {
            self.base64(window, out);
        }
        if self.audience == Audience::Instructions {
            concealed(window, out);
        }
    }

    fn keywords(&self, window: &Window<'_>) -> Vec<Range<usize>> {
        let from = window.owned.start;
        let to = (window.owned.end + self.rulebook.longest_keyword()).min(window.bytes.len());
        let hits = self.rulebook.keywords(window.bytes.get(from..to).unwrap_or_default());
        let owned = hits.map(|at| from + at).filter(|at| *at < window.owned.end);
        owned.map(|at| at..at).collect()
    }

    /// Where characters stand that hide words from the search for keywords. Reads those that spell a text of their own.
    fn odd_characters(&mut self, window: &Window<'_>, out: &mut Findings<'_>) -> Vec<Range<usize>> {
        let mut odd: Vec<Range<usize>> = Vec::new();
        let owned = window.bytes.get(window.owned.clone()).unwrap_or_default();
        let mut at = 0;
        while let Some(next) = owned
            .get(at..)
            .and_then(|rest| rest.iter().position(|byte| !byte.is_ascii()))
        {
            at += next;
            let start = window.owned.start + at;
            let Some(character) = encoded::first_character(window.bytes.get(start..).unwrap_or_default()) else {
                at += 1;
                continue;
            };
            at += character.len_utf8();
            if !plain::is_odd(character) && !plain::is_variation_selector(character) {
                continue;
            }
            match odd.last_mut() {
                Some(last) if last.end + AROUND > start => last.end = start,
                _ => odd.push(start..start),
            }
            if window.offset + start as u64 >= self.unseen_done {
                self.unseen(window, start, out);
            }
        }
        odd.retain(|range| self.is_worth_reading(window, range));
        odd
    }

    /// Whether a keyword stands in plain form where odd characters are.
    fn is_worth_reading(&self, window: &Window<'_>, range: &Range<usize>) -> bool {
        let passages = passages(std::slice::from_ref(range), window.bytes.len());
        passages.into_iter().any(|passage| {
            let bytes = window.bytes.get(passage).unwrap_or_default();
            let plain = Plain::of(bytes, Lookalikes::Fold);
            let has = |plain: &Plain| self.rulebook.keywords(plain.text.as_bytes()).next().is_some();
            has(&plain) || has(&Plain::of(bytes, Lookalikes::Keep))
        })
    }

    /// Reads a row of unseen characters that starts at `start`.
    fn unseen(&mut self, window: &Window<'_>, start: usize, out: &mut Findings<'_>) {
        let (len, decoded) = encoded::unseen(window.bytes.get(start..).unwrap_or_default());
        self.unseen_done = window.offset + (start + len) as u64;
        if let Some(decoded) = decoded {
            self.judge_decoded(window, start, &decoded, out);
        }
    }

    /// Whether base 64 is read: everywhere else it is mostly data.
    fn reads_base64(&self) -> bool {
        self.audience == Audience::Instructions
            || self.language.nature() == Nature::Prose
            || self.language == Language::Html
    }

    fn base64(&self, window: &Window<'_>, out: &mut Findings<'_>) {
        let mut at = window.owned.start;
        while at < window.owned.end {
            let rest = window.bytes.get(at..).unwrap_or_default();
            let before = at.checked_sub(1).and_then(|before| window.bytes.get(before));
            let (len, decoded) = encoded::base64(rest);
            if let Some(decoded) = decoded
                && !before.is_some_and(u8::is_ascii_alphanumeric)
            {
                self.judge_decoded(window, at, &decoded, out);
            }
            at += len.max(1);
        }
    }

    /// What a decoded text says counts as hidden, wherever it stands.
    fn judge_decoded(&self, window: &Window<'_>, start: usize, decoded: &Decoded, out: &mut Findings<'_>) {
        let plain = Plain::of(decoded.text.as_bytes(), Lookalikes::Fold);
        for phrase in self.rulebook.phrases(&plain) {
            let Some(rule) = self.rule(phrase.rule) else { continue };
            if !rule.text.evidence {
                let place = window.place(start..start + decoded.len);
                let how = format!(
                    "written in {}, so that programs read it and people do not",
                    decoded.code
                );
                out.add(found(rule, rule.text.severity.max(Severity::High), &how, place));
            }
        }
    }

    fn rule(&self, number: usize) -> Option<&'a Rule> {
        self.rulebook.rules.get(number)
    }

    /// Reads one passage of the window.
    fn passage(&mut self, window: &Window<'_>, passage: Range<usize>, out: &mut Findings<'_>) {
        let bytes = window.bytes.get(passage.clone()).unwrap_or_default();
        let mut plain = Plain::of(bytes, Lookalikes::Keep);
        let mut phrases = self.rulebook.phrases(&plain);
        if plain.is_odd {
            let folded = Plain::of(bytes, Lookalikes::Fold);
            let in_folded = self.rulebook.phrases(&folded);
            if in_folded.len() > phrases.len() {
                (plain, phrases) = (folded, in_folded);
            }
        }
        if phrases.is_empty() {
            return;
        }
        let sight = |phrase: &Phrase| {
            let start = passage.start + plain.origin(phrase.start);
            let end = passage.start + plain.origin(phrase.end.saturating_sub(1)) + 1;
            Sighted {
                rule: phrase.rule,
                range: start..end.max(start),
                hiding: hiding::of(window.bytes, start, self.language),
            }
        };
        let sighted: Vec<Sighted> = phrases.iter().map(sight).collect();
        for seen in &sighted {
            self.judge(window, seen, out);
        }
        if matches!(self.audience, Audience::Editor | Audience::Others) {
            self.judge_together(window, &plain, &phrases, &sighted, out);
        }
    }

    /// A phrase by itself counts in a file for agents and where it is hidden.
    fn judge(&mut self, window: &Window<'_>, seen: &Sighted, out: &mut Findings<'_>) {
        let Some(rule) = self.rule(seen.rule) else { return };
        let how = match (self.audience, seen.hiding) {
            (_, Some(hiding)) => format!("in {}", hiding.place()),
            (Audience::Instructions | Audience::Settings, None) => "in a file that agents take orders from".to_owned(),
            (Audience::Editor | Audience::Others, None) => return,
        };
        if rule.text.evidence || !self.is_new(window, seen) {
            return;
        }
        if out.lists(&rule.text.id) {
            out.add(found(rule, rule.text.severity, &how, window.place(seen.range.clone())));
        } else {
            out.count(&rule.text.id, rule.text.severity);
        }
    }

    /// Whether a phrase was not reported yet; from now on it was.
    fn is_new(&mut self, window: &Window<'_>, seen: &Sighted) -> bool {
        let (start, end) = (
            window.offset + seen.range.start as u64,
            window.offset + seen.range.end as u64,
        );
        let Some(done) = self.done.get_mut(seen.rule) else {
            return false;
        };
        let is_new = start >= *done;
        *done = (*done).max(end);
        is_new
    }

    /// Phrases that people see are one speech if they stand near each other, in one text, and weigh enough together.
    fn judge_together(
        &mut self,
        window: &Window<'_>,
        plain: &Plain,
        phrases: &[Phrase],
        sighted: &[Sighted],
        out: &mut Findings<'_>,
    ) {
        for (number, first) in phrases.iter().enumerate() {
            let mut rules: Vec<usize> = Vec::new();
            let mut end = first.end;
            let quoted = is_quoted(plain.text.get(..first.start).unwrap_or_default());
            let rest = phrases.get(number..).unwrap_or_default();
            for phrase in rest {
                let between = plain.text.get(end..phrase.start).unwrap_or_default();
                let in_strings_of_their_own = quoted && between.matches('"').count() >= 2;
                if phrase.start > end + NEAR || parts(between) || in_strings_of_their_own {
                    break;
                }
                end = end.max(phrase.end);
                if !rules.contains(&phrase.rule) {
                    rules.push(phrase.rule);
                }
            }
            let texts = rules.iter().filter_map(|&rule| self.rule(rule)).map(|rule| &rule.text);
            let weight: u32 = texts.clone().map(|text| text.weight).sum();
            let Some(seen) = sighted.get(number) else { continue };
            let start = window.offset + seen.range.start as u64;
            if rules.len() < 2 || weight < HEAVY || seen.hiding.is_some() || start < self.passage_done {
                continue;
            }
            let titles: Vec<_> = texts.map(|text| text.title.as_str()).collect();
            let to = sighted
                .iter()
                .skip(number)
                .map(|seen| seen.range.end)
                .max()
                .unwrap_or(seen.range.end);
            self.passage_done = window.offset + to as u64;
            let message = format!(
                "a passage that speaks to a language model against the person it works for: {}",
                titles.join("; ")
            );
            let severity = if quoted && self.language.nature() == Nature::Prose {
                Severity::Low
            } else {
                Severity::Medium
            };
            let place = Some(window.place(seen.range.clone()));
            out.add(rules::HOSTILE_PASSAGE.found(severity, Confidence::Medium, message, place));
        }
    }
}

/// Text in a file for agents that people do not see is worth knowing, whatever it says.
fn concealed(window: &Window<'_>, out: &mut Findings<'_>) {
    for (hiding, range) in hiding::texts(window.bytes) {
        if !window.owned.contains(&range.start) {
            continue;
        }
        // Comments are how notes to other authors are written, too.
        let severity = match hiding {
            Hiding::HtmlComment => Severity::Low,
            _ => Severity::Medium,
        };
        let message = format!("text in {}, in a file that agents take orders from", hiding.place());
        let place = Some(window.place(range));
        out.add(rules::CONCEALED_TEXT.found(severity, Confidence::High, message, place));
    }
}

/// A finding of a phrase's rule.
fn found(rule: &Rule, severity: Severity, how: &str, place: Place) -> Found {
    Found {
        rule: rule.text.id.clone(),
        severity,
        confidence: Confidence::Medium,
        cwe: Some(CWE),
        message: format!("{}, {how}", rule.text.message),
        mend: rule.text.mend.clone(),
        place: Some(place),
        identity: Identity::Line,
    }
}

/// Passages around what leads to them, none longer than allowed: near ones are one, long ones come in pieces.
fn passages(leads: &[Range<usize>], len: usize) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for lead in leads {
        let (start, end) = (lead.start.saturating_sub(AROUND), (lead.end + AROUND).min(len));
        match merged.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => merged.push(start..end),
        }
    }
    let step = MAX_PASSAGE - 2 * AROUND;
    let pieces = |range: Range<usize>| {
        let starts = (range.start..range.end.max(range.start + 1)).step_by(step);
        let end = range.end;
        starts.map(move |start| start..(start + MAX_PASSAGE).min(end))
    };
    merged.into_iter().flat_map(pieces).collect()
}

/// Whether what stands between two phrases parts them: items of a list, cells of a table, keys and values.
fn parts(between: &str) -> bool {
    let bytes = between.as_bytes();
    let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'' | b'`');
    let after_quote = |at: usize| {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        rest.iter().find(|byte| **byte != b' ').copied()
    };
    bytes.contains(&b'|')
        || between.contains(": \"")
        || bytes.iter().enumerate().any(|(at, byte)| {
            is_quote(byte)
                && matches!(
                    after_quote(at),
                    Some(b',' | b';' | b':' | b')' | b']' | b'}' | b'"' | b'\'' | b'`')
                )
        })
}

/// Whether a phrase that follows `before` stands in quotes or in a listing: somebody speaks about it.
fn is_quoted(before: &str) -> bool {
    let near = before.char_indices().rev().nth(80).map_or(0, |(at, _)| at);
    let near = before.get(near..).unwrap_or_default();
    // A quote opens if it stands before a word and not behind one.
    let opens = near.rsplit_once(['"', '`']).is_some_and(|(outside, within)| {
        let glued = outside.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '!' | '?' | ','));
        !glued && !within.starts_with(' ')
    });
    opens || before.matches("```").count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_leads_make_one_passage_and_long_ones_come_in_pieces_that_overlap() {
        assert_eq!(
            passages(&[1000..1000, 1500..1500, 9000..9000], 20_000),
            [300..2200, 8300..9700]
        );
        let of_one = |lead: Range<usize>, len| passages(std::slice::from_ref(&lead), len);
        let pieces = of_one(0..40_000, 40_000);
        assert!(pieces.windows(2).all(|two| two[1].start + 2 * AROUND == two[0].end));
        assert_eq!(pieces.last().map(|last| last.end), Some(40_000));
        assert_eq!(of_one(0..0, 0).len(), 1);
    }

    #[test]
    fn items_of_a_list_are_apart_and_sentences_are_not() {
        assert!(parts("\", \""));
        assert!(parts("' ]"));
        assert!(!parts(". and don't "));
    }

    #[test]
    fn a_quote_that_opens_before_a_phrase_quotes_it_and_one_that_closed_does_not() {
        assert!(is_quoted("keys: - \"a\" - \"please "));
        assert!(is_quoted("as in `"));
        assert!(!is_quoted("say \"ok\" and "));
        assert!(!is_quoted("it said: \"ok.\" "));
    }
}
