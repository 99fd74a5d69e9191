//! A bundle while it arrives: a file in the spool, filled in any order, and the packed bundle that it becomes.
//!
//! ```text
//! begin ──▶ SpoolFile ──write_at──▶ … ──finish_all──▶ ReceivedBundle ──hold_all──▶ HeldBundle
//!              ├──discard──▶ gone                         └──discard──▶ gone
//!              └──keep────▶ incomplete/, to be gone on with
//! ```
//!
//! Always true:
//! - `spool/<id>.bundle` has all its bytes on the disk before it is admitted; what a crash leaves under such a name may lack some;
//! - all files under way together never take the room that is kept free for the audit log.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use audit::storage::{OpenHow, StorageFile};
use protocol::bundle::{PREFIX_LEN, Prefix, VerifiedHead};
use protocol::digest::BundleId;
use protocol::wire::SessionId;

use super::failure::{QuarantineError, VerifyError};
use super::incomplete::{self, ResumeKey};
use super::places::{self, Place, Places, locked};
use super::stored::StoredBundle;

/// A file in the spool that is being filled. Dropped without [`finish_all`](super::Quarantine::finish_all) or [`discard`](Self::discard) it stays
/// until [`recover`](super::Quarantine::recover) removes it.
#[must_use = "it takes room until it is finished or discarded"]
pub struct SpoolFile {
    places: Arc<Places>,
    session: SessionId,
    path: PathBuf,
    /// For one that can be kept.
    key: Option<ResumeKey>,
    was_kept: bool,
    file: Box<dyn StorageFile>,
    len: u64,
    promise: Promise,
    /// Bytes of the disk that stay free.
    reserve: u64,
    /// Held while a piece is written: the file system takes one writer at a time, and would have the others spin.
    writing: Mutex<()>,
}

impl SpoolFile {
    pub(super) fn begin(
        places: &Arc<Places>,
        session: SessionId,
        len: u64,
        reserve: u64,
    ) -> Result<Self, QuarantineError> {
        Self::begin_at(places, session, (places::part(session), None), len, reserve)
    }

    /// A file by this name, which can be kept if it is given `key`.
    pub(super) fn begin_at(
        places: &Arc<Places>,
        session: SessionId,
        (path, key): (PathBuf, Option<ResumeKey>),
        len: u64,
        reserve: u64,
    ) -> Result<Self, QuarantineError> {
        places.check_sound()?;
        let promise = Promise::make(places, len, reserve)?;
        let opened = places.storage().open(&path, OpenHow::CreateNew { mode: FILLING });
        let file = opened.map_err(QuarantineError::io("create", &path))?;
        Ok(Self {
            places: Arc::clone(places),
            session,
            path,
            key,
            was_kept: false,
            file,
            len,
            promise,
            reserve,
            writing: Mutex::new(()),
        })
    }

    /// A file that was kept, and has its name in the spool again.
    pub(super) fn go_on(
        places: &Arc<Places>,
        session: SessionId,
        (path, key): (PathBuf, ResumeKey),
        file: Box<dyn StorageFile>,
        len: u64,
        reserve: u64,
    ) -> Result<Self, QuarantineError> {
        let has = file.room().map_err(QuarantineError::io("ask for the room of", &path))?;
        let promise = Promise::make(places, len.saturating_sub(has), reserve)?;
        Ok(Self {
            places: Arc::clone(places),
            session,
            path,
            key: Some(key),
            was_kept: true,
            file,
            len,
            promise,
            reserve,
            writing: Mutex::new(()),
        })
    }

    /// The transmission that fills it.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Bytes it will have: prefix, head and content.
    #[must_use]
    pub fn file_len(&self) -> u64 {
        self.len
    }

