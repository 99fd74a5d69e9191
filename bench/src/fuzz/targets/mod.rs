//! The targets: a function over bytes each, by what it is that they feed.
//!
//! ```text
//! link      header, symbols       bundle   prefix, envelope, statement, head, signed_head, paths
//! sealed    announce, heartbeat   trust    allowed_signers, public_key, signing_key
//! frame     frame                 audit    vkey, checkpoint, entry
//! receiver  reception             log      log, wal, tiles
//! numbers   resend, sequences     scan     scan
//! ```
//!
//! # Panics
//! All of them, if what they are about does not hold: that is how a target tells.

pub mod audit;
pub mod bundle;
pub mod frame;
pub mod link;
pub mod log;
pub mod numbers;
pub mod receiver;
pub mod scan;
pub mod sealed;
pub mod trust;
