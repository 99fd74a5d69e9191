//! Single heartbeats: taken and refused.

use serde_json::{Value, json};

use diode_protocol::digest::{BundleId, Digest};
use diode_protocol::sequences::SequenceRange;
use diode_protocol::wire::{
    Header, Heartbeat, HeartbeatError, InFlight, Kind, LinkParameters, LogCheckpoint, SessionId,
};

use super::datagrams::{SYMBOL_LEN, datagram, header, signed_bytes, with_bytes};
use super::{LINK, OTHER_LINK, key};

pub(super) fn heartbeat() -> Heartbeat {
    let in_flight = |sequence, pass| InFlight {
        sequence,
        bundle: BundleId(Digest::of(b"payload")),
        pass,
    };
    let void = |first, last| SequenceRange::new(first, last).unwrap();
    Heartbeat {
        epoch: 0xE0E1_E2E3_E4E5_E6E7,
        counter: 1_795_340_467_123,
        interval_ms: 1000,
        next: 45,
        sent_below: 41,
        parameters: LinkParameters {
            symbol_len: SYMBOL_LEN,
            block_len: 4 * 4096,
            depth: 2,
            lanes: 3,
            max_esi: 500,
            passes: 2,
            loss_ppm: 10_000,
            burst: 64,
        },
        in_flight: vec![in_flight(41, 2), in_flight(43, 1)],
        voids: vec![void(7, 9), void(42, 42)],
        checkpoint: Some(LogCheckpoint {
            size: 118,
            root: Digest::of(b"log"),
        }),
    }
}

pub(super) fn shortest() -> Heartbeat {
    Heartbeat {
        counter: 1_795_340_468_123,
        in_flight: Vec::new(),
        voids: Vec::new(),
        checkpoint: None,
        ..heartbeat()
    }
}

pub(super) fn later() -> Heartbeat {
    Heartbeat {
        counter: 1_795_340_469_123,
        ..heartbeat()
    }
}

pub(super) fn datagram_of(body: &[u8]) -> Vec<u8> {
    let header = Header {
        session: SessionId(0),
        ..header(Kind::Heartbeat)
    };
    datagram(header, body)
}

pub(super) fn told(heartbeat: &Heartbeat) -> Vec<u8> {
    datagram_of(&heartbeat.sign(&key(LINK)).unwrap())
}

/// The heartbeat with other bytes at a place in its fields, signed as they are.
fn told_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut body = heartbeat().sign(&key(LINK)).unwrap();
    body[72 + at..72 + at + bytes.len()].copy_from_slice(bytes);
    signed_again(body)
}

fn signed_again(mut body: Vec<u8>) -> Vec<u8> {
    let signature = key(LINK).sign(&signed_bytes(3, SessionId(0), &body));
    body[8..72].copy_from_slice(&signature.0);
    datagram_of(&body)
}

pub(super) fn refused() -> Vec<(&'static str, Vec<u8>)> {
    [no_heartbeat(), out_of_range(), at_odds()].concat()
}

/// What fails before a field's value counts: by length, key, signature or form.
fn no_heartbeat() -> Vec<(&'static str, Vec<u8>)> {
    let body = heartbeat().sign(&key(LINK)).unwrap();
    let by_other = heartbeat().sign(&key(OTHER_LINK)).unwrap();
    let shortest = shortest().sign(&key(LINK)).unwrap();
    let mut sealed_as_announce = body.clone();
    let signature = key(LINK).sign(&signed_bytes(1, SessionId(0), &body));
    sealed_as_announce[8..72].copy_from_slice(&signature.0);
    vec![
        (
            "heartbeat-length-one-byte-short",
            datagram_of(&shortest[..shortest.len() - 1]),
        ),
        ("heartbeat-length-575", datagram_of(&[0; 575])),
        ("unknown-key-of-heartbeat", datagram_of(&by_other)),
        (
            "bad-signature-over-another-counter",
            with_bytes(told(&heartbeat()), 32 + 72 + 15, &[0]),
        ),
        ("bad-signature-as-of-an-announce", datagram_of(&sealed_as_announce)),
        (
            "codec-of-heartbeat-one-byte-more",
            signed_again([&body[..], &[0]].concat()),
        ),
        ("codec-of-heartbeat-checkpoint-2", told_with(body.len() - 72 - 41, &[2])),
        ("codec-of-heartbeat-nine-in-flight-of-two", told_with(59, &[9])),
        ("codec-of-heartbeat-void-from-0", told_with(145, &[0; 8])),
        ("codec-of-heartbeat-void-backwards", told_with(152, &[10])),
    ]
}

