//! Which files of a folder are packed, which are left out and why, and what can't be packed at all.
//!
//! ```text
//!  name in the folder ─▶ .git ─▶ tracked? ─▶ --exclude ─▶ .diodeignore ─▶ regular, readable, good name ─▶ packed
//!                         │        │            │              │                    │
//!                       (never) untracked    excluded       ignored              offence
//! ```
//!
//! Always true:
//! - what the author left out can't offend; everything else is either packed or an offence, and nothing is dropped silently;
//! - no link is followed;
//! - the result is the same for the same folder, whatever order the system lists it in.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use audit::storage::{DirEntry, EntryKind, OpenHow, Storage};
use protocol::limits::MAX_FILES;
use protocol::path::{BundlePath, PathRule, check_set};

use super::git::Tracked;
use super::ignore::{Judgement, Rules};

/// A file that is packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) path: BundlePath,
    pub(super) size: u64,
    pub(super) mode: u32,
}

impl Chosen {
    /// Whether anybody may run it.
    pub(super) fn executable(&self) -> bool {
        self.mode & 0o111 != 0
    }
}

/// Everything that the folder's names came to.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Sorted by path; never more than [`MAX_FILES`].
    pub(super) files: Vec<Chosen>,
    /// Files that would be packed if there were no limit to them.
    pub(super) surplus: u64,
    pub(super) untracked: Listed<String>,
    pub(super) excluded: Listed<String>,
    pub(super) ignored: Listed<String>,
    pub(super) offences: Listed<Offence>,
    /// Whether a packed file is not in git's index.
    pub(super) packs_untracked: bool,
}

/// The first few of many, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed<T> {
    pub(super) shown: Vec<T>,
    pub(super) count: u64,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self {
            shown: Vec::new(),
            count: 0,
        }
    }
}

impl<T> Listed<T> {
    /// How many are kept for showing.
    pub(super) const SHOWN: usize = 20;

    fn add(&mut self, item: T) {
        if self.shown.len() < Self::SHOWN {
            self.shown.push(item);
        }
        self.count += 1;
    }
}

/// A name that can't be packed.
#[derive(Debug)]
pub(super) struct Offence {
    /// Relative to the packed folder, as the system has it.
    pub(super) path: Vec<u8>,
    pub(super) why: Why,
}

/// Why a name can't be packed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Why {
    #[error("a symbolic link; only regular files are packed")]
    Symlink,
    #[error("a device, pipe or socket; only regular files are packed")]
    Special,
    #[error("the name is not UTF-8")]
    NotUtf8,
    #[error("the name {0}")]
    Name(PathRule),
    #[error("can't be read: {0}")]
    Unreadable(#[source] io::Error),
    #[error("a git submodule, another repository; pack it by itself")]
    Submodule,
    #[error("tracked by git and not there; git restore it, git rm it")]
    Missing,
}

/// Which files of a git work tree are taken.
#[derive(Debug, Clone, Copy)]
pub(super) enum Taken<'a> {
    /// All below the folder.
    Everything,
    /// Those in the index.
    Tracked(&'a Tracked),
    /// All, and some are in the index.
    EverythingOver(&'a Tracked),
}

/// Looks through all of `folder`.
///
/// # Errors
/// The storage's for the folder itself; below it, what can't be read is an [`Offence`].
pub(super) fn choose(folder: &dyn Storage, taken: Taken<'_>, rules: &Rules) -> io::Result<Selection> {
    let mut walk = Walk {
        folder,
        taken,
        rules,
        found: Selection::default(),
        met: BTreeSet::new(),
        blocked: Vec::new(),
    };
    let mut folders = vec![Vec::new()];
    while let Some(at) = folders.pop() {
        match folder.list(as_path(&at)) {
            Ok(entries) => {
                let below = entries.into_iter().filter_map(|entry| walk.enter(&at, &entry));
                let mut below: Vec<_> = below.collect();
                // Last in, first out: in the order of their names.
                below.reverse();
                folders.append(&mut below);
            }
            Err(error) if at.is_empty() => return Err(error),
            Err(error) => {
                walk.blocked.push(at.clone());
                walk.offend(at, Why::Unreadable(error));
            }
        }
    }
    walk.note_missing();
    let mut found = walk.found;
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    note_collisions(&mut found);
    Ok(found)
}

struct Walk<'a> {
    folder: &'a dyn Storage,
    taken: Taken<'a>,
    rules: &'a Rules,
    found: Selection,
    /// Tracked paths that stand for something, whatever became of it.
    met: BTreeSet<Vec<u8>>,
    /// Folders that could not be looked into.
    blocked: Vec<Vec<u8>>,
}

