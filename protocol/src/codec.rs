//! The one place that knows bincode: fixed-width, big-endian, without anything between the fields.
//!
//! So configured it is plain concatenation, which `SPEC.md` states field by field; the wire survives a change of library. (bincode 2 is no
//! longer maintained, see `deny.toml`.) Decoding is strict: all bytes are consumed, within a limit, and encoding again gives the same bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes that are not the one encoding of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The bytes do not decode, or are longer than the limit.
    #[error("the fields do not decode")]
    Malformed,
    /// Bytes are left over.
    #[error("{extra} bytes follow the last field")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// The value encodes to other bytes.
    #[error("the fields are not in their one encoding")]
    NotCanonical,
}

/// Most bytes a value may have here.
pub const LIMIT: usize = crate::limits::MAX_SIGNED_FIELDS_LEN;

fn config() -> impl bincode::config::Config {
    bincode::config::standard()
        .with_big_endian()
        .with_fixed_int_encoding()
        .with_limit::<LIMIT>()
}

/// Encodes `value` as the concatenation of its fields.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, config()).expect(
        "wire types hold integers, byte arrays and lists that were checked only, and are shorter than the limit",
    )
}

/// Decodes a value that takes up all of `bytes`.
///
/// # Errors
/// [`CodecError`] if `bytes` is not the one encoding of a value.
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let (value, used) =
        bincode::serde::decode_from_slice::<T, _>(bytes, config()).map_err(|_| CodecError::Malformed)?;
    if used != bytes.len() {
        return Err(CodecError::Trailing {
            extra: bytes.len() - used,
        });
    }
    if encode(&value) != bytes {
        return Err(CodecError::NotCanonical);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_big_endian_and_fixed_width() {
        assert_eq!(encode(&(1u16, 2u32, [3u8; 2])), [0, 1, 0, 0, 0, 2, 3, 3]);
    }

    #[test]
    fn a_byte_too_many_is_refused() {
        assert_eq!(decode::<u16>(&[0, 1, 9]), Err(CodecError::Trailing { extra: 1 }));
    }

    #[test]
    fn a_byte_too_few_is_refused() {
        assert_eq!(decode::<u16>(&[0]), Err(CodecError::Malformed));
    }
}
