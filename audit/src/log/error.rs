//! What can go wrong with a log, by whose fault: the disk's, the caller's, or somebody's who changed it.

use std::io;

use super::note::NoteError;
use super::wal::MAX_GROUP_LEN;
use crate::event::EventError;

/// Why a log could not be made, opened, written, read or verified.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk.
    #[error("audit log: cannot {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the storage said.
        source: io::Error,
    },
    /// There is no log in this folder, or its creation did not end.
    #[error("no audit log here: {missing} is missing")]
    NotALog {
        /// The file that every log has.
        missing: &'static str,
    },
    /// A log, or part of one, is in the folder already.
    #[error(
        "{found} exists, and a log is never overwritten; mend: choose an empty folder (one without log.vkey is a creation that was interrupted, and can be removed)"
    )]
    Exists {
        /// The file that was found.
        found: &'static str,
    },
    /// Another process has the log open for writing.
    #[error("another process has this audit log open for writing")]
    Locked,
    /// The key does not belong to this log.
    #[error("this is not the log's key: log.vkey says {expected}, the key given is {given}")]
    WrongKey {
        /// The public key of `log.vkey`.
        expected: String,
        /// The public key of the private key given.
        given: String,
    },
    /// A signed file, or the key's text, is not valid.
    #[error("{file} is not valid")]
    Note {
        /// The file, or what stands in for it.
        file: String,
        /// What is wrong with it.
        source: NoteError,
    },
    /// A file that the checkpoint covers is not there.
    #[error("{file} is missing, though the checkpoint covers it")]
    Missing {
        /// The file.
        file: String,
    },
    /// A published file is not what it must be.
    #[error("{file} was changed or damaged: {what}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// An entry and its hash disagree.
    #[error("entry {index} was changed or damaged: {file} and {hashes} disagree")]
    Entry {
        /// The entry's place in the log.
        index: u64,
        /// The file that holds the entry.
        file: String,
        /// The file that holds its hash.
        hashes: String,
    },
    /// The tree's root is not the signed one.
    #[error("the root over the first {size} entries is {found}, but {file} says {signed}")]
    Root {
        /// Entries under the checkpoint.
        size: u64,
        /// The root computed.
        found: String,
        /// The file with the signed root.
        file: String,
        /// The root signed.
        signed: String,
    },
    /// The log holds less than it once had published, or its parts are of different ages.
    #[error("the log was rolled back, or put together from different times: {what}")]
    RolledBack {
        /// What does not fit, and the mend.
        what: String,
    },
    /// The write-ahead log is damaged in a way that no crash explains.
    #[error("the write-ahead log was changed or damaged: {segment} at byte {offset}: {what}")]
    Wal {
        /// The file.
        segment: String,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A file about to be published is there with other bytes.
    #[error("{file} is there with other bytes than the log would publish: it was changed, or another log wrote here")]
    Conflict {
        /// The file.
        file: String,
    },
    /// An entry is not an event that this program knows.
    #[error("entry {index} cannot be read")]
    Event {
        /// The entry's place in the log.
        index: u64,
        /// What is wrong with it.
        source: EventError,
    },
    /// More events at once than a group may hold.
    #[error("{bytes} bytes of events in one group, over the limit of {MAX_GROUP_LEN}")]
    TooLarge {
        /// Bytes given.
        bytes: usize,
    },
    /// An earlier failure left it unknown what is on disk.
    #[error(
        "the audit log takes nothing more since an earlier failure ({why}); mend: see to the disk, then start again"
    )]
    Poisoned {
        /// The failure.
        why: String,
    },
}

impl LogError {
    /// Whether the disk had no room: nothing was appended then, and there may be room again.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let full =
            |source: &io::Error| matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        matches!(self, Self::Io { source, .. } if full(source))
    }

    /// Whether the log itself is at fault (changed, damaged, rolled back), rather than the disk, the caller or the
    /// moment.
    #[must_use]
    pub fn is_integrity(&self) -> bool {
        match self {
            Self::Note { .. }
            | Self::Missing { .. }
            | Self::Damaged { .. }
            | Self::Entry { .. }
            | Self::Root { .. }
            | Self::RolledBack { .. }
            | Self::Wal { .. }
            | Self::Conflict { .. } => true,
            Self::Io { .. }
            | Self::NotALog { .. }
            | Self::Exists { .. }
            | Self::Locked
            | Self::WrongKey { .. }
            | Self::Event { .. }
            | Self::TooLarge { .. }
            | Self::Poisoned { .. } => false,
        }
    }
}

/// What a failed step means for the log that took it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing changed that matters: the step may be tried again.
    Clean(LogError),
    /// What is on disk is not known any more, or is wrong: the log must take nothing more.
    Fatal(LogError),
}

/// The error of a step that left everything as it was.
pub(crate) fn clean(doing: &'static str) -> impl FnOnce(io::Error) -> Failure {
    move |source| Failure::Clean(LogError::Io { doing, source })
}

/// The error of a step after which nothing is known: a sync, above all.
pub(crate) fn fatal(doing: &'static str) -> impl FnOnce(io::Error) -> Failure {
    move |source| Failure::Fatal(LogError::Io { doing, source })
}

/// The error of a step that changes nothing.
pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> LogError {
    move |source| LogError::Io { doing, source }
}
