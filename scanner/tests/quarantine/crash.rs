//! Every step cut short at every operation: by a fault that the program sees, by the end of the process, by loss of power. What is there after the next
//! start is one of the outcomes that the log allows, and whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use audit::event::EventKind;
use audit::storage::MemoryStorage;
use audit::storage::memory::Fault;
use diode_scanner::quarantine::{Decided, Place, Quarantine, Recorded, Recovery, Unfinished};

use crate::support::*;

type Log = BTreeMap<protocol::digest::BundleId, Recorded>;

/// How the work ends after the fault, and what of the unsynced a crash keeps.
#[derive(Debug, Clone, Copy)]
enum End {
    /// The process ends; the machine goes on.
    Restart,
    /// The machine dies, and nothing that was not synced is left.
    CrashLosing,
    /// The machine dies, and everything is left.
    CrashKeeping,
    /// The machine dies, and this seed decides.
    CrashMixed(u64),
}

const ENDS: [End; 6] = [
    End::Restart,
    End::CrashLosing,
    End::CrashKeeping,
    End::CrashMixed(1),
    End::CrashMixed(2),
    End::CrashMixed(3),
];

const FAULTS: [Fault; 3] = [Fault::Io, Fault::Full, Fault::PowerCut];

impl End {
    fn come(self, storage: &MemoryStorage) {
        match self {
            Self::Restart => storage.restart(),
            Self::CrashLosing => storage.crash(&mut || false),
            Self::CrashKeeping => storage.crash(&mut || true),
            Self::CrashMixed(mut state) => storage.crash(&mut || {
                // A linear congruential generator (Knuth, MMIX); its highest bit is its best.
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                state >> 63 == 1
            }),
        }
    }
}

fn open(storage: &MemoryStorage) -> Quarantine {
    Quarantine::open(Arc::new(storage.clone())).unwrap()
}

/// Recovers; whatever happens, there is no alarm, nothing half-done, and a second recovery finds nothing to do.
fn recover(storage: &MemoryStorage, log: &Log) -> Recovery {
    let recovery = open(storage).recover(log).unwrap();
    assert_eq!(recovery.alarms, []);
    assert_eq!(leftovers(storage), [""; 0]);
    // And all of it is durable.
    storage.crash(&mut || false);
    let again = open(storage).recover(log).unwrap();
    assert_eq!(again.alarms, []);
    assert_eq!(again.unfinished, recovery.unfinished);
    assert_eq!(again.received.len(), recovery.received.len());
    recovery
}

/// Runs `work` on fresh storage with a fault at each of its operations in turn, for each kind of fault and end, then `check`.
fn at_every_operation<T>(
    prepare: impl Fn() -> (MemoryStorage, Ledger),
    work: impl Fn(&MemoryStorage, &mut Ledger) -> T,
    check: impl Fn(&MemoryStorage, T),
) {
    let (storage, mut ledger) = prepare();
    let before = storage.operations();
    work(&storage, &mut ledger);
    let operations = storage.operations() - before;
    assert!(operations > 2, "the work was done on the storage");
    for fault in FAULTS {
        for end in ENDS {
            // One more: no fault, and the end right after.
            for at in 0..=operations {
                println!("{fault:?} at operation {at} of {operations}, then {end:?}");
                let (storage, mut ledger) = prepare();
                storage.fail_at(at, fault);
                let outcome = work(&storage, &mut ledger);
                end.come(&storage);
                check(&storage, outcome);
            }
        }
    }
}

fn empty() -> (MemoryStorage, Ledger) {
    let storage = MemoryStorage::new();
    Quarantine::create(Arc::new(storage.clone())).unwrap();
    (storage, Ledger::new())
}

fn with_held() -> (MemoryStorage, Ledger) {
    let (storage, mut ledger) = empty();
    drop(admit(&open(&storage), &mut ledger, &sample()));
    (storage, ledger)
}

