//! The transmitter: a queue of bundles, numbered by the real ledger, coded by the real transmissions, a few under way at once.
//!
//! ```text
//! waiting ──bind──▶ under way ──parts, as the dice choose──▶ link ◀── heartbeats, by the real heart
//!    ▲                  └──all sent──▶ over ──end──▶ gone
//!    └── crash: what was not sent to its end is sent again
//! ```
//!
//! Always true of a heartbeat: every number under its `sent_below` has had its last packet, and `next` is one more than the highest that was given.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use audit::event::{Event, EventKind};
use bytes::Bytes;
use protocol::digest::{BundleId, Digest};
use protocol::fec::{BlockBuffers, Redundancy};
use protocol::keys::{PublicKey, SigningKey};
use protocol::merkle::leaf_hash;
use protocol::time::UnixMillis;
use protocol::transmission::{BundleShape, Lane, Part, Polled, Settings, Transmission, link_parameters};
use protocol::wire::{HEADER_LEN, Heartbeat, LinkNumber, LinkParameters, SessionId, SignedHeartbeat};
use tx::transmitter::book::{Book, BookError, BookHeart, Entry};

use super::Side;
use super::bundles::{Bundle, LEAF_LEN, START};
use super::disk::FaultyDisk;
use super::fault::{Attack, Fault, NewState};
use super::link::Link;
use super::receiver::LANES;
use super::record::Record;
use super::state::State;
use super::trace::Trace;
use super::violation::{Invariant, Violation};
use crate::relay::dice::Dice;

/// Bundles under way at once.
const UNDER_WAY: usize = 3;
/// Times in a row that the ledger may fail to open, or another state to be made, while faults strike.
const TRIES: usize = 64;
/// From one heartbeat to the next.
const INTERVAL_MILLIS: u32 = 1000;

/// What is sent.
#[derive(Debug, Clone)]
struct Item {
    bundle: usize,
    attack: Option<Attack>,
}

/// A bundle under way.
#[derive(Debug)]
struct Sending {
    item: Item,
    entry: Entry,
    session: SessionId,
    file: Bytes,
    transmission: Transmission,
    /// Lanes over which not all is sent.
    lanes: Vec<usize>,
}

/// The tx host.
#[derive(Debug)]
pub(super) struct Transmitter {
    disk: FaultyDisk,
    state: State,
    book: Option<(Book, BookHeart)>,
    /// Whether numbers may be open that a process before left so, and that nobody is going to send.
    unsettled: bool,
    link_key: PublicKey,
    /// When the next heartbeat is due.
    beat_at: u64,
    waiting: VecDeque<Item>,
    under_way: Vec<Sending>,
    over: Vec<(Entry, SessionId)>,
    lanes: Vec<Lane>,
    symbol_len: u16,
    redundancy: Redundancy,
    parameters: LinkParameters,
    passes: u16,
    buffers: Vec<BlockBuffers>,
    clock_millis: i64,
    dice: Dice,
    /// What its log acknowledged.
    record: Record,
    /// Numbers that were given, by bundle and the other way.
    given: BTreeMap<BundleId, u64>,
    owners: BTreeMap<u64, BundleId>,
    /// Numbers under which all was sent once, or will not be sent.
    sent: BTreeSet<u64>,
    /// What valid announces said: nothing else may be admitted.
    pub(super) announced: BTreeSet<(LinkNumber, BundleId)>,
}

pub(super) fn link_key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

