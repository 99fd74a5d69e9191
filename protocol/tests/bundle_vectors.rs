//! The stored bundles, what a receiver says of each, and that today's code makes the same bytes.
//!
//! The recipes are below; `cargo test -p diode-protocol --test bundle_vectors -- --ignored` stores them anew after a change of the format.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use data_encoding::BASE64;
use serde_json::{Value, json};

use diode_protocol::bundle::seal::{PackedHead, seal};
use diode_protocol::bundle::{
    AiShare, Envelope, FileRecord, Kind, LeafIndex, Origin, PREFIX_LEN, Prefix, Refusal, Statement, VerifiedHead,
    verify_head,
};
use diode_protocol::digest::Digest;
use diode_protocol::keys::SigningKey;
use diode_protocol::merkle;
use diode_protocol::path::{BundlePath, check_set};
use diode_protocol::time::UnixMillis;
use diode_protocol::trust::Trust;

const RECEIVER: &str = "plant-7";
/// 2026-11-22T09:41:07Z.
const NOW: UnixMillis = UnixMillis(1_795_340_467_000);
const LEAF_LEN: u32 = 4096;

macro_rules! stored {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../vectors/bundle/", $name)))),*]
    };
}

const STORED: &[(&str, &[u8])] = stored![
    "allowed_signers",
    "cases.json",
    "two-files.payload.json",
    "two-files.bundle",
    "two-signers.bundle",
    "no-content.bundle",
    "refused/author-mismatch.bundle",
    "refused/bad-signature.bundle",
    "refused/content-root.bundle",
    "refused/envelope-room.bundle",
    "refused/envelope-unknown-field.bundle",
    "refused/expired.bundle",
    "refused/leaf-count.bundle",
    "refused/leaf-len.bundle",
    "refused/not-yet-valid.bundle",
    "refused/path-above.bundle",
    "refused/path-case.bundle",
    "refused/path-order.bundle",
    "refused/repeated-field.bundle",
    "refused/second-encoding.bundle",
    "refused/sizes.bundle",
    "refused/unknown-field.bundle",
    "refused/untrusted-signer.bundle",
    "refused/wrong-audience.bundle",
];

fn stored(name: &str) -> &'static [u8] {
    STORED
        .iter()
        .find(|(stored, _)| *stored == name)
        .map_or(&[], |(_, bytes)| bytes)
}

/// The key whose seed is this byte, 32 times: 1 is alice's, 2 is bob's, 9 is nobody's.
fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn allowed_signers() -> String {
    let [alice, bob] = [1, 2].map(|seed| key(seed).public().to_openssh("seed"));
    format!(
        "# the keys of the bundle vectors: each seed is one byte, 32 times\nalice@lab {alice} 1\n*@lab,!alice@lab {bob} 2\n"
    )
}

fn record(path: &str, bytes: &[u8]) -> FileRecord {
    FileRecord {
        path: BundlePath::parse(path).unwrap(),
        sha256: Digest::of(bytes),
        size: bytes.len() as u64,
        executable: path.ends_with(".sh"),
    }
}

fn leaves(content: &[u8]) -> Vec<Digest> {
    content.chunks(LEAF_LEN as usize).map(merkle::leaf_hash).collect()
}

fn statement() -> (Statement, Vec<u8>) {
    let (main, run) = (b"fn main() {}\n".repeat(700), b"#!/bin/sh\nexec true\n");
    let content = [&main[..], run].concat();
    let created = UnixMillis(NOW.0 - 9_000);
    let statement = Statement {
        files: vec![record("src/main.rs", &main), record("tools/\u{FC}ber uns.sh", run)],
        kind: Kind::Code,
        author: "alice@lab".to_owned(),
        created,
        not_after: created.plus_millis(30 * 24 * 60 * 60 * 1000),
        audience: vec![RECEIVER.to_owned()],
        target: Some("billing".to_owned()),
        description: Some("first line\n\t\"second\" line".to_owned()),
        origin: Origin {
            tool: Some("claude-code".to_owned()),
            model: None,
            ai_generated: AiShare::Full,
            commit: Some("9fceb02d0ae598e95dc970b74767f19372d61af8".to_owned()),
            dirty: Some(false),
        },
        content_len: content.len() as u64,
        leaf_len: LEAF_LEN,
        content_root: merkle::root(&leaves(&content)),
    };
    (statement, content)
}

