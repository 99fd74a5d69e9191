//! How far a bundle is, on stderr: a bar on a terminal, a line every ten seconds elsewhere, or nothing.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::watch::Tally;
use crate::output;
use crate::units::size_text;

/// What is known before the first packet.
#[derive(Debug, Clone)]
pub(super) struct Ahead {
    /// What the bundle is called on a line: number and short id.
    pub(super) title: String,
    /// Datagrams in all.
    pub(super) datagrams: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    pub(super) passes: u16,
    pub(super) repair_ppm: u64,
}

/// Shows one bundle's progress.
#[derive(Debug)]
pub(super) struct Progress {
    ahead: Ahead,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines { next: Duration },
    Nothing,
}

impl Progress {
    /// Begins to show; `quiet` shows nothing.
    pub(super) fn begin(ahead: Ahead, quiet: bool) -> Self {
        let shown = match (quiet, io::stderr().is_terminal()) {
            (true, _) => Shown::Nothing,
            (false, true) => Shown::Bar(bar(ahead.datagrams)),
            (false, false) => Shown::Lines { next: LINE_EVERY },
        };
        Self { ahead, shown }
    }

    /// Shows how far it is, `elapsed` after the first packet; datagrams and bytes came to what is ahead since.
    pub(super) fn update(&mut self, tally: Tally, more: (u64, u64), elapsed: Duration) {
        let ahead = || Ahead {
            datagrams: self.ahead.datagrams + more.0,
            bytes: self.ahead.bytes + more.1,
            ..self.ahead.clone()
        };
        match &mut self.shown {
            Shown::Bar(bar) => {
                let ahead = ahead();
                bar.set_length(ahead.datagrams);
                bar.set_position(tally.datagrams);
                bar.set_message(line(&ahead, tally, elapsed));
            }
            Shown::Lines { next } if elapsed >= *next => {
                output::note(format_args!("sending  {}", line(&ahead(), tally, elapsed)));
                *next = elapsed + LINE_EVERY;
            }
            Shown::Lines { .. } | Shown::Nothing => {}
        }
    }

    /// Takes the bar away.
    pub(super) fn end(self) {
        if let Shown::Bar(bar) = self.shown {
            bar.finish_and_clear();
        }
    }
}

/// How often a bar is drawn anew.
pub(super) const DRAW_EVERY: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(10);

fn bar(datagrams: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(datagrams), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {msg}") {
        bar.set_style(style);
    }
    bar
}

/// One line: how much, how fast, how long still.
fn line(ahead: &Ahead, tally: Tally, elapsed: Duration) -> String {
    let percent = tally.datagrams.saturating_mul(100) / ahead.datagrams.max(1);
    let left = match tally.datagrams {
        0 => "?".to_owned(),
        sent => {
            let rest = ahead.datagrams.saturating_sub(sent);
            duration_text(elapsed.mul_f64(rest as f64 / sent as f64))
        }
    };
    format!(
        "{}  {percent} %  {} of {}  {}  {left} left  pass {} of {}  {} repair",
        ahead.title,
        size_text(tally.bytes),
        size_text(ahead.bytes.max(tally.bytes)),
        rate_text(tally.wire_bits, elapsed),
        tally.pass.max(1),
        ahead.passes,
        percent_text(ahead.repair_ppm),
    )
}

/// `bits` over a time in decimal bits a second with one decimal: `94.8 Mbit/s`.
pub(super) fn rate_text(bits: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let rate = if seconds > 0.0 { bits as f64 / seconds } else { 0.0 };
    let units = [("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3)];
    // What would round to 1000.0 of a unit is one of the next.
    match units.into_iter().find(|(_, unit)| rate >= unit * 0.99995) {
        Some((name, unit)) => format!("{:.1} {name}", rate / unit),
        None => format!("{rate:.0} bit/s"),
    }
}

/// Millionths as a percentage with one decimal: `5.2 %`.
pub(super) fn percent_text(ppm: u64) -> String {
    format!("{:.1} %", ppm as f64 / 10_000.0)
}

/// Minutes and seconds, with hours if there are some: `1:05`, `2:00:09`.
fn duration_text(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead() -> Ahead {
        Ahead {
            title: "seq 42  b07e11d4".to_owned(),
            datagrams: 1000,
            bytes: 1_440_000,
            passes: 2,
            repair_ppm: 52_000,
        }
    }

    #[test]
    fn a_line_says_how_much_how_fast_and_how_long_still() {
        let tally = Tally {
            datagrams: 250,
            bytes: 360_000,
            wire_bits: 3_000_000,
            pass: 1,
        };
        assert_eq!(
            line(&ahead(), tally, Duration::from_secs(30)),
            "seq 42  b07e11d4  25 %  351.6 KiB of 1.4 MiB  100.0 kbit/s  1:30 left  pass 1 of 2  5.2 % repair"
        );
    }

    #[test]
    fn before_the_first_packet_nobody_knows_how_long() {
        assert!(line(&ahead(), Tally::default(), Duration::ZERO).contains("0 %  0 B of 1.4 MiB  0 bit/s  ? left"));
    }

    #[test]
    fn rates_are_decimal_with_one_decimal() {
        let second = Duration::from_secs(1);
        let shown = [900, 99_949_999, 999_960_000, 9_400_000_000].map(|bits| rate_text(bits, second));
        assert_eq!(shown, ["900 bit/s", "99.9 Mbit/s", "1.0 Gbit/s", "9.4 Gbit/s"]);
    }

    #[test]
    fn times_have_hours_only_when_there_are_some() {
        let shown = [5, 65, 7209].map(|seconds| duration_text(Duration::from_secs(seconds)));
        assert_eq!(shown, ["0:05", "1:05", "2:00:09"]);
    }
}
