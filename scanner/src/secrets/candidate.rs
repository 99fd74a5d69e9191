//! Whether a text that has the form of a secret can be one.

use super::rulebook::{RuleText, Rulebook};

/// Characters a token of a tokenizer from which on a text counts as words.
const WORDS_RATIO: usize = 25; // tenths

/// Why a candidate is none, or that it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It can be a secret.
    Secret,
    /// Too few different characters.
    Monotonous,
    /// Something that stands in the place of a secret.
    Placeholder,
    /// Words of a language or of code.
    Words,
}

/// Judges a candidate of `rule`, cheapest test first.
pub(super) fn judge(rulebook: &Rulebook, rule: &RuleText, candidate: &[u8]) -> Judgement {
    if entropy(candidate) < rule.min_entropy {
        return Judgement::Monotonous;
    }
    let lower = candidate.to_ascii_lowercase();
    let contains = |words: &[String]| words.iter().any(|word| holds(&lower, word.as_bytes()));
    if is_sequence(candidate)
        || contains(&rulebook.stop_words)
        || (rule.generic && (contains(&rulebook.weak_stop_words) || is_template(candidate) || is_identifier(candidate)))
    {
        return Judgement::Placeholder;
    }
    if rule.generic && !has_letters_and_digits(candidate) {
        return Judgement::Words;
    }
    if rule.not_words && is_words(candidate) {
        return Judgement::Words;
    }
    Judgement::Secret
}

/// Shannon's entropy of the bytes, in bits a byte.
pub(super) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    let len = bytes.len() as f64;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let share = f64::from(count) / len;
            -share * share.log2()
        })
        .sum()
}

/// Whether most characters follow from the one before: `abcdef…`, `987…`, `aaaa`.
fn is_sequence(candidate: &[u8]) -> bool {
    let follows = candidate
        .windows(2)
        .filter(|two| matches!(two, [a, b] if a.abs_diff(*b) <= 1))
        .count();
    candidate.len() >= 8 && follows * 2 > candidate.len()
}

/// Whether a program fills it in, or it is a pattern, a path or a call.
fn is_template(candidate: &[u8]) -> bool {
    let brackets = candidate.iter().filter(|byte| b"()[]{}<>|*^".contains(byte)).count();
    brackets >= 2
        || candidate
            .iter()
            .any(|&byte| byte == b'\\' || byte.is_ascii_whitespace())
        || matches!(candidate.first(), Some(b'$' | b'/' | b'<' | b'%' | b'{'))
        || [&b"${"[..], b"{{", b"::", b"->", b"%s", b"$("]
            .iter()
            .any(|needle| holds(candidate, needle))
}

/// Whether it is a URN (RFC 8141), has the form of a UUID or starts with a date: what things, requests, pages and times are called.
fn is_identifier(candidate: &[u8]) -> bool {
    if candidate
        .get(..4)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"urn:"))
    {
        return true;
    }
    let shape = |byte: &u8| match byte {
        b'0'..=b'9' => b'0',
        b'a'..=b'f' | b'A'..=b'F' => b'a',
        other => *other,
    };
    let hex = |part: &[u8]| part.iter().map(shape).all(|shape| matches!(shape, b'0' | b'a'));
    let parts: Vec<&[u8]> = candidate.split(|&byte| byte == b'-').collect();
    let lens: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let date: Vec<u8> = candidate.iter().take(11).map(shape).collect();
    (lens == [8, 4, 4, 4, 12] && parts.iter().all(|part| hex(part)))
        || matches!(date.strip_prefix(b"0000-00-00"), Some(b"" | b"T" | b"t" | b"_"))
}

fn has_letters_and_digits(candidate: &[u8]) -> bool {
    candidate.iter().any(u8::is_ascii_alphabetic) && candidate.iter().any(u8::is_ascii_digit)
}

/// Whether a tokenizer that was trained on text and code knows the candidate by its parts.
pub(super) fn is_words(candidate: &[u8]) -> bool {
    // Rows of hexadecimal digits are no words, whatever runs of digits a tokenizer knows.
    if candidate.len() >= 16 && candidate.iter().all(u8::is_ascii_hexdigit) && has_letters_and_digits(candidate) {
        return false;
    }
    let Ok(text) = std::str::from_utf8(candidate) else {
        return true;
    };
    let tokens = bpe_openai::cl100k_base().count(text);
    text.chars().count() * 10 >= tokens * WORDS_RATIO
}

fn holds(text: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && text.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entropy_of_sixteen_different_bytes_is_four_bits() {
        assert!((entropy(b"0123456789abcdef") - 4.0).abs() < 1e-9);
        assert!(entropy(b"aaaa").abs() < 1e-9);
    }

    #[test]
    fn names_out_of_code_are_words() {
        for text in [
            "correct-horse-battery-staple",
            "com.example.service.TokenProvider2",
            "refresh_token_expired_401",
        ] {
            assert!(is_words(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn random_characters_are_no_words() {
        for text in ["q7Zp", "x9Lf"].map(|start| format!("{start}2KvB8sTn4WcR")) {
            assert!(!is_words(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_uuid_and_a_time_are_identifiers_and_hex_is_not() {
        assert!(is_identifier(b"550e8400-e29b-41d4-a716-446655440000"));
        assert!(is_identifier(b"2019-02-04T13:37:00.5Z"));
        assert!(is_identifier(b"urn:uuid:0a1b2c3d"));
        assert!(!is_identifier(b"burn:q7Zpx9LfKvB8sTn4"));
        assert!(!is_identifier(b"550e8400e29b41d4a716446655440000"));
    }

    #[test]
    fn an_alphabet_is_a_sequence() {
        assert!(is_sequence(b"abcdefghijklmnopqrstuvwxyz0123456789"));
        assert!(!is_sequence(b"q7Zpx9LfKvB8sTn4"));
    }
}
