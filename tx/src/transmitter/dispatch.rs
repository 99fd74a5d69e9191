//! Bundles from their files to the link and into the record: opened, numbered in groups, handed over, written down.
//!
//! ```text
//! Waiting ──opened, bound (one sync a group)──▶ Ready ──next──▶ UnderWay ──ended──▶ Over ──one sync a group──▶ told
//!    ▲ the operator's from the start, clients' (Task) as they come; the more urgent first
//! ```
//!
//! Always true:
//! - no packet of a bundle leaves before its number's entry is durable;
//! - what is told as sent stands in the log; what was bound and not sent is said to have been stopped;
//! - after the first failure nothing new begins; a failure that says something of a client's bundle alone ends only what that client
//!   asked for;
//! - a number is told as sent when the log says how its sending ended, and no open number is forgotten: what nobody sends is closed;
//! - a full disk is no failure to a patient run: what is to be written down waits, and nothing new begins until there is room.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never};
use protocol::digest::BundleId;
use protocol::time::UnixMillis;

use super::clients::{Clients, Task};
use super::config::Config;
use super::failure;
use super::forecast::settings;
use super::job::{Asker, Job, Waiting};
use super::ledger::{Bound, LedgerError, Outcome};
use super::link::{Ended, Outgoing, Room, Stop, Supply};
use super::patience::Patience;
use super::record::Record;
use super::removal::Removals;
use super::standing::{Board, Standing};
use super::state::{State, unusable_ledger};
use super::under_way::{Ready, UnderWay};
use super::watch::Watch;
use super::{clock, random_session};
use crate::complaint::Complaint;
use crate::output;

/// Bundles bound, and endings written, with one sync.
const GROUP: usize = 128;
/// Bytes of heads of bundles that are bound together, but for the last: they are in memory until their turn.
const GROUP_HEAD_BYTES: usize = 64 << 20;
/// How long an ending may wait for others to be written with.
const LINGER: Duration = Duration::from_millis(500);
const PUBLISH_EVERY: Duration = Duration::from_secs(1);

/// All bundles of a run.
#[derive(Debug)]
pub(super) struct Dispatch<'a> {
    config: &'a Config,
    state: &'a mut State,
    watch: Arc<Watch>,
    board: Arc<Board>,
    /// Whether all was handed in that a run before left to be sent.
    left_is_known: Arc<AtomicBool>,
    /// Whether there may be open numbers that nobody here is going to send.
    unsettled: bool,
    /// Whether the operator is told in JSON.
    json: bool,
    patience: Patience,
    /// Whether the log could not be published when it was last tried.
    unpublished: bool,
    /// What the kernel paces the lanes to at most, in bytes a second.
    pacing_cap: Option<u64>,
    print: fn(&str) -> Result<(), Complaint>,
    tasks: Receiver<Task>,
    removals: Receiver<Removals>,
    clients: Clients,
    /// The more urgent first; among equals, as they came.
    waiting: VecDeque<Waiting>,
    ready: VecDeque<Ready>,
    under_way: BTreeMap<u64, UnderWay>,
    over: Vec<(UnderWay, Ended)>,
    /// When the first of those that are over came.
    over_since: Instant,
    linger: Duration,
    published: Instant,
    next_id: u64,
    failure: Option<Complaint>,
    /// The operator's bundles that were stopped after the first failure.
    also_stopped: Vec<String>,
}

impl<'a> Dispatch<'a> {
    /// A run that sends these bundles, and those that come as tasks.
    pub(super) fn new(
        config: &'a Config,
        state: &'a mut State,
        waiting: Vec<Waiting>,
        tasks: Receiver<Task>,
        watch: &Arc<Watch>,
    ) -> Self {
        let board = Arc::new(Board::new(Standing::of(&state.ledger, Vec::new())));
        Self {
            config,
            state,
            watch: Arc::clone(watch),
            board,
            left_is_known: Arc::new(AtomicBool::new(true)),
            unsettled: true,
            json: false,
            patience: Patience::default(),
            unpublished: false,
            pacing_cap: None,
            print: output::print,
            tasks,
            removals: never(),
            clients: Clients::default(),
            waiting: waiting.into(),
            ready: VecDeque::new(),
            under_way: BTreeMap::new(),
            over: Vec::new(),
            over_since: Instant::now(),
            linger: LINGER,
            published: Instant::now(),
            next_id: 0,
            failure: None,
            also_stopped: Vec::new(),
        }
    }

