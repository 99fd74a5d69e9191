//! A link that loses datagrams, simulated inside the receiver: between its socket and its parser.
//!
//! ```text
//! kernel ──recvmmsg, GRO──▶ UdpSource ─▶ split datagrams ─▶ drawn one by one ─▶ the receiver
//!                                                              └ lost: counted
//! ```
//!
//! A relay in front of the receiver would cost a second pass through the kernel, and be measured with it. Here a loss costs a number: what
//! is drawn is how many datagrams come through before the next is lost, so that a batch without a loss is not even looked at.
//!
//! Always true:
//! - each datagram is lost by itself, with the same probability, whatever it shared a message or a batch with;
//! - the same seed loses the same datagrams of a lane, by their number since the receiver began to listen;
//! - only what the last receive added is touched.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hw::HwError;
use hw::udp::{Batch, SourceCounters, UdpSource};
use hw::units::Percent;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rx::serve::Source;

/// What a simulated link loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Losses {
    /// The share that is lost at random.
    pub share: Percent,
    /// What they are drawn from.
    pub seed: u64,
    /// Datagrams that are lost in a row besides.
    pub burst: Option<Burst>,
}

/// Datagrams lost in a row, on each lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst {
    /// The number of the first, from 0 since the receiver began to listen.
    pub at: u64,
    /// How many.
    pub len: u64,
}

/// What a simulated link did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Datagrams that it lost.
    pub lost: u64,
    /// Datagrams that came to it.
    pub of: u64,
}

/// The hidden verb that is `diode-rx` behind a link: `__rx-behind LOSS SEED [BURST_AT BURST_LEN] -- ARGS`.
pub(crate) const VERB: &str = "__rx-behind";

impl Losses {
    /// What stands before the receiver's own arguments.
    pub(crate) fn to_args(self) -> Vec<OsString> {
        let mut args = vec![VERB.to_owned(), self.share.to_string(), self.seed.to_string()];
        if let Some(Burst { at, len }) = self.burst {
            args.extend([at.to_string(), len.to_string()]);
        }
        args.push("--".to_owned());
        args.into_iter().map(OsString::from).collect()
    }

    /// Reads what [`to_args`](Self::to_args) wrote, less the verb, up to the `--`.
    fn from_args(args: &[OsString]) -> Option<Self> {
        let [share, seed, burst @ ..] = args else { return None };
        let burst = match burst {
            [] => None,
            [at, len] => Some(Burst {
                at: parse(at)?,
                len: parse(len)?,
            }),
            _ => return None,
        };
        Some(Self {
            share: parse(share)?,
            seed: parse(seed)?,
            burst,
        })
    }
}

fn parse<T: FromStr>(arg: &OsStr) -> Option<T> {
    arg.to_str()?.parse().ok()
}

impl Dropped {
    /// The line that the receiver behind the link says last.
    fn to_line(self) -> String {
        format!("{LINE}{} of {}", self.lost, self.of)
    }

    /// Finds that line in what the receiver said.
    #[must_use]
    pub fn in_words(said: &str) -> Option<Self> {
        let line = said.lines().rev().find_map(|line| line.strip_prefix(LINE))?;
        let (lost, of) = line.split_once(" of ")?;
        Some(Self {
            lost: lost.parse().ok()?,
            of: of.parse().ok()?,
        })
    }
}

const LINE: &str = "simulated link: lost ";

/// Runs the hidden verb; `args` stand behind it.
pub(crate) fn run(args: &[OsString]) -> ExitCode {
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let (own, theirs) = args.split_at(end);
    let Some(losses) = Losses::from_args(own) else {
        eprintln!("error: {VERB} LOSS SEED [BURST_AT BURST_LEN] -- ARGS of diode-rx");
        return ExitCode::from(2);
    };
    let count = Arc::new(Count::default());
    let program = OsString::from("diode-rx");
    let args = [program].into_iter().chain(theirs.iter().skip(1).cloned());
    let code = rx::run_behind(args, |source, lane| Lossy {
        source,
        drops: Drops::new(&losses, lane),
        count: Arc::clone(&count),
    });
    eprintln!("{}", count.dropped().to_line());
    code
}

