//! Epochs, numbers far ahead, numbers that come twice: what is admitted, what waits, what is evidence, and all that across any crash.

use audit::event::{Event, EventKind, State};
use protocol::digest::{BundleId, Digest};
use protocol::limits::{MAX_OPEN_RANGES, MAX_SEQUENCE_AHEAD};
use protocol::reception::{Ending, Summary};
use protocol::sequences::SequenceRange;
use protocol::time::UnixMillis;
use protocol::wire::SessionId;

use super::Owner;
use super::group_tests::at_every_operation;
use super::testing::*;
use crate::control::{Answer, Request};
use crate::ledger::{Acceptance, Quotas, Standing};
use crate::serve::{Arrival, News};

const ADMITTED: EventKind = EventKind::BundleAdmitted;
const WAITING: EventKind = EventKind::BundleWaiting;
const EVIDENCE: EventKind = EventKind::BundleEvidence;
const REMOVED: EventKind = EventKind::BundleRemoved;
const NEW: u64 = 0xABCD_0000_0000_0001;

fn accept(epoch: &str, up_to: Option<u64>) -> Request {
    Request::EpochAccept {
        epoch: epoch.to_owned(),
        up_to,
        reason: "carol told me".to_owned(),
    }
}

fn refuse(epoch: &str) -> Request {
    Request::EpochRefuse {
        epoch: epoch.to_owned(),
        reason: "nobody began one".to_owned(),
    }
}

fn ask(owner: &mut Owner, request: &Request) -> Answer {
    owner.answer(request, "uid 0").unwrap()
}

fn last(owner: &Owner, kind: EventKind) -> Event {
    let found = events(owner).into_iter().rev().find(|event| event.event == kind);
    found.unwrap()
}

/// A receiver that has admitted the first of these, of the first epoch.
fn with_first(all: &[Packed]) -> (Receiver, Owner) {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let first = all[0].arrive(&owner, 1, 1);
    owner.admit_all(vec![first]).unwrap();
    (receiver, owner)
}

/// The others of them, as they come in the new epoch.
fn others(owner: &Owner, all: &[Packed]) -> Vec<(Arrival, Summary)> {
    let others = (2..).zip(&all[1..]);
    others
        .map(|(number, packed)| packed.arrive_in(owner, number, NEW, number))
        .collect()
}

/// The same receiver, at which the others wait.
fn with_waiting(all: &[Packed]) -> (Receiver, Owner) {
    let (receiver, mut owner) = with_first(all);
    let arrivals = others(&owner, all);
    owner.admit_all(arrivals).unwrap();
    (receiver, owner)
}

#[test]
fn the_first_epoch_is_accepted_by_itself_before_its_first_bundle_is_admitted() {
    let (_receiver, owner) = with_first(&bundles(1));
    let kinds: Vec<_> = events(&owner).iter().map(|event| event.event).collect();
    assert!(kinds.ends_with(&[EventKind::EpochAccepted, ADMITTED]), "{kinds:?}");
    let numbers: Vec<_> = events(&owner).iter().rev().take(2).map(|event| event.epoch).collect();
    assert_eq!(numbers, [Some(1), Some(1)]);
}

#[test]
fn a_bundle_of_another_epoch_is_kept_and_not_admitted() {
    let all = bundles(2);
    let (receiver, mut owner) = with_waiting(&all);
    assert_eq!(bundles_of(&owner, ADMITTED), [all[0].id]);
    assert_eq!(bundles_of(&owner, WAITING), [all[1].id]);
    let kept = receiver.read(&format!("waiting/{}.bundle", all[1].id));
    assert_eq!(kept.as_deref(), Some(&all[1].file[..]));
    assert_eq!(receiver.names("spool"), [""; 0]);
    owner.next_unscanned().unwrap();
    assert_eq!(owner.next_unscanned(), None, "what waits is not scanned");
}

