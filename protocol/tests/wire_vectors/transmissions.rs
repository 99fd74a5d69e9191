//! Whole transmissions: which datagrams, in which order; one of them stored to the last byte.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use diode_protocol::bundle::seal::PackedHead;
use diode_protocol::bundle::{
    AiShare, FileRecord, Kind as BundleKind, LeafIndex, Origin, PREFIX_LEN, Prefix, Statement, UnverifiedHead,
};
use diode_protocol::digest::Digest;
use diode_protocol::fec::Redundancy;
use diode_protocol::merkle;
use diode_protocol::path::BundlePath;
use diode_protocol::reception::{Incoming, Output, Place, Reception, ReceptionLimits};
use diode_protocol::time::{Tick, UnixMillis};
use diode_protocol::transmission::{BundleShape, EncodeJob, Lane, Settings, Transmission};
use diode_protocol::wire::{HEADER_LEN, Kind, LinkNumber, Packet, SessionId, SignedAnnounce};

use super::{ALICE, LINK, hex, key, stored, stored_json};

/// 2026-11-22T09:41:07Z.
const NOW: UnixMillis = UnixMillis(1_795_340_467_000);
const LEAF_LEN: u32 = 4096;
const TWO_FILES: &[u8] = include_bytes!("../../vectors/bundle/two-files.bundle");
const NO_CONTENT: &[u8] = include_bytes!("../../vectors/bundle/no-content.bundle");

/// A bundle and how it is sent.
pub(super) struct Sending {
    name: &'static str,
    bundle: Vec<u8>,
    symbol_len: u16,
    loss: f64,
    burst: u32,
    residual: f64,
    depth: u16,
    passes: u16,
    lanes: u8,
}

/// Two passes of a head block and two content blocks, the last of which is a group of its own, shorter than the depth.
pub(super) fn whole() -> Sending {
    Sending {
        name: "whole",
        bundle: three_blocks(),
        symbol_len: 64,
        loss: 0.001,
        burst: 60,
        residual: 1e-6,
        depth: 2,
        passes: 2,
        lanes: 1,
    }
}

fn sendings() -> [Sending; 7] {
    [
        whole(),
        Sending {
            name: "blocks one after another",
            depth: 1,
            burst: 0,
            passes: 1,
            ..whole()
        },
        Sending {
            name: "a last group of full depth",
            depth: 3,
            burst: 0,
            passes: 1,
            ..whole()
        },
        Sending {
            name: "one short group, at MTU 1500",
            bundle: TWO_FILES.to_vec(),
            symbol_len: 1408,
            loss: 0.02,
            burst: 500,
            residual: 1e-9,
            depth: 16,
            passes: 1,
            lanes: 1,
        },
        Sending {
            name: "a head without content",
            bundle: NO_CONTENT.to_vec(),
            symbol_len: 128,
            loss: 0.0,
            burst: 3,
            residual: 1e-9,
            depth: 2,
            passes: 3,
            lanes: 1,
        },
        Sending {
            name: "two lanes",
            lanes: 2,
            ..whole()
        },
        Sending {
            name: "four lanes for three groups of one block",
            depth: 1,
            burst: 40,
            passes: 1,
            lanes: 4,
            ..whole()
        },
    ]
}

/// A bundle of alice's with 19,400 bytes of content: five leaves, which make two blocks at 64 bytes a symbol.
fn three_blocks() -> Vec<u8> {
    let data: Vec<u8> = (0..19_381usize).map(|i| u8::try_from(i * 7 % 251).unwrap()).collect();
    let run = b"#!/bin/sh\nexec true";
    let record = |path: &str, bytes: &[u8]| FileRecord {
        path: BundlePath::parse(path).unwrap(),
        sha256: Digest::of(bytes),
        size: bytes.len() as u64,
        executable: path.ends_with(".sh"),
    };
    let content = [&data[..], run].concat();
    let statement = Statement {
        files: vec![
            record("data/seven.bin", &data),
            record("empty", b""),
            record("run.sh", run),
        ],
        kind: BundleKind::Code,
        author: "alice@lab".to_owned(),
        created: NOW,
        not_after: NOW.plus_millis(30 * 24 * 60 * 60 * 1000),
        audience: vec!["plant-7".to_owned()],
        target: None,
        description: None,
        origin: Origin {
            ai_generated: AiShare::None,
            ..Origin::default()
        },
        content_len: 0,
        leaf_len: LEAF_LEN,
        content_root: Digest([0; 32]),
    };
    let leaves = content.chunks(LEAF_LEN as usize).map(merkle::leaf_hash).collect();
    let packed = PackedHead::seal(statement, leaves, &[&key(ALICE)]).unwrap();
    [&packed.prefix().emit()[..], packed.head(), &content].concat()
}

