//! Characters that nobody sees, or that change what a person reads: which of them matter where.
//!
//! What is ordinary stays silent: an emoji's variation selector and joiners, joiners in scripts that are written with
//! them, the flags that are made of tags, marks of direction beside letters that are written from right to left.

use super::rules;
use crate::facts::Nature;
use crate::finding::Severity::{self, Critical, High, Low, Medium};
use crate::fixed_rule::FixedRule;

/// What stands beside a character.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beside {
    pub(super) before: Option<char>,
    pub(super) after: Option<char>,
}

/// The rule that `character` breaks in a text of this nature, and how badly; `None` for ordinary ones.
pub(super) fn judge(character: char, beside: Beside, nature: Nature) -> Option<(&'static FixedRule, Severity)> {
    let by = |program, data, prose| match nature {
        Nature::Program => program,
        Nature::Data => data,
        Nature::Prose => prose,
    };
    let judged = match u32::from(character) {
        0 => (&rules::CONTROL, by(High, Medium, Medium)),
        // Tab, line feed, form feed and vertical tab are ordinary; carriage returns are looked at with what follows.
        0x09..=0x0D => return None,
        // What moves a terminal's cursor can hide a line from whoever prints the file.
        0x08 | 0x1B | 0x9B => (&rules::CONTROL, by(Medium, Low, Low)),
        0x85 => (&rules::LINE_SEPARATOR, Low),
        0x01..=0x1F | 0x7F..=0x9F => (&rules::CONTROL, Low),
        // At the end of a range in a table of characters it is no text; it still reorders what a reviewer sees.
        0x202A..=0x202E | 0x2066..=0x2069 if ends_a_range(beside) => (&rules::BIDI_CONTROL, High),
        0x202A..=0x202E | 0x2066..=0x2069 => (&rules::BIDI_CONTROL, by(Critical, High, High)),
        // A mark moves no more than the blanks and signs beside it.
        0x061C | 0x200E | 0x200F => (&rules::BIDI_MARK, Low),
        0x200C | 0x200D if joins(beside) => return None,
        0x200B if either(beside, is_unspaced) => return None,
        0xFEFF => (&rules::ZERO_WIDTH, by(Medium, Low, Low)),
        // A joiner that a Persian keyboard put into a word of another script.
        0x200C | 0x200D if is_in_foreign_word(beside) => (&rules::ZERO_WIDTH, by(Medium, Low, Low)),
        0x200B..=0x200D | 0x2060 | 0x180E => (&rules::ZERO_WIDTH, by(High, Medium, Low)),
        // One alone spells nothing; a row is worse.
        0xE_0000..=0xE_007F => (&rules::TAG, High),
        0xFE0E | 0xFE0F if beside.before.is_some_and(is_emoji_base) => return None,
        // Typed twice.
        0xFE0F if beside.before == Some('\u{FE0F}') => (&rules::VARIATION_SELECTOR, Low),
        0xFE00..=0xFE0D if beside.before.is_some_and(|before| is_han(before) || is_symbol(before)) => {
            (&rules::VARIATION_SELECTOR, Low)
        }
        // In tables of characters they stand beside their like.
        0xFE00..=0xFE0F if beside.before.is_some_and(|before| !before.is_ascii_alphanumeric()) => {
            (&rules::VARIATION_SELECTOR, Low)
        }
        0xFE00..=0xFE0F => (&rules::VARIATION_SELECTOR, by(Medium, Medium, Low)),
        0xE_0100..=0xE_01EF if beside.before.is_some_and(is_han) => (&rules::VARIATION_SELECTOR, Medium),
        // One alone carries nothing, and stands at the ends of ranges in tables of characters; more are worse.
        0xE_0100..=0xE_01EF => (&rules::VARIATION_SELECTOR, Low),
        // The blank among the patterns of Braille is one of them.
        0x2800 if either(beside, |c| matches!(u32::from(c), 0x2801..=0x28FF)) => return None,
        // In tables of characters they stand beside their like; a name is made of ASCII and them.
        0x17B4 | 0x17B5 | 0x180B..=0x180F if beside.before.is_some_and(|before| !before.is_ascii()) => {
            (&rules::INVISIBLE_LETTER, Low)
        }
        0x115F | 0x1160 | 0x3164 | 0xFFA0 | 0x17B4 | 0x17B5 | 0x2800 => (&rules::INVISIBLE_LETTER, by(High, Low, Low)),
        code if is_format(code) => (&rules::INVISIBLE_FORMAT, by(Medium, Low, Low)),
        0x2028 | 0x2029 => (&rules::LINE_SEPARATOR, by(Medium, Low, Low)),
        0x00A0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000 if nature == Nature::Program => {
            (&rules::ODD_SPACE, Low)
        }
        0xE000..=0xF8FF if nature == Nature::Program => (&rules::PRIVATE_USE, Low),
        0xF_0000..=0x10_FFFF => (&rules::PRIVATE_USE, by(Medium, Low, Low)),
        _ => return None,
    };
    Some(judged)
}

