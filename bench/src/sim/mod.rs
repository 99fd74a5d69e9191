//! The `sim` verb: a pair, its link, disks and clocks in one thread and in no time, by a seed that gives the same again.
//!
//! ```text
//! seed ─▶ schedule of faults ─┐
//!      └▶ order of steps ─────┴▶ World ─┬─ Transmitter: real ledger, real transmissions ─▶ Link
//!                                       ├─ Receiver: real reassembly, registrar, owner, quarantine, log
//!                                       └─ Model: what an outsider knows ─▶ held, or a Violation
//! Violation ─▶ the same faults less some, again and again ─▶ those that it takes
//! ```
//!
//! Always true:
//! - nothing of the machine comes in: no clock, no file, no thread's order, no chance but the seed's;
//! - what is simulated are the link, the disks, the clocks and who calls whom when; everything else is what `diode-tx` and `diode-rx` run;
//! - what is checked is what a reader of log and quarantine sees, against what was sent.

mod bundles;
mod disk;
mod fault;
mod heard;
mod kept;
mod life;
mod link;
mod model;
mod quarantine;
mod receiver;
mod record;
mod shrink;
mod state;
mod trace;
mod transmitter;
mod violation;
mod world;

use std::fmt::{self, Write as _};
use std::num::ParseIntError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Instant;

use clap::Args;
use protocol::digest::Digest;
use serde::Serialize;

use self::fault::{Fault, schedule};
use self::trace::Trace;
use self::violation::{Invariant, Violation};
use crate::campaigns::{Campaign, CampaignArgs, Failure, Records};

/// One of the two hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Tx,
    Rx,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tx => "tx",
            Self::Rx => "rx",
        })
    }
}

/// Simulate a pair with faults of every kind, and check that the invariants hold
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  \
    diode-bench sim --rounds 500            seeds 0 to 499, and a line in bench/campaigns.jsonl\n  \
    diode-bench sim --seed 7 --trace        one seed, and all that happens\n  \
    diode-bench sim --seed 7 --faults 3,14  the same with two of its faults")]
pub(crate) struct SimArgs {
    /// The one seed to simulate
    #[arg(
        long,
        value_name = "S",
        conflicts_with = "rounds",
        required_unless_present = "rounds"
    )]
    seed: Option<u64>,
    /// Bundles that are sent
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=bundles::POOL as i64))]
    bundles: u16,
    /// Print all that happens
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Let only these of the seed's faults happen: their numbers, such as 3,14, or `none`
    #[arg(long, value_name = "LIST", requires = "seed")]
    faults: Option<Choice>,
    /// Seeds to simulate, one after another
    #[arg(long, value_name = "N")]
    rounds: Option<u64>,
    #[command(flatten)]
    campaign: CampaignArgs,
}

/// Some of a seed's faults, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Choice(Vec<usize>);

impl FromStr for Choice {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self(Vec::new())),
            _ => text.split(',').map(str::parse).collect::<Result<_, _>>().map(Self),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_first() {
            None => f.write_str("none"),
            Some((first, others)) => {
                write!(f, "{first}")?;
                others.iter().try_for_each(|other| write!(f, ",{other}"))
            }
        }
    }
}

/// What came of a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outcome {
    /// Of all that happened.
    digest: Digest,
    /// Bundles that were admitted.
    admitted: usize,
    /// How often the receiver began.
    starts: u64,
    /// Faults in the schedule.
    faults: usize,
    /// What did not hold.
    violation: Option<Violation>,
}

/// Simulates a seed with so many bundles, and all its faults.
fn simulate(seed: u64, bundles: usize) -> Outcome {
    run_with(seed, bundles, &numbered(seed, bundles), false)
}

/// The faults of a seed, with their numbers.
fn numbered(seed: u64, bundles: usize) -> Vec<(usize, Fault)> {
    schedule(seed, bundles).into_iter().enumerate().collect()
}

fn run_with(seed: u64, bundles: usize, faults: &[(usize, Fault)], print: bool) -> Outcome {
    let mut trace = Trace::new(print);
    let seen = catch_unwind(AssertUnwindSafe(|| world::simulate(seed, bundles, faults, &mut trace)));
    let seen = seen.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no text");
        Err(Invariant::Alive.broken(format!("a panic: {text}")))
    });
    let (seen, violation) = match seen {
        Ok(seen) => (seen, None),
        Err(violation) => {
            trace.note(format_args!("{violation}"));
            (world::Seen::default(), Some(violation))
        }
    };
    Outcome {
        digest: trace.finish(),
        admitted: seen.admitted,
        starts: seen.starts,
        faults: faults.len(),
        violation,
    }
}

