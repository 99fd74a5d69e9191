//! The transmitter: `diode-tx keygen | send | watch | resend | epoch | plan | inspect`, run on the tx host with the link's key.
//!
//! ```text
//! intake, job ──bundles──▶ dispatch ──▶ ledger: number bound ──▶ link ─┬─ coder: blocks read, leaves checked, coded
//!   head checked            ▲   │                                       └─ lane, pace ──▶ hw::udp::UdpSink ══▶ one way
//! handover ┄▶ control, clients  └──▶ progress, record, ledger: sent or stopped
//!   another process
//! dispatch ──▶ pulse ──▶ the first lane: heartbeats, whose counters beats sets aside
//! outbox ─▶ courier ──▶ clients: a folder's files, handed in as another process would
//!    └──▶ shelf ──▶ removal ──▶ ledger: files of what was sent, removed by retention
//! ```
//!
//! Always true:
//! - the only key here signs announces; no bundle is signed, and nobody's signature is trusted;
//! - nothing of a bundle is sent that is not in its signed index, and nothing without a durable number;
//! - nothing is ever received.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use protocol::time::UnixMillis;
use protocol::wire::SessionId;
use tracing_subscriber::EnvFilter;
use zeroize::Zeroizing;

use self::cli::{Cli, EpochVerb, Verb};
use crate::complaint::{Complaint, Exit};

mod active;
mod beats;
pub mod book;
mod cli;
mod clients;
mod coder;
mod config;
mod config_file;
mod control;
mod courier;
mod dispatch;
mod epoch;
mod failure;
mod forecast;
mod framing;
mod handover;
mod inspection;
mod intake;
mod job;
mod lane;
mod ledger;
mod link;
mod link_key;
mod mark;
mod outbox;
mod owner;
mod pace;
mod patience;
mod planning;
mod priority;
mod progress;
mod pulse;
mod record;
mod removal;
mod resend;
mod retention;
mod send;
mod shelf;
mod standing;
mod state;
mod strays;
#[cfg(test)]
mod trial;
mod under_way;
mod watch;
mod watching;

/// Runs `diode-tx` with `args`, the program's name first, and tells how to exit.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            // Nobody reads it if it can't be printed.
            let _ = error.print();
            return exit.into();
        }
    };
    let done = start_logging(cli.log.as_deref()).and_then(|()| match &cli.verb {
        Verb::Keygen(args) => link_key::keygen(args),
        Verb::Send(args) => send::send(args),
        Verb::Watch(args) => watching::watch(args),
        Verb::Resend(args) => resend::resend(args),
        Verb::Epoch(EpochVerb::New(args)) => epoch::begin(args),
        Verb::Plan(args) => planning::plan(args),
        Verb::Inspect(args) => inspection::inspect(args),
    });
    match done {
        Ok(()) => Exit::Done.into(),
        Err(complaint) => complaint.report(),
    }
}

fn start_logging(flag: Option<&str>) -> Result<(), Complaint> {
    let from_environment = std::env::var(LOG_VARIABLE).ok();
    let directives = flag.or(from_environment.as_deref()).unwrap_or("warn");
    let filter = EnvFilter::try_new(directives).map_err(|error| {
        Complaint::usage("the log filter can't be read")
            .fact("filter", directives)
            .fact("cause", error)
            .mend(format_args!(
                "give --log (or {LOG_VARIABLE}) a level: error, warn, info, debug or trace"
            ))
    })?;
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // It would tell stderr, and panic, when stderr is what failed.
        .log_internal_errors(false)
        .with_ansi(colours);
    // A program that runs this as a library may have its own already, which then stands.
    let _ = subscriber.try_init();
    Ok(())
}

const LOG_VARIABLE: &str = "DIODE_LOG";

fn clock() -> Result<UnixMillis, Complaint> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    since
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .map(UnixMillis)
        .ok_or_else(|| Complaint::usage("the clock stands before 1970").mend("set the clock"))
}

fn random_u64() -> Result<u64, Complaint> {
    getrandom::u64().map_err(no_randomness)
}

/// A session's number: random, and not the 0 of filler.
fn random_session() -> Result<SessionId, Complaint> {
    loop {
        let number = random_u64()?;
        if number != 0 {
            return Ok(SessionId(number));
        }
    }
}

fn random_seed() -> Result<Zeroizing<[u8; 32]>, Complaint> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(no_randomness)?;
    Ok(seed)
}

fn no_randomness(error: getrandom::Error) -> Complaint {
    Complaint::failed("the system gives no randomness").fact("cause", error)
}
