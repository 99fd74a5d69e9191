//! The kernel in safe Rust, for any architecture, written so that the compiler can use whatever vectors the target has.
//!
//! A product with a byte is a sum of two multiples, one for each nibble of the coefficient. For a strip of a source symbol all 32
//! such multiples are made once; each row then adds two of them, without a branch or a table look-up a byte.

use super::tables::{NIBBLES, double};

/// Bytes worked on at a time: the 32 multiples of a strip take 8 KiB, a quarter of a small first-level cache.
const STRIP: usize = 256;

/// See [`super::Kernel::product`], which has checked the lengths.
pub(super) fn product(dst: &mut [&mut [u8]], src: &[&[u8]], rows: &[&[u8]]) {
    if let ([dst], [row]) = (&mut *dst, rows) {
        // For one row it does not pay to make 32 multiples.
        for (symbol, coefficient) in src.iter().zip(*row) {
            mul_add(dst, symbol, *coefficient);
        }
        return;
    }
    let len = dst.first().map_or(0, |dst| dst.len());
    let mut multiples = [[0; STRIP]; 32];
    for at in (0..len).step_by(STRIP) {
        let strip = at..len.min(at + STRIP);
        for (i, symbol) in src.iter().enumerate() {
            fill(&mut multiples, &symbol[strip.clone()]);
            for (dst, row) in dst.iter_mut().zip(rows) {
                let coefficient = usize::from(row[i]);
                let low = &multiples[coefficient & 15];
                let high = &multiples[16 + (coefficient >> 4)];
                for ((dst, low), high) in dst[strip.clone()].iter_mut().zip(low).zip(high) {
                    *dst ^= low ^ high;
                }
            }
        }
    }
}

/// Adds `coefficient` · `src` to `dst`, by a table look-up a nibble: for a single row, and for the odd ends of other kernels.
pub(super) fn mul_add(dst: &mut [u8], src: &[u8], coefficient: u8) {
    let [low, high] = &NIBBLES[usize::from(coefficient)];
    for (dst, src) in dst.iter_mut().zip(src) {
        *dst ^= low[usize::from(src & 15)] ^ high[usize::from(src >> 4)];
    }
}

/// Makes `multiples[n]` = n · `symbol` and `multiples[16 + n]` = 16 · n · `symbol`, for n from 1 to 15; those for 0 are zeros already.
fn fill(multiples: &mut [[u8; STRIP]; 32], symbol: &[u8]) {
    multiples[1][..symbol.len()].copy_from_slice(symbol);
    for n in (2..16).chain(17..32) {
        let (made, rest) = multiples.split_at_mut(n);
        let high_bit = 1 << (n & 15).ilog2();
        if n == 17 {
            combine(&mut rest[0], &made[8], &made[0], double);
        } else if n & 15 == high_bit {
            combine(&mut rest[0], &made[n - high_bit / 2], &made[0], double);
        } else {
            let (a, b) = (&made[n - high_bit], &made[(n & 16) + high_bit]);
            combine(&mut rest[0], a, b, |byte| byte);
        }
    }
}

/// `dst` = `change`d `a` + `b`.
fn combine(dst: &mut [u8; STRIP], a: &[u8; STRIP], b: &[u8; STRIP], change: impl Fn(u8) -> u8) {
    for ((dst, a), b) in dst.iter_mut().zip(a).zip(b) {
        *dst = change(*a) ^ b;
    }
}
