//! What sending a bundle will take, and how likely it is to fail, before anything of it is sent.
//!
//! All follows from the [`Plan`] that the sending itself goes by. A chance of failure counts one burst of the longest kind in every
//! group: of a full group it takes [`Redundancy::burst_share`] symbols of each block; of a head or a shorter group, which are sent
//! twice, one sending.

use hw::units::Rate;
use protocol::fec::{Gathered, Oti, Redundancy};
use protocol::layout::{Block, Layout, Part};
use protocol::time::UnixMillis;
use protocol::transmission::{BundleShape, Plan, Settings, TransmissionError};
use protocol::wire::{HEADER_LEN, LinkNumber, SessionId};

use super::config::LinkConfig;
use super::framing::Framing;

/// The numbers of a transmission to come.
#[derive(Debug, Clone)]
pub(super) struct Forecast {
    plan: Plan,
    redundancy: Redundancy,
    passes: u16,
    lanes: u8,
    datagrams: u64,
    needed: u64,
    datagram_len: u64,
    datagram_bits: u64,
}

/// What blocks of one part have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartForecast {
    /// How many there are.
    pub(super) blocks: u32,
    /// Source symbols of the first (K); only the last can have fewer.
    pub(super) k: u32,
    /// Repair symbols of the first each time it is sent (R).
    pub(super) repair: u32,
}

/// Memory that the blocks of a transmission take at once: two groups of each lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    /// Bytes on this side: blocks with their repair symbols.
    pub(super) sender: u64,
    /// Bytes that the receiver sets aside.
    pub(super) receiver: u64,
}

impl Forecast {
    /// The numbers for a bundle of this shape on a link.
    ///
    /// # Errors
    /// [`TransmissionError`] if the two do not fit.
    pub(super) fn of(shape: &BundleShape, link: &LinkConfig, framing: Framing) -> Result<Self, TransmissionError> {
        // What only the sending itself will know has no influence on the numbers.
        let settings = settings(link, SessionId(1), LinkNumber { epoch: 0, sequence: 1 }, UnixMillis(0));
        let plan = Plan::new(shape, &settings)?;
        let datagram_len = HEADER_LEN + usize::from(link.symbol_len);
        let needed = needed_symbols(&plan);
        Ok(Self {
            redundancy: link.redundancy,
            passes: link.passes,
            lanes: link.lanes,
            datagrams: plan.packets(),
            needed,
            datagram_len: datagram_len as u64,
            datagram_bits: framing.counted_bits(datagram_len),
            plan,
        })
    }

    /// Datagrams in all.
    pub(super) fn datagrams(&self) -> u64 {
        self.datagrams
    }

    /// Bytes of all datagrams: a little more than it will be, since announces are shorter than symbols.
    pub(super) fn bytes(&self) -> u64 {
        self.datagrams.saturating_mul(self.datagram_len)
    }

    /// The share of the datagrams that a link without loss would not need, in millionths: repair symbols, repeats, announces, and
    /// the filler of gaps that no other bundle fills.
    pub(super) fn repair_ppm(&self) -> u64 {
        self.repair_ppm_of(self.datagrams)
    }

    /// The same share of as many datagrams as were sent: filler is none of them.
    pub(super) fn repair_ppm_of(&self, sent: u64) -> u64 {
        let spare = u128::from(sent.saturating_sub(self.needed));
        u64::try_from(spare * 1_000_000 / u128::from(sent.max(1))).unwrap_or(u64::MAX)
    }

    /// Milliseconds that it takes at this rate, of which each lane has its share: a bundle of few groups can't use them all.
    pub(super) fn millis_at(&self, rate: Rate) -> u64 {
        let groups = u128::from(self.layout().groups(self.redundancy.depth()).max(1));
        let lanes = u128::from(self.lanes.max(1));
        // The lane that has most of the groups ends last.
        let busiest = groups.div_ceil(lanes);
        let bits = u128::from(self.datagrams) * u128::from(self.datagram_bits) * busiest * lanes / groups;
        u64::try_from(bits * 1000 / u128::from(rate.bits_per_second())).unwrap_or(u64::MAX)
    }

    /// Blocks in all.
    pub(super) fn blocks(&self) -> u32 {
        self.layout().blocks()
    }

    /// The head's blocks.
    pub(super) fn head(&self) -> PartForecast {
        self.part(0, self.layout().head_blocks())
    }

    /// The content's blocks.
    pub(super) fn content(&self) -> PartForecast {
        let layout = self.layout();
        self.part(layout.head_blocks(), layout.blocks() - layout.head_blocks())
    }

    /// Packets of a full group of content.
    pub(super) fn group_packets(&self) -> u64 {
        let PartForecast { k, repair, .. } = self.content();
        u64::from(self.redundancy.depth()) * u64::from(k + repair)
    }

    /// Nanoseconds that a full group takes of its lane's share of this rate: nothing of it is complete much earlier.
    pub(super) fn group_nanos_at(&self, rate: Rate) -> u64 {
        let bits = u128::from(self.group_packets()) * u128::from(self.datagram_bits) * u128::from(self.lanes.max(1));
        u64::try_from(bits * 1_000_000_000 / u128::from(rate.bits_per_second())).unwrap_or(u64::MAX)
    }

