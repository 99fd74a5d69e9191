//! The receiver's time: the later of the local clock and the newest entry of its own log.
//!
//! A clock that is set back can't date an event before one that is on record; at the start it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use protocol::time::{Tick, UnixMillis};

/// What the system's clock says.
#[must_use]
pub fn wall() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A clock that tells the date.
#[derive(Debug, Clone, Default)]
pub enum Wall {
    /// The system's.
    #[default]
    System,
    /// One that shows what it is set to, in milliseconds since 1970.
    Set(Arc<AtomicU64>),
}

impl Wall {
    /// What it shows.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        match self {
            Self::System => wall(),
            Self::Set(millis) => UnixMillis(millis.load(Ordering::Relaxed)),
        }
    }
}

/// What the system's clock says, in microseconds since 1970.
#[must_use]
pub fn wall_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// A clock for waiting, from the moment it was made.
#[derive(Debug, Clone)]
pub enum Ticker {
    /// By the system's.
    System(Instant),
    /// One that shows what it is set to, in milliseconds.
    Set(Arc<AtomicU64>),
}

impl Ticker {
    /// A ticker at zero.
    #[must_use]
    pub fn start() -> Self {
        Self::System(Instant::now())
    }

    /// Milliseconds since the start.
    #[must_use]
    pub fn now(&self) -> Tick {
        match self {
            Self::System(start) => Tick(u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)),
            Self::Set(millis) => Tick(millis.load(Ordering::Relaxed)),
        }
    }
}

/// Never goes back.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    newest: UnixMillis,
}

impl Clock {
    /// A clock that is not behind the log's newest entry.
    #[must_use]
    pub fn after(newest: UnixMillis) -> Self {
        Self { newest }
    }

    /// The time, given what the system says.
    pub fn at(&mut self, wall: UnixMillis) -> UnixMillis {
        self.newest = self.newest.max(wall);
        self.newest
    }

    /// Milliseconds by which the system's clock is behind the log, if it is.
    #[must_use]
    pub fn behind(&self, wall: UnixMillis) -> u64 {
        self.newest.millis_since(wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_back_behind_the_log() {
        let mut clock = Clock::after(UnixMillis(1000));
        assert_eq!(clock.at(UnixMillis(900)), UnixMillis(1000));
        assert_eq!(clock.at(UnixMillis(1100)), UnixMillis(1100));
        assert_eq!(clock.at(UnixMillis(1050)), UnixMillis(1100));
    }

    #[test]
    fn a_clock_behind_the_log_is_noticed() {
        assert_eq!(Clock::after(UnixMillis(1000)).behind(UnixMillis(400)), 600);
        assert_eq!(Clock::after(UnixMillis(1000)).behind(UnixMillis(1400)), 0);
    }
}
