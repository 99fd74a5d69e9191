//! What an operator reads.

use super::*;
use crate::keys::SigningKey;

fn fingerprint() -> Fingerprint {
    SigningKey::from_seed([9; 32]).public().fingerprint()
}

fn untrusted(keyid: &str, author: &str) -> Refusal {
    let trust = Trust::parse("", "/etc/diode/allowed_signers").unwrap();
    Refusal::of_signer(keyid, TrustLookup::Unknown, Some(escaped(author).to_string()), &trust)
}

#[test]
fn an_untrusted_signer_is_told_with_key_claim_and_file() {
    let key = fingerprint();
    assert_eq!(
        untrusted(&key.to_string(), "mallory@lab").to_string(),
        format!(
            "signed by a key that is not trusted: {key} (says mallory@lab) is not in /etc/diode/allowed_signers (0 keys)"
        )
    );
}

#[test]
fn the_mend_for_an_untrusted_signer_is_a_command_with_key_and_name() {
    let key = fingerprint();
    let mend = untrusted(&key.to_string(), "mallory@lab").mend();
    let command = format!("diode-rx trust add --principal mallory@lab --fingerprint {key} KEYFILE");
    assert!(mend.contains(&command), "{mend}");
}

#[test]
fn a_claimed_name_that_a_shell_would_act_on_is_not_in_the_command() {
    let mend = untrusted(&fingerprint().to_string(), "x; rm -rf /").mend();
    assert!(mend.contains("--principal NAME ") && !mend.contains("rm"), "{mend}");
}

#[test]
fn a_key_id_that_is_no_fingerprint_is_not_in_the_command() {
    let mend = untrusted("$(reboot)", "mallory@lab").mend();
    assert!(!mend.contains("reboot") && !mend.contains("trust add"), "{mend}");
}

#[test]
fn a_key_id_from_outside_is_shown_escaped() {
    let told = untrusted("a\u{202E}\u{1B}[2J", "b").to_string();
    assert!(told.contains("a\\u{202e}\\u{1b}[2J"), "{told}");
}

#[test]
fn a_long_audience_is_told_by_its_first_names() {
    let audience = (1..=6).map(|n| format!("plant-{n}")).collect();
    let refused = Refusal::WrongAudience {
        receiver: "plant-7".to_owned(),
        audience,
    };
    assert_eq!(
        refused.to_string(),
        "the bundle is for plant-1, plant-2, plant-3, plant-4 and 2 more, and this receiver is plant-7"
    );
}

#[test]
fn an_announce_that_differs_has_a_code_for_each_field() {
    let code = |field| {
        Refusal::AnnounceDiffers {
            field,
            announced: "1".to_owned(),
            signed: "2".to_owned(),
        }
        .code()
    };
    assert_eq!(
        [
            AnnounceField::BundleId,
            AnnounceField::ContentRoot,
            AnnounceField::ContentLen,
            AnnounceField::LeafLen
        ]
        .map(code),
        ["bundle-id", "content-root", "content-length", "leaf-length"]
    );
}

#[test]
fn an_index_with_another_root_is_told_as_the_content_root() {
    let (signed, computed) = (Digest::of(b"a"), Digest::of(b"b"));
    let refused = Refusal::from(BundleError::ContentRoot { signed, computed });
    assert_eq!(refused.code(), "content-root");
}

#[test]
fn another_fault_of_the_bundle_is_told_as_malformed_with_its_own_sentence() {
    let refused = Refusal::from(BundleError::FileCount { count: 0 });
    assert_eq!(
        refused.to_string(),
        "the bundle is malformed: the statement lists 0 files, and 1 to 100000 are allowed"
    );
}
