//! What a link does to datagrams: losing, doubling, flipping bits, delaying. Pure, and the same for the same seed.
//!
//! ```text
//! handle(datagram) ─▶ lost in a burst? ─▶ lost at random? ─▶ one copy, or two ─▶ each: bits flipped? ─▶ delayed? ─▶ out
//!                                                                                                      │
//!                                                          held until n more were handled, or flush ◀──┘
//! ```
//!
//! Always true:
//! - each kind of damage has a stream of chance of its own: which datagrams are lost does not change when another is switched on;
//! - a rate of zero changes nothing;
//! - handled + duplicated = lost + put out + held.

use std::collections::BTreeMap;
use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};

use hw::units::Percent;
use serde::{Deserialize, Serialize};

use super::dice::{Chance, Dice};
use super::gilbert_elliott::{BurstError, GilbertElliott};
use super::outgoing::Outgoing;

/// How bad a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImpairmentSettings {
    /// Share of datagrams lost, each by itself.
    pub loss: Percent,
    /// Share of datagrams lost in bursts, in the long run.
    pub burst_loss: Percent,
    /// Mean length of a burst, in datagrams.
    pub burst_length: NonZeroU32,
    /// Share of datagrams lost within a burst.
    pub burst_density: Percent,
    /// Share of datagrams that come twice.
    pub duplicate: Percent,
    /// Share of datagrams with 1 to 3 bits flipped.
    pub corrupt: Percent,
    /// Share of datagrams that others overtake.
    pub reorder: Percent,
    /// How many datagrams overtake such a one at most.
    pub reorder_depth: NonZeroU16,
}

impl Default for ImpairmentSettings {
    /// A link that changes nothing.
    fn default() -> Self {
        Self {
            loss: Percent::ZERO,
            burst_loss: Percent::ZERO,
            burst_length: NonZeroU32::MIN.saturating_add(7),
            burst_density: Percent::HUNDRED,
            duplicate: Percent::ZERO,
            corrupt: Percent::ZERO,
            reorder: Percent::ZERO,
            reorder_depth: NonZeroU16::MIN.saturating_add(7),
        }
    }
}

impl fmt::Display for ImpairmentSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss {}", self.loss)?;
        write!(f, ", in bursts {}", self.burst_loss)?;
        if !self.burst_loss.is_zero() {
            write!(f, " of mean length {}", self.burst_length)?;
            if self.burst_density != Percent::HUNDRED {
                write!(f, " losing {}", self.burst_density)?;
            }
        }
        write!(f, ", duplicate {}", self.duplicate)?;
        write!(f, ", corrupt {}", self.corrupt)?;
        write!(f, ", reorder {}", self.reorder)?;
        if !self.reorder.is_zero() {
            write!(f, " by up to {}", self.reorder_depth)?;
        }
        Ok(())
    }
}

/// What a link did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ImpairmentCounters {
    /// Datagrams handed in.
    pub handled: u64,
    /// Datagrams lost each by itself.
    pub lost_at_random: u64,
    /// Datagrams lost in bursts.
    pub lost_in_bursts: u64,
    /// Datagrams put out twice.
    pub duplicated: u64,
    /// Copies with bits flipped.
    pub corrupted: u64,
    /// Copies held back for others to overtake.
    pub reordered: u64,
}

/// A link's damage, drawn from a seed.
#[derive(Debug)]
pub struct Impairment {
    bursts: Option<GilbertElliott>,
    loss: Draw,
    duplicate: Draw,
    corrupt: Draw,
    reorder: Draw,
    reorder_depth: u64,
    /// By the count of handled datagrams at which each is due, and then by age.
    held: BTreeMap<(u64, u64), Vec<u8>>,
    counters: ImpairmentCounters,
}

/// One kind of damage: how likely, and its own stream of chance, which also says where and how far.
#[derive(Debug)]
struct Draw {
    chance: Chance,
    dice: Dice,
}

impl Draw {
    fn hits(&mut self) -> bool {
        self.dice.hits(self.chance)
    }
}

impl Impairment {
    /// The damage of `settings`, drawn from `seed`.
    ///
    /// # Errors
    /// [`BurstError`] if no burst is like the settings.
    pub fn new(settings: &ImpairmentSettings, seed: u64) -> Result<Self, BurstError> {
        let draw = |share: Percent, stream: u64| Draw {
            chance: Chance::from(share),
            dice: Dice::new(seed, stream),
        };
        let bursts = (!settings.burst_loss.is_zero())
            .then(|| {
                GilbertElliott::from_share(
                    settings.burst_loss,
                    settings.burst_length,
                    settings.burst_density,
                    Dice::new(seed, 0),
                )
            })
            .transpose()?;
        Ok(Self {
            bursts,
            loss: draw(settings.loss, 1),
            duplicate: draw(settings.duplicate, 2),
            corrupt: draw(settings.corrupt, 3),
            reorder: draw(settings.reorder, 4),
            reorder_depth: u64::from(settings.reorder_depth.get()),
            held: BTreeMap::new(),
            counters: ImpairmentCounters::default(),
        })
    }