#[test]
fn what_waits_is_admitted_when_its_epoch_is_accepted_and_what_comes_later_at_once() {
    let all = bundles(4);
    let (receiver, mut owner) = with_waiting(&all[..3]);
    let answer = ask(&mut owner, &accept("abcd", None));
    assert_eq!(answer.exit, 0, "{}", answer.text);
    assert!(
        answer.text.contains("epoch 2") && answer.text.contains("2 bundles"),
        "{}",
        answer.text
    );
    let later = all[3].arrive_in(&owner, 9, NEW, 9);
    owner.admit_all(vec![later]).unwrap();
    let ids: Vec<_> = all.iter().map(|packed| packed.id).collect();
    assert_eq!(bundles_of(&owner, ADMITTED), ids);
    assert_eq!(last(&owner, ADMITTED).epoch, Some(2));
    assert_eq!(receiver.names("waiting"), [""; 0]);
    assert_eq!(receiver.names("held").len(), 4);
    let waiting: Vec<_> = std::iter::from_fn(|| owner.next_unscanned()).collect();
    assert_eq!(waiting, ids);
}

#[test]
fn what_waits_is_still_there_after_a_restart() {
    let all = bundles(2);
    let (receiver, owner) = with_waiting(&all);
    drop(owner);
    let mut owner = receiver.open().unwrap();
    assert_eq!(receiver.names("waiting").len(), 1);
    assert_eq!(ask(&mut owner, &accept("abcd000000000001", None)).exit, 0);
    assert_eq!(bundles_of(&owner, ADMITTED), [all[0].id, all[1].id]);
}

#[test]
fn what_is_not_trusted_any_more_when_its_epoch_is_accepted_is_given_up() {
    let all = bundles(2);
    let (receiver, mut owner) = with_waiting(&all);
    receiver.trust_nobody();
    ask(&mut owner, &accept("abcd", None));
    assert_eq!(bundles_of(&owner, ADMITTED), [all[0].id]);
    assert_eq!(bundles_of(&owner, REMOVED), [all[1].id]);
    assert_eq!(receiver.names("waiting"), [""; 0]);
}

#[test]
fn a_refused_epoch_gives_up_what_waits_and_takes_nothing_more() {
    let all = bundles(2);
    let (receiver, mut owner) = with_waiting(&all);
    let answer = ask(&mut owner, &refuse("abcd"));
    assert!(answer.exit == 0 && answer.text.contains("1 bundle "), "{}", answer.text);
    assert_eq!(receiver.names("waiting"), [""; 0]);
    let again = all[1].arrive_in(&owner, 9, NEW, 2);
    owner.admit_all(vec![again]).unwrap();
    assert_eq!(
        last(&owner, EventKind::BundleRefused).reason.as_deref(),
        Some("epoch-refused")
    );
    assert_eq!(ask(&mut owner, &accept("abcd", None)).exit, 0);
    let again = all[1].arrive_in(&owner, 10, NEW, 2);
    owner.admit_all(vec![again]).unwrap();
    assert_eq!(bundles_of(&owner, ADMITTED), [all[0].id, all[1].id]);
}

#[test]
fn epochs_that_a_person_may_have_mistyped_are_not_decided_on() {
    let (_receiver, mut owner) = with_waiting(&bundles(2));
    for (epoch, exit) in [("ab", 2), ("ffff", 2), ("", 2), ("1", 1), ("7", 2)] {
        assert_eq!(ask(&mut owner, &accept(epoch, None)).exit, exit, "{epoch:?}");
    }
    assert_eq!(ask(&mut owner, &refuse("1")).exit, 1, "an accepted one");
    assert_eq!(bundles_of(&owner, ADMITTED).len(), 1);
}

#[test]
fn an_epoch_can_be_accepted_before_it_is_heard_of() {
    let all = bundles(2);
    let (_receiver, mut owner) = with_first(&all);
    assert_eq!(ask(&mut owner, &accept("abcd000000000001", None)).exit, 0);
    let arrivals = others(&owner, &all);
    owner.admit_all(arrivals).unwrap();
    assert_eq!(bundles_of(&owner, ADMITTED), [all[0].id, all[1].id]);
}

