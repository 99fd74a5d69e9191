//! How long files of what was sent are kept: which of them are over.
//!
//! ```text
//! oldest ───────────────────────────────▶ newest
//! │ over its age │ over the size, with all after it │ kept │
//! └───────── removed, oldest first ────────┘
//! ```
//!
//! Always true:
//! - nothing is over unless it was asked for;
//! - the newest one is never removed for the size.

use protocol::digest::BundleId;
use protocol::time::UnixMillis;

/// How long files of what was sent are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Retention {
    /// Since they were sent; `None` for ever.
    pub(super) days: Option<u64>,
    /// Bytes that they may take together; `None` for any number.
    pub(super) bytes: Option<u64>,
}

/// A file of a bundle that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeptFile {
    pub(super) bundle: BundleId,
    /// Bytes that it takes.
    pub(super) bytes: u64,
    /// When the bundle was sent, the last time that is known of.
    pub(super) sent: UnixMillis,
}

/// Why a file is kept no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It was sent more than so many days ago.
    Age {
        /// As it is configured.
        days: u64,
    },
    /// It is the oldest, and all together take more than so many bytes.
    Size {
        /// As it is configured.
        bytes: u64,
    },
}

impl Why {
    /// The reason's code, as on the receiver's side.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Age { .. } => "retention-age",
            Self::Size { .. } => "retention-size",
        }
    }

    /// Why, for people, with the setting.
    pub(super) fn detail(self) -> String {
        match self {
            Self::Age { days } => format!("by retention: sent more than {days} days ago (retention.sent_days)"),
            Self::Size { bytes } => format!(
                "by retention: the oldest, and all sent take more than {} MiB (retention.sent_mib)",
                bytes >> 20
            ),
        }
    }
}

impl Retention {
    /// Whether anything is ever removed.
    pub(super) fn is_asked_for(self) -> bool {
        self != Self::default()
    }

    /// The first `most` of the files that are kept no longer at `now`, with whatever each is called; from the oldest on.
    pub(super) fn over<N: Clone + Ord>(
        self,
        files: impl Iterator<Item = (N, KeptFile)>,
        now: UnixMillis,
        most: usize,
    ) -> Vec<(N, KeptFile, Why)> {
        let mut files: Vec<_> = files.collect();
        files.sort_by(|(one, a), (other, b)| (a.sent, one).cmp(&(b.sent, other)));
        let mut bytes = files.iter().map(|(_, file)| file.bytes).fold(0, u64::saturating_add);
        let mut left = files.len();
        let mut over = Vec::new();
        for (name, file) in files.into_iter().take(most) {
            let age_ms = now.millis_since(file.sent);
            let aged = self.days.filter(|days| age_ms > days.saturating_mul(DAY_MS));
            let large = self.bytes.filter(|room| bytes > *room && left > 1);
            let why = match (aged, large) {
                (Some(days), _) => Why::Age { days },
                (None, Some(bytes)) => Why::Size { bytes },
                // All later ones are younger.
                (None, None) => break,
            };
            bytes = bytes.saturating_sub(file.bytes);
            left -= 1;
            over.push((name, file, why));
        }
        over
    }
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

#[cfg(test)]
mod tests {
    use protocol::digest::Digest;

    use super::*;

    /// What is over at the end of `day` of files of a MiB, sent a day after each other from day 0 on.
    fn over(retention: Retention, files: u8, day: u64) -> Vec<(u8, &'static str)> {
        let file = |number: u8| KeptFile {
            bundle: BundleId(Digest([number; 32])),
            bytes: 1 << 20,
            sent: UnixMillis(u64::from(number) * DAY_MS),
        };
        // From the newest on, so that the order is not theirs by chance.
        let files = (0..files).rev().map(|number| (number, file(number)));
        let over = retention.over(files, UnixMillis(day * DAY_MS), 100);
        over.into_iter().map(|(number, _, why)| (number, why.code())).collect()
    }

    fn days(days: u64) -> Retention {
        Retention {
            days: Some(days),
            bytes: None,
        }
    }

    fn mib(mib: u64) -> Retention {
        Retention {
            days: None,
            bytes: Some(mib << 20),
        }
    }

    #[test]
    fn without_a_word_nothing_is_ever_over() {
        assert!(!Retention::default().is_asked_for() && days(1).is_asked_for());
        assert_eq!(over(Retention::default(), 3, 100_000), []);
    }

    #[test]
    fn what_is_older_than_its_days_is_over_and_what_is_as_old_is_not() {
        assert_eq!(over(days(10), 3, 11), [(0, "retention-age")]);
    }

    #[test]
    fn the_oldest_are_over_until_the_rest_fits_and_the_newest_never_is() {
        assert_eq!(over(mib(2), 4, 4), [(0, "retention-size"), (1, "retention-size")]);
        let none = Retention {
            days: None,
            bytes: Some(1),
        };
        assert_eq!(over(none, 2, 2), [(0, "retention-size")]);
    }

    #[test]
    fn a_clock_that_stands_before_what_was_sent_removes_nothing_for_its_age() {
        assert_eq!(over(days(1), 3, 0), []);
    }
}