/// A file from an envelope and an index, neither of which needs to be right.
fn file(envelope: &[u8], leaves: Vec<Digest>, content: &[u8]) -> Vec<u8> {
    let index = LeafIndex::new(leaves).to_bytes();
    let prefix = Prefix {
        envelope_len: u32::try_from(envelope.len()).unwrap(),
        index_len: u32::try_from(index.len()).unwrap(),
    };
    [&prefix.emit()[..], envelope, &index, content].concat()
}

fn packed(statement: Statement, content: &[u8], seeds: &[u8]) -> Vec<u8> {
    let keys: Vec<_> = seeds.iter().map(|seed| key(*seed)).collect();
    let packed = PackedHead::seal(statement, leaves(content), &keys.iter().collect::<Vec<_>>()).unwrap();
    [&packed.prefix().emit()[..], packed.head(), content].concat()
}

/// The sample after a change that an author could sign.
fn changed(change: impl FnOnce(&mut Statement)) -> Vec<u8> {
    let (mut statement, content) = statement();
    change(&mut statement);
    packed(statement, &content, &[1])
}

/// The sample with one text of its payload replaced, signed as it then is.
fn resigned(old: &str, new: &str) -> Vec<u8> {
    let (statement, content) = statement();
    let payload = String::from_utf8(statement.to_payload()).unwrap();
    assert!(payload.contains(old), "{old} is not in {payload}");
    let envelope = seal(payload.replacen(old, new, 1).as_bytes(), &[&key(1)]).unwrap();
    file(&envelope.to_bytes(), leaves(&content), &content)
}

/// The sample with other bytes for its envelope.
fn reenveloped(change: impl FnOnce(String) -> String) -> Vec<u8> {
    let (statement, content) = statement();
    let envelope = seal(&statement.to_payload(), &[&key(1)]).unwrap().to_bytes();
    file(
        change(String::from_utf8(envelope).unwrap()).as_bytes(),
        leaves(&content),
        &content,
    )
}

/// The sample with other leaves in its index.
fn reindexed(change: impl FnOnce(&mut Vec<Digest>)) -> Vec<u8> {
    let (statement, content) = statement();
    let mut leaves = leaves(&content);
    change(&mut leaves);
    file(
        &seal(&statement.to_payload(), &[&key(1)]).unwrap().to_bytes(),
        leaves,
        &content,
    )
}

fn taken() -> Vec<(&'static str, Vec<u8>)> {
    let (sample, content) = statement();
    let mut empty = sample.clone();
    empty.files = vec![record("__init__.py", b"")];
    vec![
        ("two-files.bundle", packed(sample.clone(), &content, &[1])),
        ("two-signers.bundle", packed(sample, &content, &[9, 2, 1])),
        ("no-content.bundle", packed(empty, b"", &[1])),
    ]
}

/// What is changed in the payload, which is signed again.
const RESIGNED: [(&str, &str, &str); 8] = [
    ("refused/leaf-len.bundle", "\"leaf_len\":4096", "\"leaf_len\":4097"),
    ("refused/path-above.bundle", "src/main.rs", "../main.rs"),
    ("refused/path-case.bundle", "src/main.rs", "Tools/\u{DC}ber uns.sh"),
    ("refused/path-order.bundle", "src/main.rs", "zzz/main.rs"),
    (
        "refused/repeated-field.bundle",
        "\"kind\":\"code\"",
        "\"kind\":\"code\",\"kind\":\"code\"",
    ),
    (
        "refused/second-encoding.bundle",
        "\"author\":\"alice@lab\"",
        "\"author\": \"alice@lab\"",
    ),
    ("refused/sizes.bundle", "\"size\":9100", "\"size\":9101"),
    (
        "refused/unknown-field.bundle",
        "\"kind\":\"code\"",
        "\"kind\":\"code\",\"run\":\"code\"",
    ),
];

fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let (sample, content) = statement();
    let edited = |text: String| {
        let mut other = sample.clone();
        other.target = Some("billinh".to_owned());
        text.replace(
            &BASE64.encode(&sample.to_payload()),
            &BASE64.encode(&other.to_payload()),
        )
    };
    let day = 24 * 60 * 60 * 1000;
    let mut refused = vec![
        ("refused/author-mismatch.bundle", packed(sample.clone(), &content, &[2])),
        ("refused/bad-signature.bundle", reenveloped(edited)),
        ("refused/content-root.bundle", reindexed(|leaves| leaves.swap(0, 2))),
        (
            "refused/envelope-room.bundle",
            reenveloped(|text| text + &" ".repeat(4096)),
        ),
        (
            "refused/envelope-unknown-field.bundle",
            reenveloped(|text| text.replacen('{', "{\"payloadUtf8\":\"\",", 1)),
        ),
        (
            "refused/expired.bundle",
            changed(|statement| statement.not_after = UnixMillis(NOW.0 - 1)),
        ),
        ("refused/leaf-count.bundle", reindexed(|leaves| leaves.truncate(2))),
        (
            "refused/not-yet-valid.bundle",
            changed(|statement| {
                statement.created = NOW.plus_millis(day + 1);
                statement.not_after = statement.created.plus_millis(day);
            }),
        ),
        (
            "refused/untrusted-signer.bundle",
            packed(sample.clone(), &content, &[9]),
        ),
        (
            "refused/wrong-audience.bundle",
            changed(|statement| statement.audience = vec!["plant-8".to_owned()]),
        ),
    ];
    refused.extend(RESIGNED.map(|(name, then, now)| (name, resigned(then, now))));
    refused.sort_unstable_by_key(|(name, _)| *name);
    refused
}

fn verify(bundle: &[u8]) -> Result<VerifiedHead, Refusal> {
    let (prefix, rest) = bundle.split_first_chunk::<PREFIX_LEN>().unwrap();
    let prefix = Prefix::parse(prefix).unwrap();
    let head = &rest[..usize::try_from(prefix.head_len()).unwrap()];
    let trust = Trust::parse(&allowed_signers(), "allowed_signers").unwrap();
    verify_head(head, prefix.envelope_len, &trust, RECEIVER, NOW)
}

fn told(name: &str, bundle: &[u8]) -> Value {
    match verify(bundle) {
        Ok(head) => json!({
            "file": name,
            "bundle": head.id(),
            "content_root": head.statement().content_root,
            "signers": head.signers().map(|signer| signer.principal.clone()).collect::<Vec<_>>(),
            "unknown_signatures": head.unknown_signatures(),
        }),
        Err(refusal) => json!({ "file": name, "code": refusal.code(), "why": refusal.to_string() }),
    }
}

fn cases() -> Vec<u8> {
    let told = |bundles: Vec<(&str, Vec<u8>)>| -> Vec<Value> {
        bundles.iter().map(|(name, bundle)| told(name, bundle)).collect()
    };
    let cases = json!({
        "allowed_signers": "allowed_signers",
        "receiver": RECEIVER,
        "now": NOW,
        "taken": told(taken()),
        "refused": told(refused()),
        "paths": paths(),
    });
    escape_non_ascii(&(serde_json::to_string_pretty(&cases).unwrap() + "\n")).into_bytes()
}

