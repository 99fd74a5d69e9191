//! The three system calls of the packet path: sendmmsg, recvmmsg and ppoll, each behind one safe function.
//!
//! Message headers point at their datagrams, so that they are laid out anew on the stack for each call: a few stores for each
//! datagram, and no pointer outlives the borrow that it was made from.

use std::ffi::{c_int, c_short, c_uint};
use std::io::{self, IoSlice};
use std::mem;
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Duration;

use socket2::{SockAddr, Socket};

use super::MAX_BATCH;
use super::batch::{Arrival, Batch};

/// Sends the first [`MAX_BATCH`] of `datagrams` and returns how many the kernel took, which is at least one.
///
/// # Errors
/// The first datagram's error, none having been taken.
pub(super) fn send(socket: &Socket, to: &SockAddr, datagrams: &[IoSlice<'_>]) -> io::Result<usize> {
    let mut headers = [EMPTY_HEADER; MAX_BATCH];
    let mut count: c_uint = 0;
    for (header, datagram) in headers.iter_mut().zip(datagrams) {
        header.msg_hdr.msg_name = to.as_ptr().cast_mut().cast();
        header.msg_hdr.msg_namelen = to.len();
        // An IoSlice is guaranteed to be laid out as an iovec.
        header.msg_hdr.msg_iov = ptr::from_ref(datagram).cast_mut().cast();
        header.msg_hdr.msg_iovlen = 1;
        count += 1;
    }
    // WHY: one call for up to 64 datagrams; neither std nor socket2 offers it.
    // SAFETY: the first `count` headers point at `to` and at slices of `datagrams`, which are borrowed until the call returns and
    // which the kernel only reads; it writes `msg_len` of those headers alone.
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

/// Fills `batch` with what waits at the socket.
///
/// # Errors
/// `WouldBlock` if nothing waits, and whatever the system reports.
pub(super) fn receive(socket: &Socket, batch: &mut Batch) -> io::Result<()> {
    let mut vectors = [EMPTY_VECTOR; MAX_BATCH];
    let mut controls = [Control::EMPTY; MAX_BATCH];
    let mut headers = [EMPTY_HEADER; MAX_BATCH];
    let (rooms, arrivals) = batch.parts();
    arrivals.clear();
    let mut count: c_uint = 0;
    for (((header, vector), control), room) in headers.iter_mut().zip(&mut vectors).zip(&mut controls).zip(rooms) {
        vector.iov_base = room.as_mut_ptr().cast();
        vector.iov_len = room.len();
        header.msg_hdr.msg_iov = vector;
        header.msg_hdr.msg_iovlen = 1;
        header.msg_hdr.msg_control = control.0.as_mut_ptr().cast();
        header.msg_hdr.msg_controllen = CONTROL_LEN as _;
        count += 1;
    }
    // WHY: one call for up to 64 datagrams. Its own timeout is not used: it is only looked at after each datagram (recvmmsg(2), BUGS).
    // SAFETY: the first `count` headers point at vectors, rooms and controls that live until the call returns, that nothing else
    // refers to, and whose lengths are the ones given.
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
    arrivals.extend(headers.iter().take(received).map(arrival));
    Ok(())
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

fn arrival(header: &libc::mmsghdr) -> Arrival {
    Arrival {
        bytes: usize::try_from(header.msg_len).unwrap_or(0),
        truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
        overflows: overflows(&header.msg_hdr),
    }
}

/// The overflow count among a received message's control data.
fn overflows(message: &libc::msghdr) -> Option<u32> {
    // WHY: control data is a chain of headers that only the C macros know how to walk.
    // SAFETY: the kernel filled `msg_control` up to `msg_controllen`, both as `receive` set them up, and the buffer still lives.
    let mut control = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !control.is_null() {
        // WHY: the header says what the data after it is.
        // SAFETY: not null, so within the control buffer, which is aligned for a cmsghdr.
        let header = unsafe { *control };
        if (header.cmsg_level, header.cmsg_type) == (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) {
            // WHY: the data starts where the macro says, past the header's padding.
            // SAFETY: `control` is a valid header of this buffer.
            let data = unsafe { libc::CMSG_DATA(control) };
            // WHY: the kernel promises no alignment for the data.
            // SAFETY: the kernel writes a u32 for this type, and leaves out what does not fit the buffer.
            return Some(unsafe { data.cast::<u32>().read_unaligned() });
        }
        // WHY: other options may stand before the one looked for.
        // SAFETY: `control` is a valid header of this message, whose buffer still lives.
        control = unsafe { libc::CMSG_NXTHDR(message, control) };
    }
    None
}

/// Room for the control data of one datagram, aligned for its header.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL_LEN]);

impl Control {
    const EMPTY: Self = Self([0; CONTROL_LEN]);
}

/// Bytes of control data for one u32, the overflow count.
// WHY: the macro adds the header and its padding.
// SAFETY: it only calculates.
const CONTROL_LEN: usize = unsafe { libc::CMSG_SPACE(size_of::<u32>() as c_uint) } as usize;

const EMPTY_VECTOR: libc::iovec = libc::iovec {
    iov_base: ptr::null_mut(),
    iov_len: 0,
};

// WHY: some systems' headers have private padding, so that they cannot be written out field by field.
// SAFETY: integers and raw pointers, for all of which zero is a value.
const EMPTY_HEADER: libc::mmsghdr = unsafe { mem::zeroed() };

const _: () = assert!(
    align_of::<libc::cmsghdr>() <= align_of::<Control>(),
    "control data must be aligned for its header"
);
const _: () = assert!(size_of::<c_int>() == 4, "socket options are four bytes");
