//! Two folders, compared byte for byte.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What a comparison of two folders found. Paths are relative, with `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Files that are in both, byte for byte the same and executable in both or in neither.
    pub same: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that are in both and differ.
    pub different: Vec<PathBuf>,
    /// Files that are in the first folder only.
    pub only_first: Vec<PathBuf>,
    /// Files that are in the second folder only.
    pub only_second: Vec<PathBuf>,
}

impl Comparison {
    /// Compares the regular files below `first` with those below `second`. Git's own folder is passed over; a link counts as a file that
    /// is equal to nothing.
    ///
    /// # Errors
    /// If a folder or file can't be read; the error names it.
    pub fn of(first: &Path, second: &Path) -> io::Result<Self> {
        let (left, mut right) = (list(first)?, list(second)?);
        let mut comparison = Self::default();
        for (path, entry) in left {
            match right.remove(&path) {
                None => comparison.only_first.push(path),
                Some(other) if entry.matches(&other) && same_bytes(&first.join(&path), &second.join(&path))? => {
                    comparison.same += 1;
                    comparison.bytes += entry.len;
                }
                Some(_) => comparison.different.push(path),
            }
        }
        comparison.only_second = right.into_keys().collect();
        Ok(comparison)
    }

    /// Whether the second folder holds `files` files of the first, unchanged, and nothing else.
    #[must_use]
    pub fn is_copy_of(&self, files: u64) -> bool {
        self.different.is_empty() && self.only_second.is_empty() && self.same == files
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    is_regular: bool,
    len: u64,
    executable: bool,
}

impl Entry {
    fn matches(&self, other: &Self) -> bool {
        self.is_regular && self == other
    }
}

fn list(root: &Path) -> io::Result<BTreeMap<PathBuf, Entry>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let absolute = root.join(&folder);
        let entries = fs::read_dir(&absolute).map_err(|error| named(&absolute, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| named(&absolute, &error))?;
            let path = folder.join(entry.file_name());
            let metadata = entry.metadata().map_err(|error| named(&root.join(&path), &error))?;
            if !metadata.is_dir() {
                let executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o100 != 0;
                files.insert(
                    path,
                    Entry {
                        is_regular: metadata.is_file(),
                        len: metadata.len(),
                        executable,
                    },
                );
            } else if entry.file_name() != ".git" {
                folders.push(path);
            }
        }
    }
    Ok(files)
}

/// Whether two files have the same bytes.
pub(crate) fn same_bytes(first: &Path, second: &Path) -> io::Result<bool> {
    let open = |path: &Path| File::open(path).map_err(|error| named(path, &error));
    let (mut first_file, mut second_file) = (open(first)?, open(second)?);
    let (mut left, mut right) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let (read, other) = (fill(&mut first_file, &mut left)?, fill(&mut second_file, &mut right)?);
        if left.get(..read) != right.get(..other) {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

const PIECE: usize = 1 << 20;

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..)
        && !rest.is_empty()
    {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    fn compare(first: &TempDir, second: &TempDir) -> Comparison {
        Comparison::of(first.path(), second.path()).unwrap()
    }

    #[test]
    fn a_copy_is_the_same() {
        let files: &[(&str, &[u8])] = &[("a", b"1"), ("b/c/d", b"22")];
        let found = compare(&folder(files), &folder(files));
        assert_eq!(
            found,
            Comparison {
                same: 2,
                bytes: 3,
                ..Comparison::default()
            }
        );
        assert!(found.is_copy_of(2));
    }

    #[test]
    fn one_changed_byte_is_found_in_a_file_of_the_same_length() {
        let mut long = vec![7; 3 * PIECE];
        let first = folder(&[("a", &long)]);
        long[2 * PIECE + 5] = 8;
        let found = compare(&first, &folder(&[("a", &long)]));
        assert_eq!(found.different, [PathBuf::from("a")]);
        assert!(!found.is_copy_of(1));
    }

    #[test]
    fn a_file_too_many_and_one_too_few_are_found() {
        let found = compare(
            &folder(&[("a", b"1"), ("x", b"1")]),
            &folder(&[("a", b"1"), ("y", b"1")]),
        );
        assert_eq!(
            (found.only_first, found.only_second),
            (vec![PathBuf::from("x")], vec![PathBuf::from("y")])
        );
    }

    #[test]
    fn fewer_files_than_there_should_be_are_no_copy() {
        let found = compare(&folder(&[("a", b"1"), ("b", b"1")]), &folder(&[("a", b"1")]));
        assert!(found.is_copy_of(1) && !found.is_copy_of(2));
    }

    #[test]
    fn a_lost_executable_bit_is_a_difference() {
        let (first, second) = (folder(&[("a", b"1")]), folder(&[("a", b"1")]));
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(first.path().join("a"), executable).unwrap();
        assert_eq!(compare(&first, &second).different, [PathBuf::from("a")]);
    }

    #[test]
    fn a_link_is_equal_to_nothing() {
        let (first, second) = (folder(&[("a", b"1")]), folder(&[("b", b"1")]));
        std::os::unix::fs::symlink(first.path().join("a"), second.path().join("a")).unwrap();
        assert_eq!(compare(&first, &second).different, [PathBuf::from("a")]);
    }

    #[test]
    fn gits_own_folder_is_passed_over() {
        let found = compare(&folder(&[("a", b"1"), (".git/HEAD", b"x")]), &folder(&[("a", b"1")]));
        assert!(found.only_first.is_empty());
    }
}
