//! Further signatures of a held bundle: the packed form is never changed, so they lie beside it, in an envelope of their own.
//!
//! ```text
//! held/<id>.bundle                      held/<id>.bundle             rejected/ or originals/<id>.bundle
//!                   ──countersign──▶    held/<id>.2.dsse   ──────▶   rejected/ or originals/<id>.2.dsse
//!                                       ▲ 2 signers were added: as many entries bundle.countersigned there are
//! ```
//!
//! The envelope has the bundle's payload, its own signatures, and those that were added. [`StoredBundle::verify`] takes it in place of the envelope
//! in the packed form.
//!
//! Always true:
//! - an envelope is durable before its entries are written; one that has none is removed by the next start, before anything is built on it;
//! - none is replaced: the next one has a higher number, and only once its entries are durable the one before is removed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use audit::storage::{EntryKind, OpenHow};
use protocol::bundle::{BundleError, Envelope};
use protocol::digest::BundleId;
use protocol::limits::{MAX_HEAD_LEN, MAX_SIGNATURES};

use super::Quarantine;
use super::failure::QuarantineError;
use super::leaving::remove_if_there;
use super::places::{self, Place, Places, locked};
use super::recovery::{Alarm, Mended, Recovery};
use super::spool::{COMPLETE, check_room};
use super::stored::{StoredBundle, StoredHead};

/// Signers who can be added to a bundle, which has one at least.
const MOST_ADDED: u8 = MAX_SIGNATURES as u8 - 1;

/// Where a bundle goes once it is held: its further signatures go with it.
const WITH_SIGNATURES: [Place; 3] = [Place::Held, Place::Rejected, Place::Originals];

impl Quarantine {
    /// Keeps an envelope with further signatures beside a held bundle, durably; `added` is how many signers it has more than the packed form. The
    /// caller has verified it, and records each signer next.
    ///
    /// # Errors
    /// [`QuarantineError::OtherBundle`], [`QuarantineError::NoRoom`], or the disk's; nothing counts then that did not before.
    pub fn countersign(&self, id: BundleId, added: u8, envelope: &Envelope) -> Result<(), QuarantineError> {
        let places = &*self.places;
        places.check_sound()?;
        let (path, unfinished) = (Place::Held.envelope(&id, added), unfinished(&id));
        if envelope.id() != id {
            let found = envelope.id();
            return Err(QuarantineError::OtherBundle { path, found });
        }
        let bytes = envelope.to_bytes();
        check_room(places, &locked(&places.promises), bytes.len() as u64, self.reserve)?;
        remove_if_there(places, &unfinished)?;
        let written = write(places, &unfinished, &bytes).and_then(|()| places.rename(&unfinished, &path));
        if let Err(error) = written {
            // What cannot be removed now, recovery removes: nobody counts on this name.
            let _ = remove_if_there(places, &unfinished);
            return Err(error);
        }
        places.sync_dir(Path::new(Place::Held.folder()))
    }

    /// Removes the envelope that one with more signatures has followed, whose entries are durable.
    ///
    /// # Errors
    /// The disk's; the next recovery removes it then.
    pub fn drop_envelope(&self, id: BundleId, added: u8) -> Result<(), QuarantineError> {
        remove_if_there(&self.places, &Place::Held.envelope(&id, added))
    }

    /// Brings the envelopes with further signatures to where their bundles lie, and removes those that the log does not speak of: `recorded` has how
    /// many signers were added to each bundle that is still there. After [`recover`](Self::recover), and before any other work.
    ///
    /// # Errors
    /// The disk's.
    pub fn recover_envelopes(&self, recorded: &BTreeMap<BundleId, u8>) -> Result<Recovery, QuarantineError> {
        let places = &*self.places;
        places.check_sound()?;
        let mut recovery = Recovery::default();
        let mut in_place = BTreeSet::new();
        for place in WITH_SIGNATURES {
            for entry in places.list(Path::new(place.folder()))? {
                let Some((id, added)) = places::envelope_id(&entry) else {
                    continue;
                };
                let path = place.envelope(&id, added);
                let belongs = recorded.get(&id) == Some(&added);
                match belongs.then(|| place_of(places, &id)).transpose()?.flatten() {
                    Some(home) => {
                        move_envelope(places, &id, added, place, home)?;
                        in_place.insert(id);
                        let path = home.envelope(&id, added);
                        // It was durable before its entries: no crash leaves a part of it.
                        if !matches!(read(places, &path), Ok(envelope) if envelope.id() == id) {
                            recovery.alarms.push(Alarm::BadEnvelope { id, path });
                        }
                    }
                    // Of a bundle that is nowhere there is an alarm already.
                    None if belongs => {
                        in_place.insert(id);
                    }
                    None => {
                        remove_if_there(places, &path)?;
                        recovery.done.push(Mended::Removed { path });
                    }
                }
            }
        }
        let gone = recorded
            .iter()
            .filter(|(id, added)| **added > 0 && !in_place.contains(id));
        for (id, added) in gone {
            if let Some(place) = place_of(places, id)? {
                let path = place.envelope(id, *added);
                recovery.alarms.push(Alarm::Unsigned { id: *id, path });
            }
        }
        Ok(recovery)
    }
}

