//! A hash for keys that whoever writes a file has no hand in: paths in rules, and names by their number.
//!
//! It is several times as fast as the standard one, and no harder to find collisions for than to read: texts out of files
//! must not be keys of such a map.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by such keys.
pub(super) type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;

/// Each eight bytes are added, and the sum multiplied.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Quick(u64);

/// Odd, and its bits look random: the golden ratio's.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

impl Quick {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(FACTOR);
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.add(u64::from_le_bytes(*word)));
        let last = rest
            .iter()
            .fold(bytes.len() as u64, |last, byte| last << 8 | u64::from(*byte));
        self.add(last);
    }

    fn write_u8(&mut self, number: u8) {
        self.add(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.add(u64::from(number));
    }

    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
    }

    fn finish(&self) -> u64 {
        // A map looks at both ends of it, and a product's low bits depend on the factors' low bits alone.
        self.0 ^ self.0 >> 32
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{BuildHasher, BuildHasherDefault};

    use super::*;

    fn hash(key: impl std::hash::Hash) -> u64 {
        BuildHasherDefault::<Quick>::default().hash_one(key)
    }

    #[test]
    fn numbers_in_a_row_and_texts_that_are_alike_have_hashes_of_their_own() {
        let numbers: HashSet<u64> = (0_u32..10_000).map(hash).collect();
        assert_eq!(numbers.len(), 10_000);
        let texts: HashSet<u64> = (0..10_000)
            .map(|number| hash(format!("os.path.join{number}")))
            .collect();
        assert_eq!(texts.len(), 10_000);
        let lengths: HashSet<u64> = (0..100).map(|len| hash("\0".repeat(len))).collect();
        assert_eq!(lengths.len(), 100);
    }

    #[test]
    fn numbers_in_a_row_fall_into_places_of_their_own() {
        // A map of 4096 places looks at the low bits.
        let places: HashSet<u64> = (0_u32..4096).map(|number| hash(number) % 4096).collect();
        assert!(places.len() > 2000, "{}", places.len());
    }
}
