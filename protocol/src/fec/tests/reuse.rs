//! Memory that held something else: what is made in it is the same.

use super::dense::Random;
use super::methods::methods;
use super::*;

/// A block of random bytes.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    Random(seed).bytes(len)
}

/// All symbols of a block, in the order in which they are sent.
fn symbols(coded: &CodedBlock) -> Vec<(u32, Vec<u8>)> {
    (0..coded.k() + coded.repair_count())
        .map(|nth| coded.nth(nth).map(|(esi, bytes)| (esi, bytes.to_vec())).unwrap())
        .collect()
}

/// A block's code, and what its buffers held before: a length each of the block, of a symbol and of old block and repair symbols.
fn reuses() -> impl Strategy<Value = (usize, u16, u32, usize, usize, u64)> {
    (
        1usize..60_000,
        64u16..1500,
        0u32..160,
        0usize..100_000,
        0usize..100_000,
        any::<u64>(),
    )
        .prop_filter("a block has at most 1,024 symbols", |(len, symbol_len, ..)| {
            len.div_ceil((*symbol_len).into()) <= MAX_K as usize
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_block_coded_in_dirty_buffers_has_the_symbols_of_one_coded_in_fresh_ones(
        (len, symbol_len, repair, old_source, old_repair, seed) in reuses()
    ) {
        let block = noise(len, seed);
        let k = Oti::new(len, symbol_len).unwrap().k();
        let fresh = CodedBlock::encode(&block, symbol_len, k..k + repair).unwrap();
        let mut buffers = BlockBuffers {
            source: noise(old_source, !seed),
            repair: noise(old_repair, seed ^ 1),
        };
        buffers.block_mut(len).copy_from_slice(&block);
        let reused = CodedBlock::encode_in(buffers, symbol_len, k..k + repair).unwrap();
        prop_assert!(symbols(&reused) == symbols(&fresh));
    }

    #[test]
    fn one_block_after_another_in_the_same_buffers_has_its_own_symbols(
        codes in proptest::collection::vec((1usize..20_000, 64u16..600, 0u32..60), 1..6), seed: u64
    ) {
        let mut buffers = BlockBuffers::default();
        for (nth, (len, symbol_len, repair)) in codes.into_iter().enumerate() {
            let block = noise(len, seed.wrapping_add(nth as u64));
            let k = Oti::new(len, symbol_len).unwrap().k();
            let fresh = CodedBlock::encode(&block, symbol_len, k..k + repair).unwrap();
            buffers.block_mut(len).copy_from_slice(&block);
            for method in methods() {
                let coded = CodedBlock::encode_by(method, buffers, symbol_len, k..k + repair).unwrap();
                prop_assert!(symbols(&coded) == symbols(&fresh), "{method:?}");
                buffers = coded.into_buffers();
                // The next method finds the block where it was, and padding behind it.
                buffers.block_mut(len);
            }
        }
    }

    #[test]
    fn a_block_gathered_in_dirty_memory_is_solved_by_every_method(
        (len, symbol_len, _, old, _, seed) in reuses(), lost_share in 0u32..=100
    ) {
        let oti = Oti::new(len, symbol_len).unwrap();
        let block = noise(len, seed);
        // All may be lost; more than 120 are not, since every kernel has to make up for them.
        let lost = (oti.k() * lost_share / 100).min(120) as usize;
        let repair = lost as u32 + 3;
        let coded = CodedBlock::encode(&block, symbol_len, oti.k()..oti.k() + repair).unwrap();
        let lost = Random(seed).choice(lost, oti.k() as usize);
        for method in methods() {
            let mut gathered = Gathered::reusing(noise(old, !seed), oti);
            for (esi, bytes) in symbols(&coded) {
                if lost.binary_search(&(esi as usize)).is_err() {
                    gathered.insert(esi, &bytes);
                }
            }
            prop_assert!(gathered.solve_by(method).unwrap() == block, "{method:?}");
        }
    }
}

#[test]
fn a_buffer_that_was_longer_is_padded_with_zeros_all_the_same() {
    let buffers = CodedBlock::encode(&[0xEE; 640], 64, 10..30).unwrap().into_buffers();
    let mut buffers = buffers;
    buffers.block_mut(65).fill(1);
    let coded = CodedBlock::encode_in(buffers, 64, 2..5).unwrap();
    assert_eq!((coded.k(), coded.repair_count()), (2, 3));
    assert_eq!(&coded.nth(1).unwrap().1[1..], &[0; 63]);
}

#[test]
fn a_gathered_block_takes_no_more_memory_than_its_padded_length() {
    let oti = Oti::new(1000, 64).unwrap();
    for old in [0, 1, 1023, 1024] {
        assert_eq!(
            Gathered::reusing(vec![7; old], oti).into_memory().capacity(),
            1024,
            "{old}"
        );
    }
    assert_eq!(
        Gathered::reusing(Vec::with_capacity(5000), oti)
            .into_memory()
            .capacity(),
        5000
    );
}

#[test]
fn a_block_given_back_by_a_method_that_failed_is_solved_with_what_it_lacked() {
    let block = noise(1000, 3);
    let coded = CodedBlock::encode(&block, 64, 16..24).unwrap();
    for method in methods() {
        let mut gathered = Gathered::reusing(noise(1024, 4), *coded_oti(&coded));
        for nth in 2..16 {
            gathered.insert(nth, coded.nth(nth).unwrap().1);
        }
        let mut kept = gathered.solve_by(method).unwrap_err();
        for nth in 20..24 {
            let (esi, symbol) = coded.nth(nth).unwrap();
            assert_eq!(kept.insert(esi, symbol), Insert::Stored);
        }
        assert_eq!(kept.solve_by(method).unwrap(), block, "{method:?}");
    }
}

fn coded_oti(coded: &CodedBlock) -> &Oti {
    &coded.oti
}
