//! A sender with valid keys that says whatever it likes, as fast as it can: the log grows by so many entries a minute and no more.

use audit::event::{EventKind, State};
use protocol::keys::KeyId;
use protocol::limits::MAX_SEQUENCE_AHEAD;
use protocol::reception::Ending;
use protocol::wire::SessionId;
use scanner::quarantine::QuarantineError;

use super::testing::*;
use super::{CLOSINGS_PER_MINUTE, Owner};
use crate::control::Request;
use crate::ledger::Replay;
use crate::serve::News;

const FLOOD: u64 = 3000;
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
            News::Ended(Box::new(other.announce(n)), SessionId(n), Ending::Idle, summary())
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

#[test]
fn numbers_that_a_duplicate_uses_up_are_a_bounded_number_of_entries() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(1);
    let first = all[0].arrive(&owner, 1, 1);
    owner.admit_all(vec![first]).unwrap();
    let before = events(&owner).len();
    let more = u64::from(CLOSINGS_PER_MINUTE) * 2;
    assert!(more < MAX_SEQUENCE_AHEAD);
    for number in 2..2 + more {
        let replay = Replay::Duplicate {
            number: all[0].announce(1).number,
            state: State::Held,
        };
        let news = News::Replayed(Box::new(all[0].announce(number)), SessionId(number), replay);
        owner.take(news).unwrap();
    }
    owner.record_closings().unwrap();
    let entries = events(&owner).len() - before;
    assert!(entries >= CLOSINGS_PER_MINUTE as usize, "an honest backlog is closed");
    assert_bounded(&owner, before, u64::from(CLOSINGS_PER_MINUTE) + 1);
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

#[test]
fn a_disk_without_room_is_the_reason_of_a_refusal_and_decisions_are_still_recorded() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(2);
    let first = all[0].arrive(&owner, 1, 1);
    owner.admit_all(vec![first]).unwrap();
    let scans = scan_all(&mut owner);
    owner.judge_all(scans).unwrap();
    receiver.disk.set_free_bytes(1 << 20);
    let error = owner.quarantine().begin(SessionId(2), 100).unwrap_err();
    let news = News::Unstorable(Box::new(all[1].announce(2)), SessionId(2), error);
    owner.take(news).unwrap();
    let refused = events(&owner).pop().unwrap();
    assert_eq!(refused.event, EventKind::BundleRefused);
    assert_eq!(refused.reason.as_deref(), Some("disk-full"));
    let report = owner.quarantine().load_report(&all[0].id).unwrap().unwrap();
    let code = owner
        .authority()
        .policy()
        .unwrap()
        .judge(&report)
        .review_code(&all[0].id);
    let reject = Request::Reject {
        code,
        reason: "not ours".to_owned(),
    };
    let answer = owner.answer(&reject, "uid 0").unwrap();
    assert_eq!(answer.exit, 0, "{}", answer.text);
    assert_eq!(bundles_of(&owner, EventKind::BundleRejected), [all[0].id]);
    receiver.disk.set_free_bytes(u64::MAX);
    let second = all[1].arrive(&owner, 3, 2);
    owner.admit_all(vec![second]).unwrap();
    assert_eq!(bundles_of(&owner, EventKind::BundleAdmitted), [all[0].id, all[1].id]);
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
    owner.resume_scans();
    assert!(!owner.has_unscanned(), "there is no room yet");
    receiver.disk.set_free_bytes(u64::MAX);
    owner.resume_scans();
    let scans = scan_all(&mut owner);
    owner.judge_all(scans).unwrap();
    assert_eq!(bundles_of(&owner, EventKind::BundleScanned), [all[0].id]);
}
