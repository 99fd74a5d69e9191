//! The numbers behind a transmission: how the bundle is cut, how much repair each block gets, how many datagrams it takes.

use std::collections::BTreeMap;
use std::ops::Range;

use super::schedule::{ROUNDS, Schedule, Step};
use super::{BundleShape, Settings, TransmissionError};
use crate::fec::Redundancy;
use crate::layout::{Block, Layout, Part};
use crate::limits::{MAX_LANES, MAX_PASSES};
use crate::wire::LinkParameters;

/// The numbers that follow from settings and shape.
#[derive(Debug, Clone)]
pub struct Plan {
    layout: Layout,
    redundancy: Redundancy,
    passes: u16,
    lanes: u8,
    /// R for each K that occurs: finding it is far more work than looking it up for every block.
    repair: BTreeMap<u32, u32>,
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
                "lanes",
                settings.lanes.into(),
                (1..=MAX_LANES).contains(&settings.lanes),
            ),
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
            lanes: settings.lanes,
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

    /// Datagrams of all passes and lanes, at most: where others fill a gap, no filler is sent.
    #[must_use]
    pub fn packets(&self) -> u64 {
        let mut packets = 0;
        for lane in 0..self.lanes {
            let mut schedule = Schedule::new(self, lane);
            while let Some(step) = schedule.next(self) {
                packets += self.packets_of(&step);
            }
        }
        packets
    }

    /// Groups of blocks, sent on one lane after the other.
    pub(super) fn groups(&self) -> u32 {
        self.layout.groups(self.redundancy.depth())
    }

    pub(super) fn redundancy(&self) -> &Redundancy {
        &self.redundancy
    }

    pub(super) fn passes(&self) -> u16 {
        self.passes
    }

    pub(super) fn lanes(&self) -> u8 {
        self.lanes
    }

    pub(super) fn packets_of(&self, step: &Step) -> u64 {
        match step {
            Step::Announce { count, .. } | Step::Gap { packets: count } => u64::from(*count),
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
    pub(super) fn repair_esis(&self, block: &Block, round: u32) -> Range<u32> {
        let repair = self.repair(block);
        let first = block.k + round * repair;
        first..first + repair
    }

    pub(super) fn max_esi(&self) -> u32 {
        let last_round = u32::from(self.passes) * ROUNDS - 1;
        self.kinds_of_blocks()
            .map(|block| self.repair_esis(&block, last_round).end.max(block.k) - 1)
            .max()
            .unwrap_or(0)
    }
}

/// What a heartbeat says of a link on which bundles of this leaf length are sent so: [`LinkParameters`] that fit every announce.
///
/// # Errors
/// [`TransmissionError`] naming what does not fit.
pub fn link_parameters(
    leaf_len: u32,
    symbol_len: u16,
    redundancy: &Redundancy,
    passes: u16,
    lanes: u8,
) -> Result<LinkParameters, TransmissionError> {
    let leaves = Layout::leaves_per_block_for(leaf_len, symbol_len);
    let layout = Layout::new(1, u64::from(leaf_len) * u64::from(leaves), leaf_len, leaves, symbol_len)?;
    let k = layout.largest_k();
    let repair = redundancy.repair_symbols(k)?.max(MIN_HEAD_REPAIR);
    Ok(LinkParameters {
        symbol_len,
        block_len: layout.block_len(),
        depth: redundancy.depth(),
        lanes,
        max_esi: k + u32::from(passes) * ROUNDS * repair - 1,
        passes,
        loss_ppm: (redundancy.loss() * 1e6).round() as u32,
        burst: redundancy.burst(),
    })
}

/// The head is small and everything hangs on it.
const MIN_HEAD_REPAIR: u32 = 16;
