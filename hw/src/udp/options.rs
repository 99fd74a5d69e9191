//! The sockets' settings: what the kernel is asked for, and what it says it gave.

use std::ffi::{c_int, c_ulong};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use crate::HwError;

/// A socket buffer, as asked for and as granted.
///
/// # Units
/// Bytes as the kernel counts them: with its own bookkeeping of each datagram, for which it doubles what it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// What was asked for.
    pub asked_bytes: usize,
    /// What the kernel says the buffer is now.
    pub granted_bytes: usize,
    /// Whether the system's limit (`net.core.rmem_max`, `net.core.wmem_max`) was passed over, which takes CAP_NET_ADMIN.
    pub forced: bool,
}

impl Granted {
    /// Whether the kernel gave less than was asked for.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.granted_bytes < self.asked_bytes
    }
}

/// Which of a socket's two buffers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Buffer {
    Receive,
    Send,
}

impl Buffer {
    /// The options that force, ask for and read the size.
    fn options(self) -> (c_int, c_int, c_int) {
        match self {
            Self::Receive => (libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, libc::SO_RCVBUF),
            Self::Send => (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF, libc::SO_SNDBUF),
        }
    }

    fn step(self) -> &'static str {
        match self {
            Self::Receive => "set the receive buffer",
            Self::Send => "set the send buffer",
        }
    }
}

/// A new UDP socket of the address's family. An IPv6 socket is for IPv6 alone, whatever the system's default.
pub(super) fn socket(address: SocketAddr) -> Result<Socket, HwError> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))
        .map_err(|source| setup("create a UDP socket", address, source))?;
    if address.is_ipv6() {
        socket
            .set_only_v6(true)
            .map_err(|source| setup("keep IPv4 off the IPv6 socket", address, source))?;
    }
    Ok(socket)
}

/// Asks for a buffer, past the system's limit if that is allowed, and says what came of it.
pub(super) fn size_buffer(
    socket: &Socket,
    buffer: Buffer,
    asked_bytes: usize,
    address: SocketAddr,
) -> Result<Granted, HwError> {
    let failed = |source| setup(buffer.step(), address, source);
    let (force, ask, read) = buffer.options();
    let value = c_int::try_from(asked_bytes).unwrap_or(c_int::MAX);
    let forced = set(socket, libc::SOL_SOCKET, force, value).is_ok();
    if !forced {
        set(socket, libc::SOL_SOCKET, ask, value).map_err(failed)?;
    }
    let granted = read_back(socket, libc::SOL_SOCKET, read).map_err(failed)?;
    Ok(Granted {
        asked_bytes,
        granted_bytes: usize::try_from(granted).unwrap_or(0),
        forced,
    })
}

/// Has the kernel drop whatever arrives at the socket, for as long as the socket lives.
pub(super) fn drop_everything(socket: &Socket, address: SocketAddr) -> Result<(), HwError> {
    let accept_no_byte = SockFilter::new(RETURN_CONSTANT, 0, 0, 0);
    socket
        .attach_filter(&[accept_no_byte])
        .map_err(|source| setup("attach the drop filter", address, source))?;
    set(socket, libc::SOL_SOCKET, SO_LOCK_FILTER, 1).map_err(|source| setup("lock the drop filter", address, source))
}

/// Forbids fragments and ignores what routers say of the path's MTU, since on a one-way link nobody can say it truly.
pub(super) fn never_fragment(socket: &Socket, address: SocketAddr) -> Result<(), HwError> {
    let (level, name, value) = mtu_option(address);
    set(socket, level, name, value).map_err(|source| setup("forbid fragmentation", address, source))
}

/// Has each datagram carry the count of those that found the receive buffer full.
pub(super) fn count_overflows(socket: &Socket, address: SocketAddr) -> Result<(), HwError> {
    set(socket, libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1)
        .map_err(|source| setup("count receive buffer overflows", address, source))
}

/// Asks the kernel to join datagrams of one sender and length, on their way in; says whether it will.
pub(super) fn coalesce(socket: &Socket) -> bool {
    set(socket, libc::SOL_UDP, libc::UDP_GRO, 1).is_ok()
}

/// Whether the kernel knows how to cut a message into datagrams. One that doesn't would send the message whole, as one datagram.
pub(super) fn can_segment(socket: &Socket) -> bool {
    // No length: the socket's other messages stay whole. Each message that is to be cut says so itself.
    set(socket, libc::SOL_UDP, libc::UDP_SEGMENT, 0).is_ok()
}

/// Limits the rate that the interface's queue lets the socket send at; returns what the kernel took, in bytes per second.
pub(super) fn limit_pacing(socket: &Socket, bytes_per_second: u64, address: SocketAddr) -> Result<u64, HwError> {
    let failed = |source| setup("limit the socket's rate", address, source);
    // No rate at all would stop the link without a word.
    let asked = c_ulong::try_from(bytes_per_second.max(1)).unwrap_or(c_ulong::MAX);
    set_value(socket, libc::SOL_SOCKET, SO_MAX_PACING_RATE, asked).map_err(failed)?;
    let taken: c_ulong = read_value(socket, libc::SOL_SOCKET, SO_MAX_PACING_RATE).map_err(failed)?;
    #[allow(clippy::useless_conversion, reason = "a long has 32 bits on some machines")]
    Ok(u64::from(taken))
}

