//! The log's files: their names, and tiles as they are read back and checked.

use std::io;
use std::path::Path;

use protocol::digest::Digest;
use protocol::merkle::leaf_hash;

use super::edge::{self, Edge};
use super::error::{LogError, io as io_error};
use super::note::{Checkpoint, MAX_NOTE_LEN, NoteError, Vkey};
use super::records;
use super::tile::{Kind, TILE_WIDTH, Tile, hashes_at, levels, partial_width};
use crate::event::MAX_ENTRY_LEN;
use crate::storage::{OpenHow, Storage};

/// The signed checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// The public key, as text.
pub(crate) const VKEY: &str = "log.vkey";
/// The writer's own files.
pub(crate) const STATE_DIR: &str = ".state";
/// A checkpoint that is, or is about to be, published.
pub(crate) const HIGH_WATER: &str = ".state/high-water";
/// Files on their way to their name.
pub(crate) const TEMPORARY_DIR: &str = ".state/tmp";
/// Held by the writer.
pub(crate) const LOCK: &str = ".state/lock";

/// A small file as text; `None` if it is not there.
pub(crate) fn read_text(storage: &dyn Storage, name: &'static str) -> Result<Option<String>, LogError> {
    let bytes = match read(storage, Path::new(name), MAX_NOTE_LEN as u64) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(io_error("read a file of the log"))?,
    };
    let not_text = |_| note(name)(NoteError::Malformed { reason: "not UTF-8" });
    String::from_utf8(bytes).map(Some).map_err(not_text)
}

/// The log's public key, from its own folder.
pub(crate) fn read_vkey(storage: &dyn Storage) -> Result<Vkey, LogError> {
    let text = read_text(storage, VKEY)?.ok_or(LogError::NotALog { missing: VKEY })?;
    Vkey::parse(&text).map_err(note(VKEY))
}

/// A checkpoint under this name; `None` if there is no such file.
pub(crate) fn read_checkpoint(
    storage: &dyn Storage,
    name: &'static str,
    vkey: &Vkey,
) -> Result<Option<Checkpoint>, LogError> {
    let text = read_text(storage, name)?;
    text.map(|text| Checkpoint::open(&text, vkey).map_err(note(name)))
        .transpose()
}

pub(crate) fn note(file: &str) -> impl FnOnce(NoteError) -> LogError {
    let file = file.to_owned();
    move |source| LogError::Note { file, source }
}

/// The bytes of a tile file.
pub(crate) fn read_tile(storage: &dyn Storage, tile: Tile) -> io::Result<Vec<u8>> {
    let width = usize::from(tile.width);
    let max = match tile.kind {
        Kind::Hashes(_) => width * 32,
        Kind::Entries => width * (2 + MAX_ENTRY_LEN),
    };
    read(storage, &tile.path(), max as u64)
}

/// The tile, or the full one of its place: a partial tile may be removed once the full one is there. Says which it was.
fn read_tile_or_full(storage: &dyn Storage, tile: Tile) -> Result<(Tile, Vec<u8>), LogError> {
    let full = Tile::full(tile.kind, tile.index);
    for candidate in [tile, full] {
        match read_tile(storage, candidate) {
            Ok(bytes) => return Ok((candidate, bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                return Err(damaged(candidate, "it is too long"));
            }
            Err(error) => return Err(io_error("read a tile")(error)),
        }
    }
    Err(LogError::Missing { file: tile.to_string() })
}

/// As many hashes as the tile is wide.
pub(crate) fn read_hashes(storage: &dyn Storage, tile: Tile) -> Result<Vec<Digest>, LogError> {
    let (found, bytes) = read_tile_or_full(storage, tile)?;
    let mut hashes = parse_hashes(found, &bytes)?;
    hashes.truncate(usize::from(tile.width));
    Ok(hashes)
}

/// The hashes of a tile file, if it is as wide as its name says.
pub(crate) fn parse_hashes(tile: Tile, bytes: &[u8]) -> Result<Vec<Digest>, LogError> {
    edge::from_bytes(bytes)
        .filter(|hashes| hashes.len() == usize::from(tile.width))
        .ok_or_else(|| damaged(tile, &format!("{} bytes are not {} hashes", bytes.len(), tile.width)))
}

/// As many entries as the bundle is wide, each checked against its hash in the tile of level 0.
pub(crate) fn read_entries(storage: &dyn Storage, bundle: Tile) -> Result<Vec<Vec<u8>>, LogError> {
    let (found, bytes) = read_tile_or_full(storage, bundle)?;
    let hashes_tile = Tile {
        kind: Kind::Hashes(0),
        ..bundle
    };
    let hashes = read_hashes(storage, hashes_tile)?;
    let entries = parse_entries(found, &bytes)?;
    for (place, (entry, hash)) in (0u64..).zip(entries.iter().zip(&hashes)) {
        if leaf_hash(entry) != *hash {
            return Err(LogError::Entry {
                index: bundle.index.saturating_mul(TILE_WIDTH).saturating_add(place),
                file: found.to_string(),
                hashes: hashes_tile.to_string(),
            });
        }
    }
    Ok(entries
        .into_iter()
        .take(usize::from(bundle.width))
        .map(<[u8]>::to_vec)
        .collect())
}

/// The entries of a bundle file, if there are as many as its name says.
pub(crate) fn parse_entries(bundle: Tile, bytes: &[u8]) -> Result<Vec<&[u8]>, LogError> {
    records::split(bytes)
        .filter(|entries| entries.len() == usize::from(bundle.width))
        .ok_or_else(|| {
            damaged(
                bundle,
                &format!("it is not {} entries, each behind its length", bundle.width),
            )
        })
}

/// The right edge of a tree of `size` entries, from its partial tiles.
pub(crate) fn read_edge(storage: &dyn Storage, size: u64) -> Result<Edge, LogError> {
    let mut partials = Vec::new();
    for level in levels(size) {
        partials.push(match partial_width(size, level) {
            0 => Vec::new(),
            _ => read_hashes_at(storage, level, hashes_at(size, level) / TILE_WIDTH, size)?,
        });
    }
    Edge::from_levels(size, partials).ok_or_else(|| LogError::Damaged {
        file: super::tile::TILE_DIR.to_owned(),
        what: format!("the partial tiles do not make a tree of {size} entries"),
    })
}

fn read_hashes_at(storage: &dyn Storage, level: u8, index: u64, size: u64) -> Result<Vec<Digest>, LogError> {
    match Tile::of_size(Kind::Hashes(level), index, size) {
        Some(tile) => read_hashes(storage, tile),
        None => Ok(Vec::new()),
    }
}

pub(crate) fn damaged(tile: Tile, what: &str) -> LogError {
    LogError::Damaged {
        file: tile.to_string(),
        what: what.to_owned(),
    }
}

fn read(storage: &dyn Storage, path: &Path, max: u64) -> io::Result<Vec<u8>> {
    storage.open(path, OpenHow::Read)?.read_all(max)
}
