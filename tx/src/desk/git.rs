//! What git says of the folder that is packed: which files are tracked, the commit, and whether the work tree differs from it.
//!
//! The folder may come from anybody, and its `.git` with it; git runs programs that such a repository's configuration names. So:
//! - only `rev-parse`, `config`, `ls-files` and `status` are run, none of which needs a hook, a pager or the network;
//! - every `GIT_*` variable that points git elsewhere is taken away (a hook that calls this program has them set);
//! - file-system monitor, hooks, locks, prompts, lazy fetching and every transport are off, a bare repository is not taken for one;
//! - filter drivers that the repository itself defines are switched off before `status` compares files. Filters of the author's own
//!   configuration stay (large-file storage needs them).

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What git knows of a folder.
#[derive(Debug)]
pub(super) enum Repository {
    /// The folder is a work tree or lies in one.
    WorkTree(WorkTree),
    /// There is no work tree here.
    NotAWorkTree,
    /// There is no git on this machine.
    GitMissing,
    /// There is something, and git refuses to read it.
    Refused(GitError),
}

/// A folder of a work tree.
#[derive(Debug, Default)]
pub(super) struct WorkTree {
    /// The commit checked out; `None` before the first.
    pub(super) commit: Option<String>,
    /// Whether tracked files in the folder differ from that commit.
    pub(super) dirty: bool,
    pub(super) tracked: Tracked,
}

/// The paths in git's index, relative to the packed folder, as bytes.
#[derive(Debug, Default)]
pub(super) struct Tracked {
    pub(super) files: BTreeSet<Vec<u8>>,
    /// Where other repositories are mounted; what they hold is not in this index.
    pub(super) submodules: BTreeSet<Vec<u8>>,
}

impl Tracked {
    /// Whether anything tracked lies below `folder`.
    pub(super) fn has_below(&self, folder: &[u8]) -> bool {
        let start = [folder, b"/"].concat();
        let below = |paths: &BTreeSet<Vec<u8>>| {
            paths
                .range::<[u8], _>((std::ops::Bound::Included(start.as_slice()), std::ops::Bound::Unbounded))
                .next()
                .is_some_and(|path| path.starts_with(&start))
        };
        below(&self.files) || below(&self.submodules)
    }

    /// Whether `path` itself is tracked.
    pub(super) fn has(&self, path: &[u8]) -> bool {
        self.files.contains(path)
    }
}

