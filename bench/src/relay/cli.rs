//! The `relay` verb: options, what it says while it starts, and how it ends.
//!
//! Settings and errors go to stderr, the table to stdout. It ends on Ctrl-C, SIGTERM or after `--for`, always with its table. Exit
//! codes: 0 done, 1 failed, 2 usage or configuration.

use std::io::Write as _;
use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use hw::units::{Percent, Rate};
use tokio::signal::unix::{SignalKind, signal};

use super::driver::{DEFAULT_BUFFER_BYTES, DEFAULT_QUEUE_DATAGRAMS, Relay, RelayConfig};
use super::impairment::ImpairmentSettings;
use crate::outfile::OutFile;

/// A lossy one-way link between two UDP addresses
///
/// Datagrams that come to LISTEN go on to TO, less those that are lost, with the rest damaged as set. Nothing goes back. The same
/// seed does the same to the same datagrams.
///
/// Example: diode-bench relay --listen 127.0.0.1:5000 --to 127.0.0.1:5001 --loss 2% --burst-loss 1% --reorder 1% --rate 500M
#[derive(Debug, Clone, Args)]
pub struct RelayArgs {
    /// Where to receive
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Where to send on to
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub to: SocketAddr,
    /// What all chance is drawn from [default: a random one, printed]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// How bad the link is.
    #[command(flatten)]
    pub impairment: ImpairmentArgs,
    /// The link's rate in bits of UDP payload a second, as 500M or 1.5G [default: as fast as it goes]
    #[arg(long, value_name = "RATE")]
    pub rate: Option<Rate>,
    /// Datagrams that may wait for the rate; what comes beyond is dropped
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_QUEUE_DATAGRAMS)]
    pub queue: NonZeroUsize,
    /// End after so many seconds [default: on Ctrl-C]
    #[arg(long = "for", value_name = "SECONDS", value_parser = parse_seconds)]
    pub how_long: Option<Duration>,
    /// Write what was done as JSON to this file at the end
    #[arg(long, value_name = "FILE")]
    pub stats_json: Option<PathBuf>,
}

/// How bad a link is, as options.
#[derive(Debug, Clone, Args)]
pub struct ImpairmentArgs {
    /// Share of datagrams lost, each by itself
    #[arg(long, value_name = "SHARE", default_value_t = Percent::ZERO)]
    pub loss: Percent,
    /// Share of datagrams lost in bursts, in the long run
    #[arg(long, value_name = "SHARE", default_value_t = Percent::ZERO)]
    pub burst_loss: Percent,
    /// Mean length of a burst, in datagrams
    #[arg(long, value_name = "COUNT", default_value_t = ImpairmentSettings::default().burst_length)]
    pub burst_length: NonZeroU32,
    /// Share of datagrams lost within a burst
    #[arg(long, value_name = "SHARE", default_value_t = Percent::HUNDRED)]
    pub burst_density: Percent,
    /// Share of datagrams that come twice
    #[arg(long, value_name = "SHARE", default_value_t = Percent::ZERO)]
    pub duplicate: Percent,
    /// Share of datagrams with 1 to 3 bits flipped
    #[arg(long, value_name = "SHARE", default_value_t = Percent::ZERO)]
    pub corrupt: Percent,
    /// Share of datagrams that others overtake
    #[arg(long, value_name = "SHARE", default_value_t = Percent::ZERO)]
    pub reorder: Percent,
    /// How many datagrams overtake such a one at most
    #[arg(long, value_name = "COUNT", default_value_t = ImpairmentSettings::default().reorder_depth)]
    pub reorder_depth: NonZeroU16,
}

impl From<&ImpairmentArgs> for ImpairmentSettings {
    fn from(args: &ImpairmentArgs) -> Self {
        Self {
            loss: args.loss,
            burst_loss: args.burst_loss,
            burst_length: args.burst_length,
            burst_density: args.burst_density,
            duplicate: args.duplicate,
            corrupt: args.corrupt,
            reorder: args.reorder,
            reorder_depth: args.reorder_depth,
        }
    }
}

/// Runs the verb to its end.
#[must_use]
pub fn run(args: &RelayArgs) -> ExitCode {
    match prepare(args) {
        Ok(prepared) => match prepared.run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error, 1),
        },
        Err(error) => fail(&error, 2),
    }
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(code)
}

/// All that can be refused before the first datagram, done.
struct Prepared {
    relay: Relay,
    how_long: Option<Duration>,
    stats: Option<OutFile>,
}

