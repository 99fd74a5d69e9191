//! The pair's programs, each in a process of its own, and the folders that they work in.
//!
//! ```text
//! Programs ──start──▶ Running ── a line of stdout, a signal, its end; ended when it is dropped
//!    │                     └ Meter ─▶ Usage: time on a core by thread, memory
//!    ├── Author        diode-pack: a key, and bundles signed with it
//!    ├── Transmitter   diode-tx: the link's key, numbers and log
//!    └── Receiver      diode-rx: a folder, its verbs, `serve`, and Tail, the events as they are recorded
//! ```
//!
//! Always true:
//! - nothing here reaches into a program: what it is told, it is told by its command line, and what it says, it says on stdout, stderr or
//!   in its log;
//! - every wait is for something to happen, has a limit, and ends when the operator interrupts;
//! - no process outlives what started it.

mod author;
mod error;
mod events;
mod finished;
mod last_words;
mod meter;
mod process;
mod receiver;
mod running;
mod syncs;
mod transmitter;
mod usage;

pub use author::{Author, Packed, Packing};
pub use error::DriveError;
pub use events::{Entry, Tail};
pub use finished::Finished;
pub use meter::Meter;
pub(crate) use process::{NICER, YIELDING_TX};
pub use process::{Program, Programs};
pub use receiver::{Receiver, Serving, Shown, Verified};
pub use running::Running;
pub use syncs::{has_strace, syncs_counted};
pub use transmitter::{Inspected, Part, Sending, Sent, Transmitter, read_sent};
pub use usage::Usage;
pub(crate) use usage::peak_resident_kib;
