//! The receiving end: datagrams come in batches, and nothing ever goes out.
//!
//! Always true:
//! - before it has a port, the socket is shut for writing: sending on it answers EPIPE;
//! - a receive returns when its time is over, so that its thread can be stopped;
//! - what found the receive buffer full is counted, and the datagram behind it is marked;
//! - with a sender given, no other's datagram is shown.

use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::time::Duration;

use socket2::{SockAddr, Socket};

use super::batch::{Batch, LostTo, datagram_len};
use super::messages::{self, Arrival};
use super::options::{self, Buffer, Granted};
use super::{MAX_BATCH, Offload};
use crate::HwError;

/// What a source is set up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceConfig {
    /// The local address to receive at.
    pub listen: SocketAddr,
    /// The receive buffer to ask for, in bytes.
    pub receive_buffer_bytes: usize,
    /// The one interface to receive from; any if absent.
    pub interface: Option<String>,
    /// The one sender whose datagrams are taken; any if absent. Of the family of `listen`.
    pub from: Option<IpAddr>,
    /// Whether the kernel is to join datagrams.
    pub offload: Offload,
}

/// What came through a source since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceCounters {
    /// Datagrams received, those that are not shown too.
    pub datagrams: u64,
    /// Messages that they came in: fewer, where the kernel coalesces.
    pub messages: u64,
    /// Bytes received, without IP and UDP headers.
    pub bytes: u64,
    /// System calls that received or found nothing.
    pub system_calls: u64,
    /// Datagrams that were longer than the batch's room for each, or that it had no place for. They are not shown.
    pub truncated: u64,
    /// Datagrams of senders other than the one that was asked for. They are not shown.
    pub strangers: u64,
    /// What found the receive buffer full, as the kernel counts and as far as a later message has told of it. Where it coalesces,
    /// it counts the buffers that it had joined datagrams in, each once, so that this is less than the datagrams that were lost.
    pub overflowed: u64,
}

/// A UDP socket that only receives.
#[derive(Debug)]
pub struct UdpSource {
    socket: Socket,
    local: SocketAddr,
    from: Option<IpAddr>,
    coalescing: bool,
    receive_buffer: Granted,
    counters: SourceCounters,
    /// The kernel's overflow count when it was last told.
    overflows_told: u32,
}

impl UdpSource {
    /// Makes the socket, shuts its way out, and takes the local address, alone.
    ///
    /// # Errors
    /// [`HwError::SenderFamily`] if the sender's address is not of the local one's family, [`HwError::Bind`] if the local one can't
    /// be had, [`HwError::Interface`] if the interface can't be, [`HwError::Setup`] for any other step.
    pub fn bind(config: &SourceConfig) -> Result<Self, HwError> {
        let listen = config.listen;
        let from = config.from.map(|from| from.to_canonical());
        if let Some(from) = from.filter(|from| from.is_ipv4() != listen.is_ipv4()) {
            return Err(HwError::SenderFamily { from, address: listen });
        }
        let socket = options::socket(listen)?;
        shut_for_writing(&socket, listen)?;
        let receive_buffer = options::size_buffer(&socket, Buffer::Receive, config.receive_buffer_bytes, listen)?;
        options::count_overflows(&socket, listen)?;
        let coalescing = config.offload == Offload::Auto && options::coalesce(&socket);
        if let Some(interface) = &config.interface {
            bind_interface(&socket, interface, listen)?;
        }
        socket.bind(&SockAddr::from(listen)).map_err(|source| HwError::Bind {
            address: listen,
            source,
        })?;
        let local = options::local_address(&socket, listen)?;
        Ok(Self {
            socket,
            local,
            from,
            coalescing,
            receive_buffer,
            counters: SourceCounters::default(),
            overflows_told: 0,
        })
    }

    /// Receives what waits behind what `batch` already holds, or waits up to `timeout` for the first datagram; returns how many
    /// were added.
    ///
    /// 0 says that nothing came, or nothing that is shown; that `batch` has no room, for which nothing is waited; or that a signal
    /// or a datagram with a wrong UDP checksum ended the wait early.
    ///
    /// # Errors
    /// [`HwError::Receive`] as the system reports; `batch` is as it was then.
    pub fn recv_batch(&mut self, batch: &mut Batch, timeout: Duration) -> Result<usize, HwError> {
        if self.coalescing {
            batch.make_room_for_joined();
        }
        if !batch.has_room() {
            return Ok(0);
        }
        self.receive_within(batch, timeout).map_err(|source| HwError::Receive {
            address: self.local,
            source,
        })
    }