impl Transmitter {
    /// A transmitter that has these bundles to send.
    pub(super) fn new(seed: u64, bundles: &[usize], faults: &[(usize, Fault)]) -> Result<Self, Violation> {
        let mut dice = Dice::new(seed, 3);
        let mut disk = FaultyDisk::new(seed);
        let failed = |error: &dyn std::fmt::Display| Invariant::Alive.broken(format!("no transmitter: {error}"));
        let state = State::make(seed, &disk, START).map_err(|error| failed(&error))?;
        disk.arm(Side::Tx, faults);
        let depth = 1 + dice.below(4) as u16;
        let (loss, burst) = ([0.0, 0.01, 0.05][dice.below(3) as usize], dice.below(8) as u32);
        let redundancy = Redundancy::new(loss, burst, 1e-3, depth).map_err(|error| failed(&error))?;
        let mut waiting: VecDeque<_> = (bundles.iter().copied())
            .map(|bundle| Item { bundle, attack: None })
            .collect();
        for (at, attack) in faults.iter().filter_map(|(_, fault)| match fault {
            Fault::Attack(at, attack) => Some((*at, *attack)),
            _ => None,
        }) {
            let item = Item {
                bundle: bundles.get(at % bundles.len().max(1)).copied().unwrap_or(0),
                attack: Some(attack),
            };
            waiting.insert(at.min(waiting.len()), item);
        }
        let count = 1 + dice.below(u64::from(LANES));
        let lanes: Vec<_> = (0..count).map(|_| Lane::new(dice.below(1 << 32) as u32)).collect();
        let symbol_len = [64, 256, 512, 512][dice.below(4) as usize];
        let passes = 1 + (dice.below(4) / 3) as u16;
        let parameters = link_parameters(LEAF_LEN as u32, symbol_len, &redundancy, passes, lanes.len() as u8);
        Ok(Self {
            disk,
            state,
            book: None,
            unsettled: true,
            link_key: link_key().public(),
            beat_at: 0,
            waiting,
            under_way: Vec::new(),
            over: Vec::new(),
            lanes,
            symbol_len,
            redundancy,
            parameters: parameters.map_err(|error| failed(&error))?,
            passes,
            buffers: Vec::new(),
            clock_millis: 0,
            dice,
            record: Record::new("tx"),
            given: BTreeMap::new(),
            owners: BTreeMap::new(),
            sent: BTreeSet::new(),
            announced: BTreeSet::new(),
        })
    }

