//! The heartbeat: what the transmitter says of itself, again and again, whatever else it does.
//!
//! ```text
//! Dispatch ──Standing──▶ Board ──▶ thread: every interval, signed ──▶ first lane, between two batches ══▶
//!                                    ▲ counters, set aside ── another thread: Beats, on disk
//! ```
//!
//! Always true:
//! - the counter grows from one heartbeat to the next, also from one process to the next, whatever the clock does: each is one more than
//!   the last, or the time when some were set aside;
//! - heartbeats take 2 % of the link at most, but for a few at the very end: the interval is longer where a second would be too short;
//! - a thread of its own beats, so that no sync that takes long holds it up, and no full disk before [`SET_ASIDE`] heartbeats;
//! - what is told of the numbers is what stands on the [`Board`].

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;
use protocol::transmission::{TransmissionError, link_parameters};
use protocol::wire::{HEADER_LEN, Heartbeat, InFlight, LinkParameters, MAX_HEARTBEAT_BODY_LEN, MIN_HEARTBEAT_BODY_LEN};

use super::beats::{Beats, SET_ASIDE};
use super::clock;
use super::config::Config;
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
    /// What the next heartbeats may count, which is durable.
    counters: Range<u64>,
    /// Whether more were asked for, and nobody has answered.
    asked: bool,
    sent: u64,
}

impl Heart {
    /// The heart of a transmitter in `epoch`, on the link of `config`.
    ///
    /// # Errors
    /// [`TransmissionError`] if the link's settings leave no full block to be sent.
    pub(super) fn new(config: &Config, key: &Arc<SigningKey>, epoch: u64) -> Result<Self, TransmissionError> {
        let link = &config.link;
        let leaf_len = leaf_len_for(link.symbol_len);
        let parameters = link_parameters(leaf_len, link.symbol_len, &link.redundancy, link.passes, link.lanes)?;
        let frame_bits = config.framing().counted_bits(HEADER_LEN + body_len(link.symbol_len));
        let interval_ms = Heartbeat::interval_ms(frame_bits, config.rate.bits_per_second());
        Ok(Self::of(key, epoch, parameters, interval_ms))
    }

    /// The heart of a transmitter in `epoch`, on a link of these parameters; it beats once it has counters.
    pub(super) fn of(key: &Arc<SigningKey>, epoch: u64, parameters: LinkParameters, interval_ms: u32) -> Self {
        Self {
            key: Arc::clone(key),
            epoch,
            parameters,
            interval_ms,
            body_len: body_len(parameters.symbol_len),
            counters: 0..0,
            asked: false,
            sent: 0,
        }
    }

    /// Takes the counters that were set aside, and asks for more in time.
    fn refill(&mut self, reserve: &Reserve) {
        for answer in reserve.answers.try_iter() {
            self.take(answer);
        }
        let left = self.counters.end.saturating_sub(self.counters.start);
        if !self.asked && left <= SET_ASIDE - RENEW_AFTER {
            self.asked = reserve.asks.try_send(now()).is_ok();
        }
    }

    /// Takes an answer: what was set aside, if it could be.
    pub(super) fn take(&mut self, answer: Option<Range<u64>>) {
        self.asked = false;
        self.counters = answer.unwrap_or(self.counters.clone());
    }

    /// Whether there is no counter left for a heartbeat.
    pub(super) fn is_out_of_counters(&self) -> bool {
        self.counters.is_empty()
    }

