//! The socket threads, one a lane: they take datagrams off the kernel as long as there is a place for them.
//!
//! ```text
//! kernel ──recvmmsg, GRO──▶ Batch ──filled, with its lane──▶ reassembly
//!                             ▲──────── empty, the last one first ───┘
//! ```
//!
//! The kernel's copy is the only one: reassembly reads the batch that the kernel wrote. A batch is sent off when it is full, or as soon
//! as reassembly has nothing else to do. When none is free, reassembly is behind by [`BATCHES`], and what comes stays in the socket's
//! buffer, which is larger still; if that overflows soon after, it is the queue's loss and not the socket's.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use hw::HwError;
use hw::udp::{Batch, LostTo, SourceCounters, UdpSource};

use crate::clock::wall_micros;

/// Batches there are for all lanes: 32 MiB, a third of a second of a link at 800 Mbit/s.
const BATCHES: usize = 32;
/// Bytes in a batch.
const BATCH_LEN: usize = 1 << 20;
/// How long a quiet socket keeps the thread from noticing that it should stop.
const WAKE: Duration = Duration::from_millis(100);
/// How long datagrams wait for others to share their batch, while reassembly is busy.
const LINGER: Duration = Duration::from_millis(1);

/// How long the thread waits for a batch to become free before it looks again.
const BEHIND: Duration = Duration::from_millis(1);
/// How long after that an overflow of the socket's buffer is put down to it: what is in the buffer comes before the gap.
const BLAMED_FOR: Duration = Duration::from_secs(2);

/// Where datagrams come from. Whoever measures or tries a receiver puts a simulated link between it and the socket.
pub trait Source: Send + 'static {
    /// Receives into `batch`, behind what it holds, or waits up to `timeout` for the first; returns how many were added.
    ///
    /// # Errors
    /// [`HwError`] as the system reports.
    fn recv_batch(&mut self, batch: &mut Batch, timeout: Duration) -> Result<usize, HwError>;
    /// What came through so far.
    fn counters(&self) -> SourceCounters;
}

impl Source for UdpSource {
    fn recv_batch(&mut self, batch: &mut Batch, timeout: Duration) -> Result<usize, HwError> {
        Self::recv_batch(self, batch, timeout)
    }

    fn counters(&self) -> SourceCounters {
        Self::counters(self)
    }
}

/// Datagrams of one lane.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) lane: usize,
    pub(super) batch: Batch,
}

/// Batches at rest. The last one given back goes out first: it is still in the cache.
#[derive(Debug, Default)]
struct Free(Mutex<Vec<Batch>>);

impl Free {
    fn take(&self) -> Option<Batch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give(&self, batch: Batch) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
    }
}

/// The queue between the sockets and reassembly, as reassembly sees it.
#[derive(Debug)]
pub(super) struct Inlet {
    pub(super) filled: Receiver<Parcel>,
    free: Arc<Free>,
}

impl Inlet {
    /// Gives back a batch whose datagrams were taken.
    pub(super) fn give_back(&self, mut batch: Batch) {
        batch.clear();
        self.free.give(batch);
    }
}

/// The same queue as a socket thread sees it.
#[derive(Debug)]
pub(super) struct Outlet {
    lane: usize,
    filled: Sender<Parcel>,
    free: Arc<Free>,
    /// The batch that is being filled.
    open: Option<Batch>,
    /// When no batch was free for the last time.
    behind: Option<Instant>,
}

/// What a socket thread counts, for others to read.
#[derive(Debug, Default)]
pub(super) struct SocketCounters {
    /// When the first datagram came, in microseconds since 1970; 0 before.
    pub(super) first_us: AtomicU64,
    /// Datagrams that came.
    pub(super) datagrams: AtomicU64,
    /// How often no batch was free for a millisecond, since reassembly was behind.
    pub(super) behind: AtomicU64,
    /// How often the kernel says it dropped something because the socket's buffer was full: buffers, not datagrams.
    pub(super) overflowed: AtomicU64,
    /// Datagrams longer than any of ours.
    pub(super) truncated: AtomicU64,
    /// Datagrams from another address than the one that is required.
    pub(super) strangers: AtomicU64,
}