fn prepare(args: &RelayArgs) -> anyhow::Result<Prepared> {
    let seed = match args.seed {
        Some(seed) => seed,
        None => getrandom::u64().context("cannot draw a seed: give one with --seed")?,
    };
    let config = RelayConfig {
        listen: args.listen,
        to: args.to,
        seed,
        impairment: ImpairmentSettings::from(&args.impairment),
        rate: args.rate,
        queue_datagrams: args.queue,
        buffer_bytes: DEFAULT_BUFFER_BYTES,
    };
    let stats = args
        .stats_json
        .as_deref()
        .map(|path| OutFile::begin("--stats-json", path))
        .transpose()?;
    let relay = Relay::bind(config.clone())?;
    eprintln!("relay {} → {}, seed {seed}", relay.local_addr(), args.to);
    eprintln!("  link    {}", config.impairment);
    match config.rate {
        Some(rate) => eprintln!("  rate    {rate}, {} datagrams may wait", args.queue),
        None => eprintln!("  rate    as fast as it goes"),
    }
    let granted_kib = relay.granted_receive_buffer() / 1024;
    eprintln!("  buffer  {granted_kib} KiB to receive, as the kernel counts");
    Ok(Prepared {
        relay,
        how_long: args.how_long,
        stats,
    })
}

impl Prepared {
    fn run(self) -> anyhow::Result<()> {
        let Self {
            mut relay,
            how_long,
            stats,
        } = self;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start waiting for signals")?;
        let report = runtime.block_on(async {
            let mut terminated = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
            let mut interrupted = signal(SignalKind::interrupt()).context("cannot wait for Ctrl-C")?;
            let stop = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&stop);
            let mut work = tokio::task::spawn_blocking(move || relay.run(&seen, how_long));
            let ended = tokio::select! {
                ended = &mut work => ended,
                _ = terminated.recv() => { stop.store(true, Ordering::Relaxed); work.await }
                _ = interrupted.recv() => { stop.store(true, Ordering::Relaxed); work.await }
            };
            let report = ended.context("the relay's thread panicked")??;
            anyhow::Ok(report)
        })?;
        // A closed pipe is no reason to lose the file.
        let shown = writeln!(std::io::stdout(), "{report}");
        if let Some(stats) = stats {
            let mut json = serde_json::to_vec_pretty(&report).context("the statistics cannot be written as JSON")?;
            json.push(b'\n');
            stats.finish(&json)?;
        }
        shown.context("cannot write the table to stdout")
    }
}

/// Seconds above zero, as `30` or `0.5`.
pub(crate) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let number = text.trim();
    let number = number.strip_suffix('s').unwrap_or(number).trim_end();
    number
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| !time.is_zero())
        .ok_or_else(|| format!("{text:?} is not a time: write seconds above zero, as 30 or 0.5"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Wrapper {
        #[command(flatten)]
        relay: RelayArgs,
    }

    fn parse(more: &[&str]) -> Result<RelayArgs, clap::Error> {
        let fixed = ["relay", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:9"];
        Wrapper::try_parse_from(fixed.iter().chain(more)).map(|wrapper| wrapper.relay)
    }

    #[test]
    fn without_options_the_link_changes_nothing() {
        let args = parse(&[]).expect("arguments");
        assert_eq!(
            ImpairmentSettings::from(&args.impairment),
            ImpairmentSettings::default()
        );
        assert_eq!(args.rate, None);
    }

    #[test]
    fn shares_and_rates_are_read_with_their_units() {
        let args = parse(&["--loss", "2%", "--corrupt", "0.5 %", "--rate", "500M"]);
        let args = args.expect("arguments");
        assert_eq!(args.impairment.loss.to_string(), "2%");
        assert_eq!(args.impairment.corrupt.to_string(), "0.5%");
        assert_eq!(args.rate.map(Rate::bits_per_second), Some(500_000_000));
    }

    #[test]
    fn a_share_that_could_mean_two_things_is_refused_with_both() {
        let error = parse(&["--loss", "2"]).expect_err("ambiguous");
        assert!(error.to_string().contains("write 2%"), "{error}");
    }

    #[test]
    fn a_burst_of_no_length_is_refused() {
        assert!(parse(&["--burst-length", "0"]).is_err());
    }

    #[test]
    fn times_are_seconds_above_zero() {
        assert_eq!(parse_seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_seconds("30 s"), Ok(Duration::from_secs(30)));
        for text in ["0", "-1", "x", "", "nan", "inf", "1e300"] {
            assert!(parse_seconds(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn settings_that_no_link_has_end_the_verb_with_exit_code_2() {
        let args = parse(&["--burst-loss", "60%", "--burst-length", "1"]).expect("arguments");
        assert_eq!(run(&args), ExitCode::from(2));
    }

    #[test]
    fn a_statistics_file_that_cannot_be_written_is_found_at_the_start() {
        let args = parse(&["--stats-json", "/nowhere/at/all.json"]).expect("arguments");
        assert_eq!(run(&args), ExitCode::from(2));
    }

    #[test]
    fn a_run_that_ends_by_itself_leaves_its_record() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("stats.json");
        let name = file.to_str().expect("UTF-8");
        let args = parse(&["--for", "0.001", "--seed", "7", "--stats-json", name]);
        assert_eq!(run(&args.expect("arguments")), ExitCode::SUCCESS);
        let text = std::fs::read(&file).expect("the file");
        let json: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        assert_eq!((&json["schema"], &json["seed"]), (&1.into(), &7.into()));
    }
}
