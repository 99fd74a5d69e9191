//! Every check of a received head, each failing alone.

use super::*;
use crate::bundle::refusal::ClaimedAuthor;
use crate::bundle::samples::{self, CREATED};
use crate::bundle::seal::{PackedHead, seal};
use crate::digest::Digest;
use crate::keys::SigningKey;
use crate::merkle;

const DAY: u64 = 24 * 60 * 60 * 1000;
const NOW: UnixMillis = UnixMillis(CREATED.0 + 1000);

fn fingerprint(seed: u8) -> Fingerprint {
    samples::key(seed).public().fingerprint()
}

/// Lines of `principal options` with the keys of seeds 1, 2, …
fn trust(lines: &[&str]) -> Trust {
    let line = |(at, start): (usize, &&str)| {
        let seed = u8::try_from(at + 1).unwrap();
        format!("{start} {}", samples::key(seed).public().to_openssh(""))
    };
    let text: Vec<_> = lines.iter().enumerate().map(line).collect();
    Trust::parse(&text.join("\n"), "allowed_signers").unwrap()
}

fn alice() -> Trust {
    trust(&["alice@lab"])
}

fn verify(packed: &PackedHead, trust: &Trust) -> Result<VerifiedHead, Refusal> {
    verify_head(packed.head(), packed.prefix().envelope_len, trust, "plant-7", NOW)
}

fn signed_by(seeds: &[u8]) -> PackedHead {
    let keys: Vec<SigningKey> = seeds.iter().map(|seed| samples::key(*seed)).collect();
    samples::packed(&keys.iter().collect::<Vec<_>>()).0
}

/// A head around any payload, index and key.
fn head_of(payload: &[u8], leaves: Vec<Digest>) -> (Vec<u8>, u32) {
    let mut head = seal(payload, &[&samples::key(1)]).unwrap().to_bytes();
    let envelope_len = u32::try_from(head.len()).unwrap();
    head.extend_from_slice(&LeafIndex::new(leaves).to_bytes());
    (head, envelope_len)
}

fn refusal(result: Result<VerifiedHead, Refusal>) -> Refusal {
    result.map(|head| head.id()).unwrap_err()
}

#[test]
fn a_head_by_a_trusted_author_is_verified() {
    let packed = signed_by(&[1]);
    let head = verify(&packed, &alice()).unwrap();
    assert_eq!((head.id(), head.statement()), (packed.id(), packed.statement()));
    assert_eq!(
        head.author(),
        &Signer {
            principal: "alice@lab".into(),
            fingerprint: fingerprint(1),
            trust_line: 1,
            role: Role::Author
        }
    );
}

#[test]
fn a_verified_head_has_the_index_under_the_signed_root() {
    let head = verify(&signed_by(&[1]), &alice()).unwrap();
    assert_eq!(head.index().root(), head.statement().content_root);
}

#[test]
fn an_author_is_matched_by_a_pattern() {
    assert!(verify(&signed_by(&[1]), &trust(&["*@lab,!bob@lab"])).is_ok());
}

#[test]
fn a_key_that_nobody_trusts_is_refused_with_whom_it_claims_to_be() {
    let refused = refusal(verify(&signed_by(&[9]), &alice()));
    assert_eq!(
        refused,
        Refusal::UntrustedSigner {
            keyid: fingerprint(9).to_string(),
            claimed_author: ClaimedAuthor(Some("alice@lab".to_owned())),
            file: "allowed_signers".to_owned(),
            keys: 1,
        }
    );
}

#[test]
fn a_payload_by_an_untrusted_key_is_never_parsed_as_a_statement() {
    let (head, envelope_len) = head_of(b"no JSON", Vec::new());
    let refused = refusal(verify_head(&head, envelope_len, &trust(&[]), "plant-7", NOW));
    assert_eq!(refused.code(), "untrusted-signer");
}

#[test]
fn a_key_of_another_role_is_refused() {
    let refused = refusal(verify(
        &signed_by(&[1]),
        &trust(&["alice@lab namespaces=\"diode-approve\""]),
    ));
    assert_eq!(refused.code(), "signer-role");
}

#[test]
fn a_key_past_its_time_is_refused() {
    let refused = refusal(verify(
        &signed_by(&[1]),
        &trust(&["alice@lab valid-before=\"20261101\""]),
    ));
    assert_eq!(refused.code(), "signer-expired");
}

#[test]
fn a_key_before_its_time_is_refused() {
    let refused = refusal(verify(
        &signed_by(&[1]),
        &trust(&["alice@lab valid-after=\"20261201\""]),
    ));
    assert_eq!(refused.code(), "signer-not-yet-valid");
}

