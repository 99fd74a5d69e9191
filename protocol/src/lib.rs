//! What a data-diode link says and means: wire format, forward error correction, bundles, trust, and the two state machines.
//!
//! ```text
//!  author's desk          tx host                                     rx host
//!  bundle::seal ──file──▶ Transmission ──datagrams──▶ (one way) ──▶ Reception ──▶ bundle::verify_head ──▶ admission
//!                          │ layout, fec::CodedBlock                  │ wire::Packet, fec::Gathered
//!                          └ wire::Announce, signed by the link key   └ every leaf against the signed index
//!  wire::Heartbeat ──────▶ link::LinkMonitor, sequences::Sequences ──what is missing──▶ resend::ResendCode ──by telephone──▶ tx
//! ```
//!
//! Sans-IO: no sockets, clock, files, threads or randomness of its own. Bytes and time come in as arguments, so that the same code runs in
//! the daemons, in a simulator and in a fuzzer (`clippy.toml` names what is banned).
//!
//! Always true:
//! - no input from outside panics: every parser is total, and the one library that panics on malformed input sits behind [`fec`];
//! - nothing is allocated for a length that was not compared with [`limits`] first;
//! - a signature is verified before what it signs is parsed.

#![deny(unsafe_code)]

pub mod bundle;
pub mod codec;
pub mod digest;
pub mod fec;
pub mod keys;
pub mod layout;
pub mod limits;
pub mod link;
pub mod merkle;
pub mod path;
pub mod reception;
pub mod resend;
pub mod sequences;
pub mod time;
pub mod transmission;
pub mod trust;
pub mod wire;
