//! The `link` verb: how fast transmitter and receiver are on this machine, beside what two bare sockets are.
//!
//! ```text
//! search ─▶ a trial at a rate, another, … ─▶ the highest that arrives
//! rounds ─▶ raw, trial; raw, trial; … at that rate, with the spool on --spool ─┐
//! disk ───▶ trial, trial, … with the spool on --disk ──────────────────────────┴─▶ Record
//! ```
//!
//! Always true:
//! - a rate counts only if every bundle of every run arrived, byte for byte;
//! - raw runs and link runs take turns, so that what else the machine does falls on both;
//! - the transmitter is a little nicer than the receiver, with whom it shares the processor: on hosts of their own neither waits for the other.

mod report;
mod search;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use hw::units::{Percent, Rate};

use crate::drive::{Inspected, Packed, Sending, has_strace};
use crate::input::Input;
use crate::lossy::Losses;
use crate::measure::{DeliverArgs, Delivery, Record};
use crate::raw::{self, Mode, RawRun};
use crate::relay::cli::parse_seconds;
use crate::size::Size;
use crate::transfer::provided;
use crate::trial::{Arrival, Observed, Outfit, Pages, Reserve, Spool, Trial, count_syncs};
use search::{Found, Plan, Tried, confirmed, search};

/// Measure transmitter and receiver on this machine, and the sockets between them
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  diode-bench link --size 2GiB --out link.json --plot link.svg\n  diode-bench link --files 10000 --file-size 10KiB --loss 1% --rate 2G\n  diode-bench link --bundles 1000 --file-size 10KiB --disk /var/tmp --count-syncs"
)]
pub(crate) struct LinkArgs {
    /// Bytes of a datagram: of MTU 1500, or of MTU 9000
    #[arg(long, value_enum, default_value_t = Payload::Standard)]
    payload: Payload,
    /// Share of datagrams lost on the way, each by itself
    #[arg(long, value_name = "SHARE", default_value_t = Percent::ZERO)]
    loss: Percent,
    /// One file of so many bytes in a bundle: 100MiB, 2GiB
    #[arg(
        long,
        value_name = "SIZE",
        required_unless_present_any = ["files", "bundles"],
        conflicts_with = "files"
    )]
    size: Option<Size>,
    /// So many files in a bundle
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    files: Option<u64>,
    /// Bytes of each of them
    #[arg(long, value_name = "SIZE", default_value = "10KiB")]
    file_size: Size,
    /// Bundles that one transmitter sends in a run
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    bundles: u64,
    /// Bits a second on the wire, or `auto` for the highest at which every run arrives
    #[arg(long, value_name = "RATE", default_value_t = Pace::Auto)]
    rate: Pace,
    /// The rate at which `auto` begins
    #[arg(long, value_name = "RATE", default_value = "1G")]
    rate_from: Rate,
    /// How close to the highest `auto` comes
    #[arg(long, value_name = "SHARE", default_value = "3%")]
    precision: Percent,
    /// Runs at that rate
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// How long each raw run sends
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = parse_seconds)]
    raw_seconds: Duration,
    /// Losses at random that the transmitter is told to provide for [default: a quarter more than --loss, and 1%]
    #[arg(long, value_name = "SHARE")]
    fec_loss: Option<Percent>,
    /// Losses in a row that it is told to provide for
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    fec_burst: u32,
    /// Blocks whose datagrams are interleaved [default: diode-tx's]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    depth: Option<u16>,
    /// Probability that a block stays lost at such losses [default: diode-tx's]
    #[arg(long, value_name = "P")]
    residual: Option<f64>,
    /// The receiver's folder is made below this one [default: on a tmpfs of its own if run by root, with large pages if nothing is to be lost; else /dev/shm]
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// Measure also with the receiver's folder below this one, on a disk, to the durable record
    #[arg(long, value_name = "DIR")]
    disk: Option<PathBuf>,
    /// Runs there
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    disk_runs: u32,
    /// Run once more under strace, and count how often either side waits for the disk
    #[arg(long)]
    count_syncs: bool,
    /// Keys and bundles are made below this one [default: with the receiver's folder, so that they stay in memory]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The receiver's limit for memory [default: diode-rx's]
    #[arg(long, value_name = "SIZE")]
    rx_memory: Option<Size>,
    /// What files and losses are drawn from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    deliver: DeliverArgs,
}

impl LinkArgs {
    /// What is in each bundle.
    fn input(&self) -> Input {
        match (self.size, self.files) {
            (Some(size), _) => Input {
                files: 1,
                file_len: size.bytes(),
            },
            (None, files) => Input {
                files: files.unwrap_or(1),
                file_len: self.file_size.bytes(),
            },
        }
    }

    /// Bytes of all bundles, and something for their heads.
    fn will_arrive(&self) -> u64 {
        let content = self.input().bytes().saturating_mul(self.bundles);
        content.saturating_add(content / 64)
    }