    /// Puts out what the link makes of `datagram`, and then those held back that are due.
    pub fn handle(&mut self, datagram: &[u8], out: &mut Outgoing) {
        self.counters.handled += 1;
        // Both are drawn for every datagram, so that neither shifts the other's stream.
        let in_burst = self.bursts.as_mut().is_some_and(GilbertElliott::loses_next);
        let at_random = self.loss.hits();
        if in_burst {
            self.counters.lost_in_bursts += 1;
        } else if at_random {
            self.counters.lost_at_random += 1;
        } else {
            self.pass(datagram, out);
            if self.duplicate.hits() {
                self.counters.duplicated += 1;
                self.pass(datagram, out);
            }
        }
        self.release(self.counters.handled, out);
    }

    /// Puts out all that are held back, for a link that has fallen silent or ends.
    pub fn flush(&mut self, out: &mut Outgoing) {
        self.release(u64::MAX, out);
    }

    /// Datagrams held back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// What was done so far.
    #[must_use]
    pub fn counters(&self) -> ImpairmentCounters {
        self.counters
    }

    fn pass(&mut self, datagram: &[u8], out: &mut Outgoing) {
        let mut copy = out.copy_of(datagram);
        if !copy.is_empty() && self.corrupt.hits() {
            self.counters.corrupted += 1;
            flip_bits(&mut copy, &mut self.corrupt.dice);
        }
        if self.reorder.hits() {
            self.counters.reordered += 1;
            let later = 1 + self.reorder.dice.below(self.reorder_depth);
            let due = self.counters.handled.saturating_add(later);
            self.held.insert((due, self.counters.reordered), copy);
        } else {
            out.push(copy);
        }
    }

    fn release(&mut self, up_to: u64, out: &mut Outgoing) {
        while let Some(entry) = self.held.first_entry() {
            if entry.key().0 > up_to {
                break;
            }
            out.push(entry.remove());
        }
    }
}

