//! The hardware's side of a one-way link: sockets, their settings, and the quantities they are set in.
//!
//! ```text
//! tx ── UdpSink ═══════▶ one fibre ═══════▶ UdpSource ── rx
//!       never read                          never written
//! ```
//!
//! Always true:
//! - a [`udp::UdpSink`] is never connected and never read: whatever is sent back to it is dropped by the kernel;
//! - a [`udp::UdpSource`] is shut for writing: sending on it answers EPIPE;
//! - datagrams share the way through the kernel where it lets them, and each is shown to the receiver as it was sent;
//! - every failure names what failed, where, the system's error and the mend ([`HwError`]).

mod error;
pub mod udp;
pub mod units;

pub use error::HwError;
