//! Seeded chance: whole numbers only, so that every machine throws alike.

use hw::units::Percent;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A probability from 0 to 1, in parts of 2^64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chance(u128);

impl Chance {
    pub(super) const ALWAYS: Self = Self(1 << 64);

    /// The probability that is nearest to `fraction`, which is brought into 0 to 1.
    pub(super) fn from_fraction(fraction: f64) -> Self {
        let parts = fraction.clamp(0.0, 1.0) * 2.0_f64.powi(64);
        // A cast of a float saturates, and takes what is not a number for zero.
        Self((parts.round() as u128).min(Self::ALWAYS.0))
    }
}

impl From<Percent> for Chance {
    fn from(percent: Percent) -> Self {
        let parts = u128::from(percent.parts_per_billion());
        Self((parts << 64) / u128::from(Percent::HUNDRED.parts_per_billion()))
    }
}

/// A source of chance that is a stream of its own among those of one seed.
#[derive(Debug, Clone)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Whether a thing of probability `chance` happens now. What never happens takes no throw.
    pub(super) fn hits(&mut self, chance: Chance) -> bool {
        chance.0 > 0 && u128::from(self.0.next_u64()) < chance.0
    }

    /// A whole number below `bound`, each as likely as the others to one part in 2^64 / `bound`; 0 for a `bound` of 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let scaled = u128::from(self.0.next_u64()) * u128::from(bound);
        u64::try_from(scaled >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain_always_happens() {
        let mut dice = Dice::new(1, 0);
        assert!((0..10_000).all(|_| dice.hits(Chance::from(Percent::HUNDRED))));
    }

    #[test]
    fn what_never_happens_takes_no_throw() {
        let mut dice = Dice::new(1, 0);
        let next = dice.clone().0.next_u64();
        assert!(!dice.hits(Chance::from(Percent::ZERO)));
        assert_eq!(dice.0.next_u64(), next);
    }

    #[test]
    fn a_fraction_outside_of_0_to_1_is_brought_inside() {
        assert_eq!(Chance::from_fraction(7.0), Chance::ALWAYS);
        assert_eq!(Chance::from_fraction(-1.0), Chance(0));
        assert_eq!(Chance::from_fraction(f64::NAN), Chance(0));
    }

    #[test]
    fn numbers_below_a_bound_reach_both_of_its_ends() {
        let mut dice = Dice::new(1, 0);
        let mut seen = [false; 6];
        for _ in 0..1_000 {
            let number = usize::try_from(dice.below(6)).expect("small");
            seen[number] = true;
        }
        assert_eq!(seen, [true; 6]);
    }

    #[test]
    fn streams_of_one_seed_are_unlike_each_other() {
        assert_ne!(Dice::new(1, 0).below(u64::MAX), Dice::new(1, 1).below(u64::MAX));
    }
}
