//! Which files of the folder are looked for: git's tracked ones, or all.

use super::git::{GitError, Repository, WorkTree};
use super::walk::Taken;
use crate::complaint::Complaint;

/// Where files are taken from, and why so.
#[derive(Debug)]
pub(super) enum Source {
    /// The tracked files of a work tree.
    Tracked(WorkTree),
    /// All files of a work tree's folder, as was asked for.
    AllOfWorkTree(WorkTree),
    /// All files, for the reason given.
    All(String),
}

impl Source {
    /// Decides by what git says and by `--all`.
    ///
    /// # Errors
    /// A [`Complaint`] if git sees a repository and won't read it: to take everything instead could carry out what was never tracked.
    pub(super) fn of(repository: Repository, all: bool) -> Result<Self, Complaint> {
        match repository {
            Repository::WorkTree(work_tree) if all => Ok(Self::AllOfWorkTree(work_tree)),
            Repository::WorkTree(work_tree) => Ok(Self::Tracked(work_tree)),
            Repository::NotAWorkTree => Ok(Self::All("not a git work tree".to_owned())),
            Repository::GitMissing => Ok(Self::All("there is no git on this machine".to_owned())),
            Repository::Refused(error) if all => Ok(Self::All(format!("--all; {error}"))),
            Repository::Refused(error) => Err(refused(&error)),
        }
    }

    /// The same for the walk through the folder.
    pub(super) fn taken(&self) -> Taken<'_> {
        match self {
            Self::Tracked(work_tree) => Taken::Tracked(&work_tree.tracked),
            Self::AllOfWorkTree(work_tree) => Taken::EverythingOver(&work_tree.tracked),
            Self::All(_) => Taken::Everything,
        }
    }

    /// What the statement says of git. A file that git doesn't track is not in the commit either.
    pub(super) fn commit_and_dirty(&self, packs_untracked: bool) -> (Option<String>, Option<bool>) {
        match self {
            Self::Tracked(work_tree) | Self::AllOfWorkTree(work_tree) => {
                (work_tree.commit.clone(), Some(work_tree.dirty || packs_untracked))
            }
            Self::All(_) => (None, None),
        }
    }

    /// One word for scripts.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Tracked(_) => "tracked",
            Self::AllOfWorkTree(_) | Self::All(_) => "all",
        }
    }
}

fn refused(error: &GitError) -> Complaint {
    let complaint = Complaint::usage("git can't say which files are tracked")
        .fact("cause", error)
        .causes(error);
    // Its further lines are often the mend.
    let further = match error {
        GitError::Failed { said, .. } => said.lines().skip(1).take(MAX_LINES).collect(),
        GitError::Run(_) | GitError::Answer { .. } => Vec::new(),
    };
    let lines = further.into_iter().map(str::trim).filter(|line| !line.is_empty());
    let complaint = lines.fold(complaint, |complaint, line| complaint.fact("git says", line));
    complaint.mend("mend what git names, or take all files, tracked or not, with --all")
}

/// Lines of git's that are passed on.
const MAX_LINES: usize = 10;
