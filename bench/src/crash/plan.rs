//! What a round does: drawn from its number, before anything is started.
//!
//! Always true: the same number of the same side gives the same plan. When exactly a process is killed depends on the machine too: a moment is
//! told as a part of what the way took before, or by what the process had done.

use std::fmt;

use audit::line;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::Side;
use crate::mint::Shape;

/// A round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// The bundles that are sent.
    pub(super) bundles: Vec<Shape>,
    /// When the side is killed, one after another; it is started again in between.
    pub(super) kills: Vec<Kill>,
}

/// One SIGKILL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kill {
    pub(super) during: During,
    pub(super) when: When,
    /// How long after that.
    pub(super) delay_us: u64,
}

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum During {
    /// It starts, with what the kill before left.
    Start,
    /// Bundles are sent.
    Transfer,
}

/// The moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Thousandths of the time that this took last.
    Permille(u64),
    /// After so many writes to the side's log.
    LogWrites(u32),
    /// After so many bytes in the receiver's spool.
    Spooled(u64),
}

/// Bytes of the largest bundle.
const MOST_BYTES: u64 = 4 << 20;

impl Plan {
    /// The plan of a round.
    pub(super) fn of(side: Side, round: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(round);
        dice.set_stream(match side {
            Side::Rx => 1,
            Side::Tx => 2,
        });
        let bundles = draw_bundles(&mut dice);
        let more = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2][dice.random_range(0..10_usize)];
        let bytes = bundles.iter().map(|shape| shape.len as u64).sum();
        let kill = |dice: &mut ChaCha8Rng, during| draw_kill(dice, side, bytes, during);
        let mut kills = vec![kill(&mut dice, During::Transfer)];
        for _ in 0..more {
            let during = if dice.random() { During::Start } else { During::Transfer };
            kills.push(kill(&mut dice, during));
        }
        Self { bundles, kills }
    }

    /// Bytes of all bundles.
    pub(super) fn bytes(&self) -> u64 {
        self.bundles.iter().map(|shape| shape.len as u64).sum()
    }
}

/// Some small ones and a large one; now and then a crowd of small ones, which share their syncs.
fn draw_bundles(dice: &mut ChaCha8Rng) -> Vec<Shape> {
    let crowd = dice.random_range(0..8) == 0;
    let small = if crowd {
        dice.random_range(8..=24)
    } else {
        dice.random_range(1..=5)
    };
    let mut bundles: Vec<_> = (0..small)
        .map(|_| Shape {
            len: dice.random_range(1..=6_000),
            harmless: dice.random(),
        })
        .collect();
    if !crowd {
        let large = Shape {
            len: dice.random_range((MOST_BYTES as usize / 4)..=MOST_BYTES as usize),
            harmless: dice.random(),
        };
        bundles.insert(dice.random_range(0..=bundles.len()), large);
    }
    bundles
}

fn draw_kill(dice: &mut ChaCha8Rng, side: Side, bytes: u64, during: During) -> Kill {
    // A transmitter writes once for what it begins to send, and once for each bundle that is sent.
    let most_writes = match side {
        Side::Rx => 10,
        Side::Tx => 4,
    };
    let when = match (dice.random_range(0..4), during) {
        (0 | 1, _) => When::Permille(dice.random_range(0..1_200)),
        (2, During::Transfer) => When::Spooled(dice.random_range(0..bytes)),
        (_, During::Start) => When::LogWrites(dice.random_range(1..=3)),
        (_, During::Transfer) => When::LogWrites(dice.random_range(1..=most_writes)),
    };
    Kill {
        during,
        when,
        delay_us: dice.random_range(0..3_000),
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bundles = line::count(self.bundles.len() as u64, "bundle");
        write!(f, "{bundles} of {}", line::size(self.bytes()))?;
        self.kills.iter().try_for_each(|kill| write!(f, "; {kill}"))
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let during = match self.during {
            During::Start => "start",
            During::Transfer => "transfer",
        };
        write!(f, "kill in the {during} ")?;
        match self.when {
            When::Permille(part) => write!(f, "at {part} ‰ of its time")?,
            When::LogWrites(count) => write!(f, "at log write {count}")?,
            When::Spooled(bytes) => write!(f, "with {} spooled", line::size(bytes))?,
        }
        write!(f, " + {} µs", self.delay_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_round_of_the_same_side_has_the_same_plan() {
        assert_eq!(Plan::of(Side::Rx, 7), Plan::of(Side::Rx, 7));
        assert_ne!(Plan::of(Side::Rx, 7), Plan::of(Side::Tx, 7));
        assert_ne!(Plan::of(Side::Rx, 7), Plan::of(Side::Rx, 8));
    }

    #[test]
    fn the_first_kill_is_while_bundles_are_sent() {
        for round in 0..200 {
            assert_eq!(Plan::of(Side::Tx, round).kills[0].during, During::Transfer);
        }
    }

    #[test]
    fn a_hundred_rounds_have_every_kind_of_kill_and_of_bundle() {
        let plans: Vec<_> = (0..100).map(|round| Plan::of(Side::Rx, round)).collect();
        let kills: Vec<_> = plans.iter().flat_map(|plan| &plan.kills).collect();
        assert!(kills.iter().any(|kill| kill.during == During::Start));
        assert!(kills.iter().any(|kill| matches!(kill.when, When::Permille(_))));
        assert!(kills.iter().any(|kill| matches!(kill.when, When::LogWrites(_))));
        assert!(kills.iter().any(|kill| matches!(kill.when, When::Spooled(_))));
        assert!(plans.iter().any(|plan| plan.kills.len() == 3));
        assert!(plans.iter().any(|plan| plan.bundles.len() > 6));
        assert!(plans.iter().any(|plan| plan.bytes() > 1 << 20));
    }
}
