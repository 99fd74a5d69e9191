//! What an earlier transmission left of a bundle: its blocks are hashed again, and those that are whole need not come.
//!
//! ```text
//! announce ─▶ kept head, verified ─▶ adopt_head ─┐
//!          └▶ head gathered ───────▶ accept_head ┴▶ resume ─▶ ResumeJob ─run: read, hash, compare─▶ handle_resumed ─▶ Done
//!                                                     ▲                                                │
//!                                                     └────────── until each block was looked at ──────┘
//! ```
//!
//! Always true:
//! - a block is done only if each of its leaves, as it lies in the file, equals the signed index, and it was written once more: what an earlier
//!   process wrote may be in the system's cache alone, where a sync of it failed;
//! - a block that a decoder is at work on when the look begins is left to it: what it writes may be older than the index;
//! - one job at a time, of a few MiB, so that whoever runs it has soon time for others.

use std::sync::Arc;

use super::{BlockState, HeadState, Session};
use crate::bundle::LeafIndex;
use crate::layout::{Block, Layout};
use crate::merkle;
use crate::reception::solving::first_wrong;
use crate::reception::{Counters, Reception};
use crate::time::Tick;
use crate::wire::SessionId;

/// Bytes that one job looks at, or one block.
const LOOKED_AT_ONCE: u32 = 2 << 20;

/// Content blocks that an earlier transmission may have left, to be hashed on any thread.
#[derive(Debug)]
pub struct ResumeJob {
    session: SessionId,
    layout: Layout,
    index: Arc<LeafIndex>,
    blocks: Vec<Block>,
}

/// The blocks of a [`ResumeJob`] that are there.
#[derive(Debug)]
pub struct Resumed {
    session: SessionId,
    whole: Vec<u32>,
}

impl ResumeJob {
    /// The session that it is for.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Hashes each block that `read` has: it fills the buffer from an offset of the bundle's file on, and says whether it could. `write` is
    /// given each block that is whole, to be written where it was, and says whether it was.
    #[must_use]
    pub fn run(
        self,
        mut read: impl FnMut(u64, &mut [u8]) -> bool,
        mut write: impl FnMut(u64, &[u8]) -> bool,
    ) -> Resumed {
        let mut bytes = Vec::new();
        let mut is_whole = |block: &Block| {
            bytes.resize(block.len as usize, 0);
            let offset = self.layout.file_offset(block);
            if !read(offset, &mut bytes) {
                return false;
            }
            let leaves: Vec<&[u8]> = bytes.chunks(self.layout.leaf_len().max(1) as usize).collect();
            let first = self.layout.leaves_of(block).start;
            first_wrong(&self.index, first, &merkle::leaf_hashes(&leaves)).is_none() && write(offset, &bytes)
        };
        let whole = self.blocks.iter().filter(|block| is_whole(block));
        Resumed {
            session: self.session,
            whole: whole.map(|block| block.number).collect(),
        }
    }
}

impl Resumed {
    /// The session that it is for.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }
}

impl Reception {
    /// Goes on with a session whose head the driver has from an earlier transmission. It equals the announced digest, was verified as
    /// one that came, and `index` is its own. Where the head has come meanwhile, its own verification counts.
    pub fn adopt_head(&mut self, id: SessionId, index: Arc<LeafIndex>, now: Tick) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.adopt_head(index, now, &mut self.counters);
        self.complete(id);
        self.keep_within_budget();
    }

    /// The next blocks of a session to be looked for in what an earlier transmission left: once its head is accepted, and after each
    /// [`handle_resumed`](Self::handle_resumed). `None` when there are no more.
    pub fn resume(&mut self, id: SessionId) -> Option<Box<ResumeJob>> {
        self.sessions.get_mut(&id)?.resume().map(Box::new)
    }

    /// Takes what was found of an earlier transmission: these blocks need no symbols any more.
    pub fn handle_resumed(&mut self, resumed: &Resumed, now: Tick) {
        let Some(session) = self.sessions.get_mut(&resumed.session) else {
            return;
        };
        let freed = session.take_resumed(&resumed.whole, now);
        for memory in freed {
            self.pool.give(memory, self.unreserved());
        }
        self.complete(resumed.session);
    }
}

impl Session {
    fn adopt_head(&mut self, index: Arc<LeafIndex>, now: Tick, counters: &mut Counters) {
        if !matches!(self.head, HeadState::Gathering { .. }) {
            return;
        }
        let head_blocks = self.signed.layout().head_blocks();
        // Head blocks are never written, so that nothing is amiss if a decoder's result finds no place.
        self.open.retain(|number, _| *number >= head_blocks);
        for number in 0..head_blocks {
            self.marks.set_done(number, true);
        }
        self.resumed += head_blocks;
        self.head = HeadState::Checking;
        self.accept_head(index, now, counters);
    }

    fn resume(&mut self) -> Option<ResumeJob> {
        let HeadState::Accepted(index) = &self.head else {
            return None;
        };
        let index = Arc::clone(index);
        let layout = *self.signed.layout();
        let most = (LOOKED_AT_ONCE / layout.block_len().max(1)).max(1) as usize;
        let mut blocks = Vec::new();
        let mut next = self.resume_from.max(layout.head_blocks());
        while blocks.len() < most
            && let Some(block) = layout.block(next)
        {
            let solving = matches!(self.open.get(&next), Some((_, BlockState::Solving { .. })));
            if !solving && !self.marks.is_done(next) {
                blocks.push(block);
            }
            next += 1;
        }
        self.resume_from = next;
        (!blocks.is_empty()).then_some(ResumeJob {
            session: self.id,
            layout,
            index,
            blocks,
        })
    }

    /// Gives back the memory of the blocks that were begun and are there.
    fn take_resumed(&mut self, whole: &[u32], now: Tick) -> Vec<Vec<u8>> {
        let mut freed = Vec::new();
        for number in whole {
            // Its symbols came meanwhile: the decoder, which knows the index, has the last word.
            let solving = matches!(self.open.get(number), Some((_, BlockState::Solving { .. })));
            if solving || self.marks.is_done(*number) {
                continue;
            }
            if let Some((_, BlockState::Open(gathered))) = self.open.remove(number) {
                freed.push(gathered.into_memory());
            }
            self.marks.set_done(*number, true);
            self.resumed += 1;
            self.last_progress = now;
        }
        freed
    }
}