impl Sending {
    fn head(&self) -> (Prefix, &[u8]) {
        let (prefix, rest) = self.bundle.split_first_chunk::<PREFIX_LEN>().unwrap();
        let prefix = Prefix::parse(prefix).unwrap();
        (prefix, &rest[..usize::try_from(prefix.head_len()).unwrap()])
    }

    fn shape(&self) -> BundleShape {
        let (prefix, head) = self.head();
        let UnverifiedHead { id, statement, .. } = UnverifiedHead::parse(head, prefix.envelope_len).unwrap();
        BundleShape {
            bundle: id,
            envelope_len: prefix.envelope_len,
            head_len: u32::try_from(head.len()).unwrap(),
            head_sha256: Digest::of(head),
            content_len: statement.content_len,
            content_root: statement.content_root,
            leaf_len: statement.leaf_len,
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            session: SessionId(0xA1A2_A3A4_A5A6_A7A8),
            number: LinkNumber {
                epoch: 0xE0E1_E2E3_E4E5_E6E7,
                sequence: 1,
            },
            symbol_len: self.symbol_len,
            redundancy: Redundancy::new(self.loss, self.burst, self.residual, self.depth).unwrap(),
            passes: self.passes,
            lanes: self.lanes,
            created: NOW,
        }
    }

    /// Every datagram of each lane, in order.
    pub(super) fn datagrams(&self) -> Vec<Vec<Vec<u8>>> {
        let transmission = Transmission::new(&self.shape(), &self.settings(), &key(LINK)).unwrap();
        let mut lanes: Vec<_> = (0..self.lanes).map(|lane| Lane::new(first_packet(lane))).collect();
        let mut datagrams = vec![Vec::new(); lanes.len()];
        let read = |job: &EncodeJob, place: &mut [u8]| {
            let start = usize::try_from(job.file_offset()).unwrap();
            place.copy_from_slice(&self.bundle[start..start + place.len()]);
        };
        let send = |lane: usize, header: &[u8; HEADER_LEN], body: &[u8]| datagrams[lane].push([header, body].concat());
        transmission.drive(&mut lanes, read, send).unwrap();
        datagrams
    }

    fn told(&self) -> Value {
        let lanes = self.datagrams();
        let packet = Packet::parse(&lanes[0][0]).unwrap();
        let announce = SignedAnnounce::open(packet.header.session, packet.body, &[key(LINK).public()]).unwrap();
        let (announce, layout) = (announce.announce(), announce.layout());
        let redundancy = self.settings().redundancy;
        let blocks = (0..layout.blocks()).map(|number| {
            let block = layout.block(number).unwrap();
            let least = if number < layout.head_blocks() { 16 } else { 0 };
            json!({ "number": number, "len": block.len, "k": block.k, "r": redundancy.repair_symbols(block.k).unwrap().max(least) })
        });
        json!({
            "name": self.name,
            "bundle_sha256": Digest::of(&self.bundle),
            "bundle_len": self.bundle.len(),
            "bundle": announce.bundle,
            "link": { "loss": self.loss, "burst": self.burst, "residual": self.residual },
            "session": packet.header.session.to_string(),
            "symbol_len": announce.symbol_len,
            "leaves_per_block": announce.leaves_per_block,
            "depth": announce.depth,
            "passes": announce.passes,
            "max_esi": announce.max_esi,
            "blocks": blocks.collect::<Vec<_>>(),
            "lanes": lanes.iter().zip(0..).map(|(datagrams, lane)| lane_told(lane, datagrams)).collect::<Vec<_>>(),
        })
    }
}

