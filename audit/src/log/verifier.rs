//! Verification of everything, from the entries up.
//!
//! ```text
//! entries ─hash─▶ leaves ─┬─▶ every tile of level 0 ─▶ … every level ─▶ root ─▶ checkpoint's signature
//!                         └─▶ write-ahead log
//! ```
//!
//! Each file below `tile/` is visited: full ones, partial ones that were left, and those that are ahead of the
//! checkpoint because a publication is under way or was cut short; the latter are compared with the write-ahead log.
//! Memory holds one bundle and the list of files. Reads only, without lock: if the checkpoint moves meanwhile and
//! something did not fit, it begins again.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use protocol::digest::Digest;
use protocol::merkle::leaf_hash;

use super::edge::Edge;
use super::error::{LogError, io as io_error};
use super::files::{CHECKPOINT, damaged, note, parse_entries, parse_hashes, read_checkpoint, read_tile};
use super::note::{Checkpoint, Vkey};
use super::tile::{Kind, MAX_LEVELS, TILE_DIR, TILE_WIDTH, Tile, hashes_at, levels};
use super::wal::{self, WAL_DIR};
use crate::storage::{EntryKind, Storage};

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The log's name.
    pub origin: String,
    /// Entries under the checkpoint.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
    /// Tile files compared.
    pub files: u64,
    /// Tile files that hold more than checkpoint and write-ahead log cover: a publication under way in a copy without
    /// `.state`.
    pub uncovered: u64,
    /// What the write-ahead log says.
    pub wal: WalState,
}

/// The write-ahead log, as a verifier finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalState {
    /// It is not there, or not to be read by this user: a published copy has none.
    Absent,
    /// It agrees with what is published.
    Agrees {
        /// Entries that are durable and not published yet.
        unpublished: u64,
        /// Bytes of a torn last group, which the next start cuts off.
        torn_bytes: u64,
    },
}

/// Recomputes the log from its entries, and compares every file, the root, the signature under `vkey` (text as in
/// `log.vkey`), and the write-ahead log if there is one.
///
/// # Errors
/// The first thing that is wrong, with its file and entry; see [`LogError::is_integrity`].
pub fn verify(storage: &dyn Storage, vkey: &str) -> Result<Verified, LogError> {
    let vkey = Vkey::parse(vkey).map_err(note("the log's key"))?;
    let mut tries = 0;
    loop {
        let checkpoint = read_checkpoint(storage, CHECKPOINT, &vkey)?.ok_or_else(|| LogError::Missing {
            file: CHECKPOINT.to_owned(),
        })?;
        let outcome = Check::new(storage, &checkpoint).and_then(|mut check| check.run());
        let moved = || read_checkpoint(storage, CHECKPOINT, &vkey).is_ok_and(|now| now.as_ref() != Some(&checkpoint));
        tries += 1;
        if outcome.is_ok() || tries == MAX_TRIES || !moved() {
            return outcome;
        }
    }
}

/// A daemon publishes a few times a second at most; a verification that is overtaken this often has a file that is
/// wrong.
const MAX_TRIES: u32 = 5;

struct Check<'a> {
    storage: &'a dyn Storage,
    checkpoint: &'a Checkpoint,
    /// Widths found of each tile, narrowest first, until they are compared.
    found: BTreeMap<(Kind, u64), Vec<u16>>,
    files: u64,
    uncovered: u64,
}

impl<'a> Check<'a> {
    fn new(storage: &'a dyn Storage, checkpoint: &'a Checkpoint) -> Result<Self, LogError> {
        Ok(Self {
            storage,
            checkpoint,
            found: walk(storage)?,
            files: 0,
            uncovered: 0,
        })
    }

