//! Publication: what is durable in the write-ahead log becomes tiles, and then a checkpoint.
//!
//! ```text
//! write     all of the below as .state/tmp/N; synced
//! rename    entry bundles, tiles    to their names; then every folder synced
//! rename    .state/high-water       the checkpoint to come: from here on the log must never be shorter; synced
//! rename    checkpoint              synced
//! then      partial tiles whose full tile is there now are removed
//! ```
//!
//! Few files are synced one by one; of more than [`FEW`] all bytes by one sync of the file system, and the names of all tiles by another.
//!
//! A crash anywhere leaves the write-ahead log whole, so that the next start does the same again; a tile that is there
//! already must then have the same bytes.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::edge::{self, Edge};
use super::error::{Failure, LogError, clean, fatal};
use super::files::{CHECKPOINT, HIGH_WATER, TEMPORARY_DIR, note, read_tile};
use super::tile::{Kind, TILE_WIDTH, Tile};
use super::{Checkpoint, Log, records};
use crate::storage::{OpenHow, Storage, StorageFile, parent, remove_tree};

/// Publishes what `log` holds; with nothing new, does nothing.
pub(super) fn publish(log: &mut Log) -> Result<(), Failure> {
    if log.size() == log.published.size() {
        return Ok(());
    }
    let mut batch = Batch::new(&*log.storage);
    let mut full = write_entries(log, &mut batch)?;
    let edge = write_hashes(log, &mut batch, &mut full)?;
    let signed = Checkpoint::sign(log.vkey.name(), edge.size(), edge.root(), &log.key);
    let checkpoint = signed.map_err(note(CHECKPOINT)).map_err(Failure::Fatal)?;
    for name in [HIGH_WATER, CHECKPOINT] {
        batch.replace(Path::new(name), checkpoint.note().as_bytes())?;
    }
    batch.commit()?;
    remove_partials(&*log.storage, &full);
    log.published = checkpoint;
    log.edge = edge;
    log.tail.forget_before(log.published.size());
    Ok(())
}

/// Writes every bundle that has new entries; returns the full ones.
fn write_entries(log: &Log, batch: &mut Batch<'_>) -> Result<Vec<Tile>, Failure> {
    let size = log.size();
    let mut full = Vec::new();
    let mut index = log.published.size() / TILE_WIDTH;
    while let Some(bundle) = Tile::of_size(Kind::Entries, index, size) {
        let mut bytes = Vec::new();
        for entry in log.tail.from(index * TILE_WIDTH).take(usize::from(bundle.width)) {
            // Each was taken into the write-ahead log by the same rule.
            records::push(&mut bytes, entry).ok_or(Failure::Fatal(LogError::TooLarge { bytes: entry.len() }))?;
        }
        batch.add(bundle, &bytes)?;
        full.extend(bundle.is_full().then_some(bundle));
        index += 1;
    }
    Ok(full)
}

/// Writes every tile that has new hashes, and adds the full ones to `full`; returns the new right edge.
fn write_hashes(log: &Log, batch: &mut Batch<'_>, full: &mut Vec<Tile>) -> Result<Edge, Failure> {
    let mut edge = log.edge.clone();
    let mut written = Ok(());
    for leaf in log.unpublished() {
        edge.push(leaf, |tile, hashes| {
            full.push(tile);
            if written.is_ok() {
                written = batch.add(tile, &edge::to_bytes(hashes));
            }
        });
    }
    written?;
    let before: BTreeSet<Tile> = log.edge.partials().map(|(tile, _)| tile).collect();
    for (tile, hashes) in edge.partials().filter(|(tile, _)| !before.contains(tile)) {
        batch.add(tile, &edge::to_bytes(hashes))?;
    }
    Ok(edge)
}

/// Removes the partial versions of full tiles. Leftovers harm nobody, and the next start tries again for those at the
/// edge.
pub(super) fn remove_partials(storage: &dyn Storage, full: &[Tile]) {
    for tile in full {
        if let Err(error) = remove_tree(storage, &tile.partial_dir()) {
            tracing::warn!(%error, "partial tiles of the audit log were not removed");
        }
    }
}

/// Files on their way to their names: written one by one, synced together; then the tiles get their names together, and the
/// others theirs one after another.
struct Batch<'a> {
    storage: &'a dyn Storage,
    tiles: Vec<Waiting>,
    /// Each to take the place of one, once all before it have their names.
    replacements: Vec<Waiting>,
    /// The first files, to be synced if there are no more than [`FEW`].
    unsynced: Vec<Box<dyn StorageFile>>,
    /// Folders of tiles, to sync.
    folders: BTreeSet<PathBuf>,
}

struct Waiting {
    temporary: PathBuf,
    name: PathBuf,
    /// Whether the name may be taken by a file that this one takes the place of.
    replaces: bool,
}

impl Waiting {
    fn rename(&self, storage: &dyn Storage) -> Result<(), Failure> {
        match self.replaces {
            true => storage.rename(&self.temporary, &self.name),
            false => storage.rename_noreplace(&self.temporary, &self.name),
        }
        .map_err(clean("rename a temporary file"))
    }
}

