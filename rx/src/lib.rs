//! The receiver of a one-way link: reassembles what comes, admits what is signed and whole, scans it, and keeps it in quarantine.
//!
//! ```text
//! serve ─▶ socket ▶ reassembly ▶ owner ─▶ log, quarantine ─▶ released/
//! list, show, tail, gaps, epoch list ─▶ read the log and the quarantine, without a lock
//! release, reject, rescan, rules, trust, epoch ─▶ control socket of a running `serve`, or the owner itself when none runs
//! ```
//!
//! Always true: nothing is ever sent to the link; what is admitted was announced by the pinned link key, signed by a trusted author, and
//! equals what was signed, leaf by leaf.

#![forbid(unsafe_code)]

pub mod authority;
mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod engines;
pub mod home;
pub mod ledger;
pub mod limiter;
pub mod outside;
pub mod owner;
mod results;
pub mod retention;
pub mod rules;
pub mod serve;
pub mod status;
mod verbs;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, EpochVerb, RulesVerb, TrustVerb, Verb};
use hw::udp::UdpSource;
use serve::Source;
use verbs::Failure;

/// Runs a verb: `args` begins with the program's name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run_behind(args, |source, _lane| source)
}

/// As [`run`], with a link of the caller's between each lane's socket and the receiver: for measurements and trials.
pub fn run_behind<S: Source>(
    args: impl IntoIterator<Item = OsString>,
    link: impl Fn(UdpSource, usize) -> S,
) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no failure.
            let usage = error.use_stderr();
            let _ = error.print();
            return ExitCode::from(if usage { verbs::USAGE } else { 0 });
        }
    };
    match dispatch(cli, link) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn dispatch<S: Source>(cli: Cli, link: impl Fn(UdpSource, usize) -> S) -> Result<(), Failure> {
    let home = &cli.home;
    match cli.verb {
        Verb::Init(args) => verbs::init::run(home, &args),
        Verb::Serve => verbs::serve(home, link),
        Verb::Status { json } => verbs::status::run(home, json),
        Verb::Gaps { json } => verbs::gaps::run(home, json),
        Verb::List(args) => verbs::list::run(home, &args),
        Verb::Show(args) => verbs::show::run(home, &args),
        Verb::Tail(args) => verbs::tail::run(home, &args),
        Verb::Release(args) => verbs::ask::release(home, args),
        Verb::Reject(args) => verbs::ask::reject(home, args),
        Verb::Rescan(args) => verbs::rescan::run(home, args),
        Verb::Rules(RulesVerb::Install { file }) => verbs::rules::install(home, &file),
        Verb::Rules(RulesVerb::Remove { name }) => verbs::rules::remove(home, name),
        Verb::Rules(RulesVerb::List { json }) => verbs::rules::list(home, json),
        Verb::Rules(RulesVerb::Explain { rule, json }) => verbs::rules::explain(home, &rule, json),
        Verb::Trust(TrustVerb::Add {
            principal,
            fingerprint,
            key,
        }) => verbs::ask::trust_add(home, principal, fingerprint, &key),
        Verb::Trust(TrustVerb::List { json }) => verbs::trust::list(home, json),
        Verb::Epoch(EpochVerb::List { json }) => verbs::epoch::list(home, json),
        Verb::Epoch(EpochVerb::Accept(args)) => verbs::ask::epoch_accept(home, args),
        Verb::Epoch(EpochVerb::Refuse { epoch, reason }) => verbs::ask::epoch_refuse(home, epoch, reason),
    }
}