    /// The body of the next heartbeat; `None` if no counter is left, or if it would break a rule, which a receiver would refuse.
    pub(super) fn beat(&mut self, board: &Board) -> Option<Vec<u8>> {
        let counter = self.counters.next()?;
        let tells_of_log = self.sent.is_multiple_of(CHECKPOINT_EVERY);
        self.sent += 1;
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
            counter,
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

/// Where a heart gets its counters.
#[derive(Debug)]
struct Reserve {
    asks: Sender<UnixMillis>,
    answers: Receiver<Option<Range<u64>>>,
}

/// The threads that beat, and that set counters aside.
#[derive(Debug)]
pub(super) struct Pulse {
    stop: Sender<()>,
    beating: JoinHandle<Heart>,
    reserving: JoinHandle<Beats>,
}

impl Pulse {
    /// Beats at once and from then on, as soon as counters are set aside; heartbeats go to `lane`, which takes one at a time.
    ///
    /// # Errors
    /// The system's, if it has no more threads.
    pub(super) fn start(
        mut heart: Heart,
        mut beats: Beats,
        board: &Arc<Board>,
        lane: Sender<Vec<u8>>,
    ) -> io::Result<Self> {
        let (stop, stopped) = bounded::<()>(0);
        let (asks, asked) = bounded(1);
        let (answer, answers) = bounded(1);
        // Here, so that the first heartbeat need not wait an interval for them.
        heart.take(set_aside(&mut beats, now(), &mut false));
        let reserve = Reserve { asks, answers };
        let reserving = thread::Builder::new()
            .name("heartbeat-counters".to_owned())
            .spawn(move || {
                reserve_until_nobody_asks(&mut beats, &asked, &answer);
                beats
            })?;
        let board = Arc::clone(board);
        let beating = thread::Builder::new().name("heartbeat".to_owned()).spawn(move || {
            beat_until(&stopped, &mut heart, &reserve, &board, &lane);
            say_goodbye(&mut heart, &board, &lane);
            // What is being set aside for it is the last, of which all is given back.
            drop(reserve.asks);
            reserve.answers.iter().for_each(|answer| heart.take(answer));
            heart
        })?;
        Ok(Self {
            stop,
            beating,
            reserving,
        })
    }

    /// Beats a few times more, so that a receiver hears of the last bundle though some are lost, and ends.
    pub(super) fn finish(self) {
        drop(self.stop);
        if let (Ok(heart), Ok(mut beats)) = (self.beating.join(), self.reserving.join())
            && let Err(error) = beats.give_back(heart.counters.start)
        {
            tracing::debug!(%error, "counters that no heartbeat used could not be given back: they are passed over");
        }
    }
}

fn reserve_until_nobody_asks(beats: &mut Beats, asked: &Receiver<UnixMillis>, answer: &Sender<Option<Range<u64>>>) {
    let mut is_told = false;
    for now in asked {
        if answer.send(set_aside(beats, now, &mut is_told)).is_err() {
            return;
        }
    }
}

/// Sets counters aside; a failure is told once, until it is over.
fn set_aside(beats: &mut Beats, now: UnixMillis, is_told: &mut bool) -> Option<Range<u64>> {
    let range = beats.set_aside(now);
    if let Err(error) = &range
        && !*is_told
    {
        tracing::error!(%error, "no counters can be set aside for heartbeats: without them the link falls silent; it is tried again");
    }
    *is_told = range.is_err();
    range.ok()
}

fn beat_until(stopped: &Receiver<()>, heart: &mut Heart, reserve: &Reserve, board: &Board, lane: &Sender<Vec<u8>>) {
    loop {
        heart.refill(reserve);
        if let Some(body) = heart.beat(board) {
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
        if let Some(body) = heart.beat(board) {
            // A link that is stuck is not waited for.
            let _ = lane.send_timeout(body, LAST_PATIENCE);
        }
        if left > 0 {
            thread::sleep(LAST_GAP);
        }
    }
}

/// Bytes of a body at most, on a link of symbols of so many.
fn body_len(symbol_len: u16) -> usize {
    usize::from(symbol_len).clamp(MIN_HEARTBEAT_BODY_LEN, MAX_HEARTBEAT_BODY_LEN)
}

/// The time for counters alone: without a clock, those after the last are as good.
fn now() -> UnixMillis {
    clock().unwrap_or(UnixMillis(0))
}

/// So many heartbeats go on with the counters that were set aside before others are asked for: some minutes.
const RENEW_AFTER: u64 = 1024;
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

    /// A heart of epoch 77, with counters from 500 on.
    fn heart_on(config: &Config) -> Heart {
        let mut heart = Heart::new(config, &Arc::new(link_key()), 77).unwrap();
        heart.take(Some(500..500 + SET_ASIDE));
        heart
    }

    fn heart() -> Heart {
        heart_on(&config(2))
    }

    fn beats(storage: &MemoryStorage) -> Beats {
        Beats::read(Arc::new(storage.clone()), 77, UnixMillis(100)).unwrap()
    }

    /// The counters of so many heartbeats of a process that sets its first counters aside at this time, and is killed.
    fn counters_from(storage: &MemoryStorage, now: u64, count: usize) -> Vec<u64> {
        let (mut heart, board) = (heart(), Board::new(standing()));
        heart.take(beats(storage).set_aside(UnixMillis(now)).ok());
        (0..count)
            .map(|_| opened(&heart.beat(&board).unwrap()).counter)
            .collect()
    }

    #[test]
    fn a_heartbeat_says_what_is_on_the_board() {
        let (mut heart, board) = (heart(), Board::new(standing()));
        let beat = opened(&heart.beat(&board).unwrap());
        assert_eq!((beat.epoch, beat.counter, beat.next, beat.sent_below), (77, 500, 9, 5));
        assert_eq!((beat.in_flight[0].sequence, beat.in_flight[0].pass), (7, 2));
        assert_eq!((beat.voids, beat.checkpoint.unwrap().size), (standing().voids, 30));
        assert_eq!(beat.interval_ms, 1000);
    }

    #[test]
    fn counters_grow_over_a_kill_also_when_the_clock_was_put_back() {
        let storage = MemoryStorage::new();
        let before = counters_from(&storage, 1_000_000, 3);
        assert_eq!(before, [1_000_000, 1_000_001, 1_000_002]);
        let after = counters_from(&storage, 0, 2);
        assert!(after[0] > before[2] && after[1] > after[0], "{after:?}");
        assert_eq!(
            counters_from(&storage, 2_000_000, 1),
            [2_000_000],
            "a clock that is right goes on"
        );
    }

    #[test]
    fn without_counters_there_is_no_heartbeat_until_some_are_set_aside() {
        let (mut heart, board) = (heart(), Board::new(standing()));
        heart.take(Some(7..8));
        assert!(heart.beat(&board).is_some() && heart.beat(&board).is_none());
        heart.take(None);
        assert!(heart.beat(&board).is_none());
        heart.take(Some(9..10));
        assert_eq!(opened(&heart.beat(&board).unwrap()).counter, 9);
    }

    #[test]
    fn counters_are_asked_for_once_and_long_before_they_run_out() {
        let ((asks, asked), (answer, answers)) = (bounded(1), bounded(1));
        let (mut heart, board, reserve) = (heart(), Board::new(standing()), Reserve { asks, answers });
        for _ in 0..RENEW_AFTER {
            heart.refill(&reserve);
            assert!(asked.is_empty());
            heart.beat(&board).unwrap();
        }
        heart.refill(&reserve);
        assert_eq!(asked.try_iter().count(), 1);
        heart.refill(&reserve);
        assert!(asked.is_empty(), "nobody has answered yet");
        answer.send(None).unwrap();
        heart.refill(&reserve);
        assert_eq!(asked.try_iter().count(), 1, "it is tried again");
        answer.send(Some(90_000..90_000 + SET_ASIDE)).unwrap();
        heart.refill(&reserve);
        assert_eq!(opened(&heart.beat(&board).unwrap()).counter, 90_000);
    }

    #[test]
    fn every_sixtieth_heartbeat_tells_of_the_log() {
        let (mut heart, board) = (heart(), Board::new(standing()));
        let tells = |_: &usize| opened(&heart.beat(&board).unwrap()).checkpoint.is_some();
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
        let (storage, (lane, told)) = (MemoryStorage::new(), bounded(100));
        let board = Arc::new(Board::new(standing()));
        let pulse = Pulse::start(heart(), beats(&storage), &board, lane).unwrap();
        let first = told.recv().unwrap();
        pulse.finish();
        let counters: Vec<_> = std::iter::once(first)
            .chain(told)
            .map(|body| opened(&body).counter)
            .collect();
        assert!(counters.len() > LAST_BEATS as usize, "{counters:?}");
        assert!(counters.is_sorted_by(|one, next| one < next), "{counters:?}");
        let next = beats(&storage).set_aside(UnixMillis(0)).unwrap().start;
        assert_eq!(next, counters.last().unwrap() + 1, "what was not used is given back");
    }
}
