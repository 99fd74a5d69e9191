//! One transmission of a bundle while it arrives.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use super::loss::Reading;
use super::pool::Pool;
use super::solving::{About, SolveJob, Solved, SolvedBlock, first_wrong};
use super::{Counters, Output};
use crate::bundle::{LeafIndex, Refusal};
use crate::digest::Digest;
use crate::fec::{Gathered, Insert, Oti};
use crate::layout::{Block, Layout, Part};
use crate::limits::MAX_BLOCK_FAILURES;
use crate::time::Tick;
use crate::wire::{Announce, SessionId, SignedAnnounce};

/// Symbols kept for a block while it is being solved, should it not be determined yet.
const SPARE_WHILE_SOLVING: usize = 8;

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

/// How far a session came, and what it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// When it began.
    pub opened: Tick,
    /// When the last symbol of use came, or the last block was done.
    pub last_progress: Tick,
    /// Blocks in all, head blocks included.
    pub blocks: u32,
    /// Blocks that are not complete.
    pub blocks_missing: u32,
    /// Whether the head is complete and accepted.
    pub head: bool,
    /// Datagrams lost on all lanes meanwhile, in parts per million.
    pub loss_ppm: u32,
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
    /// The last announce's bytes, so that the same are not verified again.
    announce_body: Vec<u8>,
    /// Bytes that an open block may take.
    block_cost: u64,
    /// Blocks that may be open at once.
    window: usize,
    /// Bytes of the largest block's source symbols: what every block gets, so that any can take the memory of any.
    buffer_len: usize,
    head: HeadState,
    /// Blocks begun and not done, with the last time that a symbol came.
    open: BTreeMap<u32, (Tick, BlockState)>,
    done: Vec<bool>,
    done_count: u32,
    /// Leaf hashes of blocks that were done before the head.
    unverified: BTreeMap<u32, Vec<Digest>>,
    failures: BTreeMap<u32, Failure>,
    head_failures: u8,
    /// Digest of the last head that was not the announced one.
    wrong_head: Option<Digest>,
    duplicates: u64,
    reading_at_open: Reading,
    opened: Tick,
    last_progress: Tick,
}

#[derive(Debug, Clone, Copy, Default)]
struct Failure {
    times: u8,
    leaf: u64,
}

impl Session {
    /// Bytes that a session of this announce may take, whatever comes.
    pub(super) fn reservation(signed: &SignedAnnounce) -> u64 {
        window(signed) as u64 * block_cost(signed) + besides_blocks(signed.layout())
    }

    pub(super) fn new(id: SessionId, signed: SignedAnnounce, body: &[u8], reading: Reading, now: Tick) -> Self {
        let layout = *signed.layout();
        Self {
            id,
            announce_body: body.to_vec(),
            block_cost: block_cost(&signed),
            window: window(&signed),
            buffer_len: largest(&layout).map_or(0, |oti| oti.padded_len()),
            signed,
            head: HeadState::Gathering {
                bytes: vec![0; layout.head_len() as usize],
                blocks_left: layout.head_blocks(),
            },
            open: BTreeMap::new(),
            done: vec![false; layout.blocks() as usize],
            done_count: 0,
            unverified: BTreeMap::new(),
            failures: BTreeMap::new(),
            head_failures: 0,
            wrong_head: None,
            duplicates: 0,
            reading_at_open: reading,
            opened: now,
            last_progress: now,
        }
    }

