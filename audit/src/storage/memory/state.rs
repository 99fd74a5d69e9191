//! What the disk in memory sees and keeps: names and bytes, each twice, and the changes between.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::Fault;
use crate::storage::{DirEntry, EntryKind, check_plain};

#[derive(Debug)]
pub(super) struct State {
    pub(super) nodes: BTreeMap<u64, Node>,
    next_id: u64,
    /// Name changes that no sync has covered, oldest first; each is one operation.
    names: Vec<Vec<NameChange>>,
    pub(super) locks: BTreeSet<PathBuf>,
    pub(super) operations: u64,
    pub(super) syncs: u64,
    pub(super) faults: BTreeMap<u64, Fault>,
    pub(super) dead: bool,
    /// What the disk says that may still be written.
    pub(super) free_told: u64,
    /// Bytes that all files together may have.
    pub(super) capacity: u64,
}

/// In this folder, this name now stands for that.
pub(super) type NameChange = (u64, OsString, Option<u64>);

const ROOT: u64 = 0;

impl Default for State {
    fn default() -> Self {
        let root = Node::new(0o700, Body::Dir(Dir::default()));
        Self {
            nodes: BTreeMap::from([(ROOT, root)]),
            next_id: ROOT + 1,
            names: Vec::new(),
            locks: BTreeSet::new(),
            operations: 0,
            syncs: 0,
            faults: BTreeMap::new(),
            dead: false,
            free_told: u64::MAX,
            capacity: u64::MAX,
        }
    }
}

impl State {
    /// Counts an operation, and fails it if a fault was planned for it.
    pub(super) fn begin(&mut self, doing: &'static str, path: &Path) -> io::Result<()> {
        if self.dead {
            return Err(error(io::ErrorKind::Other, doing, path));
        }
        let fault = self.faults.remove(&self.operations);
        self.operations += 1;
        self.dead = fault == Some(Fault::PowerCut);
        match fault {
            None => Ok(()),
            Some(Fault::Full) => Err(error(io::ErrorKind::StorageFull, doing, path)),
            Some(Fault::Io | Fault::PowerCut) => Err(error(io::ErrorKind::Other, doing, path)),
        }
    }

    /// [`begin`](Self::begin) of an operation that makes others durable.
    pub(super) fn begin_sync(&mut self, doing: &'static str, path: &Path) -> io::Result<()> {
        self.syncs += 1;
        self.begin(doing, path)
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<u64> {
        if self.dead {
            return Err(error(io::ErrorKind::Other, "look up", path));
        }
        path.components().try_fold(ROOT, |id, part| {
            let dir = self.dir(id, path)?;
            dir.seen
                .get(part.as_os_str())
                .copied()
                .ok_or_else(|| error(io::ErrorKind::NotFound, "find", path))
        })
    }

    pub(super) fn dir(&self, id: u64, path: &Path) -> io::Result<&Dir> {
        match self.nodes.get(&id).map(|node| &node.body) {
            Some(Body::Dir(dir)) => Ok(dir),
            _ => Err(error(io::ErrorKind::NotADirectory, "enter", path)),
        }
    }

    pub(super) fn node(&mut self, id: u64, path: &Path) -> io::Result<&mut Node> {
        self.nodes
            .get_mut(&id)
            .ok_or_else(|| error(io::ErrorKind::NotFound, "find", path))
    }

    pub(super) fn file(&mut self, id: u64) -> Option<&mut File> {
        match self.nodes.get_mut(&id).map(|node| &mut node.body) {
            Some(Body::File(file)) => Some(file),
            _ => None,
        }
    }

    pub(super) fn file_at(&mut self, path: &Path) -> io::Result<u64> {
        let id = self.find(path)?;
        self.file(id)
            .map(|_| id)
            .ok_or_else(|| error(io::ErrorKind::InvalidInput, "open as a file", path))
    }

    /// Folder and last name of a path.
    pub(super) fn place(&self, path: &Path) -> io::Result<(u64, OsString)> {
        let name = path
            .file_name()
            .ok_or_else(|| error(io::ErrorKind::InvalidInput, "name", path))?;
        let dir = self.find(path.parent().unwrap_or(Path::new("")))?;
        self.dir(dir, path)?;
        Ok((dir, name.to_owned()))
    }

    pub(super) fn free_name(&self, path: &Path) -> io::Result<(u64, OsString)> {
        let (dir, name) = self.place(path)?;
        if self.dir(dir, path)?.seen.contains_key(&name) {
            return Err(error(io::ErrorKind::AlreadyExists, "create", path));
        }
        Ok((dir, name))
    }

    pub(super) fn add(&mut self, node: Node) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.nodes.insert(id, node);
        id
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path, replace: bool) -> io::Result<()> {
        check_plain(from)?;
        check_plain(to)?;
        self.begin("rename to", to)?;
        let id = self.find(from)?;
        let (from_dir, from_name) = self.place(from)?;
        let (to_dir, to_name) = if replace { self.place(to)? } else { self.free_name(to)? };
        self.name_changed(vec![(from_dir, from_name, None), (to_dir, to_name, Some(id))]);
        Ok(())
    }

    pub(super) fn name_changed(&mut self, changes: Vec<NameChange>) {
        for (dir, name, id) in &changes {
            if let Some(Body::Dir(dir)) = self.nodes.get_mut(dir).map(|node| &mut node.body) {
                set(&mut dir.seen, name, *id);
            }
        }
        self.names.push(changes);
    }

