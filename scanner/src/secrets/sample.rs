//! Samples of secrets, put together when they are used, so that no file here holds one.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::Deserialize;

use super::checksum;

/// A part of a sample.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Part {
    /// The text itself.
    Text(String),
    /// Characters that look random and are the same each time.
    Random(Random),
    /// A checksum over the last so many characters.
    Crc32 { crc32_base62: usize },
    /// A checksum over the last so many characters.
    Crc32Base36 { crc32_base36: usize },
    /// A checksum over the last so many characters.
    Crc32Hex { crc32_hex: usize },
    /// A checksum over the last so many characters.
    Sha256 { sha256_base32: usize },
    /// The text in base 64, with padding.
    Padded { base64: String },
    /// The text in base 64 for URLs.
    Encoded { base64url: String },
}

/// `len` characters of an alphabet.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Random {
    random: Alphabet,
    len: usize,
    seed: u64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Alphabet {
    Base32,
    Base58,
    Base62,
    Base64,
    Base64url,
    Bech32,
    Bech32Lower,
    Digits,
    Hex,
    Letters,
    LowerDigits,
    UpperDigits,
    UpperHex,
}

impl Alphabet {
    fn characters(self) -> &'static [u8] {
        match self {
            Self::Base32 => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
            Self::Base58 => b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
            Self::Base62 => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            Self::Base64 => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
            Self::Base64url => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
            Self::Bech32 => b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
            Self::Bech32Lower => b"qpzry9x8gf2tvdw0s3jn54khce6mua7l",
            Self::Digits => b"0123456789",
            Self::Hex => b"0123456789abcdef",
            Self::Letters => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            Self::LowerDigits => b"0123456789abcdefghijklmnopqrstuvwxyz",
            Self::UpperDigits => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            Self::UpperHex => b"0123456789ABCDEF",
        }
    }
}

/// Puts a sample together.
pub(super) fn build(parts: &[Part]) -> String {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Random(random) => out.extend(characters(random)),
            Part::Crc32 { crc32_base62 } => {
                let sum = checksum::crc32_base62(tail(&out, *crc32_base62));
                out.extend(sum.map(char::from));
            }
            Part::Crc32Base36 { crc32_base36 } => {
                let sum = checksum::crc32_base36(tail(&out, *crc32_base36));
                out.extend(sum.map(char::from));
            }
            Part::Crc32Hex { crc32_hex } => {
                let sum = checksum::crc32_hex(tail(&out, *crc32_hex));
                out.push_str(&sum);
            }
            Part::Sha256 { sha256_base32 } => {
                let sum = checksum::sha256_base32(tail(&out, *sha256_base32));
                out.push_str(&sum);
            }
            Part::Padded { base64 } => out.push_str(&BASE64.encode(base64.as_bytes())),
            Part::Encoded { base64url } => out.push_str(&BASE64URL_NOPAD.encode(base64url.as_bytes())),
        }
    }
    out
}

fn tail(text: &str, len: usize) -> &[u8] {
    text.as_bytes()
        .get(text.len().saturating_sub(len)..)
        .unwrap_or_default()
}

/// SplitMix64: every seed gives another row, the same each time.
fn characters(random: &Random) -> impl Iterator<Item = char> {
    let alphabet = random.random.characters();
    let mut state = random.seed;
    (0..random.len).filter_map(move |_| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        alphabet
            .get((mixed % alphabet.len() as u64) as usize)
            .map(|&byte| char::from(byte))
    })
}
