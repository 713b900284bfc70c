//! Objects by namespace and name, in sorted vectors: a cluster has tens of thousands of objects, and maps would store each name
//! twice and leave nodes half empty.

use foldhash::{HashMap, HashMapExt as _};

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

/// Namespace → its objects, sorted by name. A list is sorted, so objects are appended; inserting one later moves only
/// pointers.
#[derive(Debug, Clone)]
pub(crate) struct Namespaced<T>(HashMap<Box<str>, Vec<Box<T>>>);

impl<T> Default for Namespaced<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Keyed> Namespaced<T> {
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<&T> {
        let objects = self.0.get(namespace)?;
        place(objects, name).ok().map(|at| &*objects[at])
    }

    /// Adds or replaces an object, and returns the replaced one.
    pub(crate) fn insert(&mut self, object: T) -> Option<Box<T>> {
        let Key { namespace, name } = object.key();
        let objects = match self.0.get_mut(namespace) {
            Some(objects) => objects,
            None => self.0.entry(namespace.clone()).or_default(),
        };
        match place(objects, name) {
            Ok(at) => Some(std::mem::replace(&mut objects[at], Box::new(object))),
            Err(at) => {
                objects.insert(at, Box::new(object));
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &Key) -> Option<Box<T>> {
        let objects = self.0.get_mut(&key.namespace)?;
        let removed = objects.remove(place(objects, &key.name).ok()?);
        if objects.is_empty() {
            self.0.remove(&key.namespace);
        }
        Some(removed)
    }

    /// Returns the objects of a namespace, sorted by name.
    pub(crate) fn within(&self, namespace: &str) -> impl Iterator<Item = &T> {
        self.0.get(namespace).into_iter().flatten().map(|object| &**object)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.values().flatten().map(|object| &**object)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

fn place<T: Keyed>(objects: &[Box<T>], name: &str) -> Result<usize, usize> {
    objects.binary_search_by(|object| (*object.key().name).cmp(name))
}

/// A set that mostly has one or two members.
#[derive(Debug, Clone)]
pub(crate) struct SmallSet<T>(Vec<T>);

impl<T> Default for SmallSet<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord> SmallSet<T> {
    pub(crate) fn insert(&mut self, member: T) {
        if let Err(at) = self.0.binary_search(&member) {
            if self.0.len() < 4 {
                self.0.reserve_exact(1);
            }
            self.0.insert(at, member);
        }
    }

    pub(crate) fn remove(&mut self, member: &T) {
        if let Ok(at) = self.0.binary_search(member) {
            self.0.remove(at);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the members in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

/// Removes a value from an index, and its key with the last value.
pub(crate) fn unlink<K: Eq + std::hash::Hash, V: Ord>(index: &mut HashMap<K, SmallSet<V>>, key: &K, value: &V) {
    if let Some(values) = index.get_mut(key) {
        values.remove(value);
        if values.is_empty() {
            index.remove(key);
        }
    }
}
