//! States, each told once, and what does not change them.

use super::*;
use crate::keys::SigningKey;
use crate::wire::{LinkParameters, SignedHeartbeat};

const MISMATCH: Mismatch = Mismatch {
    setting: "limits.memory_mib",
    needs: 9,
    allows: 8,
};

fn signed(change: impl FnOnce(&mut Heartbeat)) -> SignedHeartbeat {
    let mut heartbeat = Heartbeat {
        epoch: 1,
        counter: 1,
        interval_ms: 1000,
        next: 10,
        sent_below: 10,
        parameters: LinkParameters {
            symbol_len: 1408,
            block_len: 262_144,
            depth: 16,
            lanes: 1,
            max_esi: 300,
            passes: 1,
            loss_ppm: 0,
            burst: 0,
        },
        in_flight: Vec::new(),
        voids: Vec::new(),
        checkpoint: None,
    };
    change(&mut heartbeat);
    let key = SigningKey::from_seed([1; 32]);
    SignedHeartbeat::open(&heartbeat.sign(&key).unwrap(), &[key.public()]).unwrap()
}

fn beat(counter: u64) -> SignedHeartbeat {
    signed(|heartbeat| heartbeat.counter = counter)
}

/// A monitor that was started at 0 and heard heartbeat 1 at 100.
fn up() -> LinkMonitor {
    let mut monitor = LinkMonitor::default();
    monitor.handle_timeout(Tick(0));
    monitor.handle_heartbeat(&beat(1), None, Tick(100));
    assert_eq!(states(&mut monitor), [LinkState::Up]);
    monitor
}

/// The states that were told since the last call.
fn states(monitor: &mut LinkMonitor) -> Vec<LinkState> {
    let news = std::iter::from_fn(|| monitor.poll_news());
    let states = news.filter_map(|news| match news {
        LinkNews::Changed(change) => Some(change.is),
        LinkNews::Restored { .. } => None,
    });
    states.collect()
}

#[test]
fn a_link_is_silent_after_three_intervals_and_not_a_millisecond_before() {
    let mut monitor = up();
    assert_eq!(monitor.poll_timeout(), Some(Tick(3100)));
    monitor.handle_timeout(Tick(3099));
    assert_eq!(monitor.state(), LinkState::Up);
    monitor.handle_timeout(Tick(3100));
    let change = LinkChange {
        was: LinkState::Up,
        is: LinkState::Silent,
        lasted_ms: 3000,
        unheard_ms: Some(3000),
        interval_ms: Some(1000),
    };
    assert_eq!(monitor.poll_news(), Some(LinkNews::Changed(change)));
    assert_eq!(monitor.poll_timeout(), None);
}

#[test]
fn silence_is_told_once_and_its_end_once() {
    let mut monitor = up();
    for at in (4000..20_000).step_by(500) {
        monitor.handle_timeout(Tick(at));
    }
    for counter in 2..10 {
        monitor.handle_heartbeat(&beat(counter), None, Tick(20_000 + counter));
    }
    assert_eq!(states(&mut monitor), [LinkState::Silent, LinkState::Up]);
}

#[test]
fn the_interval_that_counts_is_the_one_stated_last() {
    let mut monitor = up();
    let slow = signed(|heartbeat| (heartbeat.counter, heartbeat.interval_ms) = (2, 30_000));
    monitor.handle_heartbeat(&slow, None, Tick(1000));
    assert_eq!(monitor.poll_timeout(), Some(Tick(91_000)));
}

#[test]
fn a_transmitter_that_was_never_heard_is_silent_after_a_minute() {
    let mut monitor = LinkMonitor::default();
    assert_eq!(monitor.poll_timeout(), Some(Tick(0)), "at once, to learn the time");
    monitor.handle_timeout(Tick(5));
    assert_eq!(
        (monitor.state(), monitor.poll_timeout()),
        (LinkState::Unknown, Some(Tick(60_005)))
    );
    monitor.handle_timeout(Tick(60_005));
    assert_eq!(states(&mut monitor), [LinkState::Silent]);
    assert_eq!(monitor.unheard_ms(Tick(70_000)), None);
}

#[test]
fn a_heartbeat_played_again_is_no_sign_of_life() {
    let mut monitor = up();
    for counter in [1, 0] {
        let fate = monitor.handle_heartbeat(&beat(counter), None, Tick(2000));
        assert_eq!(fate, HeartbeatFate::Old);
    }
    assert_eq!(monitor.poll_timeout(), Some(Tick(3100)));
}

#[test]
fn an_announce_of_a_newer_transmission_is_a_sign_of_life() {
    let mut monitor = up();
    assert!(monitor.handle_announce(1, UnixMillis(50), Tick(3000)));
    monitor.handle_timeout(Tick(5999));
    assert_eq!(monitor.state(), LinkState::Up);
    monitor.handle_timeout(Tick(6000));
    assert!(monitor.handle_announce(1, UnixMillis(51), Tick(7000)));
    assert_eq!(states(&mut monitor), [LinkState::Silent, LinkState::Up]);
}

#[test]
fn recorded_announces_keep_no_dead_link_up() {
    let mut monitor = up();
    assert!(monitor.handle_announce(1, UnixMillis(50), Tick(200)));
    for created in (0..=50).rev().cycle().take(3000) {
        assert!(!monitor.handle_announce(1, UnixMillis(created), Tick(3000)));
    }
    monitor.handle_timeout(Tick(3200));
    monitor.handle_announce(1, UnixMillis(50), Tick(3300));
    assert_eq!(states(&mut monitor), [LinkState::Silent]);
}

