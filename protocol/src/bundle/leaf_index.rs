//! The hashes of a bundle's leaves, one after another: what each leaf of the content is compared with as soon as it arrives.

use super::{BundleError, Statement};
use crate::digest::Digest;
use crate::merkle;

/// The leaf hashes (RFC 6962) of a bundle's content, in order.
#[derive(Clone, PartialEq, Eq)]
pub struct LeafIndex(Vec<Digest>);

impl LeafIndex {
    /// The index over these leaf hashes.
    #[must_use]
    pub fn new(leaves: Vec<Digest>) -> Self {
        Self(leaves)
    }

    /// Reads 32 bytes a leaf.
    ///
    /// # Errors
    /// [`BundleError::IndexLength`] if the last hash is cut.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let (hashes, []) = bytes.as_chunks::<32>() else {
            return Err(BundleError::IndexLength {
                len: bytes.len() as u64,
            });
        };
        Ok(Self(hashes.iter().copied().map(Digest).collect()))
    }

    /// The index as bytes, 32 a leaf.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 32);
        for leaf in &self.0 {
            bytes.extend_from_slice(leaf.as_bytes());
        }
        bytes
    }

    /// The Merkle root over all leaves: `content_root` of the statement.
    #[must_use]
    pub fn root(&self) -> Digest {
        merkle::root(&self.0)
    }

    /// Whether there are as many hashes as the statement's content has leaves.
    pub(super) fn check_count(&self, statement: &Statement) -> Result<(), BundleError> {
        let (found, expected) = (self.0.len() as u64, statement.leaf_count());
        if found == expected {
            Ok(())
        } else {
            Err(BundleError::LeafCount { found, expected })
        }
    }

    /// The leaf hashes.
    #[must_use]
    pub fn leaves(&self) -> &[Digest] {
        &self.0
    }

    /// How many leaves there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the content has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for LeafIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LeafIndex({} leaves)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_reads_back() {
        let index = LeafIndex::new(vec![Digest::of(b"a"), Digest::of(b"b")]);
        assert_eq!(LeafIndex::parse(&index.to_bytes()), Ok(index));
    }

    #[test]
    fn an_index_that_cuts_a_hash_is_refused() {
        assert_eq!(LeafIndex::parse(&[0; 63]), Err(BundleError::IndexLength { len: 63 }));
    }

    #[test]
    fn an_empty_index_has_the_root_of_no_leaves() {
        assert_eq!(LeafIndex::parse(&[]).unwrap().root(), Digest::of(b""));
    }

    #[test]
    fn an_index_has_the_merkle_root_of_its_leaves() {
        let (a, b) = (merkle::leaf_hash(b"a"), merkle::leaf_hash(b"b"));
        assert_eq!(LeafIndex::new(vec![a, b]).root(), merkle::node_hash(&a, &b));
    }
}
