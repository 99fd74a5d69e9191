//! Datagrams cut into the runs that one message carries each.
//!
//! ```text
//! datagrams   1440 1440 1440 │ 1440 1440 700 │ 1440 │ 8928 …
//! runs        full: limit     a shorter ends    the next is longer
//! ```
//!
//! Always true:
//! - a run of several has one length, but for its last, which may be shorter and is never empty;
//! - a run of several is never longer than [`Limits`] says, so that whatever else the kernel refuses is about a datagram's length;
//! - runs one after another are the datagrams, each once, in their order.

use std::io::IoSlice;
use std::net::SocketAddr;

use super::MAX_BATCH;

/// One datagram to send. Header and body lie apart and leave without being copied together; either may be empty.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// What goes first.
    pub header: &'a [u8],
    /// What goes behind it.
    pub body: &'a [u8],
}

impl Datagram<'_> {
    /// Bytes that the datagram has, without IP and UDP headers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.header.len() + self.body.len()
    }

    /// Whether it is a datagram of no bytes, which is one that arrives all the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What one message may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Datagrams; 1 without segmentation.
    datagrams: usize,
    /// Bytes of all datagrams of a run.
    bytes: usize,
}

impl Limits {
    /// One datagram a message.
    pub(super) const PLAIN: Self = Self { datagrams: 1, bytes: 0 };

    /// What the kernel segments towards `to`.
    pub(super) fn segmenting(to: SocketAddr) -> Self {
        let ip_header = if to.is_ipv4() { 20 } else { 40 };
        Self {
            datagrams: MAX_SEGMENTS,
            bytes: usize::from(u16::MAX) - ip_header - UDP_HEADER - LINK_HEADER,
        }
    }

    /// Whether a message may carry more than one datagram.
    pub(super) fn is_segmenting(self) -> bool {
        self.datagrams > 1
    }

    /// Datagrams of `len` bytes that one message carries.
    pub(super) fn segments(self, len: usize) -> usize {
        // No bytes cannot be told apart from no datagrams.
        self.bytes.checked_div(len).unwrap_or(1).clamp(1, self.datagrams)
    }

    /// The run that `datagrams` start with; absent if there are none.
    pub(super) fn first_run(self, datagrams: &[Datagram<'_>]) -> Option<Run> {
        let len = datagrams.first()?.len();
        let mut run = Run::default();
        for datagram in datagrams.iter().take(self.segments(len)) {
            let bytes = datagram.len();
            let fits = run.datagrams == 0 || (1..=len).contains(&bytes);
            if !fits {
                break;
            }
            run.datagrams += 1;
            run.vectors += vectors(datagram).count();
            run.bytes += bytes;
            if bytes < len {
                break;
            }
        }
        if run.datagrams > 1 {
            // Two or more of them fit a message of 65,535 bytes.
            run.segment = u16::try_from(len).ok();
        }
        Some(run)
    }

    /// Lays out as many runs of `datagrams` as one system call takes and returns their number; at least one if there are datagrams.
    pub(super) fn lay_out<'a>(
        self,
        mut datagrams: &[Datagram<'a>],
        runs: &mut [Run; MAX_BATCH],
        space: &mut [IoSlice<'a>; MAX_VECTORS],
    ) -> usize {
        let mut laid = 0;
        let mut space = space.iter_mut();
        for slot in runs {
            let Some(run) = self.first_run(datagrams).filter(|run| run.vectors <= space.len()) else {
                break;
            };
            let (first, rest) = datagrams.split_at_checked(run.datagrams).unwrap_or((datagrams, &[]));
            // In this order: a zip takes from its first part before it learns that its second has ended.
            for (bytes, slice) in first.iter().flat_map(vectors).zip(&mut space) {
                *slice = IoSlice::new(bytes);
            }
            *slot = run;
            datagrams = rest;
            laid += 1;
        }
        laid
    }
}

/// Datagrams that leave as one message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Run {
    /// How many.
    pub(super) datagrams: usize,
    /// Pieces that they lie in.
    pub(super) vectors: usize,
    /// Their bytes.
    pub(super) bytes: usize,
    /// The length that the kernel is to cut them to; absent for a single one.
    pub(super) segment: Option<u16>,
}

/// The pieces of a datagram, without empty ones.
fn vectors<'a>(datagram: &Datagram<'a>) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    [datagram.header, datagram.body]
        .into_iter()
        .filter(|piece| !piece.is_empty())
}

/// Pieces that one system call takes: half a megabyte of datagrams of 1,440 bytes.
pub(super) const MAX_VECTORS: usize = 1_024;

