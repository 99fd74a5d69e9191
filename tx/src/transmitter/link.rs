//! One bundle after another onto one link: the thread that sends.
//!
//! ```text
//!            ┌── poll_job ──▶ Coder (worker threads) ──▶ handle_coded ──┐
//! Transmission                                                          │ ... until Finished
//!            └── poll_transmit ──▶ batch ──▶ Pacer::wait ──▶ Sink ◀─────┘
//! ```
//!
//! Always true:
//! - packet numbers go on from bundle to bundle, so that the receiver can count what the link lost;
//! - nothing leaves before the pacer says so, and nothing after the operator said stop but the batch under way;
//! - memory is two groups of blocks, one block a worker, and one batch.

use std::thread;
use std::time::{Duration, Instant};

use hw::HwError;
use hw::udp::{MAX_BATCH, UdpSink};
use hw::units::Rate;
use protocol::digest::Digest;
use protocol::fec::FecError;
use protocol::keys::SigningKey;
use protocol::transmission::{BundleShape, Settings, Transmission, TransmissionError, Transmit};
use protocol::wire::{ANNOUNCE_BODY_LEN, HEADER_LEN, Header, Kind, SessionId};

use super::coder::Coder;
use super::pace::{Framing, Pacer};
use super::watch::{Tally, Watch};
use crate::bundle_file::{BundleFile, BundleFileError};

/// Where datagrams go.
pub(super) trait Sink: Send {
    /// Sends all of `datagrams`, in order.
    fn send_batch(&mut self, datagrams: &[Vec<u8>]) -> Result<(), HwError>;
}

impl Sink for UdpSink {
    fn send_batch(&mut self, datagrams: &[Vec<u8>]) -> Result<(), HwError> {
        Self::send_batch(self, datagrams).map(|_all| ())
    }
}

/// A clock that never goes back, and a way to let time pass.
pub(super) trait Clock: Send {
    /// Nanoseconds from an arbitrary start.
    fn now(&self) -> u64;
    /// Lets up to `nanos` nanoseconds pass; more only as far as the system oversleeps.
    fn pause(&self, nanos: u64);
}

