//! The code as a matrix: for each repair symbol, the coefficients by which the source symbols go into it.
//!
//! Every operation of RFC 6330 on symbols is linear over GF(2^8) and works on each byte position alike, so a repair symbol is a sum
//! of multiples of the source symbols. Which ones, the `raptorq` crate says itself: if source symbol i is byte i of the identity
//! matrix's rows, the repair symbols that it makes *are* the rows of coefficients.
//!
//! ```text
//! K ──▶ K′ ──┬─ Basis: the identity of K′ symbols, encoded, one crate call  ┐
//!            └─ (K′, repair id / 32) ──▶ 32 rows of K′ coefficients         ┴─ each kept in a bounded cache
//! ```
//!
//! A block of K symbols is coded as one of K′ ≥ K symbols whose last K′ − K are zeros and never sent (RFC 6330, section 5.3.1), and
//! repair symbol r is made from internal symbol K′ + r whatever K is. So all K with the same K′ share rows, of which they use the
//! first K coefficients.
//!
//! The caches are the process's: rows depend on nothing but K′ and repair id, blocks of one K come by the thousand, and each is coded
//! on whichever thread is free. Rows are made outside the lock, twice at worst.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::gate::{self, Basis};
use super::lru::Lru;
use crate::limits::MAX_ESI;

/// Bytes of rows kept: 2,800 chunks at K′ = 187, 500 at the largest K′.
const ROWS_BYTES: usize = 16 << 20;
/// Bytes of bases kept: 170 at K′ = 187, 7 at the largest K′. A basis is needed only when new rows are.
const BASES_BYTES: usize = 16 << 20;
/// Rows made at a time: what a block of one pass asks for, as a rule.
const CHUNK: u32 = 32;

/// Rows of coefficients, in the order asked for.
#[derive(Debug)]
pub(super) struct Rows {
    k: usize,
    /// A chunk, and where in it the row starts.
    rows: Vec<(Arc<[u8]>, usize)>,
}

impl Rows {
    /// A coefficient for each of the K source symbols, a row after another.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.rows.iter().map(|(chunk, start)| &chunk[*start..*start + self.k])
    }
}

/// The rows of the repair symbols `ids` (their ESIs less K) of blocks of `k` symbols.
///
/// `None` if the library failed, or for the few ids at the end of the range that K has and K′ > K has not: what the library makes of
/// the block itself is then the answer.
pub(super) fn rows(k: u32, ids: impl Iterator<Item = u32>) -> Option<Rows> {
    let k_prime = gate::extended_symbols(k)?;
    let mut chunks: BTreeMap<u32, Arc<[u8]>> = BTreeMap::new();
    let mut rows = Vec::new();
    for id in ids {
        if id > MAX_ESI - k_prime {
            return None;
        }
        let chunk = match chunks.entry(id / CHUNK) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(place) => place.insert(chunk(k_prime, id / CHUNK)?),
        };
        rows.push((Arc::clone(chunk), (id % CHUNK * k_prime) as usize));
    }
    Some(Rows { k: k as usize, rows })
}

/// The rows of the repair symbols whose ids divided by [`CHUNK`] give `number`.
fn chunk(k_prime: u32, number: u32) -> Option<Arc<[u8]>> {
    if let Some(held) = caches().rows.get((k_prime, number)) {
        return Some(held);
    }
    let start = number * CHUNK;
    let end = (start + CHUNK).min(MAX_ESI + 1 - k_prime);
    let made: Arc<[u8]> = basis(k_prime)?.rows(start..end).ok()?.into();
    caches().rows.insert((k_prime, number), Arc::clone(&made), made.len());
    Some(made)
}

fn basis(k_prime: u32) -> Option<Arc<Basis>> {
    if let Some(held) = caches().bases.get(k_prime) {
        return Some(held);
    }
    let made = Arc::new(Basis::new(k_prime).ok()?);
    caches().bases.insert(k_prime, Arc::clone(&made), made.bytes());
    Some(made)
}

struct Caches {
    bases: Lru<u32, Arc<Basis>>,
    rows: Lru<(u32, u32), Arc<[u8]>>,
}

static CACHES: Mutex<Caches> = Mutex::new(Caches {
    bases: Lru::new(BASES_BYTES),
    rows: Lru::new(ROWS_BYTES),
});

/// Held for single look-ups. Only a bug in [`Lru`] could panic meanwhile, and would at worst leave a value uncharged.
fn caches() -> MutexGuard<'static, Caches> {
    CACHES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(k: u32, id: u32) -> Vec<u8> {
        rows(k, std::iter::once(id)).unwrap().iter().next().unwrap().to_vec()
    }

    #[test]
    fn rows_come_in_the_order_asked_for() {
        let both = rows(20, [70, 3].into_iter()).unwrap();
        assert_eq!(both.iter().collect::<Vec<_>>(), [&row(20, 70)[..], &row(20, 3)]);
    }

    #[test]
    fn all_k_with_one_k_prime_share_their_rows() {
        // 13 to 18 source symbols are coded as 18.
        assert_eq!(row(18, 5)[..13], row(13, 5));
        assert!(Arc::ptr_eq(
            &chunk(18, 0).unwrap(),
            &rows(13, std::iter::once(5)).unwrap().rows[0].0
        ));
    }

    #[test]
    fn the_last_id_of_k_prime_has_a_row_and_the_next_has_not() {
        assert_eq!(row(13, MAX_ESI - 18).len(), 13);
        assert!(rows(13, std::iter::once(MAX_ESI - 17)).is_none());
    }

    #[test]
    fn a_poisoned_lock_is_no_end() {
        let poisoner = std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    let _held = caches();
                    panic!("while the lock is held");
                })
                .join()
        });
        assert!(poisoner.is_err());
        assert_eq!(row(20, 3).len(), 20);
    }
}
