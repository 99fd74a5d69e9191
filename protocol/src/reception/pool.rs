//! Memory of blocks that are done, kept for those to come: fresh pages would cost more than all else that is done to a block.
//!
//! Always true: whoever asks gets a buffer of the size asked for, never a larger one, which nobody would have reserved.

use std::collections::BTreeMap;

/// Buffers at rest.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// By capacity.
    buffers: BTreeMap<usize, Vec<Vec<u8>>>,
    bytes: u64,
}

impl Pool {
    /// A buffer of this capacity, whatever it holds.
    pub(super) fn take(&mut self, capacity: usize) -> Vec<u8> {
        self.remove(capacity).unwrap_or_else(|| Vec::with_capacity(capacity))
    }

    /// Takes back a buffer, unless it alone would be more than `room` bytes at rest. Those of other sizes make way for it: what asked
    /// for them is over, as a rule.
    pub(super) fn give(&mut self, buffer: Vec<u8>, room: u64) {
        let capacity = buffer.capacity();
        let bytes = capacity as u64;
        if bytes == 0 || bytes > room {
            return;
        }
        while self.bytes.saturating_add(bytes) > room {
            let Some(other) = self.buffers.keys().rev().find(|other| **other != capacity).copied() else {
                return;
            };
            drop(self.remove(other));
        }
        self.bytes += bytes;
        self.buffers.entry(capacity).or_default().push(buffer);
    }

    /// Frees what is more than `room` bytes, the largest buffers first.
    pub(super) fn keep_within(&mut self, room: u64) {
        while self.bytes > room
            && let Some(largest) = self.buffers.keys().next_back().copied()
        {
            drop(self.remove(largest));
        }
    }

    /// Bytes at rest.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn remove(&mut self, capacity: usize) -> Option<Vec<u8>> {
        let same = self.buffers.get_mut(&capacity)?;
        let buffer = same.pop();
        if same.is_empty() {
            self.buffers.remove(&capacity);
        }
        self.bytes -= buffer.as_ref().map_or(0, |buffer| buffer.capacity() as u64);
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again() {
        let mut pool = Pool::default();
        pool.give(vec![7; 100], 1000);
        assert_eq!(pool.take(100), [7; 100]);
        assert_eq!((pool.bytes, pool.take(100).len()), (0, 0));
    }

    #[test]
    fn a_buffer_of_another_size_is_left_at_rest() {
        let mut pool = Pool::default();
        pool.give(vec![7; 100], 1000);
        assert_eq!([pool.take(99).capacity(), pool.take(101).capacity()], [99, 101]);
        assert_eq!(pool.bytes, 100);
    }

    #[test]
    fn what_has_no_room_is_freed() {
        let mut pool = Pool::default();
        for _ in 0..3 {
            pool.give(vec![0; 100], 200);
        }
        assert_eq!(pool.bytes, 200);
        pool.keep_within(200);
        assert_eq!(pool.bytes, 200);
        pool.keep_within(199);
        assert_eq!(pool.bytes, 100);
        pool.keep_within(0);
        assert_eq!((pool.bytes, pool.buffers.len()), (0, 0));
    }

    #[test]
    fn a_buffer_takes_the_room_of_those_of_other_sizes_and_of_its_own_none() {
        let mut pool = Pool::default();
        for _ in 0..2 {
            pool.give(vec![0; 100], 200);
        }
        pool.give(vec![0; 60], 200);
        assert_eq!((pool.bytes, pool.take(60).len()), (160, 60));
        pool.give(vec![0; 100], 200);
        pool.give(vec![0; 100], 200);
        assert_eq!(pool.bytes, 200);
    }

    #[test]
    fn a_buffer_larger_than_the_room_displaces_nothing() {
        let mut pool = Pool::default();
        pool.give(vec![0; 100], 200);
        pool.give(vec![0; 201], 200);
        assert_eq!((pool.bytes, pool.take(201).len()), (100, 0));
    }
}
