//! Opening a log after whatever happened: a clean stop, a crash at any point, or somebody's hand.
//!
//! ```text
//! 1  log.vkey, checkpoint, high-water mark    the signatures hold, the key is ours
//! 2  right-edge tiles, partial bundle         their root is the checkpoint's: the rest of the log is not read
//! 3  write-ahead log                          published groups agree with the tiles; later ones are the log's end
//! 4  sizes                                    nothing that was once published is missing
//! 5  only now is anything changed: all that is seen made durable, the torn group cut, `log.recovered` appended
//! ```
//!
//! What a crash can leave: a torn last group; tiles, or a high-water mark, that are ahead of the checkpoint (the
//! write-ahead log has all that is needed to catch up); temporary files; partial tiles beside their full one. Anything
//! else is refused.

use std::path::Path;
use std::sync::Arc;

use protocol::digest::Digest;
use protocol::keys::SigningKey;
use protocol::merkle::leaf_hash;
use protocol::time::UnixMillis;

use super::edge::Edge;
use super::error::{LogError, io};
use super::files::{
    CHECKPOINT, HIGH_WATER, TEMPORARY_DIR, read_checkpoint, read_edge, read_entries, read_hashes, read_vkey,
};
use super::tile::{Kind, TILE_WIDTH, Tile, hashes_at, levels};
use super::wal::{self, Group, Scan};
use super::{Checkpoint, Log, Tail, Vkey, publish, take_lock};
use crate::event::{Event, EventKind};
use crate::storage::{Storage, ensure_dir, remove_tree};

/// What was found, and done, when a log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// Entries that the checkpoint did not cover yet, taken from the write-ahead log.
    pub unpublished: u64,
    /// Bytes of a torn last group that were cut off. They had never been acknowledged.
    pub torn_bytes: u64,
}

pub(super) fn open(storage: Arc<dyn Storage>, key: SigningKey, now: UnixMillis) -> Result<(Log, Recovery), LogError> {
    let vkey = read_vkey(&*storage)?;
    if *vkey.key() != key.public() {
        let given = Vkey::new(vkey.name(), key.public()).map_err(super::note_error("the key given"))?;
        return Err(LogError::WrongKey {
            expected: vkey.to_string(),
            given: given.to_string(),
        });
    }
    let lock = take_lock(&*storage)?;
    let mut found = Found::read(&*storage, &vkey)?;
    let scan = wal::scan(&*storage, &mut |group| found.replay(&*storage, group))?;
    found.check_sizes(&scan)?;

    // A process that was killed, the machine living on, may have left names that are seen and not durable.
    storage.sync_fs().map_err(io("sync the log's file system"))?;
    let published = found.checkpoint.size();
    clear_leftovers(&*storage, published, found.tail.end())?;
    let wal = wal::resume(&*storage, &scan, published)?;
    let newest = newest_time(&*storage, &found.tail, published)?;
    let mut log = Log {
        newest,
        published: found.checkpoint,
        edge: found.edge,
        tail: found.tail,
        poisoned: None,
        _lock: lock,
        storage,
        key,
        vkey,
        wal,
    };
    let recovery = Recovery {
        unpublished: log.size() - published,
        torn_bytes: scan.torn(),
    };
    if recovery.torn_bytes > 0 {
        let detail = format!(
            "an unfinished group of {} bytes, never acknowledged, was cut off before entry {}",
            recovery.torn_bytes,
            log.size()
        );
        let reason = Some("torn-group".to_owned());
        let event = Event {
            reason,
            detail: Some(detail),
            // A clock that was put back does not put the log's time back.
            ..Event::new(EventKind::LogRecovered, newest.map_or(now, |newest| newest.max(now)))
        };
        let appended = log.append(&[event]);
        match appended {
            // Of a group that nobody was promised; a log that can't be opened would be worse.
            Err(error) if error.is_full() && !log.is_poisoned() => {
                tracing::warn!(%error, "a torn group was cut off, and the log has no room to say so");
            }
            appended => _ = appended?,
        }
    }
    Ok((log, recovery))
}