    /// Tells the operator in JSON.
    pub(super) fn in_json(mut self, json: bool) -> Self {
        self.json = json;
        self
    }

    /// Where heartbeats find what to tell.
    pub(super) fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board)
    }

    /// Closes no number that a run before left open, until `known` says that all of those were handed in that are to be sent now.
    pub(super) fn await_left(mut self, known: &Arc<AtomicBool>) -> Self {
        self.left_is_known = Arc::clone(known);
        self
    }

    /// Tells heartbeats how the numbers stand.
    fn put_standing(&self) {
        let sendings = self.under_way.values().map(UnderWay::sending);
        self.board.put(Standing::of(&self.state.ledger, sendings.collect()));
    }

    /// Closes the open numbers that nobody here is going to send: a run before left them, or their files can't be opened. Until then
    /// no number from the lowest of them on is told as sent.
    fn settle(&mut self) {
        if !self.unsettled || !self.left_is_known.load(Ordering::Acquire) || self.patience.holds() {
            return;
        }
        // What was handed in before that word came is in now, and not sooner.
        self.take_tasks();
        if self.failure.is_some() {
            return;
        }
        let closed = (self.state.ledger).close(&self.forsaken(), clock().unwrap_or(UnixMillis(0)));
        match closed {
            Ok(()) => {
                self.unsettled = false;
                self.patience.handle_room();
                self.put_standing();
            }
            Err(error) if self.patience.takes(&error) => {}
            Err(error) => self.fail(unusable_ledger(&self.config.state, &error)),
        }
    }

    /// The open numbers of bundles that are neither waiting nor ready, under way or to be written down.
    fn forsaken(&self) -> Vec<u64> {
        let ledger = &self.state.ledger;
        let waiting = self
            .waiting
            .iter()
            .filter_map(|waiting| ledger.number_of(&waiting.bundle));
        let ready = self.ready.iter().map(|ready| ready.bound.number().sequence);
        let begun = self.under_way.values().chain(self.over.iter().map(|(over, _)| over));
        let ours: BTreeSet<u64> = waiting.chain(ready).chain(begun.map(UnderWay::sequence)).collect();
        ledger.open_numbers().filter(|number| !ours.contains(number)).collect()
    }

    /// Writes down which files of what was sent are removed, for those who ask there.
    pub(super) fn with_removals(mut self, removals: Receiver<Removals>) -> Self {
        self.removals = removals;
        self
    }

    /// Allows removals of files of bundles that nobody here is going to send.
    fn allow_removals(&mut self) {
        if self.failure.is_some() || self.patience.holds() {
            return;
        }
        let Ok(removals) = self.removals.try_recv() else { return };
        let waiting = self.waiting.iter().map(|waiting| waiting.bundle);
        let ready = self.ready.iter().map(|ready| ready.job.sound.bundle.id());
        let begun = self.under_way.values().chain(self.over.iter().map(|(over, _)| over));
        let in_use: BTreeSet<BundleId> = waiting.chain(ready).chain(begun.map(UnderWay::bundle)).collect();
        let is_in_use = |bundle: &BundleId| in_use.contains(bundle);
        match removals.allow(&mut self.state.ledger, is_in_use, clock().unwrap_or(UnixMillis(0))) {
            Err(error) if error.is_full() => tracing::warn!(%error, "nothing is removed: the log could not be written"),
            Err(error) => self.fail(unusable_ledger(&self.config.state, &error)),
            Ok(()) => {}
        }
    }

    /// Waits for room on a full disk from now on, instead of failing.
    pub(super) fn be_patient(&mut self) {
        self.patience.begin();
    }

    /// Records that the kernel was told to send no faster than so many bytes a second.
    pub(super) fn capped_at(mut self, bytes_per_second: u64) -> Self {
        self.pacing_cap = Some(bytes_per_second);
        self
    }

    /// Ends the run: everything is written down and published, and everybody told.
    ///
    /// # Errors
    /// The first thing that failed, with what was not begun; `interrupted` says that the operator stopped it.
    pub(super) fn finish(mut self, interrupted: bool) -> Result<(), Complaint> {
        self.patience.end();
        self.write_down();
        let reason = if interrupted { "interrupted" } else { "not-begun" };
        let not_begun = self.give_up(reason, |_| true);
        self.publish();
        match self.failure {
            Some(complaint) => {
                let complaint = failure::with_also(complaint, &self.also_stopped);
                Err(failure::with_rest(complaint, &not_begun))
            }
            None if interrupted && !not_begun.is_empty() => Err(failure::before_any(&Stop::Interrupted, &not_begun)),
            None => Ok(()),
        }
    }

    fn fail(&mut self, complaint: Complaint) {
        self.failure.get_or_insert(complaint);
    }

    /// Tells whoever asked for a bundle what failed, and ends what must end with it; `alone` says that others can be sent.
    fn fail_for(&mut self, asker: Asker, complaint: Complaint, alone: bool) {
        match asker {
            Asker::Operator => self.fail(complaint),
            Asker::Client(id) => {
                self.clients.fail(id, complaint.clone());
                if alone {
                    self.give_up("not-begun", |other| other == asker);
                } else {
                    self.fail(complaint);
                }
            }
        }
    }

    /// Waits so long for a client's word; whether there was one.
    pub(super) fn wait(&mut self, patience: Duration) -> bool {
        match self.tasks.recv_timeout(patience) {
            Ok(task) => {
                self.take(task);
                true
            }
            Err(_) => false,
        }
    }

    /// Whether something failed, after which nothing new begins.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Nothing is to be sent: does what is to be done now and then.
    pub(super) fn idle(&mut self) {
        self.settle();
        self.allow_removals();
        self.publish_sometimes();
    }

    /// Whether something that a full disk held up is to be tried again.
    pub(super) fn is_due(&self) -> bool {
        self.patience.is_due()
    }

    /// Nothing is under way: writes down and publishes all, so that nobody who looks meanwhile finds less.
    pub(super) fn rest(&mut self) {
        self.write_down();
        self.publish();
    }

    /// Takes in what clients want.
    fn take_tasks(&mut self) {
        while self.failure.is_none()
            && let Ok(task) = self.tasks.try_recv()
        {
            self.take(task);
        }
    }

    fn take(&mut self, task: Task) {
        self.watch.count_ahead(task.ahead.datagrams, task.ahead.bytes);
        for waiting in self.clients.take(task) {
            let place = self.waiting.partition_point(|other| other.priority >= waiting.priority);
            self.waiting.insert(place, waiting);
        }
    }

    /// Opens and binds the first of those that wait.
    fn bind_group(&mut self) {
        let (mut opened, mut head_bytes) = (Vec::new(), 0);
        while opened.len() < GROUP
            && head_bytes < GROUP_HEAD_BYTES
            && self.failure.is_none()
            && let Some(waiting) = self.waiting.pop_front()
        {
            match Job::open(&waiting.path, self.config) {
                Ok(job) => {
                    head_bytes += job.sound.bundle.head().len();
                    opened.push((waiting, job));
                }
                Err(complaint) => {
                    self.unsettled = true;
                    self.fail_for(waiting.asker, complaint, true);
                    if let Asker::Client(id) = waiting.asker {
                        self.clients.gave_up(id);
                    }
                }
            }
        }
        if self.failure.is_none() {
            match self.bind(&opened) {
                Ok(bounds) => return self.make_ready(opened, bounds),
                Err(error) if self.patience.takes(&error) => {}
                Err(error) => self.fail(unusable_ledger(&self.config.state, &error)),
            }
        }
        // None of them has a number: they wait on, to be tried again, or to be named as not begun.
        for (waiting, _) in opened.into_iter().rev() {
            self.waiting.push_front(waiting);
        }
    }

    fn bind(&mut self, opened: &[(Waiting, Job)]) -> Result<Vec<Bound>, LedgerError> {
        let facts = |(waiting, job): &(Waiting, Job)| {
            job.facts(match waiting.asker {
                Asker::Operator => None,
                Asker::Client(id) => self.clients.actor(id),
            })
        };
        let facts: Vec<_> = opened.iter().map(facts).collect();
        // Without a clock, the time of the newest entry.
        let bounds = self.state.ledger.bind(&facts, clock().unwrap_or(UnixMillis(0)))?;
        self.patience.handle_room();
        Ok(bounds)
    }

    fn make_ready(&mut self, opened: Vec<(Waiting, Job)>, bounds: Vec<Bound>) {
        for ((waiting, job), bound) in opened.into_iter().zip(bounds) {
            let (bundle, seq) = (job.sound.bundle.id(), bound.number().sequence);
            tracing::info!(%bundle, seq, bytes = job.bytes(), "bundle bound");
            self.ready.push_back(Ready {
                job,
                bound,
                priority: waiting.priority,
                asker: waiting.asker,
            });
        }
        self.put_standing();
    }

    /// The place of the first of the most urgent that are ready and fit.
    fn next_ready(&self, room: Room) -> Option<usize> {
        let fitting = self.ready.iter().enumerate();
        let fitting = fitting.filter(|(_, ready)| room.fits(ready.priority, ready.job.bytes()));
        fitting
            .max_by_key(|(at, ready)| (ready.priority, Reverse(*at)))
            .map(|(at, _)| at)
    }

    fn begin(&mut self, at: usize) -> Result<Option<Outgoing>, Complaint> {
        let (session, created) = (random_session()?, clock()?);
        let Some(ready) = self.ready.remove(at) else {
            return Ok(None);
        };
        let settings = settings(&self.config.link, session, ready.bound.number(), created);
        let id = self.next_id;
        self.next_id += 1;
        let (under_way, outgoing) = ready.begin(id, settings);
        self.under_way.insert(id, under_way);
        self.put_standing();
        Ok(Some(outgoing))
    }

    /// Writes down what is over, as one group, and tells of it.
    fn write_down(&mut self) {
        if self.patience.holds() {
            return;
        }
        let over = std::mem::take(&mut self.over);
        let Some((first, _)) = over.first() else { return };
        // What was sent is recorded, whatever became of the clock.
        let now = clock().unwrap_or(first.settings.created);
        let outcomes: Vec<_> = over.iter().map(|(under_way, ended)| under_way.outcome(ended)).collect();
        let written = {
            let entries: Vec<_> = (over.iter().zip(&outcomes))
                .map(|((under_way, _), outcome)| (&under_way.bound, outcome.clone()))
                .collect();
            self.state.ledger.end(&entries, now)
        };
        match &written {
            Ok(_) => self.patience.handle_room(),
            Err(error) if self.patience.takes(error) => {
                self.over = over;
                return;
            }
            Err(_) => {}
        }
        for (at, ((under_way, ended), outcome)) in over.iter().zip(&outcomes).enumerate() {
            let number = under_way.bound.number();
            let record = under_way.record(ended, outcome, self.pacing_cap, now);
            match (&ended.result, &written) {
                (Err(stop), _) => {
                    let total = under_way.job.forecast.datagrams();
                    let complaint = failure::stopped(stop, &under_way.job, number, &ended.tally, total);
                    if self.failure.is_some() && under_way.asker == Asker::Operator {
                        let path = under_way.job.sound.path.display();
                        self.also_stopped.push(format!("{path} (seq {})", number.sequence));
                    }
                    self.fail_for(under_way.asker, complaint, failure::is_of_bundle(stop));
                }
                (Ok(()), Err(error)) => {
                    let complaint = failure::not_recorded(&self.config.state, number, error);
                    self.fail_for(under_way.asker, complaint, false);
                }
                (Ok(()), Ok(_)) => {}
            }
            let log_index = written.as_ref().ok().and_then(|indices| indices.get(at).copied());
            self.tell(under_way.asker, &record, log_index, ended.result.is_ok());
        }
        self.put_standing();
        self.publish_sometimes();
    }

    fn publish_sometimes(&mut self) {
        if self.published.elapsed() >= PUBLISH_EVERY {
            self.publish();
        }
    }

    fn publish(&mut self) {
        self.published = Instant::now();
        match self.state.publish() {
            Ok(()) => self.unpublished = false,
            Err(error) if self.patience.is_endless() && error.is_full() => {
                if !self.unpublished {
                    tracing::warn!(%error, "the log could not be published; it is tried again");
                }
                self.unpublished = true;
            }
            Err(error) => self.fail(unusable_ledger(&self.config.state, &error)),
        }
        self.put_standing();
    }

    fn tell(&mut self, asker: Asker, record: &Record<'_>, log_index: Option<u64>, all_sent: bool) {
        let json = record.json(log_index);
        let text = all_sent.then(|| record.text());
        let printed = match asker {
            Asker::Client(id) => {
                self.clients.ended(id, json, text);
                return;
            }
            Asker::Operator if self.json => output::json_line(&json).and_then(|line| (self.print)(&line)),
            Asker::Operator => text.map_or(Ok(()), |text| (self.print)(&text)),
        };
        if let Err(complaint) = printed {
            self.fail(complaint);
        }
    }

    /// Gives up what was not begun for those askers: writes down that bundles which have their numbers are not sent now, for `reason`;
    /// tells clients; gives the paths of the operator's.
    fn give_up(&mut self, reason: &'static str, of: impl Fn(Asker) -> bool) -> Vec<PathBuf> {
        let (given_up, kept): (VecDeque<_>, _) = self.ready.drain(..).partition(|ready| of(ready.asker));
        self.ready = kept;
        let outcome = Outcome {
            session: None,
            blocks: 0,
            duration_ms: 0,
            stopped: Some((reason, "nothing of it was sent".to_owned())),
        };
        let entries: Vec<_> = (given_up.iter()).map(|ready| (&ready.bound, outcome.clone())).collect();
        if let Ok(now) = clock()
            && !entries.is_empty()
            && let Err(error) = self.state.ledger.end(&entries, now)
        {
            let complaint = unusable_ledger(&self.config.state, &error);
            self.fail(complaint);
        }
        let (waited, kept): (VecDeque<_>, _) = self.waiting.drain(..).partition(|waiting| of(waiting.asker));
        self.waiting = kept;
        self.unsettled |= !waited.is_empty();
        let ready = given_up.into_iter().map(|ready| (ready.asker, ready.job.sound.path));
        let waited = waited.into_iter().map(|waiting| (waiting.asker, waiting.path));
        let mut operators = Vec::new();
        for (asker, path) in ready.chain(waited) {
            match asker {
                Asker::Operator => operators.push(path),
                Asker::Client(id) => self.clients.not_begun(id, path),
            }
        }
        operators
    }
}

