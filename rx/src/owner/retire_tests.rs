//! Retention: what is removed, what never is, and that a crash at any moment leaves one outcome.

use audit::event::{EventKind, State};
use protocol::digest::BundleId;
use protocol::time::UnixMillis;
use protocol::wire::SessionId;
use scanner::quarantine::{Forgotten, GaveWay, Kept, ResumeKey};

use super::group_tests::at_every_operation;
use super::testing::*;
use super::{Owner, OwnerError};
use crate::retention::{Keep, Retention};
use crate::serve::News;

const REMOVED: EventKind = EventKind::BundleRemoved;

/// As much as a bundle of one of the states must not take, so that the newest alone stays.
const ONE: Keep = Keep {
    days: None,
    bytes: Some(1),
};

/// Releases, or rejects, all that are held.
fn decide_all(owner: &mut Owner) {
    let scans = scan_all(owner);
    owner.judge_all(scans).unwrap();
    while owner.steps() > 0 {
        owner.carry_out_next().unwrap();
    }
}

/// A receiver that keeps the newest of each state only, and has released the first two, rejected two more and holds the last one.
fn with_decided(all: &[Packed]) -> (Receiver, Owner) {
    let mut receiver = Receiver::new();
    receiver.retention = Retention {
        released: ONE,
        rejected: ONE,
    };
    let mut owner = receiver.open().unwrap();
    let mut arrivals = arrive_all(&owner, all).into_iter();
    for policy in [RELEASES_ALL, REJECTS_ALL] {
        receiver.set_policy(policy);
        owner.admit_all(arrivals.by_ref().take(2).collect()).unwrap();
        decide_all(&mut owner);
    }
    owner.admit_all(arrivals.collect()).unwrap();
    owner.next_unscanned().unwrap();
    owner.plan_retention();
    (receiver, owner)
}

const RELEASES_ALL: &str = "[required]\nall = []\n";
const REJECTS_ALL: &str = "[required]\nall = []\n[[path]]\nglob = \"**\"\nverdict = \"reject\"\nwhy = \"a test\"\n";

fn retire_all(owner: &mut Owner, (): ()) -> Result<(), OwnerError> {
    while owner.is_retiring() {
        owner.retire_some()?;
    }
    Ok(())
}

fn state_of(owner: &Owner, id: &BundleId) -> (State, bool) {
    owner.with_ledger(|ledger| {
        let record = ledger.get(id).unwrap();
        (record.state, record.removed.is_some())
    })
}

#[test]
fn the_oldest_released_and_rejected_are_removed_and_what_is_held_stays() {
    let all = bundles(5);
    let (receiver, mut owner) = with_decided(&all);
    assert_eq!(bundles_of(&owner, REMOVED), [], "nothing is removed by looking");
    retire_all(&mut owner, ()).unwrap();
    assert_eq!(bundles_of(&owner, REMOVED), [all[0].id, all[2].id]);
    let left = |index: usize| format!("{}.bundle", all[index].id);
    assert_eq!(receiver.names("originals"), [left(1)]);
    assert_eq!(receiver.names("released"), [all[1].id.to_string()]);
    assert_eq!(receiver.names("rejected"), [left(3)]);
    assert_eq!(receiver.names("held"), [left(4)]);
    assert_eq!(receiver.names("reports").len(), 2);
    assert_eq!(state_of(&owner, &all[0].id), (State::Released, true));
    assert_eq!(state_of(&owner, &all[2].id), (State::Rejected, true));
}

#[test]
fn a_removal_names_the_state_the_reason_and_the_setting() {
    let all = bundles(5);
    let (_receiver, mut owner) = with_decided(&all);
    retire_all(&mut owner, ()).unwrap();
    let removed: Vec<_> = events(&owner)
        .into_iter()
        .filter(|event| event.event == REMOVED)
        .collect();
    let [released, rejected] = removed.as_slice() else {
        panic!("{removed:?}");
    };
    assert_eq!((released.state, released.seq), (Some(State::Released), Some(1)));
    assert_eq!(released.reason.as_deref(), Some("retention-size"));
    let detail = rejected.detail.as_deref().unwrap();
    assert!(detail.contains("retention.rejected_mib"), "{detail}");
}

#[test]
fn what_was_removed_is_a_duplicate_when_it_comes_again_and_its_number_is_no_other_bundles() {
    let mut all = bundles(6);
    let another = all.pop().unwrap();
    let (receiver, mut owner) = with_decided(&all);
    retire_all(&mut owner, ()).unwrap();
    drop(owner);
    let mut owner = receiver.open().unwrap();
    let again = all[0].arrive(&owner, 9, 1);
    owner.admit_all(vec![again]).unwrap();
    assert_eq!(bundles_of(&owner, EventKind::BundleDuplicate), [all[0].id]);
    let reused = another.arrive(&owner, 10, 1);
    owner.admit_all(vec![reused]).unwrap();
    assert_eq!(bundles_of(&owner, EventKind::BundleEvidence), [another.id]);
    assert_eq!(bundles_of(&owner, EventKind::BundleAdmitted).len(), 5);
}

#[test]
fn what_is_over_at_the_start_is_planned_by_it_and_nothing_twice() {
    let all = bundles(5);
    let (receiver, mut owner) = with_decided(&all);
    retire_all(&mut owner, ()).unwrap();
    drop(owner);
    let mut owner = receiver.open().unwrap();
    assert!(!owner.is_retiring());
    owner.plan_retention();
    assert!(!owner.is_retiring());
    assert_eq!(bundles_of(&owner, REMOVED).len(), 2);
}

