//! What goes over a link: datagrams alone, symbols of a block, and whole sessions.

use diode_bench::fuzz::fixture::{LEAF_LEN, LIMITS, NOW, link_key};
use diode_bench::fuzz::targets::frame::{self, opening};
use diode_bench::fuzz::targets::receiver::{ANNOUNCE, DROP, FITTING, HEARTBEAT, LANE, PROMPT, WAIT, WORK};
use protocol::bundle::PREFIX_LEN;
use protocol::codec;
use protocol::digest::BundleId;
use protocol::digest::Digest;
use protocol::fec::{CodedBlock, Redundancy};
use protocol::sequences::SequenceRange;
use protocol::transmission::{BundleShape, EncodeJob, Lane, Settings, Transmission};
use protocol::wire::{
    Announce, HEADER_LEN, Header, Heartbeat, InFlight, Kind, LinkNumber, LinkParameters, LogCheckpoint, Packet,
    SessionId, SignedAnnounce,
};

use super::bundle::{Bundle, bytes};
use super::{Seed, script};

const SESSION: SessionId = SessionId(77);

/// What goes over each lane for a bundle of one file.
fn sent(session: SessionId, len: usize, symbol_len: u16, lanes: u8) -> Vec<Vec<Vec<u8>>> {
    let bundle = Bundle::of(&[("src/lib.rs", bytes(len))]);
    let (packed, content) = (&bundle.packed, &bundle.content);
    let shape = BundleShape {
        bundle: packed.id(),
        envelope_len: packed.prefix().envelope_len,
        head_len: u32::try_from(packed.head().len()).unwrap(),
        head_sha256: Digest::of(packed.head()),
        content_len: content.len() as u64,
        content_root: packed.statement().content_root,
        leaf_len: LEAF_LEN,
    };
    let settings = Settings {
        session,
        number: LinkNumber { epoch: 5, sequence: 6 },
        symbol_len,
        redundancy: Redundancy::new(0.05, 0, 1e-3, 1).unwrap(),
        passes: 1,
        lanes,
        created: NOW,
    };
    let transmission = Transmission::new(&shape, &settings, link_key()).unwrap();
    let file = [&[0; PREFIX_LEN][..], packed.head(), content].concat();
    assert!(file.len() as u64 <= LIMITS.bundle_bytes);
    let mut datagrams = vec![Vec::new(); lanes.into()];
    let read = |job: &EncodeJob, place: &mut [u8]| {
        let start = usize::try_from(job.file_offset()).unwrap();
        place.copy_from_slice(&file[start..start + place.len()]);
    };
    let send = |lane: usize, header: &[u8; HEADER_LEN], body: &[u8]| datagrams[lane].push([header, body].concat());
    transmission
        .drive(&mut vec![Lane::new(1000); lanes.into()], read, send)
        .unwrap();
    datagrams
}

fn is(kind: Kind) -> impl Fn(&&Vec<u8>) -> bool {
    move |datagram| Packet::parse(datagram).unwrap().header.kind == kind
}

pub(super) fn seeds() -> Vec<Seed> {
    [headers(), announces(), heartbeats(), symbols(), sessions()].concat()
}

fn headers() -> Vec<Seed> {
    let datagrams = sent(SESSION, 1000, 64, 1).concat();
    let of = |kind| datagrams.iter().find(is(kind)).unwrap().clone();
    let filler = Header {
        kind: Kind::Filler,
        session: SessionId(0),
        packet: u32::MAX,
        block: 0,
        esi: 0,
    };
    let filler = [&filler.emit(&[0; 8])[..], &[0; 8]].concat();
    let heartbeat = heartbeat_datagram();
    let symbol = symbol_of_open_session();
    vec![
        ("header", "announce", of(Kind::Announce)),
        ("header", "symbol", of(Kind::Symbol)),
        ("header", "heartbeat", heartbeat.clone()),
        ("header", "filler", filler.clone()),
        ("frame", "announce", of(Kind::Announce)),
        ("frame", "announced-again", opening().to_vec()),
        ("frame", "symbol", symbol),
        ("frame", "symbol-of-another", of(Kind::Symbol)),
        ("frame", "heartbeat", heartbeat),
        ("frame", "filler", filler),
    ]
}

