//! The announce: what a session sends, signed by the transmitter's link key.
//!
//! ```text
//! body = key id (8) ‖ signature (64) ‖ fields (155, big-endian, no padding)
//! ```
//!
//! No memory is set aside for a session before [`SignedAnnounce::open`] gave its announce: the only way to one.

use serde::{Deserialize, Serialize};

use super::header::{Kind, SessionId};
use super::seal::{self, SEAL_LEN, SealError};
use crate::codec::{self, CodecError};
use crate::digest::{BundleId, Digest};
use crate::keys::{KeyId, PublicKey, SigningKey};
use crate::layout::{Layout, LayoutError};
use crate::limits::{MAX_DEPTH, MAX_ESI, MAX_LANES, MAX_PASSES};
use crate::time::UnixMillis;

/// Bytes of an announce's body.
pub const ANNOUNCE_BODY_LEN: usize = SEAL_LEN + FIELDS_LEN;
const FIELDS_LEN: usize = 155;

/// A bundle's place on a link: the transmitter's epoch, and the number within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LinkNumber {
    /// 64 random bits, made with the transmitter's state.
    pub epoch: u64,
    /// Counts bundles from 1; belongs to one bundle for ever.
    pub sequence: u64,
}

/// What one transmission of a bundle consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announce {
    /// Epoch and sequence number.
    pub number: LinkNumber,
    /// The bundle's id.
    pub bundle: BundleId,
    /// Bytes of the DSSE envelope, the first part of the head.
    pub envelope_len: u32,
    /// Bytes of envelope and leaf index.
    pub head_len: u32,
    /// SHA-256 of the head.
    pub head_sha256: Digest,
    /// Bytes of content.
    pub content_len: u64,
    /// RFC 6962 root over the content's leaves.
    pub content_root: Digest,
    /// Bytes of a leaf.
    pub leaf_len: u32,
    /// Leaves in a block.
    pub leaves_per_block: u16,
    /// Bytes of an encoding symbol.
    pub symbol_len: u16,
    /// Blocks whose symbols are interleaved (D).
    pub depth: u16,
    /// Streams of datagrams, each to a port of its own.
    pub lanes: u8,
    /// The largest ESI that any block uses in any pass.
    pub max_esi: u32,
    /// This pass, from 1.
    pub pass: u16,
    /// Passes in all.
    pub passes: u16,
    /// When the transmission began, by the transmitter's clock.
    pub created: UnixMillis,
}

/// Why an announce is not acted on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnnounceError {
    /// The body has another length than an announce's.
    #[error("an announce's body has {ANNOUNCE_BODY_LEN} bytes, this one {len}")]
    Length {
        /// Bytes received.
        len: usize,
    },
    /// Signed by a link key that is not pinned here.
    #[error("signed by link key {key_id}, which is not pinned here")]
    UnknownKey {
        /// The key id stated.
        key_id: KeyId,
    },
    /// The signature does not verify.
    #[error("the signature by link key {key_id} does not verify")]
    BadSignature {
        /// The key id stated.
        key_id: KeyId,
    },
    /// The fields do not decode.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A field is out of its range.
    #[error("the field {field} is out of range")]
    Range {
        /// The field's name.
        field: &'static str,
    },
    /// The lengths do not fit together.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

impl Announce {
    /// The body of the announce's datagram.
    #[must_use]
    pub fn sign(&self, session: SessionId, key: &SigningKey) -> Vec<u8> {
        seal::seal(Kind::Announce, session, &codec::encode(self), key)
    }

    /// Whether both describe the same transmission, perhaps in different passes.
    #[must_use]
    pub fn same_transmission(&self, other: &Self) -> bool {
        *self
            == Self {
                pass: self.pass,
                ..other.clone()
            }
    }

    /// How head and content are cut into blocks.
    ///
    /// # Errors
    /// [`LayoutError`] if a length is out of its range.
    pub fn layout(&self) -> Result<Layout, LayoutError> {
        Layout::new(
            self.head_len,
            self.content_len,
            self.leaf_len,
            self.leaves_per_block,
            self.symbol_len,
        )
    }

    fn check(&self) -> Result<Layout, AnnounceError> {
        let refuse = |field| Err(AnnounceError::Range { field });
        let layout = self.layout()?;
        match () {
            () if self.envelope_len == 0 || self.envelope_len > self.head_len => refuse("envelope_len"),
            () if self.depth == 0 || self.depth > MAX_DEPTH => refuse("depth"),
            () if self.lanes == 0 || self.lanes > MAX_LANES => refuse("lanes"),
            () if self.max_esi > MAX_ESI || self.max_esi + 1 < layout.largest_k() => refuse("max_esi"),
            () if self.passes == 0 || self.passes > MAX_PASSES => refuse("passes"),
            () if self.pass == 0 || self.pass > self.passes => refuse("pass"),
            () if self.number.sequence == 0 => refuse("sequence"),
            () => Ok(layout),
        }
    }
}

/// An announce whose signature, encoding and ranges hold: the proof that a session may be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAnnounce {
    announce: Announce,
    layout: Layout,
}

