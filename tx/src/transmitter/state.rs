//! The transmitter's folder: lock, log key, and the log that is its ledger.
//!
//! ```text
//! DIR 0700 ─┬─ lock          held while somebody sends; says who
//!           ├─ control.sock  0600, where whoever holds the lock takes bundles from others
//!           ├─ log.pem       0400, signs the log's checkpoints and nothing else
//!           ├─ log/          the audit log; made as log.new and renamed when it is whole, so that it is there or not
//!           ├─ mark          how far the log has come; the first that is made
//!           ├─ beats         how far the heartbeats' counter has come
//!           └─ old-…/        log, key and counter of an epoch that was ended
//! ```
//!
//! Always true:
//! - one process numbers bundles at a time;
//! - a log that falls short of its mark gives out no number: it was put back from a backup;
//! - a folder that holds something else is not made into a state, and a state whose key or log is gone, with its mark or without, is not
//!   made anew: a new epoch is the operator's word.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process;
use std::sync::Arc;

use audit::keyfile;
use audit::log::LogError;
use audit::storage::{Disk, Lock, OpenHow, Storage, remove_tree, write_new_durable};
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;

use super::beats::{BEATS, Beats, NEW_BEATS};
use super::ledger::{Ledger, LedgerError};
use super::mark::{MARK, Mark, NEW_MARK};
use crate::complaint::Complaint;

