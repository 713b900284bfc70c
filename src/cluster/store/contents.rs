//! The contents of the store by kind: keys, objects, counts.

use std::collections::BTreeSet;

use foldhash::HashSet;

use super::Inventory;
use crate::cluster::Object;
use crate::cluster::store::namespaced::{Keyed, Namespaced};
use crate::model::{Key, Kind};

impl Inventory {
    /// Returns the keys of a kind: objects that a list does not contain are removed.
    #[must_use]
    pub fn keys(&self, kind: Kind) -> HashSet<Key> {
        let mut keys: HashSet<Key> = match kind {
            Kind::ApiService | Kind::MutatingWebhookConfiguration | Kind::ValidatingWebhookConfiguration => {
                self.api_callers.all(kind).map(|caller| caller.key.clone()).collect()
            }
            Kind::Certificate => keys_of(self.certificates.objects()),
            Kind::ConfigMap => self.config_maps.keys().cloned().collect(),
            Kind::DaemonSet | Kind::Deployment | Kind::Node | Kind::Pod | Kind::StatefulSet => {
                self.workloads.keys(kind).collect()
            }
            Kind::EndpointSlice => keys_of(self.endpoint_slices.objects()),
            Kind::Ingress => keys_of(self.ingresses.objects()),
            Kind::IngressClass => self.classes.values().map(|class| class.meta.key.clone()).collect(),
            Kind::Namespace => self.namespaces.keys().map(|name| Key::new("", name)).collect(),
            Kind::Secret => keys_of(&self.secrets),
            Kind::Service => keys_of(&self.services),
        };
        for ((_, namespace), names) in self.unreadable.iter().filter(|((of, _), _)| *of == kind) {
            keys.extend(names.iter().map(|name| Key::new(namespace, name)));
        }
        keys
    }

    /// Returns the objects of a kind in the order of their keys.
    #[must_use]
    pub fn objects(&self, kind: Kind) -> Vec<Object> {
        let mut objects: Vec<Object> = match kind {
            Kind::ApiService | Kind::MutatingWebhookConfiguration | Kind::ValidatingWebhookConfiguration => {
                self.api_callers.all(kind).cloned().map(|caller| Object::ApiCaller(kind, caller)).collect()
            }
            Kind::Certificate => self.certificates.objects().iter().cloned().map(Object::Certificate).collect(),
            Kind::ConfigMap => self.config_maps.values().cloned().map(Object::ConfigMap).collect(),
            Kind::DaemonSet | Kind::Deployment | Kind::Node | Kind::Pod | Kind::StatefulSet => {
                self.workloads.objects(kind)
            }
            Kind::EndpointSlice => self.endpoint_slices.objects().iter().cloned().map(Object::EndpointSlice).collect(),
            Kind::Ingress => self.ingresses().cloned().map(|ingress| Object::Ingress(Box::new(ingress))).collect(),
            Kind::IngressClass => self.classes().cloned().map(Object::IngressClass).collect(),
            Kind::Namespace => {
                self.namespaces.values().map(|namespace| Object::Namespace((**namespace).clone())).collect()
            }
            Kind::Secret => self.secrets.iter().cloned().map(Object::Secret).collect(),
            Kind::Service => self.services.iter().cloned().map(Object::Service).collect(),
        };
        objects.sort_by_cached_key(Object::key);
        objects
    }

    /// Returns the keys of unreadable objects.
    pub fn unreadable(&self) -> impl Iterator<Item = (Kind, Key)> {
        let of = |((kind, namespace), names): (&(Kind, Box<str>), &BTreeSet<Box<str>>)| {
            let keys: Vec<_> = names.iter().map(|name| (*kind, Key::new(namespace, name))).collect();
            keys
        };
        self.unreadable.iter().flat_map(of)
    }

    /// Returns the number of objects of a kind.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        match kind {
            Kind::ApiService | Kind::MutatingWebhookConfiguration | Kind::ValidatingWebhookConfiguration => {
                self.api_callers.all(kind).count()
            }
            Kind::Certificate => self.certificates.objects().count(),
            Kind::ConfigMap => self.config_maps.len(),
            Kind::DaemonSet | Kind::Deployment | Kind::Node | Kind::Pod | Kind::StatefulSet => {
                self.workloads.count(kind)
            }
            Kind::EndpointSlice => self.endpoint_slices.objects().count(),
            Kind::Ingress => self.ingresses.objects().count(),
            Kind::IngressClass => self.classes.len(),
            Kind::Namespace => self.namespaces.len(),
            Kind::Secret => self.secrets.count(),
            Kind::Service => self.services.count(),
        }
    }
}

fn keys_of<T: Keyed>(objects: &Namespaced<T>) -> HashSet<Key> {
    objects.iter().map(|object| object.key().clone()).collect()
}
