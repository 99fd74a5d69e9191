//! Groups of bundles: few syncs, each bundle by itself all the same, and whole whatever cuts them short.

use std::collections::BTreeSet;

use audit::event::{EventKind, State};
use audit::storage::MemoryStorage;
use audit::storage::memory::Fault;
use protocol::digest::{BundleId, Digest};
use protocol::reception::Summary;
use protocol::wire::SessionId;
use scanner::policy::Policy;

use super::testing::*;
use super::{Owner, OwnerError, Scan};
use crate::serve::Arrival;

const ADMITTED: EventKind = EventKind::BundleAdmitted;
const SCANNED: EventKind = EventKind::BundleScanned;

fn ids(all: &[Packed]) -> Vec<BundleId> {
    all.iter().map(|packed| packed.id).collect()
}

#[test]
fn two_hundred_bundles_are_admitted_and_judged_with_eight_syncs_at_most() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(200);
    let arrivals = arrive_all(&owner, &all);
    let before = receiver.disk.syncs();
    owner.admit_all(arrivals).unwrap();
    let scans = scan_all(&mut owner);
    owner.judge_all(scans).unwrap();
    let syncs = receiver.disk.syncs() - before;
    assert!(syncs <= 8, "{syncs}");
    assert_eq!(bundles_of(&owner, ADMITTED), ids(&all));
    assert_eq!(bundles_of(&owner, SCANNED), ids(&all));
    assert_eq!(bundles_of(&owner, EventKind::BundleHeld), ids(&all));
}

#[test]
fn the_publication_of_thousands_of_entries_takes_as_many_syncs_as_that_of_hundreds() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let mut syncs = Vec::new();
    let mut number = 0;
    for count in [800, 1600] {
        let arrivals = (0..count).map(|_| {
            number += 1;
            Packed::numbered(number).arrive(&owner, number, number)
        });
        let arrivals = arrivals.collect();
        owner.admit_all(arrivals).unwrap();
        let before = receiver.disk.syncs();
        owner.publish().unwrap();
        syncs.push(receiver.disk.syncs() - before);
    }
    assert!(syncs.iter().all(|syncs| *syncs <= 4), "{syncs:?}");
}

#[test]
fn an_admitted_group_is_held_in_the_order_of_its_arrival_and_waits_to_be_scanned() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(7);
    let arrivals = arrive_all(&owner, &all);
    owner.admit_all(arrivals).unwrap();
    let waiting: Vec<_> = std::iter::from_fn(|| owner.next_unscanned()).collect();
    assert_eq!(waiting, ids(&all));
    for packed in &all {
        let held = receiver.read(&format!("held/{}.bundle", packed.id));
        assert_eq!(held.as_deref(), Some(&packed.file[..]));
    }
    assert_eq!(receiver.names("spool"), [""; 0]);
}

#[test]
fn two_sessions_of_a_bundle_in_one_group_are_one_admission_and_one_duplicate() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(6);
    let mut arrivals = arrive_all(&owner, &all);
    arrivals.insert(3, all[2].arrive(&owner, 77, 77));
    owner.admit_all(arrivals).unwrap();
    assert_eq!(bundles_of(&owner, ADMITTED), ids(&all));
    let events = events(&owner);
    let duplicates: Vec<_> = events
        .iter()
        .filter(|event| event.event == EventKind::BundleDuplicate)
        .collect();
    assert_eq!(duplicates.len(), 1);
    assert_eq!(
        duplicates[0].detail.as_deref(),
        Some("this bundle was admitted as seq 3 already")
    );
    assert_eq!(receiver.names("spool"), [""; 0]);
}

#[test]
fn two_bundles_of_one_number_in_a_group_are_one_admission_and_one_alarm() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(2);
    let arrivals = vec![all[0].arrive(&owner, 1, 5), all[1].arrive(&owner, 2, 5)];
    owner.admit_all(arrivals).unwrap();
    assert_eq!(bundles_of(&owner, ADMITTED), [all[0].id]);
    let evidence = events(&owner)
        .into_iter()
        .find(|event| event.event == EventKind::BundleEvidence);
    assert_eq!(evidence.unwrap().reason.as_deref(), Some("sequence-reused"));
}

