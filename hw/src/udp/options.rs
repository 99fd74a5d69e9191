//! The sockets' settings: what the kernel is asked for, and what it says it gave.

use std::ffi::c_int;
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

/// `BPF_RET | BPF_K` of a classic filter: keep as many bytes as the constant says.
const RETURN_CONSTANT: u16 = 0x06;

fn set(socket: &Socket, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    // WHY: socket2 has neither the FORCE options nor the filter's lock, the overflow count and the MTU mode.
    // SAFETY: the pointer is to a live c_int and the length is that of a c_int, which is what each option used here takes; the
    // descriptor is open for as long as `socket` is borrowed.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), INT_LEN) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn read_back(socket: &Socket, level: c_int, name: c_int) -> io::Result<c_int> {
    let mut value: c_int = 0;
    let mut len = INT_LEN;
    // WHY: reading back is the only way to learn what was granted, and socket2 has no reader for the MTU mode.
    // SAFETY: both pointers are to live variables, `len` is the size of `value`, and the kernel writes no more than that.
    let result = unsafe { libc::getsockopt(socket.as_raw_fd(), level, name, (&raw mut value).cast(), &raw mut len) };
    if result == 0 {
        Ok(value)
    } else {
        Err(io::Error::last_os_error())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the size of a c_int is 4, and a const has no try_into"
)]
const INT_LEN: libc::socklen_t = size_of::<c_int>() as libc::socklen_t;

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
}
