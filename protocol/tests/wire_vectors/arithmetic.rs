//! What follows from numbers alone: layouts, redundancy, Merkle trees.

use serde_json::{Value, json};

use diode_protocol::fec::Redundancy;
use diode_protocol::layout::{Layout, LayoutError, Part};
use diode_protocol::limits::{MAX_CONTENT_LEN, MAX_HEAD_LEN, MAX_LEAF_LEN, MAX_SYMBOL_LEN};
use diode_protocol::merkle;

use super::hex;

/// Head, content, leaf (bytes each), leaves per block, symbol (bytes).
type Lengths = (u32, u64, u32, u16, u16);

/// The example of `SPEC.md`.
const EXAMPLE: Lengths = (1_700, 600_000, 262_144, 1, 1408);

const GOOD: [Lengths; 9] = [
    EXAMPLE,
    (1, 0, 4096, 1, 64),
    (100, 262_144, 262_144, 1, 1408),
    (100, 262_145, 262_144, 1, 1408),
    (100, 8 * 262_144, 262_144, 8, 8896),
    (700_000, 1_000_001, 4096, 64, 1408),
    (1_000, 65_536, 4096, 16, 64),
    (1_000, 10_000, 262_144, 1, 256),
    (MAX_HEAD_LEN as u32, 1 << 37, 262_144, 8, 8896),
];

const BAD: [(&str, Lengths); 11] = [
    ("range-head_len-0", (0, 0, 4096, 1, 64)),
    ("range-head_len-past-32-mib", (MAX_HEAD_LEN as u32 + 1, 0, 4096, 1, 64)),
    (
        "range-content_len-past-2-44",
        (1, MAX_CONTENT_LEN + 1, 262_144, 1, 1408),
    ),
    ("range-leaf_len-2048", (1, 0, 2048, 1, 64)),
    ("range-leaf_len-5000", (1, 0, 5000, 1, 64)),
    ("range-leaf_len-524288", (1, 0, 2 * MAX_LEAF_LEN, 1, 1408)),
    ("range-leaves_per_block-0", (1, 0, 4096, 0, 64)),
    ("range-leaves_per_block-257", (1, 0, 4096, 257, 8896)),
    ("range-symbol_len-63", (1, 0, 4096, 1, 63)),
    ("range-symbol_len-8897", (1, 0, 4096, 1, MAX_SYMBOL_LEN + 1)),
    ("too-many-symbols", (1, 0, 262_144, 1, 255)),
];

fn layout((head_len, content_len, leaf_len, leaves_per_block, symbol_len): Lengths) -> Result<Layout, LayoutError> {
    Layout::new(head_len, content_len, leaf_len, leaves_per_block, symbol_len)
}

fn lengths((head_len, content_len, leaf_len, leaves_per_block, symbol_len): Lengths) -> Value {
    json!({
        "head_len": head_len,
        "content_len": content_len,
        "leaf_len": leaf_len,
        "leaves_per_block": leaves_per_block,
        "symbol_len": symbol_len,
    })
}

pub(super) fn layouts() -> Value {
    let taken = GOOD.map(|input| {
        let layout = layout(input).unwrap();
        let groups = |depth| {
            (0..layout.groups(depth))
                .take(4)
                .map(|group| layout.group(group, depth))
                .collect::<Vec<_>>()
        };
        json!({
            "lengths": lengths(input),
            "block_len": layout.block_len(),
            "head_blocks": layout.head_blocks(),
            "blocks": layout.blocks(),
            "leaves": layout.leaves(),
            "file_len": layout.file_len(),
            "largest_k": layout.largest_k(),
            "some_blocks": some_blocks(&layout),
            "first_groups_of_3": groups(3),
        })
    });
    let refused = BAD.map(|(name, input)| {
        json!({ "name": name, "lengths": lengths(input), "why": layout(input).unwrap_err().to_string() })
    });
    let sender = [
        (262_144, 1408),
        (262_144, 8896),
        (4096, 64),
        (4096, 1408),
        (65_536, 1408),
        (4096, 8896),
        (262_144, 256),
    ];
    let sender = sender.map(|(leaf_len, symbol_len)| {
        let leaves = Layout::leaves_per_block_for(leaf_len, symbol_len);
        json!({ "leaf_len": leaf_len, "symbol_len": symbol_len, "leaves_per_block": leaves })
    });
    json!({ "taken": taken, "refused": refused, "senders_choice": sender })
}

