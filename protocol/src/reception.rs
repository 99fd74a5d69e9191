//! Datagrams in, verified blocks out: the receiver's side of the link.
//!
//! ```text
//! handle_datagram ─▶ Open ──K symbols──▶ Solving ─▶ job run and content written, on any thread ──handle_solved──▶ Done
//!                     ▲ └ by session and block    │                                     │
//!                     └─────not determined────────┘◀────empty; 8 times a pass───────────┘ a leaf is not the signed one:
//!                                                                                         forged, or damaged past the CRC
//!
//! session:  announce verified ─▶ Opened ─▶ head complete ─▶ Head ──accept_head──▶ all blocks done ─▶ Complete
//!                                     └──── idle, refused, evicted, stopped ────▶ Ended
//! ```
//!
//! The driver does what an [`Output`] says: it creates files, runs [`SolveJob`]s and writes what they give, verifies heads with
//! [`verify_announced_head`]. Blocks that come before the head are written unverified, and their leaf hashes kept
//! until the head is accepted. Heartbeats, and the state of the link, are told as data.
//!
//! Always true:
//! - no memory is set aside for a session that no valid announce opened, and all sessions' reservations fit the budget;
//! - every content leaf of a `Complete` session equals the signed index and was written before;
//! - a datagram costs its own handling: what it can't be used for is counted in [`Counters`] and forgotten, and no more signatures are
//!   verified in a second than [`ReceptionLimits`] say.

mod allowance;
mod announce;
mod counters;
mod head;
mod heartbeat;
mod loss;
mod marks;
mod pool;
mod reservation;
mod session;
mod solving;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

pub use counters::Counters;
pub use head::verify_announced_head;
pub use loss::{Lost, Place};
pub use marks::ForgedBlocks;
pub use session::{ResumeJob, Resumed, Summary};
pub use solving::{SolveJob, Solved};

use crate::bundle::{LeafIndex, Refusal};
use crate::keys::{KeyId, PublicKey};
use crate::link::{LinkMonitor, LinkNews};
use crate::time::Tick;
use crate::wire::{Announce, Kind, Packet, SessionId, SignedAnnounce, SignedHeartbeat, claimed_kind};
use allowance::Allowance;
use announce::VerifiedAnnounce;
use loss::{LossMeter, Reading};
use pool::Pool;
use session::{Session, SymbolFate};

/// Sessions that are over and remembered, so that their late datagrams do not open them again.
const ENDED_KEPT: usize = 1024;

/// What a receiver may use.
#[derive(Debug, Clone, Copy)]
pub struct ReceptionLimits {
    /// Bytes for symbols, heads and leaf hashes of all sessions together.
    pub memory_bytes: u64,
    /// Sessions at once.
    pub sessions: usize,
    /// Lanes that are received.
    pub lanes: u8,
    /// Bytes of the largest bundle.
    pub bundle_bytes: u64,
    /// Milliseconds after which a session without a new symbol is over.
    pub idle_millis: u64,
    /// Signatures of announces that are verified in a second, and as many of heartbeats; see [`Self::SIGNATURES_PER_SECOND`].
    pub signatures_per_second: u32,
}

impl ReceptionLimits {
    /// A good [`signatures_per_second`](Self::signatures_per_second): more bundles than are admitted in a second, and a small part of
    /// a processor's time.
    pub const SIGNATURES_PER_SECOND: u32 = 2000;
}

/// What the driver has to do.
#[derive(Debug)]
pub enum Output {
    /// A session began: make a place for a file of the announce's [`Layout::file_len`](crate::layout::Layout::file_len) bytes.
    Opened {
        /// The session.
        session: SessionId,
        /// Its announce, boxed since it is far larger than the other outputs.
        announce: Box<SignedAnnounce>,
    },
    /// A block may be determined: run the job, write [`Solved::content`], hand the result to [`Reception::handle_solved`].
    Solve(Box<SolveJob>),
    /// A head is complete and equals the announced digest: verify it, then call [`Reception::accept_head`] or [`Reception::refuse`].
    Head {
        /// The session.
        session: SessionId,
        /// Envelope and leaf index.
        head: Bytes,
    },
    /// Head accepted, every leaf verified and written.
    Complete {
        /// The session.
        session: SessionId,
        /// What it took.
        summary: Summary,
    },
    /// The session is over without a bundle.
    Ended {
        /// The session.
        session: SessionId,
        /// Its announce.
        announce: Box<Announce>,
        /// Why.
        why: Ending,
        /// How far it came.
        summary: Summary,
    },
    /// Announces come by a link key that is not pinned: told once, until another one comes.
    UnknownLinkKey {
        /// What they say of the key; nothing proves it.
        key_id: KeyId,
    },
    /// The transmitter said how far it is, for the first time with this counter.
    Heartbeat(Box<SignedHeartbeat>),
    /// The state of the link changed, or its transmitter's state went backwards.
    Link(LinkNews),
    /// A validly announced session does not fit this receiver's settings, and was not opened.
    Mismatched {
        /// The session's announce.
        announce: Box<Announce>,
        /// The setting of this receiver that it exceeds.
        setting: &'static str,
        /// What it would need: bytes, or lanes.
        needs: u64,
        /// What the setting allows.
        allows: u64,
    },
}

