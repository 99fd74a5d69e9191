//! One transmission of a bundle while it arrives.

mod ending;
mod resuming;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

pub use ending::Summary;
pub use resuming::{ResumeJob, Resumed};

use super::loss::Reading;
use super::marks::Marks;
use super::pool::Pool;
use super::reservation::{self, SPARE_WHILE_SOLVING};
use super::solving::{About, SolveJob, Solved, SolvedBlock, first_wrong};
use super::{Counters, Output};
use crate::bundle::LeafIndex;
use crate::digest::Digest;
use crate::fec::{Gathered, Insert};
use crate::layout::{Block, Part};
use crate::time::Tick;
use crate::wire::{Announce, SessionId, SignedAnnounce};

/// Announces whose bytes are kept: lanes may be in different passes.
const ANNOUNCES_KEPT: usize = 4;

/// What became of a symbol.
pub(super) enum SymbolFate {
    Stored,
    /// Stored, and the block can be tried.
    Solve(Box<SolveJob>),
    /// The block needs no more.
    Surplus,
    Duplicate,
    OutOfBounds,
}

#[derive(Debug)]
enum BlockState {
    Open(Gathered),
    /// A job has the symbols; these came meanwhile.
    Solving {
        spare: Vec<(u32, Bytes)>,
    },
}

#[derive(Debug)]
enum HeadState {
    Gathering {
        bytes: Vec<u8>,
        blocks_left: u32,
    },
    /// The driver is verifying it.
    Checking,
    Accepted(Arc<LeafIndex>),
}

/// One transmission of a bundle.
#[derive(Debug)]
pub(super) struct Session {
    id: SessionId,
    signed: SignedAnnounce,
    /// The last announces' bytes, so that the same are not verified again.
    announce_bodies: VecDeque<Vec<u8>>,
    /// The latest pass that was announced.
    pass: u16,
    /// Bytes that an open block may take.
    block_cost: u64,
    /// Blocks that may be open at once.
    window: usize,
    /// Bytes of the largest block's source symbols: what every block gets, so that any can take the memory of any.
    buffer_len: usize,
    head: HeadState,
    /// Whether nothing but the head is gathered.
    head_only: bool,
    /// Blocks begun and not done, with the last time that a symbol came.
    open: BTreeMap<u32, (Tick, BlockState)>,
    marks: Marks,
    /// The last leaf that was not the signed one, with its block.
    wrong_leaf: Option<(u32, u64)>,
    /// Leaf hashes of the content, of those blocks that were done before the head; empty if none was.
    unverified: Vec<Digest>,
    /// Digest of the last head that was not the announced one.
    wrong_head: Option<Digest>,
    /// The first block that was not looked for in what an earlier transmission left.
    resume_from: u32,
    /// Blocks that were found there.
    resumed: u32,
    duplicates: u64,
    reading_at_open: Reading,
    opened: Tick,
    last_progress: Tick,
    /// Blocks that were done when it last showed that its transmitter lives; `None` if it may be a recording.
    alive_at: Option<u32>,
}

impl Session {
    pub(super) fn new(id: SessionId, signed: SignedAnnounce, body: &[u8], reading: Reading, now: Tick) -> Self {
        let layout = *signed.layout();
        Self {
            id,
            announce_bodies: VecDeque::from([body.to_vec()]),
            pass: signed.announce().pass,
            block_cost: reservation::block_cost(&signed),
            window: reservation::window(&signed),
            buffer_len: reservation::largest(&layout).map_or(0, |oti| oti.padded_len()),
            signed,
            head: HeadState::Gathering {
                bytes: vec![0; layout.head_len() as usize],
                blocks_left: layout.head_blocks(),
            },
            head_only: false,
            open: BTreeMap::new(),
            marks: Marks::new(layout.blocks()),
            wrong_leaf: None,
            unverified: Vec::new(),
            wrong_head: None,
            resume_from: 0,
            resumed: 0,
            duplicates: 0,
            reading_at_open: reading,
            opened: now,
            last_progress: now,
            alive_at: None,
        }
    }

    /// Bytes that it may still take: less than its [reservation](reservation::of_session) once fewer blocks are missing than may be open.
    pub(super) fn reserved(&self) -> u64 {
        let (done, blocks) = self.progress();
        let left = match self.head_only {
            true => self.signed.layout().head_blocks(),
            false => blocks - done,
        };
        let open = (self.window as u64).min(u64::from(left));
        open * self.block_cost + reservation::besides_blocks(self.signed.layout())
    }

    /// Bytes set aside for blocks that are begun; those that are with a decoder are not among them.
    #[cfg(test)]
    pub(super) fn bytes_of_blocks(&self) -> u64 {
        let bytes = |(_, state): &(Tick, BlockState)| match state {
            BlockState::Open(gathered) => gathered.bytes(),
            BlockState::Solving { spare } => spare.iter().map(|(_, symbol)| symbol.len()).sum(),
        };
        self.open.values().map(bytes).sum::<usize>() as u64
    }

