//! Blocks that may be determined: jobs to decode them and hash their leaves, on any thread, and what comes of it.
//!
//! ```text
//! Session ──SolveJob──▶ run ──Solved──▶ content, to be written ──handle_solved──▶ Session
//!                        └ decode, hash the leaves, compare them with the signed index if there is one
//! ```
//!
//! Always true: content with a leaf that is not the signed one, as far as that was known, is not given to be written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::bundle::LeafIndex;
use crate::digest::Digest;
use crate::fec::Gathered;
use crate::layout::{Block, Part};
use crate::merkle;
use crate::wire::SessionId;

/// A block with enough symbols to be tried.
#[derive(Debug)]
pub struct SolveJob {
    pub(super) about: About,
    pub(super) gathered: Gathered,
}

/// What is known of a block before it is tried.
#[derive(Debug)]
pub(super) struct About {
    pub(super) session: SessionId,
    pub(super) block: Block,
    pub(super) file_offset: u64,
    pub(super) leaf_len: u32,
    /// The signed index, once there is one.
    pub(super) index: Option<Arc<LeafIndex>>,
    /// The number of the block's first leaf.
    pub(super) first_leaf: u64,
}

/// A block whose leaves are not hashed yet.
struct Decoded {
    about: About,
    /// The symbols, if they do not determine it.
    result: Result<Vec<u8>, Box<Gathered>>,
}

/// What a [`SolveJob`] came to.
#[derive(Debug)]
pub struct Solved {
    session: SessionId,
    pub(super) block: Block,
    file_offset: u64,
    /// The symbols, if they do not determine the block.
    pub(super) outcome: Result<SolvedBlock, Box<Gathered>>,
}

/// A block that its symbols determined.
#[derive(Debug)]
pub(super) struct SolvedBlock {
    pub(super) bytes: Vec<u8>,
    /// Of a content block.
    pub(super) leaf_hashes: Vec<Digest>,
    /// Whether a leaf is not the signed one, as far as that was known.
    is_wrong: bool,
}

impl SolveJob {
    /// The session that it is for.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.about.session
    }

    /// Decodes the block and hashes its leaves: the heavy part of receiving, on whichever thread.
    #[must_use]
    pub fn run(self) -> Solved {
        let decoded = self.decode();
        let hashes = merkle::leaf_hashes(&decoded.leaves());
        decoded.finish(hashes)
    }

    /// As [`run`](Self::run) for each of `jobs`, but the leaves of all are hashed together, which takes less time
    /// (see [`merkle::leaves_together`]).
    #[must_use]
    pub fn run_all(jobs: Vec<Self>) -> Vec<Solved> {
        let decoded: Vec<_> = jobs.into_iter().map(Self::decode).collect();
        let leaves: Vec<&[u8]> = decoded.iter().flat_map(Decoded::leaves).collect();
        let mut hashes = merkle::leaf_hashes(&leaves).into_iter();
        let finish = |decoded: Decoded| {
            let count = decoded.leaves().len();
            decoded.finish(hashes.by_ref().take(count).collect())
        };
        decoded.into_iter().map(finish).collect()
    }

    fn decode(self) -> Decoded {
        let Self { about, gathered } = self;
        let oti = *gathered.oti();
        // A panic in decoding costs the block its symbols, and nothing else.
        let result = catch_unwind(AssertUnwindSafe(|| gathered.solve()));
        let result = result.unwrap_or_else(|_| Err(Box::new(Gathered::new(oti))));
        Decoded { about, result }
    }
}

impl Decoded {
    /// The leaves of a content block.
    fn leaves(&self) -> Vec<&[u8]> {
        match (self.about.block.part, &self.result) {
            (Part::Content, Ok(bytes)) => bytes.chunks(self.about.leaf_len.max(1) as usize).collect(),
            _ => Vec::new(),
        }
    }

    fn finish(self, leaf_hashes: Vec<Digest>) -> Solved {
        let About {
            session,
            block,
            file_offset,
            index,
            first_leaf,
            ..
        } = self.about;
        let outcome = self.result.map(|bytes| {
            let is_wrong = index.is_some_and(|index| first_wrong(&index, first_leaf, &leaf_hashes).is_some());
            SolvedBlock {
                bytes,
                leaf_hashes,
                is_wrong,
            }
        });
        Solved {
            session,
            block,
            file_offset,
            outcome,
        }
    }
}

impl Solved {
    /// The session that it is for.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Content to be written before the result is handed to [`Reception::handle_solved`](super::Reception::handle_solved): where in
    /// the bundle's file, and what. Without a head it is unverified, and may have to be written again.
    #[must_use]
    pub fn content(&self) -> Option<(u64, &[u8])> {
        let solved = self.outcome.as_ref().ok()?;
        (self.block.part == Part::Content && !solved.is_wrong).then_some((self.file_offset, &solved.bytes))
    }
}

/// The number of the first of the leaves from `first` on, with these hashes, that is not the signed one.
pub(super) fn first_wrong(index: &LeafIndex, first: u64, hashes: &[Digest]) -> Option<u64> {
    let signed = |leaf: u64| usize::try_from(leaf).ok().and_then(|leaf| index.leaves().get(leaf));
    (first..)
        .zip(hashes)
        .find(|(leaf, hash)| signed(*leaf) != Some(*hash))
        .map(|(leaf, _)| leaf)
}
