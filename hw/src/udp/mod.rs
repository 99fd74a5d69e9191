//! UDP over one fibre: a sink that only sends, a source that only receives.
//!
//! ```text
//! send_batch(&[datagram]) ─▶ UdpSink ── sendmmsg ══▶ link ══▶ recvmmsg ── UdpSource ─▶ recv_batch(&mut Batch)
//!                              ▲                                             │
//!              whatever comes  │ dropped by a locked filter                  │ shut for writing:
//!              back ───────────┘ before it is queued                        └─ sending answers EPIPE
//! ```
//!
//! Always true:
//! - neither socket is connected, so that no ICMP error of the other side is ever reported to the sender;
//! - one system call moves up to [`MAX_BATCH`] datagrams, and neither call allocates;
//! - buffers that were asked for and those that the kernel granted are both reported ([`Granted`]).

mod batch;
mod messages;
mod options;
mod sink;
mod source;

pub use batch::Batch;
pub use options::Granted;
pub use sink::{SinkConfig, SinkCounters, UdpSink};
pub use source::{SourceConfig, SourceCounters, UdpSource};

/// Datagrams that one system call sends or receives at most.
pub const MAX_BATCH: usize = 64;

/// Bytes of the longest UDP payload that IP can carry, over IPv4 as over IPv6.
pub const MAX_DATAGRAM: usize = 65_527;
