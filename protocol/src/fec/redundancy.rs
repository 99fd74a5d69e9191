//! How many repair symbols a block gets, from what the operator knows of the link.
//!
//! For a block of K source symbols R is the smallest number with
//!
//! ```text
//! P( Binomial(K + R − ⌈burst / D′⌉, 1 − loss) < K + 2 ) ≤ residual
//! ```
//!
//! with D′ = max(1, D − 2): a burst of `burst` packets takes at most ⌈burst / D′⌉ symbols of one block, since of the D blocks that are
//! interleaved two, the last of the head and the last of the content, may be short and have no symbols left. K + 2 symbols fail to
//! determine a block about once in a million times.

use crate::limits::{MAX_BURST, MAX_DEPTH, MAX_R};

/// Announces before the first symbol, at least and at most.
const LEAST_ANNOUNCES: u32 = 3;
const MOST_ANNOUNCES: u32 = 32;

/// Blocks of a group that may be shorter than the others.
const MAY_BE_SHORT: u16 = 2;

/// What the operator knows of the link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Redundancy {
    loss: f64,
    burst: u32,
    residual: f64,
    depth: u16,
}

/// A link that no number of repair symbols up to the limit can mend.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RedundancyError {
    /// A setting out of its range.
    #[error("fec.{field} = {value} is out of range ({range})")]
    Range {
        /// The setting's name.
        field: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        range: &'static str,
    },
    /// More repair symbols would be needed than the limit.
    #[error("a block of {k} symbols would need more than {MAX_R} repair symbols at this loss and burst")]
    TooMuch {
        /// Source symbols.
        k: u32,
    },
}

impl Redundancy {
    /// For a link that loses each packet with probability `loss`, and up to `burst` packets in a row; a block may fail with
    /// probability `residual`; `depth` blocks are interleaved.
    ///
    /// # Errors
    /// [`RedundancyError::Range`] unless 0 ≤ loss ≤ 0.9, 1e-15 ≤ residual ≤ 0.1, 1 ≤ depth ≤ [`MAX_DEPTH`], burst ≤ 1,000,000.
    pub fn new(loss: f64, burst: u32, residual: f64, depth: u16) -> Result<Self, RedundancyError> {
        let check = |ok: bool, field, value, range| {
            if ok {
                Ok(())
            } else {
                Err(RedundancyError::Range { field, value, range })
            }
        };
        check((0.0..=0.9).contains(&loss), "loss", loss, "0 to 90 %")?;
        check((1e-15..=0.1).contains(&residual), "residual", residual, "1e-15 to 0.1")?;
        check((1..=MAX_DEPTH).contains(&depth), "depth", depth.into(), "1 to 1024")?;
        check(burst <= MAX_BURST, "burst", burst.into(), "at most 1,000,000 packets")?;
        Ok(Self {
            loss,
            burst,
            residual,
            depth,
        })
    }

    /// Blocks interleaved (D).
    #[must_use]
    pub fn depth(&self) -> u16 {
        self.depth
    }

    /// The longest burst of lost packets to survive.
    #[must_use]
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// The probability with which a packet is lost.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// The probability with which a block may fail.
    #[must_use]
    pub fn residual(&self) -> f64 {
        self.residual
    }

    /// Repair symbols (R) for a block of `k` source symbols.
    ///
    /// # Errors
    /// [`RedundancyError::TooMuch`] if [`MAX_R`] do not suffice.
    pub fn repair_symbols(&self, k: u32) -> Result<u32, RedundancyError> {
        let burst_share = self.burst_share();
        (burst_share..=MAX_R)
            .find(|r| self.tail(k, k + r - burst_share) <= self.residual)
            .ok_or(RedundancyError::TooMuch { k })
    }

    /// Announces before the first symbol: so many that all are lost with a probability of `residual` at most, three at least. Without
    /// one of them a receiver has no place for symbols.
    #[must_use]
    pub fn opening_announces(&self) -> u32 {
        (LEAST_ANNOUNCES..MOST_ANNOUNCES)
            .find(|count| self.loss.powf(f64::from(*count)) <= self.residual)
            .unwrap_or(MOST_ANNOUNCES)
    }

