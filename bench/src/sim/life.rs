//! What the receiver's disk remembers of the transmitter's signs of life, and what may then count as one.
//!
//! ```text
//! heard: epoch counter announced ──start──▶ only what is newer proves that the transmitter lives
//!   ▲───────────────────────────stop─────── all that counted
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use audit::storage::{MemoryStorage, OpenHow, Storage};
use protocol::link::LinkState;
use protocol::time::UnixMillis;
use protocol::wire::{Heartbeat, Kind, Packet, SignedAnnounce};

use super::transmitter;
use super::violation::{Invariant, Violation};

/// Of one process of the receiver.
#[derive(Debug, Default)]
pub(super) struct Life {
    /// By epoch, the highest counter of a heartbeat, and when the newest announced transmission began.
    remembered: BTreeMap<u64, (u64, UnixMillis)>,
    /// By epoch, the counter of the last heartbeat that counted.
    counted: BTreeMap<u64, u64>,
    /// Whether something came that is newer than what is remembered.
    is_proven: bool,
}

impl Life {
    /// Of a process that begins on this disk.
    pub(super) fn read(disk: &MemoryStorage) -> Self {
        let file = disk.open(Path::new("heard"), OpenHow::Read);
        let text = file.and_then(|file| file.read_all(LONGEST)).unwrap_or_default();
        Self {
            remembered: String::from_utf8_lossy(&text).lines().filter_map(parse).collect(),
            ..Self::default()
        }
    }

    /// Whether an epoch was heard before the process began.
    pub(super) fn remembers(&self, epoch: u64) -> bool {
        self.remembered.contains_key(&epoch)
    }

    /// Takes any datagram, before the receiver does.
    pub(super) fn handle_datagram(&mut self, bytes: &[u8]) {
        if self.is_proven {
            return;
        }
        let packet = Packet::parse(bytes)
            .ok()
            .filter(|packet| packet.header.kind == Kind::Announce);
        let keys = [transmitter::link_key().public()];
        let signed = packet.and_then(|packet| SignedAnnounce::open(packet.header.session, packet.body, &keys).ok());
        self.is_proven = signed.is_some_and(|signed| {
            let announce = signed.announce();
            let before = self.remembered.get(&announce.number.epoch);
            before.is_none_or(|(_, announced)| *announced < announce.created)
        });
    }

    /// Takes a heartbeat that counted as a new one.
    pub(super) fn handle_heartbeat(&mut self, beat: &Heartbeat) -> Result<(), Violation> {
        let remembered = self.remembered.get(&beat.epoch).map(|(counter, _)| *counter);
        let before = self.counted.insert(beat.epoch, beat.counter).max(remembered);
        self.is_proven = true;
        match before.is_none_or(|before| before < beat.counter) {
            true => Ok(()),
            false => Err(Invariant::Number.broken(format!("played back, and it counts: {beat:?}"))),
        }
    }

    /// A link is up by what is new alone.
    pub(super) fn check(&self, state: LinkState) -> Result<(), Violation> {
        let is_up = matches!(state, LinkState::Up | LinkState::Mismatched(_));
        match is_up && !self.is_proven {
            true => Err(Invariant::Number.broken(format!("the link is {} by a recording", state.word()))),
            false => Ok(()),
        }
    }

    /// All that counted is remembered by a receiver that stopped.
    pub(super) fn check_remembered(&self, disk: &MemoryStorage) -> Result<(), Violation> {
        let remembered = Self::read(disk).remembered;
        let is_in = |(epoch, counter): (&u64, &u64)| remembered.get(epoch).is_some_and(|(known, _)| known >= counter);
        match self.counted.iter().all(is_in) {
            true => Ok(()),
            false => Err(Invariant::Number.broken(format!("heard {:?}, and remembers {remembered:?}", self.counted))),
        }
    }
}

fn parse(line: &str) -> Option<(u64, (u64, UnixMillis))> {
    let mut fields = line.split(' ');
    let epoch = u64::from_str_radix(fields.next()?, 16).ok()?;
    let counter = fields.next()?.parse().ok()?;
    Some((epoch, (counter, UnixMillis(fields.next()?.parse().ok()?))))
}

const LONGEST: u64 = 1 << 16;
