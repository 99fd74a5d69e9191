//! The DSSE envelope around a statement: payload and signatures.
//!
//! ```text
//! {"payload": base64, "payloadType": "application/vnd.in-toto+json", "signatures": [{"keyid": "SHA256:…", "sig": base64}, …]}
//! signed:  "DSSEv1" SP 28 SP payloadType SP len(payload) SP payload                               (the PAE)
//! ```
//!
//! Read as DSSE 1.0.2 says (either base64 alphabet, `keyid` optional and a hint only), but for one thing: unknown fields are refused, not
//! ignored, and what stands around the payload is limited to [`MAX_ENVELOPE_ROOM`]. No signature covers those bytes, and nobody looks at
//! them: whoever holds the link must not be able to carry anything across in them.
//!
//! The payload is decoded once, into the place where the PAE needs it, so that a large head is not copied to be verified.

use std::borrow::Cow;

use data_encoding::{BASE64, BASE64URL};
use serde::{Deserialize, Serialize};

use super::BundleError;
use super::strict_json::{Bounded, Object};
use crate::digest::{BundleId, Digest};
use crate::keys::Signature;
use crate::limits::{MAX_HEAD_LEN, MAX_SIGNATURES};
use crate::path::characters::escaped;

/// What the payload is.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// Bytes of an envelope besides its payload's base64: enough for eight signatures, indented.
pub const MAX_ENVELOPE_ROOM: usize = 4096;

/// Bytes of a key id; a fingerprint has 50.
pub const MAX_KEYID_LEN: usize = 128;

/// A payload and who claims to have signed it; nothing here has been verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The PAE, which ends with the payload.
    message: Vec<u8>,
    payload_at: usize,
    signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// Says which key to try, and proves nothing; here the signer's OpenSSH fingerprint. May be empty.
    pub keyid: String,
    /// The signature over the PAE.
    pub sig: Signature,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeJson<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
    #[serde(borrow, rename = "payloadType")]
    payload_type: Cow<'a, str>,
    #[serde(borrow)]
    signatures: Bounded<Object<SignatureJson<'a>>, MAX_SIGNATURES>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureJson<'a> {
    #[serde(borrow, default)]
    keyid: Cow<'a, str>,
    #[serde(borrow)]
    sig: Cow<'a, str>,
}