    /// What another transmission must announce to go on with it.
    pub(super) fn key(&self) -> Option<ResumeKey> {
        self.key
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it holds what earlier transmissions left: any of it may be damaged.
    #[must_use]
    pub fn was_kept(&self) -> bool {
        self.was_kept
    }

    /// Takes the room on the disk for the whole file. For when the author's signature holds: before, an announce alone would cost room.
    ///
    /// On a file system that can't reserve, nothing is taken: the room stays promised to this file until its bytes are written.
    ///
    /// # Errors
    /// [`QuarantineError::NoRoom`] if it would take what is kept free, [`QuarantineError::Io`] if the disk refuses.
    pub fn allocate(&self) -> Result<(), QuarantineError> {
        self.check_reserve()?;
        let taken = self.file.allocate(self.len).and_then(|()| self.file.room());
        let taken = taken.map_err(QuarantineError::io("take room for", &self.path))?;
        if taken >= self.len {
            self.promise.keep(self.len);
        }
        Ok(())
    }

    /// Whether what this file still needs leaves what is kept free: others may have filled the disk since it was begun. A file that has all its room
    /// needs nothing more.
    ///
    /// # Errors
    /// [`QuarantineError::NoRoom`], or the disk's.
    pub fn check_reserve(&self) -> Result<(), QuarantineError> {
        let needed = self.promise.left.load(Ordering::Relaxed);
        if needed == 0 {
            return Ok(());
        }
        let beside = Beside {
            promised: 0,
            reserve: self.reserve,
        };
        beside.find_room(&self.places, needed)
    }

    /// Writes at an offset of the file: prefix at 0, head behind it, then content.
    ///
    /// # Errors
    /// [`QuarantineError::PastEnd`] outside of the length given to `begin`, or the disk's.
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), QuarantineError> {
        let end = offset.saturating_add(bytes.len() as u64);
        if end > self.len {
            return Err(QuarantineError::PastEnd {
                path: self.path.clone(),
                offset,
                end,
                len: self.len,
            });
        }
        let written = {
            let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            pieces(offset, bytes).try_for_each(|(offset, piece)| self.file.write_at(piece, offset))
        };
        written.map_err(QuarantineError::io("write", &self.path))?;
        self.promise.keep(bytes.len() as u64);
        Ok(())
    }

    /// Reads what was written before, zeros elsewhere; says how many bytes there were.
    ///
    /// # Errors
    /// The disk's.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, QuarantineError> {
        self.file
            .read_at(buf, offset)
            .map_err(QuarantineError::io("read", &self.path))
    }

    /// Gives up on the transmission: the file is gone, and its room is free once nobody writes to it any more.
    pub fn discard(&self) {
        self.remove();
    }

    /// Makes it read-only, if it is as long as it was to become and can be read as a bundle.
    pub(super) fn complete(&self) -> Result<(), QuarantineError> {
        self.check_len()?;
        self.check_prefix()?;
        let changed = self.places.storage().set_mode(&self.path, COMPLETE);
        changed.map_err(QuarantineError::io("set the mode of", &self.path))
    }

    /// Makes its bytes durable, without the other files'.
    pub(super) fn sync(&self) -> Result<(), QuarantineError> {
        self.places.sync_file(&*self.file, &self.path)
    }

    /// Names it for its bundle. Its bytes must be durable.
    pub(super) fn name(&self, id: &BundleId) -> Result<(), QuarantineError> {
        if self.was_kept {
            // The name that it was kept under must not come back in a crash, as a second one of an admitted file.
            self.places.sync_dir(places::INCOMPLETE.as_ref())?;
        }
        self.places.rename(&self.path, &Place::Spool.packed(id))
    }

    /// A file that grew to its length has its last byte: that nothing is missing before it, whoever fills it knows.
    fn check_len(&self) -> Result<(), QuarantineError> {
        let path = self.path.clone();
        let found = self
            .file
            .len()
            .map_err(QuarantineError::io("ask for the length of", &path))?;
        match found == self.len {
            true => Ok(()),
            false => Err(QuarantineError::Length {
                path,
                expected: self.len,
                found,
            }),
        }
    }

    /// Whoever fills the file writes the prefix too; without one nobody could read it again.
    fn check_prefix(&self) -> Result<(), QuarantineError> {
        let path = self.path.clone();
        let mut prefix = [0; PREFIX_LEN];
        self.file
            .read_exact_at(&mut prefix, 0)
            .map_err(QuarantineError::io("read", &path))?;
        match Prefix::parse(&prefix) {
            Ok(prefix) if prefix.content_offset() <= self.len => Ok(()),
            Ok(prefix) => Err(QuarantineError::Length {
                path,
                expected: prefix.content_offset(),
                found: self.len,
            }),
            Err(source) => Err(QuarantineError::Malformed { path, source }),
        }
    }

    fn remove(&self) {
        // What cannot be removed now, recovery removes: under this name nothing is ever used.
        let _ = self.places.storage().remove_file(&self.path);
    }
}

