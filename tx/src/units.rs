//! Sizes and times as people read them: binary units with one decimal, local time.

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
}
