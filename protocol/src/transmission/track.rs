//! A lane's share of a transmission: what it sends next, and which blocks must be coded for it.
//!
//! ```text
//! Schedule ──step──▶ queue ──▶ TrackPolled
//!                     │ ▲
//!         EncodeJob ◀─┘ └─ Coded, by its ticket
//! ```
//!
//! Always true: no more than [`GROUPS_AHEAD`] groups are in coding, coded, or given out and not sent.

use std::collections::VecDeque;
use std::ops::Range;

use super::group::{Coded, EncodeJob, SummedBlock, Ticket};
use super::plan::Plan;
use super::schedule::{Schedule, Step};

/// Groups of a lane whose blocks may be coded or in coding at once: the one being sent and the next.
const GROUPS_AHEAD: u64 = 2;

/// A lane's share of a transmission.
#[derive(Debug)]
pub(super) struct Track {
    lane: usize,
    schedule: Schedule,
    queue: VecDeque<Queued>,
    groups_taken: u64,
    groups_sent: u64,
    /// Whether the first group was coded and so anything may leave.
    begun: bool,
}

#[derive(Debug)]
enum Queued {
    Announce {
        pass: u16,
        count: u32,
    },
    Gap {
        packets: u32,
    },
    Group {
        id: u64,
        first_block: u32,
        coded: Vec<Option<SummedBlock>>,
    },
}

/// What a track has to say.
pub(super) enum TrackPolled {
    Starved,
    Finished,
    Announce { pass: u16, count: u32 },
    Gap { packets: u32 },
    Group { first_block: u32, blocks: Vec<SummedBlock> },
}

impl Track {
    pub(super) fn new(plan: &Plan, lane: u8) -> Self {
        Self {
            lane: lane.into(),
            schedule: Schedule::new(plan, lane),
            queue: VecDeque::new(),
            groups_taken: 0,
            groups_sent: 0,
            begun: false,
        }
    }

    /// Groups whose blocks became jobs so far.
    pub(super) fn groups_taken(&self) -> u64 {
        self.groups_taken
    }

    /// Whether [`take_group`](Self::take_group) has anything to take, and the place for it.
    pub(super) fn may_take(&self) -> bool {
        self.groups_taken - self.groups_sent < GROUPS_AHEAD && !self.schedule.is_over()
    }

    /// Takes steps up to the next group, whose blocks become jobs, or to the end.
    pub(super) fn take_group(&mut self, plan: &Plan, jobs: &mut VecDeque<EncodeJob>) {
        while let Some(step) = self.schedule.next(plan) {
            match step {
                Step::Announce { pass, count } => self.queue.push_back(Queued::Announce { pass, count }),
                Step::Gap { packets } => self.queue.push_back(Queued::Gap { packets }),
                Step::Group { blocks, round } => return self.take_blocks(plan, blocks, round, jobs),
            }
        }
    }

    fn take_blocks(&mut self, plan: &Plan, blocks: Range<u32>, round: u32, jobs: &mut VecDeque<EncodeJob>) {
        let (lane, id, first_block) = (self.lane, self.groups_taken, blocks.start);
        self.groups_taken += 1;
        let blocks: Vec<_> = blocks.filter_map(|number| plan.layout().block(number)).collect();
        self.queue.push_back(Queued::Group {
            id,
            first_block,
            coded: blocks.iter().map(|_| None).collect(),
        });
        jobs.extend(blocks.into_iter().enumerate().map(|(slot, block)| EncodeJob {
            block,
            file_offset: plan.layout().file_offset(&block),
            leaves: plan.layout().leaves_of(&block),
            symbol_len: plan.layout().symbol_len(),
            repair: plan.repair_esis(&block, round),
            ticket: Ticket { lane, group: id, slot },
        }));
    }

    /// Puts a coded block into its place.
    pub(super) fn handle_coded(&mut self, Coded { ticket, block }: Coded) {
        for queued in &mut self.queue {
            if let Queued::Group { id, coded, .. } = queued
                && *id == ticket.group
                && let Some(slot) = coded.get_mut(ticket.slot)
            {
                *slot = Some(block);
                return;
            }
        }
    }

    /// Takes note that a group that was given out has left.
    pub(super) fn handle_sent(&mut self) {
        self.groups_sent = self.groups_taken.min(self.groups_sent + 1);
    }

    /// What the lane sends next.
    pub(super) fn poll(&mut self) -> TrackPolled {
        if !self.begins() {
            return TrackPolled::Starved;
        }
        match self.queue.pop_front() {
            None if self.schedule.is_over() => TrackPolled::Finished,
            None => TrackPolled::Starved,
            Some(Queued::Announce { pass, count }) => TrackPolled::Announce { pass, count },
            Some(Queued::Gap { packets }) => TrackPolled::Gap { packets },
            Some(group @ Queued::Group { .. }) if group.is_coded() == Some(false) => {
                self.queue.push_front(group);
                TrackPolled::Starved
            }
            Some(Queued::Group { first_block, coded, .. }) => TrackPolled::Group {
                first_block,
                blocks: coded.into_iter().flatten().collect(),
            },
        }
    }

    /// Whether anything may leave: the first group is coded, or there is none.
    fn begins(&mut self) -> bool {
        let has_none = || self.queue.is_empty() && self.schedule.is_over();
        self.begun = self.begun || self.queue.iter().find_map(Queued::is_coded).unwrap_or_else(has_none);
        self.begun
    }
}

impl Queued {
    /// Whether a group's blocks are all coded; `None` for what is no group.
    fn is_coded(&self) -> Option<bool> {
        match self {
            Self::Group { coded, .. } => Some(coded.iter().all(Option::is_some)),
            Self::Announce { .. } | Self::Gap { .. } => None,
        }
    }
}
