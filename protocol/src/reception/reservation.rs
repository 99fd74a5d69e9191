//! How much memory a session may take, by its announce: what is reserved for it before it is opened.
//!
//! Always true: what a session holds never exceeds this, whatever comes.

use crate::fec::{Gathered, Oti};
use crate::layout::Layout;
use crate::wire::{Announce, LinkParameters, SignedAnnounce};

/// Symbols kept for a block while it is being solved, should it not be determined yet.
pub(super) const SPARE_WHILE_SOLVING: usize = 8;

/// Bytes that a session of this announce may take.
pub(super) fn of_session(signed: &SignedAnnounce) -> u64 {
    window(signed) as u64 * block_cost(signed) + besides_blocks(signed.layout())
}

/// Bytes that the blocks of a large bundle may take, sent with these parameters.
pub(super) fn of_blocks(parameters: &LinkParameters) -> u64 {
    let LinkParameters {
        symbol_len,
        block_len,
        depth,
        lanes,
        max_esi,
        ..
    } = *parameters;
    let cost = Oti::new(block_len as usize, symbol_len).map_or(0, |oti| cost(&oti, max_esi));
    u64::from(two_groups(depth, lanes)) * cost
}

/// Bytes that an open block may take at most.
pub(super) fn block_cost(signed: &SignedAnnounce) -> u64 {
    largest(signed.layout()).map_or(0, |oti| cost(&oti, signed.announce().max_esi))
}

fn cost(oti: &Oti, max_esi: u32) -> u64 {
    let spare = SPARE_WHILE_SOLVING * oti.symbol_len();
    Gathered::cost(oti, max_esi) + spare as u64
}

/// Bytes that a session takes besides its blocks: the head twice, while it is gathered and as its index; a hash for each leaf that comes
/// before it; a flag for each block.
pub(super) fn besides_blocks(layout: &Layout) -> u64 {
    2 * u64::from(layout.head_len()) + 32 * layout.leaves() + u64::from(layout.blocks())
}

/// Blocks that may be open at once: two groups a lane.
pub(super) fn window(signed: &SignedAnnounce) -> usize {
    let Announce { depth, lanes, .. } = signed.announce();
    two_groups(*depth, *lanes).min(signed.layout().blocks()).max(1) as usize
}

/// Blocks of two groups a lane.
fn two_groups(depth: u16, lanes: u8) -> u32 {
    2 * u32::from(depth) * u32::from(lanes)
}

pub(super) fn oti(layout: &Layout, number: u32) -> Option<Oti> {
    let block = layout.block(number)?;
    Oti::new(block.len as usize, layout.symbol_len()).ok()
}

/// The code of the largest block: the first of the head or the first of the content.
pub(super) fn largest(layout: &Layout) -> Option<Oti> {
    let first = [0, layout.head_blocks()].into_iter();
    first
        .filter_map(|number| oti(layout, number))
        .max_by_key(Oti::padded_len)
}