    pub(super) fn announce(&self) -> &Announce {
        self.signed.announce()
    }

    pub(super) fn last_progress(&self) -> Tick {
        self.last_progress
    }

    /// Whether a symbol came that was of use.
    pub(super) fn has_begun(&self) -> bool {
        self.marks.done() > 0 || !self.open.is_empty()
    }

    pub(super) fn has_head(&self) -> bool {
        matches!(self.head, HeadState::Accepted(_))
    }

    pub(super) fn progress(&self) -> (u32, u32) {
        (self.marks.done(), self.signed.layout().blocks())
    }

    /// Blocks that a job has the symbols of.
    pub(super) fn solving(&self) -> u32 {
        let solving = |(_, state): &&(Tick, BlockState)| matches!(state, BlockState::Solving { .. });
        u32::try_from(self.open.values().filter(solving).count()).unwrap_or(u32::MAX)
    }

    /// Its announce was new: that it gets on shows from now on that its transmitter lives.
    pub(super) fn shows_life(&mut self) {
        self.alive_at = Some(self.marks.done());
    }

    /// Whether more blocks are done than when this was last so, of a session that [shows life](Self::shows_life). A recording of its
    /// datagrams can bring each block once.
    pub(super) fn got_on(&mut self) -> bool {
        let done = self.marks.done();
        let got_on = self.alive_at.is_some_and(|before| before < done);
        if got_on {
            self.alive_at = Some(done);
        }
        got_on
    }

    pub(super) fn is_complete(&self) -> bool {
        self.has_head() && self.marks.done() == self.signed.layout().blocks()
    }

    pub(super) fn knows_announce(&self, body: &[u8]) -> bool {
        self.announce_bodies.iter().any(|known| known == body)
    }

    /// Whether a further valid announce fits this session; it may be of another pass.
    pub(super) fn take_announce(&mut self, announce: &Announce, body: &[u8]) -> bool {
        let fits = self.announce().same_transmission(announce);
        if fits {
            self.announce_bodies.push_back(body.to_vec());
            if self.announce_bodies.len() > ANNOUNCES_KEPT {
                self.announce_bodies.pop_front();
            }
            if announce.pass > self.pass {
                self.pass = announce.pass;
                self.begin_pass();
            }
        }
        fits
    }

    /// In a new pass everything comes again. If somebody forged symbols, there may be more of them in what is not done, and in what no
    /// head was there to check: that is gathered anew, so that the first pass after the attack is whole.
    fn begin_pass(&mut self) {
        let attacked = self.marks.forged().count() > 0;
        self.marks.begin_pass();
        if !attacked {
            return;
        }
        // A decoder has what belongs to the others; what comes of it is found out soon.
        self.open
            .retain(|_, (_, state)| matches!(state, BlockState::Solving { .. }));
        let head_blocks = self.signed.layout().head_blocks();
        match &mut self.head {
            HeadState::Gathering { blocks_left, .. } => {
                *blocks_left = head_blocks;
                self.marks.forget_done(0);
            }
            HeadState::Checking => self.marks.forget_done(head_blocks),
            HeadState::Accepted(_) => {}
        }
    }

    pub(super) fn handle_symbol(
        &mut self,
        number: u32,
        esi: u32,
        symbol: &[u8],
        now: Tick,
        pool: &mut Pool,
    ) -> SymbolFate {
        let is_of_a_block = number < self.signed.layout().blocks() && esi <= self.announce().max_esi;
        if !is_of_a_block || symbol.len() != usize::from(self.announce().symbol_len) {
            return SymbolFate::OutOfBounds;
        }
        if self.head_only && number >= self.signed.layout().head_blocks() {
            // It shows that the transmission goes on, with the head again at its end.
            self.last_progress = now;
            return SymbolFate::Surplus;
        }
        if !self.open.contains_key(&number)
            && let Err(fate) = self.begin_block(number, now, pool)
        {
            return fate;
        }
        let Some((touched, state)) = self.open.get_mut(&number) else {
            return SymbolFate::OutOfBounds;
        };
        *touched = now;
        let insert = match state {
            BlockState::Open(gathered) => gathered.insert(esi, symbol),
            BlockState::Solving { spare } if spare.len() < SPARE_WHILE_SOLVING => {
                spare.push((esi, Bytes::copy_from_slice(symbol)));
                Insert::Stored
            }
            BlockState::Solving { .. } => Insert::Full,
        };
        match insert {
            Insert::Stored => {
                self.last_progress = now;
                let ready = matches!(state, BlockState::Open(gathered) if gathered.is_ready());
                let job = if ready { self.start_solving(number) } else { None };
                job.map_or(SymbolFate::Stored, SymbolFate::Solve)
            }
            Insert::Duplicate => {
                self.duplicates += 1;
                SymbolFate::Duplicate
            }
            Insert::Full => SymbolFate::Surplus,
            Insert::WrongLength => SymbolFate::OutOfBounds,
        }
    }

