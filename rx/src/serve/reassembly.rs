//! The reassembly thread: drives [`Reception`], keeps the workers busy, and hands complete bundles to the registrar.
//!
//! ```text
//! sockets ──parcels──▶ Reception ──SolveJob, Head──▶ workers (decode, hash, verify, write) ──Done──▶ Reception
//!                         └─Opened: replay, place in the spool, or what an earlier one left             └─Complete──▶ registrar
//! ```
//!
//! Workers that have enough to do are no reason to wait: the work is done here.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use audit::event::State;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, TrySendError, select};
use protocol::bundle::VerifiedHead;
use protocol::keys::KeyId;
use protocol::link::LinkNews;
use protocol::reception::{Counters, Ending, Incoming, Lost, Output, Place, Reception, Summary};
use protocol::time::{Tick, UnixMillis};
use protocol::wire::{Announce, Heartbeat, SessionId, SignedAnnounce};
use scanner::quarantine::{Forgotten, Quarantine, QuarantineError, SpoolFile};

use super::registrar::Task;
use super::socket::{Inlet, Parcel};
use super::workers::{self, Done, Work};
use crate::authority::Authority;
use crate::clock::{Ticker, Wall, wall_micros};
use crate::ledger::{Ledger, Replay, Standing};
use crate::status::{Completed, Gauges, LinkStatus, SessionStatus};

mod again;
mod heads;
mod resuming;

pub use self::again::HeadAgain;
use self::again::HeadOnly;

/// How often idle sessions are looked for.
const PATROL: Duration = Duration::from_millis(50);

/// How often it is looked whether the disk still has room for what is under way.
const DISK_EVERY_MS: u64 = 1000;

/// How often it is shown how far it is.
const GAUGE_EVERY_MS: u64 = 100;

/// What reassembly tells the registrar.
#[derive(Debug)]
pub enum News {
    /// A validly announced transmission began.
    Opened(SessionId, Announce),
    /// A bundle is complete and verified, and lies in the spool.
    Complete(Box<Arrival>, Summary),
    /// A transmission ended without a bundle; whether what came of it is kept.
    Ended(Box<Announce>, SessionId, Ending, Summary, bool),
    /// A bundle that is held came again with another head, which is verified.
    Countersigned(Box<HeadAgain>),
    /// What an incomplete transmission had left gave way to something else.
    Forgotten(Forgotten),
    /// A transmission was turned away at its announce.
    Replayed(Box<Announce>, SessionId, Replay),
    /// A transmission would be set aside in this state, and there is no room for it.
    NoRoom(Box<Announce>, SessionId, State),
    /// A transmission can't be stored.
    Unstorable(Box<Announce>, SessionId, QuarantineError),
    /// A head can't be judged: trust can't be read.
    Unjudged(Box<Announce>, SessionId, String),
    /// Announces come by a link key that is not pinned.
    UnknownLinkKey(KeyId),
    /// A transmission does not fit the settings.
    Mismatched(Box<Announce>, String),
    /// The link's state changed, or its transmitter's went backwards.
    Link(LinkNews),
    /// The transmitter said how far it is; with it those transmissions that it is done with, and that are still under way here.
    Heartbeat(Box<Heartbeat>, Vec<UnderWay>),
}

/// How far a transmission is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnderWay {
    /// Its sequence number.
    pub sequence: u64,
    /// Blocks that are done.
    pub blocks_done: u32,
    /// Blocks that are being solved, checked or written.
    pub solving: u32,
    /// Blocks in all.
    pub blocks: u32,
}

impl UnderWay {
    /// Whether nothing more need come of it.
    #[must_use]
    pub fn came_whole(&self) -> bool {
        self.blocks_done.saturating_add(self.solving) >= self.blocks
    }
}

/// A bundle that is complete.
#[derive(Debug)]
pub struct Arrival {
    /// Its session.
    pub session: SessionId,
    /// Its announce.
    pub announce: Announce,
    /// Its bytes, not synced yet.
    pub spool: SpoolFile,
    /// Its verified head.
    pub head: VerifiedHead,
}

#[derive(Debug)]
struct Arriving {
    announce: SignedAnnounce,
    /// Shared with the workers that write to it.
    spool: Arc<SpoolFile>,
    head: Option<VerifiedHead>,
}