#[test]
fn a_number_far_ahead_waits_until_a_person_allows_it() {
    let all = bundles(2);
    let (receiver, mut owner) = with_first(&all);
    let far = 2 + MAX_SEQUENCE_AHEAD;
    let arrival = all[1].arrive(&owner, 2, far);
    owner.admit_all(vec![arrival]).unwrap();
    let waits = last(&owner, WAITING);
    assert_eq!(waits.reason.as_deref(), Some("sequence-ahead"));
    assert_eq!(ask(&mut owner, &accept("1", Some(far - 1))).exit, 0);
    assert_eq!(receiver.names("waiting").len(), 1);
    assert_eq!(ask(&mut owner, &accept("1", Some(far))).exit, 0);
    assert_eq!(bundles_of(&owner, ADMITTED), [all[0].id, all[1].id]);
}

#[test]
fn a_number_far_ahead_is_admitted_once_those_before_it_have_come_near() {
    let all = bundles(3);
    let (_receiver, mut owner) = with_first(&all);
    let far = 2 + MAX_SEQUENCE_AHEAD;
    let arrival = all[1].arrive(&owner, 2, far);
    owner.admit_all(vec![arrival]).unwrap();
    let nearer = all[2].arrive(&owner, 3, 2);
    owner.admit_all(vec![nearer]).unwrap();
    assert_eq!(bundles_of(&owner, ADMITTED), [all[0].id, all[2].id, all[1].id]);
}

#[test]
fn a_receiver_made_after_its_transmitter_takes_the_first_number_however_high() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(2);
    let arrivals = vec![all[0].arrive(&owner, 1, 900_000), all[1].arrive(&owner, 2, 900_001)];
    owner.admit_all(arrivals).unwrap();
    assert_eq!(bundles_of(&owner, ADMITTED), [all[0].id, all[1].id]);
}

#[test]
fn a_number_that_comes_twice_is_told_at_the_announce_and_the_later_copy_kept() {
    let all = bundles(2);
    let (receiver, mut owner) = with_first(&all);
    let announce = all[1].announce(1);
    owner.take(News::Opened(SessionId(2), announce)).unwrap();
    assert_eq!(
        last(&owner, EventKind::BundleRefused).reason.as_deref(),
        Some("sequence-reused")
    );
    let arrival = all[1].arrive(&owner, 2, 1);
    owner.admit_all(vec![arrival]).unwrap();
    assert_eq!(bundles_of(&owner, EVIDENCE), [all[1].id]);
    assert_eq!(bundles_of(&owner, ADMITTED), [all[0].id]);
    let kept = receiver.read(&format!("evidence/{}.bundle", all[1].id));
    assert_eq!(kept.as_deref(), Some(&all[1].file[..]));
    assert_eq!(receiver.names("held").len(), 1);
}

#[test]
fn evidence_is_kept_once_and_the_bundle_can_come_under_a_number_of_its_own() {
    let all = bundles(2);
    let (receiver, mut owner) = with_first(&all);
    for session in [2, 3] {
        let arrival = all[1].arrive(&owner, session, 1);
        owner.admit_all(vec![arrival]).unwrap();
    }
    assert_eq!(bundles_of(&owner, EVIDENCE), [all[1].id]);
    assert_eq!(receiver.names("spool"), [""; 0]);
    let own = all[1].arrive(&owner, 4, 2);
    owner.admit_all(vec![own]).unwrap();
    assert_eq!(bundles_of(&owner, ADMITTED), [all[0].id, all[1].id]);
    drop(owner);
    let owner = receiver.open().unwrap();
    assert_eq!(receiver.names("evidence").len(), 1);
    let alarms = events(&owner);
    assert!(alarms.iter().all(|event| event.event != EventKind::LogRecovered));
}

#[test]
fn two_bundles_that_wait_under_one_number_are_one_that_waits_and_one_that_is_evidence() {
    let all = bundles(3);
    let (_receiver, mut owner) = with_first(&all);
    let arrivals = vec![all[1].arrive_in(&owner, 2, NEW, 7), all[2].arrive_in(&owner, 3, NEW, 7)];
    owner.admit_all(arrivals).unwrap();
    assert_eq!(bundles_of(&owner, WAITING), [all[1].id]);
    assert_eq!(bundles_of(&owner, EVIDENCE), [all[2].id]);
}

