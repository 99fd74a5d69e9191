//! The socket thread: takes datagrams off the kernel, and never waits for anything else.
//!
//! ```text
//! kernel ──recvmmsg──▶ Batch ──copied close together──▶ Parcel ──▶ reassembly
//!                                                         ▲──────── empty ─┘
//! ```
//!
//! A parcel is sent off when it is full, or as soon as reassembly has nothing else to do. When none is free, reassembly is behind
//! by [`PARCELS`]: what the kernel has is read all the same and counted as lost to the queue, so that the place of a loss is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use hw::HwError;
use hw::udp::{Batch, MAX_BATCH, UdpSource};
use protocol::limits::MAX_DATAGRAM_LEN;

/// Parcels there are: 32 MiB, half a second of a link at 500 Mbit/s.
const PARCELS: usize = 256;
/// Bytes in a parcel.
const PARCEL_LEN: usize = 128 << 10;
/// How long a quiet socket keeps the thread from noticing that it should stop.
const WAKE: Duration = Duration::from_millis(100);
/// How long datagrams wait for others to share their parcel, while reassembly is busy.
const LINGER: Duration = Duration::from_millis(1);

/// Datagrams, one behind the other.
#[derive(Debug)]
pub(super) struct Parcel {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Parcel {
    fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(PARCEL_LEN),
            ends: Vec::new(),
        }
    }

    /// Whether there is room for a datagram of any length of ours.
    fn has_room(&self) -> bool {
        self.bytes.len() + MAX_DATAGRAM_LEN <= PARCEL_LEN
    }

    fn push(&mut self, datagram: &[u8]) {
        self.bytes.extend_from_slice(datagram);
        self.ends.push(self.bytes.len());
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// The datagrams, in the order in which they came.
    pub(super) fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .filter_map(|(start, end)| self.bytes.get(start..*end))
    }
}

/// The queue between the socket and reassembly, as reassembly sees it.
#[derive(Debug)]
pub(super) struct Inlet {
    pub(super) filled: Receiver<Parcel>,
    free: Sender<Parcel>,
}

impl Inlet {
    /// Gives back a parcel whose datagrams were taken.
    pub(super) fn give_back(&self, mut parcel: Parcel) {
        parcel.clear();
        // The channel has a place for every parcel there is.
        let _ = self.free.try_send(parcel);
    }
}

/// The same queue as the socket thread sees it.
#[derive(Debug)]
pub(super) struct Outlet {
    filled: Sender<Parcel>,
    free: Receiver<Parcel>,
    /// The parcel that is being filled.
    open: Option<Parcel>,
}

/// What the socket thread counts, for others to read.
#[derive(Debug, Default)]
pub(super) struct SocketCounters {
    /// Datagrams that reassembly was too slow for.
    pub(super) lost_to_queue: AtomicU64,
    /// What the kernel says it dropped because the socket's buffer was full.
    pub(super) overflowed: AtomicU64,
    /// Datagrams longer than any of ours.
    pub(super) truncated: AtomicU64,
}

/// A queue with its parcels, all free; they take memory as they are first filled.
pub(super) fn queue() -> (Outlet, Inlet) {
    let (filled_in, filled_out) = bounded(PARCELS);
    let (free_in, free_out) = bounded(PARCELS);
    for _ in 0..PARCELS {
        // There is room: the channel was made for as many.
        let _ = free_in.try_send(Parcel::new());
    }
    (
        Outlet {
            filled: filled_in,
            free: free_out,
            open: None,
        },
        Inlet {
            filled: filled_out,
            free: free_in,
        },
    )
}

/// Reassembly is gone.
struct Gone;

impl Outlet {
    /// Queues a datagram; says whether there was room.
    fn push(&mut self, datagram: &[u8]) -> Result<bool, Gone> {
        if self.open.as_ref().is_some_and(|parcel| !parcel.has_room()) {
            self.send_off()?;
        }
        if self.open.is_none() {
            self.open = self.free.try_recv().ok();
        }
        match &mut self.open {
            None => Ok(false),
            Some(parcel) => {
                parcel.push(datagram);
                Ok(true)
            }
        }
    }

