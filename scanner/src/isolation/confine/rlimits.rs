//! What the kernel counts: memory, processor time, descriptors, processes.

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::write;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::{Lacking, limits};
use crate::isolation::{WORKER_MEMORY, WORKER_TIME};

/// Sets the limits, for good.
///
/// # Errors
/// [`Lacking::Limits`].
pub(super) fn set() -> Result<(), Lacking> {
    for (resource, most) in [
        (Resource::As, WORKER_MEMORY),
        (Resource::Cpu, WORKER_TIME.as_secs()),
        (Resource::Core, 0),
        (Resource::Nofile, DESCRIPTORS),
        (Resource::Nproc, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ] {
        let both = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, both).map_err(limits)?;
    }
    Ok(())
}

/// When memory runs out, the kernel is to end a worker rather than the program. Where it cannot be asked to, it chooses.
pub(super) fn prefer_as_victim() {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    if let Ok(score) = openat(CWD, "/proc/self/oom_score_adj", flags, Mode::empty()) {
        let _kernel_chooses = write(&score, b"1000");
    }
}

/// The socket, a file, and those that a message brings before they are counted.
const DESCRIPTORS: u64 = 8;