    /// Takes the pending changes of the chosen folders off the list, and keeps them if the sync succeeded.
    pub(super) fn sync_names(&mut self, chosen: impl Fn(u64) -> bool, keep: bool) {
        for operation in std::mem::take(&mut self.names) {
            let (synced, rest): (Vec<_>, Vec<_>) = operation.into_iter().partition(|(dir, ..)| chosen(*dir));
            if keep {
                self.keep_names(synced);
            }
            if !rest.is_empty() {
                self.names.push(rest);
            }
        }
    }

    pub(super) fn keep_names(&mut self, changes: Vec<NameChange>) {
        for (dir, name, id) in changes {
            if let Some(Body::Dir(dir)) = self.nodes.get_mut(&dir).map(|node| &mut node.body) {
                set(&mut dir.kept, &name, id);
            }
        }
    }

    pub(super) fn crash(&mut self, keep: &mut dyn FnMut() -> bool) {
        for operation in std::mem::take(&mut self.names) {
            if keep() {
                self.keep_names(operation);
            }
        }
        for node in self.nodes.values_mut() {
            node.mode = node.kept_mode;
            match &mut node.body {
                Body::Dir(dir) => dir.seen.clone_from(&dir.kept),
                Body::File(file) => file.crash(keep),
            }
        }
        self.locks.clear();
        self.faults.clear();
        self.dead = false;
        self.forget_unreachable();
    }

    /// Bytes that may still be written.
    pub(super) fn free(&self) -> u64 {
        if self.capacity == u64::MAX {
            return u64::MAX;
        }
        // What has no name any more is gone, whoever has it open.
        let mut used = 0u64;
        let mut folders = vec![ROOT];
        while let Some(id) = folders.pop() {
            match self.nodes.get(&id).map(|node| &node.body) {
                Some(Body::Dir(dir)) => folders.extend(dir.seen.values()),
                Some(Body::File(file)) => used = used.saturating_add(file.seen.len() as u64),
                None => {}
            }
        }
        self.capacity.saturating_sub(used)
    }

    pub(super) fn forget_unreachable(&mut self) {
        let mut reachable = BTreeSet::from([ROOT]);
        let mut folders = vec![ROOT];
        while let Some(id) = folders.pop() {
            if let Some(Body::Dir(dir)) = self.nodes.get(&id).map(|node| &node.body) {
                folders.extend(dir.seen.values().filter(|id| reachable.insert(**id)));
            }
        }
        self.nodes.retain(|id, _| reachable.contains(id));
    }

    pub(super) fn entry(&self, name: OsString, id: u64, path: &Path) -> io::Result<DirEntry> {
        let node = self
            .nodes
            .get(&id)
            .ok_or_else(|| error(io::ErrorKind::NotFound, "find", path))?;
        let (kind, len) = match &node.body {
            Body::Dir(_) => (EntryKind::Dir, 0),
            Body::File(file) => (EntryKind::File, file.seen.len() as u64),
        };
        Ok(DirEntry {
            name,
            kind,
            len,
            mode: node.mode,
        })
    }
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) mode: u32,
    pub(super) kept_mode: u32,
    pub(super) body: Body,
}

impl Node {
    pub(super) fn new(mode: u32, body: Body) -> Self {
        Self {
            mode,
            kept_mode: mode,
            body,
        }
    }
}

#[derive(Debug)]
pub(super) enum Body {
    File(File),
    Dir(Dir),
}

#[derive(Debug, Default)]
pub(super) struct Dir {
    pub(super) seen: BTreeMap<OsString, u64>,
    kept: BTreeMap<OsString, u64>,
}

#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) seen: Vec<u8>,
    kept: Vec<u8>,
    pub(super) pending: Vec<Change>,
}

impl File {
    pub(super) fn sync(&mut self, succeeds: bool) {
        // Not `kept = seen`: what an earlier failed sync dropped is seen, yet never reaches the disk.
        for change in self.pending.drain(..).filter(|_| succeeds) {
            change.apply(&mut self.kept);
        }
    }

    pub(super) fn crash(&mut self, keep: &mut dyn FnMut() -> bool) {
        for change in self.pending.drain(..) {
            match change {
                Change::SetLen(_) if keep() => change.apply(&mut self.kept),
                Change::SetLen(_) => {}
                Change::Write { at, bytes } => {
                    for (number, sector) in bytes.chunks(SECTOR).enumerate().filter(|_| keep()) {
                        let at = at + number * SECTOR;
                        Change::Write {
                            at,
                            bytes: sector.to_vec(),
                        }
                        .apply(&mut self.kept);
                    }
                }
            }
        }
        self.seen.clone_from(&self.kept);
    }
}

const SECTOR: usize = 512;

#[derive(Debug)]
pub(super) enum Change {
    Write { at: usize, bytes: Vec<u8> },
    SetLen(usize),
}

impl Change {
    /// The length of a file behind it, if it was no longer.
    pub(super) fn end(&self) -> usize {
        match self {
            Self::SetLen(len) => *len,
            Self::Write { at, bytes } => at.saturating_add(bytes.len()),
        }
    }

    pub(super) fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::SetLen(len) => to.resize(*len, 0),
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                if let Some(place) = to.get_mut(*at..end) {
                    place.copy_from_slice(bytes);
                }
            }
        }
    }
}

fn set(names: &mut BTreeMap<OsString, u64>, name: &OsString, id: Option<u64>) {
    match id {
        Some(id) => names.insert(name.clone(), id),
        None => names.remove(name),
    };
}

pub(super) fn error(kind: io::ErrorKind, doing: &'static str, path: &Path) -> io::Error {
    io::Error::new(kind, format!("cannot {doing} {}", path.display()))
}
