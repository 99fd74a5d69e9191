//! The heartbeat: that the transmitter lives, what it has sent and what it is sending, signed by its link key.
//!
//! ```text
//! body = key id (8) ‖ signature (64) ‖ fields (62 to 502, big-endian, no padding)
//!
//! sequence numbers   1 … │ sent_below …                 … │ next …
//!                  all have left │ waiting, or in flight  │ not given out yet        voids: burnt, never bound
//! ```
//!
//! What is under `sent_below`, no void and not here is lost: also the last bundle, of which no later one would tell.

use serde::{Deserialize, Serialize};

use super::header::{Kind, SessionId};
use super::seal::{self, SEAL_LEN, SealError};
use super::short_list;
use crate::codec::{self, CodecError};
use crate::digest::{BundleId, Digest};
use crate::keys::{KeyId, PublicKey, SigningKey};
use crate::limits::{
    MAX_BURST, MAX_DEPTH, MAX_ESI, MAX_HEARTBEAT_MILLIS, MAX_IN_FLIGHT, MAX_K, MAX_LANES, MAX_LOSS_PPM, MAX_PASSES,
    MAX_SYMBOL_LEN, MAX_VOIDS, MIN_HEARTBEAT_MILLIS, MIN_SYMBOL_LEN,
};
use crate::sequences::SequenceRange;

/// Bytes of a heartbeat's body, shortest and longest.
pub const MIN_HEARTBEAT_BODY_LEN: usize = SEAL_LEN + BEFORE_LISTS_LEN + 3;
/// See [`MIN_HEARTBEAT_BODY_LEN`].
pub const MAX_HEARTBEAT_BODY_LEN: usize =
    MIN_HEARTBEAT_BODY_LEN + MAX_IN_FLIGHT * IN_FLIGHT_LEN + MAX_VOIDS * VOID_LEN + CHECKPOINT_LEN;

/// Fields of a fixed place: those of the heartbeat, and the link's parameters.
const BEFORE_LISTS_LEN: usize = 36 + 23;
const IN_FLIGHT_LEN: usize = 42;
const VOID_LEN: usize = 16;
const CHECKPOINT_LEN: usize = 40;

/// What a transmitter says of itself, again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// 64 random bits, made with the transmitter's state.
    pub epoch: u64,
    /// Grows from heartbeat to heartbeat of an epoch, also when the transmitter starts anew.
    pub counter: u64,
    /// Milliseconds until the next heartbeat.
    pub interval_ms: u32,
    /// The sequence number that the next new bundle gets.
    pub next: u64,
    /// Every number below it has had its last packet.
    pub sent_below: u64,
    /// How the link is set up.
    pub parameters: LinkParameters,
    /// Bundles that are being sent, of numbers from `sent_below` on, ascending; the first eight.
    #[serde(with = "short_list")]
    pub in_flight: Vec<InFlight>,
    /// Numbers that were never bound to a bundle and never will be, ascending; the last four ranges.
    #[serde(with = "short_list")]
    pub voids: Vec<SequenceRange>,
    /// The transmitter's own audit log, now and then.
    pub checkpoint: Option<LogCheckpoint>,
}

/// A bundle that is being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// Its number.
    pub sequence: u64,
    /// Its id.
    pub bundle: BundleId,
    /// The pass, from 1.
    pub pass: u16,
}

/// How the transmitter's link is set up: what every announce will say, as far as it does not depend on the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkParameters {
    /// Bytes of an encoding symbol.
    pub symbol_len: u16,
    /// Bytes of the largest block.
    pub block_len: u32,
    /// Blocks whose symbols are interleaved (D).
    pub depth: u16,
    /// Streams of datagrams, each to a port of its own.
    pub lanes: u8,
    /// The largest ESI of a block of `block_len` bytes.
    pub max_esi: u32,
    /// How often a bundle is sent.
    pub passes: u16,
    /// The loss that repair is made for, in parts per million.
    pub loss_ppm: u32,
    /// The longest burst of lost packets that repair is made for.
    pub burst: u32,
}

