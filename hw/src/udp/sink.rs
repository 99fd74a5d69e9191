//! The sending end: datagrams go out in batches, and nothing ever comes in.
//!
//! Always true:
//! - the socket is never connected: an ICMP error that comes back names no socket, so the kernel reports none;
//! - before it has a port, a filter that keeps no byte is attached and locked: what is sent to the port is dropped unqueued;
//! - a datagram leaves whole or not at all.

use std::ffi::c_short;
use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{SockAddr, Socket};

use super::options::{self, Buffer, Granted};
use super::segments::{Datagram, Limits, Run};
use super::sending::{Kernel, Sending, SinkCounters};
use super::{Offload, messages};
use crate::HwError;

/// What a sink is set up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkConfig {
    /// Where every datagram goes.
    pub to: SocketAddr,
    /// The local address; any address and a port of the kernel's choice if absent. Of the family of `to`.
    pub bind: Option<SocketAddr>,
    /// The send buffer to ask for, in bytes.
    pub send_buffer_bytes: usize,
    /// Whether the kernel is to cut runs of datagrams.
    pub offload: Offload,
}

/// A UDP socket that only sends.
#[derive(Debug)]
pub struct UdpSink {
    outlet: Outlet,
    sending: Sending,
    local: SocketAddr,
    send_buffer: Granted,
}

impl UdpSink {
    /// Makes the socket, closes its way in, and takes the local address.
    ///
    /// # Errors
    /// [`HwError::FamilyMismatch`] if the two addresses are of different families, [`HwError::Bind`] if the local one can't be
    /// had, [`HwError::Setup`] for any other step.
    pub fn bind(config: &SinkConfig) -> Result<Self, HwError> {
        let to = config.to;
        let bind = config.bind.unwrap_or_else(|| any_address(to));
        if to.is_ipv4() != bind.is_ipv4() {
            return Err(HwError::FamilyMismatch { to, bind });
        }
        let socket = options::socket(to)?;
        // Before the port is there, so that no datagram can be faster than the filter.
        options::drop_everything(&socket, to)?;
        options::size_buffer(&socket, Buffer::Receive, 0, to)?;
        options::never_fragment(&socket, to)?;
        let send_buffer = options::size_buffer(&socket, Buffer::Send, config.send_buffer_bytes, to)?;
        socket
            .bind(&SockAddr::from(bind))
            .map_err(|source| HwError::Bind { address: bind, source })?;
        let local = options::local_address(&socket, bind)?;
        let limits = match config.offload {
            Offload::Auto if options::can_segment(&socket) => Limits::segmenting(to),
            Offload::Auto | Offload::Off => Limits::PLAIN,
        };
        Ok(Self {
            outlet: Outlet {
                socket,
                to: SockAddr::from(to),
            },
            sending: Sending::new(to, limits),
            local,
            send_buffer,
        })
    }