    /// Sends off what there is, unless reassembly has enough to do.
    fn flush(&mut self) -> Result<(), Gone> {
        if self.filled.is_empty() {
            self.send_off()
        } else {
            Ok(())
        }
    }

    fn send_off(&mut self) -> Result<(), Gone> {
        match self.open.take() {
            // As many places as parcels: this never waits, and fails only when reassembly is gone.
            Some(parcel) => self.filled.send(parcel).map_err(|_| Gone),
            None => Ok(()),
        }
    }
}

/// Receives until `stop` is set or reassembly is gone.
///
/// # Errors
/// What the socket says, when it is beyond use.
pub(super) fn receive(
    mut source: UdpSource,
    mut outlet: Outlet,
    counters: &Arc<SocketCounters>,
    stop: &Arc<AtomicBool>,
) -> Result<(), HwError> {
    let mut batch = Batch::new(MAX_BATCH, MAX_DATAGRAM_LEN);
    while !stop.load(Ordering::Relaxed) {
        let patience = if outlet.open.is_some() { LINGER } else { WAKE };
        let received = match source.recv_batch(&mut batch, patience) {
            Ok(received) => received,
            Err(error) if error.is_transient() => 0,
            Err(error) => return Err(error),
        };
        counters
            .overflowed
            .store(source.counters().overflowed, Ordering::Relaxed);
        counters.truncated.store(source.counters().truncated, Ordering::Relaxed);
        if received > 0 {
            for datagram in batch.iter() {
                match outlet.push(datagram) {
                    Ok(true) => {}
                    Ok(false) => _ = counters.lost_to_queue.fetch_add(1, Ordering::Relaxed),
                    Err(Gone) => return Ok(()),
                }
            }
        }
        if outlet.flush().is_err() {
            return Ok(());
        }
    }
    // What was received before the stop still counts.
    let _ = outlet.send_off();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(inlet: &Inlet) -> Vec<Vec<u8>> {
        inlet
            .filled
            .try_iter()
            .flat_map(|parcel| parcel.datagrams().map(<[u8]>::to_vec).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn datagrams_come_out_as_they_went_in() {
        let (mut outlet, inlet) = queue();
        for datagram in [&b"one"[..], b"", b"three"] {
            assert!(matches!(outlet.push(datagram), Ok(true)));
        }
        assert!(outlet.flush().is_ok());
        assert_eq!(all(&inlet), [&b"one"[..], b"", b"three"]);
    }

    #[test]
    fn while_reassembly_is_busy_datagrams_share_a_parcel() {
        let (mut outlet, inlet) = queue();
        for i in 0..50u8 {
            assert!(outlet.push(&[i]).is_ok() && outlet.flush().is_ok());
        }
        assert_eq!(inlet.filled.len(), 1, "the first went alone, the others wait together");
        assert!(outlet.send_off().is_ok());
        assert_eq!(all(&inlet).len(), 50);
    }

    #[test]
    fn a_full_queue_refuses_and_does_not_wait() {
        let (mut outlet, inlet) = queue();
        let datagram = vec![7; MAX_DATAGRAM_LEN];
        let mut stored = 0;
        while matches!(outlet.push(&datagram), Ok(true)) {
            stored += 1;
        }
        assert_eq!(stored, PARCELS * (PARCEL_LEN / MAX_DATAGRAM_LEN));
        let Ok(parcel) = inlet.filled.recv() else {
            panic!("parcels are queued")
        };
        inlet.give_back(parcel);
        assert!(
            matches!(outlet.push(&datagram), Ok(true)),
            "a parcel given back makes room"
        );
    }

    #[test]
    fn a_queue_without_its_reader_ends_the_thread() {
        let (mut outlet, inlet) = queue();
        drop(inlet);
        assert!(matches!(outlet.push(&[1]), Ok(true)));
        assert!(outlet.flush().is_err());
    }
}
