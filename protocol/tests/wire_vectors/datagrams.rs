//! Single datagrams: taken, refused, and what becomes of them in a session.

use serde_json::{Value, json};

use diode_protocol::digest::{BundleId, Digest};
use diode_protocol::fec::CodedBlock;
use diode_protocol::keys::SigningKey;
use diode_protocol::layout::LayoutError;
use diode_protocol::reception::{Counters, Output, Reception, ReceptionLimits};
use diode_protocol::time::{Tick, UnixMillis};
use diode_protocol::wire::{
    Announce, AnnounceError, HEADER_LEN, Header, Kind, LinkNumber, Packet, SessionId, SignedAnnounce, SignedHeartbeat,
    WireError,
};

use super::heartbeats;
use super::{LINK, OTHER_LINK, codes, hex, key, stored_json, unhex};

const SESSION: SessionId = SessionId(0x0123_4567_89AB_CDEF);
const OTHER_SESSION: SessionId = SessionId(0x0123_4567_89AB_CDEE);
/// Bytes of the announced head, which is one block.
const HEAD_LEN: u32 = 300;
pub(super) const SYMBOL_LEN: u16 = 64;
/// Source symbols of that block.
const K: u32 = 5;
const MAX_ESI: u32 = 200;

fn announce() -> Announce {
    Announce {
        number: LinkNumber {
            epoch: 0xE0E1_E2E3_E4E5_E6E7,
            sequence: 41,
        },
        bundle: BundleId(Digest::of(b"payload")),
        envelope_len: HEAD_LEN - 64,
        head_len: HEAD_LEN,
        head_sha256: Digest::of(&codes::block(HEAD_LEN as usize)),
        content_len: 8000,
        content_root: Digest::of(b"content_root"),
        leaf_len: 4096,
        leaves_per_block: 4,
        symbol_len: SYMBOL_LEN,
        depth: 2,
        lanes: 3,
        max_esi: MAX_ESI,
        pass: 1,
        passes: 2,
        created: UnixMillis(1_795_340_467_000),
    }
}

fn second_pass() -> Announce {
    Announce { pass: 2, ..announce() }
}

pub(super) fn datagram(header: Header, body: &[u8]) -> Vec<u8> {
    [&header.emit(body), body].concat()
}

pub(super) fn header(kind: Kind) -> Header {
    let (session, packet) = (SESSION, 0xFFFF_FFFE);
    Header {
        kind,
        session,
        packet,
        block: 0,
        esi: 0,
    }
}

fn announced(announce: &Announce) -> Vec<u8> {
    datagram(header(Kind::Announce), &announce.sign(SESSION, &key(LINK)))
}

fn announced_with(change: impl FnOnce(&mut Announce)) -> Vec<u8> {
    let mut announce = announce();
    change(&mut announce);
    announced(&announce)
}

fn symbol(esi: u32) -> Vec<u8> {
    let coded = CodedBlock::encode(&codes::block(HEAD_LEN as usize), SYMBOL_LEN, K..MAX_ESI + 1).unwrap();
    let (esi, body) = coded.nth(esi).unwrap();
    datagram(
        Header {
            esi,
            ..header(Kind::Symbol)
        },
        body,
    )
}

fn filler() -> Vec<u8> {
    let header = Header {
        session: SessionId(0),
        ..header(Kind::Filler)
    };
    datagram(header, &[0; SYMBOL_LEN as usize])
}

/// Other bytes at a place, and a CRC that fits them.
pub(super) fn with_bytes(mut datagram: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    datagram[at..at + bytes.len()].copy_from_slice(bytes);
    datagram[28..HEADER_LEN].fill(0);
    let crc = crc32fast::hash(&datagram);
    datagram[28..HEADER_LEN].copy_from_slice(&crc.to_be_bytes());
    datagram
}

fn xor(mut datagram: Vec<u8>, at: usize) -> Vec<u8> {
    datagram[at] ^= 1;
    datagram
}

