//! The state of a link, from what its transmitter says of itself, and from its silence.
//!
//! ```text
//!            heartbeat, announce                     heartbeat that does not fit
//!  Unknown ──────────────────────▶ Up ◀────────────────────────────────────────▶ Mismatched
//!     │                            │ nothing for three intervals                     │
//!     │ nothing for a minute       ▼                                                 │
//!     └─────────────────────────▶ Silent ◀───────────────────────────────────────────┘
//!                                  ▲ │ a datagram of another version
//!           none of them any more  │ ▼
//!                               ForeignVersion        any sign of life: Up, or Mismatched
//! ```
//!
//! Signs of life are signed and new: heartbeats whose counter is above all before, announces of a transmission that began after all
//! before, and further announces of it as long as it gets on. What was recorded and is played again proves nothing, also after a
//! restart, if the receiver [remembers](LinkMonitor::remember_heard). Another version is taken note of only where no sign of life is, since
//! anybody can send its three bytes.
//!
//! Always true: a state is told once, when it begins; of at most [`EPOCHS_KEPT`] epochs something is kept.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use crate::time::{Tick, UnixMillis};
use crate::wire::{Heartbeat, SignedHeartbeat, VERSION};

/// Epochs whose counters are kept; of more, those that were heard least recently are forgotten.
pub const EPOCHS_KEPT: usize = 16;
/// Intervals without a sign of life after which a link is silent.
const INTERVALS: u64 = 3;
/// Milliseconds for which a transmitter that was never heard may keep silent: slow lines have long intervals.
const PATIENCE_AT_START_MS: u64 = 60_000;

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// The receiver has started, and nothing has come yet.
    Unknown,
    /// The transmitter lives, and what it sends fits.
    Up,
    /// No sign of life.
    Silent,
    /// The transmitter lives, but is set up for more than this receiver takes.
    Mismatched(Mismatch),
    /// Nothing but datagrams of another version.
    ForeignVersion {
        /// The version that comes.
        theirs: u8,
        /// The version spoken here.
        ours: u8,
    },
}

/// A setting of the receiver that the transmitter's settings exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mismatch {
    /// The receiver's setting.
    pub setting: &'static str,
    /// What the transmitter's settings need: bytes, or lanes.
    pub needs: u64,
    /// What the setting allows.
    pub allows: u64,
}

/// What an operator must be told of a link, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkNews {
    /// It went from one state to another.
    Changed(LinkChange),
    /// The next sequence number of an epoch went backwards: the transmitter's state was restored from an older copy, and its numbers
    /// come twice.
    Restored {
        /// The epoch.
        epoch: u64,
        /// The next number as it was known.
        was: u64,
        /// The next number as it is stated now.
        is: u64,
    },
}

/// A link's change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkChange {
    /// The state before.
    pub was: LinkState,
    /// The state now.
    pub is: LinkState,
    /// How long the state before lasted, in milliseconds.
    pub lasted_ms: u64,
    /// Milliseconds since the last sign of life before the change; `None` if there was none.
    pub unheard_ms: Option<u64>,
    /// Milliseconds between heartbeats, as last stated.
    pub interval_ms: Option<u32>,
}

/// What a heartbeat was good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartbeatFate {
    /// A sign of life.
    Fresh,
    /// Not newer than one before: played again, or late.
    Old,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    counter: Option<u64>,
    next: u64,
    /// When the newest transmission began that was announced, by the transmitter's clock.
    announced: Option<UnixMillis>,
    heard: Tick,
}

/// Watches one link.
#[derive(Debug, Default)]
pub struct LinkMonitor {
    state: Option<LinkState>,
    /// When the state began; `None` before the first call that says what time it is.
    since: Option<Tick>,
    heard: Option<Tick>,
    foreign_heard: Option<Tick>,
    epochs: BTreeMap<u64, Known>,
    latest: Option<SignedHeartbeat>,
    news: VecDeque<LinkNews>,
}

impl LinkMonitor {
    /// The state.
    #[must_use]
    pub fn state(&self) -> LinkState {
        self.state.unwrap_or(LinkState::Unknown)
    }

    /// Milliseconds for which the link has been in its state.
    #[must_use]
    pub fn age_ms(&self, now: Tick) -> u64 {
        self.since.map_or(0, |since| now.millis_since(since))
    }

    /// Milliseconds since the last sign of life; `None` if there was none.
    #[must_use]
    pub fn unheard_ms(&self, now: Tick) -> Option<u64> {
        self.heard.map(|heard| now.millis_since(heard))
    }

    /// The latest heartbeat.
    #[must_use]
    pub fn latest(&self) -> Option<&SignedHeartbeat> {
        self.latest.as_ref()
    }

    /// Takes note of what is known of an epoch from before the receiver started: the number that must come next, at least.
    pub fn remember(&mut self, epoch: u64, next: u64, now: Tick) {
        let known = self.known(epoch, now);
        known.next = known.next.max(next);
        self.forget_epochs();
    }

    /// Takes note of the highest counter of an epoch's heartbeats, and of when its newest announced transmission began, as they were
    /// heard before the receiver started: nothing that is not newer is a sign of life.
    pub fn remember_heard(&mut self, epoch: u64, counter: u64, announced: UnixMillis, now: Tick) {
        let known = self.known(epoch, now);
        known.heard = known.heard.max(now);
        known.counter = known.counter.max(Some(counter));
        known.announced = known.announced.max(Some(announced));
        self.forget_epochs();
    }

