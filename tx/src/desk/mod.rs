//! The author's desk: `diode-pack keygen | pack | inspect`, the only place where bundles are signed.
//!
//! ```text
//! folder ──walk, git, ignore──▶ Selection ──write──▶ NAME-ID.bundle ──inspect──▶ claimed │ proved
//! ```
//!
//! Runs where the author works and never on the tx host: it alone handles an author's key.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use audit::storage::Disk;
use clap::Parser;
use protocol::time::UnixMillis;

use self::args::{Cli, Verb};
use crate::complaint::{Complaint, Exit};

mod args;
mod git;
mod ignore;
mod inspect;
mod keygen;
mod lifetime;
mod pack;
mod source;
mod summary;
mod walk;
mod write;

/// Runs `diode-pack` with `args`, the program's name first, and tells how to exit.
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
    let done = clock().and_then(|now| match &cli.verb {
        Verb::Keygen(args) => keygen::keygen(args),
        Verb::Pack(args) => pack::pack(args, now),
        Verb::Inspect(args) => inspect::inspect(args, now),
    });
    match done {
        Ok(()) => Exit::Done.into(),
        Err(complaint) => complaint.report(),
    }
}

fn clock() -> Result<UnixMillis, Complaint> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    since
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .map(UnixMillis)
        .ok_or_else(|| Complaint::usage("the clock stands before 1970").mend("set the clock"))
}

/// Opens the folder that `path` is in, and gives the file's name in it.
fn folder_and_name(path: &Path) -> Result<(Disk, OsString), Complaint> {
    let Some(name) = path.file_name() else {
        return Err(Complaint::usage("this names no file")
            .fact("file", path.display())
            .mend("give a file's name"));
    };
    let folder = Disk::open(path.parent().unwrap_or(Path::new("")))
        .map_err(|error| Complaint::usage("the file's folder can't be opened").fact("cause", error))?;
    Ok((folder, name.to_owned()))
}
