//! Work on hostile bytes in processes that can do nothing else: whoever takes one over has a socket to us and the bytes
//! of one bundle's files, which he wrote himself.
//!
//! ```text
//!  program ────── start, reap ──────▶ spawner ── fork, exec ──▶ worker   no files, no network, no exec, no fork,
//!     │ ◀── socket + pidfd (SCM_RIGHTS) ─┘                        ▲      1 GiB, one descriptor
//!     ├── task + the file, sealed in memory ──────────────────────┤
//!     └◀─ reply: hostile bytes, capped, decoded, checked ─────────┘      killed by the pidfd when it is late
//! ```
//!
//! Spawner and workers are this same executable, started again with a private first argument: [`role`] is the first
//! call of `main`. A program that wants workers starts its [`Spawner`] while it has no thread and nothing open, and
//! makes a [`WorkerPool`] for each bundle. What can be asked is a [`Job`].
//!
//! Always true:
//! - a worker serves one bundle, and holds one descriptor beside its socket: the file of the task at hand, sealed;
//! - a worker that does not have Landlock, seccomp and its limits never gets a file: the answer is *unsupported*, and
//!   [`Lacking`] says what to mend; there is no way around it;
//! - every question has an answer in bounded time and memory, whatever a worker or the spawner does;
//! - a process is only killed through its pidfd, so never another that got its number; none is left behind, also when
//!   the program is killed.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

mod confine;
mod inside;
mod memfd;
mod message;
mod rights;
mod room;
mod spawner;
mod task;
mod worker;
mod worker_pool;

pub use self::confine::{Held, Lacking};
pub use self::message::Malformed;
pub use self::room::Room;
pub use self::spawner::{End, Spawner, SpawnerError};
#[cfg(debug_assertions)]
pub use self::task::hostile;
pub use self::task::lower::{Lower, start_lowering};
pub use self::task::probe::{Probe, Probed};
pub use self::task::rules::{CheckRules, Checked, NotChecked, check_rules, check_rules_with};
pub use self::task::{Implausible, Job, Task};
pub use self::worker_pool::{Fault, Unanswered, WorkerPool};

/// What a bundle's workers may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Workers at once; each may take 1 GiB.
    pub workers: usize,
    /// Bytes of a file; longer ones are over the limit.
    pub file_bytes: usize,
    /// When a worker should give a file up by itself.
    pub soft: Duration,
    /// When the worker is killed, counted from the same moment as `soft`.
    pub hard: Duration,
    /// Time that a bundle's late and crashed files may cost together; when it is spent, its other files are not tried.
    pub lost: Duration,
}

impl Default for Allowance {
    /// Four workers, files of 16 MiB, 2 s to give up, 5 s to be killed, two minutes lost.
    fn default() -> Self {
        Self {
            workers: 4,
            file_bytes: 16 << 20,
            soft: Duration::from_secs(2),
            hard: Duration::from_secs(5),
            lost: Duration::from_secs(120),
        }
    }
}

/// Serves as spawner or worker if this process was started as one, and then returns how to exit; else `None`.
///
/// To be called first in `main`, with the program's arguments: before any thread, any file and any output.
#[must_use]
pub fn role(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    match args.into_iter().nth(1)?.to_str()? {
        SPAWNER_ARGUMENT => Some(spawner::serve()),
        WORKER_ARGUMENT => Some(inside::serve()),
        _ => None,
    }
}

/// The first argument of a spawner.
const SPAWNER_ARGUMENT: &str = "--isolation=spawner";
/// The first argument of a worker.
const WORKER_ARGUMENT: &str = "--isolation=worker";
/// Bytes of address space of a worker.
const WORKER_MEMORY: u64 = 1 << 30;
/// Bytes that the answers of a bundle's workers may take, decoded, at once.
const ANSWERS_MEMORY: usize = 640 << 20;
/// Processor time of a worker; one that has come near it is replaced by a new one.
const WORKER_TIME: Duration = Duration::from_secs(120);
