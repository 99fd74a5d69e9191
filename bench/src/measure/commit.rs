//! The commit that was measured, as git tells it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

/// A commit's id, `ID+changes` if files differ from it, or `unknown`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Commit(pub(crate) String);

impl Commit {
    /// The commit of the work tree around this program or around the working folder, if it is one of this project.
    pub(crate) fn here() -> Self {
        let executable = std::env::current_exe().ok();
        let beside = executable.as_deref().and_then(Path::parent);
        let folders = beside.into_iter().chain([Path::new(".")]);
        folders
            .filter_map(Self::of)
            .next()
            .unwrap_or_else(|| Self("unknown".to_owned()))
    }

    /// Enough of it to know it by, with the mark of changes.
    pub(crate) fn short(&self) -> String {
        let (id, changes) = self.0.split_at(self.0.find('+').unwrap_or(self.0.len()));
        id.chars().take(SHORT).chain(changes.chars()).collect()
    }

    fn of(folder: &Path) -> Option<Self> {
        let root = git(folder, &["rev-parse", "--show-toplevel"])?;
        let manifest = fs::read_to_string(Path::new(&root).join("bench/Cargo.toml")).ok()?;
        if !manifest.contains(concat!("name = \"", env!("CARGO_PKG_NAME"), "\"")) {
            return None;
        }
        let id = git(folder, &["rev-parse", "HEAD"])?;
        let changed = git(folder, &["status", "--porcelain", "--untracked-files=no"])?;
        Some(Self(if changed.is_empty() {
            id
        } else {
            format!("{id}+changes")
        }))
    }
}

const SHORT: usize = 12;

fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.arg("--no-optional-locks").arg("-C").arg(folder).args(args);
    let output = command.stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_keeps_the_mark_of_changes() {
        let commit = Commit("0123456789abcdef+changes".to_owned());
        assert_eq!(commit.short(), "0123456789ab+changes");
        assert_eq!(Commit("unknown".to_owned()).short(), "unknown");
    }

    #[test]
    fn a_folder_that_is_no_work_tree_of_this_project_has_no_commit() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Commit::of(folder.path()), None);
    }
}
