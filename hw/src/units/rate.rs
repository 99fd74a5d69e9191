//! A rate in decimal bits a second, as an operator writes it: `200M`, `1.5G`, `9600 bit/s`.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::decimal::{self, DecimalFault};

/// A rate in bits a second, never zero.
///
/// Written as a number and a decimal prefix (`k`, `M`, `G`, `T`), `bit/s` being optional after it: `200M`, `1.5 Gbit/s`. A
/// number with no unit at all is refused, since `200` is more often meant as 200 Mbit/s than as 200 bit/s. Shown as
/// `200 Mbit/s`.
///
/// ```
/// use diode_hw::units::Rate;
/// let rate: Rate = "1.5G".parse()?;
/// assert_eq!(rate.bits_per_second(), 1_500_000_000);
/// assert_eq!(rate.to_string(), "1.5 Gbit/s");
/// # Ok::<(), diode_hw::units::RateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    bits_per_second: NonZeroU64,
}

impl Rate {
    /// The rate of so many bits a second; `None` for zero.
    #[must_use]
    pub const fn from_bits_per_second(bits_per_second: u64) -> Option<Self> {
        match NonZeroU64::new(bits_per_second) {
            Some(bits_per_second) => Some(Self { bits_per_second }),
            None => None,
        }
    }

    /// Bits a second.
    #[must_use]
    pub const fn bits_per_second(self) -> u64 {
        self.bits_per_second.get()
    }

    /// How long `bytes` bytes take at this rate, rounded down to a nanosecond; at most [`Duration::MAX`].
    #[must_use]
    pub fn time_for(self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 8 * NANOS_PER_SECOND / u128::from(self.bits_per_second());
        let seconds = u64::try_from(nanos / NANOS_PER_SECOND);
        let rest = u32::try_from(nanos % NANOS_PER_SECOND);
        match (seconds, rest) {
            (Ok(seconds), Ok(rest)) => Duration::new(seconds, rest),
            _ => Duration::MAX,
        }
    }
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// The prefixes, largest first, with their powers of ten.
const PREFIXES: [(&str, u32); 5] = [("T", 12), ("G", 9), ("M", 6), ("k", 3), ("", 0)];

/// Why a text is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Not a number and a unit.
    #[error("{text:?} is not a rate: write it as 200M, 1.5G or 9600bit/s (decimal bits a second)")]
    NotANumber {
        /// What was written.
        text: String,
    },
    /// A number alone.
    #[error("{text:?} has no unit: write {text}M for {text} Mbit/s, or {text}bit/s if that is meant")]
    NoUnit {
        /// What was written.
        text: String,
    },
    /// Another unit, such as bytes or binary prefixes.
    #[error("{unit:?} is not a unit of rate: rates are decimal bits a second, written with k, M, G or T as in 200M")]
    UnknownUnit {
        /// What stood after the number.
        unit: String,
    },
    /// Zero, which would never send anything.
    #[error("a rate of zero would never send anything")]
    Zero,
    /// Less than a bit, or more than 64 bits hold.
    #[error("{text:?} is out of range: a rate is a whole number of bits a second below 18 Ebit/s")]
    OutOfRange {
        /// What was written.
        text: String,
    },
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(written: &str) -> Result<Self, RateError> {
        let trimmed = written.trim();
        let text = || trimmed.to_owned();
        let end_of_number = trimmed
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(end_of_number);
        let out_of_range = || RateError::OutOfRange { text: text() };
        match decimal::parse(number, 0) {
            Err(DecimalFault::NotANumber) => {
                return Err(RateError::NotANumber { text: text() });
            }
            _ if unit.is_empty() => return Err(RateError::NoUnit { text: text() }),
            _ => {}
        }
        let unit = unit.trim_start();
        let places = places(unit).ok_or_else(|| RateError::UnknownUnit { unit: unit.to_owned() })?;
        let bits = decimal::parse(number, places).map_err(|_| out_of_range())?;
        Self::from_bits_per_second(bits).ok_or(RateError::Zero)
    }
}

