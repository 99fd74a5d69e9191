//! Faults one after another, and what came of them.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde::Serialize;

use super::fault::Fault;
use super::{Faulty, Outcome};
use crate::campaigns::{Campaign, Failure, Records};
use crate::crash::{FaultArgs, is_interruption};
use crate::drive::{Programs, has_strace};
use crate::signals;
use crate::terminal::say;

/// What a campaign of faults came to.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Sum {
    /// Faults that there are.
    of: u64,
    /// Of those that were tried: the side went on.
    borne: u64,
    /// It ended, and said why, or was killed.
    ended: u64,
    /// The call was not made so often.
    not_met: u64,
}

/// Tries the faults; whether the side did what it must at all of them.
pub(in crate::crash) fn try_faults(args: &FaultArgs) -> anyhow::Result<bool> {
    ensure!(has_strace(), "there is no strace on this machine, by which calls fail");
    let mut records = Records::open(&args.campaign.record)?;
    let programs = Programs::here(signals::listen()).context("the system does not say which program this is")?;
    let dir = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let mut faulty = Faulty::make(&programs, &dir, args.side)?;
    let (side, from, begun) = (args.side.name(), args.campaign.from, Instant::now());
    let mut sum = Sum::default();
    if let Some(fault) = args.fault {
        faulty.faults = vec![fault];
    }
    let (rounds, failure) = faulty.try_all(from, args.rounds.unwrap_or(u64::MAX), &mut sum);
    let which = args
        .fault
        .map(|fault| format!(" --fault '{fault}'"))
        .unwrap_or_default();
    records.append(&Campaign {
        campaign: &format!("crash faults {side}{which}"),
        from,
        rounds,
        failure: failure.clone(),
        detail: sum,
    })?;
    let Sum {
        of,
        borne,
        ended,
        not_met,
    } = sum;
    say(&format!(
        "{rounds} of {of} faults of {side}: it went on at {borne}, ended at {ended}, {not_met} not met; {} s",
        begun.elapsed().as_secs()
    ));
    let Some(Failure { round, message }) = failure else {
        return Ok(true);
    };
    let fault = usize::try_from(round)
        .ok()
        .and_then(|round| faulty.faults().get(round).copied());
    let again = fault.map(|fault| format!(" --fault '{fault}'")).unwrap_or_default();
    let kept = faulty.ground.hosts.keep();
    eprintln!(
        "error: round {round}: {message}\n  kept    {}\n  again   diode-bench crash faults --side {side}{again}",
        kept.display()
    );
    Ok(false)
}

impl Faulty {
    /// How many were tried, and what the last one failed by if it did. An operator's interruption ends them, and is no failure.
    fn try_all(&mut self, from: u64, most: u64, sum: &mut Sum) -> (u64, Option<Failure>) {
        let faults = self.faults().to_vec();
        sum.of = faults.len() as u64;
        let mut rounds = 0;
        for (round, fault) in (0_u64..).zip(&faults) {
            if round < from || rounds == most {
                continue;
            }
            match self.try_told(round, fault) {
                Ok(Outcome::NotMet) => sum.not_met += 1,
                Ok(Outcome::Borne) => sum.borne += 1,
                Ok(Outcome::Ended) => sum.ended += 1,
                Err(error) if is_interruption(&error) => break,
                Err(error) => {
                    let message = format!("{fault}: {error:#}");
                    return (rounds + 1, Some(Failure { round, message }));
                }
            }
            rounds += 1;
        }
        (rounds, None)
    }

    fn try_told(&mut self, round: u64, fault: &Fault) -> anyhow::Result<Outcome> {
        let began = Instant::now();
        let tried = self.try_fault(fault);
        let told = match &tried {
            Ok(Outcome::NotMet) => "not met",
            Ok(Outcome::Borne) => "went on",
            Ok(Outcome::Ended) => "ended",
            Err(error) if is_interruption(error) => "interrupted",
            Err(_) => "failed",
        };
        say(&format!(
            "round {round}  {fault}  {told}  {:.2} s",
            began.elapsed().as_secs_f64()
        ));
        tried
    }
}
