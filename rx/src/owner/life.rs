//! How far the transmitter's signs of life were heard, remembered across restarts: a recording that is played back then proves nothing.
//!
//! ```text
//! heartbeat, announce ──▶ Life ──every ten seconds, and at the end──▶ HOME/heard ──next start──▶ Reception::remember_heard
//!
//! heard   epoch (16 hex digits) counter announced, separated by spaces: one line an epoch
//! ```
//!
//! Always true: of at most [`EPOCHS_KEPT`] epochs something is kept; a file that can't be read or written stops no reception. After a crash the last
//! ten seconds may be played back, once.

use std::collections::BTreeMap;
use std::io;

use audit::storage::{OpenHow, replace_durable};
use protocol::link::EPOCHS_KEPT;
use protocol::reception::Reception;
use protocol::time::{Tick, UnixMillis};
use protocol::wire::Announce;

use super::Owner;
use crate::home::{self, Home};
use crate::serve::News;

/// Milliseconds after which what was heard is written again.
const KEPT_EVERY_MS: u64 = 10_000;

/// The newest that was heard of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastHeard {
    /// The epoch.
    pub epoch: u64,
    /// The highest counter of its heartbeats.
    pub counter: u64,
    /// When its newest announced transmission began, by the transmitter's clock.
    pub announced: UnixMillis,
}

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Life {
    epochs: BTreeMap<u64, LastHeard>,
    /// When it was written last.
    kept: Option<UnixMillis>,
    /// Whether something is newer than what was written.
    changed: bool,
}

impl Life {
    pub(super) fn read(home: &Home) -> Self {
        let file = home.storage().open(home::HEARD.as_ref(), OpenHow::Read);
        let read = match file.and_then(|file| file.read_all(MOST_BYTES)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            read => read.map(|bytes| String::from_utf8_lossy(&bytes).lines().map(parse).collect()),
        };
        let lines: Option<Vec<_>> = read.unwrap_or(None);
        if lines.is_none() {
            tracing::warn!(
                file = home::HEARD,
                "what was heard of the link before the start can't be read: until something newer comes, a recording may pass for a sign of life"
            );
        }
        let epochs = lines.unwrap_or_default().into_iter().take(EPOCHS_KEPT);
        Self {
            epochs: epochs.map(|last| (last.epoch, last)).collect(),
            ..Self::default()
        }
    }

    fn text(&self) -> String {
        let line = |last: &LastHeard| format!("{:016x} {} {}\n", last.epoch, last.counter, last.announced.0);
        self.epochs.values().map(line).collect()
    }

    fn hear(&mut self, epoch: u64, counter: u64, announced: UnixMillis) {
        let last = self.epochs.entry(epoch).or_insert(LastHeard {
            epoch,
            counter: 0,
            announced: UnixMillis(0),
        });
        self.changed |= counter > last.counter || announced > last.announced;
        (last.counter, last.announced) = (last.counter.max(counter), last.announced.max(announced));
        while self.epochs.len() > EPOCHS_KEPT {
            // Both are the transmitter's time, unless its clock goes wrong.
            let oldest = self
                .epochs
                .values()
                .min_by_key(|last| last.announced.0.max(last.counter));
            let Some(oldest) = oldest.map(|last| last.epoch) else {
                return;
            };
            self.epochs.remove(&oldest);
        }
    }

    fn is_due(&self, now: UnixMillis) -> bool {
        let waited = |kept: UnixMillis| now.millis_since(kept) >= KEPT_EVERY_MS;
        self.changed && self.kept.is_none_or(waited)
    }
}

impl Owner {
    /// What was heard of the link.
    pub fn last_heard(&self) -> impl Iterator<Item = LastHeard> + '_ {
        self.life.epochs.values().copied()
    }

    /// Has a reception that begins remember what was heard of the link, and which number comes next.
    pub fn remind(&self, reception: &mut Reception) {
        for (epoch, next) in self.expected_next() {
            reception.remember_epoch(epoch, next, Tick(0));
        }
        // Later: there are not places for all, and whose recordings must show no life has one before what is only accepted.
        for last in self.last_heard() {
            reception.remember_heard(last.epoch, last.counter, last.announced, Tick(1));
        }
    }

    /// Takes note of what reassembly tells of the transmitter.
    pub(super) fn hear(&mut self, news: &News) {
        match news {
            News::Heartbeat(heartbeat, _) => self.life.hear(heartbeat.epoch, heartbeat.counter, UnixMillis(0)),
            News::Opened(_, announce) => self.hear_announce(announce),
            News::Replayed(announce, ..)
            | News::NoRoom(announce, ..)
            | News::Unstorable(announce, ..)
            | News::Mismatched(announce, _) => self.hear_announce(announce),
            News::Complete(..) | News::Countersigned(_) | News::Ended(..) | News::Unjudged(..) => return,
            News::Forgotten(_) | News::UnknownLinkKey(_) | News::Link(_) => return,
        }
        let now = self.now();
        if self.life.is_due(now) {
            self.keep_life();
        }
    }

    fn hear_announce(&mut self, announce: &Announce) {
        self.life.hear(announce.number.epoch, 0, announce.created);
    }

    /// Writes what was heard. What can't be written is tried again later: the link's state is not worth the receiver's end.
    pub(super) fn keep_life(&mut self) {
        if !self.life.changed {
            return;
        }
        let text = self.life.text();
        let written = replace_durable(&*self.home.storage(), home::HEARD.as_ref(), text.as_bytes(), 0o600);
        if let Err(error) = &written {
            tracing::warn!(%error, file = home::HEARD, "what was heard of the link can't be written");
        }
        self.life.changed = written.is_err();
        self.life.kept = Some(self.now());
    }
}

fn parse(line: &str) -> Option<LastHeard> {
    let mut fields = line.split(' ');
    let last = LastHeard {
        epoch: u64::from_str_radix(fields.next()?, 16).ok()?,
        counter: fields.next()?.parse().ok()?,
        announced: UnixMillis(fields.next()?.parse().ok()?),
    };
    fields.next().is_none().then_some(last)
}

/// More than the file ever has.
const MOST_BYTES: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let mut life = Life::default();
        life.hear(0xBEEF, 7, UnixMillis(0));
        life.hear(0xBEEF, 0, UnixMillis(9));
        let text = life.text();
        assert_eq!(text, "000000000000beef 7 9\n");
        assert_eq!(parse(text.trim_end()), life.epochs.get(&0xBEEF).copied());
        for broken in ["", "beef 7", "beef 7 9 1", "x 7 9"] {
            assert_eq!(parse(broken), None);
        }
    }

    #[test]
    fn of_epochs_without_end_the_newest_are_kept() {
        let mut life = Life::default();
        (1..1000).for_each(|epoch| life.hear(epoch, epoch, UnixMillis(0)));
        assert_eq!(life.epochs.len(), EPOCHS_KEPT);
        assert!(life.epochs.contains_key(&999) && life.text().len() as u64 <= MOST_BYTES);
    }
}