    /// Whether a heartbeat of this epoch and counter would be [`Old`](HeartbeatFate::Old): then its signature need not be verified.
    #[must_use]
    pub fn is_old(&self, epoch: u64, counter: u64) -> bool {
        let known = self.epochs.get(&epoch).and_then(|known| known.counter);
        known.is_some_and(|known| counter <= known)
    }

    /// Takes a heartbeat; `mismatch` is what of the receiver's settings its parameters exceed.
    pub fn handle_heartbeat(
        &mut self,
        signed: &SignedHeartbeat,
        mismatch: Option<Mismatch>,
        now: Tick,
    ) -> HeartbeatFate {
        let &Heartbeat {
            epoch, counter, next, ..
        } = signed.heartbeat();
        if self.is_old(epoch, counter) {
            return HeartbeatFate::Old;
        }
        let known = self.known(epoch, now);
        let was = std::mem::replace(&mut known.next, next);
        (known.counter, known.heard) = (Some(counter), now);
        if next < was {
            self.news.push_back(LinkNews::Restored { epoch, was, is: next });
        }
        self.forget_epochs();
        self.go(mismatch.map_or(LinkState::Up, LinkState::Mismatched), now);
        self.heard = Some(now);
        self.latest = Some(signed.clone());
        HeartbeatFate::Fresh
    }

    /// Takes the announce of a transmission of this epoch that began at `created`. It is a sign of life, though one that says nothing of
    /// settings, if none that was announced before began as late; says whether it was.
    pub fn handle_announce(&mut self, epoch: u64, created: UnixMillis, now: Tick) -> bool {
        let known = self.known(epoch, now);
        let is_new = known.announced.is_none_or(|before| before < created);
        if is_new {
            (known.announced, known.heard) = (Some(created), now);
        }
        self.forget_epochs();
        if is_new {
            self.handle_progress(now);
        }
        is_new
    }

    /// Takes note that a transmission whose announce was a sign of life gets on.
    pub fn handle_progress(&mut self, now: Tick) {
        match self.state() {
            LinkState::Unknown | LinkState::Silent | LinkState::ForeignVersion { .. } => self.go(LinkState::Up, now),
            LinkState::Up | LinkState::Mismatched(_) => {}
        }
        self.heard = Some(now);
    }

    /// Takes note of a datagram of another version.
    pub fn handle_foreign_version(&mut self, theirs: u8, now: Tick) {
        match self.state() {
            LinkState::Unknown | LinkState::Silent => {
                let ours = VERSION;
                self.go(LinkState::ForeignVersion { theirs, ours }, now);
                self.foreign_heard = Some(now);
            }
            LinkState::ForeignVersion { theirs: known, .. } if known == theirs => self.foreign_heard = Some(now),
            // Of several others the first is told until it is silent, or each datagram could be news.
            LinkState::ForeignVersion { .. } | LinkState::Up | LinkState::Mismatched(_) => {}
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) should be called next: at once until it was told the time, never while the link
    /// is silent.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        let Some(since) = self.since else {
            return Some(Tick(0));
        };
        let from = match self.state() {
            LinkState::Silent => return None,
            LinkState::Unknown => since,
            LinkState::Up | LinkState::Mismatched(_) => self.heard.unwrap_or(since),
            LinkState::ForeignVersion { .. } => self.foreign_heard.unwrap_or(since),
        };
        Some(from.plus_millis(self.patience_ms()))
    }

    /// Finds out whether the link has become silent.
    pub fn handle_timeout(&mut self, now: Tick) {
        self.since.get_or_insert(now);
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.go(LinkState::Silent, now);
        }
    }

    /// What an operator must be told next.
    pub fn poll_news(&mut self) -> Option<LinkNews> {
        self.news.pop_front()
    }

    fn interval_ms(&self) -> Option<u32> {
        self.latest.as_ref().map(|signed| signed.heartbeat().interval_ms)
    }

    fn patience_ms(&self) -> u64 {
        self.interval_ms()
            .map_or(PATIENCE_AT_START_MS, |interval| INTERVALS * u64::from(interval))
    }

    fn go(&mut self, is: LinkState, now: Tick) {
        let (was, lasted_ms) = (self.state(), self.age_ms(now));
        let since = self.since.get_or_insert(now);
        if was == is {
            return;
        }
        *since = now;
        self.state = Some(is);
        self.news.push_back(LinkNews::Changed(LinkChange {
            was,
            is,
            lasted_ms,
            unheard_ms: self.unheard_ms(now),
            interval_ms: self.interval_ms(),
        }));
    }

    fn known(&mut self, epoch: u64, now: Tick) -> &mut Known {
        self.epochs.entry(epoch).or_insert(Known {
            counter: None,
            next: 0,
            announced: None,
            heard: now,
        })
    }

    fn forget_epochs(&mut self) {
        while self.epochs.len() > EPOCHS_KEPT
            && let Some(oldest) = self.epochs.iter().min_by_key(|(_, known)| known.heard)
        {
            let epoch = *oldest.0;
            self.epochs.remove(&epoch);
        }
    }
}

impl LinkState {
    /// One word for it, as in `link.up` and the other events.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Silent => "silent",
            Self::Mismatched(_) => "mismatched",
            Self::ForeignVersion { .. } => "foreign-version",
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, needs, allows } = self;
        let unit = if setting.ends_with("_mib") { " bytes" } else { "" };
        write!(
            f,
            "{setting} allows {allows}{unit}, the transmitter's settings need {needs}{unit}"
        )
    }
}

#[cfg(test)]
mod tests;
