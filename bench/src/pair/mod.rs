//! The `pair` verb: transmitter and receiver on two hosts, each by its copy of a scenario.
//!
//! ```text
//! tx host   keys, bundles ─ start_after ─▶ run 1 ─ gap ─▶ run 2 ─ gap ─▶ …  what was sent, how fast, CPU
//!                                            ║              ║
//! rx host   keys ── receiver 1 ◀═════════════╝  receiver 2 ◀╝  …           goodput, losses by place, CPU
//! ```
//!
//! The hosts have the scenario in common and nothing else: no channel goes back. Keys are drawn from its seed, so that none have to be
//! carried; they are worth nothing beyond the measurement.

mod receive;
mod scenario;
mod send;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::measure::{DeliverArgs, Delivery, Record};
use scenario::{Role, Scenario};

/// Measure transmitter and receiver on two hosts
///
/// Run it on either host with a copy of the scenario (bench/pair.example.toml explains every key), rx first.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  diode-bench pair scenario.toml --out rx.json\n  diode-bench pair scenario.toml --role tx --out tx.json"
)]
pub(crate) struct PairArgs {
    /// Scenario, in TOML
    #[arg(value_name = "SCENARIO.toml")]
    scenario: PathBuf,
    /// Which end this host is [default: the scenario's]
    #[arg(long, value_enum)]
    role: Option<Role>,
    /// Keys and bundles are made below this folder [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    deliver: DeliverArgs,
}

/// Runs the verb to its end.
pub(crate) fn run(args: &PairArgs) -> ExitCode {
    let prepared =
        Scenario::read(&args.scenario).and_then(|scenario| Ok((scenario, Delivery::prepare(&args.deliver)?)));
    let (mut scenario, delivery) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return fail(&error, 2),
    };
    scenario.role = args.role.unwrap_or(scenario.role);
    match measure(args, &scenario).and_then(|record| delivery.deliver(&record)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(code)
}

fn measure(args: &PairArgs, scenario: &Scenario) -> anyhow::Result<Record> {
    match scenario.role {
        Role::Tx => send::measure(scenario, args.dir.as_deref()),
        Role::Rx => receive::measure(scenario, args.dir.as_deref()),
    }
}
