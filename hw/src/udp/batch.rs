//! Room for the datagrams of one receiving system call, set aside once and used again for each.

use super::MAX_BATCH;
use super::MAX_DATAGRAM;

/// Up to [`MAX_BATCH`] received datagrams in one block of memory.
///
/// Always true: [`Batch::iter`] gives whole datagrams only. One that was longer than the batch's `max_len` is cut by the kernel;
/// what is left of it is useless to a receiver that checks lengths and sums, so that it is counted ([`Batch::truncated`]) and
/// not shown.
#[derive(Debug)]
pub struct Batch {
    memory: Vec<u8>,
    max_len: usize,
    arrivals: Vec<Arrival>,
    capacity: usize,
}

/// What the kernel said of one received datagram.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    /// Bytes in the batch's memory.
    pub(super) bytes: usize,
    /// Whether the datagram was longer than its room.
    pub(super) truncated: bool,
    /// The socket's running count of overflows, wrapping; absent while there was none.
    pub(super) overflows: Option<u32>,
}

impl Batch {
    /// A batch of `datagrams` datagrams of up to `max_len` bytes each.
    ///
    /// # Units
    /// `datagrams` is brought into 1 to [`MAX_BATCH`], `max_len` (bytes) into 1 to [`MAX_DATAGRAM`]. The memory is their product,
    /// but only pages that a datagram reached count as resident.
    #[must_use]
    pub fn new(datagrams: usize, max_len: usize) -> Self {
        let capacity = datagrams.clamp(1, MAX_BATCH);
        let max_len = max_len.clamp(1, MAX_DATAGRAM);
        Self {
            memory: vec![0; capacity * max_len],
            max_len,
            arrivals: Vec::with_capacity(capacity),
            capacity,
        }
    }

    /// The whole datagrams of the last receive, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.memory
            .chunks_exact(self.max_len)
            .zip(&self.arrivals)
            .filter(|(_, arrival)| !arrival.truncated)
            .filter_map(|(room, arrival)| room.get(..arrival.bytes))
    }

    /// Datagrams of the last receive, cut ones too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arrivals.len()
    }

    /// Whether the last receive brought nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arrivals.is_empty()
    }

    /// Datagrams of the last receive that were longer than the batch's room for each, and so were cut.
    #[must_use]
    pub fn truncated(&self) -> usize {
        self.arrivals.iter().filter(|arrival| arrival.truncated).count()
    }

    /// Bytes of room for each datagram.
    #[must_use]
    pub fn max_len(&self) -> usize {
        self.max_len
    }

    /// Datagrams that one receive can bring.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn clear(&mut self) {
        self.arrivals.clear();
    }

    pub(super) fn arrivals(&self) -> &[Arrival] {
        &self.arrivals
    }

    /// Room for each datagram, and the list of what came, to be filled together.
    pub(super) fn parts(&mut self) -> (std::slice::ChunksExactMut<'_, u8>, &mut Vec<Arrival>) {
        (self.memory.chunks_exact_mut(self.max_len), &mut self.arrivals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_holds_at_least_one_datagram_of_one_byte() {
        let batch = Batch::new(0, 0);
        assert_eq!((batch.capacity(), batch.max_len()), (1, 1));
    }

    #[test]
    fn a_batch_holds_no_more_than_one_system_call_brings() {
        let batch = Batch::new(usize::MAX, usize::MAX);
        assert_eq!((batch.capacity(), batch.max_len()), (MAX_BATCH, MAX_DATAGRAM));
    }

    #[test]
    fn a_cut_datagram_is_counted_and_not_shown() {
        let mut batch = Batch::new(2, 4);
        batch.arrivals = [(4, true), (2, false)]
            .map(|(bytes, truncated)| Arrival {
                bytes,
                truncated,
                overflows: None,
            })
            .to_vec();
        assert_eq!(batch.iter().map(<[u8]>::len).collect::<Vec<_>>(), [2]);
        assert_eq!((batch.len(), batch.truncated()), (2, 1));
    }
}
