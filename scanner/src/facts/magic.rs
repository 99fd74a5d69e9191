//! A file's type by its first bytes.
//!
//! Signatures that must not be missed are in a table of our own, checked before anything else; then text is told from
//! binary; only what is binary is shown to the `infer` crate, whose short signatures would claim many a text.

use infer::MatcherType;

use super::{Language, Type};
use crate::archive;

/// Bytes that the text test looks at.
const TEXT_HEAD: usize = 64 << 10;

/// Bytes beyond ASCII that a short text may have though they are no UTF-8: a name in an old encoding, a test of a parser. A program
/// has more of them, or bytes that no text has.
const HIGH_BYTES: usize = 16;

/// The type of a file called `path` that starts with `head`.
pub(super) fn detect(path: &str, head: &[u8]) -> Type {
    if head.is_empty() {
        return Type::Empty;
    }
    if let Some(kind) = signature(head) {
        return kind;
    }
    if let Some(kind) = Text::of(head) {
        return match kind {
            Text::EightBit => Type::Text(Language::of(path, head)),
            Text::Utf16 => Type::Utf16,
        };
    }
    binary(head)
}

/// Types that a few bytes tell for certain, also where the rest would be text.
fn signature(head: &[u8]) -> Option<Type> {
    let kind = match head {
        [0x7F, b'E', b'L', b'F', ..] => Type::Elf,
        [b'M', b'Z', ..] if is_dos_or_pe(head) => Type::Pe,
        [0, b'a', b's', b'm', ..] => Type::Wasm,
        [0xFE, 0xED, 0xFA, 0xCE | 0xCF, ..] | [0xCE | 0xCF, 0xFA, 0xED, 0xFE, ..] => Type::MachO,
        // A universal Mach-O's count of architectures stands where a class file has its version, from 45 on.
        [0xCA, 0xFE, 0xBA, 0xBE, a, b, c, d, ..] => match u32::from_be_bytes([*a, *b, *c, *d]) {
            0..45 => Type::MachO,
            _ => Type::JavaClass,
        },
        [_, 0x0B..=0x0F, 0x0D, 0x0A, 0..=3, 0, 0, 0, ..] | [0x03, 0xF3, 0x0D, 0x0A, ..] => Type::PythonBytecode,
        [b'B', b'C', 0xC0, 0xDE, ..] | [b'd', b'e', b'x', b'\n', b'0', ..] => Type::OtherBytecode,
        [b'P', b'K', 3, 4, ..] if is_office_zip(head) => Type::Office,
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => Type::Archive("zip"),
        [0x1F, 0x8B, 8, ..] => Type::Archive("gzip"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31 | 0x17, 0x41 | 0x72, ..] => Type::Archive("bzip2"),
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Type::Archive("xz"),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Type::Archive("zstd"),
        [0x04, 0x22, 0x4D, 0x18, ..] => Type::Archive("lz4"),
        [b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C, ..] => Type::Archive("7z"),
        [b'R', b'a', b'r', b'!', 0x1A, 0x07, ..] => Type::Archive("rar"),
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', b'\n', ..] => Type::Archive("ar"),
        [b'M', b'S', b'C', b'F', 0, 0, 0, 0, ..] => Type::Archive("cab"),
        [0xED, 0xAB, 0xEE, 0xDB, ..] => Type::Archive("rpm"),
        [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, ..] => Type::Office,
        [b'{', b'\\', b'r', b't', b'f', ..] => Type::Office,
        [b'%', b'P', b'D', b'F', b'-', ..] => Type::Pdf,
        [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Type::Image("png"),
        [0xFF, 0xD8, 0xFF, ..] => Type::Image("jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Type::Image("gif"),
        _ if head.starts_with(b"gimp xcf ") => Type::Image("xcf"),
        [b'8', b'B', b'P', b'S', 0, 1 | 2, ..] => Type::Image("psd"),
        [0, 0xFF, b'K', b'A', ..] => Type::Image("affinity"),
        _ if archive::starts_as_tar(head) => Type::Archive("tar"),
        _ if at(head, 0x8001, b"CD001") => Type::Archive("iso"),
        _ if at(head, 0, b"070701") || at(head, 0, b"070702") => Type::Archive("cpio"),
        _ => return None,
    };
    Some(kind)
}

/// Bytes that are no text, and of no type that [`signature`] knows.
fn binary(head: &[u8]) -> Type {
    let Some(guess) = infer::get(head) else {
        return Type::UnknownBinary;
    };
    match guess.matcher_type() {
        MatcherType::Image => Type::Image(guess.extension()),
        MatcherType::Font => Type::Font,
        MatcherType::Audio => Type::Audio,
        MatcherType::Video => Type::Video,
        MatcherType::Archive => Type::Archive(guess.extension()),
        MatcherType::Doc => Type::Office,
        // Its other signatures are two bytes long, or are types that no engine reads.
        _ => Type::UnknownBinary,
    }
}

/// `MZ` starts many a text; a program has zeros in its first 64 bytes, and no text has.
fn is_dos_or_pe(head: &[u8]) -> bool {
    head.iter().take(64).any(|&byte| byte == 0)
}

fn is_office_zip(head: &[u8]) -> bool {
    let start = head.get(..4096).unwrap_or(head);
    [
        &b"[Content_Types].xml"[..],
        b"word/",
        b"xl/workbook",
        b"ppt/",
        b"application/vnd.oasis.opendocument",
    ]
    .iter()
    .any(|&needle| start.windows(needle.len()).any(|window| window == needle))
}

fn at(head: &[u8], offset: usize, bytes: &[u8]) -> bool {
    head.get(offset..).is_some_and(|rest| rest.starts_with(bytes))
}

/// How a text is encoded.
enum Text {
    /// UTF-8, or mostly ASCII.
    EightBit,
    /// UTF-16 with a byte order mark.
    Utf16,
}

impl Text {
    /// How `head` is encoded if it is text.
    fn of(head: &[u8]) -> Option<Self> {
        if matches!(head, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) && is_utf16(head) {
            return Some(Self::Utf16);
        }
        let sample = head.get(..TEXT_HEAD).unwrap_or(head);
        if sample.contains(&0) {
            return None;
        }
        let controls = sample.iter().filter(|&&byte| is_odd_control(byte)).count();
        if controls * 50 > sample.len() {
            return None;
        }
        let valid = match std::str::from_utf8(sample) {
            Ok(_) => true,
            // A character cut in two by the sample's end is no error.
            Err(error) => error.error_len().is_none(),
        };
        let high = sample.iter().filter(|byte| !byte.is_ascii()).count();
        (valid || high <= HIGH_BYTES.max(sample.len() / 10)).then_some(Self::EightBit)
    }
}

/// Whether what follows the mark is UTF-16 of a text: no zero unit, and some unit from ASCII.
fn is_utf16(head: &[u8]) -> bool {
    let little = head.first() == Some(&0xFF);
    let units = head.chunks_exact(2).skip(1).take(2048).map(|unit| match unit {
        [a, b] if little => u16::from_le_bytes([*a, *b]),
        [a, b] => u16::from_be_bytes([*a, *b]),
        _ => 0,
    });
    let (mut all, mut ascii) = (0_usize, 0_usize);
    for unit in units {
        if unit == 0 {
            return false;
        }
        all += 1;
        ascii += usize::from(unit < 128);
    }
    all > 0 && ascii * 10 >= all
}

/// Controls that a text has no use for.
fn is_odd_control(byte: u8) -> bool {
    matches!(byte, 0..=8 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_elf_is_an_elf_whatever_it_is_called() {
        assert_eq!(detect("picture.png", b"\x7fELF\x02\x01\x01\0\0\0\0"), Type::Elf);
    }

    #[test]
    fn text_that_starts_with_mz_is_text() {
        assert_eq!(
            detect("MZ.md", b"MZ is the magic of a program, and this is a sentence."),
            Type::Text(Language::Markdown)
        );
    }

    #[test]
    fn a_class_file_and_a_universal_binary_share_a_magic_and_are_told_apart() {
        assert_eq!(
            detect("A.class", &[0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 61]),
            Type::JavaClass
        );
        assert_eq!(detect("a", &[0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 2]), Type::MachO);
    }

    #[test]
    fn compiled_python_is_known_by_its_first_eight_bytes() {
        assert_eq!(
            detect("x.txt", &[0xCB, 0x0D, 0x0D, 0x0A, 0, 0, 0, 0, 1, 2]),
            Type::PythonBytecode
        );
    }

    #[test]
    fn a_zip_with_a_word_document_in_it_is_an_office_file() {
        let mut head = b"PK\x03\x04".to_vec();
        head.extend([0; 26]);
        head.extend(b"[Content_Types].xml");
        assert_eq!(detect("a.docx", &head), Type::Office);
    }

    #[test]
    fn a_character_cut_by_the_end_of_the_head_is_still_text() {
        assert_eq!(detect("a.rs", &"// é".as_bytes()[..4]), Type::Text(Language::Rust));
    }

    #[test]
    fn latin_1_text_is_text() {
        assert_eq!(
            detect("a.c", b"/* caf\xe9, and enough ASCII around it */"),
            Type::Text(Language::C)
        );
    }

    #[test]
    fn a_few_wrong_bytes_make_a_short_text_no_binary_and_many_do() {
        assert_eq!(detect("input", b"[\"\xe5\"]\n"), Type::Text(Language::Unknown));
        assert_eq!(detect("input", b"[\xe5\0]\n"), Type::UnknownBinary);
        assert_eq!(detect("input", &[0xC7; 40]), Type::UnknownBinary);
    }

    #[test]
    fn utf_16_with_a_mark_is_known() {
        let text: Vec<u8> = "\u{feff}hello".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(detect("a.ps1", &text), Type::Utf16);
    }

    #[test]
    fn bytes_that_fit_nothing_are_unknown() {
        assert_eq!(
            detect("a.bin", &[0x00, 0x9c, 0x01, 0xfe, 0x00, 0x77]),
            Type::UnknownBinary
        );
    }
}