/// The announce with its signature's scalar grown by the order of the group: the same to a verifier that is not strict.
fn with_scalar_past_the_order() -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let datagram = announced(&announce());
    let scalar_at = HEADER_LEN + 8 + 32;
    let mut carry = 0u16;
    let grown = ORDER.iter().zip(&datagram[scalar_at..]).map(|(a, b)| {
        let sum = u16::from(*a) + u16::from(*b) + carry;
        carry = sum >> 8;
        (sum & 0xFF) as u8
    });
    let grown: Vec<_> = grown.collect();
    with_bytes(datagram, scalar_at, &grown)
}

fn taken() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("announce of pass 1", announced(&announce())),
        ("announce of pass 2", announced(&second_pass())),
        ("source symbol 0", symbol(0)),
        ("source symbol 4, padded with 20 zeros", symbol(4)),
        ("repair symbol 5", symbol(5)),
        ("repair symbol 6", symbol(6)),
        ("repair symbol 200", symbol(200)),
        (
            "symbol with the largest fields, without a body",
            datagram(
                Header {
                    kind: Kind::Symbol,
                    session: SessionId(u64::MAX),
                    packet: u32::MAX,
                    block: u32::MAX,
                    esi: (1 << 24) - 1,
                },
                &[],
            ),
        ),
        ("heartbeat", heartbeats::told(&heartbeats::heartbeat())),
        (
            "heartbeat with nothing that can be left out",
            heartbeats::told(&heartbeats::shortest()),
        ),
        ("filler", filler()),
        (
            "filler with a body that is not zero",
            datagram(
                Header {
                    session: SessionId(0),
                    ..header(Kind::Filler)
                },
                b"dropped",
            ),
        ),
    ]
}

/// Each breaks one rule only, unless its name says more.
fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let mut refused = refused_by_header();
    refused.extend(refused_announces());
    refused.extend(heartbeats::refused());
    refused
}

fn refused_by_header() -> Vec<(&'static str, Vec<u8>)> {
    let all_wrong = xor(with_bytes(with_bytes(symbol(0), 26, &[0x80, 1]), 3, &[9]), 40);
    vec![
        ("truncated-empty", Vec::new()),
        ("truncated-31-bytes", symbol(0)[..31].to_vec()),
        ("magic", with_bytes(symbol(0), 0, &[0xD1, 0x0E])),
        ("version-0", with_bytes(symbol(0), 2, &[0])),
        ("version-2", with_bytes(symbol(0), 2, &[2])),
        (
            "version-2-before-length-and-crc",
            xor(with_bytes(symbol(0), 2, &[2])[..90].to_vec(), 40),
        ),
        ("body-length-one-byte-missing", symbol(0)[..95].to_vec()),
        ("body-length-one-byte-more", [&symbol(0)[..], &[0]].concat()),
        ("crc-of-body", xor(symbol(0), 32)),
        ("crc-of-header", xor(symbol(0), 15)),
        ("crc-before-kind-and-suite", all_wrong),
        ("suite-1", with_bytes(symbol(0), 26, &[0, 1])),
        ("suite-unknown-flag", with_bytes(symbol(0), 26, &[0x80, 0])),
        (
            "suite-before-kind",
            with_bytes(with_bytes(symbol(0), 3, &[9]), 26, &[0, 1]),
        ),
        ("kind-0", with_bytes(symbol(0), 3, &[0])),
        ("kind-5", with_bytes(symbol(0), 3, &[5])),
        ("field-session-0-in-symbol", with_bytes(symbol(0), 4, &[0; 8])),
        (
            "field-session-0-in-announce",
            with_bytes(announced(&announce()), 4, &[0; 8]),
        ),
        (
            "field-session-in-heartbeat",
            with_bytes(heartbeats::told(&heartbeats::heartbeat()), 11, &[1]),
        ),
        ("field-session-in-filler", with_bytes(filler(), 11, &[1])),
        ("field-block-in-announce", with_bytes(announced(&announce()), 19, &[1])),
        (
            "field-block-in-heartbeat",
            with_bytes(heartbeats::told(&heartbeats::heartbeat()), 19, &[1]),
        ),
        ("field-block-in-filler", with_bytes(filler(), 19, &[1])),
        ("field-esi-in-announce", with_bytes(announced(&announce()), 23, &[1])),
        (
            "field-esi-in-heartbeat",
            with_bytes(heartbeats::told(&heartbeats::heartbeat()), 23, &[1]),
        ),
        ("field-esi-in-filler", with_bytes(filler(), 23, &[1])),
        ("field-esi-25-bits", with_bytes(symbol(0), 20, &[1])),
    ]
}

