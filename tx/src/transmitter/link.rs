//! Bundles onto the link: which part of which transmission each lane sends next.
//!
//! ```text
//!  Supply ──Outgoing──▶ Active × few ──EncodeJob──▶ Coder (threads) ──Coded──▶ Active
//!                         └─ most urgent part ──▶ lane 0, lane 1 … (threads) ──Sent──▶ Active ──Ended──▶ Supply
//! ```
//!
//! What a transmission wants between two of its parts, a gap, is filled by others as long as there are some, else by filler. So
//! thousands of small bundles follow each other without padding, and a small one passes between the groups of a large one that is no
//! more urgent. A large one goes when the large one under way has ended, however urgent it is: then the most urgent of those that wait.
//!
//! Always true:
//! - a lane has two groups or [`PARTS_AHEAD`] parts to send at most, so that what overtakes waits for no more than that;
//! - memory is two groups of blocks a lane and transmission under way;
//! - one large bundle is under way at most, in whatever state: a receiver sets a whole window aside for each, and may give up the older;
//! - nothing begins between a bundle's failure and the supply's word on it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicU16;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, never, select};
use hw::HwError;
use protocol::digest::Digest;
use protocol::fec::{BlockBuffers, FecError};
use protocol::keys::SigningKey;
use protocol::transmission::{BundleShape, Coded, Part, Settings, TransmissionError};

use super::active::{Active, Next, packets_of};
use super::coder::{self, Coder};
use super::lane::{Clock, LaneSender, PartSent, Sink};
use super::priority::Priority;
use super::watch::{Tally, Watch};
use crate::bundle_file::{BundleFile, BundleFileError};

/// Why a bundle was not sent to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    /// The operator said so.
    #[error("interrupted")]
    Interrupted,
    /// What is in the file is not what was signed, or can't be read.
    #[error(transparent)]
    Bundle(#[from] BundleFileError),
    /// The link does not take the datagrams.
    #[error(transparent)]
    Link(#[from] HwError),
    /// Bundle and settings do not fit.
    #[error(transparent)]
    Settings(#[from] TransmissionError),
    /// A block could not be coded.
    #[error(transparent)]
    Code(FecError),
    /// A worker thread died, which is a fault of this program.
    #[error("a worker thread ended by a fault of this program")]
    WorkersGone,
}

/// A bundle to be sent.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// What it is called between link and supply.
    pub(super) id: u64,
    pub(super) bundle: Arc<BundleFile>,
    pub(super) settings: Settings,
    pub(super) priority: Priority,
    /// Where the pass is noted that goes on, from 1.
    pub(super) pass: Arc<AtomicU16>,
}

/// A bundle's transmission, ended in one way or another.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) id: u64,
    /// What was sent.
    pub(super) tally: Tally,
    /// From the first packet to the time when the next one could have left.
    pub(super) nanos: u64,
    /// Why it ended before its end, if it did.
    pub(super) result: Result<(), Stop>,
}

/// What there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Whatever comes next.
    Any,
    /// A small bundle of this urgency or a higher one: a large bundle is under way.
    Overtaking(Priority),
}

impl Room {
    /// Whether a bundle of this urgency with so many bytes of content may begin.
    pub(super) fn fits(self, priority: Priority, bytes: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Overtaking(least) => priority >= least && bytes <= SMALL,
        }
    }
}

/// Content of a bundle that counts as small, in bytes.
pub(super) const SMALL: u64 = 1 << 20;

/// Where bundles come from, and where it is told what became of them.
pub(super) trait Supply {
    /// The next bundle, if there is one that fits.
    fn next(&mut self, room: Room) -> Option<Outgoing>;
    /// A bundle is over.
    fn ended(&mut self, ended: Ended);
    /// A moment has passed.
    fn tick(&mut self) {}
}

/// What the threads tell.
#[derive(Debug)]
pub(super) enum Event {
    /// A block came back from the workers.
    Coded {
        /// Of which transmission.
        id: u64,
        result: Result<Coded, Stop>,
    },
    /// A part was sent.
    Sent {
        lane: usize,
        /// Of which transmission; filler is of none.
        id: Option<u64>,
        part: Part,
        sent: PartSent,
    },
}

/// What a lane was given.
enum Fed {
    Given,
    /// Everyone under way waits for so many packets of others.
    Gap(u64),
    Nothing,
}

