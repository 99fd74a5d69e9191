//! Ed25519 keys: read from PKCS#8 PEM and OpenSSH files, named by their OpenSSH fingerprint.
//!
//! Verification is always strict (`verify_strict`): small-order keys and malleable signatures are refused.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64_NOPAD;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey};
use ed25519_dalek::{Signer, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::digest::Digest;

/// Why a key could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither PKCS#8 PEM nor an OpenSSH private key.
    #[error("no Ed25519 private key: PKCS#8 PEM or the OpenSSH format expected ({reason})")]
    NotAPrivateKey {
        /// What the parser said.
        reason: String,
    },
    /// An OpenSSH key under a passphrase.
    #[error("the private key is encrypted; a copy without passphrase is needed (ssh-keygen -p)")]
    Encrypted,
    /// Another algorithm than Ed25519.
    #[error("the key is {algorithm}, only ssh-ed25519 is used here (ssh-keygen -t ed25519)")]
    WrongAlgorithm {
        /// The algorithm's OpenSSH name.
        algorithm: String,
    },
    /// Neither an OpenSSH line nor a PEM public key.
    #[error("no Ed25519 public key: a line `ssh-ed25519 AAAA…` or PEM expected ({reason})")]
    NotAPublicKey {
        /// What the parser said.
        reason: String,
    },
    /// 32 bytes that are no point, or one of small order.
    #[error("the public key's bytes are not a usable Ed25519 key")]
    WeakKey,
    /// The signature does not fit key and message.
    #[error("the signature does not verify")]
    BadSignature,
    /// Not `SHA256:` and 43 characters of base64.
    #[error("no key fingerprint: SHA256:… as ssh-keygen -l prints it expected")]
    NotAFingerprint,
}

/// An Ed25519 private key; zeroised when dropped.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key made from 32 random bytes.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// Reads a PKCS#8 PEM (what openssl writes) or an OpenSSH private key without passphrase.
    ///
    /// # Errors
    /// [`KeyError`] saying what the text is instead; it never contains the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.contains("BEGIN OPENSSH") {
            return Self::parse_openssh(text);
        }
        ed25519_dalek::SigningKey::from_pkcs8_pem(text.trim())
            .map(Self)
            .map_err(|error| KeyError::NotAPrivateKey {
                reason: error.to_string(),
            })
    }

    fn parse_openssh(text: &str) -> Result<Self, KeyError> {
        let key = ssh_key::PrivateKey::from_openssh(text).map_err(|error| KeyError::NotAPrivateKey {
            reason: error.to_string(),
        })?;
        if key.is_encrypted() {
            return Err(KeyError::Encrypted);
        }
        match key.key_data() {
            ssh_key::private::KeypairData::Ed25519(pair) => Ok(Self::from_seed(pair.private.to_bytes())),
            _ => Err(KeyError::WrongAlgorithm {
                algorithm: key.algorithm().to_string(),
            }),
        }
    }

    /// The key as PKCS#8 PEM.
    #[must_use]
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        self.0
            .to_pkcs8_pem(LineEnding::LF)
            .expect("an Ed25519 key is 32 bytes and always has a PKCS#8 form")
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs `message`; the same message gives the same signature.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().fingerprint())
    }
}

