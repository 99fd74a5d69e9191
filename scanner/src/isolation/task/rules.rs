//! A file of an operator's rules, read as a whole where a fault in a reader costs nothing: rules come from outside, and are no better than
//! other files until they are read.
//!
//! Whoever uses the file reads it once more; what a worker says decides only that it is not refused yet.

use std::sync::Arc;
use std::time::Duration;

use super::super::Allowance;
use super::super::spawner::Spawner;
use super::super::worker_pool::{Unanswered, WorkerPool};
use super::{Implausible, Job, Task};
use crate::additions::{self, Kind, RuleFault, RuleFile};

/// Asks whether a file of this kind can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckRules(pub Kind);

/// How many rules the file has, or what is wrong with it: the line, if it is about one, and the reason.
pub type Checked = Result<u64, (Option<u64>, String)>;

/// Why a file of rules is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotChecked {
    /// It has a fault.
    #[error(transparent)]
    Fault(#[from] RuleFault),
    /// Nobody could tell.
    #[error("{file} could not be checked: {why}")]
    Unanswered {
        /// The file.
        file: String,
        /// What became of the worker.
        why: Unanswered,
    },
}

impl Job for CheckRules {
    type Reply = Checked;

    fn task(&self) -> Task {
        Task::CheckRules(self.0)
    }

    fn reply_cap(&self, _len: usize) -> usize {
        MAX_PROBLEM + 64
    }

    fn check(&self, file: &[u8], reply: &Checked) -> Result<(), Implausible> {
        let lines = file.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
        match reply {
            Ok(count) if *count > file.len() as u64 => Err(Implausible(format!("{count} rules"))),
            Err((Some(line), _)) if !(1..=lines).contains(line) => Err(Implausible(format!("line {line}"))),
            _ => Ok(()),
        }
    }
}

/// Has a file checked in a worker of its own, and gives the number of its rules. To be called before there is any thread: it starts a
/// [`Spawner`].
///
/// # Errors
/// [`NotChecked`]; also where no worker can be confined.
pub fn check_rules(file: &RuleFile) -> Result<u64, NotChecked> {
    let unanswered = |why| NotChecked::Unanswered {
        file: file.shown().to_owned(),
        why,
    };
    let spawner = Spawner::start();
    let spawner = spawner.map_err(|error| unanswered(Unanswered::Crashed(super::super::Fault::NoWorker(error))))?;
    check_rules_with(Arc::new(spawner), file)
}

/// The same by a spawner that runs already.
///
/// # Errors
/// As [`check_rules`].
pub fn check_rules_with(spawner: Arc<Spawner>, file: &RuleFile) -> Result<u64, NotChecked> {
    let allowance = Allowance {
        workers: 1,
        file_bytes: usize::try_from(file.kind().max_len()).unwrap_or(usize::MAX),
        soft: PATIENCE,
        hard: PATIENCE,
        lost: Duration::MAX,
    };
    let asked = WorkerPool::new(spawner, allowance).ask(&CheckRules(file.kind()), file.bytes());
    match asked {
        Ok(Ok(count)) => Ok(count),
        Ok(Err((line, problem))) => Err(RuleFault::new(file.shown(), line, problem).into()),
        Err(why) => Err(NotChecked::Unanswered {
            file: file.shown().to_owned(),
            why,
        }),
    }
}

/// Reads a file of rules, in a worker.
pub(in crate::isolation) fn checked(kind: Kind, bytes: &[u8]) -> Checked {
    additions::check(kind, bytes)
        .map_err(|RuleFault { line, problem, .. }| (line, problem.chars().take(MAX_PROBLEM / 4).collect()))
}

/// Bytes of a reason at most.
const MAX_PROBLEM: usize = 4096;
/// How long reading a file may take.
const PATIENCE: Duration = Duration::from_secs(100);
