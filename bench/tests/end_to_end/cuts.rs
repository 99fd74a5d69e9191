//! A link that loses almost half, and one that is cut in the middle of a pass.

use std::time::{Duration, Instant};

use audit::event::EventKind;
use diode_bench::compare::Comparison;
use diode_bench::drive::{Packed, Sending, Tail};
use diode_bench::lossy::{Burst, Losses};
use diode_bench::relay::{Relay, RelayConfig};

use crate::pair::{LIMIT, Pair, any_port, end_of, lossy_link, text, wait_for};

#[test]
fn a_bundle_arrives_over_a_link_that_loses_forty_percent_when_that_is_provided_for() {
    let (pair, serving, mut tail) = Pair::serving();
    let folder = pair.folder("readings", &[("readings.txt", &text(1_500_000))]);
    let bundle = pair.pack_as(&pair.author, &folder);
    let link = lossy_link(serving.address, "40%", 11);
    let sent = pair.send_with(&bundle, &Sending::new(link.local_addr(), "50M", "45%"));
    let end = end_of(&mut tail, bundle.bundle, sent.seq);
    assert_eq!(end.event.event, EventKind::BundleReleased, "{:?}", end.event);
    let found = Comparison::of(&folder, &pair.receiver.released(bundle.bundle)).unwrap();
    assert!(found.is_copy_of(1), "{found:?}");
    let lost = link.stop().unwrap().damage.lost_at_random;
    assert!(lost * 3 > sent.datagrams, "{lost} of {} lost", sent.datagrams);
}

#[test]
fn a_link_that_is_cut_in_the_middle_of_a_pass_costs_no_more_than_the_next_pass_brings() {
    let pair = Pair::new();
    let bundle = pair.bundle("readings", &[("readings.txt", &text(3_000_000))]);
    // A third of the first pass, from its middle on; the rest of it and all of the second come through.
    let cut = Losses {
        share: "0%".parse().unwrap(),
        seed: 1,
        burst: Some(Burst { at: 1_000, len: 800 }),
    };
    let (serving, mut tail) = (pair.receiver.serve_behind(cut).unwrap(), pair.receiver.tail().unwrap());
    let sending = Sending {
        passes: 2,
        ..Sending::new(serving.address, "50M", "1%")
    };
    let needed = needed(&pair, &bundle, &sending);
    let sent = pair.send_with(&bundle, &sending);
    let end = end_of(&mut tail, bundle.bundle, sent.seq);
    assert_eq!(end.event.event, EventKind::BundleReleased, "{:?}", end.event);
    serving.running.end().unwrap().done().unwrap();
    assert_resumed(&mut tail, needed);
}

/// Half a minute without a datagram, with the receiver's settings as they come: `cargo test --test end_to_end -- --ignored half_a_minute`.
#[test]
#[ignore = "takes three minutes"]
fn a_link_that_is_silent_for_half_a_minute_in_the_middle_of_a_pass_goes_on_with_the_next() {
    let pair = Pair::with_default_silence();
    let bundle = pair.bundle("readings", &[("readings.txt", &text(2_500_000))]);
    let (serving, mut tail) = (pair.receiver.serve().unwrap(), pair.receiver.tail().unwrap());
    let open = |listen| {
        let config = RelayConfig::new(listen, serving.address, 1);
        Relay::bind(config).unwrap().spawn().unwrap()
    };
    let link = open(any_port());
    let at = link.local_addr();
    // A pass takes about a minute.
    let sending = Sending {
        passes: 2,
        ..Sending::new(at, "400k", "1%")
    };
    let needed = needed(&pair, &bundle, &sending);
    let sender = pair.transmitter.start(&[&bundle.file], &sending).unwrap();
    let begun = Instant::now();
    let wait_until = |elapsed: Duration| std::thread::sleep(elapsed.saturating_sub(begun.elapsed()));
    wait_until(Duration::from_secs(15));
    link.stop().unwrap();
    wait_until(Duration::from_secs(46));
    let _link = open(at);
    sender.wait(LIMIT * 4).unwrap().done().unwrap();
    assert_eq!(
        wait_for(&mut tail, EventKind::BundleReleased).event.bundle,
        Some(bundle.bundle)
    );
    serving.running.end().unwrap().done().unwrap();
    assert_resumed(&mut tail, needed);
}

/// Symbols that the blocks of a bundle need, and a few that come while one of them is solved.
fn needed(pair: &Pair, bundle: &Packed, sending: &Sending) -> u64 {
    let inspected = pair.transmitter.inspect(&bundle.file, sending).unwrap();
    let parts = [inspected.head, inspected.content].map(|part| u64::from(part.blocks) * (u64::from(part.k) + 8));
    parts.iter().sum()
}

/// One session, of which no symbol was kept that it did not need: what came before the cut was not asked for again.
fn assert_resumed(tail: &mut Tail, needed: u64) {
    let stopped = wait_for(tail, EventKind::DaemonStopped);
    let detail = stopped.event.detail.unwrap();
    let kept: u64 = detail
        .split_once(" symbols kept")
        .and_then(|(before, _)| before.rsplit(' ').next()?.parse().ok())
        .unwrap();
    assert!(kept <= needed, "{kept} symbols kept, {needed} needed: {detail}");
    let ended = tail
        .seen()
        .iter()
        .filter(|entry| entry.event.event == EventKind::BundleIncomplete);
    assert_eq!(ended.count(), 0);
}
