//! The `bursts` verb: whether a bundle survives the losses in a row that its transmitter was told of, wherever they begin.
//!
//! ```text
//! datagrams of a transmission, warm-up first, from 0:   ├────────────────────────────────────────────┤
//! 20 places, each a run of its own:                     ▲ ▲  ▲   ▲   ▲   ▲   ▲  … ▲   ▲   ▲   ▲  ▲ ▲ ▲
//! ```
//!
//! Each run goes over loopback through the pair's own programs; the simulated link in the receiver loses the burst and nothing else.
//! Exit codes: 0 all survived, 1 one was lost or something failed, 2 usage.

mod places;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use hw::units::{Percent, Rate};

use crate::drive::{Inspected, Packed, Sending};
use crate::input::Input;
use crate::lossy::{Burst, Losses};
use crate::measure::{Better, DeliverArgs, Delivery, Figure, Kind, Options, Record, Unit};
use crate::size::Size;
use crate::trial::{Outfit, Trial, file_system};
use places::{WARM_UP, places};

/// Lose many datagrams in a row, at many places, and see whether bundles survive
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  diode-bench bursts\n  diode-bench bursts --burst 500 --size 64MiB --size 20KiB --places 20"
)]
pub(crate) struct BurstsArgs {
    /// Datagrams lost in a row, and the number that the transmitter is told to provide for
    #[arg(long, value_name = "COUNT", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    burst: u32,
    /// One file of so many bytes in a bundle; each size is a bundle of its own
    #[arg(long = "size", value_name = "SIZE", default_values = ["64MiB", "20KiB"])]
    sizes: Vec<Size>,
    /// Places at which the losses begin, a run each: start, head and last group among them
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    places: u32,
    /// Losses at random that the transmitter is told to provide for besides
    #[arg(long, value_name = "SHARE", default_value = "0.01%")]
    fec_loss: Percent,
    /// Blocks whose datagrams are interleaved
    #[arg(long, value_name = "COUNT", default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..))]
    depth: u16,
    /// Bits a second on the wire
    #[arg(long, value_name = "RATE", default_value = "1G")]
    rate: Rate,
    /// The receivers' folders are made below this one
    #[arg(long, value_name = "DIR", default_value = "/dev/shm")]
    spool: PathBuf,
    /// Keys and bundles are made below this one [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What files are drawn from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    deliver: DeliverArgs,
}

/// Runs the verb to its end.
pub(crate) fn run(args: &BurstsArgs) -> ExitCode {
    let delivery = match Delivery::prepare(&args.deliver) {
        Ok(delivery) => delivery,
        Err(error) => return fail(&error, 2),
    };
    let delivered = measure(args).and_then(|bundles| {
        let lost: usize = bundles.iter().map(|bundle| bundle.lost.len()).sum();
        delivery.deliver(&record(args, &bundles))?;
        Ok(lost)
    });
    match delivered {
        Ok(0) => ExitCode::SUCCESS,
        Ok(lost) => fail(&anyhow::anyhow!("{lost} bundles did not survive"), 1),
        Err(error) => fail(&error, 1),
    }
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(code)
}

/// What became of one bundle.
#[derive(Debug)]
struct Tried {
    size: Size,
    plan: Inspected,
    /// Datagrams that were sent beyond those needed, over those needed, for each run that arrived.
    overheads: Vec<f64>,
    /// Datagrams that the burst took, for each of them.
    taken: Vec<f64>,
    /// Places of the runs that did not.
    lost: Vec<u64>,
}

fn measure(args: &BurstsArgs) -> anyhow::Result<Vec<Tried>> {
    let outfit = Outfit::make(args.dir.as_deref())?;
    args.sizes.iter().map(|size| try_bundle(&outfit, args, *size)).collect()
}