    fn run(&mut self) -> Result<Verified, LogError> {
        // Damage to the write-ahead log is reported last: what is published comes first.
        let (wal, wal_error) = match read_wal(self.storage) {
            Ok(wal) => (wal, None),
            Err(error) => (None, Some(error)),
        };
        let edge = self.check_tree(wal.as_ref())?;
        self.check_partials(&edge, wal.is_some())?;
        self.check_strangers(wal.is_some())?;
        if let Some(error) = wal_error {
            return Err(error);
        }
        let size = self.checkpoint.size();
        let wal = match wal {
            None => WalState::Absent,
            Some(wal) if wal.end() < size => {
                let what = format!("it ends after entry {}, and {size} are published", wal.end());
                return Err(LogError::Wal {
                    segment: WAL_DIR.to_owned(),
                    offset: 0,
                    what,
                });
            }
            Some(wal) => WalState::Agrees {
                unpublished: wal.end() - size,
                torn_bytes: wal.torn,
            },
        };
        Ok(Verified {
            origin: self.checkpoint.origin().to_owned(),
            size,
            root: self.checkpoint.root(),
            files: self.files,
            uncovered: self.uncovered,
            wal,
        })
    }

    /// Grows the tree from the entries, and on from the write-ahead log, comparing each tile as it fills up.
    fn check_tree(&mut self, wal: Option<&WalHashes>) -> Result<Edge, LogError> {
        let size = self.checkpoint.size();
        let end = wal.map_or(size, |wal| wal.end().max(size));
        let mut edge = Edge::default();
        self.check_root(&edge)?;
        for number in 0..end.div_ceil(TILE_WIDTH) {
            let leaves = self.leaves(number, end, wal)?;
            for leaf in &leaves {
                let mut compared = Ok(());
                edge.push(*leaf, |tile, hashes| {
                    if tile.kind != Kind::Hashes(0) && compared.is_ok() {
                        compared = self.check_hashes(tile.kind, tile.index, hashes, wal.is_some());
                    }
                });
                compared?;
                self.check_root(&edge)?;
            }
        }
        Ok(edge)
    }

    /// The hashes of the entries of a bundle, each compared with every file that has it and with the write-ahead log.
    fn leaves(&mut self, number: u64, end: u64, wal: Option<&WalHashes>) -> Result<Vec<Digest>, LogError> {
        let size = self.checkpoint.size();
        let first = number.saturating_mul(TILE_WIDTH);
        let wal_hash = |index: u64| wal.and_then(|wal| wal.hash(index));
        let (bundle, mut leaves) = self.bundle_leaves(number)?;
        let covered = usize::try_from(size.saturating_sub(first)).unwrap_or(usize::MAX);
        self.compare_level_0(number, bundle, &leaves)?;
        for (index, leaf) in (first..).zip(&leaves) {
            if wal_hash(index).is_some_and(|hash| hash != *leaf) {
                let file = bundle.map_or_else(String::new, |bundle| bundle.to_string());
                return Err(LogError::Entry {
                    index,
                    file,
                    hashes: WAL_DIR.to_owned(),
                });
            }
        }
        // What no signature and no durable group covers is not taken for granted.
        let known = leaves
            .iter()
            .enumerate()
            .take_while(|(place, _)| *place < covered || wal_hash(first.saturating_add(*place as u64)).is_some());
        let known = known.count();
        self.uncovered += u64::from(known < leaves.len());
        if wal.is_some() && known < leaves.len() {
            return Err(unexpected(bundle));
        }
        leaves.truncate(known);
        while let Some(hash) = wal_hash(first.saturating_add(leaves.len() as u64)) {
            if leaves.len() as u64 >= TILE_WIDTH {
                break;
            }
            leaves.push(hash);
        }
        let need = end.min(first.saturating_add(TILE_WIDTH)).saturating_sub(first);
        if (leaves.len() as u64) < need {
            let tile = Tile::of_size(Kind::Entries, number, size).unwrap_or(Tile::full(Kind::Entries, number));
            return Err(LogError::Missing { file: tile.to_string() });
        }
        self.check_hashes(Kind::Hashes(0), number, &leaves, wal.is_some())?;
        Ok(leaves)
    }

