//! A stand-in for a compromised tx host: it holds the link key, sends valid announces, and changes what an author signed.
//!
//! ```text
//! signed bundle ─┬─ content edited ────────────────────────────────▶ announce as signed  ─▶ refused: leaf-mismatch
//!                └─ content edited ─▶ leaves ─▶ index ─▶ head digest ─▶ announce as made up ─▶ refused: content-root
//! ```
//!
//! It drives the transmitter's own [`Transmission`](protocol::transmission::Transmission), since the real transmitter sends nothing whose leaves are not those of the signed
//! index. What it can't do is sign as the author: that key never was on the tx host.

use std::net::SocketAddr;
use std::thread;

use hw::HwError;
use hw::udp::{Datagram, Offload, SinkConfig, UdpSink};
use hw::units::Rate;
use protocol::bundle::{BundleError, LeafIndex, PREFIX_LEN, Prefix, UnverifiedHead};
use protocol::digest::{BundleId, Digest};
use protocol::fec::{Redundancy, RedundancyError};
use protocol::keys::SigningKey;
use protocol::merkle::leaf_hash;
use protocol::time::UnixMillis;
use protocol::transmission::{BundleShape, Settings};
use protocol::wire::{LinkNumber, SessionId};

use crate::carried::{Carried, CarriedError};

/// What the host changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tampering {
    /// A byte of the content, and nothing else: the leaf no longer fits the signed index.
    ContentOnly,
    /// A byte of the content, and around it leaves, index, head digest and announce: all fit one another, and not what was signed.
    HeadRebuilt,
}

/// A bundle that was changed after it was signed.
#[derive(Debug, Clone)]
pub struct Tampered(Carried);

