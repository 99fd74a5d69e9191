//! Datagrams handed to the kernel until it took them all: what it took in part, what is waited for, what is done without.
//!
//! ```text
//! datagrams ─▶ runs ─▶ kernel ──took n──▶ go on behind them
//!                        ├── full ───────▶ wait, at most a second in which none leaves
//!                        ├── won't cut ──▶ that run again, one by one ──all left──▶ one by one from here on
//!                        └── else ───────▶ error about the first that did not leave
//! ```
//!
//! Always true:
//! - datagrams leave in their order, each once;
//! - EMSGSIZE is never a reason to do without segmentation: it is about the datagram's length.

use std::ffi::c_short;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::MAX_BATCH;
use super::segments::{Datagram, Limits, MAX_VECTORS, Run};
use crate::HwError;

/// What went through a sink since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SinkCounters {
    /// Datagrams that the kernel took.
    pub datagrams: u64,
    /// Messages that they left in: fewer, where the kernel segments.
    pub messages: u64,
    /// The datagrams' bytes, without IP and UDP headers.
    pub bytes: u64,
    /// System calls that sent or tried to.
    pub system_calls: u64,
    /// Times that the send queue was full and had to be waited for.
    pub waits: u64,
}

/// What is asked of the system to send.
pub(super) trait Kernel {
    /// Sends the runs that lie one behind the other in `vectors`; returns how many were taken, which is at least one.
    ///
    /// # Errors
    /// The first run's error, none having been taken.
    fn send(&self, runs: &[Run], vectors: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Waits for `events` of poll(2), or for the time alone.
    ///
    /// # Errors
    /// As the system reports.
    fn wait(&self, events: c_short, timeout: Duration) -> io::Result<()>;
}

/// How datagrams are sent to one address, and what came of it so far.
#[derive(Debug)]
pub(super) struct Sending {
    to: SocketAddr,
    limits: Limits,
    counters: SinkCounters,
}

impl Sending {
    pub(super) fn new(to: SocketAddr, limits: Limits) -> Self {
        Self {
            to,
            limits,
            counters: SinkCounters::default(),
        }
    }

    pub(super) fn to(&self) -> SocketAddr {
        self.to
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn counters(&self) -> SinkCounters {
        self.counters
    }

    /// Sends all of `datagrams`, in order.
    ///
    /// # Errors
    /// About the first datagram that did not leave.
    pub(super) fn send(&mut self, kernel: &impl Kernel, datagrams: &[Datagram<'_>]) -> Result<(), HwError> {
        let mut left = 0;
        while let Some(rest) = datagrams.get(left..).filter(|rest| !rest.is_empty()) {
            match self.send_some(kernel, rest, self.limits)? {
                Sent::Datagrams(count) => left += count,
                Sent::Unsegmented { run } => {
                    self.send_plainly(kernel, rest.get(..run).unwrap_or(rest))?;
                    left += run;
                    // The same bytes left one by one, so that cutting them was all that the kernel refused.
                    self.limits = Limits::PLAIN;
                }
            }
        }
        Ok(())
    }

    /// Sends each datagram as a message of its own.
    fn send_plainly(&mut self, kernel: &impl Kernel, mut datagrams: &[Datagram<'_>]) -> Result<(), HwError> {
        while !datagrams.is_empty() {
            // A message that asks for nothing is not refused for what it asks.
            if let Sent::Datagrams(count) = self.send_some(kernel, datagrams, Limits::PLAIN)? {
                datagrams = datagrams.get(count..).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Sends the first of `datagrams`, which are not empty, waiting where waiting helps.
    fn send_some(&mut self, kernel: &impl Kernel, datagrams: &[Datagram<'_>], limits: Limits) -> Result<Sent, HwError> {
        let mut runs = [Run::default(); MAX_BATCH];
        let mut space = [IoSlice::new(&[]); MAX_VECTORS];
        let laid = limits.lay_out(datagrams, &mut runs, &mut space);
        let runs = runs.get(..laid).unwrap_or_default();
        let first = runs.first().copied().unwrap_or_default();
        let mut full_since = None;
        loop {
            self.counters.system_calls += 1;
            match kernel.send(runs, &space) {
                Ok(count) => return Ok(Sent::Datagrams(self.count(runs, count))),
                Err(error) if first.segment.is_some() && refuses_segmentation(&error) => {
                    return Ok(Sent::Unsegmented { run: first.datagrams });
                }
                Err(error) => {
                    let bytes = datagrams.first().map_or(0, Datagram::len);
                    let since = *full_since.get_or_insert_with(Instant::now);
                    self.recover(kernel, error, bytes, since)?;
                }
            }
        }
    }

    /// Counts the first `taken` of `runs`; returns their datagrams.
    fn count(&mut self, runs: &[Run], taken: usize) -> usize {
        let mut datagrams = 0;
        for run in runs.iter().take(taken) {
            datagrams += run.datagrams;
            self.counters.messages += 1;
            self.counters.bytes += run.bytes as u64;
        }
        self.counters.datagrams += datagrams as u64;
        datagrams
    }

    /// Waits where waiting helps; `bytes` is the length of the datagram that did not leave, `since` when it first did not.
    fn recover(
        &mut self,
        kernel: &impl Kernel,
        source: io::Error,
        bytes: usize,
        since: Instant,
    ) -> Result<(), HwError> {
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
        kernel
            .wait(events, pause)
            .map_err(|source| HwError::Send { to, source })
    }
}

/// What came of one attempt.
enum Sent {
    /// So many datagrams left.
    Datagrams(usize),
    /// None left: the kernel would not cut the first run, which has so many datagrams.
    Unsegmented { run: usize },
}

/// Whether the kernel may have refused to cut a run into datagrams, rather than the datagrams.
///
/// EIO: no checksums below, or IPsec above. EINVAL: among much else, before Linux 6.14, a segment that is longer than the MTU:
/// sent by itself, it is told as EMSGSIZE.
fn refuses_segmentation(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EINVAL | libc::EIO | libc::EOPNOTSUPP | libc::ENOPROTOOPT)
    )
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

/// How long not one datagram may leave before a sink gives up.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long to wait for room in the socket's buffer before looking again.
const ROOM_WAIT: Duration = Duration::from_millis(20);
/// How long to wait for the queue below the socket: some twenty datagrams of 1,500 bytes at 1 Gbit/s.
const QUEUE_WAIT: Duration = Duration::from_micros(250);

#[cfg(test)]
#[path = "sending_tests.rs"]
mod tests;
