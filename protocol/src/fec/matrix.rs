//! Inverses of small matrices over GF(2^8), by Gauss-Jordan elimination, a row at a time.

use super::gf256::{Kernel, inverse};

/// Rows are lengthened to this, at which no kernel has odd ends to work off.
const WHOLE_STRIP: usize = 64;

/// Rows that determine as many unknowns, and how.
#[derive(Debug)]
pub(super) struct Inverse {
    /// The numbers of the rows that were needed, ascending.
    pub(super) used: Vec<usize>,
    /// The inverse of the matrix of those rows: a row for each unknown, a coefficient for each used row.
    pub(super) rows: Vec<Vec<u8>>,
}

/// The inverse of the first `size` independent of `rows`, each of them `size` long; `None` if there are fewer.
pub(super) fn invert(kernel: Kernel, size: usize, rows: impl Iterator<Item = Vec<u8>>) -> Option<Inverse> {
    let mut reduced: Vec<Reduced> = Vec::with_capacity(size);
    let mut used = Vec::with_capacity(size);
    for (number, mut row) in rows.enumerate() {
        if reduced.len() == size {
            break;
        }
        // Beside the row, what it is made of: so far of itself, as the next of the used rows.
        row.resize((2 * size).next_multiple_of(WHOLE_STRIP), 0);
        row[size + used.len()] = 1;
        if reduce(kernel, &mut reduced, row, size) {
            used.push(number);
        }
    }
    if reduced.len() < size {
        return None;
    }
    reduced.sort_by_key(|row| row.pivot);
    let rows = reduced
        .into_iter()
        .map(|row| row.bytes[size..2 * size].to_vec())
        .collect();
    Some(Inverse { used, rows })
}

/// A row whose entry at `pivot` is 1, where all others have 0; then what it is made of; then zeros.
#[derive(Debug)]
struct Reduced {
    pivot: usize,
    bytes: Vec<u8>,
}

/// Adds `row` to those that are reduced, if it is independent of them.
fn reduce(kernel: Kernel, reduced: &mut Vec<Reduced>, mut row: Vec<u8>, size: usize) -> bool {
    // Where one reduced row has its pivot the others have 0, so all factors can be read before the first is used.
    let factors: Vec<u8> = reduced.iter().map(|held| row[held.pivot]).collect();
    let held: Vec<&[u8]> = reduced.iter().map(|held| &held.bytes[..]).collect();
    kernel.product(&mut [&mut row], &held, &[&factors]);

    let mut entries = row[..size].iter().enumerate();
    let Some((pivot, factor)) = entries.find_map(|(i, entry)| Some((i, inverse(*entry)?))) else {
        return false;
    };
    let mut bytes = vec![0; row.len()];
    kernel.mul_add(&mut bytes, &row, factor);

    let factors: Vec<u8> = reduced.iter().map(|held| held.bytes[pivot]).collect();
    let factors: Vec<&[u8]> = factors.chunks(1).collect();
    let mut held: Vec<&mut [u8]> = reduced.iter_mut().map(|held| &mut held.bytes[..]).collect();
    kernel.product(&mut held, &[&bytes], &factors);
    reduced.push(Reduced { pivot, bytes });
    true
}

#[cfg(test)]
mod tests {
    use super::super::gf256::multiply;
    use super::*;

    fn inverted(rows: &[&[u8]]) -> Option<Inverse> {
        let size = rows[0].len();
        invert(Kernel::portable(), size, rows.iter().map(|row| row.to_vec()))
    }

    #[test]
    fn an_inverse_times_its_matrix_is_the_identity() {
        let size = 40;
        // A Cauchy matrix is regular: 1 / (x + y) with all x and y distinct.
        let matrix: Vec<Vec<u8>> = (0..size as u8)
            .map(|x| (100..100 + size as u8).map(|y| inverse(x ^ y).unwrap()).collect())
            .collect();
        for kernel in Kernel::all() {
            let inverse = invert(kernel, size, matrix.iter().cloned()).unwrap();
            for (i, row) in inverse.rows.iter().enumerate() {
                let entry = |j: usize| {
                    let terms = row.iter().zip(&matrix).map(|(a, row)| multiply(*a, row[j]));
                    terms.fold(0, |sum, term| sum ^ term)
                };
                let product: Vec<u8> = (0..size).map(entry).collect();
                let identity: Vec<u8> = (0..size).map(|j| u8::from(i == j)).collect();
                assert_eq!(product, identity, "{kernel:?}, row {i}");
            }
        }
    }

    #[test]
    fn a_row_that_says_nothing_new_is_passed_over() {
        let inverse = inverted(&[&[1, 2], &[2, 4], &[0, 0], &[0, 1]]).unwrap();
        assert_eq!(inverse.used, [0, 3]);
        assert_eq!(inverse.rows, [[1, 2], [0, 1]]);
    }

    #[test]
    fn rows_past_those_needed_are_not_looked_at() {
        assert_eq!(inverted(&[&[0, 1], &[1, 0], &[1, 1]]).unwrap().used, [0, 1]);
    }

    #[test]
    fn too_few_independent_rows_have_no_inverse() {
        assert!(inverted(&[&[1, 2], &[2, 4], &[3, 6]]).is_none());
        assert!(inverted(&[&[1, 2]]).is_none());
    }
}
