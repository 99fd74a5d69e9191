//! Checkpoints: the log's name, size and root, signed as a note.
//!
//! ```text
//! plant-7/audit                                  ┐ body, signed: origin, size, root in base64
//! 118                                            │
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=   ┘
//!                                                  blank line
//! — plant-7/audit Az3grlgtzPICa5OS…=               em dash, key name, base64(key id ‖ signature)
//! ```
//!
//! The key's text form is `name+hex(key id)+base64(0x01 ‖ public key)`, and the key id the first four bytes of
//! SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key).
//!
//! Always true: the same key, origin, size and root give the same bytes; a body that is not written back the same does
//! not parse.
//!
//! # Source
//! C2SP signed-note and tlog-checkpoint.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};
use protocol::digest::{Digest, Hasher};
use protocol::keys::{PublicKey, Signature, SigningKey};

/// A log's public key with the name it signs under: what a verifier must have from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vkey {
    name: String,
    key: PublicKey,
}

/// Why a note or a key's text is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// A name that a signature line cannot carry.
    #[error(
        "{name:?} cannot name a log: it must not be empty, over {MAX_NAME_LEN} bytes, or have a space, control character or +"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// Not `name+hash+base64`, or with a hash that does not belong to it.
    #[error("not a log key of the form name+hash+base64: {reason}")]
    Vkey {
        /// What is wrong.
        reason: &'static str,
    },
    /// Not a body, a blank line and signature lines.
    #[error("not a signed note: {reason}")]
    Malformed {
        /// What is wrong.
        reason: &'static str,
    },
    /// Not origin, size and root.
    #[error("not a checkpoint: {reason}")]
    Body {
        /// What is wrong.
        reason: &'static str,
    },
    /// Signed by other keys only.
    #[error("no signature by {vkey}")]
    NotSigned {
        /// The key that was looked for.
        vkey: String,
    },
    /// The signature does not belong to this body.
    #[error("the signature by {vkey} does not verify")]
    BadSignature {
        /// The key that should have signed.
        vkey: String,
    },
    /// Signed, but the checkpoint of another log.
    #[error("this is the checkpoint of {found:?}, not of {expected:?}")]
    OtherLog {
        /// The key's name.
        expected: String,
        /// The checkpoint's origin.
        found: String,
    },
}

impl Vkey {
    /// The key under this name.
    ///
    /// # Errors
    /// [`NoteError::Name`] if no signature line could carry the name.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, NoteError> {
        let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if name.is_empty() || name.len() > MAX_NAME_LEN || name.contains(forbidden) {
            return Err(NoteError::Name { name: name.to_owned() });
        }
        Ok(Self {
            name: name.to_owned(),
            key,
        })
    }

    /// The name, which is the log's origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key alone.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The four bytes that say in a signature line which key signed.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let mut hasher = Hasher::new();
        hasher.update(self.name.as_bytes());
        hasher.update(&[b'\n', ED25519]);
        hasher.update(&self.key.to_bytes());
        let Digest([a, b, c, d, ..]) = hasher.finish();
        [a, b, c, d]
    }

    /// Reads the text form, with or without a line end.
    ///
    /// # Errors
    /// [`NoteError`], also if the hash does not belong to name and key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let fail = |reason| NoteError::Vkey { reason };
        let text = text.strip_suffix('\n').unwrap_or(text);
        let (name, rest) = text.split_once('+').ok_or(fail("no + after the name"))?;
        let (hash, data) = rest.split_once('+').ok_or(fail("no + after the hash"))?;
        let data = BASE64
            .decode(data.as_bytes())
            .map_err(|_| fail("the key is not base64"))?;
        let Some((&ED25519, key)) = data.split_first() else {
            return Err(fail("the key is not of type 1, Ed25519"));
        };
        let key: [u8; 32] = key.try_into().map_err(|_| fail("the key is not 32 bytes"))?;
        let key = PublicKey::from_bytes(&key).map_err(|_| fail("the key is not a usable Ed25519 key"))?;
        let vkey = Self::new(name, key)?;
        if HEXLOWER.encode(&vkey.id()) == hash {
            Ok(vkey)
        } else {
            Err(fail("the hash does not belong to name and key"))
        }
    }

    /// The body of a note, if this key signed it.
    fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let fail = |reason| NoteError::Malformed { reason };
        if note.len() > MAX_NOTE_LEN {
            return Err(fail("longer than a checkpoint can be"));
        }
        if note.contains(|c: char| c < ' ' && c != '\n') {
            return Err(fail("a control character"));
        }
        let split = note.rfind("\n\n").ok_or(fail("no blank line before the signatures"))?;
        let (body, signatures) = note.split_at(split + 1);
        let lines = signatures.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let mut signed = false;
        for line in lines.ok_or(fail("no line end after the last signature"))?.split('\n') {
            let (name, data) = line
                .strip_prefix("— ")
                .and_then(|line| line.split_once(' '))
                .ok_or(fail("a signature line is not `— name base64`"))?;
            let data = BASE64
                .decode(data.as_bytes())
                .map_err(|_| fail("a signature is not base64"))?;
            let (id, signature) = data.split_first_chunk::<4>().ok_or(fail("a signature is too short"))?;
            // Other keys, such as a second host's, may sign too, and are not ours to judge.
            if name == self.name && *id == self.id() {
                self.check(body, signature)?;
                signed = true;
            }
        }
        if signed {
            Ok(body)
        } else {
            Err(NoteError::NotSigned { vkey: self.to_string() })
        }
    }

    fn check(&self, body: &str, signature: &[u8]) -> Result<(), NoteError> {
        signature
            .try_into()
            .ok()
            .and_then(|signature| self.key.verify(body.as_bytes(), &Signature(signature)).ok())
            .ok_or_else(|| NoteError::BadSignature { vkey: self.to_string() })
    }
}

