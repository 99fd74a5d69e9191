//! A list on the wire: one byte that counts, then the elements, without anything in between.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeTuple};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// For `#[serde(with = …)]`.
///
/// # Errors
/// If there are more than 255 elements.
pub(super) fn serialize<T: Serialize, S: Serializer>(list: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let count = u8::try_from(list.len()).map_err(|_| S::Error::custom("a list has at most 255 elements"))?;
    let mut tuple = serializer.serialize_tuple(1 + list.len())?;
    tuple.serialize_element(&count)?;
    for element in list {
        tuple.serialize_element(element)?;
    }
    tuple.end()
}

/// For `#[serde(with = …)]`.
///
/// # Errors
/// If there are fewer elements than counted.
pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_tuple(1 + usize::from(u8::MAX), ListVisitor(PhantomData))
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count, and as many elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
        let missing = || A::Error::custom("fewer elements than were counted");
        let count: u8 = elements.next_element()?.ok_or_else(missing)?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(elements.next_element()?.ok_or_else(missing)?);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{self, CodecError};

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct List(#[serde(with = "super")] Vec<u16>);

    #[test]
    fn a_list_is_its_length_and_its_elements() {
        assert_eq!(codec::encode(&List(vec![7, 8])), [2, 0, 7, 0, 8]);
        assert_eq!(codec::decode(&[2, 0, 7, 0, 8]), Ok(List(vec![7, 8])));
    }

    #[test]
    fn an_empty_list_is_one_byte() {
        assert_eq!(codec::encode(&List(Vec::new())), [0]);
        assert_eq!(codec::decode(&[0]), Ok(List(Vec::new())));
    }

    #[test]
    fn a_list_with_fewer_or_more_elements_than_counted_is_refused() {
        assert_eq!(codec::decode::<List>(&[2, 0, 7]), Err(CodecError::Malformed));
        assert_eq!(
            codec::decode::<List>(&[0, 0, 7]),
            Err(CodecError::Trailing { extra: 2 })
        );
    }
}
