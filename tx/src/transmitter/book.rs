//! The transmitter's ledger and its heart by themselves, for whoever simulates a transmitter: numbers given, what became of each, and what
//! heartbeats say of them.
//!
//! ```text
//! bind ──▶ Entry (its number is durable) ──▶ sent by whatever simulates the link ──▶ end
//!                                              beat ◀── heart, whenever it is called
//! ```
//!
//! Always true: this is the ledger that `diode-tx send` keeps, with its entries and its syncs, and its heart; nothing is kept beside them, and
//! nothing beats by itself.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use audit::log::Entries;
use audit::storage::Storage;
use protocol::digest::BundleId;
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;
use protocol::wire::{LinkNumber, LinkParameters, SessionId};

use super::beats::Beats;
use super::ledger::{Bound, Facts, Ledger, LedgerError, Outcome};
use super::pulse::Heart;
use super::standing::{Board, Sending, Standing};

/// A transmitter's ledger.
#[derive(Debug)]
pub struct Book(Ledger);

/// A bundle's number, which is durable.
#[derive(Debug)]
pub struct Entry(Bound);

/// What makes a transmitter's heartbeats, from its start to its end.
#[derive(Debug)]
pub struct BookHeart {
    heart: Heart,
    beats: Beats,
}

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

    /// The bundle.
    #[must_use]
    pub fn bundle(&self) -> BundleId {
        self.0.bundle()
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

    /// Closes the open numbers of bundles that nobody is going to send, which are all but these.
    ///
    /// # Errors
    /// [`BookError`]; they stay open.
    pub fn close_others(&mut self, to_be_sent: &[BundleId], now: UnixMillis) -> Result<(), BookError> {
        let kept: BTreeSet<_> = to_be_sent.iter().filter_map(|id| self.0.number_of(id)).collect();
        let forsaken: Vec<_> = self.0.open_numbers().filter(|number| !kept.contains(number)).collect();
        Ok(self.0.close(&forsaken, now)?)
    }

    /// Publishes what was written.
    ///
    /// # Errors
    /// [`BookError`]; the entries are durable all the same.
    pub fn publish(&mut self) -> Result<(), BookError> {
        Ok(self.0.publish()?)
    }

    /// The heart of a transmitter that begins with this ledger, whose counters are in `storage` too: it signs with `key`, for a link of
    /// these parameters.
    ///
    /// # Errors
    /// The storage's, or that its counters are damaged.
    pub fn heart(
        &self,
        storage: Arc<dyn Storage>,
        key: SigningKey,
        parameters: LinkParameters,
        interval_ms: u32,
    ) -> io::Result<BookHeart> {
        let epoch = self.0.epoch();
        Ok(BookHeart {
            heart: Heart::of(&Arc::new(key), epoch, parameters, interval_ms),
            beats: Beats::read(storage, epoch, self.0.newest_time())?,
        })
    }

    /// The body of the next heartbeat, which says how the numbers stand while these are under way, each in its first pass; `None` if a
    /// receiver would refuse it.
    ///
    /// # Errors
    /// The storage's, if counters have to be set aside and can't be.
    pub fn beat<'a>(
        &self,
        BookHeart { heart, beats }: &mut BookHeart,
        under_way: impl IntoIterator<Item = &'a Entry>,
        now: UnixMillis,
    ) -> io::Result<Option<Vec<u8>>> {
        let sending = |Entry(bound): &Entry| Sending {
            sequence: bound.number().sequence,
            bundle: bound.bundle(),
            pass: Arc::default(),
        };
        if heart.is_out_of_counters() {
            heart.take(Some(beats.set_aside(now)?));
        }
        let standing = Standing::of(&self.0, under_way.into_iter().map(sending).collect());
        Ok(heart.beat(&Board::new(standing)))
    }

    /// The log's entries from `from` on, published or not.
    #[must_use]
    pub fn entries(&self, from: u64) -> Entries<'_> {
        self.0.entries(from)
    }
}
