//! Where transmitter and receiver meet: the demo, a lossy link, measurements, and what the end-to-end tests share.
//!
//! ```text
//! demo, transfer ─▶ drive ─▶ diode-pack, diode-tx, diode-rx, diode-audit   each in a process of its own
//!        │            └──▶ compare                                         what came out against what went in
//!        ├──▶ relay                                                        the link between them
//!        └──▶ compromised                                                  a transmitter that lies
//! ```
//!
//! The programs are this executable, started again with a hidden verb that makes the very call that the program's `main` makes: so there
//! is nothing to find, to install or to build first.

#![forbid(unsafe_code)]

mod cli;
pub mod compare;
pub mod compromised;
mod demo;
pub mod drive;
pub mod relay;
mod signals;
mod terminal;
mod transfer;

pub use cli::run;
pub use demo::rough_link;
