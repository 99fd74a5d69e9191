//! The order of a transmission's parts, pass after pass.

use std::ops::Range;

use super::Plan;

/// Announces at either end of a pass: there links lose most. Those before the first symbol have filler between them, as long as a
/// burst altogether: a burst that takes the first must not reach the last, or nothing that follows would have a session.
const ANNOUNCES_AT_ENDS: u32 = 3;

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
    /// Nothing, to keep a distance.
    Filler { count: u32 },
}

/// Where a transmission stands; [`Schedule::next`] moves it on.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
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
    pub(super) fn new(plan: &Plan) -> Self {
        let stage = if plan.passes == 0 {
            Stage::Over
        } else {
            Stage::Opening(0)
        };
        Self {
            pass: 1,
            stage,
            since_last_group: 0,
        }
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
        let (depth, burst) = (plan.redundancy.depth(), plan.redundancy.burst());
        let groups = plan.layout.groups(depth);
        let last = plan.layout.group(groups.saturating_sub(1), depth);
        let last_is_short = last.len() < usize::from(depth);
        match self.stage {
            Stage::Opening(sent) if sent + 1 < ANNOUNCES_AT_ENDS => (self.announce(1), Stage::OpeningGap(sent + 1)),
            Stage::Opening(_) => (self.announce(1), Stage::Group(0)),
            Stage::OpeningGap(sent) => (filler(burst.div_ceil(ANNOUNCES_AT_ENDS - 1)), Stage::Opening(sent)),
            Stage::Group(group) => (
                self.blocks(plan.layout.group(group, depth), 0),
                Stage::AfterGroup(group),
            ),
            Stage::AfterGroup(group) if group + 1 < groups => (self.announce(1), Stage::Group(group + 1)),
            Stage::AfterGroup(_) => {
                self.since_last_group = 0;
                // A short first group is the only one: it will be sent again whole, head included.
                let only = groups == 1 && last_is_short;
                (None, if only { Stage::Gap } else { Stage::HeadAgain(0) })
            }
            Stage::HeadAgain(first) if first < plan.layout.head_blocks() => {
                let end = first.saturating_add(depth.into()).min(plan.layout.head_blocks());
                (self.blocks(first..end, 1), Stage::HeadAgain(end))
            }
            Stage::HeadAgain(_) if last_is_short => (None, Stage::Gap),
            Stage::HeadAgain(_) => (None, Stage::Closing),
            Stage::Gap => {
                let missing = u64::from(burst).saturating_sub(self.since_last_group);
                (filler(u32::try_from(missing).unwrap_or(u32::MAX)), Stage::AnnounceAgain)
            }
            Stage::AnnounceAgain => (self.announce(1), Stage::LastGroupAgain),
            Stage::LastGroupAgain => (self.blocks(last, 2), Stage::Closing),
            Stage::Closing if self.pass < plan.passes => (self.announce(ANNOUNCES_AT_ENDS), Stage::Opening(0)),
            Stage::Closing => (self.announce(ANNOUNCES_AT_ENDS), Stage::Over),
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

fn filler(count: u32) -> Option<Step> {
    (count > 0).then_some(Step::Filler { count })
}
