//! Leaf hashes of several leaves at a time: one hash is a chain that no processor can shorten, several side by side fill its pipeline.
//!
//! Always true: the hashes are those of [`leaf_hash`], by the library that the whole project hashes with. The library for several was
//! compared with it before its first use in the process, and is left alone if they differ.

use std::sync::OnceLock;

use super::leaf_hash;
use crate::digest::Digest;
use crate::limits::MAX_LEAF_LEN;

/// How many leaves of one length are best hashed together on this processor.
#[must_use]
pub fn leaves_together() -> usize {
    if agrees() {
        tape_sha256::lane_width().clamp(1, MOST_TOGETHER)
    } else {
        1
    }
}

/// The [`leaf_hash`] of each of `leaves`, in their order. As many of one length beside each other as [`leaves_together`] says take
/// half the time or less of one after another.
#[must_use]
pub fn leaf_hashes(leaves: &[&[u8]]) -> Vec<Digest> {
    let together = leaves_together();
    let mut hashes = Vec::with_capacity(leaves.len());
    for alike in leaves.chunk_by(|a, b| a.len() == b.len()) {
        for group in alike.chunks(together) {
            // Too few would take as long as if they were enough.
            if 2 * group.len() > together && group.len() > 1 {
                hashes.extend(batch(group));
            } else {
                hashes.extend(group.iter().map(|leaf| leaf_hash(leaf)));
            }
        }
    }
    hashes
}

/// More blocks would wait for each other too long.
const MOST_TOGETHER: usize = 8;

fn batch(leaves: &[&[u8]]) -> impl Iterator<Item = Digest> + use<> {
    let mut hashes = vec![[0; 32]; leaves.len()];
    tape_sha256::hash_many_prefixed(&[0], leaves, &mut hashes);
    hashes.into_iter().map(Digest)
}

/// Whether both libraries say the same: of leaves with every kind of end, of any number of them together, and of the longest.
fn agrees() -> bool {
    static AGREES: OnceLock<bool> = OnceLock::new();
    *AGREES.get_or_init(|| {
        const LONGEST: usize = MAX_LEAF_LEN as usize;
        let bytes: Vec<u8> = (0..LONGEST).map(|i| (i * 167 % 251) as u8).collect();
        let same = |count: usize, len: usize| {
            let leaves: Vec<&[u8]> = (0..count)
                .map(|i| &bytes[i * 1000 % (LONGEST - len + 1)..][..len])
                .collect();
            batch(&leaves).eq(leaves.iter().map(|leaf| leaf_hash(leaf)))
        };
        (940..1005).all(|len| same(MOST_TOGETHER, len))
            && (1..=MOST_TOGETHER).all(|count| same(count, 5000))
            && same(4, LONGEST)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one_by_one(leaves: &[&[u8]]) -> Vec<Digest> {
        leaves.iter().map(|leaf| leaf_hash(leaf)).collect()
    }

    #[test]
    fn the_libraries_agree_on_this_processor() {
        assert!(agrees());
    }

    #[test]
    fn leaves_of_every_length_up_to_five_blocks_hash_as_one_by_one() {
        let bytes: Vec<u8> = (0..=255).cycle().take(8 * 331).collect();
        for len in 0..=320 {
            // Each from another place, so that alignment differs too.
            let leaves: Vec<&[u8]> = (0..8).map(|i| &bytes[i * 331 + i..][..len]).collect();
            assert!(batch(&leaves).eq(one_by_one(&leaves)), "{len}");
        }
    }

    #[test]
    fn leaves_of_full_length_hash_as_one_by_one() {
        let bytes: Vec<u8> = (0..5u32 << 18)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let mut leaves: Vec<&[u8]> = bytes.chunks(1 << 18).collect();
        leaves.push(&bytes[..100_001]);
        assert_eq!(leaf_hashes(&leaves), one_by_one(&leaves));
    }

    #[test]
    fn no_leaf_has_no_hash() {
        assert_eq!(leaf_hashes(&[]), []);
    }

    proptest! {
        #[test]
        fn any_leaves_hash_as_one_by_one(
            leaves in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..20),
            alike: bool,
        ) {
            let shortest = leaves.iter().map(Vec::len).min().unwrap_or(0);
            let cut = |leaf: &'_ Vec<u8>| if alike { shortest } else { leaf.len() };
            let leaves: Vec<&[u8]> = leaves.iter().map(|leaf| &leaf[..cut(leaf)]).collect();
            prop_assert_eq!(leaf_hashes(&leaves), one_by_one(&leaves));
        }
    }
}
