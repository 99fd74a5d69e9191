//! The link: datagrams on their way, in the order in which they will come, and what a schedule does to them.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use protocol::keys::SigningKey;
use protocol::wire::{ANNOUNCE_BODY_LEN, HEADER_LEN, Header, Kind, Packet};

use super::fault::{Fault, LinkFault};
use super::trace::Trace;
use crate::relay::dice::Dice;

/// Datagrams that a replay may go back.
const REMEMBERED: usize = 3000;

/// A datagram, and the number of the lane that it goes over.
pub(super) type OnLane = (usize, Bytes);

/// A one-way link.
#[derive(Debug)]
pub(super) struct Link {
    /// By the number of the datagram with which each is due, and then by age.
    under_way: BTreeMap<(u64, u64), OnLane>,
    faults: BTreeMap<u64, Vec<(usize, LinkFault)>>,
    /// By the number of the heartbeat.
    beat_faults: BTreeMap<u64, Vec<(usize, LinkFault)>>,
    sent: VecDeque<OnLane>,
    /// Heartbeats that were put in.
    beats: Vec<Bytes>,
    /// Datagrams that were put in.
    count: u64,
    /// Datagrams that came out of it, or will.
    serial: u64,
    /// How many more are lost.
    losing: u64,
    dice: Dice,
}

impl Link {
    /// A link with the faults of a schedule.
    pub(super) fn new(seed: u64, faults: &[(usize, Fault)]) -> Self {
        let mut of_link: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut of_beats: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (number, fault) in faults {
            match fault {
                Fault::Link(at, what) => of_link.entry(*at).or_default().push((*number, *what)),
                Fault::Beat(at, what) => of_beats.entry(*at).or_default().push((*number, *what)),
                _ => {}
            }
        }
        Self {
            under_way: BTreeMap::new(),
            faults: of_link,
            beat_faults: of_beats,
            sent: VecDeque::new(),
            beats: Vec::new(),
            count: 0,
            serial: 0,
            losing: 0,
            dice: Dice::new(seed, 2),
        }
    }

    /// Nothing goes wrong from now on.
    pub(super) fn heal(&mut self) {
        self.faults.clear();
        self.beat_faults.clear();
        self.losing = 0;
    }

    /// Datagrams under way.
    pub(super) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// The next datagram that comes.
    pub(super) fn deliver(&mut self) -> Option<OnLane> {
        self.under_way.pop_first().map(|(_, datagram)| datagram)
    }

    /// Takes a datagram of a lane from the transmitter.
    pub(super) fn send(&mut self, lane: usize, datagram: Bytes, trace: &mut Trace) {
        self.take(lane, datagram, Vec::new(), trace);
    }

    /// Takes a heartbeat from the transmitter: a datagram that has faults of its own besides.
    pub(super) fn send_beat(&mut self, datagram: Bytes, trace: &mut Trace) {
        let own = self.beat_faults.remove(&(self.beats.len() as u64));
        self.beats.push(datagram.clone());
        self.take(0, datagram, own.unwrap_or_default(), trace);
    }

    fn take(&mut self, lane: usize, datagram: Bytes, own: Vec<(usize, LinkFault)>, trace: &mut Trace) {
        let number = self.count;
        self.count += 1;
        let mut datagram = Some(datagram);
        let mut due = number;
        for (fault, what) in self.faults.remove(&number).into_iter().flatten().chain(own) {
            trace.note(format_args!("fault {fault} link, datagram {number}: {what}"));
            self.apply(what, (number, lane), &mut due, &mut datagram);
        }
        let Some(datagram) = datagram else { return };
        self.sent.push_back((lane, datagram.clone()));
        if self.sent.len() > REMEMBERED {
            self.sent.pop_front();
        }
        if self.losing > 0 {
            self.losing -= 1;
            return;
        }
        self.put(due, (lane, datagram));
    }

    fn put(&mut self, due: u64, datagram: OnLane) {
        self.serial += 1;
        self.under_way.insert((due, self.serial), datagram);
    }

