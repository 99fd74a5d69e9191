//! What `diode-audit` understands, and the exit code of what comes of it.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{self, Usage};
use crate::log::LogError;

/// Looks into an audit log, and proves that nothing in it was changed.
#[derive(Debug, Parser)]
#[command(name = "diode-audit", version, arg_required_else_help = true)]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Recomputes the whole log from its entries, and checks every file and the signature.
    #[command(
        after_help = "Example:\n  diode-audit verify /var/lib/diode/log --vkey plant-7.vkey\n\n\
        Exit code: 0 all of it holds, 1 it could not be read, 2 wrong use, 5 it was changed, damaged or rolled back."
    )]
    Verify {
        /// The log's folder: the one with `checkpoint` and `tile`.
        dir: PathBuf,
        /// The log's public key, carried from its host by another way [default: DIR/log.vkey, which proves consistency,
        /// not origin].
        #[arg(long, value_name = "FILE")]
        vkey: Option<PathBuf>,
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Prints the published entries, one line each, oldest first.
    #[command(after_help = "Example:\n  diode-audit show /var/lib/diode/log -n 20")]
    Show {
        /// The log's folder: the one with `checkpoint` and `tile`.
        dir: PathBuf,
        /// Only the last N entries [default: all].
        #[arg(short = 'n', value_name = "N")]
        last: Option<u64>,
        /// Prints each entry as a line of JSON, with its `log_index`.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command, and says how it ended.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // Help and version go to standard output and are no failure.
            let code = if error.use_stderr() { USAGE } else { DONE };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let outcome = match args.verb {
        Verb::Verify { dir, vkey, json } => commands::verify::run(&dir, vkey.as_deref(), json, &mut out),
        Verb::Show { dir, last, json } => commands::show::run(&dir, last, json, &mut out),
    };
    let outcome = outcome.and_then(|()| Ok(out.flush()?));
    match outcome {
        Ok(()) => ExitCode::from(DONE),
        // `show | head` is no failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::from(DONE),
        Err(error) => {
            // Whatever reads a log has errors of its own kind: a bare one is that of what is printed.
            let error = match error.is::<io::Error>() {
                true => error.context("standard output can't be written: see to where it goes"),
                false => error,
            };
            report(&error);
            ExitCode::from(code(&error))
        }
    }
}

/// One sentence a line: what failed first, its causes below.
fn report(error: &anyhow::Error) {
    let mut text = format!("error: {}\n", crate::escape::terminal(&error.to_string()));
    for cause in error.chain().skip(1) {
        text.push_str(&format!("  {}\n", crate::escape::terminal(&cause.to_string())));
    }
    // Nobody is left to tell if this fails.
    let _ = io::stderr().write_all(text.as_bytes());
}

fn code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<LogError>() {
        _ if error.is::<Usage>() => USAGE,
        Some(LogError::NotALog { .. }) => USAGE,
        Some(error) if error.is_integrity() => INTEGRITY,
        _ => FAILED,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

const DONE: u8 = 0;
const FAILED: u8 = 1;
const USAGE: u8 = 2;
const INTEGRITY: u8 = 5;
