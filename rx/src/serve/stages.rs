//! The receiver's stages one at a time, on the caller's thread: what [`serve`](super::serve) runs on threads of their own.
//!
//! ```text
//! datagram ──▶ reassembly ──Task──▶ register ──▶ Owner
//!               │     ▲                │   ▲
//!               └work─┘                └scan     each arrow waits until its stage is called
//! ```
//!
//! A simulator decides what runs next, and so in which order the stages meet. Nothing here waits, and what is decided or recorded depends on
//! no clock but [`Desk`]'s. The system's is read for what a status shows, and for where the desk's instants begin: only their differences count.
//!
//! Always true: the stages are those of `serve`; only who calls them, and when, is another's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use protocol::reception::{Incoming, Place, Reception};
use tokio::sync::oneshot;

use super::reassembly::{Channels, Reassembly};
use super::registrar::{Registrar, Task, scan_target};
use super::workers::{self, Done, Work};
use crate::clock::{Ticker, Wall};
use crate::control::{Answer, Request};
use crate::owner::{Owner, OwnerError, Rescanned, Target};
use crate::status::Gauges;

/// Blocks that may wait for a worker: few, so that reassembly does some itself, as on a busy machine.
const WAITING: usize = 4;

/// What the stages of one receiver after another share: time, and the scan's channel.
pub struct Desk {
    ticks: Arc<AtomicU64>,
    wall: Wall,
    clock: Box<dyn Fn() -> Instant>,
    scans: Sender<Target>,
    to_scan: Receiver<Target>,
}

impl Desk {
    /// A desk whose time is `ticks`, in milliseconds, and whose date is `wall`.
    #[must_use]
    pub fn new(ticks: Arc<AtomicU64>, wall: Wall) -> Self {
        let (begun, passed) = (Instant::now(), Arc::clone(&ticks));
        let (scans, to_scan) = bounded(1);
        Self {
            ticks,
            wall,
            // Only differences are ever looked at.
            clock: Box::new(move || begun + Duration::from_millis(passed.load(Ordering::Relaxed))),
            scans,
            to_scan,
        }
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Desk({} ms)", self.ticks.load(Ordering::Relaxed))
    }
}

/// A receiver whose stages run when they are called.
pub struct Stages<'a> {
    reassembly: Reassembly,
    registrar: Registrar<'a>,
    to_work: Receiver<Work>,
    done: Sender<Done>,
    todo: Receiver<Task>,
    tasks: Sender<Task>,
    to_scan: &'a Receiver<Target>,
}

impl std::fmt::Debug for Stages<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stages({:?})", self.reassembly)
    }
}

impl<'a> Stages<'a> {
    /// A receiver that begins its work.
    #[must_use]
    pub fn begin(owner: Owner, reception: Reception, desk: &'a Desk) -> Self {
        // What a receiver before this one had handed out is its successor's to hand out again.
        while desk.to_scan.try_recv().is_ok() {}
        let (work, to_work) = bounded(WAITING);
        let (done, ended) = unbounded();
        let (tasks, todo) = unbounded();
        let channels = Channels {
            work,
            done: ended,
            tasks: tasks.clone(),
            gauges: Arc::new(Gauges::default()),
        };
        let (quarantine, authority, ledger) = (owner.quarantine(), owner.authority().clone(), owner.ledger());
        let mut reassembly = Reassembly::new(reception, quarantine, authority, ledger, channels);
        reassembly.ticker = Ticker::Set(Arc::clone(&desk.ticks));
        reassembly.wall = desk.wall.clone();
        Self {
            reassembly,
            registrar: Registrar::new(owner, &desk.scans, &*desk.clock),
            to_work,
            done,
            todo,
            tasks,
            to_scan: &desk.to_scan,
        }
    }

    /// The owner of log and quarantine.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.registrar.owner
    }

    /// What reception knows.
    #[must_use]
    pub fn reception(&self) -> &Reception {
        &self.reassembly.reception
    }

    /// Reassembly takes a datagram of a lane. Where it would wait for its workers, they work first.
    pub fn datagram(&mut self, lane: usize, bytes: &[u8]) {
        let now = self.reassembly.ticker.now();
        while self.reassembly.waits_before(bytes, now) && self.work() {}
        let lost_at = Place::Link;
        self.reassembly.take_datagram(Incoming { lane, bytes, lost_at }, now);
    }

    /// A worker does the next of what waits, and reassembly hears of it; says whether there was something.
    pub fn work(&mut self) -> bool {
        if let Ok(work) = self.to_work.try_recv() {
            for done in workers::run_all(vec![work], &self.reassembly.authority) {
                // The other end is our own.
                let _ = self.done.send(done);
            }
        }
        let Ok(done) = self.reassembly.done.try_recv() else {
            return false;
        };
        self.reassembly.take_done(done);
        self.reassembly.patrol();
        true
    }

    /// Reassembly looks for what is idle.
    pub fn patrol(&mut self) {
        self.reassembly.patrol();
    }

    /// The registrar takes the next task, or looks at what is due; says whether there was a task.
    ///
    /// # Errors
    /// If log or quarantine can't be used any more: the receiver ends.
    pub fn register(&mut self) -> Result<bool, OwnerError> {
        let task = self.todo.try_recv().ok();
        let any = task.is_some();
        match task {
            // It is never told to stop in this way.
            Some(task) => _ = self.registrar.take(task)?,
            None => self.registrar.owner.summarise_refusals()?,
        }
        self.registrar.settle(self.todo.is_empty())?;
        Ok(any)
    }

    /// The next held bundle is scanned; says whether there was one.
    pub fn scan(&mut self) -> bool {
        let Ok(target) = self.to_scan.try_recv() else {
            return false;
        };
        let owner = &self.registrar.owner;
        // How long it took is the machine's affair.
        let took = Duration::ZERO;
        let task = match scan_target(&owner.quarantine(), &owner.scanner(), target) {
            Task::Scanned { id, scanned, .. } => Task::Scanned { id, scanned, took },
            Task::Rescanned(rescanned) => Task::Rescanned(Rescanned { took, ..rescanned }),
            other => other,
        };
        let _ = self.tasks.send(task);
        true
    }

    /// A person asks for something, and gets the answer.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub fn ask(&mut self, request: Request, actor: &str) -> Result<Option<Answer>, OwnerError> {
        let (reply, mut answer) = oneshot::channel();
        let actor = actor.to_owned();
        let _ = self.registrar.take(Task::Asked { request, actor, reply })?;
        self.registrar.settle(self.todo.is_empty())?;
        Ok(answer.try_recv().ok())
    }

    /// The receiver stops as it is asked to.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub fn stop(mut self) -> Result<(), OwnerError> {
        while self.work() {}
        self.reassembly.stop();
        let summary = "stopped".to_owned();
        let _ = self.tasks.send(Task::Stop { summary });
        while let Ok(task) = self.todo.try_recv() {
            if self.registrar.take(task)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}
