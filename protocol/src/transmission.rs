//! One bundle's way onto the link: which datagram comes next, and which block has to be coded for it.
//!
//! ```text
//! each pass:  A filler A filler A │ group 0 │ A │ group 1 │ … │ last group │ head again │ filler A last group again │ A A A
//!             A: the announce        └ D blocks, symbol by symbol across them       └ only if it is shorter than D blocks
//!
//! poll_job ──EncodeJob──▶ (driver reads the block, checks its leaves, runs the job, on any thread) ──handle_coded──▶ poll_transmit
//! ```
//!
//! The head is sent first and again after the content; a group shorter than D blocks is no match for a burst, so it is sent again
//! at least `burst` packets later. Every sending of a block has repair symbols of its own, so that passes and repeats add up.
//!
//! Always true: coded blocks of at most two groups are held; the machine never waits, it says [`Transmit::Starved`].

mod schedule;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use crate::digest::{BundleId, Digest};
use crate::fec::{CodedBlock, FecError, Redundancy, RedundancyError};
use crate::keys::SigningKey;
use crate::layout::{Block, Layout, LayoutError, Part};
use crate::limits::MAX_PASSES;
use crate::time::UnixMillis;
use crate::wire::{Announce, HEADER_LEN, Header, Kind, LinkNumber, SessionId};
use schedule::{ROUNDS, Schedule, Step};

/// Groups whose blocks may be coded or in coding at once: the one being sent and the next.
const GROUPS_AHEAD: usize = 2;
/// The head is small and everything hangs on it.
const MIN_HEAD_REPAIR: u32 = 16;

/// How a bundle is sent.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A random number for this transmission, not 0.
    pub session: SessionId,
    /// The bundle's place on the link.
    pub number: LinkNumber,
    /// Bytes of an encoding symbol.
    pub symbol_len: u16,
    /// What is known of the link's losses, and the interleaving depth.
    pub redundancy: Redundancy,
    /// How often the whole is sent.
    pub passes: u16,
    /// When the transmission begins.
    pub created: UnixMillis,
    /// The packet number of the first datagram.
    pub first_packet: u32,
}

/// What is sent: lengths in bytes, digests as signed.
#[derive(Debug, Clone)]
pub struct BundleShape {
    /// The bundle's id.
    pub bundle: BundleId,
    /// Length of the DSSE envelope.
    pub envelope_len: u32,
    /// Length of envelope and leaf index.
    pub head_len: u32,
    /// SHA-256 of the head.
    pub head_sha256: Digest,
    /// Length of the content.
    pub content_len: u64,
    /// Root over the content's leaves.
    pub content_root: Digest,
    /// Length of a leaf.
    pub leaf_len: u32,
}

/// Why a bundle can't be sent with these settings.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TransmissionError {
    /// The lengths do not fit together.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The link can't be mended.
    #[error(transparent)]
    Redundancy(#[from] RedundancyError),
    /// A number is out of its range.
    #[error("{field} = {value} is out of range")]
    Range {
        /// Its name.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// The number of passes is out of its range.
    #[error("passes = {passes} is out of range (1 to {MAX_PASSES})")]
    Passes {
        /// The number asked for.
        passes: u16,
    },
}

/// A block to be read and coded.
#[derive(Debug)]
pub struct EncodeJob {
    block: Block,
    file_offset: u64,
    leaves: Range<u64>,
    symbol_len: u16,
    repair: Range<u32>,
    ticket: Ticket,
}

#[derive(Debug, Clone, Copy)]
struct Ticket {
    group: u64,
    slot: usize,
}

impl EncodeJob {
    /// The block.
    #[must_use]
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// Where its bytes start in the bundle's file.
    #[must_use]
    pub fn file_offset(&self) -> u64 {
        self.file_offset
    }

    /// Its leaves' numbers; empty for a head block.
    #[must_use]
    pub fn leaves(&self) -> Range<u64> {
        self.leaves.clone()
    }

    /// Codes the block's bytes.
    ///
    /// # Errors
    /// [`FecError`] if `bytes` has not the block's length, or the library fails.
    pub fn run(self, bytes: &[u8]) -> Result<Coded, FecError> {
        if bytes.len() != self.block.len as usize {
            return Err(FecError::BlockLength {
                len: bytes.len(),
                symbol_len: self.symbol_len,
            });
        }
        let block = CodedBlock::encode(bytes, self.symbol_len, self.repair)?;
        Ok(Coded {
            ticket: self.ticket,
            block,
        })
    }
}

/// A block that was coded by [`EncodeJob::run`].
#[derive(Debug)]
pub struct Coded {
    ticket: Ticket,
    block: CodedBlock,
}

/// What [`Transmission::poll_transmit`] has to say.
#[derive(Debug, PartialEq, Eq)]
pub enum Transmit<'a> {
    /// The next datagram, header and body apart.
    Datagram {
        /// The header's bytes.
        header: [u8; HEADER_LEN],
        /// The body.
        body: &'a [u8],
    },
    /// The next block is not coded yet.
    Starved,
    /// All was sent.
    Finished,
}

