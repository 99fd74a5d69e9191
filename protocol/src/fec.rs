//! Forward error correction: RaptorQ (RFC 6330), one source block at a time.
//!
//! ```text
//! block bytes ──pad to K·T──▶ K source symbols ┬─ sent as they are, ESI 0 … K−1
//!                                              └─ coded ──▶ repair symbols, ESI K …
//! any K symbols (rarely one or two more) ──Gathered──▶ solve ──▶ block bytes
//! ```
//!
//! The code itself is the `raptorq` crate's. It panics on malformed input by design, so `gate` is the one module that calls it:
//! there, lengths are checked first and what is left of its panics ends as an error. SBN is not used: each block is a code of
//! its own, with OTI `new(len, T, 1, 1, 1)`.
//!
//! For as many symbols as a link usually loses the crate is not run on the block: `generator` has it say once, for each K′, of which
//! multiples of source symbols a repair symbol is the sum, and `dense` encodes and decodes by that matrix, with the vector
//! instructions of `gf256`. For many symbols the crate is faster and does it itself. The bytes are the same either way.

mod dense;
mod gate;
mod gather;
mod generator;
#[allow(
    unsafe_code,
    reason = "vector instructions; the module's head says what keeps them sound"
)]
mod gf256;
mod lru;
mod matrix;
mod redundancy;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use gather::{Gathered, Insert};
pub use gf256::Kernel;
pub use redundancy::{Redundancy, RedundancyError};

use crate::limits::{MAX_ESI, MAX_K, MAX_SYMBOL_LEN, MIN_SYMBOL_LEN};

/// Why a block could not be coded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FecError {
    /// A block without bytes, or with more symbols than [`MAX_K`].
    #[error("a block of {len} bytes in symbols of {symbol_len} has no code")]
    BlockLength {
        /// Bytes of the block.
        len: usize,
        /// Bytes of a symbol.
        symbol_len: u16,
    },
    /// A symbol length out of its range.
    #[error("a symbol length of {symbol_len} is out of range")]
    SymbolLength {
        /// Bytes of a symbol.
        symbol_len: u16,
    },
    /// More repair symbols than 24-bit ids can name.
    #[error("repair symbol {esi} has no encoding symbol id")]
    Esi {
        /// The first id past the range.
        esi: u32,
    },
    /// The code library gave up.
    #[error("the RaptorQ library failed on a block of {k} symbols")]
    Library {
        /// Source symbols.
        k: u32,
    },
}

/// What a block's code depends on: its length and its symbols'. The object transmission information of RFC 6330, section 3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oti {
    len: u32,
    symbol_len: u16,
}

impl Oti {
    /// The code of a block of `len` bytes in symbols of `symbol_len` bytes.
    ///
    /// # Errors
    /// [`FecError`] if either is out of its range.
    pub fn new(len: usize, symbol_len: u16) -> Result<Self, FecError> {
        if !(MIN_SYMBOL_LEN..=MAX_SYMBOL_LEN).contains(&symbol_len) {
            return Err(FecError::SymbolLength { symbol_len });
        }
        match u32::try_from(len) {
            Ok(bytes) if bytes > 0 && bytes.div_ceil(symbol_len.into()) <= MAX_K => Ok(Self { len: bytes, symbol_len }),
            _ => Err(FecError::BlockLength { len, symbol_len }),
        }
    }

    /// Source symbols (K).
    #[must_use]
    pub fn k(&self) -> u32 {
        self.len.div_ceil(self.symbol_len.into())
    }

    /// Bytes of the block.
    #[must_use]
    pub fn block_len(&self) -> usize {
        self.len as usize
    }

    /// Bytes of a symbol (T).
    #[must_use]
    pub fn symbol_len(&self) -> usize {
        usize::from(self.symbol_len)
    }

    /// Bytes of all source symbols, padding included.
    #[must_use]
    pub fn padded_len(&self) -> usize {
        self.k() as usize * self.symbol_len()
    }
}

/// Who does the arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The fastest kernel of this processor, or the library where that is faster.
    Fastest,
    /// This kernel, however many symbols there are.
    Kernel(Kernel),
    /// The `raptorq` crate.
    Library,
}

impl Method {
    /// The kernel to use, if it is not the library's turn; the fastest one only if it is `worth` it.
    fn kernel(self, worth: impl FnOnce(Kernel) -> bool) -> Option<Kernel> {
        match self {
            Self::Fastest => Some(Kernel::fastest()).filter(|kernel| worth(*kernel)),
            Self::Kernel(kernel) => Some(kernel),
            Self::Library => None,
        }
    }
}

