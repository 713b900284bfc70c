//! An index: from a value that objects name to these objects.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use smallvec::SmallVec;

use super::namespaced::Keyed;
use super::persistent::PersistentMap;

/// The objects of one value, sorted by key: mostly one or two.
type Members<T> = SmallVec<[Arc<T>; 2]>;

/// Value → the objects that name it.
#[derive(Debug, Clone)]
pub(crate) struct Index<K, T>(PersistentMap<K, Members<T>>);

impl<K, T> Default for Index<K, T> {
    fn default() -> Self {
        Self(PersistentMap::default())
    }
}

impl<K: Eq + Hash + Clone, T: Keyed> Index<K, T> {
    /// Adds an object under a value. It replaces the object with the same key.
    pub(crate) fn insert(&mut self, value: K, object: &Arc<T>) {
        let members = self.0.or_default(value);
        match place(members, object) {
            Ok(at) => members[at] = Arc::clone(object),
            Err(at) => members.insert(at, Arc::clone(object)),
        }
    }

    /// Removes an object from a value, and the value with its last object.
    pub(crate) fn remove<Q: Eq + Hash + ?Sized>(&mut self, value: &Q, object: &T)
    where
        K: Borrow<Q>,
    {
        let Some(members) = self.0.get_mut(value) else { return };
        if let Ok(at) = place(members, object) {
            members.remove(at);
        }
        if members.is_empty() {
            self.0.remove(value);
        }
    }

    /// Returns the objects that name a value, by namespace and name.
    pub(crate) fn of<Q: Eq + Hash + ?Sized>(&self, value: &Q) -> impl Iterator<Item = &T>
    where
        K: Borrow<Q>,
    {
        self.0.get(value).into_iter().flatten().map(|object| &**object)
    }
}

fn place<T: Keyed>(members: &[Arc<T>], object: &T) -> Result<usize, usize> {
    members.binary_search_by(|member| member.key().cmp(object.key()))
}
