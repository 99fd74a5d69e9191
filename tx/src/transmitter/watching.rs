//! `diode-tx watch`: every bundle that is put into a folder, sent until the operator says stop.
//!
//! ```text
//! main thread       Courier ◀──▶ Outbox: looks, takes, keeps                   every 100 ms
//!                     │ Task ▲ Answer   Shelf: removes what was sent, if `[retention]` says so
//! dispatch thread   link.run until nothing is left ─▶ rest ─▶ wait for a task ─┐  ◀── control socket: other processes' tasks
//!                     ▲───────── warmed up again after a silence ──────────────┘
//! ```
//!
//! Always true:
//! - a bundle from the folder goes the way of one that another process hands over: looked at, numbered, sent, recorded;
//! - a full disk ends nothing: bundles wait for room, and what was sent is told when it stands in the log;
//! - what ends the run leaves what was taken in `DIR/sending`, and the next run sends it, under the number that it has.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use audit::escape::terminal;
use audit::keyfile;
use audit::storage::Disk;
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;

use super::cli::WatchArgs;
use super::clock;
use super::config::Config;
use super::courier::{Courier, MOST_UNDER_WAY, Manner};
use super::dispatch::Dispatch;
use super::link::{Link, Stop};
use super::outbox::{Moment, Outbox, OutboxError, SENDING};
use super::owner::{Owner, TRIES, TRY_AGAIN_AFTER, Telling, beside};
use super::state::NotOpened;
use super::watch::Watch;
use crate::complaint::Complaint;
use crate::output;
use crate::units::count_text;

/// Sends what is put into the folder that `args` name, until a signal or a failure of the link or the log.
///
/// # Errors
/// A [`Complaint`] for what ended it; a signal while nothing is under way is none.
pub(super) fn watch(args: &WatchArgs) -> Result<(), Complaint> {
    let sender = &args.sender;
    let dir = Config::outbox_of(args.dir.as_deref(), sender.link.config.as_deref())?.ok_or_else(|| {
        Complaint::usage("no folder to watch is given")
            .fact("key", "outbox")
            .mend("diode-tx watch DIR, or set outbox = \"/srv/outbox\" in the file of --config")
    })?;
    let dir = dir.as_path();
    let config = Config::of(sender)?;
    let key = Arc::new(keyfile::load(&config.key)?);
    let interval = Duration::from_secs(args.interval);
    let retention = Config::retention_of(sender.link.config.as_deref())?;
    let outbox = open_outbox(dir, interval)?;
    let mut owner = take_state(&config, sender.telling())?;
    let shelf = owner.shelf(retention)?;
    let manner = Manner {
        priority: sender.priority,
        interval,
        json: sender.json,
    };
    let mut courier = Courier::new(outbox, dir, &config, manner, owner.tasks()).with_shelf(shelf);
    if !sender.quiet && !sender.json {
        output::note(format_args!("watching {}", terminal(&dir.display().to_string())));
    }
    let start = Instant::now();
    let left_is_known = owner.await_left();
    let ended = owner.run(Vec::new(), &key, |link, dispatch, watch| {
        beside(
            TICK,
            || serve(link, dispatch, &key, watch),
            || {
                if watch.go_on().is_ok() {
                    courier.tick(moment(start));
                    if courier.has_handed_in_all_left() {
                        left_is_known.store(true, Ordering::Release);
                    }
                }
            },
        )
    });
    courier.collect(moment(start));
    say_left(&courier, dir);
    ended
}

/// How often the courier looks for answers, and for room.
const TICK: Duration = Duration::from_millis(100);
/// How long nothing may be handed in before the word to stop is looked at again.
const PATIENCE: Duration = Duration::from_millis(50);
/// A silence after which the link is warmed up again.
const SILENCE: Duration = Duration::from_secs(1);

/// Sends what is handed in, until the operator says stop or something fails that says nothing of a bundle.
fn serve(link: &mut Link, dispatch: &mut Dispatch<'_>, key: &SigningKey, watch: &Watch) -> Result<(), Stop> {
    dispatch.be_patient();
    loop {
        link.run(dispatch, key)?;
        dispatch.rest();
        let silent_since = Instant::now();
        loop {
            if dispatch.has_failed() || watch.go_on().is_err() {
                return Ok(());
            }
            if dispatch.wait(PATIENCE) || dispatch.is_due() {
                break;
            }
            dispatch.idle();
        }
        if silent_since.elapsed() >= SILENCE {
            link.warm_up()?;
        }
    }
}

fn open_outbox(dir: &Path, settle: Duration) -> Result<Outbox, Complaint> {
    let unusable = |cause: &dyn std::fmt::Display| {
        Complaint::usage("the outbox can't be used")
            .fact("outbox", dir.display())
            .fact("cause", cause)
    };
    let disk = Disk::open(dir).map_err(|error| unusable(&error).mend("give a folder that is there, or make it"))?;
    Outbox::open(Box::new(disk), settle).map_err(|error| match error {
        OutboxError::Held => Complaint::failed("another transmitter takes files from this outbox")
            .fact("outbox", dir.display())
            .mend("wait until it has ended; a second link needs an outbox of its own"),
        OutboxError::Elsewhere { .. } => unusable(&error)
            .mend("let its folders be on the file system that it is on; to keep files elsewhere, move them from `sent` now and then"),
        OutboxError::Storage(_) => {
            unusable(&error).mend("let this user write there, and move away what is in the way of its folders")
        }
    })
}

/// Takes the state as soon as nobody else has it: whoever has may be about to end.
fn take_state(config: &Config, how: Telling) -> Result<Owner<'_>, Complaint> {
    let mut tries = 0;
    loop {
        match Owner::open(config, "watch", MOST_UNDER_WAY, how) {
            Err(NotOpened::Held(_)) if tries < TRIES => {
                tries += 1;
                thread::sleep(TRY_AGAIN_AFTER);
            }
            opened => return opened.map_err(Complaint::from),
        }
    }
}

fn moment(start: Instant) -> Moment {
    Moment {
        steady: start.elapsed(),
        // Only names are made of it.
        time: clock().unwrap_or(UnixMillis(0)),
    }
}

/// Says what the next run will send first.
fn say_left(courier: &Courier<'_>, dir: &Path) {
    match courier.count_left() {
        Ok(0) => {}
        Ok(left) => output::note(format_args!(
            "{} left in {}: `diode-tx watch` sends them when it is started again, under the numbers that they have",
            count_text(left as u64, "file is", "files are"),
            terminal(&dir.join(SENDING).display().to_string()),
        )),
        Err(error) => tracing::warn!(%error, "what is left to be sent could not be counted"),
    }
}
