//! A sender with valid keys that says whatever it likes, as fast as it can: the log grows by so many entries a minute and no more.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use audit::event::{EventKind, State};
use protocol::keys::KeyId;
use protocol::limits::MAX_SEQUENCE_AHEAD;
use protocol::reception::Ending;
use protocol::wire::SessionId;
use scanner::quarantine::QuarantineError;

use super::Owner;
use super::closings::PER_MINUTE as CLOSINGS_PER_MINUTE;
use super::testing::*;
use crate::clock::Wall;
use crate::control::Request;
use crate::ledger::{Replay, Standing};
use crate::serve::News;

const FLOOD: u64 = 3000;
/// What is kept free for the log unless the configuration says otherwise.
const LOG_RESERVE: u64 = 256 << 20;
/// Refusals and link events a minute, and the entry that counts the rest.
const PER_MINUTE: u64 = 60 + 1;

/// What a sender makes the receiver tell: of the bundle that was admitted, of another one, and a number.
type Flood = fn(&Packed, &Packed, u64) -> News;

/// Entries that the flood made, beyond what so many a minute allow.
fn assert_bounded(owner: &Owner, before: usize, per_minute: u64) {
    let all = events(owner);
    let flood = &all[before..];
    let (first, last) = (flood.first().unwrap().time, flood.last().unwrap().time);
    // By the entries' own time: however slow the machine is, this is true. A minute that was begun counts.
    let minutes = last.millis_since(first) / 60_000 + 2;
    let entries = flood.len() as u64;
    assert!(
        entries <= minutes * per_minute,
        "{entries} entries in {minutes} minutes"
    );
}

/// A receiver that has admitted one bundle, and what a sender makes it tell then, once for each number.
fn flood(news: Flood) -> (Receiver, Owner, usize) {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(2);
    let first = all[0].arrive(&owner, 1, 1);
    owner.admit_all(vec![first]).unwrap();
    let before = events(&owner).len();
    for number in 2..2 + FLOOD {
        owner.take(news(&all[0], &all[1], number)).unwrap();
    }
    owner.record_closings().unwrap();
    (receiver, owner, before)
}

#[test]
fn announces_of_every_kind_without_end_are_a_bounded_number_of_entries() {
    let floods: [(&str, Flood); 10] = [
        ("conflicting numbers", |_, other, n| {
            News::Opened(SessionId(n), other.announce(1))
        }),
        ("a new epoch each", |_, other, n| {
            News::Opened(SessionId(n), other.announce_in(n, n))
        }),
        ("numbers that are taken", |first, other, n| {
            let replay = Replay::NumberTaken { by: first.id };
            News::Replayed(Box::new(other.announce(1)), SessionId(n), replay)
        }),
        ("a refused epoch", |_, other, n| {
            News::Replayed(Box::new(other.announce_in(7, n)), SessionId(n), Replay::EpochRefused)
        }),
        ("no room", |_, other, n| {
            News::NoRoom(Box::new(other.announce(1)), SessionId(n), State::Evidence)
        }),
        ("no disk", |_, other, n| {
            let error = QuarantineError::NoRoom {
                needed: n,
                free: 1,
                promised: 0,
                reserve: 1,
            };
            News::Unstorable(Box::new(other.announce(n)), SessionId(n), error)
        }),
        ("no trust", |_, other, n| {
            News::Unjudged(Box::new(other.announce(n)), SessionId(n), "no".to_owned())
        }),
        ("unknown link keys", |_, _, n| {
            News::UnknownLinkKey(KeyId(n.to_be_bytes()))
        }),
        ("mismatches", |_, other, n| {
            News::Mismatched(Box::new(other.announce(n)), "depth".to_owned())
        }),
        ("transmissions that end", |_, other, n| {
            News::Ended(
                Box::new(other.announce(n)),
                SessionId(n),
                Ending::Idle,
                summary(),
                false,
            )
        }),
    ];
    for (name, news) in floods {
        println!("{name}");
        let (_receiver, owner, before) = flood(news);
        assert_bounded(&owner, before, PER_MINUTE);
    }
}

#[test]
fn duplicates_of_one_number_are_a_bounded_number_of_entries() {
    let (_receiver, owner, before) = flood(|first, _, n| {
        let replay = Replay::Duplicate {
            number: first.announce(1).number,
            state: State::Held,
        };
        News::Replayed(Box::new(first.announce(1)), SessionId(n), replay)
    });
    assert_bounded(&owner, before, PER_MINUTE);
}

/// That the bundle comes again under this number.
fn again(packed: &Packed, number: u64) -> News {
    let replay = Replay::Duplicate {
        number: packed.announce(1).number,
        state: State::Held,
    };
    News::Replayed(Box::new(packed.announce(number)), SessionId(number), replay)
}

