//! What a sequence of entries makes of ids, numbers and epochs.

use protocol::limits::{MAX_OPEN_RANGES, MAX_SEQUENCE_AHEAD};

use super::*;

fn id(byte: u8) -> BundleId {
    BundleId(Digest([byte; 32]))
}

fn number(sequence: u64) -> LinkNumber {
    LinkNumber { epoch: 0xE, sequence }
}

fn event(kind: EventKind, bundle: BundleId, seq: u64) -> Event {
    Event {
        bundle: Some(bundle),
        seq: Some(seq),
        epoch_id: Some("000000000000000e".to_owned()),
        ..Event::new(kind, UnixMillis(0))
    }
}

fn ledger(events: &[Event]) -> Ledger {
    let mut ledger = Ledger::default();
    for (index, event) in events.iter().enumerate() {
        ledger.apply(index as u64, event);
    }
    ledger
}

#[test]
fn an_admitted_bundle_is_held() {
    let ledger = ledger(&[event(EventKind::BundleAdmitted, id(1), 1)]);
    assert_eq!(ledger.get(&id(1)).unwrap().state, State::Held);
}

#[test]
fn an_id_is_admitted_once() {
    let ledger = ledger(&[event(EventKind::BundleAdmitted, id(1), 1)]);
    let duplicate = Replay::Duplicate {
        number: number(1),
        state: State::Held,
    };
    assert_eq!(ledger.standing(id(1), number(2)), Standing::Closed(duplicate));
}

#[test]
fn a_number_belongs_to_one_bundle() {
    let ledger = ledger(&[event(EventKind::BundleAdmitted, id(1), 1)]);
    assert_eq!(ledger.standing(id(2), number(1)), Standing::Conflict { by: id(1) });
    assert_eq!(ledger.standing(id(2), number(2)), Standing::Free);
}

#[test]
fn the_first_epoch_is_free_and_any_other_waits() {
    let other = LinkNumber {
        epoch: 0xF,
        sequence: 1,
    };
    assert_eq!(ledger(&[]).standing(id(2), other), Standing::Free);
    let heard = Event {
        epoch_id: Some("000000000000000f".to_owned()),
        ..Event::new(EventKind::LinkUp, UnixMillis(0))
    };
    assert_eq!(ledger(&[heard]).standing(id(2), other), Standing::Free);
    let ledger = ledger(&[event(EventKind::BundleAdmitted, id(1), 1)]);
    assert_eq!(ledger.standing(id(2), other), Standing::Waits(Wait::Epoch));
}

/// A decision on epoch 0xF.
fn decided(kind: EventKind, up_to: Option<u64>) -> Event {
    Event {
        epoch_id: Some("000000000000000f".to_owned()),
        seq_last: up_to,
        ..Event::new(kind, UnixMillis(0))
    }
}

#[test]
fn an_epoch_that_was_accepted_is_free_and_one_that_was_refused_is_closed() {
    let other = LinkNumber {
        epoch: 0xF,
        sequence: 1,
    };
    let first = event(EventKind::BundleAdmitted, id(1), 1);
    let accepted = ledger(&[first.clone(), decided(EventKind::EpochAccepted, None)]);
    assert_eq!(accepted.standing(id(2), other), Standing::Free);
    let refused = ledger(&[first, decided(EventKind::EpochRefused, None)]);
    assert_eq!(refused.standing(id(2), other), Standing::Closed(Replay::EpochRefused));
}

#[test]
fn a_number_may_be_so_far_ahead_and_one_more_waits_until_it_is_allowed() {
    let first = event(EventKind::BundleAdmitted, id(1), 10);
    let ahead = number(10 + MAX_SEQUENCE_AHEAD);
    let beyond = number(11 + MAX_SEQUENCE_AHEAD);
    let before = ledger(std::slice::from_ref(&first));
    assert_eq!(before.standing(id(2), ahead), Standing::Free);
    assert_eq!(
        before.standing(id(2), beyond),
        Standing::Waits(Wait::Ahead { highest: 10 })
    );
    let allowed = Event {
        epoch_id: Some("000000000000000e".to_owned()),
        ..decided(EventKind::EpochAccepted, Some(beyond.sequence))
    };
    assert_eq!(ledger(&[first, allowed]).standing(id(2), beyond), Standing::Free);
}

