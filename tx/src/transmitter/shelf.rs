//! What an outbox keeps of what was sent: looked at now and then, and removed when it is kept no longer.
//!
//! ```text
//! every minute: names in DIR/sent/ ─▶ new ones opened, some a tick ─▶ KeptFile ─▶ over, oldest first
//!                                      └ not sent, by the log: left alone          └ Removals ─▶ log ─▶ removed, some a tick
//! ```
//!
//! Always true:
//! - nothing is removed that the log of this epoch does not call sent, that is in use, or that has changed since it was looked at;
//! - a removal is in the log, synced, before the file goes; one that fails is tried again under its entry, and what a crash leaves of it
//!   is over again at the next start, with an entry of its own;
//! - a tick opens [`LOOKS_A_TICK`] files and removes [`FILES_A_TURN`] at most; in memory there is a name for each file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use protocol::digest::BundleId;
use protocol::time::UnixMillis;

use super::outbox::{Moment, Outbox, SENT, Stamp};
use super::removal::{Removal, Removals};
use super::retention::{KeptFile, Retention};

/// The files that an outbox keeps of what was sent.
#[derive(Debug)]
pub(super) struct Shelf {
    retention: Retention,
    /// When each bundle was sent, the last time.
    sent: BTreeMap<BundleId, UnixMillis>,
    /// Files that were looked at; `None` for what the log does not know.
    known: BTreeMap<OsString, Option<(KeptFile, Stamp)>>,
    /// Names of files that are to be looked at.
    new: VecDeque<OsString>,
    next_round: Duration,
    /// Whether there may be more to do in this round.
    unfinished: bool,
    /// Whether something may not go in this round.
    refused: bool,
    asks: Sender<Removals>,
    asked: Option<(Vec<Going>, Receiver<Vec<bool>>)>,
    /// Files whose entries are written.
    going: VecDeque<Going>,
}

/// A file that is to go, and how it was when it was looked at.
type Going = (OsString, Stamp);

/// From one look at all names to the next.
const ROUND: Duration = Duration::from_secs(60);
/// Files that are opened in a tick.
const LOOKS_A_TICK: usize = 16;
/// Files that are removed with one sync of the log.
const FILES_A_TURN: usize = 32;

impl Shelf {
    /// A shelf that was not looked at; `sent` is what the log knows, and `asks` goes to who has the log.
    pub(super) fn new(retention: Retention, sent: BTreeMap<BundleId, UnixMillis>, asks: Sender<Removals>) -> Self {
        Self {
            retention,
            sent,
            known: BTreeMap::new(),
            new: VecDeque::new(),
            next_round: Duration::ZERO,
            unfinished: false,
            refused: false,
            asks,
            asked: None,
            going: VecDeque::new(),
        }
    }

    /// A bundle was sent, and its file is kept.
    pub(super) fn note_sent(&mut self, bundle: BundleId, time: UnixMillis) {
        self.sent.insert(bundle, time);
    }

    /// Does a little of what is to be done; `dir` is what the operator calls the outbox.
    ///
    /// # Errors
    /// The storage's; what could not be done is tried again in the next round.
    pub(super) fn tick(&mut self, outbox: &Outbox, dir: &Path, now: Moment) -> io::Result<()> {
        self.take_answer();
        if now.steady >= self.next_round && self.asked.is_none() {
            self.next_round = now.steady.saturating_add(ROUND);
            self.look(outbox)?;
            (self.unfinished, self.refused) = (true, false);
        }
        for name in self.new.drain(..self.new.len().min(LOOKS_A_TICK)) {
            let file = outbox.look_at_sent(&name);
            let kept = file.and_then(|(bundle, stamp)| {
                let (bytes, sent) = (stamp.len(), *self.sent.get(&bundle)?);
                Some((KeptFile { bundle, bytes, sent }, stamp))
            });
            self.known.insert(name, kept);
        }
        if !self.unfinished || !self.new.is_empty() || self.asked.is_some() {
            return Ok(());
        }
        if self.going.is_empty() {
            self.ask(outbox, dir, now.time);
            return Ok(());
        }
        self.remove_going(outbox)
    }

    /// Takes note of which files there are.
    fn look(&mut self, outbox: &Outbox) -> io::Result<()> {
        let mut there = BTreeSet::new();
        outbox.each_sent(&mut |name| {
            there.insert(name.to_owned());
        })?;
        self.known.retain(|name, _| there.remove(name));
        self.new = there.into_iter().collect();
        Ok(())
    }

    /// Asks for what is over, if it is still as it was.
    fn ask(&mut self, outbox: &Outbox, dir: &Path, now: UnixMillis) {
        let files = (self.known.iter()).filter_map(|(name, kept)| Some((name, kept.as_ref()?.0)));
        let over = self.retention.over(files, now, FILES_A_TURN);
        let (mut going, mut removals) = (Vec::new(), Vec::new());
        let mut changed = Vec::new();
        for (name, file, why) in over {
            let known = self.known.get(name).and_then(Option::as_ref);
            let stamp = outbox.sent_stamp(name);
            let Some(stamp) = stamp.filter(|now| known.is_some_and(|(_, then)| then == now)) else {
                changed.push(name.clone());
                continue;
            };
            going.push((name.clone(), stamp));
            removals.push(Removal {
                bundle: file.bundle,
                file_bytes: file.bytes,
                path: dir.join(SENT).join(name).display().to_string(),
                why,
            });
        }
        // The next round finds what is there now.
        for name in &changed {
            self.known.remove(name);
        }
        let (allowed, answer) = bounded(1);
        if !going.is_empty() && self.asks.try_send(Removals { removals, allowed }).is_ok() {
            self.asked = Some((going, answer));
        } else {
            self.unfinished = !changed.is_empty();
        }
    }

    /// Takes in what may go, once that is known.
    fn take_answer(&mut self) {
        let Some((asked, answer)) = self.asked.take() else {
            return;
        };
        let allowed = match answer.try_recv() {
            Ok(allowed) => allowed,
            Err(TryRecvError::Empty) => {
                self.asked = Some((asked, answer));
                return;
            }
            // Nothing was written.
            Err(TryRecvError::Disconnected) => Vec::new(),
        };
        let count = asked.len();
        let going = asked.into_iter().zip(allowed);
        self.going = going.filter_map(|(going, allowed)| allowed.then_some(going)).collect();
        self.refused |= self.going.len() < count;
        self.unfinished = !self.going.is_empty();
    }

    /// Removes what may go.
    fn remove_going(&mut self, outbox: &Outbox) -> io::Result<()> {
        let files = self.going.len();
        self.unfinished = false;
        while let Some((name, stamp)) = self.going.front() {
            if outbox.sent_stamp(name) == Some(*stamp) {
                outbox.remove_sent(name)?;
            }
            self.known.remove(name);
            self.going.pop_front();
        }
        // What is in use waits for the next round.
        self.unfinished = !self.refused;
        tracing::info!(files, "files of what was sent were removed by retention");
        outbox.sync_sent()
    }
}

#[cfg(test)]
#[path = "shelf_tests.rs"]
mod tests;
