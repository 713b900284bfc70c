//! An index: from a value that objects name to these objects.

use std::hash::{BuildHasher as _, Hash};
use std::marker::PhantomData;
use std::sync::Arc;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::namespaced::Keyed;
use super::persistent::PersistentMap;

/// The objects of one value, sorted by key: mostly one or two.
type Members<T> = SmallVec<[Arc<T>; 2]>;

/// Hash of a value → the objects that name it. The objects contain the values, and a copy of each would take several MiB in a large
/// cluster. The seed is random, so no value can collide with another one on purpose.
#[derive(Debug)]
pub(crate) struct Index<V: ?Sized, T> {
    members: PersistentMap<u64, Members<T>>,
    hasher: RandomState,
    value: PhantomData<fn(&V)>,
}

impl<V: ?Sized, T> Default for Index<V, T> {
    fn default() -> Self {
        Self { members: PersistentMap::default(), hasher: RandomState::default(), value: PhantomData }
    }
}

impl<V: ?Sized, T> Clone for Index<V, T> {
    fn clone(&self) -> Self {
        Self { members: self.members.clone(), hasher: self.hasher.clone(), value: PhantomData }
    }
}

impl<V: Hash + ?Sized, T: Keyed> Index<V, T> {
    /// Adds an object under a value. It replaces the object with the same key.
    pub(crate) fn insert(&mut self, value: &V, object: &Arc<T>) {
        let members = self.members.or_default(self.hasher.hash_one(value));
        match place(members, object) {
            Ok(at) => members[at] = Arc::clone(object),
            Err(at) => members.insert(at, Arc::clone(object)),
        }
    }

    /// Removes an object from a value, and the value with its last object.
    pub(crate) fn remove(&mut self, value: &V, object: &T) {
        let hash = self.hasher.hash_one(value);
        let Some(members) = self.members.get_mut(&hash) else { return };
        if let Ok(at) = place(members, object) {
            members.remove(at);
        }
        if members.is_empty() {
            self.members.remove(&hash);
        }
    }

    /// Returns the objects that name a value, by namespace and name.
    pub(crate) fn of(&self, value: &V) -> impl ExactSizeIterator<Item = &T> {
        self.members(value).iter().map(|object| &**object)
    }

    /// Returns the objects that name a value, by namespace and name, as a slice.
    pub(crate) fn members(&self, value: &V) -> &[Arc<T>] {
        self.members.get(&self.hasher.hash_one(value)).map_or(&[], |members| members)
    }
}

fn place<T: Keyed>(members: &[Arc<T>], object: &T) -> Result<usize, usize> {
    members.binary_search_by(|member| member.key().cmp(object.key()))
}
