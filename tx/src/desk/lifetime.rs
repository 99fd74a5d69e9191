//! How long a bundle is good for, as the author writes it.

use protocol::time::{TimeError, UnixMillis};

/// An end that can't be read, or that isn't one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotAfterError {
    #[error("{text:?} is neither a duration such as 30d, 12h or 90m nor an RFC 3339 time")]
    Unreadable { text: String },
    #[error("{end} is not after now")]
    Past { end: UnixMillis },
}

/// The end that `text` names: so long after `now` (`30d`, `12h`, `90m`, `2w`), or an RFC 3339 time.
pub(super) fn not_after(text: &str, now: UnixMillis) -> Result<UnixMillis, NotAfterError> {
    let unreadable = || NotAfterError::Unreadable {
        text: text.chars().take(64).collect(),
    };
    let end = match duration_millis(text) {
        Some(millis) => now.plus_millis(millis),
        None => UnixMillis::from_rfc3339(text).map_err(|TimeError { .. }| unreadable())?,
    };
    // What RFC 3339 can't write would be read back as another time.
    if UnixMillis::from_rfc3339(&end.to_rfc3339()) != Ok(end) {
        return Err(unreadable());
    }
    if end <= now {
        Err(NotAfterError::Past { end })
    } else {
        Ok(end)
    }
}

fn duration_millis(text: &str) -> Option<u64> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        'w' => 7 * 24 * 3600,
        'd' => 24 * 3600,
        'h' => 3600,
        'm' => 60,
        _ => return None,
    };
    let digits = text.strip_suffix(unit)?;
    // `parse` alone would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(seconds * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    #[test]
    fn durations_count_from_now() {
        let day = 24 * 3600 * 1000;
        let ends = ["30d", "2w", "12h", "90m"].map(|text| not_after(text, NOW).unwrap().millis_since(NOW));
        assert_eq!(ends, [30 * day, 14 * day, day / 2, 90 * 60 * 1000]);
    }

    #[test]
    fn a_time_is_taken_as_it_is() {
        assert_eq!(
            not_after("2100-01-01T00:00:00Z", NOW),
            Ok(UnixMillis(4_102_444_800_000))
        );
    }

    #[test]
    fn an_end_that_is_now_or_past_is_refused() {
        for text in ["0d", "2001-01-01T00:00:00Z"] {
            assert!(
                matches!(not_after(text, NOW), Err(NotAfterError::Past { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn an_end_beyond_the_calendar_is_refused() {
        for text in ["99999999999d", "4000000d", "99999999999999999999d"] {
            assert!(
                matches!(not_after(text, NOW), Err(NotAfterError::Unreadable { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_neither_duration_nor_time_is_refused() {
        for text in ["", "d", "-1d", "+1d", "30", "30 d", "1y", "tomorrow", "30д"] {
            assert!(
                matches!(not_after(text, NOW), Err(NotAfterError::Unreadable { .. })),
                "{text}"
            );
        }
    }
}