/// What has an effect on its neighbours at most, and no width.
fn is_format(code: u32) -> bool {
    matches!(
        code,
        0x00AD | 0x034F | 0x180B..=0x180F | 0x2061..=0x2065 | 0x206A..=0x206F | 0xFFF9..=0xFFFB | 0x1_BCA0..=0x1_BCA3
            | 0x1_D173..=0x1_D17A | 0xE_0080..=0xE_00FF | 0xE_01F0..=0xE_0FFF
    )
}

/// So many characters that nobody sees, in a row or one behind each letter, can carry a message.
const MESSAGE: u64 = 4;

/// How bad a run of `count` characters of one rule is, when the worst of them alone is `severity`, the run begins with
/// `first`, and there were `before` of the rule in the file.
pub(super) fn run_severity(rule: &FixedRule, severity: Severity, first: char, count: u64, before: u64) -> Severity {
    let selects = rule.id == rules::VARIATION_SELECTOR.id;
    match () {
        () if (selects || rule.id == rules::TAG.id) && count >= MESSAGE => Critical,
        // One varies the character before it; a second one has nothing to vary.
        () if selects && first >= '\u{E0100}' && (count > 1 || before >= MESSAGE) => High,
        () => severity,
    }
}

/// Why the rule's characters matter, after a sentence that names them.
pub(super) fn reason(rule: &FixedRule) -> &'static str {
    match rule.id {
        "bidi-control" => "it reorders the line for whoever reads it, and not for what runs it",
        "bidi-mark" => "it can move what stands beside it for whoever reads it",
        "zero-width" => "it makes two names or strings differ that look the same",
        "tag-character" => "it spells text that people do not see, and that programs and models read",
        "variation-selector" => "it shows nothing here, and a row of such can carry any bytes",
        "invisible-letter" => "it looks like a blank and can be a name",
        "invisible-format" => "nobody sees it, and comparisons and parsers do",
        "line-separator" => "some programs end the line here, and editors do not show it",
        "control-character" => "it can change what a terminal shows, or end a string early",
        "odd-space" => "it looks like a space, and parsers may not take it for one",
        "private-use" => "what it shows depends on the reader's fonts",
        _ => "it is not what it looks like",
    }
}

/// The flags that are spelled in tags after U+1F3F4: England, Scotland, Wales.
const TAG_FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

/// The bytes of a flag made of tags that `text` starts with, if it starts with one.
pub(super) fn tag_flag(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix("\u{1F3F4}".as_bytes())?;
    TAG_FLAGS.iter().find_map(|letters| {
        let tags = letters
            .bytes()
            .map(|letter| 0xE_0000 + u32::from(letter))
            .chain([0xE_007F]);
        let tags: String = tags.filter_map(char::from_u32).collect();
        rest.starts_with(tags.as_bytes())
            .then_some(text.len() - rest.len() + tags.len())
    })
}

