//! One lane: the thread that sends, and nothing else.
//!
//! ```text
//! Order ──▶ datagrams numbered ──▶ batch ──▶ Pacer::wait ──▶ Sink      ──▶ Sent
//! heartbeat ───────────────────┘ between two batches, or when nothing else is to be sent
//! ```
//!
//! Always true:
//! - packet numbers go on from part to part and bundle to bundle, so that the receiver can count what the link lost;
//! - nothing leaves before the pacer says so, and nothing after the operator said stop but the batch under way;
//! - symbols leave from where they were read and coded: a batch is a list of places, and the kernel's copy is the only one.

use std::num::NonZeroU64;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never};
use hw::HwError;
use hw::udp::{Datagram, UdpSink};
use hw::units::Rate;
use protocol::transmission::{CodedGroup, Lane, Part};
use protocol::wire::HEADER_LEN;

use super::framing::Framing;
use super::link::Stop;
use super::pace::Pacer;
use super::watch::{Tally, Watch};

/// Where datagrams go.
pub(super) trait Sink: Send {
    /// Sends all of `datagrams`, in order.
    fn send(&mut self, datagrams: &[Datagram<'_>]) -> Result<(), HwError>;
    /// Datagrams of `len` bytes that one call sends at most.
    fn batch(&self, len: usize) -> usize;
}

impl Sink for UdpSink {
    fn send(&mut self, datagrams: &[Datagram<'_>]) -> Result<(), HwError> {
        Self::send(self, datagrams)
    }

    fn batch(&self, len: usize) -> usize {
        // A kernel that does not cut runs takes one message a datagram, however long they are together.
        if self.segmentation() {
            self.segments(len)
        } else {
            MAX_BATCH
        }
    }
}

/// A clock that never goes back, and a way to let time pass.
pub(super) trait Clock: Send {
    /// Nanoseconds from an arbitrary start.
    fn now(&self) -> u64;
    /// Lets up to `nanos` nanoseconds pass; more only as far as the system oversleeps.
    fn pause(&self, nanos: u64);
}

/// The sending end of one lane.
#[derive(Debug)]
pub(super) struct LaneSender<S, C> {
    sink: S,
    clock: C,
    pacer: Pacer,
    framing: Framing,
    lane: Lane,
    heartbeats: Receiver<Vec<u8>>,
    /// Whether the last heartbeat could not be sent.
    beat_failed: bool,
}

/// What became of a part.
#[derive(Debug)]
pub(super) struct PartSent {
    /// What the system took of it.
    pub(super) tally: Tally,
    /// When its first datagram could leave.
    pub(super) began: u64,
    /// When the next part's could.
    pub(super) free_at: u64,
    /// Why not all of it was sent.
    pub(super) result: Result<(), Stop>,
}

impl<S: Sink, C: Clock> LaneSender<S, C> {
    /// A lane on which nothing has been sent.
    pub(super) fn new(sink: S, clock: C, rate: Rate, framing: Framing, first_packet: u32) -> Self {
        let pacer = Pacer::new(rate, clock.now());
        Self {
            sink,
            clock,
            pacer,
            framing,
            lane: Lane::new(first_packet),
            heartbeats: never(),
            beat_failed: false,
        }
    }

    /// Sends heartbeats with these bodies as they come.
    pub(super) fn with_heartbeats(mut self, heartbeats: Receiver<Vec<u8>>) -> Self {
        self.heartbeats = heartbeats;
        self
    }

    /// Where its heartbeats come from.
    pub(super) fn heartbeats(&self) -> Receiver<Vec<u8>> {
        self.heartbeats.clone()
    }

    /// Sends a heartbeat when nothing else was to be sent.
    pub(super) fn send_heartbeat(&mut self, body: &[u8]) {
        self.pacer.handle_idle(self.clock.now());
        self.beat(body);
    }

    /// Sends a heartbeat as soon as the pacer lets it, whatever the operator said. One that can't be sent is lost, as any may be.
    fn beat(&mut self, body: &[u8]) {
        let header = self.lane.heartbeat(body);
        while let nanos @ 1.. = self.pacer.wait(self.clock.now()) {
            self.clock.pause(nanos.min(LONGEST_PAUSE_NANOS));
        }
        let bits = self.framing.counted_bits(HEADER_LEN + body.len());
        self.pacer.handle_sent(self.clock.now(), bits);
        let sent = self.sink.send(&[Datagram { header: &header, body }]);
        let failed = sent.is_err();
        if let Err(error) = sent
            && !self.beat_failed
        {
            tracing::warn!(%error, "a heartbeat could not be sent");
        }
        self.beat_failed = failed;
    }

    /// What must be done on the thread that sends, before it does.
    pub(super) fn prepare_thread(&self) {
        // Waits are a few dozen microseconds at high rates; the default slack is longer. Without it they are only less even.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(TIMER_SLACK_NANOS));
    }

    /// Sends a part; `fresh` says that the lane had nothing to send before, so that no time is to be made up for.
    pub(super) fn send_part(&mut self, part: &Part, fresh: bool, watch: &Watch) -> PartSent {
        let mut tally = Tally::default();
        if fresh {
            self.pacer.handle_idle(self.clock.now());
        }
        let began = self.clock.now();
        let result = match part {
            Part::Announces {
                session,
                body,
                count,
                pass,
            } => {
                watch.note_pass(*pass);
                tally.pass = *pass;
                let announces = std::iter::repeat_n(&body[..], *count as usize);
                self.send_all(
                    announces,
                    |lane, body| (lane.announce(*session, body), body),
                    watch,
                    &mut tally,
                )
            }
            Part::Gap { packets, filler_len } => {
                let filler = vec![0; usize::from(*filler_len)];
                let filler = std::iter::repeat_n(&filler[..], *packets as usize);
                self.send_all(filler, |lane, body| (lane.filler(body), body), watch, &mut tally)
            }
            Part::Group(group) => self.send_group(group, watch, &mut tally),
        };
        let now = self.clock.now();
        PartSent {
            tally,
            began,
            free_at: now.saturating_add(self.pacer.wait(now)),
            result,
        }
    }

    fn send_group(&mut self, group: &CodedGroup, watch: &Watch, tally: &mut Tally) -> Result<(), Stop> {
        let session = group.session();
        self.send_all(
            group.symbols(),
            |lane, symbol| (lane.symbol(session, &symbol), symbol.bytes),
            watch,
            tally,
        )
    }

    /// Sends what `number` makes of each of `items`.
    fn send_all<'p, T>(
        &mut self,
        items: impl Iterator<Item = T>,
        mut number: impl FnMut(&mut Lane, T) -> ([u8; HEADER_LEN], &'p [u8]),
        watch: &Watch,
        tally: &mut Tally,
    ) -> Result<(), Stop> {
        let mut batch = Batch::new();
        let mut limit = 1;
        for item in items {
            if batch.len == 0
                && let Ok(body) = self.heartbeats.try_recv()
            {
                self.beat(&body);
            }
            let (header, body) = number(&mut self.lane, item);
            if batch.len == 0 {
                limit = self.batch_limit(HEADER_LEN + body.len());
            }
            batch.push(header, body, self.framing);
            if batch.len >= limit {
                self.flush(&mut batch, watch, tally)?;
            }
        }
        if batch.len > 0 {
            self.flush(&mut batch, watch, tally)?;
        }
        Ok(())
    }

    /// Datagrams of `len` bytes that leave at once: what one call sends, and 1 ms of the rate.
    fn batch_limit(&self, len: usize) -> usize {
        let by_rate = self.pacer.batch_len(self.framing.counted_bits(len));
        by_rate.min(self.sink.batch(len)).clamp(1, MAX_BATCH)
    }

    /// Sends the batch as soon as the pacer lets it.
    fn flush(&mut self, batch: &mut Batch<'_>, watch: &Watch, tally: &mut Tally) -> Result<(), Stop> {
        self.wait(watch)?;
        self.pacer.handle_sent(self.clock.now(), batch.counted_bits);
        let mut datagrams = [NO_DATAGRAM; MAX_BATCH];
        let parts = batch.headers.iter().zip(&batch.bodies).take(batch.len);
        for (datagram, (header, body)) in datagrams.iter_mut().zip(parts) {
            *datagram = Datagram { header, body };
        }
        self.sink.send(datagrams.get(..batch.len).unwrap_or_default())?;
        let sent = Tally {
            datagrams: batch.len as u64,
            bytes: batch.bytes,
            wire_bits: batch.wire_bits,
            pass: tally.pass,
        };
        watch.count(&sent);
        tally.add(&sent);
        batch.clear();
        Ok(())
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
}

/// The longest wait before the word to stop is looked at again.
const LONGEST_PAUSE_NANOS: u64 = 50_000_000;
const TIMER_SLACK_NANOS: u64 = 1_000;
/// The shortest sleep: a fifth of what the pacer forgives.
const SHORTEST_SLEEP_NANOS: u64 = 200_000;

/// Datagrams that leave at once at most: what one `UDP_SEGMENT` send takes, and one `sendmmsg`.
const MAX_BATCH: usize = 64;

const NO_DATAGRAM: Datagram<'static> = Datagram { header: &[], body: &[] };

/// Datagrams that leave together: headers made, bodies where they are.
struct Batch<'a> {
    headers: [[u8; HEADER_LEN]; MAX_BATCH],
    bodies: [&'a [u8]; MAX_BATCH],
    len: usize,
    bytes: u64,
    wire_bits: u64,
    /// What it takes of the rate.
    counted_bits: u64,
}

impl<'a> Batch<'a> {
    fn new() -> Self {
        Self {
            headers: [[0; HEADER_LEN]; MAX_BATCH],
            bodies: [&[]; MAX_BATCH],
            len: 0,
            bytes: 0,
            wire_bits: 0,
            counted_bits: 0,
        }
    }

    fn push(&mut self, header: [u8; HEADER_LEN], body: &'a [u8], framing: Framing) {
        if let (Some(place), Some(body_place)) = (self.headers.get_mut(self.len), self.bodies.get_mut(self.len)) {
            (*place, *body_place) = (header, body);
            let len = HEADER_LEN + body.len();
            self.len += 1;
            self.bytes += len as u64;
            self.wire_bits += framing.wire_bits(len);
            self.counted_bits += framing.counted_bits(len);
        }
    }

    fn clear(&mut self) {
        (self.len, self.bytes) = (0, 0);
        (self.wire_bits, self.counted_bits) = (0, 0);
    }
}

/// The machine's own clock.
#[derive(Debug, Clone)]
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
        // Always a sleep, never a spin, and a long one: whoever shares the core may be the receiver, and each change of threads costs
        // both. Waking up late by less than a millisecond costs no rate (see `pace`): a few batches leave together then.
        thread::sleep(Duration::from_nanos(sleep_nanos(nanos)));
    }
}

/// How long to sleep when so long a wait is asked for.
fn sleep_nanos(nanos: u64) -> u64 {
    nanos.max(SHORTEST_SLEEP_NANOS)
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