    /// Bytes that it may still take: less than its [`reservation`](Self::reservation) once fewer blocks are missing than may be open.
    pub(super) fn reserved(&self) -> u64 {
        let (done, blocks) = self.progress();
        let open = (self.window as u64).min(u64::from(blocks - done));
        open * self.block_cost + besides_blocks(self.signed.layout())
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

    pub(super) fn has_head(&self) -> bool {
        matches!(self.head, HeadState::Accepted(_))
    }

    pub(super) fn progress(&self) -> (u32, u32) {
        (self.done_count, self.signed.layout().blocks())
    }

    pub(super) fn is_complete(&self) -> bool {
        self.has_head() && self.done_count == self.signed.layout().blocks()
    }

    pub(super) fn knows_announce(&self, body: &[u8]) -> bool {
        self.announce_body == body
    }

    /// Whether a further valid announce fits this session; it may be of another pass.
    pub(super) fn take_announce(&mut self, announce: &Announce, body: &[u8]) -> bool {
        let fits = self.announce().same_transmission(announce);
        if fits {
            self.announce_body = body.to_vec();
        }
        fits
    }

    pub(super) fn summary(&self, reading: Reading) -> Summary {
        let (done, blocks) = self.progress();
        Summary {
            opened: self.opened,
            last_progress: self.last_progress,
            blocks,
            blocks_missing: blocks - done,
            head: self.has_head(),
            loss_ppm: reading.loss_ppm_since(self.reading_at_open, self.duplicates),
        }
    }

    /// The block that failed its leaves and was not mended, if there is one.
    pub(super) fn forged(&self) -> Option<Refusal> {
        if let (Some(received), false) = (self.wrong_head, self.has_head()) {
            return Some(self.head_refusal(received));
        }
        let unmended = self.failures.iter().find(|(block, _)| !self.is_done(**block));
        unmended.map(|(block, failure)| Refusal::LeafMismatch {
            block: *block,
            leaf: failure.leaf,
        })
    }

    fn head_refusal(&self, received: Digest) -> Refusal {
        Refusal::HeadDigest {
            announced: self.announce().head_sha256,
            received,
        }
    }

    fn is_done(&self, block: u32) -> bool {
        self.done.get(block as usize).copied().unwrap_or(false)
    }

    pub(super) fn handle_symbol(
        &mut self,
        number: u32,
        esi: u32,
        symbol: &[u8],
        now: Tick,
        pool: &mut Pool,
    ) -> SymbolFate {
        if esi > self.announce().max_esi || symbol.len() != usize::from(self.announce().symbol_len) {
            return SymbolFate::OutOfBounds;
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
        let oti = oti(self.signed.layout(), number).ok_or(SymbolFate::OutOfBounds)?;
        if self.is_done(number) {
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
    ) -> (Vec<u8>, Result<(), Refusal>) {
        let Solved { block, outcome, .. } = solved;
        let number = block.number;
        // A block whose place was given away meanwhile, or that is done, has no use for the result.
        let Some((_, BlockState::Solving { spare })) = self.open.get_mut(&number) else {
            return (Vec::new(), Ok(()));
        };
        let spare = std::mem::take(spare);
        let solved = match outcome {
            Err(gathered) => {
                self.reopen(number, *gathered, spare, outputs);
                return (Vec::new(), Ok(()));
            }
            Ok(solved) => solved,
        };
        self.open.remove(&number);
        self.last_progress = now;
        let SolvedBlock { bytes, leaf_hashes, .. } = solved;
        let result = match block.part {
            Part::Head => self.place_head_block(&block, &bytes, outputs, counters),
            Part::Content => self.take_content(&block, leaf_hashes, counters),
        };
        (bytes, result)
    }

    /// Takes note of a content block that was written, as far as nothing speaks against it.
    fn take_content(
        &mut self,
        block: &Block,
        leaf_hashes: Vec<Digest>,
        counters: &mut Counters,
    ) -> Result<(), Refusal> {
        if let Some(leaf) = self.first_wrong_leaf(block, &leaf_hashes) {
            return self.fail(block.number, leaf, counters);
        }
        if !self.has_head() {
            self.unverified.insert(block.number, leaf_hashes);
        }
        self.mark_done(block.number);
        Ok(())
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
    ) -> Result<(), Refusal> {
        let HeadState::Gathering {
            bytes: head,
            blocks_left,
        } = &mut self.head
        else {
            return Ok(());
        };
        let start = block.offset as usize;
        if let Some(place) = head.get_mut(start..start + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        *blocks_left = blocks_left.saturating_sub(1);
        let complete = *blocks_left == 0;
        self.mark_done(block.number);
        if !complete {
            return Ok(());
        }
        let HeadState::Gathering { bytes, .. } = std::mem::replace(&mut self.head, HeadState::Checking) else {
            return Ok(());
        };
        let received = Digest::of(&bytes);
        if received == self.announce().head_sha256 {
            outputs.push_back(Output::Head {
                session: self.id,
                head: Bytes::from(bytes),
            });
            return Ok(());
        }
        counters.forged_blocks += 1;
        self.gather_head_again(bytes, received)
    }

    /// One of the head's blocks is wrong, and nothing says which: all are gathered again.
    fn gather_head_again(&mut self, bytes: Vec<u8>, received: Digest) -> Result<(), Refusal> {
        let head_blocks = self.signed.layout().head_blocks();
        self.head = HeadState::Gathering {
            bytes,
            blocks_left: head_blocks,
        };
        for number in 0..head_blocks {
            self.mark_undone(number);
        }
        self.wrong_head = Some(received);
        self.head_failures = self.head_failures.saturating_add(1);
        if self.head_failures >= MAX_BLOCK_FAILURES {
            Err(self.head_refusal(received))
        } else {
            Ok(())
        }
    }

    pub(super) fn accept_head(
        &mut self,
        index: Arc<LeafIndex>,
        now: Tick,
        counters: &mut Counters,
    ) -> Result<(), Refusal> {
        if !matches!(self.head, HeadState::Checking) {
            return Ok(());
        }
        self.head = HeadState::Accepted(index);
        self.last_progress = now;
        for (number, hashes) in std::mem::take(&mut self.unverified) {
            let Some(block) = self.signed.layout().block(number) else {
                continue;
            };
            if let Some(leaf) = self.first_wrong_leaf(&block, &hashes) {
                self.mark_undone(number);
                self.fail(number, leaf, counters)?;
            }
        }
        Ok(())
    }

    /// The number of the first leaf that is not the signed one; `None` as long as there is no head to compare with.
    fn first_wrong_leaf(&self, block: &Block, hashes: &[Digest]) -> Option<u64> {
        let HeadState::Accepted(index) = &self.head else {
            return None;
        };
        first_wrong(index, self.signed.layout().leaves_of(block).start, hashes)
    }

    fn fail(&mut self, number: u32, leaf: u64, counters: &mut Counters) -> Result<(), Refusal> {
        counters.forged_blocks += 1;
        let failure = self.failures.entry(number).or_default();
        *failure = Failure {
            times: failure.times.saturating_add(1),
            leaf,
        };
        if failure.times >= MAX_BLOCK_FAILURES {
            return Err(Refusal::LeafMismatch { block: number, leaf });
        }
        Ok(())
    }

    fn mark_done(&mut self, number: u32) {
        if let Some(done) = self.done.get_mut(number as usize)
            && !*done
        {
            *done = true;
            self.done_count += 1;
        }
    }

    fn mark_undone(&mut self, number: u32) {
        if let Some(done) = self.done.get_mut(number as usize)
            && *done
        {
            *done = false;
            self.done_count -= 1;
        }
    }
}

/// Bytes that an open block may take at most.
fn block_cost(signed: &SignedAnnounce) -> u64 {
    largest(signed.layout()).map_or(0, |oti| {
        let spare = SPARE_WHILE_SOLVING * oti.symbol_len();
        Gathered::cost(&oti, signed.announce().max_esi) + spare as u64
    })
}

/// Bytes that a session takes besides its blocks: the head twice, while it is gathered and as its index; a hash for each leaf that comes
/// before it; a flag for each block.
fn besides_blocks(layout: &Layout) -> u64 {
    2 * u64::from(layout.head_len()) + 32 * layout.leaves() + u64::from(layout.blocks())
}

/// Blocks that may be open at once: two groups a lane.
fn window(signed: &SignedAnnounce) -> usize {
    let Announce { depth, lanes, .. } = signed.announce();
    let groups = 2 * u32::from(*depth) * u32::from(*lanes);
    groups.min(signed.layout().blocks()).max(1) as usize
}

fn oti(layout: &Layout, number: u32) -> Option<Oti> {
    let block = layout.block(number)?;
    Oti::new(block.len as usize, layout.symbol_len()).ok()
}

/// The code of the largest block: the first of the head or the first of the content.
fn largest(layout: &Layout) -> Option<Oti> {
    let first = [0, layout.head_blocks()].into_iter();
    first
        .filter_map(|number| oti(layout, number))
        .max_by_key(Oti::padded_len)
}
