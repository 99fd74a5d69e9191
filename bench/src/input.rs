//! Files that can't be compressed, the same for the same seed.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use audit::line;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How many files of which length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) files: u64,
    pub(crate) file_len: u64,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {}",
            line::count(self.files, "file"),
            line::size(self.file_len)
        )
    }
}

/// Files in one folder.
const FILES_A_FOLDER: u64 = 100;
const PIECE: usize = 1 << 20;

impl Input {
    /// Bytes of all files.
    pub(crate) fn bytes(self) -> u64 {
        self.files.saturating_mul(self.file_len)
    }

    /// Writes the files below `folder`, which is made.
    pub(crate) fn write(&self, folder: &Path, seed: u64) -> io::Result<()> {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut piece = vec![0; PIECE];
        for number in 0..self.files {
            let parent = folder.join(format!("{:04}", number / FILES_A_FOLDER));
            fs::create_dir_all(&parent)?;
            let mut file = File::create(parent.join(format!("{number:06}.bin")))?;
            let mut left = self.file_len;
            while left > 0 {
                let len = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
                let part = piece.get_mut(..len).unwrap_or_default();
                dice.fill_bytes(part);
                file.write_all(part)?;
                left -= len as u64;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Comparison;

    fn written(seed: u64) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        Input {
            files: 101,
            file_len: 10,
        }
        .write(folder.path(), seed)
        .unwrap();
        folder
    }

    #[test]
    fn the_same_seed_gives_the_same_files() {
        let found = Comparison::of(written(1).path(), written(1).path()).unwrap();
        assert!(found.is_copy_of(101));
    }

    #[test]
    fn another_seed_gives_other_files() {
        let found = Comparison::of(written(1).path(), written(2).path()).unwrap();
        assert_eq!(found.different.len(), 101);
    }

    #[test]
    fn a_file_longer_than_a_piece_has_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let file_len = PIECE as u64 + 1;
        Input { files: 1, file_len }.write(folder.path(), 1).unwrap();
        assert_eq!(
            fs::metadata(folder.path().join("0000/000000.bin")).unwrap().len(),
            file_len
        );
    }
}
