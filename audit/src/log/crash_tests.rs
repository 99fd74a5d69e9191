//! Power cuts at every operation: nothing acknowledged is lost, nothing published is taken back.

use super::tests::{append, at, create, event, events, numbers, open, verify_ok};
use super::*;
use crate::storage::MemoryStorage;
use crate::storage::memory::Fault;
use proptest::prelude::*;

/// What somebody saw of a log before the power failed.
#[derive(Default)]
struct Seen {
    acknowledged: Vec<u64>,
    published: Option<Checkpoint>,
}

/// Appends groups of these sizes, publishing after some, until something fails.
fn work(log: &mut Log, script: &[(u64, bool)], seen: &mut Seen) -> Result<(), LogError> {
    for (count, publish) in script {
        let first = seen.acknowledged.last().map_or(1, |last| last + 1);
        let receipts = log.append(&events(first..first + count))?;
        seen.acknowledged.extend(first..first + receipts.len() as u64);
        if *publish {
            seen.published = Some(log.publish()?);
        }
    }
    Ok(())
}

/// The log opens with all that was seen, goes on, and verifies.
fn is_whole(storage: &MemoryStorage, seen: &Seen, step: u64) {
    // Until the next publication the tiles may be ahead, never beyond what is durable.
    verify_ok(storage);
    let (mut log, _) = open(storage).unwrap_or_else(|error| panic!("step {step}: {error}"));
    let found = numbers(&log);
    let acknowledged = &seen.acknowledged;
    assert!(
        found.starts_with(acknowledged),
        "step {step}: {acknowledged:?} became {found:?}"
    );
    if let Some(checkpoint) = &seen.published {
        log.check_against(checkpoint.note()).unwrap();
    }
    append(&mut log, 10_000..10_001);
    log.publish().unwrap();
    assert_eq!(verify_ok(storage).size, log.size(), "step {step}");
}

fn survives_a_cut_at_every_operation(script: &[(u64, bool)], mut dice: impl FnMut() -> bool) {
    for step in 0.. {
        let storage = MemoryStorage::new();
        let mut log = create(&storage);
        storage.cut_power_at(step);
        let mut seen = Seen::default();
        let finished = work(&mut log, script, &mut seen).is_ok();
        drop(log);
        storage.crash(&mut dice);
        is_whole(&storage, &seen, step);
        if finished {
            break;
        }
    }
}

/// A linear congruential generator: any sequence will do, as long as the seed gives it again.
fn dice(seed: u64) -> impl FnMut() -> bool {
    let mut state = seed | 1;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 63 == 1
    }
}

/// Events that fill more than a segment.
fn large_group() -> Vec<Event> {
    let events = vec![
        Event {
            detail: Some("x".repeat(1000)),
            ..event(0)
        };
        70
    ];
    assert!(events.len() as u64 * 1000 > wal::SEGMENT_LEN);
    events
}

const SCRIPT: &[(u64, bool)] = &[(1, true), (3, false), (2, true), (250, true), (1, true), (1, false)];

#[test]
fn a_power_cut_that_loses_all_unsynced_loses_nothing_acknowledged() {
    survives_a_cut_at_every_operation(SCRIPT, || false);
}

#[test]
fn a_power_cut_that_keeps_all_unsynced_loses_nothing_acknowledged() {
    survives_a_cut_at_every_operation(SCRIPT, || true);
}

#[test]
fn a_power_cut_over_segments_loses_nothing_acknowledged() {
    // Groups that fill a segment, so that the cuts also fall into its rotation.
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    let mut keep = dice(7);
    for step in 0..60 {
        drop(log.append(&large_group()).unwrap());
        log.publish().unwrap();
        let size = log.size();
        storage.cut_power_at(step % 20);
        let appended = log.append(&large_group()).is_ok();
        let _ = log.publish();
        drop(log);
        storage.crash(&mut keep);
        log = open(&storage).unwrap_or_else(|error| panic!("step {step}: {error}")).0;
        assert!(log.size() >= size + if appended { 70 } else { 0 }, "step {step}");
        log.publish().unwrap();
    }
    verify_ok(&storage);
}

/// The process dies at each operation of a rotation and a publication, `then` is done after the restart, and the power
/// fails, losing and keeping what it will.
fn survives_a_kill_and_then_a_cut(then: impl Fn(&mut Log)) {
    for (step, seed) in (0..30).flat_map(|step| (0..6).map(move |seed| (step, seed))) {
        let storage = MemoryStorage::new();
        let mut log = create(&storage);
        drop(log.append(&large_group()).unwrap());
        log.publish().unwrap();
        storage.cut_power_at(step);
        let _ = log.append(&large_group()).and_then(|_| log.publish());
        drop(log);
        storage.restart();
        let mut log = open(&storage).unwrap_or_else(|error| panic!("step {step}: {error}")).0;
        then(&mut log);
        let size = log.size();
        drop(log);
        storage.crash(&mut if seed == 0 {
            Box::new(|| false) as Box<dyn FnMut() -> bool>
        } else {
            Box::new(dice(seed))
        });
        verify_ok(&storage);
        let log = open(&storage)
            .unwrap_or_else(|error| panic!("step {step}, seed {seed}: {error}"))
            .0;
        assert_eq!(log.size(), size, "step {step}, seed {seed}");
    }
}

