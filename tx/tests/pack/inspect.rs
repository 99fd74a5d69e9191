//! What a bundle file claims, what is proved, and how damage is named.

use std::fs;
use std::path::PathBuf;

use crate::desk::Desk;

/// Three files in four leaves: `a` in 0 to 1, `b` from 1 to 2, `c` in 3.
fn packed() -> (Desk, PathBuf) {
    let desk = Desk::with(&[("a", &"a".repeat(6000)), ("b", &"b".repeat(6288)), ("c", "c")]);
    let bundle = desk.bundle(&["--leaf-len", "4096"]);
    (desk, bundle)
}

/// Changes the bundle's bytes; `change` is told where the content starts.
fn damage(bundle: &PathBuf, change: impl FnOnce(usize, &mut Vec<u8>)) {
    let mut bytes = fs::read(bundle).unwrap();
    let start = bytes.len() - (6000 + 6288 + 1);
    change(start, &mut bytes);
    fs::write(bundle, bytes).unwrap();
}

fn trust(desk: &Desk) {
    let public = fs::read_to_string(desk.root().join("alice.key.pub")).unwrap();
    fs::write(desk.out().join("signers"), format!("alice@lab {public}")).unwrap();
}

#[test]
fn a_sound_bundle_shows_claims_apart_from_proof() {
    let (desk, _) = packed();
    let seen = desk.run(&["inspect", "b.bundle"]).done().out;
    let (claims, proof) = seen.split_once("\nproved").unwrap();
    assert!(
        claims.contains("claimed   author alice@lab") && claims.contains("audience plant-7"),
        "{seen}"
    );
    assert!(
        proof.contains("4 leaves, 3 files") && proof.contains("unproved  who signed: give --trust"),
        "{seen}"
    );
}

#[test]
fn the_id_shown_is_the_one_that_packing_told() {
    let desk = Desk::with(&[("a", "a")]);
    let packed = desk.pack(&["--json", "-o", "b.bundle"]).done().json();
    let seen = desk.run(&["inspect", "b.bundle", "--json"]).done().json();
    assert_eq!(seen["bundle"], packed["bundle"]);
}

#[test]
fn files_are_listed_when_asked_for() {
    let (desk, _) = packed();
    let digest = "2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6";
    assert!(
        desk.run(&["inspect", "b.bundle", "--files"])
            .done()
            .out
            .contains(&format!("{digest}         1 B  c\n"))
    );
    assert!(!desk.run(&["inspect", "b.bundle"]).done().out.contains(digest));
}

#[test]
fn with_trust_the_signer_is_named_by_line() {
    let (desk, _) = packed();
    trust(&desk);
    let seen = desk
        .run(&["inspect", "b.bundle", "--trust", "signers", "--as", "plant-7"])
        .done()
        .out;
    assert!(
        seen.contains("signed by alice@lab, key SHA256:") && seen.contains("allowed_signers line 1"),
        "{seen}"
    );
}

#[test]
fn another_receiver_would_refuse_it() {
    let (desk, _) = packed();
    trust(&desk);
    let args = ["inspect", "b.bundle", "--trust", "signers", "--as", "plant-8"];
    desk.run(&args)
        .refused(5, &["would refuse", "plant-8", "wrong-audience"]);
}

#[test]
fn a_signer_whom_nobody_trusts_is_refused() {
    let (desk, _) = packed();
    desk.run(&["keygen", "--out", "mallory.key"]).done();
    let public = fs::read_to_string(desk.out().join("mallory.key.pub")).unwrap();
    fs::write(desk.out().join("signers"), format!("alice@lab {public}")).unwrap();
    let args = ["inspect", "b.bundle", "--trust", "signers", "--as", "plant-7", "--json"];
    let ran = desk.run(&args).refused(5, &["untrusted-signer", "signers"]);
    let signature = &ran.json()["proved"]["signature"];
    assert_eq!(
        (&signature["valid"], &signature["reason"]),
        (&false.into(), &"untrusted-signer".into())
    );
}

#[test]
fn a_trust_file_that_cannot_be_read_is_a_matter_of_configuration() {
    let (desk, _) = packed();
    fs::write(desk.out().join("signers"), "alice@lab nonsense\n").unwrap();
    desk.run(&["inspect", "b.bundle", "--trust", "signers", "--as", "plant-7"])
        .refused(2, &["signers"]);
    desk.run(&["inspect", "b.bundle", "--trust", "signers"])
        .refused(2, &["--as"]);
}

#[test]
fn a_flipped_bit_names_leaf_and_file() {
    let (desk, bundle) = packed();
    damage(&bundle, |start, bytes| bytes[start + 2 * 4096 + 9] ^= 4);
    let ran = desk
        .run(&["inspect", "b.bundle"])
        .refused(5, &["not as it was signed", "leaf 2 (0 to 3", "in b)", "mend"]);
    assert!(
        ran.out.contains("claimed   author alice@lab") && ran.out.contains("FAILED    content: leaf 2"),
        "{}",
        ran.out
    );
}

#[test]
fn a_flipped_bit_in_a_shared_leaf_names_both_files() {
    let (desk, bundle) = packed();
    damage(&bundle, |start, bytes| bytes[start + 6000] ^= 4);
    desk.run(&["inspect", "b.bundle"])
        .refused(5, &["leaf 1 (0 to 3", "in a, b)"]);
}

#[test]
fn a_flipped_bit_is_false_in_json_too() {
    let (desk, bundle) = packed();
    damage(&bundle, |start, bytes| bytes[start] ^= 4);
    let ran = desk.run(&["inspect", "b.bundle", "--json"]).refused(5, &["leaf 0"]);
    assert_eq!(ran.json()["proved"]["content"], false);
}

#[test]
fn a_file_cut_short_names_the_first_leaf_that_is_not_whole() {
    let (desk, bundle) = packed();
    damage(&bundle, |start, bytes| bytes.truncate(start + 7000));
    desk.run(&["inspect", "b.bundle"])
        .refused(5, &["cut short", "leaf 1 (0 to 3", "in a, b)"]);
}

#[test]
fn a_file_cut_within_its_head_says_so() {
    let (desk, bundle) = packed();
    damage(&bundle, |start, bytes| bytes.truncate(start - 1));
    desk.run(&["inspect", "b.bundle"])
        .refused(5, &["cut short within the head"]);
}

#[test]
fn a_changed_statement_is_refused_by_its_signature() {
    let (desk, bundle) = packed();
    trust(&desk);
    damage(&bundle, |start, bytes| {
        // The signature is the last text in quotes before the index of 32 bytes a leaf.
        let at = start - 4 * 32 - 20;
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    });
    let args = ["inspect", "b.bundle", "--trust", "signers", "--as", "plant-7"];
    desk.run(&args).refused(5, &["bad-signature"]);
}

#[test]
fn another_kind_of_file_is_no_bundle() {
    let desk = Desk::new();
    fs::write(desk.out().join("x"), "twenty bytes or more of text").unwrap();
    desk.run(&["inspect", "x"]).refused(5, &["not a bundle"]);
}

#[test]
fn a_file_that_is_not_there_is_a_matter_of_usage() {
    Desk::new()
        .run(&["inspect", "x.bundle"])
        .refused(2, &["can't be opened", "x.bundle"]);
}
