//! The receiver's folder: where everything lies, and who may change it.
//!
//! ```text
//! HOME/                    0700
//! ├── diode-rx.toml        configuration, yours to edit
//! ├── allowed_signers      trusted authors (OpenSSH format)
//! ├── link.pub             the transmitter's link key, carried here by hand
//! ├── policy.toml          what is released without a person
//! ├── keys/log.pem         signs the log's checkpoints      keys/fingerprint  keys the hashes of found secrets
//! ├── log/                 the audit log; `diode-audit verify HOME/log`
//! ├── rules/               rules that you installed: `diode-rx rules install FILE`
//! ├── cache/results        what the scanner found in files, for when they come again; may be removed
//! ├── quarantine/          spool, waiting, evidence, held, rejected, originals, reports, released
//! ├── high-water           the log's newest checkpoint, outside the log
//! ├── heard                how far the transmitter's signs of life were heard: what is not newer is a recording
//! ├── lock                 held by the one process that may change log and quarantine
//! └── control.sock         where the other verbs reach it
//! ```

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit::storage::{Disk, Lock, Storage};

/// The configuration's file name.
pub const CONFIG: &str = "diode-rx.toml";
/// The trusted authors' file name.
pub const TRUST: &str = "allowed_signers";
/// The pinned link key's file name.
pub const LINK_KEY: &str = "link.pub";
/// The policy's file name.
pub const POLICY: &str = "policy.toml";
/// The folder of the audit log.
pub const LOG: &str = "log";
/// The folder of the quarantine.
pub const QUARANTINE: &str = "quarantine";
/// The folder of the rules that the operator installed.
pub const RULES: &str = "rules";
/// The folder of what can be found out again.
pub const CACHE: &str = "cache";
/// What the scanner found in files.
pub const RESULTS: &str = "cache/results";
/// The folder of private keys.
pub const KEYS: &str = "keys";
/// The log's private key.
pub const LOG_KEY: &str = "keys/log.pem";
/// 32 random bytes that key the hashes of found secrets.
pub const FINGERPRINT_KEY: &str = "keys/fingerprint";
/// The lock's file.
pub const LOCK: &str = "lock";
/// The log's newest checkpoint, outside the log: shows if the log's folder is put back to an older copy of itself.
pub const HIGH_WATER: &str = "high-water";
/// How far the transmitter's signs of life were heard.
pub const HEARD: &str = "heard";
/// The owner's Unix socket.
pub const SOCKET: &str = "control.sock";

/// A receiver's folder.
#[derive(Debug, Clone)]
pub struct Home {
    dir: PathBuf,
    storage: Arc<dyn Storage>,
}

impl Home {
    /// Opens a folder that `diode-rx init` made.
    ///
    /// # Errors
    /// If it is not there, can't be opened, or is open to others.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let storage = Arc::new(Disk::open(dir)?);
        let mode = rustix::fs::stat(dir)?.st_mode & 0o777;
        if mode & 0o077 != 0 {
            let dir = dir.display();
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{dir} is open to others (mode {mode:04o})\n  mend    chmod 700 {dir}"),
            ));
        }
        Ok(Self {
            dir: dir.to_owned(),
            storage,
        })
    }

    /// Makes the folder, with mode 0700, unless it is there.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn create(dir: &Path) -> io::Result<Self> {
        match Disk::create(dir, 0o700) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Self::open(dir),
        }
    }

    /// A folder that is all of a storage: paths are below its root.
    #[must_use]
    pub fn over(storage: Arc<dyn Storage>) -> Self {
        Self {
            dir: PathBuf::new(),
            storage,
        }
    }

    /// The folder's path.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of something in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The folder as storage.
    #[must_use]
    pub fn storage(&self) -> Arc<dyn Storage> {
        self.storage.clone()
    }

    /// A folder within as storage of its own.
    ///
    /// # Errors
    /// If it is not there.
    pub fn sub(&self, name: &str) -> io::Result<Arc<dyn Storage>> {
        Ok(Arc::new(Disk::open(&self.path(name))?))
    }

    /// The lock of the one process that may change log and quarantine; `None` if another holds it.
    ///
    /// # Errors
    /// If the lock's file can't be opened.
    pub fn lock(&self) -> io::Result<Option<Box<dyn Lock>>> {
        self.storage.lock(Path::new(LOCK))
    }
}
