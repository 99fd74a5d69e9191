//! What the rounds found, as a record.

use std::collections::BTreeSet;
use std::time::Duration;

use hw::units::Rate;

use super::{Findings, LinkArgs, Round, Syncs};
use crate::drive::Usage;
use crate::measure::{Better, Figure, Kind, Options, Record, Unit};
use crate::trial::{Lost, Observed, file_system};

/// The record of a measurement.
pub(super) fn record(args: &LinkArgs, findings: &Findings) -> Record {
    Record::new(Kind::Link, options(args, findings), figures(findings))
}

fn options(args: &LinkArgs, findings: &Findings) -> Options {
    let Findings { plan, spool, .. } = findings;
    let input = args.input();
    let or_default = |value: Option<String>| value.unwrap_or_else(|| "default".to_owned());
    let place = |path: &std::path::Path| format!("{} ({})", path.display(), file_system(path));
    let mut pairs = vec![
        ("payload", args.payload.bytes().to_string()),
        ("loss", args.loss.to_string()),
        ("fec-loss", args.provided().to_string()),
        ("fec-burst", args.fec_burst.to_string()),
        (
            "residual",
            or_default(args.residual.map(|residual| residual.to_string())),
        ),
        ("depth", plan.depth.to_string()),
        ("K", plan.content.k.to_string()),
        ("R", plan.content.repair.to_string()),
        ("files", input.files.to_string()),
        ("file-size", input.file_len.to_string()),
        ("bundles", args.bundles.to_string()),
        ("rate", args.rate.to_string()),
        ("precision", args.precision.to_string()),
        ("runs", args.runs.to_string()),
        ("raw-seconds", args.raw_seconds.as_secs_f64().to_string()),
        ("rx-memory", or_default(args.rx_memory.map(|size| size.to_string()))),
        ("spool", spool.clone()),
        ("seed", args.seed.to_string()),
    ];
    if let Some(disk) = &args.disk {
        pairs.extend([("disk", place(disk)), ("disk-runs", args.disk_runs.to_string())]);
    }
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// All figures, the goodput first and then the others of its unit.
fn figures(findings: &Findings) -> Vec<Figure> {
    let rounds = &findings.rounds.runs;
    let runs: Vec<&Observed> = rounds.iter().map(|round| &round.link).collect();
    let mut figures = rates(findings.rounds.rate, rounds);
    figures.extend(times(&runs));
    if let Some((rate, runs)) = &findings.disk {
        figures.extend(disk(*rate, runs));
    }
    if let Some(counted) = &findings.syncs {
        figures.extend(syncs(counted, &runs));
    }
    for (side, usage) in SIDES {
        figures.extend(cpu(side, usage, &runs));
        figures.extend([
            of(
                &runs,
                &format!("{side} memory, peak"),
                Unit::Bytes,
                Better::Less,
                &|run| usage(run).peak_resident as f64,
            ),
            of(
                &runs,
                &format!("{side} memory, own"),
                Unit::Bytes,
                Better::Less,
                &|run| usage(run).peak_own as f64,
            ),
        ]);
    }
    figures.extend(lost(&runs));
    figures.extend([
        of(&runs, "receive buffer granted", Unit::Bytes, Better::Neither, &|run| {
            run.buffer as f64
        }),
        one(
            "rates refused",
            Unit::Count,
            Better::Neither,
            findings.rounds.refused.len() as f64,
        ),
    ]);
    figures.into_iter().flatten().collect()
}

/// A figure with its value in each run.
fn of(runs: &[&Observed], name: &str, unit: Unit, better: Better, value: &dyn Fn(&Observed) -> f64) -> Option<Figure> {
    Figure::new(name, unit, better, runs.iter().map(|run| value(run)).collect())
}

/// A figure that there is once.
fn one(name: &str, unit: Unit, better: Better, value: f64) -> Option<Figure> {
    Figure::new(name, unit, better, vec![value])
}

fn bits(rate: Rate) -> f64 {
    rate.bits_per_second() as f64
}

/// Bits a second, and how they stand to the sockets alone.
fn rates(rate: Rate, rounds: &[Round]) -> Vec<Option<Figure>> {
    let runs: Vec<&Observed> = rounds.iter().map(|round| &round.link).collect();
    let values = |value: fn(&Round) -> f64| rounds.iter().map(value).collect::<Vec<_>>();
    let mut figures = vec![
        of(&runs, "goodput", Unit::BitsPerSecond, Better::More, &Observed::goodput),
        Figure::new(
            "raw, plain",
            Unit::BitsPerSecond,
            Better::Neither,
            values(|round| round.raw.bits_per_second),
        ),
        one("paced rate on the wire", Unit::BitsPerSecond, Better::More, bits(rate)),
    ];
    let came_to: Option<Vec<f64>> = runs.iter().map(|run| run.rate.map(bits)).collect();
    figures
        .push(came_to.and_then(|rates| Figure::new("rate that tx came to", Unit::BitsPerSecond, Better::More, rates)));
    let ratio = values(|round| round.link.goodput() / round.raw.bits_per_second);
    figures.push(Figure::new("goodput / raw, plain", Unit::Ratio, Better::More, ratio));
    figures
}

/// How long it took, and how many bundles that is a second if there are several.
fn times(runs: &[&Observed]) -> Vec<Option<Figure>> {
    let mut figures = vec![
        of(
            runs,
            "first datagram to complete",
            Unit::Seconds,
            Better::Less,
            &|run| run.timing.complete.as_secs_f64(),
        ),
        of(
            runs,
            "first datagram to admitted",
            Unit::Seconds,
            Better::Less,
            &|run| run.timing.admitted.as_secs_f64(),
        ),
    ];
    if runs.iter().any(|run| run.bundles > 1) {
        figures.push(of(
            runs,
            "bundles to admitted",
            Unit::PerSecond,
            Better::More,
            &Observed::bundles_a_second,
        ));
    }
    figures
}

/// What was measured with the receiver's folder on a disk.
fn disk(rate: Rate, runs: &[Observed]) -> Vec<Option<Figure>> {
    let runs: Vec<&Observed> = runs.iter().collect();
    let mut figures = vec![
        of(
            &runs,
            "disk: goodput to admitted",
            Unit::BitsPerSecond,
            Better::More,
            &Observed::goodput_admitted,
        ),
        one(
            "disk: paced rate on the wire",
            Unit::BitsPerSecond,
            Better::More,
            bits(rate),
        ),
    ];
    figures.extend(
        times(&runs)
            .into_iter()
            .flatten()
            .map(|figure| figure.renamed("disk: "))
            .map(Some),
    );
    figures.push(of(
        &runs,
        "disk: complete to admitted, of all",
        Unit::Share,
        Better::Less,
        &Observed::share_of_sync,
    ));
    figures
}

/// Calls that wait for the disk, by side, and how many bundles share one.
fn syncs(counted: &Syncs, runs: &[&Observed]) -> Vec<Option<Figure>> {
    let bundles = runs.first().map_or(0, |run| run.bundles) as f64;
    let mut figures = vec![one(
        "paced rate, syncs counted",
        Unit::BitsPerSecond,
        Better::Neither,
        bits(counted.rate),
    )];
    for (side, calls) in [("tx", counted.tx as f64), ("rx", counted.rx as f64)] {
        figures.extend([
            one(&format!("{side} sync calls"), Unit::Count, Better::Less, calls),
            one(
                &format!("{side} bundles a sync call"),
                Unit::Ratio,
                Better::More,
                bundles / calls,
            ),
        ]);
    }
    figures
}

/// Either side's name, and what it used.
type Side = (&'static str, fn(&Observed) -> &Usage);
const SIDES: [Side; 2] = [("tx", |run| &run.tx), ("rx", |run| &run.rx)];

/// A thread that works after the measured time, on what has arrived.
const AFTERWARDS: &str = "scan";

/// A side's time on a core in nanoseconds a byte of content: all that serves the link, then each stage.
fn cpu(side: &str, usage: fn(&Observed) -> &Usage, runs: &[&Observed]) -> Vec<Option<Figure>> {
    let stages: BTreeSet<&String> = runs.iter().flat_map(|run| usage(run).cpu.keys()).collect();
    let nanos = |run: &Observed, wanted: &dyn Fn(&str) -> bool| {
        let used = usage(run).cpu.iter().filter(|(name, _)| wanted(name));
        let time: Duration = used.map(|(_, time)| *time).sum();
        time.as_nanos() as f64 / run.bytes.max(1) as f64
    };
    let figure = |name: &str, wanted: &dyn Fn(&str) -> bool| {
        of(runs, name, Unit::NanosPerByte, Better::Less, &|run| nanos(run, wanted))
    };
    let mut figures = vec![figure(&format!("{side} CPU"), &|name| name != AFTERWARDS)];
    for stage in stages.into_iter().filter(|stage| *stage != AFTERWARDS) {
        figures.push(figure(&format!("{side} CPU, {stage}"), &|name| name == stage));
    }
    figures
}

/// Datagrams lost by place.
fn lost(runs: &[&Observed]) -> Vec<Option<Figure>> {
    let figure = |place: &str, count: fn(&Lost) -> u64| {
        let name = format!("lost to the {place}");
        of(runs, &name, Unit::Count, Better::Neither, &|run| {
            count(&run.lost) as f64
        })
    };
    vec![
        figure("simulated link", |lost| lost.simulated),
        figure("link besides", |lost| lost.link),
        figure("socket", |lost| lost.socket),
        figure("queue", |lost| lost.queue),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::search::Found;
    use super::*;
    use crate::drive::{Inspected, Part};
    use crate::raw::RawRun;
    use crate::trial::Timing;

    /// A run of so many bundles that took so many seconds.
    fn observed(seconds: u64, bundles: u64) -> Observed {
        let usage = |cpu: &[(&str, u64)]| Usage {
            cpu: cpu
                .iter()
                .map(|(name, millis)| ((*name).to_owned(), Duration::from_millis(*millis)))
                .collect::<BTreeMap<_, _>>(),
            peak_resident: 10 << 20,
            peak_own: 9 << 20,
        };
        Observed {
            bytes: 1_000_000_000,
            bundles,
            timing: Timing {
                complete: Duration::from_secs(seconds),
                admitted: Duration::from_secs(seconds + 1),
            },
            rate: "5G".parse().ok(),
            datagrams: 1,
            lost: Lost {
                simulated: 9,
                link: 0,
                socket: 3,
                queue: 1,
            },
            buffer: 1,
            tx: usage(&[("main", 500)]),
            rx: usage(&[("socket", 300), ("worker", 200), ("scan", 7_000)]),
        }
    }

    fn findings(bundles: u64, disk: bool, syncs: Option<[u64; 2]>) -> Findings {
        let raw = RawRun {
            bits_per_second: 4e9,
            lost: 0.0,
            send_nanos: 1.0,
            receive_nanos: 1.0,
            buffer: 1,
        };
        let part = Part {
            blocks: 1,
            k: 187,
            repair: 9,
        };
        Findings {
            spool: "/dev/shm (tmpfs)".to_owned(),
            plan: Inspected {
                depth: 16,
                head: part,
                content: part,
                datagrams: 1,
                repair_ppm: 1,
            },
            rounds: Found {
                rate: "5G".parse().unwrap(),
                runs: vec![Round {
                    raw,
                    link: observed(4, bundles),
                }],
                refused: vec!["6G".parse().unwrap()],
            },
            disk: disk.then(|| ("4G".parse().unwrap(), vec![observed(7, bundles)])),
            syncs: syncs.map(|[tx, rx]| Syncs {
                rate: "1G".parse().unwrap(),
                tx,
                rx,
            }),
        }
    }

    fn medians(findings: &Findings) -> BTreeMap<String, f64> {
        let figures = figures(findings);
        assert_eq!(figures[0].name(), "goodput");
        figures
            .iter()
            .map(|figure| (figure.name().to_owned(), figure.median()))
            .collect()
    }

    #[test]
    fn goodput_is_content_over_the_time_to_complete_and_stands_beside_raw() {
        let medians = medians(&findings(1, false, None));
        assert_eq!((medians["goodput"], medians["goodput / raw, plain"]), (2e9, 0.5));
    }

    #[test]
    fn time_on_a_core_is_told_by_side_and_stage_without_the_scan_after() {
        let medians = medians(&findings(1, false, None));
        assert_eq!((medians["tx CPU"], medians["rx CPU"]), (0.5, 0.5));
        assert_eq!((medians["rx CPU, socket"], medians["rx CPU, worker"]), (0.3, 0.2));
        assert!(!medians.contains_key("rx CPU, scan"));
    }

    #[test]
    fn on_a_disk_the_time_runs_to_the_admission_and_the_share_after_the_last_leaf_is_told() {
        let medians = medians(&findings(1, true, None));
        assert_eq!(medians["disk: goodput to admitted"], 1e9);
        assert_eq!(medians["disk: complete to admitted, of all"], 0.125);
        assert!(!medians.contains_key("bundles to admitted"));
    }

    #[test]
    fn several_bundles_are_told_as_so_many_a_second_and_so_many_a_sync_call() {
        let medians = medians(&findings(100, true, Some([10, 50])));
        assert_eq!(
            (medians["bundles to admitted"], medians["disk: bundles to admitted"]),
            (20.0, 12.5)
        );
        assert_eq!(
            (medians["tx bundles a sync call"], medians["rx bundles a sync call"]),
            (10.0, 2.0)
        );
    }

    #[test]
    fn a_side_that_never_waits_for_the_disk_has_no_bundles_a_call() {
        let medians = medians(&findings(1, false, Some([0, 5])));
        assert!(!medians.contains_key("tx bundles a sync call") && medians.contains_key("tx sync calls"));
    }
}