    /// What the blocks take in memory.
    pub(super) fn memory(&self) -> Memory {
        let layout = self.layout();
        let held = 2 * u64::from(self.redundancy.depth()) * u64::from(self.lanes);
        let held = held.min(layout.blocks().into());
        let blocks = || {
            [0, layout.head_blocks()]
                .into_iter()
                .filter_map(|number| layout.block(number))
        };
        let sent = |block: Block| u64::from(block.k + self.plan.repair(&block)) * u64::from(layout.symbol_len());
        let gathered = |block: Block| {
            let repair = self
                .plan
                .repair(&block)
                .saturating_mul(SENDINGS_AT_MOST * u32::from(self.passes));
            let oti = Oti::new(block.len as usize, layout.symbol_len());
            oti.map_or(0, |oti| Gathered::cost(&oti, block.k.saturating_add(repair)))
        };
        // The head while it is gathered, and its index; a hash for each leaf that comes before it; a flag for each block.
        let head = 2 * u64::from(layout.head_len()) + 32 * layout.leaves() + u64::from(layout.blocks());
        Memory {
            sender: held * blocks().map(sent).max().unwrap_or(0),
            receiver: held * blocks().map(gathered).max().unwrap_or(0) + head,
        }
    }

    /// The probability that a content block of a full group can't be put together.
    pub(super) fn block_failure(&self) -> f64 {
        let PartForecast { k, repair, .. } = self.content();
        let (sendings, taken) = (u32::from(self.passes), self.redundancy.burst_share());
        self.redundancy.failure(k, repair, sendings, taken)
    }

    /// The probability that at least one block can't be put together.
    pub(super) fn failure(&self) -> f64 {
        let layout = self.layout();
        let tail = tail_of(layout, self.redundancy.depth());
        let (head_end, end) = (layout.head_blocks(), layout.blocks());
        let full_end = tail.max(head_end);
        // Of each run of blocks all but the last are of one length.
        let runs = [(0, head_end, true), (head_end, full_end, false), (full_end, end, true)];
        let ln_success: f64 = (runs.into_iter())
            .flat_map(|(first, end, twice)| {
                let last = end.saturating_sub(1);
                [
                    (first, last.saturating_sub(first), twice),
                    (last, u32::from(end > first), twice),
                ]
            })
            .filter(|(_, count, _)| *count > 0)
            .map(|(number, count, twice)| f64::from(count) * (-self.failure_of(number, twice)).ln_1p())
            .sum();
        -ln_success.exp_m1()
    }

    /// The probability that block `number` fails; `twice` says that it is sent so in each pass.
    fn failure_of(&self, number: u32, twice: bool) -> f64 {
        let Some(block) = self.layout().block(number) else {
            return 0.0;
        };
        let passes = u32::from(self.passes);
        let (sendings, taken) = match (twice, self.redundancy.burst()) {
            (false, _) => (passes, self.redundancy.burst_share()),
            (true, 0) => (2 * passes, 0),
            // A burst can take all of one sending, and none of the other.
            (true, _) => (2 * passes - 1, 0),
        };
        self.redundancy
            .failure(block.k, self.plan.repair(&block), sendings, taken)
    }

    fn layout(&self) -> &Layout {
        self.plan.layout()
    }

    fn part(&self, first: u32, blocks: u32) -> PartForecast {
        let first = self.layout().block(first).filter(|_| blocks > 0);
        let repair = first.map_or(0, |block| self.plan.repair(&block));
        PartForecast {
            blocks,
            k: first.map_or(0, |block| block.k),
            repair,
        }
    }
}

/// How often a block is sent in a pass at most: with its group, with the head again, with the last group again.
const SENDINGS_AT_MOST: u32 = 3;

/// The first block of a last group that is shorter than the others; past the last block if there is none.
fn tail_of(layout: &Layout, depth: u16) -> u32 {
    let last = layout.group(layout.groups(depth).saturating_sub(1), depth);
    if last.len() < usize::from(depth) {
        last.start
    } else {
        layout.blocks()
    }
}

/// The settings of a transmission.
pub(super) fn settings(link: &LinkConfig, session: SessionId, number: LinkNumber, created: UnixMillis) -> Settings {
    Settings {
        session,
        number,
        symbol_len: link.symbol_len,
        redundancy: link.redundancy,
        passes: link.passes,
        lanes: link.lanes,
        created,
    }
}