impl fmt::Debug for SpoolFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpoolFile({}, {} bytes)", self.session, self.len)
    }
}

/// A complete bundle in the spool, synced; not admitted.
#[derive(Debug)]
#[must_use = "it is admitted by hold_all, or given up by discard"]
pub struct ReceivedBundle {
    pub(super) stored: StoredBundle,
}

impl ReceivedBundle {
    /// The bundle's name.
    #[must_use]
    pub fn id(&self) -> BundleId {
        self.stored.id()
    }

    /// Its packed form, to be read.
    #[must_use]
    pub fn stored(&self) -> &StoredBundle {
        &self.stored
    }

    /// Compares every leaf with the signed index: for a bundle that recovery found complete, whose receiver can't be asked any more.
    ///
    /// # Errors
    /// [`QuarantineError::Leaf`] for the first that differs, or what reading the file gives.
    pub fn check_leaves(&self, head: &VerifiedHead) -> Result<(), VerifyError> {
        self.stored.check_leaves(head)
    }

    /// Gives the bundle up: it was never admitted.
    ///
    /// # Errors
    /// The disk's; the file may then be found again by recovery.
    pub fn discard(self) -> Result<(), QuarantineError> {
        self.stored.remove()
    }
}

/// A write in pieces that end at multiples of [`PIECE`].
fn pieces(offset: u64, bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let (mut at, mut rest) = (offset, bytes);
    std::iter::from_fn(move || {
        let to_edge = usize::try_from(PIECE - at % PIECE).unwrap_or(usize::MAX);
        let (piece, behind) = rest.split_at(to_edge.min(rest.len()));
        let begin = at;
        at = at.saturating_add(piece.len() as u64);
        rest = behind;
        (!piece.is_empty()).then_some((begin, piece))
    })
}

/// Bytes that a file system may take at once. One with large pages takes a page as large as the write, at a multiple of its size, and clears
/// what the write leaves: content lies at any offset, and written in one piece each page would be cleared before it is filled.
const PIECE: u64 = 64 << 10;

/// Room on the disk that a file in the spool has been promised and has not used yet.
#[derive(Debug)]
struct Promise {
    places: Arc<Places>,
    /// Changed under the lock of all promises, which are the sum.
    left: AtomicU64,
}

impl Promise {
    fn make(places: &Arc<Places>, needed: u64, reserve: u64) -> Result<Self, QuarantineError> {
        let mut promises = locked(&places.promises);
        check_room(places, &promises, needed, reserve)?;
        promises.bytes = promises.bytes.saturating_add(needed);
        promises.files += 1;
        Ok(Self {
            places: Arc::clone(places),
            left: AtomicU64::new(needed),
        })
    }

    /// So much of it is used now. Bytes written twice count twice, which errs to the side of a second transmission.
    fn keep(&self, used: u64) {
        let mut promises = locked(&self.places.promises);
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(used), Ordering::Relaxed);
        promises.bytes = promises.bytes.saturating_sub(used.min(left));
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.keep(u64::MAX);
        locked(&self.places.promises).files -= 1;
    }
}

pub(super) fn free_bytes(places: &Places) -> Result<u64, QuarantineError> {
    let free = places.storage().free_bytes();
    free.map_err(QuarantineError::io("ask for the room at", "".as_ref()))
}

/// Refuses what does not fit beside what is promised and what stays free.
pub(super) fn check_room(
    places: &Places,
    promises: &places::Promises,
    needed: u64,
    reserve: u64,
) -> Result<(), QuarantineError> {
    let beside = Beside {
        promised: promises.bytes,
        reserve,
    };
    beside.find_room(places, needed)
}

/// Bytes of the disk that are not to be taken.
struct Beside {
    promised: u64,
    reserve: u64,
}

