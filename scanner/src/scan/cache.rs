//! Results of files that were scanned before, under keys that say everything they depend on; as bytes that only who has
//! the key can make.
//!
//! ```text
//! stored:  magic │ identity │ postcard (scan, [(key, last used in, result)]) │ HMAC-SHA-256 over all before
//!
//! read ─▶ Cache ── get, put ── from all workers of a scan ─▶ end_scan ─▶ to_bytes
//! ```
//!
//! The identity stands for the engines, their rules and limits: what was stored under another is worth nothing, and the
//! cache begins empty. What a result is, is none of this module's business: see [`kept`](super::kept).
//!
//! Always true:
//! - bytes that anybody changed give a [`CacheFault`], never a result;
//! - a cache takes [`MAX_BYTES`] at most, in memory and stored; what was not used for longest goes first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::engine::FingerprintKey;

/// Bytes of all results at most, with what each takes beside its own.
pub(crate) const MAX_BYTES: usize = 64 << 20;
/// Bytes of one result at most: one file must not push out all others.
const MAX_RESULT: usize = 1 << 20;
/// What a result takes beside its bytes: its key, its age, its length.
const EACH: usize = 64;
/// Scans after which a result that none of them used is dropped.
const KEPT_FOR: u64 = 64;

const MAGIC: &[u8; 16] = b"diode-results 1\n";
const TAG_LEN: usize = 32;

/// Results by key; shared by the threads of a scan.
pub(crate) struct Cache {
    seal: FingerprintKey,
    identity: Digest,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the scan at work.
    scan: u64,
    entries: HashMap<Digest, Entry>,
    bytes: usize,
    /// Whether what is stored should be replaced.
    changed: bool,
}

#[derive(Debug)]
struct Entry {
    used: u64,
    result: Arc<[u8]>,
}

/// What is between identity and tag.
#[derive(Serialize, Deserialize)]
struct Stored {
    scan: u64,
    entries: Vec<(Digest, u64, Vec<u8>)>,
}

