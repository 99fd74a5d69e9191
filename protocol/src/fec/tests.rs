//! Blocks coded and solved, and the same bytes as the library at every size.

mod dense;
mod measured;
mod methods;
mod reuse;

use proptest::prelude::*;

use super::*;

fn block(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 % 251) as u8).collect()
}

#[test]
fn source_symbols_are_the_block_itself() {
    let data = block(1000);
    let coded = CodedBlock::encode(&data, 64, 16..20).unwrap();
    assert_eq!(coded.nth(3), Some((3, &data[192..256])));
}

#[test]
fn the_last_source_symbol_is_padded_with_zeros() {
    let coded = CodedBlock::encode(&block(65), 64, 2..2).unwrap();
    assert_eq!(&coded.nth(1).unwrap().1[1..], &[0; 63]);
}

#[test]
fn repair_symbols_do_not_depend_on_which_others_are_asked_for() {
    let data = block(1000);
    let all = CodedBlock::encode(&data, 64, 16..40).unwrap();
    let later = CodedBlock::encode(&data, 64, 30..40).unwrap();
    assert_eq!(later.nth(16), all.nth(16 + 14));
    assert_eq!(later.nth(16).unwrap().0, 30);
}

#[test]
fn a_block_without_bytes_has_no_code() {
    assert!(matches!(Oti::new(0, 64), Err(FecError::BlockLength { .. })));
}

#[test]
fn a_block_of_one_symbol_more_than_allowed_has_no_code() {
    assert!(Oti::new(1024 * 64, 64).is_ok());
    assert!(matches!(Oti::new(1024 * 64 + 1, 64), Err(FecError::BlockLength { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_k_plus_two_symbols_give_the_block(len in 1usize..20_000, seed: u64) {
        let data = block(len);
        let oti = Oti::new(len, 128).unwrap();
        let coded = CodedBlock::encode(&data, 128, oti.k()..2 * oti.k() + 2).unwrap();
        let mut gathered = Gathered::new(oti);
        // A seeded choice of K + 2 of the 2K + 2 symbols, source and repair alike.
        let mut order: Vec<u32> = (0..2 * oti.k() + 2).collect();
        order.sort_by_key(|nth| (u64::from(*nth) + 1).wrapping_mul(seed | 1).rotate_left(17));
        for nth in order.into_iter().take(oti.k() as usize + 2) {
            let (esi, symbol) = coded.nth(nth).unwrap();
            prop_assert_eq!(gathered.insert(esi, symbol), Insert::Stored);
        }
        prop_assert_eq!(&gathered.solve().unwrap()[..], &data[..]);
    }
}