/// Receives and, if that goes well, admits; says what the log says then.
fn try_to_admit(storage: &MemoryStorage, ledger: &mut Ledger) -> Log {
    let quarantine = open(storage);
    let Ok(received) = receive(&quarantine, &sample()) else {
        return Log::new();
    };
    let admitted = ledger.append(EventKind::BundleAdmitted, sample().id);
    let _ = hold(&quarantine, received, admitted);
    Log::from([(sample().id, Recorded::Held)])
}

#[test]
fn an_admission_cut_short_anywhere_leaves_an_admitted_bundle_held_and_another_not() {
    at_every_operation(empty, try_to_admit, |storage, log| {
        let recovery = recover(storage, &log);
        if log.is_empty() {
            let expected = if recovery.received.is_empty() {
                vec![]
            } else {
                vec![Place::Spool]
            };
            assert_eq!(packed_at(storage, &sample()), expected);
        } else {
            assert!(recovery.received.is_empty());
            assert_eq!(packed_at(storage, &sample()), [Place::Held]);
        }
    });
}

/// Receives so many and, as far as that goes well, admits them as one group; says what the log says then.
fn try_to_admit_all(count: u64) -> impl Fn(&MemoryStorage, &mut Ledger) -> Log {
    move |storage, ledger| {
        let quarantine = open(storage);
        let all = numbered(count);
        let files = (0..)
            .zip(&all)
            .map(|(session, packed)| spooled(&quarantine, session, packed));
        let files: Vec<_> = files.filter_map(Result::ok).collect();
        let received = quarantine.finish_all(files).into_iter().filter_map(Result::ok);
        let admitted: Vec<_> = received
            .map(|received| {
                let receipt = ledger.append(EventKind::BundleAdmitted, received.id());
                (received, receipt)
            })
            .collect();
        let log = admitted
            .iter()
            .map(|(received, _)| (received.id(), Recorded::Held))
            .collect();
        let _ = quarantine.hold_all(admitted);
        log
    }
}

/// What the log says is held is held, once and whole; nothing else is, but perhaps complete in the spool.
fn assert_held_as_logged(storage: &MemoryStorage, log: &Log, all: &[Packed]) {
    let recovery = recover(storage, log);
    for packed in all {
        let handed_out = recovery.received.iter().any(|received| received.id() == packed.id);
        match (log.contains_key(&packed.id), handed_out) {
            (true, false) => assert_eq!(packed_at(storage, packed), [Place::Held]),
            (true, true) => panic!("{} is admitted, and handed out to be admitted", packed.id),
            // Of many, names and bytes are synced together: whoever takes it from recovery hashes it again.
            (false, true) => assert_eq!(named_at(storage, packed), [Place::Spool]),
            (false, false) => assert_eq!(named_at(storage, packed), []),
        }
    }
}

#[test]
fn a_group_cut_short_anywhere_leaves_each_admitted_bundle_held_and_no_other() {
    // Synced one by one, and together.
    for count in [3, 6] {
        at_every_operation(empty, try_to_admit_all(count), |storage, log| {
            assert_held_as_logged(storage, &log, &numbered(count));
        });
    }
}

#[test]
fn reports_of_a_group_cut_short_anywhere_are_whole_or_absent() {
    for count in [3, 6] {
        let prepare = || {
            let (storage, mut ledger) = empty();
            let quarantine = open(&storage);
            for packed in numbered(count) {
                let received = receive(&quarantine, &packed).unwrap();
                drop(
                    hold(
                        &quarantine,
                        received,
                        ledger.append(EventKind::BundleAdmitted, packed.id),
                    )
                    .unwrap(),
                );
            }
            (storage, ledger)
        };
        let save = |storage: &MemoryStorage, _: &mut Ledger| {
            let quarantine = open(storage);
            let held: Vec<_> = numbered(count)
                .iter()
                .map(|packed| quarantine.open_held(packed.id).unwrap())
                .collect();
            let reports: Vec<_> = held.iter().map(report).collect();
            let saved = quarantine.save_reports(&held.iter().zip(&reports).collect::<Vec<_>>());
            saved.iter().map(Result::is_ok).collect::<Vec<_>>()
        };
        at_every_operation(prepare, save, |storage, saved| {
            let log = numbered(count)
                .iter()
                .map(|packed| (packed.id, Recorded::Held))
                .collect();
            let _ = recover(storage, &log);
            let quarantine = open(storage);
            for (packed, saved) in numbered(count).iter().zip(saved) {
                let found = quarantine.load_report(&packed.id).unwrap();
                assert!(found.is_some() || !saved, "a report that was stored is lost");
            }
        });
    }
}