    /// Blocks of a group that share a burst at least (D′).
    #[must_use]
    pub fn sharing_blocks(&self) -> u16 {
        self.depth.saturating_sub(MAY_BE_SHORT).max(1)
    }

    /// Symbols that the longest burst takes of one block at most: ⌈burst / D′⌉.
    #[must_use]
    pub fn burst_share(&self) -> u32 {
        self.burst.div_ceil(self.sharing_blocks().into())
    }

    /// The probability that fewer than `k + 2` symbols arrive of a block that is sent `sendings` times, each time with its `k` source
    /// symbols and `repair` repair symbols of that sending's own. `taken` symbols, at worst repair symbols, are lost to a burst besides.
    #[must_use]
    pub fn failure(&self, k: u32, repair: u32, sendings: u32, taken: u32) -> f64 {
        // A source symbol is lost if it is lost each time.
        let source_loss = self.loss.powf(f64::from(sendings));
        let repair_sent = repair.saturating_mul(sendings).saturating_sub(taken);
        let Some(spare) = repair_sent.checked_sub(2) else {
            return 1.0;
        };
        // From the end on: the chance that so many repair symbols or more are lost.
        let mut at_least = losses(repair_sent, self.loss);
        for lost in (0..at_least.len().saturating_sub(1)).rev() {
            at_least[lost] += at_least[lost + 1];
        }
        let too_many = losses(k, source_loss)
            .into_iter()
            .zip(0..)
            .map(|(chance, lost): (f64, u32)| {
                let more = (spare + 1).saturating_sub(lost) as usize;
                chance * at_least.get(more).copied().unwrap_or(0.0)
            });
        too_many.sum::<f64>().min(1.0)
    }

    /// The probability that fewer than `k + 2` of `sent` symbols arrive.
    fn tail(&self, k: u32, sent: u32) -> f64 {
        // More than `spare` losses fail the block.
        let Some(spare) = sent.checked_sub(k + 2) else {
            return 1.0;
        };
        if self.loss == 0.0 {
            return 0.0;
        }
        // ln of C(sent, l) · loss^l · (1 − loss)^(sent − l), from l = 0 on, by the ratio of neighbours.
        let odds = (self.loss / (1.0 - self.loss)).ln();
        let mut ln_term = f64::from(sent) * (1.0 - self.loss).ln();
        let mut failure = 0.0;
        for lost in 1..=sent {
            ln_term += odds + (f64::from(sent - lost + 1) / f64::from(lost)).ln();
            if lost > spare {
                failure += ln_term.exp();
            }
        }
        failure.min(1.0)
    }
}

