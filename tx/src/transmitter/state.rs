//! The transmitter's folder: lock, log key, and the log that is its ledger.
//!
//! ```text
//! DIR 0700 ─┬─ lock          held while somebody sends; says who
//!           ├─ control.sock  0600, where whoever holds the lock takes bundles from others
//!           ├─ log.pem       0400, signs the log's checkpoints and nothing else
//!           └─ log/          the audit log; made as log.new and renamed when it is whole, so that it is there or not
//! ```
//!
//! Always true:
//! - one process numbers bundles at a time;
//! - a folder that holds something else is not made into a state, and a state whose key or log is gone is not made anew: that
//!   would give out numbers twice.

use std::io;
use std::path::Path;
use std::process;
use std::sync::Arc;

use audit::keyfile;
use audit::log::LogError;
use audit::storage::{Disk, Lock, OpenHow, Storage, remove_tree, write_new_durable};
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;

use super::ledger::{Ledger, LedgerError};
use crate::complaint::Complaint;

/// An open state, held until it is dropped.
#[derive(Debug)]
pub(super) struct State {
    pub(super) ledger: Ledger,
    /// Whether this opening made it.
    pub(super) created: bool,
    _lock: Box<dyn Lock>,
}

/// What a new state needs of chance.
#[derive(Debug)]
pub(super) struct Chance {
    pub(super) epoch: u64,
    pub(super) log_key: SigningKey,
}

/// Why a state is not ours.
#[derive(Debug)]
pub(super) enum NotOpened {
    /// Another process holds it.
    Held(Complaint),
    /// It can't be used.
    Refused(Complaint),
}

impl From<Complaint> for NotOpened {
    fn from(complaint: Complaint) -> Self {
        Self::Refused(complaint)
    }
}

impl From<NotOpened> for Complaint {
    fn from(reason: NotOpened) -> Self {
        match reason {
            NotOpened::Held(complaint) | NotOpened::Refused(complaint) => complaint,
        }
    }
}

impl State {
    /// Opens the state in `dir`, or makes it there with what `chance` gives.
    ///
    /// # Errors
    /// [`NotOpened`]: exit 2 if the folder can't be one, 1 if another process holds it or the disk fails, 5 if its log was changed.
    pub(super) fn open(dir: &Path, now: UnixMillis, chance: &Chance) -> Result<Self, NotOpened> {
        let disk = open_folder(dir)?;
        check_names(&disk, dir)?;
        let Some(lock) = take_lock(&disk, dir, now)? else {
            return Err(NotOpened::Held(held(&disk, dir)));
        };
        let has = |name| {
            disk.stat(Path::new(name))
                .map(|found| found.is_some())
                .map_err(|error| broken(dir, &error))
        };
        match (has(LOG)?, has(LOG_KEY)?) {
            (true, false) => Err(key_is_gone(dir).into()),
            (true, true) => {
                let ledger = open_ledger(dir, now)?;
                Ok(Self {
                    ledger,
                    created: false,
                    _lock: lock,
                })
            }
            (false, key_is_there) => {
                if !key_is_there {
                    let pem = chance.log_key.to_pkcs8_pem();
                    write_new_durable(&disk, Path::new(LOG_KEY), pem.as_bytes(), 0o400)
                        .map_err(|error| broken(dir, &error))?;
                }
                make_log(&disk, dir, chance.epoch, now)?;
                Ok(Self {
                    ledger: open_ledger(dir, now)?,
                    created: true,
                    _lock: lock,
                })
            }
        }
    }
}

#[cfg(test)]
impl State {
    /// A state of this ledger.
    pub(super) fn of(ledger: Ledger, lock: Box<dyn Lock>) -> Self {
        Self {
            ledger,
            created: true,
            _lock: lock,
        }
    }
}

/// The log's folder within a state's.
pub(super) const LOG: &str = "log";
/// The socket's name within a state's folder.
pub(super) const SOCKET: &str = "control.sock";
const LOG_KEY: &str = "log.pem";
const LOCK: &str = "lock";
const NEW_LOG: &str = "log.new";
/// What a creation can leave when it is interrupted.
const LEFTOVERS: [&str; 5] = [LOCK, SOCKET, LOG_KEY, ".tmp-log.pem", NEW_LOG];
/// Bytes of the lock file that are read.
const MAX_HOLDER_LEN: u64 = 4096;

fn open_folder(dir: &Path) -> Result<Disk, Complaint> {
    let unusable = |cause: &dyn std::fmt::Display, mend: String| {
        Complaint::usage("the state folder can't be used")
            .fact("state", dir.display())
            .fact("cause", cause)
            .mend(mend)
    };
    let Some(name) = dir.file_name() else {
        let mend = "give a folder of its own, such as /var/lib/diode-tx".to_owned();
        return Err(unusable(&"it is no name of a folder", mend));
    };
    let disk = match Disk::open(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Disk::create(dir, 0o700)
                .map_err(|error| unusable(&error, "give a folder that can be made, with --state DIR".to_owned()));
        }
        Err(error) => return Err(unusable(&error, "give another folder with --state DIR".to_owned())),
        Ok(disk) => disk,
    };
    let above = Disk::open(dir.parent().unwrap_or(Path::new(""))).and_then(|above| above.stat(Path::new(name)));
    match above.map_err(|error| broken(dir, &error))? {
        Some(found) if found.mode & 0o077 != 0 && found.kind == audit::storage::EntryKind::Dir => {
            let mend = format!("chmod 700 {}", dir.display());
            Err(unusable(
                &format_args!("others can get into it (mode {:04o})", found.mode),
                mend,
            ))
        }
        _ => Ok(disk),
    }
}