fn try_bundle(outfit: &Outfit, args: &BurstsArgs, size: Size) -> anyhow::Result<Tried> {
    let input = Input {
        files: 1,
        file_len: size.bytes(),
    };
    let bundles = outfit.pack(input, 1, args.seed)?;
    let bundle = bundles.first().context("no bundle was packed")?;
    let sending = sending(args);
    let plan = outfit.transmitter.inspect(&bundle.file, &sending)?;
    let mut tried = Tried {
        size,
        overheads: Vec::new(),
        taken: Vec::new(),
        lost: Vec::new(),
        plan,
    };
    for at in places(&tried.plan, args.burst, args.places) {
        try_place(outfit, args, bundle, &sending, at, &mut tried)?;
    }
    Ok(tried)
}

fn try_place(
    outfit: &Outfit,
    args: &BurstsArgs,
    bundle: &Packed,
    sending: &Sending,
    at: u64,
    tried: &mut Tried,
) -> anyhow::Result<()> {
    let len = u64::from(args.burst);
    let trial = Trial {
        bundles: std::slice::from_ref(bundle),
        sending,
        rate: args.rate,
        losses: Losses {
            share: Percent::ZERO,
            seed: args.seed,
            burst: Some(Burst { at, len }),
        },
        spool: &args.spool,
        memory: None,
    };
    match trial.run(outfit)? {
        Ok(observed) => {
            let needed = tried.plan.needed().max(1) as f64;
            // The warm-up is no part of the bundle's transmission.
            let sent = observed.datagrams.saturating_sub(WARM_UP) as f64;
            tried.overheads.push(sent / needed - 1.0);
            tried.taken.push(observed.lost.simulated as f64);
            eprintln!("{}, from datagram {at} on: survived", tried.size);
        }
        Err(why) => {
            tried.lost.push(at);
            eprintln!("{}, from datagram {at} on: LOST, {why}", tried.size);
        }
    }
    Ok(())
}

fn sending(args: &BurstsArgs) -> Sending {
    let nowhere = (Ipv4Addr::LOCALHOST, 0).into();
    Sending {
        burst: args.burst,
        depth: Some(args.depth),
        ..Sending::new(nowhere, &args.rate.to_string(), &args.fec_loss.to_string())
    }
}

fn record(args: &BurstsArgs, bundles: &[Tried]) -> Record {
    let mut figures = Vec::new();
    for tried in bundles {
        let size = tried.size;
        let one = |name: &str, value: usize| {
            Figure::new(format!("{size}: {name}"), Unit::Count, Better::More, vec![value as f64])
        };
        figures.extend([
            one("survived", tried.overheads.len()),
            one("of", tried.overheads.len() + tried.lost.len()),
            Figure::new(
                format!("{size}: datagrams lost"),
                Unit::Count,
                Better::Neither,
                tried.taken.clone(),
            ),
            Figure::new(
                format!("{size}: datagrams sent / needed - 1"),
                Unit::Share,
                Better::Less,
                tried.overheads.clone(),
            ),
        ]);
    }
    Record::new(
        Kind::Bursts,
        options(args, bundles),
        figures.into_iter().flatten().collect(),
    )
}

fn options(args: &BurstsArgs, bundles: &[Tried]) -> Options {
    let each = |value: &dyn Fn(&Tried) -> String| bundles.iter().map(value).collect::<Vec<_>>().join(" and ");
    // The same for all bundles whose blocks are full.
    let codes: BTreeSet<_> = bundles
        .iter()
        .map(|tried| (tried.plan.content.k, tried.plan.content.repair))
        .collect();
    let codes: Vec<_> = codes.into_iter().map(|(k, repair)| format!("{k}+{repair}")).collect();
    Options::from([
        ("burst".to_owned(), args.burst.to_string()),
        ("sizes".to_owned(), each(&|tried| tried.size.to_string())),
        ("places".to_owned(), args.places.to_string()),
        ("fec-loss".to_owned(), args.fec_loss.to_string()),
        ("depth".to_owned(), args.depth.to_string()),
        ("K+R".to_owned(), codes.join(" and ")),
        ("rate".to_owned(), args.rate.to_string()),
        (
            "spool".to_owned(),
            format!("{} ({})", args.spool.display(), file_system(&args.spool)),
        ),
        ("seed".to_owned(), args.seed.to_string()),
    ])
}
