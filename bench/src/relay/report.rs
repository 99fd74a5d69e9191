//! What a relay did, as a table for people and as JSON.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use hw::units::Rate;
use serde::Serialize;

use super::impairment::{ImpairmentCounters, ImpairmentSettings};

/// Datagrams and their bytes, without IP and UDP headers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Datagrams.
    pub datagrams: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What went into a relay, what it did to it, and what came out.
///
/// Always true: received + damage.duplicated = sent + damage.lost_at_random + damage.lost_in_bursts + over_rate + undeliverable +
/// left_in_queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RelayReport {
    /// Version of this record's shape in JSON.
    pub schema: u32,
    /// Where datagrams were received.
    pub listen: SocketAddr,
    /// Where they were sent on to.
    pub to: SocketAddr,
    /// What all chance was drawn from.
    pub seed: u64,
    /// How bad the link was set to be.
    pub settings: ImpairmentSettings,
    /// The rate that it was held to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How long it ran.
    #[serde(rename = "elapsed_ms", serialize_with = "as_millis")]
    pub elapsed: Duration,
    /// What came in.
    pub received: Traffic,
    /// What was done to it.
    pub damage: ImpairmentCounters,
    /// Datagrams beyond the rate that found the queue full.
    pub over_rate: u64,
    /// Datagrams that the system would not send.
    pub undeliverable: u64,
    /// Datagrams still queued for the rate when the relay ended.
    pub left_in_queue: u64,
    /// What went out.
    pub sent: Traffic,
    /// Datagrams that the relay itself was too slow for: they found its receive buffer full.
    pub missed: u64,
}

impl RelayReport {
    fn share_of_received(&self, count: u64) -> f64 {
        if self.received.datagrams == 0 {
            return 0.0;
        }
        100.0 * count as f64 / self.received.datagrams as f64
    }
}

impl fmt::Display for RelayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        writeln!(
            f,
            "relay {} → {}, seed {}, {seconds:.1} s",
            self.listen, self.to, self.seed
        )?;
        writeln!(f, "  {:20} {:>14} {:>10}", "", "datagrams", "share")?;
        let damage = &self.damage;
        let rows = [
            ("received", self.received.datagrams),
            ("lost at random", damage.lost_at_random),
            ("lost in bursts", damage.lost_in_bursts),
            ("duplicated", damage.duplicated),
            ("corrupted", damage.corrupted),
            ("reordered", damage.reordered),
            ("over the rate", self.over_rate),
            ("undeliverable", self.undeliverable),
            ("left in the queue", self.left_in_queue),
            ("sent on", self.sent.datagrams),
        ];
        for (name, count) in rows {
            let share = self.share_of_received(count);
            writeln!(f, "  {name:20} {:>14} {share:>8.2} %", grouped(count))?;
        }
        let rate_in = bits_a_second(self.received.bytes, self.elapsed);
        let rate_out = bits_a_second(self.sent.bytes, self.elapsed);
        write!(f, "  in {rate_in}, out {rate_out} on average")?;
        if self.missed > 0 {
            write!(
                f,
                "\n  {} more found the relay's receive buffer full: it could not keep up",
                grouped(self.missed)
            )?;
        }
        Ok(())
    }
}

/// A count with a comma between each three digits.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn bits_a_second(bytes: u64, elapsed: Duration) -> String {
    let mbit = bytes as f64 * 8.0 / elapsed.as_secs_f64().max(1e-9) / 1e6;
    if mbit >= 1_000.0 {
        format!("{:.2} Gbit/s", mbit / 1_000.0)
    } else {
        format!("{mbit:.2} Mbit/s")
    }
}

fn as_millis<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> RelayReport {
        let address = SocketAddr::from(([127, 0, 0, 1], 5_000));
        RelayReport {
            schema: 1,
            listen: address,
            to: address,
            seed: 7,
            settings: ImpairmentSettings::default(),
            rate: None,
            elapsed: Duration::from_millis(2_000),
            received: Traffic {
                datagrams: 1_234_567,
                bytes: 1_000_000,
            },
            damage: ImpairmentCounters {
                lost_at_random: 12_345,
                ..ImpairmentCounters::default()
            },
            over_rate: 0,
            undeliverable: 0,
            left_in_queue: 0,
            sent: Traffic::default(),
            missed: 0,
        }
    }

    #[test]
    fn the_table_shows_counts_in_groups_and_their_share_of_what_came_in() {
        let text = report().to_string();
        let line = text
            .lines()
            .find(|line| line.contains("lost at random"))
            .expect("its line");
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words, ["lost", "at", "random", "12,345", "1.00", "%"]);
    }

    #[test]
    fn the_table_shows_the_seed() {
        assert!(report().to_string().contains("seed 7"));
    }

    #[test]
    fn a_relay_that_could_not_keep_up_says_so() {
        let slow = RelayReport { missed: 5, ..report() };
        assert!(slow.to_string().contains("could not keep up"));
        assert!(!report().to_string().contains("could not keep up"));
    }

    #[test]
    fn nothing_received_is_no_share_of_anything() {
        let idle = RelayReport {
            received: Traffic::default(),
            damage: ImpairmentCounters::default(),
            ..report()
        };
        assert!(!idle.to_string().contains("NaN"));
    }

    #[test]
    fn the_record_names_its_schema_and_its_time_in_milliseconds() {
        let json = serde_json::to_value(report()).expect("JSON");
        assert_eq!(json["schema"], 1);
        assert_eq!(json["elapsed_ms"], 2_000);
        assert_eq!(json["settings"]["loss"], "0%");
    }
}
