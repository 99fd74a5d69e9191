//! When the next datagrams may leave, so that the link gets its rate and no more.
//!
//! ```text
//! wait(now) ──0──▶ a batch is sent ──handle_sent──▶ the next one's time:  due       by the rate,       at most 10 ms behind now
//!      └──n──▶ sleep n ns, ask again                                      earliest  by 1.1 × the rate, at most 1 ms behind now
//! ```
//!
//! Pure arithmetic: time comes in as nanoseconds of a clock that never goes back, and what a datagram costs as the bits that
//! [`Framing`](super::framing::Framing) counts for it.
//!
//! Always true:
//! - over any span the link gets at most 1.1 × the rate, and besides 1 ms of it and one batch: a clock that wakes up late by less than
//!   that costs no rate;
//! - a batch takes at most 1 ms of the rate, unless it is a single datagram;
//! - a longer stall is made up for at 1.1 × the rate; what it cost beyond 10 ms is lost, never sent in a burst.

use hw::units::Rate;

/// Paces one link. All times are nanoseconds of one clock.
#[derive(Debug)]
pub(super) struct Pacer {
    bits_per_second: u128,
    due: u64,
    /// What `due` leaves out, in parts of a nanosecond (1 / `bits_per_second`), so that nothing is rounded away.
    due_rest: u128,
    earliest: u64,
}

impl Pacer {
    /// A pacer for a link that is free at `now`.
    pub(super) fn new(rate: Rate, now: u64) -> Self {
        Self {
            bits_per_second: rate.bits_per_second().into(),
            due: now,
            due_rest: 0,
            earliest: now,
        }
    }

    /// Datagrams in a batch if none takes more than `bits`: at most 1 ms of the rate, at least one.
    pub(super) fn batch_len(&self, bits: u64) -> usize {
        let in_time = self.bits_per_second * BATCH_NANOS / NANOS_PER_SECOND / u128::from(bits.max(1));
        usize::try_from(in_time).unwrap_or(usize::MAX).max(1)
    }

    /// Nanoseconds until the next batch may leave; 0 if it may leave now.
    pub(super) fn wait(&self, now: u64) -> u64 {
        self.due.max(self.earliest).saturating_sub(now)
    }

    /// Takes note that nothing was to be sent until `now`: that is no stall, and nothing is to be made up for.
    pub(super) fn handle_idle(&mut self, now: u64) {
        if self.due < now {
            (self.due, self.due_rest) = (now, 0);
        }
    }