/// What all lanes count.
#[derive(Debug, Default)]
struct Count {
    lost: AtomicU64,
    of: AtomicU64,
}

impl Count {
    fn dropped(&self) -> Dropped {
        Dropped {
            lost: self.lost.load(Ordering::Relaxed),
            of: self.of.load(Ordering::Relaxed),
        }
    }
}

/// A socket behind a link.
#[derive(Debug)]
struct Lossy {
    source: UdpSource,
    drops: Drops,
    count: Arc<Count>,
}

impl Source for Lossy {
    fn recv_batch(&mut self, batch: &mut Batch, timeout: Duration) -> Result<usize, HwError> {
        let before = batch.len();
        let added = self.source.recv_batch(batch, timeout)?;
        let lost = match self.drops.pass(added as u64) {
            true => 0,
            false => {
                let mut number = 0;
                batch.retain(|_| {
                    number += 1;
                    number <= before || !self.drops.draw()
                });
                before + added - batch.len()
            }
        };
        self.count.of.fetch_add(added as u64, Ordering::Relaxed);
        self.count.lost.fetch_add(lost as u64, Ordering::Relaxed);
        Ok(added - lost)
    }

    fn counters(&self) -> SourceCounters {
        self.source.counters()
    }
}

/// Which datagrams of a lane are lost.
#[derive(Debug)]
struct Drops {
    dice: ChaCha8Rng,
    /// ln(1 − share); 0 if nothing is lost at random.
    ln_kept: f64,
    /// Datagrams to come through before the next that is lost at random.
    gap: u64,
    /// The number of the next datagram.
    next: u64,
    /// The numbers of the burst; empty without one.
    burst: std::ops::Range<u64>,
}