/// The driver of a [`Reception`].
#[derive(Debug)]
pub(super) struct Reassembly {
    pub(super) reception: Reception,
    pub(super) quarantine: Arc<Quarantine>,
    pub(super) authority: Authority,
    pub(super) ledger: Arc<RwLock<Ledger>>,
    pub(super) work: Sender<Work>,
    pub(super) done: Receiver<Done>,
    pub(super) tasks: Sender<Task>,
    pub(super) ticker: Ticker,
    pub(super) wall: Wall,
    arriving: BTreeMap<SessionId, Arriving>,
    /// Those of which the bundle is here already, and its signatures may be new.
    heads: BTreeMap<SessionId, HeadOnly>,
    resuming: resuming::Resuming,
    /// What the workers have and have not handed back.
    under_way: usize,
    gauges: Arc<Gauges>,
    gauged: Tick,
    /// When the disk was looked at last.
    measured: Tick,
}

/// The ends of the channels around reassembly.
#[derive(Debug)]
pub(super) struct Channels {
    pub(super) work: Sender<Work>,
    pub(super) done: Receiver<Done>,
    pub(super) tasks: Sender<Task>,
    pub(super) gauges: Arc<Gauges>,
}

impl Reassembly {
    pub(super) fn new(
        reception: Reception,
        quarantine: Arc<Quarantine>,
        authority: Authority,
        ledger: Arc<RwLock<Ledger>>,
        channels: Channels,
    ) -> Self {
        let Channels {
            work,
            done,
            tasks,
            gauges,
        } = channels;
        let (ticker, arriving) = (Ticker::start(), BTreeMap::new());
        Self {
            reception,
            quarantine,
            authority,
            ledger,
            work,
            done,
            tasks,
            ticker,
            wall: Wall::default(),
            arriving,
            heads: BTreeMap::new(),
            resuming: resuming::Resuming::default(),
            under_way: 0,
            gauges,
            gauged: Tick(0),
            measured: Tick(0),
        }
    }

    /// Runs until the socket threads are gone; then reports what was under way as incomplete.
    pub(super) fn run(mut self, inlet: &Inlet) -> (Counters, Lost) {
        let done = self.done.clone();
        loop {
            match inlet.filled.try_recv() {
                Ok(parcel) => self.take_parcel(parcel, inlet),
                Err(TryRecvError::Disconnected) => break,
                // Waiting for both is dear, and on a busy link seldom needed.
                Err(TryRecvError::Empty) => select! {
                    recv(inlet.filled) -> parcel => match parcel {
                        Err(_) => break,
                        Ok(parcel) => self.take_parcel(parcel, inlet),
                    },
                    recv(done) -> done => if let Ok(done) = done {
                        self.take_done(done);
                    },
                    default(PATROL) => {}
                },
            }
            for done in done.try_iter() {
                self.take_done(done);
            }
            let now = self.patrol();
            if now.millis_since(self.measured) >= DISK_EVERY_MS {
                self.measure_disk(now);
            }
            if now.millis_since(self.gauged) >= GAUGE_EVERY_MS {
                self.gauge(now);
            }
        }
        self.finish_working();
        self.stop()
    }

    /// Ends what is idle, and does what is to be done; says when that was.
    pub(super) fn patrol(&mut self) -> Tick {
        let now = self.ticker.now();
        if self.reception.poll_timeout().is_some_and(|due| due <= now) {
            self.reception.handle_timeout(now);
        }
        self.act();
        self.resume_some();
        self.tell_forgotten();
        now
    }

    /// Ends what is under way, and tells of it.
    pub(super) fn stop(&mut self) -> (Counters, Lost) {
        self.reception.stop();
        self.act();
        self.tell_forgotten();
        (*self.reception.counters(), self.reception.lost())
    }

    /// Gives up what the disk has no room for any more, since others filled it: one after another, until there is room for the rest. The room
    /// of what a worker still has is free only once it has let go: whether more must go, the next look shows.
    fn measure_disk(&mut self, now: Tick) {
        self.measured = now;
        while let Some((session, error)) = self.most_dispensable() {
            let of_workers = self
                .arriving
                .get(&session)
                .map(|arriving| Arc::strong_count(&arriving.spool));
            self.give_up(session, error);
            if of_workers.is_some_and(|holders| holders > 1) {
                return;
            }
        }
    }