    /// Makes a place for the block that a first symbol came of.
    fn begin_block(&mut self, number: u32, now: Tick, pool: &mut Pool) -> Result<(), SymbolFate> {
        let oti = reservation::oti(self.signed.layout(), number).ok_or(SymbolFate::OutOfBounds)?;
        if self.marks.is_given_up(number) {
            return Err(SymbolFate::Surplus);
        }
        if self.marks.is_done(number) {
            // Repair that was not needed, a second copy, or a later pass: all show that the transmission goes on.
            self.last_progress = now;
            return Err(SymbolFate::Surplus);
        }
        let memory = self.memory_of_block(pool).ok_or(SymbolFate::Surplus)?;
        let gathered = Gathered::reusing(memory, oti);
        self.open.insert(number, (now, BlockState::Open(gathered)));
        Ok(())
    }

    /// Memory for one more block. Once as many are open as were reserved for, it is that of the one that waited longest for a symbol,
    /// which gives way. A block whose job is with a decoder has all it needs and never does; `None` if all are.
    fn memory_of_block(&mut self, pool: &mut Pool) -> Option<Vec<u8>> {
        if self.open.len() < self.window {
            return Some(pool.take(self.buffer_len));
        }
        let open = self.open.iter();
        let open = open.filter(|(_, (_, state))| matches!(state, BlockState::Open(_)));
        let oldest = open
            .min_by_key(|(_, (touched, _))| *touched)
            .map(|(number, _)| *number)?;
        match self.open.remove(&oldest)? {
            (_, BlockState::Open(gathered)) => Some(gathered.into_memory()),
            (_, BlockState::Solving { .. }) => None,
        }
    }

    fn start_solving(&mut self, number: u32) -> Option<Box<SolveJob>> {
        let block = self.signed.layout().block(number)?;
        let (_, state) = self.open.get_mut(&number)?;
        if !matches!(state, BlockState::Open(gathered) if gathered.is_ready()) {
            return None;
        }
        match std::mem::replace(state, BlockState::Solving { spare: Vec::new() }) {
            BlockState::Open(gathered) => Some(Box::new(SolveJob {
                about: About {
                    session: self.id,
                    block,
                    file_offset: self.signed.layout().file_offset(&block),
                    leaf_len: self.signed.layout().leaf_len(),
                    index: match &self.head {
                        HeadState::Accepted(index) => Some(Arc::clone(index)),
                        HeadState::Gathering { .. } | HeadState::Checking => None,
                    },
                    first_leaf: self.signed.layout().leaves_of(&block).start,
                },
                gathered,
            })),
            BlockState::Solving { .. } => None,
        }
    }

    /// Takes a job's result, and gives back the block's memory once it has no further use.
    pub(super) fn handle_solved(
        &mut self,
        solved: Solved,
        now: Tick,
        outputs: &mut VecDeque<Output>,
        counters: &mut Counters,
    ) -> Vec<u8> {
        let Solved { block, outcome, .. } = solved;
        let number = block.number;
        // A block whose place was given away meanwhile, or that is done, has no use for the result.
        let Some((_, BlockState::Solving { spare })) = self.open.get_mut(&number) else {
            return Vec::new();
        };
        let spare = std::mem::take(spare);
        let solved = match outcome {
            Err(gathered) => {
                self.reopen(number, *gathered, spare, outputs);
                return Vec::new();
            }
            Ok(solved) => solved,
        };
        self.last_progress = now;
        let SolvedBlock { bytes, leaf_hashes, .. } = solved;
        match block.part {
            Part::Head => {
                self.open.remove(&number);
                self.place_head_block(&block, &bytes, outputs, counters);
            }
            Part::Content => {
                if let Some(leaf) = self.first_wrong_leaf(&block, &leaf_hashes) {
                    self.fail(number, leaf, counters);
                    return self.begin_again(number, bytes, spare, outputs);
                }
                self.open.remove(&number);
                self.take_content(&block, &leaf_hashes);
            }
        }
        bytes
    }

    /// Gathers a block anew that was wrong, from what came while it was solved; gives back its memory if that is nothing.
    fn begin_again(
        &mut self,
        number: u32,
        memory: Vec<u8>,
        spare: Vec<(u32, Bytes)>,
        outputs: &mut VecDeque<Output>,
    ) -> Vec<u8> {
        match reservation::oti(self.signed.layout(), number) {
            Some(oti) if !spare.is_empty() && !self.marks.is_given_up(number) => {
                self.reopen(number, Gathered::reusing(memory, oti), spare, outputs);
                Vec::new()
            }
            _ => {
                self.open.remove(&number);
                memory
            }
        }
    }