#[test]
fn a_bundle_whose_spool_file_is_broken_refuses_itself_alone() {
    for count in [3, 9] {
        let receiver = Receiver::new();
        let mut owner = receiver.open().unwrap();
        let all = bundles(count);
        let arrivals = arrive_all(&owner, &all);
        receiver.break_spool(SessionId(2));
        owner.admit_all(arrivals).unwrap();
        let mut whole = ids(&all);
        whole.remove(1);
        assert_eq!(bundles_of(&owner, ADMITTED), whole);
        assert_eq!(bundles_of(&owner, EventKind::BundleRefused), [all[1].id]);
        assert_eq!(receiver.names("held").len(), whole.len());
    }
}

#[test]
fn a_bundle_whose_first_file_is_broken_is_admitted_from_the_second() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let packed = Packed::numbered(1);
    let arrivals = vec![packed.arrive(&owner, 1, 1), packed.arrive(&owner, 2, 1)];
    receiver.break_spool(SessionId(1));
    owner.admit_all(arrivals).unwrap();
    assert_eq!(bundles_of(&owner, ADMITTED), [packed.id]);
    assert_eq!(bundles_of(&owner, EventKind::BundleRefused), [packed.id]);
}

#[test]
fn of_several_epochs_in_one_group_the_first_is_admitted_and_the_others_wait() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(3);
    let arrivals = (1..)
        .zip(&all)
        .map(|(number, packed)| packed.arrive_in(&owner, number, number, 1));
    let arrivals = arrivals.collect();
    owner.admit_all(arrivals).unwrap();
    assert_eq!(bundles_of(&owner, ADMITTED), [all[0].id]);
    assert_eq!(bundles_of(&owner, EventKind::BundleWaiting), [all[1].id, all[2].id]);
}

#[test]
fn a_scan_that_failed_leaves_the_others_of_its_group_judged() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let all = bundles(6);
    let arrivals = arrive_all(&owner, &all);
    owner.admit_all(arrivals).unwrap();
    let mut scans = scan_all(&mut owner);
    scans[4].scanned = Err("the file can't be read".to_owned());
    owner.judge_all(scans).unwrap();
    let mut judged = ids(&all);
    let failed = judged.remove(4);
    assert_eq!(bundles_of(&owner, SCANNED), judged);
    let events = events(&owner);
    let why = events
        .iter()
        .find(|event| event.reason.as_deref() == Some("scan-failed"));
    assert_eq!(why.unwrap().bundle, Some(failed));
    assert!(
        all.iter().all(|packed| owner.quarantine().open_held(packed.id).is_ok()),
        "no lease is left"
    );
}

#[test]
fn what_policy_decided_and_a_stop_left_undone_is_judged_anew_by_the_next_start() {
    let receiver = Receiver::new();
    receiver.trust_everything();
    let mut owner = receiver.open().unwrap();
    let all = bundles(3);
    let arrivals = arrive_all(&owner, &all);
    owner.admit_all(arrivals).unwrap();
    let scans = scan_all(&mut owner);
    owner.judge_all(scans).unwrap();
    owner.carry_out_next().unwrap();
    drop(owner);
    receiver.disk.restart();
    let mut owner = receiver.open().unwrap();
    assert_eq!(bundles_of(&owner, EventKind::BundleReleased), [all[0].id]);
    let scans = scan_all(&mut owner);
    owner.judge_all(scans).unwrap();
    while owner.steps() > 0 {
        owner.carry_out_next().unwrap();
    }
    assert_eq!(bundles_of(&owner, EventKind::BundleReleased), ids(&all));
}

/// A bundle that policy releases, before it did; then another policy, and the step.
fn released_after_policy_became(text: &str) -> (Receiver, Owner, BundleId) {
    let receiver = Receiver::new();
    receiver.trust_everything();
    let mut owner = receiver.open().unwrap();
    let all = bundles(1);
    let arrivals = arrive_all(&owner, &all);
    owner.admit_all(arrivals).unwrap();
    let scans = scan_all(&mut owner);
    owner.judge_all(scans).unwrap();
    assert_eq!(owner.steps(), 1);
    receiver.set_policy(text);
    owner.carry_out_next().unwrap();
    (receiver, owner, all[0].id)
}

