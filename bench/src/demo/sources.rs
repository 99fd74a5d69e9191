//! What the first scene sends: the project's own sources, or a folder of the operator's choice.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

/// A folder to be sent.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// What it is called in the demo.
    pub(super) name: String,
    /// Where it is.
    pub(super) folder: PathBuf,
    /// What of it is left out.
    pub(super) exclude: Vec<String>,
}

/// The folders of the project that are sent unless the operator names another.
const OWN: [&str; 3] = ["protocol/src", "tx/src", "hw/src"];

/// The folder `dir` without what `exclude` leaves out, or the project's own.
pub(super) fn choose(dir: Option<&Path>, exclude: &[String]) -> anyhow::Result<Vec<Source>> {
    if let Some(dir) = dir {
        let folder = std::fs::canonicalize(dir).with_context(|| format!("--dir {} can't be used", dir.display()))?;
        ensure!(folder.is_dir(), "--dir {} is no folder", dir.display());
        let name = folder
            .file_name()
            .map_or_else(|| "folder".to_owned(), |name| name.to_string_lossy().into_owned());
        return Ok(vec![Source {
            name,
            folder,
            exclude: exclude.to_vec(),
        }]);
    }
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let here = std::env::current_dir().ok();
    match built_in.into_iter().chain(here.as_deref()).find(|root| has_all(root)) {
        Some(root) => Ok(OWN
            .iter()
            .map(|name| Source {
                name: (*name).to_owned(),
                folder: root.join(name),
                exclude: Vec::new(),
            })
            .collect()),
        None => bail!(
            "the project's sources ({}) are neither where this program was built nor here\n  \
             mend    run it in the project's folder, or give another folder with --dir",
            OWN.join(", ")
        ),
    }
}

fn has_all(root: &Path) -> bool {
    OWN.iter().all(|name| root.join(name).is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_own_sources_are_found() {
        let names: Vec<_> = choose(None, &[])
            .unwrap()
            .into_iter()
            .map(|source| source.name)
            .collect();
        assert_eq!(names, OWN);
    }

    #[test]
    fn a_folder_of_choice_has_its_own_name() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("project");
        std::fs::create_dir(&folder).unwrap();
        assert_eq!(choose(Some(&folder), &[]).unwrap()[0].name, "project");
    }

    #[test]
    fn a_file_is_no_folder_of_choice() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(
            choose(Some(file.path()), &[])
                .unwrap_err()
                .to_string()
                .contains("is no folder")
        );
    }
}