/// Datagrams in a message, as kernels before 6.9 have it (UDP_MAX_SEGMENTS).
const MAX_SEGMENTS: usize = 64;
const UDP_HEADER: usize = 8;
/// Ethernet with a VLAN tag: a message longer than 65,535 bytes with it is cut before the interface, in software.
const LINK_HEADER: usize = 18;

const _: () = assert!(
    2 * MAX_SEGMENTS <= MAX_VECTORS,
    "the longest run must fit one system call"
);

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    const V4: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
    const V6: SocketAddr = SocketAddr::new(std::net::IpAddr::V6(Ipv6Addr::LOCALHOST), 1);
    static BYTES: [u8; 70_000] = [7; 70_000];

    fn of_lengths(lengths: &[usize]) -> Vec<Datagram<'static>> {
        lengths
            .iter()
            .map(|len| {
                let (header, body) = BYTES[..*len].split_at(len / 3);
                Datagram { header, body }
            })
            .collect()
    }

    /// Lengths of the runs that datagrams of `lengths` are cut into.
    fn runs(limits: Limits, lengths: &[usize]) -> Vec<Vec<usize>> {
        let datagrams = of_lengths(lengths);
        let mut rest = &datagrams[..];
        let mut runs = Vec::new();
        while let Some(run) = limits.first_run(rest) {
            let (first, others) = rest.split_at(run.datagrams);
            assert_eq!(run.segment.is_some(), run.datagrams > 1);
            assert_eq!(run.bytes, first.iter().map(Datagram::len).sum::<usize>());
            runs.push(first.iter().map(Datagram::len).collect());
            rest = others;
        }
        runs
    }

    #[test]
    fn a_run_ends_with_a_shorter_datagram_and_before_a_longer_one() {
        let runs = runs(Limits::segmenting(V4), &[9, 9, 9, 4, 9, 9, 10, 3, 3]);
        assert_eq!(runs, [vec![9, 9, 9, 4], vec![9, 9], vec![10, 3], vec![3]]);
    }

    #[test]
    fn an_empty_datagram_is_in_no_run_with_others() {
        let runs = runs(Limits::segmenting(V4), &[5, 5, 0, 0, 5]);
        assert_eq!(runs, [vec![5, 5], vec![0], vec![0], vec![5]]);
    }

    #[test]
    fn without_segmentation_each_datagram_goes_alone() {
        assert_eq!(runs(Limits::PLAIN, &[5, 5, 5]), [[5], [5], [5]]);
    }

    #[test]
    fn a_run_has_64_datagrams_and_not_65() {
        let runs = runs(Limits::segmenting(V4), &[100; 65]);
        assert_eq!(runs.iter().map(Vec::len).collect::<Vec<_>>(), [64, 1]);
    }

    #[test]
    fn a_message_with_its_headers_is_at_most_65_535_bytes() {
        for (to, most) in [(V4, 65_489), (V6, 65_469)] {
            let limits = Limits::segmenting(to);
            assert_eq!((limits.segments(most / 2), limits.segments(most / 2 + 1)), (2, 1));
            assert_eq!((limits.segments(most / 45), limits.segments(most / 45 + 1)), (45, 44));
        }
    }

    #[test]
    fn datagrams_of_any_length_can_be_asked_about() {
        let limits = Limits::segmenting(V4);
        assert_eq!(
            (limits.segments(0), limits.segments(1), limits.segments(usize::MAX)),
            (1, 64, 1)
        );
        assert_eq!(Limits::PLAIN.segments(1), 1);
    }

    #[test]
    fn one_system_call_is_laid_out_with_no_more_pieces_than_there_is_room_for() {
        let datagrams = of_lengths(&[1_000; 700]);
        let mut runs = [Run::default(); MAX_BATCH];
        let mut space = [IoSlice::new(&[]); MAX_VECTORS];
        let laid = Limits::segmenting(V4).lay_out(&datagrams, &mut runs, &mut space);
        assert_eq!(
            (laid, runs[..laid].iter().map(|run| run.vectors).sum()),
            (8, MAX_VECTORS)
        );
    }

    proptest! {
        #[test]
        fn runs_are_the_datagrams_in_their_order_within_the_limits(
            lengths in prop::collection::vec(prop_oneof![Just(0), Just(1), Just(1_440), 0..70_000_usize], 0..200),
        ) {
            let limits = Limits::segmenting(V6);
            let runs = runs(limits, &lengths);
            prop_assert_eq!(runs.concat(), lengths);
            for run in runs.iter().filter(|run| run.len() > 1) {
                prop_assert!(run.iter().sum::<usize>() <= limits.bytes && run.len() <= limits.datagrams);
                let (last, equal) = run.split_last().expect("several");
                prop_assert!(equal.iter().all(|len| *len == equal[0]) && (1..=equal[0]).contains(last));
            }
        }
    }
}
