//! What can go wrong in quarantine: the disk's fault, somebody's who changed a file, or the caller's.
//!
//! Nothing here is a half-done state: each error says what is on disk afterwards, or that [`recover`](super::Quarantine::recover) at the next start
//! completes it.

use std::io;
use std::path::{Path, PathBuf};

use audit::event::EventKind;
use protocol::bundle::{BundleError, Refusal};
use protocol::digest::{BundleId, Digest};
use protocol::path::BundlePath;

/// Why something in quarantine could not be done.
#[derive(Debug, thiserror::Error)]
pub enum QuarantineError {
    /// The disk.
    #[error("quarantine: cannot {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file or folder of the quarantine.
        path: PathBuf,
        /// What the storage said.
        source: io::Error,
    },
    /// One of the quarantine's folders is missing or open to others.
    #[error("quarantine: folder {} {fault}", path.display())]
    Folder {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        fault: FolderFault,
    },
    /// The disk is too full.
    #[error(
        "quarantine: no room for {needed} bytes: {free} are free, {promised} of them promised to transmissions under way and {reserve} kept free"
    )]
    NoRoom {
        /// Bytes asked for.
        needed: u64,
        /// Bytes that the file system has.
        free: u64,
        /// Bytes that files in the spool will still take.
        promised: u64,
        /// Bytes that stay free for the audit log.
        reserve: u64,
    },
    /// A name is taken that must be free.
    #[error("quarantine: {} is there already, and nothing is ever replaced", path.display())]
    Taken {
        /// The name.
        path: PathBuf,
    },
    /// A bundle is not where it was looked for.
    #[error("quarantine: there is no {}", path.display())]
    Absent {
        /// The name.
        path: PathBuf,
    },
    /// Somebody else works on the bundle.
    #[error("quarantine: bundle {id} is being worked on")]
    Busy {
        /// The bundle.
        id: BundleId,
    },
    /// Recovery while transmissions or bundles are being worked on.
    #[error("quarantine: recovery belongs before all other work, and some is under way")]
    AtWork,
    /// The audit entry that was shown is not the one that permits this.
    #[error("quarantine: {needed} for bundle {id} must be in the audit log first; what was shown is {shown}{}", Of(*shown_bundle))]
    Receipt {
        /// The entry's kind that is needed.
        needed: EventKind,
        /// The bundle.
        id: BundleId,
        /// The kind of the entry shown.
        shown: EventKind,
        /// The bundle of the entry shown.
        shown_bundle: Option<BundleId>,
    },
    /// A write outside the announced length.
    #[error("quarantine: bytes {offset} to {end} are past the end of {}, which is {len} bytes long", path.display())]
    PastEnd {
        /// The spool file.
        path: PathBuf,
        /// Where the write begins.
        offset: u64,
        /// Where it ends.
        end: u64,
        /// The file's length.
        len: u64,
    },
    /// What is stored is not a bundle any more.
    #[error("quarantine: {} is damaged", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: BundleError,
    },
    /// What is stored is shorter or longer than its head says.
    #[error("quarantine: {} is {found} bytes long, and its head speaks of {expected}", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes that there should be.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// The file's name and content are of different bundles.
    #[error("quarantine: {} holds bundle {found}", path.display())]
    OtherBundle {
        /// The file.
        path: PathBuf,
        /// The bundle in it.
        found: BundleId,
    },
    /// Content that its author did not sign.
    #[error("quarantine: leaf {leaf} in {} is not what the author signed", path.display())]
    Leaf {
        /// The file.
        path: PathBuf,
        /// The leaf, from 0.
        leaf: u64,
    },
    /// A report is of another bundle.
    #[error("quarantine: a report of bundle {id} was expected, and this one is{}", Of(*found))]
    OtherReport {
        /// The bundle.
        id: BundleId,
        /// The bundle in the report.
        found: Option<BundleId>,
    },
    /// A stored report cannot be read.
    #[error("quarantine: report {} is damaged: {reason}", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// An earlier failed sync left it unknown what is on disk.
    #[error("quarantine: nothing more is taken or moved since an earlier failure ({why})")]
    Poisoned {
        /// The failure.
        why: String,
    },
}

impl QuarantineError {
    /// Whether stored bytes are not what they were, rather than the disk, the caller or the moment.
    #[must_use]
    pub fn is_integrity(&self) -> bool {
        match self {
            Self::Malformed { .. }
            | Self::Length { .. }
            | Self::OtherBundle { .. }
            | Self::Leaf { .. }
            | Self::OtherReport { .. }
            | Self::Report { .. } => true,
            Self::Io { .. }
            | Self::Folder { .. }
            | Self::NoRoom { .. }
            | Self::Taken { .. }
            | Self::Absent { .. }
            | Self::Busy { .. }
            | Self::AtWork
            | Self::Receipt { .. }
            | Self::PastEnd { .. }
            | Self::Poisoned { .. } => false,
        }
    }