/// Source symbols of all blocks, each once.
fn needed_symbols(plan: &Plan) -> u64 {
    let layout = plan.layout();
    let part = |wanted: Part, first: u32, end: u32| {
        let block = |number| {
            layout
                .block(number)
                .filter(|block: &Block| block.part == wanted)
                .map_or(0, |block| block.k)
        };
        let Some(last) = end.checked_sub(1).filter(|last| *last >= first) else {
            return 0;
        };
        // All but the last are of one length.
        u64::from(last - first) * u64::from(block(first)) + u64::from(block(last))
    };
    part(Part::Head, 0, layout.head_blocks()) + part(Part::Content, layout.head_blocks(), layout.blocks())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transmitter::link::shape_of;
    use crate::transmitter::trial::{framing, link_config, sample_bundle};

    fn forecast(content_len: usize, link: &LinkConfig) -> Forecast {
        Forecast::of(&shape_of(&sample_bundle(content_len)), link, framing()).unwrap()
    }

    fn lossy(loss: f64, burst: u32, depth: u16) -> LinkConfig {
        LinkConfig {
            redundancy: Redundancy::new(loss, burst, 1e-9, depth).unwrap(),
            ..link_config(depth)
        }
    }

    #[test]
    fn the_symbols_needed_are_those_of_all_blocks() {
        let forecast = forecast(700_000, &link_config(4));
        let layout = forecast.plan.layout();
        let sum: u64 = (0..layout.blocks())
            .filter_map(|number| layout.block(number))
            .map(|block| u64::from(block.k))
            .sum();
        assert_eq!(forecast.needed, sum);
    }

    #[test]
    fn of_what_was_sent_the_spare_share_is_what_is_past_the_symbols_needed() {
        let forecast = forecast(700_000, &link_config(4));
        assert_eq!(forecast.repair_ppm_of(2 * forecast.needed), 500_000);
        assert_eq!(forecast.repair_ppm_of(forecast.needed - 1), 0);
        assert_eq!(forecast.repair_ppm_of(forecast.datagrams()), forecast.repair_ppm());
    }

    #[test]
    fn a_thousand_datagrams_take_a_thousand_times_the_wires_time_for_one() {
        let forecast = forecast(100_000, &link_config(4));
        let bits = forecast.datagrams() * framing().wire_bits(32 + 1408);
        assert_eq!(forecast.millis_at("1M".parse().unwrap()), bits / 1000);
    }

    #[test]
    fn a_bundle_of_one_group_has_one_lane_and_its_share_of_the_rate() {
        let lanes = |lanes| LinkConfig {
            lanes,
            ..link_config(4)
        };
        let [one, two] = [1, 2].map(|count| forecast(100_000, &lanes(count)).millis_at("100M".parse().unwrap()));
        assert!((2 * one..=2 * one + 1).contains(&two), "{one} and {two} ms");
    }

    #[test]
    fn more_loss_costs_a_larger_share() {
        let share = |loss| forecast(700_000, &lossy(loss, 64, 4)).repair_ppm();
        assert!(share(0.01) < share(0.1));
    }

    #[test]
    fn a_leaf_too_long_for_the_symbols_does_not_fit() {
        let link = LinkConfig {
            symbol_len: 128,
            ..link_config(4)
        };
        let shape = shape_of(&sample_bundle(100_000));
        assert!(matches!(
            Forecast::of(&shape, &link, framing()),
            Err(TransmissionError::Layout(_))
        ));
    }

    #[test]
    fn a_bundle_fails_as_often_as_any_of_its_blocks() {
        // One head block and eleven of content in three groups of four: none is short, and the last block is as long as the others.
        let forecast = forecast(11 * 262_144, &lossy(0.02, 20, 4));
        let PartForecast { k, repair, .. } = forecast.head();
        let head = forecast.redundancy.failure(k, repair, 1, 0);
        let expected = 1.0 - (1.0 - head) * (1.0 - forecast.block_failure()).powi(11);
        let failure = forecast.failure();
        assert!(
            failure > 0.0 && (failure / expected - 1.0).abs() < 1e-3,
            "{failure} and {expected}"
        );
    }

    #[test]
    fn no_block_fails_more_often_than_was_asked_for() {
        for (loss, burst) in [(0.001, 0), (0.01, 64), (0.1, 300)] {
            let forecast = forecast(1_400_000, &lossy(loss, burst, 4));
            let blocks = f64::from(forecast.blocks());
            assert!(forecast.block_failure() <= 1e-9 && forecast.failure() <= blocks * 1e-9);
        }
    }

    #[test]
    fn a_second_pass_makes_failure_rarer() {
        let twice = LinkConfig {
            passes: 2,
            ..lossy(0.02, 0, 4)
        };
        let [once, twice] = [lossy(0.02, 0, 4), twice].map(|link| forecast(1_400_000, &link).failure());
        assert!(twice < once, "{twice} and {once}");
    }

    #[test]
    fn each_lane_holds_two_groups_and_a_small_bundle_only_itself() {
        let lanes = |lanes| LinkConfig {
            lanes,
            ..link_config(2)
        };
        let block = forecast(3_000_000, &lanes(1)).group_packets() / 2 * 1408;
        let sender = |content_len, count| forecast(content_len, &lanes(count)).memory().sender;
        assert_eq!(sender(3_000_000, 1), 4 * block);
        assert_eq!(sender(3_000_000, 2), 8 * block);
        assert_eq!(sender(262_144, 2), 2 * block, "a head and one block of content");
    }
}