/// A bundle of epoch 0xF that waits, behind an admitted one of another epoch.
fn with_waiting() -> Vec<Event> {
    let waiting = Event {
        epoch_id: Some("000000000000000f".to_owned()),
        file_bytes: Some(100),
        ..event(EventKind::BundleWaiting, id(2), 5)
    };
    vec![event(EventKind::BundleAdmitted, id(1), 1), waiting]
}

#[test]
fn what_waits_has_its_id_and_number_until_it_is_given_up() {
    let claimed = LinkNumber {
        epoch: 0xF,
        sequence: 5,
    };
    let mut events = with_waiting();
    let waits = ledger(&events);
    assert_eq!(waits.standing(id(3), claimed), Standing::Conflict { by: id(2) });
    let duplicate = Replay::Duplicate {
        number: claimed,
        state: State::Waiting,
    };
    let elsewhere = LinkNumber {
        epoch: 0xF,
        sequence: 9,
    };
    assert_eq!(waits.standing(id(2), elsewhere), Standing::Closed(duplicate));
    events.push(Event {
        state: Some(State::Waiting),
        ..event(EventKind::BundleRemoved, id(2), 5)
    });
    let given_up = ledger(&events);
    assert_eq!(given_up.standing(id(3), claimed), Standing::Waits(Wait::Epoch));
    assert_eq!(given_up.removed().collect::<Vec<_>>(), [id(2)]);
}

#[test]
fn what_waits_is_ready_once_its_epoch_is_accepted() {
    let mut events = with_waiting();
    assert_eq!(ledger(&events).ready(), []);
    events.push(decided(EventKind::EpochAccepted, None));
    assert_eq!(ledger(&events).ready(), [id(2)]);
    assert_eq!(ledger(&events).waiting_in(0xF), [id(2)]);
}

#[test]
fn room_for_what_waits_ends_at_its_bytes_and_comes_back() {
    let quotas = Quotas {
        waiting_bytes: 150,
        evidence_bytes: 0,
    };
    let mut ledger = Ledger::with_quotas(quotas);
    for (index, event) in with_waiting().iter().enumerate() {
        ledger.apply(index as u64, event);
    }
    assert!(ledger.has_room(State::Waiting, 0, 50) && !ledger.has_room(State::Waiting, 0, 51));
    assert!(!ledger.has_room(State::Evidence, 0, 1) && ledger.has_room(State::Held, 0, u64::MAX));
    let admitted = Event {
        epoch_id: Some("000000000000000f".to_owned()),
        ..event(EventKind::BundleAdmitted, id(2), 5)
    };
    ledger.apply(2, &admitted);
    assert!(ledger.has_room(State::Waiting, 0, 150) && !ledger.has_room(State::Waiting, 1000, 0));
}

#[test]
fn a_duplicate_uses_up_the_number_it_came_under() {
    let events = [
        event(EventKind::BundleAdmitted, id(1), 1),
        event(EventKind::BundleDuplicate, id(1), 2),
    ];
    let (before, after) = (ledger(&events[..1]), ledger(&events));
    assert!(before.closes(id(1), number(2)) && !after.closes(id(1), number(2)));
    assert_eq!(after.standing(id(2), number(2)), Standing::Conflict { by: id(1) });
    assert_eq!(after.epoch(0xE).unwrap().used.highest(), 2);
}

#[test]
fn a_duplicate_far_ahead_or_of_what_was_never_admitted_uses_up_nothing() {
    let far = 2 + MAX_SEQUENCE_AHEAD;
    let ledger = ledger(&[
        event(EventKind::BundleAdmitted, id(1), 1),
        event(EventKind::BundleDuplicate, id(1), far),
        event(EventKind::BundleDuplicate, id(9), 3),
    ]);
    assert_eq!(ledger.epoch(0xE).unwrap().used.highest(), 1);
    assert_eq!(ledger.standing(id(2), number(3)), Standing::Free);
}

#[test]
fn evidence_uses_up_neither_id_nor_number_and_is_kept_once() {
    let ledger = ledger(&[
        event(EventKind::BundleAdmitted, id(1), 1),
        event(EventKind::BundleEvidence, id(2), 1),
    ]);
    assert_eq!(ledger.evidence.bundles[&id(2)].state, State::Evidence);
    assert_eq!(ledger.standing(id(2), number(2)), Standing::Free);
    let again = ledger.standing(id(2), number(1));
    assert_eq!(again, Standing::Closed(Replay::NumberTaken { by: id(1) }));
    assert_eq!(ledger.all().len(), 2);
}