#[derive(Debug)]
struct Order {
    id: Option<u64>,
    part: Part,
    fresh: bool,
}

/// A link of one or more lanes, with its threads.
#[derive(Debug)]
pub(super) struct Link {
    lanes: Vec<LaneBook>,
    threads: Vec<JoinHandle<()>>,
    coder: Coder,
    events: Receiver<Event>,
    active: Vec<Active>,
    buffers: Vec<BlockBuffers>,
    watch: Arc<Watch>,
    symbol_len: u16,
}

/// What is known of a lane's thread.
#[derive(Debug)]
struct LaneBook {
    orders: Sender<Order>,
    /// Packets given to it so far.
    assigned: u64,
    parts: usize,
    groups: usize,
    /// Nothing was under way when it last ran dry.
    idle: bool,
}

impl LaneBook {
    fn has_room(&self) -> bool {
        self.parts < PARTS_AHEAD && self.groups < GROUPS_AHEAD
    }

    fn give(&mut self, id: Option<u64>, part: Part) {
        self.parts += 1;
        self.assigned += packets_of(&part);
        self.groups += usize::from(matches!(part, Part::Group(_)));
        let fresh = std::mem::take(&mut self.idle);
        // There is a place for each; without its thread, whoever watches the threads says so.
        let _ = self.orders.send(Order { id, part, fresh });
    }

    fn handle_sent(&mut self, part: &Part) {
        self.parts = self.parts.saturating_sub(1);
        self.groups -= usize::from(matches!(part, Part::Group(_)) && self.groups > 0);
    }
}

/// Groups that a lane may have to send: the one that it is at, and the next.
const GROUPS_AHEAD: usize = 2;
/// Parts that a lane may have to send.
const PARTS_AHEAD: usize = 16;
/// Bundles under way at once; receivers hold eight by default.
const MAX_ACTIVE: usize = 6;
/// Filler before the first bundle.
const WARM_UP_DATAGRAMS: u32 = 32;
/// How long nothing may happen before the word to stop is looked at again.
const PATIENCE: Duration = Duration::from_millis(50);

impl Link {
    /// Starts the threads of a link with these lanes.
    ///
    /// # Errors
    /// The system's, if it has no more threads.
    pub(super) fn start<S, C>(
        senders: Vec<LaneSender<S, C>>,
        symbol_len: u16,
        watch: &Arc<Watch>,
    ) -> std::io::Result<Self>
    where
        S: Sink + 'static,
        C: Clock + 'static,
    {
        let (tell, events) = bounded(coder::ROOM + senders.len() * PARTS_AHEAD);
        let (mut lanes, mut threads) = (Vec::new(), Vec::new());
        for (number, mut sender) in senders.into_iter().enumerate() {
            let (orders, to_send) = bounded::<Order>(PARTS_AHEAD);
            let (tell, watch) = (tell.clone(), Arc::clone(watch));
            threads.push(thread::Builder::new().name("lane".to_owned()).spawn(move || {
                serve_lane(&mut sender, number, &to_send, &tell, &watch);
            })?);
            lanes.push(LaneBook {
                orders,
                assigned: 0,
                parts: 0,
                groups: 0,
                idle: true,
            });
        }
        Ok(Self {
            lanes,
            threads,
            coder: Coder::start(&tell)?,
            events,
            active: Vec::new(),
            buffers: Vec::new(),
            watch: Arc::clone(watch),
            symbol_len,
        })
    }

    /// Sends filler as long as the longest datagrams to come: real links lose the first packets after a silence, and an interface
    /// that doesn't carry the length says so before anything is promised.
    ///
    /// # Errors
    /// What stopped it.
    pub(super) fn warm_up(&mut self) -> Result<(), Stop> {
        for lane in &mut self.lanes {
            let part = Part::Gap {
                packets: WARM_UP_DATAGRAMS,
                filler_len: self.symbol_len,
            };
            lane.give(None, part);
        }
        while self.lanes.iter().any(|lane| lane.parts > 0) {
            if let Some(Event::Sent { lane, part, sent, .. }) = self.wait()? {
                if let Some(lane) = self.lanes.get_mut(lane) {
                    lane.handle_sent(&part);
                    lane.idle = true;
                }
                sent.result?;
            }
        }
        Ok(())
    }