/// The latest time of the entries around the end. A tail that begins with a new bundle has none: then it is that of the bundle before.
fn newest_time(storage: &dyn Storage, tail: &Tail, published: u64) -> Result<Option<UnixMillis>, LogError> {
    let last = match (published / TILE_WIDTH).checked_sub(1) {
        Some(number) if tail.entries.is_empty() => read_entries(storage, Tile::full(Kind::Entries, number))?,
        _ => Vec::new(),
    };
    let times = tail
        .entries
        .iter()
        .chain(&last)
        .filter_map(|entry| Event::parse(entry).ok());
    Ok(times.map(|event| event.time).max())
}

/// Whether the tree still holds what an earlier checkpoint covered.
pub(super) fn check_holds(log: &Log, earlier: &Checkpoint) -> Result<(), LogError> {
    if earlier.size() > log.size() {
        return Err(rolled_back(format!(
            "a checkpoint kept elsewhere covers {} entries, and the log has {}",
            earlier.size(),
            log.size()
        )));
    }
    let root = if earlier.size() >= log.published.size() {
        root_after(&log.edge, log.unpublished(), earlier.size())
    } else {
        read_edge(&*log.storage, earlier.size())?.root()
    };
    if root == earlier.root() {
        return Ok(());
    }
    Err(rolled_back(format!(
        "a checkpoint kept elsewhere has another root over the first {} entries",
        earlier.size()
    )))
}

/// What was read, before anything is changed.
struct Found {
    checkpoint: Checkpoint,
    high_water: Checkpoint,
    edge: Edge,
    tail: Tail,
    /// The tile of level 0 that published groups are being compared with.
    compared: Option<(u64, Vec<Digest>)>,
}

impl Found {
    fn read(storage: &dyn Storage, vkey: &Vkey) -> Result<Self, LogError> {
        let checkpoint = read_checkpoint(storage, CHECKPOINT, vkey)?
            .ok_or_else(|| rolled_back("there is a log.vkey but no checkpoint".to_owned()))?;
        let high_water = read_checkpoint(storage, HIGH_WATER, vkey)?.ok_or_else(|| {
            rolled_back(format!(
                "{HIGH_WATER} is missing; if you removed it, put a copy of checkpoint in its place"
            ))
        })?;
        let size = checkpoint.size();
        let edge = read_edge(storage, size)?;
        check_root(&edge, &checkpoint, CHECKPOINT)?;
        let mut tail = Tail {
            first: size / TILE_WIDTH * TILE_WIDTH,
            entries: Vec::new(),
        };
        if let Some(bundle) = Tile::of_size(Kind::Entries, size / TILE_WIDTH, size) {
            tail.extend(read_entries(storage, bundle)?);
        }
        Ok(Self {
            checkpoint,
            high_water,
            edge,
            tail,
            compared: None,
        })
    }

    /// Takes a group of the write-ahead log: compares what is published, keeps what is not.
    fn replay(&mut self, storage: &dyn Storage, group: Group) -> Result<(), LogError> {
        let published = self.checkpoint.size();
        if group.first > self.tail.end() {
            return Err(rolled_back(format!(
                "the checkpoint covers {published} entries, and the write-ahead log goes on with entry {}",
                group.first
            )));
        }
        for (index, entry) in (group.first..).zip(group.entries) {
            if index >= published {
                self.tail.entries.push(entry);
            } else if self.published_hash(storage, index)? != Some(leaf_hash(&entry)) {
                return Err(rolled_back(format!(
                    "entry {index} of the write-ahead log is not the one published"
                )));
            }
        }
        Ok(())
    }

    fn published_hash(&mut self, storage: &dyn Storage, index: u64) -> Result<Option<Digest>, LogError> {
        let number = index / TILE_WIDTH;
        let hashes = match self.compared.take() {
            Some((at, hashes)) if at == number => hashes,
            _ => match Tile::of_size(Kind::Hashes(0), number, self.checkpoint.size()) {
                Some(tile) => read_hashes(storage, tile)?,
                None => Vec::new(),
            },
        };
        let hash = usize::try_from(index % TILE_WIDTH)
            .ok()
            .and_then(|place| hashes.get(place))
            .copied();
        self.compared = Some((number, hashes));
        Ok(hash)
    }

