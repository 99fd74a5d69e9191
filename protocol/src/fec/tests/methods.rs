//! Every kernel and the library give the same bytes: for all K, symbol lengths, alignments and losses.

use super::super::dense::repair_symbols as by_rows;
use super::dense::Random;
use super::*;

/// All ways to do the arithmetic.
pub(super) fn methods() -> Vec<Method> {
    let kernels = Kernel::all().into_iter().map(Method::Kernel);
    kernels.chain([Method::Fastest, Method::Library]).collect()
}

fn filled(block: &[u8]) -> BlockBuffers {
    let mut buffers = BlockBuffers::default();
    buffers.block_mut(block.len()).copy_from_slice(block);
    buffers
}

/// The repair symbols of `block`, one after another.
fn repair(method: Method, block: &[u8], symbol_len: u16, ids: Range<u32>) -> Vec<u8> {
    let k = Oti::new(block.len(), symbol_len).unwrap().k();
    let coded = CodedBlock::encode_by(method, filled(block), symbol_len, k + ids.start..k + ids.end).unwrap();
    coded.buffers.repair
}

fn assert_methods_agree(random: &mut Random, len: usize, symbol_len: u16, ids: &Range<u32>) {
    let block = random.bytes(len);
    let expected = repair(Method::Library, &block, symbol_len, ids.clone());
    for method in methods() {
        let found = repair(method, &block, symbol_len, ids.clone());
        assert!(
            found == expected,
            "{method:?}, {len} bytes in symbols of {symbol_len}, ids {ids:?}"
        );
    }
}

#[test]
fn at_every_symbol_length_every_method_makes_the_same_repair_symbols() {
    let mut random = Random(64);
    // All up to where each length modulo a kernel's stride came more than once; beyond that a prime apart, and both ends.
    let lengths = (64..=700)
        .chain((701..MAX_SYMBOL_LEN).step_by(61))
        .chain([MAX_SYMBOL_LEN]);
    for symbol_len in lengths {
        let k = 1 + random.next() as usize % 12;
        let missing = random.next() as usize % usize::from(symbol_len);
        assert_methods_agree(&mut random, k * usize::from(symbol_len) - missing, symbol_len, &(0..3));
    }
}

#[test]
fn for_every_number_of_repair_symbols_every_method_makes_the_same_ones() {
    let mut random = Random(140);
    // Past what any kernel is the faster one for.
    for count in (0..=40).chain([47, 48, 49, 139, 140, 141, 200]) {
        assert_methods_agree(&mut random, 31 * 100 - 7, 100, &(5..5 + count));
    }
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "seconds in a release build, but many minutes with the library's own assertions"
)]
fn for_every_k_every_method_makes_the_same_repair_symbols_and_the_same_block() {
    let mut random = Random(1024);
    for k in 1..=MAX_K {
        let symbol_len = 64 + (random.next() % 80) as u16;
        let missing = random.next() as usize % usize::from(symbol_len);
        let len = k as usize * usize::from(symbol_len) - missing;
        assert_methods_agree(&mut random, len, symbol_len, &(0..4));
        assert_losses_are_recovered(&mut random, len, symbol_len, (k as usize).min(1 + k as usize % 80), 2);
    }
}

/// By every method, from all other source symbols and `spare` repair symbols more than are needed, of twice as many.
fn assert_losses_are_recovered(random: &mut Random, len: usize, symbol_len: u16, lost: usize, spare: usize) {
    let block = random.bytes(len);
    let oti = Oti::new(len, symbol_len).unwrap();
    let sent = 2 * (lost + spare);
    let coded = CodedBlock::encode(&block, symbol_len, oti.k()..oti.k() + sent as u32).unwrap();
    let missing = random.choice(lost, oti.k() as usize);
    let repair = random.choice(lost + spare, sent);
    let source = (0..oti.k()).filter(|esi| missing.binary_search(&(*esi as usize)).is_err());
    let received: Vec<u32> = source.chain(repair.into_iter().map(|id| oti.k() + id as u32)).collect();
    for method in methods() {
        let mut gathered = Gathered::new(oti);
        for nth in &received {
            let (esi, symbol) = coded.nth(*nth).unwrap();
            gathered.insert(esi, symbol);
        }
        let solved = gathered.solve_by(method).unwrap();
        assert!(
            solved == block,
            "{method:?}, K = {}, T = {symbol_len}, without {missing:?}",
            oti.k()
        );
    }
}

