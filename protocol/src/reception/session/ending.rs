//! What is said of a session when it ends.
//!
//! ```text
//! complete, idle, driven out, refused ─▶ summary: how far it came
//!                                     └▶ forged: whether what is missing was forged
//! ```
//!
//! Always true: what is said of a forgery names a leaf, or the head.

use super::Session;
use crate::bundle::Refusal;
use crate::digest::Digest;
use crate::reception::loss::Reading;
use crate::reception::marks::ForgedBlocks;
use crate::time::Tick;

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
    /// Blocks that an earlier transmission had left, head blocks included.
    pub blocks_resumed: u32,
    /// Whether the head is complete and accepted.
    pub head: bool,
    /// Datagrams lost on all lanes meanwhile, in parts per million.
    pub loss_ppm: u32,
    /// Blocks that were forged, or damaged past the CRC.
    pub forged: ForgedBlocks,
}

impl Session {
    pub(in crate::reception) fn summary(&self, reading: Reading) -> Summary {
        let (done, blocks) = self.progress();
        Summary {
            opened: self.opened,
            last_progress: self.last_progress,
            blocks,
            blocks_missing: blocks - done,
            blocks_resumed: self.resumed,
            head: self.has_head(),
            loss_ppm: reading.loss_ppm_since(self.reading_at_open, self.duplicates),
            forged: self.marks.forged(),
        }
    }

    /// The block that failed its leaves and was not mended, if there is one.
    pub(in crate::reception) fn forged(&self) -> Option<Refusal> {
        if let (Some(received), false) = (self.wrong_head, self.has_head()) {
            return Some(self.head_refusal(received));
        }
        let unmended = self.marks.unmended()?;
        let (block, leaf) = match self.wrong_leaf {
            Some((block, leaf)) if !self.marks.is_done(block) => (block, leaf),
            // Which leaf of an earlier one it was is not kept.
            _ => {
                let block = self.signed.layout().block(unmended)?;
                (unmended, self.signed.layout().leaves_of(&block).start)
            }
        };
        Some(Refusal::LeafMismatch { block, leaf })
    }

    fn head_refusal(&self, received: Digest) -> Refusal {
        Refusal::HeadDigest {
            announced: self.announce().head_sha256,
            received,
        }
    }
}
