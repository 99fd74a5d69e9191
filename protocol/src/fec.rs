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

mod gate;
mod gather;
mod redundancy;

use std::ops::Range;

use bytes::{Bytes, BytesMut};

pub use gather::{Gathered, Insert};
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

/// A block with its repair symbols, ready to be sent.
#[derive(Debug, Clone)]
pub struct CodedBlock {
    oti: Oti,
    source: Bytes,
    repair: Vec<Bytes>,
    first_repair: u32,
}

impl CodedBlock {
    /// Codes `block`, with the repair symbols whose ESIs are in `repair`.
    ///
    /// # Errors
    /// [`FecError`] if a length or id is out of its range.
    pub fn encode(block: &[u8], symbol_len: u16, repair: Range<u32>) -> Result<Self, FecError> {
        let oti = Oti::new(block.len(), symbol_len)?;
        if repair.end > MAX_ESI + 1 {
            return Err(FecError::Esi { esi: MAX_ESI + 1 });
        }
        let mut padded = BytesMut::with_capacity(oti.padded_len());
        padded.extend_from_slice(block);
        padded.resize(oti.padded_len(), 0);
        let source = padded.freeze();
        let first_repair = repair.start.max(oti.k());
        let symbols = gate::repair_symbols(&oti, &source, first_repair..repair.end)?;
        Ok(Self {
            oti,
            source,
            repair: symbols,
            first_repair,
        })
    }

    /// Source symbols (K).
    #[must_use]
    pub fn k(&self) -> u32 {
        self.oti.k()
    }

    /// Repair symbols held.
    #[must_use]
    pub fn repair_count(&self) -> u32 {
        u32::try_from(self.repair.len()).unwrap_or(u32::MAX)
    }

    /// The `nth` symbol to send, source symbols first: its ESI and bytes.
    #[must_use]
    pub fn nth(&self, nth: u32) -> Option<(u32, &[u8])> {
        match nth.checked_sub(self.k()) {
            None => {
                let start = nth as usize * self.oti.symbol_len();
                self.source
                    .get(start..start + self.oti.symbol_len())
                    .map(|symbol| (nth, symbol))
            }
            Some(index) => {
                let symbol = self.repair.get(index as usize)?;
                Some((self.first_repair + index, symbol))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i * 31 % 251) as u8).collect()
    }

    #[test]
    fn source_symbols_are_the_block_itself() {
        let data = block(1000);
        let coded = CodedBlock::encode(&data, 64, 16..20).unwrap();
        assert_eq!(coded.nth(3), Some((3, &data[192..256])));
    }

    #[test]
    fn the_last_source_symbol_is_padded_with_zeros() {
        let coded = CodedBlock::encode(&block(65), 64, 2..2).unwrap();
        assert_eq!(&coded.nth(1).unwrap().1[1..], &[0; 63]);
    }

    #[test]
    fn repair_symbols_do_not_depend_on_which_others_are_asked_for() {
        let data = block(1000);
        let all = CodedBlock::encode(&data, 64, 16..40).unwrap();
        let later = CodedBlock::encode(&data, 64, 30..40).unwrap();
        assert_eq!(later.nth(16), all.nth(16 + 14));
        assert_eq!(later.nth(16).unwrap().0, 30);
    }

    #[test]
    fn a_block_without_bytes_has_no_code() {
        assert!(matches!(Oti::new(0, 64), Err(FecError::BlockLength { .. })));
    }

    #[test]
    fn a_block_of_one_symbol_more_than_allowed_has_no_code() {
        assert!(Oti::new(1024 * 64, 64).is_ok());
        assert!(matches!(Oti::new(1024 * 64 + 1, 64), Err(FecError::BlockLength { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_k_plus_two_symbols_give_the_block(len in 1usize..20_000, seed: u64) {
            let data = block(len);
            let oti = Oti::new(len, 128).unwrap();
            let coded = CodedBlock::encode(&data, 128, oti.k()..2 * oti.k() + 2).unwrap();
            let mut gathered = Gathered::new(oti);
            // A seeded choice of K + 2 of the 2K + 2 symbols, source and repair alike.
            let mut order: Vec<u32> = (0..2 * oti.k() + 2).collect();
            order.sort_by_key(|nth| (u64::from(*nth) + 1).wrapping_mul(seed | 1).rotate_left(17));
            for nth in order.into_iter().take(oti.k() as usize + 2) {
                let (esi, symbol) = coded.nth(nth).unwrap();
                prop_assert_eq!(gathered.insert(esi, symbol), Insert::Stored);
            }
            prop_assert_eq!(&gathered.solve().unwrap()[..], &data[..]);
        }
    }
}