    /// What the simulated link loses.
    fn losses(&self) -> Losses {
        Losses {
            share: self.loss,
            seed: self.seed,
            burst: None,
        }
    }

    /// What the transmitter is told to provide for.
    fn provided(&self) -> Percent {
        self.fec_loss.unwrap_or_else(|| provided(self.loss))
    }

    /// How the transmitter is to send; where to and how fast is each trial's to say.
    fn sending(&self) -> Sending {
        let nowhere = (Ipv4Addr::LOCALHOST, 0).into();
        Sending {
            mtu: self.payload.mtu(),
            burst: self.fec_burst,
            depth: self.depth,
            residual: self.residual,
            ..Sending::new(nowhere, &self.rate_from.to_string(), &self.provided().to_string())
        }
    }
}

/// Bytes of a datagram, by the MTU that it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Payload {
    /// Fills packets of 1,500 bytes
    #[value(name = "1440")]
    Standard,
    /// Fills packets of 9,000 bytes
    #[value(name = "8928")]
    Jumbo,
}

impl Payload {
    fn bytes(self) -> u16 {
        match self {
            Self::Standard => 1440,
            Self::Jumbo => 8928,
        }
    }

    fn mtu(self) -> u16 {
        match self {
            Self::Standard => 1500,
            Self::Jumbo => 9000,
        }
    }
}

/// A rate, or the search for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Auto,
    At(Rate),
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => text.parse().map(Self::At).map_err(|error| format!("{error}, or auto")),
        }
    }
}

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::At(rate) => rate.fmt(f),
        }
    }
}

/// Runs the verb to its end.
pub(crate) fn run(args: &LinkArgs) -> ExitCode {
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

/// A raw run, and a link run after it.
#[derive(Debug)]
struct Round {
    raw: RawRun,
    link: Observed,
}

/// All that was found.
#[derive(Debug)]
struct Findings {
    /// Where the spool was.
    spool: String,
    /// What the transmitter makes of what it was told of the link.
    plan: Inspected,
    /// With the spool where `--spool` says.
    rounds: Found<Round>,
    /// With the spool on a disk, and at which rate.
    disk: Option<(Rate, Vec<Observed>)>,
    /// How often either side waited for the disk.
    syncs: Option<Syncs>,
}

/// Calls that wait for the disk, for all bundles, and the rate at which they were counted.
#[derive(Debug)]
struct Syncs {
    rate: Rate,
    tx: u64,
    rx: u64,
}

/// What all trials share.
struct Bench<'a> {
    args: &'a LinkArgs,
    outfit: Outfit,
    bundles: Vec<Packed>,
    sending: Sending,
    /// In the spool, and so dropped before it.
    _reserve: Reserve,
    spool: Spool,
}

fn measure(args: &LinkArgs) -> anyhow::Result<Record> {
    let bench = Bench::prepare(args)?;
    let plan = bench.plan()?;
    bench.warm_up()?;
    let rounds = match args.rate {
        Pace::Auto => {
            let plan = Plan {
                from: args.rate_from,
                precision: args.precision,
            };
            search(&plan, |rate| bench.try_once(rate), |rate| bench.rounds(rate))?
        }
        Pace::At(rate) => bench.rounds(rate)?.map(|runs| Found {
            rate,
            runs,
            refused: Vec::new(),
        }),
    };
    let Some(rounds) = rounds else {
        anyhow::bail!(
            "no rate was found at which every run arrives\n  mend    give a lower --rate or --rate-from, a --spool with room, or less --size"
        )
    };
    let disk = match &args.disk {
        Some(folder) => bench.disk_runs(rounds.rate, folder)?,
        None => None,
    };
    let syncs = match args.count_syncs {
        true => bench.syncs(disk.as_ref().map_or(rounds.rate, |(rate, _)| *rate))?,
        false => None,
    };
    let findings = Findings {
        spool: bench.spool.to_string(),
        plan,
        rounds,
        disk,
        syncs,
    };
    Ok(report::record(args, &findings))
}

impl<'a> Bench<'a> {
    fn prepare(args: &'a LinkArgs) -> anyhow::Result<Self> {
        let will_arrive = args.will_arrive();
        let spool = match &args.spool {
            Some(path) => Spool::at(path, will_arrive)?,
            None if args.loss == Percent::ZERO => Spool::own(will_arrive, Pages::Large)?,
            None => Spool::own(will_arrive, Pages::Small)?,
        };
        if let Some(disk) = &args.disk {
            Spool::at(disk, will_arrive)?;
        }
        // A page cache in front of a disk may be emptied while others are measured.
        let dir = args.dir.as_deref().unwrap_or(spool.path());
        let outfit = Outfit::make(Some(dir))?.with_yielding_transmitter();
        let bundles = outfit.pack(args.input(), args.bundles, args.seed)?;
        Ok(Self {
            args,
            outfit,
            bundles,
            sending: args.sending(),
            _reserve: Reserve::of(will_arrive, &spool)?,
            spool,
        })
    }

