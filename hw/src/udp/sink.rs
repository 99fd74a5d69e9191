//! The sending end: datagrams go out in batches, and nothing ever comes in.
//!
//! Always true:
//! - the socket is never connected: an ICMP error that comes back names no socket, so the kernel reports none;
//! - before it has a port, a filter that keeps no byte is attached and locked: what is sent to the port is dropped unqueued;
//! - a datagram leaves whole or not at all.

use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use socket2::{SockAddr, Socket};

use super::options::{self, Buffer, Granted};
use super::{MAX_BATCH, messages};
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
}

/// What went through a sink since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SinkCounters {
    /// Datagrams that the kernel took.
    pub datagrams: u64,
    /// Their bytes, without IP and UDP headers.
    pub bytes: u64,
    /// System calls that sent or tried to.
    pub system_calls: u64,
    /// Times that the send queue was full and had to be waited for.
    pub waits: u64,
}

/// A UDP socket that only sends.
#[derive(Debug)]
pub struct UdpSink {
    socket: Socket,
    to: SocketAddr,
    to_raw: SockAddr,
    local: SocketAddr,
    send_buffer: Granted,
    counters: SinkCounters,
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
        Ok(Self {
            socket,
            to,
            to_raw: SockAddr::from(to),
            local,
            send_buffer,
            counters: SinkCounters::default(),
        })
    }

    /// Sends all of `datagrams`, with one system call for each [`MAX_BATCH`] of them, and returns their number.
    ///
    /// A full send queue is waited for, up to a second in which not one datagram leaves. After an error
    /// [`counters`](Self::counters) say how many had left: it is about the first that had not.
    ///
    /// # Errors
    /// [`HwError::DatagramTooLarge`] for one that the interface can't carry whole; [`HwError::SendStalled`],
    /// [`HwError::Unreachable`], [`HwError::Forbidden`] or [`HwError::Send`] as the system reports.
    pub fn send_batch<D: AsRef<[u8]>>(&mut self, datagrams: &[D]) -> Result<usize, HwError> {
        for part in datagrams.chunks(MAX_BATCH) {
            let mut slices = [IoSlice::new(&[]); MAX_BATCH];
            for (slice, datagram) in slices.iter_mut().zip(part) {
                *slice = IoSlice::new(datagram.as_ref());
            }
            self.send_all(slices.get(..part.len()).unwrap_or_default())?;
        }
        Ok(datagrams.len())
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
        self.to
    }

    /// What went through so far.
    #[must_use]
    pub fn counters(&self) -> SinkCounters {
        self.counters
    }

    fn send_all(&mut self, mut rest: &[IoSlice<'_>]) -> Result<(), HwError> {
        let mut full_since = None;
        while let Some(first) = rest.first() {
            self.counters.system_calls += 1;
            match messages::send(&self.socket, &self.to_raw, rest) {
                Ok(count) => {
                    let (sent, unsent) = rest.split_at_checked(count).unwrap_or((rest, &[]));
                    self.count(sent);
                    rest = unsent;
                    full_since = None;
                }
                Err(error) => {
                    let bytes = first.len();
                    let since = *full_since.get_or_insert_with(Instant::now);
                    self.recover(error, bytes, since)?;
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, sent: &[IoSlice<'_>]) {
        let bytes: usize = sent.iter().map(|slice| slice.len()).sum();
        self.counters.datagrams += sent.len() as u64;
        self.counters.bytes += bytes as u64;
    }

    /// Waits where waiting helps; `bytes` is the length of the datagram that did not leave, `since` when it first did not.
    fn recover(&mut self, source: io::Error, bytes: usize, since: Instant) -> Result<(), HwError> {
        let to = self.to;
        // A full socket buffer announces room. A full queue below it does not: there, only time helps.
        let (events, pause) = match source.raw_os_error() {
            Some(libc::EINTR) => return Ok(()),
            Some(libc::EAGAIN) => (libc::POLLOUT, ROOM_WAIT),
            Some(libc::ENOBUFS) => (0, QUEUE_WAIT),
            _ => return Err(send_error(to, bytes, source)),
        };
        let waited = since.elapsed();
        if waited >= PATIENCE {
            return Err(HwError::SendStalled { to, waited, source });
        }
        self.counters.waits += 1;
        messages::wait(&self.socket, events, pause)
            .map(|_ready| ())
            .map_err(|source| HwError::Send { to, source })
    }
}

/// How long not one datagram may leave before a sink gives up.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long to wait for room in the socket's buffer before looking again.
const ROOM_WAIT: Duration = Duration::from_millis(20);
/// How long to wait for the queue below the socket: some twenty datagrams of 1,500 bytes at 1 Gbit/s.
const QUEUE_WAIT: Duration = Duration::from_micros(250);

/// Any address and port of the family of `to`.
fn any_address(to: SocketAddr) -> SocketAddr {
    let ip = match to {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(ip, 0)
}

/// The error that a failed send is, `bytes` being the length of the datagram that failed.
fn send_error(to: SocketAddr, bytes: usize, source: io::Error) -> HwError {
    match source.raw_os_error() {
        Some(libc::EMSGSIZE) => HwError::DatagramTooLarge { bytes, to, source },
        Some(libc::EHOSTUNREACH | libc::ENETUNREACH | libc::ENETDOWN | libc::EHOSTDOWN) => {
            HwError::Unreachable { to, source }
        }
        Some(libc::EPERM | libc::EACCES) => HwError::Forbidden { to, source },
        _ => HwError::Send { to, source },
    }
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
        })
        .expect("a sink")
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
        let readable = messages::wait(&sink.socket, libc::POLLIN, Duration::ZERO).expect("polled");
        assert!(!readable);
    }

    #[test]
    fn a_port_that_nobody_listens_on_is_no_error() {
        let mut sink = sink_to(nowhere());
        for _ in 0..10 {
            assert_eq!(sink.send_batch(&[b"x"]).expect("sent"), 1);
        }
    }

    #[test]
    fn the_sinks_filter_is_locked() {
        let error = sink_to(nowhere()).socket.detach_filter().expect_err("it is locked");
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    }

    #[test]
    fn a_sinks_socket_has_no_peer() {
        let error = sink_to(nowhere()).socket.peer_addr().expect_err("unconnected");
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
            .send_batch(&[vec![0; 100], vec![0; 65_508], vec![0; 100]])
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
        })
        .expect_err("a documentation address");
        assert!(error.to_string().contains("ip -br address"), "{error}");
    }

    #[test]
    fn what_the_system_reports_on_sending_is_told_apart() {
        let to = nowhere();
        let told = |errno| send_error(to, 1, io::Error::from_raw_os_error(errno));
        assert!(matches!(told(libc::ENETDOWN), HwError::Unreachable { .. }));
        assert!(matches!(told(libc::EHOSTUNREACH), HwError::Unreachable { .. }));
        assert!(matches!(told(libc::EPERM), HwError::Forbidden { .. }));
        assert!(matches!(told(libc::ENOMEM), HwError::Send { .. }));
    }

    #[test]
    fn a_queue_full_for_longer_than_the_sinks_patience_is_an_error() {
        let mut sink = sink_to(nowhere());
        let Some(long_ago) = Instant::now().checked_sub(PATIENCE) else {
            return;
        };
        let full = io::Error::from_raw_os_error(libc::ENOBUFS);
        let error = sink.recover(full, 1, long_ago).expect_err("no patience left");
        assert!(matches!(error, HwError::SendStalled { .. }), "{error:?}");
    }

    #[test]
    fn a_full_queue_is_waited_for_and_counted() {
        let mut sink = sink_to(nowhere());
        let full = io::Error::from_raw_os_error(libc::ENOBUFS);
        sink.recover(full, 1, Instant::now()).expect("patience");
        assert_eq!(sink.counters().waits, 1);
    }
}
