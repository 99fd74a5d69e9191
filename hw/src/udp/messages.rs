//! The three system calls of the packet path: sendmmsg, recvmmsg and ppoll, each behind one safe function.
//!
//! Message headers point at their datagrams, so that they are laid out anew on the stack for each call: a few stores for each
//! message, and no pointer outlives the borrow that it was made from.

use std::ffi::{c_int, c_short, c_uint};
use std::io::{self, IoSlice};
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Duration;

use socket2::{SockAddr, Socket};

use super::MAX_BATCH;
use super::control::{Incoming, Outgoing, Told};
use super::segments::Run;

/// Sends the first [`MAX_BATCH`] of `runs`, whose pieces lie one behind the other in `vectors`, each as one message. Returns how
/// many the kernel took, which is at least one.
///
/// # Errors
/// The first run's error, none having been taken.
pub(super) fn send(socket: &Socket, to: &SockAddr, runs: &[Run], mut vectors: &[IoSlice<'_>]) -> io::Result<usize> {
    let mut controls = [Outgoing::EMPTY; MAX_BATCH];
    let mut headers = [EMPTY_HEADER; MAX_BATCH];
    let mut count: c_uint = 0;
    for ((header, control), run) in headers.iter_mut().zip(&mut controls).zip(runs) {
        let Some((pieces, rest)) = vectors.split_at_checked(run.vectors) else {
            break;
        };
        vectors = rest;
        let message = &mut header.msg_hdr;
        message.msg_name = to.as_ptr().cast_mut().cast();
        message.msg_namelen = to.len();
        // An IoSlice is guaranteed to be laid out as an iovec.
        message.msg_iov = pieces.as_ptr().cast_mut().cast();
        message.msg_iovlen = pieces.len() as _;
        if let Some(segment) = run.segment {
            control.ask(message, segment);
        }
        count += 1;
    }
    // WHY: one call for up to 64 messages; neither std nor socket2 offers it.
    // SAFETY: the first `count` headers point at `to`, at pieces of `vectors`, which are borrowed until the call returns, and at
    // `controls`; the kernel only reads all of them, and writes `msg_len` of those headers alone.
    #[expect(clippy::disallowed_methods, reason = "the one call of this project that sends")]
    let sent = unsafe {
        libc::sendmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            count,
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
        )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// What the kernel said of one received message.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Arrival {
    /// Bytes in the message's room.
    pub(super) bytes: usize,
    /// Whether the message was longer than its room.
    pub(super) truncated: bool,
    /// Overflow count and segment length.
    pub(super) told: Told,
    /// Who sent it, if that was asked for.
    pub(super) from: Option<IpAddr>,
}

/// Receives what waits at the socket, one message into each of `rooms`; returns how many came and says of each in `arrivals`
/// what it is. Senders are only asked for where `with_senders` says so.
///
/// # Errors
/// `WouldBlock` if nothing waits, and whatever the system reports.
pub(super) fn receive<'a>(
    socket: &Socket,
    rooms: impl Iterator<Item = &'a mut [u8]>,
    with_senders: bool,
    arrivals: &mut [Arrival; MAX_BATCH],
) -> io::Result<usize> {
    let mut vectors = [EMPTY_VECTOR; MAX_BATCH];
    let mut controls = [Incoming::EMPTY; MAX_BATCH];
    let mut names = [EMPTY_NAME; MAX_BATCH];
    let mut headers = [EMPTY_HEADER; MAX_BATCH];
    let mut count: c_uint = 0;
    let parts = vectors.iter_mut().zip(&mut controls).zip(&mut names);
    for ((header, ((vector, control), name)), room) in headers.iter_mut().zip(parts).zip(rooms) {
        vector.iov_base = room.as_mut_ptr().cast();
        vector.iov_len = room.len();
        let message = &mut header.msg_hdr;
        message.msg_iov = vector;
        message.msg_iovlen = 1;
        control.attach(message);
        if with_senders {
            message.msg_name = ptr::from_mut(name).cast();
            message.msg_namelen = NAME_LEN;
        }
        count += 1;
    }
    // WHY: one call for up to 64 messages. Its own timeout is not used: it is only looked at after each message (recvmmsg(2), BUGS).
    // SAFETY: the first `count` headers point at vectors, rooms, controls and names that live until the call returns, that nothing
    // else refers to, and whose lengths are the ones given.
    #[expect(clippy::disallowed_methods, reason = "the one call of this project that receives")]
    let received = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            count,
            libc::MSG_DONTWAIT as _,
            ptr::null_mut(),
        )
    };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    for (arrival, (header, name)) in arrivals.iter_mut().zip(headers.iter().zip(&names)).take(received) {
        *arrival = Arrival {
            bytes: usize::try_from(header.msg_len).unwrap_or(0),
            truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            // WHY: control data is only known to be filled behind the call above.
            // SAFETY: each of the first `received` headers was attached to its part of `controls`, and was received into.
            told: unsafe { Incoming::told(&header.msg_hdr) },
            from: sender(name),
        };
    }
    Ok(received)
}

