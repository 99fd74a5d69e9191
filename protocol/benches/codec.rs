//! What an announce costs: its fields, its signature, and opening it.
//!
//! ```text
//! fields ─encode─▶ 155 bytes ─sign─▶ body ─open (verify, then decode)─▶ SignedAnnounce
//! ```

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use diode_protocol::codec;
use diode_protocol::digest::{BundleId, Digest};
use diode_protocol::keys::SigningKey;
use diode_protocol::time::UnixMillis;
use diode_protocol::wire::{Announce, LinkNumber, SessionId, SignedAnnounce};

const SESSION: SessionId = SessionId(9);

fn announce() -> Announce {
    Announce {
        number: LinkNumber { epoch: 1, sequence: 2 },
        bundle: BundleId(Digest([3; 32])),
        envelope_len: 1000,
        head_len: 1064,
        head_sha256: Digest([4; 32]),
        content_len: 500_000,
        content_root: Digest([5; 32]),
        leaf_len: 262_144,
        leaves_per_block: 1,
        symbol_len: 1408,
        depth: 16,
        lanes: 1,
        max_esi: 300,
        pass: 1,
        passes: 2,
        created: UnixMillis(6),
    }
}

fn measure(criterion: &mut Criterion) {
    let (announce, key) = (announce(), SigningKey::from_seed([1; 32]));
    let (body, pinned) = (announce.sign(SESSION, &key), [key.public()]);
    let fields = codec::encode(&announce);
    let mut group = criterion.benchmark_group("codec");
    group.bench_function("encode", |bencher| {
        bencher.iter(|| codec::encode(black_box(&announce)));
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| codec::decode::<Announce>(black_box(&fields)));
    });
    group.bench_function("sign", |bencher| {
        bencher.iter(|| black_box(&announce).sign(SESSION, &key));
    });
    group.bench_function("open", |bencher| {
        bencher.iter(|| SignedAnnounce::open(SESSION, black_box(&body), &pinned));
    });
    group.finish();
}

criterion_group!(benches, measure);
criterion_main!(benches);
