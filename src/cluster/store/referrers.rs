//! Objects that are looked up by the object that they reference: the EndpointSlices of a Service, the Certificates for a Secret.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt as _};

use super::namespaced::{Keyed, Namespaced, SmallSet};
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

/// Referenced object → the names of the objects that refer to it.
type Targets = BTreeMap<Box<str>, SmallSet<Box<str>>>;

/// Objects of one kind with an index by the referenced object.
#[derive(Debug, Clone)]
pub(crate) struct Referrers<T> {
    objects: Namespaced<T>,
    /// Namespace → the referenced objects there.
    by_target: HashMap<Box<str>, Targets>,
}

impl<T> Default for Referrers<T> {
    fn default() -> Self {
        Self { objects: Namespaced::default(), by_target: HashMap::new() }
    }
}

impl<T: Refers> Referrers<T> {
    /// Adds or replaces an object.
    pub(crate) fn apply(&mut self, object: T) {
        let Key { namespace, name } = object.key().clone();
        let target: Box<str> = object.target().into();
        if let Some(before) = self.objects.insert(object) {
            if before.target() == &*target {
                return;
            }
            self.unlink(&*before);
        }
        if !target.is_empty() {
            self.by_target.entry(namespace).or_default().entry(target).or_default().insert(name);
        }
    }

    /// Removes an object.
    pub(crate) fn delete(&mut self, key: &Key) {
        if let Some(object) = self.objects.remove(key) {
            self.unlink(&*object);
        }
    }

    fn unlink(&mut self, object: &T) {
        let Key { namespace, name } = object.key();
        let Some(targets) = self.by_target.get_mut(namespace) else { return };
        let Some(names) = targets.get_mut(object.target()) else { return };
        names.remove(name);
        if names.is_empty() {
            targets.remove(object.target());
        }
        if targets.is_empty() {
            self.by_target.remove(namespace);
        }
    }

    /// Returns the objects that refer to this one.
    pub(crate) fn of(&self, namespace: &str, target: &str) -> impl Iterator<Item = &T> {
        let names = self.by_target.get(namespace).and_then(|targets| targets.get(target));
        names.into_iter().flat_map(SmallSet::iter).filter_map(move |name| self.objects.get(namespace, name))
    }

    pub(crate) fn objects(&self) -> &Namespaced<T> {
        &self.objects
    }
}