/// A queue with its batches, all free, for so many lanes; they take memory as they are first filled.
pub(super) fn queue(lanes: usize) -> (Vec<Outlet>, Inlet) {
    let (filled_in, filled_out) = bounded(BATCHES);
    let batches = (0..BATCHES).map(|_| Batch::new(BATCH_LEN)).collect();
    let free = Arc::new(Free(Mutex::new(batches)));
    let outlet = |lane| Outlet {
        lane,
        filled: filled_in.clone(),
        free: Arc::clone(&free),
        open: None,
        behind: None,
    };
    let outlets = (0..lanes).map(outlet).collect();
    (
        outlets,
        Inlet {
            filled: filled_out,
            free,
        },
    )
}

/// Reassembly is gone.
struct Gone;

impl Outlet {
    /// A batch with room to receive into, if one is free.
    fn room(&mut self) -> Result<Option<&mut Batch>, Gone> {
        if self.open.as_ref().is_some_and(|batch| !batch.has_room()) {
            self.send_off()?;
        }
        if self.open.is_none() {
            self.open = self.free.take();
        }
        match &mut self.open {
            None => self.behind = Some(Instant::now()),
            Some(batch) if self.behind.is_some_and(|at| at.elapsed() < BLAMED_FOR) => {
                batch.mark_next(LostTo::Discard);
            }
            Some(_) => {}
        }
        Ok(self.open.as_mut())
    }

    /// Sends off what there is, unless reassembly has enough to do.
    fn flush(&mut self) -> Result<(), Gone> {
        if self.filled.is_empty() && self.open.as_ref().is_some_and(|batch| !batch.is_empty()) {
            self.send_off()
        } else {
            Ok(())
        }
    }

    fn send_off(&mut self) -> Result<(), Gone> {
        match self.open.take() {
            // As many places as batches: this never waits, and fails only when reassembly is gone.
            Some(batch) => (self.filled).send(Parcel { lane: self.lane, batch }).map_err(|_| Gone),
            None => Ok(()),
        }
    }
}

/// Receives until `stop` is set or reassembly is gone.
///
/// # Errors
/// What the socket says, when it is beyond use.
pub(super) fn receive(
    mut source: impl Source,
    mut outlet: Outlet,
    counters: &SocketCounters,
    stop: &AtomicBool,
) -> Result<(), HwError> {
    while !stop.load(Ordering::Relaxed) {
        let waiting = outlet.open.as_ref().is_some_and(|batch| !batch.is_empty());
        let patience = if waiting { LINGER } else { WAKE };
        let Ok(room) = outlet.room() else { return Ok(()) };
        let Some(batch) = room else {
            counters.behind.fetch_add(1, Ordering::Relaxed);
            thread::sleep(BEHIND);
            continue;
        };
        match source.recv_batch(batch, patience) {
            Ok(_) => {}
            Err(error) if error.is_transient() => {}
            Err(error) => return Err(error),
        }
        count(&source.counters(), counters);
        if outlet.flush().is_err() {
            return Ok(());
        }
    }
    // What was received before the stop still counts.
    let _ = outlet.send_off();
    Ok(())
}

