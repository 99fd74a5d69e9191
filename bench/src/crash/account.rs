//! What the receiver's log says, as anyone can read it, folded and held against the rules.
//!
//! ```text
//! admitted ─▶ held ──release_decided──▶ released
//!              └────────────────────▶ rejected          settled: held with a verdict, released, rejected
//! ```
//!
//! Always true of what was read without an error:
//! - no bundle was admitted twice, no number given to two, and nothing admitted that was not sent;
//! - what was once published is there, unchanged and in its order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use audit::event::{Event, EventKind, State};
use audit::log::LogReader;
use audit::storage::Disk;
use protocol::digest::{BundleId, Digest};

/// A receiver's log so far.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// The digest of each entry.
    entries: Vec<Digest>,
    admitted: BTreeMap<BundleId, Admitted>,
    numbers: BTreeMap<(String, u64), BundleId>,
    /// How often each kind of event stands there.
    kinds: BTreeMap<&'static str, u64>,
    /// The refusals among them, as code and text.
    refusals: Vec<(BundleId, String, String)>,
    /// Bundles that it tells of.
    told: BTreeSet<BundleId>,
    /// Bundles whose last transmission is told to have ended without a bundle.
    failed: BTreeSet<BundleId>,
}

/// A bundle that was admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Admitted {
    /// Its number in the only epoch that there is.
    pub(super) seq: u64,
    pub(super) epoch: String,
    pub(super) state: State,
    /// Whether nothing more happens to it but by a person.
    pub(super) settled: bool,
}

/// Entries that are read at once.
const PIECE: usize = 1024;

impl Account {
    /// Reads what was published since the last time; `was_sent` knows the bundles.
    ///
    /// # Errors
    /// What the log says and must not.
    pub(super) fn read_on(&mut self, log: &Path, was_sent: impl Fn(&BundleId) -> bool) -> anyhow::Result<()> {
        let reader = open(log)?;
        loop {
            let piece = reader.read_raw(self.entries.len() as u64, PIECE)?;
            if piece.is_empty() {
                return Ok(());
            }
            for (index, entry) in piece {
                let event = Event::parse(&entry).with_context(|| format!("entry {index} is not understood"))?;
                self.fold(&event, &was_sent)
                    .with_context(|| format!("entry {index} of the receiver's log"))?;
                self.entries.push(Digest::of(&entry));
            }
        }
    }

    /// Compares all that was read before with what the log says now.
    ///
    /// # Errors
    /// If an entry is gone or another.
    pub(super) fn check_past(&self, log: &Path) -> anyhow::Result<()> {
        let entries = open(log)?.read_raw(0, self.entries.len())?;
        ensure!(
            entries.len() == self.entries.len(),
            "of {} published entries {} are left",
            self.entries.len(),
            entries.len()
        );
        let changed = entries
            .iter()
            .zip(&self.entries)
            .find(|((_, entry), known)| Digest::of(entry) != **known);
        match changed {
            Some(((index, _), _)) => bail!("entry {index} is another than the one that was published"),
            None => Ok(()),
        }
    }

    /// What was admitted.
    pub(super) fn admitted(&self) -> &BTreeMap<BundleId, Admitted> {
        &self.admitted
    }

    /// Whether the log says anything of a bundle.
    pub(super) fn tells_of(&self, id: &BundleId) -> bool {
        self.told.contains(id)
    }

    /// Whether nothing more is to be expected of what was sent of a bundle.
    pub(super) fn has_ended(&self, id: &BundleId) -> bool {
        match self.admitted.get(id) {
            Some(bundle) => bundle.settled,
            None => self.failed.contains(id),
        }
    }

    /// The refusals, as bundle, code and text.
    pub(super) fn refusals(&self) -> &[(BundleId, String, String)] {
        &self.refusals
    }

    /// Entries that were read.
    pub(super) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// How often an event of this kind stands there.
    pub(super) fn count(&self, kind: EventKind) -> u64 {
        self.kinds.get(kind.as_str()).copied().unwrap_or(0)
    }

    fn fold(&mut self, event: &Event, was_sent: impl Fn(&BundleId) -> bool) -> anyhow::Result<()> {
        *self.kinds.entry(event.event.as_str()).or_default() += 1;
        let detail = event.detail.as_deref().unwrap_or_default();
        ensure!(!detail.contains("ALARM"), "an alarm: {detail}");
        let Some(id) = event.bundle else { return Ok(()) };
        self.told.insert(id);
        if event.event == EventKind::BundleAdmitted {
            return self.admit(id, event, was_sent);
        }
        if event.event == EventKind::BundleRefused {
            let reason = event.reason.clone().unwrap_or_default();
            self.refusals.push((id, reason, detail.to_owned()));
        }
        if matches!(event.event, EventKind::BundleRefused | EventKind::BundleIncomplete) {
            self.failed.insert(id);
        }
        let Some(bundle) = self.admitted.get_mut(&id) else {
            return Ok(());
        };
        let (state, settled) = match event.event {
            EventKind::BundleHeld => (State::Held, true),
            EventKind::BundleReleaseDecided | EventKind::BundleReleaseCancelled => (State::Held, false),
            EventKind::BundleReleased => (State::Released, true),
            EventKind::BundleRejected => (State::Rejected, true),
            _ => return Ok(()),
        };
        ensure!(
            bundle.state == State::Held,
            "{id} is {} and {} comes after it",
            bundle.state,
            event.event
        );
        (bundle.state, bundle.settled) = (state, settled);
        Ok(())
    }