#[test]
fn what_there_is_no_room_for_is_refused_with_the_reason() {
    let all = bundles(3);
    let mut receiver = Receiver::new();
    receiver.quotas = Quotas {
        waiting_bytes: all[1].file.len() as u64,
        evidence_bytes: 0,
    };
    let mut owner = receiver.open().unwrap();
    let first = all[0].arrive(&owner, 1, 1);
    owner.admit_all(vec![first]).unwrap();
    // In one group, and by itself.
    let arrivals = others(&owner, &all);
    owner.admit_all(arrivals).unwrap();
    assert_eq!(bundles_of(&owner, WAITING), [all[1].id]);
    assert_eq!(
        last(&owner, EventKind::BundleRefused).reason.as_deref(),
        Some("waiting-full")
    );
    let conflict = all[2].arrive(&owner, 5, 1);
    owner.admit_all(vec![conflict]).unwrap();
    assert_eq!(
        last(&owner, EventKind::BundleRefused).reason.as_deref(),
        Some("evidence-full")
    );
    assert_eq!(receiver.names("spool"), [""; 0]);
}

/// What comes again under `count` other numbers.
fn come_again(owner: &mut Owner, packed: &Packed, count: u64) {
    for number in 2..2 + count {
        let standing = owner.with_ledger(|ledger| ledger.standing(packed.id, packed.announce(number).number));
        let Standing::Closed(replay) = standing else {
            panic!("{standing:?}");
        };
        let news = News::Replayed(Box::new(packed.announce(number)), SessionId(number), replay);
        owner.take(news).unwrap();
    }
}

#[test]
fn a_bundle_that_comes_again_under_other_numbers_closes_each_of_them_and_they_share_a_sync() {
    let all = bundles(2);
    let (receiver, mut owner) = with_first(&all);
    let before = receiver.disk.syncs();
    come_again(&mut owner, &all[0], 300);
    come_again(&mut owner, &all[0], 300);
    owner.record_closings().unwrap();
    assert_eq!(receiver.disk.syncs() - before, 1);
    assert_eq!(bundles_of(&owner, EventKind::BundleDuplicate), [all[0].id]);
    assert_eq!(
        owner.with_ledger(|ledger| ledger.epoch(EPOCH).unwrap().used.highest()),
        301
    );
    let another = all[1].arrive(&owner, 999, 200);
    owner.admit_all(vec![another]).unwrap();
    assert_eq!(bundles_of(&owner, EVIDENCE), [all[1].id]);
}

#[test]
fn a_number_that_was_closed_a_moment_ago_is_no_other_bundles() {
    let all = bundles(2);
    let (_receiver, mut owner) = with_first(&all);
    come_again(&mut owner, &all[0], 3);
    let another = all[1].arrive(&owner, 9, 3);
    owner.admit_all(vec![another]).unwrap();
    assert_eq!(bundles_of(&owner, ADMITTED), [all[0].id]);
    assert_eq!(bundles_of(&owner, EVIDENCE), [all[1].id]);
}

#[test]
fn numbers_that_were_closed_are_on_record_before_what_comes_after_them() {
    let all = bundles(2);
    let (_receiver, mut owner) = with_first(&all);
    come_again(&mut owner, &all[0], 1);
    let arrival = all[1].arrive(&owner, 5, 5);
    owner.admit_all(vec![arrival]).unwrap();
    let kinds: Vec<_> = events(&owner).iter().map(|event| event.event).collect();
    assert!(kinds.ends_with(&[EventKind::BundleDuplicate, ADMITTED]), "{kinds:?}");
}

/// Where each of these is, by the folders: in one place, whole, and where the log says.
fn assert_one_place_each(receiver: &Receiver, owner: &Owner, all: &[Packed]) {
    for packed in all {
        let name = format!("{}.bundle", packed.id);
        let state = owner.with_ledger(|ledger| {
            let all = ledger.all();
            let record = all.iter().find(|(id, _)| *id == packed.id);
            record.map(|(_, record)| record.state)
        });
        let folders = [
            ("held", State::Held),
            ("waiting", State::Waiting),
            ("evidence", State::Evidence),
        ];
        for (folder, means) in folders {
            let expected = (state == Some(means)).then_some(&packed.file[..]);
            assert_eq!(
                receiver.read(&format!("{folder}/{name}")).as_deref(),
                expected,
                "{folder}"
            );
        }
    }
    assert_eq!(receiver.names("spool"), [""; 0]);
    let alarms = events(owner)
        .into_iter()
        .filter(|event| event.reason.as_deref() == Some("quarantine-alarm"));
    assert_eq!(alarms.count(), 0);
}

