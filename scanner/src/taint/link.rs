//! Files of a bundle that call each other's functions.
//!
//! ```text
//! each file ─▶ follow ─▶ what its functions do with what they are given ─▶ Exports ──┐
//!                    └─▶ what it calls of other files of the bundle ─▶ callers ──────┴─▶ followed once more
//! ```
//!
//! Always true:
//! - a call is taken for a function of another file only if its path leads to that one file alone;
//! - what is kept until the bundle's end is bounded: see [`MAX_KEPT`];
//! - the order in which files were scanned does not show.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use protocol::digest::Digest;
use serde::{Deserialize, Serialize};

use super::flow::{Exported, Outside};
use super::ir::Span;
use crate::content::FileEntry;

/// Bytes of calling files that are kept, and functions that are, of the bundle's first files: what is more is followed by itself alone.
pub const MAX_KEPT: usize = 32 << 20;
const MAX_EXPORTS: usize = 50_000;

/// The modules of a bundle, by every end of their dotted names.
#[derive(Debug, Default)]
pub struct Modules {
    /// `shop.db` and `db` for `src/shop/db.py`; none for what two files could be.
    by_name: HashMap<String, Option<usize>>,
    whole: HashMap<String, usize>,
}

/// What there is to know of a file for others: a function of its path, its bytes and the rules alone.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// What its functions do.
    pub exports: Vec<Export>,
    /// The paths of what it calls and does not have.
    pub called: BTreeSet<String>,
    /// What was found in it by itself: where, by which rule, and where the way begins.
    pub found: Vec<(Span, usize, Option<Span>)>,
}

/// A function that other files may call, and where its ways lead.
#[derive(Debug, Serialize, Deserialize)]
pub struct Export {
    /// The file.
    pub path: String,
    /// What it does.
    pub function: Exported,
    /// For each of its reaches, the lines and columns of its way.
    pub ways: Vec<Vec<(u64, u64)>>,
}

/// What is known of a bundle's files so far.
#[derive(Debug, Default)]
pub struct Link {
    exports: First<Vec<Export>, MAX_EXPORTS>,
    callers: First<Caller, MAX_KEPT>,
}

/// What the first files have to keep, up to `MAX` in all, whatever order they come in.
#[derive(Debug)]
struct First<T, const MAX: usize> {
    kept: BTreeMap<usize, (usize, T)>,
    size: usize,
    /// The first file that did not fit; none behind it is kept.
    end: usize,
}

/// A file that calls others.
#[derive(Debug)]
pub struct Caller {
    /// Its path.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// For what it calls: the file, and what of it.
    pub calls: Vec<(String, usize, String)>,
    /// What was found in it by itself: where, by which rule, and where the way begins.
    pub found: Vec<(Span, usize, Option<Span>)>,
}

impl Modules {
    /// The Python modules among these files.
    #[must_use]
    pub fn of(files: &[FileEntry]) -> Self {
        let mut modules = Self::default();
        for (index, file) in files.iter().enumerate() {
            let Some(stem) = file.path.strip_suffix(".py") else {
                continue;
            };
            let stem = stem.strip_suffix("/__init__").unwrap_or(stem);
            let name = stem.replace('/', ".");
            let mut end = name.as_str();
            loop {
                let known = modules.by_name.entry(end.to_owned()).or_insert(Some(index));
                *known = known.filter(|known| *known == index);
                match end.split_once('.') {
                    Some((_, shorter)) => end = shorter,
                    None => break,
                }
            }
            modules.whole.insert(name, index);
        }
        modules
    }

    /// The file, and what of it, that `called` is in the file at `from`: `.db.select` in `shop/bulk.py`.
    #[must_use]
    pub fn resolve(&self, from: &str, called: &str) -> Option<(usize, String)> {
        let bare = called.trim_start_matches('.');
        let up = called.len() - bare.len();
        let base = match up {
            0 => String::new(),
            _ => {
                let mut folders: Vec<&str> = from.split('/').collect();
                folders.truncate(folders.len().checked_sub(up)?);
                folders.join(".")
            }
        };
        let cuts = bare.match_indices('.').map(|(at, _)| at);
        let cuts: Vec<usize> = cuts.collect();
        cuts.into_iter().rev().find_map(|cut| {
            let (module, rest) = (&bare[..cut], &bare[cut + 1..]);
            let file = match (up, base.is_empty()) {
                (0, _) => self
                    .whole
                    .get(module)
                    .copied()
                    .or_else(|| self.by_name.get(module).copied().flatten()),
                (_, true) => self.whole.get(module).copied(),
                _ => self.whole.get(&format!("{base}.{module}")).copied(),
            };
            file.map(|file| (file, rest.to_owned()))
        })
    }
}

