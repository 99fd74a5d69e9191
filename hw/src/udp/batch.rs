//! An arena of received datagrams: memory set aside once, filled by one receive after another, and emptied as a whole.
//!
//! ```text
//! in use                                  rooms of the next receive
//! ├ datagram │ datagram │ gap │ message ─┤├── 65,536 ──┼── 65,536 ──┼ …
//!                                          ▲ a short message is moved down to the end of what is in use
//! ```
//!
//! The kernel may join datagrams to a message of up to 65,535 bytes, and it says only afterwards how long each one was. So each
//! message gets room for the longest. One much shorter than its room is then moved down, a long one stays where it came.
//!
//! Always true:
//! - [`Batch::datagrams`] gives whole datagrams only, in the order in which they came, a joined message's already split;
//! - gaps take no more room than the datagrams behind them;
//! - memory is what it was made with: no receive makes it grow.

use super::MAX_BATCH;

/// Received datagrams, one behind the other.
#[derive(Debug)]
pub struct Batch {
    memory: Vec<u8>,
    entries: Vec<Entry>,
    /// Entries from which on there is no room for a further receive.
    most: usize,
    /// Bytes of memory in use, gaps among them.
    end: usize,
    /// Bytes of the datagrams.
    bytes: usize,
    /// Bytes of room that each message gets.
    room: usize,
    /// What is to be said of the next datagram.
    next: Marks,
}

/// One received datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    /// What was sent.
    pub bytes: &'a [u8],
    /// The socket's overflow count moved since the datagram before: some were lost there, for want of room in its buffer.
    pub after_overflow: bool,
    /// The receiver itself dropped some before this one ([`LostTo::Discard`]).
    pub after_discard: bool,
}

/// What datagrams that are missing were lost to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostTo {
    /// The socket's receive buffer was full.
    Overflow,
    /// The receiver took them off the socket and had no place for them.
    Discard,
}

/// Where a datagram lies. A batch has less than 4 GiB.
#[derive(Debug, Clone, Copy)]
struct Entry {
    start: u32,
    len: u32,
    marks: Marks,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Marks {
    overflow: bool,
    discard: bool,
}

impl Marks {
    fn add(&mut self, other: Self) {
        self.overflow |= other.overflow;
        self.discard |= other.discard;
    }
}

impl Entry {
    fn bytes<'a>(&self, memory: &'a [u8]) -> &'a [u8] {
        let (start, len) = (self.start as usize, self.len as usize);
        memory.get(start..start + len).unwrap_or_default()
    }
}

impl Batch {
    /// A batch of `bytes` bytes of memory, for messages of any length.
    ///
    /// # Units
    /// Bytes, brought to at least two of the longest messages (131,072) and below 4 GiB. 64 × 65,536 lets one system call receive
    /// as many messages as it can. All of it is resident from now on: a burst is no time to wait for pages.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self::with_room(bytes, MESSAGE_ROOM)
    }

    /// A batch for `datagrams` datagrams of up to `longest` bytes, close together in the cache. A longer one is cut and counted.
    ///
    /// It is for a source that does not coalesce; one that does gives each message the room of the longest here too.
    #[must_use]
    pub fn for_datagrams(datagrams: usize, longest: usize) -> Self {
        let longest = longest.clamp(1, MESSAGE_ROOM);
        Self::with_room(datagrams.saturating_mul(longest), longest)
    }

    fn with_room(bytes: usize, room: usize) -> Self {
        let bytes = bytes.clamp(2 * MESSAGE_ROOM, MOST_BYTES);
        let most = bytes / BYTES_PER_ENTRY;
        Self {
            // Zeros would be pages that the system has still to find.
            memory: vec![1; bytes],
            entries: Vec::with_capacity(most + SPARE_ENTRIES),
            most,
            end: 0,
            bytes: 0,
            room,
            next: Marks::default(),
        }
    }

    /// The datagrams, in the order in which they came.
    pub fn datagrams(&self) -> impl ExactSizeIterator<Item = Received<'_>> {
        self.entries.iter().map(|entry| Received {
            bytes: entry.bytes(&self.memory),
            after_overflow: entry.marks.overflow,
            after_discard: entry.marks.discard,
        })
    }

    /// How many datagrams there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of the datagrams.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is room for at least one more message of any length.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.free_rooms() > 0
    }

    /// Lets go of all datagrams. A mark that is to be on the next one stays.
    pub fn clear(&mut self) {
        self.entries.clear();
        (self.end, self.bytes) = (0, 0);
    }

    /// Marks the next datagram that comes: there were others before it, and this is what they were lost to.
    pub fn mark_next(&mut self, lost_to: LostTo) {
        match lost_to {
            LostTo::Overflow => self.next.overflow = true,
            LostTo::Discard => self.next.discard = true,
        }
    }

    /// Drops the datagrams that `keep` says no to, as a lossy link would; the others stay in their order. Marks of a dropped one
    /// move to the one behind it, which is the next to come if it was the last.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8]) -> bool) {
        let memory = &self.memory;
        let mut carried = Marks::default();
        let mut bytes = 0;
        self.entries.retain_mut(|entry| {
            if keep(entry.bytes(memory)) {
                entry.marks.add(std::mem::take(&mut carried));
                bytes += entry.len as usize;
                true
            } else {
                carried.add(entry.marks);
                false
            }
        });
        self.bytes = bytes;
        self.next.add(carried);
    }

    /// Gives each message that comes from here on the room of the longest that the kernel joins.
    pub(super) fn make_room_for_joined(&mut self) {
        self.room = MESSAGE_ROOM;
    }

    /// Where the first of [`rooms`](Self::rooms) starts, and how far each is from the one before.
    pub(super) fn layout(&self) -> (usize, usize) {
        (self.end, self.room)
    }

    /// Room for each message of the next receive.
    pub(super) fn rooms(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let count = self.free_rooms();
        let free = self.memory.get_mut(self.end..).unwrap_or_default();
        free.chunks_exact_mut(self.room).take(count)
    }

    /// Takes in the message that came into the room at `at`: `len` bytes, in datagrams of `segment` bytes if it is a joined one.
    /// Messages are placed in the order of their rooms.
    pub(super) fn place(&mut self, at: usize, len: usize, segment: Option<usize>) -> Placed {
        let len = len.min(self.room);
        let start = if at - self.end > len {
            self.memory.copy_within(at..at + len, self.end);
            self.end
        } else {
            at
        };
        self.end = start + len;
        let step = datagram_len(len, segment);
        let mut placed = Placed::default();
        for offset in (0..len.max(1)).step_by(step) {
            let len = step.min(len - offset);
            if self.push(start + offset, len) {
                placed.shown += 1;
            } else {
                placed.refused += 1;
            }
        }
        placed
    }

    fn push(&mut self, start: usize, len: usize) -> bool {
        // Kernels join at most 128 datagrams; one that joined more of a few bytes each would make the list grow.
        if self.entries.len() == self.entries.capacity() {
            return false;
        }
        let (Ok(start), Ok(short_len)) = (u32::try_from(start), u32::try_from(len)) else {
            return false;
        };
        self.entries.push(Entry {
            start,
            len: short_len,
            marks: std::mem::take(&mut self.next),
        });
        self.bytes += len;
        true
    }

    fn free_rooms(&self) -> usize {
        let by_memory = self.memory.len().saturating_sub(self.end) / self.room;
        let by_entries = self.most.saturating_sub(self.entries.len());
        by_memory.min(by_entries).min(MAX_BATCH)
    }
}

