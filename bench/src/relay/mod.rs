//! A lossy one-way link between two UDP addresses, for trying a pair of transmitter and receiver without a fibre.
//!
//! ```text
//!            ┌──────────────────────────── Relay ────────────────────────────┐
//! tx ══════▶ │ UdpSource ─▶ Impairment ─▶ Outgoing ─▶ Throttle ─▶ UdpSink    │ ══════▶ rx
//!            │              lose, double,  bounded     rate, if               │
//!            │              flip, delay    queue       one is set             │
//!            └────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Always true:
//! - what happens to the n-th datagram depends on the seed, the settings and the datagrams up to it, never on time: the same seed
//!   gives the same output to the byte ([`Impairment`]); only a rate that is set, and a silence, bring time in ([`Relay`]);
//! - nothing goes back: the relay's own sockets are the link's, which never send and never receive;
//! - every datagram is accounted for: received + duplicated = sent + lost + over the rate + undeliverable + left in the queue.

pub mod cli;
pub(crate) mod dice;
mod driver;
mod gilbert_elliott;
mod impairment;
mod outgoing;
mod report;
mod throttle;

pub(crate) use dice::Dice;
pub use driver::{Relay, RelayConfig, RelayError, RunningRelay};
pub use gilbert_elliott::BurstError;
pub use impairment::{Impairment, ImpairmentCounters, ImpairmentSettings};
pub use outgoing::Outgoing;
pub use report::{RelayReport, Traffic};