#[test]
fn of_several_keys_that_do_not_count_the_known_one_is_named() {
    let refused = refusal(verify(
        &signed_by(&[9, 1]),
        &trust(&["alice@lab valid-before=\"20261101\""]),
    ));
    assert_eq!(refused.code(), "signer-expired");
}

#[test]
fn a_payload_with_one_changed_byte_is_refused() {
    let (statement, content) = samples::statement();
    let envelope = seal(&statement.to_payload(), &[&samples::key(1)]).unwrap();
    let mut changed = statement;
    changed.target = Some("billinh".to_owned());
    let mut forged = Envelope::unsigned(&changed.to_payload());
    forged.add_signature(envelope.signatures()[0].clone());
    let mut head = forged.to_bytes();
    let envelope_len = u32::try_from(head.len()).unwrap();
    head.extend_from_slice(&LeafIndex::new(samples::leaves(&content)).to_bytes());
    let refused = refusal(verify_head(&head, envelope_len, &alice(), "plant-7", NOW));
    let (fingerprint, file) = (fingerprint(1), "allowed_signers".to_owned());
    assert_eq!(
        refused,
        Refusal::BadSignature {
            fingerprint,
            file,
            line: 1
        }
    );
}

#[test]
fn a_signature_under_another_keys_id_is_refused() {
    let mut envelope = Envelope::unsigned(&samples::statement().0.to_payload());
    let sig = samples::key(2).sign(envelope.pae());
    envelope.add_signature(crate::bundle::EnvelopeSignature {
        keyid: fingerprint(1).to_string(),
        sig,
    });
    let head = envelope.to_bytes();
    let envelope_len = u32::try_from(head.len()).unwrap();
    let refused = refusal(verify_head(&head, envelope_len, &alice(), "plant-7", NOW));
    assert_eq!(refused.code(), "bad-signature");
}

#[test]
fn a_bad_signature_beside_a_good_one_is_passed_over_whether_its_key_is_trusted_or_not() {
    let (statement, content) = samples::statement();
    let mut envelope = seal(&statement.to_payload(), &[&samples::key(1)]).unwrap();
    let sig = samples::key(2).sign(b"something else");
    envelope.add_signature(crate::bundle::EnvelopeSignature {
        keyid: fingerprint(2).to_string(),
        sig,
    });
    let mut head = envelope.to_bytes();
    let envelope_len = u32::try_from(head.len()).unwrap();
    head.extend_from_slice(&LeafIndex::new(samples::leaves(&content)).to_bytes());
    for trust in [alice(), trust(&["alice@lab", "bob@lab"])] {
        let verified = verify_head(&head, envelope_len, &trust, "plant-7", NOW).unwrap();
        let signers: Vec<_> = verified.signers().map(|signer| signer.fingerprint).collect();
        assert_eq!(
            (signers.as_slice(), verified.unknown_signatures()),
            (&[fingerprint(1)][..], 1)
        );
    }
}

#[test]
fn a_trusted_key_under_somebody_elses_name_is_refused() {
    let refused = refusal(verify(&signed_by(&[1]), &trust(&["bob@lab,carol@lab"])));
    assert_eq!(
        refused,
        Refusal::AuthorMismatch {
            author: "alice@lab".to_owned(),
            principals: "bob@lab,carol@lab".to_owned(),
            fingerprint: fingerprint(1),
            line: 1,
        }
    );
}

#[test]
fn a_key_on_two_lines_is_its_authors_on_either() {
    let ssh = samples::key(1).public().to_openssh("");
    let trust = Trust::parse(&format!("bob@lab {ssh}\nalice@lab {ssh}"), "allowed_signers").unwrap();
    assert_eq!(verify(&signed_by(&[1]), &trust).unwrap().author().trust_line, 2);
}

#[test]
fn the_author_is_found_behind_other_signers() {
    let head = verify(&signed_by(&[2, 1]), &trust(&["alice@lab", "bob@lab"])).unwrap();
    let principals: Vec<_> = head.signers().map(|signer| signer.principal.as_str()).collect();
    assert_eq!(principals, ["alice@lab", "bob@lab"]);
}

#[test]
fn a_key_that_signs_twice_is_one_signer() {
    assert_eq!(verify(&signed_by(&[1, 1]), &alice()).unwrap().signers().count(), 1);
}

#[test]
fn signatures_by_unknown_keys_beside_the_authors_are_counted() {
    let head = verify(&signed_by(&[8, 1, 9]), &alice()).unwrap();
    assert_eq!((head.unknown_signatures(), head.signers().count()), (2, 1));
}

