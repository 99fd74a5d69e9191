//! After a start: what a crash left is brought to where the log says it belongs.
//!
//! | the log says | packed form | tree under its final name | then |
//! |---|---|---|---|
//! | nothing | in spool/ while it arrived | – | moved to incomplete/ if its head had been verified, else removed |
//! | nothing | in spool/, perhaps not whole | – | handed out: to be admitted after all is hashed again, or discarded |
//! | waiting, evidence | moved on to waiting/, evidence/ | – | – |
//! | removed from waiting/ | removed | – | what came again since is handed out, as if the log said nothing |
//! | removed after its release or rejection | removed, with its report | removed, if it was released | – |
//! | held, rejected | moved on to held/, rejected/ | taken back: no decision stands behind it | – |
//! | release decided | held/ | none | decide again, or cancel |
//! | release decided | moved on to originals/ | complete, or taken away by its user | append `bundle.released` |
//! | released | moved on to originals/ | its user's | – |
//!
//! A bundle that is evidence under one number may have come under another one as well. The log's word is then about that one; what lies in evidence/
//! stays there, and is not looked at. Without such a word a copy in spool/ is taken for a second name of the evidence.
//!
//! A packed form in originals/ proves the release: it goes there after the tree is durable. Whatever no crash explains is left as it is, and reported as an
//! [`Alarm`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use audit::event::EventKind;
use audit::storage::{EntryKind, remove_tree};
use protocol::digest::BundleId;

use super::Quarantine;
use super::failure::QuarantineError;
use super::incomplete::{self, Orphan};
use super::places::{self, Place, Places};
use super::spool::{COMPLETE, ReceivedBundle};
use super::stored::StoredBundle;

/// What the audit log says last of an admitted bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recorded {
    /// Admitted; no decision, or one that was cancelled.
    Held,
    /// Its release was decided, and nothing says that it was carried out.
    ReleaseDecided,
    /// Released.
    Released,
    /// Rejected.
    Rejected,
    /// Complete, and waiting to be admitted.
    Waiting,
    /// Kept as evidence, and not admitted.
    Evidence,
    /// Given up; it was in this place.
    Removed(Place),
}

impl Recorded {
    /// What an entry makes of its bundle; `None` for those that leave it where it is, or whose kind alone does not say.
    #[must_use]
    pub fn by(event: EventKind) -> Option<Self> {
        match event {
            EventKind::BundleAdmitted | EventKind::BundleReleaseCancelled => Some(Self::Held),
            EventKind::BundleReleaseDecided => Some(Self::ReleaseDecided),
            EventKind::BundleReleased => Some(Self::Released),
            EventKind::BundleRejected => Some(Self::Rejected),
            EventKind::BundleWaiting => Some(Self::Waiting),
            EventKind::BundleEvidence => Some(Self::Evidence),
            _ => None,
        }
    }
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Held => "held",
            Self::ReleaseDecided => "decided to be released",
            Self::Released => "released",
            Self::Rejected => "rejected",
            Self::Waiting => "waiting",
            Self::Evidence => "evidence",
            Self::Removed(_) => "removed",
        })
    }
}

/// What recovery did, and what it leaves to its caller.
#[derive(Debug, Default)]
#[must_use = "its caller has to end what was begun"]
pub struct Recovery {
    /// What was done.
    pub done: Vec<Mended>,
    /// Bundles that were complete, and have no record. Not all bytes need have reached the disk: verified and hashed again they can be
    /// admitted; else they are discarded.
    pub received: Vec<ReceivedBundle>,
    /// Releases that were decided.
    pub unfinished: Vec<Unfinished>,
    /// What no crash explains: somebody has to look.
    pub alarms: Vec<Alarm>,
}

