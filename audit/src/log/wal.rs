//! The write-ahead log: what makes an entry durable before anything else is done with it.
//!
//! ```text
//! .state/wal/00000000000000000118        a segment, named by its first entry
//!   group ‖ group ‖ group                one write and one fdatasync each
//! .state/wal/00000000000000000118.renewed    the same, after a start on a full disk
//!
//! group   magic 8 │ first u64 │ count u32 │ len u32 │ previous 32 │ hash 32 │ records
//!         hash = SHA-256(everything before it ‖ records); previous = the hash of the group before, zero for the first
//! ```
//!
//! A group is written only after the sync of the one before has returned, so that a crash can tear the last one alone:
//! it was never acknowledged, and is cut off whole. A bad group with a valid one after it is damage, and nothing is
//! cut. The magic has bytes that no JSON text contains, so that no entry can look like a group. A segment grows until
//! its entries are published and it is over [`SEGMENT_LEN`]; the next group then begins another, and the old one goes.

use std::path::{Path, PathBuf};

use protocol::digest::{Digest, Hasher};

use super::error::{Failure, LogError, clean, fatal, io};
use super::files::TEMPORARY_DIR;
use super::records;
use crate::storage::{EntryKind, OpenHow, Storage, StorageFile};

/// The folder of the segments.
pub(crate) const WAL_DIR: &str = ".state/wal";
/// Bytes of records in a group at most.
pub(crate) const MAX_GROUP_LEN: usize = 16 << 20;
/// A segment at least this long is left behind once all of it is published. Short in tests, so that they meet it often.
pub(crate) const SEGMENT_LEN: u64 = if cfg!(test) { 1 << 16 } else { 1 << 20 };

/// The segment that is written to.
#[derive(Debug)]
pub(crate) struct Wal {
    segment: Option<OpenSegment>,
    /// Hash of the last group.
    previous: Digest,
}

#[derive(Debug)]
struct OpenSegment {
    path: PathBuf,
    file: Box<dyn StorageFile>,
    len: u64,
}

impl Wal {
    /// The write-ahead log of a log that has no entry yet.
    pub(crate) fn new() -> Self {
        Self {
            segment: None,
            previous: Digest([0; 32]),
        }
    }

    /// Writes a group whose first entry is the log's entry `first`; durable when it returns.
    ///
    /// `published` says that every earlier entry is published, so that an old segment may be left behind.
    pub(crate) fn append(
        &mut self,
        storage: &dyn Storage,
        first: u64,
        entries: &[Vec<u8>],
        published: bool,
    ) -> Result<(), Failure> {
        let (group, hash) = emit(first, entries, &self.previous).map_err(Failure::Clean)?;
        match &mut self.segment {
            Some(segment) if !published || segment.len < SEGMENT_LEN => segment.write(&group)?,
            _ => self.rotate(storage, first, &group)?,
        }
        self.previous = hash;
        Ok(())
    }

    /// Begins a new segment with this group, and removes the old one.
    fn rotate(&mut self, storage: &dyn Storage, first: u64, group: &[u8]) -> Result<(), Failure> {
        let path = segment_path(first);
        let file = storage
            .open(&path, OpenHow::CreateNew { mode: 0o600 })
            .map_err(clean("create a segment"))?;
        if let Err(source) = file.write_at(group, 0) {
            let error = LogError::Io {
                doing: "write a group",
                source,
            };
            // Left behind, it would be in the way of the next try.
            return Err(match storage.remove_file(&path) {
                Ok(()) => Failure::Clean(error),
                Err(_) => Failure::Fatal(error),
            });
        }
        file.sync_data().map_err(fatal("sync a group"))?;
        storage
            .sync_dir(Path::new(WAL_DIR))
            .map_err(fatal("sync the segments' folder"))?;
        let old = self.segment.replace(OpenSegment {
            path,
            file,
            len: group.len() as u64,
        });
        if let Some(old) = old
            && let Err(error) = storage.remove_file(&old.path)
        {
            // The next start removes it.
            tracing::warn!(%error, "an old segment of the audit log was not removed");
        }
        Ok(())
    }
}