    /// Sends all that `supply` has. What fails is told to it with the bundle that failed.
    ///
    /// # Errors
    /// [`Stop::WorkersGone`] if a thread ended by a fault of this program: what was under way is then told as ended too.
    pub(super) fn run(&mut self, supply: &mut dyn Supply, key: &SigningKey) -> Result<(), Stop> {
        loop {
            if self.watch.go_on().is_err() {
                self.active.iter_mut().for_each(|active| active.fail(Stop::Interrupted));
            }
            self.take_on(supply, key);
            self.submit_jobs();
            self.feed_lanes(supply, key);
            self.retire(supply);
            if self.active.is_empty() {
                self.lanes.iter_mut().for_each(|lane| lane.idle = true);
                if !self.take_on(supply, key) {
                    return Ok(());
                }
                continue;
            }
            let first = self.wait().inspect_err(|_| self.abandon(supply))?;
            for event in first.into_iter().chain(self.events.try_iter().collect::<Vec<_>>()) {
                self.handle(event);
            }
            supply.tick();
        }
    }

    /// Ends the threads.
    pub(super) fn finish(self) {
        let Self { lanes, threads, .. } = self;
        drop(lanes);
        for thread in threads {
            // Its panics are caught.
            let _ = thread.join();
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Coded { id, result } => {
                self.coder.handle_back();
                if let Some(active) = self.active.iter_mut().find(|active| active.id == id) {
                    active.handle_coded(result);
                }
            }
            Event::Sent { lane, id, part, sent } => {
                if let Some(book) = self.lanes.get_mut(lane) {
                    book.handle_sent(&part);
                }
                if let Some(active) = self.active.iter_mut().find(|active| Some(active.id) == id) {
                    let buffers = active.handle_sent(lane, Some(part), sent);
                    self.buffers.extend(buffers);
                } else if let Err(stop) = sent.result
                    && let Some(active) = self.active.first_mut()
                {
                    // Filler that can't be sent stops those that it was for.
                    active.fail(stop);
                }
            }
        }
    }

    /// Takes on bundles that there is room for; says whether there was one. What has failed is told before anything new begins.
    fn take_on(&mut self, supply: &mut dyn Supply, key: &SigningKey) -> bool {
        let mut any = false;
        let may_begin = self.watch.go_on().is_ok() && !self.active.iter().any(Active::has_failed);
        while may_begin && self.active.len() < MAX_ACTIVE {
            let room = self.room();
            let Some(outgoing) = supply.next(room) else { break };
            any = true;
            let id = outgoing.id;
            match Active::begin(outgoing, key) {
                Ok(active) => {
                    let place = self.active.partition_point(|other| other.rank <= active.rank);
                    self.active.insert(place, active);
                    self.submit_jobs();
                }
                Err(stop) => supply.ended(Ended {
                    id,
                    tally: Tally::default(),
                    nanos: 0,
                    result: Err(stop),
                }),
            }
        }
        any
    }

    /// What may begin now.
    fn room(&self) -> Room {
        let assigned = |lane: usize| self.lanes.get(lane).map_or(0, |book| book.assigned);
        match self.active.iter().find(|active| active.is_large()) {
            None => Room::Any,
            // What it leaves of the lanes anybody may have who is small.
            Some(large) if large.gives_way(assigned) => Room::Overtaking(Priority::Bulk),
            Some(large) => Room::Overtaking(large.priority()),
        }
    }

    fn submit_jobs(&mut self) {
        // Nothing more is read of what failed.
        for active in self.active.iter_mut().filter(|active| !active.has_failed()) {
            while self.coder.has_room()
                && let Some(job) = active.transmission.poll_job()
            {
                active.handle_submitted();
                let buffers = self.buffers.pop().unwrap_or_default();
                self.coder.submit(active.id, Arc::clone(&active.bundle), job, buffers);
            }
        }
    }

    fn feed_lanes(&mut self, supply: &mut dyn Supply, key: &SigningKey) {
        for lane in 0..self.lanes.len() {
            loop {
                match self.feed(lane) {
                    Fed::Given => {}
                    Fed::Nothing => break,
                    Fed::Gap(_) if self.take_on(supply, key) => {}
                    Fed::Gap(packets) => self.give_filler(lane, packets),
                }
            }
        }
    }