/// Why stored results cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CacheFault {
    /// More bytes than are ever stored.
    #[error("{len} bytes, and {max} are the most that are stored")]
    TooLong {
        /// How many.
        len: u64,
        /// The most.
        max: u64,
    },
    /// Something else, or another version's.
    #[error("it does not hold stored results of this version")]
    Foreign,
    /// Changed since, or stored with another key.
    #[error("it was changed after it was stored, or stored with another key")]
    Changed,
    /// It could not be read.
    #[error("it cannot be read ({0})")]
    Unreadable(std::io::ErrorKind),
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl Cache {
    /// No results.
    #[must_use]
    pub(crate) fn empty(key: &FingerprintKey, identity: Digest) -> Self {
        Self {
            seal: key.derive(b"results of files"),
            identity,
            state: Mutex::default(),
        }
    }

    /// The results in `bytes`; none if they are of another identity.
    ///
    /// # Errors
    /// [`CacheFault`] if it is not certain that who has the key stored just this.
    pub(crate) fn read(bytes: &[u8], key: &FingerprintKey, identity: Digest) -> Result<Self, CacheFault> {
        let mut cache = Self::empty(key, identity);
        if bytes.len() > MAX_BYTES {
            return Err(CacheFault::TooLong {
                len: bytes.len() as u64,
                max: MAX_BYTES as u64,
            });
        }
        let (signed, tag) = bytes.split_last_chunk::<TAG_LEN>().ok_or(CacheFault::Foreign)?;
        let after = signed.strip_prefix(MAGIC).ok_or(CacheFault::Foreign)?;
        if !cache.seal.verifies(&[signed], tag) {
            return Err(CacheFault::Changed);
        }
        let (stored_identity, body) = after.split_first_chunk::<32>().ok_or(CacheFault::Foreign)?;
        if *stored_identity == identity.0 {
            let stored: Stored = postcard::from_bytes(body).map_err(|_| CacheFault::Foreign)?;
            cache.state = Mutex::new(State::of(stored));
        }
        Ok(cache)
    }

    /// All results that may still be of use, to be stored.
    #[must_use]
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let state = self.state();
        let mut bytes = [MAGIC.as_slice(), &self.identity.0].concat();
        bytes.reserve(state.bytes);
        // Nothing in it can fail to be encoded; what is not stored is found out again.
        let Ok(mut bytes) = postcard::to_extend(&state.stored(), bytes) else {
            return Vec::new();
        };
        drop(state);
        let tag = self.seal.over(&[&bytes]);
        bytes.extend_from_slice(&tag.0);
        bytes
    }

    /// The result under `key`.
    pub(crate) fn get(&self, key: &Digest) -> Option<Arc<[u8]>> {
        let mut state = self.state();
        let scan = state.scan;
        let entry = state.entries.get_mut(key)?;
        // What is used and never stored again would seem to be too old one day.
        let stale = scan - entry.used > KEPT_FOR / 2;
        entry.used = scan;
        let result = Arc::clone(&entry.result);
        state.changed |= stale;
        Some(result)
    }

    /// Keeps a result, if there is room for it beside those of this scan.
    pub(crate) fn put(&self, key: Digest, result: Vec<u8>) {
        let mut state = self.state();
        if result.len() <= MAX_RESULT && state.make_room(result.len() + EACH) {
            state.changed = true;
            let used = state.scan;
            state.insert(key, used, result);
        }
    }

    /// A scan is over: those results age that it did not use.
    pub(crate) fn end_scan(&self) {
        self.state().scan += 1;
    }

    /// What [`to_bytes`](Self::to_bytes) gave is stored.
    pub(crate) fn settle(&self) {
        self.state().changed = false;
    }

    /// Whether there is anything new since it was read or stored.
    #[must_use]
    pub(crate) fn has_changed(&self) -> bool {
        self.state().changed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is complete before anything in it can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn of(stored: Stored) -> Self {
        let mut state = Self {
            scan: stored.scan,
            ..Self::default()
        };
        for (key, used, result) in stored.entries {
            state.insert(key, used.min(stored.scan), result);
        }
        state
    }

    fn stored(&self) -> Stored {
        let young = self
            .entries
            .iter()
            .filter(|(_, entry)| self.scan - entry.used <= KEPT_FOR);
        let mut entries: Vec<_> = young
            .map(|(key, entry)| (*key, entry.used, entry.result.to_vec()))
            .collect();
        entries.sort_unstable_by_key(|(key, ..)| *key);
        Stored {
            scan: self.scan,
            entries,
        }
    }

    fn insert(&mut self, key: Digest, used: u64, result: Vec<u8>) {
        self.bytes += result.len() + EACH;
        let result = result.into();
        if let Some(old) = self.entries.insert(key, Entry { used, result }) {
            self.bytes -= old.result.len() + EACH;
        }
    }

    /// Whether so many bytes more fit, once what this scan did not use made way, oldest first.
    fn make_room(&mut self, more: usize) -> bool {
        // The header and the tag count too.
        let most = MAX_BYTES - 1024;
        if self.bytes + more <= most {
            return true;
        }
        let mut old: Vec<_> = self.entries.iter().map(|(key, entry)| (entry.used, *key)).collect();
        old.retain(|(used, _)| *used < self.scan);
        old.sort_unstable();
        for (_, key) in old {
            // Much at once: this looks at every entry.
            if self.bytes + more <= most - most / 8 {
                break;
            }
            if let Some(gone) = self.entries.remove(&key) {
                self.bytes -= gone.result.len() + EACH;
            }
        }
        self.bytes + more <= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> FingerprintKey {
        FingerprintKey::new([4; 32])
    }

    fn name(number: usize) -> Digest {
        Digest::of(&number.to_be_bytes())
    }

    fn identity() -> Digest {
        Digest::of(b"engines")
    }

    fn filled() -> Cache {
        let cache = Cache::empty(&key(), identity());
        cache.put(name(1), b"one".to_vec());
        cache.put(name(2), Vec::new());
        cache
    }

    #[test]
    fn what_was_stored_is_read_back() {
        let stored = filled().to_bytes();
        let read = Cache::read(&stored, &key(), identity()).unwrap();
        assert_eq!(read.get(&name(1)).as_deref(), Some(b"one".as_slice()));
        assert_eq!(read.get(&name(2)).as_deref(), Some(b"".as_slice()));
        assert_eq!(read.get(&name(3)), None);
        assert!(!read.has_changed());
        assert_eq!(read.to_bytes(), stored);
    }

    #[test]
    fn no_bit_can_be_changed_and_no_byte_cut_off_or_added() {
        let stored = filled().to_bytes();
        for at in 0..stored.len() {
            let mut changed = stored.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(Cache::read(&changed, &key(), identity()).is_err(), "byte {at}");
            assert!(Cache::read(&stored[..at], &key(), identity()).is_err(), "cut at {at}");
        }
        let longer = [stored.as_slice(), b"x"].concat();
        assert!(Cache::read(&longer, &key(), identity()).is_err());
    }

    #[test]
    fn what_was_stored_under_another_identity_is_gone_and_with_another_key_a_fault() {
        let stored = filled().to_bytes();
        let other = Cache::read(&stored, &key(), Digest::of(b"other engines")).unwrap();
        assert_eq!(other.get(&name(1)), None);
        let fault = Cache::read(&stored, &FingerprintKey::new([5; 32]), identity()).err();
        assert_eq!(fault, Some(CacheFault::Changed));
    }

    #[test]
    fn more_bytes_than_are_ever_stored_are_not_looked_at() {
        let fault = Cache::read(&vec![0; MAX_BYTES + 1], &key(), identity()).err();
        assert!(matches!(fault, Some(CacheFault::TooLong { .. })), "{fault:?}");
    }

    #[test]
    fn a_result_that_many_scans_did_not_use_is_dropped() {
        let cache = filled();
        for _ in 0..=KEPT_FOR {
            assert!(cache.get(&name(1)).is_some());
            cache.end_scan();
        }
        let read = Cache::read(&cache.to_bytes(), &key(), identity()).unwrap();
        assert!(read.get(&name(1)).is_some());
        assert!(read.get(&name(2)).is_none());
    }

    #[test]
    fn a_result_that_is_used_and_old_is_stored_anew() {
        let cache = filled();
        cache.settle();
        for _ in 0..KEPT_FOR / 2 {
            cache.end_scan();
        }
        cache.get(&name(1));
        assert!(!cache.has_changed());
        cache.end_scan();
        cache.get(&name(2));
        assert!(cache.has_changed());
    }

    #[test]
    fn what_is_not_used_makes_way_and_what_this_scan_used_stays() {
        let cache = Cache::empty(&key(), identity());
        let size = MAX_RESULT;
        let fit = (MAX_BYTES - 1024) / (size + EACH);
        for number in 0..=fit {
            cache.put(name(number), vec![0; size]);
        }
        assert!(
            cache.get(&name(fit)).is_none(),
            "no room beside what this scan put there"
        );
        cache.end_scan();
        assert!(cache.get(&name(0)).is_some());
        cache.put(name(fit), vec![0; size]);
        assert!(cache.get(&name(0)).is_some() && cache.get(&name(fit)).is_some());
        assert!(cache.to_bytes().len() <= MAX_BYTES);
    }

    #[test]
    fn a_result_longer_than_one_may_be_is_not_kept() {
        let cache = filled();
        cache.put(name(7), vec![0; MAX_RESULT + 1]);
        assert!(cache.get(&name(7)).is_none());
    }
}