/// Whether a joiner between these two has something to do: between emoji, or in a script that is written with joiners.
fn joins(beside: Beside) -> bool {
    let Some(before) = beside.before else { return false };
    let scripts = matches!(u32::from(before), 0x0600..=0x0DFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x1B00..=0x1B7F);
    let picture = |c: char| is_emoji_base(c) && !c.is_ascii() || matches!(u32::from(c), 0xFE0F | 0x1F3FB..=0x1F3FF);
    scripts || picture(before) && beside.after.is_some_and(picture)
}

/// Whether one of the neighbours is such.
fn either(beside: Beside, is_such: impl Fn(char) -> bool) -> bool {
    [beside.before, beside.after].into_iter().flatten().any(is_such)
}

/// Whether a hyphen stands on one side, and on the other a character that is as little seen.
fn ends_a_range(beside: Beside) -> bool {
    let unseen = |c: Option<char>| {
        c.is_some_and(|c| matches!(u32::from(c), 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F))
    };
    let hyphen = Some('-');
    beside.before == hyphen && unseen(beside.after) || unseen(beside.before) && beside.after == hyphen
}

/// Whether both neighbours are letters from outside ASCII.
fn is_in_foreign_word(beside: Beside) -> bool {
    let foreign = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && c.is_alphabetic());
    foreign(beside.before) && foreign(beside.after)
}

/// Whether an emoji selector may follow.
fn is_emoji_base(character: char) -> bool {
    matches!(character, '#' | '*' | '0'..='9' | '©' | '®')
        || matches!(u32::from(character),
            0x203C | 0x2049 | 0x2122 | 0x2139 | 0x2190..=0x21FF | 0x2300..=0x23FF | 0x2460..=0x24FF
            | 0x25A0..=0x27BF | 0x2900..=0x297F | 0x2B00..=0x2BFF | 0x3030 | 0x303D | 0x3297 | 0x3299
            | 0x1_F000..=0x1_FAFF)
}

/// Symbols that standard variation sequences exist for.
fn is_symbol(character: char) -> bool {
    matches!(u32::from(character), 0x2200..=0x22FF | 0x2A00..=0x2AFF | 0x3000..=0x303F | 0xFF00..=0xFF0F | 0x1000..=0x109F)
}

/// Scripts that are written without spaces, where U+200B says where a line may break: Thai, Lao, Tibetan, Burmese, Khmer.
fn is_unspaced(character: char) -> bool {
    matches!(u32::from(character), 0x0E00..=0x109F | 0x1780..=0x17FF | 0x1950..=0x19FF | 0x1A20..=0x1AAF)
}