impl Supply for Dispatch<'_> {
    fn next(&mut self, room: Room) -> Option<Outgoing> {
        self.take_tasks();
        self.settle();
        if self.patience.is_due() {
            // What was sent first.
            self.write_down();
        }
        if self.patience.holds() {
            return None;
        }
        // What waits is bound when something of it may go before all that is ready.
        let waits = |waiting: &&Waiting| room.fits(waiting.priority, waiting.bytes);
        let urgent = self
            .waiting
            .iter()
            .take(GROUP)
            .find(waits)
            .map(|waiting| waiting.priority);
        let ready = self.next_ready(room).and_then(|at| self.ready.get(at));
        if self.failure.is_none() && urgent > ready.map(|ready| ready.priority) {
            self.bind_group();
        }
        if self.failure.is_some() {
            return None;
        }
        let at = self.next_ready(room)?;
        self.begin(at).unwrap_or_else(|complaint| {
            self.fail(complaint);
            None
        })
    }

    fn ended(&mut self, ended: Ended) {
        if self.over.is_empty() {
            self.over_since = Instant::now();
        }
        let failed = ended.result.is_err();
        if let Some(under_way) = self.under_way.remove(&ended.id) {
            self.over.push((under_way, ended));
        }
        let is_last = self.under_way.is_empty() && self.ready.is_empty();
        // Before the next begins, it must be known whether one may.
        if self.over.len() >= GROUP || is_last || failed {
            self.write_down();
        }
        self.put_standing();
    }

    fn tick(&mut self) {
        self.take_tasks();
        self.settle();
        self.allow_removals();
        if !self.over.is_empty() && self.over_since.elapsed() >= self.linger {
            self.write_down();
        }
    }
}

#[cfg(test)]
#[path = "dispatch_tests.rs"]
mod tests;