impl Beside {
    /// Refuses what does not fit, even if all that is kept gave way: only what is of use gives way.
    fn find_room(&self, places: &Places, needed: u64) -> Result<(), QuarantineError> {
        let Self { promised, reserve } = *self;
        loop {
            let free = free_bytes(places)?;
            let leaves_enough = |bytes: u64| bytes.saturating_sub(promised).saturating_sub(reserve) >= needed;
            if leaves_enough(free) {
                return Ok(());
            }
            let with_kept = free.saturating_add(incomplete::bytes(places));
            if !leaves_enough(with_kept) || !incomplete::give_way(places) {
                return Err(QuarantineError::NoRoom {
                    needed,
                    free,
                    promised,
                    reserve,
                });
            }
        }
    }
}

/// The mode of a file that is being filled.
pub(super) const FILLING: u32 = 0o600;
/// The mode of a packed bundle.
pub(super) const COMPLETE: u32 = 0o400;

#[cfg(test)]
mod tests {
    use std::io;

    use audit::storage::MemoryStorage;

    use super::*;
    use crate::quarantine::Quarantine;

    /// A file on a disk that can't reserve: it never says that it has room.
    #[derive(Debug)]
    struct Unreserved(Box<dyn StorageFile>);

    impl StorageFile for Unreserved {
        fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
            self.0.read_at(buf, offset)
        }
        fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
            self.0.write_at(bytes, offset)
        }
        fn allocate(&self, len: u64) -> io::Result<()> {
            self.0.allocate(len)
        }
        fn set_len(&self, len: u64) -> io::Result<()> {
            self.0.set_len(len)
        }
        fn sync_data(&self) -> io::Result<()> {
            self.0.sync_data()
        }
        fn len(&self) -> io::Result<u64> {
            self.0.len()
        }
    }

    fn begun() -> SpoolFile {
        let quarantine = Quarantine::create(Arc::new(MemoryStorage::new())).unwrap();
        quarantine.begin(SessionId(1), 100).unwrap()
    }

    fn promised(spool: &SpoolFile) -> u64 {
        locked(&spool.places.promises).bytes
    }

    #[test]
    fn the_pieces_of_a_write_are_the_whole_in_order_and_only_its_ends_are_no_multiples() {
        let bytes: Vec<u8> = (0..3 * PIECE as usize + 7).map(|i| (i % 251) as u8).collect();
        for offset in [0, 1, PIECE - 1, PIECE, 10 * PIECE + 5] {
            let mut joined = Vec::new();
            for (at, piece) in pieces(offset, &bytes) {
                assert_eq!(at, offset + joined.len() as u64);
                joined.extend_from_slice(piece);
                let end = at + piece.len() as u64;
                assert!(
                    end.is_multiple_of(PIECE) || joined.len() == bytes.len(),
                    "{offset}: ends at {end}"
                );
            }
            assert!(joined == bytes, "{offset}");
        }
    }

    #[test]
    fn room_that_was_reserved_is_promised_no_longer() {
        let spool = begun();
        assert_eq!(promised(&spool), 100);
        spool.allocate().unwrap();
        assert_eq!(promised(&spool), 0);
    }

    #[test]
    fn a_disk_that_others_fill_has_no_room_for_what_is_not_taken_yet_and_is_no_matter_to_what_is() {
        let disk = MemoryStorage::new();
        let quarantine = Quarantine::create(Arc::new(disk.clone())).unwrap().with_reserve(1000);
        let (taken, promised) = (
            quarantine.begin(SessionId(1), 100).unwrap(),
            quarantine.begin(SessionId(2), 100).unwrap(),
        );
        taken.allocate().unwrap();
        disk.set_free_bytes(1099);
        taken.check_reserve().unwrap();
        for refused in [promised.check_reserve(), promised.allocate()] {
            assert!(
                matches!(refused, Err(QuarantineError::NoRoom { needed: 100, .. })),
                "{refused:?}"
            );
        }
        disk.set_free_bytes(1100);
        promised.check_reserve().unwrap();
    }

    #[test]
    fn room_that_could_not_be_reserved_is_promised_until_bytes_are_written() {
        let spool = begun();
        let spool = SpoolFile {
            file: Box::new(Unreserved(spool.file)),
            ..spool
        };
        spool.allocate().unwrap();
        assert_eq!(promised(&spool), 100);
        spool.write_at(0, &[1; 30]).unwrap();
        assert_eq!(promised(&spool), 70);
    }
}
