//! The inputs that are kept: seeds made of real values, and whatever once failed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::digest::{Digest, Hasher};

/// A target's seeds, in the order of their names.
#[derive(Debug, Clone)]
pub struct Corpus {
    seeds: Vec<(String, Vec<u8>)>,
}

/// Why there are no seeds.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// The folder or a file of it can't be read.
    #[error("cannot read {}: {source}\n  mend    run it in the project's folder, or name the corpus with --corpus", path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no file in the folder.
    #[error("{} has no seed\n  mend    put at least one input there", folder.display())]
    Empty {
        /// The target's folder.
        folder: PathBuf,
    },
}

impl Corpus {
    /// Reads the seeds of `target` below the folder of all targets.
    ///
    /// # Errors
    /// [`CorpusError`], also if there is none.
    pub fn read(corpora: &Path, target: &str) -> Result<Self, CorpusError> {
        let folder = corpora.join(target);
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            |source| CorpusError::Unreadable { path, source }
        };
        let mut seeds = Vec::new();
        for entry in fs::read_dir(&folder).map_err(unreadable(&folder))? {
            let path = entry.map_err(unreadable(&folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            seeds.push((name, fs::read(&path).map_err(unreadable(&path))?));
        }
        seeds.sort();
        if seeds.is_empty() {
            return Err(CorpusError::Empty { folder });
        }
        Ok(Self { seeds })
    }

    /// Each seed with its name.
    pub fn seeds(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.seeds.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// How many there are, at least one.
    pub(super) fn count(&self) -> usize {
        self.seeds.len()
    }

    /// The bytes of one; any number stands for one.
    pub(super) fn nth(&self, number: usize) -> &[u8] {
        let at = number % self.seeds.len().max(1);
        self.seeds.get(at).map_or(&[], |(_, bytes)| bytes)
    }

    /// Names the corpus: inputs of the same number are the same only over the same seeds.
    pub(super) fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        for (_, bytes) in &self.seeds {
            hasher.update(Digest::of(bytes).as_bytes());
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_seed_is_no_corpus() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("header")).unwrap();
        assert!(matches!(
            Corpus::read(folder.path(), "header"),
            Err(CorpusError::Empty { .. })
        ));
        assert!(matches!(
            Corpus::read(folder.path(), "absent"),
            Err(CorpusError::Unreadable { .. })
        ));
    }

    #[test]
    fn another_seed_gives_the_corpus_another_digest() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("header")).unwrap();
        let digest = |bytes: &[u8]| {
            fs::write(folder.path().join("header/a"), bytes).unwrap();
            Corpus::read(folder.path(), "header").unwrap().digest()
        };
        assert_ne!(digest(b"1"), digest(b"2"));
    }
}