    fn apply(&mut self, what: LinkFault, (number, lane): (u64, usize), due: &mut u64, datagram: &mut Option<Bytes>) {
        match what {
            LinkFault::Lose(count) => self.losing = self.losing.max(count),
            LinkFault::Double(later) => {
                if let Some(copy) = datagram.clone() {
                    self.put(number + later, (lane, copy));
                }
            }
            LinkFault::Flip(bit) => *datagram = datagram.take().map(|bytes| flip(&bytes, bit)),
            LinkFault::Cut(len) => {
                let len = usize::try_from(len).unwrap_or(usize::MAX);
                *datagram = datagram.take().map(|bytes| bytes.slice(..len.min(bytes.len())));
            }
            LinkFault::Delay(by) => *due = number + by,
            LinkFault::Noise(len) => {
                let mut noise: Vec<u8> = (0..len).map(|_| self.dice.below(256) as u8).collect();
                if self.dice.below(2) == 0 {
                    // As if it were ours, up to the checksum.
                    let like = datagram.as_deref().unwrap_or_default();
                    noise
                        .iter_mut()
                        .zip(like)
                        .take(HEADER_LEN)
                        .for_each(|(to, from)| *to = *from);
                }
                self.put(number, (lane, Bytes::from(noise)));
            }
            LinkFault::Forge => {
                if let Some(forged) = datagram.as_deref().and_then(|bytes| forge(bytes, &mut self.dice)) {
                    self.put(number, (lane, forged));
                }
            }
            LinkFault::BadAnnounce => {
                if let Some(forged) = self.last_announce().and_then(|bytes| forge(&bytes, &mut self.dice)) {
                    self.put(number, (lane, forged));
                }
            }
            LinkFault::Stranger => {
                let stranger = self.stranger(number);
                self.put(number, (lane, stranger));
            }
            LinkFault::OldBeat(ago) => {
                if let Some(beat) = self.old_beat(ago) {
                    self.put(number, (0, beat));
                }
            }
            LinkFault::Replay(ago, count) => {
                let ago = usize::try_from(ago).unwrap_or(usize::MAX);
                let first = self.sent.len().saturating_sub(ago);
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                let again: Vec<_> = self.sent.iter().skip(first).take(count).cloned().collect();
                for datagram in again {
                    self.put(number, datagram);
                }
            }
        }
    }

    /// The heartbeat that was sent so many before the last.
    fn old_beat(&self, ago: u64) -> Option<Bytes> {
        let back = usize::try_from(ago).ok()?;
        self.beats.iter().rev().nth(back).cloned()
    }

    fn last_announce(&self) -> Option<Bytes> {
        let is_announce = |bytes: &&Bytes| bytes.len() == HEADER_LEN + ANNOUNCE_BODY_LEN;
        self.sent
            .iter()
            .rev()
            .map(|(_, bytes)| bytes)
            .find(is_announce)
            .cloned()
    }

    /// An announce that nobody pinned can have signed: of the form, by a key of its own.
    fn stranger(&mut self, number: u64) -> Bytes {
        let key = SigningKey::from_seed([u8::try_from(100 + self.dice.below(3)).unwrap_or(100); 32]);
        let mut body = vec![0; ANNOUNCE_BODY_LEN];
        body.iter_mut()
            .zip(key.public().key_id().0)
            .for_each(|(to, from)| *to = from);
        let header = Header {
            kind: Kind::Announce,
            session: protocol::wire::SessionId(number + 1),
            packet: 0,
            block: 0,
            esi: 0,
        };
        Bytes::from([&header.emit(&body)[..], &body].concat())
    }
}

/// The datagram with another bit.
fn flip(datagram: &Bytes, bit: u64) -> Bytes {
    let mut bytes = datagram.to_vec();
    let len = bytes.len() as u64;
    if len > 0
        && let Ok(at) = usize::try_from(bit / 8 % len)
        && let Some(byte) = bytes.get_mut(at)
    {
        *byte ^= 1 << (bit % 8);
    }
    Bytes::from(bytes)
}

/// The datagram with another body, and a checksum that holds.
fn forge(datagram: &[u8], dice: &mut Dice) -> Option<Bytes> {
    let packet = Packet::parse(datagram).ok()?;
    let mut body = packet.body.to_vec();
    let at = usize::try_from(dice.below(body.len() as u64)).ok()?;
    *body.get_mut(at)? ^= 1 + dice.below(255) as u8;
    Some(Bytes::from([&packet.header.emit(&body)[..], &body].concat()))
}
