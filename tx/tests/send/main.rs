//! `diode-tx` as a program: what it sends, what it refuses, what it leaves behind, and what it takes from others.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)] // Tests prepare folders.

mod handover;
mod heartbeats;
mod plain;
mod receiving;
mod resending;
mod watching;
