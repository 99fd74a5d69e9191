//! The tamper-evident log, the keys in files, and the one door to disk.
//!
//! ```text
//!  daemons ──▶ log ──▶ storage ──▶ disk        event   what happened, as JSON
//!     │         ▲                              line    an event as one line for people
//!     └──▶ event┘     keyfile ──▶ disk         escape  text from outside, safe for a terminal, JSON, SARIF, Markdown
//!                                              untrusted  the type of such a text, which has no other way out
//! ```
//!
//! Words: the log is *tamper-evident*: whoever holds the disk can change it, but not without being found by someone who
//! has the log's public key and an earlier checkpoint from elsewhere.

#![forbid(unsafe_code)]

mod cli;
mod commands;
pub mod escape;
pub mod event;
pub mod keyfile;
pub mod line;
pub mod log;
pub mod storage;
pub mod untrusted;

pub use cli::run;
