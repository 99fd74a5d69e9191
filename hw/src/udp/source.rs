//! The receiving end: datagrams come in batches, and nothing ever goes out.
//!
//! Always true:
//! - before it has a port, the socket is shut for writing: sending on it answers EPIPE;
//! - a receive returns when its time is over, so that its thread can be stopped;
//! - datagrams that found the receive buffer full are counted.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use socket2::{SockAddr, Socket};

use super::batch::Batch;
use super::messages;
use super::options::{self, Buffer, Granted};
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
}

/// What came through a source since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceCounters {
    /// Datagrams received, cut ones too.
    pub datagrams: u64,
    /// Bytes received, without IP and UDP headers.
    pub bytes: u64,
    /// System calls that received or found nothing.
    pub system_calls: u64,
    /// Datagrams that were longer than the batch's room for each.
    pub truncated: u64,
    /// Datagrams that found the receive buffer full, as far as a later one has told of it.
    pub overflowed: u64,
}

/// A UDP socket that only receives.
#[derive(Debug)]
pub struct UdpSource {
    socket: Socket,
    local: SocketAddr,
    receive_buffer: Granted,
    counters: SourceCounters,
    /// The kernel's overflow count when it was last told.
    overflows_told: u32,
}

impl UdpSource {
    /// Makes the socket, shuts its way out, and takes the local address, alone.
    ///
    /// # Errors
    /// [`HwError::Bind`] if the address can't be had, [`HwError::Interface`] if the interface can't be,
    /// [`HwError::Setup`] for any other step.
    pub fn bind(config: &SourceConfig) -> Result<Self, HwError> {
        let listen = config.listen;
        let socket = options::socket(listen)?;
        shut_for_writing(&socket, listen)?;
        let receive_buffer = options::size_buffer(&socket, Buffer::Receive, config.receive_buffer_bytes, listen)?;
        options::count_overflows(&socket, listen)?;
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
            receive_buffer,
            counters: SourceCounters::default(),
            overflows_told: 0,
        })
    }

    /// Receives into `batch` what waits, or waits up to `timeout` for the first datagram; returns how many came, cut ones too.
    ///
    /// 0 says that nothing came, or that a signal or a datagram with a wrong UDP checksum ended the wait early.
    ///
    /// # Errors
    /// [`HwError::Receive`] as the system reports; `batch` is empty then.
    pub fn recv_batch(&mut self, batch: &mut Batch, timeout: Duration) -> Result<usize, HwError> {
        // Most calls on a busy link find something, and then cost one system call.
        self.receive(batch)
            .and_then(|count| {
                let ready = count == 0 && !timeout.is_zero() && messages::wait(&self.socket, libc::POLLIN, timeout)?;
                if ready { self.receive(batch) } else { Ok(count) }
            })
            .map_err(|source| HwError::Receive {
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

    /// What came through so far.
    #[must_use]
    pub fn counters(&self) -> SourceCounters {
        self.counters
    }

    fn receive(&mut self, batch: &mut Batch) -> io::Result<usize> {
        batch.clear();
        self.counters.system_calls += 1;
        match messages::receive(&self.socket, batch) {
            Ok(()) => {}
            Err(error) if is_nothing(&error) => return Ok(0),
            Err(error) => return Err(error),
        }
        for arrival in batch.arrivals() {
            self.counters.datagrams += 1;
            self.counters.bytes += arrival.bytes as u64;
            self.counters.truncated += u64::from(arrival.truncated);
            if let Some(overflows) = arrival.overflows {
                let more = overflows.wrapping_sub(self.overflows_told);
                self.counters.overflowed += u64::from(more);
                self.overflows_told = overflows;
            }
        }
        Ok(batch.len())
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

    use super::*;

    const LOCAL: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);
    const LONG: Duration = Duration::from_secs(10);

    fn config() -> SourceConfig {
        SourceConfig {
            listen: SocketAddr::from(LOCAL),
            receive_buffer_bytes: 1 << 20,
            interface: None,
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

    #[test]
    fn a_receive_returns_when_its_time_is_over() {
        let mut batch = Batch::new(4, 64);
        let count = source()
            .recv_batch(&mut batch, Duration::from_millis(1))
            .expect("received");
        assert_eq!(count, 0);
    }

    #[test]
    fn a_datagram_longer_than_its_room_is_counted_as_cut() {
        let mut source = source();
        let mut batch = Batch::new(4, 8);
        let sender = UdpSocket::bind(LOCAL).expect("a sender");
        sender.send_to(&[1; 9], source.local_addr()).expect("sent");
        assert_eq!(source.recv_batch(&mut batch, LONG).expect("received"), 1);
        assert_eq!(batch.iter().count(), 0);
        assert_eq!(source.counters().truncated, 1);
    }

    #[test]
    fn datagrams_that_found_the_buffer_full_are_counted() {
        let mut source = UdpSource::bind(&SourceConfig {
            receive_buffer_bytes: 0,
            ..config()
        })
        .expect("a source");
        let sender = UdpSocket::bind(LOCAL).expect("a sender");
        let mut batch = Batch::new(64, 1_500);
        // A later datagram tells of those before it that were lost, so that one round is too few.
        for _ in 0..3 {
            for _ in 0..100 {
                sender.send_to(&[0; 1_400], source.local_addr()).expect("sent");
            }
            while source.recv_batch(&mut batch, Duration::ZERO).expect("received") > 0 {}
        }
        let SourceCounters {
            datagrams, overflowed, ..
        } = source.counters();
        assert!(overflowed > 0 && overflowed + datagrams <= 300);
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
