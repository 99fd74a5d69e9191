//! Checksums that issuers put into their tokens, so that one can be told from a look-alike without asking them.

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use protocol::digest::Digest;
use serde::Deserialize;

/// How a token proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Checksum {
    /// GitHub's classic tokens and npm's: after the prefix, the last six characters are the CRC-32 of those before, in
    /// base 62.
    ///
    /// # Source
    /// GitHub's engineering blog, "Behind GitHub's new authentication token formats", 2021.
    Crc32Base62,
    /// GitHub's fine-grained tokens: of the last 16 characters, the first eight are those of the base-32 SHA-256 of all
    /// that comes before.
    GithubFineGrained,
    /// A JSON web token's first part is a JSON object with `alg`.
    ///
    /// # Source
    /// RFC 7515, section 4.1.1.
    JwtHeader,
}

/// What a checksum says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nobody makes this by chance.
    Valid,
    /// It has the form; a chance one could too.
    Plausible,
    /// It is not what the issuer would have made.
    Invalid,
}

impl Checksum {
    /// What the checksum says of `token`.
    pub(super) fn proof(self, token: &[u8]) -> Proof {
        let valid = match self {
            Self::Crc32Base62 => crc32_base62_holds(token),
            Self::GithubFineGrained => fine_grained_holds(token),
            Self::JwtHeader => {
                return if jwt_header_holds(token) {
                    Proof::Plausible
                } else {
                    Proof::Invalid
                };
            }
        };
        if valid { Proof::Valid } else { Proof::Invalid }
    }
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The CRC-32 of `body` in base 62, six characters.
pub(super) fn crc32_base62(body: &[u8]) -> [u8; 6] {
    let mut rest = crc32fast::hash(body) as usize;
    let mut out = [b'0'; 6];
    for digit in out.iter_mut().rev() {
        *digit = BASE62.get(rest % 62).copied().unwrap_or(b'0');
        rest /= 62;
    }
    out
}

/// The first eight characters of the base-32 SHA-256 of `body`.
pub(super) fn sha256_base32(body: &[u8]) -> String {
    let mut text = BASE32_NOPAD.encode(Digest::of(body).as_bytes());
    text.truncate(8);
    text
}

fn crc32_base62_holds(token: &[u8]) -> bool {
    let Some(prefix) = token.iter().position(|&byte| byte == b'_') else {
        return false;
    };
    let Some((body, sum)) = token.get(prefix + 1..).and_then(<[u8]>::split_last_chunk::<6>) else {
        return false;
    };
    crc32_base62(body) == *sum
}

fn fine_grained_holds(token: &[u8]) -> bool {
    let Some((body, tail)) = token.split_last_chunk::<16>() else {
        return false;
    };
    tail.starts_with(sha256_base32(body).as_bytes())
}

fn jwt_header_holds(token: &[u8]) -> bool {
    let header = token.split(|&byte| byte == b'.').next().unwrap_or_default();
    let Ok(header) = BASE64URL_NOPAD.decode(header) else {
        return false;
    };
    serde_json::from_slice::<serde_json::Value>(&header).is_ok_and(|header| header.get("alg").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_that_of_a_token_that_its_owner_published_and_revoked() {
        // https://gist.github.com/coolaj86/eb8cddfd3e4251258712dfed03e1f86d
        let body = ["zQWBuTSOoRi4A9", "spHcVY5ncnsDkxkJ"].concat();
        assert_eq!(&crc32_base62(body.as_bytes()), b"0mLq17");
    }

    #[test]
    fn the_crc_is_padded_with_zeros() {
        assert_eq!(&crc32_base62(b""), b"000000");
    }

    #[test]
    fn a_changed_character_makes_a_token_invalid() {
        let body = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5";
        let sum = String::from_utf8(crc32_base62(body.as_bytes()).to_vec()).unwrap();
        let token = format!("x_{body}{sum}");
        assert_eq!(Checksum::Crc32Base62.proof(token.as_bytes()), Proof::Valid);
        assert_eq!(
            Checksum::Crc32Base62.proof(token.replace('a', "b").as_bytes()),
            Proof::Invalid
        );
    }

    #[test]
    fn no_token_is_too_short_to_be_judged() {
        for token in ["", "x", "x_", "x_12345", "."] {
            for checksum in [Checksum::Crc32Base62, Checksum::GithubFineGrained, Checksum::JwtHeader] {
                assert_eq!(checksum.proof(token.as_bytes()), Proof::Invalid, "{token}");
            }
        }
    }
}