    /// What the transmitter makes of the first bundle on this link.
    fn plan(&self) -> anyhow::Result<Inspected> {
        let bundle = self.bundles.first().context("no bundle was packed")?;
        Ok(self.outfit.transmitter.inspect(&bundle.file, &self.sending)?)
    }

    fn trial<'b>(&'b self, rate: Rate, spool: &'b Path) -> Trial<'b> {
        Trial {
            bundles: &self.bundles,
            sending: &self.sending,
            rate,
            losses: self.args.losses(),
            spool,
            memory: self.args.rx_memory,
        }
    }

    fn run(&self, rate: Rate, spool: &Path) -> anyhow::Result<Option<Observed>> {
        Ok(arrived(rate, self.trial(rate, spool).run(&self.outfit)?))
    }

    fn try_once(&self, rate: Rate) -> anyhow::Result<Option<Tried>> {
        Ok(self.run(rate, self.spool.path())?.map(|observed| Tried {
            goodput: observed.goodput(),
        }))
    }

    /// A trial that does not count, whatever becomes of it: memory that the kernel sets aside for sockets is touched by it.
    fn warm_up(&self) -> anyhow::Result<()> {
        let rate = match self.args.rate {
            Pace::Auto => self.args.rate_from,
            Pace::At(rate) => rate,
        };
        eprintln!("once to warm up:");
        self.try_once(rate).map(drop)
    }

    /// Rounds at a rate; `None` as soon as a link run fails.
    fn rounds(&self, rate: Rate) -> anyhow::Result<Option<Vec<Round>>> {
        let (payload, seconds) = (self.args.payload.bytes(), self.args.raw_seconds);
        let mut rounds = Vec::new();
        for _ in 0..self.args.runs {
            let raw = raw::run_once(Mode::Plain, payload, seconds, self.outfit.stop())?;
            match self.run(rate, self.spool.path())? {
                Some(link) => rounds.push(Round { raw, link }),
                None => return Ok(None),
            }
        }
        Ok(Some(rounds))
    }

    /// Runs with the receiver's folder on a disk, at the same rate or the first lower one at which all arrive.
    fn disk_runs(&self, rate: Rate, folder: &Path) -> anyhow::Result<Option<(Rate, Vec<Observed>)>> {
        eprintln!("with the receiver's folder below {}:", folder.display());
        // Removed at the end: after thousands of files were, some file systems take long to find a place for a new one.
        let mut left = Vec::new();
        let runs = |rate| {
            let mut runs = Vec::new();
            for _ in 0..self.args.disk_runs {
                let place = Outfit::receiver_folder(folder)?;
                let arrival = self.trial(rate, folder).run_in(&place, &self.outfit)?;
                left.push(place);
                match arrived(rate, arrival) {
                    Some(run) => runs.push(run),
                    None => return Ok(None),
                }
            }
            Ok::<_, anyhow::Error>(Some(runs))
        };
        let found = confirmed(rate, &mut Vec::new(), runs)?;
        if found.is_none() {
            eprintln!("no rate was found at which every run arrives there: its figures are missing");
        }
        Ok(found)
    }

    /// Counts what waits for the disk, if there is something to count with.
    fn syncs(&self, rate: Rate) -> anyhow::Result<Option<Syncs>> {
        if !has_strace() {
            eprintln!("--count-syncs is passed over: there is no strace on this machine");
            return Ok(None);
        }
        let spool = self.args.disk.as_deref().unwrap_or(self.spool.path());
        // Under strace a receiver is slower: what is counted is counted at the first rate that it keeps up with.
        let rates = (0..HALVINGS).filter_map(|times| Rate::from_bits_per_second(rate.bits_per_second() >> times));
        for rate in rates {
            match count_syncs(&self.outfit, &self.trial(rate, spool))? {
                Ok([tx, rx]) => return Ok(Some(Syncs { rate, tx, rx })),
                Err(why) => eprintln!("{rate} under strace: lost, {why}"),
            }
        }
        Ok(None)
    }
}

/// Rates that are tried under strace, each half of the one before.
const HALVINGS: u32 = 6;

/// Tells of a trial on standard error, and gives what arrived.
fn arrived(rate: Rate, arrival: Arrival) -> Option<Observed> {
    match arrival {
        Ok(observed) => {
            let came_to = observed.rate.map_or_else(String::new, |rate| format!(" at {rate}"));
            let goodput = observed.goodput() / 1e9;
            eprintln!("{rate}: arrived{came_to}, {goodput:.3} Gbit/s of content");
            Some(*observed)
        }
        Err(why) => {
            eprintln!("{rate}: lost, {why}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_a_rate_or_auto_and_reads_back() {
        for text in ["auto", "5 Gbit/s"] {
            assert_eq!(text.parse::<Pace>().unwrap().to_string(), text);
        }
        let error = "fast".parse::<Pace>().unwrap_err();
        assert!(error.contains("200M") && error.ends_with("or auto"), "{error}");
    }
}
