//! Blocks on their way: jobs to read and code them, and the groups in which they are sent.

use std::ops::Range;

use crate::fec::{BlockBuffers, CodedBlock, FecError};
use crate::layout::Block;
use crate::wire::{BodyCrc, SessionId};

/// Where a coded block belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    pub(super) lane: usize,
    pub(super) group: u64,
    pub(super) slot: usize,
}

/// A block to be read and coded.
#[derive(Debug)]
pub struct EncodeJob {
    pub(super) block: Block,
    pub(super) file_offset: u64,
    pub(super) leaves: Range<u64>,
    pub(super) symbol_len: u16,
    pub(super) repair: Range<u32>,
    pub(super) ticket: Ticket,
}

impl EncodeJob {
    /// The block.
    #[must_use]
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// Where its bytes start in the bundle's file.
    #[must_use]
    pub fn file_offset(&self) -> u64 {
        self.file_offset
    }

    /// Its leaves' numbers; empty for a head block.
    #[must_use]
    pub fn leaves(&self) -> Range<u64> {
        self.leaves.clone()
    }

    /// The place in `buffers` that the block's bytes are to be read into.
    pub fn place<'a>(&self, buffers: &'a mut BlockBuffers) -> &'a mut [u8] {
        buffers.block_mut(self.block.len as usize)
    }

    /// Codes the block's bytes, which are in `buffers`.
    ///
    /// # Errors
    /// [`FecError`] if `buffers` has not the block's length, or the library fails.
    pub fn run(self, buffers: BlockBuffers) -> Result<Coded, FecError> {
        let len = buffers.block().len();
        if len != self.block.len as usize {
            return Err(FecError::BlockLength {
                len,
                symbol_len: self.symbol_len,
            });
        }
        let coded = CodedBlock::encode_in(buffers, self.symbol_len, self.repair)?;
        Ok(Coded {
            ticket: self.ticket,
            block: SummedBlock::new(coded),
        })
    }
}

/// A block that was coded by [`EncodeJob::run`].
#[derive(Debug)]
pub struct Coded {
    pub(super) ticket: Ticket,
    pub(super) block: SummedBlock,
}

impl Coded {
    /// The block's bytes, as they were when it was coded.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.block.coded.block()
    }
}

/// A coded block with the CRC of each of its symbols.
#[derive(Debug)]
pub(super) struct SummedBlock {
    coded: CodedBlock,
    crcs: Vec<BodyCrc>,
}

impl SummedBlock {
    pub(super) fn new(coded: CodedBlock) -> Self {
        let symbols = (0..symbols_of(&coded)).filter_map(|nth| coded.nth(nth));
        let crcs = symbols.map(|(_, bytes)| BodyCrc::of(bytes)).collect();
        Self { coded, crcs }
    }

    fn symbol(&self, block: u32, nth: u32) -> Option<GroupSymbol<'_>> {
        let (esi, bytes) = self.coded.nth(nth)?;
        Some(GroupSymbol {
            block,
            esi,
            bytes,
            crc: *self.crcs.get(nth as usize)?,
        })
    }
}

/// Coded blocks whose symbols are sent in turn, so that a burst of losses is shared by all of them.
#[derive(Debug)]
pub struct CodedGroup {
    pub(super) session: SessionId,
    pub(super) first_block: u32,
    pub(super) blocks: Vec<SummedBlock>,
}

/// One symbol of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupSymbol<'a> {
    /// Its block.
    pub block: u32,
    /// Its encoding symbol id.
    pub esi: u32,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Their CRC.
    pub crc: BodyCrc,
}

impl CodedGroup {
    /// The transmission that it belongs to.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Its symbols in the order in which they are sent: position by position across the blocks, repair last.
    pub fn symbols(&self) -> impl Iterator<Item = GroupSymbol<'_>> {
        let most = self.blocks.iter().map(|block| block.crcs.len()).max().unwrap_or(0);
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        (0..most).flat_map(move |nth| {
            self.blocks
                .iter()
                .zip(self.first_block..)
                .filter_map(move |(coded, block)| coded.symbol(block, nth))
        })
    }

    /// How many symbols it has.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.blocks.iter().map(|block| block.crcs.len() as u64).sum()
    }

    /// The memory of its blocks, for others.
    pub fn into_buffers(self) -> impl Iterator<Item = BlockBuffers> {
        self.blocks.into_iter().map(|block| block.coded.into_buffers())
    }
}

fn symbols_of(block: &CodedBlock) -> u32 {
    block.k() + block.repair_count()
}
