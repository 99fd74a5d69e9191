//! Further signatures of a held bundle: which are added, where they go with it, and that a crash leaves all of them or none.

use audit::event::{Event, EventKind};
use protocol::bundle::Refusal;
use protocol::digest::{BundleId, Digest};
use protocol::reception::Ending;
use protocol::wire::SessionId;

use super::group_tests::at_every_operation;
use super::testing::*;
use super::{Owner, OwnerError};
use crate::control::Request;
use crate::retention::{Keep, Retention};
use crate::serve::{HeadAgain, News};

const COUNTERSIGNED: EventKind = EventKind::BundleCountersigned;

/// A receiver that holds one bundle, and trusts others besides its author.
fn holding() -> (Receiver, Owner, Packed) {
    let receiver = Receiver::new();
    receiver.trust_besides(&["bob@lab", "carol@lab"]);
    let mut owner = receiver.open().unwrap();
    let packed = Packed::numbered(1);
    let arrival = packed.arrive(&owner, 1, 1);
    owner.admit_all(vec![arrival]).unwrap();
    (receiver, owner, packed)
}

fn take(owner: &mut Owner, again: HeadAgain) -> Result<(), OwnerError> {
    owner.take(News::Countersigned(Box::new(again)))
}

fn signers_told(owner: &Owner) -> Vec<String> {
    let told = events(owner).into_iter().filter(|event| event.event == COUNTERSIGNED);
    told.map(|event| event.signer.unwrap()).collect()
}

/// The names of the envelopes in a folder.
fn envelopes(receiver: &Receiver, folder: &str) -> Vec<String> {
    let names = receiver.names(folder).into_iter();
    names.filter(|name| !name.ends_with(".bundle")).collect()
}

fn name(id: BundleId, added: u8) -> String {
    format!("{id}.{added}.dsse")
}

#[test]
fn signatures_that_a_held_bundle_lacks_are_added_one_entry_each() {
    let (receiver, mut owner, packed) = holding();
    take(&mut owner, packed.come_again(2, &["bob@lab", "carol@lab"])).unwrap();
    assert_eq!(signers_told(&owner), ["bob@lab", "carol@lab"]);
    assert_eq!(
        receiver.signers(&owner, packed.id),
        ["alice@lab", "bob@lab", "carol@lab"]
    );
    assert_eq!(envelopes(&receiver, "held"), [name(packed.id, 2)]);
    let told: Event = events(&owner).pop().unwrap();
    assert!(
        told.seq == Some(1) && told.head.is_some() && told.key.is_some(),
        "{told:?}"
    );
}

#[test]
fn signatures_that_come_one_after_the_other_are_all_kept_in_one_envelope() {
    let (receiver, mut owner, packed) = holding();
    take(&mut owner, packed.come_again(2, &["bob@lab"])).unwrap();
    take(&mut owner, packed.come_again(3, &["carol@lab"])).unwrap();
    assert_eq!(
        receiver.signers(&owner, packed.id),
        ["alice@lab", "bob@lab", "carol@lab"]
    );
    assert_eq!(envelopes(&receiver, "held"), [name(packed.id, 2)]);
}

#[test]
fn a_head_without_a_further_signature_that_is_trusted_adds_nothing() {
    let (receiver, mut owner, packed) = holding();
    take(&mut owner, packed.come_again(2, &["bob@lab"])).unwrap();
    let before = events(&owner).len();
    // One that is there already, and one that was verified by a trust that is no more.
    take(&mut owner, packed.come_again(3, &["bob@lab"])).unwrap();
    take(&mut owner, packed.come_again(4, &["mallory@lab"])).unwrap();
    assert_eq!(events(&owner).len(), before);
    assert_eq!(envelopes(&receiver, "held"), [name(packed.id, 1)]);
}

