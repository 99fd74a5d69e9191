//! The registrar thread: the [`Owner`] at work. Admissions, verdicts, people's decisions and refusals pass here one after another.
//!
//! ```text
//! complete ─▶ arrivals ─group─▶ admitted ─▶ scan thread ─▶ verdicts ─group─▶ judged ─▶ published
//! refused, asked, stop ─▶ what waits in the groups first, then this
//! what is kept no longer ─▶ removed, a little at a time, between all the others
//! ```
//!
//! Syncs are what costs: thousands of small bundles share them, a single one on a quiet link waits for nobody. A second thread scans, one bundle at a
//! time, so that a long scan delays no admission.
//!
//! Always true: whoever asks sees all that completed before; nothing waits in a group for longer than its age allows.

mod group;
mod rescans;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::event::EventKind;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};
use protocol::digest::BundleId;
use protocol::reception::Summary;
use protocol::wire::SessionId;
use scanner::quarantine::{HeldBundle, Quarantine};
use scanner::report::Report;
use scanner::scan::Scanner;
use tokio::sync::oneshot;

use self::group::Group;
use self::rescans::Rescans;
use super::reassembly::{Arrival, News};
use crate::control::{Answer, Request};
use crate::engines::{Engines, Prepared};
use crate::owner::{Owner, OwnerError, Rescanned, Scan, Target, Which, scan_released};
use crate::results::{self, Storing};

