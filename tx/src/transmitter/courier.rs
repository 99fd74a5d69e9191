//! Between outbox and transmitter: hands in what the outbox gives, as a client would, and has it kept by what the transmitter answers.
//!
//! ```text
//! Outbox ──claim──▶ looked at ──Task, one a file──▶ dispatch ──Answer──▶ sent: kept in sent/      refused: kept in refused/
//!                      └ refused ──▶ kept in refused/                    neither: given again, at the latest by the next start
//! ```
//!
//! Always true:
//! - what is wrong with a file is said of it alone, and holds no other up;
//! - a file counts as sent when the log says so, and not before;
//! - [`MOST_UNDER_WAY`] files at most are in the hands of the transmitter.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use audit::escape::terminal;
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use protocol::time::UnixMillis;
use serde::Serialize;

use super::clients::{ANSWERS_BESIDES, Task};
use super::config::Config;
use super::handover::Answer;
use super::job::look_at_all;
use super::outbox::{Kept, Moment, Outbox, SENDING};
use super::priority::Priority;
use super::record::{Ending, RecordJson};
use super::shelf::Shelf;
use crate::complaint::{Complaint, Exit};
use crate::output;

/// Files that the transmitter may have at once.
pub(super) const MOST_UNDER_WAY: usize = 512;

/// Carries files from an outbox to the transmitter, and keeps them.
#[derive(Debug)]
pub(super) struct Courier<'a> {
    outbox: Outbox,
    /// Where the outbox is, as the operator calls it.
    dir: &'a Path,
    config: &'a Config,
    manner: Manner,
    tasks: Sender<Task>,
    under_way: BTreeMap<OsString, Errand>,
    /// What is over and could not be put where it is to be kept: put there later, and not sent again.
    unkept: BTreeMap<OsString, Kept>,
    /// What removes files that were sent, if that is asked for.
    shelf: Option<Shelf>,
    next_look: Duration,
    /// Whether a file could not be looked at, which the next look is to try anew.
    look_again: bool,
    /// What the disk said last, and when: it is not logged every time.
    trouble: Option<(String, Duration)>,
    print: fn(&str) -> Result<(), Complaint>,
}

/// How an outbox is served.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) priority: Priority,
    /// From one look to the next.
    pub(super) interval: Duration,
    /// Whether to print JSON.
    pub(super) json: bool,
}

/// A file in the transmitter's hands.
#[derive(Debug)]
struct Errand {
    answers: Receiver<Answer>,
    record: Option<(Box<RecordJson>, Option<String>)>,
}

/// The line for scripts of a file that was refused, or is not taken.
#[derive(Debug, Serialize)]
struct FileJson<'a> {
    schema: u32,
    time: UnixMillis,
    event: &'static str,
    /// Where it is now.
    path: String,
    complaint: &'a Complaint,
}

/// How often the same trouble is logged.
const SAY_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Whoever asked, for the log.
const ACTOR: &str = "outbox";

impl<'a> Courier<'a> {
    /// A courier that has carried nothing yet; `tasks` has [`MOST_UNDER_WAY`] places for it.
    pub(super) fn new(outbox: Outbox, dir: &'a Path, config: &'a Config, manner: Manner, tasks: Sender<Task>) -> Self {
        Self {
            outbox,
            dir,
            config,
            manner,
            tasks,
            under_way: BTreeMap::new(),
            unkept: BTreeMap::new(),
            shelf: None,
            next_look: Duration::ZERO,
            look_again: false,
            trouble: None,
            print: output::print,
        }
    }

    /// Has files removed that were sent, and are kept no longer.
    pub(super) fn with_shelf(mut self, shelf: Option<Shelf>) -> Self {
        self.shelf = shelf;
        self
    }

