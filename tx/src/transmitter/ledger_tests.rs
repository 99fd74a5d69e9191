//! The ledger over crashes, and against logs that nobody should have written.

use audit::storage::MemoryStorage;
use protocol::digest::Digest;

use super::*;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const EPOCH: u64 = 0x00ab_cdef_0123_4567;

fn key() -> SigningKey {
    SigningKey::from_seed([6; 32])
}

fn created() -> (MemoryStorage, Ledger) {
    let storage = MemoryStorage::new();
    let ledger = Ledger::create(Arc::new(storage.clone()), key(), EPOCH, NOW).unwrap();
    (storage, ledger)
}

fn reopened(storage: &MemoryStorage) -> Result<Ledger, LedgerError> {
    Ledger::open(Arc::new(storage.clone()), key(), NOW).map(|(ledger, _)| ledger)
}

fn bundle(byte: u8) -> Facts {
    Facts {
        bundle: BundleId(Digest([byte; 32])),
        bytes: 10,
        files: 2,
        actor: None,
    }
}

fn sent() -> Outcome {
    Outcome {
        session: Some(SessionId(9)),
        blocks: 3,
        duration_ms: 20,
        stopped: None,
    }
}

fn bind(ledger: &mut Ledger, byte: u8) -> Result<Bound, LedgerError> {
    ledger.bind(&[bundle(byte)], NOW).map(|mut bounds| bounds.remove(0))
}

/// Writes how one sending ended, and gives the entry.
fn ended(ledger: &mut Ledger, bound: &Bound, outcome: &Outcome) -> Event {
    let index = ledger.end(&[(bound, outcome.clone())], NOW).unwrap()[0];
    ledger.log.entries(index).next().unwrap().unwrap().1
}

fn number(bound: &Bound) -> u64 {
    bound.number().sequence
}

/// A log with the epoch and these entries, opened as a ledger.
fn folded(entries: &[Event]) -> Result<Ledger, LedgerError> {
    let (storage, mut ledger) = created();
    ledger.log.append(entries).unwrap();
    drop(ledger);
    reopened(&storage)
}

fn bound_entry(number: u64, byte: u8) -> Event {
    let number = LinkNumber {
        epoch: EPOCH,
        sequence: number,
    };
    let bound = Bound {
        number,
        bundle: BundleId(Digest([byte; 32])),
        bytes: 1,
        files: 1,
        actor: None,
        again: false,
    };
    bound.event(EventKind::BundleBound, NOW)
}

