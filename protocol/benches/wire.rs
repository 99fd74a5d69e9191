//! What a datagram's header costs, its CRC included, at the symbol lengths of MTU 1500 and 9000.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use diode_protocol::wire::{Header, Kind, Packet, SessionId};

const SYMBOL_LENS: [usize; 2] = [1408, 8896];

fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire");
    for len in SYMBOL_LENS {
        let body: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let header = Header {
            kind: Kind::Symbol,
            session: SessionId(7),
            packet: 1,
            block: 2,
            esi: 3,
        };
        let datagram = [&header.emit(&body)[..], &body].concat();
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(BenchmarkId::new("emit", len), |bencher| {
            bencher.iter(|| header.emit(black_box(&body)));
        });
        group.bench_function(BenchmarkId::new("parse", len), |bencher| {
            bencher.iter(|| Packet::parse(black_box(&datagram)).is_ok());
        });
    }
    group.finish();
}

criterion_group!(benches, measure);
criterion_main!(benches);