fn refused_announces() -> Vec<(&'static str, Vec<u8>)> {
    let body = announce().sign(SESSION, &key(LINK));
    let by_other = announce().sign(SESSION, &key(OTHER_LINK));
    let of_other_session = announce().sign(OTHER_SESSION, &key(LINK));
    let announced_body = |body: &[u8]| datagram(header(Kind::Announce), body);
    vec![
        (
            "announce-length-one-byte-missing",
            announced_body(&body[..body.len() - 1]),
        ),
        (
            "announce-length-one-byte-more",
            announced_body(&[&body[..], &[0]].concat()),
        ),
        ("announce-length-empty", announced_body(&[])),
        ("unknown-key", announced_body(&by_other)),
        ("bad-signature-of-another-session", announced_body(&of_other_session)),
        (
            "bad-signature-over-another-field",
            with_bytes(announced(&announce()), 258, &[0]),
        ),
        ("bad-signature-scalar-past-the-order", with_scalar_past_the_order()),
        ("layout-head_len-0", announced_with(|a| a.head_len = 0)),
        ("layout-leaf_len-5000", announced_with(|a| a.leaf_len = 5000)),
        (
            "layout-leaves_per_block-257",
            announced_with(|a| a.leaves_per_block = 257),
        ),
        ("layout-symbol_len-63", announced_with(|a| a.symbol_len = 63)),
        ("layout-too-many-symbols", announced_with(|a| a.leaves_per_block = 17)),
        ("range-envelope_len-0", announced_with(|a| a.envelope_len = 0)),
        (
            "range-envelope_len-past-head",
            announced_with(|a| a.envelope_len = HEAD_LEN + 1),
        ),
        ("range-depth-0", announced_with(|a| a.depth = 0)),
        ("range-depth-1025", announced_with(|a| a.depth = 1025)),
        ("range-lanes-0", announced_with(|a| a.lanes = 0)),
        ("range-lanes-17", announced_with(|a| a.lanes = 17)),
        ("range-max_esi-under-the-largest-k", announced_with(|a| a.max_esi = 123)),
        ("range-max_esi-25-bits", announced_with(|a| a.max_esi = 1 << 24)),
        ("range-passes-0", announced_with(|a| (a.pass, a.passes) = (0, 0))),
        ("range-passes-65", announced_with(|a| a.passes = 65)),
        ("range-pass-0", announced_with(|a| a.pass = 0)),
        ("range-pass-past-passes", announced_with(|a| a.pass = 3)),
        ("range-sequence-0", announced_with(|a| a.number.sequence = 0)),
    ]
}

/// Code and sentence of the first check that a datagram fails.
fn refusal(datagram: &[u8]) -> Option<(String, String)> {
    let Packet { header, body } = match Packet::parse(datagram) {
        Ok(packet) => packet,
        Err(error) => return Some((wire_code(error), error.to_string())),
    };
    let pinned = [key(LINK).public()];
    match header.kind {
        Kind::Announce => {
            let error = SignedAnnounce::open(header.session, body, &pinned).err()?;
            Some((announce_code(&error), error.to_string()))
        }
        Kind::Heartbeat => {
            let error = SignedHeartbeat::open(body, &pinned).err()?;
            Some((heartbeats::code(&error), error.to_string()))
        }
        Kind::Symbol | Kind::Filler => None,
    }
}

fn wire_code(error: WireError) -> String {
    match error {
        WireError::Truncated { .. } => "truncated".to_owned(),
        WireError::Magic => "magic".to_owned(),
        WireError::Version { theirs } => format!("version-{theirs}"),
        WireError::BodyLength { .. } => "body-length".to_owned(),
        WireError::Crc => "crc".to_owned(),
        WireError::Suite { .. } => "suite".to_owned(),
        WireError::Kind { kind } => format!("kind-{kind}"),
        WireError::Field { field } => format!("field-{field}"),
    }
}

