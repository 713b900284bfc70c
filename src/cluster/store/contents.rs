//! The contents of the store by kind: keys, objects, counts.

use std::collections::BTreeSet;

use foldhash::HashSet;

use super::Inventory;
use crate::cluster::Object;
use crate::cluster::store::namespaced::Keyed as _;
use crate::model::{ClassRef, ConfigMap, Key, Kind};

impl Inventory {
    /// Calls a function with the key of each object of a kind, readable or not.
    pub fn each_key(&self, kind: Kind, mut call: impl FnMut(&Key)) {
        match kind {
            Kind::ApiService | Kind::MutatingWebhookConfiguration | Kind::ValidatingWebhookConfiguration => {
                self.api_callers.all(kind).for_each(|caller| call(&caller.key));
            }
            Kind::Certificate => self.certificates.objects().iter().for_each(|object| call(object.key())),
            Kind::ConfigMap => self.config_maps.keys().for_each(&mut call),
            Kind::DaemonSet | Kind::Deployment | Kind::Node | Kind::Pod | Kind::StatefulSet => {
                self.workloads.keys(kind).for_each(|key| call(&key));
            }
            Kind::EndpointSlice => self.endpoint_slices.objects().iter().for_each(|object| call(object.key())),
            Kind::Ingress => self.ingresses.objects().iter().for_each(|object| call(object.key())),
            Kind::IngressClass => self.classes.values().for_each(|class| call(&class.meta.key)),
            Kind::Namespace => self.namespaces.keys().for_each(|name| call(&Key::new("", name))),
            Kind::Secret => self.secrets.iter().for_each(|object| call(object.key())),
            Kind::Service => self.services.iter().for_each(|object| call(object.key())),
        }
        for ((_, namespace), names) in self.unreadable.iter().filter(|((of, _), _)| *of == kind) {
            for name in names {
                call(&Key::new(namespace, name));
            }
        }
    }

    /// Returns the number of Ingresses of this class.
    #[must_use]
    pub fn ingresses_of_class(&self, class: ClassRef<'_>) -> usize {
        self.ingresses.of_class(class)
    }

    /// Returns every ConfigMap.
    pub fn config_maps(&self) -> impl Iterator<Item = &ConfigMap> {
        self.config_maps.values()
    }

    /// Returns the keys of a kind, readable or not.
    #[must_use]
    pub fn keys(&self, kind: Kind) -> HashSet<Key> {
        let mut keys = HashSet::default();
        self.each_key(kind, |key| {
            keys.insert(key.clone());
        });
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
