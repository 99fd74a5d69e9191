//! Keys are made once, for their owner alone, with a line for the receivers.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::desk::Desk;

#[test]
fn the_secret_key_is_for_its_owner_alone() {
    let desk = Desk::new();
    let mode = fs::metadata(desk.key()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_line_to_carry_has_the_name_and_the_public_key_in_the_file() {
    let desk = Desk::new();
    let made = desk
        .run(&["keygen", "--out", "bob.key", "--comment", "bob@lab", "--json"])
        .done()
        .json();
    let public = fs::read_to_string(desk.out().join("bob.key.pub")).unwrap();
    let line = made["allowed_signers"].as_str().unwrap();
    let key = public.split_whitespace().nth(1).unwrap();
    assert!(
        line.starts_with("bob@lab namespaces=\"diode-bundle\" ssh-ed25519 ") && line.contains(key),
        "{line}"
    );
}

#[test]
fn the_text_shows_fingerprint_public_file_and_line() {
    let desk = Desk::new();
    let made = desk.run(&["keygen", "--out", "bob.key", "--comment", "bob@lab"]).done();
    for words in ["SHA256:", "bob.key.pub", "bob@lab namespaces="] {
        assert!(made.out.contains(words), "{}", made.out);
    }
}

#[test]
fn an_existing_key_is_not_overwritten() {
    let desk = Desk::new();
    let before = fs::read(desk.key()).unwrap();
    desk.run(&["keygen", "--out", "../alice.key"])
        .refused(2, &["alice.key", "exists", "mend"]);
    assert_eq!(fs::read(desk.key()).unwrap(), before);
}

#[test]
fn a_name_that_no_list_of_signers_can_hold_is_refused() {
    let desk = Desk::new();
    for name in ["", "a b", "a,b", "*", "a\u{202e}b"] {
        desk.run(&["keygen", "--out", "bob.key", "--comment", name])
            .refused(2, &["author's name", "--comment"]);
    }
    assert!(desk.written().is_empty());
}
