//! One bundle's way onto the link: which part comes next on which lane, and which block has to be coded for it.
//!
//! ```text
//! each pass:  A gap A gap A │ group 0 │ A │ group 1 │ … │ last group │ head again │ gap A last group again │ A A A
//!             A: the announce └ D blocks, symbol by symbol across them      └ only if it is shorter than D blocks
//!
//! poll_job ──EncodeJob──▶ (driver reads the block, checks its leaves, runs the job, on any thread) ──handle_coded──▶ poll_part
//! poll_part ──Part──▶ (driver has its datagrams numbered by the lane, and sends them) ──handle_sent──▶
//! ```
//!
//! The head is sent first and again after the content; a group shorter than D blocks is no match for a burst, so it is sent again
//! at least `burst` packets later. What lies in between, a gap, may be other transmissions' packets or filler. Every sending of a
//! block has repair symbols of its own, so that passes and repeats add up. With several lanes, group after group goes to lane
//! after lane, each of which begins and ends with announces; what must keep a distance stays on one lane.
//!
//! Always true: of each lane, coded blocks of at most two groups are held; the machine never waits, it says [`Polled::Starved`].

mod group;
mod lane;
mod plan;
mod schedule;
mod track;

use std::collections::VecDeque;

use bytes::Bytes;

pub use group::{Coded, CodedGroup, EncodeJob, GroupSymbol};
pub use lane::Lane;
pub use plan::{Plan, link_parameters};

use crate::digest::{BundleId, Digest};
use crate::fec::{Redundancy, RedundancyError};
use crate::keys::SigningKey;
use crate::layout::{Layout, LayoutError};
use crate::limits::MAX_PASSES;
use crate::time::UnixMillis;
use crate::wire::{Announce, LinkNumber, SessionId};
use track::{Track, TrackPolled};

/// How a bundle is sent.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A random number for this transmission, not 0.
    pub session: SessionId,
    /// The bundle's place on the link.
    pub number: LinkNumber,
    /// Bytes of an encoding symbol.
    pub symbol_len: u16,
    /// What is known of the link's losses, and the interleaving depth.
    pub redundancy: Redundancy,
    /// How often the whole is sent.
    pub passes: u16,
    /// Streams of datagrams, each on ports of its own.
    pub lanes: u8,
    /// When the transmission begins.
    pub created: UnixMillis,
}

/// What is sent: lengths in bytes, digests as signed.
#[derive(Debug, Clone)]
pub struct BundleShape {
    /// The bundle's id.
    pub bundle: BundleId,
    /// Length of the DSSE envelope.
    pub envelope_len: u32,
    /// Length of envelope and leaf index.
    pub head_len: u32,
    /// SHA-256 of the head.
    pub head_sha256: Digest,
    /// Length of the content.
    pub content_len: u64,
    /// Root over the content's leaves.
    pub content_root: Digest,
    /// Length of a leaf.
    pub leaf_len: u32,
}