#[test]
fn a_rejection_cut_short_anywhere_ends_as_a_rejection() {
    let reject = |storage: &MemoryStorage, ledger: &mut Ledger| {
        let quarantine = open(storage);
        let held = quarantine.open_held(sample().id).unwrap();
        let _ = quarantine.reject(held, ledger.append(EventKind::BundleRejected, sample().id));
    };
    at_every_operation(with_held, reject, |storage, ()| {
        let _ = recover(storage, &Log::from([(sample().id, Recorded::Rejected)]));
        assert_eq!(packed_at(storage, &sample()), [Place::Rejected]);
    });
}

/// Tries to release; whether it succeeded.
fn try_to_release(storage: &MemoryStorage, ledger: &mut Ledger) -> bool {
    let quarantine = open(storage);
    let held = quarantine.open_held(sample().id).unwrap();
    release(&quarantine, ledger, held).is_ok()
}

/// Before recovery a whole tree or none; after it: released and nothing else, or held and nothing else.
fn assert_one_outcome(storage: &MemoryStorage, log: &Log) -> bool {
    // Already now, whoever looks sees a whole tree or none.
    is_released(storage, &sample());
    let recovery = recover(storage, log);
    let released = is_released(storage, &sample());
    let place = if released { Place::Originals } else { Place::Held };
    assert_eq!(packed_at(storage, &sample()), [place]);
    let id = sample().id;
    match log.get(&id) {
        Some(Recorded::ReleaseDecided) => {
            let expected = if released {
                Unfinished::FinishRelease(id)
            } else {
                Unfinished::DecideAgain(id)
            };
            assert_eq!(recovery.unfinished, [expected]);
        }
        recorded => {
            assert_eq!(recovery.unfinished, []);
            assert_eq!(released, recorded == Some(&Recorded::Released));
        }
    }
    released
}

#[test]
fn a_release_cut_short_anywhere_ends_as_released_or_as_held() {
    at_every_operation(with_held, try_to_release, |storage, released| {
        let log = Log::from([(sample().id, Recorded::ReleaseDecided)]);
        assert!(
            assert_one_outcome(storage, &log) || !released,
            "a release that was reported is lost"
        );
    });
}

#[test]
fn a_release_that_fails_leaves_nothing_outside_even_before_the_next_start() {
    let (storage, mut ledger) = with_held();
    let before = storage.operations();
    assert!(try_to_release(&storage, &mut ledger));
    let operations = storage.operations() - before;
    let mut failed = 0;
    for fault in [Fault::Io, Fault::Full] {
        for at in 0..operations {
            let (storage, mut ledger) = with_held();
            storage.fail_at(at, fault);
            let released = try_to_release(&storage, &mut ledger);
            assert_eq!(
                is_released(&storage, &sample()),
                released,
                "{fault:?} at operation {at}"
            );
            assert_eq!(leftovers(&storage), [""; 0], "{fault:?} at operation {at}");
            failed += u64::from(!released);
        }
    }
    // The last three are those of the packed form's move, after the release.
    assert_eq!(failed, 2 * (operations - 3));
}

#[test]
fn a_release_that_was_logged_or_cancelled_after_it_is_what_the_log_says() {
    at_every_operation(with_held, try_to_release, |storage, released| {
        let recorded = if released { Recorded::Released } else { Recorded::Held };
        assert_one_outcome(storage, &Log::from([(sample().id, recorded)]));
    });
}

#[test]
fn a_release_cut_short_anywhere_and_not_carried_out_can_be_repeated() {
    at_every_operation(with_held, try_to_release, |storage, _| {
        if !assert_one_outcome(storage, &Log::from([(sample().id, Recorded::ReleaseDecided)])) {
            assert!(try_to_release(storage, &mut Ledger::new()));
            assert!(is_released(storage, &sample()));
        }
    });
}