    /// Takes note of a content block that was written, as far as nothing speaks against it.
    fn take_content(&mut self, block: &Block, leaf_hashes: &[Digest]) {
        let layout = self.signed.layout();
        if !self.has_head() {
            let leaves = layout.leaves() as usize;
            let first = layout.leaves_of(block).start as usize;
            self.unverified.resize(leaves, Digest([0; 32]));
            if let Some(place) = self.unverified.get_mut(first..first + leaf_hashes.len()) {
                place.copy_from_slice(leaf_hashes);
            }
        }
        self.marks.set_done(block.number, true);
    }

    /// Puts back a block that its symbols do not determine, and tries again if more came meanwhile.
    fn reopen(
        &mut self,
        number: u32,
        mut gathered: Gathered,
        spare: Vec<(u32, Bytes)>,
        outputs: &mut VecDeque<Output>,
    ) {
        let mut stored = false;
        for (esi, symbol) in spare {
            stored |= gathered.insert(esi, &symbol) == Insert::Stored;
        }
        if gathered.is_full() && !stored {
            // Nothing could be added to what does not determine it.
            let oti = *gathered.oti();
            gathered = Gathered::reusing(gathered.into_memory(), oti);
        }
        if let Some((_, state)) = self.open.get_mut(&number) {
            *state = BlockState::Open(gathered);
        }
        if stored && let Some(job) = self.start_solving(number) {
            outputs.push_back(Output::Solve(job));
        }
    }

    fn place_head_block(
        &mut self,
        block: &Block,
        bytes: &[u8],
        outputs: &mut VecDeque<Output>,
        counters: &mut Counters,
    ) {
        let HeadState::Gathering {
            bytes: head,
            blocks_left,
        } = &mut self.head
        else {
            return;
        };
        let start = block.offset as usize;
        if let Some(place) = head.get_mut(start..start + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        *blocks_left = blocks_left.saturating_sub(1);
        let complete = *blocks_left == 0;
        self.marks.set_done(block.number, true);
        if !complete {
            return;
        }
        let HeadState::Gathering { bytes, .. } = std::mem::replace(&mut self.head, HeadState::Checking) else {
            return;
        };
        let received = Digest::of(&bytes);
        if received == self.announce().head_sha256 {
            outputs.push_back(Output::Head {
                session: self.id,
                head: Bytes::from(bytes),
            });
            return;
        }
        counters.forged_blocks += 1;
        self.gather_head_again(bytes, received);
    }

    /// One of the head's blocks is wrong, and nothing says which: all are gathered again.
    fn gather_head_again(&mut self, bytes: Vec<u8>, received: Digest) {
        let head_blocks = self.signed.layout().head_blocks();
        self.head = HeadState::Gathering {
            bytes,
            blocks_left: head_blocks,
        };
        for number in 0..head_blocks {
            self.marks.set_done(number, false);
            self.marks.fail(number);
        }
        self.wrong_head = Some(received);
    }

    /// Gathers nothing but the head from here on; what a decoder has of the content is not waited for.
    pub(super) fn gather_head_only(&mut self) {
        self.head_only = true;
        let head_blocks = self.signed.layout().head_blocks();
        self.open.retain(|number, _| *number < head_blocks);
    }

    pub(super) fn accept_head(&mut self, index: Arc<LeafIndex>, now: Tick, counters: &mut Counters) {
        if !matches!(self.head, HeadState::Checking) {
            return;
        }
        self.head = HeadState::Accepted(index);
        self.last_progress = now;
        let (unverified, layout) = (std::mem::take(&mut self.unverified), *self.signed.layout());
        for number in layout.head_blocks()..layout.blocks() {
            let Some(block) = layout.block(number).filter(|_| self.marks.is_done(number)) else {
                continue;
            };
            let leaves = layout.leaves_of(&block);
            let wrong = match unverified.get(leaves.start as usize..leaves.end as usize) {
                Some(hashes) => self.first_wrong_leaf(&block, hashes),
                None => Some(leaves.start),
            };
            if let Some(leaf) = wrong {
                self.marks.set_done(number, false);
                self.fail(number, leaf, counters);
            }
        }
    }

    /// The number of the first leaf that is not the signed one; `None` as long as there is no head to compare with.
    fn first_wrong_leaf(&self, block: &Block, hashes: &[Digest]) -> Option<u64> {
        let HeadState::Accepted(index) = &self.head else {
            return None;
        };
        first_wrong(index, self.signed.layout().leaves_of(block).start, hashes)
    }

    fn fail(&mut self, number: u32, leaf: u64, counters: &mut Counters) {
        counters.forged_blocks += 1;
        self.marks.fail(number);
        self.wrong_leaf = Some((number, leaf));
    }
}