/// Where the numbers of a lane begin, so that those of the first wrap soon.
fn first_packet(lane: u8) -> u32 {
    (u32::MAX - 9).wrapping_add(u32::from(lane) << 16)
}

fn lane_told(lane: u8, datagrams: &[Vec<u8>]) -> Value {
    json!({
        "first_packet": first_packet(lane),
        "steps": steps(datagrams),
        "datagrams": datagrams.len(),
        "sha256": Digest::of(&datagrams.concat()),
        "first": datagrams.iter().take(6).map(|datagram| hex(datagram)).collect::<Vec<_>>(),
    })
}

pub(super) fn transmissions() -> Value {
    json!(sendings().map(|sending| sending.told()))
}

/// Each datagram behind its length of two bytes.
pub(super) fn framed(datagrams: &[Vec<u8>]) -> Vec<u8> {
    let framed = datagrams.iter().flat_map(|datagram| {
        let len = u16::try_from(datagram.len()).unwrap();
        [&len.to_be_bytes()[..], datagram].concat()
    });
    framed.collect()
}

fn unframed(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    while let Some((len, rest)) = bytes.split_first_chunk::<2>() {
        let (datagram, rest) = rest.split_at(u16::from_be_bytes(*len).into());
        datagrams.push(datagram.to_vec());
        bytes = rest;
    }
    datagrams
}

/// The order in short: a step is a run of announces, of filler, or of one group's symbols; ESIs as first and last.
fn steps(datagrams: &[Vec<u8>]) -> Vec<Value> {
    let mut steps: Vec<(Kind, u32, BTreeMap<u32, Vec<u32>>)> = Vec::new();
    let mut last_esi = 0;
    for datagram in datagrams {
        let header = Packet::parse(datagram).unwrap().header;
        let begins = steps.last().is_none_or(|(kind, ..)| *kind != header.kind) || header.esi == 0 && last_esi != 0;
        if begins {
            steps.push((header.kind, 0, BTreeMap::new()));
        }
        let (_, count, blocks) = steps.last_mut().unwrap();
        *count += 1;
        if header.kind == Kind::Symbol {
            blocks.entry(header.block).or_default().push(header.esi);
        }
        last_esi = header.esi;
    }
    let told = steps.into_iter().map(|(kind, count, blocks)| match kind {
        Kind::Announce => json!({ "announces": count }),
        Kind::Filler => json!({ "filler": count }),
        Kind::Heartbeat => json!({ "heartbeats": count }),
        Kind::Symbol => {
            let blocks = blocks
                .into_iter()
                .map(|(block, esis)| json!({ "block": block, "esis": runs(&esis) }));
            json!({ "symbols": count, "of": blocks.collect::<Vec<_>>() })
        }
    });
    told.collect()
}

fn runs(esis: &[u32]) -> Vec<[u32; 2]> {
    let mut runs: Vec<[u32; 2]> = Vec::new();
    for &esi in esis {
        match runs.last_mut() {
            Some([_, last]) if *last + 1 == esi => *last = esi,
            _ => runs.push([esi, esi]),
        }
    }
    runs
}

/// What a receiver writes of these datagrams of a lane, prefix and head included; it asks nobody who signed.
fn received(datagrams: impl IntoIterator<Item = Vec<u8>>) -> Option<Vec<u8>> {
    received_on_lanes(datagrams.into_iter().map(|datagram| (0, datagram)))
}

