//! The receiver's end of a scenario: a new receiver for each run, which begins when its first datagram comes.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use protocol::digest::BundleId;
use protocol::time::UnixMillis;

use super::scenario::Scenario;
use crate::drive::{Receiver, Serving, Tail, Usage};
use crate::lossy::Dropped;
use crate::measure::{Better, Figure, Kind, Record, Unit};
use crate::trial::{Lost, Outfit, Reserve, Spool, Timing, places, wait_for_admission};

/// What was seen of one run that arrived.
#[derive(Debug)]
struct Run {
    timing: Timing,
    lost: Lost,
    usage: Usage,
}

/// Receives by the scenario's timetable.
pub(super) fn measure(scenario: &Scenario, dir: Option<&Path>) -> anyhow::Result<Record> {
    let outfit = Outfit::of_seed(dir, scenario.seed)?;
    let spool = Spool::at(&scenario.spool, scenario.bytes())?;
    let _reserve = Reserve::of(scenario.bytes(), &spool)?;
    let mut runs = Vec::new();
    let mut lost_runs = 0_u32;
    for number in 1..=scenario.runs {
        let folder = Outfit::receiver_folder(spool.path())?;
        let receiver = outfit.receiver(&folder.path().join("rx"), None)?;
        receiver.set("listen", &format!("\"{}\"", scenario.listen))?;
        let serving = receiver.serve_behind(scenario.losses())?;
        let tail = receiver.tail()?;
        eprintln!("run {number} of {}: listens at {}", scenario.runs, serving.address);
        match receive(scenario, &receiver, serving, tail)? {
            Ok(run) => {
                let goodput = goodput(scenario, &run) / 1e9;
                eprintln!("arrived, {goodput:.3} Gbit/s of content");
                runs.push(run);
            }
            Err(why) => {
                eprintln!("lost, {why}");
                lost_runs += 1;
            }
        }
    }
    anyhow::ensure!(!runs.is_empty(), "no run arrived whole");
    let figures = figures(scenario, &runs, lost_runs);
    Ok(Record::new(Kind::Pair, scenario.options(), figures))
}

/// Receives one run's bundles, waits until the link is silent, and ends the receiver.
fn receive(
    scenario: &Scenario,
    receiver: &Receiver,
    serving: Serving,
    mut tail: Tail,
) -> anyhow::Result<Result<Run, String>> {
    let meter = serving.running.meter()?;
    let bytes = scenario.bytes();
    let limit = scenario.start_after() + scenario.gap() + scenario.rate.time_for(bytes) * 4 + PATIENCE;
    let admitted = wait_for_all(scenario.bundles, &mut tail, limit)?;
    let usage = meter.stop();
    let status = receiver.status()?;
    let timing = match admitted {
        Ok(last) => Ok(Timing::of(&status, last, scenario.bundles)
            .context("diode-rx admitted every bundle and does not say when they were complete")?),
        Err(why) => Err(format!("{why}; {}", places(&status.lost))),
    };
    wait_for_silence(receiver)?;
    let finished = serving
        .running
        .end_within(PATIENCE + Duration::from_secs(bytes >> 23))?
        .done()?;
    let dropped = Dropped::in_words(&finished.stderr).context("the simulated link does not say what it lost")?;
    Ok(timing.map(|timing| Run {
        timing,
        lost: Lost::of(&status, dropped),
        usage,
    }))
}

/// The time of the last of so many admissions, or why one failed.
fn wait_for_all(bundles: u64, tail: &mut Tail, limit: Duration) -> anyhow::Result<Result<UnixMillis, String>> {
    let (mut seen, mut last) = (BTreeSet::<BundleId>::new(), UnixMillis(0));
    for _ in 0..bundles {
        match wait_for_admission(tail, limit, |id| !seen.contains(&id))? {
            Ok(entry) => {
                last = last.max(entry.event.time);
                seen.extend(entry.event.bundle);
            }
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(last))
}

/// Waits until no datagram came for a while: what is left of this run must not be taken for the next one's beginning.
fn wait_for_silence(receiver: &Receiver) -> anyhow::Result<()> {
    let came = || -> anyhow::Result<u64> {
        let status = receiver.status()?;
        Ok(status.sockets.iter().map(|socket| socket.datagrams).sum())
    };
    let (mut before, mut since) = (came()?, Instant::now());
    while since.elapsed() < SILENCE {
        thread::sleep(LOOK);
        let now = came()?;
        if now != before {
            (before, since) = (now, Instant::now());
        }
    }
    Ok(())
}

/// How long a link is silent when a run is over.
const SILENCE: Duration = Duration::from_secs(1);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// For what does not depend on the amount.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bits of content a second, from the first datagram to the last leaf verified and written.
fn goodput(scenario: &Scenario, run: &Run) -> f64 {
    scenario.bytes() as f64 * 8.0 / run.timing.complete.as_secs_f64().max(1e-6)
}

fn figures(scenario: &Scenario, runs: &[Run], lost_runs: u32) -> Vec<Figure> {
    let of = |name: &str, unit, better, value: &dyn Fn(&Run) -> f64| {
        Figure::new(name, unit, better, runs.iter().map(value).collect())
    };
    let bytes = scenario.bytes().max(1) as f64;
    let lost = |place: &str, value: fn(&Lost) -> u64| {
        of(&format!("lost to the {place}"), Unit::Count, Better::Neither, &|run| {
            value(&run.lost) as f64
        })
    };
    let figures = [
        of("goodput", Unit::BitsPerSecond, Better::More, &|run| {
            goodput(scenario, run)
        }),
        of("first datagram to complete", Unit::Seconds, Better::Less, &|run| {
            run.timing.complete.as_secs_f64()
        }),
        of("first datagram to admitted", Unit::Seconds, Better::Less, &|run| {
            run.timing.admitted.as_secs_f64()
        }),
        of("rx CPU", Unit::NanosPerByte, Better::Less, &|run| {
            run.usage.cpu_total().as_nanos() as f64 / bytes
        }),
        of("rx memory, own", Unit::Bytes, Better::Less, &|run| {
            run.usage.peak_own as f64
        }),
        lost("simulated link", |lost| lost.simulated),
        lost("link besides", |lost| lost.link),
        lost("socket", |lost| lost.socket),
        lost("queue", |lost| lost.queue),
        Figure::new("runs lost", Unit::Count, Better::Less, vec![f64::from(lost_runs)]),
    ];
    figures.into_iter().flatten().collect()
}
