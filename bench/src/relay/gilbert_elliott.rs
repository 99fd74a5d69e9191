//! Loss in bursts, by the model of Gilbert and Elliott.
//!
//! ```text
//!          good_to_bad
//!        ┌────────────▶┐
//!      Good           Bad ── each datagram is lost with probability loss_in_bad
//!        └◀────────────┘
//!          bad_to_good
//! ```
//!
//! The state may change before each datagram, so that a burst's length is geometric with mean 1 / `bad_to_good`.

use std::num::NonZeroU32;

use hw::units::Percent;

use super::dice::{Chance, Dice};

/// The two states, and where it stands.
///
/// # Source
/// E. N. Gilbert, "Capacity of a burst-noise channel", 1960; E. O. Elliott, "Estimates of error rates for codes on burst-noise
/// channels", 1963.
#[derive(Debug, Clone)]
pub(super) struct GilbertElliott {
    good_to_bad: Chance,
    bad_to_good: Chance,
    loss_in_bad: Chance,
    is_bad: bool,
    dice: Dice,
}

/// Why no burst model has the wanted figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BurstError {
    /// More is to be lost in bursts than even an endless burst loses.
    #[error("{share} cannot be lost in bursts that lose {loss_in_burst}: set the first below the second")]
    TooMuch {
        /// The wanted share of all datagrams.
        share: Percent,
        /// The share lost within a burst.
        loss_in_burst: Percent,
    },
    /// Bursts so short would have to follow each other without a gap.
    #[error("{share} cannot be lost in bursts of mean length {length}: set longer bursts or a smaller share")]
    TooShort {
        /// The wanted share of all datagrams.
        share: Percent,
        /// The wanted mean length.
        length: NonZeroU32,
    },
}

impl GilbertElliott {
    /// The model that in the long run loses `share` of all datagrams, in bursts of `length` datagrams on average within which
    /// `loss_in_burst` is lost.
    ///
    /// With the share of time in the bad state b = `share` / `loss_in_burst`: bad_to_good = 1 / `length`, and
    /// good_to_bad = bad_to_good · b / (1 − b), which keeps as many bursts beginning as ending.
    pub(super) fn from_share(
        share: Percent,
        length: NonZeroU32,
        loss_in_burst: Percent,
        dice: Dice,
    ) -> Result<Self, BurstError> {
        let time_in_bad = share.fraction() / loss_in_burst.fraction();
        // Also refuses a loss of zero within bursts, for which the quotient is infinite or not a number.
        if !(0.0..1.0).contains(&time_in_bad) {
            return Err(BurstError::TooMuch { share, loss_in_burst });
        }
        let bad_to_good = 1.0 / f64::from(length.get());
        let good_to_bad = bad_to_good * time_in_bad / (1.0 - time_in_bad);
        if good_to_bad > 1.0 {
            return Err(BurstError::TooShort { share, length });
        }
        Ok(Self {
            good_to_bad: Chance::from_fraction(good_to_bad),
            bad_to_good: Chance::from_fraction(bad_to_good),
            loss_in_bad: Chance::from(loss_in_burst),
            is_bad: false,
            dice,
        })
    }

    /// Whether the next datagram is lost.
    pub(super) fn loses_next(&mut self) -> bool {
        let change = if self.is_bad {
            self.bad_to_good
        } else {
            self.good_to_bad
        };
        self.is_bad ^= self.dice.hits(change);
        self.is_bad && self.dice.hits(self.loss_in_bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATAGRAMS: usize = 100_000;

    fn percent(text: &str) -> Percent {
        text.parse().expect(text)
    }

    fn model(share: &str, length: u32, within: &str) -> Result<GilbertElliott, BurstError> {
        let length = NonZeroU32::new(length).expect("not zero");
        GilbertElliott::from_share(percent(share), length, percent(within), Dice::new(11, 0))
    }

    fn losses(share: &str, length: u32, within: &str) -> Vec<bool> {
        let mut model = model(share, length, within).expect("a model");
        (0..DATAGRAMS).map(|_| model.loses_next()).collect()
    }

    fn share_of(losses: &[bool]) -> f64 {
        losses.iter().filter(|&&lost| lost).count() as f64 / losses.len() as f64
    }

    #[test]
    fn the_share_lost_is_the_one_asked_for() {
        // About 250 bursts: the standard deviation is near a twelfth of the share.
        let share = share_of(&losses("2%", 8, "100%"));
        assert!((0.015..0.025).contains(&share), "{share}");
    }

    #[test]
    fn the_mean_burst_is_as_long_as_asked_for() {
        let losses = losses("2%", 8, "100%");
        let bursts: Vec<usize> = losses
            .split(|lost| !lost)
            .map(<[bool]>::len)
            .filter(|&length| length > 0)
            .collect();
        let mean = bursts.iter().sum::<usize>() as f64 / bursts.len() as f64;
        // About 250 bursts of standard deviation 7.5: the mean's is 0.5.
        assert!((6.0..10.0).contains(&mean), "{mean}");
    }

    #[test]
    fn bursts_that_lose_half_still_lose_the_share_asked_for() {
        let share = share_of(&losses("2%", 8, "50%"));
        assert!((0.015..0.025).contains(&share), "{share}");
    }

    #[test]
    fn a_share_of_nothing_loses_nothing() {
        assert_eq!(share_of(&losses("0%", 8, "100%")), 0.0);
    }

    #[test]
    fn a_share_as_large_as_the_loss_within_bursts_is_refused() {
        for (share, within) in [("50%", "50%"), ("100%", "100%"), ("0%", "0%"), ("1%", "0%")] {
            let error = model(share, 8, within).expect_err(share);
            assert!(matches!(error, BurstError::TooMuch { .. }), "{error}");
        }
    }

    #[test]
    fn bursts_too_short_for_their_share_are_refused() {
        let error = model("60%", 1, "100%").expect_err("no gaps would be left");
        assert!(matches!(error, BurstError::TooShort { .. }), "{error}");
        assert!(model("50%", 1, "100%").is_ok());
    }
}
