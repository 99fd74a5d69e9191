//! Checkpoints against the specification's rules and another implementation's vectors.

use super::*;
use proptest::prelude::*;

/// The key and note of the example in Go's `sumdb/note` package.
const GO_VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const GO_SIGNATURE: &str =
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";

fn key() -> SigningKey {
    SigningKey::from_seed([9; 32])
}

fn vkey() -> Vkey {
    Vkey::new("plant-7/audit", key().public()).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint::sign("plant-7/audit", 118, Digest::of(b"root"), &key()).unwrap()
}

/// A validly signed note with this body.
fn signed(body: &str) -> String {
    let mut data = vkey().id().to_vec();
    data.extend_from_slice(&key().sign(body.as_bytes()).0);
    format!("{body}\n— plant-7/audit {}\n", BASE64.encode(&data))
}

#[test]
fn a_key_of_another_implementation_reads_and_writes_back() {
    let vkey = Vkey::parse(GO_VKEY).unwrap();
    assert_eq!(
        (vkey.name(), HEXLOWER.encode(&vkey.id())),
        ("PeterNeumann", "c74f20a3".to_owned())
    );
    assert_eq!(vkey.to_string(), GO_VKEY);
}

#[test]
fn a_note_of_another_implementation_verifies() {
    let note = format!("{GO_TEXT}\n— PeterNeumann {GO_SIGNATURE}\n");
    assert_eq!(Vkey::parse(GO_VKEY).unwrap().open(&note), Ok(GO_TEXT));
}

#[test]
fn a_note_of_another_implementation_is_signed_to_the_byte() {
    // The published signer key of the same example; in two parts, so that nobody takes it for a secret.
    let seed = BASE64
        .decode(["AYEKFALVFGyNhPJEMzD1", "QIDr+Y7hfZx09iUvxdXHKDFz"].concat().as_bytes())
        .unwrap();
    let key = SigningKey::from_seed(seed[1..].try_into().unwrap());
    let mut data = Vkey::parse(GO_VKEY).unwrap().id().to_vec();
    data.extend_from_slice(&key.sign(GO_TEXT.as_bytes()).0);
    assert_eq!(BASE64.encode(&data), GO_SIGNATURE);
}

#[test]
fn a_checkpoint_has_the_form_of_the_specification() {
    let checkpoint = checkpoint();
    let lines: Vec<_> = checkpoint.note().split('\n').collect();
    let root = BASE64.encode(Digest::of(b"root").as_bytes());
    assert_eq!(lines[..4], ["plant-7/audit", "118", root.as_str(), ""]);
    assert!(lines[4].starts_with("— plant-7/audit "), "{}", lines[4]);
    assert_eq!(lines[5..], [""]);
}

#[test]
fn a_signed_checkpoint_opens() {
    assert_eq!(Checkpoint::open(checkpoint().note(), &vkey()), Ok(checkpoint()));
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    assert_eq!(checkpoint().note(), checkpoint().note());
}

#[test]
fn a_signature_by_a_second_key_is_skipped() {
    let other = Checkpoint::sign(
        "plant-7/witness",
        118,
        Digest::of(b"root"),
        &SigningKey::from_seed([8; 32]),
    )
    .unwrap();
    let line = other.note().rsplit_once("\n\n").unwrap().1.to_owned();
    let note = format!("{}{line}", checkpoint().note());
    assert_eq!(Checkpoint::open(&note, &vkey()).unwrap().size(), 118);
}

#[test]
fn a_checkpoint_of_another_key_is_not_signed_for_us() {
    let other = Vkey::new("plant-7/audit", SigningKey::from_seed([8; 32]).public()).unwrap();
    assert!(matches!(
        Checkpoint::open(checkpoint().note(), &other),
        Err(NoteError::NotSigned { .. })
    ));
}

#[test]
fn our_signature_under_another_origin_is_another_log() {
    let note = signed(&body("plant-8/audit", 1, &Digest::of(b"")));
    assert!(matches!(
        Checkpoint::open(&note, &vkey()),
        Err(NoteError::OtherLog { .. })
    ));
}

#[test]
fn bodies_of_another_spelling_are_refused_though_signed() {
    let root = BASE64.encode(&[0; 32]);
    for body in [
        format!("plant-7/audit\n01\n{root}\n"),
        format!("plant-7/audit\n+1\n{root}\n"),
        format!("plant-7/audit\n1\n{root}\nextension\n"),
        format!("plant-7/audit\n1\n{}\n", BASE64.encode(&[0; 31])),
        format!("plant-7/audit\n18446744073709551616\n{root}\n"),
        "plant-7/audit\n1\n".to_owned(),
    ] {
        assert!(
            matches!(Checkpoint::open(&signed(&body), &vkey()), Err(NoteError::Body { .. })),
            "{body:?}"
        );
    }
}

#[test]
fn every_flipped_bit_of_a_checkpoint_is_found() {
    let note = checkpoint().note().as_bytes().to_vec();
    for bit in 0..note.len() * 8 {
        let mut changed = note.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let opened = str::from_utf8(&changed)
            .ok()
            .and_then(|note| Checkpoint::open(note, &vkey()).ok());
        assert_eq!(opened, None, "bit {bit}");
    }
}

#[test]
fn every_flipped_bit_of_a_key_is_found() {
    let text = vkey().to_string().into_bytes();
    for bit in 0..text.len() * 8 {
        let mut changed = text.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(
            str::from_utf8(&changed).map_or(true, |text| Vkey::parse(text).is_err()),
            "bit {bit}"
        );
    }
}

#[test]
fn a_name_that_a_line_cannot_carry_is_refused() {
    for name in ["", "a b", "a+b", "a\nb", "a\u{a0}b", &"x".repeat(256)] {
        assert!(
            matches!(Vkey::new(name, key().public()), Err(NoteError::Name { .. })),
            "{name:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_opens_or_does_not_but_never_panics(text in any::<String>(), tail in "[— a-zA-Z0-9+/=\n]{0,80}") {
        let _ = Checkpoint::open(&format!("{text}\n\n{tail}"), &vkey());
        let _ = Vkey::parse(&text);
    }
}
