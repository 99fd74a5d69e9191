//! What the link key signs: announces and heartbeats.
//!
//! ```text
//! body = key id (8) ‖ signature (64) ‖ fields        a signature of nothing but zeros is made to fit, any other is left what it is
//! ```

use protocol::codec;
use protocol::layout::{Layout, Part};
use protocol::limits::MAX_K;
use protocol::wire::{Announce, Heartbeat, MIN_HEARTBEAT_BODY_LEN, SessionId, SignedAnnounce, SignedHeartbeat};

use crate::fuzz::fixture::link_key;

/// A session's number and an announce's body: what opens is the one encoding of it, and has a layout in which every block is one.
pub fn announce(bytes: &[u8]) {
    let Some((session, body)) = bytes.split_first_chunk::<8>() else {
        return;
    };
    let session = SessionId(u64::from_be_bytes(*session));
    let signed = fields_to_sign(body).map(|fields| signed_announce(session, fields));
    let Some(body) = signed.unwrap_or_else(|| Some(body.to_vec())) else {
        return;
    };
    if let Ok(signed) = SignedAnnounce::open(session, &body, &[link_key().public()]) {
        check_sealed(&body, &codec::encode(signed.announce()));
        check_layout(signed.layout());
    }
}

/// A heartbeat's body: what opens is the one encoding of it and what its transmitter may sign, as is what fits in less room.
pub fn heartbeat(bytes: &[u8]) {
    let signed = fields_to_sign(bytes).map(signed_heartbeat);
    let Some(body) = signed.unwrap_or_else(|| Some(bytes.to_vec())) else {
        return;
    };
    if let Ok(signed) = SignedHeartbeat::open(&body, &[link_key().public()]) {
        check_sealed(&body, &codec::encode(signed.heartbeat()));
        assert_eq!(signed.heartbeat().sign(link_key()).as_ref(), Ok(&body));
        check_fits(signed.heartbeat(), body.len());
    }
}

/// The body of an announce with these fields, if they decode: they may be out of their range.
#[must_use]
pub fn signed_announce(session: SessionId, fields: &[u8]) -> Option<Vec<u8>> {
    codec::decode::<Announce>(fields).ok()?;
    Some(sealed(ANNOUNCE, session, fields))
}

/// The body of a heartbeat with these fields, if they decode: they may be out of their range.
#[must_use]
pub fn signed_heartbeat(fields: &[u8]) -> Option<Vec<u8>> {
    codec::decode::<Heartbeat>(fields).ok()?;
    Some(sealed(HEARTBEAT, SessionId(0), fields))
}

/// By `protocol/SPEC.md`, and not by the code that is tried.
fn sealed(kind: u8, session: SessionId, fields: &[u8]) -> Vec<u8> {
    let key_id = link_key().public().key_id();
    let signed = [
        b"diode-link/1\0",
        &[kind][..],
        &SUITE,
        &session.0.to_be_bytes(),
        &key_id.0,
        fields,
    ]
    .concat();
    [&key_id.0[..], &link_key().sign(&signed).0, fields].concat()
}

const ANNOUNCE: u8 = 1;
const HEARTBEAT: u8 = 3;
const SUITE: [u8; 2] = [0, 0];

/// What follows a signature of nothing but zeros.
fn fields_to_sign(body: &[u8]) -> Option<&[u8]> {
    let signature = body.get(KEY_ID_LEN..SEAL_LEN)?;
    signature.iter().all(|byte| *byte == 0).then(|| &body[SEAL_LEN..])
}

const KEY_ID_LEN: usize = 8;
const SEAL_LEN: usize = KEY_ID_LEN + 64;

/// Of a body whose signature was verified: what is left is the one encoding of what it signs.
fn check_sealed(body: &[u8], fields: &[u8]) {
    let key_id = link_key().public().key_id();
    assert!(body.starts_with(&key_id.0), "another key signed it");
    assert_eq!(body.get(SEAL_LEN..), Some(fields), "another body opens the same");
}

/// The first and last blocks of each part lie within the file, without a gap.
fn check_layout(layout: &Layout) {
    let (head, blocks) = (layout.head_blocks(), layout.blocks());
    assert!(layout.block(blocks).is_none());
    assert!(layout.largest_k() <= MAX_K);
    let ends = [
        0,
        1,
        head.saturating_sub(1),
        head,
        head.saturating_add(1),
        blocks.saturating_sub(1),
    ];
    for number in ends.into_iter().filter(|number| *number < blocks) {
        let block = layout.block(number).expect("it is below their count");
        assert!(block.len > 0 && block.k > 0 && block.k <= layout.largest_k());
        let end = layout.file_offset(&block) + u64::from(block.len);
        assert!(end <= layout.file_len());
        match layout.block(number + 1) {
            Some(next) => assert_eq!(layout.file_offset(&next), end),
            None => assert_eq!(end, layout.file_len()),
        }
        let leaves = layout.leaves_of(&block);
        assert!(leaves.end <= layout.leaves());
        assert_eq!(leaves.is_empty(), block.part == Part::Head);
    }
}

fn check_fits(heartbeat: &Heartbeat, body_len: usize) {
    let mut fitted = heartbeat.clone();
    for room in [body_len, body_len - 1, MIN_HEARTBEAT_BODY_LEN] {
        fitted.fit(room);
        let len = SEAL_LEN + codec::encode(&fitted).len();
        assert!(
            len <= room.max(MIN_HEARTBEAT_BODY_LEN),
            "{len} bytes in room for {room}"
        );
        assert!(
            room < body_len || fitted == *heartbeat,
            "it had room, and lost something"
        );
    }
    assert!(fitted.sign(link_key()).is_ok(), "what is left of it may not be signed");
}

#[cfg(test)]
mod tests {
    use protocol::wire::HEADER_LEN;

    use super::super::frame;
    use super::*;

    #[test]
    fn an_announce_that_is_signed_here_is_the_one_that_its_transmitter_signs() {
        let body = &frame::opening()[HEADER_LEN..];
        let again = signed_announce(frame::SESSION, &body[SEAL_LEN..]);
        assert_eq!(again.as_deref(), Some(body));
    }
}
