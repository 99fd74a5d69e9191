//! How a bundle is cut for the link: head and content into blocks, blocks into symbols and groups.
//!
//! ```text
//! file     │prefix│      head      │                 content                  │
//! leaves                           │  leaf  │  leaf  │  leaf  │  leaf  │ leaf │    SHA-256 each, in the signed index
//! blocks          │ 0    │ 1       │ 2               │ 3               │ 4    │    whole leaves; head blocks come first
//! symbols         │ K = ceil(block bytes / symbol bytes), the last padded with zeros
//! groups          │      group 0 (D = 3)              │ group 1              │    symbols interleaved block by block
//! ```
//!
//! Pure arithmetic, the same on both sides; every length is checked once, in [`Layout::new`].

use std::ops::Range;

use crate::bundle::PREFIX_LEN;
use crate::limits::{
    MAX_CONTENT_LEN, MAX_HEAD_LEN, MAX_K, MAX_LEAF_LEN, MAX_LEAVES_PER_BLOCK, MAX_SYMBOL_LEN, MIN_LEAF_LEN,
    MIN_SYMBOL_LEN,
};

/// Lengths that do not fit together, or are out of range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// One length is out of its range.
    #[error("{field} of {value} is out of range")]
    Range {
        /// The field's name.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// A block would have more symbols than the code allows.
    #[error(
        "a block of {block_len} bytes has more than {MAX_K} symbols of {symbol_len} bytes; pack with a smaller leaf length"
    )]
    TooManySymbols {
        /// Bytes of a block.
        block_len: u32,
        /// Bytes of a symbol.
        symbol_len: u16,
    },
}

/// Which part of a bundle a block belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Envelope and leaf index, checked by the announce's head digest.
    Head,
    /// Files' bytes, checked leaf by leaf.
    Content,
}

/// One block: the unit of coding, of writing and of blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Its number, head blocks first.
    pub number: u32,
    /// The part it belongs to.
    pub part: Part,
    /// Where it starts within its part, in bytes.
    pub offset: u64,
    /// Its length in bytes.
    pub len: u32,
    /// Its source symbols (K).
    pub k: u32,
}

/// How a bundle is cut into blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    head_len: u32,
    content_len: u64,
    leaf_len: u32,
    leaves_per_block: u16,
    symbol_len: u16,
    head_blocks: u32,
    blocks: u32,
}

impl Layout {
    /// The layout for these lengths, all in bytes but `leaves_per_block`.
    ///
    /// # Errors
    /// [`LayoutError`] if one is out of its range, or a block has more than [`MAX_K`] symbols.
    pub fn new(
        head_len: u32,
        content_len: u64,
        leaf_len: u32,
        leaves_per_block: u16,
        symbol_len: u16,
    ) -> Result<Self, LayoutError> {
        let within = |field, value: u64, range: Range<u64>| {
            if range.contains(&value) {
                Ok(())
            } else {
                Err(LayoutError::Range { field, value })
            }
        };
        within("head_len", head_len.into(), 1..MAX_HEAD_LEN + 1)?;
        within("content_len", content_len, 0..MAX_CONTENT_LEN + 1)?;
        within(
            "leaf_len",
            leaf_len.into(),
            MIN_LEAF_LEN.into()..u64::from(MAX_LEAF_LEN) + 1,
        )?;
        if !leaf_len.is_power_of_two() {
            return Err(LayoutError::Range {
                field: "leaf_len",
                value: leaf_len.into(),
            });
        }
        within(
            "leaves_per_block",
            leaves_per_block.into(),
            1..u64::from(MAX_LEAVES_PER_BLOCK) + 1,
        )?;
        within(
            "symbol_len",
            symbol_len.into(),
            MIN_SYMBOL_LEN.into()..u64::from(MAX_SYMBOL_LEN) + 1,
        )?;
        let block_len = leaf_len * u32::from(leaves_per_block);
        if block_len.div_ceil(symbol_len.into()) > MAX_K {
            return Err(LayoutError::TooManySymbols { block_len, symbol_len });
        }
        let head_blocks = head_len.div_ceil(block_len);
        let content_blocks = content_len.div_ceil(block_len.into());
        let blocks = u32::try_from(u64::from(head_blocks) + content_blocks).map_err(|_| LayoutError::Range {
            field: "content_len",
            value: content_len,
        })?;
        Ok(Self {
            head_len,
            content_len,
            leaf_len,
            leaves_per_block,
            symbol_len,
            head_blocks,
            blocks,
        })
    }