    /// Takes note of a batch of `bits` that began to leave at `now`.
    pub(super) fn handle_sent(&mut self, now: u64, bits: u64) {
        let oldest_debt = now.saturating_sub(MAX_DEBT_NANOS);
        if self.due < oldest_debt {
            (self.due, self.due_rest) = (oldest_debt, 0);
        }
        let cost = u128::from(bits) * NANOS_PER_SECOND;
        let owed = cost + self.due_rest;
        self.due = self.due.saturating_add(nanos(owed / self.bits_per_second));
        self.due_rest = owed % self.bits_per_second;
        let [numerator, denominator] = CATCH_UP;
        let from = self.earliest.max(now.saturating_sub(LATE_NANOS));
        self.earliest = from.saturating_add(nanos(cost * denominator / (self.bits_per_second * numerator)));
    }
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;
/// The longest that a batch may take of the rate.
const BATCH_NANOS: u128 = 1_000_000;
/// The longest stall that is made up for.
const MAX_DEBT_NANOS: u64 = 10_000_000;
/// How late a wake-up may be and cost nothing.
const LATE_NANOS: u64 = 1_000_000;
/// How much faster than the rate a stall is made up for, as a fraction.
const CATCH_UP: [u128; 2] = [11, 10];

fn nanos(nanos: u128) -> u64 {
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transmitter::trial::framing;

    const PAYLOAD: usize = 32 + 1408;

    fn pacer(rate: &str) -> Pacer {
        Pacer::new(rate.parse().unwrap(), 1_000)
    }

    /// Sends `packets` in batches on a simulated clock that oversleeps every wait by `late`, and gives the rate over the time until the next one may leave.
    fn rate_over(pacer: &mut Pacer, packets: usize, payload: usize, late: u64) -> f64 {
        let (start, bits) = (1_000, framing().wire_bits(payload));
        let (mut now, mut left) = (start, packets);
        while left > 0 {
            let wait = pacer.wait(now);
            now += if wait > 0 { wait + late } else { 0 };
            let batch = pacer.batch_len(bits).min(left);
            pacer.handle_sent(now, batch as u64 * bits);
            left -= batch;
        }
        let end = now + pacer.wait(now);
        packets as f64 * bits as f64 * 1e9 / (end - start) as f64
    }

    #[test]
    fn a_thousand_packets_leave_at_the_rate_within_one_percent_from_1_mbit_to_40_gbit() {
        for (rate, payload) in [
            ("1M", PAYLOAD),
            ("10M", 208),
            ("100M", PAYLOAD),
            ("1G", PAYLOAD),
            ("10G", 8928),
            ("10G", 208),
            ("40G", 8928),
            ("40G", 208),
        ] {
            let mut pacer = pacer(rate);
            let asked = pacer.bits_per_second as f64;
            let got = rate_over(&mut pacer, 1000, payload, 0);
            assert!((got / asked - 1.0).abs() < 0.01, "{rate}: {got}");
        }
    }

    #[test]
    fn a_clock_that_wakes_up_late_by_less_than_a_millisecond_costs_no_rate() {
        for (rate, late) in [
            ("1M", 900_000),
            ("20M", 900_000),
            ("500M", 900_000),
            ("10G", 500_000),
            ("40G", 900_000),
        ] {
            let mut pacer = pacer(rate);
            let asked = pacer.bits_per_second as f64;
            let tenth_of_a_second = asked / 10.0 / framing().wire_bits(PAYLOAD) as f64;
            let packets = (tenth_of_a_second as usize).max(1_000);
            let got = rate_over(&mut pacer, packets, PAYLOAD, late);
            assert!((got / asked - 1.0).abs() < 0.01, "{rate}: {got}");
        }
    }

    #[test]
    fn a_batch_is_a_millisecond_of_the_rate_and_one_datagram_at_least() {
        let bits = framing().wire_bits(PAYLOAD);
        let lens = ["1k", "1M", "100M", "1G", "40G"].map(|rate| pacer(rate).batch_len(bits));
        assert_eq!(lens, [1, 1, 8, 83, 3320]);
    }

    #[test]
    fn a_batch_of_several_takes_no_more_than_a_millisecond() {
        let (pacer, bits) = (pacer("100M"), framing().wire_bits(PAYLOAD));
        let batch = pacer.batch_len(bits) as u64 * bits;
        assert!(batch <= 100_000 && batch + bits > 100_000, "{batch} bits");
    }

    #[test]
    fn after_a_stall_the_link_gets_a_tenth_over_the_rate_and_two_milliseconds_at_most() {
        let (mut pacer, batch, stall) = (pacer("100M"), 100_000, 8_000_000);
        let mut now = stall;
        for sent in 1..=40 {
            now += pacer.wait(now);
            pacer.handle_sent(now, batch);
            let allowed = 1.1 * (now - stall) as f64 / 1e9 * 100e6 + 2.0 * 100_000.0 * 1.1;
            assert!(
                (sent * batch) as f64 <= allowed,
                "{sent} batches after {} ns",
                now - stall
            );
        }
    }

    #[test]
    fn a_long_stall_is_not_followed_by_more_than_two_batches_at_once() {
        let (mut pacer, batch, stall) = (pacer("100M"), 100_000, 5_000_000_000);
        let at_once = (0..10).take_while(|_| {
            pacer.handle_sent(stall, batch);
            pacer.wait(stall) == 0
        });
        assert!(at_once.count() < 2);
    }

    #[test]
    fn a_short_stall_is_made_up_for() {
        let (mut pacer, batch, mut now) = (pacer("100M"), 100_000, 9_001_000);
        // Nine batches late; each of the next makes up for a tenth of one.
        for _ in 0..200 {
            pacer.handle_sent(now, batch);
            now += pacer.wait(now);
        }
        assert_eq!(now, 1_000 + 200 * 1_000_000);
    }

    #[test]
    fn what_a_stall_costs_beyond_ten_milliseconds_is_lost() {
        let (mut pacer, batch, stall) = (pacer("100M"), 100_000, 5_000_001_000);
        let mut now = stall;
        for _ in 0..200 {
            pacer.handle_sent(now, batch);
            now += pacer.wait(now);
        }
        assert_eq!(now, stall - 10_000_000 + 200 * 1_000_000);
    }

    #[test]
    fn an_idle_time_is_not_made_up_for() {
        let (mut pacer, batch, idle_until) = (pacer("100M"), 100_000, 5_000_000);
        pacer.handle_idle(idle_until);
        let mut now = idle_until;
        for _ in 0..200 {
            pacer.handle_sent(now, batch);
            now += pacer.wait(now);
        }
        assert_eq!(now, idle_until + 200 * 1_000_000);
    }

    #[test]
    fn parts_of_a_nanosecond_add_up() {
        // 7 bits at 3 Gbit/s are 2 1/3 ns.
        let mut pacer = Pacer::new(Rate::from_bits_per_second(3_000_000_000).unwrap(), 0);
        for _ in 0..3_000 {
            let now = pacer.wait(0);
            pacer.handle_sent(now, 7);
        }
        assert_eq!(pacer.wait(0), 7_000);
    }

    #[test]
    fn the_slowest_rate_and_the_largest_datagram_do_not_overflow() {
        let mut pacer = Pacer::new(Rate::from_bits_per_second(1).unwrap(), u64::MAX - 5);
        pacer.handle_sent(u64::MAX - 5, u64::MAX);
        assert_eq!(pacer.wait(0), u64::MAX);
    }
}
