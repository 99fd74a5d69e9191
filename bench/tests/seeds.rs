//! A bundle over the demo's link, whatever its damage: transmission, damage and reception in one thread, without sockets or time.
//!
//! ```text
//! Transmission ─▶ datagrams ─▶ Impairment (seed), or a burst that begins anywhere ─▶ Reception ─▶ Complete?
//! ```

// What goes wrong in preparing a test ends it.
#![allow(
    clippy::unwrap_used,
    reason = "a test prepares files by itself, and fails by panicking"
)]

use std::sync::Arc;

use diode_bench::relay::{Impairment, Outgoing};
use diode_bench::rough_link;
use protocol::bundle::seal::PackedHead;
use protocol::bundle::{AiShare, FileRecord, Kind, LeafIndex, Origin, Statement, UnverifiedHead};
use protocol::digest::Digest;
use protocol::fec::Redundancy;
use protocol::keys::SigningKey;
use protocol::merkle::leaf_hash;
use protocol::path::BundlePath;
use protocol::reception::{Output, Reception, ReceptionLimits};
use protocol::time::{Tick, UnixMillis};
use protocol::transmission::{BundleShape, EncodeJob, Lane, Settings, Transmission};
use protocol::wire::{HEADER_LEN, LinkNumber, SessionId};

const LEAF_LEN: usize = 262_144;
/// The losses in a row that are provided for.
const BURST: u32 = 64;

/// A bundle as datagrams.
struct Sent {
    datagrams: Vec<Vec<u8>>,
    link_key: SigningKey,
    envelope_len: u32,
}

impl Sent {
    /// Of one file of so many bytes.
    fn new(len: usize) -> Self {
        let content = vec![7; len];
        let packed = PackedHead::seal(
            statement(&content),
            leaves(&content),
            &[&SigningKey::from_seed([3; 32])],
        )
        .unwrap();
        let bytes = [&packed.prefix().emit(), packed.head(), &content].concat();
        let shape = BundleShape {
            bundle: packed.id(),
            envelope_len: packed.prefix().envelope_len,
            head_len: packed.head().len() as u32,
            head_sha256: Digest::of(packed.head()),
            content_len: len as u64,
            content_root: LeafIndex::new(leaves(&content)).root(),
            leaf_len: LEAF_LEN as u32,
        };
        let settings = Settings {
            session: SessionId(5),
            number: LinkNumber { epoch: 1, sequence: 1 },
            symbol_len: 1408,
            redundancy: Redundancy::new(0.06, BURST, 1e-9, 16).unwrap(),
            passes: 1,
            lanes: 1,
            created: UnixMillis(1),
        };
        let link_key = SigningKey::from_seed([4; 32]);
        let transmission = Transmission::new(&shape, &settings, &link_key).unwrap();
        Self {
            datagrams: transmitted(transmission, &bytes),
            link_key,
            envelope_len: shape.envelope_len,
        }
    }

    /// Whether the bundle is complete when these of its datagrams arrive.
    fn arrives<'a>(&self, datagrams: impl IntoIterator<Item = &'a [u8]>) -> bool {
        let limits = ReceptionLimits {
            memory_bytes: 1 << 28,
            sessions: 8,
            lanes: 1,
            bundle_bytes: 1 << 34,
            idle_millis: 1000,
            signatures_per_second: ReceptionLimits::SIGNATURES_PER_SECOND,
        };
        let mut reception = Reception::new(vec![self.link_key.public()], limits);
        let mut complete = false;
        for datagram in datagrams {
            reception.handle_datagram(datagram, Tick(0));
            while let Some(output) = reception.poll_output() {
                match output {
                    Output::Solve(job) => reception.handle_solved(job.run(), Tick(0)),
                    Output::Head { session, head } => {
                        let head = UnverifiedHead::parse(&head, self.envelope_len).unwrap();
                        reception.accept_head(session, Arc::new(head.index), Tick(0));
                    }
                    Output::Complete { .. } => complete = true,
                    _ => {}
                }
            }
        }
        complete
    }

    /// Whether it arrives over the demo's link with this seed.
    fn survives_seed(&self, seed: u64) -> bool {
        let mut link = Impairment::new(&rough_link(), seed).unwrap();
        let mut out = Outgoing::new(usize::MAX);
        for datagram in &self.datagrams {
            link.handle(datagram, &mut out);
        }
        link.flush(&mut out);
        self.arrives(out.iter())
    }

    /// Whether it arrives if the burst that was provided for begins with the `at`th datagram.
    fn survives_burst(&self, at: usize) -> bool {
        let lost = at..at + BURST as usize;
        let kept = self
            .datagrams
            .iter()
            .enumerate()
            .filter(|(number, _)| !lost.contains(number));
        self.arrives(kept.map(|(_, datagram)| datagram.as_slice()))
    }
}

