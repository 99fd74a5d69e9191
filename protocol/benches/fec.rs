//! What coding a block costs: K = 187 symbols of 1,408 bytes, as at MTU 1500.
//!
//! Throughput is of the block's own bytes, not of its repair symbols.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use diode_protocol::fec::{BlockBuffers, CodedBlock, Gathered, Oti};

const BLOCK_LEN: usize = 256 << 10;
const SYMBOL_LEN: u16 = 1408;
const K: u32 = 187;

/// What is held of `block` when its first `lost` symbols are lost and as many repair symbols took their place.
fn gathered(block: &CodedBlock, oti: Oti, lost: u32) -> Gathered {
    let mut gathered = Gathered::new(oti);
    for (esi, symbol) in (lost..block.k() + lost).filter_map(|nth| block.nth(nth)) {
        gathered.insert(esi, symbol);
    }
    gathered
}

fn measure(criterion: &mut Criterion) {
    let block: Vec<u8> = (0..BLOCK_LEN).map(|i| (i * i % 251) as u8).collect();
    let oti = Oti::new(BLOCK_LEN, SYMBOL_LEN).expect("a block and symbols of usual lengths have a code");
    assert_eq!(oti.k(), K);
    let mut group = criterion.benchmark_group("fec");
    group.throughput(Throughput::Bytes(BLOCK_LEN as u64));
    for repair in [10, 40] {
        group.bench_function(BenchmarkId::new("encode", repair), |bencher| {
            let mut buffers = BlockBuffers::default();
            buffers.block_mut(BLOCK_LEN).copy_from_slice(&block);
            // Used again for each block, as a transmitter does.
            bencher.iter(|| {
                buffers.block_mut(BLOCK_LEN);
                let coded = CodedBlock::encode_in(std::mem::take(&mut buffers), SYMBOL_LEN, K..K + repair);
                buffers = black_box(coded.expect("a block of usual length has a code")).into_buffers();
            });
        });
    }
    for lost in [0, 2, 10, 40] {
        let coded = CodedBlock::encode(&block, SYMBOL_LEN, K..K + 40).expect("as above");
        group.bench_function(BenchmarkId::new("decode", lost), |bencher| {
            let held = || gathered(&coded, oti, lost);
            bencher.iter_batched(held, |held| held.solve().is_ok(), BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(benches, measure);
criterion_main!(benches);
