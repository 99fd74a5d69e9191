//! The `raw` verb: what two sockets and the kernel between them can do, which no transfer over them can exceed.
//!
//! Two threads, each on a core of its own, 64 datagrams a system call, the same bytes each time, nothing copied but by the kernel, and what
//! arrives is discarded.

mod cores;
mod socket;
mod stream;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

pub(crate) use socket::Mode;
pub(crate) use stream::{RawRun, run as run_once};

use crate::measure::{Better, DeliverArgs, Delivery, Figure, Kind, Options, Record, Unit};
use crate::relay::cli::parse_seconds;
use crate::signals;

/// Measure what two UDP sockets on this machine can do
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  diode-bench raw --payload 1440 --runs 5 --out raw.json --plot raw.svg")]
pub(crate) struct RawArgs {
    /// Bytes of a datagram, without IP and UDP headers
    #[arg(long, value_name = "BYTES", default_value_t = 1440, value_parser = clap::value_parser!(u16).range(1..=65_507))]
    payload: u16,
    /// How long a run sends
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = parse_seconds)]
    seconds: Duration,
    /// Runs of each mode
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// How datagrams pass through the kernel [default: every way, in turn]
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    #[command(flatten)]
    deliver: DeliverArgs,
}

/// Runs the verb to its end.
pub(crate) fn run(args: &RawArgs) -> ExitCode {
    let delivery = match Delivery::prepare(&args.deliver) {
        Ok(delivery) => delivery,
        Err(error) => return fail(&error, 2),
    };
    match measure(args).and_then(|record| delivery.deliver(&record)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(code)
}

fn measure(args: &RawArgs) -> anyhow::Result<Record> {
    let stop = signals::listen();
    let modes = args.mode.as_ref().map_or(Mode::ALL, std::slice::from_ref);
    let mut results: Vec<(Mode, Vec<RawRun>)> = modes.iter().map(|mode| (*mode, Vec::new())).collect();
    // In turn, so that what else the machine does meanwhile falls on all modes alike.
    for _ in 0..args.runs {
        for (mode, runs) in &mut results {
            runs.push(run_once(*mode, args.payload, args.seconds, &stop)?);
        }
    }
    let figures = results.iter().flat_map(|(mode, runs)| figures(*mode, runs)).collect();
    Ok(Record::new(Kind::Raw, options(args, modes), figures))
}

fn options(args: &RawArgs, modes: &[Mode]) -> Options {
    let modes: Vec<_> = modes.iter().map(|mode| mode.name()).collect();
    Options::from([
        ("payload".to_owned(), args.payload.to_string()),
        ("seconds".to_owned(), args.seconds.as_secs_f64().to_string()),
        ("runs".to_owned(), args.runs.to_string()),
        ("mode".to_owned(), modes.join(" and ")),
    ])
}

/// The figures of some runs, what is received first.
pub(crate) fn figures(mode: Mode, runs: &[RawRun]) -> Vec<Figure> {
    let figure = |name: &str, unit, better, value: fn(&RawRun) -> f64| {
        let name = format!("{} {name}", mode.name());
        Figure::new(name, unit, better, runs.iter().map(value).collect())
    };
    let figures = [
        figure("received", Unit::BitsPerSecond, Better::More, |run| run.bits_per_second),
        figure("lost", Unit::Share, Better::Neither, |run| run.lost),
        figure("send, CPU", Unit::NanosPerByte, Better::Less, |run| run.send_nanos),
        figure("receive, CPU", Unit::NanosPerByte, Better::Less, |run| {
            run.receive_nanos
        }),
        figure("receive buffer granted", Unit::Bytes, Better::Neither, |run| {
            run.buffer as f64
        }),
    ];
    figures.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_the_value_of_every_run() {
        let run = |bits_per_second| RawRun {
            bits_per_second,
            lost: 0.0,
            send_nanos: 1.0,
            receive_nanos: 2.0,
            buffer: 3,
        };
        let figures = figures(Mode::Plain, &[run(1e9), run(3e9)]);
        assert_eq!(figures[0].name(), "plain received");
        assert_eq!(figures[0].values(), [1e9, 3e9]);
    }
}
