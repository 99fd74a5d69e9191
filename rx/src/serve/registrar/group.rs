//! When what waits to be recorded is recorded: at once on a quiet link, in groups when much comes.
//!
//! ```text
//! push ──▶ waiting ──due──▶ take        due: full, or old, or nothing more to wait for and the last group is a while ago
//! ```
//!
//! Of bundles that come one after another each is, for a moment, the only one under way: that alone is no quiet. So a group follows another one no
//! sooner than [`SETTLED`], unless it is full or old; the first after a pause does not wait.
//!
//! Always true: what waits is bounded in number and in bytes.

use std::time::{Duration, Instant};

/// After so long without a group the next may be of one.
const SETTLED: Duration = Duration::from_millis(200);
/// Members of a group at most; each arrival keeps a file open.
const MOST: usize = 512;
/// Bytes of memory that the members of a group take, about, before it is recorded.
const HEAVIEST: usize = 32 << 20;

/// What is recorded together.
#[derive(Debug)]
pub(super) struct Group<T> {
    members: Vec<T>,
    bytes: usize,
    /// When the first member came.
    begun: Instant,
    /// When the last group was recorded.
    recorded: Option<Instant>,
    oldest: Duration,
}

impl<T> Group<T> {
    /// A group that waits no longer than `oldest` for further members.
    pub(super) fn new(oldest: Duration, now: Instant) -> Self {
        Self {
            members: Vec::new(),
            bytes: 0,
            begun: now,
            recorded: None,
            oldest,
        }
    }

    /// Adds a member that takes so many bytes of memory.
    pub(super) fn push(&mut self, member: T, bytes: usize, now: Instant) {
        if self.members.is_empty() {
            self.begun = now;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.members.push(member);
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// When the group is to be taken, if nothing more comes; `quiet` says since when nothing is under way that could still join it.
    pub(super) fn due(&self, quiet: Option<Instant>) -> Option<Instant> {
        if self.is_empty() {
            return None;
        }
        if self.members.len() >= MOST || self.bytes >= HEAVIEST {
            return Some(self.begun);
        }
        let old = self.begun + self.oldest;
        let settled = self.recorded.map_or(self.begun, |recorded| recorded + SETTLED);
        Some(quiet.map_or(old, |quiet| old.min(settled.max(quiet))))
    }

    /// The members, in the order in which they came; the next group begins.
    pub(super) fn take(&mut self) -> Vec<T> {
        self.bytes = 0;
        std::mem::take(&mut self.members)
    }

    /// Says when the last group was recorded.
    pub(super) fn recorded(&mut self, now: Instant) {
        self.recorded = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLDEST: Duration = Duration::from_millis(500);

    /// A group that began now with one member, and when that was.
    fn of_one() -> (Group<u32>, Instant) {
        let now = Instant::now();
        let mut group = Group::new(OLDEST, now);
        group.push(1, 10, now);
        (group, now)
    }

    #[test]
    fn an_empty_group_is_never_due() {
        assert_eq!(
            Group::<u32>::new(OLDEST, Instant::now()).due(Some(Instant::now())),
            None
        );
    }

    #[test]
    fn a_single_member_is_due_at_once_when_all_is_quiet() {
        let (group, now) = of_one();
        assert_eq!(group.due(Some(now)), Some(now));
    }

    #[test]
    fn a_member_waits_while_others_may_join_but_no_longer_than_the_oldest_may() {
        let (mut group, now) = of_one();
        group.push(2, 10, now + OLDEST / 2);
        assert_eq!(group.due(None), Some(now + OLDEST));
    }

    #[test]
    fn a_group_soon_after_another_waits_although_all_is_quiet() {
        let (mut group, now) = of_one();
        assert_eq!(group.take(), [1]);
        group.recorded(now);
        let soon = now + Duration::from_millis(1);
        group.push(2, 10, soon);
        assert_eq!(group.due(Some(soon)), Some(now + SETTLED));
    }

    #[test]
    fn a_group_after_a_pause_does_not_wait() {
        let (mut group, now) = of_one();
        group.take();
        group.recorded(now);
        let later = now + SETTLED;
        group.push(2, 10, later);
        assert_eq!(group.due(Some(later)), Some(later));
    }

    #[test]
    fn a_group_of_the_most_is_due_and_one_less_is_not() {
        let (mut group, now) = of_one();
        for number in 2..MOST as u32 {
            group.push(number, 10, now);
        }
        assert_eq!(group.due(None), Some(now + OLDEST));
        group.push(0, 10, now);
        assert_eq!(group.due(None), Some(now));
    }

    #[test]
    fn a_group_of_the_heaviest_is_due_and_a_byte_less_is_not() {
        let (mut group, now) = of_one();
        group.push(2, HEAVIEST - 11, now);
        assert_eq!(group.due(None), Some(now + OLDEST));
        group.push(3, 1, now);
        assert_eq!(group.due(None), Some(now));
        group.take();
        group.push(4, 1, now);
        assert_eq!(
            group.due(None),
            Some(now + OLDEST),
            "the bytes of the last group are gone"
        );
    }
}
