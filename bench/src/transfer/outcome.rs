//! What a transfer took, as a table and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use audit::line;
use hw::units::{Percent, Rate};
use protocol::time::UnixMillis;
use serde_json::json;

/// What a transfer took.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) identical: bool,
    pub(super) bytes: u64,
    pub(super) files: u64,
    pub(super) seed: u64,
    pub(super) rate: Rate,
    pub(super) loss_set: Percent,
    /// Datagrams that the link lost, those included that the relay itself was too slow for.
    pub(super) lost: u64,
    pub(super) datagrams: u64,
    pub(super) repair_ppm: u64,
    pub(super) blocks: u64,
    pub(super) pack: Duration,
    /// From the first packet to the last.
    pub(super) send: Duration,
    /// From the first packet to the admission.
    pub(super) arrive: Duration,
    /// From the admission to the verdict.
    pub(super) scan: Duration,
    pub(super) release: Duration,
    pub(super) tx_peak_kib: u64,
    pub(super) rx_peak_kib: u64,
    pub(super) made: UnixMillis,
}

impl Outcome {
    fn loss_ppm(&self) -> u64 {
        self.lost.saturating_mul(1_000_000) / self.datagrams.max(1)
    }

    /// Bits of content a second, from the first packet to the admission.
    fn goodput(&self) -> f64 {
        self.bytes as f64 * 8.0 / self.arrive.as_secs_f64().max(1e-3)
    }

    /// For people.
    pub(super) fn to_text(&self) -> String {
        let time = |time: Duration| line::duration(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let rows = [
            (
                "content",
                format!("{}, {}", line::count(self.files, "file"), line::size(self.bytes)),
            ),
            (
                "link",
                format!("{}, loses {}, seed {}", self.rate, self.loss_set, self.seed),
            ),
            (
                "lost",
                format!(
                    "{} of {} datagrams ({:.2} %)",
                    self.lost,
                    self.datagrams,
                    self.loss_ppm() as f64 / 1e4
                ),
            ),
            (
                "repair",
                format!("{:.1} % of the datagrams", self.repair_ppm as f64 / 1e4),
            ),
            ("blocks", format!("{0} of {0}", self.blocks)),
            ("packed", format!("in {}", time(self.pack))),
            ("sent", format!("in {}", time(self.send))),
            ("admitted", format!("{} after the first packet", time(self.arrive))),
            ("scanned", format!("{} later", time(self.scan))),
            ("released", format!("in {}", time(self.release))),
            (
                "goodput",
                format!(
                    "{:.1} Mbit/s of content, first packet to admission",
                    self.goodput() / 1e6
                ),
            ),
            (
                "memory",
                format!(
                    "{} tx, {} rx, resident at most",
                    line::size(self.tx_peak_kib << 10),
                    line::size(self.rx_peak_kib << 10)
                ),
            ),
            (
                "identical",
                if self.identical { "yes, byte for byte" } else { "NO" }.to_owned(),
            ),
        ];
        let mut text = String::new();
        for (name, value) in rows {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:10} {value}");
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// For scripts: one line.
    pub(super) fn to_json(&self) -> String {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        json!({
            "schema": 1,
            "time": self.made,
            "identical": self.identical,
            "bytes": self.bytes,
            "files": self.files,
            "seed": self.seed,
            "rate_bps": self.rate.bits_per_second(),
            "loss_set": self.loss_set.to_string(),
            "datagrams": self.datagrams,
            "lost": self.lost,
            "loss_ppm": self.loss_ppm(),
            "repair_ppm": self.repair_ppm,
            "blocks": self.blocks,
            "pack_ms": millis(self.pack),
            "send_ms": millis(self.send),
            "arrive_ms": millis(self.arrive),
            "scan_ms": millis(self.scan),
            "release_ms": millis(self.release),
            "goodput_bps": self.goodput() as u64,
            "tx_peak_kib": self.tx_peak_kib,
            "rx_peak_kib": self.rx_peak_kib,
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        Outcome {
            identical: true,
            bytes: 125_000_000,
            files: 1,
            seed: 1,
            rate: "1G".parse().unwrap(),
            loss_set: "5%".parse().unwrap(),
            lost: 500,
            datagrams: 10_000,
            repair_ppm: 120_000,
            blocks: 477,
            pack: Duration::from_millis(300),
            send: Duration::from_millis(1900),
            arrive: Duration::from_millis(2000),
            scan: Duration::from_millis(700),
            release: Duration::from_millis(400),
            tx_peak_kib: 40_000,
            rx_peak_kib: 90_000,
            made: UnixMillis(0),
        }
    }

    #[test]
    fn goodput_counts_content_until_it_is_admitted() {
        assert!(outcome().to_text().contains("500.0 Mbit/s of content"));
    }

    #[test]
    fn a_difference_cannot_be_overlooked() {
        let text = Outcome {
            identical: false,
            ..outcome()
        }
        .to_text();
        assert!(text.ends_with("identical  NO"), "{text}");
    }

    #[test]
    fn the_record_is_one_line_with_its_schema() {
        let json = outcome().to_json();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (json.lines().count(), &value["schema"], &value["loss_ppm"]),
            (1, &1.into(), &50_000.into())
        );
    }
}