impl Link {
    /// Keeps what a file's functions do.
    pub fn export(&mut self, file: usize, exports: Vec<Export>) {
        self.exports.keep(file, exports.len(), exports);
    }

    /// Keeps a file that calls others.
    pub fn keep(&mut self, file: usize, caller: Caller) {
        self.callers.keep(file, caller.bytes.len(), caller);
    }

    /// The callers, each with the functions of other files that it calls.
    pub fn linked(&self) -> impl Iterator<Item = (&Caller, Outside<'_>)> {
        self.callers.kept.values().filter_map(|(_, caller)| {
            let calls = caller.calls.iter();
            let known = calls.filter_map(|(path, ..)| Some((path.clone(), &self.export_of(caller, path)?.function)));
            let outside: Outside<'_> = known.collect();
            (!outside.is_empty()).then_some((caller, outside))
        })
    }

    /// All that decides about what is found when a caller is followed into these functions.
    #[must_use]
    pub fn about(&self, caller: &Caller, outside: &Outside<'_>) -> Vec<Vec<u8>> {
        let digest = Digest::of(&caller.bytes).as_bytes().to_vec();
        let mut about = vec![caller.path.clone().into_bytes(), digest];
        let mut paths: Vec<&String> = outside.keys().collect();
        paths.sort_unstable();
        for path in paths {
            let export = self.export_of(caller, path);
            // An export is numbers, texts and lists of them, which all can be encoded.
            about.push(postcard::to_allocvec(&(path, export)).unwrap_or_default());
        }
        about
    }

    /// The function that a file calls by a path.
    #[must_use]
    pub fn export_of(&self, caller: &Caller, called: &str) -> Option<&Export> {
        let (_, file, name) = caller.calls.iter().find(|(path, ..)| path == called)?;
        let (_, exports) = self.exports.kept.get(file)?;
        exports
            .iter()
            .find(|export| export.function.name == *name && export.path != caller.path)
    }
}

impl<T, const MAX: usize> Default for First<T, MAX> {
    fn default() -> Self {
        Self {
            kept: BTreeMap::new(),
            size: 0,
            end: usize::MAX,
        }
    }
}

impl<T, const MAX: usize> First<T, MAX> {
    fn keep(&mut self, file: usize, size: usize, what: T) {
        if file >= self.end {
            return;
        }
        self.size += size;
        if let Some((old, _)) = self.kept.insert(file, (size, what)) {
            self.size -= old;
        }
        while self.size > MAX
            && let Some((last, (size, _))) = self.kept.pop_last()
        {
            self.size -= size;
            self.end = last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_of_the_first_files_is_kept_in_whatever_order_they_come() {
        // The second does not fit beside the first; the third would, and comes behind what did not.
        let sizes = [4, 8, 1];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut first = First::<(), 10>::default();
            for file in order {
                first.keep(file, sizes[file], ());
            }
            assert_eq!(first.kept.keys().collect::<Vec<_>>(), [&0], "{order:?}");
        }
    }

    fn modules(paths: &[&str]) -> Modules {
        let entry = |path: &&str| FileEntry {
            path: (*path).to_owned(),
            size: 0,
            executable: false,
            sha256: None,
        };
        Modules::of(&paths.iter().map(entry).collect::<Vec<_>>())
    }

    #[test]
    fn a_name_leads_to_the_one_file_that_it_can_be() {
        let modules = modules(&["src/shop/db.py", "src/shop/__init__.py", "other/db.py"]);
        let resolved = |called| modules.resolve("src/app.py", called);
        assert_eq!(resolved("shop.db.select"), Some((0, "select".to_owned())));
        assert_eq!(resolved("shop.A().m"), Some((1, "A().m".to_owned())));
        assert_eq!(resolved("db.select"), None);
        assert_eq!(resolved("os.system"), None);
    }

    #[test]
    fn a_relative_name_is_below_the_folder_of_the_file() {
        let modules = modules(&["shop/db.py", "shop/api/views.py", "db.py"]);
        assert_eq!(
            modules.resolve("shop/api/views.py", "..db.select"),
            Some((0, "select".to_owned()))
        );
        assert_eq!(
            modules.resolve("shop/bulk.py", ".db.select"),
            Some((0, "select".to_owned()))
        );
        assert_eq!(modules.resolve("a.py", ".db.select"), Some((2, "select".to_owned())));
        assert_eq!(modules.resolve("a.py", "....db.select"), None);
    }
}
