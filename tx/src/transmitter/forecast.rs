//! What sending a bundle will take, before anything of it is sent.

use hw::units::Rate;
use protocol::layout::{Block, Part};
use protocol::time::UnixMillis;
use protocol::transmission::{Plan, Settings, TransmissionError};
use protocol::wire::{HEADER_LEN, LinkNumber, SessionId};

use super::config::LinkConfig;
use super::link::shape_of;
use super::pace::Framing;
use crate::bundle_file::BundleFile;

/// The numbers of a transmission to come.
#[derive(Debug, Clone)]
pub(super) struct Forecast {
    plan: Plan,
    datagrams: u64,
    needed: u64,
    datagram_len: u64,
    datagram_wire_bits: u64,
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

impl Forecast {
    /// The numbers for a bundle on a link.
    ///
    /// # Errors
    /// [`TransmissionError`] if the two do not fit.
    pub(super) fn of(bundle: &BundleFile, link: &LinkConfig, framing: Framing) -> Result<Self, TransmissionError> {
        // What only the sending itself will know has no influence on the numbers.
        let settings = settings(link, SessionId(1), LinkNumber { epoch: 0, sequence: 1 }, UnixMillis(0));
        let plan = Plan::new(&shape_of(bundle), &settings)?;
        let datagram_len = HEADER_LEN + usize::from(link.symbol_len);
        let needed = needed_symbols(&plan);
        Ok(Self {
            datagrams: plan.packets(),
            needed,
            datagram_len: datagram_len as u64,
            datagram_wire_bits: framing.wire_bits(datagram_len),
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

    /// The share of the datagrams that a link without loss would not need, in millionths: repair symbols, repeats, announces.
    pub(super) fn repair_ppm(&self) -> u64 {
        let spare = u128::from(self.datagrams.saturating_sub(self.needed));
        u64::try_from(spare * 1_000_000 / u128::from(self.datagrams.max(1))).unwrap_or(u64::MAX)
    }

    /// Milliseconds that it takes at this rate.
    pub(super) fn millis_at(&self, rate: Rate) -> u64 {
        let bits = u128::from(self.datagrams) * u128::from(self.datagram_wire_bits);
        u64::try_from(bits * 1000 / u128::from(rate.bits_per_second())).unwrap_or(u64::MAX)
    }

    /// Blocks in all.
    pub(super) fn blocks(&self) -> u32 {
        self.plan.layout().blocks()
    }

    /// The head's blocks.
    pub(super) fn head(&self) -> PartForecast {
        self.part(0, self.plan.layout().head_blocks())
    }

    /// The content's blocks.
    pub(super) fn content(&self) -> PartForecast {
        let layout = self.plan.layout();
        self.part(layout.head_blocks(), layout.blocks() - layout.head_blocks())
    }

    /// Bytes of blocks that are held at once: two groups.
    pub(super) fn held_bytes(&self, depth: u16) -> u64 {
        2 * u64::from(depth) * u64::from(self.plan.layout().block_len())
    }

    fn part(&self, first: u32, blocks: u32) -> PartForecast {
        let first = self.plan.layout().block(first).filter(|_| blocks > 0);
        let repair = first.map_or(0, |block| self.plan.repair(&block));
        PartForecast {
            blocks,
            k: first.map_or(0, |block| block.k),
            repair,
        }
    }
}

/// The settings of a transmission; its first packet number is set when it begins.
pub(super) fn settings(link: &LinkConfig, session: SessionId, number: LinkNumber, created: UnixMillis) -> Settings {
    Settings {
        session,
        number,
        symbol_len: link.symbol_len,
        redundancy: link.redundancy,
        passes: link.passes,
        created,
        first_packet: 0,
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
    use crate::transmitter::trial::{framing, link_config, sample_bundle};

    #[test]
    fn the_symbols_needed_are_those_of_all_blocks() {
        let bundle = sample_bundle(700_000);
        let forecast = Forecast::of(&bundle, &link_config(4), framing()).unwrap();
        let layout = forecast.plan.layout();
        let sum: u64 = (0..layout.blocks())
            .filter_map(|number| layout.block(number))
            .map(|block| u64::from(block.k))
            .sum();
        assert_eq!(forecast.needed, sum);
    }

    #[test]
    fn a_thousand_datagrams_take_a_thousand_times_the_wires_time_for_one() {
        let bundle = sample_bundle(100_000);
        let forecast = Forecast::of(&bundle, &link_config(4), framing()).unwrap();
        let bits = forecast.datagrams() * framing().wire_bits(32 + 1408);
        assert_eq!(forecast.millis_at("1M".parse().unwrap()), bits / 1000);
    }

    #[test]
    fn more_loss_costs_a_larger_share() {
        let bundle = sample_bundle(700_000);
        let share = |loss| {
            let redundancy = protocol::fec::Redundancy::new(loss, 64, 1e-9, 4).unwrap();
            let link = LinkConfig {
                redundancy,
                ..link_config(4)
            };
            Forecast::of(&bundle, &link, framing()).unwrap().repair_ppm()
        };
        assert!(share(0.01) < share(0.1));
    }

    #[test]
    fn a_leaf_too_long_for_the_symbols_does_not_fit() {
        let bundle = sample_bundle(100_000);
        let link = LinkConfig {
            symbol_len: 128,
            ..link_config(4)
        };
        assert!(matches!(
            Forecast::of(&bundle, &link, framing()),
            Err(TransmissionError::Layout(_))
        ));
    }
}
