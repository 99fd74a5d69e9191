//! Every kernel against multiplication bit by bit.

use proptest::prelude::*;

use super::tables::multiply;
use super::*;

/// The same bytes on every run: SplitMix64.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    (0..len as u64)
        .map(|i| {
            let mixed = (seed.wrapping_add(i).wrapping_add(1)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            (mixed >> 32) as u8
        })
        .collect()
}

fn expected(dst: &[Vec<u8>], src: &[Vec<u8>], rows: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let sum = |at: usize, start: u8, row: &[u8]| {
        src.iter()
            .zip(row)
            .fold(start, |sum, (src, c)| sum ^ multiply(*c, src[at]))
    };
    dst.iter()
        .zip(rows)
        .map(|(dst, row)| dst.iter().enumerate().map(|(at, start)| sum(at, *start, row)).collect())
        .collect()
}

fn slices(vectors: &[Vec<u8>]) -> Vec<&[u8]> {
    vectors.iter().map(Vec::as_slice).collect()
}

/// One product of `rows` × `sources` symbols of `len` bytes, by `kernel` and by definition.
fn check_product(kernel: Kernel, rows: usize, sources: usize, len: usize) {
    let vectors = |count: usize, len: usize, seed: u64| -> Vec<Vec<u8>> {
        (0..count).map(|i| noise(len, seed + 1000 * i as u64)).collect()
    };
    let src = vectors(sources, len, 1);
    let coefficients = vectors(rows, sources, 2);
    let mut dst = vectors(rows, len, 3);
    let expected = expected(&dst, &src, &coefficients);
    let mut places: Vec<&mut [u8]> = dst.iter_mut().map(Vec::as_mut_slice).collect();
    kernel.product(&mut places, &slices(&src), &slices(&coefficients));
    assert_eq!(dst, expected, "{kernel:?}, {rows} rows, {sources} sources, {len} bytes");
}

#[test]
fn each_coefficient_times_each_byte_is_the_product_by_definition() {
    let bytes: Vec<u8> = (0..=255).collect();
    for kernel in Kernel::all() {
        for coefficient in 0..=255 {
            let mut products = vec![0; 256];
            kernel.mul_add(&mut products, &bytes, coefficient);
            let by_definition: Vec<u8> = bytes.iter().map(|byte| multiply(coefficient, *byte)).collect();
            assert_eq!(products, by_definition, "{kernel:?}, {coefficient}");
        }
    }
}

#[test]
fn products_of_any_length_are_right() {
    for kernel in Kernel::all() {
        for len in (0..=300).chain([511, 512, 513, 1408]) {
            check_product(kernel, 3, 5, len);
        }
    }
}

#[test]
fn products_of_any_number_of_rows_are_right() {
    for kernel in Kernel::all() {
        for rows in 0..=25 {
            check_product(kernel, rows, 7, 200);
        }
    }
}

#[test]
fn products_of_any_number_of_sources_are_right() {
    for kernel in Kernel::all() {
        for sources in [0, 1, 2, 3, 10, 187, 1024] {
            check_product(kernel, 9, sources, 137);
        }
    }
}

