//! The registrar thread: the [`Owner`] at work. Admissions, verdicts, people's decisions and refusals pass here one after another.
//!
//! A second thread scans, one bundle at a time, so that a long scan delays no admission.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};
use protocol::digest::BundleId;
use scanner::quarantine::{HeldBundle, Quarantine};
use scanner::report::Report;
use scanner::scan::Scanner;
use tokio::sync::oneshot;

use super::reassembly::News;
use crate::control::{Answer, Request};
use crate::owner::{Owner, OwnerError};

/// Readers see events no later than this after they were synced.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);

/// What the registrar is asked to do.
#[derive(Debug)]
pub enum Task {
    /// Something came over the link.
    News(News),
    /// A scan ended.
    Scanned {
        /// The bundle.
        id: BundleId,
        /// The bundle, which nobody else could decide on meanwhile, with its report; or why there is none.
        scanned: Result<(HeldBundle, Box<Report>), String>,
        /// How long it took.
        took: Duration,
    },
    /// A person asks for something.
    Asked {
        /// What.
        request: Request,
        /// Who.
        actor: String,
        /// Where the answer goes.
        reply: oneshot::Sender<Answer>,
    },
    /// The receiver stops.
    Stop {
        /// What the log is told of the run.
        summary: String,
    },
}

/// Scans what it is given, until the channel ends.
pub(super) fn scan(
    quarantine: &Arc<Quarantine>,
    scanner: &Arc<Scanner>,
    ids: &Receiver<BundleId>,
    tasks: &Sender<Task>,
) {
    for id in ids {
        let begun = Instant::now();
        // A panic that the engines' fences don't catch costs one verdict: the bundle waits for a person.
        let scanned = catch_unwind(AssertUnwindSafe(|| scan_one(quarantine, scanner, id)));
        let scanned =
            scanned.unwrap_or_else(|_| Err("the scanner panicked: this is a defect, please report it".to_owned()));
        let took = begun.elapsed();
        if tasks.send(Task::Scanned { id, scanned, took }).is_err() {
            return;
        }
    }
}

fn scan_one(quarantine: &Quarantine, scanner: &Scanner, id: BundleId) -> Result<(HeldBundle, Box<Report>), String> {
    let held = quarantine.open_held(id).map_err(|error| error.to_string())?;
    let content = held.stored().content().map_err(|error| error.to_string())?;
    let report = scanner.scan(&content, &mut |_| {});
    Ok((held, Box::new(report)))
}

/// Works until it is told to stop.
///
/// # Errors
/// When the log or the quarantine can't be used any more: nothing may be admitted then, and the receiver ends.
pub(super) fn work(mut owner: Owner, tasks: &Receiver<Task>, scans: &Sender<BundleId>) -> Result<(), OwnerError> {
    let mut waiting = None;
    let mut published = Instant::now();
    loop {
        waiting = waiting.or_else(|| owner.next_unscanned());
        // A scan thread that is gone is noticed by whoever watches the threads.
        if let Some(id) = waiting.take()
            && let Err(TrySendError::Full(id) | TrySendError::Disconnected(id)) = scans.try_send(id)
        {
            waiting = Some(id);
        }
        match tasks.recv_timeout(PUBLISH_EVERY) {
            Ok(Task::News(news)) => owner.take(news)?,
            Ok(Task::Scanned { id, scanned, took }) => owner.judge(id, scanned, took)?,
            Ok(Task::Asked { request, actor, reply }) => {
                let answer = owner.answer(&request, &actor)?;
                owner.publish()?;
                // A client that left has its decision on record.
                let _ = reply.send(answer);
            }
            Ok(Task::Stop { summary }) => {
                owner.note_daemon(audit::event::EventKind::DaemonStopped, summary)?;
                return Ok(());
            }
            Err(RecvTimeoutError::Timeout) => owner.summarise_refusals()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        if tasks.is_empty() || published.elapsed() >= PUBLISH_EVERY {
            owner.publish()?;
            published = Instant::now();
        }
    }
}
