//! The CRC of a datagram from those of its parts: whoever made a body sums it while it is in the cache, and whoever numbers it, on
//! another core, need not read it again.
//!
//! ```text
//! crc(header ‖ body) = shift(crc(header), body's length) ⊕ crc(body)
//! ```
//!
//! Always true: the shift is the library's own combination of two CRCs, tabulated for one length.

use std::fmt;

use crc32fast::Hasher;

/// The CRC-32 (IEEE) of a datagram's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyCrc(u32);

impl BodyCrc {
    /// That of `body`.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(crc32fast::hash(body))
    }
}

/// What a CRC becomes when bodies of one length follow.
#[derive(Clone)]
pub(crate) struct Shift {
    body_len: usize,
    /// By byte of the CRC, lowest first: it is linear, so each byte has its share.
    shares: Box<[[u32; 256]; 4]>,
}

impl Shift {
    pub(crate) fn over(body_len: usize) -> Self {
        let behind = Hasher::new_with_initial_len(0, body_len as u64);
        let shifted = |crc: u32| {
            let mut hasher = Hasher::new_with_initial_len(crc, 0);
            hasher.combine(&behind);
            hasher.finalize()
        };
        let mut shares = Box::new([[0; 256]; 4]);
        for (place, share) in shares.iter_mut().enumerate() {
            let bits: [u32; 8] = std::array::from_fn(|bit| shifted(1 << (8 * place + bit)));
            for (byte, sum) in share.iter_mut().enumerate() {
                let set = bits.iter().enumerate().filter(|(bit, _)| byte >> bit & 1 == 1);
                *sum = set.fold(0, |sum, (_, bit)| sum ^ bit);
            }
        }
        Self { body_len, shares }
    }

    /// The length of the bodies that it is for.
    pub(crate) fn body_len(&self) -> usize {
        self.body_len
    }

    /// The CRC of `header` and a body that has the CRC `body`.
    pub(super) fn crc(&self, header: &[u8], body: BodyCrc) -> u32 {
        let header = crc32fast::hash(header).to_le_bytes();
        let shares = self.shares.iter().zip(header);
        shares.fold(body.0, |sum, (share, byte)| sum ^ share[usize::from(byte)])
    }
}

impl fmt::Debug for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shift(over {} bytes)", self.body_len)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_crc_of_two_parts_is_that_of_the_whole(
            header: [u8; 32],
            body in proptest::collection::vec(any::<u8>(), 0..10_000),
        ) {
            let whole = crc32fast::hash(&[&header[..], &body].concat());
            prop_assert_eq!(Shift::over(body.len()).crc(&header, BodyCrc::of(&body)), whole);
        }
    }
}
