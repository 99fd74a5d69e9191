//! Merkle tree hashing of RFC 6962, section 2.1: of a bundle's leaves and of the audit log's entries.
//!
//! ```text
//!              root = H(1 ‖ a ‖ b)
//!             ┌───────┴───────┐            a Frontier keeps one node for each set bit of
//!        a = H(1 ‖ …)    b = H(0 ‖ leaf₂)  the size: here [a, b], largest subtree first
//!        ┌────┴────┐
//!   H(0 ‖ leaf₀) H(0 ‖ leaf₁)
//! ```

mod batch;

pub use batch::{leaf_hashes, leaves_together};

use crate::digest::{Digest, Hasher};

/// The hash of a leaf: SHA-256(0x00 ‖ data).
///
/// # Source
/// RFC 6962, section 2.1.
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[0]);
    hasher.update(data);
    hasher.finish()
}

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
///
/// # Source
/// RFC 6962, section 2.1.
#[must_use]
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Digest::of(&bytes)
}

/// The root over `leaves` (leaf hashes, not data); of no leaves, the hash of the empty string.
#[must_use]
pub fn root(leaves: &[Digest]) -> Digest {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

/// The right edge of a growing tree: as much as is needed to append leaves and to know the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// Roots of the perfect subtrees that make up the tree, largest first: one for each set bit of `size`.
    nodes: Vec<Digest>,
}

impl Frontier {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Rebuilds a frontier from its size and [`parts`](Self::parts); `None` if their number does not fit the size.
    #[must_use]
    pub fn from_parts(size: u64, nodes: Vec<Digest>) -> Option<Self> {
        (u32::try_from(nodes.len()) == Ok(size.count_ones())).then_some(Self { size, nodes })
    }

    /// Appends a leaf hash.
    pub fn push(&mut self, leaf: Digest) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            // One node per set bit: as many as there are trailing ones can be popped.
            if let Some(left) = self.nodes.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.nodes.push(node);
        self.size += 1;
    }

    /// Leaves so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the perfect subtrees, largest first.
    #[must_use]
    pub fn parts(&self) -> &[Digest] {
        &self.nodes
    }

    /// The root over all leaves so far.
    #[must_use]
    pub fn root(&self) -> Digest {
        let mut nodes = self.nodes.iter().rev();
        match nodes.next() {
            None => Digest::of(b""),
            Some(last) => nodes.fold(*last, |right, left| node_hash(left, &right)),
        }
    }
}

/// The audit path of leaf `index` in the tree over `leaves`, lowest sibling first; `None` if there is no such leaf.
///
/// # Source
/// RFC 6962, section 2.1.1.
#[must_use]
pub fn inclusion_proof(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    if index >= leaves.len() {
        return None;
    }
    let mut proof = Vec::new();
    let (mut range, mut at) = (leaves, index);
    while range.len() > 1 {
        let (left, right) = range.split_at(largest_power_of_two_below(range.len()));
        if at < left.len() {
            proof.push(root(right));
            range = left;
        } else {
            proof.push(root(left));
            at -= left.len();
            range = right;
        }
    }
    proof.reverse();
    Some(proof)
}

/// Whether `proof` shows that `leaf` stands at `index` of the tree of `size` leaves with this `root`.
///
/// # Source
/// RFC 9162, section 2.1.3.2.
#[must_use]
pub fn verify_inclusion(leaf: &Digest, index: u64, size: u64, proof: &[Digest], root: &Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut position, mut last) = (*leaf, index, size - 1);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if position & 1 == 1 || position == last {
            node = node_hash(sibling, &node);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            node = node_hash(&node, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    last == 0 && node == *root
}

fn largest_power_of_two_below(len: usize) -> usize {
    len.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: usize) -> Vec<Digest> {
        (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    /// RFC 6962's definition, word for word: the slow oracle.
    fn recursive_root(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Digest::of(b""),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(largest_power_of_two_below(leaves.len()));
                node_hash(&recursive_root(left), &recursive_root(right))
            }
        }
    }

    #[test]
    fn roots_equal_the_recursive_definition() {
        for count in 0..70 {
            let leaves = leaves(count);
            assert_eq!(root(&leaves), recursive_root(&leaves), "{count} leaves");
        }
    }

    #[test]
    fn the_known_tree_of_certificate_transparency_has_its_known_root() {
        // The eight-leaf test tree used by certificate-transparency implementations.
        let data: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let leaves: Vec<_> = data.iter().map(|d| leaf_hash(d)).collect();
        assert_eq!(
            root(&leaves).to_string(),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        );
    }

    #[test]
    fn every_leaf_of_every_small_tree_has_a_proof_that_holds() {
        for count in 1..40 {
            let leaves = leaves(count);
            let root = root(&leaves);
            for (index, leaf) in leaves.iter().enumerate() {
                let proof = inclusion_proof(&leaves, index).unwrap();
                assert!(verify_inclusion(leaf, index as u64, count as u64, &proof, &root));
            }
        }
    }

    #[test]
    fn a_proof_for_another_place_does_not_hold() {
        let leaves = leaves(7);
        let proof = inclusion_proof(&leaves, 3).unwrap();
        assert!(!verify_inclusion(&leaves[3], 4, 7, &proof, &root(&leaves)));
    }

    #[test]
    fn a_proof_with_one_node_too_many_does_not_hold() {
        let leaves = leaves(7);
        let mut proof = inclusion_proof(&leaves, 3).unwrap();
        proof.push(leaves[0]);
        assert!(!verify_inclusion(&leaves[3], 3, 7, &proof, &root(&leaves)));
    }

    #[test]
    fn a_frontier_with_a_part_missing_is_refused() {
        assert!(Frontier::from_parts(3, leaves(1)).is_none());
        assert!(Frontier::from_parts(3, leaves(2)).is_some());
    }
}
