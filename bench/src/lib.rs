//! Where transmitter and receiver meet: the demo, a lossy link, measurements, and what the end-to-end tests share.
//!
//! ```text
//! demo, transfer ─▶ drive ─▶ diode-pack, diode-tx, diode-rx, diode-audit   each in a process of its own
//!        │            └──▶ compare                                         what came out against what went in
//!        ├──▶ relay                                                        the link between them
//!        └──▶ compromised                                                  a transmitter that lies
//!
//! raw ──▶ two sockets and nothing else ─────────────────────────────┐
//! fec ──▶ blocks, by each kernel ────────────────────────────────────┤
//! link, bursts ─▶ trial ─▶ drive, with losses drawn in the receiver ─┼─▶ measure: records, tables, plots, two records side by side
//! pair ─▶ drive, one end a host ─────────────────────────────────────┘
//!
//! crash ─▶ drive ─▶ SIGKILL, failing system calls ───────────┐
//! flood ─▶ drive ─▶ datagrams that nobody wants ─────────────┼─▶ campaigns
//! sim ─▶ a pair in one thread, its link and disks made up ───┤
//! fuzz ─▶ every parser, and the receiver, in this process ───┘
//! ```
//!
//! The programs are this executable, started again with a hidden verb that makes the very call that the program's `main` makes: so there
//! is nothing to find, to install or to build first.

#![forbid(unsafe_code)]

mod bursts;
mod campaigns;
pub mod carried;
mod cli;
mod clock;
pub mod compare;
pub mod compromised;
mod crash;
mod demo;
pub mod drive;
mod fec;
mod flood;
pub mod fuzz;
mod input;
mod link;
pub mod lossy;
mod measure;
mod mint;
mod outfile;
mod pair;
mod raw;
pub mod relay;
mod signals;
mod sim;
mod size;
mod terminal;
mod transfer;
mod trial;

pub use cli::run;
pub use demo::rough_link;