#[test]
fn numbers_that_duplicates_use_up_are_a_bounded_number_of_entries() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(100);
    let arrivals = arrive_all(&owner, &all);
    owner.admit_all(arrivals).unwrap();
    let before = events(&owner).len();
    let more = u64::from(CLOSINGS_PER_MINUTE) * 2;
    assert!(more < MAX_SEQUENCE_AHEAD);
    // One bundle after the other, so that no two numbers in a row are the same one's.
    for (number, packed) in (101..101 + more).zip(all.iter().cycle()) {
        owner.take(again(packed, number)).unwrap();
    }
    owner.record_closings().unwrap();
    let entries = events(&owner).len() - before;
    assert!(entries >= CLOSINGS_PER_MINUTE as usize, "an honest backlog is closed");
    assert_bounded(&owner, before, u64::from(CLOSINGS_PER_MINUTE) + 1);
}

#[test]
fn a_bundle_that_comes_again_under_number_after_number_is_one_entry_with_the_first_and_the_last() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(2);
    let first = all[0].arrive(&owner, 1, 1);
    owner.admit_all(vec![first]).unwrap();
    let before = events(&owner).len();
    // Sessions under way at the same time end in any order.
    for pair in (2..502).collect::<Vec<_>>().chunks(2) {
        pair.iter()
            .rev()
            .for_each(|number| owner.take(again(&all[0], *number)).unwrap());
    }
    owner.record_closings().unwrap();
    let [ref run] = events(&owner)[before..] else {
        panic!("{:?}", &events(&owner)[before..])
    };
    assert_eq!(
        (run.event, run.seq, run.seq_last),
        (EventKind::BundleDuplicate, Some(2), Some(501))
    );
    drop(owner);
    let owner = receiver.open().unwrap();
    owner.with_ledger(|ledger| {
        let by = all[0].id;
        for number in [2, 250, 501] {
            let standing = ledger.standing(all[1].id, all[1].announce(number).number);
            assert_eq!(standing, Standing::Conflict { by }, "{number}");
        }
        assert_eq!(ledger.standing(all[1].id, all[1].announce(502).number), Standing::Free);
        assert!(ledger.untold(EPOCH, 502, &[], 9).is_empty());
    });
}

#[test]
fn numbers_that_are_used_up_in_any_order_are_on_record_by_their_order_and_the_logs_times_do_not_go_back() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(1);
    let first = all[0].arrive(&owner, 1, 1);
    owner.admit_all(vec![first]).unwrap();
    let start = owner.now().0;
    for (later, number) in [(10, 9), (20, 5), (30, 2)] {
        owner.wall = Wall::Set(Arc::new(AtomicU64::new(start + later)));
        owner.take(again(&all[0], number)).unwrap();
    }
    owner.record_closings().unwrap();
    let all = events(&owner);
    let closed: Vec<_> = all[all.len() - 3..].iter().filter_map(|event| event.seq).collect();
    assert_eq!(closed, [2, 5, 9]);
    assert!(all.is_sorted_by_key(|event| event.time));
}

#[test]
fn below_half_of_the_logs_reserve_refusals_and_used_up_numbers_are_counted_and_told_once_there_is_room() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(2);
    let first = all[0].arrive(&owner, 1, 1);
    owner.admit_all(vec![first]).unwrap();
    let scans = scan_all(&mut owner);
    owner.judge_all(scans).unwrap();
    receiver.disk.set_free_bytes(LOG_RESERVE / 2 - 1);
    let before = events(&owner).len();
    for number in 2..12 {
        let refused = News::Unjudged(Box::new(all[1].announce(1)), SessionId(number), "no".to_owned());
        owner.take(refused).unwrap();
        owner.take(again(&all[0], number)).unwrap();
    }
    owner.record_closings().unwrap();
    let clock = Arc::new(AtomicU64::new(owner.now().0 + 60_000));
    owner.wall = Wall::Set(clock);
    owner.summarise_refusals().unwrap();
    assert_eq!(events(&owner).len(), before);
    reject(&mut owner, &all[0]);
    assert_eq!(bundles_of(&owner, EventKind::BundleRejected), [all[0].id]);
    receiver.disk.set_free_bytes(LOG_RESERVE / 2);
    owner.summarise_refusals().unwrap();
    let told = events(&owner).pop().unwrap();
    assert_eq!(told.event, EventKind::RefusalsSummarised);
    assert!(told.detail.unwrap().starts_with("20 further"));
    owner.take(again(&all[0], 2)).unwrap();
    owner.record_closings().unwrap();
    assert_eq!(events(&owner).pop().unwrap().event, EventKind::BundleDuplicate);
}