impl fmt::Display for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut data = vec![ED25519];
        data.extend_from_slice(&self.key.to_bytes());
        write!(
            f,
            "{}+{}+{}",
            self.name,
            HEXLOWER.encode(&self.id()),
            BASE64.encode(&data)
        )
    }
}

impl FromStr for Vkey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        Self::parse(text)
    }
}

/// A tree's size and root under the log's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Digest,
    note: String,
}

impl Checkpoint {
    /// Signs size and root. The same arguments give the same bytes.
    ///
    /// # Errors
    /// [`NoteError::Name`] if `origin` cannot name a log.
    pub fn sign(origin: &str, size: u64, root: Digest, key: &SigningKey) -> Result<Self, NoteError> {
        let vkey = Vkey::new(origin, key.public())?;
        let body = body(origin, size, &root);
        let mut data = vkey.id().to_vec();
        data.extend_from_slice(&key.sign(body.as_bytes()).0);
        let note = format!("{body}\n— {origin} {}\n", BASE64.encode(&data));
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
            note,
        })
    }

    /// Reads a checkpoint that `vkey` signed. Signatures of other keys are skipped.
    ///
    /// # Errors
    /// [`NoteError`], also for extension lines: this log writes none.
    pub fn open(note: &str, vkey: &Vkey) -> Result<Self, NoteError> {
        let signed = vkey.open(note)?;
        let fail = |reason| NoteError::Body { reason };
        let mut lines = signed.split('\n');
        let origin = lines
            .next()
            .filter(|origin| !origin.is_empty())
            .ok_or(fail("no origin"))?;
        let size = lines.next().and_then(|size| size.parse().ok()).ok_or(fail("no size"))?;
        let root = lines.next().and_then(|root| BASE64.decode(root.as_bytes()).ok());
        let root = root
            .and_then(|root| root.try_into().ok())
            .map(Digest)
            .ok_or(fail("no root of 32 bytes"))?;
        if body(origin, size, &root) != signed {
            return Err(fail("more than origin, size and root, or another spelling of them"));
        }
        if origin != vkey.name {
            return Err(NoteError::OtherLog {
                expected: vkey.name.clone(),
                found: origin.to_owned(),
            });
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
            note: note.to_owned(),
        })
    }

    /// The log's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Entries in the tree.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The tree's root.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The signed note: the bytes of the file `checkpoint`.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

fn body(origin: &str, size: u64, root: &Digest) -> String {
    format!("{origin}\n{size}\n{}\n", BASE64.encode(root.as_bytes()))
}

/// The note's algorithm number of Ed25519.
const ED25519: u8 = 0x01;
const MAX_NAME_LEN: usize = 255;
/// Room for sixteen signatures by other keys, large ones too.
pub(crate) const MAX_NOTE_LEN: usize = 128 * 1024;

#[cfg(test)]
#[path = "note_tests.rs"]
mod tests;
