//! The symbols of one block, until they determine it.
//!
//! Always true:
//! - source symbols lie at their place in one buffer, so that a block without losses needs no decoding and one with few is mended
//!   in place; where one is missing lies whatever the buffer held before, until [`Gathered::solve`] clears it;
//! - each ESI is held once; no more than K + [`SPARE`] symbols are held.

use super::generator::Rows;
use super::gf256::Kernel;
use super::{FecError, Method, Oti, dense, gate, generator};

/// Symbols beyond K that are kept: K + 2 fail to determine a block about once in a million times.
const SPARE: usize = 8;

/// What became of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insert {
    /// Kept.
    Stored,
    /// Its ESI is held already.
    Duplicate,
    /// Enough are held.
    Full,
    /// It has not the block's symbol length.
    WrongLength,
}

/// The symbols of one block.
#[derive(Debug)]
pub struct Gathered {
    oti: Oti,
    source: Vec<u8>,
    /// Which source symbols are in their place.
    present: Vec<bool>,
    source_count: usize,
    repair: Vec<(u32, Box<[u8]>)>,
}

impl Gathered {
    /// Sets aside the block's padded length.
    #[must_use]
    pub fn new(oti: Oti) -> Self {
        Self::reusing(Vec::new(), oti)
    }

    /// Takes `memory`, whatever it holds, for the block's padded length.
    #[must_use]
    pub fn reusing(mut memory: Vec<u8>, oti: Oti) -> Self {
        // No more than the length that was reserved.
        memory.reserve_exact(oti.padded_len().saturating_sub(memory.len()));
        memory.resize(oti.padded_len(), 0);
        Self {
            oti,
            source: memory,
            present: vec![false; oti.k() as usize],
            source_count: 0,
            repair: Vec::new(),
        }
    }

    /// The block's code.
    #[must_use]
    pub fn oti(&self) -> &Oti {
        &self.oti
    }

    /// Bytes that a block of this code may take while it is gathered, if ESIs go up to `max_esi`.
    #[must_use]
    pub fn cost(oti: &Oti, max_esi: u32) -> u64 {
        // All that arrive may be repair symbols, which lie beside the source buffer.
        let repair = max_esi.saturating_add(1).saturating_sub(oti.k()) as usize;
        let repair = repair.min(oti.k() as usize + SPARE);
        (oti.padded_len() + repair * oti.symbol_len()) as u64
    }

    /// The memory of the block, for another one.
    #[must_use]
    pub fn into_memory(self) -> Vec<u8> {
        self.source
    }

