//! What serde leaves open when it reads JSON: arrays without end, and arrays in the place of objects.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// An array of at most `MAX` values: it stops being read there, so that a hostile one costs no memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Bounded<T, const MAX: usize>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Bounded<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Values::<T, MAX>(PhantomData))
    }
}

struct Values<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Values<T, MAX> {
    type Value = Bounded<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of at most {MAX} values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            if values.len() == MAX {
                return Err(serde::de::Error::invalid_length(MAX + 1, &self));
            }
            values.push(value);
        }
        Ok(Bounded(values))
    }
}

/// A struct written as an object: serde would also take an array of its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields::<T>(PhantomData))
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Point {
        x: u8,
    }

    #[test]
    fn an_object_is_read_as_one() {
        assert_eq!(serde_json::from_str::<Object<Point>>("{\"x\":1}").unwrap().0.x, 1);
    }

    #[test]
    fn an_array_in_the_place_of_an_object_is_refused() {
        assert!(serde_json::from_str::<Object<Point>>("[1]").is_err());
    }

    #[test]
    fn an_array_at_its_limit_is_read() {
        assert_eq!(serde_json::from_str::<Bounded<u8, 2>>("[1,2]").unwrap().0, [1, 2]);
    }

    #[test]
    fn an_array_is_not_read_past_its_limit() {
        // What follows the third value is no JSON: it is never looked at.
        let error = serde_json::from_str::<Bounded<u8, 2>>("[1,2,3,?")
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("invalid length 3, expected an array of at most 2 values"),
            "{error}"
        );
    }
}
