//! The sending side of a data-diode link: the author's desk, where bundles are packed and signed, and the transmitter.
//!
//! ```text
//! desk (author's key) ──NAME-ID.bundle──▶ transmitter (link key) ──datagrams──▶ one way
//! ```

#![forbid(unsafe_code)]

pub mod bundle_file;
pub mod complaint;
pub mod desk;
mod interrupt;
mod leaves;
pub mod output;
#[cfg(test)]
mod samples;
pub mod transmitter;
pub mod units;

pub use transmitter::run;