fn announce_code(error: &AnnounceError) -> String {
    match error {
        AnnounceError::Length { .. } => "announce-length".to_owned(),
        AnnounceError::UnknownKey { .. } => "unknown-key".to_owned(),
        AnnounceError::BadSignature { .. } => "bad-signature".to_owned(),
        AnnounceError::Codec(_) => "codec".to_owned(),
        AnnounceError::Range { field } => format!("range-{field}"),
        AnnounceError::Layout(LayoutError::Range { field, .. }) => format!("layout-{field}"),
        AnnounceError::Layout(LayoutError::TooManySymbols { .. }) => "layout-too-many-symbols".to_owned(),
    }
}

/// What is signed of a body, written out as `SPEC.md` says: the library does it within.
pub(super) fn signed_bytes(kind: u8, session: SessionId, body: &[u8]) -> Vec<u8> {
    let suite = [0, 0];
    [
        &b"diode-link/1\0"[..],
        &[kind],
        &suite,
        &session.0.to_be_bytes(),
        &body[..8],
        &body[72..],
    ]
    .concat()
}

fn fields(announce: &Announce) -> Value {
    json!({
        "epoch": format!("{:016x}", announce.number.epoch),
        "sequence": announce.number.sequence,
        "bundle": announce.bundle,
        "envelope_len": announce.envelope_len,
        "head_len": announce.head_len,
        "head_sha256": announce.head_sha256,
        "content_len": announce.content_len,
        "content_root": announce.content_root,
        "leaf_len": announce.leaf_len,
        "leaves_per_block": announce.leaves_per_block,
        "symbol_len": announce.symbol_len,
        "depth": announce.depth,
        "lanes": announce.lanes,
        "max_esi": announce.max_esi,
        "pass": announce.pass,
        "passes": announce.passes,
        "created": announce.created.0,
    })
}

fn described(name: &str, datagram: &[u8]) -> Value {
    let Packet { header, body } = Packet::parse(datagram).unwrap();
    let kind = match header.kind {
        Kind::Announce => 1,
        Kind::Symbol => 2,
        Kind::Heartbeat => 3,
        Kind::Filler => 4,
    };
    let mut described = json!({
        "name": name,
        "datagram": hex(datagram),
        "header": {
            "kind": kind,
            "session": header.session.to_string(),
            "packet": header.packet,
            "block": header.block,
            "esi": header.esi,
            "body_len": body.len(),
        },
    });
    if header.kind == Kind::Announce {
        let opened = SignedAnnounce::open(header.session, body, &[key(LINK).public()]).unwrap();
        described["announce"] = fields(opened.announce());
        described["signed"] = json!(hex(&signed_bytes(1, header.session, body)));
    }
    if header.kind == Kind::Heartbeat {
        let opened = SignedHeartbeat::open(body, &[key(LINK).public()]).unwrap();
        described["heartbeat"] = heartbeats::fields(opened.heartbeat());
        described["signed"] = json!(hex(&signed_bytes(3, header.session, body)));
    }
    described
}

pub(super) fn datagrams() -> Value {
    let taken: Vec<_> = taken()
        .iter()
        .map(|(name, datagram)| described(name, datagram))
        .collect();
    let refused = refused().into_iter().map(|(name, datagram)| {
        let (code, why) = refusal(&datagram).unwrap();
        json!({ "name": name, "code": code, "why": why, "datagram": hex(&datagram) })
    });
    json!({
        "link_key": hex(&key(LINK).public().to_bytes()),
        "block": hex(&codes::block(HEAD_LEN as usize)),
        "taken": taken,
        "refused": refused.collect::<Vec<_>>(),
        "in_a_session": in_a_session(),
    })
}