/// The same JSON in characters that every editor shows.
fn escape_non_ascii(json: &str) -> String {
    let mut text = String::new();
    for character in json.chars() {
        match character {
            '\n' | ' '..='~' => text.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text
}

/// Paths alone, and sets of paths that are fine one by one.
fn paths() -> Value {
    let long = format!("{}/{}/{}", "x".repeat(255), "y".repeat(127), "z".repeat(128));
    let deep = vec!["a"; 32].join("/");
    let alone = [
        "a",
        "src/main.rs",
        "\u{E9}\u{65E5}\u{1F980}",
        ".gitignore",
        "a b",
        "COM10",
        "nul_",
        &long,
        &deep,
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "a/../b",
        "a.",
        "a /b",
        "a:b",
        "a\\b",
        "a*",
        "CON",
        "aux.c",
        "com\u{B9}.txt",
        "a\nb",
        "a\u{7F}",
        "a\u{A0}b",
        "a\u{200B}b",
        "a\u{202E}b",
        "a\u{2028}b",
        "a\u{FE0F}",
        "a\u{E0041}",
        "a\u{E000}",
    ];
    let (longer, deeper) = (format!("{long}x"), format!("{deep}/a"));
    let alone = alone.into_iter().chain([longer.as_str(), deeper.as_str()]).map(|path| {
        let why = BundlePath::parse(path).err().map(|error| error.to_string());
        json!({ "path": path, "why": why })
    });
    let sets = [
        vec!["a", "a!", "a.b", "b/c", "b/d"],
        vec!["Src/a", "src/b"],
        vec!["e", "\u{E9}", "\u{FF45}"],
        vec!["a", "a/b"],
        vec!["A", "a/b"],
        vec!["Makefile", "makefile"],
        vec!["e\u{301}", "\u{E9}"],
        vec!["STRASSE", "stra\u{DF}e"],
        vec!["\u{1E9E}", "ss"],
        vec!["I", "\u{131}"],
    ];
    let sets = sets.map(|set| {
        let parsed: Vec<_> = set.iter().map(|path| BundlePath::parse(path).unwrap()).collect();
        json!({ "set": set, "why": check_set(&parsed).err().map(|error| error.to_string()) })
    });
    json!({ "alone": alone.collect::<Vec<_>>(), "together": sets })
}

fn all() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![
        ("allowed_signers", allowed_signers().into_bytes()),
        ("cases.json", cases()),
        ("two-files.payload.json", statement().0.to_payload()),
    ];
    all.extend(taken());
    all.extend(refused());
    all
}

#[test]
fn todays_code_makes_every_stored_file() {
    for (name, bytes) in all() {
        assert!(stored(name) == bytes, "{name} differs");
    }
}

#[test]
fn every_stored_file_has_a_recipe() {
    let made: Vec<_> = all().into_iter().map(|(name, _)| name).collect();
    assert!(STORED.iter().all(|(name, _)| made.contains(name)), "{made:?}");
}

#[test]
fn every_bundle_to_be_taken_is_taken() {
    for (name, _) in taken() {
        assert!(verify(stored(name)).is_ok(), "{name}: {:?}", verify(stored(name)).err());
    }
}

#[test]
fn every_bundle_to_be_refused_is_refused_with_the_code_in_its_name_or_as_malformed() {
    for (name, _) in refused() {
        let code = verify(stored(name)).map(|head| head.id()).unwrap_err().code();
        let named = name.trim_start_matches("refused/").trim_end_matches(".bundle");
        assert!(code == named || code == "malformed", "{name}: {code}");
    }
}

#[test]
fn the_stored_payload_is_that_of_the_stored_bundle() {
    let (prefix, rest) = stored("two-files.bundle").split_first_chunk::<PREFIX_LEN>().unwrap();
    let envelope_len = Prefix::parse(prefix).unwrap().envelope_len as usize;
    let envelope = Envelope::parse(&rest[..envelope_len]).unwrap();
    assert_eq!(envelope.payload(), stored("two-files.payload.json"));
}

#[test]
fn the_stored_bundles_content_has_the_digests_of_its_statement() {
    let (statement, _) = statement();
    let bundle = stored("two-files.bundle");
    let content = &bundle[bundle.len() - usize::try_from(statement.content_len).unwrap()..];
    for (file, start) in statement.files.iter().zip(statement.file_offsets()) {
        let start = usize::try_from(start).unwrap();
        let end = start + usize::try_from(file.size).unwrap();
        assert_eq!(Digest::of(&content[start..end]), file.sha256, "{}", file.path);
    }
}

#[test]
#[ignore = "writes the vectors: only after a wanted change of the format"]
#[expect(
    clippy::disallowed_methods,
    reason = "a tool for developers, not part of the library"
)]
fn store_the_vectors() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/bundle");
    for (name, bytes) in all() {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}