/// Fields that no heartbeat may have, whatever the others are.
fn out_of_range() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("range-interval_ms-99", told_with(16, &[0, 0, 0, 99])),
        (
            "range-interval_ms-past-an-hour",
            told_with(16, &3_600_001u32.to_be_bytes()),
        ),
        ("range-next-0", told_with(20, &[0; 8])),
        ("range-sent_below-0", told_with(28, &[0; 8])),
        ("range-sent_below-past-next", told_with(35, &[46])),
        ("range-symbol_len-63", told_with(36, &[0, 63])),
        ("range-symbol_len-8897", told_with(36, &8897u16.to_be_bytes())),
        ("range-block_len-0", told_with(38, &[0; 4])),
        (
            "range-block_len-of-1025-symbols",
            told_with(38, &65_537u32.to_be_bytes()),
        ),
        ("range-depth-0-in-heartbeat", told_with(42, &[0; 2])),
        ("range-depth-1025-in-heartbeat", told_with(42, &1025u16.to_be_bytes())),
        ("range-lanes-0-in-heartbeat", told_with(44, &[0])),
        ("range-lanes-17-in-heartbeat", told_with(44, &[17])),
        (
            "range-max_esi-under-k-in-heartbeat",
            told_with(45, &254u32.to_be_bytes()),
        ),
        (
            "range-max_esi-25-bits-in-heartbeat",
            told_with(45, &(1u32 << 24).to_be_bytes()),
        ),
        ("range-passes-0-in-heartbeat", told_with(49, &[0; 2])),
        ("range-passes-65-in-heartbeat", told_with(49, &[0, 65])),
        ("range-loss_ppm-900001", told_with(51, &900_001u32.to_be_bytes())),
        ("range-burst-1000001", told_with(55, &1_000_001u32.to_be_bytes())),
    ]
}

/// Bundles in flight and voids that do not fit the numbers, or each other.
fn at_odds() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("range-in_flight-below-sent_below", told_with(67, &[40])),
        ("range-in_flight-not-below-next", told_with(109, &[45])),
        ("range-in_flight-twice", told_with(109, &[41])),
        ("range-in_flight-pass-0", told_with(100, &[0; 2])),
        ("range-voids-not-ascending", told_with(168, &[9])),
        ("range-voids-not-below-next", told_with(176, &[45])),
        ("range-voids-in-flight", told_with(176, &[43])),
    ]
}

pub(super) fn fields(heartbeat: &Heartbeat) -> Value {
    let parameters = &heartbeat.parameters;
    let in_flight = heartbeat.in_flight.iter();
    let in_flight = in_flight.map(|one| json!({ "sequence": one.sequence, "bundle": one.bundle, "pass": one.pass }));
    let voids = heartbeat.voids.iter().map(|void| json!([void.first(), void.last()]));
    let checkpoint = heartbeat.checkpoint;
    json!({
        "epoch": format!("{:016x}", heartbeat.epoch),
        "counter": heartbeat.counter,
        "interval_ms": heartbeat.interval_ms,
        "next": heartbeat.next,
        "sent_below": heartbeat.sent_below,
        "symbol_len": parameters.symbol_len,
        "block_len": parameters.block_len,
        "depth": parameters.depth,
        "lanes": parameters.lanes,
        "max_esi": parameters.max_esi,
        "passes": parameters.passes,
        "loss_ppm": parameters.loss_ppm,
        "burst": parameters.burst,
        "in_flight": in_flight.collect::<Vec<_>>(),
        "voids": voids.collect::<Vec<_>>(),
        "checkpoint": checkpoint.map(|checkpoint| json!({ "size": checkpoint.size, "root": checkpoint.root })),
    })
}

pub(super) fn code(error: &HeartbeatError) -> String {
    match error {
        HeartbeatError::Length { .. } => "heartbeat-length".to_owned(),
        HeartbeatError::UnknownKey { .. } => "unknown-key".to_owned(),
        HeartbeatError::BadSignature { .. } => "bad-signature".to_owned(),
        HeartbeatError::Codec(_) => "codec".to_owned(),
        HeartbeatError::Range { field } => format!("range-{field}"),
    }
}