#[test]
fn what_was_given_up_and_came_again_as_evidence_is_not_given_up() {
    let mut events = with_waiting();
    let removed = Event {
        state: Some(State::Waiting),
        ..event(EventKind::BundleRemoved, id(2), 5)
    };
    events.extend([removed, event(EventKind::BundleEvidence, id(2), 1)]);
    let ledger = ledger(&events);
    assert_eq!(ledger.removed().count(), 0);
    assert!(ledger.evidence.bundles.contains_key(&id(2)));
}

#[test]
fn a_bundle_that_is_evidence_and_admitted_is_one_of_all() {
    let ledger = ledger(&[
        event(EventKind::BundleAdmitted, id(1), 1),
        event(EventKind::BundleEvidence, id(2), 1),
        event(EventKind::BundleAdmitted, id(2), 2),
    ]);
    let states: Vec<_> = ledger.all().iter().map(|(_, record)| record.state).collect();
    assert_eq!(states, [State::Held, State::Held]);
}

/// An entry about a range of numbers.
fn about(kind: EventKind, first: u64, last: u64) -> Event {
    Event {
        bundle: None,
        seq_last: Some(last),
        ..event(kind, id(0), first)
    }
}

fn range(first: u64, last: u64) -> SequenceRange {
    SequenceRange::new(first, last).unwrap()
}

#[test]
fn what_is_missing_open_void_and_untold_are_told_apart() {
    let ledger = ledger(&[
        event(EventKind::BundleAdmitted, id(1), 1),
        event(EventKind::BundleAdmitted, id(2), 20),
        about(EventKind::BundleVoid, 3, 4),
        about(EventKind::BundleMissing, 2, 9),
        event(EventKind::BundleAdmitted, id(3), 6),
    ]);
    assert_eq!(ledger.missing(0xE), [range(2, 2), range(5, 5), range(7, 9)]);
    assert_eq!(ledger.open(0xE), [range(10, 19)]);
    assert_eq!(
        ledger.untold(0xE, 30, &[range(12, 13)], 9),
        [range(10, 11), range(14, 19), range(21, 29)]
    );
    assert_eq!(ledger.untold(0xE, 10, &[], 9), []);
}

#[test]
fn nothing_is_missed_of_an_epoch_that_does_not_count() {
    let ledger = ledger(&with_waiting());
    assert!(ledger.misses(0xE) && !ledger.misses(0xF) && !ledger.misses(0xAA));
    assert!(Ledger::default().misses(0xAA), "it may become the first");
}

#[test]
fn a_number_that_would_leave_more_gaps_than_are_kept_account_of_waits() {
    let mut ledger = ledger(&[event(EventKind::BundleAdmitted, id(1), 1)]);
    // Of each bundle few enough that all count.
    let bundle = |gaps: u64| BundleId(Digest::of(&(gaps % 1024).to_be_bytes()));
    for gaps in 1..=MAX_OPEN_RANGES as u64 {
        let kind = match gaps {
            ..=1024 => EventKind::BundleAdmitted,
            _ => EventKind::BundleDuplicate,
        };
        ledger.apply(gaps, &event(kind, bundle(gaps), 1 + 2 * gaps));
    }
    let next = 1 + 2 * MAX_OPEN_RANGES as u64;
    assert_eq!(ledger.standing(id(2), number(next + 1)), Standing::Free);
    assert_eq!(ledger.standing(id(2), number(next + 2)), Standing::Waits(Wait::Gaps));
    assert_eq!(ledger.standing(id(2), number(2)), Standing::Free, "it closes a gap");
}

#[test]
fn a_run_of_duplicates_uses_up_each_of_its_numbers_and_no_more_than_a_run_may_have() {
    let run = |first, last| Event {
        seq_last: Some(last),
        ..event(EventKind::BundleDuplicate, id(1), first)
    };
    let admitted = event(EventKind::BundleAdmitted, id(1), 1);
    let small = ledger(&[admitted.clone(), run(2, 9)]);
    for sequence in 2..=9 {
        assert_eq!(
            small.standing(id(2), number(sequence)),
            Standing::Conflict { by: id(1) }
        );
    }
    assert_eq!(small.standing(id(2), number(10)), Standing::Free);
    let endless = ledger(&[admitted, run(2, u64::MAX)]);
    assert_eq!(endless.epoch(0xE).unwrap().used.highest(), 1 + LONGEST_RUN);
}