impl Walk<'_> {
    /// Decides about one name; gives the folder's path if it is one to look into.
    fn enter(&mut self, above: &[u8], entry: &DirEntry) -> Option<Vec<u8>> {
        if entry.name == ".git" {
            return None;
        }
        let mut path = above.to_vec();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(entry.name.as_bytes());
        let is_dir = entry.kind == EntryKind::Dir;
        if let Taken::Tracked(tracked) = self.taken {
            let concerns_us = match entry.kind {
                EntryKind::Dir => tracked.has_below(&path) || tracked.submodules.contains(&path),
                // In the place of a tracked folder, a link would lead to files that are called tracked.
                EntryKind::Symlink => tracked.has(&path) || tracked.has_below(&path),
                EntryKind::File | EntryKind::Other => tracked.has(&path),
            };
            if !concerns_us {
                self.found.untracked.add(shown(&path, is_dir));
                return None;
            }
            if !is_dir {
                self.met.insert(path.clone());
            }
        }
        match self.rules.judge(&path, is_dir) {
            Judgement::Excluded => self.found.excluded.add(shown(&path, is_dir)),
            Judgement::Ignored => self.found.ignored.add(shown(&path, is_dir)),
            Judgement::Take => return self.take(path, entry),
        }
        None
    }

    fn take(&mut self, path: Vec<u8>, entry: &DirEntry) -> Option<Vec<u8>> {
        match entry.kind {
            EntryKind::Dir => {
                let mounted = matches!(self.taken, Taken::Tracked(tracked) if tracked.submodules.contains(&path));
                // Named once, by `note_missing`, whether or not it is checked out.
                return (!mounted).then_some(path);
            }
            EntryKind::Symlink => {
                self.blocked.push(path.clone());
                self.offend(path, Why::Symlink);
            }
            EntryKind::Other => self.offend(path, Why::Special),
            EntryKind::File => match self.check_file(&path, entry) {
                Ok(chosen) => self.add(chosen, &path),
                Err(why) => self.offend(path, why),
            },
        }
        None
    }

    fn check_file(&self, path: &[u8], entry: &DirEntry) -> Result<Chosen, Why> {
        let text = std::str::from_utf8(path).map_err(|_| Why::NotUtf8)?;
        let checked = BundlePath::parse(text).map_err(|error| Why::Name(error.rule))?;
        self.folder
            .open(as_path(path), OpenHow::Read)
            .map_err(Why::Unreadable)?;
        Ok(Chosen {
            path: checked,
            size: entry.len,
            mode: entry.mode,
        })
    }

    fn add(&mut self, chosen: Chosen, path: &[u8]) {
        if matches!(self.taken, Taken::EverythingOver(tracked) if !tracked.has(path)) {
            self.found.packs_untracked = true;
        }
        if self.found.files.len() < MAX_FILES {
            self.found.files.push(chosen);
        } else {
            self.found.surplus += 1;
        }
    }

    fn offend(&mut self, path: Vec<u8>, why: Why) {
        self.found.offences.add(Offence { path, why });
    }

    /// Names what git tracks and the work tree doesn't have, and submodules.
    fn note_missing(&mut self) {
        let Taken::Tracked(tracked) = self.taken else { return };
        for path in tracked.files.difference(&self.met) {
            let known = self.blocked.iter().any(|blocked| is_below(path, blocked));
            if !known && !self.rules.leave_out(path, false) {
                self.found.offences.add(Offence {
                    path: path.clone(),
                    why: Why::Missing,
                });
            }
        }
        for path in tracked
            .submodules
            .iter()
            .filter(|path| !self.rules.leave_out(path, true))
        {
            self.found.offences.add(Offence {
                path: path.clone(),
                why: Why::Submodule,
            });
        }
    }
}

