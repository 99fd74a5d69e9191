//! The registrar at work on a disk in memory, at times that the tests choose.

use std::cell::Cell;

use audit::event::{EventKind, State};
use crossbeam_channel::unbounded;
use protocol::reception::Ending;
use scanner::engine::FingerprintKey;
use scanner::structure::Structure;

use super::*;
use crate::ledger::Replay;
use crate::owner::testing::{self, Packed, Receiver, bundles, bundles_of, events, heartbeat, summary};

mod rescans;

const MILLI: Duration = Duration::from_millis(1);

/// A registrar whose scan thread is the test.
struct Bench<'a> {
    receiver: &'a Receiver,
    registrar: Registrar<'a>,
    to_scan: &'a crossbeam_channel::Receiver<Target>,
    begun: Instant,
    now: &'a Cell<Instant>,
}

impl Bench<'_> {
    fn opened(&mut self, session: u64, packed: &Packed) {
        let news = News::Opened(SessionId(session), packed.announce(session));
        self.take(Task::News(news));
    }

    fn complete(&mut self, session: u64, packed: &Packed) {
        let (arrival, summary) = packed.arrive(&self.registrar.owner, session, session);
        self.take(Task::News(News::Complete(Box::new(arrival), summary)));
    }

    fn take(&mut self, task: Task) {
        let stops = matches!(task, Task::Stop { .. });
        assert_eq!(self.registrar.take(task).unwrap().is_break(), stops);
    }

    /// Scans what was handed out, and settles with no task left.
    fn scan_and_settle(&mut self) {
        self.settle();
        while let Ok(target) = self.to_scan.try_recv() {
            let owner = &self.registrar.owner;
            let done = scan_target(&owner.quarantine(), &owner.scanner(), target);
            self.take(done);
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.registrar.settle(true).unwrap();
    }

    fn pass(&mut self, time: Duration) {
        self.now.set(self.now.get() + time);
        self.settle();
    }

    fn of(&self, kind: EventKind) -> Vec<BundleId> {
        bundles_of(&self.registrar.owner, kind)
    }

    fn admitted(&self) -> Vec<BundleId> {
        self.of(EventKind::BundleAdmitted)
    }
}

