//! The `fec` verb: how fast blocks are encoded and decoded, by each kernel of this processor, beside the `raptorq` crate.
//!
//! One thread, one block at a time, as a worker of transmitter or receiver has it: buffers are used again, and nothing but the coding is
//! timed. Rates are of the block's own bytes. All ways of coding take turns, so that what else the machine does falls on each.

mod block;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use hw::units::Percent;
use protocol::fec::{Kernel, Method};
use protocol::limits::{MAX_K, MAX_R, MAX_SYMBOL_LEN, MIN_SYMBOL_LEN};

use crate::measure::{Better, DeliverArgs, Delivery, Figure, Kind, Options, Record, Unit};
use crate::relay::cli::parse_seconds;
use block::Sample;

/// Measure how fast blocks are encoded and decoded
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  diode-bench fec --k 187 --repair 20 --loss 5% --out fec.json --plot fec.svg")]
pub(crate) struct FecArgs {
    /// A kernel by its name, or `all` that this processor can run
    #[arg(long, value_name = "NAME", default_value = "all")]
    kernel: String,
    /// Source symbols of a block
    #[arg(long, value_name = "COUNT", default_value_t = 187, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_K)))]
    k: u32,
    /// Repair symbols that are made of it
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_R)))]
    repair: u32,
    /// Share of the source symbols that is lost, and decoded from repair symbols
    #[arg(long, value_name = "SHARE", default_value = "5%")]
    loss: Percent,
    /// Bytes of a symbol
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 1408,
        value_parser = clap::value_parser!(u16).range(i64::from(MIN_SYMBOL_LEN)..=i64::from(MAX_SYMBOL_LEN))
    )]
    symbol: u16,
    /// Runs of each
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// How long a run codes
    #[arg(long, value_name = "SECONDS", default_value = "0.2", value_parser = parse_seconds)]
    seconds: Duration,
    #[command(flatten)]
    deliver: DeliverArgs,
}

/// Runs the verb to its end.
pub(crate) fn run(args: &FecArgs) -> ExitCode {
    let prepared = Delivery::prepare(&args.deliver).and_then(|delivery| Ok((delivery, ways(&args.kernel)?)));
    let (delivery, ways) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return fail(&error, 2),
    };
    match measure(args, &ways).and_then(|record| delivery.deliver(&record)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(code)
}

/// One way of coding, and its name in figures.
#[derive(Debug, Clone, Copy)]
struct Way {
    name: &'static str,
    method: Method,
}

/// What the others are compared with.
const CRATE: Way = Way {
    name: "raptorq crate",
    method: Method::Library,
};

/// The kernels that were asked for, and the crate.
fn ways(kernel: &str) -> anyhow::Result<Vec<Way>> {
    let all = Kernel::all();
    let wanted: Vec<Kernel> = (all.iter().copied())
        .filter(|one| kernel == "all" || kernel == one.name())
        .collect();
    if wanted.is_empty() {
        let names: Vec<_> = all.iter().map(|one| one.name()).collect();
        anyhow::bail!(
            "--kernel {kernel} is none that this processor can run\n  mend    give all, or one of: {}",
            names.join(", ")
        );
    }
    let ways = wanted.into_iter().map(|kernel| Way {
        name: kernel.name(),
        method: Method::Kernel(kernel),
    });
    Ok(ways.chain([CRATE]).collect())
}

/// One way's rates, run by run.
#[derive(Debug, Default)]
struct Rates {
    encode: Vec<f64>,
    decode: Vec<f64>,
}

