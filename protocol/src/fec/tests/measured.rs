//! How fast, beside the library:
//! `cargo test --release -p diode-protocol --lib -- --ignored --nocapture measured`
//!
//! Gigabytes of block (K · T) a second on one thread, median of the rounds and, in brackets, slowest and fastest. A round is 20 blocks.
//! What is encoded lies in the cache, and its result is freed at once, so that the next finds warm memory, as in a pipeline that
//! recycles buffers; fresh pages would cost more than the products. Blocks to decode come from beyond the second-level cache.

#![allow(clippy::disallowed_methods, reason = "time is what is measured here")]

use std::hint::black_box;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::super::gf256::Kernel;
use super::super::{CodedBlock, Gathered, Oti, dense, gate, generator};
use super::dense::Random;

const K: u32 = 187;
const SYMBOL_LEN: u16 = 1408;
const ROUNDS: usize = 15;
const BLOCKS: usize = 20;

fn block() -> (Oti, Vec<u8>) {
    let oti = Oti::new(K as usize * usize::from(SYMBOL_LEN), SYMBOL_LEN).unwrap();
    (oti, Random(1).bytes(oti.padded_len()))
}

/// Runs `work` on what `prepare` makes; neither that nor the freeing of what `work` gives counts.
fn rate<T, U>(what: &str, mut prepare: impl FnMut() -> T, mut work: impl FnMut(T) -> U) {
    let mut round = || {
        let prepared: Vec<T> = std::iter::repeat_with(&mut prepare).take(BLOCKS).collect();
        let mut results = Vec::with_capacity(BLOCKS);
        let start = Instant::now();
        results.extend(prepared.into_iter().map(&mut work));
        start.elapsed()
    };
    round();
    let mut times: Vec<Duration> = std::iter::repeat_with(round).take(ROUNDS).collect();
    times.sort();
    let rate = |time: Duration| (BLOCKS * block().0.padded_len()) as f64 / time.as_secs_f64() / 1e9;
    let (median, slowest, fastest) = (rate(times[ROUNDS / 2]), rate(times[ROUNDS - 1]), rate(times[0]));
    println!("{what:48} {median:6.2} GB/s  [{slowest:.2} … {fastest:.2}]");
}

fn repair_esis(repair: u32) -> Range<u32> {
    K..K + repair
}

fn encode(kernel: Kernel, repair: u32) {
    let (oti, source) = block();
    rate(
        &format!("encode, R = {repair}, {kernel:?}"),
        || (),
        |()| {
            let rows = generator::rows(K, 0..repair).unwrap();
            let mut repair = Vec::new();
            dense::repair_symbols(kernel, &oti, &source, &rows, &mut repair);
            drop(black_box(repair));
        },
    );
}

fn encode_by_library(repair: u32) {
    let (oti, source) = block();
    rate(
        &format!("encode, R = {repair}, library"),
        || (),
        |()| {
            drop(black_box(
                gate::repair_symbols(&oti, &source, repair_esis(repair)).unwrap(),
            ));
        },
    );
}

/// The symbols of a block of which `losses` are lost, with one repair symbol more than needed.
fn symbols(losses: usize) -> (Oti, Vec<(u32, Vec<u8>)>) {
    let (oti, source) = block();
    let repair = losses as u32 + 1;
    let coded = CodedBlock::encode(&source, SYMBOL_LEN, repair_esis(repair)).unwrap();
    let lost = Random(2).choice(losses, K as usize);
    let symbols = (0..K + repair).filter(|nth| !lost.contains(&(*nth as usize)));
    let symbols = symbols.map(|nth| coded.nth(nth).map(|(esi, symbol)| (esi, symbol.to_vec())).unwrap());
    (oti, symbols.collect())
}

fn decode(kernel: Kernel, losses: usize) {
    let (oti, symbols) = symbols(losses);
    let (mut source, mut repair, mut ids) = (vec![0; oti.padded_len()], Vec::new(), Vec::new());
    let mut lost: Vec<usize> = (0..K as usize).collect();
    for (esi, symbol) in symbols {
        if esi < K {
            let place = esi as usize * symbol.len();
            source[place..place + symbol.len()].copy_from_slice(&symbol);
            lost.retain(|number| *number != esi as usize);
        } else {
            repair.push(symbol);
            ids.push(esi - K);
        }
    }
    rate(
        &format!("decode, e = {losses}, {kernel:?}"),
        || (source.clone(), repair.clone()),
        |(mut source, mut repair)| {
            let rows = generator::rows(K, ids.iter().copied()).unwrap();
            let symbols = repair.iter_mut().map(Vec::as_mut_slice);
            assert!(dense::recover(kernel, &oti, &mut source, &lost, symbols, &rows));
            (source, repair)
        },
    );
}

fn solve(losses: usize) {
    let (oti, symbols) = symbols(losses);
    let gather = || {
        let mut gathered = Gathered::new(oti);
        for (esi, symbol) in &symbols {
            gathered.insert(*esi, symbol);
        }
        gathered
    };
    rate(&format!("Gathered::solve, e = {losses}"), gather, |gathered| {
        gathered.solve().unwrap()
    });
}

fn decode_by_library(losses: usize) {
    let (oti, symbols) = symbols(losses);
    rate(
        &format!("decode, e = {losses}, library"),
        || (),
        |()| {
            let symbols = symbols.iter().map(|(esi, symbol)| (*esi, &symbol[..]));
            gate::solve(&oti, symbols).unwrap().unwrap()
        },
    );
}

#[test]
#[ignore = "a measurement, of use in release builds alone"]
fn measured_at_the_design_point() {
    println!("K = {K}, T = {SYMBOL_LEN}, {ROUNDS} rounds of {BLOCKS} blocks");
    for kernel in Kernel::all() {
        encode(kernel, 20);
    }
    encode_by_library(20);
    let (_, source) = block();
    rate(
        "CodedBlock::encode, R = 20",
        || (),
        |()| {
            drop(black_box(
                CodedBlock::encode(&source, SYMBOL_LEN, repair_esis(20)).unwrap(),
            ));
        },
    );
    for losses in [4, 10, 20] {
        for kernel in Kernel::all() {
            decode(kernel, losses);
        }
        decode_by_library(losses);
        solve(losses);
    }
}

/// Where the limits in [`Kernel::most_repair`] and [`Kernel::most_losses`] come from.
#[test]
#[ignore = "a measurement, of use in release builds alone"]
fn measured_up_to_where_the_library_is_faster() {
    for count in [2, 4, 8, 12, 16, 24, 32, 48, 64, 80, 100, 120, 140, 160, 180] {
        for kernel in Kernel::all() {
            encode(kernel, count);
            decode(kernel, count as usize);
        }
        encode_by_library(count);
        decode_by_library(count as usize);
    }
}