/// Why a session ended without a bundle.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// No symbol came for too long.
    Idle,
    /// Another session needed its place.
    Evicted,
    /// The receiver stops.
    Stopped,
    /// A check failed.
    Refused(Refusal),
    /// The driver has no use for it, for a reason that is the driver's to tell.
    Dropped,
}

/// A datagram as it came.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// The lane that it came on, from 0.
    pub lane: usize,
    /// Its bytes, of any length and content.
    pub bytes: &'a [u8],
    /// Where those that are missing before it were lost, if any are.
    pub lost_at: Place,
}

impl<'a, B: AsRef<[u8]> + ?Sized> From<&'a B> for Incoming<'a> {
    fn from(bytes: &'a B) -> Self {
        Self {
            lane: 0,
            bytes: bytes.as_ref(),
            lost_at: Place::Link,
        }
    }
}

/// The receiver's state.
#[derive(Debug)]
pub struct Reception {
    link_keys: Vec<PublicKey>,
    limits: ReceptionLimits,
    sessions: BTreeMap<SessionId, Session>,
    ended: BTreeSet<SessionId>,
    ended_order: VecDeque<SessionId>,
    /// One for each lane.
    meters: Vec<LossMeter>,
    pool: Pool,
    counters: Counters,
    link: LinkMonitor,
    announces_verified: Allowance,
    heartbeats_verified: Allowance,
    /// An announce that was verified before it was handled.
    verified: Option<VerifiedAnnounce>,
    /// The last link key that was told for not being pinned, and when.
    stranger: Option<(KeyId, Tick)>,
    outputs: VecDeque<Output>,
}

impl Reception {
    /// A receiver that trusts announces by `link_keys`.
    #[must_use]
    pub fn new(link_keys: Vec<PublicKey>, limits: ReceptionLimits) -> Self {
        Self {
            link_keys,
            limits,
            sessions: BTreeMap::new(),
            ended: BTreeSet::new(),
            ended_order: VecDeque::new(),
            meters: (0..limits.lanes).map(|_| LossMeter::default()).collect(),
            pool: Pool::default(),
            counters: Counters::default(),
            link: LinkMonitor::default(),
            announces_verified: Allowance::new(limits.signatures_per_second),
            heartbeats_verified: Allowance::new(limits.signatures_per_second),
            verified: None,
            stranger: None,
            outputs: VecDeque::new(),
        }
    }

    /// What was received so far, by fate.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Sessions going on.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Whether `datagram` opens a session, and there is no place for one but another's.
    pub fn drives_out(&mut self, datagram: &[u8], now: Tick) -> bool {
        // Asked of every datagram: only what may be an announce is summed once more, and its signature is not verified twice.
        if self.sessions.len() < self.limits.sessions.max(1) || claimed_kind(datagram) != Some(Kind::Announce) {
            return false;
        }
        let Ok(Packet { header, body }) = Packet::parse(datagram) else {
            return false;
        };
        let id = header.session;
        if header.kind != Kind::Announce || self.sessions.contains_key(&id) || self.ended.contains(&id) {
            return false;
        }
        if !self.verified.as_ref().is_some_and(|verified| verified.is_of(id, body)) {
            let result = self.verify_announce(id, body, now);
            let body = body.to_vec();
            self.verified = Some(VerifiedAnnounce { id, body, result });
        }
        let verified = self.verified.as_ref();
        verified.is_some_and(|verified| matches!(verified.result, Some(Ok(_))))
    }