/// Why the stand-in could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CompromisedError {
    /// What was given is no bundle, or one without content.
    #[error("no bundle that could be changed: {0}")]
    Bundle(&'static str),
    /// What was given is no bundle.
    #[error("no bundle that could be changed")]
    Malformed(#[from] BundleError),
    /// The link's settings can't be.
    #[error(transparent)]
    Redundancy(#[from] RedundancyError),
    /// It can't be made into datagrams.
    #[error(transparent)]
    Carried(#[from] CarriedError),
    /// The link does not take the datagrams.
    #[error(transparent)]
    Link(#[from] HwError),
}

impl Tampered {
    /// Changes the first byte of the content of a bundle file's `bytes`.
    ///
    /// # Errors
    /// [`CompromisedError`] if they are no bundle with content.
    pub fn new(bytes: &[u8], tampering: Tampering) -> Result<Self, CompromisedError> {
        let too_short = CompromisedError::Bundle("it ends within its head");
        let (prefix, rest) = bytes.split_first_chunk::<PREFIX_LEN>().ok_or(too_short)?;
        let prefix = Prefix::parse(prefix)?;
        let (head, content) = usize::try_from(prefix.head_len())
            .ok()
            .and_then(|at| rest.split_at_checked(at))
            .ok_or(CompromisedError::Bundle("it ends within its head"))?;
        let signed = UnverifiedHead::parse(head, prefix.envelope_len)?;
        let mut content = content.to_vec();
        *content
            .first_mut()
            .ok_or(CompromisedError::Bundle("it has no content"))? ^= 1;
        let leaf_len = signed.statement.leaf_len;
        let index = match tampering {
            Tampering::ContentOnly => signed.index,
            Tampering::HeadRebuilt => LeafIndex::new(content.chunks(leaf_len as usize).map(leaf_hash).collect()),
        };
        let envelope = head.get(..prefix.envelope_len as usize).unwrap_or_default();
        let head = [envelope, &index.to_bytes()].concat();
        let shape = BundleShape {
            bundle: signed.id,
            envelope_len: prefix.envelope_len,
            head_len: u32::try_from(head.len()).unwrap_or(u32::MAX),
            head_sha256: Digest::of(&head),
            content_len: content.len() as u64,
            content_root: index.root(),
            leaf_len,
        };
        let bytes = [&prefix.emit()[..], &head, &content].concat();
        Ok(Self(Carried { bytes, shape }))
    }

    /// The id of the bundle that it was, and claims to be.
    #[must_use]
    pub fn id(&self) -> BundleId {
        self.0.shape.bundle
    }

    /// Sends it under `number`, with announces that `link_key` signed, at `rate`.
    ///
    /// # Errors
    /// [`CompromisedError`] if it can't be sent.
    pub fn send(
        &self,
        link_key: &SigningKey,
        number: LinkNumber,
        session: SessionId,
        now: UnixMillis,
        to: SocketAddr,
        rate: Rate,
    ) -> Result<(), CompromisedError> {
        let settings = Settings {
            session,
            number,
            symbol_len: SYMBOL_LEN,
            redundancy: Redundancy::new(0.05, 64, 1e-9, 16)?,
            passes: 1,
            lanes: 1,
            created: now,
        };
        let datagrams = self.0.datagrams(&settings, link_key)?;
        let mut sink = UdpSink::bind(&SinkConfig {
            to,
            bind: None,
            send_buffer_bytes: 1 << 20,
            offload: Offload::Auto,
        })?;
        for batch in datagrams.chunks(BATCH) {
            let parts: Vec<_> = batch.iter().map(|(header, body)| Datagram { header, body }).collect();
            sink.send(&parts)?;
            // The rate, roughly: this host has nothing to lose.
            let bytes = parts.iter().map(|part| part.len() as u64).sum();
            thread::sleep(rate.time_for(bytes));
        }
        Ok(())
    }
}

/// Symbols as at an MTU of 1500.
const SYMBOL_LEN: u16 = 1408;
const BATCH: usize = 16;

#[cfg(test)]
mod tests {
    use protocol::bundle::seal::PackedHead;
    use protocol::bundle::{AiShare, FileRecord, Kind, Origin, Statement};
    use protocol::path::BundlePath;

    use super::*;

    fn signed() -> Vec<u8> {
        let content = vec![7; 5000];
        let statement = Statement {
            files: vec![FileRecord {
                path: BundlePath::parse("a").unwrap(),
                sha256: Digest::of(&content),
                size: 5000,
                executable: false,
            }],
            kind: Kind::Code,
            author: "a@b".to_owned(),
            created: UnixMillis(1),
            not_after: UnixMillis(2),
            audience: vec!["r".to_owned()],
            target: None,
            description: None,
            origin: Origin {
                tool: None,
                model: None,
                ai_generated: AiShare::Unknown,
                commit: None,
                dirty: None,
            },
            content_len: 5000,
            leaf_len: 4096,
            content_root: Digest([0; 32]),
        };
        let leaves = content.chunks(4096).map(leaf_hash).collect();
        let packed = PackedHead::seal(statement, leaves, &[&SigningKey::from_seed([3; 32])]).unwrap();
        [&packed.prefix().emit(), packed.head(), &content].concat()
    }

    fn head_of(bytes: &[u8]) -> Result<UnverifiedHead, BundleError> {
        let prefix = Prefix::parse(bytes.first_chunk().unwrap()).unwrap();
        let content_at = PREFIX_LEN + prefix.head_len() as usize;
        UnverifiedHead::parse(&bytes[PREFIX_LEN..content_at], prefix.envelope_len)
    }

    #[test]
    fn editing_the_content_alone_leaves_the_head_as_it_was_signed() {
        let tampered = Tampered::new(&signed(), Tampering::ContentOnly).unwrap();
        assert_eq!(head_of(&tampered.0.bytes).unwrap(), head_of(&signed()).unwrap());
        let differing = tampered.0.bytes.iter().zip(&signed()).filter(|(a, b)| a != b).count();
        assert_eq!(differing, 1);
    }

    #[test]
    fn a_rebuilt_head_fits_the_content_and_not_what_was_signed() {
        let tampered = Tampered::new(&signed(), Tampering::HeadRebuilt).unwrap();
        let error = head_of(&tampered.0.bytes).unwrap_err();
        assert!(
            matches!(error, BundleError::ContentRoot { computed, .. } if computed == tampered.0.shape.content_root)
        );
    }

    #[test]
    fn what_is_no_bundle_is_not_changed() {
        assert!(Tampered::new(b"DIODEBN1", Tampering::ContentOnly).is_err());
        assert!(Tampered::new(&[0; 100], Tampering::HeadRebuilt).is_err());
    }
}
