//! The heartbeat: what the transmitter says of itself, again and again, whatever else it does.
//!
//! ```text
//! Dispatch ──Standing──▶ Board ──▶ thread: every interval, signed ──▶ first lane, between two batches ══▶
//! ```
//!
//! Always true:
//! - the counter grows from one heartbeat to the next, also from one process to the next: it is the time, or one more than the last;
//! - heartbeats take 2 % of the link at most, but for a few at the very end: the interval is longer where a second would be too short;
//! - a thread of its own beats, so that no sync that takes long and no full disk holds it up;
//! - what is told of the numbers is what stands on the [`Board`].

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;
use protocol::transmission::{TransmissionError, link_parameters};
use protocol::wire::{HEADER_LEN, Heartbeat, InFlight, LinkParameters, MAX_HEARTBEAT_BODY_LEN, MIN_HEARTBEAT_BODY_LEN};

use super::clock;
use super::config::Config;
use super::ledger::Ledger;
use super::planning::leaf_len_for;
use super::standing::{Board, Standing};

/// What makes heartbeats.
#[derive(Debug)]
pub(super) struct Heart {
    key: Arc<SigningKey>,
    epoch: u64,
    parameters: LinkParameters,
    interval_ms: u32,
    /// Bytes of a body at most: a heartbeat is no longer than a symbol's packet.
    body_len: usize,
    /// What the last heartbeat counted.
    counter: u64,
    beats: u64,
}

impl Heart {
    /// The heart of the transmitter whose numbers are in `ledger`, on the link of `config`.
    ///
    /// # Errors
    /// [`TransmissionError`] if the link's settings leave no full block to be sent.
    pub(super) fn new(config: &Config, key: &Arc<SigningKey>, ledger: &Ledger) -> Result<Self, TransmissionError> {
        let link = &config.link;
        let leaf_len = leaf_len_for(link.symbol_len);
        let parameters = link_parameters(leaf_len, link.symbol_len, &link.redundancy, link.passes, link.lanes)?;
        let symbol_len = usize::from(config.link.symbol_len);
        let body_len = symbol_len.clamp(MIN_HEARTBEAT_BODY_LEN, MAX_HEARTBEAT_BODY_LEN);
        let frame_bits = config.framing().counted_bits(HEADER_LEN + body_len);
        Ok(Self {
            key: Arc::clone(key),
            epoch: ledger.epoch(),
            parameters,
            interval_ms: Heartbeat::interval_ms(frame_bits, config.rate.bits_per_second()),
            body_len,
            // The clock may have been put back since.
            counter: ledger.newest_time().0,
            beats: 0,
        })
    }

    /// The body of the next heartbeat; `None` if it would break a rule, which a receiver would refuse.
    fn beat(&mut self, board: &Board, now: UnixMillis) -> Option<Vec<u8>> {
        self.counter = self.counter.saturating_add(1).max(now.0);
        let tells_of_log = self.beats.is_multiple_of(CHECKPOINT_EVERY);
        self.beats += 1;
        let Standing {
            next,
            sent_below,
            under_way,
            voids,
            checkpoint,
        } = board.standing();
        let in_flight = under_way.iter().map(|sending| InFlight {
            sequence: sending.sequence,
            bundle: sending.bundle,
            pass: sending.pass.load(Ordering::Relaxed).max(1),
        });
        let mut heartbeat = Heartbeat {
            epoch: self.epoch,
            counter: self.counter,
            interval_ms: self.interval_ms,
            next,
            sent_below,
            parameters: self.parameters,
            in_flight: in_flight.collect(),
            voids,
            checkpoint: tells_of_log.then_some(checkpoint),
        };
        heartbeat.fit(self.body_len);
        heartbeat
            .sign(&self.key)
            .inspect_err(|error| tracing::error!(%error, "no heartbeat could be made: a fault of this program"))
            .ok()
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms.into())
    }
}

/// The thread that beats.
#[derive(Debug)]
pub(super) struct Pulse {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Pulse {
    /// Beats at once and from then on; heartbeats go to `lane`, which takes one at a time.
    ///
    /// # Errors
    /// The system's, if it has no more threads.
    pub(super) fn start(mut heart: Heart, board: &Arc<Board>, lane: Sender<Vec<u8>>) -> std::io::Result<Self> {
        let (stop, stopped) = bounded::<()>(0);
        let board = Arc::clone(board);
        let thread = thread::Builder::new().name("heartbeat".to_owned()).spawn(move || {
            beat_until(&stopped, &mut heart, &board, &lane);
            say_goodbye(&mut heart, &board, &lane);
        })?;
        Ok(Self { stop, thread })
    }

