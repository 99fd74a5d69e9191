//! What hashing costs: one leaf of the usual length, and the root over a bundle of 2 GiB.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diode_protocol::digest::Digest;
use diode_protocol::merkle;

const LEAF_LEN: usize = 256 << 10;
const LEAVES: u32 = 8_192;

fn measure(criterion: &mut Criterion) {
    let leaf: Vec<u8> = (0..LEAF_LEN).map(|i| (i % 251) as u8).collect();
    let leaves: Vec<Digest> = (0..LEAVES).map(|i| Digest::of(&i.to_be_bytes())).collect();
    let mut group = criterion.benchmark_group("merkle");
    group.throughput(Throughput::Bytes(LEAF_LEN as u64));
    group.bench_function("leaf_hash/256KiB", |bencher| {
        bencher.iter(|| merkle::leaf_hash(black_box(&leaf)));
    });
    group.throughput(Throughput::Elements(LEAVES.into()));
    group.bench_function("root/8192", |bencher| {
        bencher.iter(|| merkle::root(black_box(&leaves)));
    });
    group.finish();
}

criterion_group!(benches, measure);
criterion_main!(benches);