    /// Keeps what is over, looks at the outbox when it is time to, and hands in what there is room for.
    pub(super) fn tick(&mut self, now: Moment) {
        self.collect(now);
        if now.steady >= self.next_look {
            self.next_look = now.steady.saturating_add(self.manner.interval);
            self.keep_unkept(now);
            let looked = self.outbox.look(now);
            self.note(looked, now);
            if std::mem::take(&mut self.look_again) {
                self.outbox.give_again();
            }
            self.tell_strays(now);
        }
        if let Some(shelf) = &mut self.shelf {
            let done = shelf.tick(&self.outbox, self.dir, now);
            self.note(done, now);
        }
        let room = MOST_UNDER_WAY.saturating_sub(self.under_way.len() + self.unkept.len());
        if room == 0 {
            return;
        }
        let (under_way, unkept) = (&self.under_way, &self.unkept);
        let is_ours = |name: &OsStr| under_way.contains_key(name) || unkept.contains_key(name);
        let claimed = self.outbox.claim(now, room, is_ours);
        let claimed = claimed.unwrap_or_else(|error| {
            self.note(Err(error), now);
            Vec::new()
        });
        for name in claimed {
            self.hand_in(&name, now);
        }
        self.sync_kept(now);
    }

    /// Takes the answers that there are, and keeps what is over.
    pub(super) fn collect(&mut self, now: Moment) {
        let over: Vec<_> = (self.under_way.iter_mut())
            .filter_map(|(name, errand)| Some((name.clone(), errand.poll()?)))
            .collect();
        if over.is_empty() {
            return;
        }
        let mut told = Vec::new();
        for (name, complaint) in over {
            let mut record = self.under_way.remove(&name).and_then(|errand| errand.record);
            let kept = match (record.as_ref().map(|(record, _)| record.ending()), complaint) {
                (Some(Ending::Sent), _) => {
                    if let (Some(shelf), Some((record, _))) = (&mut self.shelf, &record) {
                        let (bundle, time) = record.bundle();
                        shelf.note_sent(bundle, time);
                    }
                    Some(self.keep(&name, Kept::Sent, now))
                }
                (Some(Ending::Refused), Some(complaint)) => Some(self.refuse(&name, complaint, now)),
                // Whether it is to blame shows when it is looked at again.
                (_, _) => {
                    self.outbox.give_again();
                    None
                }
            };
            if let (Some(kept), Some((record, _))) = (kept, &mut record) {
                record.set_path(&kept);
            }
            told.extend(record);
        }
        self.sync_kept(now);
        // Whoever reads it finds the files where they are kept.
        for (record, text) in told {
            if self.manner.json {
                self.print_json(&record);
            } else if let Some(text) = text {
                self.print(&text);
            }
        }
    }

    /// Whether each file that a run before left was given to the transmitter, as far as it could be.
    pub(super) fn has_handed_in_all_left(&self) -> bool {
        !self.outbox.may_have_left_over()
    }

