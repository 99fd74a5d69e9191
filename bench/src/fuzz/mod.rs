//! Every parser of outside input, and the receiver as a whole, against bytes that nobody meant to send.
//!
//! ```text
//! tests/corpus/TARGET/* ─▶ Corpus ─┐
//! (target, N) ─▶ dice ─────────────┴─▶ mutate ─▶ input N ─▶ Target::run ─▶ a property that holds, or a panic
//!                                                              ▲
//!                              cargo test, diode-bench fuzz, and a coverage-guided engine all come in here
//! ```
//!
//! A target is one function over bytes that panics if what is promised of the code under it does not hold: it is total, what it takes it
//! writes back the same, and what it sets aside stays under its cap. Where a checksum or a signature would end every input at the door, the
//! target makes it fit first, as whoever holds the link or its key could.
//!
//! Always true:
//! - input N depends on the target's name, N and the corpus, on nothing else: a campaign goes on where the last one ended;
//! - no input is longer than [`MAX_INPUT_LEN`];
//! - the keys here are made from constants that everyone may know, and sign nothing but inputs.

mod campaign;
mod cli;
mod corpus;
pub mod fixture;
pub mod groups;
mod mutate;
pub mod script;
mod target;
pub mod targets;

pub(crate) use cli::{FuzzArgs, run};
pub use corpus::{Corpus, CorpusError};
pub use mutate::{MAX_INPUT_LEN, input};
pub use target::{Shape, TARGETS, Target};