/// An Ed25519 public key that is not of small order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key with these 32 bytes.
    ///
    /// # Errors
    /// [`KeyError::WeakKey`] if they are no point of the curve, or one of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(KeyError::WeakKey),
        }
    }

    /// The 32 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Reads `ssh-ed25519 AAAA… [comment]` or a PEM public key.
    ///
    /// # Errors
    /// [`KeyError`] saying what the text is instead.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.starts_with("-----BEGIN PUBLIC KEY") {
            return VerifyingKey::from_public_key_pem(text)
                .map_err(|error| KeyError::NotAPublicKey {
                    reason: error.to_string(),
                })
                .and_then(|key| Self::from_bytes(&key.to_bytes()));
        }
        let key = ssh_key::PublicKey::from_openssh(text).map_err(|error| KeyError::NotAPublicKey {
            reason: error.to_string(),
        })?;
        match key.key_data() {
            ssh_key::public::KeyData::Ed25519(key) => Self::from_bytes(&key.0),
            _ => Err(KeyError::WrongAlgorithm {
                algorithm: key.algorithm().to_string(),
            }),
        }
    }

    /// As an OpenSSH line, without line end; an empty comment is left out.
    #[must_use]
    pub fn to_openssh(&self, comment: &str) -> String {
        let blob = data_encoding::BASE64.encode(&self.openssh_blob());
        match comment {
            "" => format!("ssh-ed25519 {blob}"),
            _ => format!("ssh-ed25519 {blob} {comment}"),
        }
    }

    /// The key's name for people, as `ssh-keygen -l` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Digest::of(&self.openssh_blob()))
    }

    /// The key's name in announces.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        let Digest([a, b, c, d, e, f, g, h, ..]) = Digest::of(self.0.as_bytes());
        KeyId([a, b, c, d, e, f, g, h])
    }

    /// Verifies strictly.
    ///
    /// # Errors
    /// [`KeyError::BadSignature`] if the signature does not fit.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), KeyError> {
        self.0
            .verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0))
            .map_err(|_| KeyError::BadSignature)
    }

    /// The key in SSH's binary form: two strings, each behind its length.
    ///
    /// # Source
    /// RFC 8709, section 4.
    fn openssh_blob(&self) -> Vec<u8> {
        const NAME: &[u8] = b"ssh-ed25519";
        let mut blob = Vec::with_capacity(4 + NAME.len() + 4 + 32);
        blob.extend_from_slice(&11u32.to_be_bytes());
        blob.extend_from_slice(NAME);
        blob.extend_from_slice(&32u32.to_be_bytes());
        blob.extend_from_slice(self.0.as_bytes());
        blob
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

/// The 64 bytes of an Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({}…)", Digest::of(&self.0).short())
    }
}

/// SHA-256 of a key in SSH's binary form, written `SHA256:` and base64 without padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(Digest);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", BASE64_NOPAD.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        text.strip_prefix("SHA256:")
            .and_then(|base64| BASE64_NOPAD.decode(base64.as_bytes()).ok())
            .and_then(|bytes| bytes.try_into().ok())
            .map(|bytes| Self(Digest(bytes)))
            .ok_or(KeyError::NotAFingerprint)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The first eight bytes of the SHA-256 of a public key: says which pinned link key signed, and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed([7; 32])
    }

    #[test]
    fn a_key_reads_back_from_its_pem() {
        let read = SigningKey::parse(&key().to_pkcs8_pem()).unwrap();
        assert_eq!(read.public(), key().public());
    }

    #[test]
    fn a_key_reads_back_from_the_openssh_format() {
        let mut bytes = [7; 64];
        bytes[32..].copy_from_slice(&key().public().to_bytes());
        let pair = ssh_key::private::Ed25519Keypair::from_bytes(&bytes).unwrap();
        let pair = ssh_key::private::KeypairData::Ed25519(pair);
        let pem = ssh_key::PrivateKey::new(pair, "test")
            .unwrap()
            .to_openssh(LineEnding::LF)
            .unwrap();
        assert_eq!(SigningKey::parse(&pem).unwrap().public(), key().public());
    }

    #[test]
    fn a_public_key_reads_back_from_its_line() {
        let line = key().public().to_openssh("alice@lab");
        assert!(line.ends_with(" alice@lab"));
        assert_eq!(PublicKey::parse(&line).unwrap(), key().public());
    }

    #[test]
    fn the_fingerprint_is_the_one_of_openssh() {
        let line = key().public().to_openssh("");
        let theirs = ssh_key::PublicKey::from_openssh(&line)
            .unwrap()
            .fingerprint(ssh_key::HashAlg::Sha256);
        assert_eq!(key().public().fingerprint().to_string(), theirs.to_string());
    }

    #[test]
    fn a_fingerprint_reads_back() {
        let fingerprint = key().public().fingerprint();
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    }

    #[test]
    fn a_signature_over_another_message_does_not_verify() {
        let signature = key().sign(b"one");
        assert_eq!(key().public().verify(b"one", &signature), Ok(()));
        assert_eq!(key().public().verify(b"two", &signature), Err(KeyError::BadSignature));
    }

    #[test]
    fn a_key_of_small_order_is_refused() {
        // The identity point: y = 1.
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(&identity).unwrap_err(), KeyError::WeakKey);
    }

    #[test]
    fn text_that_is_no_key_is_an_error_without_the_text() {
        let error = SigningKey::parse("hunter2").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
