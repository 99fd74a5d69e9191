//! One run: a thread that sends as fast as it can, and one that receives and discards.
//!
//! ```text
//! sender (core 0) ── send, send, … until the time is over ══▶ loopback ══▶ receive, receive, … ── receiver (core 1)
//!                                                                          first ◀── counted ──▶ last
//! ```
//!
//! Always true: the receiving side counts. What the sender got rid of and nobody received is a loss.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};

use super::cores;
use super::socket::{Inlet, Mode, Outlet};

/// What one run found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RawRun {
    /// Bits of payload a second, received between the first and the last receive.
    pub(crate) bits_per_second: f64,
    /// The share of datagrams that were sent and not received.
    pub(crate) lost: f64,
    /// The sender's time on a core, in nanoseconds a byte sent.
    pub(crate) send_nanos: f64,
    /// The receiver's, in nanoseconds a byte received.
    pub(crate) receive_nanos: f64,
    /// Bytes that the kernel granted for what waits.
    pub(crate) buffer: u64,
}

/// Sends for `time`, and counts what arrives. `stop` ends it early, as a failure.
pub(crate) fn run(mode: Mode, payload: u16, time: Duration, stop: &AtomicBool) -> anyhow::Result<RawRun> {
    let inlet = Inlet::bind(mode, payload)?;
    let outlet = Outlet::bind(mode, inlet.address(), payload)?;
    let (cores, buffer) = (cores::two(), inlet.granted());
    let over = AtomicBool::new(false);
    let (sent, received) = thread::scope(|scope| {
        let receiver = scope.spawn(|| receive(inlet, cores.map(|[_, second]| second), &over));
        let sent = scope
            .spawn(|| send(outlet, cores.map(|[first, _]| first), time, stop))
            .join();
        over.store(true, Ordering::Release);
        (sent, receiver.join())
    });
    let panicked = |_| anyhow!("a measuring thread panicked");
    let (sent, received) = (sent.map_err(panicked)??, received.map_err(panicked)??);
    anyhow::ensure!(!stop.load(Ordering::Relaxed), "interrupted");
    received.compared_with(&sent, payload, buffer)
}

/// What the sender did.
struct Sent {
    datagrams: u64,
    cpu: Duration,
}

/// What the receiver saw.
struct Received {
    datagrams: u64,
    /// Bytes of all receives but the first, which ended as the time began.
    bytes: u64,
    span: Duration,
    cpu: Duration,
}

impl Received {
    fn compared_with(&self, sent: &Sent, payload: u16, buffer: u64) -> anyhow::Result<RawRun> {
        anyhow::ensure!(
            self.bytes > 0 && !self.span.is_zero(),
            "too little arrived to measure: give more --seconds"
        );
        let nanos = |cpu: Duration, datagrams: u64| cpu.as_nanos() as f64 / (datagrams * u64::from(payload)) as f64;
        Ok(RawRun {
            bits_per_second: self.bytes as f64 * 8.0 / self.span.as_secs_f64(),
            lost: sent.datagrams.saturating_sub(self.datagrams) as f64 / sent.datagrams as f64,
            send_nanos: nanos(sent.cpu, sent.datagrams),
            receive_nanos: nanos(self.cpu, self.datagrams),
            buffer,
        })
    }
}

fn send(mut outlet: Outlet, core: Option<usize>, time: Duration, stop: &AtomicBool) -> anyhow::Result<Sent> {
    core.into_iter().for_each(cores::pin);
    let (begun, before) = (Instant::now(), cpu_time()?);
    let mut datagrams = 0;
    while begun.elapsed() < time && !stop.load(Ordering::Relaxed) {
        datagrams += outlet.send()?;
    }
    let cpu = cpu_time()?.saturating_sub(before);
    Ok(Sent { datagrams, cpu })
}

fn receive(mut inlet: Inlet, core: Option<usize>, over: &AtomicBool) -> anyhow::Result<Received> {
    core.into_iter().for_each(cores::pin);
    let before = cpu_time()?;
    let (mut datagrams, mut bytes) = (0, 0);
    let mut span: Option<(Instant, Instant)> = None;
    loop {
        // Looked at first: what was sent before it was set is received after.
        let last_look = over.load(Ordering::Acquire);
        let arrived = inlet.receive(PATIENCE)?;
        match &mut span {
            _ if arrived.datagrams == 0 && last_look => break,
            _ if arrived.datagrams == 0 => {}
            None => {
                let now = Instant::now();
                span = Some((now, now));
            }
            Some((_, last)) => {
                *last = Instant::now();
                bytes += arrived.bytes;
            }
        }
        datagrams += arrived.datagrams;
    }
    let span = span.map_or(Duration::ZERO, |(first, last)| last - first);
    let cpu = cpu_time()?.saturating_sub(before);
    Ok(Received {
        datagrams,
        bytes,
        span,
        cpu,
    })
}

/// How long nothing comes until the receiver looks whether anything will.
const PATIENCE: Duration = Duration::from_millis(20);

/// The calling thread's time on a core so far.
fn cpu_time() -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string(SCHEDSTAT).with_context(|| format!("cannot read {SCHEDSTAT}"))?;
    let nanos = text.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    nanos
        .map(Duration::from_nanos)
        .with_context(|| format!("{SCHEDSTAT} says {text:?}, which is not understood"))
}

const SCHEDSTAT: &str = "/proc/thread-self/schedstat";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_counts_what_arrives() {
        let run = run(Mode::Plain, 1440, Duration::from_millis(50), &AtomicBool::new(false)).unwrap();
        assert!(run.bits_per_second > 0.0 && (0.0..1.0).contains(&run.lost), "{run:?}");
        assert!(run.send_nanos > 0.0 && run.receive_nanos > 0.0, "{run:?}");
    }

    #[test]
    fn an_interrupted_run_is_no_result() {
        let error = run(Mode::Plain, 1440, Duration::from_secs(100), &AtomicBool::new(true)).unwrap_err();
        assert_eq!(error.to_string(), "interrupted");
    }

    #[test]
    fn a_run_in_which_too_little_arrived_is_no_result() {
        let received = Received {
            datagrams: 1,
            bytes: 0,
            span: Duration::ZERO,
            cpu: Duration::ZERO,
        };
        let sent = Sent {
            datagrams: 1,
            cpu: Duration::ZERO,
        };
        assert!(received.compared_with(&sent, 1440, 0).is_err());
    }

    #[test]
    fn a_threads_time_does_not_go_back() {
        let before = cpu_time().unwrap();
        assert!(cpu_time().unwrap() >= before);
    }
}
