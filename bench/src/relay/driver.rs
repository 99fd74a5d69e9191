//! The relay's loop: receive, damage, queue, send on.
//!
//! One thread does it all. It wakes up at least every 50 ms to see whether it is to stop. A link that was silent for so long, with
//! nothing queued, lets go of the datagrams that it held back for others to overtake, since none may follow.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hw::HwError;
use hw::udp::{Batch, Datagram, MAX_BATCH, Offload, SinkConfig, SourceConfig, UdpSink, UdpSource};
use hw::units::Rate;

use super::gilbert_elliott::BurstError;
use super::impairment::{Impairment, ImpairmentSettings};
use super::outgoing::Outgoing;
use super::report::{RelayReport, Traffic};
use super::throttle::Throttle;

/// What a relay is set up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayConfig {
    /// Where to receive; port 0 has the kernel choose one ([`Relay::local_addr`]).
    pub listen: SocketAddr,
    /// Where to send on to.
    pub to: SocketAddr,
    /// What all chance is drawn from.
    pub seed: u64,
    /// How bad the link is.
    pub impairment: ImpairmentSettings,
    /// The rate of the link, in bits of UDP payload; as fast as it goes if absent.
    pub rate: Option<Rate>,
    /// Datagrams that may wait for the rate; what comes beyond is dropped and counted.
    pub queue_datagrams: NonZeroUsize,
    /// The receive and the send buffer to ask for, each in bytes.
    pub buffer_bytes: usize,
}

impl RelayConfig {
    /// A link that changes nothing, from `listen` to `to`.
    #[must_use]
    pub fn new(listen: SocketAddr, to: SocketAddr, seed: u64) -> Self {
        Self {
            listen,
            to,
            seed,
            impairment: ImpairmentSettings::default(),
            rate: None,
            queue_datagrams: DEFAULT_QUEUE_DATAGRAMS,
            buffer_bytes: DEFAULT_BUFFER_BYTES,
        }
    }
}

/// Datagrams that may wait for the rate unless set otherwise: near 6 MB at an MTU of 1500.
pub(super) const DEFAULT_QUEUE_DATAGRAMS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4_095);
/// The buffers asked for: an eighth of a second at 1 Gbit/s, as the kernel doubles what it is asked for.
pub(super) const DEFAULT_BUFFER_BYTES: usize = 8 << 20;