#[test]
fn a_refused_bundle_uses_up_neither_id_nor_number() {
    let ledger = ledger(&[
        event(EventKind::BundleRefused, id(1), 1),
        event(EventKind::BundleIncomplete, id(1), 1),
    ]);
    assert_eq!(ledger.standing(id(1), number(1)), Standing::Free);
}

#[test]
fn a_rejected_bundle_stays_used_up() {
    let ledger = ledger(&[
        event(EventKind::BundleAdmitted, id(1), 1),
        event(EventKind::BundleRejected, id(1), 1),
    ]);
    assert_eq!(ledger.get(&id(1)).unwrap().state, State::Rejected);
    assert!(matches!(ledger.standing(id(1), number(9)), Standing::Closed(_)));
}

#[test]
fn a_release_that_was_decided_and_not_done_is_known() {
    let admitted = event(EventKind::BundleAdmitted, id(1), 1);
    let decided = event(EventKind::BundleReleaseDecided, id(1), 1);
    assert!(
        ledger(&[admitted.clone(), decided.clone()])
            .get(&id(1))
            .unwrap()
            .decided
    );
    let cancelled = event(EventKind::BundleReleaseCancelled, id(1), 1);
    assert!(!ledger(&[admitted, decided, cancelled]).get(&id(1)).unwrap().decided);
}

#[test]
fn epochs_are_numbered_in_the_order_in_which_they_came_to_count() {
    let mut later = event(EventKind::BundleAdmitted, id(2), 1);
    later.epoch_id = Some("00000000000000ff".to_owned());
    let ledger = ledger(&[event(EventKind::BundleAdmitted, id(1), 1), later]);
    let numbers = [0xE, 0xFF, 3].map(|epoch| ledger.epoch_number(epoch));
    assert_eq!(numbers, [Some(1), Some(2), None]);
    assert_eq!(ledger.next_epoch_number(), 3);
}

/// The same entry in epoch 0xF.
fn in_other(event: Event) -> Event {
    Event {
        epoch_id: Some("000000000000000f".to_owned()),
        ..event
    }
}

#[test]
fn what_waits_in_an_epoch_that_does_not_count_is_free_under_a_number_that_does() {
    let mut events = with_waiting();
    assert_eq!(ledger(&events).standing(id(2), number(2)), Standing::Free);
    let elsewhere = LinkNumber {
        epoch: 0xF,
        sequence: 6,
    };
    let still = ledger(&events).standing(id(2), elsewhere);
    assert!(matches!(still, Standing::Closed(Replay::Duplicate { .. })), "{still:?}");
    let taken = ledger(&events).standing(id(2), number(1));
    assert_eq!(taken, Standing::Closed(Replay::NumberTaken { by: id(1) }));
    events.push(event(EventKind::BundleAdmitted, id(2), 2));
    let admitted = ledger(&events);
    assert!(admitted.waiting(&id(2)).is_none() && admitted.waiting_in(0xF).is_empty());
}

#[test]
fn the_number_that_a_bundle_waited_under_stays_its_own_when_it_is_admitted_under_another() {
    let mut events = with_waiting();
    events.push(event(EventKind::BundleAdmitted, id(2), 2));
    events.push(decided(EventKind::EpochAccepted, None));
    let ledger = ledger(&events);
    let waited = LinkNumber {
        epoch: 0xF,
        sequence: 5,
    };
    assert_eq!(ledger.standing(id(3), waited), Standing::Conflict { by: id(2) });
    assert_eq!(ledger.untold(0xF, 7, &[], 9), [range(1, 4), range(6, 6)]);
}

#[test]
fn what_an_epoch_lost_before_it_was_accepted_is_missing_from_then_on_until_it_comes() {
    let mut events = with_waiting();
    events.extend([
        in_other(event(EventKind::BundleIncomplete, id(3), 7)),
        in_other(event(EventKind::BundleRefused, id(4), 8)),
        in_other(event(EventKind::BundleRefused, id(5), 5)),
        in_other(about(EventKind::BundleVoid, 3, 3)),
        decided(EventKind::EpochAccepted, None),
        in_other(event(EventKind::BundleIncomplete, id(6), 30)),
    ]);
    let lost = ledger(&events);
    assert_eq!(
        lost.missing(0xF),
        [range(7, 8)],
        "5 waits, and of 30 the transmitter will tell"
    );
    events.push(in_other(event(EventKind::BundleAdmitted, id(9), 10)));
    let later = ledger(&events);
    assert_eq!(later.open(0xF), [range(1, 2), range(4, 4), range(6, 6), range(9, 9)]);
    assert_eq!(later.missing(0xF), [range(7, 8)]);
    events.push(in_other(event(EventKind::BundleAdmitted, id(3), 7)));
    assert_eq!(ledger(&events).missing(0xF), [range(8, 8)]);
}

