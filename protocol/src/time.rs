//! Points in time as data: milliseconds since the Unix epoch, RFC 3339 where a person or JSON reads them.
//!
//! Nothing here reads a clock; the drivers do, and pass what they read.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

/// Milliseconds of a clock that never goes back, from an arbitrary start: for waiting, not for dating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(pub u64);

impl Tick {
    /// This tick and `millis` more.
    #[must_use]
    pub fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this tick, zero if it is later.
    #[must_use]
    pub fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The last instant that RFC 3339 can write (9999-12-30, where the calendar library ends).
const LATEST: u64 = 253_402_207_200_999;

/// Text that is no RFC 3339 timestamp after 1970.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time such as 2026-11-22T09:41:07Z: {text:?}")]
pub struct TimeError {
    /// What was given, cut at 64 characters.
    pub text: String,
}

impl UnixMillis {
    /// Reads an RFC 3339 timestamp; what is finer than a millisecond is cut off.
    ///
    /// # Errors
    /// [`TimeError`] if `text` is not one, or lies before 1970.
    pub fn from_rfc3339(text: &str) -> Result<Self, TimeError> {
        text.parse::<Timestamp>()
            .ok()
            .and_then(|at| u64::try_from(at.as_millisecond()).ok())
            .map(Self)
            .ok_or_else(|| TimeError {
                text: text.chars().take(64).collect(),
            })
    }

    /// As RFC 3339 in UTC with milliseconds, for example `2026-11-22T09:41:07.000Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let millis = i64::try_from(self.0.min(LATEST)).unwrap_or(0);
        match Timestamp::from_millisecond(millis) {
            Ok(at) => format!("{at:.3}"),
            Err(_) => "9999-12-30T22:00:00.999Z".to_owned(),
        }
    }

    /// This time and `millis` more, at most the largest representable one.
    #[must_use]
    pub fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this time, zero if it is later.
    #[must_use]
    pub fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl fmt::Debug for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for UnixMillis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for UnixMillis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
            Self::from_rfc3339(&text).map_err(serde::de::Error::custom)
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back_as_written() {
        let at = UnixMillis(1_795_340_467_123);
        assert_eq!(at.to_rfc3339(), "2026-11-22T09:41:07.123Z");
        assert_eq!(UnixMillis::from_rfc3339(&at.to_rfc3339()), Ok(at));
    }

    #[test]
    fn an_offset_is_taken_into_account() {
        let there = UnixMillis::from_rfc3339("2026-11-22T10:41:07+01:00").unwrap();
        assert_eq!(there.to_rfc3339(), "2026-11-22T09:41:07.000Z");
    }

    #[test]
    fn a_time_before_1970_is_refused() {
        assert!(UnixMillis::from_rfc3339("1969-12-31T23:59:59Z").is_err());
    }

    #[test]
    fn the_largest_value_can_be_written() {
        assert!(UnixMillis(u64::MAX).to_rfc3339().starts_with("9999-12-30"));
        assert!(UnixMillis(LATEST).to_rfc3339().starts_with("9999-12-30"));
    }
}