impl OpenSegment {
    fn write(&mut self, group: &[u8]) -> Result<(), Failure> {
        if let Err(source) = self.file.write_at(group, self.len) {
            let error = LogError::Io {
                doing: "write a group",
                source,
            };
            // What was written of it must not stay: a shorter group over it would leave its end.
            return Err(match self.file.set_len(self.len) {
                Ok(()) => Failure::Clean(error),
                Err(_) => Failure::Fatal(error),
            });
        }
        self.file.sync_data().map_err(fatal("sync a group"))?;
        self.len = self.len.saturating_add(group.len() as u64);
        Ok(())
    }
}

/// A group as read.
pub(crate) struct Group {
    /// Index of its first entry.
    pub(crate) first: u64,
    pub(crate) entries: Vec<Vec<u8>>,
}

/// What a scan found.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) segments: Vec<Segment>,
    /// Index of the first entry.
    pub(crate) first: Option<u64>,
    /// Index after the last entry.
    pub(crate) end: u64,
    /// Hash of the last group.
    previous: Option<Digest>,
}

/// A segment as read.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    /// Index after its last entry; `None` if it holds no whole group.
    pub(crate) end: Option<u64>,
    /// Bytes of whole groups.
    pub(crate) valid: u64,
    /// Bytes after them, of a group that was never acknowledged.
    pub(crate) torn: u64,
}

impl Scan {
    /// Bytes of the torn last group.
    pub(crate) fn torn(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.torn)
    }
}

/// Reads all segments, and gives each whole group to `visit`, in order. Changes nothing.
///
/// # Errors
/// [`LogError::Wal`] for what no crash explains; else `visit`'s or the storage's.
pub(crate) fn scan(
    storage: &dyn Storage,
    visit: &mut dyn FnMut(Group) -> Result<(), LogError>,
) -> Result<Scan, LogError> {
    let names = storage
        .list(Path::new(WAL_DIR))
        .map_err(io("list the write-ahead log"))?;
    let mut scan = Scan::default();
    for found in names.into_iter().filter(|found| found.kind == EntryKind::File) {
        let path = Path::new(WAL_DIR).join(&found.name);
        if let Some(torn) = scan.segments.last().filter(|segment| segment.torn > 0) {
            return Err(damaged(&torn.path, torn.valid, "a bad group, and a later segment"));
        }
        let file = storage.open(&path, OpenHow::Read).map_err(io("open a segment"))?;
        scan_segment(&path, &*file, &mut scan, visit)?;
    }
    Ok(scan)
}

fn scan_segment(
    path: &Path,
    file: &dyn StorageFile,
    scan: &mut Scan,
    visit: &mut dyn FnMut(Group) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let len = file.len().map_err(io("read a segment"))?;
    let mut segment = Segment {
        path: path.to_owned(),
        end: None,
        valid: 0,
        torn: 0,
    };
    while segment.valid < len {
        let at = segment.valid;
        let Some((group, header)) = read_group(file, at, len)? else {
            refuse_group_after(path, file, at, len)?;
            segment.torn = len - at;
            break;
        };
        let name = segment_path(group.first);
        if segment.end.is_none() && path != name && path != other_name(&name) {
            return Err(damaged(path, at, "the name is not its first entry's"));
        }
        if scan
            .previous
            .is_some_and(|previous| previous != header.previous || scan.end != group.first)
        {
            return Err(damaged(path, at, "the group does not follow the one before it"));
        }
        segment.valid = at.saturating_add((HEADER_LEN as u64).saturating_add(u64::from(header.len)));
        scan.first = scan.first.or(Some(group.first));
        scan.end = group.first.saturating_add(group.entries.len() as u64);
        scan.previous = Some(header.hash);
        segment.end = Some(scan.end);
        visit(group)?;
    }
    scan.segments.push(segment);
    Ok(())
}

/// The group at `at`; `None` if there is no whole valid one.
fn read_group(file: &dyn StorageFile, at: u64, len: u64) -> Result<Option<(Group, Header)>, LogError> {
    let left = len.saturating_sub(at);
    let mut header = [0; HEADER_LEN];
    if left < HEADER_LEN as u64 {
        return Ok(None);
    }
    file.read_exact_at(&mut header, at).map_err(io("read a segment"))?;
    let Some(parsed) = Header::parse(&header) else {
        return Ok(None);
    };
    let body_len = parsed.len as usize;
    if body_len > MAX_GROUP_LEN || left - (HEADER_LEN as u64) < u64::from(parsed.len) {
        return Ok(None);
    }
    let mut body = vec![0; body_len];
    file.read_exact_at(&mut body, at.saturating_add(HEADER_LEN as u64))
        .map_err(io("read a segment"))?;
    Ok(parsed.group(&header, &body).map(|group| (group, parsed)))
}

