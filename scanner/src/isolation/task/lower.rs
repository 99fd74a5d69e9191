//! A source file to a module: parsers written in C run in a worker, and nowhere else.
//!
//! ```text
//! start_lowering ─▶ Confined::begin ─▶ WorkerPool, one a bundle ─▶ Lowerer::lower ─▶ Task::Lower ─▶ grammar, lowering ─▶ Lowered
//! ```

use std::sync::Arc;

use super::super::Allowance;
use super::super::room::Room;
use super::super::spawner::Spawner;
use super::super::worker_pool::{Fault, Unanswered, WorkerPool};
use super::{Declined, Implausible, Job, Task};
use crate::facts::Language;
use crate::taint::ir::{IrFault, Limits};
use crate::taint::lower::{LowerFault, Lowered, Lowerer, Lowering, Nowhere, lower};

/// Asks for the module of a file in this language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lower(pub Language);

/// Lowers each bundle's files in workers of its own.
#[derive(Debug, Clone)]
struct Confined {
    spawner: Arc<Spawner>,
    /// Whether a worker could be confined when the program started.
    possible: bool,
}

/// Where whoever scans has programs parsed: in confined workers, else nowhere, and then why. To be called before there is any thread: it
/// starts the [`Spawner`].
#[must_use]
pub fn start_lowering() -> (Arc<dyn Lowering>, Option<Unanswered>) {
    match Spawner::start() {
        Ok(spawner) => {
            let spawner = Arc::new(spawner);
            let held = WorkerPool::new(Arc::clone(&spawner), Allowance::default()).held();
            let possible = held.is_ok();
            (Arc::new(Confined { spawner, possible }), held.err())
        }
        Err(error) => (Arc::new(Nowhere), Some(Unanswered::Crashed(Fault::NoWorker(error)))),
    }
}

impl Lowering for Confined {
    fn begin(&self) -> Box<dyn Lowerer> {
        Box::new(WorkerPool::new(Arc::clone(&self.spawner), Allowance::default()))
    }

    fn is_possible(&self) -> bool {
        self.possible
    }
}

impl Lowerer for WorkerPool {
    fn lower(&self, language: Language, source: &[u8]) -> Result<Lowered, LowerFault> {
        Ok(self.ask(&Lower(language), source)?)
    }
}

impl From<Unanswered> for LowerFault {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Unconfined(_) => Self::Unsupported,
            Unanswered::OverLimit => Self::OverLimit,
            Unanswered::TimedOut | Unanswered::Spent => Self::TimedOut,
            // Workers are asked about languages that can be lowered alone: one that declines is broken, or lies.
            Unanswered::Unsupported | Unanswered::Crashed(_) => Self::Crashed,
        }
    }
}

impl Job for Lower {
    type Reply = Lowered;

    fn task(&self) -> Task {
        Task::Lower(self.0)
    }

    fn reply_cap(&self, len: usize) -> usize {
        ALWAYS + PER_BYTE * len
    }

    fn check(&self, file: &[u8], reply: &Lowered) -> Result<(), Implausible> {
        match reply.module.check(file.len(), Limits::default()) {
            // An honest parser comes to these too: whoever follows the module looks again.
            Ok(()) | Err(IrFault::TooMany(_) | IrFault::Deep) => Ok(()),
            Err(fault) => Err(Implausible(fault.to_string())),
        }
    }

    fn settle(&self, reply: &mut Lowered, room: Room) {
        reply.room = room;
    }
}

/// Lowers a file, in a worker.
pub(in crate::isolation) fn lowered(language: Language, bytes: &[u8]) -> Result<Lowered, Declined> {
    lower(language, bytes).map_err(|fault| match fault {
        LowerFault::OverLimit => Declined::OverLimit,
        LowerFault::TimedOut => Declined::TimedOut,
        LowerFault::Unsupported | LowerFault::Crashed | LowerFault::Grammar => Declined::Unsupported,
    })
}

/// Bytes of a module of no file at all, at most.
const ALWAYS: usize = 64 << 10;
/// Bytes of a module for each of the file.
const PER_BYTE: usize = 8;
