//! A share of a whole, as an operator writes it: `2%`, `0.5 %` or `0.02`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::decimal::{self, DecimalFault};

/// A share from nothing to all, exact to one part in a billion.
///
/// Written with a percent sign (`2%`, `0.5 %`) or as a fraction below 1 (`0.02`). A bare number from 1 on is refused, since
/// `2` may be meant as 2 % or as 200 %. Shown with the sign.
///
/// ```
/// use diode_hw::units::Percent;
/// let loss: Percent = "0.5 %".parse()?;
/// assert_eq!(loss, "0.005".parse()?);
/// assert_eq!(loss.to_string(), "0.5%");
/// # Ok::<(), diode_hw::units::PercentError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Percent {
    parts_per_billion: u32,
}

impl Percent {
    /// Nothing.
    pub const ZERO: Self = Self { parts_per_billion: 0 };
    /// All.
    pub const HUNDRED: Self = Self {
        parts_per_billion: BILLION,
    };

    /// The share of so many parts in a billion; `None` for more than all.
    #[must_use]
    pub const fn from_parts_per_billion(parts_per_billion: u32) -> Option<Self> {
        if parts_per_billion > BILLION {
            return None;
        }
        Some(Self { parts_per_billion })
    }

    /// Parts in a billion, from 0 to 1,000,000,000.
    #[must_use]
    pub const fn parts_per_billion(self) -> u32 {
        self.parts_per_billion
    }

    /// The share as a fraction, from 0 to 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.parts_per_billion) / f64::from(BILLION)
    }

    /// Whether it is nothing at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.parts_per_billion == 0
    }
}

const BILLION: u32 = 1_000_000_000;
/// Decimal places between one percent and one part in a billion.
const PERCENT_PLACES: u32 = 7;
/// Decimal places between the whole and one part in a billion.
const FRACTION_PLACES: u32 = 9;

/// Why a text is not a percentage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PercentError {
    /// Not a number, with or without the sign.
    #[error("{text:?} is not a percentage: write it as 2%, 0.5% or 0.02")]
    NotANumber {
        /// What was written.
        text: String,
    },
    /// A bare number from 1 on.
    #[error("{text:?} could mean {text} % or {text} times the whole: write {text}% or a fraction below 1")]
    Ambiguous {
        /// What was written.
        text: String,
    },
    /// More than all.
    #[error("{text:?} is more than 100%")]
    OverAll {
        /// What was written.
        text: String,
    },
    /// Finer than is kept.
    #[error("{text:?} is finer than one part in a billion (0.0000001%)")]
    TooFine {
        /// What was written.
        text: String,
    },
}

impl FromStr for Percent {
    type Err = PercentError;

    fn from_str(written: &str) -> Result<Self, PercentError> {
        let trimmed = written.trim();
        let text = || trimmed.to_owned();
        let (number, places) = match trimmed.strip_suffix('%') {
            Some(number) => (number.trim_end(), PERCENT_PLACES),
            None => (trimmed, FRACTION_PLACES),
        };
        let parts = match decimal::parse(number, places) {
            Ok(parts) => parts,
            Err(DecimalFault::NotANumber) => {
                return Err(PercentError::NotANumber { text: text() });
            }
            Err(DecimalFault::TooFine) => return Err(PercentError::TooFine { text: text() }),
            Err(DecimalFault::TooLarge) => u64::MAX,
        };
        if places == FRACTION_PLACES && parts >= u64::from(BILLION) {
            return Err(PercentError::Ambiguous { text: text() });
        }
        u32::try_from(parts)
            .ok()
            .and_then(Self::from_parts_per_billion)
            .ok_or_else(|| PercentError::OverAll { text: text() })
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal::write(f, u64::from(self.parts_per_billion), PERCENT_PLACES)?;
        f.write_str("%")
    }
}

impl TryFrom<String> for Percent {
    type Error = PercentError;

    fn try_from(text: String) -> Result<Self, PercentError> {
        text.parse()
    }
}

impl From<Percent> for String {
    fn from(percent: Percent) -> Self {
        percent.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> u32 {
        text.parse::<Percent>().expect(text).parts_per_billion()
    }

    #[test]
    fn the_three_ways_to_write_it_mean_the_same() {
        assert_eq!(parts("2%"), 20_000_000);
        assert_eq!(parts(" 2 % "), 20_000_000);
        assert_eq!(parts("0.02"), 20_000_000);
    }

    #[test]
    fn all_of_it_is_written_with_the_sign() {
        assert_eq!("100%".parse(), Ok(Percent::HUNDRED));
    }

    #[test]
    fn zero_needs_no_sign() {
        assert_eq!("0".parse(), Ok(Percent::ZERO));
    }

    #[test]
    fn a_bare_number_from_1_on_is_ambiguous() {
        for text in ["1", "2", "1.0", "100000000000000000000"] {
            let error = text.parse::<Percent>().expect_err(text);
            assert!(matches!(error, PercentError::Ambiguous { .. }), "{error}");
        }
        assert_eq!(parts("0.999999999"), 999_999_999);
    }

    #[test]
    fn more_than_100_percent_is_refused() {
        for text in ["100.0000001%", "10000000000000000000000%"] {
            let error = text.parse::<Percent>().expect_err(text);
            assert!(matches!(error, PercentError::OverAll { .. }), "{error}");
        }
    }

    #[test]
    fn what_is_finer_than_a_billionth_is_refused_rather_than_rounded() {
        assert_eq!(parts("0.0000001%"), 1);
        let error = "0.00000001%".parse::<Percent>().expect_err("finer");
        assert!(matches!(error, PercentError::TooFine { .. }), "{error}");
    }

    #[test]
    fn a_refusal_shows_how_to_write_it() {
        let error = "two".parse::<Percent>().expect_err("a word");
        assert_eq!(
            error.to_string(),
            "\"two\" is not a percentage: write it as 2%, 0.5% or 0.02"
        );
    }

    #[test]
    fn it_is_a_string_in_a_file() {
        let read: Percent = serde_json::from_str("\"1.5%\"").expect("a percentage");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), "\"1.5%\"");
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_reads_back_as_the_same(parts in 0..=BILLION) {
            let percent = Percent::from_parts_per_billion(parts).expect("at most all");
            proptest::prop_assert_eq!(percent.to_string().parse(), Ok(percent));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<Percent>();
        }
    }
}