/// After a bad group at `at`, anything that is a valid one shows that it was not torn by a crash.
fn refuse_group_after(path: &Path, file: &dyn StorageFile, at: u64, len: u64) -> Result<(), LogError> {
    let left = usize::try_from(len - at).unwrap_or(usize::MAX);
    if left > HEADER_LEN + MAX_GROUP_LEN {
        return Err(damaged(
            path,
            at,
            "a bad group, and more after it than one group can be",
        ));
    }
    let mut rest = vec![0; left];
    file.read_exact_at(&mut rest, at).map_err(io("read a segment"))?;
    // The first place is the bad group's own.
    let places = rest
        .windows(MAGIC.len())
        .enumerate()
        .skip(1)
        .filter(|(_, bytes)| *bytes == MAGIC);
    for (place, _) in places {
        let group = rest
            .get(place..)
            .and_then(|bytes| bytes.split_first_chunk::<HEADER_LEN>());
        let valid = group.and_then(|(header, after)| {
            let parsed = Header::parse(header)?;
            parsed.group(header, after.get(..parsed.len as usize)?)
        });
        if valid.is_some() {
            return Err(damaged(path, at, "a bad group, and a valid one after it"));
        }
    }
    Ok(())
}

/// Makes what a scan found the log to append to: cuts a torn last group, makes the segments with entry `from` and later ones, and the last one,
/// durable again, removes those that are wholly before it.
///
/// They are written once more, under their old names, because the last sync of bytes or names may have failed before the restart: the kernel would
/// then show them, call them clean, and never write them. Where the disk has no room for that, they are written over themselves.
pub(crate) fn resume(storage: &dyn Storage, scan: &Scan, from: u64) -> Result<Wal, LogError> {
    let mut wal = Wal {
        segment: None,
        previous: scan.previous.unwrap_or(Digest([0; 32])),
    };
    let last = scan.segments.iter().rposition(|segment| segment.end.is_some());
    for (number, found) in scan.segments.iter().enumerate() {
        if last != Some(number) && found.end.is_none_or(|end| end <= from) {
            storage.remove_file(&found.path).map_err(io("remove an old segment"))?;
            continue;
        }
        let (path, file) = renew(storage, found)?;
        if last == Some(number) {
            wal.segment = Some(OpenSegment {
                path,
                file,
                len: found.valid,
            });
        }
    }
    Ok(wal)
}

/// Puts a copy of a segment's whole groups in its place, or renews it in its place where the disk has no room for one; says under which name.
fn renew(storage: &dyn Storage, found: &Segment) -> Result<(PathBuf, Box<dyn StorageFile>), LogError> {
    let copy = Path::new(TEMPORARY_DIR).join("segment");
    match copy_segment(storage, found, &copy) {
        Ok(file) => {
            move_segment(storage, &copy, &found.path)?;
            Ok((found.path.clone(), file))
        }
        Err(error) if error.is_full() => {
            // It would keep room that is needed; what can't be removed goes at the next start.
            let _ = storage.remove_file(&copy);
            renew_in_place(storage, found)
        }
        Err(error) => Err(error),
    }
}

fn copy_segment(storage: &dyn Storage, found: &Segment, copy: &Path) -> Result<Box<dyn StorageFile>, LogError> {
    let old = storage.open(&found.path, OpenHow::Read).map_err(io("open a segment"))?;
    let new = storage
        .open(copy, OpenHow::CreateNew { mode: 0o600 })
        .map_err(io("create a segment again"))?;
    copy_groups(&*old, &*new, found.valid)?;
    new.sync_data().map_err(io("sync a segment"))?;
    Ok(new)
}

/// Writes a segment's whole groups over themselves, and gives it its other name: the kernel takes both for new, a crash meanwhile changes no byte, and
/// leaves one of the names.
fn renew_in_place(storage: &dyn Storage, found: &Segment) -> Result<(PathBuf, Box<dyn StorageFile>), LogError> {
    let file = storage
        .open(&found.path, OpenHow::Write)
        .map_err(io("open a segment"))?;
    file.set_len(found.valid).map_err(io("cut a torn group off"))?;
    copy_groups(&*file, &*file, found.valid)?;
    file.sync_data().map_err(io("sync a segment"))?;
    let path = other_name(&found.path);
    move_segment(storage, &found.path, &path)?;
    Ok((path, file))
}