#[test]
fn what_a_flood_held_back_is_counted_at_the_latest_when_the_receiver_stops() {
    let (_receiver, mut owner, before) =
        flood(|_, other, n| News::Mismatched(Box::new(other.announce(n)), "depth".to_owned()));
    owner
        .note_daemon(EventKind::DaemonStopped, "stopped".to_owned())
        .unwrap();
    let all = events(&owner);
    let told: u64 = all[before..]
        .iter()
        .map(|event| match event.event {
            EventKind::LinkMismatched => 1,
            EventKind::RefusalsSummarised => {
                let detail = event.detail.as_deref().unwrap();
                detail.split(' ').next().unwrap().parse::<u64>().unwrap()
            }
            _ => 0,
        })
        .sum();
    assert_eq!(told, FLOOD);
}

/// What a person asks who rejects the bundle.
fn rejection(owner: &Owner, packed: &Packed) -> Request {
    let report = owner.quarantine().load_report(&packed.id).unwrap().unwrap();
    let policy = owner.authority().policy().unwrap();
    Request::Reject {
        code: policy.judge(&report).review_code(&packed.id),
        reason: "not ours".to_owned(),
    }
}

/// A person rejects the bundle.
fn reject(owner: &mut Owner, packed: &Packed) {
    let request = rejection(owner, packed);
    let answer = owner.answer(&request, "uid 0").unwrap();
    assert_eq!(answer.exit, 0, "{}", answer.text);
}

#[test]
fn a_disk_without_room_is_the_reason_of_a_refusal_and_decisions_are_still_recorded() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(2);
    let first = all[0].arrive(&owner, 1, 1);
    owner.admit_all(vec![first]).unwrap();
    let scans = scan_all(&mut owner);
    owner.judge_all(scans).unwrap();
    receiver.disk.set_free_bytes(LOG_RESERVE / 2);
    let error = owner.quarantine().begin(SessionId(2), 100).unwrap_err();
    let news = News::Unstorable(Box::new(all[1].announce(2)), SessionId(2), error);
    owner.take(news).unwrap();
    let refused = events(&owner).pop().unwrap();
    assert_eq!(refused.event, EventKind::BundleRefused);
    assert_eq!(refused.reason.as_deref(), Some("disk-full"));
    reject(&mut owner, &all[0]);
    assert_eq!(bundles_of(&owner, EventKind::BundleRejected), [all[0].id]);
    receiver.disk.set_free_bytes(u64::MAX);
    let second = all[1].arrive(&owner, 3, 2);
    owner.admit_all(vec![second]).unwrap();
    assert_eq!(bundles_of(&owner, EventKind::BundleAdmitted), [all[0].id, all[1].id]);
}

#[test]
fn a_receiver_starts_on_a_full_disk_and_tells_a_person_that_nothing_was_decided_until_there_is_room() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(1);
    let first = all[0].arrive(&owner, 1, 1);
    owner.admit_all(vec![first]).unwrap();
    let scans = scan_all(&mut owner);
    owner.judge_all(scans).unwrap();
    drop(owner);
    receiver.disk.set_capacity(0);
    let mut owner = receiver.open().unwrap();
    owner.note_daemon(EventKind::DaemonStarted, "ready".to_owned()).unwrap();
    let before = events(&owner).len();
    let request = rejection(&owner, &all[0]);
    let answer = owner.answer_if_there_is_room(&request, "uid 0").unwrap();
    assert!(
        answer.exit != 0 && answer.text.contains("the disk is full"),
        "{}",
        answer.text
    );
    assert_eq!(events(&owner).len(), before);
    receiver.disk.set_capacity(u64::MAX);
    assert_eq!(owner.answer_if_there_is_room(&request, "uid 0").unwrap().exit, 0);
    assert_eq!(bundles_of(&owner, EventKind::BundleRejected), [all[0].id]);
}

#[test]
fn a_report_that_the_disk_had_no_room_for_is_made_again_once_there_is_room() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(1);
    let arrival = all[0].arrive(&owner, 1, 1);
    owner.admit_all(vec![arrival]).unwrap();
    receiver.disk.set_free_bytes(1 << 20);
    let scans = scan_all(&mut owner);
    owner.judge_all(scans).unwrap();
    let held = events(&owner).pop().unwrap();
    assert_eq!(held.reason.as_deref(), Some("report-not-stored"));
    owner.resume_scans().unwrap();
    assert!(!owner.has_unscanned(), "there is no room yet");
    receiver.disk.set_free_bytes(u64::MAX);
    owner.resume_scans().unwrap();
    let scans = scan_all(&mut owner);
    owner.judge_all(scans).unwrap();
    assert_eq!(bundles_of(&owner, EventKind::BundleScanned), [all[0].id]);
}
