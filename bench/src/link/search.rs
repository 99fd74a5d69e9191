//! The search for the highest rate at which every run arrives, and beyond which nothing is gained.
//!
//! ```text
//! from ─arrives, faster─▶ ×1.5 ─▶ ×1.5 ─fails, or no faster─▶ halve the gap until it is within the precision ─▶ confirm: every run
//!   └──────fails──────▶ ÷1.5 … until one arrives ────────────▲                                                 │ one fails
//!                                                            └─────────────── 10 % lower ◀─────────────────────┘
//! ```
//!
//! A rate that the transmitter does not come to is tried all the same: where both sides share the processor, it gains by being offered more.
//!
//! Always true:
//! - the rate that is found was tried, and arrived in every one of its runs;
//! - no more than [`TRIALS`] rates are tried before, and no rate below [`SLOWEST`], so that a search ends.

use hw::units::{Percent, Rate};

/// What is searched for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// The first rate.
    pub(super) from: Rate,
    /// How close to the highest the search comes, as a share of the rate.
    pub(super) precision: Percent,
}

/// A rate at which a trial arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tried {
    /// Bits of content a second.
    pub(super) goodput: f64,
}

/// What a search found.
#[derive(Debug, PartialEq)]
pub(super) struct Found<R> {
    /// The rate.
    pub(super) rate: Rate,
    /// What its runs found.
    pub(super) runs: Vec<R>,
    /// Rates that were tried and at which something was lost.
    pub(super) refused: Vec<Rate>,
}

/// Rates that are tried once.
const TRIALS: u32 = 8;
/// A rate below which there is no use in searching.
const SLOWEST: u64 = 1_000_000;
/// The factor from one rate to the next before the first failure.
const FACTOR: f64 = 1.5;
/// A rate is worth more only if so many times as much arrives in a second.
const GROWN: f64 = 1.01;
/// The factor to the next rate when a run fails.
const STEP_DOWN: f64 = 0.9;
/// Steps down before it is no longer the rate that is to blame.
const MOST_STEPS: u32 = 12;

/// The best trial so far.
#[derive(Debug, Clone, Copy)]
struct Best {
    rate: Rate,
    goodput: f64,
}

/// Searches. `arrives` tries a rate once; `confirm` runs it as often as the measurement wants, and gives `None` as soon as a run fails.
pub(super) fn search<R, E>(
    plan: &Plan,
    arrives: impl FnMut(Rate) -> Result<Option<Tried>, E>,
    confirm: impl FnMut(Rate) -> Result<Option<Vec<R>>, E>,
) -> Result<Option<Found<R>>, E> {
    let mut refused = Vec::new();
    let Some(best) = try_rates(plan, &mut refused, arrives)? else {
        return Ok(None);
    };
    let found = confirmed(best.rate, &mut refused, confirm)?;
    Ok(found.map(|(rate, runs)| Found { rate, runs, refused }))
}

/// The best of a few rates, each tried once.
fn try_rates<E>(
    plan: &Plan,
    refused: &mut Vec<Rate>,
    mut arrives: impl FnMut(Rate) -> Result<Option<Tried>, E>,
) -> Result<Option<Best>, E> {
    let close = 1.0 + plan.precision.fraction();
    let (mut best, mut high) = (None::<Best>, None::<Rate>);
    let mut next = Some(plan.from);
    for _ in 0..TRIALS {
        let Some(rate) = next else { break };
        match arrives(rate)? {
            None => {
                refused.push(rate);
                high = Some(rate);
            }
            Some(Tried { goodput }) if best.is_none_or(|best| goodput > best.goodput * GROWN) => {
                best = Some(Best { rate, goodput });
            }
            Some(_) => high = Some(rate),
        }
        next = match (best, high) {
            (None, high) => times(high.unwrap_or(rate), 1.0 / FACTOR),
            (Some(best), None) => times(best.rate, FACTOR),
            (Some(best), Some(high)) if ratio(high, best.rate) <= close => None,
            (Some(best), Some(high)) => times(best.rate, ratio(high, best.rate).sqrt()),
        };
    }
    Ok(best)
}

/// Runs a rate as often as `confirm` wants; as soon as a run fails, one that is 10 % lower.
pub(super) fn confirmed<R, E>(
    rate: Rate,
    refused: &mut Vec<Rate>,
    mut confirm: impl FnMut(Rate) -> Result<Option<R>, E>,
) -> Result<Option<(Rate, R)>, E> {
    let mut next = Some(rate);
    for _ in 0..MOST_STEPS {
        let Some(rate) = next else { break };
        if let Some(runs) = confirm(rate)? {
            return Ok(Some((rate, runs)));
        }
        refused.push(rate);
        next = times(rate, STEP_DOWN);
    }
    Ok(None)
}

