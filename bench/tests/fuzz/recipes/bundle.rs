//! Bundles: a small one, one of many fields, and one of no content.

use diode_bench::fuzz::fixture::{AUTHOR, LEAF_LEN, NOW, RECEIVER, author_key};
use protocol::bundle::seal::PackedHead;
use protocol::bundle::{AiShare, FileRecord, Kind, Origin, Statement};
use protocol::digest::Digest;
use protocol::merkle::leaf_hash;
use protocol::path::BundlePath;

use super::{Seed, script};

/// A packed bundle.
pub(crate) struct Bundle {
    pub(crate) packed: PackedHead,
    pub(crate) content: Vec<u8>,
}

impl Bundle {
    /// Of these files.
    pub(crate) fn of(files: &[(&str, Vec<u8>)]) -> Self {
        Self::with(files, |_| {})
    }

    fn with(files: &[(&str, Vec<u8>)], change: impl FnOnce(&mut Statement)) -> Self {
        let content: Vec<u8> = files.iter().flat_map(|(_, bytes)| bytes).copied().collect();
        let leaves = content.chunks(LEAF_LEN as usize).map(leaf_hash).collect();
        let mut statement = statement(files);
        change(&mut statement);
        Self {
            packed: PackedHead::seal(statement, leaves, &[author_key()]).unwrap(),
            content,
        }
    }

    fn envelope(&self) -> &[u8] {
        self.parts().0
    }

    /// Envelope and index.
    fn parts(&self) -> (&[u8], &[u8]) {
        self.packed.head().split_at(self.packed.prefix().envelope_len as usize)
    }

    fn payload(&self) -> Vec<u8> {
        self.packed.statement().to_payload()
    }
}

/// So many bytes that are not all alike.
pub(crate) fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 % 251) as u8).collect()
}

fn statement(files: &[(&str, Vec<u8>)]) -> Statement {
    let record = |(path, bytes): &(&str, Vec<u8>)| FileRecord {
        path: BundlePath::parse(path).unwrap(),
        sha256: Digest::of(bytes),
        size: bytes.len() as u64,
        executable: path.ends_with(".sh"),
    };
    Statement {
        files: files.iter().map(record).collect(),
        kind: Kind::Code,
        author: AUTHOR.to_owned(),
        created: NOW,
        not_after: NOW.plus_millis(1000),
        audience: vec![RECEIVER.to_owned()],
        target: None,
        description: None,
        origin: Origin {
            ai_generated: AiShare::Unknown,
            ..Origin::default()
        },
        content_len: 0,
        leaf_len: LEAF_LEN,
        content_root: Digest([0; 32]),
    }
}

fn bundles() -> [(&'static str, Bundle); 3] {
    let small = Bundle::of(&[("src/lib.rs", bytes(100))]);
    let full = Bundle::with(
        &[
            ("README.md", bytes(5000)),
            ("bin/run.sh", bytes(20)),
            ("src/é.rs", bytes(4000)),
        ],
        |statement| {
            statement.audience.push("plant-8".to_owned());
            statement.target = Some("billing".to_owned());
            statement.description = Some("A \"quoted\" text,\nof two lines \\ with a backslash".to_owned());
            statement.origin = Origin {
                tool: Some("a tool".to_owned()),
                model: Some("a model".to_owned()),
                ai_generated: AiShare::Some,
                commit: Some("0123456789abcdef".to_owned()),
                dirty: Some(true),
            };
        },
    );
    let empty = Bundle::of(&[("empty", Vec::new())]);
    [("small", small), ("full", full), ("empty", empty)]
}

pub(super) fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (name, bundle) in bundles() {
        let (envelope, index) = bundle.parts();
        let payload = bundle.payload();
        let envelope_len = bundle.packed.prefix().envelope_len.to_be_bytes();
        seeds.push(("prefix", name, bundle.packed.prefix().emit().to_vec()));
        seeds.push(("envelope", name, bundle.envelope().to_vec()));
        seeds.push(("statement", name, payload.clone()));
        seeds.push(("head", name, [&envelope_len, envelope, index].concat()));
        seeds.push(("signed_head", name, script([(0, &payload[..]), (1, index)])));
    }
    let paths = "README.md\nsrc/main.rs\nsrc/é/x y.txt\na/b/c/d/e\nStra\u{df}e\n.gitignore\nREADME.txt";
    seeds.push(("paths", "plain", paths.as_bytes().to_vec()));
    let near =
        "src\nSRC/a\nCON\ncon.txt\na.\nb \n../x\nx/../y\n/etc\n\u{130}\ni\u{307}\n\u{212a}\nk\ne\u{301}\n\u{e9}\n";
    seeds.push(("paths", "near", near.as_bytes().to_vec()));
    let deep = ["d"; 32].join("/") + "\n" + &"n".repeat(255) + "/" + &"m".repeat(255);
    seeds.push(("paths", "at-the-limits", deep.into_bytes()));
    seeds
}
