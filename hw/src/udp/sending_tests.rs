//! Sending to a kernel that is made up: one that refuses, takes only some, or is full.

use std::cell::{Cell, RefCell};

use super::*;

const TO: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

/// A kernel, and the datagrams that it put on the wire.
struct Fake {
    /// What it answers to a message that is to be cut.
    refuses_segments: Option<i32>,
    /// The longest datagram that it takes.
    mtu: usize,
    /// Messages that it takes a call.
    appetite: usize,
    /// Answers that come before all others.
    first_answers: RefCell<Vec<i32>>,
    wire: RefCell<Vec<Vec<u8>>>,
    waits: Cell<usize>,
}

impl Fake {
    fn new() -> Self {
        Self {
            refuses_segments: None,
            mtu: 65_507,
            appetite: usize::MAX,
            first_answers: RefCell::default(),
            wire: RefCell::default(),
            waits: Cell::new(0),
        }
    }

    fn refusal(&self, run: &Run) -> Option<i32> {
        let len = run.segment.map_or(run.bytes, usize::from);
        let refuses_segments = self.refuses_segments.filter(|_| run.segment.is_some());
        refuses_segments.or((len > self.mtu).then_some(libc::EMSGSIZE))
    }
}

impl Kernel for Fake {
    fn send(&self, runs: &[Run], mut vectors: &[IoSlice<'_>]) -> io::Result<usize> {
        let errno = |errno| Err(io::Error::from_raw_os_error(errno));
        if let Some(answer) = self.first_answers.borrow_mut().pop() {
            return errno(answer);
        }
        let mut taken = 0;
        for run in runs.iter().take(self.appetite) {
            match self.refusal(run) {
                Some(answer) if taken == 0 => return errno(answer),
                Some(_) => break,
                None => {}
            }
            let (first, rest) = vectors.split_at(run.vectors);
            vectors = rest;
            let bytes = first
                .iter()
                .flat_map(|piece| piece.iter().copied())
                .collect::<Vec<u8>>();
            let mut wire = self.wire.borrow_mut();
            match run.segment {
                Some(segment) => wire.extend(bytes.chunks(segment.into()).map(<[u8]>::to_vec)),
                None => wire.push(bytes),
            }
            taken += 1;
        }
        Ok(taken)
    }

    fn wait(&self, _events: c_short, _timeout: Duration) -> io::Result<()> {
        self.waits.set(self.waits.get() + 1);
        Ok(())
    }
}

fn of_lengths(lengths: &[usize]) -> Vec<Vec<u8>> {
    lengths
        .iter()
        .enumerate()
        .map(|(index, len)| (0..*len).map(|at| (at * 31 + index) as u8).collect())
        .collect()
}

fn send(sending: &mut Sending, kernel: &Fake, datagrams: &[Vec<u8>]) -> Result<(), HwError> {
    let datagrams: Vec<_> = datagrams
        .iter()
        .map(|bytes| {
            let (header, body) = bytes.split_at(bytes.len().min(32));
            Datagram { header, body }
        })
        .collect();
    sending.send(kernel, &datagrams)
}

fn segmenting() -> Sending {
    Sending::new(TO, Limits::segmenting(TO))
}

#[test]
fn a_kernel_that_takes_one_message_a_call_gets_all_in_order() {
    let kernel = Fake {
        appetite: 1,
        ..Fake::new()
    };
    let datagrams = of_lengths(&[500; 300]);
    let mut sending = segmenting();
    send(&mut sending, &kernel, &datagrams).expect("sent");
    assert_eq!(kernel.wire.take(), datagrams);
    let SinkCounters {
        messages, datagrams, ..
    } = sending.counters();
    assert_eq!((messages, datagrams), (5, 300));
}

#[test]
fn a_kernel_that_refuses_to_segment_gets_all_one_by_one_and_is_not_asked_again() {
    for refusal in [libc::EINVAL, libc::EIO, libc::EOPNOTSUPP, libc::ENOPROTOOPT] {
        let kernel = Fake {
            refuses_segments: Some(refusal),
            ..Fake::new()
        };
        let datagrams = of_lengths(&[500; 300]);
        let mut sending = segmenting();
        send(&mut sending, &kernel, &datagrams).expect("sent");
        assert_eq!(kernel.wire.take(), datagrams);
        assert!(!sending.limits().is_segmenting());
        let calls = sending.counters().system_calls;
        send(&mut sending, &kernel, &datagrams[..64]).expect("sent");
        assert_eq!(sending.counters().system_calls, calls + 1);
    }
}

#[test]
fn segments_too_long_are_an_error_of_their_length_whichever_way_the_kernel_says_it() {
    for refuses_segments in [None, Some(libc::EINVAL)] {
        let kernel = Fake {
            refuses_segments,
            mtu: 1_472,
            ..Fake::new()
        };
        let mut sending = segmenting();
        let error = send(&mut sending, &kernel, &of_lengths(&[1_473; 10])).expect_err("too long");
        assert!(
            matches!(error, HwError::DatagramTooLarge { bytes: 1_473, .. }),
            "{error:?}"
        );
        assert!(
            sending.limits().is_segmenting(),
            "the length was refused, not the offload"
        );
        assert!(kernel.wire.take().is_empty());
    }
}

#[test]
fn a_failure_behind_what_left_is_counted_from_there() {
    let kernel = Fake {
        mtu: 1_472,
        ..Fake::new()
    };
    let mut sending = segmenting();
    let error = send(&mut sending, &kernel, &of_lengths(&[100, 100, 2_000, 2_000])).expect_err("too long");
    assert!(
        matches!(error, HwError::DatagramTooLarge { bytes: 2_000, .. }),
        "{error:?}"
    );
    assert_eq!((sending.counters().datagrams, sending.counters().bytes), (2, 200));
}

#[test]
fn a_refusal_that_segments_have_no_part_in_is_no_reason_to_do_without_them() {
    let kernel = Fake {
        refuses_segments: Some(libc::ENETDOWN),
        ..Fake::new()
    };
    let mut sending = segmenting();
    let error = send(&mut sending, &kernel, &of_lengths(&[100; 4])).expect_err("down");
    assert!(matches!(error, HwError::Unreachable { .. }), "{error:?}");
    assert!(sending.limits().is_segmenting());
}

#[test]
fn a_full_queue_is_waited_for_and_counted() {
    let kernel = Fake {
        first_answers: RefCell::new(vec![libc::ENOBUFS, libc::EINTR, libc::EAGAIN]),
        ..Fake::new()
    };
    let datagrams = of_lengths(&[100; 4]);
    let mut sending = segmenting();
    send(&mut sending, &kernel, &datagrams).expect("sent");
    assert_eq!(kernel.wire.take(), datagrams);
    assert_eq!(
        (sending.counters().waits, kernel.waits.get()),
        (2, 2),
        "an interruption is no wait"
    );
    assert!(sending.limits().is_segmenting());
}

#[test]
fn a_queue_full_for_longer_than_a_sinks_patience_is_an_error() {
    let Some(long_ago) = Instant::now().checked_sub(PATIENCE) else {
        return;
    };
    let full = io::Error::from_raw_os_error(libc::ENOBUFS);
    let error = segmenting()
        .recover(&Fake::new(), full, 1, long_ago)
        .expect_err("no patience left");
    assert!(matches!(error, HwError::SendStalled { .. }), "{error:?}");
}

#[test]
fn what_the_system_reports_on_sending_is_told_apart() {
    let told = |errno| send_error(TO, 1, io::Error::from_raw_os_error(errno));
    assert!(matches!(told(libc::ENETDOWN), HwError::Unreachable { .. }));
    assert!(matches!(told(libc::EHOSTUNREACH), HwError::Unreachable { .. }));
    assert!(matches!(told(libc::EPERM), HwError::Forbidden { .. }));
    assert!(matches!(told(libc::ENOMEM), HwError::Send { .. }));
}