#[test]
fn only_an_announce_of_a_held_bundle_with_a_head_that_is_not_known_may_countersign() {
    let (_receiver, mut owner, packed) = holding();
    let again = packed.come_again(2, &["bob@lab"]);
    let may = |owner: &Owner, again: &HeadAgain| owner.with_ledger(|ledger| ledger.may_countersign(&again.announce));
    assert!(may(&owner, &again));
    assert!(
        !owner.with_ledger(|ledger| ledger.may_countersign(&packed.announce(2))),
        "the head it came with"
    );
    take(&mut owner, packed.come_again(2, &["bob@lab"])).unwrap();
    assert!(!may(&owner, &again), "it is known now");
    let other = packed.come_again(3, &["carol@lab"]);
    let mut unknown = other.announce.clone();
    unknown.bundle = BundleId(Digest([9; 32]));
    assert!(!owner.with_ledger(|ledger| ledger.may_countersign(&unknown)));
    decide(&mut owner, &packed, "reject");
    assert!(!may(&owner, &other), "it was decided on");
    take(&mut owner, other).unwrap();
    assert_eq!(signers_told(&owner), ["bob@lab"]);
}

/// What a person decides who looked at the bundle's report.
fn decide(owner: &mut Owner, packed: &Packed, verb: &str) {
    let scans = scan_all(owner);
    owner.judge_all(scans).unwrap();
    let report = owner.quarantine().load_report(&packed.id).unwrap().unwrap();
    let code = owner
        .authority()
        .policy()
        .unwrap()
        .judge(&report)
        .review_code(&packed.id);
    let reason = "looked at it".to_owned();
    let request = match verb {
        "reject" => Request::Reject { code, reason },
        _ => Request::Release { code, reason },
    };
    let answer = owner.answer(&request, "uid 0").unwrap();
    assert_eq!(answer.exit, 0, "{}", answer.text);
}

#[test]
fn further_signatures_go_where_their_bundle_goes_and_away_with_it() {
    for (verb, folder) in [("release", "originals"), ("reject", "rejected")] {
        let (mut receiver, mut owner, packed) = holding();
        take(&mut owner, packed.come_again(2, &["bob@lab"])).unwrap();
        decide(&mut owner, &packed, verb);
        assert_eq!(envelopes(&receiver, "held"), [""; 0]);
        assert_eq!(envelopes(&receiver, folder), [name(packed.id, 1)], "{verb}");
        drop(owner);
        let newest = Keep {
            days: None,
            bytes: Some(1),
        };
        receiver.retention = Retention {
            released: newest,
            rejected: newest,
        };
        let mut owner = receiver.open().unwrap();
        let newer = Packed::numbered(2);
        let arrival = newer.arrive(&owner, 9, 9);
        owner.admit_all(vec![arrival]).unwrap();
        decide(&mut owner, &newer, verb);
        owner.plan_retention();
        assert_eq!(
            events(&owner)
                .iter()
                .filter(|event| event.event == EventKind::LogRecovered)
                .count(),
            0
        );
        while owner.is_retiring() {
            owner.retire_some().unwrap();
        }
        assert_eq!(receiver.names(folder), [format!("{}.bundle", newer.id)], "{verb}");
    }
}

#[test]
fn a_countersigned_bundle_that_was_judged_is_not_scanned_again_by_the_next_start() {
    let (receiver, mut owner, packed) = holding();
    let scans = scan_all(&mut owner);
    owner.judge_all(scans).unwrap();
    take(&mut owner, packed.come_again(2, &["bob@lab"])).unwrap();
    drop(owner);
    let mut owner = receiver.open().unwrap();
    assert_eq!(owner.next_unscanned(), None);
    assert_eq!(receiver.signers(&owner, packed.id), ["alice@lab", "bob@lab"]);
}

#[test]
fn signatures_that_prove_nothing_keep_no_further_one_out() {
    let receiver = Receiver::new();
    receiver.trust_besides(&["bob@lab", "carol@lab"]);
    let mut owner = receiver.open().unwrap();
    let plain = Packed::numbered(1);
    let arrival = plain.clone().with_junk().arrive(&owner, 1, 1);
    owner.admit_all(vec![arrival]).unwrap();
    take(&mut owner, plain.come_again(2, &["bob@lab"])).unwrap();
    take(&mut owner, plain.come_again(3, &["carol@lab"])).unwrap();
    assert_eq!(signers_told(&owner), ["bob@lab", "carol@lab"]);
    assert_eq!(
        receiver.signers(&owner, plain.id),
        ["alice@lab", "bob@lab", "carol@lab"]
    );
}

