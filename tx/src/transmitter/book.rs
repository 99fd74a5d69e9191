//! The transmitter's ledger by itself, for whoever simulates a transmitter: numbers given, and what became of each.
//!
//! ```text
//! bind ──▶ Entry (its number is durable) ──▶ sent by whatever simulates the link ──▶ end
//! ```
//!
//! Always true: this is the ledger that `diode-tx send` keeps, with its entries and its syncs; nothing is kept beside it.

use std::sync::Arc;

use audit::log::Entries;
use audit::storage::Storage;
use protocol::digest::BundleId;
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;
use protocol::wire::{LinkNumber, SessionId};

use super::ledger::{Bound, Facts, Ledger, LedgerError, Outcome};

/// A transmitter's ledger.
#[derive(Debug)]
pub struct Book(Ledger);

/// A bundle's number, which is durable.
#[derive(Debug)]
pub struct Entry(Bound);

/// Why the ledger can't be used.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BookError(#[from] LedgerError);

impl Entry {
    /// Epoch and sequence number.
    #[must_use]
    pub fn number(&self) -> LinkNumber {
        self.0.number()
    }
}

impl Book {
    /// Makes the ledger of a new epoch.
    ///
    /// # Errors
    /// [`BookError`] if its log can't be made.
    pub fn create(storage: Arc<dyn Storage>, key: SigningKey, epoch: u64, now: UnixMillis) -> Result<Self, BookError> {
        Ok(Self(Ledger::create(storage, key, epoch, now)?))
    }

    /// Opens the ledger, and mends what a crash left.
    ///
    /// # Errors
    /// [`BookError`] if it can't be used.
    pub fn open(storage: Arc<dyn Storage>, key: SigningKey, now: UnixMillis) -> Result<Self, BookError> {
        Ok(Self(Ledger::open(storage, key, now)?.0))
    }

    /// Gives each bundle its number, old or new.
    ///
    /// # Errors
    /// [`BookError`]; none of the bundles must then be sent.
    pub fn bind(&mut self, bundles: &[BundleId], now: UnixMillis) -> Result<Vec<Entry>, BookError> {
        let facts = |bundle: &BundleId| Facts {
            bundle: *bundle,
            bytes: 0,
            files: 0,
            actor: None,
        };
        let facts: Vec<_> = bundles.iter().map(facts).collect();
        Ok(self.0.bind(&facts, now)?.into_iter().map(Entry).collect())
    }

    /// Writes down that these were sent, all of them.
    ///
    /// # Errors
    /// [`BookError`]; the numbers stay bound.
    pub fn end(&mut self, sent: &[(Entry, SessionId)], now: UnixMillis) -> Result<(), BookError> {
        let outcome = |session: &SessionId| Outcome {
            session: Some(*session),
            blocks: 0,
            duration_ms: 0,
            stopped: None,
        };
        let ended: Vec<_> = sent
            .iter()
            .map(|(entry, session)| (&entry.0, outcome(session)))
            .collect();
        self.0.end(&ended, now)?;
        Ok(())
    }

    /// Publishes what was written.
    ///
    /// # Errors
    /// [`BookError`]; the entries are durable all the same.
    pub fn publish(&mut self) -> Result<(), BookError> {
        Ok(self.0.publish()?)
    }

    /// The log's entries from `from` on, published or not.
    #[must_use]
    pub fn entries(&self, from: u64) -> Entries<'_> {
        self.0.entries(from)
    }
}
