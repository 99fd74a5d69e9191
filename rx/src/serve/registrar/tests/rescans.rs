//! Other rules than those that something was scanned with, and scans that people ask for.

use audit::event::{Event, EventKind, State, Verdict};
use tokio::sync::oneshot;

use super::*;
use crate::owner::Which;

#[test]
fn a_scan_that_began_before_the_rules_changed_gives_no_verdict_and_is_made_again() {
    on_a_bench(|mut bench| {
        let packed = Packed::numbered(1);
        bench.complete(1, &packed);
        bench.settle();
        let target = bench.to_scan.try_recv().unwrap();
        let owner = &bench.registrar.owner;
        let done = scan_target(&owner.quarantine(), &owner.scanner(), target);
        owner.engines().replace(other_rules());
        bench.take(done);
        bench.settle();
        assert!(bench.of(EventKind::BundleScanned).is_empty());
        bench.scan_and_settle();
        bench.pass(VERDICTS_WAIT);
        assert_eq!(bench.of(EventKind::BundleScanned), [packed.id]);
    });
}

#[test]
fn what_policy_decided_by_rules_that_are_others_by_now_is_not_carried_out() {
    let receiver = Receiver::new();
    receiver.trust_everything();
    on_a_bench_of(&receiver, |mut bench| {
        let packed = Packed::numbered(1);
        bench.complete(1, &packed);
        bench.settle();
        let target = bench.to_scan.try_recv().unwrap();
        let owner = &bench.registrar.owner;
        let done = scan_target(&owner.quarantine(), &owner.scanner(), target);
        bench.take(done);
        bench.registrar.judge().unwrap();
        bench.registrar.owner.engines().replace(other_rules());
        bench.settle();
        assert!(bench.of(EventKind::BundleReleaseDecided).is_empty());
        bench.scan_and_settle();
        bench.pass(VERDICTS_WAIT);
        assert_eq!(bench.of(EventKind::BundleReleased), [packed.id]);
    });
}

/// Asks for bundles to be scanned again.
fn rescan(bench: &mut Bench<'_>, which: Which) -> oneshot::Receiver<Answer> {
    let (reply, answer) = oneshot::channel();
    let actor = "uid 1000".to_owned();
    bench.take(Task::Rescan { which, actor, reply });
    answer
}

#[test]
fn a_held_bundle_that_is_scanned_again_gets_a_new_verdict_and_whoever_asked_is_told() {
    on_a_bench(|mut bench| {
        let all = bundles(2);
        for (session, packed) in (1..).zip(&all) {
            bench.complete(session, packed);
        }
        bench.scan_and_settle();
        let mut answer = rescan(&mut bench, Which::One(all[1].id.to_string()));
        assert!(answer.try_recv().is_err(), "nothing is known before it is scanned");
        bench.scan_and_settle();
        bench.pass(VERDICTS_WAIT);
        let answer = answer.try_recv().unwrap();
        assert_eq!(answer.exit, 4, "{}", answer.text);
        assert!(answer.text.contains("REVIEW") && answer.text.contains(&all[1].id.short()));
        assert_eq!(bench.of(EventKind::BundleScanned), [all[0].id, all[1].id, all[1].id]);
    });
}

#[test]
fn a_bundle_that_is_being_scanned_is_not_scanned_twice_for_whoever_asks() {
    on_a_bench(|mut bench| {
        let packed = Packed::numbered(1);
        bench.complete(1, &packed);
        bench.settle();
        let mut answer = rescan(&mut bench, Which::Held);
        bench.scan_and_settle();
        bench.pass(VERDICTS_WAIT);
        assert_eq!(answer.try_recv().unwrap().exit, 4);
        assert_eq!(bench.of(EventKind::BundleScanned), [packed.id]);
    });
}

#[test]
fn what_policy_decided_and_was_not_carried_out_is_decided_anew_by_a_rescan() {
    let receiver = Receiver::new();
    receiver.trust_everything();
    on_a_bench_of(&receiver, |mut bench| {
        let packed = Packed::numbered(1);
        bench.complete(1, &packed);
        bench.settle();
        let target = bench.to_scan.try_recv().unwrap();
        let owner = &bench.registrar.owner;
        let done = scan_target(&owner.quarantine(), &owner.scanner(), target);
        bench.take(done);
        bench.registrar.judge().unwrap();
        let mut answer = rescan(&mut bench, Which::Held);
        bench.scan_and_settle();
        bench.pass(VERDICTS_WAIT);
        assert_eq!(answer.try_recv().unwrap().exit, 0);
        assert_eq!(bench.of(EventKind::BundleScanned), [packed.id, packed.id]);
        assert_eq!(bench.of(EventKind::BundleReleased), [packed.id]);
    });
}

