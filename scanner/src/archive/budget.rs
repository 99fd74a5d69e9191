//! How much may come out of one archive, all levels together.

use std::cell::Cell;

use super::flaw::Flaw;
use super::rules;
use crate::engine::Outcome;

/// Archives within archives at most; a compressed tar is one.
pub(crate) const MAX_DEPTH: u8 = 4;
/// Entries of an archive and of those in it at most, folders and links among them.
const MAX_ENTRIES: u32 = 20_000;
/// Bytes that decompression makes of an archive and of those in it at most.
const MAX_MADE: u64 = 1 << 30;
/// Times that compressed bytes may grow, past [`FREE`].
const MAX_RATIO: u64 = 200;
/// Bytes that any stream may make.
const FREE: u64 = 1 << 20;

/// What was spent on an archive of a bundle; its levels share it.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Bytes of the outermost archive.
    size: u64,
    entries: Cell<u32>,
    made: Cell<u64>,
    files: Cell<u32>,
}

impl Budget {
    /// For a file of `size` bytes.
    pub(crate) fn new(size: u64) -> Self {
        Self {
            size,
            entries: Cell::new(0),
            made: Cell::new(0),
            files: Cell::new(0),
        }
    }

    /// The number of the next file that comes out, from 1.
    pub(crate) fn next_file(&self) -> u32 {
        self.files.set(self.files.get().saturating_add(1));
        self.files.get()
    }

    /// Pays for an entry.
    pub(super) fn entry(&self) -> Result<(), Flaw> {
        if self.entries.get() >= MAX_ENTRIES {
            return Err(over(format!(
                "more than {MAX_ENTRIES} entries: the rest was not looked at"
            )));
        }
        self.entries.set(self.entries.get() + 1);
        Ok(())
    }

    /// Pays for `fresh` bytes, the last of `made` that a stream made out of `taken`.
    pub(super) fn made(&self, fresh: u64, made: u64, taken: u64) -> Result<(), Flaw> {
        let all = self.made.get().saturating_add(fresh);
        self.made.set(all);
        for (made, of) in [(made, taken), (all, self.size)] {
            if made > FREE && made / MAX_RATIO > of {
                let message = format!(
                    "{of} bytes became more than {} MiB, over {MAX_RATIO} times as many: the rest was not looked at",
                    made >> 20
                );
                return Err(Flaw::new(&rules::BOMB, message).not_seen(Outcome::OverLimit));
            }
        }
        if all > MAX_MADE {
            return Err(over(format!(
                "it expands to more than {} MiB: the rest was not looked at",
                MAX_MADE >> 20
            )));
        }
        Ok(())
    }
}

fn over(message: String) -> Flaw {
    Flaw::new(&rules::LIMIT, message).not_seen(Outcome::OverLimit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mebibyte_may_come_out_of_nothing_and_a_byte_more_may_not() {
        assert_eq!(Budget::new(1000).made(FREE, FREE, 1), Ok(()));
        assert!(Budget::new(1000).made(FREE + 1, FREE + 1, 1).is_err());
    }

    #[test]
    fn the_last_entry_is_the_twenty_thousandth() {
        let budget = Budget::new(1);
        for _ in 0..20_000 {
            budget.entry().unwrap();
        }
        assert_eq!(budget.entry().unwrap_err().outcome, Outcome::OverLimit);
    }

    #[test]
    fn streams_that_each_stay_in_proportion_do_not_together_pass_the_whole() {
        let budget = Budget::new(10 << 10);
        assert_eq!(budget.made(FREE, FREE, FREE), Ok(()));
        assert_eq!(budget.made(900 << 10, FREE, FREE), Ok(()));
        assert!(budget.made(900 << 10, FREE, FREE).is_err());
    }
}
