//! What the link's state and the transmitter's heartbeats make of the record: transitions, alarms, and what is missing.
//!
//! ```text
//! heartbeat 1   sent_below 45   44 is not here: it may still be on its way through this receiver
//! heartbeat 2   sent_below ≥ 45 44 is not here: bundle.missing
//! ```
//!
//! Always true:
//! - a missing number is told once, also across restarts: the log says up to where all of them were told;
//! - what is told is bounded by entries a minute, and what there is no room for is told later, not dropped.

use std::collections::{BTreeMap, VecDeque};

use audit::event::{Event, EventKind};
use audit::line::duration;
use protocol::link::{EPOCHS_KEPT, LinkChange, LinkNews, LinkState};
use protocol::reception::Summary;
use protocol::resend::ResendCode;
use protocol::sequences::SequenceRange;
use protocol::wire::{Heartbeat, LinkNumber};

use super::{Owner, OwnerError};
use crate::ledger::{Acceptance, Ledger};
use crate::limiter::Limiter;
use crate::serve::UnderWay;

/// How far the transmitter said to be, as of its last heartbeat of each epoch that counts.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// By epoch, the `sent_below` of its last heartbeat.
    pub(super) sent_below: BTreeMap<u64, u64>,
    /// The last heartbeat of each epoch that does not count yet, and the `sent_below` of the one before it.
    unaccepted: BTreeMap<u64, (Heartbeat, u64)>,
    /// How far the transmissions came that ended without a bundle, the latest ones.
    ended: VecDeque<(u64, UnderWay)>,
    /// Of entries about missing and void numbers.
    limiter: Limiter,
}

impl Heard {
    /// Remembers how far a transmission came that ended without a bundle.
    pub(super) fn remember_ended(&mut self, number: LinkNumber, summary: &Summary) {
        let (blocks, missing) = (summary.blocks, summary.blocks_missing);
        let ended = UnderWay {
            sequence: number.sequence,
            blocks_done: blocks.saturating_sub(missing),
            solving: 0,
            blocks,
        };
        self.ended.truncate(ENDED_KEPT - 1);
        self.ended.push_front((number.epoch, ended));
    }

    /// Remembers how far the transmitter is in an epoch that does not count: once it does, it may be silent for ever.
    fn remember_unaccepted(&mut self, heartbeat: &Heartbeat) {
        let known = &mut self.unaccepted;
        if known.len() >= EPOCHS_KEPT && !known.contains_key(&heartbeat.epoch) {
            known.clear();
        }
        let before = known.get(&heartbeat.epoch).map_or(0, |(last, _)| last.sent_below);
        known.insert(heartbeat.epoch, (heartbeat.clone(), before));
    }

    /// The highest number that a transmitter said to be done with in an epoch; 0 if it never spoke of it.
    pub(super) fn highest_sent(&self, epoch: u64) -> u64 {
        let unaccepted = self.unaccepted.get(&epoch).map(|(last, _)| last.sent_below);
        let below = self.sent_below.get(&epoch).copied().max(unaccepted);
        below.unwrap_or(0).saturating_sub(1)
    }

    /// What was seen of an epoch: what is under way, and what was.
    fn seen(&self, epoch: u64, under_way: &[UnderWay]) -> Vec<UnderWay> {
        let ended = self.ended.iter().filter(|(of, _)| *of == epoch).map(|(_, one)| *one);
        under_way.iter().copied().chain(ended).collect()
    }
}

impl Owner {
    /// The number that must come next, at least, in each of the accepted epochs that were accepted last.
    #[must_use]
    pub fn expected_next(&self) -> Vec<(u64, u64)> {
        self.with_ledger(|ledger| {
            let epochs = ledger.epochs().into_iter();
            let accepted = epochs.filter(|(_, epoch)| matches!(epoch.acceptance, Acceptance::Accepted(_)));
            let next = accepted.map(|(id, epoch)| (id, epoch.used.highest().saturating_add(1)));
            let next: Vec<_> = next.collect();
            next.into_iter().rev().take(EPOCHS_KEPT).collect()
        })
    }

