//! The kernel for AVX2: 32 products in two `vpshufb`, which look up a nibble each in [`NIBBLES`]'s tables.
//!
//! The technique is that of "Screaming Fast Galois Field Arithmetic Using Intel SIMD Instructions" (Plank, Greenan, Miller,
//! FAST 2013). Sums stay in registers while all source symbols go by; nibbles are taken apart once for four rows.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_loadu_si256, _mm256_set1_epi8,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_xor_si256,
};

use super::portable;
use super::tables::NIBBLES;

/// Bytes of a register.
const LANES: usize = 32;
/// Bytes of each symbol worked on at a time.
const STRIP: usize = 2 * LANES;

/// See [`super::Kernel::product`], which has checked the lengths.
#[target_feature(enable = "avx2")]
pub(super) fn product(dst: &mut [&mut [u8]], src: &[&[u8]], rows: &[&[u8]]) {
    let len = dst.first().map_or(0, |dst| dst.len());
    let end = len - len % STRIP;
    for at in (0..end).step_by(STRIP) {
        let (mut dst, mut rows) = (&mut *dst, rows);
        while !rows.is_empty() {
            (dst, rows) = match rows.len() {
                4.. => group::<4>(dst, src, rows, at),
                2 | 3 => group::<2>(dst, src, rows, at),
                _ => group::<1>(dst, src, rows, at),
            };
        }
    }
    // Symbols whose length is no multiple of a strip are rare: their ends go byte by byte.
    if end < len {
        for (dst, row) in dst.iter_mut().zip(rows) {
            for (symbol, coefficient) in src.iter().zip(*row) {
                portable::mul_add(&mut dst[end..], &symbol[end..], *coefficient);
            }
        }
    }
}

/// Works off the first `J` rows in the strip that starts at `at`; what is left is given back.
#[target_feature(enable = "avx2")]
fn group<'d, 'b, 'r, const J: usize>(
    dst: &'d mut [&'b mut [u8]],
    src: &[&[u8]],
    rows: &'r [&'r [u8]],
    at: usize,
) -> (&'d mut [&'b mut [u8]], &'r [&'r [u8]]) {
    let (Some((dst, more_dst)), Some((rows, more_rows))) =
        (dst.split_first_chunk_mut::<J>(), rows.split_first_chunk::<J>())
    else {
        unreachable!("the caller counted the rows, and there are as many of them as of destinations");
    };
    let mut sums = [[_mm256_setzero_si256(); 2]; J];
    let rows = rows.map(|row| &row[..src.len()]);
    for (i, symbol) in src.iter().enumerate() {
        let (first, second) = halves(&symbol[at..at + STRIP]);
        let parts = [nibbles(load(first)), nibbles(load(second))];
        for (sums, row) in sums.iter_mut().zip(&rows) {
            let [low_table, high_table] = tables(row[i]);
            for (sum, [low, high]) in sums.iter_mut().zip(parts) {
                let low = _mm256_shuffle_epi8(low_table, low);
                let high = _mm256_shuffle_epi8(high_table, high);
                *sum = _mm256_xor_si256(*sum, _mm256_xor_si256(low, high));
            }
        }
    }
    for (dst, [first_sum, second_sum]) in dst.iter_mut().zip(sums) {
        let (first, second) = halves_mut(&mut dst[at..at + STRIP]);
        store(first, _mm256_xor_si256(load(first), first_sum));
        store(second, _mm256_xor_si256(load(second), second_sum));
    }
    (more_dst, more_rows)
}

/// The low and the high nibble of each byte.
#[inline]
#[target_feature(enable = "avx2")]
fn nibbles(bytes: __m256i) -> [__m256i; 2] {
    let mask = _mm256_set1_epi8(15);
    let high = _mm256_srli_epi64::<4>(bytes);
    [_mm256_and_si256(bytes, mask), _mm256_and_si256(high, mask)]
}

/// The coefficient's products with each low and each high nibble.
#[inline]
#[target_feature(enable = "avx2")]
fn tables(coefficient: u8) -> [__m256i; 2] {
    let [low, high] = &NIBBLES[usize::from(coefficient)];
    [broadcast(low), broadcast(high)]
}

#[inline]
#[target_feature(enable = "avx2")]
fn broadcast(table: &[u8; 16]) -> __m256i {
    // WHY: the standard library has no safe load. SAFETY: reads the 16 bytes of the reference; any alignment will do.
    let table = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
    _mm256_broadcastsi128_si256(table)
}

#[inline]
fn halves(strip: &[u8]) -> (&[u8; LANES], &[u8; LANES]) {
    match strip.as_chunks() {
        ([first, second], []) => (first, second),
        _ => unreachable!("a strip is two registers long"),
    }
}

#[inline]
fn halves_mut(strip: &mut [u8]) -> (&mut [u8; LANES], &mut [u8; LANES]) {
    match strip.as_chunks_mut() {
        ([first, second], []) => (first, second),
        _ => unreachable!("a strip is two registers long"),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; LANES]) -> __m256i {
    // WHY: the standard library has no safe load. SAFETY: reads the 32 bytes of the reference; any alignment will do.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(bytes: &mut [u8; LANES], value: __m256i) {
    // WHY: the standard library has no safe store. SAFETY: writes the 32 bytes of the reference; any alignment will do.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), value) }
}
