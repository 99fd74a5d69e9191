//! `crash rx` and `crash tx`: rounds on the same two hosts, then on new ones.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;

use super::plan::Plan;
use super::round::{Ground, Told, Totals};
use super::{KillArgs, Side, is_interruption};
use crate::campaigns::{Campaign, Failure, Records};
use crate::drive::Programs;
use crate::signals;
use crate::terminal::say;

/// What a campaign came to.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Sum {
    /// Kills that met a running process.
    kills: u64,
    admitted: u64,
    resent: u64,
    entries: u64,
    duplicates: u64,
    incomplete: u64,
    torn: u64,
}

impl Sum {
    fn add(&mut self, told: Told) {
        self.kills += told.kills;
        self.admitted += told.admitted;
        self.resent += told.resent;
    }

    fn close(&mut self, totals: Totals) {
        self.entries += totals.entries;
        self.duplicates += totals.duplicates;
        self.incomplete += totals.incomplete;
        self.torn += totals.torn;
    }
}

/// Plays the rounds; whether all of them held.
pub(super) fn play_rounds(side: Side, args: &KillArgs) -> anyhow::Result<bool> {
    let mut records = Records::open(&args.campaign.record)?;
    let programs = Programs::here(signals::listen()).context("the system does not say which program this is")?;
    let campaign = Kills {
        side,
        args,
        dir: args.dir.clone().unwrap_or_else(std::env::temp_dir),
        programs,
    };
    let begun = Instant::now();
    let mut sum = Sum::default();
    let (rounds, failure) = campaign.play_all(&mut sum)?;
    records.append(&Campaign {
        campaign: &format!("crash {}", side.name()),
        from: args.campaign.from,
        rounds,
        failure: failure.clone(),
        detail: sum,
    })?;
    let Sum { kills, admitted, .. } = sum;
    let held = if failure.is_some() { "NOT all held" } else { "all held" };
    say(&format!(
        "{rounds} rounds, {kills} kills of {}, {admitted} bundles admitted, {} s: {held}",
        side.name(),
        begun.elapsed().as_secs()
    ));
    Ok(failure.is_none())
}

/// A campaign of kills.
struct Kills<'a> {
    side: Side,
    args: &'a KillArgs,
    dir: PathBuf,
    programs: Programs,
}

impl Kills<'_> {
    /// How many rounds were played, and how the last one failed if it did. An operator's interruption ends them, and is no failure.
    fn play_all(&self, sum: &mut Sum) -> anyhow::Result<(u64, Option<Failure>)> {
        let (from, end) = (
            self.args.campaign.from,
            self.args.campaign.from.saturating_add(self.args.rounds),
        );
        let mut round = from;
        while round < end {
            let first = round;
            let mut ground = Ground::new(&self.programs, &self.dir, self.side, first)?;
            while round < end && round - first < self.args.together {
                if let Err(error) = self.play(&mut ground, round, sum) {
                    return Ok(self.fail(ground, &error, first, round, from));
                }
                round += 1;
            }
            match ground.finish() {
                Ok(totals) => sum.close(totals),
                Err(error) => return Ok(self.fail(ground, &error, first, round - 1, from)),
            }
        }
        Ok((round - from, None))
    }

    fn play(&self, ground: &mut Ground, round: u64, sum: &mut Sum) -> anyhow::Result<()> {
        let (plan, begun) = (Plan::of(self.side, round), Instant::now());
        let played = ground.play(&plan);
        let came_to = match &played {
            Ok(Told { kills, resent: 0, .. }) => format!("{kills} met it"),
            Ok(Told { kills, resent, .. }) => format!("{kills} met it, {resent} sent again"),
            Err(error) if is_interruption(error) => "interrupted".to_owned(),
            Err(_) => "failed".to_owned(),
        };
        say(&format!(
            "round {round}  {plan}  {came_to}  {:.2} s",
            begun.elapsed().as_secs_f64()
        ));
        sum.add(played?);
        Ok(())
    }

    fn fail(&self, ground: Ground, error: &anyhow::Error, first: u64, round: u64, from: u64) -> (u64, Option<Failure>) {
        if is_interruption(error) {
            eprintln!("interrupted in round {round}");
            return (round - from, None);
        }
        let message = format!("{error:#}");
        let kept = ground.hosts.keep();
        let (side, rounds) = (self.side.name(), round - first + 1);
        eprintln!(
            "error: round {round}: {message}\n  kept    {}\n  again   diode-bench crash {side} --from {first} --rounds {rounds} --together {}",
            kept.display(),
            self.args.together
        );
        (round - from + 1, Some(Failure { round, message }))
    }
}
