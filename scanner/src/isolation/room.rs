//! Memory for what workers say: taken before an answer is decoded, given back when nobody has it any more.
//!
//! ```text
//! answer of n bytes ─▶ Rooms::take(n) ─▶ decoded, checked, followed ─▶ Room dropped
//!                        waits while others have all of it
//! ```
//! An honest answer takes little and never waits. Hostile ones, as long as they may be and of what grows most, take turns.
//!
//! Always true:
//! - answers that are decoded or in use take no more than the rooms have, together;
//! - who has a room never waits for another, so each wait ends.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Bytes in memory for each byte of an answer, at most: a list of one small number is two bytes, and in memory 24 and the 32 that
/// an allocation takes at least; the list that it is in may be three times as large while it grows.
const GROWTH: usize = 52;

/// The memory for the answers of one bundle.
#[derive(Debug)]
pub(super) struct Rooms {
    most: usize,
    taken: Mutex<usize>,
    free: Condvar,
}

/// Memory that is taken; given back when it is dropped.
#[derive(Debug, Default)]
pub struct Room {
    of: Option<Arc<Rooms>>,
    bytes: usize,
}

impl Rooms {
    /// So many bytes.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: Mutex::new(0),
            free: Condvar::new(),
        })
    }

    /// Takes what an answer of `len` bytes may need, or all there is if it may need more; waits until that is free.
    pub(super) fn take(self: &Arc<Self>, len: usize) -> Room {
        let bytes = len.saturating_mul(GROWTH).min(self.most);
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.free.wait_while(taken, |taken| self.most - *taken < bytes);
        *free.unwrap_or_else(PoisonError::into_inner) += bytes;
        Room {
            of: Some(Arc::clone(self)),
            bytes,
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(rooms) = &self.of {
            *rooms.taken.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
            rooms.free.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;
    use crate::taint::ir::{Class, Expr, Function, Param, Stmt, StmtId};

    #[test]
    fn no_more_is_taken_at_once_than_there_is() {
        let rooms = Rooms::new(100 * GROWTH);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for len in [10, 60, 90, 100, 1000, 40, 60, 1] {
                let (rooms, now, most) = (&rooms, &now, &most);
                scope.spawn(move || {
                    for _ in 0..200 {
                        let room = rooms.take(len);
                        let all = now.fetch_add(room.bytes, Ordering::SeqCst) + room.bytes;
                        most.fetch_max(all, Ordering::SeqCst);
                        now.fetch_sub(room.bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 100 * GROWTH);
        assert_eq!(*rooms.taken.lock().unwrap(), 0);
    }

    #[test]
    fn nothing_in_a_module_grows_more_than_is_taken_for_it() {
        // Bytes in an answer at least, and in a list that grows at most; with an allocation for each list within.
        const ALLOCATED: usize = 32;
        let grown = |size: usize, lists: usize| 2 * size + lists * ALLOCATED;
        let all = [
            ("name", 1, grown(size_of::<String>(), 0)),
            ("short name", 2, grown(size_of::<String>(), 1)),
            ("empty block", 1, grown(size_of::<Vec<StmtId>>(), 0)),
            ("block", 2, grown(size_of::<Vec<StmtId>>(), 1)),
            ("expression", 3, grown(size_of::<Expr>(), 0)),
            ("element", 8, grown(size_of::<Expr>(), 2)),
            ("statement", 4, grown(size_of::<Stmt>(), 0)),
            ("function", 7, grown(size_of::<Function>(), 0)),
            ("class", 6, grown(size_of::<Class>(), 0)),
            ("parameter", 6, grown(size_of::<Param>(), 0)),
        ];
        for (what, bytes, taken) in all {
            assert!(taken <= bytes * GROWTH, "{what}: {taken} for {bytes}");
        }
    }
}