/// Flips 1 to 3 different bits of `datagram`, which is not empty.
fn flip_bits(datagram: &mut [u8], dice: &mut Dice) {
    let bits = datagram.len() as u64 * 8;
    let wanted = 1 + dice.below(3);
    let mut flipped: Vec<u64> = Vec::new();
    while (flipped.len() as u64) < wanted.min(bits) {
        let bit = dice.below(bits);
        // The same bit again would undo the damage.
        if flipped.contains(&bit) {
            continue;
        }
        flipped.push(bit);
        let byte = usize::try_from(bit / 8).ok().and_then(|at| datagram.get_mut(at));
        if let Some(byte) = byte {
            *byte ^= 1 << (bit % 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATAGRAMS: u64 = 100_000;

    fn percent(text: &str) -> Percent {
        text.parse().expect(text)
    }

    fn clean() -> ImpairmentSettings {
        ImpairmentSettings::default()
    }

    fn rough() -> ImpairmentSettings {
        ImpairmentSettings {
            loss: percent("2%"),
            burst_loss: percent("1%"),
            duplicate: percent("1%"),
            corrupt: percent("1%"),
            reorder: percent("3%"),
            ..clean()
        }
    }

    fn impairment(settings: &ImpairmentSettings, seed: u64) -> Impairment {
        Impairment::new(settings, seed).expect("settings")
    }

    /// The n-th datagram of a stream: its number, and more of a length that varies.
    fn datagram(number: u64) -> Vec<u8> {
        let mut bytes = number.to_be_bytes().to_vec();
        let length = usize::try_from(number % 40).expect("small");
        bytes.resize(8 + length, 0xA5);
        bytes
    }

    fn number(datagram: &[u8]) -> u64 {
        let start = datagram.first_chunk().expect("eight bytes");
        u64::from_be_bytes(*start)
    }

    /// All that comes out when `count` datagrams go in, the delayed ones too, and what was done.
    fn run(settings: &ImpairmentSettings, seed: u64, count: u64) -> (Vec<Vec<u8>>, ImpairmentCounters) {
        let mut impairment = impairment(settings, seed);
        let mut out = Outgoing::new(usize::MAX);
        for index in 0..count {
            impairment.handle(&datagram(index), &mut out);
        }
        impairment.flush(&mut out);
        (out.iter().map(<[u8]>::to_vec).collect(), impairment.counters())
    }

    /// Whether `count` of [`DATAGRAMS`] lies within five standard deviations of the share `wanted`.
    fn is_near(count: u64, wanted: Percent) -> bool {
        let (n, p) = (DATAGRAMS as f64, wanted.fraction());
        (count as f64 - n * p).abs() <= 5.0 * (n * p * (1.0 - p)).sqrt()
    }

    #[test]
    fn the_same_seed_gives_the_same_output_to_the_byte() {
        assert_eq!(run(&rough(), 7, 20_000), run(&rough(), 7, 20_000));
    }

    #[test]
    fn another_seed_gives_another_output() {
        assert_ne!(run(&rough(), 7, 20_000).0, run(&rough(), 8, 20_000).0);
    }

    #[test]
    fn rates_of_zero_change_nothing() {
        let sent: Vec<Vec<u8>> = (0..10_000).map(datagram).collect();
        assert_eq!(run(&clean(), 7, 10_000).0, sent);
    }

    #[test]
    fn the_share_lost_at_random_is_the_one_set() {
        let loss = percent("2%");
        let (_, counters) = run(&ImpairmentSettings { loss, ..clean() }, 7, DATAGRAMS);
        assert!(is_near(counters.lost_at_random, loss), "{counters:?}");
    }

    #[test]
    fn the_share_doubled_is_the_one_set() {
        let duplicate = percent("1%");
        let settings = ImpairmentSettings { duplicate, ..clean() };
        let (out, counters) = run(&settings, 7, DATAGRAMS);
        assert!(is_near(counters.duplicated, duplicate), "{counters:?}");
        assert_eq!(out.len() as u64, DATAGRAMS + counters.duplicated);
    }

    #[test]
    fn the_share_with_flipped_bits_is_the_one_set_and_each_has_1_to_3_of_them() {
        let corrupt = percent("1%");
        let (out, counters) = run(&ImpairmentSettings { corrupt, ..clean() }, 7, DATAGRAMS);
        let flipped: Vec<u32> = out
            .iter()
            .zip((0..).map(datagram))
            .map(|(got, sent)| {
                let pairs = got.iter().zip(&sent);
                pairs.map(|(a, b)| (a ^ b).count_ones()).sum()
            })
            .filter(|&bits| bits > 0)
            .collect();
        assert!(is_near(counters.corrupted, corrupt), "{counters:?}");
        assert_eq!(flipped.len() as u64, counters.corrupted);
        for bits in 1..=3 {
            assert!(flipped.contains(&bits), "none with {bits}");
        }
        assert!(flipped.iter().all(|&bits| bits <= 3));
    }

    #[test]
    fn the_share_overtaken_is_the_one_set_and_by_no_more_than_the_depth() {
        let reorder = percent("3%");
        let (out, counters) = run(&ImpairmentSettings { reorder, ..clean() }, 7, DATAGRAMS);
        let mut highest = 0;
        let mut furthest = 0;
        for datagram in &out {
            highest = highest.max(number(datagram));
            furthest = furthest.max(highest - number(datagram));
        }
        assert!(is_near(counters.reordered, reorder), "{counters:?}");
        assert_eq!(out.len() as u64, DATAGRAMS);
        assert_eq!(furthest, u64::from(clean().reorder_depth.get()));
    }

    #[test]
    fn what_is_lost_does_not_depend_on_the_other_damage() {
        let loss_alone = ImpairmentSettings {
            loss: percent("2%"),
            ..clean()
        };
        let numbers = |settings| {
            let (out, _) = run(settings, 7, 10_000);
            let mut numbers: Vec<u64> = out.iter().map(|datagram| number(datagram)).collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        let with_others = ImpairmentSettings {
            duplicate: percent("5%"),
            reorder: percent("5%"),
            ..loss_alone
        };
        assert_eq!(numbers(&loss_alone), numbers(&with_others));
    }

    #[test]
    fn every_datagram_is_accounted_for() {
        let (out, counters) = run(&rough(), 7, DATAGRAMS);
        assert_eq!(
            counters.handled + counters.duplicated,
            counters.lost_at_random + counters.lost_in_bursts + out.len() as u64
        );
    }

    #[test]
    fn flush_delivers_the_delayed_ones_in_the_order_in_which_they_were_due() {
        let settings = ImpairmentSettings {
            reorder: Percent::HUNDRED,
            reorder_depth: NonZeroU16::MIN,
            ..clean()
        };
        let mut impairment = impairment(&settings, 7);
        let mut out = Outgoing::new(usize::MAX);
        impairment.handle(&datagram(0), &mut out);
        assert!(out.is_empty());
        assert_eq!(impairment.held(), 1);
        impairment.flush(&mut out);
        assert_eq!(out.iter().collect::<Vec<_>>(), [datagram(0)]);
        assert_eq!(impairment.held(), 0);
    }

    #[test]
    fn everything_is_lost_at_a_loss_of_100_percent() {
        let settings = ImpairmentSettings {
            loss: Percent::HUNDRED,
            ..clean()
        };
        assert!(run(&settings, 7, 1_000).0.is_empty());
    }

    #[test]
    fn an_empty_datagram_has_no_bits_to_flip() {
        let settings = ImpairmentSettings {
            corrupt: Percent::HUNDRED,
            ..clean()
        };
        let mut impairment = impairment(&settings, 7);
        let mut out = Outgoing::new(usize::MAX);
        impairment.handle(b"", &mut out);
        assert_eq!(out.len(), 1);
        assert_eq!(impairment.counters().corrupted, 0);
    }

    /// A printed seed is only worth something if later versions still make of it what this one does.
    #[test]
    fn seed_7_does_what_it_always_did() {
        let (out, _) = run(&rough(), 7, 10_000);
        let mut hasher = protocol::digest::Hasher::new();
        for datagram in &out {
            hasher.update(&(datagram.len() as u64).to_be_bytes());
            hasher.update(datagram);
        }
        assert_eq!(hasher.finish().short(), "291277e8");
    }
}
