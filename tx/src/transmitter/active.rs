//! A bundle under way: its transmission, and how far each lane is with it.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use protocol::fec::BlockBuffers;
use protocol::keys::SigningKey;
use protocol::transmission::{Coded, Part, Polled, Transmission};

use super::lane::PartSent;
use super::link::{Ended, Outgoing, SMALL, Stop};
use super::priority::Priority;
use super::watch::Tally;
use crate::bundle_file::BundleFile;

/// A transmission, and what of it is on its way.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) id: u64,
    pub(super) bundle: Arc<BundleFile>,
    /// What comes first on a lane: the more urgent, then the smaller, then the earlier.
    pub(super) rank: (Reverse<Priority>, u64, u64),
    pub(super) transmission: Transmission,
    pass: Arc<AtomicU16>,
    lanes: Vec<Share>,
    in_coding: usize,
    tally: Tally,
    began: Option<u64>,
    free_at: u64,
    failed: Option<Stop>,
}

/// A lane's share.
#[derive(Debug, Clone, Default)]
struct Share {
    /// The lane's packets when the last part of this transmission is out.
    given_until: u64,
    /// Nothing of this transmission before the lane has sent so many packets.
    gap_until: u64,
    in_flight: usize,
    finished: bool,
}

/// What a transmission has for a lane.
#[derive(Debug)]
pub(super) enum Next {
    /// This.
    Part(Part),
    /// Nothing before so many packets of others.
    Gap(u64),
    /// Something soon.
    Soon,
    /// Nothing any more.
    Over,
}

impl Active {
    /// Begins to send.
    ///
    /// # Errors
    /// [`Stop::Settings`] if the bundle can't be sent so.
    pub(super) fn begin(outgoing: Outgoing, key: &SigningKey) -> Result<Self, Stop> {
        let Outgoing {
            id,
            bundle,
            settings,
            priority,
            pass,
        } = outgoing;
        let transmission = Transmission::new(&super::link::shape_of(&bundle), &settings, key)?;
        Ok(Self {
            id,
            rank: (Reverse(priority), bundle.statement().content_len, id),
            bundle,
            transmission,
            pass,
            lanes: vec![Share::default(); settings.lanes.into()],
            in_coding: 0,
            tally: Tally::default(),
            began: None,
            free_at: 0,
            failed: None,
        })
    }

    /// What to send next on `lane`, to which `assigned` packets of all transmissions were given.
    pub(super) fn poll(&mut self, lane: usize, assigned: u64) -> Next {
        let Some(share) = self.lanes.get_mut(lane) else {
            return Next::Over;
        };
        if self.failed.is_some() || share.finished {
            return Next::Over;
        }
        loop {
            if share.gap_until > assigned {
                return Next::Gap(share.gap_until - assigned);
            }
            match self.transmission.poll_part(lane) {
                // What others have sent since is part of the gap.
                Polled::Part(Part::Gap { packets, .. }) => share.gap_until = share.given_until + u64::from(packets),
                Polled::Part(part) => {
                    if let Part::Announces { pass, .. } = &part {
                        // Of several lanes the one that is furthest counts.
                        self.pass.fetch_max(*pass, Ordering::Relaxed);
                    }
                    share.in_flight += 1;
                    share.given_until = assigned + packets_of(&part);
                    return Next::Part(part);
                }
                Polled::Starved => return Next::Soon,
                Polled::Finished => {
                    share.finished = true;
                    return Next::Over;
                }
            }
        }
    }

    /// How urgent it is.
    pub(super) fn priority(&self) -> Priority {
        self.rank.0.0
    }

    /// Whether no other like it may be under way.
    pub(super) fn is_large(&self) -> bool {
        self.rank.1 > SMALL
    }

    /// Whether it leaves the lanes to others for now: all was given out, or is in a gap.
    pub(super) fn gives_way(&self, assigned: impl Fn(usize) -> u64) -> bool {
        let mut lanes = self.lanes.iter().enumerate();
        lanes.all(|(lane, share)| share.finished || share.gap_until > assigned(lane))
    }

    /// Whether it ends before its end.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Takes note that a block went to the workers.
    pub(super) fn handle_submitted(&mut self) {
        self.in_coding += 1;
    }

    /// Takes a block back from the workers.
    pub(super) fn handle_coded(&mut self, result: Result<Coded, Stop>) {
        self.in_coding = self.in_coding.saturating_sub(1);
        match result {
            Ok(coded) => self.transmission.handle_coded(coded),
            Err(stop) => self.fail(stop),
        }
    }

    /// Takes note of a part that `lane` has sent, and gives back its memory.
    pub(super) fn handle_sent(&mut self, lane: usize, part: Option<Part>, sent: PartSent) -> Vec<BlockBuffers> {
        let PartSent {
            tally,
            began,
            free_at,
            result,
        } = sent;
        self.tally.add(&tally);
        self.began = Some(self.began.map_or(began, |earlier| earlier.min(began)));
        self.free_at = self.free_at.max(free_at);
        if let Err(stop) = result {
            self.fail(stop);
        }
        if let Some(share) = self.lanes.get_mut(lane) {
            share.in_flight = share.in_flight.saturating_sub(1);
        }
        match part {
            Some(Part::Group(group)) => {
                self.transmission.handle_sent(lane);
                group.into_buffers().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Ends it before its end; the first reason stays.
    pub(super) fn fail(&mut self, stop: Stop) {
        self.failed.get_or_insert(stop);
    }

    /// Whether nothing of it is under way any more.
    pub(super) fn is_over(&self) -> bool {
        let all_sent = self.failed.is_some() || self.lanes.iter().all(|share| share.finished);
        all_sent && self.in_coding == 0 && self.lanes.iter().all(|share| share.in_flight == 0)
    }

    /// How it ended.
    pub(super) fn end(self) -> Ended {
        Ended {
            id: self.id,
            tally: self.tally,
            nanos: self.began.map_or(0, |began| self.free_at.saturating_sub(began)),
            result: self.failed.map_or(Ok(()), Err),
        }
    }
}

/// Packets that a part takes of its lane.
pub(super) fn packets_of(part: &Part) -> u64 {
    match part {
        Part::Announces { count, .. } => u64::from(*count),
        Part::Gap { packets, .. } => u64::from(*packets),
        Part::Group(group) => group.packets(),
    }
}