    /// Of what the disk has no room for, and of which something is still to come: what has no verified head before what has one, of these
    /// what got on least recently.
    fn most_dispensable(&self) -> Option<(SessionId, QuarantineError)> {
        let short = self.arriving.iter().filter_map(|(session, arriving)| {
            let error = arriving.spool.check_reserve().err()?;
            let under_way = self.under_way_of(*session, arriving)?;
            let rank = (arriving.head.is_some(), self.reception.last_progress(*session));
            (!under_way.came_whole()).then_some((rank, *session, error))
        });
        let (_, session, error) = short.min_by_key(|(rank, ..)| *rank)?;
        Some((session, error))
    }

    /// Shows how far it is.
    fn gauge(&mut self, now: Tick) {
        self.gauged = now;
        let sessions = self.arriving.iter().filter_map(|(session, arriving)| {
            let announce = arriving.announce.announce();
            let (blocks_done, blocks) = self.reception.progress(*session)?;
            Some(SessionStatus {
                session: session.to_string(),
                bundle: announce.bundle,
                seq: announce.number.sequence,
                blocks_done,
                blocks,
            })
        });
        let sessions = sessions.collect();
        let mut link = LinkStatus::of(self.reception.link(), now);
        if let (Some(sender), Some(latest)) = (&mut link.sender, self.reception.link().latest()) {
            let ledger = self.ledger.read().unwrap_or_else(PoisonError::into_inner);
            sender.not_accepted = !ledger.misses(latest.heartbeat().epoch);
        }
        self.gauges.update(|live| {
            live.link = link;
            (live.lost, live.counters) = (self.reception.lost(), *self.reception.counters());
            live.sessions = sessions;
        });
    }

    fn take_parcel(&mut self, parcel: Parcel, inlet: &Inlet) {
        let Parcel { lane, batch } = parcel;
        let now = self.ticker.now();
        for received in batch.datagrams() {
            let lost_at = match (received.after_overflow, received.after_discard) {
                (true, true) => Place::Queue,
                (true, false) => Place::Socket,
                (false, _) => Place::Link,
            };
            let bytes = received.bytes;
            self.take_datagram(Incoming { lane, bytes, lost_at }, now);
        }
        inlet.give_back(batch);
    }

    pub(super) fn take_datagram(&mut self, incoming: Incoming<'_>, now: Tick) {
        self.make_place(incoming.bytes, now);
        self.reception.handle_datagram(incoming, now);
        // At once: a batch holds more than the half of the window that is free for what comes.
        if self.reception.has_output() {
            self.act();
        }
    }

    /// Whether workers have something of which it would be waited for before this datagram is taken.
    pub(super) fn waits_before(&mut self, datagram: &[u8], now: Tick) -> bool {
        let arriving = self.arriving.values().map(|arriving| &arriving.announce);
        let announces = arriving.chain(self.heads.values().map(|again| &again.announce));
        let windows = announces.map(|announce| window(announce.announce()));
        let is_full = self.under_way >= windows.min().unwrap_or(1);
        self.under_way > 0 && (is_full || self.reception.drives_out(datagram, now))
    }

    /// Waits, before a session is opened that would drive another one out, for what the workers have: that may end one.
    fn make_place(&mut self, datagram: &[u8], now: Tick) {
        while self.under_way > 0
            && self.reception.drives_out(datagram, now)
            && let Ok(done) = self.done.recv()
        {
            self.take_done(done);
            self.act();
        }
    }

    pub(super) fn take_done(&mut self, done: Done) {
        self.under_way = self.under_way.saturating_sub(1);
        match done {
            Done::Solved(solved, Ok(())) => self.reception.handle_solved(*solved, self.ticker.now()),
            Done::Solved(solved, Err(error)) => self.give_up(solved.session(), error),
            Done::Head(session, verified) => self.take_head(session, *verified),
            Done::KeptHead(session, verified) => self.take_kept_head(session, verified),
            Done::Resumed(resumed) => {
                self.reception.handle_resumed(&resumed, self.ticker.now());
                self.look_on(resumed.session());
            }
            Done::Failed(session) => {
                let why = "a worker panicked: this is a defect, please report it";
                self.leave_unjudged(session, why.to_owned());
            }
        }
    }