    /// Beats a few times more, so that a receiver hears of the last bundle though some are lost, and ends.
    pub(super) fn finish(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

fn beat_until(stopped: &Receiver<()>, heart: &mut Heart, board: &Board, lane: &Sender<Vec<u8>>) {
    loop {
        if let Some(body) = heart.beat(board, now()) {
            // If the lane has not sent the last one yet, the next is as good.
            let _ = lane.try_send(body);
        }
        match stopped.recv_timeout(heart.interval()) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn say_goodbye(heart: &mut Heart, board: &Board, lane: &Sender<Vec<u8>>) {
    for left in (0..LAST_BEATS).rev() {
        if let Some(body) = heart.beat(board, now()) {
            // A link that is stuck is not waited for.
            let _ = lane.send_timeout(body, LAST_PATIENCE);
        }
        if left > 0 {
            thread::sleep(LAST_GAP);
        }
    }
}

/// The time for the counter alone: without a clock, one more than the last is as good.
fn now() -> UnixMillis {
    clock().unwrap_or(UnixMillis(0))
}

/// Every so many heartbeats one tells of the log.
const CHECKPOINT_EVERY: u64 = 60;
/// Heartbeats after the last bundle: a receiver reports what is lost when it has heard two.
const LAST_BEATS: u32 = 4;
/// From one of the last to the next: longer than a burst of losses on a link that is not slow.
const LAST_GAP: Duration = Duration::from_millis(100);
const LAST_PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU16;

    use audit::storage::MemoryStorage;
    use hw::units::Rate;
    use protocol::digest::{BundleId, Digest};
    use protocol::sequences::SequenceRange;
    use protocol::wire::{LogCheckpoint, SignedHeartbeat};

    use super::*;
    use crate::transmitter::standing::Sending;
    use crate::transmitter::trial::{config, link_key};

    fn standing() -> Standing {
        Standing {
            next: 9,
            sent_below: 5,
            under_way: vec![Sending {
                sequence: 7,
                bundle: BundleId(Digest([7; 32])),
                pass: Arc::new(AtomicU16::new(2)),
            }],
            voids: SequenceRange::new(3, 4).into_iter().collect(),
            checkpoint: LogCheckpoint {
                size: 30,
                root: Digest([1; 32]),
            },
        }
    }

    fn opened(body: &[u8]) -> Heartbeat {
        SignedHeartbeat::open(body, &[link_key().public()])
            .unwrap()
            .heartbeat()
            .clone()
    }

    /// A heart of epoch 77, whose log is of the time 100.
    fn heart_on(config: &Config) -> Heart {
        let key = SigningKey::from_seed([6; 32]);
        let ledger = Ledger::create(Arc::new(MemoryStorage::new()), key, 77, UnixMillis(100)).unwrap();
        Heart::new(config, &Arc::new(link_key()), &ledger).unwrap()
    }

    fn heart() -> Heart {
        heart_on(&config(2))
    }

    #[test]
    fn a_heartbeat_says_what_is_on_the_board() {
        let (mut heart, board) = (heart(), Board::new(standing()));
        let beat = opened(&heart.beat(&board, UnixMillis(500)).unwrap());
        assert_eq!((beat.epoch, beat.counter, beat.next, beat.sent_below), (77, 500, 9, 5));
        assert_eq!((beat.in_flight[0].sequence, beat.in_flight[0].pass), (7, 2));
        assert_eq!((beat.voids, beat.checkpoint.unwrap().size), (standing().voids, 30));
        assert_eq!(beat.interval_ms, 1000);
    }

    #[test]
    fn counters_grow_also_when_the_clock_stands_or_goes_back() {
        let (mut heart, board) = (heart(), Board::new(standing()));
        let counters =
            [0, 99, 1000, 1000, 300].map(|now| opened(&heart.beat(&board, UnixMillis(now)).unwrap()).counter);
        assert_eq!(counters, [101, 102, 1000, 1001, 1002]);
    }

    #[test]
    fn every_sixtieth_heartbeat_tells_of_the_log() {
        let (mut heart, board) = (heart(), Board::new(standing()));
        let tells = |_: &usize| opened(&heart.beat(&board, UnixMillis(0)).unwrap()).checkpoint.is_some();
        let told: Vec<_> = (0..121).filter(tells).collect();
        assert_eq!(told, [0, 60, 120]);
    }

    #[test]
    fn heartbeats_take_two_percent_of_the_slowest_link_at_most() {
        for rate in [9_600, 64_000, 1_000_000, 1_000_000_000] {
            let mut config = config(2);
            config.rate = Rate::from_bits_per_second(rate).unwrap();
            let heart = heart_on(&config);
            let bits = config.framing().counted_bits(HEADER_LEN + heart.body_len);
            let share = bits as f64 / (config.rate.bits_per_second() as f64 * heart.interval().as_secs_f64());
            assert!(share <= 0.02, "{rate}: {share}");
        }
    }

    #[test]
    fn the_last_heartbeats_follow_the_word_to_end() {
        let (lane, beats) = bounded(100);
        let board = Arc::new(Board::new(standing()));
        let pulse = Pulse::start(heart(), &board, lane).unwrap();
        let first = beats.recv().unwrap();
        pulse.finish();
        let counters: Vec<_> = std::iter::once(first)
            .chain(beats)
            .map(|body| opened(&body).counter)
            .collect();
        assert!(counters.len() > LAST_BEATS as usize, "{counters:?}");
        assert!(counters.is_sorted_by(|one, next| one < next), "{counters:?}");
    }
}