/// How far a transmission is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams in all.
    pub total: u64,
    /// The pass going on, from 1.
    pub pass: u16,
    /// Passes in all.
    pub passes: u16,
}

/// One bundle being sent.
#[derive(Debug)]
pub struct Transmission {
    plan: Plan,
    session: SessionId,
    /// Signed once: their bodies, one a pass.
    announces: Vec<Vec<u8>>,
    filler: Vec<u8>,
    schedule: Schedule,
    queue: VecDeque<Ready>,
    jobs: VecDeque<EncodeJob>,
    groups_taken: u64,
    groups_sent: u64,
    packet: u32,
    sent: u64,
    pass: u16,
}

/// The numbers that follow from settings and shape.
#[derive(Debug, Clone)]
pub struct Plan {
    layout: Layout,
    redundancy: Redundancy,
    passes: u16,
    /// R for each K that occurs: finding it is far more work than looking it up for every block.
    repair: BTreeMap<u32, u32>,
}

#[derive(Debug)]
enum Ready {
    Announce { pass: u16, left: u32 },
    Filler { left: u32 },
    Group(Group),
}

#[derive(Debug)]
struct Group {
    id: u64,
    first_block: u32,
    coded: Vec<Option<CodedBlock>>,
    nth: u32,
    slot: usize,
}

impl Plan {
    /// Checks settings against a bundle's lengths.
    ///
    /// # Errors
    /// [`TransmissionError`] naming what does not fit.
    pub fn new(shape: &BundleShape, settings: &Settings) -> Result<Self, TransmissionError> {
        if settings.passes == 0 || settings.passes > MAX_PASSES {
            return Err(TransmissionError::Passes {
                passes: settings.passes,
            });
        }
        let sequence = settings.number.sequence;
        for (field, value, fits) in [
            ("session", settings.session.0, settings.session.0 != 0),
            ("sequence", sequence, sequence != 0),
            (
                "envelope_len",
                shape.envelope_len.into(),
                (1..=shape.head_len).contains(&shape.envelope_len),
            ),
        ] {
            if !fits {
                return Err(TransmissionError::Range { field, value });
            }
        }
        let leaves = Layout::leaves_per_block_for(shape.leaf_len, settings.symbol_len);
        let layout = Layout::new(
            shape.head_len,
            shape.content_len,
            shape.leaf_len,
            leaves,
            settings.symbol_len,
        )?;
        let (redundancy, passes) = (settings.redundancy, settings.passes);
        let mut plan = Self {
            layout,
            redundancy,
            passes,
            repair: BTreeMap::new(),
        };
        let lengths: Vec<_> = plan.kinds_of_blocks().map(|block| block.k).collect();
        for k in lengths {
            plan.repair.insert(k, redundancy.repair_symbols(k)?);
        }
        Ok(plan)
    }

    /// How the bundle is cut.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Repair symbols (R) that `block` gets each time it is sent.
    #[must_use]
    pub fn repair(&self, block: &Block) -> u32 {
        let repair = self
            .repair
            .get(&block.k)
            .copied()
            .expect("`new` looked at a block of each length that occurs");
        match block.part {
            Part::Head => repair.max(MIN_HEAD_REPAIR),
            Part::Content => repair,
        }
    }

    /// Datagrams of all passes.
    #[must_use]
    pub fn packets(&self) -> u64 {
        let mut schedule = Schedule::new(self);
        let mut packets = 0;
        while let Some(step) = schedule.next(self) {
            packets += self.packets_of(&step);
        }
        packets
    }

    fn packets_of(&self, step: &Step) -> u64 {
        match step {
            Step::Announce { count, .. } | Step::Filler { count } => u64::from(*count),
            Step::Group { blocks, .. } => self.packets_of_blocks(blocks),
        }
    }