/// What became of a message's datagrams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Placed {
    /// Those that are in the batch.
    pub(super) shown: usize,
    /// Those that it has no entry for.
    pub(super) refused: usize,
}

/// The length of each datagram but the last in a message of `len` bytes; at least one.
pub(super) fn datagram_len(len: usize, segment: Option<usize>) -> usize {
    segment.unwrap_or(len).clamp(1, len.max(1))
}

/// Bytes of room for the longest message: more than IP can carry and than the kernel joins.
pub(super) const MESSAGE_ROOM: usize = 65_536;
/// Bytes of a batch that offsets of 32 bits can tell apart.
const MOST_BYTES: usize = u32::MAX as usize;
/// Datagrams shorter than this on average use up a batch's entries before its memory.
const BYTES_PER_ENTRY: usize = 64;
/// Entries for what one receive may bring beyond the last free one: messages times the datagrams that kernels join.
const SPARE_ENTRIES: usize = MAX_BATCH * 128;

#[cfg(test)]
mod tests {
    use super::*;

    /// Has `messages` arrive in one receive, as the kernel would lay them.
    fn arrive(batch: &mut Batch, messages: &[(Vec<u8>, Option<usize>)]) {
        assert!(batch.rooms().count() >= messages.len());
        for (room, (bytes, _)) in batch.rooms().zip(messages) {
            room[..bytes.len()].copy_from_slice(bytes);
        }
        let (start, room) = batch.layout();
        for (index, (bytes, segment)) in messages.iter().enumerate() {
            batch.place(start + index * room, bytes.len(), *segment);
        }
    }

    fn single(bytes: &[u8]) -> (Vec<u8>, Option<usize>) {
        (bytes.to_vec(), None)
    }

    fn shown(batch: &Batch) -> Vec<Vec<u8>> {
        batch.datagrams().map(|datagram| datagram.bytes.to_vec()).collect()
    }

    #[test]
    fn a_joined_message_is_shown_as_its_datagrams_the_last_one_shorter() {
        let mut batch = Batch::new(0);
        arrive(&mut batch, &[(b"aaabbbc".to_vec(), Some(3)), single(b"dd")]);
        assert_eq!(shown(&batch), [&b"aaa"[..], b"bbb", b"c", b"dd"]);
        assert_eq!((batch.len(), batch.bytes()), (4, 9));
    }

    #[test]
    fn empty_datagrams_are_datagrams() {
        let mut batch = Batch::new(0);
        arrive(&mut batch, &[single(b""), (Vec::new(), Some(5))]);
        assert_eq!(shown(&batch), [b"", b""]);
    }

