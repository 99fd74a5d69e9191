//! Input N of a target: a seed, changed a few times by dice that (target, N) alone decides.
//!
//! ```text
//! dice(target, N) ─▶ a seed ─▶ 1 to 8 changes ─▶ input N          Plain: bytes, numbers, words, pieces of other seeds
//!                                                                 Script: the same within one step, or whole steps
//! ```

use protocol::digest::Digest;

use super::corpus::Corpus;
use super::script::{self, Step};
use super::target::{Shape, Target};
use crate::relay::Dice;

/// Bytes of the longest input.
pub const MAX_INPUT_LEN: usize = 64 << 10;

/// Input `number` of `target` over `corpus`.
#[must_use]
pub fn input(target: &Target, corpus: &Corpus, number: u64) -> Vec<u8> {
    let Digest([a, b, c, d, e, f, g, h, ..]) = Digest::of(target.name.as_bytes());
    let dice = Dice::new(u64::from_be_bytes([a, b, c, d, e, f, g, h]), number);
    let mut mutator = Mutator {
        dice,
        corpus,
        words: target.words,
    };
    let seed = mutator.below(corpus.count());
    let mut bytes = corpus.nth(seed).to_vec();
    // Few changes more often than many: most of what is found is one change away from something valid.
    let changes = 1 + mutator.below(8).min(mutator.below(8));
    for _ in 0..changes {
        match target.shape {
            Shape::Plain => mutator.change(&mut bytes),
            Shape::Script => bytes = mutator.change_script(&bytes),
        }
        bytes.truncate(MAX_INPUT_LEN);
    }
    bytes
}

struct Mutator<'a> {
    dice: Dice,
    corpus: &'a Corpus,
    words: &'a [&'a str],
}

impl Mutator<'_> {
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.dice.below(bound as u64)).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.dice.below(256)).unwrap_or(0)
    }

    /// A place between the bytes, the end included.
    fn place(&mut self, bytes: &[u8]) -> usize {
        self.below(bytes.len() + 1)
    }

    /// A stretch of the bytes, short rather than long.
    fn stretch(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.place(bytes);
        let most = bytes.len() - start;
        let len = match self.below(4) {
            0 => self.below(most + 1),
            _ => self.below(most.min(16) + 1),
        };
        start..start + len
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        match self.below(12) {
            0 | 1 => {
                let bit = self.below(8);
                self.with_byte(bytes, |byte, _| byte ^ (1 << bit));
            }
            2 => self.with_byte(bytes, |_, random| random),
            3 => self.with_byte(bytes, |byte, random| byte.wrapping_add(random % 8).wrapping_sub(4)),
            4 | 5 => self.write_number(bytes),
            6 => {
                let stretch = self.stretch(bytes);
                bytes.drain(stretch);
            }
            7 => {
                let copied = self.stretch(bytes);
                let copied = bytes.get(copied).unwrap_or_default().to_vec();
                self.insert(bytes, &copied);
            }
            8 => {
                let count = self.below(16);
                let random: Vec<u8> = (0..count).map(|_| self.byte()).collect();
                self.insert(bytes, &random);
            }
            9 => {
                let other = self.below(self.corpus.count());
                let other = self.corpus.nth(other);
                let piece = self.stretch(other);
                let piece = other.get(piece).unwrap_or_default().to_vec();
                self.insert(bytes, &piece);
            }
            10 => {
                let word = self.below(self.words.len());
                let word = self.words.get(word).copied().unwrap_or("\0");
                self.insert(bytes, word.as_bytes());
            }
            _ => {
                let end = self.place(bytes);
                bytes.truncate(end);
            }
        }
    }

    fn with_byte(&mut self, bytes: &mut [u8], change: impl FnOnce(u8, u8) -> u8) {
        let (at, random) = (self.below(bytes.len()), self.byte());
        if let Some(byte) = bytes.get_mut(at) {
            *byte = change(*byte, random);
        }
    }

    /// Writes a number that is on some border over the bytes of one, big-endian.
    fn write_number(&mut self, bytes: &mut [u8]) {
        let width = 1usize << self.below(4);
        let shift = self.dice.below(64);
        let number = match self.below(6) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << shift,
            3 => (1u64 << shift).wrapping_sub(1),
            4 => (1u64 << shift).wrapping_add(1),
            _ => self.dice.below(1 << 16),
        };
        let at = self.below(bytes.len());
        let places = bytes.iter_mut().skip(at).take(width);
        let digits = number.to_be_bytes();
        for (place, digit) in places.zip(digits.iter().skip(8 - width)) {
            *place = *digit;
        }
    }

    /// Puts a piece between the bytes, or over them.
    fn insert(&mut self, bytes: &mut Vec<u8>, piece: &[u8]) {
        let at = self.place(bytes);
        let end = match self.below(2) {
            0 => at,
            _ => bytes.len().min(at + piece.len()),
        };
        bytes.splice(at..end, piece.iter().copied());
    }

    fn change_script(&mut self, input: &[u8]) -> Vec<u8> {
        let mut steps: Vec<(u8, Vec<u8>)> = owned(script::steps(input));
        let (one, other) = (self.below(steps.len()), self.below(steps.len()));
        match self.below(12) {
            0 if one < steps.len() => {
                steps.remove(one);
            }
            1 if one < steps.len() => {
                let copy = steps.get(other).cloned();
                steps.splice(one..one, copy);
            }
            2 if one < steps.len() => steps.swap(one, other),
            3 => {
                let from = self.below(self.corpus.count());
                let from = owned(script::steps(self.corpus.nth(from)));
                let (at, picked) = (self.below(steps.len() + 1), self.below(from.len()));
                steps.splice(at..at, from.get(picked).cloned());
            }
            4 => {
                if let Some(at) = steps.get(one).map(|_| one) {
                    let op = self.byte() % 16;
                    steps.splice(at..at, [(op, vec![self.byte()])]);
                }
            }
            5 => {
                let end = self.below(steps.len() + 1);
                steps.truncate(end);
            }
            // The framing itself.
            6 => {
                let mut bytes = input.to_vec();
                self.change(&mut bytes);
                return bytes;
            }
            _ => {
                if let Some((_, bytes)) = steps.get_mut(one) {
                    self.change(bytes);
                }
            }
        }
        let mut out = Vec::with_capacity(input.len());
        for (op, bytes) in &steps {
            script::push(&mut out, *op, bytes);
        }
        out
    }
}

