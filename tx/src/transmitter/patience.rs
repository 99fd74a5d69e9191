//! What becomes of a run when the state's disk is full: it fails, or waits for room and tries again.
//!
//! ```text
//! takes(full) ──▶ holds ──a second──▶ due ──tried again──┬─▶ handle_room
//!                   ▲──────────── takes(full) ───────────┘
//! ```

use std::time::{Duration, Instant};

use super::ledger::LedgerError;

/// Whether a full disk is waited for, and until when.
#[derive(Debug)]
pub(super) struct Patience {
    endless: bool,
    /// When to try again, if the disk was full when it was last tried.
    until: Option<Instant>,
    /// How long a full disk is left alone.
    pub(super) wait: Duration,
}

impl Default for Patience {
    /// Nothing is waited for.
    fn default() -> Self {
        Self {
            endless: false,
            until: None,
            wait: TRY_AGAIN_AFTER,
        }
    }
}

const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

impl Patience {
    /// A full disk is waited for from now on.
    pub(super) fn begin(&mut self) {
        self.endless = true;
    }

    /// A full disk is a failure from now on.
    pub(super) fn end(&mut self) {
        (self.endless, self.until) = (false, None);
    }

    /// Whether a full disk is waited for.
    pub(super) fn is_endless(&self) -> bool {
        self.endless
    }

    /// Whether the error is that of a disk that is full, and waited for: said when it begins.
    pub(super) fn takes(&mut self, error: &LedgerError) -> bool {
        if !self.endless || !error.is_full() {
            return false;
        }
        if self.until.is_none() {
            tracing::error!(%error, "the state's disk is full: nothing new is sent until there is room");
        }
        self.until = Some(Instant::now() + self.wait);
        true
    }

    /// Something could be written.
    pub(super) fn handle_room(&mut self) {
        if self.until.take().is_some() {
            tracing::warn!("there is room on the state's disk again");
        }
    }

    /// Whether the disk was full, and is left alone.
    pub(super) fn holds(&self) -> bool {
        self.until.is_some_and(|until| until > Instant::now())
    }

    /// Whether what a full disk held up is to be tried again.
    pub(super) fn is_due(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }
}
