//! A lane's batches and its rate, on clocks that oversleep.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use hw::udp::{Offload, SinkConfig};

use super::*;
use crate::transmitter::framing::RateCounts;
use crate::transmitter::trial::{CallSink, StillClock, framing};

/// Wakes up as late as a machine does that has something else to do, and never sleeps shorter than this program asks for.
#[derive(Debug)]
struct SleepyClock {
    now: Cell<u64>,
    late: u64,
}

impl Clock for SleepyClock {
    fn now(&self) -> u64 {
        self.now.get()
    }

    fn pause(&self, nanos: u64) {
        self.now.set(self.now.get() + sleep_nanos(nanos) + self.late);
    }
}

fn filler(packets: u32, filler_len: u16) -> Part {
    Part::Gap { packets, filler_len }
}

fn drop_all(_: &[Vec<u8>]) -> Result<(), HwError> {
    Ok(())
}

/// The rate at which a lane sends so many packets.
fn rate_over(rate: Rate, framing: Framing, packets: u32, filler_len: u16, late: u64) -> f64 {
    let clock = SleepyClock {
        now: Cell::new(5),
        late,
    };
    let mut sender = LaneSender::new(CallSink(drop_all), clock, rate, framing, 0);
    let sent = sender.send_part(&filler(packets, filler_len), true, &Watch::default());
    sent.result.unwrap();
    let bits = u64::from(packets) * framing.counted_bits(HEADER_LEN + usize::from(filler_len));
    bits as f64 * 1e9 / (sent.free_at - sent.began) as f64
}

#[test]
fn a_lane_keeps_its_rate_within_a_percent_from_1_mbit_to_40_gbit_though_it_sleeps_long() {
    for (rate, filler_len, packets) in [
        ("1M", 1408, 1_000),
        ("100M", 1408, 1_000),
        ("1G", 1408, 9_000),
        ("10G", 1408, 85_000),
        ("10G", 8896, 14_000),
        ("40G", 8896, 56_000),
    ] {
        for late in [0, 50_000, 500_000] {
            let asked: Rate = rate.parse().unwrap();
            let got = rate_over(asked, framing(), packets, filler_len, late);
            let share = got / asked.bits_per_second() as f64;
            assert!((share - 1.0).abs() < 0.01, "{rate}, {late} ns late: {share}");
        }
    }
}

#[test]
fn a_rate_of_payload_gives_the_wire_more_than_that() {
    let asked: Rate = "100M".parse().unwrap();
    let payload = Framing::towards(([127, 0, 0, 1], 9).into(), RateCounts::Payload);
    let got = rate_over(asked, payload, 1_000, 1408, 0);
    assert!((got / 100e6 - 1.0).abs() < 0.01, "{got}");
    let on_the_wire = got * framing().wire_bits(1440) as f64 / payload.counted_bits(1440) as f64;
    assert!(on_the_wire > 104e6, "{on_the_wire}");
}

#[test]
fn a_batch_is_what_one_send_carries_and_a_millisecond_of_the_rate_at_most_and_one_packet_at_least() {
    // At 1408 bytes a symbol one send carries 45; at 8896, 7.
    for (rate, filler_len, most) in [
        ("1M", 1408, 1),
        ("100M", 1408, 8),
        ("1G", 1408, 45),
        ("40G", 1408, 45),
        ("1M", 8896, 1),
        ("100M", 8896, 1),
        ("1G", 8896, 7),
        ("40G", 8896, 7),
    ] {
        let longest = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&longest);
        let sink = CallSink(move |batch: &[Vec<u8>]| {
            seen.fetch_max(batch.len() as u64, Relaxed);
            Ok(())
        });
        let mut sender = LaneSender::new(sink, StillClock::default(), rate.parse().unwrap(), framing(), 0);
        let sent = sender.send_part(&filler(200, filler_len), true, &Watch::default());
        sent.result.unwrap();
        assert_eq!(longest.load(Relaxed), most, "{rate}, {filler_len} bytes");
    }
}

#[test]
fn a_sink_that_does_not_segment_takes_as_many_datagrams_at_once_however_long_they_are() {
    let batches = [Offload::Off, Offload::Auto].map(|offload| {
        let sink = UdpSink::bind(&SinkConfig {
            to: ([127, 0, 0, 1], 9).into(),
            bind: None,
            send_buffer_bytes: 1 << 16,
            offload,
        });
        let sink = sink.unwrap();
        (
            [100, 1440, 8928].map(|len| Sink::batch(&sink, len)),
            sink.segmentation(),
        )
    });
    assert_eq!(batches[0], ([64; 3], false));
    // What the kernel of this machine can is its own affair.
    assert!(
        batches[1] == ([64, 45, 7], true) || batches[1] == ([64; 3], false),
        "{:?}",
        batches[1]
    );
}

#[test]
fn no_sleep_is_shorter_than_a_fifth_of_what_the_pacer_forgives() {
    assert_eq!(
        [1, 199_999, 200_000, 7_000_000].map(sleep_nanos),
        [200_000, 200_000, 200_000, 7_000_000]
    );
}

#[test]
fn a_lane_that_had_nothing_to_send_makes_up_for_nothing() {
    let clock = SleepyClock {
        now: Cell::new(0),
        late: 0,
    };
    let mut sender = LaneSender::new(CallSink(drop_all), clock, "100M".parse().unwrap(), framing(), 0);
    let part = filler(100, 1408);
    let first = sender.send_part(&part, true, &Watch::default());
    sender.clock.now.set(first.free_at + 9_000_000);
    let second = sender.send_part(&part, true, &Watch::default());
    let [first, second] = [first, second].map(|sent| sent.free_at - sent.began);
    assert!(second.abs_diff(first) * 100 < first, "{first} and {second} ns");
}

#[test]
fn a_short_stall_between_parts_is_made_up_for_at_eleven_tenths_of_the_rate() {
    let clock = SleepyClock {
        now: Cell::new(0),
        late: 0,
    };
    let mut sender = LaneSender::new(CallSink(drop_all), clock, "100M".parse().unwrap(), framing(), 0);
    let part = filler(100, 1408);
    let first = sender.send_part(&part, true, &Watch::default());
    sender.clock.now.set(first.free_at + 9_000_000);
    let second = sender.send_part(&part, false, &Watch::default());
    let [first, second] = [first, second].map(|sent| (sent.free_at - sent.began) as f64);
    // A millisecond is forgiven at once.
    let expected = first / 1.1 - 1e6;
    assert!((second - expected).abs() < 0.02 * first, "{second} and {expected} ns");
}