/// Something that recovery did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mended {
    /// A file or tree was removed that was never complete, or given up.
    Removed {
        /// Its name.
        path: PathBuf,
    },
    /// What came of a transmission was kept, to be gone on with.
    Kept {
        /// The transmission, 16 hex digits.
        session: String,
        /// The bundle.
        id: BundleId,
    },
    /// A packed bundle was moved to where the log says.
    Moved {
        /// The bundle.
        id: BundleId,
        /// Where it was.
        from: Place,
        /// Where it is.
        to: Place,
    },
    /// A second name of a packed bundle was removed.
    CopyRemoved {
        /// The bundle.
        id: BundleId,
        /// Where the other name was.
        place: Place,
    },
    /// A tree was taken back whose release had been cancelled.
    TakenBack {
        /// The bundle.
        id: BundleId,
    },
    /// A packed bundle was made read-only again.
    MadeReadOnly {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for Mended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed { path } => write!(
                f,
                "removed {}, which was not complete or had been given up",
                path.display()
            ),
            Self::Kept { session, id } => write!(f, "kept what came of bundle {id} by transmission {session}"),
            Self::Moved { id, from, to } => write!(f, "moved bundle {id} from {from}/ to {to}/"),
            Self::CopyRemoved { id, place } => write!(f, "removed the second name of bundle {id} in {place}/"),
            Self::TakenBack { id } => write!(f, "took released/{id} back: its release was cancelled"),
            Self::MadeReadOnly { path } => write!(f, "made {} read-only again", path.display()),
        }
    }
}

/// A release that was decided, and that the log does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unfinished {
    /// It was carried out: append `bundle.released`.
    FinishRelease(BundleId),
    /// It was not carried out: decide again, or append `bundle.release_cancelled`.
    DecideAgain(BundleId),
}

/// Something that no crash explains; nothing was changed about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Alarm {
    /// A bundle that the log speaks of has no file. Of a held one all is lost.
    #[error("bundle {id} is {recorded} by the log, and its file is nowhere in quarantine")]
    Missing {
        /// The bundle.
        id: BundleId,
        /// What the log says of it.
        recorded: Recorded,
    },
    /// The signatures that were added to a bundle are gone: it is held by its authors alone.
    #[error("bundle {id} was countersigned by the log, and {} is not there", path.display())]
    Unsigned {
        /// The bundle.
        id: BundleId,
        /// The file that they were in.
        path: PathBuf,
    },
    /// The signatures that were added to a bundle can't be read, so that it can't be released.
    #[error("bundle {id} was countersigned by the log, and {} is no envelope of its", path.display())]
    BadEnvelope {
        /// The bundle.
        id: BundleId,
        /// The file that they are in.
        path: PathBuf,
    },
    /// Something of a bundle is where it cannot be by the log.
    #[error("bundle {id} is {recorded} by the log, yet there is {}", path.display())]
    Misplaced {
        /// The bundle.
        id: BundleId,
        /// What the log says of it.
        recorded: Recorded,
        /// The name that speaks against it.
        path: PathBuf,
    },
    /// What has a released bundle's name is no folder.
    #[error("{} has the name of a released bundle's folder, and is a link or a file", path.display())]
    NotAFolder {
        /// The name.
        path: PathBuf,
    },
    /// A name in one of the folders of which the log knows nothing.
    #[error("the log knows nothing of {}", path.display())]
    Unrecorded {
        /// The name.
        path: PathBuf,
    },
}

impl Alarm {
    /// What the operator can do about it.
    #[must_use]
    pub fn mend(&self) -> String {
        match self {
            Self::Missing { id, .. } => {
                format!("restore {id}.bundle from a backup; if there is none, have the author pack and send it again")
            }
            Self::Unsigned { path, .. } => format!(
                "restore {} from a backup, or have the bundle sent again with its signatures: what its author signed is whole",
                path.display()
            ),
            Self::BadEnvelope { path, .. } => format!(
                "restore {} from a backup; or move it away, start the receiver again, and have the bundle sent again with its signatures",
                path.display()
            ),
            Self::Misplaced { path, .. } => format!(
                "check the log (diode-audit verify): it may be an older copy; if it is sound, find out who put {} there and move it away",
                path.display()
            ),
            Self::NotAFolder { path } => format!(
                "if you moved the bundle's files and put {} in their place, give it another name, outside of released/; if not, find out who put \
                 it there, and whether the files are the bundle's: diode-rx show",
                path.display()
            ),
            Self::Unrecorded { path } => {
                format!("find out who put {} there, and move it away", path.display())
            }
        }
    }
}