/// Memory for a block and its repair symbols, to be used again for the next: fresh pages cost more than the coding.
#[derive(Debug, Default)]
pub struct BlockBuffers {
    source: Vec<u8>,
    repair: Vec<u8>,
}

impl BlockBuffers {
    /// Room for a block of `len` bytes, whatever they are, to be filled before it is coded.
    pub fn block_mut(&mut self, len: usize) -> &mut [u8] {
        self.source.resize(len, 0);
        &mut self.source
    }

    /// The bytes of the block, as they were filled in.
    #[must_use]
    pub fn block(&self) -> &[u8] {
        &self.source
    }
}

/// A block with its repair symbols, ready to be sent.
#[derive(Debug)]
pub struct CodedBlock {
    oti: Oti,
    /// The block, and zeros up to whole symbols; the repair symbols one after another.
    buffers: BlockBuffers,
    first_repair: u32,
}

impl CodedBlock {
    /// Codes a copy of `block`, with the repair symbols whose ESIs are in `repair`.
    ///
    /// # Errors
    /// [`FecError`] if a length or id is out of its range.
    pub fn encode(block: &[u8], symbol_len: u16, repair: Range<u32>) -> Result<Self, FecError> {
        let mut buffers = BlockBuffers::default();
        buffers.block_mut(block.len()).copy_from_slice(block);
        Self::encode_in(buffers, symbol_len, repair)
    }

    /// Codes the block that `buffers` holds, where it lies.
    ///
    /// # Errors
    /// [`FecError`] if a length or id is out of its range.
    pub fn encode_in(buffers: BlockBuffers, symbol_len: u16, repair: Range<u32>) -> Result<Self, FecError> {
        Self::encode_by(Method::Fastest, buffers, symbol_len, repair)
    }

    /// As [`encode_in`](Self::encode_in), by a method of the caller's choice; the bytes are the same.
    ///
    /// # Errors
    /// As there.
    pub fn encode_by(
        method: Method,
        mut buffers: BlockBuffers,
        symbol_len: u16,
        repair: Range<u32>,
    ) -> Result<Self, FecError> {
        let oti = Oti::new(buffers.source.len(), symbol_len)?;
        if repair.end > MAX_ESI + 1 {
            return Err(FecError::Esi { esi: MAX_ESI + 1 });
        }
        let BlockBuffers { source, repair: out } = &mut buffers;
        source.resize(oti.padded_len(), 0);
        let first_repair = repair.start.max(oti.k());
        repair_symbols(method, &oti, source, first_repair..repair.end, out)?;
        Ok(Self {
            oti,
            buffers,
            first_repair,
        })
    }

    /// The block's bytes.
    #[must_use]
    pub fn block(&self) -> &[u8] {
        self.buffers.source.get(..self.oti.block_len()).unwrap_or_default()
    }

    /// The memory, for another block.
    #[must_use]
    pub fn into_buffers(self) -> BlockBuffers {
        self.buffers
    }

    /// Source symbols (K).
    #[must_use]
    pub fn k(&self) -> u32 {
        self.oti.k()
    }

    /// Repair symbols held.
    #[must_use]
    pub fn repair_count(&self) -> u32 {
        u32::try_from(self.buffers.repair.len() / self.oti.symbol_len()).unwrap_or(u32::MAX)
    }

    /// The `nth` symbol to send, source symbols first: its ESI and bytes.
    #[must_use]
    pub fn nth(&self, nth: u32) -> Option<(u32, &[u8])> {
        let (symbols, index, esi) = match nth.checked_sub(self.k()) {
            None => (&self.buffers.source, nth, nth),
            Some(index) => (&self.buffers.repair, index, self.first_repair.checked_add(index)?),
        };
        let start = (index as usize).checked_mul(self.oti.symbol_len())?;
        let symbol = symbols.get(start..)?.get(..self.oti.symbol_len())?;
        Some((esi, symbol))
    }
}

/// Puts the repair symbols of `source` with these ESIs into `out`, one after another, by whichever way is faster.
fn repair_symbols(
    method: Method,
    oti: &Oti,
    source: &[u8],
    esis: Range<u32>,
    out: &mut Vec<u8>,
) -> Result<(), FecError> {
    out.clear();
    let ids = esis.start - oti.k()..esis.end.saturating_sub(oti.k());
    if let Some(kernel) = method.kernel(|kernel| ids.len() <= kernel.most_repair())
        && let Some(rows) = generator::rows(oti.k(), ids)
    {
        dense::repair_symbols(kernel, oti, source, &rows, out);
        return Ok(());
    }
    *out = gate::repair_symbols(oti, source, esis)?;
    Ok(())
}
