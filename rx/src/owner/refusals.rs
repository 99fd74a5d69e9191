//! What a sender can cause without end, as a bounded number of entries: past a rate it is counted, and summarised once the minute is over.
//!
//! ```text
//! refusal ──▶ room this minute, and on the disk? ──yes──▶ entry, synced
//!                └─no──▶ counted ──minute over, room on the disk──▶ refusals.summarised
//! ```
//!
//! Always true: refusals and closed numbers never take more than half of what is kept free for the log; the other half is for decisions.

use std::sync::Arc;

use audit::event::{Event, EventKind};
use audit::storage::Storage;

use super::{Owner, OwnerError, unless_full};
use crate::limiter::Limiter;

/// What is counted, and what is written on its own.
#[derive(Debug)]
pub(super) struct Refusals {
    limiter: Limiter,
    /// Of the link's own news, which no flood of refusals may hide.
    link_limiter: Limiter,
    /// Held back by minutes that are over, and not told yet.
    untold: u64,
    /// Where the log is.
    disk: Arc<dyn Storage>,
    /// Bytes free there, below which refusals are only counted.
    floor_bytes: u64,
    /// Whether they are, as was said last.
    short: bool,
}

impl Refusals {
    /// Refusals that leave so many bytes of the log's disk free.
    pub(super) fn new(disk: Arc<dyn Storage>, floor_bytes: u64) -> Self {
        Self {
            limiter: Limiter::default(),
            link_limiter: Limiter::default(),
            untold: 0,
            disk,
            floor_bytes,
            short: false,
        }
    }

    /// Whether the disk has so little room that refusals are only counted. A disk that can't tell is no reason to record nothing.
    pub(super) fn is_short(&mut self) -> bool {
        let short = self.disk.free_bytes().is_ok_and(|free| free < self.floor_bytes);
        match (self.short, short) {
            (false, true) => tracing::error!(
                "the log's disk has less than half of limits.reserve_mib free: refusals are only counted until there is room"
            ),
            (true, false) => tracing::info!("the log's disk has room again: refusals are recorded"),
            _ => {}
        }
        self.short = short;
        short
    }
}

impl Owner {
    /// Whether a refusal would be recorded now, rather than counted for a summary.
    #[must_use]
    pub fn records_refusals(&mut self) -> bool {
        let now = self.now();
        self.refusals.limiter.has_room(now) && !self.refusals.is_short()
    }

    /// Appends an event that a sender can cause at will: past a rate, or where the disk has little room, it is counted and summarised.
    pub(super) fn record_limited(&mut self, event: &Event) -> Result<(), OwnerError> {
        self.summarise_refusals()?;
        let refusals = &mut self.refusals;
        if refusals.limiter.has_room(event.time) && refusals.is_short() {
            refusals.limiter.hold_back(event.time);
            return Ok(());
        }
        if refusals.limiter.admit(event.time) {
            tracing::warn!(seq = event.seq, reason = event.reason, "{}", event.event.as_str());
            self.note(event)?;
        }
        Ok(())
    }

    /// Appends what became of the link, within a rate of its own.
    pub(super) fn record_link(&mut self, event: &Event) -> Result<(), OwnerError> {
        self.summarise_refusals()?;
        if self.refusals.link_limiter.admit(event.time) {
            let (reason, detail) = (event.reason.as_deref(), event.detail.as_deref());
            match event.event {
                EventKind::LinkUp => tracing::info!(detail, "link.up"),
                EventKind::LinkRestored => tracing::error!(seq = event.seq, reason, detail, "link.restored"),
                kind => tracing::warn!(reason, detail, "{}", kind.as_str()),
            }
            unless_full(self.note(event))?;
        }
        Ok(())
    }

    /// Records how many refusals, closed numbers and link events the finished minutes held back, once the disk has room for that.
    ///
    /// # Errors
    /// If the log can't be written.
    pub fn summarise_refusals(&mut self) -> Result<(), OwnerError> {
        let now = self.now();
        let refusals = &mut self.refusals;
        let limiters = [
            &mut refusals.limiter,
            &mut refusals.link_limiter,
            &mut self.closings.limiter,
        ];
        let held_back = limiters.map(|limiter| limiter.finish_minute(now).unwrap_or(0));
        refusals.untold = refusals.untold.saturating_add(held_back.iter().sum());
        match refusals.untold == 0 || refusals.is_short() {
            true => Ok(()),
            false => {
                let untold = std::mem::take(&mut self.refusals.untold);
                self.record_summary(untold)
            }
        }
    }

    /// Records what is held back, in whichever minute: the receiver stops.
    pub(super) fn record_held_back(&mut self) -> Result<(), OwnerError> {
        let refusals = &mut self.refusals;
        let limiters = [&refusals.limiter, &refusals.link_limiter, &self.closings.limiter];
        let held_back: u64 = limiters.map(Limiter::held_back).iter().sum();
        match held_back.saturating_add(std::mem::take(&mut refusals.untold)) {
            0 => Ok(()),
            held_back => self.record_summary(held_back),
        }
    }

    fn record_summary(&mut self, held_back: u64) -> Result<(), OwnerError> {
        let detail = Some(format!(
            "{held_back} further refusals, used-up numbers and link events since the last such entry"
        ));
        let event = Event {
            detail,
            ..self.event(EventKind::RefusalsSummarised)
        };
        self.note(&event)
    }
}