    /// Records that the link changed its state, or that its transmitter's state went backwards.
    pub(super) fn note_link(&mut self, news: &LinkNews) -> Result<(), OwnerError> {
        let event = match news {
            LinkNews::Changed(change) => {
                let Some(kind) = kind(change.is) else {
                    return Ok(());
                };
                Event {
                    reason: matches!(change.is, LinkState::Mismatched(_)).then(|| "limits".to_owned()),
                    detail: Some(what_changed(change)),
                    duration_ms: Some(change.lasted_ms),
                    ..self.event(kind)
                }
            }
            LinkNews::Restored { epoch, was, is } => {
                let number = self.with_ledger(|ledger| ledger.epoch_number(*epoch));
                Event {
                    epoch: number,
                    epoch_id: Some(format!("{epoch:016x}")),
                    seq: Some(*is),
                    seq_last: was.checked_sub(1).filter(|last| last > is),
                    reason: Some("state-restored".to_owned()),
                    detail: Some(
                        "ALARM: the transmitter would give these numbers a second time: its state was restored from a copy, on its side: \
                         diode-tx epoch new; or somebody plays back a recording of its heartbeats"
                            .to_owned(),
                    ),
                    ..self.event(EventKind::LinkRestored)
                }
            }
        };
        self.record_link(&event)
    }

    /// Tells once of an epoch that is not accepted: what comes in it waits.
    pub(super) fn note_epoch(&mut self, epoch: u64) -> Result<(), OwnerError> {
        let known = |ledger: &Ledger| ledger.awaits_first_epoch() || ledger.epoch(epoch).is_some();
        if self.with_ledger(known) || !self.records_refusals() {
            return Ok(());
        }
        let event = Event {
            epoch_id: Some(format!("{epoch:016x}")),
            reason: Some("epoch-unknown".to_owned()),
            detail: Some(format!(
                "epoch {epoch:016x} is not accepted: what it sends waits; diode-rx epoch list"
            )),
            ..self.event(EventKind::EpochHeard)
        };
        self.record_limited(&event)
    }

    /// Takes a heartbeat: tells which numbers it says are void, and which the one before it said were sent and that are not here.
    pub(super) fn note_heartbeat(&mut self, heartbeat: &Heartbeat, under_way: &[UnderWay]) -> Result<(), OwnerError> {
        let &Heartbeat { epoch, sent_below, .. } = heartbeat;
        self.note_epoch(epoch)?;
        if !self.with_ledger(|ledger| ledger.misses(epoch)) {
            self.heard.remember_unaccepted(heartbeat);
            return Ok(());
        }
        let heard = &mut self.heard.sent_below;
        // Before the first epoch is accepted whoever has the link key can make up any number of them.
        if heard.len() >= EPOCHS_KEPT && !heard.contains_key(&epoch) {
            heard.clear();
        }
        let before = heard.insert(epoch, sent_below);
        // What came again under another number has closed that one.
        self.record_closings()?;
        self.note_voids(heartbeat)?;
        // What came whole and is only not solved, written or admitted yet may be refused still: it is looked at again.
        let whole = under_way.iter().filter(|one| one.came_whole());
        let below = whole.map(|one| one.sequence).fold(sent_below, u64::min);
        match before {
            Some(before) => self.note_missing(heartbeat, before.min(below), under_way),
            None => Ok(()),
        }
    }

    /// Tells of an epoch that counts from now on what its transmitter said of it before, as if it said it now.
    pub(super) fn note_heard_before(&mut self, epoch: u64) -> Result<(), OwnerError> {
        let Some((heartbeat, before)) = self.heard.unaccepted.remove(&epoch) else {
            return Ok(());
        };
        self.note_voids(&heartbeat)?;
        // The last word counts: a state that was put back says less than the one before.
        self.note_missing(&heartbeat, before.min(heartbeat.sent_below), &[])
    }

    fn note_voids(&mut self, heartbeat: &Heartbeat) -> Result<(), OwnerError> {
        let epoch = heartbeat.epoch;
        let new: Vec<_> = self.with_ledger(|ledger| {
            let known = ledger.epoch(epoch);
            let new = |void: &SequenceRange| known.is_none_or(|known| known.learns_of_void(*void));
            heartbeat.voids.iter().copied().filter(new).collect()
        });
        let events = new.into_iter().map(|void| Event {
            detail: Some("given to no bundle by the transmitter: nothing is missing".to_owned()),
            ..self.event_of_range(EventKind::BundleVoid, epoch, void)
        });
        let events = events.collect();
        self.record_in_turn(events).map(drop)
    }

    fn note_missing(&mut self, heartbeat: &Heartbeat, below: u64, under_way: &[UnderWay]) -> Result<(), OwnerError> {
        let epoch = heartbeat.epoch;
        let now = self.now();
        self.heard.limiter.finish_minute(now);
        if !self.heard.limiter.has_room(now) {
            return Ok(());
        }
        let missing = self.with_ledger(|ledger| ledger.untold(epoch, below, &heartbeat.voids, AT_ONCE));
        let mut events = Vec::new();
        let seen = self.heard.seen(epoch, under_way);
        for (range, seen) in apart(missing, &seen).into_iter().take(AT_ONCE) {
            let code = ResendCode::new(epoch, [range]);
            events.push(Event {
                detail: Some(format!("sent, and not here; ask the sender: resend {code}")),
                blocks: seen.map(|seen| seen.blocks.into()),
                blocks_missing: seen.map(|seen| seen.blocks.saturating_sub(seen.blocks_done).into()),
                ..self.event_of_range(EventKind::BundleMissing, epoch, range)
            });
        }
        let told = self.record_in_turn(events)?;
        if told > 0 {
            tracing::warn!(ranges = told, "bundles are missing: diode-rx gaps");
        }
        Ok(())
    }

