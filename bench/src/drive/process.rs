//! This executable, started again as one of the pair's programs.
//!
//! Each runs in a process group of its own, so that Ctrl-C reaches only the one that started it, which then ends the others in order.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{DriveError, Finished, Running};
use crate::lossy::Losses;

/// One of the pair's programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `diode-pack`.
    Pack,
    /// `diode-tx`.
    Tx,
    /// `diode-rx`.
    Rx,
    /// `diode-scan`.
    Scan,
    /// `diode-audit`.
    Audit,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pack, Self::Tx, Self::Rx, Self::Scan, Self::Audit];

    /// The program's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pack => "diode-pack",
            Self::Tx => "diode-tx",
            Self::Rx => "diode-rx",
            Self::Scan => "diode-scan",
            Self::Audit => "diode-audit",
        }
    }

    /// The hidden verb of this executable that is the program.
    #[must_use]
    pub const fn hidden_verb(self) -> &'static str {
        match self {
            Self::Pack => "__pack",
            Self::Tx => "__tx",
            Self::Rx => "__rx",
            Self::Scan => "__scan",
            Self::Audit => "__audit",
        }
    }
}

/// What `strace` is asked for, and where it writes.
#[derive(Debug, Clone)]
struct Strace {
    options: Vec<String>,
    file: PathBuf,
}

/// An executable with the hidden verbs, and the operator's word to stop.
#[derive(Debug, Clone)]
pub struct Programs {
    executable: PathBuf,
    stop: Arc<AtomicBool>,
    /// What `strace` is to do, if they run under it.
    strace: Option<Strace>,
    /// Whether the transmitter lets the receiver go first.
    yielding: bool,
}

impl Programs {
    /// The programs in `executable`. All waits end once `stop` is set.
    #[must_use]
    pub fn new(executable: PathBuf, stop: Arc<AtomicBool>) -> Self {
        Self {
            executable,
            stop,
            strace: None,
            yielding: false,
        }
    }

    /// Whether the operator has said to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The programs in the running executable.
    ///
    /// # Errors
    /// If the system does not tell which that is.
    pub fn here(stop: Arc<AtomicBool>) -> io::Result<Self> {
        Ok(Self::new(std::env::current_exe()?, stop))
    }

    /// The same programs under `strace`, which counts their calls that wait for the disk, into `file`, once one has ended.
    #[must_use]
    pub fn counting_syncs(&self, file: &Path) -> Self {
        // Stopped at these calls alone (--seccomp-bpf), so that it is hardly slower.
        self.under_strace(&["--seccomp-bpf", "-c", "-e", SYNCS], file)
    }

    /// The same programs under `strace`, which writes each call that concerns descriptors into `file`, of every thread and process.
    #[must_use]
    pub fn tracing_descriptors(&self, file: &Path) -> Self {
        // Few bytes of each buffer, and filters in full.
        let options = [
            "--seccomp-bpf",
            "-s",
            "8",
            "-e",
            "abbrev=!setsockopt",
            "-e",
            DESCRIPTORS,
        ];
        self.under_strace(&options, file)
    }

    /// The same programs under `strace` with these options, which writes into `file`: complete once a program whose standard error is
    /// kept was waited for, since `strace` has that open too.
    #[must_use]
    pub fn under_strace(&self, options: &[&str], file: &Path) -> Self {
        Self {
            strace: Some(Strace {
                options: options.iter().map(|option| (*option).to_owned()).collect(),
                file: file.to_owned(),
            }),
            ..self.clone()
        }
    }

    /// The same programs, of which the transmitter lets the others go first where they share a processor.
    #[must_use]
    pub fn with_yielding_transmitter(&self) -> Self {
        Self {
            yielding: true,
            ..self.clone()
        }
    }