    /// As many leaves as fill a block of at most 256 symbols, at least one: a power of two.
    #[must_use]
    pub fn leaves_per_block_for(leaf_len: u32, symbol_len: u16) -> u16 {
        const GOOD_K: u32 = 256;
        let mut leaves = 1u16;
        while leaves < MAX_LEAVES_PER_BLOCK
            && (leaf_len.saturating_mul(u32::from(leaves) * 2)).div_ceil(symbol_len.max(1).into()) <= GOOD_K
        {
            leaves *= 2;
        }
        leaves
    }

    /// Blocks in all.
    #[must_use]
    pub fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Blocks of the head.
    #[must_use]
    pub fn head_blocks(&self) -> u32 {
        self.head_blocks
    }

    /// Bytes of a block, the last of a part excepted.
    #[must_use]
    pub fn block_len(&self) -> u32 {
        self.leaf_len * u32::from(self.leaves_per_block)
    }

    /// Bytes of a leaf, the last excepted.
    #[must_use]
    pub fn leaf_len(&self) -> u32 {
        self.leaf_len
    }

    /// Leaves of the content.
    #[must_use]
    pub fn leaves(&self) -> u64 {
        self.content_len.div_ceil(self.leaf_len.into())
    }

    /// Bytes of a symbol.
    #[must_use]
    pub fn symbol_len(&self) -> u16 {
        self.symbol_len
    }

    /// Bytes of the head.
    #[must_use]
    pub fn head_len(&self) -> u32 {
        self.head_len
    }

    /// Bytes of the content.
    #[must_use]
    pub fn content_len(&self) -> u64 {
        self.content_len
    }

    /// Bytes of the bundle's file.
    #[must_use]
    pub fn file_len(&self) -> u64 {
        PREFIX_LEN as u64 + u64::from(self.head_len) + self.content_len
    }

    /// The block with this number, if there is one.
    #[must_use]
    pub fn block(&self, number: u32) -> Option<Block> {
        if number >= self.blocks {
            return None;
        }
        let (part, within, part_len) = match number.checked_sub(self.head_blocks) {
            None => (Part::Head, number, u64::from(self.head_len)),
            Some(within) => (Part::Content, within, self.content_len),
        };
        let offset = u64::from(within) * u64::from(self.block_len());
        let len = u32::try_from(part_len.saturating_sub(offset))
            .unwrap_or(u32::MAX)
            .min(self.block_len());
        Some(Block {
            number,
            part,
            offset,
            len,
            k: len.div_ceil(self.symbol_len.into()),
        })
    }

    /// Where a block starts in the bundle's file.
    #[must_use]
    pub fn file_offset(&self, block: &Block) -> u64 {
        let start = match block.part {
            Part::Head => 0,
            Part::Content => u64::from(self.head_len),
        };
        PREFIX_LEN as u64 + start + block.offset
    }

    /// The numbers of a content block's leaves; empty for a head block.
    #[must_use]
    pub fn leaves_of(&self, block: &Block) -> Range<u64> {
        match block.part {
            Part::Head => 0..0,
            Part::Content => {
                let first = block.offset / u64::from(self.leaf_len);
                first..first + u64::from(block.len.div_ceil(self.leaf_len))
            }
        }
    }

    /// The largest K of any block.
    #[must_use]
    pub fn largest_k(&self) -> u32 {
        [0, self.head_blocks]
            .into_iter()
            .filter_map(|number| self.block(number))
            .map(|block| block.k)
            .max()
            .unwrap_or(0)
    }

    /// Groups of `depth` consecutive blocks.
    #[must_use]
    pub fn groups(&self, depth: u16) -> u32 {
        self.blocks.div_ceil(depth.max(1).into())
    }

