//! How a process gives up all that a worker does not need, for good.
//!
//! ```text
//! close all but the socket ─▶ / , umask ─▶ no new privileges ─▶ Landlock ─▶ limits ─▶ seccomp ─▶ Held
//!                                              any step that fails ─▶ Lacking: the process ends
//! ```
//!
//! Always true: [`Held`] exists only where every step was taken; there is no partial confinement.

use std::fmt;

use rustix::fs::Mode;
use rustix::process::{chdir, umask};
use rustix::thread::set_no_new_privs;
use serde::{Deserialize, Serialize};

mod inherited;
mod landlocked;
mod rlimits;
mod syscalls;

pub(super) use self::inherited::close_above;

/// What holds of a worker that says it is ready, beside what holds of all: seccomp, limits, no new privileges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Landlock's version here: from 1 no files, from 4 no TCP, from 6 no signals and no sockets to others.
    pub landlock_abi: u8,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Landlock (version {}), seccomp, limits, no new privileges",
            self.landlock_abi
        )
    }
}

/// What this machine does not give a worker. Files that need one are *unsupported* until it is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Lacking {
    /// The kernel has no Landlock, or it is switched off.
    #[error(
        "no worker can be confined: this kernel has no Landlock, or it is switched off; use Linux 5.13 or later with \
         CONFIG_SECURITY_LANDLOCK, and name landlock in its lsm= parameter"
    )]
    Landlock,
    /// The kernel has no seccomp filters, or there are none for this processor.
    #[error(
        "no worker can be confined: seccomp filters cannot be used; use a kernel with CONFIG_SECCOMP_FILTER, on x86-64, \
         AArch64 or RISC-V"
    )]
    Seccomp,
    /// A limit could not be set.
    #[error("no worker can be confined: its limits cannot be set ({})", os(*.errno))]
    Limits {
        /// What the kernel said.
        errno: i32,
    },
    /// What the process inherited could not be closed.
    #[error(
        "no worker can be confined: its open descriptors cannot be seen ({}); mount /proc where this program runs",
        os(*.errno)
    )]
    Descriptors {
        /// What the kernel said.
        errno: i32,
    },
    /// An environment was handed on.
    #[error("no worker can be confined: it was started with an environment, so not by this program's spawner")]
    Environment,
}

/// Gives up everything but the descriptor that is standard input.
///
/// # Errors
/// [`Lacking`]: the process is confined in part, and must end.
pub(super) fn confine() -> Result<Held, Lacking> {
    if std::env::vars_os().next().is_some() {
        return Err(Lacking::Environment);
    }
    rlimits::prefer_as_victim();
    close_above(0)?;
    umask(Mode::RWXG | Mode::RWXO);
    chdir("/").map_err(limits)?;
    set_no_new_privs(true).map_err(limits)?;
    let landlock_abi = landlocked::deny_all()?;
    rlimits::set()?;
    syscalls::allow_few()?;
    Ok(Held { landlock_abi })
}

fn limits(errno: rustix::io::Errno) -> Lacking {
    Lacking::Limits {
        errno: errno.raw_os_error(),
    }
}

fn os(errno: i32) -> std::io::Error {
    std::io::Error::from_raw_os_error(errno)
}