    fn admit(&mut self, id: BundleId, event: &Event, was_sent: impl Fn(&BundleId) -> bool) -> anyhow::Result<()> {
        ensure!(was_sent(&id), "{id} is admitted, and nobody sent it");
        let seq = event.seq.context("an admission without a number")?;
        let epoch = event.epoch_id.clone().context("an admission without an epoch")?;
        if let Some(other) = self.numbers.insert((epoch.clone(), seq), id) {
            bail!("number {seq} belongs to {other} and to {id}");
        }
        let bundle = Admitted {
            seq,
            epoch,
            state: State::Held,
            settled: false,
        };
        ensure!(
            self.admitted.insert(id, bundle).is_none(),
            "{id} is admitted a second time"
        );
        Ok(())
    }
}

fn open(log: &Path) -> anyhow::Result<LogReader> {
    Ok(LogReader::open(Arc::new(Disk::open(log)?))?)
}

/// What a transmitter's log says: the number of each bundle.
///
/// # Errors
/// If a number was given to two, a bundle got two, or one was left out.
pub(super) fn numbers_given(log: &Path) -> anyhow::Result<BTreeMap<BundleId, (String, u64)>> {
    let reader = open(log)?;
    let (mut numbers, mut next) = (BTreeMap::new(), 0);
    loop {
        let piece = reader.read(next, PIECE)?;
        let Some((last, _)) = piece.last() else { break };
        next = last + 1;
        for (index, event) in piece.iter().filter(|(_, event)| event.event == EventKind::BundleBound) {
            let (Some(id), Some(seq), Some(epoch)) = (event.bundle, event.seq, event.epoch_id.clone()) else {
                bail!("entry {index} of the transmitter's log binds nothing");
            };
            ensure!(
                numbers.insert(id, (epoch, seq)).is_none(),
                "{id} is given a second number, {seq}"
            );
            ensure!(
                seq == numbers.len() as u64,
                "the {}-th bundle has number {seq}",
                numbers.len()
            );
        }
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use protocol::time::UnixMillis;

    use super::*;

    fn id(byte: u8) -> BundleId {
        BundleId(Digest([byte; 32]))
    }

    fn event(kind: EventKind, bundle: BundleId, seq: u64) -> Event {
        Event {
            bundle: Some(bundle),
            seq: Some(seq),
            epoch_id: Some("e".to_owned()),
            ..Event::new(kind, UnixMillis(0))
        }
    }

    fn fold(events: &[Event]) -> Result<Account, String> {
        let mut account = Account::default();
        for event in events {
            account
                .fold(event, |known| *known != id(9))
                .map_err(|error| error.to_string())?;
        }
        Ok(account)
    }

    #[test]
    fn a_bundle_is_settled_by_its_verdict() {
        let admitted = event(EventKind::BundleAdmitted, id(1), 1);
        let account = fold(std::slice::from_ref(&admitted)).unwrap();
        assert!(!account.admitted()[&id(1)].settled);
        let account = fold(&[admitted, event(EventKind::BundleReleased, id(1), 1)]).unwrap();
        assert_eq!(
            (account.admitted()[&id(1)].state, account.admitted()[&id(1)].settled),
            (State::Released, true)
        );
    }

    #[test]
    fn a_second_admission_a_number_of_two_and_what_nobody_sent_are_found() {
        let admitted = |byte, seq| event(EventKind::BundleAdmitted, id(byte), seq);
        assert!(
            fold(&[admitted(1, 1), admitted(1, 2)])
                .unwrap_err()
                .contains("second time")
        );
        assert!(
            fold(&[admitted(1, 1), admitted(2, 1)])
                .unwrap_err()
                .contains("belongs to")
        );
        assert!(fold(&[admitted(9, 1)]).unwrap_err().contains("nobody sent it"));
        assert!(fold(&[admitted(1, 1), admitted(2, 2)]).is_ok());
    }

    #[test]
    fn what_happens_to_a_bundle_after_its_release_is_found() {
        let events = [
            EventKind::BundleAdmitted,
            EventKind::BundleReleased,
            EventKind::BundleRejected,
        ];
        let events = events.map(|kind| event(kind, id(1), 1));
        assert!(fold(&events).unwrap_err().contains("comes after it"));
    }

    #[test]
    fn an_alarm_is_found() {
        let alarm = Event {
            detail: Some("ALARM: held/x is missing".to_owned()),
            ..Event::new(EventKind::LogRecovered, UnixMillis(0))
        };
        assert!(fold(&[alarm]).unwrap_err().contains("alarm"));
    }
}
