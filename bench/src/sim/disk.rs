//! A host's disk, with the faults that its schedule has for it.

use std::collections::BTreeMap;

use audit::storage::MemoryStorage;
use audit::storage::memory;

use super::Side;
use super::fault::{DiskFault, Fault, Keep};
use crate::relay::dice::Dice;

/// Operations that mending a failure takes.
const MENDED_WITHIN: u64 = 8;

/// A disk in memory, and what goes wrong with it.
#[derive(Debug)]
pub(super) struct FaultyDisk {
    pub(super) storage: MemoryStorage,
    seed: u64,
    /// By the number of the operation: the fault, and its number in the schedule.
    faults: BTreeMap<u64, (usize, DiskFault)>,
    /// Operations that there were when the process on it began.
    begun: u64,
}

impl FaultyDisk {
    /// A disk on which nothing goes wrong before it is [armed](Self::arm).
    pub(super) fn new(seed: u64) -> Self {
        Self {
            storage: MemoryStorage::new(),
            seed,
            faults: BTreeMap::new(),
            begun: 0,
        }
    }

    /// Takes its faults from a schedule; operations count from now. Of a disk that fails again in the middle of what mends a failure nothing is
    /// promised: faults that close behind a failure are left out.
    pub(super) fn arm(&mut self, side: Side, faults: &[(usize, Fault)]) {
        let base = self.storage.operations();
        for (number, fault) in faults {
            if let Fault::Disk(of, at, what) = fault
                && *of == side
            {
                self.faults.entry(base + at).or_insert((*number, *what));
            }
        }
        let mut failed = None;
        self.faults.retain(|at, (_, fault)| {
            let is_left = failed.is_none_or(|failed| *at > failed + MENDED_WITHIN);
            if is_left && matches!(fault, DiskFault::Io | DiskFault::Full) {
                failed = Some(*at);
            }
            is_left
        });
        self.begin();
    }

    /// Nothing goes wrong from now on. No process may be at work on it.
    pub(super) fn heal(&mut self) {
        self.faults.clear();
        self.storage.restart();
        self.begin();
    }

    /// Another process begins on it.
    fn begin(&mut self) {
        self.begun = self.storage.operations();
        for (at, (_, fault)) in self.faults.range(self.begun..) {
            let fault = match fault {
                // A kill is a cut of which everything is kept.
                DiskFault::PowerCut(_) | DiskFault::Kill => memory::Fault::PowerCut,
                DiskFault::Io => memory::Fault::Io,
                DiskFault::Full => memory::Fault::Full,
            };
            self.storage.fail_at(at - self.begun, fault);
        }
    }

    /// Whether something went wrong since the process on it began.
    pub(super) fn has_failed(&self) -> bool {
        let done = self.storage.operations();
        self.faults.range(self.begun..done.max(self.begun)).next().is_some()
    }

    /// Ends the process on it, by whatever happened, and tells what that was.
    pub(super) fn end_process(&mut self) -> &'static str {
        let last = self.storage.operations().saturating_sub(1);
        let cut = self.faults.get(&last).filter(|_| !self.storage.has_power());
        let what = match cut {
            Some((number, DiskFault::PowerCut(keep))) => {
                self.crash(*keep, *number as u64);
                "power cut"
            }
            Some(_) => {
                self.storage.restart();
                "killed"
            }
            None => {
                self.storage.restart();
                "restarted"
            }
        };
        self.begin();
        what
    }

    /// Cuts the power now, and begins anew.
    pub(super) fn cut_now(&mut self, keep: Keep) {
        self.crash(keep, u64::MAX);
        self.begin();
    }

    fn crash(&self, keep: Keep, stream: u64) {
        // A stream of its own: what one crash keeps does not depend on how often others were asked.
        let mut dice = Dice::new(self.seed, 1000u64.wrapping_add(stream));
        self.storage.crash(&mut || match keep {
            Keep::Nothing => false,
            Keep::All => true,
            Keep::Some => dice.below(2) == 0,
        });
    }
}