impl Envelope {
    /// Reads an envelope; the payload is not looked into.
    ///
    /// # Errors
    /// [`BundleError`] saying what is wrong with the envelope.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let len = bytes.len() as u64;
        if len > MAX_HEAD_LEN {
            return Err(BundleError::HeadTooLong { len });
        }
        let Object::<EnvelopeJson<'_>>(json) =
            serde_json::from_slice(bytes).map_err(|error| BundleError::envelope_json(&error))?;
        let room = bytes.len().saturating_sub(json.payload.len());
        if room > MAX_ENVELOPE_ROOM {
            return Err(BundleError::EnvelopeRoom { room });
        }
        if json.payload_type != PAYLOAD_TYPE {
            return Err(BundleError::PayloadType {
                found: escaped(&json.payload_type).to_string(),
            });
        }
        let Bounded(signatures) = &json.signatures;
        if signatures.is_empty() {
            return Err(BundleError::SignatureCount { count: 0 });
        }
        let signatures = signatures
            .iter()
            .enumerate()
            .map(|(at, Object(json))| EnvelopeSignature::read(json, at + 1))
            .collect::<Result<_, _>>()?;
        let payload_len = decoded_len(&json.payload).ok_or(BundleError::Base64 { field: "payload" })?;
        let mut message = pae_start(payload_len);
        let payload_at = message.len();
        append_base64(&json.payload, &mut message).ok_or(BundleError::Base64 { field: "payload" })?;
        Ok(Self {
            message,
            payload_at,
            signatures,
        })
    }

    /// An envelope without signatures, for the one who signs.
    pub(super) fn unsigned(payload: &[u8]) -> Self {
        let mut message = pae_start(payload.len());
        let payload_at = message.len();
        message.extend_from_slice(payload);
        Self {
            message,
            payload_at,
            signatures: Vec::new(),
        }
    }

    /// The same payload with those of its signatures that are to be kept.
    pub(super) fn with_only(&self, keep: impl FnMut(&EnvelopeSignature) -> bool) -> Self {
        let mut envelope = self.clone();
        envelope.signatures.retain(keep);
        envelope
    }

    pub(super) fn add_signature(&mut self, signature: EnvelopeSignature) {
        self.signatures.push(signature);
    }

    /// The same payload with these signatures behind its own, and in the place of those that have their key ids.
    ///
    /// # Errors
    /// [`BundleError::SignatureCount`] if that is more than eight.
    pub fn with_signatures(&self, further: impl IntoIterator<Item = EnvelopeSignature>) -> Result<Self, BundleError> {
        let mut envelope = self.clone();
        let further: Vec<_> = further.into_iter().collect();
        let has_place = |known: &EnvelopeSignature| further.iter().all(|new| new.keyid != known.keyid);
        envelope.signatures.retain(has_place);
        envelope.signatures.extend(further);
        match envelope.signatures.len() {
            count if count > MAX_SIGNATURES => Err(BundleError::SignatureCount { count }),
            _ => Ok(envelope),
        }
    }

    /// The envelope as JSON, without blanks.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let signatures = self.signatures.iter().map(|signature| SignatureJson {
            keyid: Cow::Borrowed(&signature.keyid),
            sig: Cow::Owned(BASE64.encode(&signature.sig.0)),
        });
        let signatures =
            serde_json::to_string(&signatures.collect::<Vec<_>>()).expect("strings always have a JSON form");
        let mut text = String::with_capacity(BASE64.encode_len(self.payload().len()) + 128 + signatures.len());
        text.push_str("{\"payload\":\"");
        BASE64.encode_append(self.payload(), &mut text);
        text.push_str("\",\"payloadType\":\"");
        text.push_str(PAYLOAD_TYPE);
        text.push_str("\",\"signatures\":");
        text.push_str(&signatures);
        text.push('}');
        text.into_bytes()
    }

    /// The statement's bytes.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.message.get(self.payload_at..).unwrap_or_default()
    }

    /// The bytes that are signed: DSSE's pre-authentication encoding of type and payload.
    #[must_use]
    pub fn pae(&self) -> &[u8] {
        &self.message
    }

    /// The signatures, in the envelope's order.
    #[must_use]
    pub fn signatures(&self) -> &[EnvelopeSignature] {
        &self.signatures
    }

    /// The bundle's name: SHA-256 of the payload.
    #[must_use]
    pub fn id(&self) -> BundleId {
        BundleId(Digest::of(self.payload()))
    }
}

impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Envelope({} bytes, {:?})", self.payload().len(), self.signatures)
    }
}

impl EnvelopeSignature {
    fn read(json: &SignatureJson<'_>, number: usize) -> Result<Self, BundleError> {
        let len = json.keyid.len();
        if len > MAX_KEYID_LEN {
            return Err(BundleError::KeyIdLength { len });
        }
        let mut sig = Vec::new();
        append_base64(&json.sig, &mut sig).ok_or(BundleError::Base64 { field: "signature" })?;
        let sig = sig.try_into().map_err(|_| BundleError::SignatureLength { number })?;
        Ok(Self {
            keyid: json.keyid.clone().into_owned(),
            sig: Signature(sig),
        })
    }
}

/// The PAE up to the payload, with room for it.
///
/// # Source
/// DSSE 1.0.2, protocol.md, "Signature Definition".
fn pae_start(payload_len: usize) -> Vec<u8> {
    let start = format!("DSSEv1 {} {PAYLOAD_TYPE} {payload_len} ", PAYLOAD_TYPE.len());
    let mut message = Vec::with_capacity(start.len() + payload_len);
    message.extend_from_slice(start.as_bytes());
    message
}

/// Bytes that padded base64 stands for; `None` if its length cannot be right.
fn decoded_len(text: &str) -> Option<usize> {
    let padding = text.bytes().rev().take(2).take_while(|byte| *byte == b'=').count();
    if text.len().is_multiple_of(4) {
        (text.len() / 4 * 3).checked_sub(padding)
    } else {
        None
    }
}

/// Decodes padded base64 of either alphabet, but not of both.
fn append_base64(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let alphabet = if text.contains(['-', '_']) { BASE64URL } else { BASE64 };
    let (start, expected) = (out.len(), decoded_len(text)?);
    out.resize(start + text.len() / 4 * 3, 0);
    let written = alphabet.decode_mut(text.as_bytes(), out.get_mut(start..)?).ok()?;
    // The decoder also takes several padded texts in a row, which are shorter than their length says.
    out.truncate(start + written);
    (written == expected).then_some(())
}

#[cfg(test)]
mod tests;