fn heartbeat_datagram() -> Vec<u8> {
    let header = Header {
        kind: Kind::Heartbeat,
        session: SessionId(0),
        packet: 7,
        block: 0,
        esi: 0,
    };
    let body = quiet().sign(link_key()).unwrap();
    [&header.emit(&body)[..], &body].concat()
}

/// Of the session that the receiver has before a frame comes.
fn symbol_of_open_session() -> Vec<u8> {
    let header = Header {
        kind: Kind::Symbol,
        session: frame::SESSION,
        packet: 9,
        block: 1,
        esi: 3,
    };
    let symbol = bytes(256);
    [&header.emit(&symbol)[..], &symbol].concat()
}

/// The announce of the first datagram.
fn announced(datagrams: &[Vec<u8>]) -> Announce {
    let packet = Packet::parse(&datagrams[0]).unwrap();
    let opened = SignedAnnounce::open(packet.header.session, packet.body, &[link_key().public()]);
    opened.unwrap().announce().clone()
}

fn announces() -> Vec<Seed> {
    let small = announced(&sent(SESSION, 1000, 64, 1)[0]);
    let large = Announce {
        content_len: 1 << 40,
        head_len: 32 << 20,
        leaf_len: 262_144,
        leaves_per_block: 8,
        symbol_len: 8896,
        depth: 1024,
        lanes: 16,
        max_esi: (1 << 24) - 1,
        pass: 3,
        passes: 64,
        ..small.clone()
    };
    let seed = |body: Vec<u8>| [&SESSION.0.to_be_bytes()[..], &body].concat();
    let signed = |announce: &Announce| announce.sign(SESSION, link_key());
    vec![
        ("announce", "signed", seed(signed(&small))),
        ("announce", "small", seed(to_be_signed(&signed(&small)))),
        ("announce", "large", seed(to_be_signed(&signed(&large)))),
    ]
}

/// The body with zeros for its signature, which the target makes fit.
fn to_be_signed(body: &[u8]) -> Vec<u8> {
    [&body[..8], &[0; 64], &body[72..]].concat()
}

fn heartbeats() -> Vec<Seed> {
    let signed = |heartbeat: &Heartbeat| heartbeat.sign(link_key()).unwrap();
    vec![
        ("heartbeat", "signed", signed(&quiet())),
        ("heartbeat", "quiet", to_be_signed(&signed(&quiet()))),
        ("heartbeat", "busy", to_be_signed(&signed(&busy()))),
    ]
}

/// With nothing in flight.
fn quiet() -> Heartbeat {
    Heartbeat {
        epoch: 5,
        counter: 9,
        interval_ms: 1000,
        next: 12,
        sent_below: 12,
        parameters: LinkParameters {
            symbol_len: 256,
            block_len: LEAF_LEN,
            depth: 2,
            lanes: 1,
            max_esi: 40,
            passes: 2,
            loss_ppm: 50_000,
            burst: 8,
        },
        in_flight: Vec::new(),
        voids: Vec::new(),
        checkpoint: None,
    }
}

/// With as much of everything as there can be.
fn busy() -> Heartbeat {
    let in_flight = (900..908).map(|sequence| InFlight {
        sequence,
        bundle: BundleId(Digest::of(&[sequence as u8])),
        pass: 1,
    });
    let voids = (0..4).map(|at| SequenceRange::new(10 + at * 20, 12 + at * 20).unwrap());
    Heartbeat {
        counter: 10,
        next: 1000,
        sent_below: 890,
        in_flight: in_flight.collect(),
        voids: voids.collect(),
        checkpoint: Some(LogCheckpoint {
            size: 77,
            root: Digest::of(b"root"),
        }),
        ..quiet()
    }
}

