//! So many a second, and as many at once: what keeps work that a sender can cause within bounds.

use crate::time::Tick;

/// What may still be done.
#[derive(Debug)]
pub(super) struct Allowance {
    per_second: u32,
    /// In thousandths.
    left: u64,
    at: Option<Tick>,
}

impl Allowance {
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            left: u64::from(per_second) * 1000,
            at: None,
        }
    }

    /// Whether one more may be done now.
    pub(super) fn take(&mut self, now: Tick) -> bool {
        let passed = self.at.map_or(0, |at| now.millis_since(at));
        self.at = self.at.max(Some(now));
        let most = u64::from(self.per_second) * 1000;
        let earned = passed.saturating_mul(self.per_second.into());
        self.left = self.left.saturating_add(earned).min(most);
        let taken = self.left >= 1000;
        if taken {
            self.left -= 1000;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(allowance: &mut Allowance, tries: usize, now: Tick) -> usize {
        (0..tries).filter(|_| allowance.take(now)).count()
    }

    #[test]
    fn no_more_than_a_seconds_worth_is_given_at_once() {
        let mut allowance = Allowance::new(5);
        assert_eq!(taken(&mut allowance, 100, Tick(7)), 5);
        assert_eq!(taken(&mut allowance, 100, Tick(1_000_000)), 5);
    }

    #[test]
    fn time_that_passes_in_small_steps_earns_as_much_as_in_large_ones() {
        let mut allowance = Allowance::new(5);
        taken(&mut allowance, 5, Tick(0));
        let earned: usize = (1..=10_000).map(|at| taken(&mut allowance, 3, Tick(at))).sum();
        assert_eq!(earned, 50);
    }

    #[test]
    fn a_clock_that_stands_or_goes_back_earns_nothing() {
        let mut allowance = Allowance::new(1);
        assert!(allowance.take(Tick(1000)));
        assert!(!allowance.take(Tick(500)));
        assert!(!allowance.take(Tick(1000)));
        assert!(!allowance.take(Tick(1999)));
        assert!(allowance.take(Tick(2000)));
    }
}