/// Names files that would be one on another system. Each round finds one and takes it out to find the next.
fn note_collisions(found: &mut Selection) {
    for _ in 0..Listed::<Offence>::SHOWN {
        let Err(error) = check_set(found.files.iter().map(|file| &file.path)) else {
            return;
        };
        let before = found.files.len();
        // The error has the path as it is shown; a path that was taken shows as itself unless it is cut for its length.
        let is_named = |path: &BundlePath| protocol::path::characters::escaped(path.as_str()).to_string() == error.path;
        let Some(named) = found.files.iter().find(|file| is_named(&file.path)) else {
            return;
        };
        let path = named.path.as_str().as_bytes().to_vec();
        found.files.retain(|file| !is_named(&file.path));
        found.offences.add(Offence {
            path,
            why: Why::Name(error.rule),
        });
        if found.files.len() == before {
            return;
        }
    }
}

fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
}

/// A path for people: what is not UTF-8 as `\xNN`, a folder with a slash at its end.
pub(super) fn shown(path: &[u8], is_dir: bool) -> String {
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    if is_dir {
        text.push('/');
    }
    text
}

fn as_path(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

#[cfg(test)]
mod tests {
    use audit::storage::MemoryStorage;

    use super::*;

    fn folder(paths: &[&str]) -> MemoryStorage {
        let storage = MemoryStorage::new();
        for path in paths {
            for folder in Path::new(path)
                .ancestors()
                .skip(1)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
            {
                if !folder.as_os_str().is_empty() && storage.stat(folder).unwrap().is_none() {
                    storage.create_dir(folder, 0o755).unwrap();
                }
            }
            storage
                .open(Path::new(path), OpenHow::CreateNew { mode: 0o644 })
                .unwrap();
        }
        storage
    }

    fn chosen(storage: &MemoryStorage, taken: Taken<'_>) -> Selection {
        choose(storage, taken, &Rules::new(&[], "").unwrap()).unwrap()
    }

    #[test]
    fn files_come_in_the_order_of_their_bytes_not_of_their_folders() {
        let found = chosen(&folder(&["a/z", "a.b", "a-b", "B"]), Taken::Everything);
        let paths: Vec<_> = found.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["B", "a-b", "a.b", "a/z"]);
    }

    #[test]
    fn a_bundles_most_files_are_taken_and_one_more_is_surplus() {
        let storage = MemoryStorage::new();
        for number in 0..MAX_FILES {
            storage
                .open(Path::new(&format!("f{number}")), OpenHow::CreateNew { mode: 0o644 })
                .unwrap();
        }
        let full = chosen(&storage, Taken::Everything);
        assert_eq!((full.files.len(), full.surplus), (MAX_FILES, 0));
        storage
            .open(Path::new("g"), OpenHow::CreateNew { mode: 0o644 })
            .unwrap();
        let over = chosen(&storage, Taken::Everything);
        assert_eq!((over.files.len(), over.surplus), (MAX_FILES, 1));
    }

    #[test]
    fn a_path_deeper_than_the_limit_offends() {
        let deep = ["d"; 32].join("/");
        let found = chosen(&folder(&["a", &format!("{deep}/f")]), Taken::Everything);
        assert!(matches!(
            found.offences.shown.as_slice(),
            [Offence {
                why: Why::Name(PathRule::TooDeep { .. }),
                ..
            }]
        ));
    }

    #[test]
    fn of_many_left_out_the_first_are_kept_and_all_are_counted() {
        let mut listed = Listed::default();
        for number in 0..30 {
            listed.add(number);
        }
        assert_eq!((listed.count, listed.shown.last()), (30, Some(&19)));
    }

    #[test]
    fn what_is_not_utf8_is_shown_by_its_bytes() {
        assert_eq!(shown(b"a\xff/\xc3", true), r"a\xff/\xc3/");
    }
}