/// An open state, held until it is dropped.
#[derive(Debug)]
pub(super) struct State {
    pub(super) ledger: Ledger,
    /// Whether this opening made it.
    pub(super) created: bool,
    storage: Arc<dyn Storage>,
    /// As it was last written.
    mark: Mark,
    mark_failed: bool,
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
    /// Opens the state in `dir` for a verb of this program, or makes it there with what `chance` gives.
    ///
    /// # Errors
    /// [`NotOpened`]: exit 2 if the folder can't be one, 1 if another process holds it or the disk fails, 5 if its log was changed.
    pub(super) fn open(dir: &Path, verb: &str, now: UnixMillis, chance: &Chance) -> Result<Self, NotOpened> {
        let disk = open_folder(dir)?;
        check_names(&disk, dir)?;
        let Some(lock) = take_lock(&disk, dir, verb, now)? else {
            return Err(NotOpened::Held(held(&disk, dir)));
        };
        let has = |name| {
            disk.stat(Path::new(name))
                .map(|found| found.is_some())
                .map_err(|error| broken(dir, &error))
        };
        let created = match (has(LOG)?, has(LOG_KEY)?) {
            (true, false) => return Err(is_gone(dir, "the key of the state's audit log is missing", LOG_KEY).into()),
            (true, true) => false,
            (false, key_is_there) => {
                if let Some(complaint) = log_is_gone(&disk, dir)? {
                    return Err(complaint.into());
                }
                if !key_is_there {
                    make_key(&disk, dir, chance)?;
                }
                make_log(&disk, dir, chance.epoch, now)?;
                true
            }
        };
        let ledger = open_ledger(dir, now)?;
        let mark = checked_mark(&disk, dir, &ledger)?;
        let state = Self {
            ledger,
            created,
            storage: Arc::new(disk),
            mark,
            mark_failed: false,
            _lock: lock,
        };
        state.beats().map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::FileTooLarge => damaged_beats(dir, &error),
            _ => broken(dir, &error),
        })?;
        Ok(state)
    }

    /// The counters of heartbeats: for one pulse at a time.
    ///
    /// # Errors
    /// As [`Beats::read`].
    pub(super) fn beats(&self) -> io::Result<Beats> {
        Beats::read(
            Arc::clone(&self.storage),
            self.ledger.epoch(),
            self.ledger.newest_time(),
        )
    }

    /// Publishes what was written to the log, and then has the mark say so. A mark that can't be written is logged: the numbers are
    /// safe without it.
    ///
    /// # Errors
    /// As [`Ledger::publish`].
    pub(super) fn publish(&mut self) -> Result<(), LedgerError> {
        self.ledger.publish()?;
        let highest = self.ledger.highest();
        if highest > self.mark.highest() {
            self.write_mark(self.mark.at(highest));
        }
        Ok(())
    }

    fn write_mark(&mut self, mark: Mark) {
        match mark.write(&*self.storage) {
            Ok(()) => (self.mark, self.mark_failed) = (mark, false),
            // Once, and not at every try.
            Err(error) if !self.mark_failed => {
                tracing::warn!(%error, "the state's mark could not be written; it is tried again");
                self.mark_failed = true;
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
impl State {
    /// A state of this ledger.
    pub(super) fn of(ledger: Ledger, lock: Box<dyn Lock>) -> Self {
        Self {
            mark: Mark::new(ledger.epoch()),
            ledger,
            created: true,
            storage: Arc::new(audit::storage::MemoryStorage::new()),
            mark_failed: false,
            _lock: lock,
        }
    }
}

/// The log's folder within a state's.
pub(super) const LOG: &str = "log";
/// The socket's name within a state's folder.
pub(super) const SOCKET: &str = "control.sock";
pub(super) const LOG_KEY: &str = "log.pem";
const LOCK: &str = "lock";
const NEW_LOG: &str = "log.new";
/// What the folders of ended epochs' logs begin with.
pub(super) const OLD: &str = "old-";
/// What a creation can leave when it is interrupted.
const LEFTOVERS: [&str; 9] = [
    LOCK,
    SOCKET,
    LOG_KEY,
    ".tmp-log.pem",
    NEW_LOG,
    MARK,
    NEW_MARK,
    BEATS,
    NEW_BEATS,
];
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
        .find(|found| !LEFTOVERS.iter().any(|known| found.name == *known) && !is_old(&found.name));
    match foreign {
        Some(found) if !is_state => Err(Complaint::usage("the state folder holds something else")
            .fact("state", dir.display())
            .fact("found", found.name.display())
            .mend("give an empty folder, or one that is not there yet, with --state DIR")),
        _ => Ok(()),
    }
}

/// Whether it is the name of an ended epoch's folder.
fn is_old(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(OLD))
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
pub(super) fn held(disk: &Disk, dir: &Path) -> Complaint {
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

/// Takes the state's lock for a verb of this program; `None` if another process has it.
pub(super) fn take_lock(
    disk: &Disk,
    dir: &Path,
    verb: &str,
    now: UnixMillis,
) -> Result<Option<Box<dyn Lock>>, Complaint> {
    let name = Path::new(LOCK);
    let Some(lock) = disk.lock(name).map_err(|error| broken(dir, &error))? else {
        return Ok(None);
    };
    let text = format!("diode-tx {verb}, process {}, since {now}\n", process::id());
    let said = disk.open(name, OpenHow::Write).and_then(|file| {
        file.set_len(0)?;
        file.write_at(text.as_bytes(), 0)
    });
    said.map_err(|error| broken(dir, &error))?;
    Ok(Some(lock))
}

/// Makes the log's key; before it the mark, so that a key alone is never one that an interrupted creation left.
fn make_key(disk: &Disk, dir: &Path, chance: &Chance) -> Result<(), Complaint> {
    let pem = chance.log_key.to_pkcs8_pem();
    Mark::new(chance.epoch)
        .write(disk)
        .and_then(|()| write_new_durable(disk, Path::new(LOG_KEY), pem.as_bytes(), 0o400))
        .map_err(|error| broken(dir, &error))
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
    // Before the log has its name: a log of another epoch than its mark's is never one that was made here.
    Mark::new(epoch).write(disk).map_err(fail)?;
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

/// What to say of a folder without a log in which there was one: its mark tells of numbers, or is gone while something else is left.
///
/// # Errors
/// A [`Complaint`] if the mark can't be read.
pub(super) fn log_is_gone(disk: &Disk, dir: &Path) -> Result<Option<Complaint>, Complaint> {
    if let Some(mark) = read_mark(disk, dir)? {
        let gone = || is_gone(dir, "the state's audit log is missing", LOG);
        return Ok((mark.highest() > 0).then(gone));
    }
    for name in [LOG_KEY, BEATS] {
        if disk
            .stat(Path::new(name))
            .map_err(|error| broken(dir, &error))?
            .is_some()
        {
            let complaint = is_gone(dir, "the state's audit log is missing, and its mark too", LOG);
            return Ok(Some(complaint.fact("missing", MARK).fact("left", name)));
        }
    }
    Ok(None)
}

/// The mark beside this ledger's log, or one to begin with where no transmitter has written one yet.
fn checked_mark(disk: &Disk, dir: &Path, ledger: &Ledger) -> Result<Mark, Complaint> {
    let mark = read_mark(disk, dir)?.unwrap_or_else(|| Mark::new(ledger.epoch()));
    match mark.misfit(ledger.epoch(), ledger.highest()) {
        Some(misfit) => Err(put_back(dir, &misfit)),
        None => Ok(mark),
    }
}

fn read_mark(disk: &Disk, dir: &Path) -> Result<Option<Mark>, Complaint> {
    Mark::read(disk).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::FileTooLarge => damaged_mark(dir, &error),
        _ => broken(dir, &error),
    })
}

/// What to say of a mark that is none.
fn damaged_mark(dir: &Path, cause: &dyn std::fmt::Display) -> Complaint {
    let mark = dir.join(MARK);
    let complaint = Complaint::integrity("the state's mark is damaged: it does not say how far the log has come")
        .fact("mark", mark.display())
        .fact("cause", cause)
        .mend(format_args!(
            "if the log beside it is the newest one, and not from a backup: rm {}; it is made anew from the log",
            mark.display()
        ));
    or_new_epoch(complaint, dir)
}

/// What to say of a file of counters that does not say what it should.
fn damaged_beats(dir: &Path, cause: &dyn std::fmt::Display) -> Complaint {
    let beats = dir.join(BEATS);
    let complaint = Complaint::integrity("the file with the heartbeats' counter is damaged")
        .fact("file", beats.display())
        .fact("cause", cause)
        .mend(format_args!(
            "if the clock of this machine is right, and was not put back: rm {}; the counter then goes on from the time",
            beats.display()
        ));
    or_new_epoch(complaint, dir)
}

fn or_new_epoch(complaint: Complaint, dir: &Path) -> Complaint {
    complaint.mend(format_args!(
        "or begin a new epoch: diode-tx epoch new --state {} --reason \"…\"",
        dir.display()
    ))
}

/// What to say of a log that falls short of its mark.
fn put_back(dir: &Path, cause: &dyn std::fmt::Display) -> Complaint {
    let complaint = Complaint::integrity("the state's log and its mark do not fit: the log was put back from a backup")
        .fact("state", dir.display())
        .fact("mark", dir.join(MARK).display())
        .fact("cause", cause)
        .mend("put the newest log back in its place; numbers that it does not know must not be given out again");
    or_new_epoch(complaint, dir)
}

/// What to say of a disk that fails.
pub(super) fn broken(dir: &Path, error: &io::Error) -> Complaint {
    Complaint::failed("the state can't be read or written")
        .fact("state", dir.display())
        .fact("cause", error)
        .mend("see to the disk and the folder's permissions, then try again")
}

fn is_gone(dir: &Path, what: &str, name: &str) -> Complaint {
    let complaint = Complaint::usage(what)
        .fact("state", dir.display())
        .fact("missing", name)
        .mend("put the newest one back in its place, as it was when this state was last used");
    or_new_epoch(complaint, dir)
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
