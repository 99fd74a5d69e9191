//! `diode-tx send`: bundles looked at, numbered, sent, and recorded.
//!
//! ```text
//! configuration, key ─▶ every bundle's head checked ─▶ state locked ─▶ link warmed up ─▶ bundles, few at a time ─▶ record
//!    exit 2                     exit 5                     │             exit 1 or 2       nothing new after the first that fails
//!                                                          └ by another: bundles are handed to it, which tells what became of them
//! ```
//!
//! Always true:
//! - each leaf is compared with the signed index as it is read, and nothing else is sent;
//! - what is sent is called *sent*: nobody here can know that it was delivered.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use audit::keyfile;

use super::cli::{SendArgs, SenderArgs};
use super::config::Config;
use super::handover::{Asked, hand_over};
use super::intake;
use super::job::look_at_all;
use super::owner::{Owner, TRIES, TRY_AGAIN_AFTER, beside};
use super::progress::{DRAW_EVERY, Progress};
use super::state::{self, NotOpened};
use crate::complaint::Complaint;

/// Sends the bundles that `args` name, or has the transmitter send them that runs already.
///
/// # Errors
/// A [`Complaint`] for the first thing that fails; what was not sent is named in it.
pub(super) fn send(args: &SendArgs) -> Result<(), Complaint> {
    send_all(&args.bundles, &args.sender)
}

/// As [`send`], these bundles.
///
/// # Errors
/// As [`send`].
pub(super) fn send_all(bundles: &[PathBuf], sender: &SenderArgs) -> Result<(), Complaint> {
    bundles.iter().try_for_each(|path| intake::refuse_folder(path))?;
    let mut left = bundles.to_vec();
    let mut tries = 0;
    loop {
        let held = match holder(sender)? {
            Some((dir, held)) => match hand_over(&dir, sender, &mut left) {
                Asked::Answered(result) => return result,
                Asked::Nobody => held,
            },
            None => match send_here(sender, &left) {
                Err(NotOpened::Held(held)) => held,
                other => return other.map_err(Complaint::from),
            },
        };
        // Whoever holds the state is about to listen, or about to end.
        tries += 1;
        if tries == TRIES {
            return Err(held);
        }
        thread::sleep(TRY_AGAIN_AFTER);
    }
}

/// The state's folder, and what is to be said of it, if another process holds it.
fn holder(sender: &SenderArgs) -> Result<Option<(PathBuf, Complaint)>, Complaint> {
    let Some(dir) = Config::state_of(sender)? else {
        return Ok(None);
    };
    let held = state::holder(&dir)?;
    Ok(held.map(|held| (dir, held)))
}

/// Sends by this process.
fn send_here(sender: &SenderArgs, bundles: &[PathBuf]) -> Result<(), NotOpened> {
    let config = Config::of(sender)?;
    let key = Arc::new(keyfile::load(&config.key).map_err(Complaint::from)?);
    let (waiting, ahead) = look_at_all(bundles, sender.priority, &config)?;
    let owner = Owner::open(&config, "send", 0, sender.telling())?;
    let sent = owner.run(waiting, &key, |link, dispatch, watch| {
        let (mut progress, start) = (Progress::begin(ahead, sender.quiet), Instant::now());
        let ended = beside(
            DRAW_EVERY,
            || link.run(dispatch, &key),
            || progress.update(watch.tally(), watch.ahead(), start.elapsed()),
        );
        progress.end();
        ended
    });
    sent.map_err(NotOpened::from)
}
