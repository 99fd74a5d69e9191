//! A file that is written at the end: tried out at the start, there under its name only when it is whole.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

/// A file that an option named, and that will be written.
#[derive(Debug)]
pub(crate) struct OutFile {
    option: &'static str,
    path: PathBuf,
    unfinished: NamedTempFile,
}

impl OutFile {
    /// Begins the file that `option` named, beside the place where it will be.
    pub(crate) fn begin(option: &'static str, path: &Path) -> anyhow::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let unfinished = tempfile::Builder::new()
            .prefix(".diode-bench-")
            // For all to read, unlike other temporary files: it is no secret.
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(folder)
            .with_context(|| format!("cannot write {option} {}", path.display()))?;
        Ok(Self {
            option,
            path: path.to_owned(),
            unfinished,
        })
    }

    /// Writes all of it, and gives it its name.
    pub(crate) fn finish(mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let failed = || format!("cannot write {} {}", self.option, self.path.display());
        self.unfinished.write_all(bytes).with_context(failed)?;
        self.unfinished.persist(&self.path).map(|_file| ()).with_context(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.json");
        let file = OutFile::begin("--out", &path).unwrap();
        assert!(!path.exists());
        file.finish(b"all").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"all");
    }

    #[test]
    fn a_file_that_cannot_be_is_refused_at_the_start() {
        let error = OutFile::begin("--out", Path::new("/nowhere/at/all.json")).unwrap_err();
        assert_eq!(error.to_string(), "cannot write --out /nowhere/at/all.json");
    }
}
