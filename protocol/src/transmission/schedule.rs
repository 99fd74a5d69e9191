//! The order of a transmission's parts on one lane, pass after pass.

use std::ops::Range;

use super::Plan;

/// Announces at the end of a pass: there links lose most.
const CLOSING_ANNOUNCES: u32 = 3;

/// How often a block may be sent in a pass: with its group, with the head again, with the last group again. Each time it has repair
/// symbols of its own.
pub(super) const ROUNDS: u32 = 3;

/// A part of a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The announce of `pass`, `count` times.
    Announce { pass: u16, count: u32 },
    /// Blocks, interleaved; `round` numbers the sendings of each.
    Group { blocks: Range<u32>, round: u32 },
    /// At least so many packets of something else, to keep a distance.
    Gap { packets: u32 },
}

/// Where a transmission stands; [`Schedule::next`] moves it on.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    lane: u32,
    pass: u16,
    stage: Stage,
    /// Packets since the last group went out for the first time.
    since_last_group: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// So many opening announces are out.
    Opening(u32),
    OpeningGap(u32),
    Group(u32),
    AfterGroup(u32),
    /// From this block on.
    HeadAgain(u32),
    Gap,
    AnnounceAgain,
    LastGroupAgain,
    Closing,
    Over,
}

impl Schedule {
    pub(super) fn new(plan: &Plan, lane: u8) -> Self {
        let lane = u32::from(lane);
        // A lane without a group has nothing to announce.
        let stage = if plan.passes() == 0 || lane >= plan.groups() {
            Stage::Over
        } else {
            Stage::Opening(0)
        };
        Self {
            lane,
            pass: 1,
            stage,
            since_last_group: 0,
        }
    }

    /// Whether nothing is left.
    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// The next part, if any is left.
    pub(super) fn next(&mut self, plan: &Plan) -> Option<Step> {
        while self.stage != Stage::Over {
            let (step, next) = self.advance(plan);
            if self.stage == Stage::Closing {
                self.pass = self.pass.saturating_add(1);
            }
            self.stage = next;
            if let Some(step) = step {
                self.since_last_group += plan.packets_of(&step);
                return Some(step);
            }
        }
        None
    }

    /// What comes at this stage, if anything, and the stage after it.
    fn advance(&mut self, plan: &Plan) -> (Option<Step>, Stage) {
        let (depth, burst) = (plan.redundancy().depth(), plan.redundancy().burst());
        let opening = plan.redundancy().opening_announces();
        let (layout, groups, lanes) = (plan.layout(), plan.groups(), u32::from(plan.lanes()));
        let last = layout.group(groups.saturating_sub(1), depth);
        let last_is_short = last.len() < usize::from(depth);
        match self.stage {
            Stage::Opening(sent) if sent + 1 < opening => (self.announce(1), Stage::OpeningGap(sent + 1)),
            Stage::Opening(_) => (self.announce(1), Stage::Group(self.lane)),
            // As long as a burst altogether: one that takes the first announce must not reach the last.
            Stage::OpeningGap(sent) => (gap(burst.div_ceil(opening - 1)), Stage::Opening(sent)),
            Stage::Group(group) => (self.blocks(layout.group(group, depth), 0), Stage::AfterGroup(group)),
            Stage::AfterGroup(group) if group.saturating_add(lanes) < groups => {
                (self.announce(1), Stage::Group(group + lanes))
            }
            // What comes after the last group keeps its distance from it on the same lane.
            Stage::AfterGroup(group) if group + 1 < groups => (None, Stage::Closing),
            Stage::AfterGroup(_) => {
                self.since_last_group = 0;
                // A short first group is the only one: it will be sent again whole, head included.
                let only = groups == 1 && last_is_short;
                (None, if only { Stage::Gap } else { Stage::HeadAgain(0) })
            }
            Stage::HeadAgain(first) if first < layout.head_blocks() => {
                let end = first.saturating_add(depth.into()).min(layout.head_blocks());
                (self.blocks(first..end, 1), Stage::HeadAgain(end))
            }
            Stage::HeadAgain(_) if last_is_short => (None, Stage::Gap),
            Stage::HeadAgain(_) => (None, Stage::Closing),
            Stage::Gap => {
                let missing = u64::from(burst).saturating_sub(self.since_last_group);
                (gap(u32::try_from(missing).unwrap_or(u32::MAX)), Stage::AnnounceAgain)
            }
            Stage::AnnounceAgain => (self.announce(1), Stage::LastGroupAgain),
            Stage::LastGroupAgain => (self.blocks(last, 2), Stage::Closing),
            Stage::Closing if self.pass < plan.passes() => (self.announce(CLOSING_ANNOUNCES), Stage::Opening(0)),
            Stage::Closing => (self.announce(CLOSING_ANNOUNCES), Stage::Over),
            Stage::Over => (None, Stage::Over),
        }
    }

    fn announce(&self, count: u32) -> Option<Step> {
        Some(Step::Announce { pass: self.pass, count })
    }

    /// Blocks in the `nth` of a pass's rounds.
    fn blocks(&self, blocks: Range<u32>, nth: u32) -> Option<Step> {
        let round = (u32::from(self.pass) - 1) * ROUNDS + nth;
        Some(Step::Group { blocks, round })
    }
}

fn gap(packets: u32) -> Option<Step> {
    (packets > 0).then_some(Step::Gap { packets })
}