#[test]
fn any_alignment_will_do_and_no_byte_beside_the_destination_changes() {
    let src = noise(600, 1);
    let before = noise(600, 2);
    for kernel in Kernel::all() {
        for len in [1, 31, 32, 63, 64, 65, 127, 128, 129, 200] {
            for (from, to) in (0..64).flat_map(|from| (0..64).map(move |to| (from, to))) {
                let mut after = before.clone();
                kernel.mul_add(&mut after[to..to + len], &src[from..from + len], 0xA7);
                let differs = |i: &usize| {
                    let within = (to..to + len).contains(i);
                    let added = if within { multiply(0xA7, src[from + i - to]) } else { 0 };
                    after[*i] != before[*i] ^ added
                };
                assert_eq!(
                    (0..600).find(differs),
                    None,
                    "{kernel:?}, {len} bytes, from {from} to {to}"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn any_product_is_right_wherever_its_parts_lie_and_changes_nothing_beside_them(
        len in 0usize..700, rows in 0usize..30, offsets in proptest::collection::vec(0usize..64, 1..40), seed: u64
    ) {
        // Each source and destination in memory of its own, that much past its beginning, with something behind it.
        let room = len + 80;
        let offset = |nth: usize| offsets[nth % offsets.len()];
        let memory = |count: usize, seed: u64| -> Vec<Vec<u8>> {
            (0..count as u64).map(|i| noise(room, seed.wrapping_add(i << 20))).collect()
        };
        let part = |nth: usize| offset(nth)..offset(nth) + len;
        let (src, mut dst) = (memory(offsets.len(), seed), memory(rows, !seed));
        let coefficients: Vec<_> = (0..rows as u64).map(|i| noise(src.len(), seed ^ i)).collect();
        let sources: Vec<&[u8]> = src.iter().enumerate().map(|(i, src)| &src[part(i)]).collect();
        let plain = |all: &[Vec<u8>]| -> Vec<Vec<u8>> {
            all.iter().enumerate().map(|(i, all)| all[part(i + 1)].to_vec()).collect()
        };
        let sources_alone: Vec<_> = sources.iter().map(|src| src.to_vec()).collect();
        let products = expected(&plain(&dst), &sources_alone, &coefficients);
        let mut wanted = dst.clone();
        for (i, product) in products.iter().enumerate() {
            wanted[i][part(i + 1)].copy_from_slice(product);
        }
        let before = dst.clone();
        for kernel in Kernel::all() {
            dst.clone_from(&before);
            let mut places: Vec<&mut [u8]> = dst.iter_mut().enumerate().map(|(i, dst)| &mut dst[part(i + 1)]).collect();
            kernel.product(&mut places, &sources, &slices(&coefficients));
            prop_assert!(dst == wanted, "{kernel:?}");
        }
    }
}

#[test]
fn the_kernel_that_runs_is_among_those_tested() {
    assert!(Kernel::all().contains(&Kernel::fastest()));
}

/// What safe code says, whichever kernel, of a product whose parts do not fit.
fn refusal(dst: usize, src: usize, rows: &[usize], lens: [usize; 2]) -> Vec<String> {
    let src: Vec<Vec<u8>> = (0..src).map(|i| vec![0; lens[i % 2]]).collect();
    let rows: Vec<Vec<u8>> = rows.iter().map(|len| vec![1; *len]).collect();
    let refused = |kernel: Kernel| {
        let (src, rows, mut dst) = (src.clone(), rows.clone(), vec![vec![0; 64]; dst]);
        let panic = std::panic::catch_unwind(move || {
            let mut places: Vec<&mut [u8]> = dst.iter_mut().map(Vec::as_mut_slice).collect();
            kernel.product(&mut places, &slices(&src), &slices(&rows));
        });
        let panic = panic.unwrap_err();
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap()
    };
    Kernel::all().into_iter().map(refused).collect()
}

#[test]
fn a_product_whose_parts_do_not_fit_reaches_no_kernel() {
    let cases = [
        (refusal(2, 3, &[3], [64, 64]), "each destination has its row"),
        (refusal(2, 3, &[3, 2], [64, 64]), "a coefficient for each source"),
        (refusal(2, 3, &[3, 4], [64, 64]), "a coefficient for each source"),
        (refusal(2, 3, &[3, 3], [64, 63]), "as long as destinations"),
        (refusal(2, 3, &[3, 3], [64, 65]), "as long as destinations"),
    ];
    for (refusals, wanted) in cases {
        assert!(refusals.iter().all(|text| text.contains(wanted)), "{refusals:?}");
    }
}

#[test]
#[should_panic(expected = "all destinations have one length")]
fn destinations_of_two_lengths_reach_no_kernel() {
    let (mut first, mut second) = ([0; 64], [0; 63]);
    Kernel::fastest().product(&mut [&mut first, &mut second], &[], &[&[], &[]]);
}