/// The state of a log: how many entries, and the RFC 6962 root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogCheckpoint {
    /// Entries.
    pub size: u64,
    /// Root over them.
    pub root: Digest,
}

/// Why a heartbeat is not acted on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeartbeatError {
    /// The body has a length that no heartbeat's has.
    #[error("a heartbeat's body has {MIN_HEARTBEAT_BODY_LEN} to {MAX_HEARTBEAT_BODY_LEN} bytes, this one {len}")]
    Length {
        /// Bytes received.
        len: usize,
    },
    /// Signed by a link key that is not pinned here.
    #[error("signed by link key {key_id}, which is not pinned here")]
    UnknownKey {
        /// The key id stated.
        key_id: KeyId,
    },
    /// The signature does not verify.
    #[error("the signature by link key {key_id} does not verify")]
    BadSignature {
        /// The key id stated.
        key_id: KeyId,
    },
    /// The fields do not decode.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A field is out of its range.
    #[error("the field {field} is out of range")]
    Range {
        /// The field's name.
        field: &'static str,
    },
}

impl Heartbeat {
    /// Milliseconds between heartbeats on a link of `bits_per_second`, of which a heartbeat with all that is around it takes
    /// `frame_bits`: a second, longer where that would be more than 2 % of the link, at most an hour.
    #[must_use]
    pub fn interval_ms(frame_bits: u64, bits_per_second: u64) -> u32 {
        const SHARE: u64 = 50;
        let millis = frame_bits.saturating_mul(1000 * SHARE).div_ceil(bits_per_second.max(1));
        u32::try_from(millis)
            .unwrap_or(MAX_HEARTBEAT_MILLIS)
            .clamp(USUAL_MILLIS, MAX_HEARTBEAT_MILLIS)
    }

    /// Leaves out what a body of `body_len` bytes has no room for: of those in flight the later ones, of the voids the earlier ones,
    /// at last the checkpoint. [`MIN_HEARTBEAT_BODY_LEN`] bytes are always needed.
    pub fn fit(&mut self, body_len: usize) {
        self.in_flight.truncate(MAX_IN_FLIGHT);
        self.voids.drain(..self.voids.len().saturating_sub(MAX_VOIDS));
        let excess = |heartbeat: &Self| heartbeat.body_len().saturating_sub(body_len);
        let kept = self
            .in_flight
            .len()
            .saturating_sub(excess(self).div_ceil(IN_FLIGHT_LEN));
        self.in_flight.truncate(kept);
        let left_out = excess(self).div_ceil(VOID_LEN).min(self.voids.len());
        self.voids.drain(..left_out);
        if excess(self) > 0 {
            self.checkpoint = None;
        }
    }

    /// The body of the heartbeat's datagram.
    ///
    /// # Errors
    /// [`HeartbeatError::Range`] if a field is out of its range: a receiver would refuse it.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, HeartbeatError> {
        self.check()?;
        Ok(seal::seal(Kind::Heartbeat, NO_SESSION, &codec::encode(self), key))
    }

    fn body_len(&self) -> usize {
        let lists = self.in_flight.len() * IN_FLIGHT_LEN + self.voids.len() * VOID_LEN;
        MIN_HEARTBEAT_BODY_LEN + lists + self.checkpoint.map_or(0, |_| CHECKPOINT_LEN)
    }

    fn check(&self) -> Result<(), HeartbeatError> {
        let refuse = |field| Err(HeartbeatError::Range { field });
        match () {
            () if !(MIN_HEARTBEAT_MILLIS..=MAX_HEARTBEAT_MILLIS).contains(&self.interval_ms) => refuse("interval_ms"),
            () if self.next == 0 => refuse("next"),
            () if self.sent_below == 0 || self.sent_below > self.next => refuse("sent_below"),
            () if !self.in_flight_fits() => refuse("in_flight"),
            () if !self.voids_fit() => refuse("voids"),
            () => self.parameters.check(),
        }
    }

    fn in_flight_fits(&self) -> bool {
        let within = |one: &InFlight| one.pass > 0 && (self.sent_below..self.next).contains(&one.sequence);
        self.in_flight.len() <= MAX_IN_FLIGHT
            && self.in_flight.iter().all(within)
            && self.in_flight.is_sorted_by(|one, next| one.sequence < next.sequence)
    }

    fn voids_fit(&self) -> bool {
        let bound = |void: &SequenceRange| self.in_flight.iter().any(|one| void.contains(one.sequence));
        self.voids.len() <= MAX_VOIDS
            && self.voids.iter().all(|void| void.last() < self.next && !bound(void))
            && self.voids.is_sorted_by(|one, next| one.last() < next.first())
    }
}

