//! The identifiers of a bundle by their skeletons, in a filter of fixed size.
//!
//! Remembering every identifier would take as much memory as the bundle is large. A Bloom filter answers "was one with
//! this skeleton seen?" in 1 MiB, and its content does not depend on the order in which threads fill it.

use std::sync::atomic::{AtomicU64, Ordering};

/// The skeletons of ASCII identifiers, as a Bloom filter of fixed size.
pub(super) struct Words {
    bits: Box<[AtomicU64]>,
}

/// 2^23 bits, 1 MiB: half a million distinct identifiers set one bit in nine.
const WORD_BITS: u32 = 23;

impl Words {
    pub(super) fn new() -> Self {
        Self {
            bits: (0..1 << (WORD_BITS - 6)).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Remembers the identifier with this hash.
    pub(super) fn insert(&self, hash: WordHash) {
        for (word, bit) in hash.bits() {
            if let Some(word) = self.bits.get(word)
                && word.load(Ordering::Relaxed) & bit == 0
            {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    /// Whether an identifier with this hash was remembered; once in a hundred times also for one that was not.
    pub(super) fn contains(&self, hash: WordHash) -> bool {
        let is_set = |(word, bit)| {
            self.bits
                .get::<usize>(word)
                .is_some_and(|w| w.load(Ordering::Relaxed) & bit != 0)
        };
        hash.bits().into_iter().all(is_set)
    }
}

/// A hash over a skeleton.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WordHash(u64);

/// A hash in the making: eight bytes are gathered before they are mixed in.
#[derive(Debug, Clone, Copy, Default)]
struct WordHasher {
    mixed: u64,
    gathered: u64,
    count: u32,
}

impl WordHasher {
    fn push(&mut self, byte: u8) {
        self.gathered = self.gathered << 8 | u64::from(byte);
        self.count = self.count.wrapping_add(1);
        if self.count.is_multiple_of(8) {
            self.mix();
        }
    }

    fn mix(&mut self) {
        // The multiplier of MurmurHash3's finaliser; a rotation brings its strong high bits down.
        self.mixed = (self.mixed ^ self.gathered)
            .wrapping_mul(0xFF51_AFD7_ED55_8CCD)
            .rotate_left(31);
        self.gathered = 0;
    }

    fn finish(mut self) -> WordHash {
        self.gathered ^= u64::from(self.count) << 56;
        self.mix();
        WordHash(self.mixed)
    }
}

/// What each byte of an ASCII identifier is in its skeleton: 0 for bytes of none, `m` for the one that becomes two.
static SKELETON: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0' => b'O',
            b'1' | b'I' => b'l',
            letter @ (b'A'..=b'Z' | b'a'..=b'z' | b'2'..=b'9' | b'_') => letter,
            _ => 0,
        };
        byte += 1;
    }
    table
};

impl WordHash {
    /// The hash of the skeleton of the ASCII identifier that `text` starts with, and the identifier's length, at most
    /// `longest`.
    pub(super) fn of_ascii(text: &[u8], longest: usize) -> (Self, usize) {
        let mut hasher = WordHasher::default();
        let mut len = 0;
        for &byte in text.iter().take(longest) {
            match SKELETON[usize::from(byte)] {
                0 => break,
                b'm' => {
                    hasher.push(b'r');
                    hasher.push(b'n');
                }
                letter => hasher.push(letter),
            }
            len += 1;
        }
        (hasher.finish(), len)
    }

    /// The hash of a skeleton.
    pub(super) fn of_skeleton(skeleton: &str) -> Self {
        let mut hasher = WordHasher::default();
        skeleton.bytes().for_each(|byte| hasher.push(byte));
        hasher.finish()
    }

    /// Which bits of the filter are this word's.
    fn bits(self) -> [(usize, u64); 2] {
        [self.0, self.0 >> 32].map(|half| {
            let at = half & ((1 << WORD_BITS) - 1);
            ((at >> 6) as usize, 1 << (at & 63))
        })
    }
}

#[cfg(test)]
mod tests {
    use unicode_security::skeleton;

    use super::*;

    #[test]
    fn the_skeleton_of_each_ascii_letter_is_that_of_uts_39() {
        for byte in (0..=127_u8).filter(|&byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            let text = char::from(byte).to_string();
            let expected: String = skeleton(&text).collect();
            assert_eq!(
                WordHash::of_ascii(text.as_bytes(), 9),
                (WordHash::of_skeleton(&expected), 1),
                "{text}"
            );
        }
    }

    #[test]
    fn an_identifier_ends_where_another_byte_stands_or_at_the_longest() {
        assert_eq!(
            WordHash::of_ascii(b"mammal_Il10(x)", 99),
            (WordHash::of_skeleton("rnarnrnal_lllO"), 11)
        );
        assert_eq!(
            WordHash::of_ascii(b"abcdefghijk", 4),
            (WordHash::of_skeleton("abcd"), 4)
        );
    }

    #[test]
    fn the_filter_knows_what_was_put_in() {
        let words = Words::new();
        let hash = |word: &str| WordHash::of_ascii(word.as_bytes(), 99).0;
        words.insert(hash("admin"));
        assert!(words.contains(hash("admin")));
        assert!(!words.contains(hash("other")));
    }
}