impl SignedAnnounce {
    /// Verifies an announce's body with the pinned link keys, and only then decodes it.
    ///
    /// # Errors
    /// [`AnnounceError`], of which none is the sender's fault alone: noise, another link, or a wrong setting.
    pub fn open(session: SessionId, body: &[u8], link_keys: &[PublicKey]) -> Result<Self, AnnounceError> {
        let wrong_length = AnnounceError::Length { len: body.len() };
        if body.len() != ANNOUNCE_BODY_LEN {
            return Err(wrong_length);
        }
        let (_, fields) = seal::open(Kind::Announce, session, body, link_keys).map_err(|error| match error {
            SealError::Length => wrong_length,
            SealError::UnknownKey { key_id } => AnnounceError::UnknownKey { key_id },
            SealError::BadSignature { key_id } => AnnounceError::BadSignature { key_id },
        })?;
        let announce: Announce = codec::decode(fields)?;
        let layout = announce.check()?;
        Ok(Self { announce, layout })
    }

    /// The announce.
    #[must_use]
    pub fn announce(&self) -> &Announce {
        &self.announce
    }

    /// How its head and content are cut into blocks.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn announce() -> Announce {
        Announce {
            number: LinkNumber { epoch: 1, sequence: 2 },
            bundle: BundleId(Digest([3; 32])),
            envelope_len: 1000,
            head_len: 1064,
            head_sha256: Digest([4; 32]),
            content_len: 500_000,
            content_root: Digest([5; 32]),
            leaf_len: 262_144,
            leaves_per_block: 1,
            symbol_len: 1408,
            depth: 16,
            lanes: 1,
            max_esi: 300,
            pass: 1,
            passes: 2,
            created: UnixMillis(6),
        }
    }

    fn key() -> SigningKey {
        SigningKey::from_seed([1; 32])
    }

    fn open(announce: &Announce) -> Result<SignedAnnounce, AnnounceError> {
        let session = SessionId(9);
        SignedAnnounce::open(session, &announce.sign(session, &key()), &[key().public()])
    }

    #[test]
    fn an_announce_reads_back() {
        assert_eq!(open(&announce()).unwrap().announce(), &announce());
    }

    #[test]
    fn the_body_is_as_long_as_the_constant_says() {
        assert_eq!(announce().sign(SessionId(9), &key()).len(), ANNOUNCE_BODY_LEN);
    }

    #[test]
    fn an_announce_is_bound_to_its_session() {
        let body = announce().sign(SessionId(9), &key());
        let error = SignedAnnounce::open(SessionId(10), &body, &[key().public()]).unwrap_err();
        assert_eq!(
            error,
            AnnounceError::BadSignature {
                key_id: key().public().key_id()
            }
        );
    }

    #[test]
    fn a_key_that_is_not_pinned_is_named() {
        let body = announce().sign(SessionId(9), &key());
        let other = SigningKey::from_seed([2; 32]).public();
        let error = SignedAnnounce::open(SessionId(9), &body, &[other]).unwrap_err();
        assert_eq!(
            error,
            AnnounceError::UnknownKey {
                key_id: key().public().key_id()
            }
        );
    }

    #[test]
    fn a_signed_but_impossible_announce_is_refused() {
        let cases: [(&str, Announce); 9] = [
            (
                "envelope_len",
                Announce {
                    envelope_len: 1065,
                    ..announce()
                },
            ),
            ("depth", Announce { depth: 0, ..announce() }),
            ("lanes", Announce { lanes: 0, ..announce() }),
            (
                "lanes",
                Announce {
                    lanes: MAX_LANES + 1,
                    ..announce()
                },
            ),
            (
                "max_esi",
                Announce {
                    max_esi: 10,
                    ..announce()
                },
            ),
            (
                "max_esi",
                Announce {
                    max_esi: u32::MAX,
                    ..announce()
                },
            ),
            (
                "passes",
                Announce {
                    passes: 0,
                    ..announce()
                },
            ),
            ("pass", Announce { pass: 3, ..announce() }),
            (
                "sequence",
                Announce {
                    number: LinkNumber { epoch: 1, sequence: 0 },
                    ..announce()
                },
            ),
        ];
        for (field, announce) in cases {
            assert_eq!(open(&announce), Err(AnnounceError::Range { field }));
        }
    }

    #[test]
    fn another_pass_is_the_same_transmission_and_another_root_is_not() {
        assert!(announce().same_transmission(&Announce { pass: 2, ..announce() }));
        assert!(!announce().same_transmission(&Announce {
            content_root: Digest([9; 32]),
            ..announce()
        }));
    }

    proptest! {
        #[test]
        fn opening_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = SignedAnnounce::open(SessionId(1), &bytes, &[key().public()]);
        }

        #[test]
        fn signed_noise_is_never_a_panic(fields in proptest::collection::vec(any::<u8>(), FIELDS_LEN)) {
            let (session, key) = (SessionId(1), key());
            let body = seal::seal(Kind::Announce, session, &fields, &key);
            let _ = SignedAnnounce::open(session, &body, &[key.public()]);
        }
    }
}