impl Places {
    /// Moves a bundle's further signatures after it, durably, if it has any.
    pub(super) fn move_envelopes(&self, id: &BundleId, from: Place, to: Place) -> Result<(), QuarantineError> {
        match self.latest_envelope(id, from)? {
            Some(added) => move_envelope(self, id, added, from, to),
            None => Ok(()),
        }
    }

    /// Removes a bundle's further signatures, if it has any.
    pub(super) fn remove_envelopes(&self, id: &BundleId, place: Place) -> Result<(), QuarantineError> {
        while let Some(added) = self.latest_envelope(id, place)? {
            remove_if_there(self, &place.envelope(id, added))?;
        }
        Ok(())
    }

    /// How many signers the envelope with the most of them has more than the packed form.
    fn latest_envelope(&self, id: &BundleId, place: Place) -> Result<Option<u8>, QuarantineError> {
        for added in (1..=MOST_ADDED).rev() {
            if self.stat(&place.envelope(id, added))?.is_some() {
                return Ok(Some(added));
            }
        }
        Ok(None)
    }
}

impl StoredBundle {
    /// Its envelope, with the signatures that were added once it was held. Nothing is verified.
    ///
    /// # Errors
    /// [`QuarantineError`] if it cannot be read, or is malformed.
    pub fn envelope(&self) -> Result<Envelope, QuarantineError> {
        let head = self.head_with_signatures()?;
        let envelope = head.bytes.get(..head.envelope_len as usize).unwrap_or_default();
        Envelope::parse(envelope).map_err(|source| self.malformed(source))
    }

    /// The head, with the signatures that were added once it was held: what [`verify`](Self::verify) takes.
    ///
    /// # Errors
    /// [`QuarantineError`] if it cannot be read, or what was added is of another bundle.
    pub fn head_with_signatures(&self) -> Result<StoredHead, QuarantineError> {
        let head = self.head()?;
        if !WITH_SIGNATURES.contains(&self.place()) {
            return Ok(head);
        }
        let Some(added) = self.places().latest_envelope(&self.id(), self.place())? else {
            return Ok(head);
        };
        let path = self.place().envelope(&self.id(), added);
        let envelope = read(self.places(), &path)?;
        if envelope.id() != self.id() {
            let found = envelope.id();
            return Err(QuarantineError::OtherBundle { path, found });
        }
        let head = head.with_envelope(&envelope.to_bytes());
        head.map_err(|source| self.malformed(source))
    }

    fn malformed(&self, source: BundleError) -> QuarantineError {
        let path = self.path();
        QuarantineError::Malformed { path, source }
    }
}

impl StoredHead {
    /// The same leaf index behind another envelope.
    ///
    /// # Errors
    /// [`BundleError::HeadTooLong`].
    pub fn with_envelope(self, envelope: &[u8]) -> Result<Self, BundleError> {
        let index = self.bytes.get(self.envelope_len as usize..).unwrap_or_default();
        let bytes = [envelope, index].concat();
        let len = bytes.len() as u64;
        match u32::try_from(envelope.len()) {
            Ok(envelope_len) if len <= MAX_HEAD_LEN => Ok(Self {
                bytes,
                envelope_len,
                content_offset: self.content_offset,
            }),
            _ => Err(BundleError::HeadTooLong { len }),
        }
    }
}

fn read(places: &Places, path: &Path) -> Result<Envelope, QuarantineError> {
    let file = places.storage().open(path, OpenHow::Read);
    let envelope = file.and_then(|file| file.read_all(MAX_HEAD_LEN));
    let envelope = envelope.map_err(QuarantineError::io("read", path))?;
    Envelope::parse(&envelope).map_err(|source| QuarantineError::Malformed {
        path: path.to_owned(),
        source,
    })
}

fn write(places: &Places, path: &Path, bytes: &[u8]) -> Result<(), QuarantineError> {
    let file = places.storage().open(path, OpenHow::CreateNew { mode: COMPLETE });
    let file = file.map_err(QuarantineError::io("create", path))?;
    file.write_at(bytes, 0).map_err(QuarantineError::io("write", path))?;
    places.sync_file(&*file, path)
}

/// Where the packed form lies, of those places that have signatures beside it.
fn place_of(places: &Places, id: &BundleId) -> Result<Option<Place>, QuarantineError> {
    for place in WITH_SIGNATURES {
        if places
            .stat(&place.packed(id))?
            .is_some_and(|found| found.kind == EntryKind::File)
        {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// Moves one envelope, durably; one that is there already is the same.
fn move_envelope(places: &Places, id: &BundleId, added: u8, from: Place, to: Place) -> Result<(), QuarantineError> {
    if from == to {
        return Ok(());
    }
    let (old, new) = (from.envelope(id, added), to.envelope(id, added));
    match places.stat(&new)? {
        Some(_) => remove_if_there(places, &old)?,
        None => places.rename(&old, &new)?,
    }
    places.sync_dir(Path::new(to.folder()))?;
    places.sync_dir(Path::new(from.folder()))
}

fn unfinished(id: &BundleId) -> PathBuf {
    PathBuf::from(format!("{}/{}{id}{}", Place::Held, places::TEMPORARY, places::ENVELOPE))
}