/// The probability of each number of losses, from 0 to `sent`, if each symbol is lost with probability `loss`.
fn losses(sent: u32, loss: f64) -> Vec<f64> {
    // As logarithms, by the ratio of neighbours: the first may be too small for a number.
    let odds = (loss / (1.0 - loss)).ln();
    let mut ln_term = f64::from(sent) * (1.0 - loss).ln();
    let mut terms = vec![ln_term.exp()];
    for lost in 1..=sent {
        ln_term += odds + (f64::from(sent - lost + 1) / f64::from(lost)).ln();
        terms.push(ln_term.exp());
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redundancy(loss: f64, burst: u32, depth: u16) -> Redundancy {
        Redundancy::new(loss, burst, 1e-9, depth).unwrap()
    }

    #[test]
    fn a_link_without_loss_needs_the_two_spare_symbols() {
        assert_eq!(redundancy(0.0, 0, 16).repair_symbols(187), Ok(2));
    }

    #[test]
    fn there_are_as_many_announces_as_the_residual_asks_for() {
        let announces = [0.0, 0.0001, 0.01, 0.05, 0.4, 0.9].map(|loss| redundancy(loss, 0, 16).opening_announces());
        assert_eq!(announces, [3, 3, 5, 7, 23, 32]);
    }

    #[test]
    fn a_burst_is_shared_by_the_interleaved_blocks() {
        assert_eq!(redundancy(0.0, 500, 16).repair_symbols(187), Ok(2 + 36));
        assert_eq!(redundancy(0.0, 500, 100).repair_symbols(187), Ok(2 + 6));
    }

    #[test]
    fn the_chosen_number_suffices_and_one_less_does_not() {
        let link = redundancy(0.02, 0, 16);
        let r = link.repair_symbols(187).unwrap();
        assert!(link.tail(187, 187 + r) <= 1e-9);
        assert!(link.tail(187, 187 + r - 1) > 1e-9);
    }

    #[test]
    fn the_tail_of_a_fair_coin_is_exact() {
        // Ten sent, one half lost: fewer than 8 + 2 arrive unless none is lost; 1 − 2^−10.
        let failure = Redundancy::new(0.5, 0, 0.1, 1).unwrap().tail(8, 10);
        assert!((failure - (1.0 - 1.0 / 1024.0)).abs() < 1e-12, "{failure}");
    }

    #[test]
    fn a_block_sent_once_fails_as_its_repair_was_chosen_for() {
        for (loss, burst) in [(0.0, 64), (0.001, 0), (0.02, 100), (0.3, 64)] {
            let link = redundancy(loss, burst, 16);
            let (r, share) = (link.repair_symbols(187).unwrap(), link.burst_share());
            let (failure, tail) = (link.failure(187, r, 1, share), link.tail(187, 187 + r - share));
            assert!((failure - tail).abs() <= 1e-12 * tail, "{loss}: {failure} and {tail}");
        }
    }

    #[test]
    fn the_chance_of_two_sendings_is_exact() {
        // One source symbol, lost with 1/4, and 2 × 2 repair symbols, each with 1/2; three of the five must arrive.
        let failure = Redundancy::new(0.5, 0, 0.1, 1).unwrap().failure(1, 2, 2, 0);
        assert!((failure - 6.5 / 16.0).abs() < 1e-12, "{failure}");
    }

    #[test]
    fn another_sending_mends_more_and_a_burst_less() {
        let link = redundancy(0.02, 0, 16);
        assert!(link.failure(187, 10, 2, 0) < link.failure(187, 10, 1, 0));
        assert!(link.failure(187, 10, 1, 1) > link.failure(187, 10, 1, 0));
    }

    #[test]
    fn a_block_without_two_spare_symbols_fails() {
        assert_eq!(
            redundancy(0.0, 0, 16).failure(187, 10, 1, 9).to_bits(),
            1.0f64.to_bits()
        );
        assert_eq!(
            redundancy(0.0, 0, 16).failure(187, 10, 1, 8).to_bits(),
            0.0f64.to_bits()
        );
    }

    #[test]
    fn forty_percent_loss_has_an_answer() {
        let r = redundancy(0.4, 0, 16).repair_symbols(187).unwrap();
        assert!((150..400).contains(&r), "{r}");
    }

    #[test]
    fn more_than_the_limit_is_an_error() {
        assert_eq!(
            redundancy(0.9, 0, 1).repair_symbols(1024),
            Err(RedundancyError::TooMuch { k: 1024 })
        );
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let field = |result: Result<Redundancy, RedundancyError>| match result {
            Err(RedundancyError::Range { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(Redundancy::new(0.91, 0, 1e-9, 1)), "loss");
        assert_eq!(field(Redundancy::new(f64::NAN, 0, 1e-9, 1)), "loss");
        assert_eq!(field(Redundancy::new(0.1, 0, 0.0, 1)), "residual");
        assert_eq!(field(Redundancy::new(0.1, 0, 1e-9, 0)), "depth");
        assert_eq!(field(Redundancy::new(0.1, 0, 1e-9, 1025)), "depth");
    }
}
