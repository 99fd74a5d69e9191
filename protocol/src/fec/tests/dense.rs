//! What matrices give, beside what the library gives: as encoder, as decoder, and where neither can decode.

use super::super::gather::Gathered;
use super::super::gf256::Kernel;
use super::super::{CodedBlock, Method, Oti, dense, gate, generator, repair_symbols};
use super::methods::methods;
use crate::limits::{MAX_ESI, MAX_K};

/// A fixed sequence: SplitMix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.next().to_le_bytes());
        words.take(len.div_ceil(8)).flatten().take(len).collect()
    }

    /// `count` of the numbers below `below`, ascending.
    pub(super) fn choice(&mut self, count: usize, below: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..below).collect();
        for i in 0..count {
            numbers.swap(i, i + self.next() as usize % (below - i));
        }
        numbers.truncate(count);
        numbers.sort_unstable();
        numbers
    }
}

/// The repair symbols with these ids, by a matrix whatever their number.
fn by_matrix(kernel: Kernel, oti: &Oti, source: &[u8], ids: &[u32]) -> Vec<Vec<u8>> {
    let rows = generator::rows(oti.k(), ids.iter().copied()).unwrap();
    let mut repair = Vec::new();
    dense::repair_symbols(kernel, oti, source, &rows, &mut repair);
    repair.chunks(oti.symbol_len()).map(<[u8]>::to_vec).collect()
}

/// The same, by the library.
fn by_library(oti: &Oti, source: &[u8], ids: &[u32]) -> Vec<Vec<u8>> {
    let symbol = |id: &u32| {
        let esi = oti.k() + id;
        gate::repair_symbols(oti, source, esi..esi + 1).unwrap()
    };
    ids.iter().map(symbol).collect()
}

/// Repair symbols of a block of `k`, near and far ones, by every kernel and by the library.
fn check_repair_symbols(random: &mut Random, k: u32) {
    let symbol_len = 64 + (random.next() % 80) as u16;
    let oti = Oti::new(k as usize * usize::from(symbol_len), symbol_len).unwrap();
    let source = random.bytes(oti.padded_len());
    let far = (random.next() % u64::from(MAX_ESI - 2 * MAX_K)) as u32;
    let expected = by_library(&oti, &source, &[0, 1, 5, far]);
    for kernel in Kernel::all() {
        let found = by_matrix(kernel, &oti, &source, &[0, 1, 5, far]);
        assert_eq!(found, expected, "{kernel:?}, K = {k}, T = {symbol_len}");
    }
}

#[test]
fn for_small_k_and_some_large_ones_repair_symbols_are_the_librarys() {
    let mut random = Random(6330);
    // With padding and without: 187, 236 and 301 are K′ as well.
    let large = [150, 187, 188, 236, 237, 301, 500, 700, MAX_K];
    (1..=128)
        .chain(large)
        .for_each(|k| check_repair_symbols(&mut random, k));
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "seconds in a release build, but many minutes with the library's own assertions"
)]
fn for_every_k_repair_symbols_are_the_librarys() {
    let mut random = Random(1);
    (1..=MAX_K).for_each(|k| check_repair_symbols(&mut random, k));
}

#[test]
fn at_the_symbol_lengths_of_both_frame_sizes_repair_symbols_are_the_librarys() {
    let mut random = Random(1408);
    for (k, symbol_len) in [(187, 1408), (236, 8896)] {
        let oti = Oti::new(k * usize::from(symbol_len), symbol_len).unwrap();
        let source = random.bytes(oti.padded_len());
        let first = oti.k();
        let expected = gate::repair_symbols(&oti, &source, first..first + 20).unwrap();
        for kernel in Kernel::all() {
            let found = by_matrix(kernel, &oti, &source, &(0..20).collect::<Vec<u32>>());
            assert_eq!(found.concat(), expected, "{kernel:?}, K = {k}, T = {symbol_len}");
        }
    }
}

#[test]
fn few_and_many_repair_symbols_are_the_same_ones() {
    // Many are made by the library, few by a matrix.
    let block = Random(1).bytes(20_000);
    let many = CodedBlock::encode(&block, 128, 157..157 + 300).unwrap();
    let few = CodedBlock::encode(&block, 128, 157..157 + 3).unwrap();
    for nth in 157..160 {
        assert_eq!(few.nth(nth), many.nth(nth));
    }
}

#[test]
fn the_last_symbol_that_has_an_id_can_be_made() {
    // With K = 13 the last ids have no counterpart at K′ = 18.
    let block = Random(2).bytes(13 * 64);
    let coded = CodedBlock::encode(&block, 64, MAX_ESI - 1..MAX_ESI + 1).unwrap();
    let oti = Oti::new(block.len(), 64).unwrap();
    let last = gate::repair_symbols(&oti, &block, MAX_ESI..MAX_ESI + 1).unwrap();
    assert_eq!(coded.nth(14), Some((MAX_ESI, &last[..])));
}

/// A block, some of whose source symbols are lost, and repair symbols for them, decoded by `kernel`.
struct Loss {
    oti: Oti,
    source: Vec<u8>,
    lost: Vec<usize>,
    ids: Vec<u32>,
}