/// Waits until the socket is ready for `events` (`libc::POLLIN`, `libc::POLLOUT`, or 0 for the time alone) or `timeout` is over;
/// says whether it is ready. A signal ends the wait early.
pub(super) fn wait(socket: &Socket, events: c_short, timeout: Duration) -> io::Result<bool> {
    let mut entry = libc::pollfd {
        fd: socket.as_raw_fd(),
        events,
        revents: 0,
    };
    let time = libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // WHY: a thread that waits must wake up to see that it is to stop, and to the nanosecond, since pacing waits here too.
    // SAFETY: `entry` and `time` are live, the count is one, and a null mask leaves the thread's signals as they are.
    let ready = unsafe { libc::ppoll(&raw mut entry, 1, &raw const time, ptr::null()) };
    match ready {
        ..0 => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        },
        0 => Ok(false),
        _ => Ok(true),
    }
}

/// The address of a sender, if the kernel wrote one.
fn sender(name: &libc::sockaddr_in6) -> Option<IpAddr> {
    match c_int::from(name.sin6_family) {
        libc::AF_INET => {
            // WHY: the kernel writes an address of the socket's family, and only its start says which.
            // SAFETY: a sockaddr_in is shorter than a sockaddr_in6, is aligned no more strictly, and any bytes are one.
            let name = unsafe { &*ptr::from_ref(name).cast::<libc::sockaddr_in>() };
            Some(Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr)).into())
        }
        libc::AF_INET6 => Some(Ipv6Addr::from(name.sin6_addr.s6_addr).into()),
        _ => None,
    }
}

const EMPTY_VECTOR: libc::iovec = libc::iovec {
    iov_base: ptr::null_mut(),
    iov_len: 0,
};

// WHY: some systems' headers have private padding, so that they cannot be written out field by field.
// SAFETY: integers and raw pointers, for all of which zero is a value.
pub(super) const EMPTY_HEADER: libc::mmsghdr = unsafe { mem::zeroed() };

// WHY: its fields are not the same on every system.
// SAFETY: integers, for which zero is a value; as a family it is none.
const EMPTY_NAME: libc::sockaddr_in6 = unsafe { mem::zeroed() };

#[expect(
    clippy::cast_possible_truncation,
    reason = "the size of an address is 28, and a const has no try_into"
)]
const NAME_LEN: libc::socklen_t = size_of::<libc::sockaddr_in6>() as libc::socklen_t;

const _: () = assert!(
    size_of::<libc::sockaddr_in>() <= size_of::<libc::sockaddr_in6>()
        && align_of::<libc::sockaddr_in>() <= align_of::<libc::sockaddr_in6>(),
    "an IPv4 address is read in the place of an IPv6 one"
);
const _: () = assert!(size_of::<c_int>() == 4, "socket options are four bytes");