    /// Whether everything was sent.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty() && self.over.is_empty()
    }

    /// Has these sent again.
    pub(super) fn send_again(&mut self, bundles: impl IntoIterator<Item = usize>) {
        self.waiting
            .extend(bundles.into_iter().map(|bundle| Item { bundle, attack: None }));
    }

    /// Nothing goes wrong from now on: the process ends, and what is sent next begins another.
    pub(super) fn heal(&mut self) {
        self.book = None;
        self.disk.heal();
    }

    /// The number that a bundle has in the present state, if it was given one.
    pub(super) fn number_of(&self, id: &BundleId) -> Option<LinkNumber> {
        let epoch = self.state.epoch();
        let sequence = *self.given.get(id)?;
        Some(LinkNumber { epoch, sequence })
    }

    /// The epoch, and the number that the next bundle gets in it.
    pub(super) fn next_number(&self) -> LinkNumber {
        LinkNumber {
            epoch: self.state.epoch(),
            sequence: self.owners.last_key_value().map_or(1, |(highest, _)| highest + 1),
        }
    }

    /// Sets its clock by so many milliseconds.
    pub(super) fn set_clock(&mut self, by_millis: i64) {
        self.clock_millis = self.clock_millis.saturating_add(by_millis);
    }

    fn now(&self, ticks: u64) -> UnixMillis {
        UnixMillis((START.0 + ticks).saturating_add_signed(self.clock_millis))
    }

    /// Sends a heartbeat, if one is due.
    pub(super) fn beat(&mut self, ticks: u64, link: &mut Link, trace: &mut Trace) -> Result<(), Violation> {
        if ticks < self.beat_at {
            return Ok(());
        }
        let now = self.now(ticks);
        if self.book.is_none() {
            self.open(now, trace)?;
        }
        if let Err(error) = self.close_forsaken(now) {
            return self.end(&error, trace);
        }
        self.take_record()?;
        let Some((book, heart)) = &mut self.book else {
            return Ok(());
        };
        let under_way = self.under_way.iter().map(|sending| &sending.entry);
        let body = match book.beat(heart, under_way, now) {
            Ok(body) => body,
            Err(error) => return self.end(&error, trace),
        };
        let body = body.ok_or_else(|| Invariant::Alive.broken("no heartbeat can be made"))?;
        self.check_beat(&body, trace)?;
        if let Some(first) = self.lanes.first_mut() {
            link.send_beat(datagram(first.heartbeat(&body), &body), trace);
        }
        self.beat_at = ticks + u64::from(INTERVAL_MILLIS);
        Ok(())
    }

    /// As a transmitter does that knows all that it is going to send.
    fn close_forsaken(&mut self, now: UnixMillis) -> Result<(), BookError> {
        let Some((book, _)) = self.book.as_mut().filter(|_| self.unsettled) else {
            return Ok(());
        };
        let under_way = self.under_way.iter().map(|sending| &sending.item);
        let waiting = self
            .waiting
            .iter()
            .chain(under_way)
            .map(|item| Bundle::of(item.bundle).id);
        let over = self.over.iter().map(|(entry, _)| entry.bundle());
        book.close_others(&waiting.chain(over).collect::<Vec<_>>(), now)?;
        self.unsettled = false;
        Ok(())
    }

    /// What a heartbeat says must be so.
    fn check_beat(&self, body: &[u8], trace: &mut Trace) -> Result<(), Violation> {
        let signed = SignedHeartbeat::open(body, std::slice::from_ref(&self.link_key));
        let signed =
            signed.map_err(|error| Invariant::Alive.broken(format!("a receiver refuses a heartbeat: {error}")))?;
        let Heartbeat {
            epoch,
            counter,
            next,
            sent_below,
            in_flight,
            ..
        } = signed.heartbeat();
        trace.note(format_args!(
            "tx heartbeat {counter}: next {next}, all below {sent_below} sent"
        ));
        let not_sent = self.owners.keys().find(|sequence| !self.sent.contains(sequence));
        let is_sent = not_sent.is_none_or(|not_sent| sent_below <= not_sent);
        let is_next = self.next_number()
            == LinkNumber {
                epoch: *epoch,
                sequence: *next,
            };
        let is_flying = (in_flight.iter()).all(|one| self.owners.get(&one.sequence) == Some(&one.bundle));
        match is_sent && is_next && is_flying {
            true => Ok(()),
            false => Err(Invariant::Number.broken(format!(
                "{:?}, and the first that is not sent is {not_sent:?}, the next {:?}",
                signed.heartbeat(),
                self.next_number()
            ))),
        }
    }

    /// Takes a backup of its state.
    pub(super) fn back_up(&mut self, step: u64) {
        self.state.back_up(step, &self.disk);
    }

    /// Its state is gone, and it goes on with another.
    pub(super) fn replace_state(&mut self, by: NewState, ticks: u64, trace: &mut Trace) -> Result<(), Violation> {
        self.leave();
        for _ in 0..TRIES {
            match self.state.replace(by, &self.disk, self.now(ticks)) {
                Ok(()) => {
                    trace.note(format_args!("tx epoch {:016x}", self.state.epoch()));
                    self.record = Record::new("tx");
                    self.given.clear();
                    self.owners.clear();
                    self.sent.clear();
                    return Ok(());
                }
                Err(error) if !self.disk.has_failed() => {
                    return Err(Invariant::Alive.broken(format!("no other state can be made: {error}")));
                }
                Err(error) => {
                    let how = self.disk.end_process();
                    trace.note(format_args!("tx has no state, {how}: {error}"));
                }
            }
        }
        Err(Invariant::Alive.broken("no other state was made in so many tries as there are faults"))
    }

    /// Does the next of what there is to do, at so many milliseconds since the start.
    pub(super) fn step(&mut self, ticks: u64, link: &mut Link, trace: &mut Trace) -> Result<(), Violation> {
        let now = self.now(ticks);
        if self.book.is_none() {
            self.open(now, trace)?;
        }
        let room = self.under_way.len() < UNDER_WAY && !self.waiting.is_empty();
        let done = if room && (self.under_way.is_empty() || self.dice.below(8) == 0) {
            self.begin(now, trace)?
        } else if self.under_way.is_empty() || (self.over.len() >= 4 && self.dice.below(8) == 0) {
            self.write_down(now)
        } else {
            self.send_part(link, trace)?;
            return Ok(());
        };
        match done {
            Ok(()) => self.take_record(),
            Err(error) => self.end(&error, trace),
        }
    }

    /// The final look: the log is whole, and says all that it acknowledged.
    pub(super) fn check(&mut self, now: UnixMillis, trace: &mut Trace) -> Result<(), Violation> {
        self.book = None;
        self.disk.cut_now(super::fault::Keep::Nothing);
        self.open(now, trace)
    }

    fn open_book(&self, now: UnixMillis) -> Result<(Book, BookHeart), String> {
        let book = self.state.open(&self.disk, now).map_err(|error| error.to_string())?;
        let counters = self.state.folder(&self.disk);
        let heart = book.heart(counters, link_key(), self.parameters, INTERVAL_MILLIS);
        Ok((book, heart.map_err(|error| error.to_string())?))
    }

    fn open(&mut self, now: UnixMillis, trace: &mut Trace) -> Result<(), Violation> {
        for _ in 0..TRIES {
            match self.open_book(now) {
                Ok((book, heart)) => {
                    for event in self.record.compare(book.entries(0))? {
                        self.note_bound(&event)?;
                    }
                    let verified = self.record.verify(&*self.state.folder(&self.disk));
                    self.book = Some((book, heart));
                    self.unsettled = true;
                    return verified;
                }
                Err(error) if !self.disk.has_failed() => {
                    return Err(Invariant::Log.broken(format!("the transmitter does not start: {error}")));
                }
                Err(error) => {
                    let how = self.disk.end_process();
                    trace.note(format_args!("tx did not start, {how}: {error}"));
                }
            }
        }
        Err(Invariant::Alive.broken("the transmitter did not start in so many tries as there are faults"))
    }

    /// Takes note of what the log acknowledged; each number keeps its bundle.
    fn take_record(&mut self) -> Result<(), Violation> {
        let Some((book, _)) = &self.book else { return Ok(()) };
        let fresh = self.record.take(book.entries(self.record.len()))?;
        for event in fresh {
            self.note_bound(&event)?;
        }
        Ok(())
    }

    fn note_bound(&mut self, event: &Event) -> Result<(), Violation> {
        match (event.event, event.seq, event.bundle) {
            (EventKind::BundleBound, Some(sequence), Some(id)) => self.own(sequence, id)?,
            (EventKind::BundleSent | EventKind::BundleStopped, Some(sequence), _) => _ = self.sent.insert(sequence),
            _ => {}
        }
        Ok(())
    }

    fn own(&mut self, sequence: u64, id: BundleId) -> Result<(), Violation> {
        let (before, other) = (self.owners.insert(sequence, id), self.given.insert(id, sequence));
        if before.is_some_and(|before| before != id) || other.is_some_and(|other| other != sequence) {
            let what = format!("number {sequence} is given to bundle {id}, {before:?} had it, which had {other:?}");
            return Err(Invariant::Number.broken(what));
        }
        Ok(())
    }

    /// Binds and begins the next bundles.
    fn begin(&mut self, now: UnixMillis, trace: &mut Trace) -> Result<Result<(), BookError>, Violation> {
        let count = 1 + self.dice.below(3) as usize;
        let items: Vec<_> = self.waiting.iter().take(count).cloned().collect();
        let ids: Vec<_> = items.iter().map(|item| Bundle::of(item.bundle).id).collect();
        let Some((book, _)) = &mut self.book else {
            return Ok(Ok(()));
        };
        let entries = match book.bind(&ids, now) {
            Ok(entries) => entries,
            Err(error) => return Ok(Err(error)),
        };
        self.take_record()?;
        for (item, entry) in items.into_iter().zip(entries) {
            self.waiting.pop_front();
            let bundle = Bundle::of(item.bundle);
            let own = entry.number();
            // Bound before its first packet leaves: from here on it may.
            self.own(own.sequence, bundle.id)?;
            let number = match item.attack {
                Some(Attack::Thief) => LinkNumber {
                    sequence: 1 + self.dice.below(own.sequence + 2),
                    ..own
                },
                _ => own,
            };
            self.begin_one(item, entry, number, now, trace)?;
        }
        Ok(Ok(()))
    }

    fn begin_one(
        &mut self,
        item: Item,
        entry: Entry,
        number: LinkNumber,
        now: UnixMillis,
        trace: &mut Trace,
    ) -> Result<(), Violation> {
        let bundle = Bundle::of(item.bundle);
        let session = SessionId(1 + self.dice.below(u64::MAX - 1));
        trace.note(format_args!(
            "tx begins session {session}: seq {} bundle {}",
            number.sequence, bundle.id
        ));
        let (shape, file) = match item.attack {
            None | Some(Attack::Thief) => (bundle.shape.clone(), Bytes::from_static(&bundle.file)),
            Some(attack) => altered(bundle, attack),
        };
        let settings = Settings {
            session,
            number,
            symbol_len: self.symbol_len,
            redundancy: self.redundancy,
            passes: self.passes,
            lanes: self.lanes.len() as u8,
            created: now,
        };
        let transmission = Transmission::new(&shape, &settings, &link_key());
        let transmission = transmission.map_err(|error| Invariant::Alive.broken(format!("{error}: {shape:?}")))?;
        self.announced.insert((number, bundle.id));
        self.under_way.push(Sending {
            entry,
            item,
            session,
            file,
            transmission,
            lanes: (0..self.lanes.len()).collect(),
        });
        Ok(())
    }

    /// Writes down what was sent, and publishes.
    fn write_down(&mut self, now: UnixMillis) -> Result<(), BookError> {
        let Some((book, _)) = &mut self.book else { return Ok(()) };
        if !self.over.is_empty() {
            book.end(&self.over, now)?;
            self.over.clear();
        }
        book.publish()
    }

    /// Sends the next part of one that is under way.
    fn send_part(&mut self, link: &mut Link, trace: &mut Trace) -> Result<(), Violation> {
        let at = self.dice.below(self.under_way.len() as u64) as usize;
        let Some(sending) = self.under_way.get_mut(at) else {
            return Ok(());
        };
        while let Some(job) = sending.transmission.poll_job() {
            let mut buffers = self.buffers.pop().unwrap_or_default();
            let place = job.place(&mut buffers);
            let start = usize::try_from(job.file_offset()).unwrap_or(usize::MAX);
            let bytes = sending
                .file
                .get(start..start.saturating_add(place.len()))
                .unwrap_or_default();
            place.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            let coded = job
                .run(buffers)
                .map_err(|error| Invariant::Alive.broken(error.to_string()))?;
            sending.transmission.handle_coded(coded);
        }
        let turn = self.dice.below(sending.lanes.len() as u64) as usize;
        let number = sending.lanes.get(turn).copied().unwrap_or(0);
        let Some(lane) = self.lanes.get_mut(number) else {
            return Ok(());
        };
        match sending.transmission.poll_part(number) {
            Polled::Part(Part::Gap { .. }) | Polled::Starved => {}
            Polled::Part(Part::Announces {
                session, body, count, ..
            }) => {
                for _ in 0..count {
                    link.send(number, datagram(lane.announce(session, &body), &body), trace);
                }
            }
            Polled::Part(Part::Group(group)) => {
                for symbol in group.symbols() {
                    let header = lane.symbol(group.session(), &symbol);
                    link.send(number, datagram(header, symbol.bytes), trace);
                }
                sending.transmission.handle_sent(number);
                self.buffers.extend(group.into_buffers());
            }
            Polled::Finished if sending.lanes.len() > 1 => _ = sending.lanes.remove(turn),
            Polled::Finished => {
                let Sending { entry, session, .. } = self.under_way.remove(at);
                self.sent.insert(entry.number().sequence);
                self.over.push((entry, session));
            }
        }
        Ok(())
    }

    /// The process is at its end: what it had under way is to be sent again.
    fn end(&mut self, error: &dyn std::fmt::Display, trace: &mut Trace) -> Result<(), Violation> {
        self.take_record()?;
        if !self.disk.has_failed() {
            return Err(Invariant::Alive.broken(format!("the transmitter ends without a cause: {error}")));
        }
        self.leave();
        let how = self.disk.end_process();
        trace.note(format_args!("tx {how}: {error}"));
        Ok(())
    }

    /// Drops what the process knew.
    fn leave(&mut self) {
        self.book = None;
        self.over.clear();
        for sending in std::mem::take(&mut self.under_way).into_iter().rev() {
            self.waiting.push_front(sending.item);
        }
    }
}