#[test]
fn setting_aside_cut_short_anywhere_is_whole_or_was_never_and_can_come_again() {
    let all = bundles(4);
    // Two that wait, and one that is evidence.
    let come = |owner: &Owner| {
        let mut arrivals = others(owner, &all[..3]);
        arrivals.push(all[3].arrive(owner, 9, 1));
        arrivals
    };
    let prepare = || {
        let (receiver, owner) = with_first(&all);
        let arrivals = come(&owner);
        (receiver, owner, arrivals)
    };
    at_every_operation(prepare, Owner::admit_all, |receiver, owner, _| {
        assert_one_place_each(receiver, owner, &all);
        let again = come(owner);
        owner.admit_all(again).unwrap();
        assert_one_place_each(receiver, owner, &all);
        assert_eq!(receiver.names("waiting").len(), 2);
        assert_eq!(receiver.names("evidence").len(), 1);
    });
}

#[test]
fn an_acceptance_cut_short_anywhere_is_done_or_was_never() {
    let all = bundles(3);
    let prepare = || {
        let (receiver, owner) = with_waiting(&all);
        (receiver, owner, accept("abcd", None))
    };
    let work = |owner: &mut Owner, request: Request| owner.answer(&request, "uid 0").map(drop);
    at_every_operation(prepare, work, |receiver, owner, done| {
        assert_one_place_each(receiver, owner, &all);
        let held = receiver.names("held").len();
        let accepted = owner.with_ledger(|ledger| ledger.epoch_number(NEW).is_some());
        assert_eq!(held, if accepted { 3 } else { 1 });
        assert!(accepted || !done);
    });
}

#[test]
fn a_refusal_of_an_epoch_cut_short_anywhere_leaves_what_waits_or_gives_it_up() {
    let all = bundles(3);
    let prepare = || {
        let (receiver, owner) = with_waiting(&all);
        (receiver, owner, refuse("abcd"))
    };
    let work = |owner: &mut Owner, request: Request| owner.answer(&request, "uid 0").map(drop);
    at_every_operation(prepare, work, |receiver, owner, done| {
        assert_one_place_each(receiver, owner, &all);
        let acceptance = owner.with_ledger(|ledger| ledger.epoch(NEW).unwrap().acceptance);
        let refused = acceptance == Acceptance::Refused;
        assert_eq!(receiver.names("waiting").len(), if refused { 0 } else { 2 });
        assert!(refused || !done);
    });
}

#[test]
fn what_waits_and_comes_again_by_an_epoch_that_counts_is_admitted_by_it_across_any_crash() {
    let all = bundles(2);
    let prepare = || {
        let (receiver, owner) = with_waiting(&all);
        let again = vec![all[1].arrive(&owner, 9, 2)];
        (receiver, owner, again)
    };
    at_every_operation(prepare, Owner::admit_all, |receiver, owner, done| {
        assert_one_place_each(receiver, owner, &all);
        let admitted = bundles_of(owner, ADMITTED).contains(&all[1].id);
        let refused = bundles_of(owner, EventKind::BundleRefused).contains(&all[1].id);
        assert!(admitted || refused || !done);
        assert_eq!(receiver.names("waiting").len(), usize::from(!admitted));
        if admitted {
            let told = last(owner, ADMITTED);
            assert_eq!((told.epoch, told.seq), (Some(1), Some(2)));
        }
    });
}

#[test]
fn a_transmission_that_was_cut_of_what_waits_in_another_epoch_is_told() {
    let all = bundles(2);
    let (_receiver, mut owner) = with_waiting(&all);
    let ended = |announce| News::Ended(Box::new(announce), SessionId(8), Ending::Idle, summary(), false);
    owner.take(ended(all[1].announce_in(NEW, 9))).unwrap();
    assert_eq!(bundles_of(&owner, EventKind::BundleIncomplete), []);
    owner.take(ended(all[1].announce(2))).unwrap();
    assert_eq!(bundles_of(&owner, EventKind::BundleIncomplete), [all[1].id]);
}