fn statement(content: &[u8]) -> Statement {
    Statement {
        files: vec![FileRecord {
            path: BundlePath::parse("a").unwrap(),
            sha256: Digest::of(content),
            size: content.len() as u64,
            executable: false,
        }],
        kind: Kind::Code,
        author: "alice@lab".to_owned(),
        created: UnixMillis(1),
        not_after: UnixMillis(2),
        audience: vec!["plant-7".to_owned()],
        target: None,
        description: None,
        origin: Origin {
            tool: None,
            model: None,
            ai_generated: AiShare::Unknown,
            commit: None,
            dirty: None,
        },
        content_len: 0,
        leaf_len: LEAF_LEN as u32,
        content_root: Digest([0; 32]),
    }
}

fn leaves(content: &[u8]) -> Vec<Digest> {
    content.chunks(LEAF_LEN).map(leaf_hash).collect()
}

fn transmitted(transmission: Transmission, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    let read = |job: &EncodeJob, place: &mut [u8]| {
        let start = job.file_offset() as usize;
        place.copy_from_slice(&bytes[start..start + place.len()]);
    };
    let send = |_: usize, header: &[u8; HEADER_LEN], body: &[u8]| datagrams.push([header, body].concat());
    transmission.drive(&mut [Lane::new(0)], read, send).unwrap();
    datagrams
}

/// Those of `all` for which `survives` does not hold.
fn failing(all: impl Iterator<Item = u64>, survives: impl Fn(u64) -> bool) -> Vec<u64> {
    all.filter(|at| !survives(*at)).collect()
}

#[test]
fn a_small_bundle_arrives_over_the_demos_link_with_any_seed() {
    let sent = Sent::new(100);
    assert_eq!(failing(0..2000, |seed| sent.survives_seed(seed)), [0; 0]);
}

#[test]
fn a_bundle_of_two_groups_arrives_over_the_demos_link_with_any_seed() {
    let sent = Sent::new(5_000_000);
    assert_eq!(failing(0..100, |seed| sent.survives_seed(seed)), [0; 0]);
}

#[test]
fn a_small_bundle_survives_the_burst_that_was_provided_for_wherever_it_begins() {
    let sent = Sent::new(100);
    let starts = 0..sent.datagrams.len() as u64;
    assert_eq!(failing(starts, |at| sent.survives_burst(at as usize)), [0; 0]);
}

#[test]
fn a_bundle_of_two_groups_survives_the_burst_that_was_provided_for_wherever_it_begins() {
    let sent = Sent::new(5_000_000);
    let starts = (0..sent.datagrams.len() as u64).filter(|at| *at < 200 || at % 97 == 0);
    assert_eq!(failing(starts, |at| sent.survives_burst(at as usize)), [0; 0]);
}

#[test]
fn a_bundle_does_not_arrive_by_its_first_announce_alone() {
    let sent = Sent::new(100);
    assert!(!sent.arrives(sent.datagrams.iter().take(1).map(Vec::as_slice)));
}
