//! The kernel for AVX-512 with GFNI: 64 products in one `gf2p8affineqb`, with [`AFFINE`]'s matrices.
//!
//! Sums stay in registers while all source symbols go by. A strip is 128 bytes of every symbol: at K = 187 that is 24 KB, which
//! stays in the first-level cache while the rows are worked off eight at a time.

use std::arch::x86_64::{
    __m512i, _mm512_gf2p8affine_epi64_epi8, _mm512_loadu_si512, _mm512_mask_storeu_epi8, _mm512_maskz_loadu_epi8,
    _mm512_set1_epi64, _mm512_setzero_si512, _mm512_storeu_si512, _mm512_xor_si512,
};

use super::tables::AFFINE;

/// Bytes of a register.
const LANES: usize = 64;
/// Bytes of each symbol worked on at a time.
const STRIP: usize = 2 * LANES;

/// See [`super::Kernel::product`], which has checked the lengths.
#[target_feature(enable = "avx512f,avx512bw,gfni")]
pub(super) fn product(dst: &mut [&mut [u8]], src: &[&[u8]], rows: &[&[u8]]) {
    let len = dst.first().map_or(0, |dst| dst.len());
    for at in (0..len).step_by(STRIP) {
        let (mut dst, mut rows) = (&mut *dst, rows);
        while !rows.is_empty() {
            (dst, rows) = match rows.len() {
                8.. => group::<8>(dst, src, rows, at),
                4..=7 => group::<4>(dst, src, rows, at),
                2 | 3 => group::<2>(dst, src, rows, at),
                _ => group::<1>(dst, src, rows, at),
            };
        }
    }
}

/// Works off the first `J` rows in the strip that starts at `at`; what is left is given back.
#[target_feature(enable = "avx512f,avx512bw,gfni")]
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
    let len = dst.first().map_or(0, |dst| dst.len());
    if at + STRIP <= len {
        strip(dst, src, rows, at);
    } else {
        for at in (at..len).step_by(LANES) {
            end(dst, src, rows, at);
        }
    }
    (more_dst, more_rows)
}

#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn strip<const J: usize>(dst: &mut [&mut [u8]; J], src: &[&[u8]], rows: &[&[u8]; J], at: usize) {
    let mut sums = [[_mm512_setzero_si512(); 2]; J];
    let rows = rows.map(|row| &row[..src.len()]);
    for (i, symbol) in src.iter().enumerate() {
        let (first, second) = halves(&symbol[at..at + STRIP]);
        let parts = [load(first), load(second)];
        for (sums, row) in sums.iter_mut().zip(&rows) {
            let matrix = matrix(row[i]);
            for (sum, part) in sums.iter_mut().zip(parts) {
                *sum = _mm512_xor_si512(*sum, _mm512_gf2p8affine_epi64_epi8::<0>(part, matrix));
            }
        }
    }
    for (dst, [first_sum, second_sum]) in dst.iter_mut().zip(sums) {
        let (first, second) = halves_mut(&mut dst[at..at + STRIP]);
        store(first, _mm512_xor_si512(load(first), first_sum));
        store(second, _mm512_xor_si512(load(second), second_sum));
    }
}

/// A register's width from `at` on, or what is left of the symbols.
#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn end<const J: usize>(dst: &mut [&mut [u8]; J], src: &[&[u8]], rows: &[&[u8]; J], at: usize) {
    let mut sums = [_mm512_setzero_si512(); J];
    for (i, symbol) in src.iter().enumerate() {
        let part = load_some(&symbol[at..]);
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = _mm512_xor_si512(*sum, _mm512_gf2p8affine_epi64_epi8::<0>(part, matrix(row[i])));
        }
    }
    for (dst, sum) in dst.iter_mut().zip(sums) {
        let dst = &mut dst[at..];
        store_some(dst, _mm512_xor_si512(load_some(dst), sum));
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn matrix(coefficient: u8) -> __m512i {
    _mm512_set1_epi64(AFFINE[usize::from(coefficient)].cast_signed())
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
#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8; LANES]) -> __m512i {
    // WHY: the standard library has no safe load. SAFETY: reads the 64 bytes of the reference; any alignment will do.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(bytes: &mut [u8; LANES], value: __m512i) {
    // WHY: the standard library has no safe store. SAFETY: writes the 64 bytes of the reference; any alignment will do.
    unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), value) }
}

/// The first 64 bytes, or zeros where there are fewer.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_some(bytes: &[u8]) -> __m512i {
    let mask = lanes(bytes);
    // WHY: as in `load`. SAFETY: `mask` has a bit for bytes of the slice alone, and what is masked is not touched.
    unsafe { _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().cast()) }
}

/// Writes the first 64 bytes, or as many as there are.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn store_some(bytes: &mut [u8], value: __m512i) {
    let mask = lanes(bytes);
    // WHY: as in `store`. SAFETY: `mask` has a bit for bytes of the slice alone, and what is masked is not touched.
    unsafe { _mm512_mask_storeu_epi8(bytes.as_mut_ptr().cast(), mask, value) }
}

/// A bit for each of the first 64 bytes that there are.
#[inline]
fn lanes(bytes: &[u8]) -> u64 {
    match bytes.len() {
        len @ 0..LANES => (1 << len) - 1,
        _ => u64::MAX,
    }
}