    /// Bytes set aside: what the sessions that go on may take, and buffers at rest. Never more than [`ReceptionLimits::memory_bytes`].
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.reserved().saturating_add(self.pool.bytes())
    }

    /// Blocks done and blocks in all, of a session that goes on.
    #[must_use]
    pub fn progress(&self, session: SessionId) -> Option<(u32, u32)> {
        self.sessions.get(&session).map(Session::progress)
    }

    /// When something of use came last of a session that goes on.
    #[must_use]
    pub fn last_progress(&self, session: SessionId) -> Option<Tick> {
        self.sessions.get(&session).map(Session::last_progress)
    }

    /// Blocks of a session that were received and are being solved, checked or written.
    #[must_use]
    pub fn solving(&self, session: SessionId) -> u32 {
        self.sessions.get(&session).map_or(0, Session::solving)
    }

    /// Datagrams that are missing between those that came, by place.
    #[must_use]
    pub fn lost(&self) -> Lost {
        let mut all = Lost::default();
        for meter in &self.meters {
            all += meter.lost();
        }
        all
    }

    /// Takes a datagram of any length and content.
    pub fn handle_datagram<'a>(&mut self, incoming: impl Into<Incoming<'a>>, now: Tick) {
        let Incoming { lane, bytes, lost_at } = incoming.into();
        self.counters.datagrams += 1;
        let packet = match Packet::parse(bytes) {
            Ok(packet) => packet,
            Err(error) => return self.handle_wire_error(error, now),
        };
        // What is neither of a session nor signed may bear any number: it counts only where it fits between those that are.
        let known = match packet.header.kind {
            Kind::Heartbeat => self.handle_heartbeat(packet.body, now),
            Kind::Announce | Kind::Symbol | Kind::Filler => self.sessions.contains_key(&packet.header.session),
        };
        if let Some(meter) = self.meters.get_mut(lane) {
            meter.count(packet.header.packet, known, lost_at);
        }
        match packet.header.kind {
            Kind::Heartbeat => {}
            Kind::Filler => self.counters.filler += 1,
            Kind::Announce => self.handle_announce(packet, now),
            Kind::Symbol => self.handle_symbol(packet, now),
        }
    }

    fn open(&mut self, id: SessionId, signed: SignedAnnounce, body: &[u8], now: Tick) {
        let file_len = signed.layout().file_len();
        let needs = reservation::of_session(&signed);
        for (setting, needs, allows) in [
            ("link.lanes", signed.announce().lanes.into(), self.limits.lanes.into()),
            ("limits.bundle_mib", file_len, self.limits.bundle_bytes),
            ("limits.memory_mib", needs, self.limits.memory_bytes),
        ] {
            if needs > allows {
                self.remember_ended(id);
                let announce = Box::new(signed.announce().clone());
                return self.outputs.push_back(Output::Mismatched {
                    announce,
                    setting,
                    needs,
                    allows,
                });
            }
        }
        while self.sessions.len() >= self.limits.sessions.max(1) || self.unreserved() < needs {
            let Some(victim) = self.victim() else { break };
            self.end(victim, Ending::Evicted);
        }
        // Room first, so that what is at rest and what is reserved fit the budget at every moment.
        self.pool.keep_within(self.unreserved().saturating_sub(needs));
        let session = Session::new(id, signed.clone(), body, self.reading(), now);
        self.sessions.insert(id, session);
        self.outputs.push_back(Output::Opened {
            session: id,
            announce: Box::new(signed),
        });
    }

    fn reserved(&self) -> u64 {
        self.sessions.values().map(Session::reserved).sum()
    }

    fn unreserved(&self) -> u64 {
        self.limits.memory_bytes.saturating_sub(self.reserved())
    }

    /// All lanes together.
    fn reading(&self) -> Reading {
        let mut all = Reading::default();
        for meter in &self.meters {
            all += meter.reading();
        }
        all
    }

    /// The session that gives way to a new one: without an accepted head first, of these without a symbol first, then the one without
    /// progress for longest.
    fn victim(&self) -> Option<SessionId> {
        let rank = |(_, session): &(&SessionId, &Session)| {
            let last_progress = session.last_progress();
            (session.has_head(), session.has_begun(), last_progress)
        };
        self.sessions.iter().min_by_key(rank).map(|(id, _)| *id)
    }

    fn handle_symbol(&mut self, packet: Packet<'_>, now: Tick) {
        let header = packet.header;
        let Some(session) = self.sessions.get_mut(&header.session) else {
            match self.ended.contains(&header.session) {
                true => self.counters.after_end += 1,
                false => self.counters.unknown_session += 1,
            }
            return;
        };
        match session.handle_symbol(header.block, header.esi, packet.body, now, &mut self.pool) {
            SymbolFate::Stored => self.counters.symbols += 1,
            SymbolFate::Solve(job) => {
                self.counters.symbols += 1;
                self.outputs.push_back(Output::Solve(job));
            }
            SymbolFate::Surplus => self.counters.surplus += 1,
            SymbolFate::Duplicate => self.counters.duplicates += 1,
            SymbolFate::OutOfBounds => self.counters.out_of_bounds += 1,
        }
    }

    /// Takes a job's result, whose [`content`](Solved::content) was written.
    pub fn handle_solved(&mut self, solved: Solved, now: Tick) {
        let id = solved.session();
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let memory = session.handle_solved(solved, now, &mut self.outputs, &mut self.counters);
        self.pool.give(memory, self.unreserved());
        self.complete(id);
        self.keep_within_budget();
    }

    /// A block that has to come again needs its memory again, which another session may have been given meanwhile.
    fn keep_within_budget(&mut self) {
        while self.reserved() > self.limits.memory_bytes
            && let Some(victim) = self.victim()
        {
            self.end(victim, Ending::Evicted);
        }
        self.pool.keep_within(self.unreserved());
    }

    /// Goes on with a session whose head was verified; `index` is that head's.
    pub fn accept_head(&mut self, id: SessionId, index: Arc<LeafIndex>, now: Tick) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.accept_head(index, now, &mut self.counters);
        self.complete(id);
        self.keep_within_budget();
    }

    /// Ends a session whose head, or whose number, was refused.
    pub fn refuse(&mut self, id: SessionId, refusal: Refusal) {
        self.end(id, Ending::Refused(refusal));
    }

    /// Ends a session that the driver has no use for.
    pub fn drop_session(&mut self, id: SessionId) {
        self.end(id, Ending::Dropped);
    }

    /// When [`handle_timeout`](Self::handle_timeout) should be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        let idle = self.limits.idle_millis;
        let sessions = self.sessions.values();
        let sessions = sessions.map(|session| session.last_progress().plus_millis(idle));
        sessions.chain(self.link.poll_timeout()).min()
    }

    /// Ends the sessions that are idle, and finds out whether the link is silent.
    pub fn handle_timeout(&mut self, now: Tick) {
        let idle = |session: &Session| now.millis_since(session.last_progress()) >= self.limits.idle_millis;
        let over: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, session)| idle(session))
            .map(|(id, _)| *id)
            .collect();
        for id in over {
            self.end(id, Ending::Idle);
        }
        self.link.handle_timeout(now);
        self.tell_link();
    }

    /// Ends all sessions: the receiver stops.
    pub fn stop(&mut self) {
        while let Some(id) = self.sessions.keys().next().copied() {
            self.end(id, Ending::Stopped);
        }
    }

    /// Whether there is something to do.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn complete(&mut self, id: SessionId) {
        let reading = self.reading();
        if let Some(session) = self.sessions.get(&id)
            && session.is_complete()
        {
            let summary = session.summary(reading);
            self.sessions.remove(&id);
            self.remember_ended(id);
            self.outputs.push_back(Output::Complete { session: id, summary });
        }
    }

    fn end(&mut self, id: SessionId, why: Ending) {
        let Some(session) = self.sessions.remove(&id) else {
            return;
        };
        // One that gave way before it began may be announced again.
        if why != Ending::Evicted || session.has_begun() {
            self.remember_ended(id);
        }
        // A block that was there and failed its leaves says more than its absence.
        let why = match (why, session.forged()) {
            (Ending::Idle, Some(refusal)) => Ending::Refused(refusal),
            (why, _) => why,
        };
        let summary = session.summary(self.reading());
        let announce = Box::new(session.announce().clone());
        self.outputs.push_back(Output::Ended {
            session: id,
            announce,
            why,
            summary,
        });
    }

    fn remember_ended(&mut self, id: SessionId) {
        if self.ended.insert(id) {
            self.ended_order.push_back(id);
        }
        if self.ended_order.len() > ENDED_KEPT
            && let Some(oldest) = self.ended_order.pop_front()
        {
            self.ended.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests;