impl Loss {
    fn draw(random: &mut Random, k: usize, lost: usize, held: usize, sent: usize) -> Self {
        let oti = Oti::new(k * 64, 64).unwrap();
        Self {
            source: random.bytes(oti.padded_len()),
            lost: random.choice(lost, k),
            ids: random.choice(held, sent).into_iter().map(|id| id as u32).collect(),
            oti,
        }
    }

    fn repair(&self) -> Vec<Vec<u8>> {
        by_matrix(Kernel::portable(), &self.oti, &self.source, &self.ids)
    }

    /// The source symbols, if the matrix determines them.
    fn recovered(&self, kernel: Kernel) -> Option<Vec<u8>> {
        let mut source = self.source.clone();
        for lost in &self.lost {
            source[lost * 64..][..64].fill(0);
        }
        let mut repair = self.repair();
        let rows = generator::rows(self.oti.k(), self.ids.iter().copied()).unwrap();
        let symbols = repair.iter_mut().map(Vec::as_mut_slice);
        dense::recover(kernel, &self.oti, &mut source, &self.lost, symbols, &rows).then_some(source)
    }

    fn symbols(&self) -> Vec<(u32, Vec<u8>)> {
        let source = self.source.chunks(64).map(<[u8]>::to_vec).enumerate();
        let source = source.filter(|(number, _)| !self.lost.contains(number));
        let source = source.map(|(number, symbol)| (number as u32, symbol));
        let repair = self.ids.iter().zip(self.repair());
        source
            .chain(repair.map(|(id, symbol)| (self.oti.k() + id, symbol)))
            .collect()
    }

    fn gathered(&self) -> Gathered {
        let mut gathered = Gathered::new(self.oti);
        for (esi, symbol) in self.symbols() {
            gathered.insert(esi, &symbol);
        }
        gathered
    }

    /// The source symbols, if the library determines them.
    fn by_library(&self) -> Option<Vec<u8>> {
        let symbols = self.symbols();
        gate::solve(&self.oti, symbols.iter().map(|(esi, symbol)| (*esi, &symbol[..]))).unwrap()
    }
}

#[test]
fn every_number_of_lost_symbols_is_recovered_by_every_kernel() {
    let mut random = Random(20_000);
    for k in [1, 2, 10, 11, 31, 100, 187, 236] {
        for lost in 1..=k.min(80) {
            // Two symbols to spare, of three times as many.
            let loss = Loss::draw(&mut random, k, lost, lost + 2, 3 * lost + 2);
            for kernel in Kernel::all() {
                let recovered = loss.recovered(kernel);
                assert!(
                    recovered.as_ref() == Some(&loss.source),
                    "{kernel:?}, K = {k}, {:?}",
                    loss.lost
                );
            }
        }
    }
}

#[test]
fn a_block_of_the_largest_k_is_recovered() {
    let mut random = Random(1024);
    for lost in [1, 20, 80] {
        let loss = Loss::draw(&mut random, 1024, lost, lost + 2, 140);
        for kernel in Kernel::all() {
            assert!(
                loss.recovered(kernel).as_ref() == Some(&loss.source),
                "{kernel:?}, {lost} lost"
            );
        }
    }
}

#[test]
fn a_gathered_block_is_solved_for_every_loss_up_to_its_repair_symbols() {
    let mut random = Random(187);
    for k in [1, 5, 31, 187] {
        for lost in 0..=k.min(100) {
            let loss = Loss::draw(&mut random, k, lost, lost + 2, lost + 2);
            let solved = loss.gathered().solve().unwrap();
            assert!(solved == loss.source, "K = {k}, {:?}", loss.lost);
        }
    }
}

#[test]
fn what_the_matrix_determines_the_library_determines_and_no_more() {
    let mut random = Random(256);
    // About one matrix in 256 of exactly as many symbols as are lost is singular.
    let undetermined = (0..1500)
        .map(|_| Loss::draw(&mut random, 12, 3, 3, 40))
        .filter(|loss| {
            let found = loss.recovered(Kernel::fastest());
            assert_eq!(found, loss.by_library(), "{:?} from {:?}", loss.lost, loss.ids);
            found.is_none()
        })
        .count();
    assert!(undetermined > 0);
}

/// Three lost symbols, and three repair symbols that do not determine them.
fn singular() -> Loss {
    let mut random = Random(82);
    std::iter::repeat_with(|| Loss::draw(&mut random, 187, 3, 3, 20))
        .take(10_000)
        .find(|loss| loss.recovered(Kernel::fastest()).is_none())
        .unwrap()
}

#[test]
fn a_block_that_its_symbols_do_not_determine_is_kept_and_solved_with_one_more_by_every_method() {
    let loss = singular();
    let mut repair = Vec::new();
    repair_symbols(
        Method::Fastest,
        &loss.oti,
        &loss.source,
        187 + 20..187 + 21,
        &mut repair,
    )
    .unwrap();
    for method in methods() {
        let mut kept = loss.gathered().solve_by(method).unwrap_err();
        assert_eq!(kept.held(), 187, "{method:?}");
        kept.insert(187 + 20, &repair);
        assert!(kept.solve_by(method).unwrap() == loss.source, "{method:?}");
    }
}

#[test]
fn a_failed_recovery_changes_no_symbol() {
    let loss = singular();
    for method in methods() {
        let kept = loss.gathered().solve_by(method).unwrap_err();
        assert!(format!("{kept:?}") == format!("{:?}", loss.gathered()), "{method:?}");
    }
}