fn owned<'a>(steps: impl Iterator<Item = Step<'a>>) -> Vec<(u8, Vec<u8>)> {
    steps.map(|Step { op, bytes }| (op, bytes.to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    fn corpus(seeds: &[&[u8]]) -> Corpus {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("t")).unwrap();
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(folder.path().join(format!("t/{number}")), seed).unwrap();
        }
        Corpus::read(folder.path(), "t").unwrap()
    }

    fn target(shape: Shape) -> Target {
        Target {
            name: "t",
            about: "",
            shape,
            words: &["word"],
            rounds_in_tests: 0,
            run: |_| {},
        }
    }

    #[test]
    fn an_input_is_the_same_each_time_and_not_the_one_before() {
        let (target, corpus) = (target(Shape::Plain), corpus(&[&[7; 100], b"other"]));
        let inputs: Vec<_> = (0..100).map(|number| input(&target, &corpus, number)).collect();
        let again: Vec<_> = (0..100).rev().map(|number| input(&target, &corpus, number)).collect();
        assert!(inputs.iter().eq(again.iter().rev()));
        let different: BTreeSet<_> = inputs.iter().collect();
        assert!(different.len() > 80, "{}", different.len());
    }

    #[test]
    fn two_targets_get_different_inputs() {
        let corpus = corpus(&[&[7; 100]]);
        let one = target(Shape::Plain);
        let other = Target { name: "u", ..one };
        assert!((0..20).any(|number| input(&one, &corpus, number) != input(&other, &corpus, number)));
    }

    #[test]
    fn an_empty_seed_can_be_changed_too() {
        let corpus = corpus(&[b""]);
        for shape in [Shape::Plain, Shape::Script] {
            let inputs: BTreeSet<_> = (0..200).map(|number| input(&target(shape), &corpus, number)).collect();
            assert!(inputs.len() > 5, "{shape:?}");
        }
    }

    #[test]
    fn no_input_is_over_the_longest() {
        let corpus = corpus(&[&vec![1; MAX_INPUT_LEN]]);
        for shape in [Shape::Plain, Shape::Script] {
            assert!((0..300).all(|number| input(&target(shape), &corpus, number).len() <= MAX_INPUT_LEN));
        }
    }

    #[test]
    fn most_changes_to_a_script_leave_the_other_steps_what_they_are() {
        let mut seed = Vec::new();
        for step in 0..10 {
            script::push(&mut seed, step, &[step; 20]);
        }
        let corpus = corpus(&[&seed]);
        let kept = (0..200).filter(|number| {
            let input = input(&target(Shape::Script), &corpus, *number);
            let same = script::steps(&input).filter(|step| step.bytes == [step.op; 20]);
            same.count() >= 4
        });
        assert!(kept.count() > 100);
    }
}