#[test]
fn what_was_heard_before_a_restart_is_no_sign_of_life_after_it() {
    let mut monitor = LinkMonitor::default();
    monitor.remember_heard(1, 7, UnixMillis(50), Tick(0));
    monitor.remember(1, 12, Tick(0));
    assert_eq!(monitor.handle_heartbeat(&beat(7), None, Tick(1)), HeartbeatFate::Old);
    assert!(!monitor.handle_announce(1, UnixMillis(50), Tick(2)));
    assert_eq!((monitor.state(), monitor.poll_news()), (LinkState::Unknown, None));
    assert_eq!(monitor.handle_heartbeat(&beat(8), None, Tick(3)), HeartbeatFate::Fresh);
}

#[test]
fn epochs_that_were_heard_outlast_those_that_are_only_known_of() {
    let mut monitor = LinkMonitor::default();
    for epoch in 1..=EPOCHS_KEPT as u64 {
        monitor.remember(epoch, 1, Tick(0));
    }
    // That of the beats below among them, the lowest.
    for epoch in [1].into_iter().chain(100..99 + EPOCHS_KEPT as u64) {
        monitor.remember_heard(epoch, 7, UnixMillis(50), Tick(1));
    }
    assert_eq!(monitor.handle_heartbeat(&beat(7), None, Tick(2)), HeartbeatFate::Old);
}

#[test]
fn a_mismatch_lasts_until_a_heartbeat_fits_and_names_the_setting() {
    let mut monitor = up();
    monitor.handle_heartbeat(&beat(2), Some(MISMATCH), Tick(1000));
    monitor.handle_announce(1, UnixMillis(50), Tick(1500));
    monitor.handle_heartbeat(&beat(3), Some(MISMATCH), Tick(2000));
    assert_eq!(monitor.age_ms(Tick(2500)), 1500);
    monitor.handle_heartbeat(&beat(4), None, Tick(3000));
    assert_eq!(states(&mut monitor), [LinkState::Mismatched(MISMATCH), LinkState::Up]);
    let told = "limits.memory_mib allows 8 bytes, the transmitter's settings need 9 bytes";
    assert_eq!(MISMATCH.to_string(), told);
}

#[test]
fn another_version_is_told_where_nothing_else_lives() {
    let mut monitor = up();
    monitor.handle_foreign_version(2, Tick(1000));
    assert_eq!(monitor.state(), LinkState::Up);
    monitor.handle_timeout(Tick(3100));
    for at in 3200..3300 {
        monitor.handle_foreign_version(if at % 2 == 0 { 2 } else { 9 }, Tick(at));
    }
    let foreign = LinkState::ForeignVersion {
        theirs: 2,
        ours: VERSION,
    };
    assert_eq!(monitor.poll_timeout(), Some(Tick(3298 + 3000)));
    monitor.handle_timeout(Tick(6298));
    assert_eq!(states(&mut monitor), [LinkState::Silent, foreign, LinkState::Silent]);
}

#[test]
fn a_sign_of_life_ends_the_state_of_another_version() {
    let mut monitor = LinkMonitor::default();
    monitor.handle_foreign_version(2, Tick(10));
    monitor.handle_heartbeat(&beat(1), None, Tick(20));
    let foreign = LinkState::ForeignVersion {
        theirs: 2,
        ours: VERSION,
    };
    assert_eq!(states(&mut monitor), [foreign, LinkState::Up]);
}

#[test]
fn a_next_number_that_goes_backwards_is_told_once() {
    let mut monitor = up();
    for counter in 2..5 {
        let restored = signed(|heartbeat| {
            (heartbeat.counter, heartbeat.next, heartbeat.sent_below) = (counter, 7, 7);
        });
        monitor.handle_heartbeat(&restored, None, Tick(1000));
    }
    let restored = LinkNews::Restored {
        epoch: 1,
        was: 10,
        is: 7,
    };
    assert_eq!(monitor.poll_news(), Some(restored));
    assert_eq!(monitor.poll_news(), None);
}

#[test]
fn a_next_number_below_what_is_remembered_from_before_is_told() {
    let mut monitor = LinkMonitor::default();
    monitor.remember(1, 12, Tick(0));
    monitor.handle_heartbeat(&beat(1), None, Tick(1));
    let restored = LinkNews::Restored {
        epoch: 1,
        was: 12,
        is: 10,
    };
    assert_eq!(monitor.poll_news(), Some(restored));
}

#[test]
fn another_epoch_counts_from_its_own_start() {
    let mut monitor = up();
    let other = signed(|heartbeat| (heartbeat.epoch, heartbeat.next, heartbeat.sent_below) = (2, 1, 1));
    assert_eq!(monitor.handle_heartbeat(&other, None, Tick(200)), HeartbeatFate::Fresh);
    assert_eq!(monitor.poll_news(), None);
}

#[test]
fn of_epochs_without_end_the_last_are_kept() {
    let mut monitor = up();
    for epoch in 2..1000 {
        let other = signed(|heartbeat| heartbeat.epoch = epoch);
        monitor.handle_heartbeat(&other, None, Tick(200 + epoch));
    }
    assert_eq!(monitor.epochs.len(), EPOCHS_KEPT);
    assert!(monitor.is_old(999, 1) && !monitor.is_old(1, 1));
}