    /// The numbers of a group's blocks.
    #[must_use]
    pub fn group(&self, group: u32, depth: u16) -> Range<u32> {
        let depth = u32::from(depth.max(1));
        let first = group.saturating_mul(depth).min(self.blocks);
        first..first.saturating_add(depth).min(self.blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(head_len: u32, content_len: u64) -> Layout {
        Layout::new(head_len, content_len, 262_144, 1, 1408).unwrap()
    }

    #[test]
    fn a_full_block_at_mtu_1500_has_187_symbols() {
        assert_eq!(layout(100, 262_144).block(1).unwrap().k, 187);
    }

    #[test]
    fn eight_leaves_fill_a_block_at_mtu_9000_with_236_symbols() {
        assert_eq!(Layout::leaves_per_block_for(262_144, 8896), 8);
        let layout = Layout::new(100, 8 * 262_144, 262_144, 8, 8896).unwrap();
        assert_eq!(layout.block(1).unwrap().k, 236);
    }

    #[test]
    fn one_leaf_fills_a_block_at_mtu_1500() {
        assert_eq!(Layout::leaves_per_block_for(262_144, 1408), 1);
    }

    #[test]
    fn blocks_cover_the_file_without_gap_or_overlap() {
        let layout = Layout::new(700_000, 1_000_001, 4096, 64, 1408).unwrap();
        let mut end = PREFIX_LEN as u64;
        for number in 0..layout.blocks() {
            let block = layout.block(number).unwrap();
            assert_eq!(layout.file_offset(&block), end);
            end += u64::from(block.len);
        }
        assert_eq!(end, layout.file_len());
    }

    #[test]
    fn leaves_cover_the_content_without_gap_or_overlap() {
        let layout = Layout::new(700_000, 1_000_001, 4096, 64, 1408).unwrap();
        let mut end = 0;
        for number in 0..layout.blocks() {
            let leaves = layout.leaves_of(&layout.block(number).unwrap());
            if !leaves.is_empty() {
                assert_eq!(leaves.start, end);
                end = leaves.end;
            }
        }
        assert_eq!(end, layout.leaves());
    }

    #[test]
    fn a_bundle_without_content_has_head_blocks_only() {
        let layout = layout(100, 0);
        assert_eq!((layout.blocks(), layout.head_blocks(), layout.leaves()), (1, 1, 0));
    }

    #[test]
    fn one_byte_past_a_block_makes_another() {
        assert_eq!(layout(100, 262_144).blocks(), 2);
        assert_eq!(layout(100, 262_145).blocks(), 3);
        assert_eq!(layout(100, 262_145).block(2).unwrap().len, 1);
    }

    #[test]
    fn a_symbol_too_small_for_the_leaf_is_refused() {
        assert!(Layout::new(100, 0, 262_144, 1, 256).is_ok());
        assert!(matches!(
            Layout::new(100, 0, 262_144, 1, 255),
            Err(LayoutError::TooManySymbols { .. })
        ));
    }

    #[test]
    fn each_length_is_refused_just_past_its_range() {
        assert!(Layout::new(0, 0, 4096, 1, 64).is_err());
        assert!(Layout::new(MAX_HEAD_LEN as u32 + 1, 0, 4096, 1, 64).is_err());
        assert!(Layout::new(1, MAX_CONTENT_LEN + 1, 262_144, 1, 1408).is_err());
        assert!(Layout::new(1, 0, 2048, 1, 64).is_err());
        assert!(Layout::new(1, 0, 4097, 1, 64).is_err());
        assert!(Layout::new(1, 0, 4096, 0, 64).is_err());
        assert!(Layout::new(1, 0, 4096, 1, 63).is_err());
        assert!(Layout::new(1, 0, 4096, 1, MAX_SYMBOL_LEN + 1).is_err());
    }

    #[test]
    fn the_last_group_may_be_shorter() {
        let layout = layout(100, 262_144 * 4);
        assert_eq!((layout.groups(3), layout.group(1, 3)), (2, 3..5));
    }
}