/// Why a relay could not be made or went no further.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The damage that was asked for cannot be.
    #[error(transparent)]
    Burst(#[from] BurstError),
    /// One of its sockets failed.
    #[error(transparent)]
    Socket(#[from] HwError),
    /// The system gave it no thread.
    #[error("cannot start the relay's thread")]
    Thread(#[source] std::io::Error),
}

/// A lossy link with its sockets open.
#[derive(Debug)]
pub struct Relay {
    config: RelayConfig,
    source: UdpSource,
    sink: UdpSink,
    batch: Batch,
    impairment: Impairment,
    outgoing: Outgoing,
    undeliverable: u64,
}

/// The longest wait for a datagram.
const WAKE: Duration = Duration::from_millis(50);

/// Without a rate nothing waits: what a batch becomes leaves before the next is received, which is limit enough.
fn queue_limit(config: &RelayConfig) -> usize {
    match config.rate {
        Some(_) => config.queue_datagrams.get(),
        None => usize::MAX,
    }
}

/// Bytes received at once at most.
const BATCH_LEN: usize = 1 << 20;

impl Relay {
    /// Opens both sockets; from here on, datagrams that come are kept for [`run`](Self::run).
    ///
    /// # Errors
    /// [`RelayError::Burst`] if the damage cannot be, [`RelayError::Socket`] if an address cannot be used.
    pub fn bind(config: RelayConfig) -> Result<Self, RelayError> {
        let impairment = Impairment::new(&config.impairment, config.seed)?;
        let source = UdpSource::bind(&SourceConfig {
            listen: config.listen,
            receive_buffer_bytes: config.buffer_bytes,
            interface: None,
            from: None,
            offload: Offload::Auto,
        })?;
        let sink = UdpSink::bind(&SinkConfig {
            to: config.to,
            bind: None,
            send_buffer_bytes: config.buffer_bytes,
            offload: Offload::Auto,
        })?;
        Ok(Self {
            source,
            sink,
            batch: Batch::new(BATCH_LEN),
            impairment,
            outgoing: Outgoing::new(queue_limit(&config)),
            undeliverable: 0,
            config,
        })
    }

    /// Where datagrams are received.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.source.local_addr()
    }

    /// The receive buffer that the kernel granted, in bytes as it counts them.
    #[must_use]
    pub fn granted_receive_buffer(&self) -> usize {
        self.source.granted_receive_buffer()
    }

    /// Relays until `stop` is set or `how_long` is over, and says what it did. At the end, what was held back is sent on as far as
    /// the rate lets it go at once.
    ///
    /// # Errors
    /// [`RelayError::Socket`] if receiving fails, or a datagram comes that the way out is too narrow for. Whatever else the system
    /// reports on sending costs the datagrams at hand and is counted.
    pub fn run(&mut self, stop: &AtomicBool, how_long: Option<Duration>) -> Result<RelayReport, RelayError> {
        let start = Instant::now();
        let mut throttle = self.config.rate.map(|rate| Throttle::new(rate, start));
        loop {
            let left = how_long.map_or(WAKE, |limit| limit.saturating_sub(start.elapsed()));
            self.step(throttle.as_mut(), left.min(WAKE))?;
            if left.is_zero() || stop.load(Ordering::Relaxed) {
                break;
            }
        }
        self.impairment.flush(&mut self.outgoing);
        self.send(throttle.as_mut())?;
        Ok(self.report(start.elapsed()))
    }

    /// Runs the relay on a thread of its own.
    ///
    /// # Errors
    /// [`RelayError::Thread`] if the system gives none.
    pub fn spawn(mut self) -> Result<RunningRelay, RelayError> {
        let stop = Arc::new(AtomicBool::new(false));
        let local = self.local_addr();
        let seen = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("relay".to_owned())
            .spawn(move || self.run(&seen, None))
            .map_err(RelayError::Thread)?;
        Ok(RunningRelay {
            local,
            stop,
            thread: Some(thread),
        })
    }

    /// Handles what comes within `longest`.
    fn step(&mut self, throttle: Option<&mut Throttle>, longest: Duration) -> Result<(), RelayError> {
        let timeout = match &throttle {
            Some(throttle) if !self.outgoing.is_empty() => throttle.wait(Instant::now()).min(longest),
            _ => longest,
        };
        self.batch.clear();
        let count = self.source.recv_batch(&mut self.batch, timeout)?;
        for datagram in self.batch.datagrams() {
            self.impairment.handle(datagram.bytes, &mut self.outgoing);
        }
        if count == 0 && self.outgoing.is_empty() {
            self.impairment.flush(&mut self.outgoing);
        }
        self.send(throttle)
    }

    /// Sends what is queued, as far as the rate lets it go now.
    fn send(&mut self, mut throttle: Option<&mut Throttle>) -> Result<(), RelayError> {
        loop {
            let now = Instant::now();
            let front = self.outgoing.front().iter().take(MAX_BATCH);
            let count = match throttle.as_deref_mut() {
                Some(throttle) => front
                    .take_while(|datagram| throttle.admits(now, datagram.len()))
                    .count(),
                None => front.count(),
            };
            if count == 0 {
                return Ok(());
            }
            self.send_first(count)?;
        }
    }

    /// Sends the first `count` of the queue. Where the system will not, those of them that had not left are dropped and counted, as
    /// a link does whose far end is down.
    fn send_first(&mut self, count: usize) -> Result<(), RelayError> {
        let part = self.outgoing.front().get(..count).unwrap_or_default();
        let before = self.sink.counters().datagrams;
        let datagrams: Vec<_> = part
            .iter()
            .map(|bytes| Datagram {
                header: bytes,
                body: &[],
            })
            .collect();
        match self.sink.send(&datagrams) {
            Ok(()) => {}
            Err(error @ HwError::DatagramTooLarge { .. }) => return Err(error.into()),
            Err(_) => {
                let sent = self.sink.counters().datagrams - before;
                self.undeliverable += (part.len() as u64).saturating_sub(sent);
            }
        }
        self.outgoing.discard(count);
        Ok(())
    }

    fn report(&self, elapsed: Duration) -> RelayReport {
        let (received, sent) = (self.source.counters(), self.sink.counters());
        RelayReport {
            schema: 1,
            listen: self.source.local_addr(),
            to: self.config.to,
            seed: self.config.seed,
            settings: self.config.impairment,
            rate: self.config.rate,
            elapsed,
            received: Traffic {
                datagrams: received.datagrams,
                bytes: received.bytes,
            },
            damage: self.impairment.counters(),
            over_rate: self.outgoing.overflowed(),
            undeliverable: self.undeliverable,
            left_in_queue: self.outgoing.len() as u64,
            sent: Traffic {
                datagrams: sent.datagrams,
                bytes: sent.bytes,
            },
            missed: received.overflowed,
        }
    }
}

/// A relay on a thread of its own, which ends when this is dropped.
#[derive(Debug)]
pub struct RunningRelay {
    local: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<RelayReport, RelayError>>>,
}

impl RunningRelay {
    /// Where datagrams are received.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Ends the relay and says what it did.
    ///
    /// # Errors
    /// What [`Relay::run`] ended with.
    ///
    /// # Panics
    /// If the relay's thread panicked, with its panic.
    pub fn stop(mut self) -> Result<RelayReport, RelayError> {
        match self.join() {
            Some(Ok(result)) => result,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => unreachable!("the thread is joined here or in drop, and both take the relay"),
        }
    }

    fn join(&mut self) -> Option<std::thread::Result<Result<RelayReport, RelayError>>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join)
    }
}

impl Drop for RunningRelay {
    fn drop(&mut self) {
        // Who drops it has no use for the report, and must not panic on its account.
        let _ = self.join();
    }
}
