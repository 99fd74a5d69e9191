//! What is known of each block of a session, in one byte: whether it is done, and how often it was wrong.
//!
//! ```text
//!  bit 7  done
//!  bit 6  it was not the signed one, once or more
//!  0 – 3  how often, in this pass
//! ```
//!
//! Always true: a byte a block is all that is kept, but for the first blocks that failed, of which a person is told.

use std::fmt;

use crate::limits::MAX_BLOCK_FAILURES;

const DONE: u8 = 1 << 7;
const FAILED: u8 = 1 << 6;
const TIMES: u8 = 0x0F;

/// Blocks that failed and are told by number.
const NAMED: usize = 8;

/// The blocks of a session.
#[derive(Debug)]
pub(super) struct Marks {
    bytes: Vec<u8>,
    done: u32,
    forged: ForgedBlocks,
}

/// The blocks of a session that were determined and are not the signed ones: forged, or damaged past the CRC. They may have been mended
/// since. Of a head that is not the announced one, all blocks count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ForgedBlocks {
    count: u32,
    first: [u32; NAMED],
}

impl Marks {
    pub(super) fn new(blocks: u32) -> Self {
        Self {
            bytes: vec![0; blocks as usize],
            done: 0,
            forged: ForgedBlocks::default(),
        }
    }

    /// Blocks that are done.
    pub(super) fn done(&self) -> u32 {
        self.done
    }

    pub(super) fn forged(&self) -> ForgedBlocks {
        self.forged
    }

    pub(super) fn is_done(&self, number: u32) -> bool {
        self.byte(number) & DONE != 0
    }

    /// Whether the block failed as often as it may in a pass.
    pub(super) fn is_given_up(&self, number: u32) -> bool {
        self.byte(number) & TIMES >= MAX_BLOCK_FAILURES
    }

    /// A block that failed and is not done.
    pub(super) fn unmended(&self) -> Option<u32> {
        if self.forged.count == 0 {
            return None;
        }
        let unmended = |byte: &u8| byte & (FAILED | DONE) == FAILED;
        let at = self.bytes.iter().position(unmended)?;
        u32::try_from(at).ok()
    }

    pub(super) fn set_done(&mut self, number: u32, done: bool) {
        let Some(byte) = self.bytes.get_mut(number as usize) else {
            return;
        };
        match (*byte & DONE != 0, done) {
            (false, true) => self.done += 1,
            (true, false) => self.done -= 1,
            _ => return,
        }
        *byte ^= DONE;
    }

    /// The blocks from `first` on are not done.
    pub(super) fn forget_done(&mut self, first: u32) {
        for number in first..self.bytes.len() as u32 {
            self.set_done(number, false);
        }
    }

    /// Takes note that a block, not done, failed.
    pub(super) fn fail(&mut self, number: u32) {
        let Some(byte) = self.bytes.get_mut(number as usize) else {
            return;
        };
        if *byte & FAILED == 0 {
            *byte |= FAILED;
            if let Some(place) = self.forged.first.get_mut(self.forged.count as usize) {
                *place = number;
            }
            self.forged.count += 1;
        }
        if *byte & TIMES < MAX_BLOCK_FAILURES {
            *byte += 1;
        }
    }

    /// A new pass: every block may fail anew.
    pub(super) fn begin_pass(&mut self) {
        if self.forged.count > 0 {
            self.bytes.iter_mut().for_each(|byte| *byte &= !TIMES);
        }
    }

    fn byte(&self, number: u32) -> u8 {
        self.bytes.get(number as usize).copied().unwrap_or(0)
    }
}

impl ForgedBlocks {
    /// How many blocks.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The numbers of the first eight of them, in the order in which they failed.
    #[must_use]
    pub fn numbers(&self) -> &[u32] {
        self.first.get(..self.count as usize).unwrap_or(&self.first)
    }
}

impl fmt::Display for ForgedBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.numbers().iter().map(u32::to_string).collect();
        let word = if self.count == 1 { "block" } else { "blocks" };
        write!(f, "{word} {}", numbers.join(", "))?;
        match self.count as usize - numbers.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_are_done_are_counted_once() {
        let mut marks = Marks::new(3);
        for (number, done) in [(1, true), (1, true), (2, true), (2, false), (9, true), (0, false)] {
            marks.set_done(number, done);
        }
        assert_eq!(marks.done(), 1);
        assert_eq!(
            [0, 1, 2, 9].map(|number| marks.is_done(number)),
            [false, true, false, false]
        );
    }

    #[test]
    fn a_block_is_given_up_at_the_eighth_failure_and_tried_again_in_the_next_pass() {
        let mut marks = Marks::new(3);
        for time in 1..=20 {
            marks.fail(1);
            assert_eq!(marks.is_given_up(1), time >= 8, "{time}");
        }
        assert_eq!((marks.unmended(), marks.is_given_up(0)), (Some(1), false));
        marks.begin_pass();
        assert!(!marks.is_given_up(1));
        marks.set_done(0, true);
        marks.set_done(2, true);
        marks.forget_done(1);
        assert_eq!((marks.done(), marks.is_done(0)), (1, true));
        marks.set_done(1, true);
        assert_eq!((marks.unmended(), marks.forged().count()), (None, 1));
    }

    #[test]
    fn the_first_blocks_that_failed_are_named_and_the_others_counted() {
        let mut marks = Marks::new(20);
        marks.fail(3);
        marks.fail(3);
        assert_eq!(marks.forged().to_string(), "block 3");
        for number in (0..20).rev() {
            marks.fail(number);
        }
        assert_eq!(marks.forged().numbers(), [3, 19, 18, 17, 16, 15, 14, 13]);
        assert_eq!(
            marks.forged().to_string(),
            "blocks 3, 19, 18, 17, 16, 15, 14, 13 and 12 more"
        );
    }
}
