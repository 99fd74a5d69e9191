//! What an envelope may look like, and what it must not carry.

use super::*;

fn envelope() -> Envelope {
    let mut envelope = Envelope::unsigned(b"{\"a\":\"\xC3\xBF?>\"}");
    envelope.add_signature(EnvelopeSignature {
        keyid: "SHA256:abc".to_owned(),
        sig: Signature([7; 64]),
    });
    envelope
}

fn text() -> String {
    String::from_utf8(envelope().to_bytes()).unwrap()
}

fn error(text: &str) -> BundleError {
    Envelope::parse(text.as_bytes()).unwrap_err()
}

fn json_detail(text: &str) -> String {
    match error(text) {
        BundleError::EnvelopeJson { detail } => detail,
        other => panic!("{other}"),
    }
}

#[test]
fn an_envelope_reads_back() {
    assert_eq!(Envelope::parse(&envelope().to_bytes()), Ok(envelope()));
}

#[test]
fn the_pae_is_that_of_the_dsse_specification() {
    let pae = Envelope::unsigned(b"hello world");
    assert_eq!(pae.pae(), b"DSSEv1 28 application/vnd.in-toto+json 11 hello world");
}

#[test]
fn the_bundle_id_is_the_hash_of_the_payload() {
    assert_eq!(Envelope::unsigned(b"abc").id(), BundleId(Digest::of(b"abc")));
}

#[test]
fn a_payload_in_url_safe_base64_is_the_same_payload() {
    let standard = text();
    let payload = BASE64.encode(envelope().payload());
    assert!(
        payload.contains('/'),
        "the sample needs a character that differs: {payload}"
    );
    let url_safe = standard.replacen(&payload, &BASE64URL.encode(envelope().payload()), 1);
    assert_eq!(Envelope::parse(url_safe.as_bytes()), Ok(envelope()));
}

#[test]
fn an_escaped_solidus_within_base64_is_the_same_payload() {
    assert_eq!(Envelope::parse(text().replace('/', "\\/").as_bytes()), Ok(envelope()));
}

#[test]
fn blanks_between_tokens_are_taken() {
    let spaced = text().replace(',', " ,\n\t").replace('{', "{ ");
    assert_eq!(Envelope::parse(spaced.as_bytes()), Ok(envelope()));
}

#[test]
fn a_signature_without_a_key_id_has_an_empty_one() {
    let parsed = Envelope::parse(text().replace("\"keyid\":\"SHA256:abc\",", "").as_bytes()).unwrap();
    assert_eq!(parsed.signatures()[0].keyid, "");
}

#[test]
fn a_field_given_twice_is_refused() {
    for field in ["payload", "payloadType", "keyid"] {
        let name = format!("\"{field}\":");
        let detail = json_detail(&text().replacen(&name, &format!("{name}\"\",{name}"), 1));
        assert!(detail.starts_with(&format!("duplicate field `{field}`")), "{detail}");
    }
}

#[test]
fn an_unknown_field_is_refused() {
    let detail = json_detail(&text().replacen('{', "{\"payloadUtf8\":\"x\",", 1));
    assert!(detail.starts_with("unknown field `payloadUtf8`"), "{detail}");
    let detail = json_detail(&text().replacen("{\"keyid\"", "{\"cert\":\"x\",\"keyid\"", 1));
    assert!(detail.starts_with("unknown field `cert`"), "{detail}");
}

#[test]
fn arrays_in_the_place_of_objects_are_refused() {
    let detail = json_detail(&format!("[\"\",\"{PAYLOAD_TYPE}\",[]]"));
    assert!(detail.contains("expected an object"), "{detail}");
    let detail = json_detail("{\"signatures\":[[\"k\",\"s\"]]}");
    assert!(detail.contains("expected an object"), "{detail}");
}

#[test]
fn a_missing_field_is_refused() {
    let detail = json_detail("{\"payload\":\"\",\"signatures\":[]}");
    assert!(detail.starts_with("missing field `payloadType`"), "{detail}");
}

#[test]
fn bytes_behind_the_envelope_are_refused() {
    let detail = json_detail(&(text() + "x"));
    assert!(detail.starts_with("trailing characters"), "{detail}");
}