    /// Starts a program whose standard error is kept for [`Running::said`].
    ///
    /// # Errors
    /// [`DriveError::Start`].
    pub fn start<A: AsRef<OsStr>>(
        &self,
        program: Program,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Running, DriveError> {
        self.spawn(program, self.own_verb(program), args, Stdio::piped())
    }

    /// Starts a program whose standard error is ours, for what it shows while it works.
    ///
    /// # Errors
    /// [`DriveError::Start`].
    pub fn start_shown<A: AsRef<OsStr>>(
        &self,
        program: Program,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Running, DriveError> {
        self.spawn(program, self.own_verb(program), args, Stdio::inherit())
    }

    /// Starts `diode-rx` with a simulated link between its sockets and itself, as [`start`](Self::start) does.
    ///
    /// # Errors
    /// [`DriveError::Start`].
    pub fn start_rx_behind<A: AsRef<OsStr>>(
        &self,
        losses: Losses,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Running, DriveError> {
        self.spawn(Program::Rx, losses.to_args(), args, Stdio::piped())
    }

    /// Runs a program to its end, however it ends.
    ///
    /// # Errors
    /// [`DriveError`] if it can't be started or takes longer than any verb but `serve` may.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        program: Program,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Finished, DriveError> {
        self.start(program, args)?.wait(LONGEST_VERB)
    }

    /// The hidden verb that is a program and nothing else.
    fn own_verb(&self, program: Program) -> Vec<OsString> {
        let verb = match program {
            Program::Tx if self.yielding => YIELDING_TX,
            _ => program.hidden_verb(),
        };
        vec![verb.into()]
    }

    /// The executable, to be given a hidden verb.
    fn command(&self) -> Command {
        let Some(Strace { options, file }) = &self.strace else {
            return Command::new(&self.executable);
        };
        let mut command = Command::new("strace");
        // As a grandchild (-D), so that the process that is started is the program's own, and takes its signals.
        command.args(["-D", "-f"]).args(options).arg("-o");
        command.arg(file).arg(&self.executable);
        command
    }

    fn spawn<A: AsRef<OsStr>>(
        &self,
        program: Program,
        verb: Vec<OsString>,
        args: impl IntoIterator<Item = A>,
        stderr: Stdio,
    ) -> Result<Running, DriveError> {
        let args: Vec<OsString> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        let started = self
            .command()
            .args(verb)
            .args(&args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .process_group(0)
            .spawn();
        let child = started.map_err(|source| DriveError::Start {
            program: program.name(),
            source,
        })?;
        Ok(Running::new(program, verb_of(&args), child, Arc::clone(&self.stop)))
    }
}

/// The hidden verb that is `diode-tx`, nicer than others by [`NICER`].
pub(crate) const YIELDING_TX: &str = "__tx-yielding";
/// Steps of niceness: a tenth of the share of one that has none. With less, the receiver falls behind now and then, when the machine does.
pub(crate) const NICER: i32 = 10;

/// System calls that wait for the disk.
const SYNCS: &str = "trace=fsync,fdatasync,syncfs,sync_file_range,sync,msync";

/// System calls that take or give descriptors, or begin a process that has some. The ones with a question mark are not everywhere.
const DESCRIPTORS: &str = "trace=%desc,%network,?fork,?vfork,clone,?clone3,execve,?execveat,?unshare,?close_range,?pidfd_getfd,\
                           ?io_uring_setup,?io_uring_enter,?io_uring_register,?io_setup,?io_submit";

/// No verb takes this long but on a machine that stands still.
const LONGEST_VERB: Duration = Duration::from_secs(120);

/// The first argument that is a verb: no option, and not the value of one before the verb.
fn verb_of(args: &[OsString]) -> String {
    let mut after_option = false;
    for arg in args {
        let text = arg.to_string_lossy();
        match (text.starts_with("--"), after_option) {
            (true, _) => after_option = true,
            (false, true) => after_option = false,
            (false, false) => return text.into_owned(),
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verb_is_found_behind_options_with_values() {
        let args = ["--home", "/tmp/x", "trust", "add"].map(OsString::from);
        assert_eq!(verb_of(&args), "trust");
    }
}