/// As [`received`], each datagram with its lane.
fn received_on_lanes(datagrams: impl IntoIterator<Item = (usize, Vec<u8>)>) -> Option<Vec<u8>> {
    let limits = ReceptionLimits {
        memory_bytes: 8 << 20,
        sessions: 1,
        lanes: 4,
        bundle_bytes: 1 << 20,
        idle_millis: 1000,
        signatures_per_second: ReceptionLimits::SIGNATURES_PER_SECOND,
    };
    let mut reception = Reception::new(vec![key(LINK).public()], limits);
    let (mut file, mut envelope_len) = (Vec::new(), 0);
    for (lane, bytes) in datagrams {
        let (bytes, lost_at) = (&bytes[..], Place::Link);
        reception.handle_datagram(Incoming { lane, bytes, lost_at }, Tick(0));
        while let Some(output) = reception.poll_output() {
            match output {
                Output::Opened { announce, .. } => {
                    file = vec![0; usize::try_from(announce.layout().file_len()).unwrap()];
                    envelope_len = announce.announce().envelope_len;
                }
                Output::Solve(job) => {
                    let solved = job.run();
                    if let Some((offset, bytes)) = solved.content() {
                        let start = usize::try_from(offset).unwrap();
                        file[start..start + bytes.len()].copy_from_slice(bytes);
                    }
                    reception.handle_solved(solved, Tick(0));
                }
                Output::Head { session, head } => {
                    let index = &head[envelope_len as usize..];
                    let prefix = Prefix {
                        envelope_len,
                        index_len: u32::try_from(index.len()).unwrap(),
                    };
                    file[..PREFIX_LEN].copy_from_slice(&prefix.emit());
                    file[PREFIX_LEN..PREFIX_LEN + head.len()].copy_from_slice(&head);
                    reception.accept_head(session, Arc::new(LeafIndex::parse(index).unwrap()), Tick(0));
                }
                Output::Complete { .. } => return Some(file),
                // A link's news is no part of a bundle.
                Output::Heartbeat(_) | Output::Link(_) => {}
                Output::Ended { .. } | Output::Mismatched { .. } | Output::UnknownLinkKey { .. } => return None,
            }
        }
    }
    None
}

fn stored_digest(of: &Value) -> String {
    of.as_str().unwrap().to_owned()
}

fn bundle_digest() -> String {
    stored_digest(&stored_json("transmissions.json")[0]["bundle_sha256"])
}

#[test]
fn the_stored_transmission_is_the_one_whose_digest_is_stored() {
    let datagrams = unframed(stored("transmission.datagrams"));
    let stored = &stored_json("transmissions.json")[0]["lanes"][0]["sha256"];
    assert_eq!(Digest::of(&datagrams.concat()).to_string(), stored_digest(stored));
}

#[test]
fn the_stored_transmission_gives_the_bundle_whose_digest_is_stored() {
    let bundle = received(unframed(stored("transmission.datagrams"))).unwrap();
    assert_eq!(Digest::of(&bundle).to_string(), bundle_digest());
}

#[test]
fn the_stored_transmissions_first_pass_survives_the_loss_of_every_20th_datagram_wherever_it_begins() {
    let datagrams = unframed(stored("transmission.datagrams"));
    let first_pass = &datagrams[..datagrams.len() / 2];
    for lost in 0..20 {
        let rest = first_pass.iter().enumerate().filter(|(at, _)| at % 20 != lost);
        let bundle = received(rest.map(|(_, datagram)| datagram.clone()));
        let digest = bundle.map(|bundle| Digest::of(&bundle).to_string());
        assert_eq!(digest, Some(bundle_digest()), "each 20th from {lost} on");
    }
}

#[test]
fn the_stored_transmissions_second_pass_is_enough_by_itself() {
    let datagrams = unframed(stored("transmission.datagrams"));
    let bundle = received(datagrams[datagrams.len() / 2..].iter().cloned()).unwrap();
    assert_eq!(Digest::of(&bundle).to_string(), bundle_digest());
}

#[test]
fn every_transmission_gives_its_bundle_whichever_lane_comes_first() {
    for sending in sendings() {
        let lanes = sending.datagrams();
        for first in 0..lanes.len() {
            let order = (first..lanes.len()).chain(0..first);
            let datagrams = order.flat_map(|lane| lanes[lane].iter().map(move |datagram| (lane, datagram.clone())));
            let bundle = received_on_lanes(datagrams);
            assert!(
                bundle.as_ref() == Some(&sending.bundle),
                "{}, from lane {first} on",
                sending.name
            );
        }
    }
}