#[test]
fn a_recovery_cut_short_anywhere_can_be_repeated() {
    // Each end of a release, with its final name in doubt too.
    for cut in 0.. {
        let prepare = || {
            let (storage, mut ledger) = with_held();
            storage.cut_power_at(cut);
            let finished = try_to_release(&storage, &mut ledger);
            storage.crash(&mut || true);
            (storage, ledger, finished)
        };
        for recorded in [Recorded::ReleaseDecided, Recorded::Held] {
            let log = Log::from([(sample().id, recorded)]);
            let (storage, _, _) = prepare();
            if recorded == Recorded::Held && !packed_at(&storage, &sample()).contains(&Place::Held) {
                continue; // A release that far is never cancelled.
            }
            let before = storage.operations();
            let _ = open(&storage).recover(&log).unwrap();
            for at in 0..storage.operations() - before {
                for end in ENDS {
                    println!("release cut at {cut}, {recorded:?}, recovery cut at {at}, then {end:?}");
                    let (storage, _, _) = prepare();
                    storage.cut_power_at(at);
                    assert!(open(&storage).recover(&log).is_err());
                    end.come(&storage);
                    assert_one_outcome(&storage, &log);
                }
            }
        }
        if prepare().2 {
            break;
        }
    }
}

#[test]
fn a_release_of_very_many_files_cut_short_ends_as_released_or_as_held() {
    let many = many();
    let (storage, mut ledger) = empty();
    let held = admit(&open(&storage), &mut ledger, &many);
    let before = storage.operations();
    release(&open(&storage), &mut ledger, held).unwrap();
    let operations = storage.operations() - before;
    // The last ones are where it counts; of the hundreds of writes before, some.
    let last = operations - 12..=operations;
    for at in (0..operations).step_by(97).chain(last) {
        for fault in FAULTS {
            let (storage, mut ledger) = empty();
            let quarantine = open(&storage);
            let held = admit(&quarantine, &mut ledger, &many);
            storage.fail_at(at, fault);
            let reported = release(&quarantine, &mut ledger, held).is_ok();
            storage.crash(&mut || false);
            let _ = recover(&storage, &Log::from([(many.id, Recorded::ReleaseDecided)]));
            let released = is_released(&storage, &many);
            assert!(
                released || !reported,
                "a release that was reported is lost: {fault:?} at {at}"
            );
            assert_eq!(
                packed_at(&storage, &many),
                [if released { Place::Originals } else { Place::Held }]
            );
        }
    }
}

/// Receives and, if that goes well, sets aside by an entry of this kind; says what the log says then.
fn try_to_set_aside(kind: EventKind) -> impl Fn(&MemoryStorage, &mut Ledger) -> Log {
    move |storage, ledger| {
        let quarantine = open(storage);
        let Ok(received) = receive(&quarantine, &sample()) else {
            return Log::new();
        };
        let receipt = ledger.append(kind, sample().id);
        let _ = quarantine.set_aside(vec![(received, receipt)]);
        Log::from([(sample().id, Recorded::by(kind).unwrap())])
    }
}

#[test]
fn setting_aside_cut_short_anywhere_leaves_the_bundle_where_the_log_says() {
    let cases = [
        (EventKind::BundleWaiting, Place::Waiting),
        (EventKind::BundleEvidence, Place::Evidence),
    ];
    for (kind, place) in cases {
        at_every_operation(empty, try_to_set_aside(kind), |storage, log| {
            let recovery = recover(storage, &log);
            let expected = match (log.is_empty(), recovery.received.is_empty()) {
                (false, _) => vec![place],
                (true, false) => vec![Place::Spool],
                (true, true) => vec![],
            };
            assert_eq!(packed_at(storage, &sample()), expected);
        });
    }
}

fn with_waiting() -> (MemoryStorage, Ledger) {
    let (storage, mut ledger) = empty();
    try_to_set_aside(EventKind::BundleWaiting)(&storage, &mut ledger);
    (storage, ledger)
}

