//! The time of day, for records and events.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::time::UnixMillis;

/// The time now, by the system's clock.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
