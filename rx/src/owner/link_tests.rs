//! Heartbeats and the link's state: what is told of them, once, also across restarts and crashes.

use audit::event::{Event, EventKind};
use protocol::link::{LinkChange, LinkNews, LinkState, Mismatch};
use protocol::reception::{Ending, Summary};
use protocol::sequences::SequenceRange;
use protocol::wire::{Heartbeat, SessionId};

use super::group_tests::at_every_operation;
use super::testing::*;
use super::{LastHeard, Owner, OwnerError};
use crate::control::Request;
use crate::ledger::Standing;
use crate::serve::{News, UnderWay};

const MISSING: EventKind = EventKind::BundleMissing;

/// The owner hears it so often.
fn hear(owner: &mut Owner, heartbeat: &Heartbeat, times: usize) {
    (0..times).for_each(|_| hear_with(owner, heartbeat, &[]).unwrap());
}

fn hear_with(owner: &mut Owner, heartbeat: &Heartbeat, under_way: &[UnderWay]) -> Result<(), OwnerError> {
    owner.take(News::Heartbeat(Box::new(heartbeat.clone()), under_way.to_vec()))
}

fn of_kind(owner: &Owner, kind: EventKind) -> Vec<Event> {
    let events = events(owner).into_iter();
    events.filter(|event| event.event == kind).collect()
}

/// First and last numbers of all entries about what is missing.
fn told(owner: &Owner) -> Vec<(u64, u64)> {
    let events = of_kind(owner, MISSING).into_iter();
    let range = |event: Event| (event.seq.unwrap(), event.seq_last.or(event.seq).unwrap());
    events.map(range).collect()
}

/// A receiver that has admitted the first bundle.
fn with_first() -> (Receiver, Owner) {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let first = bundles(1)[0].arrive(&owner, 1, 1);
    owner.admit_all(vec![first]).unwrap();
    (receiver, owner)
}

#[test]
fn a_lost_last_bundle_is_told_by_the_second_heartbeat_with_the_code_to_ask_for_it() {
    let (_receiver, mut owner) = with_first();
    hear(&mut owner, &heartbeat(EPOCH, 3), 1);
    assert_eq!(told(&owner), []);
    hear(&mut owner, &heartbeat(EPOCH, 3), 1);
    assert_eq!(told(&owner), [(2, 2)]);
    let event = of_kind(&owner, MISSING).remove(0);
    let code = protocol::resend::ResendCode::new(EPOCH, SequenceRange::of(2)).to_string();
    assert!(event.detail.unwrap().ends_with(&format!("resend {code}")));
    assert_eq!((event.epoch, event.blocks), (Some(1), None));
}

#[test]
fn what_is_missing_is_told_once_also_across_restarts() {
    let (receiver, mut owner) = with_first();
    hear(&mut owner, &heartbeat(EPOCH, 3), 5);
    drop(owner);
    let mut owner = receiver.open().unwrap();
    hear(&mut owner, &heartbeat(EPOCH, 3), 5);
    assert_eq!(told(&owner), [(2, 2)]);
    hear(&mut owner, &heartbeat(EPOCH, 5), 2);
    assert_eq!(told(&owner), [(2, 2), (3, 4)]);
}

#[test]
fn the_very_first_bundle_of_a_link_is_told_if_it_is_lost() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    hear(&mut owner, &heartbeat(EPOCH, 2), 2);
    assert_eq!(told(&owner), [(1, 1)]);
}

#[test]
fn what_came_between_two_heartbeats_is_not_missing() {
    let (_receiver, mut owner) = with_first();
    hear(&mut owner, &heartbeat(EPOCH, 3), 1);
    let second = bundles(2)[1].arrive(&owner, 2, 2);
    owner.admit_all(vec![second]).unwrap();
    hear(&mut owner, &heartbeat(EPOCH, 3), 2);
    assert_eq!(told(&owner), []);
}

