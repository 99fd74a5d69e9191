//! How the numbers stand: which were given, and what of them has left; where heartbeats find it.
//!
//! ```text
//! 1 … │ sent_below …                              … │ next
//!     all have left │ bound and not sent, or in flight  │ not given yet        voids: given to nobody, and never will be
//! ```
//!
//! Always true:
//! - `sent_below` is the lowest number that is open in the log, and so does not go back, from one run to the next either: what was
//!   stopped, and what is sent again, is not open;
//! - no bundle under it is named as under way.

use std::sync::atomic::AtomicU16;
use std::sync::{Arc, Mutex, PoisonError};

use protocol::digest::BundleId;
use protocol::limits::MAX_VOIDS;
use protocol::sequences::SequenceRange;
use protocol::wire::LogCheckpoint;

use super::ledger::Ledger;

/// Which numbers were given, and what of them has left.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// The number that the next bundle gets.
    pub(super) next: u64,
    /// Every number below it has had its last packet.
    pub(super) sent_below: u64,
    /// By number, from the lowest on.
    pub(super) under_way: Vec<Sending>,
    /// Numbers that nobody was given; from the lowest on.
    pub(super) voids: Vec<SequenceRange>,
    /// What was last published of the log.
    pub(super) checkpoint: LogCheckpoint,
}

/// A bundle under way.
#[derive(Debug, Clone)]
pub(super) struct Sending {
    pub(super) sequence: u64,
    pub(super) bundle: BundleId,
    /// The pass, from 1, as it goes on.
    pub(super) pass: Arc<AtomicU16>,
}

/// Where it is put what heartbeats tell.
#[derive(Debug)]
pub(super) struct Board {
    standing: Mutex<Standing>,
}

impl Board {
    /// A board that tells this.
    pub(super) fn new(standing: Standing) -> Self {
        Self {
            standing: Mutex::new(standing),
        }
    }

    /// Tells this from now on.
    pub(super) fn put(&self, standing: Standing) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    /// What is told now.
    pub(super) fn standing(&self) -> Standing {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Standing {
    /// How the numbers of a ledger stand while these bundles are under way.
    pub(super) fn of(ledger: &Ledger, mut under_way: Vec<Sending>) -> Self {
        let next = ledger.highest().saturating_add(1);
        let sent_below = ledger.open_numbers().next().unwrap_or(next);
        under_way.retain(|sending| sending.sequence >= sent_below);
        under_way.sort_unstable_by_key(|sending| sending.sequence);
        // The same bundle may be under way twice.
        under_way.dedup_by_key(|sending| sending.sequence);
        let voids = ledger.voids();
        // The last: those before were told by earlier heartbeats.
        let voids = voids.get(voids.len().saturating_sub(MAX_VOIDS)..).unwrap_or_default();
        let voids = voids
            .iter()
            .filter_map(|void| SequenceRange::new(*void.start(), *void.end()));
        Self {
            next,
            sent_below,
            under_way,
            voids: voids.collect(),
            checkpoint: LogCheckpoint {
                size: ledger.checkpoint().size(),
                root: ledger.checkpoint().root(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use audit::storage::MemoryStorage;
    use protocol::digest::Digest;
    use protocol::keys::SigningKey;
    use protocol::time::UnixMillis;

    use super::*;
    use crate::transmitter::ledger::Facts;

    fn bundle(byte: u8) -> BundleId {
        BundleId(Digest([byte; 32]))
    }

    fn sending(sequence: u64) -> Sending {
        Sending {
            sequence,
            bundle: bundle(sequence as u8),
            pass: Arc::default(),
        }
    }

    #[test]
    fn what_is_sent_again_is_not_named_and_what_is_open_is_named_once_in_order() {
        let (storage, key) = (Arc::new(MemoryStorage::new()), SigningKey::from_seed([6; 32]));
        let mut ledger = Ledger::create(storage, key, 7, UnixMillis(100)).unwrap();
        let facts = [1, 2, 3].map(|byte| Facts {
            bundle: bundle(byte),
            bytes: 1,
            files: 1,
            actor: None,
        });
        ledger.bind(&facts, UnixMillis(100)).unwrap();
        ledger.close(&[1], UnixMillis(100)).unwrap();
        let standing = Standing::of(&ledger, [3, 1, 2, 3].map(sending).to_vec());
        assert_eq!((standing.next, standing.sent_below), (4, 2));
        let named: Vec<_> = standing.under_way.iter().map(|sending| sending.sequence).collect();
        assert_eq!(named, [2, 3]);
    }
}
