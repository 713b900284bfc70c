//! A persistent hash map: a clone shares its memory with the original, and a change copies only the part that it touches.

use std::borrow::Borrow;
use std::hash::{BuildHasher as _, Hash};
use std::sync::Arc;

use foldhash::HashMap;
use foldhash::fast::RandomState;

/// Entries per shard. A change copies one shard and the pointers to all shards: at 30,000 entries, both cost about the same.
const SHARD: usize = 32;

/// A hash map in shards, whose number is a power of two. A clone costs one reference count, whatever the size.
#[derive(Debug, Clone)]
pub(crate) struct PersistentMap<K, V> {
    shards: Arc<[Arc<HashMap<K, V>>]>,
    hasher: RandomState,
    len: usize,
}

impl<K, V> Default for PersistentMap<K, V> {
    fn default() -> Self {
        Self { shards: Arc::from([Arc::default()]), hasher: RandomState::default(), len: 0 }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> PersistentMap<K, V> {
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.shards[self.shard_of(key)].get(key)
    }

    /// Returns a value for a change. Without this key, nothing is copied.
    pub(crate) fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.shard_of(key);
        if !self.shards[at].contains_key(key) {
            return None;
        }
        self.shard_mut(at).get_mut(key)
    }

    /// Adds or replaces a value, and returns the replaced one.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.grow();
        let at = self.shard_of(&key);
        let before = self.shard_mut(at).insert(key, value);
        self.len += usize::from(before.is_none());
        before
    }

    /// Returns the value of a key for a change, the default one if there is none.
    pub(crate) fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        self.grow();
        let at = self.shard_of(&key);
        self.len += usize::from(!self.shards[at].contains_key(&key));
        self.shard_mut(at).entry(key).or_default()
    }

    /// Removes a value. Without this key, nothing is copied.
    pub(crate) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.shard_of(key);
        if !self.shards[at].contains_key(key) {
            return None;
        }
        let removed = self.shard_mut(at).remove(key);
        self.len -= usize::from(removed.is_some());
        removed
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.shards.iter().flat_map(|shard| shard.keys())
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.shards.iter().flat_map(|shard| shard.values())
    }

    /// Returns the keys whose values differ from those of another map, which is mostly an earlier state of this one: shards that
    /// both share are not read.
    pub(crate) fn changed<'m>(&'m self, before: &'m Self, is_same: impl Fn(&V, &V) -> bool) -> Vec<&'m K> {
        if Arc::ptr_eq(&self.shards, &before.shards) {
            return Vec::new();
        }
        let own = |of: &'m Self, other: &'m Self| {
            let is_shared = |at, shard| other.shards.get(at).is_some_and(|other| Arc::ptr_eq(other, shard));
            let shards = of.shards.iter().enumerate().filter(move |(at, shard)| !is_shared(*at, shard));
            shards.flat_map(|(_, shard)| shard.iter())
        };
        let is_kept = |key: &K, value: &V| before.get(key).is_some_and(|then| is_same(value, then));
        let changed = own(self, before).filter(|(key, value)| !is_kept(key, value));
        let removed = own(before, self).filter(|(key, _)| self.get(*key).is_none());
        changed.chain(removed).map(|(key, _)| key).collect()
    }

    fn shard_of<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        // Each shard has a hasher of its own, so the same bits of this hash are not used again there.
        #[expect(clippy::cast_possible_truncation, reason = "the mask keeps only low bits")]
        let hash = self.hasher.hash_one(key) as usize;
        hash & (self.shards.len() - 1)
    }

    fn shard_mut(&mut self, at: usize) -> &mut HashMap<K, V> {
        Arc::make_mut(&mut Arc::make_mut(&mut self.shards)[at])
    }

    /// Doubles the number of shards where they would become too large.
    fn grow(&mut self) {
        if self.len < self.shards.len() * SHARD {
            return;
        }
        let mut grown =
            Self { shards: (0..self.shards.len() * 2).map(|_| Arc::default()).collect(), ..Self::default() };
        let entries = self.shards.iter().flat_map(|shard| shard.iter());
        entries.for_each(|(key, value)| {
            let at = grown.shard_of(key);
            grown.shard_mut(at).insert(key.clone(), value.clone());
        });
        *self = Self { len: self.len, ..grown };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn entries(map: &PersistentMap<u16, u8>) -> BTreeMap<u16, u8> {
        map.keys().map(|key| (*key, *map.get(key).unwrap())).collect()
    }

    proptest! {
        #[test]
        fn a_map_equals_a_naive_one_and_clones_do_not_change(
            changes in proptest::collection::vec((0..200u16, proptest::option::of(0..9u8)), 0..400),
        ) {
            let (mut map, mut naive) = (PersistentMap::default(), BTreeMap::new());
            let mut clones = Vec::new();
            for (at, (key, value)) in changes.into_iter().enumerate() {
                match value {
                    Some(0) => {
                        *map.or_default(key) += 1;
                        *naive.entry(key).or_default() += 1;
                    }
                    Some(value) => prop_assert_eq!(map.insert(key, value), naive.insert(key, value)),
                    None => prop_assert_eq!(map.remove(&key), naive.remove(&key)),
                }
                if let Some(value) = map.get_mut(&(key / 2)) {
                    *value += 1;
                    *naive.get_mut(&(key / 2)).unwrap() += 1;
                }
                if at % 16 == 0 {
                    clones.push((map.clone(), naive.clone()));
                }
            }
            clones.push((map, naive));
            for (map, naive) in clones {
                prop_assert_eq!(map.len(), naive.len());
                prop_assert_eq!(map.values().count(), naive.len());
                prop_assert_eq!(entries(&map), naive);
            }
        }
    }

    proptest! {
        #[test]
        fn the_changed_keys_are_those_of_a_naive_comparison(
            first in proptest::collection::vec(0..100u16, 0..100),
            changes in proptest::collection::vec((0..200u16, proptest::option::of(0..3u8)), 0..100),
        ) {
            let mut before = PersistentMap::default();
            for key in first {
                before.insert(key, 0_u8);
            }
            let mut map = before.clone();
            for (key, value) in changes {
                match value {
                    Some(value) => drop(map.insert(key, value)),
                    None => drop(map.remove(&key)),
                }
            }
            let mut changed: Vec<u16> = map.changed(&before, |a, b| a == b).into_iter().copied().collect();
            changed.sort_unstable();
            let naive: Vec<u16> = (0..200).filter(|key| map.get(key) != before.get(key)).collect();
            prop_assert_eq!(changed, naive);
        }
    }

    #[test]
    fn a_change_copies_one_shard() {
        let mut map = PersistentMap::default();
        for key in 0..10_000_u16 {
            map.insert(key, 0_u8);
        }
        let before = map.clone();
        map.insert(7, 1);
        map.remove(&20_000);
        assert!(map.get_mut(&20_000).is_none());
        let shared = map.shards.iter().zip(&*before.shards).filter(|(now, then)| Arc::ptr_eq(now, then)).count();
        assert_eq!(shared, map.shards.len() - 1);
        assert!(map.shards.len() >= 10_000 / SHARD / 2, "{} shards", map.shards.len());
    }
}