/// The bundle as a host sends it that can't sign as its author.
fn altered(bundle: &Bundle, attack: Attack) -> (BundleShape, Bytes) {
    let (mut shape, mut file) = (bundle.shape.clone(), bundle.file.clone());
    let content_at = bundle.content_at();
    if attack == Attack::Length {
        // A leaf less, or one byte: what is missing is not sent.
        shape.content_len = shape.content_len.saturating_sub(1);
        return (shape, Bytes::from(file));
    }
    let Some(byte) = file.get_mut(content_at) else {
        return (shape, Bytes::from(file));
    };
    *byte ^= 1;
    if attack == Attack::Head {
        let (head, content) = file.split_at_mut(content_at);
        let leaves: Vec<Digest> = content.chunks(shape.leaf_len as usize).map(leaf_hash).collect();
        let index_at = head.len() - 32 * leaves.len();
        let places = head.get_mut(index_at..).unwrap_or_default().chunks_mut(32);
        for (place, leaf) in places.zip(&leaves) {
            place.copy_from_slice(leaf.as_bytes());
        }
        shape.content_root = protocol::merkle::root(&leaves);
        shape.head_sha256 = Digest::of(head.get(protocol::bundle::PREFIX_LEN..).unwrap_or_default());
    }
    (shape, Bytes::from(file))
}

fn datagram(header: [u8; HEADER_LEN], body: &[u8]) -> Bytes {
    Bytes::from([&header[..], body].concat())
}
