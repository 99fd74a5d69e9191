//! The reassembly thread: drives [`Reception`], writes the spool, verifies heads, and hands complete bundles to the registrar.
//!
//! ```text
//! socket ──parcels──▶ Reception ──SolveJob──▶ decoders ──Solved──▶ Reception ──Write──▶ spool
//!                        │ Head: signatures, trust, replay             └─Complete──▶ registrar (syncs, admits)
//! ```
//!
//! A decode queue that is full is no reason to wait: the job is run here.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, select};
use protocol::bundle::{Prefix, VerifiedHead};
use protocol::keys::KeyId;
use protocol::reception::{Counters, Ending, Output, Reception, SolveJob, Solved, Summary, verify_announced_head};
use protocol::time::UnixMillis;
use protocol::wire::{Announce, SessionId, SignedAnnounce};
use scanner::quarantine::{Quarantine, QuarantineError, SpoolFile};

use super::registrar::Task;
use super::socket::Inlet;
use crate::authority::Authority;
use crate::clock::{Ticker, wall};
use crate::ledger::{Ledger, Replay};

/// How often idle sessions are looked for.
const PATROL: Duration = Duration::from_millis(50);

/// What reassembly tells the registrar.
#[derive(Debug)]
pub enum News {
    /// A validly announced transmission began.
    Opened(Announce),
    /// A bundle is complete and verified, and lies in the spool.
    Complete(Box<Arrival>, Summary),
    /// A transmission ended without a bundle.
    Ended(Box<Announce>, SessionId, Ending, Summary),
    /// A transmission was turned away at its announce.
    Replayed(Box<Announce>, SessionId, Replay),
    /// A transmission can't be stored.
    Unstorable(Box<Announce>, SessionId, QuarantineError),
    /// A head can't be judged: trust can't be read.
    Unjudged(Box<Announce>, SessionId, String),
    /// Announces come by a link key that is not pinned.
    UnknownLinkKey(KeyId),
    /// A transmission does not fit the settings.
    Mismatched(Box<Announce>, String),
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
    spool: SpoolFile,
    head: Option<VerifiedHead>,
}

/// The driver of a [`Reception`].
#[derive(Debug)]
pub(super) struct Reassembly {
    pub(super) reception: Reception,
    pub(super) quarantine: Arc<Quarantine>,
    pub(super) authority: Authority,
    pub(super) ledger: Arc<RwLock<Ledger>>,
    pub(super) jobs: Sender<Box<SolveJob>>,
    pub(super) solved: Receiver<Solved>,
    pub(super) tasks: Sender<Task>,
    pub(super) ticker: Ticker,
    arriving: BTreeMap<SessionId, Arriving>,
}

/// The ends of the channels around reassembly.
#[derive(Debug)]
pub(super) struct Channels {
    pub(super) jobs: Sender<Box<SolveJob>>,
    pub(super) solved: Receiver<Solved>,
    pub(super) tasks: Sender<Task>,
}

impl Reassembly {
    pub(super) fn new(
        reception: Reception,
        quarantine: Arc<Quarantine>,
        authority: Authority,
        ledger: Arc<RwLock<Ledger>>,
        channels: Channels,
    ) -> Self {
        let Channels { jobs, solved, tasks } = channels;
        let (ticker, arriving) = (Ticker::start(), BTreeMap::new());
        Self {
            reception,
            quarantine,
            authority,
            ledger,
            jobs,
            solved,
            tasks,
            ticker,
            arriving,
        }
    }

    /// Runs until the socket thread is gone; then reports what was under way as incomplete.
    pub(super) fn run(mut self, inlet: &Inlet) -> Counters {
        let solved = self.solved.clone();
        loop {
            select! {
                recv(inlet.filled) -> parcel => match parcel {
                    Err(_) => break,
                    Ok(parcel) => {
                        for solved in solved.try_iter() {
                            self.reception.handle_solved(solved);
                        }
                        let now = self.ticker.now();
                        for datagram in parcel.datagrams() {
                            self.reception.handle_datagram(datagram, now);
                        }
                        inlet.give_back(parcel);
                    }
                },
                recv(solved) -> solved => if let Ok(solved) = solved {
                    self.reception.handle_solved(solved);
                },
                default(PATROL) => {}
            }
            if self
                .reception
                .poll_timeout()
                .is_some_and(|due| due <= self.ticker.now())
            {
                self.reception.handle_timeout(self.ticker.now());
            }
            self.act();
        }
        self.finish_decoding();
        self.reception.stop();
        self.act();
        *self.reception.counters()
    }