    /// Records as many of them as there is room for, from the first on, with one sync; the others must be made again. Says how many.
    fn record_in_turn(&mut self, mut events: Vec<Event>) -> Result<usize, OwnerError> {
        let limiter = &mut self.heard.limiter;
        let room = events.iter().take_while(|event| {
            limiter.finish_minute(event.time);
            limiter.has_room(event.time) && limiter.admit(event.time)
        });
        let room = room.count();
        events.truncate(room);
        match self.record_all(&events) {
            Ok(_) => Ok(events.len()),
            // The next heartbeat tells of them again.
            Err(error) if error.is_full() => {
                tracing::error!(%error, "the disk is full: what is missing can't be recorded");
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    /// An event about numbers of an epoch.
    fn event_of_range(&mut self, kind: EventKind, epoch: u64, range: SequenceRange) -> Event {
        Event {
            epoch: self.with_ledger(|ledger| ledger.epoch_number(epoch)),
            epoch_id: Some(format!("{epoch:016x}")),
            seq: Some(range.first()),
            seq_last: Some(range.last()).filter(|last| *last > range.first()),
            ..self.event(kind)
        }
    }
}

/// Each number of which something was seen by itself, with the most that was; the others in their ranges.
fn apart(ranges: Vec<SequenceRange>, all_seen: &[UnderWay]) -> Vec<(SequenceRange, Option<UnderWay>)> {
    let mut seen: BTreeMap<u64, UnderWay> = BTreeMap::new();
    for one in all_seen {
        let most = seen.entry(one.sequence).or_insert(*one);
        if most.blocks_done < one.blocks_done {
            *most = *one;
        }
    }
    let mut parts = Vec::new();
    for range in ranges {
        let mut first = Some(range.first());
        for (sequence, one) in seen.range(range.first()..=range.last()) {
            let before = first.and_then(|first| SequenceRange::new(first, sequence.checked_sub(1)?));
            parts.extend(before.map(|before| (before, None)));
            parts.extend(SequenceRange::of(*sequence).map(|number| (number, Some(*one))));
            first = sequence.checked_add(1);
        }
        let rest = first.and_then(|first| SequenceRange::new(first, range.last()));
        parts.extend(rest.map(|rest| (rest, None)));
    }
    parts
}

fn kind(state: LinkState) -> Option<EventKind> {
    match state {
        LinkState::Unknown => None,
        LinkState::Up => Some(EventKind::LinkUp),
        LinkState::Silent => Some(EventKind::LinkSilent),
        LinkState::Mismatched(_) => Some(EventKind::LinkMismatched),
        LinkState::ForeignVersion { .. } => Some(EventKind::LinkForeignVersion),
    }
}

fn what_changed(change: &LinkChange) -> String {
    let lasted = duration(change.lasted_ms);
    match (change.is, change.was) {
        (LinkState::Mismatched(mismatch), _) => mismatch.to_string(),
        (LinkState::ForeignVersion { theirs, ours }, _) => {
            format!("datagrams of wire version {theirs} come, and this receiver speaks {ours}: update the older side")
        }
        (LinkState::Silent, _) => {
            let unheard = match change.unheard_ms {
                Some(unheard) => format!("{} since the last sign of life", duration(unheard)),
                None => format!("nothing came for {lasted}"),
            };
            match change.interval_ms {
                Some(interval) => format!("{unheard} ({} expected)", duration(interval.into())),
                None => unheard,
            }
        }
        (_, LinkState::Silent) => format!("after {lasted} of silence"),
        (_, LinkState::Mismatched(_)) => format!("its settings fit again, after {lasted}"),
        (_, LinkState::ForeignVersion { theirs, .. }) => format!("after {lasted} of wire version {theirs}"),
        (_, LinkState::Unknown | LinkState::Up) => format!("the first sign of life since the start, after {lasted}"),
    }
}

/// Entries about missing numbers that one heartbeat may lead to.
const AT_ONCE: usize = 60;
/// Transmissions that ended without a bundle, of which it is known how far they came.
const ENDED_KEPT: usize = 64;
