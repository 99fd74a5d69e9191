//! The receiver's events, as `diode-rx tail --json` tells them.

use std::time::{Duration, Instant};

use audit::event::{Event, EventKind};
use protocol::digest::BundleId;
use serde::Deserialize;

use super::{DriveError, Program, Programs, Running};

/// An entry of the receiver's log.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place in the log.
    pub index: u64,
    /// What happened.
    pub event: Event,
}

impl Entry {
    /// Reads a line of `tail --json`.
    ///
    /// # Errors
    /// [`DriveError::Unexpected`] if it is no event with its place.
    pub fn parse(line: &str) -> Result<Self, DriveError> {
        #[derive(Deserialize)]
        struct Place {
            log_index: u64,
        }
        let unexpected = |reason: String| DriveError::Unexpected {
            program: Program::Rx.name(),
            reason,
            text: line.to_owned(),
        };
        let place: Place = serde_json::from_str(line).map_err(|error| unexpected(error.to_string()))?;
        let event = Event::parse(line.as_bytes()).map_err(|error| unexpected(error.to_string()))?;
        Ok(Self {
            index: place.log_index,
            event,
        })
    }

    /// Whether it is about this bundle under this number.
    #[must_use]
    pub fn is_of(&self, bundle: BundleId, seq: u64) -> bool {
        self.event.bundle == Some(bundle) && self.event.seq == Some(seq)
    }

    /// Whether a bundle's way ends here, as far as no person decides.
    #[must_use]
    pub fn is_final(&self) -> bool {
        use EventKind::{
            BundleDuplicate, BundleHeld, BundleIncomplete, BundleRefused, BundleRejected, BundleReleaseCancelled,
            BundleReleased,
        };
        matches!(
            self.event.event,
            BundleDuplicate
                | BundleHeld
                | BundleIncomplete
                | BundleRefused
                | BundleRejected
                | BundleReleaseCancelled
                | BundleReleased
        )
    }
}

/// A running `diode-rx tail --json`, from the log's first entry on.
#[derive(Debug)]
pub struct Tail {
    running: Running,
    seen: Vec<Entry>,
}

impl Tail {
    /// Follows the log in the receiver's folder `home`, whether its daemon runs or not.
    ///
    /// # Errors
    /// [`DriveError::Start`].
    pub(super) fn follow(programs: &Programs, home: &std::path::Path) -> Result<Self, DriveError> {
        let all = u64::MAX.to_string();
        let args = [
            "--home".as_ref(),
            home.as_os_str(),
            "tail".as_ref(),
            "--json".as_ref(),
            "-n".as_ref(),
            all.as_ref(),
        ];
        Ok(Self {
            running: programs.start(Program::Rx, args)?,
            seen: Vec::new(),
        })
    }

    /// The first entry, past or to come, for which `wanted` holds; `what` says what that is.
    ///
    /// # Errors
    /// [`DriveError::TimedOut`] if there is none within `limit`.
    pub fn wait_for(
        &mut self,
        what: &str,
        limit: Duration,
        mut wanted: impl FnMut(&Entry) -> bool,
    ) -> Result<Entry, DriveError> {
        if let Some(entry) = self.seen.iter().find(|entry| wanted(entry)) {
            return Ok(entry.clone());
        }
        let deadline = Instant::now() + limit;
        loop {
            let entry = self.next(what, deadline.saturating_duration_since(Instant::now()))?;
            if wanted(&entry) {
                return Ok(entry);
            }
        }
    }

    /// The next entry that was not seen yet.
    ///
    /// # Errors
    /// [`DriveError::TimedOut`] if there is none within `limit`.
    pub fn next(&mut self, what: &str, limit: Duration) -> Result<Entry, DriveError> {
        let line = self.running.next_line(what, limit)?;
        let entry = Entry::parse(&line)?;
        self.seen.push(entry.clone());
        Ok(entry)
    }

    /// All entries seen so far, oldest first.
    #[must_use]
    pub fn seen(&self) -> &[Entry] {
        &self.seen
    }

    /// What was seen of this bundle under this number.
    pub fn seen_of(&self, bundle: BundleId, seq: u64) -> impl Iterator<Item = &Entry> {
        self.seen.iter().filter(move |entry| entry.is_of(bundle, seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"schema":1,"time":"2026-11-22T09:41:07.000Z","event":"link.up","log_index":7}"#;

    #[test]
    fn a_line_of_the_tail_is_an_event_with_its_place() {
        let entry = Entry::parse(LINE).unwrap();
        assert_eq!((entry.index, entry.event.event), (7, EventKind::LinkUp));
    }

    #[test]
    fn a_line_without_a_place_is_refused() {
        assert!(Entry::parse(&LINE.replace(",\"log_index\":7", "")).is_err());
    }

    #[test]
    fn an_event_that_is_not_known_is_refused() {
        assert!(Entry::parse(&LINE.replace("link.up", "link.lost")).is_err());
    }
}
