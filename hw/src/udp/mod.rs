//! UDP over one fibre: a sink that only sends, a source that only receives.
//!
//! ```text
//! send(&[Datagram]) ─▶ UdpSink ── sendmmsg ══▶ link ══▶ recvmmsg ── UdpSource ─▶ recv_batch(&mut Batch)
//!      cut into runs      ▲       UDP_SEGMENT           UDP_GRO        │              split into datagrams
//!      of equal length    │                                            │
//!      whatever comes     │ dropped by a locked filter                 │ shut for writing:
//!      back ──────────────┘ before it is queued                        └─ sending answers EPIPE
//! ```
//!
//! A message is what one system call carries [`MAX_BATCH`] of: one datagram, or a run of them that the kernel cuts apart on their
//! way out (UDP_SEGMENT) and joins on their way in (UDP_GRO). On the wire both are the same datagrams; what is saved is the way of
//! each through the kernel, which costs far more than copying its bytes. [`Offload`] says whether that is tried.
//!
//! Always true:
//! - neither socket is connected, so that no ICMP error of the other side is ever reported to the sender;
//! - neither call allocates; what leaves is not copied but by the kernel, and of what comes only short messages are moved together;
//! - a kernel that can't segment or coalesce is served plainly, and says so ([`UdpSink::segmentation`], [`UdpSource::coalescing`]);
//! - buffers that were asked for and those that the kernel granted are both reported ([`Granted`]).

mod batch;
mod control;
mod messages;
mod options;
mod segments;
mod sending;
mod sink;
mod source;

pub use batch::{Batch, LostTo, Received};
pub use options::Granted;
pub use segments::Datagram;
pub use sending::SinkCounters;
pub use sink::{SinkConfig, UdpSink};
pub use source::{SourceConfig, SourceCounters, UdpSource};

/// Whether the kernel is asked to cut and join runs of datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offload {
    /// Where the kernel can; one that can't is served plainly.
    Auto,
    /// Never: one message is one datagram.
    Off,
}

/// Messages that one system call sends or receives at most.
pub const MAX_BATCH: usize = 64;

/// Bytes of the longest UDP payload that IP can carry, over IPv4 as over IPv6.
pub const MAX_DATAGRAM: usize = 65_527;