#[test]
fn a_killed_process_then_a_publication_and_a_power_cut_lose_nothing() {
    survives_a_kill_and_then_a_cut(|log| drop(log.publish().unwrap()));
}

#[test]
fn a_killed_process_then_a_new_segment_and_a_power_cut_lose_nothing() {
    survives_a_kill_and_then_a_cut(|log| drop(log.append(&large_group()).unwrap()));
}

#[test]
fn a_killed_process_then_both_and_a_power_cut_lose_nothing() {
    survives_a_kill_and_then_a_cut(|log| {
        log.publish().unwrap();
        drop(log.append(&large_group()).unwrap());
    });
}

#[test]
fn a_publication_tried_again_after_a_full_disk_is_durable() {
    for step in 0..30 {
        let storage = MemoryStorage::new();
        let mut log = create(&storage);
        append(&mut log, 1..300);
        storage.fail_at(step, Fault::Full);
        if log.publish().is_err() && log.publish().is_err() {
            continue;
        }
        drop(log);
        storage.crash(&mut || false);
        assert_eq!(verify_ok(&storage).size, 300, "step {step}");
    }
}

#[test]
fn a_power_cut_during_recovery_loses_nothing_either() {
    for step in 0.. {
        let storage = MemoryStorage::new();
        let mut log = create(&storage);
        let mut seen = Seen::default();
        work(&mut log, SCRIPT, &mut seen).unwrap();
        drop(log);
        // A group that was on its way when the power failed first.
        let segment = format!("{WAL_DIR}/{:020}", 0);
        let file = storage
            .open(Path::new(&segment), crate::storage::OpenHow::Write)
            .unwrap();
        file.write_at(&[0xFF; 700], file.len().unwrap()).unwrap();
        storage.crash(&mut || true);
        storage.cut_power_at(step);
        let recovered = open(&storage).is_ok_and(|(mut log, _)| log.publish().is_ok());
        storage.crash(&mut || step % 2 == 0);
        is_whole(&storage, &seen, step);
        if recovered {
            break;
        }
    }
}

#[test]
fn a_power_cut_during_creation_leaves_a_log_or_none() {
    for step in 0.. {
        let storage = MemoryStorage::new();
        storage.cut_power_at(step);
        let made = Log::create(Arc::new(storage.clone()), "plant-7/audit", tests::key(), at(0)).is_ok();
        storage.crash(&mut || step % 2 == 0);
        match open(&storage) {
            Ok(_) => assert_eq!(verify_ok(&storage).size, 1),
            Err(LogError::NotALog { .. }) => assert!(!made, "step {step}"),
            Err(error) => panic!("step {step}: {error}"),
        }
        if made {
            break;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn a_power_cut_that_keeps_any_part_of_the_unsynced_loses_nothing_acknowledged(
        script in proptest::collection::vec((1u64..90, any::<bool>()), 1..6),
        seed in any::<u64>(),
    ) {
        survives_a_cut_at_every_operation(&script, dice(seed));
    }
}

/// Works on a log until the operation of this number fails, then on another process's of the same machine, and then the power fails.
///
/// Says whether the work ended before the fault.
fn survives_a_failure_and_a_power_cut(at: u64, prepare: impl Fn(&mut Log), work: impl Fn(&mut Log) -> bool) -> bool {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    prepare(&mut log);
    storage.fail_at(at, Fault::Io);
    let finished = work(&mut log);
    drop(log);
    storage.restart();
    let mut log = open(&storage).unwrap().0;
    append(&mut log, 9000..9001);
    log.publish().unwrap();
    let (all, size) = (numbers(&log), log.size());
    drop(log);
    storage.crash(&mut || false);
    assert_eq!(numbers(&open(&storage).unwrap().0), all, "operation {at}");
    assert_eq!(verify_ok(&storage).size, size, "operation {at}");
    finished
}

#[test]
fn what_a_failed_publication_left_is_durable_once_the_next_process_has_published() {
    for entries in [10, 300] {
        let prepare = |log: &mut Log| append(log, 1..entries);
        let mut operations = 0..;
        assert!(operations.any(|at| survives_a_failure_and_a_power_cut(at, prepare, |log| log.publish().is_ok())));
    }
}

#[test]
fn a_segment_that_could_not_be_begun_is_durable_once_the_next_process_has_opened_it() {
    let prepare = |log: &mut Log| {
        append(log, 1..1000);
        log.publish().unwrap();
    };
    let mut operations = 0..;
    assert!(
        operations
            .any(|at| survives_a_failure_and_a_power_cut(at, prepare, |log| log.append(&events(1000..1001)).is_ok()))
    );
}
