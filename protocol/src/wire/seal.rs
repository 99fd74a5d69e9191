//! What the link key signs, announces and heartbeats, in one envelope.
//!
//! ```text
//! body = key id (8) ‖ signature (64) ‖ fields (big-endian, no padding)
//! signed: "diode-link/1\0" ‖ kind ‖ suite ‖ session ‖ key id ‖ fields
//! ```
//!
//! The only way to the fields is through the signature.

use super::header::{Kind, SessionId};
use crate::keys::{KeyId, PublicKey, Signature, SigningKey};

/// Bytes before the fields.
pub(super) const SEAL_LEN: usize = 8 + 64;
const CONTEXT: &[u8] = b"diode-link/1\0";

/// Why a body's fields are not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SealError {
    /// Shorter than key id and signature.
    Length,
    UnknownKey {
        key_id: KeyId,
    },
    BadSignature {
        key_id: KeyId,
    },
}

/// The body that carries `fields`.
pub(super) fn seal(kind: Kind, session: SessionId, fields: &[u8], key: &SigningKey) -> Vec<u8> {
    let key_id = key.public().key_id();
    let signature = key.sign(&signed_bytes(kind, session, key_id, fields));
    [&key_id.0[..], &signature.0, fields].concat()
}

/// The fields of a body, by a key of `link_keys`.
pub(super) fn open<'a>(
    kind: Kind,
    session: SessionId,
    body: &'a [u8],
    link_keys: &[PublicKey],
) -> Result<(KeyId, &'a [u8]), SealError> {
    let (key_id, rest) = body.split_first_chunk::<8>().ok_or(SealError::Length)?;
    let (signature, fields) = rest.split_first_chunk::<64>().ok_or(SealError::Length)?;
    let key_id = KeyId(*key_id);
    let key = link_keys
        .iter()
        .find(|key| key.key_id() == key_id)
        .ok_or(SealError::UnknownKey { key_id })?;
    key.verify(&signed_bytes(kind, session, key_id, fields), &Signature(*signature))
        .map_err(|_| SealError::BadSignature { key_id })?;
    Ok((key_id, fields))
}

/// The key that a body says it is signed by: a claim, which spares the work of verifying for a key that is not pinned.
pub(crate) fn claimed_key(body: &[u8]) -> Option<KeyId> {
    body.first_chunk::<8>().map(|key_id| KeyId(*key_id))
}

fn signed_bytes(kind: Kind, session: SessionId, key_id: KeyId, fields: &[u8]) -> Vec<u8> {
    let suite = 0u16;
    [
        CONTEXT,
        &[kind.to_byte()],
        &suite.to_be_bytes(),
        &session.0.to_be_bytes(),
        &key_id.0,
        fields,
    ]
    .concat()
}
