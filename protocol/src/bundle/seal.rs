//! Signing bundles: the one module that does, at the author's desk.
//!
//! ```text
//! Statement ─┐
//! leaves ────┴▶ PackedHead::seal ──▶ prefix ‖ head, and behind them the content as it streams
//! ```
//!
//! The signing key is an argument of what stands here and of nothing else in [`bundle`](super): a program that never names this module
//! cannot make a bundle.

use super::envelope::EnvelopeSignature;
use super::{BundleError, Envelope, LeafIndex, Prefix, Statement};
use crate::digest::{BundleId, Digest};
use crate::keys::SigningKey;
use crate::limits::MAX_SIGNATURES;

/// Signs a payload with each key.
///
/// # Errors
/// [`BundleError::SignatureCount`] for no key or more than eight.
pub fn seal(payload: &[u8], signers: &[&SigningKey]) -> Result<Envelope, BundleError> {
    let count = signers.len();
    if count == 0 || count > MAX_SIGNATURES {
        return Err(BundleError::SignatureCount { count });
    }
    let mut envelope = Envelope::unsigned(payload);
    for signer in signers {
        let sig = signer.sign(envelope.pae());
        envelope.add_signature(EnvelopeSignature {
            keyid: signer.public().fingerprint().to_string(),
            sig,
        });
    }
    Ok(envelope)
}

/// All of a bundle but its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedHead {
    prefix: Prefix,
    head: Vec<u8>,
    id: BundleId,
    statement: Statement,
}

impl PackedHead {
    /// Completes a statement from its files and their leaf hashes, and signs it.
    ///
    /// `content_len` and `content_root` of `statement` need no value: they become the sum of the files' sizes and the root over `leaves`.
    ///
    /// # Errors
    /// [`BundleError`] if the statement breaks a rule, the leaves are not as many as the content has, or the head gets too long.
    pub fn seal(mut statement: Statement, leaves: Vec<Digest>, signers: &[&SigningKey]) -> Result<Self, BundleError> {
        let index = LeafIndex::new(leaves);
        statement.content_len = statement
            .files
            .iter()
            .fold(0, |sum, file| sum.saturating_add(file.size));
        statement.content_root = index.root();
        statement.check()?;
        index.check_count(&statement)?;
        let envelope = seal(&statement.to_payload(), signers)?;
        let mut head = envelope.to_bytes();
        let too_long = |_| BundleError::HeadTooLong { len: u64::MAX };
        let envelope_len = u32::try_from(head.len()).map_err(too_long)?;
        head.extend_from_slice(&index.to_bytes());
        let index_len = u32::try_from(index.len() * 32).map_err(too_long)?;
        let prefix = Prefix {
            envelope_len,
            index_len,
        };
        prefix.check()?;
        Ok(Self {
            prefix,
            head,
            id: envelope.id(),
            statement,
        })
    }

    /// The file's first bytes.
    #[must_use]
    pub fn prefix(&self) -> Prefix {
        self.prefix
    }

    /// Envelope and index, which follow the prefix; the content comes next.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The bundle's name.
    #[must_use]
    pub fn id(&self) -> BundleId {
        self.id
    }

    /// What was signed.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::samples;

    #[test]
    fn a_signature_is_over_the_pae_and_names_its_key() {
        let key = samples::key(1);
        let envelope = seal(b"payload", &[&key]).unwrap();
        let [signature] = envelope.signatures() else {
            panic!("one signature")
        };
        assert_eq!(signature.keyid, key.public().fingerprint().to_string());
        assert_eq!(key.public().verify(envelope.pae(), &signature.sig), Ok(()));
    }

    #[test]
    fn a_bundle_that_nobody_signs_is_refused() {
        assert_eq!(seal(b"payload", &[]), Err(BundleError::SignatureCount { count: 0 }));
    }

    #[test]
    fn eight_may_sign_and_nine_may_not() {
        let key = samples::key(1);
        assert!(seal(b"payload", &[&key; 8]).is_ok());
        assert_eq!(
            seal(b"payload", &[&key; 9]),
            Err(BundleError::SignatureCount { count: 9 })
        );
    }

    #[test]
    fn a_packed_head_fills_in_what_follows_from_the_content() {
        let (packed, content) = samples::packed(&[&samples::key(1)]);
        assert_eq!(packed.statement().content_len, content.len() as u64);
        assert_eq!(
            packed.statement().content_root,
            LeafIndex::new(samples::leaves(&content)).root()
        );
    }

    #[test]
    fn a_packed_heads_prefix_parts_it_into_envelope_and_index() {
        let (packed, content) = samples::packed(&[&samples::key(1)]);
        let (envelope, index) = packed.head().split_at(packed.prefix().envelope_len as usize);
        assert_eq!(Envelope::parse(envelope).unwrap().id(), packed.id());
        assert_eq!(index, LeafIndex::new(samples::leaves(&content)).to_bytes());
    }

    #[test]
    fn leaves_that_are_too_few_are_refused() {
        let (statement, content) = samples::statement();
        let mut leaves = samples::leaves(&content);
        leaves.pop();
        let found = leaves.len() as u64;
        assert_eq!(
            PackedHead::seal(statement, leaves, &[&samples::key(1)]),
            Err(BundleError::LeafCount {
                found,
                expected: found + 1
            })
        );
    }

    #[test]
    fn a_statement_that_breaks_a_rule_is_not_signed() {
        let (mut statement, content) = samples::statement();
        statement.author.clear();
        let refused = PackedHead::seal(statement, samples::leaves(&content), &[&samples::key(1)]);
        assert!(matches!(refused, Err(BundleError::Text { field: "author", .. })));
    }
}