fn measure(args: &FecArgs, ways: &[Way]) -> anyhow::Result<Record> {
    let lost = lost(args.k, args.loss);
    let mut sample = Sample::new(args.k, args.symbol, args.repair, lost)?;
    let mut rates: Vec<(Way, Rates)> = ways.iter().map(|way| (*way, Rates::default())).collect();
    // What is worked out once for a length of block is worked out before.
    for way in ways {
        sample.encode(way.method, Duration::ZERO)?;
        sample.decode(way.method, Duration::ZERO).with_context(|| way.name)?;
    }
    for _ in 0..args.runs {
        for (way, rates) in &mut rates {
            rates.encode.push(sample.encode(way.method, args.seconds)?);
            rates.decode.push(sample.decode(way.method, args.seconds)?);
        }
    }
    Ok(Record::new(Kind::Fec, options(args, lost), figures(&rates)))
}

/// Source symbols that are lost of `k`: at least one, or there would be nothing to decode.
fn lost(k: u32, share: Percent) -> u32 {
    // A cast of a float saturates.
    ((f64::from(k) * share.fraction()).round() as u32).clamp(1, k)
}

fn options(args: &FecArgs, lost: u32) -> Options {
    Options::from([
        ("kernel".to_owned(), args.kernel.clone()),
        ("k".to_owned(), args.k.to_string()),
        ("repair".to_owned(), args.repair.to_string()),
        ("lost".to_owned(), lost.to_string()),
        ("symbol".to_owned(), args.symbol.to_string()),
        ("runs".to_owned(), args.runs.to_string()),
        ("seconds".to_owned(), args.seconds.as_secs_f64().to_string()),
    ])
}

/// Encoding or decoding, and its rates.
type Direction = (&'static str, fn(&Rates) -> &Vec<f64>);
const DIRECTIONS: [Direction; 2] = [("encode", |rates| &rates.encode), ("decode", |rates| &rates.decode)];

fn figures(rates: &[(Way, Rates)]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (direction, of) in DIRECTIONS {
        figures.extend(rates.iter().map(|(way, rates)| {
            let name = format!("{direction}, {}", way.name);
            Figure::new(name, Unit::BytesPerSecond, Better::More, of(rates).clone())
        }));
    }
    let the_crate = rates.iter().find(|(way, _)| way.name == CRATE.name);
    for (direction, of) in DIRECTIONS {
        let kernels = rates.iter().filter(|(way, _)| way.name != CRATE.name);
        figures.extend(kernels.filter_map(|(way, rates)| {
            let beside = of(&the_crate?.1);
            let ratios = of(rates).iter().zip(beside).map(|(one, other)| one / other);
            let name = format!("{direction}, {} / crate", way.name);
            Some(Figure::new(name, Unit::Ratio, Better::More, ratios.collect()))
        }));
    }
    figures.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_stands_beside_the_crate() {
        let names: Vec<_> = ways("all").unwrap().iter().map(|way| way.name).collect();
        assert_eq!(names.first(), Some(&"portable"));
        assert_eq!(names.last(), Some(&"raptorq crate"));
    }

    #[test]
    fn a_kernel_that_the_processor_has_not_is_refused_with_those_that_it_has() {
        let error = ways("abacus").unwrap_err().to_string();
        assert!(error.contains("abacus") && error.contains("portable"), "{error}");
    }

    #[test]
    fn a_loss_is_told_in_whole_symbols_and_never_none() {
        let percent = |text: &str| text.parse().unwrap();
        assert_eq!(lost(187, percent("5%")), 9);
        assert_eq!(lost(187, percent("0%")), 1);
        assert_eq!(lost(10, percent("100%")), 10);
    }

    #[test]
    fn figures_tell_rates_first_and_then_how_they_stand_to_the_crate() {
        let rates = |encode: f64| Rates {
            encode: vec![encode],
            decode: vec![1e9],
        };
        let figures = figures(&[(ways("portable").unwrap()[0], rates(3e9)), (CRATE, rates(1e9))]);
        let names: Vec<_> = figures.iter().map(Figure::name).collect();
        assert_eq!(names[..2], ["encode, portable", "encode, raptorq crate"]);
        assert_eq!((names[4], figures[4].median()), ("encode, portable / crate", 3.0));
        assert_eq!(figures.len(), 6);
    }
}
