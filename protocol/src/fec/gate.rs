//! The one door to the `raptorq` crate, which asserts where it should refuse.
//!
//! Whoever calls has lengths checked by [`Oti`]; a panic that is left in the library is caught here and costs one block.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use raptorq::{EncodingPacket, ObjectTransmissionInformation, PayloadId, SourceBlockDecoder, SourceBlockEncoder};

use super::{FecError, Oti};

/// One source block, one sub-block, alignment 1: what makes the code independent of the symbol size.
fn library_oti(oti: &Oti) -> ObjectTransmissionInformation {
    ObjectTransmissionInformation::new(oti.padded_len() as u64, oti.symbol_len, 1, 1, 1)
}

/// The repair symbols of `source` (K padded symbols) with these ESIs.
pub(super) fn repair_symbols(oti: &Oti, source: &[u8], esis: Range<u32>) -> Result<Vec<Bytes>, FecError> {
    if esis.is_empty() {
        return Ok(Vec::new());
    }
    let k = oti.k();
    fenced(k, || {
        let encoder = SourceBlockEncoder::new(0, &library_oti(oti), source);
        encoder
            .repair_packets(esis.start - k, esis.end - esis.start)
            .into_iter()
            .map(|packet| Bytes::from(packet.split().1))
            .collect()
    })
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