/// How often what depends on the time alone is looked at.
const PATROL: Duration = Duration::from_millis(100);
/// How long a complete bundle may wait for others that are under way.
const ARRIVALS_WAIT: Duration = Duration::from_millis(500);
/// How long a verdict may wait for others.
const VERDICTS_WAIT: Duration = Duration::from_secs(2);
/// While other tasks wait, what policy decided is carried out this often, bundle by bundle.
const STEP_EVERY: Duration = Duration::from_millis(100);
/// While other tasks wait, what is kept no longer is removed this often, a little at a time.
const RETIRE_EVERY: Duration = Duration::from_millis(100);
/// How often it is looked for what is kept no longer, and whether the disk has room again for reports.
const RETENTION_EVERY: Duration = Duration::from_secs(60);
/// Bundles on which policy decided, at most; further ones wait to be scanned.
const MOST_STEPS: usize = 512;
/// While there is work to do, events become visible to readers this often.
const PUBLISH_EVERY: Duration = Duration::from_secs(2);
/// Of the time while there is work to do, publication takes no more than one part in so many.
const PUBLISH_SHARE: u32 = 20;
/// But events become visible no later than this.
const PUBLISH_LATEST: Duration = Duration::from_secs(10);
/// How long a number that was closed may wait for those beside it.
const CLOSINGS_WAIT: Duration = Duration::from_secs(1);
/// After so long without news nothing more comes of what came one after another.
const LULL: Duration = Duration::from_millis(100);
/// Groups of arrivals so far apart are no crowd.
const PAUSE: Duration = Duration::from_millis(400);
/// By how much the scan thread yields to reception.
const NICE: i32 = 10;

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
    /// A person asks for bundles to be scanned again.
    Rescan {
        /// Which.
        which: Which,
        /// Who.
        actor: String,
        /// Where the answer goes, once all are scanned.
        reply: oneshot::Sender<Answer>,
    },
    /// The scan of a released bundle ended.
    Rescanned(Rescanned),
    /// A person asks for a change of the rules, which was prepared.
    Rules {
        /// The change, with the engines that have it.
        prepared: Box<Prepared>,
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

/// Scans what it is given by the rules that are in force then, until the channel ends.
pub(super) fn scan(
    quarantine: &Arc<Quarantine>,
    engines: &Arc<Engines>,
    targets: &Receiver<Target>,
    tasks: &Sender<Task>,
) {
    // On Linux a priority is the calling thread's, and of those that it starts: here the scanner's workers. A scan can wait, a datagram cannot; where
    // lowering it is forbidden, scans only take more from reception than they should.
    let _ = rustix::process::nice(NICE);
    let mut storing = Storing::new();
    for target in targets {
        let scanner = engines.for_scan();
        if tasks.send(scan_target(quarantine, &scanner, target)).is_err() {
            break;
        }
        storing.after_scan(quarantine, &scanner);
    }
    results::store(quarantine, &engines.current());
}

/// Scans one bundle; the task is for the registrar.
pub(super) fn scan_target(quarantine: &Quarantine, scanner: &Scanner, target: Target) -> Task {
    match target {
        Target::Held(id) => {
            let Scan { id, scanned, took } = scan_fenced(quarantine, scanner, id);
            Task::Scanned { id, scanned, took }
        }
        Target::Released(id) => Task::Rescanned(scan_released(quarantine, scanner, id)),
    }
}

/// Scans a held bundle, and holds it until its verdict is on record.
pub(crate) fn scan_fenced(quarantine: &Quarantine, scanner: &Scanner, id: BundleId) -> Scan {
    let begun = Instant::now();
    // A panic that the engines' fences don't catch costs one verdict: the bundle waits for a person.
    let scanned = catch_unwind(AssertUnwindSafe(|| scan_one(quarantine, scanner, id)));
    let scanned =
        scanned.unwrap_or_else(|_| Err("the scanner panicked: this is a defect, please report it".to_owned()));
    let took = begun.elapsed();
    Scan { id, scanned, took }
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
pub(super) fn work(owner: Owner, tasks: &Receiver<Task>, scans: &Sender<Target>) -> Result<(), OwnerError> {
    let mut registrar = Registrar::new(owner, scans, &Instant::now);
    loop {
        match tasks.recv_timeout(registrar.patience()) {
            Ok(task) => {
                if registrar.take(task)?.is_break() {
                    return Ok(());
                }
            }
            Err(RecvTimeoutError::Timeout) => registrar.owner.summarise_refusals()?,
            Err(RecvTimeoutError::Disconnected) => return registrar.record_waiting(),
        }
        registrar.settle(tasks.is_empty())?;
    }
}

/// What waits, and what is under way.
pub(super) struct Registrar<'a> {
    pub(super) owner: Owner,
    scans: &'a Sender<Target>,
    clock: &'a dyn Fn() -> Instant,
    /// The next bundle for the scan thread, which had no place for it.
    to_scan: Option<Target>,
    /// Bundles that the scan thread has.
    scanning: usize,
    /// Those of them that are held: a second scan would find them taken.
    held_at_work: BTreeSet<BundleId>,
    rescans: Rescans,
    /// Transmissions that may become complete.
    under_way: BTreeSet<SessionId>,
    arrivals: Group<(Arrival, Summary)>,
    verdicts: Group<Scan>,
    /// When events become visible again, if there is still work to do.
    publish_next: Instant,
    /// When something came over the link last.
    heard: Instant,
    /// When something that policy decided was carried out last.
    stepped: Instant,
    /// Since when numbers that were closed wait to be recorded.
    closing_since: Option<Instant>,
    /// When something that is kept no longer was removed last.
    retired: Instant,
    /// When to look for it again, and for room on the disk.
    retention_next: Instant,
    /// When bundles were admitted last.
    admitted: Option<Instant>,
    /// Whether they came soon after others, so that more must be expected.
    crowded: bool,
}

impl<'a> Registrar<'a> {
    pub(super) fn new(owner: Owner, scans: &'a Sender<Target>, clock: &'a dyn Fn() -> Instant) -> Self {
        let now = clock();
        let mut registrar = Self {
            owner,
            scans,
            clock,
            to_scan: None,
            scanning: 0,
            held_at_work: BTreeSet::new(),
            rescans: Rescans::default(),
            under_way: BTreeSet::new(),
            arrivals: Group::new(ARRIVALS_WAIT, now),
            verdicts: Group::new(VERDICTS_WAIT, now),
            publish_next: now,
            heard: now,
            stepped: now,
            closing_since: None,
            retired: now,
            retention_next: now + RETENTION_EVERY,
            admitted: None,
            crowded: false,
        };
        registrar.hand_out();
        registrar
    }

    /// Takes a task; `settle` follows, unless it was the last one.
    pub(super) fn take(&mut self, task: Task) -> Result<ControlFlow<()>, OwnerError> {
        match task {
            Task::News(news) => self.take_news(news)?,
            Task::Scanned { id, scanned, took } => {
                self.scanning = self.scanning.saturating_sub(1);
                self.held_at_work.remove(&id);
                let bytes = bytes_of(&scanned);
                self.verdicts.push(Scan { id, scanned, took }, bytes, (self.clock)());
                self.hand_out();
            }
            Task::Asked { request, actor, reply } => {
                self.record_waiting()?;
                let answer = self.owner.answer_if_there_is_room(&request, &actor)?;
                // What was scanned with other rules is to be scanned again, also when nothing else happens any more.
                self.hand_out();
                self.publish()?;
                // A client that left has its decision on record.
                let _ = reply.send(answer);
            }
            Task::Rescan { which, actor, reply } => {
                self.record_waiting()?;
                match self.owner.targets(&which) {
                    Ok(targets) => self.rescan(&targets, actor, reply),
                    Err(refused) => _ = reply.send(refused),
                }
                self.hand_out();
            }
            Task::Rescanned(rescanned) => {
                self.scanning = self.scanning.saturating_sub(1);
                self.rescans.take(&mut self.owner, rescanned)?;
                self.hand_out();
            }
            Task::Rules { prepared, actor, reply } => {
                self.record_waiting()?;
                let answer = self.owner.change_rules_if_there_is_room(*prepared, &actor)?;
                self.publish()?;
                let _ = reply.send(answer);
            }
            Task::Stop { summary } => {
                self.stop(summary)?;
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn take_news(&mut self, news: News) -> Result<(), OwnerError> {
        let now = (self.clock)();
        if !matches!(news, News::Link(_) | News::Heartbeat(..)) {
            self.heard = now;
        }
        match &news {
            News::Opened(session, _) => {
                self.under_way.insert(*session);
            }
            News::Complete(arrival, _) => {
                self.under_way.remove(&arrival.session);
            }
            News::Ended(_, session, ..)
            | News::Replayed(_, session, _)
            | News::NoRoom(_, session, _)
            | News::Unstorable(_, session, _)
            | News::Unjudged(_, session, _) => {
                self.under_way.remove(session);
            }
            // Its number was closed at its announce.
            News::Countersigned(_) | News::Forgotten(_) => {}
            News::UnknownLinkKey(_) | News::Mismatched(..) | News::Link(_) | News::Heartbeat(..) => {}
        }
        match news {
            News::Complete(arrival, summary) => {
                let bytes = arrival.announce.head_len as usize;
                self.arrivals.push((*arrival, summary), bytes, now);
                Ok(())
            }
            News::Opened(..) => self.owner.take(news),
            News::Heartbeat(..) => {
                // What is complete is not missing.
                self.admit()?;
                self.owner.take(news)
            }
            other => {
                // What is only counted for a summary has no place in the log that could be before or after an admission.
                if self.owner.records_refusals() {
                    self.admit()?;
                }
                self.owner.take(other)
            }
        }
    }

    /// Records and publishes what is due. `no_tasks` says that none waits.
    pub(super) fn settle(&mut self, no_tasks: bool) -> Result<(), OwnerError> {
        let clock = self.clock;
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= clock());
        if due(self.arrivals.due(self.quiet_since(no_tasks))) {
            self.admit()?;
        }
        if due(self.verdicts.due(self.idle_since(no_tasks))) {
            self.judge()?;
        }
        if due(self.step_due(no_tasks)) {
            self.owner.carry_out_next()?;
            self.stepped = clock();
            self.hand_out();
        }
        if due(self.retire_due(no_tasks)) {
            self.owner.retire_some()?;
            self.retired = clock();
        }
        if due(Some(self.retention_next)) {
            self.owner.plan_retention();
            self.owner.retire_incomplete()?;
            self.owner.resume_scans()?;
            self.hand_out();
            self.retention_next = clock() + RETENTION_EVERY;
        }
        if due(self.closings_due()) {
            self.owner.record_closings()?;
        }
        if due(self.publication_due(no_tasks)) {
            self.publish()?;
        }
        Ok(())
    }

    /// How long to wait for a task.
    fn patience(&self) -> Duration {
        let now = (self.clock)();
        let due = [
            self.arrivals.due(self.quiet_since(true)),
            self.verdicts.due(self.idle_since(true)),
            self.step_due(true),
            self.retire_due(true),
            self.publication_due(true),
            self.closing_since.map(|since| since + CLOSINGS_WAIT),
        ];
        let first = due.into_iter().flatten().min();
        first.map_or(PATROL, |first| first.saturating_duration_since(now).min(PATROL))
    }

    /// Since when no bundle is on its way here.
    fn quiet_since(&self, no_tasks: bool) -> Option<Instant> {
        (no_tasks && self.under_way.is_empty()).then_some(self.heard)
    }

    /// Since when no bundle is on its way to a verdict, nor to be expected.
    fn idle_since(&self, no_tasks: bool) -> Option<Instant> {
        let quiet = self.quiet_since(no_tasks)?;
        let none_to_scan =
            self.scanning == 0 && self.to_scan.is_none() && !self.owner.has_unscanned() && self.rescans.is_idle();
        let idle = self.arrivals.is_empty() && none_to_scan;
        idle.then_some(if self.crowded { quiet + LULL } else { quiet })
    }

    fn step_due(&self, no_tasks: bool) -> Option<Instant> {
        let due = if no_tasks {
            self.stepped
        } else {
            self.stepped + STEP_EVERY
        };
        (self.owner.steps() > 0).then_some(due)
    }

    fn retire_due(&self, no_tasks: bool) -> Option<Instant> {
        let due = if no_tasks {
            self.retired
        } else {
            self.retired + RETIRE_EVERY
        };
        self.owner.is_retiring().then_some(due)
    }

    /// When the numbers that were closed are recorded, if no other entry takes them along before.
    fn closings_due(&mut self) -> Option<Instant> {
        match self.owner.has_closings() {
            true => {
                let since = *self.closing_since.get_or_insert_with(|| (self.clock)());
                Some(since + CLOSINGS_WAIT)
            }
            false => {
                self.closing_since = None;
                None
            }
        }
    }

    fn publication_due(&self, no_tasks: bool) -> Option<Instant> {
        let idle = self.idle_since(no_tasks);
        let idle = idle.filter(|_| self.verdicts.is_empty() && self.owner.steps() == 0);
        let due = idle.map_or(self.publish_next, |idle| idle.min(self.publish_next));
        self.owner.has_unpublished().then_some(due)
    }

    fn rescan(&mut self, targets: &[Target], actor: String, reply: oneshot::Sender<Answer>) {
        for target in targets {
            match *target {
                // The scan that is under way will do; if it is not by today's rules, another follows by itself.
                Target::Held(id) if self.held_at_work.contains(&id) || self.to_scan == Some(*target) => {}
                Target::Held(id) => self.owner.scan_again(id),
                Target::Released(id) => self.rescans.add(id),
            }
        }
        self.rescans.wait_for(targets, actor, reply);
    }

    fn stop(&mut self, summary: String) -> Result<(), OwnerError> {
        self.record_waiting()?;
        self.owner.note_daemon(EventKind::DaemonStopped, summary)
    }

    fn record_waiting(&mut self) -> Result<(), OwnerError> {
        self.admit()?;
        self.judge()?;
        self.owner.record_closings()
    }

    fn admit(&mut self) -> Result<(), OwnerError> {
        if self.arrivals.is_empty() {
            return Ok(());
        }
        self.owner.admit_all(self.arrivals.take())?;
        let now = (self.clock)();
        self.arrivals.recorded(now);
        self.crowded = self.admitted.is_some_and(|admitted| now < admitted + PAUSE);
        self.admitted = Some(now);
        self.hand_out();
        Ok(())
    }

    fn judge(&mut self) -> Result<(), OwnerError> {
        if self.verdicts.is_empty() {
            return Ok(());
        }
        let judged = self.owner.judge_all(self.verdicts.take())?;
        self.verdicts.recorded((self.clock)());
        self.rescans.judged(&self.owner, &judged);
        // What was scanned with other rules is to be scanned again.
        self.hand_out();
        Ok(())
    }

    fn publish(&mut self) -> Result<(), OwnerError> {
        let begun = (self.clock)();
        self.owner.publish()?;
        let now = (self.clock)();
        self.publish_next = now + pause_after(now.saturating_duration_since(begun));
        Ok(())
    }

    /// Gives the scan thread as much as it has room for, unless very much is to be carried out first. A thread that is gone is noticed by whoever
    /// watches the threads.
    fn hand_out(&mut self) {
        if self.owner.steps() >= MOST_STEPS {
            return;
        }
        while let Some(target) = self.to_scan.take().or_else(|| self.next_target()) {
            match self.scans.try_send(target) {
                Ok(()) => {
                    self.scanning += 1;
                    if let Target::Held(id) = target {
                        self.held_at_work.insert(id);
                    }
                }
                Err(TrySendError::Full(target) | TrySendError::Disconnected(target)) => {
                    self.to_scan = Some(target);
                    return;
                }
            }
        }
    }

    /// What came before what was released already.
    fn next_target(&mut self) -> Option<Target> {
        let held = self.owner.next_unscanned().map(Target::Held);
        held.or_else(|| self.rescans.next().map(Target::Released))
    }
}

/// How long to wait with the next publication after one that took so long: on a slow disk what readers see must not take the time of admissions.
fn pause_after(took: Duration) -> Duration {
    took.saturating_mul(PUBLISH_SHARE).clamp(PUBLISH_EVERY, PUBLISH_LATEST)
}

/// The memory that the result of a scan takes, about.
fn bytes_of(scanned: &Result<(HeldBundle, Box<Report>), String>) -> usize {
    match scanned {
        Ok((_, report)) => FILE_BYTES * report.files.len() + FINDING_BYTES * report.findings.len(),
        Err(reason) => reason.len(),
    }
}

const FILE_BYTES: usize = 512;
const FINDING_BYTES: usize = 1024;

#[cfg(test)]
mod tests;
