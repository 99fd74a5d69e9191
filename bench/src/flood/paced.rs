//! Datagrams sent at a rate, by this process.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hw::HwError;
use hw::udp::{Datagram, Offload, SinkConfig, UdpSink};
use hw::units::Rate;

use super::stream::Stream;

/// A socket, and the rate at which it sends.
#[derive(Debug)]
pub(super) struct Paced {
    sink: UdpSink,
    rate: Rate,
    begun: Instant,
    bytes: u64,
}

/// What was offered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Offered {
    pub(super) datagrams: u64,
    pub(super) bytes: u64,
    pub(super) time: Duration,
}

impl Offered {
    /// Bits a second, without any header.
    pub(super) fn bits_per_second(&self) -> f64 {
        self.bytes as f64 * 8.0 / self.time.as_secs_f64().max(1e-9)
    }
}

/// Datagrams that are made at once: what few system calls take.
const BATCH: usize = 256;
/// So much ahead of its time a sender waits.
const AHEAD: Duration = Duration::from_micros(500);
/// What a sender that was held up does not make up for.
const BEHIND: Duration = Duration::from_millis(50);

impl Paced {
    /// A sender to `to`.
    ///
    /// # Errors
    /// If there is no socket to be had.
    pub(super) fn bind(to: SocketAddr, rate: Rate) -> Result<Self, HwError> {
        let sink = UdpSink::bind(&SinkConfig {
            to,
            bind: None,
            send_buffer_bytes: 4 << 20,
            offload: Offload::Auto,
        })?;
        Ok(Self {
            sink,
            rate,
            begun: Instant::now(),
            bytes: 0,
        })
    }

    /// Sends when it is their time.
    ///
    /// # Errors
    /// As the socket has it.
    pub(super) fn send(&mut self, datagrams: &[Datagram<'_>]) -> Result<(), HwError> {
        let due = self.rate.time_for(self.bytes);
        let elapsed = self.begun.elapsed();
        if due > elapsed + AHEAD {
            thread::sleep(due - elapsed);
        } else if elapsed > due + BEHIND {
            self.begun += elapsed - due - BEHIND;
        }
        self.bytes += datagrams.iter().map(|datagram| datagram.len() as u64).sum::<u64>();
        self.sink.send(datagrams)
    }
}

/// Sends a flood for `time`, or until `stop` is set.
///
/// # Errors
/// As the socket has it.
pub(super) fn flood(
    mut stream: Stream,
    to: SocketAddr,
    rate: Rate,
    time: Duration,
    stop: &AtomicBool,
) -> Result<Offered, HwError> {
    let mut paced = Paced::bind(to, rate)?;
    let (begun, mut offered, mut batch) = (Instant::now(), Offered::default(), Vec::new());
    while begun.elapsed() < time && !stop.load(Ordering::Relaxed) {
        let len = stream.fill(BATCH, &mut batch);
        let datagrams: Vec<_> = batch
            .chunks(len.max(1))
            .map(|body| Datagram { header: &[], body })
            .collect();
        paced.send(&datagrams)?;
        offered.datagrams += datagrams.len() as u64;
        offered.bytes += batch.len() as u64;
    }
    offered.time = begun.elapsed();
    Ok(offered)
}
