//! The one door to the `raptorq` crate, which asserts where it should refuse.
//!
//! Whoever calls has lengths checked by [`Oti`]; a panic that is left in the library is caught here and costs one block.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use raptorq::{
    EncodingPacket, ObjectTransmissionInformation, PayloadId, SourceBlockDecoder, SourceBlockEncoder,
    extended_source_block_symbols,
};

use super::{FecError, Oti};
use crate::limits::MAX_K;

/// One source block, one sub-block, alignment 1: what makes the code independent of the symbol size.
fn library_oti(oti: &Oti) -> ObjectTransmissionInformation {
    ObjectTransmissionInformation::new(oti.padded_len() as u64, oti.symbol_len, 1, 1, 1)
}

/// The repair symbols of `source` (K padded symbols) with these ESIs, one after another.
pub(super) fn repair_symbols(oti: &Oti, source: &[u8], esis: Range<u32>) -> Result<Vec<u8>, FecError> {
    if esis.is_empty() {
        return Ok(Vec::new());
    }
    let k = oti.k();
    fenced(k, || {
        let encoder = SourceBlockEncoder::new(0, &library_oti(oti), source);
        concatenated(&encoder, esis.start - k..esis.end - k)
    })
}

/// K′: the number of symbols, padding among them, as which a block of `k` is coded (RFC 6330, section 5.3.1).
pub(super) fn extended_symbols(k: u32) -> Option<u32> {
    (1..=MAX_K).contains(&k).then(|| extended_source_block_symbols(k))
}

/// The identity matrix of K′ symbols of K′ bytes, encoded: whatever the repair symbol, it is a row of coefficients.
pub(super) struct Basis {
    k_prime: u32,
    encoder: SourceBlockEncoder,
}

impl Basis {
    /// Encodes the identity of [`extended_symbols`].
    pub(super) fn new(k_prime: u32) -> Result<Self, FecError> {
        fenced(k_prime, || {
            let size = k_prime as usize;
            let mut identity = vec![0; size * size];
            identity.iter_mut().step_by(size + 1).for_each(|entry| *entry = 1);
            let symbol_len = u16::try_from(k_prime).unwrap_or(u16::MAX);
            let oti = ObjectTransmissionInformation::new(identity.len() as u64, symbol_len, 1, 1, 1);
            let encoder = SourceBlockEncoder::new(0, &oti, &identity);
            Self { k_prime, encoder }
        })
    }

    /// The rows of the repair symbols with these ids (from 0; their ESIs less K), K′ bytes each, one after another.
    pub(super) fn rows(&self, ids: Range<u32>) -> Result<Vec<u8>, FecError> {
        fenced(self.k_prime, || concatenated(&self.encoder, ids))
    }

    /// About what it takes: the identity, and as many intermediate symbols and at most 128 more (RFC 6330, section 5.6).
    pub(super) fn bytes(&self) -> usize {
        let size = self.k_prime as usize;
        size * (2 * size + 128)
    }
}

fn concatenated(encoder: &SourceBlockEncoder, ids: Range<u32>) -> Vec<u8> {
    let packets = encoder.repair_packets(ids.start, ids.end - ids.start);
    let symbols: Vec<&[u8]> = packets.iter().map(EncodingPacket::data).collect();
    symbols.concat()
}

/// The padded source symbols, from `symbols` with distinct ESIs and of the right length; `None` if they do not determine them.
pub(super) fn solve<'a>(
    oti: &Oti,
    symbols: impl Iterator<Item = (u32, &'a [u8])>,
) -> Result<Option<Vec<u8>>, FecError> {
    let packets = symbols.map(|(esi, bytes)| EncodingPacket::new(PayloadId::new(0, esi), bytes.to_vec()));
    fenced(oti.k(), || {
        let mut decoder = SourceBlockDecoder::new(0, &library_oti(oti), oti.padded_len() as u64);
        decoder.decode(packets)
    })
}

/// Runs library code; everything it touches is dropped if it panics, so no broken value can be seen.
fn fenced<T>(k: u32, run: impl FnOnce() -> T) -> Result<T, FecError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| FecError::Library { k })
}
