//! Workers as processes: the real `diode-scan` as spawner and worker, well-behaved, hostile and killed.
//!
//! A debug build's worker does on request what a worker that was taken over would try; a release build has no such task.
//! On a kernel without Landlock or seccomp the tests that need a worker say so, and pass.

#![cfg(debug_assertions)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the tests look at processes through /proc"
)]
#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod hostile;
mod lifetime;
mod processes;
mod rules;
mod scan;
mod unconfined;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diode_scanner::isolation::{Allowance, Spawner, Unanswered, WorkerPool};

/// Long enough for any machine: what a test does not expect to be late.
const AGES: Duration = Duration::from_secs(120);
/// Short enough to wait for: what a test expects to be late.
const SHORT: Duration = Duration::from_millis(300);

fn patient() -> Allowance {
    Allowance {
        workers: 4,
        soft: AGES,
        hard: AGES / 2,
        ..Allowance::default()
    }
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_diode-scan"))
}

fn spawner() -> Arc<Spawner> {
    Arc::new(Spawner::start_program(program()).unwrap())
}

/// A pool of its own spawner; `None`, and a line that says so, where no worker can be confined.
fn pool(allowance: Allowance) -> Option<(Arc<Spawner>, WorkerPool)> {
    let spawner = spawner();
    let pool = WorkerPool::new(Arc::clone(&spawner), allowance);
    match pool.held() {
        Ok(_) => Some((spawner, pool)),
        Err(Unanswered::Unconfined(lacking)) => {
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            eprintln!("skipped: {test}: {lacking}");
            None
        }
        Err(error) => panic!("a worker that does nothing was not had: {error}"),
    }
}