    /// Bytes set aside for symbols.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        let repair: usize = self.repair.iter().map(|(_, symbol)| symbol.len()).sum();
        self.source.capacity() + repair
    }

    /// Takes a symbol.
    pub fn insert(&mut self, esi: u32, symbol: &[u8]) -> Insert {
        if symbol.len() != self.oti.symbol_len() {
            return Insert::WrongLength;
        }
        if let Some(present) = self.present.get_mut(esi as usize) {
            if *present {
                return Insert::Duplicate;
            }
            *present = true;
            self.source_count += 1;
            let start = esi as usize * symbol.len();
            self.source[start..start + symbol.len()].copy_from_slice(symbol);
            return Insert::Stored;
        }
        if self.repair.iter().any(|(held, _)| *held == esi) {
            return Insert::Duplicate;
        }
        if self.is_full() {
            return Insert::Full;
        }
        self.repair.push((esi, symbol.into()));
        Insert::Stored
    }

    /// Symbols held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.source_count + self.repair.len()
    }

    /// Whether no further repair symbol is kept.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.held() >= self.oti.k() as usize + SPARE
    }

    /// Whether it is worth trying to [`solve`](Self::solve): K symbols are held.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.held() >= self.oti.k() as usize
    }

    /// The block's bytes without padding. If the symbols held do not determine them, all are given back, for one more to be added.
    ///
    /// # Errors
    /// The unchanged value, if the symbols do not determine the block or the library failed on them.
    pub fn solve(self) -> Result<Vec<u8>, Box<Self>> {
        self.solve_by(Method::Fastest)
    }

    /// As [`solve`](Self::solve), by a method of the caller's choice; the bytes are the same.
    ///
    /// # Errors
    /// As there.
    pub fn solve_by(mut self, method: Method) -> Result<Vec<u8>, Box<Self>> {
        let block_len = self.oti.block_len();
        let lost: Vec<usize> = (0..self.present.len()).filter(|i| !self.present[*i]).collect();
        if lost.is_empty() {
            self.source.truncate(block_len);
            return Ok(self.source);
        }
        let symbol_len = self.oti.symbol_len();
        for number in &lost {
            self.source[number * symbol_len..][..symbol_len].fill(0);
        }
        let Some((kernel, rows)) = self.rows_worth_using(method, lost.len()) else {
            return match self.decode() {
                Ok(Some(bytes)) if bytes.len() == self.source.len() => {
                    self.source.copy_from_slice(&bytes);
                    self.source.truncate(block_len);
                    Ok(self.source)
                }
                _ => Err(Box::new(self)),
            };
        };
        let repair = self.repair.iter_mut().map(|(_, symbol)| &mut **symbol);
        if dense::recover(kernel, &self.oti, &mut self.source, &lost, repair, &rows) {
            self.source.truncate(block_len);
            Ok(self.source)
        } else {
            Err(Box::new(self))
        }
    }

    /// A kernel and the rows of the repair symbols held, unless the library is to decode.
    fn rows_worth_using(&self, method: Method, lost: usize) -> Option<(Kernel, Rows)> {
        let kernel = method.kernel(|kernel| lost <= kernel.most_losses())?;
        let k = self.oti.k();
        let rows = generator::rows(k, self.repair.iter().map(|(esi, _)| esi - k))?;
        Some((kernel, rows))
    }

    fn decode(&self) -> Result<Option<Vec<u8>>, FecError> {
        let source = self
            .source
            .chunks_exact(self.oti.symbol_len())
            .zip(&self.present)
            .enumerate();
        let source = source
            .filter(|(_, (_, present))| **present)
            .map(|(i, (symbol, _))| (i as u32, symbol));
        let repair = self.repair.iter().map(|(esi, symbol)| (*esi, &symbol[..]));
        gate::solve(&self.oti, source.chain(repair))
    }
}

#[cfg(test)]
mod tests {
    use super::super::CodedBlock;
    use super::*;

    fn oti() -> Oti {
        Oti::new(1000, 64).unwrap()
    }

    fn coded() -> CodedBlock {
        CodedBlock::encode(&[5; 1000], 64, 16..40).unwrap()
    }

    fn gathered(nths: impl IntoIterator<Item = u32>) -> Gathered {
        let (mut gathered, coded) = (Gathered::new(oti()), coded());
        for nth in nths {
            let (esi, symbol) = coded.nth(nth).unwrap();
            gathered.insert(esi, symbol);
        }
        gathered
    }

    #[test]
    fn a_block_one_symbol_short_is_not_ready() {
        assert!(!gathered(0..15).is_ready());
        assert!(gathered(0..16).is_ready());
    }

    #[test]
    fn a_block_with_all_source_symbols_is_itself() {
        assert_eq!(&gathered(0..16).solve().unwrap()[..], &[5; 1000][..]);
    }

    #[test]
    fn a_lost_source_symbol_is_made_up_by_repair() {
        assert_eq!(&gathered(1..18).solve().unwrap()[..], &[5; 1000][..]);
    }

    #[test]
    fn a_symbol_that_is_held_is_a_duplicate() {
        let mut gathered = gathered([3, 20]);
        assert_eq!(gathered.insert(3, &[0; 64]), Insert::Duplicate);
        assert_eq!(gathered.insert(20, &[0; 64]), Insert::Duplicate);
    }

    #[test]
    fn a_symbol_of_another_length_is_refused() {
        assert_eq!(gathered([]).insert(0, &[0; 63]), Insert::WrongLength);
    }

    #[test]
    fn a_block_too_short_to_solve_is_given_back_whole() {
        let back = gathered(1..10).solve().unwrap_err();
        assert_eq!(back.held(), 9);
    }

    #[test]
    fn repair_symbols_without_end_do_not_fill_memory() {
        let mut gathered = gathered([]);
        let stored = (16..1000)
            .filter(|esi| gathered.insert(*esi, &[0; 64]) == Insert::Stored)
            .count();
        assert_eq!(stored, 16 + SPARE);
    }
}