    /// Gives `lane` its next part, if it has room for one and there is one.
    fn feed(&mut self, lane: usize) -> Fed {
        let Some(book) = self.lanes.get_mut(lane).filter(|book| book.has_room()) else {
            return Fed::Nothing;
        };
        let (mut gap, mut soon) = (None::<u64>, false);
        for active in &mut self.active {
            match active.poll(lane, book.assigned) {
                Next::Part(part) => {
                    book.give(Some(active.id), part);
                    return Fed::Given;
                }
                Next::Gap(packets) => gap = Some(gap.map_or(packets, |least| least.min(packets))),
                Next::Soon => soon = true,
                Next::Over => {}
            }
        }
        // Whoever is soon ready fills the gap.
        match gap {
            Some(packets) if !soon => Fed::Gap(packets),
            _ => Fed::Nothing,
        }
    }

    fn give_filler(&mut self, lane: usize, packets: u64) {
        let part = Part::Gap {
            packets: u32::try_from(packets).unwrap_or(u32::MAX).min(FILLER_AT_ONCE),
            filler_len: self.symbol_len,
        };
        if let Some(book) = self.lanes.get_mut(lane) {
            book.give(None, part);
        }
    }

    /// Tells what is over.
    fn retire(&mut self, supply: &mut dyn Supply) {
        while let Some(at) = self.active.iter().position(Active::is_over) {
            supply.ended(self.active.remove(at).end());
        }
    }

    /// Ends all, after a fault.
    fn abandon(&mut self, supply: &mut dyn Supply) {
        for mut active in std::mem::take(&mut self.active) {
            active.fail(Stop::WorkersGone);
            supply.ended(active.end());
        }
    }

    /// The next event, if there is one soon.
    fn wait(&self) -> Result<Option<Event>, Stop> {
        match self.events.recv_timeout(PATIENCE) {
            Ok(event) => Ok(Some(event)),
            Err(_) if self.coder.is_broken() || self.threads.iter().any(JoinHandle::is_finished) => {
                Err(Stop::WorkersGone)
            }
            Err(_) => Ok(None),
        }
    }
}

/// Sends what a lane is given, and its heartbeats, until nothing more can come.
fn serve_lane<S: Sink, C: Clock>(
    sender: &mut LaneSender<S, C>,
    number: usize,
    orders: &Receiver<Order>,
    tell: &Sender<Event>,
    watch: &Watch,
) {
    sender.prepare_thread();
    let (mut heartbeats, mut gone) = (sender.heartbeats(), false);
    loop {
        if std::mem::take(&mut gone) {
            heartbeats = never();
        }
        select! {
            recv(orders) -> order => {
                let Ok(order) = order else { break };
                if tell.send(send(sender, number, order, watch)).is_err() {
                    return;
                }
            }
            recv(heartbeats) -> body => match body {
                Ok(body) => sender.send_heartbeat(&body),
                Err(_) => gone = true,
            }
        }
    }
    // What was said last is to be heard.
    heartbeats.try_iter().for_each(|body| sender.send_heartbeat(&body));
}

fn send<S: Sink, C: Clock>(sender: &mut LaneSender<S, C>, lane: usize, order: Order, watch: &Watch) -> Event {
    let Order { id, part, fresh } = order;
    let sent = catch_unwind(AssertUnwindSafe(|| sender.send_part(&part, fresh, watch)));
    let sent = sent.unwrap_or_else(|_| PartSent {
        tally: Tally::default(),
        began: 0,
        free_at: 0,
        result: Err(Stop::WorkersGone),
    });
    Event::Sent { lane, id, part, sent }
}

/// Filler that is given to a lane at once: what comes meanwhile need not wait for more.
const FILLER_AT_ONCE: u32 = 64;

/// What an announce says of a bundle.
pub(super) fn shape_of(bundle: &BundleFile) -> BundleShape {
    let statement = bundle.statement();
    BundleShape {
        bundle: bundle.id(),
        envelope_len: bundle.prefix().envelope_len,
        // A head is 32 MiB at the most, which was checked when it was read.
        head_len: u32::try_from(bundle.head().len()).unwrap_or(u32::MAX),
        head_sha256: Digest::of(bundle.head()),
        content_len: statement.content_len,
        content_root: statement.content_root,
        leaf_len: statement.leaf_len,
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
