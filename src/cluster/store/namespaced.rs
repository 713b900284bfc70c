//! Objects by namespace and name, in sorted vectors: a cluster has tens of thousands of objects, and maps would store each name
//! twice and leave nodes half empty.

use std::sync::Arc;

use super::persistent::PersistentMap;
use crate::model::{CertManagerCertificate, EndpointSlice, Ingress, Key, Pod, Secret, Service, Workload};

/// An object with a namespace and a name.
pub(crate) trait Keyed {
    fn key(&self) -> &Key;
}

impl Keyed for CertManagerCertificate {
    fn key(&self) -> &Key {
        &self.key
    }
}

impl Keyed for EndpointSlice {
    fn key(&self) -> &Key {
        &self.key
    }
}

impl Keyed for Ingress {
    fn key(&self) -> &Key {
        &self.meta.key
    }
}

impl Keyed for Pod {
    fn key(&self) -> &Key {
        &self.key
    }
}

impl Keyed for Secret {
    fn key(&self) -> &Key {
        &self.meta.key
    }
}

impl Keyed for Service {
    fn key(&self) -> &Key {
        &self.meta.key
    }
}

impl Keyed for Workload {
    fn key(&self) -> &Key {
        &self.key
    }
}

/// Objects of a namespace in some order, copied on write. A vector, because a slice cannot grow in place while a list runs.
pub(crate) type Sorted<T> = Arc<Vec<Arc<T>>>;

/// Namespace → its objects, sorted by name. A list is sorted, so objects are appended; inserting one later moves only
/// pointers.
#[derive(Debug, Clone)]
pub(crate) struct Namespaced<T>(PersistentMap<Arc<str>, Sorted<T>>);

impl<T> Default for Namespaced<T> {
    fn default() -> Self {
        Self(PersistentMap::default())
    }
}

impl<T: Keyed> Namespaced<T> {
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<&T> {
        let objects = self.0.get(namespace)?;
        place(objects, name).ok().map(|at| &*objects[at])
    }

    /// Returns whether an object is stored and equal to this one. Most events change nothing that is stored: nothing is copied
    /// for them.
    pub(crate) fn holds(&self, object: &T) -> bool
    where
        T: PartialEq,
    {
        let Key { namespace, name } = object.key();
        self.get(namespace, name).is_some_and(|stored| stored == object)
    }

    /// Adds or replaces an object, and returns the replaced one.
    pub(crate) fn insert(&mut self, object: Arc<T>) -> Option<Arc<T>> {
        let Key { namespace, name } = object.key();
        let objects = Arc::make_mut(self.0.or_default((**namespace).into()));
        match place(objects, name) {
            Ok(at) => Some(std::mem::replace(&mut objects[at], object)),
            Err(at) => {
                objects.insert(at, object);
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &Key) -> Option<Arc<T>> {
        let at = place(self.0.get(&*key.namespace)?, &key.name).ok()?;
        let objects = self.0.get_mut(&*key.namespace)?;
        let removed = Arc::make_mut(objects).remove(at);
        if objects.is_empty() {
            self.0.remove(&*key.namespace);
        }
        Some(removed)
    }

    /// Returns the objects of a namespace, sorted by name.
    pub(crate) fn within(&self, namespace: &str) -> impl Iterator<Item = &T> {
        self.0.get(namespace).into_iter().flat_map(|objects| objects.iter()).map(|object| &**object)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.values().flat_map(|objects| objects.iter()).map(|object| &**object)
    }

    /// Returns the namespaces that have objects, in no particular order.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|namespace| &**namespace)
    }

    /// Returns the objects that were added, replaced or removed since an earlier state, each before and now. Compares addresses:
    /// an unchanged namespace costs nothing, and an unchanged object one comparison.
    pub(crate) fn changed<'n>(&'n self, before: &'n Self) -> Vec<(Option<&'n T>, Option<&'n T>)> {
        let mut changed = Vec::new();
        for namespace in self.0.changed(&before.0, Arc::ptr_eq) {
            let of = |objects: &'n Self| objects.0.get(namespace).map_or(&[][..], |objects| &objects[..]);
            let (mut now, mut then) = (of(self), of(before));
            let is_same = |(a, b): &(&Arc<T>, &Arc<T>)| Arc::ptr_eq(a, b);
            let first = now.iter().zip(then).take_while(is_same).count();
            (now, then) = (&now[first..], &then[first..]);
            let last = now.iter().rev().zip(then.iter().rev()).take_while(is_same).count();
            (now, then) = (&now[..now.len() - last], &then[..then.len() - last]);
            for object in now {
                let old = place(then, &object.key().name).ok().map(|at| &then[at]);
                if !old.is_some_and(|old| Arc::ptr_eq(old, object)) {
                    changed.push((old.map(|old| &**old), Some(&**object)));
                }
            }
            let removed = then.iter().filter(|object| place(now, &object.key().name).is_err());
            changed.extend(removed.map(|object| (Some(&**object), None)));
        }
        changed
    }

    pub(crate) fn count(&self) -> usize {
        self.0.values().map(|objects| objects.len()).sum()
    }
}

fn place<T: Keyed>(objects: &[Arc<T>], name: &str) -> Result<usize, usize> {
    objects.binary_search_by(|object| (*object.key().name).cmp(name))
}
