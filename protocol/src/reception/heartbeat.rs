//! Heartbeats, and what they and the lack of them say of the link.

use super::{Output, Reception, reservation};
use crate::keys::KeyId;
use crate::link::{HeartbeatFate, LinkMonitor, Mismatch};
use crate::time::{Tick, UnixMillis};
use crate::wire::{HeartbeatError, LinkParameters, SignedHeartbeat, WireError, claimed_counter, claimed_key};

impl Reception {
    /// The state of the link.
    #[must_use]
    pub fn link(&self) -> &LinkMonitor {
        &self.link
    }

    /// Takes note of the number that must come next in an epoch, at least, as it is known from before: a transmitter that states a
    /// lower one has lost its state.
    pub fn remember_epoch(&mut self, epoch: u64, next: u64, now: Tick) {
        self.link.remember(epoch, next, now);
    }

    /// Whether it was a heartbeat of this link's, and a new one.
    pub(super) fn handle_heartbeat(&mut self, body: &[u8], now: Tick) -> bool {
        // Two looks that spare the work of verifying what would be good for nothing.
        if claimed_counter(body).is_some_and(|(epoch, counter)| self.link.is_old(epoch, counter)) {
            self.counters.heartbeats_old += 1;
            return false;
        }
        if self.is_pinned(claimed_key(body)) && !self.heartbeats_verified.take(now) {
            self.counters.unverified += 1;
            return false;
        }
        let signed = match SignedHeartbeat::open(body, &self.link_keys) {
            Ok(signed) => signed,
            Err(error) => {
                self.counters.count_heartbeat_error(&error);
                if let HeartbeatError::UnknownKey { key_id } = error {
                    self.tell_stranger(key_id, now);
                }
                return false;
            }
        };
        let mismatch = self.mismatch(&signed.heartbeat().parameters);
        if self.link.handle_heartbeat(&signed, mismatch, now) == HeartbeatFate::Old {
            self.counters.heartbeats_old += 1;
            return false;
        }
        self.counters.heartbeats += 1;
        self.tell_link();
        self.outputs.push_back(Output::Heartbeat(Box::new(signed)));
        true
    }

    pub(super) fn is_pinned(&self, key_id: Option<KeyId>) -> bool {
        self.link_keys.iter().any(|key| Some(key.key_id()) == key_id)
    }

    /// Takes note of what was heard of an epoch before the receiver started: the highest counter of its heartbeats, and when its newest
    /// announced transmission began. Nothing that is not newer is a sign of life.
    pub fn remember_heard(&mut self, epoch: u64, counter: u64, announced: UnixMillis, now: Tick) {
        self.link.remember_heard(epoch, counter, announced, now);
    }

    pub(super) fn handle_wire_error(&mut self, error: WireError, now: Tick) {
        self.counters.count_wire_error(error);
        if let WireError::Version { theirs } = error {
            self.link.handle_foreign_version(theirs, now);
            self.tell_link();
        }
    }

    pub(super) fn tell_link(&mut self) {
        while let Some(news) = self.link.poll_news() {
            self.outputs.push_back(Output::Link(news));
        }
    }

    /// The first of the settings here that a full-sized bundle of a transmitter so set up would exceed.
    fn mismatch(&self, parameters: &LinkParameters) -> Option<Mismatch> {
        let needs_and_allows = [
            ("link.lanes", parameters.lanes.into(), self.limits.lanes.into()),
            (
                "limits.memory_mib",
                reservation::of_blocks(parameters),
                self.limits.memory_bytes,
            ),
        ];
        needs_and_allows
            .into_iter()
            .find(|(_, needs, allows)| needs > allows)
            .map(|(setting, needs, allows)| Mismatch { setting, needs, allows })
    }
}