impl<'a> Batch<'a> {
    fn new(storage: &'a dyn Storage) -> Self {
        Self {
            storage,
            tiles: Vec::new(),
            replacements: Vec::new(),
            unsynced: Vec::new(),
            folders: BTreeSet::new(),
        }
    }

    /// Takes a tile, which must have these bytes if it is there.
    fn add(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), Failure> {
        let there = match read_tile(self.storage, tile) {
            Ok(there) if there == bytes => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) if error.kind() != io::ErrorKind::FileTooLarge => return Err(clean("read a tile")(error)),
            _ => return Err(Failure::Fatal(LogError::Conflict { file: tile.to_string() })),
        };
        // One that an earlier try, cut short, left there is written once more: after a sync that failed it would be seen, and never reach the disk.
        let waiting = self.write(&tile.path(), bytes, there)?;
        self.tiles.push(waiting);
        Ok(())
    }

    fn replace(&mut self, name: &Path, bytes: &[u8]) -> Result<(), Failure> {
        let waiting = self.write(name, bytes, true)?;
        self.replacements.push(waiting);
        Ok(())
    }

    fn count(&self) -> usize {
        self.tiles.len() + self.replacements.len()
    }

    fn write(&mut self, name: &Path, bytes: &[u8], replaces: bool) -> Result<Waiting, Failure> {
        let temporary = Path::new(TEMPORARY_DIR).join(self.count().to_string());
        match self.storage.remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(clean("remove a temporary file")(error));
            }
            _ => {}
        }
        let how = OpenHow::CreateNew { mode: 0o644 };
        let file = self
            .storage
            .open(&temporary, how)
            .map_err(clean("create a temporary file"))?;
        file.write_at(bytes, 0).map_err(clean("write a temporary file"))?;
        if self.unsynced.len() < FEW {
            self.unsynced.push(file);
        }
        Ok(Waiting {
            temporary,
            name: name.to_owned(),
            replaces,
        })
    }

    /// Gives all files their names, and returns when those are durable.
    fn commit(mut self) -> Result<(), Failure> {
        let many = self.count() > FEW;
        for tile in &self.tiles {
            let folder = parent(&tile.name);
            if self.folders.insert(folder.to_owned()) {
                // Those of many are synced with all else below. Should that not be reached, none of these files has its
                // name yet: the next try has to write as many or more, and syncs everything too.
                ensure_folder(self.storage, folder, !many)?;
            }
        }
        match many {
            true => self.storage.sync_fs(),
            false => self.unsynced.iter().try_for_each(|file| file.sync_data()),
        }
        .map_err(fatal("sync temporary files"))?;
        for tile in &self.tiles {
            tile.rename(self.storage)?;
        }
        match many {
            true => self.storage.sync_fs(),
            false => self.folders.iter().try_for_each(|folder| self.storage.sync_dir(folder)),
        }
        .map_err(fatal("sync a folder of tiles"))?;
        for new in &self.replacements {
            new.rename(self.storage)?;
            let synced = self.storage.sync_dir(parent(&new.name));
            synced.map_err(fatal("sync the folder of a checkpoint"))?;
        }
        Ok(())
    }
}

/// Up to so many files are synced one by one: a sync of the whole file system also waits for what others wrote.
const FEW: usize = 6;

/// Makes a folder of tiles and those above it, unless it is there: then an earlier publication made it durable, since the start removes empty ones.
fn ensure_folder(storage: &dyn Storage, folder: &Path, sync: bool) -> Result<(), Failure> {
    if storage
        .stat(folder)
        .map_err(clean("look at a folder of tiles"))?
        .is_some()
    {
        return Ok(());
    }
    ensure_folder(storage, parent(folder), sync)?;
    let made = storage.create_dir(folder, 0o755);
    if sync {
        // Also after an error: the folder may be there all the same, and the next try finds it.
        storage
            .sync_dir(parent(folder))
            .map_err(fatal("sync a folder of tiles"))?;
    }
    made.map_err(clean("create a folder for tiles"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{append, create, events, verify_ok};
    use crate::storage::MemoryStorage;
    use crate::storage::memory::Fault;

    /// Entries that are published as few files, and as so many that all are synced together.
    const FEW_AND_MANY: [u64; 2] = [10, 300];

    #[test]
    fn what_a_publication_cut_short_left_is_durable_after_the_next_one() {
        for (entries, more) in FEW_AND_MANY.into_iter().flat_map(|n| [(n, 0), (n, 1), (n, 300)]) {
            for at in 0.. {
                let storage = MemoryStorage::new();
                let mut log = create(&storage);
                append(&mut log, 1..entries);
                storage.fail_at(at, Fault::Io);
                let finished = log.publish().is_ok();
                let again = log.append(&events(entries..entries + more));
                let published = again.and_then(|_| log.publish()).is_ok();
                let size = log.size();
                drop(log);
                storage.crash(&mut || false);
                let durable = verify_ok(&storage).size;
                assert!(
                    !published || durable == size,
                    "operation {at} of {entries} entries, {more} more"
                );
                if finished {
                    break;
                }
            }
        }
    }
}