    /// What failed, with what the system said of it: for where one line is all that is read.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Io { source, .. } => format!("{self}: {source}"),
            other => other.to_string(),
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn mend(&self) -> String {
        match self {
            Self::Io { .. } => "see to the disk, then start diode-rx again: it completes what was begun".to_owned(),
            Self::Folder { path, fault } => fault.mend(path),
            Self::NoRoom { .. } => "make room on the disk, then release it again or have it sent again".to_owned(),
            Self::Taken { path } => format!("move {} away, if nobody needs it there", path.display()),
            Self::Absent { .. } => "look at diode-rx list: it may have been decided meanwhile".to_owned(),
            Self::Busy { .. } => "try again once its scan, release or rejection has ended".to_owned(),
            Self::AtWork | Self::Receipt { .. } | Self::PastEnd { .. } | Self::OtherReport { .. } => {
                "this is a fault of diode-rx: report it; nothing was changed".to_owned()
            }
            Self::Malformed { path, .. }
            | Self::Length { path, .. }
            | Self::OtherBundle { path, .. }
            | Self::Leaf { path, .. } => {
                format!(
                    "find out who could write to {} since it was received; reject it, and have it sent again",
                    path.display()
                )
            }
            Self::Report { path, .. } => format!(
                "find out who could write to {}; have the bundle scanned again",
                path.display()
            ),
            Self::Poisoned { .. } => "see to the disk, then start diode-rx again".to_owned(),
        }
    }

    /// An IO error with what was being done to which path; a taken name or an absent file is told apart.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Taken { path },
            io::ErrorKind::NotFound => Self::Absent { path },
            _ => Self::Io { doing, path, source },
        }
    }
}

/// What is wrong with a folder of the quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FolderFault {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// The name stands for something else.
    #[error("is no folder")]
    NotAFolder,
    /// Others may read what is in quarantine.
    #[error("is open to others (mode {mode:03o})")]
    Open {
        /// Its permission bits.
        mode: u32,
    },
    /// Others may change what was released.
    #[error("can be written by others (mode {mode:03o})")]
    Writable {
        /// Its permission bits.
        mode: u32,
    },
}

impl FolderFault {
    fn mend(self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::Missing => format!("restore {path} from a backup, or make the quarantine with diode-rx init"),
            Self::NotAFolder => format!("move {path} away, and find out how it came there"),
            Self::Open { .. } => format!("chmod 700 {path}"),
            Self::Writable { .. } => format!("chmod go-w {path}"),
        }
    }
}

/// Why a stored head does not pass for a verified one.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It cannot be read, or is not what was stored.
    #[error(transparent)]
    Unreadable(#[from] QuarantineError),
    /// Its signatures, audience or dates do not hold as of now.
    #[error("bundle {id} is not, or no longer, one that this receiver takes: {refusal}")]
    Refused {
        /// The bundle.
        id: BundleId,
        /// The check that failed.
        refusal: Box<Refusal>,
    },
}

/// Why a bundle was not released. It is in held/ as before.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The disk, or what is stored is not what was received.
    #[error(transparent)]
    Quarantine(#[from] QuarantineError),
    /// Its signatures, audience or dates do not hold as of now.
    #[error("bundle {id} was not released: {refusal}")]
    Refused {
        /// The bundle.
        id: BundleId,
        /// The check that failed.
        refusal: Box<Refusal>,
    },
    /// The clearance is for another bundle.
    #[error("bundle {id} was not released: the clearance is of bundle {cleared}")]
    Clearance {
        /// The bundle.
        id: BundleId,
        /// The bundle that was cleared.
        cleared: BundleId,
    },
    /// The report is not the one that was decided on.
    #[error("bundle {id} was not released: the decision is on report {decided}, and the stored one is {stored}")]
    ReportChanged {
        /// The bundle.
        id: BundleId,
        /// Digest of the report that was decided on.
        decided: Digest,
        /// Digest of the stored report.
        stored: Digest,
    },
    /// A file's bytes are not those that its author signed.
    #[error("bundle {id} was not released: file \"{path}\" has the digest {found}, and the author signed {signed}")]
    Digest {
        /// The bundle.
        id: BundleId,
        /// The file.
        path: BundlePath,
        /// What was signed.
        signed: Digest,
        /// What is stored.
        found: Digest,
    },
}

impl ReleaseError {
    /// Whether stored bytes or trust are at fault, rather than the disk, the caller or the moment.
    #[must_use]
    pub fn is_integrity(&self) -> bool {
        match self {
            Self::Quarantine(error) => error.is_integrity(),
            Self::Refused { .. } | Self::ReportChanged { .. } | Self::Digest { .. } => true,
            Self::Clearance { .. } => false,
        }
    }

    /// The reason as a word for scripts and the audit log; never renamed.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Quarantine(error) if error.is_integrity() => "quarantine-damaged",
            Self::Quarantine(QuarantineError::NoRoom { .. }) => "disk-full",
            Self::Quarantine(_) => "quarantine-failed",
            Self::Refused { refusal, .. } => refusal.code(),
            Self::Clearance { .. } => "other-clearance",
            Self::ReportChanged { .. } => "report-changed",
            Self::Digest { .. } => "file-digest",
        }
    }

    /// What failed, with what the system said of it: for where one line is all that is read.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Quarantine(error) => error.told(),
            other => other.to_string(),
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn mend(&self) -> String {
        match self {
            Self::Quarantine(error) => error.mend(),
            Self::Refused { refusal, .. } => refusal.mend(),
            Self::Clearance { .. } => "this is a fault of diode-rx: report it; nothing was changed".to_owned(),
            Self::ReportChanged { id, .. } => {
                format!("look at the report again (diode-rx show {id}), and decide on what it says now")
            }
            Self::Digest { id, .. } => format!(
                "held/{id}.bundle was changed after it was received: find out who could write there, reject it, and have it sent again"
            ),
        }
    }
}

impl From<VerifyError> for ReleaseError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Unreadable(error) => Self::Quarantine(error),
            VerifyError::Refused { id, refusal } => Self::Refused { id, refusal },
        }
    }
}

/// " of bundle …", or " of none".
struct Of(Option<BundleId>);

impl std::fmt::Display for Of {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(id) => write!(f, " of bundle {id}"),
            None => f.write_str(" of no bundle"),
        }
    }
}
