//! Trials of a pair on this machine: bundles sent to a new receiver, and what became of them.
//!
//! ```text
//! Outfit ── keys, a transmitter, packed bundles of random bytes, in page cache
//!    └─ Trial ─▶ diode-tx ══▶ loopback ══▶ socket ─▶ simulated losses ─▶ diode-rx, in a folder of its own ─▶ Observed
//! ```
//!
//! Always true: a trial that counts as arrived was compared, byte for byte, with what was sent.

mod attempt;
mod observed;
mod outfit;
mod reserve;
mod spool;

pub(crate) use attempt::{Arrival, Trial, achieved, count_syncs, places, wait_for_admission};
pub(crate) use observed::{Lost, Observed, Timing};
pub(crate) use outfit::{Outfit, file_system};
pub(crate) use reserve::Reserve;
pub(crate) use spool::{Pages, Spool};