#[test]
fn an_error_shows_a_foreign_field_name_escaped_and_cut() {
    let detail = json_detail(&format!("{{\"\u{202E}{}\":1}}", "x".repeat(10_000)));
    assert!(detail.contains("\\u{202e}") && detail.chars().count() < 400, "{detail}");
}

#[test]
fn another_payload_type_is_refused_by_its_name() {
    let found = error(&text().replace(PAYLOAD_TYPE, "text/plain"));
    assert_eq!(
        found,
        BundleError::PayloadType {
            found: "text/plain".to_owned()
        }
    );
}

#[test]
fn an_envelope_without_signatures_is_refused() {
    let bytes = Envelope::unsigned(b"x").to_bytes();
    assert_eq!(Envelope::parse(&bytes), Err(BundleError::SignatureCount { count: 0 }));
}

fn with_signatures(count: usize) -> Result<Envelope, BundleError> {
    let mut envelope = Envelope::unsigned(b"x");
    for _ in 0..count {
        envelope.add_signature(EnvelopeSignature {
            keyid: "k".repeat(MAX_KEYID_LEN),
            sig: Signature([7; 64]),
        });
    }
    Envelope::parse(&envelope.to_bytes())
}

#[test]
fn the_most_signatures_with_the_longest_key_ids_are_taken() {
    assert_eq!(
        with_signatures(MAX_SIGNATURES).unwrap().signatures().len(),
        MAX_SIGNATURES
    );
}

#[test]
fn one_signature_more_is_refused() {
    let refused = with_signatures(MAX_SIGNATURES + 1).unwrap_err().to_string();
    assert!(refused.contains("at most 8"), "{refused}");
}

#[test]
fn a_key_id_one_byte_too_long_is_refused() {
    let found = error(&text().replace("SHA256:abc", &"k".repeat(MAX_KEYID_LEN + 1)));
    assert_eq!(found, BundleError::KeyIdLength { len: MAX_KEYID_LEN + 1 });
}

#[test]
fn a_signature_one_byte_short_or_long_is_refused() {
    let sig = BASE64.encode(&[7; 64]);
    for len in [63, 65] {
        let found = error(&text().replace(&sig, &BASE64.encode(&vec![7; len])));
        assert_eq!(found, BundleError::SignatureLength { number: 1 });
    }
}

#[test]
fn base64_that_could_be_read_in_two_ways_is_refused() {
    // Unpadded, blank within, padding within, bits that stand for nothing, both alphabets.
    for payload in ["YWI", "YW I=", "YQ==YQ==", "YR==", "-/==", "====", "YWI=\\n"] {
        let found = error(&text().replacen(&BASE64.encode(envelope().payload()), payload, 1));
        assert_eq!(found, BundleError::Base64 { field: "payload" }, "{payload}");
    }
}

#[test]
fn an_envelope_with_the_most_room_beside_its_payload_is_taken() {
    let room = text().len() - BASE64.encode(envelope().payload()).len();
    let padded = text() + &" ".repeat(MAX_ENVELOPE_ROOM - room);
    assert_eq!(Envelope::parse(padded.as_bytes()), Ok(envelope()));
}

#[test]
fn an_envelope_with_one_byte_more_beside_its_payload_is_refused() {
    let room = text().len() - BASE64.encode(envelope().payload()).len();
    let padded = text() + &" ".repeat(MAX_ENVELOPE_ROOM - room + 1);
    assert_eq!(
        error(&padded),
        BundleError::EnvelopeRoom {
            room: MAX_ENVELOPE_ROOM + 1
        }
    );
}

#[test]
fn further_signatures_stand_behind_its_own_up_to_eight_in_all() {
    let further = |count: u8| {
        (0..count).map(|n| EnvelopeSignature {
            keyid: format!("SHA256:{n}"),
            sig: Signature([n; 64]),
        })
    };
    let eight = envelope().with_signatures(further(7)).unwrap();
    assert_eq!(eight.signatures()[0], envelope().signatures()[0]);
    assert_eq!((eight.signatures().len(), eight.id()), (8, envelope().id()));
    assert_eq!(Envelope::parse(&eight.to_bytes()), Ok(eight));
    let nine = envelope().with_signatures(further(8));
    assert_eq!(nine, Err(BundleError::SignatureCount { count: 9 }));
}
