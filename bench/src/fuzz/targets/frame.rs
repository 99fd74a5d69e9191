//! A single frame at the door of a receiver that has a session.

use std::sync::LazyLock;

use protocol::digest::{BundleId, Digest};
use protocol::reception::{Counters, Output, Reception};
use protocol::time::Tick;
use protocol::wire::{Announce, HEADER_LEN, Header, Kind, LinkNumber, SessionId};

use super::link::with_fitting_crc;
use crate::fuzz::fixture::{LEAF_LEN, LIMITS, NOW, link_key};

/// The session that the receiver has.
pub const SESSION: SessionId = SessionId(77);

/// A frame, as it came, with its checksum made to fit, and as one of the session: each has one fate and no other, sets nothing aside over
/// the budget, and opens no session unless its announce is signed.
pub fn frame(bytes: &[u8]) {
    let mut reception = Reception::new(vec![link_key().public()], LIMITS);
    reception.handle_datagram(opening(), Tick(0));
    let fitting = with_fitting_crc(bytes);
    let ours = with_fitting_crc(&of_session(bytes));
    for frame in [bytes, &fitting, &ours] {
        reception.handle_datagram(frame, Tick(0));
        while let Some(output) = reception.poll_output() {
            if let Output::Solve(job) = output {
                reception.handle_solved(job.run(), Tick(0));
            }
        }
        assert_eq!(fates(reception.counters()), reception.counters().datagrams);
        assert!(reception.memory() <= LIMITS.memory_bytes);
        assert!(reception.sessions() <= LIMITS.sessions);
    }
}

/// The frame with the number of the receiver's session in its header.
fn of_session(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    if let Some(place) = frame.get_mut(4..12) {
        place.copy_from_slice(&SESSION.0.to_be_bytes());
    }
    frame
}

/// An announce's datagram for a bundle of two content blocks.
#[must_use]
pub fn opening() -> &'static [u8] {
    static OPENING: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let body = announce().sign(SESSION, link_key());
        let header = Header {
            kind: Kind::Announce,
            session: SESSION,
            packet: 0,
            block: 0,
            esi: 0,
        };
        let header: [u8; HEADER_LEN] = header.emit(&body);
        [&header[..], &body].concat()
    });
    &OPENING
}

fn announce() -> Announce {
    Announce {
        number: LinkNumber { epoch: 5, sequence: 6 },
        bundle: BundleId(Digest::of(b"bundle")),
        envelope_len: 500,
        head_len: 564,
        head_sha256: Digest::of(b"head"),
        content_len: 2 * u64::from(LEAF_LEN),
        content_root: Digest::of(b"content"),
        leaf_len: LEAF_LEN,
        leaves_per_block: 1,
        symbol_len: 256,
        depth: 1,
        lanes: 1,
        max_esi: 40,
        pass: 1,
        passes: 2,
        created: NOW,
    }
}

/// Every fate that a datagram can have, added up.
fn fates(counters: &Counters) -> u64 {
    let Counters {
        datagrams: _,
        foreign,
        foreign_version,
        damaged,
        refused,
        filler,
        announces,
        announces_unknown_key,
        announces_invalid,
        announces_conflicting: _,
        symbols,
        surplus,
        duplicates,
        out_of_bounds,
        unknown_session,
        after_end,
        forged_blocks: _,
        heartbeats,
        heartbeats_old,
        heartbeats_unknown_key,
        heartbeats_invalid,
        unverified,
    } = *counters;
    let unheard = foreign + foreign_version + damaged + refused + filler;
    let announced = announces + announces_unknown_key + announces_invalid;
    let beaten = heartbeats + heartbeats_old + heartbeats_unknown_key + heartbeats_invalid + unverified;
    unheard + announced + beaten + symbols + surplus + duplicates + out_of_bounds + unknown_session + after_end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receiver_has_a_session_before_the_frame_comes() {
        let mut reception = Reception::new(vec![link_key().public()], LIMITS);
        reception.handle_datagram(opening(), Tick(0));
        assert_eq!(reception.sessions(), 1);
    }
}