fn check_names(disk: &Disk, dir: &Path) -> Result<(), Complaint> {
    let names = disk.list(Path::new("")).map_err(|error| broken(dir, &error))?;
    let is_state = names.iter().any(|found| found.name == LOG);
    let foreign = names
        .iter()
        .find(|found| !LEFTOVERS.iter().any(|known| found.name == *known));
    match foreign {
        Some(found) if !is_state => Err(Complaint::usage("the state folder holds something else")
            .fact("state", dir.display())
            .fact("found", found.name.display())
            .mend("give an empty folder, or one that is not there yet, with --state DIR")),
        _ => Ok(()),
    }
}

/// Who holds the state in `dir`, if another process does. A folder that is not there is held by nobody, and is not made.
///
/// # Errors
/// A [`Complaint`] (exit 1) if the disk fails.
pub(super) fn holder(dir: &Path) -> Result<Option<Complaint>, Complaint> {
    let Ok(disk) = Disk::open(dir) else { return Ok(None) };
    let fail = |error: io::Error| broken(dir, &error);
    let name = Path::new(LOCK);
    // The lock is given back at once: whoever wants to send takes it anew.
    if disk.stat(name).map_err(fail)?.is_none() || disk.lock(name).map_err(fail)?.is_some() {
        return Ok(None);
    }
    Ok(Some(held(&disk, dir)))
}

/// What to say of a state that another process holds.
fn held(disk: &Disk, dir: &Path) -> Complaint {
    let holder = disk
        .open(Path::new(LOCK), OpenHow::Read)
        .and_then(|file| file.read_all(MAX_HOLDER_LEN));
    let holder = holder
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|text| !text.is_empty());
    Complaint::failed("another transmitter uses this state")
        .fact("state", dir.display())
        .fact(
            "held by",
            holder
                .as_deref()
                .map_or("a process that has not said who it is", str::trim_end),
        )
        .mend("wait until it has ended; a second link needs a state of its own")
}

fn take_lock(disk: &Disk, dir: &Path, now: UnixMillis) -> Result<Option<Box<dyn Lock>>, Complaint> {
    let name = Path::new(LOCK);
    let Some(lock) = disk.lock(name).map_err(|error| broken(dir, &error))? else {
        return Ok(None);
    };
    let text = format!("diode-tx send, process {}, since {now}\n", process::id());
    let said = disk.open(name, OpenHow::Write).and_then(|file| {
        file.set_len(0)?;
        file.write_at(text.as_bytes(), 0)
    });
    said.map_err(|error| broken(dir, &error))?;
    Ok(Some(lock))
}

/// Makes the log beside its name, and gives it the name when it is whole.
fn make_log(disk: &Disk, dir: &Path, epoch: u64, now: UnixMillis) -> Result<(), Complaint> {
    let fail = |error: io::Error| broken(dir, &error);
    let new = Path::new(NEW_LOG);
    remove_tree(disk, new).map_err(fail)?;
    disk.create_dir(new, 0o700).map_err(fail)?;
    let storage = Disk::open(&dir.join(NEW_LOG)).map_err(fail)?;
    let key = keyfile::load(&dir.join(LOG_KEY))?;
    let ledger = Ledger::create(Arc::new(storage), key, epoch, now).map_err(|error| unusable_ledger(dir, &error))?;
    drop(ledger);
    disk.rename_noreplace(new, Path::new(LOG)).map_err(fail)?;
    disk.sync_dir(Path::new("")).map_err(fail)
}

fn open_ledger(dir: &Path, now: UnixMillis) -> Result<Ledger, Complaint> {
    let key = keyfile::load(&dir.join(LOG_KEY))?;
    let storage = Disk::open(&dir.join(LOG)).map_err(|error| broken(dir, &error))?;
    let (ledger, recovery) = Ledger::open(Arc::new(storage), key, now).map_err(|error| unusable_ledger(dir, &error))?;
    if recovery.torn_bytes > 0 {
        tracing::warn!(
            bytes = recovery.torn_bytes,
            "an unfinished last group was cut off the audit log"
        );
    }
    Ok(ledger)
}

fn broken(dir: &Path, error: &io::Error) -> Complaint {
    Complaint::failed("the state can't be read or written")
        .fact("state", dir.display())
        .fact("cause", error)
        .mend("see to the disk and the folder's permissions, then try again")
}

fn key_is_gone(dir: &Path) -> Complaint {
    Complaint::usage("the key of the state's audit log is missing")
        .fact("state", dir.display())
        .fact("missing", LOG_KEY)
        .mend("put it back from a backup; or begin a new epoch in another folder")
}

/// What to say of a ledger that can't be opened or written.
pub(super) fn unusable_ledger(dir: &Path, error: &LedgerError) -> Complaint {
    let changed = match error {
        LedgerError::Log(error) => error.is_integrity(),
        LedgerError::NoEpoch | LedgerError::Contradiction { .. } => true,
        LedgerError::Exhausted => false,
    };
    let log = dir.join(LOG);
    let complaint = if changed {
        Complaint::integrity("the state's audit log is not as it was written")
            .mend(format_args!(
                "see what is wrong with `diode-audit verify {}`, and put a backup back",
                log.display()
            ))
            .mend("or begin a new epoch in another folder")
    } else {
        let mend = match error {
            LedgerError::Log(LogError::Locked) => "wait until the other process has ended",
            LedgerError::Exhausted => "begin a new epoch in another folder",
            _ => "see to the disk, then try again: a bundle that has a number keeps it",
        };
        Complaint::failed("the state's audit log can't be used").mend(mend)
    };
    complaint.fact("log", log.display()).fact("cause", error).causes(error)
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
