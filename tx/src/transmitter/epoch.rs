//! `diode-tx epoch new`: numbers begin anew, and the log of those that were given before is put aside.
//!
//! ```text
//! DIR/mark ──of the new epoch──▶ DIR/log, log.pem, beats ──renamed──▶ DIR/old-<time>/ ──▶ a new log and key in DIR
//! ```
//!
//! Always true:
//! - nothing is removed: the log before can still be verified;
//! - interrupted at any point, no number is given out in the epoch before: its log does not fit the mark any more, and once it is put
//!   aside, the next start makes the new one.

use std::path::{Path, PathBuf};

use audit::escape::terminal;
use audit::storage::{Disk, Storage};
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;
use serde::Serialize;

use super::beats::BEATS;
use super::cli::EpochNewArgs;
use super::config_file::ConfigFile;
use super::mark::{MARK, Mark};
use super::state::{self, Chance, LOG, LOG_KEY, OLD, State, unusable_ledger};
use super::{clock, random_seed, random_u64};
use crate::complaint::Complaint;
use crate::output;

/// The line for scripts.
#[derive(Debug, Serialize)]
struct NewJson {
    schema: u32,
    epoch_id: String,
    /// The folder with log and key of the epoch before.
    before: String,
}

/// Begins a new epoch in the state that `args` name.
///
/// # Errors
/// A [`Complaint`]: exit 2 if there is no state, 1 if another process holds it or the disk fails.
pub(super) fn begin(args: &EpochNewArgs) -> Result<(), Complaint> {
    let file = ConfigFile::read(args.config.as_deref())?;
    let dir = args.state.clone().or(file.state).ok_or_else(|| {
        Complaint::usage("`state` is not set")
            .fact("key", "state")
            .mend("give --state DIR, or --config FILE with the key in it")
    })?;
    let chance = Chance {
        epoch: random_u64()?,
        log_key: SigningKey::from_seed(*random_seed()?),
    };
    let (epoch, before) = renew(&dir, &args.reason, clock()?, &chance)?;
    if args.json {
        return output::print(&output::json_line(&NewJson {
            schema: 1,
            epoch_id: format!("{epoch:016x}"),
            before: before.display().to_string(),
        })?);
    }
    output::print(&format!(
        "epoch {epoch:016x} begins with seq 1; what was before it is kept in {}\n\
         next: on the receiver, which admits nothing of a new epoch by itself: diode-rx epoch accept\n",
        terminal(&before.display().to_string()),
    ))
}

/// Puts log and key aside and makes a new state; gives its epoch, and the folder with what was before it.
fn renew(dir: &Path, reason: &str, now: UnixMillis, chance: &Chance) -> Result<(u64, PathBuf), Complaint> {
    let fail = |error: std::io::Error| state::broken(dir, &error);
    let disk = Disk::open(dir).map_err(|error| no_state(dir, &error))?;
    let has = |name: &str| disk.stat(Path::new(name)).map(|found| found.is_some()).map_err(fail);
    if !has(LOG)? && !has(MARK)? && !has(LOG_KEY)? && !has(BEATS)? {
        return Err(no_state(dir, &"it has no log"));
    }
    let Some(lock) = state::take_lock(&disk, dir, "epoch new", now)? else {
        return Err(state::held(&disk, dir));
    };
    Mark::new(chance.epoch).write(&disk).map_err(fail)?;
    let old = PathBuf::from(format!("{OLD}{}", now.0));
    disk.create_dir(&old, 0o700).map_err(fail)?;
    for name in [LOG, LOG_KEY, BEATS] {
        if has(name)? {
            disk.rename_noreplace(Path::new(name), &old.join(name)).map_err(fail)?;
            disk.sync_dir(&old).map_err(fail)?;
            disk.sync_dir(Path::new("")).map_err(fail)?;
        }
    }
    // Whoever takes it now makes the new state just as well.
    drop(lock);
    let mut state = State::open(dir, "epoch new", now, chance)?;
    let before = dir.join(old);
    let noted = state.ledger.note_beginning(reason, &before, now);
    noted.map_err(|error| unusable_ledger(dir, &error))?;
    Ok((state.ledger.epoch(), before))
}

fn no_state(dir: &Path, cause: &dyn std::fmt::Display) -> Complaint {
    Complaint::usage("there is no transmitter's state to begin an epoch in")
        .fact("state", dir.display())
        .fact("cause", cause)
        .mend("give the folder that `diode-tx send` or `watch` uses; the first use of an empty one begins an epoch by itself")
}

#[cfg(test)]
#[path = "epoch_tests.rs"]
mod tests;
