//! Encoding and decoding as products of matrices, with the rows of [`super::generator`].
//!
//! ```text
//! encode   repair     = G · source
//! decode   syndromes  = repair − G · (source, zeros where symbols are lost) = A · lost,   A = G's columns of the lost symbols
//!          lost       = A⁻¹ · syndromes
//! ```
//!
//! Subtraction is addition here. The result is the library's to the bit, since it is the same code.

use super::Oti;
use super::generator::Rows;
use super::gf256::Kernel;
use super::matrix;

/// Puts the repair symbols of `source` (K padded symbols) that `rows` stand for into `repair`, which is empty, one after another.
pub(super) fn repair_symbols(kernel: Kernel, oti: &Oti, source: &[u8], rows: &Rows, repair: &mut Vec<u8>) {
    let symbol_len = oti.symbol_len();
    let rows: Vec<&[u8]> = rows.iter().collect();
    let source: Vec<&[u8]> = source.chunks_exact(symbol_len).collect();
    repair.resize(rows.len() * symbol_len, 0);
    let mut places: Vec<&mut [u8]> = repair.chunks_exact_mut(symbol_len).collect();
    kernel.product(&mut places, &source, &rows);
}

/// Puts the symbols whose numbers are in `lost` (ascending) into their places in `source`, where zeros are, from the repair symbols that
/// `rows` stand for. If those do not determine the lost ones, says so and changes nothing; else the repair symbols are used up.
pub(super) fn recover<'a>(
    kernel: Kernel,
    oti: &Oti,
    source: &mut [u8],
    lost: &[usize],
    repair: impl Iterator<Item = &'a mut [u8]>,
    rows: &Rows,
) -> bool {
    let of_lost = rows.iter().map(|row| lost.iter().map(|i| row[*i]).collect());
    let Some(inverse) = matrix::invert(kernel, lost.len(), of_lost) else {
        return false;
    };
    let (mut syndromes, rows): (Vec<&mut [u8]>, Vec<&[u8]>) = repair
        .zip(rows.iter())
        .enumerate()
        .filter(|(number, _)| inverse.used.binary_search(number).is_ok())
        .map(|(_, repair_and_row)| repair_and_row)
        .unzip();
    let symbols: Vec<&[u8]> = source.chunks_exact(oti.symbol_len()).collect();
    kernel.product(&mut syndromes, &symbols, &rows);

    let syndromes: Vec<&[u8]> = syndromes.into_iter().map(|syndrome| &*syndrome).collect();
    let inverse: Vec<&[u8]> = inverse.rows.iter().map(Vec::as_slice).collect();
    let mut places: Vec<&mut [u8]> = source
        .chunks_exact_mut(oti.symbol_len())
        .enumerate()
        .filter(|(number, _)| lost.binary_search(number).is_ok())
        .map(|(_, place)| place)
        .collect();
    kernel.product(&mut places, &syndromes, &inverse);
    true
}