impl Drops {
    fn new(losses: &Losses, lane: usize) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(losses.seed);
        dice.set_stream(lane as u64);
        let burst = losses
            .burst
            .map_or(0..0, |Burst { at, len }| at..at.saturating_add(len));
        let mut drops = Self {
            dice,
            ln_kept: (-losses.share.fraction()).ln_1p(),
            gap: 0,
            next: 0,
            burst,
        };
        drops.gap = drops.draw_gap();
        drops
    }

    /// Lets the next `count` datagrams through if none of them is lost, and says whether that is so.
    fn pass(&mut self, count: u64) -> bool {
        let end = self.next.saturating_add(count);
        let before_burst = self.burst.is_empty() || end <= self.burst.start || self.next >= self.burst.end;
        let whole = before_burst && self.gap >= count;
        if whole {
            self.next = end;
            self.gap -= if self.gap == u64::MAX { 0 } else { count };
        }
        whole
    }

    /// Whether the next datagram is lost.
    fn draw(&mut self) -> bool {
        let in_burst = self.burst.contains(&self.next);
        self.next += 1;
        let at_random = self.gap == 0;
        self.gap = match self.gap {
            0 => self.draw_gap(),
            u64::MAX => u64::MAX,
            gap => gap - 1,
        };
        at_random || in_burst
    }

    /// How many come through before the next loss: a geometric distribution, by inversion. `u64::MAX` for ever.
    fn draw_gap(&mut self) -> u64 {
        if self.ln_kept == 0.0 {
            return u64::MAX;
        }
        // Above 0 and up to 1, in steps of 2^-53.
        let unit = ((self.dice.next_u64() >> 11) + 1) as f64 * 2.0_f64.powi(-53);
        // A cast of a float saturates, and is 0 where everything is lost.
        (unit.ln() / self.ln_kept) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    use hw::udp::{Offload, SourceConfig};

    use super::*;

    fn losses(share: &str, burst: Option<(u64, u64)>) -> Losses {
        Losses {
            share: share.parse().unwrap(),
            seed: 7,
            burst: burst.map(|(at, len)| Burst { at, len }),
        }
    }

    /// The numbers that are lost of so many, drawn one by one.
    fn lost(losses: &Losses, of: u64) -> Vec<u64> {
        let mut drops = Drops::new(losses, 0);
        (0..of).filter(|_| drops.draw()).collect()
    }

    #[test]
    fn the_share_that_is_lost_is_the_share_that_was_asked_for() {
        for (share, least, most) in [("1%", 9_600, 10_400), ("20%", 198_000, 202_000)] {
            let lost = lost(&losses(share, None), 1_000_000).len();
            assert!((least..=most).contains(&lost), "{share}: {lost}");
        }
    }

    #[test]
    fn losses_of_one_in_five_follow_each_other_as_often_as_chance_has_it() {
        let lost = lost(&losses("20%", None), 100_000);
        let pairs = lost.windows(2).filter(|pair| pair[1] == pair[0] + 1).count();
        assert!((3_600..4_400).contains(&pairs), "{pairs}");
    }

    #[test]
    fn nothing_and_everything_are_lost_when_that_is_asked_for() {
        assert_eq!(lost(&losses("0%", None), 1_000), [0; 0]);
        assert_eq!(lost(&losses("100%", None), 1_000).len(), 1_000);
    }

    #[test]
    fn the_same_seed_loses_the_same_datagrams_and_each_lane_its_own() {
        let losses = losses("5%", None);
        assert_eq!(lost(&losses, 1_000), lost(&losses, 1_000));
        let mut other = Drops::new(&losses, 1);
        assert_ne!(
            lost(&losses, 1_000),
            (0..1_000).filter(|_| other.draw()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_burst_loses_its_datagrams_and_no_other() {
        assert_eq!(lost(&losses("0%", Some((3, 4))), 100), [3, 4, 5, 6]);
    }

    #[test]
    fn batches_that_pass_at_once_lose_what_is_lost_one_by_one() {
        let losses = losses("2%", Some((500, 20)));
        let mut drops = Drops::new(&losses, 0);
        let mut lost_in_batches = Vec::new();
        for start in (0..10_000).step_by(50) {
            if !drops.pass(50) {
                lost_in_batches.extend((start..start + 50).filter(|_| drops.draw()));
            }
        }
        assert_eq!(lost_in_batches, lost(&losses, 10_000));
    }

    #[test]
    fn only_what_the_last_receive_added_is_lost() {
        let local = (Ipv4Addr::LOCALHOST, 0);
        let source = UdpSource::bind(&SourceConfig {
            listen: local.into(),
            receive_buffer_bytes: 1 << 20,
            interface: None,
            from: None,
            offload: Offload::Auto,
        })
        .unwrap();
        let (sender, to) = (UdpSocket::bind(local).unwrap(), source.local_addr());
        let count = Arc::new(Count::default());
        let mut lossy = Lossy {
            source,
            drops: Drops::new(&losses("0%", Some((1, 1))), 0),
            count: Arc::clone(&count),
        };
        let mut batch = Batch::new(1 << 20);
        let mut came = Vec::new();
        for text in [b"a", b"b", b"c"] {
            sender.send_to(text, to).unwrap();
            came.push(lossy.recv_batch(&mut batch, Duration::from_secs(10)).unwrap());
        }
        assert_eq!(came, [1, 0, 1]);
        let left: Vec<_> = batch.datagrams().map(|received| received.bytes.to_vec()).collect();
        assert_eq!(left, [b"a", b"c"]);
        assert_eq!(count.dropped(), Dropped { lost: 1, of: 3 });
    }

    #[test]
    fn what_a_link_loses_reads_back_from_its_arguments() {
        for losses in [losses("1.5%", None), losses("0%", Some((10, 500)))] {
            let args = losses.to_args();
            let own = &args[1..args.len() - 1];
            assert_eq!(
                (Losses::from_args(own), &args[0]),
                (Some(losses), &OsString::from(VERB))
            );
        }
        assert_eq!(Losses::from_args(&["1%".into()]), None);
    }

    #[test]
    fn what_was_lost_is_found_in_the_last_words() {
        let dropped = Dropped { lost: 5, of: 100 };
        let said = format!("a warning\n{}\n", dropped.to_line());
        assert_eq!(Dropped::in_words(&said), Some(dropped));
        assert_eq!(Dropped::in_words("nothing"), None);
    }
}
