//! Multiplication in GF(2^8), worked out at compile time.
//!
//! The field is that of RFC 6330, section 5.7.2: bytes are polynomials over GF(2), modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11D).
//! Everything here comes from [`multiply`], which follows that definition bit by bit.

/// The field's polynomial without its highest term.
pub(super) const REDUCTION: u8 = 0x1D;

/// The product of `a` and `b`, by shifting and reducing.
pub(super) const fn multiply(a: u8, b: u8) -> u8 {
    let (mut sum, mut multiple, mut rest) = (0, a, b);
    while rest != 0 {
        if rest & 1 == 1 {
            sum ^= multiple;
        }
        multiple = double(multiple);
        rest >>= 1;
    }
    sum
}

/// `a` times x.
pub(super) const fn double(a: u8) -> u8 {
    (a << 1) ^ (REDUCTION & (a >> 7).wrapping_neg())
}

/// For each coefficient, its products with 0x00 … 0x0F and with 0x00, 0x10 … 0xF0: a product is the sum of one of each.
pub(super) static NIBBLES: [[[u8; 16]; 2]; 256] = nibbles();

/// For each coefficient, the 8×8 bit matrix by which `gf2p8affineqb` multiplies with it.
///
/// The instruction's output bit i is the parity of the input byte and the matrix's byte 7 − i, so bit k of that byte is bit i of
/// the coefficient times x^k (Intel Architectures Software Developer's Manual, volume 2, GF2P8AFFINEQB). Its sibling
/// `gf2p8mulb` is of no use here: it is fixed to the AES polynomial 0x11B.
#[cfg(target_arch = "x86_64")]
pub(super) static AFFINE: [u64; 256] = affine();

/// The inverse of each element; zero, which has none, in the place of zero.
pub(super) static INVERSE: [u8; 256] = inverse();

const fn nibbles() -> [[[u8; 16]; 2]; 256] {
    let mut tables = [[[0; 16]; 2]; 256];
    let mut coefficient = 0;
    while coefficient < 256 {
        let mut nibble = 0;
        while nibble < 16 {
            tables[coefficient][0][nibble] = multiply(coefficient as u8, nibble as u8);
            tables[coefficient][1][nibble] = multiply(coefficient as u8, (nibble << 4) as u8);
            nibble += 1;
        }
        coefficient += 1;
    }
    tables
}

#[cfg(target_arch = "x86_64")]
const fn affine() -> [u64; 256] {
    let mut matrices = [0; 256];
    let mut coefficient = 0;
    while coefficient < 256 {
        let mut column = coefficient as u8;
        let mut k = 0;
        while k < 8 {
            let mut i = 0;
            while i < 8 {
                let bit = (column >> i) as u64 & 1;
                matrices[coefficient] |= bit << (8 * (7 - i) + k);
                i += 1;
            }
            column = double(column);
            k += 1;
        }
        coefficient += 1;
    }
    matrices
}

const fn inverse() -> [u8; 256] {
    let mut inverses = [0; 256];
    // x generates the multiplicative group, whose order is 255: x^n times x^(255 − n) is 1.
    let mut powers = [1; 256];
    let mut n = 1;
    while n < 256 {
        powers[n] = double(powers[n - 1]);
        n += 1;
    }
    n = 0;
    while n < 255 {
        inverses[powers[n] as usize] = powers[255 - n];
        n += 1;
    }
    inverses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_that_of_rfc_6330() {
        // OCT_EXP of section 5.7.3 lists the powers of 2: from its eighth entry 128, 29, 58, and last 142; then it repeats.
        let power = |n: usize| (0..n).fold(1, |power, _| multiply(power, 2));
        assert_eq!([7, 8, 9, 254, 255].map(power), [128, 29, 58, 142, 1]);
    }

    #[test]
    fn an_element_times_its_inverse_is_one() {
        for a in 1..=255 {
            assert_eq!(multiply(a, INVERSE[usize::from(a)]), 1, "{a}");
        }
    }
}
