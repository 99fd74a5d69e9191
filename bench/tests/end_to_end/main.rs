//! Transmitter and receiver from end to end, each in a process of its own, over UDP.
//!
//! Every test has a folder, keys, a receiver and ports of its own; every wait is for an event and has a limit.

// What goes wrong in preparing a test ends it.
#![allow(
    clippy::unwrap_used,
    reason = "a test prepares files by itself, and fails by panicking"
)]

mod arrival;
mod cuts;
mod decisions;
mod pair;
mod refusals;
mod restarts;
mod rules;
mod verbs;
