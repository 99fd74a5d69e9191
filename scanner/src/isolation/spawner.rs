//! A small process that starts workers, so that none comes from a process with threads, open files or keys in memory.
//!
//! ```text
//! Spawner ── Order ──▶ process ── fork, exec of itself ──▶ worker
//!         ◀── Report ──   │  (+ the worker's socket and pidfd)
//!                         └── waits for each that ends; when our socket ends, kills them all and exits
//! ```
//!
//! One order at a time, one datagram each way. A worker's pidfd is opened before anybody could have waited for the
//! worker, so it stands for that process and no other.
//!
//! Always true:
//! - no order takes longer than [`PATIENCE`]; a spawner that is slower, or gone, is lost for good, and every further
//!   order says so at once;
//! - at most [`MAX_WORKERS`] workers live, whoever forgets to have them reaped.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};

use super::SPAWNER_ARGUMENT;
use super::message::whole;
use super::rights::{readable_until, receive, send};

mod serving;

pub(super) use self::serving::serve;

/// A running spawner. When it is dropped, all its workers end.
#[derive(Debug)]
pub struct Spawner {
    child: Child,
    /// `None` once the spawner is lost, and at the end.
    line: Mutex<Option<OwnedFd>>,
}

/// Why no worker can be started, or one cannot be reaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpawnerError {
    /// The spawner could not be started.
    #[error("the process that starts workers cannot be started: {}", os(*.errno))]
    NotStarted {
        /// What the kernel said.
        errno: i32,
    },
    /// The spawner ended, or does not answer.
    #[error("the process that starts workers is gone; start this program again to scan such files")]
    Lost,
    /// The spawner could not start a worker.
    #[error("a worker cannot be started: {}; look at the limits on processes, memory and open files", os(*.errno))]
    NoWorker {
        /// What the kernel said.
        errno: i32,
    },
}

/// How a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// Nobody knows.
    Unknown,
}

/// What the spawner is asked.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Order {
    /// To start a worker.
    Start,
    /// To kill that worker if it lives, and to wait for it.
    Reap(u32),
}

/// What it answers.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Report {
    /// It is there: the first report, to no order.
    Here,
    /// The worker of this number was started; its socket and pidfd come along.
    Started(u32),
    /// It was not, by what the kernel says.
    NotStarted(i32),
    /// The worker ended so.
    Ended(End),
}

/// A worker as it comes from the spawner.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) number: u32,
    pub(super) line: OwnedFd,
    pub(super) pidfd: OwnedFd,
}

impl Spawner {
    /// Starts this program's own executable as a spawner.
    ///
    /// To be called while the program has no thread and nothing open that matters: what is open without close-on-exec
    /// is handed on until the new process closes it.
    ///
    /// # Errors
    /// [`SpawnerError::NotStarted`], or [`SpawnerError::Lost`] if it does not say that it is there.
    pub fn start() -> Result<Self, SpawnerError> {
        // Stays right when the file is replaced while the program runs: the same executable, not the same name.
        Self::start_program(Path::new("/proc/self/exe"))
    }

    /// Starts `program`, whose `main` begins with [`super::role`], as a spawner.
    ///
    /// # Errors
    /// As [`Spawner::start`].
    pub fn start_program(program: &Path) -> Result<Self, SpawnerError> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).map_err(not_started)?;
        let child = own_command(program, SPAWNER_ARGUMENT, theirs)
            // Out of the terminal's reach: an interrupt is the program's to handle.
            .process_group(0)
            .spawn()
            .map_err(|error| SpawnerError::NotStarted {
                errno: error.raw_os_error().unwrap_or_default(),
            })?;
        let spawner = Self {
            child,
            line: Mutex::new(Some(ours)),
        };
        match spawner.exchange(None)? {
            (Report::Here, _) => Ok(spawner),
            _ => Err(SpawnerError::Lost),
        }
    }

    /// The spawner's process id, for logs.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn start_worker(&self) -> Result<Started, SpawnerError> {
        let (report, mut rights) = self.exchange(Some(&Order::Start))?;
        let pidfd = rights.pop();
        match (report, rights.pop(), pidfd) {
            (Report::Started(number), Some(line), Some(pidfd)) => Ok(Started { number, line, pidfd }),
            (Report::NotStarted(errno), ..) => Err(SpawnerError::NoWorker { errno }),
            _ => Err(self.lose()),
        }
    }

    /// Kills the worker if it lives, and waits for it.
    pub(super) fn reap(&self, number: u32) -> Result<End, SpawnerError> {
        match self.exchange(Some(&Order::Reap(number)))? {
            (Report::Ended(end), _) => Ok(end),
            _ => Err(self.lose()),
        }
    }

    /// Gives an order and takes the report; without an order, the report that comes by itself.
    fn exchange(&self, order: Option<&Order>) -> Result<(Report, Vec<OwnedFd>), SpawnerError> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let socket = line.as_ref().ok_or(SpawnerError::Lost)?;
        let done = converse(socket, order);
        // A late report would be taken for the next order's.
        done.inspect_err(|_| *line = None).map_err(|_| SpawnerError::Lost)
    }

    fn lose(&self) -> SpawnerError {
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = None;
        SpawnerError::Lost
    }
}

fn converse(socket: &OwnedFd, order: Option<&Order>) -> Result<(Report, Vec<OwnedFd>), Errno> {
    if let Some(order) = order {
        let bytes = postcard::to_allocvec(order).map_err(|_| Errno::INVAL)?;
        send(socket.as_fd(), &bytes, &[])?;
    }
    if !readable_until(socket, Instant::now() + PATIENCE)? {
        return Err(Errno::TIMEDOUT);
    }
    let mut buf = [0; MAX_MESSAGE];
    let (len, rights) = receive(socket.as_fd(), &mut buf)?;
    let report = whole(buf.get(..len).unwrap_or_default()).map_err(|_| Errno::PROTO)?;
    Ok((report, rights))
}

impl Drop for Spawner {
    fn drop(&mut self) {
        // The end of the line tells it to end. Nobody else waits for this child, so its number is its own till then.
        *self.line.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
        let pidfd = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let ended = pidfd.is_some_and(|pidfd| readable_until(&pidfd, Instant::now() + PATIENCE) == Ok(true));
        if !ended {
            let _gone = self.child.kill();
        }
        let _reaped = self.child.wait();
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exited(code) => write!(f, "it ended by itself, with code {code}"),
            Self::Signalled(libc::SIGSYS) => f.write_str("killed for a call to the kernel that no worker may make"),
            Self::Signalled(libc::SIGABRT) => f.write_str("it aborted, out of memory or by a failed check"),
            Self::Signalled(libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE) => {
                f.write_str("it crashed in its own memory")
            }
            Self::Signalled(libc::SIGKILL) => f.write_str("killed"),
            Self::Signalled(signal) => write!(f, "ended by signal {signal}"),
            Self::Unknown => f.write_str("how it ended is not known"),
        }
    }
}

/// `program` in a role, with `line` for standard input and nothing else of ours.
fn own_command(program: &Path, argument: &str, line: OwnedFd) -> Command {
    let mut command = Command::new(program);
    command
        .arg0("diode")
        .arg(argument)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(line))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn not_started(errno: Errno) -> SpawnerError {
    SpawnerError::NotStarted {
        errno: errno.raw_os_error(),
    }
}

fn os(errno: i32) -> std::io::Error {
    std::io::Error::from_raw_os_error(errno)
}

/// How long an order may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Workers that live at once, at most.
const MAX_WORKERS: usize = 64;
/// Bytes of an order or report, at most.
const MAX_MESSAGE: usize = 64;