/// A violation, with what it takes to see it again.
fn explain(seed: u64, bundles: usize, violation: &Violation) -> String {
    let all = numbered(seed, bundles);
    let of_kind =
        |outcome: &Outcome| outcome.violation.as_ref().map(|found| found.invariant) == Some(violation.invariant);
    let least = shrink::shrink(&all, TRIALS, |some| of_kind(&run_with(seed, bundles, some, false)));
    let again = run_with(seed, bundles, &least, false);
    let mut text =
        format!("seed {seed}: {violation}\n  repeat    diode-bench sim --seed {seed} --bundles {bundles} --trace\n");
    let numbers = Choice(least.iter().map(|(number, _)| *number).collect());
    // Writing to a string can't fail.
    let _ = writeln!(
        text,
        "  schedule  {} of {} faults are enough: diode-bench sim --seed {seed} --bundles {bundles} --trace --faults {numbers}",
        least.len(),
        all.len(),
    );
    for (number, fault) in &least {
        let _ = writeln!(text, "    {number:>4}  {fault}");
    }
    if let Some(left) = again.violation.filter(|left| left.what != violation.what) {
        let _ = writeln!(text, "  seen with these  {left}");
    }
    text
}

/// Simulations that a failure is made small with, at most.
const TRIALS: usize = 400;

/// Runs the verb to its end.
pub(crate) fn run(args: &SimArgs) -> ExitCode {
    match (args.seed, args.rounds) {
        (Some(seed), _) => one(args, seed),
        (None, rounds) => campaign(args, rounds.unwrap_or(1)),
    }
}

fn one(args: &SimArgs, seed: u64) -> ExitCode {
    let bundles = usize::from(args.bundles);
    let mut faults = numbered(seed, bundles);
    if let Some(Choice(wanted)) = &args.faults {
        faults.retain(|(number, _)| wanted.contains(number));
    }
    let outcome = run_with(seed, bundles, &faults, args.trace);
    println!(
        "seed {seed}: {} bundles, {} faults, {} admitted, {} starts of the receiver; digest {}",
        args.bundles, outcome.faults, outcome.admitted, outcome.starts, outcome.digest
    );
    match (&outcome.violation, &args.faults) {
        (None, _) => ExitCode::SUCCESS,
        (Some(violation), Some(_)) => {
            eprintln!("seed {seed}: {violation}");
            ExitCode::FAILURE
        }
        (Some(violation), None) => {
            eprint!("{}", explain(seed, bundles, violation));
            ExitCode::FAILURE
        }
    }
}

/// What is told of campaigns of this kind.
#[derive(Debug, Serialize)]
struct Detail {
    bundles: u64,
    admitted: u64,
    faults: u64,
    starts: u64,
}

fn campaign(args: &SimArgs, rounds: u64) -> ExitCode {
    let mut records = match Records::open(&args.campaign.record) {
        Ok(records) => records,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    let (from, bundles, begun) = (args.campaign.from, usize::from(args.bundles), Instant::now());
    let mut detail = Detail {
        bundles: 0,
        admitted: 0,
        faults: 0,
        starts: 0,
    };
    let (mut done, mut failure) = (0, None);
    while done < rounds && failure.is_none() {
        let seed = from.saturating_add(done);
        let outcome = simulate(seed, bundles);
        done += 1;
        detail.bundles += u64::from(args.bundles);
        detail.admitted += outcome.admitted as u64;
        detail.faults += outcome.faults as u64;
        detail.starts += outcome.starts;
        if let Some(violation) = outcome.violation {
            eprint!("{}", explain(seed, bundles, &violation));
            failure = Some(Failure {
                round: seed,
                message: violation.to_string(),
            });
        } else if done.is_multiple_of(1000) {
            eprintln!("{done} of {rounds} seeds, {} s", begun.elapsed().as_secs());
        }
    }
    let held = failure.is_none();
    println!(
        "sim: seeds {from} to {}, {} bundles, {} faults, {} starts of the receiver, {} admitted: {}",
        from.saturating_add(done).saturating_sub(1),
        detail.bundles,
        detail.faults,
        detail.starts,
        detail.admitted,
        if held { "every invariant held" } else { "FAILED" },
    );
    let written = records.append(&Campaign {
        campaign: "sim",
        from,
        rounds: done,
        failure,
        detail,
    });
    match written {
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
        Ok(()) if held => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_seed_of_three_dozen_breaks_an_invariant_and_each_gives_the_same_again() {
        for seed in 0..36 {
            let first = simulate(seed, 12);
            if let Some(violation) = &first.violation {
                panic!("{}", explain(seed, 12, violation));
            }
            assert_eq!(simulate(seed, 12), first, "seed {seed}");
        }
    }

    #[test]
    fn a_choice_of_faults_reads_back() {
        for text in ["none", "7", "3,14,15"] {
            assert_eq!(text.parse::<Choice>().unwrap().to_string(), text);
        }
        assert!("3,,4".parse::<Choice>().is_err());
    }

    #[test]
    fn seeds_differ() {
        assert_ne!(simulate(1, 3).digest, simulate(2, 3).digest);
    }
}