#[test]
fn a_policy_that_was_tightened_after_the_verdict_keeps_the_bundle_held() {
    let (_receiver, owner, id) = released_after_policy_became(Policy::default_text());
    assert_eq!(bundles_of(&owner, EventKind::BundleReleaseDecided), []);
    assert_eq!(bundles_of(&owner, EventKind::BundleHeld), [id]);
    let last = events(&owner).pop().unwrap();
    assert_eq!(last.policy, Some(Digest::of(Policy::default_text().as_bytes())));
    assert!(owner.quarantine().open_held(id).is_ok(), "a person can decide on it");
}

#[test]
fn a_policy_that_changed_after_the_verdict_and_allows_the_bundle_too_releases_it() {
    let text = "# looked through\n[required]\nall = []\n";
    let (_receiver, owner, id) = released_after_policy_became(text);
    assert_eq!(bundles_of(&owner, EventKind::BundleReleased), [id]);
    let decided = events(&owner)
        .into_iter()
        .find(|event| event.event == EventKind::BundleReleaseDecided);
    assert_eq!(decided.unwrap().policy, Some(Digest::of(text.as_bytes())));
}

#[test]
fn a_policy_that_can_not_be_read_after_the_verdict_keeps_the_bundle_held() {
    let (_receiver, owner, id) = released_after_policy_became("no policy");
    assert_eq!(bundles_of(&owner, EventKind::BundleReleaseDecided), []);
    assert_eq!(bundles_of(&owner, EventKind::BundleHeld), [id]);
    let last = events(&owner).pop().unwrap();
    assert_eq!(last.reason.as_deref(), Some("no-policy"));
}

#[test]
fn a_bundle_whose_verdict_could_not_be_carried_out_is_judged_anew_at_the_next_start() {
    let (receiver, owner, id) = released_after_policy_became("no policy");
    drop(owner);
    receiver.set_policy("[required]\nall = []\n");
    let mut owner = receiver.open().unwrap();
    assert_eq!(owner.next_unscanned(), Some(id));
}

#[test]
fn a_scan_that_finds_its_bundle_decided_on_does_not_call_it_held() {
    let receiver = Receiver::new();
    receiver.trust_everything();
    let mut owner = receiver.open().unwrap();
    let arrivals = arrive_all(&owner, &bundles(1));
    owner.admit_all(arrivals).unwrap();
    let mut scans = scan_all(&mut owner);
    let id = scans[0].id;
    let late = Scan {
        id,
        scanned: Err("there is no such file".to_owned()),
        took: scans[0].took,
    };
    owner.judge_all(std::mem::take(&mut scans)).unwrap();
    owner.carry_out_next().unwrap();
    owner.judge_all(vec![late]).unwrap();
    assert_eq!(events(&owner).pop().unwrap().event, EventKind::BundleReleased);
}

/// How the work ends after the fault.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// The process ends; the machine goes on.
    Restart,
    /// The machine dies, and nothing that was not synced is left.
    CrashLosing,
    /// The machine dies, and every other change that was not synced is left.
    CrashMixed,
}

impl End {
    fn come(self, disk: &MemoryStorage) {
        match self {
            Self::Restart => disk.restart(),
            Self::CrashLosing => disk.crash(&mut || false),
            Self::CrashMixed => {
                let mut keep = false;
                disk.crash(&mut || {
                    keep = !keep;
                    keep
                });
            }
        }
    }
}