/// First and last block of head and content.
fn some_blocks(layout: &Layout) -> Vec<Value> {
    let (head, blocks) = (layout.head_blocks(), layout.blocks());
    let mut numbers = vec![0, head - 1, head, head + 1, blocks - 1];
    numbers.sort_unstable();
    numbers.dedup();
    let blocks = numbers.into_iter().filter_map(|number| layout.block(number));
    blocks
        .map(|block| {
            json!({
                "number": block.number,
                "part": match block.part { Part::Head => "head", Part::Content => "content" },
                "offset": block.offset,
                "file_offset": layout.file_offset(&block),
                "len": block.len,
                "k": block.k,
                "leaves": layout.leaves_of(&block),
            })
        })
        .collect()
}

/// Loss, burst (packets), residual, depth (blocks), K.
type Link = (f64, u32, f64, u16, u32);

const LINKS: [Link; 16] = [
    (0.0, 0, 1e-9, 16, 187),
    (0.0, 500, 1e-9, 16, 187),
    (0.0, 500, 1e-9, 100, 187),
    (0.01, 64, 1e-9, 16, 187),
    (0.01, 64, 1e-9, 16, 1),
    (0.01, 64, 1e-9, 16, 10),
    (0.02, 0, 1e-9, 16, 187),
    (0.02, 0, 1e-9, 16, 236),
    (0.02, 0, 1e-6, 16, 187),
    (0.05, 100, 1e-9, 16, 187),
    (0.05, 100, 1e-12, 1, 1024),
    (0.15, 0, 1e-6, 3, 256),
    (0.4, 0, 1e-9, 16, 187),
    (0.9, 0, 0.1, 1, 36),
    (0.9, 0, 1e-9, 1, 1024),
    (0.0, 5000, 1e-9, 1, 10),
];

pub(super) fn redundancy() -> Value {
    json!(LINKS.map(|(loss, burst, residual, depth, k)| {
        let repair = Redundancy::new(loss, burst, residual, depth).unwrap().repair_symbols(k);
        json!({ "loss": loss, "burst": burst, "residual": residual, "depth": depth, "k": k, "r": repair.ok() })
    }))
}

/// The eight leaves that implementations of certificate transparency test with.
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

pub(super) fn merkle() -> Value {
    let hashes = LEAVES.map(merkle::leaf_hash);
    let leaves: Vec<_> = LEAVES
        .iter()
        .zip(hashes)
        .map(|(leaf, hash)| json!({ "data": hex(leaf), "hash": hash }))
        .collect();
    let roots: Vec<_> = (0..=hashes.len()).map(|size| merkle::root(&hashes[..size])).collect();
    let places = [
        (0, 1),
        (0, 2),
        (1, 2),
        (2, 3),
        (0, 5),
        (4, 5),
        (6, 7),
        (0, 8),
        (5, 8),
        (7, 8),
    ];
    let proofs = places.map(|(leaf, size)| {
        json!({ "leaf": leaf, "size": size, "proof": merkle::inclusion_proof(&hashes[..size], leaf).unwrap() })
    });
    json!({ "leaves": leaves, "roots": roots, "proofs": proofs })
}

#[test]
fn every_layout_to_be_refused_is_refused_with_the_code_and_field_in_its_name() {
    for (name, input) in BAD {
        let found = match layout(input).unwrap_err() {
            LayoutError::Range { field, .. } => format!("range-{field}"),
            LayoutError::TooManySymbols { .. } => "too-many-symbols".to_owned(),
        };
        assert!(name.starts_with(&found), "{name}: {found}");
    }
}
