//! The `transfer` verb: so many bytes or files through the whole pair over a lossy link, compared byte for byte, with time and memory.
//!
//! ```text
//! random files ─▶ diode-pack ─▶ diode-tx ══▶ relay ══▶ diode-rx ─▶ HELD ─▶ release ─▶ compare
//! ```
//!
//! The files are random bytes, which no policy lets through unseen: a person's part is played with the code that `show` prints.

mod outcome;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use audit::event::{EventKind, State};
use clap::Args;
use hw::units::{Percent, Rate};

use crate::clock::now;
use crate::compare::Comparison;
use crate::drive::{
    Author, Entry, Packed, Packing, Programs, Receiver, Sending, Sent, Serving, Tail, Transmitter, read_sent,
};
use crate::input::Input;
use crate::relay::{ImpairmentSettings, Relay, RelayConfig, RelayReport, RunningRelay};
use crate::signals;
use crate::size::Size;
use crate::terminal::say;
use outcome::Outcome;

/// Send random files from end to end over a lossy link, and measure it
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  diode-bench transfer --size 1GiB --loss 5%\n  diode-bench transfer --size 64MiB --loss 40% --fec-loss 42%\n  diode-bench transfer --files 5000 --file-size 10KiB"
)]
pub(crate) struct TransferArgs {
    /// One file of so many bytes: 100MiB, 1GiB
    #[arg(
        long,
        value_name = "SIZE",
        required_unless_present = "files",
        conflicts_with = "files"
    )]
    size: Option<Size>,
    /// So many files
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    files: Option<u64>,
    /// Bytes of each of them
    #[arg(long, value_name = "SIZE", default_value = "10KiB")]
    file_size: Size,
    /// Share of datagrams that the link loses, each by itself
    #[arg(long, value_name = "SHARE", default_value = "5%")]
    loss: Percent,
    /// Losses at random that the transmitter is told to provide for [default: a quarter more than --loss, and 1%]
    #[arg(long, value_name = "SHARE")]
    fec_loss: Option<Percent>,
    /// Bits a second on the wire
    #[arg(long, value_name = "RATE", default_value = "400M")]
    rate: Rate,
    /// What files and losses are drawn from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Work below this folder [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Leave everything where it is
    #[arg(long)]
    keep: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl TransferArgs {
    /// What the transmitter is told to provide for.
    fn provided(&self) -> Percent {
        self.fec_loss.unwrap_or_else(|| provided(self.loss))
    }
}

