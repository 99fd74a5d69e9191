//! What a sender can cause without end, as a bounded number of log entries: refusals and link events past a rate become one summary.

use protocol::time::UnixMillis;

/// Refusals and link events a minute.
const PER_MINUTE: u32 = 60;
const MINUTE_MILLIS: u64 = 60_000;

/// Counts entries by the minute.
#[derive(Debug)]
pub struct Limiter {
    per_minute: u32,
    window: Option<UnixMillis>,
    let_through: u32,
    held_back: u64,
}

impl Default for Limiter {
    fn default() -> Self {
        Self::of(PER_MINUTE)
    }
}

impl Limiter {
    /// One that lets so many entries a minute through.
    #[must_use]
    pub fn of(per_minute: u32) -> Self {
        Self {
            per_minute,
            window: None,
            let_through: 0,
            held_back: 0,
        }
    }

    /// Whether an entry at `now` may be written on its own.
    pub fn admit(&mut self, now: UnixMillis) -> bool {
        if self.window.is_none() {
            self.window = Some(now);
        }
        let fits = self.let_through < self.per_minute;
        if fits {
            self.let_through += 1;
        } else {
            self.held_back += 1;
        }
        fits
    }

    /// Counts an entry at `now` that is not written on its own, whether there is room or not.
    pub fn hold_back(&mut self, now: UnixMillis) {
        self.window.get_or_insert(now);
        self.held_back = self.held_back.saturating_add(1);
    }

    /// Whether an entry at `now` would be written on its own, or be the first of a new minute.
    #[must_use]
    pub fn has_room(&self, now: UnixMillis) -> bool {
        let in_window = |begun: UnixMillis| now.millis_since(begun) < MINUTE_MILLIS;
        self.let_through < self.per_minute || !self.window.is_some_and(in_window)
    }

    /// How many entries a finished minute held back, if any; starts the next minute.
    pub fn finish_minute(&mut self, now: UnixMillis) -> Option<u64> {
        let begun = self.window?;
        if now.millis_since(begun) < MINUTE_MILLIS {
            return None;
        }
        let held_back = std::mem::replace(self, Self::of(self.per_minute)).held_back;
        (held_back > 0).then_some(held_back)
    }

    /// How many entries are held back now: to be told when the receiver stops.
    #[must_use]
    pub fn held_back(&self) -> u64 {
        self.held_back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixty_first_entry_of_a_minute_is_held_back() {
        let mut limiter = Limiter::default();
        let through = (0..100).filter(|i| limiter.admit(UnixMillis(*i))).count();
        assert_eq!((through, limiter.held_back()), (60, 40));
    }

    #[test]
    fn a_minute_is_summarised_once_it_is_over() {
        let mut limiter = Limiter::default();
        for i in 0..61 {
            limiter.admit(UnixMillis(i));
        }
        assert_eq!(limiter.finish_minute(UnixMillis(59_999)), None);
        assert_eq!(limiter.finish_minute(UnixMillis(60_000)), Some(1));
        assert!(limiter.admit(UnixMillis(60_001)));
    }

    #[test]
    fn there_is_room_until_sixty_entries_and_again_a_minute_after_the_first() {
        let mut limiter = Limiter::default();
        assert!(limiter.has_room(UnixMillis(0)));
        for i in 0..60 {
            assert!(limiter.has_room(UnixMillis(i)));
            limiter.admit(UnixMillis(i));
        }
        assert!(!limiter.has_room(UnixMillis(59_999)));
        assert!(limiter.has_room(UnixMillis(60_000)));
    }

    #[test]
    fn a_quiet_minute_needs_no_summary() {
        let mut limiter = Limiter::default();
        limiter.admit(UnixMillis(0));
        assert_eq!(limiter.finish_minute(UnixMillis(60_000)), None);
    }
}
