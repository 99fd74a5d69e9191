//! The order of a transmission's parts, pass after pass.

use std::ops::Range;

use super::Plan;

/// Announces before the first symbol and after the last of a pass: either end of a transfer is where links lose most.
const ANNOUNCES_AT_ENDS: u32 = 3;

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
    Opening,
    Group(u32),
    Between(u32),
    HeadAgain(u32),
    Gap,
    LastGroupAgain,
    Closing,
    Over,
}

impl Schedule {
    pub(super) fn new(plan: &Plan) -> Self {
        let stage = if plan.passes == 0 { Stage::Over } else { Stage::Opening };
        Self {
            pass: 1,
            stage,
            since_last_group: 0,
        }
    }

    /// The next part, if any is left.
    pub(super) fn next(&mut self, plan: &Plan) -> Option<Step> {
        while self.stage != Stage::Over {
            if let Some(step) = self.advance(plan) {
                self.since_last_group += plan.packets_of(&step);
                return Some(step);
            }
        }
        None
    }

    fn advance(&mut self, plan: &Plan) -> Option<Step> {
        let layout = &plan.layout;
        let depth = plan.redundancy.depth();
        let groups = layout.groups(depth);
        let last = layout.group(groups.saturating_sub(1), depth);
        let last_is_short = last.len() < usize::from(depth);
        let first_round = (u32::from(self.pass) - 1) * 2;
        let announce = |count| Some(Step::Announce { pass: self.pass, count });
        let (step, next) = match self.stage {
            Stage::Opening => (announce(ANNOUNCES_AT_ENDS), Stage::Group(0)),
            Stage::Group(group) => {
                let step = Step::Group {
                    blocks: layout.group(group, depth),
                    round: first_round,
                };
                (Some(step), Stage::Between(group))
            }
            Stage::Between(group) if group + 1 < groups => (announce(1), Stage::Group(group + 1)),
            Stage::Between(_) => {
                self.since_last_group = 0;
                // A short first group is the only one: it will be sent again whole, head included.
                (
                    None,
                    if groups == 1 && last_is_short {
                        Stage::Gap
                    } else {
                        Stage::HeadAgain(0)
                    },
                )
            }
            Stage::HeadAgain(first) if first < layout.head_blocks() => {
                let end = first.saturating_add(depth.into()).min(layout.head_blocks());
                (
                    Some(Step::Group {
                        blocks: first..end,
                        round: first_round + 1,
                    }),
                    Stage::HeadAgain(end),
                )
            }
            Stage::HeadAgain(_) => (None, Stage::Gap),
            Stage::Gap if !last_is_short => (None, Stage::Closing),
            Stage::Gap => {
                let missing = u64::from(plan.redundancy.burst()).saturating_sub(self.since_last_group);
                let count = u32::try_from(missing).unwrap_or(u32::MAX);
                ((count > 0).then_some(Step::Filler { count }), Stage::LastGroupAgain)
            }
            Stage::LastGroupAgain => (
                Some(Step::Group {
                    blocks: last,
                    round: first_round + 1,
                }),
                Stage::Closing,
            ),
            Stage::Closing => {
                let step = announce(ANNOUNCES_AT_ENDS);
                let over = self.pass >= plan.passes;
                self.pass = self.pass.saturating_add(1);
                (step, if over { Stage::Over } else { Stage::Opening })
            }
            Stage::Over => (None, Stage::Over),
        };
        self.stage = next;
        step
    }
}