impl Quarantine {
    /// Brings the folders to what the log says, and reports what is left to do. Before any other work; safe to be cut short and repeated.
    ///
    /// # Errors
    /// [`QuarantineError::AtWork`] if bundles or transmissions are being worked on, or the disk's.
    pub fn recover(&self, recorded: &BTreeMap<BundleId, Recorded>) -> Result<Recovery, QuarantineError> {
        let places = &*self.places;
        if !places.is_idle() {
            return Err(QuarantineError::AtWork);
        }
        places.check_sound()?;
        places.make_later()?;
        // What is seen must outlast a crash before anything is built on it. What is removed below may come back, and is removed again.
        sync_folders(places)?;
        let mut recovery = Recovery::default();
        let mut found = Found::look(places)?;
        recovery.alarms.extend(
            std::mem::take(&mut found.foreign)
                .into_iter()
                .map(|path| Alarm::Unrecorded { path }),
        );
        let not_folders = std::mem::take(&mut found.not_folders).into_iter();
        recovery
            .alarms
            .extend(not_folders.map(|path| Alarm::NotAFolder { path }));
        recovery.clear(places, &found)?;
        let ids: BTreeSet<_> = found
            .packed
            .keys()
            .chain(&found.trees)
            .chain(recorded.keys())
            .copied()
            .collect();
        for id in ids {
            let mut bundle = Bundle {
                id,
                packed: found.packed.get(&id).cloned().unwrap_or_default(),
                has_tree: found.trees.contains(&id),
            };
            let recorded = recorded.get(&id).copied();
            if recorded.is_some_and(|recorded| recorded != Recorded::Evidence) {
                // Another copy than the one that the record is about.
                bundle.packed.remove(&Place::Evidence);
            }
            match recorded {
                Some(Recorded::Removed(place)) => {
                    recovery.remove(places, &mut bundle, place)?;
                    if place != Place::Waiting && found.reports.contains(&id) {
                        recovery.remove_file(places, places::report(&id))?;
                    }
                    if found.rescans.contains(&id) {
                        recovery.remove_file(places, places::rescan(&id))?;
                    }
                    self.take_in(&mut recovery, &bundle);
                }
                Some(recorded) => recovery.settle(places, &mut bundle, recorded)?,
                None => self.take_in(&mut recovery, &bundle),
            }
        }
        Ok(recovery)
    }

    /// A bundle without a record: complete in the spool it can still be admitted; anything else is not of our making.
    fn take_in(&self, recovery: &mut Recovery, bundle: &Bundle) {
        let id = bundle.id;
        for place in &bundle.packed {
            match place {
                Place::Spool => {
                    let stored = StoredBundle::new(&self.places, Place::Spool, id);
                    recovery.received.push(ReceivedBundle { stored });
                }
                Place::Waiting | Place::Evidence | Place::Held | Place::Rejected | Place::Originals => {
                    recovery.alarms.push(Alarm::Unrecorded {
                        path: place.packed(&id),
                    });
                }
            }
        }
        if bundle.has_tree {
            recovery.alarms.push(Alarm::Unrecorded {
                path: places::tree(&id),
            });
        }
    }
}

/// What is there of one bundle.
struct Bundle {
    id: BundleId,
    packed: BTreeSet<Place>,
    has_tree: bool,
}

impl Bundle {
    /// Where its packed form belongs.
    fn target(&self, recorded: Recorded) -> Place {
        match recorded {
            Recorded::Removed(place) => place,
            Recorded::Waiting => Place::Waiting,
            Recorded::Evidence => Place::Evidence,
            Recorded::Held => Place::Held,
            Recorded::Rejected => Place::Rejected,
            Recorded::Released => Place::Originals,
            Recorded::ReleaseDecided if self.has_tree || self.packed.contains(&Place::Originals) => Place::Originals,
            Recorded::ReleaseDecided => Place::Held,
        }
    }
}

