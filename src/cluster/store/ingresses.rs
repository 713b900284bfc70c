//! The Ingresses of the inventory, with indexes for the lookups of checks.

use std::collections::BTreeSet;
use std::hash::Hash;

use foldhash::HashMap;

use super::namespaced::{Namespaced, SmallSet, unlink};
use crate::model::{Backend, ClassRef, Host, Ingress, Key};

/// An owned class reference of an Ingress.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum ClassKey {
    Named(Box<str>),
    Annotated(Box<str>),
    Classless,
}

/// Every known Ingress.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ingresses {
    objects: Namespaced<Ingress>,
    /// Rule host or alias → the Ingresses that name it. A defaultBackend without rules counts as [`Host::Any`].
    hosts: HashMap<Host, SmallSet<Key>>,
    /// Class value → the number of its Ingresses with an address.
    served: HashMap<ClassKey, usize>,
    /// Namespace and name of a Service → the Ingresses that send requests to it.
    users: HashMap<Key, SmallSet<Key>>,
    /// Name of a regex group, in lower case → the Ingresses that define it.
    groups: HashMap<Box<str>, SmallSet<Key>>,
}

impl Ingresses {
    pub(crate) fn apply(&mut self, ingress: Ingress) {
        let key = ingress.meta.key.clone();
        self.delete(&key);
        for host in claimed_hosts(&ingress) {
            self.hosts.entry(host).or_default().insert(key.clone());
        }
        for service in services(&ingress) {
            self.users.entry(Key::new(&key.namespace, service)).or_default().insert(key.clone());
        }
        for group in ingress.group_names() {
            self.groups.entry(group).or_default().insert(key.clone());
        }
        if ingress.has_address {
            *self.served.entry(ClassKey::from(ingress.class_ref())).or_default() += 1;
        }
        self.objects.insert(ingress);
    }

    pub(crate) fn delete(&mut self, key: &Key) {
        let Some(ingress) = self.objects.remove(key) else { return };
        for host in claimed_hosts(&ingress) {
            unlink(&mut self.hosts, &host, key);
        }
        for service in services(&ingress) {
            unlink(&mut self.users, &Key::new(&key.namespace, service), key);
        }
        for group in ingress.group_names() {
            unlink(&mut self.groups, &group, key);
        }
        if ingress.has_address {
            let class = ClassKey::from(ingress.class_ref());
            if let Some(count) = self.served.get_mut(&class) {
                *count -= 1;
                if *count == 0 {
                    self.served.remove(&class);
                }
            }
        }
    }

    pub(crate) fn objects(&self) -> &Namespaced<Ingress> {
        &self.objects
    }

    pub(crate) fn on(&self, host: &Host) -> impl Iterator<Item = &Ingress> {
        self.found(self.hosts.get(host))
    }

    pub(crate) fn using(&self, service: &Key) -> impl Iterator<Item = &Ingress> {
        self.found(self.users.get(service))
    }

    pub(crate) fn naming(&self, group: &str) -> impl Iterator<Item = &Ingress> {
        self.found(self.groups.get(group))
    }

    pub(crate) fn is_served(&self, class: ClassRef<'_>) -> bool {
        self.served.contains_key(&ClassKey::from(class))
    }

    fn found<'a>(&'a self, keys: Option<&'a SmallSet<Key>>) -> impl Iterator<Item = &'a Ingress> {
        let keys = keys.into_iter().flat_map(SmallSet::iter);
        keys.filter_map(|key| self.objects.get(&key.namespace, &key.name))
    }
}

/// Returns the hosts of an Ingress: those of its rules, its aliases (ingress-nginx `server-alias`), and [`Host::Any`] if it
/// has only a default backend.
fn claimed_hosts(ingress: &Ingress) -> Vec<Host> {
    let mut hosts: Vec<Host> = ingress.hosts().into_iter().map(|(_, host)| host.clone()).collect();
    if ingress.rules.is_empty() && ingress.default_backend.is_some() {
        hosts.push(Host::Any);
    }
    hosts.extend(ingress.meta.annotations.server_aliases().map(Host::parse));
    hosts
}

/// Returns the Services that an Ingress sends requests to.
fn services(ingress: &Ingress) -> BTreeSet<&str> {
    let names = ingress.backends().filter_map(|at| match at.backend {
        Backend::Service { name, .. } => Some(&**name),
        Backend::Resource => None,
    });
    names.collect()
}

impl From<ClassRef<'_>> for ClassKey {
    fn from(class: ClassRef<'_>) -> Self {
        match class {
            ClassRef::Named(name) => Self::Named(name.into()),
            ClassRef::Annotated(value) => Self::Annotated(value.into()),
            ClassRef::Classless => Self::Classless,
        }
    }
}
