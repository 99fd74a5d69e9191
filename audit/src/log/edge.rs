//! The right edge of the tree: the hashes of every partial tile. All that is needed to append, to know the root, and to
//! write the next tiles.
//!
//! ```text
//! level 2                     [h]                 full tiles are handed out as they fill up, and never needed again
//! level 1         ┌──────────┐[h h … 17]
//! level 0  ┌─────┐┌─────┐… [h h h h … 112]
//! ```

use protocol::digest::Digest;
use protocol::merkle::{Frontier, node_hash};

use super::tile::{Kind, MAX_LEVELS, TILE_WIDTH, Tile, hashes_at, partial_width};

/// Hashes of the partial tile of each level, level 0 first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Edge {
    size: u64,
    levels: Vec<Vec<Digest>>,
}

impl Edge {
    /// The edge of a tree of `size` entries from its partial tiles; `None` if a width does not fit the size.
    pub(crate) fn from_levels(size: u64, levels: Vec<Vec<Digest>>) -> Option<Self> {
        let fits = (0..MAX_LEVELS)
            .zip(&levels)
            .all(|(level, hashes)| hashes.len() == partial_width(size, level));
        let complete = (0..MAX_LEVELS)
            .skip(levels.len())
            .all(|level| partial_width(size, level) == 0);
        (fits && complete).then_some(Self { size, levels })
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Hashes of the partial tile at `level`; none if there is no such tile.
    pub(crate) fn partial(&self, level: u8) -> &[Digest] {
        self.levels.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// Appends a leaf hash; each tile that it fills is given to `filled`, lowest level first.
    pub(crate) fn push(&mut self, leaf: Digest, mut filled: impl FnMut(Tile, &[Digest])) {
        self.size += 1;
        let mut hash = leaf;
        for level in 0..MAX_LEVELS {
            let at = usize::from(level);
            if self.levels.len() <= at {
                self.levels.push(Vec::new());
            }
            let Some(hashes) = self.levels.get_mut(at) else { return };
            hashes.push(hash);
            if (hashes.len() as u64) < TILE_WIDTH {
                return;
            }
            let index = hashes_at(self.size, level) / TILE_WIDTH - 1;
            filled(Tile::full(Kind::Hashes(level), index), hashes);
            hash = perfect_root(hashes);
            hashes.clear();
        }
    }

    /// The partial tiles with their hashes, lowest level first.
    pub(crate) fn partials(&self) -> impl Iterator<Item = (Tile, &[Digest])> {
        (0..MAX_LEVELS).zip(&self.levels).filter_map(|(level, hashes)| {
            let index = hashes_at(self.size, level) / TILE_WIDTH;
            let tile = Tile::of_size(Kind::Hashes(level), index, self.size)?;
            Some((tile, hashes.as_slice()))
        })
    }

    /// The root of the tree.
    pub(crate) fn root(&self) -> Digest {
        let mut parts = Vec::new();
        for hashes in self.levels.iter().rev() {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                // The largest perfect subtree first, as the frontier has them.
                let (subtree, after) = rest.split_at(1 << rest.len().ilog2());
                parts.push(perfect_root(subtree));
                rest = after;
            }
        }
        Frontier::from_parts(self.size, parts)
            .expect("a level holds as many hashes as the size has in that digit, so that the set bits are the same")
            .root()
    }
}

/// The root over a power of two of hashes.
pub(crate) fn perfect_root(hashes: &[Digest]) -> Digest {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row
            .chunks_exact(2)
            .filter_map(|pair| pair.first().zip(pair.last()))
            .map(|(l, r)| node_hash(l, r))
            .collect();
    }
    row.first().copied().unwrap_or_else(|| Digest::of(b""))
}

/// A tile's bytes: its hashes, one after another.
pub(crate) fn to_bytes(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile's bytes; `None` unless they are whole.
pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Vec<Digest>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty()
        .then(|| hashes.iter().map(|hash| Digest(*hash)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tile::levels;
    use protocol::merkle::{leaf_hash, root};

    fn leaves(count: u64) -> Vec<Digest> {
        (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    fn grown(leaves: &[Digest]) -> (Edge, Vec<(Tile, Vec<Digest>)>) {
        let (mut edge, mut tiles) = (Edge::default(), Vec::new());
        for leaf in leaves {
            edge.push(*leaf, |tile, hashes| tiles.push((tile, hashes.to_vec())));
        }
        (edge, tiles)
    }

    #[test]
    fn the_root_is_that_of_rfc_6962_at_every_size() {
        let leaves = leaves(1100);
        let mut edge = Edge::default();
        let mut frontier = Frontier::new();
        assert_eq!(edge.root(), root(&[]));
        for leaf in leaves {
            edge.push(leaf, |_, _| {});
            frontier.push(leaf);
            assert_eq!(edge.root(), frontier.root(), "size {}", edge.size());
        }
    }

    #[test]
    fn a_tree_of_70_000_fills_and_leaves_the_tiles_that_the_specification_counts() {
        let (edge, tiles) = grown(&leaves(70_000));
        let full = |level| {
            tiles
                .iter()
                .filter(|(tile, _)| tile.kind == Kind::Hashes(level))
                .count()
        };
        assert_eq!([full(0), full(1), full(2)], [273, 1, 0]);
        let partial: Vec<_> = edge
            .partials()
            .map(|(tile, hashes)| (tile.to_string(), hashes.len()))
            .collect();
        assert_eq!(
            partial,
            [
                ("tile/0/273.p/112".into(), 112),
                ("tile/1/001.p/17".into(), 17),
                ("tile/2/000.p/1".into(), 1)
            ]
        );
        assert_eq!(edge.root(), root(&leaves(70_000)));
    }

    #[test]
    fn a_hash_above_level_0_is_the_root_of_the_full_tile_below_it() {
        let leaves = leaves(600);
        let (edge, tiles) = grown(&leaves);
        assert_eq!(edge.partial(1), [root(&leaves[..256]), root(&leaves[256..512])]);
        assert_eq!(tiles[1].1, leaves[256..512]);
    }

    #[test]
    fn an_edge_is_rebuilt_from_its_partial_tiles_alone() {
        let (edge, _) = grown(&leaves(70_000));
        let read = levels(70_000).map(|level| edge.partial(level).to_vec()).collect();
        assert_eq!(Edge::from_levels(70_000, read), Some(edge));
    }

    #[test]
    fn partial_tiles_of_another_size_are_refused() {
        let (edge, _) = grown(&leaves(300));
        let read: Vec<_> = levels(300).map(|level| edge.partial(level).to_vec()).collect();
        assert_eq!(Edge::from_levels(301, read.clone()), None);
        assert_eq!(Edge::from_levels(300, read[..1].to_vec()), None);
    }

    #[test]
    fn half_a_hash_is_no_tile() {
        assert_eq!(from_bytes(&[0; 63]), None);
        assert_eq!(from_bytes(&to_bytes(&leaves(3))), Some(leaves(3)));
    }
}