/// A git that can't be run or won't read the repository.
#[derive(Debug, thiserror::Error)]
pub(super) enum GitError {
    /// It could not be started.
    #[error("git could not be run")]
    Run(#[source] io::Error),
    /// It ended with an error.
    #[error("git {verb} failed: {}", said.lines().next().unwrap_or("no message"))]
    Failed {
        verb: &'static str,
        /// All that it said, which may have several lines.
        said: String,
    },
    /// It said something that this program doesn't understand.
    #[error("git {verb} gave an answer that can't be read")]
    Answer { verb: &'static str },
}

/// Asks git about `folder`.
pub(super) fn look_at(folder: &Path) -> Repository {
    let inside = match run(folder, &[], "rev-parse", &["--is-inside-work-tree"]) {
        Ok(output) => output,
        Err(GitError::Run(error)) if error.kind() == io::ErrorKind::NotFound => return Repository::GitMissing,
        Err(error) => return Repository::Refused(error),
    };
    if !inside.status.success() {
        let error = failure("rev-parse", &inside);
        let nothing_here = matches!(&error, GitError::Failed { said, .. } if said.contains("not a git repository"));
        return if nothing_here {
            Repository::NotAWorkTree
        } else {
            Repository::Refused(error)
        };
    }
    if inside.stdout.trim_ascii() != b"true" {
        return Repository::NotAWorkTree;
    }
    match read_work_tree(folder) {
        Ok(work_tree) => Repository::WorkTree(work_tree),
        Err(error) => Repository::Refused(error),
    }
}

fn read_work_tree(folder: &Path) -> Result<WorkTree, GitError> {
    let tracked = tracked(folder)?;
    let commit = commit(folder)?;
    // Without a commit there is nothing that the files could equal.
    let dirty = commit.is_none() || differs(folder)?;
    Ok(WorkTree { commit, dirty, tracked })
}

fn tracked(folder: &Path) -> Result<Tracked, GitError> {
    let verb = "ls-files";
    let output = succeed(verb, run(folder, &[], verb, &["-z", "--cached", "--stage"])?)?;
    let mut tracked = Tracked::default();
    for entry in output.stdout.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        // "<mode> <object> <stage>\t<path>"
        let tab = entry
            .iter()
            .position(|byte| *byte == b'\t')
            .ok_or(GitError::Answer { verb })?;
        let (facts, path) = entry.split_at(tab);
        let path = path.get(1..).unwrap_or_default().to_vec();
        let set = if facts.starts_with(SUBMODULE_MODE) {
            &mut tracked.submodules
        } else {
            &mut tracked.files
        };
        set.insert(path);
    }
    Ok(tracked)
}

/// The mode of an index entry that names a commit of another repository.
const SUBMODULE_MODE: &[u8] = b"160000 ";

fn commit(folder: &Path) -> Result<Option<String>, GitError> {
    let output = run(folder, &[], "rev-parse", &["--verify", "--quiet", "HEAD^{commit}"])?;
    if !output.status.success() {
        return Ok(None);
    }
    let hash = String::from_utf8_lossy(output.stdout.trim_ascii()).into_owned();
    let is_hash = matches!(hash.len(), 40 | 64) && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash {
        Ok(Some(hash))
    } else {
        Err(GitError::Answer { verb: "rev-parse" })
    }
}

/// Whether tracked files in `folder` differ from the commit, staged or not.
fn differs(folder: &Path) -> Result<bool, GitError> {
    let Some(switched_off) = own_filters_off(folder)? else {
        return Ok(true);
    };
    let arguments = [
        "--porcelain",
        "-z",
        "--untracked-files=no",
        "--ignore-submodules=all",
        "--no-renames",
        "--",
        ".",
    ];
    let output = succeed("status", run(folder, &switched_off, "status", &arguments)?)?;
    Ok(!output.stdout.is_empty())
}

/// The settings that switch off the filter drivers which the repository's own configuration defines; `None` if one of them can't be, its
/// name being one that git's command line has no way to write.
fn own_filters_off(folder: &Path) -> Result<Option<Vec<String>>, GitError> {
    let verb = "config";
    let output = run(
        folder,
        &[],
        verb,
        &["--show-scope", "-z", "--name-only", "--get-regexp", r"^filter\."],
    )?;
    if output.status.code() == Some(1) {
        return Ok(Some(Vec::new()));
    }
    let output = succeed(verb, output)?;
    let mut fields = output.stdout.split(|byte| *byte == 0);
    let mut settings = BTreeSet::new();
    while let (Some(scope), Some(name)) = (fields.next(), fields.next()) {
        if matches!(scope, b"system" | b"global") {
            continue;
        }
        let name = std::str::from_utf8(name).ok().filter(|name| !name.contains('='));
        let Some(driver) = name.and_then(|name| name.rsplit_once('.')).map(|(driver, _)| driver) else {
            return Ok(None);
        };
        settings.extend(["clean=", "smudge=", "process=", "required=false"].map(|off| format!("{driver}.{off}")));
    }
    Ok(Some(settings.into_iter().collect()))
}

/// Settings for every call; the command line outranks the repository's configuration.
const HARDENED: [&str; 7] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.untrackedCache=false",
    "protocol.allow=never",
    "safe.bareRepository=explicit",
    "status.submoduleSummary=false",
    "submodule.recurse=false",
];

/// Variables of git's that are the author's own choice of where configuration and repositories are looked for.
const KEPT: [&str; 5] = [
    "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
];

fn run(folder: &Path, settings: &[String], verb: &'static str, arguments: &[&str]) -> Result<Output, GitError> {
    let mut command = Command::new("git");
    let points_elsewhere = |name: &OsString| {
        name.to_str()
            .is_some_and(|name| name.starts_with("GIT_") && !KEPT.contains(&name))
    };
    for (name, _) in env::vars_os().filter(|(name, _)| points_elsewhere(name)) {
        command.env_remove(name);
    }
    command
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        // Messages are compared with what git says in English.
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .arg("--no-pager")
        .arg("-C")
        .arg(folder);
    for setting in HARDENED.into_iter().chain(settings.iter().map(String::as_str)) {
        command.args(["-c", setting]);
    }
    command.arg(verb).args(arguments).output().map_err(GitError::Run)
}

fn succeed(verb: &'static str, output: Output) -> Result<Output, GitError> {
    if output.status.success() {
        Ok(output)
    } else {
        Err(failure(verb, &output))
    }
}

fn failure(verb: &'static str, output: &Output) -> GitError {
    let said = String::from_utf8_lossy(&output.stderr);
    GitError::Failed {
        verb,
        said: said.trim().trim_start_matches("fatal: ").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracked(files: &[&str]) -> Tracked {
        Tracked {
            files: files.iter().map(|path| path.as_bytes().to_vec()).collect(),
            submodules: BTreeSet::new(),
        }
    }

    #[test]
    fn a_folder_has_what_is_below_it_and_not_what_merely_starts_alike() {
        let tracked = tracked(&["ab/c", "a-b", "a.txt"]);
        assert!(tracked.has_below(b"ab"));
        assert!(!tracked.has_below(b"a"));
    }

    #[test]
    fn a_file_is_not_below_itself() {
        assert!(!tracked(&["a"]).has_below(b"a"));
    }
}
