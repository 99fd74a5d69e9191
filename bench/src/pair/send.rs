//! The transmitter's end of a scenario.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::scenario::Scenario;
use crate::drive::Usage;
use crate::measure::{Better, Figure, Kind, Record, Unit};
use crate::trial::{Outfit, Trial, achieved};

/// What was seen of one run.
#[derive(Debug)]
struct Run {
    rate: Option<f64>,
    datagrams: u64,
    elapsed: Duration,
    usage: Usage,
}

/// Sends by the scenario's timetable.
pub(super) fn measure(scenario: &Scenario, dir: Option<&Path>) -> anyhow::Result<Record> {
    let outfit = Outfit::of_seed(dir, scenario.seed)?;
    let bundles = outfit.pack(scenario.input(), scenario.bundles, scenario.seed)?;
    let sending = scenario.sending();
    let trial = Trial {
        bundles: &bundles,
        sending: &sending,
        rate: scenario.rate,
        losses: scenario.losses(),
        spool: &scenario.spool,
        memory: None,
    };
    let mut runs = Vec::new();
    let mut wait = scenario.start_after();
    for number in 1..=scenario.runs {
        Outfit::warm(&bundles)?;
        eprintln!("run {number} of {} in {} s", scenario.runs, wait.as_secs());
        pause(wait, outfit.stop())?;
        let begun = Instant::now();
        let (sent, usage) = trial.send(&outfit.transmitter, scenario.to)?;
        runs.push(Run {
            rate: achieved(&sent).map(|rate| rate.bits_per_second() as f64),
            datagrams: sent.iter().map(|sent| sent.datagrams).sum(),
            elapsed: begun.elapsed(),
            usage,
        });
        wait = scenario.gap();
    }
    Ok(Record::new(Kind::Pair, scenario.options(), figures(scenario, &runs)))
}

/// Waits, unless the operator interrupts.
fn pause(time: Duration, stop: &AtomicBool) -> anyhow::Result<()> {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        anyhow::ensure!(!stop.load(Ordering::Relaxed), "interrupted");
        thread::sleep(left.min(LOOK_UP));
    }
    Ok(())
}

/// How often the operator's word to stop is looked for.
const LOOK_UP: Duration = Duration::from_millis(50);

fn figures(scenario: &Scenario, runs: &[Run]) -> Vec<Figure> {
    let of = |name: &str, unit, better, value: &dyn Fn(&Run) -> f64| {
        Figure::new(name, unit, better, runs.iter().map(value).collect())
    };
    let rates: Option<Vec<f64>> = runs.iter().map(|run| run.rate).collect();
    let bytes = scenario.bytes().max(1) as f64;
    let figures = [
        rates.and_then(|rates| Figure::new("rate that tx came to", Unit::BitsPerSecond, Better::More, rates)),
        of("datagrams sent", Unit::Count, Better::Neither, &|run| {
            run.datagrams as f64
        }),
        of("start to end of diode-tx", Unit::Seconds, Better::Less, &|run| {
            run.elapsed.as_secs_f64()
        }),
        of("tx CPU", Unit::NanosPerByte, Better::Less, &|run| {
            run.usage.cpu_total().as_nanos() as f64 / bytes
        }),
        of("tx memory, own", Unit::Bytes, Better::Less, &|run| {
            run.usage.peak_own as f64
        }),
    ];
    figures.into_iter().flatten().collect()
}
