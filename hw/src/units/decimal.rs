//! Decimal numbers as text, read and written without a floating point in between.

use std::fmt;

/// Why a text is not a usable decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecimalFault {
    /// Not digits with at most one point among them.
    NotANumber,
    /// More digits after the point than the unit has parts.
    TooFine,
    /// More than 64 bits hold.
    TooLarge,
}

/// Reads `text` times ten to the power of `places`.
pub(super) fn parse(text: &str, places: u32) -> Result<u64, DecimalFault> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || (whole.is_empty() && part.is_empty()) {
        return Err(DecimalFault::NotANumber);
    }
    let part = part.trim_end_matches('0');
    let part_places = u32::try_from(part.len()).map_err(|_| DecimalFault::TooFine)?;
    let missing = places.checked_sub(part_places).ok_or(DecimalFault::TooFine)?;
    let whole = number(whole)?
        .checked_mul(power(places)?)
        .ok_or(DecimalFault::TooLarge)?;
    let part = number(part)?
        .checked_mul(power(missing)?)
        .ok_or(DecimalFault::TooLarge)?;
    whole.checked_add(part).ok_or(DecimalFault::TooLarge)
}

/// Writes `value` divided by ten to the power of `places`, with no more digits than it needs.
pub(super) fn write(f: &mut fmt::Formatter<'_>, value: u64, places: u32) -> fmt::Result {
    let unit = 10_u64.saturating_pow(places);
    let (whole, part) = (value / unit, value % unit);
    if part == 0 {
        return write!(f, "{whole}");
    }
    let width = usize::try_from(places).unwrap_or(0);
    let digits = format!("{part:0width$}");
    write!(f, "{whole}.{}", digits.trim_end_matches('0'))
}

fn number(digits: &str) -> Result<u64, DecimalFault> {
    if digits.is_empty() {
        return Ok(0);
    }
    digits.parse().map_err(|_| DecimalFault::TooLarge)
}

fn power(places: u32) -> Result<u64, DecimalFault> {
    10_u64.checked_pow(places).ok_or(DecimalFault::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_after_the_point_count() {
        assert_eq!(parse("1.5", 3), Ok(1_500));
    }

    #[test]
    fn a_number_may_begin_with_its_point() {
        assert_eq!(parse(".5", 1), Ok(5));
    }

    #[test]
    fn trailing_zeros_are_not_digits_too_many() {
        assert_eq!(parse("1.500", 1), Ok(15));
    }

    #[test]
    fn a_digit_finer_than_the_unit_is_refused() {
        assert_eq!(parse("1.55", 1), Err(DecimalFault::TooFine));
    }

    #[test]
    fn a_number_past_64_bits_is_refused() {
        assert_eq!(parse("18446744073709551616", 0), Err(DecimalFault::TooLarge));
        assert_eq!(parse("18446744073709551615", 1), Err(DecimalFault::TooLarge));
    }

    #[test]
    fn what_is_not_digits_and_one_point_is_not_a_number() {
        for text in ["", ".", "-1", "+1", "1e3", "1.2.3", "1_000", "inf", "٣"] {
            assert_eq!(parse(text, 3), Err(DecimalFault::NotANumber), "{text:?}");
        }
    }
}