    /// What the decoders still have may complete a bundle.
    fn finish_decoding(&mut self) {
        let patience = Duration::from_millis(500);
        while self.reception.sessions() > 0 {
            match self.solved.recv_timeout(patience) {
                Ok(solved) => {
                    self.reception.handle_solved(solved);
                    self.act();
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn act(&mut self) {
        while let Some(output) = self.reception.poll_output() {
            match output {
                Output::Opened { session, announce } => self.open(session, *announce),
                Output::Solve(job) => self.solve(job),
                Output::Head { session, head } => self.check_head(session, &head),
                Output::Write { session, offset, bytes } => self.write(session, offset, &bytes),
                Output::Complete { session, summary } => self.complete(session, summary),
                Output::Ended {
                    session,
                    announce,
                    why,
                    summary,
                } => {
                    self.discard(session);
                    if why != Ending::Dropped {
                        self.tell(News::Ended(announce, session, why, summary));
                    }
                }
                Output::UnknownLinkKey { key_id } => self.tell(News::UnknownLinkKey(key_id)),
                Output::Mismatched {
                    announce,
                    setting,
                    needs,
                    allows,
                } => {
                    let detail = format!("{setting} allows {allows} bytes, this transmission needs {needs}");
                    self.tell(News::Mismatched(announce, detail));
                }
            }
        }
    }

    fn open(&mut self, session: SessionId, signed: SignedAnnounce) {
        let announce = signed.announce().clone();
        if let Err(replay) = self.check_replay(&announce) {
            self.reception.drop_session(session);
            return self.tell(News::Replayed(Box::new(announce), session, replay));
        }
        match self.quarantine.begin(session, signed.layout().file_len()) {
            Ok(spool) => {
                self.arriving.insert(
                    session,
                    Arriving {
                        announce: signed,
                        spool,
                        head: None,
                    },
                );
                self.tell(News::Opened(announce));
            }
            Err(error) => self.give_up(session, &announce, error),
        }
    }

    /// The later of the system's clock and the log's newest entry.
    fn now(&self) -> UnixMillis {
        wall().max(self.ledger.read().unwrap_or_else(PoisonError::into_inner).newest())
    }

    fn check_replay(&self, announce: &Announce) -> Result<(), Replay> {
        let ledger = self.ledger.read().unwrap_or_else(PoisonError::into_inner);
        ledger.check(announce.bundle, announce.number)
    }

    fn solve(&mut self, job: Box<SolveJob>) {
        match self.jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => self.reception.handle_solved(job.run()),
        }
    }

    fn check_head(&mut self, session: SessionId, head: &Bytes) {
        let Some(arriving) = self.arriving.get(&session) else {
            return;
        };
        let announce = arriving.announce.announce().clone();
        let trust = match self.authority.trust() {
            Ok(trust) => trust,
            Err(error) => {
                self.discard(session);
                self.reception.drop_session(session);
                return self.tell(News::Unjudged(Box::new(announce), session, error.to_string()));
            }
        };
        let now = self.now();
        let Some(arriving) = self.arriving.get_mut(&session) else {
            return;
        };
        let verified = match verify_announced_head(&announce, head, &trust, self.authority.receiver(), now) {
            Ok(verified) => verified,
            Err(refusal) => return self.reception.refuse(session, refusal),
        };
        let index_len = announce.head_len - announce.envelope_len;
        let prefix = Prefix {
            envelope_len: announce.envelope_len,
            index_len,
        }
        .emit();
        let spool = &arriving.spool;
        // From here the author stands for the size: the room is taken now rather than missed in the middle.
        let written = spool.allocate().and_then(|()| spool.write_at(0, &prefix));
        let written = written.and_then(|()| spool.write_at(prefix.len() as u64, head));
        if let Err(error) = written {
            return self.give_up(session, &announce, error);
        }
        let index = verified.index().clone();
        arriving.head = Some(verified);
        self.reception.accept_head(session, index);
    }

    fn write(&mut self, session: SessionId, offset: u64, bytes: &Bytes) {
        let Some(arriving) = self.arriving.get_mut(&session) else {
            return;
        };
        if let Err(error) = arriving.spool.write_at(offset, bytes) {
            let announce = arriving.announce.announce().clone();
            self.give_up(session, &announce, error);
        }
    }

    fn complete(&mut self, session: SessionId, summary: Summary) {
        let Some(Arriving { announce, spool, head }) = self.arriving.remove(&session) else {
            return;
        };
        // A session is complete only once its head was accepted; without one there is nothing to admit.
        let Some(head) = head else { return };
        let announce = announce.announce().clone();
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

    fn give_up(&mut self, session: SessionId, announce: &Announce, error: QuarantineError) {
        // First of all: a `Complete` that is queued already must find nothing to admit.
        self.discard(session);
        self.reception.drop_session(session);
        self.tell(News::Unstorable(Box::new(announce.clone()), session, error));
    }

    fn discard(&mut self, session: SessionId) {
        if let Some(arriving) = self.arriving.remove(&session) {
            arriving.spool.discard();
        }
    }

    fn tell(&self, news: News) {
        // The registrar outlives reassembly; if it failed, the receiver is stopping.
        let _ = self.tasks.send(Task::News(news));
    }
}

#[cfg(test)]
mod tests;
