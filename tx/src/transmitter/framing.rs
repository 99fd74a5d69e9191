//! What a datagram costs of a rate: all that Ethernet carries for it, or its own bytes alone.
//!
//! ```text
//! wire     │ preamble 8 │ Ethernet 14 │ IP 20 or 40 │ UDP 8 │ datagram │ check 4 │ gap 12 │     1G fills a gigabit link
//! payload                                                │ datagram │                          what iperf3 counts for UDP
//! ```

use std::net::SocketAddr;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What a rate counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RateCounts {
    /// All that the wire carries, Ethernet framing included
    #[default]
    Wire,
    /// The datagrams' bytes alone
    Payload,
}

/// The bytes around a UDP payload on an Ethernet link, and whether a rate counts them.
///
/// # Units
/// UDP header 8, IP header 20 (IPv4) or 40 (IPv6), and 38 for the frame: preamble and start 8, addresses and type 14, check
/// sequence 4, gap 12. A frame's payload is padded to 46 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Framing {
    ip_header: u64,
    counts: RateCounts,
}

impl Framing {
    /// The framing of datagrams to this address.
    pub(super) fn towards(to: SocketAddr, counts: RateCounts) -> Self {
        Self {
            ip_header: if to.is_ipv4() { 20 } else { 40 },
            counts,
        }
    }

    /// Bits that a datagram of `payload` bytes takes on the wire.
    pub(super) fn wire_bits(self, payload: usize) -> u64 {
        let packet = payload as u64 + UDP_HEADER + self.ip_header;
        8 * (packet.max(ETHERNET_SMALLEST) + ETHERNET_FRAME)
    }

    /// Bits that a datagram of `payload` bytes takes of the rate.
    pub(super) fn counted_bits(self, payload: usize) -> u64 {
        match self.counts {
            RateCounts::Wire => self.wire_bits(payload),
            RateCounts::Payload => 8 * payload as u64,
        }
    }
}

const UDP_HEADER: u64 = 8;
const ETHERNET_FRAME: u64 = 38;
const ETHERNET_SMALLEST: u64 = 46;

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn framing(counts: RateCounts) -> Framing {
        Framing::towards((Ipv4Addr::LOCALHOST, 9).into(), counts)
    }

    #[test]
    fn a_datagram_counts_with_all_that_ethernet_puts_around_it() {
        assert_eq!(framing(RateCounts::Wire).counted_bits(1440), 8 * (1440 + 8 + 20 + 38));
        let ipv6 = Framing::towards((Ipv6Addr::LOCALHOST, 9).into(), RateCounts::Wire);
        assert_eq!(ipv6.counted_bits(1440), 8 * (1440 + 8 + 40 + 38));
    }

    #[test]
    fn a_tiny_datagram_counts_as_the_smallest_frame() {
        assert_eq!(framing(RateCounts::Wire).counted_bits(1), 8 * (46 + 38));
    }

    #[test]
    fn a_rate_of_payload_counts_the_datagrams_bytes_and_the_wire_carries_more() {
        let payload = framing(RateCounts::Payload);
        assert_eq!(payload.counted_bits(1440), 8 * 1440);
        assert_eq!(payload.wire_bits(1440), framing(RateCounts::Wire).wire_bits(1440));
    }
}
