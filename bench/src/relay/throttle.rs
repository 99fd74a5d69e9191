//! The link's rate: when the next datagram may leave.
//!
//! The link is busy until the bits that were sent have had their time. One that stood idle may catch up on a millisecond of it,
//! so that a late wake-up costs no rate.

use std::time::{Duration, Instant};

use hw::units::Rate;

/// The rate, and until when the link is busy.
#[derive(Debug)]
pub(super) struct Throttle {
    rate: Rate,
    busy_until: Instant,
}

/// The idle time that may be caught up on.
const CREDIT: Duration = Duration::from_millis(1);

impl Throttle {
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, busy_until: now }
    }

    /// How long until a datagram may leave; zero if it may now.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.busy_until.saturating_duration_since(now)
    }

    /// Keeps the link busy for a datagram of `bytes` bytes, if it may leave now.
    pub(super) fn admits(&mut self, now: Instant, bytes: usize) -> bool {
        if self.busy_until > now {
            return false;
        }
        let earliest = now.checked_sub(CREDIT).unwrap_or(now);
        let start = self.busy_until.max(earliest);
        let time = self.rate.time_for(bytes as u64);
        self.busy_until = start.checked_add(time).unwrap_or(now + FAR);
        true
    }
}

/// Longer than any run: for a time past what an [`Instant`] holds.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(rate: &str, now: Instant) -> Throttle {
        Throttle::new(rate.parse().expect(rate), now)
    }

    /// Datagrams of `bytes` bytes admitted within `span`, looked at every `step`.
    fn admitted(throttle: &mut Throttle, bytes: usize, span: Duration, step: Duration) -> u64 {
        let start = Instant::now();
        throttle.busy_until = start;
        let mut count = 0;
        let mut now = start;
        while now < start + span {
            while throttle.admits(now, bytes) {
                count += 1;
            }
            now += step;
        }
        count
    }

    #[test]
    fn a_second_at_100_mbit_carries_100_mbit_however_often_it_is_looked_at() {
        for step in [10, 100, 900] {
            let mut throttle = throttle("100M", Instant::now());
            let count = admitted(
                &mut throttle,
                1_250,
                Duration::from_secs(1),
                Duration::from_micros(step),
            );
            assert!((9_990..=10_020).contains(&count), "{count} at {step} µs");
        }
    }

    #[test]
    fn idle_time_is_caught_up_on_for_no_more_than_a_millisecond() {
        let now = Instant::now();
        let mut throttle = throttle("100M", now);
        let later = now + Duration::from_secs(60);
        let mut count = 0;
        while throttle.admits(later, 1_250) {
            count += 1;
        }
        // 1 ms is ten datagrams of 100 µs; the eleventh leaves at the very moment.
        assert_eq!(count, 11);
    }

    #[test]
    fn the_wait_is_the_time_of_what_was_sent() {
        let now = Instant::now();
        let mut throttle = throttle("1M", now);
        while throttle.admits(now, 125) {}
        assert_eq!(throttle.wait(now), Duration::from_millis(1));
    }

    #[test]
    fn a_rate_at_which_a_datagram_takes_ages_does_not_panic() {
        let now = Instant::now();
        let mut throttle = throttle("1bit/s", now);
        assert!(throttle.admits(now, usize::MAX));
        assert!(!throttle.admits(now, 1));
    }
}
