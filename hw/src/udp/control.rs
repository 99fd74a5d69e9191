//! Control messages: what is told to the kernel beside a message's bytes, and what it tells.
//!
//! ```text
//! out   UDP_SEGMENT  u16   cut these bytes into datagrams of that length
//! in    UDP_GRO      int   these bytes are datagrams of that length; the last one may be shorter
//! in    SO_RXQ_OVFL  u32   what the socket had dropped in all when this message was queued
//! ```

use std::ffi::{c_int, c_uint};
use std::ptr;

/// The control data of one message that leaves: the length of its segments.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct Outgoing([u8; OUTGOING_LEN]);

/// The control data of one message that comes: overflow count and segment length.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct Incoming([u8; INCOMING_LEN]);

/// What a received message's control data said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// The socket's running count of overflows, wrapping; absent while there was none.
    pub(super) overflows: Option<u32>,
    /// The length of the datagrams that the kernel joined; absent if it joined none.
    pub(super) segment: Option<usize>,
}

impl Outgoing {
    pub(super) const EMPTY: Self = Self([0; OUTGOING_LEN]);

    /// Has the kernel cut `message` into datagrams of `segment` bytes.
    ///
    /// The message points at this control data from here on: both must stay in place until it was sent.
    pub(super) fn ask(&mut self, message: &mut libc::msghdr, segment: u16) {
        message.msg_control = self.0.as_mut_ptr().cast();
        message.msg_controllen = OUTGOING_LEN as _;
        // WHY: only the C macro knows where the first header of control data stands.
        // SAFETY: `msg_control` and `msg_controllen` were set above to a live buffer; the macro reads no more than these two.
        let control = unsafe { libc::CMSG_FIRSTHDR(message) };
        if control.is_null() {
            // The buffer has room for one header by its own size, so that this is never reached.
            return;
        }
        let header = libc::cmsghdr {
            cmsg_len: SEGMENT_CMSG_LEN as _,
            cmsg_level: libc::SOL_UDP,
            cmsg_type: libc::UDP_SEGMENT,
        };
        // WHY: the header says what follows it.
        // SAFETY: not null, so within this buffer, which has room for the header and is aligned for it.
        unsafe { control.write(header) };
        // WHY: the data starts where the macro says, past the header's padding.
        // SAFETY: `control` is the header just written; the buffer has room for the u16 behind it (OUTGOING_LEN).
        unsafe { libc::CMSG_DATA(control).cast::<u16>().write_unaligned(segment) };
    }
}

impl Incoming {
    pub(super) const EMPTY: Self = Self([0; INCOMING_LEN]);

    /// Has the kernel write what it tells of `message` here. Both must stay in place until it was received and read.
    pub(super) fn attach(&mut self, message: &mut libc::msghdr) {
        message.msg_control = self.0.as_mut_ptr().cast();
        message.msg_controllen = INCOMING_LEN as _;
    }

    /// What the kernel told of `message`.
    ///
    /// # Safety
    /// `message` was [attached](Self::attach) to control data that is still in place, and the kernel received into it.
    pub(super) unsafe fn told(message: &libc::msghdr) -> Told {
        let mut told = Told::default();
        // WHY: control data is a chain of headers that only the C macros know how to walk.
        // SAFETY: by this function's promise the buffer is live, and the kernel filled it up to `msg_controllen`.
        let mut control = unsafe { libc::CMSG_FIRSTHDR(message) };
        while !control.is_null() {
            // WHY: the header says what the data after it is.
            // SAFETY: not null, so within the control buffer, which is aligned for a cmsghdr.
            let header = unsafe { *control };
            // WHY: the data starts where the macro says, past the header's padding.
            // SAFETY: `control` is a valid header of this buffer.
            let data = unsafe { libc::CMSG_DATA(control) };
            match (header.cmsg_level, header.cmsg_type) {
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
                    // WHY: the kernel promises no alignment for the data.
                    // SAFETY: the kernel writes a u32 for this type, and leaves out what does not fit the buffer.
                    told.overflows = Some(unsafe { data.cast::<u32>().read_unaligned() });
                }
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    // WHY: the kernel promises no alignment for the data.
                    // SAFETY: the kernel writes an int for this type, and leaves out what does not fit the buffer.
                    let segment = unsafe { data.cast::<c_int>().read_unaligned() };
                    told.segment = usize::try_from(segment).ok().filter(|segment| *segment > 0);
                }
                _ => {}
            }
            // WHY: there may be more than one.
            // SAFETY: `control` is a valid header of this message, whose buffer is still in place.
            control = unsafe { libc::CMSG_NXTHDR(ptr::from_ref(message), control) };
        }
        told
    }
}

/// Bytes of control data for one u16.
// WHY: the macro adds the header and its padding.
// SAFETY: it only calculates.
const OUTGOING_LEN: usize = unsafe { libc::CMSG_SPACE(size_of::<u16>() as c_uint) } as usize;

/// What a header of control data with one u16 calls its length.
// WHY: the macro adds the header.
// SAFETY: it only calculates.
const SEGMENT_CMSG_LEN: usize = unsafe { libc::CMSG_LEN(size_of::<u16>() as c_uint) } as usize;

/// Bytes of control data for a u32 and an int.
// WHY: the macro adds each header and its padding.
// SAFETY: it only calculates.
const INCOMING_LEN: usize =
    unsafe { libc::CMSG_SPACE(size_of::<u32>() as c_uint) + libc::CMSG_SPACE(size_of::<c_int>() as c_uint) } as usize;

const _: () = assert!(
    align_of::<libc::cmsghdr>() <= align_of::<Outgoing>() && align_of::<libc::cmsghdr>() <= align_of::<Incoming>(),
    "control data must be aligned for its header"
);

#[cfg(test)]
mod tests {
    use super::super::messages::EMPTY_HEADER;
    use super::*;

    #[test]
    fn what_is_asked_of_a_message_is_one_header_with_the_segments_length() {
        let mut message = EMPTY_HEADER.msg_hdr;
        let mut control = Outgoing::EMPTY;
        control.ask(&mut message, 1_440);
        // WHY: the test walks what the kernel will walk.
        // SAFETY: `ask` pointed the message at `control`, which is live.
        let (header, next) = unsafe {
            let first = libc::CMSG_FIRSTHDR(&raw const message);
            (*first, libc::CMSG_NXTHDR(&raw const message, first))
        };
        assert_eq!(
            (header.cmsg_level, header.cmsg_type),
            (libc::SOL_UDP, libc::UDP_SEGMENT)
        );
        assert!(next.is_null());
    }

    #[test]
    fn a_message_without_control_data_tells_nothing() {
        let mut message = EMPTY_HEADER.msg_hdr;
        let mut control = Incoming::EMPTY;
        control.attach(&mut message);
        message.msg_controllen = 0;
        // WHY: reading is what is tested.
        // SAFETY: attached above, and the length is what the kernel leaves where it tells nothing.
        assert_eq!(unsafe { Incoming::told(&message) }, Told::default());
    }
}