#[test]
fn a_number_that_was_closed_by_a_duplicate_a_moment_ago_is_not_missing() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let packed = &bundles(1)[0];
    owner.admit_all(vec![packed.arrive(&owner, 1, 1)]).unwrap();
    hear(&mut owner, &heartbeat(EPOCH, 3), 1);
    let announce = packed.announce(2);
    let Standing::Closed(replay) = owner.with_ledger(|ledger| ledger.standing(packed.id, announce.number)) else {
        panic!("it was admitted as number 1");
    };
    owner
        .take(News::Replayed(Box::new(announce), SessionId(2), replay))
        .unwrap();
    assert!(owner.has_closings());
    hear(&mut owner, &heartbeat(EPOCH, 3), 1);
    assert_eq!(told(&owner), []);
}

#[test]
fn a_number_of_which_something_was_seen_is_told_by_itself_with_its_blocks() {
    let (_receiver, mut owner) = with_first();
    let seen = UnderWay {
        sequence: 4,
        blocks_done: 3,
        solving: 0,
        blocks: 12,
    };
    (0..2).for_each(|_| hear_with(&mut owner, &heartbeat(EPOCH, 7), &[seen]).unwrap());
    assert_eq!(told(&owner), [(2, 3), (4, 4), (5, 6)]);
    let event = of_kind(&owner, MISSING).remove(1);
    assert_eq!((event.blocks, event.blocks_missing), (Some(12), Some(9)));
}

#[test]
fn a_transmission_that_ended_before_is_told_with_its_blocks() {
    let (_receiver, mut owner) = with_first();
    let announce = Box::new(bundles(2)[1].announce(2));
    let summary = Summary {
        blocks: 12,
        blocks_missing: 9,
        ..summary()
    };
    owner
        .take(News::Ended(announce, SessionId(2), Ending::Idle, summary, false))
        .unwrap();
    hear(&mut owner, &heartbeat(EPOCH, 3), 2);
    let event = of_kind(&owner, MISSING).remove(0);
    assert_eq!((event.blocks, event.blocks_missing), (Some(12), Some(9)));
}

#[test]
fn what_is_whole_and_not_admitted_yet_is_told_only_if_nothing_comes_of_it() {
    let (_receiver, mut owner) = with_first();
    let whole = UnderWay {
        sequence: 2,
        blocks_done: 12,
        solving: 0,
        blocks: 12,
    };
    (0..3).for_each(|_| hear_with(&mut owner, &heartbeat(EPOCH, 3), &[whole]).unwrap());
    assert_eq!(told(&owner), []);
    hear(&mut owner, &heartbeat(EPOCH, 3), 1);
    assert_eq!(told(&owner), [(2, 2)]);
}

#[test]
fn what_came_and_is_still_being_solved_is_not_missing_yet() {
    let (_receiver, mut owner) = with_first();
    let came = UnderWay {
        sequence: 2,
        blocks_done: 3,
        solving: 9,
        blocks: 12,
    };
    (0..3).for_each(|_| hear_with(&mut owner, &heartbeat(EPOCH, 3), &[came]).unwrap());
    assert_eq!(told(&owner), []);
    let lacks_one = UnderWay { solving: 8, ..came };
    hear_with(&mut owner, &heartbeat(EPOCH, 3), &[lacks_one]).unwrap();
    assert_eq!(told(&owner), [(2, 2)]);
}

#[test]
fn void_numbers_are_not_missing_also_when_they_are_not_named_any_more() {
    let (receiver, mut owner) = with_first();
    let void = Heartbeat {
        voids: SequenceRange::new(2, 5).into_iter().collect(),
        ..heartbeat(EPOCH, 7)
    };
    hear(&mut owner, &void, 2);
    assert_eq!(of_kind(&owner, EventKind::BundleVoid).len(), 1);
    drop(owner);
    let mut owner = receiver.open().unwrap();
    hear(&mut owner, &heartbeat(EPOCH, 7), 2);
    assert_eq!(told(&owner), [(6, 6)]);
}