fn ratio(above: Rate, below: Rate) -> f64 {
    above.bits_per_second() as f64 / below.bits_per_second() as f64
}

/// A rate so many times as high, in whole megabits; `None` below [`SLOWEST`], or if that is the same rate.
fn times(rate: Rate, factor: f64) -> Option<Rate> {
    let bits = rate.bits_per_second() as f64 * factor;
    // A cast of a float saturates.
    let whole = ((bits / SLOWEST as f64).round() as u64).saturating_mul(SLOWEST);
    Rate::from_bits_per_second(whole).filter(|other| *other != rate)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    fn plan(from: &str) -> Plan {
        Plan {
            from: rate(from),
            precision: "3%".parse().unwrap(),
        }
    }

    /// Searches a link that carries up to `most`, and `sure` with certainty: in between the first run arrives and the second fails. The
    /// transmitter comes to `top`.
    fn find_below(from: &str, most: &str, sure: &str, top: &str) -> (Option<Found<()>>, Vec<Rate>) {
        let (most, sure, top) = (rate(most), rate(sure), rate(top));
        let mut tried = Vec::new();
        let found = search(
            &plan(from),
            |rate| {
                tried.push(rate);
                let came_to = rate.min(top);
                let goodput = came_to.bits_per_second() as f64 * 0.9;
                Ok::<_, Infallible>((came_to <= most).then_some(Tried { goodput }))
            },
            |rate| Ok((rate.min(top) <= sure).then(|| vec![(), ()])),
        );
        (found.unwrap(), tried)
    }

    fn find(from: &str, most: &str, sure: &str) -> (Option<Found<()>>, Vec<Rate>) {
        find_below(from, most, sure, "1000G")
    }

    fn bits(rate: Rate) -> f64 {
        rate.bits_per_second() as f64
    }

    #[test]
    fn the_rate_found_is_within_the_precision_from_whatever_side() {
        for from in ["2G", "4G", "5G", "9G"] {
            let (found, tried) = find(from, "4.321G", "4.321G");
            let found = bits(found.unwrap().rate) / 4.321e9;
            assert!((1.0 / 1.035..=1.0).contains(&found), "from {from}: {found}, {tried:?}");
        }
    }

    #[test]
    fn no_more_rates_are_tried_than_was_promised() {
        for from in ["1M", "500M", "4G", "900G"] {
            let (_, tried) = find(from, "4.321G", "4.321G");
            assert!(tried.len() <= TRIALS as usize, "from {from}: {tried:?}");
        }
    }

    #[test]
    fn what_the_transmitter_does_not_come_to_is_searched_above_as_long_as_it_gains() {
        let (found, tried) = find_below("2G", "100G", "100G", "2.5G");
        assert_eq!(tried[..3], [rate("2G"), rate("3G"), rate("4.5G")]);
        let found = found.unwrap().rate;
        assert!(found >= rate("2.5G") && found <= rate("3G"), "{found}");
    }

    #[test]
    fn a_rate_that_brings_no_more_is_not_taken() {
        let (most, mut tried) = (4e9, Vec::new());
        let found = search(
            &plan("2G"),
            |rate| {
                tried.push(rate);
                let goodput = bits(rate).min(most);
                Ok::<_, Infallible>(Some(Tried { goodput }))
            },
            |_| Ok(Some(vec![()])),
        );
        let found = bits(found.unwrap().unwrap().rate);
        assert!((0.97..FACTOR).contains(&(found / most)), "{found}, {tried:?}");
    }

    #[test]
    fn a_rate_at_which_a_run_fails_is_stepped_down_from() {
        let (found, _) = find("1G", "4G", "3.2G");
        let found = found.unwrap();
        assert!(
            found.rate <= rate("3.2G") && bits(found.rate) >= 3.2e9 * STEP_DOWN,
            "{}",
            found.rate
        );
        assert!(found.refused.iter().all(|refused| *refused > rate("3.2G")));
    }

    #[test]
    fn a_link_that_carries_nothing_has_no_rate() {
        let (found, tried) = find("1G", "1bit/s", "1bit/s");
        assert_eq!(found, None);
        assert!(tried.iter().all(|rate| rate.bits_per_second() >= SLOWEST), "{tried:?}");
    }

    #[test]
    fn a_failure_of_the_measurement_itself_ends_the_search() {
        let found = search(&plan("1G"), |_| Err("no disk"), |_| Ok(Some(vec![()])));
        assert_eq!(found, Err("no disk"));
    }
}
