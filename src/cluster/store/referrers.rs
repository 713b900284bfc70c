//! Objects that are looked up by the object that they reference: the EndpointSlices of a Service, the Certificates for a Secret.

use std::sync::Arc;

use super::namespaced::{Keyed, Namespaced, Sorted};
use super::persistent::PersistentMap;
use crate::model::{CertManagerCertificate, EndpointSlice, Key};

/// An object that references another object of its namespace.
pub(crate) trait Refers: Keyed {
    /// Returns the name of the referenced object; empty: none.
    fn target(&self) -> &str;
}

impl Refers for CertManagerCertificate {
    fn target(&self) -> &str {
        &self.secret_name
    }
}

impl Refers for EndpointSlice {
    fn target(&self) -> &str {
        &self.service
    }
}

/// Objects of one kind with an index by the referenced object.
#[derive(Debug, Clone)]
pub(crate) struct Referrers<T> {
    objects: Namespaced<T>,
    /// Namespace → its objects that reference another one, sorted by the name of that object, then by their own.
    by_target: PersistentMap<Arc<str>, Sorted<T>>,
}

impl<T> Default for Referrers<T> {
    fn default() -> Self {
        Self { objects: Namespaced::default(), by_target: PersistentMap::default() }
    }
}

impl<T: Refers + PartialEq> Referrers<T> {
    /// Adds or replaces an object.
    pub(crate) fn apply(&mut self, object: T) {
        if self.objects.holds(&object) {
            return;
        }
        let object = Arc::new(object);
        if let Some(before) = self.objects.insert(Arc::clone(&object)) {
            self.unlink(&before);
        }
        if !object.target().is_empty() {
            let referring = Arc::make_mut(self.by_target.or_default((*object.key().namespace).into()));
            referring.insert(place(referring, &object), object);
        }
    }

    /// Removes an object.
    pub(crate) fn delete(&mut self, key: &Key) {
        if let Some(object) = self.objects.remove(key) {
            self.unlink(&object);
        }
    }

    fn unlink(&mut self, object: &Arc<T>) {
        let namespace = &*object.key().namespace;
        let Some(referring) = self.by_target.get_mut(namespace) else { return };
        let at = place(referring, object);
        if referring.get(at).is_some_and(|found| Arc::ptr_eq(found, object)) {
            Arc::make_mut(referring).remove(at);
        }
        if referring.is_empty() {
            self.by_target.remove(namespace);
        }
    }

    /// Returns the objects that refer to this one.
    pub(crate) fn of(&self, namespace: &str, target: &str) -> impl Iterator<Item = &T> {
        let referring = self.by_target.get(namespace).map_or(&[][..], |referring| referring);
        let first = referring.partition_point(|object| object.target() < target);
        referring[first..].iter().map(|object| &**object).take_while(move |object| object.target() == target)
    }

    pub(crate) fn objects(&self) -> &Namespaced<T> {
        &self.objects
    }
}

/// Returns the place of an object among those of its namespace that reference another one.
fn place<T: Refers>(referring: &[Arc<T>], object: &T) -> usize {
    referring.partition_point(|other| (other.target(), &other.key().name) < (object.target(), &object.key().name))
}