#[test]
fn numbers_that_come_together_leave_no_more_gaps_than_are_kept_account_of() {
    let all = bundles(3);
    let (_receiver, mut owner) = with_first(&all);
    let highest = 2 * MAX_OPEN_RANGES as u64 - 1;
    {
        let mut ledger = owner.ledger.write().unwrap();
        for gaps in 1..MAX_OPEN_RANGES as u64 {
            let admitted = Event {
                bundle: Some(BundleId(Digest::of(&gaps.to_be_bytes()))),
                seq: Some(1 + 2 * gaps),
                epoch_id: Some(format!("{EPOCH:016x}")),
                ..Event::new(ADMITTED, UnixMillis(0))
            };
            ledger.apply(gaps, &admitted);
        }
    }
    let arrivals = vec![
        all[1].arrive(&owner, 2, highest + 4),
        all[2].arrive(&owner, 3, highest + 8),
    ];
    owner.admit_all(arrivals).unwrap();
    assert_eq!(bundles_of(&owner, ADMITTED), [all[0].id, all[1].id]);
    assert_eq!(last(&owner, WAITING).reason.as_deref(), Some("too-many-gaps"));
    let open = owner.with_ledger(|ledger| ledger.epoch(EPOCH).unwrap().used.open().count());
    assert_eq!(open, MAX_OPEN_RANGES);
}

#[test]
fn what_a_transmitter_said_of_its_epoch_before_it_was_accepted_is_told_then() {
    let all = bundles(2);
    let (_receiver, mut owner) = with_waiting(&all);
    for _ in 0..2 {
        owner
            .take(News::Heartbeat(Box::new(heartbeat(NEW, 6)), Vec::new()))
            .unwrap();
    }
    let missing = |owner: &Owner| owner.with_ledger(|ledger| ledger.missing(NEW));
    assert_eq!(missing(&owner), []);
    assert_eq!(ask(&mut owner, &accept("abcd", None)).exit, 0);
    let expected = [SequenceRange::of(1).unwrap(), SequenceRange::new(3, 5).unwrap()];
    assert_eq!(missing(&owner), expected);
    assert_eq!(last(&owner, EventKind::BundleMissing).seq, Some(3));
}

#[test]
fn numbers_are_allowed_up_to_near_what_was_heard_of_and_no_further() {
    let all = bundles(2);
    let (_receiver, mut owner) = with_waiting(&all);
    let most = 2 + MAX_SEQUENCE_AHEAD;
    let before = events(&owner).len();
    for (epoch, up_to) in [
        ("abcd", 0),
        ("abcd", most + 1),
        ("abcd", u64::MAX),
        ("1", u64::MAX),
        ("1", 0),
    ] {
        let answer = ask(&mut owner, &accept(epoch, Some(up_to)));
        assert!(
            answer.exit == 2 && answer.text.contains("mend"),
            "{up_to}: {}",
            answer.text
        );
    }
    assert_eq!(events(&owner).len(), before);
    assert_eq!(ask(&mut owner, &accept("abcd", Some(most))).exit, 0);
}

#[test]
fn a_reason_that_the_log_would_cut_decides_nothing() {
    let all = bundles(2);
    let (_receiver, mut owner) = with_waiting(&all);
    let with = |len: usize| Request::EpochAccept {
        epoch: "abcd".to_owned(),
        up_to: None,
        reason: "r".repeat(len),
    };
    let answer = ask(&mut owner, &with(1025));
    assert!(answer.exit == 2 && answer.text.contains("1025"), "{}", answer.text);
    assert_eq!(bundles_of(&owner, ADMITTED).len(), 1);
    assert_eq!(ask(&mut owner, &with(1024)).exit, 0);
}

#[test]
fn the_copy_that_waited_is_gone_once_the_bundle_is_held_by_another_number() {
    let all = bundles(2);
    let (receiver, mut owner) = with_waiting(&all);
    let again = all[1].arrive(&owner, 9, 2);
    owner.admit_all(vec![again]).unwrap();
    assert_one_place_each(&receiver, &owner, &all);
    assert_eq!(receiver.names("waiting"), [""; 0]);
}
