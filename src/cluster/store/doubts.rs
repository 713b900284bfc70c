//! What files show about objects that are not in them, for lookups and findings.

use std::sync::Arc;

use super::outside::{Doubt, Maker};
use super::{Coverage, Inventory};
use crate::model::{Key, Kind};

impl Inventory {
    /// Returns the coverage of one object: its own, else that of its kind. Where an object has an unknown name, it may be this one.
    #[must_use]
    pub fn coverage_of(&self, kind: Kind, namespace: &str, name: &str) -> Coverage {
        // There are few: a lookup should not allocate a key.
        let single = (self.coverage_of.iter())
            .find(|((of, key), _)| *of == kind && *key.namespace == *namespace && *key.name == *name);
        let coverage = single.map_or_else(|| self.coverage(kind), |(_, coverage)| *coverage);
        match coverage {
            Coverage::Complete if self.outside.may_contain(kind, namespace, name) => Coverage::Partial,
            coverage => coverage,
        }
    }

    /// Treats names and namespaces that are placeholders as unknown, not as the names of objects.
    pub fn expect_placeholders(&mut self) {
        Arc::make_mut(&mut self.outside).has_placeholders = true;
    }

    /// Records an object whose name is unknown; without a namespace: this is unknown as well.
    pub fn note_unnamed(&mut self, kind: Kind, namespace: Option<&str>) {
        Arc::make_mut(&mut self.outside).unnamed.insert((kind, namespace.map(Box::from)));
    }

    /// Records an object whose operator may create Services in a namespace, or in any.
    pub fn note_maker(&mut self, namespace: Option<&str>, maker: Maker) {
        Arc::make_mut(&mut self.outside).makers.entry(namespace.map(Box::from)).or_default().push(maker);
    }

    /// Records which objects of the files have no namespace. They are in `given`, unless they are applied to another one.
    pub fn note_namespaces<'k>(&mut self, given: &str, objects: impl IntoIterator<Item = (Kind, &'k Key, bool)>) {
        let outside = Arc::make_mut(&mut self.outside);
        outside.given = given.into();
        for (kind, key, has_namespace) in objects {
            if has_namespace {
                outside.with_namespace.entry((kind, key.name.clone())).or_insert_with(|| key.namespace.clone());
            } else {
                outside.without_namespace.insert((kind, key.name.clone()));
            }
        }
    }

    /// Returns whether an object that the inventory does not contain may exist: files only show a part of a cluster.
    #[must_use]
    pub fn has_doubts(&self) -> bool {
        !self.outside.makers.is_empty() || !self.outside.without_namespace.is_empty()
    }

    /// Returns whether the inventory contains an object that Ingresses reference, readable or not.
    #[must_use]
    pub fn contains(&self, kind: Kind, key: &Key) -> bool {
        let Key { namespace, name } = key;
        let is_readable = match kind {
            Kind::ConfigMap => self.config_map(key).is_some(),
            Kind::IngressClass => self.class(name).is_some(),
            Kind::Secret => self.secret(namespace, name).is_some(),
            Kind::Service => self.service(namespace, name).is_some(),
            _ => false,
        };
        is_readable || self.is_unreadable(kind, namespace, name)
    }

    /// Returns why an object that an Ingress references, and that the inventory does not contain, may exist.
    #[must_use]
    pub fn doubt(&self, ingress: &Key, kind: Kind, key: &Key) -> Option<Doubt<'_>> {
        let outside = &*self.outside;
        if let Some(namespace) = outside.namespace_of_both(ingress, kind, key) {
            return Some(Doubt::Namespace(namespace));
        }
        if kind != Kind::Service {
            return None;
        }
        let of = |namespace: Option<&str>| outside.makers.get(&namespace.map(Box::from)).into_iter().flatten();
        // Operators derive the names of Services from the name of the object.
        let is_near = |maker: &&Maker| key.name.contains(&*maker.name);
        let makers = || of(Some(&key.namespace)).chain(of(None));
        makers().find(is_near).or_else(|| makers().next()).map(Doubt::Maker)
    }
}