/// The address that the socket has in the end, where port 0 left the choice to the kernel.
pub(super) fn local_address(socket: &Socket, asked: SocketAddr) -> Result<SocketAddr, HwError> {
    socket
        .local_addr()
        .and_then(|address| {
            address
                .as_socket()
                .ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))
        })
        .map_err(|source| setup("read the local address", asked, source))
}

pub(super) fn setup(step: &'static str, address: SocketAddr, source: io::Error) -> HwError {
    HwError::Setup { step, address, source }
}

/// Level, name and value of the option that probes with whole datagrams.
fn mtu_option(address: SocketAddr) -> (c_int, c_int, c_int) {
    if address.is_ipv4() {
        (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE)
    } else {
        (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_PROBE)
    }
}

/// From Linux's `asm-generic/socket.h`; the libc crate does not have it.
const SO_LOCK_FILTER: c_int = 44;
/// From the same file.
const SO_MAX_PACING_RATE: c_int = 47;

/// `BPF_RET | BPF_K` of a classic filter: keep as many bytes as the constant says.
const RETURN_CONSTANT: u16 = 0x06;

fn set(socket: &Socket, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    set_value(socket, level, name, value)
}

fn read_back(socket: &Socket, level: c_int, name: c_int) -> io::Result<c_int> {
    read_value(socket, level, name)
}

fn set_value<T: Integer>(socket: &Socket, level: c_int, name: c_int, value: T) -> io::Result<()> {
    // WHY: socket2 has neither the FORCE options nor the filter's lock, the overflow count, the MTU mode, the offloads and the rate.
    // SAFETY: the pointer is to a live integer and the length is its size, of which the kernel reads no more; the descriptor is
    // open for as long as `socket` is borrowed.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), T::LEN) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn read_value<T: Integer>(socket: &Socket, level: c_int, name: c_int) -> io::Result<T> {
    let mut value = T::default();
    let mut len = T::LEN;
    // WHY: reading back is the only way to learn what was granted, and socket2 has no reader for the MTU mode and the rate.
    // SAFETY: both pointers are to live variables, `len` is the size of `value`, any bytes of which are an integer, and the kernel
    // writes no more than that.
    let result = unsafe { libc::getsockopt(socket.as_raw_fd(), level, name, (&raw mut value).cast(), &raw mut len) };
    if result == 0 {
        Ok(value)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// What a socket option's value can be.
trait Integer: Copy + Default {
    /// Its size.
    const LEN: libc::socklen_t;
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the sizes of integers are small, and a const has no try_into"
)]
mod lengths {
    use super::{Integer, c_int, c_ulong};

    impl Integer for c_int {
        const LEN: libc::socklen_t = size_of::<Self>() as libc::socklen_t;
    }

    impl Integer for c_ulong {
        const LEN: libc::socklen_t = size_of::<Self>() as libc::socklen_t;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
    const V6: SocketAddr = SocketAddr::new(std::net::IpAddr::V6(std::net::Ipv6Addr::LOCALHOST), 0);

    #[test]
    fn a_forced_buffer_is_not_a_short_one() {
        let socket = socket(V4).expect("a socket");
        let granted = size_buffer(&socket, Buffer::Receive, 1 << 30, V4).expect("a buffer");
        assert!(!(granted.forced && granted.is_short()), "{granted:?}");
    }

    #[test]
    fn a_buffer_of_no_bytes_is_granted_with_the_least_the_kernel_gives() {
        let socket = socket(V4).expect("a socket");
        let granted = size_buffer(&socket, Buffer::Receive, 0, V4).expect("a buffer");
        assert!((1..16_384).contains(&granted.granted_bytes), "{granted:?}");
    }

    #[test]
    fn both_families_probe_with_whole_datagrams() {
        for address in [V4, V6] {
            let Ok(socket) = socket(address) else {
                eprintln!("skipped: no sockets of the family of {address}");
                continue;
            };
            never_fragment(&socket, address).expect("set");
            let (level, name, value) = mtu_option(address);
            assert_eq!(read_back(&socket, level, name).expect("read"), value);
        }
    }

    #[test]
    fn a_locked_filter_cannot_be_taken_off() {
        let socket = socket(V4).expect("a socket");
        drop_everything(&socket, V4).expect("a filter");
        let error = socket.detach_filter().expect_err("it is locked");
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    }

    #[test]
    fn the_rate_that_the_kernel_took_is_the_one_asked_for() {
        let socket = socket(V4).expect("a socket");
        for rate in [1, 125_000_000, 12_500_000_000] {
            assert_eq!(limit_pacing(&socket, rate, V4).expect("taken"), rate);
        }
    }

    #[test]
    fn a_rate_of_nothing_does_not_stop_the_link() {
        let socket = socket(V4).expect("a socket");
        assert_eq!(limit_pacing(&socket, 0, V4).expect("taken"), 1);
    }
}