fn is_han(character: char) -> bool {
    matches!(u32::from(character), 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_program(before: Option<char>, character: char, after: Option<char>) -> Option<(&'static str, Severity)> {
        judge(character, Beside { before, after }, Nature::Program).map(|(rule, severity)| (rule.id, severity))
    }

    #[test]
    fn every_bidirectional_control_is_critical_in_a_program() {
        for code in (0x202A..=0x202E).chain(0x2066..=0x2069) {
            let character = char::from_u32(code).unwrap();
            assert_eq!(
                in_program(None, character, None),
                Some(("bidi-control", Critical)),
                "{code:X}"
            );
        }
    }

    #[test]
    fn a_control_at_the_end_of_a_range_of_its_like_is_high_and_beside_a_hyphen_alone_critical() {
        let severity = |before, after| in_program(Some(before), '\u{202E}', Some(after));
        assert_eq!(severity('-', '\u{2060}'), Some(("bidi-control", High)));
        assert_eq!(severity('\u{200F}', '-'), Some(("bidi-control", High)));
        assert_eq!(severity('-', ' '), Some(("bidi-control", Critical)));
        assert_eq!(severity('é', '-'), Some(("bidi-control", Critical)));
    }

    #[test]
    fn an_emoji_selector_after_an_emoji_is_ordinary() {
        assert_eq!(in_program(Some('\u{2764}'), '\u{FE0F}', None), None);
        assert_eq!(
            in_program(Some('x'), '\u{FE0F}', None),
            Some(("variation-selector", Medium))
        );
    }

    #[test]
    fn selectors_and_tags_are_worse_in_a_row_and_all_over_a_file() {
        let selectors = |count, before| run_severity(&rules::VARIATION_SELECTOR, Low, '\u{E0100}', count, before);
        assert_eq!(selectors(1, 0), Low);
        assert_eq!((selectors(2, 0), selectors(1, 4)), (High, High));
        assert_eq!(selectors(4, 0), Critical);
        assert_eq!(run_severity(&rules::TAG, High, '\u{E0061}', 1, 9), High);
        assert_eq!(run_severity(&rules::TAG, High, '\u{E0061}', 4, 0), Critical);
        assert_eq!(run_severity(&rules::VARIATION_SELECTOR, Low, '\u{FE0F}', 2, 9), Low);
    }

    #[test]
    fn a_supplementary_selector_is_low_but_after_a_han_character() {
        assert_eq!(
            in_program(Some('x'), '\u{E0100}', None),
            Some(("variation-selector", Low))
        );
        assert_eq!(
            in_program(Some('\u{845B}'), '\u{E0100}', None),
            Some(("variation-selector", Medium))
        );
    }

    #[test]
    fn a_joiner_between_emoji_and_in_persian_is_ordinary_and_elsewhere_it_is_not() {
        assert_eq!(in_program(Some('\u{1F468}'), '\u{200D}', Some('\u{1F469}')), None);
        assert_eq!(in_program(Some('\u{06CC}'), '\u{200C}', Some('x')), None);
        assert_eq!(in_program(Some('a'), '\u{200D}', Some('b')), Some(("zero-width", High)));
    }

    #[test]
    fn a_joiner_within_a_word_of_another_script_is_medium() {
        let joiner = in_program(Some('\u{043D}'), '\u{200C}', Some('\u{0430}'));
        assert_eq!(joiner, Some(("zero-width", Medium)));
    }

    #[test]
    fn the_blank_of_braille_is_ordinary_among_braille_and_not_in_a_name() {
        assert_eq!(in_program(Some('\u{2880}'), '\u{2800}', Some('"')), None);
        assert_eq!(
            in_program(Some('a'), '\u{2800}', Some('b')),
            Some(("invisible-letter", High))
        );
    }

    #[test]
    fn a_break_between_khmer_words_is_ordinary() {
        assert_eq!(in_program(Some('\u{17B6}'), '\u{200B}', Some('\u{1787}')), None);
        assert_eq!(in_program(Some('a'), '\u{200B}', Some('b')), Some(("zero-width", High)));
    }

    #[test]
    fn a_flag_of_wales_is_known_and_another_row_of_tags_is_not() {
        let flag = "\u{1F3F4}\u{E0067}\u{E0062}\u{E0077}\u{E006C}\u{E0073}\u{E007F}";
        assert_eq!(tag_flag(format!("{flag}x").as_bytes()), Some(flag.len()));
        assert_eq!(tag_flag("\u{1F3F4}\u{E0068}\u{E0069}\u{E007F}".as_bytes()), None);
    }

    #[test]
    fn a_mark_of_direction_is_low() {
        assert_eq!(in_program(Some('a'), '\u{200F}', Some('b')), Some(("bidi-mark", Low)));
    }

    #[test]
    fn letters_of_any_script_are_ordinary() {
        for character in "aé中אжก한ひ\u{0301}".chars() {
            assert_eq!(in_program(Some('x'), character, Some('y')), None, "{character}");
        }
    }
}
