//! Objects that are asked for by what they refer to: the EndpointSlices of a Service, the Certificates for a Secret.

use super::inventory::{Namespaced, keys_of, remove};
use crate::model::{CertManagerCertificate, EndpointSlice, Key};

/// An object that refers to another one of its namespace.
pub(super) trait Refers {
    fn key(&self) -> &Key;
    /// The name of what it refers to; empty: nothing.
    fn target(&self) -> &str;
}

impl Refers for CertManagerCertificate {
    fn key(&self) -> &Key {
        &self.key
    }
    fn target(&self) -> &str {
        &self.secret_name
    }
}

impl Refers for EndpointSlice {
    fn key(&self) -> &Key {
        &self.key
    }
    fn target(&self) -> &str {
        &self.service
    }
}

/// Objects of one kind with an index by what they refer to.
#[derive(Debug)]
pub(super) struct Referrers<T> {
    objects: Namespaced<T>,
    /// What is referred to → the names of those that do, in the same namespace. Mostly one or two.
    by_target: Namespaced<Vec<Box<str>>>,
}

impl<T> Default for Referrers<T> {
    fn default() -> Self {
        Self { objects: Namespaced::default(), by_target: Namespaced::default() }
    }
}

impl<T: Refers> Referrers<T> {
    /// Put an object in the place of whatever had its key.
    pub(super) fn apply(&mut self, object: T) {
        let Key { namespace, name } = object.key().clone();
        let before = self.objects.get(&namespace).and_then(|objects| objects.get(&name));
        if before.is_none_or(|before| before.target() != object.target()) {
            self.delete(object.key());
            if !object.target().is_empty() {
                let targets = self.by_target.entry(namespace.clone()).or_default();
                targets.entry(object.target().into()).or_default().push(name.clone());
            }
        }
        self.objects.entry(namespace).or_default().insert(name, object);
    }

    /// Forget an object.
    pub(super) fn delete(&mut self, key: &Key) {
        let Some(object) = remove(&mut self.objects, key) else { return };
        let target = Key::new(&key.namespace, object.target());
        let Some(names) = self.by_target.get_mut(&target.namespace).and_then(|of| of.get_mut(&target.name)) else {
            return;
        };
        names.retain(|name| *name != key.name);
        if names.is_empty() {
            remove(&mut self.by_target, &target);
        }
    }

    /// Those that refer to this.
    pub(super) fn of(&self, namespace: &str, target: &str) -> impl Iterator<Item = &T> {
        let names = self.by_target.get(namespace).and_then(|targets| targets.get(target));
        let objects = self.objects.get(namespace);
        names.into_iter().flatten().filter_map(move |name| objects?.get(name))
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        keys_of(&self.objects)
    }

    pub(super) fn count(&self) -> usize {
        self.objects.values().map(std::collections::BTreeMap::len).sum()
    }
}