/// Runs the verb to its end.
pub(crate) fn run(args: &TransferArgs) -> ExitCode {
    match transfer(args) {
        Ok(outcome) => {
            say(&if args.json {
                outcome.to_json()
            } else {
                outcome.to_text()
            });
            ExitCode::from(if outcome.identical { 0 } else { 1 })
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn transfer(args: &TransferArgs) -> anyhow::Result<Outcome> {
    let builder = || tempfile::Builder::new();
    let folder = match &args.dir {
        Some(dir) => builder().prefix("diode-transfer-").tempdir_in(dir),
        None => builder().prefix("diode-transfer-").tempdir(),
    };
    let folder = folder.context("no folder can be made to work in: name one with --dir")?;
    let outcome = Run::set_up(args, folder.path()).and_then(|run| run.through(args));
    if args.keep {
        eprintln!("everything stays in {}", folder.keep().display());
    }
    outcome
}

/// Everything that is up meanwhile.
struct Run {
    folder: PathBuf,
    input: Input,
    author: Author,
    transmitter: Transmitter,
    receiver: Receiver,
    serving: Serving,
    tail: Tail,
    relay: RunningRelay,
}

/// What it took, as far as it is known before all is compared.
struct Arrival {
    packed: Packed,
    pack: Duration,
    sent: Sent,
    tx_peak_kib: u64,
    admitted: Entry,
    /// Seen or not, the scan's end.
    judged: Duration,
    release: Duration,
}

impl Run {
    fn set_up(args: &TransferArgs, folder: &Path) -> anyhow::Result<Self> {
        let input = match (args.size, args.files) {
            (Some(size), _) => Input {
                files: 1,
                file_len: size.bytes(),
            },
            (None, files) => Input {
                files: files.unwrap_or(1),
                file_len: args.file_size.bytes(),
            },
        };
        let programs = Programs::here(signals::listen()).context("the system does not say which program this is")?;
        let tx_host = folder.join("tx");
        fs::create_dir(&tx_host).with_context(|| format!("{} can't be made", tx_host.display()))?;
        let author = Author::keygen(&programs, folder, "alice@lab")?;
        let transmitter = Transmitter::keygen(&programs, &tx_host)?;
        let receiver = Receiver::init(&programs, &folder.join("rx"), "plant-7", &transmitter.public_key())?;
        // What is lost for good is told after five seconds of silence.
        receiver.set("idle_ms", "5000")?;
        receiver.trust(&author)?;
        let serving = receiver.serve()?;
        let tail = receiver.tail()?;
        let config = RelayConfig {
            impairment: ImpairmentSettings {
                loss: args.loss,
                ..ImpairmentSettings::default()
            },
            ..RelayConfig::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), serving.address, args.seed)
        };
        let relay = Relay::bind(config)?.spawn()?;
        Ok(Self {
            folder: folder.to_owned(),
            input,
            author,
            transmitter,
            receiver,
            serving,
            tail,
            relay,
        })
    }

    fn through(mut self, args: &TransferArgs) -> anyhow::Result<Outcome> {
        let source = self.folder.join("input");
        step(&format!("making {}", self.input));
        self.input
            .write(&source, args.seed)
            .with_context(|| format!("the input can't be made in {}", source.display()))?;
        let arrival = self.arrive(args, &source)?;
        step("comparing");
        let released = self.receiver.released(arrival.packed.bundle);
        let comparison = Comparison::of(&source, &released)?;
        let rx_peak_kib = self.serving.running.peak_resident_kib();
        drop(self.tail);
        self.serving.running.end()?.done()?;
        self.receiver.verify_log()?;
        let relay = self.relay.stop()?;
        Ok(outcome(args, &self.input, &arrival, &comparison, &relay, rx_peak_kib))
    }

    fn arrive(&mut self, args: &TransferArgs, source: &Path) -> anyhow::Result<Arrival> {
        step("packing");
        let begun = Instant::now();
        let bundle = self.folder.join("input.bundle");
        let packing = Packing {
            folder: source,
            audience: self.receiver.name(),
            all: true,
            exclude: &[],
            output: &bundle,
        };
        let packed = self.author.pack(&packing)?;
        let pack = begun.elapsed();
        let to = self.relay.local_addr();
        let sending = Sending {
            shown: !args.json,
            ..Sending::new(to, &args.rate.to_string(), &args.provided().to_string())
        };
        let limit = args.rate.time_for(packed.bytes) * 10 + LONGEST;
        let finished = self.transmitter.start(&[&bundle], &sending)?.wait(limit)?.done()?;
        let sent = read_sent(&finished)?.pop().context("diode-tx told of no bundle")?;
        step("sent; the receiver admits and scans");
        let (admitted, judged) = self.wait_for_verdict(&packed)?;
        let begun = Instant::now();
        self.release(&packed)?;
        let release = begun.elapsed();
        Ok(Arrival {
            packed,
            pack,
            sent,
            tx_peak_kib: finished.peak_resident_kib,
            admitted,
            judged,
            release,
        })
    }

    /// The entry of its admission, and how long the scan took after it.
    fn wait_for_verdict(&mut self, packed: &Packed) -> anyhow::Result<(Entry, Duration)> {
        let limit = LONGEST + Duration::from_secs(packed.bytes >> 22);
        let last = self.tail.wait_for("the bundle's end", limit, |entry| {
            entry.event.bundle == Some(packed.bundle) && entry.is_final()
        })?;
        let seen = self.tail.seen();
        let admitted = seen
            .iter()
            .find(|entry| entry.event.event == EventKind::BundleAdmitted)
            .cloned();
        match admitted {
            Some(admitted) => {
                let took = last.event.time.0.saturating_sub(admitted.event.time.0);
                Ok((admitted, Duration::from_millis(took)))
            }
            None => bail!(
                "the bundle was not admitted: {} {}",
                last.event.event,
                last.event.detail.unwrap_or_default()
            ),
        }
    }

    /// Releases what policy holds, as a person would.
    fn release(&mut self, packed: &Packed) -> anyhow::Result<()> {
        if self.receiver.released(packed.bundle).exists() {
            return Ok(());
        }
        step("releasing");
        let shown = self.receiver.show(packed.bundle)?;
        let code = shown
            .code
            .context("policy neither releases the bundle nor lets a person do so")?;
        self.receiver
            .decide("release", &code, "made here for measuring")?
            .done()?;
        let released = |entry: &Entry| entry.event.state == Some(State::Released);
        self.tail.wait_for("the release", LONGEST, released)?;
        Ok(())
    }
}

fn outcome(
    args: &TransferArgs,
    input: &Input,
    arrival: &Arrival,
    comparison: &Comparison,
    relay: &RelayReport,
    rx_peak_kib: u64,
) -> Outcome {
    let Arrival {
        packed,
        pack,
        sent,
        tx_peak_kib,
        admitted,
        judged,
        release,
    } = arrival;
    let send_began = sent.time.0.saturating_sub(sent.duration_ms);
    let arrive = Duration::from_millis(admitted.event.time.0.saturating_sub(send_began));
    Outcome {
        identical: comparison.is_copy_of(packed.files)
            && comparison.only_first.is_empty()
            && packed.files == input.files,
        bytes: packed.bytes,
        files: packed.files,
        seed: args.seed,
        rate: args.rate,
        loss_set: args.loss,
        lost: relay.damage.lost_at_random + relay.missed,
        datagrams: relay.received.datagrams + relay.missed,
        repair_ppm: sent.repair_ppm,
        blocks: admitted.event.blocks.unwrap_or(0),
        pack: *pack,
        send: Duration::from_millis(sent.duration_ms),
        arrive,
        scan: *judged,
        release: *release,
        tx_peak_kib: *tx_peak_kib,
        rx_peak_kib,
        made: now(),
    }
}

/// What the transmitter is told to provide for: a quarter more than the link loses, and a hundredth for what sockets lose.
pub(crate) fn provided(loss: Percent) -> Percent {
    let parts = loss.parts_per_billion();
    Percent::from_parts_per_billion(parts.saturating_add(parts / 4).saturating_add(10_000_000))
        .unwrap_or(Percent::HUNDRED)
}

/// One thing after another on standard error.
fn step(text: &str) {
    eprintln!("{text}");
}

/// For what does not depend on the amount, on a machine that is busy with other things.
const LONGEST: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transmitter_provides_for_more_than_the_link_loses() {
        assert_eq!(provided("4%".parse().unwrap()).to_string(), "6%");
        assert_eq!(provided(Percent::HUNDRED), Percent::HUNDRED);
    }
}