fn symbols() -> Vec<Seed> {
    let seed = |len: usize, symbol_len: u16, lost: &[u32], repair: u32| {
        let k = u32::try_from(len.div_ceil(symbol_len.into())).unwrap();
        let coded = CodedBlock::encode(&bytes(len), symbol_len, k..k + repair).unwrap();
        let oti = [
            &u32::try_from(len).unwrap().to_be_bytes()[..],
            &symbol_len.to_be_bytes(),
        ]
        .concat();
        let kept = (0..k + repair).filter(|number| !lost.contains(number));
        let kept: Vec<Vec<u8>> = kept
            .map(|number| {
                let (esi, symbol) = coded.nth(number).unwrap();
                [&esi.to_be_bytes()[..], symbol].concat()
            })
            .collect();
        script(
            [(0, &oti[..])]
                .into_iter()
                .chain(kept.iter().map(|symbol| (1, &symbol[..]))),
        )
    };
    vec![
        ("symbols", "whole", seed(1000, 64, &[], 0)),
        ("symbols", "exactly-k", seed(1000, 64, &[0, 7, 15], 3)),
        ("symbols", "more-than-k", seed(700, 64, &[2, 3], 6)),
        ("symbols", "repair-alone", seed(500, 128, &[0, 1, 2, 3], 5)),
        ("symbols", "one-symbol", seed(1, 64, &[0], 2)),
        ("symbols", "too-few", seed(1000, 64, &[0, 1, 2], 2)),
    ]
}

fn sessions() -> Vec<Seed> {
    let fitting = |datagrams: &[Vec<u8>]| -> Vec<(u8, Vec<u8>)> {
        datagrams.iter().map(|datagram| (FITTING, datagram.clone())).collect()
    };
    let seed = |steps: Vec<(u8, Vec<u8>)>| script(steps.iter().map(|(op, bytes)| (*op, &bytes[..])));
    let one = sent(SESSION, 3000, 256, 1).concat();
    let prompt = vec![(PROMPT, Vec::new())];

    let whole = seed([prompt.clone(), fitting(&one)].concat());
    let late = seed(
        [
            fitting(&one),
            vec![(WORK, vec![1]), (WAIT, vec![0, 100]), (WORK, vec![9])],
        ]
        .concat(),
    );
    let reversed: Vec<_> = one[1..].iter().rev().cloned().collect();
    let reversed = seed([fitting(&one[..1]), prompt.clone(), fitting(&reversed)].concat());
    let lanes = sent(SessionId(78), 2000, 256, 2);
    let lane = |number: u8| [vec![(LANE, vec![number])], fitting(&lanes[usize::from(number)])].concat();
    let lanes = seed([prompt.clone(), lane(1), lane(0)].concat());
    let blocks = seed([prompt.clone(), fitting(&sent(SESSION, 17_000, 64, 1).concat())].concat());

    let fields = codec::encode(&announced(&one));
    let announce = |session: u64| (ANNOUNCE, [&session.to_be_bytes()[..], &fields].concat());
    let crowd = (1..6)
        .map(announce)
        .chain([(WAIT, vec![3, 231]), announce(6), (DROP, 6u64.to_be_bytes().to_vec())]);
    let again = [
        vec![announce(SESSION.0)],
        prompt,
        fitting(&one[1..]),
        vec![announce(SESSION.0)],
    ]
    .concat();
    let beat = |heartbeat: &Heartbeat| (HEARTBEAT, codec::encode(heartbeat));
    let silent = [beat(&quiet()), (WAIT, vec![11, 184]), beat(&quiet()), beat(&busy())];
    vec![
        ("reception", "heartbeats", seed(silent.to_vec())),
        ("reception", "whole", whole),
        ("reception", "late-workers", late),
        ("reception", "reversed", reversed),
        ("reception", "two-lanes", lanes),
        ("reception", "three-blocks", blocks),
        ("reception", "crowd", seed(crowd.collect())),
        ("reception", "announced-again", seed(again)),
    ]
}