fn on_a_bench(test: impl FnOnce(Bench<'_>)) {
    on_a_bench_of(&Receiver::new(), test);
}

fn on_a_bench_of(receiver: &Receiver, test: impl FnOnce(Bench<'_>)) {
    let (scans, to_scan) = unbounded();
    let begun = Instant::now();
    let now = Cell::new(begun);
    let clock = || now.get();
    test(Bench {
        receiver,
        registrar: Registrar::new(receiver.open().unwrap(), &scans, &clock),
        to_scan: &to_scan,
        begun,
        now: &now,
    });
}

#[test]
fn one_bundle_on_a_quiet_link_is_admitted_judged_and_published_without_waiting() {
    on_a_bench(|mut bench| {
        let packed = Packed::numbered(1);
        bench.opened(1, &packed);
        bench.complete(1, &packed);
        bench.settle();
        assert_eq!(bench.admitted(), [packed.id]);
        assert!(!bench.registrar.owner.has_unpublished());
        bench.scan_and_settle();
        assert_eq!(bench.of(EventKind::BundleHeld), [packed.id]);
        assert!(!bench.registrar.owner.has_unpublished());
        assert_eq!(bench.now.get(), bench.begun);
    });
}

#[test]
fn what_is_complete_when_a_heartbeat_comes_is_admitted_before_it_and_not_missing() {
    on_a_bench(|mut bench| {
        let all = bundles(2);
        bench.opened(1, &all[0]);
        bench.opened(2, &all[1]);
        bench.complete(1, &all[0]);
        for _ in 0..2 {
            let heartbeat = Box::new(heartbeat(testing::EPOCH, 2));
            bench.take(Task::News(News::Heartbeat(heartbeat, Vec::new())));
        }
        assert_eq!(bench.admitted(), [all[0].id]);
        let events = events(&bench.registrar.owner);
        assert!(events.iter().all(|event| event.event != EventKind::BundleMissing));
    });
}

#[test]
fn a_bundle_waits_for_others_that_are_under_way_but_no_longer_than_it_may() {
    on_a_bench(|mut bench| {
        let all = bundles(2);
        bench.opened(1, &all[0]);
        bench.opened(2, &all[1]);
        bench.complete(1, &all[0]);
        bench.pass(ARRIVALS_WAIT - MILLI);
        assert_eq!(bench.admitted(), []);
        bench.pass(MILLI);
        assert_eq!(bench.admitted(), [all[0].id]);
    });
}

#[test]
fn a_transmission_that_ended_is_not_waited_for() {
    on_a_bench(|mut bench| {
        let all = bundles(2);
        bench.opened(1, &all[0]);
        bench.opened(2, &all[1]);
        let ended = News::Ended(
            Box::new(all[1].announce(2)),
            SessionId(2),
            Ending::Idle,
            summary(),
            false,
        );
        bench.take(Task::News(ended));
        bench.complete(1, &all[0]);
        bench.settle();
        assert_eq!(bench.admitted(), [all[0].id]);
    });
}

#[test]
fn the_end_of_a_transmission_that_never_opened_is_not_the_end_of_another() {
    on_a_bench(|mut bench| {
        let all = bundles(3);
        bench.opened(1, &all[0]);
        bench.opened(2, &all[1]);
        let ended = News::Ended(
            Box::new(all[2].announce(3)),
            SessionId(3),
            Ending::Idle,
            summary(),
            false,
        );
        bench.take(Task::News(ended));
        bench.complete(1, &all[0]);
        bench.settle();
        assert_eq!(bench.admitted(), [], "the second is still under way");
    });
}

#[test]
fn bundles_that_wait_are_admitted_before_a_refusal_that_came_later() {
    on_a_bench(|mut bench| {
        let all = bundles(2);
        bench.opened(1, &all[0]);
        bench.opened(2, &all[1]);
        bench.complete(1, &all[0]);
        let refused = News::Unjudged(Box::new(all[1].announce(2)), SessionId(2), "no trust".to_owned());
        bench.take(Task::News(refused));
        let kinds: Vec<_> = events(&bench.registrar.owner).iter().map(|event| event.event).collect();
        assert!(
            kinds.ends_with(&[EventKind::BundleAdmitted, EventKind::BundleRefused]),
            "{kinds:?}"
        );
    });
}

#[test]
fn a_refusal_that_is_only_counted_ends_no_group() {
    on_a_bench(|mut bench| {
        let all = bundles(2);
        for _ in 0..60 {
            let refused = News::Unjudged(Box::new(all[1].announce(2)), SessionId(2), "no trust".to_owned());
            bench.take(Task::News(refused));
        }
        bench.opened(3, &all[1]);
        bench.complete(1, &all[0]);
        let refused = News::Unjudged(Box::new(all[1].announce(2)), SessionId(2), "no trust".to_owned());
        bench.take(Task::News(refused));
        bench.settle();
        assert_eq!(bench.admitted(), []);
    });
}

#[test]
fn whoever_asks_sees_the_bundle_that_completed_before() {
    on_a_bench(|mut bench| {
        let all = bundles(2);
        bench.opened(2, &all[1]);
        bench.complete(1, &all[0]);
        bench.settle();
        let (reply, mut answer) = oneshot::channel();
        let request = Request::Release {
            code: format!("{}-0000", all[0].id.short()),
            reason: "looked at".to_owned(),
        };
        let actor = "uid 1000".to_owned();
        bench.take(Task::Asked { request, actor, reply });
        let text = answer.try_recv().unwrap().text;
        assert!(text.contains("is not scanned yet"), "{text}");
        assert!(!bench.registrar.owner.has_unpublished());
    });
}

#[test]
fn whoever_asks_sees_the_verdict_that_came_before() {
    on_a_bench(|mut bench| {
        let all = bundles(2);
        bench.complete(1, &all[0]);
        bench.settle();
        bench.opened(2, &all[1]);
        bench.scan_and_settle();
        assert_eq!(bench.of(EventKind::BundleScanned), [], "it waits for others");
        let (reply, mut answer) = oneshot::channel();
        let request = Request::Release {
            code: format!("{}-0000", all[0].id.short()),
            reason: "looked at".to_owned(),
        };
        let actor = "uid 1000".to_owned();
        bench.take(Task::Asked { request, actor, reply });
        let text = answer.try_recv().unwrap().text;
        assert!(text.contains("is not the code of what is held now"), "{text}");
        assert_eq!(bench.of(EventKind::BundleScanned), [all[0].id]);
    });
}

/// Engines whose rules are others than those of all tests.
fn other_rules() -> Arc<Scanner> {
    Arc::new(Scanner::with_engines(
        vec![Box::new(Structure)],
        FingerprintKey::new([7; 32]),
    ))
}

#[test]
fn a_bundle_that_was_scanned_with_other_rules_is_handed_out_again_when_a_person_asks_for_it() {
    on_a_bench(|mut bench| {
        let packed = Packed::numbered(1);
        bench.complete(1, &packed);
        bench.scan_and_settle();
        bench.registrar.owner.engines().replace(other_rules());
        let (reply, mut answer) = oneshot::channel();
        let request = Request::Release {
            code: format!("{}-0000", packed.id.short()),
            reason: "looked at".to_owned(),
        };
        let actor = "uid 1000".to_owned();
        bench.take(Task::Asked { request, actor, reply });
        let text = answer.try_recv().unwrap().text;
        assert!(text.contains("with other rules"), "{text}");
        assert_eq!(bench.to_scan.try_recv(), Ok(Target::Held(packed.id)));
    });
}

#[test]
fn what_waits_is_on_record_before_the_receiver_stops() {
    on_a_bench(|mut bench| {
        let all = bundles(2);
        bench.opened(2, &all[1]);
        bench.complete(1, &all[0]);
        let summary = "stopped by the test".to_owned();
        bench.take(Task::Stop { summary });
        let kinds: Vec<_> = events(&bench.registrar.owner).iter().map(|event| event.event).collect();
        assert!(
            kinds.ends_with(&[EventKind::BundleAdmitted, EventKind::DaemonStopped]),
            "{kinds:?}"
        );
        assert!(!bench.registrar.owner.has_unpublished());
    });
}

#[test]
fn while_much_comes_events_become_visible_every_so_often() {
    on_a_bench(|mut bench| {
        let all = bundles(3);
        bench.opened(3, &all[2]);
        bench.complete(1, &all[0]);
        bench.pass(ARRIVALS_WAIT);
        assert!(
            !bench.registrar.owner.has_unpublished(),
            "the first is published at once"
        );
        bench.complete(2, &all[1]);
        bench.pass(ARRIVALS_WAIT);
        assert_eq!(bench.admitted().len(), 2);
        assert!(bench.registrar.owner.has_unpublished());
        bench.pass(PUBLISH_EVERY - ARRIVALS_WAIT);
        assert!(!bench.registrar.owner.has_unpublished());
    });
}

#[test]
fn what_policy_allows_is_released_without_waiting_on_a_quiet_link() {
    on_a_bench(|mut bench| {
        bench.receiver.trust_everything();
        let packed = Packed::numbered(1);
        bench.complete(1, &packed);
        bench.scan_and_settle();
        assert_eq!(bench.of(EventKind::BundleReleased), [packed.id]);
        assert!(!bench.registrar.owner.has_unpublished());
        assert_eq!(bench.now.get(), bench.begun);
    });
}

#[test]
fn while_tasks_wait_releases_come_one_by_one_and_not_too_often() {
    on_a_bench(|mut bench| {
        bench.receiver.trust_everything();
        let all = bundles(3);
        for (session, packed) in (1..).zip(&all) {
            bench.complete(session, packed);
        }
        bench.settle();
        while let Ok(Target::Held(id)) = bench.to_scan.try_recv() {
            let Scan { id, scanned, took } = testing::scan(&bench.registrar.owner, id);
            bench.take(Task::Scanned { id, scanned, took });
        }
        bench.now.set(bench.now.get() + VERDICTS_WAIT);
        let busy = |bench: &mut Bench<'_>| {
            bench.registrar.settle(false).unwrap();
            bench.of(EventKind::BundleReleased).len()
        };
        assert_eq!(busy(&mut bench), 1);
        assert_eq!(busy(&mut bench), 1, "what waits goes first");
        bench.now.set(bench.now.get() + STEP_EVERY);
        assert_eq!(busy(&mut bench), 2);
        bench.settle();
        assert_eq!(bench.of(EventKind::BundleReleased).len(), 3);
    });
}

#[test]
fn the_scan_threads_priority_is_lowered_and_no_others() {
    let priority = || rustix::process::getpriority_process(None).unwrap();
    let before = priority();
    let receiver = Receiver::new();
    let owner = receiver.open().unwrap();
    let ((ids, to_scan), (tasks, _todo)) = (unbounded(), unbounded());
    drop(ids);
    let (quarantine, engines) = (owner.quarantine(), owner.engines());
    let lowered = std::thread::spawn(move || {
        scan(&quarantine, &engines, &to_scan, &tasks);
        priority()
    });
    assert_eq!(lowered.join().unwrap(), (before + NICE).min(19));
    assert_eq!(priority(), before);
}

#[test]
fn publication_takes_a_small_share_of_the_time_and_is_never_put_off_for_long() {
    assert_eq!(pause_after(MILLI), PUBLISH_EVERY);
    assert_eq!(pause_after(300 * MILLI), 6000 * MILLI);
    assert_eq!(pause_after(Duration::MAX), PUBLISH_LATEST);
}

#[test]
fn the_registrar_wakes_when_the_next_is_due() {
    on_a_bench(|mut bench| {
        let all = bundles(2);
        assert_eq!(bench.registrar.patience(), PATROL);
        bench.opened(2, &all[1]);
        bench.complete(1, &all[0]);
        bench.pass(ARRIVALS_WAIT - MILLI);
        assert_eq!(bench.registrar.patience(), MILLI);
    });
}

#[test]
fn two_thousand_small_bundles_in_a_burst_take_one_sync_per_twenty_in_all() {
    on_a_bench(|mut bench| {
        let all = bundles(2000);
        let before = bench.receiver.disk.syncs();
        for (session, packed) in (1..).zip(&all) {
            // As over a link that sends one after another: for a moment each is the only one.
            bench.opened(session, packed);
            bench.complete(session, packed);
            bench.scan_and_settle();
            bench.now.set(bench.now.get() + Duration::from_micros(667));
        }
        bench.pass(ARRIVALS_WAIT);
        bench.scan_and_settle();
        bench.pass(VERDICTS_WAIT);
        assert_eq!(bench.of(EventKind::BundleHeld).len(), all.len());
        assert!(!bench.registrar.owner.has_unpublished());
        let syncs = bench.receiver.disk.syncs() - before;
        assert!(syncs <= all.len() as u64 / 20, "{syncs}");
    });
}

#[test]
fn what_is_kept_no_longer_is_looked_for_now_and_then_and_removed_when_nothing_else_is_due() {
    let mut receiver = Receiver::new();
    receiver.trust_everything();
    receiver.retention.released = crate::retention::Keep {
        days: None,
        bytes: Some(1),
    };
    on_a_bench_of(&receiver, |mut bench| {
        let all = bundles(2);
        for (session, packed) in (1..).zip(&all) {
            bench.complete(session, packed);
        }
        bench.scan_and_settle();
        bench.pass(VERDICTS_WAIT);
        while bench.registrar.owner.steps() > 0 {
            bench.settle();
        }
        assert_eq!(bench.of(EventKind::BundleReleased).len(), 2);
        bench.pass(RETENTION_EVERY - VERDICTS_WAIT - MILLI);
        assert_eq!(bench.of(EventKind::BundleRemoved), []);
        bench.pass(MILLI);
        while bench.registrar.owner.is_retiring() {
            bench.settle();
        }
        assert_eq!(bench.of(EventKind::BundleRemoved), [all[0].id]);
        bench.settle();
        assert!(!bench.registrar.owner.has_unpublished());
    });
}

#[test]
fn a_number_that_was_closed_waits_a_second_for_those_beside_it() {
    on_a_bench(|mut bench| {
        let packed = Packed::numbered(1);
        bench.opened(1, &packed);
        bench.complete(1, &packed);
        bench.scan_and_settle();
        for number in 2..5 {
            let announce = packed.announce(number);
            let replay = Replay::Duplicate {
                number: packed.announce(1).number,
                state: State::Held,
            };
            let news = News::Replayed(Box::new(announce), SessionId(number), replay);
            bench.take(Task::News(news));
            bench.settle();
            bench.pass(333 * MILLI);
        }
        assert_eq!(bench.of(EventKind::BundleDuplicate), []);
        bench.pass(MILLI);
        assert_eq!(bench.of(EventKind::BundleDuplicate), [packed.id]);
        assert!(!bench.registrar.owner.has_closings());
    });
}