    fn check_sizes(&self, scan: &Scan) -> Result<(), LogError> {
        let published = self.checkpoint.size();
        let (mark, end) = (self.high_water.size(), self.tail.end());
        if scan.end < published {
            return Err(rolled_back(format!(
                "the checkpoint covers {published} entries, and the write-ahead log ends after {}; \
                 mend: bring .state/wal and checkpoint back from the same moment",
                scan.end
            )));
        }
        if mark > end {
            return Err(rolled_back(format!(
                "the high-water mark says that {mark} entries were published, and there are {end}"
            )));
        }
        if mark < published {
            return Err(rolled_back(format!(
                "the checkpoint covers {published} entries, and the high-water mark, which is written first, {mark}"
            )));
        }
        let unpublished = self.tail.from(published).map(|entry| leaf_hash(entry));
        let root = root_after(&self.edge, unpublished, mark);
        if root != self.high_water.root() {
            return Err(wrong_root(mark, root, HIGH_WATER, &self.high_water));
        }
        Ok(())
    }
}

fn check_root(edge: &Edge, checkpoint: &Checkpoint, file: &str) -> Result<(), LogError> {
    let root = edge.root();
    if root == checkpoint.root() {
        Ok(())
    } else {
        Err(wrong_root(edge.size(), root, file, checkpoint))
    }
}

fn wrong_root(size: u64, found: Digest, file: &str, signed: &Checkpoint) -> LogError {
    let (found, signed) = (found.to_string(), signed.root().to_string());
    LogError::Root {
        size,
        found,
        file: file.to_owned(),
        signed,
    }
}

/// The root when `leaves` have grown the tree of `edge` to `size`.
fn root_after(edge: &Edge, leaves: impl Iterator<Item = Digest>, size: u64) -> Digest {
    let mut edge = edge.clone();
    let missing = usize::try_from(size.saturating_sub(edge.size())).unwrap_or(usize::MAX);
    leaves.take(missing).for_each(|leaf| edge.push(leaf, |_, _| {}));
    edge.root()
}

fn clear_leftovers(storage: &dyn Storage, published: u64, end: u64) -> Result<(), LogError> {
    let temporary = Path::new(TEMPORARY_DIR);
    remove_tree(storage, temporary).map_err(io("remove temporary files"))?;
    ensure_dir(storage, temporary, 0o700).map_err(io("create the folder of temporary files"))?;
    // Only the last full tile of a level can have lost the race against a crash.
    let last_full = |kind: Kind| {
        let number = (hashes_at(published, kind.level()) / TILE_WIDTH).checked_sub(1)?;
        Some(Tile::full(kind, number))
    };
    let kinds = levels(published).map(Kind::Hashes).chain([Kind::Entries]);
    publish::remove_partials(storage, &kinds.filter_map(last_full).collect::<Vec<_>>());
    remove_empty_folders(storage, published, end);
    Ok(())
}

/// Removes the folders that a publication made and put nothing into: if it was cut short by a sync that failed, their names are seen, and never reach
/// the disk. The next one makes them anew.
fn remove_empty_folders(storage: &dyn Storage, published: u64, end: u64) {
    for kind in levels(end).map(Kind::Hashes).chain([Kind::Entries]) {
        let [first, last] = [published, end].map(|size| hashes_at(size, kind.level()) / TILE_WIDTH);
        for index in first..=last {
            let partial = Tile::full(kind, index).partial_dir();
            for folder in partial.ancestors().filter(|folder| !folder.as_os_str().is_empty()) {
                // Of what is not there, or not empty, nothing is removed.
                if storage.remove_dir(folder).is_err() {
                    break;
                }
            }
        }
    }
}

fn rolled_back(what: String) -> LogError {
    LogError::RolledBack { what }
}