#[test]
fn an_admission_of_what_waited_cut_short_anywhere_is_held() {
    let work = |storage: &MemoryStorage, ledger: &mut Ledger| {
        let quarantine = open(storage);
        let Ok(waiting) = quarantine.open_waiting(sample().id) else {
            return Recorded::Waiting;
        };
        let receipt = ledger.append(EventKind::BundleAdmitted, sample().id);
        let _ = quarantine.hold_waiting(vec![(waiting, receipt)]);
        Recorded::Held
    };
    at_every_operation(with_waiting, work, |storage, recorded| {
        let recovery = recover(storage, &Log::from([(sample().id, recorded)]));
        assert!(recovery.received.is_empty());
        let place = match recorded {
            Recorded::Held => Place::Held,
            _ => Place::Waiting,
        };
        assert_eq!(packed_at(storage, &sample()), [place]);
    });
}

/// Sets a bundle aside and gives it up; says what the log says then.
fn try_to_remove(storage: &MemoryStorage, ledger: &mut Ledger) -> Log {
    let quarantine = open(storage);
    let Ok(received) = receive(&quarantine, &sample()) else {
        return Log::new();
    };
    let receipt = ledger.append(EventKind::BundleWaiting, sample().id);
    let aside = quarantine.set_aside(vec![(received, receipt)]);
    match aside.and_then(|()| quarantine.open_waiting(sample().id)) {
        Err(_) => Log::from([(sample().id, Recorded::Waiting)]),
        Ok(waiting) => {
            let receipt = ledger.append(EventKind::BundleRemoved, sample().id);
            let _ = quarantine.remove_waiting(waiting, receipt);
            Log::from([(sample().id, Recorded::Removed(Place::Waiting))])
        }
    }
}

#[test]
fn a_removal_of_what_waited_cut_short_anywhere_is_done_by_the_next_start() {
    at_every_operation(empty, try_to_remove, |storage, log| {
        let recovery = recover(storage, &log);
        let expected = match (log.get(&sample().id), recovery.received.is_empty()) {
            (Some(Recorded::Removed(_)), true) | (None, true) => vec![],
            (Some(_), _) => vec![Place::Waiting],
            (None, false) => vec![Place::Spool],
        };
        assert_eq!(packed_at(storage, &sample()), expected);
    });
}

/// Decides on a bundle and removes it; says what the log says then.
fn try_to_retire(decided: Decided) -> impl Fn(&MemoryStorage, &mut Ledger) -> Recorded {
    move |storage, ledger| {
        let quarantine = open(storage);
        let held = quarantine.open_held(sample().id).unwrap();
        match decided {
            Decided::Released => {
                if release(&quarantine, ledger, held).is_err() {
                    return Recorded::ReleaseDecided;
                }
            }
            Decided::Rejected => {
                // Rejected all the same, also where it could not be moved.
                let _ = quarantine.reject(held, ledger.append(EventKind::BundleRejected, sample().id));
            }
        }
        let receipt = ledger.append(EventKind::BundleRemoved, sample().id);
        let retired = quarantine.retire(vec![(sample().id, decided, receipt)]);
        for mut tree in retired.map(|retired| retired.leaving).unwrap_or_default() {
            while let Ok(false) = quarantine.remove_some(&mut tree, 2) {}
        }
        Recorded::Removed(decided.place())
    }
}

#[test]
fn a_removal_of_what_was_decided_on_cut_short_anywhere_is_done_by_the_next_start() {
    for decided in [Decided::Released, Decided::Rejected] {
        at_every_operation(with_held, try_to_retire(decided), |storage, recorded| {
            // Already now, whoever looks sees a whole tree or none.
            is_released(storage, &sample());
            let _ = recover(storage, &Log::from([(sample().id, recorded)]));
            if let Recorded::Removed(_) = recorded {
                assert_eq!(packed_at(storage, &sample()), []);
                assert!(!is_released(storage, &sample()));
                assert!(everything(storage, "reports").is_empty());
            } else {
                assert_eq!(packed_at(storage, &sample()).len(), 1);
            }
        });
    }
}
