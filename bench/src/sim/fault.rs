//! What goes wrong in a simulation: a list that follows from the seed, each fault at a place of its own.
//!
//! ```text
//! seed ─▶ how bad each part of the world is ─▶ faults, numbered ─▶ (a choice of them, when a failure is made small)
//! ```
//!
//! Places are counts, never times: the how-manyth datagram, operation of a disk, or step. So a fault stays where it was when others are left
//! out, as far as they do not change what happens before.

use std::fmt;

use super::Side;
use crate::relay::dice::Dice;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// On the link, at the datagram of this number.
    Link(u64, LinkFault),
    /// On the link, at the heartbeat of this number.
    Beat(u64, LinkFault),
    /// On a host's disk, at the changing operation of this number.
    Disk(Side, u64, DiskFault),
    /// A host's clock, by so many milliseconds at this step.
    Clock(Side, u64, i64),
    /// The transmitter's state is gone at this step, and in its place comes another.
    State(u64, NewState),
    /// The transmitter's host does what its owner does not want, with the bundle of this place in the queue.
    Attack(usize, Attack),
}

/// What a link does to a datagram, or puts in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkFault {
    /// So many are lost.
    Lose(u64),
    /// It comes once more, so many datagrams later.
    Double(u64),
    /// A bit is another.
    Flip(u64),
    /// Only so many bytes of it come.
    Cut(u64),
    /// So many others overtake it.
    Delay(u64),
    /// Bytes from elsewhere come.
    Noise(u64),
    /// A symbol of the same block comes, with a checksum that holds and other bytes.
    Forge,
    /// An announce comes whose signature does not hold.
    BadAnnounce,
    /// An announce comes by a link key that is not pinned.
    Stranger,
    /// Datagrams come again that were sent so long ago, so many of them.
    Replay(u64, u64),
    /// A heartbeat comes again that was sent so many before the last.
    OldBeat(u64),
}

/// What a transmitter goes on with whose state is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NewState {
    /// A state that was made anew, with an epoch of its own.
    Anew,
    /// A backup of all of it, taken at this step: numbers come twice.
    Backup(u64),
}

/// What a disk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DiskFault {
    /// The power fails, and of what was not synced that is left.
    PowerCut(Keep),
    /// The process is killed; the machine lives on.
    Kill,
    /// The operation fails.
    Io,
    /// There is no space for it.
    Full,
}

/// What a power cut leaves of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Nothing,
    All,
    Some,
}

/// What a host does that has the link key, and no author's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attack {
    /// A byte of the content is changed.
    Content,
    /// A byte of the content is changed, and leaves, head and announce are made to fit.
    Head,
    /// The bundle is sent under a number that belongs to another.
    Thief,
    /// The announce tells of another length than was signed.
    Length,
}

/// How many bundles there are, and what is expected of them: so that places are drawn from where something happens.
const DATAGRAMS_A_BUNDLE: u64 = 90;
const RX_OPERATIONS_A_BUNDLE: u64 = 36;
const TX_OPERATIONS_A_BUNDLE: u64 = 6;
const STEPS_A_BUNDLE: u64 = 60;
const BUNDLES_A_BEAT: u64 = 2;
const DAY: u64 = 24 * 3_600_000;

/// Every fault of a seed.
pub(super) fn schedule(seed: u64, bundles: usize) -> Vec<Fault> {
    let mut dice = Dice::new(seed, 1);
    let count = bundles as u64;
    let mut faults = Vec::new();
    link_faults(&mut dice, count * DATAGRAMS_A_BUNDLE, &mut faults);
    for (side, operations) in [
        (Side::Rx, count * RX_OPERATIONS_A_BUNDLE + 60),
        (Side::Tx, count * TX_OPERATIONS_A_BUNDLE + 20),
    ] {
        disk_faults(&mut dice, side, operations, &mut faults);
        for _ in 0..dice.below(4) {
            let by = i64::try_from(dice.below(2 * DAY)).unwrap_or(0) - i64::try_from(DAY).unwrap_or(0);
            faults.push(Fault::Clock(side, dice.below(count * STEPS_A_BUNDLE), by));
        }
    }
    for _ in 0..dice.below(5) {
        let attack = match dice.below(4) {
            0 => Attack::Content,
            1 => Attack::Head,
            2 => Attack::Length,
            _ => Attack::Thief,
        };
        faults.push(Fault::Attack(usize::try_from(dice.below(count)).unwrap_or(0), attack));
    }
    beat_faults(&mut dice, count / BUNDLES_A_BEAT + 1, &mut faults);
    if dice.below(3) == 0 {
        faults.push(Fault::State(dice.below(count * STEPS_A_BUNDLE), NewState::Anew));
    }
    if dice.below(5) == 0 {
        let at = dice.below(count * STEPS_A_BUNDLE);
        faults.push(Fault::State(at, NewState::Backup(dice.below(at + 1))));
    }
    faults
}

fn beat_faults(dice: &mut Dice, beats: u64, faults: &mut Vec<Fault>) {
    let kinds: [fn(&mut Dice) -> LinkFault; 5] = [
        |dice| LinkFault::Lose(1 + dice.below(2)),
        |dice| LinkFault::Double(dice.below(400)),
        |dice| LinkFault::Delay(1 + dice.below(200)),
        |dice| LinkFault::OldBeat(1 + dice.below(20)),
        |_| LinkFault::Forge,
    ];
    for kind in kinds {
        for _ in 0..dice.below(2) * dice.below(beats / 2 + 1) {
            faults.push(Fault::Beat(dice.below(beats), kind(dice)));
        }
    }
}