/// The power of ten of a unit such as `M` or `Mbit/s`.
fn places(unit: &str) -> Option<u32> {
    PREFIXES.iter().find_map(|&(prefix, places)| {
        let rest = match unit.get(..prefix.len()) {
            Some(head) if head.eq_ignore_ascii_case(prefix) => unit.get(prefix.len()..)?,
            _ => return None,
        };
        let is_bits = matches!(rest, "bit/s" | "bits/s" | "bit" | "bps");
        (is_bits || (rest.is_empty() && places > 0)).then_some(places)
    })
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.bits_per_second();
        let (prefix, places) = PREFIXES
            .into_iter()
            .find(|&(_, places)| bits >= 10_u64.pow(places))
            .unwrap_or(("", 0));
        decimal::write(f, bits, places)?;
        write!(f, " {prefix}bit/s")
    }
}

impl TryFrom<String> for Rate {
    type Error = RateError;

    fn try_from(text: String) -> Result<Self, RateError> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(text: &str) -> u64 {
        text.parse::<Rate>().expect(text).bits_per_second()
    }

    #[test]
    fn prefixes_are_decimal() {
        assert_eq!(bits("64k"), 64_000);
        assert_eq!(bits("200M"), 200_000_000);
        assert_eq!(bits("1.5G"), 1_500_000_000);
        assert_eq!(bits("1T"), 1_000_000_000_000);
    }

    #[test]
    fn the_unit_may_be_written_out() {
        for text in ["200 Mbit/s", "200Mbps", "200mbit", "200M"] {
            assert_eq!(bits(text), 200_000_000, "{text:?}");
        }
        assert_eq!(bits("9600 bit/s"), 9_600);
    }

    #[test]
    fn a_number_without_unit_is_refused_with_both_meanings() {
        let error = "200".parse::<Rate>().expect_err("no unit");
        assert_eq!(
            error.to_string(),
            "\"200\" has no unit: write 200M for 200 Mbit/s, or 200bit/s if that is meant"
        );
    }

    #[test]
    fn bytes_and_binary_prefixes_are_refused() {
        for text in ["200MB/s", "200MiB", "200Mb", "200 Mibit/s", "5x", "5 µ"] {
            let error = text.parse::<Rate>().expect_err(text);
            assert!(matches!(error, RateError::UnknownUnit { .. }), "{error}");
        }
    }

    #[test]
    fn zero_is_refused() {
        assert_eq!("0M".parse::<Rate>(), Err(RateError::Zero));
    }

    #[test]
    fn part_of_a_bit_is_refused_rather_than_rounded() {
        let error = "1.5bit/s".parse::<Rate>().expect_err("half a bit");
        assert!(matches!(error, RateError::OutOfRange { .. }), "{error}");
    }

    #[test]
    fn a_rate_past_64_bits_is_refused() {
        let error = "99999999999T".parse::<Rate>().expect_err("too much");
        assert!(matches!(error, RateError::OutOfRange { .. }), "{error}");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "M", "fast", "-5M", "1.2.3M"] {
            let error = text.parse::<Rate>().expect_err(text);
            assert!(matches!(error, RateError::NotANumber { .. }), "{error}");
        }
    }

    #[test]
    fn a_datagrams_time_is_its_bits_over_the_rate() {
        let rate: Rate = "100M".parse().expect("a rate");
        assert_eq!(rate.time_for(1_250), Duration::from_micros(100));
    }

    #[test]
    fn a_time_past_what_a_duration_holds_is_the_longest_duration() {
        let rate = Rate::from_bits_per_second(1).expect("one bit");
        assert_eq!(rate.time_for(u64::MAX), Duration::MAX);
    }

    #[test]
    fn it_is_a_string_in_a_file() {
        let read: Rate = serde_json::from_str("\"200M\"").expect("a rate");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), "\"200 Mbit/s\"");
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_reads_back_as_the_same(bits in 1..=u64::MAX) {
            let rate = Rate::from_bits_per_second(bits).expect("not zero");
            proptest::prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<Rate>();
        }
    }
}
