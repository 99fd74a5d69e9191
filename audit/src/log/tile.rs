//! Where tiles lie, and which of them a tree of a given size has. Pure arithmetic.
//!
//! ```text
//! size 70,000:   level 0   273 full tiles, one partial of 112 hashes      tile/0/000 … tile/0/273.p/112
//!                level 1     1 full tile,  one partial of  17 hashes      tile/1/000,   tile/1/001.p/17
//!                level 2                   one partial of   1 hash        tile/2/000.p/1
//!                entries   as level 0                                     tile/entries/000 …
//! ```
//!
//! # Source
//! C2SP tlog-tiles, "Merkle Tree", "Partial Tiles", "Log entries".

use std::fmt;
use std::path::{Path, PathBuf};

/// Hashes, or entries, of a full tile.
pub(crate) const TILE_WIDTH: u64 = 256;
/// The folder of all tiles, in the log's folder.
pub(crate) const TILE_DIR: &str = "tile";
/// No tree of 2^64 entries has more levels.
pub(crate) const MAX_LEVELS: u8 = 8;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// Entries, each behind its length.
    Entries,
    /// Hashes of a level: of entries at level 0, of full tiles of the level below above it.
    Hashes(u8),
}

impl Kind {
    /// The level that the tile's position counts in.
    pub(crate) fn level(self) -> u8 {
        match self {
            Self::Entries => 0,
            Self::Hashes(level) => level,
        }
    }
}

/// One tile file: full with a width of 256, partial below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tile {
    pub(crate) kind: Kind,
    pub(crate) index: u64,
    pub(crate) width: u16,
}

impl Tile {
    pub(crate) fn full(kind: Kind, index: u64) -> Self {
        Self {
            kind,
            index,
            width: FULL,
        }
    }

    pub(crate) fn is_full(self) -> bool {
        self.width == FULL
    }

    /// The tile that a tree of `size` entries has at this place; `None` if the tree does not reach it.
    pub(crate) fn of_size(kind: Kind, index: u64, size: u64) -> Option<Self> {
        let hashes = hashes_at(size, kind.level());
        let start = index.checked_mul(TILE_WIDTH)?;
        let width = hashes.checked_sub(start)?.min(TILE_WIDTH);
        (width > 0).then_some(Self {
            kind,
            index,
            width: u16::try_from(width).unwrap_or(FULL),
        })
    }

    /// Where the file lies, below the log's folder.
    pub(crate) fn path(self) -> PathBuf {
        PathBuf::from(self.to_string())
    }

    /// The folder of a tile's partial versions.
    pub(crate) fn partial_dir(self) -> PathBuf {
        PathBuf::from(format!("{}.p", Self { width: FULL, ..self }))
    }

    /// Reads a path as [`path`](Self::path) writes it; another spelling is `None`.
    pub(crate) fn parse(path: &Path) -> Option<Self> {
        let text = path.to_str()?;
        let (kind, rest) = text.strip_prefix("tile/")?.split_once('/')?;
        let kind = match kind {
            "entries" => Kind::Entries,
            level => Kind::Hashes(level.parse().ok().filter(|level| *level < MAX_LEVELS)?),
        };
        let (index, width) = match rest.split_once(".p/") {
            None => (rest, FULL),
            Some((index, width)) => (index, width.parse().ok()?),
        };
        let index = index.split('/').try_fold(0u64, |sum, part| {
            let digits: u64 = part.trim_start_matches('x').parse().ok()?;
            sum.checked_mul(1000)?.checked_add(digits)
        })?;
        let tile = Self { kind, index, width };
        // One spelling each: what does not write back the same is not a tile's path.
        ((1..=FULL).contains(&width) && tile.to_string() == text).then_some(tile)
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Entries => write!(f, "{TILE_DIR}/entries/")?,
            Kind::Hashes(level) => write!(f, "{TILE_DIR}/{level}/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for (left, group) in groups.iter().enumerate().rev() {
            match left {
                0 => write!(f, "{group:03}")?,
                _ => write!(f, "x{group:03}/")?,
            }
        }
        if self.is_full() {
            Ok(())
        } else {
            write!(f, ".p/{}", self.width)
        }
    }
}

