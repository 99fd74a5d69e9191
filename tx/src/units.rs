//! Sizes and times as people read them: binary units with one decimal, local time. Sizes as they write them: binary or decimal.

use std::fmt;
use std::str::FromStr;

use protocol::time::UnixMillis;

/// Bytes in binary units with one decimal, whole bytes below 1 KiB: `1.2 MiB`.
#[must_use]
pub fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        // 1023.95 would round to "1024.0".
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    format!("{value:.1} {unit}")
}

/// A count with its noun: `1 leaf`, `38 leaves`.
#[must_use]
pub fn count_text(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A point in time in the local zone, with its offset: `2026-11-22 09:41:07 +01:00`.
#[must_use]
pub fn local_time_text(at: UnixMillis) -> String {
    let zoned = i64::try_from(at.0)
        .ok()
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
        .map(|stamp| stamp.to_zoned(jiff::tz::TimeZone::system()));
    match zoned {
        Some(zoned) => zoned.strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
        None => at.to_rfc3339(),
    }
}

/// A number of bytes as a person wrote it: `10KB`, `1MiB`, `1.5GB`, `700`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteSize {
    bytes: u64,
    written: String,
}

impl ByteSize {
    /// How many.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.written)
    }
}

/// Text that is no number of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ByteSizeError {
    /// Not a number with a unit of bytes.
    #[error("{text:?} is not a size: write it as 700, 10KB (10,000 bytes), 1MiB (1,048,576 bytes) or 1.5GB")]
    NotASize {
        /// What was written.
        text: String,
    },
    /// More than 64 bits hold.
    #[error("{text:?} is more than 16 EiB")]
    TooLarge {
        /// What was written.
        text: String,
    },
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(written: &str) -> Result<Self, ByteSizeError> {
        let written = written.trim();
        let text = || written.to_owned();
        let end = written
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(written.len());
        let (number, unit) = written.split_at(end);
        let unit = BYTE_UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit.trim_start()));
        let (Some((_, unit)), Some((whole, thousandths))) = (unit, in_thousandths(number)) else {
            return Err(ByteSizeError::NotASize { text: text() });
        };
        let bytes = whole
            .checked_mul(*unit)
            .and_then(|bytes| bytes.checked_add(unit / 1000 * thousandths));
        Ok(Self {
            bytes: bytes.ok_or_else(|| ByteSizeError::TooLarge { text: text() })?,
            written: text(),
        })
    }
}

/// Names of units and their bytes.
const BYTE_UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// A decimal number with up to three digits after its point, in two parts. What has no number at all before the point is none.
fn in_thousandths(number: &str) -> Option<(u64, u64)> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    if decimals.is_empty() || decimals.len() > 3 {
        return None;
    }
    let thousandths = format!("{decimals:0<3}").parse().ok()?;
    Some((whole.parse().ok()?, thousandths))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal_from_a_kibibyte_on() {
        let shown: Vec<String> = [0, 1023, 1024, 1_258_291, 1 << 30, u64::MAX].map(size_text).into();
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.2 MiB", "1.0 GiB", "16384.0 PiB"]);
    }

    #[test]
    fn a_size_just_under_a_unit_is_not_shown_as_1024_of_the_smaller() {
        assert_eq!(size_text((1 << 20) - 1), "1.0 MiB");
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(
            [0, 1, 2].map(|n| count_text(n, "leaf", "leaves")),
            ["0 leaves", "1 leaf", "2 leaves"]
        );
    }

    #[test]
    fn a_time_past_the_calendar_still_shows() {
        assert!(local_time_text(UnixMillis(u64::MAX)).starts_with("9999"));
    }

    fn bytes(text: &str) -> Option<u64> {
        text.parse().ok().map(|size: ByteSize| size.bytes())
    }

    #[test]
    fn a_size_is_decimal_or_binary_as_its_unit_says() {
        let sizes = ["700", "10KB", "10 kb", "1MiB", "1.5GB", "0"].map(bytes);
        assert_eq!(sizes, [700, 10_000, 10_000, 1 << 20, 1_500_000_000, 0].map(Some));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in [
            "",
            "MB",
            "10XB",
            "-1",
            "1.2.3MB",
            "1.MB",
            ".5MB",
            "1.2345MB",
            "99999999999TB",
            "18446744073709551616",
        ] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    #[test]
    fn a_size_is_shown_as_it_was_written() {
        assert_eq!(format!("{:>6}|", "1.5GB".parse::<ByteSize>().unwrap()), " 1.5GB|");
    }
}