#[test]
fn at_every_symbol_length_every_method_recovers_the_same_block() {
    let mut random = Random(65);
    for symbol_len in (64..=200)
        .chain((201..MAX_SYMBOL_LEN).step_by(251))
        .chain([MAX_SYMBOL_LEN])
    {
        let missing = random.next() as usize % usize::from(symbol_len);
        assert_losses_are_recovered(&mut random, 12 * usize::from(symbol_len) - missing, symbol_len, 5, 3);
    }
}

#[test]
fn every_loss_up_to_the_number_of_repair_symbols_is_recovered_from_exactly_these() {
    // 187 source and 20 repair symbols; some patterns for each number of losses, the last symbols' and the first symbols' among them.
    const K: u32 = 187;
    const R: u32 = 20;
    let (mut random, mut undetermined) = (Random(20), 0);
    let block = random.bytes(K as usize * 64 - 5);
    let oti = Oti::new(block.len(), 64).unwrap();
    let coded = CodedBlock::encode(&block, 64, K..K + R).unwrap();
    for lost in 0..=R as usize {
        let sampled: Vec<_> = (0..6).map(|_| random.choice(lost, K as usize)).collect();
        let ends = [(0..lost).collect(), (K as usize - lost..K as usize).collect()];
        for missing in sampled.into_iter().chain(ends) {
            let outcomes = methods().into_iter().map(|method| {
                let mut gathered = Gathered::new(oti);
                let held = (0..K + R).filter(|nth| missing.binary_search(&(*nth as usize)).is_err());
                for nth in held {
                    let (esi, symbol) = coded.nth(nth).unwrap();
                    gathered.insert(esi, symbol);
                }
                let held = gathered.held();
                match gathered.solve_by(method) {
                    Ok(solved) => Some(solved == block),
                    Err(kept) => {
                        assert_eq!(kept.held(), held, "{method:?} keeps all symbols");
                        None
                    }
                }
            });
            let outcomes: Vec<_> = outcomes.collect();
            // All have the block; or none has, which is a matter of the code, seldom, and only where there is nothing to spare.
            assert!(
                outcomes.iter().all(|outcome| *outcome == outcomes[0]),
                "{missing:?}: {outcomes:?}"
            );
            assert_ne!(outcomes[0], Some(false), "{missing:?}");
            undetermined += usize::from(outcomes[0].is_none());
            assert!(outcomes[0].is_some() || lost + 2 > R as usize, "{missing:?}");
        }
    }
    assert!(undetermined <= 1, "{undetermined} of 168");
}

#[test]
fn wherever_a_block_lies_every_kernel_makes_the_same_repair_symbols() {
    let mut random = Random(63);
    // An odd symbol length puts each symbol at another alignment; the block begins at each.
    for symbol_len in [64, 65, 127, 1408] {
        let oti = Oti::new(9 * usize::from(symbol_len), symbol_len).unwrap();
        let memory = random.bytes(oti.padded_len() + 64);
        let rows = generator::rows(oti.k(), 0..7).unwrap();
        for at in 0..64 {
            let source = &memory[at..at + oti.padded_len()];
            let expected = gate::repair_symbols(&oti, source, 9..16).unwrap();
            for kernel in Kernel::all() {
                let mut found = Vec::new();
                by_rows(kernel, &oti, source, &rows, &mut found);
                assert!(found == expected, "{kernel:?}, T = {symbol_len}, from {at}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_method_gives_the_same_bytes_for_any_block(
        len in 1usize..40_000, symbol_len in 64u16..2000, first in 0u32..100_000, count in 0u32..50, seed: u64
    ) {
        let symbol_len = symbol_len.max(len.div_ceil(MAX_K as usize) as u16);
        assert_methods_agree(&mut Random(seed), len, symbol_len, &(first..first + count));
    }

    #[test]
    fn every_method_recovers_any_loss_with_three_symbols_to_spare(
        len in 1usize..20_000, symbol_len in 64u16..500, lost_share in 0usize..=100, seed: u64
    ) {
        let k = len.div_ceil(symbol_len.into());
        let lost = (k * lost_share / 100).min(100);
        assert_losses_are_recovered(&mut Random(seed), len, symbol_len, lost, 3);
    }
}
