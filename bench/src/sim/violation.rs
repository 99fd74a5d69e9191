//! What must never be seen, by the numbers of the design's invariants.

use std::fmt;

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// Which.
    pub(super) invariant: Invariant,
    /// What was seen.
    pub(super) what: String,
}

/// What always holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Invariant {
    /// At most one admission per number and per bundle; admitted bytes equal sent bytes.
    OneAdmission = 1,
    /// Nothing is admitted that was not announced, signed by a trusted author, and whole.
    Verified = 2,
    /// Nothing is released without what it takes.
    Released = 3,
    /// Every acknowledged event survives, in order, and the log verifies.
    Log = 4,
    /// A sequence number belongs to one bundle for ever.
    Number = 5,
    /// Memory and disk stay under their caps.
    Caps = 6,
    /// No input ends the process; what is sent again on a sound link arrives.
    Alive = 7,
}

impl Invariant {
    /// This invariant, broken.
    pub(super) fn broken(self, what: impl Into<String>) -> Violation {
        Violation {
            invariant: self,
            what: what.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant {}: {}", self.invariant as u8, self.what)
    }
}