#[test]
fn a_receiver_that_is_not_named_is_refused() {
    let packed = signed_by(&[1]);
    for receiver in ["plant-9", "Plant-7", "plant", ""] {
        let refused = refusal(verify_head(
            packed.head(),
            packed.prefix().envelope_len,
            &alice(),
            receiver,
            NOW,
        ));
        assert_eq!(refused.code(), "wrong-audience", "{receiver}");
    }
}

#[test]
fn each_named_receiver_is_served() {
    let packed = signed_by(&[1]);
    let at = |receiver| verify_head(packed.head(), packed.prefix().envelope_len, &alice(), receiver, NOW);
    assert!(at("plant-7").is_ok() && at("plant-8").is_ok());
}

fn verify_at(now: UnixMillis) -> Result<VerifiedHead, Refusal> {
    let packed = signed_by(&[1]);
    verify_head(packed.head(), packed.prefix().envelope_len, &alice(), "plant-7", now)
}

#[test]
fn a_bundle_is_taken_up_to_its_last_millisecond() {
    let not_after = CREATED.plus_millis(30 * DAY);
    assert!(verify_at(not_after).is_ok());
    let now = not_after.plus_millis(1);
    assert_eq!(refusal(verify_at(now)), Refusal::Expired { not_after, now });
}

#[test]
fn a_bundle_from_a_clock_one_day_ahead_is_taken_and_from_further_ahead_is_not() {
    assert!(verify_at(UnixMillis(CREATED.0 - DAY)).is_ok());
    let now = UnixMillis(CREATED.0 - DAY - 1);
    assert_eq!(refusal(verify_at(now)), Refusal::NotYetValid { created: CREATED, now });
}

#[test]
fn an_index_with_another_root_is_refused() {
    let (statement, content) = samples::statement();
    let mut leaves = samples::leaves(&content);
    leaves[1] = merkle::leaf_hash(b"edited");
    let received = LeafIndex::new(leaves.clone()).root();
    let (head, envelope_len) = head_of(&statement.to_payload(), leaves);
    let refused = refusal(verify_head(&head, envelope_len, &alice(), "plant-7", NOW));
    assert_eq!(
        refused,
        Refusal::ContentRoot {
            signed: statement.content_root,
            received
        }
    );
}

#[test]
fn an_index_with_a_leaf_more_or_fewer_is_refused() {
    let (statement, content) = samples::statement();
    let whole = samples::leaves(&content);
    let more = [&whole[..], &whole[..1]].concat();
    for leaves in [whole[1..].to_vec(), more] {
        let found = leaves.len() as u64;
        let (head, envelope_len) = head_of(&statement.to_payload(), leaves);
        let refused = refusal(verify_head(&head, envelope_len, &alice(), "plant-7", NOW));
        assert_eq!(
            refused,
            Refusal::Malformed(BundleError::LeafCount { found, expected: 3 })
        );
    }
}

#[test]
fn a_signed_payload_that_is_no_statement_is_malformed() {
    let (head, envelope_len) = head_of(b"{}", Vec::new());
    let refused = refusal(verify_head(&head, envelope_len, &alice(), "plant-7", NOW));
    assert_eq!(refused.code(), "malformed");
}

#[test]
fn an_envelope_length_past_the_heads_end_is_malformed() {
    let packed = signed_by(&[1]);
    let head_len = packed.head().len() as u64;
    let envelope_len = u32::try_from(head_len + 1).unwrap();
    let refused = refusal(verify_head(packed.head(), envelope_len, &alice(), "plant-7", NOW));
    let envelope_len = u64::from(envelope_len);
    assert_eq!(
        refused,
        Refusal::Malformed(BundleError::EnvelopeLength { envelope_len, head_len })
    );
}

#[test]
fn an_unverified_head_has_the_parts_of_the_bundle() {
    let packed = signed_by(&[9]);
    let head = UnverifiedHead::parse(packed.head(), packed.prefix().envelope_len).unwrap();
    assert_eq!((head.id, &head.statement), (packed.id(), packed.statement()));
    assert_eq!(head.envelope.signatures()[0].keyid, fingerprint(9).to_string());
}

#[test]
fn an_unverified_head_with_another_root_is_refused() {
    let (statement, content) = samples::statement();
    let mut leaves = samples::leaves(&content);
    leaves.reverse();
    let (head, envelope_len) = head_of(&statement.to_payload(), leaves);
    let refused = UnverifiedHead::parse(&head, envelope_len);
    assert!(matches!(refused, Err(BundleError::ContentRoot { .. })));
}
