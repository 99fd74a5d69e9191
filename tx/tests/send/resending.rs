//! Bundles sent again by number and by code, and what is refused.

use std::fs;

use super::receiving::{Desk, assert_refused, json, stderr};
use protocol::resend::ResendCode;
use protocol::sequences::SequenceRange;

/// A desk that has sent two bundles, and its epoch.
fn desk() -> (Desk, u64) {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    desk.bundle("bb.bundle", 1000);
    let sent = desk.send(&["a.bundle", "bb.bundle"], &["--json"]);
    assert!(sent.status.success(), "{}", stderr(&sent));
    let epoch = json(&sent)[0]["epoch_id"].as_str().unwrap().to_owned();
    (desk, u64::from_str_radix(&epoch, 16).unwrap())
}

fn code(epoch: u64, number: u64) -> String {
    ResendCode::new(epoch, SequenceRange::of(number)).to_string()
}

/// The folder that a watch keeps what it has sent in, with both bundles.
fn sent_folder(desk: &Desk) {
    fs::create_dir_all(desk.path("outbox/sent")).unwrap();
    for name in ["a.bundle", "bb.bundle"] {
        fs::rename(desk.path(name), desk.path("outbox/sent").join(name)).unwrap();
    }
}

#[test]
fn a_bundle_is_sent_again_by_its_number_from_a_file_that_is_given() {
    let (desk, _) = desk();
    let again = desk.resend(&["2"], &["--bundle", "bb.bundle", "--json"]);
    assert!(again.status.success(), "{}", stderr(&again));
    let records = json(&again);
    assert_eq!((&records[0]["seq"], &records[0]["again"]), (&2.into(), &true.into()));
    assert_eq!(records.len(), 1);
}

#[test]
fn bundles_are_found_in_the_outbox_by_codes_and_numbers() {
    let (desk, epoch) = desk();
    sent_folder(&desk);
    let code = code(epoch, 2).to_lowercase();
    let again = desk.resend(&[&code, "1"], &["--outbox", "outbox", "--json"]);
    assert!(again.status.success(), "{}", stderr(&again));
    let mut numbers: Vec<_> = json(&again).iter().map(|record| record["seq"].as_u64()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [Some(1), Some(2)]);
}

#[test]
fn a_number_that_nobody_has_and_a_code_that_does_not_fit_are_refused_and_nothing_is_sent() {
    let (desk, epoch) = desk();
    desk.datagrams();
    let typed = code(epoch, 2);
    let mistyped = typed.replacen('2', "1", 1);
    let other = code(!epoch, 2);
    for (what, part) in [
        ("3", "not given to any bundle yet"),
        ("1..3", "not given to any bundle yet"),
        ("0", "no sequence numbers"),
        ("two", "no sequence numbers"),
        (mistyped.as_str(), "mistyped"),
        (other.as_str(), "another epoch"),
    ] {
        let refused = desk.resend(&[what], &["--bundle", "a.bundle"]);
        assert_refused(&refused, 2, &[part, "mend"]);
    }
    assert!(desk.datagrams().is_empty());
    let fine = code(epoch, 1);
    let refused = desk.resend(&[&fine, &mistyped], &["--bundle", "a.bundle"]);
    assert_refused(&refused, 2, &[&format!("the code {mistyped:?} is mistyped")]);
    assert!(!stderr(&refused).contains("group 1"), "it is the second that is wrong");
}

#[test]
fn a_bundle_without_a_file_and_a_file_of_another_bundle_are_refused() {
    let (desk, _) = desk();
    assert_refused(
        &desk.resend(&["2"], &[]),
        2,
        &["there is no file of this bundle", "--bundle FILE"],
    );
    let other = desk.resend(&["2"], &["--bundle", "a.bundle"]);
    assert_refused(&other, 2, &["none of the numbers", "a.bundle"]);
    sent_folder(&desk);
    fs::remove_file(desk.path("outbox/sent/bb.bundle")).unwrap();
    let gone = desk.resend(&["1", "2"], &["--outbox", "outbox"]);
    assert_refused(
        &gone,
        2,
        &["there is no file of this bundle", "sent, sending and refused in outbox"],
    );
}

#[test]
fn without_a_state_there_is_no_number() {
    let desk = Desk::new();
    desk.bundle("a.bundle", 1000);
    let refused = desk.resend(&["1"], &["--bundle", "a.bundle"]);
    assert_refused(&refused, 2, &["there is no transmitter's state"]);
    assert!(!desk.path("state").exists());
}

#[test]
fn without_the_log_of_a_state_that_gave_numbers_it_is_said_what_is_missing_and_what_to_do() {
    let (desk, _) = desk();
    fs::remove_dir_all(desk.path("state/log")).unwrap();
    let refused = desk.resend(&["1"], &["--bundle", "a.bundle"]);
    assert_refused(&refused, 2, &["audit log is missing", "epoch new", "diode-tx send"]);
    fs::remove_file(desk.path("state/mark")).unwrap();
    let refused = desk.resend(&["1"], &["--bundle", "a.bundle"]);
    assert_refused(&refused, 2, &["audit log is missing, and its mark too", "epoch new"]);
}
