//! What `diode-bench` understands; and the hidden verbs, by which it is the pair's programs.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::bursts::{self, BurstsArgs};
use crate::crash::{self, CrashArgs};
use crate::demo::{self, DemoArgs};
use crate::drive::{NICER, Program, YIELDING_TX};
use crate::fec::{self, FecArgs};
use crate::flood::{self, FloodArgs};
use crate::fuzz::{self, FuzzArgs};
use crate::link::{self, LinkArgs};
use crate::lossy;
use crate::measure::{self, CompareArgs};
use crate::pair::{self, PairArgs};
use crate::raw::{self, RawArgs};
use crate::relay::cli::{self as relay, RelayArgs};
use crate::sim::{self, SimArgs};
use crate::transfer::{self, TransferArgs};

/// Try a data-diode pair on one machine: demo, measurements, and a lossy link
#[derive(Debug, Parser)]
#[command(
    name = "diode-bench",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Demo(DemoArgs),
    Transfer(TransferArgs),
    Relay(Box<RelayArgs>),
    Raw(RawArgs),
    Fec(FecArgs),
    Link(Box<LinkArgs>),
    Bursts(BurstsArgs),
    Pair(PairArgs),
    Compare(CompareArgs),
    Crash(CrashArgs),
    Flood(FloodArgs),
    Fuzz(FuzzArgs),
    Sim(SimArgs),
}

/// Runs `diode-bench` with `args`, the program's name first, and tells how to exit.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|verb| verb == lossy::VERB) {
        end_with_parent();
        return lossy::run(args.get(2..).unwrap_or_default());
    }
    if args.get(1).is_some_and(|verb| verb == YIELDING_TX) {
        // Before any thread starts, so that all inherit it. Where it can't be had, the pair shares the processor evenly.
        let _ = rustix::process::nice(NICER);
        args.splice(1..2, [OsString::from(Program::Tx.hidden_verb())]);
    }
    if let Some(program) = args.get(1).and_then(|verb| hidden(verb)) {
        // Its own name stands where ours stood, and the hidden verb is gone: the command line that its `main` would get.
        args.splice(..2, [OsString::from(program.name())]);
        return run_program(program, args);
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no failure.
            let usage = error.use_stderr();
            // Nobody reads it if it can't be printed.
            let _ = error.print();
            return ExitCode::from(if usage { 2 } else { 0 });
        }
    };
    match cli.verb {
        Verb::Demo(args) => demo::run(&args),
        Verb::Transfer(args) => transfer::run(&args),
        Verb::Relay(args) => relay::run(&args),
        Verb::Raw(args) => raw::run(&args),
        Verb::Fec(args) => fec::run(&args),
        Verb::Link(args) => link::run(&args),
        Verb::Bursts(args) => bursts::run(&args),
        Verb::Pair(args) => pair::run(&args),
        Verb::Compare(args) => measure::run_compare(&args),
        Verb::Crash(args) => crash::run(&args),
        Verb::Flood(args) => flood::run(&args),
        Verb::Fuzz(args) => fuzz::run(&args),
        Verb::Sim(args) => sim::run(&args),
    }
}

fn hidden(verb: &OsStr) -> Option<Program> {
    Program::ALL.into_iter().find(|program| verb == program.hidden_verb())
}

/// The call that the program's own `main` makes.
fn run_program(program: Program, args: Vec<OsString>) -> ExitCode {
    end_with_parent();
    match program {
        Program::Pack => tx::desk::run(args),
        Program::Tx => tx::run(args),
        Program::Rx => rx::run(args),
        Program::Scan => scanner::run(args),
        Program::Audit => audit::run(args),
    }
}

/// Who started this one ends it, and if that fails for being killed, the system does. Where the system can't, nothing is lost but that.
fn end_with_parent() {
    let _ = set_parent_process_death_signal(Some(Signal::TERM));
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verbs_help_has_an_example() {
        for verb in Cli::command().get_subcommands_mut() {
            let name = verb.get_name().to_owned();
            let help = verb.render_long_help().to_string();
            assert!(help.contains(&format!("diode-bench {name}")), "{name}");
        }
    }

    #[test]
    fn each_program_is_behind_its_hidden_verb() {
        for program in Program::ALL {
            assert_eq!(hidden(OsStr::new(program.hidden_verb())), Some(program));
        }
        assert_eq!(hidden(OsStr::new("demo")), None);
    }
}
