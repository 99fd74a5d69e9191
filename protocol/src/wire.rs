//! Datagrams: a fixed header, then the body of an announce, a symbol, a heartbeat, or filler.
//!
//! ```text
//!  0      2    3    4        12      16     20    24      26      28     32
//!  ├──────┼────┼────┼────────┼───────┼──────┼─────┼───────┼───────┼──────┼──────────┈
//!  │ D10D │ver │kind│session │packet │block │ ESI │body   │suite  │CRC-32│ body
//!  └──────┴────┴────┴────────┴───────┴──────┴─────┴length─┴───────┴──────┴──────────┈
//! ```
//!
//! Big-endian throughout. Parsing is total and allocates nothing; what a datagram says is noise until its CRC holds, and a claim until its
//! announce's signature does.

mod announce;
mod crc;
mod header;
mod heartbeat;
mod seal;
mod short_list;

pub use announce::{ANNOUNCE_BODY_LEN, Announce, AnnounceError, LinkNumber, SignedAnnounce};
pub use crc::BodyCrc;
pub(crate) use crc::Shift;
pub(crate) use header::claimed_kind;
pub use header::{HEADER_LEN, Header, Kind, Packet, SessionId, VERSION, WireError};
pub(crate) use heartbeat::claimed_counter;
pub use heartbeat::{
    Heartbeat, HeartbeatError, InFlight, LinkParameters, LogCheckpoint, MAX_HEARTBEAT_BODY_LEN, MIN_HEARTBEAT_BODY_LEN,
    SignedHeartbeat,
};
pub(crate) use seal::claimed_key;