/// Hashes at `level` of a tree of `size` entries: ⌊size / 256^level⌋.
pub(crate) fn hashes_at(size: u64, level: u8) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

/// Hashes in the partial tile at `level`; 0 if there is none.
pub(crate) fn partial_width(size: u64, level: u8) -> usize {
    usize::try_from(hashes_at(size, level) % TILE_WIDTH).unwrap_or(0)
}

/// Levels that a tree of `size` entries has tiles on.
pub(crate) fn levels(size: u64) -> impl Iterator<Item = u8> {
    (0..MAX_LEVELS).take_while(move |level| hashes_at(size, *level) > 0)
}

const FULL: u16 = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shape(size: u64) -> Vec<(u64, usize)> {
        levels(size)
            .map(|level| (hashes_at(size, level) / TILE_WIDTH, partial_width(size, level)))
            .collect()
    }

    #[test]
    fn a_tree_of_70_000_has_the_tiles_that_the_specification_counts() {
        assert_eq!(shape(70_000), [(273, 112), (1, 17), (0, 1)]);
    }

    #[test]
    fn a_tree_of_256_has_a_full_tile_and_one_hash_above_it() {
        assert_eq!(shape(256), [(1, 0), (0, 1)]);
    }

    #[test]
    fn an_empty_tree_has_no_tiles() {
        assert_eq!(shape(0), []);
    }

    #[test]
    fn the_largest_tree_has_eight_levels() {
        assert_eq!(levels(u64::MAX).count(), 8);
        assert_eq!(partial_width(u64::MAX, 7), 255);
    }

    #[test]
    fn an_index_is_written_as_the_specification_shows() {
        assert_eq!(
            Tile::full(Kind::Hashes(0), 1_234_067).to_string(),
            "tile/0/x001/x234/067"
        );
        assert_eq!(
            Tile {
                width: 5,
                ..Tile::full(Kind::Entries, 1000)
            }
            .to_string(),
            "tile/entries/x001/000.p/5"
        );
        assert_eq!(Tile::full(Kind::Hashes(7), 0).partial_dir(), Path::new("tile/7/000.p"));
    }

    #[test]
    fn another_spelling_is_no_tile() {
        for path in [
            "tile/00/000",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/x000/000",
            "tile/0/001/000",
            "tile/0/x001",
            "tile/8/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p",
            "tile/data/000",
            "tile/0/+01",
            "entries/000",
            "tile/0/000.tmp",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
        ] {
            assert_eq!(Tile::parse(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn the_tile_at_the_right_edge_is_partial_and_none_follows() {
        let at = |index| Tile::of_size(Kind::Hashes(0), index, 600).map(|tile| tile.width);
        assert_eq!([at(0), at(1), at(2), at(3)], [Some(256), Some(256), Some(88), None]);
        assert_eq!(Tile::of_size(Kind::Hashes(2), 0, 600), None);
        assert_eq!(Tile::of_size(Kind::Hashes(0), u64::MAX, u64::MAX), None);
    }

    proptest! {
        #[test]
        fn every_path_reads_back(level in 0..MAX_LEVELS, entries in any::<bool>(), index in any::<u64>(), width in 1..=FULL) {
            let kind = if entries { Kind::Entries } else { Kind::Hashes(level) };
            let tile = Tile { kind, index, width };
            prop_assert_eq!(Tile::parse(&tile.path()), Some(tile));
        }

        #[test]
        fn each_level_counts_the_full_tiles_below(size in any::<u64>(), level in 1..MAX_LEVELS) {
            prop_assert_eq!(hashes_at(size, level), hashes_at(size, level - 1) / TILE_WIDTH);
        }
    }
}