fn link_faults(dice: &mut Dice, datagrams: u64, faults: &mut Vec<Fault>) {
    // Faults of a kind for each thousand datagrams, from a link that is sound to one that is hardly any.
    let per_mille = [0, 1, 4, 12][usize::try_from(dice.below(4)).unwrap_or(0)];
    let kinds: [fn(&mut Dice) -> LinkFault; 10] = [
        |dice| LinkFault::Lose(1 + dice.below(3)),
        |dice| LinkFault::Lose(1 + dice.below(60)),
        |dice| LinkFault::Double(dice.below(200)),
        |dice| LinkFault::Flip(dice.below(8 * 600)),
        |dice| LinkFault::Cut(dice.below(600)),
        |dice| LinkFault::Delay(1 + dice.below(100)),
        |dice| LinkFault::Noise(dice.below(300)),
        |_| LinkFault::Forge,
        |dice| match dice.below(2) {
            0 => LinkFault::BadAnnounce,
            _ => LinkFault::Stranger,
        },
        |dice| LinkFault::Replay(1 + dice.below(3000), 1 + dice.below(60)),
    ];
    for kind in kinds {
        // Some kinds are absent altogether, so that others are met alone.
        let most = datagrams * per_mille / 1000;
        for _ in 0..dice.below(2) * dice.below(most + 1) {
            let at = dice.below(datagrams);
            faults.push(Fault::Link(at, kind(dice)));
        }
    }
}

fn disk_faults(dice: &mut Dice, side: Side, operations: u64, faults: &mut Vec<Fault>) {
    type Kind = fn(&mut Dice) -> DiskFault;
    let kinds: [(u64, Kind); 4] = [
        (9, |dice| {
            DiskFault::PowerCut(match dice.below(4) {
                0 => Keep::Nothing,
                1 => Keep::All,
                _ => Keep::Some,
            })
        }),
        (5, |_| DiskFault::Kill),
        (4, |_| DiskFault::Io),
        (4, |_| DiskFault::Full),
    ];
    for (most, kind) in kinds {
        for _ in 0..dice.below(most) {
            let at = dice.below(operations);
            faults.push(Fault::Disk(side, at, kind(dice)));
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(at, fault) => write!(f, "link, datagram {at}: {fault}"),
            Self::Beat(at, fault) => write!(f, "link, heartbeat {at}: {fault}"),
            Self::State(at, NewState::Anew) => write!(f, "tx state, step {at}: made anew"),
            Self::State(at, NewState::Backup(taken)) => {
                write!(f, "tx state, step {at}: put back as it was at step {taken}")
            }
            Self::Disk(side, at, fault) => write!(f, "{side} disk, operation {at}: {fault}"),
            Self::Clock(side, at, by) => write!(f, "{side} clock, step {at}: set by {by} ms"),
            Self::Attack(at, attack) => write!(f, "tx host, bundle {at} of the queue: {attack}"),
        }
    }
}

impl fmt::Display for LinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lose(count) => write!(f, "{count} lost"),
            Self::Double(later) => write!(f, "comes again {later} later"),
            Self::Flip(bit) => write!(f, "bit {bit} flipped"),
            Self::Cut(len) => write!(f, "cut to {len} bytes"),
            Self::Delay(by) => write!(f, "overtaken by {by}"),
            Self::Noise(len) => write!(f, "{len} bytes of noise before it"),
            Self::Forge => f.write_str("a forged symbol before it"),
            Self::BadAnnounce => f.write_str("an announce with a bad signature before it"),
            Self::Stranger => f.write_str("an announce by another link key before it"),
            Self::OldBeat(ago) => write!(f, "a heartbeat of {ago} ago before it"),
            Self::Replay(ago, count) => write!(f, "{count} datagrams from {ago} ago before it"),
        }
    }
}

impl fmt::Display for DiskFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PowerCut(Keep::Nothing) => "power cut, nothing kept that was not synced",
            Self::PowerCut(Keep::All) => "power cut, all kept",
            Self::PowerCut(Keep::Some) => "power cut, some kept of what was not synced",
            Self::Kill => "process killed",
            Self::Io => "fails (EIO)",
            Self::Full => "no space (ENOSPC)",
        })
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Content => "sent with a byte of its content changed",
            Self::Head => "sent with a byte changed and a head that fits",
            Self::Thief => "sent under the number of another",
            Self::Length => "announced with another length",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_has_one_schedule() {
        assert_eq!(schedule(7, 50), schedule(7, 50));
        assert_ne!(schedule(7, 50), schedule(8, 50));
    }

    #[test]
    fn every_kind_of_fault_is_met_within_a_hundred_seeds() {
        let mut words: Vec<String> = Vec::new();
        for seed in 0..100 {
            words.extend(schedule(seed, 50).iter().map(ToString::to_string));
        }
        for word in [
            "lost",
            "again",
            "flipped",
            "cut to",
            "overtaken",
            "noise",
            "forged",
            "bad signature",
            "another link key",
            "ago",
            "nothing kept",
            "all kept",
            "some kept",
            "killed",
            "EIO",
            "ENOSPC",
            "clock",
            "content changed",
            "head that fits",
            "number of another",
            "another length",
            "heartbeat",
            "made anew",
            "put back",
        ] {
            for side in ["rx disk", "tx disk"] {
                let of_disk = ["kept", "killed", "EIO", "ENOSPC"]
                    .iter()
                    .any(|end| word.ends_with(end));
                let met = words
                    .iter()
                    .any(|line| line.contains(word) && (!of_disk || line.starts_with(side)));
                assert!(met, "{side} {word}");
            }
        }
    }
}
