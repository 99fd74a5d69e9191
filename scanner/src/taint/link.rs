//! Files of a bundle that call each other's functions.
//!
//! ```text
//! each file ─▶ follow ─▶ what its functions do with what they are given ─▶ Exports ─▶ close ─▶ Directory ─┐
//!                    └─▶ what it calls and does not have ─▶ callers ────────────────────────────────────┴─▶ followed once more
//! ```
//! A function that hands a parameter on to one of another file reaches what that reaches: [`Link::close`] says so for a
//! few files in a row, which is how a request goes through handler, service and store.
//!
//! Always true:
//! - a call is taken for a function of another file only if its path leads to that one file alone;
//! - what is kept until the bundle's end is bounded: see [`MAX_KEPT`];
//! - the order in which files were scanned does not show.

use std::collections::{BTreeMap, BTreeSet};

use protocol::digest::Digest;
use serde::{Deserialize, Serialize};

use super::flow::{Exported, ExportedReach, Outside};
use super::ir::Span;
use crate::facts::Language;

mod directory;
mod python;

use self::directory::{Call, Directory};
pub use self::python::Modules;

/// Bytes of calling files that are kept, and functions that are, of the bundle's first files: what is more is followed by itself alone.
pub const MAX_KEPT: usize = 32 << 20;
const MAX_EXPORTS: usize = 50_000;
/// Files that a value is followed through after the one that it comes into.
const MAX_FILES_IN_A_ROW: usize = 3;
/// Reaches of one function, those through others included, and places of one way.
const MAX_REACHES: usize = 64;
const MAX_SPOTS: usize = 16;

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
    /// For each of its reaches, the places of its way.
    pub ways: Vec<Vec<Spot>>,
    /// For each of what it hands on, the places of its way.
    pub passes: Vec<Vec<Spot>>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// The file, if it is not the function's own.
    pub path: Option<String>,
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

/// What is known of a bundle's files so far.
#[derive(Debug, Default)]
pub struct Link {
    exports: First<(Language, Vec<Export>), MAX_EXPORTS>,
    callers: First<Caller, MAX_KEPT>,
}

/// The callers of a bundle, each with what it calls of other files.
pub type Linked<'a> = Vec<(&'a Caller, Calls<'a>)>;
/// Functions of other files, by the paths under which a file calls them.
pub type Calls<'a> = BTreeMap<&'a str, &'a Export>;

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
    /// Its language, by whose rules it is followed.
    pub language: Language,
    /// What it is lowered as.
    pub lowered_as: Language,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The paths of what it calls and does not have.
    pub called: BTreeSet<String>,
    /// What was found in it by itself: where, by which rule, and where the way begins.
    pub found: Vec<(Span, usize, Option<Span>)>,
}

impl Link {
    /// Keeps what a file's functions do.
    pub fn export(&mut self, file: usize, language: Language, exports: Vec<Export>) {
        self.exports.keep(file, exports.len(), (language, exports));
    }

    /// Keeps a file that calls others.
    pub fn keep(&mut self, file: usize, caller: Caller) {
        self.callers.keep(file, caller.bytes.len(), caller);
    }

    /// Lets every function reach what those reach that it hands its parameters on to.
    pub fn close(&mut self, modules: &Modules) {
        for _ in 0..MAX_FILES_IN_A_ROW {
            let directory = self.directory(modules);
            let mut found = Vec::new();
            for (&file, (_, (language, exports))) in &self.exports.kept {
                for (export, exported) in exports.iter().enumerate() {
                    let reaches = self.reaches_through(&directory, (file, *language), exported);
                    found.extend(reaches.into_iter().map(|reach| (file, export, reach)));
                }
            }
            if found.is_empty() {
                return;
            }
            for (file, export, (reach, way)) in found {
                let kept = self.exports.kept.get_mut(&file);
                if let Some(exported) = kept.and_then(|(_, (_, exports))| exports.get_mut(export))
                    && !exported.function.reaches.iter().any(|known| known.is_like(&reach))
                {
                    exported.function.reaches.push(reach);
                    exported.ways.push(way);
                }
            }
        }
    }

    /// What a function reaches by handing on that is not known of it yet.
    fn reaches_through(
        &self,
        directory: &Directory<'_>,
        (file, language): (usize, Language),
        export: &Export,
    ) -> Vec<(ExportedReach, Vec<Spot>)> {
        let mut found = Vec::new();
        for (passed, own) in export.function.passes.iter().zip(&export.passes) {
            let call = Call {
                language,
                file,
                from: &export.path,
                called: &passed.called,
            };
            let Some(other) = directory.find(call).and_then(|place| self.export_at(place)) else {
                continue;
            };
            for (reach, way) in other.function.reaches.iter().zip(&other.ways) {
                let through = reach.through(passed, &other.function);
                let Some(through) =
                    through.filter(|through| !export.function.reaches.iter().any(|known| known.is_like(through)))
                else {
                    continue;
                };
                let beyond = way.iter().map(|spot| Spot {
                    path: spot.path.clone().or_else(|| Some(other.path.clone())),
                    ..*spot
                });
                found.push((through, own.iter().cloned().chain(beyond).take(MAX_SPOTS).collect()));
            }
        }
        found.truncate(MAX_REACHES.saturating_sub(export.function.reaches.len()));
        found
    }

    fn directory<'a>(&'a self, modules: &'a Modules) -> Directory<'a> {
        let files = self.exports.kept.iter();
        Directory::of(
            modules,
            files.map(|(&file, (_, (language, exports)))| (file, *language, exports.as_slice())),
        )
    }

    fn export_at(&self, (file, export): (usize, usize)) -> Option<&Export> {
        let (_, (_, exports)) = self.exports.kept.get(&file)?;
        exports.get(export)
    }

    /// The callers, each with the functions of other files that it calls.
    #[must_use]
    pub fn linked<'a>(&'a self, modules: &'a Modules) -> Linked<'a> {
        let directory = self.directory(modules);
        let mut linked = Linked::new();
        for (&file, (_, caller)) in &self.callers.kept {
            let calls = caller.called.iter().filter_map(|called| {
                let call = Call {
                    language: caller.language,
                    file,
                    from: &caller.path,
                    called,
                };
                Some((called.as_str(), self.export_at(directory.find(call)?)?))
            });
            // What only hands on to nobody that is known changes nothing.
            let calls: Calls<'a> = calls.filter(|(_, export)| export.function.decides()).collect();
            if !calls.is_empty() {
                linked.push((caller, calls));
            }
        }
        linked
    }
}

/// The functions alone, as a file is followed into them.
#[must_use]
pub fn outside<'a>(calls: &Calls<'a>) -> Outside<'a> {
    let functions = calls
        .iter()
        .map(|(path, export)| ((*path).to_owned(), &export.function));
    functions.collect()
}

/// All that decides about what is found when a caller is followed into these functions.
#[must_use]
pub fn about(caller: &Caller, calls: &Calls<'_>) -> Vec<Vec<u8>> {
    let digest = Digest::of(&caller.bytes).as_bytes().to_vec();
    let mut about = vec![caller.path.clone().into_bytes(), digest];
    for (path, export) in calls {
        // An export is numbers, texts and lists of them, which all can be encoded.
        about.push(postcard::to_allocvec(&(path, export)).unwrap_or_default());
    }
    about
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
}
