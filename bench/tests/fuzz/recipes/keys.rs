//! Trust files and keys. Private ones have no armour here, and nothing but zeros for a key: the target puts the armour around them.

use diode_bench::fuzz::fixture::{author_key, link_key, log_key};

use super::Seed;

pub(super) fn seeds() -> Vec<Seed> {
    let [alice, bob] = [author_key().public(), link_key().public()];
    let plain = format!(
        "# who may sign\n\nalice@lab {}\nbob@lab,*@ops,!eve@ops namespaces=\"diode-bundle,diode-approve\" {}\n",
        alice.to_openssh("alice"),
        bob.to_openssh(""),
    );
    let windows = format!(
        "\"carol at lab\" valid-after=\"20260101\",valid-before=\"20271231235959Z\",namespaces=\"diode-*\" {}\r\n\
         ?@lab NAMESPACES=\"diode-decision\" {}\r\n",
        alice.to_openssh(""),
        log_key().public().to_openssh("a comment of words"),
    );
    let fingerprint = alice.fingerprint().to_string();
    vec![
        ("allowed_signers", "plain", plain.into_bytes()),
        ("allowed_signers", "options", windows.into_bytes()),
        (
            "allowed_signers",
            "one-line",
            format!("* {}", bob.to_openssh("")).into_bytes(),
        ),
        ("public_key", "openssh", alice.to_openssh("alice@lab").into_bytes()),
        ("public_key", "fingerprint", fingerprint.into_bytes()),
        ("public_key", "pem", public_pem(&alice.to_bytes())),
        ("signing_key", "pkcs8-zeros", pkcs8()),
        ("signing_key", "openssh-zeros", openssh()),
        (
            "signing_key",
            "openssh-encrypted",
            openssh_start("aes256-ctr", "bcrypt"),
        ),
    ]
}

/// RFC 8410, section 4.
fn public_pem(key: &[u8; 32]) -> Vec<u8> {
    let der = [
        &[0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00][..],
        key,
    ]
    .concat();
    let base64 = data_encoding::BASE64.encode(&der);
    format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n").into_bytes()
}

/// RFC 8410, section 7, with zeros for the key.
fn pkcs8() -> Vec<u8> {
    let start = [
        0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ];
    [&start[..], &[0; 32]].concat()
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend_from_slice(bytes);
}

/// What OpenSSH's PROTOCOL.key begins with: ciphers' names, no options, one key.
fn openssh_start(cipher: &str, kdf: &str) -> Vec<u8> {
    let mut out = b"openssh-key-v1\0".to_vec();
    for name in [cipher, kdf, ""] {
        string(&mut out, name.as_bytes());
    }
    out.extend_from_slice(&1u32.to_be_bytes());
    let mut public = Vec::new();
    string(&mut public, b"ssh-ed25519");
    string(&mut public, &author_key().public().to_bytes());
    string(&mut out, &public);
    out
}

/// A file whose private half is zeros, and so is not the public half's: refused, after all of it was read.
fn openssh() -> Vec<u8> {
    let mut private = vec![0; 8];
    string(&mut private, b"ssh-ed25519");
    string(&mut private, &author_key().public().to_bytes());
    string(&mut private, &[0; 64]);
    string(&mut private, b"");
    let padding = private.len().next_multiple_of(8) - private.len();
    private.extend((1..).take(padding));
    let mut out = openssh_start("none", "none");
    string(&mut out, &private);
    out
}