fn move_segment(storage: &dyn Storage, from: &Path, to: &Path) -> Result<(), LogError> {
    storage.rename(from, to).map_err(io("rename a segment"))?;
    storage
        .sync_dir(Path::new(WAL_DIR))
        .map_err(io("sync the segments' folder"))
}

/// Copies the first `len` bytes, in pieces.
fn copy_groups(from: &dyn StorageFile, to: &dyn StorageFile, len: u64) -> Result<(), LogError> {
    let mut piece = vec![0; 1 << 20];
    let mut at = 0;
    while at < len {
        let size = usize::try_from(len - at).unwrap_or(usize::MAX).min(piece.len());
        let bytes = piece.get_mut(..size).unwrap_or_default();
        from.read_exact_at(bytes, at).map_err(io("read a segment"))?;
        to.write_at(bytes, at).map_err(io("write a segment again"))?;
        at = at.saturating_add(size as u64);
    }
    Ok(())
}

struct Header {
    first: u64,
    count: u32,
    len: u32,
    previous: Digest,
    hash: Digest,
}

impl Header {
    fn parse(bytes: &[u8; HEADER_LEN]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (first, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (previous, hash) = rest.split_first_chunk()?;
        (*magic == MAGIC).then_some(Self {
            first: u64::from_be_bytes(*first),
            count: u32::from_be_bytes(*count),
            len: u32::from_be_bytes(*len),
            previous: Digest(*previous),
            hash: Digest(hash.try_into().ok()?),
        })
    }

    /// The group, if hash and count fit.
    fn group(&self, header: &[u8; HEADER_LEN], records: &[u8]) -> Option<Group> {
        let (hashed, _) = header.split_at(HASHED_LEN);
        if hash(hashed, records) != self.hash {
            return None;
        }
        let entries: Vec<_> = records::split(records)?.into_iter().map(<[u8]>::to_vec).collect();
        (u32::try_from(entries.len()) == Ok(self.count)).then_some(Group {
            first: self.first,
            entries,
        })
    }
}

fn emit(first: u64, entries: &[Vec<u8>], previous: &Digest) -> Result<(Vec<u8>, Digest), LogError> {
    let mut body = Vec::new();
    for entry in entries {
        records::push(&mut body, entry).ok_or(LogError::TooLarge { bytes: entry.len() })?;
    }
    let too_large = LogError::TooLarge { bytes: body.len() };
    let (Ok(count), Ok(len)) = (u32::try_from(entries.len()), u32::try_from(body.len())) else {
        return Err(too_large);
    };
    if body.len() > MAX_GROUP_LEN {
        return Err(too_large);
    }
    let mut group = Vec::with_capacity(HEADER_LEN + body.len());
    group.extend_from_slice(&MAGIC);
    group.extend_from_slice(&first.to_be_bytes());
    group.extend_from_slice(&count.to_be_bytes());
    group.extend_from_slice(&len.to_be_bytes());
    group.extend_from_slice(previous.as_bytes());
    let hash = hash(&group, &body);
    group.extend_from_slice(hash.as_bytes());
    group.extend_from_slice(&body);
    Ok((group, hash))
}

fn hash(hashed: &[u8], records: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(hashed);
    hasher.update(records);
    hasher.finish()
}

fn segment_path(first: u64) -> PathBuf {
    Path::new(WAL_DIR).join(format!("{first:020}"))
}

/// A segment has one of two names.
fn other_name(path: &Path) -> PathBuf {
    match path.extension() {
        Some(_) => path.with_extension(""),
        None => path.with_extension(RENEWED),
    }
}

fn damaged(path: &Path, offset: u64, what: &str) -> LogError {
    LogError::Wal {
        segment: path.display().to_string(),
        offset,
        what: what.to_owned(),
    }
}

/// Ends the second name that a segment may have.
const RENEWED: &str = "renewed";
const MAGIC: [u8; 8] = [0xFF, b'd', b'w', b'a', b'l', b'/', b'1', 0xFF];
const HASHED_LEN: usize = 8 + 8 + 4 + 4 + 32;
const HEADER_LEN: usize = HASHED_LEN + 32;

#[cfg(test)]
#[path = "wal_tests.rs"]
mod tests;