    /// The hashes of the widest bundle of this place; the narrower ones must be its beginning.
    fn bundle_leaves(&mut self, number: u64) -> Result<(Option<Tile>, Vec<Digest>), LogError> {
        let widths = self.found.remove(&(Kind::Entries, number)).unwrap_or_default();
        self.require(Kind::Entries, number, &widths)?;
        let mut widest: Option<(Tile, Vec<u8>)> = None;
        for width in widths.into_iter().rev() {
            let tile = Tile {
                kind: Kind::Entries,
                index: number,
                width,
            };
            let Some(bytes) = self.read(tile)? else { continue };
            self.files += 1;
            parse_entries(tile, &bytes)?;
            match &widest {
                Some((later, all)) if !all.starts_with(&bytes) => {
                    return Err(damaged(
                        tile,
                        &format!("it is not the beginning of {later}, or that was changed"),
                    ));
                }
                Some(_) => {}
                None => widest = Some((tile, bytes)),
            }
        }
        let Some((tile, bytes)) = widest else {
            return Ok((None, Vec::new()));
        };
        let entries = parse_entries(tile, &bytes)?;
        let first = number.saturating_mul(TILE_WIDTH);
        for (index, entry) in (first..).zip(&entries) {
            if serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(entry).is_err() {
                return Err(damaged(tile, &format!("entry {index} is not a JSON object")));
            }
        }
        Ok((Some(tile), entries.into_iter().map(leaf_hash).collect()))
    }

    /// Names the entry where bundle and tile disagree, before the tile is compared as a whole.
    fn compare_level_0(&self, number: u64, bundle: Option<Tile>, leaves: &[Digest]) -> Result<(), LogError> {
        let Some(bundle) = bundle else { return Ok(()) };
        for width in self.found.get(&(Kind::Hashes(0), number)).into_iter().flatten() {
            let tile = Tile {
                kind: Kind::Hashes(0),
                index: number,
                width: *width,
            };
            let Some(bytes) = self.read(tile)? else { continue };
            let hashes = parse_hashes(tile, &bytes)?;
            if let Some(place) = hashes.iter().zip(leaves).position(|(hash, leaf)| hash != leaf) {
                let index = number.saturating_mul(TILE_WIDTH).saturating_add(place as u64);
                return Err(LogError::Entry {
                    index,
                    file: bundle.to_string(),
                    hashes: tile.to_string(),
                });
            }
        }
        Ok(())
    }

    /// Compares every file of a tile with the hashes it must begin with.
    fn check_hashes(&mut self, kind: Kind, index: u64, hashes: &[Digest], wal: bool) -> Result<(), LogError> {
        let widths = self.found.remove(&(kind, index)).unwrap_or_default();
        self.require(kind, index, &widths)?;
        for width in widths {
            let tile = Tile { kind, index, width };
            let Some(bytes) = self.read(tile)? else { continue };
            self.files += 1;
            let there = parse_hashes(tile, &bytes)?;
            if let Some(place) = there.iter().zip(hashes).position(|(there, hash)| there != hash) {
                return Err(damaged(
                    tile,
                    &format!("hash {place} is not the one of what it stands for"),
                ));
            }
            if there.len() > hashes.len() {
                self.uncovered += 1;
                if wal {
                    return Err(unexpected(Some(tile)));
                }
            }
        }
        Ok(())
    }

    /// The tiles at the right edge, above level 0, which was compared with its bundle.
    fn check_partials(&mut self, edge: &Edge, wal: bool) -> Result<(), LogError> {
        for level in 1..MAX_LEVELS {
            let hashes = edge.partial(level);
            if !hashes.is_empty() {
                self.check_hashes(
                    Kind::Hashes(level),
                    hashes_at(edge.size(), level) / TILE_WIDTH,
                    hashes,
                    wal,
                )?;
            }
        }
        Ok(())
    }

    /// What is left was not reached from any entry.
    fn check_strangers(&mut self, wal: bool) -> Result<(), LogError> {
        for ((kind, index), widths) in std::mem::take(&mut self.found) {
            for width in widths {
                let tile = Tile { kind, index, width };
                let covered = levels(self.checkpoint.size()).any(|level| level == kind.level())
                    && Tile::of_size(kind, index, self.checkpoint.size()).is_some();
                if wal || covered {
                    return Err(unexpected(Some(tile)));
                }
                self.uncovered += 1;
            }
        }
        Ok(())
    }