fn count(source: &SourceCounters, counters: &SocketCounters) {
    if source.datagrams > 0 && counters.first_us.load(Ordering::Relaxed) == 0 {
        counters.first_us.store(wall_micros(), Ordering::Relaxed);
    }
    counters.datagrams.store(source.datagrams, Ordering::Relaxed);
    counters.overflowed.store(source.overflowed, Ordering::Relaxed);
    counters.truncated.store(source.truncated, Ordering::Relaxed);
    counters.strangers.store(source.strangers, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    use hw::udp::{Offload, SourceConfig};

    use super::*;

    const LOCAL: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);
    const LONG: Duration = Duration::from_secs(10);

    fn source() -> UdpSource {
        UdpSource::bind(&SourceConfig {
            listen: LOCAL.into(),
            receive_buffer_bytes: 1 << 20,
            interface: None,
            from: None,
            offload: Offload::Auto,
        })
        .unwrap()
    }

    /// Sends datagrams to `source` and receives them into what `outlet` has room in.
    fn pass(source: &mut UdpSource, outlet: &mut Outlet, datagrams: &[&[u8]]) {
        let sender = UdpSocket::bind(LOCAL).unwrap();
        for datagram in datagrams {
            sender.send_to(datagram, source.local_addr()).unwrap();
            let Ok(Some(room)) = outlet.room() else {
                panic!("a batch is free")
            };
            assert_eq!(source.recv_batch(room, LONG).unwrap(), 1);
        }
    }

    fn all(parcel: &Parcel) -> Vec<Vec<u8>> {
        parcel
            .batch
            .datagrams()
            .map(|received| received.bytes.to_vec())
            .collect()
    }

    #[test]
    fn datagrams_come_out_as_they_went_in_with_their_lane() {
        let (mut outlets, inlet) = queue(2);
        pass(&mut source(), &mut outlets[1], &[b"one", b"", b"three"]);
        assert!(outlets[1].flush().is_ok());
        let parcel = inlet.filled.try_recv().unwrap();
        assert_eq!(parcel.lane, 1);
        assert_eq!(all(&parcel), [&b"one"[..], b"", b"three"]);
    }

    #[test]
    fn while_reassembly_is_busy_datagrams_share_a_batch() {
        let (mut outlets, inlet) = queue(1);
        let (mut source, outlet) = (source(), &mut outlets[0]);
        for i in 0..50u8 {
            pass(&mut source, outlet, &[&[i]]);
            assert!(outlet.flush().is_ok());
        }
        assert_eq!(inlet.filled.len(), 1, "the first went alone, the others wait together");
        assert!(outlet.send_off().is_ok());
        assert_eq!(
            inlet.filled.try_iter().map(|parcel| all(&parcel).len()).sum::<usize>(),
            50
        );
    }

    #[test]
    fn an_empty_batch_is_not_sent_off() {
        let (mut outlets, inlet) = queue(1);
        assert!(outlets[0].room().is_ok() && outlets[0].flush().is_ok());
        assert!(inlet.filled.is_empty());
    }

    #[test]
    fn while_no_batch_is_free_datagrams_stay_in_the_socket_and_the_next_batch_says_so() {
        let (mut outlets, inlet) = queue(1);
        let (mut source, outlet) = (source(), &mut outlets[0]);
        let taken: Vec<_> = std::iter::from_fn(|| outlet.free.take()).collect();
        assert_eq!(taken.len(), BATCHES);
        assert!(matches!(outlet.room(), Ok(None)));
        assert!(outlet.flush().is_ok() && inlet.filled.is_empty());
        taken.into_iter().for_each(|batch| inlet.give_back(batch));
        pass(&mut source, outlet, &[b"kept", b"and this"]);
        assert!(outlet.flush().is_ok());
        let parcel = inlet.filled.try_recv().unwrap();
        let blamed = parcel.batch.datagrams().all(|received| received.after_discard);
        assert!(blamed, "an overflow now is the queue's");
    }

    #[test]
    fn the_batch_given_back_last_is_filled_next() {
        let (mut outlets, inlet) = queue(1);
        let (mut source, outlet) = (source(), &mut outlets[0]);
        for text in [b"first", b"again"] {
            pass(&mut source, outlet, &[text]);
            assert!(outlet.flush().is_ok());
            let parcel = inlet.filled.try_recv().unwrap();
            let free = inlet.free.0.lock().unwrap().len();
            inlet.give_back(parcel.batch);
            assert_eq!(free, BATCHES - 1, "never a second one while the first is free");
        }
    }

    #[test]
    fn a_queue_without_its_reader_ends_the_thread() {
        let (mut outlets, inlet) = queue(1);
        drop(inlet);
        pass(&mut source(), &mut outlets[0], &[b"x"]);
        assert!(outlets[0].flush().is_err());
    }

    #[test]
    fn a_thread_that_is_told_to_stop_hands_over_what_it_has() {
        let (mut outlets, inlet) = queue(1);
        let mut outlet = outlets.remove(0);
        // Reassembly has something to do, so that nothing is flushed before the stop.
        pass(&mut source(), &mut outlet, &[b"busy"]);
        assert!(outlet.flush().is_ok());
        let mut source = source();
        pass(&mut source, &mut outlet, &[b"last"]);
        let counters = SocketCounters::default();
        receive(source, outlet, &counters, &AtomicBool::new(true)).unwrap();
        assert_eq!(inlet.filled.len(), 2);
    }
}