    /// Sends all of `datagrams`, in order.
    ///
    /// Those of one length that stand together leave as one message each [`segments`](Self::segments) of them, and up to
    /// [`MAX_BATCH`](super::MAX_BATCH) messages with one system call. A full send queue is waited for, up to a second in which not
    /// one datagram leaves. After an error [`counters`](Self::counters) say how many had left: it is about the first that had not.
    ///
    /// # Errors
    /// [`HwError::DatagramTooLarge`] for one that the interface can't carry whole; [`HwError::SendStalled`],
    /// [`HwError::Unreachable`], [`HwError::Forbidden`] or [`HwError::Send`] as the system reports.
    pub fn send(&mut self, datagrams: &[Datagram<'_>]) -> Result<(), HwError> {
        self.sending.send(&self.outlet, datagrams)
    }

    /// Datagrams of `len` bytes that leave as one message: 1 without segmentation, at most 64.
    #[must_use]
    pub fn segments(&self, len: usize) -> usize {
        self.sending.limits().segments(len)
    }

    /// Whether the kernel cuts runs of datagrams. It may turn out at the first run that it does not.
    #[must_use]
    pub fn segmentation(&self) -> bool {
        self.sending.limits().is_segmenting()
    }

    /// Has the kernel send no faster than `bytes_per_second` (SO_MAX_PACING_RATE), and returns the rate that it took.
    ///
    /// That rate is kept only where the interface's queue discipline is `fq`; the socket cannot tell whether it is. 0 is taken as
    /// 1; `u64::MAX` lifts the limit.
    ///
    /// # Units
    /// Bytes per second, with their IP and Ethernet headers.
    /// # Errors
    /// [`HwError::Setup`] as the system reports.
    pub fn set_max_pacing_rate(&self, bytes_per_second: u64) -> Result<u64, HwError> {
        options::limit_pacing(&self.outlet.socket, bytes_per_second, self.sending.to())
    }

    /// The send buffer that the kernel granted, in bytes as it counts them.
    #[must_use]
    pub fn granted_send_buffer(&self) -> usize {
        self.send_buffer.granted_bytes
    }

    /// The send buffer as asked for and as granted.
    #[must_use]
    pub fn send_buffer(&self) -> Granted {
        self.send_buffer
    }

    /// The address that datagrams come from.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Where datagrams go.
    #[must_use]
    pub fn target(&self) -> SocketAddr {
        self.sending.to()
    }

    /// What went through so far.
    #[must_use]
    pub fn counters(&self) -> SinkCounters {
        self.sending.counters()
    }
}

/// The socket, and the one address that it sends to.
#[derive(Debug)]
struct Outlet {
    socket: Socket,
    to: SockAddr,
}

impl Kernel for Outlet {
    fn send(&self, runs: &[Run], vectors: &[IoSlice<'_>]) -> io::Result<usize> {
        messages::send(&self.socket, &self.to, runs, vectors)
    }

    fn wait(&self, events: c_short, timeout: Duration) -> io::Result<()> {
        messages::wait(&self.socket, events, timeout).map(|_ready| ())
    }
}

/// Any address and port of the family of `to`.
fn any_address(to: SocketAddr) -> SocketAddr {
    let ip = match to {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(ip, 0)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn sink_to(to: SocketAddr) -> UdpSink {
        UdpSink::bind(&SinkConfig {
            to,
            bind: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            send_buffer_bytes: 1 << 20,
            offload: Offload::Auto,
        })
        .expect("a sink")
    }

    fn whole(bytes: &[u8]) -> Datagram<'_> {
        Datagram {
            header: &[],
            body: bytes,
        }
    }

    fn nowhere() -> SocketAddr {
        // The port is free again, and nothing needs to answer.
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.local_addr().expect("its address")
    }

    #[test]
    fn a_sink_has_nothing_to_read_although_somebody_sends_to_its_port() {
        let sink = sink_to(nowhere());
        let witness = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a witness");
        let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a stranger");
        for target in [sink.local_addr(), witness.local_addr().expect("an address")] {
            stranger.send_to(b"hello?", target).expect("sent");
        }
        // What was sent to the sink went before what the witness has now received.
        witness.recv(&mut [0; 16]).expect("received");
        let readable = messages::wait(&sink.outlet.socket, libc::POLLIN, Duration::ZERO).expect("polled");
        assert!(!readable);
    }

    #[test]
    fn a_port_that_nobody_listens_on_is_no_error() {
        let mut sink = sink_to(nowhere());
        for _ in 0..10 {
            sink.send(&[whole(b"x")]).expect("sent");
        }
    }

    #[test]
    fn the_sinks_filter_is_locked() {
        let error = sink_to(nowhere())
            .outlet
            .socket
            .detach_filter()
            .expect_err("it is locked");
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    }

    #[test]
    fn a_sinks_socket_has_no_peer() {
        let error = sink_to(nowhere()).outlet.socket.peer_addr().expect_err("unconnected");
        assert_eq!(error.raw_os_error(), Some(libc::ENOTCONN));
    }

    #[test]
    fn the_granted_send_buffer_is_reported() {
        let granted = sink_to(nowhere()).send_buffer();
        assert_eq!(granted.asked_bytes, 1 << 20);
        assert!(granted.granted_bytes > 0);
    }

    #[test]
    fn a_datagram_too_large_is_named_and_what_went_before_it_is_counted() {
        let mut sink = sink_to(nowhere());
        let error = sink
            .send(&[whole(&[0; 100]), whole(&[0; 65_508]), whole(&[0; 100])])
            .expect_err("longer than IPv4 carries");
        assert!(
            matches!(error, HwError::DatagramTooLarge { bytes: 65_508, .. }),
            "{error:?}"
        );
        assert_eq!(sink.counters().datagrams, 1);
    }

    #[test]
    fn addresses_of_two_families_are_refused() {
        let error = UdpSink::bind(&SinkConfig {
            to: SocketAddr::from((Ipv4Addr::LOCALHOST, 9)),
            bind: Some(SocketAddr::from((Ipv6Addr::LOCALHOST, 0))),
            send_buffer_bytes: 0,
            offload: Offload::Auto,
        })
        .expect_err("two families");
        assert!(matches!(error, HwError::FamilyMismatch { .. }), "{error:?}");
    }

    #[test]
    fn an_address_of_another_machine_is_refused_with_the_mend() {
        let error = UdpSink::bind(&SinkConfig {
            to: SocketAddr::from((Ipv4Addr::LOCALHOST, 9)),
            bind: Some(SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 0))),
            send_buffer_bytes: 0,
            offload: Offload::Auto,
        })
        .expect_err("a documentation address");
        assert!(error.to_string().contains("ip -br address"), "{error}");
    }

    #[test]
    fn without_offload_no_message_carries_two_datagrams() {
        let sink = UdpSink::bind(&SinkConfig {
            to: nowhere(),
            bind: None,
            send_buffer_bytes: 0,
            offload: Offload::Off,
        })
        .expect("a sink");
        assert_eq!((sink.segments(100), sink.segmentation()), (1, false));
    }
}