    /// The checkpoint's tile of this place must be there, or the full one.
    fn require(&self, kind: Kind, index: u64, widths: &[u16]) -> Result<(), LogError> {
        match Tile::of_size(kind, index, self.checkpoint.size()) {
            Some(tile)
                if !widths
                    .iter()
                    .any(|width| *width == tile.width || u64::from(*width) == TILE_WIDTH) =>
            {
                Err(LogError::Missing { file: tile.to_string() })
            }
            _ => Ok(()),
        }
    }

    fn check_root(&self, edge: &Edge) -> Result<(), LogError> {
        if edge.size() != self.checkpoint.size() {
            return Ok(());
        }
        let (found, signed) = (edge.root(), self.checkpoint.root());
        if found == signed {
            return Ok(());
        }
        let (found, signed) = (found.to_string(), signed.to_string());
        Err(LogError::Root {
            size: edge.size(),
            found,
            file: CHECKPOINT.to_owned(),
            signed,
        })
    }

    /// A tile's bytes; `None` for a partial tile that the daemon removed since it was listed.
    fn read(&self, tile: Tile) -> Result<Option<Vec<u8>>, LogError> {
        match read_tile(self.storage, tile) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !tile.is_full() => {
                match read_tile(self.storage, Tile::full(tile.kind, tile.index)) {
                    Ok(_) => Ok(None),
                    Err(_) => Err(LogError::Missing { file: tile.to_string() }),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(damaged(tile, "it is too long")),
            Err(error) => Err(io_error("read a tile")(error)),
        }
    }
}

/// Every file below `tile/`, as the widths found of each tile.
fn walk(storage: &dyn Storage) -> Result<BTreeMap<(Kind, u64), Vec<u16>>, LogError> {
    let mut found: BTreeMap<_, Vec<u16>> = BTreeMap::new();
    let mut folders = vec![PathBuf::from(TILE_DIR)];
    while let Some(folder) = folders.pop() {
        let names = match storage.list(&folder) {
            // A folder of partial tiles that the daemon removed since its parent was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder != Path::new(TILE_DIR) => continue,
            other => other.map_err(io_error("list the tiles"))?,
        };
        for entry in names {
            let path = folder.join(&entry.name);
            match (entry.kind, Tile::parse(&path)) {
                (EntryKind::Dir, _) => folders.push(path),
                (EntryKind::File, Some(tile)) => found.entry((tile.kind, tile.index)).or_default().push(tile.width),
                _ => {
                    let file = path.display().to_string();
                    return Err(LogError::Damaged {
                        file,
                        what: "it is no tile, and does not belong here".to_owned(),
                    });
                }
            }
        }
    }
    found.values_mut().for_each(|widths| widths.sort_unstable());
    Ok(found)
}

/// The hashes of the entries in the write-ahead log.
struct WalHashes {
    first: u64,
    hashes: Vec<Digest>,
    torn: u64,
}

impl WalHashes {
    fn end(&self) -> u64 {
        self.first.saturating_add(self.hashes.len() as u64)
    }

    fn hash(&self, index: u64) -> Option<Digest> {
        let place = usize::try_from(index.checked_sub(self.first)?).ok()?;
        self.hashes.get(place).copied()
    }
}

fn read_wal(storage: &dyn Storage) -> Result<Option<WalHashes>, LogError> {
    let mut hashes = Vec::new();
    let scanned = wal::scan(storage, &mut |group| {
        hashes.extend(group.entries.iter().map(|entry| leaf_hash(entry)));
        Ok(())
    });
    match scanned {
        Ok(scan) => Ok(Some(WalHashes {
            first: scan.first.unwrap_or(0),
            hashes,
            torn: scan.torn(),
        })),
        Err(LogError::Io { source, .. })
            if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn unexpected(tile: Option<Tile>) -> LogError {
    let file = tile.map_or_else(|| TILE_DIR.to_owned(), |tile| tile.to_string());
    LogError::Damaged {
        file,
        what: "it holds more than checkpoint and write-ahead log cover".to_owned(),
    }
}

#[cfg(test)]
#[path = "verifier_tests.rs"]
mod tests;
