//! Keys, and whom they are trusted to be.

use data_encoding::BASE64;
use protocol::keys::{Fingerprint, PublicKey, SigningKey};
use protocol::trust::{Role, Trust};

use crate::fuzz::fixture::NOW;

/// A trust file: what is found in it is one of its lines, and each of its lines can be written again for the same key and names.
pub fn allowed_signers(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(trust) = Trust::parse(&text, "allowed_signers") else {
        return;
    };
    assert!(trust.keys().len() <= text.lines().count());
    for key in trust.keys() {
        assert_eq!(key.fingerprint, key.public.fingerprint());
        for role in Role::ALL {
            if let Ok(found) = trust.find(&key.fingerprint, role, NOW) {
                assert!(found.fingerprint == key.fingerprint && found.has_role(role));
            }
        }
        let names = key.principals.as_str();
        let line = Trust::format_line(names, Role::Author, &key.public, "").expect("the names stood in such a file");
        let again = Trust::parse(&line, "again").expect("it was written for this format");
        let again: Vec<_> = again.keys().collect();
        let [again] = again[..] else {
            panic!("one line is one key")
        };
        assert_eq!((&again.principals, again.public), (&key.principals, key.public));
        assert_eq!(Role::ALL.map(|role| again.has_role(role)), [true, false, false, false]);
    }
}

/// A public key's text, and a fingerprint's: each reads back.
pub fn public_key(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(key) = PublicKey::parse(&text) {
        assert_eq!(PublicKey::parse(&key.to_openssh("a comment")), Ok(key));
        assert_eq!(PublicKey::from_bytes(&key.to_bytes()), Ok(key));
    }
    if let Ok(fingerprint) = text.trim().parse::<Fingerprint>() {
        assert_eq!(fingerprint.to_string(), text.trim());
    }
}

/// What stands within the armour of a private key's file, in either format: what parses is the same key when it is written again, and an
/// error tells nothing of the file's text.
pub fn signing_key(bytes: &[u8]) {
    for label in ["PRIVATE KEY", "OPENSSH PRIVATE KEY"] {
        let body = wrapped(&BASE64.encode(bytes));
        let text = format!("-----BEGIN {label}-----\n{body}-----END {label}-----\n");
        match SigningKey::parse(&text) {
            Ok(key) => {
                let again = SigningKey::parse(&key.to_pkcs8_pem()).expect("it is the format that is read first");
                assert_eq!(again.public(), key.public());
            }
            Err(error) => {
                let told = error.to_string();
                assert!(body.lines().all(|line| line.len() < 16 || !told.contains(line)));
            }
        }
    }
    // As it came: no armour at all, or one that is broken.
    let _ = SigningKey::parse(&String::from_utf8_lossy(bytes));
}

/// In lines as long as either format wants them.
fn wrapped(base64: &str) -> String {
    let characters: Vec<char> = base64.chars().collect();
    let lines = characters.chunks(64).map(|line| line.iter().collect::<String>() + "\n");
    lines.collect()
}