impl Recovery {
    /// Removes what never had a name that counts, and makes packed bundles read-only.
    fn clear(&mut self, places: &Places, found: &Found) -> Result<(), QuarantineError> {
        for path in &found.leftovers {
            remove_tree(places.storage(), path).map_err(QuarantineError::io("remove", path))?;
            self.done.push(Mended::Removed { path: path.clone() });
        }
        for orphan in &found.orphans {
            orphan.keep(places)?;
            let (session, id) = (orphan.session.clone(), orphan.key.bundle());
            self.done.push(Mended::Kept { session, id });
        }
        if !found.orphans.is_empty() {
            places.sync_dir(Path::new(places::INCOMPLETE))?;
            places.sync_dir(Path::new(Place::Spool.folder()))?;
        }
        let foreign = incomplete::look(places)?.into_iter();
        self.alarms.extend(foreign.map(|path| Alarm::Unrecorded { path }));
        for path in &found.writable {
            places
                .storage()
                .set_mode(path, COMPLETE)
                .map_err(QuarantineError::io("set the mode of", path))?;
            self.done.push(Mended::MadeReadOnly { path: path.clone() });
        }
        Ok(())
    }

    fn settle(&mut self, places: &Places, bundle: &mut Bundle, recorded: Recorded) -> Result<(), QuarantineError> {
        let id = bundle.id;
        let target = bundle.target(recorded);
        let admitted = !matches!(recorded, Recorded::Waiting | Recorded::Evidence);
        // A bundle goes this way and no other.
        let on_its_way = |place: &Place| match place {
            Place::Spool => true,
            Place::Waiting | Place::Held => admitted || *place == target,
            _ => *place == target,
        };
        let strays: Vec<_> = bundle.packed.iter().filter(|place| !on_its_way(place)).collect();
        if !strays.is_empty() {
            let path = |place: &Place| place.packed(&id);
            self.alarms.extend(strays.into_iter().map(|place| Alarm::Misplaced {
                id,
                recorded,
                path: path(place),
            }));
            return Ok(());
        }
        let decided = matches!(recorded, Recorded::ReleaseDecided | Recorded::Released);
        if bundle.packed.is_empty() {
            self.alarms.push(Alarm::Missing { id, recorded });
            if bundle.has_tree && !decided {
                // The last that there is of the bundle.
                self.alarms.push(Alarm::Misplaced {
                    id,
                    recorded,
                    path: places::tree(&id),
                });
            }
        } else {
            if bundle.has_tree && !decided {
                self.take_back(places, id)?;
            }
            self.gather(places, bundle, target)?;
        }
        if recorded == Recorded::ReleaseDecided {
            self.unfinished.push(match target {
                Place::Originals => Unfinished::FinishRelease(id),
                _ => Unfinished::DecideAgain(id),
            });
        }
        Ok(())
    }

    /// Leaves the packed form in its target, and under no other name.
    fn gather(&mut self, places: &Places, bundle: &mut Bundle, target: Place) -> Result<(), QuarantineError> {
        let id = bundle.id;
        if !bundle.packed.contains(&target) {
            // What came again while it waited was admitted as it lies in the spool.
            let nearest = [Place::Held, Place::Spool]
                .into_iter()
                .find(|place| bundle.packed.contains(place));
            let from = nearest.unwrap_or(Place::Waiting);
            places.move_packed(&[id], from, target)?;
            bundle.packed.remove(&from);
            self.done.push(Mended::Moved { id, from, to: target });
        }
        for place in bundle.packed.iter().copied().filter(|place| *place != target) {
            let path = place.packed(&id);
            places
                .storage()
                .remove_file(&path)
                .map_err(QuarantineError::io("remove", &path))?;
            self.done.push(Mended::CopyRemoved { id, place });
        }
        Ok(())
    }

    /// Removes what the log says was given up.
    fn remove(&mut self, places: &Places, bundle: &mut Bundle, place: Place) -> Result<(), QuarantineError> {
        // What was admitted never comes again: a copy on the way to where it was decided on is the same one.
        let on_its_way: &[_] = match place {
            Place::Originals | Place::Rejected => &[Place::Held, Place::Waiting, Place::Spool],
            Place::Spool | Place::Waiting | Place::Evidence | Place::Held => &[],
        };
        for place in on_its_way.iter().chain([&place]) {
            if bundle.packed.remove(place) {
                self.remove_file(places, place.packed(&bundle.id))?;
            }
        }
        if place == Place::Originals && std::mem::take(&mut bundle.has_tree) {
            let path = self.drop_tree(places, bundle.id)?;
            self.done.push(Mended::Removed { path });
        }
        Ok(())
    }