#[test]
fn a_tree_that_was_taken_away_is_no_error() {
    let all = bundles(5);
    let (receiver, mut owner) = with_decided(&all);
    receiver.take_away(&all[0].id);
    retire_all(&mut owner, ()).unwrap();
    assert_eq!(bundles_of(&owner, REMOVED).len(), 2);
    drop(owner);
    let owner = receiver.open().unwrap();
    assert_eq!(alarms(&owner), 0);
}

#[test]
fn many_are_removed_a_bounded_number_a_turn() {
    let all = bundles(70);
    let mut receiver = Receiver::new();
    receiver.retention.released = ONE;
    receiver.set_policy(RELEASES_ALL);
    let mut owner = receiver.open().unwrap();
    let arrivals = arrive_all(&owner, &all);
    owner.admit_all(arrivals).unwrap();
    decide_all(&mut owner);
    owner.plan_retention();
    let before = receiver.disk.operations();
    owner.retire_some().unwrap();
    assert_eq!(bundles_of(&owner, REMOVED).len(), 32);
    let operations = receiver.disk.operations() - before;
    assert!(operations < 4 * 32 + 8, "{operations}");
    retire_all(&mut owner, ()).unwrap();
    assert_eq!(bundles_of(&owner, REMOVED).len(), 69);
    assert_eq!(receiver.names("released"), [all[69].id.to_string()]);
}

fn alarms(owner: &Owner) -> usize {
    let events = events(owner).into_iter();
    let alarms = events.filter(|event| event.reason.as_deref() == Some("quarantine-alarm"));
    alarms.count()
}

#[test]
fn a_removal_cut_short_anywhere_is_done_or_was_never() {
    let all = bundles(5);
    let prepare = || {
        let (receiver, owner) = with_decided(&all);
        (receiver, owner, ())
    };
    at_every_operation(prepare, retire_all, |receiver, owner, done| {
        assert_eq!(alarms(owner), 0);
        let folders = ["originals", "originals", "rejected", "rejected", "held"];
        for (index, (packed, folder)) in all.iter().zip(folders).enumerate() {
            let (_, removed) = state_of(owner, &packed.id);
            assert!(!removed || [0, 2].contains(&index), "only the older ones go");
            assert!(
                removed || !done || ![0, 2].contains(&index),
                "a removal that was reported is lost"
            );
            let expected = (!removed).then_some(&packed.file[..]);
            let found = receiver.read(&format!("{folder}/{}.bundle", packed.id));
            assert_eq!(found.as_deref(), expected, "bundle {index}");
            let tree = receiver.names("released").contains(&packed.id.to_string());
            assert_eq!(tree, folder == "originals" && !removed, "bundle {index}");
        }
        assert!(receiver.names("released").iter().all(|name| !name.starts_with('.')));
        // What was cut short is done by the next turns.
        retire_all(owner, ()).unwrap();
        assert_eq!(bundles_of(owner, REMOVED), [all[0].id, all[2].id]);
    });
}

#[test]
fn what_an_incomplete_transmission_left_goes_after_its_days_and_not_before() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let now = owner.now();
    let all = bundles(2);
    for (packed, days) in all.iter().zip([6, 8]) {
        let key = ResumeKey::of(&packed.announce(days));
        let spool = owner.quarantine().begin_resumable(SessionId(days), key, 100).unwrap();
        let since = UnixMillis(now.0 - days * DAY_MS);
        assert!(owner.quarantine().keep(spool, 1, since).unwrap());
    }
    owner.retire_incomplete().unwrap();
    assert_eq!(bundles_of(&owner, REMOVED), [all[1].id]);
    let told = events(&owner).pop().unwrap();
    assert_eq!((told.reason.as_deref(), told.state), (Some("incomplete-age"), None));
    assert_eq!(receiver.names("incomplete").len(), 1);
    owner.retire_incomplete().unwrap();
    assert_eq!(bundles_of(&owner, REMOVED).len(), 1);
}

#[test]
fn what_gives_way_to_the_quota_is_on_record_and_what_it_was_of_may_come_again() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let [packed] = &bundles(1)[..] else { panic!() };
    let key = ResumeKey::of(&packed.announce(1));
    let kept = Kept {
        key,
        bytes: 100,
        since: None,
    };
    let why = GaveWay::Quota;
    owner.take(News::Forgotten(Forgotten { kept, why })).unwrap();
    let told = events(&owner).pop().unwrap();
    assert_eq!((told.event, told.bundle), (REMOVED, Some(packed.id)));
    assert_eq!(told.reason.as_deref(), Some("incomplete-full"));
    owner.admit_all(vec![packed.arrive(&owner, 1, 1)]).unwrap();
    assert_eq!(bundles_of(&owner, EventKind::BundleAdmitted), [packed.id]);
}

#[test]
fn what_gives_way_to_the_room_that_is_kept_free_is_on_record() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let [packed] = &bundles(1)[..] else { panic!() };
    let quarantine = owner.quarantine();
    let spool = quarantine
        .begin_resumable(SessionId(1), ResumeKey::of(&packed.announce(1)), 100)
        .unwrap();
    let now = owner.now();
    assert!(quarantine.keep(spool, 1, now).unwrap());
    // Less than is kept free for the log, and not so little that such entries are only counted.
    receiver.disk.set_free_bytes(128 << 20);
    owner.retire_incomplete().unwrap();
    let told = events(&owner).pop().unwrap();
    assert_eq!(
        (told.event, told.bundle, told.reason.as_deref()),
        (REMOVED, Some(packed.id), Some("disk-full"))
    );
    assert_eq!(receiver.names("incomplete"), [""; 0]);
}