/// One receiver's datagrams, one after another.
fn story() -> Vec<(&'static str, Vec<u8>)> {
    let at = |block, esi, body: &[u8]| {
        datagram(
            Header {
                block,
                esi,
                ..header(Kind::Symbol)
            },
            body,
        )
    };
    let body = [0; SYMBOL_LEN as usize];
    vec![
        ("a symbol before the announce", symbol(1)),
        ("the announce", announced(&announce())),
        ("the same bytes again", announced(&announce())),
        ("the next pass", announced(&second_pass())),
        (
            "another bundle under the same session",
            announced_with(|a| a.bundle = BundleId(Digest::of(b"other"))),
        ),
        ("the first symbol", symbol(0)),
        ("the same symbol", symbol(0)),
        ("a block past the last", at(2, 0, &body)),
        ("an id past max_esi", at(0, MAX_ESI + 1, &body)),
        ("a symbol one byte short", at(0, 1, &body[1..])),
        (
            "a symbol of another session",
            datagram(
                Header {
                    session: OTHER_SESSION,
                    ..header(Kind::Symbol)
                },
                &body,
            ),
        ),
        ("source symbol 2", symbol(2)),
        ("source symbol 3", symbol(3)),
        ("repair symbol 200 in the place of 1", symbol(200)),
        ("source symbol 4, which completes the head", symbol(4)),
        ("a symbol that is no longer needed", symbol(1)),
        ("filler", filler()),
        ("a heartbeat", heartbeats::told(&heartbeats::heartbeat())),
        ("the same heartbeat again", heartbeats::told(&heartbeats::heartbeat())),
        ("the next heartbeat", heartbeats::told(&heartbeats::shortest())),
        (
            "a heartbeat by another link key",
            heartbeats::datagram_of(&heartbeats::later().sign(&key(OTHER_LINK)).unwrap()),
        ),
        (
            "a heartbeat whose signature does not hold",
            with_bytes(heartbeats::told(&heartbeats::heartbeat()), 32 + 72 + 8, &[1]),
        ),
    ]
}

/// The story, and the counter that each of its datagrams moves.
fn in_a_session() -> Vec<Value> {
    let limits = ReceptionLimits {
        memory_bytes: 1 << 20,
        sessions: 2,
        lanes: 3,
        bundle_bytes: 1 << 20,
        idle_millis: 1000,
        signatures_per_second: ReceptionLimits::SIGNATURES_PER_SECOND,
    };
    let mut reception = Reception::new(vec![key(LINK).public()], limits);
    let told = story().into_iter().map(|(what, datagram)| {
        let before = *reception.counters();
        reception.handle_datagram(&datagram, Tick(0));
        let mut told = json!({ "what": what, "datagram": hex(&datagram) });
        while let Some(output) = reception.poll_output() {
            match output {
                Output::Solve(job) => reception.handle_solved(job.run(), Tick(0)),
                Output::Head { head, .. } => told["head"] = json!(hex(&head)),
                _ => {}
            }
        }
        told["counters"] = json!(moved(before, *reception.counters()));
        told
    });
    told.collect()
}

/// The names of the counters that differ, but for the one that always does.
fn moved(before: Counters, after: Counters) -> Vec<String> {
    let [before, after] = [before, after].map(|counters| serde_json::to_value(counters).unwrap());
    let after = after.as_object().unwrap().iter();
    after
        .filter(|(name, count)| *name != "datagrams" && before[*name] != **count)
        .map(|(name, _)| name.clone())
        .collect()
}

#[test]
fn every_stored_datagram_to_be_taken_is_taken() {
    for stored in stored_json("datagrams.json")["taken"].as_array().unwrap() {
        assert_eq!(refusal(&unhex(&stored["datagram"])), None, "{}", stored["name"]);
    }
}

#[test]
fn every_stored_datagram_to_be_refused_is_refused_with_the_code_that_its_name_begins_with() {
    let stored = stored_json("datagrams.json");
    let refused = stored["refused"].as_array().unwrap();
    assert!(!refused.is_empty());
    for stored in refused {
        let name = stored["name"].as_str().unwrap();
        let (code, _) = refusal(&unhex(&stored["datagram"])).unwrap();
        assert!(name.starts_with(&code), "{name}: {code}");
    }
}

#[test]
fn a_signature_is_over_the_stored_signed_bytes() {
    let signer: SigningKey = key(LINK);
    let stored = stored_json("datagrams.json");
    let signed = stored["taken"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|taken| taken["signed"].is_string());
    let mut count = 0;
    for taken in signed {
        let datagram = unhex(&taken["datagram"]);
        assert_eq!(
            signer.sign(&unhex(&taken["signed"])).0,
            datagram[HEADER_LEN + 8..HEADER_LEN + 72]
        );
        count += 1;
    }
    assert_eq!(count, 4);
}
