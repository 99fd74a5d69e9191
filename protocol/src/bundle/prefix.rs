//! The first bytes of a `.bundle` file; they are not sent.
//!
//! ```text
//! 0        8              12           16
//! DIODEBN1 │ envelope_len │ index_len  │ envelope │ index │ content
//! ```

use super::BundleError;
use crate::limits::MAX_HEAD_LEN;

/// Bytes of the prefix.
pub const PREFIX_LEN: usize = 16;

/// What a bundle file begins with.
pub const MAGIC: &[u8; 8] = b"DIODEBN1";

/// The prefix: how long the two parts of the head are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// Bytes of the DSSE envelope.
    pub envelope_len: u32,
    /// Bytes of the leaf index.
    pub index_len: u32,
}

impl Prefix {
    /// Reads a prefix whose lengths are within the limits.
    ///
    /// # Errors
    /// [`BundleError::Magic`] if this is no bundle file, or the error of [`check`](Self::check).
    pub fn parse(bytes: &[u8; PREFIX_LEN]) -> Result<Self, BundleError> {
        let [magic @ .., e0, e1, e2, e3, i0, i1, i2, i3] = *bytes;
        if magic != *MAGIC {
            return Err(BundleError::Magic);
        }
        let prefix = Self {
            envelope_len: u32::from_be_bytes([e0, e1, e2, e3]),
            index_len: u32::from_be_bytes([i0, i1, i2, i3]),
        };
        prefix.check()?;
        Ok(prefix)
    }

    /// The prefix as bytes.
    #[must_use]
    pub fn emit(&self) -> [u8; PREFIX_LEN] {
        let [m0, m1, m2, m3, m4, m5, m6, m7] = *MAGIC;
        let [e0, e1, e2, e3] = self.envelope_len.to_be_bytes();
        let [i0, i1, i2, i3] = self.index_len.to_be_bytes();
        [m0, m1, m2, m3, m4, m5, m6, m7, e0, e1, e2, e3, i0, i1, i2, i3]
    }

    /// Bytes of the head: envelope and index.
    #[must_use]
    pub fn head_len(&self) -> u64 {
        u64::from(self.envelope_len) + u64::from(self.index_len)
    }

    /// Where the content begins in the file.
    #[must_use]
    pub fn content_offset(&self) -> u64 {
        PREFIX_LEN as u64 + self.head_len()
    }

    /// Compares both lengths with what a head may be.
    ///
    /// # Errors
    /// [`BundleError::HeadTooLong`], [`BundleError::EnvelopeLength`] if there is no envelope, [`BundleError::IndexLength`] if the index is
    /// not a whole number of hashes.
    pub fn check(&self) -> Result<(), BundleError> {
        let len = self.head_len();
        if len > MAX_HEAD_LEN {
            return Err(BundleError::HeadTooLong { len });
        }
        if self.envelope_len == 0 {
            return Err(BundleError::EnvelopeLength {
                envelope_len: 0,
                head_len: len,
            });
        }
        if !self.index_len.is_multiple_of(32) {
            return Err(BundleError::IndexLength {
                len: u64::from(self.index_len),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u32 = MAX_HEAD_LEN as u32;

    fn parse(envelope_len: u32, index_len: u32) -> Result<Prefix, BundleError> {
        Prefix::parse(
            &Prefix {
                envelope_len,
                index_len,
            }
            .emit(),
        )
    }

    #[test]
    fn a_prefix_has_its_lengths_behind_the_magic_big_endian() {
        let bytes = Prefix {
            envelope_len: 0x0102,
            index_len: 0x20,
        }
        .emit();
        assert_eq!(&bytes, b"DIODEBN1\x00\x00\x01\x02\x00\x00\x00\x20");
    }

    #[test]
    fn a_prefix_reads_back() {
        assert_eq!(
            parse(700, 64),
            Ok(Prefix {
                envelope_len: 700,
                index_len: 64
            })
        );
    }

    #[test]
    fn the_content_begins_behind_prefix_and_head() {
        assert_eq!(
            Prefix {
                envelope_len: 700,
                index_len: 64
            }
            .content_offset(),
            780
        );
    }

    #[test]
    fn another_magic_is_refused() {
        assert_eq!(Prefix::parse(b"DIODEBN2\0\0\0\x01\0\0\0\0"), Err(BundleError::Magic));
    }

    #[test]
    fn a_head_of_the_largest_length_is_taken() {
        assert!(parse(MAX - 32, 32).is_ok());
    }

    #[test]
    fn a_head_one_byte_longer_is_refused() {
        let len = MAX_HEAD_LEN + 1;
        assert_eq!(parse(MAX - 31, 32), Err(BundleError::HeadTooLong { len }));
    }

    #[test]
    fn lengths_whose_sum_needs_more_than_32_bits_are_refused() {
        let len = 2 * u64::from(u32::MAX);
        assert_eq!(parse(u32::MAX, u32::MAX), Err(BundleError::HeadTooLong { len }));
    }

    #[test]
    fn a_head_without_an_envelope_is_refused() {
        assert_eq!(
            parse(0, 32),
            Err(BundleError::EnvelopeLength {
                envelope_len: 0,
                head_len: 32
            })
        );
    }

    #[test]
    fn an_index_that_cuts_a_hash_is_refused() {
        assert_eq!(parse(1, 33), Err(BundleError::IndexLength { len: 33 }));
    }

    #[test]
    fn a_head_without_an_index_is_taken() {
        assert!(parse(1, 0).is_ok());
    }
}