#[test]
fn what_was_lost_and_told_missing_later_is_missing_once() {
    let mut events = with_waiting();
    events.extend([
        in_other(event(EventKind::BundleIncomplete, id(3), 2)),
        decided(EventKind::EpochAccepted, None),
        in_other(about(EventKind::BundleMissing, 1, 3)),
    ]);
    assert_eq!(ledger(&events).missing(0xF), [range(1, 3)]);
}

#[test]
fn evidence_of_a_bundle_that_is_admitted_or_waits_is_listed_besides() {
    let mut events = vec![
        event(EventKind::BundleAdmitted, id(1), 1),
        event(EventKind::BundleEvidence, id(2), 1),
        event(EventKind::BundleAdmitted, id(2), 2),
    ];
    events.push(in_other(event(EventKind::BundleEvidence, id(3), 1)));
    events.push(in_other(event(EventKind::BundleWaiting, id(3), 5)));
    let ledger = ledger(&events);
    let listed: Vec<_> = ledger.listed().iter().map(|(id, record)| (*id, record.state)).collect();
    let expected = [
        (id(1), State::Held),
        (id(2), State::Evidence),
        (id(2), State::Held),
        (id(3), State::Evidence),
        (id(3), State::Waiting),
    ];
    assert_eq!(listed, expected);
    assert_eq!(ledger.evidence(&id(2)).unwrap().number, number(1));
}

#[test]
fn a_duplicate_in_an_epoch_that_is_not_decided_on_closes_its_number_and_one_in_a_refused_epoch_does_not() {
    let mut events = with_waiting();
    let other = LinkNumber {
        epoch: 0xF,
        sequence: 9,
    };
    assert!(ledger(&events).closes(id(1), other));
    let duplicate = in_other(event(EventKind::BundleDuplicate, id(1), 9));
    let undecided = ledger(&[events.as_slice(), std::slice::from_ref(&duplicate)].concat());
    assert_eq!(undecided.standing(id(3), other), Standing::Conflict { by: id(1) });
    events.push(in_other(Event::new(EventKind::EpochRefused, UnixMillis(0))));
    assert!(!ledger(&events).closes(id(1), other));
}

/// A ledger in which all but one of the gaps that are kept account of are open: the last used number is the second value.
fn all_gaps_but_one() -> (Ledger, u64) {
    let mut ledger = ledger(&[event(EventKind::BundleAdmitted, id(1), 1)]);
    for gaps in 1..MAX_OPEN_RANGES as u64 {
        let another = BundleId(Digest::of(&gaps.to_be_bytes()));
        ledger.apply(gaps, &event(EventKind::BundleAdmitted, another, 1 + 2 * gaps));
    }
    (ledger, 2 * MAX_OPEN_RANGES as u64 - 1)
}

#[test]
fn numbers_that_are_taken_together_leave_no_more_gaps_than_are_kept_account_of() {
    let (mut ledger, highest) = all_gaps_but_one();
    let leaves_one = number(highest + 4);
    assert_eq!(ledger.standing_beside(id(2), leaves_one, 0), Standing::Free);
    let beside = ledger.standing_beside(id(2), leaves_one, 1);
    assert_eq!(beside, Standing::Waits(Wait::Gaps));
    assert_eq!(
        ledger.standing_beside(id(2), number(2), 1),
        Standing::Free,
        "it closes a gap"
    );
    ledger.apply(1, &event(EventKind::BundleWaiting, id(2), highest + 4));
    ledger.apply(2, &event(EventKind::BundleWaiting, id(3), highest + 8));
    assert_eq!(ledger.ready(), [id(2)]);
    assert_eq!(ledger.waits_for(&id(3)), None, "by itself it might come");
    ledger.apply(3, &event(EventKind::BundleAdmitted, id(2), highest + 4));
    assert_eq!(ledger.waits_for(&id(3)), Some(Wait::Gaps));
    assert_eq!(ledger.ready(), []);
}