    /// Files that were taken and not kept.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn count_left(&self) -> io::Result<usize> {
        self.outbox.count_sending()
    }

    /// Looks at a file, and hands it in or refuses it.
    fn hand_in(&mut self, name: &OsStr, now: Moment) {
        let path = self.dir.join(SENDING).join(name);
        let (waiting, ahead) = match look_at_all(&[path], self.manner.priority, self.config) {
            Ok(looked) => looked,
            // What the disk, or a limit of the system, is to blame for says nothing of the file.
            Err(complaint) if complaint.exit() == Exit::Failed => {
                self.look_again = true;
                return self.say(&complaint.one_line(), now);
            }
            Err(complaint) => {
                self.refuse(name, complaint, now);
                return;
            }
        };
        let (answers, told) = bounded(waiting.len() + ANSWERS_BESIDES);
        let task = Task {
            waiting,
            ahead,
            actor: ACTOR.to_owned(),
            answers,
        };
        match self.tasks.try_send(task) {
            Ok(()) => {
                let errand = Errand {
                    answers: told,
                    record: None,
                };
                self.under_way.insert(name.to_owned(), errand);
            }
            // The run is over.
            Err(_) => self.outbox.give_again(),
        }
    }

    /// Keeps a file that is refused, says so, and tells where it is now.
    fn refuse(&mut self, name: &OsStr, complaint: Complaint, now: Moment) -> PathBuf {
        let kept = self.keep(name, Kept::Refused, now);
        let complaint = complaint.fact("kept", kept.display()).mend(format_args!(
            "then put the file that is to be sent into {}",
            self.dir.display()
        ));
        tracing::warn!(why = complaint.one_line(), "a bundle file was refused");
        if self.manner.json {
            self.print_json(&FileJson {
                schema: 1,
                time: now.time,
                event: "file.refused",
                path: kept.display().to_string(),
                complaint: &complaint,
            });
        }
        kept
    }

    /// Says what lies in the outbox and stays there.
    fn tell_strays(&mut self, now: Moment) {
        while let Some((name, stays)) = self.outbox.poll_stray() {
            let path = self.dir.join(name);
            let complaint = stays.complaint(&path);
            tracing::warn!(why = complaint.one_line(), "a file is not taken");
            if self.manner.json {
                self.print_json(&FileJson {
                    schema: 1,
                    time: now.time,
                    event: "file.left",
                    path: path.display().to_string(),
                    complaint: &complaint,
                });
            }
        }
    }

    /// Puts a file where it is kept, and tells where it is now.
    fn keep(&mut self, name: &OsStr, kept: Kept, now: Moment) -> PathBuf {
        match self.outbox.keep(name, kept, now) {
            Ok(path) => self.dir.join(path),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    self.unkept.insert(name.to_owned(), kept);
                }
                self.note(Err(error), now);
                self.dir.join(SENDING).join(name)
            }
        }
    }

    fn keep_unkept(&mut self, now: Moment) {
        let unkept = std::mem::take(&mut self.unkept);
        if unkept.is_empty() {
            return;
        }
        for (name, kept) in unkept {
            self.keep(&name, kept, now);
        }
        self.sync_kept(now);
    }

    fn sync_kept(&mut self, now: Moment) {
        let synced = self.outbox.sync_kept();
        self.note(synced, now);
    }

    /// Logs what the disk says, the same not every time.
    fn note(&mut self, result: io::Result<()>, now: Moment) {
        if let Err(error) = result {
            self.say(&error.to_string(), now);
        }
    }

    fn say(&mut self, text: &str, now: Moment) {
        let is_known =
            |(known, since): &(String, Duration)| known == text && now.steady.saturating_sub(*since) < SAY_AGAIN_AFTER;
        if self.trouble.as_ref().is_some_and(is_known) {
            return;
        }
        tracing::error!(
            error = terminal(text),
            "the outbox can't be used: see to the disk and the folder's permissions; it is tried again"
        );
        self.trouble = Some((text.to_owned(), now.steady));
    }

    fn print_json(&self, value: &impl Serialize) {
        match output::json_line(value) {
            Ok(line) => self.print(&line),
            Err(complaint) => tracing::error!(why = complaint.one_line(), "a record could not be printed"),
        }
    }

    fn print(&self, text: &str) {
        // The log has it.
        if let Err(complaint) = (self.print)(text) {
            tracing::error!(why = complaint.one_line(), "a record could not be printed");
        }
    }
}

impl Errand {
    /// Takes in answers; what went wrong, if anything did, once it is over.
    fn poll(&mut self) -> Option<Option<Complaint>> {
        loop {
            match self.answers.try_recv() {
                Ok(Answer::Taken { .. }) => {}
                Ok(Answer::Ended { record, text }) => self.record = Some((record, text)),
                Ok(Answer::Done { complaint }) => return Some(complaint),
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => return Some(None),
            }
        }
    }
}

#[cfg(test)]
#[path = "courier_tests.rs"]
mod tests;