impl LinkParameters {
    fn check(&self) -> Result<(), HeartbeatError> {
        let refuse = |field| Err(HeartbeatError::Range { field });
        match () {
            () if !(MIN_SYMBOL_LEN..=MAX_SYMBOL_LEN).contains(&self.symbol_len) => refuse("symbol_len"),
            () if self.block_len == 0 || self.k() > MAX_K => refuse("block_len"),
            () if self.depth == 0 || self.depth > MAX_DEPTH => refuse("depth"),
            () if self.lanes == 0 || self.lanes > MAX_LANES => refuse("lanes"),
            () if self.max_esi > MAX_ESI || self.max_esi + 1 < self.k() => refuse("max_esi"),
            () if self.passes == 0 || self.passes > MAX_PASSES => refuse("passes"),
            () if self.loss_ppm > MAX_LOSS_PPM => refuse("loss_ppm"),
            () if self.burst > MAX_BURST => refuse("burst"),
            () => Ok(()),
        }
    }

    /// Source symbols of the largest block.
    #[must_use]
    pub fn k(&self) -> u32 {
        self.block_len.div_ceil(self.symbol_len.max(1).into())
    }
}

/// A heartbeat whose signature, encoding and ranges hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeartbeat {
    key_id: KeyId,
    heartbeat: Heartbeat,
}

impl SignedHeartbeat {
    /// Verifies a heartbeat's body with the pinned link keys, and only then decodes it.
    ///
    /// # Errors
    /// [`HeartbeatError`], of which none is the sender's fault alone: noise, another link, or a wrong setting.
    pub fn open(body: &[u8], link_keys: &[PublicKey]) -> Result<Self, HeartbeatError> {
        let wrong_length = HeartbeatError::Length { len: body.len() };
        if !(MIN_HEARTBEAT_BODY_LEN..=MAX_HEARTBEAT_BODY_LEN).contains(&body.len()) {
            return Err(wrong_length);
        }
        let (key_id, fields) =
            seal::open(Kind::Heartbeat, NO_SESSION, body, link_keys).map_err(|error| match error {
                SealError::Length => wrong_length,
                SealError::UnknownKey { key_id } => HeartbeatError::UnknownKey { key_id },
                SealError::BadSignature { key_id } => HeartbeatError::BadSignature { key_id },
            })?;
        let heartbeat: Heartbeat = codec::decode(fields)?;
        heartbeat.check()?;
        Ok(Self { key_id, heartbeat })
    }

    /// The heartbeat.
    #[must_use]
    pub fn heartbeat(&self) -> &Heartbeat {
        &self.heartbeat
    }

    /// The link key that signed it.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }
}

/// Epoch and counter that a body states: a claim, good for passing over what would prove nothing if it held.
pub(crate) fn claimed_counter(body: &[u8]) -> Option<(u64, u64)> {
    let fields = body.get(SEAL_LEN..)?;
    let (epoch, rest) = fields.split_first_chunk::<8>()?;
    let counter = rest.first_chunk::<8>()?;
    Some((u64::from_be_bytes(*epoch), u64::from_be_bytes(*counter)))
}

/// A heartbeat belongs to no session.
const NO_SESSION: SessionId = SessionId(0);
/// Milliseconds between heartbeats where the link is not slow.
const USUAL_MILLIS: u32 = 1000;

#[cfg(test)]
mod tests;
