//! What people decide, and what they can look at, with and without a running receiver.

use audit::event::{EventKind, State, Verdict};
use diode_bench::drive::Entry;

use crate::pair::{Pair, wait_for};

#[test]
fn a_held_bundle_is_released_by_its_code_while_the_receiver_runs() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.unknown("blob");
    let held = pair.send_and_follow(&bundle, &serving, &mut tail);
    assert_eq!(
        (held.event.state, held.event.verdict),
        (Some(State::Held), Some(Verdict::Review))
    );
    let code = pair.receiver.show(bundle.bundle).unwrap().code.unwrap();
    pair.receiver
        .decide("release", &code, "looked at")
        .unwrap()
        .done()
        .unwrap();
    let decided = wait_for(&mut tail, EventKind::BundleReleaseDecided);
    assert_eq!(decided.event.detail.as_deref(), Some("looked at"));
    assert!(decided.event.actor.is_some(), "{:?}", decided.event);
    assert!(pair.receiver.released(bundle.bundle).join("blob.bin").exists());
}

#[test]
fn a_held_bundle_is_released_by_its_code_when_no_receiver_runs() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.unknown("blob");
    pair.send_and_follow(&bundle, &serving, &mut tail);
    serving.running.end().unwrap().done().unwrap();
    let code = pair.receiver.show(bundle.bundle).unwrap().code.unwrap();
    pair.receiver
        .decide("release", &code, "looked at")
        .unwrap()
        .done()
        .unwrap();
    assert!(pair.receiver.released(bundle.bundle).join("blob.bin").exists());
    wait_for(&mut tail, EventKind::BundleReleased);
}

#[test]
fn a_code_of_something_else_releases_nothing() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.unknown("blob");
    pair.send_and_follow(&bundle, &serving, &mut tail);
    let code = pair.receiver.show(bundle.bundle).unwrap().code.unwrap();
    let (id, check) = code.split_once('-').unwrap();
    let other = if check == "0000" { "1111" } else { "0000" };
    let refused = pair
        .receiver
        .decide("release", &format!("{id}-{other}"), "looked at")
        .unwrap();
    assert_eq!(refused.code(), Some(5), "{}", refused.stderr);
    assert!(!pair.receiver.released(bundle.bundle).exists());
}

#[test]
fn a_rejection_is_final() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.unknown("blob");
    pair.send_and_follow(&bundle, &serving, &mut tail);
    let code = pair.receiver.show(bundle.bundle).unwrap().code.unwrap();
    pair.receiver
        .decide("reject", &code, "not ours")
        .unwrap()
        .done()
        .unwrap();
    let released = pair.receiver.decide("release", &code, "on second thought").unwrap();
    assert_ne!(released.code(), Some(0), "{}", released.stdout);
    pair.send(&bundle, serving.address);
    wait_for(&mut tail, EventKind::BundleDuplicate);
    let list = pair
        .receiver
        .run(["list", "--json"])
        .unwrap()
        .done()
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(list["state"], "rejected");
    assert!(!pair.receiver.released(bundle.bundle).exists());
}

#[test]
fn the_events_of_a_bundle_come_in_the_order_of_its_way() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.harmless("in-order");
    pair.send_and_follow(&bundle, &serving, &mut tail);
    let of_bundle = tail
        .seen()
        .iter()
        .filter(|entry| entry.event.bundle == Some(bundle.bundle));
    let kinds: Vec<_> = of_bundle.map(|entry| entry.event.event).collect();
    assert_eq!(
        kinds,
        [
            EventKind::BundleAdmitted,
            EventKind::BundleScanned,
            EventKind::BundleReleaseDecided,
            EventKind::BundleReleased
        ]
    );
    let places: Vec<_> = tail.seen().iter().map(|entry| entry.index).collect();
    assert_eq!(places, (0..places.len() as u64).collect::<Vec<_>>());
}

#[test]
fn with_the_receiver_stopped_the_past_can_be_listed_shown_and_read() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.harmless("past");
    pair.send_and_follow(&bundle, &serving, &mut tail);
    serving.running.end().unwrap().done().unwrap();
    let id = bundle.bundle.to_string();
    let list = pair.receiver.run(["list"]).unwrap().done().unwrap().stdout;
    assert!(
        list.contains("RELEASED") && list.contains(&id[..8]) && list.contains("alice@lab"),
        "{list}"
    );
    let show = pair.receiver.run(["show", &id[..8]]).unwrap().done().unwrap().stdout;
    assert!(
        show.contains(&id) && show.contains("alice@lab") && show.contains("1 of 1"),
        "{show}"
    );
    let past = pair
        .receiver
        .run(["tail", "--no-follow", "--json", "-n", "1000"])
        .unwrap()
        .done()
        .unwrap()
        .stdout;
    let past: Vec<_> = past
        .lines()
        .map(|line| Entry::parse(line).unwrap().event.event)
        .collect();
    assert_eq!(past.first(), Some(&EventKind::LogCreated));
    assert_eq!(past.last(), Some(&EventKind::DaemonStopped));
}