fn contradiction(entries: &[Event]) -> &'static str {
    match folded(entries) {
        Err(LedgerError::Contradiction { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn numbers_count_from_one() {
    let (_, mut ledger) = created();
    let numbers: Vec<u64> = (1..4).map(|byte| number(&bind(&mut ledger, byte).unwrap())).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn a_bundle_keeps_its_number_and_says_so() {
    let (_, mut ledger) = created();
    let first = bind(&mut ledger, 1).unwrap();
    bind(&mut ledger, 2).unwrap();
    let again = bind(&mut ledger, 1).unwrap();
    assert_eq!((number(&again), first.is_again(), again.is_again()), (1, false, true));
}

#[test]
fn binding_again_writes_nothing() {
    let (_, mut ledger) = created();
    bind(&mut ledger, 1).unwrap();
    let size = ledger.log.size();
    bind(&mut ledger, 1).unwrap();
    assert_eq!(ledger.log.size(), size);
}

#[test]
fn a_group_of_bundles_is_bound_with_one_entry_each_and_its_numbers_in_order() {
    let (_, mut ledger) = created();
    bind(&mut ledger, 2).unwrap();
    let size = ledger.log.size();
    let bounds = ledger.bind(&[bundle(1), bundle(2), bundle(3), bundle(1)], NOW).unwrap();
    let facts: Vec<_> = bounds.iter().map(|bound| (number(bound), bound.is_again())).collect();
    assert_eq!(facts, [(2, false), (1, true), (3, false), (2, true)]);
    assert_eq!(ledger.log.size(), size + 2);
}

#[test]
fn a_bundle_that_was_bound_but_not_sent_has_the_same_number_after_a_kill() {
    let (storage, mut ledger) = created();
    bind(&mut ledger, 1).unwrap();
    bind(&mut ledger, 2).unwrap();
    drop(ledger);
    storage.crash(&mut || false);
    let mut ledger = reopened(&storage).unwrap();
    assert_eq!(number(&bind(&mut ledger, 2).unwrap()), 2);
    assert_eq!(number(&bind(&mut ledger, 3).unwrap()), 3);
}

#[test]
fn a_number_that_was_given_out_is_no_other_bundles_whenever_the_power_fails() {
    for operation in 0..40 {
        for keep in [true, false] {
            let (storage, mut ledger) = created();
            storage.cut_power_at(operation);
            let mut given = Vec::new();
            for byte in 1..4 {
                if let Ok(bound) = bind(&mut ledger, byte) {
                    given.push((byte, number(&bound)));
                    let _ = ledger.end(&[(&bound, sent())], NOW).and_then(|_| ledger.publish());
                }
            }
            drop(ledger);
            storage.crash(&mut || keep);
            let mut ledger = reopened(&storage).unwrap();
            for (byte, number) in &given {
                assert_eq!(
                    ledger.number_of(&bundle(*byte).bundle),
                    Some(*number),
                    "operation {operation}"
                );
            }
            let fresh = number(&bind(&mut ledger, 9).unwrap());
            assert!(
                given.iter().all(|(_, number)| *number != fresh),
                "operation {operation}: {fresh} again"
            );
        }
    }
}

#[test]
fn an_epoch_stays_over_restarts() {
    let (storage, ledger) = created();
    drop(ledger);
    assert_eq!(reopened(&storage).unwrap().epoch(), EPOCH);
}

#[test]
fn how_a_sending_ended_is_in_the_log() {
    let (_, mut ledger) = created();
    let bound = bind(&mut ledger, 1).unwrap();
    let stopped = Outcome {
        stopped: Some(("interrupted", "7 of 9 datagrams".to_owned())),
        ..sent()
    };
    let event = ended(&mut ledger, &bound, &stopped);
    assert_eq!(
        (event.event, event.seq, event.bundle),
        (EventKind::BundleStopped, Some(1), Some(bundle(1).bundle))
    );
    assert_eq!(
        (event.reason.as_deref(), event.session.as_deref()),
        (Some("interrupted"), Some("0000000000000009"))
    );
}

#[test]
fn a_sending_that_ended_well_is_told_apart() {
    let (_, mut ledger) = created();
    let bound = bind(&mut ledger, 1).unwrap();
    let event = ended(&mut ledger, &bound, &sent());
    assert_eq!((event.event, event.reason), (EventKind::BundleSent, None));
}

#[test]
fn whoever_asked_for_a_sending_is_in_both_of_its_entries() {
    let (_, mut ledger) = created();
    let index = ledger.log.size();
    let facts = Facts {
        actor: Some("uid 1000".to_owned()),
        ..bundle(1)
    };
    let bound = ledger.bind(&[facts], NOW).unwrap().remove(0);
    let (_, given) = ledger.log.entries(index).next().unwrap().unwrap();
    let over = ended(&mut ledger, &bound, &sent());
    assert_eq!(
        (given.actor.as_deref(), over.actor.as_deref()),
        (Some("uid 1000"), Some("uid 1000"))
    );
}

#[test]
fn a_clock_that_was_put_back_does_not_put_the_logs_time_back() {
    let (_, mut ledger) = created();
    let index = ledger.log.size();
    ledger.bind(&[bundle(1)], UnixMillis(NOW.0 - 1)).unwrap();
    let (_, event) = ledger.log.entries(index).next().unwrap().unwrap();
    assert_eq!(event.time, NOW);
}

#[test]
fn a_gap_in_the_numbers_is_left_behind() {
    let mut ledger = folded(&[bound_entry(7, 1)]).unwrap();
    assert_eq!(number(&bind(&mut ledger, 2).unwrap()), 8);
}

#[test]
fn a_number_bound_twice_is_a_contradiction() {
    assert_eq!(
        contradiction(&[bound_entry(1, 1), bound_entry(1, 2)]),
        "its number was bound before"
    );
}

#[test]
fn a_bundle_bound_twice_is_a_contradiction() {
    assert_eq!(
        contradiction(&[bound_entry(1, 1), bound_entry(2, 1)]),
        "its bundle had a number before"
    );
}

#[test]
fn a_second_epoch_is_a_contradiction() {
    let other = Event {
        epoch_id: Some(hex(EPOCH + 1)),
        ..bound_entry(1, 1)
    };
    assert_eq!(contradiction(&[other]), "it is of another epoch");
}

#[test]
fn an_entry_that_binds_nothing_is_a_contradiction() {
    let nothing = Event {
        bundle: None,
        ..bound_entry(1, 1)
    };
    assert_eq!(
        contradiction(&[nothing]),
        "it binds, and lacks the number or the bundle"
    );
}

#[test]
fn a_log_without_an_epoch_is_not_a_transmitters() {
    let storage = MemoryStorage::new();
    drop(Log::create(Arc::new(storage.clone()), "other", key(), NOW).unwrap());
    assert!(matches!(reopened(&storage), Err(LedgerError::NoEpoch)));
}

#[test]
fn a_ledger_without_a_number_left_binds_nothing() {
    let mut ledger = folded(&[bound_entry(u64::MAX, 1)]).unwrap();
    assert!(matches!(bind(&mut ledger, 2), Err(LedgerError::Exhausted)));
    assert_eq!(number(&bind(&mut ledger, 1).unwrap()), u64::MAX);
}

#[test]
fn a_number_is_open_until_an_entry_says_how_it_ended_also_after_a_restart_and_never_again() {
    let (storage, mut ledger) = created();
    let first = bind(&mut ledger, 1).unwrap();
    bind(&mut ledger, 2).unwrap();
    ended(&mut ledger, &first, &sent());
    assert_eq!(bind(&mut ledger, 1).unwrap().number().sequence, 1);
    assert_eq!(ledger.open_numbers().collect::<Vec<_>>(), [2]);
    drop(ledger);
    let mut ledger = reopened(&storage).unwrap();
    assert_eq!(ledger.open_numbers().collect::<Vec<_>>(), [2]);
    ledger.close(&[2], NOW).unwrap();
    drop(ledger);
    assert_eq!(reopened(&storage).unwrap().open_numbers().count(), 0);
}

#[test]
fn numbers_between_those_that_were_given_are_void() {
    let ledger = folded(&[3, 4, 7].map(|number| bound_entry(number, number as u8))).unwrap();
    assert_eq!(ledger.voids(), [1..=2, 5..=6]);
    assert!(folded(&[bound_entry(1, 1)]).unwrap().voids().is_empty());
}

#[test]
fn a_log_is_read_by_number_while_another_has_it() {
    let (storage, mut ledger) = created();
    bind(&mut ledger, 1).unwrap();
    ledger.publish().unwrap();
    bind(&mut ledger, 2).unwrap();
    let given = Given::read(Arc::new(storage)).unwrap();
    assert_eq!((given.epoch(), given.highest()), (EPOCH, 1), "as far as is published");
    assert_eq!(given.bundle_of(1), Some(bundle(1).bundle));
    assert_eq!(given.bundle_of(2), None);
}
