//! The smallest task: the worker says what it was given. It shows that workers can be had on this machine, and that
//! bytes reach them unchanged.

use protocol::digest::Hasher;
use serde::{Deserialize, Serialize};

use super::{Deadline, Declined, Implausible, Job, Task};

/// Asks for a file's digest and lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe;

/// What a worker saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// SHA-256 of the file's bytes.
    pub sha256: [u8; 32],
    /// Line ends in it.
    pub lines: u64,
}

impl Probed {
    /// What is to be seen in these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut seen = Seeing::default();
        seen.take(bytes);
        seen.finish()
    }

    /// The same, unless time is up before the end.
    pub(in crate::isolation) fn before(deadline: Deadline, bytes: &[u8]) -> Result<Self, Declined> {
        let mut seen = Seeing::default();
        for part in bytes.chunks(STEP) {
            if deadline.has_passed() {
                return Err(Declined::TimedOut);
            }
            seen.take(part);
        }
        Ok(seen.finish())
    }
}

/// What was seen so far.
struct Seeing {
    hasher: Hasher,
    lines: u64,
}

impl Default for Seeing {
    fn default() -> Self {
        Self {
            hasher: Hasher::new(),
            lines: 0,
        }
    }
}

impl Seeing {
    fn take(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.lines += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
    }

    fn finish(self) -> Probed {
        Probed {
            sha256: *self.hasher.finish().as_bytes(),
            lines: self.lines,
        }
    }
}

/// Bytes between two looks at the clock.
const STEP: usize = 1 << 20;

impl Job for Probe {
    type Reply = Probed;

    fn task(&self) -> Task {
        Task::Probe
    }

    fn reply_cap(&self, _len: usize) -> usize {
        64
    }

    fn check(&self, file: &[u8], reply: &Probed) -> Result<(), Implausible> {
        if *reply == Probed::of(file) {
            Ok(())
        } else {
            Err(Implausible("the worker saw other bytes".to_owned()))
        }
    }
}
