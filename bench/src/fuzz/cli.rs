//! The `fuzz` verb: campaigns over a target, or one input again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use serde::Serialize;

use super::campaign::{self, Broken, Outcome};
use super::corpus::Corpus;
use super::target::{TARGETS, Target};
use crate::campaigns::{Campaign, CampaignArgs, Failure, Records};
use crate::drive::peak_resident_kib;
use crate::signals;

/// Try a parser, or the whole receiver, with many inputs that nobody meant to send
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  diode-bench fuzz reception --from 0 --rounds 100000\n  diode-bench fuzz all --rounds 10000\n  \
    diode-bench fuzz header --input fuzz-header-4711.bin"
)]
pub(crate) struct FuzzArgs {
    /// What is tried
    #[arg(value_parser = PossibleValuesParser::new(names()))]
    target: String,
    #[command(flatten)]
    campaign: CampaignArgs,
    /// How many inputs
    #[arg(long, value_name = "COUNT", default_value_t = 100_000)]
    rounds: u64,
    /// Run this file alone, once
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "rounds", "record"])]
    input: Option<PathBuf>,
    /// The folder of the seeds
    #[arg(long, value_name = "FOLDER", default_value = "bench/tests/corpus")]
    corpus: PathBuf,
    /// Where an input that fails is written
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    failures: PathBuf,
}

const ALL: &str = "all";

fn names() -> impl Iterator<Item = PossibleValue> {
    let targets = TARGETS
        .iter()
        .map(|target| PossibleValue::new(target.name).help(target.about));
    targets.chain([PossibleValue::new(ALL).help("each of them in turn")])
}

/// Runs the verb to its end.
pub(crate) fn run(args: &FuzzArgs) -> ExitCode {
    campaign::keep_panics_quiet();
    let result = match &args.input {
        Some(input) => replay(&args.target, input),
        None => campaigns(args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn targets(name: &str) -> impl Iterator<Item = &'static Target> {
    TARGETS.iter().filter(move |target| name == ALL || target.name == name)
}

/// Whether the file's bytes hold.
fn replay(target: &str, input: &Path) -> anyhow::Result<bool> {
    let bytes = fs::read(input).with_context(|| format!("cannot read --input {}", input.display()))?;
    let mut holds = true;
    for target in targets(target) {
        match campaign::failure_of(target, &bytes) {
            None => println!("{}  holds for {}", target.name, input.display()),
            Some(message) => {
                holds = false;
                println!("{}  FAILS for {}\n{message}", target.name, input.display());
            }
        }
    }
    Ok(holds)
}

/// Whether all inputs hold.
fn campaigns(args: &FuzzArgs) -> anyhow::Result<bool> {
    // What can't be read or written is told before anything is run.
    let chosen: Vec<(&Target, Corpus)> = targets(&args.target)
        .map(|target| Ok((target, Corpus::read(&args.corpus, target.name)?)))
        .collect::<anyhow::Result<_>>()?;
    let mut records = Records::open(&args.campaign.record)?;
    let stop = signals::listen();
    let mut all_hold = true;
    for (target, corpus) in &chosen {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        all_hold &= campaign_over(args, target, corpus, &stop, &mut records)?;
    }
    Ok(all_hold)
}

/// What is told of a target's campaign besides.
#[derive(Debug, Serialize)]
struct Detail {
    /// Of the seeds: input numbers mean the same inputs only over the same ones.
    corpus: String,
    inputs_per_second: u64,
    slowest_input: u64,
    slowest_ms: u64,
    /// Of the process, which may have run other targets before.
    peak_resident_bytes: u64,
}

fn campaign_over(
    args: &FuzzArgs,
    target: &Target,
    corpus: &Corpus,
    stop: &AtomicBool,
    records: &mut Records,
) -> anyhow::Result<bool> {
    let from = args.campaign.from;
    let outcome = campaign::run(target, corpus, from, args.rounds, stop);
    let (slowest_input, slowest) = outcome.slowest;
    let detail = Detail {
        corpus: corpus.digest().to_string(),
        inputs_per_second: outcome.rate() as u64,
        slowest_input,
        slowest_ms: u64::try_from(slowest.as_millis()).unwrap_or(u64::MAX),
        peak_resident_bytes: peak_resident_kib(std::process::id()) << 10,
    };
    show(target, from, &outcome, detail.peak_resident_bytes);
    let failure = outcome.broken.as_ref().map(|broken| Failure {
        round: broken.number,
        message: broken.message.clone(),
    });
    let appended = records.append(&Campaign {
        campaign: &format!("fuzz {}", target.name),
        from,
        rounds: outcome.held + u64::from(failure.is_some()),
        failure,
        detail,
    });
    if let Some(broken) = &outcome.broken {
        keep(&args.failures, target, broken)?;
    }
    appended?;
    Ok(outcome.broken.is_none())
}

fn show(target: &Target, from: u64, outcome: &Outcome, peak: u64) {
    let end = from.saturating_add(outcome.held);
    let (slowest, took) = outcome.slowest;
    println!(
        "{:<16} inputs {from} to {end} hold  {:.0} a second, slowest {slowest} in {:.1} ms, peak {} MiB resident",
        target.name,
        outcome.rate(),
        took.as_secs_f64() * 1000.0,
        peak >> 20,
    );
}

/// Writes a failing input, and tells how to run it again.
fn keep(folder: &Path, target: &Target, broken: &Broken) -> anyhow::Result<()> {
    let Broken { number, input, message } = broken;
    let path = folder.join(format!("fuzz-{}-{number}.bin", target.name));
    fs::write(&path, input).with_context(|| format!("cannot write the input to --failures {}", folder.display()))?;
    println!("{:<16} input {number} FAILS\n{message}", target.name);
    println!("  again   diode-bench fuzz {} --input {}", target.name, path.display());
    println!(
        "  keep    once mended, as bench/tests/corpus/{}/found-{number}",
        target.name
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_every_target_and_a_name_is_one() {
        assert_eq!(targets(ALL).count(), TARGETS.len());
        for target in TARGETS {
            let named: Vec<_> = targets(target.name).map(|found| found.name).collect();
            assert_eq!(named, [target.name]);
        }
    }

    #[test]
    fn an_input_that_fails_is_kept_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let broken = Broken {
            number: 7,
            input: vec![1, 2, 3],
            message: String::new(),
        };
        keep(folder.path(), &TARGETS[0], &broken).unwrap();
        let name = format!("fuzz-{}-7.bin", TARGETS[0].name);
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), [1, 2, 3]);
    }
}