    fn packets_of_blocks(&self, blocks: &Range<u32>) -> u64 {
        let block_packets = |block: Block| u64::from(block.k + self.repair(&block));
        let [first, last] = [blocks.start, blocks.end.saturating_sub(1)].map(|number| self.layout.block(number));
        match (first, last) {
            // The common case, in constant time: content blocks of full length.
            (Some(first), Some(last)) if first.part == last.part && first.len == last.len => {
                block_packets(first) * u64::from(blocks.end - blocks.start)
            }
            _ => blocks
                .clone()
                .filter_map(|number| self.layout.block(number))
                .map(block_packets)
                .sum(),
        }
    }

    /// One block of each length that occurs: first and last of head and content.
    fn kinds_of_blocks(&self) -> impl Iterator<Item = Block> + '_ {
        let (head, blocks) = (self.layout.head_blocks(), self.layout.blocks());
        [0, head.saturating_sub(1), head, blocks.saturating_sub(1)]
            .into_iter()
            .filter_map(|number| self.layout.block(number))
    }

    /// The repair symbols of a block's `round`th sending: each has its own.
    fn repair_esis(&self, block: &Block, round: u32) -> Range<u32> {
        let repair = self.repair(block);
        let first = block.k + round * repair;
        first..first + repair
    }

    fn max_esi(&self) -> u32 {
        let last_round = u32::from(self.passes) * ROUNDS - 1;
        self.kinds_of_blocks()
            .map(|block| self.repair_esis(&block, last_round).end.max(block.k) - 1)
            .max()
            .unwrap_or(0)
    }
}

impl Transmission {
    /// A transmission of the bundle of this shape, announced with `link_key`.
    ///
    /// # Errors
    /// [`TransmissionError`] if shape and settings do not fit together.
    pub fn new(shape: &BundleShape, settings: &Settings, link_key: &SigningKey) -> Result<Self, TransmissionError> {
        let plan = Plan::new(shape, settings)?;
        let announce = Announce {
            number: settings.number,
            bundle: shape.bundle,
            envelope_len: shape.envelope_len,
            head_len: shape.head_len,
            head_sha256: shape.head_sha256,
            content_len: shape.content_len,
            content_root: shape.content_root,
            leaf_len: shape.leaf_len,
            leaves_per_block: Layout::leaves_per_block_for(shape.leaf_len, settings.symbol_len),
            symbol_len: settings.symbol_len,
            depth: settings.redundancy.depth(),
            max_esi: plan.max_esi(),
            pass: 1,
            passes: settings.passes,
            created: settings.created,
        };
        let sign = |pass| {
            Announce {
                pass,
                ..announce.clone()
            }
            .sign(settings.session, link_key)
        };
        Ok(Self {
            schedule: Schedule::new(&plan),
            session: settings.session,
            announces: (1..=settings.passes).map(sign).collect(),
            filler: vec![0; settings.symbol_len.into()],
            queue: VecDeque::new(),
            jobs: VecDeque::new(),
            groups_taken: 0,
            groups_sent: 0,
            packet: settings.first_packet,
            sent: 0,
            pass: 1,
            plan,
        })
    }

    /// The numbers behind the transmission.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The packet number that the lane's next datagram has.
    #[must_use]
    pub fn next_packet(&self) -> u32 {
        self.packet
    }

    /// How far it is; `total` is what [`Plan::packets`] said.
    #[must_use]
    pub fn progress(&self, total: u64) -> Progress {
        Progress {
            sent: self.sent,
            total,
            pass: self.pass,
            passes: self.plan.passes,
        }
    }

    /// The next block to be read and coded, if one can be taken on now.
    pub fn poll_job(&mut self) -> Option<EncodeJob> {
        while self.jobs.is_empty() && ((self.groups_taken - self.groups_sent) as usize) < GROUPS_AHEAD {
            let step = self.schedule.next(&self.plan)?;
            self.take_step(step);
        }
        self.jobs.pop_front()
    }

