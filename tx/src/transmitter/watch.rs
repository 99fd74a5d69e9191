//! What the sending threads tell while they send, and the one thing that they are told: to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};

use super::link::Stop;

/// What goes on, for another thread to show; and the operator's word to stop.
#[derive(Debug, Default)]
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    datagrams: AtomicU64,
    bytes: AtomicU64,
    wire_bits: AtomicU64,
    pass: AtomicU16,
    ahead_datagrams: AtomicU64,
    ahead_bytes: AtomicU64,
}

/// How much has been sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Datagrams that the system took.
    pub(super) datagrams: u64,
    /// Their bytes, headers of ours included.
    pub(super) bytes: u64,
    /// Bits on the wire, all framing included.
    pub(super) wire_bits: u64,
    /// The pass going on, from 1.
    pub(super) pass: u16,
}

impl Tally {
    /// Counts what was sent besides.
    pub(super) fn add(&mut self, more: &Self) {
        let Self {
            datagrams,
            bytes,
            wire_bits,
            pass,
        } = more;
        self.datagrams += datagrams;
        self.bytes += bytes;
        self.wire_bits += wire_bits;
        self.pass = self.pass.max(*pass);
    }
}

impl Watch {
    /// A watch that passes on the word of `stop`.
    pub(super) fn new(stop: Arc<AtomicBool>) -> Self {
        Self {
            stop,
            ..Self::default()
        }
    }

    /// How much was sent so far.
    pub(super) fn tally(&self) -> Tally {
        Tally {
            datagrams: self.datagrams.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            wire_bits: self.wire_bits.load(Ordering::Relaxed),
            pass: self.pass.load(Ordering::Relaxed),
        }
    }

    /// An error if the operator said stop.
    pub(super) fn go_on(&self) -> Result<(), Stop> {
        if self.stop.load(Ordering::Relaxed) {
            Err(Stop::Interrupted)
        } else {
            Ok(())
        }
    }

    /// Counts what is to be sent besides what was known at the start.
    pub(super) fn count_ahead(&self, datagrams: u64, bytes: u64) {
        self.ahead_datagrams.fetch_add(datagrams, Ordering::Relaxed);
        self.ahead_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Datagrams, and their bytes, that are to be sent besides what was known at the start.
    pub(super) fn ahead(&self) -> (u64, u64) {
        let [datagrams, bytes] = [&self.ahead_datagrams, &self.ahead_bytes].map(|count| count.load(Ordering::Relaxed));
        (datagrams, bytes)
    }

    /// Counts a batch that the system took.
    pub(super) fn count(&self, sent: &Tally) {
        self.datagrams.fetch_add(sent.datagrams, Ordering::Relaxed);
        self.bytes.fetch_add(sent.bytes, Ordering::Relaxed);
        self.wire_bits.fetch_add(sent.wire_bits, Ordering::Relaxed);
    }

    /// Notes the pass going on, from 1.
    pub(super) fn note_pass(&self, pass: u16) {
        self.pass.store(pass, Ordering::Relaxed);
    }
}