/// Why a bundle can't be sent with these settings.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TransmissionError {
    /// The lengths do not fit together.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The link can't be mended.
    #[error(transparent)]
    Redundancy(#[from] RedundancyError),
    /// A number is out of its range.
    #[error("{field} = {value} is out of range")]
    Range {
        /// Its name.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// The number of passes is out of its range.
    #[error("passes = {passes} is out of range (1 to {MAX_PASSES})")]
    Passes {
        /// The number asked for.
        passes: u16,
    },
}

/// What a lane sends next.
#[derive(Debug)]
pub enum Part {
    /// The announce, `count` times.
    Announces {
        /// The transmission.
        session: SessionId,
        /// The announce's body, signed.
        body: Bytes,
        /// How often.
        count: u32,
        /// The pass that begins or goes on, from 1.
        pass: u16,
    },
    /// At least so many datagrams of anything else, before what comes after it.
    Gap {
        /// How many.
        packets: u32,
        /// Bytes of the body of filler, where there is nothing else to send.
        filler_len: u16,
    },
    /// The symbols of a group.
    Group(CodedGroup),
}

/// What [`Transmission::poll_part`] has to say.
#[derive(Debug)]
pub enum Polled {
    /// The next part.
    Part(Part),
    /// It is not coded yet, or two groups are on their way already.
    Starved,
    /// Everything was given out.
    Finished,
}

/// One bundle being sent.
#[derive(Debug)]
pub struct Transmission {
    plan: Plan,
    session: SessionId,
    /// Signed once: their bodies, one a pass.
    announces: Vec<Bytes>,
    tracks: Vec<Track>,
    jobs: VecDeque<EncodeJob>,
}

impl Transmission {
    /// A transmission of the bundle of this shape, announced with `link_key`.
    ///
    /// # Errors
    /// [`TransmissionError`] if shape and settings do not fit together.
    pub fn new(shape: &BundleShape, settings: &Settings, link_key: &SigningKey) -> Result<Self, TransmissionError> {
        let plan = Plan::new(shape, settings)?;
        let announce = Announce {
            number: settings.number,
            bundle: shape.bundle,
            envelope_len: shape.envelope_len,
            head_len: shape.head_len,
            head_sha256: shape.head_sha256,
            content_len: shape.content_len,
            content_root: shape.content_root,
            leaf_len: shape.leaf_len,
            leaves_per_block: Layout::leaves_per_block_for(shape.leaf_len, settings.symbol_len),
            symbol_len: settings.symbol_len,
            depth: settings.redundancy.depth(),
            lanes: settings.lanes,
            max_esi: plan.max_esi(),
            pass: 1,
            passes: settings.passes,
            created: settings.created,
        };
        let sign = |pass| {
            let announce = Announce {
                pass,
                ..announce.clone()
            };
            Bytes::from(announce.sign(settings.session, link_key))
        };
        Ok(Self {
            session: settings.session,
            announces: (1..=settings.passes).map(sign).collect(),
            tracks: (0..settings.lanes).map(|lane| Track::new(&plan, lane)).collect(),
            jobs: VecDeque::new(),
            plan,
        })
    }

    /// The numbers behind the transmission.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The next block to be read and coded, if one can be taken on now. To be polled after each
    /// [`handle_sent`](Self::handle_sent): what follows the last group is taken on here too.
    pub fn poll_job(&mut self) -> Option<EncodeJob> {
        while self.jobs.is_empty() {
            let free = self.tracks.iter_mut().filter(|track| track.may_take());
            let track = free.min_by_key(|track| track.groups_taken())?;
            track.take_group(&self.plan, &mut self.jobs);
        }
        self.jobs.pop_front()
    }

    /// Takes a block that was coded.
    pub fn handle_coded(&mut self, coded: Coded) {
        if let Some(track) = self.tracks.get_mut(coded.ticket.lane) {
            track.handle_coded(coded);
        }
    }

    /// What `lane` sends next. Jobs that are polled must be run and handed back, and groups that left told to
    /// [`handle_sent`](Self::handle_sent), or this stays [`Polled::Starved`]. Nothing is given out before the lane's first group is
    /// coded, so that the link does not stand still between announces and symbols.
    pub fn poll_part(&mut self, lane: usize) -> Polled {
        let Some(track) = self.tracks.get_mut(lane) else {
            return Polled::Finished;
        };
        match track.poll() {
            TrackPolled::Starved => Polled::Starved,
            TrackPolled::Finished => Polled::Finished,
            TrackPolled::Announce { pass, count } => Polled::Part(Part::Announces {
                session: self.session,
                body: self.announces[usize::from(pass) - 1].clone(),
                count,
                pass,
            }),
            TrackPolled::Gap { packets } => Polled::Part(Part::Gap {
                packets,
                filler_len: self.plan.layout().symbol_len(),
            }),
            TrackPolled::Group { first_block, blocks } => Polled::Part(Part::Group(CodedGroup {
                session: self.session,
                first_block,
                blocks,
            })),
        }
    }

    /// Takes note that a group of `lane` has left: another can be coded.
    pub fn handle_sent(&mut self, lane: usize) {
        if let Some(track) = self.tracks.get_mut(lane) {
            track.handle_sent();
        }
    }
}

#[cfg(test)]
mod tests;
