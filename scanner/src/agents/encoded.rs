//! Text that is written so that only programs read it: in tag characters, in variation selectors, in zero-width
//! characters as bits, in base 64.
//!
//! *structure* names the unseen characters themselves; here they are only read, and what they say is judged.

use data_encoding::{BASE64, BASE64_NOPAD};

use super::plain::is_variation_selector;

/// A text that was read out of its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decoded {
    /// What it says.
    pub(super) text: String,
    /// Bytes of the code.
    pub(super) len: usize,
    /// How it was written, after "written in".
    pub(super) code: &'static str,
}

/// Unseen characters in a row that are read at most.
const MAX_UNSEEN: usize = 16 << 10;
/// The shortest text that is judged.
const MIN_TEXT: usize = 8;
/// Digits of base 64 that are read: fewer say too little, more are a picture or a program.
const BASE64_LEN: std::ops::RangeInclusive<usize> = 32..=(8 << 10);

/// Reads the unseen characters that `rest` starts with; the length is theirs even if they say nothing.
pub(super) fn unseen(rest: &[u8]) -> (usize, Option<Decoded>) {
    let (mut run, mut len) = (Vec::new(), 0);
    while let Some(character) = rest.get(len..).and_then(first_character)
        && is_code(character)
        && run.len() < MAX_UNSEEN
    {
        run.push(character);
        len += character.len_utf8();
    }
    if run.len() < MIN_TEXT {
        return (len, None);
    }
    let tags = run.iter().filter_map(|&c| tag(c)).collect::<String>();
    let selectors: Vec<u8> = run.iter().filter_map(|&c| selector(c)).collect();
    let decoded = if tags.len() >= MIN_TEXT {
        Some((tags, "tag characters"))
    } else if let Some(text) = readable(selectors) {
        Some((text, "variation selectors"))
    } else {
        bits(&run).map(|text| (text, "zero-width characters"))
    };
    (len, decoded.map(|(text, code)| Decoded { text, len, code }))
}

/// The character that `bytes` start with.
pub(super) fn first_character(bytes: &[u8]) -> Option<char> {
    let head = bytes.get(..bytes.len().min(4)).unwrap_or_default();
    head.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next())
}

/// Reads the digits of base 64 that `rest` starts with, if they are text.
pub(super) fn base64(rest: &[u8]) -> (usize, Option<Decoded>) {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let digits = rest.iter().take_while(|byte| is_digit(byte)).count();
    if !BASE64_LEN.contains(&digits) {
        return (digits, None);
    }
    let padding = rest
        .iter()
        .skip(digits)
        .take(2)
        .take_while(|&&byte| byte == b'=')
        .count();
    let len = digits + padding;
    let code = rest.get(..len).unwrap_or_default();
    let bytes = BASE64
        .decode(code)
        .or_else(|_| BASE64_NOPAD.decode(code.get(..digits).unwrap_or_default()));
    let text = bytes.ok().and_then(readable);
    let decoded = text.map(|text| Decoded {
        text,
        len,
        code: "base 64",
    });
    (len, decoded)
}

/// The text that `bytes` are, if they are one that people could read.
fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let odd = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    (text.len() >= MIN_TEXT && !odd).then_some(text)
}

fn is_code(character: char) -> bool {
    matches!(character, '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
        || is_variation_selector(character)
}

fn tag(character: char) -> Option<char> {
    let code = u32::from(character).checked_sub(0xE_0000)?;
    char::from_u32(code).filter(|c| matches!(c, ' '..='~' | '\n'))
}

/// The byte that a variation selector stands for: the first sixteen, then the other 240.
fn selector(character: char) -> Option<u8> {
    let code = match character {
        '\u{FE00}'..='\u{FE0F}' => u32::from(character) - 0xFE00,
        '\u{E0100}'..='\u{E01EF}' => u32::from(character) - 0xE_0100 + 16,
        _ => return None,
    };
    u8::try_from(code).ok()
}

/// The text whose bits two zero-width characters spell, eight to a byte, whichever of the two is the one.
fn bits(run: &[char]) -> Option<String> {
    const PAIRS: [(char, char); 4] = [
        ('\u{200B}', '\u{200C}'),
        ('\u{200C}', '\u{200D}'),
        ('\u{200B}', '\u{200D}'),
        ('\u{200B}', '\u{FEFF}'),
    ];
    let read = |zero: char, one: char| {
        let bits: Vec<u8> = run
            .iter()
            .filter_map(|&c| if c == one { Some(1) } else { (c == zero).then_some(0) })
            .collect();
        let bytes = bits
            .chunks_exact(8)
            .map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit));
        readable(bytes.collect())
    };
    PAIRS.iter().find_map(|&(a, b)| read(a, b).or_else(|| read(b, a)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_selectors_and_zero_width_bits_are_read() {
        let tags: String = "hello you"
            .bytes()
            .filter_map(|b| char::from_u32(0xE_0000 + u32::from(b)))
            .collect();
        let selectors: String = "hello you"
            .bytes()
            .filter_map(|b| char::from_u32(0xE_0100 + u32::from(b) - 16))
            .collect();
        let bits: String = "hello you"
            .bytes()
            .flat_map(|b| {
                (0..8)
                    .rev()
                    .map(move |bit| if b >> bit & 1 == 1 { '\u{200C}' } else { '\u{200B}' })
            })
            .collect();
        for code in [tags, selectors, bits] {
            assert_eq!(unseen(code.as_bytes()).1.unwrap().text, "hello you");
        }
    }

    #[test]
    fn an_emoji_with_its_selector_says_nothing() {
        assert_eq!(unseen("\u{FE0F}x".as_bytes()), (3, None));
    }

    #[test]
    fn base_64_of_text_is_read_and_of_a_picture_is_not() {
        let code = BASE64.encode(b"this is a text that is long enough");
        assert_eq!(
            base64(code.as_bytes()).1.unwrap().text,
            "this is a text that is long enough"
        );
        let code = BASE64.encode(&[0x89, b'P', b'N', b'G', 0, 1, 2, 3].repeat(9));
        assert_eq!(base64(code.as_bytes()).1, None);
    }
}