#[test]
fn a_release_that_was_cut_short_is_ended_on_record_before_it_is_decided_again_however_full_the_disk_was() {
    let packed = Packed::numbered(1);
    let judged = || {
        let receiver = Receiver::new();
        receiver.trust_everything();
        let mut owner = receiver.open().unwrap();
        let arrival = packed.arrive(&owner, 1, 1);
        owner.admit_all(vec![arrival]).unwrap();
        let scans = scan_all(&mut owner);
        owner.judge_all(scans).unwrap();
        (receiver, owner)
    };
    let (receiver, mut owner) = judged();
    let before = receiver.disk.operations();
    owner.carry_out_next().unwrap();
    let mut cancelled = 0;
    for at in 0..=receiver.disk.operations() - before {
        let (receiver, mut owner) = judged();
        receiver.disk.fail_at(at, Fault::PowerCut);
        let _cut = owner.carry_out_next();
        drop(owner);
        End::CrashMixed.come(&receiver.disk);
        receiver.disk.set_capacity(0);
        let mut owner = receiver.open().unwrap();
        let started = events(&owner).len();
        assert!(!is_decided(&owner) || !owner.has_unscanned(), "operation {at}");
        receiver.disk.set_capacity(u64::MAX);
        owner.resume_scans().unwrap();
        let scans = scan_all(&mut owner);
        owner.judge_all(scans).unwrap();
        owner.carry_out_next().unwrap();
        let kinds: Vec<_> = events(&owner).into_iter().map(|event| event.event).collect();
        let of_release = kinds.iter().filter(|kind| RELEASE.contains(kind));
        let of_release: Vec<_> = of_release.copied().collect();
        cancelled += of_release.len() - 2;
        match of_release.as_slice() {
            [EventKind::BundleReleaseDecided, EventKind::BundleReleased] => {}
            [
                decided,
                EventKind::BundleReleaseCancelled,
                again,
                EventKind::BundleReleased,
            ] => {
                assert_eq!(
                    [decided, again],
                    [&EventKind::BundleReleaseDecided; 2],
                    "operation {at}"
                );
            }
            other => panic!("operation {at}, {started} entries at the start: {other:?}"),
        }
    }
    assert!(cancelled > 0, "no release was cut short");
}

const RELEASE: [EventKind; 3] = [
    EventKind::BundleReleaseDecided,
    EventKind::BundleReleaseCancelled,
    EventKind::BundleReleased,
];

/// Whether the last that is on record of releases is a decision.
fn is_decided(owner: &Owner) -> bool {
    let mut kinds = events(owner).into_iter().map(|event| event.event);
    kinds.rfind(|kind| RELEASE.contains(kind)) == Some(EventKind::BundleReleaseDecided)
}

/// Runs `work` on a fresh receiver with a fault at each of its operations in turn, then `check` on the receiver that was started again.
pub(super) fn at_every_operation<T>(
    prepare: impl Fn() -> (Receiver, Owner, T),
    work: impl Fn(&mut Owner, T) -> Result<(), OwnerError>,
    check: impl Fn(&Receiver, &mut Owner, bool),
) {
    let (receiver, mut owner, input) = prepare();
    let before = receiver.disk.operations();
    work(&mut owner, input).unwrap();
    let operations = receiver.disk.operations() - before;
    for fault in [Fault::Io, Fault::PowerCut] {
        for end in [End::Restart, End::CrashLosing, End::CrashMixed] {
            // One more: no fault, and the end right after.
            for at in 0..=operations {
                println!("{fault:?} at operation {at} of {operations}, then {end:?}");
                let (receiver, mut owner, input) = prepare();
                receiver.disk.fail_at(at, fault);
                let done = work(&mut owner, input).is_ok();
                drop(owner);
                end.come(&receiver.disk);
                check(&receiver, &mut receiver.open().unwrap(), done);
            }
        }
    }
}

/// What is admitted is held, whole and once; what is not is nowhere.
fn assert_held_as_admitted(receiver: &Receiver, owner: &Owner, all: &[Packed]) -> BTreeSet<BundleId> {
    let admitted = bundles_of(owner, ADMITTED);
    let once: BTreeSet<_> = admitted.iter().copied().collect();
    assert_eq!(once.len(), admitted.len(), "a bundle was admitted twice");
    for packed in all {
        let expected = once.contains(&packed.id).then_some(&packed.file[..]);
        assert_eq!(
            receiver.read(&format!("held/{}.bundle", packed.id)).as_deref(),
            expected
        );
    }
    assert_eq!(receiver.names("spool"), [""; 0]);
    let alarms = events(owner)
        .into_iter()
        .filter(|event| event.reason.as_deref() == Some("quarantine-alarm"));
    assert_eq!(alarms.count(), 0);
    once
}