    fn take_step(&mut self, step: Step) {
        match step {
            Step::Announce { pass, count } => self.queue.push_back(Ready::Announce { pass, left: count }),
            Step::Filler { count } => self.queue.push_back(Ready::Filler { left: count }),
            Step::Group { blocks, round } => {
                let id = self.groups_taken;
                self.groups_taken += 1;
                for (slot, number) in blocks.clone().enumerate() {
                    let Some(block) = self.plan.layout.block(number) else {
                        continue;
                    };
                    self.jobs.push_back(EncodeJob {
                        block,
                        file_offset: self.plan.layout.file_offset(&block),
                        leaves: self.plan.layout.leaves_of(&block),
                        symbol_len: self.plan.layout.symbol_len(),
                        repair: self.plan.repair_esis(&block, round),
                        ticket: Ticket { group: id, slot },
                    });
                }
                let coded = blocks.clone().map(|_| None).collect();
                self.queue.push_back(Ready::Group(Group {
                    id,
                    first_block: blocks.start,
                    coded,
                    nth: 0,
                    slot: 0,
                }));
            }
        }
    }

    /// Takes a block that was coded.
    pub fn handle_coded(&mut self, coded: Coded) {
        for ready in &mut self.queue {
            if let Ready::Group(group) = ready
                && group.id == coded.ticket.group
                && let Some(slot) = group.coded.get_mut(coded.ticket.slot)
            {
                *slot = Some(coded.block);
                return;
            }
        }
    }

    /// The next datagram. Jobs that are polled must be run and handed back, or this stays [`Transmit::Starved`].
    pub fn poll_transmit(&mut self) -> Transmit<'_> {
        loop {
            let Some(front) = self.queue.front_mut() else {
                let Some(step) = self.schedule.next(&self.plan) else {
                    return Transmit::Finished;
                };
                self.take_step(step);
                continue;
            };
            match front {
                Ready::Announce { left: 0, .. } | Ready::Filler { left: 0 } => _ = self.queue.pop_front(),
                Ready::Announce { pass, left } => {
                    *left -= 1;
                    self.pass = *pass;
                    let index = usize::from(*pass) - 1;
                    return self.datagram(Kind::Announce, |this| &this.announces[index]);
                }
                Ready::Filler { left } => {
                    *left -= 1;
                    return self.datagram(Kind::Filler, |this| &this.filler);
                }
                Ready::Group(group) if group.coded.iter().any(Option::is_none) => return Transmit::Starved,
                Ready::Group(group) => match group.advance() {
                    Some((slot, nth)) => return self.symbol(slot, nth),
                    None => {
                        self.groups_sent += 1;
                        self.queue.pop_front();
                    }
                },
            }
        }
    }

    fn datagram(&mut self, kind: Kind, body: impl for<'a> FnOnce(&'a Self) -> &'a Vec<u8>) -> Transmit<'_> {
        let packet = self.count_packet();
        let session = if kind == Kind::Filler {
            SessionId(0)
        } else {
            self.session
        };
        let body = body(self);
        let header = Header {
            kind,
            session,
            packet,
            block: 0,
            esi: 0,
        };
        Transmit::Datagram {
            header: header.emit(body),
            body,
        }
    }

    fn symbol(&mut self, slot: usize, nth: u32) -> Transmit<'_> {
        let packet = self.count_packet();
        // `advance` found this very symbol at the front of the queue.
        let Some(Ready::Group(group)) = self.queue.front() else {
            return Transmit::Starved;
        };
        let coded = group.coded.get(slot).and_then(Option::as_ref);
        let Some((esi, body)) = coded.and_then(|block| block.nth(nth)) else {
            return Transmit::Starved;
        };
        let block = group.first_block + slot as u32;
        let header = Header {
            kind: Kind::Symbol,
            session: self.session,
            packet,
            block,
            esi,
        };
        Transmit::Datagram {
            header: header.emit(body),
            body,
        }
    }

    fn count_packet(&mut self) -> u32 {
        let packet = self.packet;
        self.packet = packet.wrapping_add(1);
        self.sent += 1;
        packet
    }
}

impl Group {
    /// Slot and position of the next symbol: position by position across the blocks.
    fn advance(&mut self) -> Option<(usize, u32)> {
        let symbols = |block: &Option<CodedBlock>| block.as_ref().map_or(0, |block| block.k() + block.repair_count());
        let most = self.coded.iter().map(symbols).max()?;
        while self.nth < most {
            let (slot, nth) = (self.slot, self.nth);
            self.slot += 1;
            if self.slot == self.coded.len() {
                (self.slot, self.nth) = (0, self.nth + 1);
            }
            if nth < symbols(&self.coded[slot]) {
                return Some((slot, nth));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