    fn remove_file(&mut self, places: &Places, path: PathBuf) -> Result<(), QuarantineError> {
        let removed = places.storage().remove_file(&path);
        removed.map_err(QuarantineError::io("remove", &path))?;
        self.done.push(Mended::Removed { path });
        Ok(())
    }

    /// Takes a tree back.
    fn take_back(&mut self, places: &Places, id: BundleId) -> Result<(), QuarantineError> {
        self.drop_tree(places, id)?;
        self.done.push(Mended::TakenBack { id });
        Ok(())
    }

    /// Removes a tree, which is whole until its final name is gone for good; says under which name it was.
    fn drop_tree(&self, places: &Places, id: BundleId) -> Result<PathBuf, QuarantineError> {
        let (path, unfinished) = (places::tree(&id), places::unfinished_tree(&id));
        places.rename(&path, &unfinished)?;
        places.sync_dir(Path::new(places::RELEASED))?;
        remove_tree(places.storage(), &unfinished).map_err(QuarantineError::io("remove", &unfinished))?;
        Ok(path)
    }
}

/// All names in the quarantine.
#[derive(Default)]
struct Found {
    packed: BTreeMap<BundleId, BTreeSet<Place>>,
    trees: BTreeSet<BundleId>,
    reports: BTreeSet<BundleId>,
    rescans: BTreeSet<BundleId>,
    /// Transmissions that were under way.
    orphans: Vec<Orphan>,
    /// Names that nobody but their writer counts on, and that has gone.
    leftovers: Vec<PathBuf>,
    /// Packed bundles that lost their mode.
    writable: Vec<PathBuf>,
    /// What stands in released/ under a bundle's name.
    not_folders: Vec<PathBuf>,
    foreign: Vec<PathBuf>,
}

impl Found {
    fn look(places: &Places) -> Result<Self, QuarantineError> {
        let mut found = Self::default();
        for place in Place::ALL {
            found.look_at_place(places, place)?;
        }
        for entry in places.list(Path::new(places::RELEASED))? {
            let path = Path::new(places::RELEASED).join(&entry.name);
            let id = entry.name.to_str().and_then(|name| name.parse().ok());
            match id {
                Some(id) if entry.kind == EntryKind::Dir => {
                    found.trees.insert(id);
                }
                Some(_) => found.not_folders.push(path),
                None if places::is_temporary(&entry) => found.leftovers.push(path),
                None => found.foreign.push(path),
            }
        }
        for entry in places.list(Path::new(places::REPORTS))? {
            if let Some(id) = places::report_id(&entry) {
                found.reports.insert(id);
            } else if let Some(id) = places::rescan_id(&entry) {
                found.rescans.insert(id);
            } else if places::is_temporary(&entry) {
                found.leftovers.push(Path::new(places::REPORTS).join(&entry.name));
            }
        }
        Ok(found)
    }

    fn look_at_place(&mut self, places: &Places, place: Place) -> Result<(), QuarantineError> {
        for entry in places.list(Path::new(place.folder()))? {
            let path = Path::new(place.folder()).join(&entry.name);
            match places::packed_id(&entry) {
                Some(id) => {
                    self.packed.entry(id).or_default().insert(place);
                    if entry.mode != COMPLETE {
                        self.writable.push(path);
                    }
                }
                None if place == Place::Spool && places::is_part(&entry) => {
                    let name = entry.name.to_str().unwrap_or_default();
                    match Orphan::find(places, name) {
                        Some(orphan) => self.orphans.push(orphan),
                        None => self.leftovers.push(path),
                    }
                }
                None if place == Place::Held && places::is_temporary(&entry) => self.leftovers.push(path),
                // Looked at once the bundles are where they belong.
                None if places::envelope_id(&entry).is_some() => {}
                None => self.foreign.push(path),
            }
        }
        Ok(())
    }
}

/// In an order in which no file on its way between two folders can be lost.
fn sync_folders(places: &Places) -> Result<(), QuarantineError> {
    places::folders().try_for_each(|folder| places.sync_dir(folder))
}