    /// The receive buffer that the kernel granted, in bytes as it counts them.
    #[must_use]
    pub fn granted_receive_buffer(&self) -> usize {
        self.receive_buffer.granted_bytes
    }

    /// The receive buffer as asked for and as granted.
    #[must_use]
    pub fn receive_buffer(&self) -> Granted {
        self.receive_buffer
    }

    /// The address that datagrams are received at.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Whether the kernel joins datagrams (UDP_GRO).
    #[must_use]
    pub fn coalescing(&self) -> bool {
        self.coalescing
    }

    /// What came through so far.
    #[must_use]
    pub fn counters(&self) -> SourceCounters {
        self.counters
    }

    fn receive_within(&mut self, batch: &mut Batch, timeout: Duration) -> io::Result<usize> {
        // Most calls on a busy link find something, and then cost one system call.
        if let Some(added) = self.receive(batch)? {
            return Ok(added);
        }
        if timeout.is_zero() || !messages::wait(&self.socket, libc::POLLIN, timeout)? {
            return Ok(0);
        }
        Ok(self.receive(batch)?.unwrap_or(0))
    }

    /// Receives what waits; absent if nothing does.
    fn receive(&mut self, batch: &mut Batch) -> io::Result<Option<usize>> {
        let mut arrivals = [Arrival::default(); MAX_BATCH];
        self.counters.system_calls += 1;
        let came = match messages::receive(&self.socket, batch.rooms(), self.from.is_some(), &mut arrivals) {
            Ok(came) => came,
            Err(error) if is_nothing(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let (start, room) = batch.layout();
        let rooms = (start..).step_by(room);
        let added = arrivals
            .iter()
            .take(came)
            .zip(rooms)
            .map(|(arrival, at)| self.take_in(batch, arrival, at))
            .sum();
        Ok(Some(added))
    }

    /// Counts a message and has `batch` show it if it is one to be shown; returns how many datagrams were added.
    fn take_in(&mut self, batch: &mut Batch, arrival: &Arrival, at: usize) -> usize {
        let Arrival {
            bytes,
            truncated,
            told,
            from,
        } = *arrival;
        let datagrams = bytes.div_ceil(datagram_len(bytes, told.segment)).max(1) as u64;
        self.counters.messages += 1;
        self.counters.datagrams += datagrams;
        self.counters.bytes += bytes as u64;
        if self.overflowed(told.overflows) {
            // Also behind what is not shown: then it is on the next that is.
            batch.mark_next(LostTo::Overflow);
        }
        if self.from.is_some() && self.from != from {
            self.counters.strangers += datagrams;
            0
        } else if truncated {
            self.counters.truncated += datagrams;
            0
        } else {
            let placed = batch.place(at, bytes, told.segment);
            self.counters.truncated += placed.refused as u64;
            placed.shown
        }
    }

    /// Counts what was lost before a message that tells `overflows`; says whether anything was.
    fn overflowed(&mut self, overflows: Option<u32>) -> bool {
        let more = overflows.map_or(0, |overflows| overflows.wrapping_sub(self.overflows_told));
        self.overflows_told = self.overflows_told.wrapping_add(more);
        self.counters.overflowed += u64::from(more);
        more > 0
    }
}

/// Whether a receive failed only because nothing was there.
fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Closes the socket's way out for good.
fn shut_for_writing(socket: &Socket, address: SocketAddr) -> Result<(), HwError> {
    match socket.shutdown(Shutdown::Write) {
        Ok(()) => Ok(()),
        // On an unconnected socket Linux answers so, having shut it all the same (inet_shutdown in net/ipv4/af_inet.c).
        Err(error) if error.raw_os_error() == Some(libc::ENOTCONN) => Ok(()),
        Err(source) => Err(options::setup("shut the way out", address, source)),
    }
}

fn bind_interface(socket: &Socket, interface: &str, address: SocketAddr) -> Result<(), HwError> {
    let failed = |source| HwError::Interface {
        interface: interface.to_owned(),
        address,
        source,
    };
    // The kernel takes an empty name for "any interface" and cuts a long one short: neither is what was configured.
    if interface.is_empty() || interface.len() >= libc::IFNAMSIZ || interface.contains('\0') {
        return Err(failed(io::Error::from_raw_os_error(libc::EINVAL)));
    }
    socket.bind_device(Some(interface.as_bytes())).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    use super::super::control::Told;
    use super::*;

    const LOCAL: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);
    const LONG: Duration = Duration::from_secs(10);

    fn config() -> SourceConfig {
        SourceConfig {
            listen: SocketAddr::from(LOCAL),
            receive_buffer_bytes: 1 << 20,
            interface: None,
            from: None,
            offload: Offload::Auto,
        }
    }

    fn source() -> UdpSource {
        UdpSource::bind(&config()).expect("a source")
    }

    fn refusal(config: &SourceConfig) -> HwError {
        UdpSource::bind(config).expect_err("refused")
    }

    #[test]
    fn sending_on_a_source_answers_epipe() {
        let source = source();
        let target = SockAddr::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 9)));
        #[expect(clippy::disallowed_methods, reason = "that it cannot send is what is tested")]
        let error = source.socket.send_to(b"back", &target).expect_err("it is shut");
        assert_eq!(error.raw_os_error(), Some(libc::EPIPE));
    }

    #[test]
    fn the_granted_receive_buffer_is_reported() {
        let granted = source().receive_buffer();
        assert_eq!(granted.asked_bytes, 1 << 20);
        assert!(granted.granted_bytes > 0);
    }

    fn numbers(batch: &Batch) -> Vec<u8> {
        batch
            .datagrams()
            .filter_map(|datagram| datagram.bytes.first().copied())
            .collect()
    }

    #[test]
    fn a_receive_returns_when_its_time_is_over() {
        let mut batch = Batch::new(0);
        let count = source()
            .recv_batch(&mut batch, Duration::from_millis(1))
            .expect("received");
        assert_eq!(count, 0);
    }

    #[test]
    fn a_receive_into_a_full_batch_waits_for_nothing() {
        let mut source = source();
        let mut batch = Batch::new(0);
        let sender = UdpSocket::bind(LOCAL).expect("a sender");
        while batch.has_room() {
            sender.send_to(&[1; 60_000], source.local_addr()).expect("sent");
            assert_eq!(source.recv_batch(&mut batch, LONG).expect("received"), 1);
        }
        let calls = source.counters().system_calls;
        assert_eq!(source.recv_batch(&mut batch, LONG).expect("received"), 0);
        assert_eq!(source.counters().system_calls, calls);
    }

    #[test]
    fn what_comes_is_added_behind_what_is_there() {
        let mut source = source();
        let mut batch = Batch::new(0);
        let sender = UdpSocket::bind(LOCAL).expect("a sender");
        for number in 1..=3 {
            sender.send_to(&[number; 9], source.local_addr()).expect("sent");
            assert_eq!(source.recv_batch(&mut batch, LONG).expect("received"), 1);
        }
        assert_eq!(numbers(&batch), [1, 2, 3]);
    }

    #[test]
    fn a_datagram_longer_than_its_room_is_counted_as_cut() {
        let mut source = UdpSource::bind(&SourceConfig {
            offload: Offload::Off,
            ..config()
        })
        .expect("a source");
        let mut batch = Batch::for_datagrams(4, 8);
        let sender = UdpSocket::bind(LOCAL).expect("a sender");
        for len in [9, 8] {
            sender.send_to(&[1; 9][..len], source.local_addr()).expect("sent");
        }
        while source.counters().datagrams < 2 {
            source.recv_batch(&mut batch, LONG).expect("received");
        }
        assert_eq!(
            batch
                .datagrams()
                .map(|datagram| datagram.bytes.len())
                .collect::<Vec<_>>(),
            [8]
        );
        assert_eq!(source.counters().truncated, 1);
    }

    #[test]
    fn a_source_that_coalesces_cuts_nothing_whatever_the_batch_was_made_for() {
        let mut source = source();
        let mut batch = Batch::for_datagrams(4, 8);
        let sender = UdpSocket::bind(LOCAL).expect("a sender");
        sender.send_to(&[1; 60_000], source.local_addr()).expect("sent");
        let added = source.recv_batch(&mut batch, LONG).expect("received");
        assert_eq!(added, usize::from(source.coalescing()));
    }

    #[test]
    fn the_datagram_behind_an_overflow_is_marked_and_no_other() {
        let mut source = UdpSource::bind(&SourceConfig {
            receive_buffer_bytes: 0,
            ..config()
        })
        .expect("a source");
        let sender = UdpSocket::bind(LOCAL).expect("a sender");
        for number in 0..100 {
            sender.send_to(&[number; 1_400], source.local_addr()).expect("sent");
        }
        // What was sent to the source went before what the witness has now received.
        let witness = UdpSocket::bind(LOCAL).expect("a witness");
        sender
            .send_to(b"!", witness.local_addr().expect("an address"))
            .expect("sent");
        witness.recv(&mut [0; 1]).expect("received");
        let mut batch = Batch::new(0);
        while source.recv_batch(&mut batch, Duration::ZERO).expect("received") > 0 {}
        let before = batch.len();
        assert!((1..100).contains(&before));
        assert!(!batch.datagrams().any(|datagram| datagram.after_overflow));
        // These find room, and the first of them is the one that tells.
        for number in [200, 201] {
            sender.send_to(&[number; 10], source.local_addr()).expect("sent");
            source.recv_batch(&mut batch, LONG).expect("received");
        }
        let marks: Vec<_> = batch
            .datagrams()
            .skip(before)
            .map(|datagram| datagram.after_overflow)
            .collect();
        assert_eq!(marks, [true, false]);
        assert_eq!(source.counters().overflowed, 100 - before as u64);
    }

    #[test]
    fn an_overflow_before_a_stranger_is_on_the_next_datagram_that_is_shown() {
        let mut source = UdpSource::bind(&SourceConfig {
            from: Some(LOCAL.0.into()),
            ..config()
        })
        .expect("a source");
        let mut batch = Batch::new(0);
        let arrival = |overflows, from: [u8; 4]| Arrival {
            bytes: 5,
            from: Some(from.into()),
            told: Told {
                overflows,
                segment: Some(2),
            },
            ..Arrival::default()
        };
        assert_eq!(source.take_in(&mut batch, &arrival(Some(7), [127, 0, 0, 2]), 0), 0);
        assert_eq!(source.take_in(&mut batch, &arrival(Some(7), [127, 0, 0, 1]), 0), 3);
        let marks: Vec<_> = batch.datagrams().map(|datagram| datagram.after_overflow).collect();
        assert_eq!(marks, [true, false, false]);
        assert_eq!((source.counters().strangers, source.counters().overflowed), (3, 7));
    }

    #[test]
    fn a_cut_message_is_counted_in_datagrams_and_not_shown() {
        let mut source = source();
        let mut batch = Batch::new(0);
        let cut = Arrival {
            bytes: 5,
            truncated: true,
            told: Told {
                overflows: None,
                segment: Some(2),
            },
            from: None,
        };
        assert_eq!(source.take_in(&mut batch, &cut, 0), 0);
        assert_eq!((source.counters().truncated, batch.len()), (3, 0));
    }

    #[test]
    fn a_sender_of_another_family_than_the_local_address_is_refused() {
        let error = refusal(&SourceConfig {
            from: Some(std::net::Ipv6Addr::LOCALHOST.into()),
            ..config()
        });
        assert!(matches!(error, HwError::SenderFamily { .. }), "{error:?}");
    }

    #[test]
    fn a_port_has_one_source_alone() {
        let first = source();
        let error = refusal(&SourceConfig {
            listen: first.local_addr(),
            ..config()
        });
        assert_eq!(error.errno(), Some(libc::EADDRINUSE));
        assert!(error.to_string().contains("ss -ulpn"), "{error}");
    }

    #[test]
    fn an_interface_that_is_not_there_is_named() {
        let error = refusal(&SourceConfig {
            interface: Some("no-such-fibre".to_owned()),
            ..config()
        });
        assert!(matches!(error, HwError::Interface { .. }), "{error:?}");
        assert!(error.to_string().contains("no-such-fibre"), "{error}");
    }

    #[test]
    fn an_empty_or_overlong_interface_name_is_refused_not_taken_for_any() {
        for name in ["", "sixteen-bytes-xx"] {
            let error = refusal(&SourceConfig {
                interface: Some(name.to_owned()),
                ..config()
            });
            assert!(matches!(error, HwError::Interface { .. }), "{error:?}");
        }
    }
}
