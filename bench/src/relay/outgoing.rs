//! Datagrams on their way out: a bounded queue whose buffers are used again.

use std::collections::VecDeque;

/// A queue of datagrams, each a copy that may be changed on its way.
///
/// Always true: it never holds more datagrams than its limit; what comes beyond is dropped and counted. Once as many buffers
/// exist as were ever in use together, nothing is allocated.
#[derive(Debug)]
pub struct Outgoing {
    queue: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    limit: usize,
    overflowed: u64,
}

impl Outgoing {
    /// An empty queue of at most `limit` datagrams.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            spare: Vec::new(),
            limit,
            overflowed: 0,
        }
    }

    /// The datagrams in the order in which they are to leave.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.queue.iter().map(Vec::as_slice)
    }

    /// The first datagrams as one slice: at least one unless the queue is empty, not always all.
    #[must_use]
    pub fn front(&self) -> &[Vec<u8>] {
        self.queue.as_slices().0
    }

    /// Takes the first `count` datagrams off the queue and keeps their buffers for others.
    pub fn discard(&mut self, count: usize) {
        let count = count.min(self.queue.len());
        self.spare.extend(self.queue.drain(..count));
    }

    /// Datagrams in the queue.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether the queue holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Datagrams that found the queue full.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// A copy of `datagram` in a buffer of this queue's.
    pub(super) fn copy_of(&mut self, datagram: &[u8]) -> Vec<u8> {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(datagram);
        buffer
    }

    /// Puts `datagram` at the queue's end, or drops it if the queue is full.
    pub(super) fn push(&mut self, datagram: Vec<u8>) {
        if self.queue.len() < self.limit {
            self.queue.push_back(datagram);
        } else {
            self.overflowed += 1;
            self.spare.push(datagram);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(out: &mut Outgoing, datagram: &[u8]) {
        let copy = out.copy_of(datagram);
        out.push(copy);
    }

    #[test]
    fn what_finds_the_queue_full_is_dropped_and_counted() {
        let mut out = Outgoing::new(1);
        push(&mut out, b"first");
        push(&mut out, b"second");
        assert_eq!(out.iter().collect::<Vec<_>>(), [b"first"]);
        assert_eq!(out.overflowed(), 1);
    }

    #[test]
    fn a_buffer_used_again_holds_the_new_datagram_alone() {
        let mut out = Outgoing::new(2);
        push(&mut out, b"a long datagram");
        out.discard(1);
        push(&mut out, b"short");
        assert_eq!(out.front(), [b"short"]);
        assert!(out.spare.is_empty());
    }

    #[test]
    fn discarding_more_than_there_is_empties_the_queue() {
        let mut out = Outgoing::new(2);
        push(&mut out, b"x");
        out.discard(5);
        assert!(out.is_empty());
    }
}
