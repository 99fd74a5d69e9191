//! The stored datagrams, codes, layouts, trees and transmissions: that today's code makes the same, and takes or refuses them as stored.
//!
//! The recipes are in `wire_vectors/`; `cargo test -p diode-protocol --test wire_vectors -- --ignored` stores them anew after a change of
//! the format, which then also changes `SPEC.md` and the version that it speaks of.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

#[path = "wire_vectors/arithmetic.rs"]
mod arithmetic;
#[path = "wire_vectors/codes.rs"]
mod codes;
#[path = "wire_vectors/datagrams.rs"]
mod datagrams;
#[path = "wire_vectors/heartbeats.rs"]
mod heartbeats;
#[path = "wire_vectors/transmissions.rs"]
mod transmissions;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use diode_protocol::digest::Digest;
use diode_protocol::keys::{Signature, SigningKey};
use diode_protocol::merkle;

macro_rules! stored {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../vectors/wire/", $name)))),*]
    };
}

const STORED: &[(&str, &[u8])] = stored![
    "codes.json",
    "datagrams.json",
    "keys.json",
    "layouts.json",
    "merkle.json",
    "redundancy.json",
    "transmission.datagrams",
    "transmissions.json",
];

fn stored(name: &str) -> &'static [u8] {
    STORED
        .iter()
        .find(|(stored, _)| *stored == name)
        .map_or(&[], |(_, bytes)| bytes)
}

fn stored_json(name: &str) -> Value {
    serde_json::from_slice(stored(name)).unwrap()
}

/// The key whose seed is this byte, 32 times.
fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

/// The author of the bundles here, as in `vectors/bundle`.
const ALICE: u8 = 1;
/// The link key that the receiver has pinned.
const LINK: u8 = 7;
/// A link key that nobody has pinned.
const OTHER_LINK: u8 = 8;

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

fn unhex(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

fn pretty(value: &Value) -> Vec<u8> {
    (serde_json::to_string_pretty(value).unwrap() + "\n").into_bytes()
}

fn keys() -> Value {
    let named = [
        ("alice@lab, an author", ALICE),
        ("the link key", LINK),
        ("another link key", OTHER_LINK),
    ];
    let keys = named.map(|(name, seed)| {
        let public = key(seed).public();
        json!({
            "name": name,
            "seed": hex(&[seed; 32]),
            "public": hex(&public.to_bytes()),
            "key_id": public.key_id().to_string(),
            "fingerprint": public.fingerprint(),
            "openssh": public.to_openssh(""),
            "signature_of_abc": hex(&key(seed).sign(b"abc").0),
        })
    });
    json!(keys)
}

type Recipe = (&'static str, fn() -> Vec<u8>);

/// How each file is made.
const RECIPES: &[Recipe] = &[
    ("codes.json", || pretty(&codes::codes())),
    ("datagrams.json", || pretty(&datagrams::datagrams())),
    ("keys.json", || pretty(&keys())),
    ("layouts.json", || pretty(&arithmetic::layouts())),
    ("merkle.json", || pretty(&arithmetic::merkle())),
    ("redundancy.json", || pretty(&arithmetic::redundancy())),
    ("transmission.datagrams", || {
        transmissions::framed(&transmissions::whole().datagrams().concat())
    }),
    ("transmissions.json", || pretty(&transmissions::transmissions())),
];

#[test]
fn todays_code_makes_every_stored_file() {
    for (name, make) in RECIPES {
        let made = make();
        let lines = |bytes: &[u8]| -> Vec<String> { bytes.split(|byte| *byte == b'\n').map(hex_if_not_text).collect() };
        let (then, now) = (lines(stored(name)), lines(&made));
        let differs = then.iter().zip(&now).position(|(then, now)| then != now);
        if let Some(at) = differs {
            panic!("{name}, line {}:\nstored {}\nmade   {}", at + 1, then[at], now[at]);
        }
        assert_eq!(then.len(), now.len(), "lines of {name}");
    }
}

fn hex_if_not_text(line: &[u8]) -> String {
    String::from_utf8(line.to_vec()).unwrap_or_else(|_| hex(line))
}

#[test]
fn every_stored_file_has_a_recipe() {
    let made = RECIPES.iter().map(|(name, _)| name);
    assert!(STORED.iter().map(|(name, _)| name).eq(made));
}

#[test]
fn every_stored_signature_is_by_its_stored_key() {
    for stored in stored_json("keys.json").as_array().unwrap() {
        let public = diode_protocol::keys::PublicKey::parse(stored["openssh"].as_str().unwrap()).unwrap();
        let signature = Signature(unhex(&stored["signature_of_abc"]).try_into().unwrap());
        assert_eq!(public.verify(b"abc", &signature), Ok(()));
    }
}

#[test]
fn every_stored_proof_leads_from_its_leaf_to_its_root() {
    let stored = stored_json("merkle.json");
    let proofs = stored["proofs"].as_array().unwrap();
    assert!(!proofs.is_empty());
    for proof in proofs {
        let digest = |value: &Value| value.as_str().unwrap().parse::<Digest>().unwrap();
        let path: Vec<_> = proof["proof"].as_array().unwrap().iter().map(digest).collect();
        let (index, size) = (proof["leaf"].as_u64().unwrap(), proof["size"].as_u64().unwrap());
        let leaf = digest(&stored["leaves"][usize::try_from(index).unwrap()]["hash"]);
        let root = digest(&stored["roots"][usize::try_from(size).unwrap()]);
        assert!(
            merkle::verify_inclusion(&leaf, index, size, &path, &root),
            "leaf {index} of {size}"
        );
    }
}

#[test]
#[ignore = "writes the vectors: only after a wanted change of the format"]
#[expect(
    clippy::disallowed_methods,
    reason = "a tool for developers, not part of the library"
)]
fn store_the_vectors() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/wire");
    for (name, make) in RECIPES {
        std::fs::write(folder.join(name), make()).unwrap();
    }
}