    /// What the workers still have may complete a bundle.
    fn finish_working(&mut self) {
        let patience = Duration::from_millis(500);
        self.stop_resuming();
        while self.reception.sessions() > 0 || self.waits_for_looks() {
            match self.done.recv_timeout(patience) {
                Ok(done) => {
                    self.take_done(done);
                    self.act();
                    self.resume_some();
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn act(&mut self) {
        while let Some(output) = self.reception.poll_output() {
            match output {
                Output::Opened { session, announce } => self.open(session, *announce),
                Output::Solve(job) => {
                    // Without its file the session is given up.
                    if let Some(arriving) = self.arriving.get(&job.session()) {
                        let spool = Arc::clone(&arriving.spool);
                        let most = window(arriving.announce.announce());
                        self.hand_out(Work::Solve(job, Some(spool)), most);
                    } else if let Some(again) = self.heads.get(&job.session()) {
                        let most = window(again.announce.announce());
                        self.hand_out(Work::Solve(job, None), most);
                    }
                }
                Output::Head { session, head } => self.check_head(session, head),
                Output::Complete { session, summary } => self.complete(session, summary),
                Output::Ended {
                    session,
                    announce,
                    why,
                    summary,
                } => self.end_incomplete(announce, session, why, summary),
                Output::Heartbeat(signed) => self.hear(signed.heartbeat()),
                Output::Link(news) => self.tell(News::Link(news)),
                Output::UnknownLinkKey { key_id } => self.tell(News::UnknownLinkKey(key_id)),
                Output::Mismatched {
                    announce,
                    setting,
                    needs,
                    allows,
                } => {
                    let unit = if setting.ends_with("_mib") { " bytes" } else { "" };
                    let detail = format!("{setting} allows {allows}{unit}, this transmission needs {needs}{unit}");
                    self.tell(News::Mismatched(announce, detail));
                }
            }
        }
    }

    fn hear(&self, heartbeat: &Heartbeat) {
        let is_left = |announce: &Announce| {
            announce.number.epoch == heartbeat.epoch && announce.number.sequence < heartbeat.sent_below
        };
        let arriving = self.arriving.iter().filter_map(|(session, arriving)| {
            is_left(arriving.announce.announce()).then(|| self.under_way_of(*session, arriving))?
        });
        // Here, and not told yet.
        let complete = self.waiting_for_looks().filter(|(announce, _)| is_left(announce));
        let complete = complete.map(|(announce, blocks)| UnderWay {
            sequence: announce.number.sequence,
            blocks_done: blocks,
            solving: 0,
            blocks,
        });
        let under_way = arriving.chain(complete).collect();
        self.tell(News::Heartbeat(Box::new(heartbeat.clone()), under_way));
    }

    fn under_way_of(&self, session: SessionId, arriving: &Arriving) -> Option<UnderWay> {
        let (blocks_done, blocks) = self.reception.progress(session)?;
        Some(UnderWay {
            sequence: arriving.announce.announce().number.sequence,
            blocks_done,
            solving: self.reception.solving(session),
            blocks,
        })
    }

    fn open(&mut self, session: SessionId, signed: SignedAnnounce) {
        let file_len = signed.layout().file_len();
        if let Some(news) = self.turn_away(signed.announce(), session, file_len) {
            match self.may_countersign(signed.announce()) {
                true => self.open_head(session, signed),
                false => self.reception.drop_session(session),
            }
            return self.tell(news);
        }
        self.begin(session, signed);
    }

    /// The later of the system's clock and the log's newest entry.
    fn now(&self) -> UnixMillis {
        self.wall
            .now()
            .max(self.ledger.read().unwrap_or_else(PoisonError::into_inner).newest())
    }

    /// What to tell of a transmission that is not received.
    fn turn_away(&self, announce: &Announce, session: SessionId, file_len: u64) -> Option<News> {
        let ledger = self.ledger.read().unwrap_or_else(PoisonError::into_inner);
        let standing = ledger.standing(announce.bundle, announce.number);
        let full = standing.aside().filter(|state| !ledger.has_room(*state, 0, file_len));
        let announce = || Box::new(announce.clone());
        match (standing, full) {
            (Standing::Closed(replay), _) => Some(News::Replayed(announce(), session, replay)),
            (_, Some(state)) => Some(News::NoRoom(announce(), session, state)),
            _ => None,
        }
    }

    /// Hands work to the workers, of whose blocks `most` may be under way: what is being solved has half of a session's window, so
    /// that the other half is always free for what comes. Until then nothing is taken from the sockets, whose queue waits.
    fn hand_out(&mut self, work: Work, most: usize) {
        while self.under_way >= most
            && let Ok(done) = self.done.recv()
        {
            self.take_done(done);
        }
        self.under_way += 1;
        match self.work.try_send(work) {
            Ok(()) => {}
            Err(TrySendError::Full(work) | TrySendError::Disconnected(work)) => {
                for done in workers::run_all(vec![work], &self.authority) {
                    self.take_done(done);
                }
            }
        }
    }

    fn complete(&mut self, session: SessionId, summary: Summary) {
        if let Some(arriving) = self.arriving.remove(&session) {
            self.hand_over(session, arriving, summary);
        }
    }

    /// Gives a bundle of which all was written to the registrar.
    fn hand_over(&mut self, session: SessionId, arriving: Arriving, summary: Summary) {
        let Arriving { announce, spool, head } = arriving;
        // A session is complete only once its head was accepted; without one there is nothing to admit.
        let Some(head) = head else { return };
        let spool = match Arc::try_unwrap(spool) {
            Ok(spool) => spool,
            Err(spool) if spool.was_kept() => {
                let head = Some(head);
                return self.wait_for_looks(session, Arriving { announce, spool, head }, summary);
            }
            Err(spool) => {
                // Every block was handed back, and whoever hands back has let go.
                spool.discard();
                let announce = Box::new(announce.announce().clone());
                let why = "its file is still written to: this is a defect, please report it".to_owned();
                return self.tell(News::Unjudged(announce, session, why));
            }
        };
        let announce = announce.announce().clone();
        let completed = Completed {
            bundle: announce.bundle,
            seq: announce.number.sequence,
            bytes: announce.content_len,
            duration_ms: summary.last_progress.millis_since(summary.opened),
            loss_ppm: summary.loss_ppm,
            at_us: wall_micros(),
        };
        self.gauges.update(|live| {
            live.completed += 1;
            live.last = Some(completed);
        });
        self.forget_kept(&announce);
        self.tell(News::Complete(
            Box::new(Arrival {
                session,
                announce,
                spool,
                head,
            }),
            summary,
        ));
    }

    /// Gives up a session of which nothing can be said.
    fn leave_unjudged(&mut self, session: SessionId, why: String) {
        let Some(announce) = self.announced(session) else {
            return;
        };
        let (blocks_done, _) = self.reception.progress(session).unwrap_or_default();
        // First of all: a `Complete` that is queued already must find nothing to admit.
        self.put_away(session, blocks_done);
        self.reception.drop_session(session);
        self.tell(News::Unjudged(announce, session, why));
    }

    /// Gives up a session that can't be stored, and its room.
    fn give_up(&mut self, session: SessionId, error: QuarantineError) {
        let Some(announce) = self.announced(session) else {
            return;
        };
        // As above.
        if let Some(arriving) = self.arriving.remove(&session) {
            arriving.spool.discard();
        }
        self.reception.drop_session(session);
        self.tell(News::Unstorable(announce, session, error));
    }

    fn announced(&self, session: SessionId) -> Option<Box<Announce>> {
        let arriving = self.arriving.get(&session)?;
        Some(Box::new(arriving.announce.announce().clone()))
    }

    fn tell(&self, news: News) {
        // The registrar outlives reassembly; if it failed, the receiver is stopping.
        let _ = self.tasks.send(Task::News(news));
    }
}

/// Blocks of a session that the workers may have at once: half of those that may be open.
fn window(announce: &Announce) -> usize {
    usize::from(announce.depth) * usize::from(announce.lanes)
}

#[cfg(test)]
mod tests;
