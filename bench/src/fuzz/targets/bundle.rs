//! A bundle, as a file and as the head that the receiver puts together.

use std::str;

use data_encoding::BASE64;
use protocol::bundle::{
    BundleError, Envelope, MAGIC, MAX_ENVELOPE_ROOM, PAYLOAD_TYPE, PREFIX_LEN, Prefix, Statement, UnverifiedHead,
    verify_head,
};
use protocol::limits::{MAX_HEAD_LEN, MAX_PATH_DEPTH, MAX_PATH_LEN};
use protocol::path::{BundlePath, check_set};

use crate::fuzz::fixture::{NOW, RECEIVER, author_key, trust};
use crate::fuzz::script;

/// The first bytes of a bundle file: what parses is emitted the same, and speaks of no head over the limit.
pub fn prefix(bytes: &[u8]) {
    let Some((prefix, _)) = bytes.split_first_chunk::<PREFIX_LEN>() else {
        return;
    };
    if let Ok(parsed) = Prefix::parse(prefix) {
        assert_eq!(parsed.emit(), *prefix);
        assert!(prefix.starts_with(MAGIC) && parsed.head_len() <= MAX_HEAD_LEN);
        assert_eq!(parsed.content_offset(), PREFIX_LEN as u64 + parsed.head_len());
    }
}

/// A DSSE envelope: what parses is the same envelope when it is written and read again, and holds no more than it came in.
pub fn envelope(bytes: &[u8]) {
    let Ok(envelope) = Envelope::parse(bytes) else {
        return;
    };
    assert!(envelope.payload().len() < bytes.len());
    assert!(envelope.pae().ends_with(envelope.payload()));
    match Envelope::parse(&envelope.to_bytes()) {
        Ok(again) => assert_eq!(again, envelope),
        // Written with the key ids that were left out, it may be over the limit that it was just under.
        Err(BundleError::EnvelopeRoom { .. }) => {
            assert!(bytes.len() - envelope.payload().len() > MAX_ENVELOPE_ROOM / 2);
        }
        Err(error) => panic!("what is written does not read back: {error}"),
    }
}

/// A statement: it has one encoding, keeps its own rules, and its files lie one after another.
pub fn statement(bytes: &[u8]) {
    let Ok(statement) = Statement::parse(bytes) else {
        return;
    };
    assert_eq!(statement.to_payload(), bytes, "another payload reads the same");
    assert_eq!(statement.check(), Ok(()));
    let mut next = 0;
    for (offset, file) in statement.file_offsets().into_iter().zip(&statement.files) {
        assert_eq!(offset, next);
        next += file.size;
    }
    assert_eq!(next, statement.content_len);
}

/// The envelope's length (u32), envelope and index: a head that verifies is also well formed, and its parts are those that came.
pub fn head(bytes: &[u8]) {
    if let Some((envelope_len, head)) = bytes.split_first_chunk::<4>() {
        check_head(head, u32::from_be_bytes(*envelope_len));
    }
}

/// A script of a payload and an index, under a signature that holds.
pub fn signed_head(bytes: &[u8]) {
    let mut steps = script::steps(bytes);
    let payload = steps.next().map_or(&[][..], |step| step.bytes);
    let index = steps.next().map_or(&[][..], |step| step.bytes);
    let Some(envelope) = signed(payload) else { return };
    let envelope_len = u32::try_from(envelope.len()).expect("inputs are short");
    check_head(&[&envelope, index].concat(), envelope_len);
}

fn check_head(head: &[u8], envelope_len: u32) {
    let parsed = UnverifiedHead::parse(head, envelope_len);
    if let Ok(parsed) = &parsed {
        assert_eq!(parsed.statement.to_payload(), parsed.envelope.payload());
        assert_eq!(Some(&parsed.index.to_bytes()[..]), head.get(envelope_len as usize..));
        assert_eq!(parsed.index.root(), parsed.statement.content_root);
    }
    if let Ok(verified) = verify_head(head, envelope_len, trust(), RECEIVER, NOW) {
        let parsed = parsed.expect("what verifies is well formed");
        assert_eq!(verified.id(), parsed.id);
        assert_eq!(verified.statement(), &parsed.statement);
        assert!(verified.statement().audience.iter().any(|name| name == RECEIVER));
        assert_eq!(verified.author().fingerprint, author_key().public().fingerprint());
    }
}

/// An envelope around any payload with the trusted author's signature; `None` if no envelope holds the payload.
fn signed(payload: &[u8]) -> Option<Vec<u8>> {
    let unsigned = Envelope::parse(&envelope_json(payload, &[0; 64])).ok()?;
    let signature = author_key().sign(unsigned.pae());
    Some(envelope_json(payload, &signature.0))
}

fn envelope_json(payload: &[u8], signature: &[u8; 64]) -> Vec<u8> {
    let (payload, signature) = (BASE64.encode(payload), BASE64.encode(signature));
    let keyid = author_key().public().fingerprint();
    let signatures = format!(r#"[{{"keyid":"{keyid}","sig":"{signature}"}}]"#);
    format!(r#"{{"payload":"{payload}","payloadType":"{PAYLOAD_TYPE}","signatures":{signatures}}}"#).into_bytes()
}

/// Paths, a line each: what parses keeps to the limits and reads back, and no set is taken in which two are one file to somebody.
pub fn paths(bytes: &[u8]) {
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| str::from_utf8(line).ok());
    let paths: Vec<BundlePath> = lines.filter_map(|line| BundlePath::parse(line).ok()).collect();
    for path in &paths {
        let text = path.as_str();
        assert!(text.len() <= MAX_PATH_LEN && path.parts().count() <= MAX_PATH_DEPTH);
        assert!(!text.starts_with('/') && !text.contains('\\') && !text.chars().any(char::is_control));
        assert!(path.parts().all(|part| !matches!(part, "" | "." | "..")));
        assert_eq!(BundlePath::parse(text).as_ref(), Ok(path));
    }
    if check_set(&paths).is_ok() {
        let mut names: Vec<String> = paths.iter().map(|path| path.as_str().to_lowercase()).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            let [one, other] = pair else { continue };
            assert_ne!(one, other, "two names that are one without case");
        }
    }
}
