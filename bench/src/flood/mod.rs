//! The `flood` verb: a receiver under datagrams that nobody wants, beside an honest transmission.
//!
//! ```text
//! honest bundle ── announced ──▶ head there ── a quarter of what `raw` receives ──────▶ admitted, while the flood goes on?
//! flood                             └─▶ half of it, for --seconds ─▶ over ─▶ memory, disk, log, admissions
//! forged symbols: a second session, attacked ─▶ reported with its blocks ─▶ sent again ─▶ admitted?
//! ```

mod carrier;
mod paced;
mod property;
mod stream;
mod trial;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hw::units::Rate;
use serde::Serialize;

use crate::campaigns::{Campaign, CampaignArgs, Failure, Records};
use crate::raw::{self, Mode};
use crate::relay::cli::parse_seconds;
use crate::terminal::say;
use crate::trial::Outfit;
use property::Property;
use stream::Kind;
use trial::Trial;

/// Flood a receiver while an honest bundle comes, and check what must hold
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  diode-bench flood random --seconds 120\n  diode-bench flood forged-symbols --seconds 120 --dir /var/tmp"
)]
pub(crate) struct FloodArgs {
    /// What comes
    #[arg(value_enum)]
    kind: Kind,
    /// How long
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse_seconds)]
    seconds: Duration,
    /// What two bare sockets receive here: half of it is the flood's, a quarter the honest bundle's [default: measured first]
    #[arg(long, value_name = "RATE")]
    raw: Option<Rate>,
    /// Work below this folder [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    campaign: CampaignArgs,
}

/// Runs the verb to its end.
pub(crate) fn run(args: &FloodArgs) -> ExitCode {
    match flood(args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
    }
}

/// What is kept of it.
#[derive(Debug, Serialize)]
struct Detail {
    seconds: f64,
    raw_bits_per_second: u64,
    flood_bits_per_second: u64,
    flood_datagrams: u64,
    peak_kib: u64,
    folder_bytes: u64,
    properties: Vec<Property>,
}

/// Whether all properties held.
fn flood(args: &FloodArgs) -> anyhow::Result<bool> {
    let mut records = Records::open(&args.campaign.record)?;
    let outfit = Outfit::make(args.dir.as_deref())?;
    let raw = match args.raw {
        Some(raw) => raw,
        None => measured(&outfit)?,
    };
    let trial = Trial {
        kind: args.kind,
        seconds: args.seconds,
        raw,
        seed: args.campaign.from,
        dir: args.dir.clone().unwrap_or_else(std::env::temp_dir),
    };
    let seen = trial.run(&outfit)?;
    let offered = seen.offered;
    say(&format!(
        "{}: {} datagrams in {:.1} s, {:.0} Mbit/s; raw {:.0} Mbit/s",
        args.kind.name(),
        offered.datagrams,
        offered.time.as_secs_f64(),
        offered.bits_per_second() / 1e6,
        raw.bits_per_second() as f64 / 1e6
    ));
    seen.properties.iter().for_each(|property| say(&property.line()));
    let failed: Vec<_> = seen.properties.iter().filter(|property| !property.held).collect();
    let failure = failed.first().map(|property| Failure {
        round: args.campaign.from,
        message: format!("{}: {}", property.name, property.seen),
    });
    let held = failure.is_none();
    records.append(&Campaign {
        campaign: &format!("flood {}", args.kind.name()),
        from: args.campaign.from,
        rounds: 1,
        failure,
        detail: Detail {
            seconds: offered.time.as_secs_f64(),
            raw_bits_per_second: raw.bits_per_second(),
            flood_bits_per_second: offered.bits_per_second() as u64,
            flood_datagrams: offered.datagrams,
            peak_kib: seen.peak.resident_kib,
            folder_bytes: seen.peak.folder_bytes,
            properties: seen.properties,
        },
    })?;
    Ok(held)
}

/// What two bare sockets receive on this machine.
fn measured(outfit: &Outfit) -> anyhow::Result<Rate> {
    let run = raw::run_once(Mode::Plain, RAW_PAYLOAD, RAW_TIME, outfit.stop())?;
    Rate::from_bits_per_second(run.bits_per_second as u64)
        .ok_or_else(|| anyhow::anyhow!("bare sockets received nothing: give --raw RATE"))
}

/// A datagram of ours at an MTU of 1500, and how long is measured.
const RAW_PAYLOAD: u16 = 1440;
const RAW_TIME: Duration = Duration::from_secs(1);