/// Why a bundle was not sent to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    /// The operator said so.
    #[error("interrupted")]
    Interrupted,
    /// What is in the file is not what was signed, or can't be read.
    #[error(transparent)]
    Bundle(#[from] BundleFileError),
    /// The link does not take the datagrams.
    #[error(transparent)]
    Link(#[from] HwError),
    /// Bundle and settings do not fit.
    #[error(transparent)]
    Settings(#[from] TransmissionError),
    /// A block could not be coded.
    #[error(transparent)]
    Code(FecError),
    /// A worker thread died, which is a fault of this program.
    #[error("a worker thread ended by a fault of this program")]
    WorkersGone,
}

/// A bundle's transmission, ended in one way or another.
#[derive(Debug)]
pub(super) struct Ended {
    /// What was sent.
    pub(super) tally: Tally,
    /// From the first packet to the time when the next one could have left.
    pub(super) nanos: u64,
    /// Why it ended before its end, if it did.
    pub(super) result: Result<(), Stop>,
}

/// The link as a lane of numbered datagrams.
#[derive(Debug)]
pub(super) struct Link<S, C> {
    sink: S,
    clock: C,
    pacer: Pacer,
    framing: Framing,
    batch: Batch,
    next_packet: u32,
}

impl<S: Sink, C: Clock> Link<S, C> {
    /// A link on which nothing has been sent.
    pub(super) fn new(sink: S, clock: C, rate: Rate, framing: Framing, first_packet: u32) -> Self {
        let pacer = Pacer::new(rate, clock.now());
        Self {
            sink,
            clock,
            pacer,
            framing,
            batch: Batch::default(),
            next_packet: first_packet,
        }
    }

    /// Sends filler as long as the longest datagrams to come: real links lose the first packets after a silence, and an interface that doesn't carry
    /// the length says so before anything is promised.
    pub(super) fn warm_up(&mut self, symbol_len: u16, watch: &Watch) -> Result<(), Stop> {
        let body = vec![0; symbol_len.into()];
        self.prepare(symbol_len);
        for _ in 0..WARM_UP_DATAGRAMS {
            let header = Header {
                kind: Kind::Filler,
                session: SessionId(0),
                packet: self.next_packet,
                block: 0,
                esi: 0,
            };
            self.next_packet = self.next_packet.wrapping_add(1);
            self.batch.push(&header.emit(&body), &body, self.framing);
            if self.batch.is_full() {
                self.flush(watch)?;
            }
        }
        if self.batch.is_empty() {
            Ok(())
        } else {
            self.flush(watch)
        }
    }

    /// Sends a bundle. `settings.first_packet` is the link's business and needs no value.
    pub(super) fn transmit(
        &mut self,
        bundle: &BundleFile,
        settings: &Settings,
        key: &SigningKey,
        watch: &Watch,
    ) -> Ended {
        let settings = Settings {
            first_packet: self.next_packet,
            ..settings.clone()
        };
        let mut start = self.clock.now();
        let result = match Transmission::new(&shape_of(bundle), &settings, key) {
            Err(error) => Err(Stop::Settings(error)),
            Ok(mut transmission) => {
                self.prepare(settings.symbol_len);
                let depth = usize::from(settings.redundancy.depth());
                let sent = thread::scope(|scope| {
                    let coder = Coder::start(scope, bundle, GROUPS_AHEAD * depth);
                    let sent = code_first_group(&mut transmission, &coder, depth, watch).and_then(|()| {
                        start = self.clock.now();
                        self.pacer.handle_idle(start);
                        self.pump(&mut transmission, &coder, watch)
                    });
                    coder.finish();
                    sent
                });
                self.next_packet = transmission.next_packet();
                sent
            }
        };
        Ended {
            tally: watch.tally(),
            nanos: self.clock.now().saturating_sub(start),
            result,
        }
    }

    fn pump(&mut self, transmission: &mut Transmission, coder: &Coder<'_>, watch: &Watch) -> Result<(), Stop> {
        loop {
            watch.go_on()?;
            while let Some(job) = transmission.poll_job() {
                coder.submit(job)?;
            }
            while let Some(coded) = coder.take(Duration::ZERO)? {
                transmission.handle_coded(coded);
            }
            let state = self.fill(transmission);
            watch.note_pass(transmission.progress(0).pass);
            match state {
                _ if !self.batch.is_empty() => self.flush(watch)?,
                Filled::Finished => {
                    // All was sent: the word to stop only ends the wait for the last batch's time to pass.
                    let _ = self.wait(watch);
                    return Ok(());
                }
                Filled::Full | Filled::Starved => {
                    if let Some(coded) = coder.take(CODING_PATIENCE)? {
                        transmission.handle_coded(coded);
                    }
                }
            }
        }
    }

    /// Fills the batch with what can be sent now.
    fn fill(&mut self, transmission: &mut Transmission) -> Filled {
        while !self.batch.is_full() {
            match transmission.poll_transmit() {
                Transmit::Datagram { header, body } => self.batch.push(&header, body, self.framing),
                Transmit::Starved => return Filled::Starved,
                Transmit::Finished => return Filled::Finished,
            }
        }
        Filled::Full
    }

    /// Sends the batch as soon as the pacer lets it.
    fn flush(&mut self, watch: &Watch) -> Result<(), Stop> {
        let sent = self.wait(watch).and_then(|()| {
            self.pacer.handle_sent(self.clock.now(), self.batch.wire_bits);
            self.sink.send_batch(self.batch.datagrams())?;
            watch.count(self.batch.len, self.batch.bytes, self.batch.wire_bits);
            Ok(())
        });
        self.batch.clear();
        sent
    }

    fn wait(&self, watch: &Watch) -> Result<(), Stop> {
        loop {
            watch.go_on()?;
            match self.pacer.wait(self.clock.now()) {
                0 => return Ok(()),
                // In slices, so that a slow link can be stopped too.
                nanos => self.clock.pause(nanos.min(LONGEST_PAUSE_NANOS)),
            }
        }
    }

    fn prepare(&mut self, symbol_len: u16) {
        let longest = HEADER_LEN + usize::from(symbol_len).max(ANNOUNCE_BODY_LEN);
        self.batch.limit = self.pacer.batch_len(self.framing.wire_bits(longest));
    }
}

/// Codes as many blocks as the first group has, so that the link does not stand still between the first announces and the first symbols.
fn code_first_group(
    transmission: &mut Transmission,
    coder: &Coder<'_>,
    depth: usize,
    watch: &Watch,
) -> Result<(), Stop> {
    let mut missing = 0;
    while let Some(job) = transmission.poll_job() {
        coder.submit(job)?;
        missing += 1;
    }
    missing = missing.min(depth);
    while missing > 0 {
        watch.go_on()?;
        if let Some(coded) = coder.take(CODING_PATIENCE)? {
            transmission.handle_coded(coded);
            missing -= 1;
        }
    }
    Ok(())
}

/// Groups whose blocks a transmission hands out at once.
const GROUPS_AHEAD: usize = 2;
/// Filler before the first bundle.
const WARM_UP_DATAGRAMS: u32 = 32;
/// How long a block may take to code before the word to stop is looked at again.
const CODING_PATIENCE: Duration = Duration::from_millis(50);
/// The longest wait before the word to stop is looked at again.
const LONGEST_PAUSE_NANOS: u64 = 50_000_000;

/// How far a batch could be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filled {
    Full,
    Starved,
    Finished,
}

/// What an announce says of a bundle.
pub(super) fn shape_of(bundle: &BundleFile) -> BundleShape {
    let statement = bundle.statement();
    BundleShape {
        bundle: bundle.id(),
        envelope_len: bundle.prefix().envelope_len,
        // A head is 32 MiB at the most, which was checked when it was read.
        head_len: u32::try_from(bundle.head().len()).unwrap_or(u32::MAX),
        head_sha256: Digest::of(bundle.head()),
        content_len: statement.content_len,
        content_root: statement.content_root,
        leaf_len: statement.leaf_len,
    }
}

/// Datagrams that leave together, in buffers that are used again.
#[derive(Debug, Default)]
struct Batch {
    slots: Vec<Vec<u8>>,
    len: usize,
    limit: usize,
    bytes: u64,
    wire_bits: u64,
}

impl Batch {
    fn push(&mut self, header: &[u8; HEADER_LEN], body: &[u8], framing: Framing) {
        if self.len == self.slots.len() {
            self.slots.push(Vec::new());
        }
        let Some(slot) = self.slots.get_mut(self.len) else {
            return;
        };
        slot.clear();
        slot.extend_from_slice(header);
        slot.extend_from_slice(body);
        self.len += 1;
        self.bytes += slot.len() as u64;
        self.wire_bits += framing.wire_bits(slot.len());
    }

    fn datagrams(&self) -> &[Vec<u8>] {
        self.slots.get(..self.len).unwrap_or_default()
    }

    fn is_full(&self) -> bool {
        self.len >= self.limit.clamp(1, MAX_BATCH)
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn clear(&mut self) {
        (self.len, self.bytes, self.wire_bits) = (0, 0, 0);
    }
}

/// The machine's own clock.
#[derive(Debug)]
pub(super) struct SystemClock {
    start: Instant,
}

impl SystemClock {
    pub(super) fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn pause(&self, nanos: u64) {
        match nanos.checked_sub(OVERSLEEP_NANOS) {
            Some(rest) if rest >= OVERSLEEP_NANOS => thread::sleep(Duration::from_nanos(rest)),
            // Too short to be woken in time; others may use the core meanwhile.
            _ => thread::yield_now(),
        }
    }
}

/// What Linux oversleeps by at its default timer slack, and a little.
const OVERSLEEP_NANOS: u64 = 80_000;

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