#[test]
fn a_transmitter_that_claims_to_have_sent_very_much_is_one_entry() {
    let (_receiver, mut owner) = with_first();
    hear(&mut owner, &heartbeat(EPOCH, 1 << 63), 3);
    assert_eq!(told(&owner), [(2, (1 << 63) - 1)]);
    let second = bundles(2)[1].arrive(&owner, 2, 2);
    owner.admit_all(vec![second]).unwrap();
    let left = owner.with_ledger(|ledger| ledger.missing(EPOCH));
    assert_eq!(
        left,
        SequenceRange::new(3, (1 << 63) - 1).into_iter().collect::<Vec<_>>()
    );
}

#[test]
fn more_than_a_minute_has_room_for_is_told_later_and_not_dropped() {
    let (receiver, mut owner) = with_first();
    let gaps = |owner: &mut Owner| {
        let odd = UnderWay {
            sequence: 0,
            blocks_done: 0,
            solving: 0,
            blocks: 1,
        };
        let seen: Vec<_> = (2..=71).map(|sequence| UnderWay { sequence, ..odd }).collect();
        (0..4).for_each(|_| hear_with(owner, &heartbeat(EPOCH, 72), &seen).unwrap());
    };
    gaps(&mut owner);
    assert_eq!(told(&owner).len(), 60);
    drop(owner);
    let mut owner = receiver.open().unwrap();
    gaps(&mut owner);
    assert_eq!(
        told(&owner),
        (2..=71).map(|number| (number, number)).collect::<Vec<_>>()
    );
}

#[test]
fn in_an_epoch_that_is_not_accepted_nothing_is_missing_and_it_is_told_of_once() {
    let (receiver, mut owner) = with_first();
    hear(&mut owner, &heartbeat(0xBEEF, 9), 3);
    drop(owner);
    let mut owner = receiver.open().unwrap();
    hear(&mut owner, &heartbeat(0xBEEF, 9), 3);
    assert_eq!(of_kind(&owner, EventKind::EpochHeard).len(), 1);
    assert_eq!(told(&owner), []);
    let accept = Request::EpochAccept {
        epoch: "000000000000beef".to_owned(),
        up_to: None,
        reason: "carol told me".to_owned(),
    };
    assert_eq!(owner.answer(&accept, "uid 0").unwrap().exit, 0);
    hear(&mut owner, &heartbeat(0xBEEF, 9), 2);
    assert_eq!(told(&owner), [(1, 8)]);
}

#[test]
fn a_bundle_that_waits_is_not_missing() {
    let (_receiver, mut owner) = with_first();
    let far = 2 + protocol::limits::MAX_SEQUENCE_AHEAD;
    let waits = bundles(2)[1].arrive(&owner, 2, far);
    owner.admit_all(vec![waits]).unwrap();
    hear(&mut owner, &heartbeat(EPOCH, far + 1), 2);
    assert_eq!(told(&owner), [(2, far - 1)]);
}

#[test]
fn epochs_made_up_without_end_take_bounded_memory_and_entries() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    for epoch in 1..500 {
        hear(&mut owner, &heartbeat(epoch, 2), 2);
    }
    assert!(owner.heard.sent_below.len() <= protocol::link::EPOCHS_KEPT);
    assert_eq!(told(&owner).len(), 60);
}

#[test]
fn telling_what_is_missing_cut_short_anywhere_tells_it_once() {
    let prepare = || {
        let (receiver, mut owner) = with_first();
        hear(&mut owner, &heartbeat(EPOCH, 4), 1);
        (receiver, owner, ())
    };
    let work = |owner: &mut Owner, ()| hear_with(owner, &heartbeat(EPOCH, 4), &[]);
    at_every_operation(prepare, work, |_, owner, done| {
        assert!(told(owner).len() == 1 || !done);
        hear(owner, &heartbeat(EPOCH, 4), 2);
        assert_eq!(told(owner), [(2, 3)]);
    });
}

/// What is told of a link that went from one state to another after two hours, eleven seconds after the last sign of life.
fn change(was: LinkState, is: LinkState) -> Event {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    change_on(&mut owner, was, is);
    events(&owner).pop().unwrap()
}