#[test]
fn signatures_that_are_gone_may_come_again() {
    let (receiver, mut owner, packed) = holding();
    take(&mut owner, packed.come_again(2, &["bob@lab"])).unwrap();
    drop(owner);
    receiver.remove(&format!("held/{}", name(packed.id, 1)));
    let mut owner = receiver.open().unwrap();
    take(&mut owner, packed.come_again(3, &["bob@lab"])).unwrap();
    assert_eq!(signers_told(&owner), ["bob@lab", "bob@lab"]);
    assert_eq!(receiver.signers(&owner, packed.id), ["alice@lab", "bob@lab"]);
    assert_eq!(envelopes(&receiver, "held"), [name(packed.id, 2)]);
}

#[test]
fn an_envelope_of_further_signatures_that_is_damaged_is_an_alarm() {
    let (receiver, mut owner, packed) = holding();
    take(&mut owner, packed.come_again(2, &["bob@lab"])).unwrap();
    drop(owner);
    receiver.truncate(&format!("held/{}", name(packed.id, 1)), 100);
    let owner = receiver.open().unwrap();
    let alarm = events(&owner).pop().unwrap();
    assert_eq!(alarm.reason.as_deref(), Some("quarantine-alarm"));
    assert!(alarm.detail.unwrap().contains(&name(packed.id, 1)));
}

#[test]
fn signatures_that_are_gone_are_an_alarm_and_the_bundle_is_held_by_its_authors() {
    let (receiver, mut owner, packed) = holding();
    take(&mut owner, packed.come_again(2, &["bob@lab"])).unwrap();
    drop(owner);
    receiver.remove(&format!("held/{}", name(packed.id, 1)));
    let owner = receiver.open().unwrap();
    let alarm = events(&owner).pop().unwrap();
    assert!(alarm.detail.unwrap().contains(&name(packed.id, 1)));
    assert_eq!(receiver.signers(&owner, packed.id), ["alice@lab"]);
}

#[test]
fn a_head_that_is_refused_is_told_of_the_bundle_that_it_would_have_countersigned() {
    let (_receiver, mut owner, packed) = holding();
    let again = packed.come_again(2, &["bob@lab"]);
    let why = Ending::Refused(Refusal::LeafMismatch { block: 0, leaf: 0 });
    let ended = News::Ended(Box::new(again.announce), SessionId(7), why, summary(), false);
    owner.take(ended).unwrap();
    assert_eq!(bundles_of(&owner, EventKind::BundleRefused), [packed.id]);
}

#[test]
fn a_countersigning_cut_short_anywhere_is_whole_or_was_never_and_can_come_again() {
    let packed = Packed::numbered(1);
    let prepare = || {
        let receiver = Receiver::new();
        receiver.trust_besides(&["bob@lab", "carol@lab"]);
        let mut owner = receiver.open().unwrap();
        let arrival = packed.arrive(&owner, 1, 1);
        owner.admit_all(vec![arrival]).unwrap();
        take(&mut owner, packed.come_again(2, &["bob@lab"])).unwrap();
        (receiver, owner, packed.come_again(3, &["carol@lab"]))
    };
    at_every_operation(prepare, take, |receiver, owner, done| {
        let told = signers_told(owner);
        let refused = bundles_of(owner, EventKind::BundleRefused).len();
        assert!(told.len() == 2 || refused == 1 || !done, "{told:?}");
        let assert_sound = |owner: &Owner| {
            let told = signers_told(owner);
            let added = u8::try_from(told.len()).unwrap();
            assert_eq!(envelopes(receiver, "held"), [name(packed.id, added)]);
            assert_eq!(receiver.signers(owner, packed.id)[1..], told);
            let alarms = events(owner).into_iter();
            let alarms = alarms.filter(|event| event.reason.as_deref() == Some("quarantine-alarm"));
            assert_eq!(alarms.count(), 0);
        };
        assert_sound(owner);
        take(owner, packed.come_again(4, &["carol@lab"])).unwrap();
        assert_eq!(signers_told(owner).len(), 2);
        assert_sound(owner);
    });
}
