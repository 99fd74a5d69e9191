//! Files that are to be removed, between who finds them and who has the log: nothing is removed before its entry is durable.
//!
//! ```text
//! Shelf ──Removals──▶ dispatch: not in use ──one group, one sync──▶ log ──allowed──▶ Shelf: removed
//! ```

use audit::event::{Event, EventKind};
use crossbeam_channel::Sender;
use protocol::digest::BundleId;
use protocol::time::UnixMillis;

use super::ledger::{Ledger, LedgerError};
use super::retention::Why;

/// A file of a bundle that was sent, which is kept no longer.
#[derive(Debug, Clone)]
pub(super) struct Removal {
    pub(super) bundle: BundleId,
    /// Bytes of the file.
    pub(super) file_bytes: u64,
    /// Where it is, as the operator calls it.
    pub(super) path: String,
    pub(super) why: Why,
}

/// Some of them, and where it is told which may go. Who asks takes no answer for no.
#[derive(Debug)]
pub(super) struct Removals {
    pub(super) removals: Vec<Removal>,
    /// With a place for the answer.
    pub(super) allowed: Sender<Vec<bool>>,
}

impl Removals {
    /// Writes an entry for each whose bundle is not in use, and then allows them.
    ///
    /// # Errors
    /// As [`Ledger::note_removed`]; none is then allowed.
    pub(super) fn allow(
        self,
        ledger: &mut Ledger,
        is_in_use: impl Fn(&BundleId) -> bool,
        now: UnixMillis,
    ) -> Result<(), LedgerError> {
        let allowed: Vec<bool> = (self.removals.iter())
            .map(|removal| !is_in_use(&removal.bundle))
            .collect();
        let mut removals = self.removals;
        let mut answers = allowed.iter();
        removals.retain(|_| answers.next().is_some_and(|allowed| *allowed));
        ledger.note_removed(&removals, now)?;
        // Whoever has gone meanwhile removes nothing.
        let _ = self.allowed.try_send(allowed);
        Ok(())
    }
}

impl Removal {
    /// The entry that says so; `event` has what is known of the bundle.
    pub(super) fn event(&self, event: Event) -> Event {
        Event {
            event: EventKind::BundleRemoved,
            bundle: Some(self.bundle),
            file_bytes: Some(self.file_bytes),
            path: Some(self.path.clone()),
            reason: Some(self.why.code().to_owned()),
            detail: Some(self.why.detail()),
            ..event
        }
    }
}
