//! What reads back, what is refused, and how long it gets.

use proptest::prelude::*;

use super::*;
use crate::wire::ANNOUNCE_BODY_LEN;

fn parameters() -> LinkParameters {
    LinkParameters {
        symbol_len: 1408,
        block_len: 262_144,
        depth: 16,
        lanes: 1,
        max_esi: 300,
        passes: 2,
        loss_ppm: 10_000,
        burst: 100,
    }
}

fn in_flight(sequence: u64) -> InFlight {
    InFlight {
        sequence,
        bundle: BundleId(Digest([3; 32])),
        pass: 1,
    }
}

fn heartbeat() -> Heartbeat {
    Heartbeat {
        epoch: 1,
        counter: 2,
        interval_ms: 1000,
        next: 50,
        sent_below: 41,
        parameters: parameters(),
        in_flight: vec![in_flight(41), in_flight(43)],
        voids: [(7, 9), (42, 42)]
            .map(|(first, last)| SequenceRange::new(first, last).unwrap())
            .to_vec(),
        checkpoint: Some(LogCheckpoint {
            size: 118,
            root: Digest([4; 32]),
        }),
    }
}

/// With as many of everything as there may be.
fn longest() -> Heartbeat {
    Heartbeat {
        in_flight: (41..49).map(in_flight).collect(),
        voids: (1..5).map(|n| SequenceRange::of(2 * n).unwrap()).collect(),
        ..heartbeat()
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

/// As a transmitter would sign it that does not look at what it signs.
fn sealed(heartbeat: &Heartbeat) -> Vec<u8> {
    seal::seal(Kind::Heartbeat, NO_SESSION, &codec::encode(heartbeat), &key())
}

fn open(body: &[u8]) -> Result<Heartbeat, HeartbeatError> {
    SignedHeartbeat::open(body, &[key().public()]).map(|signed| signed.heartbeat().clone())
}

#[test]
fn a_heartbeat_reads_back() {
    let body = heartbeat().sign(&key()).unwrap();
    assert_eq!(open(&body), Ok(heartbeat()));
    assert_eq!(claimed_counter(&body), Some((1, 2)));
}

#[test]
fn the_longest_heartbeat_is_shorter_than_a_symbol_packet_at_mtu_1500() {
    let body = longest().sign(&key()).unwrap();
    assert_eq!((body.len(), MAX_HEARTBEAT_BODY_LEN), (574, 574));
    assert!(body.len() <= 1408);
    assert_eq!(open(&body), Ok(longest()));
}

#[test]
fn the_shortest_heartbeat_is_shorter_than_an_announce() {
    let mut shortest = heartbeat();
    (shortest.in_flight, shortest.voids, shortest.checkpoint) = (Vec::new(), Vec::new(), None);
    let body = shortest.sign(&key()).unwrap();
    assert_eq!((body.len(), MIN_HEARTBEAT_BODY_LEN), (134, 134));
    assert!(body.len() <= ANNOUNCE_BODY_LEN);
    assert_eq!(open(&body), Ok(shortest));
}

#[test]
fn what_has_no_room_is_left_out_and_no_more_than_that() {
    for room in MIN_HEARTBEAT_BODY_LEN..=MAX_HEARTBEAT_BODY_LEN {
        let mut fitted = longest();
        fitted.fit(room);
        let body = fitted.sign(&key()).unwrap();
        assert!(body.len() <= room, "{room}");
        assert!(room - body.len() < IN_FLIGHT_LEN, "{room}: {}", body.len());
    }
}

#[test]
fn the_first_in_flight_and_the_last_voids_are_kept() {
    let mut crowded = Heartbeat {
        next: 100,
        in_flight: (41..61).map(in_flight).collect(),
        voids: (1..10).map(|n| SequenceRange::of(2 * n).unwrap()).collect(),
        ..heartbeat()
    };
    crowded.fit(usize::MAX);
    assert_eq!(crowded.in_flight, (41..49).map(in_flight).collect::<Vec<_>>());
    let voids = [12, 14, 16, 18].map(|n| SequenceRange::of(n).unwrap());
    assert_eq!(crowded.voids, voids);
}

#[test]
fn a_heartbeat_is_no_announce() {
    let body = seal::seal(Kind::Announce, NO_SESSION, &codec::encode(&heartbeat()), &key());
    let key_id = key().public().key_id();
    assert_eq!(open(&body), Err(HeartbeatError::BadSignature { key_id }));
}

#[test]
fn a_key_that_is_not_pinned_is_named() {
    let other = SigningKey::from_seed([2; 32]).public();
    let key_id = key().public().key_id();
    let opened = SignedHeartbeat::open(&heartbeat().sign(&key()).unwrap(), &[other]);
    assert_eq!(opened, Err(HeartbeatError::UnknownKey { key_id }));
}

#[test]
fn any_changed_byte_is_refused() {
    let body = heartbeat().sign(&key()).unwrap();
    for at in 0..body.len() {
        let mut changed = body.clone();
        changed[at] ^= 1;
        assert!(open(&changed).is_err(), "{at}");
    }
}

#[test]
fn a_signed_but_impossible_heartbeat_is_refused_and_not_signed_either() {
    let with = |change: fn(&mut Heartbeat)| {
        let mut heartbeat = heartbeat();
        change(&mut heartbeat);
        heartbeat
    };
    let range = |first, last| SequenceRange::new(first, last).unwrap();
    let mut too_many_in_flight = heartbeat();
    too_many_in_flight.in_flight = (41..50).map(in_flight).collect();
    // Or its length alone would tell.
    too_many_in_flight.checkpoint = None;
    let mut too_many_voids = heartbeat();
    too_many_voids.voids = (1..6).map(|n| range(2 * n, 2 * n)).collect();
    let mut voids_overlap = heartbeat();
    voids_overlap.voids = vec![range(3, 5), range(5, 6)];
    let mut void_not_given_out = heartbeat();
    void_not_given_out.voids = vec![range(49, 50)];
    let mut void_in_flight = heartbeat();
    void_in_flight.voids = vec![range(40, 42)];
    let cases = [
        ("interval_ms", with(|h| h.interval_ms = MIN_HEARTBEAT_MILLIS - 1)),
        ("interval_ms", with(|h| h.interval_ms = MAX_HEARTBEAT_MILLIS + 1)),
        ("next", with(|h| h.next = 0)),
        ("sent_below", with(|h| h.sent_below = 0)),
        ("sent_below", with(|h| h.sent_below = 51)),
        ("in_flight", with(|h| h.in_flight[0].sequence = 40)),
        ("in_flight", with(|h| h.in_flight[1].sequence = 50)),
        ("in_flight", with(|h| h.in_flight[1].sequence = 41)),
        ("in_flight", with(|h| h.in_flight[0].pass = 0)),
        ("in_flight", too_many_in_flight),
        ("voids", too_many_voids),
        ("voids", voids_overlap),
        ("voids", void_not_given_out),
        ("voids", void_in_flight),
        ("symbol_len", with(|h| h.parameters.symbol_len = 63)),
        ("symbol_len", with(|h| h.parameters.symbol_len = 8897)),
        ("block_len", with(|h| h.parameters.block_len = 0)),
        ("block_len", with(|h| h.parameters.block_len = 1024 * 1408 + 1)),
        ("depth", with(|h| h.parameters.depth = 0)),
        ("depth", with(|h| h.parameters.depth = 1025)),
        ("lanes", with(|h| h.parameters.lanes = 0)),
        ("lanes", with(|h| h.parameters.lanes = 17)),
        ("max_esi", with(|h| h.parameters.max_esi = 185)),
        ("max_esi", with(|h| h.parameters.max_esi = u32::MAX)),
        ("passes", with(|h| h.parameters.passes = 0)),
        ("passes", with(|h| h.parameters.passes = 65)),
        ("loss_ppm", with(|h| h.parameters.loss_ppm = 900_001)),
        ("burst", with(|h| h.parameters.burst = 1_000_001)),
    ];
    for (field, heartbeat) in cases {
        let refused = HeartbeatError::Range { field };
        assert_eq!(open(&sealed(&heartbeat)), Err(refused.clone()), "{heartbeat:?}");
        assert_eq!(heartbeat.sign(&key()), Err(refused));
    }
}

#[test]
fn values_at_the_ends_of_their_ranges_are_taken() {
    let with = |change: fn(&mut Heartbeat)| {
        let mut heartbeat = heartbeat();
        change(&mut heartbeat);
        heartbeat
    };
    let cases = [
        with(|h| h.interval_ms = MIN_HEARTBEAT_MILLIS),
        with(|h| h.interval_ms = MAX_HEARTBEAT_MILLIS),
        with(|h| (h.next, h.sent_below, h.in_flight, h.voids) = (1, 1, Vec::new(), Vec::new())),
        with(|h| (h.sent_below, h.in_flight) = (50, Vec::new())),
        with(|h| h.parameters.block_len = 1408 * 187),
        with(|h| h.parameters.max_esi = 186),
        with(|h| h.parameters.max_esi = MAX_ESI),
        with(|h| (h.epoch, h.counter, h.next) = (u64::MAX, u64::MAX, u64::MAX)),
    ];
    for heartbeat in cases {
        assert_eq!(open(&heartbeat.sign(&key()).unwrap()), Ok(heartbeat));
    }
}

#[test]
fn a_body_of_another_length_is_refused_before_its_signature() {
    for len in [0, 71, MIN_HEARTBEAT_BODY_LEN - 1, MAX_HEARTBEAT_BODY_LEN + 1] {
        assert_eq!(open(&vec![0; len]), Err(HeartbeatError::Length { len }));
    }
}

#[test]
fn a_heartbeat_comes_each_second_and_less_often_where_that_is_more_than_2_percent() {
    let longest = 8 * (32 + 574 + 66);
    assert_eq!(Heartbeat::interval_ms(longest, 1_000_000_000), 1000);
    assert_eq!(Heartbeat::interval_ms(longest, 50 * longest), 1000);
    assert_eq!(Heartbeat::interval_ms(longest, 50 * longest - 1), 1001);
    assert_eq!(Heartbeat::interval_ms(longest, 9600), 28_000);
    assert_eq!(Heartbeat::interval_ms(u64::MAX, 0), MAX_HEARTBEAT_MILLIS);
}

proptest! {
    #[test]
    fn opening_is_total(body in proptest::collection::vec(any::<u8>(), 0..700)) {
        prop_assert!(open(&body).is_err());
        let _ = claimed_counter(&body);
    }

    #[test]
    fn signed_noise_is_never_a_panic(fields in proptest::collection::vec(any::<u8>(), 62..=502)) {
        let _ = open(&seal::seal(Kind::Heartbeat, NO_SESSION, &fields, &key()));
    }

    #[test]
    fn what_is_taken_has_one_encoding(at in 0usize..502, byte: u8) {
        let mut fields = codec::encode(&longest());
        fields[at] = byte;
        let body = seal::seal(Kind::Heartbeat, NO_SESSION, &fields, &key());
        if let Ok(heartbeat) = open(&body) {
            prop_assert_eq!(heartbeat.sign(&key()).unwrap(), body);
        }
    }
}
