//! What became of every datagram.

use serde::{Deserialize, Serialize};

use crate::wire::{AnnounceError, HeartbeatError, WireError};

/// Datagrams by fate; all but `datagrams`, `announces_conflicting` and `forged_blocks` add up to `datagrams`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// All that came.
    pub datagrams: u64,
    /// Not of this protocol: too short, or another magic.
    pub foreign: u64,
    /// Of this protocol in another version.
    pub foreign_version: u64,
    /// Damaged: length or CRC does not fit.
    pub damaged: u64,
    /// Undamaged, with a kind, suite or field that this version refuses.
    pub refused: u64,
    /// Filler.
    pub filler: u64,
    /// Announces that hold, repeated ones included.
    pub announces: u64,
    /// Announces by a link key that is not pinned.
    pub announces_unknown_key: u64,
    /// Announces whose signature or fields do not hold.
    pub announces_invalid: u64,
    /// Announces that contradict their session's first; counted as announces too.
    pub announces_conflicting: u64,
    /// Heartbeats that hold and are newer than those before.
    #[serde(default)]
    pub heartbeats: u64,
    /// Heartbeats that are not newer than one before: played again, or late.
    #[serde(default)]
    pub heartbeats_old: u64,
    /// Heartbeats by a link key that is not pinned.
    #[serde(default)]
    pub heartbeats_unknown_key: u64,
    /// Heartbeats whose signature or fields do not hold.
    #[serde(default)]
    pub heartbeats_invalid: u64,
    /// Announces and heartbeats that were dropped unread, since too many signatures came in the same second.
    #[serde(default)]
    pub unverified: u64,
    /// Symbols that were kept.
    pub symbols: u64,
    /// Symbols of a block that needs no more.
    pub surplus: u64,
    /// Symbols that were held already.
    pub duplicates: u64,
    /// Symbols whose block, ESI or length the announce does not allow.
    pub out_of_bounds: u64,
    /// Symbols of no session here.
    pub unknown_session: u64,
    /// Datagrams of a session that is over.
    pub after_end: u64,
    /// Blocks whose leaves did not fit the index.
    pub forged_blocks: u64,
}

impl Counters {
    pub(super) fn count_wire_error(&mut self, error: WireError) {
        let counter = match error {
            WireError::Truncated { .. } | WireError::Magic => &mut self.foreign,
            WireError::Version { .. } => &mut self.foreign_version,
            WireError::BodyLength { .. } | WireError::Crc => &mut self.damaged,
            WireError::Kind { .. } | WireError::Suite { .. } | WireError::Field { .. } => &mut self.refused,
        };
        *counter += 1;
    }

    pub(super) fn count_heartbeat_error(&mut self, error: &HeartbeatError) {
        let counter = match error {
            HeartbeatError::UnknownKey { .. } => &mut self.heartbeats_unknown_key,
            _ => &mut self.heartbeats_invalid,
        };
        *counter += 1;
    }

    pub(super) fn count_announce_error(&mut self, error: &AnnounceError) {
        let counter = match error {
            AnnounceError::UnknownKey { .. } => &mut self.announces_unknown_key,
            _ => &mut self.announces_invalid,
        };
        *counter += 1;
    }
}