/// A receiver to which all have come, and which has admitted none.
fn come(all: &[Packed]) -> (Receiver, Owner, Vec<(Arrival, Summary)>) {
    let receiver = Receiver::new();
    let owner = receiver.open().unwrap();
    let arrivals = arrive_all(&owner, all);
    (receiver, owner, arrivals)
}

#[test]
fn an_admission_of_a_group_cut_short_anywhere_is_whole_for_each_bundle_or_was_never() {
    // Synced one by one, and together.
    for count in [2, 5] {
        let all = bundles(count);
        let prepare = || come(&all);
        at_every_operation(prepare, Owner::admit_all, |receiver, owner, done| {
            let admitted = assert_held_as_admitted(receiver, owner, &all);
            let told: BTreeSet<_> = bundles_of(owner, EventKind::BundleRefused).into_iter().collect();
            let known = |packed: &Packed| admitted.contains(&packed.id) || told.contains(&packed.id);
            assert!(
                !done || all.iter().all(known),
                "what was reported as done is neither admitted nor refused"
            );
            // It can come again, and is then admitted if it was not before.
            let again = arrive_all(owner, &all);
            owner.admit_all(again).unwrap();
            assert_eq!(assert_held_as_admitted(receiver, owner, &all).len(), all.len());
        });
    }
}

#[test]
fn what_a_failed_sync_refuses_is_in_the_log_before_the_receiver_ends() {
    // Synced one by one, bytes and then names, and all of them together.
    for (count, syncs) in [(1, 2), (5, 1)] {
        let all = bundles(count);
        let prepare = || come(&all);
        let (receiver, mut owner, arrivals) = prepare();
        let before = receiver.disk.operations();
        owner.admit_all(arrivals).unwrap();
        let operations = receiver.disk.operations() - before;
        let mut ended = 0;
        for at in 0..operations {
            let (receiver, mut owner, arrivals) = prepare();
            receiver.disk.fail_at(at, Fault::Io);
            let outcome = owner.admit_all(arrivals);
            if !matches!(outcome, Err(OwnerError::Quarantine(_))) || !bundles_of(&owner, ADMITTED).is_empty() {
                continue;
            }
            assert_eq!(
                bundles_of(&owner, EventKind::BundleRefused),
                ids(&all),
                "operation {at}"
            );
            ended += 1;
        }
        assert_eq!(ended, syncs, "{count} bundles");
    }
}

#[test]
fn a_group_of_which_nothing_was_received_syncs_no_folder_of_held_bundles() {
    let receiver = Receiver::new();
    let mut owner = receiver.open().unwrap();
    let packed = Packed::numbered(1);
    let arrivals = vec![packed.arrive(&owner, 1, 1)];
    receiver.break_spool(SessionId(1));
    let before = receiver.disk.syncs();
    owner.admit_all(arrivals).unwrap();
    assert_eq!(bundles_of(&owner, EventKind::BundleRefused), [packed.id]);
    assert_eq!(receiver.disk.syncs() - before, 1, "that of the refusal's entry");
}

#[test]
fn verdicts_of_a_group_cut_short_anywhere_are_on_record_or_awaited() {
    for count in [2, 5] {
        let all = bundles(count);
        let prepare = || {
            let receiver = Receiver::new();
            let mut owner = receiver.open().unwrap();
            let arrivals = arrive_all(&owner, &all);
            owner.admit_all(arrivals).unwrap();
            let scans = scan_all(&mut owner);
            (receiver, owner, scans)
        };
        let judge = |owner: &mut Owner, scans| owner.judge_all(scans).map(drop);
        at_every_operation(prepare, judge, |receiver, owner, _| {
            assert_eq!(assert_held_as_admitted(receiver, owner, &all).len(), all.len());
            for packed in &all {
                let report = owner.quarantine().load_report(&packed.id).unwrap();
                let (scanned, state) = owner.with_ledger(|ledger| {
                    let record = ledger.get(&packed.id).unwrap();
                    (record.scanned, record.state)
                });
                assert_eq!(state, State::Held);
                assert!(!scanned || report.is_some(), "a verdict without its report");
                assert!(
                    scanned || owner.unscanned.contains(&packed.id),
                    "neither judged nor to be scanned"
                );
            }
        });
    }
}