/// A receiver that let a bundle out, as policy allowed.
fn with_released(test: impl FnOnce(Bench<'_>, &Packed)) {
    let receiver = Receiver::new();
    receiver.trust_everything();
    on_a_bench_of(&receiver, |mut bench| {
        let packed = Packed::numbered(1);
        bench.complete(1, &packed);
        bench.scan_and_settle();
        assert_eq!(bench.of(EventKind::BundleReleased), [packed.id]);
        test(bench, &packed);
    });
}

fn the_rescan(bench: &Bench<'_>) -> Event {
    let mut events = events(&bench.registrar.owner).into_iter();
    events.find(|event| event.event == EventKind::BundleRescanned).unwrap()
}

#[test]
fn a_released_bundle_that_is_as_good_as_it_was_is_no_alarm() {
    with_released(|mut bench, packed| {
        let mut answer = rescan(&mut bench, Which::Released);
        bench.scan_and_settle();
        let answer = answer.try_recv().unwrap();
        assert_eq!(answer.exit, 0, "{}", answer.text);
        let event = the_rescan(&bench);
        assert_eq!(
            (event.bundle, event.verdict, event.reason.as_deref()),
            (Some(packed.id), Some(Verdict::Allow), Some("rescan-unchanged"))
        );
    });
}

#[test]
fn a_released_bundle_that_would_not_be_released_today_is_an_alarm_and_stays_as_it_is() {
    with_released(|mut bench, packed| {
        let report = format!("reports/{}.json", packed.id);
        let before = bench.receiver.read(&report);
        bench
            .receiver
            .set_policy("[required]\nall = []\n[[path]]\nglob = \"**\"\nverdict = \"reject\"\n");
        let mut answer = rescan(&mut bench, Which::Released);
        bench.scan_and_settle();
        let answer = answer.try_recv().unwrap();
        assert_eq!(answer.exit, 3, "{}", answer.text);
        assert!(
            answer
                .text
                .contains("ALARM: released as ALLOW, and REJECT by today's rules"),
            "{}",
            answer.text
        );
        let event = the_rescan(&bench);
        assert_eq!(
            (event.verdict, event.reason.as_deref(), event.actor.as_deref()),
            (Some(Verdict::Reject), Some("rescan-worse"), Some("uid 1000"))
        );
        assert_eq!(bench.receiver.read(&report), before, "the report of its release stays");
        let beside = format!("reports/{}.rescan.json", packed.id);
        assert!(bench.receiver.read(&beside).is_some());
        let ledger = bench.registrar.owner.ledger();
        assert_eq!(ledger.read().unwrap().get(&packed.id).unwrap().state, State::Released);
    });
}

#[test]
fn released_files_that_are_not_the_signed_ones_are_named_and_those_that_were_taken_away_are_told() {
    with_released(|mut bench, packed| {
        bench
            .receiver
            .overwrite(&format!("released/{}/notes.txt", packed.id), b"other");
        let mut answer = rescan(&mut bench, Which::Released);
        bench.scan_and_settle();
        let told = answer.try_recv().unwrap();
        assert_eq!(told.exit, 5, "{}", told.text);
        assert!(told.text.contains("notes.txt was changed"), "{}", told.text);
        bench.receiver.take_away(&packed.id);
        let mut answer = rescan(&mut bench, Which::One(packed.id.to_string()));
        bench.scan_and_settle();
        let told = answer.try_recv().unwrap();
        assert!(
            told.exit == 0 && told.text.contains("not in released/ any more"),
            "{}",
            told.text
        );
    });
}

#[test]
fn nothing_is_no_bundle_and_what_is_not_there_is_told() {
    on_a_bench(|mut bench| {
        let answer = rescan(&mut bench, Which::Held).try_recv().unwrap();
        assert_eq!(
            (answer.exit, answer.text.as_str()),
            (0, "there is nothing to scan again")
        );
        let answer = rescan(&mut bench, Which::One("00".to_owned())).try_recv().unwrap();
        assert_eq!(answer.exit, 2);
    });
}
