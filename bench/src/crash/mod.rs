//! The `crash` verb: real processes that are killed, and system calls that fail, again and again.
//!
//! ```text
//! crash rx, crash tx   plan of the round ─▶ hosts: bundles sent, SIGKILL, again ─▶ all is brought to its end ─▶ check
//! crash faults         every sync, rename, write … of a run, one after another: fails (EIO, ENOSPC), or is the last thing that happens
//! ```
//!
//! What must be true after each round: both logs verify, and say what they said before; each bundle was admitted once, under the number that the
//! transmitter gave it, and lies where the log says, byte for byte as it was sent; nothing else lies anywhere.
//!
//! A killed process loses nothing that the kernel has taken: what a machine loses that stops, the simulation shows (`diode-bench sim`).

mod account;
mod check;
mod faults;
mod hosts;
mod kills;
mod moment;
mod plan;
mod round;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use crate::campaigns::CampaignArgs;
use crate::drive::DriveError;

/// Kill transmitter or receiver again and again, and check what is left
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  diode-bench crash rx --rounds 1000\n  diode-bench crash tx --from 1000 --rounds 1000 --dir /var/tmp\n  diode-bench crash faults --side rx"
)]
pub(crate) struct CrashArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// Kill the receiver while bundles come, and while it starts
    Rx(KillArgs),
    /// Kill the transmitter while it sends, and while it starts
    Tx(KillArgs),
    /// Have each system call fail by which a side changes its disk (needs strace)
    Faults(FaultArgs),
}

#[derive(Debug, Clone, Args)]
struct FaultArgs {
    /// The side whose calls fail
    #[arg(long, value_enum)]
    side: Side,
    /// One fault alone, as a failure names it: 'work: unlinkat 6 ENOSPC'
    #[arg(long, value_name = "FAULT", conflicts_with_all = ["rounds", "from"])]
    fault: Option<faults::Fault>,
    /// How many faults, in the order in which they are numbered [default: all]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    rounds: Option<u64>,
    /// Work below this folder [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    campaign: CampaignArgs,
}

#[derive(Debug, Clone, Args)]
struct KillArgs {
    /// How many rounds
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Rounds that follow each other on the same two hosts
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    together: u64,
    /// Work below this folder [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    campaign: CampaignArgs,
}

/// The side that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// The receiver.
    Rx,
    /// The transmitter.
    Tx,
}

impl Side {
    const fn name(self) -> &'static str {
        match self {
            Self::Rx => "rx",
            Self::Tx => "tx",
        }
    }
}

/// Runs the verb to its end.
pub(crate) fn run(args: &CrashArgs) -> ExitCode {
    let ended = match &args.what {
        What::Rx(args) => kills::play_rounds(Side::Rx, args),
        What::Tx(args) => kills::play_rounds(Side::Tx, args),
        What::Faults(args) => faults::try_faults(args),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
    }
}

/// Whether the operator stopped it.
fn is_interruption(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(DriveError::Interrupted))
}