fn change_on(owner: &mut Owner, was: LinkState, is: LinkState) {
    let change = LinkChange {
        was,
        is,
        lasted_ms: 7_200_000,
        unheard_ms: Some(11_000),
        interval_ms: Some(1000),
    };
    owner.take(News::Link(LinkNews::Changed(change))).unwrap();
}

#[test]
fn each_change_of_the_link_is_an_entry_with_its_age() {
    let mismatch = Mismatch {
        setting: "link.lanes",
        needs: 4,
        allows: 1,
    };
    let foreign = LinkState::ForeignVersion { theirs: 2, ours: 1 };
    let cases = [
        (
            LinkState::Silent,
            LinkState::Up,
            EventKind::LinkUp,
            "after 2 h 0 min of silence",
        ),
        (
            LinkState::Up,
            LinkState::Silent,
            EventKind::LinkSilent,
            "11.0 s since the last sign of life (1.0 s expected)",
        ),
        (
            LinkState::Up,
            LinkState::Mismatched(mismatch),
            EventKind::LinkMismatched,
            "link.lanes allows 1",
        ),
        (
            LinkState::Silent,
            foreign,
            EventKind::LinkForeignVersion,
            "wire version 2",
        ),
    ];
    for (was, is, kind, text) in cases {
        let event = change(was, is);
        assert_eq!((event.event, event.duration_ms), (kind, Some(7_200_000)));
        assert!(event.detail.as_ref().unwrap().contains(text), "{event:?}");
    }
}

#[test]
fn refusals_without_end_do_not_hide_what_becomes_of_the_link() {
    let (_receiver, mut owner) = with_first();
    let other = bundles(2).remove(1);
    for session in 0..100 {
        let refused = News::Unjudged(Box::new(other.announce(2)), SessionId(session), "no".to_owned());
        owner.take(refused).unwrap();
    }
    assert_eq!(of_kind(&owner, EventKind::BundleRefused).len(), 60);
    change_on(&mut owner, LinkState::Up, LinkState::Silent);
    assert_eq!(of_kind(&owner, EventKind::LinkSilent).len(), 1);
}

#[test]
fn numbers_that_would_come_twice_are_an_alarm_that_names_them() {
    let (_receiver, mut owner) = with_first();
    let (was, is) = (44, 31);
    owner
        .take(News::Link(LinkNews::Restored { epoch: EPOCH, was, is }))
        .unwrap();
    let event = of_kind(&owner, EventKind::LinkRestored).remove(0);
    assert_eq!((event.seq, event.seq_last, event.epoch), (Some(31), Some(43), Some(1)));
    assert!(event.detail.unwrap().starts_with("ALARM"));
}

#[test]
fn the_number_that_must_come_next_is_known_after_a_restart() {
    let (receiver, owner) = with_first();
    drop(owner);
    assert_eq!(receiver.open().unwrap().expected_next(), [(EPOCH, 2)]);
}

#[test]
fn how_far_the_transmitter_was_heard_is_known_after_a_restart() {
    let (receiver, mut owner) = with_first();
    let heard = |counter| Heartbeat {
        counter,
        ..heartbeat(EPOCH, 2)
    };
    hear(&mut owner, &heard(500), 1);
    drop(owner);
    let mut owner = receiver.open().unwrap();
    let counters = |owner: &Owner| owner.last_heard().map(|last| last.counter).collect::<Vec<_>>();
    assert_eq!(counters(&owner), [500], "also if nobody stopped it");
    hear(&mut owner, &heard(501), 1);
    hear(&mut owner, &heard(502), 1);
    let announce = bundles(2)[1].announce(2);
    owner.take(News::Opened(SessionId(2), announce.clone())).unwrap();
    owner
        .note_daemon(EventKind::DaemonStopped, "stopped".to_owned())
        .unwrap();
    drop(owner);
    let last = LastHeard {
        epoch: EPOCH,
        counter: 502,
        announced: announce.created,
    };
    assert_eq!(receiver.open().unwrap().last_heard().collect::<Vec<_>>(), [last]);
}