    #[test]
    fn datagrams_that_come_one_by_one_lie_close_together() {
        let mut batch = Batch::new(4 * MESSAGE_ROOM);
        let mut sent = Vec::new();
        while batch.has_room() {
            let bytes = vec![sent.len() as u8; 1_000];
            arrive(&mut batch, &[single(&bytes)]);
            sent.push(bytes);
        }
        assert_eq!(shown(&batch), sent);
        assert_eq!(
            sent.len(),
            3 * MESSAGE_ROOM / 1_000 + 1,
            "all but the room of one message is full"
        );
    }

    #[test]
    fn short_datagrams_of_one_receive_lie_close_together() {
        let mut batch = Batch::new(MAX_BATCH * MESSAGE_ROOM);
        let sent: Vec<_> = (0..64).map(|index| vec![index; 1_440]).collect();
        arrive(&mut batch, &sent.iter().map(|bytes| single(bytes)).collect::<Vec<_>>());
        assert_eq!(shown(&batch), sent);
        assert_eq!(batch.end, 64 * 1_440);
    }

    #[test]
    fn gaps_take_no_more_than_the_datagrams_behind_them() {
        let mut batch = Batch::new(MAX_BATCH * MESSAGE_ROOM);
        let sent = [64_800, 40_000, 20, 30_000, 65_535, 0, 33_000].map(|len| vec![len as u8; len]);
        arrive(&mut batch, &sent.iter().map(|bytes| single(bytes)).collect::<Vec<_>>());
        assert_eq!(shown(&batch), sent);
        assert!(batch.end <= 2 * batch.bytes(), "{} of {}", batch.end, batch.bytes());
    }

    #[test]
    fn the_least_batch_has_room_for_two_messages_and_no_more_than_64_are_received_at_once() {
        assert_eq!(Batch::new(0).rooms().count(), 2);
        assert_eq!(Batch::new(MAX_BATCH * MESSAGE_ROOM).rooms().count(), 64);
        assert_eq!(Batch::new(100 * MESSAGE_ROOM).rooms().count(), 64);
        assert_eq!(Batch::for_datagrams(64, 2_048).rooms().count(), 64);
    }

    #[test]
    fn a_batch_that_was_cleared_has_all_its_room() {
        let mut batch = Batch::new(0);
        arrive(&mut batch, &[single(&[1; 60_000]), single(&[2; 60_000])]);
        assert!(!batch.has_room());
        batch.clear();
        assert_eq!((batch.rooms().count(), batch.is_empty(), batch.bytes()), (2, true, 0));
    }

    #[test]
    fn datagrams_without_bytes_use_up_a_batch_too() {
        let mut batch = Batch::new(0);
        let mut came = 0;
        while batch.has_room() {
            arrive(&mut batch, &[single(b"")]);
            came += 1;
        }
        assert_eq!(came, 2 * MESSAGE_ROOM / BYTES_PER_ENTRY);
    }

    #[test]
    fn more_datagrams_than_any_kernel_joins_are_refused_and_do_not_make_the_list_grow() {
        let mut batch = Batch::new(0);
        let capacity = batch.entries.capacity();
        let placed = batch.place(0, 65_535, Some(1));
        assert_eq!((placed.shown, placed.refused), (capacity, 65_535 - capacity));
        assert_eq!(batch.entries.capacity(), capacity);
    }

    #[test]
    fn a_mark_is_on_the_next_datagram_alone() {
        let mut batch = Batch::new(0);
        arrive(&mut batch, &[single(b"a")]);
        batch.mark_next(LostTo::Overflow);
        arrive(&mut batch, &[(b"bbcc".to_vec(), Some(2))]);
        let marks: Vec<_> = batch.datagrams().map(|datagram| datagram.after_overflow).collect();
        assert_eq!(marks, [false, true, false]);
    }

    #[test]
    fn what_is_not_retained_leaves_its_mark_to_the_one_behind_it() {
        let mut batch = Batch::new(1 << 20);
        batch.mark_next(LostTo::Overflow);
        arrive(&mut batch, &[single(b"a"), single(b"b")]);
        batch.mark_next(LostTo::Discard);
        arrive(&mut batch, &[single(b"c"), single(b"d")]);
        batch.retain(|bytes| !matches!(bytes, b"a" | b"c"));
        let marks: Vec<_> = batch
            .datagrams()
            .map(|datagram| (datagram.bytes, datagram.after_overflow, datagram.after_discard))
            .collect();
        assert_eq!(marks, [(&b"b"[..], true, false), (b"d", false, true)]);
        assert_eq!(batch.bytes(), 2);
    }

    #[test]
    fn the_mark_of_a_last_one_not_retained_is_on_the_next_to_come_even_after_a_clear() {
        let mut batch = Batch::new(0);
        batch.mark_next(LostTo::Overflow);
        arrive(&mut batch, &[single(b"a")]);
        batch.retain(|_| false);
        batch.clear();
        arrive(&mut batch, &[single(b"b")]);
        assert!(batch.datagrams().all(|datagram| datagram.after_overflow));
    }
}
