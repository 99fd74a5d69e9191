//! Values that took work to make, up to a number of bytes: the least recently used give way.

use std::collections::BTreeMap;

/// A bounded cache.
///
/// Always true: the costs of the values held sum to at most the limit.
#[derive(Debug)]
pub(super) struct Lru<K, V> {
    limit: usize,
    held: usize,
    /// Uses so far, which order the values by age.
    uses: u64,
    values: BTreeMap<K, Held<V>>,
    /// The key of the value that was last used at this count.
    by_last_use: BTreeMap<u64, K>,
}

#[derive(Debug)]
struct Held<V> {
    value: V,
    cost: usize,
    last_use: u64,
}

/// Bytes that a value costs besides itself: keys and places in the two maps.
const OVERHEAD: usize = 128;

impl<K: Ord + Copy, V: Clone> Lru<K, V> {
    /// For up to `limit` bytes.
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            limit,
            held: 0,
            uses: 0,
            values: BTreeMap::new(),
            by_last_use: BTreeMap::new(),
        }
    }

    /// The value of `key`, which is now the most recently used.
    pub(super) fn get(&mut self, key: K) -> Option<V> {
        let held = self.values.get_mut(&key)?;
        self.uses += 1;
        self.by_last_use.remove(&held.last_use);
        self.by_last_use.insert(self.uses, key);
        held.last_use = self.uses;
        Some(held.value.clone())
    }

    /// Keeps `value`, of `bytes` bytes, unless it is larger than all there is room for.
    pub(super) fn insert(&mut self, key: K, value: V, bytes: usize) {
        self.remove(key);
        let cost = bytes.saturating_add(OVERHEAD);
        if cost > self.limit {
            return;
        }
        while self.held > self.limit - cost
            && let Some((_, oldest)) = self.by_last_use.first_key_value()
        {
            self.remove(*oldest);
        }
        self.uses += 1;
        let last_use = self.uses;
        self.by_last_use.insert(last_use, key);
        self.values.insert(key, Held { value, cost, last_use });
        self.held += cost;
    }

    fn remove(&mut self, key: K) {
        if let Some(gone) = self.values.remove(&key) {
            self.by_last_use.remove(&gone.last_use);
            self.held -= gone.cost;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Room for three values of 100 bytes; 1, 2 and 3 are held.
    fn full() -> Lru<u32, u32> {
        let mut cache = Lru::new(3 * (100 + OVERHEAD));
        for key in 1..=3 {
            cache.insert(key, key * 10, 100);
        }
        cache
    }

    fn keys(cache: &Lru<u32, u32>) -> Vec<u32> {
        cache.values.keys().copied().collect()
    }

    #[test]
    fn a_held_value_is_found() {
        assert_eq!(full().get(2), Some(20));
    }

    #[test]
    fn the_least_recently_used_gives_way() {
        let mut cache = full();
        cache.get(1);
        cache.insert(4, 40, 100);
        assert_eq!(keys(&cache), [1, 3, 4]);
    }

    #[test]
    fn a_large_value_takes_the_place_of_several() {
        let mut cache = full();
        cache.insert(4, 40, 200);
        assert_eq!(keys(&cache), [3, 4]);
    }

    #[test]
    fn a_value_past_the_limit_is_not_held_and_drives_nothing_out() {
        let mut cache = full();
        cache.insert(4, 40, 10_000);
        assert_eq!(keys(&cache), [1, 2, 3]);
    }

    #[test]
    fn a_value_that_is_replaced_is_charged_once() {
        let mut cache = full();
        cache.insert(2, 21, 100);
        assert_eq!(cache.held, 3 * (100 + OVERHEAD));
        assert_eq!((keys(&cache), cache.get(2)), (vec![1, 2, 3], Some(21)));
    }

    #[test]
    fn many_values_never_pass_the_limit() {
        let mut cache = Lru::new(10_000);
        for key in 0..1000 {
            cache.insert(key % 37, key, (key as usize * 131) % 3000);
            assert!(cache.held <= 10_000);
            assert_eq!(cache.held, cache.values.values().map(|held| held.cost).sum::<usize>());
            assert_eq!(cache.by_last_use.len(), cache.values.len());
        }
    }
}
