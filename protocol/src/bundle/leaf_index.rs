//! The hashes of a bundle's leaves, one after another: what each leaf of the content is compared with as soon as it arrives.

use super::{BundleError, Statement};
use crate::digest::Digest;
use crate::merkle::{self, Frontier};

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
        Ok(LeafHashes::parse(bytes)?.to_index())
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
        check_count(self.0.len(), statement)
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

/// The leaf hashes where they lie, 32 bytes each: of a large bundle a copy would be a MiB for every 8 GiB.
#[derive(Clone, Copy)]
pub(super) struct LeafHashes<'a>(&'a [[u8; 32]]);

impl<'a> LeafHashes<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, BundleError> {
        match bytes.as_chunks::<32>() {
            (hashes, []) => Ok(Self(hashes)),
            _ => Err(BundleError::IndexLength {
                len: bytes.len() as u64,
            }),
        }
    }

    /// Whether these are the hashes that the statement is signed over.
    pub(super) fn check(self, statement: &Statement) -> Result<(), BundleError> {
        check_count(self.0.len(), statement)?;
        let mut frontier = Frontier::new();
        for hash in self.0 {
            frontier.push(Digest(*hash));
        }
        let (signed, computed) = (statement.content_root, frontier.root());
        if signed != computed {
            return Err(BundleError::ContentRoot { signed, computed });
        }
        Ok(())
    }

    pub(super) fn to_index(self) -> LeafIndex {
        LeafIndex(self.0.iter().copied().map(Digest).collect())
    }
}

fn check_count(found: usize, statement: &Statement) -> Result<(), BundleError> {
    let (found, expected) = (found as u64, statement.leaf_count());
    if found == expected {
        Ok(())
    } else {
        Err(BundleError::LeafCount { found, expected })
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
