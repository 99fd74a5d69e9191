//! Checksums that issuers put into their tokens, so that one can be told from a look-alike without asking them.

use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL_NOPAD};
use protocol::digest::Digest;
use serde::Deserialize;

use super::candidate::is_words;

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
    /// GitLab's routable tokens: after the last dot two characters of length and the CRC-32 of all that comes before it, in
    /// base 36, seven characters. Tokens of the older form have no dot.
    ///
    /// # Source
    /// GitLab's handbook, "Cells: Routable Tokens".
    GitlabRoutable,
    /// Atlassian's tokens: the last eight characters are the CRC-32 of those before, in upper-case hex.
    AtlassianCrc32,
    /// HTTP's basic credentials are a name, a colon and a password in base 64.
    ///
    /// # Source
    /// RFC 7617, section 2.
    BasicCredentials,
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
            Self::AtlassianCrc32 => {
                let parts = token.split_last_chunk::<8>();
                parts.is_some_and(|(body, sum)| crc32_hex(body).as_bytes() == sum)
            }
            Self::GitlabRoutable => match routable_holds(token) {
                None => return Proof::Plausible,
                Some(valid) => valid,
            },
            Self::BasicCredentials if basic_holds(token) => return Proof::Plausible,
            Self::BasicCredentials => false,
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
    in_base(crc32fast::hash(body), BASE62)
}

/// The CRC-32 of `body` in base 36, seven characters.
pub(super) fn crc32_base36(body: &[u8]) -> [u8; 7] {
    in_base(crc32fast::hash(body), b"0123456789abcdefghijklmnopqrstuvwxyz")
}

/// The CRC-32 of `body` in upper-case hex, eight characters.
pub(super) fn crc32_hex(body: &[u8]) -> String {
    format!("{:08X}", crc32fast::hash(body))
}

/// A number in as many digits as there is room for, zeros in front.
fn in_base<const N: usize>(number: u32, digits: &[u8]) -> [u8; N] {
    let mut rest = number as usize;
    let mut out = [b'0'; N];
    for digit in out.iter_mut().rev() {
        *digit = digits.get(rest % digits.len()).copied().unwrap_or(b'0');
        rest /= digits.len();
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

/// Whether the CRC of a routable token is right; `None` for a token of the older form.
fn routable_holds(token: &[u8]) -> Option<bool> {
    let (body, sum) = token.split_last_chunk::<7>()?;
    let (_, dot) = body.split_last_chunk::<3>()?;
    (dot.first() == Some(&b'.')).then(|| crc32_base36(body) == *sum)
}

fn basic_holds(token: &[u8]) -> bool {
    let Ok(text) = BASE64.decode(token) else { return false };
    let Some(colon) = text.iter().position(|&byte| byte == b':') else {
        return false;
    };
    // A password of words is one of an example.
    let password = text.get(colon + 1..).unwrap_or_default();
    text.iter().all(|byte| !byte.is_ascii_control()) && !is_words(password)
}

fn jwt_header_holds(token: &[u8]) -> bool {
    let mut parts = token.split(|&byte| byte == b'.').map(|part| {
        let json = BASE64URL_NOPAD.decode(part).ok()?;
        serde_json::from_slice::<serde_json::Value>(&json).ok()
    });
    let header = parts.next().flatten();
    let claims = parts.next().flatten();
    header.is_some_and(|header| header.get("alg").is_some()) && !claims.is_some_and(|claims| is_of_no_use(&claims))
}

/// Whether a token expired before this program was written, or is the one of the standard's page for trying it out.
fn is_of_no_use(claims: &serde_json::Value) -> bool {
    /// 2025-01-01 in seconds since 1970.
    const LONG_AGO: f64 = 1_735_689_600.0;
    let expires = claims.get("exp").and_then(serde_json::Value::as_f64);
    expires.is_some_and(|expires| expires < LONG_AGO)
        || claims.get("sub").and_then(serde_json::Value::as_str) == Some("1234567890")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web_token(claims: &str) -> Vec<u8> {
        let part = |json: &str| BASE64URL_NOPAD.encode(json.as_bytes());
        format!("{}.{}.c2ln", part("{\"alg\":\"HS256\"}"), part(claims)).into_bytes()
    }

    #[test]
    fn a_web_token_that_expired_long_ago_or_is_the_standard_example_is_no_proof() {
        let proof = |claims: &str| Checksum::JwtHeader.proof(&web_token(claims));
        assert_eq!(proof("{\"sub\":\"a\",\"exp\":1516239022}"), Proof::Invalid);
        assert_eq!(proof("{\"sub\":\"1234567890\"}"), Proof::Invalid);
        assert_eq!(proof("{\"sub\":\"a\",\"exp\":4102444800}"), Proof::Plausible);
    }

    #[test]
    fn a_password_of_words_in_a_header_is_no_proof() {
        let proof = |pair: &str| Checksum::BasicCredentials.proof(BASE64.encode(pair.as_bytes()).as_bytes());
        assert_eq!(proof("admin:password"), Proof::Invalid);
        assert_eq!(proof(&format!("admin:{}{}", "q7Zpx9Lf", "KvB8sTn4")), Proof::Plausible);
    }

    #[test]
    fn the_crc_is_that_of_a_token_that_its_owner_published_and_revoked() {
        // https://gist.github.com/coolaj86/eb8cddfd3e4251258712dfed03e1f86d
        let body = ["zQWBuTSOoRi4A9", "spHcVY5ncnsDkxkJ"].concat();
        assert_eq!(&crc32_base62(body.as_bytes()), b"0mLq17");
    }

    #[test]
    fn the_crc_of_a_routable_token_is_that_of_the_handbook() {
        // The shortest token in "Cells: Routable Tokens".
        let token = ["bzoxd_Rb5_cHeWe", "1JH56wr2FCBA.0r1pum4t4"].concat();
        assert_eq!(Checksum::GitlabRoutable.proof(token.as_bytes()), Proof::Valid);
        let other = token.replace("Rb5", "Rb6");
        assert_eq!(Checksum::GitlabRoutable.proof(other.as_bytes()), Proof::Invalid);
        assert_eq!(
            Checksum::GitlabRoutable.proof(b"an-older-token-of-20"),
            Proof::Plausible
        );
    }

    #[test]
    fn the_crc_in_hex_is_the_check_value_of_the_polynomial() {
        assert_eq!(crc32_hex(b"123456789"), "CBF43926");
        assert_eq!(Checksum::AtlassianCrc32.proof(b"123456789CBF43926"), Proof::Valid);
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
